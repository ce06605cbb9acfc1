//! Values of fields.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// Bytes: text or data. Never with the zero byte that ends strings of the kernel.
    Text(Cow<'a, [u8]>),
    /// A signed integer; lengths of time in nanoseconds.
    Int(i64),
    /// An unsigned integer; ports; moments in nanoseconds since 1970.
    Uint(u64),
    /// Yes or no.
    Bool(bool),
    /// An address. Of a connection of IPv4 over a socket of IPv6 it is that of IPv4.
    Ip(IpAddr),
}

/// What is known of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// This.
    One(Scalar<'a>),
    /// These, for fields that are lists; a comparison holds if it holds of one of them. Not empty.
    List(Vec<Scalar<'a>>),
    /// One or several of which some are not known, or only how they begin. What that does not decide cannot be told.
    Partly(Vec<Part<'a>>),
    /// There is none: what Falco prints as `<NA>`. Comparisons are false.
    Absent,
    /// It cannot be told: comparisons are neither true nor false.
    Unknown(Unknown),
}

/// One value of [`Value::Partly`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// It is known.
    Whole(Scalar<'a>),
    /// It is a text that begins so, and possibly ends here.
    Beginning(Cow<'a, [u8]>),
    /// It is not known.
    Unknown(Unknown),
}

/// Why a value cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// Nothing fills the field: the reason in [`super::Supply::Never`].
    Never(&'static str),
    /// The event is of another source.
    Source,
    /// The process was never seen: it began before the recording, or events of it were lost.
    Process,
    /// The file was never seen: it was opened before the recording, or there were too many.
    File,
    /// It was not told of the container: neither recorded, nor found in what its engine writes.
    Container,
    /// What is asked about was not recorded: the recording is older than the field, or its writer left it out.
    NotRecorded,
    /// The recording has only the beginning of it.
    Truncated,
    /// It is a path that was not told whole, or is below a directory that is not known.
    Path,
    /// Whoever runs the machine said that it cannot be had here.
    Blind(&'static str),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never(reason) | Self::Blind(reason) => reason,
            Self::Source => "events of this source do not have the field",
            Self::Process => "the process is not known",
            Self::File => "the file is not known",
            Self::Container => "it is not known of the container",
            Self::NotRecorded => "it was not recorded",
            Self::Truncated => "only its beginning was recorded",
            Self::Path => "its path was not told whole, or lies below a directory that is not known",
        })
    }
}

impl<'a> Value<'a> {
    /// Text that is borrowed.
    pub fn text(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::One(Scalar::Text(Cow::Borrowed(text.as_ref())))
    }

    /// Text that was put together.
    pub fn owned(text: impl Into<Vec<u8>>) -> Self {
        Self::One(Scalar::Text(Cow::Owned(text.into())))
    }

    /// A signed integer.
    pub fn int(value: impl Into<i64>) -> Self {
        Self::One(Scalar::Int(value.into()))
    }

    /// An unsigned integer.
    pub fn uint(value: impl Into<u64>) -> Self {
        Self::One(Scalar::Uint(value.into()))
    }

    /// Yes or no.
    pub fn bool(value: bool) -> Self {
        Self::One(Scalar::Bool(value))
    }

    /// An address.
    pub fn ip(value: IpAddr) -> Self {
        Self::One(Scalar::Ip(value))
    }

    /// A list; absent if it is empty.
    pub fn list(values: Vec<Scalar<'a>>) -> Self {
        if values.is_empty() { Self::Absent } else { Self::List(values) }
    }

    /// Text of which only the beginning is known.
    pub fn beginning(text: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Partly(vec![Part::Beginning(text.into())])
    }

    /// A list of these, in which what cannot be told stays so; absent if it is empty.
    pub fn of_all(values: impl Iterator<Item = Self>) -> Self {
        let mut parts = Vec::new();
        for value in values {
            match value {
                Self::One(scalar) => parts.push(Part::Whole(scalar)),
                Self::List(scalars) => parts.extend(scalars.into_iter().map(Part::Whole)),
                Self::Partly(more) => parts.extend(more),
                Self::Absent => {}
                Self::Unknown(reason) => parts.push(Part::Unknown(reason)),
            }
        }
        let whole = |part: &Part<'a>| matches!(part, Part::Whole(_));
        if !parts.iter().all(whole) {
            return Self::Partly(parts);
        }
        let scalar = |part| match part {
            Part::Whole(scalar) => Some(scalar),
            _ => None,
        };
        Self::list(parts.into_iter().filter_map(scalar).collect())
    }

    /// For people: of what is known in part, that part.
    #[must_use]
    pub fn shown(self) -> Self {
        let Self::Partly(parts) = self else { return self };
        let mut reason = Unknown::NotRecorded;
        let mut scalars: Vec<Scalar<'a>> = Vec::new();
        for part in parts {
            match part {
                Part::Whole(scalar) => scalars.push(scalar),
                Part::Beginning(text) => scalars.push(Scalar::Text(text)),
                Part::Unknown(why) => reason = why,
            }
        }
        match scalars.len() {
            0 => Self::Unknown(reason),
            1 => scalars.pop().map_or(Self::Absent, Self::One),
            _ => Self::List(scalars),
        }
    }

    /// Its values where all are known: none, one or many.
    pub fn scalars(&self) -> &[Scalar<'a>] {
        match self {
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::List(scalars) => scalars,
            Self::Partly(_) | Self::Absent | Self::Unknown(_) => &[],
        }
    }
}

impl Scalar<'_> {
    /// The bytes, if it is text.
    pub fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// As Falco prints values: numbers in decimal, yes and no as `true` and `false`, text with bytes that are no text
/// replaced. Formats of single fields (octal modes, times of day) are the caller's.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&String::from_utf8_lossy(text)),
            Self::Int(value) => value.fmt(f),
            Self::Uint(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Ip(value) => value.fmt(f),
        }
    }
}
