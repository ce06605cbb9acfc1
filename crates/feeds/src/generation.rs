//! What one import took from one feed, in a file of its own: the database is always built from all of them.
//!
//! `SKADVGN1`, the length of a JSON document (u32, little-endian), the document ([`FeedSource`]), and then the records as
//! `MessagePack`, each after its length (u32), ended by a length of zero; the records are one zstd frame.

use crate::FeedsError;
use jiff::Timestamp;
use sekisho_advisory::db::FeedSource;
use sekisho_advisory::record::Record;
use sekisho_base::Limits;
use sekisho_base::hash;
use sekisho_base::inflate::{Compression, Inflate};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"SKADVGN1";
/// A source is described in a few hundred bytes.
const MAX_SOURCE_BYTES: usize = 1 << 20;
const LEVEL: i32 = 3;

/// Records that are being taken.
pub(crate) struct Writer {
    records: zstd::stream::write::Encoder<'static, File>,
}

impl Writer {
    /// Takes records into a temporary file in `directory`.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        Ok(Self { records: zstd::stream::write::Encoder::new(tempfile::tempfile_in(directory)?, LEVEL)? })
    }

    pub(crate) fn push(&mut self, record: &Record) -> io::Result<()> {
        let bytes = rmp_serde::to_vec_named(record).map_err(io::Error::other)?;
        let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.records.write_all(&len.to_le_bytes())?;
        self.records.write_all(&bytes)
    }

    /// Publishes what was taken as the generation of `source` at `path`, in the place of an earlier one.
    pub(crate) fn publish(mut self, path: &Path, source: &FeedSource) -> io::Result<()> {
        self.records.write_all(&0_u32.to_le_bytes())?;
        let mut records = self.records.finish()?;
        records.rewind()?;
        write(path, source, &mut records)
    }
}

/// Publishes `records`, compressed as they are, as the generation of `source` at `path`.
fn write(path: &Path, source: &FeedSource, records: &mut File) -> io::Result<()> {
    let json = serde_json::to_vec(source)?;
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(MAGIC)?;
    file.write_all(&(json.len() as u32).to_le_bytes())?;
    file.write_all(&json)?;
    io::copy(records, &mut file)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The name of the file for what comes from `origin` of the feed `id`.
fn file_name(id: &str, origin: &str) -> String {
    format!("{id}-{}.records", hash::hex(&hash::sha256(origin.as_bytes())[..8]))
}

/// What an earlier import took from a feed.
#[derive(Debug)]
pub struct Generation {
    /// Where it is from.
    pub source: FeedSource,
    path: PathBuf,
    start: u64,
}

impl Generation {
    /// Where the generation of `source` lies in `directory`.
    pub(crate) fn path(directory: &Path, source: &FeedSource) -> PathBuf {
        directory.join(file_name(&source.id, &source.source))
    }

    /// The generation that `directory` has of what comes from `origin` of the feed `id`.
    pub(crate) fn find(directory: &Path, id: &str, origin: &str) -> Option<Self> {
        Self::open(directory.join(file_name(id, origin))).ok()
    }

    /// Opens the one at `path`.
    pub(crate) fn open(path: PathBuf) -> Result<Self, FeedsError> {
        let read = || -> io::Result<(FeedSource, u64)> {
            let mut file = BufReader::new(File::open(&path)?);
            let mut head = [0; 12];
            file.read_exact(&mut head)?;
            let (magic, len) = head.split_at(8);
            let len = u32::from_le_bytes(len.try_into().map_err(io::Error::other)?) as usize;
            if magic != MAGIC || len > MAX_SOURCE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a generation of advisories"));
            }
            let mut json = vec![0; len];
            file.read_exact(&mut json)?;
            Ok((serde_json::from_slice(&json)?, (head.len() + len) as u64))
        };
        match read() {
            Ok((source, start)) => Ok(Self { source, path, start }),
            Err(source) => Err(FeedsError::Read { path, source }),
        }
    }

    /// Says of it that it was looked at again `now` and is still what there is.
    pub(crate) fn renew(&self, now: Timestamp) -> Result<(), FeedsError> {
        let source = FeedSource { observed_at: Some(now), ..self.source.clone() };
        let renew = || -> io::Result<()> {
            let mut records = File::open(&self.path)?;
            records.seek(io::SeekFrom::Start(self.start))?;
            write(&self.path, &source, &mut records)
        };
        renew().map_err(FeedsError::write(&self.path))
    }

    /// Forgets it.
    pub(crate) fn remove(self) -> Result<(), FeedsError> {
        std::fs::remove_file(&self.path).map_err(FeedsError::write(self.path))
    }

    /// Hands over all records.
    pub(crate) fn records(&self, limits: &Limits, take: &mut dyn FnMut(Record)) -> Result<(), FeedsError> {
        let mut read = || -> io::Result<()> {
            let mut file = File::open(&self.path)?;
            let len = file.metadata()?.len();
            file.seek(io::SeekFrom::Start(self.start))?;
            // They are our own and compress very well.
            let limits = Limits { ratio: u64::MAX, ..limits.clone() };
            let mut plain = BufReader::new(Inflate::new(BufReader::new(file), Compression::Zstd, len, &limits)?);
            let mut bytes = Vec::new();
            loop {
                let mut len = [0; 4];
                plain.read_exact(&mut len)?;
                let len = u64::from(u32::from_le_bytes(len));
                if len == 0 {
                    return Ok(());
                }
                bytes.clear();
                if plain.by_ref().take(len).read_to_end(&mut bytes)? as u64 != len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                take(rmp_serde::from_slice(&bytes).map_err(io::Error::other)?);
            }
        };
        read().map_err(FeedsError::read(&self.path))
    }
}
