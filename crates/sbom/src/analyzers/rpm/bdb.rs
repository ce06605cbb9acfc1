//! The BerkeleyDB back end (`Packages`, rpm before 4.16): a hash file whose values lie on overflow pages.
//!
//! Follows `dbinc/db_page.h` of BerkeleyDB. The file has the byte order of the machine that wrote it.
//! All hash pages are read in the order of the file, whichever bucket they belong to, so that neither
//! buckets nor hashes need be known.

use super::error::{Error, be16, be32, le32};
use super::pages::Pages;
use sekisho_base::ReadAt;
use std::borrow::Cow;

/// Bytes 12 to 16 of the file, in its byte order: the magic number of a hash.
const MAGIC: u32 = 0x0006_1561;

/// Bytes of the meta page that are read.
const META: usize = 72;
const META_TYPE_HASH: u8 = 8;
const META_CHECKSUMS: u8 = 1;

/// Bytes of the header of a page.
const PAGE_HEADER: usize = 26;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;

const ITEM_INLINE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;

/// How the file writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// The order in which the magic number makes sense.
    fn of(head: &[u8]) -> Option<Self> {
        match (le32(head, 12)?, be32(head, 12)?) {
            (MAGIC, _) => Some(Self::Little),
            (_, MAGIC) => Some(Self::Big),
            _ => None,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let value = be16(bytes, at)?;
        Some(if self == Self::Big { value } else { value.swap_bytes() })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let value = be32(bytes, at)?;
        Some(if self == Self::Big { value } else { value.swap_bytes() })
    }
}

/// Whether a file that begins with `head` is a BerkeleyDB hash.
pub(super) fn is(head: &[u8]) -> bool {
    Order::of(head).is_some()
}

/// The header blobs of the database in `data`, none of more than `max` bytes.
pub(super) fn headers(data: &dyn ReadAt, max: u64) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
    const DAMAGED: Error = Error::Damaged("the meta page is damaged");
    let meta = data.range(0, META)?;
    let order = Order::of(&meta).ok_or(DAMAGED)?;
    let [.., encryption, kind, flags] = *meta.first_chunk::<27>().ok_or(DAMAGED)?;
    if kind != META_TYPE_HASH {
        return Err(DAMAGED);
    }
    if encryption != 0 || flags & META_CHECKSUMS != 0 {
        return Err(Error::Damaged("pages with checksums or encryption are not read"));
    }
    let page_size = order.u32(&meta, 20).ok_or(DAMAGED)?;
    let last = order.u32(&meta, 32).ok_or(DAMAGED)?;
    Ok(Pairs { order, max, pages: Pages::new(data, page_size as usize)?, next: 1, last: last.into(), leaf: None })
}

/// The walk over the pairs of key and value on all hash pages. After an error it goes on behind it.
struct Pairs<'a> {
    pages: Pages<'a>,
    order: Order,
    /// Bytes a header may have.
    max: u64,
    /// The page to look at next.
    next: u64,
    /// The last page that the file should have, 0 once its absence has been told.
    last: u64,
    leaf: Option<Leaf<'a>>,
}

/// A hash page that is being walked.
struct Leaf<'a> {
    page: Cow<'a, [u8]>,
    /// The item to read next, and how many there are. Keys are even, values odd.
    next: usize,
    items: usize,
    /// Where the item before begins; items are stored from the end of the page downwards.
    end: usize,
}

impl Leaf<'_> {
    /// The next item: its type and its content. After a damaged one the page is at its end, as there
    /// is no telling where the others begin.
    fn item(&mut self, order: Order) -> Result<(u8, &[u8]), Error> {
        let start = order.u16(&self.page, PAGE_HEADER + 2 * self.next).map(usize::from);
        let item = start.and_then(|start| self.page.get(start..self.end)?.split_first());
        if let (Some(start), Some((kind, content)), true) = (start, item, self.next < self.items) {
            self.next += 1;
            self.end = start;
            return Ok((*kind, content));
        }
        self.next = self.items;
        Err(Error::Damaged("an item of a hash page is damaged"))
    }
}

impl<'a> Pairs<'a> {
    /// The next hash page, `None` at the end of the file.
    fn next_leaf(&mut self) -> Result<Option<Leaf<'a>>, Error> {
        while self.next < self.pages.count() {
            let number = self.next;
            self.next += 1;
            let header = self.pages.peek(number, PAGE_HEADER)?;
            if matches!(header.last(), Some(&(PAGE_HASH | PAGE_HASH_UNSORTED))) {
                let items = self.order.u16(&header, 20).map_or(0, usize::from);
                let page = self.pages.take(number)?;
                return Ok(Some(Leaf { end: page.len(), page, next: 0, items }));
            }
        }
        if self.next <= self.last {
            self.last = 0;
            return Err(Error::Damaged("the file is cut short"));
        }
        Ok(None)
    }

    /// The header in the next pair of `leaf`, `None` where it holds another value.
    fn header(&mut self, leaf: &mut Leaf<'_>) -> Result<Option<Vec<u8>>, Error> {
        const DAMAGED: Error = Error::Damaged("a value of a hash page is damaged");
        // Key 0 holds the number that the next package will get.
        let counter = leaf.item(self.order)? == (ITEM_INLINE, [0; 4].as_slice());
        let (kind, value) = leaf.item(self.order)?;
        match kind {
            _ if counter => Ok(None),
            ITEM_INLINE => Ok(Some(value.to_vec())),
            ITEM_OFF_PAGE => {
                // The item is its type, three unused bytes, the first page and the length.
                let first = self.order.u32(value, 3).ok_or(DAMAGED)?;
                let len = self.order.u32(value, 7).ok_or(DAMAGED)?;
                self.overflow(first, len).map(Some)
            }
            _ => Err(DAMAGED),
        }
    }

    /// The `len` bytes of the chain of overflow pages that begins with `first`.
    fn overflow(&mut self, first: u32, len: u32) -> Result<Vec<u8>, Error> {
        const DAMAGED: Error = Error::Damaged("an overflow page is damaged");
        if u64::from(len) > self.max {
            return Err(Error::TooLarge);
        }
        let mut value = Vec::new();
        let mut next = first;
        while next != 0 && value.len() < len as usize {
            let page = self.pages.take(next.into())?;
            let used = self.order.u16(&page, 22).map_or(0, usize::from);
            if page.get(PAGE_HEADER - 1) != Some(&PAGE_OVERFLOW) {
                return Err(DAMAGED);
            }
            value.extend_from_slice(page.get(PAGE_HEADER..PAGE_HEADER + used).ok_or(DAMAGED)?);
            next = self.order.u32(&page, 16).ok_or(DAMAGED)?;
        }
        if value.len() == len as usize { Ok(value) } else { Err(DAMAGED) }
    }
}

impl Iterator for Pairs<'_> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(mut leaf) = self.leaf.take() else {
                self.leaf = match self.next_leaf() {
                    Ok(leaf) => Some(leaf?),
                    Err(error) => return Some(Err(error)),
                };
                continue;
            };
            if leaf.next >= leaf.items {
                continue;
            }
            let header = self.header(&mut leaf);
            self.leaf = Some(leaf);
            if let Some(header) = header.transpose() {
                return Some(header);
            }
        }
    }
}
