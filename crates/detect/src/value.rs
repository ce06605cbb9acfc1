//! Values of operands, and how two of them compare: plainly, one after the other. What is faster is held to this.

#[cfg(test)]
mod tests;

use crate::condition::{Operator, Quantifier, Transformer};
use crate::typed::{self, Atom, AtomTest, Const, Each, Getter, Side};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sekisho_trace::field::{Facts, Part, Scalar, Unknown, Value};
use std::borrow::Cow;
use std::net::IpAddr;

/// What comes of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It holds.
    True,
    /// It depends on a value that cannot be told.
    Unknown,
}

impl Truth {
    /// The opposite.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            Self::Unknown => Self::Unknown,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::False, Self::False) => Self::False,
            _ => Self::Unknown,
        }
    }

    fn and(self, other: Self) -> Self {
        self.opposite().or(other.opposite()).opposite()
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// The value of an operand for an event.
pub(crate) fn get<'a>(getter: &'a Getter, facts: &'a dyn Facts) -> Value<'a> {
    match getter {
        Getter::Field(field) => facts.value(field),
        Getter::Literal(text) => Value::text(text),
        Getter::List(items) => match texts(items, facts) {
            // A list without items is a list nevertheless.
            Ok(texts) => Value::List(texts.into_iter().map(Scalar::Text).collect()),
            Err(missing) => missing,
        },
        Getter::Call(transformer, arguments) => call(*transformer, arguments, facts),
    }
}

type Text<'a> = Cow<'a, [u8]>;

fn text(scalar: Scalar<'_>) -> Text<'_> {
    match scalar {
        Scalar::Text(text) => text,
        other => Cow::Owned(other.to_string().into_bytes()),
    }
}

/// The values of several operands as texts; what keeps them from being had.
fn texts<'a>(getters: &'a [Getter], facts: &'a dyn Facts) -> Result<Vec<Text<'a>>, Value<'a>> {
    let mut found = Vec::new();
    let mut unknown = None;
    for getter in getters {
        match get(getter, facts) {
            Value::One(scalar) => found.push(text(scalar)),
            Value::List(scalars) => found.extend(scalars.into_iter().map(text)),
            Value::Absent => return Err(Value::Absent),
            Value::Partly(_) => unknown = Some(Unknown::Truncated),
            Value::Unknown(reason) => unknown = Some(reason),
        }
    }
    unknown.map_or(Ok(found), |reason| Err(Value::Unknown(reason)))
}

fn call<'a>(transformer: Transformer, arguments: &'a [Getter], facts: &'a dyn Facts) -> Value<'a> {
    let each = |change: fn(Text<'a>) -> Option<Text<'a>>| {
        let Some(first) = arguments.first() else { return Value::Absent };
        let changed = |scalar: Scalar<'a>| change(text(scalar)).map(Scalar::Text);
        match get(first, facts) {
            Value::One(scalar) => changed(scalar).map_or(Value::Absent, Value::One),
            Value::List(scalars) => {
                scalars.into_iter().map(changed).collect::<Option<Vec<_>>>().map_or(Value::Absent, Value::List)
            }
            // Letter by letter, a beginning becomes a beginning.
            Value::Partly(parts) if matches!(transformer, Transformer::ToLower | Transformer::ToUpper) => {
                let changed = |part| match part {
                    Part::Whole(scalar) => changed(scalar).map_or(Part::Unknown(Unknown::Truncated), Part::Whole),
                    Part::Beginning(text) => change(text).map_or(Part::Unknown(Unknown::Truncated), Part::Beginning),
                    unknown @ Part::Unknown(_) => unknown,
                };
                Value::Partly(parts.into_iter().map(changed).collect())
            }
            Value::Partly(_) => Value::Unknown(Unknown::Truncated),
            missing => missing,
        }
    };
    match transformer {
        Transformer::ToLower => each(|text| Some(Cow::Owned(text.to_ascii_lowercase()))),
        Transformer::ToUpper => each(|text| Some(Cow::Owned(text.to_ascii_uppercase()))),
        Transformer::BaseName => each(|text| {
            let from = text.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
            Some(match text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[from..]),
                Cow::Owned(text) => Cow::Owned(text[from..].to_vec()),
            })
        }),
        Transformer::Base64 => each(|text| {
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            GeneralPurpose::new(&STANDARD, config).decode(&*text).ok().map(Cow::Owned)
        }),
        Transformer::Len => match arguments.first().map(|first| get(first, facts)) {
            Some(Value::One(scalar)) => Value::uint(text(scalar).len() as u64),
            Some(Value::List(scalars)) => Value::uint(scalars.len() as u64),
            Some(Value::Partly(_)) => Value::Unknown(Unknown::Truncated),
            Some(missing) => missing,
            None => Value::Absent,
        },
        Transformer::Concat => {
            texts(arguments, facts).map_or_else(|missing| missing, |texts| Value::owned(texts.concat()))
        }
        Transformer::Join => match (texts(&arguments[..1], facts), texts(&arguments[1..], facts)) {
            (Ok(separator), Ok(parts)) => Value::owned(parts.join(&*separator.concat())),
            // What is absent makes the whole absent, before what is not known.
            (Err(Value::Absent), _) | (_, Err(Value::Absent)) => Value::Absent,
            (Err(missing), _) | (_, Err(missing)) => missing,
        },
        Transformer::GetOpt => match (texts(&arguments[..1], facts), texts(&arguments[1..], facts)) {
            (Ok(words), Ok(letters)) => Value::list(options(&words, &letters.concat())),
            (Err(Value::Absent), _) | (_, Err(Value::Absent)) => Value::Absent,
            (Err(missing), _) | (_, Err(missing)) => missing,
        },
    }
}

/// The options among words, and the arguments of those whose letter has a colon behind it. Letters that are not asked for
/// are passed over, as are words without a dash; nothing is read behind `--`.
fn options<'a>(words: &[Text<'_>], letters: &[u8]) -> Vec<Scalar<'a>> {
    let mut found = Vec::new();
    let mut words = words.iter();
    let mut push = |text: &[u8]| found.push(Scalar::Text(Cow::Owned(text.to_vec())));
    while let Some(word) = words.next() {
        if **word == *b"--" {
            break;
        }
        let Some(options) = word.strip_prefix(b"-") else { continue };
        for (at, option) in options.iter().enumerate() {
            let known = letters.iter().position(|letter| letter == option);
            let Some(known) = known.filter(|_| option.is_ascii_alphanumeric()) else { continue };
            push(&[*option]);
            if letters.get(known + 1) == Some(&b':') {
                match &options[at + 1..] {
                    [] => push(words.next().map_or(b"", |word| word)),
                    rest => push(rest),
                }
                break;
            }
        }
    }
    found
}

/// Whether a comparison holds for an event, and if that cannot be told, why.
pub(crate) fn holds(atom: &Atom, facts: &dyn Facts) -> (Truth, Option<Unknown>) {
    compared(atom, &get(&atom.left, facts), facts)
}

/// The same, where the value on the left is there already.
pub(crate) fn compared(atom: &Atom, left: &Value<'_>, facts: &dyn Facts) -> (Truth, Option<Unknown>) {
    let (operator, quantifier, side) = match (left, &atom.test) {
        (Value::Unknown(reason), _) => return (Truth::Unknown, Some(*reason)),
        (Value::Absent, _) => return (Truth::False, None),
        (_, AtomTest::Exists) => return (Truth::True, None),
        (_, AtomTest::Compare(operator, quantifier, side)) => (*operator, *quantifier, side),
    };
    let constants: Cow<'_, [Const]> = match side {
        Side::Values(values) => Cow::Borrowed(values),
        Side::Getter(getter) => match get(getter, facts) {
            Value::Unknown(reason) => return (Truth::Unknown, Some(reason)),
            Value::Absent => return (Truth::False, None),
            Value::Partly(_) => return (Truth::Unknown, Some(Unknown::Truncated)),
            value => Cow::Owned(value.scalars().iter().map(constant).collect()),
        },
    };
    if let Value::Partly(parts) = left {
        let truths = parts.iter().map(|part| match part {
            Part::Whole(scalar) => element(operator, quantifier, scalar, &constants).into(),
            Part::Beginning(text) => beginning(operator, quantifier, text, &constants),
            Part::Unknown(_) => Truth::Unknown,
        });
        let truth = match (atom.each, operator) {
            (Each::One, _) => truths.take(1).fold(Truth::False, Truth::or),
            (Each::Ends, Operator::NotEqual) | (Each::List, Operator::In) => truths.fold(Truth::True, Truth::and),
            (Each::Ends | Each::Ancestors | Each::List, _) => truths.fold(Truth::False, Truth::or),
        };
        let why = parts.iter().find_map(|part| match part {
            Part::Whole(_) => None,
            Part::Beginning(_) => Some(Unknown::Truncated),
            Part::Unknown(why) => Some(*why),
        });
        return (truth, why.filter(|_| truth == Truth::Unknown));
    }
    let one = |scalar: &Scalar<'_>| element(operator, quantifier, scalar, &constants);
    let mut scalars = left.scalars().iter();
    let truth = match (atom.each, operator) {
        (Each::One, _) => scalars.next().is_some_and(one),
        (Each::Ends, Operator::NotEqual) | (Each::List, Operator::In) => scalars.all(one),
        (Each::Ends | Each::Ancestors | Each::List, _) => scalars.any(one),
    };
    (truth.into(), None)
}

fn constant(scalar: &Scalar<'_>) -> Const {
    match scalar {
        Scalar::Text(text) => Const::Text((**text).into()),
        Scalar::Int(number) => Const::Number((*number).into()),
        Scalar::Uint(number) => Const::Number((*number).into()),
        Scalar::Bool(value) => Const::Bool(*value),
        Scalar::Ip(address) => Const::Ip(*address),
    }
}

/// Whether one value compares with what is on the right.
pub(crate) fn element(
    operator: Operator,
    quantifier: Option<Quantifier>,
    scalar: &Scalar<'_>,
    right: &[Const],
) -> bool {
    let mut each = right.iter().map(|value| compare(operator, scalar, value));
    match (operator, quantifier) {
        (Operator::In | Operator::Intersects | Operator::PathMatch, _) => each.any(|holds| holds),
        (_, None) => each.next().unwrap_or(false),
        (_, Some(quantifier)) => quantified(quantifier, each),
    }
}

/// Whether enough of several comparisons hold; of none, never.
pub(crate) fn quantified(quantifier: Quantifier, each: impl Iterator<Item = bool>) -> bool {
    let (mut all, mut holding) = (0, 0);
    for holds in each {
        all += 1;
        holding += usize::from(holds);
    }
    match quantifier {
        Quantifier::OneOf => holding == 1,
        Quantifier::AnyOf => holding > 0,
        Quantifier::AllOf => all > 0 && holding == all,
    }
}

/// Whether a text that begins so compares with what is on the right, as far as its beginning decides that.
fn beginning(operator: Operator, quantifier: Option<Quantifier>, text: &[u8], right: &[Const]) -> Truth {
    let mut each = right.iter().map(|value| match value {
        Const::Text(value) => beginning_of(operator, text, value),
        Const::Raw(value) => beginning_of(operator, text, value.as_bytes()),
        _ => Truth::from(operator == Operator::NotEqual),
    });
    match (operator, quantifier) {
        (Operator::In | Operator::Intersects | Operator::PathMatch, _) | (_, Some(Quantifier::AnyOf)) => {
            each.fold(Truth::False, Truth::or)
        }
        (_, None) => each.next().unwrap_or(Truth::False),
        (_, Some(Quantifier::AllOf)) if right.is_empty() => Truth::False,
        (_, Some(Quantifier::AllOf)) => each.fold(Truth::True, Truth::and),
        (_, Some(Quantifier::OneOf)) => {
            let all: Vec<Truth> = each.collect();
            let holding = all.iter().filter(|truth| **truth == Truth::True).count();
            match holding {
                2.. => Truth::False,
                _ if all.contains(&Truth::Unknown) => Truth::Unknown,
                holding => (holding == 1).into(),
            }
        }
    }
}

/// What every text that begins with `text`, itself included, has in common when it is compared.
fn beginning_of(operator: Operator, text: &[u8], right: &[u8]) -> Truth {
    let sure = |holds: bool| if holds { Truth::True } else { Truth::Unknown };
    // The rest of an expression that takes any rest.
    let open = |holds: bool, rest: &[u8]| {
        sure(holds && right.strip_suffix(rest).is_some_and(|before| before.last() != Some(&b'\\')))
    };
    match operator {
        Operator::StartsWith | Operator::BStartsWith if text.starts_with(right) => Truth::True,
        Operator::StartsWith | Operator::BStartsWith | Operator::Equal | Operator::In | Operator::Intersects
            if !right.starts_with(text) =>
        {
            Truth::False
        }
        Operator::NotEqual if !right.starts_with(text) => Truth::True,
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual
            if !right.starts_with(text) =>
        {
            // They differ before either ends, or the other ends first.
            compare_texts(operator, text, right).into()
        }
        Operator::Contains | Operator::BContains | Operator::IContains => sure(compare_texts(operator, text, right)),
        Operator::Glob | Operator::IGlob => open(compare_texts(operator, text, right), b"*"),
        Operator::Regex => open(compare_texts(operator, text, right), b".*"),
        _ => Truth::Unknown,
    }
}

/// Whether two values compare.
fn compare(operator: Operator, left: &Scalar<'_>, right: &Const) -> bool {
    let equal = |equal: bool| if operator == Operator::NotEqual { !equal } else { equal };
    match (left, right) {
        (Scalar::Text(left), Const::Text(right)) => compare_texts(operator, left, right),
        (Scalar::Int(left), Const::Number(right)) => compare_numbers(operator, (*left).into(), *right),
        (Scalar::Uint(left), Const::Number(right)) => compare_numbers(operator, (*left).into(), *right),
        (Scalar::Bool(left), Const::Bool(right)) => equal(left == right),
        (Scalar::Ip(left), Const::Ip(right)) => equal(left == right),
        (Scalar::Ip(left), Const::Net(net, length)) => equal(is_in(*left, *net, *length)),
        (left, Const::Raw(raw)) => compare_raw(operator, left, raw),
        _ => operator == Operator::NotEqual,
    }
}

/// A value of any kind with what a rule says, read as that kind.
fn compare_raw(operator: Operator, left: &Scalar<'_>, raw: &str) -> bool {
    let right = match left {
        Scalar::Text(_) => Some(Const::Text(raw.as_bytes().into())),
        Scalar::Int(_) | Scalar::Uint(_) => typed::number(raw).map(Const::Number),
        Scalar::Bool(_) => raw.parse().ok().map(Const::Bool),
        Scalar::Ip(_) => raw.parse().ok().map(Const::Ip),
    };
    right.map_or(operator == Operator::NotEqual, |right| compare(operator, left, &right))
}

fn compare_numbers(operator: Operator, left: i128, right: i128) -> bool {
    match operator {
        Operator::Equal | Operator::In | Operator::Intersects => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        _ => false,
    }
}

fn compare_texts(operator: Operator, left: &[u8], right: &[u8]) -> bool {
    match operator {
        Operator::Equal | Operator::In | Operator::Intersects => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        Operator::Contains | Operator::BContains => contains(left, right),
        Operator::IContains => contains(&left.to_ascii_lowercase(), &right.to_ascii_lowercase()),
        Operator::StartsWith | Operator::BStartsWith => left.starts_with(right),
        Operator::EndsWith => left.ends_with(right),
        Operator::Glob => crate::glob::matches(right, left),
        Operator::IGlob => crate::glob::matches(&right.to_ascii_lowercase(), &left.to_ascii_lowercase()),
        Operator::PathMatch => is_below(left, right),
        Operator::Regex => typed::regex(&String::from_utf8_lossy(right))
            .is_ok_and(|regex| regex.is_match(&String::from_utf8_lossy(left))),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// Whether a path is another, or below it, name by name.
pub(crate) fn is_below(path: &[u8], top: &[u8]) -> bool {
    let names = |path| {
        let rooted = <[u8]>::starts_with(path, b"/");
        (rooted, path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()))
    };
    let ((path_rooted, mut path), (top_rooted, mut top)) = (names(path), names(top));
    path_rooted == top_rooted && top.all(|name| path.next() == Some(name))
}

/// Whether an address is in a network; never in one of the other family.
fn is_in(address: IpAddr, net: IpAddr, length: u8) -> bool {
    let (address, net, bits) = match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => (u128::from(address.to_bits()), u128::from(net.to_bits()), 32),
        (IpAddr::V6(address), IpAddr::V6(net)) => (address.to_bits(), net.to_bits(), 128),
        _ => return false,
    };
    let cut = bits - u32::from(length).min(bits);
    cut >= 128 || (address ^ net) >> cut == 0
}
