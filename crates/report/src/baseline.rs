//! Baselines, and what is outside of them, for the terminal.

use crate::printable;
use sekisho_model::{Baseline, BaselineKind, BaselineState, Baselines, DriftReport, Sightings};
use std::fmt::Write;

/// All of a document, for people.
pub fn baseline_text(baselines: &Baselines) -> String {
    let mut text = String::new();
    for baseline in &baselines.baselines {
        of_one(baseline, &mut text);
    }
    text
}

// Writing into a string does not fail.
fn of_one(baseline: &Baseline, text: &mut String) {
    let state = match (baseline.state, baseline.locked_at) {
        (BaselineState::Learning, _) => "learning".to_owned(),
        (BaselineState::Locked, None) => "locked".to_owned(),
        (BaselineState::Locked, Some(time)) => format!("locked at {time}"),
    };
    let confidence = &baseline.confidence;
    let level = confidence.as_ref().map_or_else(String::new, |of| format!(", confidence {}", of.level.as_str()));
    let _ = writeln!(text, "{}: {state}{level}", printable(&baseline.name()));
    for reason in confidence.iter().flat_map(|of| &of.reasons) {
        let _ = writeln!(text, "  {reason}");
    }
    for (id, replica) in &baseline.replicas {
        let (id, host) = (printable(short(id)), printable(&replica.host));
        let _ = writeln!(
            text,
            "  watched {id} on {host} from {:.0} to {:.0}, {} events",
            replica.first, replica.last, replica.events
        );
    }
    if baseline.more_replicas {
        let _ = writeln!(text, "  and more containers, which are not listed");
    }
    for kind in BaselineKind::ALL {
        let name = kind.as_str();
        if !baseline.learned.contains(&kind) {
            let _ = writeln!(text, "  {name}: not learned");
            continue;
        }
        let more = if baseline.overflow.contains(&kind) { ", and more than are kept" } else { "" };
        let mut entries = baseline.entries().filter(|(of, ..)| *of == kind).peekable();
        let none = if entries.peek().is_none() { " none" } else { "" };
        let _ = writeln!(text, "  {name}:{none}{more}");
        for (_, what, seen) in entries {
            let _ = writeln!(text, "    {}  ({})", printable(&what), when(seen));
            alerted(seen, text);
        }
    }
}

/// When something was seen, how often, and in how many containers.
fn when(seen: &Sightings) -> String {
    let times = seen.times();
    let times = if times == 1 { "once".to_owned() } else { format!("at least {times} times") };
    let replicas = seen.by.len();
    let replicas = if replicas == 1 { "1 container".to_owned() } else { format!("{replicas} containers") };
    format!("first {:.0}, last {:.0}, {times} in {replicas}", seen.first, seen.last)
}

fn alerted(seen: &Sightings, text: &mut String) {
    for rule in &seen.alerts {
        let _ = writeln!(text, "      alerted: {}", printable(rule));
    }
}

/// The beginning of a container's id.
fn short(id: &str) -> &str {
    sekisho_model::RunningContainer::short_id(id)
}

/// What is outside of baselines, for people.
pub fn drift_text(report: &DriftReport) -> String {
    let mut text = String::new();
    for outside in &report.outside {
        let who = match &outside.image {
            Some(image) => format!("{} of {image}", outside.container),
            None => outside.container.clone(),
        };
        let (who, what) = (printable(&who), printable(&outside.deed.to_string()));
        let kind = outside.deed.kind().as_str();
        let _ = writeln!(text, "outside: {kind} of {who}: {what}  ({})", when(&outside.evidence));
        alerted(&outside.evidence, &mut text);
    }
    if report.more > 0 {
        let _ = writeln!(text, "outside: {} more times", report.more);
    }
    text
}
