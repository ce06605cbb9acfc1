//! Bounded decompression: the only way in the product from compressed to plain bytes.
//!
//! gzip (RFC 1952, any number of members, as eStargz and pigz write them), zstd (RFC 8878, any
//! number of frames, skippable ones included) and xz (The .xz File Format, any number of streams) are told
//! apart by their first bytes, never by a media type or a file name that the input itself claims.

#![expect(clippy::disallowed_types, reason = "this module is the bound that the lint points to")]

use crate::limits::{LimitExceeded, LimitKey, Limits};
use std::io::{self, BufRead, Read};

/// How bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As they are.
    None,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames.
    Zstd,
    /// xz, one or more streams.
    Xz,
    /// zlib (RFC 1950), as formats have it that say so; its first bytes tell too little to be [detected](Self::detect).
    Zlib,
}

impl Compression {
    /// How many leading bytes [`Compression::detect`] wants to see.
    pub const HEAD: usize = 6;

    /// Tells the form by its magic number.
    pub fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame before it (RFC 8878, section 3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    /// The name of a form of compression that is not read, by its first bytes.
    pub fn unread(head: &[u8]) -> Option<&'static str> {
        match head {
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzip2"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
            // What `xz --format=lzma` and old rpm write: properties, then a dictionary of a power of two.
            [0x5d, 0, 0, _, ..] => Some("lzma"),
            [b'L', b'Z', b'I', b'P', ..] => Some("lzip"),
            _ => None,
        }
    }
}

/// The largest zstd window accepted, as a power of two: what the `zstd` tool accepts without `--long`.
const ZSTD_WINDOW_LOG: u32 = 27;
/// The most memory that an xz stream may ask for, in KiB: twice the dictionary of `xz -9`, as for zstd, and the decoder.
const XZ_MEMORY_KIB: u32 = 129 << 10;

enum Decoder<R: BufRead> {
    Plain(R),
    Gzip(Box<flate2::bufread::MultiGzDecoder<R>>),
    Deflate(Box<flate2::bufread::DeflateDecoder<R>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, R>>),
    Zlib(Box<flate2::bufread::ZlibDecoder<R>>),
    Xz(Box<lzma_rust2::XzReader<R>>),
}

/// A reader of inflated bytes that stops with [`LimitExceeded`] (inside an [`io::Error`] of kind
/// `FileTooLarge`) once more comes out than the limits allow.
pub struct Inflate<R: BufRead> {
    decoder: Decoder<R>,
    produced: u64,
    stored_bytes: u64,
    max_bytes: u64,
    ratio: u64,
    ratio_grace_bytes: u64,
}

impl<R: BufRead> Inflate<R> {
    /// Decodes `reader`, whose stored form is `compression` and whose stored size is `stored_bytes`.
    pub fn new(reader: R, compression: Compression, stored_bytes: u64, limits: &Limits) -> io::Result<Self> {
        let decoder = match compression {
            Compression::None => Decoder::Plain(reader),
            Compression::Gzip => Decoder::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(reader))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Decoder::Zstd(Box::new(decoder))
            }
            Compression::Zlib => Decoder::Zlib(Box::new(flate2::bufread::ZlibDecoder::new(reader))),
            Compression::Xz => Decoder::Xz(Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB))),
        };
        Ok(Self::of(decoder, stored_bytes, limits))
    }

    /// Decodes `reader` as bare deflate (RFC 1951), which has no first bytes to be told by: what it lies in says so.
    pub fn deflate(reader: R, stored_bytes: u64, limits: &Limits) -> Self {
        let decoder = Decoder::Deflate(Box::new(flate2::bufread::DeflateDecoder::new(reader)));
        Self::of(decoder, stored_bytes, limits)
    }

    fn of(decoder: Decoder<R>, stored_bytes: u64, limits: &Limits) -> Self {
        Self {
            decoder,
            produced: 0,
            stored_bytes,
            max_bytes: limits.inflated_bytes,
            ratio: limits.ratio,
            ratio_grace_bytes: limits.ratio_grace_bytes,
        }
    }

    /// How many inflated bytes have come out.
    pub fn produced(&self) -> u64 {
        self.produced
    }

    /// The reader of stored bytes, in place.
    pub fn get_ref(&self) -> &R {
        match &self.decoder {
            Decoder::Plain(reader) => reader,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Deflate(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
            Decoder::Zlib(decoder) => decoder.get_ref(),
            Decoder::Xz(decoder) => decoder.inner(),
        }
    }

    /// The reader of stored bytes.
    pub fn into_inner(self) -> R {
        match self.decoder {
            Decoder::Plain(reader) => reader,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Deflate(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
            Decoder::Zlib(decoder) => decoder.into_inner(),
            Decoder::Xz(decoder) => decoder.into_inner(),
        }
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.decoder {
            Decoder::Plain(reader) => reader.read(buf)?,
            Decoder::Gzip(decoder) => decoder.read(buf).map_err(|error| damage("gzip", error))?,
            Decoder::Deflate(decoder) => decoder.read(buf).map_err(|error| damage("deflate", error))?,
            Decoder::Zstd(decoder) => decoder.read(buf).map_err(|error| damage("zstd", error))?,
            Decoder::Zlib(decoder) => decoder.read(buf).map_err(|error| damage("zlib", error))?,
            Decoder::Xz(decoder) => decoder.read(buf).map_err(|error| damage("xz", error))?,
        };
        self.produced += n as u64;
        if self.produced > self.max_bytes {
            return Err(exceeded(LimitKey::InflatedBytes, "inflated bytes", self.max_bytes));
        }
        if self.produced > self.ratio_grace_bytes
            && self.produced / self.ratio.max(1) > self.stored_bytes
            && !matches!(self.decoder, Decoder::Plain(_))
        {
            return Err(exceeded(LimitKey::Ratio, "inflated bytes for each stored byte", self.ratio));
        }
        Ok(n)
    }
}

fn exceeded(key: LimitKey, what: &'static str, limit: u64) -> io::Error {
    LimitExceeded { key, what, limit }.into()
}

/// Says of an error of a decoder what is wrong with the stream. One of the reader below it stays as it is.
fn damage(form: &str, error: io::Error) -> io::Error {
    match error.kind() {
        _ if error.raw_os_error().is_some() => error,
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), format!("the {form} stream ends early")),
        io::ErrorKind::Interrupted => error,
        io::ErrorKind::OutOfMemory => {
            io::Error::new(error.kind(), format!("the {form} stream asks for more memory than is given"))
        }
        _ => io::Error::new(io::ErrorKind::InvalidData, format!("the {form} stream is damaged: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(stored: &[u8], limits: &Limits) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Inflate::new(stored, Compression::detect(stored), stored.len() as u64, limits)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn members_and_frames_are_joined() {
        let limits = Limits::default();
        assert_eq!(inflate(&[gzip(b"one "), gzip(b"two")].concat(), &limits).unwrap(), b"one two");
        let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let stored = [&skippable[..], &frame(b"one "), &skippable[..], &frame(b"two")].concat();
        assert_eq!(inflate(&stored, &limits).unwrap(), b"one two");
        assert_eq!(inflate(b"plain", &limits).unwrap(), b"plain");
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![0; 3 << 20];
        for stored in [gzip(&zeros), zstd::encode_all(&zeros[..], 1).unwrap()] {
            let small = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
            let error = inflate(&stored, &small).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
            let steep = Limits { ratio: 100, ratio_grace_bytes: 1 << 20, ..Limits::default() };
            let error = inflate(&stored, &steep).unwrap_err();
            assert!(error.to_string().contains("for each stored byte"), "{error}");
            assert_eq!(inflate(&stored, &Limits::default()).unwrap().len(), zeros.len());
        }
    }

    #[test]
    fn zlib_is_never_guessed_and_bounded_like_the_rest() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        let plain = vec![7; 3 << 20];
        encoder.write_all(&plain).unwrap();
        let stored = encoder.finish().unwrap();
        assert_eq!(Compression::detect(&stored), Compression::None);
        let inflate = |stored: &[u8], limits: &Limits| {
            let mut out = Vec::new();
            let mut inflate = Inflate::new(stored, Compression::Zlib, stored.len() as u64, limits)?;
            inflate.read_to_end(&mut out).map(|_| out)
        };
        assert_eq!(inflate(&stored, &Limits::default()).unwrap(), plain);
        let small = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(inflate(&stored, &small).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(inflate(&stored[..stored.len() / 2], &Limits::default()).is_err());
    }

    #[test]
    fn bare_deflate_is_bounded_like_the_others_and_an_error_where_it_is_cut() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&vec![0; 3 << 20]).unwrap();
        let stored = encoder.finish().unwrap();
        let inflate = |stored: &[u8], limits: &Limits| {
            let mut out = Vec::new();
            Inflate::deflate(stored, stored.len() as u64, limits).read_to_end(&mut out).map(|_| out.len())
        };
        assert_eq!(inflate(&stored, &Limits::default()).unwrap(), 3 << 20);
        assert!(inflate(&stored[..stored.len() / 2], &Limits::default()).is_err());
        let small = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(inflate(&stored, &small).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    /// Two streams, with a padding between them, as `xz -9` of xz 5.4.1 wrote them: "one " and "two".
    const XZ: &str = "fd377a585a000004e6d6b446020021011c00000010cf58cc0100036f6e6520005a8c83a33135ef7e00011c046f2c9cc11fb6f37d010000000004595a00000000fd377a585a000004e6d6b446020021011c00000010cf58cc01000274776f00005dd379297528520300011b030b2fb9101fb6f37d010000000004595a";
    /// 3 MiB of zeros, by `xz -9`.
    const XZ_ZEROS: &str = "fd377a585a000004e6d6b446020021011c00000010cf58ccffff11016c5d00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bc4827e6589000ed009900ec7353a7fdbeae7c311a9fb78d316e709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bccb0e2d900000000bb814717b504a03f0001a7048080c00128195d82b1c467fb020000000004595a";

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn xz_is_read_within_its_bounds() {
        let limits = Limits::default();
        let stored = bytes(XZ);
        assert_eq!(inflate(&stored, &limits).unwrap(), b"one two");
        // Up to the end of the first stream, and up to that of its padding, it is whole.
        let first = stored.windows(2).position(|end| end == b"YZ").unwrap() + 2;
        for cut in (6..stored.len()).filter(|cut| *cut != first && *cut != first + 4) {
            assert!(inflate(&stored[..cut], &limits).is_err(), "cut at {cut}");
        }
        for at in 6..stored.len() {
            let mut flipped = stored.clone();
            flipped[at] ^= 4;
            assert!(inflate(&flipped, &limits).is_err(), "flipped at {at}");
        }
        let zeros = bytes(XZ_ZEROS);
        assert_eq!(inflate(&zeros, &limits).unwrap().len(), 3 << 20);
        let small = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(inflate(&zeros, &small).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let steep = Limits { ratio: 100, ratio_grace_bytes: 1 << 20, ..Limits::default() };
        assert!(inflate(&zeros, &steep).unwrap_err().to_string().contains("for each stored byte"));
    }

    #[test]
    fn xz_that_asks_for_much_memory_is_refused_before_it_gets_it() {
        // The first block of a stream whose dictionary has 1.5 GiB.
        let error = inflate(&bytes("fd377a585a000004e6d6b44602002101250000003b787b410100036f6e6520005a8c83a33135ef7e00011c046f2c9cc11fb6f37d010000000004595a"), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("more memory"), "{error}");
    }

    #[test]
    fn cut_streams_are_errors_and_not_short_files() {
        for stored in [gzip(&[7; 5000]), zstd::encode_all(&[7; 5000][..], 1).unwrap()] {
            for cut in 5..stored.len() {
                assert!(inflate(&stored[..cut], &Limits::default()).is_err(), "cut at {cut}");
            }
        }
    }
}
