//! A package file: lead, signature header, header, payload.
//!
//! Follows `docs/manual/format_v4.md` and `lib/rpmlead.c` of rpm. The lead only says that this is such a file; the two
//! headers begin with a magic number and are otherwise of the form in which the database has them. What is in the payload
//! is for whoever reads trees of files.

use super::Reader;
use super::error::{Error, be32};
use super::header::Header;
use super::record::RpmHeader;
use crate::analyzer::{Analyzer, Extract, File};
use sekisho_base::ReadAt;
use sekisho_model::{PackageKind, SourcePackage};
use std::io;

/// Reads the header of a package file.
pub static PACKAGE: Analyzer = Analyzer {
    id: "rpm-package",
    title: "rpm package file (.rpm), where that is what is scanned",
    kinds: &[PackageKind::Rpm],
    random_access: true,
    run,
    ..Analyzer::NONE
};

const LEAD: u64 = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// Magic number and version of a header, and four reserved bytes; then it is as the database has it.
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
const HEADER_START: u64 = 8;

/// Where the payload of a package file begins; the reason, where that cannot be told.
pub fn payload(data: &dyn ReadAt, max: u64) -> Result<u64, String> {
    let reason = |error| match error {
        Error::Damaged(what) => what.to_owned(),
        Error::TooLarge => format!("its header has more than {max} bytes (limits.text_file_bytes)"),
        Error::Io(error) => error.to_string(),
    };
    let (start, len) = locate(data, max).map_err(reason)?;
    Ok(start + len)
}

/// Where the header of the package lies, without its magic number, and how long it is.
fn locate(data: &dyn ReadAt, max: u64) -> Result<(u64, u64), Error> {
    if *bytes(data, 0, 4)? != LEAD_MAGIC {
        return Err(Error::Damaged("it is no rpm package"));
    }
    let (signature, len) = header_at(data, LEAD, max)?;
    // Only the signature header is padded.
    header_at(data, (signature + len).next_multiple_of(8), max)
}

fn header_at(data: &dyn ReadAt, at: u64, max: u64) -> Result<(u64, u64), Error> {
    let head = bytes(data, at, 16)?;
    let field = |at| be32(&head, at).map(u64::from).ok_or(Error::Damaged(CUT));
    if head[..4] != HEADER_MAGIC {
        return Err(Error::Damaged("a header is not where it should be"));
    }
    // Of 32 bits each: no sum of these is too large.
    let len = 8 + 16 * field(8)? + field(12)?;
    let start = at + HEADER_START;
    if len > max {
        return Err(Error::TooLarge);
    }
    if start + len > data.size() { Err(Error::Damaged(CUT)) } else { Ok((start, len)) }
}

const CUT: &str = "the package is cut short";

fn bytes(data: &dyn ReadAt, at: u64, len: usize) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
    data.range(at, len).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Damaged(CUT),
        _ => Error::Io(error),
    })
}

fn run(file: &File<'_>) -> Extract {
    let mut reader = Reader::new(file);
    let max = file.limits.text_file_bytes;
    let header = locate(file.data, max).and_then(|(start, len)| bytes(file.data, start, len as usize));
    if let Err(error) = header.and_then(|header| {
        let of_source = RpmHeader::read(&Header::parse(&header)?)?.source_rpm.is_empty();
        reader.package(&header)?;
        for facts in reader.extract.packages.iter_mut().filter(|_| of_source) {
            // The architecture of a source package is that of the machine which built it.
            facts.arch = Some("src".to_owned());
            let version = facts.version.rsplit_once(':').map_or(&*facts.version, |(_, version)| version);
            facts.source = Some(SourcePackage { name: facts.name.clone(), version: version.to_owned() });
        }
        Ok(())
    }) {
        reader.lose(error);
    }
    reader.finish()
}
