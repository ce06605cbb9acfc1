//! How far baselines can be relied on, and when they grow no more.

use jiff::{SignedDuration, Timestamp};
use sekisho_model::{Baseline, BaselineState, Confidence, ConfidenceLevel, Sightings};
use std::collections::BTreeMap;
use std::fmt::Write;
use thiserror::Error;

/// How a baseline is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOptions {
    /// How far it has to be relied on at least.
    pub least: ConfidenceLevel,
    /// What is done about entries that detection rules alerted on while they were learned: `true` keeps them.
    pub keep_alerted: Option<bool>,
}

/// Why a baseline is not locked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LockError {
    /// It cannot be relied on.
    #[error("the baseline of {name} is not locked: its confidence is {}: {}", .confidence.level.as_str(), .confidence.reasons.join("; "))]
    Confidence {
        /// Which.
        name: String,
        /// How far.
        confidence: Confidence,
    },
    /// It has what rules alerted on.
    #[error("the baseline of {name} is not locked: rules alerted on {entries}")]
    Alerted {
        /// Which.
        name: String,
        /// What of it, with the rules.
        entries: String,
    },
}

/// How many entries an error names.
const SAID: usize = 5;

/// How far a baseline can be relied on.
pub fn confidence(baseline: &Baseline) -> Confidence {
    let first = baseline.replicas.values().map(|replica| replica.first).min();
    let last = baseline.replicas.values().map(|replica| replica.last).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Confidence { level: ConfidenceLevel::Low, reasons: vec!["no container was watched".to_owned()] };
    };
    let watched = last.duration_since(first).max(SignedDuration::ZERO);
    let mut low = Vec::new();
    let mut medium = Vec::new();
    let window = i64::try_from(baseline.window_seconds).unwrap_or(i64::MAX);
    if watched.as_secs() < window {
        low.push(format!("it was watched for {} of {window} seconds", watched.as_secs()));
    }
    let lost: u64 = baseline.replicas.values().fold(0, |sum, replica| sum.saturating_add(replica.lost));
    if lost > 0 {
        low.push(format!("{lost} events of its hosts were lost"));
    }
    for kind in &baseline.overflow {
        low.push(format!("there were more {} than are kept", kind.as_str()));
    }
    let newest: Option<Timestamp> = baseline.entries().map(|(_, _, seen)| seen.first).max();
    let quiet = newest.map_or(watched, |newest| last.duration_since(newest));
    if quiet < watched / 4 {
        medium.push("something new was seen in the last quarter of the time".to_owned());
    }
    if baseline.replicas.len() < 2 {
        medium.push("only one container was watched".to_owned());
    }
    let level = match (low.is_empty(), medium.is_empty()) {
        (false, _) => ConfidenceLevel::Low,
        (true, false) => ConfidenceLevel::Medium,
        (true, true) => ConfidenceLevel::High,
    };
    low.append(&mut medium);
    Confidence { level, reasons: low }
}

/// Locks a baseline, if nothing is against it.
pub fn lock(baseline: &mut Baseline, now: Timestamp, options: LockOptions) -> Result<(), LockError> {
    let confidence = confidence(baseline);
    if confidence.level < options.least {
        return Err(LockError::Confidence { name: baseline.name(), confidence });
    }
    match options.keep_alerted {
        Some(true) => {}
        Some(false) => {
            without_alerted(&mut baseline.processes);
            without_alerted(&mut baseline.ports);
            without_alerted(&mut baseline.peers);
            without_alerted(&mut baseline.files);
            without_alerted(&mut baseline.calls);
        }
        None => {
            let mut alerted = baseline.entries().filter(|(_, _, seen)| !seen.alerts.is_empty());
            let mut entries = String::new();
            for (_, deed, seen) in alerted.by_ref().take(SAID) {
                let rules: Vec<&str> = seen.alerts.iter().map(String::as_str).collect();
                let comma = if entries.is_empty() { "" } else { ", " };
                // Writing into a string does not fail.
                let _ = write!(entries, "{comma}{deed} ({})", rules.join(", "));
            }
            let more = alerted.count();
            if more > 0 {
                let _ = write!(entries, ", and {more} more");
            }
            if !entries.is_empty() {
                return Err(LockError::Alerted { name: baseline.name(), entries });
            }
        }
    }
    baseline.state = BaselineState::Locked;
    baseline.locked_at = Some(now);
    Ok(())
}

fn without_alerted<K: Ord>(map: &mut BTreeMap<K, Sightings>) {
    map.retain(|_, seen| seen.alerts.is_empty());
}

/// Lets a baseline grow again.
pub fn unlock(baseline: &mut Baseline) {
    baseline.state = BaselineState::Learning;
    baseline.locked_at = None;
}
