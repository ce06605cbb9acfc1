//! Expressions and what they give, from the conformance suite of the language and from the tests of Kubernetes.

use super::*;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// Variables by their place.
struct Given(Vec<Value>);

impl Scope for Given {
    fn variable(&self, place: usize) -> Result<Value, Stop> {
        Ok(self.0[place].clone())
    }

    fn composed(&self, _: usize, _: &Meter) -> Result<Value, Stop> {
        Err(Stop::error("nothing is composed"))
    }
}

/// What an expression over these variables gives: a value, why it is refused, or why it stops.
#[derive(Debug)]
enum Outcome {
    Value(Value),
    Refused(String),
    Stopped(Stop),
}

fn evaluate(expression: &str, variables: Vec<(&'static str, Type, Value)>) -> Outcome {
    let (mut declarations, mut values) = (Declarations::default(), Vec::new());
    for (name, of, value) in variables {
        declarations.variables.push((name, of));
        values.push(value);
    }
    match Program::new(expression, &declarations) {
        Err(fault) => Outcome::Refused(fault.reason),
        Ok(program) => match program.run(&Given(values), &Meter::default()) {
            Ok(value) => Outcome::Value(value),
            Err(stop) => Outcome::Stopped(stop),
        },
    }
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cel").join(name)).unwrap()
}

#[test]
fn expressions_name_categories_and_scripts() {
    for (expression, expect) in [
        (r"'wéb'.matches(r'^\pL+$')", true),
        (r"'wéb'.matches(r'^[\p{Latin}]+$')", true),
        (r"'web'.matches(r'\p{Lu}')", false),
        (r"'Ω'.matches(r'\p{^Greek}')", false),
    ] {
        let found = evaluate(expression, Vec::new());
        assert!(matches!(found, Outcome::Value(Value::Bool(it)) if it == expect), "{expression}: {found:?}");
    }
}

/// A value as the suite writes it, in the JSON of `cel.expr.Value`.
fn value_of(json: &Json) -> Value {
    let (kind, of) = json.as_object().and_then(|it| it.iter().next()).unwrap();
    let text = || of.as_str().unwrap();
    match kind.as_str() {
        "nullValue" => Value::Null,
        "boolValue" => Value::Bool(of.as_bool().unwrap()),
        "int64Value" => Value::Int(text().parse().unwrap()),
        "uint64Value" => Value::Uint(text().parse().unwrap()),
        "doubleValue" => Value::Double(match of.as_str() {
            // As text, since the JSON of this crate does not keep the last digit.
            Some(text) => text.parse().unwrap(),
            None => panic!("a number"),
        }),
        "stringValue" => Value::text(text()),
        "bytesValue" => Value::Bytes(unbase64(text()).into()),
        "typeValue" => Value::Type(shared(text())),
        "listValue" => Value::list(of["values"].as_array().into_iter().flatten().map(value_of).collect()),
        "mapValue" => {
            let entries = of["entries"].as_array().into_iter().flatten();
            let entries = entries.map(|entry| (Key::of(&value_of(&entry["key"])).unwrap(), value_of(&entry["value"])));
            Value::Map(Arc::new(entries.collect()))
        }
        "objectValue" => {
            let text = of["value"].as_str().unwrap();
            let call = if of["@type"].as_str().unwrap().ends_with("Duration") { "duration" } else { "timestamp" };
            match evaluate(&format!("{call}('{text}')"), Vec::new()) {
                Outcome::Value(value) => value,
                other => panic!("{text}: {other:?}"),
            }
        }
        other => panic!("{other}"),
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = text.trim_end_matches('=').bytes().fold(Vec::new(), |mut bits, byte| {
        bits.extend((0..6).rev().map(|place| digit(byte) >> place & 1));
        bits
    });
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

fn type_of(json: &Json) -> Type {
    let (kind, of) = json.as_object().and_then(|it| it.iter().next()).unwrap();
    match (kind.as_str(), of.as_str()) {
        ("null", _) => Type::Null,
        ("primitive", Some("INT64")) => Type::Int,
        ("primitive", Some("UINT64")) => Type::Uint,
        ("primitive", Some("BOOL")) => Type::Bool,
        ("primitive", Some("BYTES")) => Type::Bytes,
        ("primitive", Some("DOUBLE")) => Type::Double,
        ("primitive", Some("STRING")) => Type::Text,
        ("mapType", _) => Type::map(type_of(&of["keyType"]), type_of(&of["valueType"])),
        ("listType", _) => Type::list(type_of(&of["elemType"])),
        other => panic!("{other:?}"),
    }
}

/// Whether both are the same and of one type, which `==` does not ask for.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).is_none_or(std::cmp::Ordering::is_eq),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a.type_name() == b.type_name() && a.equals(b, &Meter::default()) == Ok(true),
    }
}

/// What the suite takes and Kubernetes refuses, or what cannot be had here, by what is said about it. A case may come out
/// otherwise for these reasons only, and never with another value.
const OTHERWISE: [&str; 4] = [
    // Kubernetes has the validator of homogeneous literals.
    "in one list or map",
    "which Kubernetes does not have",
    // Needs the database of time zones.
    "the time zone ",
    // The last 26 hours of the year 9999, which jiff does not count.
    "9999-12-31T23:59:59.999999999Z",
];

#[test]
fn the_language_is_that_of_the_conformance_suite() {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::<&str, usize>::new();
    let text = fixture("conformance.jsonl");
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let (name, expression) = (case["name"].as_str().unwrap(), case["expr"].as_str().unwrap());
        let mut variables = Vec::new();
        for (name, value) in case["bindings"].as_object().into_iter().flatten() {
            let of = case["types"].get(name).map_or(Type::Dyn, type_of);
            variables.push((&*name.clone().leak(), of, value_of(value)));
        }
        let found = evaluate(expression, variables);
        let right = match (&found, case.get("value")) {
            (Outcome::Value(found), Some(wanted)) => same(found, &value_of(wanted)),
            (Outcome::Refused(_), Some(_)) => case.get("unchecked").is_some(),
            (Outcome::Refused(_) | Outcome::Stopped(_), None) => true,
            _ => false,
        };
        if right {
            continue;
        }
        let reason = match &found {
            Outcome::Value(value) => format!("gives {value:?}"),
            Outcome::Refused(reason) => reason.clone(),
            Outcome::Stopped(stop) => stop.reason(),
        };
        let is_value = matches!(found, Outcome::Value(_));
        match OTHERWISE.into_iter().find(|known| !is_value && reason.contains(known)) {
            Some(known) => *seen.entry(known).or_default() += 1,
            None => wrong.push(format!("{name}\n  {expression}\n  {:?}\n  {reason}", case.get("value"))),
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    println!("otherwise: {seen:?}");
    assert_eq!(seen.len(), OTHERWISE.len(), "a reason that no case has: {seen:?}");
}

#[test]
fn functions_are_those_of_kubernetes() {
    let mut wrong = Vec::new();
    let text = fixture("kubernetes.txt");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (expression, expect) = line.rsplit_once(" => ").unwrap();
        let found = evaluate(expression, Vec::new());
        let right = match (&found, expect) {
            (Outcome::Refused(_), "refused")
            | (Outcome::Stopped(Stop::Error(_)), "error")
            | (Outcome::Value(_), "ok") => true,
            (Outcome::Value(found), expect) => match serde_json::from_str::<Json>(expect) {
                Ok(Json::Bool(wanted)) => matches!(found, Value::Bool(found) if *found == wanted),
                Ok(Json::Number(wanted)) => matches!(found, Value::Int(found) if Some(*found) == wanted.as_i64()),
                Ok(Json::String(wanted)) => matches!(found, Value::Text(found) if **found == *wanted),
                _ => false,
            },
            _ => false,
        };
        if !right {
            wrong.push(format!("{line}\n  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is built to be deep, long or dear ends as refused or as too long, in a thread with little memory for calls.
#[test]
fn hostile_expressions_end() {
    let deep =
        |open: &str, inner: &str, close: &str, times| format!("{}{inner}{}", open.repeat(times), close.repeat(times));
    let mut hostile = Vec::new();
    for times in [48, 98, 260, 20_000] {
        hostile.extend([
            deep("(", "1", ")", times),
            deep("[", "1", "]", times),
            deep("{1:", "1", "}", times),
            deep("!(", "true", ")", times),
            deep("-(", "1", ")", times),
            deep("[1].map(x,", "1", ")", times),
            deep("int(", "1", ")", times),
            format!("{}1", "-".repeat(times)),
            format!("{}true", "!".repeat(times)),
            format!("1{}", "+1".repeat(times)),
            format!("true{}", "&&true".repeat(times)),
            format!("1{}", "<1".repeat(times)),
            format!("{}false", "true?true:".repeat(times)),
            format!("dyn(1){}", ".a".repeat(times)),
            format!("dyn([1]){}", "[0]".repeat(times)),
            format!("[1{}]", ",1".repeat(times)),
            format!("({}1{}).b", "(".repeat(times / 2), ").a".repeat(times / 2)),
        ]);
    }
    let loops = |times: usize| {
        let range = "lists.range(1000)";
        let open: Vec<String> = (0..times).map(|depth| format!("{range}.all(x{depth},")).collect();
        let open = open.concat();
        format!("{open}true{}", ")".repeat(times))
    };
    let dear = [
        loops(2),
        loops(4),
        loops(20),
        "lists.range(9223372036854775807)".to_owned(),
        "lists.range(1000).map(x, lists.range(1000).map(y, lists.range(1000)))".to_owned(),
        "lists.range(100000).map(x, 'a').join().replace('a', lists.range(100000).map(x, 'a').join())".to_owned(),
        "lists.range(3000).map(x, lists.range(3000)).flatten().sort()".to_owned(),
        "lists.range(2000).exists(x, 'a'.matches(string(x)))".to_owned(),
        // Each holds the one before twice: small to keep, endless to walk over.
        format!("{}[1]{} == []", "[".repeat(40), "].map(x, [x, x])[0]".repeat(40)),
    ];
    for expression in &dear[..8] {
        assert!(matches!(evaluate(expression, Vec::new()), Outcome::Stopped(Stop::TooLong)), "{expression}");
    }
    hostile.extend(dear);
    hostile.extend([
        "lists.range(3000).map(x, x % 7).distinct() == lists.range(3000)".to_owned(),
        "'%.1000f'.format([1.0])".to_owned(),
        "'%.100000000f'.format([1.0])".to_owned(),
        "'a'.matches('(((((a{1000}){1000}){1000}){1000}){1000})')".to_owned(),
        "lists.range(50000).map(x, 'a').join().matches('(a*)*b')".to_owned(),
        format!("'{}'.matches('({})')", "a".repeat(30_000), "a?".repeat(500)),
        "duration('999999999999999999999h')".to_owned(),
        "quantity('1e999999999')".to_owned(),
        "quantity('0.00000000000000000000000000000000000000000000000000000001Ei')".to_owned(),
        format!("quantity('{}')", "9".repeat(50_000)),
        format!("semver('{}.0.0')", "9".repeat(50_000)),
        "\u{0}".to_owned(),
        "'\\".to_owned(),
        "`".to_owned(),
        "a".repeat(100_001),
    ]);
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for expression in hostile {
            // That it comes back is what is tested; the bound on steps keeps it short.
            let _ = evaluate(&expression, Vec::new());
        }
    });
    thread.unwrap().join().unwrap();
}
