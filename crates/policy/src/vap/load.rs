//! Policies, bindings and parameters out of objects.

use super::rules::{Rules, Source, is_filled};
use super::selector::{Matching, Selector};
use super::{Action, Fault};
use crate::cel::Value;
use crate::manifest::Object;
use crate::manifest::Resources;
use sekisho_base::tree::Node;
use std::collections::HashMap;

/// Policies with their bindings, and what of the given objects they need.
#[derive(Debug, Default)]
pub struct Policies {
    pub(super) all: Vec<Policy>,
    pub(super) bindings: Vec<Binding>,
    /// Objects of the kinds of parameters.
    pub(super) parameters: Vec<Parameter>,
    pub(super) namespaces: Vec<Object>,
    pub(super) resources: Resources,
}

/// A policy with one of its bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The policy.
    pub policy: &'a str,
    /// The file it is from.
    pub file: &'a str,
    /// The binding; none where the policy has none.
    pub binding: Option<&'a str>,
    /// What follows from a violation.
    pub actions: &'a [Action],
}

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    /// The file it is from.
    pub(super) file: String,
    pub(super) matching: Matching,
    /// Version and kind of its parameters.
    pub(super) parameters: Option<(String, String)>,
    pub(super) rules: Rules,
    /// Why it cannot be asked.
    pub(super) broken: Option<String>,
    /// Its bindings, by their places.
    pub(super) bindings: Vec<usize>,
    /// The place of the first of what can be asked of it.
    pub(super) first: usize,
}

#[derive(Debug)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) matching: Matching,
    pub(super) reference: Option<Reference>,
    pub(super) actions: Vec<Action>,
    pub(super) broken: Option<String>,
}

/// Which parameters a binding takes.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) selector: Option<Selector>,
    /// Whether the request is refused where there are none.
    pub(super) demanded: bool,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) object: Object,
    pub(super) value: Value,
}

const GROUP: &str = "admissionregistration.k8s.io";

impl Policies {
    /// The policies and bindings among `objects`, and what is wrong with them. A broken one is kept, and unknown for what
    /// it is about.
    pub fn load(objects: &[Object]) -> (Self, Vec<Fault>) {
        let mut found = Self { resources: Resources::of(objects), ..Self::default() };
        let mut faults = Vec::new();
        for object in objects.iter().filter(|object| object.group() == GROUP) {
            let source = Source { file: &object.file, title: object.title() };
            match &*object.kind {
                "ValidatingAdmissionPolicy" => found.all.push(Policy::read(object, &source, &mut faults)),
                "ValidatingAdmissionPolicyBinding" => found.bindings.push(Binding::read(object, &source, &mut faults)),
                _ => {}
            }
        }
        for binding in &mut found.bindings {
            if binding.broken.is_none() && !found.all.iter().any(|policy| policy.name == binding.policy) {
                let bound = objects.iter().find(|object| {
                    object.group() == GROUP
                        && object.kind == "ValidatingAdmissionPolicyBinding"
                        && object.name == binding.name
                });
                if let Some(object) = bound {
                    let source = Source { file: &object.file, title: object.title() };
                    let reason = format!("is {:?}, which is not among the given policies", binding.policy);
                    faults.push(source.fault(object.place("spec.policyName"), "spec.policyName", reason));
                }
            }
        }
        let mut bound: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, binding) in found.bindings.iter().enumerate() {
            bound.entry(&binding.policy).or_default().push(place);
        }
        let mut first = 0;
        for policy in &mut found.all {
            policy.bindings = bound.get(policy.name.as_str()).cloned().unwrap_or_default();
            policy.first = first;
            first += policy.bindings.len().max(1);
        }
        let is_parameter = |object: &&Object| {
            let kinds = found.all.iter().filter_map(|policy| policy.parameters.as_ref());
            kinds.into_iter().any(|(version, kind)| *version == object.api_version && *kind == object.kind)
        };
        let parameters: Vec<Parameter> = objects
            .iter()
            .filter(is_parameter)
            .map(|object| {
                let resource = found.resources.resource(&object.api_version, &object.kind);
                Parameter { value: super::served::served(object, &resource), object: object.clone() }
            })
            .collect();
        found.parameters = parameters;
        let is_namespace = |object: &&Object| object.api_version == "v1" && object.kind == "Namespace";
        found.namespaces = objects.iter().filter(is_namespace).cloned().collect();
        (found, faults)
    }

    /// What can be asked: each policy with each of its bindings, or by itself where it has none.
    pub fn asked(&self) -> Vec<Asked<'_>> {
        let mut asked = Vec::new();
        for policy in &self.all {
            let one = |binding, actions| Asked { policy: &policy.name, file: &policy.file, binding, actions };
            let bindings = policy.bindings.iter().filter_map(|place| self.bindings.get(*place));
            asked.extend(bindings.map(|binding| one(Some(binding.name.as_str()), binding.actions.as_slice())));
            if policy.bindings.is_empty() {
                asked.push(one(None, &[]));
            }
        }
        asked
    }
}

/// The first of the faults since `before`, as why something cannot be asked.
fn broken(faults: &[Fault], before: usize) -> Option<String> {
    let fault = faults.get(before..)?.first()?;
    Some(format!("no server would take it: {} {}", fault.path, fault.reason))
}

impl Policy {
    fn read(object: &Object, source: &Source<'_>, faults: &mut Vec<Fault>) -> Self {
        let before = faults.len();
        let empty = Node::default();
        let spec = object.node.get("spec").unwrap_or(&empty);
        if object.name.is_empty() {
            faults.push(source.fault(object.node.place, "metadata.name", "is not there"));
        }
        let matching = Matching::read(spec.get("matchConstraints")).unwrap_or_else(|(place, reason)| {
            faults.push(source.fault(place, "spec.matchConstraints", reason));
            Matching::default()
        });
        if !matching.has_rules() && faults.len() == before {
            let place = object.place("spec.matchConstraints");
            faults.push(source.fault(place, "spec.matchConstraints", "has no resourceRules"));
        }
        let parameters = spec.get("paramKind").filter(|kind| !kind.is_null()).map(|kind| {
            let text = |name: &str| kind.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
            (text("apiVersion"), text("kind"))
        });
        if let Some((version, kind)) = &parameters
            && (version.is_empty() || kind.is_empty())
        {
            faults.push(source.fault(object.place("spec.paramKind"), "spec.paramKind", "names no apiVersion and kind"));
        }
        let rules = Rules::read(spec, "spec", source, parameters.is_some(), &[], faults);
        Self {
            name: object.name.clone(),
            file: object.file.clone(),
            matching,
            parameters,
            rules,
            broken: broken(faults, before),
            bindings: Vec::new(),
            first: 0,
        }
    }
}

impl Binding {
    fn read(object: &Object, source: &Source<'_>, faults: &mut Vec<Fault>) -> Self {
        let before = faults.len();
        let empty = Node::default();
        let spec = object.node.get("spec").unwrap_or(&empty);
        let policy = spec.get("policyName").and_then(Node::as_str).unwrap_or_default().to_owned();
        if policy.is_empty() {
            faults.push(source.fault(spec.place, "spec", "has no policyName"));
        }
        let matching = Matching::read(spec.get("matchResources")).unwrap_or_else(|(place, reason)| {
            faults.push(source.fault(place, "spec.matchResources", reason));
            Matching::default()
        });
        let reference = spec.get("paramRef").filter(|node| is_filled(Some(node)));
        let reference = reference.and_then(|node| Reference::read(node, source, faults));
        let mut actions = Vec::new();
        for action in spec.get("validationActions").map(Node::items).unwrap_or_default() {
            match action.as_str() {
                Some("Deny") => actions.push(Action::Deny),
                Some("Warn") => actions.push(Action::Warn),
                Some("Audit") => actions.push(Action::Audit),
                _ => {
                    faults.push(source.fault(
                        action.place,
                        "spec.validationActions",
                        "is none of Deny, Warn and Audit",
                    ));
                }
            }
        }
        if actions.is_empty() {
            // The first version of bindings had no actions, and denied.
            if object.api_version.ends_with("v1alpha1") {
                actions.push(Action::Deny);
            } else {
                faults.push(source.fault(spec.place, "spec", "has no validationActions"));
            }
        }
        Self { name: object.name.clone(), policy, matching, reference, actions, broken: broken(faults, before) }
    }
}

impl Reference {
    fn read(node: &Node, source: &Source<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = |name: &str| node.get(name).and_then(Node::as_str).unwrap_or_default();
        let mut fault = |place, reason: &str| faults.push(source.fault(place, "spec.paramRef", reason));
        let selector = match node.get("selector").filter(|selector| !selector.is_null()) {
            None => None,
            Some(selector) => match Selector::read(Some(selector)) {
                Ok(selector) => Some(selector),
                Err((place, reason)) => {
                    fault(place, &reason);
                    return None;
                }
            },
        };
        if text("name").is_empty() == selector.is_none() {
            fault(node.place, "has to have a name or a selector, and not both");
        }
        // Versions before the first stable one had none, and let requests pass.
        let demanded = match text("parameterNotFoundAction") {
            "Deny" => true,
            "Allow" | "" => false,
            _ => {
                fault(node.place, "has a parameterNotFoundAction that is neither Allow nor Deny");
                false
            }
        };
        Some(Self { name: text("name").to_owned(), namespace: text("namespace").to_owned(), selector, demanded })
    }
}
