//! Values while an expression runs.

use super::library::net::Address;
use super::library::quantity::Quantity;
use super::run::{Meter, Stop};
use super::shared;
use crate::go::Pattern;
use jiff::Timestamp;
use sekisho_base::tree::{self, Node};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value. Copies are cheap: what is large is shared.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Timestamp),
    List(Arc<[Value]>),
    Map(Arc<Map>),
    Optional(Option<Arc<Value>>),
    /// The name of a type.
    Type(Arc<str>),
    /// Of the library `quantity`.
    Quantity(Arc<Quantity>),
    /// An address or a range of them.
    Address(Address),
    Url(Arc<super::library::url::Url>),
    Version(Arc<semver::Version>),
    /// A named format, by its place in the table.
    Format(usize),
    /// A regular expression that was compiled before.
    Pattern(Arc<Pattern>),
    /// What nobody knows where nothing runs, and why.
    Unknown(Arc<str>),
}

pub(crate) type Map = BTreeMap<Key, Value>;

/// A key of a map. Whole numbers are the same, whatever their type.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Arc<str>),
}

impl Key {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(shared(text))
    }

    /// The key that `value` is; a number with nothing after the point is a whole one.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(number) => Self::Int(*number),
            Value::Uint(number) => Self::Uint(*number),
            Value::Double(number) => match whole(*number)? {
                number if number < 0 => Self::Int(i64::try_from(number).ok()?),
                number => Self::Uint(u64::try_from(number).ok()?),
            },
            Value::Text(text) => Self::Text(text.clone()),
            _ => return None,
        })
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |key: &Self| match key {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            _ => None,
        };
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bool(_), _) | (_, Self::Text(_)) => Ordering::Less,
            (_, Self::Bool(_)) | (Self::Text(_), _) => Ordering::Greater,
            (a, b) => number(a).cmp(&number(b)),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// The whole number that a double is.
pub(super) fn whole(number: f64) -> Option<i128> {
    // Doubles of that size are far below the bounds of the type.
    (number.fract() == 0.0 && number.abs() < 1e30).then_some(number as i128)
}

impl From<&Node> for Value {
    /// What a manifest says. Depth is bounded by its reader.
    fn from(node: &Node) -> Self {
        match &node.value {
            tree::Value::Null => Self::Null,
            tree::Value::Bool(value) => Self::Bool(*value),
            tree::Value::Integer(number) => Self::Int(*number),
            tree::Value::Float(number) => Self::Double(*number),
            tree::Value::Text(text) => Self::text(text),
            tree::Value::List(items) => Self::List(items.iter().map(Self::from).collect()),
            tree::Value::Map(fields) => {
                let fields = fields.iter().map(|field| (Key::text(&field.name), Self::from(&field.node)));
                Self::Map(Arc::new(fields.collect()))
            }
        }
    }
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(shared(text))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(items.into())
    }

    /// A map of texts.
    pub(crate) fn map<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Map(Arc::new(fields.into_iter().map(|(name, value)| (Key::text(name), value)).collect()))
    }

    pub(super) fn none() -> Self {
        Self::Optional(None)
    }

    pub(super) fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// The name of its type, as `type()` has it and as messages do.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) | Self::Pattern(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Address(address) if address.is_range() => "net.CIDR",
            Self::Address(_) => "net.IP",
            Self::Url(_) => "kubernetes.URL",
            Self::Version(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Unknown(_) => "unknown",
        }
    }

    /// How much there is to walk over: bytes of texts, elements of lists.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len() / 10,
            Self::Bytes(bytes) => bytes.len() / 10,
            Self::List(items) => items.len(),
            Self::Map(map) => map.len(),
            _ => 0,
        }
    }

    /// Whether both are the same. Numbers are compared by what they are, whatever their type
    /// (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#equality>).
    pub(super) fn equals(&self, other: &Self, meter: &Meter) -> Result<bool, Stop> {
        meter.charge(1)?;
        Ok(match (self, other) {
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => return Err(Stop::error(&**why)),
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => {
                meter.charge(a.len().min(b.len()) / 10)?;
                a == b
            }
            (Self::Bytes(a), Self::Bytes(b)) => {
                meter.charge(a.len().min(b.len()) / 10)?;
                a == b
            }
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Quantity(a), Self::Quantity(b)) => a.compare(b).is_eq(),
            (Self::Address(a), Self::Address(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Version(a), Self::Version(b)) => a.cmp_precedence(b).is_eq(),
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => meter.deeper(|| a.equals(b, meter))?,
                _ => false,
            },
            (Self::List(a), Self::List(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                meter.deeper(|| {
                    for (a, b) in a.iter().zip(b.iter()) {
                        if !a.equals(b, meter)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })?
            }
            (Self::Map(a), Self::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                meter.deeper(|| {
                    for (key, a) in a.iter() {
                        let Some(b) = b.get(key) else { return Ok(false) };
                        if !a.equals(b, meter)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })?
            }
            (a, b) => numbers(a, b) == Ok(Some(Ordering::Equal)),
        })
    }
}

/// One of two values is no number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoNumbers;

/// The order of two numbers, whatever their types; none where one of them is in no order to any.
pub(super) fn numbers(a: &Value, b: &Value) -> Result<Option<Ordering>, NoNumbers> {
    let exact = |value: &Value| match value {
        Value::Int(number) => Ok(i128::from(*number)),
        Value::Uint(number) => Ok(i128::from(*number)),
        _ => Err(NoNumbers),
    };
    Ok(match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), b) => with_double(exact(b)?, *a).map(Ordering::reverse),
        (a, Value::Double(b)) => with_double(exact(a)?, *b),
        (a, b) => Some(exact(a)?.cmp(&exact(b)?)),
    })
}

/// A whole number against a double, which large ones are rounded for.
fn with_double(number: i128, double: f64) -> Option<Ordering> {
    (number as f64).partial_cmp(&double)
}
