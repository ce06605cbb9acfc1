//! What the readers of foreign reports have in common: packages, vulnerabilities and findings are put together here.

use super::Input;
use sekisho_base::limits::LimitKey;
use sekisho_model::{
    AssessedBy, AssessedFeed, Assessment, Code, Diagnostic, Digest, Finding, FindingId, FindingSource, FindingStatus,
    INVENTORY_SCHEMA, Image, Inventory, License, Origin, OsRelease, Package, PackageFacts, PackageId, Purl, ScanReport,
    ScanState, Severity, Source, SourceKind, SourcePackage, Suppression, Tool, Vulnerability,
};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// How many records that were left out are named; the rest are counted.
const NAMED: usize = 10;

/// Everything that was found in a report so far.
pub(super) struct Gather<'a> {
    input: &'a Input<'a>,
    packages: BTreeMap<PackageId, Package>,
    vulnerabilities: BTreeMap<String, Vulnerability>,
    findings: Vec<(Said, PackageId)>,
    places: HashMap<(String, PackageId), usize>,
    pub(super) diagnostics: Vec<Diagnostic>,
    skipped: usize,
    full: bool,
}

/// A finding before it has an id.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) vulnerability: String,
    pub(super) severity: Severity,
    pub(super) status: FindingStatus,
    pub(super) fixed_in: Vec<String>,
    pub(super) feed: String,
    pub(super) advisory: String,
    pub(super) suppressed: Option<Suppression>,
}

/// A package as a report has it.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    /// Its package URL, where the report has one.
    pub(super) purl: &'a str,
    /// The package URL type to take otherwise.
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) version: String,
    pub(super) arch: &'a str,
    pub(super) source: Option<SourcePackage>,
    pub(super) licenses: &'a [String],
    pub(super) location: &'a str,
    pub(super) layer: Option<u32>,
    pub(super) dev: bool,
}

/// What is said of the whole.
pub(super) struct About {
    pub(super) tool: Tool,
    pub(super) observed_at: Option<jiff::Timestamp>,
    /// What was scanned, as the other scanner calls it.
    pub(super) target: String,
    pub(super) image: Option<Image>,
    pub(super) os: Option<OsRelease>,
    /// What tells the database from others, where the report says.
    pub(super) database: Option<String>,
    /// When the database was built, where the report says.
    pub(super) built: Option<jiff::Timestamp>,
    /// Feeds beside those that findings name.
    pub(super) feeds: BTreeMap<String, Option<jiff::Timestamp>>,
    pub(super) state: ScanState,
}

impl<'a> Gather<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            packages: BTreeMap::new(),
            vulnerabilities: BTreeMap::new(),
            findings: Vec::new(),
            places: HashMap::new(),
            diagnostics: Vec::new(),
            skipped: 0,
            full: false,
        }
    }

    /// Counts a record that names no vulnerability or no package.
    pub(super) fn skip(&mut self, what: &str) {
        // Beyond a limit, which is said once.
        if self.full {
            return;
        }
        self.skipped += 1;
        if self.skipped <= NAMED {
            self.diagnostics.push(Diagnostic::incomplete(Code::ReportRecordMalformed, format!("{what} was left out")));
        }
    }

    /// Says what is worth knowing about the report.
    pub(super) fn note(&mut self, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::note(Code::ReportLimited, message));
    }

    /// Says why the report cannot be relied on.
    pub(super) fn unsure(&mut self, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::incomplete(Code::VulnerabilitiesUnknown, message));
    }

    /// Whether one more can be kept beside `count` of its kind.
    fn has_room(&mut self, count: usize) -> bool {
        let room = count < self.input.limits.records;
        if !room && !self.full {
            self.full = true;
            let exceeded = self.input.limits.exceeded(LimitKey::Records, "records");
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
        }
        room
    }

    /// Keeps a package and gives its id; none where it has no name, or no package URL can be made.
    pub(super) fn package(&mut self, named: &Named<'_>) -> Option<PackageId> {
        if named.name.is_empty() {
            return None;
        }
        let purl = named.purl.parse::<Purl>().ok().or_else(|| made(named))?;
        let location = named.location.trim_start_matches('/').to_owned();
        let id = PackageId::new(&purl, &location);
        if !self.packages.contains_key(&id) && !self.has_room(self.packages.len()) {
            return None;
        }
        if let Entry::Vacant(place) = self.packages.entry(id.clone()) {
            let facts = PackageFacts {
                arch: Some(named.arch.to_owned()).filter(|arch| !arch.is_empty()),
                source: named.source.clone(),
                licenses: named.licenses.iter().filter_map(|text| License::parse(text)).collect(),
                dev: named.dev,
                ..PackageFacts::new(purl.kind(), named.name, named.version.as_str())
            };
            let layer = named.layer;
            place.insert(Package {
                id: id.clone(),
                purl,
                facts,
                location,
                layer,
                origin: Origin::Unknown,
                owned_by: None,
            });
        }
        Some(id)
    }

    /// Keeps what is said about a vulnerability; what several records say is put together.
    pub(super) fn vulnerability(&mut self, more: Vulnerability) {
        match self.vulnerabilities.entry(more.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(more);
            }
            Entry::Occupied(mut place) => join(place.get_mut(), more),
        }
    }

    /// Keeps a finding. The same one said twice is one, and counts where one of the two does.
    pub(super) fn finding(&mut self, said: Said, package: PackageId) {
        let key = (said.vulnerability.clone(), package.clone());
        if !self.places.contains_key(&key) && !self.has_room(self.findings.len()) {
            return;
        }
        let place = *self.places.entry(key).or_insert(self.findings.len());
        let Some((known, _)) = self.findings.get_mut(place) else {
            self.findings.push((said, package));
            return;
        };
        known.severity = known.severity.max(said.severity);
        known.status = known.status.min(said.status);
        for version in said.fixed_in {
            if !known.fixed_in.contains(&version) {
                known.fixed_in.push(version);
            }
        }
        if said.suppressed.is_none() {
            known.suppressed = None;
        }
    }

    /// Whether anything was found.
    pub(super) fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    /// The report.
    pub(super) fn finish(mut self, about: About) -> ScanReport {
        let input = self.input;
        if self.skipped > NAMED {
            let message = format!("{} more records were left out", self.skipped - NAMED);
            self.diagnostics.push(Diagnostic::incomplete(Code::ReportRecordMalformed, message));
        }
        if about.observed_at.is_none() {
            self.note("the report does not say when it was made: the time at which it was read is taken");
        }
        let observed_at = about.observed_at.unwrap_or(input.read_at);
        let name = if about.target.is_empty() { input.name.to_owned() } else { about.target };
        let mut inventory = Inventory {
            schema: INVENTORY_SCHEMA.to_owned(),
            tool: about.tool,
            observed_at,
            source: Source { kind: SourceKind::Report, name },
            image: about.image,
            os: about.os,
            packages: self.packages.into_values().collect(),
            removed: Vec::new(),
            files: Vec::new(),
            documents: Vec::new(),
            content_sets: Vec::new(),
            complete: true,
            diagnostics: Vec::new(),
        };
        inventory.packages.sort_by(|a, b| {
            let key =
                |package: &'_ Package| (package.facts.kind, package.facts.name.clone(), package.facts.version.clone());
            key(a).cmp(&key(b)).then_with(|| a.location.cmp(&b.location)).then_with(|| a.id.cmp(&b.id))
        });
        let identity = inventory.identity();
        let mut feeds = about.feeds;
        for (said, _) in &self.findings {
            feeds.entry(said.feed.clone()).or_default();
        }
        let vulnerabilities: Vec<Vulnerability> = self.vulnerabilities.into_values().collect();
        let mut findings: Vec<Finding> =
            self.findings.into_iter().map(|(said, package)| finding(&identity, said, package)).collect();
        sort(&mut findings, &vulnerabilities);
        let incomplete = self.diagnostics.iter().any(|told| told.level == sekisho_model::Level::Incomplete);
        let state = match about.state {
            ScanState::Scanned if incomplete => ScanState::Incomplete,
            state => state,
        };
        // A scanner that knows who is exploited knows of some, if not of any that were found.
        let knows = |feed: &str, found: usize| found.max(usize::from(feeds.contains_key(feed)));
        let exploited = knows("kev", vulnerabilities.iter().filter(|known| known.exploited.is_some()).count());
        let likelihoods = knows("epss", vulnerabilities.iter().filter(|known| known.likelihood.is_some()).count());
        let source = inventory.tool.name.clone();
        if feeds.is_empty() {
            // The database has an age also where nothing was found by it.
            feeds.insert(source.to_lowercase(), None);
        }
        // Of a feed that does not say when it was taken no more is known than when the database or the report was made.
        let known = about.built.or(about.observed_at);
        let feed = |(id, taken): (String, Option<jiff::Timestamp>)| AssessedFeed {
            id,
            source: source.clone(),
            observed_at: taken.or(known),
            newest: None,
            advisories: 0,
            concerned: true,
            skipped: 0,
        };
        let database = AssessedBy {
            // A report without one was judged by a database that no other report is known to share.
            digest: about.database.unwrap_or_else(|| Digest::of(input.bytes).to_string()),
            feeds: feeds.into_iter().map(feed).collect(),
            exploited,
            likelihoods,
            stale: Vec::new(),
        };
        let diagnostics = self.diagnostics.into_iter().map(|told| told.at(input.name)).collect();
        let assessment = Assessment {
            state,
            assessed_at: observed_at,
            database: Some(database),
            findings,
            vulnerabilities,
            diagnostics,
        };
        ScanReport::new(inventory, assessment)
    }
}

fn finding(identity: &str, said: Said, package: PackageId) -> Finding {
    let source = FindingSource {
        feed: said.feed,
        advisory: said.advisory,
        status: said.status,
        fixed_in: said.fixed_in.first().cloned(),
    };
    Finding {
        id: FindingId::new(identity, &package, &said.vulnerability),
        vulnerability: said.vulnerability,
        package,
        severity: said.severity,
        status: said.status,
        fixed_in: said.fixed_in,
        sources: vec![source],
        suppressed: said.suppressed,
    }
}

/// The worst first, as our own scans have them.
fn sort(findings: &mut [Finding], vulnerabilities: &[Vulnerability]) {
    let known: HashMap<&str, &Vulnerability> = vulnerabilities.iter().map(|known| (known.id.as_str(), known)).collect();
    let exploited =
        |finding: &Finding| known.get(finding.vulnerability.as_str()).is_some_and(|known| known.exploited.is_some());
    findings.sort_by(|a, b| {
        let worse = (b.severity, exploited(b)).cmp(&(a.severity, exploited(a)));
        worse.then_with(|| (&a.vulnerability, &a.package).cmp(&(&b.vulnerability, &b.package)))
    });
}

/// Adds what `more` says and `known` does not.
fn join(known: &mut Vulnerability, more: Vulnerability) {
    fn add<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
        // A few entries each.
        const MOST: usize = 100;
        for item in more {
            if known.len() < MOST && !known.contains(&item) {
                known.push(item);
            }
        }
    }
    if known.title.is_empty() {
        known.title = more.title;
    }
    if known.description.is_empty() {
        known.description = more.description;
    }
    add(&mut known.aliases, more.aliases);
    add(&mut known.judgements, more.judgements);
    add(&mut known.cwes, more.cwes);
    add(&mut known.references, more.references);
    known.published = known.published.or(more.published);
    known.exploited = known.exploited.take().or(more.exploited);
    known.likelihood = known.likelihood.or(more.likelihood);
}

/// The package URL of a package whose report has none.
fn made(named: &Named<'_>) -> Option<Purl> {
    let name = named.name;
    let (namespace, name) = match named.kind {
        "maven" => name.split_once(':').unwrap_or(("", name)),
        "golang" | "composer" => name.rsplit_once('/').unwrap_or(("", name)),
        "npm" if name.starts_with('@') => name.split_once('/').unwrap_or(("", name)),
        _ => ("", name),
    };
    let kind = if named.kind.is_empty() { "generic" } else { named.kind };
    Purl::new(kind, namespace, name, &named.version, &[("arch", named.arch)]).ok()
}

/// A CVSS base score, where it can be one.
pub(super) fn score(score: Option<f64>) -> Option<f32> {
    score.filter(|score| (0.0..=10.0).contains(score)).map(|score| score as f32)
}

/// The word for a severity; a word that nobody uses is none.
pub(super) fn severity(word: &str) -> Severity {
    word.parse().unwrap_or_default()
}

/// A moment; that of Go's zero time, which means none, is none.
pub(super) fn moment(text: Option<&str>) -> Option<jiff::Timestamp> {
    text?.parse().ok().filter(|time: &jiff::Timestamp| time.as_second() > -62_000_000_000)
}
