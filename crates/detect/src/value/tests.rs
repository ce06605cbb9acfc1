use super::Truth::{self, False, True, Unknown};
use crate::condition::Operator;
use crate::interpret::judge;
use crate::testing::{event, tree};

/// What each condition comes to, in turn.
fn check(lines: &[&str], conditions: &[(&str, Truth)]) {
    let facts = event(lines);
    for (condition, expect) in conditions {
        assert_eq!(judge(&tree(condition), &facts), *expect, "{condition} for {lines:?}");
    }
}

/// All hold, and their opposites do not.
fn holds(lines: &[&str], conditions: &[&str]) {
    for condition in conditions {
        check(lines, &[(condition, True), (&format!("not {condition}"), False)]);
    }
}

/// None holds, and their opposites do.
fn fails(lines: &[&str], conditions: &[&str]) {
    for condition in conditions {
        check(lines, &[(condition, False), (&format!("not {condition}"), True)]);
    }
}

#[test]
fn what_is_absent_compares_with_nothing() {
    fails(
        &[],
        &[
            "proc.name = x",
            "proc.name != x",
            "proc.name in (x)",
            "proc.name exists",
            "proc.name contains \"\"",
            "fd.num = 1",
            "fd.num < 1",
            "proc.name = \"<NA>\"",
            "proc.aname = x",
            "proc.aname != x",
            "fd.ip != 1.2.3.4",
            "fd.types in (x)",
            "tolower(proc.name) = x",
            "len(proc.name) = 0",
            "concat(proc.name, \"x\") = x",
            "proc.name = val(proc.pname)",
        ],
    );
    fails(&["proc.name: \"x\""], &["proc.name = val(proc.pname)", "proc.name != val(proc.pname)"]);
}

#[test]
fn what_is_not_known_decides_nothing() {
    let lines = ["proc.name: ?", "fd.num: 1"];
    check(
        &lines,
        &[
            ("proc.name = x", Unknown),
            ("proc.name != x", Unknown),
            ("proc.name exists", Unknown),
            ("not proc.name = x", Unknown),
            ("proc.name = x and fd.num = 1", Unknown),
            ("proc.name = x and fd.num = 2", False),
            ("fd.num = 2 and proc.name = x", False),
            ("proc.name = x or fd.num = 1", True),
            ("proc.name = x or fd.num = 2", Unknown),
            ("proc.name = x or proc.pname = x", Unknown),
            ("tolower(proc.name) = x", Unknown),
            ("concat(proc.name, \"x\") = x", Unknown),
            ("concat(proc.name, proc.pname) = x", False),
            ("fd.num = 1 and evt.type = val(proc.name)", Unknown),
        ],
    );
}

#[test]
fn texts() {
    let lines = ["proc.name: \"bash\"", "fd.name: \"/etc/ssh/Key\"", "proc.cmdline: \"\""];
    holds(
        &lines,
        &[
            "proc.name = bash",
            "proc.name != sh",
            "proc.name contains as",
            "proc.name contains \"\"",
            "fd.name icontains KEY",
            "proc.name startswith ba",
            "proc.name startswith \"\"",
            "proc.name endswith sh",
            "fd.name glob /etc/*/K?y",
            "fd.name iglob /ETC/*",
            "proc.name regex b.*h",
            "proc.name regex \"(ba|z)sh\"",
            "proc.name in (sh, bash)",
            "proc.name intersects (sh, bash)",
            "proc.cmdline = \"\"",
            "proc.cmdline exists",
            "proc.name > 5",
        ],
    );
    fails(
        &lines,
        &[
            "proc.name = Bash",
            "proc.name != bash",
            "fd.name contains KEY",
            "proc.name startswith ash",
            "proc.name endswith ba",
            "fd.name glob /etc/?ey",
            "fd.name glob /ETC/*",
            "proc.name regex as",
            "proc.name regex \"BASH\"",
            "proc.name in ()",
            "proc.name in (sh)",
            "proc.cmdline != \"\"",
            "proc.name startswith bashful",
        ],
    );
}

#[test]
fn paths() {
    let below = |path: &str, conditions: &[&str]| holds(&[&format!("fd.name: \"{path}\"")], conditions);
    let not_below = |path: &str, conditions: &[&str]| fails(&[&format!("fd.name: \"{path}\"")], conditions);
    below(
        "/etc/ssh/key",
        &[
            "fd.name pmatch (/usr, /etc)",
            "fd.name pmatch (/etc/ssh/)",
            "fd.name pmatch (/)",
            "fd.name pmatch (//etc//ssh)",
        ],
    );
    below("/etc", &["fd.name pmatch (/etc)"]);
    below("a/b", &["fd.name pmatch (a)"]);
    not_below("/etcetera", &["fd.name pmatch (/etc)"]);
    not_below("/etc", &["fd.name pmatch (/etc/ssh)", "fd.name pmatch ()", "fd.name pmatch (etc)"]);
    not_below("etc/x", &["fd.name pmatch (/)", "fd.name pmatch (/etc)"]);
}

#[test]
fn numbers_and_truth_values() {
    let lines = ["fd.num: 3", "proc.pid: -1", "evt.is_open_read: true", "fd.sport: 22"];
    holds(
        &lines,
        &[
            "fd.num = 3",
            "fd.num != 4",
            "fd.num >= 3",
            "fd.num <= 0x3",
            "fd.num > -1",
            "fd.num < 4",
            "fd.num in (1, 3)",
            "proc.pid = -1",
            "proc.pid < 0",
            "evt.is_open_read = true",
            "evt.is_open_read != false",
            "evt.is_open_read in (true)",
            "fd.sport = 22",
            "fd.sport intersects (22, 80)",
        ],
    );
    fails(
        &lines,
        &["fd.num = 4", "fd.num != 3", "fd.num > 3", "fd.num in (1)", "evt.is_open_read = false", "fd.sport < 22"],
    );
}

#[test]
fn addresses_and_networks() {
    let lines = ["fd.sip: 10.1.2.3", "fd.snet: 10.1.2.3", "fd.cip: fe80::1", "fd.cnet: fe80::1"];
    holds(
        &lines,
        &[
            "fd.sip = 10.1.2.3",
            "fd.sip != 10.1.2.4",
            "fd.sip != ::1",
            "fd.sip in (::1, 10.1.2.3)",
            "fd.snet = 10.0.0.0/8",
            "fd.snet = 10.1.2.3/32",
            "fd.snet = 0.0.0.0/0",
            "fd.snet != 192.168.0.0/16",
            "fd.snet in (192.168.0.0/16, 10.1.0.0/16)",
            "fd.cnet = fe80::/10",
            "fd.cnet != 10.0.0.0/8",
            "fd.cnet = ::/0",
            "fd.cnet = fe80::1",
        ],
    );
    fails(
        &lines,
        &[
            "fd.sip = 10.1.2.4",
            "fd.sip = ::1",
            "fd.snet = 10.2.0.0/16",
            "fd.snet = ::/0",
            "fd.cnet = fe81::/16",
            "fd.snet != 10.0.0.0/8",
        ],
    );
}

#[test]
fn several_values() {
    // Either end; unequal only where both are.
    let ends = ["fd.ip: [10.1.2.3, 127.0.0.1]", "fd.net: [10.1.2.3, 127.0.0.1]", "fd.port: [22, 50000]"];
    holds(
        &ends,
        &[
            "fd.ip = 127.0.0.1",
            "fd.ip in (127.0.0.1)",
            "fd.ip != 1.1.1.1",
            "fd.net in (\"127.0.0.1/24\")",
            "fd.port = 22",
            "fd.port < 1024",
            "fd.port > 1024",
            "fd.port != 80",
            "fd.port exists",
        ],
    );
    fails(
        &ends,
        &["fd.ip = 1.1.1.1", "fd.ip != 127.0.0.1", "fd.net != 10.0.0.0/8", "fd.port != 22", "fd.port in (1, 2)"],
    );
    // Any ancestor, also where one is unequal.
    let ancestors = ["proc.aname: [\"sh\", \"sshd\"]", "proc.aname[2]: \"sshd\""];
    holds(
        &ancestors,
        &[
            "proc.aname = sshd",
            "proc.aname in (x, sh)",
            "proc.aname startswith ss",
            "proc.aname != sh",
            "proc.aname[2] = sshd",
        ],
    );
    fails(&ancestors, &["proc.aname = x", "proc.aname[2] = sh", "proc.aname[3] exists"]);
    // Lists: all are in, one intersects.
    let list = ["fd.types: [\"file\", \"ipv4\"]"];
    holds(
        &list,
        &["fd.types in (file, ipv4, x)", "fd.types intersects (file)", "len(fd.types) = 2", "fd.types exists"],
    );
    fails(&list, &["fd.types in (file)", "fd.types intersects (x)", "fd.types in ()"]);
    holds(&list, &["tolower(fd.types) intersects (ipv4)", "fd.types in val(fd.types)"]);
}

#[test]
fn quantifiers() {
    let lines = ["proc.name: \"myexe\"", "fd.num: 1"];
    holds(
        &lines,
        &[
            "proc.name = anyof (a, myexe)",
            "proc.name != allof (a, b)",
            "proc.name startswith oneof (my, bash)",
            "proc.name startswith allof (my, mye)",
            "proc.name contains anyof (x, q)",
            "proc.name != anyof (a, myexe)",
            "proc.name regex anyof (\"m.*\", x)",
            "proc.name glob oneof (m*, z*)",
            "fd.num = anyof (1, 2)",
        ],
    );
    fails(
        &lines,
        &[
            "proc.name = anyof ()",
            "proc.name != allof ()",
            "proc.name startswith oneof (my, mye)",
            "proc.name startswith allof (my, b)",
            "proc.name != allof (a, myexe)",
            "proc.name = oneof (myexe, myexe)",
            "proc.name icontains anyof (BASH)",
        ],
    );
    holds(&lines, &["proc.name icontains allof (MY, EXE)"]);
}

#[test]
fn transformers() {
    let lines = [
        "fd.name: \"/tmp/File\"",
        "fd.directory: \"/tmp\"",
        "proc.cmdline: \"aGVsbG8=\"",
        "proc.name: \"tmp\"",
        "evt.num: 7",
        "evt.buffer: \"abc\"",
    ];
    holds(
        &lines,
        &[
            "tolower(fd.name) = /tmp/file",
            "toupper(fd.name) = /TMP/FILE",
            "basename(fd.name) = File",
            "b64(proc.cmdline) = hello",
            "len(fd.name) = 9",
            "len(evt.buffer) = 3",
            "toupper(basename(fd.directory)) = TMP",
            "tolower(basename(fd.name)) in (file)",
            "concat(fd.directory, \"/\", basename(fd.name)) = val(fd.name)",
            "join(\"-\", (fd.name, fd.directory)) = /tmp/File-/tmp",
            "join(\",\", (evt.num, evt.num)) = \"7,7\"",
            "join(\",\", ()) = \"\"",
            "proc.name = basename(fd.directory)",
            "toupper(join(\"-\", (\"aaa\", \"bbb\"))) = AAA-BBB",
            "len(concat(\"aaa\", 12)) = 5",
            "fd.name startswith val(fd.directory)",
        ],
    );
    fails(
        &lines,
        &["b64(fd.name) = x", "b64(fd.name) != x", "basename(fd.name) = /tmp/File", "concat(\"a\", \"b\") = a-b"],
    );
    holds(&["fd.name: \"/a/b/\""], &["basename(fd.name) = \"\""]);
    // Padding may be left out.
    holds(&["proc.cmdline: \"aGVsbG8\""], &["b64(proc.cmdline) = hello"]);
}

#[test]
fn options_of_command_lines() {
    holds(
        &[],
        &[
            r#"getopt(("-n", ""), "n") intersects ("n")"#,
            r#"getopt(("-t", "hello"), "t:") in ("t", "hello")"#,
            r#"getopt(("-nt", "hello"), "nt:") in ("n", "t", "hello")"#,
            r#"getopt(("-thello"), "t:") in ("t", "hello")"#,
            r#"getopt(("arg1", "-n", "arg2"), "n") in ("n")"#,
            r#"getopt(("-lpe", "/bin/sh"), "lpe:") intersects ("/bin/sh")"#,
            r#"getopt(("-t"), "t:") intersects ("")"#,
            r#"getopt(("-", "-n"), "n") in ("n")"#,
            r#"getopt(("-n-t"), "nt") in ("n", "t")"#,
            r#"getopt(("-t", "-123"), "t:") intersects ("-123")"#,
            r#"len(getopt(("-v", "-v"), "v")) = 2"#,
        ],
    );
    fails(
        &[],
        &[
            r#"getopt(("-n"), "n") intersects ("t")"#,
            r#"getopt(("-n", "--", "-t"), "nt:") intersects ("t")"#,
            r#"getopt(("-x", "-n"), "n") intersects ("x")"#,
            r#"getopt(("-n"), "") intersects ("n")"#,
            r#"getopt(("arg"), "n") exists"#,
        ],
    );
}

#[test]
fn parameters_compare_by_what_they_are() {
    let lines = ["evt.rawarg[0]: 17", "evt.rawarg[1]: \"x\"", "evt.buffer: \"a\u{1}b\""];
    holds(
        &lines,
        &[
            "evt.rawarg[0] = 17",
            "evt.rawarg[0] >= 0x11",
            "evt.rawarg[1] = x",
            "evt.rawarg[0] != x",
            "evt.buffer bcontains 0162",
            "evt.buffer bstartswith 61",
        ],
    );
    fails(&lines, &["evt.rawarg[0] = x", "evt.rawarg[1] = y", "evt.buffer bstartswith 62"]);
}

#[test]
fn a_beginning_decides_what_every_text_that_begins_so_does() {
    let lines = ["proc.args: \"-v --pool stra\"~"];
    holds(
        &lines,
        &[
            "proc.args exists",
            "proc.args contains pool",
            "proc.args icontains POOL",
            "proc.args startswith -v",
            "proc.args glob \"*pool*\"",
            "proc.args regex \".*pool.*\"",
            "proc.args != -v",
            "proc.args contains anyof (x, pool)",
            "toupper(proc.args) contains POOL",
        ],
    );
    fails(
        &lines,
        &[
            "proc.args = -v",
            "proc.args in (-v, x)",
            "proc.args startswith -x",
            "proc.args startswith oneof (-v, \"-v \")",
        ],
    );
    for condition in [
        "proc.args contains stratum",
        "proc.args icontains STRATUM",
        "proc.args endswith x",
        "proc.args endswith stra",
        "proc.args = \"-v --pool stratum\"",
        "proc.args != \"-v --pool stratum\"",
        "proc.args in (x, \"-v --pool stratum\")",
        "proc.args startswith \"-v --pool stratum\"",
        "proc.args glob \"*pool stra\"",
        "proc.args glob \"*pool*\\\\*\"",
        "proc.args regex \".*pool stra\"",
        "proc.args pmatch (/x)",
        "proc.args contains allof (pool, x)",
        "proc.args contains oneof (pool, x)",
        "len(proc.args) > 3",
        "basename(proc.args) = x",
        "concat(proc.args, \"x\") contains pool",
        "proc.name = val(proc.args)",
    ] {
        let lines = [lines[0], "proc.name: \"x\""];
        check(&lines, &[(condition, Unknown), (&format!("not {condition}"), Unknown)]);
    }
}

#[test]
fn a_list_of_which_some_is_not_known_decides_what_the_rest_does() {
    let lines = ["proc.aname: [\"sh\", ?, \"long\"~]"];
    holds(&lines, &["proc.aname = sh", "proc.aname in (sh, x)", "proc.aname startswith lo", "proc.aname exists"]);
    check(&lines, &[("proc.aname = x", Unknown), ("proc.aname contains x", Unknown)]);
}

proptest::proptest! {
    #[test]
    fn what_a_beginning_decides_holds_of_the_whole(
        text in "[ab/*.]{0,6}",
        keep in 0..6_usize,
        right in "[ab/*.?]{0,5}",
        operator in 0..OPERATORS.len(),
    ) {
        let operator = OPERATORS[operator];
        let begun = &text.as_bytes()[..keep.min(text.len())];
        let whole = super::compare_texts(operator, text.as_bytes(), right.as_bytes());
        match super::beginning_of(operator, begun, right.as_bytes()) {
            Unknown => {}
            truth => proptest::prop_assert_eq!(truth, Truth::from(whole), "{:?} {} {}", operator, text, right),
        }
    }
}

/// Those that compare texts.
const OPERATORS: [Operator; 17] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Less,
    Operator::LessEqual,
    Operator::Greater,
    Operator::GreaterEqual,
    Operator::Contains,
    Operator::IContains,
    Operator::BContains,
    Operator::StartsWith,
    Operator::BStartsWith,
    Operator::EndsWith,
    Operator::Glob,
    Operator::IGlob,
    Operator::In,
    Operator::PathMatch,
    Operator::Regex,
];
