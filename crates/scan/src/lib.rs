//! From an image, a directory or a file that holds one to an inventory, in one pass over each layer.
//!
//! [`scan_image`] and [`scan_fs`] are the doors. Behind them: `layer`, `tree` and `file` read bytes once and
//! dispatch files to analyzers, `cache` remembers layers by the digest of the bytes we hashed,
//! `overlay` decides what the image shows, `assemble` turns that into packages with their layers,
//! owners, licences and base image.

mod assemble;
mod base;
mod cache;
mod collect;
mod facts;
mod file;
mod hardlink;
mod image;
mod known;
mod layer;
mod overlay;
mod tree;

pub use base::{BaseError, KnownBase, KnownBases};
pub use cache::Cache;
pub use image::scan_image;
pub use tree::scan_fs;

use sekisho_base::Limits;
use sekisho_base::clock::Clock;
use sekisho_base::spool::SpillQuota;
use sekisho_model::{Code, Tool};
use sekisho_oci::{Choice, ImageError, Location, OpenImage, Registries, Stores};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Told how far a scan has come, from several threads.
pub trait Progress: Sync {
    /// How many bytes there are to go through.
    fn total(&self, bytes: u64);
    /// How many more have been gone through.
    fn advance(&self, bytes: u64);
    /// How many bytes went through temporary files, told once at the end.
    fn spilled(&self, bytes: u64);
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn spilled(&self, _: u64) {}
}

/// How to scan.
pub struct Options<'a> {
    /// Bounds on input.
    pub limits: Limits,
    /// Which image of an archive.
    pub choice: Choice,
    /// Layers read at the same time; 0 for one a processor.
    pub jobs: usize,
    /// Whether packages that only lower layers hold are listed.
    pub all_layers: bool,
    /// Whether the files of packages of the operating system are listed.
    pub package_files: bool,
    /// Whether a scan of a directory goes into other file systems.
    pub cross_file_systems: bool,
    /// Base images to recognise.
    pub bases: KnownBases,
    /// Where layer results are remembered; `None` for nowhere.
    pub cache: Option<Cache>,
    /// Hash local files again even if nothing about them seems to have changed.
    pub rehash: bool,
    /// Where images of registries come from; `None` for nowhere.
    pub registries: Option<&'a Registries>,
    /// Where engines on this machine keep images.
    pub stores: Stores,
    /// Where temporary files go.
    pub temporary: PathBuf,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Watches.
    pub progress: &'a dyn Progress,
}

/// Opens the image that `argument` names: a file or directory, one in a store, or else one of a registry. Returns what it is called too.
fn open(
    argument: &Path,
    choice: &Choice,
    options: &Options<'_>,
    quota: &Arc<SpillQuota>,
) -> Result<(OpenImage, String), ImageError> {
    match (Location::of(argument), options.registries) {
        (Ok(Location::Registry { reference, short, forced }), Some(registries)) => {
            let (image, named) = registries.open(&reference, short.as_deref(), forced, choice, &options.limits)?;
            Ok((image, named.to_string()))
        }
        (Ok(Location::Store { kind, name }), _) => {
            let image = options.stores.open(kind, &name, choice, &options.limits)?;
            Ok((image, argument.to_string_lossy().into_owned()))
        }
        (Err(invalid), _) => Err(unreadable(&invalid)),
        (Ok(_), _) => {
            let image = sekisho_oci::open(argument, choice, &options.limits, quota)?;
            Ok((image, argument.to_string_lossy().into_owned()))
        }
    }
}

fn unreadable(invalid: &sekisho_model::InvalidImageRef) -> ImageError {
    ImageError::Unknown { reason: invalid.to_string(), hint: Some("as in registry.example.org/team/app:1.0") }
}

/// Why a scan could not be made at all. Its text begins with what was to be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The image could not be opened.
    #[error("cannot scan {path}: {error}")]
    Image {
        /// The path.
        path: PathBuf,
        /// Why; its own source is the next in the chain.
        error: ImageError,
    },
    /// There is nothing.
    #[error("cannot scan {path}: there is no such file or directory")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// It is a file of no form that is read.
    #[error("cannot scan {path}: {reason}")]
    Form {
        /// The path.
        path: PathBuf,
        /// What it is or is not.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// It is something else.
    #[error("cannot scan {path}: it is neither a directory nor a file")]
    NotDirectory {
        /// The path.
        path: PathBuf,
    },
    /// The directory or file could not be opened.
    #[error("cannot scan {path}: it cannot be read")]
    Directory {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ScanError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Image { error, .. } => error.code(),
            Self::Missing { .. } => Code::SourceMissing,
            Self::Form { .. } => Code::SourceUnknown,
            Self::NotDirectory { .. } => Code::SourceNotDirectory,
            Self::Directory { .. } => Code::SourceUnreadable,
        }
    }

    /// What to do, where more is known than goes with the code.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image { error, .. } => error.hint(),
            Self::Form { hint, .. } => Some((*hint).to_owned()),
            Self::Missing { .. } | Self::NotDirectory { .. } | Self::Directory { .. } => None,
        }
    }
}

/// This program, as it signs documents.
pub fn tool() -> Tool {
    Tool { name: "sekisho".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
