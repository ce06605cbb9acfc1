//! Zip archives of strangers (PKWARE's APPNOTE.TXT), as Java and others pack programs into them.
//!
//! The central directory is what is believed, as Java's own `ZipFile` does; it is read in one buffer, entry by entry,
//! without an allocation for each, whatever bytes stand before or behind the archive. Owns how content is bounded and
//! what is said about an archive that other readers may see otherwise: entries whose local header has another name,
//! sizes and checksums that do not hold, bytes behind the end. What the entries mean is their reader's business.

use rawzip::{
    CompressionMethod, Crc32, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipLocator,
};
use sekisho_base::inflate::Inflate;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_base::{Limits, ReadAt};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufReader, Read, Write};

/// The end of the central directory with the longest comment: how far from the end it is looked for.
const END: u64 = 22 + u16::MAX as u64;

/// Bytes of the buffer that [`Zip`] wants: whatever a record says of itself fits.
pub const BUFFER: usize = rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE;

/// And this many for the smallest archive: the parts of its end.
pub const LEAST_BUFFER: usize = 1024;

/// Why an archive or an entry of it was not read.
#[derive(Debug)]
pub enum Fault {
    /// There is no archive in the bytes, and they do not begin as one.
    NoArchive,
    /// What is wrong with it.
    Malformed(String),
    /// What was too much.
    Limit(LimitExceeded),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArchive => f.write_str("is no zip archive"),
            Self::Malformed(what) => f.write_str(what),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

fn broken(error: &rawzip::Error) -> Fault {
    let text = error.to_string();
    let mut chars = text.chars();
    // The library begins its messages with a capital.
    let text = chars.next().map(|first| first.to_lowercase().chain(chars).collect::<String>()).unwrap_or_default();
    Fault::Malformed(format!("the zip archive is damaged: {text}"))
}

/// What may still be read of one file with all archives in it, so that small files do not ask for much work: bytes
/// that come out of it, and entries.
#[derive(Debug)]
pub struct Budget {
    bytes: u64,
    entries: u64,
    limits: Limits,
    too_many_bytes: LimitExceeded,
}

impl Budget {
    /// That of a file of `size` bytes, by the limits on what an archive inflates to.
    pub fn new(size: u64, limits: &Limits) -> Self {
        let by_ratio = limits.ratio_grace_bytes.max(size.saturating_mul(limits.ratio));
        let (bytes, key, what) = if by_ratio < limits.inflated_bytes {
            (by_ratio, LimitKey::Ratio, "inflated bytes for each stored byte")
        } else {
            (limits.inflated_bytes, LimitKey::InflatedBytes, "inflated bytes")
        };
        let too_many_bytes = limits.exceeded(key, what);
        Self { bytes, entries: limits.entries, limits: limits.clone(), too_many_bytes }
    }

    fn bytes(&mut self, bytes: u64) -> Result<(), Fault> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Fault::Limit(self.too_many_bytes))?;
        Ok(())
    }

    fn entry(&mut self) -> Result<(), Fault> {
        let none_left = self.limits.exceeded(LimitKey::Entries, "entries");
        self.entries = self.entries.checked_sub(1).ok_or(Fault::Limit(none_left))?;
        Ok(())
    }
}

/// Bytes as the library reads them.
struct At<'a>(&'a dyn ReadAt);

impl ReaderAt for At<'_> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }
}

/// An archive.
pub struct Zip<'a> {
    archive: ZipArchive<At<'a>>,
    size: u64,
}

/// The name of an entry as a path: programs on Windows were known to write backslashes, against the standard, and programs
/// that unpack take those for what they stand for where there is no slash.
pub fn path(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') || raw.contains(&b'/') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect())
}

/// Where the content of an entry lies, and what its record says of it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    finder: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
    crc: u32,
}

impl Place {
    /// How many bytes the record says it has.
    pub fn size(&self) -> u64 {
        self.finder.uncompressed_size_hint()
    }

    /// Of an entry.
    pub fn of(record: &ZipFileHeaderRecord<'_>) -> Self {
        Self {
            finder: record.wayfinder(),
            method: record.compression_method(),
            encrypted: record.flags().is_encrypted(),
            crc: record.crc32(),
        }
    }
}

/// The content of an entry.
pub enum Content {
    /// It is stored as it is, in these bytes of the archive.
    Window {
        /// Where they begin.
        start: u64,
        /// How many there are.
        len: u64,
    },
    /// It was inflated.
    Bytes(Vec<u8>),
}

impl<'a> Zip<'a> {
    /// Finds the central directory. `buffer` has as many bytes as the archive, at least [`LEAST_BUFFER`] and at
    /// most [`BUFFER`].
    pub fn open(data: &'a dyn ReadAt, buffer: &mut [u8], budget: &mut Budget) -> Result<Self, Fault> {
        let size = data.size();
        budget.bytes(size.min(END))?;
        let found = ZipLocator::new().max_search_space(END).locate_in_reader(At(data), buffer, size);
        match found.map_err(|(_, error)| error) {
            Ok(archive) => Ok(Self { archive, size }),
            Err(error) if matches!(error.kind(), rawzip::ErrorKind::MissingEndOfCentralDirectory) => {
                let begins = data.range(0, 4).is_ok_and(|head| *head == *b"PK\x03\x04");
                let cut = || Fault::Malformed("the zip archive has no end: it is cut, or damaged".to_owned());
                Err(if begins { cut() } else { Fault::NoArchive })
            }
            Err(error) => Err(broken(&error)),
        }
    }

    /// Hands over every record of the central directory.
    pub fn entries(
        &self,
        buffer: &mut [u8],
        budget: &mut Budget,
        mut visit: impl FnMut(&ZipFileHeaderRecord<'_>),
    ) -> Result<(), Fault> {
        let mut entries = self.archive.entries(buffer);
        let mut count = 0_u64;
        while let Some(record) = entries.next_entry().map_err(|error| broken(&error))? {
            budget.entry()?;
            count += 1;
            visit(&record);
        }
        let stated = self.archive.entries_hint();
        // Without zip64 only the lower half of a larger number is kept.
        if count != stated && (count & 0xffff) != stated {
            return Err(Fault::Malformed(format!("the zip archive has {count} entries and states {stated}")));
        }
        if count == 0 && self.archive.eocd_offset() > 0 {
            return Err(Fault::Malformed(
                "the zip archive states no entries, but there are bytes before its end".into(),
            ));
        }
        if self.archive.end_offset() < self.size {
            return Err(Fault::Malformed(
                "bytes follow the end of the zip archive, which not every reader passes over".into(),
            ));
        }
        Ok(())
    }

    /// What is wrong with an entry that other readers may see as another: `None` for none. `name` is the one in the
    /// central directory.
    pub fn contradiction(&self, place: Place, name: &[u8], buffer: &mut [u8]) -> Option<String> {
        let Ok(entry) = self.archive.get_entry(place.finder) else {
            return Some("has no local header where the archive says".to_owned());
        };
        let local = entry.local_header(buffer).ok()?;
        if local.file_path().as_bytes() != name {
            return Some("has another name in its local header".to_owned());
        }
        (local.compression_method() != place.method || local.flags().is_encrypted() != place.encrypted)
            .then(|| "is stored otherwise by its local header".to_owned())
    }

    /// Writes up to `most` of the first bytes of an entry to `to`, and returns what is wrong with the whole if that was
    /// all of it. The inner error is the writer's.
    pub fn copy(
        &self,
        place: Place,
        most: u64,
        budget: &mut Budget,
        to: &mut dyn Write,
    ) -> Result<io::Result<Option<String>>, Fault> {
        if place.encrypted {
            return Err(Fault::Malformed("is encrypted".to_owned()));
        }
        let entry = self.archive.get_entry(place.finder).map_err(|error| broken(&error))?;
        let (start, end) = entry.compressed_data_range();
        if end > self.size {
            return Err(Fault::Malformed("lies beyond the end of the file".to_owned()));
        }
        let stored = BufReader::with_capacity(8 << 10, entry.reader());
        let mut plain: Box<dyn Read + '_> = match place.method {
            CompressionMethod::STORE => Box::new(stored),
            CompressionMethod::DEFLATE => Box::new(Inflate::deflate(stored, end - start, &budget.limits)),
            other => return Err(Fault::Malformed(format!("is compressed by a method that is not read: {other:?}"))),
        };
        let (mut piece, mut copied, mut crc) = ([0; 8 << 10], 0_u64, Crc32::new());
        loop {
            let want = piece.len().min(usize::try_from(most - copied).unwrap_or(usize::MAX));
            if want == 0 {
                return Ok(Ok(None));
            }
            let count = match plain.read(&mut piece[..want]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::Malformed(error.to_string())),
            };
            budget.bytes(count as u64)?;
            crc.update(&piece[..count]);
            if let Err(error) = to.write_all(&piece[..count]) {
                return Ok(Err(error));
            }
            copied += count as u64;
        }
        let stated = place.finder.uncompressed_size_hint();
        Ok(Ok(if copied != stated {
            Some(format!("has {copied} bytes and states {stated}"))
        } else if crc.checksum() != place.crc {
            Some("has another checksum than it states".to_owned())
        } else {
            None
        }))
    }

    /// The content of an entry, of at most `max` bytes, which are those of `limit`. What comes out is returned with
    /// what is wrong with it, also where that is not all.
    pub fn read(
        &self,
        place: Place,
        max: u64,
        limit: LimitExceeded,
        budget: &mut Budget,
    ) -> Result<(Content, Option<String>), Fault> {
        if place.encrypted {
            return Err(Fault::Malformed("is encrypted".to_owned()));
        }
        let entry = self.archive.get_entry(place.finder).map_err(|error| broken(&error))?;
        let (start, end) = entry.compressed_data_range();
        if end > self.size {
            return Err(Fault::Malformed("lies beyond the end of the file".to_owned()));
        }
        let len = end - start;
        if place.method == CompressionMethod::STORE {
            return Ok((Content::Window { start, len }, None));
        }
        if place.method != CompressionMethod::DEFLATE {
            return Err(Fault::Malformed(format!("is compressed by a method that is not read: {:?}", place.method)));
        }
        let stored = BufReader::new(entry.reader());
        let most = max.min(budget.bytes);
        let mut bytes = Vec::new();
        let outcome =
            Inflate::deflate(stored, len, &budget.limits).take(most.saturating_add(1)).read_to_end(&mut bytes);
        budget.bytes(bytes.len() as u64)?;
        if bytes.len() as u64 > max {
            return Err(Fault::Limit(limit));
        }
        let mut wrong = outcome.err().map(|error| error.to_string());
        if wrong.is_none() && bytes.len() as u64 != place.finder.uncompressed_size_hint() {
            wrong = Some(format!("has {} bytes and states {}", bytes.len(), place.finder.uncompressed_size_hint()));
        }
        let mut crc = Crc32::new();
        crc.update(&bytes);
        if wrong.is_none() && crc.checksum() != place.crc {
            wrong = Some("has another checksum than it states".to_owned());
        }
        Ok((Content::Bytes(bytes), wrong))
    }
}
