//! `detect baseline`, over captures and over real containers.

use super::schema::strict;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const BASELINE: &str = include_str!("../../../../docs/schemas/sekisho.baseline.v1.json");
const DRIFT: &str = include_str!("../../../../docs/schemas/sekisho.drift.v1.json");

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../detect/fixtures/scap/captures").join(name)
}

fn detect(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("detect").args(arguments).env_clear().env("SOURCE_DATE_EPOCH", "1700000000").current_dir(directory);
    command.env("SEKISHO_DETECT__DIRECTORY", directory.join("mark"));
    command
}

/// Runs a command that ends with `code`, and returns what it wrote.
fn run(directory: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = detect(directory, arguments).output().unwrap();
    let [out, error] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(status.code(), Some(code), "{arguments:?}: {out}{error}");
    (out, error)
}

fn conforms(schema: &str, text: &str) {
    let (schemas, index) = strict(schema);
    let document: Value = serde_json::from_str(text).unwrap();
    let verdict = schemas.validate(&document, index).map_err(|error| format!("{error:#}"));
    assert_eq!(verdict, Ok(()), "{document:#}");
}

#[test]
fn a_capture_is_learned_locked_and_compared() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let [cat, connect] = ["cat_write.scap", "connect_localhost.scap"].map(capture);
    let [cat, connect] = [cat.to_str().unwrap(), connect.to_str().unwrap()];
    // Nothing in it is of a container.
    let (none, said) = run(at, &["baseline", "learn", cat], 0);
    assert!(none.contains("\"baselines\": []") && said.contains("is learned with --host"), "{none}{said}");

    let (_, said) = run(at, &["baseline", "learn", cat, "--host", "-o", "one.json"], 0);
    // Recorders of that time did not tell which file a program is.
    assert!(said.contains("not learned: processes: it was not recorded: 1 time"), "{said}");
    let text = fs::read_to_string(at.join("one.json")).unwrap();
    conforms(BASELINE, &text);
    let (shown, _) = run(at, &["baseline", "show", "one.json"], 0);
    assert!(shown.starts_with("host: learning, confidence low\n"), "{shown}");
    assert!(shown.contains("  processes: none\n"), "{shown}");
    // Twice the same is the same.
    let (merged, _) = run(at, &["baseline", "merge", "one.json", "one.json"], 0);
    assert_eq!(merged, text);

    let (_, refused) = run(at, &["baseline", "lock", "one.json", "-o", "locked.json"], 1);
    assert!(refused.contains("its confidence is low: it was watched for 0 of 3600 seconds"), "{refused}");
    assert!(!at.join("locked.json").exists());
    run(at, &["baseline", "drift", "one.json", cat], 2);
    run(at, &["baseline", "lock", "one.json", "--confidence", "low", "-o", "locked.json"], 0);
    conforms(BASELINE, &fs::read_to_string(at.join("locked.json")).unwrap());
    let (_, refused) = run(at, &["baseline", "merge", "locked.json", "one.json"], 2);
    assert!(refused.contains("the baseline of host is locked"), "{refused}");
    let (open, _) = run(at, &["baseline", "unlock", "locked.json"], 0);
    assert_eq!(open, text);

    let (same, said) = run(at, &["baseline", "drift", "locked.json", cat], 0);
    assert!(same.is_empty() && said.contains("0 deeds outside"), "{same}{said}");
    let (other, _) = run(at, &["baseline", "drift", "locked.json", connect, "--format", "json"], 1);
    conforms(DRIFT, &other);
    let report: Value = serde_json::from_str(&other).unwrap();
    let kinds: Vec<&str> =
        report["outside"].as_array().unwrap().iter().map(|of| of["deed"]["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"calls"), "{report}");

    let (rules, _) = run(at, &["baseline", "export", "locked.json", "-o", "rules.yaml"], 0);
    assert!(rules.is_empty());
    run(at, &["rules", "lint", "rules.yaml"], 0);
    let (_, counts) = run(at, &["replay", cat, "--baseline", "locked.json", "--count"], 0);
    // A program without a path is none of those that are allowed.
    assert!(counts.contains("  1 Program outside baseline 1: host") && !counts.contains("File outside"), "{counts}");
    let (profile, _) = run(at, &["baseline", "export", "locked.json", "--format", "seccomp"], 0);
    assert!(profile.contains("\"SCMP_ACT_ERRNO\"") && profile.contains("\"open\""), "{profile}");
    run(at, &["baseline", "export", "locked.json", "--container", "other"], 2);
    fs::write(at.join("no.json"), "{\"schema\": \"sekisho.scan/v1\", \"baselines\": []}").unwrap();
    let (_, no) = run(at, &["baseline", "show", "no.json"], 2);
    assert!(no.contains("is no document of baselines") && no.contains("baseline.malformed"), "{no}");
}

/// Watches until it is told to stop; or why it cannot.
fn watching(directory: &Path, arguments: &[&str]) -> Result<(Child, BufReader<impl Read>), String> {
    let mut command = detect(directory, arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::from("note: ");
    // Others may run containers meanwhile, whose baselines are not locked.
    while first.starts_with("note: ") {
        first.clear();
        said.read_line(&mut first).unwrap();
    }
    if first.starts_with("watching by programs in the kernel, for") {
        return Ok((child, said));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(["sensor.refused", "without system calls", "connector"].iter().any(|why| first.contains(why)), "{first}");
    Err(first)
}

/// Ends it, and returns its exit code and what it wrote.
fn ended((child, mut said): (Child, BufReader<impl Read>)) -> (Option<i32>, String) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let mut error = String::new();
    said.read_to_string(&mut error).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), format!("{}{error}", String::from_utf8_lossy(&output.stdout)))
}

/// A container of this machine's files, under an overlay.
fn container(name: &str, script: &str) -> Output {
    let mut command = Command::new("podman");
    command.args(["--cgroup-manager=cgroupfs", "--runtime", "runc", "run", "--rm", "--network=none", "--name", name]);
    command.args([
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=1024:1024",
        "--rootfs",
        "/:O",
        "sh",
        "-c",
        script,
    ]);
    command.output().unwrap()
}

/// What a container of this name ordinarily does, learned live as `one.json` in `at`, and locked as `locked.json`; or why that
/// cannot be.
fn locked(at: &Path, name: &str, ordinary: &str) -> Result<(), String> {
    let works = Command::new("podman").arg("--version").output().is_ok_and(|output| output.status.success());
    if !works {
        return Err("there is no podman".to_owned());
    }
    let output = container(name, ordinary);
    if !output.status.success() {
        return Err(format!("no container can be run: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let watch = watching(at, &["baseline", "learn", "--window", "0", "-o", "one.json"])?;
    assert!(container(name, ordinary).status.success());
    let (code, said) = ended(watch);
    assert_eq!(code, Some(0), "{said}");
    run(at, &["baseline", "lock", "one.json", "--container", name, "--alerted", "keep", "-o", "locked.json"], 0);
    Ok(())
}

#[test]
fn containers_are_learned_and_compared_live() {
    let name = format!("sekisho-baseline-{}", std::process::id());
    let ordinary = "echo 1 > /tmp/state; cat /etc/hostname; id";
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    if let Err(why) = locked(at, &name, ordinary) {
        return println!("SKIP: {why}");
    }
    let (shown, _) = run(at, &["baseline", "show", "one.json", "--container", &name], 0);
    for line in ["/cat by ", "/id by ", " from outside as 0 ", "    /tmp/state  (", "  calls: not learned"] {
        assert!(shown.contains(line), "no {line:?} in {shown}");
    }
    // What runc does on the way is not the container's.
    assert!(!shown.contains("runc") && !shown.contains("    / from outside"), "{shown}");

    let drift = || watching(at, &["baseline", "drift", "locked.json"]).unwrap();
    let watch = drift();
    assert!(container(&name, ordinary).status.success());
    let (code, said) = ended(watch);
    assert_eq!(code, Some(0), "{said}");
    let watch = drift();
    assert!(container(&name, "echo 1 > /tmp/state; echo 2 > /etc/other; uname").status.success());
    let (code, said) = ended(watch);
    assert_eq!(code, Some(1), "{said}");
    let outside: Vec<&str> = said.lines().filter(|line| line.starts_with("outside: ")).collect();
    assert_eq!(outside.len(), 2, "{said}");
    assert!(
        outside[0].contains("/uname by ") && outside[1].contains(&format!("files of {name}: /etc/other ")),
        "{said}"
    );
}

/// Policies of the stage `runtime` over what really happens, with a locked baseline beside them.
#[test]
fn policies_are_asked_about_containers_live() {
    let name = format!("sekisho-policies-{}", std::process::id());
    let ordinary = "echo 1 > /tmp/state; id";
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    if let Err(why) = locked(at, &name, ordinary) {
        return println!("SKIP: {why}");
    }

    let mut arguments = vec!["run", "--profile", "all", "--baseline", "locked.json", "--priority", "emergency"];
    arguments.extend(["-f", "json", "--count"]);
    let watch = watching(at, &arguments).unwrap();
    let script = "id; uname; touch /etc/passwd.other; chmod 600 /etc/shadow; mv /etc/group /etc/gshadow";
    assert!(container(&name, script).status.success());
    let (code, said) = ended(watch);
    assert_eq!(code, Some(0), "{said}");
    let alerts = said.lines().filter(|line| line.starts_with('{'));
    let alerts: Vec<Value> = alerts.map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| -> Vec<&Value> {
        let fields = alerts.iter().map(|alert| &alert["output_fields"]);
        fields.filter(|fields| fields["policy.id"] == id && fields["container.name"] == name.as_str()).collect()
    };
    let files = of("account-file-written");
    let calls: Vec<&str> = files.iter().filter_map(|fields| fields["evt.type"].as_str()).collect();
    assert!(calls.len() == 2 && calls[0].contains("chmod") && calls[1].starts_with("rename"), "{said}");
    assert_eq!(files[1]["fs.path.target"], "/etc/gshadow");
    let beyond: Vec<&str> =
        of("process-beyond-the-baseline").iter().filter_map(|fields| fields["proc.name"].as_str()).collect();
    assert!(beyond.contains(&"uname") && beyond.contains(&"chmod"), "{said}");
    assert!(!beyond.contains(&"id") && !beyond.contains(&"runc"), "{said}");
    // All of them are of root, and none of what the engine does is.
    let roots: Vec<&str> = of("process-of-root").iter().filter_map(|fields| fields["proc.name"].as_str()).collect();
    assert_eq!(roots, ["sh", "id", "uname", "touch", "chmod", "mv"], "{said}");
}
