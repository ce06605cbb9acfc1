//! Policies of all shapes, and what they say.

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
