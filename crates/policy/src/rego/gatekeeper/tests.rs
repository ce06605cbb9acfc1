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
