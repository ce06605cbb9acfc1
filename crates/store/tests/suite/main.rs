//! What every database has to do, asked of both: of `SQLite` in a file of its own, and of `PostgreSQL` on a server that is started
//! for the test, where one is installed.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

mod accounts;
mod audit;
mod findings;
mod inventories;
mod jobs;
mod lists;
mod opening;
mod postgres;

use jiff::Timestamp;
use postgres::Postgres;
use sekisho_store::Store;
use tempfile::TempDir;

/// A database of one test; it goes with this.
struct World {
    store: Store,
    url: String,
    _directory: TempDir,
    _server: Option<Postgres>,
}

impl World {
    async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        Self { store: Store::open(&url).await.unwrap(), url, _directory: directory, _server: None }
    }

    /// None where no server can be had, which is said.
    async fn postgres() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let server = match Postgres::start(directory.path()) {
            Ok(server) => server,
            Err(why) => {
                println!("SKIP: {why}");
                return None;
            }
        };
        let url = server.url();
        Some(Self { store: Store::open(&url).await.unwrap(), url, _directory: directory, _server: Some(server) })
    }
}

/// Each test on both.
macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::World::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(world) = crate::World::postgres().await { super::$name(world).await; }
            })*
        }
    };
}
pub(crate) use suite;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
