//! What is known of an image when policies are asked.

use jiff::Timestamp;
use sekisho_model::{Fact, FindingStatus, ScanReport, ScanState, Severity};
use std::collections::BTreeMap;

/// An image as criteria look at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageFacts {
    /// When it was built, where it says so.
    pub created: Option<Timestamp>,
    /// When it was scanned; none where it was not.
    pub scanned: Option<Timestamp>,
    /// `debian:12`; empty where it does not say.
    pub os: String,
    /// The user that its processes run as; empty for root.
    pub user: Fact<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What it was built by: instruction and the rest of the line.
    pub lines: Vec<(String, String)>,
    /// Packages.
    pub components: Vec<Component>,
    /// The ids of whoever's signature was verified.
    pub signed_by: Fact<Vec<String>>,
}

/// A package of an image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Component {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
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
}

impl ImageFacts {
    /// What a scan says.
    pub fn of(report: &ScanReport) -> Self {
        let inventory = &report.inventory;
        let image = inventory.image.as_ref();
        let history = image.map(|image| image.history.as_slice()).unwrap_or_default();
        let mut components: Vec<Component> = Vec::with_capacity(inventory.packages.len());
        let mut places = std::collections::HashMap::new();
        for package in inventory.packages.iter().filter(|package| package.owned_by.is_none()) {
            places.insert(&package.id, components.len());
            let (name, version) = (package.facts.name.clone(), package.facts.version.clone());
            let judged = match report.assessment.state {
                ScanState::Scanned => Fact::Known(()),
                ScanState::Incomplete => Fact::Unknown("not all packages could be judged".to_owned()),
                ScanState::NotScanned => Fact::Unknown("there is no advisory database".to_owned()),
                ScanState::NotEvaluated => Fact::NotAsked,
            };
            components.push(Component { name, version, vulnerabilities: Vec::new(), judged });
        }
        for row in report.rows() {
            let Some(place) = places.get(&row.package.id) else { continue };
            if row.finding.suppressed.is_some() {
                continue;
            }
            let score =
                |by: &str| row.vulnerability.judgements.iter().find(|own| own.by == by).and_then(|own| own.score);
            let own = row.vulnerability.judgements.iter().find(|own| own.by != "nvd").and_then(|own| own.score);
            let fixed = (row.finding.status == FindingStatus::Fixed).then(|| row.finding.fixed_in.first()).flatten();
            components[*place].vulnerabilities.push(Vulnerability {
                id: row.vulnerability.id.clone(),
                severity: row.finding.severity,
                cvss: own.or_else(|| score("nvd")),
                nvd_cvss: score("nvd"),
                fixed_by: fixed.cloned().unwrap_or_default(),
                published: row.vulnerability.published,
            });
        }
        Self {
            created: image.and_then(|image| image.created.as_deref()?.parse().ok()),
            scanned: Some(inventory.observed_at),
            os: inventory.os.as_ref().map(|os| format!("{}:{}", os.id, os.version_id)).unwrap_or_default(),
            // Inventories do not carry it.
            user: Fact::NotAsked,
            labels: image.map(|image| image.labels.iter().cloned().collect()).unwrap_or_default(),
            lines: history.iter().filter_map(|step| line(step.created_by.as_deref()?)).collect(),
            components,
            signed_by: Fact::NotAsked,
        }
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
