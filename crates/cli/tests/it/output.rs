//! Where results go: whole or not at all, and never over what was read.

use super::world::{World, shown};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

fn run(world: &World, arguments: &str) -> (Option<i32>, String) {
    let output = world.command(arguments).output().unwrap();
    (output.status.code(), shown(&output))
}

#[test]
fn what_is_scanned_is_not_written_over() {
    let world = World::new();
    symlink("app.tar", world.path().join("link.tar")).unwrap();
    let before = fs::read(world.path().join("app.tar")).unwrap();
    for (arguments, what) in [
        ("scan image app.tar --output app.tar", "it is the image that is scanned"),
        ("scan image app.tar --output ./link.tar", "it is the image that is scanned"),
        ("sbom image app --output app/index.json", "it is part of the image that is scanned"),
        ("scan image app.tar --base base.tar --output base.tar", "it is a base image that is read"),
    ] {
        let (code, said) = run(&world, arguments);
        assert_eq!(code, Some(2), "{arguments}: {said}");
        assert!(said.contains("error[usage.invalid]: cannot write the result to") && said.contains(what), "{said}");
    }
    assert_eq!(fs::read(world.path().join("app.tar")).unwrap(), before);
    assert_eq!(run(&world, "scan fs tree --output tree/result.txt").0, Some(0));
    assert_eq!(run(&world, "scan fs tree --output tree/result.txt").0, Some(0), "a tree may hold the last result");
}

#[test]
fn a_failure_leaves_neither_an_empty_file_nor_a_changed_one() {
    let world = World::new();
    let at = |name: &str| world.path().join(name);
    fs::write(at("old.json"), "before").unwrap();
    for output in ["old.json", "new.json"] {
        let (code, said) = run(&world, &format!("scan image notes.txt --output {output}"));
        assert_eq!(code, Some(2), "{said}");
    }
    assert_eq!(fs::read_to_string(at("old.json")).unwrap(), "before");
    assert!(!at("new.json").exists());
    // That nothing can be written there is known before the work is done.
    let (code, said) = run(&world, "scan image none.tar --output nowhere/x.json");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("output.failed"), "{said}");
    let left: Vec<_> = fs::read_dir(world.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".sekisho")), "{left:?}");
}

#[test]
fn a_file_keeps_its_permissions_and_a_link_stays_one() {
    let world = World::new();
    let at = |name: &str| world.path().join(name);
    fs::write(at("private.json"), "a longer text than any result has? no").unwrap();
    fs::set_permissions(at("private.json"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("private.json", at("link.json")).unwrap();
    assert_eq!(run(&world, "sbom image app.tar --output link.json").0, Some(0));
    assert!(fs::symlink_metadata(at("link.json")).unwrap().is_symlink());
    assert_eq!(fs::metadata(at("private.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(at("private.json")).unwrap(), world.stdout("sbom image app.tar"));
    fs::hard_link(at("private.json"), at("second.json")).unwrap();
    assert_eq!(run(&world, "sbom image base.tar --output second.json").0, Some(0));
    assert_eq!(fs::read(at("private.json")).unwrap(), fs::read(at("second.json")).unwrap(), "one file of two names");
    symlink("not-yet.json", at("dangling.json")).unwrap();
    assert_eq!(run(&world, "sbom image none.tar --output dangling.json").0, Some(2));
    assert!(!at("not-yet.json").exists());
    assert_eq!(run(&world, "sbom image app.tar --output dangling.json").0, Some(0));
    assert!(at("not-yet.json").exists());
    assert_eq!(run(&world, "sbom image app.tar --output /dev/null").0, Some(0));
    assert_eq!(world.stdout("sbom image app.tar --output /dev/stdout"), world.stdout("sbom image app.tar"));
}

#[test]
fn what_was_not_read_is_told_wherever_no_table_is_shown() {
    let world = World::new();
    for arguments in [
        "scan image truncated.tar --format json",
        "scan image truncated.tar --output table.txt",
        "sbom image truncated.tar",
        "sbom image truncated.tar --output bom.json",
    ] {
        let output = world.command(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(output.status.code(), Some(3), "{arguments}");
        assert!(lines[0].starts_with("not read: layer.unreadable layer 1: "), "{arguments}: {error}");
        assert_eq!(lines[1..], ["incomplete: 1 thing could not be read (exit 3; see --allow-incomplete)"]);
    }
    let table = world.command("scan image truncated.tar").output().unwrap();
    assert!(table.stderr.is_empty(), "the table has it: {}", shown(&table));
    let allowed = world.command("sbom image truncated.tar --allow-incomplete").output().unwrap();
    assert!(String::from_utf8_lossy(&allowed.stderr).ends_with("could not be read (allowed)\n"), "{}", shown(&allowed));
    fs::write(world.path().join("file"), "").unwrap();
    let note = world.command("sbom image app.tar").env("SEKISHO_CACHE__DIRECTORY", "file/below").output().unwrap();
    assert!(String::from_utf8_lossy(&note.stderr).starts_with("note: cache.unusable "), "{}", shown(&note));
    assert_eq!(String::from_utf8_lossy(&note.stderr).lines().count(), 1);
}
