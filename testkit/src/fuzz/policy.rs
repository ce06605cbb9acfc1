//! What policies look at: manifests, and the pods in them; and policies in Rego.

use super::LIMITS;
use sekisho_model::Level as Touches;
use sekisho_policy::manifest::{Object, PodTemplate, objects, workloads};
use sekisho_policy::pod_security::{Level, Standard, Version, Violation, check};
use sekisho_policy::rego::Dialect;
use sekisho_policy::rego::conftest::{Conftest, Setup};
use sekisho_policy::rego::gatekeeper::{Gatekeeper, Review};
use sekisho_policy::vap::Policies;
use sekisho_policy::{Outcome, Said};
use std::time::Duration;

/// Manifests in YAML and JSON, read into workloads and judged by the Pod Security Standards.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (found, diagnostics) = objects("x.yaml", text, &LIMITS);
    assert!(found.len() <= LIMITS.records, "more objects than the limit");
    let (workloads, more) = workloads(&found);
    assert!(workloads.len() <= found.len());
    assert!(diagnostics.iter().chain(&more).all(|diagnostic| diagnostic.path.is_some()), "a diagnostic of no file");
    for object in &found {
        let Some(pod) = PodTemplate::of(object) else { continue };
        for version in [Version::V1(0), Version::V1(22), Version::V1(30), Version::Latest] {
            pod_security(object, &pod, version);
        }
    }
}

fn pod_security(object: &Object, pod: &PodTemplate<'_>, version: Version) {
    let judge = |level| check(pod, Standard { level, version });
    let (baseline, told) = judge(Level::Baseline);
    let (restricted, told_again) = judge(Level::Restricted);
    assert_eq!(told, told_again, "what cannot be judged depends on the level");
    assert!(told.iter().all(|it| it.level == Touches::Incomplete && it.path.is_some()));
    assert!(
        !restricted.is_empty() || !told.is_empty() || baseline.is_empty(),
        "restricted allows what baseline refuses"
    );
    assert_eq!(judge(Level::Privileged).0, [], "something is not privileged enough");
    for Violation { check, reason, paths, .. } in baseline.iter().chain(&restricted) {
        assert!(!reason.is_empty() && !paths.is_empty(), "{check} names nothing");
        for path in paths {
            object.place(path);
        }
    }
}

/// Rego in both dialects, asked as Conftest's, and templates and constraints of Gatekeeper, asked about each other.
pub fn rego(bytes: &[u8]) {
    const TIME: Duration = Duration::from_millis(20);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let document = sekisho_base::tree::from_json(br#"{"a": [1, "b", null], "c": {"d": true}}"#).unwrap_or_default();
    for dialect in [Dialect::V0, Dialect::V1] {
        let setup = Setup { namespaces: None, data: &[], dialect: Some(dialect), time: TIME };
        match Conftest::load(&[("x.rego", text)], &setup) {
            Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.reason.is_empty())),
            Ok(conftest) => {
                let checked = conftest.check(&document);
                assert_eq!(checked.len(), conftest.rules().len());
                for checked in &checked {
                    tells(&checked.said);
                }
            }
        }
    }
    let (found, _) = objects("x.yaml", text, &LIMITS);
    let (gatekeeper, _) = Gatekeeper::load(&found, Some(&found), TIME);
    for object in &found {
        gatekeeper.review(&Review::of(object)).iter().for_each(|(_, said)| tells(said));
    }
}

/// What is not passed says why.
fn tells(said: &Said) {
    let is_silent = said.messages.iter().all(|message| message.text.is_empty());
    assert!(
        said.outcome == Outcome::Passed
            || !said.messages.is_empty() && (said.outcome == Outcome::Violated || !is_silent)
    );
}

/// Policies of the API server: objects of which some are policies, which are asked about all of them; and the whole text
/// as an expression, which is asked about a pod.
pub fn vap(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut found, _) = objects("x.yaml", text, &LIMITS);
    found.truncate(20);
    review(&found);
    let policy = serde_json::json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": "x" },
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    { "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"] }
                ]
            },
            "variables": [{ "name": "x", "expression": text }],
            "validations": [
                { "expression": text, "messageExpression": text },
                { "expression": "dyn(variables.x) != null && variables.x == dyn(variables.x)" }
            ],
        },
    });
    let pod = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "x", "labels": { "app": "x" } },
        "spec": { "containers": [{ "name": "a", "image": "b:1", "resources": { "limits": { "cpu": 1.5 } } }] },
    });
    let both = [policy, pod].map(|it| serde_json::from_value(it).ok().and_then(|node| Object::new("x.json", node)));
    review(&both.into_iter().flatten().collect::<Vec<_>>());
}

fn review(found: &[Object]) {
    let (policies, faults) = Policies::load(found);
    assert!(faults.iter().all(|fault| !fault.file.is_empty() && !fault.reason.is_empty()), "a fault of nothing");
    for object in found {
        for review in policies.review(object) {
            let said = &review.said;
            assert!(!review.actions.is_empty() || said.outcome == Outcome::Unknown, "a binding without a consequence");
            assert_eq!(said.messages.is_empty(), said.outcome == Outcome::Passed, "{review:?}");
            assert!(said.messages.iter().all(|message| !message.text.is_empty()), "{review:?}");
        }
    }
}
