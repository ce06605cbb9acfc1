//! `detect run --inventory`, live: which packages of a container's image are in use, and what did not come with it.

use crate::live::{Watch, podman, podman_run};
use sekisho_model::{InUseReport, UseState};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const BUSYBOX: &str = "/bin/busybox";

/// What a command says.
fn run(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let error = String::from_utf8_lossy(&stderr);
    if status.success() { Ok(String::from_utf8_lossy(&stdout).trim().to_owned()) } else { Err(error.into_owned()) }
}

/// An image of busybox and two files, with what dpkg would know of them. It goes with this.
struct Image(String);

impl Image {
    fn make(directory: &Path) -> Result<Self, String> {
        let root = directory.join("root");
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("etc/os-release", "ID=debian\nVERSION_ID=12\n");
        let stanza =
            |name: &str| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n");
        put("var/lib/dpkg/status", &["shell", "words", "idle", "strange"].map(stanza).concat());
        put("var/lib/dpkg/info/shell.list", "/.\n/bin\n/bin/busybox\n/bin/sh\n");
        put("var/lib/dpkg/info/words.list", "/.\n/usr\n/usr/share\n/usr/share/words\n");
        put("var/lib/dpkg/info/idle.list", "/.\n/usr\n/usr/share\n/usr/share/idle\n");
        put("usr/share/words", "words");
        put("usr/share/idle", "idle");
        fs::create_dir_all(root.join("bin")).unwrap();
        for name in ["busybox", "sh"] {
            fs::copy(BUSYBOX, root.join("bin").join(name)).map_err(|error| format!("{BUSYBOX}: {error}"))?;
        }
        let container = run(Command::new("buildah").args(["from", "scratch"]))?;
        let this = Self(format!("localhost/sekisho-in-use-{}", std::process::id()));
        let built = run(Command::new("buildah").args(["copy", "-q", &container]).arg(&root).arg("/"))
            .and_then(|_| run(Command::new("buildah").args(["commit", "-q", &container, &this.0])));
        let _ = run(Command::new("buildah").args(["rm", &container]));
        built.map(|_| this)
    }

    fn run(&self, script: &str) -> Result<String, String> {
        run(podman_run().args(["--rm", &self.0, "/bin/sh", "-c", script]))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = run(podman().args(["rmi", "-f", &self.0]));
    }
}

#[test]
fn what_is_opened_and_run_is_joined_to_packages() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let image = match Image::make(directory.path()).and_then(|image| image.run("exit 0").map(|_| image)) {
        Ok(image) => image,
        Err(why) => return println!("SKIP: {why}"),
    };
    let mut scan = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    scan.args([
        "scan",
        "image",
        &format!("containers-storage:{}", image.0),
        "--format",
        "json",
        "--package-files",
        "-o",
    ]);
    fs::create_dir(at("inventories")).unwrap();
    run(scan.arg(at("inventories/image.json"))).unwrap();

    let mark = format!("in-use-{}", std::process::id());
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (execve, execveat) and evt.failed = false and container.id != host and \
         proc.exepath in (/bin/sh, /bin/busybox, /busybox) and proc.args contains {mark}\n  output: \
         \"%proc.name\"\n  priority: WARNING\n"
    );
    fs::write(at("rules.yaml"), rule).unwrap();
    let [inventories, report] = ["inventories", "in-use.json"].map(at);
    let arguments = [OsStr::new("--inventory"), inventories.as_os_str(), OsStr::new("--in-use"), report.as_os_str()];
    let mut watch = match Watch::start(&[at("rules.yaml")], &arguments) {
        Ok(watch) => watch,
        Err(why) => return println!("SKIP: {why}"),
    };
    let script = format!(
        "cd /; /bin/busybox cat /usr/share/words; /bin/busybox test -e /usr/share/idle; /bin/busybox true {mark}-1; \
         /bin/busybox cp /bin/busybox /busybox; /busybox true {mark}-2"
    );
    assert_eq!(image.run(&script).unwrap(), "words");
    // The shell has the mark among its arguments, too.
    let alerts = [watch.next_alert(), watch.next_alert(), watch.next_alert()];
    let labels = alerts.each_ref().map(|alert| {
        let fields = &alert["output_fields"];
        let package = fields["image.package"].as_str().map(|purl| purl.split('@').next().unwrap().to_owned());
        (package, fields["image.has_program"].as_bool())
    });
    let of_image = (Some("pkg:deb/debian/shell".to_owned()), Some(true));
    assert_eq!(labels, [of_image.clone(), of_image, (None, Some(false))], "{alerts:?}");
    watch.take();
    watch.stop();

    // Policies ask for it.
    for (name, expect) in [("words", Some(1)), ("idle", Some(0)), ("strange", Some(3))] {
        let policy = format!(
            "policy: x\nname: x\nstages: [build]\nseverity: high\nenforce: true\nwhen: {{Package In Use: true, Image Component: {name}=}}\n"
        );
        fs::write(at("policy.yaml"), policy).unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        check.args(["check", "image"]).arg(at("inventories/image.json")).args([
            "--db",
            "none",
            "--profile",
            "none",
            "--policy",
        ]);
        let output = check.arg(at("policy.yaml")).arg("--in-use").arg(&report).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), expect, "{name}: {said}");
    }

    let report: InUseReport = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let [used] = report.images.as_slice() else { panic!("{report:?}") };
    let of = |name: &str| {
        let name = format!("pkg:deb/debian/{name}@");
        let package = used.packages.iter().find(|package| package.purl.as_str().starts_with(&name)).unwrap();
        assert_eq!(package.since.is_some(), package.state == UseState::InUse);
        assert!(package.since.is_none_or(|since| (report.from..=report.to).contains(&since)), "{report:?}");
        (package.state, package.file.as_deref())
    };
    assert_eq!(of("shell"), (UseState::InUse, Some("bin/sh")));
    assert_eq!(of("words"), (UseState::InUse, Some("usr/share/words")));
    assert_eq!(of("idle"), (UseState::NotSeen, None), "looking whether it is there is no use");
    assert_eq!(of("strange"), (UseState::Unknown, None), "nobody lists its files");
    assert_eq!(used.foreign.iter().collect::<Vec<_>>(), ["busybox"]);
    assert_eq!(used.containers.len(), 1, "{used:?}");
}
