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
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
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
