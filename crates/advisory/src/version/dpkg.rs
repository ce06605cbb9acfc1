//! Debian: deb-version(7), and opam, which took the order of its parts over.
//!
//! `[epoch:]upstream[-revision]`; an absent epoch is 0, an absent revision is empty. Each part alternates runs of
//! other characters and of digits: `~` sorts before the end of a run, that before letters, those before the rest; digits
//! by number. (Debian Policy 5.6.12.)

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    Tilde,
    /// The end of a run of other characters, with the number after it: at the end of the text both are empty.
    Stop(Number<'a>),
    Letter(u8),
    Other(u8),
}

const END: Symbol<'static> = Symbol::Stop(Number::ZERO);

fn symbols(text: &[u8]) -> impl Iterator<Item = Symbol<'_>> {
    let mut rest = Cursor(text);
    std::iter::from_fn(move || {
        Some(match rest.peek()? {
            b'0'..=b'9' => Symbol::Stop(Number::of(rest.digits())),
            byte => {
                rest.take(1);
                match byte {
                    b'~' => Symbol::Tilde,
                    byte if byte.is_ascii_alphabetic() => Symbol::Letter(byte),
                    byte => Symbol::Other(byte),
                }
            }
        })
    })
}

/// Orders one part, as `verrevcmp` does: the whole of an opam version.
pub(super) fn compare_part(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(symbols(a), symbols(b), &END)
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [(a_epoch, a), (b_epoch, b)] = [a, b].map(order::split_epoch);
    let [(a, a_revision), (b, b_revision)] = [a, b].map(|text| order::split_last(text, b'-'));
    a_epoch
        .cmp(&b_epoch)
        .then_with(|| compare_part(a, b))
        .then_with(|| compare_part(a_revision.unwrap_or_default(), b_revision.unwrap_or_default()))
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    let rest = match order::split_first(text, b':') {
        (epoch, Some(_)) if !order::all_digits(epoch) => return false,
        (_, Some(rest)) => rest,
        (_, None) => text,
    };
    let (upstream, revision) = order::split_last(rest, b'-');
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".+~".contains(byte);
    !upstream.is_empty()
        && upstream.iter().all(|byte| allowed(byte) || b"-:".contains(byte))
        && revision.is_none_or(|revision| !revision.is_empty() && revision.iter().all(allowed))
}

/// An opam version: letters, digits and a few signs.
pub(super) fn is_valid_part(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_+.~".contains(byte))
}
