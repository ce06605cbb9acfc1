//! File systems of the family ext2, ext3 and ext4, read by `ext4-view`, which replays the journal in memory.
//!
//! What that library would believe and should not is looked at here before: sizes by which it sets memory aside.

use super::partition::Window;
use crate::collect::Collector;
use ext4_view::{Ext4, Ext4Error, Ext4Read, PathBuf};
use sekisho_base::ReadAt;
use sekisho_base::limits::{Deadline, LimitExceeded, LimitKey};
use sekisho_base::spool::Spool;
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::path;
use std::error::Error;
use std::io::{self, Write};

/// A file system.
pub(super) struct Ext {
    fs: Ext4,
    cut: Option<(u64, u64)>,
}

struct Reader {
    data: Window,
    deadline: Deadline,
}

impl Ext4Read for Reader {
    fn read(&mut self, start: u64, dst: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync + 'static>> {
        self.deadline.check()?;
        self.data.read_exact_at(start, dst)?;
        Ok(())
    }
}

/// More groups of blocks than a file system of 128 TiB has.
const MOST_GROUPS: u64 = 1 << 20;
/// `EXT4_FEATURE_INCOMPAT_64BIT`.
const WIDE: u64 = 0x80;
/// Linux takes no longer one.
const MOST_TARGET: u64 = 4096;

/// How many bytes the superblock says the file system has; none where it asks for no sensible amount of memory
/// (`fs/ext4/ext4.h` of Linux, `struct ext4_super_block`).
fn stated_size(data: &Window) -> io::Result<Option<u64>> {
    let block = data.range(1024, 1024)?;
    let number = |at: usize| block[at..].first_chunk().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    let (blocks, block_size, per_group) = (number(0x4) | number(0x150) << 32, number(0x18), number(0x20));
    let is_sensible = block_size <= 6 && per_group > 0 && blocks / per_group < MOST_GROUPS;
    // Only file systems that say so have the upper half of the number.
    let blocks = if number(0x60) & WIDE == 0 { number(0x4) } else { blocks };
    Ok(is_sensible.then(|| blocks.saturating_mul(1024 << block_size)))
}

impl Ext {
    /// Opens the file system in `data`.
    pub(super) fn open(data: Window, deadline: Deadline) -> Result<Self, String> {
        let stated = match stated_size(&data) {
            Ok(Some(stated)) => stated,
            Ok(None) => return Err("its superblock is damaged, or it is larger than is read".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let cut = Some((stated, data.size())).filter(|(stated, size)| stated > size);
        let fs = Ext4::load(Box::new(Reader { data, deadline })).map_err(|error| reason(&error))?;
        Ok(Self { fs, cut })
    }

    /// Where its end is not there: how many bytes it has by what it says, and how many there are.
    pub(super) fn cut(&self) -> Option<(u64, u64)> {
        self.cut
    }

    /// Its unique name, as `fstab` has it.
    pub(super) fn id(&self) -> String {
        self.fs.uuid().to_string()
    }

    /// The name that someone gave it.
    pub(super) fn label(&self) -> Option<&str> {
        self.fs.label().to_str().ok()
    }

    /// Whether there is a file or directory at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.fs.symlink_metadata(path).is_ok()
    }

    /// The first `most` bytes of the file at `path`.
    pub(super) fn text(&self, path: &str, most: u64) -> Option<String> {
        let mut text = Vec::new();
        let copied = self.copy(&PathBuf::new(path), most, &mut text);
        matches!(copied, Ok(Ok(()))).then(|| String::from_utf8_lossy(&text).into_owned())
    }

    fn copy(&self, path: &PathBuf, most: u64, to: &mut dyn Write) -> Result<io::Result<()>, Diagnostic> {
        let mut file = self.fs.open(path).map_err(|error| told(&error))?;
        let mut piece = vec![0; 64 << 10];
        let mut left = most;
        while left > 0 {
            let want = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = file.read_bytes(&mut piece[..want]).map_err(|error| told(&error))?;
            if count == 0 {
                break;
            }
            if let Err(error) = to.write_all(&piece[..count]) {
                return Ok(Err(error));
            }
            left -= count as u64;
        }
        Ok(Ok(()))
    }

    /// Offers every file to `collector`, below `prefix`.
    pub(super) fn walk(&self, prefix: &str, collector: &mut Collector<'_>, spool: &mut Spool, deadline: Deadline) {
        let mut pending = vec![(PathBuf::new("/"), prefix.to_owned())];
        while let Some((directory, shown)) = pending.pop() {
            let entries = match self.fs.read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    collector.diagnostic(unlisted(&error).at(shown));
                    continue;
                }
            };
            for entry in entries {
                if let Err(limit) = deadline.check() {
                    collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()));
                    return;
                }
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        collector.diagnostic(unlisted(&error).at(shown.as_str()));
                        break;
                    }
                };
                let name = entry.file_name();
                if matches!(name.as_ref(), b"." | b"..") {
                    continue;
                }
                collector.facts.entries += 1;
                let limits = collector.limits;
                if collector.facts.entries > limits.entries {
                    let limit = limits.exceeded(LimitKey::Entries, "entries");
                    collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()).at(shown));
                    return;
                }
                let name = path::text(name.as_ref());
                let inner = if shown.is_empty() { name } else { format!("{shown}/{name}") };
                if inner.len() > limits.path_bytes || inner.matches('/').count() > limits.path_depth {
                    let message =
                        "the path is longer or deeper than the limits allow (limits.path_bytes, limits.path_depth)";
                    let begin: String = inner.chars().take(80).collect();
                    collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(begin));
                    continue;
                }
                if collector.exclude(&inner) {
                    continue;
                }
                // The inode is what counts, whatever the directory says it is.
                match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => pending.push((entry.path(), inner)),
                    Ok(metadata) if metadata.is_symlink() => {
                        self.link(&entry.path(), metadata.len(), &inner, collector);
                    }
                    Ok(metadata) if metadata.file_type().is_regular_file() => {
                        let at = entry.path();
                        let mut copy = |most: u64, to: &mut dyn Write| self.copy(&at, most, to);
                        collector.offer(&inner, metadata.len(), spool, &mut copy);
                    }
                    Ok(_) => {}
                    Err(error) => collector.diagnostic(told(&error).at(inner)),
                }
            }
        }
    }

    fn link(&self, at: &PathBuf, len: u64, shown: &str, collector: &mut Collector<'_>) {
        if len > MOST_TARGET {
            let message = "is a link that is longer than any can be";
            collector.diagnostic(Diagnostic::incomplete(Code::FileMalformed, message).at(shown));
            return;
        }
        match self.fs.read_link(at) {
            Ok(target) => collector.link(shown, &path::text(target.as_ref())),
            Err(error) => collector.diagnostic(told(&error).at(shown)),
        }
    }
}

fn unlisted(error: &Ext4Error) -> Diagnostic {
    let mut told = told(error);
    told.message.insert_str(0, "the directory cannot be listed: ");
    told
}

fn told(error: &Ext4Error) -> Diagnostic {
    let code = match error.as_io().and_then(|inner| inner.downcast_ref::<LimitExceeded>()) {
        Some(_) => Code::LimitExceeded,
        None => Code::FileUnreadable,
    };
    Diagnostic::incomplete(code, reason(error))
}

fn reason(error: &Ext4Error) -> String {
    match error.as_io() {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}
