//! What is said of a request, weighed: what is refused, told or noted, and the decision that comes of it.

use crate::judge::{Decision, Outcome};
use crate::rules::{Doubt, Mode};
use crate::said::{denial, listed, warnings};
use sekisho_policy::vap::Action;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that is said of a request.
struct Line {
    id: String,
    text: String,
    /// Whether it says that nobody knows.
    unknown: bool,
}

/// All that is said of a request, by what follows from it.
#[derive(Default)]
pub(crate) struct Weighed {
    mode: Option<Mode>,
    denials: Vec<Line>,
    warnings: Vec<Line>,
    noted: Vec<Line>,
    pub(crate) violated: BTreeSet<String>,
    pub(crate) unknown: BTreeSet<String>,
    /// Those for which there was no time.
    pub(crate) not_judged: BTreeSet<String>,
    pub(crate) not_evaluated: BTreeSet<String>,
    pub(crate) excluded: BTreeSet<String>,
    /// What policies have written into the audit log: `POLICY/KEY=VALUE`.
    pub(crate) written: Vec<String>,
}

impl Weighed {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }

    /// Takes a violation and what is to follow from it, which the mode of the namespace bounds.
    pub(crate) fn put(&mut self, follows: Action, id: &str, text: String) {
        self.take(follows, Line { id: id.to_owned(), text, unknown: false });
    }

    fn take(&mut self, follows: Action, line: Line) {
        match (self.mode, follows) {
            (Some(Mode::Enforce), Action::Deny) => self.denials.push(line),
            (Some(Mode::Enforce | Mode::Warn), Action::Deny | Action::Warn) => self.warnings.push(line),
            _ => self.noted.push(line),
        }
    }

    /// Takes what nobody can say; `follows` is what would from a violation, and the most that does.
    pub(crate) fn doubt(&mut self, doubt: Doubt, follows: Action, id: &str, text: String) {
        // Without an id it is about all of them.
        self.unknown.insert(if id.is_empty() { "all" } else { id }.to_owned());
        let most = match doubt {
            Doubt::Allow => Action::Audit,
            Doubt::Warn => Action::Warn,
            Doubt::Deny => Action::Deny,
        };
        self.take(follows.max(most), Line { id: id.to_owned(), text, unknown: true });
    }

    /// Whether it is refused already.
    pub(crate) fn is_denied(&self) -> bool {
        !self.denials.is_empty()
    }

    /// `waiting` is how many policies about images were not asked.
    pub(crate) fn decision(self, waiting: usize) -> Decision {
        let outcome = if !self.denials.is_empty() {
            Outcome::Denied
        } else if !self.warnings.is_empty() {
            Outcome::Warned
        } else if !self.noted.is_empty() {
            Outcome::Noted
        } else {
            Outcome::Passed
        };
        let mut annotations = BTreeMap::from([("verdict", outcome.as_str().to_owned())]);
        annotations.extend(self.mode.map(|mode| ("mode", mode.as_str().to_owned())));
        for (name, ids) in [
            ("violated", &self.violated),
            ("unknown", &self.unknown),
            ("not-judged", &self.not_judged),
            ("not-evaluated", &self.not_evaluated),
            ("excluded", &self.excluded),
        ] {
            if !ids.is_empty() {
                annotations.insert(name, listed(ids.iter().map(String::as_str)));
            }
        }
        if !self.written.is_empty() {
            annotations.insert("policy-annotations", listed(self.written.iter().map(String::as_str)));
        }
        // What is about all of them has no id.
        let with_id = self.denials.iter().filter(|line| !line.id.is_empty());
        let denied: BTreeSet<&str> = with_id.map(|line| line.id.as_str()).collect();
        if !denied.is_empty() {
            annotations.insert("denied-by", listed(denied.into_iter()));
        }
        let texts = |lines: &[Line]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
        let unknown = self.denials.iter().filter(|line| line.unknown).count();
        let violated = self.denials.iter().filter(|line| !line.unknown).map(|line| line.id.as_str());
        let violated = violated.collect::<BTreeSet<_>>().len();
        let note = match waiting {
            0 => String::new(),
            1 => "1 policy about images was not asked".to_owned(),
            more => format!("{more} policies about images were not asked"),
        };
        let message = if self.denials.is_empty() {
            String::new()
        } else {
            denial(&texts(&self.denials), violated, unknown, &note)
        };
        let told: Vec<String> = texts(&self.warnings).into_iter().map(|text| format!("sekisho: {text}")).collect();
        Decision {
            outcome,
            mode: self.mode,
            message,
            warnings: warnings(&told),
            annotations,
            policies: self.violated.into_iter().collect(),
            unknown: self.unknown.into_iter().collect(),
            not_judged: self.not_judged.into_iter().collect(),
            reason: None,
        }
    }
}
