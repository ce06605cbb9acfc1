//! What a feed is: how its files are recognised, and the function from one file to [`Record`]s.

use super::text::{is_cve, is_short, moment};
use crate::db::cut_to;
use crate::range::{Lower, Range, Upper};
use crate::record::{Advisory, Affected, Enrichment, Record, Says};
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic};
use std::collections::BTreeMap;
use std::fmt;

/// How much of a file's beginning [`Feed::recognises`] looks at.
pub const HEAD_BYTES: usize = 4096;

/// How many skipped records one file's diagnostics name; the rest are counted.
const NAMED: usize = 20;

/// Bytes of a summary or of details that are taken; a database keeps less.
const TEXT_BYTES: usize = 64 << 10;

/// How much of the name of a skipped record is told.
const NAME_CHARACTERS: usize = 200;

/// One file of a feed, unpacked.
#[derive(Debug, Clone, Copy)]
pub struct FeedFile<'a> {
    /// Where it was, for its name and for diagnostics: `crates/time/RUSTSEC-2020-0071.md`.
    pub path: &'a str,
    /// Content.
    pub bytes: &'a [u8],
    /// Bounds; the feed's reader bounds the bytes, the parser the records.
    pub limits: &'a Limits,
}

impl<'a> FeedFile<'a> {
    /// The name without directories.
    pub fn name(&self) -> &'a str {
        file_name(self.path)
    }

    /// The content as text.
    pub(crate) fn text(&self) -> Result<&'a str, Broken> {
        std::str::from_utf8(self.bytes).map_err(Broken::new)
    }
}

/// The part of a path behind the last slash.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether the name ends in a dot and `extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    file_name(path).rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

/// Whether the file is called so: its name begins with one of `prefixes`, and ends in a dot and `extension`.
pub(crate) fn is_named(path: &str, prefixes: &[&str], extension: &str) -> bool {
    has_extension(path, extension) && prefixes.iter().any(|prefix| file_name(path).starts_with(prefix))
}

/// Whether `text` is in `head`, which is short.
pub(crate) fn holds(head: &[u8], text: &str) -> bool {
    head.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Why a file is not of its format at all.
#[derive(Debug)]
pub(crate) struct Broken(String);

impl Broken {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// A record that goes by more CVEs than this would be written out for each of them.
pub(crate) const MOST_CVES: usize = 64;

/// Vulnerabilities times packages of one record: each pair is written out. The largest notices, of kernels, have some
/// hundred thousand.
const MOST_PAIRS: usize = 1 << 20;

/// Takes what a parser finds in one file.
pub(crate) struct Sink<'a> {
    take: &'a mut dyn FnMut(Record),
    room: usize,
    limit: usize,
    read: Read,
}

/// What came of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Records handed over that are advisories, parts of one counted each.
    pub advisories: usize,
    /// Records handed over that are enrichments.
    pub enrichments: usize,
    /// Records that could not be understood, for which nothing was handed over.
    pub skipped: usize,
    /// What is worth counting beside, by what it is: records that name only commits, that have no CVE, that are not
    /// about security.
    pub aside: BTreeMap<&'static str, usize>,
    /// When all of it was made, where a catalogue says.
    pub made: Option<Timestamp>,
    /// How many records all files of the source have together, where this one is a part and says so.
    pub of: Option<usize>,
    /// What a person should know: skipped records by name, limits, why a file was not taken.
    pub diagnostics: Vec<Diagnostic>,
}

/// The key in [`Read::aside`] of advisories that name only commits, so that no version can be found by them.
pub const ONLY_COMMITS: &str = "advisories that name only commits";

/// The key in [`Read::aside`] of other advisories that name no version of any package.
pub const NO_VERSIONS: &str = "advisories that name no version";

impl Sink<'_> {
    /// Hands over an advisory. One whose names are too long to be any is skipped; long texts are cut.
    pub(crate) fn advisory(&mut self, mut advisory: Advisory) {
        if !is_short_of_names(&advisory) {
            self.skip(&advisory.id, "a name or a version in it is too long to be one");
            return;
        }
        if advisory.aliases.iter().filter(|name| is_cve(name)).count() > MOST_CVES {
            self.skip(
                &advisory.id,
                format_args!("it goes by more than {MOST_CVES} CVEs: it is a list, no name of one"),
            );
            return;
        }
        if advisory.addresses.len().saturating_mul(advisory.affected.len()) > MOST_PAIRS {
            self.skip(&advisory.id, "it says too much of too many vulnerabilities");
            return;
        }
        advisory.references.retain(|address| is_short(address));
        advisory.summary = cut_to(advisory.summary, TEXT_BYTES);
        advisory.details = cut_to(advisory.details, TEXT_BYTES);
        if self.has_room() {
            self.read.advisories += 1;
            (self.take)(Record::Advisory(advisory));
        }
    }

    /// Hands over what is said about a vulnerability.
    pub(crate) fn says(&mut self, id: impl Into<String>, mut says: Says) {
        let id = id.into();
        if !is_short(&id) {
            self.skip(id, "its name is too long to be one");
            return;
        }
        if let Says::Description { text, .. } | Says::Title { text, .. } = &mut says {
            *text = cut_to(std::mem::take(text), TEXT_BYTES);
        }
        if self.has_room() {
            self.read.enrichments += 1;
            (self.take)(Record::Enrichment(Enrichment { id, says }));
        }
    }

    /// Counts a record that could not be understood.
    pub(crate) fn skip(&mut self, name: impl fmt::Display, reason: impl fmt::Display) {
        self.read.skipped += 1;
        if self.read.skipped <= NAMED {
            let name: String = name.to_string().chars().take(NAME_CHARACTERS).collect();
            let message = format!("the record {name} was skipped: {reason}");
            self.read.diagnostics.push(Diagnostic::incomplete(Code::FeedRecordMalformed, message));
        }
    }

    /// Counts a package of a record that could not be understood; the rest of the record counts.
    pub(crate) fn part(&mut self, name: impl fmt::Display, reason: impl fmt::Display) {
        const PARTS: &str = "packages that could not be understood";
        self.aside(PARTS);
        if self.read.aside[PARTS] <= NAMED {
            let name: String = name.to_string().chars().take(NAME_CHARACTERS).collect();
            let message = format!("a package of the record {name} was left out: {reason}");
            self.read.diagnostics.push(Diagnostic::incomplete(Code::FeedRecordMalformed, message));
        }
    }

    /// Counts records that should be there and are not: the file says how many it has.
    pub(crate) fn lacks(&mut self, has: usize, says: Option<usize>) {
        let lost = says.unwrap_or_default().saturating_sub(has);
        if lost > 0 {
            self.read.skipped += lost;
            let message = format!("it has {has} records and says that it has {}", has + lost);
            self.read.diagnostics.push(Diagnostic::incomplete(Code::FeedRecordMalformed, message));
        }
    }

    /// The file is one of several that have so many records together.
    pub(crate) fn one_of(&mut self, total: Option<usize>) {
        self.read.of = total;
    }

    /// When all of it was made; the latest counts.
    pub(crate) fn made(&mut self, when: Option<&str>) {
        self.read.made = self.read.made.max(when.and_then(moment));
    }

    /// Counts something beside; see [`Read::aside`].
    pub(crate) fn aside(&mut self, what: &'static str) {
        *self.read.aside.entry(what).or_default() += 1;
    }

    fn has_room(&mut self) -> bool {
        if let Some(room) = self.room.checked_sub(1) {
            self.room = room;
            return true;
        }
        if self.limit != usize::MAX {
            let message = format!("more than the limit of {} records", self.limit);
            self.read.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
            // Said once.
            self.limit = usize::MAX;
        }
        false
    }
}

/// Whether all that is kept once for each of its packages, or looked up, is short enough for that.
fn is_short_of_names(advisory: &Advisory) -> bool {
    let ends = |Range { from, to }: &Range| {
        let from = match from {
            Lower::At(version) | Lower::After(version) => is_short(version),
            Lower::Start => true,
        };
        from && match to {
            Upper::Fixed(version) | Upper::Last(version) => is_short(version),
            Upper::Unfixed => true,
        }
    };
    let of_package = |affected: &Affected| {
        let Affected { release, name, module, arches, ranges, versions, notice, .. } = affected;
        let single = [release.as_ref(), Some(name), module.as_ref(), notice.as_ref()].into_iter().flatten();
        single.chain(arches).chain(versions).all(|name| is_short(name)) && ranges.iter().all(ends)
    };
    let Advisory { id, aliases, addresses, cwes, .. } = advisory;
    let mut own = std::iter::once(id).chain(aliases).chain(addresses).chain(cwes);
    own.all(|name| is_short(name)) && advisory.affected.iter().all(of_package)
}

/// What a file of a feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// One record, which says all there is about its id, and when that was changed: of two, from wherever, the later holds.
    Whole,
    /// One record, to which others may add.
    Part,
    /// Many records.
    List,
}

/// A source of advisories, or of facts about vulnerabilities.
#[derive(Debug)]
pub struct Feed {
    /// Stable name: `almalinux`.
    pub id: &'static str,
    /// What it is, for help and documentation.
    pub title: &'static str,
    /// Terms of the data, as an SPDX expression where there is one.
    pub licence: &'static str,
    /// Where its publisher offers it; `{}` stands for each name of a release or ecosystem.
    pub upstream: &'static [&'static str],
    /// What a file of it holds.
    pub contents: Contents,
    /// Whether a file with this path and these first bytes is one of its files. A name that only this feed gives is
    /// enough: what is left of such a file when it was cut is then a broken one, and not a stranger.
    pub recognises: fn(path: &str, head: &[u8]) -> bool,
    /// Reads a file.
    pub(crate) parse: fn(&FeedFile<'_>, &mut Sink<'_>) -> Result<(), Broken>,
}

impl Feed {
    /// Reads a file, handing each record to `take` as it is met.
    pub fn read(&self, file: &FeedFile<'_>, take: &mut dyn FnMut(Record)) -> Read {
        let limit = file.limits.records;
        let mut sink = Sink { take, room: limit, limit, read: Read::default() };
        let outcome = (self.parse)(file, &mut sink);
        let mut read = sink.read;
        if read.skipped > NAMED {
            let message = format!("{} more records were skipped", read.skipped - NAMED);
            read.diagnostics.push(Diagnostic::incomplete(Code::FeedRecordMalformed, message));
        }
        if let Err(Broken(reason)) = outcome {
            let message = format!("could not be read as {}: {reason}", self.title);
            read.diagnostics.push(Diagnostic::incomplete(Code::FeedMalformed, message));
        }
        for diagnostic in &mut read.diagnostics {
            diagnostic.path = Some(file.path.to_owned());
        }
        read
    }
}
