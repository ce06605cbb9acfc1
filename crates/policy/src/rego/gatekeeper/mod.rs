//! Policies of [Gatekeeper](https://open-policy-agent.github.io/gatekeeper/website/docs/): templates that say in Rego what
//! a violation is, and constraints that say which objects are to have none, with which parameters.
//!
//! Objects are judged as by its webhook, its audit and `gator`. What CEL says in a template (`K8sNativeValidation`) is not
//! evaluated here, but handed out ([`Constraint::cel`]).

mod constraint;
mod inventory;
mod matching;
mod schema;
pub mod suite;
mod template;
#[cfg(test)]
mod tests;

pub use constraint::{Action, Constraint};

use super::Fault;
use super::engine::{json, value};
use crate::manifest::Object;
use crate::{Message, Outcome, Said};
use matching::Matched;
use regorus::Value;
use sekisho_base::tree::{Node, Place};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use template::Template;

/// The one target that templates can have here.
const TARGET: &str = "admission.k8s.gatekeeper.sh";

/// Templates and constraints, made ready.
#[derive(Debug)]
pub struct Gatekeeper {
    templates: HashMap<String, Template>,
    constraints: Vec<Constraint>,
    /// Namespaces by name, as far as they are known.
    namespaces: HashMap<String, Node>,
}

/// What is asked to be.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// The object; the old one where it is deleted.
    pub object: &'a Object,
    /// What it was before.
    pub old: Option<&'a Object>,
    /// The namespace that it is in, where that is known beside the inventory.
    pub namespace: Option<&'a Object>,
    /// The request, as the API server sends it in a review of admission; none where an object is looked at by itself.
    pub request: Option<&'a Node>,
    /// Whether the object was not asked for, but would be made by what was.
    pub is_generated: bool,
}

/// Whether a constraint is asked.
pub(crate) enum Turn {
    /// It is, and may take so long.
    Ask(Duration),
    /// It says nothing here.
    Pass,
    /// Nobody can wait for it, for this reason.
    Late(String),
}

impl<'a> Review<'a> {
    /// An object by itself, as in an audit.
    pub fn of(object: &'a Object) -> Self {
        Self { object, old: None, namespace: None, request: None, is_generated: false }
    }
}

impl Gatekeeper {
    /// The templates and constraints among `objects`, and all that is wrong with them; a constraint that cannot be asked is
    /// kept, and what it says is unknown. `inventory` is what templates see as `data.inventory`: where there is none,
    /// those that look there are not evaluated. An evaluation takes at most `time`.
    pub fn load(objects: &[Object], inventory: Option<&[Object]>, time: Duration) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let data = inventory.map(inventory::of);
        let mut templates = HashMap::new();
        for object in objects.iter().filter(|object| template::is_template(object)) {
            let mut wrong = Vec::new();
            let (kind, template) = Template::read(object, data.as_ref(), time, &mut wrong);
            if templates.contains_key(&kind) {
                wrong.push(Fault {
                    file: object.file.clone(),
                    place: object.node.place,
                    reason: format!("{}: there is another template of {kind}", object.title()),
                });
            }
            faults.append(&mut wrong);
            templates.insert(kind, template);
        }
        let constraints = objects.iter().filter(|object| constraint::is_constraint(object));
        let constraints =
            constraints.map(|object| Constraint::read(object, templates.get(&object.kind), &mut faults)).collect();
        let namespaces = inventory.unwrap_or_default().iter().filter(|object| matching::is_namespace(object));
        let namespaces = namespaces.map(|object| (object.name.clone(), object.node.clone())).collect();
        (Self { templates, constraints, namespaces }, faults)
    }

    /// The constraints, in the order of their objects.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// What each constraint that is about the object says of it.
    pub fn review(&self, review: &Review<'_>) -> Vec<(&Constraint, Said)> {
        let said = self.review_with(review, &|_| Turn::Ask(Duration::MAX), &|_| None);
        said.into_iter().map(|(place, said)| (&self.constraints[place], said)).collect()
    }

    /// The same by their places, of those whose `turn` it is; `other` says what a constraint comes to whose template is in
    /// CEL, which Gatekeeper asks before Rego.
    pub(crate) fn review_with(
        &self,
        review: &Review<'_>,
        turn: &dyn Fn(usize) -> Turn,
        other: &dyn Fn(usize) -> Option<Said>,
    ) -> Vec<(usize, Said)> {
        let mut said = Vec::new();
        let mut input = None;
        for (place, constraint) in self.constraints.iter().enumerate() {
            let turn = turn(place);
            if matches!(turn, Turn::Pass) {
                continue;
            }
            let words = match (constraint.scope.matches(review, &self.namespaces), turn) {
                (Matched::No, _) => continue,
                (Matched::Unknown(reason), _) => Said::unknown(reason),
                (_, Turn::Late(reason)) => Said::late(reason),
                (Matched::Yes, turn) => match other(place).filter(|_| constraint.fault.is_none()) {
                    Some(said) => said,
                    None => match input.get_or_insert_with(|| self.request(review)) {
                        Some(request) => {
                            let time = if let Turn::Ask(time) = turn { time } else { Duration::ZERO };
                            self.ask(constraint, review, request, time)
                        }
                        None => Said::unknown("the object has a number that JSON does not have"),
                    },
                },
            };
            said.push((place, words));
        }
        said
    }

    fn ask(&self, constraint: &Constraint, review: &Review<'_>, request: &Value, time: Duration) -> Said {
        if let Some(reason) = &constraint.fault {
            return Said::unknown(reason);
        }
        let Some(template) = self.templates.get(&constraint.kind) else {
            return Said::unknown(format!("there is no template of {}", constraint.kind));
        };
        let program = match &template.program {
            Ok(program) => program,
            Err(reason) => return Said::unknown(reason),
        };
        if template.lacks_inventory {
            let text = "looks at other objects in data.inventory, and none were given";
            let message = Message { text: text.to_owned(), ..Message::default() };
            return Said { outcome: Outcome::NotEvaluated, messages: vec![message], late: false };
        }
        if template.needs_namespace
            && let Some(name) = matching::namespace(review.object, review)
            && !matching::is_namespace(review.object)
            && self.namespace(review).is_none()
        {
            return Said::unknown(format!("looks at the namespace {name}, which is not known"));
        }
        if template.names_user && review.request.is_none() {
            let text = "looks at who asks (userInfo), which an object by itself does not say";
            let message = Message { text: text.to_owned(), ..Message::default() };
            return Said { outcome: Outcome::NotEvaluated, messages: vec![message], late: false };
        }
        let ask = |request: Value| {
            let input = [("review", request), ("parameters", constraint.parameters.clone())];
            let input: BTreeMap<Value, Value> = input.map(|(name, value)| (Value::from(name), value)).into();
            match program.evaluate_within(&template.rule, Value::from(input), time) {
                Ok(found) => violations(&found),
                Err(stopped) => Said { late: stopped.late, ..Said::unknown(template::located(&stopped.fault)) },
            }
        };
        let said = ask(request.clone());
        if review.request.is_none()
            && template.names_operation
            && let Value::Object(fields) = request
        {
            // Gatekeeper's audit and gator name no operation. Whatever would be said of one that is named must be the same.
            let mut fields: BTreeMap<Value, Value> =
                fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            fields.insert(Value::from("operation"), Value::from("CREATE"));
            let made = ask(Value::from(fields));
            if made.outcome != said.outcome {
                let (audit, made) = (said.outcome.as_str(), made.outcome.as_str());
                return Said::unknown(format!(
                    "what it says depends on the operation, which an object by itself does not say: without one it is \
                     {audit}, where the object is made {made}"
                ));
            }
        }
        said
    }

    /// The namespace that the object is in, as far as it is known.
    fn namespace<'a>(&'a self, review: &Review<'a>) -> Option<&'a Node> {
        let known = || self.namespaces.get(&matching::namespace(review.object, review)?);
        review.namespace.map(|object| &object.node).or_else(known)
    }

    /// The request as policies see it; none where it cannot be said in JSON. Without one from the API server it is that of
    /// Gatekeeper's audit, which names no operation.
    fn request(&self, review: &Review<'_>) -> Option<Value> {
        let mut fields = request(review)?;
        if !matching::is_namespace(review.object)
            && let Some(namespace) = self.namespace(review)
        {
            let namespace: BTreeMap<Value, Value> = [(Value::from("namespace"), value(namespace)?)].into();
            fields.insert(Value::from("_unstable"), Value::from(namespace));
        }
        Some(Value::from(fields))
    }
}

/// What a set of violations comes to.
fn violations(found: &Value) -> Said {
    let Value::Set(found) = found else {
        return match found {
            Value::Undefined => Said::passed(),
            _ => Said::unknown("violation is no set"),
        };
    };
    let mut messages = Vec::new();
    let mut unknown = None;
    for violation in found.iter() {
        let field = |name: &str| match violation {
            Value::Object(_) => &violation[&Value::from(name)],
            _ => &Value::Undefined,
        };
        let (Value::String(text), Some(details)) = (field("msg"), json(field("details"))) else {
            // Gatekeeper passes over a violation without a message, and fails for one whose message is no text.
            unknown = Some("a violation has no text under msg, or more details than can be shown");
            continue;
        };
        messages.push(Message { text: text.to_string(), path: String::new(), details });
    }
    match unknown {
        Some(reason) if messages.is_empty() => Said::unknown(reason),
        _ if messages.is_empty() => Said::passed(),
        _ => Said::violated(messages),
    }
}

/// The fields of a request but for the namespace.
fn request(review: &Review<'_>) -> Option<BTreeMap<Value, Value>> {
    let object = review.object;
    let text = |text: &str| Value::from(text);
    let mut fields: BTreeMap<Value, Value> = BTreeMap::new();
    let mut put = |name: &str, value: Value| fields.insert(Value::from(name), value);
    let map = |fields: &[(&str, &str)]| {
        Value::from(fields.iter().map(|(name, value)| (text(name), text(value))).collect::<BTreeMap<_, _>>())
    };
    let version = object.api_version.rsplit('/').next().unwrap_or_default();
    put("uid", text(""));
    put("kind", map(&[("group", object.group()), ("version", version), ("kind", &object.kind)]));
    put("resource", map(&[("group", ""), ("version", ""), ("resource", "")]));
    if !object.name.is_empty() {
        put("name", text(&object.name));
    }
    if !object.namespace.is_empty() {
        put("namespace", text(&object.namespace));
    }
    put("operation", text(""));
    put("userInfo", Value::new_object());
    put("oldObject", Value::Null);
    put("options", Value::Null);
    for field in review.request.map(Node::fields).unwrap_or_default() {
        put(&field.name, value(&field.node)?);
    }
    if let Some(old) = review.old {
        put("oldObject", value(&old.node)?);
    }
    put("object", value(&object.node)?);
    Some(fields)
}

/// What is wrong at `node` of `object`.
fn fault(object: &Object, node: Option<&Node>, reason: impl std::fmt::Display) -> Fault {
    let place = node.map_or(object.node.place, |node| node.place);
    let place = if place == Place::default() { object.node.place } else { place };
    Fault { file: object.file.clone(), place, reason: format!("{}: {reason}", object.title()) }
}
