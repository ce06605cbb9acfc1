//! Policies in our own YAML: short, each with the examples that prove it.
//!
//! ```yaml
//! policy: privileged-container
//! name: Container is privileged
//! severity: high
//! stages: [deploy]
//! rationale: A privileged container is root on its node.
//! remediation: Remove privileged, and add the capabilities that are needed.
//! enforce: true
//! except:
//! - {namespace: kube-system, reason: parts of the cluster itself}
//! when:
//!   Privileged Container: true
//! ```
//!
//! `when` maps criteria to what they look for: a value, a list of which any is meant, or `{not: …}`, `{all: […]}`. All
//! of its entries must hold of the same thing; of a list of such maps, one must.

mod event;
mod example;
mod fields;
mod suite;
#[cfg(test)]
mod tests;
mod write;

pub use event::Event;
pub use example::Example;
pub use suite::{Case, Suite, is_suite, read_suite};
pub use write::write;

use crate::compile::At;
use crate::criteria::{Level, criterion};
use crate::policy::{
    Attack, Enforcement, EventSource, Exclusion, Group, Label, Operator, Policy, PolicySeverity, Scope, Section,
    SkipContainer, Stage, Texts,
};
use fields::Fields;
use sekisho_base::tree::{Node, Place, Value};

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    /// Where.
    pub place: Place,
    /// What, and what would be right.
    pub reason: String,
}

/// A policy, and the examples in its document.
#[derive(Debug)]
pub struct Document {
    /// The policy.
    pub policy: Policy,
    /// What it says of these is known.
    pub examples: Vec<Example>,
}

/// Whether a document is a policy of ours.
pub fn is_policy(node: &Node) -> bool {
    node.get("policy").is_some() && node.get("apiVersion").is_none()
}

const STAGES: [(&str, Stage); 4] =
    [("build", Stage::Build), ("registry", Stage::Registry), ("deploy", Stage::Deploy), ("runtime", Stage::Runtime)];
const SEVERITIES: [(&str, PolicySeverity); 4] = [
    ("low", PolicySeverity::Low),
    ("medium", PolicySeverity::Medium),
    ("high", PolicySeverity::High),
    ("critical", PolicySeverity::Critical),
];
const SOURCES: [(&str, EventSource); 3] =
    [("deployment", EventSource::Deployment), ("audit_log", EventSource::AuditLog), ("node", EventSource::Node)];
const SKIPPED: [(&str, SkipContainer); 2] = [("regular", SkipContainer::Regular), ("init", SkipContainer::Init)];

/// The policy that `node` is, as far as it can be read, and all that is wrong with it.
pub fn read(node: &Node) -> (Document, Vec<Wrong>) {
    let mut from = Fields::of(node, "the policy");
    from.no_name_twice();
    let mut policy = Policy {
        id: from.needed_text("policy"),
        name: from.needed_text("name"),
        severity: from.word("severity", &SEVERITIES).unwrap_or_default(),
        stages: from.words("stages", &STAGES),
        disabled: from.flag("disabled"),
        categories: from.texts("categories"),
        controls: from.texts("controls"),
        profiles: from.texts("profiles"),
        event_source: from.word("event_source", &SOURCES),
        skip_containers: from.words("skip", &SKIPPED),
        description: from.text("description"),
        rationale: from.text("rationale"),
        remediation: from.text("remediation"),
        ..Policy::default()
    };
    if policy.id.contains(char::is_whitespace) {
        from.wrong_at("policy", "has blanks in it; words are joined by hyphens");
    }
    if policy.stages.is_empty() {
        from.wrong_at("stages", "names no stage: build, registry, deploy and runtime are");
    }
    policy.enforcement = enforcement(&mut from, &policy.stages);
    policy.attack = from.map("attack", |tactic, techniques, from| Attack {
        tactic: tactic.to_owned(),
        techniques: from.texts_of(techniques, tactic),
    });
    policy.scopes = from.each("scope", |from| scope(from, &["namespace"]));
    policy.exclusions = from.each("except", exclusion);
    policy.translations.extend(from.below("ja").map(|mut below| {
        let texts = Texts {
            name: below.text("name"),
            description: below.text("description"),
            rationale: below.text("rationale"),
            remediation: below.text("remediation"),
        };
        from.take_wrongs(below);
        ("ja".to_owned(), texts)
    }));
    policy.sections = sections(&mut from);
    let mut fields = policy.sections.iter().flat_map(|section| &section.groups).map(|group| group.field.as_str());
    if fields.any(|field| criterion(field).is_some_and(|criterion| criterion.level == Level::Request)) {
        // A request is refused; the pod that it is about has done nothing.
        let kill = policy.enforcement.iter_mut().filter(|action| **action == Enforcement::KillPod);
        kill.for_each(|action| *action = Enforcement::FailKubeRequest);
    }
    let examples = from.each("examples", example::read);
    let wrongs = from.finish();
    (Document { policy, examples }, wrongs)
}

/// `enforce: true` is all stages of the policy, a list is these.
fn enforcement(from: &mut Fields<'_>, stages: &[Stage]) -> Vec<Enforcement> {
    let enforced = match from.get("enforce").map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(false)) => return Vec::new(),
        Some(Value::Bool(true)) => stages.to_vec(),
        Some(_) => from.words("enforce", &STAGES),
    };
    let mut actions = Vec::new();
    for stage in enforced {
        actions.extend_from_slice(match stage {
            Stage::Build | Stage::Registry => &[Enforcement::FailBuild],
            // The two by which StackRox refuses workloads; those that say so by name it never looks at.
            Stage::Deploy => &[Enforcement::ScaleToZero, Enforcement::UnsatisfiableNodeConstraint],
            Stage::Runtime => &[Enforcement::KillPod],
        });
    }
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// Where a policy applies, or does not.
fn scope(from: &mut Fields<'_>, one_of: &[&str]) -> Scope {
    let label = |from: &mut Fields<'_>, name: &'static str| {
        let text = from.text(name);
        let (key, value) = text.split_once('=').unwrap_or((&text, ".*"));
        (!text.is_empty()).then(|| Label { key: key.to_owned(), value: value.to_owned() })
    };
    let scope = Scope {
        cluster: from.text("cluster"),
        namespace: from.text("namespace"),
        label: label(from, "label"),
        cluster_label: label(from, "cluster_label"),
        namespace_label: label(from, "namespace_label"),
    };
    if scope == Scope::default() && one_of == ["namespace"] {
        from.wrong("says nothing: namespace, label, cluster, cluster_label and namespace_label are asked for");
    }
    scope
}

fn exclusion(from: &mut Fields<'_>) -> Exclusion {
    let (workload, image) = (from.text("workload"), from.text("image"));
    let scope = scope(from, &[]);
    let is_scoped = scope != Scope::default();
    if workload.is_empty() && image.is_empty() && !is_scoped {
        from.wrong("excepts nothing: workload, image, namespace or label says what");
    }
    let until = from.text("until");
    if !until.is_empty() && crate::scope::moment(&until).is_none() {
        from.wrong_at("until", &format!("is {until:?}, which is no date: 2027-01-31, or with a time of RFC 3339"));
    }
    Exclusion {
        name: from.text("reason"),
        deployment: (!workload.is_empty() || is_scoped).then(|| (workload, is_scoped.then_some(scope))),
        image: (!image.is_empty()).then_some(image),
        expiration: (!until.is_empty()).then_some(until),
    }
}

fn sections(from: &mut Fields<'_>) -> Vec<Section> {
    let Some(node) = from.get("when") else {
        from.wrong("has no `when`, so that it asks nothing");
        return Vec::new();
    };
    let maps = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut sections = Vec::new();
    for map in maps {
        if map.fields().is_empty() {
            from.wrong_of(map.place, format!("`when` holds {}, not a map of criteria", map.kind()));
        }
        let groups = map.fields().iter().map(|field| group(&field.name, &field.node, from)).collect();
        sections.push(Section { name: String::new(), groups });
    }
    sections
}

/// What one criterion is to be: a value, a list, or a map of `not`, `any` or `all`.
fn group(criterion: &str, node: &Node, from: &mut Fields<'_>) -> Group {
    let mut group = Group { field: criterion.to_owned(), ..Group::default() };
    let mut node = node;
    // `not` stands outside of `any` and `all`.
    if let [only] = node.fields()
        && only.name == "not"
    {
        group.negate = true;
        node = &only.node;
    }
    if let [only] = node.fields()
        && ["any", "all"].contains(&only.name.as_str())
    {
        group.operator = if only.name == "all" { Operator::And } else { Operator::Or };
        node = &only.node;
    }
    let values = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for value in values {
        if let Some(text) = value.scalar() {
            group.values.push(text.into_owned());
            continue;
        }
        let reason = format!(
            "{criterion} is to be a value, a list of values, or one of these under not, any or all; it is {}",
            value.kind()
        );
        from.wrong_of(value.place, reason);
    }
    group
}

/// Where in the document what [`At`] names stands.
pub fn place(node: &Node, at: At) -> Place {
    let Some(when) = node.get("when") else { return node.place };
    let map = when.items().get(at.section).unwrap_or(when);
    let Some(field) = at.group.and_then(|group| map.fields().get(group)) else { return map.place };
    let Some(value) = at.value else { return field.place };
    // Down through `not`, `any` and `all`.
    let mut list = &field.node;
    while let [only] = list.fields() {
        list = &only.node;
    }
    list.items().get(value).unwrap_or(list).place
}
