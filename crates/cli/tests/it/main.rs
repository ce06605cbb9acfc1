//! The program as its users meet it: arguments in, text, files and exit codes out.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod admission;
mod baselines;
mod captures;
mod detect;
mod faults;
mod hub;
mod in_use;
mod live;
mod output;
mod pipelines;
mod policies;
mod posted;
mod registry;
mod reproducible;
mod response;
mod restart;
mod sboms;
mod schema;
mod stores;
mod terminal;
mod twins;
mod update;
mod vercmp;
mod world;

use std::collections::BTreeSet;
use std::path::Path;
use world::{World, shown};

/// Pages of the guide whose commands are run, on the files that they show.
const PAGES: [&str; 2] = ["en/coming-from-conftest.md", "ja/coming-from-conftest.md"];

/// Runs `tests/cases/*.trycmd`, each a page of commands with the real output, in a [`World`], and [`PAGES`].
/// `TRYCMD=overwrite cargo test -p sekisho --test it` writes the output anew.
#[test]
fn commands_say_what_their_pages_show() {
    let world = World::new();
    let cases = trycmd::TestCases::new();
    cases.case(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/*.trycmd"));
    for page in PAGES {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide")).join(page);
        write_files(&std::fs::read_to_string(&path).unwrap(), world.path());
        cases.case(&path);
    }
    cases.register_bin("sekisho", std::path::PathBuf::from(env!("CARGO_BIN_EXE_sekisho")));
    for (name, value) in world.environment() {
        cases.env(name, value);
    }
    // Commands start in the directory of the test, and every other test names its own.
    std::env::set_current_dir(world.path()).unwrap();
    cases.run();
}

/// Writes the files of a page: blocks of code behind a line that ends with a path as code and a colon.
fn write_files(page: &str, directory: &Path) {
    let mut parts = page.split("```");
    while let (Some(before), Some(block)) = (parts.next(), parts.next()) {
        let name = before.trim_end().trim_end_matches([':', '：']).strip_suffix('`');
        let Some(name) = name.and_then(|before| before.rsplit('`').next()) else { continue };
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, block.split_once('\n').unwrap().1).unwrap();
    }
}

#[test]
fn a_time_that_is_no_number_is_refused() {
    let world = World::new();
    let output = world.command("sbom fs tree").env("SOURCE_DATE_EPOCH", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && shown(&output).contains("SOURCE_DATE_EPOCH"), "{}", shown(&output));
}

#[test]
fn where_a_setting_comes_from_is_shown_and_told() {
    let world = World::new();
    let run = |arguments: &str, pairs: &[(&str, &str)]| {
        let output = world.command(arguments).envs(pairs.iter().copied()).output().unwrap();
        (output.status.code(), shown(&output))
    };
    let unset = [("SEKISHO_CACHE__DIRECTORY", ""), ("SEKISHO_SCAN__TEMPORARY", "")];
    let (code, said) = run("config show", &[unset[0], unset[1], ("XDG_CACHE_HOME", "x"), ("TMPDIR", "/nowhere")]);
    assert_eq!(code, Some(0), "{said}");
    let line = |key: &str| said.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("cache.directory = \"x/sekisho\"").ends_with("# environment XDG_CACHE_HOME"), "{said}");
    assert!(line("scan.temporary = \"/nowhere\"").ends_with("# environment TMPDIR"), "{said}");

    let (code, said) = run("scan image cut.tar.gz", &[unset[1], ("TMPDIR", "/nowhere")]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("temporary file in /nowhere") && said.contains("(environment TMPDIR)"), "{said}");

    for proxy in ["foo", "://", "ftp://x"] {
        let (code, said) = run("config show", &[("https_proxy", proxy)]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("network.https_proxy") && said.contains("error[network.unusable]"), "{said}");
        assert!(!said.contains("because"), "{said}");
    }
}

#[test]
fn help_and_version_are_the_same_however_they_are_asked_for() {
    let world = World::new();
    assert_eq!(world.stdout("help scan image"), world.stdout("scan image --help"));
    assert_eq!(world.stdout("help"), world.stdout("--help"));
    for arguments in ["--version", "-V", "scan -V", "scan image -V"] {
        assert_eq!(world.stdout(arguments), world.stdout("--version"), "{arguments}");
    }
}

#[test]
fn every_command_has_a_completion_and_a_manual_page() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.stdout(&format!("completion {shell}"));
        for word in ["sekisho", "scan", "allow-incomplete"] {
            assert!(script.contains(word), "{shell}: no {word} in {script}");
        }
    }
    world.stdout("man pages/man1");
    let pages = std::fs::read_dir(world.path().join("pages/man1")).unwrap();
    let written: BTreeSet<String> = pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected = BTreeSet::new();
    pages_of(&sekisho::command_tree(), "", &mut expected);
    assert_eq!(written, expected);
    for page in written {
        let text = std::fs::read_to_string(world.path().join("pages/man1").join(&page)).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}

fn pages_of(command: &clap::Command, above: &str, pages: &mut BTreeSet<String>) {
    let name = format!("{above}{}", command.get_name());
    pages.insert(format!("{name}.1"));
    for sub in command.get_subcommands() {
        pages_of(sub, &format!("{name}-"), pages);
    }
}
