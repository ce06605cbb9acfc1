//! Maven: `ComparableVersion` of Maven 3; and the generic scheme made from it for places that have none.
//!
//! A version is numbers and qualifiers. Each begins with a dot or a hyphen, and going from digits to letters or back is a
//! hyphen too. Numbers that are zero and the qualifiers for a release (`final`, `ga`, `release`) vanish at the end, before
//! a hyphen, and before a qualifier. At one place, in any case: `alpha < beta < milestone < rc < snapshot <` the end `< sp
//! <` other qualifiers by their letters `<` a number after a hyphen `<` a number after a dot. Qualifiers on the same side
//! of the end sort after a dot before those after a hyphen. (POM Reference, "Version Order Specification". Maven up to
//! 3.8.6 tells dot and hyphen apart, and so do the order tables that are public; since 3.8.7 both are a hyphen.)
//!
//! Maven's own comparison is not transitive: a zero, or a list that begins with a hyphen, is now equal to the end or less
//! than it, now greater than what is greater than the end (`1.0.alpha.1 > 1-1 > 1 > 1.0.alpha.1`, and `1.sp.1 <
//! 1-alpha-1 < 1 < 1.sp.1`). Here each symbol has one place: on the side of the end where it belongs by itself, and there
//! as Maven has it. A qualifier after zeros and a dot (`1.0.rc1`) sorts last on its side, before any greater number.

use super::order::{self, Caseless, Cursor, Number};
use super::semver::without_v;
use std::cmp::Ordering;

/// What differs between the two schemes.
#[derive(Debug)]
struct Rules {
    /// Qualifiers before the end, each with its other names.
    before: &'static [&'static [&'static str]],
    /// Whether it counts what stands before a qualifier.
    places: bool,
}

static MAVEN: Rules =
    Rules { before: &[&["alpha"], &["beta"], &["milestone"], &["rc", "cr"], &["snapshot"]], places: true };

/// With what is usual elsewhere.
static GENERIC: Rules = Rules {
    before: &[
        &["dev", "nightly", "snapshot"],
        &["alpha"],
        &["beta"],
        &["milestone", "pre", "preview", "prerelease"],
        &["rc", "cr", "candidate"],
    ],
    places: false,
};

/// Qualifiers that stand for the end.
const RELEASE: &[&str] = &["", "final", "ga", "release"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    /// A qualifier by its position in the list.
    Before(Place, usize),
    End,
    After(Place, Word<'a>),
    /// A number after a hyphen.
    Build(Number<'a>),
    /// A qualifier after a dot and so many zeros.
    AfterZeros(usize, Word<'a>),
    /// A number after a dot.
    Number(Number<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Dot,
    Hyphen,
    /// After a dot and so many zeros.
    Zeros(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word<'a> {
    ServicePack,
    Other(Caseless<'a>),
}

impl Symbol<'_> {
    /// Whether it vanishes where nothing follows it.
    fn is_null(self) -> bool {
        match self {
            Self::End => true,
            Self::Build(number) | Self::Number(number) => number == Number::ZERO,
            _ => false,
        }
    }

    /// The same after zeros that vanished.
    fn after_zeros(self, zeros: usize) -> Self {
        match self {
            Self::Before(Place::Dot, position) => Self::Before(Place::Zeros(zeros), position),
            Self::After(Place::Dot, word) => Self::AfterZeros(zeros, word),
            other => other,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Dot,
    Hyphen,
    Nothing,
}

/// The parts of a version as they are written.
#[derive(Debug, Clone)]
struct Written<'a> {
    rest: Cursor<'a>,
    before: Before,
    rules: &'static Rules,
}

impl<'a> Iterator for Written<'a> {
    type Item = (Before, Symbol<'a>);

    fn next(&mut self) -> Option<(Before, Symbol<'a>)> {
        let next = self.rest.peek();
        let before = self.before;
        // A separator with nothing after it stands before nothing at all, which would vanish.
        let symbol = match next? {
            b'0'..=b'9' => {
                let number = Number::of(self.rest.digits());
                if before == Before::Hyphen { Symbol::Build(number) } else { Symbol::Number(number) }
            }
            // An absent number.
            b'.' | b'-' if before == Before::Hyphen => Symbol::Build(Number::ZERO),
            b'.' | b'-' => Symbol::Number(Number::ZERO),
            _ => {
                let word = self.rest.take_while(|byte| !byte.is_ascii_digit() && byte != b'.' && byte != b'-');
                self.qualifier(before, word)
            }
        };
        self.before = match self.rest.peek() {
            Some(b'.') => Before::Dot,
            // Also from digits to letters and back.
            Some(_) => Before::Hyphen,
            None => Before::Nothing,
        };
        self.rest.eat(|byte| byte == b'.' || byte == b'-');
        Some((before, symbol))
    }
}

impl<'a> Written<'a> {
    fn qualifier(&self, before: Before, word: &'a [u8]) -> Symbol<'a> {
        // One letter is short for a word only directly before a number.
        let counted = self.rest.peek().is_some_and(|byte| byte.is_ascii_digit());
        let word: &[u8] = match word {
            [b'a' | b'A'] if counted => b"alpha",
            [b'b' | b'B'] if counted => b"beta",
            [b'm' | b'M'] if counted => b"milestone",
            _ => word,
        };
        let place = if before == Before::Dot && self.rules.places { Place::Dot } else { Place::Hyphen };
        let is = |name: &&str| word.eq_ignore_ascii_case(name.as_bytes());
        if let Some(position) = self.rules.before.iter().position(|names| names.iter().any(is)) {
            Symbol::Before(place, position)
        } else if RELEASE.iter().any(is) {
            Symbol::End
        } else if is(&"sp") {
            Symbol::After(place, Word::ServicePack)
        } else {
            Symbol::After(place, Word::Other(Caseless(word)))
        }
    }
}

/// The parts of a version without those that vanish.
struct Symbols<'a> {
    written: Written<'a>,
    /// How many parts ahead are known to stay though they are null.
    staying: usize,
}

impl<'a> Symbols<'a> {
    fn of(text: &'a [u8], rules: &'static Rules) -> Self {
        Self { written: Written { rest: Cursor(text), before: Before::Dot, rules }, staying: 0 }
    }
}

impl<'a> Iterator for Symbols<'a> {
    type Item = Symbol<'a>;

    fn next(&mut self) -> Option<Symbol<'a>> {
        // How many zeros after dots have vanished directly before this place.
        let mut zeros = 0;
        loop {
            let (before, symbol) = self.written.next()?;
            if self.staying > 0 {
                self.staying -= 1;
                return Some(symbol);
            }
            if !symbol.is_null() {
                return Some(if zeros > 0 { symbol.after_zeros(zeros) } else { symbol });
            }
            // A run of nulls stays when a number after a dot ends it. Each run is looked at once: what is found to
            // stay is counted, and what vanishes is passed over.
            let mut ahead = self.written.clone();
            let mut nulls = 0;
            let stays = loop {
                match ahead.next() {
                    Some((Before::Dot, next)) if next.is_null() => nulls += 1,
                    Some((Before::Dot, Symbol::Number(_))) => break true,
                    _ => break false,
                }
            };
            if stays {
                self.staying = nulls;
                return Some(symbol);
            }
            for _ in 0..nulls {
                self.written.next();
            }
            zeros = if before == Before::Dot { nulls + 1 } else { 0 };
        }
    }
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    order::compare(Symbols::of(a, &MAVEN), Symbols::of(b, &MAVEN), &Symbol::End)
}

/// The same without a leading `v`, and with more names of pre-releases.
pub(super) fn compare_generic(a: &[u8], b: &[u8]) -> Ordering {
    let [a, b] = [a, b].map(|text| Symbols::of(without_v(text), &GENERIC));
    order::compare(a, b, &Symbol::End)
}

/// Maven takes any text; what cannot be a directory of a repository is no version.
pub(super) fn is_valid(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|byte| byte.is_ascii_control() || b" \\/:\"<>|?*[](),".contains(byte))
}

pub(super) fn is_valid_generic(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}
