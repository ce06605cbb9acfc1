//! The values of package.json and npm's lock files that are more than a scalar.

use crate::analyzers::json::{Scalar, nothing, skip_seq};
use sekisho_model::License;
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A licence or a person: a string, or an object that says the same in fields.
#[derive(Debug, Default)]
struct Item<'a> {
    /// The string.
    text: Scalar<'a>,
    /// `{ "type": "MIT" }`; a few packages write `name` instead.
    kind: Scalar<'a>,
    /// `{ "name": "A", "email": "a@b" }`.
    name: Scalar<'a>,
    email: Scalar<'a>,
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Item<'de>;

            nothing!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Item { text: Scalar::Text(Cow::Borrowed(text)), ..Item::default() })
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Item { text: Scalar::Text(Cow::Owned(text.to_owned())), ..Item::default() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Item::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut item = Item::default();
                while let Some(key) = map.next_key::<Scalar<'de>>()? {
                    match key.as_str() {
                        "type" => item.kind = map.next_value()?,
                        "name" => item.name = map.next_value()?,
                        "email" => item.email = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(item)
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// Licences or persons kept of one list: more than any package has.
const MAX_ITEMS: usize = 64;

/// Longer texts are not taken for licences: no expression is that long, and parsing one costs many
/// times its size in memory.
const MAX_LICENSE_BYTES: usize = 4096;

/// One or several licences or persons.
#[derive(Debug, Default)]
pub(in crate::analyzers) struct Items<'a>(Vec<Item<'a>>);

impl Items<'_> {
    /// Read as licences.
    pub(in crate::analyzers) fn licenses(&self) -> impl Iterator<Item = License> {
        self.0
            .iter()
            .filter_map(|item| item.text.text().or_else(|| item.kind.text()).or_else(|| item.name.text()))
            .filter(|text| text.len() <= MAX_LICENSE_BYTES)
            .filter_map(License::parse)
    }

    /// Read as licences of which one is to be kept, which several are in Composer's files and were in npm's.
    pub(in crate::analyzers) fn choice(&self) -> Vec<License> {
        let licenses: Vec<License> = self.licenses().collect();
        let is_plain = licenses.iter().all(|license| matches!(license, License::Expression(_)));
        if licenses.len() < 2 || !is_plain {
            return licenses;
        }
        let part = |license: &License| match license.as_str() {
            text if text.contains(' ') => format!("({text})"),
            text => text.to_owned(),
        };
        License::parse(&licenses.iter().map(part).collect::<Vec<_>>().join(" OR ")).into_iter().collect()
    }

    /// Read as persons, joined by commas; `None` when there is none.
    pub(in crate::analyzers) fn persons(&self) -> Option<String> {
        let mut out = String::new();
        for item in &self.0 {
            let (name, email) = match item.text.text() {
                // `Name <mail> (home page)`
                Some(text) => (text.split(" (").next(), None),
                None => (item.name.text(), item.email.text()),
            };
            if !out.is_empty() && name.or(email).is_some() {
                out.push_str(", ");
            }
            out.push_str(name.unwrap_or_default());
            match (name, email) {
                (Some(_), Some(email)) => out.extend([" <", email, ">"]),
                (None, Some(email)) => out.push_str(email),
                (_, None) => {}
            }
        }
        Some(out).filter(|out| !out.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Items<'de>;

            nothing!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Item::deserialize(BorrowedStrDeserializer::new(text)).map(|item| Items(vec![item]))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Item::deserialize(text.into_deserializer()).map(|item| Items(vec![item]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Items::default();
                while items.0.len() < MAX_ITEMS {
                    match seq.next_element()? {
                        Some(item) => items.0.push(item),
                        None => return Ok(items),
                    }
                }
                skip_seq(seq).map(|()| items)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Item::deserialize(MapAccessDeserializer::new(map)).map(|item| Items(vec![item]))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: &str) -> Items<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn several_licences_are_a_choice() {
        let choice = |json: &str| items(json).choice().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(choice(r#"["LGPL-2.1-only", "GPL-3.0-or-later"]"#), ["LGPL-2.1-only OR GPL-3.0-or-later"]);
        assert_eq!(choice(r#"[{"type": "MIT"}, {"type": "ISC AND Zlib"}]"#), ["MIT OR (ISC AND Zlib)"]);
        assert_eq!(choice(r#"["MIT", "proprietary"]"#), ["MIT", "proprietary"]);
        assert_eq!(choice(r#""MIT""#), ["MIT"]);
    }

    #[test]
    fn licences_are_strings_objects_or_lists() {
        let check = |json, expect: &[&str]| {
            let found: Vec<_> = items(json).licenses().map(|license| license.to_string()).collect();
            assert_eq!(found, expect, "{json}");
        };
        check(r#""(MIT OR Apache-2.0)""#, &["(MIT OR Apache-2.0)"]);
        check(r#""M\u0049T""#, &["MIT"]);
        check(r#"{"url": "https://example.org", "type": "BSD"}"#, &["BSD"]);
        check(r#"[{"type": "MIT", "url": ["x"]}, "ISC", {"name": "X"}, [["MIT"]], {}, 1]"#, &["MIT", "ISC", "X"]);
        assert_eq!(items(&format!("\"{}MIT\"", "MIT OR ".repeat(1000))).licenses().count(), 0);
        for json in ["null", "true", "-1", "1", "1.5", "[]", "{}", r#"" ""#, r#"{"type": {"type": "MIT"}}"#] {
            check(json, &[]);
        }
    }

    #[test]
    fn persons_are_strings_objects_or_lists() {
        let check = |json, expect: Option<&str>| assert_eq!(items(json).persons().as_deref(), expect, "{json}");
        check(r#""A B <a@b> (https://example.org)""#, Some("A B <a@b>"));
        check(r#"{"name": "A", "email": "a@b", "url": "u"}"#, Some("A <a@b>"));
        check(r#"[{"email": "a@b"}, {"url": "u"}, "C", {"name": "D"}]"#, Some("a@b, C, D"));
        check("[{}, 1, null]", None);
    }

    #[test]
    fn long_lists_are_cut_and_deep_values_skipped() {
        let long = format!("[{}1]", r#""MIT","#.repeat(100_000));
        assert_eq!(items(&long).0.len(), MAX_ITEMS);
        let deep = format!(r#"{{"x": {}{}, "type": "MIT"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(items(&deep).licenses().count(), 1);
    }
}
