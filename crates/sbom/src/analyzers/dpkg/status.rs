//! The records of dpkg's status database, deb822 stanzas as dpkg(1) and deb-control(5) describe them.
//!
//! What becomes of a record (a package, a skipped one) is decided beside; nothing here knows of it.

use super::deb822::{Field, Token, tokens};
use sekisho_model::SourcePackage;

/// A stanza of `var/lib/dpkg/status` that names a package and its version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DpkgRecord {
    /// `Package`.
    pub name: String,
    /// `Version`, with epoch and revision.
    pub version: String,
    /// `Architecture`.
    pub architecture: Option<String>,
    /// `Source`, which is left out where it would repeat the package's own name and version.
    pub source: Option<SourcePackage>,
    /// `Status`: what is wanted, an error flag, and the state. Control files of packages, of which
    /// distroless images are made, have none.
    pub status: Option<String>,
    /// `Maintainer`.
    pub maintainer: Option<String>,
    /// `Installed-Size` in KiB.
    pub installed_size_kib: Option<u64>,
    /// `Conffiles`, of all records of a file together at most `MAX_CONFFILES`.
    pub conffiles: Vec<Conffile>,
}

/// A configuration file as the package shipped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conffile {
    /// Absolute path.
    pub path: String,
    /// MD5 of the content, in hexadecimal; `newconffile` before dpkg has unpacked it.
    pub md5: String,
}

/// No package carries these, and a file may have very many.
const MAX_CONFFILES: usize = 100_000;

impl DpkgRecord {
    /// The state of the package: the last word of [`DpkgRecord::status`], `installed` without one.
    pub fn state(&self) -> &str {
        state(self.status.as_deref())
    }

    /// Whether files of the package are on disk. They are in each state between unpacking and
    /// removal, half-installed ones included; what remains in `config-files` is no code.
    pub fn is_on_disk(&self) -> bool {
        is_on_disk(self.state())
    }
}

fn state(status: Option<&str>) -> &str {
    status.and_then(|status| status.split_ascii_whitespace().next_back()).unwrap_or("installed")
}

/// True for words that dpkg does not know, too: what cannot be ruled out is not hidden.
fn is_on_disk(state: &str) -> bool {
    !["not-installed", "config-files"].iter().any(|absent| state.eq_ignore_ascii_case(absent))
}

/// What one file holds.
#[derive(Debug, Default)]
pub struct StatusFile {
    /// Records, in the order of the file.
    pub records: Vec<DpkgRecord>,
    /// Stanzas of a package that lack its name or its version.
    pub skipped: usize,
    /// Stanzas without a name, even such as say that nothing is installed: to dpkg a line of blanks does not end a
    /// stanza, so that they may belong to the one before.
    pub torn: usize,
    /// Lines that are no deb822.
    pub stray: usize,
    /// Whether there were more records than were asked for.
    pub more: bool,
}

/// Reads up to `most` records of `text`.
pub fn read(text: &str, most: usize) -> StatusFile {
    let mut file = StatusFile::default();
    let mut stanza = Stanza::default();
    let mut conffiles = MAX_CONFFILES;
    for token in tokens(text) {
        match token {
            Token::Field(field) => {
                // Stanzas that were concatenated without a blank line must not hide each other.
                if field.is("Package") && !stanza.record.name.is_empty() {
                    file.push(std::mem::take(&mut stanza), most);
                }
                stanza.add(field, &mut conffiles);
            }
            Token::End => file.push(std::mem::take(&mut stanza), most),
            Token::Stray => file.stray += 1,
        }
        if file.more {
            return file;
        }
    }
    file.push(stanza, most);
    file
}

impl StatusFile {
    fn push(&mut self, stanza: Stanza, most: usize) {
        let Stanza { any, mut record, source } = stanza;
        if !any {
            return;
        }
        self.torn += usize::from(record.name.is_empty());
        if record.name.is_empty() || record.version.is_empty() {
            // dpkg writes stanzas without a version for packages that are merely selected.
            self.skipped += usize::from(record.is_on_disk());
            return;
        }
        if self.records.len() >= most {
            self.more = true;
            return;
        }
        record.source = source.map(|source| parse_source(&source, &record.version));
        self.records.push(record);
    }
}

/// A stanza while its fields are read.
#[derive(Debug, Default)]
struct Stanza {
    /// Whether there was a field.
    any: bool,
    record: DpkgRecord,
    /// `Source`, whose meaning depends on the version, which may follow.
    source: Option<String>,
}

impl Stanza {
    fn add(&mut self, field: Field<'_>, conffiles: &mut usize) {
        self.any = true;
        let record = &mut self.record;
        if field.is("Package") {
            field.first_line().clone_into(&mut record.name);
        } else if field.is("Version") {
            field.first_line().clone_into(&mut record.version);
        } else if field.is("Architecture") {
            record.architecture = field.text();
        } else if field.is("Status") {
            record.status = field.text();
        } else if field.is("Source") {
            self.source = field.text();
        } else if field.is("Maintainer") {
            record.maintainer = field.text();
        } else if field.is("Installed-Size") {
            record.installed_size_kib = field.first_line().parse().ok();
        } else if field.is("Conffiles") {
            record.conffiles = field.continuation().filter_map(parse_conffile).take(*conffiles).collect();
            *conffiles -= record.conffiles.len();
        }
    }
}

/// `name`, or `name (version)` where the versions differ.
fn parse_source(text: &str, version: &str) -> SourcePackage {
    let (name, stated) = text.split_once('(').unwrap_or((text, ""));
    let stated = stated.trim().trim_end_matches(')').trim();
    SourcePackage { name: name.trim().to_owned(), version: if stated.is_empty() { version } else { stated }.to_owned() }
}

/// `path md5`, then flags. The path may hold blanks, so the line is read from its end.
fn parse_conffile(line: &str) -> Option<Conffile> {
    let mut rest = line;
    loop {
        let (path, word) = rest.rsplit_once(' ')?;
        rest = path.trim_end();
        if word != "obsolete" && word != "remove-on-upgrade" {
            return Some(Conffile { path: rest.to_owned(), md5: word.to_owned() });
        }
    }
}
