use super::{DEPTH, parse};
use proptest::prelude::*;

/// What a condition is read as.
fn reads(text: &str, expect: &str) {
    match parse(text) {
        Ok(expr) => {
            assert_eq!(expr.to_string(), expect, "{text}");
            assert_eq!(parse(expect).expect("what is written can be read").to_string(), expect);
        }
        Err(mistake) => panic!("{text}: {mistake} at {:?}", mistake.place),
    }
}

fn refuses(text: &str, reason: &str) {
    let mistake = parse(text).expect_err(text);
    assert!(mistake.reason.contains(reason), "{text}: {mistake}");
}

#[test]
fn and_goes_before_or_and_not_before_both() {
    reads("a.b=1 or c.d=2 and not e.f=3", "a.b = 1 or (c.d = 2 and not e.f = 3)");
    reads("(a.b=1 or c.d=2) and e.f=3", "(a.b = 1 or c.d = 2) and e.f = 3");
    reads("not not m", "m");
    reads("not not not m", "not m");
    reads("not(m) and(n)or(o)", "(not m and n) or o");
    reads("not not(m or n)", "m or n");
    reads("a and b and c or d", "(a and b and c) or d");
    reads("\n  order and\tnothing\n and android", "order and nothing and android");
    reads("((m))", "m");
}

#[test]
fn words_need_a_blank_or_a_bracket() {
    refuses("m orn", "after 'or'");
    refuses("m andn", "after 'and'");
    refuses("m n", "found 'n'");
    refuses("", "empty");
    refuses("   ", "expected '('");
    refuses("(m", "expected ')'");
    refuses("m)", "found ')'");
    refuses("()", "expected '('");
    refuses("proc.name containsx", "a comparison");
}

#[test]
fn every_operator() {
    for operator in ["=", "!="] {
        reads(&format!("a.b{operator}x"), &format!("a.b {operator} x"));
    }
    reads("a.b==x", "a.b = x");
    for operator in ["<=", "<", ">=", ">"] {
        reads(&format!("a.b{operator}-1.5e+3"), &format!("a.b {operator} -1.5e+3"));
        refuses(&format!("a.b {operator} x"), "a number");
        refuses(&format!("a.b {operator} \"1\""), "a number");
    }
    reads("a.b>=0x1F", "a.b >= 0x1F");
    for operator in
        ["glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex"]
    {
        reads(&format!("a.b {operator}\n x"), &format!("a.b {operator} x"));
        refuses(&format!("a.b {operator}x"), "a comparison");
        for quantifier in ["oneof", "anyof", "allof"] {
            reads(&format!("a.b {operator} {quantifier}(x,y)"), &format!("a.b {operator} {quantifier} (x, y)"));
        }
    }
    for operator in ["in", "intersects", "pmatch"] {
        reads(&format!("a.b {operator}(x , \"y z\")"), &format!("a.b {operator} (x, \"y z\")"));
        reads(&format!("a.b {operator} ()"), &format!("a.b {operator} ()"));
        refuses(&format!("a.b {operator} (x y)"), "')'");
        refuses(&format!("a.b {operator} (x,)"), "a text");
        refuses(&format!("a.b {operator} oneof (x)"), "found");
    }
    reads("a.b exists", "a.b exists");
    reads("a.b in name", "a.b in name");
    reads("a.b = oneof", "a.b = oneof");
    refuses("a.b istartswith x", "a comparison");
    assert_eq!(parse("a.b starswith x").unwrap_err().hint.as_deref(), Some("did you mean 'startswith'?"));
}

#[test]
fn fields_and_their_arguments() {
    reads("proc.aname[2]=x", "proc.aname[2] = x");
    reads("a.b[\"x y\"] exists", "a.b[\"x y\"] exists");
    reads("jevt.value[/a/b~1c] = x", "jevt.value[/a/b~1c] = x");
    refuses("a.b[] exists", "an argument");
    refuses("a.b[1 exists", "']'");
    // One name without a dot is a macro, and cannot be compared.
    refuses("proc = x", "found '='");
    refuses("a.b", "a comparison");
    reads("evt.arg.name=x", "evt.arg.name = x");
}

#[test]
fn texts_and_escapes() {
    reads(r#"a.b = "x \"y\" \\ \n""#, r#"a.b = "x \"y\" \\ \n""#);
    reads(r"a.b = 'it\'s'", r#"a.b = "it's""#);
    reads(r#"a.b = "\/x""#, "a.b = /x");
    // A backslash before a blank stands for itself.
    reads(r#"a.b = "x\ y""#, r"a.b = x\y");
    reads("a.b = 'x\"y'", r#"a.b = "x\"y""#);
    refuses(r#"a.b = "\x41""#, "stands for nothing");
    refuses(r#"a.b = "it\'s""#, "stands for nothing");
    refuses(r#"a.b = "x"#, "no closing");
    // The quote after a backslash never closes, as in Falco.
    refuses(r#"a.b = "x\\""#, "no closing");
    reads(r#"a.b = """#, r#"a.b = """#);
    reads("a.b = /tmp/*[x]|$!", "a.b = /tmp/*[x]|$!");
    reads("a.b=é", "a.b = é");
}

#[test]
fn transformers() {
    reads("tolower(toupper( a.b )) = x", "tolower(toupper(a.b)) = x");
    reads("a.b = val(c.d)", "a.b = val(c.d)");
    reads("a.b in val( c.d )", "a.b in val(c.d)");
    reads("a.b > len(c.d)", "a.b > len(c.d)");
    reads("join(\"-\", (a.b, 'x', 3)) = x", "join(\"-\", (a.b, \"x\", \"3\")) = x");
    reads("join(\"-\", ()) = x", "join(\"-\", ()) = x");
    reads("concat(a.b, tolower(c.d)) = x", "concat(a.b, tolower(c.d)) = x");
    reads("getopt(a.b, \"n:\") intersects (n)", "getopt(a.b, \"n:\") intersects (n)");
    refuses("tolower() = x", "expected a field");
    refuses("tolower(a.b = x", "')'");
    refuses("val(a.b) = x", "found '(a.b)'");
    refuses("a.b = val(tolower(c.d))", "a field in 'val('");
    refuses("lower(a.b) = x", "found");
}

#[test]
fn places_are_lines_and_columns() {
    let mistake = parse("m and\n  a.b is x").unwrap_err();
    assert_eq!((mistake.place.line, mistake.place.column), (2, 7));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}m{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(DEPTH)).is_ok());
    refuses(&nested(DEPTH + 1), "deep");
    refuses(&nested(1_000_000), "deep");
    refuses(&format!("{}a.b", "tolower(".repeat(100_000)), "deep");
    assert!(parse(&format!("{}m", "not ".repeat(100_001))).is_ok());
    let long = vec!["m"; 100_000].join(" or ");
    assert!(parse(&long).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z.=()\"' \\\\,\\[\\]<>!0-9é]{0,60}") {
        if let Ok(expr) = parse(&text) {
            let written = expr.to_string();
            // Only a text that ends in a backslash cannot be written.
            if !written.contains("\\\\\"") {
                prop_assert_eq!(parse(&written).unwrap().to_string(), written);
            }
        }
    }
}
