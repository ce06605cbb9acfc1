//! Responses, live: what `detect run --respond` does to processes and containers of podman's.

#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use crate::live::{Watch, podman, podman_run};
use serde_json::Value as Json;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// An alert for whatever has this mark among its arguments, and a plan.
fn watch(directory: &Path, mark: &str, plan: &str) -> Option<Watch> {
    let rules = directory.join("rules.yaml");
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (execve, execveat) and proc.args contains {mark}\n  \
         output: \"%proc.pid %container.id\"\n  priority: WARNING\n"
    );
    fs::write(&rules, rule).unwrap();
    let file = directory.join("plan.yaml");
    fs::write(&file, plan).unwrap();
    let watch = Watch::start(&[rules], &[OsStr::new("--respond"), file.as_os_str()]);
    watch.map_err(|why| println!("SKIP: {why}")).ok()
}

/// A process that waits until it is ended, with a mark among its arguments. It runs, or has ended: whoever begins one goes
/// on before the kernel tells of it.
fn marked(mark: &str) -> (Child, ChildStdin) {
    let script = format!("echo; read line; : {mark}");
    let mut command = Command::new("/bin/sh");
    let mut child = command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let _ = child.stdout.as_mut().unwrap().read(&mut [0]).unwrap();
    (child, input)
}

/// What was done about alerts of this process.
fn responses(lines: &[Json], pid: u32) -> Vec<(String, String)> {
    let pid = i64::from(pid);
    let all = lines.iter().filter_map(|line| line["responses"].as_array()).flatten();
    let text = |record: &Json, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let ours = all.filter(|record| record["pid"] == pid);
    ours.map(|record| (text(record, "outcome"), text(record, "reason"))).collect()
}

fn signal(child: &mut Child) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap())
}

#[test]
fn a_process_is_ended_but_no_more_than_the_budget_allows() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("budget-{}", std::process::id());
    let plan = "{mode: enforce, kills_per_minute: 2, responses: [{name: End, rules: [Marked], action: kill-process, host: true}]}";
    let Some(mut watch) = watch(directory.path(), &mark, plan) else { return };
    for at in 0..2 {
        let (mut child, _input) = marked(&mark);
        assert_eq!(signal(&mut child), Some(9), "{at}");
        let lines = watch.take();
        assert_eq!(responses(&lines, child.id()), [("done".to_owned(), String::new())], "{lines:?}");
    }
    let (mut spared, input) = marked(&mark);
    let lines = watch.take();
    let expect = ("withheld".to_owned(), "2 a minute are allowed, and were done".to_owned());
    assert_eq!(responses(&lines, spared.id()), [expect]);
    drop(input);
    assert_eq!(signal(&mut spared), None, "it ended by itself");
}

#[test]
fn a_rehearsal_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("rehearsal-{}", std::process::id());
    let plan = "responses: [{name: End, rules: [Marked], action: kill-process, host: true}, \
                {name: Not here, rules: [Marked], action: kill-process}]";
    let Some(mut watch) = watch(directory.path(), &mark, plan) else { return };
    let (mut child, input) = marked(&mark);
    let lines = watch.take();
    assert_eq!(
        responses(&lines, child.id()),
        [("dry-run".to_owned(), String::new())],
        "and the other is of containers"
    );
    drop(input);
    assert_eq!(signal(&mut child), None);
}

#[test]
fn whoever_began_this_is_spared() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("above-{}", std::process::id());
    let rules = directory.path().join("rules.yaml");
    // The shell waits for the program that is to end it, and opens a marked file once that watches.
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (open, openat) and fd.name endswith {mark}\n  \
         output: \"%proc.pid\"\n  priority: WARNING\n"
    );
    fs::write(&rules, rule).unwrap();
    let plan = directory.path().join("plan.yaml");
    fs::write(&plan, "{mode: enforce, responses: [{name: End, rules: [Marked], action: kill-process, host: true}]}")
        .unwrap();
    let (out, errors, file) =
        (directory.path().join("out"), directory.path().join("errors"), directory.path().join(&mark));
    // Nothing is begun to wait: others watch beside it, and would have to hold all of that.
    let script = format!(
        "has() {{ while read -r line; do case $line in *$1*) return 0;; esac; done <\"$2\"; return 1; }}; \
         '{}' detect run --format json --rules '{}' --respond '{}' >'{}' 2>'{}' & \
         until has denials '{}' || ! kill -0 $!; do :; done; : >'{}'; \
         until has outcome '{}' || ! kill -0 $!; do :; done; kill $!; wait; exit 7",
        env!("CARGO_BIN_EXE_sekisho"),
        rules.display(),
        plan.display(),
        out.display(),
        errors.display(),
        errors.display(),
        file.display(),
        out.display(),
    );
    // A second command keeps the shell from becoming the program.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).stderr(Stdio::null()).env("SEKISHO_DETECT__DIRECTORY", directory.path());
    let status = shell.status().unwrap();
    let said = fs::read_to_string(&errors).unwrap();
    if !said.starts_with("watching by programs in the kernel, for") {
        return println!("SKIP: {said}");
    }
    assert_eq!(status.code(), Some(7), "{said}");
    let told = fs::read_to_string(&out).unwrap();
    let alert: Json = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    let record = &alert["responses"][0];
    assert_eq!((&record["outcome"], &record["reason"]), (&"withheld".into(), &"this program was begun by it".into()));
}

/// Containers of one test.
struct Containers(Vec<String>);

impl Containers {
    /// Begins one of this machine's files that waits for ever; its id. None, said, where that cannot be.
    fn begin(&mut self, name: &str, script: &str) -> Option<String> {
        let name = format!("sekisho-response-{}-{name}", std::process::id());
        let output = podman_run().args(["-d", "--name", &name, "--rootfs", "/:O", "sh", "-c", script]).output();
        self.0.push(name);
        match output {
            Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Ok(output) => {
                println!("SKIP: no container can be run: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                println!("SKIP: no container can be run: podman: {error}");
                None
            }
        }
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        let _ = podman().args(["rm", "-f", "-t", "0"]).args(&self.0).output();
    }
}

#[test]
fn containers_are_ended_stopped_and_paused() {
    let directory = tempfile::tempdir().unwrap();
    let own = std::process::id();
    let mark = format!("container-{own}");
    let item = |name: &str| {
        format!(
            "{{name: {name}, rules: [Marked], action: {name}-container, within: {{containers: [sekisho-response-{own}-{name}]}}}}"
        )
    };
    let plan = format!(
        "{{mode: enforce, grace_seconds: 10, responses: [{}, {}, {}]}}",
        item("kill"),
        item("stop"),
        item("pause")
    );
    let mut containers = Containers(Vec::new());
    // Of the machine's files nothing ends by itself; the second lets itself be asked, the third does not. The shell's own arguments
    // do not have the mark, for it has to come so far as to let itself be asked; and a signal that comes just before it begins to
    // wait may be seen only when something else wakes it.
    let tail = format!("tail -f /dev/null container-''{own}");
    let wait = format!("tail -f /dev/null & {tail}; :");
    let asked = format!("trap 'exit 5' TERM; {tail} & while :; do sleep 0.1; done");
    let Some(mut watch) = watch(directory.path(), &mark, &plan) else { return };
    let mut one = |name: &str, script: &str| {
        let id = containers.begin(name, script)?;
        let alert = loop {
            let line = watch.next();
            if line["output_fields"]["container.id"].as_str().is_some_and(|short| id.starts_with(short))
                && line["responses"].is_array()
                && !line["responses"].as_array().unwrap().is_empty()
            {
                break line;
            }
        };
        let record = alert["responses"][0].clone();
        assert_eq!(record["outcome"], "done", "{alert}");
        assert_eq!(record["action"], format!("{name}-container"));
        Some((id, record))
    };
    let status = |id: &str| {
        let output = podman().args(["wait", id]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let Some((id, _)) = one("kill", &wait) else { return };
    assert_eq!(status(&id), "137");
    let (id, _) = one("stop", &asked).unwrap();
    assert_eq!(status(&id), "5", "it was asked, and ended by itself");
    let (id, record) = one("pause", &wait).unwrap();
    let place = record["reason"].as_str().unwrap().strip_prefix("it is frozen by ").unwrap();
    assert!(place.contains(&id), "{place}");
    let state = fs::read_to_string(format!("{place}/cgroup.freeze"))
        .or_else(|_| fs::read_to_string(format!("{place}/freezer.state")))
        .unwrap();
    assert!(["1", "FROZEN"].contains(&state.trim()), "{state}");
}

/// Policies that say so are enforced by one response, whatever they are called; others are told.
#[test]
fn policies_are_enforced_on_their_containers() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let own = std::process::id();
    fs::write(
        at("policies.yaml"),
        "policy: told\nname: Only told\nseverity: low\nstages: [runtime]\nwhen: {Process Name: sleep}\n---\n\
         policy: enforced\nname: No waiting\nseverity: high\nstages: [runtime]\nenforce: true\nwhen: {Process Name: tail}\n",
    )
    .unwrap();
    let plan = format!(
        "{{mode: enforce, responses: [{{name: Enforce, enforced_policies: true, action: kill-container, within: {{containers: \
         [sekisho-response-{own}-policy]}}}}]}}"
    );
    fs::write(at("plan.yaml"), plan).unwrap();
    let rule = "- rule: Nothing\n  desc: d\n  condition: evt.type = reboot\n  output: o\n  priority: DEBUG\n";
    fs::write(at("rules.yaml"), rule).unwrap();
    let arguments = [at("policies.yaml"), at("plan.yaml")];
    let arguments =
        [OsStr::new("--policy"), arguments[0].as_os_str(), OsStr::new("--respond"), arguments[1].as_os_str()];
    let mut watch = match Watch::start(&[at("rules.yaml")], &arguments) {
        Ok(watch) => watch,
        Err(why) => return println!("SKIP: {why}"),
    };
    let mut containers = Containers(Vec::new());
    // Nothing of this ends by itself but the first.
    let script = "/bin/sleep 0; /bin/tail -f /dev/null & /bin/tail -f /dev/null; :";
    let Some(id) = containers.begin("policy", script) else { return };
    let mut next = || loop {
        let line = watch.next();
        if line["output_fields"]["container.id"].as_str().is_some_and(|short| id.starts_with(short)) {
            return line;
        }
    };
    let told = next();
    assert_eq!((&told["rule"], &told["output_fields"]["policy.enforced"]), (&"Only told".into(), &false.into()));
    assert!(told.get("responses").is_none(), "{told}");
    let enforced = next();
    let fields = &enforced["output_fields"];
    assert_eq!((&enforced["rule"], &fields["policy.enforced"]), (&"No waiting".into(), &true.into()));
    let record = &enforced["responses"][0];
    assert_eq!(
        (&record["response"], &record["action"], &record["outcome"]),
        (&"Enforce".into(), &"kill-container".into(), &"done".into()),
        "{enforced}"
    );
    let output = podman().args(["wait", &id]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "137");
}

/// What is told of a denial: action, target, outcome.
fn denials(lines: &[Json], name: &str) -> Vec<[String; 3]> {
    let text = |line: &Json, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let ours = lines.iter().filter(|line| line["source"] == "response" && line["response"] == name);
    ours.map(|line| ["action", "target", "outcome"].map(|key| text(line, key))).collect()
}

/// Lines until all of these denials were told of, each once; what the kernel told of a connection is asked for at times.
fn until_told(watch: &mut Watch, names: &[&str]) -> Vec<Json> {
    let mut lines = Vec::new();
    while !names.iter().all(|name| !denials(&lines, name).is_empty()) {
        lines.push(watch.next());
    }
    lines
}

/// Whether the kernel takes what denials need, or why not.
fn can_deny() -> Result<(), String> {
    let refused =
        sekisho_sensor::probe().into_iter().filter(|probe| ["cgroup/connect4", "tp_btf"].contains(&probe.name));
    match refused.map(|probe| probe.allowed.map_err(|error| format!("{}: {error}", probe.name))).find(Result::is_err) {
        Some(refused) => refused,
        None => Ok(()),
    }
}

#[test]
fn programs_writes_and_connections_of_the_host_are_denied() {
    if let Err(why) = can_deny() {
        return println!("SKIP: {why}");
    }
    for enforce in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(directory.path()).unwrap();
        let (program, file) = (base.join("program"), base.join("file"));
        fs::copy("/bin/true", &program).unwrap();
        fs::write(&file, "before").unwrap();
        // An address of this machine that nobody else asks for, by the number of this process.
        let own = std::process::id();
        let ip = format!("127.{}.{}.{}", 64 + (own >> 16 & 63), own >> 8 & 255, (own & 255).clamp(2, 254));
        let plan = format!(
            "{{mode: {}, denials: [{{name: program, host: true, programs: ['{}']}}, {{name: write, host: true, writes: \
             ['{}']}}, {{name: connection, host: true, connections: ['{ip} port 7']}}]}}",
            if enforce { "enforce" } else { "dry-run" },
            program.display(),
            file.display(),
        );
        let Some(mut watch) = watch(directory.path(), "no-such-mark", &plan) else { return };
        // Everything is in place once an event was judged.
        watch.take();
        let begun = Command::new(&program).status().map(|status| status.code());
        // Other processes do it: what this one does is its own affair, and that of whoever watches likewise.
        let shell =
            |script: String| Command::new("/bin/sh").args(["-c", &script]).stderr(Stdio::null()).status().unwrap();
        let read = shell(format!("read line <'{0}'; test \"$line\" = before", file.display())).code();
        let written = shell(format!("echo after >>'{}'", file.display())).success();
        let connect = |port: u16| {
            let script = format!(
                "use Socket; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in({port}, inet_aton('{ip}'))); exit $!"
            );
            Command::new("perl").args(["-e", &script]).status().unwrap().code()
        };
        let connected = [connect(7), connect(8)];
        let outcome = if enforce { "done" } else { "dry-run" };
        let lines = until_told(&mut watch, &["program", "write", "connection"]);
        let path = |path: &Path| path.display().to_string();
        let expect = |action: &str, target: String| [action.to_owned(), target, outcome.to_owned()];
        assert_eq!(denials(&lines, "program")[0], expect("deny-program", path(&program)));
        assert_eq!(denials(&lines, "write")[0], expect("deny-write", path(&file)));
        assert_eq!(denials(&lines, "connection")[0], expect("deny-connection", format!("{ip}:7")));
        // EPERM is 1, ECONNREFUSED 111.
        if enforce {
            assert_eq!(begun.unwrap_err().raw_os_error(), Some(1));
            assert_eq!((read, written, connected), (Some(0), false, [Some(1), Some(111)]), "it may be read");
            assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        } else {
            assert_eq!((begun.unwrap(), read, written, connected), (Some(0), Some(0), true, [Some(111); 2]));
        }
        drop(watch);
        assert!(Command::new(&program).status().unwrap().success(), "nothing is left of it");
        assert_eq!(connect(7), Some(111));
    }
}

#[test]
fn a_container_is_denied_things_from_its_first_program_on() {
    if let Err(why) = can_deny() {
        return println!("SKIP: {why}");
    }
    let directory = tempfile::tempdir().unwrap();
    let own = std::process::id();
    let within = format!("within: {{containers: [sekisho-response-{own}-denied]}}");
    let plan = format!(
        "{{mode: enforce, denials: [{{name: program, programs: [/usr/bin/tail], {within}}}, {{name: foreign, \
         programs_not_in_image: true, {within}}}, {{name: write, writes: [/etc/passwd, /etc/cron.d], {within}}}, \
         {{name: connection, connections: ['127.0.0.0/8 port 7'], {within}}}]}}"
    );
    let Some(mut watch) = watch(directory.path(), "no-such-mark", &plan) else { return };
    watch.take();
    let mut containers = Containers(Vec::new());
    let connect = "perl -e 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(7, inet_aton(\"127.0.0.1\"))); exit $!'";
    // The first thing is a write, by the very first program.
    let script = format!(
        "( : >>/etc/passwd ); w=$?; ( : >/etc/cron.d/new ); d=$?; cp /bin/true /srv/new; /srv/new; f=$?; \
         tail -n 1 /etc/hosts >/dev/null; t=$?; {connect}; c=$?; cat /etc/passwd >/dev/null; r=$?; \
         echo told $w $d $f $t $c $r; read never </dev/zero & wait"
    );
    let mut run = |name: &str| {
        let id = containers.begin(name, &script)?;
        // What it says comes through podman.
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            let output = podman().args(["logs", &id]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if let Some(line) = said.lines().find_map(|line| line.strip_prefix("told ")) {
                return Some(line.to_owned());
            }
            assert!(std::time::Instant::now() < deadline, "{said} {}", String::from_utf8_lossy(&output.stderr));
        }
    };
    let Some(denied) = run("denied") else { return };
    assert_eq!(denied, "2 2 126 126 1 0");
    assert_eq!(run("other").unwrap(), "0 0 0 0 111 0", "the plan is not about it");
    let lines = until_told(&mut watch, &["program", "foreign", "write", "connection"]);
    let targets: std::collections::BTreeSet<String> = ["program", "foreign", "write", "connection"]
        .iter()
        .flat_map(|name| denials(&lines, name))
        .map(|[_, target, outcome]| format!("{target} {outcome}"))
        .collect();
    let expect =
        ["/etc/cron.d/new done", "/etc/passwd done", "/srv/new done", "/usr/bin/tail done", "127.0.0.1:7 done"];
    assert_eq!(targets.into_iter().collect::<Vec<_>>(), expect);
}
