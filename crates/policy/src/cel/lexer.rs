//! Expressions as tokens (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>).

use super::Mistake;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name; a reserved word is refused where it would be a variable.
    Name(String),
    /// A name in backticks, which only a field can have.
    Quoted(String),
    Int(u64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// An operator or bracket.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "[", "]", "{", "}", "(", ")", ".", ",", ":", "?", "+", "-", "*", "/", "%", "!",
    "<", ">", "=",
];

/// The tokens of `text`, each with the byte where it begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Mistake> {
    let mut found = Vec::new();
    let mut lexer = Lexer { text, at: 0 };
    loop {
        lexer.skip();
        let at = lexer.at;
        let token = lexer.next()?;
        let end = token == Token::End;
        found.push((at, token));
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let bare = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
            self.at += rest.len() - bare.len();
            if !bare.starts_with("//") {
                return;
            }
            self.at += bare.find('\n').unwrap_or(bare.len());
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| wanted(*byte)).count();
        self.at += length;
        &rest[..length]
    }

    fn next(&mut self) -> Result<Token, Mistake> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let Some(first) = bytes.first() else { return Ok(Token::End) };
        if let Some(literal) = self.text_literal()? {
            return Ok(literal);
        }
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Ok(Token::Name(name.to_owned()))
            }
            b'`' => {
                let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/ ".contains(&byte);
                let length = bytes[1..].iter().take_while(|byte| is_part(**byte)).count();
                if length == 0 || bytes.get(length + 1) != Some(&b'`') {
                    return Err(Mistake::new(self.at, "has a name in backticks that is none"));
                }
                self.at += length + 2;
                Ok(Token::Quoted(rest[1..=length].to_owned()))
            }
            b'0'..=b'9' => self.number(),
            b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => self.number(),
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.filter(|sign| *sign != "=").ok_or_else(|| {
                    let first = rest.chars().next().unwrap_or_default();
                    Mistake::new(self.at, format!("has {first:?}, which means nothing here"))
                })?;
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
        }
    }

    fn number(&mut self) -> Result<Token, Mistake> {
        let start = self.at;
        let wrong = |what: &str| Mistake::new(start, format!("has a number that is {what}"));
        let rest = self.rest();
        if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            let number = u64::from_str_radix(&digits[..length], 16).map_err(|_| wrong("too large"))?;
            self.at += 2 + length;
            return Ok(self.maybe_unsigned(number));
        }
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        let mut is_double = false;
        let follows = |lexer: &Self, place: usize| lexer.rest().as_bytes().get(place).is_some_and(u8::is_ascii_digit);
        if self.rest().starts_with('.') && follows(self, 1) {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
            is_double = true;
        }
        if self.rest().starts_with(['e', 'E']) {
            let sign = usize::from(self.rest()[1..].starts_with(['+', '-']));
            if follows(self, 1 + sign) {
                self.at += 1 + sign;
                self.take_while(|byte| byte.is_ascii_digit());
                is_double = true;
            }
        }
        if is_double {
            let number: f64 = self.text[start..self.at].parse().map_err(|_| wrong("none"))?;
            return if number.is_finite() { Ok(Token::Double(number)) } else { Err(wrong("too large")) };
        }
        let number = whole.parse().map_err(|_| wrong("too large"))?;
        Ok(self.maybe_unsigned(number))
    }

    fn maybe_unsigned(&mut self, number: u64) -> Token {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
            return Token::Uint(number);
        }
        Token::Int(number)
    }

    /// A text or bytes, with what stands before the quotes.
    fn text_literal(&mut self) -> Result<Option<Token>, Mistake> {
        let rest = self.rest();
        let prefix = rest.bytes().take_while(|byte| b"rRbB".contains(byte)).count();
        let marks = rest[..prefix.min(2)].to_ascii_lowercase();
        if prefix > 2 || !matches!(&*marks, "" | "r" | "b" | "rb" | "br") || !rest[prefix..].starts_with(['"', '\'']) {
            return Ok(None);
        }
        let (raw, bytes) = (marks.contains('r'), marks.contains('b'));
        let start = self.at;
        let body = &rest[prefix..];
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote)).unwrap_or("'");
        self.at += prefix + quote.len();
        let mut out = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            let Some(char) = rest.chars().next() else { return Err(Mistake::new(start, "has a text without an end")) };
            match char {
                '\n' | '\r' if quote.len() == 1 => return Err(Mistake::new(start, "has a text without an end")),
                '\\' if raw => {
                    out.push(b'\\');
                    self.at += 1;
                    // What follows is not the end, whatever it is.
                    if let Some(next) = self.rest().chars().next() {
                        out.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                        self.at += next.len_utf8();
                    }
                }
                '\\' => self.escape(bytes, &mut out)?,
                _ => {
                    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += char.len_utf8();
                }
            }
        }
        if bytes {
            return Ok(Some(Token::Bytes(out)));
        }
        String::from_utf8(out)
            .map(|text| Some(Token::Text(text)))
            .map_err(|_| Mistake::new(start, "has a text that is none"))
    }

    /// `\n`, `\x41`, `\u0041`, `\U00000041`, `\101`: characters in texts, in bytes the shorter ones are bytes.
    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Result<(), Mistake> {
        let start = self.at;
        let wrong = || Mistake::new(start, "has an escape that is none");
        self.at += 1;
        let kind = self.rest().chars().next().ok_or_else(wrong)?;
        let simple = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            '\\' | '?' | '"' | '\'' | '`' => Some(kind as u8),
            _ => None,
        };
        if let Some(byte) = simple {
            out.push(byte);
            self.at += 1;
            return Ok(());
        }
        let (skip, length, radix) = match kind {
            'x' | 'X' => (1, 2, 16),
            'u' if !bytes => (1, 4, 16),
            'U' if !bytes => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => return Err(wrong()),
        };
        let digits = self.rest().get(skip..skip + length).ok_or_else(wrong)?;
        if !digits.chars().all(|digit| digit.is_digit(radix)) {
            return Err(wrong());
        }
        let code = u32::from_str_radix(digits, radix).map_err(|_| wrong())?;
        self.at += skip + length;
        if bytes {
            out.push(u8::try_from(code).map_err(|_| wrong())?);
        } else {
            let char = char::from_u32(code).ok_or_else(wrong)?;
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}
