//! Comparisons that ask for the same value, answered together: one look at the value says which of them hold.
//!
//! Texts that are equal are looked up, beginnings, ends and paths are walked down a trie, parts are found by Aho-Corasick; the
//! rest is compared one by one, with expressions compiled.

use crate::condition::Operator;
use crate::condition::Quantifier::AnyOf;
use crate::typed::{self, Atom, AtomTest, Const, Each, Getter, Side};
use crate::value::{self, Truth};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use hashbrown::HashMap;
use sekisho_trace::field::{Facts, Kind, Scalar, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// Of how many comparisons of a group it can be told whether they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    All,
    Some,
    None,
}

/// Where an answer is noted.
pub(super) type Bit = u32;

/// Comparisons with one value on their left.
#[derive(Debug)]
pub(super) enum Group {
    /// One that also has a value of the event on its right.
    Single(Arc<Atom>, Bit),
    /// Any number of others.
    Many(Box<Many>),
}

#[derive(Debug)]
pub(super) struct Many {
    getter: Getter,
    each: Each,
    /// All of them: for forgetting what was, and for values of which not all is known.
    all: Vec<(Arc<Atom>, Bit)>,
    exists: Vec<Bit>,
    equal: HashMap<Box<[u8]>, Vec<Bit>>,
    /// Those that hold unless the value is this.
    unequal: HashMap<Box<[u8]>, Vec<Bit>>,
    differ: Vec<Bit>,
    starts: Trie,
    ends: Trie,
    /// Paths, for those that are one of them or below one.
    tops: Trie,
    contains: Option<Parts>,
    contains_any_case: Option<Parts>,
    plain: Vec<Plain>,
}

/// Texts that are looked for in another, and which comparison each is of.
#[derive(Debug)]
struct Parts {
    finder: AhoCorasick,
    bits: Vec<Bit>,
}

#[derive(Debug)]
struct Plain {
    operator: Operator,
    atom: Arc<Atom>,
    bit: Bit,
    regexes: Vec<regex::Regex>,
}

/// Texts by their first bytes.
#[derive(Debug, Default)]
struct Trie {
    nodes: Vec<TrieNode>,
}

#[derive(Debug, Default)]
struct TrieNode {
    next: Vec<(u8, u32)>,
    bits: Vec<Bit>,
}

impl Trie {
    fn insert(&mut self, text: impl Iterator<Item = u8>, bit: Bit) {
        if self.nodes.is_empty() {
            self.nodes.push(TrieNode::default());
        }
        let mut at = 0;
        for byte in text {
            let known = self.nodes[at].next.binary_search_by_key(&byte, |(byte, _)| *byte);
            at = match known {
                Ok(found) => self.nodes[at].next[found].1 as usize,
                Err(place) => {
                    let new = self.nodes.len();
                    self.nodes.push(TrieNode::default());
                    self.nodes[at].next.insert(place, (byte, new as u32));
                    new
                }
            };
        }
        self.nodes[at].bits.push(bit);
    }

    /// Calls `hit` for every text that begins this one, and behind which there is `next`, or anything where that is none.
    fn walk(&self, text: impl Iterator<Item = u8> + Clone, next: Option<u8>, hit: &mut impl FnMut(Bit)) {
        let Some(mut node) = self.nodes.first() else { return };
        let mut rest = text;
        loop {
            let mut after = rest.clone();
            let byte = after.next();
            if !node.bits.is_empty() && (next.is_none() || byte.is_none() || byte == next) {
                node.bits.iter().for_each(|bit| hit(*bit));
            }
            let Some(byte) = byte else { return };
            let Ok(found) = node.next.binary_search_by_key(&byte, |(byte, _)| *byte) else { return };
            node = &self.nodes[node.next[found].1 as usize];
            rest = after;
        }
    }
}

impl Parts {
    fn new(texts: Vec<(Vec<u8>, Bit)>, any_case: bool) -> Option<Self> {
        if texts.is_empty() {
            return None;
        }
        let (texts, bits): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        let finder = AhoCorasickBuilder::new().ascii_case_insensitive(any_case).build(texts).ok()?;
        Some(Self { finder, bits })
    }
}

/// What is gathered before a group is made.
#[derive(Debug, Default)]
pub(super) struct Gather {
    contains: Vec<(Vec<u8>, Bit)>,
    contains_any_case: Vec<(Vec<u8>, Bit)>,
}

impl Many {
    pub(super) fn new(getter: Getter, each: Each) -> Self {
        Self {
            getter,
            each,
            all: Vec::new(),
            exists: Vec::new(),
            equal: HashMap::new(),
            unequal: HashMap::new(),
            differ: Vec::new(),
            starts: Trie::default(),
            ends: Trie::default(),
            tops: Trie::default(),
            contains: None,
            contains_any_case: None,
            plain: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, atom: &Arc<Atom>, bit: Bit, gather: &mut Gather) {
        self.all.push((Arc::clone(atom), bit));
        let (operator, quantifier, values) = match &atom.test {
            AtomTest::Exists => return self.exists.push(bit),
            AtomTest::Compare(operator, quantifier, Side::Values(values)) => (*operator, *quantifier, values),
            // Those are of their own.
            AtomTest::Compare(_, _, Side::Getter(_)) => return,
        };
        let any = matches!(self.each, Each::One | Each::Ancestors);
        let texts: Option<Vec<&[u8]>> = values
            .iter()
            .map(|value| match value {
                Const::Text(text) => Some(&**text),
                _ => None,
            })
            .collect();
        let texts = texts.filter(|_| any && self.getter.shape().kind == Kind::Text);
        match (operator, quantifier, texts) {
            (Operator::Equal, None | Some(AnyOf), Some(texts))
            | (Operator::In | Operator::Intersects, _, Some(texts)) => {
                for text in texts {
                    self.equal.entry(text.into()).or_default().push(bit);
                }
            }
            (Operator::NotEqual, None, Some(texts)) if self.each == Each::One => {
                self.differ.push(bit);
                for text in texts {
                    self.unequal.entry(text.into()).or_default().push(bit);
                }
            }
            (Operator::StartsWith, None | Some(AnyOf), Some(texts)) => {
                for text in texts {
                    self.starts.insert(text.iter().copied(), bit);
                }
            }
            (Operator::EndsWith, None | Some(AnyOf), Some(texts)) => {
                for text in texts {
                    self.ends.insert(text.iter().rev().copied(), bit);
                }
            }
            (Operator::PathMatch, _, Some(texts)) if texts.iter().all(|text| !plain_path(text).is_empty()) => {
                for text in texts {
                    self.tops.insert(plain_path(text).iter().copied(), bit);
                }
            }
            (Operator::Contains, None | Some(AnyOf), Some(texts)) => {
                gather.contains.extend(texts.iter().map(|text| (text.to_vec(), bit)));
            }
            (Operator::IContains, None | Some(AnyOf), Some(texts)) => {
                gather.contains_any_case.extend(texts.iter().map(|text| (text.to_vec(), bit)));
            }
            _ => {
                let regexes = match operator {
                    Operator::Regex => values.iter().filter_map(expression).collect(),
                    _ => Vec::new(),
                };
                self.plain.push(Plain { operator, atom: Arc::clone(atom), bit, regexes });
            }
        }
    }

    pub(super) fn finish(&mut self, gather: Gather) {
        self.contains = Parts::new(gather.contains, false);
        self.contains_any_case = Parts::new(gather.contains_any_case, true);
    }

    fn look(&self, value: &Value<'_>, bits: &mut [u64]) {
        let scalars = value.scalars();
        let mut set = |bit: Bit| bits[bit as usize / 64] |= 1 << (bit % 64);
        self.exists.iter().chain(&self.differ).for_each(|bit| set(*bit));
        for scalar in scalars {
            let Scalar::Text(text) = scalar else { continue };
            let text: &[u8] = text;
            if !self.equal.is_empty() {
                self.equal.get(text).into_iter().flatten().for_each(|bit| set(*bit));
            }
            self.starts.walk(text.iter().copied(), None, &mut set);
            self.ends.walk(text.iter().rev().copied(), None, &mut set);
            if !self.tops.nodes.is_empty() {
                self.tops.walk(plain_path(text).iter().copied(), Some(b'/'), &mut set);
            }
            for parts in [&self.contains, &self.contains_any_case].into_iter().flatten() {
                for hit in parts.finder.find_overlapping_iter(text) {
                    set(parts.bits[hit.pattern().as_usize()]);
                }
            }
        }
        for plain in &self.plain {
            if plain.holds(scalars) {
                set(plain.bit);
            }
        }
        if let Some(Scalar::Text(text)) = scalars.first()
            && !self.unequal.is_empty()
        {
            for bit in self.unequal.get(&**text).into_iter().flatten() {
                bits[*bit as usize / 64] &= !(1 << (bit % 64));
            }
        }
    }
}

impl Plain {
    fn holds(&self, scalars: &[Scalar<'_>]) -> bool {
        let AtomTest::Compare(_, quantifier, Side::Values(values)) = &self.atom.test else { return false };
        let one = |scalar: &Scalar<'_>| match (self.operator, scalar) {
            (Operator::Regex, Scalar::Text(text)) => {
                let text = String::from_utf8_lossy(text);
                let mut each = self.regexes.iter().map(|regex| regex.is_match(&text));
                match quantifier {
                    None => each.next().unwrap_or(false),
                    Some(quantifier) => value::quantified(*quantifier, each),
                }
            }
            _ => value::element(self.operator, *quantifier, scalar, values),
        };
        match (self.atom.each, self.operator) {
            (Each::One, _) => scalars.first().is_some_and(one),
            (Each::Ends, Operator::NotEqual) | (Each::List, Operator::In) => scalars.iter().all(one),
            _ => scalars.iter().any(one),
        }
    }
}

/// A path with one slash where it has several, and none at its end.
fn plain_path(path: &[u8]) -> Cow<'_, [u8]> {
    let mut path = Cow::Borrowed(path);
    if memchr::memmem::find(&path, b"//").is_some() {
        path.to_mut().dedup_by(|a, b| (*a, *b) == (b'/', b'/'));
    }
    if path.ends_with(b"/") {
        path = match path {
            Cow::Borrowed(path) => Cow::Borrowed(&path[..path.len() - 1]),
            Cow::Owned(path) => Cow::Owned(path[..path.len() - 1].to_vec()),
        };
    }
    path
}

fn expression(value: &Const) -> Option<regex::Regex> {
    match value {
        Const::Text(text) => typed::regex(str::from_utf8(text).ok()?).ok(),
        // Of values of any kind only texts have expressions.
        Const::Raw(text) => typed::regex(text).ok(),
        _ => None,
    }
}

impl Group {
    /// Notes which comparisons hold; for how many of them that can be told. Where it is for some, those of which it cannot be are
    /// noted in `unsure`.
    pub(super) fn answer(&self, facts: &dyn Facts, bits: &mut [u64], unsure: &mut [u64]) -> Told {
        match self {
            Self::Single(atom, bit) => {
                let truth = value::holds(atom, facts).0;
                let (word, mask) = (*bit as usize / 64, 1 << (bit % 64));
                match truth {
                    Truth::True => bits[word] |= mask,
                    _ => bits[word] &= !mask,
                }
                if truth == Truth::Unknown { Told::None } else { Told::All }
            }
            Self::Many(many) => {
                for (_, bit) in &many.all {
                    bits[*bit as usize / 64] &= !(1 << (bit % 64));
                }
                match value::get(&many.getter, facts) {
                    Value::Unknown(_) => Told::None,
                    Value::Absent => Told::All,
                    value @ Value::Partly(_) => {
                        for (atom, bit) in &many.all {
                            let truth = value::compared(atom, &value, facts).0;
                            let (word, mask) = (*bit as usize / 64, 1 << (bit % 64));
                            let set = |words: &mut [u64], set: bool| {
                                words[word] = words[word] & !mask | if set { mask } else { 0 };
                            };
                            set(bits, truth == Truth::True);
                            set(unsure, truth == Truth::Unknown);
                        }
                        Told::Some
                    }
                    value => {
                        many.look(&value, bits);
                        Told::All
                    }
                }
            }
        }
    }
}
