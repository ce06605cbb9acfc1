//! All of an inventory: findings with what is known about their vulnerabilities.

use super::{Hit, Matched, Matcher, Obstacle, place, severity, with_owners};
use crate::db::{Database, DatabaseError, PlaceCount, StoredAdvisory, StoredRating, StoredVulnerability, Text};
use crate::record::Status;
use jiff::Timestamp;
use sekisho_model::{
    AssessedBy, AssessedFeed, Assessment, Code, Diagnostic, Exploited, Finding, FindingId, FindingSource,
    FindingStatus, Inventory, Judgement, Level, Likelihood, OsRelease, PackageFacts, PackageFinding, PackageKind,
    ScanState, Severity, Subject, Vulnerability,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Looks for the vulnerabilities of all packages of `inventory`. Language packages whose files a package of the
/// distribution owns are judged with that one, where anything is said about it. `now` is when that is.
pub fn assess(inventory: &Inventory, database: &Database<'_>, now: Timestamp) -> Result<Assessment, DatabaseError> {
    let matcher = Matcher::new(database, inventory.os.as_ref());
    let mut found = Found::new(database);
    let identity = inventory.identity();
    let mut findings = Vec::new();
    let mut obstacles: BTreeMap<Obstacle, Vec<&PackageFacts>> = BTreeMap::new();
    for (package, owner) in with_owners(inventory) {
        let Matched { vulnerabilities, obstacle } = matcher.owned(&package.facts, owner)?;
        if let Some(obstacle) = obstacle {
            obstacles.entry(obstacle).or_default().push(&package.facts);
        }
        for (number, hits) in vulnerabilities {
            let PackageFinding { vulnerability, severity, status, fixed_in, sources } =
                found.finding(package.facts.kind, number, &hits)?;
            let id = FindingId::new(&identity, &package.id, &vulnerability);
            let package = package.id.clone();
            findings.push(Finding {
                id,
                vulnerability,
                package,
                severity,
                status,
                fixed_in,
                sources,
                suppressed: None,
            });
        }
    }
    findings.sort_by(|a, b| {
        (Reverse(a.severity), &a.vulnerability, &a.id).cmp(&(Reverse(b.severity), &b.vulnerability, &b.id))
    });
    let vulnerabilities = found.describe(&found.vulnerabilities.keys().copied().collect())?;
    let mut diagnostics: Vec<Diagnostic> =
        obstacles.iter().map(|(obstacle, packages)| told(*obstacle, packages, inventory.os.as_ref())).collect();
    let concerns = place::concerns(inventory);
    let by = assessed_by(database, concerns);
    diagnostics.extend(by.feeds.iter().filter_map(lacking));
    let is_whole = diagnostics.iter().all(|told| told.level == Level::Note);
    let state = if is_whole { ScanState::Scanned } else { ScanState::Incomplete };
    Ok(Assessment { state, assessed_at: now, database: Some(by), findings, vulnerabilities, diagnostics })
}

/// The database as what findings were made by, of which those places are concerned that `concerns` says; what only judges
/// vulnerabilities concerns everything.
pub fn assessed_by(database: &Database<'_>, concerns: impl Fn(&PlaceCount) -> bool) -> AssessedBy {
    let header = database.header();
    let places: Vec<&PlaceCount> = header.counts.places.iter().filter(|place| concerns(place)).collect();
    let feeds = (0..).zip(&header.feeds).map(|(number, feed)| {
        feed.assessed(feed.advisories == 0 || places.iter().any(|place| place.feeds.contains(&number)))
    });
    AssessedBy {
        digest: header.digest(),
        feeds: feeds.collect(),
        exploited: header.counts.exploited,
        likelihoods: header.counts.likelihoods,
        stale: Vec::new(),
    }
}

/// Judges packages of any systems by one database, and remembers which vulnerabilities it met.
pub struct Judge<'a> {
    matchers: HashMap<Option<OsRelease>, Matcher<'a>>,
    found: Found<'a>,
    /// Numbers of the vulnerabilities that were described.
    described: BTreeSet<u32>,
}

impl<'a> Judge<'a> {
    /// Judges by `database`.
    pub fn new(database: &'a Database<'a>) -> Self {
        Self { matchers: HashMap::new(), found: Found::new(database), described: BTreeSet::new() }
    }

    /// Which vulnerabilities a package has, and why it could not be judged, or not in full.
    pub fn judge(&mut self, subject: &Subject) -> Result<(Vec<PackageFinding>, Option<Diagnostic>), DatabaseError> {
        let Subject { os, facts, owner } = subject;
        if !self.matchers.contains_key(os) {
            self.matchers.insert(os.clone(), Matcher::new(self.found.database, os.as_ref()));
        }
        let Matched { vulnerabilities, obstacle } = self.matchers[os].owned(facts, owner.as_ref())?;
        let findings = vulnerabilities.iter().map(|(number, hits)| self.found.finding(facts.kind, *number, hits));
        let findings = findings.collect::<Result<_, _>>()?;
        Ok((findings, obstacle.map(|obstacle| told(obstacle, &[facts], os.as_ref()))))
    }

    /// What is known about the vulnerabilities that were met since this was asked last, by id.
    pub fn met(&mut self) -> Result<Vec<Vulnerability>, DatabaseError> {
        let met = self.found.vulnerabilities.keys().copied().filter(|number| !self.described.contains(number));
        let met: BTreeSet<u32> = met.collect();
        let described = describe(self.found.database, &met)?;
        self.described.extend(met);
        Ok(described)
    }

    /// What is known about the vulnerabilities with these ids, as far as anything is, by id: as [`Self::met`] says it.
    pub fn known(&self, ids: &[String]) -> Result<Vec<Vulnerability>, DatabaseError> {
        let mut numbers = BTreeSet::new();
        for id in ids {
            for number in self.found.database.vulnerabilities_named(id)? {
                numbers.insert(number);
            }
        }
        let mut known = describe(self.found.database, &numbers)?;
        // Other names lead to the same, or to more.
        known.retain(|vulnerability| ids.contains(&vulnerability.id));
        Ok(known)
    }
}

/// What is to be said of a feed some records of which could not be read when it was taken. Of a catalogue, which only tells
/// more of what is known, it is a note.
fn lacking(feed: &AssessedFeed) -> Option<Diagnostic> {
    let AssessedFeed { id, source, skipped, advisories, concerned, .. } = feed;
    let records = if *skipped == 1 { "record" } else { "records" };
    let message = format!("{skipped} {records} of {id} from {source} could not be read: what they say is not known");
    let told = if *advisories == 0 { Diagnostic::note } else { Diagnostic::incomplete };
    (*concerned && *skipped > 0).then(|| told(Code::FeedRecordMalformed, message))
}

/// Why packages could not be judged.
fn told(obstacle: Obstacle, packages: &[&PackageFacts], os: Option<&OsRelease>) -> Diagnostic {
    let count = packages.len();
    let noun = if count == 1 { "package" } else { "packages" };
    let system = || match os {
        Some(os) => os.pretty_name.clone().unwrap_or_else(|| os.distro()),
        None => "a system that does not say what it is".to_owned(),
    };
    let some = || {
        let cut = |text: &str| text.chars().take(100).collect::<String>();
        let named = packages.iter().take(5).map(|package| format!("{} {}", cut(&package.name), cut(&package.version)));
        let rest = if count > 5 { ", …" } else { "" };
        format!("{}{rest}", named.collect::<Vec<_>>().join(", "))
    };
    let message = match obstacle {
        Obstacle::Distribution => format!("{count} {noun} of {}: no feed has advisories for it", system()),
        Obstacle::Foreign(kind) => {
            format!("{count} {noun} of kind {kind} in {}: its advisories are about packages of another kind", system())
        }
        Obstacle::Kind => format!("{count} {noun}: no feed has advisories for packages of that kind"),
        Obstacle::Group => format!(
            "{count} {noun} of Maven without a group, by which advisories name {}: {}",
            if count == 1 { "it" } else { "them" },
            some()
        ),
        Obstacle::Release(ecosystem) => {
            format!("{count} {noun} of {}: the database has nothing about this release of {ecosystem}", system())
        }
        Obstacle::Ecosystem(ecosystem) => format!("{count} {noun}: the database has nothing about {ecosystem}"),
        Obstacle::Source(ecosystem) => format!(
            "{count} {noun} of {}: what {} built from is not said, and advisories of {ecosystem} name source packages: {}; SBOMs of sekisho, Syft and Trivy say it",
            system(),
            if count == 1 { "it was" } else { "they were" },
            some()
        ),
        Obstacle::Version(scheme) => {
            format!("{count} {noun} with a version that cannot be compared ({}): {}", scheme.as_str(), some())
        }
        Obstacle::Bound(scheme) => format!(
            "{count} {noun} about which an advisory names a version that cannot be compared ({}): {}",
            scheme.as_str(),
            some()
        ),
    };
    Diagnostic::incomplete(Code::VulnerabilitiesUnknown, message)
}

/// What is known about the vulnerabilities with these numbers, by id.
pub(super) fn describe(database: &Database<'_>, numbers: &BTreeSet<u32>) -> Result<Vec<Vulnerability>, DatabaseError> {
    let stored = numbers.iter().map(|number| Ok((*number, database.vulnerability(*number)?)));
    let vulnerabilities = stored.collect::<Result<_, DatabaseError>>()?;
    Found { vulnerabilities, ..Found::new(database) }.describe(numbers)
}

/// What was read of the database for the findings so far.
struct Found<'a> {
    database: &'a Database<'a>,
    advisories: BTreeMap<u32, StoredAdvisory>,
    vulnerabilities: BTreeMap<u32, StoredVulnerability>,
}

impl<'a> Found<'a> {
    fn new(database: &'a Database<'a>) -> Self {
        Self { database, advisories: BTreeMap::new(), vulnerabilities: BTreeMap::new() }
    }

    /// That a package of this kind has the vulnerability with this number.
    fn finding(&mut self, kind: PackageKind, number: u32, hits: &[Hit]) -> Result<PackageFinding, DatabaseError> {
        for hit in hits {
            if !self.advisories.contains_key(&hit.advisory) {
                self.advisories.insert(hit.advisory, self.database.advisory(hit.advisory)?);
            }
        }
        if !self.vulnerabilities.contains_key(&number) {
            self.vulnerabilities.insert(number, self.database.vulnerability(number)?);
        }
        let vulnerability = &self.vulnerabilities[&number];
        let hits: Vec<(&Hit, &StoredAdvisory)> =
            hits.iter().map(|hit| (hit, &self.advisories[&hit.advisory])).collect();
        let mut sources: Vec<FindingSource> = hits
            .iter()
            .map(|(hit, advisory)| FindingSource {
                feed: self.feed(advisory).to_owned(),
                advisory: advisory.id.clone(),
                status: status(hit),
                fixed_in: hit.fixed.clone(),
            })
            .collect();
        sources.sort_by(|a, b| (&a.feed, &a.advisory, &a.fixed_in).cmp(&(&b.feed, &b.advisory, &b.fixed_in)));
        sources.dedup();
        let scheme = place::scheme_of(kind);
        let mut fixed_in: Vec<String> = sources.iter().filter_map(|source| source.fixed_in.clone()).collect();
        fixed_in.sort_by(|a, b| scheme.compare(a, b).then_with(|| a.cmp(b)));
        fixed_in.dedup();
        Ok(PackageFinding {
            vulnerability: vulnerability.id.clone(),
            severity: severity::of(vulnerability, &hits),
            // The best that any source offers.
            status: sources.iter().map(|source| source.status).min().unwrap_or(FindingStatus::Affected),
            fixed_in,
            sources,
        })
    }

    fn feed(&self, advisory: &StoredAdvisory) -> &str {
        self.database.header().feeds.get(advisory.feed as usize).map_or("", |feed| feed.id.as_str())
    }

    /// What is known about those of the vulnerabilities that were found.
    fn describe(&self, numbers: &BTreeSet<u32>) -> Result<Vec<Vulnerability>, DatabaseError> {
        let mut described = Vec::new();
        for stored in numbers.iter().filter_map(|number| self.vulnerabilities.get(number)) {
            let mut advisories = Vec::new();
            for number in &stored.advisories {
                advisories.push(match self.advisories.get(number) {
                    Some(known) => (true, known.clone()),
                    None => (false, self.database.advisory(*number)?),
                });
            }
            // What is about the packages that have it says most, and of that what is about it alone.
            advisories.sort_by_key(|(hit, advisory)| (!hit, advisory.vulnerabilities.len()));
            let standing = advisories.into_iter().map(|(_, advisory)| advisory);
            let standing: Vec<_> = standing.filter(|advisory| advisory.withdrawn.is_none()).collect();
            described.push(self.describe_one(stored, &standing)?);
        }
        described.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(described)
    }

    fn describe_one(
        &self,
        stored: &StoredVulnerability,
        by_worth: &[StoredAdvisory],
    ) -> Result<Vulnerability, DatabaseError> {
        let mut text = Text::default();
        let take = |into: &mut Text, from: Text| {
            if into.summary.is_empty() {
                into.summary = from.summary;
            }
            if into.details.is_empty() {
                into.details = from.details;
            }
            into.references.extend(from.references);
        };
        take(&mut text, self.database.text_of_vulnerability(stored)?);
        for advisory in by_worth.iter().take(8) {
            take(&mut text, self.database.text_of_advisory(advisory)?);
        }
        let mut seen = std::collections::HashSet::new();
        text.references.retain(|reference| seen.insert(reference.clone()));
        text.references.truncate(crate::db::REFERENCES);
        let mut judgements: Vec<Judgement> = stored.ratings.iter().map(|rating| judgement("nvd", rating)).collect();
        for advisory in by_worth.iter().filter(|advisory| advisory.vulnerabilities.len() == 1) {
            judgements.extend(advisory.ratings.iter().map(|rating| judgement(self.feed(advisory), rating)));
        }
        judgements.retain(|judgement| judgement.severity != Severity::Unknown || judgement.vector.is_some());
        let mut kept: Vec<Judgement> = Vec::new();
        for judgement in judgements {
            if !kept.contains(&judgement) {
                kept.push(judgement);
            }
        }
        let mut cwes: Vec<String> =
            stored.cwes.iter().chain(by_worth.iter().flat_map(|advisory| &advisory.cwes)).cloned().collect();
        cwes.sort();
        cwes.dedup();
        let title = if text.summary.is_empty() { first_sentence(&text.details) } else { text.summary.clone() };
        Ok(Vulnerability {
            id: stored.id.clone(),
            aliases: stored.aliases.clone(),
            title,
            title_ja: stored.titles.iter().find(|(language, _, _)| language == "ja").map(|(_, title, _)| title.clone()),
            description: text.details,
            judgements: kept,
            cwes,
            published: by_worth
                .iter()
                .filter_map(|advisory| advisory.published)
                .min()
                .and_then(|second| Timestamp::from_second(second).ok()),
            exploited: stored.exploited.clone().map(|(added, due, ransomware)| Exploited { added, due, ransomware }),
            likelihood: stored.likelihood.map(|(probability, percentile)| Likelihood { probability, percentile }),
            references: text.references,
        })
    }
}

/// The first sentence, for want of a title.
fn first_sentence(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let end = line.find(". ").unwrap_or(line.len());
    let sentence = &line[..end];
    match sentence.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &sentence[..end]),
        None => sentence.to_owned(),
    }
}

fn judgement(feed: &str, rating: &StoredRating) -> Judgement {
    Judgement {
        by: if rating.by.is_empty() { feed.to_owned() } else { rating.by.clone() },
        severity: rating.severity(),
        score: rating.score(),
        vector: Some(rating.vector.clone()).filter(|vector| !vector.is_empty()),
    }
}

fn status(hit: &Hit) -> FindingStatus {
    match hit.status {
        _ if hit.fixed.is_some() => FindingStatus::Fixed,
        Status::Affected | Status::NotAffected => FindingStatus::Affected,
        Status::WillNotFix => FindingStatus::WillNotFix,
        Status::FixDeferred => FindingStatus::FixDeferred,
        Status::EndOfLife => FindingStatus::EndOfLife,
        Status::UnderInvestigation => FindingStatus::UnderInvestigation,
    }
}
