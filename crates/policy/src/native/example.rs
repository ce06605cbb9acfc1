//! Examples of a policy: what it says of them is known, so that they are its tests.

use super::event::{self, Event};
use super::fields::Fields;
use crate::facts::{Component, ImageFacts, Vulnerability};
use jiff::Timestamp;
use sekisho_base::tree::Node;
use sekisho_model::{Fact, ImageConfig, License, PolicyOutcome, Severity};

/// A manifest, an image or something that happens, and what the policy says of it.
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
    /// What happens, for policies of the stage `runtime`.
    pub event: Option<Event>,
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
    let said = from.below("event");
    let event = said.and_then(|said| event::read(said, from));
    if manifest.is_empty() && images.is_empty() && from.get("event").is_none() {
        from.wrong("shows nothing: manifest, images or event is needed");
    }
    Example {
        name: from.needed_text("name"),
        expect: from.word("expect", &OUTCOMES).unwrap_or(PolicyOutcome::Violated),
        manifest,
        images,
        event,
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

/// The texts under `name`; none where nobody looked.
fn asked(from: &mut Fields<'_>, name: &'static str) -> Fact<Vec<String>> {
    if from.get(name).is_some() { Fact::Known(from.texts(name)) } else { Fact::NotAsked }
}

fn image(from: &mut Fields<'_>) -> (String, ImageFacts) {
    let name = from.needed_text("name");
    let lines = from.texts("history");
    let os = from.text("os");
    let base = from.text("base");
    let labels = from.map("labels", |name, node, from| (name.to_owned(), from.texts_of(node, name).join("")));
    let facts = ImageFacts {
        created: moment(from, "created"),
        scanned: scanned(from),
        supported_until: os
            .split_once(':')
            .map_or(Fact::Known(None), |(id, version)| crate::support::ends(id, version)),
        os: Fact::Known(os),
        config: config(from),
        base: if base.is_empty() { Fact::Unknown("its base image is not known".to_owned()) } else { Fact::Known(base) },
        labels: Fact::Known(labels.into_iter().collect()),
        lines: Fact::Known(lines.iter().filter_map(|line| crate::facts::line(line)).collect()),
        components: from.each("packages", component),
        missing: None,
        signed_by: asked(from, "signed_by"),
        attestations: asked(from, "attestations"),
        secrets: asked(from, "secrets"),
        malware: asked(from, "malware"),
    };
    (name, facts)
}

/// When the image was scanned; that does not matter where nothing is said.
fn scanned(from: &mut Fields<'_>) -> Option<Timestamp> {
    if from.text("scanned") == "never" {
        return None;
    }
    moment(from, "scanned").or(Some(Timestamp::UNIX_EPOCH))
}

/// How the image is run. One of these said, the others are what a builder leaves out.
fn config(from: &mut Fields<'_>) -> Fact<ImageConfig> {
    let names = ["user", "ports", "env", "entrypoint", "command", "volumes", "health_check"];
    let is_said = names.into_iter().filter(|name| from.get(name).is_some()).count() > 0;
    let config = ImageConfig {
        user: from.text("user"),
        exposed_ports: from.texts("ports"),
        env: from.texts("env"),
        entrypoint: from.texts("entrypoint"),
        cmd: from.texts("command"),
        volumes: from.texts("volumes"),
        health_check: from.flag("health_check"),
    };
    if is_said { Fact::Known(config) } else { Fact::NotAsked }
}

fn component(from: &mut Fields<'_>) -> Component {
    let license = License::parse(&from.text("license"));
    Component {
        name: from.needed_text("name"),
        version: from.text("version"),
        licenses: license.map(|license| license.terms()).unwrap_or_default(),
        in_use: if from.get("in_use").is_some() { Fact::Known(from.flag("in_use")) } else { Fact::NotAsked },
        vulnerabilities: from.each("vulnerabilities", vulnerability),
        judged: Fact::Known(()),
    }
}

fn vulnerability(from: &mut Fields<'_>) -> Vulnerability {
    #[expect(clippy::cast_possible_truncation, reason = "a score has a few digits")]
    let score = |score: Option<f64>| score.map(|score| score as f32);
    let exploited_since = moment(from, "exploited");
    Vulnerability {
        id: from.needed_text("id"),
        severity: from.word("severity", &SEVERITIES).unwrap_or(Severity::Unknown),
        cvss: score(from.number("cvss")),
        nvd_cvss: score(from.number("nvd_cvss")),
        fixed_by: from.text("fixed_by"),
        published: moment(from, "published"),
        exploited: Fact::Known(exploited_since.is_some()),
        exploited_since,
        epss: score(from.number("epss"))
            .map_or_else(|| Fact::Unknown("EPSS has no score for it".to_owned()), Fact::Known),
    }
}
