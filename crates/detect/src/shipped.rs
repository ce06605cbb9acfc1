//! Tests of the detection rules that ship: that they load, that each tells what it is for, and not what is near to it.
//!
//! `rules/detection/twins.yaml` has for each rule the fields of an event that it is to match, and of one that it must not.

use crate::engine::{Engine, Matching, Selection};
use crate::inspect::explain;
use crate::load::{Blind, File, Loaded, Rule, RuleSet, Settings, load};
use crate::testing::Said;
use crate::value::Truth;
use sekisho_base::Limits;
use sekisho_base::tree::{Node, documents};
use sekisho_rules::{DETECTION, DETECTION_TEXTS};
use sekisho_trace::field::{Kind, Scalar, Supply, Value};
use sekisho_trace::{EventCode, Field};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn files() -> Vec<File<'static>> {
    DETECTION.iter().map(|file| File { name: file.path, text: file.text }).collect()
}

fn load_with(more: &[File<'_>]) -> Loaded {
    let settings = Settings { blind: Blind::Refuse, ..Settings::default() };
    let files: Vec<File<'_>> = files().into_iter().chain(more.iter().copied()).collect();
    load(&files, &settings, &Limits::default())
}

fn shipped(more: &[File<'_>]) -> RuleSet {
    let loaded = load_with(more);
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    loaded.rules.expect("they load")
}

fn text(path: &str) -> Node {
    let file = DETECTION_TEXTS.iter().find(|file| file.path == path).expect("it ships");
    documents(file.text, &Limits::default()).remove(0).expect("it is sound")
}

fn str_of<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_else(|| panic!("line {}: no text {key}", node.place.line))
}

#[test]
fn they_load_without_a_word() {
    let rules = shipped(&[]);
    let written: usize =
        DETECTION.iter().map(|file| file.text.lines().filter(|line| line.starts_with("- rule: ")).count()).sum();
    assert_eq!(rules.rules.len(), written, "two rules have one name");
    assert!(written >= 80, "{written}");
    for rule in &rules.rules {
        assert!(rule.enabled && &*rule.source == "syscall", "{}", rule.name);
    }
}

/// Falco's files have names of their own; loaded together, neither changes the other.
#[test]
fn lists_and_macros_have_names_that_are_ours() {
    let rules = shipped(&[]);
    let names = rules.macros.iter().map(|one| &one.name).chain(rules.lists.iter().map(|one| &one.name));
    let others: Vec<_> = names.filter(|name| !name.starts_with("sekisho_")).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn each_asks_for_few_types_of_events() {
    for rule in &shipped(&[]).rules {
        let types = rule.events.names();
        assert!((1..=12).contains(&types.len()), "{}: {types:?}", rule.name);
        assert!(!types.contains(&"read") && !types.contains(&"write") && !types.contains(&"close"), "{}", rule.name);
    }
}

#[test]
fn each_says_all_that_one_has_to_know() {
    let always = [
        "user.name",
        "user.uid",
        "proc.cmdline",
        "proc.exepath",
        "proc.pname",
        "proc.pcmdline",
        "proc.aname",
        "container.id",
        "container.name",
        "container.image.repository",
        "k8s.pod.name",
        "k8s.ns.name",
    ];
    for rule in &shipped(&[]).rules {
        let said: BTreeSet<&str> = rule.output.fields().iter().map(|field| field.info().name).collect();
        let missing: Vec<_> = always.iter().filter(|name| !said.contains(**name)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", rule.name);
        for field in rule.output.fields() {
            assert!(matches!(field.info().supply, Supply::Yes), "{}: {}", rule.name, field.info().name);
        }
    }
}

#[test]
fn each_has_its_tags_and_a_place_for_exceptions() {
    for rule in &shipped(&[]).rules {
        let has = |test: &dyn Fn(&str) -> bool| rule.tags.iter().any(|tag| test(tag));
        let technique = |tag: &str| {
            let mut parts = tag.strip_prefix('T').unwrap_or_default().split('.');
            let digits = |text: Option<&str>, count| {
                text.is_none_or(|text| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
            };
            tag.starts_with('T') && digits(parts.next(), 4) && digits(parts.next(), 3)
        };
        assert!(has(&|tag| ["host", "container"].contains(&tag)), "{}", rule.name);
        assert!(has(&|tag| ["process", "filesystem", "network"].contains(&tag)), "{}", rule.name);
        let tactic = rule.file.trim_start_matches("detection/").trim_end_matches(".yaml").replace('-', "_");
        assert!(has(&|tag| tag.strip_prefix("mitre_") == Some(tactic.as_str())), "{}", rule.name);
        assert!(has(&technique), "{}", rule.name);
        assert!(has(&|tag| tag.starts_with("NIST-800-190:3.")), "{}", rule.name);
        let hook = |name: &String| name == "image_and_program" || name == "program_and_parent";
        assert!(rule.exceptions.iter().any(hook), "{}", rule.name);
        // What is tagged for containers or hosts alone says so in its condition.
        let mut scoped = false;
        rule.condition.checks(&mut |check| check.fields(&mut |name, _| scoped |= name == "container.id"));
        let both = rule.tags.contains("host") && rule.tags.contains("container");
        assert!(both || scoped, "{}", rule.name);
    }
}

/// A rule whose condition is another's is the same rule with another word.
#[test]
fn no_two_are_the_same() {
    let rules = shipped(&[]);
    let conditions: BTreeSet<String> = rules.rules.iter().map(|rule| rule.condition.to_string()).collect();
    assert_eq!(conditions.len(), rules.rules.len());
}

#[test]
fn each_has_its_japanese_text() {
    let (rules, texts) = (shipped(&[]), text("detection/ja.yaml"));
    let names: Vec<&str> = rules.rules.iter().map(|rule| &*rule.name).collect();
    let translated: Vec<&str> = texts.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(translated, names);
    let mut seen = BTreeSet::new();
    for field in texts.fields() {
        for key in ["name", "description"] {
            let text = str_of(&field.node, key);
            assert!(text.chars().any(|char| ('\u{3040}'..='\u{30ff}').contains(&char)), "{}: {text}", field.name);
            assert!(seen.insert(text.to_owned()), "{text}");
        }
    }
}

/// The fields of an event: those that are usual, those of `more`, and instead of these those of `but`.
fn event(usual: &Node, more: &Node, but: Option<&Node>) -> Said {
    let mut values: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in [Some(usual), Some(more), but].into_iter().flatten() {
        values.extend(node.fields().iter().map(|field| (field.name.as_str(), &field.node)));
    }
    let name = values["evt.type"].as_str().expect("a type of events");
    let code = *EventCode::named(name).last().unwrap_or_else(|| panic!("there is no event {name}"));
    let command = match (values["proc.name"].as_str(), values["proc.args"].as_str()) {
        (Some(name), Some(args)) => format!("{name} {args}"),
        _ => panic!("a process has a name and arguments"),
    };
    let mut fields = Vec::new();
    if !values.contains_key("proc.cmdline") {
        fields.push((Field::parse("proc.cmdline").unwrap(), Value::owned(command.trim_end().to_owned())));
    }
    for (name, node) in values.into_iter().filter(|(_, node)| !node.is_null()) {
        let field = Field::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let value = if field.is_list() {
            Value::list(node.items().iter().map(|item| scalar(field.info().kind, item)).collect())
        } else {
            Value::One(scalar(field.info().kind, node))
        };
        fields.push((field, value));
    }
    Said { fields, code }
}

fn scalar(kind: Kind, node: &Node) -> Scalar<'static> {
    let text = node.scalar().unwrap_or_else(|| panic!("line {}: no single value", node.place.line)).into_owned();
    match kind {
        Kind::Int | Kind::RelativeTime => Scalar::Int(text.parse().expect("a number")),
        Kind::Uint | Kind::Port | Kind::AbsoluteTime => Scalar::Uint(text.parse().expect("a number")),
        Kind::Bool => Scalar::Bool(text.parse().expect("true or false")),
        Kind::Ip | Kind::Net => Scalar::Ip(text.parse().expect("an address")),
        Kind::Dynamic => text.parse().map_or_else(|_| Scalar::Text(text.clone().into_bytes().into()), Scalar::Uint),
        Kind::Text | Kind::Bytes => Scalar::Text(text.into_bytes().into()),
    }
}

/// Rules with what judges events by them.
fn compiled(more: &[File<'_>]) -> (Arc<RuleSet>, Engine) {
    let rules = Arc::new(shipped(more));
    (Arc::clone(&rules), Engine::new(rules, &Selection::default(), Matching::All))
}

/// The rule of this name, and whether it matches as it is compiled.
fn judged<'a>(rules: &'a RuleSet, engine: &mut Engine, name: &str, facts: &Said) -> (&'a Rule, bool) {
    let Some(at) = rules.rules.iter().position(|rule| &*rule.name == name) else { panic!("there is no rule {name}") };
    let mut found = Vec::new();
    engine.judge(facts, &mut found);
    (&rules.rules[at], found.contains(&at))
}

#[test]
fn each_tells_its_positive_twin_and_not_the_near_one() {
    let (twins, (plain, mut plain_engine)) = (text("detection/twins.yaml"), compiled(&[]));
    let usual = twins.get("usual").expect("what is usual");
    let (mut named, mut wrong) = (Vec::new(), Vec::new());
    for twin in twins.get("twins").expect("twins").items() {
        let name = str_of(twin, "rule");
        named.push(name);
        let mut own = twin.get("load").and_then(Node::as_str).map(|text| compiled(&[File { name: "load.yaml", text }]));
        let (rules, engine) = own.as_mut().map_or((&plain, &mut plain_engine), |(rules, engine)| (&*rules, engine));
        let (positive, near) = (twin.get("positive").expect("positive"), twin.get("near").expect("near"));
        for (of, key) in [(positive, "run"), (near, "run"), (near, "why")] {
            assert!(!str_of(of, key).is_empty(), "{name}: {key}");
        }
        let (same, but) = (positive.get("event").expect("event"), near.get("but").expect("but"));
        for (what, facts, expect) in
            [("positive", event(usual, same, None), true), ("near", event(usual, same, Some(but)), false)]
        {
            let (rule, found) = judged(rules, engine, name, &facts);
            let steps = explain(rule, &facts);
            if steps.truth != Truth::from(expect) || found != expect {
                wrong.push(format!("{name}, {what}: compiled {found}\n{steps:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(named, plain.rules.iter().map(|rule| &*rule.name).collect::<Vec<_>>());
}
