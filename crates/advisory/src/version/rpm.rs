//! rpm: `[epoch:]version[-release]`, each part by `rpmvercmp`.
//!
//! A part is runs of letters and of digits; what stands between parts them and counts for nothing. `~` sorts before the
//! end, `^` right after it, letters after that and numbers last. (rpm's manual page `rpm-version(7)` and its tests,
//! `rpmvercmp.at`.)
//!
//! Where rpm compares a dependency without a release with anything, here no release sorts before every release: an
//! order cannot call a version equal to two that differ.

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    Number(Number<'a>),
}

fn symbols(text: &[u8]) -> impl Iterator<Item = Symbol<'_>> {
    let mut rest = Cursor(text);
    std::iter::from_fn(move || {
        rest.take_while(|byte| !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^');
        Some(match rest.peek()? {
            b'~' => {
                rest.take(1);
                Symbol::Tilde
            }
            b'^' => {
                rest.take(1);
                Symbol::Caret
            }
            b'0'..=b'9' => Symbol::Number(Number::of(rest.digits())),
            _ => Symbol::Letters(rest.take_while(|byte| byte.is_ascii_alphabetic())),
        })
    })
}

fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(symbols(a), symbols(b), &Symbol::End)
}

/// Epoch, version and release. An epoch is digits alone, or nothing before the colon.
pub(super) fn split(text: &[u8]) -> (Number<'_>, &[u8], Option<&[u8]>) {
    let (epoch, rest) = match text.strip_prefix(b":") {
        Some(rest) => (Number::ZERO, rest),
        None => order::split_epoch(text),
    };
    let (version, release) = order::split_last(rest, b'-');
    (epoch, version, release)
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [(a_epoch, a, a_release), (b_epoch, b, b_release)] = [a, b].map(split);
    a_epoch
        .cmp(&b_epoch)
        .then_with(|| compare_part(a, b))
        .then_with(|| compare_part(a_release.unwrap_or_default(), b_release.unwrap_or_default()))
        .then_with(|| a_release.is_some().cmp(&b_release.is_some()))
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    let (_, version, release) = split(text);
    let part = |part: &[u8]| {
        part.iter().any(u8::is_ascii_alphanumeric)
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._+~^".contains(byte))
    };
    part(version) && release.is_none_or(part)
}
