//! What policies say of an object.

use super::Action;
use super::load::{Binding, Policies, Policy, Reference};
use super::rules::{Input, unknown_map};
use super::selector::{Labels, Subject, Sure};
use super::served::served;
use crate::cel::{Key, Map, Value};
use crate::manifest::Object;
use crate::manifest::Resource;
use crate::request::{Asked, Request};
use crate::said::Said;
use sekisho_model::Fact;
use std::cell::OnceCell;
use std::sync::Arc;

/// What one policy says by one of its bindings.
#[derive(Debug, Clone, PartialEq)]
pub struct Review<'a> {
    /// The policy.
    pub policy: &'a str,
    /// The binding; none where the policy has none among the given objects, so that it is asked about all that it is
    /// about.
    pub binding: Option<&'a str>,
    /// The place of the two in [`Policies::asked`].
    pub place: usize,
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
        self.review_of(Asked::Manifest(object), &Shown::default(), &|| None)
    }

    /// The same of a request: objects are as the server shows them already, and nothing is made up.
    pub fn review_request(&self, request: &Request<'_>) -> Vec<Review<'_>> {
        self.review_of(Asked::Request(request), &Shown::default(), &|| None)
    }

    /// The same; what expressions see is made where one is evaluated, and left in `shown`. `late` is why nobody can wait for
    /// more, once that is so: what is left then is not known.
    pub(crate) fn review_of(
        &self,
        asked: Asked<'_>,
        shown: &Shown,
        late: &dyn Fn() -> Option<String>,
    ) -> Vec<Review<'_>> {
        let resource = self.resource(asked);
        let mut found = Vec::new();
        if resource.is_exempt() {
            return found;
        }
        let case = Case { asked, shown, late, subject: self.subject(asked, &resource) };
        for policy in &self.all {
            let about = policy.matching.is_about(&case.subject);
            if about == Sure::No {
                continue;
            }
            for (offset, place) in policy.bindings.iter().enumerate() {
                let Some(binding) = self.bindings.get(*place) else { continue };
                let about = about.clone().and(|| binding.matching.is_about(&case.subject));
                self.ask(&case, policy, (offset, Some(binding)), about, &mut found);
            }
            if policy.bindings.is_empty() {
                self.ask(&case, policy, (0, None), about, &mut found);
            }
        }
        found
    }

    /// What expressions see of what is asked.
    pub(crate) fn input(&self, asked: Asked<'_>) -> Input {
        let resource = self.resource(asked);
        match asked {
            Asked::Manifest(object) => {
                let (name, namespace) = self.namespace_of(object, &resource);
                let why = not_given(name);
                let namespace = match (resource.namespaced, namespace) {
                    (false, _) => Value::Null,
                    (true, Some(namespace)) => {
                        served(namespace, &self.resources.resource(&namespace.api_version, &namespace.kind))
                    }
                    (true, None) => unknown_namespace(name, &why),
                };
                let request = request(object, &resource);
                Input { object: served(object, &resource), old: Value::Null, request, namespace }
            }
            Asked::Request(request) => {
                let value = |object: Option<&Object>| object.map_or(Value::Null, |object| Value::from(&object.node));
                let name = request.text(&["namespace"]);
                let namespace = match (resource.namespaced, &request.namespace) {
                    (false, _) => Value::Null,
                    (true, Fact::Known(namespace)) => Value::from(&namespace.node),
                    (true, Fact::Unknown(why)) => unknown_namespace(name, why),
                    (true, Fact::NotAsked) => unknown_namespace(name, &not_given(name)),
                };
                let is_shown = |name: &str| FIELDS.contains(&name);
                let shown = request.node.fields().iter();
                // What is nothing is not there.
                let shown = shown.filter(|field| is_shown(&field.name) && !field.node.is_null());
                let shown: Map = shown.map(|field| (Key::text(&field.name), Value::from(&field.node))).collect();
                let shown = Value::Map(Arc::new(shown));
                Input { object: value(request.object), old: value(request.old), request: shown, namespace }
            }
        }
    }

    fn resource(&self, asked: Asked<'_>) -> Resource {
        match asked {
            Asked::Manifest(object) => self.resources.resource(&object.api_version, &object.kind),
            Asked::Request(request) => Resource::of(request),
        }
    }

    /// The name of the namespace of an object, or of the namespace that it is, and the namespace that it is in, where that
    /// is given.
    fn namespace_of<'a>(&'a self, object: &'a Object, resource: &Resource) -> (&'a str, Option<&'a Object>) {
        let name = if resource.is_namespace() { object.name.as_str() } else { object.effective_namespace() };
        (name, self.namespaces.iter().find(|namespace| namespace.name == name))
    }

    fn subject<'a>(&'a self, asked: Asked<'a>, resource: &'a Resource) -> Subject<'a> {
        let (operation, part, object, old) = match asked {
            Asked::Manifest(object) => ("CREATE", "", Some(object), None),
            Asked::Request(request) => {
                (request.text(&["operation"]), request.text(&["subResource"]), request.object, request.old)
            }
        };
        let (space, namespace) = match asked {
            Asked::Manifest(object) => {
                let (name, namespace) = self.namespace_of(object, resource);
                (name, namespace.map_or_else(|| Fact::Unknown(not_given(name)), Fact::Known))
            }
            Asked::Request(request) => (request.text(&["namespace"]), request.namespace.clone()),
        };
        let namespace_labels = (resource.namespaced || resource.is_namespace()).then(|| {
            // One that is made or changed has the labels that it is to have.
            let own = if resource.is_namespace() { object.or(old).map_or(namespace, Fact::Known) } else { namespace };
            let mut labels = match own {
                Fact::Known(namespace) => Labels::of(&namespace.node),
                Fact::Unknown(why) => Labels { known: Vec::new(), more: Some(why) },
                Fact::NotAsked => Labels { known: Vec::new(), more: Some(not_given(space)) },
            };
            // Every namespace has it.
            labels.known.retain(|(label, _)| *label != "kubernetes.io/metadata.name");
            labels.known.push(("kubernetes.io/metadata.name", space));
            labels
        });
        let name = match asked {
            Asked::Manifest(object) => object.name.as_str(),
            Asked::Request(request) => request.text(&["name"]),
        };
        // What has no metadata, such as what a connection is asked for with, has no labels.
        let labelled = [object, old].into_iter().flatten().filter(|object| object.node.get("metadata").is_some());
        let labels = labelled.map(|object| Labels::of(&object.node)).collect();
        Subject { operation, resource, part, name, labels, namespace_labels }
    }

    fn ask<'a>(
        &'a self,
        case: &Case<'_>,
        policy: &'a Policy,
        (offset, binding): (usize, Option<&'a Binding>),
        about: Sure,
        found: &mut Vec<Review<'a>>,
    ) {
        let mut say = |said: Said, parameters: Option<String>, audit: Vec<(String, String)>| {
            let actions = binding.map_or(&[Action::Deny][..], |binding| &binding.actions);
            let binding = binding.map(|binding| binding.name.as_str());
            let place = policy.first + offset;
            found.push(Review { policy: &policy.name, binding, place, parameters, actions, said, audit });
        };
        let broken = policy.broken.as_ref().or_else(|| binding.and_then(|binding| binding.broken.as_ref()));
        match (about, broken) {
            (Sure::No, _) => return,
            (_, Some(reason)) => return say(Said::unknown(reason.as_str()), None, Vec::new()),
            (Sure::Maybe(why), None) => return say(Said::unknown(why), None, Vec::new()),
            (Sure::Yes, None) => {}
        }
        let parameters = match self.parameters(case, policy, binding) {
            Ok(parameters) => parameters,
            Err(reason) => return say(Said::unknown(reason), None, Vec::new()),
        };
        for (title, value) in parameters {
            if let Some(why) = (case.late)() {
                say(Said::late(why), title, Vec::new());
                continue;
            }
            let mut audit = Vec::new();
            if let Some(said) = policy.rules.ask(case.shown.input(self, case.asked), &value, &mut audit) {
                say(said, title, audit);
            }
        }
    }

    /// The parameters that a policy is asked with, or why nobody knows them.
    fn parameters(
        &self,
        case: &Case<'_>,
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
            (true, "") if case.subject.resource.namespaced => Some(match case.asked {
                Asked::Manifest(object) => object.effective_namespace(),
                Asked::Request(request) => request.text(&["namespace"]),
            }),
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
struct Case<'a> {
    asked: Asked<'a>,
    shown: &'a Shown,
    late: &'a dyn Fn() -> Option<String>,
    subject: Subject<'a>,
}

/// What expressions see, made once where one is evaluated.
#[derive(Default)]
pub(crate) struct Shown(OnceCell<Input>);

impl Shown {
    pub(crate) fn input(&self, policies: &Policies, asked: Asked<'_>) -> &Input {
        self.0.get_or_init(|| policies.input(asked))
    }
}

/// The fields of a request that expressions see.
const FIELDS: [&str; 12] = [
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "operation",
    "userInfo",
    "dryRun",
    "options",
];

fn not_given(namespace: &str) -> String {
    format!("the namespace {namespace} is not among the given objects")
}

/// A namespace of which only the name is known.
fn unknown_namespace(name: &str, why: &str) -> Value {
    let fields = ["labels", "annotations", "uid", "creationTimestamp", "resourceVersion", "finalizers"];
    let mut metadata = unknown_map(why, &fields);
    if let Value::Map(fields) = &mut metadata {
        Arc::make_mut(fields).insert(Key::text("name"), Value::text(name));
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
        Arc::make_mut(fields).insert(Key::text("namespace"), text(namespace));
    }
    request
}
