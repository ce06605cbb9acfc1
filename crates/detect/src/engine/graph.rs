//! Conditions of all rules as one graph: equal parts are one node, whatever rules they are in.
//!
//! Parts of `and` and `or` are put together by how long their answers hold, and the cheap ones come first.

use super::group::{Bit, Gather, Group, Many};
use crate::typed::{Atom, AtomTest, Each, Getter, Side, Tree};
use crate::value::Truth;
use hashbrown::HashMap;
use sekisho_trace::field::{Kind, Scope};
use std::sync::Arc;

/// Place of a node.
pub(super) type Id = u32;

/// A node, as it is looked for while the graph is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Known(Truth),
    /// A comparison: its group, and its bit.
    Atom(u32, Bit),
    Not(Id),
    And(Box<[Id]>),
    Or(Box<[Id]>),
}

/// A node, as it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) what: What,
    /// The area of its answers, and its place there.
    pub(super) area: u8,
    pub(super) slot: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Known(Truth),
    Atom(u32, Bit),
    Not(Id),
    /// The first of [`Graph::parts`], and the one behind the last.
    And(u32, u32),
    Or(u32, u32),
}

/// How many areas there are: one for each [`Scope`].
pub(super) const AREAS: usize = 4;

/// The area whose answers hold as long as those of a scope.
pub(super) fn area(scope: Scope) -> usize {
    match scope {
        Scope::Event => 0,
        Scope::Process => 1,
        Scope::Lineage => 2,
        Scope::Container => 3,
    }
}

/// What depends on both.
fn both(a: Scope, b: Scope) -> Scope {
    match (a, b) {
        (a, b) if a == b => a,
        (Scope::Process, Scope::Lineage) | (Scope::Lineage, Scope::Process) => Scope::Lineage,
        _ => Scope::Event,
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    scope: Scope,
    /// Place in the answers of its area.
    slot: u32,
    cost: u32,
}

/// The graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// All nodes, once the graph is finished.
    pub(super) asked: Vec<Asked>,
    /// What `and` and `or` consist of.
    pub(super) parts: Vec<Id>,
    nodes: Vec<Node>,
    places: Vec<Place>,
    /// Each with its area.
    pub(super) groups: Vec<(usize, Group)>,
    /// How many nodes, and words of bits, each area has.
    pub(super) slots: [usize; AREAS],
    pub(super) words: [usize; AREAS],
    /// How many words the places in all lists of rules take.
    pub(super) outs: usize,
    known: HashMap<Node, Id>,
    atoms: HashMap<Arc<Atom>, Id>,
    gathering: HashMap<(Getter, Each), (u32, Gather)>,
    bits: [Bit; AREAS],
}

impl Graph {
    /// The node of a condition, with the comparisons for which `known` has an answer taken as that.
    pub(super) fn add(&mut self, tree: &Tree, known: &dyn Fn(&Atom) -> Option<Truth>) -> Id {
        match tree {
            Tree::Not(part) => {
                let part = self.add(part, known);
                match self.nodes[part as usize] {
                    Node::Known(truth) => self.node(Node::Known(truth.opposite()), Scope::Lineage, 0),
                    Node::Not(inner) => inner,
                    _ => {
                        let Place { scope, cost, .. } = self.places[part as usize];
                        self.node(Node::Not(part), scope, cost)
                    }
                }
            }
            Tree::And(parts) => self.add_all(parts, known, true),
            Tree::Or(parts) => self.add_all(parts, known, false),
            Tree::Atom(atom) => match known(atom) {
                Some(truth) => self.node(Node::Known(truth), Scope::Lineage, 0),
                None => self.atom(atom),
            },
        }
    }

    fn add_all(&mut self, parts: &[Tree], known: &dyn Fn(&Atom) -> Option<Truth>, and: bool) -> Id {
        let decides = Truth::from(!and);
        let mut found = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.add(part, known);
            match &self.nodes[part as usize] {
                Node::Known(truth) if *truth == decides => return part,
                Node::Known(truth) if *truth == decides.opposite() => {}
                Node::And(inner) if and => found.extend(inner.iter().copied()),
                Node::Or(inner) if !and => found.extend(inner.iter().copied()),
                _ => found.push(part),
            }
        }
        // Those whose answers hold for longer are nodes of their own, so that one look says what they come to.
        let mut joined = Vec::new();
        for scope in [Scope::Process, Scope::Lineage, Scope::Container] {
            let of: Vec<Id> = found.iter().copied().filter(|id| self.places[*id as usize].scope == scope).collect();
            if of.len() > 1 && of.len() < found.len() {
                found.retain(|id| self.places[*id as usize].scope != scope);
                joined.push(self.join(of, and));
            }
        }
        found.extend(joined);
        self.join(found, and)
    }

    fn join(&mut self, mut parts: Vec<Id>, and: bool) -> Id {
        parts.sort_unstable_by_key(|id| (self.places[*id as usize].cost, *id));
        parts.dedup();
        match parts[..] {
            [] => self.node(Node::Known(Truth::from(and)), Scope::Lineage, 0),
            [only] => only,
            _ => {
                let scopes = parts.iter().map(|id| self.places[*id as usize].scope);
                let scope = scopes.reduce(both).unwrap_or(Scope::Event);
                let cost = parts.iter().map(|id| self.places[*id as usize].cost).fold(0, u32::saturating_add);
                let parts = parts.into_boxed_slice();
                self.node(
                    if and { Node::And(parts) } else { Node::Or(parts) },
                    scope,
                    if scope == Scope::Event { cost } else { 1 },
                )
            }
        }
    }

    fn node(&mut self, node: Node, scope: Scope, cost: u32) -> Id {
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = self.nodes.len() as Id;
        let slot = &mut self.slots[area(scope)];
        self.places.push(Place { scope, slot: *slot as u32, cost });
        *slot += 1;
        self.nodes.push(node.clone());
        self.known.insert(node, id);
        id
    }

    fn atom(&mut self, atom: &Arc<Atom>) -> Id {
        if let Some(id) = self.atoms.get(atom) {
            return *id;
        }
        let mut scope = None;
        atom.fields(&mut |field| {
            let own = field.info().scope;
            scope = Some(scope.map_or(own, |scope| both(scope, own)));
        });
        // What depends on nothing holds for good.
        let scope = scope.unwrap_or(Scope::Lineage);
        let area = area(scope);
        let bit = self.bits[area];
        self.bits[area] += 1;
        self.words[area] = (self.bits[area] as usize).div_ceil(64);
        let group = if let AtomTest::Compare(_, _, Side::Getter(_)) = &atom.test {
            self.groups.push((area, Group::Single(Arc::clone(atom), bit)));
            self.groups.len() as u32 - 1
        } else {
            let key = (atom.left.clone(), atom.each);
            let next = self.groups.len() as u32;
            let (group, gather) = self.gathering.entry(key).or_insert_with_key(|(getter, each)| {
                self.groups.push((area, Group::Many(Box::new(Many::new(getter.clone(), *each)))));
                (next, Gather::default())
            });
            if let (_, Group::Many(many)) = &mut self.groups[*group as usize] {
                many.add(atom, bit, gather);
            }
            *group
        };
        let cost = match (scope, atom.left.shape().kind, &atom.left) {
            (Scope::Event, Kind::Text | Kind::Bytes, _) => 8,
            (Scope::Event, _, Getter::Field(_)) => 3,
            (Scope::Event, ..) => 12,
            _ => 1,
        };
        let id = self.node(Node::Atom(group, bit), scope, cost);
        self.atoms.insert(Arc::clone(atom), id);
        id
    }

    /// Makes what was gathered ready, and forgets what only building needs.
    pub(super) fn finish(&mut self) {
        for (group, gather) in std::mem::take(&mut self.gathering).into_values() {
            if let (_, Group::Many(many)) = &mut self.groups[group as usize] {
                many.finish(gather);
            }
        }
        let asked = self.nodes.iter().zip(&self.places).map(|(node, place)| {
            let mut span = |parts: &[Id]| {
                let first = self.parts.len() as u32;
                self.parts.extend_from_slice(parts);
                (first, self.parts.len() as u32)
            };
            let what = match node {
                Node::Known(truth) => What::Known(*truth),
                Node::Atom(group, bit) => What::Atom(*group, *bit),
                Node::Not(part) => What::Not(*part),
                Node::And(parts) => {
                    let (first, end) = span(parts);
                    What::And(first, end)
                }
                Node::Or(parts) => {
                    let (first, end) = span(parts);
                    What::Or(first, end)
                }
            };
            Asked { what, area: area(place.scope) as u8, slot: place.slot }
        });
        self.asked = asked.collect();
        self.nodes = Vec::new();
        self.places = Vec::new();
        self.known = HashMap::new();
        self.atoms = HashMap::new();
    }

    /// Whether a condition holds for no event, as far as the graph knows.
    pub(super) fn is_never(&self, id: Id) -> bool {
        self.nodes[id as usize] == Node::Known(Truth::False)
    }
}
