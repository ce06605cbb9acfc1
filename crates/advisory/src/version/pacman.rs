//! Arch Linux: `[epoch:]version[-pkgrel]`, as `vercmp(8)` orders them.
//!
//! An older `rpmvercmp` than rpm's: letters that follow directly on what is before them sort before the end
//! (`1.0rc1 < 1.0`), and how many characters part two runs counts (`1.0..1 > 1.0.1`).
//!
//! Two differences keep the order total: a package release that is absent sorts first, where pacman takes it as equal to
//! any; and separators at the very end sort directly after the end, where pacman's answer depends on the other version.

use super::order::{self, Cursor, Number};
use super::rpm;
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    /// Letters without a separator before them.
    Glued(&'a [u8]),
    End,
    /// Separators with nothing after them.
    Trailing,
    /// How many characters part it from what is before it, and what it is.
    Run(usize, Run<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Run<'a> {
    Letters(&'a [u8]),
    Number(Number<'a>),
}

fn symbols(text: &[u8]) -> impl Iterator<Item = Symbol<'_>> {
    let mut rest = Cursor(text);
    std::iter::from_fn(move || {
        let between = rest.take_while(|byte| !byte.is_ascii_alphanumeric()).len();
        Some(match rest.peek() {
            None if between == 0 => return None,
            None => Symbol::Trailing,
            Some(b'0'..=b'9') => Symbol::Run(between, Run::Number(Number::of(rest.digits()))),
            Some(_) => match (between, rest.take_while(|byte| byte.is_ascii_alphabetic())) {
                (0, letters) => Symbol::Glued(letters),
                (_, letters) => Symbol::Run(between, Run::Letters(letters)),
            },
        })
    })
}

fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(symbols(a), symbols(b), &Symbol::End)
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [(a_epoch, a, a_release), (b_epoch, b, b_release)] = [a, b].map(rpm::split);
    a_epoch.cmp(&b_epoch).then_with(|| compare_part(a, b)).then_with(|| match (a_release, b_release) {
        (Some(a), Some(b)) => compare_part(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    let (_, version, release) = rpm::split(text);
    // PKGBUILD(5): no colons, slashes, hyphens or blanks in a version; a release is a number, perhaps with a fraction.
    let graphic = |byte: &u8| byte.is_ascii_graphic() && !b":/-".contains(byte);
    version.iter().any(u8::is_ascii_alphanumeric)
        && version.iter().all(graphic)
        && release.is_none_or(|release| {
            let (whole, fraction) = order::split_first(release, b'.');
            order::all_digits(whole) && fraction.is_none_or(order::all_digits)
        })
}
