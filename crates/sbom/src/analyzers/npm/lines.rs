//! The lines of lock files that yarn and pnpm write: indented by their level, a key on each, the value behind it.
//!
//! Both write YAML (yarn classic something like it), but of one shape only, and read nothing that people write by hand. By
//! lines a file costs no more memory than itself, however large, and damage costs one package. Values in braces are left as
//! text.

use std::borrow::Cow;

/// A line with a key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::analyzers) struct Line<'a> {
    /// How many lines above it it is below; none where it is indented as none of these.
    pub(in crate::analyzers) level: Option<usize>,
    /// The key, without its quotes.
    pub(in crate::analyzers) key: Cow<'a, str>,
    /// What follows it, as it is written; empty where a block follows.
    raw: &'a str,
    /// Whether the key or the value begins with a quote that nothing closes: the file was cut there.
    pub(in crate::analyzers) is_open: bool,
}

impl<'a> Line<'a> {
    /// Whether a block follows: nothing stands behind the key, or behind the list of keys that yarn classic writes.
    pub(in crate::analyzers) fn is_block(&self) -> bool {
        self.raw.is_empty() || self.raw.ends_with(':')
    }

    /// The value without quotes.
    pub(in crate::analyzers) fn value(&self) -> Cow<'a, str> {
        quoted(self.raw).map_or(Cow::Borrowed(self.raw), |(value, _)| value)
    }
}

/// The levels of lines by their indentation. Tools write two spaces a level; YAML has any number.
#[derive(Default)]
pub(in crate::analyzers) struct Levels(Vec<usize>);

impl Levels {
    /// The level of the next line, and what follows the blanks. None where it is indented less than the line above, and as
    /// none of those that it may be beside, or by a tab. Items of a list are below their key, where they begin as well.
    pub(in crate::analyzers) fn next<'a>(&mut self, line: &'a str) -> (Option<usize>, &'a str) {
        let content = line.trim_start_matches(' ');
        let indentation = 2 * (line.len() - content.len()) + usize::from(content.starts_with("- "));
        let open = self.0.len();
        while self.0.last().is_some_and(|above| *above > indentation) {
            self.0.pop();
        }
        let above = self.0.last().copied().unwrap_or_default();
        let follows = above == indentation || self.0.len() == open;
        if above < indentation && follows {
            self.0.push(indentation);
        }
        ((follows && !content.starts_with('\t')).then_some(self.0.len()), content)
    }
}

/// The lines that are neither blank nor comments. A key that is so long that YAML wants it on a line of its own (`? key`,
/// then `: value`) is one line here.
pub(in crate::analyzers) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().peekable();
    let mut levels = Levels::default();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?.trim_end();
            if line.is_empty() || line.trim_start_matches(' ').starts_with('#') {
                continue;
            }
            let (level, content) = levels.next(line);
            if let Some(key) = content.strip_prefix("? ") {
                let raw = lines.next_if(|next| next.trim_start_matches(' ').starts_with(':')).unwrap_or_default();
                let raw = raw.trim_start_matches(' ').trim_start_matches(':').trim();
                let key = quoted(key).map_or(Cow::Borrowed(key.trim()), |(key, _)| key);
                return Some(Line { level, key, raw, is_open: is_open(raw) });
            }
            let begins_open = is_open(content);
            let (key, raw) = quoted(content).unwrap_or_else(|| {
                let (key, raw) = content.split_at(plain_key(content, level));
                (Cow::Borrowed(key.trim_end()), raw)
            });
            let raw = raw.trim_start();
            let raw = raw.strip_prefix(':').unwrap_or(raw).trim();
            return Some(Line { level, key, raw, is_open: begins_open || is_open(raw) });
        }
    })
}

fn is_open(text: &str) -> bool {
    text.starts_with(['"', '\'']) && quoted(text).is_none()
}

/// Where a key without quotes ends: at a colon with nothing or a space behind it, and below the top, where a key may be a
/// list (`a@^1, b@^1:`), at a space.
fn plain_key(content: &str, level: Option<usize>) -> usize {
    let colon = content.find(": ").or_else(|| content.ends_with(':').then_some(content.len() - 1));
    let end = colon.unwrap_or(content.len());
    let space = content.find(' ').filter(|_| level != Some(0));
    space.map_or(end, |space| space.min(end))
}

/// The text in the quotes that `text` begins with, and what follows them.
pub(in crate::analyzers) fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '"' | '\''))?;
    let body = &text[1..];
    let mut out = String::new();
    let mut taken = 0;
    let mut at = 0;
    loop {
        // In single quotes a quote is doubled, in double quotes a backslash stands before it.
        at += memchr::memchr2(mark as u8, b'\\', &body.as_bytes()[at..])?;
        let (escape, after) = (body.as_bytes()[at], body.as_bytes().get(at + 1));
        match (mark, escape, after) {
            ('"', b'\\', Some(next)) if next.is_ascii() => {
                out.push_str(&body[taken..at]);
                taken = at + 1;
                at += 2;
            }
            ('\'', b'\'', Some(b'\'')) => {
                out.push_str(&body[taken..=at]);
                taken = at + 2;
                at += 2;
            }
            (_, b'\\', _) => at += 1,
            _ => break,
        }
    }
    let rest = &body[at + 1..];
    if taken == 0 {
        return Some((Cow::Borrowed(&body[..at]), rest));
    }
    out.push_str(&body[taken..at]);
    Some((Cow::Owned(out), rest))
}

/// Name and range of a descriptor: `@scope/name@^1.0.0`. The range is empty where there is none.
pub(in crate::analyzers) fn descriptor(text: &str) -> (&str, &str) {
    let start = usize::from(text.starts_with('@'));
    match text.get(start..).and_then(|rest| rest.find('@')) {
        Some(at) => (&text[..start + at], &text[start + at + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Option<usize>, String, String)> {
        lines(text).map(|line| (line.level, line.key.to_string(), line.value().to_string())).collect()
    }

    #[test]
    fn lines_have_keys_and_values_in_both_styles() {
        let check = |text, level, key: &str, value: &str| {
            assert_eq!(all(text), [(level, key.to_owned(), value.to_owned())], "{text}");
        };
        check("a@^1, b@^2:", Some(0), "a@^1, b@^2", "");
        check("\"@a/b@npm:^1, @a/b@npm:^2\":", Some(0), "@a/b@npm:^1, @a/b@npm:^2", "");
        check("  version \"1.0.0\"", Some(1), "version", "1.0.0");
        check("  version: 1.0.0\r", Some(1), "version", "1.0.0");
        check("  version : 1.0.0", Some(1), "version", "1.0.0");
        check("    \"@a/b\" \"^1 || ^2\"", Some(1), "@a/b", "^1 || ^2");
        check("      '@a/b': 1.0.0(c@2)", Some(1), "@a/b", "1.0.0(c@2)");
        check("\ta: x", None, "\ta", "x");
        check("packages :", Some(0), "packages", "");
        check("packages:\t", Some(0), "packages", "");
        check("  /a/1.0.0:", Some(1), "/a/1.0.0", "");
        check("  a@https://example.org/x:", Some(1), "a@https://example.org/x", "");
        check("  a@1.0.0: {}", Some(1), "a@1.0.0", "{}");
        check("  'it''s': \"a\\\"b\\\\\"", Some(1), "it's", "a\"b\\");
        check("? \"a@1, a@2\"\n:", Some(0), "a@1, a@2", "");
        check("  ? a@1\n  : {}", Some(1), "a@1", "{}");
        check("# comment\n\n   \nx", Some(0), "x", "");
        check("\u{feff}x:", Some(0), "x", "");
        check("'open", Some(0), "'open", "");
    }

    #[test]
    fn levels_follow_any_indentation() {
        let levels = |text: &str| -> Vec<Option<usize>> {
            let mut levels = Levels::default();
            text.lines().map(|line| levels.next(line).0).collect()
        };
        for blanks in [1, 2, 3, 4, 8] {
            let text = "a:\n_b:\n__c:\n__c:\n___d:\n_b:\n__c:\na:\n".replace('_', &" ".repeat(blanks));
            assert_eq!(levels(&text), [0, 1, 2, 2, 3, 1, 2, 0].map(Some), "{text}");
        }
        assert_eq!(levels("a:\n   b:\n    c:\n     d:\n   b:\n"), [0, 1, 2, 3, 1].map(Some));
        assert_eq!(levels("a:\n- b\n- c:\n  - d\na:\n  - b:\n    - c\n"), [0, 1, 1, 2, 0, 1, 2].map(Some));
        assert_eq!(levels("a:\n    b:\n  c:\nd:\n"), [Some(0), Some(1), None, Some(0)]);
    }

    #[test]
    fn descriptors_are_cut_behind_the_scope() {
        assert_eq!(descriptor("a@^1"), ("a", "^1"));
        assert_eq!(descriptor("@a/b@npm:@c/d@1"), ("@a/b", "npm:@c/d@1"));
        assert_eq!(descriptor("@a/b"), ("@a/b", ""));
        assert_eq!(descriptor("@"), ("@", ""));
        assert_eq!(descriptor(""), ("", ""));
        assert_eq!(descriptor("é@1"), ("é", "1"));
    }
}
