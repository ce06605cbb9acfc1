//! For which types of events a condition can hold.
//!
//! Each comparison of `evt.type` gives a set, every other all types; `and` intersects, `or` unites, and `not` is taken
//! down to the comparisons, as Falco does it (`libsinsp/filter/ppm_codes.cpp`). A type that is left out cannot match.

use crate::condition::{Operator, Quantifier};
use crate::typed::{Atom, AtomTest, Const, Getter, Side, Tree};
use sekisho_trace::EventCode;
use sekisho_trace::event::EVENTS;
use std::fmt::{self, Debug, Formatter};

/// A set of types of events.
#[derive(Clone, PartialEq, Eq)]
pub struct EventTypes {
    bits: Vec<u64>,
    /// Whether it has types that the table does not.
    others: bool,
}

impl EventTypes {
    /// No type.
    pub fn none() -> Self {
        Self { bits: vec![0; EVENTS.len().div_ceil(64)], others: false }
    }

    /// Every type.
    pub fn all() -> Self {
        let mut bits = vec![u64::MAX; EVENTS.len().div_ceil(64)];
        if let (Some(last), used @ 1..) = (bits.last_mut(), EVENTS.len() % 64) {
            *last = (1 << used) - 1;
        }
        Self { bits, others: true }
    }

    /// The types for which a condition can hold.
    pub(crate) fn of(tree: &Tree) -> Self {
        infer(tree, false).unwrap_or_else(Self::all)
    }

    /// Whether it has this type.
    pub fn contains(&self, code: EventCode) -> bool {
        let at = usize::from(code.0);
        if at < EVENTS.len() { self.bits[at / 64] & (1 << (at % 64)) != 0 } else { self.others }
    }

    /// How many types of the table it has.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.others
    }

    /// Whether Falco warns of it: none, or more than a hundred.
    pub fn too_many(&self) -> bool {
        !(1..=100).contains(&self.len())
    }

    /// The names of its types, sorted, each once.
    pub fn names(&self) -> Vec<&'static str> {
        let codes = (0..EVENTS.len()).filter(|at| self.contains(EventCode(*at as u16)));
        let mut names: Vec<&str> = codes.map(|at| EVENTS[at].name).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn insert(&mut self, code: EventCode) {
        let at = usize::from(code.0);
        if let Some(bits) = self.bits.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    /// Its types without some.
    pub(crate) fn without(&self, some: &dyn Fn(EventCode) -> bool) -> Self {
        let mut rest = self.clone();
        for code in (0..EVENTS.len()).filter(|code| some(EventCode(*code as u16))) {
            rest.bits[code / 64] &= !(1 << (code % 64));
        }
        rest
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits |= other);
        self.others |= other.others;
    }

    fn meet(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits &= other);
        self.others &= other.others;
    }

    fn complement(&self) -> Self {
        let mut rest = Self::all();
        rest.bits.iter_mut().zip(&self.bits).for_each(|(bits, taken)| *bits &= !taken);
        // One type is for all calls that have none of their own: without one of them there are the others.
        rest.insert(EventCode::GENERIC_E);
        rest.insert(EventCode::GENERIC_X);
        rest
    }
}

impl Debug for EventTypes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::all() { f.write_str("all") } else { f.debug_set().entries(self.names()).finish() }
    }
}

/// `None` is every type, as most comparisons have it.
fn infer(tree: &Tree, not: bool) -> Option<EventTypes> {
    match tree {
        Tree::Not(part) => infer(part, !not),
        Tree::Atom(atom) => {
            let (types, opposite) = named(atom)?;
            Some(if opposite == not { types } else { types.complement() })
        }
        Tree::And(parts) | Tree::Or(parts) if matches!(tree, Tree::And(_)) != not => {
            parts.iter().filter_map(|part| infer(part, not)).reduce(|mut types, part| {
                types.meet(&part);
                types
            })
        }
        Tree::And(parts) | Tree::Or(parts) => {
            let mut types = EventTypes::none();
            for part in parts {
                types.join(&infer(part, not)?);
            }
            Some(types)
        }
    }
}

/// The types that an atom names, and whether it holds for the others instead.
fn named(atom: &Atom) -> Option<(EventTypes, bool)> {
    let Getter::Field(field) = &atom.left else { return None };
    let AtomTest::Compare(operator, quantifier, Side::Values(values)) = &atom.test else { return None };
    if field.info().name != "evt.type" {
        return None;
    }
    let opposite = match (operator, quantifier) {
        (Operator::Equal, None | Some(Quantifier::AnyOf)) | (Operator::In | Operator::Intersects, None) => false,
        (Operator::NotEqual, None | Some(Quantifier::AllOf)) => true,
        _ => return None,
    };
    let mut types = EventTypes::none();
    for value in values {
        let Const::Text(name) = value else { return None };
        let name = str::from_utf8(name).ok()?;
        for code in EventCode::named(name) {
            types.insert(code);
        }
    }
    // Nothing compared with several of nothing holds.
    if values.is_empty() && quantifier.is_some() {
        return Some((EventTypes::none(), false));
    }
    Some((types, opposite))
}
