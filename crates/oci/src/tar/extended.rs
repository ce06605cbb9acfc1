//! Extended headers: pax records (POSIX.1-2001) and the attributes they set.

use super::sparse::{Map, Segment};

/// What extended headers say about the next entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: PaxSparse,
    /// Whether an extended attribute tells overlay file systems to hide, move or fill something.
    pub(super) overlay: bool,
}

/// GNU's sparse records in their three versions (GNU tar manual, "Storing Sparse Files").
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PaxSparse {
    major: Vec<u8>,
    minor: Vec<u8>,
    /// Whether there is a map, even one without stored parts.
    mapped: bool,
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    pub(super) map: Map,
    pending_offset: Option<u64>,
}

impl PaxSparse {
    /// Version 1.0, whose map precedes the content.
    pub(super) fn map_in_content(&self) -> bool {
        (self.major.as_slice(), self.minor.as_slice()) == (b"1", b"0")
    }

    /// Whether the records describe a sparse file of a known version; 0.0 and 0.1 need not state theirs.
    pub(super) fn is_known(&self) -> bool {
        match (self.major.as_slice(), self.minor.as_slice()) {
            (b"1", b"0") | (b"0", b"0" | b"1") => true,
            (b"", b"") => self.mapped,
            _ => false,
        }
    }
}

impl Extended {
    /// Reads the records of one pax header; returns false when one of them is malformed, in which
    /// case those before it hold.
    pub(super) fn read(&mut self, mut records: &[u8]) -> bool {
        while !records.is_empty() && records[0] != 0 {
            let Some((record, rest)) = split_record(records) else { return false };
            records = rest;
            let Some(at) = record.iter().position(|byte| *byte == b'=') else { return false };
            if !self.set(&record[..at], &record[at + 1..]) {
                return false;
            }
        }
        true
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> bool {
        let text = |value: &[u8]| (!value.is_empty()).then(|| value.to_vec());
        match key {
            b"path" => self.path = text(value),
            b"linkpath" => self.link = text(value),
            b"size" => match decimal(value) {
                Some(size) => self.size = Some(size),
                None => return false,
            },
            b"GNU.sparse.major" => self.sparse.major = value.to_vec(),
            b"GNU.sparse.minor" => self.sparse.minor = value.to_vec(),
            b"GNU.sparse.name" => self.sparse.name = text(value),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse.real_size = decimal(value),
            b"GNU.sparse.offset" => self.sparse.pending_offset = decimal(value),
            b"GNU.sparse.numbytes" => {
                let (Some(offset), Some(len)) = (self.sparse.pending_offset.take(), decimal(value)) else {
                    return false;
                };
                self.sparse.mapped = true;
                return self.sparse.map.push(Segment { offset, len });
            }
            b"GNU.sparse.map" => {
                self.sparse.mapped = !value.is_empty();
                let mut numbers = value.split(|byte| *byte == b',').map(decimal);
                while let Some(offset) = numbers.next() {
                    let (Some(offset), Some(Some(len))) = (offset, numbers.next()) else { return false };
                    if !self.sparse.map.push(Segment { offset, len }) {
                        return false;
                    }
                }
            }
            _ => self.overlay |= directs_overlay(key),
        }
        true
    }
}

/// Whether the key sets an extended attribute by which overlayfs shows something else than the layer's entries
/// (Linux, Documentation/filesystems/overlayfs.rst). The others keep its books.
fn directs_overlay(key: &[u8]) -> bool {
    let Some(name) = key.strip_prefix(b"SCHILY.xattr.") else { return false };
    let name = [&b"trusted.overlay."[..], b"user.overlay."].iter().find_map(|prefix| name.strip_prefix(*prefix));
    name.is_some_and(|name| !matches!(name, b"origin" | b"impure" | b"nlink" | b"uuid" | b"protattr" | b"upper"))
}

/// `LENGTH KEY=VALUE\n`, where the length counts all of it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = records.iter().take(20).position(|byte| *byte == b' ')?;
    let len = usize::try_from(decimal(&records[..blank])?).ok()?;
    let record = records.get(..len)?;
    let body = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    Some((body, &records[len..]))
}

/// A decimal number and nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_set_attributes_and_damage_stops_them() {
        let mut extended = Extended::default();
        assert!(extended.read(b"12 path=a=b\n11 size=42\n22 linkpath=somewhere\n14 foo=ignore\n\0\0"));
        assert_eq!(extended.path.as_deref(), Some(&b"a=b"[..]));
        assert_eq!((extended.size, extended.link.as_deref()), (Some(42), Some(&b"somewhere"[..])));
        for bad in [&b"99 path=a\n"[..], b"path=a\n", b"10 path=a", b"11 size=4x\n", b"8 nokey\n", b"0 a=b\n"] {
            assert!(!Extended::default().read(bad), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn attributes_that_direct_overlays_are_seen() {
        let check = |key: &str, expect: bool| {
            let mut extended = Extended::default();
            assert!(extended.set(key.as_bytes(), b"y"));
            assert_eq!(extended.overlay, expect, "{key}");
        };
        check("SCHILY.xattr.trusted.overlay.opaque", true);
        check("SCHILY.xattr.user.overlay.redirect", true);
        check("SCHILY.xattr.trusted.overlay.origin", false);
        check("SCHILY.xattr.security.capability", false);
        check("trusted.overlay.opaque", false);
    }

    #[test]
    fn sparse_maps_of_both_old_versions_are_equal() {
        let mut old = Extended::default();
        assert!(old.read(
            b"23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=7\n25 GNU.sparse.numbytes=1\n"
        ));
        let mut new = Extended::default();
        assert!(new.read(b"26 GNU.sparse.map=1,2,7,1\n"));
        assert_eq!(old.sparse.map, new.sparse.map);
        assert!(!Extended::default().read(b"24 GNU.sparse.map=1,2,7\n"));
        assert!(!Extended::default().read(b"26 GNU.sparse.map=5,2,1,1\n"), "segments must ascend");
    }
}
