//! From the bytes of one file to the packages it tells of, and from an inventory to a standard SBOM.
//!
//! Pure: values and bytes in, values out. Where the bytes come from, which layer hides which, and what
//! a cache remembers is the business of `scan`. Each reader is a folder under [`analyzers`], registered
//! by one line in [`analyzers::ANALYZERS`].

pub mod analyzer;
pub mod analyzers;
pub mod cyclonedx;
pub mod dispatch;
mod glob;
mod json;
pub mod merge;
pub mod project;
mod property;
pub mod purl;
pub mod read;
pub mod spdx;
mod syft;
pub mod zip;

#[cfg(test)]
mod testing;

pub use analyzer::{Analyzer, Extract, File, OwnedFiles, PackageLicenses};
pub use dispatch::Dispatch;
