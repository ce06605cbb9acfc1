//! Baselines: what containers of an image do, learned from events; and what is outside of that.
//!
//! [`Learner`] and [`Drift`] look at events beside the rules. Baselines of several containers, hosts or days are joined by
//! [`join`], in any order and more than once. A locked one is a list of what is allowed: [`rules`] and [`seccomp()`] write
//! it for others to enforce.
//!
//! Everything is bounded ([`Bounds`]); of what did not fit it is said that nothing is outside.

mod deeds;
mod drift;
mod export;
mod learn;
mod lock;
mod seccomp;
mod set;
#[cfg(test)]
mod tests;

pub use deeds::demand;
pub use drift::Drift;
pub use export::rules;
pub use learn::{Learner, NotLearned};
pub use lock::{LockError, LockOptions, confidence, lock, unlock};
pub use seccomp::seccomp;
pub use set::{JoinError, contains, join, joined};

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Containers that are learned from or compared at a time.
    pub containers: usize,
    /// Baselines.
    pub baselines: usize,
    /// Entries of one kind in one baseline.
    pub entries: usize,
    /// Containers that are named in one baseline and in one entry.
    pub replicas: usize,
    /// Bytes of all entries that are being learned.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { containers: 4096, baselines: 1024, entries: 2048, replicas: 256, bytes: 64 << 20 }
    }
}

/// What of a directory is named one by one; where there is more, all below it is meant.
const CHILDREN: usize = 32;
/// How many addresses of one port are named one by one.
const ADDRESSES: usize = 32;
/// Rules that are named in one entry.
const ALERTS: usize = 16;
/// Paths that are longer are no paths of Linux.
const LONGEST: usize = 4096;
