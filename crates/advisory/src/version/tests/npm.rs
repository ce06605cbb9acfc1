//! Ranges of npm, by the documentation and the fixtures of `node-semver`.

use crate::version::NpmRange;

fn check(range: &str, inside: &[&str], outside: &[&str]) {
    let parsed = NpmRange::parse(range).unwrap_or_else(|| panic!("{range} is not read"));
    for version in inside {
        assert!(parsed.contains(version), "{version} is in {range}");
    }
    for version in outside {
        assert!(!parsed.contains(version), "{version} is not in {range}");
    }
}

#[test]
fn comparators() {
    check(">=1.2.7 <1.3.0", &["1.2.7", "1.2.99"], &["1.2.6", "1.3.0", "1.1.0"]);
    check("1.2.7 || >=1.2.9 <2.0.0", &["1.2.7", "1.2.9", "1.4.6"], &["1.2.8", "2.0.0"]);
    check(">= 1.2.3  <  2", &["1.2.3", "1.99.0"], &["2.0.0", "2.0.0-rc.1"]);
    check("=1.2.3", &["1.2.3", "v1.2.3", "1.2.3+build"], &["1.2.4", "1.2.3-0"]);
    check(">1", &["2.0.0"], &["1.0.0", "1.9.9"]);
    check(">1.2", &["1.3.0"], &["1.2.9"]);
    check("<=1.2", &["1.2.9", "0.0.0"], &["1.3.0", "1.3.0-0"]);
    check("<1.2", &["1.1.9"], &["1.2.0", "1.2.0-beta"]);
    check("<*", &[], &["0.0.0", "1.0.0"]);
}

#[test]
fn hyphens() {
    check("1.2.3 - 2.3.4", &["1.2.3", "2.3.4"], &["1.2.2", "2.3.5"]);
    check("1.2 - 2.3.4", &["1.2.0"], &["1.1.9"]);
    check("1.2.3 - 2.3", &["2.3.9"], &["2.4.0", "2.4.0-0"]);
    check("1.2.3 - 2", &["2.9.9"], &["3.0.0"]);
}

#[test]
fn x_ranges() {
    check("", &["0.0.0", "9.9.9"], &["1.0.0-rc.1"]);
    check("*", &["1.0.0"], &["1.0.0-rc.1", "latest", ""]);
    check("1.x", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.9", "1.0.0-a"]);
    check("1.2.X", &["1.2.9"], &["1.3.0"]);
    check("1", &["1.9.9"], &["2.0.0"]);
}

#[test]
fn tildes() {
    check("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]);
    check("~1.2", &["1.2.0"], &["1.3.0"]);
    check("~1", &["1.9.0"], &["2.0.0"]);
    check("~0.2.3", &["0.2.9"], &["0.3.0"]);
    check("~> 1.2.3-beta.2", &["1.2.3-beta.2", "1.2.3-beta.4", "1.2.9"], &["1.2.4-beta.2", "1.2.3-beta.1", "1.3.0"]);
}

#[test]
fn carets() {
    check("^1.2.3", &["1.2.3", "1.9.9"], &["2.0.0", "1.2.2", "2.0.0-rc.1"]);
    check("^0.2.3", &["0.2.9"], &["0.3.0"]);
    check("^0.0.3", &["0.0.3"], &["0.0.4"]);
    check("^1.2.3-beta.2", &["1.2.3-beta.4", "1.3.0"], &["1.2.4-beta.2", "2.0.0"]);
    check("^0.0.3-beta", &["0.0.3-pr.2", "0.0.3"], &["0.0.4", "0.0.3-alpha"]);
    check("^1.x", &["1.0.0"], &["2.0.0"]);
    check("^0.0.x", &["0.0.9"], &["0.1.0"]);
    check("^0.x", &["0.9.9"], &["1.0.0"]);
}

#[test]
fn prereleases_only_beside_their_own_release() {
    check(">1.2.3-alpha.3", &["1.2.3-alpha.7", "3.4.5"], &["3.4.5-alpha.9", "1.2.3-alpha.3"]);
    check(">=1.0.0-a <2.0.0-b", &["1.0.0-b", "2.0.0-a"], &["1.5.0-a", "2.0.0-b"]);
}

#[test]
fn what_npm_does_not_read_is_no_range() {
    for range in
        ["latest", "1.2.3.4", "^v", "<=v", "1.2.3-", "01.2.3", "1.2-beta", ">>1", "9007199254740992", "git+ssh://x"]
    {
        assert_eq!(NpmRange::parse(range), None, "{range}");
    }
    assert_eq!(NpmRange::parse(&format!("1.0.0-{}", "a".repeat(1000))), None);
}
