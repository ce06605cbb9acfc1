//! The directory that generations and the database lie in.

use crate::FeedsError;
use crate::fetch::Downloads;
use crate::generation::{Generation, Writer};
use jiff::Timestamp;
use sekisho_advisory::db::{Builder, Database, DatabaseError, FeedSource, Header};
use sekisho_advisory::feeds::FEEDS;
use sekisho_base::Limits;
use sekisho_base::hash::{self, Checksum};
use sekisho_base::map::Map;
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

const CURRENT: &str = "advisories.skadv";
const PREVIOUS: &str = "advisories.previous.skadv";
const GENERATIONS: &str = "generations";
const LOCK: &str = "lock";
/// Marks of what was in the place of a generation begin so, before its name and one of the two kinds.
const BEFORE: &str = ".tmp-before-";
const KEPT: &str = "kept";
const NONE: &str = "none";
const PULLED: &str = "pulled";
/// Files that are handed on or taken from elsewhere begin so.
const EXCHANGED: &str = ".exchange-";

/// A directory of advisories.
///
/// The database in it is either *built* from the generations beside it, or *pulled*: taken as a whole from elsewhere. A
/// pulled one is told by the file `pulled`, which holds its digest. Neither is silently written over by the other: what
/// builds ([`crate::import()`], [`crate::update()`], [`Store::remove`]) refuses while the current database is a pulled one,
/// and [`Store::replace`] refuses while it is a built one, unless told otherwise. Pulling leaves generations where they
/// are; what builds next builds from all of them, however old.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// A store that no other process changes meanwhile.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    store: &'a Store,
    /// Generations that are in no database yet, with what was in their places.
    before: RefCell<Vec<(PathBuf, Was)>>,
    _lock: File,
}

/// What was in the place of a generation, by the mark that tells it should this process be killed.
#[derive(Debug)]
enum Was {
    /// An earlier one, under this name now.
    There(PathBuf),
    /// None, which this empty file says.
    Absent(PathBuf),
}

/// A database file that is in use: it stays readable whatever becomes of its name.
#[derive(Debug)]
pub struct Published {
    map: Map,
    path: PathBuf,
}

impl Published {
    /// Opens and verifies the database at `path`.
    pub fn open(path: &Path) -> Result<Self, FeedsError> {
        let mut file = File::open(path).map_err(FeedsError::read(path))?;
        let outcome = verify(&mut file).map_err(FeedsError::read(path))?;
        outcome.map_err(|reason| FeedsError::Database { path: path.to_owned(), reason })?;
        let map = Map::of_published(&file).map_err(FeedsError::read(path))?;
        Ok(Self { map, path: path.to_owned() })
    }

    /// The database.
    pub fn database(&self) -> Result<Database<'_>, FeedsError> {
        Database::view(&self.map).map_err(|reason| FeedsError::Database { path: self.path.clone(), reason })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The database of a store, with why it is not the latest one if so.
#[derive(Debug)]
pub struct Opened {
    /// The database.
    pub published: Published,
    /// Why the latest one could not be used, and this is the one before.
    pub fallback: Option<FeedsError>,
}

/// Compares all checksums, front to back, so that what is not used later takes no memory. The outer error is that of
/// reading.
fn verify(file: &mut File) -> io::Result<Result<(), DatabaseError>> {
    let found = file.metadata()?.len();
    let mut head = Vec::new();
    Read::by_ref(file).take(Header::MAX_BYTES as u64).read_to_end(&mut head)?;
    let header = match Header::read(&head) {
        Ok(header) => header,
        Err(error) => return Ok(Err(error)),
    };
    if found != header.size() {
        return Ok(Err(DatabaseError::Size { found, expected: header.size() }));
    }
    let mut buffer = vec![0; 1 << 20];
    for part in header.parts() {
        file.seek(io::SeekFrom::Start(part.start))?;
        let mut checksum = Checksum::new();
        let mut rest = Read::by_ref(file).take(part.len);
        loop {
            match rest.read(&mut buffer)? {
                0 => break,
                count => checksum.update(&buffer[..count]),
            }
        }
        if hash::hex(&checksum.finish()) != part.checksum {
            return Ok(Err(DatabaseError::Damaged(part.name)));
        }
    }
    Ok(Ok(()))
}

impl Store {
    /// The store in `directory`, which is made when something is first imported.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The latest database that is whole.
    pub fn open(&self) -> Result<Opened, FeedsError> {
        let current = self.directory.join(CURRENT);
        let failure = match Published::open(&current) {
            Ok(published) => return Ok(Opened { published, fallback: None }),
            Err(failure) => failure,
        };
        match (Published::open(&self.directory.join(PREVIOUS)), &failure) {
            (Ok(published), _) => Ok(Opened { published, fallback: Some(failure) }),
            (Err(_), FeedsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(FeedsError::Absent(self.directory.clone()))
            }
            (Err(_), _) => Err(failure),
        }
    }

    /// The digest of the latest database, as it says itself, without a look at the rest of it; none where there is none.
    pub fn digest(&self) -> Result<Option<String>, FeedsError> {
        let path = self.directory.join(CURRENT);
        let mut head = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(Header::MAX_BYTES as u64).read_to_end(&mut head));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FeedsError::read(&path)(error)),
        }
        let header = Header::read(&head).map_err(|reason| FeedsError::Database { path, reason })?;
        Ok(Some(header.digest()))
    }

    /// What was taken from each feed, in the order of feeds.
    pub fn generations(&self) -> Result<Vec<Generation>, FeedsError> {
        let directory = self.directory.join(GENERATIONS);
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(FeedsError::read(&directory))?,
        };
        let mut generations = Vec::new();
        for entry in entries {
            let path = entry.map_err(FeedsError::read(&directory))?.path();
            if path.extension().is_some_and(|extension| extension == "records") {
                generations.push(Generation::open(path)?);
            }
        }
        let place = |id: &str| FEEDS.iter().position(|feed| feed.id == id);
        generations
            .sort_by(|a, b| (place(&a.source.id), &a.source.source).cmp(&(place(&b.source.id), &b.source.source)));
        Ok(generations)
    }

    /// Waits until no other process changes the store.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, FeedsError> {
        let directory = self.directory.join(GENERATIONS);
        fs::create_dir_all(&directory).map_err(FeedsError::write(&directory))?;
        let path = self.directory.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .and_then(|lock| {
                lock.lock()?;
                Ok(lock)
            })
            .map_err(FeedsError::write(&path))?;
        self.recover(&directory);
        // What a process that was killed was about to write: only who has the lock writes under such names.
        clear(&directory, ".tmp");
        clear(&self.directory, ".tmp");
        Ok(Locked { store: self, before: RefCell::default(), _lock: lock })
    }
}

/// What was taken and is in no database goes again.
impl Drop for Locked<'_> {
    fn drop(&mut self) {
        for (path, before) in self.before.take() {
            // Nothing more can be done where this fails, and what stays is sound.
            let _ = match before {
                Was::There(kept) => fs::rename(kept, path),
                Was::Absent(mark) => fs::remove_file(path).and_then(|()| fs::remove_file(mark)),
            };
        }
    }
}

impl Store {
    /// Takes back what a process that was killed took, unless it is in the database already.
    fn recover(&self, directory: &Path) {
        let mut known: Option<Vec<FeedSource>> = None;
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((name, kind)) = name.strip_prefix(BEFORE).and_then(|rest| rest.rsplit_once('.')) else { continue };
            let path = directory.join(name);
            let known = known.get_or_insert_with(|| {
                let opened = self.open().ok();
                let feeds = opened.and_then(|opened| Some(opened.published.database().ok()?.header().feeds.clone()));
                feeds.unwrap_or_default()
            });
            if Generation::open(path.clone()).is_ok_and(|generation| known.contains(&generation.source)) {
                continue;
            }
            // What cannot be taken back is sound, only early.
            let _ = if kind == KEPT { fs::rename(entry.path(), path) } else { fs::remove_file(path) };
        }
    }
}

/// Removes files whose names begin so, as far as that is possible: they are in nobody's way.
fn clear(directory: &Path, prefix: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Store {
    /// Forgets what was taken from the sources of these names, and builds the database anew. Without any source left
    /// there is no database.
    pub fn remove(&self, names: &[String], replace: bool, limits: &Limits) -> Result<Option<Header>, FeedsError> {
        let locked = self.lock()?;
        locked.may_build(replace)?;
        let generations = self.generations()?;
        let mut there: Vec<String> = generations.iter().map(|generation| generation.source.source.clone()).collect();
        there.sort();
        there.dedup();
        if let Some(name) = names.iter().find(|name| !there.contains(name)) {
            return Err(FeedsError::Unknown { name: name.clone(), there });
        }
        let (gone, kept): (Vec<_>, Vec<_>) =
            generations.into_iter().partition(|generation| names.contains(&generation.source.source));
        gone.into_iter().try_for_each(Generation::remove)?;
        if !kept.is_empty() {
            return locked.rebuild(limits).map(Some);
        }
        for name in [CURRENT, PREVIOUS] {
            let path = self.directory.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(FeedsError::write(path)(error)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Puts the database in `file`, which lies in the store's directory and is verified here, in the place of the one
    /// before. One that was built is written over only if told to `replace` it.
    pub fn replace(&self, file: tempfile::NamedTempFile, replace: bool) -> Result<Header, FeedsError> {
        let locked = self.lock()?;
        self.may_replace(replace)?;
        let header = Published::open(file.path())?.database()?.header().clone();
        let mark = self.directory.join(PULLED);
        // Written first: it means nothing until the database of this digest is the current one.
        fs::write(&mark, header.digest()).map_err(FeedsError::write(&mark))?;
        locked.publish(file).map_err(FeedsError::write(self.directory.join(CURRENT)))?;
        Ok(header)
    }

    /// Fails where a pulled database would write over one that was built.
    pub(crate) fn may_replace(&self, replace: bool) -> Result<(), FeedsError> {
        let built = fs::exists(self.directory.join(CURRENT)).unwrap_or(true) && !self.is_pulled();
        if built && !replace { Err(FeedsError::Built(self.directory.clone())) } else { Ok(()) }
    }

    /// Waits until no other process downloads into the store, and clears away what one that was killed left.
    pub(crate) fn lock_transfer(&self) -> Result<Downloads, FeedsError> {
        let downloads = Downloads::of(&self.directory)?;
        clear(&self.directory, EXCHANGED);
        Ok(downloads)
    }

    /// A file in the store's directory, for [`Store::replace`].
    pub fn temporary(&self) -> Result<tempfile::NamedTempFile, FeedsError> {
        fs::create_dir_all(&self.directory)
            .and_then(|()| tempfile::Builder::new().prefix(EXCHANGED).tempfile_in(&self.directory))
            .map_err(FeedsError::write(&self.directory))
    }

    /// Whether the current database was pulled.
    pub fn is_pulled(&self) -> bool {
        let mark = fs::read_to_string(self.directory.join(PULLED)).unwrap_or_default();
        let header = || {
            let mut head = Vec::new();
            File::open(self.directory.join(CURRENT))
                .ok()?
                .take(Header::MAX_BYTES as u64)
                .read_to_end(&mut head)
                .ok()?;
            Header::read(&head).ok()
        };
        !mark.is_empty() && header().is_some_and(|header| header.digest() == mark)
    }
}

impl Locked<'_> {
    /// Whether the current database was pulled.
    fn is_pulled(&self) -> bool {
        self.store.is_pulled()
    }

    /// Fails where building a database would write over one that was pulled.
    pub(crate) fn may_build(&self, replace: bool) -> Result<(), FeedsError> {
        if self.is_pulled() && !replace { Err(FeedsError::Pulled(self.store.directory.clone())) } else { Ok(()) }
    }

    /// Says of what was taken from `origins` that it was looked at again `now` and is still what there is, in the
    /// generations and, without building it anew, in the database.
    pub(crate) fn renew(&self, origins: &[&str], now: Timestamp, limits: &Limits) -> Result<Header, FeedsError> {
        self.renew_generations(origins, now)?;
        let current = self.store.directory.join(CURRENT);
        let feeds: Vec<FeedSource> =
            self.store.generations()?.into_iter().map(|generation| generation.source).collect();
        let fits = |header: &Header| {
            let of = |feed: &FeedSource| FeedSource { observed_at: None, ..feed.clone() };
            header.feeds.iter().map(of).eq(feeds.iter().map(of))
        };
        let mut file = match Published::open(&current) {
            Ok(published) if fits(published.database()?.header()) => {
                File::open(&current).map_err(FeedsError::read(&current))?
            }
            // It is not of these generations: whoever took them did not come to build it.
            _ => return self.rebuild(limits),
        };
        let mut head = Vec::new();
        Read::by_ref(&mut file)
            .take(Header::MAX_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(FeedsError::read(&current))?;
        let old = Header::read(&head).map_err(|reason| FeedsError::Database { path: current.clone(), reason })?;
        let beginning = old.renewed(feeds)?;
        let mut write = || -> io::Result<()> {
            let mut new = tempfile::NamedTempFile::new_in(&self.store.directory)?;
            new.write_all(&beginning)?;
            file.seek(io::SeekFrom::Start(old.body()))?;
            io::copy(&mut file, &mut new)?;
            self.publish(new)
        };
        write().map_err(FeedsError::write(&current))?;
        Header::read(&beginning).map_err(|reason| FeedsError::Database { path: current, reason })
    }

    /// The same of the generations only.
    pub(crate) fn renew_generations(&self, origins: &[&str], now: Timestamp) -> Result<(), FeedsError> {
        let generations = self.store.generations()?;
        let seen = generations.iter().filter(|generation| origins.contains(&generation.source.source.as_str()));
        seen.into_iter().try_for_each(|generation| generation.renew(now))
    }

    /// What was taken from each feed.
    pub(crate) fn generations(&self) -> Result<Vec<Generation>, FeedsError> {
        self.store.generations()
    }

    /// Where generations lie.
    pub(crate) fn generations_directory(&self) -> PathBuf {
        self.store.directory.join(GENERATIONS)
    }

    /// Publishes what was taken as the generation of `source`. Until the database is built the one before is kept, and takes
    /// its place again if that fails: what a failed import took is not to come with the next one.
    pub(crate) fn publish_generation(&self, taken: Writer, source: &FeedSource) -> io::Result<()> {
        let directory = self.generations_directory();
        let path = Generation::path(&directory, source);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let [kept, none] = [KEPT, NONE].map(|kind| directory.join(format!("{BEFORE}{name}.{kind}")));
        // Published twice under one lock, what was before the first counts.
        if !kept.exists() && !none.exists() {
            let was = match fs::hard_link(&path, &kept) {
                Ok(()) => Was::There(kept),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    File::create(&none).map(|_| Was::Absent(none))?
                }
                Err(error) => return Err(error),
            };
            self.before.borrow_mut().push((path.clone(), was));
        }
        taken.publish(&path, source)
    }

    /// Builds the database from all generations and puts it in the place of the one before, which is kept.
    pub(crate) fn rebuild(&self, limits: &Limits) -> Result<Header, FeedsError> {
        let mut builder = Builder::default();
        for generation in self.store.generations()? {
            builder.feed(generation.source.clone());
            generation.records(limits, &mut |record| builder.add(record))?;
        }
        let bytes = builder.finish()?;
        let header = Header::read(&bytes)
            .map_err(|reason| FeedsError::Database { path: self.store.directory.join(CURRENT), reason })?;
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.store.directory)?;
            file.write_all(&bytes)?;
            self.publish(file)
        };
        write().map_err(FeedsError::write(self.store.directory.join(CURRENT)))?;
        for (_, Was::There(mark) | Was::Absent(mark)) in self.before.take() {
            // In nobody's way if it stays.
            let _ = fs::remove_file(mark);
        }
        // One that was built may be the very one that was pulled.
        let _ = fs::remove_file(self.store.directory.join(PULLED));
        Ok(header)
    }

    fn publish(&self, file: tempfile::NamedTempFile) -> io::Result<()> {
        let directory = &self.store.directory;
        let (current, previous) = (directory.join(CURRENT), directory.join(PREVIOUS));
        file.as_file().sync_all()?;
        // There is a current one at every moment: it gets a second name before the first is given away.
        let second = directory.join(format!("{PREVIOUS}.new"));
        let _ = fs::remove_file(&second);
        match fs::hard_link(&current, &second) {
            // One that was damaged does not take the place of a whole one.
            Ok(()) if Published::open(&second).is_err() && Published::open(&previous).is_ok() => {
                fs::remove_file(&second)?;
            }
            Ok(()) => fs::rename(&second, &previous)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        file.persist(&current)?;
        File::open(directory)?.sync_all()
    }
}
