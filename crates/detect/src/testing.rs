//! Events made of what a test says of them.

use crate::condition;
use crate::typed::{self, Tree};
use sekisho_trace::field::{Facts, Scalar, Scope, Stamp, Unknown, Value};
use sekisho_trace::{EventCode, Field};

/// An event with these fields; all others are absent.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) fields: Vec<(Field, Value<'static>)>,
    pub(crate) code: EventCode,
}

impl Facts for Said {
    fn value(&self, field: &Field) -> Value<'_> {
        self.fields.iter().find(|(known, _)| known == field).map_or(Value::Absent, |(_, value)| value.clone())
    }

    fn code(&self) -> EventCode {
        self.code
    }

    fn stamp(&self, _: Scope) -> Option<Stamp> {
        None
    }
}

/// An event of type `open` where each line says `field: value`. Values are texts in quotes, numbers, `true` and `false`,
/// addresses, `?` for what is not known, `"x"~` for what begins so, and lists of these in square brackets.
pub(crate) fn event(lines: &[&str]) -> Said {
    let mut fields = vec![(Field::parse("evt.type").unwrap(), Value::text("open"))];
    for line in lines {
        let (field, value) = line.split_once(": ").expect("field: value");
        fields.push((Field::parse(field).expect("a field"), parse(value)));
    }
    Said { fields, code: EventCode::named("open")[0] }
}

fn parse(text: &str) -> Value<'static> {
    if text == "?" {
        return Value::Unknown(Unknown::NotRecorded);
    }
    let begins =
        |text: &str| text.strip_suffix('~').map(scalar).and_then(|scalar| scalar.as_text().map(<[u8]>::to_vec));
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(items) => Value::of_all(items.split(", ").map(parse)),
        None => begins(text).map_or_else(|| Value::One(scalar(text)), Value::beginning),
    }
}

fn scalar(text: &str) -> Scalar<'static> {
    if let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return Scalar::Text(text.as_bytes().to_vec().into());
    }
    let number = || text.parse().map(Scalar::Int).ok();
    let value = || text.parse().map(Scalar::Bool).ok();
    number().or_else(value).or_else(|| text.parse().map(Scalar::Ip).ok()).expect("a value")
}

/// A condition over system calls.
pub(crate) fn tree(text: &str) -> Tree {
    let parsed = condition::parse(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
    typed::tree(&parsed, "syscall").unwrap_or_else(|mistake| panic!("{text}: {}", mistake.reason))
}
