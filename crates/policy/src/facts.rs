//! What is known of an image when policies are asked.

use crate::support;
use jiff::Timestamp;
use sekisho_model::{
    AssessedBy, Fact, FindingRow, FindingStatus, Image, ImageConfig, InUseReport, Inventory, LicenseTerm, Package,
    PackageId, ScanReport, ScanState, Severity, UseState,
};
use std::collections::{BTreeMap, HashMap};

/// An image as criteria look at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageFacts {
    /// When it was built, where it says so.
    pub created: Option<Timestamp>,
    /// When it was scanned; none where it was not.
    pub scanned: Option<Timestamp>,
    /// `debian:12`; empty where there is no distribution in it.
    pub os: Fact<String>,
    /// When the security updates of its distribution end; none where they do not, or where there is no distribution in it.
    pub supported_until: Fact<Option<Timestamp>>,
    /// How it is run where nothing else is said.
    pub config: Fact<ImageConfig>,
    /// The name of the image it was built on.
    pub base: Fact<String>,
    /// Labels.
    pub labels: Fact<BTreeMap<String, String>>,
    /// What it was built by: instruction and the rest of the line.
    pub lines: Fact<Vec<(String, String)>>,
    /// Packages.
    pub components: Vec<Component>,
    /// Why there may be more packages; none where these are all.
    pub missing: Option<String>,
    /// The ids of whoever's signature was verified.
    pub signed_by: Fact<Vec<String>>,
    /// The predicate types of verified attestations.
    pub attestations: Fact<Vec<String>>,
    /// The rules that found secrets in it.
    pub secrets: Fact<Vec<String>>,
    /// What a malware scan found in it.
    pub malware: Fact<Vec<String>>,
}

/// A package of an image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Component {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// What it is licensed under, as one expression; empty where it does not say.
    pub licenses: Vec<LicenseTerm>,
    /// Whether one of its files was opened while the image ran.
    pub in_use: Fact<bool>,
    /// What it is known to have.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Whether that is all that is published.
    pub judged: Fact<()>,
}

/// A vulnerability of a package, unless it is suppressed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vulnerability {
    /// Its CVE, or whatever its publisher calls it.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// CVSS by whoever ships the package.
    pub cvss: Option<f32>,
    /// CVSS by NVD.
    pub nvd_cvss: Option<f32>,
    /// The first version without it; empty where there is none.
    pub fixed_by: String,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// Whether it is known to be exploited.
    pub exploited: Fact<bool>,
    /// Since when that is known.
    pub exploited_since: Option<Timestamp>,
    /// How likely it is to be exploited within 30 days, 0 to 1.
    pub epss: Fact<f32>,
}

impl ImageFacts {
    /// What a scan says.
    pub fn of(report: &ScanReport) -> Self {
        let inventory = &report.inventory;
        let image = inventory.image.as_ref();
        let judged = judged(report);
        let none = AssessedBy::default();
        let database = report.assessment.database.as_ref().unwrap_or(&none);
        let mut components: Vec<Component> = Vec::with_capacity(inventory.packages.len());
        let mut places = HashMap::new();
        for package in inventory.packages.iter().filter(|package| package.owned_by.is_none()) {
            places.insert(&package.id, components.len());
            components.push(Component {
                name: package.facts.name.clone(),
                version: package.facts.version.clone(),
                licenses: licenses(package),
                in_use: Fact::NotAsked,
                vulnerabilities: Vec::new(),
                judged: judged.clone(),
            });
        }
        for row in report.rows() {
            let Some(place) = places.get(&row.package.id) else { continue };
            if row.finding.suppressed.is_none() {
                components[*place].vulnerabilities.push(vulnerability(&row, database));
            }
        }
        let has_distribution = inventory.packages.iter().any(|package| package.facts.kind.is_os());
        let missing = (!inventory.complete).then(|| "not everything in it could be read".to_owned());
        let supported_until = match &inventory.os {
            Some(os) => support::ends(&os.id, &os.version_id),
            None if has_distribution => Fact::Unknown("of which distribution it is cannot be told".to_owned()),
            None => missing.clone().map_or(Fact::Known(None), Fact::Unknown),
        };
        let os = match &inventory.os {
            Some(os) => Fact::Known(format!("{}:{}", os.id, os.version_id)),
            None if has_distribution || image.is_none() => {
                Fact::Unknown("of which distribution it is cannot be told".to_owned())
            }
            None => missing.clone().map_or(Fact::Known(String::new()), Fact::Unknown),
        };
        Self {
            created: image.and_then(|image| image.created.as_deref()?.parse().ok()),
            scanned: Some(inventory.observed_at),
            os,
            supported_until,
            config: told(image, "how it is run is not known", |image| image.config.clone()),
            base: told(image, "its base image is not known", |image| image.base.as_ref()?.name.clone()),
            labels: told(image, "its labels are not known", |image| {
                // A document that does not say how the image is run does not say either that it has no label.
                let says = image.config.is_some() || !image.labels.is_empty();
                says.then(|| image.labels.iter().cloned().collect())
            }),
            lines: told(image, "it has no build history", |image| {
                let lines = image.history.iter().filter_map(|step| line(step.created_by.as_deref()?));
                Some(lines.collect::<Vec<_>>()).filter(|lines| !lines.is_empty())
            }),
            components,
            missing,
            signed_by: Fact::NotAsked,
            attestations: Fact::NotAsked,
            secrets: Fact::NotAsked,
            malware: Fact::NotAsked,
        }
    }

    /// Takes in what hosts saw of the image that these facts are of while it ran. A package that one of them saw in use is; it is
    /// not where the image ran and nobody saw it, unless somebody lost events or does not know which files are its own.
    pub fn used(&mut self, inventory: &Inventory, reports: &[InUseReport]) {
        let image = inventory.image.as_ref();
        let digests =
            image.into_iter().flat_map(|image| image.manifest_digest.into_iter().chain([image.config_digest]));
        let digests: Vec<String> = digests.map(|digest| digest.to_string()).collect();
        let mut seen: HashMap<&PackageId, Vec<(UseState, u64)>> = HashMap::new();
        for report in reports {
            for package in
                report.images.iter().filter(|image| digests.contains(&image.digest)).flat_map(|image| &image.packages)
            {
                seen.entry(&package.id).or_default().push((package.state, report.lost));
            }
        }
        let packages = inventory.packages.iter().filter(|package| package.owned_by.is_none());
        for (component, package) in self.components.iter_mut().zip(packages) {
            let seen = seen.get(&package.id).map(Vec::as_slice).unwrap_or_default();
            let any = |of: fn(&(UseState, u64)) -> bool| seen.iter().any(of);
            component.in_use = match () {
                () if any(|(state, _)| *state == UseState::InUse) => Fact::Known(true),
                () if seen.is_empty() => Fact::Unknown("nobody watched what of the image is in use".to_owned()),
                () if any(|(state, _)| *state == UseState::Unknown) => {
                    Fact::Unknown("which files are the package's is not known".to_owned())
                }
                () if any(|(_, lost)| *lost > 0) => {
                    Fact::Unknown("events were lost while it was watched what is in use".to_owned())
                }
                () => Fact::Known(false),
            };
        }
    }
}

/// What an image tells; that it does not is not what nobody asked for.
fn told<T>(image: Option<&Image>, why_not: &str, of: impl FnOnce(&Image) -> Option<T>) -> Fact<T> {
    image.and_then(of).map_or_else(|| Fact::Unknown(why_not.to_owned()), Fact::Known)
}

/// Whether all published vulnerabilities of a package are there.
fn judged(report: &ScanReport) -> Fact<()> {
    let database = report.assessment.database.as_ref();
    match report.assessment.state {
        ScanState::NotEvaluated => Fact::NotAsked,
        ScanState::NotScanned => Fact::Unknown("there is no advisory database".to_owned()),
        ScanState::Incomplete => Fact::Unknown("not all packages could be judged".to_owned()),
        ScanState::Scanned if database.is_some_and(AssessedBy::is_demonstration) => {
            Fact::Unknown("only the vulnerabilities of the demonstration set are known".to_owned())
        }
        ScanState::Scanned => match database.filter(|database| !database.stale.is_empty()) {
            Some(database) => Fact::Unknown(format!("advisories are too old: {}", database.stale.join(", "))),
            None => Fact::Known(()),
        },
    }
}

/// All that a package is licensed under, as one expression.
pub(crate) fn licenses(package: &Package) -> Vec<LicenseTerm> {
    let mut all = Vec::new();
    for license in &package.facts.licenses {
        let joins = !all.is_empty();
        all.extend(license.terms());
        all.extend(joins.then_some(LicenseTerm::And));
    }
    all
}

fn vulnerability(row: &FindingRow<'_>, database: &AssessedBy) -> Vulnerability {
    let FindingRow { finding, vulnerability, .. } = row;
    let score = |by: &str| vulnerability.judgements.iter().find(|own| own.by == by).and_then(|own| own.score);
    let own = vulnerability.judgements.iter().find(|own| own.by != "nvd").and_then(|own| own.score);
    let fixed = (finding.status == FindingStatus::Fixed).then(|| finding.fixed_in.first()).flatten();
    let since = |added: &str| format!("{added}T00:00:00Z").parse().ok();
    Vulnerability {
        id: vulnerability.id.clone(),
        severity: finding.severity,
        cvss: own.or_else(|| score("nvd")),
        nvd_cvss: score("nvd"),
        fixed_by: fixed.cloned().unwrap_or_default(),
        published: vulnerability.published,
        exploited: match (&vulnerability.exploited, database.exploited) {
            (Some(_), _) => Fact::Known(true),
            (None, 0) => {
                Fact::Unknown("the database does not hold what is known to be exploited (feed kev)".to_owned())
            }
            (None, _) => Fact::Known(false),
        },
        exploited_since: vulnerability.exploited.as_ref().and_then(|exploited| since(&exploited.added)),
        epss: match (vulnerability.likelihood, database.likelihoods) {
            (Some(likelihood), _) => Fact::Known(likelihood.probability),
            (None, 0) => Fact::Unknown("the database does not hold how likely exploitation is (feed epss)".to_owned()),
            (None, _) => Fact::Unknown("EPSS has no score for it".to_owned()),
        },
    }
}

/// The instruction and the rest of a step of an image's history, in all forms that builders write.
pub(crate) fn line(created_by: &str) -> Option<(String, String)> {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").map_or(text, str::trim_end);
    // The classic builder: `/bin/sh -c #(nop)  CMD ["x"]` for what changes no file, `/bin/sh -c command` for what does.
    if let Some(rest) = text.strip_prefix("/bin/sh -c #(nop)") {
        let (instruction, rest) = rest.trim().split_once(char::is_whitespace)?;
        return Some((instruction.to_ascii_uppercase(), rest.trim().to_owned()));
    }
    match text.split_once(char::is_whitespace) {
        Some((instruction, rest)) if is_instruction(instruction) => {
            Some((instruction.to_ascii_uppercase(), rest.trim().to_owned()))
        }
        _ => Some(("RUN".to_owned(), text.to_owned())),
    }
}

/// Instructions of Dockerfiles.
pub(crate) const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

fn is_instruction(word: &str) -> bool {
    INSTRUCTIONS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines_of_all_builders_are_understood() {
        let check = |created_by: &str, instruction: &str, rest: &str| {
            assert_eq!(line(created_by), Some((instruction.to_owned(), rest.to_owned())), "{created_by}");
        };
        check("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]");
        check("/bin/sh -c #(nop) ADD file:abc in / ", "ADD", "file:abc in /");
        check("/bin/sh -c apt-get update", "RUN", "/bin/sh -c apt-get update");
        check("RUN /bin/sh -c apt-get update # buildkit", "RUN", "/bin/sh -c apt-get update");
        check("EXPOSE map[22/tcp:{}]", "EXPOSE", "map[22/tcp:{}]");
        check("USER app", "USER", "app");
        check("apk add curl", "RUN", "apk add curl");
        assert_eq!(line("/bin/sh -c #(nop)"), None);
    }
}
