//! Everything judged by the latest advisory database, for as long as the hub runs.

use crate::judging::{Hub, HubError};
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
    /// Something was judged anew.
    Judged(Transitions),
    /// It does not go on for now.
    Failed(HubError),
}

impl Hub {
    /// Judges what comes, and everything anew whenever the store of advisories has another database, until it is dropped.
    pub async fn keep_judged(&self, advisories: &sekisho_feeds::Store, told: impl Fn(Told)) {
        let mut current: Option<Arc<Published>> = None;
        loop {
            match self.judge_latest(advisories, &mut current, &told).await {
                // What comes is judged at once, and the store is looked at now and then.
                Ok(()) => drop(timeout(LOOK, self.arrived().notified()).await),
                Err(error) => {
                    told(Told::Failed(error));
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn judge_latest(
        &self,
        advisories: &sekisho_feeds::Store,
        current: &mut Option<Arc<Published>>,
        told: &impl Fn(Told),
    ) -> Result<(), HubError> {
        let is_current = match &*current {
            Some(published) => advisories.digest()?.is_some_and(|digest| Some(digest) == digest_of(published).ok()),
            None => false,
        };
        let mut predecessor = None;
        if !is_current {
            let store = advisories.clone();
            // The whole file is read, so that what judges is sound.
            let opened = match spawn_blocking(move || store.open()).await? {
                Ok(opened) => Arc::new(opened.published),
                Err(FeedsError::Absent(_)) if current.is_none() => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let digest = digest_of(&opened)?;
            self.adopt(&opened).await?;
            told(Told::Database(digest));
            predecessor = current.replace(opened);
        }
        let Some(database) = &*current else { return Ok(()) };
        match self.judge(database, predecessor.as_ref()).await? {
            Some(transitions) if transitions != Transitions::default() => told(Told::Judged(transitions)),
            _ => {}
        }
        Ok(())
    }
}

fn digest_of(published: &Published) -> Result<String, FeedsError> {
    Ok(published.database()?.header().digest())
}
