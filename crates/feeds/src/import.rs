//! Taking feeds from files.

use crate::generation::{Generation, Writer};
use crate::source::{self, Files};
use crate::store::Locked;
use crate::{FeedsError, Store};
use jiff::Timestamp;
use sekisho_advisory::db::{FeedSource, Header};
use sekisho_advisory::feeds::{Contents, Feed, FeedFile, Read, feed_of};
use sekisho_advisory::record::Record;
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic, Level};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fmt, io};

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
    pub strange: Strange,
    /// What was skipped or not read.
    pub diagnostics: Vec<Diagnostic>,
    /// The database that was built; none where nothing was taken, so that nothing changed.
    pub header: Option<Header>,
}

/// Files that are no feed's: how many, and the names of the first.
#[derive(Debug, Default)]
pub struct Strange {
    /// How many.
    pub count: usize,
    /// The names of the first, as archives or directories have them.
    pub first: Vec<String>,
}

impl Strange {
    const NAMED: usize = 3;

    fn take(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(name.to_owned());
        }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(Self::NAMED);
    }
}

/// `a.txt, b.txt, c.txt and 4 more`.
impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.count - self.first.len() {
            0 => Ok(()),
            rest => write!(f, " and {rest} more"),
        }
    }
}

/// One feed that is being taken from one path.
struct Taking {
    feed: &'static Feed,
    source: FeedSource,
    writer: Writer,
    /// Advisories that say when they were made or changed.
    dated: usize,
    /// How many records all its files have together, where they say.
    of: usize,
    /// Where its files lie, and with which extension: what else is there is of it, too.
    kin: BTreeSet<Kin>,
    failure: Option<io::Error>,
}

/// The directory of a file, and its extension.
type Kin = (String, String);

fn kin(name: &str) -> Kin {
    let (directory, file) = name.rsplit_once('/').unwrap_or(("", name));
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    (directory.to_owned(), extension.to_ascii_lowercase())
}

struct Importer<'a> {
    limits: &'a Limits,
    directory: PathBuf,
    origin: String,
    now: Timestamp,
    taking: BTreeMap<&'static str, Taking>,
    strange: Strange,
    /// How many files could not be read, by where they lie.
    unread: BTreeMap<Kin, usize>,
    /// How many are of no feed by what is in them: among files that hold a record each they are records.
    unlike: BTreeMap<Kin, usize>,
    /// Why an archive was not read to its end: what is there of a feed is not all of it.
    torn: Option<String>,
    diagnostics: Vec<Diagnostic>,
    failure: Option<io::Error>,
}

/// Takes what the files, archives and directories at `paths` hold, and builds the database anew. What was taken before
/// from a path of the same name is replaced; everything else stays. A database that was pulled is not written over unless
/// told to `replace` it.
pub fn import(
    store: &Store,
    paths: &[PathBuf],
    replace: bool,
    limits: &Limits,
    now: Timestamp,
) -> Result<Imported, FeedsError> {
    let locked = store.lock()?;
    locked.may_build(replace)?;
    let mut imported = Imported {
        feeds: Vec::new(),
        refused: Vec::new(),
        strange: Strange::default(),
        diagnostics: Vec::new(),
        header: None,
    };
    // Paths of one name are one source, of which the second part must not take the place of the first.
    let mut sources: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for path in paths {
        let origin = origin_of(path);
        match sources.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, paths)) => paths.push(path.clone()),
            None => sources.push((origin, vec![path.clone()])),
        }
    }
    for (origin, paths) in &sources {
        imported.add(take(&locked, origin, paths, limits, now)?);
    }
    if !imported.feeds.is_empty() {
        imported.header = Some(locked.rebuild(limits)?);
    }
    Ok(imported)
}

impl Imported {
    fn add(&mut self, taken: Taken) {
        self.feeds.extend(taken.feeds);
        self.refused.extend(taken.refused);
        self.strange.add(taken.strange);
        self.diagnostics.extend(taken.diagnostics);
    }
}

/// What was taken from one source.
pub(crate) struct Taken {
    pub(crate) feeds: Vec<FeedSource>,
    pub(crate) refused: Vec<(FeedSource, String)>,
    pub(crate) strange: Strange,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Takes what `paths` hold as what comes from `origin`, in the place of what was taken from there before.
pub(crate) fn take(
    locked: &Locked<'_>,
    origin: &str,
    paths: &[PathBuf],
    limits: &Limits,
    now: Timestamp,
) -> Result<Taken, FeedsError> {
    let directory = locked.generations_directory();
    let mut importer = Importer {
        limits,
        directory: directory.clone(),
        origin: origin.to_owned(),
        now,
        taking: BTreeMap::new(),
        strange: Strange::default(),
        unread: BTreeMap::new(),
        unlike: BTreeMap::new(),
        torn: None,
        diagnostics: Vec::new(),
        failure: None,
    };
    for path in paths {
        source::each(path, limits, &mut importer).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FeedsError::Missing(path.clone()),
            _ => FeedsError::read(path)(error),
        })?;
        if let Some(failure) = importer.failure {
            return Err(FeedsError::Write { path: directory, source: failure });
        }
    }
    let mut taken =
        Taken { feeds: Vec::new(), refused: Vec::new(), strange: importer.strange, diagnostics: importer.diagnostics };
    for (_, mut taking) in importer.taking {
        if let Some(failure) = taking.failure {
            return Err(FeedsError::Write { path: directory, source: failure });
        }
        let is_list = taking.feed.contents == Contents::List;
        let unlike = if is_list { &BTreeMap::new() } else { &importer.unlike };
        let lost: usize = [&importer.unread, unlike]
            .into_iter()
            .flat_map(|files| taking.kin.iter().filter_map(|kin| files.get(kin)))
            .sum();
        let lacks = taking.of.saturating_sub(taking.source.enrichments + taking.source.skipped);
        if lost + lacks > 0 {
            taking.source.skipped += lost + lacks;
            let message = format!("{} of its records could not be read, or are not there", lost + lacks);
            let told = Diagnostic::incomplete(Code::FeedRecordMalformed, format!("{}: {message}", taking.source.id));
            taken.diagnostics.push(told.at(taking.source.source.clone()));
        }
        if let Some(reason) = importer.torn.clone().or_else(|| broken(&taking.source)) {
            let mut source = taking.source;
            // What stays is worth knowing.
            let kept = Generation::find(&directory, &source.id, &source.source);
            source.observed_at = kept.and_then(|kept| kept.source.observed_at);
            taken.refused.push((source, reason));
        } else {
            let mut source = taking.source;
            // Where few say when they were changed, the newest is not known; a catalogue has no advisories.
            source.newest = source.newest.filter(|_| 2 * taking.dated >= source.advisories);
            let before = Generation::find(&directory, &source.id, &source.source);
            taken.diagnostics.extend(before.and_then(|before| shrunk(&before.source, &source)));
            locked.publish_generation(taking.writer, &source).map_err(FeedsError::write(&directory))?;
            taken.feeds.push(source);
        }
    }
    Ok(taken)
}

/// What a source is called: its file's name, so that a newer one takes its place wherever it lies.
fn origin_of(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match (name(&absolute), absolute.parent()) {
        // osv.dev calls the archive of each ecosystem so.
        (file, Some(parent)) if file == "all.zip" => format!("{}/{file}", name(parent)),
        (file, _) => file,
    }
}

/// What is to be said of a feed that has much less than it had.
fn shrunk(before: &FeedSource, now: &FeedSource) -> Option<Diagnostic> {
    let records = |source: &FeedSource| source.advisories + source.enrichments;
    (records(now) * 2 < records(before)).then(|| {
        let message = format!("{} has {} records, and had {} before", now.id, records(now), records(before));
        Diagnostic::incomplete(Code::FeedShrunk, message).at(now.source.clone())
    })
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
            self.strange.take(name);
            *self.unlike.entry(kin(name)).or_default() += 1;
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
                    dated: 0,
                    of: 0,
                    kin: BTreeSet::new(),
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
        let (newest, dated, now) = (&mut taking.source.newest, &mut taking.dated, self.now);
        let read = taking.feed.read(&file, &mut |record| {
            if let Record::Advisory(advisory) = &record {
                // A date that is yet to come would hide that nothing came for long; Go's database has one of the year 1.
                let is_one = |then: &Timestamp| (Timestamp::UNIX_EPOCH..=now).contains(then);
                let then = [advisory.modified, advisory.published].into_iter().flatten().find(is_one);
                *dated += usize::from(then.is_some());
                *newest = (*newest).max(then);
            }
            if failure.is_none() {
                *failure = writer.push(&record).err();
            }
        });
        let Read { advisories, enrichments, skipped, aside, made, of, diagnostics } = read;
        taking.kin.insert(kin(name));
        taking.of = taking.of.max(of.unwrap_or_default());
        if let Some(limit) = diagnostics.iter().find(|told| told.code == Code::LimitExceeded) {
            self.torn.get_or_insert(format!("{name}: {}", limit.message));
        }
        // A file that is not of its feed's format is a record that cannot be understood.
        let lost = usize::from(diagnostics.iter().any(|told| told.code == Code::FeedMalformed));
        let source = &mut taking.source;
        source.files += 1;
        source.newest = source.newest.max(made.filter(|made| *made <= self.now));
        source.advisories += advisories;
        source.enrichments += enrichments;
        source.skipped += skipped + lost;
        for (what, count) in aside {
            *source.aside.entry(what.to_owned()).or_default() += count;
        }
        let room = MAX_DIAGNOSTICS.saturating_sub(self.diagnostics.len());
        self.diagnostics.extend(diagnostics.into_iter().filter(|told| told.level == Level::Incomplete).take(room));
    }

    fn torn(&mut self, reason: String) {
        self.unread(&self.origin.clone(), reason.clone());
        self.torn.get_or_insert(reason);
    }

    fn unread(&mut self, name: &str, reason: String) {
        *self.unread.entry(kin(name)).or_default() += 1;
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::incomplete(Code::FeedUnreadable, reason).at(name));
        }
    }
}
