//! What reaches a terminal: colour where it is wanted, never an escape of a stranger's, no fuss when it closes.

use super::world::{World, shown};
use std::process::Stdio;

const ESCAPE: char = '\u{1b}';

#[test]
fn colour_is_shown_only_where_it_is_wanted() {
    let world = World::new();
    let colourless = world.stdout("scan image app.tar");
    assert!(!colourless.contains(ESCAPE), "{colourless}");
    assert_eq!(world.stdout("scan image app.tar --color never"), colourless);
    let coloured = world.stdout("scan image app.tar --color always");
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), colourless, "colour carries no meaning alone");

    let with = |name: &str, value: &str, arguments: &str| {
        let output = world.command(arguments).env(name, value).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(with("SEKISHO_OUTPUT__COLOR", "always", "scan image app.tar"), coloured);
    assert_eq!(with("NO_COLOR", "1", "scan image app.tar"), colourless);
    assert_eq!(with("NO_COLOR", "1", "scan image app.tar --color always"), coloured, "a flag says more");

    world.stdout("scan image app.tar --color always --output table.txt");
    let file = std::fs::read_to_string(world.path().join("table.txt")).unwrap();
    assert_eq!(file, colourless, "files hold no colour");
}

#[test]
fn errors_are_coloured_as_results_are() {
    let world = World::new();
    for (arguments, coloured) in [("scan image none.tar", false), ("scan image none.tar --color always", true)] {
        let output = world.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stderr).contains(ESCAPE), coloured, "{}", shown(&output));
    }
}

/// No control character of an image reaches a terminal, whichever way the image is looked at.
#[test]
fn names_of_strangers_do_not_drive_the_terminal() {
    let world = World::new();
    for arguments in [
        "scan image hostile.tar",
        "scan image hostile.tar --all-layers --base base.tar",
        "scan image hostile.tar --format json",
        "sbom image hostile.tar",
        "sbom image hostile.tar --format json",
        "scan image hostile.tar --image nope",
        "scan image hostile.tar --platform linux/arm64",
    ] {
        let output = world.command(arguments).output().unwrap();
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            // JSON, which is for programs, escapes what its standard wants escaped and no more.
            let json = text.starts_with('{');
            let drives = |char: char| char < ' ' || (!json && (char.is_control() || char == '\u{202e}'));
            let raw = text.chars().find(|&char| char != '\n' && drives(char));
            assert_eq!(raw, None, "{arguments}: {text:?}");
        }
    }
    let table = world.stdout("scan image hostile.tar");
    for escaped in ["x\\u{1b}[2J\\u{1b}]0;owned\\u{7}", "y\\u{9b}31m", "z\\u{202e}\\u{7f}", "e\\u{1b}[31m/package.json"]
    {
        assert!(table.contains(escaped), "no {escaped} in {table}");
    }
}

/// `| head` closes standard output early.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    for arguments in [
        "scan image app.tar",
        "scan image app.tar --format json",
        "sbom image app.tar",
        "config show",
        "completion bash",
        "--help",
        "scan image --help",
        "--version",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = world.command(arguments).stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", shown(&output));
        assert!(output.stderr.is_empty(), "{arguments}: {}", shown(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let world = World::new();
    for arguments in ["scan image app.tar --output /dev/full", "sbom image app.tar --output /dev/full"] {
        let output = world.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments}: {}", shown(&output));
        assert!(shown(&output).contains("output.failed"), "{}", shown(&output));
    }
}
