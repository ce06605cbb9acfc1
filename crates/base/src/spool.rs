//! A file that is small enough for memory, or else an unlinked temporary file under a quota; and temporary files for
//! which room is set aside before they are written.

use crate::bytes::{FileRange, ReadAt};
use crate::limits::{LimitExceeded, LimitKey};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How much all spools of one job may write to disk together, and how much they did.
#[derive(Debug)]
pub struct SpillQuota {
    directory: PathBuf,
    max_bytes: u64,
    in_use: AtomicU64,
    total: AtomicU64,
    /// What is set aside for files of a known size.
    reserved: Mutex<u64>,
    given_back: Condvar,
}

impl SpillQuota {
    /// A quota of `max_bytes` for temporary files in `directory`.
    pub fn new(directory: PathBuf, max_bytes: u64) -> Arc<Self> {
        let (in_use, total) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { directory, max_bytes, in_use, total, reserved: Mutex::new(0), given_back: Condvar::new() })
    }

    /// Where the temporary files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Bytes written to temporary files since the quota was made.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// An empty temporary file without a name that counts against the quota.
    pub fn file(self: &Arc<Self>) -> io::Result<SpillFile> {
        let file = tempfile::tempfile_in(&self.directory)?;
        Ok(SpillFile { file, len: 0, quota: Arc::clone(self) })
    }

    /// A temporary file without a name for exactly `bytes`, once there is room for it: such files together leave half of
    /// the quota to what else is set aside, and one that is larger than that has to be the only one. Whoever holds one
    /// must not ask for a second before it is dropped.
    pub fn reserve(self: &Arc<Self>, bytes: u64) -> io::Result<ReservedFile> {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        while *reserved > 0 && reserved.saturating_add(bytes) > self.max_bytes / 2 {
            reserved = self.given_back.wait(reserved).unwrap_or_else(PoisonError::into_inner);
        }
        self.take(bytes)?;
        *reserved += bytes;
        drop(reserved);
        // From here on dropping it gives the room back.
        let room = Room { bytes, quota: Arc::clone(self) };
        Ok(ReservedFile { file: Arc::new(tempfile::tempfile_in(&self.directory)?), room })
    }

    fn take(&self, bytes: u64) -> Result<(), LimitExceeded> {
        let before = self.in_use.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.max_bytes {
            self.in_use.fetch_sub(bytes, Ordering::Relaxed);
            return Err(LimitExceeded {
                key: LimitKey::SpillBytes,
                what: "bytes in temporary files",
                limit: self.max_bytes,
            });
        }
        self.total.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.in_use.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A temporary file without a name, written front to back and then kept as a [`FileRange`].
#[derive(Debug)]
pub struct SpillFile {
    file: File,
    len: u64,
    quota: Arc<SpillQuota>,
}

impl SpillFile {
    /// Writes `bytes` at the end.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.quota.take(bytes.len() as u64)?;
        self.file.write_all_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// All that was written. Its share of the quota is not given back: it lives as long as the job.
    pub fn into_range(self) -> FileRange {
        FileRange::new(Arc::new(self.file), 0, self.len)
    }
}

/// A temporary file without a name, for which room in a quota is set aside until it is dropped.
#[derive(Debug)]
pub struct ReservedFile {
    file: Arc<File>,
    room: Room,
}

impl ReservedFile {
    /// The file, to be written.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// What was written. It is to be dropped before this, which counts it.
    pub fn range(&self) -> FileRange {
        FileRange::new(Arc::clone(&self.file), 0, self.room.bytes)
    }
}

/// Bytes that are set aside.
#[derive(Debug)]
struct Room {
    bytes: u64,
    quota: Arc<SpillQuota>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.quota.give_back(self.bytes);
        *self.quota.reserved.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.quota.given_back.notify_all();
    }
}

/// Bytes that were written once and can then be read at any offset.
///
/// Up to `memory_bytes` stay in memory; beyond that everything moves to a temporary file that has no
/// name, so that nothing is left behind however the process ends. [`Spool::clear`] makes it ready for
/// the next file without giving the memory back.
#[derive(Debug)]
pub struct Spool {
    memory: Vec<u8>,
    memory_bytes: u64,
    file: Option<File>,
    len: u64,
    quota: Arc<SpillQuota>,
}

impl Spool {
    /// An empty spool that spills to disk beyond `memory_bytes`.
    pub fn new(memory_bytes: u64, quota: Arc<SpillQuota>) -> Self {
        Self { memory: Vec::new(), memory_bytes, file: None, len: 0, quota }
    }

    /// Where it spills to.
    pub fn directory(&self) -> &Path {
        self.quota.directory()
    }

    /// Empties the spool and gives its share of the quota back.
    pub fn clear(&mut self) {
        self.memory.clear();
        if self.file.take().is_some() {
            self.quota.give_back(self.len);
        }
        self.len = 0;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let after = self.len + bytes.len() as u64;
        if let Some(file) = &self.file {
            self.quota.take(bytes.len() as u64)?;
            if let Err(error) = file.write_all_at(bytes, self.len) {
                self.quota.give_back(bytes.len() as u64);
                return Err(error);
            }
        } else if after > self.memory_bytes {
            self.quota.take(after)?;
            let spill = || {
                let file = tempfile::tempfile_in(&self.quota.directory)?;
                file.write_all_at(&self.memory, 0)?;
                file.write_all_at(bytes, self.len)?;
                Ok::<_, io::Error>(file)
            };
            match spill() {
                Ok(file) => self.file = Some(file),
                Err(error) => {
                    self.quota.give_back(after);
                    return Err(error);
                }
            }
            self.memory.clear();
        } else {
            self.memory.extend_from_slice(bytes);
        }
        self.len = after;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for Spool {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match &self.file {
            Some(file) => file.read_at(buf, offset),
            None => self.memory[..].read_at(offset, buf),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        self.file.is_none().then_some(&self.memory[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_content_spills_counts_and_gives_back() {
        let quota = SpillQuota::new(std::env::temp_dir(), 64);
        let mut spool = Spool::new(4, Arc::clone(&quota));
        spool.write_all(b"abc").unwrap();
        assert!(spool.as_slice().is_some());
        spool.write_all(b"defgh").unwrap();
        assert!(spool.as_slice().is_none());
        assert_eq!(spool.range(2, 4).unwrap().as_ref(), b"cdef");
        assert_eq!((spool.size(), quota.total()), (8, 8));
        let error = spool.write_all(&[0; 100]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(spool.size(), 8, "a refused write leaves the spool as it was");
        spool.clear();
        spool.write_all(&[1; 60]).unwrap();
        assert_eq!(spool.range(59, 1).unwrap().as_ref(), &[1], "the quota was given back");
    }

    #[test]
    fn room_is_set_aside_and_waited_for() {
        let quota = SpillQuota::new(std::env::temp_dir(), 64);
        let first = quota.reserve(40).unwrap();
        first.file().unwrap().write_all(&[7; 40]).unwrap();
        assert_eq!(first.range().range(39, 1).unwrap().as_ref(), &[7]);
        // More than half is taken: the next one has to wait for it to be dropped.
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let second = quota.reserve(30).unwrap();
                order.lock().unwrap().push("second");
                drop(second);
            });
            order.lock().unwrap().push("first");
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), ["first", "second"]);
        assert_eq!(quota.reserve(65).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        // What was refused takes no room.
        let (small, other) = (quota.reserve(16).unwrap(), quota.reserve(16).unwrap());
        let mut spool = Spool::new(0, Arc::clone(&quota));
        spool.write_all(&[1; 32]).unwrap();
        drop((small, other));
        quota.reserve(32).unwrap();
    }
}
