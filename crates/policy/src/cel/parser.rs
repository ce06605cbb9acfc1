//! Tokens as a tree (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>), no deeper than a bound.

use super::Mistake;
use super::lexer::{Token, tokens};

/// A part of an expression, and the byte where it begins.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// How deep it is, itself included.
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Name(String),
    Field {
        of: Box<Expression>,
        name: String,
        optional: bool,
    },
    /// The operators `_[_]` and its kind are calls as well.
    Call {
        name: String,
        target: Option<Box<Expression>>,
        arguments: Vec<Expression>,
    },
    /// Any number of conditions between `&&`, or between `||`.
    Logic {
        all: bool,
        parts: Vec<Expression>,
    },
    Choice(Box<[Expression; 3]>),
    /// With whether each is optional.
    List(Vec<(bool, Expression)>),
    Map(Vec<(bool, Expression, Expression)>),
    /// A message, of which Kubernetes makes none.
    Struct(String),
}

/// How deep an expression may be nested. The API server takes 250; this much is walked in half a thread's usual stack, and
/// no policy comes near.
pub(super) const DEPTH: usize = 100;

/// Names that no variable can have.
const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// The tree of `text`.
pub(super) fn parse(text: &str) -> Result<Expression, Mistake> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.choice()?;
    match parser.peek() {
        Token::End => Ok(expression),
        other => Err(Mistake::new(parser.at(), format!("goes on with {}", name_of(other)))),
    }
}

fn too_deep(at: usize) -> Mistake {
    Mistake::new(at, format!("is nested more than {DEPTH} deep"))
}

impl Expression {
    /// Fails where it is too deep, so that whoever walks a tree, or drops it, knows how deep that goes.
    fn new(at: usize, kind: Kind) -> Result<Self, Mistake> {
        let deepest = |parts: &[Self]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let below = match &kind {
            Kind::Field { of, .. } => of.depth,
            Kind::Call { target, arguments, .. } => {
                target.as_ref().map_or(0, |target| target.depth).max(deepest(arguments))
            }
            Kind::Logic { parts, .. } => deepest(parts),
            Kind::Choice(parts) => deepest(&**parts),
            Kind::List(items) => items.iter().map(|(_, item)| item.depth).max().unwrap_or(0),
            Kind::Map(entries) => entries.iter().map(|(_, key, value)| key.depth.max(value.depth)).max().unwrap_or(0),
            _ => 0,
        };
        if below >= DEPTH {
            return Err(too_deep(at));
        }
        Ok(Self { at, kind, depth: below + 1 })
    }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Name(name) | Token::Quoted(name) => name.clone(),
        Token::Sign(sign) => format!("\"{sign}\""),
        Token::End => "nothing".to_owned(),
        Token::Int(_) | Token::Uint(_) | Token::Double(_) => "a number".to_owned(),
        Token::Text(_) | Token::Bytes(_) => "a text".to_owned(),
    }
}

/// The operators between two operands, with how tight they bind.
fn binding(token: &Token) -> Option<(u8, &'static str)> {
    Some(match token {
        Token::Sign("<") => (1, "_<_"),
        Token::Sign("<=") => (1, "_<=_"),
        Token::Sign(">") => (1, "_>_"),
        Token::Sign(">=") => (1, "_>=_"),
        Token::Sign("==") => (1, "_==_"),
        Token::Sign("!=") => (1, "_!=_"),
        Token::Name(name) if name == "in" => (1, "@in"),
        Token::Sign("+") => (2, "_+_"),
        Token::Sign("-") => (2, "_-_"),
        Token::Sign("*") => (3, "_*_"),
        Token::Sign("/") => (3, "_/_"),
        Token::Sign("%") => (3, "_%_"),
        _ => return None,
    })
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(0, |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token =
            self.tokens.get_mut(self.next).map_or(Token::End, |(_, token)| std::mem::replace(token, Token::End));
        self.next += 1;
        token
    }

    fn eat(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if is_it {
            self.next += 1;
        }
        is_it
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(Mistake::new(self.at(), format!("has {} where \"{sign}\" belongs", name_of(self.peek()))))
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        if self.depth >= DEPTH {
            return Err(too_deep(self.at()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn choice(&mut self) -> Result<Expression, Mistake> {
        self.deeper(|parser| {
            let at = parser.at();
            let condition = parser.logic(false)?;
            if !parser.eat("?") {
                return Ok(condition);
            }
            let then = parser.logic(false)?;
            parser.expect(":")?;
            let other = parser.choice()?;
            Expression::new(at, Kind::Choice(Box::new([condition, then, other])))
        })
    }

    fn logic(&mut self, all: bool) -> Result<Expression, Mistake> {
        let at = self.at();
        let sign = if all { "&&" } else { "||" };
        let next = |parser: &mut Self| if all { parser.binary(1) } else { parser.logic(true) };
        let first = next(self)?;
        let mut parts = Vec::new();
        while self.eat(sign) {
            parts.push(next(self)?);
        }
        if parts.is_empty() {
            return Ok(first);
        }
        parts.insert(0, first);
        Expression::new(at, Kind::Logic { all, parts })
    }

    fn binary(&mut self, least: u8) -> Result<Expression, Mistake> {
        let mut left = self.unary()?;
        while let Some((tight, name)) = binding(self.peek()).filter(|(tight, _)| *tight >= least) {
            self.next += 1;
            let right = self.binary(tight + 1)?;
            let at = left.at;
            let kind = Kind::Call { name: name.to_owned(), target: None, arguments: vec![left, right] };
            left = Expression::new(at, kind)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, Mistake> {
        let at = self.at();
        for (sign, name) in [("!", "!_"), ("-", "-_")] {
            let mut count = 0_usize;
            while self.eat(sign) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            // The smallest whole number has no positive counterpart.
            if let (true, Token::Int(number)) = (sign == "-" && count % 2 == 1, self.peek()) {
                let number = 0_i64.checked_sub_unsigned(*number);
                let number = number.ok_or_else(|| Mistake::new(at, "has a number that is too large"))?;
                self.next += 1;
                return self.member(Expression::new(at, Kind::Int(number))?);
            }
            if let (true, Token::Double(number)) = (sign == "-" && count % 2 == 1, self.peek()) {
                let number = -number;
                self.next += 1;
                return self.member(Expression::new(at, Kind::Double(number))?);
            }
            let operand = self.primary()?;
            let operand = self.member(operand)?;
            let negated = |of| {
                let kind = Kind::Call { name: name.to_owned(), target: None, arguments: vec![of] };
                Expression::new(at, kind)
            };
            let once = negated(operand)?;
            // The checker looks at what is negated twice all the same.
            return if count.is_multiple_of(2) { negated(once) } else { Ok(once) };
        }
        let primary = self.primary()?;
        self.member(primary)
    }

    fn member(&mut self, mut of: Expression) -> Result<Expression, Mistake> {
        loop {
            let at = self.at();
            if self.eat(".") {
                let optional = self.eat("?");
                let (name, quoted) = match self.take() {
                    Token::Name(name) => (name, false),
                    Token::Quoted(name) => (name, true),
                    other => return Err(Mistake::new(at, format!("has {} where a name belongs", name_of(&other)))),
                };
                if !quoted && matches!(&*name, "in" | "true" | "false" | "null") {
                    return Err(Mistake::new(at, format!("has {name} where a name belongs")));
                }
                let kind = if !optional && !quoted && self.eat("(") {
                    let arguments = self.arguments()?;
                    Kind::Call { name, target: Some(Box::new(of)), arguments }
                } else {
                    Kind::Field { of: Box::new(of), name, optional }
                };
                of = Expression::new(at, kind)?;
            } else if self.eat("[") {
                let name = if self.eat("?") { "_[?_]" } else { "_[_]" };
                let index = self.choice()?;
                self.expect("]")?;
                let kind = Kind::Call { name: name.to_owned(), target: None, arguments: vec![of, index] };
                of = Expression::new(at, kind)?;
            } else {
                return Ok(of);
            }
        }
    }

    /// What stands between brackets, the closing one included.
    fn arguments(&mut self) -> Result<Vec<Expression>, Mistake> {
        let mut arguments = Vec::new();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.choice()?);
            if !self.eat(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn primary(&mut self) -> Result<Expression, Mistake> {
        let at = self.at();
        let whole = |number: u64| {
            i64::try_from(number).map(Kind::Int).map_err(|_| Mistake::new(at, "has a number that is too large"))
        };
        let kind = match self.take() {
            Token::Int(number) => whole(number)?,
            Token::Uint(number) => Kind::Uint(number),
            Token::Double(number) => Kind::Double(number),
            Token::Text(text) => Kind::Text(text),
            Token::Bytes(bytes) => Kind::Bytes(bytes),
            Token::Sign("(") => {
                let inner = self.choice()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Sign("[") => self.list()?,
            Token::Sign("{") => self.map()?,
            Token::Sign(".") => match self.take() {
                Token::Name(name) => return self.named(at, name),
                other => return Err(Mistake::new(at, format!("has {} where a name belongs", name_of(&other)))),
            },
            Token::Name(name) => return self.named(at, name),
            other => return Err(Mistake::new(at, format!("has {} where a value belongs", name_of(&other)))),
        };
        Expression::new(at, kind)
    }

    fn named(&mut self, at: usize, name: String) -> Result<Expression, Mistake> {
        let kind = match &*name {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            "in" => return Err(Mistake::new(at, "has in where a value belongs")),
            _ if self.eat("(") => Kind::Call { name, target: None, arguments: self.arguments()? },
            _ if RESERVED.contains(&&*name) => {
                return Err(Mistake::new(at, format!("uses {name}, which is a reserved word")));
            }
            _ if matches!(self.peek(), Token::Sign("{")) => Kind::Struct(name),
            _ => Kind::Name(name),
        };
        Expression::new(at, kind)
    }

    fn list(&mut self) -> Result<Kind, Mistake> {
        let mut items = Vec::new();
        while !self.eat("]") {
            let optional = self.eat("?");
            items.push((optional, self.choice()?));
            if !self.eat(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Kind::List(items))
    }

    fn map(&mut self) -> Result<Kind, Mistake> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let optional = self.eat("?");
            let key = self.choice()?;
            self.expect(":")?;
            entries.push((optional, key, self.choice()?));
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Kind::Map(entries))
    }
}
