//! Functions of the engine that are given only what they can be done with soon, and within some memory.
//!
//! The engine looks at the time between calls, never within one, and at memory not at all.

use super::{Computed, SIZE, Stop, unknown};
use regorus::Value;
use regorus::unstable::{BUILTINS, Expr, NodeRef, Span};
use std::collections::BTreeSet;

/// What values go through that are made of others, so that they are weighed and counted. No policy calls it, since no name
/// in one has the mark of names that are made.
pub(in crate::rego) const MADE: &str = "made__sk";

/// What a value needs at least.
const MEMBER: usize = 64;

/// How much one value may weigh: comparing two of these is done soon.
const HEAVY: usize = SIZE * 4;

/// What it weighs is taken as of the value of any function.
pub(super) fn made(arguments: &[Value]) -> Computed {
    super::spend(MEMBER)?;
    Ok(arguments[0].clone())
}

/// Takes what a value weighs from what may still be made. Values share their parts, so that one that takes little memory may
/// take for ever to be gone through.
pub(super) fn heavy(value: &Value) -> Result<(), Stop> {
    match weigh(value, HEAVY) {
        Some(left) => super::spend(HEAVY - left),
        None => unknown("the values are too large"),
    }
}

type Fits = fn(&[Value]) -> Result<(), Stop>;

/// Functions of the engine, and what says whether it may be asked.
pub(super) const GUARDS: &[(&str, Fits)] = &[
    ("array.reverse", |_| Ok(())),
    ("array.slice", |_| Ok(())),
    ("base64.encode", small),
    ("base64url.encode", small),
    ("base64url.encode_no_pad", small),
    ("bits.lsh", shift),
    ("graph.reachable", small),
    ("graph.reachable_paths", paths),
    ("hex.encode", small),
    ("intersection", small),
    ("json.filter", small),
    ("json.marshal_with_options", small),
    ("json.remove", small),
    ("json.unmarshal", digits),
    ("max", small),
    ("min", small),
    ("object.filter", small),
    ("object.remove", small),
    ("object.union", small),
    ("object.union_n", union_n),
    ("regex.template_match", template),
    ("sort", small),
    ("split", split),
    ("sum", small),
    ("to_number", number),
    ("units.parse", number),
    ("units.parse_bytes", number),
    ("urlquery.decode_object", small),
    ("urlquery.encode", small),
    ("urlquery.encode_object", small),
    ("walk", walk),
];

/// What the engine's own function is for these arguments.
pub(super) fn call(name: &str, arguments: &[Value]) -> Computed {
    let Some((function, _)) = BUILTINS.get(name) else { return unknown("is not there") };
    let Ok(source) = regorus::Source::from_contents(name.to_owned(), String::new()) else {
        return unknown("is not there");
    };
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let parameter = || NodeRef::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    let parameters: Vec<_> = arguments.iter().map(|_| parameter()).collect();
    function(&span, &parameters, arguments, true).map_err(|_| Stop::Undefined)
}

/// Number of values, and of words of eight bytes in texts, each as often as it can be reached; none where it is more than `left`.
fn weigh(value: &Value, left: usize) -> Option<usize> {
    let left = left.checked_sub(1)?;
    match value {
        Value::String(text) => left.checked_sub(text.len() / 8),
        Value::Array(items) => items.iter().try_fold(left, |left, item| weigh(item, left)),
        Value::Set(items) => items.iter().try_fold(left, |left, item| weigh(item, left)),
        Value::Object(fields) => fields.iter().try_fold(left, |left, (key, field)| weigh(field, weigh(key, left)?)),
        _ => Some(left),
    }
}

fn small(arguments: &[Value]) -> Result<(), Stop> {
    match arguments.iter().try_fold(SIZE, |left, argument| weigh(argument, left)) {
        Some(_) => Ok(()),
        None => unknown("the values are too large"),
    }
}

/// The engine's own fails where a list of nothing is looked for.
pub(super) fn subset(arguments: &[Value]) -> Computed {
    fn of(whole: &Value, part: &Value) -> bool {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => {
                part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| of(whole, part)))
            }
            (Value::Set(whole), Value::Set(part)) => part.is_subset(whole),
            (Value::Array(_), Value::Array(part)) if part.is_empty() => true,
            (Value::Array(whole), Value::Array(part)) => whole.windows(part.len()).any(|it| it == &part[..]),
            (whole, part) => whole == part,
        }
    }
    small(arguments)?;
    match arguments {
        // At the top alone.
        [Value::Array(whole), Value::Set(part)] => Ok(part.iter().all(|item| whole.contains(item)).into()),
        [whole @ (Value::Object(_) | Value::Set(_) | Value::Array(_)), part] => Ok(of(whole, part).into()),
        _ => Err(Stop::Undefined),
    }
}

/// Each union is made anew.
fn union_n(arguments: &[Value]) -> Result<(), Stop> {
    let Value::Array(objects) = &arguments[0] else { return Ok(()) };
    let left = SIZE * 8 / objects.len().max(8);
    match weigh(&arguments[0], left) {
        Some(_) => Ok(()),
        None => unknown("the objects are too large"),
    }
}

/// Every value comes with the whole path to it.
fn walk(arguments: &[Value]) -> Result<(), Stop> {
    fn steps(value: &Value, depth: usize, left: usize) -> Option<usize> {
        let left = left.checked_sub(depth + 1).filter(|_| depth < DEPTH)?;
        let step = |left: usize, item: &Value| steps(item, depth + 1, left);
        match value {
            Value::Array(items) => items.iter().try_fold(left, step),
            Value::Set(items) => items.iter().try_fold(left, step),
            Value::Object(fields) => fields.iter().try_fold(left, |left, (_, field)| step(left, field)),
            _ => Some(left),
        }
    }
    match steps(&arguments[0], 0, SIZE) {
        Some(_) => Ok(()),
        None => unknown("the value is too large"),
    }
}

/// How deep the engine may follow what is in each other.
const DEPTH: usize = 1000;

/// There may be as many paths as sets of nodes; they are counted as the engine will follow them.
fn paths(arguments: &[Value]) -> Result<(), Stop> {
    fn visit<'v>(graph: &'v Value, node: &'v Value, on: &mut BTreeSet<&'v Value>, left: &mut usize) -> Option<()> {
        *left = left.checked_sub(on.len() + 1).filter(|_| on.len() < DEPTH)?;
        let neighbours: Vec<&Value> = match &graph[node] {
            Value::Array(items) => items.iter().collect(),
            Value::Set(items) => items.iter().collect(),
            _ => return Some(()),
        };
        if on.insert(node) {
            neighbours.into_iter().try_for_each(|next| visit(graph, next, on, left))?;
            on.remove(node);
        }
        Some(())
    }
    let Value::Object(_) = &arguments[0] else { return Ok(()) };
    let mut left = SIZE / 4;
    let starts = super::elements(&arguments[1])?;
    match starts.into_iter().try_for_each(|start| visit(&arguments[0], start, &mut BTreeSet::new(), &mut left)) {
        Some(()) => Ok(()),
        None => unknown("there are too many paths"),
    }
}

fn shift(arguments: &[Value]) -> Result<(), Stop> {
    match &arguments[1] {
        Value::Number(by) if by.as_i64().is_none_or(|by| by > 1000) => unknown("the number becomes too large"),
        _ => Ok(()),
    }
}

/// How many digits in a row are read as a number.
const DIGITS: usize = 400;

/// Numbers are computed exactly, whatever their exponents.
fn number(arguments: &[Value]) -> Result<(), Stop> {
    let Value::String(text) = &arguments[0] else { return Ok(()) };
    let exponents = text.split(['e', 'E']).skip(1);
    let mut exponents = exponents.map(|rest| rest.trim_start_matches(['+', '-', '0']));
    let is_far = exponents.any(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() > 2);
    if is_far || text.len() > DIGITS { unknown("the number is too large") } else { Ok(()) }
}

fn digits(arguments: &[Value]) -> Result<(), Stop> {
    let Value::String(text) = &arguments[0] else { return Ok(()) };
    let longest = text.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max();
    if longest.is_some_and(|longest| longest > SIZE / 64) { unknown("a number is too large") } else { Ok(()) }
}

/// It makes a regular expression of the template.
fn template(arguments: &[Value]) -> Result<(), Stop> {
    let length = |at: usize| match &arguments[at] {
        Value::String(text) => text.len(),
        _ => 0,
    };
    if length(0) > 1000 || length(1) > 10_000 { unknown("the text is too long") } else { Ok(()) }
}

/// The pieces need memory beside the text.
fn split(arguments: &[Value]) -> Result<(), Stop> {
    let Value::String(text) = &arguments[0] else { return Ok(()) };
    super::spend(text.len().saturating_mul(2))
}
