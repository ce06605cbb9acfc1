//! Packagist: PHP's `version_compare`, by which Composer orders versions.
//!
//! Words and numbers, whatever parts them: unknown words `< dev < alpha = a < beta = b < RC <` the end `<` numbers `<
//! patch = pl = p`; a leading `v` does not count. An absent number is no zero: `1.0 < 1.0.0-beta < 1.0.0`. (Composer
//! pads versions with zeros before it compares them; the advisories' and the lock files' are not padded.)
//!
//! PHP takes `#` as equal to the end and to every number, which no order can; here it is equal to the end. Words are
//! compared without regard to case, as Composer writes them.

use super::order::{self, Cursor, Number};
use super::semver;
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Number<'a>),
    Patch,
}

struct Symbols<'a>(Cursor<'a>);

impl<'a> Iterator for Symbols<'a> {
    type Item = Symbol<'a>;

    fn next(&mut self) -> Option<Symbol<'a>> {
        self.0.take_while(|byte| b".-_+".contains(&byte));
        if self.0.peek()?.is_ascii_digit() {
            return Some(Symbol::Number(Number::of(self.0.digits())));
        }
        let word = self.0.take_while(|byte| !byte.is_ascii_digit() && !b".-_+".contains(&byte));
        let begins = |known: &str| Cursor(word).eat_word(known);
        // PHP looks at no more than how a word begins.
        Some(match word.first().map(u8::to_ascii_lowercase) {
            Some(b'd') if begins("dev") => Symbol::Dev,
            Some(b'a') => Symbol::Alpha,
            Some(b'b') => Symbol::Beta,
            Some(b'r') if begins("rc") => Symbol::Candidate,
            Some(b'p') => Symbol::Patch,
            Some(b'#') => Symbol::End,
            // What Composer drops.
            Some(b's') if word.eq_ignore_ascii_case(b"stable") => Symbol::End,
            _ => Symbol::Unknown,
        })
    }
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(|text| Symbols(Cursor(semver::without_v(text))));
    order::compare(a, b, &Symbol::End)
}

/// What Composer normalises to numbers: up to four (or a date), and a stability with numbers. Branches (`dev-main`,
/// `1.x-dev`) are no versions, since nothing says what they hold.
pub(super) fn is_valid(text: &[u8]) -> bool {
    let text = order::split_first(text, b'+').0;
    let mut rest = Cursor(semver::without_v(text));
    let numbers = semver::take_numbers(&mut rest);
    if numbers.is_empty() {
        return false;
    }
    let separator = |byte: u8| b"._-".contains(&byte);
    let mut ahead = rest;
    ahead.eat(separator);
    let words = ["stable", "beta", "b", "rc", "alpha", "a", "patch", "pl", "p"];
    if words.into_iter().any(|word| ahead.eat_word(word)) {
        rest = ahead;
        loop {
            let mut ahead = rest;
            ahead.eat(|byte| b".-".contains(&byte));
            if ahead.digits().is_empty() {
                break;
            }
            rest = ahead;
        }
    }
    let mut ahead = rest;
    ahead.eat(|byte| b".-".contains(&byte));
    if ahead.eat_word("dev") {
        rest = ahead;
    }
    rest.is_empty()
}
