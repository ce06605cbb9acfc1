//! Examples of a policy: what it says of them is known, so that they are its tests.

use super::fields::Fields;
use crate::facts::{Component, ImageFacts, Vulnerability};
use jiff::Timestamp;
use sekisho_base::tree::Node;
use sekisho_model::{Fact, PolicyOutcome, Severity};

/// A manifest or an image, and what the policy says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// What the policy says.
    pub expect: PolicyOutcome,
    /// Objects; the policy is asked about each that is one of its subjects, and the worst counts.
    pub manifest: Vec<Node>,
    /// Images by the names that manifests give them; without a manifest, they are asked about themselves.
    pub images: Vec<(String, ImageFacts)>,
    /// The moment by which ages are judged.
    pub now: Timestamp,
}

pub(super) const OUTCOMES: [(&str, PolicyOutcome); 4] = [
    ("passed", PolicyOutcome::Passed),
    ("not_evaluated", PolicyOutcome::NotEvaluated),
    ("unknown", PolicyOutcome::Unknown),
    ("violated", PolicyOutcome::Violated),
];

const SEVERITIES: [(&str, Severity); 6] = [
    ("unknown", Severity::Unknown),
    ("negligible", Severity::Negligible),
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

pub(super) fn read(from: &mut Fields<'_>) -> Example {
    let manifest = match from.get("manifest") {
        None => Vec::new(),
        Some(node) if node.items().is_empty() => vec![node.clone()],
        Some(node) => node.items().to_vec(),
    };
    let images = from.each("images", image);
    if manifest.is_empty() && images.is_empty() {
        from.wrong("shows nothing: manifest or images is needed");
    }
    Example {
        name: from.needed_text("name"),
        expect: from.word("expect", &OUTCOMES).unwrap_or(PolicyOutcome::Violated),
        manifest,
        images,
        now: moment(from, "now").unwrap_or_default(),
    }
}

fn moment(from: &mut Fields<'_>, name: &'static str) -> Option<Timestamp> {
    let text = from.text(name);
    let moment = crate::scope::moment(&text);
    if moment.is_none() && !text.is_empty() {
        from.wrong_at(name, &format!("is {text:?}, which is no date"));
    }
    moment
}

fn image(from: &mut Fields<'_>) -> (String, ImageFacts) {
    let name = from.needed_text("name");
    let lines = from.texts("history");
    let facts = ImageFacts {
        created: moment(from, "created"),
        scanned: moment(from, "scanned").or(Some(Timestamp::UNIX_EPOCH)),
        os: from.text("os"),
        user: if from.get("user").is_some() { Fact::Known(from.text("user")) } else { Fact::NotAsked },
        labels: from
            .map("labels", |name, node, from| (name.to_owned(), from.texts_of(node, name).join("")))
            .into_iter()
            .collect(),
        lines: lines.iter().filter_map(|line| crate::facts::line(line)).collect(),
        components: from.each("packages", component),
        signed_by: if from.get("signed_by").is_some() { Fact::Known(from.texts("signed_by")) } else { Fact::NotAsked },
    };
    (name, facts)
}

fn component(from: &mut Fields<'_>) -> Component {
    Component {
        name: from.needed_text("name"),
        version: from.text("version"),
        vulnerabilities: from.each("vulnerabilities", vulnerability),
        judged: Fact::Known(()),
    }
}

fn vulnerability(from: &mut Fields<'_>) -> Vulnerability {
    #[expect(clippy::cast_possible_truncation, reason = "a score has two digits")]
    let score = |score: Option<f64>| score.map(|score| score as f32);
    Vulnerability {
        id: from.needed_text("id"),
        severity: from.word("severity", &SEVERITIES).unwrap_or(Severity::Unknown),
        cvss: score(from.number("cvss")),
        nvd_cvss: score(from.number("nvd_cvss")),
        fixed_by: from.text("fixed_by"),
        published: moment(from, "published"),
    }
}
