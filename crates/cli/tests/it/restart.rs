//! What is known after the program was ended and begun again, live; and names that are made to deceive whoever reads.
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use crate::live::Watch;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn watch(directory: &Path, mark: &str) -> Option<Watch> {
    let rules = directory.join("rules.yaml");
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (execve, execveat) and evt.failed = false and proc.args contains {mark}\n  \
         output: \"%proc.name %proc.exepath %proc.pname %proc.pcmdline %user.name\"\n  priority: WARNING\n"
    );
    fs::write(&rules, rule).unwrap();
    Watch::start(&[rules], &[]).map_err(|why| println!("SKIP: {why}")).ok()
}

#[test]
fn who_was_there_before_is_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("restart-{}", std::process::id());
    let script = "while read word; do /bin/true $word; done";
    let Some(mut first) = watch(directory.path(), &mark) else { return };
    let mut shell = Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    writeln!(input, "{mark}-1").unwrap();
    assert_eq!(first.next_alert()["rule"], "Marked");
    // Killed, with all it had in the kernel; what is done meanwhile nobody sees.
    drop(first);
    writeln!(input, "{mark}-2").unwrap();
    let mut second = watch(directory.path(), &mark).unwrap();
    second.take();
    writeln!(input, "{mark}-3").unwrap();
    let alert = second.next_alert();
    let fields = &alert["output_fields"];
    assert_eq!((&fields["proc.pname"], &fields["proc.pcmdline"]), (&"sh".into(), &format!("sh -c {script}").into()));
    assert_eq!(fields["proc.exepath"], fs::canonicalize("/bin/true").unwrap().to_str().unwrap());
    drop(input);
    shell.wait().unwrap();
}

#[test]
fn names_with_control_characters_are_escaped() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("control-{}", std::process::id());
    let Some(mut watch) = watch(directory.path(), &mark) else { return };
    let program = fs::canonicalize(directory.path()).unwrap().join("e\u{1b}[2J\n\u{8}vil");
    fs::copy("/bin/true", &program).unwrap();
    assert!(Command::new(&program).arg(&mark).status().unwrap().success());
    let alert = watch.next_alert();
    let output = alert["output"].as_str().unwrap();
    assert!(!output.contains(char::is_control) && output.contains("e\\u{1b}[2J\\n\\u{8}vil"), "{output}");
}
