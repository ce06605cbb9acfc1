//! Policies of the stage `runtime`, asked about what happens: programs that are run, files, connections, and requests to the
//! API server, whether the audit log tells of these or admission is asked for them.

use crate::criteria::{Image, Subject};
use crate::evaluate::{Outcome, evaluate};
use crate::policy::{EventSource, Stage};
use crate::scope::{Applies, Site, Surroundings};
use crate::set::Ready;
use crate::witness::Witness;
use jiff::Timestamp;
use sekisho_model::{Act, Activity, Fact, ImageRef};
use std::collections::BTreeSet;

/// What a policy says of something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityVerdict {
    /// What it comes to.
    pub outcome: Outcome,
    /// What holds, where it is violated.
    pub witnesses: Vec<Witness>,
    /// Why it is not known, or what nobody asked for.
    pub reasons: Vec<String>,
    /// Why a violation does not count, by an exclusion.
    pub excluded: Option<String>,
}

impl Ready {
    /// Whether it is about such things at all, where they happen in a container, or in none.
    fn is_about(&self, activity: &Activity<'_>) -> bool {
        match (self.policy.event_source, activity.act) {
            (None, Act::Request(request)) => request.audited || request.is_connection(),
            (Some(EventSource::Deployment), Act::Request(request)) => request.is_connection(),
            (Some(EventSource::AuditLog), Act::Request(request)) => request.audited,
            (Some(EventSource::Node), Act::Request(_)) | (Some(EventSource::AuditLog), _) => false,
            (None, _) => true,
            (Some(EventSource::Deployment), _) => activity.container.is_some(),
            (Some(EventSource::Node), _) => activity.container.is_none(),
        }
    }
}

/// What `ready` says of something that happened; none where it is no policy about such things.
pub fn check_activity(
    ready: &Ready,
    activity: &Activity<'_>,
    around: &Surroundings,
    now: Timestamp,
) -> Option<ActivityVerdict> {
    if ready.policy.disabled || !ready.is_about(activity) {
        return None;
    }
    let compiled = ready.at(Stage::Runtime)?;
    if !compiled.sections.iter().any(|plan| plan.is_about(Some(activity))) {
        return None;
    }
    let name = activity.container.and_then(|container| container.image.as_deref());
    let reference = name.and_then(|name| ImageRef::familiar(name).ok());
    let image =
        name.map(|name| Image { name, reference: reference.as_ref(), path: String::new(), facts: Fact::NotAsked });
    let subject = Subject { activity: Some(activity), workload: None, images: image.as_slice(), now };
    let verdict = evaluate(compiled, &subject);
    let (mut outcome, mut reasons): (_, BTreeSet<String>) = (verdict.outcome, verdict.reasons.into_iter().collect());
    if outcome == Outcome::Violated && activity.container.is_some() && !compiled.skip_containers.is_empty() {
        outcome = Outcome::Unknown;
        reasons.insert("whether it is an init container is not told of a container that runs".to_owned());
    }
    let site = Site::of(activity);
    if outcome != Outcome::Passed && !compiled.scopes.is_empty() {
        let mut applies = Applies::No;
        for scope in &compiled.scopes {
            match (scope.applies_at(&site, around), &applies) {
                (Applies::Yes, _) => applies = Applies::Yes,
                (Applies::Unknown(what), Applies::No) => applies = Applies::Unknown(what),
                _ => {}
            }
        }
        match applies {
            Applies::Yes => {}
            Applies::No => outcome = Outcome::Passed,
            Applies::Unknown(what) => {
                outcome = outcome.min(Outcome::Unknown);
                reasons.insert(format!("its scope asks for {what}, which is not known"));
            }
        }
    }
    let mut excluded = None;
    for exclusion in compiled.exclusions.iter().filter(|it| it.until.is_none_or(|until| until > now)) {
        match exclusion.is_about_site(&site, around) {
            Applies::Yes => excluded = Some(exclusion.reason.clone()),
            Applies::Unknown(what) if outcome == Outcome::Violated => {
                outcome = Outcome::Unknown;
                reasons.insert(format!("the exclusion {:?} asks for {what}, which is not known", exclusion.reason));
            }
            _ => {}
        }
    }
    let violated = outcome == Outcome::Violated;
    let witnesses = if violated { verdict.witnesses } else { Vec::new() };
    let reasons = if violated || outcome == Outcome::Passed { Vec::new() } else { reasons.into_iter().collect() };
    Some(ActivityVerdict { outcome, witnesses, reasons, excluded })
}

#[cfg(test)]
mod tests;
