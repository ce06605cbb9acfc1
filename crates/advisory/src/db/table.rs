//! Sorted tables: from a key to a value, both bytes, found by bisection where they lie.
//!
//! `count` and the length of all keys (u32 each), `count + 1` ends of keys, `count + 1` ends of values (u32 each,
//! little-endian, beginning with 0), then the keys and the values themselves.

use super::{Corrupt, TooLarge};

/// A table where it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    count: usize,
    key_ends: &'a [u8],
    value_ends: &'a [u8],
    keys: &'a [u8],
    values: &'a [u8],
}

impl<'a> Table<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let (count, rest) = number(bytes)?;
        let (keys_len, rest) = number(rest)?;
        let ends = count.checked_add(1).and_then(|ends| ends.checked_mul(4)).ok_or(Corrupt)?;
        let (key_ends, rest) = rest.split_at_checked(ends).ok_or(Corrupt)?;
        let (value_ends, rest) = rest.split_at_checked(ends).ok_or(Corrupt)?;
        let (keys, values) = rest.split_at_checked(keys_len).ok_or(Corrupt)?;
        Ok(Self { count, key_ends, value_ends, keys, values })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn key(&self, index: usize) -> Result<&'a [u8], Corrupt> {
        slice(self.key_ends, self.keys, index)
    }

    pub(super) fn value(&self, index: usize) -> Result<&'a [u8], Corrupt> {
        slice(self.value_ends, self.values, index)
    }

    /// The place of `key`, or where it would be.
    pub(super) fn search(&self, key: &[u8]) -> Result<Result<usize, usize>, Corrupt> {
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.key(middle)?.cmp(key) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Ok(middle)),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Ok(Err(from))
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<&'a [u8]>, Corrupt> {
        self.search(key)?.ok().map(|index| self.value(index)).transpose()
    }
}

fn number(bytes: &[u8]) -> Result<(usize, &[u8]), Corrupt> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(Corrupt)?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}

fn slice<'a>(ends: &[u8], bytes: &'a [u8], index: usize) -> Result<&'a [u8], Corrupt> {
    let ends = ends.get(index.checked_mul(4).ok_or(Corrupt)?..).ok_or(Corrupt)?;
    let (start, rest) = number(ends)?;
    let (end, _) = number(rest)?;
    bytes.get(start..end).ok_or(Corrupt)
}

/// A table that is being made. Keys come in ascending order.
#[derive(Debug, Default)]
pub(super) struct TableWriter {
    key_ends: Vec<u32>,
    value_ends: Vec<u32>,
    keys: Vec<u8>,
    values: Vec<u8>,
}

impl TableWriter {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), TooLarge> {
        debug_assert!(self.last().is_none_or(|last| last < key), "keys are looked up by halves");
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(value);
        self.key_ends.push(u32::try_from(self.keys.len()).map_err(|_| TooLarge)?);
        self.value_ends.push(u32::try_from(self.values.len()).map_err(|_| TooLarge)?);
        Ok(())
    }

    /// The key that was pushed last.
    fn last(&self) -> Option<&[u8]> {
        let before = self.key_ends.len().checked_sub(2).map_or(0, |index| self.key_ends[index] as usize);
        self.key_ends.last().map(|end| &self.keys[before..*end as usize])
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 8 * self.key_ends.len() + self.keys.len() + self.values.len());
        out.extend_from_slice(&(self.key_ends.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        for ends in [&self.key_ends, &self.value_ends] {
            out.extend_from_slice(&0_u32.to_le_bytes());
            out.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
        }
        out.extend_from_slice(&self.keys);
        out.extend_from_slice(&self.values);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn tables_find_what_was_put_in(map in prop::collection::btree_map("[a-d]{0,4}", "[a-z]{0,6}", 0..20), probe in "[a-d]{0,4}") {
            let map: BTreeMap<String, String> = map;
            let mut writer = TableWriter::default();
            for (key, value) in &map {
                writer.push(key.as_bytes(), value.as_bytes()).unwrap();
            }
            let bytes = writer.finish();
            let table = Table::open(&bytes).unwrap();
            prop_assert_eq!(table.len(), map.len());
            for (index, (key, value)) in map.iter().enumerate() {
                prop_assert_eq!(table.key(index).unwrap(), key.as_bytes());
                prop_assert_eq!(table.get(key.as_bytes()).unwrap(), Some(value.as_bytes()));
            }
            let got = table.get(probe.as_bytes()).unwrap();
            prop_assert_eq!(got, map.get(&probe).map(String::as_bytes));
        }

        #[test]
        fn damaged_tables_are_found_out_or_read_inside_their_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(table) = Table::open(&bytes) {
                let _ = table.get(b"a");
                for index in 0..table.len().min(100) {
                    let _ = (table.key(index), table.value(index));
                }
            }
        }
    }
}
