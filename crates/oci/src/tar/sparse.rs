//! Sparse files: which parts of the content are stored.

use super::extended::decimal;
use super::header::{BLOCK, number};

/// A stored part of a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// The stored parts in ascending order without overlap; all between them is zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Map(Vec<Segment>);

/// More parts than this are refused: a map is held in memory.
const MAX_SEGMENTS: usize = 100_000;

impl Map {
    /// Of a file that is stored as a whole.
    pub(super) const WHOLE: Self = Self(Vec::new());

    /// Appends a part; false when it does not follow the last one, or there are too many.
    pub(super) fn push(&mut self, segment: Segment) -> bool {
        let Some(end) = segment.offset.checked_add(segment.len) else { return false };
        if self.0.len() >= MAX_SEGMENTS || segment.offset < self.end() || end > i64::MAX as u64 {
            return false;
        }
        // Writers mark the file's size with an empty last part.
        if segment.len > 0 {
            self.0.push(segment);
        }
        true
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the last stored part ends.
    pub(super) fn end(&self) -> u64 {
        self.0.last().map_or(0, |last| last.offset + last.len)
    }

    /// Bytes that are stored.
    pub(super) fn stored(&self) -> u64 {
        self.0.iter().map(|segment| segment.len).sum()
    }

    /// Reads the pairs of an old GNU header: four in the main block, 21 in each that follows.
    pub(super) fn push_gnu(&mut self, pairs: &[u8]) -> bool {
        for pair in pairs.chunks_exact(24) {
            if pair[0] == 0 {
                break;
            }
            let (Some(offset), Some(len)) = (number(&pair[..12]), number(&pair[12..])) else { return false };
            if !self.push(Segment { offset, len }) {
                return false;
            }
        }
        true
    }

    /// Reads the map of version 1.0 from the front of the content: decimal numbers, one a line, the
    /// first their count, padded to a block. Returns the map and how many bytes it took; `Err` with how
    /// many bytes to look at instead when these are too few; `None` when it is malformed.
    pub(super) fn from_content(content: &[u8]) -> Option<Result<(Self, usize), usize>> {
        // Twice as many, so that all looks together cost no more than two at the whole.
        let more = 2 * content.len();
        let mut at = 0;
        let mut next = || {
            let end = content[at..].iter().take(32).position(|byte| *byte == b'\n');
            match end {
                Some(end) => {
                    let value = decimal(&content[at..at + end]);
                    at += end + 1;
                    Some(value.map(|value| (value, at)))
                }
                None if content.len() - at > 32 => Some(None),
                None => None,
            }
        };
        let Some(count) = next() else { return Some(Err(more)) };
        let (count, mut end) = count?;
        if count > MAX_SEGMENTS as u64 {
            return None;
        }
        let mut map = Self::default();
        for _ in 0..count {
            let (Some(offset), Some(len)) = (next(), next()) else { return Some(Err(more)) };
            let ((offset, _), (len, after)) = (offset?, len?);
            end = after;
            if !map.push(Segment { offset, len }) {
                return None;
            }
        }
        Some(Ok((map, end.next_multiple_of(BLOCK))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_before_the_content_is_read_or_asks_for_more() {
        let text = b"2\n0\n512\n1024\n512\n";
        let mut content = text.to_vec();
        content.resize(BLOCK, 0);
        let (map, taken) = Map::from_content(&content).unwrap().unwrap();
        assert_eq!((map.stored(), taken), (1024, BLOCK));
        assert_eq!(Map::from_content(&text[..7]), Some(Err(14)));
        assert_eq!(Map::from_content(b"x\n"), None);
        assert_eq!(Map::from_content(b"999999999\n"), None);
        assert_eq!(Map::from_content(&[b'1'; 100]), None, "a line without an end");
    }
}
