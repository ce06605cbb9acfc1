//! How much of a stranger's input is read before a reader gives up and says so.

use std::fmt;
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
    /// Bytes of one document that describes an image (index, manifest, configuration), and of one file of exceptions.
    pub document_bytes: u64,
    /// Bytes of one file that is downloaded.
    pub download_bytes: u64,
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
    /// About how many bytes of memory all takes that is kept of one layer or directory tree, and, with
    /// [`Limits::path_table_bytes`], of all layers of an image together: packages, file lists, licences.
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
            download_bytes: 4 * GIB,
            tar_header_bytes: MIB,
            memory_file_bytes: 8 * MIB,
            text_file_bytes: 64 * MIB,
            feed_file_bytes: 512 * MIB,
            random_file_bytes: 2 * GIB,
            spill_bytes: 4 * GIB,
            records: 1_000_000,
            facts_bytes: 512 * MIB,
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
            Some(at) if Instant::now() > at => Err(self.exceeded()),
            _ => Ok(()),
        }
    }

    /// How much time is left; `None` for as much as anyone wants.
    pub fn left(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// What to say once the time is over.
    pub fn exceeded(&self) -> LimitExceeded {
        LimitExceeded { key: LimitKey::TimeSeconds, what: "seconds", limit: self.limit.as_secs() }
    }
}

/// The bounds of [`Limits`] by name: what settings, messages and documentation call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitKey {
    /// [`Limits::document_bytes`]
    DocumentBytes,
    /// [`Limits::download_bytes`]
    DownloadBytes,
    /// [`Limits::entries`]
    Entries,
    /// [`Limits::facts_bytes`]
    FactsBytes,
    /// [`Limits::feed_file_bytes`]
    FeedFileBytes,
    /// [`Limits::inflated_bytes`]
    InflatedBytes,
    /// [`Limits::memory_file_bytes`]
    MemoryFileBytes,
    /// [`Limits::path_bytes`]
    PathBytes,
    /// [`Limits::path_depth`]
    PathDepth,
    /// [`Limits::path_table_bytes`]
    PathTableBytes,
    /// [`Limits::random_file_bytes`]
    RandomFileBytes,
    /// [`Limits::ratio`]
    Ratio,
    /// [`Limits::ratio_grace_bytes`]
    RatioGraceBytes,
    /// [`Limits::records`]
    Records,
    /// [`Limits::spill_bytes`]
    SpillBytes,
    /// [`Limits::tar_header_bytes`]
    TarHeaderBytes,
    /// [`Limits::text_file_bytes`]
    TextFileBytes,
    /// [`Limits::time`], in seconds
    TimeSeconds,
}

impl LimitKey {
    /// All of them, sorted by name.
    pub const ALL: [Self; 18] = [
        Self::DocumentBytes,
        Self::DownloadBytes,
        Self::Entries,
        Self::FactsBytes,
        Self::FeedFileBytes,
        Self::InflatedBytes,
        Self::MemoryFileBytes,
        Self::PathBytes,
        Self::PathDepth,
        Self::PathTableBytes,
        Self::RandomFileBytes,
        Self::Ratio,
        Self::RatioGraceBytes,
        Self::Records,
        Self::SpillBytes,
        Self::TarHeaderBytes,
        Self::TextFileBytes,
        Self::TimeSeconds,
    ];

    /// The name, as it stands below `[limits]` in a configuration file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentBytes => "document_bytes",
            Self::DownloadBytes => "download_bytes",
            Self::Entries => "entries",
            Self::FactsBytes => "facts_bytes",
            Self::FeedFileBytes => "feed_file_bytes",
            Self::InflatedBytes => "inflated_bytes",
            Self::MemoryFileBytes => "memory_file_bytes",
            Self::PathBytes => "path_bytes",
            Self::PathDepth => "path_depth",
            Self::PathTableBytes => "path_table_bytes",
            Self::RandomFileBytes => "random_file_bytes",
            Self::Ratio => "ratio",
            Self::RatioGraceBytes => "ratio_grace_bytes",
            Self::Records => "records",
            Self::SpillBytes => "spill_bytes",
            Self::TarHeaderBytes => "tar_header_bytes",
            Self::TextFileBytes => "text_file_bytes",
            Self::TimeSeconds => "time_seconds",
        }
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limits.{}", self.as_str())
    }
}

impl Limits {
    /// The bound of this name.
    pub fn get(&self, key: LimitKey) -> u64 {
        match key {
            LimitKey::DocumentBytes => self.document_bytes,
            LimitKey::DownloadBytes => self.download_bytes,
            LimitKey::Entries => self.entries,
            LimitKey::FactsBytes => self.facts_bytes,
            LimitKey::FeedFileBytes => self.feed_file_bytes,
            LimitKey::InflatedBytes => self.inflated_bytes,
            LimitKey::MemoryFileBytes => self.memory_file_bytes,
            LimitKey::PathBytes => self.path_bytes as u64,
            LimitKey::PathDepth => self.path_depth as u64,
            LimitKey::PathTableBytes => self.path_table_bytes,
            LimitKey::RandomFileBytes => self.random_file_bytes,
            LimitKey::Ratio => self.ratio,
            LimitKey::RatioGraceBytes => self.ratio_grace_bytes,
            LimitKey::Records => self.records as u64,
            LimitKey::SpillBytes => self.spill_bytes,
            LimitKey::TarHeaderBytes => self.tar_header_bytes,
            LimitKey::TextFileBytes => self.text_file_bytes,
            LimitKey::TimeSeconds => self.time.as_secs(),
        }
    }

    /// Sets the bound of this name.
    pub fn set(&mut self, key: LimitKey, value: u64) {
        match key {
            LimitKey::DocumentBytes => self.document_bytes = value,
            LimitKey::DownloadBytes => self.download_bytes = value,
            LimitKey::Entries => self.entries = value,
            LimitKey::FactsBytes => self.facts_bytes = value,
            LimitKey::FeedFileBytes => self.feed_file_bytes = value,
            LimitKey::InflatedBytes => self.inflated_bytes = value,
            LimitKey::MemoryFileBytes => self.memory_file_bytes = value,
            LimitKey::PathBytes => self.path_bytes = value as usize,
            LimitKey::PathDepth => self.path_depth = value as usize,
            LimitKey::PathTableBytes => self.path_table_bytes = value,
            LimitKey::RandomFileBytes => self.random_file_bytes = value,
            LimitKey::Ratio => self.ratio = value,
            LimitKey::RatioGraceBytes => self.ratio_grace_bytes = value,
            LimitKey::Records => self.records = value as usize,
            LimitKey::SpillBytes => self.spill_bytes = value,
            LimitKey::TarHeaderBytes => self.tar_header_bytes = value,
            LimitKey::TextFileBytes => self.text_file_bytes = value,
            LimitKey::TimeSeconds => self.time = Duration::from_secs(value),
        }
    }

    /// What to say of the bound `key` where there was more `what`, a plural noun: "entries".
    pub fn exceeded(&self, key: LimitKey, what: &'static str) -> LimitExceeded {
        LimitExceeded { key, what, limit: self.get(key) }
    }
}

/// What was too much. Its text names the setting, so that whoever reads it knows which one to raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct LimitExceeded {
    /// The bound.
    pub key: LimitKey,
    /// What it bounds, as a plural noun: "inflated bytes".
    pub what: &'static str,
    /// How many of that.
    pub limit: u64,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, what, limit } = self;
        match (key, limit) {
            (LimitKey::TimeSeconds, 1) => write!(f, "took longer than the limit of 1 second ({key})"),
            (LimitKey::TimeSeconds, _) => write!(f, "took longer than the limit of {limit} seconds ({key})"),
            _ => write!(f, "more than the limit of {limit} {what} ({key})"),
        }
    }
}

impl From<LimitExceeded> for std::io::Error {
    fn from(error: LimitExceeded) -> Self {
        Self::new(std::io::ErrorKind::FileTooLarge, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_had_and_set_by_its_own_name() {
        for (index, key) in LimitKey::ALL.into_iter().enumerate() {
            let mut limits = Limits::default();
            limits.set(key, 7_000 + index as u64);
            for other in LimitKey::ALL {
                let expect = if other == key { 7_000 + index as u64 } else { Limits::default().get(other) };
                assert_eq!(limits.get(other), expect, "{other} after {key} was set");
            }
        }
        assert!(LimitKey::ALL.is_sorted_by_key(|key| key.as_str()));
    }

    #[test]
    fn what_was_too_much_names_its_setting() {
        let exceeded = Limits::default().exceeded(LimitKey::Entries, "entries");
        assert_eq!(exceeded.to_string(), "more than the limit of 1000000 entries (limits.entries)");
    }
}
