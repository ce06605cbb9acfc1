//! What the advisory database costs, for `cargo xtask bench advisory`: each mode prints `name value unit` lines.
//!
//! The synthetic feed has the proportions of the public ones: a third language packages, many of them with one
//! advisory, two thirds distributions, with a few packages (the kernel) that hold thousands.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool of the developers")]

use sekisho_advisory::db::{Builder, Database, FeedSource, Header};
use sekisho_advisory::ecosystem::Ecosystem;
use sekisho_advisory::matching::Matcher;
use sekisho_advisory::range::{Lower, Range, Upper};
use sekisho_advisory::record::{Advisory, Affected, Rating, Record};
use sekisho_advisory::reevaluate::Index;
use sekisho_base::Limits;
use sekisho_feeds::{Published, Store, import};
use sekisho_model::{OsRelease, PackageFacts, PackageKind, SourcePackage};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Advisories of the synthetic database.
const ADVISORIES: u64 = 300_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["import", store, paths @ ..] => import_feeds(Path::new(store), paths),
        ["build", path, changed] => build(Path::new(path), changed.parse().unwrap()),
        ["match", path] => match_packages(Path::new(path)),
        ["delta", old, new, inventories] => delta(Path::new(old), Path::new(new), inventories.parse().unwrap()),
        _ => println!("import STORE PATH… | build FILE CHANGED | match FILE | delta OLD NEW INVENTORIES"),
    }
}

/// Peak resident memory in MB (proc(5), `VmHWM`).
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1000.0
}

fn say(name: &str, value: f64, unit: &str) {
    println!("{name}\t{value:.3}\t{unit}");
}

fn import_feeds(store: &Path, paths: &[&str]) {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let start = Instant::now();
    let imported =
        import(&Store::new(store.to_owned()), &paths, false, &Limits::default(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let records: usize = imported.feeds.iter().map(|feed| feed.advisories + feed.enrichments).sum();
    let skipped: usize = imported.feeds.iter().map(|feed| feed.skipped).sum();
    say("records", records as f64, "");
    say("skipped", skipped as f64, "");
    say("import", seconds, "s");
    say("records a second", records as f64 / seconds, "1/s");
    say("file", imported.header.as_ref().map_or(0, Header::size) as f64 / 1e6, "MB");
    say("peak memory", peak(), "MB");
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

const DISTRIBUTIONS: [(Ecosystem, &[&str], u64); 4] = [
    (Ecosystem::Debian, &["11", "12", "13"], 3_000),
    (Ecosystem::Ubuntu, &["20.04:LTS", "22.04:LTS", "24.04:LTS"], 4_000),
    (Ecosystem::Alpine, &["v3.18", "v3.19", "v3.20", "v3.21"], 2_000),
    (Ecosystem::AlmaLinux, &["8", "9"], 5_000),
];
const LANGUAGES: [(Ecosystem, u64); 3] = [(Ecosystem::Npm, 60_000), (Ecosystem::PyPi, 12_000), (Ecosystem::Go, 4_000)];

fn advisory(number: u64, variant: u64) -> Advisory {
    let mut random = Random(number ^ variant << 40);
    let fixed = |random: &mut Random| format!("{}.{}.{}", random.next(9) + 1, random.next(20), random.next(30));
    let affected = if number.is_multiple_of(3) {
        let (ecosystem, names) = LANGUAGES[random.skewed(3) as usize];
        let from = fixed(&mut random);
        let range = Range { from: Lower::At(from), to: Upper::Fixed(format!("10.{}.0", random.next(50))) };
        vec![Affected {
            ranges: vec![range],
            ..Affected::new(ecosystem, None, &format!("package-{}", random.next(names)))
        }]
    } else {
        let (ecosystem, releases, names) = DISTRIBUTIONS[random.next(4) as usize];
        let name = random.skewed(names);
        let binaries = if ecosystem == Ecosystem::AlmaLinux { 6 } else { 1 };
        let entry = |release: &&str, binary: u64, version: &str| Affected {
            ranges: vec![Range::before(version)],
            ..Affected::new(ecosystem, Some((*release).to_owned()), &format!("package-{}", name + binary))
        };
        let mut entries = Vec::new();
        for release in releases {
            let version = format!("{}-{}", fixed(&mut random), random.next(9) + 1);
            entries.extend((0..binaries).map(|binary| entry(release, binary, &version)));
        }
        entries
    };
    Advisory {
        id: format!("CVE-{}-{number}", 2010 + number % 15),
        summary: format!("A flaw of some kind in a package, number {number}, lets a stranger do what they should not"),
        details: format!("When a crafted input of the form {number} is given, memory is read that should not be. ")
            .repeat(6),
        ratings: vec![Rating::vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")],
        references: vec![format!("https://example.com/advisories/{number}"), format!("https://example.org/{number}")],
        affected,
        ..Advisory::default()
    }
}

/// A database of [`ADVISORIES`], of which the first `changed` say something else.
fn build(path: &Path, changed: u64) {
    let start = Instant::now();
    let mut builder = Builder::default();
    builder.feed(FeedSource { id: "synthetic".to_owned(), ..FeedSource::default() });
    for number in 0..ADVISORIES {
        // Those that change are spread over all.
        let spread = ADVISORIES.checked_div(changed).is_some_and(|step| number.is_multiple_of(step));
        builder.add(Record::Advisory(advisory(number, u64::from(spread))));
    }
    let bytes = builder.finish().unwrap();
    say("build", start.elapsed().as_secs_f64(), "s");
    say("file", bytes.len() as f64 / 1e6, "MB");
    say("peak memory", peak(), "MB");
    std::fs::write(path, bytes).unwrap();
}

fn debian(number: u64, version: String) -> PackageFacts {
    let name = format!("package-{number}");
    let source = Some(SourcePackage { name: name.clone(), version: version.clone() });
    PackageFacts { source, ..PackageFacts::new(PackageKind::Deb, name, version) }
}

fn system() -> OsRelease {
    OsRelease { id: "debian".to_owned(), version_id: "12".to_owned(), ..OsRelease::default() }
}

fn package(random: &mut Random) -> PackageFacts {
    let version = format!("{}.{}.{}", random.next(6) + 1, random.next(20), random.next(30));
    match random.next(3) {
        0 => debian(random.skewed(3_000), format!("{version}-1")),
        1 => PackageFacts::new(PackageKind::Npm, format!("package-{}", random.next(60_000)), version),
        _ => PackageFacts::new(PackageKind::Pypi, format!("package-{}", random.next(12_000)), version),
    }
}

fn match_packages(path: &Path) {
    let mut random = Random(7);
    let packages: Vec<PackageFacts> = (0..1000).map(|_| package(&mut random)).collect();
    let start = Instant::now();
    let published = Published::open(path).unwrap();
    let opened = start.elapsed().as_secs_f64();
    let database = published.database().unwrap();
    let matcher = Matcher::new(&database, Some(&system()));
    let judge = || packages.iter().map(|facts| matcher.package(facts).unwrap().vulnerabilities.len()).sum::<usize>();
    let found = judge();
    say("open", opened * 1000.0, "ms");
    say("open and match 1,000 packages, cold", start.elapsed().as_secs_f64() * 1000.0, "ms");
    say("peak memory", peak(), "MB");
    let start = Instant::now();
    for _ in 0..5 {
        assert_eq!(judge(), found);
    }
    say("match 1,000 packages, warm", start.elapsed().as_secs_f64() * 1000.0 / 5.0, "ms");
    say("found", found as f64, "");
}

fn delta(old: &Path, new: &Path, inventories: u64) {
    let (old, new) = (std::fs::read(old).unwrap(), std::fs::read(new).unwrap());
    let (old, new) = (Database::open(&old).unwrap(), Database::open(&new).unwrap());
    let before = peak();
    let start = Instant::now();
    let mut index = Index::default();
    let mut random = Random(3);
    // Images stand on a few hundred bases, and share most of the language packages that they add.
    let bases: Vec<Vec<PackageFacts>> = (0..200)
        .map(|_| {
            (0..120).map(|_| debian(random.skewed(3_000), format!("{}.{}-1", random.next(6), random.next(8)))).collect()
        })
        .collect();
    let shared: Vec<PackageFacts> =
        (0..100_000).map(|_| package(&mut random)).filter(|facts| !facts.kind.is_os()).collect();
    for _ in 0..inventories {
        let base = &bases[random.skewed(bases.len() as u64) as usize];
        let own: Vec<&PackageFacts> = (0..180).map(|_| &shared[random.skewed(shared.len() as u64) as usize]).collect();
        index.add(Some(&system()), base.iter().chain(own).map(|facts| (facts, None)));
    }
    let (count, packages, places) = index.counts();
    say("inventories", count as f64, "");
    say("different packages", packages as f64, "");
    say("places of packages", places as f64, "");
    say("index", start.elapsed().as_secs_f64(), "s");
    say("memory of the index", peak() - before, "MB");
    let start = Instant::now();
    let changes = index.changes(&old, &new).unwrap();
    say("changes", start.elapsed().as_secs_f64() * 1000.0, "ms");
    let affected = |vulnerabilities: usize, holders: usize| (vulnerabilities * holders) as f64;
    say("opened", changes.iter().map(|change| affected(change.opened.len(), change.inventories.len())).sum(), "");
    say("closed", changes.iter().map(|change| affected(change.closed.len(), change.inventories.len())).sum(), "");
}
