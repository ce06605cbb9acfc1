//! The language of the API server in templates of Gatekeeper: the engine `K8sNativeValidation`
//! (<https://open-policy-agent.github.io/gatekeeper/website/docs/validating-admission-policy>).

use super::Fault;
use super::load::Policies;
use super::rules::{Input, Rules, Source, unknown_map};
use crate::cel::{Key, Value};
use crate::manifest::Object;
use crate::request::Asked;
use crate::said::Said;
use sekisho_base::tree::Node;
use std::sync::Arc;

/// The `source` of a template.
#[derive(Debug)]
pub struct Template {
    rules: Rules,
}

/// What Gatekeeper composes for every template.
const GIVEN: [(&str, &str); 2] = [
    ("anyObject", "has(request.operation) && request.operation == \"DELETE\" && object == null ? oldObject : object"),
    ("params", "!has(params.spec) ? null : !has(params.spec.parameters) ? null : params.spec.parameters"),
];

impl Template {
    /// What `source`, a map with `validations`, `variables` and `matchConditions`, says, or all that is wrong with it.
    /// `file` and `title` are for messages, and so are the places in it.
    pub fn new(source: &Node, file: &str, title: &str) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let place = Source { file, title: title.to_owned() };
        let rules = Rules::read(source, "source", &place, true, &GIVEN, &mut faults);
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// What it says of `object` with the `parameters` of a constraint, which are nothing where it has none. Which objects
    /// a constraint is about is not asked here. Namespaces among what `surroundings` was loaded from are known.
    pub fn ask(&self, parameters: Option<&Node>, object: &Object, surroundings: &Policies) -> Said {
        self.ask_with(parameters, &surroundings.input(Asked::Manifest(object)))
    }

    /// The same with what is asked as it is shown to expressions.
    pub(crate) fn ask_with(&self, parameters: Option<&Node>, input: &Input) -> Said {
        let mut constraint = unknown_map("the constraint is not given", &["apiVersion", "kind", "metadata"]);
        if let Value::Map(fields) = &mut constraint {
            let spec = match parameters {
                Some(parameters) => Value::map([("parameters", Value::from(parameters))]),
                None => Value::map([]),
            };
            Arc::make_mut(fields).insert(Key::text("spec"), spec);
        }
        let said = self.rules.ask(input, &constraint, &mut Vec::new());
        // Where a condition does not hold, nothing is wrong.
        said.unwrap_or_else(Said::passed)
    }
}
