//! The directory that generations and the database lie in.

use crate::FeedsError;
use crate::generation::Generation;
use sekisho_advisory::db::{Builder, Database, DatabaseError, Header};
use sekisho_advisory::feeds::FEEDS;
use sekisho_base::Limits;
use sekisho_base::hash::{self, Checksum};
use sekisho_base::map::Map;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

const CURRENT: &str = "advisories.skadv";
const PREVIOUS: &str = "advisories.previous.skadv";
const GENERATIONS: &str = "generations";
const LOCK: &str = "lock";

/// A directory of advisories.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// A store that no other process changes meanwhile.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    store: &'a Store,
    _lock: File,
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
        return Ok(Err(DatabaseError::Short { found, expected: header.size() }));
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
        Ok(Locked { store: self, _lock: lock })
    }
}

impl Locked<'_> {
    /// Where generations lie.
    pub(crate) fn generations_directory(&self) -> PathBuf {
        self.store.directory.join(GENERATIONS)
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
        self.publish(&bytes).map_err(FeedsError::write(self.store.directory.join(CURRENT)))?;
        Ok(header)
    }

    fn publish(&self, bytes: &[u8]) -> io::Result<()> {
        let directory = &self.store.directory;
        let (current, previous) = (directory.join(CURRENT), directory.join(PREVIOUS));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        // There is a current one at every moment: it gets a second name before the first is given away.
        let second = directory.join(format!("{PREVIOUS}.new"));
        let _ = fs::remove_file(&second);
        match fs::hard_link(&current, &second) {
            Ok(()) => fs::rename(&second, &previous)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        file.persist(&current)?;
        File::open(directory)?.sync_all()
    }
}
