//! Lists: the library of Kubernetes (`k8s.io/apiserver/pkg/cel/library/lists.go`), that of `cel-go` in version 3
//! (<https://pkg.go.dev/github.com/google/cel-go/ext#Lists>), and its sets.

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop, order_of};
use crate::cel::value::Value;
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) const TABLE: &[Entry] = &[
    ("list(ordered).isSorted() -> bool", is_sorted),
    ("list(ordered).min() -> ordered", |of, meter| extreme(of, Ordering::Less, meter)),
    ("list(ordered).max() -> ordered", |of, meter| extreme(of, Ordering::Greater, meter)),
    ("list(added).sum() -> added", sum),
    ("list(A).indexOf(A) -> int", |of, meter| index_of(of, false, meter)),
    ("list(A).lastIndexOf(A) -> int", |of, meter| index_of(of, true, meter)),
    ("list(A).slice(int, int) -> list(A)", slice),
    ("list(list(A)).flatten() -> list(A)", flatten),
    ("list(dyn).flatten(int) -> list(dyn)", flatten),
    ("lists.range(int) -> list(int)", range),
    ("list(A).distinct() -> list(A)", distinct),
    ("list(A).reverse() -> list(A)", |of, _| match of {
        [Value::List(items)] => Ok(Value::List(items.iter().rev().cloned().collect())),
        _ => Err(mismatch()),
    }),
    ("list(ordered).sort() -> list(ordered)", sorted),
    ("list(A).first() -> optional(A)", |of, _| end_of(of, <[Value]>::first)),
    ("list(A).last() -> optional(A)", |of, _| end_of(of, <[Value]>::last)),
    ("sets.contains(list(A), list(A)) -> bool", |of, meter| {
        let [a, b] = two_lists(of)?;
        holds_all(a, b, meter).map(Value::Bool)
    }),
    ("sets.equivalent(list(A), list(A)) -> bool", |of, meter| {
        let [a, b] = two_lists(of)?;
        Ok(Value::Bool(holds_all(a, b, meter)? && holds_all(b, a, meter)?))
    }),
    ("sets.intersects(list(A), list(A)) -> bool", |of, meter| {
        let [a, b] = two_lists(of)?;
        for item in a.iter() {
            if position(b, item, meter)?.is_some() {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
];

/// Where `what` is in a list.
pub(in crate::cel) fn position(items: &[Value], what: &Value, meter: &Meter) -> Result<Option<usize>, Stop> {
    for (place, item) in items.iter().enumerate() {
        if item.equals(what, meter)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn one_list(of: &[Value]) -> Result<&Arc<[Value]>, Stop> {
    match of {
        [Value::List(items), ..] => Ok(items),
        _ => Err(mismatch()),
    }
}

fn two_lists(of: &[Value]) -> Result<[&Arc<[Value]>; 2], Stop> {
    match of {
        [Value::List(a), Value::List(b)] => Ok([a, b]),
        _ => Err(mismatch()),
    }
}

fn holds_all(items: &[Value], wanted: &[Value], meter: &Meter) -> Result<bool, Stop> {
    for item in wanted {
        if position(items, item, meter)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compared(a: &Value, b: &Value, meter: &Meter) -> Result<Ordering, Stop> {
    meter.charge(1 + a.size().min(b.size()))?;
    let same_type = std::mem::discriminant(a) == std::mem::discriminant(b);
    let order = if same_type { order_of(a, b) } else { None };
    // What is no number comes neither before nor after.
    let unordered = matches!((a, b), (Value::Double(_), Value::Double(_)));
    order
        .or(unordered.then_some(Ordering::Equal))
        .ok_or_else(|| Stop::error("no such overload: values without an order"))
}

fn is_sorted(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    for pair in one_list(of)?.windows(2) {
        if let [a, b] = pair
            && compared(a, b, meter)?.is_gt()
        {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

fn extreme(of: &[Value], wanted: Ordering, meter: &Meter) -> Result<Value, Stop> {
    let (first, rest) = one_list(of)?.split_first().ok_or_else(|| Stop::error("min or max called on empty list"))?;
    let mut found = first;
    for item in rest {
        if compared(item, found, meter)? == wanted {
            found = item;
        }
    }
    Ok(found.clone())
}

fn sum(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let overflow = || Stop::error("integer overflow");
    let mut sum = None;
    for item in one_list(of)?.iter() {
        sum = Some(match (sum, item) {
            (None, Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_)) => item.clone(),
            (Some(Value::Int(a)), Value::Int(b)) => Value::Int(a.checked_add(*b).ok_or_else(overflow)?),
            (Some(Value::Uint(a)), Value::Uint(b)) => Value::Uint(a.checked_add(*b).ok_or_else(overflow)?),
            (Some(Value::Double(a)), Value::Double(b)) => Value::Double(a + b),
            (Some(Value::Duration(a)), Value::Duration(b)) => Value::Duration(a.checked_add(*b).ok_or_else(overflow)?),
            _ => return Err(Stop::error("no such overload: sum of what cannot be added up")),
        });
    }
    // Of nothing there is no type to be seen; all zeros are the same number.
    Ok(sum.unwrap_or(Value::Int(0)))
}

fn index_of(of: &[Value], last: bool, meter: &Meter) -> Result<Value, Stop> {
    let [Value::List(items), what] = of else { return Err(mismatch()) };
    let mut found = -1;
    for (place, item) in items.iter().enumerate() {
        if item.equals(what, meter)? {
            found = i64::try_from(place).unwrap_or(i64::MAX);
            if !last {
                break;
            }
        }
    }
    Ok(Value::Int(found))
}

fn slice(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::List(items), Value::Int(start), Value::Int(end)] = of else { return Err(mismatch()) };
    let wrong = || Stop::error(format!("cannot slice({start}, {end}), list is length {}", items.len()));
    let place = |place: i64| usize::try_from(place).map_err(|_| wrong());
    let part = items.get(place(*start)?..place(*end)?).ok_or_else(wrong)?;
    Ok(Value::List(part.into()))
}

/// Puts the elements of lists in lists into `out`, so many levels down.
fn flatten_into(items: &[Value], depth: usize, out: &mut Vec<Value>, meter: &Meter) -> Result<(), Stop> {
    meter.charge(items.len())?;
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => meter.deeper(|| flatten_into(inner, depth - 1, out, meter))?,
            other => out.push(other.clone()),
        }
    }
    Ok(())
}

fn flatten(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let depth = match of {
        [_] => 1,
        [_, Value::Int(depth)] => usize::try_from(*depth).map_err(|_| Stop::error("level must be non-negative"))?,
        _ => return Err(mismatch()),
    };
    let mut out = Vec::new();
    flatten_into(one_list(of)?, depth, &mut out, meter)?;
    Ok(Value::list(out))
}

fn range(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let [Value::Int(count)] = of else { return Err(mismatch()) };
    meter.charge(usize::try_from(*count).unwrap_or(0))?;
    Ok(Value::list((0..*count).map(Value::Int).collect()))
}

fn distinct(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let mut out: Vec<Value> = Vec::new();
    for item in one_list(of)?.iter() {
        if position(&out, item, meter)?.is_none() {
            out.push(item.clone());
        }
    }
    Ok(Value::list(out))
}

/// Sorts pairs by their first halves; what is equal stays in its order.
pub(in crate::cel) fn sort(items: &mut [(Value, Value)], meter: &Meter) -> Result<(), Stop> {
    // All are compared with the first, so that no order is asked of what has none.
    if let Some((first, rest)) = items.split_first() {
        for (key, _) in rest {
            compared(&first.0, key, meter)?;
        }
    }
    let rounds = items.len().checked_ilog2().unwrap_or(0) as usize + 1;
    let largest = items.iter().map(|(key, _)| key.size()).max().unwrap_or(0);
    meter.charge(items.len().saturating_mul(rounds).saturating_mul(1 + largest))?;
    items.sort_by(|(a, _), (b, _)| match (a, b) {
        // Total, as sorting demands it.
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (a, b) => order_of(a, b).unwrap_or(Ordering::Equal),
    });
    Ok(())
}

fn sorted(of: &[Value], meter: &Meter) -> Result<Value, Stop> {
    let mut items: Vec<(Value, Value)> = one_list(of)?.iter().map(|item| (item.clone(), item.clone())).collect();
    sort(&mut items, meter)?;
    Ok(Value::list(items.into_iter().map(|(item, _)| item).collect()))
}

fn end_of(of: &[Value], end: fn(&[Value]) -> Option<&Value>) -> Result<Value, Stop> {
    Ok(Value::Optional(end(one_list(of)?).cloned().map(Arc::new)))
}
