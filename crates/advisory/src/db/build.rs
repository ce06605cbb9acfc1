//! Building a database from records.

use super::identity::{self, Names};
use super::row::{self, Spec, Whose};
use super::table::TableWriter;
use super::text::{Place, TextWriter};
use super::{
    Counts, DETAILS_BYTES, Header, MAGIC, PREFIX, PackageKey, PlaceCount, REFERENCES, SECTIONS, Section,
    StoredAdvisory, StoredRating, StoredVulnerability, Text, TooLarge, codec,
};
use crate::ecosystem::Ecosystem;
use crate::feeds::text::{canonical_cve, is_cve};
use crate::feeds::{self, Contents};
use crate::record::{Advisory, AdvisoryKind, Affected, Enrichment, Rating, Record, Says};
use jiff::{SignedDuration, Timestamp};
use sekisho_base::hash;
use sekisho_model::{AssessedFeed, Severity};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

/// What a database was built from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedSource {
    /// [`crate::feeds::Feed::id`].
    pub id: String,
    /// What it is.
    pub title: String,
    /// Terms of the data.
    pub licence: String,
    /// Where it was taken from.
    pub source: String,
    /// When it was taken.
    pub observed_at: Option<Timestamp>,
    /// Files it consists of.
    pub files: usize,
    /// Advisories taken from it.
    pub advisories: usize,
    /// Facts about vulnerabilities taken from it.
    pub enrichments: usize,
    /// Records that could not be understood.
    pub skipped: usize,
    /// What was left aside on purpose, by what it is: advisories that name only commits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aside: BTreeMap<String, usize>,
    /// When the newest of its advisories was changed, where they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
}

impl FeedSource {
    /// The feed as a result names it; `concerned` is whether it can say anything about what was judged.
    pub fn assessed(&self, concerned: bool) -> AssessedFeed {
        AssessedFeed {
            id: self.id.clone(),
            source: self.source.clone(),
            observed_at: self.observed_at,
            newest: self.newest,
            advisories: self.advisories,
            concerned,
            skipped: self.skipped,
        }
    }
}

/// A database that is being made.
#[derive(Debug, Default)]
pub struct Builder {
    feeds: Vec<FeedSource>,
    /// Whether the records of the feed that was begun last are whole.
    whole: bool,
    /// The first source of that feed.
    first: u32,
    advisories: Vec<Draft>,
    /// Where the parts of an advisory go: by feed, id and, where records are whole, when it was changed.
    by_id: HashMap<(u32, String, Option<Timestamp>), u32>,
    /// When the latest of the whole records of an id was changed, in the feed of which this source is the first.
    latest: HashMap<(u32, String), Timestamp>,
    /// Specs are many and few are different.
    specs: HashMap<Spec, u32>,
    /// Drafts and specs, by the package they are about.
    packages: HashMap<PackagePlace, Vec<(u32, u32)>>,
    facts: HashMap<String, Vec<Says>>,
}

/// Ecosystem, release, name.
type PackagePlace = (Ecosystem, Option<String>, String);

/// An advisory of which more parts may come.
#[derive(Debug)]
struct Draft {
    /// Without what lies elsewhere.
    advisory: Advisory,
    feed: u32,
    /// Where the record is whole: the first source of its feed, and when it was changed.
    version: Option<(u32, Timestamp)>,
    text: Vec<u8>,
}

impl Builder {
    /// Begins a feed; what [`Builder::add`] takes from now on is of it. Feeds come in a fixed order, since their
    /// order is that of the advisories.
    pub fn feed(&mut self, source: FeedSource) {
        self.whole = feeds::feed(&source.id).is_some_and(|feed| feed.contents == Contents::Whole);
        let first = self.feeds.iter().position(|feed| feed.id == source.id);
        self.first = first.unwrap_or(self.feeds.len()) as u32;
        self.feeds.push(source);
    }

    /// Takes in a record of the feed that was begun last.
    pub fn add(&mut self, record: Record) {
        match record {
            Record::Advisory(advisory) => self.advisory(advisory),
            Record::Enrichment(Enrichment { mut id, says }) => {
                canonical_cve(&mut id);
                self.facts.entry(id).or_default().push(says);
            }
        }
    }

    fn advisory(&mut self, mut advisory: Advisory) {
        let feed = self.feeds.len().saturating_sub(1) as u32;
        let Advisory { id, aliases, addresses, .. } = &mut advisory;
        std::iter::once(id).chain(aliases).chain(addresses).for_each(canonical_cve);
        let affected = std::mem::take(&mut advisory.affected);
        let text = text_of(&mut advisory);
        // What is to be at a time after it was taken is not yet so, but for clocks that differ.
        let taken = self.feeds.last().and_then(|feed| feed.observed_at);
        let is_past =
            |at: &Timestamp| taken.is_none_or(|taken| at.duration_since(taken) <= SignedDuration::from_hours(24));
        advisory.withdrawn = advisory.withdrawn.filter(is_past);
        let version = self.whole.then(|| (self.first, advisory.modified.filter(is_past).unwrap_or_default()));
        if let Some((first, at)) = version {
            let latest = self.latest.entry((first, advisory.id.clone())).or_insert(at);
            *latest = at.max(*latest);
        }
        let key = (feed, advisory.id.clone(), version.map(|(_, at)| at));
        let next = self.advisories.len() as u32;
        let number = *self.by_id.entry(key).or_insert(next);
        if number == next {
            self.advisories.push(Draft { advisory, feed, version, text });
        } else {
            let draft = &mut self.advisories[number as usize];
            draft.advisory.join(advisory);
            if draft.text.is_empty() {
                draft.text = text;
            }
        }
        for Affected { ecosystem, release, name, module, arches, status, ranges, versions, notice, ratings } in affected
        {
            let ratings = ratings.iter().map(store_rating).collect();
            let spec = Spec { module, arches, status, ranges, versions, notice, ratings };
            let next = self.specs.len() as u32;
            let spec = *self.specs.entry(spec).or_insert(next);
            // Earlier imports may have compared names otherwise.
            let name = ecosystem.normalize_name(&name);
            self.packages.entry((ecosystem, release, name)).or_default().push((number, spec));
        }
    }

    /// Leaves out each whole record of which the feed has a later version, from whichever file: what that no longer says, or
    /// takes back, does not hold. One that does not say when it was changed, as it must, or says a time to come, is older
    /// than any that does. Returns how many were left out.
    fn leave_out_superseded(&mut self) -> usize {
        let stands = |draft: &Draft| {
            draft.version.is_none_or(|(first, at)| {
                self.latest.get(&(first, draft.advisory.id.clone())).is_none_or(|latest| *latest <= at)
            })
        };
        let before = self.advisories.len();
        let mut next = 0;
        let numbers: Vec<Option<u32>> = self
            .advisories
            .iter()
            .map(|draft| {
                let number = stands(draft).then_some(next);
                next += u32::from(number.is_some());
                number
            })
            .collect();
        let mut numbered = numbers.iter();
        self.advisories.retain(|_| numbered.next().is_some_and(Option::is_some));
        for entries in self.packages.values_mut() {
            let renumbered = entries.iter().filter_map(|(draft, spec)| Some((numbers[*draft as usize]?, *spec)));
            *entries = renumbered.collect();
        }
        self.packages.retain(|_, entries| !entries.is_empty());
        before - self.advisories.len()
    }

    /// The database as the bytes of its file.
    pub fn finish(mut self) -> Result<Vec<u8>, TooLarge> {
        let superseded = self.leave_out_superseded();
        let names: Vec<Names<'_>> = self
            .advisories
            .iter()
            .map(|Draft { advisory, .. }| Names {
                id: &advisory.id,
                aliases: &advisory.aliases,
                addresses: &advisory.addresses,
            })
            .collect();
        let about = identity::vulnerabilities(&names);
        let packages: BTreeMap<_, _> = self.packages.iter().collect();
        let mut specs: Vec<(&Spec, u32)> = self.specs.iter().map(|(spec, number)| (spec, *number)).collect();
        specs.sort_unstable_by_key(|(_, number)| *number);
        let specs = specs.into_iter().map(|(spec, _)| spec).collect();
        let severities = (0..).zip(&about).map(|(draft, about)| self.severity(draft, about)).collect();
        let whole = Whole { feeds: &self.feeds, drafts: &self.advisories, specs, packages, about, severities };

        let order = whole.order();
        let mut texts = TextWriter::default();
        let places = whole.texts(&mut texts)?;
        let mut counts = Counts { advisories: whole.drafts.len(), superseded, ..Counts::default() };
        let mut vulnerabilities = whole.vulnerabilities();
        let package_table = whole.packages(&order, &vulnerabilities, &mut counts)?;
        counts.vulnerabilities = vulnerabilities.len();
        // Several catalogues may say the same of one.
        let with = |wanted: fn(&Says) -> bool| self.facts.values().filter(|said| said.iter().any(wanted)).count();
        counts.exploited = with(|says| matches!(says, Says::Exploited { .. }));
        counts.likelihoods = with(|says| matches!(says, Says::Likelihood { .. }));
        let names = whole.names(&order, &mut vulnerabilities)?;
        let advisories = whole.advisories(&order, &places, &vulnerabilities, &mut counts)?;
        let mut table = TableWriter::default();
        for (id, (_, mut stored)) in vulnerabilities {
            stored.aliases.sort();
            stored.aliases.dedup();
            for says in self.facts.get(id).into_iter().flatten() {
                add_fact(&mut stored, says, &mut texts)?;
            }
            table.push(id.as_bytes(), &encode(&stored)?)?;
        }
        let sections = [package_table, advisories, table.finish(), names, texts.finish()?];
        drop(whole);
        assemble(self.feeds, counts, &sections)
    }

    /// The checksum of how bad those vulnerabilities are which a draft is about: what it says, and what catalogues say.
    fn severity(&self, draft: usize, about: &[String]) -> [u8; 16] {
        let mut said = format!("{:?}", self.advisories[draft].advisory.ratings);
        for id in about {
            let facts = self.facts.get(id).into_iter().flatten();
            let rated = facts.filter_map(|says| match says {
                Says::Description { ratings, .. } if !ratings.is_empty() => Some(format!("{ratings:?}")),
                _ => None,
            });
            said.extend(rated.collect::<BTreeSet<_>>());
        }
        hash::checksum(said.as_bytes())
    }
}

/// Everything there is, once no more comes.
struct Whole<'a> {
    feeds: &'a [FeedSource],
    drafts: &'a [Draft],
    specs: Vec<&'a Spec>,
    packages: BTreeMap<&'a PackagePlace, &'a Vec<(u32, u32)>>,
    /// For each draft the names of its vulnerabilities.
    about: Vec<Vec<String>>,
    /// For each draft the checksum of how bad its vulnerabilities are.
    severities: Vec<[u8; 16]>,
}

/// The order of advisories: drafts by number, and numbers by draft.
struct Order {
    drafts: Vec<usize>,
    numbers: Vec<u32>,
}

/// Vulnerabilities by id, each with its number.
type Vulnerabilities<'a> = BTreeMap<&'a str, (u32, StoredVulnerability)>;

impl Whole<'_> {
    fn feed_id(&self, draft: &Draft) -> &str {
        self.feeds.get(draft.feed as usize).map_or("", |feed| feed.id.as_str())
    }

    /// Advisories go by feed and id, whatever the order they came in.
    fn order(&self) -> Order {
        let mut drafts: Vec<usize> = (0..self.drafts.len()).collect();
        drafts.sort_by_key(|draft| (self.drafts[*draft].feed, self.drafts[*draft].advisory.id.as_str()));
        let mut numbers = vec![0; drafts.len()];
        for (number, draft) in (0..).zip(&drafts) {
            numbers[*draft] = number;
        }
        Order { drafts, numbers }
    }

    /// Writes texts in the order of packages, since those of one are read together.
    fn texts(&self, texts: &mut TextWriter) -> Result<Vec<Option<Place>>, TooLarge> {
        let mut places = vec![None; self.drafts.len()];
        for entries in self.packages.values() {
            let mut drafts: Vec<usize> = entries.iter().map(|(draft, _)| *draft as usize).collect();
            // The order in which they came must not show.
            drafts.sort_by_key(|draft| (self.drafts[*draft].feed, self.drafts[*draft].advisory.id.as_str()));
            for draft in drafts {
                let text = &self.drafts[draft].text;
                if places[draft].is_none() && !text.is_empty() {
                    places[draft] = Some(texts.push(text)?);
                }
            }
        }
        let mut rest: Vec<usize> = (0..places.len()).filter(|draft| places[*draft].is_none()).collect();
        rest.sort_by_key(|draft| (self.drafts[*draft].feed, self.drafts[*draft].advisory.id.as_str()));
        for draft in rest.into_iter().filter(|draft| !self.drafts[*draft].text.is_empty()) {
            places[draft] = Some(texts.push(&self.drafts[draft].text)?);
        }
        Ok(places)
    }

    /// What matches read. Only what is a vulnerability and stands is there.
    fn packages(
        &self,
        order: &Order,
        vulnerabilities: &Vulnerabilities<'_>,
        counts: &mut Counts,
    ) -> Result<Vec<u8>, TooLarge> {
        let mut table = TableWriter::default();
        for ((ecosystem, release, name), entries) in &self.packages {
            let stands = |(draft, _): &&(u32, u32)| {
                let advisory = &self.drafts[*draft as usize].advisory;
                advisory.withdrawn.is_none()
                    && matches!(advisory.kind, AdvisoryKind::Vulnerability | AdvisoryKind::Malware)
            };
            let mut entries: Vec<(u32, String, usize, &Spec)> = entries
                .iter()
                .filter(stands)
                .map(|(draft, spec)| {
                    let (draft, spec) = (*draft as usize, self.specs[*spec as usize]);
                    (order.numbers[draft], self.meaning(draft, spec), draft, spec)
                })
                .collect();
            if entries.is_empty() {
                continue;
            }
            entries.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            // Parts of an advisory may repeat each other.
            entries.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
            let mut meaning = String::new();
            for (_, text, _, _) in &entries {
                meaning.push_str(text);
            }
            let meaning = hash::checksum(meaning.as_bytes());
            let rows: Vec<(Whose, &Spec)> = entries
                .iter()
                .map(|(advisory, _, draft, spec)| {
                    let vulnerabilities = self.numbers_of(*draft, vulnerabilities);
                    (Whose { advisory: *advisory, feed: self.drafts[*draft].feed, vulnerabilities }, *spec)
                })
                .collect();
            let key = PackageKey { ecosystem: *ecosystem, release: release.as_deref(), name };
            table.push(&key.bytes(), &row::write(meaning, &rows, ecosystem.scheme_in(release.as_deref())))?;
            counts.packages += 1;
            let feeds = rows.iter().map(|(whose, _)| whose.feed);
            match counts.places.last_mut() {
                // Packages come in the order of their places.
                Some(place) if (place.ecosystem, &place.release) == (*ecosystem, release) => {
                    place.entries += rows.len();
                    place.feeds.extend(feeds);
                }
                _ => counts.places.push(PlaceCount {
                    ecosystem: *ecosystem,
                    release: release.clone(),
                    entries: rows.len(),
                    feeds: feeds.collect(),
                }),
            }
        }
        Ok(table.finish())
    }

    /// The numbers of a draft's vulnerabilities.
    fn numbers_of(&self, draft: usize, vulnerabilities: &Vulnerabilities<'_>) -> Vec<u32> {
        let number = |id: &String| vulnerabilities.get(id.as_str()).map(|(number, _)| *number);
        self.about[draft].iter().filter_map(number).collect()
    }

    /// All that a finding depends on, in words that do not depend on numbers.
    fn meaning(&self, draft: usize, spec: &Spec) -> String {
        let (feed, advisory) = (self.feed_id(&self.drafts[draft]), &self.drafts[draft].advisory);
        let (about, severity) = (&self.about[draft], &self.severities[draft]);
        format!("{feed} {} {:?} {about:?} {severity:?} {spec:?}\n", advisory.id, advisory.kind)
    }

    fn vulnerabilities(&self) -> Vulnerabilities<'_> {
        let ids: BTreeSet<&str> = self.about.iter().flatten().map(String::as_str).collect();
        let stored = |id: &str| StoredVulnerability { id: id.to_owned(), ..StoredVulnerability::default() };
        (0..).zip(ids).map(|(number, id)| (id, (number, stored(id)))).collect()
    }

    /// Gives vulnerabilities their advisories and aliases; returns the table of all names.
    fn names(&self, order: &Order, vulnerabilities: &mut Vulnerabilities<'_>) -> Result<Vec<u8>, TooLarge> {
        let mut all: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        for (number, draft) in (0..).zip(&order.drafts) {
            let advisory = &self.drafts[*draft].advisory;
            for id in &self.about[*draft] {
                let Some((vulnerability, stored)) = vulnerabilities.get_mut(id.as_str()) else { continue };
                stored.advisories.push(number);
                let mut name = |name: &str| all.entry(name.to_ascii_lowercase()).or_default().insert(*vulnerability);
                name(id);
                name(&advisory.id);
                // A notice about several is not another name of each.
                if advisory.addresses.is_empty() {
                    for alias in std::iter::once(&advisory.id).chain(&advisory.aliases) {
                        name(alias);
                        if alias != id && !is_cve(alias) {
                            stored.aliases.push(alias.clone());
                        }
                    }
                }
            }
        }
        let mut table = TableWriter::default();
        for (name, numbers) in all {
            let mut value = Vec::new();
            for number in numbers {
                codec::put_number(&mut value, number as usize);
            }
            table.push(name.as_bytes(), &value)?;
        }
        Ok(table.finish())
    }

    fn advisories(
        &self,
        order: &Order,
        places: &[Option<Place>],
        vulnerabilities: &Vulnerabilities<'_>,
        counts: &mut Counts,
    ) -> Result<Vec<u8>, TooLarge> {
        let mut table = TableWriter::default();
        for draft in &order.drafts {
            let Draft { advisory, feed, .. } = &self.drafts[*draft];
            counts.withdrawn += usize::from(advisory.withdrawn.is_some());
            let stored = StoredAdvisory {
                id: advisory.id.clone(),
                feed: *feed,
                kind: advisory.kind,
                vulnerabilities: self.numbers_of(*draft, vulnerabilities),
                published: advisory.published.map(Timestamp::as_second),
                modified: advisory.modified.map(Timestamp::as_second),
                withdrawn: advisory.withdrawn.map(Timestamp::as_second),
                ratings: advisory.ratings.iter().map(store_rating).collect(),
                cwes: advisory.cwes.clone(),
                text: places[*draft],
            };
            // The number keeps feeds in their order.
            let key = format!("{feed:04x}\0{}", advisory.id);
            table.push(key.as_bytes(), &encode(&stored)?)?;
        }
        Ok(table.finish())
    }
}

/// Puts header and sections together. The header states where the sections lie, which depends on its own length:
/// room is made for the longest numbers there are, and what is left of it is blanks.
fn assemble(feeds: Vec<FeedSource>, counts: Counts, parts: &[Vec<u8>; SECTIONS.len()]) -> Result<Vec<u8>, TooLarge> {
    let mut header = Header { feeds, counts, sections: Vec::new() };
    let mut start = 0_u64;
    for (name, part) in SECTIONS.iter().zip(parts) {
        let len = part.len() as u64;
        let checksum = hash::hex(&hash::checksum(part));
        header.sections.push(Section { name: (*name).to_owned(), start, len, checksum });
        start += len;
    }
    let mut out = beginning(header)?;
    out.reserve_exact(start as usize);
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}

/// All of a file that comes before its sections, of which `header` says where they begin counted from the first.
pub(super) fn beginning(mut header: Header) -> Result<Vec<u8>, TooLarge> {
    let room = serde_json::to_vec(&header).map_err(|_| TooLarge)?.len() + 20 * SECTIONS.len();
    for section in &mut header.sections {
        section.start += (PREFIX + room) as u64;
    }
    let mut json = serde_json::to_vec(&header).map_err(|_| TooLarge)?;
    json.resize(room, b' ');
    let mut out = Vec::with_capacity(PREFIX + room);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&(room as u32).to_le_bytes());
    out.extend_from_slice(&hash::checksum(&json));
    out.extend_from_slice(&json);
    Ok(out)
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, TooLarge> {
    rmp_serde::to_vec(value).map_err(|_| TooLarge)
}

/// Takes the long texts out of an advisory; empty where there are none.
fn text_of(advisory: &mut Advisory) -> Vec<u8> {
    let mut references = std::mem::take(&mut advisory.references);
    references.truncate(REFERENCES);
    let text = Text {
        summary: cut(std::mem::take(&mut advisory.summary)),
        details: cut(std::mem::take(&mut advisory.details)),
        references,
    };
    if text == Text::default() { Vec::new() } else { encode(&text).unwrap_or_default() }
}

/// At most [`DETAILS_BYTES`], at the end of a word.
fn cut(text: String) -> String {
    cut_to(text, DETAILS_BYTES)
}

/// At most `most` bytes, at the end of a word.
pub(crate) fn cut_to(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
        text.truncate(end);
        text.push_str(" …");
    }
    text
}

fn add_fact(stored: &mut StoredVulnerability, says: &Says, texts: &mut TextWriter) -> Result<(), TooLarge> {
    match says {
        Says::Exploited { added, due, ransomware } => {
            stored.exploited = Some((added.clone(), due.clone(), *ransomware));
        }
        Says::Likelihood { probability, percentile } => {
            stored.likelihood = Some((*probability as f32, *percentile as f32));
        }
        Says::Description { text, ratings, cwes, rejected } => {
            stored.ratings.extend(ratings.iter().map(store_rating));
            stored.cwes.extend(cwes.iter().cloned());
            stored.rejected = *rejected;
            if stored.text.is_none() && !text.is_empty() {
                let text = Text { details: cut(text.clone()), ..Text::default() };
                stored.text = Some(texts.push(&encode(&text)?)?);
            }
        }
        Says::Title { language, text, reference } => {
            stored.titles.push((language.clone(), text.clone(), reference.clone()));
        }
    }
    Ok(())
}

/// The rating with its vector's base score, and the severity that is meant: the judge's word before the score's.
fn store_rating(rating: &Rating) -> StoredRating {
    let vector = rating.vector.clone().unwrap_or_default();
    let scored = cvss::Cvss::from_str(&vector).ok();
    let score = scored.as_ref().map(cvss::Cvss::score);
    let of_score = scored.zip(score).map(|(vector, score)| match vector {
        cvss::Cvss::CvssV20(_) => Severity::of_score_v2(score),
        _ => Severity::of_score(score),
    });
    StoredRating {
        by: rating.by.clone(),
        severity: rating.severity.or(of_score).unwrap_or_default() as u8,
        score: score.map_or(255, |score| (score * 10.0).round() as u8),
        vector,
    }
}
