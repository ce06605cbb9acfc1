//! Conan: `items[-prerelease][+build]`, items parted by dots. (Conan 2, `Version`.)
//!
//! Zeros at the end do not count; a pre-release sorts before the version without, a build after it. Conan compares two
//! items as numbers where both are and as text otherwise, which is not transitive (`2 < 10`, `10 < 1a`, `1a < 2`). Here
//! an item is its leading number, then the text after it, and items without a number sort last: `1.1.1 < 1.1.1w <
//! 1.1.2 < 1.1.10 < cci.20200203`.

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item<'a> {
    End,
    Number(Number<'a>, &'a [u8]),
    Text(&'a [u8]),
}

fn items(text: &[u8]) -> impl Iterator<Item = Item<'_>> {
    text.split(|&byte| byte == b'.').map(|item| {
        let mut rest = Cursor(item);
        match rest.digits() {
            [] => Item::Text(item),
            digits => Item::Number(Number::of(digits), rest.0),
        }
    })
}

fn compare_items(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(items(a), items(b), &Item::End)
}

/// Without the items at the end that are zero.
fn trimmed(mut items: &[u8]) -> &[u8] {
    loop {
        let zeros = items.iter().rev().take_while(|&&byte| byte == b'0').count();
        match items.get(..items.len() - zeros) {
            Some([shorter @ .., b'.']) if zeros > 0 => items = shorter,
            _ => return items,
        }
    }
}

struct Parts<'a> {
    items: &'a [u8],
    prerelease: Option<&'a [u8]>,
    build: Option<&'a [u8]>,
}

fn parts(text: &[u8]) -> Parts<'_> {
    let (text, build) = order::split_last(text, b'+');
    let (items, prerelease) = order::split_last(text, b'-');
    Parts { items: trimmed(items), prerelease, build }
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(parts);
    compare_items(a.items, b.items)
        .then_with(|| match (a.prerelease, b.prerelease) {
            (Some(a), Some(b)) => compare_items(a, b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        })
        .then_with(|| match (a.build, b.build) {
            (Some(a), Some(b)) => compare_items(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._+-".contains(byte);
    text.iter().any(u8::is_ascii_digit) && text.iter().all(allowed)
}
