//! The outer tar of an image: an index from path to the place of the file in the archive.

use super::{Blobs, ImageError};
use crate::path;
use crate::stream::SeekStream;
use crate::tar::{Content, Entry, EntryKind, Visitor, walk};
use sekisho_base::bytes::FileRange;
use sekisho_base::hash::{self, HashingReader};
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::LimitExceeded;
use sekisho_base::spool::SpillQuota;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Level};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

/// Inflates an archive that is compressed as a whole into a temporary file without a name; returns any
/// other as it is.
pub(super) fn plain(stored: FileRange, limits: &Limits, quota: &Arc<SpillQuota>) -> Result<FileRange, ImageError> {
    let unreadable = |source: io::Error| match source.get_ref().and_then(|inner| inner.downcast_ref::<LimitExceeded>())
    {
        Some(limit) => ImageError::InflatesTooFar { limit: *limit },
        None if source.raw_os_error().is_some() => ImageError::Io { what: "it".to_owned(), source },
        None => ImageError::Inflate { reason: source.to_string() },
    };
    let no_room = |source: io::Error| ImageError::Temporary { directory: quota.directory().to_owned(), source };
    let mut head = [0; Compression::HEAD];
    let seen = stored.read_at(0, &mut head).map_err(unreadable)?;
    let compression = Compression::detect(&head[..seen]);
    if compression == Compression::None {
        return match Compression::unread(&head[..seen]) {
            Some(form) => Err(ImageError::Unknown {
                reason: format!("it is compressed with {form}, which is not read"),
                hint: Some("use gzip, zstd, xz or none"),
            }),
            None => Ok(stored),
        };
    }
    let reader = HashingReader::new(stored.reader(), 1 << 17);
    let mut inflate = Inflate::new(reader, compression, stored.size(), limits).map_err(unreadable)?;
    let mut spill = quota.file().map_err(no_room)?;
    let mut piece = vec![0; 1 << 17];
    loop {
        match hash::read_retrying(&mut inflate, &mut piece).map_err(unreadable)? {
            0 => return Ok(spill.into_range()),
            count => spill.append(&piece[..count]).map_err(no_room)?,
        }
    }
}

/// Where the files of a tar lie.
#[derive(Debug)]
pub(super) struct Archive {
    whole: FileRange,
    files: HashMap<String, (u64, u64)>,
    links: HashMap<String, String>,
    /// Directories and what else has neither content nor a target.
    others: HashSet<String>,
    /// Bytes of files that were compared with others of their name.
    compared: u64,
    damage: Option<Diagnostic>,
}

/// An image archive has a few entries for each layer; more than this is something else.
const MAX_ENTRIES: u64 = 100_000;
/// Paths of blobs and of old layers have about eighty bytes.
const MAX_PATH_BYTES: usize = 512;
/// Docker linked a repeated layer to the first once; longer chains are a loop.
const MAX_LINKS: usize = 8;
/// Some writers repeat a layer that an image refers to twice; more bytes than this are not compared to see that.
const MAX_COMPARED: u64 = 4 << 30;

impl Archive {
    /// Reads the headers of the tar in `whole`; says why when it is none.
    pub(super) fn read(whole: FileRange, limits: &Limits) -> Result<Self, String> {
        let mut index = Self {
            whole: whole.clone(),
            files: HashMap::new(),
            links: HashMap::new(),
            others: HashSet::new(),
            compared: 0,
            damage: None,
        };
        let limits = Limits { entries: MAX_ENTRIES, path_bytes: MAX_PATH_BYTES, ..limits.clone() };
        let walked = walk(&mut SeekStream::new(whole), &limits, &mut index);
        match (walked.entries, &index.damage) {
            (0, Some(_)) => Err("it is not a tar archive".to_owned()),
            (0, None) => Err("it is empty".to_owned()),
            _ => Ok(index),
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// What kept the archive from being read to its end.
    pub(super) fn damage(&self) -> Option<&Diagnostic> {
        self.damage.as_ref()
    }

    fn doubt(&mut self, entry: &Entry, message: &str) {
        let doubt = Diagnostic::incomplete(Code::ImageInvalid, message).at(entry.path.as_str());
        self.damage.get_or_insert(doubt);
    }

    /// Tells of a second entry of one path, unless both hold the same: some engines take the first, others the
    /// last, and few compare what they take with the digest in its name.
    fn doubt_second(&mut self, entry: &Entry) -> io::Result<()> {
        let path = entry.path.as_str();
        let directory = entry.kind == EntryKind::Directory;
        let same = match (self.files.get(path), &entry.kind) {
            (Some(&(offset, size)), EntryKind::File { size: new }) if size == *new => {
                self.compared = self.compared.saturating_add(size);
                let slice = |at| self.whole.slice(at, size);
                self.compared <= MAX_COMPARED && equal(&slice(offset), &slice(entry.content_offset))?
            }
            (Some(_), _) => false,
            (None, _) => !self.links.contains_key(path) && (directory || !self.others.contains(path)),
        };
        // The root may be told of as often as anyone likes.
        if !same && !path.is_empty() {
            self.doubt(entry, "is in the archive twice, and engines take one or the other");
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Option<FileRange> {
        let mut path = path::normalize(path.as_bytes()).0;
        for _ in 0..MAX_LINKS {
            if let Some((offset, size)) = self.files.get(&path) {
                let range = self.whole.slice(*offset, *size);
                return (range.size() == *size).then_some(range);
            }
            path.clone_from(self.links.get(&path)?);
        }
        None
    }
}

impl Visitor<SeekStream> for Archive {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, SeekStream>) -> io::Result<()> {
        self.doubt_second(entry)?;
        match &entry.kind {
            // The last entry of a name counts, as when the archive is extracted.
            EntryKind::File { size } => {
                self.links.remove(&entry.path);
                if content.range().is_some() || *size == 0 {
                    self.files.insert(entry.path.clone(), (entry.content_offset, *size));
                } else {
                    self.files.remove(&entry.path);
                    self.others.insert(entry.path.clone());
                }
                let mut above = path::parent(&entry.path);
                while let Some(directory) = above {
                    if self.links.contains_key(directory) {
                        self.doubt(entry, "lies behind a link of the archive, through which some engines would write");
                        break;
                    }
                    above = path::parent(directory);
                }
            }
            EntryKind::Symlink { target } => {
                self.files.remove(&entry.path);
                self.links.insert(entry.path.clone(), path::resolve(&entry.path, target));
            }
            EntryKind::Hardlink { target } => {
                self.files.remove(&entry.path);
                self.links.insert(entry.path.clone(), target.clone());
            }
            EntryKind::Directory | EntryKind::Device | EntryKind::Other => {
                self.others.insert(entry.path.clone());
            }
        }
        Ok(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        if diagnostic.level == Level::Incomplete {
            self.damage.get_or_insert(diagnostic);
        }
    }
}

/// Whether two parts of the archive of one size hold the same bytes.
fn equal(one: &FileRange, other: &FileRange) -> io::Result<bool> {
    const PIECE: usize = 1 << 17;
    let (mut a, mut b) = (vec![0; PIECE], vec![0; PIECE]);
    let mut at = 0;
    loop {
        let (seen, other_seen) = (one.read_at(at, &mut a)?, other.read_at(at, &mut b)?);
        if seen != other_seen || a[..seen] != b[..seen] {
            return Ok(false);
        }
        if seen == 0 {
            return Ok(true);
        }
        at += seen as u64;
    }
}

impl Blobs for Archive {
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError> {
        Ok(self.find(path))
    }
}
