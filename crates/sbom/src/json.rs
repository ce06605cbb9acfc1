//! Strangers' JSON, read without a tree of values: texts of any type, short lists, and long ones item by item.
//!
//! A field of an unexpected type says nothing rather than making its document unreadable. What is not wanted is skipped
//! without recursion, and what is nested is bounded by the depth at which `serde_json` gives up.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A text; a number or truth value as it is written; empty for anything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

macro_rules! written {
    ($($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, value: $type) -> Result<Text, E> {
            Ok(Text(value.to_string()))
        })*
    };
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    written!(visit_str(&str), visit_bool(bool), visit_u64(u64), visit_i64(i64), visit_f64(f64));

    fn visit_string<E>(self, value: String) -> Result<Text, E> {
        Ok(Text(value))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
}

/// The beginning of a list that is short where nobody means harm: each item takes far more memory than a document needs
/// to name it. `null` is empty.
#[derive(Debug, Clone)]
pub(crate) struct Few<T> {
    pub(crate) items: Vec<T>,
    /// Whether there were more.
    pub(crate) more: bool,
}

impl<T> Few<T> {
    /// How many are kept.
    const MOST: usize = 4096;
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { items: Vec::new(), more: false }
    }
}

impl<T> std::ops::Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut few = Self::default();
        from.deserialize_any(Items(
            |item| {
                few.more |= few.items.len() >= Self::MOST;
                if !few.more {
                    few.items.push(item);
                }
            },
            PhantomData,
        ))?;
        Ok(few)
    }
}

/// Hands the items of a list over one by one; `null` has none.
struct Items<T, F>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Items<T, F> {
    type Value = ();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Items<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

/// Hands the items of the list `field` at the top of a document over one by one.
pub(crate) fn each<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    field: &'static str,
    take: impl FnMut(T),
) -> Result<(), serde_json::Error> {
    with_field(bytes, field, Items(take, PhantomData))
}

/// Reads the value of `field` at the top of a document by `seed`.
pub(crate) fn with_field<'de>(
    bytes: &'de [u8],
    field: &'static str,
    seed: impl DeserializeSeed<'de, Value = ()>,
) -> Result<(), serde_json::Error> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    from.deserialize_map(Top { field, seed: Some(seed) })?;
    from.end()
}

struct Top<S> {
    field: &'static str,
    seed: Option<S>,
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Top<S> {
    type Value = ();

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key != self.field {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // Which of two is meant cannot be told.
            let seed = self.seed.take().ok_or_else(|| A::Error::duplicate_field(self.field))?;
            map.next_value_seed(seed)?;
        }
        Ok(())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_any_type() {
        let read = |json: &str| serde_json::from_str::<Text>(json).unwrap().0;
        assert_eq!([read("\"a\\n\""), read("1"), read("true")], ["a\n", "1", "true"]);
        assert_eq!([read("null"), read("[1,{}]"), read("{\"a\":[]}")], ["", "", ""]);
    }

    #[test]
    fn long_lists_are_cut_and_said_to_be() {
        let few = serde_json::from_str::<Few<Text>>(&format!("[{}1]", "1,".repeat(10_000))).unwrap();
        assert_eq!((few.len(), few.more), (4096, true));
        assert!(!serde_json::from_str::<Few<Text>>("[1]").unwrap().more);
        assert!(serde_json::from_str::<Few<Text>>("null").unwrap().is_empty());
        assert!(serde_json::from_str::<Few<Text>>("{}").is_err());
    }

    #[test]
    fn one_field_is_read_item_by_item() {
        let read = |json: &str| {
            let mut found = Vec::new();
            each(json.as_bytes(), "a", |Text(item)| found.push(item)).map(|()| found)
        };
        assert_eq!(read(r#"{"b":[[]],"a":["x",2]}"#).unwrap(), ["x", "2"]);
        assert!(read(r#"{"a":[1],"a":[2]}"#).is_err(), "two lists of one name");
        assert!(read(r#"{"a":[1]} x"#).is_err() && read("[]").is_err());
    }
}
