//! Policies: what images and workloads are to be like, and whether they are.
//!
//! Texts and values in, verdicts out: nothing here opens a file or a connection, or asks the time.

pub mod compile;
pub mod criteria;
pub mod evaluate;
mod facts;
pub mod manifest;
pub mod pod_security;
pub mod policy;
pub mod rego;
mod said;
pub mod stackrox;
#[cfg(test)]
mod testing;

pub use compile::{Compiled, Fault, compile};
pub use criteria::{Image, Subject};
pub use evaluate::{Outcome, Verdict, Witness, evaluate};
pub use facts::{Component, ImageFacts, Vulnerability};
pub use said::{Message, Said};
