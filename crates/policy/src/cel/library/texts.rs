//! The string library, version 2 (<https://pkg.go.dev/github.com/google/cel-go/ext#Strings>). Places are counted in
//! characters.

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("string.charAt(int) -> string", char_at),
    ("string.indexOf(string) -> int", index_of),
    ("string.indexOf(string, int) -> int", index_of),
    ("string.lastIndexOf(string) -> int", last_index_of),
    ("string.lastIndexOf(string, int) -> int", last_index_of),
    ("string.lowerAscii() -> string", |of, _| changed(of, str::to_ascii_lowercase)),
    ("string.upperAscii() -> string", |of, _| changed(of, str::to_ascii_uppercase)),
    ("string.trim() -> string", |of, _| changed(of, |text| text.trim().to_owned())),
    ("string.replace(string, string) -> string", replace),
    ("string.replace(string, string, int) -> string", replace),
    ("string.split(string) -> list(string)", split),
    ("string.split(string, int) -> list(string)", split),
    ("string.substring(int) -> string", substring),
    ("string.substring(int, int) -> string", substring),
    ("list(string).join() -> string", join),
    ("list(string).join(string) -> string", join),
    ("strings.quote(string) -> string", |of, _| changed(of, quoted)),
];

fn changed(of: &[Value], run: fn(&str) -> String) -> Result<Value, Stop> {
    match of {
        [Value::Text(text)] => Ok(Value::Text(run(text).into())),
        _ => Err(mismatch()),
    }
}

fn out_of_range(place: i64) -> Stop {
    Stop::error(format!("index out of range: {place}"))
}

fn char_at(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::Text(text), Value::Int(place)] = of else { return Err(mismatch()) };
    let wanted = usize::try_from(*place).map_err(|_| out_of_range(*place))?;
    match text.chars().nth(wanted) {
        Some(char) => Ok(Value::Text(char.to_string().into())),
        None if text.chars().count() == wanted => Ok(Value::text("")),
        None => Err(out_of_range(*place)),
    }
}

fn number(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The byte at which the character at `place` begins; none beyond the end.
fn byte_at(text: &str, place: usize) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).nth(place)
}

fn index_of(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let (text, part, from) = match of {
        [Value::Text(text), Value::Text(part)] => (text, part, 0),
        [Value::Text(text), Value::Text(part), Value::Int(from)] => (text, part, *from),
        _ => return Err(mismatch()),
    };
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    let place = usize::try_from(from).map_err(|_| out_of_range(from))?;
    let start = byte_at(text, place).or_else(|| (text.chars().count() == place).then_some(text.len()));
    // Older servers say -1 here.
    let start = start.ok_or_else(|| out_of_range(from))?;
    let found = text[start..].find(&**part).map(|at| text[..start + at].chars().count());
    Ok(found.map_or(Value::Int(-1), number))
}

fn last_index_of(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let (text, part, from) = match of {
        [Value::Text(text), Value::Text(part)] => (text, part, None),
        [Value::Text(text), Value::Text(part), Value::Int(from)] => (text, part, Some(*from)),
        _ => return Err(mismatch()),
    };
    let length = text.chars().count();
    if part.is_empty() {
        return Ok(from.map_or_else(|| number(length), Value::Int));
    }
    // What begins after it does not count.
    let last = match from {
        None => length.saturating_sub(1),
        Some(from) => usize::try_from(from).map_err(|_| out_of_range(from))?,
    };
    if let Some(from) = from.filter(|_| last > length) {
        return Err(out_of_range(from));
    }
    let end = byte_at(text, last).map_or(text.len(), |at| (at + part.len()).min(text.len()));
    let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let found = text[..end].rfind(&**part).map(|at| text[..at].chars().count()).filter(|place| *place <= last);
    Ok(found.map_or(Value::Int(-1), number))
}

fn replace(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let (text, old, new, limit) = match of {
        [Value::Text(text), Value::Text(old), Value::Text(new)] => (text, old, new, -1),
        [Value::Text(text), Value::Text(old), Value::Text(new), Value::Int(limit)] => (text, old, new, *limit),
        _ => return Err(mismatch()),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = text.matches(&**old).count().min(limit);
    meter.charge_text(text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(Value::Text(text.replacen(&**old, new, count).into()))
}

fn split(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let (text, by, limit) = match of {
        [Value::Text(text), Value::Text(by)] => (text, by, -1),
        [Value::Text(text), Value::Text(by), Value::Int(limit)] => (text, by, *limit),
        _ => return Err(mismatch()),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let count = if by.is_empty() { text.chars().count() } else { text.matches(&**by).count() + 1 };
    meter.charge(count.min(limit))?;
    if !by.is_empty() {
        return Ok(Value::list(text.splitn(limit, &**by).map(Value::text).collect()));
    }
    // Character by character, the rest in one.
    let mut parts: Vec<Value> = Vec::new();
    let mut rest: &str = text;
    while let Some(first) = rest.chars().next() {
        let length = if parts.len() + 1 == limit { rest.len() } else { first.len_utf8() };
        parts.push(Value::text(&rest[..length]));
        rest = &rest[length..];
    }
    Ok(Value::list(parts))
}

fn substring(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::Text(text), Value::Int(start), rest @ ..] = of else { return Err(mismatch()) };
    let length = text.chars().count();
    let place = |place: i64| usize::try_from(place).ok().filter(|place| *place <= length);
    let first = place(*start).ok_or_else(|| out_of_range(*start))?;
    let last = match rest {
        [] => length,
        [Value::Int(end)] => place(*end).ok_or_else(|| out_of_range(*end))?,
        _ => return Err(mismatch()),
    };
    if first > last {
        return Err(Stop::error(format!("invalid substring range. start: {first}, end: {last}")));
    }
    let byte = |place: usize| byte_at(text, place).unwrap_or(text.len());
    Ok(Value::text(&text[byte(first)..byte(last)]))
}

fn join(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let (items, between) = match of {
        [Value::List(items)] => (items, ""),
        [Value::List(items), Value::Text(between)] => (items, &**between),
        _ => return Err(mismatch()),
    };
    let mut joined = String::new();
    for (place, item) in items.iter().enumerate() {
        let Value::Text(text) = item else { return Err(Stop::error("no such overload: join of what is no text")) };
        meter.charge_text(text.len() + between.len())?;
        if place > 0 {
            joined.push_str(between);
        }
        joined.push_str(text);
    }
    Ok(Value::Text(joined.into()))
}

/// In double quotes, with what cannot be printed as escapes.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for char in text.chars() {
        match char {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
