//! Cases that are easily got wrong, checked by hand, each with the source that says so.

use crate::version::{Operator, Scheme, Statement};

fn check(scheme: Scheme, source: &str, statements: &[&str]) {
    for text in statements {
        let statement = Statement::parse(text).unwrap();
        let [a, b] = [statement.a, statement.b];
        assert_eq!(statement.actual(scheme), statement.operator, "{scheme}: {text} ({source})");
        assert_eq!(Operator::from(scheme.compare(b, a).reverse()), statement.operator, "{scheme}: {text}, turned");
        assert_eq!([a, b].map(|one| scheme.compare(one, one).is_eq()), [true; 2], "{scheme}: {text}");
    }
}

#[test]
fn dpkg() {
    let check = |source, statements| check(Scheme::Dpkg, source, statements);
    check("Debian Policy 5.6.12, tilde", &["~~ < ~~a", "~~a < ~", "1.0~beta1~svn1245 < 1.0~beta1", "1.0~beta1 < 1.0"]);
    check("Debian Policy 5.6.12, epoch", &["1:0.1 > 9.9", "0:1.0 = 1.0", "2:1.0 < 10:1.0"]);
    check("Debian Policy 5.6.12, revision", &["1.0 = 1.0-0", "1.0-1 < 1.0-1.1", "1.2-3-1 > 1.2-2-9", "1.0 < 1.0-1"]);
    check("Debian Policy 5.6.12, letters before the rest", &["1.0a < 1.0+", "1.0 < 1.0a", "1.2a < 1.2."]);
    check("Developer's Reference 5.8.5.4, security uploads", &["1.5-2 < 1.5-2+deb12u1", "1.5-2+deb12u1 < 1.5-3"]);
    check("backports.debian.org, Contribute", &["1.5-2~bpo12+1 < 1.5-2", "1.5-2~bpo12+1 < 1.5-2~bpo13+1"]);
    check("deb-version(7), numbers of any length", &["1.010 = 1.10", "1.18446744073709551616 > 1.9"]);
}

#[test]
fn rpm() {
    let check = |source, statements| check(Scheme::Rpm, source, statements);
    check("rpmvercmp.at", &["2.0.1a > 2.0.1", "xyz.4 < 8", "5.5p1 < 5.5p10", "10xyz < 10.1xyz", "10a2 < 10b2"]);
    check("rpmvercmp.at, separators", &["2_0 = 2.0", "a+ = a_", "1.0. = 1.0", "+_ = _+"]);
    check("rpmvercmp.at, tilde", &["1.0~rc1 < 1.0", "1.0~rc1~git123 < 1.0~rc1", "1.0~ < 1.0", "1.0~rc1 > 1.0~rc1~1"]);
    check("rpmvercmp.at, caret", &["1.0^ > 1.0", "1.0^git1 < 1.0.1", "1.0^20160101 < 1.0.1", "1.0^git1 < 1.01"]);
    check("rpmvercmp.at, both", &["1.0~rc1^git1 > 1.0~rc1", "1.0^git1~pre < 1.0^git1", "1.0~rc1^git1 < 1.0"]);
    check("rpm-version(7), epoch", &["1:1.0 > 2.0", "0:1.0-1 = 1.0-1", "4:1.0-1 > 3:9.0-9"]);
    check(
        "Red Hat, backports and modules",
        &["1.2-3.el8 < 1.2-3.el8_4.1", "1.2-3.el8 < 1.2-10.el8", "1-1.el9_0 < 1-1.el9_2"],
    );
}

#[test]
fn apk() {
    let check = |source, statements| check(Scheme::Apk, source, statements);
    check(
        "apk-tools test/version.data",
        &["23_foo > 4_beta", "1.0 < 1.0bc", "0.1.0_alpha_pre2 < 0.1.0_alpha", "013 > 2.2.3-r2"],
    );
    check(
        "apk-tools src/version.c, suffixes",
        &["1_alpha < 1_beta", "1_pre < 1_rc", "1_rc9 < 1", "1 < 1_cvs", "1_git < 1_p1"],
    );
    check("apk-tools src/version.c, revision", &["1.2.5-r9 < 1.2.5-r10", "1 < 1-r0", "1_p1-r0 < 1a-r0"]);
    check("apk-tools src/version.c, zeros", &["1.01 < 1.1", "1.010 < 1.02", "01 = 1", "1.0 < 1.00"]);
    check("apk-tools src/version.c, commits", &["1.0~abc < 1.0~abd", "1.0~abc > 1.0-r1"]);
    assert!(["1.2.5-r9", "6b-r7", "2.9.11_pre20051101", "1.0~0af-r0"].iter().all(|one| Scheme::Apk.is_valid(one)));
    assert!(
        ["", "v1", "1.0_foo", "1.0-1", "1..0", "1.0-r", "1.0-r1.", "1.0A"].iter().all(|one| !Scheme::Apk.is_valid(one))
    );
}

#[test]
fn pacman() {
    let check = |source, statements| check(Scheme::Pacman, source, statements);
    check(
        "vercmp(8)",
        &["1.0a < 1.0b", "1.0beta < 1.0p", "1.0pre < 1.0rc", "1.0rc < 1.0", "1.0 < 1.0.a", "1.0.a < 1.0.1"],
    );
    check("vercmp(8)", &["1 < 1.0", "1.1 < 1.1.1", "1.2 < 2.0", "0:1.0-1 = 1.0-1", "1:1.0-1 > 3.6-1"]);
    check("pacman test/util/vercmptest.sh", &["1.5-1 < 1.5-2", "1.5-1.1 > 1.5-1", "1.5b < 1.5", "1.0..1 > 1.0.1"]);
}

#[test]
fn portage() {
    let check = |source, statements| check(Scheme::Portage, source, statements);
    check("PMS 3.3, numbers", &["1.01 < 1.1", "1.010 = 1.01", "1.10 > 1.9", "1.0 > 1", "1.001 < 1.01", "01.0 = 1.0"]);
    check(
        "PMS 3.3, suffixes",
        &["1_alpha < 1_beta", "1_rc_p1 > 1_rc", "1_p > 1", "1_p0 = 1_p", "1_pre2 < 1_rc1", "1_alpha_beta < 1_alpha"],
    );
    check("PMS 3.3, letter and revision", &["1.2b > 1.2", "1.2b < 1.2.1", "1-r0 = 1", "1-r1 > 1", "1-r1 < 1_p"]);
}

#[test]
fn semver() {
    let check = |source, statements| check(Scheme::SemVer, source, statements);
    check(
        "semver.org 11.4",
        &["1.0.0-alpha < 1.0.0-alpha.1", "1.0.0-alpha.1 < 1.0.0-alpha.beta", "1.0.0-beta.2 < 1.0.0-beta.11"],
    );
    check("semver.org 11.3", &["1.0.0-rc.1 < 1.0.0", "1.0.0-0 < 1.0.0-a"]);
    check("semver.org 10", &["1.0.0+a = 1.0.0+b", "1.0.0-a+b = 1.0.0-a"]);
    check("semver.org 11.4.2, by ASCII", &["1.0.0-A < 1.0.0-a", "1.0.0-a-b > 1.0.0-a", "1.0.0-2 < 1.0.0--"]);
    assert!(["1.0.0", "v1.0.0", "1.0.0-a.1+b.01", "1.0.0--"].iter().all(|one| Scheme::SemVer.is_valid(one)));
    let wrong =
        ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.0-a..b", "1.0.0-ä", "latest"];
    assert!(wrong.iter().all(|one| !Scheme::SemVer.is_valid(one)));
}

#[test]
fn go() {
    let check = |source, statements| check(Scheme::Go, source, statements);
    check(
        "Go Modules Reference, pseudo-versions",
        &[
            "v0.0.0-20191109021931-daa7c04131f5 < v0.0.1",
            "v0.0.0-20191109021931-daa7c04131f5 < v0.0.0-20200109021931-0a1b2c3d4e5f",
            "v1.2.3-pre < v1.2.3-pre.0.20191109021931-daa7c04131f5",
            "v1.2.3-pre.0.20191109021931-daa7c04131f5 < v1.2.3",
            "v1.2.4-0.20191109021931-daa7c04131f5 > v1.2.3",
            "v1.2.4-0.20191109021931-daa7c04131f5 < v1.2.4-alpha",
        ],
    );
    check(
        "Go Modules Reference, +incompatible",
        &["v2.0.0+incompatible = v2.0.0", "v4.1.2+incompatible > v4.1.1+incompatible"],
    );
    check(
        "go/version",
        &["go1.21rc2 < go1.21.0", "go1.21beta1 < go1.21rc1", "go1.21.10 > go1.21.9", "go1.22rc1 = 1.22.0-rc.1"],
    );
    assert!(Scheme::Go.compare("go1.22.1 X:boringcrypto", "1.22.1").is_eq());
    assert!(
        ["v0.0.0-20191109021931-daa7c04131f5", "v1", "1.2.3", "go1.21rc2", "go1.21.0"]
            .iter()
            .all(|one| Scheme::Go.is_valid(one))
    );
    assert!(["", "(devel)", "devel +abc", "v1.2.3.4", "go1.21foo1"].iter().all(|one| !Scheme::Go.is_valid(one)));
}

#[test]
fn pub_and_julia() {
    let check = |source, statements| check(Scheme::Pub, source, statements);
    check(
        "pub_semver, README",
        &["1.0.0 < 1.0.0+1", "1.0.0+1 < 1.0.0+2", "1.0.0-pre+1 < 1.0.0", "1.0.0+9 < 1.0.0+10", "1.0.0+a > 1.0.0+9"],
    );
    check("Julia's manual, build numbers of binary packages", &["3.0.14+0 < 3.0.14+1", "3.0.14+10 < 3.0.15+0"]);
}

#[test]
fn nuget() {
    let check = |source, statements| check(Scheme::NuGet, source, statements);
    check(
        "Microsoft, Package versioning",
        &["1.0 = 1.0.0.0", "1.00.0.1 = 1.0.0.1", "1.0.0.1 > 1.0.0", "1.0.1-rc.10 > 1.0.1-rc.2"],
    );
    check(
        "Microsoft, Package versioning",
        &["1.0.1-RC = 1.0.1-rc", "1.0.1-zzz < 1.0.1", "1.0.7+r3456 = 1.0.7", "1.0.1-open > 1.0.1-beta"],
    );
    assert!(["1.0", "1.0.0.0-rc.1+x", "1"].iter().all(|one| Scheme::NuGet.is_valid(one)));
    assert!(["", "v1.0", "1.0.0.0.0", "1.0-", "a"].iter().all(|one| !Scheme::NuGet.is_valid(one)));
}

#[test]
fn pep440() {
    let check = |source, statements| check(Scheme::Pep440, source, statements);
    check(
        "PEP 440, summary of permitted suffixes",
        &["1.dev0 < 1.0.dev456", "1.0.dev456 < 1.0a1", "1.0a2.dev456 < 1.0a2", "1.0a12.dev456 < 1.0a12"],
    );
    check(
        "PEP 440, summary of permitted suffixes",
        &["1.0b1.dev456 < 1.0b2", "1.0b2.post345.dev456 < 1.0b2.post345", "1.0rc1.dev456 < 1.0rc1"],
    );
    check(
        "PEP 440, summary of permitted suffixes",
        &[
            "1.0rc1 < 1.0",
            "1.0 < 1.0+abc.5",
            "1.0+abc.5 < 1.0+abc.7",
            "1.0+abc.7 < 1.0+5",
            "1.0+5 < 1.0.post456.dev34",
            "1.0.post456 < 1.0.15",
            "1.0.15 < 1.1.dev1",
        ],
    );
    check(
        "PEP 440, normalization",
        &[
            "1.1RC1 = 1.1rc1",
            "v1.0 = 1.0",
            "1.0-1 = 1.0.post1",
            "1.0_a-2 = 1.0a2",
            "1.0.alpha = 1.0a0",
            "1.0c1 = 1.0rc1",
            "1.0-r4 = 1.0.post4",
            "1.0+a_b-C = 1.0+a.b.c",
        ],
    );
    check("PEP 440, epochs and zeros", &["1!0.1 > 2025.1", "0!1.0 = 1", "1.0 = 1.0.0.0", "1.2 < 1.10"]);
    check("packaging.version.LegacyVersion", &["2004d < 2004e", "foo < 0.0.dev0", "1.0-x-beta < 1.0-x", "a9 < a10"]);
    assert!(["1!1.0a1.post2.dev3+x.1", " 1.0 ", "1.0.dev", "2012.4"].iter().all(|one| Scheme::Pep440.is_valid(one)));
    assert!(
        ["", "1.0+", "1.0-x", "1..0", "1.0+ä", "!1", "1.0.dev1.post1"].iter().all(|one| !Scheme::Pep440.is_valid(one))
    );
}

#[test]
fn maven() {
    let check = |source, statements| check(Scheme::Maven, source, statements);
    check(
        "ComparableVersionTest, qualifiers",
        &[
            "1-alpha2snapshot < 1-alpha2",
            "1-beta-2 < 1-beta123",
            "1-m11 < 1-rc",
            "1-cr2 < 1-rc123",
            "1-rc123 < 1-SNAPSHOT",
            "1-SNAPSHOT < 1",
            "1 < 1-sp",
            "1-sp123 < 1-abc",
            "1-pom-1 < 1-1-snapshot",
            "1-1-snapshot < 1-1",
        ],
    );
    check(
        "ComparableVersionTest, numbers",
        &[
            "2.0 < 2-1",
            "2.0.0.a < 2.0.2",
            "2.0.2 < 2.0.123",
            "2.1-c < 2.1-1",
            "2.1-1 < 2.1.0.1",
            "11.m11 < 11",
            "11.a < 11b",
            "11c < 11m",
        ],
    );
    check(
        "ComparableVersionTest, equal",
        &[
            "1 = 1.0.0",
            "1-0 = 1.0-0",
            "1x = 1.0.0-x",
            "1a1 = 1-alpha-1",
            "1m3 = 1Milestone3",
            "1final = 1",
            "1.0.0-0.0.0 = 0001-final-ga",
        ],
    );
    check("MNG-5568", &["6.1.0rc3 < 6.1.0", "6.1.0rc3 < 6.1H.5-beta", "6.1.0 < 6.1H.5-beta"]);
    check(
        "MNG-6572, numbers of any length",
        &["20190126.230843 < 1234567890.12345", "123456789012345.1H.5-beta < 12345678901234567890.1H.5-beta"],
    );
    check(
        "POM Reference, Version Order Specification",
        &["1-1.foo-bar1baz-.1 = 1-1.foo-bar-1-baz-0.1", "1.0.0-foo.0.0 = 1-foo", "1-ga-1 = 1-1"],
    );
}

#[test]
fn rubygems() {
    let check = |source, statements| check(Scheme::RubyGems, source, statements);
    check(
        "Gem::Version, documentation",
        &["1.0 < 1.0.1", "1.0.b1 < 1.0", "1.0.a.2 < 1.0.b1", "0.9 < 1.0.a.2", "3.10 > 3.2"],
    );
    check(
        "test_gem_version.rb",
        &[
            "1.0 = 1.0.0",
            "1.8.2.a < 1.8.2",
            "1.8.2.b > 1.8.2.a",
            "1.8.2.a10 > 1.8.2.a9",
            "0.beta.1 = 0.0.beta.1",
            "0.0.beta < 0.beta.1",
            "5.a < 5.0.0.rc2",
        ],
    );
    check("Gem::Version, a hyphen is .pre.", &["1.0-1 = 1.0.pre.1", "1.0-1 < 1.0", "1.2.3-x86 < 1.2.3"]);
    assert!(["1", "1.0.a10", "1.2.3-rc.1", "0.0.1-a-b"].iter().all(|one| Scheme::RubyGems.is_valid(one)));
    assert!(["", "a", "1.", "1..2", "1.2_3", "1.2+3"].iter().all(|one| !Scheme::RubyGems.is_valid(one)));
}

#[test]
fn packagist() {
    let check = |source, statements| check(Scheme::Packagist, source, statements);
    check(
        "PHP manual, version_compare",
        &[
            "1.0-foo < 1.0-dev",
            "1.0-dev < 1.0-alpha",
            "1.0a1 = 1.0-alpha1",
            "1.0-beta < 1.0RC1",
            "1.0RC1 < 1.0",
            "1.0 < 1.0pl1",
            "1.0-p1 = 1.0pl1",
        ],
    );
    check("PHP manual, version_compare", &["5.2 < 5.10", "1 < 1.0", "1.0.0-beta < 1.0.0", "1.0 < 1.0.0-beta"]);
    check(
        "composer/semver, ComparatorTest",
        &["1.25.0-beta2.1 = 1.25.0-b.2.1", "1.26.0 > dev-foo", "v1.25.0 = 1.25.0"],
    );
    assert!(
        ["v1.0", "1.0.0.0", "2.0.0-RC1", "1.0-p2", "1.2.3-beta.2-dev", "20240102"]
            .iter()
            .all(|one| Scheme::Packagist.is_valid(one))
    );
    assert!(["", "dev-main", "1.x-dev", "1.0-foo", "master"].iter().all(|one| !Scheme::Packagist.is_valid(one)));
}

#[test]
fn lists_of_numbers() {
    let source = "R, package_version";
    check(Scheme::Cran, source, &["1.2-4 = 1.2.4", "1.2 < 1.2.0", "1.2-10 > 1.2-9", "0.08 = 0.8"]);
    let source = "Haskell, Data.Version";
    check(Scheme::Hackage, source, &["1.0 < 1.0.0", "1.10 > 1.9", "0.1.26.0 < 0.1.27", "01.2 = 1.2"]);
    assert!(Scheme::Cran.is_valid("1.2-4") && !Scheme::Cran.is_valid("1.2-beta") && !Scheme::Cran.is_valid("1."));
    assert!(Scheme::Hackage.is_valid("1.2.4") && !Scheme::Hackage.is_valid("1.2-4") && !Scheme::Hackage.is_valid(""));
}

#[test]
fn conan() {
    let check = |source, statements| check(Scheme::Conan, source, statements);
    check(
        "conan, version_compare_test.py",
        &["1 < 2", "1.0 = 1", "1.2-alpha < 1.2", "1.2 < 1.2.1", "1.2.3-alpha1 < 1.2.3-alpha2", "1.2.3 < 1.2.3+build2"],
    );
    check(
        "Conan Center's recipes",
        &["1.1.1 < 1.1.1w", "1.1.1v < 1.1.1w", "1.1.1w < 1.1.2", "9d < 9e", "1.0 < cci.20200203"],
    );
}

#[test]
fn opam() {
    let source = "opam manual, version ordering";
    check(Scheme::Opam, source, &["1.0~beta1 < 1.0", "~~ < ~", "~ < 0", "0.99 < 1.00", "1.0 < 1.0.0", "1.0-1 < 1.0.1"]);
}

#[test]
fn generic() {
    let source = "how projects without a rule write versions";
    check(
        Scheme::Generic,
        source,
        &[
            "1.0 = v1.0.0",
            "1.0-pre1 < 1.0-rc1",
            "1.0.2a > 1.0.2",
            "2.0-dev < 2.0",
            "6.1.10 > 6.1.9",
            "2021-04-05 < 2021-10-01",
            "1.0-rc2 > 1.0.rc1",
        ],
    );
    assert!(Scheme::Generic.is_valid("r123") && !Scheme::Generic.is_valid("latest") && !Scheme::Generic.is_valid(""));
}
