//! Installed packages of Red Hat, SUSE and all others that use rpm: the database of rpm in each of its
//! three forms.
//!
//! The back ends (`sqlite`, `ndb`, `bdb`) find the header blobs in a file, `header` reads a blob,
//! `record` says what it means. Which back end it is follows from the first bytes, not from the name.
//! Nothing of rpm, SQLite or BerkeleyDB is linked, and a file is read in pieces, never as a whole.

mod bdb;
mod error;
mod header;
mod ndb;
mod package;
mod pages;
mod record;
mod sqlite;

#[cfg(test)]
mod tests;

pub use package::{PACKAGE, payload};

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles};
use error::{Error, be32};
use header::Header;
use record::RpmHeader;
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic, PackageKind};
use std::io;

/// Reads the database of rpm.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "rpm",
    title: "rpm packages (rpmdb.sqlite, Packages.db, Packages)",
    kinds: &[PackageKind::Rpm],
    paths: &[
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
        "usr/lib/sysimage/rpm/rpmdb.sqlite-journal",
        "usr/lib/sysimage/rpm/Packages.db",
        "usr/lib/sysimage/rpm/Packages",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/rpmdb.sqlite-wal",
        "var/lib/rpm/rpmdb.sqlite-journal",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/Packages",
        // Where ostree has it.
        "usr/share/rpm/rpmdb.sqlite",
        "usr/share/rpm/rpmdb.sqlite-wal",
        "usr/share/rpm/rpmdb.sqlite-journal",
        "usr/share/rpm/Packages.db",
        "usr/share/rpm/Packages",
    ],
    version: 2,
    random_access: true,
    alike: |a, b| role(a) == role(b),
    run,
    ..Analyzer::NONE
};

/// What a file is to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Database,
    Log,
    Journal,
}

fn role(path: &str) -> Role {
    if path.ends_with("-wal") {
        Role::Log
    } else if path.ends_with("-journal") {
        Role::Journal
    } else {
        Role::Database
    }
}

/// Bytes of the header of a write-ahead log of SQLite.
const WAL_HEADER: u64 = 32;

type Blobs<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, Error>> + 'a>;

fn run(file: &File<'_>) -> Extract {
    let head = match file.data.range(0, file.data.size().min(16) as usize) {
        Ok(head) => head,
        Err(error) => return Extract::failed(file.unreadable(&error)),
    };
    match role(file.path) {
        Role::Log => return wal(file, &head),
        Role::Journal => return journal(file, &head),
        Role::Database => {}
    }
    let mut reader = Reader::new(file);
    match blobs(file, &head) {
        Ok(blobs) => reader.read(blobs),
        Err(error) => reader.lose(error),
    }
    reader.finish()
}

/// The header blobs of the back end that `head` is the beginning of.
fn blobs<'a>(file: &File<'a>, head: &[u8]) -> Result<Blobs<'a>, Error> {
    // A header is held in memory as a text file is.
    let max = file.limits.text_file_bytes;
    if head.starts_with(sqlite::MAGIC) {
        Ok(Box::new(sqlite::headers(file.data, max)?))
    } else if head.starts_with(ndb::MAGIC) {
        Ok(Box::new(ndb::headers(file.data, max)?))
    } else if bdb::is(head) {
        Ok(Box::new(bdb::headers(file.data, max)?))
    } else {
        Err(Error::Damaged("it is no rpm database of a known kind"))
    }
}

/// A write-ahead log that holds anything makes the database beside it older than it looks.
fn wal(file: &File<'_>, head: &[u8]) -> Extract {
    match be32(head, 0) {
        Some(0x377f_0682 | 0x377f_0683) if file.data.size() > WAL_HEADER => Extract::failed(
            Diagnostic::incomplete(
                Code::FileUnreadable,
                "changes that are not yet in the database beside this log are not read",
            )
            .at(file.path),
        ),
        // SQLite ignores it, too.
        _ => Extract::default(),
    }
}

/// A rollback journal that SQLite would play back makes the database beside it newer than it should be. One whose
/// first byte is zero is spent ("File Locking And Concurrency", hot journals).
fn journal(file: &File<'_>, head: &[u8]) -> Extract {
    if head.first().is_none_or(|first| *first == 0) {
        return Extract::default();
    }
    let message = "changes of the database beside this journal are to be undone, which is not done";
    Extract::failed(Diagnostic::incomplete(Code::FileUnreadable, message).at(file.path))
}

/// Turns header blobs into an [`Extract`] and counts what is lost on the way.
struct Reader<'a> {
    file: &'a File<'a>,
    extract: Extract,
    /// Bytes that file lists may still take; see [`record::paths`].
    path_bytes: usize,
    /// Packages whose file list did not fit.
    lists_dropped: usize,
    /// Parts of the database and headers that are damaged, and the first damage met.
    damaged: (usize, &'static str),
    /// Headers larger than the limit.
    too_large: usize,
    /// Whether there are more records than the limit.
    too_many: bool,
    /// The first failed read.
    unreadable: Option<io::Error>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a File<'a>) -> Self {
        // The lists of sound databases are smaller than the databases.
        let path_bytes = file.limits.path_table_bytes.min(file.data.size().saturating_mul(2));
        Self {
            file,
            extract: Extract::default(),
            path_bytes: path_bytes as usize,
            lists_dropped: 0,
            damaged: (0, ""),
            too_large: 0,
            too_many: false,
            unreadable: None,
        }
    }

    fn read(&mut self, blobs: Blobs<'_>) {
        for (index, blob) in blobs.enumerate() {
            if index == self.file.limits.records {
                self.too_many = true;
                return;
            }
            if let Err(error) = blob.and_then(|blob| self.package(&blob)) {
                self.lose(error);
            }
        }
    }

    fn package(&mut self, blob: &[u8]) -> Result<(), Error> {
        let header = Header::parse(blob)?;
        let package = RpmHeader::read(&header)?;
        if package.is_key() {
            return Ok(());
        }
        let paths = record::paths(&header, &mut self.path_bytes)?;
        self.lists_dropped += usize::from(paths.is_none());
        let facts = package.facts();
        if let Some(paths) = paths.filter(|paths| !paths.is_empty()) {
            let (name, arch) = (facts.name.clone(), facts.arch.clone());
            self.extract.owned.push(OwnedFiles {
                kind: PackageKind::Rpm,
                name,
                arch,
                paths: paths.into_iter().collect(),
            });
        }
        self.extract.packages.push(facts);
        Ok(())
    }

    fn lose(&mut self, error: Error) {
        match error {
            Error::Damaged(what) => {
                let (count, first) = self.damaged;
                self.damaged = (count + 1, if count == 0 { what } else { first });
            }
            Error::TooLarge => self.too_large += 1,
            Error::Io(error) => self.unreadable = self.unreadable.take().or(Some(error)),
        }
    }

    /// What was read, with one diagnostic for each kind of loss.
    fn finish(self) -> Extract {
        let Self { file, mut extract, .. } = self;
        let diagnostics = &mut extract.diagnostics;
        match self.damaged {
            (0, _) => {}
            (1, what) => diagnostics.push(file.malformed(what)),
            (count, first) => diagnostics.push(file.malformed(format_args!("{first}; {count} errors in all"))),
        }
        if self.too_large > 0 {
            let limit = file.limits.exceeded(LimitKey::TextFileBytes, "bytes");
            let message = format!("{} headers have {limit}", self.too_large);
            diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message).at(file.path));
        }
        if self.too_many {
            diagnostics.push(file.exceeded(LimitKey::Records, "records"));
        }
        if let Some(error) = self.unreadable {
            diagnostics.push(file.unreadable(&error));
        }
        if self.lists_dropped > 0 {
            // That hides no package: only, the files are not known to be owned.
            let message = format!(
                "the file lists of {} packages are too large and left out ({})",
                self.lists_dropped,
                LimitKey::PathTableBytes
            );
            diagnostics.push(Diagnostic::note(Code::LimitExceeded, message).at(file.path));
        }
        extract
    }
}
