//! Patterns: what is unified, without objects in it.

use super::{Beside, Lowerer};
use crate::rego::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind};

impl Lowerer<'_> {
    /// A variable that is `expr`.
    pub(super) fn bind(&mut self, expr: Expr, beside: &mut Beside) -> Expr {
        if matches!(&expr.kind, Kind::Var(name) if !self.is_global(name)) {
            return expr;
        }
        let variable = self.temporary(expr.place, "term");
        let expr = self.weighed(expr);
        beside.before.push(Literal::new(expr.place, LiteralKind::Assign(variable.clone(), expr)));
        variable
    }

    /// A variable in the place of a pattern that it is unified with.
    pub(super) fn apart(&mut self, pattern: Expr, beside: &mut Beside) -> Expr {
        let variable = self.temporary(pattern.place, "pattern");
        self.unify(pattern, variable.clone(), &mut beside.after);
        variable
    }

    /// Whether there is an object in it that says what variables are.
    pub(super) fn has_object_pattern(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Object(_) => self.has_local(expr),
            Kind::Array(items) => items.iter().any(|item| self.has_object_pattern(item)),
            _ => false,
        }
    }

    /// Whether there is a variable in it that has no value yet.
    pub(super) fn has_local(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Var(name) => !self.is_global(name) && !self.known.contains(name),
            Kind::Array(_) | Kind::Object(_) => expr.parts().into_iter().any(|part| self.has_local(part)),
            _ => false,
        }
    }

    /// Both are the same; what is in arrays on both sides, and in objects, is unified one by one.
    pub(super) fn unify(&mut self, left: Expr, right: Expr, body: &mut Body) {
        let is_any = |side: &Expr| matches!(&side.kind, Kind::Var(name) if name == "_");
        let (left, right) = match (left, right) {
            (Expr { kind: Kind::Array(left), .. }, Expr { kind: Kind::Array(right), .. })
                if left.len() == right.len() =>
            {
                left.into_iter().zip(right).for_each(|(left, right)| self.unify(left, right, body));
                return;
            }
            // The engine takes no pattern of which nothing becomes known; all that is asked is that there is a value.
            (any, other) | (other, any) if is_any(&any) => {
                if !matches!(other.kind, Kind::Var(_)) {
                    let value = self.temporary(other.place, "any");
                    body.push(Literal::new(other.place, LiteralKind::Assign(value, other)));
                }
                return;
            }
            (left, right) if self.is_in_order => (self.weighed(left), self.weighed(right)),
            sides => sides,
        };
        // An object beside a variable without a value is what that one becomes.
        if self.has_object_pattern(&left) != self.has_object_pattern(&right)
            && [&left, &right].into_iter().any(|side| matches!(&side.kind, Kind::Var(name) if self.has_local(side) && !self.temporaries.contains(name)))
        {
            body.push(Literal::new(left.place, LiteralKind::Unify(left, right)));
            return;
        }
        let (pattern, value) = match (self.has_object_pattern(&left), self.has_object_pattern(&right)) {
            (false, true) => (right, left),
            _ => (left, right),
        };
        let place = pattern.place;
        let mut objects = Vec::new();
        let flat = self.flatten(pattern, &mut objects);
        let value = if self.has_object_pattern(&value) { self.flatten(value, &mut objects) } else { value };
        body.push(Literal::new(place, LiteralKind::Unify(flat, value)));
        for (object, fields) in objects {
            let call = |name: &str| Expr::new(place, Kind::Call(vec![name.to_owned()], vec![object.clone()]));
            let number = Expr::new(place, Kind::Number(fields.len().to_string()));
            let count = Kind::Infix("==", Box::new(call("count")), Box::new(number));
            for test in [call("is_object"), Expr::new(place, count)] {
                body.push(Literal::new(place, LiteralKind::Test(test)));
            }
            for (key, field) in fields {
                let element = Expr::new(place, Kind::Ref(Box::new(object.clone()), vec![key]));
                self.unify(field, element, body);
            }
        }
    }

    /// `pattern` with a variable for each object.
    pub(super) fn flatten(&mut self, pattern: Expr, objects: &mut Vec<(Expr, Vec<(Expr, Expr)>)>) -> Expr {
        if !self.has_object_pattern(&pattern) {
            return pattern;
        }
        match pattern.kind {
            Kind::Object(fields) => {
                let object = self.temporary(pattern.place, "object");
                objects.push((object.clone(), fields));
                object
            }
            Kind::Array(items) => {
                let items = items.into_iter().map(|item| self.flatten(item, objects)).collect();
                Expr::new(pattern.place, Kind::Array(items))
            }
            kind => Expr::new(pattern.place, kind),
        }
    }
}
