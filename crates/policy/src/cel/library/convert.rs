//! Conversions between types
//! (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>), as `cel-go` has them.

use super::format::double_text;
use super::time::{duration_of, duration_text, timestamp_of, timestamp_text};
use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::shared;
use crate::cel::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("type(A) -> type", |of, _| match of {
        [value] => Ok(Value::Type(shared(value.type_name()))),
        _ => Err(mismatch()),
    }),
    ("bool(bool) -> bool", same),
    ("bool(string) -> bool", to_bool),
    ("bytes(bytes) -> bytes", same),
    ("bytes(string) -> bytes", to_bytes),
    ("double(double) -> double", same),
    ("double(int) -> double", to_double),
    ("double(uint) -> double", to_double),
    ("double(string) -> double", to_double),
    ("duration(duration) -> duration", same),
    ("duration(string) -> duration", |of, _| one_text(of, |text| duration_of(text).map(Value::Duration))),
    ("int(int) -> int", same),
    ("int(uint) -> int", to_int),
    ("int(double) -> int", to_int),
    ("int(string) -> int", to_int),
    ("int(timestamp) -> int", to_int),
    ("int(duration) -> int", to_int),
    ("string(string) -> string", same),
    ("string(bool) -> string", to_text),
    ("string(bytes) -> string", to_text),
    ("string(double) -> string", to_text),
    ("string(duration) -> string", to_text),
    ("string(int) -> string", to_text),
    ("string(timestamp) -> string", to_text),
    ("string(uint) -> string", to_text),
    ("timestamp(timestamp) -> timestamp", same),
    ("timestamp(string) -> timestamp", |of, _| one_text(of, |text| timestamp_of(text).map(Value::Timestamp))),
    ("timestamp(int) -> timestamp", |of, _| match of {
        [Value::Int(seconds)] => super::time::from_seconds(*seconds).map(Value::Timestamp),
        _ => Err(mismatch()),
    }),
    ("uint(uint) -> uint", same),
    ("uint(int) -> uint", to_uint),
    ("uint(double) -> uint", to_uint),
    ("uint(string) -> uint", to_uint),
];

fn same(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    of.first().cloned().ok_or_else(mismatch)
}

fn one_text(of: &[Value], run: impl FnOnce(&str) -> Result<Value, Stop>) -> Result<Value, Stop> {
    match of {
        [Value::Text(text)] => run(text),
        _ => Err(mismatch()),
    }
}

fn wrong(what: &str, to: &str) -> Stop {
    Stop::error(format!("{what} cannot be converted to {to}"))
}

fn to_bool(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    one_text(of, |text| match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
        other => Err(wrong(&format!("{other:?}"), "bool")),
    })
}

fn to_bytes(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    one_text(of, |text| Ok(Value::Bytes(text.as_bytes().into())))
}

fn to_double(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    Ok(Value::Double(match of {
        [Value::Int(number)] => *number as f64,
        [Value::Uint(number)] => *number as f64,
        [Value::Text(text)] => {
            let number: f64 = text.parse().map_err(|_| wrong(&format!("{text:?}"), "double"))?;
            let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
            if number.is_infinite() && !matches!(&*word, "inf" | "infinity") {
                return Err(wrong(&format!("{text:?}"), "double"));
            }
            number
        }
        _ => return Err(mismatch()),
    }))
}

fn to_int(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let found = match of {
        [Value::Uint(number)] => i64::try_from(*number).ok(),
        // The bounds are excluded, as doubles near them are rounded.
        [Value::Double(number)] => (*number > i64::MIN as f64 && *number < i64::MAX as f64).then_some(*number as i64),
        [Value::Text(text)] => text.parse().ok(),
        [Value::Timestamp(moment)] => Some(moment.as_second() - i64::from(moment.subsec_nanosecond() < 0)),
        [Value::Duration(nanoseconds)] => Some(*nanoseconds),
        _ => return Err(mismatch()),
    };
    found.map(Value::Int).ok_or_else(|| wrong("a value that is no whole number of 64 bits", "int"))
}

fn to_uint(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let found = match of {
        [Value::Int(number)] => u64::try_from(*number).ok(),
        [Value::Double(number)] => (*number >= 0.0 && *number < u64::MAX as f64).then_some(*number as u64),
        [Value::Text(text)] if !text.starts_with('+') => text.parse().ok(),
        [Value::Text(_)] => None,
        _ => return Err(mismatch()),
    };
    found.map(Value::Uint).ok_or_else(|| wrong("a value that is no whole number of 64 bits without a sign", "uint"))
}

fn to_text(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let text = match of {
        [Value::Bool(value)] => value.to_string(),
        [Value::Bytes(bytes)] => {
            String::from_utf8(bytes.to_vec()).map_err(|_| wrong("bytes that are no UTF-8", "string"))?
        }
        [Value::Double(number)] => double_text(*number),
        [Value::Duration(nanoseconds)] => duration_text(*nanoseconds),
        [Value::Int(number)] => number.to_string(),
        [Value::Timestamp(moment)] => timestamp_text(*moment),
        [Value::Uint(number)] => number.to_string(),
        _ => return Err(mismatch()),
    };
    Ok(Value::Text(text.into()))
}
