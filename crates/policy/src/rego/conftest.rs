//! Policies of [Conftest](https://www.conftest.dev/): rules called `deny`, `violation` or `warn`, with or without a suffix,
//! whose members are what is wrong with a document, and `exception`, which says which of them do not count.

use super::combined::is_about_files;
use super::engine::{Program, Read, Setting, Share, Source, Stopped, json, value};
use super::{Dialect, Fault};
use crate::{Message, Outcome, Said};
use regorus::Value;
use sekisho_base::tree::{Node, Place};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Files of Rego, made ready.
#[derive(Debug)]
pub struct Conftest {
    program: Program,
    rules: Vec<Rule>,
    /// Namespaces that have exceptions.
    excepting: BTreeSet<String>,
    /// Why rules would be silent, where that is known before: what they need of `data` that nobody gave, or that they are
    /// about all files together.
    silent: Vec<Option<String>>,
}

/// A rule that says what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The package, without `data`: `main`.
    pub namespace: String,
    /// `deny_root`
    pub name: String,
    /// Whether what it says is a warning only.
    pub is_warning: bool,
}

impl Rule {
    /// `data.main.deny_root`
    fn path(&self) -> String {
        format!("data.{}.{}", self.namespace, self.name)
    }
}

/// What a rule says of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<'c> {
    /// The rule.
    pub rule: &'c Rule,
    /// What counts of what it says.
    pub said: Said,
    /// What does not, by an exception.
    pub excepted: Vec<Message>,
}

/// What files are made ready for.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'s> {
    /// The namespaces that are asked, all where there is none. Conftest's own default is `main`.
    pub namespaces: Option<&'s [&'s str]>,
    /// Documents that are merged to `data`.
    pub data: &'s [Node],
    /// How all files are written. Conftest reads them as of OPA 1.0 unless it is told otherwise; where it is not said, a
    /// file that is not of that dialect, but of the older one, is read as that.
    pub dialect: Option<Dialect>,
    /// How long an evaluation of one rule may take.
    pub time: Duration,
}

impl Conftest {
    /// The policies in `files`, names with texts, or all that is wrong with them: as with Conftest, one broken file spoils
    /// the rest.
    pub fn load(files: &[(&str, &str)], setup: &Setup<'_>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut modules = Vec::new();
        for (file, text) in files {
            let read = |dialect| Read::of(&Source { file, text, dialect });
            let module = match setup.dialect {
                Some(dialect) => read(dialect),
                // Of what is of neither dialect, the one that it was read further in was meant.
                None => read(Dialect::V1).or_else(|fault| {
                    read(Dialect::V0).map_err(|older| if older.place > fault.place { older } else { fault })
                }),
            };
            match module {
                Ok(module) => modules.push(module),
                Err(fault) => faults.push(fault),
            }
        }
        let nowhere = |reason: &str| Fault { file: String::new(), place: Place::default(), reason: reason.to_owned() };
        let mut data = Value::new_object();
        for document in setup.data {
            match value(document).ok_or(()).and_then(|document| merged(&data, &document)) {
                Ok(merged) => data = merged,
                Err(()) => faults
                    .push(nowhere("documents for data contradict each other, or have numbers that JSON does not have")),
            }
        }
        let mut rules = BTreeSet::new();
        let (mut excepting, mut combined) = (BTreeSet::new(), BTreeSet::new());
        for Read { module, .. } in &modules {
            let namespace = module.package.join(".");
            if is_about_files(module) {
                combined.insert(namespace.clone());
            }
            for rule in module.rules.iter().filter(|rule| rule.arguments.is_none() && !rule.is_default) {
                if rule.name == "exception" {
                    excepting.insert(namespace.clone());
                } else if let Some(is_warning) = severity(&rule.name) {
                    rules.insert(Rule { namespace: namespace.clone(), name: rule.name.clone(), is_warning });
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(asked) = setup.namespaces {
            for namespace in asked.iter().filter(|asked| rules.iter().all(|rule| rule.namespace != **asked)) {
                faults.push(nowhere(&format!(
                    "there is no rule called deny, violation or warn in the namespace {namespace}"
                )));
            }
            rules.retain(|rule| asked.contains(&rule.namespace.as_str()));
        } else if rules.is_empty() {
            faults.push(nowhere("there is no rule called deny, violation or warn"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let rules: Vec<Rule> = rules.into_iter().collect();
        let together: Vec<String> = rules.iter().map(Rule::path).collect();
        // What has to be put in quotes is asked one by one.
        let is_plain =
            |path: &String| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        let together = if together.iter().all(is_plain) { &together[..] } else { &[] };
        let roots: BTreeSet<String> = match &data {
            Value::Object(fields) => {
                fields.iter().filter_map(|(key, _)| Some(key.as_string().ok()?.to_string())).collect()
            }
            _ => BTreeSet::new(),
        };
        let program = Program::new(&modules, Setting { data, roots: None, time: setup.time, together })?;
        let silent = |rule: &Rule| {
            if combined.contains(&rule.namespace) {
                return Some("it is about all files together (conftest test --combine), and documents are asked about one by one".to_owned());
            }
            let path = |name: &str| -> Vec<String> {
                let names = rule.namespace.split('.').chain([name]);
                std::iter::once("data").chain(names).map(str::to_owned).collect()
            };
            let excepts = excepting.contains(&rule.namespace).then(|| path("exception"));
            let lacks = std::iter::once(path(&rule.name)).chain(excepts).find_map(|path| program.lacks(&path, &roots));
            lacks.map(|path| format!("it needs {path}, which no policy defines and no document for data gives"))
        };
        let silent = rules.iter().map(silent).collect();
        Ok(Self { program, rules, excepting, silent })
    }

    /// The rules that are asked.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What each rule says of a document.
    pub fn check(&self, document: &Node) -> Vec<Checked<'_>> {
        self.check_within(document, &|_| Ok(Duration::MAX))
    }

    /// The same, where each evaluation may take as long as `share` says then, or why nobody can wait for it.
    pub(crate) fn check_within(&self, document: &Node, share: Share<'_>) -> Vec<Checked<'_>> {
        let input = value(document);
        let mut exceptions = BTreeMap::new();
        // What the rules need in common is evaluated once then.
        let together = || self.program.evaluate_together(input.clone()?, share(None).ok()?);
        let together = together();
        let mut checked = Vec::with_capacity(self.rules.len());
        for (index, rule) in self.rules.iter().enumerate() {
            let Some(input) = &input else {
                let said = Said::unknown("the document has a number that JSON does not have");
                checked.push(Checked { rule, said, excepted: Vec::new() });
                continue;
            };
            if let Some(why) = self.silent.get(index).and_then(Option::as_ref) {
                let said = Said::unknown(why);
                checked.push(Checked { rule, said, excepted: Vec::new() });
                continue;
            }
            let place = index as u64;
            let of = |together: &HashMap<u64, Value>| together.get(&place).cloned().unwrap_or(Value::Undefined);
            let known = together.as_ref().map(of);
            checked.push(self.ask(rule, known, input, &|| share(Some(index)), &mut exceptions));
        }
        checked
    }

    fn ask<'c>(
        &'c self,
        rule: &'c Rule,
        known: Option<Value>,
        input: &Value,
        share: &dyn Fn() -> Result<Duration, String>,
        exceptions: &mut BTreeMap<&'c str, Result<Value, Said>>,
    ) -> Checked<'c> {
        let evaluate = |path: &str| {
            let time = share().map_err(Said::late)?;
            let stopped = |stopped: Stopped| Said { late: stopped.late, ..Said::unknown(stopped.to_string()) };
            self.program.evaluate_within(path, input.clone(), time).map_err(stopped)
        };
        let mut checked = Checked { rule, said: Said::passed(), excepted: Vec::new() };
        match known.map_or_else(|| evaluate(&rule.path()), Ok) {
            Ok(found) => checked.said = said(&found),
            Err(unknown) => checked.said = unknown,
        }
        if checked.said.outcome == Outcome::Violated && self.excepting.contains(&rule.namespace) {
            match exceptions
                .entry(&rule.namespace)
                .or_insert_with(|| evaluate(&format!("data.{}.exception", rule.namespace)))
            {
                Ok(names) if excepts(names, rule) => {
                    checked.excepted = std::mem::replace(&mut checked.said, Said::passed()).messages;
                }
                Ok(_) => {}
                Err(unknown) => {
                    let why = unknown.messages.first().map_or("", |message| message.text.as_str());
                    let text = format!("its exceptions are not known: {why}");
                    checked.said = Said { late: unknown.late, ..Said::unknown(text) };
                }
            }
        }
        checked
    }
}

/// Whether a rule of this name warns; none where it is for something else.
fn severity(name: &str) -> Option<bool> {
    let (kind, suffixes) = name.split_once('_').map_or((name, None), |(kind, rest)| (kind, Some(rest)));
    let is_suffix = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let fits = suffixes.is_none_or(|rest| rest.split('_').all(is_suffix));
    match kind {
        "warn" if fits => Some(true),
        "deny" | "violation" if fits => Some(false),
        _ => None,
    }
}

/// Whether `exception` names the rule, without `deny_` or `violation_`, in one of its members.
fn excepts(exceptions: &Value, rule: &Rule) -> bool {
    let name = ["deny_", "violation_"].iter().find_map(|prefix| rule.name.strip_prefix(prefix)).unwrap_or(&rule.name);
    let name = Value::from(name);
    let among = |names: &Value| members(names).is_some_and(|mut names| names.any(|it| *it == name));
    members(exceptions).is_some_and(|mut lists| lists.any(among))
}

fn members(value: &Value) -> Option<Box<dyn Iterator<Item = &Value> + '_>> {
    match value {
        Value::Array(items) => Some(Box::new(items.iter())),
        Value::Set(items) => Some(Box::new(items.iter())),
        Value::Object(fields) => Some(Box::new(fields.iter().map(|(_, value)| value))),
        _ => None,
    }
}

/// What the value of a rule comes to. Conftest passes over what is no list, and what in one is neither a text nor an
/// object: a policy that says such a thing means something that it cannot say, and so its outcome is not known.
fn said(found: &Value) -> Said {
    let items = match found {
        Value::Undefined | Value::Bool(false) => return Said::passed(),
        Value::Array(_) | Value::Set(_) => members(found),
        _ => None,
    };
    let Some(items) = items else { return Said::unknown("the rule is no set of messages") };
    let mut messages = Vec::new();
    for item in items {
        let message = match item {
            Value::String(text) => Some(Message { text: text.to_string(), ..Message::default() }),
            Value::Object(_) => match (&item[&Value::from("msg")], json(item)) {
                (Value::String(text), Some(serde_json::Value::Object(mut details))) => {
                    details.remove("msg");
                    let details = if details.is_empty() { serde_json::Value::Null } else { details.into() };
                    Some(Message { text: text.to_string(), path: String::new(), details })
                }
                _ => None,
            },
            _ => None,
        };
        match message {
            // As Conftest has it, nothing is wrong with what nothing is said of.
            Some(message) if message.text.is_empty() => {}
            Some(message) => messages.push(message),
            None => return Said::unknown("a message of the rule is neither a text nor an object with one under msg"),
        }
    }
    if messages.is_empty() { Said::passed() } else { Said::violated(messages) }
}

/// Both documents in one; an error where they say different things of one field.
fn merged(left: &Value, right: &Value) -> Result<Value, ()> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let mut fields: BTreeMap<Value, Value> =
                left.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            for (key, value) in right.iter() {
                let value = match fields.get(key) {
                    Some(known) => merged(known, value)?,
                    None => value.clone(),
                };
                fields.insert(key.clone(), value);
            }
            Ok(Value::from(fields))
        }
        _ if left == right => Ok(left.clone()),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Conftest, Setup};
    use crate::rego::Dialect;
    use sekisho_base::tree::{Node, from_json};
    use std::time::Duration;

    const SETUP: Setup<'_> =
        Setup { namespaces: Some(&["main"]), data: &[], dialect: None, time: Duration::from_secs(10) };

    fn json(text: &str) -> Node {
        from_json(text.as_bytes()).unwrap()
    }

    /// What each rule says, in short.
    fn said(files: &[(&str, &str)], setup: &Setup<'_>, document: &str) -> Vec<String> {
        let conftest = match Conftest::load(files, setup) {
            Ok(conftest) => conftest,
            Err(faults) => return faults.iter().map(ToString::to_string).collect(),
        };
        let checked = conftest.check(&json(document));
        let short = |checked: &super::Checked<'_>| {
            let mut texts: Vec<String> =
                checked.said.messages.iter().map(|message| format!("{} {}", message.text, message.details)).collect();
            texts.extend(checked.excepted.iter().map(|message| format!("(not {})", message.text)));
            let kind = if checked.rule.is_warning { "warning" } else { "failure" };
            format!(
                "{}.{} {kind} {:?} {}",
                checked.rule.namespace,
                checked.rule.name,
                checked.said.outcome,
                texts.join("; ")
            )
        };
        checked.iter().map(short).collect()
    }

    const MAIN: &str = "package main

deny contains msg if {
  not input.spec.securityContext.runAsNonRoot
  msg := \"must not run as root\"
}

deny_name contains {\"msg\": msg, \"id\": 7} if {
  input.name == \"bad\"
  msg := \"a bad name\"
}

warn_replicas contains \"few replicas\" if input.replicas < 2
violation contains {\"msg\": \"v\"} if input.v
helper contains \"not asked\"
denying contains \"not asked\"
";

    #[test]
    fn rules_are_told_by_their_names() {
        assert_eq!(
            said(&[("a.rego", MAIN)], &SETUP, r#"{"name": "bad", "replicas": 1}"#),
            [
                "main.deny failure Violated must not run as root null",
                "main.deny_name failure Violated a bad name {\"id\":7}",
                "main.violation failure Passed ",
                "main.warn_replicas warning Violated few replicas null",
            ]
        );
        assert!(
            said(&[("a.rego", MAIN)], &SETUP, r#"{"spec": {"securityContext": {"runAsNonRoot": true}}}"#)
                .iter()
                .all(|said| said.contains("Passed"))
        );
    }

    #[test]
    fn exceptions_take_rules_back() {
        let exception =
            "package main\nexception contains rules if {\n  input.trusted\n  rules := [\"name\", \"deny\"]\n}";
        let files = [("a.rego", MAIN), ("b.rego", exception)];
        let document = r#"{"name": "bad", "trusted": true, "v": true}"#;
        assert_eq!(
            said(&files, &SETUP, document)[..3],
            [
                "main.deny failure Passed (not must not run as root)",
                "main.deny_name failure Passed (not a bad name)",
                "main.violation failure Violated v null"
            ]
        );
        assert!(said(&files, &SETUP, r#"{"name": "bad"}"#)[0].contains("Violated"));
        // Exceptions that cannot be told take nothing back, and nobody knows.
        let broken = "package main\nexception contains rules if { rules := http.send({}) }";
        assert!(
            said(&[("a.rego", MAIN), ("b.rego", broken)], &SETUP, document)[0]
                .contains("Unknown its exceptions are not known")
        );
    }

    #[test]
    fn what_is_wrong_in_the_older_dialect_is_told_in_its_words() {
        let text = "package main\ndeny[msg] {\n  msg := \n}";
        let told = said(&[("a.rego", text)], &SETUP, "{}");
        assert!(told[0].starts_with("a.rego:4:1: ") && !told[0].contains("v1"), "{told:?}");
    }

    /// Without it the rule would be silent, whatever the document.
    #[test]
    fn what_nobody_gave_of_data_is_not_taken_for_nothing() {
        let files = [
            (
                "a.rego",
                "package main\nimport data.lib.names\ndeny contains msg if { input.name == names.bad[_]; msg := \"bad\" }\n\
                 warn contains \"few\" if input.replicas < 2\nviolation contains \"old\" if input.version < \
                 data.settings.version",
            ),
            ("lib.rego", "package lib.names\nbad := data.forbidden.names"),
        ];
        let document = r#"{"name": "x", "replicas": 1, "version": 3}"#;
        let lacks =
            |path: &str| format!("Unknown it needs {path}, which no policy defines and no document for data gives");
        let none = said(&files, &SETUP, document);
        assert!(none[0].starts_with(&format!("main.deny failure {}", lacks("data.forbidden.names"))), "{none:?}");
        assert!(none[1].starts_with(&format!("main.violation failure {}", lacks("data.settings.version"))), "{none:?}");
        assert!(none[2].contains("Violated few"), "{none:?}");
        let data = [json(r#"{"forbidden": {"names": ["x"]}}"#), json(r#"{"settings": {"version": 4}}"#)];
        let given = said(&files, &Setup { data: &data, ..SETUP }, document);
        assert!(given[0].contains("Violated bad") && given[1].contains("Violated old"), "{given:?}");
    }

    #[test]
    fn namespaces_and_data_are_chosen() {
        let other = "package team.other\ndeny contains msg if { input.port == data.ports.forbidden[_]; msg := sprintf(\"port %d\", [input.port]) }";
        let data = [json(r#"{"ports": {"forbidden": [22]}}"#), json(r#"{"ports": {"open": [80]}, "x": 1}"#)];
        let files = [("a.rego", MAIN), ("b.rego", other)];
        let setup = Setup { namespaces: Some(&["team.other"]), data: &data, ..SETUP };
        assert_eq!(said(&files, &setup, r#"{"port": 22}"#), ["team.other.deny failure Violated port 22 null"]);
        assert_eq!(said(&files, &setup, r#"{"port": 23}"#), ["team.other.deny failure Passed "]);
        assert_eq!(said(&files, &Setup { namespaces: None, ..setup }, "{}").len(), 5);
        let missing = Setup { namespaces: Some(&["mian"]), ..setup };
        assert_eq!(
            said(&files, &missing, "{}"),
            ["there is no rule called deny, violation or warn in the namespace mian"]
        );
        let conflicting = [json(r#"{"ports": 1}"#), json(r#"{"ports": 2}"#)];
        assert_eq!(said(&files, &Setup { data: &conflicting, ..setup }, "{}").len(), 1);
    }

    #[test]
    fn dialects_are_told_file_by_file() {
        let old = "package main\ndeny[msg] { input.old; msg := \"old\" }";
        let files = [("a.rego", "package main\ndeny contains \"new\" if input.new"), ("b.rego", old)];
        assert_eq!(said(&files, &SETUP, r#"{"old": 1, "new": 1}"#), ["main.deny failure Violated new null; old null"]);
        let strict = Setup { dialect: Some(Dialect::V1), ..SETUP };
        assert_eq!(said(&files, &strict, "{}"), ["b.rego:2:1: deny needs the keyword contains, or if, in Rego v1"]);
        assert_eq!(
            said(&[("c.rego", "package main\ndeny {")], &SETUP, "{}"),
            ["c.rego:2:7: there is the end, not an expression"]
        );
    }

    #[test]
    fn a_rule_that_cannot_be_told_leaves_the_others() {
        let rego = "package main\nwarn contains x if { http.send({}); x := \"w\" }\ndeny contains \"d\" if input.x\nviolation contains x if { f(1)[_] = x }\nf(x) := y if { y := [[x, 1], [2]][_] }";
        assert_eq!(
            said(&[("a.rego", rego)], &SETUP, r#"{"x": 1}"#),
            [
                "main.deny failure Violated d null",
                "main.violation failure Unknown a.rego:4:27: function produced multiple outputs Set({Array([Number(1), Number(1)]), Array([Number(2)])}) null",
                "main.warn warning Unknown it calls http.send, which is not supported null",
            ]
        );
    }

    #[test]
    fn what_conftest_would_pass_over_is_unknown() {
        for (rego, wanted) in [
            ("deny if input.x", "main.deny failure Unknown the rule is no set of messages null"),
            (
                "deny contains 3 if input.x",
                "main.deny failure Unknown a message of the rule is neither a text nor an object with one under msg null",
            ),
            (
                "deny contains {\"message\": \"m\"} if input.x",
                "main.deny failure Unknown a message of the rule is neither a text nor an object with one under msg null",
            ),
            ("deny := [\"a\"] if input.x", "main.deny failure Violated a null"),
            ("deny contains \"\" if input.x", "main.deny failure Passed "),
        ] {
            let rego = format!("package main\n{rego}");
            assert_eq!(said(&[("a.rego", &rego)], &SETUP, r#"{"x": 1}"#), [wanted]);
            assert_eq!(said(&[("a.rego", &rego)], &SETUP, "{}"), ["main.deny failure Passed "]);
        }
    }

    #[test]
    fn what_is_about_all_files_together_is_not_silent() {
        let check = |body: &str, is_unknown: bool| {
            let text = format!("package main\nimport rego.v1\ndeny contains \"x\" if {{ {body} }}\n");
            let found = said(&[("x.rego", &text)], &SETUP, r#"{"kind": "Pod", "data": {"contents": 1}}"#);
            let told = found.iter().any(|it| it.contains("about all files together"));
            assert_eq!(told, is_unknown, "{body}: {found:?}");
        };
        check("input[_].contents.kind == \"Service\"", true);
        check("some i; input[i][\"contents\"].kind == \"Service\"", true);
        check("some file in input; file.contents.kind == \"Service\"", true);
        check("file := input[_]; file.path == \"x\"; count([1 | file.contents.a]) > 0", true);
        check("input.data.contents == 2", false);
        check("some file in input.spec.files; file.contents == \"\"", false);
        check("input[\"data\"].contents == 2", false);
        check("some part in input; part.name == \"x\"", false);
    }
}
