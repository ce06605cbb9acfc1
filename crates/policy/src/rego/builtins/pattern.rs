//! Regular expressions in the syntax of [RE2](https://github.com/google/re2/wiki/Syntax), as Go has it.

use super::{Computed, SIZE, Stop, array, as_integer, as_text, in_time, unknown};
use regex::{Captures, Regex, RegexBuilder};
use regorus::Value;
use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    /// Expressions that were asked for lately.
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// How many of them are kept.
const KEPT: usize = 256;
/// How large an expression may be in memory, in bytes.
const LARGEST: usize = 1 << 20;
/// The same, times the length of the text.
const WORK: usize = 1 << 34;

/// The expression, compiled. One that this program cannot read may be one that OPA can.
fn compiled(pattern: &str, text: &str) -> Result<Regex, Stop> {
    compiled_with(pattern, text, |pattern| crate::go::translate(pattern).ok())
}

/// A search takes a time that grows with the text and with the expression: in long texts only small ones are looked for.
pub(super) fn compiled_with(
    pattern: &str,
    text: &str,
    translate: impl Fn(&str) -> Option<String>,
) -> Result<Regex, Stop> {
    let room = WORK.checked_div(text.len().next_power_of_two()).unwrap_or(LARGEST).clamp(LARGEST >> 6, LARGEST);
    let key = format!("{room} {pattern}");
    if let Some(known) = COMPILED.with_borrow(|known| known.get(&key).cloned()) {
        return Ok(known);
    }
    let Some(translated) = translate(pattern) else { return unknown(format!("{pattern:?} cannot be read")) };
    let regex = RegexBuilder::new(&translated).size_limit(room).nest_limit(100).build();
    let Ok(regex) = regex else {
        let in_what = if room < LARGEST { ", or is too large for a text this long" } else { "" };
        return unknown(format!("{pattern:?} cannot be read{in_what}"));
    };
    COMPILED.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, regex.clone());
    });
    Ok(regex)
}

pub(super) fn is_valid(arguments: &[Value]) -> Computed {
    // What cannot be read here need not be wrong.
    let pattern = as_text(&arguments[0])?;
    match crate::go::is_valid(pattern) {
        Some(is_valid) => Ok(Value::from(is_valid)),
        None => unknown(format!("{pattern:?} cannot be read")),
    }
}

pub(super) fn matches(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    Ok(Value::from(compiled(pattern, text)?.is_match(text)))
}

pub(super) fn replace(arguments: &[Value]) -> Computed {
    let [text, pattern, new] = [as_text(&arguments[0])?, as_text(&arguments[1])?, as_text(&arguments[2])?];
    let regex = compiled(pattern, text)?;
    let mut replaced = String::new();
    let mut last = 0;
    for found in regex.captures_iter(text) {
        in_time()?;
        let Some(whole) = found.get(0) else { continue };
        replaced.push_str(&text[last..whole.start()]);
        found.expand(new, &mut replaced);
        last = whole.end();
        if replaced.len() > SIZE {
            return unknown("the text becomes too large");
        }
    }
    replaced.push_str(&text[last..]);
    Ok(Value::from(replaced))
}

/// As Go splits: an empty match at the start or the end gives no empty piece.
pub(super) fn split(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern, text)?;
    if !pattern.is_empty() && text.is_empty() {
        return Ok(array([Value::from("")]));
    }
    let (mut begin, mut end) = (0, 0);
    let mut pieces = Vec::new();
    for found in regex.find_iter(text) {
        in_time()?;
        end = found.start();
        if found.end() != 0 {
            pieces.push(Value::from(&text[begin..end]));
        }
        begin = found.end();
    }
    if end != text.len() {
        pieces.push(Value::from(&text[begin..]));
    }
    Ok(array(pieces))
}

/// The first so many, or all where the number is negative.
fn limit(number: &Value) -> Result<usize, Stop> {
    Ok(usize::try_from(as_integer(number)?).unwrap_or(usize::MAX))
}

pub(super) fn find(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern, text)?;
    let found = regex.find_iter(text).take(limit(&arguments[2])?);
    let found = found.map(|found| in_time().map(|()| Value::from(found.as_str())));
    Ok(array(found.collect::<Result<Vec<_>, _>>()?))
}

pub(super) fn find_groups(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern, text)?;
    let groups =
        |found: Captures<'_>| array(found.iter().map(|group| Value::from(group.map_or("", |group| group.as_str()))));
    let found = regex.captures_iter(text).take(limit(&arguments[2])?);
    Ok(array(found.map(|found| in_time().map(|()| groups(found))).collect::<Result<Vec<_>, _>>()?))
}
