//! Texts as tokens.

use super::Wrong;
use sekisho_base::tree::Place;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Number(String),
    Text(String),
    Sign(&'static str),
    End,
}

/// A token, and what is before it.
#[derive(Debug, Clone)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) place: Place,
    /// Whether the line ends between the one before and this.
    pub(super) on_new_line: bool,
    /// Whether it follows the one before without a gap.
    pub(super) is_adjacent: bool,
}

/// The longer ones first.
const SIGNS: &[&str] = &[
    ":=", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "&", "|", "(", ")", "[", "]", "{", "}", ",",
    ";", ":", ".",
];

/// The tokens of `text`, the last of which is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, Wrong> {
    let mut found = Vec::new();
    let mut cursor = Cursor { rest: text, place: Place { line: 1, column: 1 } };
    loop {
        let line = cursor.place.line;
        let before = cursor.rest.len();
        cursor.skip_gap();
        let place = cursor.place;
        let is_adjacent = cursor.rest.len() == before;
        let token = cursor.token()?;
        let is_end = token == Token::End;
        found.push(Lexeme { token, place, on_new_line: place.line != line, is_adjacent });
        if is_end {
            return Ok(found);
        }
    }
}

struct Cursor<'t> {
    rest: &'t str,
    place: Place,
}

impl<'t> Cursor<'t> {
    /// Goes on by `length` bytes.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        for character in taken.chars() {
            if character == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn skip_gap(&mut self) {
        loop {
            let spaces = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.take(spaces);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn token(&mut self) -> Result<Token, Wrong> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let Some(first) = self.rest.bytes().next() else { return Ok(Token::End) };
        match first {
            b'"' => self.text(),
            b'`' => self.raw_text(),
            b'0'..=b'9' => self.number(),
            b'$' if self.rest[1..].starts_with(['"', '`']) => Err(self.wrong("template strings are not supported")),
            _ if is_name(first) => {
                let length = self.rest.bytes().take_while(|byte| is_name(*byte)).count();
                Ok(Token::Name(self.take(length).to_owned()))
            }
            _ => {
                let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
                    let character = self.rest.chars().next().unwrap_or_default();
                    return Err(self.wrong(format!("{character:?} is nothing in Rego")));
                };
                self.take(sign.len());
                Ok(Token::Sign(sign))
            }
        }
    }

    /// A text in quotes, with the escapes of JSON.
    fn text(&mut self) -> Result<Token, Wrong> {
        let mut escaped = false;
        let end = self.rest.bytes().enumerate().skip(1).find(|(_, byte)| {
            let is_end = !escaped && matches!(byte, b'"' | b'\n');
            escaped = !escaped && *byte == b'\\';
            is_end
        });
        let Some((end, b'"')) = end else { return Err(self.wrong("a text does not end on its line")) };
        let value = serde_json::from_str(&self.rest[..=end]);
        let value = value.map_err(|_| self.wrong("a text has an escape or a character that none may have"))?;
        self.take(end + 1);
        Ok(Token::Text(value))
    }

    fn raw_text(&mut self) -> Result<Token, Wrong> {
        let Some(length) = self.rest[1..].find('`') else { return Err(self.wrong("a raw text does not end")) };
        // Go leaves carriage returns out, and so does OPA.
        let value = self.rest[1..=length].replace('\r', "");
        self.take(length + 2);
        Ok(Token::Text(value))
    }

    fn number(&mut self) -> Result<Token, Wrong> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        let leading_zero = end > 1 && bytes[0] == b'0';
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if digits(end + 1 + sign) > 0 {
                end += 1 + sign + digits(end + 1 + sign);
            }
        }
        let runs_on = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if runs_on || leading_zero {
            return Err(self.wrong("a number is not written as in JSON"));
        }
        Ok(Token::Number(self.take(end).to_owned()))
    }

    fn wrong(&self, reason: impl Into<String>) -> Wrong {
        Wrong::new(self.place, reason)
    }
}
