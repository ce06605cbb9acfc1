//! Running checked expressions, with a bound on what that costs.

use super::code::{Code, Loop, LoopKind, Order};
use super::library;
use super::value::{Key, Map, NoNumbers, Value, numbers, whole};
use crate::go::Pattern;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Steps of one expression, and of all expressions of one policy for one object: the bounds of the API server
/// (`k8s.io/apiserver/pkg/apis/cel`). A step is a part of an expression, an element, or ten bytes of a text.
const STEPS: u64 = 1_000_000;
const STEPS_OF_ALL: u64 = 10_000_000;

/// How deep a run may go: an expression, what it is composed of, and values in values.
const DEPTH: u32 = 300;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// It cannot be told, as where a field is not there. `&&`, `||` and their kind go on where the rest decides.
    Error(Arc<str>),
    /// It took too long, which nothing takes back.
    TooLong,
}

impl Stop {
    pub(crate) fn error(reason: impl Into<Arc<str>>) -> Self {
        Self::Error(reason.into())
    }

    /// As people read it.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Error(reason) => reason.to_string(),
            Self::TooLong => format!("takes more than {STEPS} steps, or {STEPS_OF_ALL} of the whole policy"),
        }
    }
}

/// What names mean in a run.
pub(crate) trait Scope {
    /// The variable declared at this place.
    fn variable(&self, place: usize) -> Result<Value, Stop>;

    /// What is composed at this place.
    fn composed(&self, place: usize, meter: &Meter) -> Result<Value, Stop>;
}

/// What a run may still cost. One for all expressions of a policy and an object.
#[derive(Debug)]
pub(crate) struct Meter {
    left: Cell<u64>,
    left_of_all: Cell<u64>,
    depth: Cell<u32>,
    patterns: RefCell<HashMap<Arc<str>, Arc<Pattern>>>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            left: Cell::new(STEPS),
            left_of_all: Cell::new(STEPS_OF_ALL),
            depth: Cell::new(0),
            patterns: RefCell::default(),
        }
    }
}

impl Meter {
    /// Counts so many steps.
    pub(super) fn charge(&self, steps: usize) -> Result<(), Stop> {
        let steps = steps as u64;
        let left = self.left.get().checked_sub(steps).ok_or(Stop::TooLong)?;
        let left_of_all = self.left_of_all.get().checked_sub(steps).ok_or(Stop::TooLong)?;
        self.left.set(left);
        self.left_of_all.set(left_of_all);
        Ok(())
    }

    /// Counts a text of so many bytes that is read or made.
    pub(super) fn charge_text(&self, bytes: usize) -> Result<(), Stop> {
        self.charge(bytes / 10 + 1)
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(&self, inner: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
        let depth = self.depth.get();
        if depth >= DEPTH {
            return Err(Stop::TooLong);
        }
        self.depth.set(depth + 1);
        let result = inner();
        self.depth.set(depth);
        result
    }

    /// The regular expression `text`, compiled once.
    pub(super) fn pattern(&self, text: &Arc<str>) -> Result<Arc<Pattern>, Stop> {
        if let Some(known) = self.patterns.borrow().get(text) {
            return Ok(known.clone());
        }
        // Much dearer than reading it.
        self.charge(1000 + text.len() * 10)?;
        let pattern = Arc::new(Pattern::new(text).map_err(Stop::error)?);
        self.patterns.borrow_mut().insert(text.clone(), pattern.clone());
        Ok(pattern)
    }
}

pub(super) fn run(code: &Code, scope: &dyn Scope, meter: &Meter) -> Result<Value, Stop> {
    // What an expression is composed of has a bound of its own.
    let outer = meter.left.replace(STEPS);
    let result = Run { scope, meter, locals: Vec::new() }.value(code);
    meter.left.set(outer);
    result
}

struct Run<'a> {
    scope: &'a dyn Scope,
    meter: &'a Meter,
    locals: Vec<Value>,
}

/// What is not known is an error where somebody looks at it.
fn known(value: Value) -> Result<Value, Stop> {
    match value {
        Value::Unknown(why) => Err(Stop::Error(why)),
        other => Ok(other),
    }
}

fn no_overload(name: &str, arguments: &[Value]) -> Stop {
    let types: Vec<&str> = arguments.iter().map(Value::type_name).collect();
    Stop::error(format!("no such overload: {}({})", name.trim_matches('_'), types.join(", ")))
}

fn no_key(key: &str) -> Stop {
    Stop::error(format!("no such key: {key}"))
}

impl Run<'_> {
    fn value(&mut self, code: &Code) -> Result<Value, Stop> {
        self.meter.charge(1)?;
        let meter = self.meter;
        meter.deeper(|| self.value_of(code).and_then(known))
    }

    fn value_of(&mut self, code: &Code) -> Result<Value, Stop> {
        match code {
            Code::Constant(value) => Ok(value.clone()),
            Code::Variable(place) => self.scope.variable(*place),
            Code::Composed(place) => self.scope.composed(*place, self.meter),
            Code::Local(place) => {
                self.locals.get(*place).cloned().ok_or_else(|| Stop::error("a variable without a value"))
            }
            Code::Field { of, name } => self.field(of, name),
            Code::MaybeField { of, name } => {
                let of = self.value(of)?;
                maybe(of, |of| field_of(of, name))
            }
            Code::Has { of, name } => self.has(of, name),
            Code::Index { of, index } => {
                let (of, index) = (self.value(of)?, self.value(index)?);
                match of {
                    Value::Optional(_) => maybe(of, |of| index_of(of, &index)),
                    of => index_of(&of, &index)?.ok_or_else(|| out_of_range(&of, &index)),
                }
            }
            Code::MaybeIndex { of, index } => {
                let (of, index) = (self.value(of)?, self.value(index)?);
                maybe(of, |of| index_of(of, &index))
            }
            Code::Logic { all, parts } => self.logic(*all, parts),
            Code::Not(of) => match self.value(of)? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                other => Err(no_overload("!_", &[other])),
            },
            Code::Choice(parts) => {
                let [condition, then, other] = &**parts;
                match self.value(condition)? {
                    Value::Bool(true) => self.value(then),
                    Value::Bool(false) => self.value(other),
                    value => Err(no_overload("_?_:_", &[value])),
                }
            }
            Code::Equal { same, sides } => {
                let [left, right] = self.both(sides)?;
                Ok(Value::Bool(left.equals(&right, self.meter)? == *same))
            }
            Code::Order { operator, sides } => self.order(*operator, sides),
            Code::In(sides) => self.is_in(sides),
            Code::Call { name, overloads, arguments } => self.call(name, overloads, arguments),
            Code::OrElse { of, other, unwrap } => match self.value(of)? {
                Value::Optional(Some(inner)) if *unwrap => Ok(Value::clone(&inner)),
                of @ Value::Optional(Some(_)) => Ok(of),
                Value::Optional(None) => self.value(other),
                of => Err(no_overload("or", &[of])),
            },
            Code::List(items) => self.list(items),
            Code::Map(entries) => self.map(entries),
            Code::Loop(it) => self.looped(it),
        }
    }

    fn both(&mut self, sides: &[Code; 2]) -> Result<[Value; 2], Stop> {
        let [left, right] = sides;
        Ok([self.value(left)?, self.value(right)?])
    }

    fn field(&mut self, of: &Code, name: &Arc<str>) -> Result<Value, Stop> {
        let of = self.value(of)?;
        match of {
            Value::Optional(_) => maybe(of, |of| field_of(of, name)),
            of => field_of(&of, name)?.ok_or_else(|| no_key(name)),
        }
    }

    fn has(&mut self, of: &Code, name: &Arc<str>) -> Result<Value, Stop> {
        let mut of = self.value(of)?;
        if let Value::Optional(inner) = &of {
            match inner {
                None => return Ok(Value::Bool(false)),
                Some(inner) => of = Value::clone(inner),
            }
        }
        Ok(Value::Bool(field_of(&of, name)?.map(known).transpose()?.is_some()))
    }

    /// What decides makes up for errors.
    fn logic(&mut self, all: bool, parts: &[Code]) -> Result<Value, Stop> {
        let mut error = None;
        for part in parts {
            match self.value(part) {
                Ok(Value::Bool(value)) if value != all => return Ok(Value::Bool(value)),
                Ok(Value::Bool(_)) => {}
                Ok(other) => {
                    let name = if all { "_&&_" } else { "_||_" };
                    error.get_or_insert_with(|| no_overload(name, &[other]));
                }
                Err(Stop::TooLong) => return Err(Stop::TooLong),
                Err(stop) => {
                    error.get_or_insert(stop);
                }
            }
        }
        error.map_or(Ok(Value::Bool(all)), Err)
    }

    fn order(&mut self, operator: Order, sides: &[Code; 2]) -> Result<Value, Stop> {
        let [left, right] = self.both(sides)?;
        self.meter.charge(left.size().min(right.size()))?;
        let order = match (&left, &right) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (a, b) => match numbers(a, b) {
                Ok(order) => order,
                Err(NoNumbers) => return Err(no_overload("_<_", &[left, right])),
            },
        };
        Ok(Value::Bool(match (operator, order) {
            // What is no number is in no order to anything.
            (_, None) => false,
            (Order::Less, Some(order)) => order.is_lt(),
            (Order::LessOrEqual, Some(order)) => order.is_le(),
            (Order::Greater, Some(order)) => order.is_gt(),
            (Order::GreaterOrEqual, Some(order)) => order.is_ge(),
        }))
    }

    fn is_in(&mut self, sides: &[Code; 2]) -> Result<Value, Stop> {
        let [what, list] = self.both(sides)?;
        Ok(Value::Bool(match &list {
            Value::List(items) => library::position(items, &what, self.meter)?.is_some(),
            Value::Map(map) => Key::of(&what).is_some_and(|key| map.contains_key(&key)),
            _ => return Err(no_overload("@in", &[what, list])),
        }))
    }

    fn call(
        &mut self,
        name: &Arc<str>,
        overloads: &'static [library::Overload],
        arguments: &[Code],
    ) -> Result<Value, Stop> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        self.meter.charge(values.iter().map(Value::size).sum())?;
        let overload = overloads.iter().find(|overload| overload.takes(&values));
        let overload = overload.ok_or_else(|| no_overload(name, &values))?;
        let result = (overload.run)(&values, self.meter)?;
        self.meter.charge(result.size())?;
        Ok(result)
    }

    fn list(&mut self, items: &[(bool, Code)]) -> Result<Value, Stop> {
        let mut list = Vec::with_capacity(items.len());
        for (optional, item) in items {
            match self.value(item)? {
                Value::Optional(None) if *optional => {}
                Value::Optional(Some(value)) if *optional => list.push(Value::clone(&value)),
                other if *optional => return Err(no_overload("[?_]", &[other])),
                value => list.push(value),
            }
        }
        Ok(Value::list(list))
    }

    fn map(&mut self, entries: &[(bool, Code, Code)]) -> Result<Value, Stop> {
        let mut map = Map::new();
        for (optional, key, value) in entries {
            let key = self.value(key)?;
            let key = Key::of(&key).filter(|_| !matches!(key, Value::Double(_)));
            let key = key.ok_or_else(|| Stop::error("unsupported key type"))?;
            let value = match self.value(value)? {
                Value::Optional(None) if *optional => continue,
                Value::Optional(Some(value)) if *optional => Value::clone(&value),
                other if *optional => return Err(no_overload("{?_}", &[other])),
                value => value,
            };
            if map.insert(key, value).is_some() {
                return Err(Stop::error("a map has a key twice"));
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn looped(&mut self, it: &Loop) -> Result<Value, Stop> {
        let over = self.value(&it.over)?;
        match it.kind {
            LoopKind::Maybe | LoopKind::MaybeFlat => return self.maybe_loop(it, over),
            LoopKind::SortBy => return self.sort_by(it, &over),
            _ => {}
        }
        let mut out = Out::default();
        match &over {
            Value::List(items) => {
                for (place, item) in items.iter().enumerate() {
                    let place = Value::Int(i64::try_from(place).unwrap_or(i64::MAX));
                    if self.step(it, place, item, item, &mut out)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    let key = key.value();
                    if self.step(it, key.clone(), value, &key, &mut out)? {
                        break;
                    }
                }
            }
            other => return Err(no_overload("a loop", std::slice::from_ref(other))),
        }
        if let Some(error) = out.error.filter(|_| !out.decided) {
            return Err(error);
        }
        Ok(match it.kind {
            LoopKind::All => Value::Bool(!out.decided),
            LoopKind::Exists => Value::Bool(out.decided),
            LoopKind::ExistsOne => Value::Bool(out.count == 1),
            LoopKind::Map | LoopKind::Entries => Value::Map(Arc::new(out.map)),
            _ => Value::list(out.list),
        })
    }

    /// One element; whether no other matters. `first` and `second` are what two names stand for, `only` one name.
    fn step(&mut self, it: &Loop, first: Value, second: &Value, only: &Value, out: &mut Out) -> Result<bool, Stop> {
        self.meter.charge(1)?;
        let bottom = self.locals.len();
        let key = first.clone();
        if it.two {
            self.locals.push(first);
            self.locals.push(second.clone());
        } else {
            self.locals.push(only.clone());
        }
        let result = self.body(it, &key, only, out);
        self.locals.truncate(bottom);
        result
    }

    fn body(&mut self, it: &Loop, key: &Value, only: &Value, out: &mut Out) -> Result<bool, Stop> {
        let holds = |run: &mut Self, code: &Code| match run.value(code)? {
            Value::Bool(value) => Ok(value),
            other => Err(no_overload("a loop", &[other])),
        };
        if let Some(filter) = &it.filter
            && !holds(self, filter)?
        {
            return Ok(false);
        }
        match it.kind {
            LoopKind::All | LoopKind::Exists => match holds(self, &it.body) {
                Ok(value) if value == (it.kind == LoopKind::Exists) => {
                    out.decided = true;
                    return Ok(true);
                }
                Ok(_) => {}
                Err(Stop::TooLong) => return Err(Stop::TooLong),
                Err(stop) => {
                    out.error.get_or_insert(stop);
                }
            },
            LoopKind::ExistsOne => out.count += usize::from(holds(self, &it.body)?),
            LoopKind::Filter => {
                if holds(self, &it.body)? {
                    out.list.push(only.clone());
                }
            }
            LoopKind::Map => {
                let value = self.value(&it.body)?;
                out.map.extend(Key::of(key).map(|key| (key, value)));
            }
            LoopKind::Entries => match self.value(&it.body)? {
                Value::Map(entries) => {
                    self.meter.charge(entries.len())?;
                    for (key, value) in entries.iter() {
                        if out.map.insert(key.clone(), value.clone()).is_some() {
                            return Err(Stop::error("a map has a key twice"));
                        }
                    }
                }
                other => return Err(no_overload("transformMapEntry", &[other])),
            },
            _ => out.list.push(self.value(&it.body)?),
        }
        Ok(false)
    }

    fn maybe_loop(&mut self, it: &Loop, over: Value) -> Result<Value, Stop> {
        let Value::Optional(inner) = over else { return Err(no_overload("optMap", &[over])) };
        let Some(inner) = inner else { return Ok(Value::none()) };
        self.locals.push(Value::clone(&inner));
        let result = self.value(&it.body);
        self.locals.pop();
        match (it.kind, result?) {
            (LoopKind::Maybe, value) => Ok(Value::some(value)),
            (_, value @ Value::Optional(_)) => Ok(value),
            (_, other) => Err(no_overload("optFlatMap", &[other])),
        }
    }

    fn sort_by(&mut self, it: &Loop, over: &Value) -> Result<Value, Stop> {
        let Value::List(items) = over else { return Err(no_overload("sortBy", std::slice::from_ref(over))) };
        let mut keyed = Vec::with_capacity(items.len());
        for item in items.iter() {
            self.locals.push(item.clone());
            let key = self.value(&it.body);
            self.locals.pop();
            keyed.push((key?, item.clone()));
        }
        library::sort(&mut keyed, self.meter)?;
        Ok(Value::list(keyed.into_iter().map(|(_, item)| item).collect()))
    }
}

/// What a loop has found so far.
#[derive(Default)]
struct Out {
    decided: bool,
    count: usize,
    error: Option<Stop>,
    list: Vec<Value>,
    map: BTreeMap<Key, Value>,
}

/// What `read` finds in a value, or in what an optional one holds.
fn maybe(of: Value, read: impl FnOnce(&Value) -> Result<Option<Value>, Stop>) -> Result<Value, Stop> {
    let of = match of {
        Value::Optional(None) => return Ok(Value::none()),
        Value::Optional(Some(inner)) => Value::clone(&inner),
        other => other,
    };
    Ok(match read(&of)?.map(known).transpose()? {
        Some(value) => Value::some(value),
        None => Value::none(),
    })
}

fn field_of(of: &Value, name: &Arc<str>) -> Result<Option<Value>, Stop> {
    match of {
        Value::Map(map) => Ok(map.get(&Key::Text(name.clone())).cloned()),
        Value::Unknown(why) => Err(Stop::Error(why.clone())),
        other => Err(Stop::error(format!("no such overload: {} has no field {name}", other.type_name()))),
    }
}

fn index_of(of: &Value, index: &Value) -> Result<Option<Value>, Stop> {
    let place = |index: &Value| match index {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        Value::Double(number) => whole(*number),
        _ => None,
    };
    match (of, index) {
        (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Err(Stop::Error(why.clone())),
        (Value::Map(map), index) => {
            if matches!(index, Value::Double(_) | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_)) {
                return Ok(Key::of(index).and_then(|key| map.get(&key).cloned()));
            }
            Err(no_overload("_[_]", &[of.clone(), index.clone()]))
        }
        (Value::List(items), index) => {
            let place = place(index).ok_or_else(|| no_overload("_[_]", &[of.clone(), index.clone()]))?;
            Ok(usize::try_from(place).ok().and_then(|place| items.get(place).cloned()))
        }
        _ => Err(no_overload("_[_]", &[of.clone(), index.clone()])),
    }
}

fn out_of_range(of: &Value, index: &Value) -> Stop {
    let index = match index {
        Value::Text(text) => text.to_string(),
        other => library::shown(other),
    };
    match of {
        Value::List(_) => Stop::error(format!("index out of bounds: {index}")),
        _ => no_key(&index),
    }
}

/// The order of two values of one type, as `sort` and `isSorted` have it.
pub(super) fn order_of(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (a, b) => numbers(a, b).ok().flatten(),
    }
}
