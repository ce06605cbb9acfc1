//! Requirements as Cargo writes them, as intervals:
//! <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html>.

use crate::range::{Lower, Range, Upper, intersection};
use crate::version::Scheme;
use semver::{Comparator, Op, VersionReq};

/// The versions that a requirement allows: those that all of its parts allow.
///
/// Where Cargo stops before a release (`^1.2`, `~1.2`, `=1.2`) it does not allow the pre-releases of that release
/// either: `1.2` ends before `2.0.0-0`, the lowest of them.
pub(super) fn intervals(scheme: Scheme, text: &str) -> Result<Vec<Range>, String> {
    let requirement = VersionReq::parse(text).map_err(|error| format!("the requirement {text:?} is none: {error}"))?;
    let parts = requirement.comparators.iter().map(|part| interval(part).map(|range| vec![range]));
    let parts: Option<Vec<_>> = parts.collect();
    let parts = parts.ok_or_else(|| format!("the requirement {text:?} is of a form that is not known"))?;
    Ok(intersection(scheme, parts))
}

fn interval(part: &Comparator) -> Option<Range> {
    let least = lowest(part);
    let from_least = Lower::At(least.clone());
    // Before all that begins with the next number at the last place that is given.
    let ends_next = || Upper::Fixed(format!("{}-0", next(part)));
    Some(match part.op {
        Op::Exact | Op::Wildcard if part.patch.is_none() => Range { from: from_least, to: ends_next() },
        Op::Exact | Op::Wildcard => Range::exactly(&least),
        Op::Greater if part.patch.is_none() => Range { from: Lower::At(next(part)), to: Upper::Unfixed },
        Op::Greater => Range { from: Lower::After(least), to: Upper::Unfixed },
        Op::GreaterEq => Range { from: from_least, to: Upper::Unfixed },
        Op::Less => Range::before(least),
        Op::LessEq if part.patch.is_none() => Range { from: Lower::Start, to: ends_next() },
        Op::LessEq => Range { from: Lower::Start, to: Upper::Last(least) },
        Op::Tilde => {
            let shortened = Comparator { patch: None, ..part.clone() };
            Range { from: from_least, to: Upper::Fixed(format!("{}-0", next(&shortened))) }
        }
        Op::Caret => Range { from: from_least, to: Upper::Fixed(format!("{}-0", next_breaking(part))) },
        _ => return None,
    })
}

/// The version with zeros for what is not given.
fn lowest(part: &Comparator) -> String {
    let core = format!("{}.{}.{}", part.major, part.minor.unwrap_or(0), part.patch.unwrap_or(0));
    if part.pre.is_empty() { core } else { format!("{core}-{}", part.pre) }
}

/// The version with the last given number raised by one.
fn next(part: &Comparator) -> String {
    match (part.minor, part.patch) {
        (None, _) => format!("{}.0.0", part.major.saturating_add(1)),
        (Some(minor), None) => format!("{}.{}.0", part.major, minor.saturating_add(1)),
        (Some(minor), Some(patch)) => format!("{}.{minor}.{}", part.major, patch.saturating_add(1)),
    }
}

/// The version with the first number raised by one that is not zero, or else the last given.
fn next_breaking(part: &Comparator) -> String {
    let shortened = match (part.major, part.minor) {
        (1.., _) => Comparator { minor: None, patch: None, ..part.clone() },
        (0, Some(1..)) => Comparator { patch: None, ..part.clone() },
        _ => part.clone(),
    };
    next(&shortened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use semver::Version;

    /// Whether an interval holds a version in the order of the library.
    fn holds(range: &Range, version: &Version) -> bool {
        let parse = |text: &str| Version::parse(text).unwrap();
        let above = match &range.from {
            Lower::Start => true,
            Lower::At(from) => *version >= parse(from),
            Lower::After(from) => *version > parse(from),
        };
        let below = match &range.to {
            Upper::Unfixed => true,
            Upper::Fixed(to) => *version < parse(to),
            Upper::Last(to) => *version <= parse(to),
        };
        above && below
    }

    proptest! {
        #[test]
        fn releases_are_allowed_as_the_library_says(
            operator in prop_oneof![Just(""), Just("^"), Just("~"), Just("="), Just(">"), Just(">="), Just("<"), Just("<=")],
            numbers in prop::collection::vec(0u64..4, 1..=3),
            version in (0u64..5, 0u64..5, 0u64..5),
        ) {
            let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
            let requirement = VersionReq::parse(&format!("{operator}{}", numbers.join("."))).unwrap();
            let version = Version::new(version.0, version.1, version.2);
            let range = interval(&requirement.comparators[0]).unwrap();
            prop_assert_eq!(holds(&range, &version), requirement.matches(&version), "{} {}", requirement, version);
        }
    }

    /// One requirement of one part: the interval written as `[from, to)`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let requirement = VersionReq::parse(text).unwrap();
        let range = interval(&requirement.comparators[0]).unwrap();
        let from = match range.from {
            Lower::Start => "(start".to_owned(),
            Lower::At(version) => format!("[{version}"),
            Lower::After(version) => format!("({version}"),
        };
        let to = match range.to {
            Upper::Unfixed => "end)".to_owned(),
            Upper::Fixed(version) => format!("{version})"),
            Upper::Last(version) => format!("{version}]"),
        };
        assert_eq!(format!("{from}, {to}"), expected, "{text}");
    }

    #[test]
    fn operators_mean_what_cargo_says() {
        check("1.2.3", "[1.2.3, 2.0.0-0)");
        check("^ 1.2", "[1.2.0, 2.0.0-0)");
        check("^0.2.3", "[0.2.3, 0.3.0-0)");
        check("^0.0.3", "[0.0.3, 0.0.4-0)");
        check("^0.0", "[0.0.0, 0.1.0-0)");
        check("^0", "[0.0.0, 1.0.0-0)");
        check("~1.2.3", "[1.2.3, 1.3.0-0)");
        check("~1", "[1.0.0, 2.0.0-0)");
        check("=1.2.3-rc.1", "[1.2.3-rc.1, 1.2.3-rc.1]");
        check("=1.2", "[1.2.0, 1.3.0-0)");
        check("1.2.*", "[1.2.0, 1.3.0-0)");
        check(">= 0.0.10 ", "[0.0.10, end)");
        check("> 1.2.3", "(1.2.3, end)");
        check("> 1.2", "[1.3.0, end)");
        check("<= 1.2.3", "(start, 1.2.3]");
        check("<= 1.2", "(start, 1.3.0-0)");
        check("< 1.2.3-alpha.1", "(start, 1.2.3-alpha.1)");
    }

    #[test]
    fn all_parts_hold_together() {
        let ranges = intervals(Scheme::SemVer, "< 5.0.0, >= 3.0.0").unwrap();
        assert_eq!(ranges, [Range { from: Lower::At("3.0.0".into()), to: Upper::Fixed("5.0.0".into()) }]);
        assert_eq!(intervals(Scheme::SemVer, "*").unwrap(), [Range::ALL]);
        assert!(intervals(Scheme::SemVer, "soon").is_err());
    }
}
