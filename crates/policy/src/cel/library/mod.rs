//! Functions: what each takes and gives, and what it does. One table each, whose signatures the checker reads and a run
//! chooses by.

mod convert;
mod format;
mod lists;
mod named;
pub(super) mod net;
mod optional;
pub(super) mod quantity;
mod regex;
mod standard;
mod texts;
mod time;
pub(super) mod url;
mod version;

pub(crate) use quantity::canonical as canonical_quantity;

pub(super) use format::shown;
pub(super) use lists::{position, sort};

use super::run::{Meter, Stop};
use super::types::Type;
use super::value::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

type Run = fn(&[Value], &Meter) -> Result<Value, Stop>;

/// A signature such as `string.indexOf(string, int) -> int`, and what it does.
type Entry = (&'static str, Run);

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Overload {
    /// What it takes, what it is called on first.
    pub(super) takes_of: Vec<Type>,
    pub(super) gives: Type,
    pub(super) run: Run,
}

/// The ways to call `name`, on a value or not; none where there is no such function.
pub(super) fn overloads(name: &str, member: bool) -> &'static [Overload] {
    static TABLE: LazyLock<HashMap<(String, bool), Vec<Overload>>> = LazyLock::new(table);
    // The key borrows nothing, so that the table needs no second form; only the checker asks.
    TABLE.get(&(name.to_owned(), member)).map(Vec::as_slice).unwrap_or_default()
}

/// What has an order, for signatures with `ordered` in them.
const ORDERED: [&str; 8] = ["int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp"];

/// What can be added up, for signatures with `added` in them.
const ADDED: [&str; 4] = ["int", "uint", "double", "duration"];

fn table() -> HashMap<(String, bool), Vec<Overload>> {
    let tables = [
        standard::TABLE,
        convert::TABLE,
        time::TABLE,
        texts::TABLE,
        format::TABLE,
        lists::TABLE,
        optional::TABLE,
        regex::TABLE,
        quantity::TABLE,
        net::TABLE,
        url::TABLE,
        version::TABLE,
        named::TABLE,
        AUTHORIZER,
    ];
    let mut found: HashMap<(String, bool), Vec<Overload>> = HashMap::new();
    for (signature, run) in tables.into_iter().flatten() {
        let words: &[&str] = match signature {
            text if text.contains("ordered") => &ORDERED,
            text if text.contains("added") => &ADDED,
            _ => &[""],
        };
        for word in words {
            let text = signature.replace("ordered", word).replace("added", word);
            let (name, member, takes_of, gives) = read(&text);
            found.entry((name, member)).or_default().push(Overload { takes_of, gives, run: *run });
        }
    }
    found
}

/// `list(A).indexOf(A) -> int` as name, whether it is called on a value, what it takes, what it gives.
fn read(signature: &str) -> (String, bool, Vec<Type>, Type) {
    let (call, gives) = signature.split_once(" -> ").unwrap_or((signature, "dyn"));
    let close = call.rfind(')').unwrap_or(call.len());
    // The bracket that the last one closes.
    let mut depth = 0;
    let mut open = 0;
    for (at, byte) in call.bytes().enumerate().take(close).collect::<Vec<_>>().into_iter().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 0 => {
                open = at;
                break;
            }
            b'(' => depth -= 1,
            _ => {}
        }
    }
    let (name, inner) = (&call[..open], call.get(open + 1..close).unwrap_or_default());
    let (target, name) = match name.rsplit_once('.') {
        // What stands before the point is a type, or the first part of the name.
        Some((target, name)) if is_type(target) => (Some(target), name),
        _ => (None, name),
    };
    let mut rest = inner;
    let mut takes_of: Vec<Type> = target.map(|mut text| type_of(&mut text)).into_iter().collect();
    while !rest.is_empty() {
        takes_of.push(type_of(&mut rest));
        rest = rest.trim_start_matches([',', ' ']);
    }
    let mut gives = gives;
    (name.to_owned(), target.is_some(), takes_of, type_of(&mut gives))
}

/// Types with a name of their own in signatures.
const OPAQUE: [&str; 11] = [
    "quantity",
    "ipAddress",
    "cidr",
    "url",
    "semver",
    "namedFormat",
    "authorizer",
    "pathCheck",
    "groupCheck",
    "resourceCheck",
    "decision",
];

fn is_type(text: &str) -> bool {
    let simple = ["bool", "int", "uint", "double", "string", "bytes", "duration", "timestamp"];
    // `optional.of` is a name, `optional(A).or` is not.
    text.ends_with(')') || simple.contains(&text) || OPAQUE.contains(&text)
}

fn type_of(rest: &mut &str) -> Type {
    let length = rest.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(length);
    *rest = after;
    let mut inner = || {
        *rest = rest.trim_start_matches(['(', ',', ' ']);
        let found = type_of(rest);
        *rest = rest.strip_prefix(')').unwrap_or(rest);
        found
    };
    match word {
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "type" => Type::OfTypes,
        "list" => Type::list(inner()),
        "optional" => Type::optional(inner()),
        "map" => {
            let key = inner();
            Type::map(key, inner())
        }
        "A" => Type::Free(0),
        "B" => Type::Free(1),
        word => OPAQUE.into_iter().find(|name| *name == word).map_or(Type::Dyn, Type::Opaque),
    }
}

impl Overload {
    /// Whether it takes these values, as far as their outside goes.
    pub(super) fn takes(&self, values: &[Value]) -> bool {
        self.takes_of.len() == values.len() && self.takes_of.iter().zip(values).all(|(of, value)| is_of(value, of))
    }
}

fn is_of(value: &Value, of: &Type) -> bool {
    match of {
        Type::Free(_) | Type::Dyn => true,
        Type::Null => matches!(value, Value::Null),
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Int => matches!(value, Value::Int(_)),
        Type::Uint => matches!(value, Value::Uint(_)),
        Type::Double => matches!(value, Value::Double(_)),
        Type::Text => matches!(value, Value::Text(_) | Value::Pattern(_)),
        Type::Bytes => matches!(value, Value::Bytes(_)),
        Type::Duration => matches!(value, Value::Duration(_)),
        Type::Timestamp => matches!(value, Value::Timestamp(_)),
        Type::List(_) => matches!(value, Value::List(_)),
        Type::Map(..) => matches!(value, Value::Map(_)),
        Type::Optional(_) => matches!(value, Value::Optional(_)),
        Type::OfTypes => matches!(value, Value::Type(_)),
        Type::Opaque("quantity") => matches!(value, Value::Quantity(_)),
        Type::Opaque("ipAddress") => matches!(value, Value::Address(address) if !address.is_range()),
        Type::Opaque("cidr") => matches!(value, Value::Address(address) if address.is_range()),
        Type::Opaque("url") => matches!(value, Value::Url(_)),
        Type::Opaque("semver") => matches!(value, Value::Version(_)),
        Type::Opaque("namedFormat") => matches!(value, Value::Format(_)),
        Type::Opaque(_) | Type::Record(_) | Type::Composed => false,
    }
}

/// What only a server can answer (`k8s.io/apiserver/pkg/cel/library/authz.go`). The variable has no value here, so that
/// no call comes this far.
const AUTHORIZER: &[Entry] = &[
    ("authorizer.path(string) -> pathCheck", not_here),
    ("authorizer.group(string) -> groupCheck", not_here),
    ("authorizer.serviceAccount(string, string) -> authorizer", not_here),
    ("groupCheck.resource(string) -> resourceCheck", not_here),
    ("resourceCheck.subresource(string) -> resourceCheck", not_here),
    ("resourceCheck.namespace(string) -> resourceCheck", not_here),
    ("resourceCheck.name(string) -> resourceCheck", not_here),
    ("resourceCheck.fieldSelector(string) -> resourceCheck", not_here),
    ("resourceCheck.labelSelector(string) -> resourceCheck", not_here),
    ("pathCheck.check(string) -> decision", not_here),
    ("resourceCheck.check(string) -> decision", not_here),
    ("decision.allowed() -> bool", not_here),
    ("decision.errored() -> bool", not_here),
    ("decision.error() -> string", not_here),
    ("decision.reason() -> string", not_here),
];

fn not_here(_: &[Value], _: &Meter) -> Result<Value, Stop> {
    Err(Stop::error("only an API server can answer that"))
}

/// What a function is given that is not of the types it takes, which the choice of the overload rules out.
fn mismatch() -> Stop {
    Stop::error("no such overload")
}
