//! `detect` over recordings: the cases of Falco's own test suites, and recordings that are cut, damaged or endless.

use sekisho_model::Digest;
use sekisho_testkit::registry::Registry;
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where the cases are, as in Falco's repositories.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../detect/fixtures")
}

fn detect(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("detect").args(arguments).env_clear().env("SOURCE_DATE_EPOCH", "1700000000");
    command
}

fn said(output: &Output) -> (String, String) {
    let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (out, error)
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The command that a case stands for.
fn command_of(root: &Path, case: &Value, format: &str) -> Command {
    let is_audit = case["trace"].is_string();
    let input = root.join(case["trace"].as_str().or(case["capture"].as_str()).unwrap());
    let mut command = detect(&["replay", input.to_str().unwrap(), "--format", format, "--count"]);
    if is_audit {
        command.args(["--source", "k8s_audit"]);
    }
    for name in texts(&case["rules"]) {
        let path = match name.strip_prefix("NOT INCLUDED: ") {
            Some("K8SAuditRules") => fixtures().join("rules/k8s_audit_rules.yaml"),
            // Rules for system calls, which audit events do not need.
            Some(other) => {
                assert_eq!(other, "LegacyFalcoRules_v1_0_1");
                continue;
            }
            None => root.join(name),
        };
        command.arg("--rules").arg(path);
    }
    let options = &case["options"];
    for (key, flag) in [("enabled_tags", "--tag"), ("disabled_tags", "-T"), ("disabled_rules", "--disable-rule")] {
        for value in texts(&options[key]) {
            command.args([flag, value]);
        }
    }
    if let Some(priority) = options["min_priority"].as_str() {
        command.args(["--priority", priority]);
    }
    if options["all_events"] == true {
        command.arg("--all-events");
    }
    if texts(&options["settings"]).contains(&"time_format_iso_8601=true") {
        command.arg("--iso-time");
    }
    command
}

fn check(root: &Path, case: &Value) {
    let id = case["id"].as_str().unwrap();
    let expect = &case["expect"];
    let output = command_of(root, case, "json").output().unwrap();
    let (json, error) = said(&output);
    assert_eq!(output.status.code(), Some(0), "{id}: {error}");
    let alerts: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if let Some(any) = expect["detect"].as_bool() {
        assert_eq!(!alerts.is_empty(), any, "{id}: {error}");
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in &alerts {
        *counts.entry(alert["rule"].as_str().unwrap()).or_default() += 1;
        assert!(alert["output_fields"].is_object() && alert["time"].is_string(), "{id}: {alert}");
    }
    for (rule, count) in expect["rule_counts"].as_object().into_iter().flatten() {
        assert_eq!(counts.get(rule.as_str()).copied().unwrap_or_default(), count.as_u64().unwrap(), "{id}: {rule}");
    }
    for (rule, count) in &counts {
        assert!(error.contains(&format!("\n  {count} {rule}\n")), "{id}: {error}");
    }
    let of = |wanted: &str| {
        let wanted = if wanted.eq_ignore_ascii_case("info") { "Informational" } else { wanted };
        alerts.iter().any(|alert| alert["priority"].as_str().unwrap().eq_ignore_ascii_case(wanted))
    };
    assert!(texts(&expect["priorities_present"]).into_iter().all(of), "{id}");
    assert!(!texts(&expect["priorities_absent"]).into_iter().any(of), "{id}");
    // As text: one line for each, the same as the JSON's output.
    let output = command_of(root, case, "text").output().unwrap();
    let (text, error) = said(&output);
    let outputs: Vec<&str> = alerts.iter().map(|alert| alert["output"].as_str().unwrap()).collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), outputs, "{id}");
    for (patterns, text) in [("stdout_matches", &text), ("stderr_matches", &error)] {
        for pattern in texts(&expect[patterns]) {
            let regex = regex::Regex::new(pattern).unwrap();
            assert!(regex.is_match(text), "{id}: {pattern}\n{text}");
        }
    }
}

#[test]
fn cases_of_falco_give_what_they_are_to_give() {
    for (folder, count) in [("scap", 20), ("k8saudit", 9)] {
        let root = fixtures().join(folder);
        let expected: Value = serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
        let cases = expected["cases"].as_array().unwrap();
        assert_eq!(cases.len(), count);
        for case in cases {
            check(&root, case);
        }
    }
}

/// Calls of which only leaving is judged, all rules that match, and captures through a pipe.
#[test]
fn calls_are_judged_as_measured() {
    let root = fixtures().join("scap");
    let expected: Value = serde_json::from_str(&fs::read_to_string(root.join("expected.json")).unwrap()).unwrap();
    let mut measured = 0;
    for case in expected["cases"].as_array().unwrap() {
        for (rule, counts) in case["measured_matches_sysdig_0_29_3"].as_object().into_iter().flatten() {
            for (key, exit_only) in [("enter_and_exit", false), ("exit_only", true)] {
                let mut command = detect(&["replay", "-", "--format", "json", "--rule-matching", "all"]);
                command.args(exit_only.then_some("--exit-only"));
                for name in texts(&case["rules"]) {
                    command.arg("-r").arg(root.join(name));
                }
                let capture = fs::File::open(root.join(case["capture"].as_str().unwrap())).unwrap();
                let output = command.stdin(capture).output().unwrap();
                let (json, error) = said(&output);
                let alerts = json.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
                let count = alerts.filter(|alert| alert["rule"] == rule.as_str()).count() as u64;
                assert_eq!(count, counts[key].as_u64().unwrap(), "{}: {rule} {key}: {error}", case["id"]);
                measured += 1;
            }
        }
    }
    assert!(measured >= 26, "{measured}");
}

#[test]
fn a_capture_that_is_cut_is_never_judged_whole() {
    let whole = fs::read(fixtures().join("scap/captures/cat_write.scap")).unwrap();
    let rules = fixtures().join("scap/rules/single_rule.yaml");
    let run = |bytes: &[u8], more: &[&str]| {
        let mut child = detect(&["replay", "-", "--rules", rules.to_str().unwrap()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), said(&output).1)
    };
    for part in [0, 5, 400, whole.len() / 2, whole.len() - 1] {
        let (code, error) = run(&whole[..part], &[]);
        assert_eq!(code, Some(3), "{part}: {error}");
        assert!(part < 400 || error.contains("not judged: whatever came after event"), "{part}: {error}");
    }
    assert_eq!(run(&whole[..whole.len() / 2], &["--allow-incomplete"]).0, Some(0));
    assert_eq!(run(&whole, &[]).0, Some(0));
    assert_eq!(run(b"#!/bin/sh\necho this is no capture\n", &[]).0, Some(2));
}

#[test]
fn an_audit_log_is_judged_as_it_comes() {
    let event = fs::read_to_string(fixtures().join("k8saudit/traces/delete_secret.json")).unwrap();
    let event = event.trim();
    let rules = fixtures().join("rules/k8s_audit_rules.yaml");
    let mut child = detect(&["replay", "-", "--source", "k8s_audit", "-f", "json", "--rules", rules.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // An alert comes before the log ends.
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    writeln!(input, "{event}").unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert!(line.contains("K8s Secret Deleted"), "{line}");
    writeln!(input, "{{\"kind\":\"Pod\"}}\n{}\n{event}", &event[..100]).unwrap();
    drop(input);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    assert_eq!(rest.lines().count(), 1, "{rest}");
    let output = child.wait_with_output().unwrap();
    let (_, error) = said(&output);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("not judged: 1 record that is broken"), "{error}");
    assert!(error.contains("not judged: 1 record that is no audit event"), "{error}");
}

#[test]
fn output_that_is_not_read_ends_the_run() {
    let capture = fixtures().join("scap/captures/cat_write.scap");
    let rules = fixtures().join("scap/rules/single_rule.yaml");
    let mut child = detect(&["replay", capture.to_str().unwrap(), "--rules", rules.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The files of an OCI layout with an artifact as falcoctl makes it: a configuration of this type, and one archive.
fn artifact(config: &str, archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut blob = |media_type: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes);
        files.insert(format!("blobs/sha256/{}", digest.hex()), bytes.to_vec());
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    };
    let config = blob(config, br#"{"name":"r","version":"1.0.0","requirements":[]}"#);
    let layer = blob("application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz", archive);
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer] });
    let mut descriptor = blob(media_type, manifest.to_string().as_bytes());
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    files.insert("index.json".to_owned(), index.to_string().into_bytes());
    files
}

#[test]
fn rules_are_pulled_as_falcoctl_distributes_them() {
    const RULES: &str = "application/vnd.cncf.falco.rulesfile.config.v1+json";
    let scratch = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(fixtures().join("rules/falco_rules.yaml")).unwrap();
    let archive = |files: &[(&str, &str)]| {
        let layer = files.iter().fold(LayerBuilder::new(), |layer, (path, text)| layer.file(path, text));
        Compress::Gzip.store(&layer.build())
    };
    let registry = Registry::sound();
    let pull = |tag: &str, config: &str, archive: &[u8]| {
        registry.push(tag, &artifact(config, archive));
        let reference = format!("{}/team/app:{tag}", registry.host());
        let into = scratch.path().join(tag);
        let output = detect(&["rules", "pull", &reference, "--output", into.to_str().unwrap()]).output().unwrap();
        (output.status.code(), said(&output), into)
    };
    let sound = archive(&[("falco_rules.yaml", text.as_str()), ("README.md", "no rules")]);
    let (code, (out, error), into) = pull("sound", RULES, &sound);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.ends_with("falco_rules.yaml: 25 rules\n"), "{out}");
    assert_eq!(fs::read_to_string(into.join("falco_rules.yaml")).unwrap(), text);
    assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
    let listed = detect(&["rules", "list", into.to_str().unwrap()]).output().unwrap();
    assert_eq!(listed.status.code(), Some(0));

    // The same out of a layout, by its tag.
    let layout = scratch.path().join("layout");
    ImageBuilder::write_directory(&artifact(RULES, &sound), &layout);
    let place = format!("oci:{}:1", layout.display());
    let again = detect(&["rules", "pull", &place, "--output", scratch.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{:?}", said(&again));

    let mut cut = sound.clone();
    cut.truncate(sound.len() / 2);
    let wrong = "- rule: x\n  desc: d\n  condition: nosuch.field = 1\n  output: o\n  priority: INFO\n";
    for (tag, config, archive, expect) in [
        ("leads-out", RULES, archive(&[("../../falco_rules.yaml", "[]")]), None),
        ("plugin", "application/vnd.cncf.falco.plugin.config.v1+json", sound, Some("falco.plugin.config")),
        ("cut", RULES, cut, Some("error[artifact.invalid]")),
        ("twice", RULES, archive(&[("a/r.yaml", "[]"), ("b/r.yaml", "[]")]), Some("two files are called r.yaml")),
        ("empty", RULES, archive(&[("r.txt", "[]")]), Some("ends in .yaml")),
        ("wrong", RULES, archive(&[("r.yaml", wrong)]), Some("error[rules.malformed]")),
    ] {
        let (code, (out, error), into) = pull(tag, config, &archive);
        let outside = scratch.path().parent().unwrap().join("falco_rules.yaml");
        assert!(!outside.exists());
        match expect {
            Some(expect) => {
                assert!(code != Some(0) && error.contains(expect), "{tag}: {code:?} {out} {error}");
                assert!(!into.exists(), "{tag}");
            }
            None => assert!(into.join("falco_rules.yaml").exists() || code != Some(0), "{tag}: {out} {error}"),
        }
    }
}

/// Policies of the stage `runtime` beside rules, over audit events of Falco's own suite.
#[test]
fn policies_alert_beside_rules() {
    let audit = |name: &str| fixtures().join("k8saudit/traces").join(name);
    let replay = |trace: &Path, more: &[&str]| {
        let mut command = detect(&["replay", trace.to_str().unwrap(), "--source", "k8s_audit", "--count"]);
        command.arg("--rules").arg(fixtures().join("rules/k8s_audit_rules.yaml")).args(more);
        let output = command.output().unwrap();
        let (out, error) = said(&output);
        (output.status.code(), out, error)
    };
    let attach = audit("attach_pod.json");
    let (code, out, error) = replay(&attach, &["--profile", "all", "-f", "json"]);
    assert_eq!(code, Some(0), "{error}");
    let alerts: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rules: Vec<&str> = alerts.iter().map(|alert| alert["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["Attach/Exec Pod", "Somebody attaches to a pod"], "{out}");
    let ours = &alerts[1];
    assert_eq!((&ours["priority"], &ours["source"]), (&json!("Warning"), &json!("k8s_audit")));
    let fields = &ours["output_fields"];
    assert_eq!(fields["policy.id"], "attach-to-pod");
    assert_eq!(fields["ka.target.subresource"], "attach");
    assert!(fields["evt.time"].is_u64() && ours["tags"].as_array().unwrap().contains(&json!("T1609")), "{ours}");
    assert!(error.contains("1 violation of 33 policies\n  1 Somebody attaches to a pod\n"), "{error}");
    assert!(error.contains("policies ask for what runs on a host, of which k8s_audit tells nothing"), "{error}");
    // Without any that were asked for nothing is said of policies.
    let (_, out, error) = replay(&attach, &[]);
    assert!(out.lines().count() == 1 && !error.contains("polic"), "{out}{error}");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ours.yaml");
    let text = |when: &str, more: &str| {
        format!("policy: ours\nname: Ours\nseverity: critical\nstages: [runtime]\n{more}\nwhen: {{{when}}}\n")
    };
    let asked = |policy: String, trace: &str| {
        fs::write(&file, policy).unwrap();
        replay(&audit(trace), &["--policy", file.to_str().unwrap(), "--priority", "emergency"])
    };
    let (_, out, _) =
        asked(text("Kubernetes Resource: PODS_ATTACH, Kubernetes User Name: minikube-.*", ""), "attach_pod.json");
    assert!(out.contains(": Critical Ours: minikube-user: create pods/attach nginx-"), "{out}");
    let (_, out, _) =
        asked(text("Kubernetes Resource: PODS_ATTACH, Kubernetes User Name: alice", ""), "attach_pod.json");
    assert_eq!(out, "");
    // An exclusion is counted; one by a name that the pod's begins with cannot be told.
    let (_, out, error) =
        asked(text("Kubernetes Resource: PODS_ATTACH", "except: [{namespace: default}]"), "attach_pod.json");
    assert!(out.is_empty() && error.contains("excluded: policy \"Ours\": 1 time"), "{out}{error}");
    let except = "except: [{workload: nginx-deployment, reason: web}]";
    let (_, out, error) = asked(text("Kubernetes Resource: PODS_ATTACH", except), "attach_pod.json");
    assert!(
        out.is_empty() && error.contains("the exclusion \"web\" asks for the name of its workload"),
        "{out}{error}"
    );
    let except = "except: [{workload: nginx, namespace: other, reason: web}, {workload: db-.*, reason: db}]";
    let (_, out, error) = asked(text("Kubernetes Resource: PODS_ATTACH", except), "attach_pod.json");
    assert!(out.contains("Ours") && !error.contains("undecided"), "{out}{error}");
    // What the event cannot tell is not passed.
    let privileged = "Kubernetes Resource: PODS_ATTACH, Privileged Container: true";
    let (code, out, error) = asked(text(privileged, ""), "attach_pod.json");
    assert!(out.is_empty() && error.contains("undecided: policy \"Ours\" for 1 event: "), "{out}{error}");
    assert!(code == Some(0) && !error.contains("nothing can be told"), "{code:?} {error}");
    let (code, _, error) = asked(text(privileged, "enforce: true"), "attach_pod.json");
    assert!(code == Some(3) && error.contains("enforced policies could not be decided"), "{code:?} {error}");
    // None that is asked at all is a mistake.
    let deploy = "policy: ours\nname: Ours\nstages: [deploy]\nwhen: {Host PID: true}\n";
    let (code, _, error) = asked(deploy.to_owned(), "attach_pod.json");
    assert!(code == Some(2) && error.contains("none of those chosen is for the stage runtime"), "{error}");
}
