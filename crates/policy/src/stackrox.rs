//! Policies as StackRox exports and takes them: version 1.1 of its JSON, one policy or a bundle `{"policies": […]}`, and the
//! custom resource `SecurityPolicy` (`config.stackrox.io/v1alpha1`).
//!
//! What is read is written again as the same document: what has no place in [`Policy`] is kept under its own name.

use crate::compile::{At, near};
use crate::criteria::{Grammar, bare_capability, criterion};
use crate::policy::{
    Attack, Enforcement, EventSource, Exclusion, Group, Label, Operator, Policy, PolicySeverity, Scope, Section,
    SkipContainer, Stage,
};
use serde_json::{Map, Value, json};

/// Why a policy cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {reason}")]
pub struct Malformed {
    /// Where: `policySections[0].policyGroups[1].booleanOperator`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// The version of the form.
const VERSION: &str = "1.1";

/// The policies of a document: one, or the list of a bundle.
pub fn read(document: &Value) -> Result<Vec<Policy>, Malformed> {
    let top = Cursor { value: document, path: String::new() };
    match document.get("policies") {
        Some(_) => top.field("policies").items()?.into_iter().map(|policy| policy_of(&policy)).collect(),
        None => Ok(vec![policy_of(&top)?]),
    }
}

/// The policy of a custom resource, which `read` takes for a document otherwise; none where `document` is none.
pub fn read_resource(document: &Value) -> Option<Result<Policy, Malformed>> {
    let version = document.get("apiVersion")?.as_str()?;
    let is_one = version.starts_with("config.stackrox.io/") && document.get("kind")?.as_str()? == "SecurityPolicy";
    is_one.then(|| {
        let spec = Cursor { value: document.get("spec").unwrap_or(&Value::Null), path: "spec".to_owned() };
        let mut policy = policy_of(&spec)?;
        // The resource names the policy in another word, so that it is none of the things kept as they are.
        policy.name = spec.field("policyName").text()?;
        policy.extra.remove("policyName");
        Ok(policy)
    })
}

/// Where in a policy what [`At`] names stands: `policySections[0].policyGroups[1].values[0]`.
pub fn path(at: At) -> String {
    let group = at.group.map(|group| format!(".policyGroups[{group}]")).unwrap_or_default();
    let value = at.value.map(|value| format!(".values[{value}]")).unwrap_or_default();
    format!("policySections[{}]{group}{value}", at.section)
}

/// Fields of a policy that have a place in [`Policy`].
const KNOWN: [&str; 18] = [
    "id",
    "name",
    "description",
    "rationale",
    "remediation",
    "disabled",
    "categories",
    "lifecycleStages",
    "eventSource",
    "exclusions",
    "scope",
    "severity",
    "enforcementActions",
    "notifiers",
    "policySections",
    "mitreAttackVectors",
    "evaluationFilter",
    "policyVersion",
];

fn policy_of(from: &Cursor<'_>) -> Result<Policy, Malformed> {
    let fields = from.value.as_object().ok_or_else(|| from.wrong("is no object"))?;
    if let Some((name, meant)) = fields.keys().find_map(|name| Some((name, misspelt(name)?))) {
        return Err(from.field(name).wrong(&format!("is no field of a policy; there is {meant}")));
    }
    let version = from.field("policyVersion");
    // A resource leaves it out.
    if !version.value.is_null() && version.value != VERSION {
        return Err(version.wrong(&format!("is not {VERSION:?}, the only version that is read")));
    }
    for (name, most) in [("name", 128), ("policyName", 128), ("description", 800)] {
        let field = from.field(name);
        if field.text()?.chars().count() > most {
            return Err(field.wrong(&format!("has more than {most} characters")));
        }
    }
    let categories = from.field("categories").texts()?;
    if let Some(twice) = categories.iter().enumerate().find(|(place, it)| categories[..*place].contains(it)) {
        return Err(from.field("categories").wrong(&format!("names {:?} twice", twice.1)));
    }
    let filter = from.field("evaluationFilter");
    filter.only(&["skipContainerTypes"])?;
    Ok(Policy {
        id: from.field("id").text()?,
        name: from.field("name").text()?,
        description: from.field("description").text()?,
        rationale: from.field("rationale").text()?,
        remediation: from.field("remediation").text()?,
        disabled: from.field("disabled").flag()?,
        categories,
        stages: from.field("lifecycleStages").words(&STAGES)?,
        event_source: from.field("eventSource").word(&SOURCES)?.flatten(),
        exclusions: from.field("exclusions").each(exclusion)?,
        scopes: from.field("scope").each(scope)?,
        severity: from.field("severity").word(&SEVERITIES)?.unwrap_or_default(),
        enforcement: from.field("enforcementActions").words(&ACTIONS)?,
        notifiers: from.field("notifiers").texts()?,
        sections: from.field("policySections").each(section)?,
        attack: from.field("mitreAttackVectors").each(|from| {
            from.only(&["tactic", "techniques"])?;
            Ok(Attack { tactic: from.field("tactic").text()?, techniques: from.field("techniques").texts()? })
        })?,
        controls: Vec::new(),
        profiles: Vec::new(),
        translations: Vec::new(),
        skip_containers: filter.field("skipContainerTypes").words(&SKIPPED)?,
        extra: fields.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())).map(own).collect(),
    })
}

/// Fields of a policy that say nothing here, beside those that may come yet and those for sorting.
const OTHERS: [&str; 6] = ["isDefault", "criteriaLocked", "mitreVectorsLocked", "source", "lastUpdated", "policyName"];

/// The field that was meant by the name of one that is none, where it is close to one: what is kept as it is would be
/// silently without effect.
fn misspelt(name: &str) -> Option<&'static str> {
    let is_other = KNOWN.contains(&name) || OTHERS.contains(&name) || name.starts_with("SORT");
    if is_other { None } else { near(name, KNOWN) }
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

const STAGES: [(&str, Stage); 3] = [("BUILD", Stage::Build), ("DEPLOY", Stage::Deploy), ("RUNTIME", Stage::Runtime)];
const SOURCES: [(&str, Option<EventSource>); 4] = [
    ("NOT_APPLICABLE", None),
    ("DEPLOYMENT_EVENT", Some(EventSource::Deployment)),
    ("AUDIT_LOG_EVENT", Some(EventSource::AuditLog)),
    ("NODE_EVENT", Some(EventSource::Node)),
];
const SEVERITIES: [(&str, PolicySeverity); 4] = [
    ("LOW_SEVERITY", PolicySeverity::Low),
    ("MEDIUM_SEVERITY", PolicySeverity::Medium),
    ("HIGH_SEVERITY", PolicySeverity::High),
    ("CRITICAL_SEVERITY", PolicySeverity::Critical),
];
const ACTIONS: [(&str, Enforcement); 7] = [
    ("FAIL_BUILD_ENFORCEMENT", Enforcement::FailBuild),
    ("SCALE_TO_ZERO_ENFORCEMENT", Enforcement::ScaleToZero),
    ("UNSATISFIABLE_NODE_CONSTRAINT_ENFORCEMENT", Enforcement::UnsatisfiableNodeConstraint),
    ("KILL_POD_ENFORCEMENT", Enforcement::KillPod),
    ("FAIL_KUBE_REQUEST_ENFORCEMENT", Enforcement::FailKubeRequest),
    ("FAIL_DEPLOYMENT_CREATE_ENFORCEMENT", Enforcement::FailDeploymentCreate),
    ("FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT", Enforcement::FailDeploymentUpdate),
];
const OPERATORS: [(&str, Operator); 2] = [("OR", Operator::Or), ("AND", Operator::And)];
const SKIPPED: [(&str, SkipContainer); 2] = [("REGULAR", SkipContainer::Regular), ("INIT", SkipContainer::Init)];

fn section(from: &Cursor<'_>) -> Result<Section, Malformed> {
    from.only(&["sectionName", "policyGroups"])?;
    let groups = from.field("policyGroups").each(|from| {
        from.only(&["fieldName", "booleanOperator", "negate", "values"])?;
        Ok(Group {
            field: from.field("fieldName").text()?,
            operator: from.field("booleanOperator").word(&OPERATORS)?.unwrap_or_default(),
            negate: from.field("negate").flag()?,
            values: from.field("values").each(|from| {
                from.only(&["value"])?;
                from.field("value").text()
            })?,
        })
    })?;
    Ok(Section { name: from.field("sectionName").text()?, groups })
}

fn scope(from: &Cursor<'_>) -> Result<Scope, Malformed> {
    from.only(&["cluster", "namespace", "label", "clusterLabel", "namespaceLabel"])?;
    Ok(Scope {
        cluster: from.field("cluster").text()?,
        namespace: from.field("namespace").text()?,
        label: label(&from.field("label"))?,
        cluster_label: label(&from.field("clusterLabel"))?,
        namespace_label: label(&from.field("namespaceLabel"))?,
    })
}

fn label(from: &Cursor<'_>) -> Result<Option<Label>, Malformed> {
    if from.value.is_null() {
        return Ok(None);
    }
    from.only(&["key", "value"])?;
    Ok(Some(Label { key: from.field("key").text()?, value: from.field("value").text()? }))
}

fn exclusion(from: &Cursor<'_>) -> Result<Exclusion, Malformed> {
    let deployment = from.field("deployment");
    let image = from.field("image");
    let expiration = from.field("expiration");
    from.only(&["name", "deployment", "image", "expiration"])?;
    deployment.only(&["name", "scope"])?;
    image.only(&["name"])?;
    Ok(Exclusion {
        name: from.field("name").text()?,
        deployment: if deployment.value.is_null() {
            None
        } else {
            let at = deployment.field("scope");
            let scope = if at.value.is_null() { None } else { Some(scope(&at)?) };
            Some((deployment.field("name").text()?, scope))
        },
        image: if image.value.is_null() { None } else { Some(image.field("name").text()?) },
        expiration: if expiration.value.is_null() { None } else { Some(expiration.text()?) },
    })
}

/// The policy in StackRox's JSON, without what says nothing.
pub fn write(policy: &Policy) -> Value {
    let mut to = policy.extra.clone();
    let text = |text: &String| (!text.is_empty()).then(|| Value::from(text.as_str()));
    put(&mut to, "id", text(&policy.id));
    put(&mut to, "name", text(&policy.name));
    put(&mut to, "description", text(&policy.description));
    put(&mut to, "rationale", text(&policy.rationale));
    put(&mut to, "remediation", text(&policy.remediation));
    put(&mut to, "disabled", policy.disabled.then_some(Value::Bool(true)));
    put(&mut to, "categories", list(&policy.categories, |category| category.as_str().into()));
    put(&mut to, "lifecycleStages", list(&policy.stages, |stage| word_of(&STAGES, stage)));
    put(&mut to, "eventSource", policy.event_source.map(|source| word_of(&SOURCES, &Some(source))));
    put(&mut to, "exclusions", list(&policy.exclusions, written_exclusion));
    put(&mut to, "scope", list(&policy.scopes, written_scope));
    put(&mut to, "severity", Some(word_of(&SEVERITIES, &policy.severity)));
    put(&mut to, "enforcementActions", list(&policy.enforcement, |action| word_of(&ACTIONS, action)));
    put(&mut to, "notifiers", list(&policy.notifiers, |notifier| notifier.as_str().into()));
    put(&mut to, "policyVersion", Some(VERSION.into()));
    put(&mut to, "policySections", list(&policy.sections, written_section));
    put(&mut to, "mitreAttackVectors", list(&policy.attack, written_attack));
    let skipped = list(&policy.skip_containers, |kind| word_of(&SKIPPED, kind));
    put(&mut to, "evaluationFilter", skipped.map(|skipped| json!({"skipContainerTypes": skipped})));
    Value::Object(to)
}

/// The same as StackRox takes it from elsewhere, with what is to be known of that; or why it cannot be one of its policies.
pub fn convert(policy: &Policy) -> Result<(Value, Vec<String>), Vec<String>> {
    let mut reasons = Vec::new();
    for group in policy.sections.iter().flat_map(|section| &section.groups) {
        if criterion(&group.field).is_some_and(|criterion| criterion.is_ours) {
            reasons.push(format!("StackRox has no criterion {:?}", group.field));
        }
    }
    let mut policy = policy.clone();
    let mut notes = Vec::new();
    let is_known = |stage: &Stage| STAGES.iter().any(|(_, known)| known == stage);
    if !policy.stages.iter().any(is_known) {
        reasons.push("it is for none of the stages of StackRox, which are build, deploy and runtime".to_owned());
    } else if !policy.stages.iter().all(is_known) {
        policy.stages.retain(is_known);
        notes.push("StackRox does not ask it at the stage registry".to_owned());
    }
    let length = policy.name.chars().count();
    if !(5..=128).contains(&length) || policy.name.contains(['$', '\n']) {
        reasons.push("StackRox takes names of 5 to 128 characters on one line, without $".to_owned());
    }
    if policy.description.chars().count() > 800 {
        reasons.push("StackRox takes descriptions of up to 800 characters".to_owned());
    }
    if policy.categories.is_empty() {
        policy.categories.push(CATEGORY.to_owned());
        notes.push(format!("it has no category, and StackRox needs one: {CATEGORY:?}"));
    }
    if uuid::Uuid::parse_str(&policy.id).is_err() {
        // The same each time, so that a policy that is sent again is the one that is there.
        let name = if policy.id.is_empty() { &policy.name } else { &policy.id };
        policy.id = uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
    }
    if reasons.is_empty() { Ok((write(&policy), notes)) } else { Err(reasons) }
}

/// One of the categories that every StackRox has.
const CATEGORY: &str = "Security Best Practices";
/// Of ids that are made of our own.
const NAMESPACE: uuid::Uuid = uuid::uuid!("6ee0ec1c-57a6-4c5b-9d5e-7a4c1f5f2a10");

fn put(to: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        to.insert(name.to_owned(), value);
    }
}

fn list<T>(items: &[T], write: impl Fn(&T) -> Value) -> Option<Value> {
    (!items.is_empty()).then(|| items.iter().map(write).collect())
}

fn word_of<T: PartialEq>(words: &[(&str, T)], value: &T) -> Value {
    words.iter().find(|(_, known)| known == value).map_or(Value::Null, |(word, _)| (*word).into())
}

fn written_attack(attack: &Attack) -> Value {
    let mut to = Map::new();
    put(&mut to, "tactic", Some(attack.tactic.as_str().into()));
    put(&mut to, "techniques", list(&attack.techniques, |technique| technique.as_str().into()));
    Value::Object(to)
}

fn written_section(section: &Section) -> Value {
    let mut to = Map::new();
    put(&mut to, "sectionName", (!section.name.is_empty()).then(|| section.name.as_str().into()));
    let groups = section.groups.iter().map(|group| {
        let mut to = Map::new();
        put(&mut to, "fieldName", Some(group.field.as_str().into()));
        let operator = (group.operator != Operator::Or).then(|| word_of(&OPERATORS, &group.operator));
        put(&mut to, "booleanOperator", operator);
        put(&mut to, "negate", group.negate.then_some(Value::Bool(true)));
        put(&mut to, "values", list(&group.values, |value| json!({"value": written_value(group, value)})));
        Value::Object(to)
    });
    put(&mut to, "policyGroups", Some(groups.collect()));
    Value::Object(to)
}

/// A value as StackRox takes it, to whom no capability begins with `CAP_`.
fn written_value(group: &Group, value: &str) -> String {
    let is_capability =
        criterion(&group.field).is_some_and(|criterion| matches!(criterion.grammar, Grammar::Capability { .. }));
    if is_capability && value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("CAP_")) {
        return bare_capability(value);
    }
    value.to_owned()
}

fn written_scope(scope: &Scope) -> Value {
    let mut to = Map::new();
    let text = |text: &String| (!text.is_empty()).then(|| Value::from(text.as_str()));
    let label = |label: &Option<Label>| label.as_ref().map(|label| json!({"key": label.key, "value": label.value}));
    put(&mut to, "cluster", text(&scope.cluster));
    put(&mut to, "namespace", text(&scope.namespace));
    put(&mut to, "label", label(&scope.label));
    put(&mut to, "clusterLabel", label(&scope.cluster_label));
    put(&mut to, "namespaceLabel", label(&scope.namespace_label));
    Value::Object(to)
}

fn written_exclusion(exclusion: &Exclusion) -> Value {
    let mut to = Map::new();
    put(&mut to, "name", (!exclusion.name.is_empty()).then(|| exclusion.name.as_str().into()));
    let deployment = exclusion.deployment.as_ref().map(|(name, scope)| {
        let mut to = Map::new();
        put(&mut to, "name", (!name.is_empty()).then(|| name.as_str().into()));
        put(&mut to, "scope", scope.as_ref().map(written_scope));
        Value::Object(to)
    });
    put(&mut to, "deployment", deployment);
    put(&mut to, "image", exclusion.image.as_ref().map(|name| json!({"name": name})));
    // A day, as our own form has it, is none that StackRox takes.
    let moment = |text: &str| match (text.parse::<jiff::Timestamp>(), crate::scope::moment(text)) {
        (Err(_), Some(end)) => end.to_string(),
        _ => text.to_owned(),
    };
    put(&mut to, "expiration", exclusion.expiration.as_deref().map(|text| moment(text).into()));
    Value::Object(to)
}

/// A value, and where it is.
struct Cursor<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Cursor<'a> {
    /// The value under `name`; nothing where there is none.
    fn field(&self, name: &str) -> Cursor<'a> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Cursor { value: self.value.get(name).unwrap_or(&Value::Null), path }
    }

    fn wrong(&self, reason: &str) -> Malformed {
        let path = if self.path.is_empty() { "the policy".to_owned() } else { self.path.clone() };
        Malformed { path, reason: reason.to_owned() }
    }

    /// Refuses a field that has none of these names: what it says would change what the policy means.
    fn only(&self, names: &[&str]) -> Result<(), Malformed> {
        let fields = self.value.as_object().into_iter().flat_map(Map::keys);
        match fields.into_iter().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(self.field(name).wrong(&format!("is not known; {} are", names.join(", ")))),
            None => Ok(()),
        }
    }

    /// A text; empty where there is nothing, as in all JSON of protocol buffers.
    fn text(&self) -> Result<String, Malformed> {
        match self.value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            _ => Err(self.wrong("is no text")),
        }
    }

    fn flag(&self) -> Result<bool, Malformed> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong("is neither true nor false")),
        }
    }

    fn items(&self) -> Result<Vec<Cursor<'a>>, Malformed> {
        let items = match self.value {
            Value::Null => return Ok(Vec::new()),
            Value::Array(items) => items,
            _ => return Err(self.wrong("is no list")),
        };
        let cursor = |(index, value)| Cursor { value, path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(cursor).collect())
    }

    fn each<T>(&self, read: impl Fn(&Cursor<'a>) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        self.items()?.iter().map(read).collect()
    }

    fn texts(&self) -> Result<Vec<String>, Malformed> {
        self.each(Cursor::text)
    }

    /// What a word stands for; none where there is nothing.
    fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<Option<T>, Malformed> {
        let text = match self.value {
            Value::Null => return Ok(None),
            Value::String(text) => text,
            _ => return Err(self.wrong("is no text")),
        };
        let found = words.iter().find(|(word, _)| word == text);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(&format!("is {text:?}, and not one of {}", known.join(", ")))
        })
    }

    fn words<T: Copy>(&self, words: &[(&str, T)]) -> Result<Vec<T>, Malformed> {
        let found = self.each(|item| item.word(words))?;
        Ok(found.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::corpus;

    #[test]
    fn corpus_policies_are_written_as_they_were_read() {
        let Some(corpus) = corpus("policies/stackrox") else { return };
        let json =
            |file: &str| -> Value { serde_json::from_slice(&std::fs::read(corpus.join(file)).unwrap()).unwrap() };
        let index = json("index.json");
        let policies = index["policies"].as_array().unwrap();
        assert_eq!(policies.len(), 30);
        for expected in policies {
            let document = json(expected["file"].as_str().unwrap());
            let policy = read(&document).unwrap().remove(0);
            assert_eq!(write(&policy), document, "{}", policy.name);
            assert_eq!(policy.id, expected["id"]);
            assert_eq!(policy.name, expected["name"]);
            assert_eq!(word_of(&SEVERITIES, &policy.severity), expected["severity"]);
            assert_eq!(word_of(&SOURCES, &policy.event_source), expected["event_source"]);
            let stages: Vec<Value> = policy.stages.iter().map(|stage| word_of(&STAGES, stage)).collect();
            assert_eq!(Value::from(stages), expected["lifecycle_stages"]);
            assert_eq!(policy.disabled, expected["disabled"]);
            assert_eq!(policy.exclusions.len(), expected["exclusions"]);
            assert_eq!(policy.sections.len(), expected["sections"]);
            assert_eq!(Value::from(policy.categories.clone()), expected["categories"]);
            let mut fields: Vec<&str> =
                policy.sections.iter().flat_map(|section| &section.groups).map(|group| &*group.field).collect();
            fields.sort_unstable();
            fields.dedup();
            let mut named: Vec<&str> =
                expected["fields"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            named.sort_unstable();
            assert_eq!(fields, named);
            // A bundle is the same policies.
            assert_eq!(read(&json!({"policies": [document, document]})).unwrap(), [policy.clone(), policy]);
        }
    }

    #[test]
    fn what_stackrox_would_refuse_is_told_or_made_valid() {
        let made = |field: &str, stages: &[Stage], name: &str| {
            let groups = vec![Group { field: field.to_owned(), values: vec!["true".to_owned()], ..Group::default() }];
            let sections = vec![Section { groups, ..Section::default() }];
            Policy {
                id: "own".to_owned(),
                name: name.to_owned(),
                stages: stages.to_vec(),
                sections,
                ..Policy::default()
            }
        };
        let whole = made("Privileged Container", &[Stage::Deploy, Stage::Registry], "Nobody is root");
        let (written, notes) = convert(&whole).unwrap();
        assert!(uuid::Uuid::parse_str(written["id"].as_str().unwrap()).is_ok(), "{written}");
        assert_eq!((&written["lifecycleStages"], &written["categories"]), (&json!(["DEPLOY"]), &json!([CATEGORY])));
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert_eq!(convert(&whole).unwrap().0, written);
        let id = "0ee0ec1c-57a6-4c5b-9d5e-7a4c1f5f2a10".to_owned();
        let known =
            Policy { id: id.clone(), categories: vec!["x".to_owned()], ..made("CVE", &[Stage::Build], "Known") };
        let (written, notes) = convert(&known).unwrap();
        assert!(written["id"] == json!(id) && notes.is_empty(), "{written} {notes:?}");
        let mut capable = made("Add Capabilities", &[Stage::Deploy], "Capable");
        capable.sections[0].groups[0].values = vec!["CAP_SYS_ADMIN".to_owned(), "KILL".to_owned()];
        let values = &convert(&capable).unwrap().0["policySections"][0]["policyGroups"][0]["values"];
        assert_eq!(values, &json!([{"value": "SYS_ADMIN"}, {"value": "KILL"}]));
        for (policy, why) in [
            (
                made("Known Exploited", &[Stage::Deploy], "Known exploited"),
                "StackRox has no criterion \"Known Exploited\"",
            ),
            (made("CVE", &[Stage::Registry], "At the registry"), "it is for none of the stages of StackRox"),
            (made("CVE", &[Stage::Build], "root"), "StackRox takes names of 5 to 128 characters"),
            (made("CVE", &[Stage::Build], "costs $5"), "StackRox takes names of 5 to 128 characters"),
        ] {
            let reasons = convert(&policy).unwrap_err();
            assert!(reasons.len() == 1 && reasons[0].starts_with(why), "{reasons:?}");
        }
    }

    #[test]
    fn everything_that_can_be_said_comes_back() {
        let document = json!({
            "id": "a", "name": "b", "description": "c", "rationale": "d", "remediation": "e", "disabled": true,
            "categories": ["f"], "lifecycleStages": ["BUILD", "DEPLOY", "RUNTIME"], "eventSource": "NODE_EVENT",
            "exclusions": [
                {"name": "g", "deployment": {"name": "h", "scope": {"cluster": "i", "namespace": "j", "label": {"key": "k", "value": "l"}}}},
                {"image": {"name": "m"}, "expiration": "2030-01-01T00:00:00Z"}
            ],
            "scope": [{"clusterLabel": {"key": "n", "value": "o"}, "namespaceLabel": {"key": "p", "value": "q"}}],
            "severity": "CRITICAL_SEVERITY",
            "enforcementActions": ["FAIL_BUILD_ENFORCEMENT", "KILL_POD_ENFORCEMENT"], "notifiers": ["r"],
            "policyVersion": "1.1",
            "policySections": [{"sectionName": "s", "policyGroups": [
                {"fieldName": "CVSS", "booleanOperator": "AND", "negate": true, "values": [{"value": "> 1"}, {"value": "< 2"}]}
            ]}],
            "mitreAttackVectors": [{"tactic": "TA1", "techniques": ["T1", "T2"]}],
            "evaluationFilter": {"skipContainerTypes": ["INIT"]},
            "SORT_name": "b", "isDefault": true, "source": "DECLARATIVE", "lastUpdated": null, "future": {"x": [1]}
        });
        let policy = read(&document).unwrap().remove(0);
        assert_eq!(write(&policy), document);
        let resource = json!({"apiVersion": "config.stackrox.io/v1alpha1", "kind": "SecurityPolicy",
            "metadata": {"name": "x"}, "spec": {"policyName": "P", "severity": "LOW_SEVERITY", "policySections": []}});
        let found = read_resource(&resource).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.extra.len()), ("P", 0));
        assert!(read_resource(&document).is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |document: Value, expect: &str| assert_eq!(read(&document).unwrap_err().to_string(), expect);
        check(json!([]), "the policy is no object");
        check(json!({"policyVersion": "2"}), "policyVersion is not \"1.1\", the only version that is read");
        check(json!({"name": 1}), "name is no text");
        check(
            json!({"policies": [{"lifecycleStages": ["DEPLOI"]}]}),
            "policies[0].lifecycleStages[0] is \"DEPLOI\", and not one of BUILD, DEPLOY, RUNTIME",
        );
        check(
            json!({"policySections": [{"policyGroups": [{"negate": "yes"}]}]}),
            "policySections[0].policyGroups[0].negate is neither true nor false",
        );
        check(json!({"categories": "x"}), "categories is no list");
        check(
            json!({"enforcementAction": []}),
            "enforcementAction is no field of a policy; there is enforcementActions",
        );
        check(
            json!({"policySections": [{"policyGroups": [{"fieldName": "CVE", "negated": true}]}]}),
            "policySections[0].policyGroups[0].negated is not known; fieldName, booleanOperator, negate, values are",
        );
        check(
            json!({"exclusions": [{"deployment": {"name": "x", "scope": {"labels": {}}}}]}),
            "exclusions[0].deployment.scope.labels is not known; cluster, namespace, label, clusterLabel, namespaceLabel are",
        );
        check(json!({"evaluationFilter": {"skip": []}}), "evaluationFilter.skip is not known; skipContainerTypes are");
    }
}
