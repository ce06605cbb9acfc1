//! Walking a cpio archive of the new form, as packages of rpm hold one (cpio(5), "New ASCII Format";
//! `lib/cpio.c` of rpm).
//!
//! A file with several names has its content behind the last of them; the others come before and are empty. They are
//! shown as hard links once that is known. rpm has a form of its own for files of more than 4 GB, which gives neither
//! names nor sizes; it is not read.

use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::path;
use sekisho_oci::stream::{ByteStream, LayerStream};
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, Walk};
use std::collections::HashMap;
use std::io;

const HEADER: usize = 110;
const END: &[u8] = b"TRAILER!!!";

/// Walks the archive in `stream`; see [`sekisho_oci::tar::walk`].
pub(crate) fn walk(stream: &mut LayerStream, limits: &Limits, visitor: &mut impl Visitor<LayerStream>) -> Walk {
    let mut walker = Walker { limits, entries: 0, last_path: String::new(), complete: true, named: HashMap::new() };
    let stop = walker.run(stream, visitor).err();
    let complete = stop.is_none() && walker.complete;
    if let Some(stop) = stop {
        let after = match walker.last_path.as_str() {
            "" => "at its start".to_owned(),
            path => format!("after {path}"),
        };
        visitor.diagnostic(match stop {
            Stop::Truncated => {
                Diagnostic::incomplete(Code::LayerUnreadable, format!("the archive is cut short {after}"))
            }
            Stop::Form(what) => Diagnostic::incomplete(Code::LayerFormat, format!("a header {after} {what}")),
            Stop::Limit(limit) => Diagnostic::incomplete(Code::LimitExceeded, format!("{limit}, {after}")),
            Stop::Read(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<LimitExceeded>()) {
                Some(limit) => Diagnostic::incomplete(Code::LimitExceeded, format!("{limit}, {after}")),
                None => Diagnostic::incomplete(Code::LayerUnreadable, format!("cannot be read {after}: {error}")),
            },
        });
    }
    Walk { entries: walker.entries, complete }
}

enum Stop {
    Truncated,
    Form(&'static str),
    Limit(LimitExceeded),
    Read(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_none() {
            Self::Truncated
        } else {
            Self::Read(error)
        }
    }
}

/// The numbers of a header that are used.
struct Header {
    inode: (u64, u64, u64),
    mode: u64,
    links: u64,
    size: u64,
    name_size: u64,
}

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Result<Self, Stop> {
        match &bytes[..6] {
            b"070701" | b"070702" => {}
            b"07070X" => return Err(Stop::Form("is of the form for files of more than 4 GB, which is not read")),
            _ => return Err(Stop::Form("is none of cpio")),
        }
        let mut fields = [0_u64; 13];
        for (field, digits) in fields.iter_mut().zip(bytes[6..].as_chunks::<8>().0) {
            for digit in digits {
                let value = char::from(*digit).to_digit(16).ok_or(Stop::Form("has a number that is none"))?;
                *field = *field << 4 | u64::from(value);
            }
        }
        let [ino, mode, _, _, links, _, size, major, minor, _, _, name_size, _] = fields;
        Ok(Self { inode: (major, minor, ino), mode, links, size, name_size })
    }
}

struct Walker<'a> {
    limits: &'a Limits,
    entries: u64,
    last_path: String,
    complete: bool,
    /// Empty names of files whose content may follow.
    named: HashMap<(u64, u64, u64), Vec<Entry>>,
}

impl Walker<'_> {
    fn run(&mut self, stream: &mut LayerStream, visitor: &mut impl Visitor<LayerStream>) -> Result<(), Stop> {
        loop {
            let Some(header) = stream.peek(HEADER)?.first_chunk::<HEADER>() else { return Err(Stop::Truncated) };
            let header = Header::parse(header)?;
            stream.consume(HEADER);
            let name = Self::name(stream, header.name_size)?;
            if name == END {
                break;
            }
            let (path, _) = path::normalize(&name);
            self.last_path.clone_from(&path);
            let padded = header.size.next_multiple_of(4);
            let start = stream.position();
            if path.len() > self.limits.path_bytes || path.matches('/').count() > self.limits.path_depth {
                self.complete = false;
                let message =
                    "the path is longer or deeper than the limits allow (limits.path_bytes, limits.path_depth)";
                let begin: String = path.chars().take(80).collect();
                visitor.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(begin));
            } else {
                self.entry(stream, visitor, path, &header)?;
            }
            let read = stream.position() - start;
            // Only the end of the archive may lack its padding, and that is behind the end mark.
            if stream.skip(padded - read)? < padded - read {
                return Err(Stop::Truncated);
            }
        }
        // Files of several names that have no content under any of them are empty.
        for entry in std::mem::take(&mut self.named).into_values().flatten() {
            visitor.entry(&entry, &mut Content::of(stream, 0))?;
        }
        Ok(())
    }

    fn name(stream: &mut LayerStream, size: u64) -> Result<Vec<u8>, Stop> {
        if size > LayerStream::LOOK_AHEAD as u64 {
            return Err(Stop::Form("has a name that is too long"));
        }
        let size = size as usize;
        let Some(name) = stream.peek(size)?.get(..size) else { return Err(Stop::Truncated) };
        let Some(name) = name.strip_suffix(b"\0") else { return Err(Stop::Form("has a name without an end")) };
        let name = name.to_vec();
        stream.consume(size);
        // Header and name together are padded.
        let padding = (HEADER + size).next_multiple_of(4) - HEADER - size;
        stream.skip(padding as u64)?;
        Ok(name)
    }

    fn entry(
        &mut self,
        stream: &mut LayerStream,
        visitor: &mut impl Visitor<LayerStream>,
        path: String,
        header: &Header,
    ) -> Result<(), Stop> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Stop::Limit(self.limits.exceeded(LimitKey::Entries, "entries")));
        }
        let size = header.size;
        let kind = match header.mode & 0o170_000 {
            0o100_000 => EntryKind::File { size },
            0o040_000 => EntryKind::Directory,
            0o120_000 => EntryKind::Symlink { target: self.target(stream, size)? },
            0o020_000 | 0o060_000 => EntryKind::Device,
            _ => EntryKind::Other,
        };
        let mode = (header.mode & 0o7777) as u32;
        let content_offset = stream.position();
        let several = header.links > 1 && matches!(kind, EntryKind::File { .. });
        let entry = Entry { path, kind, mode, content_offset };
        if several && size == 0 {
            self.named.entry(header.inode).or_default().push(entry);
            return Ok(());
        }
        let stored = if matches!(entry.kind, EntryKind::File { .. }) { size } else { 0 };
        visitor.entry(&entry, &mut Content::of(stream, stored))?;
        for mut name in self.named.remove(&header.inode).filter(|_| several).unwrap_or_default() {
            name.kind = EntryKind::Hardlink { target: entry.path.clone() };
            visitor.entry(&name, &mut Content::of(stream, 0))?;
        }
        Ok(())
    }

    fn target(&self, stream: &mut LayerStream, size: u64) -> Result<String, Stop> {
        if size > self.limits.path_bytes as u64 {
            return Err(Stop::Form("has a link that is too long"));
        }
        let size = size as usize;
        let Some(target) = stream.peek(size)?.get(..size) else { return Err(Stop::Truncated) };
        let target = path::text(target);
        stream.consume(size);
        Ok(target)
    }
}
