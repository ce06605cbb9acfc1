//! How much of a stranger's input is read before a reader gives up and says so.

use std::time::{Duration, Instant};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Bounds on input. A reader that meets one stops reading *that* input, reports it as incomplete with
/// the name of the bound, and goes on with the rest.
///
/// The defaults leave room for the largest images in use (tens of GiB, hundreds of thousands of files
/// in a layer) and keep memory flat for anything built to be larger than it looks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Inflated bytes of one layer or archive.
    pub inflated_bytes: u64,
    /// Inflated bytes for each stored byte, once [`Limits::ratio_grace_bytes`] have come out.
    pub ratio: u64,
    /// Output up to here is never judged by its ratio.
    pub ratio_grace_bytes: u64,
    /// Entries of one layer or directory tree.
    pub entries: u64,
    /// Bytes of all entry names of one layer, as they are kept in memory.
    pub path_table_bytes: u64,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Directories above one path.
    pub path_depth: usize,
    /// Bytes of one JSON document that describes an image (index, manifest, configuration).
    pub document_bytes: u64,
    /// Bytes of one extended tar header.
    pub tar_header_bytes: u64,
    /// Bytes of one file that is held in memory; larger ones go to a temporary file.
    pub memory_file_bytes: u64,
    /// Bytes of one text file (package metadata, lock file) that is parsed.
    pub text_file_bytes: u64,
    /// Bytes of one file of an advisory feed.
    pub feed_file_bytes: u64,
    /// Bytes of one database or executable that is read at random positions.
    pub random_file_bytes: u64,
    /// Bytes of all temporary files of one scan together.
    pub spill_bytes: u64,
    /// Records taken from one file.
    pub records: usize,
    /// Bytes of all that is kept of one layer or directory tree, and, with [`Limits::path_table_bytes`], of all
    /// layers of an image together: packages, file lists, licences.
    pub facts_bytes: u64,
    /// Wall time of reading in one scan, and of putting together what was read.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inflated_bytes: 64 * GIB,
            ratio: 250,
            ratio_grace_bytes: GIB,
            entries: 1_000_000,
            path_table_bytes: 32 * MIB,
            path_bytes: 4 * KIB as usize,
            path_depth: 128,
            document_bytes: 4 * MIB,
            tar_header_bytes: MIB,
            memory_file_bytes: 8 * MIB,
            text_file_bytes: 64 * MIB,
            feed_file_bytes: GIB,
            random_file_bytes: 2 * GIB,
            spill_bytes: 4 * GIB,
            records: 1_000_000,
            facts_bytes: 128 * MIB,
            time: Duration::from_mins(30),
        }
    }
}

/// The moment at which [`Limits::time`] is over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Option<Instant>,
    limit: Duration,
}

impl Deadline {
    /// The deadline of something that starts now.
    pub fn of(limits: &Limits) -> Self {
        Self { at: Instant::now().checked_add(limits.time), limit: limits.time }
    }

    /// Fails once the time is over.
    pub fn check(&self) -> Result<(), LimitExceeded> {
        match self.at {
            Some(at) if Instant::now() > at => Err(LimitExceeded { what: "seconds", limit: self.limit.as_secs() }),
            _ => Ok(()),
        }
    }
}

/// What was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than the limit of {limit} {what}")]
pub struct LimitExceeded {
    /// The bound's name, as a plural noun: "inflated bytes".
    pub what: &'static str,
    /// The bound.
    pub limit: u64,
}

impl From<LimitExceeded> for std::io::Error {
    fn from(error: LimitExceeded) -> Self {
        Self::new(std::io::ErrorKind::FileTooLarge, error)
    }
}
