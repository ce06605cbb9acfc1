//! Why a database, or one record of it, could not be read, and the reading of fixed-width integers.

use std::io;

/// What the back ends and the header parser fail with.
#[derive(Debug)]
pub(super) enum Error {
    /// The bytes could not be had.
    Io(io::Error),
    /// The bytes do not follow their format, in this way.
    Damaged(&'static str),
    /// A header was left unread because it is larger than the limit.
    TooLarge,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("the file is cut short"),
            _ => Self::Io(error),
        }
    }
}

/// The big-endian integer of two bytes at `at`.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian integer of four bytes at `at`.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian integer of eight bytes at `at`.
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The little-endian integer of four bytes at `at`.
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
