//! Expressions: names, functions, comprehensions.

use super::{Beside, Lowerer, MARK, leading};
use crate::rego::builtins::{MADE, arithmetic, is_bounded};
use crate::rego::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind};
use sekisho_base::tree::Place;

impl Lowerer<'_> {
    /// An expression, with what has to hold beside it.
    pub(super) fn plain(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let place = expr.place;
        let mut part = |part: &Expr| self.plain(part, beside);
        let kind = match &expr.kind {
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => return expr.clone(),
            Kind::Number(number) => {
                if number.parse::<f64>().is_ok_and(f64::is_finite) {
                    return expr.clone();
                }
                self.fault(place, "a number is too large");
                return Expr::new(place, Kind::Null);
            }
            Kind::Var(name) => return self.variable(place, name),
            Kind::Array(items) => Kind::Array(items.iter().map(part).collect()),
            // Members are compared with each other.
            Kind::Set(items) if items.len() > 1 => Kind::Set(
                items
                    .iter()
                    .map(|item| {
                        let item = part(item);
                        if is_scalar(&item) { item } else { counted(item) }
                    })
                    .collect(),
            ),
            Kind::Set(items) => Kind::Set(items.iter().map(part).collect()),
            Kind::Object(fields) => Kind::Object(fields.iter().map(|(key, value)| (part(key), part(value))).collect()),
            Kind::ArrayOf(value, body) => {
                let (_, value, body) = self.comprehension(None, value, body);
                Kind::ArrayOf(value, body)
            }
            Kind::SetOf(value, body) => {
                let (_, value, body) = self.comprehension(None, value, body);
                Kind::SetOf(value, body)
            }
            Kind::ObjectOf(key, value, body) => {
                let (key, value, body) = self.comprehension(Some(key), value, body);
                // There is a key, since there was one.
                Kind::ObjectOf(key.unwrap_or_else(|| value.clone()), value, body)
            }
            Kind::Ref(head, steps) => {
                let mut lowered = Vec::with_capacity(steps.len());
                for step in steps {
                    let step = self.plain(step, beside);
                    let is_pattern = !self.is_negated && self.has_object_pattern(&step);
                    lowered.push(if is_pattern { self.apart(step, beside) } else { step });
                }
                return self.reference(place, head, lowered, beside);
            }
            Kind::Call(path, arguments) => {
                let arguments: Vec<Expr> = arguments.iter().map(part).collect();
                return self.call(place, path, arguments, beside);
            }
            Kind::Infix(sign, left, right) => infix(sign, part(left), part(right)),
            Kind::In(key, value, collection) => {
                let key = key.as_ref().map(|key| Box::new(part(key)));
                Kind::In(key, Box::new(part(value)), Box::new(part(collection)))
            }
        };
        Expr::new(place, kind)
    }

    /// A value that others are a part of, so that it is weighed. Values share their parts: one that takes little memory may
    /// take for ever to be gone through, as comparing it does, and the engine does that without a look at the time. No
    /// value comes to be like that but by being made of others again and again.
    pub(super) fn weighed(&self, expr: Expr) -> Expr {
        match expr.kind {
            Kind::Array(_) | Kind::Set(_) | Kind::Object(_) if !is_written(&expr) && !self.has_local(&expr) => {
                counted(expr)
            }
            // A pattern: what of it is a value already.
            Kind::Array(items) => {
                let items = items.into_iter().map(|item| self.weighed(item)).collect();
                Expr::new(expr.place, Kind::Array(items))
            }
            Kind::ArrayOf(..) | Kind::SetOf(..) | Kind::ObjectOf(..) => counted(expr),
            _ => expr,
        }
    }

    pub(super) fn comprehension(
        &mut self,
        key: Option<&Expr>,
        value: &Expr,
        body: &Body,
    ) -> (Option<Box<Expr>>, Box<Expr>, Body) {
        let is_negated = std::mem::take(&mut self.is_negated);
        let (known, named) = (self.known.clone(), std::mem::take(&mut self.named));
        let lowered = self.within(|this| {
            let mut body = this.body(body);
            let mut beside = Beside::default();
            let mut term = |term: &Expr| {
                let lowered = this.plain(term, &mut beside);
                Box::new(counted(if lowered.has_comprehension() { this.bind(lowered, &mut beside) } else { lowered }))
            };
            let (key, value) = (key.map(&mut term), term(value));
            body.append(&mut beside.before);
            body.append(&mut beside.after);
            (key, value, body)
        });
        (self.known, self.named) = (known, named);
        self.is_negated = is_negated;
        lowered
    }

    /// `head` with steps that are lowered already.
    pub(super) fn reference(&mut self, place: Place, head: &Expr, steps: Vec<Expr>, beside: &mut Beside) -> Expr {
        let head = if let Kind::Var(name) = &head.kind {
            let lowered = self.resolve(head.place, name);
            if let Some(mut path) = self.path_of(&lowered) {
                path.extend(leading(&steps));
                self.need(head.place, name, &path);
            }
            lowered
        } else {
            let lowered = self.plain(head, beside);
            self.bind(lowered, beside)
        };
        match head.kind {
            Kind::Ref(root, mut path) => {
                path.extend(steps);
                Expr::new(place, Kind::Ref(root, path))
            }
            _ => Expr::new(place, Kind::Ref(Box::new(head), steps)),
        }
    }

    pub(super) fn variable(&mut self, place: Place, name: &str) -> Expr {
        let lowered = self.resolve(place, name);
        if let Some(path) = self.path_of(&lowered) {
            self.need(place, name, &path);
        }
        lowered
    }

    /// The rule needs what is at `path`, which it calls by `name`.
    pub(super) fn need(&mut self, place: Place, name: &str, path: &[String]) {
        let is_rule = name != "data" && !self.imports.contains_key(name);
        let is_allowed = is_rule
            || self.world.roots.is_none_or(|roots| path.get(1).is_some_and(|root| roots.contains(&root.as_str())));
        if !is_allowed {
            self.fault(place, format!("names {}, which is not for it", path.join(".")));
        }
        self.graph.add_need(&self.rule, path);
    }

    /// What a name means.
    pub(super) fn resolve(&mut self, place: Place, name: &str) -> Expr {
        if name == "_" {
            if self.is_negated {
                self.fault(place, "a negated expression says _, so that nothing says what it is");
            }
            return Expr::var(place, name);
        }
        let declared = self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned();
        if declared.is_none() {
            if self.is_global(name) {
                return Expr::var(place, name);
            }
            if let Some(path) = self.imports.get(name) {
                let root = Expr::var(place, &path[0]);
                let steps: Vec<Expr> = path[1..].iter().map(|step| Expr::text(place, step)).collect();
                return if steps.is_empty() { root } else { Expr::new(place, Kind::Ref(Box::new(root), steps)) };
            }
        }
        let name = declared.unwrap_or_else(|| match name {
            "contains" | "every" | "if" | "in" => format!("{name}{MARK}0"),
            _ => name.to_owned(),
        });
        if !self.is_negated {
            self.named.push(name.clone());
        }
        Expr::var(place, name)
    }

    /// Whether a name stands for something outside of the rule.
    pub(super) fn is_global(&self, name: &str) -> bool {
        matches!(name, "input" | "data") || self.rules.is_some_and(|rules| rules.contains(name))
    }

    /// The path of what a lowered variable or import names below `data`.
    pub(super) fn path_of(&self, expr: &Expr) -> Option<Vec<String>> {
        match &expr.kind {
            Kind::Var(name) if name == "data" => Some(vec![name.clone()]),
            Kind::Var(name) if name != "input" && self.is_global(name) => {
                let mut path = self.package.clone();
                path.push(name.clone());
                Some(path)
            }
            Kind::Ref(head, steps) => match &head.kind {
                Kind::Var(name) if name == "data" => {
                    Some(std::iter::once(name.clone()).chain(leading(steps)).collect())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Where the function is defined that a call names, if it is by a rule.
    pub(super) fn defined(&self, path: &[String]) -> Option<Vec<String>> {
        let mut full = match self.imports.get(path[0].as_str()) {
            _ if path[0] == "data" => return self.world.functions.contains_key(path).then(|| path.to_vec()),
            Some(import) if !self.rules.is_some_and(|rules| rules.contains(&path[0])) => import.to_vec(),
            _ => {
                let mut full = self.package.clone();
                full.push(path[0].clone());
                full
            }
        };
        full.extend(path[1..].iter().cloned());
        self.world.functions.contains_key(&full).then_some(full)
    }

    pub(super) fn arity(&self, path: &[String]) -> Option<usize> {
        match self.defined(path) {
            Some(full) => self.world.functions.get(&full).copied(),
            None => (self.world.builtin)(&path.join(".")),
        }
    }

    pub(super) fn call(&mut self, place: Place, path: &[String], arguments: Vec<Expr>, beside: &mut Beside) -> Expr {
        let name = path.join(".");
        if name == "print" {
            return Expr::new(place, Kind::Bool(true));
        }
        let Some(arity) = self.arity(path) else {
            self.fault(
                place,
                format!("calls {name}, which is neither a rule with arguments nor a function of the language"),
            );
            return Expr::new(place, Kind::Null);
        };
        if arguments.len() != arity {
            self.fault(place, format!("calls {name} with {} arguments, and it takes {arity}", arguments.len()));
            return Expr::new(place, Kind::Null);
        }
        if let Some(full) = self.defined(path) {
            self.graph.add_need(&self.rule, &full);
            let arguments = arguments.into_iter().map(|it| self.weighed(it)).collect();
            return Expr::new(place, Kind::Call(full, arguments));
        }
        // Of a function that is bounded the value is weighed.
        let arguments: Vec<Expr> =
            if is_bounded(&name) { arguments } else { arguments.into_iter().map(|it| self.weighed(it)).collect() };
        if name == "walk" {
            let pair: Vec<Expr> = ["path", "value"].iter().map(|name| self.temporary(place, name)).collect();
            let pair = Expr::new(place, Kind::Array(pair));
            let walk = Kind::Call(path.to_vec(), arguments.into_iter().chain([pair.clone()]).collect());
            beside.before.push(Literal::new(place, LiteralKind::Test(Expr::new(place, walk))));
            return pair;
        }
        Expr::new(place, Kind::Call(path.to_vec(), arguments))
    }
}

/// Whether an expression is one value without parts.
fn is_scalar(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_))
}

/// Whether an expression says all that its value is made of.
fn is_written(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Array(_) | Kind::Set(_) | Kind::Object(_) => expr.parts().into_iter().all(is_written),
        _ => is_scalar(expr),
    }
}

/// A value that is made, so that it is counted.
pub(super) fn counted(member: Expr) -> Expr {
    Expr::new(member.place, Kind::Call(vec![MADE.to_owned()], vec![member]))
}

/// An operation on two values; arithmetic is computed by functions, since the engine's has the errors of binary fractions.
pub(super) fn infix(sign: &'static str, left: Expr, right: Expr) -> Kind {
    match arithmetic(sign) {
        Some(name) => Kind::Call(vec![name.to_owned()], vec![left, right]),
        None => Kind::Infix(sign, Box::new(left), Box::new(right)),
    }
}
