//! What all agents and scans report to: it keeps what they found, and judges it anew whenever something new is known.
//!
//! Facts are stored, verdicts are computed: an inventory comes once, and each advisory database after it is held against what
//! is stored, without another scan.

pub mod http;
mod intake;
mod judging;
mod keeping;
mod metrics;
#[cfg(test)]
mod testing;

pub use judging::{Hub, HubError};
pub use keeping::Told;
pub use metrics::Metrics;
