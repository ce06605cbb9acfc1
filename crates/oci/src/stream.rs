//! Reading a tar archive front to back: from stored bytes through hash and inflater into one buffer.
//!
//! [`LayerStream`] passes every byte once, hashes both forms on the way and never seeks;
//! [`SeekStream`] jumps over content and hashes nothing, for the outer archive of an image.

use crate::image::SplitReader;
use sekisho_base::bytes::{FileRange, FileRangeReader};
use sekisho_base::hash::{self, HashingReader, Sha256};
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::Deadline;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Diagnostic, Digest};
use std::io;

/// Plain bytes, front to back, with look-ahead.
pub trait ByteStream {
    /// At least `min` bytes ahead, or all that are left when the stream ends before. `min` is at most
    /// [`ByteStream::LOOK_AHEAD`].
    fn peek(&mut self, min: usize) -> io::Result<&[u8]>;

    /// Moves past `count` bytes that were peeked.
    fn consume(&mut self, count: usize);

    /// Moves past `count` bytes; returns how many there were, fewer at the end of the stream.
    fn skip(&mut self, count: u64) -> io::Result<u64>;

    /// How many bytes have been moved past.
    fn position(&self) -> u64;

    /// How many stored bytes have been read, for progress.
    fn stored_position(&self) -> u64;

    /// The stream's bytes at random positions, where they are stored plain.
    fn random(&self) -> Option<&FileRange>;

    /// The largest look-ahead that every stream supports.
    const LOOK_AHEAD: usize = 256 * 1024;
}

/// A buffer that is filled at its end and emptied from its start.
#[derive(Debug)]
struct Window {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Window {
    fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into_boxed_slice(), start: 0, end: 0 }
    }

    fn ahead(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Makes room for at least `min` bytes in all and returns the free part.
    fn room(&mut self, min: usize) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.start + min > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    fn consume(&mut self, count: usize) -> usize {
        let count = count.min(self.end - self.start);
        self.start += count;
        count
    }
}

enum Input {
    Plain(FileRangeReader),
    Split(Box<SplitReader>),
    Packed(Inflate<HashingReader<FileRangeReader>>),
}

/// What is known of a layer once it has been read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerEnd {
    /// Digest of the stored bytes; `None` when they were not read to their end.
    pub digest: Option<Digest>,
    /// How many stored bytes were read.
    pub stored_bytes: u64,
    /// Digest of the plain bytes, or why they could not all be had.
    pub plain: Result<Digest, String>,
    /// How many plain bytes came out.
    pub plain_bytes: u64,
    /// What of an unpacked layer was not as it was.
    pub diagnostics: Vec<Diagnostic>,
}

/// The plain bytes of a layer, each passed once and hashed in both forms.
pub struct LayerStream {
    /// Where the bytes lie as they are.
    stored: Option<FileRange>,
    deadline: Deadline,
    compression: Compression,
    input: Input,
    window: Window,
    hasher: Sha256,
    produced: u64,
    consumed: u64,
    failed: Option<String>,
}

/// Room for a full look-ahead and a good piece more, so that little has to be moved.
const WINDOW: usize = 2 * <LayerStream as ByteStream>::LOOK_AHEAD;
/// Stored bytes are read in pieces of this size.
const STORED_PIECE: usize = 128 * 1024;

impl LayerStream {
    /// Opens the layer stored in `stored`; its form is told by its first bytes. Reading fails once the
    /// deadline is over.
    pub fn new(stored: FileRange, limits: &Limits, deadline: Deadline) -> io::Result<Self> {
        let mut head = [0; Compression::HEAD];
        let seen = stored.read_at(0, &mut head)?;
        let compression = Compression::detect(&head[..seen]);
        let input = match compression {
            Compression::None => Input::Plain(stored.reader()),
            Compression::Gzip | Compression::Zstd | Compression::Zlib | Compression::Xz => {
                let reader = HashingReader::new(stored.reader(), STORED_PIECE);
                Input::Packed(Inflate::new(reader, compression, stored.size(), limits)?)
            }
        };
        let stored = (compression == Compression::None).then_some(stored);
        Ok(Self::of(input, compression, stored, deadline))
    }

    /// The layer that `reader` puts together.
    pub fn of_split(reader: SplitReader, deadline: Deadline) -> Self {
        Self::of(Input::Split(Box::new(reader)), Compression::None, None, deadline)
    }

    fn of(input: Input, compression: Compression, stored: Option<FileRange>, deadline: Deadline) -> Self {
        Self {
            stored,
            deadline,
            compression,
            input,
            window: Window::new(WINDOW),
            hasher: Sha256::new(),
            produced: 0,
            consumed: 0,
            failed: None,
        }
    }

    /// How the layer is stored.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    fn fill(&mut self, min: usize) -> io::Result<usize> {
        let room = self.window.room(min);
        let read = self.deadline.check().map_err(io::Error::from).and_then(|()| match &mut self.input {
            Input::Plain(reader) => hash::read_retrying(reader, room),
            Input::Split(reader) => hash::read_retrying(reader, room),
            Input::Packed(inflate) => hash::read_retrying(inflate, room),
        });
        match read {
            Ok(count) => {
                self.hasher.update(&room[..count]);
                self.window.end += count;
                self.produced += count as u64;
                Ok(count)
            }
            Err(error) => {
                self.failed = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Reads whatever is left, so that both digests cover all bytes.
    ///
    /// That the bytes do not inflate to the end is part of the result, since the digest of the stored
    /// ones can be told all the same; an error is one of reading those.
    pub fn finish(mut self) -> io::Result<LayerEnd> {
        while self.failed.is_none() {
            self.window.start = self.window.end;
            if matches!(self.fill(1), Ok(0)) {
                break;
            }
        }
        let whole = Digest::from(self.hasher.finish());
        let plain = self.failed.map_or(Ok(whole), Err);
        let mut diagnostics = Vec::new();
        let (digest, stored_bytes) = match self.input {
            Input::Plain(_) => (plain.as_ref().ok().copied(), self.produced),
            Input::Split(reader) => {
                diagnostics = reader.told();
                (plain.as_ref().ok().copied(), self.produced)
            }
            Input::Packed(inflate) => {
                let stored = inflate.into_inner();
                if self.deadline.check().is_err() {
                    (None, stored.consumed())
                } else {
                    let (digest, count) = stored.finish()?;
                    (Some(Digest::from(digest)), count)
                }
            }
        };
        Ok(LayerEnd { digest, stored_bytes, plain, plain_bytes: self.produced, diagnostics })
    }
}

impl ByteStream for LayerStream {
    fn peek(&mut self, min: usize) -> io::Result<&[u8]> {
        if self.failed.is_some() && self.window.ahead().len() < min {
            return Ok(self.window.ahead());
        }
        while self.window.ahead().len() < min {
            if self.fill(min)? == 0 {
                break;
            }
        }
        Ok(self.window.ahead())
    }

    fn consume(&mut self, count: usize) {
        self.consumed += self.window.consume(count) as u64;
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let ahead = self.peek(1)?.len();
            if ahead == 0 {
                break;
            }
            let step = ahead.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        Ok(count - left)
    }

    fn position(&self) -> u64 {
        self.consumed
    }

    fn stored_position(&self) -> u64 {
        match &self.input {
            Input::Plain(_) | Input::Split(_) => self.produced,
            Input::Packed(inflate) => inflate.get_ref().consumed(),
        }
    }

    fn random(&self) -> Option<&FileRange> {
        self.stored.as_ref()
    }
}

/// A plain file read front to back that jumps over what is skipped.
#[derive(Debug)]
pub struct SeekStream {
    file: FileRange,
    window: Window,
    position: u64,
}

impl SeekStream {
    /// A stream over `file` from its start.
    pub fn new(file: FileRange) -> Self {
        Self { file, window: Window::new(WINDOW), position: 0 }
    }
}

impl ByteStream for SeekStream {
    fn peek(&mut self, min: usize) -> io::Result<&[u8]> {
        while self.window.ahead().len() < min {
            // Headers are met one at a time between large contents: a small read is the right one.
            let offset = self.position + self.window.ahead().len() as u64;
            let missing = (min - self.window.ahead().len()).max(4096);
            let room = self.window.room(min);
            let piece = room.len().min(missing);
            let count = self.file.read_at(offset, &mut room[..piece])?;
            if count == 0 {
                break;
            }
            self.window.end += count;
        }
        Ok(self.window.ahead())
    }

    fn consume(&mut self, count: usize) {
        self.position += self.window.consume(count) as u64;
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let count = count.min(self.file.size().saturating_sub(self.position));
        let buffered = self.window.consume(usize::try_from(count).unwrap_or(usize::MAX));
        if (buffered as u64) < count {
            self.window.start = self.window.end;
        }
        self.position += count;
        Ok(count)
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn stored_position(&self) -> u64 {
        self.position
    }

    fn random(&self) -> Option<&FileRange> {
        Some(&self.file)
    }
}
