//! Gentoo: `digits{.digits}…{letter}{_suffix{digits}}…{-r digits}`, by the Package Manager Specification, 3.3.
//!
//! The first number is ordered as a number. Each later one is too, unless it or the other begins with a zero: then both
//! are ordered as text without the zeros at their ends. `_alpha`, `_beta`, `_pre` and `_rc` sort before the end, `_p`
//! after it; an absent revision is 0.

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

const BEFORE: &[&str] = &["alpha", "beta", "pre", "rc"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    /// The position in `BEFORE`, and its number.
    Before(usize, Number<'a>),
    /// What does not fit; nothing after it is looked at.
    Invalid,
    /// The end, and the revision before it.
    End(Number<'a>),
    After(Number<'a>),
    Letter(u8),
    /// A number that begins with a zero, without the zeros at its end: text before all that do not, since no digit is
    /// less than zero.
    Text(&'a [u8]),
    Number(Number<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Number,
    Suffix,
    End,
}

fn symbols(text: &[u8]) -> impl Iterator<Item = Symbol<'_>> {
    let mut rest = Cursor(text);
    let mut state = State::Start;
    std::iter::from_fn(move || {
        let byte = match (state, rest.peek()) {
            (State::End, _) => return None,
            (State::Start, None) => {
                state = State::End;
                return Some(Symbol::Invalid);
            }
            (_, byte) => byte?,
        };
        let (symbol, next) = match (state, byte) {
            (State::Start, b'0'..=b'9') => (Symbol::Number(Number::of(rest.digits())), State::Number),
            (State::Number, b'.') => {
                rest.take(1);
                match rest.digits() {
                    [] => (Symbol::Invalid, State::End),
                    digits @ [b'0', ..] => {
                        let end = digits.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1);
                        (Symbol::Text(digits.get(..end).unwrap_or_default()), State::Number)
                    }
                    digits => (Symbol::Number(Number::of(digits)), State::Number),
                }
            }
            (State::Number, b'a'..=b'z') => {
                rest.take(1);
                (Symbol::Letter(byte), State::Suffix)
            }
            (State::Number | State::Suffix, b'_') => {
                rest.take(1);
                let word = rest.take_while(|byte| byte.is_ascii_lowercase());
                let number = Number::of(rest.digits());
                match BEFORE.iter().position(|known| known.as_bytes() == word) {
                    Some(position) => (Symbol::Before(position, number), State::Suffix),
                    None if word == b"p" => (Symbol::After(number), State::Suffix),
                    None => (Symbol::Invalid, State::End),
                }
            }
            (State::Number | State::Suffix, b'-') => {
                let digits = rest.0.strip_prefix(b"-r").unwrap_or_default();
                let fits = order::all_digits(digits);
                (if fits { Symbol::End(Number::of(digits)) } else { Symbol::Invalid }, State::End)
            }
            _ => (Symbol::Invalid, State::End),
        };
        state = next;
        Some(symbol)
    })
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(symbols(a), symbols(b), &Symbol::End(Number::ZERO))
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    symbols(text).all(|symbol| symbol != Symbol::Invalid)
}
