//! A map read field by field; what is wrong is told all at once, and what nobody asked for is wrong too.

use super::Wrong;
use sekisho_base::tree::{Node, Place, Value};

/// A map that is being read.
pub(super) struct Fields<'a> {
    node: &'a Node,
    /// What it is, for messages.
    what: String,
    asked: Vec<&'static str>,
    wrongs: Vec<Wrong>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(node: &'a Node, what: &str) -> Self {
        let mut fields = Self { node, what: what.to_owned(), asked: Vec::new(), wrongs: Vec::new() };
        if !matches!(node.value, Value::Map(_)) {
            fields.wrong(&format!("is {}, not a map", node.kind()));
        }
        fields
    }

    /// What is wrong, fields that were not asked for among it.
    pub(super) fn finish(mut self) -> Vec<Wrong> {
        for field in self.node.fields() {
            if !self.asked.contains(&field.name.as_str()) {
                let close = self.asked.iter().filter(|_| field.name.len() < 100);
                let close = close.map(|known| (strsim::damerau_levenshtein(known, &field.name), known)).min();
                let hint = match close {
                    Some((distance, known)) if distance <= 2 => format!("; there is `{known}`"),
                    _ => format!("; there are {}", self.asked.join(", ")),
                };
                let reason = format!("{} has no field `{}`{hint}", self.what, field.name);
                self.wrongs.push(Wrong { place: field.place, reason });
            }
        }
        self.wrongs.sort_unstable();
        self.wrongs
    }

    /// Every name, however deep, that stands twice in one map: of two criteria of one name only the last would be asked.
    pub(super) fn no_name_twice(&mut self) {
        let mut rest = vec![self.node];
        while let Some(node) = rest.pop() {
            for field in node.fields() {
                if field.repeated {
                    self.wrong_of(
                        field.place,
                        format!("`{}` is there twice, and only the last would count", field.name),
                    );
                }
                rest.push(&field.node);
            }
            rest.extend(node.items());
        }
    }

    pub(super) fn wrong(&mut self, reason: &str) {
        self.wrong_of(self.node.place, format!("{} {reason}", self.what));
    }

    pub(super) fn wrong_of(&mut self, place: Place, reason: String) {
        self.wrongs.push(Wrong { place, reason });
    }

    /// Something is wrong with the value under `name`, or that it is not there.
    pub(super) fn wrong_at(&mut self, name: &'static str, reason: &str) {
        let place = self.node.get(name).map_or(self.node.place, |node| node.place);
        self.wrong_of(place, format!("`{name}` {reason}"));
    }

    /// The value under `name`; none where there is nothing.
    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.node.get(name).filter(|node| !node.is_null())
    }

    /// A text, or what YAML takes for something else and is written like one; empty where there is nothing.
    pub(super) fn text(&mut self, name: &'static str) -> String {
        let Some(node) = self.get(name) else { return String::new() };
        let text = node.scalar().map(std::borrow::Cow::into_owned);
        if text.is_none() {
            self.wrong_at(name, &format!("is {}, not a text", node.kind()));
        }
        text.unwrap_or_default()
    }

    pub(super) fn needed_text(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        if text.trim().is_empty() {
            self.wrong_at(name, "is needed, and is not there");
        }
        text
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let Some(node) = self.get(name) else { return false };
        if node.as_bool().is_none() {
            self.wrong_at(name, &format!("is {}, neither true nor false", node.kind()));
        }
        node.as_bool().unwrap_or_default()
    }

    pub(super) fn number(&mut self, name: &'static str) -> Option<f64> {
        let node = self.get(name)?;
        let number = node.scalar().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.wrong_at(name, &format!("is {}, not a number", node.kind()));
        }
        number
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.get(name).map(|node| self.texts_of(node, name)).unwrap_or_default()
    }

    /// The texts of a list, or the one that stands for one.
    pub(super) fn texts_of(&mut self, node: &Node, name: &str) -> Vec<String> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for item in items {
            match item.scalar() {
                Some(text) => texts.push(text.into_owned()),
                None => self.wrong_of(item.place, format!("`{name}` holds {}, not a text", item.kind())),
            }
        }
        texts
    }

    pub(super) fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let node = self.get(name)?;
        self.word_of(node, name, words)
    }

    pub(super) fn words<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Vec<T> {
        let Some(node) = self.get(name) else { return Vec::new() };
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        items.iter().filter_map(|item| self.word_of(item, name, words)).collect()
    }

    pub(super) fn word_of<T: Copy>(&mut self, node: &Node, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = node.scalar().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong_of(node.place, format!("`{name}` is {text:?}, and not one of {}", known.join(", ")));
        }
        found
    }

    /// The map under `name`.
    pub(super) fn below(&mut self, name: &'static str) -> Option<Fields<'a>> {
        self.get(name).map(|node| Fields::of(node, &format!("`{name}`")))
    }

    /// Takes what is wrong with a map below.
    pub(super) fn take_wrongs(&mut self, below: Fields<'_>) {
        self.wrongs.extend(below.finish());
    }

    /// The entries of the map under `name`.
    pub(super) fn map<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&str, &'a Node, &mut Self) -> T,
    ) -> Vec<T> {
        let Some(node) = self.get(name) else { return Vec::new() };
        if !matches!(node.value, Value::Map(_)) {
            self.wrong_at(name, &format!("is {}, not a map", node.kind()));
        }
        node.fields().iter().map(|field| read(&field.name, &field.node, self)).collect()
    }

    /// The maps in the list under `name`.
    pub(super) fn each<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Fields<'a>) -> T) -> Vec<T> {
        let Some(node) = self.get(name) else { return Vec::new() };
        if !matches!(node.value, Value::List(_)) {
            self.wrong_at(name, &format!("is {}, not a list", node.kind()));
        }
        let mut found = Vec::new();
        for item in node.items() {
            let mut below = Fields::of(item, &format!("an entry of `{name}`"));
            found.push(read(&mut below));
            self.take_wrongs(below);
        }
        found
    }
}
