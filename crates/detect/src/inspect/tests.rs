use super::{Sight, coverage, explain};
use crate::corpus;
use crate::load::{File, RuleSet, Settings, load};
use crate::testing::event;
use crate::value::Truth;
use sekisho_base::Limits;
use sekisho_trace::EventCode;

fn rules(conditions: &[&str]) -> RuleSet {
    let rule = |(at, condition): (usize, &&str)| {
        format!("- rule: r{at}\n  desc: d\n  condition: {condition}\n  output: o %fd.cport\n  priority: INFO\n")
    };
    let text = conditions.iter().enumerate().map(rule).collect::<Vec<_>>().concat();
    load(&[File { name: "x", text: &text }], &Settings::default(), &Limits::default()).rules.expect("rules")
}

#[test]
fn explanations_have_the_values() {
    let rules = rules(&["evt.type = open and not (proc.name = cat or fd.num in (1, 2))"]);
    let step = explain(&rules.rules[0], &event(&["proc.name: \"dog\"", "fd.num: ?"]));
    assert_eq!((step.text.as_str(), step.truth), ("and", Truth::Unknown));
    let either = &step.parts[1].parts[0];
    let told: Vec<_> =
        either.parts.iter().map(|part| (part.text.as_str(), part.truth, part.value.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("proc.name = cat", Truth::False, Some("dog")),
            ("fd.num in (1, 2)", Truth::Unknown, Some("it was not recorded")),
        ]
    );
}

#[test]
fn rules_are_blind_where_nothing_can_make_them_true() {
    let rules = rules(&[
        "evt.type = open and proc.name = cat",
        "evt.type = open and fd.name = x",
        "evt.type = open and (fd.name = x or proc.name = y)",
        "evt.type = open and not fd.name = x",
        "evt.type in (open, openat) and proc.name = x",
        "evt.type = openat and proc.name = x",
    ]);
    let blind = |id: sekisho_trace::FieldId| (id.info().name.starts_with("fd.")).then_some("no files here");
    let seen = |code: EventCode| code.info().is_some_and(|info| info.name == "open");
    let covered = coverage(&rules, &blind, &seen);
    let sights: Vec<Sight> = covered.iter().map(|covered| covered.sight).collect();
    assert_eq!(sights, [Sight::Full, Sight::Blind, Sight::Partial, Sight::Blind, Sight::Partial, Sight::Blind]);
    assert_eq!(covered[1].blind_fields.get("fd.name"), Some(&"no files here"));
    assert_eq!(covered[0].blind_outputs.get("fd.cport"), Some(&"no files here"));
    assert_eq!(covered[4].unseen_events, ["openat"]);
}

#[test]
fn stable_rules_that_captures_cannot_judge_are_named() {
    let rules = corpus::rules(&[corpus::fixtures().join("rules/falco_rules.yaml")]);
    let covered = coverage(&rules, &|_| None, &|_| true);
    let blind: Vec<&str> =
        covered.iter().filter(|covered| covered.sight == Sight::Blind).map(|covered| covered.rule.as_str()).collect();
    // It asks for the server by its name in the DNS.
    assert_eq!(blind, ["Contact K8S API Server From Container"]);
}
