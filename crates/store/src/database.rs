//! The database: opened, brought up to date, and what differs between the two kinds.

use crate::error::{During, StoreError};
use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Any, AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqlStr, Transaction};
use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// The forms that the tables had, oldest first; what is released is never changed again.
const MIGRATIONS: [(i64, &str, &str, &str); 1] = [(
    1,
    "core",
    include_str!("../migrations/sqlite/0001_core.sql"),
    include_str!("../migrations/postgres/0001_core.sql"),
)];

/// Connections of readers, and to `PostgreSQL` of all.
const CONNECTIONS: u32 = 8;
/// How long to wait for a connection, or for another process that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of each connection to `SQLite`: a commit is on disk before it is told (`FULL`), and readers do not wait for the writer (`WAL`).
const PRAGMAS: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// A statement with very many values, each named once and in order. `SQLite` looks for the name of each among all of them, which
    /// for thousands takes longer than all the rest: there they have none.
    pub(crate) fn bulk(self, sql: String) -> AssertSqlSafe<String> {
        if self == Self::Postgres {
            return AssertSqlSafe(sql);
        }
        let mut nameless = String::with_capacity(sql.len());
        let mut parts = sql.split('$');
        nameless.push_str(parts.next().unwrap_or_default());
        for (place, part) in (1_usize..).zip(parts) {
            let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
            debug_assert_eq!(part[..part.len() - rest.len()].parse(), Ok(place), "{sql}");
            nameless.push('?');
            nameless.push_str(rest);
        }
        AssertSqlSafe(nameless)
    }
}

/// The state of a hub, over `SQLite` (one file, one writer at a time) or `PostgreSQL` (any number of hubs).
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) backend: Backend,
    pub(crate) readers: AnyPool,
    writers: AnyPool,
}

impl Store {
    /// Opens the database at `url` and brings its tables up to date: `sqlite:/var/lib/sekisho/hub.db`, which is made where it is
    /// not there, or `postgres://user@host/name`.
    ///
    /// # Errors
    /// [`StoreError::Open`] where it cannot be reached or is of no known kind, [`StoreError::Migrate`] where a later version has
    /// written to it or a step fails, which leaves it as it was.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let shown = without_password(url);
        let failed = |source| StoreError::Open { url: shown.clone(), source };
        let backend = match url.split_once(':') {
            Some(("sqlite", _)) => Backend::Sqlite,
            Some(("postgres" | "postgresql", _)) => Backend::Postgres,
            _ => {
                let message = "its address begins neither with sqlite: nor with postgres:";
                return Err(failed(sqlx::Error::Configuration(message.into())));
            }
        };
        let url = match backend {
            Backend::Sqlite if !url.contains("mode=") => {
                Cow::Owned(format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' }))
            }
            _ => Cow::Borrowed(url),
        };
        if backend == Backend::Sqlite {
            private(&url).map_err(|error| failed(sqlx::Error::Io(error)))?;
        }
        let options = AnyConnectOptions::from_str(&url).map_err(failed)?.disable_statement_logging();
        // A pool tries for as long as it may, and then says no more than that.
        let mut first = options.connect().await.map_err(failed)?;
        first.execute(if backend == Backend::Sqlite { PRAGMAS } else { "SELECT 1" }).await.map_err(failed)?;
        first.close().await.map_err(failed)?;
        let pool = |size: u32| {
            AnyPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(PATIENCE)
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        if backend == Backend::Sqlite {
                            connection.execute(PRAGMAS).await?;
                        }
                        Ok(())
                    })
                })
                .after_release(move |connection, _| {
                    Box::pin(async move {
                        // Where something failed within a transaction, as on a full disk, it may be open still: what is done
                        // next would be part of it, acknowledged and never kept. Then the connection goes.
                        if connection.is_in_transaction() {
                            return Ok(false);
                        }
                        if backend == Backend::Sqlite {
                            return Ok(connection.execute("BEGIN; ROLLBACK").await.is_ok());
                        }
                        Ok(true)
                    })
                })
        };
        let size = if backend == Backend::Sqlite { 1 } else { CONNECTIONS };
        let writers = pool(size).connect_with(options.clone()).await.map_err(failed)?;
        let store = match backend {
            Backend::Sqlite => {
                // The file must be there, with its journal's mode, before others read it.
                let readers = pool(CONNECTIONS).connect_lazy_with(options);
                Self { backend, readers, writers }
            }
            Backend::Postgres => Self { backend, readers: writers.clone(), writers },
        };
        store.migrate().await?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let migrations = MIGRATIONS.map(|(version, name, sqlite, postgres)| {
            let sql = if self.backend == Backend::Sqlite { sqlite } else { postgres };
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, SqlStr::from_static(sql), false)
        });
        Migrator { migrations: Cow::Owned(migrations.into()), ..Migrator::DEFAULT }.run(&self.writers).await?;
        Ok(())
    }

    /// Begins what is done as a whole or not at all.
    pub(crate) async fn begin(&self, action: &'static str) -> Result<Transaction<'static, Any>, StoreError> {
        self.writers.begin().await.during(action)
    }

    /// What keeps two takers from waiting for one row where there may be several at once.
    pub(crate) fn skip_locked(&self) -> &'static str {
        match self.backend {
            Backend::Sqlite => "",
            Backend::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Ends all connections, so that nothing is left to be written.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// Microseconds since 1970, as times are stored.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The time that was stored.
pub(crate) fn moment(micros: i64, what: &str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| StoreError::Damaged { what: what.to_owned(), reason: error.to_string() })
}

/// A stranger's text as `PostgreSQL` takes it, which knows no NUL.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Values that one statement takes at most; `SQLite` takes 32,766.
pub(crate) const VALUES: usize = 8_000;

/// `$2, $3, $4`: so many places from the first on.
pub(crate) fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// `$1, $2, $3` for rows of so many values, as `($1, $2), ($3, $4)`.
pub(crate) fn rows(count: usize, width: usize) -> String {
    let row = |row: usize| format!("({})", places(row * width + 1, width));
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

/// Makes the file of `SQLite`, where it is not there yet, for its owner alone: it holds hashes of passwords.
fn private(url: &str) -> std::io::Result<()> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path.starts_with(':') || Path::new(path).exists() {
        return Ok(());
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// An address without the password in it, for messages.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_passwords() {
        for (url, expect) in [
            ("postgres://hub:se@cret@db:5432/hub?sslmode=require", "postgres://hub@db:5432/hub?sslmode=require"),
            ("postgres://db/hub", "postgres://db/hub"),
            ("sqlite:/var/lib/hub.db", "sqlite:/var/lib/hub.db"),
        ] {
            assert_eq!(without_password(url), expect);
        }
    }

    #[test]
    fn where_there_are_many_values_they_have_no_names_in_sqlite() {
        let sql = "UPDATE t SET a = $1 WHERE b IN ($2, $3)".to_owned();
        assert_eq!(Backend::Sqlite.bulk(sql.clone()).0, "UPDATE t SET a = ? WHERE b IN (?, ?)");
        assert_eq!(Backend::Postgres.bulk(sql.clone()).0, sql);
    }

    #[tokio::test]
    async fn what_is_acknowledged_after_the_disk_was_full_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let store = Store::open(&url).await.unwrap();
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writers).await.unwrap();
        let most = AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 50));
        sqlx::query(most).fetch_one(&store.writers).await.unwrap();
        let job = |subject: &str, bytes: usize| crate::NewJob {
            kind: "x".to_owned(),
            subject: subject.to_owned(),
            payload: "x".repeat(bytes),
            due_at: Timestamp::UNIX_EPOCH,
        };
        let error = store.job_put(&job("large", 10 << 20), Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        for number in 0..3 {
            store.job_put(&job(&number.to_string(), 1), Timestamp::UNIX_EPOCH).await.unwrap();
        }
        store.close().await;
        let again = Store::open(&url).await.unwrap();
        assert_eq!(again.job_list(&sekisho_api::Wanted::first(9)).await.unwrap().items.len(), 3);
    }

    #[test]
    fn places_are_numbered_through() {
        assert_eq!(rows(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}
