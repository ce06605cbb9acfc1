//! Reading a bbolt database, in which containerd keeps images and containers: no more than its buckets and keys.
//!
//! The file is pages; a page of branches leads to others, a page of leaves holds keys and values, and a value may be a
//! bucket with pages of its own or, where it is small, with one page inside the value
//! (<https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go>, `bucket.go` and `meta.go` beside it). Numbers
//! are in the order of the machine that wrote them, which is read where it is little-endian.
//!
//! Nothing is locked. Whoever writes never changes a page of the last transaction but one, and ends by writing one of two
//! meta pages; so that what was read is one state of the database where [`Bolt::is_current`] says so afterwards. [`read`]
//! begins anew until it does.

use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_base::{Limits, ReadAt};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::sync::Arc;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// Id, flags, number of elements, pages beyond this one.
const PAGE_HEADER: usize = 16;
/// An element of a branch or of a leaf.
const ELEMENT: usize = 16;
const META: usize = 64;
/// What a bucket is, in the value of its key: its first page, and a number that counts.
const BUCKET: usize = 16;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
/// Of an element of a leaf: its value is a bucket.
const IS_BUCKET: u32 = 0x01;

/// Why a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BoltError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is none, or damaged.
    #[error("{0}")]
    Damaged(&'static str),
    /// There is more than is read.
    #[error("{0}")]
    Limit(LimitExceeded),
    /// Whoever writes to it writes faster than it can be read.
    #[error("changes faster than it can be read")]
    Changing,
}

/// How often a database that is written meanwhile is begun anew.
const ATTEMPTS: usize = 5;

/// What `read` says of one state of the database in `file`, which may be written meanwhile.
pub fn read<T>(
    file: &Arc<File>,
    limits: &Limits,
    mut read: impl FnMut(&mut Bolt<'_>) -> Result<T, BoltError>,
) -> Result<T, BoltError> {
    for _ in 0..ATTEMPTS {
        // It may have grown.
        let size = file.metadata()?.len();
        let data = FileRange::new(Arc::clone(file), 0, size);
        let found = Bolt::new(&data, limits).and_then(|mut database| {
            let found = read(&mut database);
            // Also an error may come of a page that has been given to something else.
            if database.is_current() { found.map(Some) } else { Ok(None) }
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(BoltError::Changing)
}

/// The keys of a bucket, wherever they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// From this page on.
    Page(u64),
    /// In one page inside a value.
    Inline(Vec<u8>),
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Bytes.
    Bytes(Vec<u8>),
    /// Further keys.
    Bucket(Bucket),
}

/// The meta page that counts: the valid one of the latest transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meta {
    page_size: u64,
    root: u64,
    /// The first page that is none.
    end: u64,
    transaction: u64,
}

/// A database at one moment.
pub struct Bolt<'a> {
    data: &'a dyn ReadAt,
    meta: Meta,
    limits: &'a Limits,
    /// Pages that were read: those of one state are of one bucket each, and led to once.
    seen: HashSet<u64>,
    /// Bytes of pages that may still be read.
    unread: u64,
    /// Bytes of keys and values that may still be handed out.
    room: u64,
    /// Keys that may still be.
    keys: usize,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    number(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at).map(u64::from_le_bytes)
}

/// FNV-1a, of 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Meta {
    /// The meta page whose page begins at `at`.
    fn at(data: &dyn ReadAt, at: u64) -> io::Result<Option<Self>> {
        let bytes = match data.range(at, PAGE_HEADER + META) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Self::of(&bytes[PAGE_HEADER..]))
    }

    fn of(meta: &[u8]) -> Option<Self> {
        let page_size = u32_at(meta, 8)?;
        let sound = u32_at(meta, 0)? == MAGIC
            && u32_at(meta, 4)? == VERSION
            && (1 << 9..=1 << 16).contains(&page_size)
            && page_size.is_power_of_two()
            && u64_at(meta, 56)? == checksum(&meta[..56]);
        let found = Self {
            page_size: page_size.into(),
            root: u64_at(meta, 16)?,
            end: u64_at(meta, 40)?,
            transaction: u64_at(meta, 48)?,
        };
        sound.then_some(found)
    }

    /// The latest: one is in the first page and one in the second, of a size that only they tell.
    fn latest(data: &dyn ReadAt) -> io::Result<Option<Self>> {
        let first = Self::at(data, 0)?;
        let sizes = match first {
            Some(meta) => vec![meta.page_size],
            None => (9..=16).map(|power| 1 << power).collect(),
        };
        let mut latest = first;
        for size in sizes {
            let second = Self::at(data, size)?.filter(|second| second.page_size == size);
            if second.is_some_and(|second| latest.is_none_or(|latest| second.transaction > latest.transaction)) {
                latest = second;
            }
        }
        Ok(latest)
    }
}

impl<'a> Bolt<'a> {
    /// The database in `data`, as it is now.
    pub fn new(data: &'a dyn ReadAt, limits: &'a Limits) -> Result<Self, BoltError> {
        let meta = Meta::latest(data)?.ok_or(BoltError::Damaged("is no bbolt database with a sound meta page"))?;
        Ok(Self {
            data,
            meta,
            limits,
            seen: HashSet::new(),
            unread: data.size(),
            room: limits.text_file_bytes,
            keys: limits.records,
        })
    }

    /// Whether nothing was written since that could have changed what was read.
    pub fn is_current(&self) -> bool {
        Meta::latest(self.data).is_ok_and(|latest| latest == Some(self.meta))
    }

    /// The bucket that holds all others.
    pub fn root(&self) -> Bucket {
        Bucket::Page(self.meta.root)
    }

    /// The keys of a bucket, in their order. Each bucket of pages can be asked for once.
    pub fn entries(&mut self, bucket: &Bucket) -> Result<Vec<(Vec<u8>, Value)>, BoltError> {
        let mut entries = Vec::new();
        let mut pending = match bucket {
            Bucket::Inline(page) => {
                self.leaf(page, &mut entries)?;
                return Ok(entries);
            }
            Bucket::Page(root) => vec![*root],
        };
        while let Some(id) = pending.pop() {
            let page = self.page(id)?;
            match u16_at(&page, 8) {
                Some(LEAF) => self.leaf(&page, &mut entries)?,
                Some(BRANCH) => {
                    let damaged = || BoltError::Damaged("has a branch that ends in the middle");
                    let from = pending.len();
                    for index in 0..count(&page) {
                        let at = PAGE_HEADER + index * ELEMENT;
                        pending.push(u64_at(&page, at + 8).ok_or_else(damaged)?);
                    }
                    // The first one is taken first.
                    pending[from..].reverse();
                }
                _ => return Err(BoltError::Damaged("has a page of another kind where keys should be")),
            }
        }
        Ok(entries)
    }

    /// The bucket in `outer` that is called `name`.
    pub fn bucket(&mut self, outer: &Bucket, name: &[u8]) -> Result<Option<Bucket>, BoltError> {
        let found = self.entries(outer)?.into_iter().find(|(key, _)| key == name);
        Ok(found.and_then(|(_, value)| if let Value::Bucket(bucket) = value { Some(bucket) } else { None }))
    }

    /// The bytes of the page `id`, with those that belong to it.
    fn page(&mut self, id: u64) -> Result<Vec<u8>, BoltError> {
        let damaged = BoltError::Damaged;
        let Meta { page_size, end, .. } = self.meta;
        if !(2..end).contains(&id) {
            return Err(damaged("leads to a page that it does not have"));
        }
        if !self.seen.insert(id) {
            return Err(damaged("leads to one page twice"));
        }
        let at = id.checked_mul(page_size).ok_or(damaged("leads to a page that it does not have"))?;
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("ends before a page that it leads to"),
            _ => BoltError::Io(error),
        };
        let header = self.data.range(at, PAGE_HEADER).map_err(cut)?;
        if u64_at(&header, 0) != Some(id) {
            return Err(damaged("has another page where it leads to"));
        }
        let beyond = u64::from(u32_at(&header, 12).unwrap_or_default());
        if beyond >= end - id {
            return Err(damaged("has a page that goes beyond its end"));
        }
        let size = (1 + beyond) * page_size;
        if size > self.limits.document_bytes {
            return Err(BoltError::Limit(self.limits.exceeded(LimitKey::DocumentBytes, "bytes of one page")));
        }
        // Pages that lie over each other would be more than the file.
        self.unread = self.unread.checked_sub(size).ok_or(damaged("has pages that lie over each other"))?;
        let page = self.data.range(at, usize::try_from(size).unwrap_or(usize::MAX)).map_err(cut)?;
        Ok(page.into_owned())
    }

    /// Takes in the keys of one page of leaves.
    fn leaf(&mut self, page: &[u8], entries: &mut Vec<(Vec<u8>, Value)>) -> Result<(), BoltError> {
        if u16_at(page, 8) != Some(LEAF) {
            return Err(BoltError::Damaged("has a bucket inside a value that holds no keys"));
        }
        for index in 0..count(page) {
            let at = PAGE_HEADER + index * ELEMENT;
            let element = || {
                let field = |offset| u32_at(page, at + offset).map(|number| number as usize);
                let (start, key, value) = (at.checked_add(field(4)?)?, field(8)?, field(12)?);
                let (middle, end) = (start.checked_add(key)?, start.checked_add(key)?.checked_add(value)?);
                Some((u32_at(page, at)?, page.get(start..middle)?, page.get(middle..end)?))
            };
            let (flags, key, value) =
                element().ok_or(BoltError::Damaged("has a key or a value that lies beyond its page"))?;
            self.keys = self
                .keys
                .checked_sub(1)
                .ok_or_else(|| BoltError::Limit(self.limits.exceeded(LimitKey::Records, "keys")))?;
            // All elements of a page may name the same bytes.
            self.room = self.room.checked_sub((key.len() + value.len()) as u64).ok_or_else(|| {
                BoltError::Limit(self.limits.exceeded(LimitKey::TextFileBytes, "bytes of keys and values"))
            })?;
            let value = if flags & IS_BUCKET == 0 {
                Value::Bytes(value.to_vec())
            } else {
                let damaged = BoltError::Damaged("has a bucket that is cut short");
                match u64_at(value, 0) {
                    Some(0) => Value::Bucket(Bucket::Inline(value.get(BUCKET..).ok_or(damaged)?.to_vec())),
                    Some(root) => Value::Bucket(Bucket::Page(root)),
                    None => return Err(damaged),
                }
            };
            entries.push((key.to_vec(), value));
        }
        Ok(())
    }
}

/// How many elements a page says that it has.
fn count(page: &[u8]) -> usize {
    u16_at(page, 10).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
