//! What is done about alerts, and what is kept from happening at all: a plan as a file says it, and the decisions that
//! follow from it. Whoever can act is told; nothing is done here.
//!
//! A plan only rehearses unless it says otherwise, and only touches containers unless it says otherwise. What cannot be
//! told of a container is never guessed: an action whose scope depends on it is withheld, with that as the reason.

mod ledger;
mod plan;
mod record;
#[cfg(test)]
mod tests;

pub use ledger::{Budget, Ledger, Withheld};
pub use plan::{Action, Connection, Denial, ENFORCED, Malformed, Place, Plan, Response, Scope, read};
pub use record::{Outcome, Record};
