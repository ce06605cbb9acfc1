//! Regular expressions in the syntax of [RE2](https://github.com/google/re2/wiki/Syntax), as Go has it.

use super::{Computed, SIZE, Stop, array, as_integer, as_text, unknown};
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

/// The expression, compiled. One that this program cannot read may be one that OPA can.
pub(super) fn compiled(pattern: &str) -> Result<Regex, Stop> {
    compiled_with(pattern, |pattern| crate::go::translate(pattern).ok())
}

pub(super) fn compiled_with(pattern: &str, translate: impl Fn(&str) -> Option<String>) -> Result<Regex, Stop> {
    if let Some(known) = COMPILED.with_borrow(|known| known.get(pattern).cloned()) {
        return Ok(known);
    }
    let Some(translated) = translate(pattern) else { return unknown(format!("{pattern:?} cannot be read")) };
    let regex = RegexBuilder::new(&translated).size_limit(1 << 20).nest_limit(100).build();
    let Ok(regex) = regex else { return unknown(format!("{pattern:?} cannot be read")) };
    COMPILED.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

pub(super) fn is_valid(arguments: &[Value]) -> Computed {
    // What cannot be read here need not be wrong, but what is read is right.
    let pattern = as_text(&arguments[0])?;
    match compiled(pattern) {
        Ok(_) => Ok(Value::from(true)),
        Err(stop) => Err(stop),
    }
}

pub(super) fn matches(arguments: &[Value]) -> Computed {
    Ok(Value::from(compiled(as_text(&arguments[0])?)?.is_match(as_text(&arguments[1])?)))
}

pub(super) fn replace(arguments: &[Value]) -> Computed {
    let [text, pattern, new] = [as_text(&arguments[0])?, as_text(&arguments[1])?, as_text(&arguments[2])?];
    let regex = compiled(pattern)?;
    let mut replaced = String::new();
    let mut last = 0;
    for found in regex.captures_iter(text) {
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
    let regex = compiled(pattern)?;
    if !pattern.is_empty() && text.is_empty() {
        return Ok(array([Value::from("")]));
    }
    let (mut begin, mut end) = (0, 0);
    let mut pieces = Vec::new();
    for found in regex.find_iter(text) {
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
    let regex = compiled(pattern)?;
    Ok(array(regex.find_iter(text).take(limit(&arguments[2])?).map(|found| Value::from(found.as_str()))))
}

pub(super) fn find_groups(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern)?;
    let groups =
        |found: Captures<'_>| array(found.iter().map(|group| Value::from(group.map_or("", |group| group.as_str()))));
    Ok(array(regex.captures_iter(text).take(limit(&arguments[2])?).map(groups)))
}
