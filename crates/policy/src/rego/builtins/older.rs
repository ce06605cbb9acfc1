//! Functions that OPA had before 1.0, and still has for policies in the older dialect; `union`, for which the engine takes
//! a time that grows with the square of the sets.

use super::{Computed, Stop, array, elements};
use regorus::Value;
use std::collections::BTreeSet;

pub(super) fn any(arguments: &[Value]) -> Computed {
    Ok(Value::from(elements(&arguments[0])?.into_iter().any(|item| *item == Value::from(true))))
}

pub(super) fn all(arguments: &[Value]) -> Computed {
    Ok(Value::from(elements(&arguments[0])?.into_iter().all(|item| *item == Value::from(true))))
}

/// All members of the sets in a set.
pub(super) fn union(arguments: &[Value]) -> Computed {
    let Value::Set(sets) = &arguments[0] else { return Err(Stop::Undefined) };
    let mut members = BTreeSet::new();
    for set in sets.iter() {
        let Value::Set(set) = set else { return Err(Stop::Undefined) };
        members.extend(set.iter().cloned());
    }
    Ok(Value::from(members))
}

pub(super) fn cast_array(arguments: &[Value]) -> Computed {
    Ok(array(elements(&arguments[0])?.into_iter().cloned()))
}

pub(super) fn cast_set(arguments: &[Value]) -> Computed {
    Ok(Value::from(elements(&arguments[0])?.into_iter().cloned().collect::<BTreeSet<Value>>()))
}

/// The value, where it is what it is cast to.
pub(super) fn cast(arguments: &[Value], is: fn(&Value) -> bool) -> Computed {
    if is(&arguments[0]) { Ok(arguments[0].clone()) } else { Err(Stop::Undefined) }
}
