//! Which objects a constraint is about: [`spec.match`](https://open-policy-agent.github.io/gatekeeper/website/docs/howto/#the-match-field).

use super::Review;
use crate::manifest::Object;
use sekisho_base::tree::{Node, Value};
use std::collections::HashMap;

/// Whether a constraint is about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matched {
    Yes,
    No,
    Unknown(String),
}

/// What `spec.match` says; all objects where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Groups and kinds; empty lists are all.
    kinds: Vec<(Vec<String>, Vec<String>)>,
    reach: String,
    namespaces: Vec<String>,
    excluded: Vec<String>,
    labels: Option<Selector>,
    namespace_labels: Option<Selector>,
    name: String,
    source: String,
}

/// A selector of labels; all that it says holds.
#[derive(Debug, Default)]
struct Selector(Vec<(String, Operator, Vec<String>)>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

pub(super) fn is_namespace(object: &Object) -> bool {
    object.kind == "Namespace" && object.group().is_empty()
}

const FIELDS: [&str; 8] =
    ["kinds", "scope", "namespaces", "excludedNamespaces", "labelSelector", "namespaceSelector", "name", "source"];

impl Scope {
    /// None where the API server would refuse it.
    pub(super) fn read(node: Option<&Node>, told: &mut impl FnMut(&Node, String)) -> Option<Self> {
        let Some(node) = node else { return Some(Self::default()) };
        let mut reader = Reader { told, is_fit: true };
        reader.map(node, "spec.match");
        reader.only(node, &FIELDS, "spec.match");
        let kinds = reader.list(node, "kinds", "spec.match").iter().map(|kind| {
            reader.only(kind, &["apiGroups", "kinds"], "spec.match.kinds");
            (reader.texts(kind, "apiGroups", "spec.match.kinds"), reader.texts(kind, "kinds", "spec.match.kinds"))
        });
        let kinds = kinds.collect();
        let scope = Self {
            kinds,
            reach: reader.text(node, "scope"),
            namespaces: reader.texts(node, "namespaces", "spec.match"),
            excluded: reader.texts(node, "excludedNamespaces", "spec.match"),
            labels: reader.selector(node, "labelSelector"),
            namespace_labels: reader.selector(node, "namespaceSelector"),
            name: reader.text(node, "name"),
            source: reader.text(node, "source"),
        };
        for (name, value, known) in [
            ("scope", &scope.reach, ["", "*", "Cluster", "Namespaced"]),
            ("source", &scope.source, ["", "All", "Original", "Generated"]),
        ] {
            if !known.contains(&value.as_str()) {
                reader.wrong(
                    node.get(name).unwrap_or(node),
                    format!("spec.match.{name} is {value:?}, which is none of {}", known[1..].join(", ")),
                );
            }
        }
        reader.is_fit.then_some(scope)
    }

    pub(super) fn matches(&self, review: &Review<'_>, namespaces: &HashMap<String, Node>) -> Matched {
        let mut result = Matched::No;
        for object in [Some(review.object), review.old].into_iter().flatten() {
            match self.matches_object(object, review, namespaces) {
                Matched::Yes => return Matched::Yes,
                Matched::No => {}
                unknown @ Matched::Unknown(_) => result = unknown,
            }
        }
        result
    }

    fn matches_object(&self, object: &Object, review: &Review<'_>, namespaces: &HashMap<String, Node>) -> Matched {
        let holds = self.matches_source(review.is_generated)
            && self.matches_kind(object)
            && self.matches_scope(object, review)
            && self.matches_namespace(object, review)
            && self.labels.as_ref().is_none_or(|selector| selector.matches(&object.node))
            && self.matches_name(object);
        match &self.namespace_labels {
            _ if !holds => Matched::No,
            None => Matched::Yes,
            Some(selector) => {
                let found = match namespace(object, review) {
                    _ if is_namespace(object) => Some(&object.node),
                    // What is in no namespace is not asked for one.
                    None => return Matched::Yes,
                    Some(name) => review.namespace.map(|object| &object.node).or_else(|| namespaces.get(&name)),
                };
                match found {
                    Some(node) if selector.matches(node) => Matched::Yes,
                    Some(_) => Matched::No,
                    None => {
                        let name = namespace(object, review).unwrap_or_default();
                        Matched::Unknown(format!(
                            "the labels of the namespace {name} are not known, and the constraint selects by them"
                        ))
                    }
                }
            }
        }
    }

    fn matches_source(&self, is_generated: bool) -> bool {
        match self.source.as_str() {
            "Original" => !is_generated,
            "Generated" => is_generated,
            _ => true,
        }
    }

    fn matches_kind(&self, object: &Object) -> bool {
        let among =
            |list: &[String], name: &str| list.is_empty() || list.iter().any(|item| item == "*" || item == name);
        self.kinds.is_empty()
            || self.kinds.iter().any(|(groups, kinds)| among(kinds, &object.kind) && among(groups, object.group()))
    }

    fn matches_scope(&self, object: &Object, review: &Review<'_>) -> bool {
        let is_namespaced = !is_namespace(object) && namespace(object, review).is_some();
        match self.reach.as_str() {
            "Cluster" => !is_namespaced,
            "Namespaced" => is_namespaced,
            _ => true,
        }
    }

    fn matches_namespace(&self, object: &Object, review: &Review<'_>) -> bool {
        let name = if is_namespace(object) { Some(object.name.clone()) } else { namespace(object, review) };
        // What is in no namespace cannot be in the wrong one.
        let Some(name) = name else { return true };
        (self.namespaces.is_empty() || self.namespaces.iter().any(|pattern| wildcard(pattern, &name)))
            && !self.excluded.iter().any(|pattern| wildcard(pattern, &name))
    }

    fn matches_name(&self, object: &Object) -> bool {
        let generated = object.node.at(&["metadata", "generateName"]).and_then(Node::as_str);
        let begins = |generated: &str| self.name.strip_suffix('*').is_some_and(|start| generated.starts_with(start));
        self.name.is_empty()
            || wildcard(&self.name, &object.name)
            || (object.name.is_empty() && generated.is_some_and(begins))
    }
}

/// The namespace an object is in.
pub(super) fn namespace(object: &Object, review: &Review<'_>) -> Option<String> {
    let given = review.namespace.map(|namespace| namespace.name.as_str());
    let asked = || review.request?.get("namespace")?.as_str();
    let own = Some(object.namespace.as_str()).filter(|name| !name.is_empty());
    given.or_else(|| asked().filter(|name| !name.is_empty())).or(own).map(str::to_owned)
}

/// A name, with an asterisk before it, after it, or both.
fn wildcard(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

impl Selector {
    /// Whether it holds for the labels of an object.
    fn matches(&self, object: &Node) -> bool {
        let labels = object.at(&["metadata", "labels"]);
        self.0.iter().all(|(key, operator, values)| {
            let value = labels.and_then(|labels| labels.get(key)).and_then(Node::as_str);
            let among = value.is_some_and(|value| values.iter().any(|wanted| wanted == value));
            match operator {
                Operator::In => among,
                Operator::NotIn => !among,
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

struct Reader<'f, F> {
    told: &'f mut F,
    is_fit: bool,
}

impl<F: FnMut(&Node, String)> Reader<'_, F> {
    fn wrong(&mut self, node: &Node, reason: String) {
        self.is_fit = false;
        (self.told)(node, reason);
    }

    fn map(&mut self, node: &Node, path: &str) {
        if !matches!(node.value, Value::Map(_)) {
            self.wrong(node, format!("{path} is {}, not a map", node.kind()));
        }
    }

    /// The server would leave out what is under another name.
    fn only(&mut self, node: &Node, names: &[&str], path: &str) {
        if let Some(field) = node.fields().iter().find(|field| !names.contains(&field.name.as_str())) {
            self.wrong(&field.node, format!("{path}.{} is not known; {} are", field.name, names.join(", ")));
        }
    }

    fn text(&mut self, node: &Node, name: &str) -> String {
        let Some(node) = node.get(name).filter(|node| !node.is_null()) else { return String::new() };
        if node.as_str().is_none() {
            self.wrong(node, format!("spec.match.{name} is {}, not a text", node.kind()));
        }
        node.as_str().unwrap_or_default().to_owned()
    }

    fn list<'n>(&mut self, node: &'n Node, name: &str, path: &str) -> &'n [Node] {
        let Some(node) = node.get(name).filter(|node| !node.is_null()) else { return &[] };
        if !matches!(node.value, Value::List(_)) {
            self.wrong(node, format!("{path}.{name} is {}, not a list", node.kind()));
        }
        node.items()
    }

    fn texts(&mut self, node: &Node, name: &str, path: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(node, name, path) {
            match item.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.wrong(item, format!("{path}.{name} has {} in it, not a text", item.kind())),
            }
        }
        texts
    }

    fn selector(&mut self, node: &Node, name: &str) -> Option<Selector> {
        let node = node.get(name).filter(|node| !node.is_null())?;
        let path = format!("spec.match.{name}");
        self.map(node, &path);
        let mut selector = Selector::default();
        for field in node.get("matchLabels").map(Node::fields).unwrap_or_default() {
            match field.node.as_str() {
                Some(value) => selector.0.push((field.name.clone(), Operator::In, vec![value.to_owned()])),
                None => self.wrong(
                    &field.node,
                    format!("{path}.matchLabels.{} is {}, not a text", field.name, field.node.kind()),
                ),
            }
        }
        for expression in self.list(node, "matchExpressions", &path) {
            let values = self.texts(expression, "values", &path);
            let operator = match expression.get("operator").and_then(Node::as_str) {
                Some("In") if !values.is_empty() => Operator::In,
                Some("NotIn") if !values.is_empty() => Operator::NotIn,
                Some("Exists") if values.is_empty() => Operator::Exists,
                Some("DoesNotExist") if values.is_empty() => Operator::DoesNotExist,
                _ => {
                    self.wrong(
                        expression,
                        format!("{path}.matchExpressions has an operator that is none, or whose values do not fit"),
                    );
                    continue;
                }
            };
            let key = expression.get("key").and_then(Node::as_str).unwrap_or_default().to_owned();
            selector.0.push((key, operator, values));
        }
        Some(selector)
    }
}
