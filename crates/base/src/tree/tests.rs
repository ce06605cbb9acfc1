use super::*;
use crate::Limits;

fn read(text: &str) -> Vec<Result<Node, Malformed>> {
    documents(text, &Limits::default())
}

fn one(text: &str) -> Node {
    let mut found = read(text);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).unwrap()
}

/// As JSON.
fn json(text: &str) -> String {
    serde_json::to_string(&one(text)).unwrap()
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    let check = |scalar: &str, expect: &str| assert_eq!(json(&format!("a: {scalar}")), format!("{{\"a\":{expect}}}"));
    for scalar in ["y", "Y", "yes", "Yes", "YES", "true", "True", "on", "ON"] {
        check(scalar, "true");
    }
    for scalar in ["n", "no", "No", "false", "FALSE", "off", "Off"] {
        check(scalar, "false");
    }
    for scalar in ["", "~", "null", "NULL"] {
        check(scalar, "null");
    }
    // strconv.ParseInt with base 0 after the underscores are gone; then ParseFloat.
    for (scalar, expect) in [
        ("0", "0"),
        ("0777", "511"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("-0x10", "-16"),
        ("1_000", "1000"),
        ("+12", "12"),
        ("9223372036854775808", "9.223372036854776e+18"),
        ("1.5", "1.5"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("08", "8.0"),
        ("0.10", "0.1"),
    ] {
        check(scalar, expect);
    }
    for scalar in ["1.2.3", "12h", "2001-12-14", "0x", "1e", "+", ".", "yEs", "0b12", "1:30", "\u{663}"] {
        check(scalar, &format!("{scalar:?}").replace("\\u{663}", "\u{663}"));
    }
    for (scalar, expect) in [("'yes'", "\"yes\""), ("\"1\"", "\"1\""), ("!!str 1", "\"1\""), ("!!int \"1\"", "1")] {
        check(scalar, expect);
    }
    assert_eq!(json("a: |\n  yes\n"), "{\"a\":\"yes\\n\"}");
}

#[test]
fn places_are_those_of_the_text() {
    let node = one("a: 1\nb:\n- c: x\n  é: {d: [y]}\n");
    let at = |node: &Node| (node.place.line, node.place.column);
    let item = &node.get("b").unwrap().items()[0];
    assert_eq!(at(node.get("a").unwrap()), (1, 4));
    assert_eq!(at(item), (3, 3));
    assert_eq!(at(item.get("c").unwrap()), (3, 6));
    assert_eq!(at(&item.at(&["é", "d"]).unwrap().items()[0]), (4, 11));
    assert_eq!(item.fields()[1].place, Place { line: 4, column: 3 });
    assert!(node.at(&["b", "c"]).is_none() && node.get("c").is_none());
}

#[test]
fn json_is_read_with_and_without_places() {
    let text = "{\"a\": [1, 2.5, \"x\\u00e9\", null, {\"b\": true}], \"a/b\": -3, \"big\": 18446744073709551615}";
    let node = one(text);
    assert_eq!(node, from_json(text.as_bytes()).unwrap());
    assert_eq!(node.get("a").unwrap().items()[4].place, Place { line: 1, column: 33 });
    assert_eq!(from_json(b"[1,\n2").unwrap_err().place.line, 2);
    assert!(from_json("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn the_last_of_equal_names_stays() {
    assert_eq!(json("a: 1\nb: 2\na: 3\n"), "{\"a\":3,\"b\":2}");
    let many = (0..100).map(|index| format!("k{index}: 1\n")).collect::<Vec<_>>().concat();
    let node = one(&format!("{many}k7: 2\n"));
    assert_eq!((node.fields().len(), node.get("k7").unwrap().as_i64()), (100, Some(2)));
    assert_eq!(from_json(b"{\"a\":1,\"a\":2}").unwrap().get("a").unwrap().as_i64(), Some(2));
    assert_eq!(json("1: a\ntrue: b\n"), "{\"1\":\"a\",\"true\":\"b\"}");
}

#[test]
fn aliases_and_merges_are_put_in() {
    assert_eq!(json("a: &x [1]\nb: *x\n"), "{\"a\":[1],\"b\":[1]}");
    let merged = "base: &b {p: 1, q: 2}\nother: &o {q: 3, r: 4}\nc:\n  p: 0\n  <<: [*b, *o]\n  r: 5\n";
    let node = one(merged);
    // As they stand: the merge is over the `p` before it, and the first map over the second.
    assert_eq!(serde_json::to_string(node.get("c").unwrap()).unwrap(), "{\"p\":1,\"q\":2,\"r\":5}");
    assert_eq!(json("'<<': {a: 1}\n"), "{\"<<\":{\"a\":1}}");
    assert_eq!(read("<<: 1\n")[0].as_ref().unwrap_err().to_string(), "line 1: maps can be merged, not a number");
    let at = one("a: &x {b: 1}\n\nc: *x\n").get("c").unwrap().place;
    assert_eq!(at.line, 3, "an alias stands where it stands");
}

#[test]
fn tags_say_what_a_scalar_is() {
    assert_eq!(json("{a: !!str 1, b: !!int 2, c: !!null ~, d: !local x}\n"), r#"{"a":"1","b":2,"c":null,"d":"x"}"#);
    // What is said to be a text merges nothing.
    assert_eq!(json("{a: 1, !!str <<: {a: 2}}\n"), r#"{"a":1,"<<":{"a":2}}"#);
    for (text, expect) in [
        ("a: !!binary cHJpdmlsZWdlZA==\n", "line 1: the tag !!binary is not read: write the value itself"),
        ("!!binary cHJpdmlsZWdlZA==: true\n", "line 1: the tag !!binary is not read: write the value itself"),
        ("a: !!null true\n", "line 1: \"true\" is not null, as its tag says"),
    ] {
        assert_eq!(read(text)[0].as_ref().unwrap_err().to_string(), expect, "{text}");
    }
}

#[test]
fn one_bad_document_leaves_the_others() {
    let found = read("a: 1\n---\nb: [\n---\n# nothing\n---\nc: 3\n---\n? [x]\n: 1\n---\nd: 4\n");
    let told: Vec<String> = found
        .iter()
        .map(|document| match document {
            Ok(node) => serde_json::to_string(node).unwrap(),
            Err(error) => format!("{}", error.place.line),
        })
        .collect();
    assert_eq!(told, ["{\"a\":1}", "3", "{\"c\":3}", "9", "{\"d\":4}"]);
    let template = read("a: {{ .Values.x }}\n");
    assert!(template[0].is_err(), "{template:?}");
    assert!(read("").is_empty() && read("---\n---\n").is_empty());
}

#[test]
fn bombs_are_refused() {
    let level = |level: i32| format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(9));
    let bomb = (1..30).map(level).collect::<Vec<_>>().concat();
    let found = read(&format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{bomb}"));
    let reason = found.last().unwrap().as_ref().unwrap_err().reason.clone();
    assert!(reason.contains("limits.records"), "{reason}");
    let doubled = |level: i32| format!("m{level}: &m{level} {{a: *m{0}, b: *m{0}}}\n", level - 1);
    let doubled = (1..30).map(doubled).collect::<Vec<_>>().concat();
    assert!(read(&format!("m0: &m0 {{x: 1}}\n{doubled}")).last().unwrap().is_err());
    for deep in ["[".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000), "a: {".repeat(10_000)] {
        assert!(read(&deep).iter().all(Result::is_err));
    }
    assert!(read("a: &x [*x]\n")[0].is_err());
    let limits = Limits { records: 3, ..Limits::default() };
    assert_eq!(documents("[1, 2]", &limits).len(), 1);
    assert!(documents("[1, 2]", &limits)[0].is_ok());
    assert!(documents("[1, 2, 3]", &limits)[0].is_err());
}

#[test]
fn literal_documents_have_scalars_as_they_are_written() {
    let found =
        literal_documents("a: [yes, 0777, 1.10, \"\", ~, null, 'null', on]\nb: 1\nb: 2\nc:\n", &Limits::default());
    let text = serde_json::to_string(found[0].as_ref().unwrap()).unwrap();
    let items = r#"["yes","0777","1.10","",null,null,"null","on"]"#;
    assert_eq!(text, format!("{{\"a\":{items},\"b\":\"1\",\"c\":null}}"));
}
