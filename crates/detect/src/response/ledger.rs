//! How often something was done, and to what.

use super::plan::{Action, Plan};
use hashbrown::HashSet;
use std::collections::VecDeque;

/// A minute, in nanoseconds.
const MINUTE: u64 = 60_000_000_000;
/// How many processes and containers are remembered that something was done to.
const DONE: usize = 4096;

/// Why something is not done that a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// The plan only rehearses.
    #[error("dry run")]
    DryRun,
    /// It was done often enough within the last minute.
    #[error("{0} a minute are allowed, and were done")]
    Budget(u32),
    /// It was done to the same one already.
    #[error("it was done already")]
    Again,
    /// Whether it may be done there depends on what is not known.
    #[error("{0}")]
    Unknown(&'static str),
    /// It is not to be done to this one, whatever the plan says.
    #[error("{0}")]
    Spared(&'static str),
}

/// What was done within the last minute, and to what at all.
#[derive(Debug)]
pub struct Ledger {
    enforce: bool,
    most: u32,
    times: VecDeque<u64>,
    done: HashSet<(Action, String)>,
    order: VecDeque<(Action, String)>,
    refused: u64,
}

/// How much of what may be done within a minute was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How much there may be.
    pub allowed: u32,
    /// How much there was within the last minute; in a dry run, how much there would have been.
    pub used: u32,
    /// How many times something was not done since it was done often enough.
    pub refused: u64,
}

impl Ledger {
    /// A ledger in which nothing is written.
    pub fn new(plan: &Plan) -> Self {
        let Plan { enforce, kills_per_minute, .. } = *plan;
        Self {
            enforce,
            most: kills_per_minute,
            times: VecDeque::new(),
            done: HashSet::new(),
            order: VecDeque::new(),
            refused: 0,
        }
    }

    /// Whether something may be done to `target` at the moment `now`, nanoseconds of a clock that does not jump; writes it
    /// down if so. A dry run keeps to the same budget, so that it tells what would be done.
    pub fn admit(&mut self, action: Action, target: &str, now: u64) -> Result<(), Withheld> {
        let entry = (action, target.to_owned());
        if self.done.contains(&entry) {
            return Err(Withheld::Again);
        }
        while self.times.front().is_some_and(|time| time.saturating_add(MINUTE) <= now) {
            self.times.pop_front();
        }
        if self.times.len() >= self.most as usize {
            self.refused += 1;
            return Err(Withheld::Budget(self.most));
        }
        self.times.push_back(now);
        self.done.insert(entry.clone());
        self.order.push_back(entry);
        if self.order.len() > DONE
            && let Some(oldest) = self.order.pop_front()
        {
            self.done.remove(&oldest);
        }
        if self.enforce { Ok(()) } else { Err(Withheld::DryRun) }
    }

    /// What of the budget is used at the moment `now`.
    pub fn budget(&self, now: u64) -> Budget {
        let used = self.times.iter().filter(|time| time.saturating_add(MINUTE) > now).count();
        Budget { allowed: self.most, used: u32::try_from(used).unwrap_or(u32::MAX), refused: self.refused }
    }

    /// Something that was admitted could not be done: it may be tried again, but counts all the same.
    pub fn failed(&mut self, action: Action, target: &str) {
        let entry = (action, target.to_owned());
        self.done.remove(&entry);
        self.order.retain(|other| *other != entry);
    }
}
