//! Files of rules, in order, as a [`RuleSet`].
//!
//! What a file can hold, and what of it is refused or warned about, is Falco 0.44's
//! (<https://falco.org/docs/concepts/rules/>). A file is taken as a whole or not at all, and as in Falco what it uses has
//! to be there when it is read: in it, or in a file before it.

mod collect;
mod compile;
mod item;
mod lists;
mod report;
#[cfg(test)]
mod tests;
mod texts;

pub use compile::{ListInfo, MacroInfo, Rule, RuleSet};
pub use item::Capture;
pub use report::{LoadCode, Problem, Snippet};
pub use texts::Texts;

use collect::Collected;
use item::{At, Source};
use sekisho_base::Limits;
use sekisho_base::tree::{self, Place};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// A version of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u32; 3]);

impl Version {
    /// Reads `1.2.3`; what follows a dash or plus is not looked at.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.split(['-', '+']).next()?;
        let mut numbers = text.split('.').map(str::parse);
        let version = Self([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?]);
        numbers.next().is_none().then_some(version)
    }

    /// Whether what asks for `wanted` can have this: the same first number, and not older.
    pub fn covers(self, wanted: Self) -> bool {
        self.0[0] == wanted.0[0] && self.0 >= wanted.0
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What happens to a rule that asks for a field which nothing can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blind {
    /// It runs, with a warning; comparisons of the field are neither true nor false.
    #[default]
    Unknown,
    /// It is an error.
    Refuse,
}

/// What rules are loaded for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version of Falco's engine whose rules are taken.
    pub engine: Version,
    /// The plugins whose fields are there, and as of which version.
    pub plugins: Vec<(String, Version)>,
    /// The sources of events. Rules of others are left out.
    pub sources: Vec<String>,
    /// What happens to rules that ask for fields which nothing can fill.
    pub blind: Blind,
}

impl Default for Settings {
    fn default() -> Self {
        let plugins = [("container", [0, 7, 1]), ("k8saudit", [0, 18, 0]), ("json", [0, 7, 4])];
        Self {
            engine: Version([0, 63, 0]),
            plugins: plugins.map(|(name, version)| (name.to_owned(), Version(version))).into(),
            sources: ["syscall", "k8s_audit"].map(str::to_owned).into(),
            blind: Blind::default(),
        }
    }
}

/// A file of rules.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// How messages name it.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What came of files.
#[derive(Debug)]
pub struct Loaded {
    /// The rules; none where anything is an error.
    pub rules: Option<RuleSet>,
    /// What is wrong, or worth saying, in the order of the files.
    pub problems: Vec<Problem>,
}

/// Loads files in order.
pub fn load(files: &[File<'_>], settings: &Settings, limits: &Limits) -> Loaded {
    let mut collected = Collected::default();
    let mut problems = Vec::new();
    let mut compiled = compile::Outcome::default();
    // Texts, of each byte of which several are made in compiling.
    let mut budget = usize::try_from(limits.facts_bytes / 4).unwrap_or(usize::MAX);
    for file in files {
        read(file, &mut collected, settings, limits, &mut problems);
        if problems.iter().any(|problem| problem.code.is_error()) {
            break;
        }
        compiled = compile::compile(&collected, settings, &mut budget);
        if compiled.errors() {
            break;
        }
    }
    problems.append(&mut compiled.problems);
    let failed = problems.iter().any(|problem| problem.code.is_error());
    Loaded { rules: compiled.rules.filter(|_| !failed), problems }
}

/// After how many errors reading ends.
const ERRORS: usize = 100;

fn read(file: &File<'_>, to: &mut Collected, settings: &Settings, limits: &Limits, problems: &mut Vec<Problem>) {
    let source = Arc::new(Source { name: file.name.to_owned(), text: file.text.to_owned(), told: 0.into() });
    let start = At { file: source, place: Place { line: 1, column: 1 }, within: Vec::new() };
    if file.text.len() as u64 > limits.text_file_bytes {
        let exceeded = limits.exceeded(sekisho_base::limits::LimitKey::TextFileBytes, "bytes");
        problems.push(start.problem(LoadCode::FileRead, exceeded.to_string()));
        return;
    }
    let mut errors = 0;
    for document in tree::literal_documents(file.text, limits) {
        let document = match document {
            Ok(document) => document,
            Err(malformed) => {
                let at = At { place: malformed.place, ..start };
                problems.push(at.problem(LoadCode::YamlParse, malformed.reason));
                return;
            }
        };
        let tree::Value::List(nodes) = &document.value else {
            let message = format!("rules are a list of items, not {}", document.kind());
            problems.push(start.of(&document).problem(LoadCode::YamlValidate, message));
            return;
        };
        for node in nodes.iter().filter(|node| !node.is_null()) {
            let mut taken = |item| to.take(item, settings, problems);
            let read = match node.get("required_plugin_versions") {
                Some(plugins) if node.get("required_engine_version").is_none() => {
                    item::plugins(plugins, &start).and_then(|items| items.into_iter().try_for_each(taken))
                }
                _ => {
                    let mut warnings = Vec::new();
                    let read = item::read(node, &start, &mut warnings);
                    let read = read.and_then(|item| item.map_or(Ok(()), &mut taken));
                    problems.append(&mut warnings);
                    read
                }
            };
            if let Err(problem) = read {
                let name = ["rule", "macro", "list"]
                    .into_iter()
                    .find_map(|kind| Some(format!("{kind} {}", node.get(kind)?.as_str()?)));
                to.broken.extend(name);
                problems.push(*problem);
                errors += 1;
                if errors >= ERRORS {
                    return;
                }
            }
        }
    }
}
