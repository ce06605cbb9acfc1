//! Detection rules: files of them, and conditions, which compiled and plain have to come to the same.

use super::LIMITS;
use sekisho_detect::load::{File, RuleSet, Settings, load};
use sekisho_detect::{Engine, Matching, Selection, Truth, condition, inspect};
use sekisho_trace::field::{Kind, Scalar, Scope, Stamp, Unknown};
use sekisho_trace::{EventCode, Facts, Field, Value};
use std::sync::Arc;

/// A file of rules, behind one that it can change.
pub fn detect_rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let base = "- list: l\n  items: [a, b c]\n- macro: m\n  condition: proc.name in (l)\n- rule: r\n  desc: d\n  \
                condition: evt.type=open and m\n  output: o %proc.name\n  priority: INFO\n";
    let files = [File { name: "base.yaml", text: base }, File { name: "x.yaml", text }];
    let loaded = load(&files, &Settings::default(), &LIMITS);
    assert_eq!(loaded.rules.is_none(), loaded.problems.iter().any(|problem| problem.code.is_error()), "no reason");
    for problem in &loaded.problems {
        assert!(!problem.message.is_empty() && !problem.file.is_empty() && !problem.to_string().is_empty());
    }
    let Some(rules) = loaded.rules else { return };
    for rule in &rules.rules {
        // What ends in a backslash cannot be written in quotes.
        let written = rule.condition.to_string();
        if !written.contains("\\\"") && written.len() < 10_000 {
            let read = condition::parse(&written).unwrap_or_else(|mistake| panic!("{written}: {mistake}"));
            assert_eq!(read.to_string(), written);
        }
    }
    judge(rules);
}

/// The whole text as a condition.
pub fn detect_condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(condition) = serde_json::to_string(text) else { return };
    let rule = format!("- rule: r\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n");
    let loaded = load(&[File { name: "x.yaml", text: &rule }], &Settings::default(), &LIMITS);
    if let Some(rules) = loaded.rules {
        judge(rules);
    }
}

/// Compiled and plain come to the same.
fn judge(rules: RuleSet) {
    let rules = Arc::new(rules);
    let mut engine = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::All);
    let mut found = Vec::new();
    for seed in 0..6 {
        let facts = Made { seed, code: EventCode::named("open")[0] };
        engine.judge(&facts, &mut found);
        for (at, rule) in rules.rules.iter().enumerate().filter(|(_, rule)| &*rule.source == "syscall" && rule.enabled)
        {
            let plain = inspect::explain(rule, &facts).truth;
            assert_eq!(found.contains(&at), plain == Truth::True, "{}", rule.condition);
        }
    }
}

/// An event with some value for every field.
struct Made {
    seed: usize,
    code: EventCode,
}

impl Facts for Made {
    fn value(&self, field: &Field) -> Value<'_> {
        if field.info().name == "evt.type" {
            return Value::text("open");
        }
        let texts = ["", "a", "/a/b", "b c", "x"];
        let scalar = match field.info().kind {
            Kind::Bool => Scalar::Bool(self.seed.is_multiple_of(2)),
            Kind::Int | Kind::RelativeTime => Scalar::Int(self.seed.cast_signed() as i64 - 2),
            Kind::Uint | Kind::Port | Kind::AbsoluteTime => Scalar::Uint(self.seed as u64),
            Kind::Ip | Kind::Net => Scalar::Ip([10, 0, 0, self.seed as u8].into()),
            Kind::Text | Kind::Bytes | Kind::Dynamic => Scalar::Text(texts[self.seed % 5].as_bytes().into()),
        };
        match (self.seed, field.info().name.len()) {
            (4, _) => Value::Absent,
            (5, length) if length.is_multiple_of(2) => Value::Unknown(Unknown::NotRecorded),
            _ if field.is_list() => Value::list(vec![scalar.clone(), scalar]),
            _ => Value::One(scalar),
        }
    }

    fn code(&self) -> EventCode {
        self.code
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        (scope != Scope::Event).then_some(Stamp([self.seed as u64, 0, 0]))
    }
}
