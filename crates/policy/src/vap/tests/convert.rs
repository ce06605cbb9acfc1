//! What is converted says the same of any workload as our own evaluator does.

use super::read;
use crate::evaluate::Outcome;
use crate::manifest::{Object, workloads};
use crate::policy::{Enforcement, Exclusion, Group, Label, Operator, Policy, Scope, Section, SkipContainer, Stage};
use crate::vap::Policies;
use crate::vap::convert::convert;
use crate::{Compiled, Image, Subject, Surroundings, compile};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_base::tree::{Node, from_json};
use sekisho_model::{Fact, ImageRef};
use serde_json::{Value, json};

/// Choices, made one after the other.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn number(&mut self, below: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % below
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.number(list.len())].clone()
    }

    fn maybe(&mut self) -> bool {
        self.number(2) == 0
    }

    /// Fields, each of which is there or not.
    fn some(&mut self, fields: &[(&str, &[Value])]) -> Value {
        let mut map = serde_json::Map::new();
        for (name, values) in fields {
            if self.maybe() {
                map.insert((*name).to_owned(), self.of(values));
            }
        }
        Value::Object(map)
    }

    fn list(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> Value) -> Value {
        let count = self.number(most + 1);
        Value::Array((0..count).map(|_| item(self)).collect())
    }
}

/// Names of images, of which registries do not take all.
const IMAGES: [&str; 22] = [
    "nginx",
    "nginx:1.27",
    "library/nginx:latest",
    "docker.io/nginx",
    "index.docker.io/nginx:LATEST",
    "index.docker.io/a/b",
    "localhost/app",
    "localhost",
    "h:5000/a/b_c:v1",
    "[::1]:5000/a--b",
    "Quay.io/x/y",
    "quay.io/x/y@sha256:00",
    "quay.io/x/y@sha256:00000000000000000000000000000000000000000000000000000000000000ff",
    "quay.io/x/y:1@sha256:00000000000000000000000000000000000000000000000000000000000000ff",
    "nginx@sha256:00000000000000000000000000000000000000000000000000000000000000ff",
    "",
    "Nginx",
    "a..b/c",
    "a/b___c",
    ":5000/a",
    "docker://nginx",
    "nginx:1:2",
];

fn flags() -> [Value; 2] {
    [json!(true), json!(false)]
}

fn profiles() -> [Value; 4] {
    [
        json!({"type": "RuntimeDefault"}),
        json!({"type": "Unconfined"}),
        json!({"type": "Localhost", "localhostProfile": "x"}),
        json!({"type": "Localhost"}),
    ]
}

fn container(choose: &mut Choices<'_>) -> Value {
    let mut container = json!({
        "name": choose.of(&["a", "b", "web"]),
        "image": choose.of(&IMAGES),
    });
    let capabilities =
        [json!([]), json!(["SYS_ADMIN"]), json!(["cap_net_raw", "KILL"]), json!(["ALL"]), json!(["CAP_ALL"])];
    if choose.maybe() {
        let mut context = choose.some(&[
            ("privileged", &flags()),
            ("allowPrivilegeEscalation", &flags()),
            ("readOnlyRootFilesystem", &flags()),
            ("runAsUser", &[json!(0), json!(7)]),
            ("runAsNonRoot", &flags()),
            ("seccompProfile", &profiles()[..3]),
            ("appArmorProfile", &profiles()),
        ]);
        if choose.maybe() {
            context["capabilities"] = choose.some(&[("add", &capabilities), ("drop", &capabilities)]);
        }
        container["securityContext"] = context;
    }
    if choose.maybe() {
        let amounts = [json!("100m"), json!(1), json!("0.5"), json!("0"), json!("1500m"), json!("2")];
        let sizes = [json!("128Mi"), json!("1Gi"), json!("0"), json!("1.5Gi"), json!(1_048_576), json!("100M")];
        let limits = choose.some(&[("cpu", &amounts), ("memory", &sizes)]);
        container["resources"] = if choose.maybe() { json!({ "limits": limits }) } else { json!({}) };
    }
    if choose.maybe() {
        let env = choose.list(3, |choose| {
            let mut variable = json!({ "name": choose.of(&["PASSWORD", "password", "KEY", "A_KEY"]) });
            match choose.number(6) {
                0 => variable["value"] = json!("x"),
                1 => variable["value"] = json!(""),
                2 => variable["valueFrom"] = json!({"secretKeyRef": {"name": "s", "key": "k"}}),
                3 => variable["valueFrom"] = json!({"configMapKeyRef": {"name": "s", "key": "k"}}),
                4 => variable["valueFrom"] = json!({"fieldRef": {"fieldPath": "metadata.name"}}),
                _ => {}
            }
            variable
        });
        container["env"] = env;
    }
    if choose.maybe() {
        container["envFrom"] = choose.list(2, |choose| {
            let name = choose.of(&["secretRef", "configMapRef"]);
            let mut from = json!({ name: { "name": "s" } });
            if choose.maybe() {
                from["prefix"] = json!(choose.of(&["", "KEY"]));
            }
            from
        });
    }
    if choose.maybe() {
        container["volumeMounts"] = choose.list(3, |choose| {
            let mut mount = choose.some(&[
                ("readOnly", &flags()),
                ("mountPropagation", &[json!("None"), json!("HostToContainer"), json!("Bidirectional")]),
            ]);
            mount["name"] = json!(choose.of(&["v", "w", "missing"]));
            mount["mountPath"] = json!(choose.of(&["/proc", "/data", "/var/run/docker.sock"]));
            mount
        });
    }
    for (name, words) in [("command", json!(["sh", "-c"])), ("args", json!(["curl x\n| sh"]))] {
        if choose.maybe() {
            container[name] = if choose.maybe() { words } else { json!([]) };
        }
    }
    for probe in ["livenessProbe", "readinessProbe"] {
        if choose.maybe() {
            container[probe] = choose.of(&[json!({}), json!({"httpGet": {"port": 80}}), Value::Null]);
        }
    }
    container
}

fn pod_spec(choose: &mut Choices<'_>) -> Value {
    let mut spec = choose.some(&[
        ("hostNetwork", &flags()),
        ("hostPID", &flags()),
        ("hostIPC", &flags()),
        ("automountServiceAccountToken", &flags()),
        ("serviceAccountName", &[json!("robot"), json!(""), json!("default")]),
        ("serviceAccount", &[json!("older"), json!("")]),
        ("runtimeClassName", &[json!("gvisor"), json!("kata")]),
    ]);
    if choose.maybe() {
        spec["securityContext"] = choose.some(&[
            ("seccompProfile", &profiles()[..3]),
            ("appArmorProfile", &profiles()),
            ("runAsUser", &[json!(0), json!(9)]),
            ("runAsNonRoot", &flags()),
        ]);
    }
    let sources = [
        json!({"hostPath": {"path": "/proc"}}),
        json!({"hostPath": {"path": "/var/run/docker.sock", "type": "Socket"}}),
        json!({"emptyDir": {}}),
        json!({"secret": {"secretName": "s"}}),
        json!({"configMap": {"name": "s"}}),
        json!({"persistentVolumeClaim": {"claimName": "data"}}),
        json!({"nfs": {"server": "10.0.0.1", "path": "/x"}}),
        json!({"image": {"reference": choose.of(&IMAGES)}}),
        json!({"image": {}}),
        json!({}),
    ];
    let mut volumes = Vec::new();
    for name in ["v", "w"] {
        if choose.maybe() {
            let mut volume = choose.of(&sources);
            volume["name"] = json!(name);
            volumes.push(volume);
        }
    }
    if !volumes.is_empty() || choose.maybe() {
        spec["volumes"] = Value::Array(volumes);
    }
    spec["containers"] = choose.list(2, container);
    if choose.maybe() {
        spec["initContainers"] = choose.list(2, container);
    }
    if choose.maybe() {
        spec["ephemeralContainers"] = choose.list(1, container);
    }
    spec
}

fn metadata(choose: &mut Choices<'_>) -> Value {
    let words = [
        json!({}),
        json!({"app": "web"}),
        json!({"app": "db", "Owner": "Me"}),
        json!({"owner": ""}),
        json!({"app": null}),
    ];
    let mut found = choose.some(&[("labels", &words), ("annotations", &words)]);
    found["name"] = json!(choose.of(&["web", "db-0"]));
    if choose.maybe() {
        found["namespace"] = json!(choose.of(&["shop", "kube-system"]));
    }
    found
}

fn workload(choose: &mut Choices<'_>) -> Object {
    let kinds = [
        ("v1", "Pod"),
        ("v1", "PodTemplate"),
        ("v1", "ReplicationController"),
        ("apps.openshift.io/v1", "DeploymentConfig"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    ];
    let (version, kind) = choose.of(&kinds);
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata(choose)});
    let mut template = json!({"spec": pod_spec(choose)});
    if choose.maybe() {
        let name = "container.apparmor.security.beta.kubernetes.io/a";
        template["metadata"] = json!({"annotations": {name: choose.of(&["runtime/default", "unconfined"])}});
    }
    let count = choose.some(&[("replicas", &[json!(0), json!(1), json!(3)]), ("parallelism", &[json!(0), json!(2)])]);
    let number = |name: &str| count.get(name).cloned().unwrap_or(Value::Null);
    match kind {
        "Pod" => {
            if let Some(annotations) = template.pointer("/metadata/annotations") {
                object["metadata"]["annotations"] = annotations.clone();
            }
            object["spec"] = template["spec"].clone();
        }
        "CronJob" => object["spec"] = json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}),
        "Job" => object["spec"] = json!({"parallelism": number("parallelism"), "template": template}),
        "DaemonSet" => object["spec"] = json!({"template": template}),
        "PodTemplate" => object["template"] = template,
        _ => object["spec"] = json!({"replicas": number("replicas"), "template": template}),
    }
    let node: Node = from_json(object.to_string().as_bytes()).unwrap();
    Object::new("x.json", node).unwrap()
}

/// Criteria that can be said, each with values.
const CRITERIA: [(&str, &[&str]); 36] = [
    ("Add Capabilities", &["SYS_ADMIN", "NET_RAW", "CAP_KILL"]),
    ("Allow Privilege Escalation", &["true", "false"]),
    ("AppArmor Profile", &["runtime/default", "unconfined", "localhost/.*", "(un.*|)"]),
    ("Automount Service Account Token", &["true", "false"]),
    ("Container CPU Limit", &["0", "> 0.5", "<= 1", "= 1.5", ">= 2"]),
    ("Container Command", &["sh", "^sh -c$", "(?s)-c.*[|] sh", "x.*[|]", "()"]),
    ("Container Memory Limit", &["0", "> 128", "= 1536", "<= 1", "< 95.5"]),
    ("Container Name", &["web", "A", "w.*", "[ab]", "\\w{1}", "\\p{Lu}", "[a&&w]eb"]),
    ("Disallowed Annotation", &["app=", "app=web", "=me", "OWNER=.*"]),
    ("Drop Capabilities", &["ALL", "NET_RAW", "SYS_ADMIN"]),
    (
        "Environment Variable",
        &["=PASSWORD=", "RAW=.*KEY.*=x", "SECRET_KEY=.*=", "CONFIG_MAP_KEY=KEY=", "=.*=x", "FIELD=.*="],
    ),
    ("Host IPC", &["true", "false"]),
    ("Host Network", &["true", "false"]),
    ("Host PID", &["true", "false"]),
    ("Image Named By Digest", &["true", "false"]),
    ("Image Registry", &["docker.io", "quay\\.io", "localhost", ".*:5000"]),
    ("Image Remote", &["library/nginx", "nginx", "x/.*", "[^/]*"]),
    ("Image Tag", &["latest", "1.*", ".*[A-Z].*", "(|v1)"]),
    ("Liveness Probe Defined", &["true", "false"]),
    ("Mount Propagation", &["NONE", "BIDIRECTIONAL", "HOSTTOCONTAINER"]),
    ("Namespace", &["shop", "kube-.*", "default"]),
    ("Privileged Container", &["true", "false"]),
    ("Read-Only Root Filesystem", &["true", "false"]),
    ("Readiness Probe Defined", &["true", "false"]),
    ("Replicas", &["> 1", "0", "<= 1", "3"]),
    ("Required Annotation", &["app=", "app=web", "owner=me|you"]),
    ("Required Label", &["app=.*", "owner=", "app=db"]),
    ("Root User Allowed", &["true", "false"]),
    ("Run As User", &["0", "> 0", "<= 7"]),
    ("Runtime Class", &["gvisor", "k.ta", "(|kata)"]),
    ("Seccomp Profile Type", &["UNCONFINED", "RUNTIME_DEFAULT", "LOCALHOST"]),
    ("Service Account", &["default", "rob.t", "older"]),
    ("Volume Destination", &["/proc", "/var/.*", "/data"]),
    ("Volume Name", &["v", "[wm].*"]),
    ("Volume Source", &["/proc", "s", ".*docker\\.sock", "(|s)"]),
    ("Volume Type", &["hostpath", "EmptyDir", "(secret|configmap)", ".*"]),
];

fn policy(choose: &mut Choices<'_>) -> Policy {
    let mut sections = Vec::new();
    for _ in 0..=choose.number(2) {
        let mut groups: Vec<Group> = Vec::new();
        for _ in 0..=choose.number(3) {
            let (field, values) = choose.of(&CRITERIA);
            let writable = ["Writable Host Mount", "Writable Mounted Volume"];
            let (field, values) =
                if choose.number(12) == 0 { (choose.of(&writable), &["true", "false"][..]) } else { (field, values) };
            let criterion = crate::criteria::criterion(field).unwrap();
            if groups.iter().any(|group| group.field == field) {
                continue;
            }
            let count = if criterion.several { 1 + choose.number(2) } else { 1 };
            let values = (0..count).map(|_| choose.of(values).to_owned()).collect();
            let operator = if choose.maybe() { Operator::Or } else { Operator::And };
            let negate = criterion.negatable && choose.maybe();
            groups.push(Group { field: field.to_owned(), operator, negate, values });
        }
        sections.push(Section { name: String::new(), groups });
    }
    let skip_containers =
        [SkipContainer::Init, SkipContainer::Regular].into_iter().filter(|_| choose.number(4) == 0).collect();
    let mut policy = Policy {
        name: "a policy".to_owned(),
        stages: vec![Stage::Deploy],
        sections,
        skip_containers,
        ..Policy::default()
    };
    let scope = |choose: &mut Choices<'_>| Scope {
        namespace: choose.of(&["", "shop", "kube-.*", "Default"]).to_owned(),
        label: choose.maybe().then(|| Label { key: "app".to_owned(), value: choose.of(&["", "web"]).to_owned() }),
        ..Scope::default()
    };
    for _ in 0..choose.of(&[0, 0, 1, 2]) {
        policy.scopes.push(scope(choose));
    }
    for _ in 0..choose.of(&[0, 0, 1, 2]) {
        let within = choose.maybe().then(|| scope(choose));
        let deployment = Some((choose.of(&["", "web", "db-[0-9]"]).to_owned(), within));
        policy.exclusions.push(Exclusion { deployment, ..Exclusion::default() });
    }
    policy
}

/// What our own evaluator says; none where the manifest is broken, or the policy is not about the workload.
fn own(policy: &Compiled, object: &Object) -> Option<Outcome> {
    let (found, diagnostics) = workloads(std::slice::from_ref(object));
    let [found] = found.as_slice() else { return None };
    if !diagnostics.is_empty() {
        return None;
    }
    let around = Surroundings::default();
    let yes = crate::scope::Applies::Yes;
    let scoped = policy.scopes.is_empty() || policy.scopes.iter().any(|it| it.applies(&found.workload, &around) == yes);
    let excluded = policy.exclusions.iter().any(|it| it.is_about_workload(&found.workload, &around) == yes);
    if !scoped || excluded {
        return Some(Outcome::Passed);
    }
    let images: Vec<Image<'_>> = (found.workload.images().into_iter())
        .map(|it| Image { name: it.name, reference: it.reference, path: it.path, facts: Fact::NotAsked })
        .collect();
    let subject =
        Subject { activity: None, workload: Some(&found.workload), images: &images, now: Timestamp::UNIX_EPOCH };
    Some(crate::evaluate(policy, &subject).outcome)
}

/// What the server would say.
fn served(converted: &[Value], object: &Object) -> (Outcome, String) {
    let objects: Vec<Object> = (converted.iter())
        .map(|value| Object::new("x.json", from_json(value.to_string().as_bytes()).unwrap()).unwrap())
        .collect();
    let (policies, faults) = Policies::load(&objects);
    assert!(faults.is_empty(), "{faults:?}");
    let reviews = policies.review(object);
    assert!(reviews.len() <= 1);
    reviews.first().map_or((Outcome::Passed, String::new()), |it| (it.said.outcome, format!("{:?}", it.said.messages)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_converted_says_the_same(choices in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut choose = Choices(choices.iter());
        let policy = policy(&mut choose);
        let converted = convert(&policy).unwrap();
        let compiled = compile(&policy, Stage::Deploy).unwrap();
        let mut object = workload(&mut choose);
        for _ in 0..4 {
            if let Some(expect) = own(&compiled, &object) {
                let (found, why) = served(&converted, &object);
                prop_assert_eq!(
                    found, expect, "{}\n{}\n{}", why,
                    serde_json::to_string(&object.node).unwrap(),
                    serde_json::to_string_pretty(&converted[0]["spec"]).unwrap()
                );
            }
            object = workload(&mut choose);
        }
    }
}

/// A policy of one section, with one value for each criterion.
fn asking(groups: &[(&str, &str)]) -> Policy {
    let groups = groups.iter().map(|(field, value)| Group {
        field: (*field).to_owned(),
        values: vec![(*value).to_owned()],
        ..Group::default()
    });
    let sections = vec![Section { groups: groups.collect(), ..Section::default() }];
    Policy { name: "x".to_owned(), stages: vec![Stage::Deploy], sections, ..Policy::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_of_images_are_read_alike(
        name in "((index\\.)?docker\\.io/|localhost/|[hA\\[:.-]{1,3}(:5)?/)?[aA0._/:@-]{0,8}(:[a0A._-]{0,3})?(@sha256:0{63,65})?"
    ) {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
            "spec": {"containers": [{"name": "c", "image": name}]},
        });
        let object = Object::new("x.json", from_json(object.to_string().as_bytes()).unwrap()).unwrap();
        let familiar = ImageRef::familiar(&name).ok();
        let exactly = |text: &str| text.replace('.', "\\.").replace('[', "\\[").replace(']', "\\]");
        let of = |read: fn(&ImageRef) -> &str| familiar.as_ref().map_or_else(|| "x".to_owned(), |it| exactly(read(it)));
        for (field, value) in [
            ("Image Registry", of(|it| &it.registry)),
            ("Image Remote", of(|it| &it.repository)),
            ("Image Tag", format!("({})", of(|it| &it.tag))),
            ("Image Named By Digest", "true".to_owned()),
        ] {
            let policy = asking(&[(field, &value)]);
            let (compiled, converted) = (compile(&policy, Stage::Deploy).unwrap(), convert(&policy).unwrap());
            let expect = own(&compiled, &object).unwrap();
            prop_assert_eq!(served(&converted, &object).0, expect, "{} {}", field, value);
            prop_assert_eq!(expect == Outcome::Unknown, familiar.is_none());
        }
    }
}

#[test]
fn each_criterion_that_can_be_said_tells_workloads_apart() {
    // With equal chances for every choice, both sides of each criterion are met.
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let objects: Vec<Object> = (0..150)
        .map(|_| {
            let choices: Vec<u8> = (0..600).map(|_| random()).collect();
            workload(&mut Choices(choices.iter()))
        })
        .collect();
    for (field, values) in CRITERIA {
        let mut seen = std::collections::BTreeSet::new();
        for value in values {
            let policy = asking(&[(field, value)]);
            let (compiled, converted) = (compile(&policy, Stage::Deploy).unwrap(), convert(&policy).unwrap());
            for object in &objects {
                let Some(expect) = own(&compiled, object) else { continue };
                assert_eq!(
                    served(&converted, object).0,
                    expect,
                    "{field} {value}\n{:?}",
                    serde_json::to_string(&object.node)
                );
                seen.insert(expect);
            }
        }
        let both = [Outcome::Passed, Outcome::Violated];
        assert!(both.iter().all(|it| seen.contains(it)), "{field} comes out as {seen:?} only");
    }
}

#[test]
fn what_cannot_be_said_is_told_with_the_reason() {
    let refused = |groups: &[(&str, &str)], change: fn(&mut Policy)| {
        let mut policy = asking(groups);
        change(&mut policy);
        convert(&policy).unwrap_err()
    };
    let check = |groups: &[(&str, &str)], expect: &[&str]| assert_eq!(refused(groups, |_| {}), expect, "{groups:?}");
    check(
        &[("CVE", "CVE-2021-44228"), ("Image Registry", "docker.io")],
        &["CVE is about what is in the image, which the server does not know"],
    );
    check(&[("Exposed Port", "22")], &["ports are opened by services as well, which the server does not show"]);
    check(
        &[("Minimum RBAC Permissions", "CLUSTER_ADMIN"), ("Has Ingress Network Policy", "false")],
        &[
            "\"Minimum RBAC Permissions\" is about other objects, which the server does not show",
            "\"Has Ingress Network Policy\" is about other objects, which the server does not show",
        ],
    );
    check(&[("Environment Variable", "UNSET=A=")], &["variables from UNSET cannot be told from others on the server"]);
    check(&[("Container CPU Limit", "> 0.009")], &["0.009 is no limit that can be compared exactly"]);
    check(
        &[("Container CPU Request", "0")],
        &["\"Container CPU Request\": a server gives pods the requests of their limits, manifests do not show them"],
    );
    let simple = [("Host PID", "true")];
    assert_eq!(refused(&simple, |it| it.stages = vec![Stage::Build]), ["it is not asked where workloads are made"]);
    let expiring = |it: &mut Policy| {
        let deployment = Some(("web".to_owned(), None));
        it.exclusions.push(Exclusion { deployment, expiration: Some("2030-01-01".to_owned()), ..Exclusion::default() });
    };
    assert_eq!(refused(&simple, expiring), ["an exclusion ends at a moment, which no server knows"]);
    let clusters = |it: &mut Policy| it.scopes.push(Scope { cluster: "x".to_owned(), ..Scope::default() });
    assert_eq!(refused(&simple, clusters), ["a scope names clusters, which no server knows"]);
}

#[test]
fn the_binding_does_what_the_policy_enforces() {
    let groups = vec![Group { field: "Host PID".to_owned(), values: vec!["true".to_owned()], ..Group::default() }];
    let mut policy = Policy {
        name: "No host PID (pods)!".to_owned(),
        description: "a pod\nsees processes".to_owned(),
        stages: vec![Stage::Deploy],
        sections: vec![Section { groups, ..Section::default() }],
        ..Policy::default()
    };
    let converted = convert(&policy).unwrap();
    assert_eq!(converted[1]["spec"], json!({"policyName": "no-host-pid-pods", "validationActions": ["Warn", "Audit"]}));
    assert_eq!(converted[0]["spec"]["validations"][0]["message"], "a pod sees processes");
    policy.enforcement = vec![Enforcement::ScaleToZero];
    assert_eq!(convert(&policy).unwrap()[1]["spec"]["validationActions"], json!(["Deny"]));
    policy.disabled = true;
    assert_eq!(convert(&policy).unwrap().len(), 1);
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostPID: true, containers: [{name: a, image: b}]}\n";
    assert_eq!(served(&converted, &read(pod)[0]).0, Outcome::Violated);
}

/// Policies that people wrote: what ships here on its own examples, and those of StackRox where they are.
#[test]
fn policies_that_are_in_use_are_converted_or_refused() {
    let mut set = crate::PolicySet::default();
    set.add_shipped(None, &sekisho_base::Limits::default());
    let (mut converted, mut compared, mut refused) = (0, 0, 0);
    for ready in &set.policies {
        let Ok(objects) = convert(&ready.policy) else {
            refused += 1;
            continue;
        };
        converted += 1;
        let compiled = compile(&ready.policy, Stage::Deploy).unwrap();
        for example in &ready.examples {
            let [node] = example.manifest.as_slice() else { continue };
            let Some(object) = Object::new("x.yaml", node.clone()) else { continue };
            if let Some(expect) = own(&compiled, &object) {
                assert_eq!(served(&objects, &object).0, expect, "{}: {}", ready.policy.id, example.name);
                compared += 1;
            }
        }
    }
    println!("shipped: {converted} converted, {refused} refused, {compared} examples compared");
    assert!(compared > 0, "{converted} converted, {compared} compared");
    let Some(folder) = crate::testing::corpus("policies/stackrox") else { return };
    let (mut converted, mut refused) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(document) = serde_json::from_slice::<Value>(&std::fs::read(entry.unwrap().path()).unwrap_or_default())
        else {
            continue;
        };
        for policy in crate::stackrox::read(&document).unwrap_or_default() {
            match convert(&policy) {
                Ok(_) => converted.push(policy.name),
                Err(reasons) => refused.push((policy.name, reasons)),
            }
        }
    }
    println!("StackRox: {} converted, {} refused: {refused:#?}", converted.len(), refused.len());
    assert!(converted.len() >= 4, "{converted:?}");
}
