//! Whether everything that a rule says of a variable follows from something that says what it is.
//!
//! OPA refuses rules of which that does not hold; the engine evaluates them in some order. Looks at rules as they are
//! lowered, in which every declared variable has a name of its own.

use super::lower::MARK;
use super::syntax::Wrong;
use super::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind, Rule};
use sekisho_base::tree::Place;
use std::collections::{BTreeSet, HashSet};

/// How often a body is gone through to find out what is known. Each time, what follows from what is further down is.
const PASSES: usize = 100;

/// The first variable of `rule` that nothing says, where there is one. `globals` are the rules of the package.
pub(super) fn check(rule: &Rule, globals: Option<&BTreeSet<String>>) -> Option<Wrong> {
    let mut checker = Checker { globals, known: HashSet::new(), wrong: None };
    for argument in rule.arguments.iter().flatten() {
        checker.bind(argument);
    }
    let head: Vec<&Expr> = rule.steps.iter().chain(&rule.member).chain(&rule.value).collect();
    checker.within(|checker| checker.branch(&rule.body, &head));
    for otherwise in &rule.otherwise {
        let head: Vec<&Expr> = otherwise.value.iter().collect();
        checker.within(|checker| checker.branch(&otherwise.body, &head));
    }
    checker.wrong
}

struct Checker<'r> {
    globals: Option<&'r BTreeSet<String>>,
    known: HashSet<String>,
    wrong: Option<Wrong>,
}

impl Checker<'_> {
    fn is_known(&self, name: &str) -> bool {
        matches!(name, "_" | "input" | "data")
            || self.known.contains(name)
            || self.globals.is_some_and(|globals| globals.contains(name))
    }

    /// What is known within is forgotten after it.
    fn within(&mut self, check: impl FnOnce(&mut Self)) {
        let known = self.known.clone();
        check(self);
        self.known = known;
    }

    /// A body, and what depends on it.
    fn branch(&mut self, body: &Body, head: &[&Expr]) {
        for _ in 0..PASSES {
            let before = self.known.len();
            for literal in body {
                self.learn(literal);
            }
            for expr in head {
                self.iterate(expr);
            }
            if self.known.len() == before {
                break;
            }
        }
        for literal in body {
            self.need_literal(literal);
        }
        for expr in head {
            self.need(expr);
        }
    }

    // What becomes known.

    fn learn(&mut self, literal: &Literal) {
        match &literal.kind {
            LiteralKind::Assign(left, right) | LiteralKind::Unify(left, right) => self.unify(left, right),
            LiteralKind::Test(expr) => {
                self.iterate(expr);
                if let Kind::Call(path, arguments) = &expr.kind
                    && let [whole, pair] = &arguments[..]
                    && path.len() == 1
                    && path[0] == "walk"
                    && self.is_ready(whole)
                {
                    self.bind(pair);
                }
            }
            LiteralKind::Every { domain, .. } => self.iterate(domain),
            LiteralKind::Not(_) | LiteralKind::Some(_) | LiteralKind::SomeIn { .. } => {}
        }
    }

    fn unify(&mut self, left: &Expr, right: &Expr) {
        self.iterate(left);
        self.iterate(right);
        if let (Kind::Array(left), Kind::Array(right)) = (&left.kind, &right.kind) {
            left.iter().zip(right).for_each(|(left, right)| self.unify(left, right));
            return;
        }
        if self.is_ready(right) {
            self.bind(left);
        }
        if self.is_ready(left) {
            self.bind(right);
        }
    }

    /// The variables of a pattern.
    fn bind(&mut self, pattern: &Expr) {
        match &pattern.kind {
            Kind::Var(name) if !self.is_known(name) => {
                self.known.insert(name.clone());
            }
            Kind::Array(items) => items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    /// A reference says what its steps can be.
    fn iterate(&mut self, expr: &Expr) {
        if is_comprehension(expr) {
            return;
        }
        expr.parts().into_iter().for_each(|part| self.iterate(part));
        if let Kind::Ref(head, steps) = &expr.kind
            && self.is_ready(head)
        {
            for step in steps {
                self.bind(step);
            }
        }
    }

    fn is_ready(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Var(name) => self.is_known(name),
            _ => is_comprehension(expr) || expr.parts().into_iter().all(|part| self.is_ready(part)),
        }
    }

    // What has to be.

    fn need_literal(&mut self, literal: &Literal) {
        match &literal.kind {
            LiteralKind::Assign(left, right) | LiteralKind::Unify(left, right) => {
                self.need(left);
                self.need(right);
            }
            LiteralKind::Not(expr) | LiteralKind::Test(expr) => self.need(expr),
            LiteralKind::Every { key, value, domain, body } => {
                self.need(domain);
                self.within(|this| {
                    this.known.extend(key.iter().chain([value]).cloned());
                    this.branch(body, &[]);
                });
            }
            LiteralKind::Some(_) | LiteralKind::SomeIn { .. } => {}
        }
        for (_, value) in &literal.with {
            self.need(value);
        }
    }

    fn need(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Var(name) if !self.is_known(name) => self.tell(expr.place, name),
            Kind::ArrayOf(value, body) | Kind::SetOf(value, body) => self.within(|this| this.branch(body, &[value])),
            Kind::ObjectOf(key, value, body) => self.within(|this| this.branch(body, &[key, value])),
            _ => expr.parts().into_iter().for_each(|part| self.need(part)),
        }
    }

    fn tell(&mut self, place: Place, name: &str) {
        let name = name.split(MARK).next().unwrap_or_default();
        self.wrong.get_or_insert_with(|| Wrong::new(place, format!("nothing says what {name} is")));
    }
}

/// What is within one is for itself; what it takes from around it is asked for once all is known.
fn is_comprehension(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::ArrayOf(..) | Kind::SetOf(..) | Kind::ObjectOf(..))
}
