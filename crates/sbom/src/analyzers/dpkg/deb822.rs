//! Splits deb822(5) text into fields and paragraph ends. What the fields mean is up to the readers.
//!
//! Nothing is collected or copied, so a hostile file costs no more than its own bytes, and damage in
//! one line is told apart from the fields around it.

use memchr::memchr;

/// A piece of deb822 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A field with its continuation lines.
    Field(Field<'a>),
    /// A blank line. Several may follow each other, and none stands at the end of the text.
    End,
    /// A line that is none of field, continuation, comment or blank.
    Stray,
}

/// A field of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    /// Whether the field has this name; upper and lower case are the same.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The first line of the value: all of it for fields that may not be folded.
    pub(super) fn first_line(&self) -> &'a str {
        self.value.lines().next().unwrap_or_default().trim()
    }

    /// The first line of the value, unless it is blank.
    pub(super) fn text(&self) -> Option<String> {
        Some(self.first_line()).filter(|line| !line.is_empty()).map(str::to_owned)
    }

    /// The continuation lines.
    pub(super) fn continuation(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value.lines().skip(1).map(str::trim)
    }
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { rest: text.strip_prefix('\u{feff}').unwrap_or(text) }
}

/// See [`tokens`].
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let text = self.rest;
            let line = first_line(text);
            if line.is_empty() {
                return None;
            }
            self.rest = text.get(line.len()..).unwrap_or_default();
            if line.trim_ascii().is_empty() {
                return Some(Token::End);
            }
            if line.starts_with('#') {
                continue;
            }
            let Some(colon) = line.find(':') else { return Some(Token::Stray) };
            let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Some(Token::Stray);
            }
            let mut end = line.len();
            while let Some(more) = continuation(self.rest) {
                end += more.len();
                self.rest = text.get(end..).unwrap_or_default();
            }
            return Some(Token::Field(Field { name, value: text.get(colon + 1..end).unwrap_or_default() }));
        }
    }
}

/// The first line of `text` with its line end; empty at the end of the text.
fn first_line(text: &str) -> &str {
    memchr(b'\n', text.as_bytes()).and_then(|at| text.get(..=at)).unwrap_or(text)
}

/// The first line of `text` where it continues a field. A line of nothing but blanks does not: it
/// ends the paragraph, for taking it as a continuation would run two paragraphs into one.
fn continuation(text: &str) -> Option<&str> {
    let line = text.starts_with([' ', '\t']).then(|| first_line(text))?;
    (!line.trim_ascii().is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let got: Vec<String> = tokens(text)
            .map(|token| match token {
                Token::Field(field) => format!("{}={:?}", field.name, field.value.trim()),
                Token::End => "end".to_owned(),
                Token::Stray => "stray".to_owned(),
            })
            .collect();
        assert_eq!(got, expect, "{text:?}");
    }

    #[test]
    fn fields_fold_and_blank_lines_end_paragraphs() {
        check("", &[]);
        check("\u{feff}A: 1\nB:2", &["A=\"1\"", "B=\"2\""]);
        check("A: 1\n  more\n\t.\nB: 2\n", &["A=\"1\\n  more\\n\\t.\"", "B=\"2\""]);
        check("A: 1\r\n b\r\n\r\nA: 2\r\n", &["A=\"1\\r\\n b\"", "end", "A=\"2\""]);
        check("A: 1\n \t \nA: 2\n\n\n", &["A=\"1\"", "end", "A=\"2\"", "end", "end"]);
        check("# said: nothing\nA : x:y\n", &["A=\"x:y\""]);
    }

    #[test]
    fn damage_stays_in_its_line() {
        check("junk\nA: 1\n: no name\nB b: 2\n\0\0\nC: 3", &["stray", "A=\"1\"", "stray", "stray", "stray", "C=\"3\""]);
        check(" folded under nothing\nA: 1", &["stray", "A=\"1\""]);
        check(" with: colon\n", &["stray"]);
    }
}
