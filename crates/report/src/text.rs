//! Text from strangers, made safe to print, and numbers for people.

/// `text` with every control character written as an escape, so that a package name cannot move the
/// cursor, colour a terminal or end a line. Bidirectional overrides, which reorder what is read, are
/// escaped too.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() || is_unseen(char) {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    out
}

/// Characters that reorder, break or pad a line without being seen: bidirectional marks, separators,
/// fillers, joiners, tags and the byte order mark.
fn is_unseen(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A size in bytes with three digits: `812 B`, `1.50 MB`, decimal as registries show it.
pub fn bytes_for_people(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ if value < 9.995 => format!("{value:.2} {unit}"),
        _ if value < 99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{200b}b\u{2028}c\u{e0041}"), "a\\u{200b}b\\u{2028}c\\u{e0041}");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d é 関"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}d é 関");
    }

    #[test]
    fn sizes_have_three_digits() {
        let check = |bytes, expect: &str| assert_eq!(bytes_for_people(bytes), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.00 kB");
        check(12_345, "12.3 kB");
        check(999_600, "1.00 MB");
        check(822_000_000, "822 MB");
        check(u64::MAX, "18446744 TB");
    }
}
