//! What is told to whoever asked and to the audit log, within what headers and logs take.

use sekisho_report::printable;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bytes of one warning: the API server cuts longer ones
/// (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response>).
pub(crate) const WARNING: usize = 256;
/// Warnings; the API server takes 4096 bytes of them together, with those about images.
const WARNINGS: usize = 12;
/// Warnings that say what tags stand for.
const RESOLVED: usize = 4;
/// Bytes of the reason of a denial.
const MESSAGE: usize = 4096;
/// Bytes of an audit annotation.
pub(crate) const ANNOTATION: usize = 1024;
/// Violations that a denial names.
const NAMED: usize = 12;

/// `text` printable and at most `most` bytes long.
pub(crate) fn short(text: &str, most: usize) -> String {
    const MARK: &str = "...";
    // What is printable is not shorter than it was.
    let cut = |text: &str, most: usize| text[..text.floor_char_boundary(most)].to_owned();
    let text = printable(&cut(text, most));
    if text.len() <= most { text } else { cut(&text, most - MARK.len()) + MARK }
}

/// The same of a text that may be longer than what is looked at, with a mark where it is.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.len() > most { short(&format!("{}...", short(text, most - 3)), most) } else { short(text, most) }
}

/// Warnings, each and together within what is taken, the last one saying how many more there are.
pub(crate) fn warnings(lines: &[String]) -> Vec<String> {
    let shown = if lines.len() > WARNINGS { WARNINGS - 1 } else { lines.len() };
    let mut warnings: Vec<String> = lines[..shown].iter().map(|line| shortened(line, WARNING)).collect();
    if lines.len() > shown {
        warnings.push(format!("sekisho: {} more warnings", lines.len() - shown));
    }
    warnings
}

/// The reason of a denial.
///
/// Of the lines so many say what could not be judged, and the others where so many policies are violated.
pub(crate) fn denial(lines: &[String], policies: usize, unknown: usize, note: &str) -> String {
    let places = lines.len().saturating_sub(unknown);
    let violations = match (places, policies) {
        (0, _) => String::new(),
        (1, _) => "1 policy is violated".to_owned(),
        (places, 1) => format!("1 policy is violated in {places} places"),
        (places, policies) if places == policies => format!("{policies} policies are violated"),
        (places, policies) => format!("{policies} policies are violated in {places} places"),
    };
    let doubts = match unknown {
        0 => String::new(),
        1 => "1 that could not be judged".to_owned(),
        more => format!("{more} that could not be judged"),
    };
    let and = if violations.is_empty() || doubts.is_empty() { "" } else { ", and " };
    let mut text = format!("sekisho: {violations}{and}{doubts}:");
    for line in lines.iter().take(NAMED) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n- {}", shortened(line, 512));
    }
    if lines.len() > NAMED {
        let _ = write!(text, "\n- and {} more", lines.len() - NAMED);
    }
    let most = MESSAGE - note.len().min(512) - 1;
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - 4));
        text.push_str("\n...");
    }
    if !note.is_empty() {
        text.push('\n');
        text.push_str(&shortened(note, 512));
    }
    text
}

/// Which images were judged by what their tags stand for now, as warnings. Names that have a digest say so themselves.
pub(crate) fn resolved(digests: &BTreeMap<String, String>) -> Vec<String> {
    let by_tag: Vec<_> = digests.iter().filter(|(name, _)| !name.contains('@')).collect();
    let shown = if by_tag.len() > RESOLVED { RESOLVED - 1 } else { by_tag.len() };
    let line = |(name, digest): &(&String, &String)| {
        // The digest is what matters, and stands at the end.
        let name = shortened(name, WARNING - digest.len() - 32);
        format!("sekisho: judged {name} as {digest}")
    };
    let mut lines: Vec<String> = by_tag[..shown].iter().map(line).collect();
    if by_tag.len() > shown {
        let more = by_tag.len() - shown;
        lines.push(format!("sekisho: judged {more} more images by what their tags stand for now"));
    }
    lines
}

/// Words with commas between them, as an annotation.
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for word in words {
        if text.len() + word.len() + 16 > ANNOTATION {
            left_out += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&printable(word));
    }
    if left_out > 0 {
        let _ = write!(text, ", +{left_out}");
    }
    shortened(&text, ANNOTATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_longer_than_is_taken() {
        for text in ["x".repeat(10_000), "関".repeat(5_000), "\u{1b}".repeat(5_000), "é".repeat(255)] {
            let short = shortened(&text, WARNING);
            assert!(short.len() <= WARNING && short.ends_with("..."), "{short}");
            assert!(short.chars().all(|char| !char.is_control()));
        }
        assert_eq!(shortened("plain", WARNING), "plain");
        let many: Vec<String> = (0..100).map(|number| format!("{number}{}", "y".repeat(900))).collect();
        let told = warnings(&many);
        assert_eq!((told.len(), told.last().map(String::as_str)), (12, Some("sekisho: 89 more warnings")));
        assert!(told.iter().map(String::len).sum::<usize>() <= 4096);
        assert!(denial(&many, 100, 0, &"z".repeat(5_000)).len() <= 4200);
        assert!(denial(&many, 100, 0, "note").ends_with("\nnote"));
        let digest = format!("sha256:{}", "0".repeat(64));
        let digests = (0..100).map(|number| (format!("{number}/{}", "z".repeat(300)), digest.clone())).collect();
        let told = resolved(&digests);
        assert!(told.iter().all(|line| line.len() <= WARNING), "{told:?}");
        assert!(
            told[0].ends_with(&digest) && told[3] == "sekisho: judged 97 more images by what their tags stand for now"
        );
        const { assert!((WARNINGS + RESOLVED) * WARNING <= 4096) };
        assert!(listed(many.iter().map(String::as_str)).len() <= ANNOTATION);
        assert_eq!(listed(["a", "b"].into_iter()), "a, b");
    }

    #[test]
    fn a_denial_counts_policies_and_places() {
        for (places, policies, unknown, expect) in [
            (1, 1, 0, "1 policy is violated"),
            (2, 1, 0, "1 policy is violated in 2 places"),
            (2, 2, 0, "2 policies are violated"),
            (3, 2, 0, "2 policies are violated in 3 places"),
            (0, 0, 1, "1 that could not be judged"),
            (2, 1, 3, "1 policy is violated in 2 places, and 3 that could not be judged"),
        ] {
            let lines = vec!["x".to_owned(); places + unknown];
            let told = denial(&lines, policies, unknown, "");
            assert_eq!(told.lines().next(), Some(&*format!("sekisho: {expect}:")));
        }
    }
}
