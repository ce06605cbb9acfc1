//! Small numbers in few bytes, for what is read very often.

use super::Corrupt;

/// LEB128.
pub(super) fn put_number(out: &mut Vec<u8>, value: usize) {
    let mut value = value;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Reads from the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, Corrupt> {
        let (byte, rest) = self.0.split_first().ok_or(Corrupt)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn number(&mut self) -> Result<usize, Corrupt> {
        let mut value = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f).checked_shl(shift).ok_or(Corrupt)?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Corrupt> {
        let len = self.number()?;
        let (text, rest) = self.0.split_at_checked(len).ok_or(Corrupt)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Corrupt)
    }

    /// A count of things that take a byte each at least, so that room for them may be made at once.
    pub(super) fn count(&mut self) -> Result<usize, Corrupt> {
        let count = self.number()?;
        if count <= self.0.len() { Ok(count) } else { Err(Corrupt) }
    }
}
