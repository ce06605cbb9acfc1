//! Why something could not be kept or read.

/// An operation that failed, and what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("cannot open the database {url}: {source}")]
    Open {
        /// Its address, without a password.
        url: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables could not be brought to the form that this version knows.
    #[error("cannot bring the tables of the database up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused, or could not be reached.
    #[error("cannot {action}: {source}")]
    Query {
        /// What was to be done.
        action: &'static str,
        /// Why not.
        source: sqlx::Error,
    },
    /// What is stored is not what was written.
    #[error("what is stored of {what} is damaged: {reason}")]
    Damaged {
        /// What it is of.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The hub ends, and keeps nothing more.
    #[error("cannot store it: the hub is ending")]
    Ended,
}

impl StoreError {
    /// Whether the same may succeed later, without anybody doing something about it but the database's keeper.
    pub fn is_transient(&self) -> bool {
        let source = match self {
            Self::Open { source, .. } | Self::Query { source, .. } => source,
            Self::Ended => return true,
            Self::Migrate(_) | Self::Damaged { .. } => return false,
        };
        match source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // SQLite: busy, locked, full. PostgreSQL: a full disk, lost connections, a server that goes down or has no room for more, two
            // transactions that wait for each other.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                matches!(
                    &*code,
                    "5" | "6"
                        | "13"
                        | "261"
                        | "517"
                        | "40001"
                        | "40P01"
                        | "53100"
                        | "53300"
                        | "57P01"
                        | "57P02"
                        | "57P03"
                ) || code.starts_with("08")
            }),
            _ => false,
        }
    }
}

/// Says what was to be done with what went wrong.
pub(crate) trait During<T> {
    fn during(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Query { action, source })
    }
}
