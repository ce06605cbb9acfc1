//! What the readers of lock files share: packages that are named more than once, the parts of TOML files that tools
//! write, and who needs whom.

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic, Evidence, PackageFacts, PackageKind};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};

/// The packages of one lock file, each name and version once, in the order in which they come.
pub(super) struct Locked<'f> {
    file: &'f File<'f>,
    kind: PackageKind,
    list: Vec<PackageFacts>,
    /// Where what has a name and a version is, by a hash of both.
    index: HashMap<u64, usize>,
    over_limit: bool,
    may_be_empty: bool,
    /// Stanzas that could not be read, and why the first could not.
    broken: Option<(&'static str, u64)>,
    diagnostics: Vec<Diagnostic>,
}

impl<'f> Locked<'f> {
    /// None yet.
    pub(super) fn new(file: &'f File<'f>, kind: PackageKind) -> Self {
        let (list, index) = (Vec::new(), HashMap::new());
        let (over_limit, may_be_empty) = (false, false);
        Self { file, kind, list, index, over_limit, may_be_empty, broken: None, diagnostics: Vec::new() }
    }

    /// For a file in which there may be nothing at all.
    pub(super) fn may_be_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// A package to be filled in and [added](Self::add). `version` is empty where the format gives a folder, a commit or
    /// an archive none.
    pub(super) fn package(&self, name: &str, version: &str) -> PackageFacts {
        PackageFacts { evidence: Evidence::Declared, ..PackageFacts::new(self.kind, name, version) }
    }

    /// Takes a package. What is named twice is needed for more than development if one of them is, and asked for
    /// directly if one of them is.
    pub(super) fn add(&mut self, mut facts: PackageFacts) {
        let key = self.index.hasher().hash_one((&facts.name, &facts.version));
        let known = self.index.get(&key).and_then(|index| self.list.get_mut(*index));
        // Of two with one hash, which nobody can bring about, the second would be listed as often as it comes.
        let same = |known: &&mut PackageFacts| known.name == facts.name && known.version == facts.version;
        if let Some(known) = known.filter(same) {
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
        if self.diagnostics.is_empty() && !self.may_be_empty {
            self.diagnostics.extend(self.file.empty());
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
    /// The first part of the header's key: `package` for `[[package]]`. Empty for what stands before all headers, and for
    /// a key that the tools do not write.
    pub(super) of: &'a str,
    text: &'a str,
}

impl Stanza<'_> {
    /// Whether it may say something of what stands below one of `keys` at the top: its header does, it has none, or
    /// there are headers in it that the cut does not see.
    pub(super) fn may_have(&self, keys: &[&str]) -> bool {
        self.of.is_empty() || keys.contains(&self.of) || has_inner_header(self.text)
    }

    /// Up to its second header.
    pub(super) fn head(&self) -> Self {
        let end = memchr::memmem::find(self.text.as_bytes(), b"\n[").map_or(self.text.len(), |end| end + 1);
        Self { of: self.of, text: &self.text[..end] }
    }

    /// All that it says, from the top of the file.
    pub(super) fn read(&self) -> Result<toml::Table, &'static str> {
        if self.text.len() > STANZA_BYTES {
            return Err("is longer than the limit of 1 MiB");
        }
        self.text.parse().map_err(|_| "is no TOML")
    }
}

/// Whether a `[` stands at the beginning of a line behind blanks: of a header, or of a list in a list.
fn has_inner_header(text: &str) -> bool {
    memchr::memchr_iter(b'[', text.as_bytes()).any(|at| {
        let line = text[..at].trim_end_matches([' ', '\t']);
        line.len() < at && line.ends_with('\n') || line.ends_with('\r')
    })
}

/// The tables below `key` at the top, whether it is a list of them, as `[[package]]`, or one alone.
pub(super) fn tables(whole: &mut toml::Table, key: &str) -> Result<Vec<toml::Table>, &'static str> {
    let table = |value| match value {
        toml::Value::Table(table) => Ok(table),
        _ => Err("is no table"),
    };
    match whole.remove(key) {
        None => Ok(Vec::new()),
        Some(toml::Value::Array(list)) => list.into_iter().map(table).collect(),
        Some(value) => table(value).map(|table| vec![table]),
    }
}

/// Cuts a TOML file as the tools write it: headers begin their lines, and those of what is in a `[[package]]` begin with
/// `package.`. One stanza at a time, so that damage costs one package, and memory does not grow with the file. What is
/// written otherwise, indented for one, may leave several packages in a stanza.
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

/// Cuts a TOML file before each element of a list of tables that stands at the beginning of a line.
pub(super) fn parts(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr::memmem::find(rest.as_bytes(), b"\n[[").map_or(rest.len(), |end| end + 1);
        let (text, after) = rest.split_at(end);
        rest = after;
        (!text.is_empty()).then_some(Stanza { of: "", text })
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
    (SOURCE.to_owned(), from.to_owned())
}

/// The same where one line of a file speaks for many packages: no more of it than real addresses have, or a small file would
/// say very much.
pub(super) fn shared_source(from: &str) -> (String, String) {
    source(&from[..from.floor_char_boundary(SHARED_BYTES)])
}

const SHARED_BYTES: usize = 200;

/// What [`source`] stands under.
pub(crate) const SOURCE: &str = "source";

/// The diagnostic for a lock file of a version that is not known.
pub(super) fn unknown_version(file: &File<'_>, version: impl fmt::Display) -> Diagnostic {
    Diagnostic::incomplete(Code::FileMalformed, format!("lock file version {version} is not known")).at(file.path)
}
