//! Read-only maps of files that this program published.
//!
//! The one place outside the sensor with `unsafe`: a map of a file that changes or shrinks under it is undefined
//! behaviour. Only files that are written beside their place, renamed into it and never touched again are mapped; who
//! could change one in place could as well change this program.

#![expect(unsafe_code, reason = "the module exists for this; see above")]

use std::fs::File;
use std::io;
use std::ops::Deref;

/// A file in memory, read as it is touched.
#[derive(Debug)]
pub struct Map(memmap2::Mmap);

impl Map {
    /// Maps `file`, which must be one that was published as the module says.
    pub fn of_published(file: &File) -> io::Result<Self> {
        // SAFETY: published files are never written to or truncated.
        unsafe { memmap2::Mmap::map(file) }.map(Self)
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
