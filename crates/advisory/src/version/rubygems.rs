//! `RubyGems`: `Gem::Version`.
//!
//! Runs of digits and of letters, whatever parts them; a hyphen stands for `.pre.`. A version with letters is a
//! pre-release. Zeros before the first letters and at the end do not count, letters sort before numbers, and an absent
//! part is 0. (The class's documentation and its `canonical_segments`.)

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Letters(&'a [u8]),
    Number(Number<'a>),
}

const END: Segment<'static> = Segment::Number(Number::ZERO);

#[derive(Debug, Clone)]
struct Segments<'a>(Cursor<'a>);

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        self.0.take_while(|byte| !byte.is_ascii_alphanumeric() && byte != b'-');
        Some(match self.0.peek()? {
            b'-' => {
                self.0.take(1);
                Segment::Letters(b"pre")
            }
            b'0'..=b'9' => Segment::Number(Number::of(self.0.digits())),
            _ => Segment::Letters(self.0.take_while(|byte| byte.is_ascii_alphabetic())),
        })
    }
}

fn is_number(segment: &Segment<'_>) -> bool {
    matches!(segment, Segment::Number(_))
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(|text| Segments(Cursor(text)));
    // Zeros before the first letters vanish: the numbers before them are compared first, those that are absent being 0,
    // and only then what follows.
    order::compare(a.clone().take_while(is_number), b.clone().take_while(is_number), &END)
        .then_with(|| order::compare(a.skip_while(is_number), b.skip_while(is_number), &END))
}

/// `[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?`
pub(super) fn is_valid(text: &[u8]) -> bool {
    let (segments, prerelease) = order::split_first(text, b'-');
    let mut segments = segments.split(|&byte| byte == b'.');
    let word = |one: &[u8]| !one.is_empty() && one.iter().all(u8::is_ascii_alphanumeric);
    let hyphenated = |one: &[u8]| !one.is_empty() && one.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    segments.next().is_some_and(order::all_digits)
        && segments.all(word)
        && prerelease.is_none_or(|rest| rest.split(|&byte| byte == b'.').all(hyphenated))
}
