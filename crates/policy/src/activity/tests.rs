//! What happens, judged as a plain reading of StackRox's documentation judges it, and its own policies by what they are for.

use super::*;
use crate::native::Event;
use crate::set::PolicySet;
use crate::testing::corpus;
use proptest::prelude::*;
use regex::Regex;
use sekisho_base::Limits;
use sekisho_model::FileOperation::{self, Open, Rename, Unlink};
use sekisho_model::{ApiRequest, FileAccess, Process, RunningContainer};
use serde_json::json;

fn set(text: &str) -> PolicySet {
    let mut set = PolicySet::default();
    assert_eq!(set.add(Some("p"), text, &Limits::default()), [], "{text}");
    set
}

fn say(ready: &Ready, activity: &Activity<'_>) -> Option<ActivityVerdict> {
    check_activity(ready, activity, &Surroundings::default(), Timestamp::UNIX_EPOCH)
}

fn process(name: &str, arguments: &str, above: &[Fact<String>], uid: Fact<u32>) -> Process {
    Process {
        names: Fact::Known(vec![name.to_owned()]),
        path: Fact::Known(format!("/bin/{name}")),
        arguments: Fact::Known(arguments.to_owned()),
        ancestors: above.to_vec(),
        uid,
        ..Process::default()
    }
}

fn container(namespace: Option<&str>, privileged: Option<bool>) -> RunningContainer {
    RunningContainer {
        name: Some("web".to_owned()),
        pod_name: Some("web-1".to_owned()),
        pod_namespace: namespace.map(str::to_owned),
        privileged,
        ..RunningContainer::of_id("c")
    }
}

/// One group: its criterion, its values, whether they must all hold, and whether that is turned round.
type Asked = (&'static str, Vec<&'static str>, bool, bool);

fn groups() -> impl Strategy<Value = Vec<Asked>> {
    let group = |field: &'static str, values: &'static [&'static str], negatable: bool| {
        let values = proptest::sample::subsequence(values, 1..=values.len().min(2));
        (values, any::<bool>(), any::<bool>())
            .prop_map(move |(values, all, not)| (field, values, all, not && negatable))
    };
    let fields = [
        group("Process Name", &["sh", "SH|nc", "s", ".*c", "j.*a"], true).boxed(),
        group("Process Arguments", &["-e", "-E /bin", "^-c$", "x+"], true).boxed(),
        group("Process Ancestor", &["/bin/java", ".*java", "/bin/.*", "java"], true).boxed(),
        group("Process UID", &["0", "> 0", "<= 7"], true).boxed(),
        group("Namespace", &["shop", "SHOP.*", "other"], true).boxed(),
        group("Privileged Container", &["true"], false)
            .prop_map(|mut it| {
                it.1.truncate(1);
                it
            })
            .boxed(),
    ];
    let picked = fields.into_iter().map(|field| proptest::option::weighted(0.5, field)).collect::<Vec<_>>();
    picked.prop_map(|picked| picked.into_iter().flatten().collect())
}

/// A fact as an oracle has it: texts that are known, and whether there may be more.
struct Known(Vec<String>, bool);

/// Whether one group holds; none where that cannot be told.
fn plain((field, values, all, not): &Asked, fact: &Known) -> Option<bool> {
    let one = |value: &&str| {
        let found = fact.0.iter().any(|own| match *field {
            "Process UID" => {
                let number: f64 = own.parse().unwrap();
                let (sign, wanted) = value.rsplit_once(' ').unwrap_or(("=", value));
                let wanted: f64 = wanted.parse().unwrap();
                match sign {
                    ">" => number > wanted,
                    "<=" => number <= wanted,
                    _ => (number - wanted).abs() < 0.5,
                }
            }
            "Process Arguments" => Regex::new(&format!("(?i){value}")).unwrap().is_match(own),
            _ => Regex::new(&format!("(?i)^(?:{value})$")).unwrap().is_match(own),
        });
        if found {
            Some(true)
        } else if fact.1 {
            None
        } else {
            Some(false)
        }
    };
    let each: Vec<Option<bool>> = values.iter().map(one).collect();
    let (decides, otherwise) = if *all { (Some(false), Some(true)) } else { (Some(true), Some(false)) };
    let matched = if each.contains(&decides) {
        decides
    } else if each.contains(&None) {
        None
    } else {
        otherwise
    };
    matched.map(|matched| matched != *not)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_are_judged_as_a_plain_reading_has_it(
        groups in groups(),
        name in proptest::sample::select(vec!["sh", "nc", "java", "SH"]),
        arguments in proptest::sample::select(vec!["", "-c", "-e /bin/sh", "xx"]),
        above in proptest::collection::vec(proptest::option::weighted(0.8, proptest::sample::select(vec!["/bin/java", "/bin/sh", "/java"])), 0..3),
        uid in proptest::option::of(proptest::sample::select(vec![0_u32, 7, 8])),
        namespace in proptest::option::of(proptest::sample::select(vec!["shop", "shop-1"])),
        privileged in proptest::option::of(any::<bool>()),
    ) {
        prop_assume!(groups.iter().any(|(field, ..)| field.starts_with("Process")));
        let written: Vec<_> = groups.iter().map(|(field, values, all, not)| json!({
            "fieldName": field, "booleanOperator": if *all { "AND" } else { "OR" }, "negate": not,
            "values": values.iter().map(|value| json!({"value": value})).collect::<Vec<_>>(),
        })).collect();
        let policy = json!({
            "name": "a policy", "lifecycleStages": ["RUNTIME"], "eventSource": "DEPLOYMENT_EVENT",
            "policySections": [{"policyGroups": written}],
        });
        let set = set(&policy.to_string());
        let lost = || Fact::Unknown("lost".to_owned());
        let ancestors: Vec<Fact<String>> =
            above.iter().map(|path| path.map_or_else(lost, |path| Fact::Known(path.to_owned()))).collect();
        let act = Act::Program(process(name, arguments, &ancestors, uid.map_or_else(|| Fact::Unknown("lost".to_owned()), Fact::Known)));
        let container = container(namespace, privileged);
        let verdict = say(&set.policies[0], &Activity { act: &act, container: Some(&container) }).unwrap();

        let one = |text: Option<String>| Known(text.iter().cloned().collect(), text.is_none());
        let said: Vec<Option<bool>> = groups.iter().map(|group| plain(group, &match group.0 {
            "Process Name" => one(Some(name.to_owned())),
            "Process Arguments" => one(Some(arguments.to_owned())),
            "Process Ancestor" => Known(above.iter().flatten().map(|path| (*path).to_owned()).collect(), above.contains(&None)),
            "Process UID" => one(uid.map(|uid| uid.to_string())),
            "Namespace" => one(namespace.map(str::to_owned)),
            _ => one(privileged.map(|privileged| privileged.to_string())),
        })).collect();
        let expect = if said.contains(&Some(false)) {
            Outcome::Passed
        } else if said.contains(&None) {
            Outcome::Unknown
        } else {
            Outcome::Violated
        };
        prop_assert_eq!(verdict.outcome, expect, "{:?}", verdict);
        prop_assert_eq!(verdict.witnesses.is_empty(), expect != Outcome::Violated);
        prop_assert_eq!(verdict.reasons.is_empty(), expect != Outcome::Unknown);
    }
}

/// What an example in our own form says of a policy in any.
fn asked(ready: &Ready, event: &str) -> Outcome {
    let text = format!(
        "policy: x\nname: x\nstages: [runtime]\nwhen: {{Process Name: x}}\nexamples:\n- {{name: a, event: {event}}}\n"
    );
    let event: Event = set(&text).policies[0].examples[0].event.clone().unwrap();
    match say(ready, &event.activity()) {
        Some(verdict) if verdict.excluded.is_none() => verdict.outcome,
        _ => Outcome::Passed,
    }
}

#[test]
fn policies_of_stackrox_say_what_they_are_for() {
    let Some(folder) = corpus("policies/stackrox") else { return };
    let (yes, no) = (Outcome::Violated, Outcome::Passed);
    for (file, event, expect) in [
        ("exec-sshd", "{process: {name: sshd}}", yes),
        ("exec-sshd", "{process: {name: sshd-keygen}}", no),
        ("exec-sshd", "{process: {name: sshd}, on_node: true}", no),
        ("exec-adduser", "{process: {name: usermod}}", yes),
        ("exec-java-shell", "{process: {name: bash, below: [/usr/bin/env, /opt/java]}}", yes),
        ("exec-java-shell", "{process: {name: bash, below: [/usr/bin/env]}}", no),
        ("exec-iptables", "{process: {name: iptables}, container: {namespace: shop}}", yes),
        ("exec-iptables", "{process: {name: iptables-save}, container: {namespace: shop}}", no),
        ("exeline-kubelet-contact", "{process: {name: curl, arguments: '-k https://10.0.0.1:10250/pods'}}", yes),
        ("exeline-kubelet-contact", "{process: {name: curl, arguments: '-k https://10.0.0.1:8443/pods'}}", no),
        ("baselining_policy", "{process: {name: id, unexpected: true}}", yes),
        ("baselining_policy", "{process: {name: id, unexpected: false}}", no),
        ("baselining_policy", "{process: {name: id}}", Outcome::NotEvaluated),
        ("pod_attach", "{request: {resource: PODS_ATTACH, verb: CREATE, name: a, namespace: shop, user: ann}}", yes),
        ("pod_attach", "{request: {resource: PODS_EXEC, verb: CREATE, name: a, namespace: shop, user: ann}}", no),
        (
            "impersonated_secret_access",
            "{request: {resource: SECRETS, verb: GET, name: a, user: ann, impersonated: true}}",
            yes,
        ),
        ("impersonated_secret_access", "{request: {resource: SECRETS, verb: GET, name: a, user: ann}}", no),
        ("impersonated_secret_access", "{request: {resource: SECRETS, verb: LIST, user: ann, impersonated: true}}", no),
    ] {
        let text = std::fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        let mut set = set(&text);
        set.policies[0].policy.disabled = false;
        assert_eq!(asked(&set.policies[0], event), expect, "{file}: {event}");
    }
}

#[test]
fn files_are_judged_by_either_path_and_by_where_they_are() {
    let policy = |source: &str| {
        set(&format!(
            "policy: x\nname: x\nstages: [runtime]\nevent_source: {source}\nwhen: {{File Path: [/etc/shadow, '/opt/keys/**'], File \
             Operation: {{not: OPEN}}, Process Name: {{not: dpkg}}}}\n"
        ))
    };
    let inside = container(Some("shop"), None);
    let check = |source: &str,
                 operation: FileOperation,
                 paths: &[Option<&str>],
                 inside: Option<&RunningContainer>,
                 expect: Option<Outcome>| {
        let paths = paths.iter().map(|path| match path {
            Some(path) => Fact::Known((*path).to_owned()),
            None => Fact::Unknown("lost".to_owned()),
        });
        let access = FileAccess { operation, paths: paths.collect() };
        let act = Act::File(process("mv", "", &[], Fact::Known(0)), access);
        let verdict = say(&policy(source).policies[0], &Activity { act: &act, container: inside });
        assert_eq!(verdict.map(|verdict| verdict.outcome), expect, "{source} {act:?}");
    };
    let (yes, no) = (Some(Outcome::Violated), Some(Outcome::Passed));
    check("deployment", Unlink, &[Some("/etc/shadow")], Some(&inside), yes);
    check("deployment", Open, &[Some("/etc/shadow")], Some(&inside), no);
    check("deployment", Rename, &[Some("/tmp/x"), Some("/opt/keys/a/b")], Some(&inside), yes);
    check("deployment", Rename, &[Some("/tmp/x"), Some("/tmp/opt/keys/a")], Some(&inside), no);
    // A path that is not known may be the one, unless another is.
    check("deployment", Rename, &[None, Some("/tmp/x")], Some(&inside), Some(Outcome::Unknown));
    check("deployment", Rename, &[None, Some("/opt/keys/x")], Some(&inside), yes);
    check("deployment", Unlink, &[Some("/etc/shadow")], None, None);
    check("node", Unlink, &[Some("/etc/shadow")], None, yes);
    check("node", Unlink, &[Some("/etc/shadow")], Some(&inside), None);
    // A program that is run does nothing to a file.
    let act = Act::Program(process("mv", "", &[], Fact::Known(0)));
    assert_eq!(say(&policy("deployment").policies[0], &Activity { act: &act, container: Some(&inside) }), None);
}

#[test]
fn who_may_have_made_a_pod_is_told_by_its_name() {
    let check = |except: &str, pod: &str, expect: (Outcome, bool)| {
        let text = format!("policy: x\nname: x\nstages: [runtime]\nexcept: [{except}]\nwhen: {{Process Name: sh}}\n");
        let set = set(&text);
        let act = Act::Program(process("sh", "", &[], Fact::Known(0)));
        let inside = RunningContainer { pod_name: Some(pod.to_owned()), ..container(Some("shop"), None) };
        let verdict = say(&set.policies[0], &Activity { act: &act, container: Some(&inside) }).unwrap();
        assert_eq!((verdict.outcome, verdict.excluded.is_some()), expect, "{except} {pod}");
    };
    let (yes, unknown) = (Outcome::Violated, Outcome::Unknown);
    check("{workload: web}", "web-7d4b9c9b6c-x2x9p", (unknown, false));
    check("{workload: web}", "webshop-0", (yes, false));
    check("{workload: web, namespace: other}", "web-0", (yes, false));
    check("{namespace: shop}", "web-0", (yes, true));
    check("{workload: db-.*}", "web-db-0", (yes, false));
    check("{label: a=b}", "web-0", (unknown, false));
    // A very long name may have been cut.
    check("{workload: 'a{60}'}", &"b".repeat(58), (unknown, false));
    // What is in no pod is of no workload.
    let set = set(
        "policy: x\nname: x\nstages: [runtime]\nexcept: [{workload: .*}, {namespace: .*}]\nwhen: {Process Name: sh}\n",
    );
    let act = Act::Program(process("sh", "", &[], Fact::Known(0)));
    let alone = RunningContainer { no_pod: true, ..RunningContainer::of_id("c") };
    let verdict = say(&set.policies[0], &Activity { act: &act, container: Some(&alone) }).unwrap();
    assert_eq!((verdict.outcome, verdict.excluded), (yes, None));
}

#[test]
fn requests_that_are_not_made_yet_are_judged_by_what_is_said_of_them() {
    let request = |audited| {
        Act::Request(ApiRequest {
            audited,
            resource: Fact::Known("PODS_EXEC".to_owned()),
            verbs: Fact::Unknown("lost".to_owned()),
            name: Fact::Known(Some("web-0".to_owned())),
            namespace: Fact::Known(Some("shop".to_owned())),
            user: Fact::Known("ann".to_owned()),
            ..ApiRequest::default()
        })
    };
    let check = |text: &str, audited, expect: Option<Outcome>| {
        let set = set(&format!("policy: x\nname: x\nstages: [runtime]\n{text}\n"));
        let verdict = say(&set.policies[0], &Activity { act: &request(audited), container: None });
        assert_eq!(verdict.map(|verdict| verdict.outcome), expect, "{text}");
    };
    let violated = Some(Outcome::Violated);
    check("when: {Kubernetes Resource: PODS_EXEC}", false, violated);
    check("when: {Kubernetes Resource: PODS_EXEC}", true, violated);
    check("when: {Kubernetes Resource: PODS_EXEC, Namespace: SHOP}", false, violated);
    check("when: {Kubernetes Resource: PODS_EXEC, Host PID: true}", false, Some(Outcome::Unknown));
    check("when: {Kubernetes Resource: PODS_EXEC, Privileged Container: true}", false, Some(Outcome::Unknown));
    let audit = "event_source: audit_log\nwhen: {Kubernetes Resource: PODS_EXEC, Kubernetes API Verb: CREATE}";
    check(audit, false, None);
    check(audit, true, Some(Outcome::Unknown));
    check("event_source: deployment\nwhen: {Kubernetes Resource: PODS_ATTACH}", true, Some(Outcome::Passed));
    check("when: {Is Impersonated User: true}", false, None);
}

#[test]
fn what_happens_is_told_in_words_also_where_a_criterion_is_turned_round() {
    let process = Process { unexpected: Fact::Known(true), ..process("nc", "-e sh", &[], Fact::Known(7)) };
    let expected = Process { unexpected: Fact::Known(false), ..process.clone() };
    let flow = |incoming: bool, unexpected: bool| {
        let flow = sekisho_model::Flow {
            incoming,
            protocol: "tcp".to_owned(),
            port: 443,
            address: Some([10, 0, 0, 9].into()),
            unexpected: Fact::Known(unexpected),
        };
        Act::Flow(process.clone(), flow)
    };
    let request = |impersonated: bool| {
        Act::Request(ApiRequest {
            audited: true,
            resource: Fact::Known("SECRETS".to_owned()),
            verbs: Fact::Known(vec!["GET".to_owned()]),
            name: Fact::Known(Some("key".to_owned())),
            user: Fact::Known("eve".to_owned()),
            groups: Fact::Known(Vec::new()),
            impersonated: Fact::Known(impersonated),
            source_ips: Fact::Known(vec!["10.0.0.9".to_owned()]),
            user_agent: Fact::Known(None),
            ..ApiRequest::default()
        })
    };
    let secrets = "Kubernetes Resource: SECRETS, Kubernetes API Verb: GET";
    let is_new = "Unexpected Network Flow Detected";
    for (when, act, expect) in [
        (
            "Unexpected Process Executed: true".to_owned(),
            Act::Program(process.clone()),
            "process nc: is not in the baseline",
        ),
        ("Unexpected Process Executed: false".to_owned(), Act::Program(expected), "process nc: is in the baseline"),
        ("Process Name: {not: sh}".to_owned(), Act::Program(process.clone()), "process nc: is run"),
        ("Process UID: {not: 0}".to_owned(), Act::Program(process.clone()), "process nc: runs as the user 7"),
        (
            format!("{is_new}: true"),
            flow(false, true),
            "process nc: talks to 10.0.0.9, port 443/tcp, which is not in the baseline",
        ),
        (
            format!("{is_new}: false"),
            flow(false, false),
            "process nc: talks to 10.0.0.9, port 443/tcp, which is in the baseline",
        ),
        (
            format!("{is_new}: true"),
            flow(true, true),
            "process nc: is asked by 10.0.0.9 on port 443/tcp, which is not in the baseline",
        ),
        (
            format!("{is_new}: false"),
            flow(true, false),
            "process nc: is asked by 10.0.0.9 on port 443/tcp, which is in the baseline",
        ),
        (secrets.to_owned(), request(false), "eve: get secrets key"),
        (format!("Is Impersonated User: true, {secrets}"), request(true), "eve: acts in another's name"),
        (format!("Is Impersonated User: false, {secrets}"), request(false), "eve: acts in nobody else's name"),
        (format!("User Agent: {{not: x}}, {secrets}"), request(false), "eve: asks by the program none"),
        (format!("Kubernetes User Groups: {{not: x}}, {secrets}"), request(false), "eve: is in the groups none"),
        (format!("Source IP Address: {{not: 10.0.0.1}}, {secrets}"), request(false), "eve: asks from 10.0.0.9"),
    ] {
        let set = set(&format!("policy: x\nname: x\nstages: [runtime]\nwhen: {{{when}}}\n"));
        let container = container(Some("shop"), Some(false));
        let container = (!matches!(act, Act::Request(_))).then_some(&container);
        let verdict = say(&set.policies[0], &Activity { act: &act, container }).unwrap();
        let told: Vec<&str> = verdict.witnesses.iter().map(|it| it.message.as_str()).collect();
        assert!(told.contains(&expect), "{when}: {told:?}");
    }
}
