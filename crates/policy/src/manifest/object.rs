//! Objects of Kubernetes out of texts, lists of them taken apart.

use super::{Resources, has_containers};
use sekisho_base::Limits;
use sekisho_base::tree::{Node, Place, Value, documents};
use sekisho_model::{Code, Diagnostic};

/// An object of Kubernetes.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The file it is from.
    pub file: String,
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// The name; empty where none is given.
    pub name: String,
    /// The namespace; empty where none is given.
    pub namespace: String,
    /// All of it.
    pub node: Node,
}

impl Object {
    /// The object that `node` is; none where it names no kind.
    pub fn new(file: &str, node: Node) -> Option<Self> {
        let text = |names: &[&str]| node.at(names).and_then(Node::as_str).unwrap_or_default().to_owned();
        let object = Self {
            file: file.to_owned(),
            api_version: text(&["apiVersion"]),
            kind: text(&["kind"]),
            name: text(&["metadata", "name"]),
            namespace: text(&["metadata", "namespace"]),
            node,
        };
        (!object.api_version.is_empty() && !object.kind.is_empty()).then_some(object)
    }

    /// The API group; empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The namespace it is put into: `default` where none is given.
    pub fn effective_namespace(&self) -> &str {
        if self.namespace.is_empty() { "default" } else { &self.namespace }
    }

    /// `Deployment/web`
    pub fn title(&self) -> String {
        if self.name.is_empty() { self.kind.clone() } else { format!("{}/{}", self.kind, self.name) }
    }

    /// Where `path` stands in the text, as `place` says it.
    pub fn place(&self, path: &str) -> Place {
        place(&self.node, path)
    }
}

/// Puts objects that name no namespace into `namespace`, as `kubectl -n` does, but for those that are in none.
pub fn put_into(namespace: &str, objects: &mut [Object]) {
    let resources = Resources::of(objects);
    for object in objects.iter_mut().filter(|object| object.namespace.is_empty()) {
        if !resources.resource(&object.api_version, &object.kind).namespaced {
            continue;
        }
        namespace.clone_into(&mut object.namespace);
        if let Some(metadata) = object.node.get_mut("metadata") {
            match metadata.get_mut("namespace") {
                Some(node) => node.value = Value::Text(namespace.to_owned()),
                None => metadata.set_missing("namespace", namespace),
            }
        }
    }
}

/// Where `path`, such as `spec.containers[0].image` or `metadata.annotations[example.org/name]`, stands in the text: the
/// place of the field, or of the nearest thing above it where it is not there.
pub(crate) fn place(node: &Node, path: &str) -> Place {
    let mut place = node.place;
    let mut node = node;
    for step in steps(path) {
        let next = match (&node.value, step.parse::<usize>()) {
            (Value::List(items), Ok(index)) => items.get(index).map(|item| (item.place, item)),
            _ => node.fields().iter().find(|field| field.name == step).map(|field| (field.place, &field.node)),
        };
        let Some((at, below)) = next else { break };
        (place, node) = (at, below);
    }
    place
}

/// The names and numbers in a path such as `spec.containers[0].image` or `metadata.annotations[example.org/name]`.
pub(crate) fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // A name in brackets may have dots in it.
        let (step, after) = match rest.strip_prefix('[') {
            Some(bracket) => bracket.split_once(']').unwrap_or((bracket, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        rest = after.strip_prefix('.').unwrap_or(after);
        Some(step)
    })
}

/// The objects in the text of `file`, those of lists in their place; and what is no object, or cannot be read.
pub fn objects(file: &str, text: &str, limits: &Limits) -> (Vec<Object>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut diagnostics = Vec::new();
    for (index, document) in documents(text, limits).into_iter().enumerate() {
        match document {
            Ok(node) => {
                let places = repeated(&node);
                if let Some(first) = places.first() {
                    let more =
                        if places.len() > 1 { format!(", and {} more", places.len() - 1) } else { String::new() };
                    let message = format!("document {}, {first}{more}: the last one counts", index + 1);
                    diagnostics.push(Diagnostic::note(Code::ManifestMalformed, message).at(file));
                }
                take(file, index + 1, node, &mut found, &mut diagnostics);
            }
            Err(error) => {
                let hint = if text.contains("{{") { "; a template must be rendered first" } else { "" };
                let message = format!("document {}: {error}{hint}", index + 1);
                diagnostics.push(Diagnostic::incomplete(Code::ManifestMalformed, message).at(file));
            }
        }
    }
    (found, diagnostics)
}

/// The names that stand in one map more than once, which the API server refuses or takes the last of, as it is told.
fn repeated(node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        let again = node.fields().iter().filter(|field| field.repeated);
        found.extend(again.map(|field| format!("line {}: {:?} stands there before", field.place.line, field.name)));
        rest.extend(node.fields().iter().rev().map(|field| &field.node));
        rest.extend(node.items().iter().rev());
    }
    found
}

fn take(file: &str, document: usize, node: Node, found: &mut Vec<Object>, diagnostics: &mut Vec<Diagnostic>) {
    let line = |node: &Node| node.place.line;
    // Lists may lie in lists; how deep is bounded by the depth of documents.
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        let at = line(&node);
        if node.value == Value::Null {
            continue;
        }
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("document {document}, line {at}: is {}, not an object", node.kind());
            diagnostics.push(Diagnostic::incomplete(Code::ManifestMalformed, message).at(file));
            continue;
        }
        // Whoever meant it as one is to know that nobody looked at it.
        let is_meant = node.get("kind").is_some() || has_containers(&node);
        let Some(mut object) = Object::new(file, node) else {
            let message = format!("document {document}, line {at}: names no apiVersion and kind, so it is no object");
            diagnostics.push(if is_meant {
                Diagnostic::incomplete(Code::ManifestMalformed, message).at(file)
            } else {
                Diagnostic::note(Code::ManifestForeign, message).at(file)
            });
            continue;
        };
        let is_list = object.kind.ends_with("List") && object.node.get("items").is_some();
        if !is_list {
            found.push(object);
            continue;
        }
        let items = std::mem::take(&mut object.node).take("items").unwrap_or_default();
        if !matches!(items.value, Value::List(_) | Value::Null) {
            let kind = items.kind();
            let message =
                format!("document {document}, line {at}: the items of {} are {kind}, not a list", object.kind);
            diagnostics.push(Diagnostic::incomplete(Code::ManifestMalformed, message).at(file));
        }
        let items = items.into_items();
        // A typed list leaves out what its name says.
        let (api_version, kind) = (object.api_version, object.kind.trim_end_matches("List").to_owned());
        for mut item in items.into_iter().rev() {
            if !kind.is_empty() {
                item.set_missing("apiVersion", &api_version);
                item.set_missing("kind", &kind);
            }
            rest.push(item);
        }
    }
}
