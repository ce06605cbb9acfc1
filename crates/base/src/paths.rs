//! Many paths in little memory.

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// Paths in the order of an archive, each stored as what differs from the one before.
///
/// Archives list a directory after its parent, so this takes about a quarter of the plain text.
#[derive(Clone, Default)]
pub struct PathTable {
    coded: Vec<u8>,
    /// The last path pushed.
    last: String,
}

impl PathTable {
    /// Appends `path`; `directory` ones are given a trailing slash.
    pub fn push(&mut self, path: &str, directory: bool) {
        let shared = self.last.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        let mut shared = shared;
        while !path.is_char_boundary(shared) {
            shared -= 1;
        }
        let rest = &path[shared..];
        push_number(&mut self.coded, shared);
        push_number(&mut self.coded, rest.len() + usize::from(directory));
        self.coded.extend_from_slice(rest.as_bytes());
        if directory {
            self.coded.push(b'/');
        }
        self.last.truncate(shared);
        self.last.push_str(rest);
        if directory {
            self.last.push('/');
        }
    }

    /// The paths as a list of their own.
    pub fn to_vec(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.for_each(|path| paths.push(path.to_owned()));
        paths
    }

    /// Bytes in use.
    pub fn size(&self) -> u64 {
        self.coded.len() as u64
    }

    /// Calls `visit` with each path. A damaged table ends early.
    pub fn for_each(&self, mut visit: impl FnMut(&str)) {
        let mut whole = true;
        self.for_each_bytes(|path| match std::str::from_utf8(path) {
            Ok(path) if whole => visit(path),
            _ => whole = false,
        });
    }

    /// The same for who compares paths only and need not know that they are UTF-8.
    pub fn for_each_bytes(&self, mut visit: impl FnMut(&[u8])) {
        let mut rest = self.coded.as_slice();
        let mut path = Vec::new();
        while let Some((shared, len)) = pop_number(&mut rest).zip(pop_number(&mut rest)) {
            let Some((bytes, after)) = rest.split_at_checked(len) else { return };
            if shared > path.len() {
                return;
            }
            path.truncate(shared);
            path.extend_from_slice(bytes);
            visit(&path);
            rest = after;
        }
    }
}

impl PartialEq for PathTable {
    fn eq(&self, other: &Self) -> bool {
        self.coded == other.coded
    }
}

impl Eq for PathTable {}

impl fmt::Debug for PathTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        self.for_each(|path| {
            list.entry(&path);
        });
        list.finish()
    }
}

impl<T: AsRef<str>> FromIterator<T> for PathTable {
    fn from_iter<I: IntoIterator<Item = T>>(paths: I) -> Self {
        let mut table = Self::default();
        for path in paths {
            table.push(path.as_ref(), false);
        }
        table
    }
}

/// A list of texts where people read it, the coded bytes elsewhere.
impl Serialize for PathTable {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return to.serialize_bytes(&self.coded);
        }
        to.collect_seq(self.to_vec())
    }
}

impl<'de> Deserialize<'de> for PathTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = PathTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of paths")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<PathTable, E> {
                Ok(PathTable { coded: bytes.to_vec(), last: String::new() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut paths: A) -> Result<PathTable, A::Error> {
                let mut table = PathTable::default();
                while let Some(path) = paths.next_element::<String>()? {
                    table.push(&path, false);
                }
                Ok(table)
            }
        }
        if from.is_human_readable() { from.deserialize_seq(Paths) } else { from.deserialize_bytes(Paths) }
    }
}

/// LEB128.
fn push_number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn pop_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tables_give_back_what_was_pushed(paths in prop::collection::vec(("[a-cあ/]{0,12}", any::<bool>()), 0..40)) {
            let mut table = PathTable::default();
            for (path, directory) in &paths {
                table.push(path, *directory);
            }
            let bytes = rmp_serde::to_vec_named(&table).unwrap();
            let table: PathTable = rmp_serde::from_slice(&bytes).unwrap();
            let mut got = Vec::new();
            table.for_each(|path| got.push(path.to_owned()));
            let expect: Vec<String> =
                paths.iter().map(|(path, directory)| if *directory { format!("{path}/") } else { path.clone() }).collect();
            prop_assert_eq!(got, expect);
        }

        #[test]
        fn damaged_tables_end_early_and_do_not_panic(coded in prop::collection::vec(any::<u8>(), 0..64)) {
            PathTable { coded, last: String::new() }.for_each(|_| {});
        }
    }
}
