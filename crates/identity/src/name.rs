//! Names: which there can be, and when two are the same.

use crate::error::IdentityError;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Bytes of a user's name; more than any address of mail has.
const MOST_BYTES: usize = 256;

/// A name in the form in which names are compared: without differences of case, width, and between characters that are another
/// form of the same (NFKC, upper case, lower case, until nothing changes). Letters of different scripts that look alike stay
/// different.
pub fn fold(text: &str) -> String {
    let mut folded = text.to_owned();
    for _ in 0..4 {
        let next: String = folded.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

/// A user's name as it is shown and as it is compared. It begins with a letter or a digit of any script; marks on letters and
/// `.`, `_`, `-`, `@`, `+` may follow. So there is nothing in it that cannot be seen.
pub(crate) fn user_name(text: &str) -> Result<(String, String), IdentityError> {
    let invalid = |reason: &str| IdentityError::Invalid { what: "a user's name", reason: reason.to_owned() };
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    if text.len() > MOST_BYTES {
        return Err(invalid("it is longer than 256 bytes"));
    }
    let seen = |letter: char| letter.is_alphanumeric() && !is_unseen(letter);
    let follows = |letter: char| seen(letter) || ".-_@+".contains(letter) || is_combining_mark(letter);
    if !text.starts_with(seen) {
        return Err(invalid("it begins with something else than a letter or digit"));
    }
    if !text.chars().all(|letter| follows(letter) && !is_unseen(letter)) {
        return Err(invalid("it has characters other than letters, digits and . _ - @ +"));
    }
    Ok((text.nfc().collect(), fold(text)))
}

/// Letters and marks that are not shown (`Default_Ignorable_Code_Point` of Unicode, as far as it has such).
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

/// A role's name, as those of Kubernetes are: it stands in JSON and in addresses as it is.
pub(crate) fn role_name(text: &str) -> Result<(), IdentityError> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.len() <= 63 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_inner) {
        return Ok(());
    }
    let reason = "it is not up to 63 of a-z, 0-9 and -, the first a letter".to_owned();
    Err(IdentityError::Invalid { what: "a role's name", reason })
}

/// What a token is for: some words on one line.
pub(crate) fn token_name(text: &str) -> Result<String, IdentityError> {
    let shown = text.trim();
    if shown.is_empty() || shown.len() > MOST_BYTES || shown.contains(char::is_control) {
        let reason = "it is empty, longer than 256 bytes, or more than one line of text".to_owned();
        return Err(IdentityError::Invalid { what: "a token's name", reason });
    }
    Ok(shown.to_owned())
}

/// The beginning of what somebody else says, on one line.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_the_same_whatever_their_form() {
        for (one, other) in [
            ("Alice", "aLICE"),
            ("ａｌｉｃｅ", "alice"),
            ("STRASSE", "straße"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("e\u{301}", "É"),
            ("ｶﾞ", "ガ"),
            ("ﬁn", "FIN"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("alice"), fold("аlice"), "the second begins with a Cyrillic letter");
    }

    #[test]
    fn names_are_what_can_be_seen() {
        for good in ["a", "7", "admin@example.org", "山田.太郎", "zoë", "e\u{301}a", "क्ष", "x+y_z-1"] {
            assert!(user_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(257);
        let bad = [
            "",
            " a",
            "a b",
            "a\0",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}",
            "a\u{3164}",
            "\u{301}a",
            ".a",
            "a/b",
            "a\"",
            "a\u{fe0f}",
            &long,
        ];
        for bad in bad {
            assert!(user_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(user_name("Ze\u{301}").unwrap(), ("Z\u{e9}".to_owned(), "z\u{e9}".to_owned()));
    }

    #[test]
    fn names_of_roles_are_plain() {
        for (name, good) in
            [("team-a", true), ("a", true), ("1a", false), ("", false), ("A", false), ("a\"", false), ("a%", false)]
        {
            assert_eq!(role_name(name).is_ok(), good, "{name}");
        }
        assert!(role_name(&"a".repeat(63)).is_ok() && role_name(&"a".repeat(64)).is_err());
        assert!(token_name("  CI of 日本 ").is_ok_and(|name| name == "CI of 日本"));
        assert!(token_name("a\0").is_err() && token_name("  ").is_err() && token_name(&"a".repeat(1 << 20)).is_err());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn case_makes_no_other_name(text in "[\\p{L}\\p{N}]{1,12}") {
            let upper: String = text.chars().flat_map(char::to_uppercase).collect();
            prop_assert_eq!(fold(&upper), fold(&text));
        }
    }
}
