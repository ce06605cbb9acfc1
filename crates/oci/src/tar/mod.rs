//! Walking a tar archive (POSIX.1-2001 pax interchange, ustar, GNU tar, V7) without trusting it.
//!
//! Where writers and readers disagree, an entry is read as Go's `archive/tar` reads it: container runtimes
//! unpack with that, and what they would unpack is what must not be missed.
//!
//! This is not a general tar library: it never extracts, it follows no link, it keeps going where it
//! can and says where it could not. What an entry means for a file system (whiteouts, overlays) is
//! [`crate::Whiteout`]'s and the scan's business.

mod extended;
mod header;
mod sparse;
mod walk;

pub use walk::{Content, Entry, EntryKind, Visitor, Walk, walk};
