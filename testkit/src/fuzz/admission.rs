//! Requests for admission, and what is answered.

use sekisho_admission::judge::{Known, Step};
use sekisho_admission::review::Review;
use sekisho_admission::{Decision, Judge, Mode, Rules};
use sekisho_base::Limits;
use sekisho_policy::PolicySet;
use serde_json::Value;
use std::sync::LazyLock;

/// Policies in other languages that look at everything a request has.
const FOREIGN: &str = r#"
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: made}
spec:
  crd: {spec: {names: {kind: Made}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package made
      violation[{"msg": msg, "details": input.review}] {
        msg := sprintf("%v %v", [input.review.userInfo, input.review.object.metadata])
      }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Made
metadata: {name: made}
spec: {enforcementAction: warn, match: {namespaceSelector: {matchLabels: {a: b}}, labelSelector: {matchLabels: {a: b}}}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Made
metadata: {name: all}
spec: {}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: made}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*', '*']}]
  validations:
  - expression: object == null || oldObject == null || object == oldObject
    messageExpression: "request.operation + ' by ' + request.userInfo.username"
  - expression: namespaceObject == null || namespaceObject.metadata.name != ''
  auditAnnotations: [{key: options, valueExpression: "string(request.name)"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: made}
spec: {policyName: made, validationActions: [Deny, Audit]}
"#;

static JUDGE: LazyLock<Judge> = LazyLock::new(|| {
    let mut set = PolicySet::default();
    set.add_shipped(None, &Limits::default());
    assert_eq!(set.add(Some("made.yaml"), FOREIGN, &Limits::default()), []);
    let judge = Judge::new(Rules { mode: Mode::Enforce, ..Rules::default() }, set);
    assert_eq!(judge.faults(), []);
    judge
});

/// A request, judged in every mode, and what the API server holds an answer to.
pub fn admission(bytes: &[u8]) {
    let Ok(review) = Review::read(bytes) else { return };
    assert!(!review.uid.is_empty());
    for label in Mode::ALL.map(Some) {
        let decision = match JUDGE.begin(review.clone(), label) {
            Step::Done(decision) => *decision,
            Step::Judge(case) => {
                let now = jiff::Timestamp::UNIX_EPOCH;
                JUDGE.decide(&case, &Known::default(), now, true).expect("a last decision is one")
            }
        };
        assert!(decision.allowed() || label == Some(Mode::Enforce), "it is refused where nothing is");
        check(&decision, &review.uid);
    }
}

fn check(decision: &Decision, uid: &str) {
    let answer: Value = serde_json::from_slice(&decision.answer(uid)).expect("an answer is JSON");
    let response = &answer["response"];
    assert_eq!(response["uid"].as_str(), Some(uid), "it answers another request");
    assert_eq!(response["allowed"].as_bool(), Some(decision.allowed()));
    assert!(decision.allowed() || !decision.message.is_empty(), "a denial says nothing");
    assert!(decision.message.len() <= 8 << 10);
    assert!(decision.warnings.len() <= 14);
    for warning in &decision.warnings {
        assert!(warning.len() <= 256 && !warning.contains(char::is_control), "{warning:?}");
    }
    for value in decision.annotations.values() {
        assert!(value.len() <= 1024, "{value:?}");
    }
}
