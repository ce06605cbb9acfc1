//! What policies look at: manifests, and the pods in them; and policies in every form.

use super::LIMITS;
use sekisho_model::Fact;
use sekisho_model::Level as Touches;
use sekisho_policy::criteria::CRITERIA;
use sekisho_policy::manifest::{Object, PodTemplate, objects, workloads};
use sekisho_policy::pod_security::{Level, Standard, Version, Violation, check};
use sekisho_policy::rego::Dialect;
use sekisho_policy::rego::conftest::{Conftest, Setup};
use sekisho_policy::rego::gatekeeper::{Gatekeeper, Review};
use sekisho_policy::vap::Policies;
use sekisho_policy::vap::convert::convert;
use sekisho_policy::{
    Component, Context, Foreign, ImageFacts, ImageSubject, Outcome, PolicySet, Said, Surroundings, Vulnerability,
    check_image, check_manifests, explain_manifests, native, stackrox,
};
use std::time::Duration;

/// Where something stands in it for most criteria to look at.
const POD: &str = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "labels": {"app": "x"}}, "spec": {
    "hostPID": true, "containers": [{"name": "a", "image": "b:1", "ports": [{"containerPort": 80}], "env": [{"name": "A"}],
    "securityContext": {"privileged": true, "capabilities": {"add": ["KILL"]}}, "resources": {"limits": {"cpu": 1.5}},
    "volumeMounts": [{"name": "v", "mountPath": "/v"}]}], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}"#;

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

/// Policies of criteria, in our own YAML and as StackRox has them: written and read again they are the same, and of a pod and
/// of an image they say something, whatever that is.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut set = PolicySet::default();
    for fault in set.add(Some("x.yaml"), text, &LIMITS) {
        assert!(!fault.reason.is_empty() && fault.file == "x.yaml", "a fault of nothing");
    }
    asked(&set);
    for ready in &set.policies {
        let written = stackrox::write(&ready.policy);
        let again = stackrox::read(&written).map(|policies| stackrox::write(&policies[0]));
        assert_eq!(again, Ok(written), "StackRox's form is not read as it was written");
        let mut again = PolicySet::default();
        let written = native::write(&ready.policy);
        let faults = again.add(Some("y.yaml"), &written, &LIMITS);
        // What only other forms can say is left out, and may be what was asked.
        if let (true, [own]) = (faults.is_empty(), again.policies.as_slice()) {
            assert_eq!(native::write(&own.policy), written, "our form is not read as it was written");
        }
        if let Ok(objects) = convert(&ready.policy) {
            let read = |value| serde_json::from_value(value).ok().and_then(|node| Object::new("x.json", node));
            let (_, faults) = Policies::load(&objects.into_iter().filter_map(read).collect::<Vec<_>>());
            assert!(faults.is_empty(), "the server would not take it: {faults:?}");
        }
    }
}

/// Values of criteria: the first byte chooses one, the second how it is asked, and each line of the rest is a value.
pub fn criterion(bytes: &[u8]) {
    let [which, how, rest @ ..] = bytes else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let criterion = &CRITERIA[usize::from(*which) % CRITERIA.len()];
    let values: Vec<_> = text.lines().take(20).map(|value| serde_json::json!({ "value": value })).collect();
    let stage = ["BUILD", "DEPLOY", "RUNTIME"][usize::from(*how >> 2) % 3];
    let policy = serde_json::json!({
        "name": "a name", "categories": ["x"], "severity": "LOW_SEVERITY", "lifecycleStages": [stage],
        "policySections": [{ "policyGroups": [{
            "fieldName": criterion.name, "values": values, "negate": how & 1 == 1,
            "booleanOperator": if how & 2 == 2 { "AND" } else { "OR" },
        }] }],
    });
    self::policy(policy.to_string().as_bytes());
}

/// What the policies say of a pod and of an image: what is not passed says why, and what is explained is what was judged.
fn asked(set: &PolicySet) {
    let (pod, _) = objects("pod.json", POD, &LIMITS);
    let vulnerability = Vulnerability { id: "CVE-2021-44228".to_owned(), ..Vulnerability::default() };
    let component = Component {
        name: "log4j".to_owned(),
        version: "2.14".to_owned(),
        judged: Fact::Known(()),
        vulnerabilities: vec![vulnerability],
        ..Component::default()
    };
    let facts =
        ImageFacts { os: Fact::Known("debian:9".to_owned()), components: vec![component], ..ImageFacts::default() };
    let around = Surroundings::default();
    let now = jiff::Timestamp::UNIX_EPOCH;
    for known in [Fact::Known(&facts), Fact::NotAsked, Fact::Unknown("lost".to_owned())] {
        let images = |_: &str| known.clone();
        let context = Context { around: &around, images: &images, now, limits: &LIMITS };
        let checked = check_manifests(set, &Foreign::default(), &pod, &context);
        let image = ImageSubject { title: "b:1", reference: None, digest: None, facts: &facts };
        for result in checked.results.iter().chain(&check_image(set, &image, now).results) {
            let tells = match result.outcome {
                Outcome::Passed => true,
                Outcome::Violated => result.violations.iter().all(|it| !it.message.is_empty()),
                Outcome::Unknown | Outcome::NotEvaluated => result.reasons.iter().all(|reason| !reason.is_empty()),
            };
            assert!(tells, "{result:?} says nothing");
        }
        set.policies.iter().for_each(|ready| drop(explain_manifests(ready, &pod, &context)));
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
