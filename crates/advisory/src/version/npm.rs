//! Ranges of npm versions, which are ordered as Semantic Versioning orders them.
//!
//! By the documentation and grammar of `node-semver`: comparators (`<2.0.0`), `^`, `~`, `x`, hyphens, blanks for *and*,
//! `||` for *or*. A pre-release is in a range only where one of the comparators that it satisfies together names a
//! pre-release of the very same three numbers.

use super::semver;
use std::cmp::Ordering;

/// The longest version and the largest number that npm reads.
const MAX_LENGTH: usize = 256;
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// A set of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmRange {
    /// A version is in it when it satisfies all comparators of one of these.
    alternatives: Vec<Vec<Comparator>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparator {
    operator: Operator,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

/// Three numbers, and identifiers where it is a pre-release.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    prerelease: Option<String>,
}

impl Version {
    const LEAST: Self = Self { numbers: [0; 3], prerelease: None };

    fn released(numbers: [u64; 3]) -> Self {
        Self { numbers, prerelease: None }
    }

    /// The least pre-release of all, which `<` takes to keep the others out.
    fn before(numbers: [u64; 3]) -> Self {
        Self { numbers, prerelease: Some("0".to_owned()) }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&self.prerelease, &other.prerelease) {
            (Some(a), Some(b)) => semver::compare_identifiers(a.as_bytes(), b.as_bytes()),
            (a, b) => a.is_none().cmp(&b.is_none()),
        })
    }
}

/// A version of which numbers may be left out or be `x`.
#[derive(Debug, Clone)]
struct Partial {
    numbers: [Option<u64>; 3],
    prerelease: Option<String>,
}

impl Partial {
    /// `[v=]*N[.N[.N[-identifiers][+build]]]`, where `N` is a number, `x`, `X` or `*`.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let anything = text.is_empty();
        let text = text.trim_start_matches(['v', '=', ' ']);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        // A hyphen cannot be in the numbers.
        let (numbers, prerelease) =
            text.split_once('-').map_or((text, None), |(numbers, identifiers)| (numbers, Some(identifiers)));
        let identifiers = [(prerelease, false), (build, true)];
        let fits = |(list, zeros): (Option<&str>, bool)| {
            list.is_none_or(|list| list.split('.').all(|one| is_identifier(one, zeros)))
        };
        if !identifiers.into_iter().all(fits) {
            return None;
        }
        let mut parsed = [None; 3];
        let mut given = 0;
        let mut open = false;
        for part in numbers.split('.') {
            let slot = parsed.get_mut(given)?;
            given += 1;
            if matches!(part, "x" | "X" | "*") || anything {
                open = true;
            } else {
                let number = number(part)?;
                // After an `x` the rest is `x` too.
                *slot = (!open).then_some(number);
            }
        }
        if prerelease.is_some() && given < 3 {
            return None;
        }
        Some(Self { numbers: parsed, prerelease: prerelease.map(str::to_owned).filter(|_| !open) })
    }

    /// The least version that it stands for.
    fn least(&self) -> Version {
        Version { numbers: self.numbers.map(Option::unwrap_or_default), prerelease: self.prerelease.clone() }
    }

    /// The numbers after the last that is given: none where none is.
    fn next(&self) -> Option<[u64; 3]> {
        match self.numbers {
            [None, ..] => None,
            [Some(major), None, _] => Some([major + 1, 0, 0]),
            [Some(major), Some(minor), _] => Some([major, minor + 1, 0]),
        }
    }

    fn is_complete(&self) -> bool {
        self.numbers.iter().all(Option::is_some)
    }
}

fn is_identifier(text: &str, leading_zeros: bool) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && (leading_zeros || !digits || text == "0" || !text.starts_with('0'))
}

fn number(text: &str) -> Option<u64> {
    let fits = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|&number| fits && number <= MAX_NUMBER)
}

impl NpmRange {
    /// Reads a range; none where npm would not.
    pub fn parse(text: &str) -> Option<Self> {
        let alternatives: Option<Vec<_>> = text.split("||").map(|part| alternative(part.trim())).collect();
        Some(Self { alternatives: alternatives? })
    }

    /// Whether the version is in the range; one that is no version of npm's is in none.
    pub fn contains(&self, version: &str) -> bool {
        let complete = Partial::parse(version.trim()).filter(Partial::is_complete);
        let Some(version) = complete.map(|partial| partial.least()) else { return false };
        self.alternatives.iter().any(|comparators| {
            comparators.iter().all(|comparator| comparator.holds(&version))
                && (version.prerelease.is_none()
                    || comparators.iter().any(|comparator| comparator.names_prereleases_of(&version)))
        })
    }
}

impl Comparator {
    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Equal => order.is_eq(),
        }
    }

    fn names_prereleases_of(&self, version: &Version) -> bool {
        self.version.prerelease.is_some() && self.version.numbers == version.numbers
    }
}

fn alternative(text: &str) -> Option<Vec<Comparator>> {
    let mut comparators = Vec::new();
    if let Some((from, to)) = hyphenated(text) {
        let (from, to) = (Partial::parse(from)?, Partial::parse(to)?);
        comparators.push(Comparator { operator: Operator::GreaterOrEqual, version: from.least() });
        if to.is_complete() {
            comparators.push(Comparator { operator: Operator::LessOrEqual, version: to.least() });
        } else if let Some(next) = to.next() {
            comparators.push(Comparator { operator: Operator::Less, version: Version::before(next) });
        }
        return Some(comparators);
    }
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let (operator, rest) = operator(word);
        // Blanks may stand between an operator and its version.
        let rest = if rest.is_empty() && !operator.is_empty() { words.next().unwrap_or_default() } else { rest };
        expand(operator, &Partial::parse(rest)?, &mut comparators);
    }
    if comparators.is_empty() {
        expand("", &Partial { numbers: [None; 3], prerelease: None }, &mut comparators);
    }
    Some(comparators)
}

/// The two ends of `A - B`.
fn hyphenated(text: &str) -> Option<(&str, &str)> {
    let (from, to) = text.split_once(" - ")?;
    let (from, to) = (from.trim(), to.trim());
    let whole = !from.contains(char::is_whitespace) && !to.contains(char::is_whitespace);
    whole.then_some((from, to))
}

fn operator(word: &str) -> (&str, &str) {
    let known = ["<=", ">=", "~>", "<", ">", "=", "^", "~"];
    let found = known.iter().find(|known| word.starts_with(**known));
    word.split_at(found.map_or(0, |found| found.len()))
}

/// Adds the comparators that an operator and a version stand for.
fn expand(operator: &str, partial: &Partial, comparators: &mut Vec<Comparator>) {
    let mut push = |operator, version| comparators.push(Comparator { operator, version });
    let least = partial.least();
    match (operator, partial.next()) {
        // Nothing is less or greater than any.
        ("<" | ">", None) => push(Operator::Less, Version::before([0; 3])),
        (_, None) => push(Operator::GreaterOrEqual, Version::LEAST),
        ("^", Some(_)) => {
            let upper = match partial.numbers {
                [Some(0), Some(0), Some(patch)] => [0, 0, patch + 1],
                [Some(0), Some(minor), _] => [0, minor + 1, 0],
                [major, ..] => [major.unwrap_or_default() + 1, 0, 0],
            };
            push(Operator::GreaterOrEqual, least);
            push(Operator::Less, Version::before(upper));
        }
        ("~" | "~>", Some(next)) => {
            push(Operator::GreaterOrEqual, least);
            push(Operator::Less, Version::before(next));
        }
        ("<", Some(_)) if partial.is_complete() => push(Operator::Less, least),
        ("<", Some(_)) => push(Operator::Less, Version::before(least.numbers)),
        ("<=", Some(_)) if partial.is_complete() => push(Operator::LessOrEqual, least),
        ("<=", Some(next)) => push(Operator::Less, Version::before(next)),
        (">", Some(_)) if partial.is_complete() => push(Operator::Greater, least),
        (">", Some(next)) => push(Operator::GreaterOrEqual, Version::released(next)),
        (">=", Some(_)) => push(Operator::GreaterOrEqual, least),
        (_, Some(_)) if partial.is_complete() => push(Operator::Equal, least),
        (_, Some(next)) => {
            push(Operator::GreaterOrEqual, least);
            push(Operator::Less, Version::before(next));
        }
    }
}
