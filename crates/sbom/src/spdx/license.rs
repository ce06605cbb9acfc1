//! Licences as SPDX 2.3 has them: one expression for a package, whose names are on the list or are explained.

use crate::cyclonedx::is_unlisted;
use sekisho_base::hash;
use sekisho_model::License;
use std::collections::BTreeMap;

/// The text of each `LicenseRef-…` that a document uses.
pub(super) type Extracted = BTreeMap<String, String>;

const NONE: &str = "NOASSERTION";

/// All of `licenses` in one expression. Texts that are no expression get a name of their own.
pub(super) fn expression(licenses: &[License], extracted: &mut Extracted) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(licenses.len());
    for license in licenses {
        let part = match license {
            License::Expression(text) if is_usable(text) => {
                for name in words(text).filter(|word| word.starts_with("LicenseRef-")) {
                    extracted.entry(name.to_owned()).or_insert_with(|| name.to_owned());
                }
                let is_compound = text.contains(char::is_whitespace);
                if is_compound && licenses.len() > 1 { format!("({text})") } else { text.clone() }
            }
            License::Expression(text) | License::Name(text) => {
                let name = reference(text);
                extracted.entry(name.clone()).or_insert_with(|| text.clone());
                name
            }
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() { NONE.to_owned() } else { parts.join(" AND ") }
}

/// A name for a text that is on no list: as much of the text as a name may have, and what tells it from others.
fn reference(text: &str) -> String {
    let mut name: String = text.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    let digest = &hash::hex(&hash::sha256(text.as_bytes())[..6]);
    format!("LicenseRef-{}-{digest}", name.trim_matches('-')).replace("--", "-")
}

/// Names and operators of an expression.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == '(' || c == ')').filter(|word| !word.is_empty())
}

/// Whether readers will take the expression for one: not with names that are newer than their lists, or from other
/// documents.
fn is_usable(text: &str) -> bool {
    words(text).all(|word| !word.starts_with("DocumentRef-") && !is_unlisted(word.trim_end_matches('+')))
}

/// The licences that an expression stands for: its parts, where all must be kept.
pub(super) fn parse(text: &str, extracted: &Extracted) -> Vec<License> {
    let mut licenses = Vec::new();
    for part in parts(text) {
        let license = match extracted.get(part) {
            Some(text) => {
                Some(License::parse(text).filter(|read| read.as_str() == text).unwrap_or(License::Name(text.clone())))
            }
            None => License::parse(part),
        };
        licenses.extend(license.filter(|license| !licenses.contains(license)));
    }
    licenses
}

/// The operands of `AND` outside of all parentheses, without those around them.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from, mut at) = (0_usize, 0, 0);
    for word in text.split_inclusive(char::is_whitespace) {
        if depth == 0 && word.trim() == "AND" {
            parts.push(&text[from..at]);
            from = at + word.len();
        }
        for byte in word.bytes() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        at += word.len();
    }
    parts.push(&text[from..]);
    parts.into_iter().map(|part| without_parentheses(part.trim())).filter(|part| !part.is_empty()).collect()
}

/// `(A OR B)` as `A OR B`, but `(A) OR (B)` as it is.
fn without_parentheses(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut depth = 0_usize;
    for byte in inner.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return text,
            b')' => depth -= 1,
            _ => {}
        }
    }
    inner.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stated: &[&str], expect: &str) {
        let stated: Vec<License> = stated.iter().filter_map(|text| License::parse(text)).collect();
        let mut extracted = Extracted::new();
        assert_eq!(expression(&stated, &mut extracted), expect);
        assert_eq!(parse(expect, &extracted), stated, "{expect}");
    }

    #[test]
    fn what_is_stated_is_one_expression() {
        check(&[], "NOASSERTION");
        check(&["MIT"], "MIT");
        check(&["MIT OR Apache-2.0"], "MIT OR Apache-2.0");
        check(&["MIT OR Apache-2.0", "ISC"], "(MIT OR Apache-2.0) AND ISC");
        check(&["MIT", "GPLv2+"], "MIT AND LicenseRef-GPLv2-cccc354afb83");
        check(&["(MIT OR ISC) AND Zlib", "MIT"], "((MIT OR ISC) AND Zlib) AND MIT");
        check(&["LicenseRef-own"], "LicenseRef-own");
    }

    #[test]
    fn names_of_texts_are_told_apart() {
        let names: Vec<String> = ["", "関所", "所関", "a b", "a-b", "+"].iter().map(|text| reference(text)).collect();
        let unique: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        assert!(names.iter().all(|name| name.bytes().all(is_name)), "{names:?}");
    }

    #[test]
    fn parentheses_are_taken_off_in_pairs() {
        assert_eq!(parts("(A OR B) AND (C)"), ["A OR B", "C"]);
        assert_eq!(parts("(A) OR (B)"), ["(A) OR (B)"]);
        assert_eq!(parts("A AND (B AND C"), ["A", "(B AND C"]);
        let deep = "(".repeat(1_000_000);
        assert_eq!(parts(&deep), [deep.as_str()]);
    }
}
