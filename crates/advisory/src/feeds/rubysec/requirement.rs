//! Requirements as RubyGems writes them, as intervals: <https://guides.rubygems.org/patterns/#declaring-dependencies>.

use crate::range::{Lower, Range, Upper, complement, intersection};
use crate::version::Scheme;

/// Two letters first, so that `>=` is not taken for `>`.
const OPERATORS: [&str; 7] = ["~>", ">=", "<=", "!=", ">", "<", "="];

/// The versions that a requirement allows: those that all of its parts, set apart by commas, allow.
pub(super) fn intervals(scheme: Scheme, text: &str) -> Result<Vec<Range>, String> {
    let parts: Option<Vec<_>> = text.split(',').map(|part| interval(part.trim())).collect();
    let parts = parts.ok_or_else(|| format!("the requirement {text:?} is none"))?;
    Ok(intersection(scheme, parts))
}

fn interval(part: &str) -> Option<Vec<Range>> {
    let operator = OPERATORS.into_iter().find(|operator| part.starts_with(operator)).unwrap_or_default();
    let version = part[operator.len()..].trim();
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
    if !is_version {
        return None;
    }
    let owned = version.to_owned();
    Some(match operator {
        "~>" => vec![Range { from: Lower::At(owned), to: Upper::Fixed(end_of_pessimism(version)?) }],
        ">=" => vec![Range { from: Lower::At(owned), to: Upper::Unfixed }],
        ">" => vec![Range { from: Lower::After(owned), to: Upper::Unfixed }],
        "<=" => vec![Range { from: Lower::Start, to: Upper::Last(owned) }],
        "<" => vec![Range::before(owned)],
        "!=" => complement(vec![Range::exactly(version)]),
        _ => vec![Range::exactly(version)],
    })
}

/// Where `~> version` ends: the numbers without the last, the one before it raised, and of that neither the release
/// nor its pre-releases. `A` sorts before every pre-release that is in use, as letters do before numbers and capitals
/// before small letters; Bundler's resolver writes this bound so.
fn end_of_pessimism(version: &str) -> Option<String> {
    let numbers = version.split(['.', '-']).take_while(|segment| segment.bytes().all(|byte| byte.is_ascii_digit()));
    let mut numbers: Vec<&str> = numbers.collect();
    // `3.2.0rc1` is the numbers 3, 2 and 0 followed by letters.
    let cut = version.split(['.', '-']).nth(numbers.len()).unwrap_or_default();
    let leading = &cut[..cut.bytes().take_while(u8::is_ascii_digit).count()];
    numbers.extend(Some(leading).filter(|leading| !leading.is_empty()));
    if numbers.len() > 1 {
        numbers.pop();
    }
    let raised = numbers.pop()?.parse::<u64>().ok()?.checked_add(1)?.to_string();
    numbers.push(&raised);
    Some(format!("{}.A", numbers.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The rule as RubyGems states it: at least the version, and as a release before the bumped one.
        #[test]
        fn pessimism_ends_where_the_bumped_version_begins(
            numbers in prop::collection::vec(0u64..4, 1..=4),
            other in prop::collection::vec(0u64..5, 1..=4),
        ) {
            let text: Vec<_> = numbers.iter().map(u64::to_string).collect();
            let end = end_of_pessimism(&text.join(".")).unwrap();
            let end: Vec<u64> = end.strip_suffix(".A").unwrap().split('.').map(|it| it.parse().unwrap()).collect();
            let mut bumped = numbers.clone();
            if bumped.len() > 1 {
                bumped.pop();
            }
            *bumped.last_mut().unwrap() += 1;
            // Zeros at the end do not count, so lists of numbers compare as versions do.
            let padded = |list: &[u64]| [list, &[0; 4][list.len().min(4)..]].concat();
            prop_assert_eq!(padded(&other) < padded(&end), padded(&other) < padded(&bumped));
        }
    }

    #[test]
    fn the_pessimistic_operator_ends_before_pre_releases() {
        let check =
            |version, expected: &str| assert_eq!(end_of_pessimism(version).as_deref(), Some(expected), "{version}");
        check("2", "3.A");
        check("2.1", "3.A");
        check("2.1.3", "2.2.A");
        check("3.2.0-rc", "3.3.A");
        check("3.2.0.rc1", "3.3.A");
        check("3.2.0rc1", "3.3.A");
        check("1.9.3.p551", "1.10.A");
        check("4.2.5.2", "4.2.6.A");
    }

    #[test]
    fn parts_and_operators() {
        let check = |text, expected: &str| {
            let ranges = intervals(Scheme::RubyGems, text).unwrap();
            assert_eq!(serde_json::to_string(&ranges).unwrap(), expected, "{text}");
        };
        check("~> 3.2.1, >= 3.2.4", r#"[{"from":{"at":"3.2.4"},"to":{"fixed":"3.3.A"}}]"#);
        check("!= 2.0", r#"[{"from":"start","to":{"fixed":"2.0"}},{"from":{"after":"2.0"},"to":"unfixed"}]"#);
        check("> 2.0", r#"[{"from":{"after":"2.0"},"to":"unfixed"}]"#);
        check("<= 2.0", r#"[{"from":"start","to":{"last":"2.0"}}]"#);
        check("2.0", r#"[{"from":{"at":"2.0"},"to":{"last":"2.0"}}]"#);
        for none in ["", ">=", "~> x", ">= 1, ", "=> 1", ">= 1 2"] {
            assert!(intervals(Scheme::RubyGems, none).is_err(), "{none}");
        }
    }
}
