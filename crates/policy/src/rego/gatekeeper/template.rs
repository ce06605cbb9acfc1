//! Templates: kinds of constraints, and what their violations are.

use super::{TARGET, fault, inventory};
use crate::manifest::Object;
use crate::rego::engine::{Program, Read, Setting, Source, Stopped};
use crate::rego::syntax::Dialect;
use crate::rego::syntax::ast::Module;
use crate::rego::{Fault, lower::rooted};
use regorus::Value;
use sekisho_base::tree::{Node, Place};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a template's own rules may name below `data`.
const ROOTS: &[&str] = &["inventory", "lib"];

#[derive(Debug)]
pub(super) struct Template {
    /// What its Rego says, or why it cannot be asked.
    pub(super) program: Result<Program, String>,
    /// `data.PACKAGE.violation`
    pub(super) rule: String,
    /// Whether it looks at other objects, and nobody said what they are.
    pub(super) lacks_inventory: bool,
    /// Whether it looks at the namespace that an object is in.
    pub(super) needs_namespace: bool,
    /// Whether it looks at the operation of a request.
    pub(super) names_operation: bool,
    /// Whether it looks at who asks, or how.
    pub(super) names_user: bool,
    /// The source of the CEL in it.
    pub(super) cel: Option<Node>,
    /// The schema of its constraints' parameters.
    pub(super) schema: Option<Node>,
}

pub(super) fn is_template(object: &Object) -> bool {
    let versions =
        ["templates.gatekeeper.sh/v1", "templates.gatekeeper.sh/v1beta1", "templates.gatekeeper.sh/v1alpha1"];
    object.kind == "ConstraintTemplate" && versions.contains(&object.api_version.as_str())
}

/// A text of Rego in a template.
struct Text<'o> {
    label: String,
    node: &'o Node,
    rego: &'o str,
}

impl Template {
    /// The kind of the constraints, and the template.
    pub(super) fn read(
        object: &Object,
        data: Option<&Value>,
        time: Duration,
        faults: &mut Vec<Fault>,
    ) -> (String, Self) {
        let node = &object.node;
        let crd = |names: &[&str]| node.at(&["spec", "crd", "spec"]).and_then(|spec| spec.at(names));
        let kind = crd(&["names", "kind"]).and_then(Node::as_str).unwrap_or_default().to_owned();
        let mut template = Self {
            program: Err(format!("the template of {kind} cannot be used")),
            rule: String::new(),
            lacks_inventory: false,
            needs_namespace: false,
            names_operation: false,
            names_user: false,
            cel: None,
            schema: crd(&["validation", "openAPIV3Schema"]).cloned(),
        };
        let before = faults.len();
        if kind.is_empty() {
            faults.push(fault(object, None, "spec.crd.spec.names.kind names no kind"));
        } else if object.name != kind.to_lowercase() {
            let reason =
                format!("is called {:?}, and must be called as its kind, {:?}", object.name, kind.to_lowercase());
            faults.push(fault(object, None, reason));
        }
        let targets = node.at(&["spec", "targets"]);
        let target = match targets.map(Node::items).unwrap_or_default() {
            [target] if target.get("target").and_then(Node::as_str) == Some(TARGET) => Some(target),
            [_] => {
                faults.push(fault(object, targets, format!("has a target that is not {TARGET}")));
                None
            }
            _ => {
                faults.push(fault(object, targets, "does not have exactly one target"));
                None
            }
        };
        if let Some(target) = target.filter(|_| faults.len() == before) {
            template.cel = code(target, "K8sNativeValidation").and_then(|code| code.get("source")).cloned();
            if let Some(found) = template.rego(object, target, data, time, faults) {
                template.program = Ok(found);
            } else if faults.len() == before && template.cel.is_some() {
                template.program = Err(format!("the template of {kind} is in CEL, which is not evaluated here"));
            }
        }
        if let (Err(reason), Some(first)) = (&mut template.program, faults.get(before)) {
            reason.clone_from(&first.reason);
        }
        (kind, template)
    }

    /// What is said in Rego, made ready.
    fn rego(
        &mut self,
        object: &Object,
        target: &Node,
        data: Option<&Value>,
        time: Duration,
        faults: &mut Vec<Fault>,
    ) -> Option<Program> {
        let source = code(target, "Rego").and_then(|code| code.get("source"));
        if source.is_none() && target.get("rego").is_none() {
            if self.cel.is_none() {
                faults.push(fault(object, Some(target), "says in no language that is known what a violation is"));
            }
            return None;
        }
        let (source, label) = source.map_or((target, "targets[0]"), |source| (source, "targets[0].code"));
        let dialect = match source.get("version").map(|version| version.scalar().unwrap_or_default()) {
            None => Dialect::V0,
            Some(version) if version == "v0" || version.is_empty() => Dialect::V0,
            Some(version) if version == "v1" => Dialect::V1,
            Some(version) => {
                faults.push(fault(
                    object,
                    source.get("version"),
                    format!("is in Rego {version:?}; there are v0 and v1"),
                ));
                return None;
            }
        };
        let mut texts = Vec::new();
        let libs = source.get("libs").map(Node::items).unwrap_or_default();
        let numbered = libs.iter().enumerate().map(|(index, node)| (format!("{label}.libs[{index}]"), Some(node)));
        for (label, node) in std::iter::once((format!("{label}.rego"), source.get("rego"))).chain(numbered) {
            match node.and_then(|node| Some((node, node.as_str()?))) {
                Some((node, text)) => texts.push(Text { label, node, rego: text }),
                None => faults.push(fault(object, node.or(Some(source)), format!("{label} is no text"))),
            }
        }
        // It has no other way to name it.
        self.needs_namespace = texts.iter().any(|text| text.rego.contains("_unstable"));
        let names = |word: &str| texts.iter().any(|text| text.rego.contains(word));
        self.names_operation = names("operation");
        self.names_user = names("userInfo");
        let before = faults.len();
        let mut modules = Vec::new();
        for text in &texts {
            match Read::of(&Source { file: &text.label, text: text.rego, dialect }) {
                Ok(read) => modules.push(read),
                Err(wrong) => faults.push(placed(object, &texts, &wrong)),
            }
        }
        if faults.len() > before {
            return None;
        }
        let (main, libs) = modules.split_first()?;
        if let Some(reason) = check(&main.module, libs.iter().map(|lib| &lib.module)) {
            faults.push(fault(object, Some(texts[0].node), reason));
        }
        let path = rooted(&main.module.package);
        self.rule = format!("{}.violation", path.join("."));
        // Of the package itself, the template may name everything.
        let mut roots: Vec<&str> = ROOTS.to_vec();
        roots.extend(main.module.package.first().map(String::as_str));
        let lacks_inventory = data.is_none();
        let data = data.cloned().unwrap_or_else(|| inventory::of(&[]));
        match Program::new(&modules, Setting { data, roots: Some(&roots), time, together: &[] }) {
            Ok(program) if faults.len() == before => {
                self.lacks_inventory = lacks_inventory && program.names(&["data", "inventory"]);
                if let Err(stopped) = program.evaluate(&self.rule, minimal()) {
                    faults.extend(Self::minimal_fault(object, &texts, &stopped));
                }
                Some(program)
            }
            Ok(_) => None,
            Err(wrongs) => {
                faults.extend(wrongs.iter().map(|wrong| placed(object, &texts, wrong)));
                None
            }
        }
    }

    /// What fails for an object without anything need not fail for others, unless the engine cannot read the rule.
    fn minimal_fault(object: &Object, texts: &[Text<'_>], stopped: &Stopped) -> Option<Fault> {
        let is_own = !stopped.fault.file.is_empty() && !stopped.late;
        is_own.then(|| placed(object, texts, &stopped.fault))
    }
}

fn code<'n>(target: &'n Node, engine: &str) -> Option<&'n Node> {
    let codes = target.get("code").map(Node::items).unwrap_or_default();
    codes.iter().find(|code| code.get("engine").and_then(Node::as_str) == Some(engine))
}

/// What Gatekeeper asks of the modules of a template.
fn check<'m>(main: &Module, libs: impl Iterator<Item = &'m Module>) -> Option<String> {
    let mut violations = main.rules.iter().filter(|rule| rule.name == "violation" && rule.steps.is_empty()).peekable();
    if violations.peek().is_none() {
        return Some("has no rule called violation".to_owned());
    }
    if violations.any(|rule| rule.member.is_none()) {
        return Some("has a violation that is no set".to_owned());
    }
    for lib in libs {
        if lib.package.first().is_none_or(|first| first != "lib") {
            return Some(format!("has a library in the package {}, which is not below lib", lib.package.join(".")));
        }
    }
    None
}

/// An object with nothing in it, and no parameters.
fn minimal() -> Value {
    let map = |fields: Vec<(&str, Value)>| {
        Value::from(fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<BTreeMap<_, _>>())
    };
    let text = |text: &str| Value::from(text);
    let kind = map(vec![("group", text("")), ("version", text("v1")), ("kind", text("Pod"))]);
    let object = map(vec![("apiVersion", text("v1")), ("kind", text("Pod")), ("metadata", Value::new_object())]);
    let review = map(vec![("kind", kind), ("operation", text("")), ("object", object), ("oldObject", Value::Null)]);
    map(vec![("review", review), ("parameters", Value::new_object())])
}

/// A fault of a module, in the file that the template is in.
fn placed(object: &Object, texts: &[Text<'_>], wrong: &Fault) -> Fault {
    let node = texts.iter().find(|text| text.label == wrong.file).map(|text| text.node);
    fault(object, node, located(wrong))
}

/// A fault of a module, with the line of the module.
pub(super) fn located(wrong: &Fault) -> String {
    if wrong.place == Place::default() {
        return wrong.reason.clone();
    }
    format!("{}, line {}, column {}: {}", wrong.file, wrong.place.line, wrong.place.column, wrong.reason)
}
