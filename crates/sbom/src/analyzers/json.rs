//! JSON values, read leniently: formats grew over a decade, and a field of an unexpected type says nothing rather than
//! making its file unreadable.
//!
//! No value tree is built. Whatever is not wanted goes to [`IgnoredAny`], which `serde_json` skips without recursion.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Visitor methods for scalars that say nothing: they give the default.
macro_rules! nothing {
    ($($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
    };
}
pub(in crate::analyzers) use nothing;

/// Skips the rest of an array.
pub(in crate::analyzers) fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips the rest of an object.
pub(in crate::analyzers) fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A string, truth value or natural number; nothing for all other values.
#[derive(Debug, Default)]
pub(in crate::analyzers) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Number(u64),
    #[default]
    Other,
}

impl Scalar<'_> {
    /// The string as it is written; empty for other values.
    pub(in crate::analyzers) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The string without white space around it, unless it is blank.
    pub(in crate::analyzers) fn text(&self) -> Option<&str> {
        Some(self.as_str().trim()).filter(|text| !text.is_empty())
    }

    /// Whether it is `true`.
    pub(in crate::analyzers) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The number.
    pub(in crate::analyzers) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Scalar<'de>;

            nothing!(visit_i64(i64), visit_f64(f64));

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                skip_map(map).map(|()| Scalar::Other)
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// What should be an object: nothing where it is another value, so that one odd entry of many costs only itself.
#[derive(Debug)]
pub(in crate::analyzers) struct Part<T>(pub(in crate::analyzers) Option<T>);

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Lenient<T> {
            type Value = Part<T>;

            nothing!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Part(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| Part(Some(value)))
            }
        }
        deserializer.deserialize_any(Lenient(PhantomData))
    }
}

/// Reads an object as the visitor in it does; false, and nothing is read, where it is another value.
pub(in crate::analyzers) struct IfObject<V>(pub(in crate::analyzers) V);

impl<'de, V: Visitor<'de, Value = ()>> DeserializeSeed<'de> for IfObject<V> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, V: Visitor<'de, Value = ()>> Visitor<'de> for IfObject<V> {
    type Value = bool;

    nothing!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        skip_seq(seq).map(|()| false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        self.0.visit_map(map).map(|()| true)
    }
}

/// Reads an object whose values are all alike, one entry at a time: `take` is called with each.
pub(in crate::analyzers) struct Each<T, F>(F, PhantomData<T>);

/// See [`Each`].
pub(in crate::analyzers) fn each<'de, T: Deserialize<'de>, F: FnMut(Cow<'de, str>, T)>(take: F) -> Each<T, F> {
    Each(take, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(Cow<'de, str>, T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(Cow<'de, str>, T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Scalar<'de>, T>()? {
            if let Scalar::Text(key) = key {
                (self.0)(key, value);
            }
        }
        Ok(())
    }
}

/// Reads an array whose elements are all alike, one at a time: `take` is called with each.
pub(in crate::analyzers) struct List<T, F>(F, PhantomData<T>);

/// See [`List`].
pub(in crate::analyzers) fn list<'de, T: Deserialize<'de>, F: FnMut(T)>(take: F) -> List<T, F> {
    List(take, PhantomData)
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for List<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for List<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// The same, or `null`.
pub(in crate::analyzers) struct OrNull<S>(pub(in crate::analyzers) S);

impl<'de, S: DeserializeSeed<'de, Value = ()>> DeserializeSeed<'de> for OrNull<S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> Visitor<'de> for OrNull<S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.deserialize(deserializer)
    }
}

/// An object whose values mean something else under each key.
pub(in crate::analyzers) trait Keys<'de> {
    /// Takes the value under `key` out of `map`, with [`skip`] where it says nothing.
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;

    /// Takes a list in the place of the object, where a format has had that form.
    fn list<A: SeqAccess<'de>>(&mut self, _: A) -> Result<(), A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &"an object"))
    }
}

/// Passes over a value.
pub(in crate::analyzers) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Reads an object key by key, by the rules of [`Keys`].
pub(in crate::analyzers) struct Object<'k, K>(pub(in crate::analyzers) &'k mut K);

impl<'de, K: Keys<'de>> DeserializeSeed<'de> for Object<'_, K> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, K: Keys<'de>> Visitor<'de> for Object<'_, K> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.list(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            self.0.take(key.as_str(), &mut map)?;
        }
        Ok(())
    }
}
