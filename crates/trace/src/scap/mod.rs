//! Captures as Falco and sysdig write them, read and written.
//!
//! A capture is a list of blocks, each with its kind and length before it and its length again behind it, in the manner
//! of pcapng: what the host was like (processes, open files, addresses, users), then events. Kinds and layouts:
//! `userspace/libscap/engine/savefile` in <https://github.com/falcosecurity/libs>. Files may be compressed. All numbers
//! are little-endian.
//!
//! What is read is told in values of [`crate::state`], which knows nothing of captures.

pub mod flight;
mod lists;
mod read;
mod replay;
#[cfg(test)]
mod tests;
pub mod write;

pub use flight::Flight;
pub use read::{Reader, Record, ScapError};
pub use replay::{Options, Replay};

/// Kinds of blocks. Each had another number before the format was published.
mod kind {
    pub(super) const SECTION: u32 = 0x0A0D_0D0A;
    pub(super) const MACHINE: u32 = 0x201;
    pub(super) const EVENT: u32 = 0x204;
    pub(super) const EVENT_V2: u32 = 0x216;
    pub(super) const EVENT_V2_LARGE: u32 = 0x221;
    pub(super) const FLAGGED: u32 = 0x208;
    pub(super) const FLAGGED_V2: u32 = 0x217;
    pub(super) const FLAGGED_V2_LARGE: u32 = 0x222;
    pub(super) const FDS: u32 = 0x203;
    pub(super) const FDS_V2: u32 = 0x218;
    pub(super) const INTERFACES: u32 = 0x205;
    pub(super) const INTERFACES_V2: u32 = 0x219;
    pub(super) const USERS: u32 = 0x206;
    pub(super) const USERS_V2: u32 = 0x220;
    pub(super) const PROCESSES_V9: u32 = 0x215;

    /// The version of a list of processes, 1 to 9.
    pub(super) fn processes(kind: u32) -> Option<u8> {
        Some(match kind {
            0x202 => 1,
            0x207 => 2,
            0x209 => 3,
            0x210..=0x215 => (kind - 0x210) as u8 + 4,
            _ => return None,
        })
    }

    /// The published number of a kind.
    pub(super) fn published(kind: u32) -> u32 {
        match kind {
            0x8000_ABCD => 0x202,
            0x8001_ABCD => FDS,
            0x8002_ABCD => MACHINE,
            0x8010_ABCD => EVENT,
            0x8011_ABCD => INTERFACES,
            0x8012_ABCD => USERS,
            0x8013_ABCD => 0x207,
            0x8014_ABCD => 0x209,
            other => other,
        }
    }
}

/// `byte_order_magic` of the section header.
const MAGIC: u32 = 0x1A2B_3C4D;
/// The version of the format that is written, and the greatest whose first number is read.
const VERSION: (u16, u16) = (1, 2);
