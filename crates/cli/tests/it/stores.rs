//! Images in the stores of engines, filled by the engines themselves where they are installed and this is root.

use crate::world::{World, shown};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Why a program cannot be asked.
fn missing(programs: &[&str]) -> Option<String> {
    let absent = programs.iter().find(|name| !Path::new("/usr/bin").join(name).is_file());
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    match absent {
        Some(name) => Some(format!("{name} is not installed")),
        None if !root => Some("only root may unpack layers with their owners".to_owned()),
        None => None,
    }
}

fn components(world: &World, arguments: &str) -> Value {
    let text = world.stdout(&format!("sbom image {arguments} --no-cache"));
    serde_json::from_str::<Value>(&text).unwrap()["components"].take()
}

/// Runs a program of the machine in the directory of the test.
fn run(world: &World, program: &str, arguments: &str) -> Output {
    let mut command = Command::new(Path::new("/usr/bin").join(program));
    command.args(arguments.split_whitespace()).current_dir(world.path()).output().unwrap()
}

fn done(world: &World, program: &str, arguments: &str) {
    let output = run(world, program, arguments);
    assert!(output.status.success(), "{program} {arguments}: {}", shown(&output));
}

#[test]
fn what_podman_and_skopeo_unpack_is_what_they_were_given() {
    let world = World::new();
    let at = |name: &str| world.path().join(name).display().to_string();
    let expected = components(&world, "app.tar");
    for driver in ["overlay", "vfs"] {
        let options = |program: &str| {
            let (store, run) = (at(&format!("{program}-{driver}")), at(&format!("{program}-{driver}-run")));
            (
                format!("--root {store} --runroot {run} --storage-driver {driver}"),
                format!("[{driver}@{store}+{run}]"),
                store,
            )
        };
        for program in ["podman", "skopeo"] {
            if let Some(reason) = missing(&[program]) {
                println!("SKIP: {reason}");
                continue;
            }
            let (options, place, store) = options(program);
            if program == "podman" {
                let able = run(&world, "podman", &format!("{options} info"));
                if !able.status.success() {
                    println!("SKIP: podman cannot use the {driver} driver here: {}", shown(&able));
                    continue;
                }
                done(&world, "podman", &format!("{options} load --quiet --input app.tar"));
            } else {
                let copy = "--insecure-policy copy --quiet docker-archive:app.tar";
                let copied = run(&world, "skopeo", &format!("{copy} containers-storage:{place}example.org/app:1"));
                if !copied.status.success() && shown(&copied).contains("not supported") {
                    println!("SKIP: skopeo cannot use the {driver} driver here: {}", shown(&copied));
                    continue;
                }
                assert!(copied.status.success(), "{}", shown(&copied));
            }
            for name in ["containers-storage:example.org/app:1", "podman:app:1"] {
                assert_eq!(components(&world, &format!("{name} --store {store}")), expected, "{program} {driver}");
            }
            let table = world.stdout(&format!("scan image podman:app:1 --store {store} --db none --no-cache"));
            assert!(
                table.contains("podman:app:1 (containers/storage)") && table.contains("example.org/app:1"),
                "{table}"
            );
            // Without the flag it is the setting that counts.
            let setting = ("SEKISHO_STORES__CONTAINERS", format!("[\"{store}\"]"));
            let output = world.command("diff podman:app:1 app.tar --db none").envs([setting]).output().unwrap();
            assert!(output.status.success() && !shown(&output).contains("express"), "{}", shown(&output));
        }
    }
}

/// containerd, until it is dropped.
struct Containerd(Child);

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_containerd_imports_is_what_it_was_given() {
    if let Some(reason) = missing(&["containerd", "ctr"]) {
        println!("SKIP: {reason}");
        return;
    }
    let world = World::new();
    let at = |name: &str| world.path().join(name).display().to_string();
    let config = format!(
        "version = 2\nroot = \"{}\"\nstate = \"{}\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = \"{}\"\n[ttrpc]\naddress = \"{}\"\n",
        at("containerd"),
        at("state"),
        at("containerd.sock"),
        at("ttrpc.sock")
    );
    fs::write(world.path().join("containerd.toml"), config).unwrap();
    let mut command = Command::new("/usr/bin/containerd");
    command.args(["--config", "containerd.toml"]).current_dir(world.path());
    let daemon = Containerd(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let socket = at("containerd.sock");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !run(&world, "ctr", &format!("--address {socket} version")).status.success() {
        assert!(Instant::now() < deadline, "containerd does not start");
    }
    let ctr = |arguments: &str| done(&world, "ctr", &format!("--address {socket} {arguments}"));
    ctr("images import --no-unpack app.tar");
    ctr("--namespace k8s.io images import --no-unpack gzip.tar");
    let expected = components(&world, "app.tar");
    let scan = |name: &str| components(&world, &format!("containerd:{name} --store containerd"));
    // Also while it runs, and holds its lock.
    assert_eq!(scan("default/example.org/app:1"), expected);
    assert_eq!(scan("k8s.io/app:1"), expected);
    // The same content, and yet another image: its layers are stored in another form.
    let output = world.command("scan image containerd:example.org/app:1 --store containerd").output().unwrap();
    let said = shown(&output);
    assert!(
        output.status.code() == Some(2)
            && said.contains("image.ambiguous")
            && said.contains("k8s.io/example.org/app:1"),
        "{said}"
    );
    for number in 0..40 {
        ctr(&format!("images tag example.org/app:1 example.org/tag{number}:1"));
        if number % 8 == 0 {
            assert_eq!(scan(&format!("tag{number}:1")), expected);
        }
    }
    drop(daemon);
    assert_eq!(scan("default/example.org/tag39:1"), expected);
    let setting = ("SEKISHO_STORES__CONTAINERD", "containerd");
    let output = world.command("scan image containerd:tag --db none").envs([setting]).output().unwrap();
    let said = shown(&output);
    assert!(
        output.status.code() == Some(2) && said.contains("image.absent") && said.contains("default/example.org/app:1"),
        "{said}"
    );
}

#[test]
fn prefixes_and_the_flag_mean_stores_and_nothing_else() {
    let world = World::new();
    let run = |arguments: &str| {
        let output = world.command(arguments).output().unwrap();
        (output.status.code(), shown(&output))
    };
    let (code, said) = run("scan image app.tar --store somewhere");
    assert!(code == Some(2) && said.contains("--store is about the store of an engine"), "{said}");
    let (code, said) = run("scan image podman:app:1 --insecure");
    assert!(code == Some(2) && said.contains("--insecure is about a registry"), "{said}");
    for name in ["podman:app:1", "containers-storage:app:1", "containerd:app:1"] {
        // Whatever is on the disk.
        fs::create_dir_all(world.path().join(name)).unwrap();
        for command in ["scan image", "sbom image"] {
            let (code, said) = run(&format!("{command} {name} --store tree"));
            assert!(code == Some(2) && said.contains("error[source.missing]") && said.contains("in tree"), "{said}");
        }
        let (code, said) = run(&format!("scan image app.tar --base {name} --db none"));
        assert!(code == Some(2) || code == Some(3), "{said}");
    }
}
