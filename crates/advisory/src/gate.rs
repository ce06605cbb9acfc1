//! The gate: whether the findings of a scan let it pass.
//!
//! A finding that is suppressed counts for no gate. One that meets every condition is refused. One of which a condition
//! cannot be told (a severity nobody has judged, no score where one is asked for) keeps the gate from passing: it says
//! *unknown*, as it does where something could hide from it: what was not read or not judged. Who allows for that with
//! [`Gate::allow_incomplete`] has still to have looked for vulnerabilities, by a database that is not too old and holds
//! what the conditions ask for.

use crate::demo;
use crate::diff::Standing;
use sekisho_model::{
    AssessedBy, FindingRow, FindingStatus, Gate, GateResult, ScanReport, ScanState, Severity, Verdict,
};

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
    let scores = report.assessment.database.as_ref().is_none_or(|database| database.likelihoods > 0);
    if unscored > 0 && scores && !gate.allow_incomplete {
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
    let none = AssessedBy::default();
    let database = assessment.database.as_ref().unwrap_or(&none);
    if demo::is_all_of(database) {
        unknown.push("only the vulnerabilities of the demonstration set are known".to_owned());
    }
    // Every scan says it, and so does every report that is read: one that does not was changed.
    let looked = matches!(assessment.state, ScanState::Scanned | ScanState::Incomplete);
    if looked && database.feeds.is_empty() {
        unknown.push("it is not known by which advisories vulnerabilities were looked for".to_owned());
    }
    if !database.stale.is_empty() {
        unknown.push(format!("advisories are too old: {}", database.stale.join(", ")));
    }
    if gate.only_kev && database.exploited == 0 {
        unknown
            .push("the database does not hold which vulnerabilities are known to be exploited (feed kev)".to_owned());
    }
    if gate.epss_above.is_some() && database.likelihoods == 0 {
        unknown.push("the database does not hold how likely exploitation is (feed epss)".to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FOUND, Found, report};
    use sekisho_model::{Suppression, SuppressionKind};

    const HIGH: Found = Found { severity: Severity::High, fixed: true, exploited: true, epss: Some(0.5), ..FOUND };

    fn gate(fail_on: Option<Severity>) -> Gate {
        Gate { fail_on, ..Gate::default() }
    }

    /// What the gate says of one package with these findings.
    fn verdict(gate: &Gate, findings: &[Found]) -> Verdict {
        judge(&report(&["a 1"], findings), gate.clone(), None).verdict
    }

    #[test]
    fn every_condition_narrows_what_is_refused() {
        use Severity::{Critical, Low, Medium};
        use Verdict::{Passed, Refused, Unknown};
        let check = |gate: Gate, finding: Found, expect: Verdict| {
            assert_eq!(verdict(&gate, &[finding]), expect, "{gate:?}");
        };
        check(gate(None), HIGH, Refused);
        check(gate(Some(Severity::High)), HIGH, Refused);
        check(gate(Some(Low)), HIGH, Refused);
        check(gate(Some(Critical)), HIGH, Passed);
        check(gate(Some(Severity::Unknown)), FOUND, Refused);
        // Whoever asks for a severity has to know it.
        check(gate(Some(Critical)), FOUND, Unknown);
        check(Gate { allow_incomplete: true, ..gate(Some(Critical)) }, FOUND, Passed);

        let fixable = Gate { ignore_unfixed: true, ..gate(Some(Medium)) };
        check(fixable.clone(), HIGH, Refused);
        check(fixable.clone(), Found { fixed: false, ..HIGH }, Passed);
        // What has no remedy passes whatever its severity is.
        check(fixable, FOUND, Passed);

        let exploited = Gate { only_kev: true, ..gate(None) };
        check(exploited.clone(), HIGH, Refused);
        check(exploited, Found { exploited: false, ..HIGH }, Passed);

        let likely = |above: f32| Gate { epss_above: Some(above), ..gate(None) };
        check(likely(0.4), HIGH, Refused);
        check(likely(0.5), HIGH, Passed);
        check(likely(0.0), Found { epss: None, ..HIGH }, Unknown);
        check(Gate { allow_incomplete: true, ..likely(0.0) }, Found { epss: None, ..HIGH }, Passed);
        // What is not severe enough needs no score.
        check(Gate { fail_on: Some(Critical), ..likely(0.0) }, Found { epss: None, ..HIGH }, Passed);
    }

    #[test]
    fn a_refusal_is_certain_whatever_else_is_unknown() {
        let result =
            judge(&report(&["a 1"], &[HIGH, Found { id: "CVE-2", ..FOUND }]), gate(Some(Severity::High)), None);
        assert_eq!((result.verdict, result.refused.len(), result.unknown.len()), (Verdict::Refused, 1, 1));
    }

    #[test]
    fn what_a_gate_stands_on_has_to_be_there() {
        let check = |change: fn(&mut ScanReport), gate: Gate, expect: [Verdict; 2]| {
            let mut report = report(&["a 1"], &[]);
            change(&mut report);
            let strict = judge(&report, gate.clone(), None).verdict;
            let lenient = judge(&report, Gate { allow_incomplete: true, ..gate.clone() }, None).verdict;
            assert_eq!([strict, lenient], expect, "{gate:?}");
        };
        let (passed, unknown) = (Verdict::Passed, Verdict::Unknown);
        let kev = Gate { only_kev: true, ..Gate::default() };
        let epss = Gate { epss_above: Some(0.1), ..Gate::default() };
        check(|_| {}, kev.clone(), [passed, passed]);
        check(|report| report.inventory.complete = false, Gate::default(), [unknown, passed]);
        check(|report| report.assessment.state = ScanState::Incomplete, Gate::default(), [unknown, passed]);
        check(|report| report.assessment.state = ScanState::NotScanned, Gate::default(), [unknown, unknown]);
        check(|report| report.assessment.state = ScanState::NotEvaluated, Gate::default(), [unknown, unknown]);
        check(|report| report.assessment.database = None, Gate::default(), [unknown, unknown]);
        let nameless = |report: &mut ScanReport| report.assessment.database.as_mut().unwrap().feeds.clear();
        check(nameless, Gate::default(), [unknown, unknown]);
        let stale = |report: &mut ScanReport| {
            report.assessment.database.as_mut().unwrap().stale.push("debian".to_owned());
        };
        check(stale, Gate::default(), [unknown, unknown]);
        let poor = |report: &mut ScanReport| {
            let database = report.assessment.database.as_mut().unwrap();
            (database.exploited, database.likelihoods) = (0, 0);
        };
        check(poor, Gate::default(), [passed, passed]);
        check(poor, kev, [unknown, unknown]);
        check(poor, epss, [unknown, unknown]);
    }

    #[test]
    fn what_is_suppressed_or_known_is_not_refused() {
        let mut suppressed = report(&["a 1"], &[HIGH]);
        suppressed.assessment.findings[0].suppressed = Some(Suppression {
            kind: SuppressionKind::Exception,
            source: "file".into(),
            status: None,
            reason: "not reached".into(),
            owner: None,
            until: None,
        });
        assert_eq!(judge(&suppressed, Gate::default(), None).verdict, Verdict::Passed);

        let known = |baseline: &ScanReport, new: &ScanReport| {
            judge(new, Gate::default(), Some(&Standing::of(baseline))).verdict
        };
        let new = report(&["a 2"], &[HIGH]);
        // The version is another; what is suppressed there is there.
        assert_eq!(known(&report(&["a 1"], &[HIGH]), &new), Verdict::Passed);
        assert_eq!(known(&suppressed, &new), Verdict::Passed);
        let renamed = Found { id: "GHSA-1", aliases: &["CVE-1"], ..HIGH };
        assert_eq!(known(&report(&["a 1"], &[renamed]), &new), Verdict::Passed);
        assert_eq!(known(&report(&["b 1"], &[HIGH]), &new), Verdict::Refused);
        assert_eq!(known(&report(&["a 1"], &[Found { id: "CVE-2", ..HIGH }]), &new), Verdict::Refused);
    }
}
