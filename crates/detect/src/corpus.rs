//! The cases of Falco's own test suites, over real captures.

use crate::load::{File, RuleSet, Settings, load};
use crate::{Alert, By, Engine, Matching, Selection, Style, Unjudged, Watch};
use sekisho_base::Limits;
use sekisho_trace::audit;
use sekisho_trace::field::Unknown;
use sekisho_trace::scap::{self, Options, Replay};
use sekisho_trace::state::Bounds;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The files of rules of a case.
pub(crate) fn rules(names: &[PathBuf]) -> Arc<RuleSet> {
    let texts: Vec<(String, String)> = names
        .iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(path).expect("a file of rules")))
        .collect();
    let files: Vec<File<'_>> = texts.iter().map(|(name, text)| File { name, text }).collect();
    let loaded = load(&files, &Settings::default(), &Limits::default());
    let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    Arc::new(loaded.rules.unwrap_or_else(|| panic!("{}", told.join("\n"))))
}

/// What a case chooses.
pub(crate) fn selection(options: &Value) -> Selection {
    let texts = |key: &str| -> Vec<String> {
        options[key].as_array().into_iter().flatten().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    let mut selection = Selection::default();
    let tags = texts("enabled_tags");
    if !tags.is_empty() {
        selection = Selection::only_tags(&tags);
    }
    selection.steps.extend(texts("disabled_rules").into_iter().map(|part| (By::Part(part), false)));
    selection.steps.extend(texts("disabled_tags").into_iter().map(|tag| (By::Tag(tag), false)));
    selection
}

fn style(options: &Value) -> Style {
    let mut style = Style::default();
    for setting in options["settings"].as_array().into_iter().flatten() {
        match setting.as_str().expect("a setting") {
            "json_include_output_property=false" => style.output = false,
            "json_include_output_property=true" => style.output = true,
            "json_include_tags_property=false" => style.tags = false,
            "time_format_iso_8601=true" => style.iso_time = true,
            other => panic!("{other}"),
        }
    }
    style
}

/// Holds alerts to what a case expects.
pub(crate) fn expect(id: &str, expect: &Value, alerts: &[Alert], style: Style) {
    if let Some(detect) = expect["detect"].as_bool() {
        assert_eq!(!alerts.is_empty(), detect, "{id}");
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in alerts {
        *counts.entry(&alert.rule).or_default() += 1;
    }
    for (rule, count) in expect["rule_counts"].as_object().into_iter().flatten() {
        assert_eq!(
            counts.get(rule.as_str()).copied().unwrap_or_default(),
            count.as_u64().expect("a number"),
            "{id}: {rule}"
        );
    }
    let has = |priority: &Value| {
        let wanted = crate::Priority::of(priority.as_str().expect("a priority")).expect("it is one");
        alerts.iter().any(|alert| alert.priority == wanted)
    };
    for priority in expect["priorities_present"].as_array().into_iter().flatten() {
        assert!(has(priority), "{id}: {priority}");
    }
    for priority in expect["priorities_absent"].as_array().into_iter().flatten() {
        assert!(!has(priority), "{id}: {priority}");
    }
    let stdout: Vec<String> = alerts.iter().map(|alert| alert.text(style)).collect();
    for pattern in expect["stdout_matches"].as_array().into_iter().flatten() {
        let regex = regex::Regex::new(pattern.as_str().expect("an expression")).expect("it is one");
        assert!(regex.is_match(&stdout.join("\n")), "{id}: {pattern}\n{}", stdout.join("\n"));
    }
    for alert in alerts {
        let json = alert.json(style);
        assert_eq!(json.contains_key("output"), style.output, "{id}");
        assert_eq!(json.contains_key("tags"), style.tags, "{id}");
    }
}

fn replay(
    capture: &Path,
    rules: &Arc<RuleSet>,
    selection: &Selection,
    matching: Matching,
    exit_only: bool,
) -> (Vec<Alert>, Watch) {
    replay_stored(&fs::read(capture).expect("a capture"), rules, selection, matching, exit_only)
}

fn replay_stored(
    stored: &[u8],
    rules: &Arc<RuleSet>,
    selection: &Selection,
    matching: Matching,
    exit_only: bool,
) -> (Vec<Alert>, Watch) {
    let mut watch = Watch::new(Engine::new(Arc::clone(rules), selection, matching), "host");
    let mut alerts = Vec::new();
    let options = Options { exit_only, ..Options::default() };
    let mut replay = Replay::new(stored, stored.len() as u64, &Limits::default(), &options).expect("a capture");
    let flow = watch.replay(&mut replay, &mut (), &mut |alert| {
        alerts.push(alert);
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue() && replay.diagnostics().is_empty(), "{:?}", replay.diagnostics());
    (alerts, watch)
}

#[test]
fn captures_give_the_alerts_they_are_to_give() {
    let root = fixtures().join("scap");
    let expected: Value = serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 20);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let names: Vec<PathBuf> =
            case["rules"].as_array().unwrap().iter().map(|name| root.join(name.as_str().unwrap())).collect();
        let rules = rules(&names);
        let capture = root.join(case["capture"].as_str().unwrap());
        let (alerts, watch) = replay(&capture, &rules, &selection(&case["options"]), Matching::First, false);
        expect(id, &case["expect"], &alerts, style(&case["options"]));
        // Nothing that the case is about was left unjudged.
        // but files of the recorder, which opened them before.
        let of_file = |unjudged: &&Unjudged| !matches!(unjudged.first, Some((_, Unknown::File)));
        let unjudged = watch.engine().unjudged().iter().filter(|unjudged| unjudged.events > 0);
        let unjudged: Vec<_> = unjudged.filter(of_file).collect();
        assert!(unjudged.is_empty(), "{id}: {unjudged:?}");
        // Measured: how many events each rule matches by itself.
        for (rule, counts) in case["measured_matches_sysdig_0_29_3"].as_object().into_iter().flatten() {
            for (exit_only, key) in [(false, "enter_and_exit"), (true, "exit_only")] {
                let (alerts, _) = replay(&capture, &rules, &Selection::default(), Matching::All, exit_only);
                let count = alerts.iter().filter(|alert| *alert.rule == **rule).count() as u64;
                assert_eq!(count, counts[key].as_u64().unwrap(), "{id}: {rule} {key}");
            }
        }
    }
}

#[test]
fn alerts_are_written_as_falco_writes_them() {
    let root = fixtures().join("scap");
    let rules = rules(&[root.join("rules/null_output_field.yaml")]);
    let (alerts, _) =
        replay(&root.join("captures/cat_write.scap"), &rules, &Selection::default(), Matching::First, false);
    let first = &alerts[0];
    assert_eq!(
        first.text(Style::default()),
        "16:17:57.881781397: Warning An open was seen (cport=<NA> command=cat /dev/null)"
    );
    let json = serde_json::to_string(&first.json(Style::default())).unwrap();
    assert_eq!(
        json,
        "{\"hostname\":\"ubuntu\",\"output\":\"16:17:57.881781397: Warning An open was seen (cport=<NA> command=cat /dev/null)\",\
         \"output_fields\":{\"evt.time\":1470327477881781397,\"fd.cport\":null,\"proc.cmdline\":\"cat /dev/null\"},\
         \"priority\":\"Warning\",\"rule\":\"open_from_cat\",\"source\":\"syscall\",\"tags\":[],\
         \"time\":\"2016-08-04T16:17:57.881781397Z\"}"
    );
}

/// The stable rules find the same in every capture, compiled and as they are written.
#[test]
fn stable_rules_agree_on_captures() {
    let rules = rules(&[fixtures().join("rules/falco_rules.yaml")]);
    for name in ["cat_write", "connect_localhost", "open-multiple-files", "syscall"] {
        let stored = fs::read(fixtures().join(format!("scap/captures/{name}.scap"))).unwrap();
        let mut engine = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::All);
        let mut replay = Replay::new(&*stored, stored.len() as u64, &Limits::default(), &Options::default()).unwrap();
        let mut events = 0;
        let mut found = Vec::new();
        while replay
            .next(|facts| {
                engine.judge(&facts, &mut found);
                let plain: Vec<usize> = (0..rules.rules.len())
                    .filter(|at| crate::interpret::judge(&rules.rules[*at].tree, &facts) == crate::Truth::True)
                    .collect();
                assert_eq!(found, plain, "{name}");
                events += 1;
            })
            .is_some()
        {}
        assert!(events > 0, "{name}");
    }
}

/// What a flight recorder writes for an alert gives the alert again, however little it keeps.
#[test]
fn a_capture_of_an_alert_gives_the_alert_again() {
    let root = fixtures().join("scap");
    let expected: Value = serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
    let mut compared = 0;
    for case in expected["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let names: Vec<PathBuf> =
            case["rules"].as_array().unwrap().iter().map(|name| root.join(name.as_str().unwrap())).collect();
        let rules = rules(&names);
        let selection = selection(&case["options"]);
        let capture = root.join(case["capture"].as_str().unwrap());
        let (alerts, _) = replay(&capture, &rules, &selection, Matching::First, false);
        let stored = fs::read(&capture).unwrap();
        for (window, most) in
            [(Duration::MAX, usize::MAX), (Duration::from_millis(20), usize::MAX), (Duration::MAX, 4096)]
        {
            let mut reader = scap::Reader::new(&*stored, stored.len() as u64, &Limits::default()).unwrap();
            let mut flight = scap::Flight::new(Bounds::default(), window, most);
            while let Some(record) = reader.read() {
                let before = flight.before();
                let number = match record {
                    scap::Record::Machine(machine) => {
                        before.set_machine(machine);
                        continue;
                    }
                    scap::Record::Thread(seed) => {
                        before.add_thread(*seed);
                        continue;
                    }
                    scap::Record::Fd(tid, fd) => {
                        before.add_fd(tid, *fd);
                        continue;
                    }
                    scap::Record::Interface(interface) => {
                        before.add_interface(interface);
                        continue;
                    }
                    scap::Record::User(user) => {
                        before.add_user("", user);
                        continue;
                    }
                    scap::Record::Group(group) => {
                        before.add_group("", group);
                        continue;
                    }
                    scap::Record::Event(event) => {
                        flight.see(&event, &[], event.time);
                        event.number
                    }
                };
                let wanted: Vec<&Alert> = alerts.iter().filter(|alert| alert.number == number).take(1).collect();
                // Of very many the first ones and some of the others.
                let Some(wanted) = wanted.first().filter(|_| compared < 200 || number % 97 == 0) else { continue };
                let (writer, unexplained) = flight.write(Vec::new()).unwrap();
                let written = writer.into_inner().unwrap();
                assert_eq!(unexplained, 0, "{id}");
                let (again, _) = replay_stored(&written, &rules, &selection, Matching::First, false);
                let again = again.last().unwrap_or_else(|| panic!("{id}: event {number} is not told again"));
                let of = |alert: &Alert| (alert.rule.clone(), alert.time, alert.message.clone(), alert.fields.clone());
                assert_eq!(of(again), of(wanted), "{id}: {window:?} {most}");
                compared += 1;
            }
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn audit_events_give_the_alerts_they_are_to_give() {
    let root = fixtures().join("k8saudit");
    let expected: Value = serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let mut names = Vec::new();
        for name in case["rules"].as_array().unwrap() {
            match name.as_str().unwrap().strip_prefix("NOT INCLUDED: ") {
                Some("K8SAuditRules") => names.push(fixtures().join("rules/k8s_audit_rules.yaml")),
                // Rules for system calls, which audit events do not need.
                Some("LegacyFalcoRules_v1_0_1") => {}
                Some(other) => panic!("{other}"),
                None => names.push(root.join(name.as_str().unwrap())),
            }
        }
        let rules = rules(&names);
        let engine = Engine::new(Arc::clone(&rules), &selection(&case["options"]), Matching::First);
        let mut watch = Watch::new(engine, "host");
        let mut alerts = Vec::new();
        let text = fs::read(root.join(case["trace"].as_str().unwrap())).unwrap();
        let mut log = audit::Reader::new(&*text, text.len() as u64, &Limits::default()).unwrap();
        let flow = watch.audit(&mut log, &mut (), &mut |alert| {
            alerts.push(alert);
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        let diagnostics = log.diagnostics();
        expect(id, &case["expect"], &alerts, style(&case["options"]));
        // "data not recognized as a k8s audit event": left out, and told.
        let foreign = case["expect"]["stderr_matches"].as_array().is_some_and(|matches| !matches.is_empty());
        assert_eq!(!diagnostics.is_empty(), foreign, "{id}: {diagnostics:?}");
        assert_eq!(watch.events() == 0, foreign, "{id}");
        let unjudged: Vec<_> = watch.engine().unjudged().iter().filter(|unjudged| unjudged.events > 0).collect();
        assert!(unjudged.is_empty(), "{id}: {unjudged:?}");
    }
}
