//! SHA-256, the one content hash of the product, over slices and over streams; and a checksum for our own files.

use sha2::Digest as _;
use std::io::{self, BufRead, Read};

/// A SHA-256 value.
pub type Sha256Bytes = [u8; 32];

/// Incremental SHA-256.
#[derive(Debug, Clone, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes taken in.
    pub fn finish(self) -> Sha256Bytes {
        self.0.finalize().into()
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Sha256Bytes {
    sha2::Sha256::digest(bytes).into()
}

/// XXH3 with 128 bits: tells damage, on the disk or by half a write, of a file that this program wrote. Not for
/// content of strangers, who can make two texts of the same checksum.
pub fn checksum(bytes: &[u8]) -> [u8; 16] {
    twox_hash::XxHash3_128::oneshot(bytes).to_be_bytes()
}

/// The same, of bytes that come in pieces.
#[derive(Clone)]
pub struct Checksum(twox_hash::XxHash3_128);

impl Checksum {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(twox_hash::XxHash3_128::new())
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all bytes taken in.
    pub fn finish(&self) -> [u8; 16] {
        self.0.finish_128().to_be_bytes()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]) {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
    text
}

/// A buffered reader that hashes exactly the bytes that are consumed from it.
///
/// The hash therefore covers the stored bytes, whatever a decoder above makes of them, and once the
/// rest has been drained with [`HashingReader::finish`] it covers all of them.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    buf: Box<[u8]>,
    start: usize,
    end: usize,
    hasher: Sha256,
    consumed: u64,
}

impl<R: Read> HashingReader<R> {
    /// Wraps `inner`, reading it in pieces of `capacity` bytes.
    pub fn new(inner: R, capacity: usize) -> Self {
        Self {
            inner,
            buf: vec![0; capacity.max(1)].into_boxed_slice(),
            start: 0,
            end: 0,
            hasher: Sha256::new(),
            consumed: 0,
        }
    }

    /// How many bytes have been consumed.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Reads whatever is left and returns the hash and the count of all bytes.
    pub fn finish(mut self) -> io::Result<(Sha256Bytes, u64)> {
        loop {
            let n = self.fill_buf()?.len();
            if n == 0 {
                return Ok((self.hasher.finish(), self.consumed));
            }
            self.consume(n);
        }
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for HashingReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.end = read_retrying(&mut self.inner, &mut self.buf)?;
        }
        Ok(&self.buf[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.end - self.start);
        self.hasher.update(&self.buf[self.start..self.start + amount]);
        self.start += amount;
        self.consumed += amount as u64;
    }
}

/// One `read`, repeated while it is interrupted by a signal.
pub fn read_retrying(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4, the one-block example.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_match_the_standard() {
        assert_eq!(hex(&sha256(b"abc")), ABC);
        // xxHash specification, test vector of the empty input with seed 0.
        assert_eq!(hex(&checksum(b"")), "99aa06d3014798d86001c324468d497f");
        let mut pieces = Checksum::new();
        pieces.update(b"ab");
        pieces.update(b"c");
        assert_eq!(pieces.finish(), checksum(b"abc"));
    }

    #[test]
    fn the_reader_hashes_what_is_consumed_and_drains_the_rest() {
        let mut reader = HashingReader::new(&b"abc"[..], 2);
        let mut first = [0; 1];
        reader.read_exact(&mut first).unwrap();
        assert_eq!(reader.consumed(), 1);
        let (hash, count) = reader.finish().unwrap();
        assert_eq!((hex(&hash).as_str(), count), (ABC, 3));
    }
}
