//! The webhook held to recorded requests: what is decided, how it is served, what is asked of the cluster.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod cluster;
mod decisions;
mod languages;
mod real;
mod serving;

use jiff::Timestamp;
use sekisho_admission::judge::{Known, Step};
use sekisho_admission::review::Review;
use sekisho_admission::{Decision, Judge, Mode, Rules};
use sekisho_base::Limits;
use sekisho_base::tree::from_json;
use sekisho_policy::PolicySet;
use sekisho_policy::manifest::Object;
use serde_json::{Value, json};
use std::sync::Arc;

/// One that is enforced, one that is not, one about images and one about exec.
const POLICIES: &str = "
policy: privileged
name: No container is privileged
severity: critical
stages: [deploy]
enforce: true
when: {Privileged Container: true}
---
policy: escalation
name: No process gets more rights
severity: medium
stages: [deploy]
when: {Allow Privilege Escalation: true}
---
policy: old-system
name: No image is of Debian 9
severity: high
stages: [deploy]
enforce: true
when: {Image OS: 'debian:9'}
---
policy: no-exec
name: Nobody gets a shell
severity: high
stages: [runtime]
event_source: deployment
enforce: true
when: {Kubernetes Resource: PODS_EXEC}
---
policy: no-attach-by-guests
name: No guest attaches
severity: high
stages: [runtime]
event_source: deployment
enforce: true
when: {Kubernetes Resource: PODS_ATTACH, Kubernetes User Name: guest}
";

fn set(text: &str) -> PolicySet {
    let mut set = PolicySet::default();
    let faults = set.add(Some("policies.yaml"), text, &Limits::default());
    assert_eq!(faults, []);
    set
}

fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn enforcing() -> Rules {
    Rules { mode: Mode::Enforce, ..Rules::default() }
}

/// The namespace of the recorded requests, with these labels.
fn namespace(labels: &Value) -> Arc<Object> {
    let text = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}});
    Arc::new(Object::new("", from_json(text.to_string().as_bytes()).unwrap()).unwrap())
}

/// The decision where nothing is known of images.
fn decide(judge: &Judge, review: &Value, known: &Known) -> Decision {
    let review = Review::read(review.to_string().as_bytes()).unwrap();
    match judge.begin(review, None) {
        Step::Done(decision) => *decision,
        Step::Judge(case) => judge.decide(&case, known, now(), true).unwrap(),
    }
}
