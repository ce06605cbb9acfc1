//! What becomes of the database when the disk is full, or the process is killed, at any point of an import.

use super::world::{World, shown};
use std::collections::BTreeMap;
use std::process::{Command, Output};

const DATABASE: (&str, &str) = ("SEKISHO_DATABASE__DIRECTORY", "fault");

fn run(world: &World, arguments: &str) -> Output {
    world.command(arguments).env(DATABASE.0, DATABASE.1).output().unwrap()
}

fn digest(world: &World) -> String {
    let output = run(world, "db status --format json");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    status["digest"].as_str().unwrap().to_owned()
}

/// What was taken from feeds, by the names and bytes of files.
fn generations(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(world.path().join(DATABASE.1).join("generations")).unwrap().map(|file| {
        let path = file.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
    });
    files.filter(|(name, _)| !name.starts_with(".tmp")).collect()
}

/// Imports while no file may have more than so many blocks of 512 bytes. The signal that says so ends the process, as a
/// kill would, or is ignored, so that writing fails as on a full disk.
fn limited(world: &World, blocks: u32, ignored: bool) -> Output {
    let trap = if ignored { "trap '' XFSZ; " } else { "" };
    let script =
        format!("{trap}ulimit -c 0; ulimit -f {blocks}; exec {} db import feed", env!("CARGO_BIN_EXE_sekisho"));
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).current_dir(world.path()).env_clear().envs(world.environment());
    command.env(DATABASE.0, DATABASE.1).output().unwrap()
}

#[test]
fn a_full_disk_or_a_kill_leaves_the_database_as_it_was() {
    let world = World::new();
    let first = run(&world, "db import findings");
    assert_eq!(first.status.code(), Some(0), "{}", shown(&first));
    let before = digest(&world);
    let taken_before = generations(&world);
    let (mut failed, mut killed) = (0, 0);
    for blocks in 0..24 {
        for ignored in [true, false] {
            let output = limited(&world, blocks, ignored);
            let after = digest(&world);
            match output.status.code() {
                Some(0) => {
                    assert_ne!(after, before);
                    let again = run(&world, "db remove feed");
                    assert_eq!(again.status.code(), Some(0), "{}", shown(&again));
                    assert_eq!(digest(&world), before);
                    continue;
                }
                Some(code) => {
                    assert_eq!(code, 3, "{}", shown(&output));
                    let said = shown(&output);
                    assert!(said.contains("error[database.unwritable]") && said.contains("hint: "), "{said}");
                    assert!(
                        generations(&world) == taken_before,
                        "{blocks} blocks: a feed stays that is in no database"
                    );
                    failed += 1;
                }
                None => killed += 1,
            }
            assert_eq!(after, before, "{blocks} blocks: {}", shown(&output));
        }
    }
    assert!(failed > 0 && killed > 0, "{failed} {killed}");
    // What was left behind is cleared away, and nothing is in the way of the next one.
    let output = run(&world, "db import feed");
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    for directory in ["fault", "fault/generations"] {
        let names = std::fs::read_dir(world.path().join(directory)).unwrap();
        let left: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(left.iter().all(|name| !name.starts_with(".tmp")), "{left:?}");
    }
}

#[test]
fn processes_at_the_same_time_do_not_harm_each_other() {
    let world = World::new();
    let arguments = ["db import feed", "db import findings", "db import feed", "db update kev --from findings"];
    let start = |arguments: &&str| world.command(arguments).env(DATABASE.0, DATABASE.1).spawn().unwrap();
    let running: Vec<_> = arguments.iter().map(start).collect();
    for mut process in running {
        let status = process.wait().unwrap();
        assert!(status.success(), "{status}");
    }
    let output = run(&world, "db status --format json");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sources: std::collections::BTreeSet<&str> =
        status["feeds"].as_array().unwrap().iter().map(|feed| feed["source"].as_str().unwrap()).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["feed", "findings", "kev"], "{status:#}");
}
