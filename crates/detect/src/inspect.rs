//! What rules come to, for whoever writes or runs them: why a condition holds for an event, and which rules are blind.

#[cfg(test)]
mod tests;

use crate::interpret;
use crate::load::{Rule, RuleSet};
use crate::typed::{Tree, never};
use crate::value::{self, Truth};
use sekisho_trace::field::{Facts, Value};
use sekisho_trace::{EventCode, FieldId};
use std::collections::BTreeMap;

/// Part of a condition, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `and`, `or`, `not`, or the comparison.
    pub text: String,
    /// What it came to.
    pub truth: Truth,
    /// Of a comparison: the value that it compared, or why there is none.
    pub value: Option<String>,
    /// Its parts.
    pub parts: Vec<Step>,
}

/// Why a rule holds for an event, or does not.
pub fn explain(rule: &Rule, facts: &dyn Facts) -> Step {
    step(&rule.tree, facts)
}

fn step(tree: &Tree, facts: &dyn Facts) -> Step {
    let truth = interpret::judge(tree, facts);
    let all = |text: &str, parts: &[Tree]| Step {
        text: text.to_owned(),
        truth,
        value: None,
        parts: parts.iter().map(|part| step(part, facts)).collect(),
    };
    match tree {
        Tree::And(parts) => all("and", parts),
        Tree::Or(parts) => all("or", parts),
        Tree::Not(part) => all("not", std::slice::from_ref(part)),
        Tree::Atom(atom) => {
            let value = match value::get(&atom.left, facts).shown() {
                Value::Unknown(reason) => reason.to_string(),
                Value::Absent => "<NA>".to_owned(),
                value => value.scalars().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            };
            Step { text: atom.to_string(), truth, value: Some(value), parts: Vec::new() }
        }
    }
}

/// What of a rule works with what can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The name of the rule.
    pub rule: String,
    /// Whether it can alert at all.
    pub sight: Sight,
    /// The fields of its condition that cannot be filled, with the reasons.
    pub blind_fields: BTreeMap<&'static str, &'static str>,
    /// The fields of its output alone that cannot be filled, with the reasons.
    pub blind_outputs: BTreeMap<&'static str, &'static str>,
    /// The types of events that it asks for and that nobody tells.
    pub unseen_events: Vec<&'static str>,
}

/// How much of a rule works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// All of it.
    Full,
    /// It can alert, but not in every case that it means, or not be judged in some.
    Partial,
    /// It can never alert.
    Blind,
}

/// What of each rule works where fields that `blind` gives a reason for cannot be filled, and only events of types that
/// `seen` has are told.
pub fn coverage(
    rules: &RuleSet,
    blind: &dyn Fn(FieldId) -> Option<&'static str>,
    seen: &dyn Fn(EventCode) -> bool,
) -> Vec<Coverage> {
    rules.rules.iter().map(|rule| cover(rule, blind, seen)).collect()
}

fn cover(rule: &Rule, blind: &dyn Fn(FieldId) -> Option<&'static str>, seen: &dyn Fn(EventCode) -> bool) -> Coverage {
    let reason = |field: &sekisho_trace::Field| {
        never(field).or_else(|| blind(field.id)).map(|reason| (field.info().name, reason))
    };
    let mut blind_fields = BTreeMap::new();
    rule.tree.fields(&mut |field| blind_fields.extend(reason(field)));
    let outputs = rule.output.fields().into_iter().filter_map(reason);
    let blind_outputs = outputs.filter(|(name, _)| !blind_fields.contains_key(name)).collect();
    let mut unseen_events = Vec::new();
    let mut any_seen = false;
    if &*rule.source == "syscall" {
        // A call is told where any of its types is.
        for name in rule.events.names() {
            let told = EventCode::named(name).into_iter().any(seen);
            any_seen |= told;
            if !told {
                unseen_events.push(name);
            }
        }
        // Of rules for everything it is no news that something is not told.
        if rule.events.too_many() {
            unseen_events.clear();
        }
    } else {
        any_seen = seen(EventCode::PLUGINEVENT_E);
    }
    let can = possible(&rule.tree, &|field| reason(field).is_some());
    let sight = if !any_seen || !can.yes {
        Sight::Blind
    } else if can.unknown || !unseen_events.is_empty() {
        Sight::Partial
    } else {
        Sight::Full
    };
    Coverage { rule: rule.name.to_string(), sight, blind_fields, blind_outputs, unseen_events }
}

/// What a condition can come to.
#[derive(Clone, Copy)]
struct Possible {
    yes: bool,
    no: bool,
    unknown: bool,
}

fn possible(tree: &Tree, blind: &dyn Fn(&sekisho_trace::Field) -> bool) -> Possible {
    match tree {
        Tree::Atom(atom) => {
            let mut unknown = false;
            atom.fields(&mut |field| unknown |= blind(field));
            Possible { yes: !unknown, no: !unknown, unknown }
        }
        Tree::Not(part) => {
            let part = possible(part, blind);
            Possible { yes: part.no, no: part.yes, unknown: part.unknown }
        }
        Tree::And(parts) => {
            let parts: Vec<Possible> = parts.iter().map(|part| possible(part, blind)).collect();
            let (yes, no) = (parts.iter().all(|part| part.yes), parts.iter().any(|part| part.no));
            let unknown = parts.iter().any(|part| part.unknown) && parts.iter().all(|part| part.yes || part.unknown);
            Possible { yes, no, unknown }
        }
        Tree::Or(parts) => {
            let parts: Vec<Possible> = parts.iter().map(|part| possible(part, blind)).collect();
            let (yes, no) = (parts.iter().any(|part| part.yes), parts.iter().all(|part| part.no));
            let unknown = parts.iter().any(|part| part.unknown) && parts.iter().all(|part| part.no || part.unknown);
            Possible { yes, no, unknown }
        }
    }
}
