use super::{Gatekeeper, Review};
use crate::manifest::{Object, objects};
use crate::rego::Fault;
use crate::{Outcome, Said};
use sekisho_base::Limits;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(10);

fn read(text: &str) -> Vec<Object> {
    let (objects, diagnostics) = objects("policies.yaml", text, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    objects
}

fn load(text: &str) -> (Gatekeeper, Vec<Fault>) {
    Gatekeeper::load(&read(text), None, TIME)
}

fn sound(text: &str) -> Gatekeeper {
    let (gatekeeper, faults) = load(text);
    assert!(faults.is_empty(), "{faults:?}");
    gatekeeper
}

/// What each constraint says, in short.
fn said(gatekeeper: &Gatekeeper, object: &str) -> Vec<String> {
    let object = &read(object)[0];
    let said = gatekeeper.review(&Review::of(object));
    said.into_iter().map(|(constraint, said)| format!("{}: {}", constraint.name, short(&said))).collect()
}

fn short(said: &Said) -> String {
    let texts: Vec<&str> = said.messages.iter().map(|message| message.text.as_str()).collect();
    match said.outcome {
        Outcome::Passed => "passed".to_owned(),
        outcome => format!("{outcome:?} {}", texts.join("; ")),
    }
}

fn indented(text: &str, by: usize) -> String {
    text.lines().fold(String::new(), |all, line| all + &" ".repeat(by) + line + "\n")
}

/// A template whose one module is `rego`.
fn template(kind: &str, rego: &str, schema: &str) -> String {
    let rego = indented(rego, 8);
    let schema = indented(schema, 10);
    format!(
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata:\n  name: {}\nspec:\n  crd:\n    spec:\n      \
         names:\n        kind: {kind}\n      validation:\n        openAPIV3Schema:\n{schema}  targets:\n    - target: \
         admission.k8s.gatekeeper.sh\n      rego: |\n{rego}---\n",
        kind.to_lowercase(),
    )
}

fn constraint(kind: &str, name: &str, spec: &str) -> String {
    let spec = indented(spec, 2);
    format!(
        "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{spec}---\n"
    )
}

const LABELS: &str = r#"package requiredlabels

violation[{"msg": msg, "details": {"missing_labels": missing}}] {
  provided := {label | input.review.object.metadata.labels[label]}
  required := {label | label := input.parameters.labels[_]}
  missing := required - provided
  count(missing) > 0
  msg := sprintf("you must provide labels: %v", [missing])
}"#;
const LABELS_SCHEMA: &str = "type: object\nproperties:\n  labels:\n    type: array\n    items:\n      type: string";

#[test]
fn violations_have_messages_and_details() {
    let text = template("Labels", LABELS, LABELS_SCHEMA)
        + &constraint("Labels", "owner", "parameters:\n  labels: [owner, team]");
    let gatekeeper = sound(&text);
    let objects = read("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: {team: x}");
    let said = gatekeeper.review(&Review::of(&objects[0]));
    assert_eq!(said[0].1.outcome, Outcome::Violated);
    assert_eq!(said[0].1.messages[0].text, "you must provide labels: {\"owner\"}");
    assert_eq!(said[0].1.messages[0].details, serde_json::json!({"missing_labels": ["owner"]}));
    assert_eq!(
        self::said(&gatekeeper, "apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {team: x, owner: y}"),
        ["owner: passed"]
    );
}

/// Says who it is about, for each constraint.
const ALWAYS: &str = "package always\nviolation[{\"msg\": \"no\"}] { true }";

#[test]
fn constraints_are_about_what_they_match() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1\n  namespace: team-a\n  labels: {app: web}";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  labels: {env: prod}";
    let node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: n";
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: kube-system";
    let generated = "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: web-\n  namespace: team-a";
    let all = [pod, namespace, node, deployment, generated];
    for (spec, wanted) in [
        ("{}", "yes yes yes yes yes"),
        ("match: {kinds: [{apiGroups: [\"\"], kinds: [Pod]}]}", "yes no no no yes"),
        ("match: {kinds: [{apiGroups: [\"*\"], kinds: [Deployment, Node]}]}", "no no yes yes no"),
        ("match: {kinds: [{apiGroups: [apps], kinds: [\"*\"]}]}", "no no no yes no"),
        ("match: {kinds: [{apiGroups: [apps], kinds: [Pod]}, {kinds: [Node]}]}", "no no yes no no"),
        ("match: {scope: Namespaced}", "yes no no yes yes"),
        ("match: {scope: Cluster}", "no yes yes no no"),
        ("match: {scope: \"*\"}", "yes yes yes yes yes"),
        // What is in no namespace cannot be in the wrong one.
        ("match: {namespaces: [team-a]}", "yes yes yes no yes"),
        ("match: {namespaces: [team-*]}", "yes yes yes no yes"),
        ("match: {namespaces: [\"*-system\"]}", "no no yes yes no"),
        ("match: {namespaces: [\"*eam*\"]}", "yes yes yes no yes"),
        ("match: {excludedNamespaces: [kube-*]}", "yes yes yes no yes"),
        ("match: {excludedNamespaces: [team-a]}", "no no yes yes no"),
        ("match: {labelSelector: {matchLabels: {app: web}}}", "yes no no no no"),
        (
            "match: {labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}",
            "no yes yes yes yes",
        ),
        ("match: {labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}", "yes no no no no"),
        ("match: {labelSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}", "no yes yes yes yes"),
        // The labels of team-a are known, those of kube-system are not.
        ("match: {namespaceSelector: {matchLabels: {env: prod}}}", "yes yes yes unknown yes"),
        ("match: {namespaceSelector: {matchLabels: {env: dev}}}", "no no yes unknown no"),
        ("match: {name: web*}", "yes no no yes yes"),
        ("match: {name: \"*-1\"}", "yes no no no no"),
        ("match: {source: Generated}", "no no no no no"),
        ("match: {source: Original}", "yes yes yes yes yes"),
    ] {
        let text = template("Always", ALWAYS, "type: object") + &constraint("Always", "c", spec);
        let (gatekeeper, faults) = Gatekeeper::load(&read(&text), Some(&read(namespace)), TIME);
        assert!(faults.is_empty(), "{spec}: {faults:?}");
        let found: Vec<&str> = all
            .iter()
            .map(|object| match said(&gatekeeper, object).first().map(|said| &said[..]) {
                Some("c: Violated no") => "yes",
                Some(other) if other.contains("labels of the namespace") => "unknown",
                Some(other) => panic!("{other}"),
                None => "no",
            })
            .collect();
        assert_eq!(found.join(" "), wanted, "{spec}");
    }
}

#[test]
fn what_is_replaced_and_what_the_namespace_is_are_matched_too() {
    let text = template("Always", ALWAYS, "type: object")
        + &constraint(
            "Always",
            "c",
            "match: {labelSelector: {matchLabels: {app: web}}, namespaceSelector: {matchLabels: {env: prod}}}",
        );
    let gatekeeper = sound(&text);
    let objects = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ns}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ns, labels: {app: web}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {env: prod}}",
    );
    let review = Review::of(&objects[0]);
    assert_eq!(gatekeeper.review(&review).len(), 0);
    let review = Review { old: Some(&objects[1]), namespace: Some(&objects[2]), ..review };
    assert_eq!(gatekeeper.review(&review)[0].1.outcome, Outcome::Violated);
}

#[test]
fn the_request_is_what_policies_see() {
    let rego = "package seen\nviolation[{\"msg\": msg}] {\n  r := input.review\n  msg := json.marshal([r.kind, r.name, r.namespace, r.operation, r.userInfo, r.oldObject, r.object.kind])\n}";
    let load = |rego: &str| sound(&(template("Seen", rego, "type: object") + &constraint("Seen", "c", "{}")));
    let (gatekeeper, nobody) = (load(rego), load(&rego.replace("r.userInfo, ", "")));
    let pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: ns}";
    let kind = r#"{"group":"apps","kind":"Deployment","version":"v1"}"#;
    assert_eq!(said(&nobody, pod), [format!("c: Violated [{kind},\"a\",\"ns\",\"\",null,\"Deployment\"]")]);
    let objects = read(pod);
    let request =
        sekisho_base::tree::from_json(br#"{"operation": "UPDATE", "userInfo": {"username": "u"}, "name": "a"}"#)
            .unwrap();
    let review = Review { request: Some(&request), ..Review::of(&objects[0]) };
    let said = short(&gatekeeper.review(&review)[0].1);
    assert_eq!(said, format!("Violated [{kind},\"a\",\"ns\",\"UPDATE\",{{\"username\":\"u\"}},null,\"Deployment\"]"));
}

#[test]
fn other_objects_are_the_inventory() {
    let rego = "package unique\n\
        violation[{\"msg\": msg}] {\n  host := input.review.object.spec.rules[_].host\n  \
        other := data.inventory.namespace[ns][\"networking.k8s.io/v1\"].Ingress[name]\n  \
        other.spec.rules[_].host == host\n  not same(other, input.review)\n  \
        msg := sprintf(\"%v is of %v/%v\", [host, ns, name])\n}\n\
        same(other, review) {\n  other.metadata.namespace == review.object.metadata.namespace\n  other.metadata.name == review.object.metadata.name\n}\n\
        violation[{\"msg\": \"a default class is there\"}] { data.inventory.cluster[\"storage.k8s.io/v1\"].StorageClass[_].default }";
    let text = template("Unique", rego, "type: object") + &constraint("Unique", "c", "{}");
    let ingress = |name: &str, host: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: ns}}\nspec: {{rules: [{{host: {host}}}]}}\n---\n"
        )
    };
    let inventory = ingress("a", "x.org") + &ingress("b", "y.org");
    let (gatekeeper, faults) = Gatekeeper::load(&read(&text), Some(&read(&inventory)), TIME);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(said(&gatekeeper, &ingress("a", "x.org")), ["c: passed"]);
    assert_eq!(said(&gatekeeper, &ingress("c", "y.org")), ["c: Violated y.org is of ns/b"]);
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: s}\ndefault: true";
    let (gatekeeper, _) = Gatekeeper::load(&read(&text), Some(&read(class)), TIME);
    assert_eq!(said(&gatekeeper, &ingress("a", "x.org")), ["c: Violated a default class is there"]);
    // Nobody said what else there is.
    let gatekeeper = sound(&text);
    assert_eq!(
        said(&gatekeeper, &ingress("a", "x.org")),
        ["c: NotEvaluated looks at other objects in data.inventory, and none were given"]
    );
}

#[test]
fn templates_are_in_both_dialects_with_libraries() {
    let text = "apiVersion: templates.gatekeeper.sh/v1beta1
kind: ConstraintTemplate
metadata: {name: privileged}
spec:
  crd: {spec: {names: {kind: Privileged}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package privileged
      import data.lib.exclude_update.is_update
      import data.lib.exempt_container.is_exempt
      violation[{\"msg\": msg, \"details\": {}}] {
        not is_update(input.review)
        c := input_containers[_]
        not is_exempt(c)
        c.securityContext.privileged
        msg := sprintf(\"Privileged container is not allowed: %v\", [c.name])
      }
      input_containers[c] { c := input.review.object.spec.containers[_] }
      input_containers[c] { c := input.review.object.spec.initContainers[_] }
    libs:
    - |
      package lib.exclude_update
      is_update(review) { review.operation == \"UPDATE\" }
    - |
      package lib.exempt_container
      is_exempt(container) {
        exempt_images := object.get(object.get(input, \"parameters\", {}), \"exemptImages\", [])
        exemption := exempt_images[_]
        _matches_exemption(container.image, exemption)
      }
      _matches_exemption(img, exemption) { not endswith(exemption, \"*\"); exemption == img }
      _matches_exemption(img, exemption) { endswith(exemption, \"*\"); startswith(img, trim_suffix(exemption, \"*\")) }
---
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: newer}
spec:
  crd: {spec: {names: {kind: Newer}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
    - engine: K8sNativeValidation
      source: {validations: [{expression: 'true'}]}
    - engine: Rego
      source:
        version: v1
        libs:
        - |
          package lib.names
          bad(name) if startswith(name, \"x\")
        rego: |
          package newer
          import data.lib.names
          violation contains {\"msg\": msg} if {
            some c in input.review.object.spec.containers
            names.bad(c.name)
            msg := sprintf(\"%s is a bad name\", [c.name])
          }
---
"
    .to_owned()
        + &constraint("Privileged", "p", "parameters: {exemptImages: [\"safe/*\"]}")
        + &constraint("Newer", "newer", "{}");
    let gatekeeper = sound(&text);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  initContainers: [{name: i, image: safe/x, securityContext: {privileged: true}}]\n  containers: [{name: xc, image: b, securityContext: {privileged: true}}]";
    assert_eq!(
        said(&gatekeeper, pod),
        ["p: Violated Privileged container is not allowed: xc", "newer: Violated xc is a bad name"]
    );
    assert!(gatekeeper.constraints()[0].cel.is_none());
    assert!(gatekeeper.constraints()[1].cel.as_ref().unwrap().get("validations").is_some());
    let objects = read(pod);
    let request = sekisho_base::tree::from_json(br#"{"operation": "UPDATE"}"#).unwrap();
    let review = Review { request: Some(&request), ..Review::of(&objects[0]) };
    assert_eq!(short(&gatekeeper.review(&review)[0].1), "passed");
}

#[test]
fn parameters_are_as_the_server_would_have_them() {
    let schema = "type: object\nproperties:\n  limit: {type: integer, default: 5}\n  names:\n    type: array\n    items: {type: object, properties: {a: {type: string, default: d}, b: {type: boolean}}}\n  mode: {type: string, enum: [x, y]}\n  deep: {type: object, properties: {z: {type: integer, default: 1}}}\n  free: {type: object, additionalProperties: {type: string}}\n  any: {type: object, x-kubernetes-preserve-unknown-fields: true}\n  port: {x-kubernetes-int-or-string: true}\n  few: {type: array, maxItems: 1}\n  high: {type: integer, minimum: 3, maximum: 5}\nrequired: [names]";
    let rego = "package shown\nviolation[{\"msg\": json.marshal(input.parameters)}] { true }";
    let base = template("Shown", rego, schema);
    let shown = |spec: &str| {
        let (gatekeeper, faults) = load(&(base.clone() + &constraint("Shown", "c", spec)));
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| fault.reason.replace("Shown/c: spec.parameters", "").replace("Shown/spec.parameters", ""))
            .collect();
        let said = said(&gatekeeper, "apiVersion: v1\nkind: Pod")
            .remove(0)
            .replacen("c: ", "", 1)
            .replace("Shown/c: spec.parameters", "")
            .replace("Shown/spec.parameters", "");
        (said, faults.join(" "))
    };
    let sound =
        |spec: &str, wanted: &str| assert_eq!(shown(spec), (format!("Violated {wanted}"), String::new()), "{spec}");
    // Where there are no parameters at all, nothing is filled in.
    sound("{}", "{}");
    sound("parameters: {names: []}", r#"{"limit":5,"names":[]}"#);
    sound(
        "parameters: {limit: null, names: [{b: true}, {a: c}]}",
        r#"{"limit":5,"names":[{"a":"d","b":true},{"a":"c"}]}"#,
    );
    sound(
        "parameters: {names: [], deep: {}, free: {q: r}, any: {s: 1}, port: 80}",
        r#"{"any":{"s":1},"deep":{"z":1},"free":{"q":"r"},"limit":5,"names":[],"port":80}"#,
    );
    let (said, faults) = shown("parameters: {names: [], nmaes: [x]}");
    assert_eq!(
        (&said[..], &faults[..]),
        (r#"Violated {"limit":5,"names":[]}"#, ".nmaes is not in the template's schema")
    );
    for (spec, wanted) in [
        ("parameters: {names: 3}", ".names is a number, and the template wants array"),
        ("parameters: {names: [], limit: many}", ".limit is a text, and the template wants integer"),
        ("parameters: {names: [], limit: 1.5}", ".limit is a number, and the template wants integer"),
        ("parameters: {names: [x]}", ".names[0] is a text, and the template wants object"),
        ("parameters: {names: [], mode: z}", ".mode is none of the values that the template lists"),
        ("parameters: {names: [], free: {q: 1}}", ".free.q is a number, and the template wants string"),
        ("parameters: {names: [], port: []}", ".port is a list, and the template wants a whole number or a text"),
        ("parameters: {names: [], few: [1, 2]}", ".few is beyond the template's maxItems of 1"),
        ("parameters: {names: [], high: 2}", ".high is below the template's minimum of 3"),
        ("parameters: {}", ".names is missing, and the template requires it"),
        ("parameters: []", " is a list, and the template wants object"),
    ] {
        assert_eq!(shown(spec), (format!("Unknown {wanted}"), wanted.to_owned()), "{spec}");
    }
}

#[test]
fn what_happens_is_told_by_enforcement_point() {
    let actions = |spec: &str| {
        let (gatekeeper, faults) =
            load(&(template("Always", ALWAYS, "type: object") + &constraint("Always", "c", spec)));
        let at = |point| format!("{:?}", gatekeeper.constraints()[0].actions(point));
        (at("validation.gatekeeper.sh"), at("audit.gatekeeper.sh"), faults.len())
    };
    let all = |action: &str| (format!("[{action}]"), format!("[{action}]"), 0);
    assert_eq!(actions("{}"), all("Deny"));
    assert_eq!(actions("enforcementAction: deny"), all("Deny"));
    assert_eq!(actions("enforcementAction: warn"), all("Warn"));
    assert_eq!(actions("enforcementAction: dryrun"), all("DryRun"));
    assert_eq!(actions("enforcementAction: dryrun\nscopedEnforcementActions: []"), all("DryRun"));
    let scoped = "enforcementAction: scoped\nscopedEnforcementActions:\n- {action: warn, enforcementPoints: [{name: validation.gatekeeper.sh}]}\n- {action: deny, enforcementPoints: [{name: \"*\"}]}";
    assert_eq!(actions(scoped), ("[Deny, Warn]".to_owned(), "[Deny]".to_owned(), 0));
    let elsewhere = "enforcementAction: scoped\nscopedEnforcementActions:\n- {action: deny, enforcementPoints: [{name: vap.k8s.io}]}";
    assert_eq!(actions(elsewhere), ("[]".to_owned(), "[]".to_owned(), 0));
    assert_eq!(actions("enforcementAction: block").2, 1);
    assert_eq!(actions("enforcementAction: scoped").2, 1);
}

#[test]
fn what_cannot_be_asked_is_unknown_and_told_with_its_place() {
    let with = |rego: &str| template("Broken", rego, "type: object") + &constraint("Broken", "c", "{}");
    for (text, place, reason) in [
        (
            with("package p\nviolation[{\"msg\": 1}] {\n  x = \n}"),
            (16, 9),
            "ConstraintTemplate/broken: targets[0].rego, line 4, column 1: there is }, not an expression",
        ),
        (
            with("package p\ndeny[{\"msg\": 1}] { true }"),
            (16, 9),
            "ConstraintTemplate/broken: has no rule called violation",
        ),
        (with("package p\nviolation { true }"), (16, 9), "ConstraintTemplate/broken: has a violation that is no set"),
        (
            with("package p\nviolation[{\"msg\": \"m\"}] { data.other.x }"),
            (16, 9),
            "ConstraintTemplate/broken: targets[0].rego, line 2, column 27: names data.other.x, which is not for it",
        ),
        (
            with("package p\nimport data.other\nviolation[{\"msg\": \"m\"}] { other.x }"),
            (16, 9),
            "ConstraintTemplate/broken: targets[0].rego, line 3, column 27: names data.other.x, which is not for it",
        ),
        (
            with(ALWAYS).replace("admission.k8s.gatekeeper.sh", "elsewhere"),
            (14, 5),
            "ConstraintTemplate/broken: has a target that is not admission.k8s.gatekeeper.sh",
        ),
        (
            with(ALWAYS).replace("kind: Broken\n      valid", "kind: Other\n      valid"),
            (1, 1),
            "ConstraintTemplate/broken: is called \"broken\", and must be called as its kind, \"other\"",
        ),
        (constraint("Broken", "c", "{}"), (1, 1), "Broken/c: there is no template of Broken"),
        (
            with(ALWAYS) + &constraint("Broken", "d", "match: {scope: Cluter}"),
            (31, 18),
            "Broken/d: spec.match.scope is \"Cluter\", which is none of *, Cluster, Namespaced",
        ),
        (
            with(ALWAYS) + &constraint("Broken", "d", "match: {kinds: [{kinds: Pod}]}"),
            (31, 27),
            "Broken/d: spec.match.kinds.kinds is a text, not a list",
        ),
        (
            with(ALWAYS) + &constraint("Broken", "d", "match: {namespace: [x]}"),
            (31, 22),
            "Broken/d: spec.match.namespace is not known; kinds, scope, namespaces, excludedNamespaces, labelSelector, \
             namespaceSelector, name, source are",
        ),
        (
            with(ALWAYS) + &constraint("Broken", "d", "parameter: {x: 1}"),
            (31, 14),
            "Broken/d: spec.parameter is no field of a constraint; enforcementAction, scopedEnforcementActions, match, \
             parameters are",
        ),
    ] {
        let (gatekeeper, faults) = load(&text);
        assert_eq!(faults[0].reason, reason);
        assert_eq!((faults[0].place.line, faults[0].place.column), place, "{reason}");
        let said = said(&gatekeeper, "apiVersion: v1\nkind: Pod");
        assert!(said.iter().any(|said| said.contains("Unknown")), "{reason}: {said:?}");
    }
    // In CEL alone.
    let cel = "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {name: cel}\nspec:\n  crd: {spec: {names: {kind: Cel}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    code: [{engine: K8sNativeValidation, source: {validations: []}}]\n---\n";
    let gatekeeper = sound(&(cel.to_owned() + &constraint("Cel", "c", "{}")));
    assert_eq!(
        said(&gatekeeper, "apiVersion: v1\nkind: Pod"),
        ["c: Unknown the template of Cel is in CEL, which is not evaluated here"]
    );
    // An evaluation that fails, one that never ends, and a violation without a message.
    for (rego, wanted) in [
        (
            "package p\nviolation[{\"msg\": msg}] { msg := f(1) }\nf(x) = y { y := [1, 2][_] }",
            "c: Unknown targets[0].rego, line 2, column 27: function produced multiple outputs Set({Number(1), Number(2)})",
        ),
        (
            "package p\nviolation[{\"msg\": msg}] { http.send({}); msg := \"m\" }",
            "c: Unknown it calls http.send, which is not supported",
        ),
        (
            "package p\nviolation[{\"message\": \"m\"}] { true }",
            "c: Unknown a violation has no text under msg, or more details than can be shown",
        ),
    ] {
        let (gatekeeper, _) = load(&with(rego));
        assert_eq!(said(&gatekeeper, "apiVersion: v1\nkind: Pod"), [wanted]);
    }
    let endless = "package p\nviolation[{\"msg\": \"m\"}] { count([1 | input.review.object.a; a := numbers.range(1, 5000)[_]; b := numbers.range(1, 5000)[_]; a < b]) > 0 }";
    let (gatekeeper, faults) = Gatekeeper::load(&read(&with(endless)), None, Duration::from_millis(100));
    assert!(faults.is_empty(), "{faults:?}");
    let said = said(&gatekeeper, "apiVersion: v1\nkind: Pod\na: 1").remove(0);
    assert!(said.starts_with("c: Unknown") && said.contains("takes longer than 0.1 seconds"), "{said}");
}

#[test]
fn what_no_object_says_of_a_request_is_not_made_up() {
    let said = |rego: &str| {
        let gatekeeper = sound(&(template("Kind", rego, "type: object") + &constraint("Kind", "c", "{}")));
        said(&gatekeeper, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}").remove(0)
    };
    let operation =
        |sign: &str| format!("package p\nviolation[{{\"msg\": \"m\"}}] {{ input.review.operation {sign} \"CREATE\" }}");
    for sign in ["==", "!="] {
        let said = said(&operation(sign));
        assert!(said.contains("Unknown what it says depends on the operation"), "{said}");
    }
    // What is only not to be asked of updates is asked.
    let update = "package p\nviolation[{\"msg\": \"m\"}] { not is_update(input.review) }\nis_update(review) { review.operation == \"UPDATE\" }";
    assert!(said(update).contains("Violated m"), "{}", said(update));
    let user = "package p\nviolation[{\"msg\": \"m\"}] { input.review.userInfo.username == \"eve\" }";
    assert!(said(user).contains("NotEvaluated looks at who asks"), "{}", said(user));
}
