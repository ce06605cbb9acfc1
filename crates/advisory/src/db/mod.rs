//! The advisory database: one immutable file, read where it lies.
//!
//! ```text
//! "SKADVDB2"  length of the header (u32)  checksum of the header (16 bytes)
//! header: JSON, the `Header`: where it all comes from, and for each section its place, length and checksum
//! sections:
//!   packages         (ecosystem, release, name) -> what is said about it (`row`)
//!   advisories       (feed, id) -> `StoredAdvisory`, MessagePack
//!   vulnerabilities  id -> `StoredVulnerability`, MessagePack
//!   names            any id in lower case -> numbers of vulnerabilities
//!   texts            summaries, descriptions and references, compressed in blocks
//! ```
//!
//! All but the texts are sorted tables (`table`), in which a number is a place in the order of keys. The same records
//! give the same bytes. Numbers are little-endian; checksums are XXH3 with 128 bits, against damage, not against
//! intent, for which a database is signed.

mod build;
mod codec;
mod identity;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use build::cut_to;
pub use build::{Builder, FeedSource};
pub use row::{Edge, Entry, Row};

use crate::ecosystem::Ecosystem;
use crate::record::AdvisoryKind;
use codec::Reader;
use jiff::Timestamp;
use sekisho_base::hash;
use sekisho_model::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use table::Table;
use text::{Place, Texts};

const MAGIC: &[u8; 8] = b"SKADVDB2";
/// A header is a few kilobytes; more than this was not written by us.
const MAX_HEADER_BYTES: usize = 4 << 20;
const PREFIX: usize = MAGIC.len() + 4 + 16;

/// Why bytes are no database that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// Something else.
    #[error("is not an advisory database of the form that this version reads")]
    Foreign,
    /// The file ends before the database does, or goes on behind it.
    #[error("has {found} bytes, where {expected} belong")]
    Size {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// A part does not have the checksum that it was written with.
    #[error("does not have the checksum in its {0} that was written")]
    Damaged(&'static str),
    /// A part contradicts itself, although its checksum holds.
    #[error("holds something that cannot be read")]
    Corrupt,
}

/// Something that should not be in a file whose checksum holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

impl From<Corrupt> for DatabaseError {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// More than a database of this form can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is more to store than a database of this form can hold (4 GiB a section)")]
pub struct TooLarge;

/// What a database says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What it was built from.
    pub feeds: Vec<FeedSource>,
    /// How much it holds.
    pub counts: Counts,
    sections: Vec<Section>,
}

/// How much a database holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Advisories, each of a feed.
    pub advisories: usize,
    /// Those of them that were taken back.
    pub withdrawn: usize,
    /// Those that were left out, since the same feed has a later version of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub superseded: usize,
    /// Vulnerabilities, whatever they are called.
    pub vulnerabilities: usize,
    /// Packages, each of a release where there are releases.
    pub packages: usize,
    /// Vulnerabilities that are known to be exploited, whether or not an advisory is about them.
    pub exploited: usize,
    /// Those that have a probability of exploitation.
    pub likelihoods: usize,
    /// What is said of packages, by ecosystem and release.
    pub places: Vec<PlaceCount>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if takes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a database says about the packages of one ecosystem, or of one release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceCount {
    /// Whose packages.
    pub ecosystem: Ecosystem,
    /// Of which release, as feeds write it.
    pub release: Option<String>,
    /// How many things are said.
    pub entries: usize,
    /// Who says them: places in [`Header::feeds`].
    pub feeds: BTreeSet<u32>,
}

/// As OSV names it: `Debian:12`, `npm`.
impl fmt::Display for PlaceCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.release {
            Some(release) => write!(f, "{}:{release}", self.ecosystem),
            None => write!(f, "{}", self.ecosystem),
        }
    }
}

/// A part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    name: String,
    start: u64,
    len: u64,
    checksum: String,
}

/// The sections, in the order of the file.
const SECTIONS: [&str; 5] = ["packages", "advisories", "vulnerabilities", "names", "texts"];

/// A judgement of how bad something is, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoredRating {
    /// Who judges: `nvd`, `redhat`; empty for the publisher.
    #[serde(rename = "b")]
    pub by: String,
    /// [`Severity`] by its place in [`Severity::ALL`]; see [`StoredRating::severity`].
    #[serde(rename = "s")]
    severity: u8,
    /// Ten times the CVSS base score; 255 for none.
    #[serde(rename = "c")]
    score: u8,
    /// CVSS vector; empty for none.
    #[serde(rename = "v")]
    pub vector: String,
}

impl StoredRating {
    /// How bad: the judge's word, else what the score means.
    pub fn severity(&self) -> Severity {
        Severity::ALL.get(usize::from(self.severity)).copied().unwrap_or_default()
    }

    /// The CVSS base score, 0 to 10.
    pub fn score(&self) -> Option<f32> {
        (self.score <= 100).then(|| f32::from(self.score) / 10.0)
    }
}

/// An advisory without its packages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredAdvisory {
    /// As its publisher names it.
    pub id: String,
    /// Place of its feed in [`Header::feeds`].
    pub feed: u32,
    /// What it is about.
    pub kind: AdvisoryKind,
    /// Numbers of its vulnerabilities.
    pub vulnerabilities: Vec<u32>,
    /// First published, in seconds since 1970.
    pub published: Option<i64>,
    /// Last changed.
    pub modified: Option<i64>,
    /// Taken back.
    pub withdrawn: Option<i64>,
    /// How bad.
    pub ratings: Vec<StoredRating>,
    /// `CWE-79`.
    pub cwes: Vec<String>,
    text: Option<Place>,
}

/// A vulnerability, with all that is known about it beside its advisories.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StoredVulnerability {
    /// The name it goes by: a CVE where there is one.
    pub id: String,
    /// Its other names, sorted.
    pub aliases: Vec<String>,
    /// Numbers of the advisories about it.
    pub advisories: Vec<u32>,
    /// When it was added to the catalogue of exploited ones, by when to act, and whether ransomware uses it.
    pub exploited: Option<(String, Option<String>, bool)>,
    /// Probability of exploitation within 30 days, and the share of vulnerabilities that are less likely.
    pub likelihood: Option<(f32, f32)>,
    /// How bad, as a catalogue sees it.
    pub ratings: Vec<StoredRating>,
    /// `CWE-79`, as a catalogue sees it.
    pub cwes: Vec<String>,
    /// Whether a catalogue has rejected it.
    pub rejected: bool,
    /// Language, title, and the catalogue's own id.
    pub titles: Vec<(String, String, String)>,
    text: Option<Place>,
}

/// What is said at length.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// One line.
    pub summary: String,
    /// Some of it: at most [`DETAILS_BYTES`].
    pub details: String,
    /// Addresses to read on: at most [`REFERENCES`].
    pub references: Vec<String>,
}

/// Longer descriptions are cut here, at the end of a word.
pub const DETAILS_BYTES: usize = 2000;
/// Of more references the first are kept.
pub const REFERENCES: usize = 20;

/// A database where it lies.
#[derive(Debug)]
pub struct Database<'a> {
    header: Header,
    packages: Table<'a>,
    advisories: Table<'a>,
    vulnerabilities: Table<'a>,
    names: Table<'a>,
    texts: Texts<'a>,
}

impl<'a> Database<'a> {
    /// Opens the database in `bytes`, all of which is verified.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        for part in Header::read(bytes)?.parts() {
            let section = part.of(bytes)?;
            if hash::hex(&hash::checksum(section)) != part.checksum {
                return Err(DatabaseError::Damaged(part.name));
            }
        }
        Self::view(bytes)
    }

    /// Opens a database whose checksums hold: those of [`Header::parts`] have been compared.
    pub fn view(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        let header = Header::read(bytes)?;
        if bytes.len() as u64 != header.size() {
            return Err(DatabaseError::Size { found: bytes.len() as u64, expected: header.size() });
        }
        let mut parts = [&bytes[..0]; SECTIONS.len()];
        for (section, part) in parts.iter_mut().zip(header.parts()) {
            *section = part.of(bytes)?;
        }
        let [packages, advisories, vulnerabilities, names, texts] = parts;
        Ok(Self {
            packages: Table::open(packages)?,
            advisories: Table::open(advisories)?,
            vulnerabilities: Table::open(vulnerabilities)?,
            names: Table::open(names)?,
            texts: Texts::open(texts)?,
            header,
        })
    }

    /// Where it comes from.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is said about a package, if anything.
    pub fn package(&self, key: &PackageKey<'_>) -> Result<Option<Row<'a>>, DatabaseError> {
        let row = self.packages.get(&key.bytes())?;
        Ok(row.map(Row::open).transpose()?)
    }

    /// Whether anything is said about any package of this ecosystem and release.
    pub fn covers(&self, ecosystem: Ecosystem, release: Option<&str>) -> Result<bool, DatabaseError> {
        let first = PackageKey { ecosystem, release, name: "" }.bytes();
        let (Ok(index) | Err(index)) = self.packages.search(&first)?;
        Ok(index < self.packages.len() && self.packages.key(index)?.starts_with(&first))
    }

    /// An advisory by its number.
    pub fn advisory(&self, number: u32) -> Result<StoredAdvisory, DatabaseError> {
        decode(self.advisories.value(number as usize)?)
    }

    /// A vulnerability by its number.
    pub fn vulnerability(&self, number: u32) -> Result<StoredVulnerability, DatabaseError> {
        decode(self.vulnerabilities.value(number as usize)?)
    }

    /// The vulnerabilities that have this name, in any case of letters.
    pub fn vulnerabilities_named(&self, name: &str) -> Result<Vec<u32>, DatabaseError> {
        let Some(numbers) = self.names.get(name.to_ascii_lowercase().as_bytes())? else { return Ok(Vec::new()) };
        let mut reader = Reader(numbers);
        let mut found = Vec::new();
        while !reader.0.is_empty() {
            found.push(u32::try_from(reader.number()?).map_err(|_| Corrupt)?);
        }
        Ok(found)
    }

    /// What an advisory says at length.
    pub fn text_of_advisory(&self, advisory: &StoredAdvisory) -> Result<Text, DatabaseError> {
        self.text(advisory.text)
    }

    /// What a catalogue says at length about a vulnerability.
    pub fn text_of_vulnerability(&self, vulnerability: &StoredVulnerability) -> Result<Text, DatabaseError> {
        self.text(vulnerability.text)
    }

    fn text(&self, place: Option<Place>) -> Result<Text, DatabaseError> {
        place.map_or_else(|| Ok(Text::default()), |place| decode(&self.texts.get(place)?))
    }

    /// The packages about which `self` and `other` say different things, or only one says something, in order.
    pub fn changed<'b>(&'b self, other: &'b Database<'_>) -> Result<Vec<OwnedKey>, DatabaseError> {
        let (ours, theirs) = (&self.packages, &other.packages);
        let (mut a, mut b) = (0, 0);
        let mut changed = Vec::new();
        while a < ours.len() || b < theirs.len() {
            let order = match (a < ours.len(), b < theirs.len()) {
                (true, true) => ours.key(a)?.cmp(theirs.key(b)?),
                (true, false) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            let key = if order.is_le() { ours.key(a)? } else { theirs.key(b)? };
            if order.is_ne() || row::meaning(ours.value(a)?)? != row::meaning(theirs.value(b)?)? {
                changed.push(OwnedKey::read(key)?);
            }
            a += usize::from(order.is_le());
            b += usize::from(order.is_ge());
        }
        Ok(changed)
    }
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DatabaseError> {
    rmp_serde::from_slice(bytes).map_err(|_| DatabaseError::Corrupt)
}

impl Header {
    /// Reads the header at the beginning of `bytes`, which need not be the whole file.
    pub fn read(bytes: &[u8]) -> Result<Self, DatabaseError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(DatabaseError::Foreign)?;
        let short = |expected: usize| DatabaseError::Size { found: bytes.len() as u64, expected: expected as u64 };
        let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(|| short(PREFIX))?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > MAX_HEADER_BYTES {
            return Err(DatabaseError::Damaged("header"));
        }
        let (checksum, rest) = rest.split_first_chunk::<16>().ok_or_else(|| short(PREFIX))?;
        let header = rest.get(..len).ok_or_else(|| short(PREFIX + len))?;
        if hash::checksum(header) != *checksum {
            return Err(DatabaseError::Damaged("header"));
        }
        let header: Self = serde_json::from_slice(header).map_err(|_| DatabaseError::Corrupt)?;
        let names = header.sections.iter().map(|section| section.name.as_str());
        if names.eq(SECTIONS) { Ok(header) } else { Err(DatabaseError::Corrupt) }
    }

    /// A file's first bytes in which there is a whole header, whatever it says.
    pub const MAX_BYTES: usize = PREFIX + MAX_HEADER_BYTES;

    /// The parts of the file, for who compares their checksums.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let size = self.size();
        self.sections.iter().zip(SECTIONS).map(move |(section, name)| Part {
            name,
            start: section.start,
            len: section.len,
            checksum: &section.checksum,
            size,
        })
    }

    /// What tells this database from all others, in hexadecimal: a digest of what it holds and where that is from.
    pub fn digest(&self) -> String {
        let mut hasher = hash::Sha256::new();
        for section in &self.sections {
            hasher.update(section.checksum.as_bytes());
        }
        for feed in &self.feeds {
            let at = feed.observed_at.map_or(0, Timestamp::as_microsecond);
            hasher.update(format!("\0{}\0{}\0{at}", feed.id, feed.source).as_bytes());
        }
        format!("sha256:{}", hash::hex(&hasher.finish()))
    }

    /// The beginning of a file of the same sections that says `feeds` of what it was built from: the same feeds in the
    /// same order, which were looked at again since. The sections follow it as they are, from [`Header::body`] on.
    pub fn renewed(&self, feeds: Vec<FeedSource>) -> Result<Vec<u8>, TooLarge> {
        let mut header = Self { feeds, ..self.clone() };
        let first = self.body();
        for section in &mut header.sections {
            section.start = section.start.saturating_sub(first);
        }
        build::beginning(header)
    }

    /// Where the first section begins.
    pub fn body(&self) -> u64 {
        self.sections.first().map_or(0, |section| section.start)
    }

    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.sections.last().map_or(0, |section| section.start.saturating_add(section.len))
    }
}

/// A part of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// What it holds, as a plural noun.
    pub name: &'static str,
    /// Where it begins.
    pub start: u64,
    /// Its bytes.
    pub len: u64,
    /// [`hash::checksum`] of them, in hexadecimal.
    pub checksum: &'a str,
    size: u64,
}

impl Part<'_> {
    fn of<'b>(&self, file: &'b [u8]) -> Result<&'b [u8], DatabaseError> {
        let short = DatabaseError::Size { found: file.len() as u64, expected: self.size };
        let range = usize::try_from(self.start).ok().zip(usize::try_from(self.start.saturating_add(self.len)).ok());
        range.and_then(|(start, end)| file.get(start..end)).ok_or(short)
    }
}

/// What a package is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageKey<'a> {
    /// Where it is from.
    pub ecosystem: Ecosystem,
    /// The distribution's release.
    pub release: Option<&'a str>,
    /// Its name, as the ecosystem compares it.
    pub name: &'a str,
}

impl PackageKey<'_> {
    /// Ecosystem, release and name, parted by zero bytes, which none of them holds.
    fn bytes(&self) -> Vec<u8> {
        [self.ecosystem.as_str(), "\0", self.release.unwrap_or_default(), "\0", self.name].concat().into_bytes()
    }
}

/// A [`PackageKey`] that owns its texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedKey {
    /// Where it is from.
    pub ecosystem: Ecosystem,
    /// The distribution's release.
    pub release: Option<String>,
    /// Its name.
    pub name: String,
}

impl OwnedKey {
    fn read(key: &[u8]) -> Result<Self, DatabaseError> {
        let text = std::str::from_utf8(key).map_err(|_| Corrupt)?;
        let mut parts = text.splitn(3, '\0');
        let (Some(ecosystem), Some(release), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(DatabaseError::Corrupt);
        };
        let ecosystem = ecosystem.parse().map_err(|_| Corrupt)?;
        let release = Some(release.to_owned()).filter(|release| !release.is_empty());
        Ok(Self { ecosystem, release, name: name.to_owned() })
    }
}
