//! Inventories that come, and advisory databases that are held against all of them.

use sekisho_advisory::db::{Database, DatabaseError};
use sekisho_advisory::matching::{Judge, assessed_by, subject, with_owners};
use sekisho_advisory::reevaluate::Delta;
use sekisho_base::clock::Clock;
use sekisho_feeds::{FeedsError, Published};
use sekisho_model::{Inventory, Purl, Subject};
use sekisho_store::{JudgedPackage, JudgingDatabase, PackageNumber, Store, StoreError, Transitions};
use std::sync::Arc;
use tokio::runtime::Handle;
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
}

impl Hub {
    /// Over this state.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// What it keeps.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps an inventory; what is new in it is judged by [`Self::judge`].
    pub async fn take(&self, inventory: &Inventory) -> Result<(), HubError> {
        let packages: Vec<(&Purl, Subject)> = with_owners(inventory)
            .map(|(package, owner)| (&package.purl, subject(inventory.os.as_ref(), &package.facts, owner)))
            .collect();
        Ok(self.store.inventory_put(inventory, &packages, self.clock.now()).await?)
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
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;
    use sekisho_advisory::db::{Builder, FeedSource};
    use sekisho_advisory::ecosystem::Ecosystem;
    use sekisho_advisory::matching::assess;
    use sekisho_advisory::range::Range;
    use sekisho_advisory::record::{Advisory, Affected, Enrichment, Rating, Record, Says};
    use sekisho_model::{
        INVENTORY_SCHEMA, Origin, OsRelease, Package, PackageFacts, PackageFinding, PackageId, PackageKind, Severity,
        Source, SourceKind, SourcePackage, Tool,
    };
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicI64, Ordering};
    use tempfile::TempDir;

    /// Each look at it is a second later.
    struct Ticking(AtomicI64);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    const PLACES: [(Ecosystem, Option<&str>); 3] =
        [(Ecosystem::Debian, Some("12")), (Ecosystem::Debian, Some("13")), (Ecosystem::Npm, None)];

    /// Which place, name and version an advisory with this number is about.
    type Said = (u8, usize, usize, u8);
    /// Whether a package is the system's, its name and version.
    type Had = (bool, usize, u8);

    fn database(directory: &TempDir, name: usize, said: &[Said], worth: u8) -> Arc<Published> {
        let mut builder = Builder::default();
        builder.feed(FeedSource { id: "osv".to_owned(), ..FeedSource::default() });
        let mut add = |id: String, place: usize, name: &str, fixed: String| {
            let (ecosystem, release) = PLACES[place];
            let ranges = vec![Range::before(fixed)];
            let affected = Affected { ranges, ..Affected::new(ecosystem, release.map(str::to_owned), name) };
            builder.add(Record::Advisory(Advisory { id, affected: vec![affected], ..Advisory::default() }));
        };
        for (id, place, name, fixed) in said {
            add(format!("CVE-2024-{id}"), *place, ["a", "b", "c"][*name], fixed.to_string());
        }
        // Each knows all places, so that all is judged.
        for place in 0..PLACES.len() {
            add(format!("CVE-2020-{place}"), place, "other", "1".to_owned());
        }
        for (id, ..) in said {
            let rating = Rating::word(if worth == 0 { Severity::Low } else { Severity::High });
            let says = [
                Says::Description { text: String::new(), ratings: vec![rating], cwes: Vec::new(), rejected: false },
                Says::Likelihood { probability: f64::from(worth) / 10.0, percentile: 0.5 },
            ];
            for says in says {
                builder.add(Record::Enrichment(Enrichment { id: format!("CVE-2024-{id}"), says }));
            }
        }
        let path = directory.path().join(format!("{name}.db"));
        std::fs::write(&path, builder.finish().unwrap()).unwrap();
        Arc::new(Published::open(&path).unwrap())
    }

    fn inventory(number: usize, release: usize, packages: &[Had]) -> Inventory {
        let package = |(is_system, name, version): &Had| {
            let (name, version) = (["a", "b", "c"][*name], version.to_string());
            let (kind, location) = if *is_system {
                (PackageKind::Deb, "var/lib/dpkg/status")
            } else {
                (PackageKind::Npm, "app/package.json")
            };
            let source = is_system.then(|| SourcePackage { name: name.to_owned(), version: version.clone() });
            let purl: Purl = format!("pkg:{}/{name}@{version}", kind.as_str()).parse().unwrap();
            Package {
                id: PackageId::new(&purl, location),
                purl,
                facts: PackageFacts { source, ..PackageFacts::new(kind, name, version) },
                location: location.to_owned(),
                layer: None,
                origin: Origin::Unknown,
                owned_by: None,
            }
        };
        let version_id = ["12", "13"][release].to_owned();
        Inventory {
            schema: INVENTORY_SCHEMA.to_owned(),
            tool: Tool { name: "sekisho".to_owned(), version: "0".to_owned() },
            observed_at: Timestamp::UNIX_EPOCH,
            source: Source { kind: SourceKind::FileSystem, name: format!("image-{number}") },
            image: None,
            os: Some(OsRelease { id: "debian".to_owned(), version_id, ..OsRelease::default() }),
            packages: packages.iter().collect::<BTreeSet<_>>().into_iter().map(package).collect(),
            removed: Vec::new(),
            files: Vec::new(),
            documents: Vec::new(),
            content_sets: Vec::new(),
            complete: true,
            diagnostics: Vec::new(),
        }
    }

    async fn check(steps: Vec<(Vec<Said>, u8)>, inventories: Vec<(usize, Vec<Had>)>) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", directory.path().join("hub.db").display())).await.unwrap();
        let hub = Hub::new(store, Arc::new(Ticking(AtomicI64::new(1))));
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
                hub.take(next).await.unwrap();
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
            for hit in hub.store.vulnerability_hits(&id, at, 1000).await.unwrap() {
                let PackageFinding { severity, fixed_in, .. } = hit.finding;
                found.insert((hit.inventory, hit.purl.as_str().to_owned(), id.clone(), severity, fixed_in));
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
