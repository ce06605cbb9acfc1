//! The gate: whether the findings of a scan let it pass.
//!
//! A finding that is suppressed counts for no gate. One that meets every condition is refused. One of which a condition
//! cannot be told (a severity nobody has judged, no score where one is asked for) keeps the gate from passing: it says
//! *unknown*, as it does where something could hide from it: what was not read or not judged. Who allows for that with
//! [`Gate::allow_incomplete`] has still to have looked for vulnerabilities, by a database that is not too old and holds
//! what the conditions ask for.

use crate::diff::Standing;
use sekisho_model::{FindingRow, FindingStatus, Gate, GateResult, ScanReport, ScanState, Severity, Verdict};

/// What `gate` says of `report`. `standing` is that of the findings towards what [`Gate::new_since`] names.
pub fn judge(report: &ScanReport, gate: Gate, standing: Option<&Standing<'_>>) -> GateResult {
    let mut unknown = no_ground(report, &gate);
    if !gate.allow_incomplete {
        unknown.extend(gaps(report));
    }
    let mut refused = Vec::new();
    let (mut unrated, mut unscored) = (0_usize, 0_usize);
    for row in report.rows() {
        if row.finding.suppressed.is_some() || standing.is_some_and(|standing| standing.knows(&row)) {
            continue;
        }
        match meets(&gate, &row) {
            Met::Yes => refused.push(row.finding.id.clone()),
            Met::No => {}
            Met::Unrated => unrated += 1,
            Met::Unscored => unscored += 1,
        }
    }
    let findings = |count: usize| if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
    if unrated > 0 && !gate.allow_incomplete {
        unknown.push(format!("{}: nobody has judged how bad the vulnerability is", findings(unrated)));
    }
    if unscored > 0 && !gate.allow_incomplete {
        unknown.push(format!("{}: EPSS has no score for the vulnerability", findings(unscored)));
    }
    let verdict = match (refused.is_empty(), unknown.is_empty()) {
        (false, _) => Verdict::Refused,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Passed,
    };
    GateResult { gate, verdict, refused, unknown }
}

/// What could hide from the gate.
fn gaps(report: &ScanReport) -> Vec<String> {
    let mut gaps = Vec::new();
    if !report.inventory.complete {
        gaps.push("not everything could be read: packages may be missing".to_owned());
    }
    if report.assessment.state == ScanState::Incomplete {
        gaps.push("not every package could be judged".to_owned());
    }
    gaps
}

/// What the gate stands on, and is not there.
fn no_ground(report: &ScanReport, gate: &Gate) -> Vec<String> {
    let mut unknown = Vec::new();
    let assessment = &report.assessment;
    if matches!(assessment.state, ScanState::NotScanned | ScanState::NotEvaluated) {
        unknown.push("vulnerabilities were not looked for".to_owned());
    }
    let Some(database) = &assessment.database else { return unknown };
    if !database.stale.is_empty() {
        unknown.push(format!("advisories are too old: {}", database.stale.join(", ")));
    }
    for (needed, feed, what) in [
        (gate.only_kev, "kev", "which vulnerabilities are known to be exploited"),
        (gate.epss_above.is_some(), "epss", "how likely exploitation is"),
    ] {
        if needed && !database.feeds.iter().any(|known| known.id == feed) {
            unknown.push(format!("the database does not hold {what} (feed {feed})"));
        }
    }
    unknown
}

/// Whether a finding meets the conditions of a gate.
enum Met {
    Yes,
    No,
    /// Its severity is unknown, all else is met.
    Unrated,
    /// It has no EPSS score, all else is met.
    Unscored,
}

fn meets(gate: &Gate, row: &FindingRow<'_>) -> Met {
    let FindingRow { finding, vulnerability, .. } = row;
    if gate.ignore_unfixed && finding.status != FindingStatus::Fixed
        || gate.only_kev && vulnerability.exploited.is_none()
    {
        return Met::No;
    }
    let scored = match (gate.epss_above, vulnerability.likelihood) {
        (Some(above), Some(likelihood)) if likelihood.probability <= above => return Met::No,
        (Some(_), None) => false,
        _ => true,
    };
    match gate.fail_on {
        // *Unknown* as a threshold takes everything.
        Some(least) if finding.severity == Severity::Unknown && least != Severity::Unknown => Met::Unrated,
        Some(least) if finding.severity < least => Met::No,
        _ if !scored => Met::Unscored,
        _ => Met::Yes,
    }
}
