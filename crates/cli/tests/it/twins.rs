//! The detection rules that ship, live: `detect run` over real containers in which the scripts of
//! `rules/detection/twins.yaml` run. Each rule has to tell of its own script, and not of the near one.
//!
//! Containers are podman's, of this machine's own files under an overlay, which a Debian has to be. One rule for each
//! technique of MITRE ATT&CK is tried; all of them with `SEKISHO_TEST_FULL=1`, which `cargo xtask test --full` sets.

use sekisho_base::Limits;
use sekisho_base::tree::{Node, Value, documents};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// What tells that all before it was judged.
const SENTINEL: &str = r#"
- rule: Sentinel
  desc: d
  condition: evt.type in (execve, execveat) and proc.args startswith sekisho-sentinel-
  output: "%proc.args"
  priority: DEBUG
"#;

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/detection")
}

#[expect(clippy::disallowed_methods, reason = "no setting of the program: how much is tested")]
fn is_full() -> bool {
    std::env::var_os("SEKISHO_TEST_FULL").is_some()
}

/// One rule, and its two scripts.
struct Twin {
    rule: String,
    needs: Vec<String>,
    /// Why it cannot be run here, if so.
    skip: Option<&'static str>,
    /// The script that the rule is to tell of, and the near one.
    scripts: [String; 2],
}

fn twins() -> (String, Vec<Twin>) {
    let text = fs::read_to_string(rules().join("twins.yaml")).unwrap();
    let document = documents(&text, &Limits::default()).remove(0).unwrap();
    let str_of = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let prelude = str_of(&document, "prelude");
    let Some(Value::List(all)) = document.get("twins").map(|twins| &twins.value) else { return (prelude, Vec::new()) };
    let twins = all.iter().map(|node| {
        let needs = match node.get("needs").map(|needs| &needs.value) {
            Some(Value::List(needs)) => needs.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let unmet = needs.iter().any(|need: &String| {
            ["image-name:", "label:", "exec-with-terminal:"].iter().any(|kind| need.starts_with(kind))
        });
        let skip = match () {
            () if str_of(node, "in") == "host" => Some("it changes the machine that it runs on"),
            () if node.get("load").is_some() => Some("it has rules of its own"),
            () if unmet => Some("its container needs a name, a label or a terminal"),
            () => None,
        };
        let script = |side: &str| node.get(side).map(|side| str_of(side, "run")).unwrap_or_default();
        Twin { rule: str_of(node, "rule"), needs, skip, scripts: [script("positive"), script("near")] }
    });
    (prelude, twins.collect())
}

/// Rules by name, each with the techniques it is about.
fn techniques() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(rules()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(document) = documents(&text, &Limits::default()).remove(0) else { continue };
        let Value::List(items) = &document.value else { continue };
        for item in items {
            let Some(name) = item.get("rule").and_then(Node::as_str) else { continue };
            let Some(Value::List(tags)) = item.get("tags").map(|tags| &tags.value) else { continue };
            let tags = tags.iter().filter_map(Node::as_str).filter(|tag| tag.starts_with('T')).map(str::to_owned);
            all.push((name.to_owned(), tags.collect()));
        }
    }
    all.sort();
    all
}

/// The rules that are tried: one for each technique, unless all are.
fn chosen(twins: &[Twin]) -> BTreeSet<String> {
    let mut covered = BTreeSet::new();
    let mut chosen = BTreeSet::new();
    for (name, techniques) in techniques() {
        let can = twins.iter().any(|twin| twin.rule == name && twin.skip.is_none());
        if can && (is_full() || techniques.iter().any(|technique| !covered.contains(technique))) {
            covered.extend(techniques);
            chosen.insert(name);
        }
    }
    chosen
}

/// `detect run`, whose alerts are taken from a thread.
struct Watch {
    child: Child,
    alerts: Receiver<Json>,
    number: u32,
    _directory: tempfile::TempDir,
}

impl Watch {
    /// Or why not, where the kernel takes no programs.
    fn start() -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let sentinel = directory.path().join("sentinel.yaml");
        fs::write(&sentinel, SENTINEL).unwrap();
        let mut files: Vec<PathBuf> = fs::read_dir(rules()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| !["ja", "twins"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)));
        files.sort();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["detect", "run", "--format", "json", "--rule-matching", "all", "--buffer", "64", "--rules"]);
        command.args(&files).arg(&sentinel).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        if !first.starts_with("watching by programs in the kernel, for") {
            assert!(
                first.contains("sensor.refused")
                    || first.contains("without system calls")
                    || first.contains("connector"),
                "{first}"
            );
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(first);
        }
        thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        let (to, alerts) = channel();
        let out: ChildStdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = to.send(serde_json::from_str(&line).unwrap());
            }
        });
        Ok(Self { child, alerts, number: 0, _directory: directory })
    }

    /// All alerts up to now.
    fn take(&mut self) -> Vec<Json> {
        self.number += 1;
        let marker = format!("sekisho-sentinel-{}", self.number);
        assert!(Command::new("/bin/true").arg(&marker).status().unwrap().success());
        let mut all = Vec::new();
        loop {
            let alert = self.alerts.recv_timeout(Duration::from_mins(1)).unwrap();
            if alert["rule"] != "Sentinel" {
                all.push(alert);
            } else if alert["output_fields"]["proc.args"] == marker.as_str() {
                return all;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A container of this machine's files, under an overlay, without a network.
fn container(needs: &[String], positive: bool) -> Command {
    let mut command = Command::new("podman");
    command.args(["--cgroup-manager=cgroupfs", "--runtime", "runc", "run", "--rm", "--network=none"]);
    command.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]);
    for need in needs {
        let (need, side) = match need.rsplit_once(" (") {
            Some((need, "positive)")) => (need, Some(true)),
            Some((need, "near)")) => (need, Some(false)),
            _ => (need.as_str(), None),
        };
        if side.is_some_and(|side| side != positive) {
            continue;
        }
        match need.split_once(": ").unwrap_or((need, "")) {
            ("network-admin", _) => command.args(["--cap-add", "NET_ADMIN"]),
            ("capability", name) => command.args(["--cap-add", name]),
            ("tmpfs", place) => command.args(["--tmpfs", &place.replace(" (exec)", ":exec,notmpcopyup")]),
            ("privileged", _) if positive => command.arg("--privileged"),
            ("seccomp", _) => command.args(["--security-opt", "seccomp=unconfined"]),
            ("mount", places) => {
                let (from, to) = places.split_once(" at ").unwrap();
                command.args(["-v", &format!("{from}:{to}:ro")])
            }
            _ => &mut command,
        };
    }
    command.args(["--rootfs", "/:O", "sh", "-c"]);
    command
}

#[test]
fn rules_tell_of_what_happens_in_containers() {
    let works = container(&[], true).arg("true").output();
    if !works.as_ref().is_ok_and(|output| output.status.success()) {
        let why = works.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        return println!("SKIP: no container can be run: {why:?}");
    }
    let mut watch = match Watch::start() {
        Ok(watch) => watch,
        Err(why) => return println!("SKIP: {why}"),
    };
    let (prelude, twins) = twins();
    let chosen = chosen(&twins);
    let mut wrong = String::new();
    let mut tried = 0;
    for twin in &twins {
        if let Some(skip) = twin.skip {
            println!("SKIP: {}: {skip}", twin.rule);
        }
        if !chosen.contains(&twin.rule) {
            continue;
        }
        tried += 1;
        for (script, positive) in twin.scripts.iter().zip([true, false]) {
            let is_first = twin.needs.iter().any(|need| need == "first-process");
            let script = if is_first { script.clone() } else { format!("{prelude}\n{script}") };
            let output = container(&twin.needs, positive).arg(script).output().unwrap();
            let alerts = watch.take();
            let told = alerts.iter().any(|alert| alert["rule"] == twin.rule.as_str());
            if told != positive {
                let others: BTreeSet<&str> = alerts.iter().filter_map(|alert| alert["rule"].as_str()).collect();
                let said = String::from_utf8_lossy(&output.stderr);
                let which = if positive { "is not told" } else { "is told of what is only near" };
                let _ = writeln!(wrong, "{} {which}; others: {others:?}; it said: {said}", twin.rule);
            }
        }
    }
    println!("{tried} of {} rules were tried", twins.len());
    assert!(tried > 40 && wrong.is_empty(), "{tried} tried\n{wrong}");
}
