//! Patterns as `fnmatch(3)` has them without flags: `*` and `?` match slashes too, `[a-z]` and `[!a-z]` one byte, and a
//! backslash takes what follows as it is.

/// Whether a whole text matches. At most as many steps as both are long multiplied.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and the text that it may take one byte more of.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(_) => one(&pattern[p..], text[t]),
            None => None,
        };
        match (step, star) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((behind, from))) => {
                star = Some((behind, from + 1));
                p = behind;
                t = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The length of what matches one byte at the beginning of a pattern.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => match class(rest, byte) {
            Some((matches, length)) => matches.then_some(length + 1),
            // A bracket that is not closed is a bracket.
            None => (byte == b'[').then_some(1),
        },
        [plain, ..] => (*plain == byte).then_some(1),
        [] => None,
    }
}

/// What follows an opening bracket: whether it has the byte, and its length with the closing one.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let not = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(not);
    let first = at;
    let mut found = false;
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((found != not, at + 1));
        }
        if low == b'\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        match pattern.get(at..at + 2) {
            Some([b'-', high]) if *high != b']' => {
                found |= (low..=*high).contains(&byte);
                at += 2;
            }
            _ => found |= low == byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn as_fnmatch_does() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expect, "{pattern} {text}");
        };
        for (pattern, text) in [
            ("/home/*/.ssh/*", "/home/a/b/.ssh/id"),
            ("*", ""),
            ("**a", "a"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]x]", "]"),
            ("\\*", "*"),
            ("[\\]]", "]"),
            ("[a", "[a"),
            ("a-[0-9]*z", "a-1qqz"),
            ("[-x]", "-"),
        ] {
            check(pattern, text, true);
        }
        for (pattern, text) in
            [("", "a"), ("a?c", "ac"), ("[a-c]x", "dx"), ("[!a-c]x", "ax"), ("\\*", "x"), ("*.sh", "a.shx"), ("?", "")]
        {
            check(pattern, text, false);
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(4096).as_bytes()));
    }
}
