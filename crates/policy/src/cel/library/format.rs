//! `string.format`, and values as texts (<https://pkg.go.dev/github.com/google/cel-go/ext#Strings>).

use super::time::{duration_text, timestamp_text};
use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use std::fmt::Write;

pub(super) const TABLE: &[Entry] = &[("string.format(list(dyn)) -> string", format)];

/// Digits after the point, more of which are refused.
const DIGITS: usize = 1000;

fn format(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let [Value::Text(text), Value::List(arguments)] = of else { return Err(mismatch()) };
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest: &str = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (precision, after) = match after.strip_prefix('.') {
            None => (None, after),
            Some(after) => {
                let length = after.bytes().take_while(u8::is_ascii_digit).count();
                let digits = after[..length].parse().ok().filter(|digits| *digits <= DIGITS);
                (Some(digits.ok_or_else(|| Stop::error("a precision that is none"))?), &after[length..])
            }
        };
        let mut chars = after.chars();
        let verb = chars.next().ok_or_else(|| Stop::error("unexpected end of string"))?;
        rest = chars.as_str();
        let argument = arguments.next().ok_or_else(|| Stop::error("index out of range: too few arguments"))?;
        let bottom = out.len();
        write_verb(verb, precision, argument, &mut out, meter)?;
        meter.charge_text(out.len() - bottom)?;
    }
    out.push_str(rest);
    meter.charge_text(out.len())?;
    Ok(Value::Text(out.into()))
}

fn write_verb(
    verb: char,
    precision: Option<usize>,
    value: &Value,
    out: &mut String,
    meter: &Meter,
) -> Result<(), Stop> {
    let wrong = || Stop::error(format!("%{verb} cannot show a {}", value.type_name()));
    let _ = match (verb, value) {
        ('s', value) => return write_value(value, out, meter),
        ('d' | 'o' | 'b' | 'x' | 'X', Value::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            out.push_str(sign);
            write_number(verb, number.unsigned_abs(), out)
        }
        ('d' | 'o' | 'b' | 'x' | 'X', Value::Uint(number)) => write_number(verb, *number, out),
        ('b', Value::Bool(value)) => write!(out, "{}", u8::from(*value)),
        ('d', Value::Double(number)) if !number.is_finite() => {
            out.push_str(named_double(*number));
            Ok(())
        }
        ('x' | 'X', Value::Text(text)) => {
            meter.charge_text(text.len() * 2)?;
            write_bytes(verb, text.as_bytes(), out)
        }
        ('x' | 'X', Value::Bytes(bytes)) => {
            meter.charge_text(bytes.len() * 2)?;
            write_bytes(verb, bytes, out)
        }
        ('f' | 'e', value) => {
            let number = match value {
                Value::Double(number) => *number,
                Value::Int(number) => *number as f64,
                Value::Uint(number) => *number as f64,
                Value::Text(text) if matches!(&**text, "NaN" | "Infinity" | "-Infinity") => {
                    out.push_str(text);
                    return Ok(());
                }
                _ => return Err(wrong()),
            };
            if !number.is_finite() {
                out.push_str(named_double(number));
                return Ok(());
            }
            let precision = precision.unwrap_or(6);
            if verb == 'f' {
                write!(out, "{number:.precision$}")
            } else {
                let text = format!("{number:.precision$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                write!(out, "{digits}e{sign}{exponent:0>2}")
            }
        }
        ('d' | 'o' | 'b' | 'x' | 'X', _) => return Err(wrong()),
        _ => return Err(Stop::error(format!("unrecognized formatting clause \"{verb}\""))),
    };
    Ok(())
}

fn write_number(verb: char, number: u64, out: &mut String) -> std::fmt::Result {
    match verb {
        'o' => write!(out, "{number:o}"),
        'b' => write!(out, "{number:b}"),
        'x' => write!(out, "{number:x}"),
        'X' => write!(out, "{number:X}"),
        _ => write!(out, "{number}"),
    }
}

fn write_bytes(verb: char, bytes: &[u8], out: &mut String) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| if verb == 'x' { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") })
}

/// A value as `%s` shows it.
fn write_value(value: &Value, out: &mut String, meter: &Meter) -> Result<(), Stop> {
    meter.charge(1)?;
    match value {
        Value::Text(text) => {
            meter.charge_text(text.len())?;
            out.push_str(text);
        }
        Value::List(items) => {
            out.push('[');
            meter.deeper(|| {
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    write_value(item, out, meter)?;
                }
                Ok(())
            })?;
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            meter.deeper(|| {
                // In the order of the keys as they are written.
                let mut entries = Vec::with_capacity(map.len());
                for (key, value) in map.iter() {
                    let mut text = String::new();
                    write_value(&key.value(), &mut text, meter)?;
                    entries.push((text, value));
                }
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                for (place, (key, value)) in entries.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(key);
                    out.push_str(": ");
                    write_value(value, out, meter)?;
                }
                Ok(())
            })?;
            out.push('}');
        }
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        Value::Double(number) if !number.is_finite() => out.push_str(named_double(*number)),
        // As many digits as are needed, without an exponent.
        Value::Double(number) => out.push_str(&number.to_string()),
        Value::Bytes(bytes) => {
            meter.charge_text(bytes.len())?;
            out.push_str(&String::from_utf8_lossy(bytes));
        }
        Value::Duration(nanoseconds) => out.push_str(&duration_text(*nanoseconds)),
        Value::Timestamp(moment) => out.push_str(&timestamp_text(*moment)),
        Value::Type(name) => out.push_str(name),
        other => return Err(Stop::error(format!("%s cannot show a {}", other.type_name()))),
    }
    Ok(())
}

/// A value in a message of ours.
pub(in crate::cel) fn shown(value: &Value) -> String {
    let mut out = String::new();
    match write_value(value, &mut out, &Meter::default()) {
        Ok(()) => out,
        Err(_) => value.type_name().to_owned(),
    }
}

/// A double that has no digits.
fn named_double(number: f64) -> &'static str {
    match number {
        _ if number.is_nan() => "NaN",
        _ if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// A double as Go's `%g` has it: an exponent where the number is small or large.
pub(super) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let power: i32 = exponent.parse().unwrap_or(0);
    if !(-4..21).contains(&power) {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", power.abs());
    }
    format!("{number}")
}
