//! `json.patch`: [RFC 6902](https://www.rfc-editor.org/rfc/rfc6902), on any values, sets as well.

use super::{Computed, Stop, as_text, elements};
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn patch(arguments: &[Value]) -> Computed {
    let mut document = arguments[0].clone();
    let Value::Array(operations) = &arguments[1] else { return Err(Stop::Undefined) };
    for operation in operations.iter() {
        super::in_time()?;
        let Value::Object(_) = operation else { return Err(Stop::Undefined) };
        let field = |name: &str| match &operation[&Value::from(name)] {
            Value::Undefined => Err(Stop::Undefined),
            value => Ok(value.clone()),
        };
        let at = path(&field("path")?)?;
        document = match as_text(&field("op")?)? {
            "add" => put(&document, &at, field("value")?, false)?,
            "replace" => put(&document, &at, field("value")?, true)?,
            "remove" => remove(&document, &at)?.0,
            "move" => {
                let (rest, value) = remove(&document, &path(&field("from")?)?)?;
                put(&rest, &at, value, false)?
            }
            "copy" => {
                let value = get(&document, &path(&field("from")?)?)?;
                put(&document, &at, value, false)?
            }
            "test" if get(&document, &at)? == field("value")? => document,
            _ => return Err(Stop::Undefined),
        };
    }
    Ok(document)
}

/// A path as a text with slashes, or as an array of steps.
fn path(value: &Value) -> Result<Vec<Value>, Stop> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let steps = text.trim_start_matches('/').split('/');
            Ok(steps.map(|step| Value::from(step.replace("~1", "/").replace("~0", "~"))).collect())
        }
        other => Ok(elements(other)?.into_iter().cloned().collect()),
    }
}

/// The place in an array of `length`, at the end as well where something is added.
fn index(step: &Value, length: usize, adds: bool) -> Result<usize, Stop> {
    let index = match step {
        Value::String(text) if &**text == "-" && adds => length,
        Value::String(text) if text.len() == 1 || !text.starts_with('0') => {
            text.parse().map_err(|_| Stop::Undefined)?
        }
        Value::Number(number) => number.as_u64().and_then(|it| usize::try_from(it).ok()).ok_or(Stop::Undefined)?,
        _ => return Err(Stop::Undefined),
    };
    if index < length || (adds && index == length) { Ok(index) } else { Err(Stop::Undefined) }
}

fn get(document: &Value, path: &[Value]) -> Computed {
    let mut value = document;
    for step in path {
        value = child(value, step)?;
    }
    Ok(value.clone())
}

fn child<'v>(value: &'v Value, step: &Value) -> Result<&'v Value, Stop> {
    let found = match value {
        Value::Object(_) => &value[step],
        Value::Array(items) => &items[index(step, items.len(), false)?],
        Value::Set(members) => members.get(step).ok_or(Stop::Undefined)?,
        _ => &Value::Undefined,
    };
    if *found == Value::Undefined { Err(Stop::Undefined) } else { Ok(found) }
}

/// `document` with its part below `step` changed. Paths are as long as the policy writes them.
fn below(document: &Value, step: &Value, change: impl FnOnce(&Value) -> Computed) -> Computed {
    let changed = change(child(document, step)?)?;
    Ok(match document {
        Value::Array(items) => {
            let mut items = items.to_vec();
            let at = index(step, items.len(), false)?;
            items[at] = changed;
            Value::from(items)
        }
        Value::Set(members) => {
            let mut members: BTreeSet<Value> = members.iter().filter(|member| *member != step).cloned().collect();
            members.insert(changed);
            Value::from(members)
        }
        other => {
            let mut fields = fields(other)?;
            fields.insert(step.clone(), changed);
            Value::from(fields)
        }
    })
}

fn fields(value: &Value) -> Result<BTreeMap<Value, Value>, Stop> {
    match value {
        Value::Object(fields) => Ok(fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        _ => Err(Stop::Undefined),
    }
}

fn put(document: &Value, path: &[Value], value: Value, replaces: bool) -> Computed {
    let Some((step, rest)) = path.split_first() else { return Ok(value) };
    if !rest.is_empty() {
        return below(document, step, |part| put(part, rest, value, replaces));
    }
    if replaces {
        child(document, step)?;
    }
    Ok(match document {
        Value::Array(items) => {
            let mut items = items.to_vec();
            let at = index(step, items.len(), !replaces)?;
            if replaces {
                items[at] = value;
            } else {
                items.insert(at, value);
            }
            Value::from(items)
        }
        Value::Set(members) => {
            // What is added to a set is its own step.
            if *step != value {
                return Err(Stop::Undefined);
            }
            let mut members: BTreeSet<Value> = members.iter().cloned().collect();
            members.insert(value);
            Value::from(members)
        }
        other => {
            let mut fields = fields(other)?;
            fields.insert(step.clone(), value);
            Value::from(fields)
        }
    })
}

/// The rest, and what was there.
fn remove(document: &Value, path: &[Value]) -> Result<(Value, Value), Stop> {
    let (step, rest) = path.split_first().ok_or(Stop::Undefined)?;
    if !rest.is_empty() {
        let mut removed = Value::Undefined;
        let changed = below(document, step, |part| {
            let (rest, value) = remove(part, rest)?;
            removed = value;
            Ok(rest)
        })?;
        return Ok((changed, removed));
    }
    let removed = child(document, step)?.clone();
    let rest = match document {
        Value::Array(items) => {
            let mut items = items.to_vec();
            items.remove(index(step, items.len(), false)?);
            Value::from(items)
        }
        Value::Set(members) => {
            Value::from(members.iter().filter(|member| *member != step).cloned().collect::<BTreeSet<Value>>())
        }
        other => {
            let mut fields = fields(other)?;
            fields.remove(step);
            Value::from(fields)
        }
    };
    Ok((rest, removed))
}
