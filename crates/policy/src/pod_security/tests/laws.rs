//! What holds for every pod.

use super::*;
use proptest::prelude::*;
use sekisho_base::tree::{Field, Node, Place, Value};

fn node(value: Value) -> Node {
    Node { value, place: Place::default() }
}

/// A text of these, or, rarely, something that is none.
fn word(words: &'static [&'static str]) -> BoxedStrategy<Node> {
    let text = prop::sample::select(words).prop_map(|word| node(Value::Text(word.to_owned())));
    prop_oneof![30 => text, 1 => Just(node(Value::Null)), 1 => Just(node(Value::Integer(0)))].boxed()
}

fn flag() -> BoxedStrategy<Node> {
    let value = any::<bool>().prop_map(|value| node(Value::Bool(value)));
    prop_oneof![30 => value, 1 => Just(node(Value::Null)), 1 => Just(node(Value::Text("true".to_owned())))].boxed()
}

fn number() -> BoxedStrategy<Node> {
    prop::sample::select(&[0, 1, 1000][..]).prop_map(|number| node(Value::Integer(number))).boxed()
}

fn list(item: BoxedStrategy<Node>) -> BoxedStrategy<Node> {
    prop::collection::vec(item, 0..3).prop_map(|items| node(Value::List(items))).boxed()
}

/// A map with each of these or without it, in any order.
fn map(fields: Vec<(&'static str, BoxedStrategy<Node>)>) -> BoxedStrategy<Node> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| {
            let field = move |node| Field { name: name.to_owned(), place: Place::default(), node, repeated: false };
            prop::option::of(value).prop_map(move |value| value.map(field))
        })
        .collect();
    let present = fields.prop_map(|fields| fields.into_iter().flatten().collect::<Vec<_>>());
    present.prop_shuffle().prop_map(|fields| node(Value::Map(fields))).boxed()
}

fn profile() -> BoxedStrategy<Node> {
    map(vec![("type", word(&["RuntimeDefault", "Localhost", "Unconfined", ""]))])
}

fn selinux() -> BoxedStrategy<Node> {
    map(vec![
        ("type", word(&["", "container_t", "container_engine_t", "spc_t"])),
        ("user", word(&["", "system_u"])),
        ("role", word(&["", "system_r"])),
    ])
}

fn context(of_container: bool) -> BoxedStrategy<Node> {
    let mut fields = vec![
        ("runAsNonRoot", flag()),
        ("runAsUser", number()),
        ("seccompProfile", profile()),
        ("appArmorProfile", profile()),
        ("seLinuxOptions", selinux()),
        ("windowsOptions", map(vec![("hostProcess", flag())])),
    ];
    if of_container {
        let names = || list(word(&["ALL", "NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN"]));
        fields.extend([
            ("privileged", flag()),
            ("allowPrivilegeEscalation", flag()),
            ("procMount", word(&["Default", "Unmasked"])),
            ("capabilities", map(vec![("add", names()), ("drop", names())])),
        ]);
    } else {
        let name = word(&["kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "kernel.msgmax"]);
        fields.push(("sysctls", list(map(vec![("name", name)]))));
    }
    map(fields)
}

fn container() -> BoxedStrategy<Node> {
    let action = || map(vec![("host", word(&["", "example.org"]))]);
    let handler = || map(vec![("httpGet", action()), ("tcpSocket", action())]);
    map(vec![
        ("name", word(&["a", "b"])),
        ("securityContext", context(true)),
        ("ports", list(map(vec![("hostPort", number()), ("containerPort", number())]))),
        ("livenessProbe", handler()),
        ("lifecycle", map(vec![("preStop", handler())])),
    ])
}

fn any_pod() -> BoxedStrategy<Node> {
    let empty = || node(Value::Map(Vec::new()));
    let source = || Just(empty()).boxed();
    let volume = map(vec![("emptyDir", source()), ("hostPath", source()), ("nfs", source()), ("new", source())]);
    let value = || word(&["", "runtime/default", "localhost/x", "unconfined"]);
    let annotations = map(vec![
        ("container.apparmor.security.beta.kubernetes.io/a", value()),
        ("container.seccomp.security.alpha.kubernetes.io/a", value()),
        ("seccomp.security.alpha.kubernetes.io/pod", value()),
    ]);
    let spec = map(vec![
        ("hostNetwork", flag()),
        ("hostPID", flag()),
        ("hostUsers", flag()),
        ("os", map(vec![("name", word(&["linux", "windows"]))])),
        ("securityContext", context(false)),
        ("containers", prop::collection::vec(container(), 1..3).prop_map(|all| node(Value::List(all))).boxed()),
        ("initContainers", list(container())),
        ("volumes", list(volume)),
    ]);
    map(vec![("metadata", map(vec![("annotations", annotations)])), ("spec", spec)])
}

/// As good as `restricted` asks, or nearly: much of what is generated freely is bad in many ways at once.
fn nearly_good(pod: Node, keep: u64) -> Node {
    let good = object(
        r"
apiVersion: v1
kind: Pod
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - {name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
",
    );
    let mut left = keep;
    let mut merged = good.node;
    overlay(&mut merged, pod, &mut left);
    merged
}

/// Puts some of `from` over `into`, by chance that begins with `keep`.
fn overlay(into: &mut Node, from: Node, keep: &mut u64) {
    let Node { value, place } = from;
    match (&mut into.value, value) {
        (Value::Map(fields), Value::Map(more)) => {
            for Field { name, place, node, .. } in more {
                if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
                    overlay(&mut field.node, node, keep);
                } else if one_in(4, keep) {
                    fields.push(Field { name, place, node, repeated: false });
                }
            }
        }
        (Value::List(items), Value::List(more)) => {
            for (item, more) in items.iter_mut().zip(more) {
                overlay(item, more, keep);
            }
        }
        (_, value) if one_in(8, keep) => *into = Node { value, place },
        _ => {}
    }
}

/// Says yes to one in so many.
fn one_in(many: u64, state: &mut u64) -> bool {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33).is_multiple_of(many)
}

fn reversed(node: &Node) -> Node {
    let value = match &node.value {
        Value::Map(fields) => Value::Map(
            fields.iter().rev().map(|field| Field { node: reversed(&field.node), ..field.clone() }).collect(),
        ),
        Value::List(items) => Value::List(items.iter().map(reversed).collect()),
        other => other.clone(),
    };
    Node { value, place: node.place }
}

fn as_pod(mut node: Node) -> Object {
    node.set_missing("apiVersion", "v1");
    node.set_missing("kind", "Pod");
    Object::new("x", node).unwrap()
}

fn versions() -> impl Strategy<Value = Version> {
    prop_oneof![(0u32..40).prop_map(Version::V1), Just(Version::Latest)]
}

fn laws(object: &Object, version: Version) {
    let run = |object: &Object, level| check(&PodTemplate::of(object).unwrap(), Standard { level, version });
    let (baseline, told) = run(object, Level::Baseline);
    let (restricted, told_again) = run(object, Level::Restricted);
    assert_eq!(told, told_again, "what the server refuses has nothing to do with the level");
    assert_eq!(run(object, Level::Privileged).0, []);
    // What baseline finds restricted finds too, by the same check or the one in its place.
    if told.is_empty() {
        for violation in &baseline {
            let of_both = restricted.iter().find(|other| {
                let own = CHECKS.iter().filter(|check| check.id == other.check);
                other.check == violation.check || own.clone().any(|check| check.replaces == Some(violation.check))
            });
            assert!(of_both.is_some(), "{violation:?} is not in {restricted:?}");
        }
    }
    // The order of fields says nothing.
    let turned = as_pod(reversed(&object.node));
    for (level, found) in [(Level::Baseline, &baseline), (Level::Restricted, &restricted)] {
        let (again, told_again) = run(&turned, level);
        let sets = |found: &[Violation]| {
            let text = |violation: &Violation| (violation.check, violation.reason, violation.detail.clone());
            found.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(sets(&again), sets(found));
        assert_eq!(told_again.len(), told.len());
    }
    // Every path begins in the pod.
    let paths = baseline.iter().chain(&restricted).flat_map(|violation| &violation.paths);
    assert!(paths.clone().all(|path| path.starts_with("spec.") || path.starts_with("metadata.annotations[")));
    assert!(baseline.iter().chain(&restricted).all(|violation| !violation.paths.is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restricted_allows_no_more_than_baseline(pod in any_pod(), version in versions()) {
        laws(&as_pod(pod), version);
    }

    #[test]
    fn nor_where_pods_are_nearly_good(pod in any_pod(), keep in any::<u64>(), version in versions()) {
        laws(&as_pod(nearly_good(pod, keep)), version);
    }

    #[test]
    fn versions_and_levels_are_read_as_written(minor in any::<u32>(), level in 0usize..3) {
        let standard = Standard { level: Level::ALL[level], version: Version::V1(minor) };
        prop_assert_eq!(standard.to_string().parse(), Ok(standard));
    }

    #[test]
    fn any_text_is_a_standard_or_an_error(text in ".{0,20}") {
        let _ = text.parse::<Standard>();
    }
}
