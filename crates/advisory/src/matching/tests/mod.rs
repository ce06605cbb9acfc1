//! Packages and what is said about them, in small.

mod places;

use super::*;
use crate::db::{Builder, FeedSource};
use crate::range::{Lower, Range, Upper};
use crate::record::{Advisory, AdvisoryKind, Affected, Rating, Record};
use crate::testing::report;
use jiff::Timestamp;
use sekisho_model::{
    FindingStatus, Inventory, Level, Outcome, Package, PackageId, PackageKind, Purl, ScanReport, ScanState, Severity,
    SourcePackage,
};

/// A database of advisories that are each of the feed named.
fn database(advisories: &[(&str, Advisory)]) -> Vec<u8> {
    let mut builder = Builder::default();
    let mut feeds: Vec<&str> = advisories.iter().map(|(feed, _)| *feed).collect();
    feeds.sort_unstable();
    feeds.dedup();
    for feed in feeds {
        builder.feed(FeedSource { id: feed.to_owned(), ..FeedSource::default() });
        for (_, advisory) in advisories.iter().filter(|(of, _)| *of == feed) {
            builder.add(Record::Advisory(advisory.clone()));
        }
    }
    builder.finish().unwrap()
}

fn affected(ecosystem: Ecosystem, release: &str, name: &str) -> Affected {
    Affected::new(ecosystem, Some(release.to_owned()).filter(|release| !release.is_empty()), name)
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    Advisory { id: id.to_owned(), affected, ..Advisory::default() }
}

fn fixed(affected: Affected, version: &str) -> Affected {
    Affected { ranges: vec![Range::before(version)], ..affected }
}

fn os(id: &str, version: &str) -> OsRelease {
    OsRelease { id: id.to_owned(), version_id: version.to_owned(), ..OsRelease::default() }
}

/// `vulnerability` or `vulnerability -> fixed`, and the obstacle if there is one.
fn matched(bytes: &[u8], os: Option<&OsRelease>, facts: &PackageFacts) -> Vec<String> {
    let database = Database::open(bytes).unwrap();
    let matched = Matcher::new(&database, os).package(facts).unwrap();
    let mut out = Vec::new();
    for (number, hits) in matched.vulnerabilities {
        let id = database.vulnerability(number).unwrap().id;
        let mut fixed: Vec<String> = hits.into_iter().filter_map(|hit| hit.fixed).collect();
        fixed.sort();
        out.push(if fixed.is_empty() { id } else { format!("{id} -> {}", fixed.join(", ")) });
    }
    out.extend(matched.obstacle.map(|obstacle| format!("{obstacle:?}")));
    out
}

fn deb(name: &str, version: &str, source: Option<(&str, &str)>) -> PackageFacts {
    let (of, at) = source.unwrap_or((name, version));
    let source = Some(SourcePackage { name: of.to_owned(), version: at.to_owned() });
    PackageFacts { source, ..PackageFacts::new(PackageKind::Deb, name, version) }
}

#[test]
fn debian_packages_are_judged_by_their_source_and_release() {
    let bytes = database(&[
        (
            "debian",
            advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Debian, "12", "openssl"), "3.0.11-1~deb12u2")]),
        ),
        ("debian", advisory("CVE-2024-2", vec![fixed(affected(Ecosystem::Debian, "11", "openssl"), "9")])),
        (
            "debian",
            advisory(
                "CVE-2024-3",
                vec![Affected { ranges: vec![Range::ALL], ..affected(Ecosystem::Debian, "12", "openssl") }],
            ),
        ),
    ]);
    let bookworm = os("debian", "12");
    let check = |facts: PackageFacts, expect: &[&str]| assert_eq!(matched(&bytes, Some(&bookworm), &facts), expect);
    check(
        deb("libssl3", "3.0.11-1~deb12u1", Some(("openssl", "3.0.11-1~deb12u1"))),
        &["CVE-2024-1 -> 3.0.11-1~deb12u2", "CVE-2024-3"],
    );
    check(deb("libssl3", "3.0.11-1~deb12u2", Some(("openssl", "3.0.11-1~deb12u2"))), &["CVE-2024-3"]);
    // A rebuild of the binary alone does not change what the source has.
    check(
        deb("libssl3", "3.0.11-1~deb12u1+b1", Some(("openssl", "3.0.11-1~deb12u1"))),
        &["CVE-2024-1 -> 3.0.11-1~deb12u2", "CVE-2024-3"],
    );
    check(deb("openssl", "3.0.11-1~deb12u1", None), &["CVE-2024-1 -> 3.0.11-1~deb12u2", "CVE-2024-3"]);
    check(deb("libssl3", "1", None), &[]);
}

#[test]
fn what_the_database_does_not_know_is_no_clean_bill() {
    let bytes = database(&[
        ("debian", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Debian, "12", "openssl"), "3")])),
        ("pypa", advisory("PYSEC-1", vec![fixed(affected(Ecosystem::PyPi, "", "Flask"), "2.0")])),
    ]);
    let package = deb("openssl", "1", None);
    assert_eq!(matched(&bytes, Some(&os("debian", "13")), &package), ["Release(Debian)"]);
    assert_eq!(matched(&bytes, Some(&os("slackware", "15")), &package), ["Distribution"]);
    assert_eq!(matched(&bytes, None, &package), ["Distribution"]);
    let npm = PackageFacts::new(PackageKind::Npm, "x", "1.0.0");
    assert_eq!(matched(&bytes, None, &npm), ["Ecosystem(Npm)"]);
    let bare = PackageFacts::new(PackageKind::Maven, "log4j-core", "2.14.1");
    assert_eq!(matched(&bytes, None, &bare), ["Group"]);
    let flask = |version: &str| PackageFacts::new(PackageKind::Pypi, "flask", version);
    assert_eq!(matched(&bytes, None, &flask("1.1")), ["PYSEC-1 -> 2.0"]);
    assert_eq!(matched(&bytes, None, &flask("2.0")), [""; 0]);
    assert_eq!(matched(&bytes, None, &flask("built by hand")), ["Version(Pep440)"]);
}

#[test]
fn aliases_are_one_vulnerability_with_all_who_say_so() {
    let lists = |id: &str, alias: &str, version: &str| Advisory {
        aliases: vec![alias.to_owned()],
        ..advisory(id, vec![fixed(affected(Ecosystem::Npm, "", "left-pad"), version)])
    };
    let bytes =
        database(&[("ghsa", lists("GHSA-1", "CVE-2024-1", "1.3.0")), ("osv", lists("SNYK-1", "GHSA-1", "1.3.1"))]);
    let package = PackageFacts::new(PackageKind::Npm, "left-pad", "1.2.0");
    assert_eq!(matched(&bytes, None, &package), ["CVE-2024-1 -> 1.3.0, 1.3.1"]);
}

#[test]
fn ranges_and_lists_both_count() {
    let range = |from: Lower, to: Upper| Range { from, to };
    let entry = Affected {
        ranges: vec![
            range(Lower::At("1.0.0".into()), Upper::Fixed("1.2.0".into())),
            range(Lower::After("2.0.0".into()), Upper::Last("2.5.0".into())),
        ],
        versions: vec!["0.5.0".into()],
        ..affected(Ecosystem::Npm, "", "a")
    };
    let bytes = database(&[("osv", advisory("CVE-2024-1", vec![entry]))]);
    for (version, expect) in [
        ("0.9.0", None),
        ("0.5.0", Some("CVE-2024-1 -> 1.2.0")),
        ("1.0.0", Some("CVE-2024-1 -> 1.2.0")),
        ("1.2.0", None),
        ("2.0.0", None),
        ("2.0.1", Some("CVE-2024-1")),
        ("2.5.0", Some("CVE-2024-1")),
        ("2.5.1", None),
    ] {
        let package = PackageFacts::new(PackageKind::Npm, "a", version);
        assert_eq!(matched(&bytes, None, &package), expect.into_iter().collect::<Vec<_>>(), "{version}");
    }
}

#[test]
fn packages_of_modules_are_judged_by_their_stream() {
    let stream = |id: &str, module: Option<&str>, version: &str| {
        let entry = fixed(affected(Ecosystem::AlmaLinux, "8", "nodejs"), version);
        ("almalinux", advisory(id, vec![Affected { module: module.map(str::to_owned), ..entry }]))
    };
    let bytes = database(&[
        stream("CVE-2024-16", Some("nodejs:16"), "1:16.20.2-1.module_el8.8.0"),
        stream("CVE-2024-18", Some("nodejs:18"), "1:18.18.2-1.module_el8.8.0"),
        stream("CVE-2024-99", None, "1:99-1.el8"),
    ]);
    let rpm = |version: &str, label: &str| {
        let extra = Some(("modularity".to_owned(), label.to_owned())).filter(|(_, label)| !label.is_empty());
        PackageFacts { extra: extra.into_iter().collect(), ..PackageFacts::new(PackageKind::Rpm, "nodejs", version) }
    };
    let alma = os("almalinux", "8.9");
    let check = |facts: PackageFacts, expect: &[&str]| assert_eq!(matched(&bytes, Some(&alma), &facts), expect);
    check(
        rpm("1:16.19.1-1.module_el8.7.0", "nodejs:16:8070020230224:bb8ab1a5"),
        &["CVE-2024-16 -> 1:16.20.2-1.module_el8.8.0"],
    );
    check(
        rpm("1:18.14.2-2.module_el8.7.0", "nodejs:18:8070020230224:bb8ab1a5"),
        &["CVE-2024-18 -> 1:18.18.2-1.module_el8.8.0"],
    );
    check(rpm("1:18.18.2-1.module_el8.8.0", "nodejs:18:8080020230224:bb8ab1a5"), &[]);
    check(rpm("1:10.1-1.el8", ""), &["CVE-2024-99 -> 1:99-1.el8"]);
    // A label without a module's release takes it out of sight of nothing.
    let both = ["CVE-2024-18 -> 1:18.18.2-1.module_el8.8.0", "CVE-2024-99 -> 1:99-1.el8"];
    check(rpm("1:10.1-1.el8", "nodejs:18:1:a"), &both);
    check(rpm("1:10.1-1.el8", "a:b:1:c"), &both[1..]);
}

#[test]
fn who_says_not_affected_takes_away_what_the_same_feed_says() {
    let entry = |status| Affected { status, ranges: vec![Range::ALL], ..affected(Ecosystem::Debian, "12", "bash") };
    let bytes = database(&[
        ("debian", advisory("CVE-2024-1", vec![entry(Status::Affected)])),
        ("debian", advisory("DSA-1", vec![entry(Status::NotAffected)])),
        ("osv", advisory("CVE-2024-2", vec![entry(Status::NotAffected)])),
    ]);
    assert_eq!(matched(&bytes, Some(&os("debian", "12")), &deb("bash", "5", None)), ["CVE-2024-1"]);
    let same = Advisory { aliases: vec!["CVE-2024-1".into()], ..advisory("DSA-1", vec![entry(Status::NotAffected)]) };
    let bytes = database(&[("debian", advisory("CVE-2024-1", vec![entry(Status::Affected)])), ("debian", same)]);
    assert_eq!(matched(&bytes, Some(&os("debian", "12")), &deb("bash", "5", None)), [""; 0]);
}

#[test]
fn architectures_and_source_packages_are_told_apart() {
    let of = |id: &str, name: &str, arches: &[&str]| {
        let arches = arches.iter().map(|arch| (*arch).to_owned()).collect();
        let entry = fixed(affected(Ecosystem::RedHat, "enterprise_linux:9::baseos", name), "9");
        ("redhat", advisory(id, vec![Affected { arches, ..entry }]))
    };
    let bytes = database(&[
        of("CVE-2024-1", "bash", &["x86_64"]),
        of("CVE-2024-2", "bash", &["aarch64"]),
        of("CVE-2024-3", "bash", &[SOURCE_ARCH]),
        of("CVE-2024-4", "bash-libs", &[]),
    ]);
    let rhel = os("rhel", "9.4");
    let rpm = |name: &str, arch: &str, source: &str| PackageFacts {
        arch: Some(arch.to_owned()),
        source: Some(SourcePackage { name: source.to_owned(), version: "5".to_owned() }),
        ..PackageFacts::new(PackageKind::Rpm, name, "5")
    };
    let check = |facts: PackageFacts, expect: &[&str]| assert_eq!(matched(&bytes, Some(&rhel), &facts), expect);
    check(rpm("bash", "x86_64", "bash"), &["CVE-2024-1 -> 9", "CVE-2024-3 -> 9"]);
    check(rpm("bash-libs", "x86_64", "bash"), &["CVE-2024-3 -> 9", "CVE-2024-4 -> 9"]);
    for arch in ["noarch", "amd64", "weird"] {
        check(rpm("bash", arch, "other"), &["CVE-2024-1 -> 9", "CVE-2024-2 -> 9"]);
    }
    check(rpm("bash", "s390x", "other"), &[]);
}

#[test]
fn what_is_no_vulnerability_is_not_found() {
    let kind = |id: &str, kind| {
        let entry = Affected { ranges: vec![Range::ALL], ..affected(Ecosystem::Npm, "", "a") };
        ("osv", Advisory { kind, ..advisory(id, vec![entry]) })
    };
    let bytes = database(&[
        kind("A-1", AdvisoryKind::Unmaintained),
        kind("A-2", AdvisoryKind::Notice),
        kind("A-3", AdvisoryKind::Unsound),
        kind("A-4", AdvisoryKind::Malware),
    ]);
    assert_eq!(matched(&bytes, None, &PackageFacts::new(PackageKind::Npm, "a", "1.0.0")), ["A-4"]);
}

#[test]
fn severity_is_the_word_of_who_ships_the_package() {
    let rated = |by: &str, severity| Rating { by: by.to_owned(), severity: Some(severity), vector: None };
    let check = |own: Option<Severity>, publisher: Option<Severity>, several: bool, expect: Severity| {
        let entry = Affected {
            ranges: vec![Range::ALL],
            ratings: own.map(|own| rated("", own)).into_iter().collect(),
            ..affected(Ecosystem::Npm, "", "a")
        };
        let mut builder = Builder::default();
        builder.feed(FeedSource { id: "osv".into(), ..FeedSource::default() });
        let addresses = if several { vec!["CVE-2024-1".into(), "CVE-2024-2".into()] } else { Vec::new() };
        let id = if several { "NOTICE-1" } else { "CVE-2024-1" };
        builder.add(Record::Advisory(Advisory {
            addresses,
            ratings: publisher.map(|publisher| rated("", publisher)).into_iter().collect(),
            ..advisory(id, vec![entry])
        }));
        builder.add(Record::Enrichment(crate::record::Enrichment {
            id: "CVE-2024-1".into(),
            says: crate::record::Says::Description {
                text: String::new(),
                ratings: vec![rated("nvd", Severity::Critical)],
                cwes: Vec::new(),
                rejected: false,
            },
        }));
        let bytes = builder.finish().unwrap();
        let database = Database::open(&bytes).unwrap();
        let found = Matcher::new(&database, None).package(&PackageFacts::new(PackageKind::Npm, "a", "1.0.0")).unwrap();
        let (number, hits) = found.vulnerabilities.iter().next().unwrap();
        let advisory = database.advisory(hits[0].advisory).unwrap();
        let hits: Vec<_> = hits.iter().map(|hit| (hit, &advisory)).collect();
        assert_eq!(severity::of(&database.vulnerability(*number).unwrap(), &hits), expect);
    };
    check(Some(Severity::Low), Some(Severity::Medium), false, Severity::Low);
    check(None, Some(Severity::Medium), false, Severity::Medium);
    check(None, None, false, Severity::Critical);
    check(Some(Severity::Unknown), Some(Severity::High), false, Severity::High);
    check(None, Some(Severity::Medium), true, Severity::Critical);
}

/// An npm package of an inventory.
fn npm(name: &str, version: &str, location: &str) -> Package {
    let purl: Purl = format!("pkg:npm/{name}@{version}").parse().unwrap();
    let facts = PackageFacts::new(PackageKind::Npm, name, version);
    Package {
        id: PackageId::new(&purl, location),
        purl,
        facts,
        location: location.to_owned(),
        ..report(&["x 1"], &[]).inventory.packages[0].clone()
    }
}

fn inventory(packages: Vec<Package>) -> Inventory {
    Inventory { packages, ..report(&[], &[]).inventory }
}

#[test]
fn what_several_feeds_say_of_one_vulnerability_is_one_finding() {
    let vector = |score: &str| vec![Rating::vector(format!("CVSS:3.1/{score}"))];
    let low = "AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";
    let high = "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N";
    let bytes = database(&[
        (
            "osv",
            Advisory {
                aliases: vec!["CVE-2024-1".into()],
                ratings: vector(low),
                summary: "From one".into(),
                references: vec!["https://one.example/".into(), "https://both.example/".into()],
                cwes: vec!["CWE-2".into()],
                published: Some(Timestamp::from_second(2_000).unwrap()),
                ..advisory("OSV-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "1.10.0")])
            },
        ),
        (
            "ghsa",
            Advisory {
                aliases: vec!["CVE-2024-1".into()],
                ratings: vector(high),
                summary: "From two".into(),
                references: vec!["https://both.example/".into()],
                cwes: vec!["CWE-1".into(), "CWE-2".into()],
                published: Some(Timestamp::from_second(1_000).unwrap()),
                ..advisory("GHSA-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "1.9.0")])
            },
        ),
        ("osv", advisory("OSV-2", vec![fixed(affected(Ecosystem::Npm, "", "b"), "2.0.0")])),
    ]);
    let database = Database::open(&bytes).unwrap();
    let inventory = inventory(vec![npm("a", "1.0.0", "a/package.json"), npm("a", "1.9.5", "x/package.json")]);
    let assessment = assess(&inventory, &database, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(assessment.state, ScanState::Scanned);
    let [first, second] = &assessment.findings[..] else { panic!("{:#?}", assessment.findings) };
    assert_eq!((first.vulnerability.as_str(), first.severity), ("CVE-2024-1", Severity::Critical));
    assert_eq!((first.status, first.fixed_in.join(" ").as_str()), (FindingStatus::Fixed, "1.9.0 1.10.0"));
    let sources = |finding: &sekisho_model::Finding| -> Vec<String> {
        finding.sources.iter().map(|source| format!("{} {}", source.feed, source.advisory)).collect()
    };
    assert_eq!(sources(first), ["ghsa GHSA-1", "osv OSV-1"]);
    // The second is past what one of them says.
    assert_eq!((sources(second), second.severity), (vec!["osv OSV-1".to_owned()], Severity::Low));
    assert_ne!(first.id, second.id);

    let [known] = &assessment.vulnerabilities[..] else { panic!("{:#?}", assessment.vulnerabilities) };
    assert_eq!(known.aliases, ["GHSA-1", "OSV-1"]);
    assert!(["From one", "From two"].contains(&known.title.as_str()));
    assert_eq!((known.references.len(), known.cwes.join(" ").as_str()), (2, "CWE-1 CWE-2"));
    assert_eq!(known.judgements.iter().map(|judgement| judgement.by.as_str()).collect::<Vec<_>>(), ["ghsa", "osv"]);
    assert_eq!(known.published, Some(Timestamp::from_second(1_000).unwrap()));
    assert!(ScanReport::new(inventory, assessment).is_whole());
}

#[test]
fn packages_that_cannot_be_judged_are_told_once_for_each_reason() {
    let bytes = database(&[("osv", advisory("OSV-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")]))]);
    let database = Database::open(&bytes).unwrap();
    let mut strange = npm("a", "not a version", "1/package.json");
    strange.facts.version = "not a version".to_owned();
    let mut python = npm("p", "1", "p");
    python.facts.kind = PackageKind::Pypi;
    let mut system = npm("s", "1", "s");
    system.facts.kind = PackageKind::Deb;
    let mut other = npm("o", "1", "o");
    other.facts.kind = PackageKind::Generic;
    let assessment =
        assess(&inventory(vec![strange, python.clone(), python, system, other]), &database, Timestamp::UNIX_EPOCH)
            .unwrap();
    assert_eq!(assessment.state, ScanState::Incomplete);
    let mut told: Vec<&str> = assessment.diagnostics.iter().map(|told| told.message.as_str()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "1 package of a system that does not say what it is: no feed has advisories for it",
            "1 package with a version that cannot be compared (npm): a not a version",
            "1 package: no feed has advisories for packages of that kind",
            "2 packages: the database has nothing about PyPI",
        ]
    );
}

#[test]
fn what_was_compared_can_be_shown() {
    let bytes = database(&[
        ("osv", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")])),
        ("osv", advisory("CVE-2024-2", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")])),
    ]);
    let database = Database::open(&bytes).unwrap();
    let matcher = Matcher::new(&database, None);
    let inventory = inventory(vec![npm("a", "1.0.0", "1"), npm("a", "2.0.0", "2"), npm("b", "1.0.0", "3")]);
    let explanation = explain(&inventory, &matcher, "cve-2024-1").unwrap();
    assert_eq!(
        (explanation.vulnerabilities[0].id.as_str(), explanation.packages, explanation.unjudged),
        ("CVE-2024-1", 3, 0)
    );
    let told: Vec<_> = explanation
        .comparisons
        .iter()
        .map(|told| (told.version.as_str(), told.ranges.join(" or "), told.outcome))
        .collect();
    assert_eq!(
        told,
        [("1.0.0", "< 2.0.0".to_owned(), Outcome::Affected), ("2.0.0", "< 2.0.0".to_owned(), Outcome::Outside)]
    );
    assert!(explain(&inventory, &matcher, "CVE-2024-3").unwrap().vulnerabilities.is_empty());
}

#[test]
fn packages_of_ubuntu_pro_are_judged_by_its_advisories() {
    let all = |release: &str| Affected { ranges: vec![Range::ALL], ..affected(Ecosystem::Ubuntu, release, "openssl") };
    let mended = fixed(affected(Ecosystem::Ubuntu, "Pro:18.04:LTS", "openssl"), "1.1.1-1ubuntu2.1~18.04.23+esm5");
    let both = advisory("CVE-2024-1", vec![all("18.04:LTS"), mended.clone()]);
    let other = advisory("CVE-2024-2", vec![Affected { release: Some("Pro:22.04:LTS".into()), ..mended }]);
    let bionic = os("ubuntu", "18.04");
    let check = |bytes: &[u8], version: &str, expect: &[&str]| {
        assert_eq!(matched(bytes, Some(&bionic), &deb("openssl", version, None)), expect, "{version}");
    };
    let bytes = database(&[("ubuntu", both), ("ubuntu", other)]);
    check(&bytes, "1.1.1-1ubuntu2.1~18.04.23", &["CVE-2024-1"]);
    check(&bytes, "1.1.1-1ubuntu2.1~18.04.23+esm4", &["CVE-2024-1 -> 1.1.1-1ubuntu2.1~18.04.23+esm5"]);
    check(&bytes, "1.1.1-1ubuntu2.1~18.04.23+esm5", &[]);
    // Where nothing is known of Pro, what is known of the common packages is said.
    let common = database(&[("ubuntu", advisory("CVE-2024-1", vec![all("18.04:LTS")]))]);
    check(&common, "1.1.1-1ubuntu2.1~18.04.23+esm5", &["CVE-2024-1"]);
}

#[test]
fn packages_are_judged_by_the_distribution_that_has_such_packages() {
    let bytes = database(&[
        ("osv", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Debian, "12", "evil"), "99")])),
        ("osv", advisory("CVE-2024-2", vec![fixed(affected(Ecosystem::Alpine, "v3.20", "evil"), "99")])),
    ]);
    let check = |id: &str, version: &str, kind: PackageKind, expect: &[&str]| {
        let source = Some(SourcePackage { name: "evil".to_owned(), version: "1.0".to_owned() });
        let facts = PackageFacts { source, ..PackageFacts::new(kind, "evil", "1.0") };
        assert_eq!(matched(&bytes, Some(&os(id, version)), &facts), expect, "{id} {kind}");
    };
    check("debian", "12", PackageKind::Deb, &["CVE-2024-1 -> 99"]);
    check("alpine", "3.20.1", PackageKind::Apk, &["CVE-2024-2 -> 99"]);
    check("alpine", "3.20.1", PackageKind::Deb, &["Foreign(Deb)"]);
    check("debian", "12", PackageKind::Apk, &["Foreign(Apk)"]);
    check("debian", "12", PackageKind::Rpm, &["Foreign(Rpm)"]);
}

#[test]
fn what_is_said_of_no_release_covers_none() {
    let everywhere = Affected { ranges: vec![Range::before("2")], ..affected(Ecosystem::Debian, "", "a") };
    let bytes = database(&[
        ("osv", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Debian, "12", "b"), "2")])),
        ("osv", advisory("CVE-2024-2", vec![everywhere])),
    ]);
    let check = |version: &str, name: &str, expect: &[&str]| {
        assert_eq!(matched(&bytes, Some(&os("debian", version)), &deb(name, "1", None)), expect, "{version} {name}");
    };
    check("12", "a", &["CVE-2024-2 -> 2"]);
    check("12", "b", &["CVE-2024-1 -> 2"]);
    check("99", "b", &["Release(Debian)"]);
}

#[test]
fn versions_that_cannot_be_compared_are_told_beside_lists_too() {
    let listed = Affected { versions: vec!["1.0.0".into(), "odd".into()], ..affected(Ecosystem::Npm, "", "a") };
    let ranged = Affected { ranges: vec![Range::before("99.0.0")], ..listed.clone() };
    let check = |affected: &Affected, version: &str, expect: &[&str]| {
        let bytes = database(&[("osv", advisory("MAL-1", vec![affected.clone()]))]);
        assert_eq!(matched(&bytes, None, &PackageFacts::new(PackageKind::Npm, "a", version)), expect, "{version}");
    };
    check(&listed, "1.0.0", &["MAL-1"]);
    check(&listed, "2.0.0", &[]);
    check(&listed, "strange", &["Version(Npm)"]);
    check(&listed, "odd", &["MAL-1"]);
    // A listed version that cannot be compared is as good as mended by the version that ends the range.
    check(&ranged, "odd", &["MAL-1 -> 99.0.0"]);
}

#[test]
fn only_a_mark_of_its_own_is_that_of_ubuntu_pro() {
    for (version, expect) in [
        ("1.1.1-1ubuntu2.1~18.04.23+esm5", true),
        ("2.4.29-1ubuntu4.27+esm1", true),
        ("1.0~pre+desmume1", false),
        ("1.0-1esm", false),
        ("1.0+esm", false),
    ] {
        assert_eq!(is_of_pro(version), expect, "{version}");
    }
    let pro = fixed(affected(Ecosystem::Ubuntu, "Pro:22.04:LTS", "other"), "9");
    let common = fixed(affected(Ecosystem::Ubuntu, "22.04:LTS", "evil"), "99");
    let bytes = database(&[("ubuntu", advisory("USN-1", vec![pro])), ("ubuntu", advisory("CVE-2024-1", vec![common]))]);
    // What the list of Pro does not name is judged by the common one.
    assert_eq!(matched(&bytes, Some(&os("ubuntu", "22.04")), &deb("evil", "1.0+esm1", None)), ["CVE-2024-1 -> 99"]);
}

#[test]
fn owned_packages_are_judged_by_whoever_knows_of_them() {
    let known = fixed(affected(Ecosystem::Debian, "12", "known"), "1");
    let flaw = fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0");
    let bytes =
        database(&[("debian", advisory("CVE-2024-1", vec![known])), ("osv", advisory("CVE-2024-2", vec![flaw]))]);
    let database = Database::open(&bytes).unwrap();
    let bookworm = os("debian", "12");
    let matcher = Matcher::new(&database, Some(&bookworm));
    let check = |kind: PackageKind, owner: Option<&str>, expect: usize| {
        let owner = owner.map(|name| deb(name, "9", None));
        let matched = matcher.owned(&PackageFacts::new(kind, "a", "1.0.0"), owner.as_ref()).unwrap();
        assert_eq!((matched.vulnerabilities.len(), matched.obstacle), (expect, None), "{owner:?}");
    };
    // Debian says what is wrong with its own package, and nothing is.
    check(PackageKind::Npm, Some("known"), 0);
    // Nobody says anything about what somebody else packaged.
    check(PackageKind::Npm, Some("foreign"), 1);
    check(PackageKind::Npm, None, 1);
    check(PackageKind::Pypi, Some("foreign"), 0);
    // What was told by its bytes is the owner under another name. By itself nobody can judge it, which is not clean.
    check(PackageKind::Generic, Some("known"), 0);
    check(PackageKind::Generic, Some("foreign"), 0);
    let alone = matcher.owned(&PackageFacts::new(PackageKind::Generic, "a", "1.0.0"), None).unwrap();
    assert_eq!((alone.vulnerabilities.len(), alone.obstacle), (0, Some(Obstacle::Kind)));
}

#[test]
fn programs_without_a_package_are_not_judged_and_not_clean() {
    // Whatever is known of a package of that name elsewhere.
    let elsewhere = [
        ("osv", advisory("OSV-1", vec![fixed(affected(Ecosystem::Npm, "", "node"), "99.0.0")])),
        ("debian", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Debian, "12", "node"), "99")])),
    ];
    let bytes = database(&elsewhere);
    let database = Database::open(&bytes).unwrap();
    let mut program = npm("node", "20.1.0", "usr/local/bin/node");
    program.facts.kind = PackageKind::Generic;
    program.facts.evidence = sekisho_model::Evidence::Inferred;
    let mut system = inventory(vec![program]);
    system.os = Some(os("debian", "12"));
    let assessment = assess(&system, &database, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((assessment.state, assessment.findings.len()), (ScanState::Incomplete, 0));
    let told: Vec<&str> = assessment.diagnostics.iter().map(|told| told.message.as_str()).collect();
    assert_eq!(told, ["1 package: no feed has advisories for packages of that kind"]);
    let report = ScanReport::new(system, assessment);
    let gate = sekisho_model::Gate { fail_on: Some(Severity::High), ..sekisho_model::Gate::default() };
    assert_eq!(crate::gate::judge(&report, gate, None).verdict, sekisho_model::Verdict::Unknown);
}

#[test]
fn what_was_skipped_of_a_feed_is_told_where_it_concerns() {
    let mut builder = Builder::default();
    builder.feed(FeedSource { id: "osv".to_owned(), skipped: 2, advisories: 1, ..FeedSource::default() });
    builder.add(Record::Advisory(advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")])));
    builder.feed(FeedSource { id: "epss".to_owned(), skipped: 1, ..FeedSource::default() });
    let bytes = builder.finish().unwrap();
    let database = Database::open(&bytes).unwrap();
    let assessed = assess(&inventory(vec![npm("a", "3.0.0", "1")]), &database, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(assessed.state, ScanState::Incomplete);
    let told: Vec<_> = assessed.diagnostics.iter().map(|told| (told.level, told.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (Level::Incomplete, "2 records of osv from  could not be read: what they say is not known"),
            (Level::Note, "1 record of epss from  could not be read: what they say is not known"),
        ]
    );
    // Of another ecosystem it hides nothing.
    let mut pypi = npm("a", "3.0.0", "1");
    pypi.facts.kind = PackageKind::Pypi;
    let assessed = assess(&inventory(vec![pypi]), &database, Timestamp::UNIX_EPOCH).unwrap();
    assert!(!assessed.diagnostics.iter().any(|told| told.message.contains("osv from")));
}

#[test]
fn what_is_too_long_for_a_version_is_compared_with_nothing() {
    let bytes = database(&[("osv", advisory("CVE-2024-1", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")]))]);
    let long = format!("1.0.{}", "0".repeat(2_000));
    let facts = PackageFacts::new(PackageKind::Npm, "a", long.as_str());
    assert_eq!(matched(&bytes, None, &facts), ["Version(Npm)"]);
    let whole = inventory(vec![npm("a", &long, "1")]);
    let assessed = assess(&whole, &Database::open(&bytes).unwrap(), Timestamp::UNIX_EPOCH).unwrap();
    assert!(assessed.diagnostics[0].message.len() < 300, "{}", assessed.diagnostics[0].message);
    let deb = deb("a", "1", Some(("a", &long)));
    assert_eq!(matched(&bytes, Some(&os("debian", "12")), &deb), ["Version(Dpkg)"]);
}

#[test]
fn what_was_withdrawn_is_told_who_asks() {
    let withdrawn = Advisory {
        withdrawn: Some(Timestamp::UNIX_EPOCH),
        ..advisory("GO-1", vec![affected(Ecosystem::Npm, "", "a")])
    };
    let other = advisory("GO-2", vec![fixed(affected(Ecosystem::Npm, "", "a"), "2.0.0")]);
    let bytes = database(&[("osv", withdrawn), ("osv", other)]);
    let database = Database::open(&bytes).unwrap();
    let matcher = Matcher::new(&database, None);
    let inventory = inventory(vec![npm("a", "1.0.0", "1")]);
    let explanation = explain(&inventory, &matcher, "GO-1").unwrap();
    assert_eq!(explanation.withdrawn, [("GO-1".to_owned(), Timestamp::UNIX_EPOCH)]);
    assert!(explanation.comparisons.is_empty());
    assert!(explain(&inventory, &matcher, "GO-2").unwrap().withdrawn.is_empty());
}
