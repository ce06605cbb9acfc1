//! `detect run` on this very machine, and containers of podman's beside it.

use serde_json::Value as Json;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long an event may take to be told, and how often it is tried again.
const PATIENCE: Duration = Duration::from_secs(15);
pub(crate) const ATTEMPTS: usize = 4;

/// What tells that all before it was judged.
const SENTINEL: &str = r#"
- rule: Sentinel
  desc: d
  condition: evt.type in (execve, execveat) and proc.args startswith sekisho-sentinel-
  output: "%proc.args"
  priority: DEBUG
"#;

/// `detect run`, whose alerts are taken from a thread.
pub(crate) struct Watch {
    child: Child,
    alerts: Receiver<Json>,
    number: u32,
    _directory: tempfile::TempDir,
}

impl Watch {
    /// Or why not, where the kernel takes no programs.
    pub(crate) fn start(rules: &[PathBuf], arguments: &[&OsStr]) -> Result<Self, String> {
        Self::keeping(rules, arguments, None)
    }

    /// One that keeps its mark in this directory; others have one of their own.
    pub(crate) fn keeping(rules: &[PathBuf], arguments: &[&OsStr], mark: Option<&Path>) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let sentinel = directory.path().join("sentinel.yaml");
        fs::write(&sentinel, SENTINEL).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["detect", "run", "--format", "json", "--rule-matching", "all", "--buffer", "64"]);
        command.args(arguments).arg("--rules").args(rules).arg(&sentinel);
        command.env_clear().env("SEKISHO_DETECT__DIRECTORY", mark.unwrap_or(directory.path()));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
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

    /// All lines up to now.
    pub(crate) fn take(&mut self) -> Vec<Json> {
        let (mut all, mut told) = (Vec::new(), false);
        // While others begin very many programs beside it, the kernel may have no room for the one that tells.
        for _ in 0..ATTEMPTS {
            self.number += 1;
            // Others watch, too, each with its own.
            let marker = format!("sekisho-sentinel-{}-{}", std::process::id(), self.number);
            assert!(Command::new("/bin/true").arg(&marker).status().unwrap().success());
            while !told && let Ok(line) = self.alerts.recv_timeout(PATIENCE) {
                if line["rule"] == "Sentinel" {
                    told = line["output_fields"]["proc.args"] == marker.as_str();
                } else {
                    all.push(line);
                }
            }
            if told {
                break;
            }
        }
        assert!(told, "nothing is told any more, after {all:?}");
        all
    }

    /// The next line, whenever it comes.
    pub(crate) fn next(&mut self) -> Json {
        self.alerts.recv_timeout(Duration::from_mins(1)).unwrap()
    }

    /// The next alert of a rule that is tried.
    pub(crate) fn next_alert(&mut self) -> Json {
        loop {
            let line = self.next();
            if line["rule"] != "Sentinel" {
                return line;
            }
        }
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `podman run`, as it works also where cgroups of both versions are mounted, without a network.
pub(crate) fn podman_run() -> Command {
    let mut command = podman();
    command.args(["run", "--network=none"]);
    command.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]);
    command
}

/// `podman`, likewise.
pub(crate) fn podman() -> Command {
    let mut command = Command::new("podman");
    command.args(["--cgroup-manager=cgroupfs", "--runtime", "runc"]);
    command
}
