//! What every other crate stands on: limits, bounded decompression, hashing, random access to bytes,
//! bounded temporary storage, secrets, and the clock.
//!
//! This crate knows no word of the product's domain: no image, no package, no policy. Anything that
//! reads bytes from strangers goes through [`limits::Limits`] and [`inflate`], so that no input can
//! make a process grow without bound.

pub mod beneath;
pub mod bytes;
pub mod clock;
pub mod hash;
pub mod inflate;
pub mod limits;
pub mod map;
mod paths;
mod secret;
pub mod spool;
pub mod tree;
pub mod xml;

pub use bytes::ReadAt;
pub use limits::Limits;
pub use paths::PathTable;
pub use secret::Secret;
