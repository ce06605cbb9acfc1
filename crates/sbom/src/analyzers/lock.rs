//! What the readers of lock files share: packages that are named more than once, the parts of TOML files that tools
//! write, and who needs whom.

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic, Evidence, PackageFacts, PackageKind};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

/// The packages of one lock file, each name and version once, in the order in which they come.
pub(super) struct Locked<'f> {
    file: &'f File<'f>,
    kind: PackageKind,
    list: Vec<PackageFacts>,
    index: HashMap<(String, String), usize>,
    over_limit: bool,
    /// Stanzas that could not be read, and why the first could not.
    broken: Option<(&'static str, u64)>,
    diagnostics: Vec<Diagnostic>,
}

impl<'f> Locked<'f> {
    /// None yet.
    pub(super) fn new(file: &'f File<'f>, kind: PackageKind) -> Self {
        let (list, index) = (Vec::new(), HashMap::new());
        Self { file, kind, list, index, over_limit: false, broken: None, diagnostics: Vec::new() }
    }

    /// A package to be filled in and [added](Self::add). `version` is empty where the format gives a folder, a commit or
    /// an archive none.
    pub(super) fn package(&self, name: &str, version: &str) -> PackageFacts {
        PackageFacts { evidence: Evidence::Declared, ..PackageFacts::new(self.kind, name, version) }
    }

    /// Takes a package. What is named twice is needed for more than development if one of them is, and asked for
    /// directly if one of them is.
    pub(super) fn add(&mut self, mut facts: PackageFacts) {
        let key = (facts.name.clone(), facts.version.clone());
        if let Some(known) = self.index.get(&key).and_then(|index| self.list.get_mut(*index)) {
            known.dev &= facts.dev;
            known.direct = known.direct.max(facts.direct);
        } else if self.list.len() >= self.file.limits.records {
            self.over_limit = true;
        } else {
            facts.extra.sort();
            self.index.insert(key, self.list.len());
            self.list.push(facts);
        }
    }

    /// Keeps that there are more packages than are taken.
    pub(super) fn over(&mut self) {
        self.over_limit = true;
    }

    /// Keeps what could not be read.
    pub(super) fn note(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Keeps that something is not of the format, so that packages may be missing.
    pub(super) fn malformed(&mut self, message: impl fmt::Display) {
        self.note(self.file.malformed(message));
    }

    /// Keeps that a stanza could not be read. However many there are, they are told in one diagnostic.
    pub(super) fn broken(&mut self, reason: &'static str) {
        self.broken.get_or_insert((reason, 0)).1 += 1;
    }

    /// Says how many entries name no package, if there are any.
    pub(super) fn unusable(&mut self, entries: u64) {
        if entries > 0 {
            self.malformed(format_args!("entries that are not of the format: {entries}"));
        }
    }

    /// All that was taken.
    pub(super) fn finish(mut self) -> Extract {
        if let Some((reason, count)) = self.broken {
            self.malformed(format_args!("parts that could not be read: {count}; the first {reason}"));
        }
        if self.over_limit {
            self.diagnostics.push(self.file.exceeded(LimitKey::Records, "packages of one file"));
        }
        Extract { packages: self.list, diagnostics: self.diagnostics, ..Extract::default() }
    }
}

/// The most that is read of one stanza: the largest of real files, with the hashes of hundreds of archives, have less
/// than a tenth. What a TOML reader makes of a text takes many times its size in memory.
pub(super) const STANZA_BYTES: usize = 1 << 20;

/// A part of a TOML file: from the header of a table that stands at the top to the next of these.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stanza<'a> {
    /// The first part of the header's key: `package` for `[[package]]`. Empty for what stands before all headers.
    pub(super) of: &'a str,
    text: &'a str,
}

impl Stanza<'_> {
    /// The table below [`Stanza::of`], or, before all headers, the one of the file itself.
    pub(super) fn table(&self) -> Result<toml::Table, &'static str> {
        if self.text.len() > STANZA_BYTES {
            return Err("is longer than the limit of 1 MiB");
        }
        let mut whole: toml::Table = self.text.parse().map_err(|_| "is no TOML")?;
        match whole.remove(self.of) {
            _ if self.of.is_empty() => Ok(whole),
            Some(toml::Value::Table(table)) => Ok(table),
            // `[[package]]` is a list of one.
            Some(toml::Value::Array(list)) => match list.into_iter().next() {
                Some(toml::Value::Table(table)) => Ok(table),
                _ => Err("is no table"),
            },
            _ => Err("is no table"),
        }
    }
}

/// Cuts a TOML file as the tools write it: headers begin their lines, and those of what is in a `[[package]]` begin with
/// `package.`. One stanza at a time, so that damage costs one package, and memory does not grow with the file.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let of = header(rest).map_or("", |(key, _)| key);
        let mut lines = memchr::memchr_iter(b'\n', rest.as_bytes()).map(|end| end + 1);
        let starts = |at: &usize| header(&rest[*at..]).is_some_and(|(key, inner)| !inner || key != of);
        let (text, after) = rest.split_at(lines.find(starts).unwrap_or(rest.len()));
        rest = after;
        Some(Stanza { of, text })
    })
}

/// The first part of the key of the header that `text` begins with, and whether it has more.
fn header(text: &str) -> Option<(&str, bool)> {
    let key = text.strip_prefix("[[").or_else(|| text.strip_prefix('['))?;
    let end = key.find(|character: char| !character.is_ascii_alphanumeric() && !"-_".contains(character))?;
    let (key, after) = key.split_at(end);
    Some((key, after.starts_with('.')))
}

/// All that can be reached from `start`, itself included. `next` adds where one thing leads.
pub(super) fn reached<K: Copy + Eq + Hash>(
    start: impl IntoIterator<Item = K>,
    mut next: impl FnMut(K, &mut Vec<K>),
) -> HashSet<K> {
    let mut open: Vec<K> = start.into_iter().collect();
    let mut seen = HashSet::new();
    while let Some(key) = open.pop() {
        if seen.insert(key) {
            next(key, &mut open);
        }
    }
    seen
}

/// An `extra` that says where a package comes from, if not from the registry that everyone uses.
pub(super) fn source(from: &str) -> (String, String) {
    ("source".to_owned(), from.to_owned())
}

/// The same where one line of a file speaks for many packages: no more of it than real addresses have, or a small file would
/// say very much.
pub(super) fn shared_source(from: &str) -> (String, String) {
    source(&from[..from.floor_char_boundary(SHARED_BYTES)])
}

const SHARED_BYTES: usize = 200;

/// The diagnostic for a lock file of a version that is not known.
pub(super) fn unknown_version(file: &File<'_>, version: impl fmt::Display) -> Diagnostic {
    Diagnostic::incomplete(Code::FileMalformed, format!("lock file version {version} is not known")).at(file.path)
}
