//! What policies cost: `manifests DIRECTORY N` writes N manifests in about the proportions of real ones, `judge
//! POLICIES` prints what judging one workload takes. Lines are name, value and unit, parted by tabs. `sources DIRECTORY N`
//! writes rules in Rego and N manifests as JSON, and `rego DIRECTORY` says what the rules say of them.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool of the developers")]

use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::tree::{Node, Value, from_json};
use sekisho_model::Fact;
use sekisho_policy::manifest::objects;
use sekisho_policy::rego::Conftest;
use sekisho_policy::rego::conftest::Setup;
use sekisho_policy::{Context, Outcome, Point, PolicySet, Surroundings, check_manifests};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of_hundred(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// A manifest: mostly a deployment with its service, as repositories hold them.
fn manifest(chance: &mut Chance, number: usize) -> String {
    let kind = match chance.below(100) {
        0..60 => "Deployment",
        60..72 => "StatefulSet",
        72..80 => "DaemonSet",
        80..90 => "CronJob",
        _ => "Pod",
    };
    let mut pod = String::from("serviceAccountName: app\n");
    if chance.of_hundred(8) {
        pod += "hostNetwork: true\n";
    }
    if chance.of_hundred(40) {
        pod += "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n";
    }
    pod += "volumes:\n- {name: data, emptyDir: {}}\n- {name: config, configMap: {name: app}}\n";
    if chance.of_hundred(7) {
        pod += "- {name: host, hostPath: {path: /var/run/docker.sock}}\n";
    }
    pod += "containers:\n";
    for container in 0..=chance.below(3) {
        let _ =
            writeln!(pod, "- name: c{container}\n  image: registry.example.org/team/app{number}:{}", chance.below(30));
        pod += "  ports: [{containerPort: 8080}]\n  env:\n";
        for variable in 0..chance.below(12) {
            let _ = writeln!(pod, "  - {{name: VALUE_{variable}, value: \"{}\"}}", chance.below(1000));
        }
        pod += "  - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}\n";
        if chance.of_hundred(70) {
            pod += "  resources: {limits: {cpu: 500m, memory: 256Mi}, requests: {cpu: 100m, memory: 128Mi}}\n";
        }
        if chance.of_hundred(60) {
            pod += "  livenessProbe: {httpGet: {path: /healthz, port: 8080}}\n  readinessProbe: {httpGet: {path: /ready, port: 8080}}\n";
        }
        if chance.of_hundred(50) {
            pod += "  securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}\n";
        } else if chance.of_hundred(5) {
            pod += "  securityContext: {privileged: true}\n";
        }
        pod +=
            "  volumeMounts: [{name: data, mountPath: /data}, {name: config, mountPath: /etc/app, readOnly: true}]\n";
    }
    let indented = |text: &str, by: usize| -> String {
        let lines: Vec<String> = text.lines().map(|line| format!("{:by$}{line}", "")).collect();
        lines.join("\n") + "\n"
    };
    let head =
        format!("metadata:\n  name: app{number}\n  namespace: team{}\n  labels: {{app: app{number}}}\n", number % 20);
    let spec = match kind {
        "Pod" => format!("apiVersion: v1\nkind: Pod\n{head}spec:\n{}", indented(&pod, 2)),
        "CronJob" => format!(
            "apiVersion: batch/v1\nkind: CronJob\n{head}spec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n{}",
            indented(&pod, 10)
        ),
        _ => format!(
            "apiVersion: apps/v1\nkind: {kind}\n{head}spec:\n  replicas: {}\n  selector: {{matchLabels: {{app: app{number}}}}}\n  template:\n    metadata: {{labels: {{app: app{number}}}}}\n    spec:\n{}",
            1 + chance.below(4),
            indented(&pod, 6)
        ),
    };
    if !chance.of_hundred(40) {
        return spec;
    }
    format!(
        "{spec}---\napiVersion: v1\nkind: Service\n{head}spec:\n  selector: {{app: app{number}}}\n  ports: [{{port: 80, targetPort: 8080}}]\n"
    )
}

/// As many policies as asked for: those that ship, and more of them for other namespaces and names.
fn policies(count: usize) -> PolicySet {
    let mut shipped = PolicySet::default();
    shipped.add_shipped(None, &Limits::default());
    shipped.policies.retain(|ready| ready.policy.stages.contains(&sekisho_policy::policy::Stage::Deploy));
    let mut set = PolicySet::default();
    let mut texts = shipped.policies.iter().map(|ready| sekisho_policy::native::write(&ready.policy)).cycle();
    for number in 0..count {
        let Some(text) = texts.next() else { break };
        let round = number / shipped.policies.len();
        // Of other teams: they do not apply here.
        let scope = if round == 0 { String::new() } else { format!("scope: [{{namespace: other{round}}}]\n") };
        let faults = set.add(None, &(scope + &text), &Limits::default());
        assert!(faults.is_empty(), "{faults:?}");
    }
    set
}

/// The texts in a directory, by the names of their files.
fn texts(directory: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(directory).expect("the directory is read");
    let mut texts: Vec<(String, String)> = files
        .map(|file| {
            let path = file.expect("the directory is read").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("the file is read"))
        })
        .collect();
    texts.sort();
    texts
}

/// A value as JSON.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(number) => serde_json::to_value(number).expect("numbers are JSON"),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(fields) => fields.iter().map(|field| (field.name.clone(), json(&field.node))).collect(),
    }
}

/// Writes the published checks of workloads, with the libraries they need, and manifests as JSON.
fn sources(directory: &Path, count: usize) {
    let [rules, documents] = ["rules", "documents"].map(|name| directory.join(name));
    for directory in [&rules, &documents] {
        std::fs::create_dir_all(directory).expect("the directory is made");
    }
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rego/trivy-checks.tar.gz");
    let packed = std::fs::read(packed).expect("the checks are read");
    let plain = Inflate::new(packed.as_slice(), Compression::Gzip, packed.len() as u64, &Limits::default());
    let mut archive = tar::Archive::new(plain.expect("the checks are gzip"));
    for entry in archive.entries().expect("the checks are an archive") {
        let mut entry = entry.expect("the archive is whole");
        let name = entry.path().expect("an entry has a name").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("the archive is whole");
        let is_wanted =
            ["lib.", "builtin.kubernetes.KSV", "appshield.kubernetes."].iter().any(|it| name.starts_with(it));
        if !is_wanted || text.lines().any(|line| line.starts_with("test_")) {
            continue;
        }
        // What Trivy's own program adds to the language.
        let mut text = text.replace("result.new(", "new_result_(").replace("isManaged(", "is_managed_(");
        if text.contains("new_result_(") {
            text += "\nnew_result_(msg, cause) := {\"msg\": msg, \"cause\": cause}\n";
        }
        if text.contains("is_managed_(") {
            text += "\nis_managed_(x) := object.get(x, [\"__defsec_metadata\", \"managed\"], true)\n";
        }
        std::fs::write(rules.join(name), text).expect("the check is written");
    }
    let mut chance = Chance(1);
    let manifests = (0..count).map(|number| manifest(&mut chance, number));
    let objects = manifests.flat_map(|text| objects("app.yaml", &text, &Limits::default()).0);
    for (number, object) in objects.enumerate() {
        let text = json(&object.node).to_string();
        std::fs::write(documents.join(format!("{number:05}.json")), text).expect("the document is written");
    }
}

/// What the rules in Rego there say of the documents, one line each: document, rule, messages; then what that took.
fn rego(directory: &Path) {
    let files = texts(&directory.join("rules"));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&name[..], &text[..])).collect();
    let setup = Setup { namespaces: None, data: &[], dialect: None, time: Duration::from_secs(10) };
    let rules = Conftest::load(&files, &setup).expect("the policies are sound");
    let documents: Vec<(String, Node)> = texts(&directory.join("documents"))
        .into_iter()
        .map(|(name, text)| (name, from_json(text.as_bytes()).expect("the document is JSON")))
        .collect();
    let mut best = f64::MAX;
    for round in 0..5 {
        let start = Instant::now();
        let checked: Vec<_> = documents.iter().map(|(_, document)| rules.check(document)).collect();
        best = best.min(start.elapsed().as_secs_f64());
        for ((name, _), checked) in documents.iter().zip(checked).filter(|_| round == 0) {
            for it in checked {
                let mut said: Vec<&str> = it.said.messages.iter().map(|message| &message.text[..]).collect();
                said.sort_unstable();
                if it.said.outcome != Outcome::Passed {
                    println!("{name}\t{}.{}\t{}", it.rule.namespace, it.rule.name, serde_json::json!(said));
                }
            }
        }
    }
    println!("seconds\t{best}\t{} rules, {} documents", rules.rules().len(), documents.len());
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["manifests", directory, count] => {
            let count: usize = count.parse().expect("a number of manifests");
            let mut chance = Chance(1);
            for number in 0..count {
                let file = Path::new(directory).join(format!("app{number}.yaml"));
                std::fs::write(file, manifest(&mut chance, number)).expect("the manifest is written");
            }
        }
        ["judge", count] => {
            let set = policies(count.parse().expect("a number of policies"));
            let mut chance = Chance(1);
            let texts: Vec<String> = (0..1000).map(|number| manifest(&mut chance, number)).collect();
            let objects: Vec<_> =
                texts.iter().flat_map(|text| objects("app.yaml", text, &Limits::default()).0).collect();
            let around = Surroundings::default();
            let context = Context {
                around: &around,
                images: &|_| Fact::NotAsked,
                now: Timestamp::UNIX_EPOCH,
                limits: &Limits::default(),
            };
            let foreign = set.foreign(Point::CommandLine(&objects));
            let mut best = f64::MAX;
            let mut found = 0;
            for _ in 0..5 {
                let start = Instant::now();
                let checked = check_manifests(&set, &foreign, &objects, &context);
                best = best.min(start.elapsed().as_secs_f64());
                found = checked.results.len();
            }
            println!("one workload\t{}\tµs", best * 1e6 / 1000.0);
            println!("results of 1,000 workloads\t{found}\t");
        }
        ["sources", directory, count] => sources(Path::new(directory), count.parse().expect("a number of manifests")),
        ["rego", directory] => rego(Path::new(directory)),
        _ => println!("policy_bench manifests DIRECTORY N | judge POLICIES | sources DIRECTORY N | rego DIRECTORY"),
    }
}
