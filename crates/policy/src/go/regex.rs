//! Regular expressions as Go reads them (<https://github.com/google/re2/wiki/Syntax>), run in linear time.
//!
//! The crate reads nearly the same language. What both read but mean differently is written anew here (classes that Go
//! keeps to ASCII, brackets within brackets, what is a letter only there), and what only the crate reads is refused, so
//! that nothing matches otherwise than on a server.

use regex::{Regex, RegexBuilder};
use std::fmt::Write;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    /// As it was written.
    pub(crate) text: String,
}

/// Bytes of a compiled expression.
const SIZE: usize = 1 << 20;

/// How often a part may be repeated at most.
const REPEATS: u32 = 1000;

impl Pattern {
    /// Fails with what is wrong with the expression.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let translated = translate(text)?;
        let regex = RegexBuilder::new(&translated).size_limit(SIZE).dfa_size_limit(SIZE).nest_limit(200).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "is too large".to_owned(),
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })?;
        Ok(Self { regex, text: text.to_owned() })
    }
}

/// The same expression as the crate reads it, or what is wrong with it.
pub(crate) fn translate(text: &str) -> Result<String, String> {
    Reader { text, at: 0, out: String::with_capacity(text.len() + 8) }.read()
}

/// Why an expression is not read that is right all the same.
const ELSEWHERE: &str = "which is not the same";
/// Why the crate refuses what Go refuses as well, in its words. It refuses other things that Go takes.
const REFUSED: [&str; 6] = [
    "unclosed group",
    "unopened group",
    "unclosed character class",
    "invalid character class range",
    "invalid repetition count range",
    "repetition operator missing expression",
];

/// Whether a server takes the expression; none where that cannot be told.
pub(crate) fn is_valid(text: &str) -> Option<bool> {
    let translated = match translate(text) {
        Ok(translated) => translated,
        Err(why) => return (!why.contains(ELSEWHERE)).then_some(false),
    };
    match RegexBuilder::new(&translated).size_limit(1 << 20).nest_limit(100).build() {
        Ok(_) => Some(true),
        Err(regex::Error::Syntax(why)) if REFUSED.iter().any(|refused| why.contains(refused)) => Some(false),
        Err(_) => None,
    }
}

/// Classes of ASCII with names.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

struct Reader<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_it = self.rest().starts_with(text);
        if is_it {
            self.at += text.len();
        }
        is_it
    }

    fn literal(&mut self, char: char) {
        self.out.push_str(&regex::escape(char.encode_utf8(&mut [0; 4])));
    }

    fn read(mut self) -> Result<String, String> {
        // Whether a repetition may stand here, and whether one stands just before.
        let (mut repeatable, mut repeated) = (false, false);
        // How often at most what stands before is there, and what is in the groups that are open.
        let (mut times, mut around) = (1_u32, Vec::<u32>::new());
        while let Some(char) = self.next() {
            let mut is_repetition = false;
            match char {
                '\\' => {
                    self.escape(false)?;
                    times = 1;
                }
                '[' => {
                    self.class()?;
                    times = 1;
                }
                '(' => {
                    self.group()?;
                    // Flags alone open nothing.
                    if !self.out.ends_with(')') {
                        around.push(1);
                    }
                    times = 1;
                }
                '*' | '+' | '?' => {
                    self.out.push(char);
                    is_repetition = true;
                }
                '{' => {
                    if let Some((text, count)) = self.counted() {
                        self.out.push_str(&text);
                        is_repetition = true;
                        times = if count == Some(0) { 1 } else { times.saturating_mul(count.unwrap_or(1).max(1)) };
                        // Repetitions in each other count together.
                        if times > REPEATS && count.is_some_and(|count| count > 1) {
                            return Err("invalid repeat count".to_owned());
                        }
                    } else {
                        // It stands for itself.
                        self.literal('{');
                        times = 1;
                    }
                }
                ')' => {
                    self.out.push(char);
                    times = around.pop().unwrap_or(1);
                }
                '^' | '$' | '.' | '|' => {
                    self.out.push(char);
                    times = 1;
                }
                other => {
                    self.literal(other);
                    times = 1;
                }
            }
            if let Some(most) = around.last_mut() {
                *most = times.max(*most);
            }
            if is_repetition {
                if !repeatable {
                    return Err(format!("missing argument to repetition operator: `{char}`"));
                }
                if repeated {
                    return Err(format!("invalid nested repetition operator: `{char}`"));
                }
                if self.eat("?") {
                    self.out.push('?');
                }
            }
            repeated = is_repetition;
            repeatable = char != '|' && (char != '(' || self.out.ends_with(')'));
        }
        Ok(self.out)
    }

    /// The repetition after `{`, and how often that is at most; none where that is none.
    fn counted(&mut self) -> Option<(String, Option<u32>)> {
        let end = self.rest().find('}')?;
        let inner = self.rest()[..end].to_owned();
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let (least, most) = match inner.split_once(',') {
            None => (number(&inner)?, None),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        self.at += end + 1;
        let most_repeats = most.unwrap_or(least).max(least);
        if most_repeats > REPEATS || most.is_some_and(|most| most < least) {
            // The crate refuses what stands between these brackets.
            return Some(("{2,1}".to_owned(), None));
        }
        Some((format!("{{{inner}}}"), Some(most.unwrap_or(least))))
    }

    /// What follows `(`.
    fn group(&mut self) -> Result<(), String> {
        if !self.eat("?") {
            self.out.push('(');
            return Ok(());
        }
        let named = self.rest().starts_with("P<") || self.rest().starts_with('<');
        if named {
            let end = self.rest().find('>').ok_or("invalid named capture")?;
            let name = self.rest()[..end].trim_start_matches('P').trim_start_matches('<').to_owned();
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err("invalid named capture".to_owned());
            }
            self.at += end + 1;
            // The crate takes no name that begins with a digit, which nothing but a replacement could use.
            if name.starts_with(|first: char| first.is_ascii_digit()) {
                self.out.push('(');
            } else {
                self.out.extend(["(?P<", &name, ">"]);
            }
            return Ok(());
        }
        let length = self.rest().bytes().take_while(|byte| b"imsU-".contains(byte)).count();
        let flags = self.rest()[..length].to_owned();
        self.at += length;
        match self.next() {
            Some(end @ (':' | ')')) => {
                let _ = write!(self.out, "(?{flags}{end}");
                Ok(())
            }
            _ => Err("invalid or unsupported Perl syntax".to_owned()),
        }
    }

    /// What follows `\`, in brackets or not. Whether it is one character.
    fn escape(&mut self, in_class: bool) -> Result<bool, String> {
        let char = self.next().ok_or("trailing backslash at end of expression")?;
        let class = |inner: &str, negated: bool| match (in_class, negated) {
            (true, false) => inner.to_owned(),
            (_, true) => format!("[^{inner}]"),
            (false, false) => format!("[{inner}]"),
        };
        let text = match char {
            'd' => class("0-9", false),
            'D' => class("0-9", true),
            's' => class("\\t\\n\\f\\r ", false),
            'S' => class("\\t\\n\\f\\r ", true),
            'w' => class("0-9A-Za-z_", false),
            'W' => class("0-9A-Za-z_", true),
            'b' if !in_class => "(?-u:\\b)".to_owned(),
            'B' if !in_class => return Err(format!("\\B, {ELSEWHERE} on a server")),
            'A' if !in_class => "\\A".to_owned(),
            'z' if !in_class => "\\z".to_owned(),
            'Q' if !in_class => {
                while !self.rest().is_empty() && !self.eat("\\E") {
                    if let Some(char) = self.next() {
                        self.literal(char);
                    }
                }
                return Ok(false);
            }
            'a' | 'f' | 't' | 'n' | 'r' | 'v' => {
                let _ = write!(self.out, "\\{char}");
                return Ok(true);
            }
            'x' => {
                let char = self.hexadecimal().ok_or("invalid escape sequence")?;
                self.character(char);
                return Ok(true);
            }
            '0'..='7' => {
                let first = self.at - 1;
                let digits = self.text[first..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                if char != '0' && digits == 1 {
                    return Err("invalid escape sequence".to_owned());
                }
                let code = u32::from_str_radix(&self.text[first..first + digits], 8).ok();
                self.at = first + digits;
                self.character(code.and_then(char::from_u32).ok_or("invalid escape sequence")?);
                return Ok(true);
            }
            'p' | 'P' => return self.property(char).map(|()| false),
            other if !other.is_ascii_alphanumeric() && other.is_ascii() => {
                self.literal(other);
                return Ok(true);
            }
            _ => return Err(format!("invalid escape sequence: `\\{char}`")),
        };
        self.out.push_str(&text);
        Ok(false)
    }

    fn character(&mut self, char: char) {
        let _ = write!(self.out, "\\x{{{:X}}}", u32::from(char));
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let digits = if self.eat("{") {
            let end = self.rest().find('}')?;
            let digits = self.rest()[..end].to_owned();
            self.at += end + 1;
            digits
        } else {
            let digits = self.rest().get(..2)?.to_owned();
            self.at += 2;
            digits
        };
        let is_number = !digits.is_empty() && digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_number.then(|| u32::from_str_radix(&digits, 16).ok()).flatten().and_then(char::from_u32)
    }

    /// A category or script of Unicode.
    fn property(&mut self, kind: char) -> Result<(), String> {
        let name = if self.eat("{") {
            let end = self.rest().find('}').ok_or("invalid character class range")?;
            let name = self.rest()[..end].to_owned();
            self.at += end + 1;
            name
        } else {
            self.next().map(String::from).unwrap_or_default()
        };
        let bare = name.strip_prefix('^').unwrap_or(&name);
        if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            return Err("invalid character class range".to_owned());
        }
        // Older servers leave out what is not assigned.
        if ["C", "Other"].contains(&bare) {
            return Err(format!("the class {bare}, {ELSEWHERE} on every server"));
        }
        // What the crate has besides categories and scripts.
        let is_space = bare.chars().filter(|char| *char != '_').collect::<String>();
        if ["whitespace", "space", "wspace"].contains(&is_space.to_ascii_lowercase().as_str()) {
            return Err("invalid character class range".to_owned());
        }
        let negated = (kind == 'P') != name.starts_with('^');
        let _ = write!(self.out, "\\{}{{{bare}}}", if negated { 'P' } else { 'p' });
        Ok(())
    }

    /// What follows `[`.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.eat("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return Err("missing closing ]".to_owned());
            }
            if rest.starts_with(']') && !first {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if let Some(inner) = rest.strip_prefix("[:")
                && let Some(end) = inner.find(":]")
            {
                let name = &inner[..end];
                if !CLASSES.contains(&name.trim_start_matches('^')) {
                    return Err("invalid character class range".to_owned());
                }
                let text = format!("[:{name}:]");
                self.at += end + 4;
                self.out.push_str(&text);
                continue;
            }
            let is_character = self.class_part()?;
            // A range, unless the line is the last.
            let rest = self.rest();
            if rest.starts_with('-') && !rest.starts_with("-]") {
                if !is_character {
                    return Err("invalid character class range".to_owned());
                }
                self.at += 1;
                self.out.push('-');
                if !self.class_part()? {
                    return Err("invalid character class range".to_owned());
                }
            }
        }
    }

    /// One character of a class, or what stands for several. Whether it is one.
    fn class_part(&mut self) -> Result<bool, String> {
        match self.next() {
            None => Err("missing closing ]".to_owned()),
            Some('\\') => self.escape(true),
            Some(char) => {
                self.literal(char);
                Ok(true)
            }
        }
    }
}
