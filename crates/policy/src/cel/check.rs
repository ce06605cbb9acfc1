//! What expressions mean: names found, macros taken apart, types told, overloads chosen. What the API server's checker
//! would refuse is refused.

use super::code::{Code, Loop, LoopKind, Order};
use super::library::{self, Overload};
use super::parser::{Expression, Kind};
use super::run::{Meter, Scope, Stop};
use super::types::{Bindings, Type};
use super::value::Value;
use super::{Declarations, Mistake, shared};
use crate::go::Pattern;
use std::sync::Arc;

/// The code of an expression, and what it gives.
pub(super) fn check(expression: &Expression, declarations: &Declarations) -> Result<(Code, Type), Mistake> {
    let mut checker = Checker { declarations, bindings: Bindings::default(), locals: Vec::new(), literals: Vec::new() };
    let (code, result) = checker.expression(expression)?;
    checker.literals()?;
    Ok((code, checker.bindings.finished(&result)))
}

struct Checker<'a> {
    declarations: &'a Declarations,
    bindings: Bindings,
    /// Variables of the loops around.
    locals: Vec<(String, Type)>,
    /// Types of elements of literals, which have to be the same once all is known.
    literals: Vec<(usize, Type, Type)>,
}

type Checked = Result<(Code, Type), Mistake>;

/// Names of types, which are values.
const TYPES: [(&str, &str); 13] = [
    ("bool", "bool"),
    ("bytes", "bytes"),
    ("double", "double"),
    ("int", "int"),
    ("list", "list"),
    ("map", "map"),
    ("null_type", "null_type"),
    ("optional_type", "optional_type"),
    ("string", "string"),
    ("type", "type"),
    ("uint", "uint"),
    ("google.protobuf.Duration", "google.protobuf.Duration"),
    ("google.protobuf.Timestamp", "google.protobuf.Timestamp"),
];

/// What Kubernetes has not, though others have.
const ELSEWHERE: [&str; 4] = ["cel", "math", "base64", "proto"];

impl Checker<'_> {
    fn expression(&mut self, expression: &Expression) -> Checked {
        let at = expression.at;
        Ok(match &expression.kind {
            Kind::Null => (Code::Constant(Value::Null), Type::Null),
            Kind::Bool(value) => (Code::Constant(Value::Bool(*value)), Type::Bool),
            Kind::Int(number) => (Code::Constant(Value::Int(*number)), Type::Int),
            Kind::Uint(number) => (Code::Constant(Value::Uint(*number)), Type::Uint),
            Kind::Double(number) => (Code::Constant(Value::Double(*number)), Type::Double),
            Kind::Text(text) => (Code::Constant(Value::text(text)), Type::Text),
            Kind::Bytes(bytes) => (Code::Constant(Value::Bytes(bytes.as_slice().into())), Type::Bytes),
            Kind::Name(name) => self.name(at, name)?,
            Kind::Field { of, name, optional } => self.field(expression, of, name, *optional)?,
            Kind::Call { name, target, arguments } => self.call(at, name, target.as_deref(), arguments)?,
            Kind::Logic { all, parts } => {
                let mut codes = Vec::with_capacity(parts.len());
                for part in parts {
                    codes.push(self.of_type(part, &Type::Bool)?);
                }
                (Code::Logic { all: *all, parts: codes }, Type::Bool)
            }
            Kind::Choice(parts) => {
                let [condition, then, other] = &**parts;
                let condition = self.of_type(condition, &Type::Bool)?;
                let (then, first) = self.expression(then)?;
                let (other, second) = self.expression(other)?;
                let result = self.bindings.fresh();
                if !self.bindings.fits(&first, &result) || !self.bindings.fits(&second, &result) {
                    let (first, second) = (self.bindings.finished(&first), self.bindings.finished(&second));
                    return Err(Mistake::new(at, format!("chooses between {first} and {second}")));
                }
                (Code::Choice(Box::new([condition, then, other])), result)
            }
            Kind::List(items) => self.list(items)?,
            Kind::Map(entries) => self.map(entries)?,
            Kind::Struct(name) => {
                return Err(Mistake::new(at, format!("makes a {name}, which Kubernetes does not know")));
            }
        })
    }

    /// The code of an expression that has to give a `wanted`.
    fn of_type(&mut self, expression: &Expression, wanted: &Type) -> Result<Code, Mistake> {
        let (code, found) = self.expression(expression)?;
        if self.bindings.fits(&found, wanted) {
            return Ok(code);
        }
        let found = self.bindings.finished(&found);
        Err(Mistake::new(expression.at, format!("has a {found} where a {wanted} belongs")))
    }

    fn name(&mut self, at: usize, name: &str) -> Checked {
        if let Some(place) = self.locals.iter().rposition(|(known, _)| known == name) {
            return Ok((Code::Local(place), self.locals[place].1.clone()));
        }
        let variables = &self.declarations.variables;
        if let Some(place) = variables.iter().position(|(known, _)| *known == name) {
            return Ok((Code::Variable(place), variables[place].1.clone()));
        }
        if let Some((_, name)) = TYPES.iter().find(|(known, _)| *known == name) {
            return Ok((Code::Constant(Value::Type(shared(name))), Type::OfTypes));
        }
        Err(Mistake::new(at, format!("names {name}, which is not declared")))
    }

    /// `a.b.c` of names alone.
    fn qualified(expression: &Expression) -> Option<String> {
        let mut names = Vec::new();
        let mut rest = expression;
        loop {
            match &rest.kind {
                Kind::Name(name) => {
                    names.push(name.as_str());
                    names.reverse();
                    return Some(names.join("."));
                }
                Kind::Field { of, name, optional: false } => {
                    names.push(name);
                    rest = of;
                }
                _ => return None,
            }
        }
    }

    fn field(&mut self, whole: &Expression, of: &Expression, name: &str, optional: bool) -> Checked {
        if let Some(qualified) = Self::qualified(whole) {
            let first = qualified.split('.').next().unwrap_or_default();
            let shadowed = self.locals.iter().any(|(known, _)| known == first);
            let variables = &self.declarations.variables;
            if !shadowed && let Some(place) = variables.iter().position(|(known, _)| **known == qualified) {
                return Ok((Code::Variable(place), variables[place].1.clone()));
            }
            let is_declared = shadowed || variables.iter().any(|(known, _)| *known == first);
            if !is_declared && TYPES.iter().any(|(known, _)| *known == qualified) {
                return Ok((Code::Constant(Value::Type(shared(&qualified))), Type::OfTypes));
            }
        }
        let (code, found) = self.expression(of)?;
        if let (Code::Variable(_), Type::Composed) = (&code, &found) {
            let (place, of) = self.composed(whole.at, name)?;
            let code = Code::Composed(place);
            let maybe = library::overloads("optional.of", false);
            return Ok(if optional {
                let call = Code::Call { name: shared("optional.of"), overloads: maybe, arguments: vec![code] };
                (call, Type::optional(of))
            } else {
                (code, of)
            });
        }
        let (is_optional, inner) = match self.bindings.resolved(&found) {
            Type::Optional(inner) => (true, Type::clone(&inner)),
            other => (false, other),
        };
        let result = self.type_of_field(whole.at, &inner, name)?;
        let (of, name) = (Box::new(code), shared(name));
        Ok(if optional {
            (Code::MaybeField { of, name }, Type::optional(result))
        } else {
            (Code::Field { of, name }, if is_optional { Type::optional(result) } else { result })
        })
    }

    fn composed(&self, at: usize, name: &str) -> Result<(usize, Type), Mistake> {
        let composed = &self.declarations.composed;
        let place = composed.iter().position(|(known, _)| known == name);
        place
            .map(|place| (place, composed[place].1.clone()))
            .ok_or_else(|| Mistake::new(at, format!("names variables.{name}, which is not defined before")))
    }

    fn type_of_field(&mut self, at: usize, of: &Type, name: &str) -> Result<Type, Mistake> {
        match self.bindings.resolved(of) {
            Type::Dyn => Ok(Type::Dyn),
            Type::Free(_) => {
                self.bindings.fits(&Type::Dyn, of);
                Ok(Type::Dyn)
            }
            Type::Map(_, value) => Ok(Type::clone(&value)),
            Type::Record(record) => {
                let field = record.fields.iter().find(|(known, _)| *known == name);
                field
                    .map(|(_, of)| of())
                    .ok_or_else(|| Mistake::new(at, format!("asks for {name}, which a {} has not", record.name)))
            }
            other => Err(Mistake::new(at, format!("asks for {name} of a {other}, which has no fields"))),
        }
    }

    fn list(&mut self, items: &[(bool, Expression)]) -> Checked {
        let element = self.bindings.fresh();
        let mut codes = Vec::with_capacity(items.len());
        let mut first: Option<Type> = None;
        for (optional, item) in items {
            let (code, found) = self.element(*optional, item)?;
            codes.push((*optional, code));
            self.same_as_first(item.at, &mut first, &element, found);
        }
        Ok((Code::List(codes), Type::list(element)))
    }

    /// An element and its type, that of what it holds where it is optional.
    fn element(&mut self, optional: bool, item: &Expression) -> Checked {
        let (code, found) = self.expression(item)?;
        if !optional {
            return Ok((code, found));
        }
        let inner = self.bindings.fresh();
        if self.bindings.fits(&found, &Type::optional(inner.clone())) {
            return Ok((code, inner));
        }
        let found = self.bindings.finished(&found);
        Err(Mistake::new(item.at, format!("has a {found} after ?, where an optional value belongs")))
    }

    /// Elements are of one type; whether they are is looked at when all is known.
    fn same_as_first(&mut self, at: usize, first: &mut Option<Type>, element: &Type, found: Type) {
        if !self.bindings.fits(&found, element) {
            self.bindings.fits(&Type::Dyn, element);
        }
        match first {
            None => *first = Some(found),
            Some(first) => self.literals.push((at, first.clone(), found)),
        }
    }

    fn literals(&mut self) -> Result<(), Mistake> {
        for (at, first, other) in std::mem::take(&mut self.literals) {
            let (first, other) = (self.bindings.finished(&first), self.bindings.finished(&other));
            if first != other {
                return Err(Mistake::new(at, format!("has a {other} beside a {first} in one list or map")));
            }
        }
        Ok(())
    }

    fn map(&mut self, entries: &[(bool, Expression, Expression)]) -> Checked {
        let (of_keys, of_values) = (self.bindings.fresh(), self.bindings.fresh());
        let mut codes = Vec::with_capacity(entries.len());
        let (mut first_key, mut first_value) = (None, None);
        for (optional, key, value) in entries {
            let (key_code, found) = self.expression(key)?;
            let resolved = self.bindings.resolved(&found);
            let is_key =
                matches!(resolved, Type::Dyn | Type::Free(_) | Type::Bool | Type::Int | Type::Uint | Type::Text);
            if !is_key {
                return Err(Mistake::new(key.at, format!("has a {resolved} as a key")));
            }
            self.same_as_first(key.at, &mut first_key, &of_keys, found);
            let (value_code, found) = self.element(*optional, value)?;
            self.same_as_first(value.at, &mut first_value, &of_values, found);
            codes.push((*optional, key_code, value_code));
        }
        Ok((Code::Map(codes), Type::map(of_keys, of_values)))
    }

    fn call(&mut self, at: usize, name: &str, target: Option<&Expression>, arguments: &[Expression]) -> Checked {
        if let Some(result) = self.macro_call(at, name, target, arguments) {
            return result;
        }
        if let (None, [left, right]) = (target, arguments)
            && let Some(result) = self.operator(at, name, left, right)
        {
            return result;
        }
        if let (None, "!_", [of]) = (target, name, arguments) {
            return Ok((Code::Not(Box::new(self.of_type(of, &Type::Bool)?)), Type::Bool));
        }
        // A qualified name may be that of a function: `sets.contains`.
        if let Some(space) = target.and_then(Self::qualified) {
            let first = space.split('.').next().unwrap_or_default();
            let is_variable = self.locals.iter().any(|(known, _)| known == first)
                || self.declarations.variables.iter().any(|(known, _)| *known == first);
            let full = format!("{space}.{name}");
            let overloads = library::overloads(&full, false);
            if !overloads.is_empty() && !is_variable {
                return self.function(at, &full, overloads, None, arguments);
            }
            if !is_variable && ELSEWHERE.contains(&first) {
                return Err(Mistake::new(at, format!("calls {full}, which Kubernetes does not have")));
            }
        }
        let overloads = library::overloads(name, target.is_some());
        if overloads.is_empty() {
            // What it is called on may be wrong before that.
            if let Some(target) = target {
                self.expression(target)?;
            }
            return Err(Mistake::new(at, format!("calls {name}, which Kubernetes does not have")));
        }
        self.function(at, name, overloads, target, arguments)
    }

    fn function(
        &mut self,
        at: usize,
        name: &str,
        overloads: &'static [Overload],
        target: Option<&Expression>,
        arguments: &[Expression],
    ) -> Checked {
        let mut codes = Vec::new();
        let mut types = Vec::new();
        // Lists of values for a text may be of several types.
        let known_literals = self.literals.len();
        for argument in target.into_iter().chain(arguments) {
            let (code, found) = self.expression(argument)?;
            codes.push(code);
            types.push(found);
        }
        if name == "format" {
            self.literals.truncate(known_literals);
        }
        let result = self.overload(at, name, overloads, &types)?;
        if matches!(name, "or" | "orValue")
            && let (Some(other), Some(of)) = (codes.pop(), codes.pop())
        {
            let code = Code::OrElse { of: Box::new(of), other: Box::new(other), unwrap: name == "orValue" };
            return Ok((code, result));
        }
        let code = constants(at, name, overloads, codes)?;
        Ok((code, result))
    }

    /// The result of a call: of the one overload that fits, or anything where several do that give different things.
    fn overload(&mut self, at: usize, name: &str, overloads: &[Overload], types: &[Type]) -> Result<Type, Mistake> {
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|overload| overload.takes_of.len() == types.len()) {
            let mark = self.bindings.mark();
            let signature: Vec<&Type> = overload.takes_of.iter().chain([&overload.gives]).collect();
            let mut instance = self.bindings.instance(&signature);
            let gives = instance.pop().unwrap_or(Type::Dyn);
            let fits = types.iter().zip(&instance).all(|(found, wanted)| self.bindings.fits(found, wanted));
            if !fits {
                self.bindings.undo(mark);
                continue;
            }
            let gives = self.bindings.resolved(&gives);
            result = Some(match result {
                None => gives,
                Some(known) if known == gives => known,
                Some(_) => Type::Dyn,
            });
        }
        result.ok_or_else(|| {
            let types: Vec<String> = types.iter().map(|of| self.bindings.finished(of).to_string()).collect();
            Mistake::new(at, format!("calls {} with ({})", name.trim_matches('_'), types.join(", ")))
        })
    }

    /// The operators that are no functions.
    fn operator(&mut self, at: usize, name: &str, left: &Expression, right: &Expression) -> Option<Checked> {
        let order = match name {
            "_<_" => Some(Order::Less),
            "_<=_" => Some(Order::LessOrEqual),
            "_>_" => Some(Order::Greater),
            "_>=_" => Some(Order::GreaterOrEqual),
            "_==_" | "_!=_" | "@in" | "_[_]" | "_[?_]" => None,
            _ => return None,
        };
        Some(self.two_sides(at, name, order, left, right))
    }

    fn two_sides(
        &mut self,
        at: usize,
        name: &str,
        order: Option<Order>,
        left: &Expression,
        right: &Expression,
    ) -> Checked {
        let (left, left_type) = self.expression(left)?;
        let (right, right_type) = self.expression(right)?;
        let signature = if order.is_some() { "_<_" } else { name };
        let result = self.overload(at, name, library::overloads(signature, false), &[left_type, right_type])?;
        let code = match (name, order) {
            (_, Some(operator)) => Code::Order { operator, sides: Box::new([left, right]) },
            ("@in", _) => Code::In(Box::new([left, right])),
            ("_[_]", _) => Code::Index { of: Box::new(left), index: Box::new(right) },
            ("_[?_]", _) => Code::MaybeIndex { of: Box::new(left), index: Box::new(right) },
            _ => Code::Equal { same: name == "_==_", sides: Box::new([left, right]) },
        };
        Ok((code, result))
    }

    /// A macro, where it is one.
    fn macro_call(
        &mut self,
        at: usize,
        name: &str,
        target: Option<&Expression>,
        arguments: &[Expression],
    ) -> Option<Checked> {
        match (target, name, arguments) {
            (None, "has", [of]) => Some(self.has(at, of)),
            (None, "dyn", [of]) => Some(self.expression(of).map(|(code, _)| (code, Type::Dyn))),
            (Some(target), _, _) => {
                let (kind, names, filter, body) = match (name, arguments) {
                    ("all", [x, body]) => (LoopKind::All, vec![x], None, body),
                    ("exists", [x, body]) => (LoopKind::Exists, vec![x], None, body),
                    ("exists_one" | "existsOne", [x, body]) => (LoopKind::ExistsOne, vec![x], None, body),
                    ("filter", [x, body]) => (LoopKind::Filter, vec![x], None, body),
                    ("map", [x, body]) => (LoopKind::List, vec![x], None, body),
                    ("map", [x, filter, body]) => (LoopKind::List, vec![x], Some(filter), body),
                    ("optMap", [x, body]) => (LoopKind::Maybe, vec![x], None, body),
                    ("optFlatMap", [x, body]) => (LoopKind::MaybeFlat, vec![x], None, body),
                    ("sortBy", [x, body]) => (LoopKind::SortBy, vec![x], None, body),
                    ("all", [i, x, body]) => (LoopKind::All, vec![i, x], None, body),
                    ("exists", [i, x, body]) => (LoopKind::Exists, vec![i, x], None, body),
                    ("existsOne" | "exists_one", [i, x, body]) => (LoopKind::ExistsOne, vec![i, x], None, body),
                    ("transformList", [i, x, body]) => (LoopKind::List, vec![i, x], None, body),
                    ("transformList", [i, x, filter, body]) => (LoopKind::List, vec![i, x], Some(filter), body),
                    ("transformMap", [i, x, body]) => (LoopKind::Map, vec![i, x], None, body),
                    ("transformMap", [i, x, filter, body]) => (LoopKind::Map, vec![i, x], Some(filter), body),
                    ("transformMapEntry", [i, x, body]) => (LoopKind::Entries, vec![i, x], None, body),
                    ("transformMapEntry", [i, x, filter, body]) => (LoopKind::Entries, vec![i, x], Some(filter), body),
                    _ => return None,
                };
                Some(self.looped(kind, target, &names, filter, body))
            }
            _ => None,
        }
    }

    fn has(&mut self, at: usize, of: &Expression) -> Checked {
        let Kind::Field { of, name, optional: false } = &of.kind else {
            return Err(Mistake::new(at, "calls has() with what is no field"));
        };
        let (code, found) = self.expression(of)?;
        if let (Code::Variable(_), Type::Composed) = (&code, &found) {
            self.composed(at, name)?;
            return Ok((Code::Constant(Value::Bool(true)), Type::Bool));
        }
        let inner = match self.bindings.resolved(&found) {
            Type::Optional(inner) => Type::clone(&inner),
            other => other,
        };
        self.type_of_field(at, &inner, name)?;
        Ok((Code::Has { of: Box::new(code), name: shared(name) }, Type::Bool))
    }

    fn looped(
        &mut self,
        kind: LoopKind,
        over: &Expression,
        names: &[&Expression],
        filter: Option<&Expression>,
        body: &Expression,
    ) -> Checked {
        let at = over.at;
        let mut bound = Vec::new();
        for name in names {
            let Kind::Name(text) = &name.kind else {
                return Err(Mistake::new(name.at, "has a loop over what is no simple name"));
            };
            if bound.contains(text) {
                return Err(Mistake::new(name.at, format!("has a loop over {text} twice")));
            }
            bound.push(text.clone());
        }
        let (over_code, over_type) = self.expression(over)?;
        let (first, second) = self.elements(at, kind, &over_type)?;
        let two = names.len() == 2;
        let only = match (kind, self.bindings.resolved(&over_type)) {
            // Over a map, one name is for its keys.
            (_, Type::Map(..)) => first.clone(),
            _ => second.clone(),
        };
        let bottom = self.locals.len();
        let types = if two { vec![first.clone(), second] } else { vec![only.clone()] };
        self.locals.extend(bound.into_iter().zip(types));
        let inner = self.loop_body(kind, filter, body);
        self.locals.truncate(bottom);
        let (filter, body, body_type) = inner?;
        let result = match kind {
            LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => Type::Bool,
            LoopKind::Filter | LoopKind::SortBy => Type::list(only),
            LoopKind::List => Type::list(body_type),
            LoopKind::Map => Type::map(first, body_type),
            LoopKind::Maybe => Type::optional(body_type),
            LoopKind::Entries | LoopKind::MaybeFlat => body_type,
        };
        Ok((Code::Loop(Box::new(Loop { kind, over: over_code, two, filter, body })), result))
    }

    fn loop_body(
        &mut self,
        kind: LoopKind,
        filter: Option<&Expression>,
        body: &Expression,
    ) -> Result<(Option<Code>, Code, Type), Mistake> {
        let filter = filter.map(|filter| self.of_type(filter, &Type::Bool)).transpose()?;
        let (code, found) = self.expression(body)?;
        let wanted = match kind {
            LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne | LoopKind::Filter => Type::Bool,
            LoopKind::Entries => Type::map(self.bindings.fresh(), self.bindings.fresh()),
            LoopKind::MaybeFlat => Type::optional(self.bindings.fresh()),
            LoopKind::SortBy => {
                let resolved = self.bindings.resolved(&found);
                let sorted = matches!(
                    resolved,
                    Type::Dyn
                        | Type::Free(_)
                        | Type::Bool
                        | Type::Int
                        | Type::Uint
                        | Type::Double
                        | Type::Text
                        | Type::Bytes
                        | Type::Duration
                        | Type::Timestamp
                );
                if !sorted {
                    return Err(Mistake::new(body.at, format!("sorts by a {resolved}")));
                }
                return Ok((filter, code, found));
            }
            _ => return Ok((filter, code, found)),
        };
        if self.bindings.fits(&found, &wanted) {
            return Ok((filter, code, found));
        }
        let found = self.bindings.finished(&found);
        Err(Mistake::new(body.at, format!("has a {found} where a {wanted} belongs")))
    }

    /// What two names of a loop stand for.
    fn elements(&mut self, at: usize, kind: LoopKind, over: &Type) -> Result<(Type, Type), Mistake> {
        let resolved = self.bindings.resolved(over);
        let maybe = matches!(kind, LoopKind::Maybe | LoopKind::MaybeFlat);
        match &resolved {
            Type::Dyn => return Ok((Type::Dyn, Type::Dyn)),
            Type::Free(_) => {
                self.bindings.fits(&Type::Dyn, &resolved);
                return Ok((Type::Dyn, Type::Dyn));
            }
            Type::Optional(of) if maybe => return Ok((Type::Dyn, Type::clone(of))),
            Type::List(of) if !maybe => return Ok((Type::Int, Type::clone(of))),
            Type::Map(key, value) if !maybe && kind != LoopKind::SortBy => {
                return Ok((Type::clone(key), Type::clone(value)));
            }
            _ => {}
        }
        Err(Mistake::new(at, format!("has a loop over a {resolved}")))
    }
}

/// A call whose constant arguments are looked at once: patterns, durations and moments.
fn constants(at: usize, name: &str, overloads: &'static [Overload], mut codes: Vec<Code>) -> Result<Code, Mistake> {
    let wrong = |why: String| Mistake::new(at, why);
    if matches!(name, "matches" | "find" | "findAll")
        && let Some(Code::Constant(Value::Text(text))) = codes.get(1)
    {
        let pattern = Pattern::new(text).map_err(|why| wrong(format!("has the pattern {text:?}: {why}")))?;
        codes[1] = Code::Constant(Value::Pattern(Arc::new(pattern)));
    }
    let code = Code::Call { name: shared(name), overloads, arguments: codes };
    if let ("duration" | "timestamp", Code::Call { arguments, .. }) = (name, &code)
        && let [Code::Constant(text @ Value::Text(_))] = arguments.as_slice()
    {
        let meter = Meter::default();
        let value = super::run::run(&code, &Nothing, &meter);
        let value = value.map_err(|stop| wrong(format!("has {}: {}", library::shown(text), stop.reason())))?;
        return Ok(Code::Constant(value));
    }
    Ok(code)
}

/// Where nothing is declared.
struct Nothing;

impl Scope for Nothing {
    fn variable(&self, _: usize) -> Result<Value, Stop> {
        Err(Stop::error("nothing is declared"))
    }

    fn composed(&self, _: usize, _: &Meter) -> Result<Value, Stop> {
        Err(Stop::error("nothing is declared"))
    }
}
