//! Fields of an object by their types; what is of another type is told once, with its place.

use super::object::Object;
use sekisho_base::tree::{Node, Value};
use sekisho_model::{Code, Diagnostic};
use std::collections::BTreeMap;

pub(crate) struct Reader<'a> {
    object: &'a Object,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(object: &'a Object) -> Self {
        Self { object, diagnostics: Vec::new() }
    }

    /// Says that a value is not of the type that belongs there, so that the server would refuse it.
    pub(crate) fn refuse(&mut self, node: &Node, path: &str, wanted: &str) {
        let message =
            format!("{}, line {}: {path} is {}, not {wanted}", self.object.title(), node.place.line, node.kind());
        self.tell(message);
    }

    /// Says that something is wrong with the object, so that nobody can say what it would be.
    pub(crate) fn tell(&mut self, message: String) {
        self.diagnostics.push(Diagnostic::incomplete(Code::ManifestMalformed, message).at(&self.object.file));
    }

    /// What `read` makes of the value under `name`; none where there is none, or nothing.
    fn field<'n, T>(
        &mut self,
        (node, path): (&'n Node, &str),
        name: &str,
        wanted: &str,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Option<T> {
        let value = node.get(name).filter(|value| !value.is_null())?;
        let found = read(value);
        if found.is_none() {
            self.refuse(value, &join(path, name), wanted);
        }
        found
    }

    pub(super) fn text(&mut self, at: (&Node, &str), name: &str) -> Option<String> {
        self.field(at, name, "a text", Node::as_str).map(str::to_owned)
    }

    pub(super) fn flag(&mut self, at: (&Node, &str), name: &str) -> Option<bool> {
        self.field(at, name, "true or false", Node::as_bool)
    }

    pub(super) fn whole(&mut self, at: (&Node, &str), name: &str) -> Option<i64> {
        self.field(at, name, "a whole number", Node::as_i64)
    }

    pub(super) fn map<'n>(&mut self, at: (&'n Node, &str), name: &str) -> Option<&'n Node> {
        let is_map = |node: &'n Node| matches!(node.value, Value::Map(_)).then_some(node);
        self.field(at, name, "a map", is_map)
    }

    pub(super) fn list<'n>(&mut self, at: (&'n Node, &str), name: &str) -> &'n [Node] {
        let items = |node: &'n Node| match &node.value {
            Value::List(items) => Some(items.as_slice()),
            _ => None,
        };
        self.field(at, name, "a list", items).unwrap_or_default()
    }

    pub(super) fn texts(&mut self, at: (&Node, &str), name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (index, item) in self.list(at, name).iter().enumerate() {
            match item.as_str() {
                Some(text) => found.push(text.to_owned()),
                None => self.refuse(item, &format!("{}[{index}]", join(at.1, name)), "a text"),
            }
        }
        found
    }

    /// Texts by name: labels, annotations, selectors.
    pub(super) fn words(&mut self, at: (&Node, &str), name: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let path = join(at.1, name);
        for field in self.map(at, name).map(Node::fields).unwrap_or_default() {
            match field.node.as_str() {
                Some(text) => {
                    found.insert(field.name.clone(), text.to_owned());
                }
                // The server takes nothing for an empty text.
                None if field.node.is_null() => {
                    found.insert(field.name.clone(), String::new());
                }
                None => self.refuse(&field.node, &format!("{path}.{}", field.name), "a text"),
            }
        }
        found
    }
}

/// `spec` and `containers` are `spec.containers`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
