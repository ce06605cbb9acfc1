//! The walk itself: header after header, each entry shown to a visitor with its content.

use super::extended::{Extended, PaxSparse};
use super::header::{BLOCK, Header, HeaderError};
use super::sparse::Map;
use crate::path;
use crate::stream::ByteStream;
use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic};
use std::io::{self, Write};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file with its size in bytes, holes included.
    File {
        /// Size in bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink {
        /// Where it points, as written.
        target: String,
    },
    /// Another name for a file of the same archive, by its path from the root.
    Hardlink {
        /// The other path, normalised.
        target: String,
    },
    /// A block or character device.
    Device,
    /// A pipe, or anything else without content.
    Other,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root, normalised, without a leading or trailing slash; empty for the root itself.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Where its stored content starts in the plain archive.
    pub content_offset: u64,
}

/// Receives what a walk meets.
pub trait Visitor<S: ByteStream> {
    /// An entry. Content that is not read is skipped. An error is one of reading the archive and ends
    /// the walk.
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, S>) -> io::Result<()>;

    /// A global extended header with a name of its own, as [`Entry::path`] is. It is no entry, yet containerd and
    /// moby remove what they unpacked at that path before they pass it over.
    fn global_header(&mut self, _path: &str) {}

    /// Something worth saying.
    fn diagnostic(&mut self, diagnostic: Diagnostic);
}

/// The content of the entry that is being visited.
pub struct Content<'a, S> {
    stream: &'a mut S,
    /// Stored bytes that are left.
    left: u64,
    /// Size with holes.
    size: u64,
    map: &'a Map,
}

/// That of a file without holes.
static NO_HOLES: Map = Map::WHOLE;

impl<'a, S: ByteStream> Content<'a, S> {
    /// The next `size` bytes of `stream`, of whatever archive that is one of.
    pub fn of(stream: &'a mut S, size: u64) -> Self {
        Self { stream, left: size, size, map: &NO_HOLES }
    }
}

impl<S: ByteStream> Content<'_, S> {
    /// Up to `max` of the first stored bytes, without moving. `max` is at most
    /// [`ByteStream::LOOK_AHEAD`].
    pub fn head(&mut self, max: usize) -> io::Result<&[u8]> {
        let want = max.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let ahead = self.stream.peek(want)?;
        Ok(&ahead[..ahead.len().min(want)])
    }

    /// The whole content where it fits into the stream's look-ahead and has no holes.
    pub fn buffered(&mut self) -> io::Result<Option<&[u8]>> {
        if !self.map.is_empty() || self.left != self.size || self.left > S::LOOK_AHEAD as u64 {
            return Ok(None);
        }
        let size = self.left as usize;
        let ahead = self.stream.peek(size)?;
        match ahead.get(..size) {
            Some(content) => Ok(Some(content)),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The content at random positions, where the archive is stored plain and the file has no holes.
    pub fn range(&self) -> Option<FileRange> {
        if !self.map.is_empty() || self.left != self.size {
            return None;
        }
        let whole = self.stream.random()?;
        let range = whole.slice(self.stream.position(), self.left);
        (sekisho_base::ReadAt::size(&range) == self.left).then_some(range)
    }

    /// How many stored bytes of the archive have been read, for progress.
    pub fn stored_position(&self) -> u64 {
        self.stream.stored_position()
    }

    /// Writes the whole content, holes as zeros. The inner result is the writer's; the outer one the
    /// archive's.
    pub fn copy_to(&mut self, writer: &mut impl Write) -> io::Result<io::Result<()>> {
        let mut written = 0;
        for segment in self.map.segments() {
            if let Err(error) = write_zeros(writer, segment.offset - written) {
                return Ok(Err(error));
            }
            if let Err(error) = self.copy_stored(writer, segment.len)? {
                return Ok(Err(error));
            }
            written = segment.offset + segment.len;
        }
        if self.map.is_empty() {
            let (stored, size) = (self.left, self.size);
            if let Err(error) = self.copy_stored(writer, stored.min(size))? {
                return Ok(Err(error));
            }
            written = stored;
        }
        Ok(write_zeros(writer, self.size.saturating_sub(written)))
    }

    fn copy_stored(&mut self, writer: &mut impl Write, count: u64) -> io::Result<io::Result<()>> {
        let mut left = count.min(self.left);
        while left > 0 {
            let ahead = self.stream.peek(1)?;
            if ahead.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = ahead.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if let Err(error) = writer.write_all(&ahead[..step]) {
                return Ok(Err(error));
            }
            self.stream.consume(step);
            self.left -= step as u64;
            left -= step as u64;
        }
        Ok(Ok(()))
    }
}

fn write_zeros(writer: &mut impl Write, count: u64) -> io::Result<()> {
    let zeros = [0; 4096];
    let mut left = count;
    while left > 0 {
        let step = left.min(zeros.len() as u64);
        writer.write_all(&zeros[..step as usize])?;
        left -= step;
    }
    Ok(())
}

/// How a walk went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Walk {
    /// Entries shown to the visitor.
    pub entries: u64,
    /// Whether the end of the archive was reached with nothing unread on the way.
    pub complete: bool,
}

/// Walks the archive in `stream`. Every way in which it falls short is a diagnostic to the visitor; the
/// walk goes on after it wherever the next header can still be found.
pub fn walk<S: ByteStream>(stream: &mut S, limits: &Limits, visitor: &mut impl Visitor<S>) -> Walk {
    let mut walker = Walker {
        limits,
        pending: Extended::default(),
        long_name: None,
        long_link: None,
        last_path: String::new(),
        walk: Walk::default(),
    };
    let stop = walker.run(stream, visitor).err();
    let complete = stop.is_none();
    if let Some(stop) = stop {
        // After the last entry, in three ways to say it.
        let (after, up_to, from) = match walker.last_path.as_str() {
            "" => ("at its start".to_owned(), "nothing of it was read".to_owned(), "from its start on".to_owned()),
            path => (format!("after {path}"), format!("read up to the end of {path}"), format!("after {path}")),
        };
        visitor.diagnostic(match stop {
            Stop::Truncated => Diagnostic::incomplete(
                Code::LayerUnreadable,
                format!("the archive ends {after}, in the middle of an entry"),
            ),
            Stop::Header(error) => {
                Diagnostic::incomplete(Code::LayerFormat, format!("a header {after} cannot be read: {error}"))
            }
            Stop::Limit(limit) => Diagnostic::incomplete(Code::LimitExceeded, format!("{limit}; {up_to}")),
            Stop::Read(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<LimitExceeded>()) {
                Some(limit) => Diagnostic::incomplete(Code::LimitExceeded, format!("{limit}; {up_to}")),
                None if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Diagnostic::incomplete(Code::LayerUnreadable, format!("the archive is cut short {after}"))
                }
                None if error.raw_os_error().is_some() => {
                    Diagnostic::incomplete(Code::LayerUnreadable, format!("cannot be read {from}: {error}"))
                }
                None => Diagnostic::incomplete(Code::LayerUnreadable, format!("cannot be inflated {from}: {error}")),
            },
        });
    }
    Walk { complete: complete && walker.walk.complete, ..walker.walk }
}

/// How far behind the end another archive is looked for: more than any writer fills up its last record with.
const AFTER_END: usize = 1 << 20;

enum Stop {
    Truncated,
    Header(HeaderError),
    Limit(LimitExceeded),
    Read(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

struct Walker<'a> {
    limits: &'a Limits,
    /// From the last pax header since the last entry.
    pending: Extended,
    /// From GNU long names since the last entry, which count before pax records.
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    last_path: String,
    walk: Walk,
}

impl Walker<'_> {
    fn run<S: ByteStream>(&mut self, stream: &mut S, visitor: &mut impl Visitor<S>) -> Result<(), Stop> {
        self.walk.complete = true;
        loop {
            let Some(header) = Header::new(stream.peek(BLOCK)?) else {
                // An archive without its end mark is accepted by every reader; a part of a block is not.
                return if stream.peek(1)?.is_empty() { Ok(()) } else { Err(Stop::Truncated) };
            };
            if header.is_zero() {
                stream.consume(BLOCK);
                match Header::new(stream.peek(BLOCK)?) {
                    None => return Ok(()),
                    Some(next) if next.is_zero() => {
                        if Self::goes_on(stream) {
                            let message =
                                "another archive follows the end of this one, where engines and tar stop, too";
                            visitor.diagnostic(Diagnostic::note(Code::LayerFormat, message));
                        }
                        return Ok(());
                    }
                    // Some writers leave a lone zero block between members; readers differ, so look.
                    Some(_) => continue,
                }
            }
            header.verify().map_err(Stop::Header)?;
            let kind = header.kind();
            let size = header.size().map_err(Stop::Header)?;
            if matches!(kind, b'x' | b'X' | b'g' | b'L' | b'K') {
                if kind == b'g' {
                    visitor.global_header(&path::normalize(&header.path()).0);
                }
                stream.consume(BLOCK);
                self.extended(stream, kind, size, visitor)?;
                continue;
            }
            let entry = self.read_entry(stream, size, visitor)?;
            let Some((entry, stored, map)) = entry else { continue };
            self.walk.entries += 1;
            if self.walk.entries > self.limits.entries {
                return Err(Stop::Limit(self.limits.exceeded(LimitKey::Entries, "entries")));
            }
            self.last_path.clone_from(&entry.path);
            let size = if let EntryKind::File { size } = entry.kind { size } else { 0 };
            let start = stream.position();
            visitor.entry(&entry, &mut Content { stream: &mut *stream, left: stored, size, map: &map })?;
            let read = stream.position() - start;
            Self::skip(
                stream,
                stored.next_multiple_of(BLOCK as u64).saturating_sub(read),
                stored.saturating_sub(read),
            )?;
        }
    }

    /// Whether an entry follows the end, which is where readers stop unless they are told otherwise. An error here is met
    /// again by who reads on for the digest.
    fn goes_on<S: ByteStream>(stream: &mut S) -> bool {
        for _ in 0..AFTER_END / BLOCK {
            match stream.peek(BLOCK).map(Header::new) {
                Ok(Some(header)) if header.is_zero() => {}
                Ok(Some(header)) => return header.verify().is_ok(),
                Ok(None) | Err(_) => return false,
            }
            stream.consume(BLOCK);
        }
        false
    }

    /// Skips `padded` bytes, of which the last entry of an archive may lack the padding after `needed`.
    fn skip<S: ByteStream>(stream: &mut S, padded: u64, needed: u64) -> Result<(), Stop> {
        if stream.skip(padded)? < needed { Err(Stop::Truncated) } else { Ok(()) }
    }

    /// Takes in a pax header or a GNU long name.
    fn extended<S: ByteStream>(
        &mut self,
        stream: &mut S,
        kind: u8,
        size: u64,
        visitor: &mut impl Visitor<S>,
    ) -> Result<(), Stop> {
        let padded = size.checked_next_multiple_of(BLOCK as u64).ok_or(Stop::Header(HeaderError::Size))?;
        if size > self.limits.tar_header_bytes {
            self.walk.complete = false;
            visitor.diagnostic(Diagnostic::incomplete(
                Code::LimitExceeded,
                format!(
                    "an extended header of {size} bytes after {:?} is passed over: {}",
                    self.last_path,
                    self.limits.exceeded(LimitKey::TarHeaderBytes, "bytes")
                ),
            ));
            return Self::skip(stream, padded, size);
        }
        let mut bytes = Vec::with_capacity(size as usize);
        while (bytes.len() as u64) < size {
            let ahead = stream.peek(1)?;
            let step = ahead.len().min(size as usize - bytes.len());
            if step == 0 {
                return Err(Stop::Truncated);
            }
            bytes.extend_from_slice(&ahead[..step]);
            stream.consume(step);
        }
        Self::skip(stream, padded - size, 0)?;
        // What unpacks images ignores global headers. One that renamed or resized all that follows would show
        // something else than what runs, and would be copied for each entry.
        let mut global = Extended::default();
        let name = || Some(super::header::until_nul(&bytes).to_vec()).filter(|name| !name.is_empty());
        let sound = match kind {
            b'L' => {
                self.long_name = name();
                true
            }
            b'K' => {
                self.long_link = name();
                true
            }
            b'g' => {
                // What came before it is for a next entry that it parts from.
                self.pending = Extended::default();
                self.long_name = None;
                self.long_link = None;
                global.read(&bytes)
            }
            _ => {
                self.pending = Extended::default();
                self.pending.read(&bytes)
            }
        };
        if !sound {
            self.walk.complete = false;
            visitor.diagnostic(Diagnostic::incomplete(
                Code::LayerFormat,
                format!("a record of an extended header after {:?} is malformed", self.last_path),
            ));
        }
        if global != Extended::default() {
            self.walk.complete = false;
            visitor.diagnostic(Diagnostic::incomplete(
                Code::LayerFormat,
                format!("a global header after {:?} describes single files, which is ignored", self.last_path),
            ));
        }
        Ok(())
    }

    /// Reads the header at the front of the stream and moves to its content. Returns the entry, how
    /// many bytes are stored for it, and which parts of a sparse file they are.
    fn read_entry<S: ByteStream>(
        &mut self,
        stream: &mut S,
        size: u64,
        visitor: &mut impl Visitor<S>,
    ) -> Result<Option<(Entry, u64, Map)>, Stop> {
        let mut extended = std::mem::take(&mut self.pending);
        let (long_name, long_link) = (self.long_name.take(), self.long_link.take());
        let Some(header) = Header::new(stream.peek(BLOCK)?) else { return Err(Stop::Truncated) };
        let kind = header.kind();
        let mode = header.mode();
        if !extended.sparse.is_known() {
            extended.sparse = PaxSparse::default();
        }
        let name = long_name.or(extended.path).unwrap_or_else(|| header.path());
        // Go decides by the name that a sparse file's own has not replaced yet.
        let directory_name = name.ends_with(b"/");
        let name = extended.sparse.name.take().unwrap_or(name);
        let link = long_link.or(extended.link).unwrap_or_else(|| header.link());
        let mut gnu_sparse = None;
        if kind == b'S' {
            gnu_sparse = Some((
                header.field(386, 96).to_vec(),
                header.field(482, 1)[0] != 0,
                super::header::number(header.field(483, 12)),
            ));
        }
        let mut stored = extended.size.unwrap_or(size);
        if stored > i64::MAX as u64 - BLOCK as u64 {
            return Err(Stop::Header(HeaderError::Size));
        }
        stream.consume(BLOCK);

        let (path, sound) = path::normalize(&name);
        if !sound {
            visitor.diagnostic(
                Diagnostic::note(Code::PathSuspicious, "the entry's path leaves the root").at(path.clone()),
            );
        }
        if extended.overlay {
            self.walk.complete = false;
            visitor.diagnostic(
                Diagnostic::incomplete(
                    Code::LayerFormat,
                    "an attribute tells overlay file systems to hide or move what lower layers hold; it is not followed",
                )
                .at(path.clone()),
            );
        }
        if path.len() > self.limits.path_bytes || path.matches('/').count() >= self.limits.path_depth {
            self.walk.complete = false;
            let start: String = path.chars().take(80).collect();
            visitor.diagnostic(
                Diagnostic::incomplete(
                    Code::LimitExceeded,
                    "the path is longer or deeper than the limits allow (limits.path_bytes, limits.path_depth)",
                )
                .at(format!("{start}…")),
            );
            Self::skip(stream, stored.next_multiple_of(BLOCK as u64), stored)?;
            return Ok(None);
        }
        if matches!(kind, b'1' | b'2') && link.len() > self.limits.path_bytes {
            self.walk.complete = false;
            let message = "is a link to a path longer than the limit (limits.path_bytes)";
            visitor.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(path));
            return Ok(None);
        }

        let mut map = Map::default();
        let flag = kind;
        let kind = match flag {
            b'1' => EntryKind::Hardlink { target: path::normalize(&link).0 },
            b'2' => EntryKind::Symlink { target: path::text(&link) },
            b'3' | b'4' => EntryKind::Device,
            b'6' => EntryKind::Other,
            b'5' | b'D' => EntryKind::Directory,
            b'V' | b'M' | b'N' => {
                Self::skip(stream, stored.next_multiple_of(BLOCK as u64), stored)?;
                return Ok(None);
            }
            b'S' => match Self::gnu_sparse(stream, gnu_sparse)? {
                Some((gnu, size)) => {
                    map = gnu;
                    EntryKind::File { size }
                }
                None => return self.broken_sparse(stream, stored, &path, visitor),
            },
            // V7 knew directories by their trailing slash only.
            b'\0' if directory_name => EntryKind::Directory,
            // POSIX: an unknown type is a regular file.
            _ => match pax_sparse(stream, &extended.sparse, &mut stored)? {
                Some((pax, size)) => {
                    map = pax;
                    EntryKind::File { size: size.unwrap_or(stored) }
                }
                None => return self.broken_sparse(stream, stored, &path, visitor),
            },
        };
        // Links, devices and directories have no content, whatever their size field says: what follows is the
        // next header. GNU's directories of incremental archives have.
        if !matches!(kind, EntryKind::File { .. }) && flag != b'D' {
            stored = 0;
        }
        // A map that leads beyond the file would give it more content than its size says.
        if map.stored() > stored || matches!(kind, EntryKind::File { size } if map.end() > size) {
            return self.broken_sparse(stream, stored, &path, visitor);
        }
        Ok(Some((Entry { path, kind, mode, content_offset: stream.position() }, stored, map)))
    }

    fn broken_sparse<S: ByteStream>(
        &mut self,
        stream: &mut S,
        stored: u64,
        path: &str,
        visitor: &mut impl Visitor<S>,
    ) -> Result<Option<(Entry, u64, Map)>, Stop> {
        self.walk.complete = false;
        visitor.diagnostic(
            Diagnostic::incomplete(Code::LayerFormat, "the map of a sparse file is malformed").at(path.to_owned()),
        );
        Self::skip(stream, stored.next_multiple_of(BLOCK as u64), stored)?;
        Ok(None)
    }

    /// Reads the map of an old GNU sparse file, which goes on in blocks after the header.
    fn gnu_sparse<S: ByteStream>(
        stream: &mut S,
        fields: Option<(Vec<u8>, bool, Option<u64>)>,
    ) -> Result<Option<(Map, u64)>, Stop> {
        let Some((pairs, mut more, Some(real_size))) = fields else { return Ok(None) };
        let mut map = Map::default();
        let mut sound = map.push_gnu(&pairs);
        while more {
            let block = stream.peek(BLOCK)?;
            let Some(block) = block.first_chunk::<BLOCK>() else { return Err(Stop::Truncated) };
            sound = sound && map.push_gnu(&block[..504]);
            more = block[504] != 0;
            stream.consume(BLOCK);
        }
        Ok(sound.then_some((map, real_size)))
    }
}

/// The map of a pax sparse file, and its real size; an empty map for an ordinary file. `stored` is
/// lessened by a map that lies in the content. `None` when it is malformed.
fn pax_sparse<S: ByteStream>(
    stream: &mut S,
    sparse: &PaxSparse,
    stored: &mut u64,
) -> Result<Option<(Map, Option<u64>)>, Stop> {
    if !sparse.map_in_content() {
        return Ok(Some((sparse.map.clone(), sparse.real_size)));
    }
    let mut want = BLOCK;
    loop {
        let limit = usize::try_from(*stored).unwrap_or(usize::MAX).min(S::LOOK_AHEAD);
        let ahead = stream.peek(want.min(limit))?;
        let content = &ahead[..ahead.len().min(want.min(limit))];
        match Map::from_content(content) {
            Some(Ok((map, taken))) if taken as u64 <= *stored => {
                let taken = stream.skip(taken as u64)?;
                *stored -= taken;
                return Ok(Some((map, sparse.real_size)));
            }
            Some(Err(more)) if content.len() == want && want < limit => want = more.min(limit),
            _ => return Ok(None),
        }
    }
}
