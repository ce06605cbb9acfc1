//! What a policy may not ask at all, though every part of it can be asked: the rules of StackRox, which hold for ours too.

use crate::compile::{At, Fault};
use crate::criteria::{Grammar, Level, bare_capability, criterion};
use crate::policy::{EventSource, Exclusion, Operator, Policy, Section, Stage};

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
            let both = |value: &&String| {
                section.groups[drop].values.iter().any(|it| bare_capability(it) == bare_capability(value))
            };
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
    if let Some(source) = policy.event_source {
        of_source(source, section, wrong);
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

/// What is never there in what a source of events tells, so that the policy would never be violated.
fn of_source(source: EventSource, section: &Section, wrong: &mut impl FnMut(Option<usize>, String)) {
    let is_connection = |value: &String| value.to_ascii_uppercase().starts_with("PODS_");
    for (place, group) in section.groups.iter().enumerate() {
        let Some(criterion) = criterion(&group.field) else { continue };
        let (name, level) = (criterion.name, criterion.level);
        match source {
            EventSource::Deployment if name == "Kubernetes Resource" => {
                if let Some(value) = group.values.iter().find(|value| !is_connection(value)) {
                    let reason = "is told by the audit log alone, and the source is deployment, which tells PODS_EXEC, \
                                  PODS_ATTACH and PODS_PORTFORWARD";
                    wrong(Some(place), format!("{value} {reason}"));
                }
            }
            EventSource::AuditLog if !matches!(level, Level::Request | Level::Workload) => {
                let what = level.as_str();
                wrong(Some(place), format!("{name:?} is never there: the audit log tells of no {what}"));
            }
            EventSource::Node if level == Level::Request => {
                wrong(Some(place), format!("{name:?} is never there: nodes tell of no request to the API server"));
            }
            // What does not belong to a workload is in no namespace either, which can be asked.
            EventSource::Node if !(level.is_event() || level == Level::Workload && group.negate) => {
                wrong(Some(place), format!("{name:?} is never there: on nodes, what happens is in no container"));
            }
            _ => {}
        }
    }
}

/// What a policy asks for that is sound, and never there, or not where one would expect it: what whoever relies on it is to
/// know.
pub(crate) fn never(policy: &Policy) -> Vec<String> {
    /// What an exec, an attach or a port-forward is told with; the audit log tells the rest.
    const OF_CONNECTIONS: [&str; 3] = ["Kubernetes Resource", "Kubernetes User Name", "Kubernetes User Groups"];
    let mut found = Vec::new();
    for group in policy.sections.iter().flat_map(|section| &section.groups) {
        let Some(criterion) = criterion(&group.field) else { continue };
        if policy.event_source == Some(EventSource::Deployment)
            && criterion.level == Level::Request
            && !OF_CONNECTIONS.contains(&criterion.name)
        {
            found.push(format!(
                "{}: only the audit log tells it, and the source of events is deployment: at admission it is not known",
                criterion.name
            ));
        }
        let of_from =
            |value: &&String| value.split_once('=').is_some_and(|(word, _)| word.eq_ignore_ascii_case("FROM"));
        if criterion.grammar == Grammar::Line
            && let Some(value) = group.values.iter().find(of_from)
        {
            found.push(format!(
                "{} {value}: no image says what it was built FROM in its history, so this is never there; ask for Base Image",
                criterion.name
            ));
        }
    }
    found
}

/// What is wrong with the values of a group together.
pub(crate) fn of_values(name: &str, operator: Operator, values: &[String]) -> Option<String> {
    const SIGNERS: &str = "Image Signature Verified By";
    (name == SIGNERS && operator == Operator::And && values.len() > 1)
        .then(|| format!("{SIGNERS:?} holds where none of its signers signed, and cannot be asked for all of them"))
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
        for stages in ["[]", "[\"DEPLOY\"]"] {
            let text = format!(
                "{{\"name\": \"a name\", \"lifecycleStages\": {stages}, \"policySections\": [{{\"policyGroups\": [{{\"fieldName\": \
                 \"Host PID\", \"values\": [{{\"value\": \"true\"}}]}}]}}]}}"
            );
            let faults = PolicySet::default().add(Some("p"), &text, &Limits::default());
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let no_stage = "p:1:20: policy \"a name\": is for no stage, so nobody would ask it: lifecycleStages are BUILD, DEPLOY and RUNTIME";
            assert_eq!(told, if stages == "[]" { vec![no_stage] } else { Vec::new() });
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
            "stages: [runtime]\nevent_source: deployment\nwhen: {Kubernetes Resource: [PODS_EXEC, pods_attach]}\n",
            &[],
        );
        check(
            "stages: [runtime]\nevent_source: deployment\nwhen: {Kubernetes Resource: [PODS_EXEC, SECRETS]}\n",
            &[
                "p:5:8: SECRETS is told by the audit log alone, and the source is deployment, which tells PODS_EXEC, PODS_ATTACH and PODS_PORTFORWARD",
            ],
        );
        check(
            "stages: [runtime]\nevent_source: audit_log\nwhen: {Kubernetes Resource: SECRETS, Kubernetes API Verb: GET, Privileged Container: true, Namespace: x}\n",
            &["p:5:64: \"Privileged Container\" is never there: the audit log tells of no container"],
        );
        check(
            "stages: [runtime]\nevent_source: node\nwhen: {File Path: /etc/shadow, Process Name: vi, Namespace: {not: x}}\n",
            &[],
        );
        check(
            "stages: [runtime]\nevent_source: node\nwhen: {File Path: /etc/shadow, Container Name: x, Namespace: x}\n",
            &[
                "p:5:32: \"Container Name\" is never there: on nodes, what happens is in no container",
                "p:5:51: \"Namespace\" is never there: on nodes, what happens is in no container",
            ],
        );
        check(
            "stages: [deploy]\nwhen: {Add Capabilities: [CHOWN, CAP_KILL], Drop Capabilities: kill}\n",
            &["p:4:45: CAP_KILL is asked for as added and as not dropped"],
        );
        let signer = "io.stackrox.signatureintegration.4a3ab5cc-4f35-4d72-b7f6-4ff6a4b4a54b";
        check(&format!("stages: [deploy]\nwhen: {{Image Signature Verified By: [{signer}, our-key]}}\n"), &[]);
        check(
            "stages: [deploy]\nwhen: {Image Signature Verified By: io.stackrox.signatureintegration.our-key}\n",
            &[
                "p:4:37: \"Image Signature Verified By\": \"io.stackrox.signatureintegration.our-key\" does not end in the UUID of a signature integration",
            ],
        );
        check(
            "stages: [deploy]\nwhen: {Image Signature Verified By: {all: [a, b]}}\n",
            &[
                "p:4:8: \"Image Signature Verified By\" holds where none of its signers signed, and cannot be asked for all of them",
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
