//! Fields: what rules ask of an event, its process, its container.
//!
//! [`FIELDS`] is the one table of them. [`Field`] is one as a rule names it, with its argument; [`Facts`] answers. Names
//! and meanings are Falco's (<https://falco.org/docs/reference/rules/supported-fields/>).

mod parse;
mod table;
mod value;

pub use parse::FieldError;
pub use table::FIELDS;
pub(crate) use table::Name;
pub use value::{Part, Scalar, Unknown, Value};

use crate::event::EventCode;
use std::sync::Arc;

/// Place of a field in [`FIELDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u16);

impl FieldId {
    /// The field of this name, as it stands in [`FIELDS`].
    pub fn of(name: &str) -> Option<Self> {
        FIELDS.binary_search_by(|info| info.name.cmp(name)).ok().map(|at| Self(at as u16))
    }

    /// All fields, sorted by name.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FIELDS.len()).map(|at| Self(at as u16))
    }

    pub(crate) fn name(self) -> Name {
        table::NAMES[usize::from(self.0)]
    }

    /// What the table says of it.
    pub fn info(self) -> &'static FieldInfo {
        &FIELDS[usize::from(self.0)]
    }
}

/// What a field's values are, which decides how they compare and print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text, as bytes that need not be UTF-8: [`Scalar::Text`].
    Text,
    /// Binary data: [`Scalar::Text`], printed as Falco prints buffers.
    Bytes,
    /// A signed integer: [`Scalar::Int`].
    Int,
    /// An unsigned integer: [`Scalar::Uint`].
    Uint,
    /// Yes or no: [`Scalar::Bool`].
    Bool,
    /// An address: [`Scalar::Ip`].
    Ip,
    /// An address that is compared with networks: [`Scalar::Ip`].
    Net,
    /// A port, 0 to 65535: [`Scalar::Uint`].
    Port,
    /// Nanoseconds since 1970: [`Scalar::Uint`].
    AbsoluteTime,
    /// A length of time in nanoseconds: [`Scalar::Int`].
    RelativeTime,
    /// Whatever the parameter of the event is (`evt.rawarg`).
    Dynamic,
}

/// What stands in brackets after a field's name, or after the dot of `evt.arg.NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Argument {
    /// Nothing may.
    None,
    /// A number or nothing.
    OptionalIndex,
    /// A number.
    Index,
    /// A name or nothing.
    OptionalKey,
    /// A name.
    Key,
    /// A number, a name or nothing.
    OptionalEither,
    /// `[number]` or `.name`: parameters of events (`evt.arg[0]`, `evt.arg.flags`).
    Parameter,
    /// Nothing, `.src` or `.dst` (`evt.abspath`).
    OptionalSuffix,
}

/// How many values a field has at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Many {
    /// One.
    One,
    /// Any number: a comparison holds if it holds of one of them ([`Value::List`]).
    List,
    /// Any number where no argument is given, one where it is (`proc.aname`).
    WithoutArgument,
}

/// Which events have the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// System calls and what the kernel tells beside them.
    Syscall,
    /// Audit events of Kubernetes.
    K8sAudit,
    /// Every event.
    Any,
}

/// What a field's value depends on, and so how long an answer holds: see [`Facts::stamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The event itself.
    Event,
    /// The process of the event, itself only: until it executes another program or changes what it is.
    Process,
    /// The process and its ancestors.
    Lineage,
    /// The container of the process: until more is known of it.
    Container,
}

/// Whether anything can fill the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Supply {
    /// Yes, though not for every event.
    Yes,
    /// Never, and why. It is [`Value::Unknown`] always; a rule that asks for it is blind there.
    Never(&'static str),
}

/// One row of [`FIELDS`].
#[derive(Debug)]
pub struct FieldInfo {
    /// The name: `proc.name`. Arguments are not part of it.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// How many there are.
    pub many: Many,
    /// What may follow the name.
    pub argument: Argument,
    /// Which events have it.
    pub source: Source,
    /// What it depends on.
    pub scope: Scope,
    /// Whether anything can fill it.
    pub supply: Supply,
    /// What it is, as a phrase.
    pub about: &'static str,
}

/// An argument as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Given {
    /// None.
    Nothing,
    /// A number.
    Index(u32),
    /// A name.
    Key(Arc<str>),
}

/// A field with its argument. Cheap to clone; what compares equal is the same question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Which field.
    pub id: FieldId,
    /// Its argument.
    pub given: Given,
}

impl Field {
    /// What the table says of it.
    pub fn info(&self) -> &'static FieldInfo {
        self.id.info()
    }

    /// Whether its value is a [`Value::List`], given its argument.
    pub fn is_list(&self) -> bool {
        match self.info().many {
            Many::One => false,
            Many::List => true,
            Many::WithoutArgument => self.given == Given::Nothing,
        }
    }
}

/// Tells answers that still hold: as long as the stamp of a scope is the same, fields of that scope have the same
/// values. Never the same for two processes: the first word says whose it is, and the others of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp(pub [u64; 3]);

/// Answers what rules ask of one event.
pub trait Facts {
    /// The value of `field` for this event. Borrowed from the event or the state where the bytes lie there.
    fn value(&self, field: &Field) -> Value<'_>;

    /// The type of the event, by which rules are chosen.
    fn code(&self) -> EventCode;

    /// How long answers of `scope` hold; `None` for no longer than this event.
    fn stamp(&self, scope: Scope) -> Option<Stamp>;
}

#[cfg(test)]
mod tests;
