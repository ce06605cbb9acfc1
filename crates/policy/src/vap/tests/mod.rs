//! Policies of all shapes, and what they say.

mod convert;
mod library;

use super::*;
use crate::evaluate::Outcome;
use crate::manifest::{Object, objects};
use sekisho_base::Limits;

fn read(text: &str) -> Vec<Object> {
    let (found, diagnostics) = objects("x.yaml", text, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    found
}

/// What policies say of the objects of `text`, in the order of these: outcome and texts.
fn said(policies: &str, text: &str) -> Vec<(Outcome, Vec<String>)> {
    let mut all = read(policies);
    let objects = read(text);
    all.extend(objects.iter().cloned());
    let (policies, faults) = Policies::load(&all);
    assert!(faults.is_empty(), "{faults:?}");
    let reviews = objects.iter().flat_map(|object| policies.review(object));
    reviews.map(|it| (it.said.outcome, it.said.messages.into_iter().map(|message| message.text).collect())).collect()
}

/// A policy about everything with this in its specification.
fn policy(spec: &str) -> String {
    let indented = spec.replace('\n', "\n  ");
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: p}}\nspec:\n  \
         matchConstraints: {{resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: \
         ['*']}}]}}\n  {indented}\n"
    )
}

/// What an expression gives, seen by a policy that it is the only validation of.
fn check(expression: &str, object: &str, expect: Outcome) {
    let expression = serde_json::to_string(expression).unwrap();
    let found = said(&policy(&format!("validations: [{{expression: {expression}}}]")), object);
    assert_eq!(found.len(), 1, "{expression}");
    assert_eq!(found[0].0, expect, "{expression}: {found:?}");
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: false
      containers:
      - {name: a, image: 'nginx:1.27', ports: [{containerPort: 80}], resources: {limits: {cpu: 1, memory: 1024Mi}}}
";

#[test]
fn objects_are_seen_as_the_server_shows_them() {
    for expression in [
        "object.spec.replicas == 1",
        "object.spec.strategy.type == 'RollingUpdate' && object.spec.strategy.rollingUpdate.maxSurge == '25%'",
        "!has(object.spec.template.spec.hostNetwork) && has(object.spec.template.spec.securityContext)",
        "object.spec.template.spec.containers.all(c, has(c.resources) && c.imagePullPolicy == 'IfNotPresent')",
        "object.spec.template.spec.containers[0].ports[0].protocol == 'TCP'",
        "object.spec.template.spec.containers[0].resources.limits.cpu == '1'",
        "object.spec.template.spec.containers[0].resources.limits.memory == '1Gi'",
        "quantity(object.spec.template.spec.containers[0].resources.limits.memory).isLessThan(quantity('2Gi'))",
        "object.metadata.namespace == 'shop' && request.namespace == 'shop' && request.name == 'web'",
        "request.operation == 'CREATE' && oldObject == null && !request.dryRun",
        "request.resource.resource == 'deployments' && request.kind.group == 'apps'",
        "namespaceObject.metadata.name == 'shop'",
        "object.metadata.?annotations['x'].orValue('none') == 'none'",
        "object.spec.template.spec.?securityContext.?runAsNonRoot.orValue(false) == false",
    ] {
        check(expression, DEPLOYMENT, Outcome::Passed);
    }
    for expression in [
        "object.metadata.uid != ''",
        "request.userInfo.username == 'me'",
        "namespaceObject.metadata.labels.team == 'a'",
        "object.spec.missing == 1",
        "authorizer.group('').resource('pods').check('create').allowed()",
        "authorizer.requestResource.check('scale').allowed()",
    ] {
        check(expression, DEPLOYMENT, Outcome::Unknown);
    }
    // What decides makes up for what is not known.
    check("request.userInfo.username == 'me' || true", DEPLOYMENT, Outcome::Passed);
    check("request.userInfo.username == 'me' && false", DEPLOYMENT, Outcome::Violated);
}

#[test]
fn messages_are_those_of_the_server() {
    let check = |validation: &str, expect: &str| {
        let found = said(&policy(&format!("validations: [{{expression: ' false ', {validation}}}]")), DEPLOYMENT);
        assert_eq!(found, [(Outcome::Violated, vec![expect.to_owned()])], "{validation}");
    };
    check("message: ' fixed '", "fixed");
    check("message: fixed, messageExpression: \"'made of ' + object.metadata.name\"", "made of web");
    check("message: fixed, messageExpression: \"'' + ' '\"", "fixed");
    check("message: fixed, messageExpression: \"'a\\\\nb'\"", "fixed");
    check("message: fixed, messageExpression: 'object.spec.missing + string(1)'", "fixed");
    check("reason: Forbidden", "failed expression: false");
}

#[test]
fn all_validations_speak_and_violations_outweigh_errors() {
    let spec = "variables:\n- {name: images, expression: 'object.spec.template.spec.containers.map(c, c.image)'}\n\
                - {name: broken, expression: 'object.spec.missing'}\n\
                validations:\n- {expression: 'variables.images.all(i, i.contains(\":\"))'}\n\
                - {expression: 'variables.images == []', message: first}\n\
                - {expression: 'variables.broken == 1'}\n- {expression: 'size(variables.images) == 2', message: second}";
    let found = said(&policy(spec), DEPLOYMENT);
    assert_eq!(found, [(Outcome::Violated, vec!["first".to_owned(), "second".to_owned()])]);
    let spec =
        "failurePolicy: Ignore\nvalidations:\n- {expression: 'true'}\n- {expression: 'object.spec.missing == 1'}";
    let found = said(&policy(spec), DEPLOYMENT);
    assert_eq!(found[0].0, Outcome::Unknown);
    assert_eq!(found[0].1, ["object.spec.missing == 1: no such key: missing; the server would let it pass"]);
}

#[test]
fn conditions_decide_whether_a_policy_is_asked() {
    let conditions = |list: &str| {
        let spec = format!("matchConditions: [{list}]\nvalidations: [{{expression: 'false'}}]");
        said(&policy(&spec), DEPLOYMENT).into_iter().map(|(outcome, _)| outcome).collect::<Vec<_>>()
    };
    assert_eq!(conditions("{name: a, expression: 'true'}"), [Outcome::Violated]);
    assert_eq!(conditions("{name: a, expression: 'true'}, {name: b, expression: 'false'}"), []);
    assert_eq!(conditions("{name: a, expression: 'object.x == 1'}"), [Outcome::Unknown]);
    // One that does not hold is enough, whatever another cannot tell.
    assert_eq!(conditions("{name: a, expression: 'object.x == 1'}, {name: b, expression: 'false'}"), []);
    // The server shows them no namespace.
    let found = conditions("{name: a, expression: 'namespaceObject.metadata.name == \"shop\"'}");
    assert_eq!(found, [Outcome::Unknown]);
}

#[test]
fn annotations_for_the_audit_log_are_told() {
    let spec = "auditAnnotations:\n- {key: replicas, valueExpression: \"'has ' + string(object.spec.replicas)\"}\n\
                - {key: empty, valueExpression: \"''\"}\n- {key: none, valueExpression: 'null'}";
    let objects = read(&(policy(spec) + "---\n" + DEPLOYMENT));
    let (policies, faults) = Policies::load(&objects);
    assert_eq!(faults, []);
    let found = policies.review(&objects[1]);
    assert_eq!(found[0].audit, [("replicas".to_owned(), "has 1".to_owned())]);
    assert_eq!(found[0].said, crate::Said::passed());
    assert_eq!((found[0].policy, found[0].binding, found[0].actions), ("p", None, &[Action::Deny][..]));
}

/// A policy with parameters, its binding, and more.
fn with_parameters(reference: &str, more: &str) -> Vec<(Outcome, Vec<String>)> {
    let policy = policy(
        "paramKind: {apiVersion: v1, kind: ConfigMap}\n\
         validations: [{expression: 'params == null || object.spec.replicas <= int(params.data.most)'}]",
    );
    let binding = format!(
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: b}}\n\
         spec: {{policyName: p, validationActions: [Deny], matchResources: {{objectSelector: {{matchLabels: {{app: web}}}}}}, \
         {reference}}}\n---\n"
    );
    said(&(policy + &binding + more), DEPLOYMENT)
}

#[test]
fn parameters_are_found_among_the_objects() {
    let map = |name: &str, namespace: &str, most: u8| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{k: v}}}}\n\
                 data: {{most: '{most}'}}\n"
        )
    };
    let outcomes = |reference: &str, more: &str| {
        with_parameters(reference, more).into_iter().map(|(outcome, _)| outcome).collect::<Vec<_>>()
    };
    let by_name = "paramRef: {name: limits, parameterNotFoundAction: Deny}";
    assert_eq!(outcomes(by_name, &map("limits", "shop", 1)), [Outcome::Passed]);
    assert_eq!(outcomes(by_name, &map("limits", "shop", 0)), [Outcome::Violated]);
    // Another namespace is another object; a cluster may have the right one.
    assert_eq!(outcomes(by_name, &map("limits", "other", 0)), [Outcome::Unknown]);
    let elsewhere = "paramRef: {name: limits, namespace: other, parameterNotFoundAction: Deny}";
    assert_eq!(outcomes(elsewhere, &map("limits", "other", 0)), [Outcome::Violated]);
    // As many answers as parameters.
    let by_labels = "paramRef: {selector: {matchLabels: {k: v}}, parameterNotFoundAction: Allow}";
    let two = map("a", "shop", 0) + &map("b", "shop", 5);
    assert_eq!(outcomes(by_labels, &two), [Outcome::Violated, Outcome::Passed]);
    // Without a reference there are none.
    assert_eq!(outcomes("paramRef: {}", ""), [Outcome::Passed]);
    let missing = with_parameters(by_name, "");
    assert!(missing[0].1[0].contains("ConfigMap/limits") && missing[0].1[0].contains("refuse"), "{missing:?}");
}

#[test]
fn rules_and_selectors_say_what_a_policy_is_about() {
    let about = |matching: &str, object: &str, more: &str| {
        let text = format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: p}}\nspec:\n  \
             matchConstraints: {{{matching}}}\n  validations: [{{expression: 'false'}}]\n{more}"
        );
        said(&text, object).into_iter().map(|(outcome, _)| outcome).collect::<Vec<_>>()
    };
    let yes = [Outcome::Violated];
    let rule = |groups: &str, versions: &str, operations: &str, resources: &str| {
        format!(
            "{{apiGroups: [{groups}], apiVersions: [{versions}], operations: [{operations}], resources: [{resources}]}}"
        )
    };
    let rules = |list: String| format!("resourceRules: [{list}]");
    let check = |list: String, expect: &[Outcome]| {
        let matching = rules(list);
        assert_eq!(about(&matching, DEPLOYMENT, ""), expect, "{matching}");
    };
    check(rule("apps", "v1", "CREATE", "deployments"), &yes);
    check(rule("apps", "v1", "'*'", "'*'"), &yes);
    check(rule("apps", "v1", "CREATE", "'deployments/*'"), &yes);
    check(rule("apps", "v1", "CREATE", "'deployments/scale'"), &[]);
    check(rule("apps", "v1", "UPDATE, DELETE", "deployments"), &[]);
    check(rule("''", "v1", "CREATE", "pods, deployments"), &[]);
    check(rule("apps", "v1", "CREATE", "deployment"), &[]);
    // The same objects in another version need a server.
    check(rule("apps", "v1beta1", "CREATE", "deployments"), &[Outcome::Unknown]);
    check(rule("extensions", "v1beta1", "CREATE", "deployments"), &[Outcome::Unknown]);
    check(rule("extensions", "v1beta1", "CREATE", "deployments") + "], matchPolicy: Exact, x: [", &[]);
    let all = rules(rule("'*'", "'*'", "'*'", "'*'"));
    let also = |more: &str, expect: &[Outcome]| {
        let matching = format!("{all}, {more}");
        assert_eq!(about(&matching, DEPLOYMENT, ""), expect, "{matching}");
    };
    also(&format!("excludeResourceRules: [{}]", rule("apps", "v1", "'*'", "'*'")), &[]);
    also("objectSelector: {matchLabels: {app: web}}", &yes);
    also("objectSelector: {matchLabels: {app: db}}", &[]);
    also("objectSelector: {matchExpressions: [{key: x, operator: NotIn, values: [a]}]}", &yes);
    also("objectSelector: {matchExpressions: [{key: x, operator: Exists}]}", &[]);
    let own = "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: OPERATOR, values: [shop]}]}";
    also(&own.replace("OPERATOR", "In"), &yes);
    also(&own.replace("OPERATOR", "NotIn"), &[]);
    // Labels of a namespace are known where it is given.
    let team = "namespaceSelector: {matchLabels: {team: a}}";
    also(team, &[Outcome::Unknown]);
    let namespace = |team: &str| {
        format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{team: {team}}}}}\n---\n")
    };
    let matching = format!("{all}, {team}");
    assert_eq!(about(&matching, DEPLOYMENT, &namespace("a")), yes);
    assert_eq!(about(&matching, DEPLOYMENT, &namespace("b")), []);
    // What is in no namespace is selected by all of them, and a namespace by itself.
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: []\n";
    assert_eq!(about(&matching, role, ""), yes);
    assert_eq!(about(&matching, &namespace("b")[4..], ""), []);
    assert_eq!(about(&format!("{all}, {}", own.replace("OPERATOR", "NotIn")), &namespace("b")[4..], ""), []);
    // Policies are not asked about policies.
    let other = policy("validations: [{expression: 'true'}]").replace("name: p}", "name: other}");
    let (policies, _) = Policies::load(&read(&policy("validations: [{expression: 'false'}]")));
    assert_eq!(policies.review(&read(&other)[0]), []);
}

#[test]
fn kinds_that_are_not_known_are_guessed_or_defined() {
    let policy = |resource: &str, scope: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: p}}\nspec:\n  \
             matchConstraints: {{resourceRules: [{{apiGroups: [example.org], apiVersions: [v1], operations: [CREATE], \
             resources: [{resource}], scope: {scope}}}]}}\n  validations: [{{expression: 'false'}}]\n"
        )
    };
    let object = "apiVersion: example.org/v1\nkind: Policy\nmetadata: {name: x}\nspec: {empty: null}\n";
    assert_eq!(said(&policy("policies", "Namespaced"), object).len(), 1);
    assert_eq!(said(&policy("policys", "'*'"), object).len(), 0);
    let defined = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n\
                   spec: {group: example.org, scope: Cluster, names: {kind: Policy, plural: policys}}\n";
    assert_eq!(said(&(policy("policys", "Cluster") + defined), object).len(), 1);
    // Nothing is left out of a custom resource.
    check("has(object.spec.empty) && object.spec.empty == null", object, Outcome::Passed);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = policy(
        "variables:\n- name: a\n  expression: object.spec.replicas\n- {name: a, expression: '1'}\n\
         validations:\n- expression: object.spec.paused\n- expression: |\n    variables.a > 1 &&\n      variables.b\n\
         - {expression: 'true', messageExpression: '1'}\n- {message: x}",
    );
    let binding = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\n\
                   metadata: {name: b}\nspec: {policyName: q, validationActions: [Deny, Refuse]}\n";
    let objects = read(&(text + binding));
    let (policies, faults) = Policies::load(&objects);
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let expected = [
        "x.yaml:9:5: ValidatingAdmissionPolicy/p: spec.variables[1] has the name a a second time",
        "x.yaml:11:17: ValidatingAdmissionPolicy/p: spec.validations[0].expression gives dyn, not bool",
        "x.yaml:13:7: ValidatingAdmissionPolicy/p: spec.validations[1].expression names variables.b, which is not defined \
         before (line 2, column 12 of the expression)",
        "x.yaml:15:45: ValidatingAdmissionPolicy/p: spec.validations[2].messageExpression gives int, not string",
        "x.yaml:16:5: ValidatingAdmissionPolicy/p: spec.validations[3] has no expression",
        "x.yaml:21:49: ValidatingAdmissionPolicyBinding/b: spec.validationActions is none of Deny, Warn and Audit",
    ];
    assert_eq!(faults, expected);
    // Nobody is told that all is well.
    let found = policies.review(&read(DEPLOYMENT)[0]);
    assert_eq!(found[0].said.outcome, Outcome::Unknown);
    assert!(found[0].said.messages[0].text.starts_with("no server would take it: "), "{found:?}");
}

#[test]
fn templates_of_gatekeeper_have_their_own_variables() {
    let source = "variables:\n- {name: containers, expression: 'has(variables.anyObject.spec.containers) ? variables.anyObject.spec.containers : []'}\n\
                  validations:\n- {expression: 'variables.containers.all(c, c.image.startsWith(variables.params.registry))', \
                  messageExpression: '\"not from \" + variables.params.registry'}\n";
    let node = |text: &str| sekisho_base::tree::documents(text, &Limits::default()).remove(0).unwrap();
    let template = gatekeeper::Template::new(&node(source), "x.yaml", "ConstraintTemplate/x").unwrap();
    let pod = |image: &str| {
        read(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{{name: a, image: {image}}}]}}\n"
        ))
    };
    let ask = |parameters: Option<&str>, image: &str| {
        let parameters = parameters.map(node);
        let said = template.ask(parameters.as_ref(), &pod(image)[0], &Policies::default());
        (said.outcome, said.messages.into_iter().map(|message| message.text).collect::<Vec<_>>())
    };
    assert_eq!(ask(Some("registry: example.org/"), "example.org/a"), (Outcome::Passed, vec![]));
    let expect = (Outcome::Violated, vec!["not from example.org/".to_owned()]);
    assert_eq!(ask(Some("registry: example.org/"), "docker.io/a"), expect);
    assert_eq!(ask(None, "docker.io/a").0, Outcome::Unknown);
    let faults = gatekeeper::Template::new(&node("validations: [{expression: '1'}]"), "x.yaml", "t").unwrap_err();
    assert_eq!(faults[0].to_string(), "x.yaml:1:28: t: source.validations[0].expression gives int, not bool");
}

/// Each variable leads to the one before, so that the last run is the deepest; in a thread with little memory for calls.
#[test]
fn hostile_policies_end() {
    let chain = |count: usize, of: &dyn Fn(usize) -> String| {
        let variables: Vec<String> =
            (0..count).map(|at| format!("- {{name: v{at}, expression: '{}'}}", of(at))).collect();
        format!(
            "variables:\n{}\nvalidations: [{{expression: 'size(variables.v{}) == 0'}}]",
            variables.join("\n"),
            count - 1
        )
    };
    let doubled = |at: usize| match at.checked_sub(1) {
        None => "\"aaaaaaaaaa\"".to_owned(),
        Some(before) => format!("variables.v{before} + variables.v{before}"),
    };
    let nested = |at: usize| match at.checked_sub(1) {
        None => "[1]".to_owned(),
        Some(before) => format!("[variables.v{before}, variables.v{before}]"),
    };
    let deep = |at: usize| match at.checked_sub(1) {
        None => "1".to_owned(),
        Some(before) => format!("{}variables.v{before}{}", "[".repeat(90), "]".repeat(90)),
    };
    let cases = [
        (chain(60, &doubled), Outcome::Unknown),
        (chain(60, &nested), Outcome::Violated),
        (
            chain(60, &nested).replace("size(variables.v59) == 0", "variables.v59 == [variables.v58, variables.v58]"),
            Outcome::Unknown,
        ),
        (chain(2, &deep).replace("v0, expression: '1'", "v0, expression: 'object.spec'"), Outcome::Violated),
    ];
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for (spec, expect) in cases {
            let found = said(&policy(&spec), DEPLOYMENT);
            assert_eq!(found[0].0, expect, "{spec}: {found:?}");
        }
    });
    thread.unwrap().join().unwrap();
    let (_, faults) = Policies::load(&read(&policy(&chain(100, &doubled))));
    assert!(faults.iter().any(|fault| fault.reason.contains("nested more than")), "{faults:?}");
}
