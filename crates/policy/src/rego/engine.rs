//! A set of modules, made ready, and evaluated over inputs within bounds.

use super::Fault;
use super::builtins;
use super::graph::Graph;
use super::lower::{MARK, World, lower, rooted};
use super::print::{Printed, print};
use super::syntax::ast::Module;
use super::syntax::{Dialect, Wrong, module};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};
use sekisho_base::tree::{Node, Place, Value as Said};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How large a module may be, in bytes.
const MODULE: usize = 1 << 20;

/// A text in Rego, and where it is from.
#[derive(Debug, Clone)]
pub(super) struct Source<'s> {
    /// What to call it in messages.
    pub(super) file: &'s str,
    pub(super) text: &'s str,
    pub(super) dialect: Dialect,
}

/// A module that is read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) file: String,
    pub(super) module: Module,
}

impl Read {
    pub(super) fn of(source: &Source<'_>) -> Result<Self, Fault> {
        let wrong = |wrong: Wrong| Fault { file: source.file.to_owned(), place: wrong.place, reason: wrong.reason };
        if source.text.len() > MODULE {
            return Err(wrong(Wrong::new(Place::default(), format!("the module has more than {MODULE} bytes"))));
        }
        if source.text.contains(MARK) {
            return Err(wrong(Wrong::new(
                Place::default(),
                format!("the module says {MARK}, which names that are made here have"),
            )));
        }
        let module = module(source.text, source.dialect).map_err(wrong)?;
        Ok(Self { file: source.file.to_owned(), module })
    }
}

/// Modules that can be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    /// As it was made.
    prepared: Engine,
    /// Copies of it that nobody uses just now. One in which an evaluation failed is thrown away, with all it left behind.
    idle: Mutex<Vec<Engine>>,
    files: Vec<(String, Vec<Place>)>,
    graph: Graph,
    /// How long one evaluation may take.
    time: Duration,
}

/// How long the next evaluation of the rule at a place may take, of all of them together where none is named; or why nobody
/// can wait for it.
pub(crate) type Share<'a> = &'a dyn Fn(Option<usize>) -> Result<Duration, String>;

/// Why an evaluation has no result.
#[derive(Debug)]
pub(super) struct Stopped {
    /// What is wrong, where that is known.
    pub(super) fault: Fault,
    /// Whether it took too long.
    pub(super) late: bool,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

/// What modules are made ready for.
pub(super) struct Setting<'s> {
    /// What `data` is, beside the rules.
    pub(super) data: Value,
    /// What of `data` they may name, if that is bounded.
    pub(super) roots: Option<&'s [&'s str]>,
    /// How long one evaluation may take.
    pub(super) time: Duration,
    /// Rules, such as `data.lib.deny`, that can be evaluated all at once.
    pub(super) together: &'s [String],
}

/// The package of the rule that is all of those; no policy's, for its name.
const TOGETHER: &str = "together__sk";

impl Program {
    /// `modules` made ready, or all that is wrong with them.
    pub(super) fn new(modules: &[Read], setting: Setting<'_>) -> Result<Self, Vec<Fault>> {
        let Setting { data, roots, time, together } = setting;
        let world = World::of(modules.iter().map(|read| &read.module), &builtins::arity, roots);
        let mut graph = Graph::default();
        let mut faults = Vec::new();
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(false);
        engine.set_gather_prints(true);
        engine.set_policy_length_config(PolicyLengthConfig {
            max_col: NonZeroU32::MAX,
            max_file_bytes: NonZeroUsize::MAX,
            max_lines: NonZeroUsize::MAX,
        });
        builtins::register(&mut engine);
        let mut files = Vec::new();
        for (index, read) in modules.iter().enumerate() {
            let lowered = lower(&read.module, &world, &mut graph);
            let printed = lowered.and_then(|module| print(&module).map_err(|wrong| vec![wrong]));
            match printed {
                Ok(Printed { text, places }) => {
                    files.push((read.file.clone(), places));
                    if let Err(error) = engine.add_policy(index.to_string(), text) {
                        faults.push(told(&error.to_string(), &files, &read.file));
                    }
                }
                Err(wrongs) => {
                    files.push((read.file.clone(), Vec::new()));
                    let fault =
                        |wrong: Wrong| Fault { file: read.file.clone(), place: wrong.place, reason: wrong.reason };
                    faults.extend(wrongs.into_iter().map(fault));
                }
            }
        }
        if !together.is_empty() && faults.is_empty() {
            let rules = together.iter().enumerate();
            let text = rules.fold(format!("package {TOGETHER}\n"), |text, (index, path)| {
                text + &format!("rule contains [{index}, {path}]\n")
            });
            if let Err(error) = engine.add_policy(TOGETHER.to_owned(), text) {
                faults.push(told(&error.to_string(), &[], TOGETHER));
            }
        }
        if let Some((rule, reason)) = graph.fault() {
            let found = modules.iter().find_map(|read| {
                let package = rooted(&read.module.package);
                let name = rule.strip_prefix(&package[..])?.first()?;
                let rule = read.module.rules.iter().find(|rule| rule.name == *name)?;
                Some((read.file.clone(), rule.place))
            });
            let (file, place) = found.unwrap_or_default();
            faults.push(Fault { file, place, reason });
        }
        if let Err(error) = engine.add_data(data) {
            faults.push(told(&error.to_string(), &[], "data"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { prepared: engine, idle: Mutex::default(), files, graph, time })
    }

    /// Whether the modules name something at or below `path`.
    pub(super) fn names(&self, path: &[&str]) -> bool {
        self.graph.names(path)
    }

    /// What of `data` the rule at `path` needs, where that is neither a rule's nor below one of the `roots` that are given.
    pub(super) fn lacks(&self, path: &[String], roots: &BTreeSet<String>) -> Option<String> {
        let given = |need: &[String]| need.get(1).is_some_and(|root| roots.contains(root));
        self.graph.lacks(path, &given).map(|need| need.join("."))
    }

    /// What the rules are that are evaluated together, by their numbers, without those that are undefined; none where one of
    /// them fails, or all take too long.
    pub(super) fn evaluate_together(&self, input: Value, time: Duration) -> Option<HashMap<u64, Value>> {
        let found = self.evaluate_within(&format!("data.{TOGETHER}.rule"), input, time).ok()?;
        let Value::Set(found) = found else { return None };
        let pair = |pair: &Value| Some((pair[0].as_u64().ok()?, pair[1].clone()));
        found.iter().map(pair).collect()
    }

    /// What the rule at `path`, such as `data.lib.deny`, is for `input`; undefined where it is not. An error is why that
    /// cannot be told.
    pub(super) fn evaluate(&self, path: &str, input: Value) -> Result<Value, Stopped> {
        self.evaluate_within(path, input, Duration::MAX)
    }

    /// The same, where it may not take longer than `time` either.
    pub(super) fn evaluate_within(&self, path: &str, input: Value, time: Duration) -> Result<Value, Stopped> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut engine = kept.unwrap_or_else(|| self.prepared.clone());
        let time = time.min(self.time);
        let check_interval = NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN);
        engine.set_execution_timer_config(ExecutionTimerConfig { limit: time, check_interval });
        builtins::begin(time);
        engine.set_input(input);
        // A fault of the engine is not to keep other policies from being asked.
        let result = panic::catch_unwind(AssertUnwindSafe(|| engine.eval_rule(path.to_owned())));
        let nowhere = |reason| Fault { file: String::new(), place: Place::default(), reason };
        let late =
            || Stopped { fault: nowhere(format!("takes longer than {:.1} seconds", time.as_secs_f32())), late: true };
        match (result, builtins::taint()) {
            (_, Some(builtins::Taint::Late)) => Err(late()),
            (_, Some(builtins::Taint::Unknown(reason))) => Err(Stopped { fault: nowhere(reason), late: false }),
            (Ok(Ok(value)), None) => {
                // Nobody reads what policies print, and it is not to hold on to what it looked at.
                let _ = engine.take_prints();
                engine.set_input(Value::new_object());
                idle().push(engine);
                Ok(value)
            }
            (Ok(Err(error)), None) if is_late(&error.to_string()) => Err(late()),
            (Ok(Err(error)), None) => Err(Stopped { fault: told(&error.to_string(), &self.files, ""), late: false }),
            (Err(_), None) => {
                let reason = "the evaluation failed in a way it should not: please report the policy as a bug";
                Err(Stopped { fault: nowhere(reason.to_owned()), late: false })
            }
        }
    }
}

/// Whether the engine stopped for want of time.
fn is_late(message: &str) -> bool {
    message.contains("execution exceeded time limit")
}

/// What the engine says, with the place in the text that was read.
fn told(message: &str, files: &[(String, Vec<Place>)], file: &str) -> Fault {
    let reason = message.rsplit("error: ").next().unwrap_or(message).trim();
    let place = message.split("--> ").nth(1).and_then(|rest| {
        let mut parts = rest.lines().next()?.split(':');
        let (file, places) = files.get(parts.next()?.parse::<usize>().ok()?)?;
        let line: usize = parts.next()?.parse().ok()?;
        Some((file.clone(), *places.get(line.checked_sub(1)?)?))
    });
    let (file, place) = place.unwrap_or_else(|| (file.to_owned(), Place::default()));
    Fault { file, place, reason: reason.to_owned() }
}

/// How many values a result may have.
const RESULT: usize = 100_000;

/// A value of the engine as JSON, with sets as lists; none where it is too large.
pub(super) fn json(value: &Value) -> Option<serde_json::Value> {
    fn of(value: &Value, left: &mut usize) -> Option<serde_json::Value> {
        *left = left.checked_sub(1)?;
        Some(match value {
            Value::Array(items) => items.iter().map(|item| of(item, left)).collect::<Option<Vec<_>>>()?.into(),
            Value::Set(items) => items.iter().map(|item| of(item, left)).collect::<Option<Vec<_>>>()?.into(),
            Value::Object(fields) => {
                let mut map = serde_json::Map::new();
                for (key, field) in fields.iter() {
                    let key = match key {
                        Value::String(text) => text.to_string(),
                        other => builtins::display(other)?,
                    };
                    map.insert(key, of(field, left)?);
                }
                map.into()
            }
            Value::Undefined => serde_json::Value::Null,
            plain => serde_json::to_value(plain).ok()?,
        })
    }
    of(value, &mut RESULT.clone())
}

/// A value of a manifest as the engine has it; none where it is one that JSON does not have.
pub(super) fn value(node: &Node) -> Option<Value> {
    Some(match &node.value {
        Said::Null => Value::Null,
        Said::Bool(value) => Value::from(*value),
        Said::Integer(number) => Value::from(*number),
        Said::Float(number) if number.is_finite() => Value::from(*number),
        Said::Float(_) => return None,
        Said::Text(text) => Value::from(text.as_str()),
        Said::List(items) => Value::from(items.iter().map(value).collect::<Option<Vec<Value>>>()?),
        Said::Map(fields) => {
            let fields = fields.iter().map(|field| Some((Value::from(field.name.as_str()), value(&field.node)?)));
            Value::from(fields.collect::<Option<BTreeMap<Value, Value>>>()?)
        }
    })
}
