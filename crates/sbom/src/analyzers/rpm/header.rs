//! The header: the form in which rpm stores what it knows of one package.
//!
//! Follows `lib/header.c` of rpm; all numbers are big-endian. A header is the number of index entries,
//! the number of data bytes, the entries of 16 bytes (tag, type, offset into the data, count), and the
//! data. Entries that mark regions (the signed part of the header) only matter to those who verify or
//! rewrite it; here they are entries like others, of tags that nobody asks for.

use super::error::{Error, be32, be64};

const ENTRY: usize = 16;

/// Longest text of one tag that is taken for sound.
const MAX_TEXT: usize = 64 * 1024;

const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BIN: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// The tags that are read, of `rpmtag.h`.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(super) enum Tag {
    SigMd5 = 261,
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Summary = 1004,
    InstallTime = 1008,
    Size = 1009,
    Vendor = 1011,
    License = 1014,
    Arch = 1022,
    OldFileNames = 1027,
    SourceRpm = 1044,
    ProvideName = 1047,
    RequireName = 1049,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    LongSize = 5009,
    ModularityLabel = 5096,
}

/// A header in the memory of another.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

/// What the index says of one tag.
struct Entry<'a> {
    kind: u32,
    count: usize,
    /// The data from the entry's offset on.
    data: &'a [u8],
}

/// The strings of a tag, in order. Ends early, with an error, where one has no end.
pub(super) struct Strings<'a> {
    left: usize,
    data: &'a [u8],
}

const DAMAGED: Error = Error::Damaged("a header is damaged");

impl<'a> Header<'a> {
    /// Finds index and data in `blob`, which has to be of exactly the length it states.
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, Error> {
        let entries = be32(blob, 0).ok_or(DAMAGED)? as usize;
        let data_len = be32(blob, 4).ok_or(DAMAGED)? as usize;
        let index_len = entries.checked_mul(ENTRY).ok_or(DAMAGED)?;
        let (index, data) = blob.get(8..).and_then(|rest| rest.split_at_checked(index_len)).ok_or(DAMAGED)?;
        if data.len() == data_len { Ok(Self { index, data }) } else { Err(DAMAGED) }
    }

    /// The entry of `tag`. The last one counts: rpm appends what it learns at installation behind the
    /// signed part, and there it replaces what the signed part says.
    fn entry(&self, tag: Tag) -> Result<Option<Entry<'a>>, Error> {
        let Some(entry) = self.index.chunks_exact(ENTRY).rev().find(|entry| be32(entry, 0) == Some(tag as u32)) else {
            return Ok(None);
        };
        let field = |at| be32(entry, at).ok_or(DAMAGED);
        let (kind, offset, count) = (field(4)?, field(8)? as usize, field(12)? as usize);
        let data = self.data.get(offset..).ok_or(DAMAGED)?;
        // Whatever the type, an element has at least one byte.
        if count == 0 || count > data.len() {
            return Err(DAMAGED);
        }
        Ok(Some(Entry { kind, count, data }))
    }

    /// The text of `tag`, in the C locale where there are several.
    pub(super) fn text(&self, tag: Tag) -> Result<Option<String>, Error> {
        let Some(Entry { kind, data, .. }) = self.entry(tag)? else { return Ok(None) };
        if !matches!(kind, STRING | I18N_STRING) {
            return Err(DAMAGED);
        }
        let text = Strings { left: 1, data }.next().ok_or(DAMAGED)??;
        if text.len() > MAX_TEXT {
            return Err(DAMAGED);
        }
        Ok(Some(String::from_utf8_lossy(text).into_owned()))
    }

    /// The first number of `tag`.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, Error> {
        let Some(Entry { kind, data, .. }) = self.entry(tag)? else { return Ok(None) };
        let number = match kind {
            INT32 => be32(data, 0).map(u64::from),
            INT64 => be64(data, 0),
            _ => None,
        };
        number.map(Some).ok_or(DAMAGED)
    }

    /// The bytes of `tag`.
    pub(super) fn bytes(&self, tag: Tag) -> Result<Option<&'a [u8]>, Error> {
        match self.entry(tag)? {
            None => Ok(None),
            Some(Entry { kind: BIN, count, data }) => data.get(..count).map(Some).ok_or(DAMAGED),
            Some(_) => Err(DAMAGED),
        }
    }

    /// The strings of `tag`, none when the header has no such tag.
    pub(super) fn strings(&self, tag: Tag) -> Result<Strings<'a>, Error> {
        match self.entry(tag)? {
            None => Ok(Strings { left: 0, data: &[] }),
            Some(Entry { kind: STRING_ARRAY, count, data }) => Ok(Strings { left: count, data }),
            Some(_) => Err(DAMAGED),
        }
    }

    /// The 32-bit numbers of `tag`, none when the header has no such tag.
    pub(super) fn numbers(&self, tag: Tag) -> Result<impl ExactSizeIterator<Item = u32> + use<'a>, Error> {
        let bytes = match self.entry(tag)? {
            None => &[],
            Some(Entry { kind: INT32, count, data }) => {
                count.checked_mul(4).and_then(|len| data.get(..len)).ok_or(DAMAGED)?
            }
            Some(_) => return Err(DAMAGED),
        };
        Ok(bytes.as_chunks().0.iter().map(|number| u32::from_be_bytes(*number)))
    }
}

impl Strings<'_> {
    /// How many there are to come.
    pub(super) fn len(&self) -> usize {
        self.left
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(end) = memchr::memchr(0, self.data) else {
            self.left = 0;
            return Some(Err(DAMAGED));
        };
        let (text, rest) = self.data.split_at(end);
        self.data = rest.get(1..).unwrap_or_default();
        Some(Ok(text))
    }
}
