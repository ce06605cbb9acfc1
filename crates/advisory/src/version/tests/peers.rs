//! Peers: crates that implement a scheme, and the package manager of the machine where there is one.

use crate::version::Scheme;
use pep440_rs::Version;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Ordering;
use std::process::Command;

fn semantic() -> impl Strategy<Value = String> {
    let number = || select(&["0", "1", "2", "10", "18446744073709551615"][..]);
    let identifier = || select(&["0", "1", "10", "alpha", "beta", "A", "-", "a-b", "1a", "rc1"][..]);
    let list = |lead: &'static str| {
        vec(identifier(), 0..4)
            .prop_map(move |list| if list.is_empty() { String::new() } else { lead.to_owned() + &list.join(".") })
    };
    (vec(number(), 3), list("-"), list("+")).prop_map(|(numbers, pre, build)| numbers.join(".") + &pre + &build)
}

fn python() -> impl Strategy<Value = String> {
    let number = || select(&["", "0", "1", "2", "10"][..]);
    let separator = || select(&["", ".", "-", "_"][..]);
    let part = move |words: &'static [&'static str]| {
        (any::<bool>(), separator(), select(words), separator(), number()).prop_map(
            |(given, before, word, between, number)| {
                if given { format!("{before}{word}{between}{number}") } else { String::new() }
            },
        )
    };
    let local = select(&["", "", "+1", "+a", "+abc.5", "+ABC-7", "+5", "+5.a"][..]);
    (
        select(&["", "", "", "0!", "1!", "v"][..]),
        vec(select(&["0", "1", "2", "10", "01"][..]), 1..4),
        part(&["a", "alpha", "b", "beta", "c", "rc", "pre", "preview", "RC"]),
        part(&["post", "rev", "r"]),
        part(&["dev"]),
        local,
    )
        .prop_map(|(epoch, release, pre, post, dev, local)| {
            format!("{epoch}{}{pre}{post}{dev}{local}", release.join("."))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn semver_agrees(a in semantic(), b in semantic()) {
        let parsed = [&a, &b].map(|text| semver::Version::parse(text).ok());
        for (text, parsed) in [&a, &b].into_iter().zip(&parsed) {
            prop_assert_eq!(Scheme::SemVer.is_valid(text), parsed.is_some(), "{}", text);
        }
        if let [Some(x), Some(y)] = parsed {
            prop_assert_eq!(Scheme::SemVer.compare(&a, &b), x.cmp_precedence(&y), "{} {}", a, b);
        }
    }

    #[test]
    fn pep440_rs_agrees(a in python(), b in python()) {
        let parsed = [&a, &b].map(|text| text.parse::<Version>().ok());
        for (text, parsed) in [&a, &b].into_iter().zip(&parsed) {
            prop_assert_eq!(Scheme::Pep440.is_valid(text), parsed.is_some(), "{}", text);
        }
        if let [Some(x), Some(y)] = parsed {
            prop_assert_eq!(Scheme::Pep440.compare(&a, &b), x.cmp(&y), "{} {}", a, b);
        }
    }
}

/// Pairs of versions, made without chance so that the test is the same every time.
fn pairs(pieces: &[&str], count: usize) -> Vec<(String, String)> {
    let mut state = 1u32;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % bound
    };
    let mut version = || "1".to_owned() + &(0..next(6)).map(|_| pieces[next(pieces.len())]).collect::<String>();
    (0..count).map(|_| (version(), version())).collect()
}

#[test]
fn dpkg_of_the_machine_agrees() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        println!("SKIP: there is no dpkg on this machine");
        return;
    }
    for (a, b) in pairs(&["0", "1", "09", "a", "Z", ".", "+", "~", "-1", ".2"], 150) {
        let is = |relation| {
            let status = Command::new("dpkg").args(["--compare-versions", &a, relation, &b]).output().unwrap().status;
            status.success()
        };
        let order = if is("lt") {
            Ordering::Less
        } else if is("eq") {
            Ordering::Equal
        } else {
            Ordering::Greater
        };
        assert_eq!(Scheme::Dpkg.compare(&a, &b), order, "{a} {b}");
    }
}

#[test]
fn rpm_of_the_machine_agrees() {
    let pairs = pairs(&["0", "1", "09", "a", "Z", ".", "+", "~", "^", "..2"], 2000);
    let calls: Vec<_> = pairs.iter().map(|(a, b)| format!("io.stderr:write(rpm.vercmp('{a}','{b}')..'\\n')")).collect();
    let mut orders = Vec::new();
    // An argument has a largest length.
    for calls in calls.chunks(500) {
        let Ok(output) = Command::new("rpm").args(["--eval", &format!("%{{lua:{}}}", calls.join(" "))]).output() else {
            println!("SKIP: there is no rpm on this machine");
            return;
        };
        orders
            .extend(String::from_utf8(output.stderr).unwrap().lines().map(|line| line.parse::<i32>().unwrap().cmp(&0)));
    }
    assert_eq!(orders.len(), pairs.len());
    for ((a, b), order) in pairs.iter().zip(orders) {
        assert_eq!(Scheme::Rpm.compare(a, b), order, "{a} {b}");
    }
}
