//! Negated expressions: what OPA binds before them, so that they say nothing where that is undefined.

use super::expression::infix;
use super::{Beside, Lowerer};
use crate::rego::syntax::ast::{Expr, Kind, LiteralKind};

impl Lowerer<'_> {
    pub(super) fn negation(&mut self, expr: &Expr, beside: &mut Beside) -> LiteralKind {
        let was_negated = std::mem::replace(&mut self.is_negated, true);
        let lowered = self.negated_top(expr, beside);
        self.is_negated = was_negated;
        LiteralKind::Not(lowered)
    }

    /// What OPA leaves within the negation: the outermost operation, and the references that are compared for equality.
    pub(super) fn negated_top(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let place = expr.place;
        match &expr.kind {
            Kind::Infix("==" | "=", left, right) => {
                let [left, right] = [left, right].map(|side| match side.kind {
                    Kind::Ref(..) | Kind::Var(_) => self.negated_reference(side, beside),
                    _ => self.operand(side, beside),
                });
                // Nothing is bound in a negation, so that both are the same.
                Expr::new(place, Kind::Infix("==", Box::new(left), Box::new(right)))
            }
            Kind::Infix(..) | Kind::In(..) | Kind::Call(..) => self.operation(expr, beside),
            Kind::Ref(..) | Kind::Var(_) => self.negated_reference(expr, beside),
            _ => self.operand(expr, beside),
        }
    }

    /// A reference that may be undefined; what its steps need may not.
    pub(super) fn negated_reference(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let Kind::Ref(head, steps) = &expr.kind else { return self.plain(expr, beside) };
        if !matches!(head.kind, Kind::Var(_)) {
            let bound = self.operand(head, beside);
            let steps = steps.iter().map(|step| self.operand(step, beside)).collect();
            return Expr::new(expr.place, Kind::Ref(Box::new(bound), steps));
        }
        let steps = steps.iter().map(|step| self.operand(step, beside)).collect();
        self.reference(expr.place, head, steps, beside)
    }

    /// Something that must be defined for a negated expression to say anything.
    pub(super) fn operand(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let lowered = match &expr.kind {
            Kind::Ref(..) => self.negated_reference(expr, beside),
            Kind::Call(..) | Kind::Infix(..) | Kind::In(..) => self.operation(expr, beside),
            Kind::Array(items) => {
                let items = items.iter().map(|item| self.operand(item, beside)).collect();
                return Expr::new(expr.place, Kind::Array(items));
            }
            Kind::Set(items) => {
                let items = items.iter().map(|item| self.operand(item, beside)).collect();
                return Expr::new(expr.place, Kind::Set(items));
            }
            Kind::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (self.operand(key, beside), self.operand(value, beside)));
                return Expr::new(expr.place, Kind::Object(fields.collect()));
            }
            _ => self.plain(expr, beside),
        };
        match &lowered.kind {
            Kind::Var(name) if self.is_global(name) => self.bind(lowered, beside),
            Kind::Ref(..) | Kind::Call(..) | Kind::Infix(..) | Kind::In(..) => self.bind(lowered, beside),
            _ => lowered,
        }
    }

    /// An operation or call on operands.
    pub(super) fn operation(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let mut operand = |part: &Expr| Box::new(self.operand(part, beside));
        let kind = match &expr.kind {
            Kind::Infix(sign, left, right) => infix(sign, *operand(left), *operand(right)),
            Kind::In(key, value, collection) => {
                Kind::In(key.as_ref().map(|key| operand(key)), operand(value), operand(collection))
            }
            Kind::Call(path, arguments) => {
                let mut operands: Vec<Expr> = arguments.iter().map(|argument| *operand(argument)).collect();
                // In a negation the value is compared.
                if self.arity(path).is_some_and(|arity| operands.len() == arity + 1)
                    && let Some(value) = operands.pop()
                {
                    let call = self.call(expr.place, path, operands, beside);
                    let call = self.bind(call, beside);
                    return Expr::new(expr.place, Kind::Infix("==", Box::new(call), Box::new(value)));
                }
                return self.call(expr.place, path, operands, beside);
            }
            _ => return self.plain(expr, beside),
        };
        Expr::new(expr.place, kind)
    }
}
