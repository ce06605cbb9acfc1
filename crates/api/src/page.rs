//! Lists, a part at a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Entries of a part where nobody says how many.
pub const USUAL: u32 = 100;
/// Entries of a part at most.
pub const MOST: u32 = 1000;
/// Bytes of a cursor at most.
const MOST_BYTES: usize = 4096;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries, in the list's order.
    pub items: Vec<T>,
    /// Where the next part begins; none where this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A part of at most `limit` entries out of one more, if there is one more; `key` is what tells where an entry is.
    pub fn cut(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| Cursor(key(last)));
        Self { items, next }
    }
}

/// A place in a list: behind the entry with this key. As text it says nothing to anybody but the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor(pub String);

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// A text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no cursor of this server")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > MOST_BYTES {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        String::from_utf8(bytes).map(Self).map_err(|_| InvalidCursor)
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_the_next_begins() {
        let cut = |count: u32| Page::cut((0..count).collect(), 3, ToString::to_string);
        assert_eq!(cut(2), Page { items: vec![0, 1], next: None });
        assert_eq!(cut(3), Page { items: vec![0, 1, 2], next: None });
        assert_eq!(cut(4), Page { items: vec![0, 1, 2], next: Some(Cursor("2".to_owned())) });
    }

    #[test]
    fn cursors_come_back_as_they_were() {
        for key in ["", "sha256:0123", "日本 \0"] {
            assert_eq!(Cursor(key.to_owned()).to_string().parse(), Ok(Cursor(key.to_owned())));
        }
        for text in ["*", "a", "_w", &"a".repeat(5000)] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
