//! The policies that ship, held to their own examples.

use crate::check::{Context, check_manifests, prove};
use crate::fix;
use crate::foreign::Foreign;
use crate::policy::Stage;
use crate::scope::Surroundings;
use crate::set::PolicySet;
use crate::testing::corpus;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Fact, PolicyOutcome, PolicySeverity};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

fn shipped() -> PolicySet {
    let mut set = PolicySet::default();
    let faults = set.add_shipped(None, &Limits::default());
    assert!(faults.is_empty(), "{faults:#?}");
    set
}

#[test]
fn every_policy_says_of_its_examples_what_they_expect() {
    for ready in &shipped().policies {
        let id = &ready.policy.id;
        for example in &ready.examples {
            let (outcome, checked) = prove(ready, example);
            assert_eq!(outcome, example.expect, "{id}: {}: {:#?}", example.name, checked);
        }
        let expects = |wanted| ready.examples.iter().any(|example| example.expect == wanted);
        assert!(expects(PolicyOutcome::Violated), "{id} has no example that fails");
        assert!(expects(PolicyOutcome::Passed), "{id} has no example that passes");
    }
}

#[test]
fn every_policy_is_whole_and_like_no_other() {
    let set = shipped();
    let mut ids = HashSet::new();
    let mut asked = HashSet::new();
    for ready in &set.policies {
        let policy = &ready.policy;
        let id = &policy.id;
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(asked.insert(format!("{:?} {:?}", policy.sections, policy.stages)), "{id} asks what another asks");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
        let texts = [&policy.name, &policy.description, &policy.rationale, &policy.remediation];
        assert!(texts.iter().all(|text| !text.is_empty()), "{id} lacks a text");
        let Some((_, ja)) = policy.translations.first() else { panic!("{id} has no Japanese") };
        for text in [&ja.name, &ja.description, &ja.rationale, &ja.remediation] {
            assert!(!text.is_ascii(), "{id}: {text:?} is no Japanese");
        }
        assert!(!policy.controls.is_empty() && !policy.profiles.is_empty() && !policy.categories.is_empty(), "{id}");
        for profile in &policy.profiles {
            assert!(["baseline", "restricted", "nist-800-190", "ci"].contains(&profile.as_str()), "{id}: {profile}");
        }
    }
}

/// A fix is right where what it changes is no violation any more.
#[test]
fn what_is_said_to_mend_a_violation_mends_it() {
    let mut mended = 0;
    for ready in &shipped().policies {
        for example in ready.examples.iter().filter(|example| example.expect == PolicyOutcome::Violated) {
            let (_, checked) = prove(ready, example);
            let all = checked.results.iter().flat_map(|result| &result.violations);
            let fixes: Vec<_> = all.filter_map(|violation| violation.fix.as_deref().cloned()).collect();
            let [node] = example.manifest.as_slice() else { continue };
            if fixes.is_empty() {
                continue;
            }
            let mut example = example.clone();
            example.manifest = vec![fix::tests::applied(node, &fixes)];
            let (outcome, checked) = prove(ready, &example);
            assert_eq!(outcome, PolicyOutcome::Passed, "{}: {fixes:?}: {checked:?}", ready.policy.id);
            mended += 1;
        }
    }
    assert!(mended > 0);
}

/// What the shipped policies of `profile` say of the objects in `text`: those that are violated, by id.
fn violated(profile: &str, text: &str) -> Vec<String> {
    let mut set = PolicySet::default();
    assert!(set.add_shipped(Some(profile), &Limits::default()).is_empty());
    let (objects, diagnostics) = crate::manifest::objects("x.yaml", text, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let context = Context {
        around: &Surroundings::default(),
        images: &|_| Fact::NotAsked,
        now: Timestamp::UNIX_EPOCH,
        limits: &Limits::default(),
    };
    let checked = check_manifests(&set, &Foreign::default(), &objects, &context);
    let violated = checked.results.iter().filter(|it| it.outcome == PolicyOutcome::Violated && it.excluded.is_none());
    violated.map(|result| checked.policies[result.policy].id.clone()).collect()
}

/// An application as the documentation of Kubernetes teaches it, with what a platform adds.
const ORDINARY: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: shop}}
    spec:
      initContainers:
      - {name: migrate, image: 'registry.example.org/shop/app:1.4.2', command: [/app, migrate]}
      containers:
      - name: app
        image: registry.example.org/shop/app:1.4.2
        args: [--listen=:8080, --log-level=info]
        ports: [{containerPort: 8080}]
        env:
        - {name: DB_HOST, value: db.shop.svc}
        - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
        readinessProbe: {httpGet: {path: /ready, port: 8080}}
        volumeMounts: [{name: config, mountPath: /etc/app}, {name: cache, mountPath: /cache}]
      volumes: [{name: config, configMap: {name: app}}, {name: cache, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop}
spec: {selector: {app: shop}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
spec:
  replicas: 1
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: db
        image: postgres:16.4
        ports: [{containerPort: 5432}]
        volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]
  volumeClaimTemplates: [{metadata: {name: data}}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup, namespace: shop}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: dump, image: 'postgres:16.4', command: [sh, -c, 'pg_dump shop | gzip > /backup/shop.gz']}]}}}}}
";

/// All that the level restricted of the Pod Security Standards asks, and what else is taught beside it.
const HARDENED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {team: shop}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: registry.example.org/shop/web:1.4.2@sha256:0000000000000000000000000000000000000000000000000000000000000000
        ports: [{containerPort: 8080}]
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
        resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
        readinessProbe: {httpGet: {path: /ready, port: 8080}}
        livenessProbe: {httpGet: {path: /live, port: 8080}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {}}]}], egress: [{to: [{podSelector: {}}]}]}
";

#[test]
fn profiles_are_quiet_where_they_say_so() {
    assert_eq!(violated("baseline", ORDINARY), Vec::<String>::new());
    assert_eq!(violated("ci", ORDINARY), Vec::<String>::new());
    for profile in ["baseline", "ci", "restricted"] {
        assert_eq!(violated(profile, HARDENED), Vec::<String>::new(), "{profile}");
    }
    assert!(violated("restricted", ORDINARY).len() > 10);
}

#[test]
fn only_what_is_surely_wrong_is_enforced() {
    for ready in &shipped().policies {
        let policy = &ready.policy;
        assert!(policy.enforcement.is_empty() || policy.severity >= PolicySeverity::High, "{}", policy.id);
        assert!(!policy.stages.contains(&Stage::Runtime) || policy.enforcement.is_empty(), "{}", policy.id);
        for control in &policy.controls {
            let (framework, _) = control.split_once(':').unwrap();
            assert!(["NIST-800-190", "CIS-K8s", "CIS-Docker", "PSS"].contains(&framework), "{}: {control}", policy.id);
        }
        assert!(policy.controls[0].starts_with("NIST-800-190:4."), "{}", policy.id);
    }
}

/// What each shipped policy says of the workloads of the corpus, counted. A count that changes without a reason in the
/// change is a mistake in a policy, a criterion, or the reading of manifests.
#[test]
fn the_corpus_is_judged_as_before() {
    let Some(folder) = corpus("policies/manifests") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it != "json") || path.to_string_lossy().contains("__"));
    files.sort();
    let set = shipped();
    let context = Context {
        around: &Surroundings::default(),
        images: &|_| Fact::NotAsked,
        now: Timestamp::UNIX_EPOCH,
        limits: &Limits::default(),
    };
    let mut counts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let (mut subjects, mut told) = (0, Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let (objects, _) = crate::manifest::objects("x", &text, &Limits::default());
        let checked = check_manifests(&set, &Foreign::default(), &objects, &context);
        told.extend(checked.diagnostics.into_iter().map(|diagnostic| diagnostic.message));
        subjects += checked.subjects.len();
        for policy in &checked.policies {
            counts.entry(policy.id.clone()).or_default()[PolicyOutcome::Passed as usize] += policy.passed;
        }
        for result in &checked.results {
            let id = &checked.policies[result.policy].id;
            counts.get_mut(id).unwrap()[result.outcome as usize] += 1;
        }
    }
    let strange = "not evaluated, as no policy is about such objects: 1 ServiceMonitor (monitoring.coreos.com/v1)";
    assert_eq!(told, [strange]);
    let mut found = String::from("# policy passed not_evaluated unknown violated\n");
    for (id, [passed, not_evaluated, unknown, violated]) in &counts {
        assert_eq!(passed + not_evaluated + unknown + violated, subjects, "{id}");
        let _ = writeln!(found, "{id} {passed} {not_evaluated} {unknown} {violated}");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(".");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("shipped", found));
}

/// Policies of `StackRox` that ask what one of ours asks say the same of the corpus.
#[test]
fn what_others_ask_too_is_answered_alike() {
    let (Some(theirs), Some(manifests)) = (corpus("policies/stackrox"), corpus("policies/manifests")) else { return };
    let pairs = [
        ("drop_all_capabilities", "capabilities-not-dropped"),
        ("latest_tag", "latest-tag"),
        ("deployment_has_ingress_network_policy", "no-ingress-policy"),
        ("restricted_host_ports", "low-node-port"),
        ("secret_env_mount", "secret-in-environment"),
    ];
    let shipped = shipped();
    let mut found = 0;
    for entry in std::fs::read_dir(manifests).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let (objects, _) = crate::manifest::objects("x", &text, &Limits::default());
        for (file, id) in pairs {
            let mut set = PolicySet::default();
            let theirs = std::fs::read_to_string(theirs.join(format!("{file}.json"))).unwrap();
            assert!(set.add(None, &theirs, &Limits::default()).is_empty(), "{file}");
            set.policies[0].policy.disabled = false;
            let say = |ready: &crate::set::Ready| {
                let example = crate::native::Example {
                    name: String::new(),
                    expect: PolicyOutcome::Passed,
                    manifest: objects.iter().map(|object| object.node.clone()).collect(),
                    images: Vec::new(),
                    event: None,
                    now: Timestamp::UNIX_EPOCH,
                };
                if example.manifest.is_empty() { PolicyOutcome::Passed } else { prove(ready, &example).0 }
            };
            let ours = shipped.policies.iter().find(|ready| ready.policy.id == id).unwrap();
            assert_eq!(say(&set.policies[0]), say(ours), "{id}: {text}");
            found += usize::from(say(ours) == PolicyOutcome::Violated);
        }
    }
    assert!(found > 30, "{found}");
}
