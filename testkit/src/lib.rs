//! What tests, the demonstration and the benchmarks share: a builder of images in every form that is
//! read, a server that misbehaves on request, and the fuzz targets. Never part of the product.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot make its input has failed"
)]

pub mod apiserver;
pub mod fuzz;
mod image;
mod layer;
pub mod registry;
pub mod server;

pub use image::{Compress, ImageBuilder};
pub use layer::{LayerBuilder, ar, pax_record};
