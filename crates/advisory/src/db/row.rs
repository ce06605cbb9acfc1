//! What is said about one package: the value behind its key.
//!
//! A checksum of 16 bytes over what it *means* (so that two databases can be compared without regard to how they
//! number things), the texts that occur in it, each once, and then an entry for each advisory, which names texts
//! by their number.

use super::codec::{Reader, put_number, put_text};
use super::{Corrupt, StoredRating};
use crate::range::{Lower, Range, Upper};
use crate::record::Status;
use crate::version::Scheme;
use std::collections::HashMap;

/// Bytes of the checksum.
const MEANING: usize = 16;
const MODULE: u8 = 0x08;
const ARCHES: u8 = 0x10;
const VERSIONS: u8 = 0x20;
const NOTICE: u8 = 0x40;
const RATINGS: u8 = 0x80;
const STATUS: u8 = 0x07;
/// [`Edge::Unclear`].
const UNCLEAR: u8 = 3;

const STATUSES: [Status; 6] = [
    Status::Affected,
    Status::NotAffected,
    Status::WillNotFix,
    Status::FixDeferred,
    Status::EndOfLife,
    Status::UnderInvestigation,
];

/// What an advisory says about a package, before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Spec {
    pub(super) module: Option<String>,
    pub(super) arches: Vec<String>,
    pub(super) status: Status,
    pub(super) ranges: Vec<Range>,
    pub(super) versions: Vec<String>,
    pub(super) notice: Option<String>,
    pub(super) ratings: Vec<StoredRating>,
}

/// Who says it: the numbers of an advisory, its feed and its vulnerabilities, which stand in the row so that a match
/// reads nothing else.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) advisory: u32,
    pub(super) feed: u32,
    pub(super) vulnerabilities: Vec<u32>,
}

/// Writes a row of `entries` after the checksum of its meaning; its versions are of `scheme`.
pub(super) fn write(meaning: [u8; MEANING], entries: &[(Whose, &Spec)], scheme: Scheme) -> Vec<u8> {
    let mut texts = Texts::default();
    let mut body = Vec::new();
    put_number(&mut body, entries.len());
    for (whose, spec) in entries {
        write_entry(&mut body, whose, spec, &mut texts, scheme);
    }
    let mut out = meaning.to_vec();
    put_number(&mut out, texts.list.len());
    for text in texts.list {
        put_text(&mut out, text);
    }
    out.extend_from_slice(&body);
    out
}

/// Texts by number, in the order in which they are first met.
#[derive(Default)]
struct Texts<'a> {
    list: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn put(&mut self, out: &mut Vec<u8>, text: &'a str) {
        let next = self.list.len();
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.list.push(text);
        }
        put_number(out, number);
    }
}

fn write_entry<'a>(out: &mut Vec<u8>, whose: &Whose, spec: &'a Spec, texts: &mut Texts<'a>, scheme: Scheme) {
    put_number(out, whose.advisory as usize);
    put_number(out, whose.feed as usize);
    put_number(out, whose.vulnerabilities.len());
    for vulnerability in &whose.vulnerabilities {
        put_number(out, *vulnerability as usize);
    }
    let status = STATUSES.iter().position(|status| *status == spec.status).unwrap_or_default() as u8;
    let flag = |present: bool, flag: u8| if present { flag } else { 0 };
    out.push(
        status
            | flag(spec.module.is_some(), MODULE)
            | flag(!spec.arches.is_empty(), ARCHES)
            | flag(!spec.versions.is_empty(), VERSIONS)
            | flag(spec.notice.is_some(), NOTICE)
            | flag(!spec.ratings.is_empty(), RATINGS),
    );
    if let Some(module) = &spec.module {
        texts.put(out, module);
    }
    let mut list = |out: &mut Vec<u8>, items: &'a [String]| {
        if !items.is_empty() {
            put_number(out, items.len());
            for item in items {
                texts.put(out, item);
            }
        }
    };
    list(out, &spec.arches);
    list(out, &spec.versions);
    let listed =
        spec.versions.iter().all(|version| !scheme.can_compare(version)).then(|| spec.versions.first()).flatten();
    // Versions of which none is one may mean any.
    let unclear = listed.filter(|_| spec.ranges.is_empty());
    put_number(out, spec.ranges.len() + usize::from(unclear.is_some()));
    if let Some(version) = unclear {
        out.push(UNCLEAR | UNCLEAR << 2);
        texts.put(out, version);
        texts.put(out, version);
    }
    for range in &spec.ranges {
        let (from, lower) = match &range.from {
            Lower::Start => (0, None),
            Lower::At(version) => (1, Some(version)),
            Lower::After(version) => (2, Some(version)),
        };
        let (to, upper) = match &range.to {
            Upper::Unfixed => (0, None),
            Upper::Fixed(version) => (1, Some(version)),
            Upper::Last(version) => (2, Some(version)),
        };
        let kind = |kind, version: Option<&String>| match version {
            Some(version) if !scheme.can_compare(version) => UNCLEAR,
            _ => kind,
        };
        out.push(kind(from, lower) | kind(to, upper) << 2);
        for version in [lower, upper].into_iter().flatten() {
            texts.put(out, version);
        }
    }
    if let Some(notice) = &spec.notice {
        texts.put(out, notice);
    }
    if !spec.ratings.is_empty() {
        put_number(out, spec.ratings.len());
        for rating in &spec.ratings {
            out.push(rating.severity);
            out.push(rating.score);
            texts.put(out, &rating.by);
            texts.put(out, &rating.vector);
        }
    }
}

/// The checksum of a row's meaning.
pub(super) fn meaning(row: &[u8]) -> Result<[u8; MEANING], Corrupt> {
    row.first_chunk().copied().ok_or(Corrupt)
}

/// A row where it lies in the file.
#[derive(Debug)]
pub struct Row<'a> {
    texts: Vec<&'a str>,
    rest: Reader<'a>,
    left: usize,
}

/// What one advisory says about the package of a row. Texts are places in [`Row::texts`], so that each is compared
/// once however many entries name it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The advisory's number.
    pub advisory: u32,
    /// The number of its feed.
    pub feed: u32,
    /// The numbers of its vulnerabilities.
    pub vulnerabilities: Vec<u32>,
    /// What is to be done.
    pub status: Status,
    /// Module and stream.
    pub module: Option<usize>,
    /// Architectures; all when empty.
    pub arches: Vec<usize>,
    /// Intervals.
    pub ranges: Vec<(Edge, Edge)>,
    /// Single versions.
    pub versions: Vec<usize>,
    /// The notice that brought the fix.
    pub notice: Option<usize>,
    /// How bad it is for this package.
    pub ratings: Vec<StoredRating>,
}

/// An end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// None.
    Open,
    /// At a version: included where it is the beginning, excluded (fixed) where it is the end.
    At(usize),
    /// Behind a version: excluded where it is the beginning, included (last affected) where it is the end.
    After(usize),
    /// At a text that is no version of the scheme, so that nothing can be compared with it.
    Unclear(usize),
}

impl<'a> Row<'a> {
    pub(super) fn open(row: &'a [u8]) -> Result<Self, Corrupt> {
        let mut rest = Reader(row.get(MEANING..).ok_or(Corrupt)?);
        let count = rest.count()?;
        let mut texts = Vec::with_capacity(count);
        for _ in 0..count {
            texts.push(rest.text()?);
        }
        let left = rest.count()?;
        Ok(Self { texts, rest, left })
    }

    /// The texts, by number.
    pub fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    /// Reads the next entry into `entry`, whose room is used again; false when there is none.
    pub fn read(&mut self, entry: &mut Entry) -> Result<bool, Corrupt> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
        self.left = left;
        entry.advisory = self.short()?;
        entry.feed = self.short()?;
        entry.vulnerabilities.clear();
        for _ in 0..self.rest.count()? {
            let vulnerability = self.short()?;
            entry.vulnerabilities.push(vulnerability);
        }
        let flags = self.rest.byte()?;
        entry.status = *STATUSES.get(usize::from(flags & STATUS)).ok_or(Corrupt)?;
        entry.module = if flags & MODULE == 0 { None } else { Some(self.text()?) };
        self.list(flags & ARCHES != 0, &mut entry.arches)?;
        self.list(flags & VERSIONS != 0, &mut entry.versions)?;
        entry.ranges.clear();
        for _ in 0..self.rest.count()? {
            let kind = self.rest.byte()?;
            entry.ranges.push((self.edge(kind & 3)?, self.edge(kind >> 2)?));
        }
        entry.notice = if flags & NOTICE == 0 { None } else { Some(self.text()?) };
        entry.ratings.clear();
        if flags & RATINGS != 0 {
            for _ in 0..self.rest.count()? {
                let (severity, score) = (self.rest.byte()?, self.rest.byte()?);
                let (by, vector) = (self.text()?, self.text()?);
                let text = |number: usize| self.texts[number].to_owned();
                entry.ratings.push(StoredRating { severity, score, by: text(by), vector: text(vector) });
            }
        }
        Ok(true)
    }

    fn short(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.rest.number()?).map_err(|_| Corrupt)
    }

    /// The number of a text there is.
    fn text(&mut self) -> Result<usize, Corrupt> {
        let number = self.rest.number()?;
        if number < self.texts.len() { Ok(number) } else { Err(Corrupt) }
    }

    fn list(&mut self, present: bool, into: &mut Vec<usize>) -> Result<(), Corrupt> {
        into.clear();
        if present {
            for _ in 0..self.rest.count()? {
                into.push(self.text()?);
            }
        }
        Ok(())
    }

    fn edge(&mut self, kind: u8) -> Result<Edge, Corrupt> {
        Ok(match kind {
            0 => Edge::Open,
            1 => Edge::At(self.text()?),
            2 => Edge::After(self.text()?),
            3 => Edge::Unclear(self.text()?),
            _ => return Err(Corrupt),
        })
    }
}
