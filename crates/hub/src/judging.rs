//! Inventories that come, and advisory databases that are held against all of them.

use crate::intake::Intake;
use jiff::Timestamp;
use sekisho_advisory::db::{Database, DatabaseError};
use sekisho_advisory::matching::{Judge, assessed_by, subject, with_owners};
use sekisho_advisory::reevaluate::Delta;
use sekisho_api::rows::JudgingDatabase;
use sekisho_base::clock::Clock;
use sekisho_feeds::{FeedsError, Published};
use sekisho_model::{Inventory, Purl, Subject};
use sekisho_store::{JudgedPackage, NewInventory, PackageNumber, Store, StoreError, Transitions};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{JoinError, spawn_blocking};

/// Why the hub could not do something.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The advisory database cannot be used.
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    /// The advisory database is damaged.
    #[error("cannot judge by the advisory database: {0}")]
    Database(#[from] DatabaseError),
    /// A defect of this program.
    #[error("judging ended before it was done: {0}")]
    Panic(#[from] JoinError),
}

/// What is known of all that was scanned.
pub struct Hub {
    store: Store,
    clock: Arc<dyn Clock>,
    intake: Intake,
    arrived: Notify,
}

impl Hub {
    /// Over this state. It needs a runtime around it.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let intake = Intake::new(store.clone(), Arc::clone(&clock));
        Self { store, clock, intake, arrived: Notify::new() }
    }

    /// What it keeps.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Keeps an inventory, which is on disk when this is done; what is new in it is judged by [`Self::judge`].
    pub async fn take(&self, inventory: Inventory) -> Result<(), HubError> {
        let prepared = spawn_blocking(move || {
            let packages: Vec<(&Purl, Subject)> = with_owners(&inventory)
                .map(|(package, owner)| (&package.purl, subject(inventory.os.as_ref(), &package.facts, owner)))
                .collect();
            NewInventory::new(&inventory, &packages)
        });
        self.intake.take(prepared.await??).await?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Told of whenever something came.
    pub(crate) fn arrived(&self) -> &Notify {
        &self.arrived
    }

    /// From now on `database` judges.
    pub async fn adopt(&self, database: &Published) -> Result<(), HubError> {
        let by = assessed_by(&database.database()?, |_| true);
        Ok(self.store.database_adopt(&by, self.clock.now()).await?)
    }

    /// Judges by `database` all about which it says something else than `predecessor`, the one that judged before; all there is,
    /// where that is another or not there any more. Says what that changed; nothing, where another judges by now. What was begun
    /// and not ended is taken up, and another hub may do the same meanwhile.
    pub async fn judge(
        &self,
        database: &Arc<Published>,
        predecessor: Option<&Arc<Published>>,
    ) -> Result<Option<Transitions>, HubError> {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let (by, predecessor) = (Arc::clone(database), predecessor.cloned());
        // What was read of the database is kept from step to step, and reading waits for the disk.
        let runtime = Handle::current();
        spawn_blocking(move || judge(&store, &*clock, &by, predecessor.as_deref(), &runtime)).await?
    }
}

/// Packages that are read in one step.
const STEP: u32 = 10_000;

fn judge(
    store: &Store,
    clock: &dyn Clock,
    by: &Published,
    predecessor: Option<&Published>,
    runtime: &Handle,
) -> Result<Option<Transitions>, HubError> {
    let database = by.database()?;
    let digest = database.header().digest();
    let current = runtime.block_on(store.database_current())?;
    let Some(current) = current.filter(|current| current.by.digest == digest) else { return Ok(None) };
    if !current.prepared {
        prepare(store, &database, &current, predecessor, runtime)?;
    }
    let mut judge = Judge::new(&database);
    let mut all = Transitions::default();
    loop {
        let due = runtime.block_on(store.package_due())?;
        if due.is_empty() {
            break;
        }
        let judged = due.into_iter().map(|package| {
            let (findings, obstacle) = judge.judge(&package.subject)?;
            Ok(JudgedPackage { package, findings, obstacle: obstacle.map(|obstacle| obstacle.message) })
        });
        let judged = judged.collect::<Result<Vec<_>, DatabaseError>>()?;
        let met = judge.met()?;
        let step = store.package_judged(&digest, &judged, &met, clock.now());
        let Some(step) = runtime.block_on(step)? else { return Ok(None) };
        all.opened += step.opened;
        all.changed += step.changed;
        all.closed += step.closed;
    }
    if !current.described {
        // How likely it is that one is exploited changes every day, whatever is said of packages.
        let mut after = String::new();
        loop {
            let ids = runtime.block_on(store.vulnerability_list(&after))?;
            let Some(last) = ids.last() else { break };
            if runtime.block_on(store.vulnerability_put(&digest, &judge.known(&ids)?))?.is_none() {
                return Ok(None);
            }
            after.clone_from(last);
        }
        runtime.block_on(store.database_described(&digest))?;
    }
    Ok(Some(all))
}

/// Has those packages judged that `database` may judge in another way than its predecessor.
fn prepare(
    store: &Store,
    database: &Database<'_>,
    current: &JudgingDatabase,
    predecessor: Option<&Published>,
    runtime: &Handle,
) -> Result<(), HubError> {
    let digest = database.header().digest();
    let before = predecessor.map(Published::database).transpose()?;
    match before.filter(|before| current.predecessor == Some(before.header().digest())) {
        None => runtime.block_on(store.package_mark(None))?,
        Some(before) => {
            let mut delta = Delta::between(&before, database)?;
            let mut after = PackageNumber::NONE;
            loop {
                let packages = runtime.block_on(store.package_list(after, STEP))?;
                let Some(last) = packages.last() else { break };
                after = last.number;
                let touched = packages.iter().filter(|package| delta.touches(&package.subject));
                let touched: Vec<PackageNumber> = touched.map(|package| package.number).collect();
                runtime.block_on(store.package_mark(Some(&touched)))?;
            }
        }
    }
    Ok(runtime.block_on(store.database_prepared(&digest))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Had, PLACES, Said, Ticking, database, inventory};
    use proptest::prelude::*;
    use sekisho_advisory::matching::assess;
    use sekisho_api::Wanted;
    use sekisho_model::{PackageFinding, Severity};
    use std::collections::BTreeSet;

    async fn check(steps: Vec<(Vec<Said>, u8)>, inventories: Vec<(usize, Vec<Had>)>) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", directory.path().join("hub.db").display())).await.unwrap();
        let hub = Hub::new(store, Arc::new(Ticking::default()));
        let inventories: Vec<Inventory> = (0..)
            .zip(&inventories)
            .map(|(number, (release, packages))| inventory(number, *release, packages))
            .collect();
        // They come one after another, between the databases.
        let mut known = Vec::new();
        let mut moments = Vec::new();
        let mut predecessor = None;
        for (step, (said, worth)) in steps.iter().enumerate() {
            if let Some(next) = inventories.get(step) {
                hub.take(next.clone()).await.unwrap();
                known.push(next);
            }
            let published = database(&directory, step, said, *worth);
            hub.adopt(&published).await.unwrap();
            // Now and then the one before is not there any more.
            let before = predecessor.as_ref().filter(|_| step % 3 != 2);
            hub.judge(&published, before).await.unwrap().unwrap();
            assert_eq!(hub.judge(&published, None).await.unwrap(), Some(Transitions::default()));
            let database = published.database().unwrap();
            let mut expect = BTreeSet::new();
            for inventory in &known {
                for found in assess(inventory, &database, Timestamp::UNIX_EPOCH).unwrap().findings {
                    let package = inventory.packages.iter().find(|package| package.id == found.package).unwrap();
                    let purl = package.purl.as_str().to_owned();
                    expect.insert((inventory.identity(), purl, found.vulnerability, found.severity, found.fixed_in));
                }
            }
            let judge = Judge::new(&database);
            for id in (0..4).map(|number| format!("CVE-2024-{number}")) {
                let known = judge.known(std::slice::from_ref(&id)).unwrap().pop();
                let stored = hub.store.vulnerability_get(&id).await.unwrap();
                // Of one that nothing has or had nothing is kept.
                assert!(known.is_none() || stored.is_none() || stored == known, "{stored:?} {known:?}");
            }
            let now = hub.clock.now();
            assert_eq!(all_hits(&hub, now).await, expect);
            moments.push((now, expect));
            predecessor = Some(published);
        }
        // What was known on each of these days is still told.
        for (then, expect) in moments {
            assert_eq!(all_hits(&hub, then).await, expect);
        }
    }

    async fn all_hits(hub: &Hub, at: Timestamp) -> BTreeSet<(String, String, String, Severity, Vec<String>)> {
        let mut found = BTreeSet::new();
        for number in 0..4 {
            let id = format!("CVE-2024-{number}");
            for hit in hub.store.vulnerability_hits(&id, Some(at), &Wanted::first(1000)).await.unwrap().items {
                let PackageFinding { severity, fixed_in, .. } = hit.finding;
                found.insert((hit.inventory, hit.package.as_str().to_owned(), id.clone(), severity, fixed_in));
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_stored_is_what_judging_everything_anew_finds(
            always in prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 1..4_u8), 0..6),
            // What is new in each step, and how bad a catalogue finds all of it.
            steps in prop::collection::vec(
                (prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 1..4_u8), 0..3), 0..3_u8), 1..5),
            inventories in prop::collection::vec(
                (0..2_usize, prop::collection::vec((any::<bool>(), 0..3_usize, 0..4_u8), 0..5)), 1..4),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let steps = steps.into_iter().map(|(own, worth)| ([always.clone(), own].concat(), worth)).collect();
            runtime.block_on(check(steps, inventories));
        }
    }
}
