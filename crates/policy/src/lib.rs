//! Policies: what images and workloads are to be like, and whether they are.
//!
//! Texts and values in, verdicts out: nothing here opens a file or a connection, or asks the time.

mod activity;
mod cel;
mod check;
pub mod compile;
pub mod criteria;
pub mod evaluate;
mod explain;
mod facts;
mod fix;
mod foreign;
mod go;
mod keep;
pub mod manifest;
pub mod native;
pub mod pod_security;
pub mod policy;
pub mod rego;
mod request;
mod said;
mod scope;
mod set;
#[cfg(test)]
mod shipped;
pub mod stackrox;
mod support;
#[cfg(test)]
mod testing;
mod validate;
pub mod vap;
mod witness;

pub use activity::{ActivityVerdict, check_activity};
pub use check::{
    CheckOptions, Checked, Context, ImageSubject, check_image, check_manifests, check_request, described,
    explain_manifests, judge, prove,
};
pub use compile::{Compiled, Fault, compile, near};
pub use criteria::{Image, Subject};
pub use evaluate::{Outcome, Verdict, evaluate};
pub use explain::Step;
pub use facts::{Component, ImageFacts, Vulnerability};
pub use foreign::{Foreign, Point};
pub use request::Request;
pub use said::{Message, Said};
pub use scope::Surroundings;
pub use set::{PolicyFault, PolicySet, Ready};
pub use witness::Witness;
