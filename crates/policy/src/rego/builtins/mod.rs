//! Functions of the language that the engine lacks, or that it computes in another way than OPA.
//!
//! A function that fails is undefined, as in OPA. One that cannot be computed here makes the whole evaluation unknown:
//! the first to say so is kept, since the engine may go on without it.

mod arithmetic;
mod bounded;
mod format;
mod glob;
mod intersection;
mod net;
mod older;
mod patch;
mod pattern;
mod text;
mod time;
mod yaml;

pub(super) use arithmetic::function as arithmetic;
pub(super) use bounded::MADE;
pub(super) use format::display;
pub(crate) use time::at;

use regorus::Value;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Why a function has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is none, for these arguments.
    Undefined,
    /// There is one in OPA.
    Unknown(String),
    /// Nobody can wait for it.
    Late,
}

type Computed = Result<Value, Stop>;

/// How large a text or an array may become, in bytes or elements.
const SIZE: usize = 1 << 21;
/// How many bytes all values together may take that one evaluation makes.
const ALL: usize = 1 << 27;

fn unknown<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unknown(reason.into()))
}

struct Function {
    name: &'static str,
    arity: u8,
    run: fn(&[Value]) -> Computed,
}

const fn function(name: &'static str, arity: u8, run: fn(&[Value]) -> Computed) -> Function {
    Function { name, arity, run }
}

/// What is computed here.
const FUNCTIONS: &[Function] = &[
    function(arithmetic::ADD, 2, arithmetic::add),
    function(arithmetic::DIVIDE, 2, arithmetic::divide),
    function(arithmetic::MULTIPLY, 2, arithmetic::multiply),
    function(arithmetic::SUBTRACT, 2, arithmetic::subtract),
    function("all", 1, older::all),
    function("any", 1, older::any),
    function("array.concat", 2, text::array_concat),
    function("cast_array", 1, older::cast_array),
    function("cast_boolean", 1, |arguments| older::cast(arguments, |value| matches!(value, Value::Bool(_)))),
    function("cast_null", 1, |arguments| older::cast(arguments, |value| *value == Value::Null)),
    function("cast_object", 1, |arguments| older::cast(arguments, |value| matches!(value, Value::Object(_)))),
    function("cast_set", 1, older::cast_set),
    function("cast_string", 1, |arguments| older::cast(arguments, |value| matches!(value, Value::String(_)))),
    function("concat", 2, text::concat),
    function("crypto.sha256", 1, text::sha256),
    function("glob.match", 3, glob::matches),
    function("json.marshal", 1, text::json_marshal),
    function("json.patch", 2, patch::patch),
    function("lower", 1, text::lower),
    function("net.cidr_contains_matches", 2, net::contains_matches),
    function("net.cidr_intersects", 2, net::intersects),
    function("net.cidr_merge", 1, net::merge),
    function("net.cidr_overlap", 2, net::overlap),
    function("net.cidr_expand", 1, net::expand),
    function("numbers.range", 2, text::range),
    function("numbers.range_step", 3, text::range_step),
    function("object.subset", 2, bounded::subset),
    function("product", 1, arithmetic::product),
    function("re_match", 2, pattern::matches),
    function("regex.find_all_string_submatch_n", 3, pattern::find_groups),
    function("regex.find_n", 3, pattern::find),
    function("regex.globs_match", 2, intersection::globs_match),
    function("regex.is_valid", 1, pattern::is_valid),
    function("regex.match", 2, pattern::matches),
    function("regex.replace", 3, pattern::replace),
    function("regex.split", 2, pattern::split),
    function("replace", 3, text::replace),
    function("set_diff", 2, arithmetic::subtract),
    function(MADE, 1, bounded::made),
    function("sprintf", 2, format::sprintf),
    function("strings.replace_n", 2, text::replace_n),
    function("time.add_date", 4, time::add_date),
    function("time.clock", 1, time::clock),
    function("time.date", 1, time::date),
    function("time.diff", 2, time::diff),
    function("time.format", 1, time::format),
    function("time.now_ns", 0, |_| time::now()),
    function("time.parse_duration_ns", 1, time::parse_duration),
    function("time.parse_rfc3339_ns", 1, time::parse_rfc3339),
    function("time.weekday", 1, time::weekday),
    function("union", 1, older::union),
    function("upper", 1, text::upper),
    function("yaml.is_valid", 1, yaml::is_valid),
    function("yaml.unmarshal", 1, yaml::unmarshal),
];

/// What OPA and Gatekeeper have and this program does not: a policy that gets there has no verdict.
const MISSING: &[(&str, u8)] = &[
    ("crypto.hmac.equal", 2),
    ("crypto.hmac.md5", 2),
    ("crypto.hmac.sha1", 2),
    ("crypto.hmac.sha256", 2),
    ("crypto.hmac.sha512", 2),
    ("crypto.md5", 1),
    ("crypto.parse_private_keys", 1),
    ("crypto.sha1", 1),
    ("crypto.x509.parse_and_verify_certificates", 1),
    ("crypto.x509.parse_and_verify_certificates_with_options", 2),
    ("crypto.x509.parse_certificate_request", 1),
    ("crypto.x509.parse_certificates", 1),
    ("crypto.x509.parse_keypair", 2),
    ("crypto.x509.parse_rsa_private_key", 1),
    ("external_data", 1),
    ("graphql.is_valid", 2),
    ("graphql.parse", 2),
    ("graphql.parse_and_verify", 2),
    ("graphql.parse_query", 1),
    ("graphql.parse_schema", 1),
    ("graphql.schema_is_valid", 1),
    ("http.send", 1),
    ("io.jwt.decode", 1),
    ("io.jwt.decode_verify", 2),
    ("io.jwt.encode_sign", 3),
    ("io.jwt.encode_sign_raw", 3),
    ("io.jwt.verify_es256", 2),
    ("io.jwt.verify_hs256", 2),
    ("io.jwt.verify_rs256", 2),
    ("json.match_schema", 2),
    ("json.verify_schema", 1),
    ("net.lookup_ip_addr", 1),
    ("opa.runtime", 0),
    ("parse_config", 2),
    ("parse_config_file", 1),
    ("parse_combined_config_files", 1),
    ("providers.aws.sign_req", 3),
    ("rand.intn", 2),
    ("rego.metadata.chain", 0),
    ("rego.metadata.rule", 0),
    ("rego.parse_module", 2),
    ("strings.render_template", 2),
    ("time.parse_ns", 2),
    ("uuid.parse", 1),
    ("uuid.rfc4122", 1),
    ("yaml.marshal", 1),
];

/// How many arguments a function of the language takes.
pub(super) fn arity(name: &str) -> Option<usize> {
    let own = FUNCTIONS.iter().map(|own| (own.name, own.arity));
    let found = own.chain(MISSING.iter().copied()).find(|(own, _)| *own == name).map(|(_, arity)| arity);
    let found = found.or_else(|| regorus::unstable::BUILTINS.get(name).map(|(_, arity)| *arity));
    found.map(usize::from)
}

/// Whether what a function makes is weighed, as of those that are computed or guarded here.
pub(super) fn is_bounded(name: &str) -> bool {
    FUNCTIONS.iter().any(|own| own.name == name) || bounded::GUARDS.iter().any(|(own, _)| *own == name)
}

/// Why an evaluation has no result, though the engine may have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taint {
    /// It took too long.
    Late,
    /// A function could not be computed, for this reason.
    Unknown(String),
}

/// What is left of the bounds of an evaluation.
struct State {
    /// Why it has no result, once it has none.
    taint: Option<Taint>,
    /// Bytes that may still be made.
    left: usize,
    until: Option<Instant>,
}

thread_local! {
    /// Of the evaluation on this thread. It stays there, and engines share these functions with their copies.
    static STATE: RefCell<State> = const { RefCell::new(State { taint: None, left: ALL, until: None }) };
}

fn tell(taint: Taint) {
    STATE.with_borrow_mut(|state| {
        state.taint.get_or_insert(taint);
    });
}

/// An evaluation begins on this thread, and may take so long.
pub(super) fn begin(time: Duration) {
    STATE.set(State { taint: None, left: ALL, until: Instant::now().checked_add(time) });
}

/// Why the evaluation that was on this thread last has no result.
pub(super) fn taint() -> Option<Taint> {
    STATE.with_borrow_mut(|state| state.taint.take())
}

/// Stops what goes on for longer than the evaluation may take: the engine looks at the time only between calls.
fn in_time() -> Result<(), Stop> {
    let is_late = STATE.with_borrow(|state| state.until.is_some_and(|until| Instant::now() >= until));
    if is_late { Err(Stop::Late) } else { Ok(()) }
}

/// Takes what a value needs beside its parts from what may still be made, and what it weighs.
fn charge(value: &Value) -> Result<(), Stop> {
    let size = match value {
        Value::String(text) => return spend(text.len()),
        Value::Array(items) => items.len().saturating_mul(size_of::<Value>()),
        Value::Set(items) => items.len().saturating_mul(2 * size_of::<Value>()),
        Value::Object(fields) => fields.len().saturating_mul(4 * size_of::<Value>()),
        _ => return Ok(()),
    };
    spend(size)?;
    bounded::heavy(value)
}

/// Takes so many bytes from those that may still be made.
fn spend(size: usize) -> Result<(), Stop> {
    STATE.with_borrow_mut(|state| match state.left.checked_sub(size) {
        Some(left) => {
            state.left = left;
            Ok(())
        }
        None => unknown("the values become too large"),
    })
}

/// Gives the engine the functions.
pub(super) fn register(engine: &mut regorus::Engine) {
    for Function { name, arity, run } in FUNCTIONS {
        extend(engine, name, *arity, run);
    }
    for (name, fits) in bounded::GUARDS {
        let Some((_, arity)) = regorus::unstable::BUILTINS.get(name) else { continue };
        extend(engine, name, *arity, move |arguments: &[Value]| {
            fits(arguments)?;
            bounded::call(name, arguments)
        });
    }
    for (name, arity) in MISSING {
        let extension = move |_: Vec<Value>| {
            tell(Taint::Unknown(format!("it calls {name}, which is not supported")));
            Err(std::fmt::Error.into())
        };
        let _ = engine.add_extension((*name).to_owned(), *arity, Box::new(extension));
    }
}

fn extend(
    engine: &mut regorus::Engine,
    name: &'static str,
    arity: u8,
    run: impl Fn(&[Value]) -> Computed + Clone + Send + Sync + 'static,
) {
    let extension = move |arguments: Vec<Value>| {
        let taint = match run(&arguments).and_then(|value| charge(&value).map(|()| value)) {
            Ok(value) => return Ok(value),
            Err(Stop::Undefined) => return Ok(Value::Undefined),
            Err(Stop::Unknown(reason)) => {
                let name = match name {
                    MADE => "a value that is made",
                    name => name,
                };
                Taint::Unknown(format!("{name}: {reason}"))
            }
            Err(Stop::Late) => Taint::Late,
        };
        tell(taint);
        // There is no result any more, and so nothing to go on for.
        Err(std::fmt::Error.into())
    };
    // It fails for a name that is there already; each is in the tables once, which a test holds.
    let _ = engine.add_extension(name.to_owned(), arity, Box::new(extension));
}

// What arguments are. One of another type makes the call undefined.

fn as_text(value: &Value) -> Result<&str, Stop> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Stop::Undefined),
    }
}

fn as_integer(value: &Value) -> Result<i64, Stop> {
    match value {
        Value::Number(number) => number.as_i64().ok_or(Stop::Undefined),
        _ => Err(Stop::Undefined),
    }
}

/// The elements of an array or a set.
fn elements(value: &Value) -> Result<Vec<&Value>, Stop> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Set(items) => Ok(items.iter().collect()),
        _ => Err(Stop::Undefined),
    }
}

fn array(items: impl IntoIterator<Item = Value>) -> Value {
    Value::from(items.into_iter().collect::<Vec<Value>>())
}

#[cfg(test)]
mod tests {
    use super::{FUNCTIONS, MISSING, bounded, register};
    use std::collections::BTreeSet;

    #[test]
    fn every_function_is_there_once_and_takes_as_many_arguments_as_the_engine_thinks() {
        let mut names = BTreeSet::new();
        for (name, _) in bounded::GUARDS {
            assert!(names.insert(*name), "{name} is there twice");
            assert!(regorus::unstable::BUILTINS.contains_key(name), "the engine has no {name}");
        }
        let own = FUNCTIONS.iter().map(|own| (own.name, own.arity));
        for (name, arity) in own.chain(MISSING.iter().copied()) {
            assert!(names.insert(name), "{name} is there twice");
            if let Some((_, known)) = regorus::unstable::BUILTINS.get(name) {
                assert_eq!(*known, arity, "{name}");
            }
        }
        let mut engine = regorus::Engine::new();
        register(&mut engine);
    }
}
