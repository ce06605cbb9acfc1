//! Policies about requests to the API server, asked about connections to pods: exec, attach and port-forward. Of the pod no
//! more is known than its name and namespace, and of the request what a review of admission says.

use crate::compile::{Plan, Test};
use crate::criteria::Reading;
use crate::evaluate::Outcome;
use crate::policy::EventSource;
use crate::policy::Stage;
use crate::scope::{Applies, Surroundings};
use crate::set::Ready;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A connection that somebody asks for.
#[derive(Debug, Clone)]
pub struct Connection<'a> {
    /// What it is, as policies call it: `PODS_EXEC`.
    pub resource: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The namespace that it is in.
    pub namespace: &'a str,
    /// Who asks.
    pub user: &'a str,
    /// The groups that who asks is in.
    pub groups: Vec<&'a str>,
}

/// What a policy says of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionVerdict {
    /// What it comes to.
    pub outcome: Outcome,
    /// Why that is not known.
    pub reasons: Vec<String>,
    /// Why a violation does not count, by an exclusion.
    pub excluded: Option<String>,
}

/// What `ready` says of `connection`; none where it is no policy about connections, or is not asked there.
pub fn check_connection(
    ready: &Ready,
    connection: &Connection<'_>,
    around: &Surroundings,
    now: Timestamp,
) -> Option<ConnectionVerdict> {
    let policy = &ready.policy;
    let is_of_others = matches!(policy.event_source, Some(EventSource::AuditLog | EventSource::Node));
    if policy.disabled || is_of_others {
        return None;
    }
    let compiled = ready.at(Stage::Runtime)?;
    let names_resource = |plan: &Plan| plan.tests.iter().any(|test| test.criterion.name == "Kubernetes Resource");
    let mut reasons = BTreeSet::new();
    let mut outcome = Outcome::Passed;
    for plan in compiled.sections.iter().filter(|plan| names_resource(plan)) {
        outcome = outcome.or(section(plan, connection, &mut reasons));
    }
    if outcome != Outcome::Passed && !compiled.scopes.is_empty() {
        let mut applies = Applies::No;
        for scope in &compiled.scopes {
            match (scope.applies_in(connection.namespace, around), &applies) {
                (Applies::Yes, _) => applies = Applies::Yes,
                (Applies::Unknown(what), Applies::No) => applies = Applies::Unknown(what),
                _ => {}
            }
        }
        match applies {
            Applies::Yes => {}
            Applies::No => outcome = Outcome::Passed,
            Applies::Unknown(what) => {
                outcome = Outcome::Unknown;
                reasons.insert(format!("its scope asks for {what}, which is not known"));
            }
        }
    }
    let mut excluded = None;
    for exclusion in compiled.exclusions.iter().filter(|it| it.until.is_none_or(|until| until > now)) {
        match exclusion.is_about_pod(connection.namespace, around) {
            Applies::Yes => excluded = Some(exclusion.reason.clone()),
            Applies::Unknown(what) if outcome == Outcome::Violated => {
                outcome = Outcome::Unknown;
                reasons.insert(format!("the exclusion {:?} asks for {what}, which is not known", exclusion.reason));
            }
            _ => {}
        }
    }
    let reasons = if outcome == Outcome::Unknown { reasons.into_iter().collect() } else { Vec::new() };
    Some(ConnectionVerdict { outcome, reasons, excluded })
}

fn section(plan: &Plan, connection: &Connection<'_>, reasons: &mut BTreeSet<String>) -> Outcome {
    let mut outcome = Outcome::Violated;
    let mut unknown = Vec::new();
    for test in &plan.tests {
        let found = reading(test, connection);
        let one = match &found {
            None => Outcome::Unknown,
            Some(reading) if test.holds(reading) => Outcome::Violated,
            Some(_) => Outcome::Passed,
        };
        if one == Outcome::Unknown {
            unknown.push(test.criterion.name);
        }
        outcome = outcome.and(one);
    }
    if let Some(below) = plan.below.first() {
        outcome = outcome.and(Outcome::Unknown);
        unknown.extend(below.tests.first().map(|test| test.criterion.name));
    }
    if outcome == Outcome::Unknown {
        reasons.extend(unknown.into_iter().map(|name| format!("{name:?} is not known of a connection")));
    }
    outcome
}

/// What a criterion reads of a connection; none where a review does not say it.
fn reading<'c>(test: &Test, connection: &'c Connection<'_>) -> Option<Reading<'c>> {
    let text = |text: &'c str| Some(Reading::Text(Cow::Borrowed(text)));
    match test.criterion.name {
        "Kubernetes Resource" => text(connection.resource),
        "Kubernetes Resource Name" => text(connection.pod),
        "Kubernetes User Name" => text(connection.user),
        "Kubernetes User Groups" => Some(Reading::Texts(connection.groups.clone())),
        _ => None,
    }
}
