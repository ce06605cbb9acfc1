//! The tables say what they should, and what the real feeds say.

use super::*;
use crate::db::{Database, Edge, Entry, PackageKey};
use crate::feeds::testing::{corpus, read};
use crate::feeds::{self, feed_of};
use crate::matching::Matcher;
use crate::version::Scheme;
use sekisho_model::{OsRelease, PackageFacts, PackageKind, SourcePackage};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

#[test]
fn every_table_is_read() {
    for text in TABLES {
        let table: Table = toml::from_str(text).unwrap();
        assert!(!table.vulnerability.is_empty());
    }
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo")).unwrap();
    let tables = files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "toml"));
    assert_eq!(tables.count(), TABLES.len());
}

#[test]
fn entries_are_whole() {
    let all: Vec<Vulnerability> = vulnerabilities().collect();
    let mut names = BTreeSet::new();
    for vulnerability in &all {
        let id = &vulnerability.id;
        for name in std::iter::once(id).chain(&vulnerability.aliases) {
            assert!(names.insert(name.to_ascii_lowercase()), "{name} is named twice");
        }
        assert!(!vulnerability.title.is_empty() && !vulnerability.title.ends_with('.'), "{id}");
        assert!(vulnerability.severity.is_some() || vulnerability.cvss.is_some(), "{id} has no severity");
        assert!(vulnerability.published.as_deref().is_none_or(|date| moment(date).is_some()), "{id}");
        assert!(!vulnerability.affected.is_empty(), "{id}");
        for fact in &vulnerability.affected {
            assert!(!fact.source.is_empty() && !fact.packages.is_empty(), "{id} has a fact without source or package");
            assert!(!(fact.ranges.is_empty() && fact.versions.is_empty()), "{id} has a fact without versions");
        }
    }
    assert!(all.len() >= 150, "{}", all.len());
    let places: BTreeSet<_> = all.iter().flat_map(|it| &it.affected).map(|fact| fact.place.ecosystem).collect();
    assert!(places.len() >= 10, "{places:?}");
}

#[test]
fn a_rating_with_a_vector_has_a_score() {
    let bytes = database().unwrap();
    let database = Database::open(&bytes).unwrap();
    for number in 0..u32::try_from(database.header().counts.advisories).unwrap() {
        let advisory = database.advisory(number).unwrap();
        assert!(advisory.ratings.iter().all(|it| it.vector.is_empty() || it.score().is_some()), "{}", advisory.id);
        assert!(advisory.ratings.iter().all(|it| it.severity() > Severity::Unknown), "{}", advisory.id);
    }
}

#[test]
fn ranges_begin_before_they_end_and_lie_apart() {
    for vulnerability in vulnerabilities() {
        for fact in vulnerability.affected {
            let scheme = fact.place.ecosystem.scheme_in(fact.place.release.as_deref());
            let about = format!("{} {:?}", vulnerability.id, fact.packages);
            for Interval { introduced, after, fixed, last_affected } in &fact.ranges {
                assert!(introduced.is_none() || after.is_none(), "{about}");
                assert!(fixed.is_none() || last_affected.is_none(), "{about}");
                for version in [introduced, after, fixed, last_affected].into_iter().flatten() {
                    assert!(scheme.is_valid(version), "{about}: {version}");
                }
            }
            assert!(fact.versions.iter().all(|version| scheme.is_valid(version)), "{about}");
            // What is empty or overlaps would be gone.
            let written: Vec<Range> = fact.ranges.iter().cloned().map(Range::from).collect();
            assert_eq!(union(scheme, written.clone()), written, "{about}");
        }
    }
}

/// Whether any of what is said about one package holds for a version.
fn holds(said: &[&Affected], scheme: Scheme, version: &str) -> bool {
    said.iter().any(|affected| {
        affected.ranges.iter().any(|range| range.holds(scheme, version))
            || affected.versions.iter().any(|single| scheme.compare(single, version).is_eq())
    })
}

/// Every version that is named, with what lies close to it.
fn probes(said: &[&Affected]) -> BTreeSet<String> {
    let mut edges = BTreeSet::from(["0".to_owned(), "0.0.1".to_owned(), "9999".to_owned()]);
    for affected in said {
        edges.extend(affected.versions.iter().cloned());
        for Range { from, to } in &affected.ranges {
            if let Lower::At(version) | Lower::After(version) = from {
                edges.insert(version.clone());
            }
            if let Upper::Fixed(version) | Upper::Last(version) = to {
                edges.insert(version.clone());
            }
        }
    }
    let close = |edge: &String| ["", "~", ".0", ".1", "-0", "a"].map(|tail| format!("{edge}{tail}"));
    edges.iter().flat_map(close).collect()
}

/// The records of the corpus that are named as sources, by that name; some lie there once for each release.
fn sources_in_corpus(folder: &Path, wanted: &BTreeSet<&str>) -> BTreeMap<String, Vec<Advisory>> {
    let mut found: BTreeMap<String, Vec<Advisory>> = BTreeMap::new();
    for archive in
        ["almalinux-osv", "golang-vulndb", "pypa-advisory-database", "ruby-advisory-db", "rustsec-advisory-db"]
    {
        for_each_file(&folder.join(format!("{archive}.tar.zst")), &mut |path, bytes| {
            let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            let names = [stem.to_owned(), format!("ruby-advisory-db/{path}")];
            let Some(source) = names.into_iter().find(|name| wanted.contains(&**name)) else { return };
            let Some(feed) = feed_of(path, bytes) else { return };
            for record in read(feed, path, bytes).0 {
                let Record::Advisory(advisory) = record else { continue };
                found.entry(source.clone()).or_default().push(advisory);
            }
        });
    }
    found
}

fn for_each_file(archive: &Path, take: &mut dyn FnMut(&str, &[u8])) {
    let plain = zstd::decode_all(&std::fs::read(archive).unwrap()[..]).unwrap();
    for entry in tar::Archive::new(&plain[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        take(&path, &bytes);
    }
}

#[test]
fn facts_from_feeds_say_what_the_feeds_say() {
    let Some(folder) = corpus() else { return };
    let is_of_feed = |fact: &&Fact| {
        let feeds = ["ALSA-", "GO-", "PYSEC-", "RUSTSEC-", "ruby-advisory-db/"];
        feeds.iter().any(|prefix| fact.source.starts_with(prefix))
    };
    let all: Vec<Vulnerability> = vulnerabilities().collect();
    let wanted: BTreeSet<&str> =
        all.iter().flat_map(|it| &it.affected).filter(is_of_feed).map(|fact| &*fact.source).collect();
    let theirs = sources_in_corpus(&folder, &wanted);
    assert!(wanted.len() >= 100, "{}", wanted.len());
    for vulnerability in all {
        let names: BTreeSet<&str> =
            vulnerability.aliases.iter().chain([&vulnerability.id]).map(String::as_str).collect();
        let sources: BTreeSet<String> =
            vulnerability.affected.iter().filter(is_of_feed).map(|fact| fact.source.clone()).collect();
        for source in &sources {
            let records = theirs.get(source).unwrap_or_else(|| panic!("{source} is not in the corpus"));
            let about = |it: &Advisory| it.aliases.iter().chain(&it.addresses).any(|name| names.contains(&**name));
            assert!(records.iter().all(|it| names.contains(&*it.id) || about(it)), "{source} is not about {names:?}");
        }
        let mut ours: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
        for fact in vulnerability.affected {
            ours.entry(fact.source.clone()).or_default().extend(fact.affected());
        }
        for source in sources {
            let said = &ours[&source];
            let record: Vec<&Affected> = theirs[&source].iter().flat_map(|it| &it.affected).collect();
            for affected in said {
                let same = |it: &Affected| {
                    (it.ecosystem, &it.release, &it.name) == (affected.ecosystem, &affected.release, &affected.name)
                };
                let mine: Vec<_> = said.iter().filter(|it| same(it)).collect();
                let feed: Vec<_> = record.iter().copied().filter(|it| same(it)).collect();
                assert!(!feed.is_empty(), "{source} says nothing about {}", affected.name);
                let scheme = affected.ecosystem.scheme_in(affected.release.as_deref());
                for version in probes(&mine).union(&probes(&feed)) {
                    let (we, they) = (holds(&mine, scheme, version), holds(&feed, scheme, version));
                    assert_eq!(we, they, "{source}: {} {version}", affected.name);
                }
            }
        }
    }
}

#[test]
fn what_is_exploited_is_what_the_catalogue_says() {
    let Some(folder) = corpus() else { return };
    let mut catalogue: BTreeMap<String, Says> = BTreeMap::new();
    for_each_file(&folder.join("cisa-kev.tar.zst"), &mut |path, bytes| {
        if !path.ends_with("vulnerabilities.json") {
            return;
        }
        for record in read(feeds::feed("kev").unwrap(), path, bytes).0 {
            let Record::Enrichment(Enrichment { id, says }) = record else { continue };
            catalogue.insert(id, says);
        }
    });
    assert!(catalogue.len() > 1000);
    let mut ours: BTreeMap<String, Says> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for record in records() {
        match record {
            Record::Advisory(advisory) => drop(ids.insert(advisory.id)),
            Record::Enrichment(Enrichment { id, says }) => drop(ours.insert(id, says)),
        }
    }
    catalogue.retain(|id, _| ids.contains(id));
    assert_eq!(ours, catalogue);
}

/// The vulnerabilities that the database finds in a package of an ecosystem, whether or not packages of it are read.
fn found(bytes: &[u8], place: &str, name: &str, version: &str) -> BTreeSet<String> {
    let database = Database::open(bytes).unwrap();
    let Place { ecosystem, release } = Place::try_from(place.to_owned()).unwrap();
    let key = PackageKey { ecosystem, release: release.as_deref(), name };
    let Some(mut row) = database.package(&key).unwrap() else { return BTreeSet::new() };
    let texts: Vec<String> = row.texts().iter().map(|text| (*text).to_owned()).collect();
    let mut found = BTreeSet::new();
    let mut entry = Entry::default();
    while row.read(&mut entry).unwrap() {
        let ranges = entry.ranges.iter().map(|(from, to)| Range {
            from: match from {
                Edge::Open => Lower::Start,
                Edge::At(text) => Lower::At(texts[*text].clone()),
                Edge::After(text) => Lower::After(texts[*text].clone()),
                Edge::Unclear(text) => panic!("{:?} is no version", texts[*text]),
            },
            to: match to {
                Edge::Open => Upper::Unfixed,
                Edge::At(text) => Upper::Fixed(texts[*text].clone()),
                Edge::After(text) => Upper::Last(texts[*text].clone()),
                Edge::Unclear(text) => panic!("{:?} is no version", texts[*text]),
            },
        });
        let affected = Affected {
            ranges: ranges.collect(),
            versions: entry.versions.iter().map(|text| texts[*text].clone()).collect(),
            ..Affected::new(ecosystem, release.clone(), name)
        };
        if holds(&[&affected], ecosystem.scheme(), version) {
            found.extend(entry.vulnerabilities.iter().map(|number| database.vulnerability(*number).unwrap().id));
        }
    }
    found
}

#[test]
fn the_database_finds_what_everyone_knows() {
    let bytes = database().unwrap();
    assert_eq!(bytes, database().unwrap(), "the same bytes every time");
    let check = |place: &str, name: &str, version: &str, present: &[&str], absent: &[&str]| {
        let found = found(&bytes, place, name, version);
        for id in present {
            assert!(found.contains(*id), "{place} {name} {version} has {id}: {found:?}");
        }
        for id in absent {
            assert!(!found.contains(*id), "{place} {name} {version} does not have {id}: {found:?}");
        }
    };
    let log4j = "org.apache.logging.log4j:log4j-core";
    check("Maven", log4j, "2.14.1", &["CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105"], &[]);
    check("Maven", log4j, "2.15.0", &["CVE-2021-45046"], &["CVE-2021-44228"]);
    check("Maven", log4j, "2.17.1", &[], &["CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105"]);
    check("Debian:13", "xz-utils", "5.6.0-0.2", &["CVE-2024-3094"], &[]);
    check("Debian:13", "xz-utils", "5.6.1+really5.4.5-1", &[], &["CVE-2024-3094"]);
    check("Debian:13", "xz-utils", "5.4.5-0.3", &[], &["CVE-2024-3094"]);
    check("Alpine:edge", "xz", "5.6.1-r1", &["CVE-2024-3094"], &[]);
    check("Alpine:edge", "xz", "5.6.1-r2", &[], &["CVE-2024-3094"]);
    check("Debian:12", "glibc", "2.36-9+deb12u2", &["CVE-2023-4911", "CVE-2024-2961"], &[]);
    check("Debian:12", "glibc", "2.36-9+deb12u3", &["CVE-2024-2961"], &["CVE-2023-4911"]);
    check("Debian:12", "openssh", "1:9.2p1-2+deb12u2", &["CVE-2024-6387"], &["CVE-2023-48795"]);
    check("Alpine:v3.18", "openssl", "3.0.6-r0", &["CVE-2022-3602", "CVE-2022-3786"], &["CVE-2022-0778"]);
    check("PyPI", "django", "3.2.12", &["CVE-2022-28346", "CVE-2022-34265"], &["CVE-2021-35042"]);
    check("npm", "lodash", "4.17.15", &["CVE-2021-23337", "CVE-2020-8203"], &["CVE-2019-10744"]);
    check("npm", "lodash", "4.17.21", &[], &["CVE-2021-23337"]);
    check("npm", "event-stream", "3.3.6", &["GHSA-mh6f-8j2x-4483"], &[]);
    check("npm", "event-stream", "3.3.4", &[], &["GHSA-mh6f-8j2x-4483"]);
    check("Go", "stdlib", "1.21.2", &["CVE-2023-39325"], &["CVE-2023-24538"]);
    check("AlmaLinux:9", "openssl-libs", "1:3.0.1-41.el9_0", &["CVE-2022-3602"], &[]);
    check("crates.io", "smallvec", "1.6.0", &["CVE-2021-25900"], &[]);
    check("RubyGems", "rest-client", "1.6.13", &["CVE-2019-15224"], &[]);
    check("RubyGems", "rest-client", "1.6.9", &[], &["CVE-2019-15224"]);
}

#[test]
fn packages_of_a_scan_meet_it() {
    let bytes = database().unwrap();
    let database = Database::open(&bytes).unwrap();
    let os = OsRelease { id: "debian".to_owned(), version_id: "12".to_owned(), ..OsRelease::default() };
    let found = |facts: PackageFacts| {
        let matched = Matcher::new(&database, Some(&os)).package(&facts).unwrap();
        assert_eq!(matched.obstacle, None);
        let ids = matched.vulnerabilities.into_keys().map(|number| database.vulnerability(number).unwrap().id);
        ids.collect::<Vec<_>>()
    };
    let source = SourcePackage { name: "curl".to_owned(), version: "7.88.1-10+deb12u3".to_owned() };
    let libcurl =
        PackageFacts { source: Some(source), ..PackageFacts::new(PackageKind::Deb, "libcurl4", "7.88.1-10+deb12u3") };
    assert_eq!(found(libcurl), ["CVE-2023-38545"]);
    assert_eq!(found(PackageFacts::new(PackageKind::Pypi, "setuptools", "78.1.0")), ["CVE-2025-47273"]);
    assert_eq!(found(PackageFacts::new(PackageKind::Npm, "minimist", "0.0.10")), ["CVE-2020-7598", "CVE-2021-44906"]);
    assert_eq!(found(PackageFacts::new(PackageKind::Golang, "golang.org/x/text", "v0.3.7")), ["CVE-2022-32149"]);
    let exploited = database.vulnerabilities_named("cve-2021-44228").unwrap();
    let log4shell = database.vulnerability(exploited[0]).unwrap();
    assert_eq!(log4shell.exploited, Some(("2021-12-10".to_owned(), Some("2021-12-24".to_owned()), true)));
    assert!(log4shell.aliases.contains(&"GHSA-jfh8-c2jp-5v3q".to_owned()));
    assert_eq!(database.header().feeds[0].id, FEED_ID);
    assert_eq!(database.header().feeds[0].observed_at, None);
}
