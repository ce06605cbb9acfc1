//! Policies in other languages asked about requests: what they see of one, and what follows from what they say.

use super::*;
use sekisho_admission::{Doubt, Outcome};
use sekisho_model::{Fact, PolicySeverity};

/// A constraint whose template is this Rego, with these lines in its specification.
fn gatekeeper(rego: &str, spec: &str) -> PolicySet {
    let rego = rego.replace('\n', "\n        ");
    let spec = spec.replace('\n', "\n  ");
    set(&format!(
        "apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {{name: made}}
spec:
  crd: {{spec: {{names: {{kind: Made}}}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
        {rego}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Made
metadata: {{name: c}}
spec:
  {spec}
"
    ))
}

/// A policy of the API server about everything that is done to these resources, with this binding.
fn native(resources: &str, spec: &str, binding: &str) -> PolicySet {
    set(&format!("{}---\n{binding}", policy(resources, spec)))
}

fn policy(resources: &str, spec: &str) -> String {
    let spec = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: p}}
spec:
  matchConstraints: {{resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: {resources}}}]}}
  {spec}
"
    )
}

fn binding(spec: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: b}}\nspec: \
         {{policyName: p, {spec}}}\n"
    )
}

fn denying() -> String {
    binding("validationActions: [Deny]")
}

/// A request about an object of the core group, as kubectl makes it.
fn request(operation: &str, resource: &str, object: &Value) -> Value {
    let kind = &object["kind"];
    let version = json!({"group": "", "version": "v1", "kind": kind});
    let name = json!({"group": "", "version": "v1", "resource": resource});
    let (new, old) = match operation {
        "DELETE" => (Value::Null, object.clone()),
        "UPDATE" => (object.clone(), object.clone()),
        _ => (object.clone(), Value::Null),
    };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": version, "resource": name, "requestKind": version, "requestResource": name,
        "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"], "operation": operation,
        "userInfo": {"username": "jane@example.org", "groups": ["team", "system:authenticated"]},
        "object": new, "oldObject": old, "dryRun": false,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    }})
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}})
}

fn settings() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"a": "1"}})
}

/// The decision of one that knows nothing of the namespace.
fn asked(set: PolicySet, rules: Rules, review: &Value) -> Decision {
    let judge = Judge::new(rules, set);
    assert_eq!(judge.faults(), []);
    decide(&judge, review, &Known::default())
}

const NODE_PORT: &str = "package p
violation[{\"msg\": msg}] { input.review.object.spec.type == \"NodePort\"; msg := \"no node ports\" }";

#[test]
fn what_follows_is_the_constraints_action_within_the_mode_of_the_namespace() {
    let check = |spec: &str, mode: Mode, outcome: Outcome| {
        let rules = Rules { mode, ..Rules::default() };
        let decision = asked(gatekeeper(NODE_PORT, spec), rules, &request("CREATE", "services", &service()));
        assert_eq!(decision.outcome, outcome, "{spec} {mode:?}: {decision:?}");
        decision
    };
    let denied = check("enforcementAction: deny", Mode::Enforce, Outcome::Denied);
    assert_eq!(denied.message, "sekisho: 1 policy is violated:\n- [Made/c] no node ports");
    check("enforcementAction: deny", Mode::Warn, Outcome::Warned);
    check("enforcementAction: deny", Mode::Audit, Outcome::Noted);
    check("match: {scope: Namespaced}", Mode::Enforce, Outcome::Denied);
    let warned = check("enforcementAction: warn", Mode::Enforce, Outcome::Warned);
    assert_eq!(warned.warnings, ["sekisho: [Made/c] no node ports"]);
    check("enforcementAction: warn", Mode::Audit, Outcome::Noted);
    let noted = check("enforcementAction: dryrun", Mode::Enforce, Outcome::Noted);
    assert_eq!((noted.warnings.len(), noted.annotations["violated"].as_str()), (0, "Made/c"));
    // The webhook's own point, and no other's.
    let scoped = |point: &str| {
        format!(
            "enforcementAction: scoped\nscopedEnforcementActions: [{{action: deny, enforcementPoints: [{{name: {point}}}]}}]"
        )
    };
    check(&scoped("validation.gatekeeper.sh"), Mode::Enforce, Outcome::Denied);
    check(&scoped("audit.gatekeeper.sh"), Mode::Enforce, Outcome::Ignored);
    // It is about services, so nothing is said of what is none.
    let other = "match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}";
    let ignored = check(other, Mode::Enforce, Outcome::Ignored);
    assert_eq!(ignored.message, "the object makes no pods");
}

#[test]
fn severity_raises_what_is_told_and_never_what_is_only_noted() {
    let of = |action: &str| {
        let rules = Rules { fail_on: Some(PolicySeverity::Medium), ..enforcing() };
        let set = gatekeeper(NODE_PORT, &format!("enforcementAction: {action}"));
        asked(set, rules, &request("CREATE", "services", &service())).outcome
    };
    assert_eq!([of("warn"), of("dryrun")], [Outcome::Denied, Outcome::Noted]);
}

#[test]
fn rego_sees_the_request_as_gatekeeper_shows_it() {
    let check = |condition: &str, review: &Value, known: &Known, outcome: Outcome| {
        let rego = format!("package p\nviolation[{{\"msg\": \"m\"}}] {{ {condition} }}");
        let judge = Judge::new(enforcing(), gatekeeper(&rego, "match: {scope: '*'}"));
        assert_eq!(judge.faults(), []);
        let decision = decide(&judge, review, known);
        assert_eq!(decision.outcome, outcome, "{condition}: {decision:?}");
        decision
    };
    let none = Known::default();
    let made = request("CREATE", "services", &service());
    check("input.review.userInfo.username == \"jane@example.org\"", &made, &none, Outcome::Denied);
    check("input.review.userInfo.groups[_] == \"team\"", &made, &none, Outcome::Denied);
    check("input.review.operation == \"CREATE\"", &made, &none, Outcome::Denied);
    check("input.review.operation == \"UPDATE\"", &made, &none, Outcome::Passed);
    check(
        "input.review.kind.kind == \"Service\"; input.review.resource.resource == \"services\"",
        &made,
        &none,
        Outcome::Denied,
    );
    check("input.review.oldObject == null", &made, &none, Outcome::Denied);
    let mut changed = request("UPDATE", "services", &service());
    changed["request"]["oldObject"]["spec"]["type"] = json!("ClusterIP");
    check("input.review.oldObject.spec.type != input.review.object.spec.type", &changed, &none, Outcome::Denied);
    // What is deleted is its object as well.
    let deleted = request("DELETE", "services", &service());
    check(
        "input.review.operation == \"DELETE\"; input.review.object.metadata.name == \"web\"; input.review.oldObject.spec",
        &deleted,
        &none,
        Outcome::Denied,
    );
    // The namespace, where it is known; nobody can say where not.
    let tier = "input.review._unstable.namespace.metadata.labels.tier == \"prod\"";
    let known = |value: &str| Known { namespace: Fact::Known(namespace(&json!({"tier": value}))), ..Known::default() };
    check(tier, &made, &known("prod"), Outcome::Denied);
    check(tier, &made, &known("test"), Outcome::Passed);
    let lost = check(tier, &made, &none, Outcome::Warned);
    assert!(lost.warnings[0].contains("looks at the namespace shop, which is not known"), "{lost:?}");
    // Other objects are not there, which is not the same as that there are none.
    let unique = check("not data.inventory.namespace.shop", &made, &none, Outcome::Passed);
    assert_eq!(unique.annotations["not-evaluated"], "Made/c");
}

#[test]
fn expressions_see_the_request_as_the_api_server_shows_it() {
    let check = |expression: &str, resources: &str, review: &Value, known: &Known, outcome: Outcome| {
        let spec = format!("validations: [{{expression: {}}}]", json!(expression));
        let judge = Judge::new(enforcing(), native(resources, &spec, &denying()));
        assert_eq!(judge.faults(), [], "{expression}");
        let decision = decide(&judge, review, known);
        assert_eq!(decision.outcome, outcome, "{expression}: {decision:?}");
        decision
    };
    let none = Known::default();
    let made = request("CREATE", "configmaps", &settings());
    let maps = "[configmaps]";
    check("request.userInfo.username != 'jane@example.org'", maps, &made, &none, Outcome::Denied);
    check("'team' in request.userInfo.groups", maps, &made, &none, Outcome::Passed);
    check("request.operation == 'CREATE' && oldObject == null", maps, &made, &none, Outcome::Passed);
    check("has(request.subResource)", maps, &made, &none, Outcome::Denied);
    check("request.dryRun == false && request.resource.resource == 'configmaps'", maps, &made, &none, Outcome::Passed);
    check("!has(object.data.b)", maps, &made, &none, Outcome::Passed);
    let mut changed = request("UPDATE", "configmaps", &settings());
    changed["request"]["object"]["data"]["a"] = json!("2");
    check("object.data.a == oldObject.data.a", maps, &changed, &none, Outcome::Denied);
    let deleted = request("DELETE", "configmaps", &settings());
    check(
        "request.operation != 'DELETE' || oldObject.metadata.name != 'settings'",
        maps,
        &deleted,
        &none,
        Outcome::Denied,
    );
    check("object == null", maps, &deleted, &none, Outcome::Passed);
    // Only what the policy is about.
    assert_eq!(check("false", "[secrets]", &made, &none, Outcome::Ignored).message, "the object makes no pods");
    check("false", "[configmaps/status]", &made, &none, Outcome::Ignored);
    let mut status = made.clone();
    status["request"]["subResource"] = json!("status");
    check("false", maps, &status, &none, Outcome::Ignored);
    check("request.subResource == 'status'", "[configmaps/status]", &status, &none, Outcome::Passed);
    // The namespace.
    let tier = "namespaceObject.metadata.labels['tier'] != 'prod'";
    let known = |value: &str| Known { namespace: Fact::Known(namespace(&json!({"tier": value}))), ..Known::default() };
    check(tier, maps, &made, &known("prod"), Outcome::Denied);
    check(tier, maps, &made, &known("test"), Outcome::Passed);
    let away = Known { namespace: Fact::Unknown("the API server is away".to_owned()), ..Known::default() };
    let lost = check(tier, maps, &made, &away, Outcome::Warned);
    assert!(lost.warnings[0].contains("the API server is away"), "{lost:?}");
    // What is in no namespace.
    let role = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"a": "b"}}});
    check(
        "namespaceObject == null && !has(request.namespace)",
        "[nodes]",
        &request_without_namespace("nodes", &role),
        &none,
        Outcome::Passed,
    );
    // Nobody can ask the authorizer.
    let asks =
        check("authorizer.group('').resource('pods').check('get').allowed()", maps, &made, &none, Outcome::Warned);
    assert!(asks.warnings[0].contains("authorizer"), "{asks:?}");
    assert_eq!(asks.unknown, ["p"]);
}

fn request_without_namespace(resource: &str, object: &Value) -> Value {
    let mut review = request("CREATE", resource, object);
    review["request"].as_object_mut().unwrap().remove("namespace");
    review
}

#[test]
fn the_actions_of_a_binding_say_what_follows() {
    let check = |actions: &str, outcome: Outcome| {
        let binding = binding(&format!("validationActions: {actions}"));
        let set = native("[services]", "validations: [{expression: 'false', message: never}]", &binding);
        let decision = asked(set, enforcing(), &request("CREATE", "services", &service()));
        assert_eq!(decision.outcome, outcome, "{actions}: {decision:?}");
        decision
    };
    assert_eq!(check("[Deny]", Outcome::Denied).message, "sekisho: 1 policy is violated:\n- [p] p (b): never");
    check("[Deny, Audit]", Outcome::Denied);
    check("[Warn]", Outcome::Warned);
    check("[Warn, Audit]", Outcome::Warned);
    check("[Audit]", Outcome::Noted);
    // Without a binding it is asked as `check` asks it.
    let set = native("[services]", "validations: [{expression: 'false'}]", "");
    assert_eq!(asked(set, enforcing(), &request("CREATE", "services", &service())).outcome, Outcome::Denied);
}

#[test]
fn selectors_look_at_labels_of_the_object_of_what_it_was_and_of_its_namespace() {
    let check = |matching: &str, review: &Value, labels: &Value, outcome: Outcome| {
        let binding = binding(&format!("validationActions: [Deny], matchResources: {matching}"));
        let judge = Judge::new(enforcing(), native("['*']", "validations: [{expression: 'false'}]", &binding));
        assert_eq!(judge.faults(), []);
        let known = Known { namespace: Fact::Known(namespace(labels)), ..Known::default() };
        assert_eq!(decide(&judge, review, &known).outcome, outcome, "{matching}");
    };
    let (made, none) = (request("CREATE", "services", &service()), json!({}));
    check("{objectSelector: {matchLabels: {app: web}}}", &made, &none, Outcome::Denied);
    check("{objectSelector: {matchLabels: {app: api}}}", &made, &none, Outcome::Ignored);
    let mut changed = request("UPDATE", "services", &service());
    changed["request"]["object"]["metadata"]["labels"] = json!({});
    check("{objectSelector: {matchLabels: {app: web}}}", &changed, &none, Outcome::Denied);
    check("{namespaceSelector: {matchLabels: {tier: prod}}}", &made, &json!({"tier": "prod"}), Outcome::Denied);
    check("{namespaceSelector: {matchLabels: {tier: prod}}}", &made, &json!({"tier": "test"}), Outcome::Ignored);
    let own = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "labels": {"tier": "prod"}}});
    let mut own = request("CREATE", "namespaces", &own);
    own["request"]["namespace"] = json!("new");
    check("{namespaceSelector: {matchLabels: {tier: prod}}}", &own, &none, Outcome::Denied);
    check("{namespaceSelector: {matchLabels: {tier: test}}}", &own, &none, Outcome::Ignored);
    // What a connection is asked for with has no labels to select by, and ours let it pass.
    let unlabelled = "{objectSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}";
    check(unlabelled, &recorded("pod-exec"), &none, Outcome::Passed);
}

/// Our own policies leave out what was judged with something else or is nothing new; others say themselves what they are
/// about.
#[test]
fn what_is_spared_by_ours_is_asked_of_the_others() {
    let check = |name: &str, resources: &str, outcome: Outcome| {
        let mut policies = native(resources, "validations: [{expression: 'false', message: never}]", &denying());
        assert_eq!(policies.add(Some("own.yaml"), POLICIES, &Limits::default()), []);
        let decision = asked(policies, enforcing(), &recorded(name));
        assert_eq!(decision.outcome, outcome, "{name}: {decision:?}");
        decision
    };
    check("pod-owned", "[pods]", Outcome::Denied);
    check("pod-owned", "[deployments]", Outcome::Ignored);
    check("pod-delete", "[pods]", Outcome::Denied);
    check("deployment-unchanged", "[deployments]", Outcome::Denied);
    check("deployment-scale", "[deployments/scale]", Outcome::Denied);
    check("deployment-scale", "[deployments]", Outcome::Ignored);
    check("pod-portforward", "[pods/portforward]", Outcome::Denied);
    let both = check("pod-exec", "[pods/exec]", Outcome::Denied);
    assert_eq!(both.policies, ["no-exec", "p"]);
    // One that is judged by ours is judged by both.
    assert_eq!(
        check("deployment-create", "[deployments]", Outcome::Denied).policies,
        ["escalation", "p", "privileged"]
    );
    // Namespaces and users of the site's are exempt from all.
    let policies = native("[pods]", "validations: [{expression: 'false'}]", &denying());
    let rules = Rules { exempt_users: vec!["*".parse().unwrap()], ..enforcing() };
    assert_eq!(asked(policies, rules, &recorded("pod-delete")).outcome, Outcome::Exempt);
}

#[test]
fn gatekeeper_is_asked_about_connections_and_what_is_deleted() {
    let rego = "package p\nviolation[{\"msg\": msg}] { msg := sprintf(\"%v %v\", [input.review.operation, input.review.kind.kind]) }";
    let of = |name: &str| asked(gatekeeper(rego, "match: {}"), enforcing(), &recorded(name)).message;
    assert!(of("pod-exec").ends_with("[Made/c] CONNECT PodExecOptions"), "{}", of("pod-exec"));
    assert!(of("pod-delete").ends_with("[Made/c] DELETE Pod"), "{}", of("pod-delete"));
}

#[test]
fn parameters_are_those_among_the_policies() {
    let limits = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop}\ndata: {most: '1'}\n";
    let spec = "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations: [{expression: 'size(object.spec.ports) < int(params.data.most)', message: too many}]";
    let reference = "paramRef: {name: limits, parameterNotFoundAction: Deny}, validationActions: [Deny]";
    let with = |limits: &str| {
        let text = format!("{}---\n{}---\n{limits}", policy("[services]", spec), binding(reference));
        asked(set(&text), enforcing(), &request("CREATE", "services", &service()))
    };
    let denied = with(limits);
    assert!(denied.message.contains("too many (with ConfigMap/limits)"), "{denied:?}");
    let lost = with("");
    assert_eq!((lost.outcome, lost.unknown), (Outcome::Warned, vec!["p".to_owned()]));
}

#[test]
fn what_policies_write_into_the_audit_log_is_written_there() {
    let spec = "validations: [{expression: 'true'}]\nauditAnnotations: [{key: who, valueExpression: \"'by ' + request.userInfo.username\"}]";
    let decision =
        asked(native("[services]", spec, &denying()), enforcing(), &request("CREATE", "services", &service()));
    assert_eq!(decision.outcome, Outcome::Passed);
    assert_eq!(decision.annotations["policy-annotations"], "p/who=by jane@example.org");
}

#[test]
fn what_nobody_can_say_goes_by_the_same_rule() {
    let of = |rules: Rules, actions: &str| {
        let spec = "failurePolicy: Ignore\nvalidations: [{expression: 'object.spec.nothing == 1'}]";
        let set = native("[services]", spec, &binding(&format!("validationActions: {actions}")));
        asked(set, rules, &request("CREATE", "services", &service())).outcome
    };
    assert_eq!(of(enforcing(), "[Deny]"), Outcome::Warned);
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..enforcing() }, "[Deny]"), Outcome::Denied);
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..enforcing() }, "[Warn]"), Outcome::Warned);
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..enforcing() }, "[Audit]"), Outcome::Noted);
    assert_eq!(of(Rules { unknown: Doubt::Allow, ..enforcing() }, "[Deny]"), Outcome::Noted);
}

#[test]
fn rules_about_files_are_asked_about_whole_objects() {
    let rego = "package main\nimport rego.v1\ndeny contains msg if { input.kind == \"Service\"; msg := \"no services\" }\nwarn contains msg if { input.kind == \"ConfigMap\"; msg := \"a map\" }";
    let of = |review: &Value| {
        let mut set = PolicySet::default();
        assert_eq!(set.add(Some("rules.rego"), rego, &Limits::default()), []);
        asked(set, enforcing(), review)
    };
    assert!(of(&request("CREATE", "services", &service())).message.contains("[main.deny] no services"));
    assert_eq!(of(&request("CREATE", "configmaps", &settings())).outcome, Outcome::Warned);
    assert_eq!(of(&request("DELETE", "services", &service())).outcome, Outcome::Ignored);
}

#[test]
fn what_is_wrong_with_policies_is_told() {
    let judge = Judge::new(enforcing(), native("[pods]", "validations: [{expression: 'object.'}]", &denying()));
    assert_eq!(judge.faults().len(), 1);
    let decision = decide(&judge, &recorded("pod-delete"), &Known::default());
    assert_eq!(decision.outcome, Outcome::Warned, "it is not passed either");
    assert!(!Judge::new(enforcing(), PolicySet::default()).asks());
}

#[test]
fn an_object_without_a_kind_is_not_passed() {
    let mut review = request("CREATE", "services", &service());
    review["request"]["object"].as_object_mut().unwrap().remove("kind");
    let decision = asked(gatekeeper(NODE_PORT, "match: {}"), enforcing(), &review);
    assert_eq!((decision.outcome, decision.unknown), (Outcome::Warned, vec!["all".to_owned()]));
}

/// One that goes on for ever is named as not judged, and all that come after it are judged.
#[test]
fn what_takes_too_long_keeps_nothing_else_from_being_judged() {
    let endless = "package p
violation[{\"msg\": \"m\"}] { count([1 | input.review.object.kind; a := numbers.range(1, 90000)[_]; b := numbers.range(1, 90000)[_]; a > b]) > 90000 }";
    let mut set = gatekeeper(endless, "enforcementAction: warn");
    let second = "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Made\nmetadata: {name: d}\n";
    let other = NODE_PORT.replace('\n', "\n        ");
    let template = format!(
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: other}}\nspec:\n  crd: {{spec: \
         {{names: {{kind: Other}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    rego: |\n        {other}\n---\n\
         apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Other\nmetadata: {{name: e}}\n"
    );
    let native = format!("{}---\n{}", policy("[services]", "validations: [{expression: 'false'}]"), denying());
    let rego = "package main\ndeny contains \"no web\" if input.metadata.name == \"web\"";
    for (file, text) in [("a.yaml", second), ("b.yaml", &template), ("c.yaml", &native), ("d.rego", rego)] {
        assert_eq!(set.add(Some(file), text, &Limits::default()), []);
    }
    let judge = Judge::new(Rules { unknown: Doubt::Allow, ..enforcing() }, set);
    assert_eq!(judge.faults(), []);
    let deadline = |seconds| {
        let limits = Limits { time: std::time::Duration::from_secs(seconds), ..Limits::default() };
        Known { deadline: Some(sekisho_base::limits::Deadline::of(&limits)), ..Known::default() }
    };
    let begun = std::time::Instant::now();
    let decision = decide(&judge, &request("CREATE", "services", &service()), &deadline(2));
    assert_eq!(decision.policies, ["Other/e", "main.deny", "p"], "{decision:?}");
    assert_eq!(decision.not_judged, ["Made/c", "Made/d"]);
    assert_eq!(decision.annotations["not-judged"], "Made/c, Made/d");
    assert_eq!(decision.annotations["unknown"], "Made/c, Made/d");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    // Without any time each of them is unknown, and by its own rule.
    let decision = decide(&judge, &request("CREATE", "services", &service()), &deadline(0));
    assert_eq!(decision.not_judged, ["Made/c", "Made/d", "Other/e", "main.deny", "p"]);
    assert_eq!(decision.outcome, Outcome::Noted);
}
