//! Alpine and the distributions built with apk: `digits{.digits}…{letter}{_suffix{digits}}…{~hash}{-r digits}`.
//!
//! As `apk version -t` orders them (apk-tools `src/version.c` and `test/version.data`): `_alpha`, `_beta`, `_pre` and
//! `_rc` sort before the end, `_cvs`, `_svn`, `_git`, `_hg` and `_p` after it. A number after the first that begins with
//! a zero is ordered as text.
//!
//! apk-tools 2 allows digits after the letter (`1.0p1`) and 3 does not; here they count, and are valid. What follows the
//! first place that does not fit is not looked at: the version is ordered by what is before it, directly before the
//! version that ends there. Of a revision whose digits are missing or followed by more, only the number counts.

use super::order::{self, Cursor, Number};
use std::cmp::Ordering;

const BEFORE: &[&str] = &["alpha", "beta", "pre", "rc"];
const AFTER: &[&str] = &["cvs", "svn", "git", "hg", "p"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    /// The position in `BEFORE`.
    Before(usize),
    Tail(Tail<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    /// The position in `AFTER`.
    After(usize),
    Letter(u8),
    /// A number that begins with a zero, and a place between two dots.
    Text(&'a [u8]),
    Number(Number<'a>),
}

/// How a version ends. The order of the fields is the order of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tail<'a> {
    revision: Number<'a>,
    valid: bool,
    explicit: bool,
}

const END: Symbol<'static> = Symbol::Tail(Tail { revision: Number::ZERO, valid: true, explicit: false });
const INVALID: Symbol<'static> = Symbol::Tail(Tail { revision: Number::ZERO, valid: false, explicit: false });

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Start,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Tail,
}

struct Symbols<'a> {
    rest: Cursor<'a>,
    state: State,
}

impl<'a> Symbols<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self { rest: Cursor(text), state: State::Start }
    }

    /// The next symbol and the state it leads to; what does not fit is `INVALID`.
    fn step(&mut self, byte: u8) -> (Symbol<'a>, State) {
        const WRONG: (Symbol<'static>, State) = (INVALID, State::Tail);
        let rest = &mut self.rest;
        match (self.state, byte) {
            (State::Start | State::Letter, b'0'..=b'9') => (Symbol::Number(Number::of(rest.digits())), State::Number),
            (State::Number, b'.') => {
                rest.take(1);
                match rest.peek() {
                    Some(b'0') => (Symbol::Text(rest.digits()), State::Number),
                    Some(b'1'..=b'9') => (Symbol::Number(Number::of(rest.digits())), State::Number),
                    Some(b'.') => (Symbol::Text(b""), State::Number),
                    _ => WRONG,
                }
            }
            (State::Number, b'a'..=b'z') => {
                rest.take(1);
                (Symbol::Letter(byte), State::Letter)
            }
            (State::Number | State::Letter | State::Suffix | State::SuffixNumber, b'_') => {
                rest.take(1);
                let word = rest.take_while(|byte| byte.is_ascii_lowercase());
                let position = |words: &[&str]| words.iter().position(|known| known.as_bytes() == word);
                match (position(BEFORE), position(AFTER)) {
                    (Some(position), _) => (Symbol::Before(position), State::Suffix),
                    (None, Some(position)) => (Symbol::After(position), State::Suffix),
                    (None, None) => WRONG,
                }
            }
            (State::Suffix, b'0'..=b'9') => (Symbol::SuffixNumber(Number::of(rest.digits())), State::SuffixNumber),
            (State::Number | State::Letter | State::Suffix | State::SuffixNumber, b'~') => {
                rest.take(1);
                match rest.take_while(|byte| byte.is_ascii_hexdigit()) {
                    [] => WRONG,
                    hash => (Symbol::Hash(hash), State::Hash),
                }
            }
            (state, b'-') if state != State::Start && rest.0.starts_with(b"-r") => {
                rest.take(2);
                let digits = rest.digits();
                let valid = !digits.is_empty() && rest.is_empty();
                let tail = Tail { revision: Number::of(digits), valid, explicit: valid };
                (Symbol::Tail(tail), State::Tail)
            }
            _ => WRONG,
        }
    }
}

impl<'a> Iterator for Symbols<'a> {
    type Item = Symbol<'a>;

    fn next(&mut self) -> Option<Symbol<'a>> {
        let symbol = match (self.state, self.rest.peek()) {
            // Nothing at all is no version either.
            (State::Start, None) => (INVALID, State::Tail),
            (State::Tail, _) | (_, None) => return None,
            (_, Some(byte)) => self.step(byte),
        };
        self.state = symbol.1;
        Some(symbol.0)
    }
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(Symbols::of(a), Symbols::of(b), &END)
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    Symbols::of(text).all(|symbol| match symbol {
        Symbol::Tail(tail) => tail.valid,
        Symbol::Text(digits) => !digits.is_empty(),
        _ => true,
    })
}
