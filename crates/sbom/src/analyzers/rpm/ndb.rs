//! The NDB back end (`Packages.db`, SUSE): slots that point to blobs.
//!
//! Follows `lib/backend/ndb/rpmpkg.c` of rpm. The file is little-endian and counts in blocks of 16
//! bytes. The first pages hold slots of 16 bytes (the first two are the file header): magic, package
//! index, first block and number of blocks of a blob. A blob has a head (magic, package index,
//! generation, length), the header, zeros, and a tail (Adler-32 of all before it, length, magic).

use super::error::{Error, le32};
use sekisho_base::ReadAt;

/// First bytes of the file.
pub(super) const MAGIC: &[u8] = b"RpmP";

const BLOCK: u64 = 16;
const SLOT: usize = 16;
const SLOT_PAGE: usize = 4096;
const FILE_HEADER: usize = 2 * SLOT;
const HEAD: usize = 16;
const TAIL: usize = 12;

/// The header blobs of the database in `data`, none of more than `max` bytes.
pub(super) fn headers(data: &dyn ReadAt, max: u64) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
    let file_header = data.range(0, FILE_HEADER)?;
    if le32(&file_header, 4) != Some(0) {
        return Err(Error::Damaged("the version of the NDB format is not 0"));
    }
    let slot_pages = le32(&file_header, 12).unwrap_or(0);
    if slot_pages == 0 {
        return Err(Error::Damaged("there are no slot pages"));
    }
    let first_block = u64::from(slot_pages) * SLOT_PAGE as u64 / BLOCK;
    let blocks_left = (data.size() / BLOCK).saturating_sub(first_block);
    Ok(Slots { data, max, slot_pages, next_page: 0, page: Vec::new().into_iter(), blocks_left })
}

/// The walk over all slots.
struct Slots<'a> {
    data: &'a dyn ReadAt,
    /// Bytes a header may have.
    max: u64,
    slot_pages: u32,
    next_page: u32,
    /// The used slots of the current page.
    page: std::vec::IntoIter<Result<Slot, Error>>,
    /// Blocks not yet used by a blob. Blobs do not overlap, so they cannot have more together than
    /// the file has.
    blocks_left: u64,
}

/// Where a blob is.
struct Slot {
    package: u32,
    first_block: u32,
    blocks: u32,
}

impl Slot {
    /// Reads a slot; `None` when it is free.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Error> {
        const DAMAGED: Error = Error::Damaged("a slot is damaged");
        if !bytes.starts_with(b"Slot") {
            return Err(DAMAGED);
        }
        let field = |at| le32(bytes, at).ok_or(DAMAGED);
        let slot = Self { package: field(4)?, first_block: field(8)?, blocks: field(12)? };
        // As rpm tells: the other fields of a free slot can be anything.
        Ok((slot.first_block != 0).then_some(slot))
    }
}

impl Slots<'_> {
    /// Reads the slots of the next page.
    fn next_page(&mut self) -> Result<(), Error> {
        let start = u64::from(self.next_page) * SLOT_PAGE as u64;
        let skip = if self.next_page == 0 { FILE_HEADER } else { 0 };
        self.next_page += 1;
        let page = self.data.range(start, SLOT_PAGE).inspect_err(|_| {
            // Without this page there are none behind it.
            self.next_page = self.slot_pages;
        })?;
        let slots = page.get(skip..).unwrap_or_default().chunks_exact(SLOT);
        let used: Vec<_> = slots.filter_map(|slot| Slot::parse(slot).transpose()).collect();
        self.page = used.into_iter();
        Ok(())
    }

    /// The header in the blob of `slot`.
    fn header(&mut self, slot: &Slot) -> Result<Vec<u8>, Error> {
        const DAMAGED: Error = Error::Damaged("a blob is damaged");
        let start = u64::from(slot.first_block) * BLOCK;
        if start < u64::from(self.slot_pages) * SLOT_PAGE as u64 {
            return Err(Error::Damaged("a blob lies in the slot pages"));
        }
        let head = self.data.range(start, HEAD)?;
        let len = le32(&head, 12).ok_or(DAMAGED)?;
        let size = u64::from(slot.blocks) * BLOCK;
        let least = HEAD as u64 + u64::from(len) + TAIL as u64;
        let sound = head.starts_with(b"BlbS") && le32(&head, 4) == Some(slot.package);
        if !sound || size != least.next_multiple_of(BLOCK) {
            return Err(DAMAGED);
        }
        if u64::from(len) > self.max {
            return Err(Error::TooLarge);
        }
        self.blocks_left = self.blocks_left.checked_sub(slot.blocks.into()).ok_or(Error::Damaged("blobs overlap"))?;
        let blob = self.data.range(start, size as usize)?;
        let (body, tail) = blob.split_at_checked(blob.len() - TAIL).ok_or(DAMAGED)?;
        if le32(tail, 0) != Some(adler32(body)) || le32(tail, 4) != Some(len) || !tail.ends_with(b"BlbE") {
            return Err(Error::Damaged("the checksum of a blob does not match"));
        }
        Ok(body.get(HEAD..HEAD + len as usize).ok_or(DAMAGED)?.to_vec())
    }
}

impl Iterator for Slots<'_> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(slot) = self.page.next() {
                return Some(slot.and_then(|slot| self.header(&slot)));
            }
            if self.next_page >= self.slot_pages {
                return None;
            }
            if let Err(error) = self.next_page() {
                return Some(Err(error));
            }
        }
    }
}

/// Adler-32 as in RFC 1950.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (mut a, mut b) = (1, 0);
    // The longest run for which the sums do not overflow.
    for run in bytes.chunks(5552) {
        for byte in run {
            a += u32::from(*byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adler32_is_that_of_zlib() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        // zlib.adler32(b"\xff" * 100000)
        assert_eq!(adler32(&vec![0xff; 100_000]), 0x149A_302C);
    }
}
