//! Expressions: operators by how they bind, terms, references, collections and comprehensions.

use super::super::Wrong;
use super::super::ast::{Expr, Kind};
use super::super::lex::Token;
use super::{Parsed, Parser};
use sekisho_base::tree::Place;

/// Operators and how closely they bind.
const OPERATORS: &[(&str, u8)] = &[
    ("==", 1),
    ("!=", 1),
    ("<", 1),
    ("<=", 1),
    (">", 1),
    (">=", 1),
    ("|", 2),
    ("&", 3),
    ("+", 4),
    ("-", 4),
    ("*", 5),
    ("/", 5),
    ("%", 5),
];

impl Parser {
    /// An expression, or `k, v in collection`.
    pub(super) fn expr_or_pair(&mut self) -> Parsed<Expr> {
        let first = self.expr()?;
        if !(self.is_sign(",") && self.reserves("in")) {
            return Ok(first);
        }
        self.at += 1;
        let value = self.relation()?;
        self.need_in()?;
        let collection = self.relation()?;
        let place = first.place;
        let pair = Kind::In(Some(Box::new(first)), Box::new(value), Box::new(collection));
        self.membership(Expr::new(place, pair))
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|this| {
            let left = this.relation()?;
            this.membership(left)
        })
    }

    /// What follows a term that is read already.
    pub(super) fn expr_from(&mut self, term: Expr) -> Parsed<Expr> {
        let left = self.infix(term, 1)?;
        self.membership(left)
    }

    pub(super) fn membership(&mut self, mut left: Expr) -> Parsed<Expr> {
        while self.take_keyword("in") {
            self.sink()?;
            let right = self.relation()?;
            left = Expr::new(left.place, Kind::In(None, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    pub(super) fn relation(&mut self) -> Parsed<Expr> {
        let term = self.term()?;
        self.infix(term, 1)
    }

    /// `left` with the operators after it that bind at least as closely as `least`.
    pub(super) fn infix(&mut self, mut left: Expr, least: u8) -> Parsed<Expr> {
        loop {
            let Token::Sign(sign) = self.next().token else { return Ok(left) };
            let Some((sign, strength)) = OPERATORS.iter().find(|(name, at)| *name == sign && *at >= least) else {
                return Ok(left);
            };
            self.at += 1;
            // Each operator wraps what is before it.
            self.sink()?;
            let term = self.term()?;
            // What binds more closely belongs to the right side; there are five levels.
            let right = self.infix(term, strength + 1)?;
            left = Expr::new(left.place, Kind::Infix(sign, Box::new(left), Box::new(right)));
        }
    }

    pub(super) fn term(&mut self) -> Parsed<Expr> {
        self.deeper(Self::plain_term)
    }

    pub(super) fn plain_term(&mut self) -> Parsed<Expr> {
        let place = self.place();
        let kind = match self.next().token.clone() {
            Token::Number(number) => {
                self.at += 1;
                return Ok(Expr::new(place, Kind::Number(number)));
            }
            Token::Text(text) => {
                self.at += 1;
                return Ok(Expr::new(place, Kind::Text(text)));
            }
            Token::Sign("-") => {
                self.at += 1;
                let Token::Number(number) = self.advance() else {
                    return Err(Wrong::new(place, "a sign stands before something that is no number"));
                };
                return Ok(Expr::new(place, Kind::Number(format!("-{number}"))));
            }
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.expr_or_pair()?;
                self.need_sign(")", "after an expression in parentheses")?;
                return Ok(inner);
            }
            Token::Sign("[") => {
                self.at += 1;
                self.array()?
            }
            Token::Sign("{") => {
                self.at += 1;
                self.set_or_object()?
            }
            Token::Name(name) => match name.as_str() {
                "null" | "true" | "false" => {
                    self.at += 1;
                    let kind = if name == "null" { Kind::Null } else { Kind::Bool(name == "true") };
                    return Ok(Expr::new(place, kind));
                }
                _ => {
                    let name = self.name("an expression")?;
                    return self.reference(place, name);
                }
            },
            Token::Sign(_) | Token::End => return Err(self.unexpected("an expression")),
        };
        let mut steps = Vec::new();
        self.steps(&mut steps)?;
        let head = Expr::new(place, kind);
        Ok(if steps.is_empty() { head } else { Expr::new(place, Kind::Ref(Box::new(head), steps)) })
    }

    /// A variable, a path below it, or a call.
    pub(super) fn reference(&mut self, place: Place, name: String) -> Parsed<Expr> {
        let mut steps = Vec::new();
        self.steps(&mut steps)?;
        let called = self.is_sign("(") && !self.next().on_new_line;
        if !called {
            let head = Expr::var(place, name);
            return Ok(if steps.is_empty() { head } else { Expr::new(place, Kind::Ref(Box::new(head), steps)) });
        }
        if !self.next().is_adjacent {
            return Err(Wrong::new(self.place(), "there is a gap between a function and its arguments"));
        }
        self.at += 1;
        let is_empty_set = name == "set" && steps.is_empty() && self.is_sign(")");
        let mut path = vec![name];
        for step in steps {
            match step.kind {
                Kind::Text(text) => path.push(text),
                _ => return Err(Wrong::new(step.place, "what is called is no function")),
            }
        }
        let arguments = self.list(")")?;
        let kind = if is_empty_set { Kind::Set(Vec::new()) } else { Kind::Call(path, arguments) };
        let call = Expr::new(place, kind);
        let mut steps = Vec::new();
        self.steps(&mut steps)?;
        Ok(if steps.is_empty() { call } else { Expr::new(place, Kind::Ref(Box::new(call), steps)) })
    }

    /// `.a[b]`, without gaps.
    pub(super) fn steps(&mut self, steps: &mut Vec<Expr>) -> Parsed<()> {
        while self.next().is_adjacent {
            let place = self.place();
            if self.take_sign(".") {
                steps.push(Expr::text(place, self.any_name()?));
            } else if self.take_sign("[") {
                steps.push(self.expr()?);
                self.need_sign("]", "after a step")?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Expressions with commas between them up to `end`, which is taken as well.
    pub(super) fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.take_sign(end) {
            items.push(self.expr()?);
            if !self.take_sign(",") {
                self.need_sign(end, "after a list")?;
                break;
            }
        }
        Ok(items)
    }

    /// What follows the first item of a list.
    pub(super) fn rest_of_list(&mut self, first: Expr, end: &str) -> Parsed<Vec<Expr>> {
        let mut items = vec![first];
        if self.take_sign(",") {
            items.append(&mut self.list(end)?);
        } else {
            self.need_sign(end, "after a list")?;
        }
        Ok(items)
    }

    pub(super) fn array(&mut self) -> Parsed<Kind> {
        if self.take_sign("]") {
            return Ok(Kind::Array(Vec::new()));
        }
        let term = self.term()?;
        if self.take_sign("|") {
            return Ok(Kind::ArrayOf(Box::new(term), self.body("]")?));
        }
        let first = self.deeper(|this| this.expr_from(term))?;
        Ok(Kind::Array(self.rest_of_list(first, "]")?))
    }

    pub(super) fn set_or_object(&mut self) -> Parsed<Kind> {
        if self.take_sign("}") {
            return Ok(Kind::Object(Vec::new()));
        }
        let term = self.term()?;
        if self.take_sign("|") {
            return Ok(Kind::SetOf(Box::new(term), self.body("}")?));
        }
        let first = self.deeper(|this| this.expr_from(term))?;
        if !self.take_sign(":") {
            return Ok(Kind::Set(self.rest_of_list(first, "}")?));
        }
        let term = self.term()?;
        if self.take_sign("|") {
            return Ok(Kind::ObjectOf(Box::new(first), Box::new(term), self.body("}")?));
        }
        let value = self.deeper(|this| this.expr_from(term))?;
        let mut fields = vec![(first, value)];
        while self.take_sign(",") && !self.is_sign("}") {
            let key = self.expr()?;
            self.need_sign(":", "after a key")?;
            fields.push((key, self.expr()?));
        }
        self.need_sign("}", "after an object")?;
        Ok(Kind::Object(fields))
    }
}
