//! Functions that OPA had before 1.0, and still has for policies in the older dialect.

use super::{Computed, Stop, array, elements};
use regorus::Value;
use std::collections::BTreeSet;

pub(super) fn any(arguments: &[Value]) -> Computed {
    Ok(Value::from(elements(&arguments[0])?.into_iter().any(|item| *item == Value::from(true))))
}

pub(super) fn all(arguments: &[Value]) -> Computed {
    Ok(Value::from(elements(&arguments[0])?.into_iter().all(|item| *item == Value::from(true))))
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
