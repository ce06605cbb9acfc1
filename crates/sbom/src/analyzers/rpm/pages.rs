//! A file of equal pages, each of which is used once.
//!
//! In SQLite and BerkeleyDB files a page belongs to one structure only. Handing out each page at most
//! once therefore refuses nothing that is sound, and it bounds what a walk over hostile links can cost
//! by the size of the file: a cycle ends at its first repeated page.

use super::error::Error;
use sekisho_base::ReadAt;
use std::borrow::Cow;

/// The pages of one file, numbered from 0.
pub(super) struct Pages<'a> {
    data: &'a dyn ReadAt,
    size: usize,
    /// One bit for each page that was taken.
    taken: Vec<u64>,
}

impl<'a> Pages<'a> {
    /// The file as pages of `size` bytes, a power of two of at least 512.
    pub(super) fn new(data: &'a dyn ReadAt, size: usize) -> Result<Self, Error> {
        if !size.is_power_of_two() || !(512..=65536).contains(&size) {
            return Err(Error::Damaged("the page size is none that can be"));
        }
        let words = data.size().div_ceil(size as u64).div_ceil(64);
        Ok(Self { data, size, taken: vec![0; words as usize] })
    }

    /// How many pages the file has, a last one that is cut short included.
    pub(super) fn count(&self) -> u64 {
        self.data.size().div_ceil(self.size as u64)
    }

    /// The first `len` bytes of page `number`, which is not taken by that.
    pub(super) fn peek(&self, number: u64, len: usize) -> Result<Cow<'a, [u8]>, Error> {
        let start = number.checked_mul(self.size as u64).ok_or(Error::Damaged("a page number is beyond the file"))?;
        Ok(self.data.range(start, len)?)
    }

    /// Page `number`, unless it was taken before.
    pub(super) fn take(&mut self, number: u64) -> Result<Cow<'a, [u8]>, Error> {
        let page = self.peek(number, self.size)?;
        let bit = 1_u64 << (number % 64);
        let word = usize::try_from(number / 64).ok().and_then(|index| self.taken.get_mut(index));
        let word = word.ok_or(Error::Damaged("a page number is beyond the file"))?;
        if *word & bit != 0 {
            return Err(Error::Damaged("a page is used twice"));
        }
        *word |= bit;
        Ok(page)
    }
}
