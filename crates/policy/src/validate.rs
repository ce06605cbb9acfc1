//! What a policy may not ask at all, though every part of it can be asked: the rules of StackRox, which hold for ours too.

use crate::compile::{At, Fault};
use crate::criteria::{Level, criterion};
use crate::policy::{EventSource, Exclusion, Policy, Section, Stage};

/// What is wrong with `policy` as a whole.
pub(crate) fn validate(policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if policy.sections.iter().all(|section| section.groups.is_empty()) {
        faults.push(Fault { at: None, reason: "asks for nothing".to_owned() });
    }
    // Our own form has no way to say these.
    let is_all = |it: &Exclusion| {
        it.deployment.as_ref().is_some_and(|(name, scope)| name.is_empty() && scope.is_none())
            || it.image.as_ref().is_some_and(String::is_empty)
    };
    if policy.exclusions.iter().any(is_all) {
        let reason = "has an exclusion of everything: a deployment without name and scope, or an image without name";
        faults.push(Fault { at: None, reason: reason.to_owned() });
    }
    let at_runtime = policy.stages.contains(&Stage::Runtime);
    if policy.event_source.is_some() && !at_runtime {
        let reason = "has a source of events, and is not for the stage runtime".to_owned();
        faults.push(Fault { at: None, reason });
    }
    let is_enforced = |stage| policy.stages.contains(&stage) && policy.is_enforced_at(stage);
    if policy.event_source == Some(EventSource::AuditLog) {
        if is_enforced(Stage::Runtime) {
            let reason = "is about the audit log, which tells what is over and cannot be refused".to_owned();
            faults.push(Fault { at: None, reason });
        }
        if policy.exclusions.iter().any(|exclusion| exclusion.deployment.is_some()) {
            let reason = "is about the audit log, and excepts workloads, which that does not know".to_owned();
            faults.push(Fault { at: None, reason });
        }
    }
    for (place, section) in policy.sections.iter().enumerate() {
        let at = |group: Option<usize>| Some(At { section: place, group, value: None });
        let mut wrong = |group: Option<usize>, reason: String| faults.push(Fault { at: at(group), reason });
        let find = |name: &str| section.groups.iter().position(|group| group.field.eq_ignore_ascii_case(name));
        let mut needs = |asked: &str, needed: &str| {
            if let (Some(asked_at), None) = (find(asked), find(needed)) {
                wrong(Some(asked_at), format!("{asked:?} says nothing without {needed:?}"));
            }
        };
        needs("File Operation", "File Path");
        needs("Kubernetes User Name", "Kubernetes Resource");
        needs("Kubernetes User Groups", "Kubernetes Resource");
        if at_runtime {
            of_events(policy, section, &mut wrong);
        }
        if let (Some(add), Some(drop)) = (find("Add Capabilities"), find("Drop Capabilities")) {
            let both = |value: &&String| section.groups[drop].values.iter().any(|it| it.eq_ignore_ascii_case(value));
            if let Some(value) = section.groups[add].values.iter().find(both) {
                wrong(Some(drop), format!("{value} is asked for as added and as not dropped"));
            }
        }
        for name in ["Has Ingress Network Policy", "Has Egress Network Policy"] {
            if let (Some(group), true) = (find(name), is_enforced(Stage::Deploy)) {
                let reason = "cannot be enforced: network policies come and go without the workload";
                wrong(Some(group), format!("{name:?} {reason}"));
            }
        }
    }
    faults
}

/// What a section of a policy for what runs must and may ask.
fn of_events(policy: &Policy, section: &Section, wrong: &mut impl FnMut(Option<usize>, String)) {
    let levels = section.groups.iter().filter_map(|group| criterion(&group.field)).map(|criterion| criterion.level);
    let levels: Vec<Level> = levels.collect();
    let has = |level: Level| levels.contains(&level);
    if !levels.iter().any(|level| level.is_event()) {
        wrong(None, "is for the stage runtime, and asks for nothing that happens".to_owned());
    }
    // A process and what it does to files are one thing; a connection and a request are others.
    let kinds = [has(Level::Process) || has(Level::File), has(Level::Flow), has(Level::Request)];
    if kinds.into_iter().filter(|kind| *kind).count() > 1 {
        wrong(None, "asks for things of several kinds, which never happen as one: processes and files, connections, requests to the API server".to_owned());
    }
    let names = |name: &str| section.groups.iter().any(|group| group.field.eq_ignore_ascii_case(name));
    match policy.event_source {
        Some(EventSource::AuditLog) if !names("Kubernetes Resource") || !names("Kubernetes API Verb") => {
            wrong(
                None,
                "is about the audit log, and needs \"Kubernetes Resource\" and \"Kubernetes API Verb\"".to_owned(),
            );
        }
        Some(EventSource::Node) if !names("File Path") => {
            wrong(None, "is about nodes, and needs \"File Path\"".to_owned());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::PolicySet;
    use sekisho_base::Limits;

    #[test]
    fn what_may_not_be_asked_is_told_with_its_place() {
        let check = |text: &str, expect: &[&str]| {
            let text = format!("policy: x\nname: x\n{text}");
            let faults = PolicySet::default().add(Some("p"), &text, &Limits::default());
            assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), expect, "{text}");
        };
        check("stages: [deploy]\nwhen: {Host PID: true}\n", &[]);
        for (exclusion, is_fine) in [
            ("{\"deployment\": {}}", false),
            ("{\"deployment\": {\"name\": \"x\"}, \"image\": {}}", false),
            ("{\"deployment\": {\"name\": \"x\"}}", true),
            ("{\"deployment\": {\"scope\": {\"namespace\": \"x\"}}}", true),
        ] {
            let text = format!(
                "{{\"name\": \"a name\", \"lifecycleStages\": [\"DEPLOY\"], \"exclusions\": [{exclusion}], \"policySections\": \
                 [{{\"policyGroups\": [{{\"fieldName\": \"Host PID\", \"values\": [{{\"value\": \"true\"}}]}}]}}]}}"
            );
            let faults = PolicySet::default().add(Some("p"), &text, &Limits::default());
            assert_eq!(faults.is_empty(), is_fine, "{exclusion}: {faults:?}");
        }
        check("stages: [runtime]\nwhen: {Process Name: nmap, Privileged Container: true}\n", &[]);
        check("stages: [runtime]\nwhen: {File Path: /etc/shadow, Process Name: vi}\n", &[]);
        check(
            "stages: [runtime]\nwhen: {Host PID: true}\n",
            &["p:4:7: is for the stage runtime, and asks for nothing that happens"],
        );
        check(
            "stages: [runtime]\nwhen: {Process Name: nmap, Unexpected Network Flow Detected: true}\n",
            &[
                "p:4:7: asks for things of several kinds, which never happen as one: processes and files, connections, requests to the API server",
            ],
        );
        check(
            "stages: [runtime]\nevent_source: audit_log\nenforce: true\nexcept: [{workload: a}]\nwhen: {Kubernetes Resource: SECRETS}\n",
            &[
                "p:1:1: is about the audit log, which tells what is over and cannot be refused",
                "p:1:1: is about the audit log, and excepts workloads, which that does not know",
                "p:7:7: is about the audit log, and needs \"Kubernetes Resource\" and \"Kubernetes API Verb\"",
            ],
        );
        check(
            "stages: [runtime]\nwhen: {File Operation: OPEN}\n",
            &["p:4:8: \"File Operation\" says nothing without \"File Path\""],
        );
        check(
            "stages: [deploy]\nevent_source: node\nenforce: true\nwhen: {Has Ingress Network Policy: false}\n",
            &[
                "p:1:1: has a source of events, and is not for the stage runtime",
                "p:6:8: \"Has Ingress Network Policy\" cannot be enforced: network policies come and go without the workload",
            ],
        );
        check(
            "stages: [deploy]\nwhen: {Add Capabilities: [CHOWN, KILL], Drop Capabilities: kill}\n",
            &["p:4:41: KILL is asked for as added and as not dropped"],
        );
        check(
            "stages: [deploy]\nwhen: {Process Name: x}\n",
            &["p:4:8: \"Process Name\" says nothing at the stage deploy"],
        );
    }
}
