//! Outputs: texts with fields in them, as `%proc.name`, `%evt.arg[0]`, `%toupper(proc.name)`, `%20proc.name`.
//!
//! (Falco's `libsinsp/eventformatter.cpp`.)

use crate::condition::{self, Operand};
use crate::typed::{self, Getter, Mistake};
use crate::value;
use sekisho_trace::field::{Facts, Scalar, Value};
use sekisho_trace::{Field, FieldId};
use std::fmt::Write;
use std::sync::Arc;

/// An output, ready.
#[derive(Debug, Clone)]
pub struct Format {
    text: String,
    /// The moment of the event.
    moment: Field,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Field { key: Arc<str>, width: usize, getter: Getter },
}

/// Fields that Falco gives in JSON as the moment of the event.
const TIMES: [&str; 5] = ["evt.time", "evt.time.s", "evt.time.iso8601", "evt.datetime", "evt.datetime.s"];

/// How wide a field can be made.
const WIDTH: usize = 1024;

impl Format {
    /// Reads an output of rules whose events are of `source`. A star in front is Falco's for printing what has fields
    /// without a value, which alerts always do.
    pub(crate) fn parse(text: &str, source: &str) -> Result<Self, Mistake> {
        let wrong = |reason: String| Mistake { reason, hint: None, unknown: false, check: String::new() };
        let moment = typed::field("evt.rawtime", None, source).map_err(|error| wrong(error.to_string()))?;
        let mut rest = text.strip_prefix('*').unwrap_or(text);
        let mut parts = Vec::new();
        while let Some((before, behind)) = rest.split_once('%') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            let width = match &behind[..digits] {
                "" => 0,
                digits => digits
                    .parse()
                    .ok()
                    .filter(|width| *width <= WIDTH)
                    .ok_or_else(|| wrong(format!("a field is at most {WIDTH} wide, not {digits}")))?,
            };
            let behind = &behind[digits..];
            if behind.is_empty() {
                return Err(wrong("an output cannot end in the middle of a field".to_owned()));
            }
            let (getter, length) = token(behind, source)?;
            parts.push(Part::Field { key: behind[..length].into(), width, getter });
            rest = &behind[length..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), moment, parts })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The fields in it, in order.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        for part in &self.parts {
            if let Part::Field { getter, .. } = part {
                getter.fields(&mut |field| fields.push(field));
            }
        }
        fields
    }

    /// The moment of an event in nanoseconds since 1970, if it has one.
    pub(crate) fn moment(&self, facts: &dyn Facts) -> Option<u64> {
        match facts.value(&self.moment) {
            Value::One(Scalar::Uint(time)) => Some(time),
            Value::One(Scalar::Int(time)) => u64::try_from(time).ok(),
            _ => None,
        }
    }

    /// The text for an event; what has no value is `<NA>`, and control characters are escaped.
    pub(crate) fn render(&self, facts: &dyn Facts) -> String {
        let mut text = String::with_capacity(self.text.len() * 2);
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Field { getter, width, .. } => {
                    let value = printable(print(&value::get(getter, facts)));
                    match width {
                        0 => text.push_str(&value),
                        width => {
                            text.extend(value.chars().chain(std::iter::repeat(' ')).take(*width));
                        }
                    }
                }
            }
        }
        text
    }

    /// What the fields say, by how they are written.
    pub(crate) fn values(&self, facts: &dyn Facts, to: &mut serde_json::Map<String, serde_json::Value>) {
        for part in &self.parts {
            if let Part::Field { key, getter, .. } = part {
                // Times of the event are moments in nanoseconds, however its text has them.
                let value = match getter {
                    Getter::Field(field) if TIMES.contains(&field.info().name) => facts.value(&self.moment),
                    _ => value::get(getter, facts),
                };
                to.insert(key.to_string(), json(&value));
            }
        }
    }
}

/// The field or transformer at the beginning, and its length. Of a name that is none, the longest beginning that is one.
fn token(text: &str, source: &str) -> Result<(Getter, usize), Mistake> {
    let (operand, length) = condition::operand(text).map_err(|error| {
        let found: String = text.chars().take_while(|char| !char.is_whitespace()).take(40).collect();
        let reason = format!("'%{found}' is no field: {error}");
        Mistake { reason, hint: error.hint, unknown: true, check: String::new() }
    })?;
    if let Operand::Field(name, argument) = &operand
        && typed::field(name, argument.as_deref(), source).is_err()
    {
        for end in (1..name.len()).rev().filter(|end| *end < 100) {
            if FieldId::of(&name[..end]).is_some_and(|id| !typed::takes_argument(id))
                && let Ok(field) = typed::field(&name[..end], None, source)
            {
                return Ok((Getter::Field(field), end));
            }
        }
    }
    typed::getter(&operand, source).map(|getter| (getter, length))
}

fn print(value: &Value<'_>) -> String {
    match value {
        Value::One(scalar) => scalar.to_string(),
        Value::List(scalars) => {
            let mut text = String::from("(");
            for (index, scalar) in scalars.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                // Writing to a text does not fail.
                let _ = write!(text, "{comma}{scalar}");
            }
            text.push(')');
            text
        }
        Value::Partly(_) => print(&value.clone().shown()),
        Value::Absent | Value::Unknown(_) => "<NA>".to_owned(),
    }
}

/// Without what could end a line or move a terminal's cursor.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if char.is_control() { safe.extend(char.escape_default()) } else { safe.push(char) }
    }
    safe
}

fn json(value: &Value<'_>) -> serde_json::Value {
    let scalar = |scalar: &Scalar<'_>| match scalar {
        Scalar::Int(number) => (*number).into(),
        Scalar::Uint(number) => (*number).into(),
        Scalar::Bool(value) => (*value).into(),
        Scalar::Text(_) | Scalar::Ip(_) => scalar.to_string().into(),
    };
    match value {
        Value::One(one) => scalar(one),
        Value::List(many) => many.iter().map(scalar).collect(),
        Value::Partly(_) => json(&value.clone().shown()),
        Value::Absent | Value::Unknown(_) => serde_json::Value::Null,
    }
}
