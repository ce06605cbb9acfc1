//! What is known after the program was ended and begun again, live; and names that are made to deceive whoever reads.
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

use crate::live::{ATTEMPTS, Watch};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The alerts of whatever has `mark` among its arguments, by a run that keeps its own mark in this directory.
fn watch(directory: &Path, mark: &str) -> Option<Watch> {
    let rules = directory.join("rules.yaml");
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (execve, execveat) and evt.failed = false and proc.args contains {mark}\n  \
         output: \"%proc.name %proc.exepath %proc.pname %proc.pcmdline %user.name\"\n  priority: WARNING\n"
    );
    fs::write(&rules, rule).unwrap();
    Watch::keeping(&[rules], &[], Some(directory)).map_err(|why| println!("SKIP: {why}")).ok()
}

#[test]
fn who_was_there_before_is_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("restart-{}", std::process::id());
    let script = "while read word; do /bin/true $word; done";
    let begun = Instant::now();
    let Some(mut first) = watch(directory.path(), &mark) else { return };
    let mut shell = Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = shell.stdin.take().unwrap();
    writeln!(input, "{mark}-1").unwrap();
    assert_eq!(first.next_alert()["rule"], "Marked", "nothing was missed, since there was none before");
    // Killed, with all it had in the kernel; what is done meanwhile nobody sees.
    drop(first);
    writeln!(input, "{mark}-2").unwrap();
    let mut second = watch(directory.path(), &mark).unwrap();
    // The first thing it tells is what was missed.
    let gap = second.next();
    assert_eq!((&gap["source"], &gap["priority"]), (&"internal".into(), &"Warning".into()), "{gap}");
    let fields = &gap["output_fields"];
    assert_eq!((&fields["gap.ended"], &fields["gap.rebooted"]), (&"died".into(), &false.into()));
    let seconds = fields["gap.seconds"].as_f64().unwrap();
    let since = begun.elapsed().as_secs_f64();
    assert!(seconds > 0.0 && seconds < since, "{seconds} of {since}");
    assert!(second.take().iter().all(|line| line["source"] != "internal"));
    writeln!(input, "{mark}-3").unwrap();
    let alert = second.next_alert();
    let fields = &alert["output_fields"];
    assert_eq!((&fields["proc.pname"], &fields["proc.pcmdline"]), (&"sh".into(), &format!("sh -c {script}").into()));
    assert_eq!(fields["proc.exepath"], fs::canonicalize("/bin/true").unwrap().to_str().unwrap());
    drop(input);
    shell.wait().unwrap();
    // One that is told to stop says so.
    second.stop();
    let mut third = watch(directory.path(), &mark).unwrap();
    let gap = third.next();
    assert_eq!((&gap["priority"], &gap["output_fields"]["gap.ended"]), (&"Notice".into(), &"stopped".into()), "{gap}");
}

#[test]
fn names_with_control_characters_are_escaped() {
    let directory = tempfile::tempdir().unwrap();
    let mark = format!("control-{}", std::process::id());
    let Some(mut watch) = watch(directory.path(), &mark) else { return };
    let program = fs::canonicalize(directory.path()).unwrap().join("e\u{1b}[2J\n\u{8}vil");
    fs::copy("/bin/true", &program).unwrap();
    // What the kernel had no room for is counted, not told: then it is done once more.
    let alert = (0..ATTEMPTS).find_map(|_| {
        assert!(Command::new(&program).arg(&mark).status().unwrap().success());
        watch.take().into_iter().find(|line| line["rule"] == "Marked")
    });
    let alert = alert.unwrap();
    let output = alert["output"].as_str().unwrap();
    assert!(!output.contains(char::is_control) && output.contains("e\\u{1b}[2J\\n\\u{8}vil"), "{output}");
}
