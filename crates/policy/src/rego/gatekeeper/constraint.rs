//! Constraints: which objects are to have no violation of a template, and what happens to those that do.

use super::matching::Scope;
use super::template::Template;
use super::{fault, schema};
use crate::manifest::Object;
use crate::rego::Fault;
use crate::rego::engine::value;
use regorus::Value;
use sekisho_base::tree::{Node, Value as Said};

/// A constraint.
#[derive(Debug)]
pub struct Constraint {
    /// The file it is from.
    pub file: String,
    /// The kind, which is that of its template: `K8sRequiredLabels`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// What happens to an object with violations, and where: at the enforcement points of these names, or at all where
    /// there is none.
    enforcement: Vec<(Action, Vec<String>)>,
    /// What of it is in CEL, with the fields of the template's source, where it is not in Rego alone.
    pub cel: Option<Node>,
    /// Whether its template is in Rego, which is not asked where it is in CEL as well.
    pub has_rego: bool,
    pub(super) scope: Scope,
    pub(super) parameters: Value,
    /// The parameters as they were given, with the defaults of the template's schema.
    pub(crate) given: Option<Node>,
    /// Why it cannot be asked.
    pub(super) fault: Option<String>,
}

/// What happens to an object with violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is refused.
    Deny,
    /// It is let in with a warning.
    Warn,
    /// It is let in, and reported.
    DryRun,
}

/// What a constraint says; the server would leave out all else, and nobody would know.
const FIELDS: [&str; 4] = ["enforcementAction", "scopedEnforcementActions", "match", "parameters"];

pub(super) fn is_constraint(object: &Object) -> bool {
    object.group() == "constraints.gatekeeper.sh"
}

impl Constraint {
    /// What happens at an enforcement point: `validation.gatekeeper.sh`, `audit.gatekeeper.sh`, `gator.gatekeeper.sh`. A
    /// constraint without an action there is not evaluated there by Gatekeeper.
    pub fn actions(&self, point: &str) -> Vec<Action> {
        let applies = |points: &[String]| points.is_empty() || points.iter().any(|name| name == point || name == "*");
        let mut actions: Vec<Action> =
            self.enforcement.iter().filter(|(_, points)| applies(points)).map(|(action, _)| *action).collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }

    pub(super) fn read(object: &Object, template: Option<&Template>, faults: &mut Vec<Fault>) -> Self {
        let before = faults.len();
        let spec = object.node.get("spec");
        let at = |name: &str| spec.and_then(|spec| spec.get(name)).filter(|node| !node.is_null());
        let mut told = |node: &Node, reason: String| faults.push(fault(object, Some(node), reason));
        let scope = Scope::read(at("match"), &mut told);
        let enforcement = enforcement(at("enforcementAction"), at("scopedEnforcementActions"), &mut told);
        let mut parameters = at("parameters").cloned();
        let fields = spec.map(Node::fields).unwrap_or_default();
        let stray = fields.iter().find(|field| !FIELDS.contains(&field.name.as_str()));
        if let Some(field) = stray {
            let reason = format!("spec.{} is no field of a constraint; {} are", field.name, FIELDS.join(", "));
            told(&field.node, reason);
        }
        let mut unfit = stray.is_some();
        if let (Some(parameters), Some(schema)) =
            (&mut parameters, template.and_then(|template| template.schema.as_ref()))
        {
            unfit |= !schema::apply(schema, parameters, "spec.parameters", &mut told);
        }
        let given = parameters.clone();
        // Without any, policies see none, and not nothing.
        let parameters = parameters.as_ref().map_or_else(|| Some(Value::new_object()), value);
        if parameters.is_none() {
            told(&object.node, "spec.parameters has a number that JSON does not have".to_owned());
        }
        if template.is_none() {
            told(&object.node, format!("there is no template of {}", object.kind));
        }
        let is_refused =
            unfit || template.is_none() || parameters.is_none() || scope.is_none() || enforcement.is_none();
        let reason = faults.get(before).map(|first| first.reason.clone());
        Self {
            file: object.file.clone(),
            kind: object.kind.clone(),
            name: object.name.clone(),
            enforcement: enforcement.unwrap_or_else(|| vec![(Action::Deny, Vec::new())]),
            cel: template.and_then(|template| template.cel.clone()),
            has_rego: template.is_some_and(|template| template.program.is_ok()),
            scope: scope.unwrap_or_default(),
            parameters: parameters.unwrap_or_else(Value::new_object),
            given,
            fault: is_refused.then(|| reason.unwrap_or_else(|| "the constraint cannot be used".to_owned())),
        }
    }
}

fn action(name: &str) -> Option<Action> {
    match name.to_ascii_lowercase().as_str() {
        "deny" => Some(Action::Deny),
        "warn" => Some(Action::Warn),
        "dryrun" => Some(Action::DryRun),
        _ => None,
    }
}

/// None where it says something that nobody knows.
fn enforcement(
    single: Option<&Node>,
    scoped: Option<&Node>,
    told: &mut impl FnMut(&Node, String),
) -> Option<Vec<(Action, Vec<String>)>> {
    let Some(node) = single else { return Some(vec![(Action::Deny, Vec::new())]) };
    let name = node.as_str().unwrap_or_default();
    if name != "scoped" {
        if let Some(action) = action(name) {
            return Some(vec![(action, Vec::new())]);
        }
        told(node, "spec.enforcementAction is none of deny, warn, dryrun and scoped".to_owned());
        return None;
    }
    let mut enforcement = Vec::new();
    for entry in scoped.map(Node::items).unwrap_or_default() {
        let Some(action) = entry.get("action").and_then(Node::as_str).and_then(action) else {
            told(entry, "spec.scopedEnforcementActions has an action that is none of deny, warn and dryrun".to_owned());
            return None;
        };
        let points = entry.get("enforcementPoints").map(Node::items).unwrap_or_default();
        let points: Vec<String> =
            points.iter().filter_map(|point| point.get("name")?.as_str()).map(str::to_owned).collect();
        if points.is_empty() {
            told(entry, "spec.scopedEnforcementActions has an action for no enforcement point".to_owned());
            continue;
        }
        enforcement.push((action, points));
    }
    if enforcement.is_empty() && !matches!(scoped.map(|node| &node.value), Some(Said::List(_))) {
        told(node, "spec.enforcementAction is scoped, and spec.scopedEnforcementActions is no list".to_owned());
        return None;
    }
    Some(enforcement)
}
