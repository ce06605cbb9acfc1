//! What policies say of an object.

use super::Action;
use super::load::{Binding, Policies, Policy, Reference};
use super::resources::Resource;
use super::rules::{Input, unknown_map};
use super::selector::{Labels, Subject, Sure};
use super::served::served;
use crate::cel::{Key, Value};
use crate::manifest::Object;
use crate::said::Said;

/// What one policy says by one of its bindings.
#[derive(Debug, Clone, PartialEq)]
pub struct Review<'a> {
    /// The policy.
    pub policy: &'a str,
    /// The binding; none where the policy has none among the given objects, so that it is asked about all that it is
    /// about.
    pub binding: Option<&'a str>,
    /// The parameters that it was asked with: `ConfigMap/limits`.
    pub parameters: Option<String>,
    /// What follows from a violation.
    pub actions: &'a [Action],
    /// What it says.
    pub said: Said,
    /// What it has written into the audit log, by key.
    pub audit: Vec<(String, String)>,
}

impl Policies {
    /// What the policies say of `object` where it is made. A policy that is not about it says nothing; with several
    /// parameters a policy says as much for each.
    pub fn review(&self, object: &Object) -> Vec<Review<'_>> {
        let resource = self.resources.resource(&object.api_version, &object.kind);
        let mut found = Vec::new();
        if resource.is_exempt() {
            return found;
        }
        let asked = Asked::new(self, object, &resource);
        for policy in &self.all {
            let about = asked.about(|subject| policy.matching.is_about(subject));
            if about == Sure::No {
                continue;
            }
            let mut bound = false;
            for binding in self.bindings.iter().filter(|binding| binding.policy == policy.name) {
                bound = true;
                let about = about.clone().and(|| asked.about(|subject| binding.matching.is_about(subject)));
                self.ask(&asked, policy, Some(binding), about, &mut found);
            }
            if !bound {
                self.ask(&asked, policy, None, about, &mut found);
            }
        }
        found
    }

    /// What `ask` makes of an object as the server shows it.
    pub(super) fn with_input<T>(&self, object: &Object, ask: impl FnOnce(&Input) -> T) -> T {
        let resource = self.resources.resource(&object.api_version, &object.kind);
        ask(&Asked::new(self, object, &resource).input)
    }

    fn ask<'a>(
        &'a self,
        asked: &Asked<'_>,
        policy: &'a Policy,
        binding: Option<&'a Binding>,
        about: Sure,
        found: &mut Vec<Review<'a>>,
    ) {
        let mut say = |said: Said, parameters: Option<String>, audit: Vec<(String, String)>| {
            let actions = binding.map_or(&[Action::Deny][..], |binding| &binding.actions);
            let binding = binding.map(|binding| binding.name.as_str());
            found.push(Review { policy: &policy.name, binding, parameters, actions, said, audit });
        };
        let broken = policy.broken.as_ref().or_else(|| binding.and_then(|binding| binding.broken.as_ref()));
        match (about, broken) {
            (Sure::No, _) => return,
            (_, Some(reason)) => return say(Said::unknown(reason.as_str()), None, Vec::new()),
            (Sure::Maybe(why), None) => return say(Said::unknown(why), None, Vec::new()),
            (Sure::Yes, None) => {}
        }
        let parameters = match self.parameters(asked, policy, binding) {
            Ok(parameters) => parameters,
            Err(reason) => return say(Said::unknown(reason), None, Vec::new()),
        };
        for (title, value) in parameters {
            let mut audit = Vec::new();
            if let Some(said) = policy.rules.ask(&asked.input, &value, &mut audit) {
                say(said, title, audit);
            }
        }
    }

    /// The parameters that a policy is asked with, or why nobody knows them.
    fn parameters(
        &self,
        asked: &Asked<'_>,
        policy: &Policy,
        binding: Option<&Binding>,
    ) -> Result<Vec<(Option<String>, Value)>, String> {
        let Some((version, kind)) = &policy.parameters else { return Ok(vec![(None, Value::Null)]) };
        let Some(binding) = binding else {
            return Err(format!("it takes parameters of the kind {kind}, and no binding says which"));
        };
        let Some(reference) = &binding.reference else { return Ok(vec![(None, Value::Null)]) };
        let namespaced = self.resources.resource(version, kind).namespaced;
        let namespace = match (namespaced, &*reference.namespace) {
            (false, "") => None,
            (false, _) => {
                return Err(format!("its binding gives a namespace for parameters of the kind {kind}, which has none"));
            }
            (true, "") if asked.resource.namespaced => Some(asked.object.effective_namespace()),
            (true, "") => return Err("its binding gives no namespace for its parameters".to_owned()),
            (true, given) => Some(given),
        };
        let of_kind = self.parameters.iter().filter(|parameter| {
            let object = &parameter.object;
            object.api_version == *version
                && object.kind == *kind
                && namespace.is_none_or(|namespace| object.effective_namespace() == namespace)
        });
        let fits = |object: &Object| match &reference.selector {
            Some(selector) => selector.selects(&Labels::of(&object.node)) == Sure::Yes,
            None => object.name == reference.name,
        };
        let chosen = of_kind.filter(|parameter| fits(&parameter.object));
        let found: Vec<_> = chosen.map(|parameter| (Some(parameter.object.title()), parameter.value.clone())).collect();
        if found.is_empty() {
            return Err(missing(reference, kind));
        }
        Ok(found)
    }
}

fn missing(reference: &Reference, kind: &str) -> String {
    let which = match &reference.selector {
        Some(_) => format!("no {kind} that its binding selects"),
        None => format!("no {kind}/{}", reference.name),
    };
    let then = if reference.demanded { "refuse the request" } else { "not ask the policy" };
    format!("{which} is among the given objects; a server without one would {then}")
}

/// What policies are asked about.
struct Asked<'a> {
    object: &'a Object,
    resource: &'a Resource,
    labels: Labels<'a>,
    namespace_labels: Option<Labels<'a>>,
    input: Input,
}

impl<'a> Asked<'a> {
    fn new(policies: &'a Policies, object: &'a Object, resource: &'a Resource) -> Self {
        let is_namespace = resource.group.is_empty() && resource.kind == "Namespace";
        let name = if is_namespace { object.name.as_str() } else { object.effective_namespace() };
        let namespace = policies.namespaces.iter().find(|namespace| namespace.name == name);
        let why = format!("the namespace {name} is not among the given objects");
        let namespace_labels = (resource.namespaced || is_namespace).then(|| {
            let own = if is_namespace { Some(object) } else { namespace };
            let mut labels = own.map_or_else(
                || Labels { known: Vec::new(), more: Some(why.clone()) },
                |namespace| Labels::of(&namespace.node),
            );
            // Every namespace has it.
            labels.known.retain(|(label, _)| *label != "kubernetes.io/metadata.name");
            labels.known.push(("kubernetes.io/metadata.name", name));
            labels
        });
        let namespace = match (resource.namespaced, namespace) {
            (false, _) => Value::Null,
            (true, Some(namespace)) => {
                served(namespace, &policies.resources.resource(&namespace.api_version, &namespace.kind))
            }
            (true, None) => unknown_namespace(name, &why),
        };
        let input = Input { object: served(object, resource), request: request(object, resource), namespace };
        Self { object, resource, labels: Labels::of(&object.node), namespace_labels, input }
    }

    fn about(&self, ask: impl FnOnce(&Subject<'_>) -> Sure) -> Sure {
        ask(&Subject {
            resource: self.resource,
            name: &self.object.name,
            labels: &self.labels,
            namespace_labels: self.namespace_labels.as_ref(),
        })
    }
}

/// A namespace of which only the name is known.
fn unknown_namespace(name: &str, why: &str) -> Value {
    let fields = ["labels", "annotations", "uid", "creationTimestamp", "resourceVersion", "finalizers"];
    let mut metadata = unknown_map(why, &fields);
    if let Value::Map(fields) = &mut metadata {
        std::sync::Arc::make_mut(fields).insert(Key::text("name"), Value::text(name));
    }
    let unknown = || Value::Unknown(why.into());
    Value::map([("metadata", metadata), ("spec", unknown()), ("status", unknown())])
}

/// The request to make the object.
fn request(object: &Object, resource: &Resource) -> Value {
    let text = |text: &str| Value::text(text);
    let kind = Value::map([
        ("group", text(&resource.group)),
        ("version", text(&resource.version)),
        ("kind", text(&resource.kind)),
    ]);
    let name = Value::map([
        ("group", text(&resource.group)),
        ("version", text(&resource.version)),
        ("resource", text(&resource.name)),
    ]);
    let nobody = "nobody knows who asks for it";
    let mut request = Value::map([
        ("kind", kind.clone()),
        ("resource", name.clone()),
        ("requestKind", kind),
        ("requestResource", name),
        ("name", text(&object.name)),
        ("operation", text("CREATE")),
        ("userInfo", unknown_map(nobody, &["username", "uid", "groups", "extra"])),
        ("dryRun", Value::Bool(false)),
        ("options", Value::Unknown("nobody knows the options of the request".into())),
    ]);
    let namespace = match (&*resource.kind, resource.namespaced) {
        (_, true) => object.effective_namespace(),
        // A namespace is asked for in itself.
        ("Namespace", false) if resource.group.is_empty() => &object.name,
        _ => "",
    };
    if let (false, Value::Map(fields)) = (namespace.is_empty(), &mut request) {
        std::sync::Arc::make_mut(fields).insert(Key::text("namespace"), text(namespace));
    }
    request
}
