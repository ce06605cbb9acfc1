//! Advisory generations: what was taken from each feed, the database made of all, and how both change.
//!
//! A [`Store`] is a directory. In it lie *generations*, each what one import took from one feed, and the database built
//! from all of them, which is swapped as a whole: readers of the old one are not disturbed, a crash or a full disk
//! leaves it in place, and two imports at once wait for each other. Generations are taken from files ([`import()`]) or
//! from where advisories are published ([`update()`]); a whole database can also come from elsewhere.

pub mod exchange;
mod fetch;
mod generation;
mod import;
mod pointer;
mod source;
mod store;
mod update;
pub mod upstream;

pub use fetch::{Failure, Origin, Progress};
pub use generation::Generation;
pub use import::{Imported, Strange, import};
pub use store::{Opened, Published, Store};
pub use update::{Asked, Outcome, Updated, missing, update};

use sekisho_advisory::db::{DatabaseError, TooLarge};
use sekisho_model::Code;
use std::io;
use std::path::PathBuf;

/// Why something could not be done with advisories.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is no database.
    #[error("{path} {reason}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: DatabaseError,
    },
    /// There is more than a database can hold.
    #[error("cannot build the advisory database: {0}")]
    TooLarge(#[from] TooLarge),
    /// The database was pulled, and is not made of what was taken here.
    #[error("the advisory database in {0} was pulled, not built from feeds here")]
    Pulled(PathBuf),
    /// The database was built from what was taken here.
    #[error("the advisory database in {0} was built from feeds here")]
    Built(PathBuf),
    /// The database holds what may not be handed on.
    #[error("the database holds advisories of {}, whose publisher does not allow them to be handed on", .0.join(" and "))]
    Restricted(Vec<String>),
    /// An artifact could not be handed over.
    #[error(transparent)]
    Artifact(#[from] sekisho_oci::artifact::ArtifactError),
    /// What was to be imported is not there.
    #[error("cannot import {0}: there is no such file or directory")]
    Missing(PathBuf),
    /// Nothing was taken from a source of this name.
    #[error("nothing was taken from {name:?}; {}", origins(.there))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        there: Vec<String>,
    },
    /// There is no database.
    #[error("there is no advisory database in {0}")]
    Absent(PathBuf),
}

/// What a source can be named by.
fn origins(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing was taken from anywhere".to_owned();
    }
    format!("there is what was taken from {}", names.join(", "))
}

impl FeedsError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing(_) => Code::SourceMissing,
            Self::Read { .. } => Code::FeedUnreadable,
            Self::Write { .. } | Self::TooLarge(_) => Code::DatabaseUnwritable,
            Self::Database { .. } => Code::DatabaseDamaged,
            Self::Pulled(_) | Self::Built(_) => Code::DatabaseForeign,
            Self::Restricted(_) => Code::DatabaseRestricted,
            Self::Artifact(error) => error.code(),
            Self::Unknown { .. } => Code::UsageInvalid,
            Self::Absent(_) => Code::DatabaseAbsent,
        }
    }

    fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Read { path: path.into(), source }
    }

    fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Write { path: path.into(), source }
    }
}
