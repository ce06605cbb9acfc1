//! Optional values (<https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes>). `or` and `orValue` are run only
//! where they are needed, which the checker sees to.

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("optional.of(A) -> optional(A)", |of, _| match of {
        [value] => Ok(Value::some(value.clone())),
        _ => Err(mismatch()),
    }),
    ("optional.none() -> optional(A)", |_, _| Ok(Value::none())),
    ("optional.ofNonZeroValue(A) -> optional(A)", |of, _| match of {
        [value] if is_zero(value) => Ok(Value::none()),
        [value] => Ok(Value::some(value.clone())),
        _ => Err(mismatch()),
    }),
    ("optional.unwrap(list(optional(A))) -> list(A)", unwrap),
    ("list(optional(A)).unwrapOpt() -> list(A)", unwrap),
    ("optional(A).hasValue() -> bool", |of, _| match of {
        [Value::Optional(inner)] => Ok(Value::Bool(inner.is_some())),
        _ => Err(mismatch()),
    }),
    ("optional(A).value() -> A", |of, _| match of {
        [Value::Optional(Some(inner))] => Ok(Value::clone(inner)),
        [Value::Optional(None)] => Err(Stop::error("optional.none() dereference")),
        _ => Err(mismatch()),
    }),
    ("optional(A).or(optional(A)) -> optional(A)", |_, _| Err(mismatch())),
    ("optional(A).orValue(A) -> A", |_, _| Err(mismatch())),
];

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
        Value::Double(number) => *number == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Optional(inner) => inner.is_none(),
        _ => false,
    }
}

fn unwrap(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::List(items)] = of else { return Err(mismatch()) };
    let mut found = Vec::new();
    for item in items.iter() {
        match item {
            Value::Optional(inner) => found.extend(inner.as_deref().cloned()),
            _ => return Err(mismatch()),
        }
    }
    Ok(Value::list(found))
}
