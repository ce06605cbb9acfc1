//! Texts in YAML, read as Kubernetes reads them, which is how OPA does.

use super::{Computed, Stop, as_text, unknown};
use crate::rego::engine::value;
use regorus::Value;
use sekisho_base::Limits;
use sekisho_base::tree::{documents, from_json};

pub(super) fn unmarshal(arguments: &[Value]) -> Computed {
    read(as_text(&arguments[0])?)
}

pub(super) fn is_valid(arguments: &[Value]) -> Computed {
    match as_text(&arguments[0]).and_then(read) {
        Ok(_) => Ok(Value::from(true)),
        Err(Stop::Undefined) => Ok(Value::from(false)),
        Err(stop) => Err(stop),
    }
}

fn read(text: &str) -> Computed {
    // Of several documents the first is read, be it empty or not, and of the others nothing but where they begin.
    let marks = text.lines().filter(|line| *line == "---" || line.starts_with("--- ")).count();
    if marks > 1 || text.lines().any(|line| line.starts_with("...")) {
        return unknown("several documents are not supported");
    }
    if text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        return unknown("a line that begins with a tab is read in several ways");
    }
    let limits = Limits::default();
    let mut found = documents(text, &limits);
    let first = if found.is_empty() { return Ok(Value::Null) } else { found.swap_remove(0) };
    match first {
        Ok(node) => value(&node).ok_or(Stop::Undefined),
        // What is within the limits of the parser but not of this program may be read by others.
        Err(malformed) if malformed.reason.contains("limit") => unknown(malformed.reason),
        Err(_) if from_json(text.as_bytes()).is_ok() => unknown("it is JSON and no YAML"),
        Err(_) => Err(Stop::Undefined),
    }
}
