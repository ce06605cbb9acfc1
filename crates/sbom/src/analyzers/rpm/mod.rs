//! Installed packages of Red Hat, SUSE and all others that use rpm: the database of rpm in each of its
//! three forms.
//!
//! The back ends ([`sqlite`], [`ndb`], [`bdb`]) find the header blobs in a file, [`header`] reads a blob,
//! [`record`] says what it means. Which back end it is follows from the first bytes, not from the name.
//! Nothing of rpm, SQLite or BerkeleyDB is linked, and a file is read in pieces, never as a whole.

mod bdb;
mod error;
mod header;
mod ndb;
mod pages;
mod record;
mod sqlite;

#[cfg(test)]
mod tests;

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles};
use error::{Error, be32};
use header::Header;
use record::RpmHeader;
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
        "usr/lib/sysimage/rpm/Packages.db",
        "usr/lib/sysimage/rpm/Packages",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/rpmdb.sqlite-wal",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/Packages",
        // Where ostree has it.
        "usr/share/rpm/rpmdb.sqlite",
        "usr/share/rpm/rpmdb.sqlite-wal",
        "usr/share/rpm/Packages.db",
        "usr/share/rpm/Packages",
    ],
    run,
    ..Analyzer::NONE
};

/// Bytes of the header of a write-ahead log of SQLite.
const WAL_HEADER: u64 = 32;

type Blobs<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, Error>> + 'a>;

fn run(file: &File<'_>) -> Extract {
    let head = match file.data.range(0, file.data.size().min(16) as usize) {
        Ok(head) => head,
        Err(error) => return Extract::failed(file.unreadable(&error)),
    };
    if file.name().ends_with("-wal") {
        return wal(file, &head);
    }
    match blobs(file, &head) {
        Ok(blobs) => Reader::new(file).read(blobs),
        Err(error) => {
            let mut losses = Losses::default();
            losses.add(error);
            Extract { diagnostics: losses.diagnostics(file), ..Extract::default() }
        }
    }
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

/// Turns header blobs into an [`Extract`].
struct Reader<'a> {
    file: &'a File<'a>,
    extract: Extract,
    losses: Losses,
    /// Bytes that file lists may still take; see [`record::paths`].
    path_bytes: usize,
    /// Packages whose file list did not fit.
    lists_dropped: usize,
}

impl<'a> Reader<'a> {
    fn new(file: &'a File<'a>) -> Self {
        // The lists of sound databases are smaller than the databases.
        let path_bytes = file.limits.path_table_bytes.min(file.data.size().saturating_mul(2));
        Self {
            file,
            extract: Extract::default(),
            losses: Losses::default(),
            path_bytes: path_bytes as usize,
            lists_dropped: 0,
        }
    }

    fn read(mut self, blobs: Blobs<'_>) -> Extract {
        let Self { file, .. } = self;
        let mut too_many = None;
        for (index, blob) in blobs.enumerate() {
            if index == file.limits.records {
                too_many = Some(Diagnostic::incomplete(
                    Code::LimitExceeded,
                    format!("there are more than the limit of {} records", file.limits.records),
                ));
                break;
            }
            if let Err(error) = blob.and_then(|blob| self.package(&blob)) {
                self.losses.add(error);
            }
        }
        let lists_dropped = (self.lists_dropped > 0).then(|| {
            // Without it no package is hidden, only owned files are not recognised as such.
            Diagnostic::note(
                Code::LimitExceeded,
                format!("the file lists of {} packages are too large together and left out", self.lists_dropped),
            )
        });
        let mut extract = self.extract;
        extract.diagnostics = self.losses.diagnostics(file);
        extract.diagnostics.extend([too_many, lists_dropped].into_iter().flatten().map(|one| one.at(file.path)));
        extract
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
            self.extract.owned.push(OwnedFiles { kind: PackageKind::Rpm, name, arch, paths });
        }
        self.extract.packages.push(facts);
        Ok(())
    }
}

/// What could not be read, one diagnostic for each kind.
#[derive(Default)]
struct Losses {
    damaged: Count<&'static str>,
    too_large: Count<u64>,
    unreadable: Option<io::Error>,
}

/// How many there were, and the first.
type Count<T> = (usize, T);

impl Losses {
    fn add(&mut self, error: Error) {
        match error {
            Error::Damaged(what) => count(&mut self.damaged, what),
            Error::TooLarge(limit) => count(&mut self.too_large, limit),
            Error::Io(error) => self.unreadable = self.unreadable.take().or(Some(error)),
        }
    }

    fn diagnostics(self, file: &File<'_>) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        match self.damaged {
            (0, _) => {}
            (1, what) => diagnostics.push(file.malformed(what)),
            (count, first) => diagnostics.push(file.malformed(format_args!("{first}; {count} errors in all"))),
        }
        if let (count @ 1.., limit) = self.too_large {
            let message = format!("{count} headers have more than the limit of {limit} bytes");
            diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message).at(file.path));
        }
        diagnostics.extend(self.unreadable.map(|error| file.unreadable(&error)));
        diagnostics
    }
}

/// Counts one more.
fn count<T>(counted: &mut Count<T>, value: T) {
    if counted.0 == 0 {
        counted.1 = value;
    }
    counted.0 += 1;
}
