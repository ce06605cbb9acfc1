//! The sensor and real containers: podman with runc, an image of one static program. Skipped where these are missing.

use crate::watch::{calls, require_bpf};
use sekisho_model::Engine;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BUSYBOX: &str = "/bin/busybox";

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        return Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&stderr)));
    }
    Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
}

/// Containers of one test: the image it runs, which goes with it.
struct Podman {
    image: String,
}

impl Podman {
    /// None, said, where containers cannot be run.
    fn new(name: &str) -> Option<Self> {
        let made = Self::make(&format!("localhost/sekisho-sensor-{name}-{}", std::process::id()));
        made.map_err(|error| println!("SKIP: {error}")).ok()
    }

    fn make(image: &str) -> Result<Self, String> {
        if !Path::new(BUSYBOX).exists() {
            return Err(format!("{BUSYBOX} is not there"));
        }
        let container = run("buildah", &["from", "scratch"])?;
        let built = (|| {
            for name in ["/bin/busybox", "/bin/sh"] {
                run("buildah", &["copy", "-q", &container, BUSYBOX, name])?;
            }
            run("buildah", &["commit", "-q", &container, image])
        })();
        let _ = run("buildah", &["rm", &container]);
        built?;
        let this = Self { image: image.to_owned() };
        this.run("/bin/busybox true")?;
        Ok(this)
    }

    /// Runs a script in a new container.
    fn run(&self, script: &str) -> Result<String, String> {
        let fixed = ["--cgroup-manager=cgroupfs", "--runtime", "runc", "run", "--rm", "--network=none"];
        let limits =
            ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", &self.image, "/bin/sh", "-c", script];
        run("podman", &[&fixed[..], &limits[..]].concat())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = run("podman", &["rmi", "-f", &self.image]);
    }
}

#[test]
fn the_first_program_of_a_container_is_known_to_be_in_it() {
    let Some(podman) = Podman::new("first") else { return };
    let Some(mut watch) = require_bpf(&calls(&["openat", "open"])) else { return };
    let script = "/bin/busybox cp /bin/busybox /busybox; /bin/busybox cat /etc/hostname; /busybox true marker";
    let name = podman.run(script).unwrap();
    let seen = watch.until(|seen| seen.name == "execve" && seen.bytes("args") == b"true\0marker\0");

    let first =
        seen.iter().find(|seen| seen.name == "execve" && seen.bytes("args").starts_with(b"-c\0/bin/busybox cp"));
    let first = first.unwrap();
    let (at, cgroup) = watch.cgroups.iter().rfind(|(id, _)| *id == first.told.cgroup).unwrap();
    let (id, engine) = cgroup.container.as_ref().unwrap();
    assert_eq!((id.len(), engine), (64, &Engine::Podman), "{cgroup:?}");
    assert!(id.starts_with(&name), "podman calls the machine by its id: {name}");
    assert_eq!(first.bytes("cgroups"), &*cgroup.text);
    // The state comes to the same.
    let of_state = sekisho_trace::state::of_cgroups(first.bytes("cgroups")).unwrap();
    assert_eq!(&of_state.0, id);

    let inside: Vec<_> = seen.iter().filter(|seen| seen.told.cgroup == *at && seen.tid > first.tid).collect();
    let opened =
        inside.iter().find(|seen| seen.name.starts_with("open") && seen.text("name") == "/etc/hostname").unwrap();
    if opened.name == "openat" {
        assert_eq!(opened.text("fullpath"), "/etc/hostname", "as it is in the container");
    }

    // Drift: what came with the image is below, what was copied is above.
    assert_eq!(first.int("flags") & 0xa, 0x8, "{first:?}");
    let drifted = seen.last().unwrap();
    assert_eq!(drifted.int("flags") & 0xa, 0x2, "{drifted:?}");
    assert_eq!(drifted.text("trusted_exepath"), "/busybox");
    assert!(drifted.int("ptid") > 0);
}

/// Cgroups of a test, the innermost last; they go with this.
struct Nested(Vec<PathBuf>);

impl Nested {
    /// Makes these below each other, in the hierarchy that containers are in; or why that cannot be.
    fn make(names: &[&str]) -> Result<Self, String> {
        let first = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(PathBuf::from);
        let Some(root) = first.into_iter().find(|root| root.join("cgroup.procs").exists()) else {
            return Err("no cgroups are mounted where they usually are".to_owned());
        };
        let mut this = Self(Vec::new());
        for name in names {
            let path = this.0.last().unwrap_or(&root).join(name);
            fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            this.0.push(path);
        }
        Ok(this)
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let _ = fs::remove_dir(path);
        }
    }
}

#[test]
fn a_container_is_not_believed_to_be_another_one() {
    let Some(mut watch) = require_bpf(&calls(&[])) else { return };
    let own = std::process::id();
    let (id, other) = (format!("{own:064x}"), "f".repeat(64));
    // As whoever is in a container can make it: a cgroup that is called as that of another container, or of its watcher.
    for (at, forged) in [format!("docker-{other}.scope"), format!("libpod-conmon-{other}.scope")].iter().enumerate() {
        let nested = match Nested::make(&[&format!("sekisho-{own}"), &format!("libpod-{id}"), "inner", forged]) {
            Ok(nested) => nested,
            Err(why) => return println!("SKIP: {why}"),
        };
        let marker = format!("forged-{own}-{at}");
        let script = format!("echo 0 >'{}/cgroup.procs'; /bin/true {marker}", nested.0.last().unwrap().display());
        assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success());
        let args = format!("{marker}\0");
        let seen = watch.until(|seen| seen.name == "execve" && seen.bytes("args") == args.as_bytes());
        let last = seen.last().unwrap();
        let text = String::from_utf8_lossy(last.bytes("cgroups")).into_owned();
        assert!(text.contains(forged), "it is there: {text}");
        assert_eq!(sekisho_trace::state::of_cgroups(text.as_bytes()), Some((id.clone(), Engine::Podman)));
        let (_, cgroup) = watch.cgroups.iter().rfind(|(at, _)| *at == last.told.cgroup).unwrap();
        assert_eq!(cgroup.container, Some((id.clone(), Engine::Podman)));
    }
}

#[test]
fn containers_that_live_for_a_moment() {
    const NUMBER: usize = 8;
    let Some(podman) = Podman::new("churn") else { return };
    let Some(mut watch) = require_bpf(&calls(&[])) else { return };
    for at in 0..NUMBER {
        podman.run(&format!("/bin/busybox true churn{at}")).unwrap();
    }
    let last = format!("churn{}\0", NUMBER - 1);
    let seen = watch.until(|seen| {
        seen.name == "execve" && seen.bytes("args").ends_with(last.as_bytes()) && seen.text("exe").ends_with("busybox")
    });
    let ids: std::collections::BTreeSet<_> = seen
        .iter()
        .filter(|seen| seen.name == "execve" && seen.text("exe").ends_with("busybox"))
        .filter(|seen| seen.bytes("args").windows(5).any(|five| five == b"churn"))
        .map(|seen| sekisho_trace::state::of_cgroups(seen.bytes("cgroups")).unwrap().0)
        .collect();
    assert_eq!(ids.len(), NUMBER, "each in its own, known from its first program on");
}
