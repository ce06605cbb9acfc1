//! Conditions whose fields are known: what each comparison compares, and whether it can.
//!
//! Which operators a kind of values has, and how values are written, is what Falco's `filter_compare.cpp` and
//! `value_parser.cpp` have.

use crate::condition::{Check, Expr, Operand, Operator, Quantifier, Right, Takes, Test, Transformer};
use sekisho_trace::event::EVENTS;
use sekisho_trace::field::{Argument, FieldError, Given, Kind, Many, Source, Supply};
use sekisho_trace::{EventCode, Field, FieldId};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::sync::Arc;

/// A condition of atoms.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Atom(Arc<Atom>),
}

/// One comparison. Equal ones are the same question.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Atom {
    pub(crate) left: Getter,
    pub(crate) test: AtomTest,
    pub(crate) each: Each,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum AtomTest {
    Exists,
    Compare(Operator, Option<Quantifier>, Side),
}

/// What is on the right.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Values(Vec<Const>),
    Getter(Getter),
}

/// A value of an event, or what is made of such.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Getter {
    Field(Field),
    Call(Transformer, Vec<Getter>),
    Literal(Arc<[u8]>),
    List(Vec<Getter>),
}

/// A value that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Const {
    Text(Arc<[u8]>),
    Number(i128),
    Bool(bool),
    Ip(IpAddr),
    /// An address and how many of its bits count.
    Net(IpAddr, u8),
    /// Compared by the kind of the value that is met.
    Raw(Arc<str>),
}

/// Of how many values of a field a comparison has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Each {
    /// There is one.
    One,
    /// Either end of a connection; `!=` of both.
    Ends,
    /// Any ancestor.
    Ancestors,
    /// `in` of all, `intersects` of one.
    List,
}

/// Why a condition does not go with its fields.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
    /// Whether a field or type of events is not known, for which a rule may be left out instead.
    pub(crate) unknown: bool,
    /// The comparison.
    pub(crate) check: String,
}

fn mistake<T>(reason: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { reason: reason.into(), hint: None, unknown: false, check: String::new() })
}

/// The field of events of a source.
pub(crate) fn field(name: &str, argument: Option<&str>, source: &str) -> Result<Field, FieldError> {
    let field = Field::of(name, argument)?;
    let here = match field.info().source {
        Source::Any => true,
        Source::Syscall => source == "syscall",
        Source::K8sAudit => source == "k8s_audit",
    };
    if here { Ok(field) } else { Err(FieldError::NoSuchField(name.to_owned())) }
}

/// Whether a text is the name of a field, with an argument where it needs one.
pub(crate) fn is_field(text: &str, source: &str) -> bool {
    // All have one, and lists are long.
    if !text.contains('.') {
        return false;
    }
    match crate::condition::operand(text) {
        Ok((Operand::Field(name, argument), length)) => {
            length == text.len() && field(&name, argument.as_deref(), source).is_ok()
        }
        _ => false,
    }
}

/// Why nothing fills a field.
pub(crate) fn never(field: &Field) -> Option<&'static str> {
    match field.info().supply {
        Supply::Never(reason) => Some(reason),
        Supply::Yes => None,
    }
}

/// A condition with its fields, in events of a source.
pub(crate) fn tree(expr: &Expr, source: &str) -> Result<Tree, Mistake> {
    let all = |parts: &[Expr]| parts.iter().map(|part| tree(part, source)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::And(parts) => Tree::And(all(parts)?),
        Expr::Or(parts) => Tree::Or(all(parts)?),
        Expr::Not(part) => Tree::Not(Box::new(tree(part, source)?)),
        Expr::Check(check) => {
            let atom = atom(check, source).map_err(|mistake| Mistake { check: check.to_string(), ..mistake })?;
            Tree::Atom(Arc::new(atom))
        }
        Expr::Name(name, _) => return mistake(format!("there is no macro '{name}'")),
    })
}

impl Tree {
    /// Calls `f` with every field.
    pub(crate) fn fields<'a>(&'a self, f: &mut impl FnMut(&'a Field)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.fields(f)),
            Self::Not(part) => part.fields(f),
            Self::Atom(atom) => atom.fields(f),
        }
    }
}

impl Atom {
    /// Calls `f` with every field, on both sides.
    pub(crate) fn fields<'a>(&'a self, f: &mut impl FnMut(&'a Field)) {
        self.left.fields(f);
        if let AtomTest::Compare(.., Side::Getter(right)) = &self.test {
            right.fields(f);
        }
    }
}

impl Getter {
    pub(crate) fn fields<'a>(&'a self, f: &mut impl FnMut(&'a Field)) {
        match self {
            Self::Field(field) => f(field),
            Self::Call(_, arguments) | Self::List(arguments) => arguments.iter().for_each(|one| one.fields(f)),
            Self::Literal(_) => {}
        }
    }

    /// What its values are.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Field(field) => Shape { kind: field.info().kind, list: field.is_list() },
            Self::Literal(_) => Shape { kind: Kind::Text, list: false },
            Self::List(_) => Shape { kind: Kind::Text, list: true },
            Self::Call(transformer, arguments) => {
                let inner = arguments.first().map_or(Shape { kind: Kind::Text, list: false }, Self::shape);
                match transformer {
                    Transformer::Len => Shape { kind: Kind::Uint, list: false },
                    Transformer::Join | Transformer::Concat => Shape { kind: Kind::Text, list: false },
                    Transformer::GetOpt => Shape { kind: Kind::Text, list: true },
                    _ => inner,
                }
            }
        }
    }

    fn each(&self) -> Each {
        match self {
            Self::Field(field) => each(field),
            other if other.shape().list => Each::List,
            _ => Each::One,
        }
    }
}

/// The kind of values, and whether there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) list: bool,
}

/// Fields of several values that compare in ways of their own, and so have neither transformers nor stand on the right.
fn is_special(field: &Field) -> bool {
    let info = field.info();
    match info.many {
        Many::One => matches!(info.kind, Kind::Net | Kind::Dynamic),
        Many::WithoutArgument => true,
        Many::List => info.name.starts_with("fd.") && info.name != "fd.types",
    }
}

fn each(field: &Field) -> Each {
    match (field.is_list(), is_special(field), field.info().many) {
        (false, ..) => Each::One,
        (true, true, Many::List) => Each::Ends,
        (true, true, _) => Each::Ancestors,
        (true, false, _) => Each::List,
    }
}

/// An operand as its fields are.
pub(crate) fn getter(operand: &Operand, source: &str) -> Result<Getter, Mistake> {
    Ok(match operand {
        Operand::Field(name, argument) => match field(name, argument.as_deref(), source) {
            Ok(field) => Getter::Field(field),
            Err(error) => {
                // A field of another source needs no other name.
                let other = FieldId::of(name).filter(|_| matches!(error, FieldError::NoSuchField(_)));
                let near = if other.is_some() { None } else { error.nearest() };
                let hint = near.map(|near| format!("did you mean '{near}'?"));
                let reason = match other {
                    Some(id) => {
                        let of = if id.info().source == Source::K8sAudit { "k8s_audit" } else { "syscall" };
                        format!("events of {source} have no field {name}, which is one of {of}")
                    }
                    _ => error.to_string(),
                };
                let unknown = matches!(error, FieldError::NoSuchField(_));
                return Err(Mistake { reason, hint, unknown, check: String::new() });
            }
        },
        Operand::Literal(text) => Getter::Literal(text.as_bytes().into()),
        Operand::List(items) => Getter::List(all(items, source)?),
        Operand::Call(transformer, arguments) => {
            let arguments = all(arguments, source)?;
            suits(*transformer, &arguments)?;
            Getter::Call(*transformer, arguments)
        }
    })
}

fn all(operands: &[Operand], source: &str) -> Result<Vec<Getter>, Mistake> {
    operands.iter().map(|operand| getter(operand, source)).collect()
}

/// Whether a transformer can have these arguments.
fn suits(transformer: Transformer, arguments: &[Getter]) -> Result<(), Mistake> {
    let name = transformer.as_str();
    let special = arguments.iter().find_map(|one| match one {
        Getter::Field(field) if is_special(field) => Some(field.info().name),
        _ => None,
    });
    if let Some(field) = special {
        return mistake(format!("{field} has no transformers"));
    }
    let count = |expect: &str, fits: bool| {
        if fits { Ok(()) } else { mistake(format!("{name}() takes {expect}, not {}", arguments.len())) }
    };
    let shapes: Vec<Shape> = arguments.iter().map(Getter::shape).collect();
    let kinds = |kinds: &[Kind]| {
        if shapes.iter().all(|shape| kinds.contains(&shape.kind)) {
            return Ok(());
        }
        mistake(format!(
            "{name}() takes no {}",
            shapes.iter().find(|shape| !kinds.contains(&shape.kind)).map_or("", |shape| word(shape.kind))
        ))
    };
    let list = |at: usize, list: bool| {
        if shapes[at].list == list {
            return Ok(());
        }
        let what = if list { "a list" } else { "one value" };
        mistake(format!("argument {} of {name}() is to be {what}", at + 1))
    };
    match transformer {
        Transformer::ToLower | Transformer::ToUpper | Transformer::BaseName => {
            count("one argument", arguments.len() == 1)?;
            kinds(&[Kind::Text])
        }
        Transformer::Base64 => {
            count("one argument", arguments.len() == 1)?;
            kinds(&[Kind::Text, Kind::Bytes])
        }
        Transformer::Len => {
            count("one argument", arguments.len() == 1)?;
            if shapes[0].list { Ok(()) } else { kinds(&[Kind::Text, Kind::Bytes]) }
        }
        Transformer::Concat => {
            count("two arguments or more", arguments.len() >= 2)?;
            (0..arguments.len()).try_for_each(|at| list(at, false))
        }
        Transformer::Join => {
            count("a separator and a list", arguments.len() == 2)?;
            list(0, false)?;
            list(1, true)
        }
        Transformer::GetOpt => {
            count("a list and the letters of options", arguments.len() == 2)?;
            list(0, true)?;
            list(1, false)
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "texts",
        Kind::Bytes => "buffers",
        Kind::Int | Kind::Uint => "numbers",
        Kind::Bool => "truth values",
        Kind::Ip => "addresses",
        Kind::Net => "networks",
        Kind::Port => "ports",
        Kind::AbsoluteTime | Kind::RelativeTime => "times",
        Kind::Dynamic => "values of any kind",
    }
}

fn atom(check: &Check, source: &str) -> Result<Atom, Mistake> {
    let left = getter(&check.left, source)?;
    let each = left.each();
    let Test::Compare(operator, quantifier, right) = &check.test else {
        return Ok(Atom { left, test: AtomTest::Exists, each });
    };
    let shape = left.shape();
    comparable(*operator, shape.kind, each)?;
    if quantifier.is_some() && matches!(each, Each::List | Each::Ends) {
        return mistake("several values have neither oneof nor anyof nor allof");
    }
    let side = match right {
        Right::Value(value) => Side::Values(vec![constant(value, *operator, shape.kind)?]),
        Right::List(values) => {
            Side::Values(values.iter().map(|value| constant(value, *operator, shape.kind)).collect::<Result<_, _>>()?)
        }
        Right::Operand(operand) => {
            let right = getter(operand, source)?;
            against(&left, *operator, &right)?;
            Side::Getter(right)
        }
    };
    if let (Getter::Field(field), Side::Values(values)) = (&left, &side)
        && field.info().name == "evt.type"
        && matches!(operator, Operator::Equal | Operator::NotEqual | Operator::In | Operator::Intersects)
    {
        values.iter().try_for_each(known_event)?;
    }
    Ok(Atom { left, test: AtomTest::Compare(*operator, *quantifier, side), each })
}

fn known_event(name: &Const) -> Result<(), Mistake> {
    let Const::Text(name) = name else { return Ok(()) };
    let name = String::from_utf8_lossy(name);
    if !EventCode::named(&name).is_empty() {
        return Ok(());
    }
    let hint = crate::near(&name, EVENTS.iter().map(|info| info.name)).map(|near| format!("did you mean '{near}'?"));
    Err(Mistake { reason: format!("there is no event type '{name}'"), hint, unknown: true, check: String::new() })
}

/// Whether values of a kind have an operator.
fn comparable(operator: Operator, kind: Kind, each: Each) -> Result<(), Mistake> {
    use Operator as O;
    let membership = matches!(operator, O::In | O::Intersects);
    if each == Each::List {
        return if membership {
            Ok(())
        } else {
            mistake(format!("lists have no '{}', only exists, in and intersects", operator.as_str()))
        };
    }
    let equality = membership || matches!(operator, O::Equal | O::NotEqual);
    let order = matches!(operator, O::Less | O::LessEqual | O::Greater | O::GreaterEqual);
    let binary = matches!(operator, O::BContains | O::BStartsWith);
    let fits = match kind {
        Kind::Text => !binary,
        Kind::Bytes => equality || binary || matches!(operator, O::Contains | O::StartsWith | O::EndsWith),
        Kind::Bool | Kind::Ip | Kind::Net => equality,
        Kind::Int | Kind::Uint | Kind::Port | Kind::AbsoluteTime | Kind::RelativeTime => equality || order,
        Kind::Dynamic => true,
    };
    if fits { Ok(()) } else { mistake(format!("{} have no '{}'", word(kind), operator.as_str())) }
}

/// Whether two fields can be compared.
fn against(left: &Getter, operator: Operator, right: &Getter) -> Result<(), Mistake> {
    if matches!(operator, Operator::PathMatch | Operator::Regex) {
        return mistake(format!("'{}' takes no field on its right", operator.as_str()));
    }
    let mut special = None;
    let mut look = |field: &Field| {
        if is_special(field) {
            special = Some(field.info().name);
        }
    };
    for side in [left, right] {
        if let Getter::Field(field) = side {
            look(field);
        }
    }
    if let Some(field) = special {
        return mistake(format!("{field} is not compared with other fields"));
    }
    let (l, r) = (left.shape(), right.shape());
    if l == r {
        return Ok(());
    }
    let several = |shape: Shape| if shape.list { "lists of " } else { "" };
    mistake(format!("{}{} are not compared with {}{}", several(l), word(l.kind), several(r), word(r.kind)))
}

/// A value as it is written.
fn constant(text: &str, operator: Operator, kind: Kind) -> Result<Const, Mistake> {
    if matches!(operator, Operator::BContains | Operator::BStartsWith) {
        let Some(bytes) = hex(text) else {
            return mistake(format!("'{text}' is no sequence of bytes in hexadecimal digits"));
        };
        return Ok(Const::Text(bytes.into()));
    }
    if operator == Operator::Regex
        && let Err(error) = regex(text)
    {
        let reason = error.to_string();
        return mistake(format!(
            "'{text}' is no regular expression: {}",
            reason.lines().last().unwrap_or_default().trim()
        ));
    }
    let whole = |least: i128, most: i128| match number(text).filter(|number| (least..=most).contains(number)) {
        Some(number) => Ok(Const::Number(number)),
        None => mistake(format!("'{text}' is no number from {least} to {most}")),
    };
    match kind {
        Kind::Text | Kind::Bytes => Ok(Const::Text(text.as_bytes().into())),
        Kind::Int => whole(i64::MIN.into(), i64::MAX.into()),
        Kind::Uint | Kind::AbsoluteTime | Kind::RelativeTime => whole(0, u64::MAX.into()),
        Kind::Port => whole(0, u16::MAX.into()),
        Kind::Bool => match text {
            "true" => Ok(Const::Bool(true)),
            "false" => Ok(Const::Bool(false)),
            _ => mistake(format!("'{text}' is neither true nor false")),
        },
        Kind::Ip => match text.parse() {
            Ok(address) => Ok(Const::Ip(address)),
            Err(_) => mistake(format!("'{text}' is no address")),
        },
        Kind::Net => match net(text) {
            Some(net) => Ok(net),
            None => mistake(format!("'{text}' is no network, as 10.0.0.0/8 is one")),
        },
        Kind::Dynamic => Ok(Const::Raw(text.into())),
    }
}

/// A whole number in decimal digits, or in hexadecimal ones after `0x`.
pub(crate) fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => i128::from_str_radix(digits, 16).ok(),
        _ => text.parse().ok(),
    }
}

/// A network; of an IPv6 address without a length, the address itself.
fn net(text: &str) -> Option<Const> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address.parse::<IpAddr>().ok()?, Some(length.parse::<u8>().ok()?)),
        None => (text.parse().ok()?, None),
    };
    match (address, length) {
        (IpAddr::V4(_), Some(length)) if length <= 32 => Some(Const::Net(address, length)),
        (IpAddr::V6(_), length) if length.unwrap_or(128) <= 128 => Some(Const::Net(address, length.unwrap_or(128))),
        _ => None,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.is_empty() || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// An expression that a whole text has to match.
pub(crate) fn regex(text: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("\\A(?:{text})\\z")).size_limit(1 << 20).build()
}

/// Whether an argument is part of the name of a field (`evt.arg.flags`).
pub(crate) fn takes_argument(id: FieldId) -> bool {
    matches!(id.info().argument, Argument::Index | Argument::Key | Argument::Parameter)
}

/// As conditions write it, but for what is in quotes there.
impl Display for Atom {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.left)?;
        match &self.test {
            AtomTest::Exists => f.write_str("exists"),
            AtomTest::Compare(operator, quantifier, side) => {
                write!(f, "{}", operator.as_str())?;
                if let Some(quantifier) = quantifier {
                    write!(f, " {}", quantifier.as_str())?;
                }
                match side {
                    Side::Getter(getter) => write!(f, " {getter}"),
                    Side::Values(values) if operator.takes() == Takes::List || quantifier.is_some() => {
                        f.write_str(" (")?;
                        commas(f, values)?;
                        f.write_str(")")
                    }
                    Side::Values(values) => {
                        f.write_str(" ")?;
                        commas(f, values)
                    }
                }
            }
        }
    }
}

fn commas(f: &mut Formatter<'_>, items: &[impl Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Getter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => match &field.given {
                Given::Nothing => f.write_str(field.info().name),
                Given::Index(index) => write!(f, "{}[{index}]", field.info().name),
                Given::Key(key) => write!(f, "{}[{key}]", field.info().name),
            },
            Self::Literal(text) => write!(f, "\"{}\"", text.escape_ascii()),
            Self::Call(transformer, arguments) => {
                write!(f, "{}(", transformer.as_str())?;
                commas(f, arguments)?;
                f.write_str(")")
            }
            Self::List(items) => {
                f.write_str("(")?;
                commas(f, items)?;
                f.write_str(")")
            }
        }
    }
}

impl Display for Const {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", text.escape_ascii()),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Ip(address) => address.fmt(f),
            Self::Net(address, length) => write!(f, "{address}/{length}"),
            Self::Raw(text) => f.write_str(text),
        }
    }
}
