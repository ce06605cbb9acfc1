//! Policies in [Rego](https://www.openpolicyagent.org/docs/latest/policy-language/).
//!
//! The engine is regorus, which is not handed what is written: see `lower`. Verdicts and messages are those of OPA;
//! where the engine is known to say something else and nothing can be done, the policy is refused, and where an
//! evaluation fails or takes too long, its outcome is unknown.

mod builtins;
mod combined;
pub mod conftest;
mod engine;
pub mod gatekeeper;
mod graph;
mod lower;
mod print;
mod safety;
mod syntax;
#[cfg(test)]
mod tests;

pub(crate) use builtins::at;
pub use conftest::Conftest;
pub(crate) use engine::Share;
pub use gatekeeper::Gatekeeper;
pub use syntax::Dialect;

use sekisho_base::tree::Place;
use std::fmt;

/// What keeps a policy from being used, or an evaluation from having a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file; empty where it is about none.
    pub file: String,
    /// Where in it; zeros where that is not known.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}", self.file)?;
            if self.place != Place::default() {
                write!(f, ":{}:{}", self.place.line, self.place.column)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)
    }
}
