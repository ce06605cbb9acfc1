use super::*;
use crate::alert::{Alert, Priority};
use crate::load::Capture;
use sekisho_base::Limits;
use sekisho_model::RunningContainer;
use std::sync::Arc;

fn plan(text: &str) -> Plan {
    read(text, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn alert(rule: &str, priority: Priority, tags: &[&str]) -> Alert {
    Alert {
        rule: rule.into(),
        priority,
        source: "syscall".into(),
        tags: Arc::new(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        time: 0,
        number: 0,
        message: String::new(),
        fields: serde_json::Map::new(),
        hostname: "h".into(),
        capture: Capture::default(),
        responses: Vec::new(),
        recording: None,
    }
}

fn container(name: Option<&str>, image: Option<&str>, namespace: Option<&str>) -> RunningContainer {
    let mut container = RunningContainer { name: name.map(Into::into), ..RunningContainer::of_id(&"ab".repeat(32)) };
    if let Some(image) = image {
        container.set_image(image);
    }
    container.pod_namespace = namespace.map(Into::into);
    container
}

#[test]
fn a_plan_rehearses_and_leaves_the_host_alone_unless_it_says_otherwise() {
    let plan = plan("responses: [{name: a, tags: [t], action: kill-process}]");
    assert!(!plan.enforce && !plan.responses[0].scope.host);
    assert_eq!((plan.kills_per_minute, plan.grace.as_secs()), (10, 10));
    assert_eq!(plan.responses[0].scope.has(Place::Host), Ok(false));
    assert_eq!(plan.responses[0].scope.has(Place::Container(&container(None, None, None))), Ok(true));
    assert!(plan.responses[0].scope.has(Place::Unknown).is_err());
}

#[test]
fn which_alerts_are_answered() {
    let answers = |on: &str, alert: &Alert| {
        plan(&format!("responses: [{{name: a, action: kill-container, {on}}}]")).responses[0].answers(alert)
    };
    let miner = alert("A program for mining is run", Priority::Critical, &["miner", "process"]);
    for on in ["rules: ['*mining*']", "tags: [miner, x]", "priority: error", "rules: ['*'], priority: critical"] {
        assert!(answers(on, &miner), "{on}");
    }
    for on in ["rules: [mining]", "tags: [x]", "priority: alert", "rules: ['*'], tags: [x]"] {
        assert!(!answers(on, &miner), "{on}");
    }
}

#[test]
fn policies_are_enforced_where_both_they_and_the_plan_say_so() {
    let plan = plan(
        "responses: [{name: a, action: kill-container, enforced_policies: true}, {name: b, action: kill-process, \
         enforced_policies: true, rules: [No shells]}, {name: c, action: kill-process, rules: [No shells]}]",
    );
    let answers = |alert: &Alert| -> Vec<bool> { plan.responses.iter().map(|one| one.answers(alert)).collect() };
    let with = |name: &str, enforced: Option<bool>| {
        let mut alert = alert(name, Priority::Error, &["policy"]);
        alert.fields.extend(enforced.map(|enforced| (ENFORCED.to_owned(), enforced.into())));
        alert
    };
    assert_eq!(answers(&with("No shells", Some(true))), [true, true, true]);
    assert_eq!(answers(&with("Other", Some(true))), [true, false, false]);
    assert_eq!(answers(&with("No shells", Some(false))), [false, false, true]);
    assert_eq!(answers(&with("No shells", None)), [false, false, true], "a rule is enforced by name only");
}

#[test]
fn what_is_not_known_of_a_container_is_never_guessed() {
    let has = |scope: &str, container: &RunningContainer| {
        let text = format!("responses: [{{name: a, tags: [t], action: kill-process, {scope}}}]");
        plan(&text).responses[0].scope.has(Place::Container(container)).map_err(|_| ())
    };
    let web = container(Some("web"), Some("registry.example/shop/web:2"), Some("shop"));
    let nameless = container(None, None, None);
    for (scope, of_web, of_nameless) in [
        ("within: {images: ['registry.example/shop/*']}", Ok(true), Err(())),
        ("within: {images: [registry.example/shop/web]}", Ok(true), Err(())),
        ("within: {images: [other]}", Ok(false), Err(())),
        ("within: {containers: [abababababab]}", Ok(true), Ok(true)),
        ("within: {containers: [web], namespaces: [other]}", Ok(false), Err(())),
        ("except: {namespaces: [kube-system]}", Ok(true), Err(())),
        ("except: {namespaces: [sh*]}", Ok(false), Err(())),
        ("within: {containers: [w?b]}, except: {images: ['*/web']}", Ok(false), Err(())),
    ] {
        assert_eq!((has(scope, &web), has(scope, &nameless)), (of_web, of_nameless), "{scope}");
    }
    // What is known to be absent is not unknown.
    let of_directory = RunningContainer { no_image: true, no_pod: true, ..container(Some("d"), None, None) };
    assert_eq!(has("within: {images: ['*']}", &of_directory), Ok(false));
    assert_eq!(has("except: {namespaces: ['*']}", &of_directory), Ok(true));
}

#[test]
fn a_budget_is_one_of_any_minute() {
    let mut ledger = Ledger::new(&plan("{mode: enforce, kills_per_minute: 2}"));
    let second = 1_000_000_000;
    assert_eq!(ledger.admit(Action::KillProcess, "1", 0), Ok(()));
    assert_eq!(ledger.admit(Action::KillProcess, "1", second), Err(Withheld::Again));
    assert_eq!(ledger.admit(Action::KillContainer, "1", 30 * second), Ok(()));
    assert_eq!(ledger.admit(Action::KillProcess, "2", 59 * second), Err(Withheld::Budget(2)));
    assert_eq!(ledger.admit(Action::KillProcess, "2", 60 * second), Ok(()), "the first is a minute ago");
    assert_eq!(ledger.admit(Action::KillProcess, "3", 61 * second), Err(Withheld::Budget(2)));
    // What failed may be tried again, within the same budget.
    ledger.failed(Action::KillProcess, "2");
    assert_eq!(ledger.admit(Action::KillProcess, "2", 90 * second), Ok(()));
    let mut none = Ledger::new(&plan("{mode: enforce, kills_per_minute: 0}"));
    assert_eq!(none.admit(Action::KillProcess, "1", 0), Err(Withheld::Budget(0)));
    let mut rehearsal = Ledger::new(&plan("kills_per_minute: 1"));
    assert_eq!(rehearsal.admit(Action::KillProcess, "1", 0), Err(Withheld::DryRun));
    assert_eq!(rehearsal.admit(Action::KillProcess, "2", 0), Err(Withheld::Budget(1)), "as it would be");
}

#[test]
fn a_moment_before_the_last_one_frees_no_budget() {
    let mut ledger = Ledger::new(&plan("{mode: enforce, kills_per_minute: 1}"));
    let second = 1_000_000_000;
    assert_eq!(ledger.admit(Action::KillProcess, "1", 100 * second), Ok(()));
    for now in [0, 99 * second, 100 * second, 159 * second] {
        assert_eq!(ledger.admit(Action::KillProcess, "2", now), Err(Withheld::Budget(1)), "{now}");
    }
    assert_eq!(ledger.admit(Action::KillProcess, "2", 160 * second), Ok(()));
    assert_eq!(ledger.budget(160 * second), Budget { allowed: 1, used: 1, refused: 4 });
    assert_eq!(ledger.budget(220 * second), Budget { allowed: 1, used: 0, refused: 4 });
    assert_eq!(ledger.admit(Action::KillProcess, "3", u64::MAX), Ok(()), "and the end of all time is one, too");
}

#[test]
fn denials() {
    let plan = plan(
        "denials:\n\
         - {name: a, programs: [/usr/bin/nc, '/tmp/*'], host: true}\n\
         - {name: b, programs_not_in_image: true, writes: [/etc/shadow]}\n\
         - {name: c, connections: [169.254.169.254 port 80, 10.0.0.0/8, 'fd00::/8', '::1']}\n",
    );
    let connections: Vec<_> =
        plan.denials[2].connections.iter().map(|one| (one.address.to_string(), one.bits, one.port)).collect();
    let expect = [("169.254.169.254", 32, Some(80)), ("10.0.0.0", 8, None), ("fd00::", 8, None), ("::1", 128, None)];
    assert_eq!(connections, expect.map(|(address, bits, port)| (address.to_owned(), bits, port)));
    assert!(plan.denials[1].foreign && plan.denials[0].scope.host);
}

#[test]
fn what_is_wrong_with_a_plan_is_said() {
    for (text, expect) in [
        ("mode: dry", "line 1: unknown variant `dry`, expected one of dry-run, enforce"),
        ("respones: []", "respones"),
        ("responses: [{name: a, action: kill, tags: [t]}]", "kill"),
        ("responses: [{name: a, action: kill-process}]", "every alert"),
        ("responses: [{name: a, action: kill-process, priority: high}]", "\"high\"; there are emergency"),
        ("responses: [{name: a, action: pause-container, tags: [t], host: true}]", "where there is no container"),
        ("responses: [{name: a, action: kill-process, tags: [t], within: {image: x}}]", "image"),
        ("responses: [{name: '', action: kill-process, tags: [t]}]", "empty name"),
        ("{responses: [{name: a, action: kill-process, tags: [t]}], denials: [{name: a, writes: [/x]}]}", "two"),
        ("denials: [{name: a}]", "denies nothing"),
        ("denials: [{name: a, programs: [nc]}]", "\"nc\", which is no absolute path"),
        ("denials: [{name: a, programs: ['*'], host: true}]", "every program of the host"),
        ("denials: [{name: a, programs_not_in_image: true, host: true}]", "no container"),
        ("denials: [{name: a, writes: ['/etc/*']}]", "without patterns"),
        ("denials: [{name: a, connections: [example.com]}]", "\"example.com\"; write"),
        ("denials: [{name: a, connections: [10.0.0.0/33]}]", "10.0.0.0/33"),
        ("denials: [{name: a, connections: [10.0.0.0/8 port 0]}]", "port 0"),
        ("kills_per_minute: -1", "line 1"),
        ("kills_per_minute: 1\nkills_per_minute: 2", "kills_per_minute"),
        ("- a", "line 1"),
    ] {
        let error = read(text, &Limits::default()).expect_err(text).to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
}

#[test]
fn what_strangers_named_is_escaped_in_records() {
    let record = Record {
        response: "r".into(),
        action: "deny-program",
        time: 0,
        pid: 7,
        process: "a\u{1b}[2J".to_owned(),
        container: Some("0123456789ab".to_owned()),
        target: Some("/tmp/x\ny".to_owned()),
        outcome: Outcome::Failed("no".to_owned(), 1),
    };
    assert_eq!(record.to_string(), "\"r\": deny-program /tmp/x\\ny 7 (a\\u{1b}[2J) in 0123456789ab: failed: no");
    assert_eq!(record.json()["errno"], 1);
}
