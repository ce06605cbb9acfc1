//! The laws of a total order, for every scheme and on all text: versions as the scheme writes them, text made of what
//! schemes look at, and any text.

use crate::version::Scheme;
use crate::version::order::STEPS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::cmp::Ordering;

/// What some scheme treats in its own way. Few and short, so that two versions often share how they begin.
const PIECES: &[&str] = &[
    "",
    "0",
    "00",
    "1",
    "01",
    "2",
    "10",
    "9",
    "007",
    "18446744073709551616",
    ".",
    ".",
    ".",
    "-",
    "-",
    "_",
    "+",
    "~",
    "^",
    ":",
    "!",
    "#",
    " ",
    "v",
    "go",
    "r",
    "-r",
    "-r0",
    "_p",
    "_rc",
    "_alpha",
    "_foo",
    "a",
    "b",
    "c",
    "m",
    "p",
    "x",
    "Z",
    "alpha",
    "beta",
    "rc",
    "RC",
    "dev",
    "post",
    "pre",
    "final",
    "ga",
    "sp",
    "SNAPSHOT",
    "milestone",
    "pl",
    "stable",
    "git",
    "cci",
    "é",
    "١",
    "\u{0}",
];

fn pieces(up_to: usize) -> impl Strategy<Value = String> {
    vec(select(PIECES), 0..up_to).prop_map(|pieces| pieces.concat())
}

/// A version that is one in most schemes.
fn version() -> impl Strategy<Value = String> {
    let number = || select(&["0", "0", "1", "2", "10", "01"][..]);
    let words = &["alpha", "beta", "rc", "dev", "a", "b", "x", "sp", "final", "p", "post", "SNAPSHOT", "1a"];
    let tail = (select(&[".", "-", "_", "+", "~", "^", "", "_p", "-r"][..]), select(&words[..]), number());
    (vec(number(), 1..4), vec(tail, 0..3)).prop_map(|(numbers, tails)| {
        let tails = tails.into_iter().map(|(separator, word, number)| format!("{separator}{word}{number}"));
        numbers.join(".") + &tails.collect::<String>()
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => version(), 4 => pieces(7), 1 => any::<String>()]
}

/// Several that are alike: one with pieces appended, or put in somewhere.
fn family() -> impl Strategy<Value = Vec<String>> {
    (text(), vec((pieces(4), any::<prop::sample::Index>()), 3..6)).prop_map(|(first, changes)| {
        let mut all = vec![first.clone()];
        for (piece, place) in changes {
            let characters: Vec<char> = first.chars().collect();
            let (before, after) = characters.split_at(place.index(characters.len() + 1));
            all.push(before.iter().chain(&piece.chars().collect::<Vec<_>>()).chain(after).collect());
        }
        all
    })
}

/// Reflexive, antisymmetric and transitive, equality included.
fn hold(scheme: Scheme, all: &[String]) {
    // Other allocations, so that no shortcut for the same text is taken.
    let others = all.to_vec();
    let orders: Vec<Vec<Ordering>> =
        all.iter().map(|a| others.iter().map(|b| scheme.compare(a, b)).collect()).collect();
    for (i, a) in all.iter().enumerate() {
        assert_eq!(orders[i][i], Ordering::Equal, "{scheme}: {a:?} is not itself");
        for (j, b) in all.iter().enumerate() {
            let order = orders[i][j];
            assert_eq!(orders[j][i], order.reverse(), "{scheme}: {a:?} {b:?}");
            for (k, c) in all.iter().enumerate() {
                let (next, whole) = (orders[j][k], orders[i][k]);
                // Where two steps do not lead in opposite ways, one of them says where both lead.
                if order == next || order.is_eq() || next.is_eq() {
                    assert_eq!(whole, order.then(next), "{scheme}: {a:?} {order:?} {b:?} {next:?} {c:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_scheme_is_a_total_order_on_any_text(all in vec(text(), 3..7)) {
        for scheme in Scheme::ALL {
            hold(*scheme, &all);
        }
    }

    #[test]
    fn every_scheme_is_a_total_order_on_text_that_is_alike(all in family()) {
        for scheme in Scheme::ALL {
            hold(*scheme, &all);
        }
    }

    #[test]
    fn what_is_no_version_is_told_without_a_panic(text in text()) {
        for scheme in Scheme::ALL {
            prop_assert!(!(scheme.is_valid(&text) && text.trim().is_empty()), "{} {:?}", scheme, text);
        }
    }
}

/// Cycles of reference implementations, and others that a first attempt had.
#[test]
fn known_cycles_are_none() {
    let families: &[&[&str]] = &[
        &["1.0.alpha.1", "1-1", "1", "1.sp.1", "1-alpha-1", "1.0.sp", "1.0.1", "1-sp", "1.0-sp"],
        &["2", "10", "1a", "1", "1w", "1.0", "1.0.0"],
        &["1.#", "1", "2", "#", "1.0", "1.#.5", "1.dev"],
        &["1.0.", "1.0.a", "1.0.1", "1.0..a", "1.0", "1.0..", "1.0a", "1.0-1", "1.0-2"],
        &["", " ", "0", "0.0", "-", "a", "é"],
        &["1-r0", "1", "1-r", "1-ruff", "1-r0-1", "1_foo", "1_rc", "1a", "1..0", "1.0"],
        &["1.0.0-a", "1.0.0", "1.0.0a", "1.0.0.a", "1.0.0.0", "1.0.0-", "1.0.0+"],
        &["1.0-1", "1.0", "1.0-", "1.0-0", "1.0~", "0:1.0", ":1.0", "a:1.0"],
    ];
    for scheme in Scheme::ALL {
        for family in families {
            hold(*scheme, &owned(family));
        }
        hold(*scheme, &families.iter().flat_map(|family| owned(family)).collect::<Vec<_>>());
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Ten thousand of anything: numbers are not cut off, nothing recurses, and what is looked at grows as the input does.
#[test]
fn length_is_no_obstacle() {
    const LENGTH: usize = 10_000;
    for pieces in PIECES.iter().flat_map(|a| [(*a, "0."), (*a, "")]) {
        let piece = pieces.0.to_owned() + pieces.1;
        if piece.is_empty() {
            continue;
        }
        let many = piece.repeat(LENGTH / piece.len());
        for before in ["", "1.0a"] {
            let [shorter, longer] = ["", "1"].map(|after| format!("{before}{many}{after}"));
            for scheme in Scheme::ALL {
                STEPS.set(0);
                let order = scheme.compare(&shorter, &longer);
                scheme.is_valid(&longer);
                let most = 4 * (shorter.len() + 2 * longer.len());
                assert!(STEPS.get() <= most, "{scheme}: {} steps for {piece:?} after {before:?}", STEPS.get());
                assert_eq!(scheme.compare(&longer, &shorter), order.reverse(), "{scheme}: {piece:?} after {before:?}");
            }
        }
    }
    let [less, more] = ["1", "2"].map(|last| format!("1.{}{last}", "9".repeat(LENGTH)));
    for scheme in Scheme::ALL {
        assert_eq!(scheme.compare(&less, &more), Ordering::Less, "{scheme}");
        assert_eq!(scheme.compare(&more, "1.10"), Ordering::Greater, "{scheme}");
    }
}
