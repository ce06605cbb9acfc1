//! Taking feeds from files.

use crate::generation::{Generation, Writer};
use crate::source::{self, Files};
use crate::{FeedsError, Store};
use jiff::Timestamp;
use sekisho_advisory::db::{FeedSource, Header};
use sekisho_advisory::feeds::{Feed, FeedFile, Read, feed_of};
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic, Level};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Of more diagnostics of one feed the first are kept.
const MAX_DIAGNOSTICS: usize = 50;
/// A feed of which more than one record in so many cannot be understood is taken to be broken.
const BROKEN: usize = 10;

/// What came of an import.
#[derive(Debug)]
pub struct Imported {
    /// The feeds that were taken, in the order in which they were met.
    pub feeds: Vec<FeedSource>,
    /// The feeds that were refused, with why: what was taken from them earlier stays.
    pub refused: Vec<(FeedSource, String)>,
    /// Files that are no feed's.
    pub strange: usize,
    /// What was skipped or not read.
    pub diagnostics: Vec<Diagnostic>,
    /// The database that was built; none where nothing was taken, so that nothing changed.
    pub header: Option<Header>,
}

/// One feed that is being taken from one path.
struct Taking {
    feed: &'static Feed,
    source: FeedSource,
    writer: Writer,
    failure: Option<io::Error>,
}

struct Importer<'a> {
    limits: &'a Limits,
    directory: PathBuf,
    origin: String,
    now: Timestamp,
    taking: BTreeMap<&'static str, Taking>,
    strange: usize,
    diagnostics: Vec<Diagnostic>,
    failure: Option<io::Error>,
}

/// Takes what the files, archives and directories at `paths` hold, and builds the database anew. What was taken before
/// from a path of the same name is replaced; everything else stays.
pub fn import(store: &Store, paths: &[PathBuf], limits: &Limits, now: Timestamp) -> Result<Imported, FeedsError> {
    let locked = store.lock()?;
    let directory = locked.generations_directory();
    let (mut feeds, mut refused, mut strange, mut diagnostics) = (Vec::new(), Vec::new(), 0, Vec::new());
    for path in paths {
        let mut importer = Importer {
            limits,
            directory: directory.clone(),
            origin: origin_of(path),
            now,
            taking: BTreeMap::new(),
            strange: 0,
            diagnostics: Vec::new(),
            failure: None,
        };
        source::each(path, limits, &mut importer).map_err(FeedsError::read(path))?;
        if let Some(failure) = importer.failure {
            return Err(FeedsError::Write { path: directory, source: failure });
        }
        strange += importer.strange;
        diagnostics.extend(importer.diagnostics);
        for (_, taking) in importer.taking {
            if let Some(failure) = taking.failure {
                return Err(FeedsError::Write { path: directory, source: failure });
            }
            if let Some(reason) = broken(&taking.source) {
                refused.push((taking.source, reason));
            } else {
                taking.writer.publish(&directory, &taking.source).map_err(FeedsError::write(&directory))?;
                feeds.push(taking.source);
            }
        }
    }
    for (source, _) in &mut refused {
        // What stays is worth knowing.
        if let Some(kept) = Generation::find(&directory, &source.id, &source.source) {
            source.observed_at = kept.source.observed_at;
        } else {
            source.observed_at = None;
        }
    }
    let header = if feeds.is_empty() { None } else { Some(locked.rebuild(limits)?) };
    Ok(Imported { feeds, refused, strange, diagnostics, header })
}

/// What a source is called: its file's name, so that a newer one takes its place wherever it lies.
fn origin_of(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    absolute.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why a feed should not be taken.
fn broken(source: &FeedSource) -> Option<String> {
    let taken = source.advisories + source.enrichments;
    match (taken, source.skipped) {
        (0, 0) => Some("it holds no record".to_owned()),
        (taken, skipped) if skipped * BROKEN > taken => {
            Some(format!("{skipped} of its {} records cannot be understood", taken + skipped))
        }
        _ => None,
    }
}

impl Files for Importer<'_> {
    fn file(&mut self, name: &str, bytes: &[u8]) {
        let Some(feed) = feed_of(name, bytes) else {
            self.strange += 1;
            return;
        };
        let taking = match self.taking.entry(feed.id) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => match Writer::new(&self.directory) {
                Ok(writer) => entry.insert(Taking {
                    feed,
                    source: FeedSource {
                        id: feed.id.to_owned(),
                        title: feed.title.to_owned(),
                        licence: feed.licence.to_owned(),
                        source: self.origin.clone(),
                        observed_at: Some(self.now),
                        ..FeedSource::default()
                    },
                    writer,
                    failure: None,
                }),
                Err(error) => {
                    self.failure.get_or_insert(error);
                    return;
                }
            },
        };
        let file = FeedFile { path: name, bytes, limits: self.limits };
        let (writer, failure) = (&mut taking.writer, &mut taking.failure);
        let read = taking.feed.read(&file, &mut |record| {
            if failure.is_none() {
                *failure = writer.push(&record).err();
            }
        });
        let Read { advisories, enrichments, skipped, aside: _, diagnostics } = read;
        // A file that is not of its feed's format is a record that cannot be understood.
        let lost = usize::from(diagnostics.iter().any(|told| told.code == Code::FeedMalformed));
        let source = &mut taking.source;
        source.files += 1;
        source.advisories += advisories;
        source.enrichments += enrichments;
        source.skipped += skipped + lost;
        let room = MAX_DIAGNOSTICS.saturating_sub(self.diagnostics.len());
        self.diagnostics.extend(diagnostics.into_iter().filter(|told| told.level == Level::Incomplete).take(room));
    }

    fn unread(&mut self, name: &str, reason: String) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::incomplete(Code::FeedUnreadable, reason).at(name));
        }
    }
}
