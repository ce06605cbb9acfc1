//! A field as a rule names it: `proc.aname[2]`, `evt.arg.flags`, `container.mount.dest[/etc]`.

use super::{Argument, FIELDS, Field, FieldId, Given};
use std::sync::Arc;

/// Fields whose argument may stand after a dot instead of in brackets.
const DOTTED: [&str; 7] =
    ["evt.arg", "evt.rawarg", "evt.abspath", "evt.type.is", "thread.cgroup", "container.label", "k8s.pod.label"];

/// Why a text is no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Nothing is called so.
    #[error("there is no field {0}")]
    NoSuchField(String),
    /// It needs an argument.
    #[error("{0} needs an argument")]
    ArgumentMissing(&'static str),
    /// It takes none.
    #[error("{0} takes no argument")]
    ArgumentUnexpected(&'static str),
    /// Its argument is not of the right kind.
    #[error("the argument of {name} is to be {expected}, not {given:?}")]
    ArgumentInvalid {
        /// The field.
        name: &'static str,
        /// What it is to be.
        expected: &'static str,
        /// What was given.
        given: String,
    },
}

impl FieldError {
    /// The field whose name is nearest to one that is not there, if one is near. Many texts are tried that are no fields:
    /// only who tells somebody asks.
    pub fn nearest(&self) -> Option<&'static str> {
        let Self::NoSuchField(name) = self else { return None };
        let near = FIELDS.iter().map(|info| (strsim::levenshtein(name, info.name), info.name)).min();
        near.filter(|(far, _)| *far * 4 <= name.len()).map(|(_, name)| name)
    }
}

impl Field {
    /// Reads a whole text: `proc.aname[2]`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        match text.split_once('[') {
            Some((name, rest)) => match rest.strip_suffix(']') {
                Some(argument) => Self::of(name, Some(unquoted(argument))),
                None => Err(no_such(text)),
            },
            None => Self::of(text, None),
        }
    }

    /// The field `name`, which may end in what is an argument after a dot (`evt.arg.flags`), with what stood in brackets
    /// after it, quotes removed.
    pub fn of(name: &str, argument: Option<&str>) -> Result<Self, FieldError> {
        if let Some(id) = FieldId::of(name) {
            return Self::with(id, argument);
        }
        for base in DOTTED {
            let Some(suffix) = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('.')) else { continue };
            let (Some(id), None) = (FieldId::of(base), argument) else { return Err(no_such(name)) };
            if suffix.is_empty() || base == "evt.abspath" && !matches!(suffix, "src" | "dst") {
                return Err(no_such(name));
            }
            return Ok(Self { id, given: Given::Key(Arc::from(suffix)) });
        }
        Err(no_such(name))
    }

    fn with(id: FieldId, argument: Option<&str>) -> Result<Self, FieldError> {
        let info = id.info();
        let index = |text: &str| text.parse::<u32>().ok().map(Given::Index);
        let key = |text: &str| (!text.is_empty()).then(|| Given::Key(Arc::from(text)));
        let (given, expected) = match (info.argument, argument) {
            (Argument::None | Argument::OptionalSuffix, Some(_)) => {
                return Err(FieldError::ArgumentUnexpected(info.name));
            }
            (Argument::Index | Argument::Key | Argument::Parameter, None) => {
                return Err(FieldError::ArgumentMissing(info.name));
            }
            (_, None) => (Some(Given::Nothing), ""),
            (Argument::OptionalIndex | Argument::Index | Argument::Parameter, Some(text)) => (index(text), "a number"),
            (Argument::OptionalKey | Argument::Key, Some(text)) => (key(text), "a name"),
            (Argument::OptionalEither, Some(text)) => (index(text).or_else(|| key(text)), "a number or a name"),
        };
        match given {
            Some(given) => Ok(Self { id, given }),
            None => Err(FieldError::ArgumentInvalid {
                name: info.name,
                expected,
                given: argument.unwrap_or_default().to_owned(),
            }),
        }
    }
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn no_such(name: &str) -> FieldError {
    FieldError::NoSuchField(name.chars().take(100).collect())
}
