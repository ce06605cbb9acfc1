//! `detect run --source k8s_audit`: what an API server posts, over loopback; rules that change meanwhile; metrics.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../detect/fixtures").join(name)
}

struct Listening {
    child: Child,
    said: BufReader<ChildStderr>,
    /// What it said up to where it listens.
    first: String,
    posts: String,
    metrics: String,
}

impl Listening {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Self::command();
        Self::begin(command.args(["--listen", "127.0.0.1:0", "--listen-metrics", "127.0.0.1:0"]).args(arguments))
    }

    fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["detect", "run", "--source", "k8s_audit", "-f", "json"]).env_clear();
        command
    }

    fn begin(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut posts, mut metrics, mut first) = (String::new(), String::new(), String::new());
        while metrics.is_empty() {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
            first.push_str(&line);
            let address = |before: &str, after: &str| Some(line.split_once(before)?.1.split_once(after)?.0.to_owned());
            posts = address("listening at http://", "/k8s-audit").unwrap_or(posts);
            metrics = address("metrics at http://", "/metrics").unwrap_or(metrics);
        }
        Self { child, said, first, posts, metrics }
    }

    /// The status and the body of an answer.
    fn ask(address: &str, request: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head =
            format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses by the length alone does not read the rest.
        let _ = stream.write_all(body);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn post(&self, body: &[u8]) -> (u16, String) {
        Self::ask(&self.posts, "POST /k8s-audit", body)
    }

    /// Waits until a line is among the metrics.
    fn until(&self, line: &str) {
        self.until_one(line, |own| own == line);
    }

    fn until_one(&self, line: &str, is_it: impl Fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            let (status, text) = Self::ask(&self.metrics, "GET /metrics", b"");
            assert_eq!(status, 200);
            if text.lines().any(&is_it) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "no {line} in\n{text}");
            std::thread::yield_now();
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// What it alerted, and what it said.
    fn end(mut self) -> (Vec<Value>, String) {
        self.signal("TERM");
        let mut error = std::mem::take(&mut self.first);
        self.said.read_to_string(&mut error).unwrap();
        let output = self.child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{error}");
        let alerts = String::from_utf8(output.stdout).unwrap();
        (alerts.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), error)
    }
}

fn event(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture("k8saudit/traces").join(name)).unwrap()).unwrap()
}

#[test]
fn posts_are_judged_and_answered() {
    let rules = fixture("rules/k8s_audit_rules.yaml");
    let listening = Listening::start(&["--rules", rules.to_str().unwrap(), "--profile", "all"]);
    let attach = event("attach_pod.json");
    assert_eq!(listening.post(attach.to_string().as_bytes()), (200, "1 judged\n".to_owned()));
    // An alert is written before the answer; of a list each counts, and what is none of ours is left out.
    let list =
        json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [attach, {"kind": "Pod"}, attach]});
    let (status, text) = listening.post(list.to_string().as_bytes());
    assert_eq!((status, text.as_str()), (200, "2 judged, 1 left out, which are no audit events\n"));
    for (body, status, why) in [
        (&b"{\"kind\": \"Pod\"}"[..], 400, "data not recognized as a k8s audit event"),
        (b"no JSON", 400, "no JSON"),
        (b"", 400, "it holds no audit event"),
    ] {
        let (own, text) = listening.post(body);
        assert!(own == status && text.contains(why), "{own} {text}");
    }
    let large = vec![b' '; (12 << 20) + 1];
    assert_eq!(listening.post(&large).0, 413);
    let ask = |request: &str| Listening::ask(&listening.posts, request, b"{}").0;
    assert_eq!((ask("GET /k8s-audit"), ask("POST /other")), (405, 404));
    listening.until("sekisho_detect_events_total{source=\"k8s_audit\"} 3");
    listening.until("sekisho_detect_audit_posts_refused_total{why=\"bad\"} 6");
    let (alerts, said) = listening.end();
    let rules: Vec<&str> = alerts.iter().map(|alert| alert["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["Attach/Exec Pod", "Somebody attaches to a pod"].repeat(3));
    assert!(said.contains("3 events, 3 alerts of ") && said.contains("3 violations of 33 policies"), "{said}");
    assert!(said.contains("not judged: records that are no audit events: 2"), "{said}");
}

#[test]
fn rules_are_loaded_anew_and_faulty_ones_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yaml");
    let rule = |name: &str| {
        format!(
            "- rule: {name}\n  desc: d\n  condition: ka.target.subresource = attach\n  output: o\n  priority: INFO\n  source: \
             k8s_audit\n  enabled: true\n"
        )
    };
    fs::write(&file, rule("One")).unwrap();
    let listening = Listening::start(&["--rules", file.to_str().unwrap()]);
    let attach = event("attach_pod.json").to_string();
    assert_eq!(listening.post(attach.as_bytes()).0, 200);
    // A faulty file is told, and the rules that were there go on.
    fs::write(&file, "- rule: Two\n").unwrap();
    listening.signal("HUP");
    listening.until("sekisho_detect_rules_current 0");
    assert_eq!(listening.post(attach.as_bytes()).0, 200);
    // What changes is seen without a word.
    fs::write(&file, rule("Three")).unwrap();
    listening.until("sekisho_detect_rules_current 1");
    assert_eq!(listening.post(attach.as_bytes()).0, 200);
    let (alerts, said) = listening.end();
    let rules: Vec<&str> = alerts.iter().map(|alert| alert["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["One", "One", "Three"], "{said}");
    assert!(said.contains("not reloaded: ") && said.contains("reloaded: 1 rule"), "{said}");
}

/// How often rules are loaded anew.
const TIMES: usize = 4;

/// Posts that come while rules are loaded anew are each judged once, by the old rules or by the new ones.
#[test]
fn no_post_is_lost_while_rules_are_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let (file, new) = (directory.path().join("rules.yaml"), directory.path().join("new"));
    let rules = |name: &str| {
        let rule = format!(
            "- rule: {name}\n  desc: d\n  condition: ka.target.subresource = attach\n  output: o\n  priority: INFO\n  source: \
             k8s_audit\n  enabled: true\n"
        );
        // Never half of it.
        fs::write(&new, rule).unwrap();
        fs::rename(&new, &file).unwrap();
    };
    rules("Rule 0");
    // A pipe that nobody reads would be full soon.
    let told = directory.path().join("alerts");
    let arguments = ["--rules", file.to_str().unwrap(), "--profile", "all", "--output", told.to_str().unwrap()];
    let listening = Listening::start(&arguments);
    let attach = event("attach_pod.json").to_string();
    let over = AtomicBool::new(false);
    let posted: usize = std::thread::scope(|scope| {
        let posting = || {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(listening.post(attach.as_bytes()), (200, "1 judged\n".to_owned()));
                number += 1;
            }
            number
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(posting)).collect();
        for at in 1..=TIMES {
            rules(&format!("Rule {at}"));
            listening.signal("HUP");
            let told = format!("sekisho_detect_alerts_total{{rule=\"Rule {at}\",");
            listening.until_one(&told, |line| line.starts_with(&told));
        }
        over.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let (_, said) = listening.end();
    let told = fs::read_to_string(told).unwrap();
    let alerts: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |wanted: &dyn Fn(&str) -> bool| alerts.iter().filter(|alert| wanted(alert["rule"].as_str().unwrap())).count();
    assert_eq!(of(&|rule| rule.starts_with("Rule ")), posted, "{said}");
    assert_eq!(of(&|rule| rule == "Somebody attaches to a pod"), posted);
    assert!((0..=TIMES).all(|at| of(&|rule| rule == format!("Rule {at}")) > 0));
    assert!(said.contains(&format!("{posted} events, {posted} alerts of 1 rule")), "{said}");
    assert!(said.contains(&format!("{posted} violations of ")), "{said}");
}

#[test]
fn what_is_set_needs_no_flag_and_a_flag_goes_before() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(
        at("ours.yaml"),
        "policy: ours\nname: Ours\nstages: [runtime]\nwhen: {Kubernetes Resource: PODS_ATTACH}\n",
    )
    .unwrap();
    let settings = "[detect]\nlisten = \"127.0.0.1:0\"\nlisten_metrics = \"127.0.0.1:0\"\npolicies = [\"ours.yaml\"]\nprofile = \"all\"\n\
                    respond = \"plan.yaml\"\n";
    fs::write(at("sekisho.toml"), settings).unwrap();
    let rules = fixture("rules/k8s_audit_rules.yaml");
    let told = |arguments: &[&str]| {
        let mut command = Listening::command();
        command.env("SEKISHO_CONFIG", at("sekisho.toml")).arg("--rules").arg(&rules).args(arguments);
        let listening = Listening::begin(&mut command);
        assert_eq!(listening.post(event("attach_pod.json").to_string().as_bytes()).0, 200);
        let (alerts, said) = listening.end();
        (alerts.iter().map(|alert| alert["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), said)
    };
    let (mut rules, said) = told(&[]);
    rules.sort();
    assert_eq!(rules, ["Attach/Exec Pod", "Ours", "Somebody attaches to a pod"], "{said}");
    // There is nothing that could be answered with what is done on a host.
    assert!(said.contains("note: nothing about audit events is answered (--respond)"), "{said}");
    let (mut rules, said) = told(&["--profile", "none"]);
    rules.sort();
    assert_eq!(rules, ["Attach/Exec Pod", "Ours"], "{said}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(["detect", "run", "--source", "k8s_audit", "--listen", "127.0.0.1:0"]).env_clear();
    fs::write(at("cert.pem"), "no certificate").unwrap();
    fs::write(at("key.pem"), "no key").unwrap();
    let output = command.args(["--certificate", &at("cert.pem"), "--key", &at("key.pem")]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("listen.failed") && error.contains("key.pem"), "{error}");
}
