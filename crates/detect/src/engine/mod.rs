//! Rules over a stream of events: which of them match, and which cannot be judged.
//!
//! Events are told apart by their type first: for each there is a list of the rules that can hold for it, in which
//! comparisons of the type are settled. All conditions are one graph of distinct parts. What depends on the process or the
//! container alone is answered once for it, and kept as long as the facts do not change ([`Facts::stamp`]).

mod graph;
mod group;
mod select;
#[cfg(test)]
mod tests;

pub use select::{By, Selection};

use self::group::Told;
use crate::interpret;
use crate::load::RuleSet;
use crate::typed::{Atom, Getter, Tree};
use crate::value::{self, Truth};
use graph::{AREAS, Asked, Graph, Id, What};
use hashbrown::HashMap;
use sekisho_trace::event::EVENTS;
use sekisho_trace::field::{Facts, Scope, Stamp, Unknown, Value};
use sekisho_trace::{EventCode, Field};
use std::sync::Arc;

/// Which of several rules that match an event alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Matching {
    /// The first in the order of the files.
    #[default]
    First,
    /// All.
    All,
}

/// Rules, ready for events. What was found out about processes and containers is kept in it.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    matching: Matching,
    graph: Graph,
    /// The rules for each type of events, by place, with the node of their condition.
    lists: Vec<Vec<(u32, Id)>>,
    /// The first bit of each list in [`Answers::out`], at the beginning of a word.
    firsts: Vec<usize>,
    /// Which list is for which type.
    by_code: Vec<u32>,
    /// The list for types that the table does not have.
    others: u32,
    areas: [Area; AREAS],
    /// How often each rule could not be judged, and the first reason.
    unjudged: Vec<Unjudged>,
    /// How many times what was kept was forgotten, since it was too much.
    forgotten: u64,
}

/// That a rule could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unjudged {
    /// For how many events.
    pub events: u64,
    /// The comparison that could not be made the first time, as text, and why.
    pub first: Option<(String, Unknown)>,
}

/// Answers that hold for one process, container or event.
#[derive(Debug)]
struct Answers {
    /// How long they hold.
    stamp: Option<Stamp>,
    nodes: Vec<u8>,
    groups: Vec<u8>,
    bits: Vec<u64>,
    /// Comparisons of groups that are [`PARTLY`] known and that cannot be told.
    unsure: Vec<u64>,
    /// One bit for each place in the lists of rules: that the rule cannot hold as long as these answers do.
    out: Vec<u64>,
}

/// Answers of one scope, for everything they were found for.
#[derive(Debug, Default)]
struct Area {
    /// The first is for the event that is judged, where nothing longer is known.
    answers: Vec<Answers>,
    /// The place of each process's or container's, by the first word of its stamps.
    places: HashMap<u64, usize>,
    /// The answers for the event that is judged.
    current: usize,
}

/// For how many processes or containers answers are kept.
const KEPT: usize = 16 * 1024;

const UNSET: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNKNOWN: u8 = 3;
/// Of a group: some of its comparisons can be told.
const PARTLY: u8 = 4;

fn note(truth: Truth) -> u8 {
    match truth {
        Truth::False => FALSE,
        Truth::True => TRUE,
        Truth::Unknown => UNKNOWN,
    }
}

impl Engine {
    /// The rules that are on and selected.
    pub fn new(rules: Arc<RuleSet>, selection: &Selection, matching: Matching) -> Self {
        let active: Vec<usize> = (0..rules.rules.len()).filter(|at| selection.has(&rules.rules[*at])).collect();
        let mut graph = Graph::default();
        let all = Arc::clone(&rules);
        let mut typed = HashMap::new();
        for at in &active {
            type_atoms(&all.rules[*at].tree, &mut typed);
        }
        let atoms: Vec<&Atom> = {
            let mut atoms: Vec<_> = typed.iter().map(|(atom, at)| (*at, *atom)).collect();
            atoms.sort_unstable_by_key(|(at, _)| *at);
            atoms.into_iter().map(|(_, atom)| atom).collect()
        };
        // Types for which the same rules can hold, with the same comparisons of the type, have one list.
        let mut lists: Vec<Vec<(u32, Id)>> = Vec::new();
        let mut by_shape: HashMap<(Vec<usize>, Vec<Option<Truth>>), u32> = HashMap::new();
        let mut list = |graph: &mut Graph, code: EventCode| {
            let audit = code == EventCode::PLUGINEVENT_E;
            let can = |at: &usize| {
                let rule = &rules.rules[*at];
                if &*rule.source == "k8s_audit" { audit } else { !audit && rule.events.contains(code) }
            };
            let wanted: Vec<usize> = active.iter().copied().filter(can).collect();
            let settled: Vec<Option<Truth>> = atoms.iter().map(|atom| settled(atom, code)).collect();
            *by_shape.entry((wanted, settled)).or_insert_with_key(|(wanted, settled)| {
                let known = |atom: &Atom| typed.get(atom).and_then(|at| settled[*at]);
                let mut list = Vec::new();
                for &at in wanted {
                    let node = graph.add(&rules.rules[at].tree, &known);
                    if !graph.is_never(node) {
                        list.push((at as u32, node));
                    }
                }
                lists.push(list);
                lists.len() as u32 - 1
            })
        };
        let by_code = (0..EVENTS.len()).map(|code| list(&mut graph, EventCode(code as u16))).collect();
        let others = list(&mut graph, EventCode(u16::MAX));
        graph.finish();
        let mut areas: [Area; AREAS] = Default::default();
        let mut firsts = Vec::new();
        for list in &lists {
            firsts.push(graph.outs * 64);
            graph.outs += list.len().div_ceil(64);
        }
        for (at, area) in areas.iter_mut().enumerate() {
            area.answers.push(Answers::new(&graph, at));
        }
        let unjudged = vec![Unjudged::default(); rules.rules.len()];
        Self { rules, matching, graph, lists, firsts, by_code, others, areas, unjudged, forgotten: 0 }
    }

    /// The rules that it was made of.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Whether any rule can hold for events of this type.
    pub fn wants(&self, code: EventCode) -> bool {
        !self.list(code).is_empty()
    }

    /// How often each rule could not be judged, in the order of the rules.
    pub fn unjudged(&self) -> &[Unjudged] {
        &self.unjudged
    }

    /// Goes on counting where another ended whose place it takes, for rules of the same name.
    pub(crate) fn follow(&mut self, other: &Self) {
        let names = other.rules.rules.iter().map(|rule| &rule.name);
        let known: HashMap<_, _> = names.zip(&other.unjudged).filter(|(_, unjudged)| unjudged.events > 0).collect();
        for (rule, unjudged) in self.rules.rules.iter().zip(&mut self.unjudged) {
            if let Some(known) = known.get(&rule.name) {
                (*known).clone_into(unjudged);
            }
        }
    }

    /// How many times answers about processes were forgotten because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many distinct comparisons, and parts of conditions, there are.
    pub fn size(&self) -> (usize, usize) {
        let atoms = self.graph.asked.iter().filter(|node| matches!(node.what, What::Atom(..))).count();
        (atoms, self.graph.asked.len())
    }

    fn list(&self, code: EventCode) -> &[(u32, Id)] {
        let list = self.by_code.get(usize::from(code.0)).copied().unwrap_or(self.others);
        &self.lists[list as usize]
    }

    /// Puts the places of the rules that alert for an event into `found`, in order.
    pub fn judge(&mut self, facts: &dyn Facts, found: &mut Vec<usize>) {
        found.clear();
        let code = facts.code();
        let list = self.by_code.get(usize::from(code.0)).copied().unwrap_or(self.others) as usize;
        if self.lists[list].is_empty() {
            return;
        }
        for scope in [Scope::Event, Scope::Process, Scope::Lineage, Scope::Container] {
            self.find_answers(graph::area(scope), if scope == Scope::Event { None } else { facts.stamp(scope) });
        }
        let first = self.firsts[list];
        for word in 0..self.lists[list].len().div_ceil(64) {
            let rest = self.lists[list].len() - word * 64;
            let mut left = if rest < 64 { (1 << rest) - 1 } else { u64::MAX } & !self.out(first / 64 + word);
            while left != 0 {
                let at = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let (rule, node) = self.lists[list][at];
                match self.condition(node, first + at, facts) {
                    Truth::False => {}
                    Truth::True => {
                        found.push(rule as usize);
                        if self.matching == Matching::First {
                            return;
                        }
                    }
                    Truth::Unknown => self.unknown(rule as usize, facts),
                }
            }
        }
    }

    /// Which rules of a list, 64 at a time, cannot hold whatever the event is, as far as that was found before.
    fn out(&self, word: usize) -> u64 {
        self.areas.iter().map(|area| area.answers[area.current].out[word]).fold(0, |all, out| all | out)
    }

    /// What the whole condition of a rule comes to. Where a part that holds longer than the event decides that it is
    /// false, that is noted, so that it need not be asked again.
    fn condition(&mut self, id: Id, bit: usize, facts: &dyn Facts) -> Truth {
        let (mut truth, (first, end)) = match self.graph.asked[id as usize].what {
            What::And(first, end) => (Truth::True, (first, end)),
            _ => return self.node(id, facts),
        };
        for at in first..end {
            let part = self.graph.parts[at as usize];
            match self.node(part, facts) {
                Truth::True => {}
                Truth::Unknown => truth = Truth::Unknown,
                Truth::False => {
                    let area = &mut self.areas[usize::from(self.graph.asked[part as usize].area)];
                    // The first answers of an area are for one event only, and forgotten before the next.
                    area.answers[area.current].out[bit / 64] |= 1 << (bit % 64);
                    return Truth::False;
                }
            }
        }
        truth
    }

    fn unknown(&mut self, rule: usize, facts: &dyn Facts) {
        let unjudged = &mut self.unjudged[rule];
        unjudged.events += 1;
        if unjudged.first.is_none() {
            let mut unknowns = Vec::new();
            interpret::unknowns(&self.rules.rules[rule].tree, facts, &mut unknowns);
            unjudged.first = unknowns.first().map(|(atom, reason)| (atom.to_string(), *reason));
        }
    }

    fn node(&mut self, id: Id, facts: &dyn Facts) -> Truth {
        let Asked { what, area, slot } = self.graph.asked[id as usize];
        let area = &mut self.areas[usize::from(area)];
        let answers = &mut area.answers[area.current];
        match answers.nodes[slot as usize] {
            FALSE => return Truth::False,
            TRUE => return Truth::True,
            UNKNOWN => return Truth::Unknown,
            _ => {}
        }
        let truth = match what {
            What::Known(truth) => truth,
            What::Atom(group, bit) => {
                let (group, bit) = (group as usize, bit as usize);
                if answers.groups[group] == UNSET {
                    let told = self.graph.groups[group].1.answer(facts, &mut answers.bits, &mut answers.unsure);
                    answers.groups[group] = match told {
                        Told::All => TRUE,
                        Told::Some => PARTLY,
                        Told::None => UNKNOWN,
                    };
                }
                match answers.groups[group] {
                    UNKNOWN => Truth::Unknown,
                    PARTLY if answers.unsure[bit / 64] & (1 << (bit % 64)) != 0 => Truth::Unknown,
                    _ => Truth::from(answers.bits[bit / 64] & (1 << (bit % 64)) != 0),
                }
            }
            What::Not(part) => self.node(part, facts).opposite(),
            What::And(first, end) => self.all(first, end, Truth::False, facts),
            What::Or(first, end) => self.all(first, end, Truth::True, facts),
        };
        let area = &mut self.areas[usize::from(self.graph.asked[id as usize].area)];
        area.answers[area.current].nodes[slot as usize] = note(truth);
        truth
    }

    fn all(&mut self, first: u32, end: u32, decides: Truth, facts: &dyn Facts) -> Truth {
        let mut truth = decides.opposite();
        for at in first..end {
            match self.node(self.graph.parts[at as usize], facts) {
                found if found == decides => return decides,
                Truth::Unknown => truth = Truth::Unknown,
                _ => {}
            }
        }
        truth
    }

    /// Finds the answers of an area that hold for the event with this stamp.
    fn find_answers(&mut self, at: usize, stamp: Option<Stamp>) {
        let area = &mut self.areas[at];
        let Some(stamp) = stamp else {
            area.current = 0;
            area.answers[0].forget(None);
            return;
        };
        if area.answers[area.current].stamp == Some(stamp) {
            return;
        }
        let whose = stamp.0[0];
        if area.places.len() >= KEPT && !area.places.contains_key(&whose) {
            area.places.clear();
            area.answers.truncate(1);
            self.forgotten += 1;
        }
        let next = area.answers.len();
        let place = *area.places.entry(whose).or_insert(next);
        if place == next {
            area.answers.push(Answers::new(&self.graph, at));
        }
        if area.answers[place].stamp != Some(stamp) {
            area.answers[place].forget(Some(stamp));
        }
        area.current = place;
    }
}

impl Answers {
    fn new(graph: &Graph, area: usize) -> Self {
        Self {
            stamp: None,
            nodes: vec![UNSET; graph.slots[area]],
            groups: vec![UNSET; graph.groups.len()],
            bits: vec![0; graph.words[area]],
            unsure: vec![0; graph.words[area]],
            out: vec![0; graph.outs],
        }
    }

    fn forget(&mut self, stamp: Option<Stamp>) {
        self.stamp = stamp;
        self.nodes.fill(UNSET);
        self.groups.fill(UNSET);
        self.out.fill(0);
    }
}

/// The comparisons of the type of events with what rules name, numbered.
fn type_atoms<'t>(tree: &'t Tree, to: &mut HashMap<&'t Atom, usize>) {
    match tree {
        Tree::And(parts) | Tree::Or(parts) => parts.iter().for_each(|part| type_atoms(part, to)),
        Tree::Not(part) => type_atoms(part, to),
        Tree::Atom(atom) => {
            let of_type = matches!(&atom.left, Getter::Field(field) if field.info().name == "evt.type");
            let mut fields = 0;
            atom.fields(&mut |_| fields += 1);
            if of_type && fields == 1 {
                let next = to.len();
                to.entry(atom).or_insert(next);
            }
        }
    }
}

/// What a comparison of the type of events comes to for one type.
fn settled(atom: &Atom, code: EventCode) -> Option<Truth> {
    // One type is for all calls that have none of their own; of a type that is not in the table nothing is known.
    let open = matches!(code, EventCode::GENERIC_E | EventCode::GENERIC_X) || code.info().is_none();
    (!open).then(|| value::holds(atom, &TypeOnly(code)).0)
}

/// An event of which only the type is known.
struct TypeOnly(EventCode);

impl Facts for TypeOnly {
    fn value(&self, _: &Field) -> Value<'_> {
        self.0.info().map_or(Value::Absent, |info| Value::text(info.name))
    }

    fn code(&self) -> EventCode {
        self.0
    }

    fn stamp(&self, _: Scope) -> Option<Stamp> {
        None
    }
}
