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
mod surroundings;
#[cfg(test)]
mod tests;

pub use kinds::PodTemplate;
pub use object::{Object, objects};
pub(crate) use object::{place, steps};
pub use quantity::quantity;

pub(crate) use reader::Reader;

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
    let surroundings = Surroundings::of(objects);
    let mut found = Vec::new();
    let mut diagnostics = Vec::new();
    for object in objects {
        let Some(kind) = PodKind::of(object) else {
            diagnostics.extend(unknown(object));
            continue;
        };
        let mut reader = Reader::of(object);
        let workload = pod::workload(object, kind, &mut reader);
        diagnostics.append(&mut reader.diagnostics);
        if let Some(mut workload) = workload {
            surroundings.apply(&mut workload);
            found.push(Found { object, workload });
        }
    }
    (found, diagnostics)
}

/// What is to be said of an object of a kind that is not known as one that makes pods, and has containers all the same:
/// they were not judged.
fn unknown(object: &Object) -> Option<Diagnostic> {
    let mut rest = vec![&object.node];
    while let Some(node) = rest.pop() {
        let images =
            |list: &Node| list.items().iter().any(|item| item.get("image").is_some_and(|it| it.as_str().is_some()));
        if node.get("containers").is_some_and(images) {
            let message = format!(
                "line {}: {} ({}) has containers, and is of a kind that is not known: they were not judged",
                object.node.place.line,
                object.title(),
                object.api_version
            );
            return Some(Diagnostic::incomplete(Code::ManifestForeign, message).at(&object.file));
        }
        rest.extend(node.fields().iter().map(|field| &field.node));
        rest.extend(node.items());
    }
    None
}
