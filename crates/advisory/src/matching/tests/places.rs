//! Releases, repositories and sources: what is looked up, and which of what is said counts.

use super::*;
use crate::feeds::{FeedFile, feed};
use sekisho_base::Limits;

/// A database of the records in a file of a feed.
fn database_of(id: &str, path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = Builder::default();
    builder.feed(FeedSource { id: id.to_owned(), ..FeedSource::default() });
    let read = feed(id).unwrap().read(&FeedFile { path, bytes, limits: &Limits::default() }, &mut |record| {
        builder.add(record);
    });
    assert_eq!((read.skipped, read.diagnostics.len()), (0, 0), "{:?}", read.diagnostics);
    builder.finish().unwrap()
}

fn rpm(name: &str, version: &str, source: Option<(&str, &str)>) -> PackageFacts {
    let source = source.map(|(name, version)| SourcePackage { name: name.to_owned(), version: version.to_owned() });
    PackageFacts { arch: Some("x86_64".to_owned()), source, ..PackageFacts::new(PackageKind::Rpm, name, version) }
}

/// The fixture follows what SUSE publishes: packages of 15 are those of a module.
#[test]
fn packages_of_suse_are_judged_by_the_modules_that_ship_them() {
    let record = include_bytes!("../../feeds/osv/fixtures/suse/SUSE-SU-2024:90007-1.json");
    let bytes = database_of("suse", "SUSE-SU-2024:90007-1.json", record);
    let check = |id: &str, version: &str, build: &str, expect: &[&str]| {
        let package = rpm("libopenssl1_1", build, Some(("openssl-1_1", build)));
        assert_eq!(matched(&bytes, Some(&os(id, version)), &package), expect, "{id} {version} {build}");
    };
    let found = ["CVE-2024-90008 -> 1.1.1l-150500.17.28.2"];
    check("sles", "15.5", "1.1.1l-150500.17.1", &found);
    check("sled", "15.5", "1.1.1l-150500.17.1", &found);
    check("opensuse-leap", "15.5", "1.1.1l-150500.17.1", &found);
    check("sles", "15.5", "1.1.1l-150500.17.28.2", &[]);
    check("sles", "15.6", "1.1.1l-150500.17.1", &["Release(Suse)"]);
}

/// The files by which rpm names sources have no epoch. Rocky Linux states the epoch of every fix, openEuler of none.
#[test]
fn a_source_of_rpm_has_the_epoch_of_its_packages() {
    let record = |ecosystem: &str, name: &str, fixed: &str| {
        format!(
            r#"{{"id": "RLSA-2023:1", "upstream": ["CVE-2023-1"], "modified": "2024-01-01T00:00:00Z", "affected": [
        {{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [
        {{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
        )
    };
    let check = |place: (&str, &OsRelease), fixed: &str, package: &PackageFacts, hits: usize| {
        let name = &package.source.as_ref().unwrap().name;
        let bytes = database_of("rocky", "a.json", record(place.0, name, fixed).as_bytes());
        let found = matched(&bytes, Some(place.1), package);
        assert_eq!(found.len(), hits, "{package:?} {fixed}: {found:?}");
    };
    let rocky = ("Rocky Linux:9", &os("rocky", "9.4"));
    let openssl = |version: &str| {
        let own = version.split_once(':').map_or(version, |(_, own)| own).to_owned();
        rpm("openssl-libs", version, Some(("openssl", &own)))
    };
    check(rocky, "1:3.0.7-27.el9", &openssl("1:3.0.7-27.el9"), 0);
    check(rocky, "1:3.0.7-27.el9", &openssl("1:3.0.7-24.el9"), 1);
    // Without an epoch a package has 0, and is older than all of 1.
    check(rocky, "1:3.0.7-27.el9", &openssl("3.2.0-1.el9"), 1);
    check(rocky, "0:3.0.7-27.el9", &openssl("1:3.0.1-1.el9"), 0);
    // A package of another version does not tell that of its source.
    let errno = |source: &str| rpm("perl-Errno", "1.30-481.el9", Some(("perl", source)));
    check(rocky, "4:5.32.1-481.el9", &errno("5.32.1-481.el9"), 0);
    check(rocky, "4:5.32.1-481.el9", &errno("5.32.1-480.el9"), 1);
    // As Trivy's SBOMs say it.
    check(rocky, "4:5.32.1-481.el9", &errno("3:5.32.1-481.el9"), 1);
    let pretty_name = Some("openEuler 22.03 (LTS-SP2)".to_owned());
    let euler = ("openEuler:22.03-LTS-SP2", &OsRelease { pretty_name, ..os("openeuler", "22.03") });
    check(euler, "1.1.1m-21.oe2203sp2", &openssl("1:1.1.1m-20.oe2203sp2"), 1);
    check(euler, "1.1.1m-21.oe2203sp2", &openssl("1:1.1.1m-21.oe2203sp2"), 0);
}

#[test]
fn what_only_ubuntu_pro_mends_is_told_of_common_packages_too() {
    let of = |release: &str, version: &str| fixed(affected(Ecosystem::Ubuntu, release, "openssl"), version);
    let pro = "1.1.1-1ubuntu2.1~18.04.23+esm5";
    let bytes = database(&[
        ("ubuntu", advisory("CVE-2024-1", vec![of("Pro:18.04:LTS", pro)])),
        // What the common advisories speak of is theirs to judge.
        ("ubuntu", advisory("CVE-2024-2", vec![of("18.04:LTS", "1.1.1-1ubuntu2"), of("Pro:18.04:LTS", pro)])),
        ("ubuntu", advisory("CVE-2024-3", vec![of("Pro:22.04:LTS", "9")])),
        ("ubuntu", advisory("CVE-2020-1", vec![fixed(affected(Ecosystem::Ubuntu, "18.04:LTS", "bash"), "1")])),
    ]);
    let bionic = os("ubuntu", "18.04");
    let check = |version: &str, expect: &[&str]| {
        assert_eq!(matched(&bytes, Some(&bionic), &deb("openssl", version, None)), expect, "{version}");
    };
    check("1.1.1-1ubuntu2.1~18.04.23", &["CVE-2024-1 -> 1.1.1-1ubuntu2.1~18.04.23+esm5"]);
    check(pro, &[]);
    check("1.1.1-1ubuntu1", &["CVE-2024-1 -> 1.1.1-1ubuntu2.1~18.04.23+esm5", "CVE-2024-2 -> 1.1.1-1ubuntu2"]);
    let old = |name: &str| matched(&bytes, Some(&bionic), &deb(name, "0+esm1", None));
    // What the list of Pro does not name is judged by the common one.
    assert_eq!(old("bash"), ["CVE-2020-1 -> 1"]);
}

#[test]
fn minor_releases_of_red_hat_10_tell_of_their_fixes() {
    let of = |id: &str, release: &str, version: &str| {
        let entry = fixed(affected(Ecosystem::RedHat, release, "kernel"), version);
        ("redhat", advisory(id, vec![Affected { arches: vec!["x86_64".to_owned()], ..entry }]))
    };
    let mended = "6.12.0-55.25.1.el10_0";
    let bytes = database(&[
        of("CVE-2025-1", "enterprise_linux:10.0", mended),
        of("CVE-2025-1", "enterprise_linux:10.1::baseos", "6.12.0-124.8.1.el10_1"),
        of("CVE-2025-2", "enterprise_linux:10.1::baseos", "6.12.0-124.8.1.el10_1"),
        of("CVE-2025-3", "enterprise_linux_eus:10.0", "9"),
    ]);
    let check = |id: &str, version: &str, build: &str, expect: &[&str]| {
        let found = matched(&bytes, Some(&os(id, version)), &rpm("kernel", build, Some(("kernel", build))));
        assert_eq!(found, expect, "{id} {version} {build}");
    };
    let later = "CVE-2025-2 -> 6.12.0-124.8.1.el10_1";
    check("rhel", "10.0", "6.12.0-55.1.1.el10_0", &["CVE-2025-1 -> 6.12.0-55.25.1.el10_0", later]);
    // It was mended in 10.0 before it was in 10.1; what was not comes with 10.1.
    check("rhel", "10.0", mended, &[later]);
    let both = ["CVE-2025-1 -> 6.12.0-124.8.1.el10_1", later];
    check("rhel", "10.1", "6.12.0-124.1.1.el10_1", &both);
    check("centos", "10", "6.12.0-124.1.1.el10", &both);
    check("rhel", "9.4", "5", &["Release(RedHat)"]);
}

#[test]
fn no_repository_says_that_another_is_not_affected() {
    let entry = |release: &str, name: &str, arch: &str, status| Affected {
        status,
        ranges: vec![Range::ALL],
        arches: vec![arch.to_owned()],
        ..affected(Ecosystem::RedHat, release, name)
    };
    let package = rpm("openssl-libs", "3.0-1.el9", Some(("openssl", "3.0-1.el9")));
    let check = |entries: [Affected; 2], expect: &[&str]| {
        for advisories in [
            vec![("redhat", advisory("CVE-2024-1", entries.to_vec()))],
            entries.iter().map(|entry| ("redhat", advisory("CVE-2024-1", vec![entry.clone()]))).collect(),
        ] {
            assert_eq!(matched(&database(&advisories), Some(&os("rhel", "9.4")), &package), expect, "{entries:?}");
        }
    };
    let (whole, part) = ("enterprise_linux:9", "enterprise_linux:9::appstream");
    for (one, other) in [(whole, part), (part, whole)] {
        let said = [
            entry(one, "openssl", SOURCE_ARCH, Status::NotAffected),
            entry(other, "openssl", SOURCE_ARCH, Status::Affected),
        ];
        check(said, &["CVE-2024-1"]);
    }
    // What is said of the package itself goes before what is said of its source, and not the other way round.
    let of = |package, source| {
        [entry(whole, "openssl-libs", "x86_64", package), entry(whole, "openssl", SOURCE_ARCH, source)]
    };
    check(of(Status::NotAffected, Status::Affected), &[]);
    check(of(Status::Affected, Status::NotAffected), &["CVE-2024-1"]);
}

/// As Alpine's database has some: in one line never affected, in another mended.
#[test]
fn an_advisory_that_contradicts_itself_takes_nothing_away() {
    let text = "distroversion: v3.20\npackages:\n- pkg:\n    name: openssl\n    secfixes:\n      0:\n      - CVE-2024-1\n      - CVE-2024-2\n      3.9-r0:\n      - CVE-2024-1\n";
    let bytes = database_of("alpine", "main.yaml", text.as_bytes());
    let source = Some(SourcePackage { name: "openssl".to_owned(), version: "3.1.0-r0".to_owned() });
    let package = PackageFacts { source, ..PackageFacts::new(PackageKind::Apk, "libssl3", "3.1.0-r0") };
    assert_eq!(matched(&bytes, Some(&os("alpine", "3.20.1")), &package), ["CVE-2024-1 -> 3.9-r0"]);
}

#[test]
fn what_a_package_was_built_from_is_asked_for_where_advisories_name_it() {
    let of = |ecosystem, release: &str| {
        ("osv", advisory("CVE-2024-1", vec![fixed(affected(ecosystem, release, "openssl"), "9")]))
    };
    let bytes = database(&[
        of(Ecosystem::Debian, "12"),
        of(Ecosystem::RockyLinux, "9"),
        of(Ecosystem::RedHat, "enterprise_linux:9"),
        of(Ecosystem::AlmaLinux, "9"),
        of(Ecosystem::AzureLinux, "3"),
        of(Ecosystem::PhotonOs, "5.0"),
    ]);
    let check = |id: &str, version: &str, kind, name: &str, source: Option<&str>, expect: &[&str]| {
        let source = source.map(|name| SourcePackage { name: name.to_owned(), version: "3".to_owned() });
        let facts = PackageFacts { source, ..PackageFacts::new(kind, name, "3") };
        assert_eq!(matched(&bytes, Some(&os(id, version)), &facts), expect, "{id} {name}");
    };
    let found = "CVE-2024-1 -> 9";
    check("debian", "12", PackageKind::Deb, "libssl3", None, &["Source(Debian)"]);
    check("debian", "12", PackageKind::Deb, "openssl", None, &[found, "Source(Debian)"]);
    check("debian", "12", PackageKind::Deb, "libssl3", Some("openssl"), &[found]);
    check("rocky", "9.4", PackageKind::Rpm, "openssl-libs", None, &["Source(RockyLinux)"]);
    check("rhel", "9.4", PackageKind::Rpm, "openssl-libs", None, &["Source(RedHat)"]);
    check("azurelinux", "3.0", PackageKind::Rpm, "openssl-libs", Some("openssl"), &[found]);
    check("photon", "5.0", PackageKind::Rpm, "openssl-libs", Some("openssl"), &[found]);
    // AlmaLinux names what is installed.
    check("almalinux", "9.4", PackageKind::Rpm, "openssl-libs", None, &[]);
    check("almalinux", "9.4", PackageKind::Rpm, "openssl", None, &[found]);
}

#[test]
fn what_names_no_version_that_can_be_compared_is_not_clean() {
    let of = |ranges: Vec<Range>, versions: &[&str]| {
        let versions = versions.iter().map(|version| (*version).to_owned()).collect();
        let entry = Affected { ranges, versions, ..affected(Ecosystem::PyPi, "", "a") };
        matched(
            &database(&[("pypa", advisory("PYSEC-1", vec![entry]))]),
            None,
            &PackageFacts::new(PackageKind::Pypi, "a", "1.0"),
        )
    };
    let unknown = ["Bound(Pep440)"];
    let from = |from: &str, to| Range { from: Lower::At(from.to_owned()), to };
    assert_eq!(of(vec![Range::before("not-a-version")], &[]), unknown);
    assert_eq!(of(vec![from("zzz", Upper::Unfixed)], &[]), unknown);
    assert_eq!(of(Vec::new(), &["garbage", "more of it"]), unknown);
    assert_eq!(of(vec![Range::before("2.x")], &[]), unknown);
    // What is listed or outside whatever the other end is needs no more.
    assert_eq!(of(vec![Range::before("not-a-version")], &["1.0"]), ["PYSEC-1"]);
    assert_eq!(of(vec![from("2.0", Upper::Fixed("not-a-version".to_owned()))], &[]), [""; 0]);
    // Old versions that the ecosystem no longer takes stand beside others in most lists.
    assert_eq!(of(Vec::new(), &["2004d", "0.9"]), [""; 0]);
    assert_eq!(of(vec![Range::before("0.1-beta_x")], &[]), [""; 0]);
}

/// As OSV has them, with the last affected version and all affected ones listed; wheels for processors of one kind have a
/// version of their own, which those mean as well.
#[test]
fn builds_of_a_python_package_are_of_the_version_they_are_builds_of() {
    let record = br#"{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem":
        "PyPI", "name": "torch"}, "versions": ["2.5.1"], "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.5.1"},
        {"last_affected": "2.5.1"}]}]}]}"#;
    let bytes = database_of("ghsa", "a.json", record);
    for (version, hits) in [("2.5.1", 1), ("2.5.1+cpu", 1), ("2.5.2+cu121", 0), ("2.5.0+cpu", 0)] {
        let found = matched(&bytes, None, &PackageFacts::new(PackageKind::Pypi, "torch", version));
        assert_eq!(found.len(), hits, "{version}: {found:?}");
    }
}
