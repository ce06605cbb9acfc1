use super::*;
use proptest::prelude::*;

const FIELDS: &[Field] = &[
    Field { name: "name", kind: Kind::Text, about: "" },
    Field { name: "packages", kind: Kind::Count, about: "" },
    Field { name: "fixable", kind: Kind::Flag, about: "" },
    Field { name: "severity", kind: Kind::Severity, about: "" },
    Field { name: "likelihood", kind: Kind::Share, about: "" },
    Field { name: "since", kind: Kind::Time, about: "" },
];

fn entry() -> Vec<Value> {
    vec![
        Value::Text("Web-Shop".to_owned()),
        Value::Number(12),
        Value::Number(1),
        Value::Number(4),
        Value::Number(250_000),
        Value::Number(1_700_000_000_000_000),
    ]
}

#[test]
fn what_holds() {
    for (text, expect) in [
        ("name = Web-Shop", true),
        ("name = web-shop", false),
        ("name : SHOP", true),
        ("name:shop", true),
        ("name != x and packages >= 12", true),
        ("packages > 12", false),
        ("packages in (1, 2, 12)", true),
        ("fixable = true AND severity >= high", true),
        ("severity = critical or likelihood >= 0.25", true),
        ("severity = critical or likelihood > 0.25", false),
        ("since < 2023-11-15", true),
        ("since >= 2023-11-14T22:13:20Z", true),
        ("since > 2023-11-14T22:13:20Z", false),
        ("not name : shop", false),
        ("not (name : x or packages < 3) and fixable = true", true),
        // `and` binds more than `or`.
        ("fixable = true or fixable = false and packages = 0", true),
        ("(fixable = true or fixable = false) and packages = 0", false),
        ("name = \"Web-Shop\"", true),
        ("name in (\"a \\\"b\\\" \\\\\", Web-Shop)", true),
    ] {
        assert_eq!(Filter::parse(text, FIELDS).unwrap().holds(&entry()), expect, "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, at, part) in [
        ("", 0, "expected the name of a field, found the end"),
        ("nam = x", 0, "there is no field `nam`; there are name, packages"),
        ("name", 4, "expected an operator behind `name`, found the end"),
        ("name x", 5, "expected an operator behind `name`, found `x`"),
        ("name = ", 7, "expected a value, found the end"),
        ("name > x", 5, "a text by `=`, `!=`, `:` and `in`"),
        ("fixable > true", 8, "a flag by"),
        ("packages : 1", 9, "a number by"),
        ("packages = -1", 11, "`-1` is not a number"),
        ("severity >= bad", 12, "unknown, negligible, low"),
        ("likelihood = 2", 13, "from 0 to 1"),
        ("since > yesterday", 8, "a date or a time"),
        ("fixable = yes", 10, "true or false"),
        ("(name = x", 9, "expected `)`, found the end"),
        ("name = x)", 8, "expected `and`, `or` or the end, found `)`"),
        ("name = \"x", 7, "the quotes are not closed"),
        ("name = \"\\n\"", 7, "stands before"),
        ("name ! x", 5, "no operator"),
        ("name in x", 8, "stand in brackets"),
        ("name in ()", 9, "expected a value, found `)`"),
        ("name = x name = y", 9, "found `name`"),
    ] {
        let error = Filter::parse(text, FIELDS).unwrap_err();
        assert!(error.reason.contains(part), "{text}: {error}");
        assert_eq!(error.at, at, "{text}: {error}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = format!("{}name = x{}", "(".repeat(200), ")".repeat(200));
    assert!(Filter::parse(&deep, FIELDS).unwrap_err().reason.contains("within each other"));
    let deep = format!("{}name = x", "not ".repeat(500));
    assert!(Filter::parse(&deep, FIELDS).unwrap_err().reason.contains("within each other"));
    let wide = vec!["packages = 1"; 101].join(" or ");
    assert!(Filter::parse(&wide, FIELDS).unwrap_err().reason.contains("at most 100 comparisons"));
    let long = format!("name = {}", "x".repeat(MOST_BYTES));
    assert!(Filter::parse(&long, FIELDS).unwrap_err().reason.contains("at most 4096 bytes"));
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "[a-z=<>!:()\", \\\\日-]{0,40}") {
        let _ = Filter::parse(&text, FIELDS);
    }
}
