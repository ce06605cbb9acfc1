//! A file that is small enough for memory, or else an unlinked temporary file under a quota.

use crate::bytes::{FileRange, ReadAt};
use crate::limits::{LimitExceeded, LimitKey};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much all spools of one job may write to disk together, and how much they did.
#[derive(Debug)]
pub struct SpillQuota {
    directory: PathBuf,
    max_bytes: u64,
    in_use: AtomicU64,
    total: AtomicU64,
}

impl SpillQuota {
    /// A quota of `max_bytes` for temporary files in `directory`.
    pub fn new(directory: PathBuf, max_bytes: u64) -> Arc<Self> {
        Arc::new(Self { directory, max_bytes, in_use: AtomicU64::new(0), total: AtomicU64::new(0) })
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
}
