//! Policies of ours, read; and what is wrong with one.

use super::*;
use sekisho_base::Limits;
use sekisho_base::tree::documents;
use sekisho_model::{Fact, ImageConfig, PolicyOutcome};

/// The policy, or all that is wrong with it.
fn read(node: &Node) -> Result<Document, Vec<Wrong>> {
    let (document, wrongs) = super::read(node);
    if wrongs.is_empty() { Ok(document) } else { Err(wrongs) }
}

fn document(text: &str) -> Node {
    documents(text, &Limits::default()).remove(0).unwrap()
}

#[test]
fn everything_that_can_be_said_is_read() {
    let node = document(
        "
policy: a-b
name: A
severity: critical
stages: [build, deploy]
profiles: ci
categories: [X, Y]
controls: [NIST-800-190:4.1.2]
attack: {TA0004: [T1611]}
description: D
rationale: R
remediation: M
ja: {name: N, remediation: O}
enforce: true
skip: init
scope:
- {namespace: prod-.*, label: tier=web}
except:
- {workload: agent, namespace: kube-system, reason: the system, until: 2027-01-31}
- {image: docker.io/library/}
when:
- Privileged Container: true
  CVSS: {all: ['>= 7', '< 9']}
  Image Registry: {not: [a, b]}
- Container Name: {not: {any: c}}
examples:
- name: bad
  now: 2026-01-02
  manifest: {apiVersion: v1, kind: Pod}
  images:
  - name: x:1
    user: ''
    labels: {a: 1}
    history: [USER app]
    packages: [{name: p, version: 1, vulnerabilities: [{id: CVE-1, severity: high, cvss: 7.5, fixed_by: 2}]}]
- {name: good, expect: passed, manifest: [{kind: Pod}, {kind: Service}]}
",
    );
    assert!(is_policy(&node));
    let Document { policy, examples } = read(&node).unwrap();
    let group = |field: &str, operator, negate, values: &[&str]| Group {
        field: field.to_owned(),
        operator,
        negate,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let section = |groups| Section { name: String::new(), groups };
    let expect = [
        section(vec![
            group("Privileged Container", Operator::Or, false, &["true"]),
            group("CVSS", Operator::And, false, &[">= 7", "< 9"]),
            group("Image Registry", Operator::Or, true, &["a", "b"]),
        ]),
        section(vec![group("Container Name", Operator::Or, true, &["c"])]),
    ];
    assert_eq!(policy.sections, expect);
    assert_eq!((policy.id.as_str(), policy.severity), ("a-b", PolicySeverity::Critical));
    assert_eq!(policy.stages, [Stage::Build, Stage::Deploy]);
    let enforced = [Enforcement::FailBuild, Enforcement::ScaleToZero, Enforcement::UnsatisfiableNodeConstraint];
    assert_eq!(policy.enforcement, enforced);
    assert_eq!(policy.profiles, ["ci"]);
    assert_eq!(policy.attack, [Attack { tactic: "TA0004".to_owned(), techniques: vec!["T1611".to_owned()] }]);
    assert_eq!(policy.translations[0].1.remediation, "O");
    assert_eq!(policy.scopes[0].label, Some(Label { key: "tier".to_owned(), value: "web".to_owned() }));
    let (name, scope) = policy.exclusions[0].deployment.as_ref().unwrap();
    assert_eq!((name.as_str(), scope.as_ref().unwrap().namespace.as_str()), ("agent", "kube-system"));
    assert_eq!(policy.exclusions[0].expiration.as_deref(), Some("2027-01-31"));
    assert_eq!(policy.exclusions[1].image.as_deref(), Some("docker.io/library/"));
    let facts = &examples[0].images[0].1;
    assert_eq!(facts.config, Fact::Known(ImageConfig::default()));
    assert_eq!(facts.lines, Fact::Known(vec![("USER".to_owned(), "app".to_owned())]));
    assert_eq!(facts.labels, Fact::Known([("a".to_owned(), "1".to_owned())].into()));
    assert_eq!(facts.components[0].vulnerabilities[0].fixed_by, "2");
    assert_eq!(examples[0].now.to_string(), "2026-01-03T00:00:00Z");
    assert_eq!((examples[1].expect, examples[1].manifest.len()), (PolicyOutcome::Passed, 2));
    let line = |section, group, value| place(&node, At { section, group, value }).line;
    assert_eq!((line(0, None, None), line(0, Some(1), None), line(0, Some(2), Some(1))), (22, 23, 24));
    assert_eq!(place(&node, At { section: 0, group: Some(2), value: Some(1) }).column, 29);
    assert_eq!(line(1, Some(0), Some(0)), 25);
}

#[test]
fn all_that_is_wrong_is_told_with_its_line() {
    let check = |text: &str, expect: &[&str]| {
        let wrongs = read(&document(text)).unwrap_err();
        let told: Vec<String> =
            wrongs.iter().map(|it| format!("{}:{} {}", it.place.line, it.place.column, it.reason)).collect();
        assert_eq!(told, expect);
    };
    check(
        "policy: a b\nseverty: high\nstages: [deploi]\nwhen: {Host PID: {yes: [true]}}\n",
        &[
            "1:1 `name` is needed, and is not there",
            "1:9 `policy` has blanks in it; words are joined by hyphens",
            "2:1 the policy has no field `severty`; there is `severity`",
            "3:9 `stages` names no stage: build, registry, deploy and runtime are",
            "3:10 `stages` is \"deploi\", and not one of build, registry, deploy, runtime",
            "4:18 Host PID is to be a value, a list of values, or one of these under not, any or all; it is a map",
        ],
    );
    check(
        "policy: a\nname: a\nstages: build\nexcept: [{reason: none, until: never}]\nwhen: [true]\n",
        &[
            "4:10 an entry of `except` excepts nothing: workload, image, namespace or label says what",
            "4:32 `until` is \"never\", which is no date: 2027-01-31, or with a time of RFC 3339",
            "5:8 `when` holds a truth value, not a map of criteria",
        ],
    );
    check(
        "- x\n",
        &[
            "1:1 `name` is needed, and is not there",
            "1:1 `policy` is needed, and is not there",
            "1:1 `stages` names no stage: build, registry, deploy and runtime are",
            "1:1 the policy has no `when`, so that it asks nothing",
            "1:1 the policy is a list, not a map",
        ],
    );
}

/// What is written is what was read, of every policy that there is.
#[test]
fn of_two_criteria_of_one_name_none_is_passed_over() {
    let text = "policy: a\nname: A\nstages: [deploy]\nwhen:\n  Host PID: true\n  Host IPC: true\n  Host PID: false\n";
    let wrongs = read(&document(text)).unwrap_err();
    let told: Vec<String> = wrongs.iter().map(|it| format!("{} {}", it.place.line, it.reason)).collect();
    assert_eq!(told, ["7 `Host PID` is there twice, and only the last would count"]);
}

#[test]
fn what_is_written_is_read_again() {
    let mut set = crate::PolicySet::default();
    set.add_shipped(None, &Limits::default());
    if let Some(folder) = crate::testing::corpus("policies/stackrox") {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            if name.contains(".json") && !name.contains("index.json") {
                let text = std::fs::read_to_string(path).unwrap();
                assert_eq!(set.add(Some(&name), &text, &Limits::default()), []);
            }
        }
    }
    for ready in &set.policies {
        let text = write(&ready.policy);
        let back = read(&document(&text)).unwrap_or_else(|wrongs| panic!("{wrongs:?}\n{text}")).policy;
        // What our form has other words for, or none.
        let known = |policy: &Policy| Policy {
            id: String::new(),
            enforcement: Vec::new(),
            notifiers: Vec::new(),
            extra: serde_json::Map::new(),
            attack: Vec::new(),
            sections: policy
                .sections
                .iter()
                .map(|it| Section { name: String::new(), groups: it.groups.clone() })
                .collect(),
            ..policy.clone()
        };
        let techniques = |policy: &Policy| {
            let each =
                policy.attack.iter().flat_map(|it| it.techniques.iter().map(|name| (it.tactic.clone(), name.clone())));
            each.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(techniques(&back), techniques(&ready.policy));
        assert_eq!(known(&back), known(&ready.policy), "{text}");
        for stage in [Stage::Build, Stage::Deploy, Stage::Runtime] {
            let is_asked = back.stages.contains(&stage);
            assert!(!is_asked || back.is_enforced_at(stage) == ready.policy.is_enforced_at(stage), "{text}");
        }
    }
    // Texts that YAML takes for something else.
    for value in [
        "no", "1.0", "a: b", "- x", "'", "\"", "#", " x ", "a #b", "~", "0x1f", "日本", "a\nb", "{x}", "*", "&a", "!b",
        "%", "@", "`", "?", "|", ">= 7", "1:30", "<<", "=",
    ] {
        let group =
            Group { field: "CVE".to_owned(), values: vec![value.to_owned(), value.to_owned()], ..Group::default() };
        let policy = Policy {
            id: "a".to_owned(),
            name: value.to_owned(),
            stages: vec![Stage::Build],
            sections: vec![Section { name: String::new(), groups: vec![group] }],
            ..Policy::default()
        };
        assert_eq!(read(&document(&write(&policy))).unwrap().policy, policy, "{value:?}");
    }
}

#[test]
fn what_cannot_be_read_hides_nothing_else_that_is_wrong() {
    let text = "policy: a\nname: A\nseverity: hihg\nstages: [deploy]\nwhen:\n  Privileged Container: maybe\n  Host PID: [{a: 1}]\n  Host IPC: true\n";
    let mut set = crate::PolicySet::default();
    let faults = set.add(Some("a.yaml"), text, &Limits::default());
    // What could not be read is not said to be missing as well.
    assert_eq!(faults.iter().map(|fault| fault.place.line).collect::<Vec<_>>(), [3, 6, 7], "{faults:?}");
    assert!(set.policies.is_empty());
}

#[test]
fn what_is_enforced_at_run_time_is_the_request_or_the_pod() {
    let check = |when: &str, expect: Enforcement| {
        let text = format!("policy: x\nname: x\nseverity: low\nstages: [runtime]\nenforce: true\nwhen: {when}\n");
        assert_eq!(read(&document(&text)).unwrap().policy.enforcement, [expect], "{when}");
    };
    check("{Process Name: nmap}", Enforcement::KillPod);
    check("{Kubernetes Resource: PODS_EXEC}", Enforcement::FailKubeRequest);
}
