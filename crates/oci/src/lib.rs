//! Images as they are stored: layouts, archives, manifests, and the walk over a layer's tar.
//!
//! This crate reads bytes and names, verifies digests and says what is there. What a file *means*
//! (a package, a secret) is decided above it. [`artifact`] hands files to registries and takes them from there.

pub mod artifact;
mod auth;
pub mod bolt;
mod client;
pub mod container;
pub mod image;
pub mod path;
mod reference;
pub mod stream;
pub mod tar;
mod whiteout;

pub use auth::{Logins, LoginsError};
pub use client::Access;
pub use image::{
    Choice, FileState, ImageError, LayerBlob, Location, Mirror, OpenImage, Referrer, Registries, RegistriesFiles,
    Sites, SplitLayer, StorageFiles, StoreKind, Stored, Stores, open, referrers,
};
pub use reference::{Place, image_named};
pub use sekisho_net::Patience;
pub use stream::{LayerEnd, LayerStream};
pub use whiteout::Whiteout;
