//! Containers that run on this machine, looked for at the moment at which their cgroup appears: before their first program
//! is run. Needs root, podman, containerd or a running docker, and busybox; where these are missing or may not run containers, a test says
//! what it skipped and why.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use sekisho_base::Limits;
use sekisho_model::{Engine, RunningContainer};
use sekisho_oci::container::{Containerd, Engines};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BUSYBOX: &str = "/bin/busybox";
const LIMITS: [&str; 4] = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
const PODMAN: [&str; 3] = ["--cgroup-manager=cgroupfs", "--runtime", "runc"];

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        return Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&stderr)));
    }
    Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
}

/// An image of one program, which goes with this.
struct Image(String);

impl Image {
    fn make(name: &str) -> Result<Self, String> {
        if !Path::new(BUSYBOX).exists() {
            return Err(format!("{BUSYBOX} is not there"));
        }
        let image = format!("localhost/sekisho-oci-{name}-{}:1", std::process::id());
        let container = run("buildah", &["from", "scratch"])?;
        let built = run("buildah", &["copy", "-q", &container, BUSYBOX, BUSYBOX])
            .and_then(|_| run("buildah", &["config", "--label", "org.example.team=shop", &container]))
            .and_then(|_| run("buildah", &["commit", "-q", &container, &image]));
        let _ = run("buildah", &["rm", &container]);
        built.map(|_| Self(image))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = run("podman", &["rmi", "-f", &self.0]);
    }
}

/// What is in a directory of the hierarchy that containers are in.
fn cgroups(parent: &str) -> Vec<String> {
    let names = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].iter().find_map(|hierarchy| {
        let entries = fs::read_dir(Path::new(hierarchy).join(parent)).ok()?;
        Some(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    });
    names.unwrap_or_default()
}

/// What is written of the container for which a cgroup is made while `start` runs; `id` finds it in the cgroup's name.
fn found_at_once(
    engines: &Engines,
    mut start: Command,
    parent: &str,
    id: impl Fn(&str) -> Option<&str>,
) -> (RunningContainer, Vec<String>) {
    let before = cgroups(parent);
    let child = start.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let name = loop {
        let made = cgroups(parent).into_iter().find(|name| id(name).is_some() && !before.contains(name));
        if let Some(name) = made {
            break name;
        }
        assert!(Instant::now() < deadline, "no cgroup was made");
        std::thread::yield_now();
    };
    let id = id(&name).unwrap();
    let began = Instant::now();
    let (container, diagnostics) = engines.find(id, Engine::Cri);
    println!("found within {:?}", began.elapsed());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(container.full_id.as_deref(), Some(id));
    (container, diagnostics.iter().map(ToString::to_string).collect())
}

#[test]
fn podman_has_written_all_before_a_container_runs() {
    let able = Image::make("podman").and_then(|image| {
        let whole = [&PODMAN[..], &["run", "--rm", "--network=none"], &LIMITS, &[&image.0, BUSYBOX, "true"]].concat();
        run("podman", &whole).map(|_| image)
    });
    let image = match able {
        Ok(image) => image,
        Err(reason) => return println!("SKIP: {reason}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let name = format!("sekisho-{}", std::process::id());
    let volume = format!("{}:/data:ro", folder.path().display());
    let mut start = Command::new("podman");
    start.args(PODMAN).args(["run", "--rm", "--network=none", "--name", &name, "-v", &volume]).args(LIMITS);
    start.args([&image.0, BUSYBOX, "true"]);
    let (engines, _) = Engines::of_host(Path::new("/"), &Limits::default()).unwrap();
    let (container, said) = found_at_once(&engines, start, "libpod_parent", |cgroup| {
        cgroup.strip_prefix("libpod-").filter(|id| RunningContainer::is_number(id))
    });
    assert!(said.iter().all(|said| said.contains("podman keeps labels")), "{said:?}");
    assert_eq!((container.engine, container.name.as_ref()), (Some(Engine::Podman), Some(&name)));
    assert_eq!(container.image.as_ref(), Some(&image.0));
    let inspected = run("podman", &["image", "inspect", "--format", "{{.Id}} {{.Digest}}", &image.0]).unwrap();
    assert_eq!(format!("{} {}", container.image_id.unwrap(), container.image_digest.unwrap()), inspected);
    assert_eq!((container.privileged, container.host_network), (Some(false), Some(false)));
    let mounts = container.mounts.unwrap();
    let mount = mounts.iter().find(|mount| mount.dest == "/data").unwrap();
    assert!(mount.source == folder.path().to_str().unwrap() && !mount.rdwr, "{mount:?}");
}

#[test]
fn docker_has_written_all_before_a_container_runs() {
    let folder = tempfile::tempdir().unwrap();
    let image = format!("sekisho-oci-{}:1", std::process::id());
    let able = run("docker", &["info", "--format", "{{.CgroupDriver}}"]).and_then(|driver| {
        if driver != "cgroupfs" {
            return Err(format!("docker puts containers into the cgroups of {driver}"));
        }
        let archive = folder.path().join("image.tar").display().to_string();
        run("tar", &["-C", "/", "-cf", &archive, &BUSYBOX[1..]])?;
        run("docker", &["import", &archive, &image])
    });
    let id = match able {
        Ok(id) => id,
        Err(reason) => return println!("SKIP: {reason}"),
    };
    let name = format!("sekisho-{}", std::process::id());
    let volume = format!("{}:/data:ro", folder.path().display());
    let mut start = Command::new("docker");
    start.args(["run", "--rm", "--network=none", "--name", &name, "--label", "tier=front", "-v", &volume]);
    start.args([&image, BUSYBOX, "true"]);
    let (engines, _) = Engines::of_host(Path::new("/"), &Limits::default()).unwrap();
    let (container, said) =
        found_at_once(&engines, start, "docker", |cgroup| Some(cgroup).filter(|id| RunningContainer::is_number(id)));
    let _ = run("docker", &["rmi", &image]);
    assert_eq!(said, [""; 0]);
    assert_eq!((container.engine, container.name.as_ref()), (Some(Engine::Docker), Some(&name)));
    assert_eq!((container.image.as_ref(), container.image_id.as_deref()), (Some(&image), id.strip_prefix("sha256:")));
    assert_eq!((container.privileged, container.no_pod), (Some(false), true));
    assert_eq!(container.label("tier"), Some("front"));
    let mount = &container.mounts.unwrap()[0];
    assert!(mount.source == folder.path().to_str().unwrap() && !mount.rdwr && mount.dest == "/data", "{mount:?}");
}

/// A containerd of its own, until it is dropped.
struct Daemon {
    child: Child,
    folder: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{}\"\n[ttrpc]\naddress = \"{}\"\n",
            at("root"),
            at("state"),
            at("containerd.sock"),
            at("ttrpc.sock")
        );
        fs::write(at("config.toml"), config).unwrap();
        let child = Command::new("containerd")
            .args(["--config", &at("config.toml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("containerd: {error}"))?;
        let daemon = Self { child, folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = daemon.ctr(&["version"]) {
            if Instant::now() > deadline {
                return Err(error);
            }
        }
        Ok(daemon)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ctr(&self, arguments: &[&str]) -> Result<String, String> {
        let socket = self.at("containerd.sock").display().to_string();
        run("ctr", &[&["--address", &socket][..], arguments].concat())
    }
}

#[test]
fn containerd_has_written_all_before_a_container_runs() {
    let able = Image::make("containerd").and_then(|image| {
        let daemon = Daemon::start()?;
        let archive = daemon.at("image.tar").display().to_string();
        run("buildah", &["push", "-q", &image.0, &format!("oci-archive:{archive}:{}", image.0)])?;
        daemon.ctr(&["images", "import", &archive])?;
        daemon.ctr(&["run", "--rm", &image.0, "sekisho-able", BUSYBOX, "true"])?;
        Ok((image, daemon))
    });
    let (image, daemon) = match able {
        Ok(able) => able,
        Err(reason) => return println!("SKIP: {reason}"),
    };
    let id = format!("sekisho-{}", std::process::id());
    let socket = daemon.at("containerd.sock");
    let mut start = Command::new("ctr");
    start.arg("--address").arg(socket).args(["run", "--rm", "--label", "tier=front", &image.0, &id, BUSYBOX, "true"]);
    let (mut engines, _) = Engines::of_host(Path::new("/"), &Limits::default()).unwrap();
    engines.containerd.insert(0, Containerd { state: daemon.at("state"), root: daemon.at("root") });
    let (container, said) = found_at_once(&engines, start, "default", |cgroup| Some(cgroup).filter(|name| *name == id));
    assert_eq!(said, [""; 0]);
    assert_eq!((container.engine, container.name.as_ref()), (Some(Engine::Containerd), Some(&id)));
    assert_eq!(container.image.as_ref(), Some(&image.0));
    let listed = daemon.ctr(&["images", "ls"]).unwrap();
    assert!(listed.contains(container.image_digest.as_ref().unwrap()), "{listed}");
    let inspected = run("podman", &["image", "inspect", "--format", "{{.Id}}", &image.0]).unwrap();
    assert_eq!(container.image_id.as_ref(), Some(&inspected));
    assert_eq!((container.privileged, container.host_network, container.no_pod), (Some(false), Some(false), true));
    assert_eq!((container.label("tier"), container.label("org.example.team")), (Some("front"), Some("shop")));
}
