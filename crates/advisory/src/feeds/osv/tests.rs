//! Goldens, and what the format means in corners.

use super::*;
use crate::feeds::testing;
use crate::range::{Lower, Range, Upper};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn goldens() {
    let root = "src/feeds/osv/fixtures";
    let feeds = [&ALMALINUX, &ROCKY, &UBUNTU, &SUSE, &GHSA, &GO, &PYPA, &OSV];
    let folders: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(root)).unwrap().collect();
    assert_eq!(folders.len(), feeds.len() + 1, "a folder for each feed, and the read-me");
    for feed in feeds {
        testing::goldens(feed, &format!("{root}/{}", feed.id));
    }
}

fn read(json: &str) -> Advisory {
    testing::one(&OSV, "x.json", json)
}

#[test]
fn a_release_follows_the_ecosystem() {
    let check = |text: &str, ecosystem, release: Option<&str>| {
        let advisory =
            read(&format!(r#"{{"id":"A-1","affected":[{{"package":{{"ecosystem":"{text}","name":"a"}}}}]}}"#));
        assert_eq!(advisory.affected[0].ecosystem, ecosystem);
        assert_eq!(advisory.affected[0].release.as_deref(), release);
    };
    check("npm", Ecosystem::Npm, None);
    check("Debian:12", Ecosystem::Debian, Some("12"));
    check("Ubuntu:Pro:14.04:LTS", Ecosystem::Ubuntu, Some("Pro:14.04:LTS"));
    check("Red Hat:enterprise_linux:9::appstream", Ecosystem::RedHat, Some("enterprise_linux:9::appstream"));
}

/// As of Drupal and Jenkins: package URLs do not say which repository a package is from.
#[test]
fn repositories_of_a_language_are_no_releases() {
    let read = |place: &str| {
        let json = format!(
            r#"{{"id":"A-1","affected":[{{"package":{{"ecosystem":"{place}","name":" a/b "}},"versions":["1.0"]}},
                {{"package":{{"ecosystem":"npm","name":"c"}},"versions":["1.0.0"]}}]}}"#
        );
        testing::read(&OSV, "x.json", json.as_bytes())
    };
    let places = |place: &str| -> Vec<(Ecosystem, Option<String>, String)> {
        let (mut records, _) = read(place);
        let crate::record::Record::Advisory(advisory) = records.remove(0) else { panic!() };
        advisory.affected.into_iter().map(|it| (it.ecosystem, it.release, it.name)).collect()
    };
    let npm = (Ecosystem::Npm, None, "c".to_owned());
    for (place, ecosystem) in [
        ("Packagist:https://packages.drupal.org/8", Ecosystem::Packagist),
        ("Maven:https://repo.jenkins-ci.org/releases/", Ecosystem::Maven),
    ] {
        assert_eq!(places(place), [(ecosystem, None, "a/b".to_owned()), npm.clone()]);
    }
    // What else may stand there is not known: it is named, and the rest of the record counts.
    assert_eq!(places("PyPI:3"), [npm]);
    let (_, seen) = read("PyPI:3");
    assert_eq!((seen.skipped, seen.aside["packages that could not be understood"]), (0, 1));
    assert_eq!(
        seen.diagnostics[0].message,
        "a package of the record A-1 was left out: PyPI has no releases, \"3\" is not known"
    );
}

#[test]
fn packages_without_versions_beside_others_are_counted() {
    let json = br#"{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":"a"}},
        {"package":{"ecosystem":"npm","name":"b"},"versions":["1.0.0"]}]}"#;
    let (_, seen) = testing::read(&OSV, "x.json", json);
    assert_eq!(seen.aside.into_iter().collect::<Vec<_>>(), [("packages of which no version is named", 1)]);
}

/// A record that would be written out for each of its names, and those for each of its packages.
#[test]
fn lists_are_no_records() {
    let names = |count| (0..count).map(|n| format!("\"CVE-2024-{n:04}\"")).collect::<Vec<_>>().join(",");
    let package = |n| format!(r#"{{"package":{{"ecosystem":"npm","name":"a{n}"}},"versions":["1.0.0"]}}"#);
    let packages = |count| (0..count).map(package).collect::<Vec<_>>().join(",");
    let skipped = |key: &str, cves, affected| {
        let json = format!(r#"{{"id":"A-1","{key}":[{}],"affected":[{}]}}"#, names(cves), packages(affected));
        testing::read(&OSV, "x.json", json.as_bytes()).1.skipped
    };
    assert_eq!((skipped("aliases", 64, 1), skipped("aliases", 65, 1)), (0, 1));
    assert_eq!((skipped("upstream", 1000, 1000), skipped("upstream", 1100, 1000)), (0, 1));
}

#[test]
fn addressed_vulnerabilities_are_named_as_cves() {
    let affected = |ecosystem| format!(r#""affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"a"}}}}]"#);
    let check = |json: &str, expected: &[&str]| assert_eq!(read(json).addresses, expected, "{json}");
    let related = r#""related":["CVE-2024-1","ALSA-1","CVE-2024-1"]"#;
    check(&format!(r#"{{"id":"A-1",{related},{}}}"#, affected("AlmaLinux:8")), &["CVE-2024-1"]);
    check(&format!(r#"{{"id":"A-1",{related},{}}}"#, affected("npm")), &[]);
    let upstream = r#""upstream":["CVE-2024-1","UBUNTU-CVE-2024-1","UBUNTU-CVE-2024-2","GHSA-x"]"#;
    check(&format!(r#"{{"id":"A-1",{upstream},{related}}}"#), &["CVE-2024-1", "CVE-2024-2", "GHSA-x"]);
}

#[test]
fn streams_of_modules_are_in_titles() {
    let module = |summary: &str, place: &str, fixed: &str| {
        let advisory = read(&format!(
            r#"{{"id":"ALSA-2024:1","summary":"{summary}","affected":[{{"package":{{"ecosystem":"{place}","name":"a"}},
               "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
        ));
        advisory.affected[0].module.clone()
    };
    let check = |summary: &str, place: &str, fixed: &str, expect: Option<&str>| {
        assert_eq!(module(summary, place, fixed).as_deref(), expect, "{summary}");
    };
    let modular = "1:18.20.4-1.module_el8.10.0+3886+0b1d1b1c";
    check("Important: nodejs:18 security update", "AlmaLinux:8", modular, Some("nodejs:18"));
    check(
        "Moderate: perl-DBI:1.641 security update",
        "Rocky Linux:8",
        "0-1.module+el8.4.0+46+5a07d4b8",
        Some("perl-DBI:1.641"),
    );
    // One package of a module and others of none are told apart by their versions.
    check("Important: nodejs:18 security update", "AlmaLinux:8", "1:18.20.4-1.el8", None);
    check("Moderate: idm:DL1 and idm:client security update", "AlmaLinux:8", modular, None);
    check("Moderate: ruby security update", "AlmaLinux:8", modular, None);
    check("Moderate: see https://example.org/", "AlmaLinux:8", modular, None);
    check("Important: nodejs:18 security update", "Debian:12", modular, None);
}

#[test]
fn kinds() {
    let check = |id: &str, rest: &str, kind| assert_eq!(read(&format!(r#"{{"id":"{id}"{rest}}}"#)).kind, kind, "{id}");
    check("MAL-2024-1", "", AdvisoryKind::Malware);
    check("ALBA-2024:1", "", AdvisoryKind::Notice);
    check("RLEA-2024:1", "", AdvisoryKind::Notice);
    check("ALBA-2024:1", r#","upstream":["CVE-2024-1"]"#, AdvisoryKind::Vulnerability);
    check("ALSA-2024:1", "", AdvisoryKind::Vulnerability);
    let unsound = r#","affected":[{"package":{"ecosystem":"crates.io","name":"a"},"database_specific":{"informational":"unsound"}}]"#;
    check("RUSTSEC-2024-1", unsound, AdvisoryKind::Unsound);
    // Of anybody else's record it takes nothing out of sight.
    check("GHSA-1", unsound, AdvisoryKind::Vulnerability);
    check("GHSA-1", r#","database_specific":{"informational":"notice"}"#, AdvisoryKind::Vulnerability);
}

#[test]
fn commits_are_counted_and_not_kept() {
    let json = br#"{"id":"A-1","affected":[
        {"ranges":[{"type":"GIT","repo":"https://x","events":[{"introduced":"0"}]}]},
        {"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}"#;
    let (records, seen) = testing::read(&OSV, "x.json", json);
    assert_eq!(records.len(), 1);
    assert_eq!(seen.aside.get(ONLY_COMMITS), Some(&1));
}

#[test]
fn names_that_are_too_long_and_ranges_without_a_beginning_are_skipped() {
    let long = "A".repeat(2000);
    let range = r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]"#;
    let package = |name: &str, range: &str| format!(r#"[{{"package":{{"ecosystem":"npm","name":"{name}"}},{range}}}]"#);
    for (id, alias, affected) in [
        (&long[..], "CVE-2024-1", package("a", range)),
        ("OSV-1", &long[..], package("a", range)),
        ("OSV-1", "CVE-2024-1", package(&long, range)),
        ("OSV-1", "CVE-2024-1", package("a", &range.replace("2.0.0", &long))),
        ("OSV-1", "CVE-2024-1", package("a", &format!(r#""versions":["{long}"]"#))),
        ("OSV-1", "CVE-2024-1", package("a", r#""ranges":[{"type":"SEMVER","events":[{"fixed":"2.0.0"}]}]"#)),
    ] {
        let text = format!(r#"{{"id":"{id}","aliases":["{alias}"],"affected":{affected}}}"#);
        let file = FeedFile { path: "OSV-1.json", bytes: text.as_bytes(), limits: &sekisho_base::Limits::default() };
        let mut taken = 0;
        let read = OSV.read(&file, &mut |_| taken += 1);
        assert_eq!((taken, read.advisories, read.skipped), (0, 0, 1), "{affected}");
        assert!(read.diagnostics[0].message.len() < 400, "{}", read.diagnostics[0].message);
    }
}

#[test]
fn several_ranges_become_one_set() {
    let json = r#"{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[
        {"type":"SEMVER","events":[{"introduced":"5.0.0"},{"fixed":"5.2.0"}]},
        {"type":"SEMVER","events":[{"fixed":"1.1.0"},{"introduced":"0"},{"last_affected":"3.1.0"},{"introduced":"3.0.0"}]},
        {"type":"SEMVER","events":[{"introduced":"5.1.0"},{"limit":"6.0.0"}]}]}]}"#;
    let at = |from: &str| Lower::At(from.into());
    assert_eq!(
        read(json).affected[0].ranges,
        [
            Range::before("1.1.0"),
            Range { from: at("3.0.0"), to: Upper::Last("3.1.0".into()) },
            Range { from: at("5.0.0"), to: Upper::Fixed("6.0.0".into()) },
        ]
    );
}

#[test]
fn lenient_where_databases_differ_and_strict_where_versions_are_lost() {
    let advisory = read(
        r#"{"id":"A-1","aliases":null,"affected":null,"withdrawn":"2024-01-02","database_specific":{"severity":["MODERATE"],"cwe_ids":{"a":1}}}"#,
    );
    assert_eq!(advisory.ratings, [Rating::word(Severity::Medium)]);
    assert!(advisory.withdrawn.is_some());
    for broken in [
        r#"{"id":""}"#,
        r#"{"id":"A-1","withdrawn":"soon"}"#,
        r#"{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":""}}]}"#,
        r#"{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"fixed":""}]}]}]}"#,
    ] {
        let (records, seen) = testing::read(&OSV, "x.json", broken.as_bytes());
        assert_eq!((records.len(), seen.skipped), (0, 1), "{broken}");
    }
    let unknown = br#"{"id":"A-1","affected":[{"package":{"ecosystem":"Atlantis","name":"a"}}]}"#;
    let (records, seen) = testing::read(&OSV, "x.json", unknown);
    assert_eq!((records.len(), seen.skipped), (1, 0));
    assert_eq!(
        seen.aside.keys().copied().collect::<Vec<_>>(),
        [NO_VERSIONS, "packages of ecosystems that are not known"]
    );
}

/// In YAML a version that looks like a number stays as it is written.
#[test]
fn yaml_versions_stay_text() {
    let yaml = "id: PYSEC-1\naffected:\n- package: {name: a, ecosystem: PyPI}\n  versions:\n  - 1.10\n  - 2\n  - 1e3\n  - 0x1F\n";
    assert_eq!(testing::one(&PYPA, "PYSEC-1.yaml", yaml).affected[0].versions, ["1.10", "2", "1e3", "0x1F"]);
}

/// A file that expands to more than it holds is refused, not expanded.
#[test]
fn yaml_aliases_are_bounded() {
    let mut yaml = String::from("id: A-1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(yaml, "a{level}: &a{level} [{below}]").unwrap();
    }
    let (records, seen) = testing::read(&PYPA, "PYSEC-1.yaml", yaml.as_bytes());
    assert!(records.is_empty(), "{seen:?}");
    let deep = format!("id: A-1\nx: {}", "[".repeat(100_000));
    assert!(testing::read(&PYPA, "PYSEC-1.yaml", deep.as_bytes()).0.is_empty());
}

#[test]
fn titles_of_notices_say_how_bad_it_is() {
    let check = |id: &str, summary: &str, more: &str, expect: Option<Severity>| {
        let json = format!(
            r#"{{"id":"{id}","summary":"{summary}"{more},"affected":[{{"package":{{"ecosystem":"AlmaLinux:9","name":"a"}}}}]}}"#
        );
        let rated: Vec<_> = testing::one(&ALMALINUX, "ALSA-1.json", &json).ratings.into_iter().collect();
        assert_eq!(rated.first().and_then(|rating| rating.severity), expect, "{id} {summary}");
    };
    check("ALSA-2024:1", "Important: openssl security update", "", Some(Severity::High));
    check("RLSA-2024:1", "Moderate: openssl security update", "", Some(Severity::Medium));
    check("ALSA-2024:1", "openssl security update", "", None);
    check("ALSA-2024:1", "Note: openssl security update", "", None);
    check("GHSA-1-1-1", "Important: something else", "", None);
    let said = r#","database_specific":{"severity":"LOW"}"#;
    check("ALSA-2024:1", "Important: openssl security update", said, Some(Severity::Low));
}

#[test]
fn a_list_that_is_far_too_long_is_refused() {
    let entries = vec!["{}"; 100_001].join(",");
    let (records, read) = testing::read(&OSV, "x.json", format!(r#"{{"id":"A-1","affected":[{entries}]}}"#).as_bytes());
    assert!(records.is_empty());
    assert!(read.diagnostics[0].message.contains("more than 100000 items"), "{:?}", read.diagnostics);
}

#[test]
fn the_fields_that_tell_the_format_may_lie_far_behind() {
    let json = format!(r#"{{"id":"A-1","details":"{}","affected":[]}}"#, "x".repeat(10_000));
    assert_eq!(crate::feeds::feed_of("all/A-1.json", json.as_bytes()).map(|feed| feed.id), Some("osv"));
    assert!(crate::feeds::feed_of("package.json", br#"{"name":"a","version":"1"}"#).is_none());
}
