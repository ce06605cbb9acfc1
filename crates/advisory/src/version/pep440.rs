//! PyPI: PEP 440, with its epochs, pre-, post- and development releases and local versions.
//!
//! Whatever the PEP's appendix B accepts is normalised on the way. Text that is no version sorts before all versions, by
//! the rules that came before the PEP (`packaging.version.LegacyVersion`), which old advisories still rely on.

use super::order::{self, Caseless, Cursor, Number};
use std::cmp::Ordering;

/// A version. The order of the fields is the order of versions, once `release` is compared as numbers.
#[derive(Debug, Clone, Copy)]
struct Version<'a> {
    epoch: Number<'a>,
    /// Digits and dots.
    release: &'a [u8],
    phase: Phase<'a>,
    post: Option<Number<'a>>,
    development: Development<'a>,
    local: Option<&'a [u8]>,
}

/// What a release is on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase<'a> {
    /// Only a development release, of the final one.
    Development,
    Alpha(Number<'a>),
    Beta(Number<'a>),
    Candidate(Number<'a>),
    Final,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Development<'a> {
    Before(Number<'a>),
    No,
}

fn is_separator(byte: u8) -> bool {
    b"-_.".contains(&byte)
}

/// `[-_.]?word[-_.]?digits?` for the first of `words` that comes next.
fn labelled<'a>(rest: &mut Cursor<'a>, words: &[&str]) -> Option<(usize, Number<'a>)> {
    // Most versions are a release and nothing else.
    rest.peek()?;
    let mut ahead = *rest;
    ahead.eat(is_separator);
    let position = words.iter().position(|word| ahead.eat_word(word))?;
    ahead.eat(is_separator);
    let number = Number::of(ahead.digits());
    *rest = ahead;
    Some((position, number))
}

impl<'a> Version<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let mut rest = Cursor(text.trim_ascii());
        rest.eat_word("v");
        let mut epoch = Number::ZERO;
        let mut ahead = rest;
        let digits = ahead.digits();
        if !digits.is_empty() && ahead.eat(|byte| byte == b'!') {
            (epoch, rest) = (Number::of(digits), ahead);
        }
        let release = super::semver::take_numbers(&mut rest);
        if release.is_empty() {
            return None;
        }
        // Longer words first, since one may begin another.
        let words = ["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"];
        let prerelease = labelled(&mut rest, &words).map(|(position, number)| match position {
            0 | 1 => Phase::Alpha(number),
            2 | 3 => Phase::Beta(number),
            _ => Phase::Candidate(number),
        });
        let post = Self::implicit_post(&mut rest)
            .or_else(|| labelled(&mut rest, &["post", "rev", "r"]).map(|(_, number)| number));
        let development = labelled(&mut rest, &["dev"]).map(|(_, number)| number);
        let local = if rest.eat(|byte| byte == b'+') { Some(rest.take(usize::MAX)) } else { None };
        let word = |one: &[u8]| !one.is_empty() && one.iter().all(u8::is_ascii_alphanumeric);
        if !rest.is_empty() || local.is_some_and(|local| !local.split(|&byte| is_separator(byte)).all(word)) {
            return None;
        }
        Some(Self {
            epoch,
            release,
            phase: match prerelease {
                Some(phase) => phase,
                None if post.is_none() && development.is_some() => Phase::Development,
                None => Phase::Final,
            },
            post,
            development: development.map_or(Development::No, Development::Before),
            local,
        })
    }

    /// `-digits`.
    fn implicit_post(rest: &mut Cursor<'a>) -> Option<Number<'a>> {
        let mut ahead = *rest;
        let hyphen = ahead.eat(|byte| byte == b'-');
        let digits = ahead.digits();
        (hyphen && !digits.is_empty()).then(|| {
            *rest = ahead;
            Number::of(digits)
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let public = |version: &Self| (version.phase, version.post, version.development);
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| super::semver::compare_numbers(self.release, other.release))
            .then_with(|| public(self).cmp(&public(other)))
            .then_with(|| match (self.local, other.local) {
                (Some(a), Some(b)) => order::compare(local(a), local(b), &Local::End),
                (a, b) => a.is_some().cmp(&b.is_some()),
            })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Local<'a> {
    End,
    Text(Caseless<'a>),
    Number(Number<'a>),
}

fn local(text: &[u8]) -> impl Iterator<Item = Local<'_>> {
    text.split(|&byte| is_separator(byte))
        .map(|one| if order::all_digits(one) { Local::Number(Number::of(one)) } else { Local::Text(Caseless(one)) })
}

/// One part of text that is no version. Words sort before numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Legacy<'a> {
    Word(Caseless<'a>),
    Number(Padded<'a>),
}

/// Digits as text of at least eight, which zeros fill up.
#[derive(Debug, Clone, Copy)]
struct Padded<'a>(&'a [u8]);

impl Padded<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let zeros = 8usize.saturating_sub(self.0.len());
        std::iter::repeat_n(b'0', zeros).chain(self.0.iter().copied())
    }
}

impl Ord for Padded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl PartialOrd for Padded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Padded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Padded<'_> {}

const FINAL: &[u8] = b"final";
const HYPHEN: &[u8] = b"final-";

/// The parts of text that is no version, as setuptools once cut them. Allocates, which text of this kind is rare
/// enough for.
fn legacy(text: &[u8]) -> Vec<Legacy<'_>> {
    let mut rest = Cursor(text);
    let mut parts = Vec::new();
    while let Some(byte) = rest.peek() {
        let word: &[u8] = match byte {
            b'0'..=b'9' => {
                parts.push(Legacy::Number(Padded(rest.digits())));
                continue;
            }
            b'.' => {
                rest.take(1);
                continue;
            }
            b'-' => {
                rest.take(1);
                HYPHEN
            }
            _ if byte.is_ascii_alphabetic() => {
                let word = rest.take_while(|byte| byte.is_ascii_alphabetic());
                let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
                if is("pre") || is("preview") || is("rc") {
                    b"c"
                } else if is("dev") {
                    b"@"
                } else {
                    word
                }
            }
            _ => rest.take_while(|byte| !byte.is_ascii_alphanumeric() && byte != b'.' && byte != b'-'),
        };
        push_word(&mut parts, word);
    }
    push_word(&mut parts, FINAL);
    parts
}

/// A word makes the zeros before it vanish, and one that sorts before the end the hyphens before those.
fn push_word<'a>(parts: &mut Vec<Legacy<'a>>, word: &'a [u8]) {
    let word = Caseless(word);
    if word < Caseless(FINAL) {
        while parts.last() == Some(&Legacy::Word(Caseless(HYPHEN))) {
            parts.pop();
        }
    }
    while parts.last() == Some(&Legacy::Number(Padded(b"0"))) {
        parts.pop();
    }
    parts.push(Legacy::Word(word));
}

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (None, None) => legacy(a).cmp(&legacy(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

pub(super) fn is_valid(text: &[u8]) -> bool {
    Version::parse(text).is_some()
}
