//! The detection rules that ship, live: `detect run` over real containers in which the scripts of
//! `rules/detection/twins.yaml` run. Each rule has to tell of its own script, and not of the near one.
//!
//! Containers are podman's, of this machine's own files under an overlay, which a Debian has to be. One rule for each
//! technique of MITRE ATT&CK is tried; all of them with `SEKISHO_TEST_FULL=1`, which `cargo xtask test --full` sets.

use crate::live::{Watch, podman_run};
use sekisho_base::Limits;
use sekisho_base::tree::{Node, Value, documents};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A container of this machine's files, under an overlay, without a network. Its id is written to `id`.
fn container(needs: &[String], positive: bool, id: &Path) -> Command {
    let mut command = podman_run();
    command.arg("--rm").arg("--cidfile").arg(id);
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
    let directory = tempfile::tempdir().unwrap();
    let works = container(&[], true, &directory.path().join("first")).arg("true").output();
    if !works.as_ref().is_ok_and(|output| output.status.success()) {
        let why = works.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        return println!("SKIP: no container can be run: {why:?}");
    }
    let mut files: Vec<PathBuf> = fs::read_dir(rules()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !["ja", "twins"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)));
    files.sort();
    let mut watch = match Watch::start(&files, &[]) {
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
            let id = directory.path().join(format!("{tried}-{positive}"));
            let output = container(&twin.needs, positive, &id).arg(script).output().unwrap();
            let id = fs::read_to_string(id).unwrap();
            // Other containers run beside it, of other tests among them.
            let ours = |fields: &serde_json::Value| {
                fields["container.id"].as_str().is_some_and(|short| !short.is_empty() && id.starts_with(short))
            };
            let alerts: Vec<_> = watch.take().into_iter().filter(|alert| ours(&alert["output_fields"])).collect();
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
