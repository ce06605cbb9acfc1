//! Modules as text, one literal a line, in which every line knows where it is from.

use super::syntax::Wrong;
use super::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind, Module, Rule};
use sekisho_base::tree::Place;
use std::fmt::Write;

/// How much work the engine's parser may have with expressions that lie in each other: it reads every array and object
/// twice.
const WORK: u64 = 4_000_000;

/// A text, and for each of its lines the place that it is from.
pub(super) struct Printed {
    pub(super) text: String,
    pub(super) places: Vec<Place>,
}

pub(super) fn print(module: &Module) -> Result<Printed, Wrong> {
    let mut printer =
        Printer { printed: Printed { text: String::new(), places: Vec::new() }, place: Place::default(), work: 0 };
    printer.put("package ");
    printer.path(&module.package);
    printer.end_line();
    for rule in &module.rules {
        printer.rule(rule);
        if printer.work > WORK {
            return Err(Wrong::new(rule.place, "arrays and objects lie too deep in each other"));
        }
    }
    Ok(printer.printed)
}

struct Printer {
    printed: Printed,
    /// Where what is being written is from.
    place: Place,
    work: u64,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.printed.text.push_str(text);
    }

    fn end_line(&mut self) {
        self.put("\n");
        self.printed.places.push(self.place);
    }

    /// A text in quotes; JSON escapes all that has to be.
    fn text(&mut self, text: &str) {
        // Writing to a text does not fail.
        let _ = write!(self.printed.text, "{}", serde_json::Value::from(text));
    }

    /// `a.b["c d"]`
    fn path(&mut self, path: &[String]) {
        for (index, step) in path.iter().enumerate() {
            if index == 0 {
                self.put(step);
            } else {
                self.step(step);
            }
        }
    }

    fn step(&mut self, step: &str) {
        let is_name = step.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && step.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            self.put(".");
            self.put(step);
        } else {
            self.put("[");
            self.text(step);
            self.put("]");
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.place = rule.place;
        if rule.is_default {
            self.put("default ");
        }
        self.put(&rule.name);
        self.steps(&rule.steps, 0);
        if let Some(arguments) = &rule.arguments {
            self.list("(", arguments, ")", 0);
        }
        if let Some(member) = &rule.member {
            self.put(" contains ");
            self.expr(member, 0);
        } else if let Some(value) = &rule.value {
            self.put(" := ");
            self.expr(value, 0);
        }
        if rule.body.is_empty() && rule.value.is_none() && rule.member.is_none() {
            self.put(" := true");
        }
        self.rule_body(&rule.body);
        for otherwise in &rule.otherwise {
            self.put(" else");
            self.put(" := ");
            match &otherwise.value {
                Some(value) => self.expr(value, 0),
                None => self.put("true"),
            }
            self.rule_body(&otherwise.body);
        }
        self.end_line();
    }

    fn rule_body(&mut self, body: &Body) {
        if !body.is_empty() {
            self.put(" if {");
            self.end_line();
            self.literals(body, 0);
            self.put("}");
        }
    }

    /// Each on its own line.
    fn literals(&mut self, body: &Body, depth: u32) {
        let outer = self.place;
        for (index, literal) in body.iter().enumerate() {
            self.place = literal.place;
            self.literal(literal, depth);
            // A line that begins with a parenthesis goes on with the one before.
            self.put(if index + 1 < body.len() { ";" } else { "" });
            self.end_line();
        }
        self.place = outer;
    }

    fn literal(&mut self, literal: &Literal, depth: u32) {
        match &literal.kind {
            LiteralKind::Every { key, value, domain, body } => {
                self.put("every ");
                if let Some(key) = key {
                    self.put(key);
                    self.put(", ");
                }
                self.put(value);
                self.put(" in ");
                self.expr(domain, depth);
                self.put(" {");
                self.end_line();
                self.literals(body, depth + 1);
                self.put("}");
            }
            LiteralKind::Not(expr) => {
                self.put("not ");
                self.expr(expr, depth);
            }
            LiteralKind::Assign(left, right) => self.pair(left, " := ", right, depth),
            LiteralKind::Unify(left, right) => self.pair(left, " = ", right, depth),
            LiteralKind::Test(expr) => self.expr(expr, depth),
            // Gone by now.
            LiteralKind::Some(_) | LiteralKind::SomeIn { .. } => {}
        }
        for (target, value) in &literal.with {
            self.put(" with ");
            self.expr(target, depth);
            self.put(" as ");
            self.expr(value, depth);
        }
    }

    fn pair(&mut self, left: &Expr, sign: &str, right: &Expr, depth: u32) {
        self.expr(left, depth);
        self.put(sign);
        self.expr(right, depth);
    }

    fn steps(&mut self, steps: &[Expr], depth: u32) {
        for step in steps {
            if let Kind::Text(text) = &step.kind {
                self.step(text);
            } else {
                self.put("[");
                self.expr(step, depth);
                self.put("]");
            }
        }
    }

    fn list(&mut self, open: &str, items: &[Expr], close: &str, depth: u32) {
        self.put(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            self.expr(item, depth);
        }
        self.put(close);
    }

    fn expr(&mut self, expr: &Expr, depth: u32) {
        self.work = self.work.saturating_add(1 << depth.min(60));
        match &expr.kind {
            Kind::Null => self.put("null"),
            Kind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Kind::Number(name) | Kind::Var(name) => self.put(name),
            Kind::Text(text) => self.text(text),
            Kind::Array(items) => self.list("[", items, "]", depth + 1),
            Kind::Set(items) if items.is_empty() => self.put("set()"),
            Kind::Set(items) => self.list("{", items, "}", depth + 1),
            Kind::Object(fields) => {
                self.put("{");
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        self.put(", ");
                    }
                    self.pair(key, ": ", value, depth + 1);
                }
                self.put("}");
            }
            Kind::ArrayOf(value, body) => self.comprehension("[", None, value, body, "]", depth + 1),
            Kind::SetOf(value, body) => self.comprehension("{", None, value, body, "}", depth + 1),
            Kind::ObjectOf(key, value, body) => self.comprehension("{", Some(key), value, body, "}", depth + 1),
            Kind::Ref(head, steps) => {
                self.expr(head, depth);
                self.steps(steps, depth);
            }
            Kind::Call(path, arguments) => {
                self.path(path);
                self.list("(", arguments, ")", depth);
            }
            Kind::Infix(sign, left, right) => {
                self.put("(");
                self.pair(left, &format!(" {sign} "), right, depth);
                self.put(")");
            }
            Kind::In(key, value, collection) => {
                self.put("(");
                if let Some(key) = key {
                    self.expr(key, depth);
                    self.put(", ");
                }
                self.pair(value, " in ", collection, depth);
                self.put(")");
            }
        }
    }

    fn comprehension(&mut self, open: &str, key: Option<&Expr>, value: &Expr, body: &Body, close: &str, depth: u32) {
        self.put(open);
        if let Some(key) = key {
            self.expr(key, depth);
            self.put(": ");
        }
        self.expr(value, depth);
        self.put(" |");
        self.end_line();
        self.literals(body, depth + 1);
        self.put(close);
    }
}
