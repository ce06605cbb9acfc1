//! Tokens as a module.

use super::ast::{Body, Expr, Import, Kind, Literal, LiteralKind, Module, Otherwise, Rule};
use super::lex::{Lexeme, Token, tokens};
use super::{Dialect, Wrong};
use sekisho_base::tree::Place;

/// How deep expressions and bodies may lie in each other.
const DEPTH: u32 = 48;

/// What is a keyword in both dialects.
const RESERVED: &[&str] =
    &["as", "default", "else", "false", "import", "not", "null", "package", "some", "true", "with"];
/// What became one.
const LATER: [&str; 4] = ["contains", "every", "if", "in"];

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

/// The module that `text` is.
pub(crate) fn module(text: &str, dialect: Dialect) -> Result<Module, Wrong> {
    let mut parser = Parser { lexemes: tokens(text)?, at: 0, depth: 0, keywords: [dialect == Dialect::V1; 4], dialect };
    parser.module()
}

type Parsed<T> = Result<T, Wrong>;

struct Parser {
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: u32,
    /// Which of [`LATER`] are keywords.
    keywords: [bool; 4],
    dialect: Dialect,
}

impl Parser {
    // Tokens. The last is the end, which is never gone past.

    fn next(&self) -> &Lexeme {
        &self.lexemes[self.at]
    }

    fn place(&self) -> Place {
        self.next().place
    }

    fn advance(&mut self) -> Token {
        let token = self.next().token.clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.next().token, Token::Sign(found) if found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        if is {
            self.at += 1;
        }
        is
    }

    fn need_sign(&mut self, sign: &str, what: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("{sign} {what}"))) }
    }

    /// Whether `word` comes next and means what keywords mean.
    fn is_keyword(&self, word: &str) -> bool {
        matches!(&self.next().token, Token::Name(name) if name == word) && self.reserves(word)
    }

    fn reserves(&self, word: &str) -> bool {
        match LATER.iter().position(|later| *later == word) {
            Some(index) => self.keywords[index],
            None => RESERVED.contains(&word),
        }
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let is = self.is_keyword(word);
        if is {
            self.at += 1;
        }
        is
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        match &self.next().token {
            // `contains` is a function as well.
            Token::Name(name) if !self.reserves(name) || name == "contains" => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn unexpected(&self, wanted: &str) -> Wrong {
        let found = match &self.next().token {
            Token::Name(name) => name.clone(),
            Token::Number(number) => number.clone(),
            Token::Text(_) => "a text".to_owned(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => "the end".to_owned(),
        };
        Wrong::new(self.place(), format!("there is {found}, not {wanted}"))
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let before = self.depth;
        self.sink()?;
        let parsed = parse(self);
        self.depth = before;
        parsed
    }

    fn sink(&mut self) -> Parsed<()> {
        if self.depth == DEPTH {
            return Err(Wrong::new(self.place(), format!("expressions lie more than {DEPTH} deep in each other")));
        }
        self.depth += 1;
        Ok(())
    }

    // Modules.

    fn module(&mut self) -> Parsed<Module> {
        if !self.take_keyword("package") {
            return Err(self.unexpected("the package"));
        }
        let mut package = vec![self.name("the name of the package")?];
        self.path(&mut package)?;
        let mut imports = Vec::new();
        while self.is_keyword("import") {
            imports.extend(self.import()?);
        }
        let mut rules = Vec::new();
        while self.next().token != Token::End {
            if self.is_keyword("import") {
                imports.extend(self.import()?);
            } else if !self.take_sign(";") {
                self.rule(&mut rules)?;
            }
        }
        Ok(Module { package, imports, rules })
    }

    /// `.a["b"]`, of plain names.
    fn path(&mut self, path: &mut Vec<String>) -> Parsed<()> {
        while self.next().is_adjacent {
            if self.take_sign(".") {
                path.push(self.any_name()?);
            } else if self.take_sign("[") {
                let Token::Text(text) = self.advance() else { return Err(self.unexpected("a text in a path")) };
                self.need_sign("]", "after a step of a path")?;
                path.push(text);
            } else {
                break;
            }
        }
        Ok(())
    }

    /// A name after a dot, which may be a keyword.
    fn any_name(&mut self) -> Parsed<String> {
        match &self.next().token {
            Token::Name(name) if self.next().is_adjacent => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name after the dot")),
        }
    }

    fn import(&mut self) -> Parsed<Option<Import>> {
        self.at += 1;
        let place = self.place();
        let mut path = vec![self.name("what is imported")?];
        self.path(&mut path)?;
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        match words[..] {
            ["rego", "v1"] => {
                self.keywords = [true; 4];
                self.dialect = Dialect::V1;
                return Ok(None);
            }
            ["future", "keywords"] => {
                self.keywords = [true; 4];
                return Ok(None);
            }
            ["future", "keywords", word] if LATER.contains(&word) => {
                for (keyword, later) in self.keywords.iter_mut().zip(LATER) {
                    *keyword |= later == word || (word == "every" && later == "in");
                }
                return Ok(None);
            }
            ["data" | "input", ..] => {}
            _ => {
                return Err(Wrong::new(place, format!("imports {}, which is neither data nor input", words.join("."))));
            }
        }
        let name = if self.take_keyword("as") {
            self.name("a name for the import")?
        } else {
            words[words.len() - 1].to_owned()
        };
        // Imports of all there is bring no name.
        Ok((path.len() > 1 || name != path[0]).then_some(Import { path, name, place }))
    }

    // Rules.

    fn rule(&mut self, rules: &mut Vec<Rule>) -> Parsed<()> {
        let place = self.place();
        let is_default = self.take_keyword("default");
        let name = self.name("a rule")?;
        let mut steps = Vec::new();
        self.steps(&mut steps)?;
        let mut arguments = None;
        if !self.next().on_new_line && self.take_sign("(") {
            arguments = Some(self.list(")")?);
        }
        let mut member = None;
        let mut value = None;
        if arguments.is_none() && self.take_keyword("contains") {
            member = Some(self.expr()?);
        } else if self.take_sign(":=") || self.take_sign("=") {
            value = Some(self.expr()?);
        }
        let has_if = self.is_keyword("if");
        // `p[x] { … }` and `p.x { … }` add to a set where nothing else is said.
        let adds = !is_default && arguments.is_none() && member.is_none() && value.is_none() && !has_if;
        if adds && steps.len() == 1 {
            if self.dialect == Dialect::V1 {
                return Err(Wrong::new(place, format!("{name} needs the keyword contains, or if, in Rego v1")));
            }
            member = steps.pop();
        }
        let mut rule =
            Rule { place, is_default, name, steps, arguments, member, value, body: Vec::new(), otherwise: Vec::new() };
        if !self.rule_body(&mut rule.body, rule.value.is_some() || rule.member.is_some() || is_default)? {
            rules.push(rule);
            return Ok(());
        }
        while self.is_keyword("else") {
            rule.otherwise.push(self.otherwise()?);
        }
        let first = rules.len();
        rules.push(rule);
        // Each further body is one more rule with the same head.
        while self.is_sign("{") {
            if !rules[first].otherwise.is_empty() {
                return Err(self.unexpected("a rule: after else there is no further body"));
            }
            let place = self.place();
            let body = self.braced_body()?;
            let head = rules[first].clone();
            rules.push(Rule { place, body, ..head });
        }
        Ok(())
    }

    /// The body of a rule, where it has one.
    fn rule_body(&mut self, body: &mut Body, may_lack: bool) -> Parsed<bool> {
        if self.take_keyword("if") {
            *body = if self.is_sign("{") { self.braced_body()? } else { vec![self.literal()?] };
            Ok(true)
        } else if self.is_sign("{") {
            if self.dialect == Dialect::V1 {
                return Err(self.unexpected("if, which Rego v1 has before a body"));
            }
            *body = self.braced_body()?;
            Ok(true)
        } else if may_lack {
            Ok(false)
        } else {
            Err(self.unexpected("a body or a value"))
        }
    }

    fn otherwise(&mut self) -> Parsed<Otherwise> {
        self.at += 1;
        let value = if self.take_sign(":=") || self.take_sign("=") { Some(self.expr()?) } else { None };
        let mut body = Vec::new();
        self.rule_body(&mut body, value.is_some())?;
        Ok(Otherwise { value, body })
    }

    fn braced_body(&mut self) -> Parsed<Body> {
        self.need_sign("{", "before a body")?;
        self.body("}")
    }

    /// Literals up to `end`, which is taken as well.
    fn body(&mut self, end: &str) -> Parsed<Body> {
        let mut body = Vec::new();
        while self.take_sign(";") {}
        while !self.take_sign(end) {
            body.push(self.literal()?);
            let mut separated = self.next().on_new_line || self.is_sign(end);
            while self.take_sign(";") {
                separated = true;
            }
            if !separated {
                return Err(self.unexpected("the end of the expression"));
            }
        }
        if body.is_empty() { Err(Wrong::new(self.place(), "a body is empty")) } else { Ok(body) }
    }

    fn literal(&mut self) -> Parsed<Literal> {
        self.deeper(|this| {
            let place = this.place();
            let kind = this.literal_kind()?;
            let mut with = Vec::new();
            while this.take_keyword("with") {
                let target = this.term()?;
                if !this.take_keyword("as") {
                    return Err(this.unexpected("as"));
                }
                with.push((target, this.expr()?));
            }
            Ok(Literal { place, kind, with })
        })
    }

    fn literal_kind(&mut self) -> Parsed<LiteralKind> {
        if self.take_keyword("some") {
            return self.some();
        }
        if self.take_keyword("every") {
            let mut value = self.name("a variable")?;
            let mut key = None;
            if self.take_sign(",") {
                key = Some(std::mem::replace(&mut value, self.name("a variable")?));
            }
            self.need_in()?;
            let domain = self.relation()?;
            let body = self.braced_body()?;
            return Ok(LiteralKind::Every { key, value, domain, body });
        }
        let is_negated = self.take_keyword("not");
        let left = self.expr_or_pair()?;
        let place = left.place;
        if self.take_sign(":=") {
            let right = self.expr()?;
            return if is_negated {
                Err(Wrong::new(place, "an assignment cannot be negated"))
            } else {
                Ok(LiteralKind::Assign(left, right))
            };
        }
        if self.take_sign("=") {
            let right = self.expr()?;
            return Ok(if is_negated {
                LiteralKind::Not(Expr::new(place, Kind::Infix("=", Box::new(left), Box::new(right))))
            } else {
                LiteralKind::Unify(left, right)
            });
        }
        Ok(if is_negated { LiteralKind::Not(left) } else { LiteralKind::Test(left) })
    }

    fn some(&mut self) -> Parsed<LiteralKind> {
        let mut terms = vec![self.term()?];
        while self.take_sign(",") {
            terms.push(self.term()?);
        }
        if self.take_keyword("in") {
            let collection = self.relation()?;
            let value = terms.pop();
            let key = terms.pop();
            return match value {
                Some(value) if terms.is_empty() => Ok(LiteralKind::SomeIn { key, value, collection }),
                _ => Err(Wrong::new(collection.place, "some … in has more than a key and a value")),
            };
        }
        let mut names = Vec::new();
        for term in terms {
            match term.kind {
                Kind::Var(name) => names.push(name),
                _ => return Err(Wrong::new(term.place, "some declares something that is no variable")),
            }
        }
        Ok(LiteralKind::Some(names))
    }

    fn need_in(&mut self) -> Parsed<()> {
        if self.take_keyword("in") { Ok(()) } else { Err(self.unexpected("in")) }
    }

    // Expressions.

    /// An expression, or `k, v in collection`.
    fn expr_or_pair(&mut self) -> Parsed<Expr> {
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

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|this| {
            let left = this.relation()?;
            this.membership(left)
        })
    }

    /// What follows a term that is read already.
    fn expr_from(&mut self, term: Expr) -> Parsed<Expr> {
        let left = self.infix(term, 1)?;
        self.membership(left)
    }

    fn membership(&mut self, mut left: Expr) -> Parsed<Expr> {
        while self.take_keyword("in") {
            self.sink()?;
            let right = self.relation()?;
            left = Expr::new(left.place, Kind::In(None, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn relation(&mut self) -> Parsed<Expr> {
        let term = self.term()?;
        self.infix(term, 1)
    }

    /// `left` with the operators after it that bind at least as closely as `least`.
    fn infix(&mut self, mut left: Expr, least: u8) -> Parsed<Expr> {
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

    fn term(&mut self) -> Parsed<Expr> {
        self.deeper(Self::plain_term)
    }

    fn plain_term(&mut self) -> Parsed<Expr> {
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
    fn reference(&mut self, place: Place, name: String) -> Parsed<Expr> {
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
    fn steps(&mut self, steps: &mut Vec<Expr>) -> Parsed<()> {
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
    fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
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
    fn rest_of_list(&mut self, first: Expr, end: &str) -> Parsed<Vec<Expr>> {
        let mut items = vec![first];
        if self.take_sign(",") {
            items.append(&mut self.list(end)?);
        } else {
            self.need_sign(end, "after a list")?;
        }
        Ok(items)
    }

    fn array(&mut self) -> Parsed<Kind> {
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

    fn set_or_object(&mut self) -> Parsed<Kind> {
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
