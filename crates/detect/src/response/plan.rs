//! The file that a plan is written in.

use crate::alert::{Alert, Priority};
use crate::glob;
use crate::value::Truth;
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::RunningContainer;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The field of an alert that says that it is of a policy which is to be enforced while something runs.
pub const ENFORCED: &str = "policy.enforced";
/// How many kills a minute a plan allows that says nothing of it.
const KILLS: u32 = 10;
/// How many seconds a container has to end by itself.
const GRACE: u32 = 10;
/// How many denials of connections one plan may have: each is a bit in the kernel.
pub(crate) const CONNECTING: usize = 64;

/// What is to be done, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Whether anything is done; otherwise it is only told what would be.
    pub enforce: bool,
    /// How many processes and containers may be killed, stopped or paused within a minute.
    pub kills_per_minute: u32,
    /// How long a container has to end by itself when it is stopped.
    pub grace: Duration,
    /// What alerts are answered with.
    pub responses: Vec<Response>,
    /// What is not allowed to happen.
    pub denials: Vec<Denial>,
}

/// What some alerts are answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// How records call it.
    pub name: Arc<str>,
    /// Rules by name, with `*` for anything; of any name where there is none.
    pub rules: Vec<String>,
    /// Tags of which the rule has to have one; any where there is none.
    pub tags: Vec<String>,
    /// How urgent the rule has to be at least.
    pub priority: Option<Priority>,
    /// Whether only violations are answered of policies that are to be enforced while something runs.
    pub enforced_policies: bool,
    /// Where it may act.
    pub scope: Scope,
    /// What is done.
    pub action: Action,
}

/// What is not allowed to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// How records call it.
    pub name: Arc<str>,
    /// Where.
    pub scope: Scope,
    /// Paths of programs, with `*` for anything, as the container sees them.
    pub programs: Vec<String>,
    /// Whether programs are denied that did not come with the container's image.
    pub foreign: bool,
    /// Files that are not to be written to, and directories in which none is: absolute, as the container sees them.
    pub writes: Vec<String>,
    /// Where no connection may go.
    pub connections: Vec<Connection>,
}

/// Addresses, and a port of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The first address.
    pub address: IpAddr,
    /// How many of its bits count.
    pub bits: u8,
    /// The port; any where there is none.
    pub port: Option<u16>,
}

/// What is done about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The process that the alert is about ends at once.
    KillProcess,
    /// All processes of its container end at once.
    KillContainer,
    /// The container is asked to end, and ended if it does not.
    StopContainer,
    /// No process of the container runs any more, until somebody lets them.
    PauseContainer,
}

impl Action {
    /// As plans and records write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KillProcess => "kill-process",
            Self::KillContainer => "kill-container",
            Self::StopContainer => "stop-container",
            Self::PauseContainer => "pause-container",
        }
    }
}

/// Where something may be done: in what is of all that is named, and of nothing that is excepted. Patterns have `*` for
/// anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Whether also what is in no container.
    pub host: bool,
    within: Names,
    except: Names,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Names {
    /// Names of containers, or their ids.
    containers: Vec<String>,
    images: Vec<String>,
    namespaces: Vec<String>,
}

/// Where something happens.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// In no container.
    Host,
    /// In this one.
    Container(&'a RunningContainer),
    /// Nobody can say.
    Unknown,
}

impl Scope {
    /// Whether something may be done there, or, as text, what would have to be known to tell.
    pub fn has(&self, place: Place<'_>) -> Result<bool, &'static str> {
        let container = match place {
            Place::Host => return Ok(self.host),
            Place::Container(container) => container,
            Place::Unknown => return Err("it is not known which container it is in"),
        };
        let (within, missing) = self.within.told(container, Truth::False, Truth::True);
        let (except, also_missing) = self.except.told(container, Truth::True, Truth::False);
        match (within, except) {
            (Truth::False, _) | (_, Truth::True) => Ok(false),
            (Truth::True, Truth::False) => Ok(true),
            _ => Err(missing.or(also_missing).unwrap_or("what is known of the container does not tell")),
        }
    }

    /// Whether it asks anything that only an engine knows.
    pub fn asks(&self) -> bool {
        [&self.within, &self.except].into_iter().any(|names| *names != Names::default())
    }
}

type Told = (Truth, Option<&'static str>);

impl Names {
    /// Each kind that names something, and whether a container is named by it.
    fn each(&self, container: &RunningContainer) -> [Option<Told>; 3] {
        let ask = |patterns: &[String], known: &[Option<&str>], none: bool, what: &'static str| {
            if patterns.is_empty() {
                return None;
            }
            let matches =
                |text: &str| patterns.iter().any(|pattern| glob::matches(pattern.as_bytes(), text.as_bytes()));
            Some(match () {
                () if known.iter().flatten().any(|text| matches(text)) => (Truth::True, None),
                () if none || known.iter().all(Option::is_some) => (Truth::False, None),
                () => (Truth::Unknown, Some(what)),
            })
        };
        let RunningContainer { id, full_id, name, image, image_repository, pod_namespace, no_pod, no_image, .. } =
            container;
        let full = full_id.as_deref().unwrap_or(id);
        // An image by its whole name, or by its repository; one that has no repository has a name.
        let repository = image_repository.as_deref().or(image.as_deref());
        [
            ask(&self.containers, &[Some(id), Some(full), name.as_deref()], false, "the container's name is not known"),
            ask(&self.images, &[image.as_deref(), repository], *no_image, "the container's image is not known"),
            ask(&self.namespaces, &[pod_namespace.as_deref()], *no_pod, "the container's namespace is not known"),
        ]
    }

    /// Whether it is of the kinds that name something: of every one where `False` settles it, of any where `True` does;
    /// `otherwise` where none settles it and all are known.
    fn told(&self, container: &RunningContainer, settles: Truth, otherwise: Truth) -> Told {
        let each = self.each(container);
        let mut asked = each.into_iter().flatten();
        let settled = asked.clone().find(|(truth, _)| *truth == settles);
        settled.or_else(|| asked.find(|(truth, _)| *truth == Truth::Unknown)).unwrap_or((otherwise, None))
    }
}

impl Response {
    /// Whether it is about this alert, wherever that is.
    pub fn answers(&self, alert: &Alert) -> bool {
        if self.enforced_policies && alert.fields.get(ENFORCED).and_then(Value::as_bool) != Some(true) {
            return false;
        }
        let name = alert.rule.as_bytes();
        let by_name = self.rules.is_empty() || self.rules.iter().any(|pattern| glob::matches(pattern.as_bytes(), name));
        let by_tag = self.tags.is_empty() || self.tags.iter().any(|tag| alert.tags.contains(tag));
        by_name && by_tag && self.priority.is_none_or(|least| alert.priority <= least)
    }
}

impl Denial {
    /// Whether a program with this path is among those that it names.
    pub fn programs_have(&self, path: &[u8]) -> bool {
        self.programs.iter().any(|pattern| glob::matches(pattern.as_bytes(), path))
    }
}

/// Why a file is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct Malformed {
    /// The line, where one can be named.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Malformed {
    fn of(reason: String) -> Self {
        Self { line: None, reason }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    mode: Mode,
    #[serde(default = "kills")]
    kills_per_minute: u32,
    #[serde(default = "grace")]
    grace_seconds: u32,
    #[serde(default)]
    responses: Vec<ResponseItem>,
    #[serde(default)]
    denials: Vec<DenialItem>,
}

fn kills() -> u32 {
    KILLS
}

fn grace() -> u32 {
    GRACE
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    DryRun,
    Enforce,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseItem {
    name: String,
    action: Action,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    priority: Option<String>,
    #[serde(default)]
    enforced_policies: bool,
    #[serde(default)]
    host: bool,
    #[serde(default)]
    within: Names,
    #[serde(default)]
    except: Names,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DenialItem {
    name: String,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    programs_not_in_image: bool,
    #[serde(default)]
    writes: Vec<String>,
    #[serde(default)]
    connections: Vec<String>,
    #[serde(default)]
    host: bool,
    #[serde(default)]
    within: Names,
    #[serde(default)]
    except: Names,
}

/// Reads a plan.
pub fn read(text: &str, limits: &Limits) -> Result<Plan, Malformed> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|location| location.line() as usize);
        // `error: line 1 column 7: ` and the reason; what follows shows the place in the file.
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        let reason = if line.is_some() { said.splitn(3, ": ").nth(2).unwrap_or(said) } else { said };
        Malformed { line, reason: reason.to_owned() }
    })?;
    if file.responses.len() + file.denials.len() > limits.records {
        return Err(Malformed::of(format!(
            "there are more than {} responses and denials ({})",
            limits.records,
            LimitKey::Records
        )));
    }
    let mut names = BTreeSet::new();
    let all = file.responses.iter().map(|one| &one.name).chain(file.denials.iter().map(|one| &one.name));
    for name in all {
        if name.is_empty() {
            return Err(Malformed::of(
                "a response or denial has an empty name, by which no record could call it".into(),
            ));
        }
        if !names.insert(name) {
            return Err(Malformed::of(format!(
                "two responses or denials are called {name:?}; give each a name of its own"
            )));
        }
    }
    let responses = file.responses.into_iter().map(response).collect::<Result<_, _>>()?;
    let denials: Vec<Denial> = file.denials.into_iter().map(denial).collect::<Result<_, _>>()?;
    if denials.iter().filter(|denial| !denial.connections.is_empty()).count() > CONNECTING {
        return Err(Malformed::of(format!("more than {CONNECTING} denials are about connections; put some together")));
    }
    Ok(Plan {
        enforce: file.mode == Mode::Enforce,
        kills_per_minute: file.kills_per_minute,
        grace: Duration::from_secs(file.grace_seconds.into()),
        responses,
        denials,
    })
}

fn response(item: ResponseItem) -> Result<Response, Malformed> {
    let ResponseItem { name, action, rules, tags, priority, enforced_policies, host, within, except } = item;
    let wrong = |reason: String| Malformed::of(format!("the response {name:?} {reason}"));
    if rules.is_empty() && tags.is_empty() && priority.is_none() && !enforced_policies {
        let reason = "would answer every alert: say which with `rules`, `tags`, `priority` or `enforced_policies` (`rules: \
                      [\"*\"]` for all)";
        return Err(wrong(reason.to_owned()));
    }
    if host && action != Action::KillProcess {
        return Err(wrong(format!("cannot {} where there is no container; leave `host` out", action.as_str())));
    }
    let priority = match priority {
        Some(text) => Some(Priority::of(&text).ok_or_else(|| {
            let known = Priority::ALL.map(|priority| priority.as_str().to_lowercase()).join(", ");
            wrong(format!("has the priority {text:?}; there are {known}"))
        })?),
        None => None,
    };
    let scope = Scope { host, within, except };
    Ok(Response { name: name.into(), rules, tags, priority, enforced_policies, scope, action })
}

fn denial(item: DenialItem) -> Result<Denial, Malformed> {
    let DenialItem { name, programs, programs_not_in_image, writes, connections, host, within, except } = item;
    let wrong = |reason: String| Malformed::of(format!("the denial {name:?} {reason}"));
    if programs.is_empty() && !programs_not_in_image && writes.is_empty() && connections.is_empty() {
        let known = "programs, programs_not_in_image, writes, connections";
        return Err(wrong(format!("denies nothing: say what with one of {known}")));
    }
    if programs_not_in_image && host {
        return Err(wrong("cannot tell what did not come with an image where there is no container".to_owned()));
    }
    if let Some(path) = programs.iter().find(|path| !path.starts_with(['/', '*'])) {
        return Err(wrong(format!("names the program {path:?}, which is no absolute path")));
    }
    // An open is denied by its file, which has to be found by its path first.
    if let Some(path) = writes.iter().find(|path| !path.starts_with('/') || path.contains(['*', '?', '['])) {
        return Err(wrong(format!("protects {path:?}, which is no absolute path without patterns")));
    }
    if host && programs.iter().any(|path| matches!(&**path, "*" | "/*")) {
        return Err(wrong("would deny every program of the host".to_owned()));
    }
    let connections = connections.iter().map(|text| {
        connection(text).ok_or_else(|| {
            wrong(format!("names the connection {text:?}; write `10.0.0.0/8`, `169.254.169.254 port 80` or `fd00::/8`"))
        })
    });
    Ok(Denial {
        connections: connections.collect::<Result<_, _>>()?,
        name: name.clone().into(),
        scope: Scope { host, within, except },
        programs,
        foreign: programs_not_in_image,
        writes,
    })
}

/// `ADDRESS[/BITS][ port PORT]`.
fn connection(text: &str) -> Option<Connection> {
    let mut words = text.split_ascii_whitespace();
    let network = words.next()?;
    let port = match (words.next(), words.next(), words.next()) {
        (None, ..) => None,
        (Some("port"), Some(port), None) => Some(port.parse().ok().filter(|port| *port > 0)?),
        _ => return None,
    };
    let (address, bits) = match network.split_once('/') {
        Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse::<u8>().ok()?)),
        None => (network.parse().ok()?, None),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Connection { address, bits, port })
}
