//! The text of a condition as an [`Expr`], with Falco's own tokens: words are cut off where they begin to match, not by
//! blanks, so that `not(` and `and(` are two tokens and `order` is none.

use super::{Check, DEPTH, Expr, Operand, Operator, Quantifier, Right, Takes, Test, Transformer};
use sekisho_base::tree::Place;
use std::cell::Cell;

/// Why a condition, or an operand of an output, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Mistake {
    /// Where: line and column in the text, from 1.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// Reads a condition.
pub fn parse(text: &str) -> Result<Expr, Mistake> {
    let mut parser = Parser::new(text);
    if text.is_empty() {
        return Err(parser.wrong("the condition is empty"));
    }
    let expr = parser.or()?;
    if parser.at < text.len() {
        let word: String = parser.rest().chars().take_while(|char| !char.is_whitespace()).take(20).collect();
        return Err(parser.wrong(format!("expected 'and', 'or' or the end, found '{word}'")));
    }
    Ok(expr)
}

/// Reads a field or transformer at the beginning of a text: the operand, and how many bytes it takes.
pub fn operand(text: &str) -> Result<(Operand, usize), Mistake> {
    let mut parser = Parser::new(text);
    match parser.field_or_call()? {
        Some(operand) => Ok((operand, parser.at)),
        None => Err(parser.wrong("expected a field or a transformer")),
    }
}

/// Whether a macro can have this name.
pub(crate) fn is_identifier(name: &str) -> bool {
    identifier(name) == name.len() && !name.is_empty()
}

/// Whether a list can have this name.
pub(crate) fn is_list_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_bare)
}

/// The length of `[a-zA-Z][a-zA-Z0-9_]*` at the beginning; 0 where there is none.
fn identifier(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return 0;
    }
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// What POSIX calls space.
fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// What a value without quotes may have.
pub(super) fn is_bare(char: char) -> bool {
    !is_space(char) && !matches!(char, '(' | ')' | '"' | '\'' | '=' | ',')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// A place that was asked for and the byte that it is of, from which the next is counted.
    mark: Cell<(usize, Place)>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, mark: Cell::new((0, Place { line: 1, column: 1 })) }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn place(&self) -> Place {
        let (from, mut place) = self.mark.get();
        for char in self.text[from..self.at].chars() {
            place = match char {
                '\n' => Place { line: place.line.saturating_add(1), column: 1 },
                _ => Place { column: place.column.saturating_add(1), ..place },
            };
        }
        self.mark.set((self.at, place));
        place
    }

    fn wrong(&self, reason: impl Into<String>) -> Mistake {
        Mistake { place: self.place(), reason: reason.into(), hint: None }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        if self.depth >= DEPTH {
            return Err(self.wrong(format!("conditions lie more than {DEPTH} deep in each other")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Whether there were blanks.
    fn blank(&mut self) -> bool {
        let rest = self.rest();
        let bare = rest.trim_start_matches([' ', '\t', '\u{8}', '\r', '\n']);
        self.at += rest.len() - bare.len();
        bare.len() < rest.len()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.at += length;
        taken
    }

    fn expect(&mut self, token: &str) -> Result<(), Mistake> {
        if self.eat(token) { Ok(()) } else { Err(self.wrong(format!("expected '{token}'"))) }
    }

    fn or(&mut self) -> Result<Expr, Mistake> {
        self.joined("or", Self::and, Expr::Or)
    }

    fn and(&mut self) -> Result<Expr, Mistake> {
        self.joined("and", Self::not, Expr::And)
    }

    /// Parts with a word between them.
    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expr, Mistake>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, Mistake> {
        self.blank();
        let first = part(self)?;
        let mut others = Vec::new();
        self.blank();
        while self.eat(word) {
            others.push(if self.blank() {
                part(self)?
            } else if self.eat("(") {
                self.brackets()?
            } else {
                return Err(self.wrong(format!("expected a blank or '(' after '{word}'")));
            });
            self.blank();
        }
        if others.is_empty() {
            return Ok(first);
        }
        others.insert(0, first);
        Ok(join(others))
    }

    fn not(&mut self) -> Result<Expr, Mistake> {
        self.blank();
        let mut not = false;
        while let Some(behind) = self.rest().strip_prefix("not").filter(|behind| behind.starts_with(is_space)) {
            self.at = self.text.len() - behind.trim_start_matches(is_space).len();
            not = !not;
        }
        let expr = if self.eat("not(") {
            not = !not;
            self.brackets()?
        } else {
            self.check()?
        };
        Ok(if not { Expr::Not(Box::new(expr)) } else { expr })
    }

    /// What follows an opening bracket, up to the closing one.
    fn brackets(&mut self) -> Result<Expr, Mistake> {
        self.deeper(|parser| {
            let expr = parser.or()?;
            parser.blank();
            parser.expect(")")?;
            Ok(expr)
        })
    }

    fn check(&mut self) -> Result<Expr, Mistake> {
        self.blank();
        let place = self.place();
        if self.eat("(") {
            return self.brackets();
        }
        if let Some(left) = self.field_or_call()? {
            let test = self.test()?;
            return Ok(Expr::Check(Box::new(Check { left, test, place })));
        }
        match identifier(self.rest()) {
            0 => Err(self.wrong("expected '(', a field and what it is compared with, or the name of a macro")),
            length => Ok(Expr::Name(self.take(length).to_owned(), place)),
        }
    }

    fn field_or_call(&mut self) -> Result<Option<Operand>, Mistake> {
        if let Some(field) = self.field()? {
            return Ok(Some(field));
        }
        self.call()
    }

    fn field(&mut self) -> Result<Option<Operand>, Mistake> {
        let rest = self.rest();
        let mut length = identifier(rest);
        let first = length;
        while length > 0 && rest[length..].starts_with('.') {
            match identifier(&rest[length + 1..]) {
                0 => break,
                more => length += 1 + more,
            }
        }
        if length == first {
            return Ok(None);
        }
        let name = self.take(length).to_owned();
        let mut argument = None;
        if self.eat("[") {
            argument = Some(if let Some(text) = self.quoted()? {
                text
            } else {
                let bare = |char: &char| !is_space(*char) && !matches!(char, '[' | ']' | '"' | '\'');
                let length = self.rest().chars().take_while(bare).map(char::len_utf8).sum();
                if length == 0 {
                    return Err(self.wrong("expected an argument: a text with or without quotes"));
                }
                self.take(length).to_owned()
            });
            self.expect("]")?;
        }
        Ok(Some(Operand::Field(name, argument)))
    }

    fn call(&mut self) -> Result<Option<Operand>, Mistake> {
        let rest = self.rest();
        let called = |word: &&Transformer| rest.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with('('));
        let Some(&transformer) = Transformer::ALL.iter().find(called) else { return Ok(None) };
        self.at += transformer.as_str().len() + 1;
        let arguments = self.deeper(|parser| {
            let mut arguments = Vec::new();
            loop {
                parser.blank();
                arguments.push(parser.argument(true)?);
                parser.blank();
                if !parser.eat(",") {
                    break;
                }
            }
            parser.expect(")")?;
            Ok(arguments)
        })?;
        Ok(Some(Operand::Call(transformer, arguments)))
    }

    fn argument(&mut self, lists: bool) -> Result<Operand, Mistake> {
        if let Some(number) = self.number() {
            return Ok(Operand::Literal(number));
        }
        if let Some(text) = self.quoted()? {
            return Ok(Operand::Literal(text));
        }
        if lists && self.eat("(") {
            let mut items = Vec::new();
            self.blank();
            if self.eat(")") {
                return Ok(Operand::List(items));
            }
            loop {
                self.blank();
                items.push(self.argument(false)?);
                self.blank();
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(")")?;
            return Ok(Operand::List(items));
        }
        let known = || Transformer::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ");
        self.field_or_call()?.ok_or_else(|| {
            let kinds = if lists { "a text in quotes, a number or a list" } else { "a text in quotes or a number" };
            self.wrong(format!("expected a field, a transformer ({}), {kinds}", known()))
        })
    }

    fn test(&mut self) -> Result<Test, Mistake> {
        self.blank();
        if self.eat("exists") {
            return Ok(Test::Exists);
        }
        let operator = self.operator()?;
        let takes = operator.takes();
        self.blank();
        if takes == Takes::Text
            && let Some(quantifier) = self.quantifier()
        {
            return Ok(Test::Compare(operator, Some(quantifier), Right::List(self.list()?)));
        }
        if takes == Takes::List && self.eat("(") {
            return Ok(Test::Compare(operator, None, Right::List(self.list()?)));
        }
        let right = if self.rest().starts_with("val(") {
            self.at += "val(".len();
            self.blank();
            let field = self.field()?.ok_or_else(|| self.wrong("expected a field in 'val('"))?;
            self.blank();
            self.expect(")")?;
            Right::Operand(field)
        } else if let Some(call) = self.call()? {
            Right::Operand(call)
        } else {
            let value = match takes {
                Takes::Number => self.number(),
                Takes::Text => self.string()?,
                // The name of a list that is none is a value like others.
                Takes::List => Some(self.take(identifier(self.rest())).to_owned()).filter(|name| !name.is_empty()),
            };
            let what = match takes {
                Takes::Number => "a number",
                Takes::Text => "a text",
                Takes::List => "values in brackets",
            };
            let wrong = |parser: &Self| {
                let mut mistake = parser.wrong(format!("expected {what}, 'val(field)' or a transformer"));
                if takes == Takes::Number && parser.rest().starts_with(['"', '\'']) {
                    mistake.hint = Some("numbers stand without quotes after an order".to_owned());
                }
                mistake
            };
            Right::Value(value.ok_or_else(|| wrong(self))?)
        };
        Ok(Test::Compare(operator, None, right))
    }

    fn operator(&mut self) -> Result<Operator, Mistake> {
        if self.eat("==") {
            return Ok(Operator::Equal);
        }
        let rest = self.rest();
        // Signs, `in` and the like end where they end; other words only before a blank.
        let matches = |operator: &&Operator| {
            let behind = rest.strip_prefix(operator.as_str());
            let sign = !operator.as_str().starts_with(|first: char| first.is_ascii_alphabetic());
            behind.is_some_and(|behind| {
                sign || operator.takes() == Takes::List || behind.starts_with([' ', '\t', '\u{8}', '\r', '\n'])
            })
        };
        if let Some(&operator) = Operator::ALL.iter().find(matches) {
            self.at += operator.as_str().len();
            return Ok(operator);
        }
        let known: Vec<&str> = Operator::ALL.iter().map(|word| word.as_str()).collect();
        let mut mistake = self.wrong(format!("expected a comparison, one of exists, {}", known.join(", ")));
        let word = &rest[..identifier(rest)];
        mistake.hint = match word {
            "istartswith" | "iendswith" => {
                Some(format!("write tolower(field) {} with a text in lower case", word.trim_start_matches('i')))
            }
            _ => crate::near(word, known.into_iter().chain(["exists"])).map(|near| format!("did you mean '{near}'?")),
        };
        Err(mistake)
    }

    /// A quantifier with the opening bracket of its list.
    fn quantifier(&mut self) -> Option<Quantifier> {
        let rest = self.rest();
        let (quantifier, behind) =
            Quantifier::ALL.iter().find_map(|word| Some((*word, rest.strip_prefix(word.as_str())?)))?;
        let behind = behind.trim_start_matches(is_space).strip_prefix('(')?;
        self.at = self.text.len() - behind.len();
        Some(quantifier)
    }

    /// What follows the opening bracket of values.
    fn list(&mut self) -> Result<Vec<String>, Mistake> {
        let mut values = Vec::new();
        self.blank();
        if let Some(first) = self.string()? {
            values.push(first);
            self.blank();
            while self.eat(",") {
                self.blank();
                values.push(self.string()?.ok_or_else(|| self.wrong("expected a text"))?);
                self.blank();
            }
        }
        self.expect(")")?;
        Ok(values)
    }

    fn string(&mut self) -> Result<Option<String>, Mistake> {
        if let Some(text) = self.quoted()? {
            return Ok(Some(text));
        }
        let length = self.rest().chars().take_while(|char| is_bare(*char)).map(char::len_utf8).sum();
        Ok(if length == 0 { None } else { Some(self.take(length).to_owned()) })
    }

    /// `0x1f`, or digits with a sign, a fraction and an exponent.
    fn number(&mut self) -> Option<String> {
        let rest = self.rest().as_bytes();
        let digits = |from: usize, digit: fn(&u8) -> bool| {
            rest.get(from..).unwrap_or_default().iter().take_while(|byte| digit(byte)).count()
        };
        if let [b'0', b'x' | b'X', ..] = rest {
            let count = digits(2, u8::is_ascii_alphanumeric);
            if count > 0 {
                return Some(self.take(2 + count).to_owned());
            }
        }
        let mut end = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
        let whole = digits(end, u8::is_ascii_digit);
        if whole == 0 {
            return None;
        }
        end += whole;
        if rest.get(end) == Some(&b'.') {
            end += 1;
        }
        end += digits(end, u8::is_ascii_digit);
        if matches!(rest.get(end..end + 2), Some([b'e' | b'E', b'+' | b'-'])) {
            let exponent = digits(end + 2, u8::is_ascii_digit);
            if exponent > 0 {
                end += 2 + exponent;
            }
        }
        Some(self.take(end).to_owned())
    }

    /// A text in quotes, where one begins here and has an end.
    fn quoted(&mut self) -> Result<Option<String>, Mistake> {
        let rest = self.rest();
        let Some(quote @ ('"' | '\'')) = rest.chars().next() else { return Ok(None) };
        // The end is a quote that has no backslash before it, even where that backslash is escaped itself.
        let end =
            rest.char_indices().skip(1).zip(rest.chars()).find(|((_, char), before)| *char == quote && *before != '\\');
        let Some(((end, _), _)) = end else { return Err(self.wrong(format!("the text has no closing {quote}"))) };
        let text = unescape(&rest[1..end], quote).map_err(|reason| self.wrong(reason))?;
        self.at += end + 1;
        Ok(Some(text))
    }
}

fn unescape(text: &str, quote: char) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        plain.push(match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('\\' | ' ') => '\\',
            Some('/') => '/',
            Some(other) if other == quote => other,
            Some(other) => return Err(format!("'\\{other}' stands for nothing in a text in {quote}")),
            None => break,
        });
    }
    Ok(plain)
}
