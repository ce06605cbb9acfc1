//! What a policy says, compiled: conditions, variables, validations. The same for the API server and for Gatekeeper.

use super::Fault;
use crate::cel::{Declarations, Map, Meter, Program, Record, Scope, Stop, Type, Value};
use crate::evaluate::Outcome;
use crate::said::{Message, Said};
use sekisho_base::tree::{self, Node, Place};
use serde_json::json;
use std::cell::RefCell;
use std::sync::Arc;

/// How deep all variables of a policy may be together, since each may lead to the next.
const DEPTH: usize = 200;

/// Bytes of an evaluated message that the server still shows.
const MESSAGE: usize = 5 * 1024;

/// Where something stands, for faults.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) title: String,
}

impl Source<'_> {
    pub(super) fn fault(&self, place: Place, path: impl Into<String>, reason: impl Into<String>) -> Fault {
        let (path, reason) = (path.into(), reason.into());
        Fault { file: self.file.to_owned(), place, title: self.title.clone(), path, reason }
    }
}

/// Whether a failing expression refuses the request, or lets it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum OnFailure {
    #[default]
    Deny,
    Pass,
}

impl OnFailure {
    pub(super) fn would(self) -> &'static str {
        match self {
            Self::Deny => "the server would refuse the request",
            Self::Pass => "the server would let it pass",
        }
    }
}

#[derive(Debug)]
pub(super) struct Rules {
    conditions: Vec<(String, Program)>,
    variables: Vec<(String, Program)>,
    validations: Vec<Validation>,
    annotations: Vec<(String, Program)>,
    pub(super) on_failure: OnFailure,
}

#[derive(Debug)]
struct Validation {
    text: String,
    program: Program,
    message: String,
    message_program: Option<Program>,
    reason: String,
}

/// What is named in expressions.
pub(crate) struct Input {
    /// Nothing where it is deleted.
    pub(super) object: Value,
    /// Nothing where it is made.
    pub(super) old: Value,
    pub(super) request: Value,
    pub(super) namespace: Value,
}

/// The types of what the server names, with their fields (`k8s.io/apiserver/pkg/admission/plugin/cel/compile.go`).
static GROUP_KIND: Record =
    Record { name: "kubernetes.GroupVersionKind", fields: &[("group", text), ("version", text), ("kind", text)] };
static GROUP_RESOURCE: Record = Record {
    name: "kubernetes.GroupVersionResource",
    fields: &[("group", text), ("version", text), ("resource", text)],
};
static USER: Record = Record {
    name: "kubernetes.UserInfo",
    fields: &[
        ("username", text),
        ("uid", text),
        ("groups", texts),
        ("extra", || Type::map(Type::Text, Type::list(Type::Text))),
    ],
};
static REQUEST: Record = Record {
    name: "kubernetes.AdmissionRequest",
    fields: &[
        ("kind", || Type::Record(&GROUP_KIND)),
        ("resource", || Type::Record(&GROUP_RESOURCE)),
        ("subResource", text),
        ("requestKind", || Type::Record(&GROUP_KIND)),
        ("requestResource", || Type::Record(&GROUP_RESOURCE)),
        ("requestSubResource", text),
        ("name", text),
        ("namespace", text),
        ("operation", text),
        ("userInfo", || Type::Record(&USER)),
        ("dryRun", || Type::Bool),
        ("options", || Type::Dyn),
    ],
};
static NAMESPACE: Record = Record {
    name: "kubernetes.Namespace",
    fields: &[
        ("metadata", || Type::Record(&NAMESPACE_METADATA)),
        ("spec", || Type::Record(&NAMESPACE_SPEC)),
        ("status", || Type::Record(&NAMESPACE_STATUS)),
    ],
};
static NAMESPACE_METADATA: Record = Record {
    name: "kubernetes.NamespaceMetadata",
    fields: &[
        ("name", text),
        ("generateName", text),
        ("namespace", text),
        ("labels", || Type::map(Type::Text, Type::Text)),
        ("annotations", || Type::map(Type::Text, Type::Text)),
        ("UID", text),
        ("creationTimestamp", || Type::Timestamp),
        ("deletionGracePeriodSeconds", || Type::Int),
        ("deletionTimestamp", || Type::Timestamp),
        ("generation", || Type::Int),
        ("resourceVersion", text),
        ("finalizers", texts),
    ],
};
static NAMESPACE_SPEC: Record = Record { name: "kubernetes.NamespaceSpec", fields: &[("finalizers", texts)] };
static NAMESPACE_STATUS: Record = Record {
    name: "kubernetes.NamespaceStatus",
    fields: &[("conditions", || Type::list(Type::Record(&NAMESPACE_CONDITION))), ("phase", text)],
};
static NAMESPACE_CONDITION: Record = Record {
    name: "kubernetes.NamespaceCondition",
    fields: &[
        ("status", text),
        ("type", text),
        ("lastTransitionTime", || Type::Timestamp),
        ("message", text),
        ("reason", text),
    ],
};

fn text() -> Type {
    Type::Text
}

fn texts() -> Type {
    Type::list(Type::Text)
}

/// The variables, in the order in which [`Names::variable`] has them.
fn declarations(has_params: bool, has_authorizer: bool) -> Declarations {
    let mut variables = vec![
        ("object", Type::Dyn),
        ("oldObject", Type::Dyn),
        ("request", Type::Record(&REQUEST)),
        ("namespaceObject", Type::Record(&NAMESPACE)),
    ];
    // What is not there has a name that no expression can have.
    variables.push((if has_params { "params" } else { "" }, Type::Dyn));
    let authorizer = if has_authorizer { ["authorizer", "authorizer.requestResource"] } else { [""; 2] };
    let types = [Type::Opaque("authorizer"), Type::Opaque("resourceCheck")];
    variables.extend(authorizer.into_iter().zip(types));
    Declarations { variables, composed: Vec::new() }
}

/// Compiles expressions and gathers what is wrong with them.
struct Compiler<'a, 'b> {
    source: &'a Source<'a>,
    faults: &'b mut Vec<Fault>,
}

impl Compiler<'_, '_> {
    fn fault(&mut self, place: Place, path: &str, reason: impl Into<String>) {
        self.faults.push(self.source.fault(place, path, reason));
    }

    /// The program under `name`; none where there is none, or a broken one, which is a fault.
    fn program(
        &mut self,
        (node, path): (&Node, &str),
        name: &str,
        wanted: &[Type],
        declarations: &Declarations,
    ) -> Option<(String, Program)> {
        let field = node.get(name).filter(|field| !field.is_null())?;
        let path = format!("{path}.{name}");
        let Some(text) = field.as_str() else {
            self.fault(field.place, &path, format!("is {}, not a text", field.kind()));
            return None;
        };
        let program = match Program::new(text, declarations) {
            Ok(program) => program,
            Err(fault) => {
                let (line, column) = (fault.place.line, fault.place.column);
                let reason = format!("{} (line {line}, column {column} of the expression)", fault.reason);
                self.fault(field.place, &path, reason);
                return None;
            }
        };
        if !wanted.is_empty() && !wanted.contains(&program.result) {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            self.fault(field.place, &path, format!("gives {}, not {}", program.result, wanted.join(" or ")));
            return None;
        }
        Some((text.to_owned(), program))
    }

    /// The same where there has to be one.
    fn demanded(
        &mut self,
        (node, path): (&Node, &str),
        name: &str,
        wanted: &[Type],
        declarations: &Declarations,
    ) -> Option<(String, Program)> {
        let before = self.faults.len();
        let found = self.program((node, path), name, wanted, declarations);
        if found.is_none() && self.faults.len() == before {
            self.fault(node.place, path, format!("has no {name}"));
        }
        found
    }

    fn name(&mut self, (node, path): (&Node, &str), name: &str) -> String {
        let found = node.get(name).and_then(Node::as_str).unwrap_or_default();
        if found.is_empty() {
            self.fault(node.place, path, format!("has no {name}"));
        }
        found.to_owned()
    }
}

/// The items of a list, with their paths.
fn listed<'a>(node: &'a Node, path: &str, name: &str) -> Vec<(&'a Node, String)> {
    let items = node.get(name).map(Node::items).unwrap_or_default();
    items.iter().enumerate().map(|(place, item)| (item, format!("{path}.{name}[{place}]"))).collect()
}

impl Rules {
    /// What `node`, at `path`, says. Variables of Gatekeeper come before those that are written.
    pub(super) fn read(
        node: &Node,
        path: &str,
        source: &Source<'_>,
        has_params: bool,
        given: &[(&str, &str)],
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut compiler = Compiler { source, faults };
        let mut rules = Self {
            conditions: Vec::new(),
            variables: Vec::new(),
            validations: Vec::new(),
            annotations: Vec::new(),
            on_failure: OnFailure::Deny,
        };
        match node.get("failurePolicy").filter(|policy| !policy.is_null()) {
            None => {}
            Some(policy) => match policy.as_str() {
                Some("Fail") => {}
                Some("Ignore") => rules.on_failure = OnFailure::Pass,
                _ => compiler.fault(policy.place, &format!("{path}.failurePolicy"), "is neither Fail nor Ignore"),
            },
        }
        let mut declared = declarations(has_params, true);
        for (node, path) in listed(node, path, "matchConditions") {
            let at = (node, path.as_str());
            let name = compiler.name(at, "name");
            if let Some((_, program)) = compiler.demanded(at, "expression", &[Type::Bool], &declared) {
                rules.conditions.push((name, program));
            }
        }
        declared.variables.push(("variables", Type::Composed));
        for (name, expression) in given {
            if let Ok(program) = Program::new(expression, &declared) {
                declared.composed.push(((*name).to_owned(), program.result.clone()));
                rules.variables.push(((*name).to_owned(), program));
            }
        }
        rules.read_variables(node, path, &mut declared, &mut compiler);
        let mut without_authorizer = declarations(has_params, false);
        without_authorizer.variables.push(("variables", Type::Composed));
        without_authorizer.composed.clone_from(&declared.composed);
        for (node, path) in listed(node, path, "validations") {
            let at = (node, path.as_str());
            let Some((text, program)) = compiler.demanded(at, "expression", &[Type::Bool], &declared) else { continue };
            let message = node.get("message").and_then(Node::as_str).unwrap_or_default().trim().to_owned();
            let message_program = compiler.program(at, "messageExpression", &[Type::Text], &without_authorizer);
            let message_program = message_program.map(|(_, program)| program);
            let reason = node.get("reason").and_then(Node::as_str).unwrap_or("Invalid").to_owned();
            rules.validations.push(Validation { text, program, message, message_program, reason });
        }
        for (node, path) in listed(node, path, "auditAnnotations") {
            let at = (node, path.as_str());
            let key = compiler.name(at, "key");
            let wanted = [Type::Text, Type::Null];
            if let Some((_, program)) = compiler.demanded(at, "valueExpression", &wanted, &declared) {
                rules.annotations.push((key, program));
            }
        }
        if node.get("validations").is_none_or(|list| list.items().is_empty())
            && node.get("auditAnnotations").is_none_or(|list| list.items().is_empty())
        {
            compiler.fault(node.place, path, "has neither validations nor auditAnnotations");
        }
        rules
    }

    fn read_variables(
        &mut self,
        node: &Node,
        path: &str,
        declared: &mut Declarations,
        compiler: &mut Compiler<'_, '_>,
    ) {
        let mut depth: usize = self.variables.iter().map(|(_, program)| program.depth).sum();
        for (node, path) in listed(node, path, "variables") {
            let at = (node, path.as_str());
            let name = compiler.name(at, "name");
            let is_name = name.bytes().enumerate().all(|(place, byte)| {
                byte == b'_' || byte.is_ascii_alphabetic() || (place > 0 && byte.is_ascii_digit())
            });
            if !is_name {
                compiler.fault(node.place, &path, format!("has the name {name:?}, which no expression can have"));
            }
            if declared.composed.iter().any(|(known, _)| *known == name) {
                compiler.fault(node.place, &path, format!("has the name {name} a second time"));
                continue;
            }
            let Some((_, program)) = compiler.demanded(at, "expression", &[], declared) else {
                // What uses it is not said to be wrong as well.
                declared.composed.push((name, Type::Dyn));
                continue;
            };
            depth += program.depth;
            if depth > DEPTH {
                compiler.fault(node.place, &path, format!("and what is before it are nested more than {DEPTH} deep"));
                return;
            }
            declared.composed.push((name.clone(), program.result.clone()));
            self.variables.push((name, program));
        }
    }

    /// What it says of an object: nothing where its conditions do not hold. Annotations go into `audit`.
    pub(super) fn ask(&self, input: &Input, params: &Value, audit: &mut Vec<(String, String)>) -> Option<Said> {
        let meter = Meter::default();
        let mut names = Names::new(input, params, &[]);
        // The namespace is not shown to conditions.
        names.shows_namespace = false;
        let mut stops = Vec::new();
        for (name, program) in &self.conditions {
            match program.run(&names, &meter) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return None,
                Ok(_) => stops.push(format!("the condition {name} is neither true nor false")),
                Err(stop) => stops.push(format!("the condition {name} cannot be told: {}", stop.reason())),
            }
        }
        if !stops.is_empty() {
            return Some(self.unknown(stops));
        }
        let names = Names::new(input, params, &self.variables);
        let mut violations = Vec::new();
        for validation in &self.validations {
            match validation.program.run(&names, &meter) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => violations.push(validation.message(&names, &meter)),
                Err(stop) => stops.push(format!("{}: {}", validation.text.trim(), stop.reason())),
            }
        }
        for (key, program) in &self.annotations {
            match program.run(&names, &meter) {
                Ok(Value::Text(text)) if !text.trim().is_empty() => audit.push((key.clone(), text.trim().to_owned())),
                Ok(_) => {}
                Err(stop) => stops.push(format!("the audit annotation {key}: {}", stop.reason())),
            }
        }
        if !violations.is_empty() {
            return Some(Said::violated(violations));
        }
        Some(if stops.is_empty() { Said::passed() } else { self.unknown(stops) })
    }

    fn unknown(&self, stops: Vec<String>) -> Said {
        let message =
            |stop: String| Message { text: format!("{stop}; {}", self.on_failure.would()), ..Message::default() };
        Said { outcome: Outcome::Unknown, messages: stops.into_iter().map(message).collect(), late: false }
    }
}

impl Validation {
    /// What is said of a violation: the evaluated message where it is one line, the fixed one, or the expression.
    fn message(&self, names: &Names<'_>, meter: &Meter) -> Message {
        let evaluated = match self.message_program.as_ref().map(|program| program.run(names, meter)) {
            Some(Ok(Value::Text(text))) => Some(text.trim().to_owned()),
            _ => None,
        };
        let evaluated = evaluated.filter(|text| !text.is_empty() && text.len() <= MESSAGE && !text.contains('\n'));
        let text = evaluated
            .or_else(|| (!self.message.is_empty()).then(|| self.message.clone()))
            .unwrap_or_else(|| format!("failed expression: {}", self.text.trim()));
        let details = json!({ "expression": self.text, "reason": self.reason });
        Message { text, path: String::new(), details }
    }
}

/// What names mean for one object.
struct Names<'a> {
    input: &'a Input,
    params: &'a Value,
    shows_namespace: bool,
    variables: &'a [(String, Program)],
    /// What the variables gave, as far as somebody asked.
    found: RefCell<Vec<Option<Result<Value, Stop>>>>,
}

impl<'a> Names<'a> {
    fn new(input: &'a Input, params: &'a Value, variables: &'a [(String, Program)]) -> Self {
        let found = RefCell::new(vec![None; variables.len()]);
        Self { input, params, shows_namespace: true, variables, found }
    }
}

impl Scope for Names<'_> {
    fn variable(&self, place: usize) -> Result<Value, Stop> {
        match place {
            0 => Ok(self.input.object.clone()),
            1 => Ok(self.input.old.clone()),
            2 => Ok(self.input.request.clone()),
            3 if self.shows_namespace => Ok(self.input.namespace.clone()),
            3 => Ok(Value::Null),
            4 => Ok(self.params.clone()),
            5 | 6 => Err(Stop::error("the policy asks the authorizer, which only an API server has")),
            _ => Err(Stop::error("the policy uses all its variables as one value")),
        }
    }

    fn composed(&self, place: usize, meter: &Meter) -> Result<Value, Stop> {
        if let Some(known) = self.found.borrow().get(place).cloned().flatten() {
            return known;
        }
        let (_, program) = self.variables.get(place).ok_or_else(|| Stop::error("a variable without a value"))?;
        let found = program.run(self, meter);
        if let Some(slot) = self.found.borrow_mut().get_mut(place) {
            *slot = Some(found.clone());
        }
        found
    }
}

/// A map of the server, of whose fields nothing is known, for this reason.
pub(super) fn unknown_map(why: &str, names: &[&str]) -> Value {
    let field = |name: &&str| (crate::cel::Key::text(name), Value::Unknown(why.into()));
    Value::Map(Arc::new(names.iter().map(field).collect::<Map>()))
}

/// Whether a node is a map with something in it.
pub(super) fn is_filled(node: Option<&Node>) -> bool {
    node.is_some_and(|node| matches!(&node.value, tree::Value::Map(fields) if !fields.is_empty()))
}
