//! Inventories that come, and advisory databases that are held against all of them.

use sekisho_advisory::db::DatabaseError;
use sekisho_advisory::matching::{Judge, assessed_by, subject, with_owners};
use sekisho_base::clock::Clock;
use sekisho_feeds::{FeedsError, Published};
use sekisho_model::{Inventory, Purl, Subject};
use sekisho_store::{JudgedPackage, Store, StoreError, Transitions};
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

    /// Judges by `database` all that it has not judged, and says what that changed; nothing, where another judges by now. Another
    /// hub may do the same meanwhile.
    pub async fn judge(&self, database: &Arc<Published>) -> Result<Option<Transitions>, HubError> {
        let (store, clock, by) = (self.store.clone(), Arc::clone(&self.clock), Arc::clone(database));
        // What was read of the database is kept from step to step, and reading waits for the disk.
        let runtime = Handle::current();
        spawn_blocking(move || judge(&store, &*clock, &by, &runtime)).await?
    }
}

fn judge(store: &Store, clock: &dyn Clock, by: &Published, runtime: &Handle) -> Result<Option<Transitions>, HubError> {
    let database = by.database()?;
    let digest = database.header().digest();
    let mut judge = Judge::new(&database);
    let mut all = Transitions::default();
    loop {
        let due = runtime.block_on(store.package_due(&digest))?;
        if due.is_empty() {
            return Ok(Some(all));
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
    use sekisho_advisory::record::{Advisory, Affected, Record};
    use sekisho_model::{
        INVENTORY_SCHEMA, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Source, SourceKind,
        SourcePackage, Tool,
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

    fn database(directory: &TempDir, name: usize, said: &[Said]) -> Arc<Published> {
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
        let path = directory.path().join(format!("{name}.db"));
        std::fs::write(&path, builder.finish().unwrap()).unwrap();
        Arc::new(Published::open(&path).unwrap())
    }

    fn inventory(number: usize, release: usize, packages: &[(bool, usize, u8)]) -> Inventory {
        let package = |(is_system, name, version): &(bool, usize, u8)| {
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

    async fn check(steps: Vec<Vec<Said>>, inventories: Vec<(usize, Vec<(bool, usize, u8)>)>) {
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
        for (step, said) in steps.iter().enumerate() {
            if let Some(next) = inventories.get(step) {
                hub.take(next).await.unwrap();
                known.push(next);
            }
            let database = database(&directory, step, said);
            hub.adopt(&database).await.unwrap();
            hub.judge(&database).await.unwrap().unwrap();
            assert_eq!(hub.judge(&database).await.unwrap(), Some(Transitions::default()));
            let database = database.database().unwrap();
            let mut expect = BTreeSet::new();
            for inventory in &known {
                for found in assess(inventory, &database, Timestamp::UNIX_EPOCH).unwrap().findings {
                    let package = inventory.packages.iter().find(|package| package.id == found.package).unwrap();
                    let purl = package.purl.as_str().to_owned();
                    expect.insert((inventory.identity(), purl, found.vulnerability, found.fixed_in));
                }
            }
            let now = hub.clock.now();
            assert_eq!(all_hits(&hub, now).await, expect);
            moments.push((now, expect));
        }
        // What was known on each of these days is still told.
        for (then, expect) in moments {
            assert_eq!(all_hits(&hub, then).await, expect);
        }
    }

    async fn all_hits(hub: &Hub, at: Timestamp) -> BTreeSet<(String, String, String, Vec<String>)> {
        let mut found = BTreeSet::new();
        for number in 0..4 {
            let id = format!("CVE-2024-{number}");
            for hit in hub.store.vulnerability_hits(&id, at, 1000).await.unwrap() {
                found.insert((hit.inventory, hit.purl.as_str().to_owned(), id.clone(), hit.finding.fixed_in));
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_stored_is_what_judging_everything_anew_finds(
            steps in prop::collection::vec(
                prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 1..4_u8), 0..6), 1..4),
            inventories in prop::collection::vec(
                (0..2_usize, prop::collection::vec((any::<bool>(), 0..3_usize, 0..4_u8), 0..5)), 1..4),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(check(steps, inventories));
        }
    }
}
