//! What is kept of a check: what many results have alike is kept once, and how much memory all takes is counted.

use crate::check::Checked;
use sekisho_model::{CheckExclusion, CheckResult, CheckSubject, Fix, PatchOperation, PolicyOutcome, Shared, Violation};
use serde_json::Value;
use std::collections::HashSet;
use std::hash::Hash;
use std::mem::size_of;

/// What results have alike, and about how many bytes of memory all of them take.
#[derive(Debug, Default)]
pub(crate) struct Keep {
    texts: HashSet<Shared<str>>,
    reasons: HashSet<Shared<[String]>>,
    exclusions: HashSet<Shared<CheckExclusion>>,
    fixes: HashSet<Shared<Fix>>,
    patches: HashSet<Shared<[PatchOperation]>>,
    weight: u64,
}

/// What one value takes beyond its bytes: its place in a table, and what an allocation costs.
const EACH: usize = 80;
/// What an object of JSON takes, however few members it has.
const OBJECT: usize = 640;
/// What a report shows of a result takes as much again: a list of those that it sorts.
const SHOWN: usize = 48;

impl Keep {
    /// About how many bytes of memory all takes that was kept.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// Counts a subject; its texts stand nowhere else.
    pub(crate) fn subject(&mut self, subject: &CheckSubject) {
        let CheckSubject { title, api_version, namespace, file, .. } = subject;
        let texts = [title, api_version, namespace, file].into_iter().map(|text| text.len() + size_of::<usize>() * 2);
        self.add(size_of::<CheckSubject>() + texts.sum::<usize>());
    }

    /// Counts what a policy has written into an audit log.
    pub(crate) fn audit(&mut self, lines: &[(String, String)]) {
        self.add(lines.iter().map(|(key, line)| key.len() + line.len() + EACH).sum());
    }

    /// Puts what was there before in the place of what is equal to it, and leaves no room unused.
    pub(crate) fn result(&mut self, result: &mut CheckResult, to: &CheckSubject) {
        let CheckResult { violations, reasons, excluded, .. } = result;
        // Cut where they are, they would leave behind each of them a hole that nothing fits into.
        let mut exact = Vec::with_capacity(violations.len());
        exact.append(violations);
        *violations = exact;
        let mut weight = size_of::<CheckResult>() + SHOWN;
        for violation in violations {
            weight += size_of::<Violation>() + of_value(&violation.details);
            let Violation { message, criterion, path, container, fix, .. } = violation;
            for text in [message, criterion, path].into_iter().chain(container) {
                if same(&mut self.texts, text) {
                    weight += text.len() + EACH;
                }
            }
            if let Some(fix) = fix
                && same(&mut self.fixes, fix)
            {
                weight += fix.text.len() + fix.patch.iter().map(of_operation).sum::<usize>() + EACH;
            }
        }
        if same(&mut self.reasons, reasons) {
            weight += reasons.iter().map(|reason| reason.len() + EACH).sum::<usize>() + EACH;
        }
        if let Some(excluded) = excluded
            && same(&mut self.exclusions, excluded)
        {
            weight += excluded.reason.len() + EACH;
        }
        if result.outcome == PolicyOutcome::Unknown {
            // The gate says so, too.
            weight += to.title.len() + result.reasons.iter().map(String::len).sum::<usize>() + EACH;
        }
        self.add(weight);
    }

    /// The changes of one subject, as those of another where they are equal.
    pub(crate) fn patch(&mut self, patch: Vec<PatchOperation>) -> Shared<[PatchOperation]> {
        let mut patch = Shared::from(patch);
        if same(&mut self.patches, &mut patch) {
            self.add(patch.iter().map(of_operation).sum::<usize>() + EACH);
        }
        patch
    }

    fn add(&mut self, bytes: usize) {
        self.weight = self.weight.saturating_add(bytes as u64);
    }
}

/// Makes `value` the one that is known and equal to it; whether it is new.
fn same<T: ?Sized + Eq + Hash>(known: &mut HashSet<Shared<T>>, value: &mut Shared<T>) -> bool {
    if let Some(before) = known.get(&**value) {
        value.clone_from(before);
        return false;
    }
    known.insert(value.clone())
}

fn of_operation(operation: &PatchOperation) -> usize {
    size_of::<PatchOperation>() + operation.path.len() + EACH + operation.value.as_ref().map_or(0, of_value)
}

/// About how many bytes a value takes beyond its own size.
fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| size_of::<Value>() + of_value(item)).sum(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| size_of::<Value>() + name.len() + of_value(value));
            OBJECT + members.sum::<usize>()
        }
    }
}

impl Checked {
    /// Takes a subject; its place.
    pub(crate) fn add_subject(&mut self, subject: CheckSubject, keep: &mut Keep) {
        keep.subject(&subject);
        self.subjects.push(subject);
    }
}
