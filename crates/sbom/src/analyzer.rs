//! What an analyzer is: which files it wants, and the function from one file to an [`Extract`].

use crate::project::Project;
use sekisho_base::limits::LimitKey;
use sekisho_base::xml::{self, Malformed};
use sekisho_base::{Limits, PathTable, ReadAt};
use sekisho_model::{Code, Diagnostic, License, OsRelease, Package, PackageFacts, PackageKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::io;

/// One file of an image or a directory tree.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// From the root, without a leading slash: `var/lib/dpkg/status`.
    pub path: &'a str,
    /// Content.
    pub data: &'a dyn ReadAt,
    /// Bounds.
    pub limits: &'a Limits,
}

impl<'a> File<'a> {
    /// The name without the directories.
    pub fn name(&self) -> &'a str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }

    /// The directory, without a trailing slash; empty at the root.
    pub fn directory(&self) -> &'a str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    /// The whole content, for text formats; a diagnostic when it is larger than
    /// [`Limits::text_file_bytes`] or cannot be read.
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>, Diagnostic> {
        self.data.whole(self.limits.text_file_bytes).map_err(|error| self.unreadable(&error))
    }

    /// The whole content as text: of UTF-16 where a mark in front says so, as programs on Windows write it, else of UTF-8,
    /// where bytes that are none become U+FFFD. Carriage returns without any line feed are the ends of lines.
    pub fn text(&self) -> Result<Cow<'a, str>, Diagnostic> {
        let text = match self.bytes()? {
            Cow::Borrowed(bytes) => wide(bytes).map_or_else(|| String::from_utf8_lossy(bytes), Cow::Owned),
            Cow::Owned(bytes) => Cow::Owned(match wide(&bytes) {
                Some(text) => text,
                None => String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            }),
        };
        let is_old =
            memchr::memchr(b'\r', text.as_bytes()).is_some() && memchr::memchr(b'\n', text.as_bytes()).is_none();
        Ok(if is_old { Cow::Owned(text.replace('\r', "\n")) } else { text })
    }

    /// The diagnostic for a failed read of this file.
    pub fn unreadable(&self, error: &io::Error) -> Diagnostic {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return self.exceeded(LimitKey::TextFileBytes, "bytes of one text file");
        }
        Diagnostic::incomplete(Code::FileUnreadable, format!("could not be read: {error}")).at(self.path)
    }

    /// The diagnostic for what lies beyond a bound; `what` is what it bounds, as a plural noun.
    pub fn exceeded(&self, key: LimitKey, what: &'static str) -> Diagnostic {
        Diagnostic::incomplete(Code::LimitExceeded, self.limits.exceeded(key, what).to_string()).at(self.path)
    }

    /// What is wrong with a file that was read as XML, or that its outermost element is not `root`, in either case: then it
    /// is another file under this name, and hides what should be there.
    pub(crate) fn of_kind(&self, read: Result<(), Malformed>, text: &str, root: &str) -> Option<Diagnostic> {
        if let Err(fault) = read {
            return Some(self.malformed(fault));
        }
        let is_root = xml::root(text).is_some_and(|found| found.eq_ignore_ascii_case(root));
        (!is_root).then(|| self.malformed(format_args!("has no <{root}> around all of it")))
    }

    /// The diagnostic for content that does not follow its format: packages may be missing.
    pub fn malformed(&self, message: impl fmt::Display) -> Diagnostic {
        Diagnostic::incomplete(Code::FileMalformed, message.to_string()).at(self.path)
    }

    /// The diagnostic for a file of nothing, where no program writes one: it was cut off, or is still to be written.
    pub fn empty(&self) -> Option<Diagnostic> {
        (self.data.size() == 0).then(|| self.malformed("is empty, so what should be in it is missing"))
    }

    /// The same for `text` whose last line has no end, where the program that writes such files ends every line: what came
    /// behind it is lost.
    pub fn cut_off(&self, text: &str) -> Option<Diagnostic> {
        let is_cut = !text.is_empty() && !text.ends_with('\n');
        is_cut.then(|| self.malformed("it ends in the middle of a line, so what came after that is missing"))
    }

    /// The note for records that were skipped.
    pub fn skipped(&self, message: impl fmt::Display) -> Diagnostic {
        Diagnostic::note(Code::RecordMalformed, message.to_string()).at(self.path)
    }
}

/// Text in UTF-16, if the mark of its byte order is in front.
fn wide(bytes: &[u8]) -> Option<String> {
    let (bytes, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// The files that an operating system package owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedFiles {
    /// The package manager.
    pub kind: PackageKind,
    /// The package's name.
    pub name: String,
    /// Its architecture, where the list says.
    pub arch: Option<String>,
    /// Paths from the root, without a leading slash.
    pub paths: PathTable,
}

/// Licences that one file states for a package which another file lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageLicenses {
    /// The package manager.
    pub kind: PackageKind,
    /// The package's name.
    pub name: String,
    /// The licences.
    pub licenses: Vec<License>,
}

/// What one file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extract {
    /// The distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// Packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageFacts>,
    /// File lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<OwnedFiles>,
    /// Licences of packages that another file lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<PackageLicenses>,
    /// What the packages of this and of other files take their versions from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Box<Project>>,
    /// Documents about vulnerabilities, as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
    /// The repositories that packages were installed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_sets: Vec<String>,
    /// What could not be read, and what was skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

/// What an allocator takes for itself of each text.
const ALLOCATION: usize = 16;
/// Bytes of a package's id, which is in a list of all beside.
const ID: usize = 64 + ALLOCATION + size_of::<String>();

impl Extract {
    /// Nothing but a diagnostic.
    pub fn failed(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic], ..Self::default() }
    }

    /// About how many bytes of memory it takes, with the packages that an inventory has of it in the end: each of them has
    /// its texts again, and its package URL, its id and `path`, which is that of the file.
    pub fn weight(&self, path: &str) -> usize {
        let heap = |text: &str| text.len() + ALLOCATION;
        let text = |text: &String| size_of::<String>() + heap(text);
        let license = |license: &License| size_of::<License>() + heap(license.as_str());
        let package = |package: &PackageFacts| {
            let extra: usize = package.extra.iter().map(|(key, value)| text(key) + text(value)).sum();
            let licenses: usize = package.licenses.iter().map(license).sum();
            let source = package.source.iter().flat_map(|source| [source.name.as_str(), source.version.as_str()]);
            let optional = [package.arch.as_deref(), package.supplier.as_deref()].into_iter().flatten();
            let texts: usize = source.chain(optional).map(heap).sum();
            let (name, version) = (heap(&package.name), heap(&package.version));
            let facts = name + version + texts + licenses + extra;
            size_of::<PackageFacts>() + size_of::<Package>() + 2 * facts + name + version + 2 * ID + heap(path)
        };
        let packages: usize = self.packages.iter().map(package).sum();
        let owned: usize = self.owned.iter().map(|owned| owned.paths.size() as usize + size_of::<OwnedFiles>()).sum();
        let licenses: usize = self.licenses.iter().flat_map(|stated| &stated.licenses).map(license).sum();
        let messages: usize =
            self.diagnostics.iter().map(|diagnostic| size_of::<Diagnostic>() + heap(&diagnostic.message)).sum();
        let documents: usize = self.documents.iter().chain(&self.content_sets).map(text).sum();
        let project = self.project.as_ref().map_or(0, |project| project.weight());
        size_of::<Self>() + packages + owned + licenses + project + documents + messages
    }

    /// Whether the file says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A reader of one kind of file.
#[derive(Debug)]
pub struct Analyzer {
    /// Stable name: `dpkg-status`.
    pub id: &'static str,
    /// Raised with every change of what the analyzer returns, so that cached results are made anew.
    pub version: u32,
    /// What it reads, for help and documentation.
    pub title: &'static str,
    /// The kinds of package it returns; empty when it returns other facts.
    pub kinds: &'static [PackageKind],
    /// The files it wants by path. `*` stands for any characters of one path component, a leading
    /// `**/` for any directories; all else is literal.
    pub paths: &'static [&'static str],
    /// Names of directories below which [`Analyzer::paths`] do not hold.
    pub not_below: &'static [&'static str],
    /// The files it wants by their first bytes, whatever their path; see [`Analyzer::magic_min_bytes`].
    pub magic: &'static [&'static [u8]],
    /// Files smaller than this are not tried by [`Analyzer::magic`].
    pub magic_min_bytes: u64,
    /// Whether directories and extensions in [`Analyzer::paths`] may have letters of either case.
    pub any_case: bool,
    /// Whether [`Analyzer::paths`] are only likely names: a link there that leads elsewhere hides nothing.
    pub hints: bool,
    /// Whether it reads at positions, and files of more than [`Limits::text_file_bytes`].
    pub random_access: bool,
    /// Whether it says the same of one content at both paths.
    pub alike: fn(&str, &str) -> bool,
    /// Reads a file.
    pub run: fn(&File<'_>) -> Extract,
}

impl Analyzer {
    /// An analyzer that matches nothing: the base for `..Analyzer::NONE` in the definitions.
    pub const NONE: Self = Self {
        id: "",
        version: 1,
        title: "",
        kinds: &[],
        paths: &[],
        not_below: &[],
        magic: &[],
        magic_min_bytes: 0,
        any_case: false,
        hints: false,
        random_access: false,
        alike: |_, _| true,
        run: |_| Extract {
            os: None,
            packages: Vec::new(),
            owned: Vec::new(),
            licenses: Vec::new(),
            project: None,
            documents: Vec::new(),
            content_sets: Vec::new(),
            diagnostics: Vec::new(),
        },
    };

    /// Whether it reads a package database of an operating system, or the file of one of its packages.
    pub fn reads_system(&self) -> bool {
        !self.kinds.is_empty() && self.kinds.iter().all(|kind| kind.is_os())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let limits = Limits::default();
        File { path: "a", data: &bytes, limits: &limits }.text().unwrap().into_owned()
    }

    #[test]
    fn all_that_is_kept_of_a_package_has_a_weight() {
        let package = |name: &str| PackageFacts::new(PackageKind::Npm, name, "1");
        let of = |packages: Vec<PackageFacts>| Extract { packages, ..Extract::default() };
        let weight = |extract: &Extract| extract.weight("package-lock.json");
        let (none, one) = (weight(&of(Vec::new())), weight(&of(vec![package("a")])));
        assert!(one - none > size_of::<PackageFacts>() + size_of::<Package>() + 2 * 64, "{}", one - none);
        // The name is in the facts, in the package, and in its URL; the path is in the package.
        assert_eq!(weight(&of(vec![package(&"a".repeat(1001))])) - one, 3000);
        assert_eq!(
            of(vec![package("a"); 10]).weight(&"x".repeat(1017)) - of(vec![package("a"); 10]).weight("x"),
            10_160
        );
        let place = vec![("lock_path".to_owned(), "x".repeat(500))];
        assert!(weight(&of(vec![PackageFacts { extra: place, ..package("a") }])) - one > 1000);
    }

    #[test]
    fn text_is_read_as_it_was_meant() {
        let wide = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain("é😀\r\n".encode_utf16().flat_map(unit)).collect()
        };
        assert_eq!(text(&wide([0xff, 0xfe], u16::to_le_bytes)), "é😀\r\n");
        assert_eq!(text(&wide([0xfe, 0xff], u16::to_be_bytes)), "é😀\r\n");
        assert_eq!(text(b"\xff\xfea\0\0\xd8b"), "a\u{fffd}", "half a pair, half a unit");
        assert_eq!(text("é\n".as_bytes()), "é\n");
        assert_eq!(text(b"\xe9\n"), "\u{fffd}\n");
        assert_eq!(text(b"a\rb\r"), "a\nb\n");
        assert_eq!(text(b"a\rb\r\nc"), "a\rb\r\nc");
    }
}
