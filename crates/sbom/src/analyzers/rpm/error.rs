//! Why a database, or one record of it, could not be read, and the reading of fixed-width integers.

use std::io;

/// What the back ends and the header parser fail with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The bytes could not be had.
    #[error("could not be read: {0}")]
    Io(#[source] io::Error),
    /// The bytes do not follow their format.
    #[error("{0}")]
    Damaged(&'static str),
    /// A header larger than this many bytes, the limit, was left unread.
    #[error("a header has more than the limit of {0} bytes")]
    TooLarge(u64),
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
