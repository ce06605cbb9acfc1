//! The table, limits, and the real feeds of the corpus.

use super::testing::{corpus, files_below, read};
use super::*;
use crate::ecosystem::Ecosystem;
use crate::record::{Advisory, AdvisoryKind, Affected, Record, Says};
use sekisho_base::Limits;
use sekisho_model::Code;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::Path;

#[test]
fn ids_are_unique_and_every_feed_says_what_it_is() {
    let ids: BTreeSet<_> = FEEDS.iter().map(|feed| feed.id).collect();
    assert_eq!(ids.len(), FEEDS.len());
    for known in FEEDS {
        assert!(!known.title.is_empty() && !known.licence.is_empty() && !known.upstream.is_empty(), "{}", known.id);
        assert!(feed(known.id).is_some_and(|found| std::ptr::eq(found, *known)));
    }
}

#[test]
fn what_is_no_feeds_is_not_taken() {
    for (path, head) in [
        ("README.md", "# Advisories\n"),
        ("LICENSE", "MIT"),
        ("support.toml", "[rustsec]\n"),
        ("package.json", "{\"id\": 1}"),
        ("schema.json", "{\"$schema\": \"x\", \"properties\": {\"catalogVersion\": {}, \"vulnerabilities\": {}}}"),
        (".github/workflows/ci.yml", "on: push\n"),
        ("empty.json", ""),
    ] {
        assert_eq!(feed_of(path, head.as_bytes()).map(|feed| feed.id), None, "{path}");
    }
}

#[test]
fn records_end_at_the_limit_and_the_rest_is_said() {
    let table = b"cve,epss,percentile\nCVE-2024-1,0,0\nCVE-2024-2,0,0\nCVE-2024-3,0,0\nCVE-2024-4,0,0\n";
    let limits = Limits { records: 2, ..Limits::default() };
    let mut taken = 0;
    let file = FeedFile { path: "epss.csv", bytes: table, limits: &limits };
    let read = feed("epss").unwrap().read(&file, &mut |_| taken += 1);
    assert_eq!((taken, read.enrichments), (2, 2));
    let codes: Vec<_> = read.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::LimitExceeded]);
    assert_eq!(read.diagnostics[0].path.as_deref(), Some("epss.csv"));
}

#[test]
fn skipped_records_are_named_up_to_a_number_and_counted_beyond() {
    let rows: Vec<_> = (0..30).map(|line| format!("bad-{line},0,0")).collect();
    let (_, read) =
        read(feed("epss").unwrap(), "epss.csv", format!("cve,epss,percentile\n{}", rows.join("\n")).as_bytes());
    assert_eq!((read.skipped, read.diagnostics.len()), (30, 21));
    assert!(read.diagnostics[0].message.contains("bad-0"), "{}", read.diagnostics[0]);
    assert!(read.diagnostics[20].message.starts_with("10 more"), "{}", read.diagnostics[20]);
}

/// What all files of an archive say.
#[derive(Default)]
struct All {
    advisories: Vec<Advisory>,
    says: Vec<(String, Says)>,
    skipped: usize,
    diagnostics: usize,
    aside: BTreeMap<&'static str, usize>,
    /// Advisories by the folder of their file.
    folders: BTreeMap<String, usize>,
}

fn all(archive: &Path, id: &str) -> All {
    let bytes = std::fs::read(archive).unwrap();
    let plain = zstd::decode_all(&bytes[..]).unwrap();
    let limits = Limits::default();
    let mut out = All::default();
    for entry in tar::Archive::new(&plain[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let Some(found) = feed_of(&path, &bytes) else { continue };
        assert_eq!(found.id, id, "{path}");
        let file = FeedFile { path: &path, bytes: &bytes, limits: &limits };
        let read = found.read(&file, &mut |record| match record {
            Record::Advisory(advisory) => out.advisories.push(advisory),
            Record::Enrichment(said) => out.says.push((said.id, said.says)),
        });
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        *out.folders.entry(folder.to_owned()).or_default() += read.advisories;
        out.skipped += read.skipped;
        out.diagnostics += read.diagnostics.len();
        for (what, count) in read.aside {
            *out.aside.entry(what).or_default() += count;
        }
    }
    assert_eq!((out.skipped, out.diagnostics), (0, 0), "{}", archive.display());
    out
}

impl All {
    fn affected(&self) -> impl Iterator<Item = &Affected> {
        self.advisories.iter().flat_map(|advisory| &advisory.affected)
    }

    fn withdrawn(&self) -> usize {
        self.advisories.iter().filter(|advisory| advisory.withdrawn.is_some()).count()
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.advisories.iter().map(|advisory| &*advisory.id).collect()
    }
}

#[test]
fn corpus_almalinux() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("almalinux-osv.tar.zst"), "almalinux");
    assert_eq!((all.advisories.len(), all.ids().len(), all.withdrawn()), (5680, 5637, 0));
    let folder = |name: &str| all.folders[&format!("advisories/{name}")];
    assert_eq!([folder("almalinux8"), folder("almalinux9"), folder("almalinux10")], [3237, 1783, 660]);
    let mut releases: BTreeMap<&str, usize> = BTreeMap::new();
    for affected in all.affected() {
        *releases.entry(affected.release.as_deref().unwrap()).or_default() += 1;
        assert_eq!((affected.ecosystem, affected.ranges.len()), (Ecosystem::AlmaLinux, 1));
    }
    assert_eq!(releases, BTreeMap::from([("10", 6479), ("8", 40867), ("9", 23983)]));
    let addressed: usize = all.advisories.iter().map(|advisory| advisory.addresses.len()).sum();
    assert_eq!(addressed, 16621, "16,685 with those that a file names twice");
    let notices = all.advisories.iter().filter(|advisory| advisory.kind == AdvisoryKind::Notice).count();
    assert_eq!(notices, 976 + 221, "bug fixes and enhancements that address no vulnerability");

    // The same id in the folders of several releases is the same advisory, and stays it when put together.
    let mut by_id: HashMap<&str, Vec<&Advisory>> = HashMap::new();
    for advisory in &all.advisories {
        by_id.entry(&advisory.id).or_default().push(advisory);
    }
    let several: Vec<_> = by_id.values().filter(|parts| parts.len() > 1).collect();
    assert_eq!(several.len(), 37);
    for parts in several {
        assert!(parts.iter().all(|part| *part == parts[0]), "{}", parts[0].id);
        let mut joined = parts[0].clone();
        joined.affected.dedup();
        let once = joined.affected.iter().collect::<std::collections::HashSet<_>>().len();
        joined.join(parts[1].clone());
        assert_eq!(joined.affected.iter().collect::<std::collections::HashSet<_>>().len(), once);
    }
}

#[test]
fn corpus_go() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("golang-vulndb.tar.zst"), "go");
    assert_eq!((all.advisories.len(), all.ids().len(), all.withdrawn()), (4291, 4291, 17));
    assert_eq!(all.affected().count(), 6125);
    assert!(all.affected().all(|affected| affected.ecosystem == Ecosystem::Go && !affected.ranges.is_empty()));
}

#[test]
fn corpus_pypa() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("pypa-advisory-database.tar.zst"), "pypa");
    assert_eq!((all.advisories.len(), all.ids().len(), all.withdrawn()), (2661, 2661, 10));
    assert_eq!(all.affected().count(), 2661);
    assert_eq!(all.affected().map(|affected| affected.versions.len()).sum::<usize>(), 140_847);
    let by_ranges = all.affected().filter(|affected| !affected.ranges.is_empty()).count();
    assert_eq!(by_ranges, 2659, "the others name versions, or only commits");
    let unmatchable = all.advisories.iter().filter(|advisory| !advisory.is_matchable()).count();
    assert_eq!(unmatchable, 1, "PYSEC-2022-15, which is withdrawn");
    assert_eq!(all.aside, BTreeMap::from([(NO_VERSIONS, 1)]));
}

#[test]
fn corpus_rustsec() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("rustsec-advisory-db.tar.zst"), "rustsec");
    assert_eq!((all.advisories.len(), all.ids().len(), all.withdrawn()), (1225, 1225, 13));
    let kinds = [AdvisoryKind::Vulnerability, AdvisoryKind::Unmaintained, AdvisoryKind::Unsound, AdvisoryKind::Notice];
    let count = |kind| all.advisories.iter().filter(|advisory| advisory.kind == kind).count();
    assert_eq!(kinds.map(count), [749, 267, 203, 6]);
    let packages: BTreeSet<_> = all.affected().map(|affected| (affected.ecosystem, &*affected.name)).collect();
    let crates = packages.iter().filter(|(ecosystem, _)| *ecosystem == Ecosystem::CratesIo).count();
    assert_eq!((packages.len(), crates), (911, 908));
}

#[test]
fn corpus_rubysec() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("ruby-advisory-db.tar.zst"), "rubysec");
    assert_eq!(all.advisories.len(), 1124);
    let of = |ecosystem| all.affected().filter(move |affected| affected.ecosystem == ecosystem);
    assert_eq!((of(Ecosystem::RubyGems).count(), of(Ecosystem::RubyEngine).count()), (1009, 115));
    let gems: BTreeSet<_> = of(Ecosystem::RubyGems).map(|affected| &affected.name).collect();
    assert_eq!(gems.len(), 374);
    let names = |advisory: &Advisory| [vec![advisory.id.clone()], advisory.aliases.clone()].concat();
    let with_cve = all.advisories.iter().filter(|it| names(it).iter().any(|name| name.starts_with("CVE-"))).count();
    assert_eq!(with_cve, 1057);
}

#[test]
fn corpus_kev() {
    let Some(corpus) = corpus() else { return };
    let all = all(&corpus.join("cisa-kev.tar.zst"), "kev");
    // The archive holds the catalogue twice, as JSON and as CSV.
    assert_eq!((all.says.len(), all.advisories.len()), (2 * 1404, 0));
    let (one, two) = all.says.split_at(1404);
    let by_id = |says: &[(String, Says)]| says.iter().cloned().map(|(id, says)| (id, format!("{says:?}"))).collect();
    let (one, two): (BTreeMap<String, String>, BTreeMap<String, String>) = (by_id(one), by_id(two));
    assert_eq!(one.len(), 1404);
    assert_eq!(one, two);
    let ransomware = |says: &Says| matches!(says, Says::Exploited { ransomware: true, .. });
    assert_eq!(all.says.iter().filter(|(_, says)| ransomware(says)).count(), 2 * 293);
}

#[test]
fn every_feed_has_fixtures_with_their_origin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feeds");
    let folders: BTreeSet<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    for folder in folders.iter().filter(|path| path.is_dir()) {
        let fixtures = files_below(&folder.join("fixtures"));
        assert!(fixtures.iter().any(|path| path.ends_with("README.md")), "{}", folder.display());
    }
}
