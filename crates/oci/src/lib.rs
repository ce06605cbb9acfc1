//! Images as they are stored: layouts, archives, manifests, and the walk over a layer's tar.
//!
//! This crate reads bytes and names, verifies digests and says what is there. What a file *means*
//! (a package, a secret) is decided above it.

pub mod image;
pub mod path;
pub mod stream;
pub mod tar;
mod whiteout;

pub use image::{Choice, FileState, ImageError, LayerBlob, OpenImage, Referrer, open, referrers};
pub use stream::{LayerEnd, LayerStream};
pub use whiteout::Whiteout;
