//! What an agent has to tell, on disk until the hub has it: records in their order, in files that only grow at their end.
//!
//! A directory holds `identity`, `acknowledged` and segments, each called by the number of its first record. A record is its
//! length (u32), a checksum of number and bytes (u64; both little-endian), and the bytes. What [`Spool::sync`] was told of
//! survives a crash; what was written after that may be there or not, but never in part, and never out of order.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use twox_hash::XxHash3_128;

/// Bytes before the content of a record.
const HEAD: usize = 12;
const IDENTITY: &str = "identity";
const ACKNOWLEDGED: &str = "acknowledged";
const SEGMENT: &str = "spool";

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolLimits {
    /// A segment that has so many bytes is followed by another.
    pub segment_bytes: u64,
    /// All segments together.
    pub total_bytes: u64,
    /// One record.
    pub record_bytes: u32,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self { segment_bytes: 8 << 20, total_bytes: 1 << 30, record_bytes: 4 << 20 }
    }
}

/// Why a record was not taken, or a spool not opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error("the spool {0} is in use by another process")]
    InUse(PathBuf),
    /// There is no room: nothing was written.
    #[error("the spool holds {0} bytes that the hub has not acknowledged, as many as it may")]
    Full(u64),
    /// One record is too large: nothing was written.
    #[error("a record of {0} bytes is larger than a spool takes")]
    TooLarge(usize),
    /// The disk refuses. After that nothing is taken until the spool is opened anew.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An earlier failure left it in a state that is not known.
    #[error("the spool failed before, and has to be opened anew")]
    Failed,
}

/// What was found at opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Bytes at the end of the last segment that were no whole record: a crash came while they were written.
    pub torn_bytes: u64,
    /// Records that were there, and can no longer be read.
    pub lost: u64,
}

#[derive(Debug)]
struct Segment {
    /// The number of its first record.
    first: u64,
    /// Where each of its records begins.
    offsets: Vec<u64>,
    /// Up to its last whole record.
    bytes: u64,
    file: File,
}

/// The spool of one agent.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    limits: SpoolLimits,
    identity: String,
    segments: VecDeque<Segment>,
    /// The number of the next record; the first is 1.
    next: u64,
    acknowledged: u64,
    /// The last record of which [`Spool::sync`] said that it is on disk.
    synced: u64,
    failed: bool,
    /// Held as long as this is open.
    _lock: File,
}

/// Adds what was to be done to an error of the disk.
fn during(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { action, path, source }
}

impl Spool {
    /// Opens the spool in `directory`, which is made where it is not there. One that is made anew has `identity`, by which
    /// the hub tells its numbers from those of one that was there before.
    pub fn open(directory: &Path, limits: SpoolLimits, identity: &str) -> Result<(Self, Recovered), SpoolError> {
        fs::create_dir_all(directory).map_err(during("make", directory))?;
        let path = directory.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(during("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SpoolError::InUse(directory.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(during("lock", &path)(error)),
        }
        let known = read_text(&directory.join(IDENTITY))?;
        let identity = if let Some(known) = known {
            known
        } else {
            replace(directory, IDENTITY, identity)?;
            identity.to_owned()
        };
        let acknowledged = read_text(&directory.join(ACKNOWLEDGED))?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut spool = Self {
            directory: directory.to_owned(),
            limits,
            identity,
            segments: VecDeque::new(),
            next: 1,
            acknowledged,
            synced: 0,
            failed: false,
            _lock: lock,
        };
        let recovered = spool.recover()?;
        Ok((spool, recovered))
    }

    /// Reads all segments.
    fn recover(&mut self) -> Result<Recovered, SpoolError> {
        let mut recovered = Recovered::default();
        let listing = fs::read_dir(&self.directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = listing.map_err(during("list", &self.directory))?;
        let mut found: Vec<(u64, PathBuf)> = entries
            .into_iter()
            .filter_map(|entry| {
                let path = entry.path();
                let is_one = path.extension().is_some_and(|end| end == SEGMENT);
                let first = path.file_stem()?.to_str()?.parse().ok()?;
                is_one.then_some((first, path))
            })
            .collect();
        found.sort();
        let count = found.len();
        for (place, (first, path)) in found.into_iter().enumerate() {
            let file = OpenOptions::new().read(true).write(true).open(&path).map_err(during("open", &path))?;
            let size = file.metadata().map_err(during("read", &path))?.len();
            let (offsets, bytes) = whole_records(&file, first, size, self.limits).map_err(during("read", &path))?;
            if place + 1 == count {
                recovered.torn_bytes = size - bytes;
                file.set_len(bytes).map_err(during("cut", &path))?;
                file.sync_all().map_err(during("write", &path))?;
            }
            // What is between the end of one and the beginning of the next was there.
            if place > 0 {
                recovered.lost += first.saturating_sub(self.next);
            }
            self.next = first + offsets.len() as u64;
            self.segments.push_back(Segment { first, offsets, bytes, file });
        }
        self.next = self.next.max(self.acknowledged + 1);
        self.synced = self.next - 1;
        self.forget()?;
        Ok(recovered)
    }

    /// What tells its numbers from those of another spool.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The last record that the hub has.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The last record that is on disk whatever happens.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Writes a record behind the others, and gives its number. It is on disk when [`Spool::sync`] has come back: many
    /// records share one.
    pub fn append(&mut self, record: &[u8]) -> Result<u64, SpoolError> {
        if self.failed {
            return Err(SpoolError::Failed);
        }
        let length = u32::try_from(record.len()).ok().filter(|length| *length <= self.limits.record_bytes);
        let Some(length) = length else { return Err(SpoolError::TooLarge(record.len())) };
        let size = (HEAD + record.len()) as u64;
        if self.bytes() + size > self.limits.total_bytes {
            return Err(SpoolError::Full(self.bytes()));
        }
        if self.segments.back().is_none_or(|last| last.bytes >= self.limits.segment_bytes) {
            self.sync()?;
            self.begin_segment()?;
        }
        let number = self.next;
        let mut whole = Vec::with_capacity(HEAD + record.len());
        whole.extend_from_slice(&length.to_le_bytes());
        whole.extend_from_slice(&checksum(number, record).to_le_bytes());
        whole.extend_from_slice(record);
        // Segments are begun where there is none.
        let Some(last) = self.segments.back_mut() else { return Err(SpoolError::Failed) };
        if let Err(error) = last.file.write_all_at(&whole, last.bytes) {
            // What is there in part must not be taken for the beginning of the next.
            self.failed = last.file.set_len(last.bytes).is_err();
            return Err(during("write to", &segment_path(&self.directory, last.first))(error));
        }
        last.offsets.push(last.bytes);
        last.bytes += size;
        self.next += 1;
        Ok(number)
    }

    /// Comes back when all records are on disk.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        if self.failed {
            return Err(SpoolError::Failed);
        }
        if let Some(last) = self.segments.back()
            && self.synced + 1 < self.next
        {
            // Whether it is there after a failure nobody can tell: the kernel may have dropped what it could not write.
            self.failed = true;
            last.file.sync_data().map_err(during("write to", &segment_path(&self.directory, last.first)))?;
            self.failed = false;
        }
        self.synced = self.next - 1;
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), SpoolError> {
        let path = segment_path(&self.directory, self.next);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(during("make", &path))?;
        sync_directory(&self.directory)?;
        self.segments.push_back(Segment { first: self.next, offsets: Vec::new(), bytes: 0, file });
        Ok(())
    }

    /// Records after `number`, in their order, of at most so many bytes together, but one in any case. Only such as are on
    /// disk: what a hub has must not be forgotten here.
    pub fn read(&self, number: u64, bytes: usize) -> Result<Vec<(u64, Vec<u8>)>, SpoolError> {
        let mut found = Vec::new();
        let mut room = bytes;
        for segment in &self.segments {
            let behind = segment.first + segment.offsets.len() as u64;
            for next in segment.first.max(number + 1)..behind.min(self.synced + 1) {
                let at = segment.offsets[(next - segment.first) as usize];
                let end = segment.offsets.get((next - segment.first) as usize + 1).copied().unwrap_or(segment.bytes);
                let mut record = vec![0; (end - at) as usize - HEAD];
                if record.len() > room && !found.is_empty() {
                    return Ok(found);
                }
                let path = || segment_path(&self.directory, segment.first);
                segment
                    .file
                    .read_exact_at(&mut record, at + HEAD as u64)
                    .map_err(|error| during("read", &path())(error))?;
                room = room.saturating_sub(record.len());
                found.push((next, record));
            }
        }
        Ok(found)
    }

    /// Keeps that the hub has all records up to `number`, and forgets what it has whole segments of.
    pub fn acknowledge(&mut self, number: u64) -> Result<(), SpoolError> {
        let number = number.min(self.synced);
        if number > self.acknowledged {
            replace(&self.directory, ACKNOWLEDGED, &number.to_string())?;
            self.acknowledged = number;
            self.forget()?;
        }
        Ok(())
    }

    fn forget(&mut self) -> Result<(), SpoolError> {
        while let Some(first) = self.segments.front()
            && first.first + first.offsets.len() as u64 <= self.acknowledged + 1
            // The last goes once it is full, so that little is made and removed.
            && (self.segments.len() > 1 || first.bytes >= self.limits.segment_bytes)
        {
            let path = segment_path(&self.directory, first.first);
            fs::remove_file(&path).map_err(during("remove", &path))?;
            self.segments.pop_front();
        }
        Ok(())
    }
}

fn segment_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}.{SEGMENT}"))
}

/// Of number and bytes, so that no record is taken for another that was in its place.
fn checksum(number: u64, record: &[u8]) -> u64 {
    XxHash3_128::oneshot_with_seed(number, record) as u64
}

/// Where the records of a segment begin, up to the first that is not whole, and where that is.
fn whole_records(file: &File, first: u64, size: u64, limits: SpoolLimits) -> io::Result<(Vec<u64>, u64)> {
    let mut offsets = Vec::new();
    let mut at = 0;
    let mut record = Vec::new();
    while at + HEAD as u64 <= size {
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, at)?;
        let ([a, b, c, d], sum) = (head[..4].try_into().unwrap_or_default(), head[4..].try_into().unwrap_or_default());
        let length = u32::from_le_bytes([a, b, c, d]);
        let end = at + HEAD as u64 + u64::from(length);
        if length > limits.record_bytes || end > size {
            break;
        }
        record.resize(length as usize, 0);
        file.read_exact_at(&mut record, at + HEAD as u64)?;
        if checksum(first + offsets.len() as u64, &record) != u64::from_le_bytes(sum) {
            break;
        }
        offsets.push(at);
        at = end;
    }
    Ok((offsets, at))
}

fn read_text(path: &Path) -> Result<Option<String>, SpoolError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(during("read", path)(error)),
    }
}

/// Puts a file in place of another, whole or not at all.
fn replace(directory: &Path, name: &str, text: &str) -> Result<(), SpoolError> {
    let (path, new) = (directory.join(name), directory.join(format!("{name}.new")));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    write().map_err(during("write", &path))?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> Result<(), SpoolError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(during("write to", directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: SpoolLimits = SpoolLimits { segment_bytes: 100, total_bytes: 1000, record_bytes: 200 };

    fn open(directory: &Path) -> (Spool, Recovered) {
        Spool::open(directory, SMALL, "one").unwrap()
    }

    fn all(spool: &Spool) -> Vec<(u64, Vec<u8>)> {
        spool.read(spool.acknowledged(), usize::MAX).unwrap()
    }

    fn segments(directory: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == SEGMENT)).collect();
        found.sort();
        found
    }

    #[test]
    fn records_come_back_in_order_until_they_are_acknowledged() {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, recovered) = open(directory.path());
        assert_eq!(recovered, Recovered::default());
        for number in 1..=20_u8 {
            assert_eq!(spool.append(&[number; 30]).unwrap(), u64::from(number));
        }
        // What is not on disk is not told.
        assert!(all(&spool).len() < 20);
        spool.sync().unwrap();
        let expect = |from: u8| (from..=20).map(|number| (u64::from(number), vec![number; 30])).collect::<Vec<_>>();
        assert_eq!(all(&spool), expect(1));
        assert_eq!(spool.read(18, 1).unwrap(), [(19, vec![19; 30])]);
        assert!(segments(directory.path()).len() > 3);
        spool.acknowledge(17).unwrap();
        assert_eq!(all(&spool), expect(18));
        assert!(segments(directory.path()).len() <= 2);
        drop(spool);
        let (mut spool, recovered) = Spool::open(directory.path(), SMALL, "another").unwrap();
        assert_eq!((recovered, spool.identity(), all(&spool)), (Recovered::default(), "one", expect(18)));
        assert_eq!(spool.append(b"x").unwrap(), 21);
        // Nobody has what was never written.
        spool.acknowledge(99).unwrap();
        assert_eq!(spool.acknowledged(), 20);
    }

    #[test]
    fn one_process_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let (spool, _) = open(directory.path());
        assert!(matches!(Spool::open(directory.path(), SMALL, "x"), Err(SpoolError::InUse(_))));
        drop(spool);
        open(directory.path());
    }

    #[test]
    fn what_there_is_no_room_for_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, _) = open(directory.path());
        assert!(matches!(spool.append(&[0; 201]), Err(SpoolError::TooLarge(201))));
        let mut taken = 0;
        let full = loop {
            match spool.append(&[0; 100]) {
                Ok(number) => taken = number,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, SpoolError::Full(896)), "{full}");
        spool.sync().unwrap();
        spool.acknowledge(taken).unwrap();
        assert_eq!(spool.append(&[0; 100]).unwrap(), taken + 1);
    }

    #[test]
    fn a_segment_that_is_damaged_costs_what_is_behind_the_damage() {
        let directory = tempfile::tempdir().unwrap();
        let (mut spool, _) = open(directory.path());
        for _ in 0..9 {
            spool.append(&[7; 40]).unwrap();
        }
        spool.sync().unwrap();
        drop(spool);
        // Segments have two records each.
        let path = &segments(directory.path())[1];
        let mut bytes = fs::read(path).unwrap();
        bytes[60] ^= 1;
        fs::write(path, bytes).unwrap();
        let (spool, recovered) = open(directory.path());
        assert_eq!(recovered, Recovered { torn_bytes: 0, lost: 1 });
        let numbers: Vec<u64> = all(&spool).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 2, 3, 5, 6, 7, 8, 9]);
    }

    proptest! {
        /// Wherever a crash cuts the last segment off: what was synced before it grew is there, and what follows begins anew.
        #[test]
        fn a_crash_costs_nothing_that_was_synced(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..12),
            synced in 0_usize..12,
            cut in any::<prop::sample::Index>(),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let (mut spool, _) = open(directory.path());
            let synced = synced.min(records.len());
            let mut on_disk = (segment_path(directory.path(), 1), 0);
            for (place, record) in records.iter().enumerate() {
                spool.append(record).unwrap();
                if place + 1 == synced {
                    spool.sync().unwrap();
                }
                if place < synced {
                    let last = spool.segments.back().unwrap();
                    on_disk = (segment_path(directory.path(), last.first), last.bytes);
                }
            }
            drop(spool);
            // Later segments were begun after a sync of those before; of the last any part may be there.
            let last = segments(directory.path()).pop().unwrap();
            let size = fs::metadata(&last).unwrap().len();
            let least = if last == on_disk.0 { on_disk.1 } else { 0 };
            let length = least + cut.index((size - least) as usize + 1) as u64;
            OpenOptions::new().write(true).open(&last).unwrap().set_len(length).unwrap();
            let (mut spool, recovered) = open(directory.path());
            prop_assert_eq!(recovered.lost, 0);
            let found: Vec<Vec<u8>> = all(&spool).into_iter().map(|(_, record)| record).collect();
            prop_assert!(found.len() >= synced);
            prop_assert_eq!(&found[..], &records[..found.len()]);
            prop_assert_eq!(spool.append(b"next").unwrap(), found.len() as u64 + 1);
        }
    }
}
