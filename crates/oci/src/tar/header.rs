//! The 512-byte header block.

/// Size of a tar block.
pub(super) const BLOCK: usize = 512;

/// One header block, its fields still as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a>(&'a [u8; BLOCK]);

/// What is wrong with a header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its size is not a number")]
    Size,
}

impl<'a> Header<'a> {
    /// Takes the first block of `bytes`; `None` when there is less than one.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// Whether the block marks the end of the archive.
    pub(super) fn is_zero(self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Compares the checksum; old tars summed signed bytes, so both sums are accepted.
    pub(super) fn verify(self) -> Result<(), HeaderError> {
        let stated = octal(self.field(148, 8)).ok_or(HeaderError::Checksum)?;
        let mut unsigned = 0_u64;
        let mut signed = 0_i64;
        for (index, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&index) { b' ' } else { *byte };
            unsigned += u64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if stated == unsigned || i64::try_from(stated) == Ok(signed) { Ok(()) } else { Err(HeaderError::Checksum) }
    }

    pub(super) fn field(self, at: usize, len: usize) -> &'a [u8] {
        &self.0[at..at + len]
    }

    /// The type flag.
    pub(super) fn kind(self) -> u8 {
        self.0[156]
    }

    /// Bytes of content that follow.
    pub(super) fn size(self) -> Result<u64, HeaderError> {
        number(self.field(124, 12)).ok_or(HeaderError::Size)
    }

    /// Permission bits; 0 where they are unreadable.
    pub(super) fn mode(self) -> u32 {
        number(self.field(100, 8)).unwrap_or(0) as u32 & 0o7777
    }

    /// The path, prefix and name joined.
    pub(super) fn path(self) -> Vec<u8> {
        let name = until_nul(self.field(0, 100));
        let prefix = self.prefix();
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    fn prefix(self) -> &'a [u8] {
        match self.field(257, 8) {
            // star keeps times after a shorter prefix.
            [b'u', b's', b't', b'a', b'r', 0, ..] if self.field(508, 4) == b"tar\0" => until_nul(self.field(345, 131)),
            [b'u', b's', b't', b'a', b'r', 0, ..] => until_nul(self.field(345, 155)),
            // GNU tar keeps times in the place of a prefix. Some writers did not know that; what cannot be
            // a time is taken for the prefix that they meant.
            b"ustar  \0" if !is_time(self.field(345, 12)) || !is_time(self.field(357, 12)) => {
                let prefix = until_nul(self.field(345, 155));
                if prefix.is_ascii() { prefix } else { &[] }
            }
            _ => &[],
        }
    }

    /// The target of a link.
    pub(super) fn link(self) -> Vec<u8> {
        until_nul(self.field(157, 100)).to_vec()
    }
}

pub(super) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// An octal number, blanks and NULs around it.
fn octal(field: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    let digits = until_nul(&field[start..end]);
    if digits.is_empty() {
        return Some(0);
    }
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// An octal number or, with the top bit set, GNU's base-256 form. Negative numbers are refused.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            if first & 0x40 != 0 {
                return None;
            }
            rest.iter()
                .try_fold(u64::from(first & 0x3f), |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)))
        }
        _ => octal(field),
    }
}

/// Whether Go's `archive/tar`, by which engines unpack, takes the field of a GNU header for a time: one that
/// begins with NUL is not looked at, and negative times are sound.
fn is_time(field: &[u8]) -> bool {
    match field {
        [0, ..] => true,
        [first, rest @ ..] if first & 0x80 != 0 => {
            let inverted = if first & 0x40 == 0 { 0 } else { 0xff };
            let start = u64::from((first ^ inverted) & 0x7f);
            let value = rest
                .iter()
                .try_fold(start, |value, byte| value.checked_mul(256)?.checked_add(u64::from(byte ^ inverted)));
            value.is_some_and(|value| i64::try_from(value).is_ok())
        }
        _ => octal(field).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_depend_on_who_wrote_the_header() {
        let path = |magic: &[u8; 8], prefix: &[u8], trailer: &[u8]| {
            let mut block = [0; BLOCK];
            block[..6].copy_from_slice(b"status");
            block[257..265].copy_from_slice(magic);
            block[345..345 + prefix.len()].copy_from_slice(prefix);
            block[508..508 + trailer.len()].copy_from_slice(trailer);
            String::from_utf8(Header::new(&block).unwrap().path()).unwrap()
        };
        assert_eq!(path(b"ustar\x00\x30\x30", b"var/lib/dpkg", b""), "var/lib/dpkg/status");
        assert_eq!(path(b"ustar  \0", b"00000000000\x0000000000000\0", b""), "status", "times");
        assert_eq!(path(b"ustar  \0", b"", b""), "status");
        assert_eq!(path(b"ustar  \0", b"var/lib/dpkg", b""), "var/lib/dpkg/status", "not times");
        let times = |change: &[u8]| [b"00000000000\0", change].concat();
        assert_eq!(path(b"ustar  \0", &times(&[0xff; 12]), b""), "status", "a negative time");
        assert_eq!(path(b"ustar  \0", &times(b"\0garbage"), b""), "status", "no time");
        let too_late = path(b"ustar  \0", &times(b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), b"");
        assert_eq!(too_late, "00000000000/status", "no time of Go's");
        assert_eq!(path(&[0; 8], b"var/lib/dpkg", b""), "status", "V7 has no prefix");
        let long = [b'd'; 155];
        assert_eq!(path(b"ustar\x00\x30\x30", &long, b"").len(), 155 + 7);
        assert_eq!(path(b"ustar\x00\x30\x30", &long, b"tar\0").len(), 131 + 7);
    }

    #[test]
    fn numbers_come_in_two_forms() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\x00000100\0"), Some(0o100), "NULs stand before numbers, too");
        assert_eq!(number(b"64 4\0\0\0\0"), None);
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(0x2_0000_0000));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None, "negative");
        assert_eq!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None, "too large");
        assert_eq!(number(b"0000689\0"), None);
    }
}
