//! Semantic versions (`k8s.io/apiserver/pkg/cel/library/semverlib.go`).

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use semver::Version;
use std::sync::Arc;

pub(super) const TABLE: &[Entry] = &[
    ("semver(string) -> semver", semver),
    ("semver(string, bool) -> semver", semver),
    ("isSemver(string) -> bool", |of, _| Ok(Value::Bool(read(of)?.is_some()))),
    ("isSemver(string, bool) -> bool", |of, _| Ok(Value::Bool(read(of)?.is_some()))),
    ("semver.major() -> int", |of, _| part(of, |version| version.major)),
    ("semver.minor() -> int", |of, _| part(of, |version| version.minor)),
    ("semver.patch() -> int", |of, _| part(of, |version| version.patch)),
    ("semver.isGreaterThan(semver) -> bool", |of, _| Ok(Value::Bool(compared(of)? > 0))),
    ("semver.isLessThan(semver) -> bool", |of, _| Ok(Value::Bool(compared(of)? < 0))),
    ("semver.compareTo(semver) -> int", |of, _| compared(of).map(Value::Int)),
];

fn semver(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let version = read(of)?.ok_or_else(|| Stop::error("a text that is no semantic version"))?;
    Ok(Value::Version(Arc::new(version)))
}

fn read(of: &[Value]) -> Result<Option<Version>, Stop> {
    match of {
        [Value::Text(text)] | [Value::Text(text), Value::Bool(false)] => Ok(Version::parse(text).ok()),
        [Value::Text(text), Value::Bool(true)] => Ok(normal(text).and_then(|text| Version::parse(&text).ok())),
        _ => Err(mismatch()),
    }
}

/// Without `v` and zeros at the front of numbers, and with all three numbers.
fn normal(text: &str) -> Option<String> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = bare.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 && parts.last().is_some_and(|part| part.contains(['+', '-'])) {
        return None;
    }
    while parts.len() < 3 {
        parts.push("0".to_owned());
    }
    Some(parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() < 2 {
        return part.to_owned();
    }
    let bare = part.trim_start_matches('0');
    let zero = if bare.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
    format!("{zero}{bare}")
}

fn part(of: &[Value], read: fn(&Version) -> u64) -> Result<Value, Stop> {
    match of {
        [Value::Version(version)] => Ok(Value::Int(i64::try_from(read(version)).unwrap_or(i64::MAX))),
        _ => Err(mismatch()),
    }
}

fn compared(of: &[Value]) -> Result<i64, Stop> {
    match of {
        [Value::Version(a), Value::Version(b)] => Ok(a.cmp_precedence(b) as i64),
        _ => Err(mismatch()),
    }
}
