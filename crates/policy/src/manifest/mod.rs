//! Manifests: texts in YAML or JSON become objects of Kubernetes, and those that make pods become
//! [`Workload`]s.
//!
//! A manifest is read as the API server reads it, with its defaults. What the server would refuse (a text where a number
//! belongs) is told and makes the reading incomplete, since nobody can say what such an object would be.

mod kinds;
mod object;
mod pod;
mod quantity;
mod reader;
mod resources;
mod surroundings;
#[cfg(test)]
mod tests;

pub use kinds::PodTemplate;
pub use object::{Object, objects, put_into};
pub(crate) use object::{place, steps};
pub use quantity::quantity;

pub(crate) use reader::Reader;
pub(crate) use resources::{Resource, Resources};

use kinds::PodKind;
use sekisho_base::tree::Node;
use sekisho_model::{Code, Diagnostic, Workload};
use surroundings::Surroundings;

/// A workload, and the object that it is made from.
#[derive(Debug)]
pub struct Found<'a> {
    /// The object.
    pub object: &'a Object,
    /// What it would run.
    pub workload: Workload,
}

/// What the objects would run, in their order. Services, routes, network policies and roles among them say how the
/// workloads can be reached and what they may do; objects that make no pods are passed over.
pub fn workloads(objects: &[Object]) -> (Vec<Found<'_>>, Vec<Diagnostic>) {
    let all = Workloads::among(objects);
    let mut diagnostics = Vec::new();
    let found = objects.iter().filter_map(|object| {
        let workload = all.of(object, &mut diagnostics)?;
        Some(Found { object, workload })
    });
    (found.collect(), diagnostics)
}

/// What objects would run, one after the other: all of it at once takes more memory than the objects themselves.
pub struct Workloads<'a> {
    surroundings: Surroundings<'a>,
}

impl<'a> Workloads<'a> {
    /// The workloads that `objects` make, with the services, routes, network policies and roles among them.
    pub fn among(objects: &'a [Object]) -> Self {
        Self { surroundings: Surroundings::of(objects) }
    }

    /// What one of the objects would run; none where it makes no pods.
    pub fn of(&self, object: &Object, diagnostics: &mut Vec<Diagnostic>) -> Option<Workload> {
        let Some(kind) = PodKind::of(object) else {
            diagnostics.extend(unknown(object));
            return None;
        };
        let mut reader = Reader::of(object);
        let workload = pod::workload(object, kind, &mut reader);
        diagnostics.append(&mut reader.diagnostics);
        let mut workload = workload?;
        self.surroundings.apply(&mut workload);
        Some(workload)
    }
}

/// What is to be said of an object of a kind that is not known as one that makes pods, and has containers all the same:
/// they were not judged.
fn unknown(object: &Object) -> Option<Diagnostic> {
    if !has_containers(&object.node) {
        return None;
    }
    let message = format!(
        "line {}: {} ({}) has containers, and is of a kind that is not known: they were not judged",
        object.node.place.line,
        object.title(),
        object.api_version
    );
    Some(Diagnostic::incomplete(Code::ManifestForeign, message).at(&object.file))
}

/// Whether the object is of a kind that neither Kubernetes nor `OpenShift` has, and without containers.
pub(crate) fn is_strange(object: &Object) -> bool {
    let (group, is_of) = (object.group(), |domain: &str| object.group().ends_with(domain));
    group.contains('.') && !is_of(".k8s.io") && !is_of(".openshift.io") && !has_containers(&object.node)
}

/// Where kinds of others have containers, as lists: pods in them, tasks of Tekton.
const LISTS: [&str; 5] = ["containers", "initContainers", "ephemeralContainers", "sidecars", "steps"];
/// The same, alone: workflows of Argo.
const ALONE: [&str; 2] = ["container", "script"];

/// Whether something in it names an image where containers do.
fn has_containers(node: &Node) -> bool {
    let is_one = |node: &Node| node.get("image").is_some_and(|image| image.as_str().is_some());
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        let mut lists = LISTS.iter().filter_map(|name| node.get(name)).flat_map(Node::items);
        if lists.any(is_one) || ALONE.iter().filter_map(|name| node.get(name)).any(is_one) {
            return true;
        }
        rest.extend(node.fields().iter().map(|field| &field.node));
        rest.extend(node.items());
    }
    false
}
