//! Semantic Versioning 2.0.0 and the schemes made from it: npm, Hex, Go modules, Pub and Julia, `NuGet`.
//!
//! `numbers[-identifiers][+build]`. Numbers that are absent are 0, so that `1.2` is `1.2.0`. A version with
//! pre-release identifiers sorts before the one without; identifiers are ordered one by one, numbers by their value and
//! before the others, and fewer before more (section 11). Any text is ordered: what follows the leading numbers and is no
//! build counts as pre-release, so that text without numbers sorts before every version.

use super::order::{self, Caseless, Cursor, Number};
use std::cmp::Ordering;

/// A version cut into its parts.
#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    /// Digits and dots.
    numbers: &'a [u8],
    prerelease: Option<Prerelease<'a>>,
    build: Option<&'a [u8]>,
}

/// Identifiers with dots between them, and one more that only Go parts from the others without a dot.
#[derive(Debug, Clone, Copy)]
struct Prerelease<'a> {
    identifiers: &'a [u8],
    number: Option<&'a [u8]>,
}

/// Without a leading `v`, if a number follows it.
pub(super) fn without_v(text: &[u8]) -> &[u8] {
    match text {
        [b'v' | b'V', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => rest,
        _ => text,
    }
}

/// Without a leading `go`, if a number follows it, and without what it was built with.
fn toolchain(text: &[u8]) -> &[u8] {
    let text = order::split_first(text, b' ').0;
    match text {
        [b'g', b'o', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => rest,
        _ => text,
    }
}

/// Takes numbers with single dots between them.
pub(super) fn take_numbers<'a>(rest: &mut Cursor<'a>) -> &'a [u8] {
    let all = rest.0;
    let mut ahead = *rest;
    while !ahead.digits().is_empty() {
        *rest = ahead;
        if !ahead.eat(|byte| byte == b'.') {
            break;
        }
    }
    all.get(..all.len() - rest.0.len()).unwrap_or_default()
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut rest = Cursor(without_v(text));
        let numbers = take_numbers(&mut rest);
        let (identifiers, build) = order::split_first(rest.0, b'+');
        let released = identifiers.is_empty() && !numbers.is_empty();
        let identifiers = identifiers.strip_prefix(b"-").unwrap_or(identifiers);
        Self { numbers, prerelease: (!released).then_some(Prerelease { identifiers, number: None }), build }
    }

    /// With the forms of the toolchain: `go1.22rc1`, and `go1.22.1 X:boringcrypto` for how it was built.
    fn of_go(text: &'a [u8]) -> Self {
        let text = toolchain(text);
        let mut parts = Self::of(text);
        if let Some(prerelease) = &mut parts.prerelease {
            let mut rest = Cursor(prerelease.identifiers);
            let (word, number) = (rest.take_while(|byte| byte.is_ascii_lowercase()), rest.digits());
            if rest.is_empty() && !word.is_empty() && !number.is_empty() && !text.contains(&b'-') {
                *prerelease = Prerelease { identifiers: word, number: Some(number) };
            }
        }
        parts
    }
}

/// Orders numbers with dots between them; those that are absent are 0.
pub(super) fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(|text| text.split(|&byte| byte == b'.').map(Number::of));
    order::compare(a, b, &Number::ZERO)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a, T> {
    End,
    Number(Number<'a>),
    Text(T),
}

fn identifiers<'a, T>(prerelease: Prerelease<'a>, text: fn(&'a [u8]) -> T) -> impl Iterator<Item = Identifier<'a, T>> {
    let all = prerelease.identifiers.split(|&byte| byte == b'.').chain(prerelease.number);
    all.map(move |identifier| {
        if order::all_digits(identifier) {
            Identifier::Number(Number::of(identifier))
        } else {
            Identifier::Text(text(identifier))
        }
    })
}

/// Orders identifiers with dots between them.
pub(super) fn compare_identifiers(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(|text| identifiers(Prerelease { identifiers: text, number: None }, |text| text));
    order::compare(a, b, &Identifier::End)
}

fn compare_parts<'a, T: Ord>(a: Parts<'a>, b: Parts<'a>, text: fn(&'a [u8]) -> T) -> Ordering {
    compare_numbers(a.numbers, b.numbers).then_with(|| match (a.prerelease, b.prerelease) {
        (Some(a), Some(b)) => order::compare(identifiers(a, text), identifiers(b, text), &Identifier::End),
        (a, b) => a.is_none().cmp(&b.is_none()),
    })
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    compare_parts(Parts::of(a), Parts::of(b), |text| text)
}

/// Pub and Julia: builds are ordered as pre-releases are, and none comes before any.
/// (`pub_semver`; Julia's manual on version number literals.)
pub(super) fn compare_with_build(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(Parts::of);
    compare_parts(a, b, |text| text).then_with(|| match (a.build, b.build) {
        (Some(a), Some(b)) => compare_identifiers(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

/// `NuGet`: up to four numbers, and no regard to case. (Microsoft's "Package versioning".)
pub(super) fn compare_nuget(a: &[u8], b: &[u8]) -> Ordering {
    compare_parts(Parts::of(a), Parts::of(b), Caseless)
}

/// Go modules, and the toolchain, whose `go1.22rc1` is `1.22.0-rc.1`. (Go Modules Reference, "Versions"; `go/version`.)
pub(super) fn compare_go(a: &[u8], b: &[u8]) -> Ordering {
    compare_parts(Parts::of_go(a), Parts::of_go(b), |text| text)
}

/// Whether it is a version by section 2, 9 and 10, perhaps after a `v`, with as many numbers as `count` says.
fn fits(text: &[u8], count: std::ops::RangeInclusive<usize>, leading_zeros: bool) -> bool {
    let mut rest = Cursor(without_v(text));
    let numbers = take_numbers(&mut rest);
    let plain = |number: &[u8]| leading_zeros || !matches!(number, [b'0', _, ..]);
    let word = |identifier: &[u8]| {
        !identifier.is_empty() && identifier.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (prerelease, build) = order::split_first(rest.0, b'+');
    !numbers.is_empty()
        && numbers.split(|&byte| byte == b'.').all(plain)
        && count.contains(&numbers.split(|&byte| byte == b'.').count())
        && (prerelease.is_empty()
            || prerelease.strip_prefix(b"-").is_some_and(|identifiers| {
                let mut all = identifiers.split(|&byte| byte == b'.');
                all.all(|one| word(one) && (plain(one) || !order::all_digits(one)))
            }))
        && build.is_none_or(|build| build.split(|&byte| byte == b'.').all(word))
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    fits(text, 3..=3, false)
}

pub(super) fn is_valid_nuget(text: &[u8]) -> bool {
    !text.starts_with(b"v") && fits(text, 1..=4, true)
}

pub(super) fn is_valid_go(text: &[u8]) -> bool {
    let parts = Parts::of_go(text);
    if let Some(Prerelease { identifiers, number: Some(_) }) = parts.prerelease {
        return parts.build.is_none()
            && matches!(identifiers, b"alpha" | b"beta" | b"rc")
            && fits(parts.numbers, 1..=3, false);
    }
    fits(toolchain(text), 1..=3, false)
}
