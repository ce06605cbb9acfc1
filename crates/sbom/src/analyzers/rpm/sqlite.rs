//! The SQLite back end (`rpmdb.sqlite`, rpm 4.16 and later): a read-only walk of the one table `Packages`.
//!
//! Follows "Database File Format" of sqlite.org. Only table b-trees, overflow chains and records are
//! known here; indexes, free pages and the write-ahead log are not, and nothing is ever written or locked.

use super::error::{Error, be16, be32};
use super::pages::Pages;
use sekisho_base::ReadAt;
use std::borrow::Cow;
use std::iter::StepBy;
use std::ops::Range;

/// First bytes of the file.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes before the b-tree of the first page.
const FILE_HEADER: usize = 100;
const TABLE_INTERIOR: u8 = 5;
const TABLE_LEAF: u8 = 13;
/// Levels of a b-tree; SQLite gives up at the same.
const MAX_DEPTH: usize = 20;

/// The header blobs of the database in `data`, none of more than `max` bytes.
pub(super) fn headers(data: &dyn ReadAt, max: u64) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
    let file_header = data.range(0, FILE_HEADER)?;
    let page_size = match be16(&file_header, 16) {
        // The format's way to say 65536 in two bytes.
        Some(1) => 65536,
        size => usize::from(size.unwrap_or(0)),
    };
    let reserved = file_header.get(20).copied().map_or(0, usize::from);
    let pages = Pages::new(data, page_size)?;
    let usable = page_size - reserved;
    if usable < 480 {
        return Err(Error::Damaged("the pages have no room for content"));
    }
    let mut rows = Rows { pages, usable, max, path: Vec::new() };
    rows.enter(1)?;
    let mut damage = Error::Damaged("there is no table named Packages");
    let root = loop {
        match rows.next() {
            Some(Ok(row)) => {
                if let Some(root) = packages_root(&row) {
                    break root?;
                }
            }
            Some(Err(error)) => damage = error,
            None => return Err(damage),
        }
    };
    rows.path.clear();
    rows.enter(root)?;
    Ok(rows.map(|row| {
        // (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)
        match column(&row?, 1) {
            Some((12.., blob)) => Ok(blob.to_vec()),
            _ => Err(Error::Damaged("a row holds no header")),
        }
    }))
}

/// The statements by which rpm makes the table, 4.16 the second, without white space and quotes: others could put the
/// headers into another column, or the rows elsewhere.
const STATEMENTS: [&[u8]; 2] = [
    b"createtablepackages(hnumintegerprimarykeyautoincrement,blobblobnotnull)",
    b"createtablepackages(hnumintegerprimarykeynotnull,blobblobnotnull)",
];

/// The root page of the table `Packages`, if this row of the schema describes it.
fn packages_root(row: &[u8]) -> Option<Result<u32, Error>> {
    // (type, name, tbl_name, rootpage, sql)
    let is =
        |index, text: &str| column(row, index).is_some_and(|(_, bytes)| bytes.eq_ignore_ascii_case(text.as_bytes()));
    if !is(0, "table") || !is(1, "Packages") {
        return None;
    }
    let (_, statement) = column(row, 4)?;
    let bare = statement.iter().filter(|byte| !byte.is_ascii_whitespace() && !b"'\"`[]".contains(byte));
    let bare = bare.map(u8::to_ascii_lowercase);
    if !STATEMENTS.iter().any(|known| bare.clone().eq(known.iter().copied())) {
        return Some(Err(Error::Damaged("the table named Packages is not as rpm makes it")));
    }
    match column(row, 3)? {
        (9, _) => Some(Ok(1)),
        // Page numbers are not negative, so the sign needs no care.
        (1..=6, bytes) => u32::try_from(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))).ok().map(Ok),
        _ => None,
    }
}

/// The rows of a table in the order of their row ids. After an error the walk goes on behind it.
struct Rows<'a> {
    pages: Pages<'a>,
    /// Bytes of a page that are not reserved for extensions.
    usable: usize,
    /// Bytes a row may have.
    max: u64,
    /// The pages from the root to the current one.
    path: Vec<Node<'a>>,
}

/// A page of the b-tree that is being walked.
struct Node<'a> {
    page: Cow<'a, [u8]>,
    /// Where the offsets of the cells to come are.
    cells: StepBy<Range<usize>>,
    content: Content,
}

enum Content {
    /// Cells are rows. `room` bytes are not yet used by one: cells do not overlap, so a page whose
    /// cells need more is damaged, and the rows of a page cannot outgrow the pages they lie on.
    Rows { room: usize },
    /// Cells lead to children; the last child, `right`, has no cell.
    Children { right: Option<u32> },
}

/// Where the walk goes from a page.
enum Step {
    Row(Vec<u8>),
    Down(u32),
    Up,
}

impl Rows<'_> {
    /// Makes page `number` the current one.
    fn enter(&mut self, number: u32) -> Result<(), Error> {
        const DAMAGED: Error = Error::Damaged("a b-tree page is damaged");
        if self.path.len() >= MAX_DEPTH {
            return Err(Error::Damaged("a b-tree is too deep"));
        }
        let index = number.checked_sub(1).ok_or(DAMAGED)?;
        let page = self.pages.take(index.into())?;
        let start = if index == 0 { FILE_HEADER } else { 0 };
        let count = be16(&page, start + 3).map_or(0, usize::from);
        let (first, right) = match page.get(start) {
            Some(&TABLE_LEAF) => (start + 8, None),
            Some(&TABLE_INTERIOR) => (start + 12, be32(&page, start + 8)),
            _ => return Err(DAMAGED),
        };
        let end = first + 2 * count;
        let room = self.usable.checked_sub(end).ok_or(DAMAGED)?;
        let content = if right.is_some() { Content::Children { right } } else { Content::Rows { room } };
        self.path.push(Node { page, cells: (first..end).step_by(2), content });
        Ok(())
    }

    /// Takes the next step on `node`, a page of the path.
    fn step(&mut self, node: &mut Node<'_>) -> Result<Step, Error> {
        const DAMAGED: Error = Error::Damaged("a cell is damaged");
        let Some(pointer) = node.cells.next() else {
            return Ok(match &mut node.content {
                Content::Children { right } => right.take().map_or(Step::Up, Step::Down),
                Content::Rows { .. } => Step::Up,
            });
        };
        let at = be16(&node.page, pointer).ok_or(DAMAGED)?.into();
        match &mut node.content {
            Content::Children { .. } => be32(&node.page, at).map(Step::Down).ok_or(DAMAGED),
            Content::Rows { room } => self.record(&node.page, at, room).map(Step::Row),
        }
    }

    /// The record whose cell begins at `at` of the leaf `page`, which has `room` for it.
    fn record(&mut self, page: &[u8], at: usize, room: &mut usize) -> Result<Vec<u8>, Error> {
        const DAMAGED: Error = Error::Damaged("a cell is damaged");
        let cell = page.get(at..self.usable).ok_or(DAMAGED)?;
        let (size, size_len) = varint(cell).ok_or(DAMAGED)?;
        let (_, id_len) = varint(cell.get(size_len..).unwrap_or_default()).ok_or(DAMAGED)?;
        let payload = cell.get(size_len + id_len..).ok_or(DAMAGED)?;
        let local = local_bytes(size, self.usable);
        *room = room.checked_sub(size_len + id_len + local).ok_or(DAMAGED)?;
        let mut record = payload.get(..local).ok_or(DAMAGED)?.to_vec();
        if record.len() as u64 == size {
            return Ok(record);
        }
        if size > self.max {
            return Err(Error::TooLarge);
        }
        let mut next = be32(payload, local).ok_or(DAMAGED)?;
        while (record.len() as u64) < size {
            let index = next.checked_sub(1).ok_or(Error::Damaged("an overflow chain is cut short"))?;
            let page = self.pages.take(index.into())?;
            let content = page.get(4..self.usable).ok_or(DAMAGED)?;
            let left = usize::try_from(size - record.len() as u64).unwrap_or(usize::MAX);
            record.extend_from_slice(&content[..content.len().min(left)]);
            next = be32(&page, 0).ok_or(DAMAGED)?;
        }
        Ok(record)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut node = self.path.pop()?;
            let step = self.step(&mut node);
            if !matches!(step, Ok(Step::Up)) {
                self.path.push(node);
            }
            match step {
                Ok(Step::Row(row)) => return Some(Ok(row)),
                Ok(Step::Down(number)) => {
                    if let Err(error) = self.enter(number) {
                        return Some(Err(error));
                    }
                }
                Ok(Step::Up) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// How many of a row's `size` bytes lie in the leaf page itself, where a page has `usable` bytes.
fn local_bytes(size: u64, usable: usize) -> usize {
    let max = usable - 35;
    if size <= max as u64 {
        return size as usize;
    }
    let min = (usable - 12) * 32 / 255 - 23;
    let local = min + ((size - min as u64) % (usable as u64 - 4)) as usize;
    if local <= max { local } else { min }
}

/// Column `wanted` of a record, from 0: its serial type and its bytes.
fn column(record: &[u8], wanted: usize) -> Option<(u64, &[u8])> {
    let (header_len, mut at) = varint(record)?;
    let header_len = usize::try_from(header_len).ok()?;
    let types = record.get(..header_len)?;
    let mut content = record.get(header_len..)?;
    for index in 0.. {
        let (serial, len) = varint(types.get(at..)?)?;
        at += len;
        let bytes = match serial {
            0 | 8 | 9 => 0,
            1..=4 => serial,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (serial - 12) / 2,
        };
        let (value, rest) = content.split_at_checked(usize::try_from(bytes).ok()?)?;
        if index == wanted {
            return Some((serial, value));
        }
        content = rest;
    }
    None
}

/// The variable-length integer that `bytes` begin with, and its length: seven bits a byte, the most
/// significant first, and all eight bits of a ninth byte.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_have_up_to_nine_bytes() {
        assert_eq!(varint(&[0x7f, 1]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8]), None);
        assert_eq!(varint(&[]), None);
    }

    #[test]
    fn columns_follow_their_serial_types() {
        // NULL, 16-bit integer, text "ab", blob of one byte.
        let record = [5, 0, 2, 17, 14, 1, 2, b'a', b'b', 9];
        assert_eq!(column(&record, 0), Some((0, &[][..])));
        assert_eq!(column(&record, 1), Some((2, &[1, 2][..])));
        assert_eq!(column(&record, 2), Some((17, &b"ab"[..])));
        assert_eq!(column(&record, 3), Some((14, &[9][..])));
        assert_eq!(column(&record, 4), None);
        assert_eq!(column(&record[..9], 3), None);
        assert_eq!(column(&[200, 0], 0), None);
    }

    #[test]
    fn the_split_between_page_and_overflow_is_the_formats() {
        // The constants of the format for pages of 512 bytes without reserved ones: X 477, M 39.
        assert_eq!(local_bytes(477, 512), 477);
        assert_eq!(local_bytes(478, 512), 39);
        assert_eq!(local_bytes(39 + 508, 512), 39);
        assert_eq!(local_bytes(39 + 508 + 100, 512), 139);
    }
}
