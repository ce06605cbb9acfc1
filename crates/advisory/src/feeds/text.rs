//! Small readings that several formats share: times, identifiers, strings that stay where they lie, lenient fields.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// A moment as publishers write it: RFC 3339, or without a zone (UTC is meant), or a day. The year 1, which Go writes
/// for "not known", is none.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = |time: DateTime| Offset::UTC.to_timestamp(time).ok();
    let moment = (text.parse::<Timestamp>().ok())
        .or_else(|| text.parse::<DateTime>().ok().and_then(at))
        .or_else(|| text.parse::<Date>().ok().and_then(|day| at(day.at(0, 0, 0, 0))))?;
    (moment > Timestamp::from_second(-62_000_000_000).ok()?).then_some(moment)
}

/// A moment at which something was withdrawn. That it was counts more than when: a text that is no time is the epoch.
pub(crate) fn withdrawal(text: &str) -> Option<Timestamp> {
    (!text.trim().is_empty()).then(|| moment(text).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Bytes of a text that is said once in a file and repeated in many records. What is longer is no name, version or
/// title, and would let a small file become a large database.
const SHORT_BYTES: usize = 1024;

/// Whether `text` may be repeated; see [`SHORT_BYTES`].
pub(crate) fn is_short(text: &str) -> bool {
    text.len() <= SHORT_BYTES
}

/// Whether `text` looks like an identifier of an advisory or vulnerability: `CVE-2024-1`, `XSA-226`, `ALSA-2021:2363`.
pub(crate) fn is_id(text: &str) -> bool {
    let Some((head, rest)) = text.split_once('-') else { return false };
    head.starts_with(|first: char| first.is_ascii_alphabetic())
        && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-:._".contains(&byte))
}

/// Whether `text` is the identifier of a CVE record.
pub(crate) fn is_cve(text: &str) -> bool {
    let mut parts = text.split('-');
    let number =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    parts.next() == Some("CVE") && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

/// Writes a CVE as its catalogue does, since feeds differ in case and blanks; leaves all else as it is.
pub(crate) fn canonical_cve(id: &mut String) {
    let upper = id.trim().to_ascii_uppercase();
    if *id != upper && is_cve(&upper) {
        *id = upper;
    }
}

/// Text that stays in the input where it can. Unlike `Cow` it does so in lists and maps as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.0.into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;

        impl<'de> Visitor<'de> for Strings {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(Strings)
    }
}

/// The strings in a field that a schema leaves to each database: one, a list of them, or none where it holds something
/// else.
#[derive(Debug, Default)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl Words {
    /// The first of them.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;

        impl<'de> Visitor<'de> for Anything {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_str<E>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()]))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_unit<E>(self) -> Result<Words, E> {
                Ok(Words::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(Words(more)) = items.next_element()? {
                    words.extend(more);
                }
                Ok(Words(words))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Words, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Words::default())
            }
        }

        deserializer.deserialize_any(Anything)
    }
}

/// The entries of an object in the order in which they are written, repeated keys included: a map would hash what is
/// only walked once.
#[derive(Debug)]
pub(crate) struct Entries<'a, V>(pub(crate) Vec<(Text<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Entries<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entries = Vec::new();
        each_entry(deserializer, |key, value| entries.push((key, value)))?;
        Ok(Self(entries))
    }
}

/// Calls `visit` with each entry of an object as it is read.
pub(crate) fn each_entry<'de, D: Deserializer<'de>, K: Deserialize<'de>, V: Deserialize<'de>>(
    deserializer: D,
    visit: impl FnMut(K, V),
) -> Result<(), D::Error> {
    struct Each<K, V, F>(F, PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>, F: FnMut(K, V)> Visitor<'de> for Each<K, V, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
            while let Some((key, value)) = entries.next_entry()? {
                (self.0)(key, value);
            }
            Ok(())
        }
    }

    deserializer.deserialize_map(Each(visit, PhantomData))
}

/// A list of at most so many items, since each takes far more memory than what it takes to name it.
#[derive(Debug)]
pub(crate) struct Most<T, const N: usize>(pub(crate) Vec<T>);

impl<T, const N: usize> Default for Most<T, N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Most<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
            type Value = Most<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.len() == N {
                        return Err(A::Error::custom(format_args!("a list has more than {N} items")));
                    }
                    list.push(item);
                }
                Ok(Most(list))
            }
        }

        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// A field that may be `null` where its type would do.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_all_publishers() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(moment(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
        };
        check("2022-08-08T16:56:55.240734Z", Some("2022-08-08T16:56:55.240734Z"));
        check("2020-07-29T14:48:07+09:00", Some("2020-07-29T05:48:07Z"));
        check("2024-07-01T08:15:05.120", Some("2024-07-01T08:15:05.12Z"));
        check("2024-07-01 20:41:00", Some("2024-07-01T20:41:00Z"));
        check("2025-04-28", Some("2025-04-28T00:00:00Z"));
        check("0001-01-01T00:00:00Z", None);
        check("soon", None);
        assert_eq!(withdrawal("soon"), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(withdrawal(""), None);
    }

    #[test]
    fn identifiers() {
        for id in
            ["CVE-2024-1", "XSA-226", "ALSA-2021:2363", "GHSA-xgww-h98f-24qf", "CVE_2019-2426", "TEMP-0000000-A1B2C3"]
        {
            assert!(is_id(id), "{id}");
        }
        for no in ["CVE", "N/A", "(+", "-1", "regression", "2020-7385", "a-b c"] {
            assert!(!is_id(no), "{no}");
        }
        assert!(is_cve("CVE-2024-1"));
        for no in ["CVE-2024", "CVE-2024-", "CVE-2024-1-2", "cve-2024-1", "XCVE-2024-1", "CVE-2024-1x"] {
            assert!(!is_cve(no), "{no}");
        }
    }

    #[test]
    fn text_stays_in_the_input_unless_it_is_escaped() {
        let texts: Vec<Text<'_>> = serde_json::from_str(r#"["a", "b\/c"]"#).unwrap();
        assert!(matches!(&texts[0].0, Cow::Borrowed("a")));
        assert_eq!(&*texts[1], "b/c");
    }
}
