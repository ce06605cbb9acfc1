//! The one grammar in which parts of lists are asked for: `severity >= high and not (name : test or os in (debian-12, debian-13))`.
//!
//! ```text
//! filter     = and { "or" and }
//! and        = term { "and" term }
//! term       = "not" term | "(" filter ")" | comparison
//! comparison = field operator value | field "in" "(" value { "," value } ")"
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
//! value      = word | '"' text with \" and \\ '"'
//! ```
//!
//! `:` asks for a part of a text, whatever the case of ASCII letters. Which fields there are is said by each list's table.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sekisho_model::Severity;
use std::fmt;

/// Bytes of a filter at most.
pub const MOST_BYTES: usize = 4096;
/// Comparisons at most.
const MOST: usize = 100;
/// Brackets and negations within each other at most.
const DEPTH: usize = 16;

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, compared byte by byte.
    Text,
    /// A number that is not negative.
    Count,
    /// `true` or `false`.
    Flag,
    /// A level of severity, the worst the greatest.
    Severity,
    /// A share from 0 to 1, kept in millionths.
    Share,
    /// A moment: RFC 3339, or a date, which is its first moment in UTC.
    Time,
}

/// A field that a list can be filtered by.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it is, for documentation.
    pub about: &'static str,
}

/// What a value is compared as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A text.
    Text(String),
    /// Everything else: 0 and 1 for flags, the place of a severity, millionths, microseconds since 1970.
    Number(i64),
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `:`
    Contains,
}

/// Which entries of a list are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Those that all of these hold for.
    All(Vec<Filter>),
    /// Those that one of these holds for.
    Any(Vec<Filter>),
    /// Those that this does not hold for.
    Not(Box<Filter>),
    /// Those with such a value.
    Is {
        /// The field, by its place in the list's table.
        field: usize,
        /// How it is compared.
        operator: Operator,
        /// With what.
        value: Value,
    },
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {reason}")]
pub struct FilterError {
    /// How many bytes are before it.
    pub at: usize,
    /// What is wrong.
    pub reason: String,
}

impl Filter {
    /// The filter that a text says about a list with these fields.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self, FilterError> {
        if text.len() > MOST_BYTES {
            return Err(FilterError { at: MOST_BYTES, reason: format!("a filter has at most {MOST_BYTES} bytes") });
        }
        let mut parser = Parser { text, at: 0, fields, comparisons: 0 };
        let filter = parser.any(0)?;
        match parser.peek()? {
            Token::End => Ok(filter),
            other => Err(parser.wrong(format!("expected `and`, `or` or the end, found {other}"))),
        }
    }

    /// Whether it holds for an entry that has these values, each at its field's place.
    pub fn holds(&self, values: &[Value]) -> bool {
        match self {
            Self::All(all) => all.iter().all(|filter| filter.holds(values)),
            Self::Any(any) => any.iter().any(|filter| filter.holds(values)),
            Self::Not(not) => !not.holds(values),
            Self::Is { field, operator, value } => {
                values.get(*field).is_some_and(|found| operator.compares(found, value))
            }
        }
    }
}

impl Operator {
    fn compares(self, found: &Value, asked: &Value) -> bool {
        match self {
            Self::Equal => found == asked,
            Self::NotEqual => found != asked,
            Self::Less => found < asked,
            Self::LessEqual => found <= asked,
            Self::Greater => found > asked,
            Self::GreaterEqual => found >= asked,
            Self::Contains => match (found, asked) {
                (Value::Text(found), Value::Text(asked)) => {
                    found.to_ascii_lowercase().contains(&asked.to_ascii_lowercase())
                }
                _ => false,
            },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Comma,
    Operator(Operator),
    Word(&'a str),
    Quoted(String),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => out.write_str("`(`"),
            Self::Close => out.write_str("`)`"),
            Self::Comma => out.write_str("`,`"),
            Self::Operator(_) => out.write_str("an operator"),
            Self::Word(word) => write!(out, "`{word}`"),
            Self::Quoted(_) => out.write_str("a text in quotes"),
            Self::End => out.write_str("the end"),
        }
    }
}

/// Tokens of fixed texts; of two of which one begins the other, the longer is first.
const FIXED: [(&str, Token<'static>); 10] = [
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
    ("!=", Token::Operator(Operator::NotEqual)),
    ("<=", Token::Operator(Operator::LessEqual)),
    (">=", Token::Operator(Operator::GreaterEqual)),
    ("<", Token::Operator(Operator::Less)),
    (">", Token::Operator(Operator::Greater)),
    ("=", Token::Operator(Operator::Equal)),
    (":", Token::Operator(Operator::Contains)),
];

struct Parser<'a> {
    text: &'a str,
    at: usize,
    fields: &'a [Field],
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self, reason: impl Into<String>) -> FilterError {
        FilterError { at: self.at, reason: reason.into() }
    }

    /// The next token, and where the one after it begins. What is passed over before it is behind [`Self::at`].
    fn look(&mut self) -> Result<(Token<'a>, usize), FilterError> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok((Token::End, self.at));
        }
        if let Some((text, token)) = FIXED.into_iter().find(|(text, _)| rest.starts_with(text)) {
            return Ok((token, self.at + text.len()));
        }
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut text = String::new();
            let mut chars = quoted.char_indices();
            while let Some((place, char)) = chars.next() {
                match char {
                    '"' => return Ok((Token::Quoted(text), self.at + place + 2)),
                    '\\' => match chars.next() {
                        Some((_, char @ ('"' | '\\'))) => text.push(char),
                        _ => return Err(self.wrong("in quotes, `\\` stands before `\"` or `\\`")),
                    },
                    char => text.push(char),
                }
            }
            return Err(self.wrong("the quotes are not closed"));
        }
        // A colon may be within a value, as in times and digests, but not in the name of a field.
        let length = rest.find(|char: char| char.is_whitespace() || "()\",=<>!".contains(char)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.wrong("a single `!` is no operator"));
        }
        Ok((Token::Word(&rest[..length]), self.at + length))
    }

    fn peek(&mut self) -> Result<Token<'a>, FilterError> {
        Ok(self.look()?.0)
    }

    fn next(&mut self) -> Result<Token<'a>, FilterError> {
        let (token, end) = self.look()?;
        self.at = end;
        Ok(token)
    }

    /// Whether this word comes next; then it is passed.
    fn word(&mut self, wanted: &str) -> Result<bool, FilterError> {
        let (token, end) = self.look()?;
        let is_it = matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted));
        if is_it {
            self.at = end;
        }
        Ok(is_it)
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut any = vec![self.all(depth)?];
        while self.word("or")? {
            any.push(self.all(depth)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Any(any) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut all = vec![self.term(depth)?];
        while self.word("and")? {
            all.push(self.term(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::All(all) })
    }

    fn term(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEPTH {
            return Err(self.wrong(format!("more than {DEPTH} brackets and negations are within each other")));
        }
        if self.word("not")? {
            return Ok(Filter::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.peek()? == Token::Open {
            self.next()?;
            let filter = self.any(depth + 1)?;
            self.close()?;
            return Ok(filter);
        }
        self.comparison()
    }

    fn close(&mut self) -> Result<(), FilterError> {
        match self.peek()? {
            Token::Close => self.next().map(drop),
            other => Err(self.wrong(format!("expected `)`, found {other}"))),
        }
    }

    fn comparison(&mut self) -> Result<Filter, FilterError> {
        let (token, mut end) = self.look()?;
        let Token::Word(word) = token else {
            return Err(self.wrong(format!("expected the name of a field, found {token}")));
        };
        // `name:web` without spaces.
        let name = word.split(':').next().unwrap_or(word);
        end -= word.len() - name.len();
        let Some(field) = self.fields.iter().position(|field| field.name == name) else {
            let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
            return Err(self.wrong(format!("there is no field `{name}`; there are {}", names.join(", "))));
        };
        self.at = end;
        if self.word("in")? {
            if self.peek()? != Token::Open {
                return Err(self.wrong("behind `in` values stand in brackets"));
            }
            let mut any = Vec::new();
            loop {
                // The bracket, or a comma.
                self.next()?;
                any.push(self.is(field, Operator::Equal)?);
                if self.peek()? != Token::Comma {
                    break;
                }
            }
            self.close()?;
            return Ok(if any.len() == 1 { any.remove(0) } else { Filter::Any(any) });
        }
        match self.peek()? {
            Token::Operator(operator) => {
                let before = self.at;
                self.next()?;
                let kind = self.fields[field].kind;
                let fits = match operator {
                    Operator::Equal | Operator::NotEqual => true,
                    Operator::Contains => kind == Kind::Text,
                    _ => !matches!(kind, Kind::Text | Kind::Flag),
                };
                if !fits {
                    self.at = before;
                    return Err(self.wrong(format!("`{name}` cannot be compared so; {}", kind.operators())));
                }
                self.is(field, operator)
            }
            other => Err(self.wrong(format!("expected an operator behind `{name}`, found {other}"))),
        }
    }

    fn is(&mut self, field: usize, operator: Operator) -> Result<Filter, FilterError> {
        self.comparisons += 1;
        if self.comparisons > MOST {
            return Err(self.wrong(format!("a filter has at most {MOST} comparisons")));
        }
        let (token, end) = self.look()?;
        let text = match token {
            Token::Word(word) => word.to_owned(),
            Token::Quoted(text) => text,
            other => return Err(self.wrong(format!("expected a value, found {other}"))),
        };
        let kind = self.fields[field].kind;
        let value = kind.value(&text).ok_or_else(|| self.wrong(format!("`{text}` is not {}", kind.expected())))?;
        self.at = end;
        Ok(Filter::Is { field, operator, value })
    }
}

impl Kind {
    /// What a value has to be.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Count => "a number",
            Self::Flag => "true or false",
            Self::Severity => "unknown, negligible, low, medium, high or critical",
            Self::Share => "a number from 0 to 1",
            Self::Time => "a date or a time in RFC 3339",
        }
    }

    /// What it can be compared by.
    pub fn operators(self) -> &'static str {
        match self {
            Self::Text => "a text by `=`, `!=`, `:` and `in`",
            Self::Flag => "a flag by `=` and `!=`",
            _ => "a number by `=`, `!=`, `<`, `<=`, `>`, `>=` and `in`",
        }
    }

    fn value(self, text: &str) -> Option<Value> {
        let number = match self {
            Self::Text => return Some(Value::Text(text.to_owned())),
            Self::Count => text.parse().ok().filter(|number: &i64| *number >= 0)?,
            Self::Flag => match text {
                "true" => 1,
                "false" => 0,
                _ => return None,
            },
            Self::Severity => Severity::ALL.into_iter().find(|severity| severity.as_str() == text)? as i64,
            Self::Share => {
                let share = text.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share))?;
                (share * 1e6).round() as i64
            }
            Self::Time => {
                if let Ok(time) = text.parse::<Timestamp>() {
                    time.as_microsecond()
                } else {
                    let date: Date = text.parse().ok().filter(|_| text.len() == 10)?;
                    date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond()
                }
            }
        };
        Some(Value::Number(number))
    }
}

#[cfg(test)]
mod tests;
