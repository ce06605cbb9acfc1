//! The Common Expression Language as the API server of Kubernetes runs it: texts are checked once against what is
//! declared, and run with a bound on their cost.
//!
//! The language is that of <https://github.com/google/cel-spec>, with the checker and the libraries that Kubernetes has
//! (`k8s.io/apiserver/pkg/cel/environment`, the newest set: optional values, two-variable comprehensions, the
//! libraries of lists, strings, sets, regular expressions, URLs, addresses, quantities, versions, formats and the
//! authorizer). What the API server would refuse when a policy is made is a [`Fault`] here, so that nothing is judged
//! by an expression that no server would take.
//!
//! Not here: what the variables hold, which is what `vap` knows.

mod check;
mod code;
mod lexer;
mod library;
mod parser;
mod run;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub(crate) use library::canonical_quantity;
pub(crate) use run::{Meter, Scope, Stop};
pub(crate) use types::{Record, Type};
pub(crate) use value::{Key, Map, Value};

use code::Code;
use sekisho_base::tree::Place;
use std::sync::Arc;

/// Characters of one expression, as many as the API server takes.
const CHARACTERS: usize = 100_000;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where in the expression, from 1.
    pub(crate) place: Place,
    /// What is wrong.
    pub(crate) reason: String,
}

/// What an expression may name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declarations {
    /// Variables by name, in the order in which a [`Scope`] knows them.
    pub(crate) variables: Vec<(&'static str, Type)>,
    /// What `variables` has, in the order in which a [`Scope`] knows them.
    pub(crate) composed: Vec<(String, Type)>,
}

/// An expression that can be run.
#[derive(Debug)]
pub(crate) struct Program {
    code: Code,
    /// What it gives.
    pub(crate) result: Type,
    /// How deep it is nested.
    pub(crate) depth: usize,
}

impl Program {
    /// The program that `text` is.
    pub(crate) fn new(text: &str, declarations: &Declarations) -> Result<Self, Fault> {
        if text.chars().take(CHARACTERS + 1).count() > CHARACTERS {
            let reason = format!("has more than {CHARACTERS} characters");
            return Err(Fault { place: Place { line: 1, column: 1 }, reason });
        }
        let result = parser::parse(text).and_then(|expression| {
            let (code, result) = check::check(&expression, declarations)?;
            Ok(Self { code, result, depth: expression.depth })
        });
        result.map_err(|mistake| Fault { place: place_of(text, mistake.at), reason: mistake.reason })
    }

    /// What it gives where the variables are those of `scope`.
    pub(crate) fn run(&self, scope: &dyn Scope, meter: &Meter) -> Result<Value, Stop> {
        run::run(&self.code, scope, meter)
    }
}

/// What is wrong, and at which byte.
#[derive(Debug)]
struct Mistake {
    at: usize,
    reason: String,
}

impl Mistake {
    fn new(at: usize, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

/// Line and column of a byte, both from 1.
fn place_of(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Place { line: number(line), column: number(column) }
}

/// A text as it is kept in values.
fn shared(text: &str) -> Arc<str> {
    Arc::from(text)
}
