//! Tokens as a module: imports, rules and their bodies.

mod expression;

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
            member = Some(self.expr_or_pair()?);
        } else if self.take_sign(":=") || self.take_sign("=") {
            value = Some(self.expr_or_pair()?);
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
        let is_given = self.take_sign(":=") || self.take_sign("=");
        let value = if is_given { Some(self.expr_or_pair()?) } else { None };
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
            let right = self.expr_or_pair()?;
            return if is_negated {
                Err(Wrong::new(place, "an assignment cannot be negated"))
            } else {
                Ok(LiteralKind::Assign(left, right))
            };
        }
        if self.take_sign("=") {
            let right = self.expr_or_pair()?;
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
}
