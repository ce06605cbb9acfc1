//! Operators, sizes and texts: the standard functions
//! (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>).

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use std::sync::Arc;

/// The operators that a run knows itself have only their signatures here.
pub(super) const TABLE: &[Entry] = &[
    ("_==_(A, A) -> bool", elsewhere),
    ("_!=_(A, A) -> bool", elsewhere),
    // Numbers are compared across types.
    ("_<_(bool, bool) -> bool", elsewhere),
    ("_<_(int, int) -> bool", elsewhere),
    ("_<_(int, uint) -> bool", elsewhere),
    ("_<_(int, double) -> bool", elsewhere),
    ("_<_(uint, uint) -> bool", elsewhere),
    ("_<_(uint, int) -> bool", elsewhere),
    ("_<_(uint, double) -> bool", elsewhere),
    ("_<_(double, double) -> bool", elsewhere),
    ("_<_(double, int) -> bool", elsewhere),
    ("_<_(double, uint) -> bool", elsewhere),
    ("_<_(string, string) -> bool", elsewhere),
    ("_<_(bytes, bytes) -> bool", elsewhere),
    ("_<_(timestamp, timestamp) -> bool", elsewhere),
    ("_<_(duration, duration) -> bool", elsewhere),
    ("@in(A, list(A)) -> bool", elsewhere),
    ("@in(A, map(A, B)) -> bool", elsewhere),
    ("_[_](list(A), int) -> A", elsewhere),
    ("_[_](map(A, B), A) -> B", elsewhere),
    ("_[_](optional(list(A)), int) -> optional(A)", elsewhere),
    ("_[_](optional(map(A, B)), A) -> optional(B)", elsewhere),
    ("_[?_](list(A), int) -> optional(A)", elsewhere),
    ("_[?_](map(A, B), A) -> optional(B)", elsewhere),
    ("_[?_](optional(list(A)), int) -> optional(A)", elsewhere),
    ("_[?_](optional(map(A, B)), A) -> optional(B)", elsewhere),
    ("_+_(int, int) -> int", |of, _| whole(of, i64::checked_add, u64::checked_add)),
    ("_+_(uint, uint) -> uint", |of, _| whole(of, i64::checked_add, u64::checked_add)),
    ("_+_(double, double) -> double", |of, _| double(of, |a, b| a + b)),
    ("_+_(string, string) -> string", join_texts),
    ("_+_(bytes, bytes) -> bytes", join_bytes),
    ("_+_(list(A), list(A)) -> list(A)", join_lists),
    ("_-_(int, int) -> int", |of, _| whole(of, i64::checked_sub, u64::checked_sub)),
    ("_-_(uint, uint) -> uint", |of, _| whole(of, i64::checked_sub, u64::checked_sub)),
    ("_-_(double, double) -> double", |of, _| double(of, |a, b| a - b)),
    ("_*_(int, int) -> int", |of, _| whole(of, i64::checked_mul, u64::checked_mul)),
    ("_*_(uint, uint) -> uint", |of, _| whole(of, i64::checked_mul, u64::checked_mul)),
    ("_*_(double, double) -> double", |of, _| double(of, |a, b| a * b)),
    ("_/_(int, int) -> int", |of, _| divided(of, i64::checked_div, u64::checked_div)),
    ("_/_(uint, uint) -> uint", |of, _| divided(of, i64::checked_div, u64::checked_div)),
    ("_/_(double, double) -> double", |of, _| double(of, |a, b| a / b)),
    ("_%_(int, int) -> int", |of, _| divided(of, i64::checked_rem, u64::checked_rem)),
    ("_%_(uint, uint) -> uint", |of, _| divided(of, i64::checked_rem, u64::checked_rem)),
    ("-_(int) -> int", negated),
    ("-_(double) -> double", negated),
    ("size(string) -> int", size),
    ("size(bytes) -> int", size),
    ("size(list(A)) -> int", size),
    ("size(map(A, B)) -> int", size),
    ("string.size() -> int", size),
    ("bytes.size() -> int", size),
    ("list(A).size() -> int", size),
    ("map(A, B).size() -> int", size),
    ("string.contains(string) -> bool", |of, _| texts(of, |text, part| text.contains(part))),
    ("string.startsWith(string) -> bool", |of, _| texts(of, |text, part| text.starts_with(part))),
    ("string.endsWith(string) -> bool", |of, _| texts(of, |text, part| text.ends_with(part))),
];

fn elsewhere(_: &[Value], _: &Meter) -> Result<Value, Stop> {
    Err(mismatch())
}

type Checked<T> = fn(T, T) -> Option<T>;

fn whole(of: &[Value], signed: Checked<i64>, unsigned: Checked<u64>) -> Result<Value, Stop> {
    let found = match of {
        [Value::Int(a), Value::Int(b)] => signed(*a, *b).map(Value::Int),
        [Value::Uint(a), Value::Uint(b)] => unsigned(*a, *b).map(Value::Uint),
        _ => return Err(mismatch()),
    };
    found.ok_or_else(|| Stop::error("integer overflow"))
}

fn divided(of: &[Value], signed: Checked<i64>, unsigned: Checked<u64>) -> Result<Value, Stop> {
    if let [_, Value::Int(0) | Value::Uint(0)] = of {
        return Err(Stop::error("division by zero"));
    }
    whole(of, signed, unsigned)
}

fn double(of: &[Value], run: fn(f64, f64) -> f64) -> Result<Value, Stop> {
    match of {
        [Value::Double(a), Value::Double(b)] => Ok(Value::Double(run(*a, *b))),
        _ => Err(mismatch()),
    }
}

fn negated(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    match of {
        [Value::Int(number)] => number.checked_neg().map(Value::Int).ok_or_else(|| Stop::error("integer overflow")),
        [Value::Double(number)] => Ok(Value::Double(-number)),
        _ => Err(mismatch()),
    }
}

fn join_texts(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let [Value::Text(a), Value::Text(b)] = of else { return Err(mismatch()) };
    meter.charge_text(a.len() + b.len())?;
    Ok(Value::Text(format!("{a}{b}").into()))
}

fn join_bytes(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let [Value::Bytes(a), Value::Bytes(b)] = of else { return Err(mismatch()) };
    meter.charge_text(a.len() + b.len())?;
    Ok(Value::Bytes([&**a, &**b].concat().into()))
}

fn join_lists(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let [Value::List(a), Value::List(b)] = of else { return Err(mismatch()) };
    meter.charge(a.len() + b.len())?;
    let joined: Arc<[Value]> = a.iter().chain(b.iter()).cloned().collect();
    Ok(Value::List(joined))
}

/// Characters, bytes or elements.
fn size(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let size = match of {
        [Value::Text(text)] => text.chars().count(),
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(items)] => items.len(),
        [Value::Map(map)] => map.len(),
        _ => return Err(mismatch()),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn texts(of: &[Value], run: fn(&str, &str) -> bool) -> Result<Value, Stop> {
    match of {
        [Value::Text(a), Value::Text(b)] => Ok(Value::Bool(run(a, b))),
        _ => Err(mismatch()),
    }
}
