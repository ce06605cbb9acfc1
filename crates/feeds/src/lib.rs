//! Advisory generations: what was taken from each feed, the database made of all, and how both change.
//!
//! A [`Store`] is a directory. In it lie *generations*, each what one import took from one feed, and the database built
//! from all of them, which is swapped as a whole: readers of the old one are not disturbed, a crash or a full disk
//! leaves it in place, and two imports at once wait for each other.

mod generation;
mod import;
mod source;
mod store;

pub use generation::Generation;
pub use import::{Imported, import};
pub use store::{Opened, Published, Store};

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
    /// There is no database.
    #[error("there is no advisory database in {0}")]
    Absent(PathBuf),
}

impl FeedsError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Read { .. } => Code::FeedUnreadable,
            Self::Write { .. } | Self::TooLarge(_) => Code::DatabaseUnwritable,
            Self::Database { .. } => Code::DatabaseDamaged,
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
