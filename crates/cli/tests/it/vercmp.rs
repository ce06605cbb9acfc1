//! `db vercmp --stdin`: lines in, wrong lines out.

use crate::world::{World, shown};
use std::io::Write;
use std::process::{Output, Stdio};

fn vercmp(world: &World, arguments: &str, input: &[u8]) -> Output {
    let mut command = world.command(&format!("db vercmp {arguments} --stdin"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses a line does not read the rest.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn check(world: &World, arguments: &str, input: &[u8], code: i32, stdout: &str, stderr: &str) {
    let output = vercmp(world, arguments, input);
    assert_eq!(output.status.code(), Some(code), "{}", shown(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), stdout);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr);
}

#[test]
fn lines_that_hold_say_nothing() {
    let world = World::new();
    check(&world, "debian", b"1.0~rc1 < 1.0\n1.0 = 0:1.0-0\n\n2 > 1", 0, "", "");
    check(&world, "PyPI", b"", 0, "", "");
}

#[test]
fn lines_that_do_not_hold_are_printed_and_fail() {
    let world = World::new();
    let input = b"1.0 < 1.1\n1.1 < 1.0\r\n1.0 = 1.0.0\n1.0\x1b[2J > 1.0\n";
    let wrong = "line 2: 1.1 < 1.0, but it is >\nline 4: 1.0\\u{1b}[2J > 1.0, but it is <\n";
    check(&world, "semver", input, 1, wrong, "2 of 4 lines are wrong\n");
    check(&world, "semver --quiet", input, 1, wrong, "");
}

#[test]
fn a_line_of_another_form_is_a_usage_error_that_names_it() {
    let world = World::new();
    let refused = |line: &str, shown: &str| {
        let input = format!("1.0 < 1.1\n{line}\n1.0 < 1.1\n");
        let error = format!(
            "error[input.malformed]: line 2 of standard input is no comparison: {shown}\n  hint: write two versions \
             without blanks and <, = or > between them, as in `1.0 < 1.1`\n"
        );
        check(&world, "maven", input.as_bytes(), 2, "", &error);
    };
    refused("1.0 <= 1.1", "\"1.0 <= 1.1\"");
    refused("1.0 1.1", "\"1.0 1.1\"");
    refused("1.0 < 1.1 1.2", "\"1.0 < 1.1 1.2\"");
    let output = vercmp(&world, "maven", b"1.0 < \xff\n");
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    let output = vercmp(&world, "maven", &b"1".repeat(8 << 20));
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("line 1 of standard input is no comparison: it is too long"), "{}", shown(&output));
}

#[test]
fn many_lines_are_read_one_by_one() {
    let world = World::new();
    let lines: Vec<_> = (0..100_000).map(|number| format!("1.{number}-1 < 1.{}-1\n", number + 1)).collect();
    let lines = lines.concat();
    check(&world, "debian", lines.as_bytes(), 0, "", "");
}
