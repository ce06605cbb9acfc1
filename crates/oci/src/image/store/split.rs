//! A layer that was unpacked, put together again: headers and padding are kept beside the tree of its files, in the form of
//! tar-split (<https://github.com/vbatts/tar-split/blob/main/tar/storage/entry.go>), so that what comes out is the archive
//! as it was, byte for byte, and has the diffID that the image states. That is also how podman pushes an image.

use crate::path;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::{FileRange, FileRangeReader};
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::LimitKey;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic};
use serde::Deserialize;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An unpacked layer. Nothing of it is open.
#[derive(Debug, Clone)]
pub struct SplitLayer {
    store: Arc<Directory>,
    tree: PathBuf,
    split: PathBuf,
    size: u64,
}

impl SplitLayer {
    /// The layer in `store` whose files are in `tree` and the rest of whose archive is in `split`, both below the root of the
    /// store, which says that the archive had `size` bytes.
    pub fn new(store: Arc<Directory>, tree: PathBuf, split: PathBuf, size: u64) -> Self {
        Self { store, tree, split, size }
    }

    /// How many bytes the archive had, as the store has it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The archive from its start. Files are opened without following a link in any component.
    pub fn reader(&self, limits: &Limits) -> io::Result<SplitReader> {
        let split = self.store.file(&self.split)?;
        let size = split.metadata()?.len();
        let range = FileRange::new(Arc::new(split), 0, size);
        let mut head = [0; Compression::HEAD];
        let seen = range.read_at(0, &mut head)?;
        let stored = BufReader::new(range.reader());
        let lines = Inflate::new(stored, Compression::detect(&head[..seen]), size, limits)?;
        Ok(SplitReader {
            lines: BufReader::with_capacity(1 << 16, lines),
            line: Vec::new(),
            tree: self.store.directory(&self.tree)?,
            last: None,
            now: Piece::Bytes(Vec::new(), 0),
            produced: 0,
            limits: limits.clone(),
            told: Vec::new(),
        })
    }
}

/// One line: bytes of the archive, or a file whose content comes next. Other fields are a checksum and a number.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    /// A name that is no text, in base64.
    #[serde(borrow, default)]
    name_raw: Option<Cow<'a, str>>,
    #[serde(default)]
    size: u64,
    #[serde(borrow, default)]
    payload: Option<Cow<'a, str>>,
}

const FILE: u8 = 1;
const SEGMENT: u8 = 2;

/// What is handed out at the moment.
enum Piece {
    /// Bytes, of which so many are gone.
    Bytes(Vec<u8>, usize),
    /// This many bytes of a file, from this one on.
    File { file: File, at: u64, left: u64 },
    /// Zeros in the place of what is not there.
    Zeros(u64),
}

/// More than this is not said of one layer.
const MOST_TOLD: usize = 20;

/// The archive of an unpacked layer, front to back.
pub struct SplitReader {
    lines: BufReader<Inflate<BufReader<FileRangeReader>>>,
    line: Vec<u8>,
    tree: Directory,
    /// The directory that a file was opened in last: files of one follow each other.
    last: Option<(PathBuf, Directory)>,
    now: Piece,
    produced: u64,
    limits: Limits,
    told: Vec<Diagnostic>,
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

impl SplitReader {
    /// What was met on the way. Zeros stand in the place of what is not there, so that the digest is another one too.
    pub fn told(self) -> Vec<Diagnostic> {
        self.told
    }

    /// Goes on to the next piece; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        let most = self.limits.text_file_bytes;
        self.line.clear();
        (&mut self.lines).take(most + 1).read_until(b'\n', &mut self.line)?;
        if self.line.len() as u64 > most {
            return Err(self
                .limits
                .exceeded(LimitKey::TextFileBytes, "bytes of one record of an unpacked layer")
                .into());
        }
        if self.line.trim_ascii().is_empty() {
            return Ok(!self.line.is_empty());
        }
        let line = std::mem::take(&mut self.line);
        let entry: Entry<'_> = serde_json::from_slice(&line)
            .map_err(|error| invalid(format!("its record in the store {}", sekisho_model::json_reason(&error))))?;
        let decode = |text: &str| {
            BASE64_STANDARD
                .decode(text)
                .map_err(|_| invalid("its record in the store has bytes that are not in base64"))
        };
        match entry.kind {
            SEGMENT => self.now = Piece::Bytes(decode(entry.payload.as_deref().unwrap_or_default())?, 0),
            FILE if entry.size == 0 => {}
            FILE => {
                let name = match (&entry.name, &entry.name_raw) {
                    (_, Some(raw)) if !raw.is_empty() => decode(raw)?,
                    (Some(name), _) => name.as_bytes().to_vec(),
                    (None, _) => return Err(invalid("its record in the store has a file without a name")),
                };
                self.now = self.open(&name, entry.size);
            }
            _ => return Err(invalid("its record in the store has an entry of an unknown kind")),
        }
        self.line = line;
        Ok(true)
    }

    /// The content of a file, as much as the archive had.
    fn open(&mut self, name: &[u8], size: u64) -> Piece {
        let path: PathBuf =
            name.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(OsStr::from_bytes).collect();
        let opened = self.file(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((found, file)) if found == size => Piece::File { file, at: 0, left: size },
            Ok((found, _)) => {
                self.tell(name, format!("has {found} bytes in the store, and {size} in the layer that was unpacked"));
                Piece::Zeros(size)
            }
            Err(error) => {
                self.tell(name, format!("is in the layer, and cannot be read in the store: {error}"));
                Piece::Zeros(size)
            }
        }
    }

    fn file(&mut self, path: &Path) -> io::Result<File> {
        let name = Path::new(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        let parent = path.parent().unwrap_or(Path::new(""));
        match &self.last {
            Some((last, directory)) if last == parent => directory.file(name),
            _ => {
                let directory = self.tree.directory(parent)?;
                let file = directory.file(name);
                self.last = Some((parent.to_owned(), directory));
                file
            }
        }
    }

    fn tell(&mut self, name: &[u8], message: String) {
        if self.told.len() < MOST_TOLD {
            let path = path::normalize(name).0;
            self.told.push(Diagnostic::incomplete(Code::FileUnreadable, message).at(path));
        }
    }
}

impl Read for SplitReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match &mut self.now {
                Piece::Bytes(bytes, gone) => {
                    let count = buf.len().min(bytes.len() - *gone);
                    buf[..count].copy_from_slice(&bytes[*gone..*gone + count]);
                    *gone += count;
                    count
                }
                Piece::File { left: 0, .. } => 0,
                Piece::File { file, at, left } => {
                    let most = buf.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let count = file.read_at(&mut buf[..most], *at)?;
                    *at += count as u64;
                    *left -= count as u64;
                    if count == 0 {
                        // It was cut while it was read; the digest will say so.
                        self.now = Piece::Zeros(*left);
                        continue;
                    }
                    count
                }
                Piece::Zeros(left) => {
                    let count = buf.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    buf[..count].fill(0);
                    *left -= count as u64;
                    count
                }
            };
            if count > 0 {
                self.produced += count as u64;
                if self.produced > self.limits.inflated_bytes {
                    return Err(self.limits.exceeded(LimitKey::InflatedBytes, "bytes of one unpacked layer").into());
                }
                return Ok(count);
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
