//! What is kept of a layer once it has been read: enough to lay it over others without its bytes.

use sekisho_model::{Diagnostic, Digest};
use sekisho_sbom::Extract;
use serde::{Deserialize, Serialize};

/// What an analyzer found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    pub(crate) path: String,
    /// [`sekisho_sbom::Analyzer::id`].
    pub(crate) analyzer: String,
    pub(crate) extract: Extract,
}

/// A symbolic link that may stand between a package and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) path: String,
    /// From the root, resolved against the link's directory.
    pub(crate) target: String,
}

/// Everything the scan keeps of one layer, or of one directory tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerFacts {
    /// Digest of the plain bytes; `None` when they could not all be read.
    pub(crate) diff_id: Option<Digest>,
    pub(crate) plain_bytes: u64,
    pub(crate) entries: u64,
    pub(crate) files: Vec<FileFacts>,
    pub(crate) links: Vec<Link>,
    /// Every entry, directories with a trailing slash, in the order of the archive.
    pub(crate) paths: PathTable,
    /// Paths that are gone, with all below them.
    pub(crate) removed: Vec<String>,
    /// Directories whose former content is gone.
    pub(crate) opaque: Vec<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Paths in the order of an archive, each stored as what differs from the one before.
///
/// Archives list a directory after its parent, so this takes about a quarter of the plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PathTable {
    #[serde(with = "bytes")]
    coded: Vec<u8>,
    #[serde(skip)]
    last: String,
}

impl PathTable {
    /// Appends `path`; `directory` ones are given a trailing slash.
    pub(crate) fn push(&mut self, path: &str, directory: bool) {
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

    /// Bytes in use.
    pub(crate) fn size(&self) -> u64 {
        self.coded.len() as u64
    }

    /// Calls `visit` with each path. A damaged table ends early.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&str)) {
        let mut rest = self.coded.as_slice();
        let mut path = String::new();
        while let Some((shared, len)) = pop_number(&mut rest).zip(pop_number(&mut rest)) {
            let Some((bytes, after)) = rest.split_at_checked(len) else { return };
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            if !path.is_char_boundary(shared) {
                return;
            }
            path.truncate(shared);
            path.push_str(text);
            visit(&path);
            rest = after;
        }
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

/// Bytes as one run; serde would code a `Vec<u8>` element by element.
mod bytes {
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;
    use std::fmt;

    #[expect(clippy::ptr_arg, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(bytes: &Vec<u8>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Bytes)
    }
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
