//! What of a host's events rules can match, so that a sensor may leave out the rest.
//!
//! What is left out is proven: a region of paths is all of those for which a condition could hold, and where a
//! comparison says nothing of paths it is taken to hold. A rule about everything asks for everything but what
//! [`Demand::of`] is told is too much.

use crate::condition::Operator;
use crate::events::EventTypes;
use crate::load::{Rule, RuleSet};
use crate::typed::{Atom, AtomTest, Const, Getter, Side, Tree};
use crate::{Selection, Truth, value};
use sekisho_trace::EventCode as E;
use sekisho_trace::Field;
use sekisho_trace::field::{Facts, Given, Scope, Stamp, Value};
use std::collections::BTreeSet;

/// What rules can match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The types of events for which a rule can hold.
    pub events: EventTypes,
    /// Rules that ask for no type in particular: they see only the types that others ask for, and those that are not too many.
    pub of_everything: Vec<usize>,
    /// Which opens, by what became of them.
    pub opens: Opens,
    /// Calls that rules name and that have no event of their own.
    pub calls: BTreeSet<String>,
    /// Whether a rule about programs and processes asks how the call ended: only then those count that failed.
    pub failed_programs: bool,
    /// Whether a rule asks what files a process has open beside the one that an event is about.
    pub all_files: bool,
}

/// Which opens rules can match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// Those for reading only, that made no file.
    pub read: Region,
    /// Those for writing, and those that made the file.
    pub write: Region,
    /// Those that failed: whether any is asked for.
    pub failed: bool,
}

/// Paths of files, as the kernel has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region {
    /// All.
    All,
    /// Those that begin with one of these; none if there is none.
    Beginning(BTreeSet<Vec<u8>>),
}

/// Calls that open files.
const OPENS: [E; 5] = [E::OPEN_X, E::CREAT_X, E::OPENAT_2_X, E::OPENAT2_X, E::OPEN_BY_HANDLE_AT_X];

/// Fields for whose answer all files of a process have to be known.
const ALL_FILES: [&str; 2] = ["fd.types", "proc.fdopencount"];

impl Demand {
    /// Nothing.
    pub fn none() -> Self {
        Self {
            events: EventTypes::none(),
            of_everything: Vec::new(),
            opens: Opens { read: Region::none(), write: Region::none(), failed: false },
            calls: BTreeSet::new(),
            failed_programs: false,
            all_files: false,
        }
    }

    /// What the rules for system calls ask that are selected. `frequent` are types that a rule about everything does not
    /// get for itself.
    pub fn of(rules: &RuleSet, selection: &Selection, frequent: &dyn Fn(E) -> bool) -> Self {
        let mut demand = Self::none();
        let wanted = |(_, rule): &(usize, &Rule)| &*rule.source == "syscall" && selection.has(rule);
        for (at, rule) in rules.rules.iter().enumerate().filter(wanted) {
            if rule.events.too_many() && !rule.events.is_empty() {
                demand.of_everything.push(at);
                demand.events.join(&rule.events.without(frequent));
            } else {
                demand.events.join(&rule.events);
                named_calls(&rule.tree, &mut demand.calls);
                // What close closed is gone when it is told.
                demand.all_files |= rule.events.contains(E::CLOSE_X);
            }
            let programs = [E::EXECVE_19_X, E::EXECVEAT_X, E::CLONE_20_X, E::CLONE3_X];
            let about_programs = programs.into_iter().any(|code| rule.events.contains(code));
            demand.failed_programs |= about_programs && asks(&rule.tree, &is_result);
            let all_files = |field: &Field| ALL_FILES.contains(&field.info().name);
            demand.all_files |= asks(&rule.tree, &all_files) || rule.output.fields().into_iter().any(all_files);
            for code in OPENS.into_iter().filter(|code| rule.events.contains(*code)) {
                let of = |became| region(&rule.tree, false, &Settled { code, became });
                demand.opens.read.join(of(Became::Read));
                demand.opens.write.join(of(Became::Written));
                demand.opens.failed |= of(Became::Failed) != Region::none();
            }
        }
        demand
    }
}

impl Demand {
    /// Takes in what somebody else asks. Rules about everything stay those that they were.
    pub fn join(&mut self, other: Self) {
        self.events.join(&other.events);
        self.opens.read.join(other.opens.read);
        self.opens.write.join(other.opens.write);
        self.opens.failed |= other.opens.failed;
        self.calls.extend(other.calls);
        self.failed_programs |= other.failed_programs;
        self.all_files |= other.all_files;
    }
}

fn asks(tree: &Tree, about: &dyn Fn(&Field) -> bool) -> bool {
    let mut asks = false;
    tree.fields(&mut |field| asks |= about(field));
    asks
}

/// Whether a field says how a call ended.
fn is_result(field: &Field) -> bool {
    match (field.info().name, &field.given) {
        ("evt.res" | "evt.rawres" | "evt.failed" | "evt.count.error", _) => true,
        ("evt.arg" | "evt.rawarg", Given::Key(key)) => &**key == "res",
        ("evt.arg" | "evt.rawarg", given) => *given == Given::Index(0),
        _ => false,
    }
}

/// Calls that are named and have no event of their own.
fn named_calls(tree: &Tree, to: &mut BTreeSet<String>) {
    match tree {
        Tree::And(parts) | Tree::Or(parts) => parts.iter().for_each(|part| named_calls(part, to)),
        Tree::Not(part) => named_calls(part, to),
        Tree::Atom(atom) => {
            let (Getter::Field(field), AtomTest::Compare(_, _, Side::Values(values))) = (&atom.left, &atom.test) else {
                return;
            };
            if field.info().name == "evt.type" {
                let names = values.iter().filter_map(|value| match value {
                    Const::Text(name) => str::from_utf8(name).ok(),
                    _ => None,
                });
                to.extend(names.filter(|name| E::named(name).contains(&E::GENERIC_X)).map(str::to_owned));
            }
        }
    }
}

impl Region {
    fn none() -> Self {
        Self::Beginning(BTreeSet::new())
    }

    fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::All, _) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Beginning(all), Self::Beginning(other)) => all.extend(other),
        }
    }

    /// What is in both, and possibly more.
    fn meet(self, other: Self) -> Self {
        /// Beyond this many pairs the smaller of both is taken.
        const PAIRS: usize = 1 << 20;
        match (self, other) {
            (Self::All, other) | (other, Self::All) => other,
            (Self::Beginning(one), Self::Beginning(two)) if one.len().saturating_mul(two.len()) > PAIRS => {
                Self::Beginning(if one.len() < two.len() { one } else { two })
            }
            (Self::Beginning(one), Self::Beginning(two)) => {
                let longer = |a: &Vec<u8>, b: &Vec<u8>| match () {
                    () if a.starts_with(b) => Some(a.clone()),
                    () if b.starts_with(a) => Some(b.clone()),
                    () => None,
                };
                Self::Beginning(one.iter().flat_map(|a| two.iter().filter_map(move |b| longer(a, b))).collect())
            }
        }
    }

    /// Whether a path is in it.
    pub fn contains(&self, path: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Beginning(beginnings) => beginnings.iter().any(|beginning| path.starts_with(beginning)),
        }
    }
}

/// What became of an open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Read,
    Written,
    Failed,
}

/// An open of which only the call and what became of it is known.
struct Settled {
    code: E,
    became: Became,
}

impl Settled {
    /// What a comparison comes to, if that much decides it.
    fn atom(&self, atom: &Atom) -> Option<Truth> {
        let Getter::Field(field) = &atom.left else { return None };
        if !matches!(&atom.test, AtomTest::Exists | AtomTest::Compare(_, _, Side::Values(_))) {
            return None;
        }
        let known = match field.info().name {
            "evt.type" | "evt.failed" => true,
            // One that made a file for reading counts as written, and is not open for writing.
            "evt.is_open_write" => self.became == Became::Read,
            "fd.num" => self.became == Became::Failed,
            _ => false,
        };
        known.then(|| value::holds(atom, self).0)
    }
}

impl Facts for Settled {
    fn value(&self, field: &Field) -> Value<'_> {
        match field.info().name {
            "evt.type" => self.code.info().map_or(Value::Absent, |info| Value::text(info.name)),
            "evt.is_open_write" => Value::bool(false),
            "evt.failed" => Value::bool(self.became == Became::Failed),
            _ => Value::Absent,
        }
    }

    fn code(&self) -> E {
        self.code
    }

    fn stamp(&self, _: Scope) -> Option<Stamp> {
        None
    }
}

/// The paths for which a condition, or its opposite, could hold.
fn region(tree: &Tree, not: bool, open: &Settled) -> Region {
    match tree {
        Tree::Not(part) => region(part, !not, open),
        Tree::Atom(atom) => match open.atom(atom) {
            Some(truth) if truth == Truth::from(not) => Region::none(),
            Some(_) => Region::All,
            // The path of what failed is not known where it would be left out.
            None if not || open.became == Became::Failed => Region::All,
            None => named(atom),
        },
        Tree::And(parts) | Tree::Or(parts) => {
            let meets = matches!(tree, Tree::And(_)) != not;
            let mut whole = if meets { Region::All } else { Region::none() };
            for part in parts {
                let part = region(part, not, open);
                if meets { whole = whole.meet(part) } else { whole.join(part) }
            }
            whole
        }
    }
}

/// The paths for which a comparison could hold.
fn named(atom: &Atom) -> Region {
    let (Getter::Field(field), AtomTest::Compare(operator, _, Side::Values(values))) = (&atom.left, &atom.test) else {
        return Region::All;
    };
    // The directory of a file is how its path begins; that of a directory is the directory.
    if !matches!(field.info().name, "fd.name" | "fd.directory") {
        return Region::All;
    }
    let beginning = |text: &[u8]| match operator {
        Operator::Equal | Operator::In | Operator::Intersects | Operator::StartsWith => Some(text.to_vec()),
        Operator::Glob | Operator::PathMatch => {
            let literal = text.iter().position(|byte| b"*?[\\".contains(byte)).unwrap_or(text.len());
            // `pmatch /etc/` is met by /etc as well.
            let literal = text.get(..literal).unwrap_or_default();
            Some(literal.strip_suffix(b"/").unwrap_or(literal).to_vec())
        }
        _ => None,
    };
    let mut all = BTreeSet::new();
    for value in values {
        let Const::Text(text) = value else { return Region::All };
        // An empty text, and one that no path begins with, is not for this to decide.
        match beginning(text) {
            Some(beginning) if beginning.first() == Some(&b'/') => all.insert(beginning),
            _ => return Region::All,
        };
    }
    Region::Beginning(all)
}

#[cfg(test)]
mod tests;
