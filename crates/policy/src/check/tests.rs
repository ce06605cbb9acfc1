//! What policies say of manifests, where it is told, and how much of it is kept.

use super::*;
use crate::foreign::Point;
use sekisho_base::Limits;

fn checked(policy: &str, manifest: &str) -> Vec<(PolicyOutcome, String)> {
    let mut set = PolicySet::default();
    assert_eq!(set.add(None, policy, &Limits::default()), []);
    let (objects, _) = manifest::objects("all.yaml", manifest, &Limits::default());
    let (around, images) = (Surroundings::default(), |_: &str| Fact::NotAsked);
    let context = Context { around: &around, images: &images, now: Timestamp::UNIX_EPOCH, limits: &Limits::default() };
    let checked = check_manifests(&set, &set.foreign(Point::CommandLine(&objects)), &objects, &context);
    let told = |result: CheckResult| {
        let violations = result.violations.iter().map(|it| it.message.to_string());
        (result.outcome, violations.chain(result.reasons.iter().cloned()).collect::<Vec<_>>().join("; "))
    };
    checked.results.into_iter().map(told).collect()
}

#[test]
fn a_port_that_the_cluster_chooses_is_not_known() {
    let policy = "policy: x\nname: x\nstages: [deploy]\nwhen: {Exposed Node Port: '> 31000'}\n";
    let service = |spec: &str| {
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{a: b}}}}\nspec: {{containers: [{{name: a, image: \
             a, ports: [{{containerPort: 80}}]}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: \
             {{selector: {{a: b}}, {spec}}}\n"
        );
        checked(policy, &manifest)
    };
    let chosen = (PolicyOutcome::Unknown, "the cluster chooses the node port of Service/s".to_owned());
    assert!(service("type: NodePort, ports: [{port: 80}]")[0].1.ends_with(&chosen.1));
    assert_eq!(service("type: NodePort, ports: [{port: 80}]")[0].0, chosen.0);
    assert_eq!(service("type: LoadBalancer, ports: [{port: 80}]")[0].0, chosen.0);
    assert_eq!(service("type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]"), []);
    assert_eq!(service("ports: [{port: 80}]"), []);
    assert_eq!(service("type: NodePort, ports: [{port: 80, nodePort: 30080}]"), []);
    assert_eq!(service("type: NodePort, ports: [{port: 80, nodePort: 32000}]")[0].0, PolicyOutcome::Violated);
}

#[test]
fn images_of_volumes_are_images_of_the_workload() {
    let policy = "policy: x\nname: x\nstages: [deploy]\nwhen: {Image Registry: bad.example.org}\n";
    let pod = |volume: &str| {
        checked(
            policy,
            &format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - {{name: a, image: a, \
                 volumeMounts: [{{name: v, mountPath: /v}}]}}\n  - {{name: b, image: b}}\n  volumes:\n  - {{name: v, \
                 {volume}}}\n"
            ),
        )
    };
    let found = pod("image: {reference: 'bad.example.org/model:1'}");
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("bad.example.org/model:1"), "{found:?}");
    assert_eq!(pod("image: {reference: 'good.example.org/model:1'}"), []);
    assert_eq!(pod("emptyDir: {}"), []);
}

#[test]
fn what_is_wrong_with_an_image_is_told_at_its_name() {
    let policy = "policy: x\nname: x\nstages: [deploy]\nwhen: {Image Tag: latest}\n";
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      \
                    initContainers:\n      - {name: a, image: a}\n      containers:\n      - {name: b, image: 'b:1', \
                    volumeMounts: [{name: v, mountPath: /v}, {name: w, mountPath: /w}]}\n      volumes:\n      - name: \
                    u\n        image: {reference: nobody-mounts-it}\n      - name: v\n        image: {reference: \
                    model}\n      - name: w\n        image: {reference: a}\n";
    let mut set = PolicySet::default();
    assert_eq!(set.add(None, policy, &Limits::default()), []);
    let (objects, _) = manifest::objects("all.yaml", manifest, &Limits::default());
    let (around, images) = (Surroundings::default(), |_: &str| Fact::NotAsked);
    let context = Context { around: &around, images: &images, now: Timestamp::UNIX_EPOCH, limits: &Limits::default() };
    let checked = check_manifests(&set, &set.foreign(Point::CommandLine(&objects)), &objects, &context);
    let places = checked.results[0].violations.iter().map(|it| (&*it.path, it.line));
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            ("spec.template.spec.initContainers[0].image", 8),
            ("spec.template.spec.volumes[1].image.reference", 15),
            ("spec.template.spec.volumes[2].image.reference", 17),
        ]
    );
}

#[test]
fn what_takes_too_much_memory_is_not_judged_and_told() {
    let mut set = PolicySet::default();
    assert!(set.add_shipped(None, &Limits::default()).is_empty());
    let pod = |number: usize| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec: {{containers: [{{name: a, image: a}}]}}\n---\n"
        )
    };
    let text: String = (0..200).map(pod).collect();
    let (objects, _) = manifest::objects("pods.yaml", &text, &Limits::default());
    let around = Surroundings::default();
    let foreign = set.foreign(Point::CommandLine(&objects));
    let check = |facts_bytes: u64| {
        let limits = Limits { facts_bytes, ..Limits::default() };
        let images = |_: &str| Fact::NotAsked;
        let context = Context { around: &around, images: &images, now: Timestamp::UNIX_EPOCH, limits: &limits };
        check_manifests(&set, &foreign, &objects, &context)
    };
    // What is wrong with each of them is the same, and is kept once: it was ten times as much.
    let all = check(4 << 20);
    assert_eq!((all.subjects.len(), all.diagnostics.len()), (200, 0), "{:?}", all.diagnostics);
    let some = check(1 << 20);
    let judged = some.subjects.len();
    assert!(judged > 20 && judged < 200, "{judged}");
    let left = 200 - judged;
    let expect = format!(
        "pods.yaml: line {}: Pod/p{judged} and what is behind it, {left} objects in all, were not judged: what policies \
         say of those before takes more than the limit of 1048576 bytes of memory (limits.facts_bytes)",
        judged * 5 + 1,
    );
    assert_eq!(some.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>(), [expect]);
    assert!(some.diagnostics[0].level == Level::Incomplete);
    assert_eq!(some.results, all.results[..some.results.len()]);
    // As many as there are values that are alike.
    let messages =
        all.results.iter().flat_map(|it| &it.violations).map(|it| std::ptr::from_ref(&*it.message).cast::<u8>());
    let apart: BTreeSet<*const u8> = messages.collect();
    assert!(apart.len() < 100, "{}", apart.len());
}

#[test]
fn what_passes_is_counted_for_policies_and_for_subjects() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: a:1\n    securityContext: {privileged: true, allowPrivilegeEscalation: true}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec:\n  containers:\n  - name: b\n    image: b:1\n    securityContext: {privileged: false, allowPrivilegeEscalation: false}\n";
    let mut set = PolicySet::default();
    assert!(set.add_shipped(None, &Limits::default()).is_empty());
    set.policies.retain(|it| it.policy.id == "privileged-container");
    let (objects, _) = manifest::objects("pods.yaml", text, &Limits::default());
    let (around, images) = (Surroundings::default(), |_: &str| Fact::NotAsked);
    let context = Context { around: &around, images: &images, now: Timestamp::UNIX_EPOCH, limits: &Limits::default() };
    let checked = check_manifests(&set, &set.foreign(Point::CommandLine(&objects)), &objects, &context);
    assert_eq!(checked.subjects.iter().map(|it| it.passed).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((checked.policies[0].passed, checked.results.len()), (1, 1));
}
