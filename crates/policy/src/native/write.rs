//! A policy in our own YAML.

use crate::policy::{Exclusion, Group, Operator, Policy, Scope, Stage};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The policy in our own YAML, as [`read`](super::read) takes it. What other forms say besides is left out.
pub fn write(policy: &Policy) -> String {
    let mut to = String::new();
    let id = if policy.id.is_empty() { slug(&policy.name) } else { policy.id.clone() };
    field(&mut to, "policy", &id);
    field(&mut to, "name", &policy.name);
    let _ = writeln!(to, "severity: {}", policy.severity.as_str());
    words(&mut to, "stages", policy.stages.iter().map(|stage| stage.as_str()));
    field(&mut to, "event_source", policy.event_source.map_or("", |source| source.as_str()));
    words(&mut to, "profiles", policy.profiles.iter().map(String::as_str));
    words(&mut to, "categories", policy.categories.iter().map(String::as_str));
    words(&mut to, "controls", policy.controls.iter().map(String::as_str));
    // Other forms may name a tactic several times.
    let mut attack: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for named in &policy.attack {
        attack.entry(&named.tactic).or_default().extend(named.techniques.iter().map(|it| scalar(it)));
    }
    let attack: Vec<String> =
        attack.iter().map(|(tactic, techniques)| format!("{}: [{}]", scalar(tactic), techniques.join(", "))).collect();
    if !attack.is_empty() {
        let _ = writeln!(to, "attack: {{{}}}", attack.join(", "));
    }
    field(&mut to, "description", &policy.description);
    field(&mut to, "rationale", &policy.rationale);
    field(&mut to, "remediation", &policy.remediation);
    for (language, texts) in &policy.translations {
        let _ = writeln!(to, "{language}:");
        let named = [
            ("name", &texts.name),
            ("description", &texts.description),
            ("rationale", &texts.rationale),
            ("remediation", &texts.remediation),
        ];
        for (name, text) in named {
            if !text.is_empty() {
                let _ = writeln!(to, "  {name}: {}", scalar(text));
            }
        }
    }
    if policy.disabled {
        to.push_str("disabled: true\n");
    }
    let all = [Stage::Build, Stage::Registry, Stage::Deploy, Stage::Runtime];
    let enforced = |stage: &Stage| policy.stages.contains(stage) && policy.is_enforced_at(*stage);
    let enforced: Vec<&str> = all.iter().filter(|stage| enforced(stage)).map(|stage| stage.as_str()).collect();
    if !enforced.is_empty() && enforced.len() == policy.stages.len() {
        to.push_str("enforce: true\n");
    } else {
        words(&mut to, "enforce", enforced.into_iter());
    }
    words(&mut to, "skip", policy.skip_containers.iter().map(|kind| kind.as_str()));
    list(&mut to, "scope", policy.scopes.iter().map(scope));
    list(&mut to, "except", policy.exclusions.iter().map(exclusion));
    to.push_str("when:\n");
    let several = policy.sections.len() != 1;
    for section in &policy.sections {
        for (index, group) in section.groups.iter().enumerate() {
            let before = match (several, index) {
                (true, 0) => "- ",
                _ => "  ",
            };
            let _ = writeln!(to, "{before}{}: {}", scalar(&group.field), value(group));
        }
    }
    to
}

/// `Host Network!` is `host-network`.
fn slug(name: &str) -> String {
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "policy".to_owned() } else { slug }
}

fn field(to: &mut String, name: &str, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(to, "{name}: {}", scalar(text));
    }
}

fn words<'a>(to: &mut String, name: &str, words: impl Iterator<Item = &'a str>) {
    let words: Vec<String> = words.map(scalar).collect();
    if !words.is_empty() {
        let _ = writeln!(to, "{name}: [{}]", words.join(", "));
    }
}

fn list(to: &mut String, name: &str, items: impl Iterator<Item = Vec<(&'static str, String)>>) {
    let mut first = true;
    for item in items {
        if first {
            let _ = writeln!(to, "{name}:");
            first = false;
        }
        let fields: Vec<String> = item.iter().map(|(name, text)| format!("{name}: {}", scalar(text))).collect();
        let _ = writeln!(to, "- {{{}}}", fields.join(", "));
    }
}

fn scope(scope: &Scope) -> Vec<(&'static str, String)> {
    let label = |label: &Option<crate::policy::Label>| {
        label.as_ref().map(|label| format!("{}={}", label.key, label.value)).unwrap_or_default()
    };
    let fields = [
        ("cluster", scope.cluster.clone()),
        ("namespace", scope.namespace.clone()),
        ("label", label(&scope.label)),
        ("cluster_label", label(&scope.cluster_label)),
        ("namespace_label", label(&scope.namespace_label)),
    ];
    fields.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn exclusion(exclusion: &Exclusion) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some((workload, within)) = &exclusion.deployment {
        // One that names nothing is about every workload.
        let any = workload.is_empty() && within.is_none();
        fields.push(("workload", if any { ".*".to_owned() } else { workload.clone() }));
        fields.extend(within.iter().flat_map(scope));
    }
    fields.extend(exclusion.image.iter().map(|image| ("image", image.clone())));
    fields.push(("reason", exclusion.name.clone()));
    fields.extend(exclusion.expiration.iter().map(|until| ("until", until.clone())));
    fields.retain(|(_, text)| !text.is_empty());
    fields
}

fn value(group: &Group) -> String {
    let values: Vec<String> = group.values.iter().map(|value| scalar(value)).collect();
    let values = match (values.as_slice(), group.operator) {
        ([one], Operator::Or) => one.clone(),
        (_, Operator::Or) => format!("[{}]", values.join(", ")),
        (_, Operator::And) => format!("{{all: [{}]}}", values.join(", ")),
    };
    if group.negate { format!("{{not: {values}}}") } else { values }
}

/// A text as YAML: bare where that is the same text everywhere, in the quotes of JSON otherwise.
fn scalar(text: &str) -> String {
    let bare = |char: char| char.is_alphanumeric() || " -_./()、。・ー「」（）".contains(char);
    let starts = text.chars().next().is_some_and(char::is_alphabetic);
    let ends = text.chars().last().is_some_and(|char| char != ' ');
    // What YAML 1.1 takes for something else.
    let word = text.to_ascii_lowercase();
    let other = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"].contains(&word.as_str());
    if starts && ends && !other && text.chars().all(bare) || text == "true" || text == "false" {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}
