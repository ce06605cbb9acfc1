//! Policies in the language of the API server: `ValidatingAdmissionPolicy` and its bindings, and what Gatekeeper's
//! templates say in it (<https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>).
//!
//! A manifest is judged as if it were made now, by somebody unknown, in a cluster of which only the given objects are
//! known; a request is judged as the server describes it. What would need more (the authorizer, who asks, the labels of a namespace that is not given, parameters that
//! are not given) is [`Outcome::Unknown`](crate::Outcome::Unknown) with the reason, and so is an expression that fails:
//! the server would refuse the request or let it pass, as `failurePolicy` says, but by an accident and not because of
//! what the policy is about. A policy that the server would refuse is a [`Fault`], and unknown for all it is about.

pub mod convert;
pub mod gatekeeper;
mod image_name;
mod load;
mod review;
mod rules;
mod selector;
mod served;
mod terms;
#[cfg(test)]
mod tests;

pub use load::{Asked, Policies};
pub use review::Review;
pub(crate) use review::Shown;

use sekisho_base::tree::Place;

/// What is wrong with a policy or a binding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {title}: {path} {reason}", .place.line, .place.column)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What it is about: `ValidatingAdmissionPolicy/limits`.
    pub title: String,
    /// Which field: `spec.validations[0].expression`.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What follows where a policy is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// Whoever asks is told.
    Warn,
    /// It is written into the audit log.
    Audit,
}
