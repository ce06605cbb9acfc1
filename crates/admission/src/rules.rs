//! What follows from what policies say: where they only tell and where they refuse, and what is never judged.

use globset::{Glob, GlobMatcher};
use jiff::{Timestamp, civil, tz::TimeZone};
use sekisho_model::{Digest, PolicySeverity};
use std::str::FromStr;

/// What follows from violations in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// They are noted in the API server's audit log and in ours.
    Audit,
    /// Whoever asks is warned as well.
    Warn,
    /// Those of policies that are enforced are refused.
    Enforce,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Audit, Self::Warn, Self::Enforce];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is none of audit, warn and enforce"))
    }
}

/// What follows where nobody can say whether a policy is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// It is noted.
    Allow,
    /// Whoever asks is warned as well.
    Warn,
    /// It counts as a violation.
    Deny,
}

impl Doubt {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl FromStr for Doubt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Allow, Self::Warn, Self::Deny].into_iter().find(|doubt| doubt.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is none of allow, warn and deny"))
    }
}

/// Names with `*` and `?`.
#[derive(Debug, Clone)]
pub struct Names(GlobMatcher);

impl Names {
    /// Whether `name` is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| format!("{text:?} is no name with `*`: {}", error.kind()))?;
        Ok(Self(glob.compile_matcher()))
    }
}

/// `NAME=VALUE`.
pub fn pair<T: FromStr<Err = String>>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.rsplit_once('=').ok_or_else(|| format!("{text:?} is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.parse()?))
}

/// A moment in RFC 3339, or a day, which ends in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(pub Timestamp);

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || text.parse::<civil::Date>().ok()?.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok();
        let moment = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
        moment.map(Self).ok_or_else(|| format!("{text:?} is no day such as 2026-12-31"))
    }
}

/// The namespaces that are never judged unless a site says otherwise: those of the cluster itself and of this program. A
/// webhook that could keep them from starting could keep the cluster from being mended.
pub const EXEMPT: [&str; 6] =
    ["kube-system", "kube-public", "kube-node-lease", "istio-system", "gatekeeper-system", "sekisho-system"];

/// Who makes the objects that belong to others: the controllers of Kubernetes and of `OpenShift`. Anyone else can say that
/// a pod belongs to something.
pub const CONTROLLERS: [&str; 3] = [
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:*-controller",
    "system:serviceaccount:openshift-infra:*-controller",
];

/// The rules of a site.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The mode of namespaces of which nothing else is said.
    pub mode: Mode,
    /// Modes of namespaces; the first that fits counts.
    pub namespaces: Vec<(Names, Mode)>,
    /// How many percent of the other namespaces are enforced already. Which ones follows from their names: more percent
    /// are the same ones and more.
    pub enforce_percent: u8,
    /// Whether the label of a namespace says its mode, before all that is said here.
    pub labels: bool,
    /// Namespaces that are not judged.
    pub exempt: Vec<Names>,
    /// Users who are not judged.
    pub exempt_users: Vec<Names>,
    /// Users whose pods were judged with what they belong to.
    pub controllers: Vec<Names>,
    /// Whether their pods are judged all the same.
    pub judge_owned: bool,
    /// Violations at least this severe are refused, whether their policies are enforced or not.
    pub fail_on: Option<PolicySeverity>,
    /// Policies, by id or name, that refuse nothing until then.
    pub warn_until: Vec<(String, Until)>,
    /// What follows where nobody can say.
    pub unknown: Doubt,
    /// The same of single policies, by id or name.
    pub unknown_policies: Vec<(String, Doubt)>,
    /// The annotation by which a workload is let in whatever policies say, with the reason; none where there is no such
    /// way.
    pub break_glass: Option<String>,
    /// The id or name of the cluster, for policies that are for some.
    pub cluster: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        // These are sound.
        let names = |list: &[&str]| list.iter().filter_map(|name| name.parse().ok()).collect();
        Self {
            mode: Mode::Warn,
            namespaces: Vec::new(),
            enforce_percent: 0,
            labels: true,
            exempt: names(&EXEMPT),
            exempt_users: Vec::new(),
            controllers: names(&CONTROLLERS),
            judge_owned: false,
            fail_on: None,
            warn_until: Vec::new(),
            unknown: Doubt::Warn,
            unknown_policies: Vec::new(),
            break_glass: Some("sekisho.dev/break-glass".to_owned()),
            cluster: None,
        }
    }
}

impl Rules {
    /// The mode of a namespace. `label` is what its label says, where it has one.
    pub fn mode_of(&self, namespace: &str, label: Option<Mode>) -> Mode {
        if let Some(mode) = label.filter(|_| self.labels) {
            return mode;
        }
        if let Some((_, mode)) = self.namespaces.iter().find(|(names, _)| names.has(namespace)) {
            return *mode;
        }
        // What is in no namespace is enforced with the last of them.
        let place = if namespace.is_empty() { 99 } else { percentile(namespace) };
        if place < self.enforce_percent { Mode::Enforce } else { self.mode }
    }

    /// Whether a namespace is not judged.
    pub fn is_exempt(&self, namespace: &str) -> bool {
        self.exempt.iter().any(|names| names.has(namespace))
    }

    /// What follows where nothing is known of any policy: what the strictest of them asks for.
    pub(crate) fn strictest(&self) -> Doubt {
        let denies = self.unknown_policies.iter().any(|(_, doubt)| *doubt == Doubt::Deny);
        if denies { Doubt::Deny } else { self.unknown }
    }

    pub(crate) fn unknown_for(&self, id: &str, name: &str) -> Doubt {
        let own = self.unknown_policies.iter().find(|(policy, _)| policy == id || policy == name);
        own.map_or(self.unknown, |(_, doubt)| *doubt)
    }

    /// Until when a policy refuses nothing, where that is still to come.
    pub(crate) fn warns_until(&self, id: &str, name: &str, now: Timestamp) -> Option<Timestamp> {
        let own = self.warn_until.iter().find(|(policy, _)| policy == id || policy == name);
        own.map(|(_, until)| until.0).filter(|until| *until > now)
    }
}

/// Where a name stands among a hundred, the same everywhere and always.
fn percentile(name: &str) -> u8 {
    let digest = Digest::of(name.as_bytes()).to_string();
    let hex = digest.rsplit(':').next().and_then(|hex| hex.get(..8)).unwrap_or_default();
    (u32::from_str_radix(hex, 16).unwrap_or(0) % 100) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_namespace_counts_before_what_is_said_of_all() {
        let rules = Rules {
            namespaces: ["pay=enforce", "pay-*=audit", "*-dev=warn"]
                .iter()
                .map(|text| pair::<Mode>(text).map(|(name, mode)| (name.parse().unwrap(), mode)).unwrap())
                .collect(),
            mode: Mode::Audit,
            ..Rules::default()
        };
        assert_eq!(rules.mode_of("pay", None), Mode::Enforce);
        assert_eq!(rules.mode_of("pay-dev", None), Mode::Audit);
        assert_eq!(rules.mode_of("shop-dev", None), Mode::Warn);
        assert_eq!(rules.mode_of("shop", None), Mode::Audit);
        assert_eq!(rules.mode_of("pay", Some(Mode::Warn)), Mode::Warn);
        let deaf = Rules { labels: false, ..rules };
        assert_eq!(deaf.mode_of("pay", Some(Mode::Warn)), Mode::Enforce);
        assert!(deaf.is_exempt("kube-system") && !deaf.is_exempt("default"));
    }

    #[test]
    fn more_percent_are_the_same_namespaces_and_more() {
        let enforced = |percent| {
            let rules = Rules { enforce_percent: percent, ..Rules::default() };
            let names = (0..1000).map(|number| format!("team-{number}"));
            names.filter(|name| rules.mode_of(name, None) == Mode::Enforce).collect::<Vec<_>>()
        };
        let (none, some, more, all) = (enforced(0), enforced(10), enforced(30), enforced(100));
        assert!(none.is_empty() && all.len() == 1000);
        assert!((60..150).contains(&some.len()) && (240..360).contains(&more.len()), "{} {}", some.len(), more.len());
        assert!(some.iter().all(|name| more.contains(name)));
    }

    #[test]
    fn days_end_and_moments_are_moments() {
        let until = |text: &str| text.parse::<Until>().map(|until| until.0.to_string());
        assert_eq!(until("2026-12-31").unwrap(), "2027-01-01T00:00:00Z");
        assert_eq!(until("2026-12-31T10:00:00Z").unwrap(), "2026-12-31T10:00:00Z");
        assert!(until("soon").is_err() && pair::<Until>("policy").is_err());
        assert!("block".parse::<Mode>().is_err() && "maybe".parse::<Doubt>().is_err() && "[".parse::<Names>().is_err());
    }
}
