//! Everything judged by the latest advisory database, for as long as the hub runs.

use crate::judging::{Hub, HubError};
use jiff::Timestamp;
use sekisho_feeds::{FeedsError, Published};
use sekisho_store::Transitions;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// How often it is looked whether there is another database.
const LOOK: Duration = Duration::from_secs(5);
/// How long to wait after something went wrong.
const AGAIN: Duration = Duration::from_secs(30);

/// What is told of judging.
#[derive(Debug)]
pub enum Told {
    /// This database judges now.
    Database(String),
    /// This database is older than the one that another hub judges by, and is not taken.
    Outdone(String),
    /// Something was judged anew.
    Judged(Transitions),
    /// It does not go on for now.
    Failed(HubError),
}

/// What this hub judges by.
#[derive(Default)]
struct Latest {
    published: Option<Arc<Published>>,
    /// The one before, for as long as what is different has to be found out.
    predecessor: Option<Arc<Published>>,
    /// What the file in the store said it was when it was looked at last, or what was wrong with that: a damaged one is not looked
    /// at again.
    seen: Option<String>,
}

impl Hub {
    /// Judges what comes, and everything anew whenever the store of advisories has another database, until it is dropped.
    pub async fn keep_judged(&self, advisories: &sekisho_feeds::Store, told: impl Fn(Told)) {
        let mut latest = Latest::default();
        // What is wrong with the store of advisories is told once, and what there is goes on judging.
        let mut wrong = String::new();
        loop {
            match self.look(advisories, &mut latest, &told).await {
                Ok(()) => wrong.clear(),
                Err(error) if error.to_string() == wrong => {}
                Err(error) => {
                    wrong = error.to_string();
                    told(Told::Failed(error));
                }
            }
            match self.judge_by(&mut latest, &told).await {
                // What comes is judged at once, and the store is looked at now and then.
                Ok(()) => drop(timeout(LOOK, self.arrived().notified()).await),
                Err(error) => {
                    told(Told::Failed(error));
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Takes another database where there is one.
    async fn look(
        &self,
        advisories: &sekisho_feeds::Store,
        latest: &mut Latest,
        told: &impl Fn(Told),
    ) -> Result<(), HubError> {
        let found = advisories.digest().unwrap_or_else(|error| Some(error.to_string()));
        if found == latest.seen {
            return Ok(());
        }
        let store = advisories.clone();
        // The whole file is read, so that what judges is sound.
        let opened = match spawn_blocking(move || store.open()).await? {
            Ok(opened) => opened,
            Err(FeedsError::Absent(_)) => {
                latest.seen = None;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let published = Arc::new(opened.published);
        let digest = digest_of(&published)?;
        let is_same = match &latest.published {
            Some(before) => digest_of(before)? == digest,
            None => false,
        };
        if !is_same {
            if self.is_outdone(&published, &digest).await? {
                told(Told::Outdone(digest));
            } else {
                self.adopt(&published).await?;
                told(Told::Database(digest));
            }
            latest.predecessor = latest.published.replace(published);
        }
        latest.seen = found;
        match opened.fallback {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }

    /// Whether another database judges that came after this one was published: another hub over the same state had it first, and
    /// this one's is old.
    async fn is_outdone(&self, published: &Published, digest: &str) -> Result<bool, HubError> {
        let Some(judging) = self.store().database_current().await?.filter(|judging| judging.by.digest != digest) else {
            return Ok(false);
        };
        let written = std::fs::metadata(published.path()).and_then(|file| file.modified());
        let written = written.ok().and_then(|time| Timestamp::try_from(time).ok());
        Ok(written.is_some_and(|written| written < judging.adopted_at))
    }

    async fn judge_by(&self, latest: &mut Latest, told: &impl Fn(Told)) -> Result<(), HubError> {
        let Some(database) = &latest.published else { return Ok(()) };
        match self.judge(database, latest.predecessor.as_ref()).await? {
            Some(transitions) if transitions != Transitions::default() => told(Told::Judged(transitions)),
            _ => {}
        }
        latest.predecessor = None;
        Ok(())
    }
}

fn digest_of(published: &Published) -> Result<String, FeedsError> {
    Ok(published.database()?.header().digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{database, inventory};
    use sekisho_api::Wanted;
    use sekisho_base::clock::SystemClock;
    use sekisho_store::Store;
    use std::fs::{self, File};
    use std::path::Path;
    use std::sync::Mutex;
    use std::time::SystemTime;
    use tempfile::TempDir;
    use tokio::sync::Notify;

    /// Runs a hub until it has told so many things, and gives these.
    async fn told(hub: &Hub, advisories: &Path, wanted: usize) -> Vec<String> {
        let advisories = sekisho_feeds::Store::new(advisories.to_owned());
        let (said, enough) = (Mutex::new(Vec::new()), Notify::new());
        let tell = |told: Told| {
            let word = match told {
                Told::Database(_) => "database",
                Told::Outdone(_) => "outdone",
                Told::Judged(_) => "judged",
                Told::Failed(_) => "failed",
            };
            let mut said = said.lock().unwrap();
            said.push(word.to_owned());
            if said.len() == wanted {
                enough.notify_one();
            }
        };
        tokio::select! {
            () = hub.keep_judged(&advisories, tell) => {}
            () = enough.notified() => {}
        }
        said.into_inner().unwrap()
    }

    fn publish(directory: &TempDir, name: usize, into: &Path, written: Option<SystemTime>) {
        fs::create_dir_all(into).unwrap();
        let path = into.join("advisories.skadv");
        let published = database(directory, name, &[(1, 0, 0, u8::try_from(name).unwrap() + 2)], 0);
        fs::copy(published.path(), &path).unwrap();
        if let Some(written) = written {
            File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
        }
    }

    #[tokio::test]
    async fn a_database_is_taken_and_an_older_one_of_another_hub_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let hub = async || Hub::new(Store::open(&url).await.unwrap(), Arc::new(SystemClock));
        let (one, other) = (hub().await, hub().await);
        let [here, there] = ["here", "there"].map(|name| directory.path().join(name));
        one.take(inventory(1, 0, &[(true, 0, 1)])).await.unwrap();
        publish(&directory, 1, &here, None);
        assert_eq!(told(&one, &here, 2).await, ["database", "judged"]);
        // The other hub did not hear of it yet.
        publish(&directory, 0, &there, Some(SystemTime::UNIX_EPOCH));
        assert_eq!(told(&other, &there, 1).await, ["outdone"]);
        let hits = one.store().vulnerability_hits("CVE-2024-1", None, &Wanted::first(9)).await.unwrap().items;
        assert_eq!(hits[0].finding.fixed_in, ["3"]);
        // Somebody goes back to it on purpose.
        publish(&directory, 0, &there, None);
        assert_eq!(told(&other, &there, 2).await, ["database", "judged"]);
        let hits = one.store().vulnerability_hits("CVE-2024-1", None, &Wanted::first(9)).await.unwrap().items;
        assert_eq!(hits[0].finding.fixed_in, ["2"]);
    }

    #[tokio::test]
    async fn a_damaged_database_is_told_and_the_one_before_judges() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let hub = Hub::new(Store::open(&url).await.unwrap(), Arc::new(SystemClock));
        let here = directory.path().join("here");
        hub.take(inventory(1, 0, &[(true, 0, 1)])).await.unwrap();
        publish(&directory, 1, &here, None);
        fs::rename(here.join("advisories.skadv"), here.join("advisories.previous.skadv")).unwrap();
        fs::write(here.join("advisories.skadv"), "damaged").unwrap();
        assert_eq!(told(&hub, &here, 3).await, ["database", "failed", "judged"]);
    }
}
