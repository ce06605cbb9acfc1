//! Named formats (`k8s.io/apiserver/pkg/cel/library/format.go`, `k8s.io/apimachinery/pkg/util/validation`).

use super::url::Url;
use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;

/// A format: its name, what a text of it is, and whether one is.
struct Named {
    name: &'static str,
    wanted: &'static str,
    fits: fn(&str) -> bool,
}

const FORMATS: [Named; 13] = [
    Named { name: "byte", wanted: "valid base64", fits: is_base64 },
    Named { name: "date", wanted: "a date such as 2006-01-02", fits: is_date },
    Named { name: "datetime", wanted: "a moment as RFC 3339 writes it", fits: is_moment },
    Named { name: "dns1035Label", wanted: "a DNS label of RFC 1035", fits: |text| is_label(text, true) },
    Named {
        name: "dns1035LabelPrefix",
        wanted: "the beginning of a DNS label of RFC 1035",
        fits: |text| is_label(&prefix(text), true),
    },
    Named { name: "dns1123Label", wanted: "a DNS label of RFC 1123", fits: |text| is_label(text, false) },
    Named {
        name: "dns1123LabelPrefix",
        wanted: "the beginning of a DNS label of RFC 1123",
        fits: |text| is_label(&prefix(text), false),
    },
    Named { name: "dns1123Subdomain", wanted: "a DNS name of RFC 1123", fits: is_subdomain },
    Named {
        name: "dns1123SubdomainPrefix",
        wanted: "the beginning of a DNS name of RFC 1123",
        fits: |text| is_subdomain(&prefix(text)),
    },
    Named { name: "labelValue", wanted: "a value of a label", fits: |text| text.is_empty() || is_word(text) },
    Named {
        name: "qualifiedName",
        wanted: "a name with or without a DNS name and a slash before it",
        fits: is_qualified,
    },
    Named { name: "uri", wanted: "a URI", fits: |text| Url::parse(text).is_some() },
    Named { name: "uuid", wanted: "a UUID", fits: is_uuid },
];

pub(super) const TABLE: &[Entry] = &[
    ("format.named(string) -> optional(namedFormat)", |of, _| match of {
        [Value::Text(name)] => {
            let place = FORMATS.iter().position(|format| format.name == &**name);
            Ok(place.map_or_else(Value::none, |place| Value::some(Value::Format(place))))
        }
        _ => Err(mismatch()),
    }),
    ("namedFormat.validate(string) -> optional(list(string))", validate),
    ("format.byte() -> namedFormat", |_, _| Ok(Value::Format(0))),
    ("format.date() -> namedFormat", |_, _| Ok(Value::Format(1))),
    ("format.datetime() -> namedFormat", |_, _| Ok(Value::Format(2))),
    ("format.dns1035Label() -> namedFormat", |_, _| Ok(Value::Format(3))),
    ("format.dns1035LabelPrefix() -> namedFormat", |_, _| Ok(Value::Format(4))),
    ("format.dns1123Label() -> namedFormat", |_, _| Ok(Value::Format(5))),
    ("format.dns1123LabelPrefix() -> namedFormat", |_, _| Ok(Value::Format(6))),
    ("format.dns1123Subdomain() -> namedFormat", |_, _| Ok(Value::Format(7))),
    ("format.dns1123SubdomainPrefix() -> namedFormat", |_, _| Ok(Value::Format(8))),
    ("format.labelValue() -> namedFormat", |_, _| Ok(Value::Format(9))),
    ("format.qualifiedName() -> namedFormat", |_, _| Ok(Value::Format(10))),
    ("format.uri() -> namedFormat", |_, _| Ok(Value::Format(11))),
    ("format.uuid() -> namedFormat", |_, _| Ok(Value::Format(12))),
];

/// Nothing where a text is of the format, else what is wrong.
fn validate(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::Format(place), Value::Text(text)] = of else { return Err(mismatch()) };
    let format = FORMATS.get(*place).ok_or_else(mismatch)?;
    if (format.fits)(text) {
        return Ok(Value::none());
    }
    Ok(Value::some(Value::list(vec![Value::Text(format!("must be {}", format.wanted).into())])))
}

/// What a generated name is before its random part. The server puts one letter for the line at the end and what is before
/// that.
fn prefix(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next_back() {
        Some('-') if text.len() > 1 => {
            chars.next_back();
            format!("{}a", chars.as_str())
        }
        _ => text.to_owned(),
    }
}

fn is_label(text: &str, letter_first: bool) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let first = text
        .as_bytes()
        .first()
        .is_some_and(|byte| byte.is_ascii_lowercase() || (!letter_first && byte.is_ascii_digit()));
    text.len() <= 63 && first && text.bytes().all(is_part) && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    // Parts may be longer than a label of its own may.
    let is_part = |part: &str| {
        let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        is_end(part.as_bytes().first()) && is_end(part.as_bytes().last()) && part.bytes().all(inner)
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_word(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_word(name),
        None => is_word(text),
    }
}

fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - bare.len() <= 2
        && bare.len() % 4 != 1
        && bare.bytes().all(is_part)
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && !text.starts_with(['+', '-'])
        && text.parse::<jiff::civil::Date>().is_ok()
        && text.as_bytes()[4] == b'-'
}

fn is_moment(text: &str) -> bool {
    super::time::timestamp_of(&text.to_ascii_uppercase()).is_ok()
}

fn is_uuid(text: &str) -> bool {
    // With or without lines between the parts.
    let bytes: Vec<u8> = text.bytes().collect();
    let mut rest = bytes.as_slice();
    for (place, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        let Some((part, after)) = rest.split_at_checked(length) else { return false };
        if !part.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}
