//! Rego as it is written: texts become [`ast`], whichever dialect they are in, with the places of everything.
//!
//! The grammar is that of [OPA](https://www.openpolicyagent.org/docs/latest/policy-reference/#grammar); where its text and
//! its parser differ, the parser's. What a name means is not known here.

pub(super) mod ast;
mod lex;
mod parse;

pub(super) use parse::module;

use sekisho_base::tree::Place;

/// How Rego is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Before OPA 1.0: without `if` and `contains`, unless they are imported.
    V0,
    /// Since OPA 1.0.
    V1,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: Place,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }
}
