//! A checked expression, ready to run.

use super::library::Overload;
use super::value::Value;
use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Code {
    Constant(Value),
    /// A variable, by its place among those declared.
    Variable(usize),
    /// What a policy composed, by its place.
    Composed(usize),
    /// A variable of a loop, by how many were there before.
    Local(usize),
    Field {
        of: Box<Code>,
        name: Arc<str>,
    },
    /// `of.?name`
    MaybeField {
        of: Box<Code>,
        name: Arc<str>,
    },
    Has {
        of: Box<Code>,
        name: Arc<str>,
    },
    Index {
        of: Box<Code>,
        index: Box<Code>,
    },
    /// `of[?index]`
    MaybeIndex {
        of: Box<Code>,
        index: Box<Code>,
    },
    Logic {
        all: bool,
        parts: Vec<Code>,
    },
    Not(Box<Code>),
    Choice(Box<[Code; 3]>),
    Equal {
        same: bool,
        sides: Box<[Code; 2]>,
    },
    Order {
        operator: Order,
        sides: Box<[Code; 2]>,
    },
    In(Box<[Code; 2]>),
    Call {
        name: Arc<str>,
        overloads: &'static [Overload],
        arguments: Vec<Code>,
    },
    /// `or`, and `orValue`: the other is run where there is no value.
    OrElse {
        of: Box<Code>,
        other: Box<Code>,
        unwrap: bool,
    },
    /// With whether each is optional.
    List(Vec<(bool, Code)>),
    Map(Vec<(bool, Code, Code)>),
    Loop(Box<Loop>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A macro that runs an expression for each element.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) over: Code,
    /// Whether place and value, or key and value, have a name each.
    pub(super) two: bool,
    /// What an element has to be, where it is left out otherwise.
    pub(super) filter: Option<Code>,
    pub(super) body: Code,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    /// `filter`: the elements that the body holds for.
    Filter,
    /// `map`, `transformList`
    List,
    /// `transformMap`
    Map,
    /// `transformMapEntry`
    Entries,
    SortBy,
    /// `optMap`
    Maybe,
    /// `optFlatMap`
    MaybeFlat,
}
