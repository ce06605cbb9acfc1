use super::{Blind, File, LoadCode, Loaded, Settings, load};
use crate::alert::Priority;
use sekisho_base::Limits;

fn load_all(texts: &[&str]) -> Loaded {
    let names: Vec<String> = (1..=texts.len()).map(|number| format!("{number}.yaml")).collect();
    let files: Vec<File<'_>> = names.iter().zip(texts).map(|(name, text)| File { name, text }).collect();
    load(&files, &Settings::default(), &Limits::default())
}

/// What problems there are, as codes.
fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.problems.iter().map(|problem| problem.code.as_str()).collect()
}

/// A rule, with `more` keys.
fn rule(condition: &str, more: &str) -> String {
    format!("- rule: r\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n{more}")
}

/// Takes the files, with these warnings, and these conditions of the rules.
fn takes(texts: &[&str], warnings: &[&str], conditions: &[&str]) {
    let loaded = load_all(texts);
    let told = || loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let Some(rules) = &loaded.rules else { panic!("{texts:?}\n{}", told()) };
    assert_eq!(codes(&loaded), warnings, "{texts:?}\n{}", told());
    let found: Vec<String> = rules.rules.iter().map(|rule| rule.condition.to_string()).collect();
    assert_eq!(found, conditions, "{texts:?}");
}

/// Refuses the files, with this code and a message that has these words.
fn refuses(texts: &[&str], code: &str, words: &str) {
    let loaded = load_all(texts);
    assert!(loaded.rules.is_none(), "{texts:?}");
    let problem = loaded.problems.iter().find(|problem| problem.code.is_error()).expect("a reason");
    assert_eq!(problem.code.as_str(), code, "{texts:?}\n{problem}");
    assert!(problem.message.contains(words), "{texts:?}\n{problem}");
}

const OPEN: &str = "evt.type = open";

#[test]
fn a_rule_has_its_keys() {
    let text = "- rule: A rule\n  desc: >\n    what\n    it is\n  condition: >\n    evt.type=open\n    and proc.name=cat\n  \
                output: >\n    seen %proc.name\n  priority: warning\n  tags: [x, y]\n  source: syscall\n  enabled: no\n  \
                capture: true\n  capture_duration: 5000\n";
    let loaded = load_all(&[text]);
    assert_eq!(codes(&loaded), [""; 0]);
    let rules = loaded.rules.unwrap();
    let rule = &rules.rules[0];
    assert_eq!((&*rule.name, rule.description.trim(), rule.priority), ("A rule", "what it is", Priority::Warning));
    assert_eq!(rule.condition.to_string(), "evt.type = open and proc.name = cat");
    assert_eq!((rule.output.as_str(), rule.enabled, &*rule.source), ("seen %proc.name", false, "syscall"));
    assert_eq!(rule.tags.iter().map(String::as_str).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!((rule.capture.wanted, rule.capture.duration), (true, Some(5000)));
    assert_eq!(rule.events.names(), ["open"]);
}

#[test]
fn what_is_missing_or_of_the_wrong_kind_is_refused() {
    for key in ["desc", "condition", "output", "priority"] {
        let text: String = rule(OPEN, "")
            .lines()
            .filter(|line| !line.contains(&format!(" {key}:")))
            .fold(String::new(), |all, line| all + line + "\n");
        refuses(&[&text], "LOAD_ERR_YAML_VALIDATE", key);
    }
    refuses(&[&rule(OPEN, "  enabled: maybe\n")], "LOAD_ERR_YAML_VALIDATE", "true or false");
    refuses(&[&rule(OPEN, "  tags: x\n")], "LOAD_ERR_YAML_VALIDATE", "a list");
    refuses(&[&rule(OPEN, "  tags: [[x]]\n")], "LOAD_ERR_YAML_VALIDATE", "texts");
    refuses(&[&rule("[a]", "")], "LOAD_ERR_YAML_VALIDATE", "one value");
    refuses(&[&rule("", "")], "LOAD_ERR_YAML_VALIDATE", "no value");
    refuses(&[&rule("''", "")], "LOAD_ERR_YAML_VALIDATE", "empty");
    refuses(&[&rule(OPEN, "").replace("INFO", "high")], "LOAD_ERR_YAML_VALIDATE", "no priority 'high'");
    refuses(&["- list: l\n"], "LOAD_ERR_YAML_VALIDATE", "items");
    refuses(&["- list: l\n  items: x\n"], "LOAD_ERR_YAML_VALIDATE", "a list");
    refuses(&["- macro: m\n"], "LOAD_ERR_YAML_VALIDATE", "condition");
    refuses(&["rule: r\n"], "LOAD_ERR_YAML_VALIDATE", "a list of items");
    refuses(&["text\n"], "LOAD_ERR_YAML_VALIDATE", "a list of items");
    refuses(&["- text\n"], "LOAD_ERR_YAML_VALIDATE", "a map");
    refuses(&["- rule: [\n"], "LOAD_ERR_YAML_PARSE", "");
    takes(&["", "---\n# nothing\n", "- null\n- \n"], &[], &[]);
    takes(&[&rule(OPEN, "- what: x\n")], &["LOAD_UNKNOWN_ITEM"], &[OPEN]);
    takes(&[&rule(OPEN, "  tag: [x]\n")], &["LOAD_UNKNOWN_KEY"], &[OPEN]);
}

#[test]
fn problems_say_where() {
    let loaded = load_all(&[
        "- macro: m\n  condition: evt.type=open\n\n- rule: r\n  desc: d\n  condition: >\n    mm and\n    m\n  output: o\n  priority: INFO\n",
    ]);
    let problem = &loaded.problems[0];
    assert_eq!((problem.file.as_str(), problem.place.line), ("1.yaml", 7), "{problem}");
    assert_eq!(problem.within[..2], ["rule 'r'", "condition"], "{problem}");
    assert_eq!(problem.hint.as_deref(), Some("did you mean 'm'?"));
    let text = problem.to_string();
    assert!(text.starts_with("1.yaml:7:5: error: there is no macro 'mm' [LOAD_ERR_VALIDATE]"), "{text}");
    let loaded = load_all(&[&rule("evt.type=open and proc.name starswith x", "")]);
    let problem = &loaded.problems[0];
    assert_eq!(
        problem.snippet.as_ref().map(|snippet| (snippet.line.as_str(), snippet.before)),
        Some(("evt.type=open and proc.name starswith x", 28))
    );
    assert_eq!(problem.hint.as_deref(), Some("did you mean 'startswith'?"));
}

#[test]
fn lists_go_into_lists_and_conditions() {
    let a = "- list: a\n  items: [x, y z, yes, 022]\n";
    let uses = rule("evt.type=open and proc.name in (a)", "");
    takes(&[&format!("{a}{uses}")], &[], &["evt.type = open and proc.name in (x, \"y z\", yes, 022)"]);
    // A list sees what was defined before it last changed; the later of two is meant.
    let b = "- list: b\n  items: [a, q]\n";
    let uses = rule("evt.type=open and proc.name in (b)", "");
    takes(&[&format!("{a}{b}{uses}")], &[], &["evt.type = open and proc.name in (x, \"y z\", yes, 022, q)"]);
    takes(
        &[&format!("- list: a\n  items: [old]\n{a}{b}{uses}")],
        &[],
        &["evt.type = open and proc.name in (x, \"y z\", yes, 022, q)"],
    );
    takes(&[a], &["LOAD_UNUSED_LIST"], &[]);
    takes(&["- list: 'a b'\n  items: []\n"], &["LOAD_INVALID_LIST_NAME", "LOAD_UNUSED_LIST"], &[]);
    // Falco puts lists into lists by one step only.
    let three = "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b]\n";
    let uses = rule("evt.type=open and proc.name in (c)", "");
    takes(&[&format!("{three}{uses}")], &[], &["evt.type = open and proc.name in (a)"]);
}

#[test]
fn lists_are_added_to_and_replaced() {
    let a = "- list: a\n  items: [x]\n";
    let uses = rule("evt.type=open and proc.name in (a)", "");
    let all = "evt.type = open and proc.name in (x, y)";
    takes(&[a, "- list: a\n  items: [y]\n  override: {items: append}\n", &uses], &[], &[all]);
    takes(&[a, "- list: a\n  items: [y]\n  append: true\n", &uses], &["LOAD_DEPRECATED_ITEM"], &[all]);
    let replaced = "evt.type = open and proc.name in (y)";
    takes(&[a, "- list: a\n  items: [y]\n  override: {items: replace}\n", &uses], &[], &[replaced]);
    takes(&[a, "- list: a\n  items: [y]\n", &uses], &[], &[replaced]);
    refuses(&["- list: a\n  items: [y]\n  append: true\n"], "LOAD_ERR_VALIDATE", "no list 'a'");
    refuses(
        &[a, "- list: a\n  items: [y]\n  append: true\n  override: {items: append}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "exclude",
    );
    refuses(
        &[a, "- list: a\n  items: [y]\n  override: {items: remove}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "append or replace",
    );
    refuses(
        &[a, "- list: a\n  items: [y]\n  override: {itms: append}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "cannot be overridden",
    );
    refuses(&[a, "- list: a\n  items: [y]\n  override: append\n"], "LOAD_ERR_YAML_VALIDATE", "a map");
}

#[test]
fn macros_go_into_macros_and_conditions() {
    let m = "- macro: m\n  condition: (proc.name=a or proc.name=b)\n";
    let n = "- macro: n\n  condition: m and not proc.name=c\n";
    let uses = rule("evt.type=open and n", "");
    let all = "evt.type = open and ((proc.name = a or proc.name = b) and not proc.name = c)";
    takes(&[&format!("{m}{n}{uses}")], &[], &[all]);
    takes(&[m, n, &uses], &[], &[all]);
    takes(&[&format!("{m}{n}{}", rule(OPEN, ""))], &["LOAD_UNUSED_MACRO"], &[OPEN]);
    refuses(&[&format!("{n}{m}{uses}")], "LOAD_ERR_VALIDATE", "no macro 'm'");
    refuses(&[&rule("evt.type=open and m", "")], "LOAD_ERR_VALIDATE", "no macro 'm'");
    refuses(&["- macro: m\n  condition: m\n"], "LOAD_ERR_VALIDATE", "no macro 'm'");
    refuses(&[m, "- macro: m\n  condition: m or m\n"], "LOAD_ERR_VALIDATE", "in itself");
    refuses(&[m, n, "- macro: m\n  condition: n\n"], "LOAD_ERR_VALIDATE", "in itself");
    refuses(
        &["- list: l\n  items: [x]\n- macro: m\n  condition: proc.name in (l) and l\n"],
        "LOAD_ERR_VALIDATE",
        "no macro 'x'",
    );
    // What uses a macro gets what it became; a rule may come before the macro.
    let other = "- macro: m\n  condition: proc.name=z\n";
    takes(&[&format!("{m}{uses}{n}{other}")], &[], &["evt.type = open and (proc.name = z and not proc.name = c)"]);
    takes(&["- macro: 'm-x'\n  condition: evt.type=open\n"], &["LOAD_INVALID_MACRO_NAME", "LOAD_UNUSED_MACRO"], &[]);
}

#[test]
fn macros_are_added_to_and_replaced() {
    let m = "- macro: m\n  condition: proc.name=a\n";
    let uses = rule("evt.type=open and m", "");
    let all = "evt.type = open and (proc.name = a or proc.name = b)";
    takes(&[m, "- macro: m\n  condition: or proc.name=b\n  override: {condition: append}\n", &uses], &[], &[all]);
    takes(&[m, "- macro: m\n  condition: or proc.name=b\n  append: true\n", &uses], &["LOAD_DEPRECATED_ITEM"], &[all]);
    takes(&[m, "- macro: m\n  condition: proc.name=b\n", &uses], &[], &["evt.type = open and proc.name = b"]);
    takes(&[m, &uses, "- macro: m\n  condition: proc.name=b\n"], &[], &["evt.type = open and proc.name = b"]);
    refuses(&["- macro: m\n  condition: or m\n  append: true\n"], "LOAD_ERR_VALIDATE", "no macro 'm'");
}

#[test]
fn macro_bombs_are_refused() {
    let first = "- macro: m0\n  condition: proc.name=x\n".to_owned();
    let double = |level: i32| format!("- macro: m{level}\n  condition: m{0} or m{0}\n", level - 1);
    let text = first.clone() + &(1..40).map(double).collect::<Vec<_>>().concat();
    refuses(&[&text], "LOAD_ERR_VALIDATE", "parts");
    let deeper = |level: i32| format!("- macro: m{level}\n  condition: not m{}\n", level - 1);
    let text = first + &(1..1000).map(deeper).collect::<Vec<_>>().concat();
    refuses(&[&text], "LOAD_ERR_VALIDATE", "deep");
}

#[test]
fn rules_are_replaced_switched_and_added_to() {
    let base = rule(OPEN, "  tags: [x]\n");
    let loaded = load_all(&[&base, "- rule: r\n  enabled: false\n"]);
    assert_eq!(codes(&loaded), ["LOAD_DEPRECATED_ITEM"]);
    assert!(!loaded.rules.unwrap().rules[0].enabled);
    let change = "- rule: r\n  condition: and proc.name=a\n  output: p\n  desc: e\n  tags: [y]\n  priority: ERROR\n  enabled: false\n  \
                  override: {condition: append, output: append, desc: append, tags: append, priority: replace, enabled: replace}\n";
    let loaded = load_all(&[&base, change]);
    assert_eq!(codes(&loaded), [""; 0]);
    let rules = loaded.rules.unwrap();
    let changed = &rules.rules[0];
    assert_eq!(changed.condition.to_string(), "evt.type = open and proc.name = a");
    assert_eq!((changed.output.as_str(), changed.description.as_str()), ("o p", "d e"));
    assert_eq!((changed.priority, changed.enabled, changed.tags.len()), (Priority::Error, false, 2));
    takes(
        &[&base, "- rule: r\n  condition: and proc.name=a\n  append: true\n"],
        &["LOAD_DEPRECATED_ITEM"],
        &["evt.type = open and proc.name = a"],
    );
    takes(
        &[&base, "- rule: r\n  condition: evt.type=close\n  override: {condition: replace}\n"],
        &[],
        &["evt.type = close"],
    );
    takes(&[&base, &rule("evt.type=close", "")], &[], &["evt.type = close"]);
    refuses(&["- rule: r\n  enabled: false\n"], "LOAD_ERR_VALIDATE", "no rule 'r'");
    refuses(&["- rule: r\n  condition: m\n  append: true\n"], "LOAD_ERR_VALIDATE", "no rule 'r'");
    refuses(&["- rule: r\n  condition: m\n  override: {condition: replace}\n"], "LOAD_ERR_VALIDATE", "no rule 'r'");
    refuses(&[&base, "- rule: r\n  append: true\n"], "LOAD_ERR_VALIDATE", "a condition or exceptions");
    refuses(&[&base, "- rule: r\n  desc: x\n"], "LOAD_ERR_YAML_VALIDATE", "condition");
    refuses(&[&base, "- rule: r\n  tags: [x]\n"], "LOAD_ERR_YAML_VALIDATE", "enabled");
    refuses(
        &[&base, "- rule: r\n  priority: INFO\n  override: {priority: append}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "only replaced",
    );
    refuses(
        &[&base, "- rule: r\n  source: x\n  override: {source: replace}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "cannot be overridden",
    );
    refuses(&[&base, "- rule: r\n  override: {condition: replace}\n"], "LOAD_ERR_YAML_VALIDATE", "no such key");
    refuses(
        &[&base, "- rule: r\n  desc: x\n  output: y\n  override: {desc: replace}\n"],
        "LOAD_ERR_YAML_VALIDATE",
        "'output'",
    );
    refuses(&[&base, &rule("ka.verb = get", "  source: k8s_audit\n")], "LOAD_ERR_VALIDATE", "already there");
}

#[test]
fn exceptions_become_conditions() {
    let with = |exceptions: &str| rule(OPEN, &format!("  exceptions:\n{exceptions}"));
    let check = |exceptions: &str, expect: &str| takes(&[&with(exceptions)], &[], &[expect]);
    check("  - {name: a, fields: proc.name, values: [x, y z]}\n", "evt.type = open and not proc.name in (x, \"y z\")");
    check(
        "  - {name: a, fields: proc.name, comps: pmatch, values: [/x]}\n",
        "evt.type = open and not proc.name pmatch (/x)",
    );
    check(
        "  - {name: a, fields: proc.name, comps: startswith anyof, values: [x]}\n",
        "evt.type = open and not proc.name startswith anyof (x)",
    );
    check(
        "  - {name: a, fields: [proc.name], values: [[x], [y]]}\n",
        "evt.type = open and not (proc.name = x or proc.name = y)",
    );
    check(
        "  - {name: a, fields: [proc.name, fd.name], comps: [in, startswith], values: [[[x, y], /z], [q, /w]]}\n",
        "evt.type = open and not ((proc.name in (x, y) and fd.name startswith /z) or (proc.name in (q) and fd.name startswith /w))",
    );
    check(
        "  - {name: a, fields: [tolower(proc.name)], values: [[x]]}\n",
        "evt.type = open and not tolower(proc.name) = x",
    );
    check("  - {name: a, fields: [proc.name], values: [['\"x y\"']]}\n", "evt.type = open and not proc.name = \"x y\"");
    check("  - {name: a, fields: [proc.name]}\n  - {name: b, fields: proc.name}\n", OPEN);
    check("  - {name: a, fields: [proc.name], values: []}\n", OPEN);
    takes(&[&rule(OPEN, "  exceptions:\n")], &[], &[OPEN]);
    // A list in the values is put in like anywhere.
    takes(
        &[&format!("- list: l\n  items: [p, q]\n{}", with("  - {name: a, fields: proc.name, values: [l]}\n"))],
        &[],
        &["evt.type = open and not proc.name in (p, q)"],
    );
    takes(
        &[&with("  - {name: a, fields: proc.name, values: [x]}\n  - {name: a, fields: proc.name, values: [y]}\n")],
        &["LOAD_EXCEPTION_NAME_NOT_UNIQUE"],
        &["evt.type = open and not proc.name in (x) and not proc.name in (y)"],
    );
    takes(
        &[&with("  - {name: a, fields: [proc.name], values: [[proc.pname]]}\n")],
        &["LOAD_COMPILE_CONDITION"],
        &["evt.type = open and not proc.name = proc.pname"],
    );

    let refused = |exceptions: &str, code: &str, words: &str| refuses(&[&with(exceptions)], code, words);
    refused("    x\n", "LOAD_ERR_YAML_VALIDATE", "a list");
    refused("  - x\n", "LOAD_ERR_YAML_VALIDATE", "a map");
    refused("  - {fields: proc.name}\n", "LOAD_ERR_YAML_VALIDATE", "'name'");
    refused("  - {name: a}\n", "LOAD_ERR_YAML_VALIDATE", "'fields'");
    refused("  - {name: a, fields: proc.name, values: x}\n", "LOAD_ERR_YAML_VALIDATE", "a list");
    refused("  - {name: a, fields: proc.nam, values: [x]}\n", "LOAD_ERR_VALIDATE", "proc.nam");
    refused("  - {name: a, fields: [proc.nam], values: [[x]]}\n", "LOAD_ERR_VALIDATE", "proc.nam");
    refused("  - {name: a, fields: proc.name, comps: [in]}\n", "LOAD_ERR_VALIDATE", "both");
    refused("  - {name: a, fields: proc.name, comps: '='}\n", "LOAD_ERR_VALIDATE", "in, pmatch, intersects");
    refused("  - {name: a, fields: [proc.name], comps: in}\n", "LOAD_ERR_VALIDATE", "both");
    refused("  - {name: a, fields: [proc.name], comps: [in, in]}\n", "LOAD_ERR_VALIDATE", "1 fields, but 2 comps");
    refused("  - {name: a, fields: [proc.name], comps: [is]}\n", "LOAD_ERR_VALIDATE", "no comparison 'is'");
    refused("  - {name: a, fields: [proc.name], comps: [in oneof]}\n", "LOAD_ERR_VALIDATE", "no comparison");
    refused("  - {name: a, fields: [proc.name], comps: [frobulate oneof]}\n", "LOAD_ERR_VALIDATE", "no comparison");
    refused("  - {name: a, fields: proc.name, values: [[x]]}\n", "LOAD_ERR_VALIDATE", "not lists");
    refused("  - {name: a, fields: [proc.name], values: [[x, y]]}\n", "LOAD_ERR_VALIDATE", "1 fields, but 2 values");
    refused("  - {name: a, fields: [proc.name], values: [x]}\n", "LOAD_ERR_VALIDATE", "are lists");
}

#[test]
fn exceptions_are_added_to_and_replaced() {
    let base = rule(
        OPEN,
        "  exceptions:\n  - {name: a, fields: [proc.name, fd.name], values: [[x, y]]}\n  - {name: b, fields: proc.name}\n",
    );
    let add = |exceptions: &str| format!("- rule: r\n  exceptions:\n{exceptions}  override: {{exceptions: append}}\n");
    let one = "(proc.name = x and fd.name = y)";
    takes(
        &[&base, &add("  - {name: a, values: [[z, w]]}\n")],
        &[],
        &[&format!("evt.type = open and not ({one} or (proc.name = z and fd.name = w))")],
    );
    takes(
        &[&base, &add("  - {name: b, values: [z]}\n")],
        &[],
        &[&format!("evt.type = open and not {one} and not proc.name in (z)")],
    );
    takes(
        &[&base, &add("  - {name: c, fields: fd.name, values: [z]}\n")],
        &[],
        &[&format!("evt.type = open and not {one} and not fd.name in (z)")],
    );
    takes(&[&base, &add("  - {name: a}\n")], &["LOAD_APPEND_NO_VALUES"], &[&format!("evt.type = open and not {one}")]);
    let replace =
        "- rule: r\n  exceptions:\n  - {name: c, fields: fd.name, values: [z]}\n  override: {exceptions: replace}\n";
    takes(&[&base, replace], &[], &["evt.type = open and not fd.name in (z)"]);
    refuses(
        &[&base, &add("  - {name: a, fields: [proc.name, fd.name], values: [[z, w]]}\n")],
        "LOAD_ERR_VALIDATE",
        "only values",
    );
    refuses(&[&base, &add("  - {name: a, comps: ['=', '='], values: [[z, w]]}\n")], "LOAD_ERR_VALIDATE", "only values");
    refuses(&[&base, &add("  - {name: c, values: [z]}\n")], "LOAD_ERR_VALIDATE", "needs fields");
    refuses(&[&base, &add("  - {name: c, fields: fd.name}\n")], "LOAD_ERR_VALIDATE", "needs values");
}

#[test]
fn requirements_are_compared() {
    let check = |text: &str| takes(&[text], &[], &[]);
    check("- required_engine_version: 2\n- required_engine_version: 63\n- required_engine_version: 0.63.0\n");
    check("- required_engine_version: 0.57.9\n");
    refuses(&["- required_engine_version: 64\n"], "LOAD_ERR_VALIDATE", "0.64.0");
    refuses(&["- required_engine_version: 1.0.0\n"], "LOAD_ERR_VALIDATE", "1.0.0");
    refuses(&["- required_engine_version: 0.63\n"], "LOAD_ERR_YAML_VALIDATE", "'0.63'");
    refuses(&["- required_engine_version: new\n"], "LOAD_ERR_YAML_VALIDATE", "'new'");
    let plugins = |text: &str| format!("- required_plugin_versions:\n{text}");
    check(&plugins(
        "  - {name: container, version: 0.4.0}\n  - {name: k8saudit, version: 0.7.0, alternatives: [{name: k8saudit-eks, version: 0.4.0}]}\n",
    ));
    check(&plugins("  - {name: k8saudit-eks, version: 0.4.0, alternatives: [{name: k8saudit, version: 0.7.0}]}\n"));
    refuses(&[&plugins("  - {name: container, version: 0.99.0}\n")], "LOAD_ERR_VALIDATE", "container 0.99.0");
    refuses(&[&plugins("  - {name: okta, version: 0.1.0}\n")], "LOAD_ERR_VALIDATE", "okta 0.1.0");
    refuses(&[&plugins("  - {name: container, version: x}\n")], "LOAD_ERR_VALIDATE", "'x'");
    refuses(
        &[&plugins("  - {name: container, version: 0.4.0, alternatives: [{name: container, version: 0.5.0}]}\n")],
        "LOAD_ERR_VALIDATE",
        "twice",
    );
    refuses(&[&plugins("  - {name: container}\n")], "LOAD_ERR_YAML_VALIDATE", "'version'");
    refuses(&["- required_plugin_versions: container\n"], "LOAD_ERR_YAML_VALIDATE", "a list");
}

#[test]
fn sources_that_nobody_reads_leave_a_rule_out() {
    takes(&[&rule("aws.user = x", "  source: aws_cloudtrail\n")], &["LOAD_UNKNOWN_SOURCE"], &[]);
    takes(&[&rule("ka.verb = get", "  source: k8s_audit\n")], &[], &["ka.verb = get"]);
    refuses(&[&rule("proc.name = get", "  source: k8s_audit\n")], "LOAD_ERR_COMPILE_CONDITION", "no field proc.name");
    refuses(&[&rule("ka.verb = get", "")], "LOAD_ERR_COMPILE_CONDITION", "no field ka.verb");
}

#[test]
fn fields_and_types_are_known_or_the_rule_is_left_out_as_it_asks() {
    let skips = "  skip-if-unknown-filter: true\n";
    for condition in ["evt.type=open and proc.nam=x", "evt.type=opn"] {
        refuses(&[&rule(condition, "")], "LOAD_ERR_COMPILE_CONDITION", "there is no");
        takes(&[&rule(condition, skips)], &["LOAD_UNKNOWN_FILTER"], &[]);
    }
    let output = rule(OPEN, "").replace("output: o", "output: o %proc.nam");
    refuses(&[&output], "LOAD_ERR_COMPILE_OUTPUT", "proc.nam");
    takes(&[&format!("{output}{skips}")], &["LOAD_UNKNOWN_FILTER"], &[]);
    refuses(&[&rule(OPEN, "").replace("output: o", "output: o %")], "LOAD_ERR_COMPILE_OUTPUT", "end");
    // Only what is not known is left out, not what is wrong.
    refuses(
        &[&rule("evt.type=open and proc.name > 1 or proc.name bcontains 00", skips)],
        "LOAD_ERR_COMPILE_CONDITION",
        "bcontains",
    );
}

#[test]
fn comparisons_suit_the_kind_of_the_field() {
    let wrong = |check: &str, words: &str| {
        refuses(&[&rule(&format!("evt.type=open and {check}"), "")], "LOAD_ERR_COMPILE_CONDITION", words);
    };
    let right = |check: &str| {
        takes(&[&rule(&format!("evt.type=open and {check}"), "")], &[], &[&format!("evt.type = open and {check}")]);
    };
    wrong("proc.pid contains 1", "'contains'");
    wrong("proc.pid = x", "no number");
    wrong("proc.pid = 1.5", "no number");
    wrong("user.uid = -1", "no number");
    right("proc.pid = -1");
    right("proc.pid >= 0x10");
    right("fd.num in (0, 1, 2)");
    wrong("evt.is_open_read = yes", "neither true nor false");
    wrong("evt.is_open_read > 1", "'>'");
    right("evt.is_open_read = true");
    right("fd.sip in (10.0.0.1, ::1)");
    wrong("fd.sip = 10.0.0", "no address");
    wrong("fd.sip = 10.0.0.0/8", "no address");
    wrong("fd.sip startswith 10", "'startswith'");
    right("fd.snet in (10.0.0.0/8, fe80::/10)");
    wrong("fd.snet = 10.0.0.1", "no network");
    wrong("fd.snet = 10.0.0.0/33", "no network");
    wrong("fd.sport = 65536", "no number");
    right("fd.sport < 1024");
    right("evt.buffer bcontains cafe");
    wrong("evt.buffer bcontains caf", "hexadecimal");
    wrong("evt.buffer pmatch (x)", "'pmatch'");
    wrong("proc.name bstartswith cafe", "'bstartswith'");
    right("proc.name regex a.*");
    wrong("proc.name regex \"a(\"", "no regular expression");
    right("fd.types in (file)");
    wrong("fd.types = file", "lists have no '='");
    right("len(fd.types) > 1");
    right("len(proc.name) > 1");
    wrong("len(proc.pid) > 1", "len() takes no numbers");
    wrong("tolower(proc.pid) = 1", "takes no numbers");
    wrong("tolower(proc.aname) = x", "no transformers");
    wrong("tolower(proc.name, proc.exe) = x", "one argument");
    right("proc.name = val(proc.pname)");
    right("proc.name = toupper(proc.pname)");
    wrong("proc.name = val(proc.pid)", "are not compared");
    wrong("proc.name = val(proc.aname)", "not compared with other fields");
    wrong("proc.aname = val(proc.name)", "not compared with other fields");
    wrong("fd.snet = val(fd.sip)", "not compared with other fields");
    wrong("proc.name regex val(proc.pname)", "no field on its right");
    right("proc.name = oneof (a, b)");
    wrong("fd.ip = anyof (1.2.3.4)", "neither oneof");
    wrong("evt.arg = x", "needs an argument");
    wrong("proc.name[1] = x", "takes no argument");
    right("proc.aname[2] = x");
    right("proc.env[\"A B\"] exists");
    wrong("join(\"-\", proc.name) = x", "a list");
    wrong("join(\"-\") = x", "takes");
    wrong("concat(proc.name) = x", "two arguments");
    wrong("concat(fd.types, \"x\") = x", "one value");
    wrong("getopt(proc.name, \"n\") intersects (n)", "a list");
    right("getopt((\"-n\"), \"n\") intersects (n)");
}

#[test]
fn doubtful_conditions_are_warned_of() {
    let warns = |condition: &str, more: &str, warnings: &[&str]| {
        let loaded = load_all(&[&rule(condition, more)]);
        assert_eq!(codes(&loaded), warnings, "{condition}: {:?}", loaded.problems);
    };
    warns("proc.name=x", "", &["LOAD_NO_EVTTYPE"]);
    warns("proc.name=x", "  warn_evttypes: false\n", &[]);
    warns("evt.type!=open", "", &["LOAD_NO_EVTTYPE"]);
    warns("evt.type=open or proc.name=x", "", &["LOAD_NO_EVTTYPE"]);
    warns("evt.type=open and evt.dir=<", "", &["LOAD_DEPRECATED_ITEM"]);
    warns("ka.verb=<NA>", "  source: k8s_audit\n", &["LOAD_UNSAFE_NA_CHECK"]);
    warns("proc.name=<NA> and evt.type=open", "", &[]);
    warns("evt.type=open and proc.name=proc.pname", "", &["LOAD_COMPILE_CONDITION"]);
    warns("evt.type=open and proc.name=\"tolower(proc.pname)\"", "", &["LOAD_COMPILE_CONDITION"]);
    warns("evt.type=open and proc.name regex bash", "", &["LOAD_COMPILE_CONDITION"]);
    let loaded = load_all(&[&rule(OPEN, "").replace("output: o", "output: o %container.info %evt.latency")]);
    assert_eq!(codes(&loaded), ["LOAD_DEPRECATED_ITEM", "LOAD_DEPRECATED_ITEM"]);
    assert_eq!(loaded.rules.unwrap().rules[0].output.as_str(), "o  %evt.latency");
}

#[test]
fn fields_that_nothing_fills_are_told_or_refused() {
    let text = rule("evt.type=open and evt.around[1] = 1", "");
    let file = [File { name: "x", text: &text }];
    let loaded = load(&file, &Settings::default(), &Limits::default());
    assert_eq!(codes(&loaded), ["LOAD_COMPILE_CONDITION"]);
    assert!(loaded.rules.is_some());
    let settings = Settings { blind: Blind::Refuse, ..Settings::default() };
    let loaded = load(&file, &settings, &Limits::default());
    assert_eq!((codes(&loaded), loaded.rules.is_none()), (vec!["LOAD_ERR_COMPILE_CONDITION"], true));
}

#[test]
fn outputs_take_the_longest_field() {
    let fields = |output: &str| {
        let loaded = load_all(&[&rule(OPEN, "").replace("output: o", &format!("output: \"{output}\""))]);
        let rules = loaded.rules.unwrap_or_else(|| panic!("{output}: {:?}", loaded.problems));
        rules.rules[0].output.fields().iter().map(|field| field.info().name).collect::<Vec<_>>()
    };
    assert_eq!(fields("*x %proc.name.%fd.name)%20proc.pname"), ["proc.name", "fd.name", "proc.pname"]);
    assert_eq!(fields("%proc.name.bak %proc.names"), ["proc.name", "proc.name"]);
    assert_eq!(
        fields("%evt.arg.flags %evt.arg[0] %toupper(proc.name) %proc.aname[2]"),
        ["evt.arg", "evt.arg", "proc.name", "proc.aname"]
    );
}

#[test]
fn shipped_rules_load_unchanged() {
    let falco = include_str!("../../fixtures/rules/falco_rules.yaml");
    let audit = include_str!("../../fixtures/rules/k8s_audit_rules.yaml");
    for (text, rules, macros, lists) in [(falco, 25, 87, 49), (audit, 48, 45, 18)] {
        let loaded = load_all(&[text]);
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        let Some(set) = &loaded.rules else { panic!("{}", told.join("\n")) };
        assert_eq!((set.rules.len(), set.macros.len(), set.lists.len()), (rules, macros, lists));
        let known = [LoadCode::UnusedMacro, LoadCode::UnusedList, LoadCode::WarnCondition, LoadCode::NoEventType];
        assert!(loaded.problems.iter().all(|problem| known.contains(&problem.code)), "{}", told.join("\n"));
        for rule in &set.rules {
            let written = rule.condition.to_string();
            assert_eq!(crate::condition::parse(&written).expect("it was read").to_string(), written);
            assert_eq!(rule.source.as_ref() == "syscall", rule.events != crate::EventTypes::all(), "{}", rule.name);
        }
    }
    assert!(load_all(&[falco, audit]).rules.is_some());
}
