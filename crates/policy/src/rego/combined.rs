//! Whether rules are about all files at once, as `conftest test --combine` asks them: `input` is a list of
//! `{"path": …, "contents": …}` then. Of one document such a rule says nothing, whatever is in it.

use super::syntax::ast::{Body, Expr, Kind, LiteralKind, Module, Rule};

/// Whether one of the module's rules goes through `input` and looks at `contents` of what is in it.
pub(super) fn is_about_files(module: &Module) -> bool {
    module.rules.iter().any(|rule| {
        let mut found = Found::default();
        found.rule(rule);
        found.of_input || (found.each_of_input && found.contents)
    })
}

#[derive(Default)]
struct Found {
    /// `input[i].contents`
    of_input: bool,
    /// `some file in input`
    each_of_input: bool,
    /// `file.contents`
    contents: bool,
}

fn is_contents(step: Option<&Expr>) -> bool {
    step.is_some_and(|step| matches!(&step.kind, Kind::Text(text) if text == "contents"))
}

fn is_input(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Var(name) if name == "input")
}

impl Found {
    fn rule(&mut self, rule: &Rule) {
        let heads = rule.steps.iter().chain(&rule.member).chain(&rule.value);
        heads.for_each(|expr| self.expr(expr));
        self.body(&rule.body);
        for other in &rule.otherwise {
            other.value.iter().for_each(|value| self.expr(value));
            self.body(&other.body);
        }
    }

    fn body(&mut self, body: &Body) {
        for literal in body {
            match &literal.kind {
                LiteralKind::Some(_) => {}
                LiteralKind::SomeIn { collection, .. } => {
                    self.each_of_input |= is_input(collection);
                    self.expr(collection);
                }
                LiteralKind::Every { domain, body, .. } => {
                    self.each_of_input |= is_input(domain);
                    self.expr(domain);
                    self.body(body);
                }
                LiteralKind::Not(expr) | LiteralKind::Test(expr) => self.expr(expr),
                LiteralKind::Assign(left, right) | LiteralKind::Unify(left, right) => {
                    self.expr(left);
                    self.expr(right);
                }
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if let Kind::Ref(head, steps) = &expr.kind {
            let goes_through = steps.first().is_some_and(|step| matches!(step.kind, Kind::Var(_)));
            if is_input(head) && goes_through {
                self.of_input |= is_contents(steps.get(1));
                // `file := input[_]`
                self.each_of_input |= steps.len() == 1;
            }
            self.contents |= !is_input(head) && is_contents(steps.first());
        }
        expr.parts().into_iter().for_each(|part| self.expr(part));
        match &expr.kind {
            Kind::ArrayOf(_, body) | Kind::SetOf(_, body) | Kind::ObjectOf(_, _, body) => self.body(body),
            _ => {}
        }
    }
}
