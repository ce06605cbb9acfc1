//! Texts and arrays that may grow, with a bound; cases of letters and JSON as Go has them.

use super::{Computed, SIZE, Stop, array, as_integer, as_text, elements, unknown};
use regorus::Value;
use sekisho_base::hash;

fn bounded(text: String) -> Computed {
    if text.len() > SIZE { unknown("the text becomes too large") } else { Ok(Value::from(text)) }
}

pub(super) fn concat(arguments: &[Value]) -> Computed {
    let between = as_text(&arguments[0])?;
    let mut text = String::new();
    for (index, item) in elements(&arguments[1])?.into_iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(as_text(item)?);
        if text.len() > SIZE {
            return unknown("the text becomes too large");
        }
    }
    bounded(text)
}

pub(super) fn sha256(arguments: &[Value]) -> Computed {
    let digest = hash::sha256(as_text(&arguments[0])?.as_bytes());
    Ok(Value::from(hash::hex(&digest)))
}

pub(super) fn replace(arguments: &[Value]) -> Computed {
    let [text, old, new] = [as_text(&arguments[0])?, as_text(&arguments[1])?, as_text(&arguments[2])?];
    // At most one more than there are characters.
    if text.len().saturating_add(1).saturating_mul(new.len().max(1)) > SIZE * 8 {
        return unknown("the text may become too large");
    }
    bounded(text.replace(old, new))
}

/// What comes first in the text is replaced first, and of what begins there, the first of the sorted.
pub(super) fn replace_n(arguments: &[Value]) -> Computed {
    let Value::Object(pairs) = &arguments[0] else { return Err(Stop::Undefined) };
    let text = as_text(&arguments[1])?;
    let pairs = pairs.iter().map(|(old, new)| Ok((as_text(old)?, as_text(new)?))).collect::<Result<Vec<_>, Stop>>()?;
    let largest = pairs.iter().map(|(_, new)| new.len()).max().unwrap_or(0);
    let work = text.len().saturating_add(1).saturating_mul(pairs.len().max(largest).max(1));
    if work > SIZE * 8 {
        return unknown("the text may become too large");
    }
    let mut replaced = String::new();
    let mut rest = text;
    let mut after_match = false;
    loop {
        // An empty text is found between characters, but not where another was found just before.
        let found = pairs.iter().find(|(old, _)| rest.starts_with(old) && !(after_match && old.is_empty()));
        match found {
            Some((old, new)) if !old.is_empty() => {
                replaced.push_str(new);
                rest = &rest[old.len()..];
                after_match = true;
                continue;
            }
            Some((_, new)) => replaced.push_str(new),
            None => {}
        }
        after_match = false;
        let Some(character) = rest.chars().next() else { return bounded(replaced) };
        replaced.push(character);
        rest = &rest[character.len_utf8()..];
    }
}

pub(super) fn array_concat(arguments: &[Value]) -> Computed {
    let (Value::Array(left), Value::Array(right)) = (&arguments[0], &arguments[1]) else { return Err(Stop::Undefined) };
    if left.len() + right.len() > SIZE {
        return unknown("the array becomes too large");
    }
    Ok(array(left.iter().chain(right.iter()).cloned()))
}

pub(super) fn range(arguments: &[Value]) -> Computed {
    let [from, to] = [as_integer(&arguments[0])?, as_integer(&arguments[1])?];
    if from.abs_diff(to) > SIZE as u64 {
        return unknown("the range is too large");
    }
    Ok(if from <= to { array((from..=to).map(Value::from)) } else { array((to..=from).rev().map(Value::from)) })
}

/// The numbers from one to another, so far apart; both ends are among them only where the last step meets one.
pub(super) fn range_step(arguments: &[Value]) -> Computed {
    let [from, to, step] = [as_integer(&arguments[0])?, as_integer(&arguments[1])?, as_integer(&arguments[2])?];
    let Some(step) = usize::try_from(step).ok().filter(|step| *step > 0) else { return Err(Stop::Undefined) };
    if from.abs_diff(to) / step as u64 > SIZE as u64 {
        return unknown("the range is too large");
    }
    Ok(if from <= to {
        array((from..=to).step_by(step).map(Value::from))
    } else {
        array((to..=from).rev().step_by(step).map(Value::from))
    })
}

/// Go changes letters one by one: what has no single letter in the other case stays.
fn changed<I: ExactSizeIterator<Item = char>>(text: &str, change: impl Fn(char) -> I) -> String {
    text.chars()
        .map(|letter| {
            let mut changed = change(letter);
            if changed.len() == 1 { changed.next().unwrap_or(letter) } else { letter }
        })
        .collect()
}

pub(super) fn upper(arguments: &[Value]) -> Computed {
    bounded(changed(as_text(&arguments[0])?, char::to_uppercase))
}

pub(super) fn lower(arguments: &[Value]) -> Computed {
    // `İ` is the one letter whose lower case has two characters in Rust and one in Go.
    let text = as_text(&arguments[0])?.replace('\u{130}', "i");
    bounded(changed(&text, char::to_lowercase))
}

/// JSON as Go writes it: sorted, without spaces, `<`, `>` and `&` escaped.
pub(super) fn json_marshal(arguments: &[Value]) -> Computed {
    let mut text = String::new();
    write_json(&arguments[0], &mut text)?;
    bounded(text)
}

fn write_json(value: &Value, text: &mut String) -> Result<(), Stop> {
    fn list<'v>(items: impl Iterator<Item = &'v Value>, text: &mut String) -> Result<(), Stop> {
        text.push('[');
        for (index, item) in items.enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            write_json(item, text)?;
        }
        text.push(']');
        Ok(())
    }
    if text.len() > SIZE {
        return unknown("the text becomes too large");
    }
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&match number.as_f64() {
            Some(float) if !number.is_integer() => super::format::json_number(float),
            _ => number.format_decimal(),
        }),
        Value::String(string) => write_json_text(string, text),
        Value::Array(items) => list(items.iter(), text)?,
        Value::Set(items) => list(items.iter(), text)?,
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, field)) in fields.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                match key {
                    Value::String(key) => write_json_text(key, text),
                    other => {
                        let mut inner = String::new();
                        write_json(other, &mut inner)?;
                        write_json_text(&inner, text);
                    }
                }
                text.push(':');
                write_json(field, text)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err(Stop::Undefined),
    }
    Ok(())
}

fn write_json_text(string: &str, text: &mut String) {
    for character in serde_json::Value::from(string).to_string().chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            _ => text.push(character),
        }
    }
}
