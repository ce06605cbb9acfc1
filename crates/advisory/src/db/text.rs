//! Long texts: many of them in one compressed block, so that what is seldom read takes little room.

use super::{Corrupt, TooLarge};
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// A block is closed once it holds this many bytes: large enough to compress well, small enough to be inflated for
/// the sake of one text.
const BLOCK_BYTES: usize = 32 << 10;
/// A single text may make its block larger than others; more than this was not written by us.
const MAX_BLOCK_BYTES: u64 = 16 << 20;
const LEVEL: i32 = 12;

/// Where a text lies: block, start, length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Place(u32, u32, u32);

/// Texts that are being written.
#[derive(Debug, Default)]
pub(super) struct TextWriter {
    open: Vec<u8>,
    ends: Vec<u32>,
    blocks: Vec<u8>,
}

impl TextWriter {
    pub(super) fn push(&mut self, text: &[u8]) -> Result<Place, TooLarge> {
        if !self.open.is_empty() && self.open.len() + text.len() > BLOCK_BYTES {
            self.close()?;
        }
        let place = Place(self.ends.len() as u32, self.open.len() as u32, text.len() as u32);
        self.open.extend_from_slice(text);
        Ok(place)
    }

    fn close(&mut self) -> Result<(), TooLarge> {
        // Compressing in memory does not fail but for want of it.
        let block = zstd::bulk::compress(&self.open, LEVEL).map_err(|_| TooLarge)?;
        self.blocks.extend_from_slice(&block);
        self.ends.push(u32::try_from(self.blocks.len()).map_err(|_| TooLarge)?);
        self.open.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, TooLarge> {
        self.close()?;
        let mut out = (self.ends.len() as u32).to_le_bytes().to_vec();
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        out.extend_from_slice(&self.blocks);
        Ok(out)
    }
}

/// Texts where they lie in the file, with the block that was read last: what belongs together lies together.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    ends: &'a [u8],
    blocks: &'a [u8],
    last: Mutex<Option<(u32, Vec<u8>)>>,
}

impl<'a> Texts<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or(Corrupt)?;
        let ends = (u32::from_le_bytes(*count) as usize).checked_add(1).and_then(|ends| ends.checked_mul(4));
        let (ends, blocks) = rest.split_at_checked(ends.ok_or(Corrupt)?).ok_or(Corrupt)?;
        Ok(Self { ends, blocks, last: Mutex::new(None) })
    }

    /// The text at `place`.
    pub(super) fn get(&self, place: Place) -> Result<Vec<u8>, Corrupt> {
        let Place(block, start, len) = place;
        let range = start as usize..(start as usize).checked_add(len as usize).ok_or(Corrupt)?;
        // A panic elsewhere leaves a block that is whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = match last.take() {
            Some((known, plain)) if known == block => plain,
            _ => self.block(block)?,
        };
        let text = plain.get(range).map(<[u8]>::to_vec);
        *last = Some((block, plain));
        text.ok_or(Corrupt)
    }

    fn block(&self, block: u32) -> Result<Vec<u8>, Corrupt> {
        let end = |index: usize| {
            let bytes = self.ends.get(4 * index..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes) as usize)
        };
        let block = block as usize;
        let stored = self.blocks.get(end(block).ok_or(Corrupt)?..end(block + 1).ok_or(Corrupt)?).ok_or(Corrupt)?;
        let limits = Limits { inflated_bytes: MAX_BLOCK_BYTES, ..Limits::default() };
        let mut plain = Vec::new();
        Inflate::new(stored, Compression::Zstd, stored.len() as u64, &limits)
            .and_then(|mut inflate| inflate.read_to_end(&mut plain))
            .map_err(|_| Corrupt)?;
        Ok(plain)
    }
}
