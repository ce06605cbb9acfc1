//! What a check finds, and the words that the standard's messages are made of.

use super::view::{Container, Context, View};
use std::collections::BTreeSet;

/// How many paths of one fault are named.
const PATHS: usize = 1000;

/// What is at fault: a violation that does not yet know its check.
pub(super) struct Fault {
    pub(super) reason: &'static str,
    pub(super) detail: String,
    pub(super) paths: Vec<String>,
}

/// Who is at fault, as a check goes through a pod.
pub(super) struct Culprits<'v, 'a> {
    view: &'v View<'a>,
    /// Whether the pod itself is.
    pub(super) pod: bool,
    /// The names of the containers that are.
    pub(super) containers: Vec<&'a str>,
    paths: Vec<String>,
}

impl<'v, 'a> Culprits<'v, 'a> {
    pub(super) fn of(view: &'v View<'a>) -> Self {
        Self { view, pod: false, containers: Vec::new(), paths: Vec::new() }
    }

    /// Pod and containers for whose `securityContext` `wrong` names fields in it.
    pub(super) fn setting<I: IntoIterator<Item = &'static str>>(
        view: &'v View<'a>,
        mut wrong: impl FnMut(&Context<'a>) -> I,
    ) -> Self {
        let mut culprits = Self::of(view);
        for field in wrong(&view.context) {
            culprits.pod(&format!("spec.securityContext.{field}"));
        }
        for container in &view.containers {
            let mut fields = wrong(&container.context).into_iter().peekable();
            if fields.peek().is_some() {
                culprits.containers.push(container.name);
            }
            for field in fields {
                culprits.within(container, &format!("securityContext.{field}"));
            }
        }
        culprits
    }

    /// A field of the pod.
    pub(super) fn at(&mut self, path: &str) {
        if self.paths.len() < PATHS {
            self.paths.push(self.view.path(path));
        }
    }

    /// The pod, by a field of it.
    pub(super) fn pod(&mut self, path: &str) {
        self.pod = true;
        self.at(path);
    }

    /// A field of a container, which does not make the container a culprit.
    pub(super) fn within(&mut self, container: &Container<'_>, path: &str) {
        if self.paths.len() < PATHS {
            let path = format!("spec.{}[{}].{path}", container.list, container.index);
            self.paths.push(self.view.path(&path));
        }
    }

    /// A container, by a field of it.
    pub(super) fn container(&mut self, container: &Container<'a>, path: &str) {
        self.containers.push(container.name);
        self.within(container, path);
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.pod && self.containers.is_empty() && self.paths.is_empty()
    }

    /// `containers "a", "b"`
    pub(super) fn containers(&self) -> String {
        format!("{} {}", plural("container", self.containers.len()), quoted(self.containers.iter().copied()))
    }

    /// `pod and container "a"`
    pub(super) fn setters(&self) -> String {
        match (self.pod, self.containers.is_empty()) {
            (true, true) => "pod".to_owned(),
            (true, false) => format!("pod and {}", self.containers()),
            (false, _) => self.containers(),
        }
    }

    /// The fault, where there is one.
    pub(super) fn fault(self, reason: &'static str, detail: impl FnOnce(&Self) -> String) -> Option<Fault> {
        if self.is_empty() {
            return None;
        }
        Some(Fault { reason, detail: detail(&self), paths: self.paths })
    }
}

/// `container`, or `containers` where there is not one.
pub(super) fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// `uses`, or `use` where there is not one.
pub(super) fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// `"a", "b"`: names between quotes, which the standard does not escape.
pub(super) fn quoted<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.extend(["\"", name, "\""]);
    }
    text
}

/// The same of a set.
pub(super) fn quoted_set(names: &BTreeSet<&str>) -> String {
    quoted(names.iter().copied())
}

/// A text as Go's `%q` writes it.
pub(crate) fn go_quoted(text: &str) -> String {
    use std::fmt::Write;
    let mut quoted = String::from("\"");
    for character in text.chars() {
        let code = u32::from(character);
        // Writing to a text does not fail.
        let _ = match character {
            '"' | '\\' => write!(quoted, "\\{character}"),
            '\u{7}' => write!(quoted, "\\a"),
            '\u{8}' => write!(quoted, "\\b"),
            '\t' => write!(quoted, "\\t"),
            '\n' => write!(quoted, "\\n"),
            '\u{b}' => write!(quoted, "\\v"),
            '\u{c}' => write!(quoted, "\\f"),
            '\r' => write!(quoted, "\\r"),
            ' ' => write!(quoted, " "),
            _ if code < 0x20 || code == 0x7f => write!(quoted, "\\x{code:02x}"),
            _ if !is_printed(character) && code < 0x10000 => write!(quoted, "\\u{code:04x}"),
            _ if !is_printed(character) => write!(quoted, "\\U{code:08x}"),
            _ => write!(quoted, "{character}"),
        };
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints it as it is: no control, space, or sign that only formats, and not for private use.
fn is_printed(character: char) -> bool {
    let formats = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    let private = matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    !character.is_control() && !character.is_whitespace() && !formats && !private
}
