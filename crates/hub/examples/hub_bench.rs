//! What the hub costs, for `cargo xtask bench hub`: each mode prints `name value unit` lines.
//!
//! Images stand on a few hundred bases, and share most of the language packages that they add, as in a real fleet.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool of the developers")]

use jiff::Timestamp;
use sekisho_api::Wanted;
use sekisho_api::filter::{Field, Filter};
use sekisho_api::rows::{FindingEntry, InventoryEntry, PackageEntry, VulnerabilityEntry};
use sekisho_base::clock::SystemClock;
use sekisho_feeds::Published;
use sekisho_hub::Hub;
use sekisho_model::{
    INVENTORY_SCHEMA, Inventory, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Purl, Source,
    SourceKind, SourcePackage, Tool,
};
use sekisho_store::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Who send inventories at the same time.
const SENDERS: usize = 32;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["judge", url, old, new, inventories] => {
            judge(url, Path::new(old), Path::new(new), inventories.parse().unwrap()).await;
        }
        _ => println!("judge URL OLD NEW INVENTORIES"),
    }
}

/// Numbers that are the same in every run (`SplitMix64`, Steele and others 2014).
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// Small numbers are much more frequent.
    fn skewed(&mut self, below: u64) -> u64 {
        let first = self.next(below) + 1;
        self.next(first)
    }
}

fn say(name: &str, value: f64, unit: &str) {
    println!("{name}\t{value:.3}\t{unit}");
}

fn debian(random: &mut Random) -> PackageFacts {
    let name = format!("package-{}", random.skewed(3_000));
    let version = format!("{}.{}-1", random.next(6) + 4, random.next(8));
    let source = Some(SourcePackage { name: name.clone(), version: version.clone() });
    PackageFacts { source, ..PackageFacts::new(PackageKind::Deb, name, version) }
}

fn language(random: &mut Random) -> PackageFacts {
    let version = format!("{}.{}.{}", random.next(6) + 1, random.next(20), random.next(30));
    match random.next(2) {
        0 => PackageFacts::new(PackageKind::Npm, format!("package-{}", random.next(60_000)), version),
        _ => PackageFacts::new(PackageKind::Pypi, format!("package-{}", random.next(12_000)), version),
    }
}

fn package(facts: &PackageFacts, location: &str) -> Package {
    let purl: Purl = format!("pkg:{}/{}@{}", facts.kind.as_str(), facts.name, facts.version).parse().unwrap();
    let id = PackageId::new(&purl, location);
    let location = location.to_owned();
    Package { id, purl, facts: facts.clone(), location, layer: None, origin: Origin::Unknown, owned_by: None }
}

async fn judge(url: &str, old: &Path, new: &Path, inventories: u64) {
    let mut random = Random(3);
    let bases: Vec<Vec<Package>> =
        (0..200).map(|_| (0..120).map(|_| package(&debian(&mut random), "var/lib/dpkg/status")).collect()).collect();
    let shared: Vec<Package> = (0..60_000).map(|_| package(&language(&mut random), "app/lock")).collect();
    let hub = Arc::new(Hub::new(Store::open(url).await.unwrap(), Arc::new(SystemClock)));
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for number in 0..inventories {
        let base = &bases[random.skewed(bases.len() as u64) as usize];
        let own = (0..180).map(|_| &shared[random.skewed(shared.len() as u64) as usize]);
        let mut packages: Vec<Package> = base.iter().chain(own).cloned().collect();
        packages.sort_by(|a, b| a.id.cmp(&b.id));
        packages.dedup_by(|a, b| a.id == b.id);
        let inventory = Inventory {
            schema: INVENTORY_SCHEMA.to_owned(),
            tool: Tool { name: "sekisho".to_owned(), version: "0".to_owned() },
            observed_at: Timestamp::UNIX_EPOCH,
            source: Source { kind: SourceKind::FileSystem, name: format!("image-{number}") },
            image: None,
            os: Some(OsRelease { id: "debian".to_owned(), version_id: "12".to_owned(), ..OsRelease::default() }),
            packages,
            removed: Vec::new(),
            files: Vec::new(),
            documents: Vec::new(),
            content_sets: Vec::new(),
            complete: true,
            diagnostics: Vec::new(),
        };
        if senders.len() == SENDERS {
            senders.join_next().await.unwrap().unwrap();
        }
        let hub = Arc::clone(&hub);
        senders.spawn(async move { hub.take(inventory).await.unwrap() });
    }
    senders.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    say("inventories", inventories as f64, "");
    say("inventories a second", inventories as f64 / seconds, "1/s");
    let mut predecessor = None;
    for (what, path) in [("first", old), ("next", new)] {
        let database = Arc::new(Published::open(path).unwrap());
        let start = Instant::now();
        hub.adopt(&database).await.unwrap();
        let transitions = hub.judge(&database, predecessor.as_ref()).await.unwrap().unwrap();
        say(&format!("the {what} database, to the last transition"), start.elapsed().as_secs_f64(), "s");
        say("opened", transitions.opened as f64, "");
        say("changed", transitions.changed as f64, "");
        say("closed", transitions.closed as f64, "");
        predecessor = Some(database);
    }
    lists(hub.store()).await;
}

/// What each list takes, asked for with several filters and from several places.
async fn lists(store: &Store) {
    let known = store.vulnerability_entries(&Wanted::first(1_000)).await.unwrap().items;
    let most = known.iter().max_by_key(|entry| entry.inventories).unwrap().clone();
    say("inventories with the vulnerability that most have", most.inventories as f64, "");
    let ids: Vec<&str> = known.iter().take(100).map(|entry| entry.id.as_str()).chain([most.id.as_str()]).collect();
    let mut times = Times::default();
    for id in ids {
        let start = Instant::now();
        store.vulnerability_hits(id, None, &Wanted::first(100)).await.unwrap();
        times.add("who has a vulnerability", start);
    }
    let filters = |fields: &[Field], texts: &[&str]| -> Vec<Option<Filter>> {
        let parse = |text: &&str| if text.is_empty() { None } else { Some(Filter::parse(text, fields).unwrap()) };
        texts.iter().map(parse).collect()
    };
    for filter in filters(InventoryEntry::FIELDS, &["", "name : \"9\"", "packages > 290", "complete = false"]) {
        let mut wanted = Wanted { filter, ..Wanted::first(100) };
        for _ in 0..25 {
            let start = Instant::now();
            let page = store.inventory_list(&wanted).await.unwrap();
            times.add("inventories", start);
            wanted.after = page.next.unwrap_or_default().0;
        }
    }
    let texts =
        ["", "severity >= critical", "fixable = false", "exploited = true", "package = package-7", "kind = npm"];
    for filter in filters(FindingEntry::FIELDS, &texts) {
        let mut wanted = Wanted { filter, ..Wanted::first(100) };
        for _ in 0..25 {
            let start = Instant::now();
            let page = store.finding_list(&wanted, None, None).await.unwrap();
            times.add("findings", start);
            wanted.after = page.next.unwrap_or_default().0;
        }
    }
    for inventory in store.inventory_list(&Wanted::first(100)).await.unwrap().items {
        let start = Instant::now();
        store.finding_list(&Wanted::first(100), Some(&inventory.identity), None).await.unwrap();
        times.add("findings of an inventory", start);
    }
    for filter in filters(VulnerabilityEntry::FIELDS, &["", "exploited = true", "likelihood > 0.5"]) {
        let mut wanted = Wanted { filter, ..Wanted::first(100) };
        for _ in 0..25 {
            let start = Instant::now();
            let page = store.vulnerability_entries(&wanted).await.unwrap();
            times.add("vulnerabilities", start);
            wanted.after = page.next.unwrap_or_default().0;
        }
    }
    for filter in filters(PackageEntry::FIELDS, &["", "name = package-7", "judged = false", "kind = deb"]) {
        let mut wanted = Wanted { filter, ..Wanted::first(100) };
        for _ in 0..25 {
            let start = Instant::now();
            let page = store.package_entries(&wanted).await.unwrap();
            times.add("packages", start);
            wanted.after = page.next.unwrap_or_default().0;
        }
    }
    times.say();
}

/// Milliseconds that things took, by what was asked.
#[derive(Default)]
struct Times(BTreeMap<&'static str, Vec<f64>>);

impl Times {
    fn add(&mut self, what: &'static str, since: Instant) {
        self.0.entry(what).or_default().push(since.elapsed().as_secs_f64() * 1000.0);
    }

    fn say(self) {
        for (what, mut times) in self.0 {
            times.sort_by(f64::total_cmp);
            for (share, name) in [(50, "half"), (99, "99 %")] {
                say(&format!("{what}, a hundred entries: {name}"), times[(times.len() - 1) * share / 100], "ms");
            }
        }
    }
}
