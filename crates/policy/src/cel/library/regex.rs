//! Regular expressions: `matches`, and the library of Kubernetes (`k8s.io/apiserver/pkg/cel/library/regex.go`).

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use crate::go::Pattern;
use std::sync::Arc;

pub(super) const TABLE: &[Entry] = &[
    ("matches(string, string) -> bool", matches),
    ("string.matches(string) -> bool", matches),
    ("string.find(string) -> string", |of, meter| {
        let (text, pattern) = read(of, meter)?;
        Ok(Value::text(pattern.regex.find(text).map_or("", |found| found.as_str())))
    }),
    ("string.findAll(string) -> list(string)", find_all),
    ("string.findAll(string, int) -> list(string)", find_all),
];

/// The text and the pattern, with what looking through the one for the other costs.
fn read<'a>(of: &'a [Value], meter: &Meter) -> Result<(&'a str, Arc<Pattern>), Stop> {
    let [Value::Text(text), pattern, ..] = of else { return Err(mismatch()) };
    let pattern = match pattern {
        Value::Pattern(pattern) => pattern.clone(),
        Value::Text(pattern) => meter.pattern(pattern)?,
        _ => return Err(mismatch()),
    };
    meter.charge(1 + text.len() / 10 * (1 + pattern.text.len() / 10))?;
    Ok((text, pattern))
}

fn matches(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let (text, pattern) = read(of, meter)?;
    Ok(Value::Bool(pattern.regex.is_match(text)))
}

fn find_all(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let limit = match of {
        [_, _, Value::Int(limit)] => usize::try_from(*limit).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let (text, pattern) = read(of, meter)?;
    let mut found = Vec::new();
    for part in pattern.regex.find_iter(text).take(limit) {
        meter.charge_text(part.len())?;
        found.push(Value::text(part.as_str()));
    }
    Ok(Value::list(found))
}
