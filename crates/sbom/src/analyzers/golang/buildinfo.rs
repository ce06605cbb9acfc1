//! The record that a Go linker leaves in an executable: the version of Go and the text about modules.
//!
//! Owns the search for the record's header and both of its forms. What the text says is
//! [`super::modinfo`]'s.
//!
//! The header is 32 bytes at an address that is a multiple of 16: [`MAGIC`], the size of a pointer, and
//! flags. Since Go 1.18 (flag 2) two strings follow it, each after its length as a varint. Before, from
//! Go 1.13, it holds the addresses of two Go strings, each an address and a length, of the width and byte
//! order that size and flags (bit 0) give. The second string stands between two 16-byte marks.
//!
//! Source: the reader and the writer that Go itself comes with, `debug/buildinfo` and
//! `cmd/link/internal/ld`.

use crate::analyzers::executable::{Executable, Layout, SectionName, Segment};
use memchr::memmem;
use sekisho_base::ReadAt;
use std::borrow::Cow;
use std::io;

/// Where linkers put the record, in the formats that name it.
const SECTION: SectionName = SectionName { plain: b".go.buildinfo\0", macho: b"__go_buildinfo\0" };

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: u64 = 16;
const HEADER_BYTES: u64 = 32;
const MARK_BYTES: usize = 16;

/// Data is searched in pieces, the first a small one, since the header mostly stands first. Both sizes
/// are multiples of [`ALIGN`], so that no header's magic lies across two pieces.
const FIRST_CHUNK_BYTES: u64 = 4 << 10;
const CHUNK_BYTES: u64 = 1 << 20;

/// The most data of one file that is searched for a header. Go's own linker puts the header first in
/// the data segment, others put only relocated constants before it; the largest programs (Kubernetes,
/// Trivy) have less than a tenth of this.
pub(super) const SEARCH_BYTES: u64 = 256 << 20;

/// The longest text about modules. A thousand modules take about 100 KiB.
pub(super) const TEXT_BYTES: u64 = 1 << 20;

/// Why a record was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
    #[error("the file is cut short, and what may have been the build information of go is missing")]
    Cut,
    #[error("go build information is damaged: {0}")]
    Malformed(&'static str),
    #[error("go build information is damaged: lines that name no module: {0}")]
    Lines(usize),
    #[error("more than the limit of {limit} {what}")]
    Limit { what: &'static str, limit: u64 },
}

/// A record, not yet interpreted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// As the toolchain calls itself: `go1.22.3`, `go1.19.8 X:boringcrypto`, `devel go1.24-b1c2d3e4 ...`.
    pub(super) go_version: String,
    /// The text about modules, without its marks; empty when the program was built without modules.
    pub(super) modinfo: String,
}

/// Reads the record of the executable `data`; `None` when it is no executable or has none. `budget` is
/// how many bytes may still be searched, and is lowered by those that were.
pub(super) fn read(data: &dyn ReadAt, budget: &mut u64) -> Result<Option<Record>, Error> {
    let executable = match Executable::read(data, SECTION) {
        Ok(executable) => executable,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let finder = memmem::Finder::new(MAGIC);
    // The section named for it is the first place to look; writable data is where it is put.
    let named = executable.named.and_then(|section| executable.mapped(section.address));
    for candidate in named.into_iter().chain(executable.writable.iter().copied()) {
        if let Some(found) = search(data, candidate, &finder, budget)? {
            return decode(data, &executable, found).map(Some);
        }
    }
    // What is not there any more may have been it.
    if executable.is_cut {
        return Err(Error::Cut);
    }
    Ok(None)
}

/// Looks for the header in `segment`; gives the segment's rest from the header on.
fn search(
    data: &dyn ReadAt,
    segment: Segment,
    finder: &memmem::Finder<'_>,
    budget: &mut u64,
) -> Result<Option<Segment>, Error> {
    let mut at = segment.address.wrapping_neg() % ALIGN;
    let mut chunk_bytes = FIRST_CHUNK_BYTES;
    while at < segment.len {
        let len = chunk_bytes.min(segment.len - at);
        chunk_bytes = CHUNK_BYTES;
        *budget = budget
            .checked_sub(len)
            .ok_or(Error::Limit { what: "bytes searched for go build information", limit: SEARCH_BYTES })?;
        let chunk = data.range(segment.offset + at, len as usize)?;
        if let Some(hit) = finder.find_iter(&chunk).find(|hit| (*hit as u64).is_multiple_of(ALIGN)) {
            let skip = at + hit as u64;
            return Ok(Some(Segment {
                address: segment.address.wrapping_add(skip),
                offset: segment.offset + skip,
                len: segment.len - skip,
            }));
        }
        at += len;
    }
    Ok(None)
}

/// Decodes the record that begins where `found` begins and ends within it.
fn decode(data: &dyn ReadAt, executable: &Executable, found: Segment) -> Result<Record, Error> {
    const INLINE: u8 = 2;
    const BIG_ENDIAN: u8 = 1;
    let (header, inline) = take(data, found, HEADER_BYTES)?;
    let [.., pointer_bytes, flags] = header.first_chunk::<16>().copied().unwrap_or_default();
    let (go_version, modinfo) = if flags & INLINE != 0 {
        let (go_version, rest) = inline_string(data, inline)?;
        (go_version, inline_string(data, rest)?.0)
    } else {
        if !matches!(pointer_bytes, 4 | 8) {
            return Err(Error::Malformed("pointers are of neither 4 nor 8 bytes"));
        }
        let layout = Layout { big: flags & BIG_ENDIAN != 0, wide: pointer_bytes == 8 };
        let string = |at| go_string(data, executable, layout, layout.word(&header, at)?);
        (string(16)?, string(16 + usize::from(pointer_bytes))?)
    };
    if go_version.is_empty() {
        return Err(Error::Malformed("it has no version of go"));
    }
    Ok(Record {
        go_version: String::from_utf8_lossy(&go_version).into_owned(),
        modinfo: String::from_utf8_lossy(unmarked(&modinfo)?).into_owned(),
    })
}

/// What stands between the two marks; nothing in nothing.
fn unmarked(text: &[u8]) -> Result<&[u8], Error> {
    if text.is_empty() {
        return Ok(text);
    }
    text.get(MARK_BYTES..)
        .and_then(|text| text.get(..text.len().checked_sub(MARK_BYTES)?))
        .filter(|text| text.ends_with(b"\n"))
        .ok_or(Error::Malformed("the marks around the text about modules are missing"))
}

/// The first `len` bytes of `segment`, and the rest of it.
fn take(data: &dyn ReadAt, segment: Segment, len: u64) -> Result<(Cow<'_, [u8]>, Segment), Error> {
    if len > segment.len {
        return Err(Error::Malformed("it ends after its segment"));
    }
    if len > TEXT_BYTES {
        return Err(Error::Limit { what: "bytes of go build information", limit: TEXT_BYTES });
    }
    let bytes = data.range(segment.offset, len as usize)?;
    let rest =
        Segment { address: segment.address.wrapping_add(len), offset: segment.offset + len, len: segment.len - len };
    Ok((bytes, rest))
}

/// A string after its length as a varint (LEB128), and what follows it.
fn inline_string(data: &dyn ReadAt, segment: Segment) -> Result<(Cow<'_, [u8]>, Segment), Error> {
    const MAX_VARINT_BYTES: u64 = 10;
    let (bytes, _) = take(data, segment, MAX_VARINT_BYTES.min(segment.len))?;
    let mut len = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shifted = bits << (7 * index);
        if shifted >> (7 * index) != bits {
            break;
        }
        len |= shifted;
        if byte & 0x80 == 0 {
            let (_, rest) = take(data, segment, index as u64 + 1)?;
            return take(data, rest, len);
        }
    }
    Err(Error::Malformed("the length of a string is no varint of 64 bits"))
}

/// The Go string whose address and length lie at `address`.
fn go_string<'a>(
    data: &'a dyn ReadAt,
    executable: &Executable,
    layout: Layout,
    address: u64,
) -> Result<Cow<'a, [u8]>, Error> {
    let mapped =
        |address| executable.mapped(address).ok_or(Error::Malformed("a pointer leads to what is not in the file"));
    let word_bytes = if layout.wide { 8 } else { 4 };
    let (header, _) = take(data, mapped(address)?, 2 * word_bytes)?;
    let len = layout.word(&header, word_bytes as usize)?;
    if len == 0 {
        return Ok(Cow::Borrowed(&[]));
    }
    Ok(take(data, mapped(layout.word(&header, 0)?)?, len)?.0)
}
