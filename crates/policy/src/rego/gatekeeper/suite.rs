//! Suites of tests as `gator verify` reads them (`test.gatekeeper.sh/v1alpha1`,
//! <https://open-policy-agent.github.io/gatekeeper/website/docs/gator>).

use crate::go::Pattern;
use regex::Regex;
use sekisho_base::tree::{Node, Value};

/// Tests of templates and constraints.
#[derive(Debug)]
pub struct Suite {
    /// Each of one constraint.
    pub tests: Vec<Test>,
}

/// A constraint with its template, and what it is to say of objects.
#[derive(Debug)]
pub struct Test {
    /// What it is called.
    pub name: String,
    /// The file of the template, from where the suite is.
    pub template: String,
    /// The file of the constraint.
    pub constraint: String,
    /// What it is to say.
    pub cases: Vec<Case>,
    /// Whether it is left out.
    pub skip: bool,
}

/// An object, and what is to be said of it.
#[derive(Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// The file of the object.
    pub object: String,
    /// Files of other objects that there are.
    pub inventory: Vec<String>,
    /// What is to hold of the violations.
    pub assertions: Vec<Assertion>,
    /// Whether it is left out.
    pub skip: bool,
}

/// What is to hold of the violations of an object.
#[derive(Debug)]
pub struct Assertion {
    /// How many there are.
    pub violations: Count,
    /// Of those with a message that this is found in.
    pub message: Option<Regex>,
}

/// How many violations there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// At least one.
    Some,
    /// Exactly so many.
    Exactly(usize),
}

/// Whether a document is a suite.
pub fn is_suite(node: &Node) -> bool {
    let text = |name: &str| node.get(name).and_then(Node::as_str).unwrap_or_default();
    text("kind") == "Suite" && text("apiVersion").starts_with("test.gatekeeper.sh/")
}

/// Whether a document is of those that suites name: a template or a constraint.
pub fn is_part(node: &Node) -> bool {
    let version = node.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    ["templates.gatekeeper.sh/", "constraints.gatekeeper.sh/"].iter().any(|group| version.starts_with(group))
}

impl Suite {
    /// The suite that `node` is, or what is wrong with it: a line and a reason.
    pub fn read(node: &Node) -> Result<Self, (u32, String)> {
        Ok(Self { tests: items(node, "tests").iter().map(test).collect::<Result<_, _>>()? })
    }
}

impl Assertion {
    /// Whether it holds of violations with these messages.
    pub fn holds<'m>(&self, messages: impl Iterator<Item = &'m str>) -> bool {
        let count = messages.filter(|text| self.message.as_ref().is_none_or(|wanted| wanted.is_match(text))).count();
        match self.violations {
            Count::Some => count > 0,
            Count::Exactly(wanted) => count == wanted,
        }
    }
}

fn items<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    node.get(name).map(Node::items).unwrap_or_default()
}

fn text(node: &Node, name: &str) -> String {
    node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned()
}

fn skip(node: &Node) -> bool {
    node.get("skip").and_then(Node::as_bool).unwrap_or_default()
}

fn test(node: &Node) -> Result<Test, (u32, String)> {
    let (template, constraint) = (text(node, "template"), text(node, "constraint"));
    if template.is_empty() || constraint.is_empty() {
        return Err((node.place.line, "a test needs template and constraint".to_owned()));
    }
    let cases = items(node, "cases").iter().map(case).collect::<Result<_, _>>()?;
    Ok(Test { name: text(node, "name"), template, constraint, cases, skip: skip(node) })
}

fn case(node: &Node) -> Result<Case, (u32, String)> {
    let object = text(node, "object");
    if object.is_empty() {
        return Err((node.place.line, "a case needs object".to_owned()));
    }
    let inventory = items(node, "inventory").iter().filter_map(Node::as_str).map(str::to_owned).collect();
    let assertions = items(node, "assertions").iter().map(assertion).collect::<Result<_, _>>()?;
    Ok(Case { name: text(node, "name"), object, inventory, assertions, skip: skip(node) })
}

fn assertion(node: &Node) -> Result<Assertion, (u32, String)> {
    let wrong = |reason: String| Err((node.place.line, reason));
    let violations = match node.get("violations").map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(true)) => Count::Some,
        Some(Value::Bool(false)) => Count::Exactly(0),
        Some(Value::Integer(count)) if *count >= 0 => Count::Exactly(usize::try_from(*count).unwrap_or(usize::MAX)),
        Some(Value::Text(word)) if word == "yes" => Count::Some,
        Some(Value::Text(word)) if word == "no" => Count::Exactly(0),
        Some(_) => return wrong("violations is neither yes, no nor a number".to_owned()),
    };
    let message = match node.get("message").and_then(Node::as_str) {
        None => None,
        Some(text) => match Pattern::new(text) {
            Ok(pattern) => Some(pattern.regex),
            Err(why) => return wrong(format!("message {text:?} is no regular expression: {why}")),
        },
    };
    Ok(Assertion { violations, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_base::Limits;

    #[test]
    fn suites_are_read_and_assertions_counted() {
        let read = |text: &str| {
            let node = sekisho_base::tree::documents(text, &Limits::default()).remove(0).unwrap();
            assert!(is_suite(&node));
            Suite::read(&node)
        };
        let head = "apiVersion: test.gatekeeper.sh/v1alpha1\nkind: Suite\ntests:\n- name: a\n  template: t.yaml\n";
        let suite = read(&format!(
            "{head}  constraint: c.yaml\n  cases:\n  - {{name: x, object: o.yaml, inventory: [i.yaml], assertions: [{{violations: yes}}, {{violations: 2, message: '^a'}}, {{violations: no, message: z}}]}}\n  - {{name: y, object: o.yaml, skip: true, assertions: [{{message: a}}]}}\n"
        ))
        .unwrap();
        let case = &suite.tests[0].cases[0];
        assert_eq!(
            (case.inventory.as_slice(), case.skip, suite.tests[0].cases[1].skip),
            (&["i.yaml".to_owned()][..], false, true)
        );
        let holds = |messages: &[&str]| -> Vec<bool> {
            case.assertions.iter().map(|it| it.holds(messages.iter().copied())).collect()
        };
        assert_eq!(holds(&["ab", "ac", "b"]), [true, true, true]);
        assert_eq!(holds(&[]), [false, false, true]);
        assert_eq!(holds(&["az"]), [true, false, false]);
        assert_eq!(read(head).unwrap_err(), (4, "a test needs template and constraint".to_owned()));
        let broken =
            format!("{head}  constraint: c\n  cases:\n  - {{object: o, assertions: [{{violations: maybe}}]}}\n");
        assert_eq!(read(&broken).unwrap_err(), (8, "violations is neither yes, no nor a number".to_owned()));
    }
}
