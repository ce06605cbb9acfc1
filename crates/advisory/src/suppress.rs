//! Which findings count for no gate: what VEX documents and exceptions make of an assessment. A suppressed finding stays
//! in the report, marked.
//!
//! - Of all statements about a vulnerability of a package the latest counts; of those of one time the last, documents
//!   taken in the order in which they are given. *Not affected* and *fixed* suppress. *Affected* and *under
//!   investigation* do not: they take back what was said before. *Under investigation* leaves the finding's own status
//!   as it is, which says what can be done about it and which a gate may ask for. What is dated later than today
//!   suppresses nothing yet.
//! - A statement about an image holds for all its packages, one about components of an image for those, one about a
//!   package wherever the package is. Two names are of one vulnerability unless each side has a CVE and they share none,
//!   as where a notice about several is given as an alias.
//! - An exception that is over holds for nothing. Exceptions are decisions of those who run the software: no statement
//!   takes one back. Where both hold, the statement is shown.
//!
//! The result depends on nothing that was suppressed before.

use crate::exception::{Candidate, Exception, Exceptions};
use crate::feeds::text::is_cve;
use crate::product::{KnownImage, KnownPackage, Name, PackagePattern, Sure};
use crate::vex::{Statement, VexDocument};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sekisho_model::{
    Assessment, Code, Diagnostic, Finding, Inventory, Package, PackageId, Suppression, SuppressionKind, Vulnerability,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// How many things of one kind are said singly; the rest are counted.
const NAMED: usize = 20;

/// Marks the findings of `assessment`, which was made of `inventory`, that do not count on `today`. Diagnostics say
/// which exceptions are over, and what there is about nothing that was found.
pub fn suppress(
    assessment: &mut Assessment,
    inventory: &Inventory,
    vex: &[VexDocument],
    exceptions: &[Exceptions],
    today: Date,
) -> Vec<Diagnostic> {
    if vex.is_empty() && exceptions.is_empty() {
        assessment.findings.iter_mut().for_each(|finding| finding.suppressed = None);
        return Vec::new();
    }
    let packages: HashMap<&PackageId, &Package> =
        inventory.packages.iter().map(|package| (&package.id, package)).collect();
    let vulnerabilities: HashMap<&str, &Vulnerability> =
        assessment.vulnerabilities.iter().map(|known| (known.id.as_str(), known)).collect();
    let image = KnownImage::of(inventory);
    let names = assessment.vulnerabilities.iter().flat_map(|known| std::iter::once(&known.id).chain(&known.aliases));
    let names = names.chain(assessment.findings.iter().map(|finding| &finding.vulnerability));
    let asked: HashSet<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    let mut said = Said::of(vex, image.as_ref(), &asked, today);
    let mut excepted = Excepted::of(exceptions, today);
    let mut known: HashMap<&PackageId, KnownPackage> = HashMap::new();
    for finding in &mut assessment.findings {
        finding.suppressed = None;
        let Some((id, package)) = packages.get_key_value(&finding.package) else { continue };
        let aliases = vulnerabilities.get(finding.vulnerability.as_str()).map_or(&[][..], |known| &known.aliases);
        let names = Names::of(finding, aliases);
        let known = known.entry(id).or_insert_with(|| KnownPackage::new(&package.purl));
        let statement = said.about(&names, known);
        let exception = excepted.find(&Candidate { names: &names.all, finding, package, known });
        finding.suppressed = statement.or(exception);
    }
    let mut diagnostics = said.finish();
    diagnostics.extend(excepted.finish());
    diagnostics
}

/// The names of a finding's vulnerability, in lower case.
struct Names {
    all: Vec<String>,
    cves: BTreeSet<String>,
}

impl Names {
    fn of(finding: &Finding, aliases: &[String]) -> Self {
        let all = [&finding.vulnerability].into_iter().chain(aliases);
        let all: Vec<String> = all.map(|name| name.to_ascii_lowercase()).collect();
        let cves = all.iter().filter(|name| is_cve(&name.to_ascii_uppercase())).cloned().collect();
        Self { all, cves }
    }

    /// Whether another vulnerability, with which one name is shared, is the same.
    fn are_of(&self, others: &[String]) -> bool {
        let others: Vec<String> = others
            .iter()
            .filter(|name| is_cve(&name.to_ascii_uppercase()))
            .map(|name| name.to_ascii_lowercase())
            .collect();
        self.cves.is_empty() || others.is_empty() || others.iter().any(|cve| self.cves.contains(cve))
    }
}

/// A statement with the place it was made at.
struct Claim<'a> {
    statement: &'a Statement,
    /// The document, and the place in it.
    place: (usize, usize),
    /// The package; none for all of the image.
    package: Option<&'a PackagePattern>,
    /// What the attestation around it is about, where those are packages: it holds for no other.
    subjects: &'a [Name],
    sure: Sure,
}

impl Claim<'_> {
    /// Whether it is about a package.
    fn is_of(&self, package: &KnownPackage) -> bool {
        let is_one = |name: &Name| matches!(name, Name::Package(wanted) if wanted.matches(package));
        self.package.is_none_or(|wanted| wanted.matches(package))
            && (self.subjects.is_empty() || self.subjects.iter().any(is_one))
    }

    /// The later counts.
    fn order(&self) -> (Timestamp, (usize, usize), Sure) {
        // One that cannot be dated takes nothing back that suppresses a finding, and suppresses nothing that was taken back.
        let undated = if self.statement.status.suppresses() { Timestamp::MIN } else { Timestamp::MAX };
        (self.statement.timestamp.unwrap_or(undated), self.place, self.sure)
    }
}

/// Name of a vulnerability, then type and full name of the package, or none for the image.
type Key<'a> = (String, Option<(&'a str, &'a str)>);

/// The statements that can be about this inventory.
struct Said<'a> {
    documents: &'a [VexDocument],
    claims: HashMap<Key<'a>, Vec<Claim<'a>>>,
    /// Statements that were about something, by document.
    used: Vec<BTreeSet<usize>>,
    /// Findings that are suppressed by a name of the image that it gives itself.
    by_name: BTreeMap<usize, usize>,
    /// Statements by document that would suppress, but are of a later day.
    early: BTreeMap<usize, usize>,
}

impl<'a> Said<'a> {
    /// What `documents` say about vulnerabilities of these `names`, in lower case: a statement may be about very many, of
    /// very many products.
    fn of(documents: &'a [VexDocument], image: Option<&KnownImage>, asked: &HashSet<String>, today: Date) -> Self {
        let used = documents.iter().map(|_| BTreeSet::new()).collect();
        let (claims, by_name, early) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut said = Self { documents, claims, used, by_name, early };
        let is_early = |of: &Statement| of.timestamp.is_some_and(|time| time.to_zoned(TimeZone::UTC).date() > today);
        let is_image = |name: &Name| image.and_then(|image| image.is(name));
        for (document, read) in documents.iter().enumerate() {
            // An attestation is about its subjects alone.
            let subjects = read.subjects.as_deref();
            let packages = subjects.filter(|names| names.iter().any(|name| matches!(name, Name::Package(_))));
            let (bound, subjects): (_, &[Name]) =
                match (subjects, subjects.into_iter().flatten().filter_map(is_image).max()) {
                    (None, _) => (Sure::Certain, &[]),
                    (_, Some(sure)) => (sure, &[]),
                    (_, None) => match packages {
                        Some(packages) => (Sure::Certain, packages),
                        None => continue,
                    },
                };
            let mut last: Option<&Arc<[String]>> = None;
            let mut names = BTreeSet::new();
            for (number, statement) in read.statements.iter().enumerate() {
                // The statements that a document makes at once share their names.
                if last.is_none_or(|last| !Arc::ptr_eq(last, &statement.vulnerability)) {
                    let all = statement.vulnerability.iter().map(|name| name.to_ascii_lowercase());
                    names = all.filter(|name| asked.contains(name)).collect();
                    last = Some(&statement.vulnerability);
                }
                if names.is_empty() {
                    continue;
                }
                if statement.status.suppresses() && is_early(statement) {
                    *said.early.entry(document).or_default() += 1;
                    continue;
                }
                let product = &*statement.product;
                let whole = product.names.iter().filter_map(is_image).max();
                let mut take = |package, sure: Sure| {
                    let claim =
                        || Claim { statement, place: (document, number), package, subjects, sure: sure.min(bound) };
                    for name in &names {
                        let key = (name.clone(), package.map(PackagePattern::key));
                        said.claims.entry(key).or_default().push(claim());
                    }
                };
                let packages = |names: &'a [Name]| {
                    names.iter().filter_map(|name| match name {
                        Name::Package(package) => Some(package),
                        Name::Image(_) | Name::Digest(_) => None,
                    })
                };
                match (&product.components, whole) {
                    (Some(components), Some(sure)) => {
                        for package in packages(components) {
                            take(Some(package), sure);
                        }
                    }
                    (Some(_), None) => {}
                    (None, whole) => {
                        if let Some(sure) = whole {
                            take(None, sure);
                        }
                        for package in packages(&product.names) {
                            take(Some(package), Sure::Certain);
                        }
                    }
                }
            }
        }
        said
    }

    /// What holds for the package.
    fn about(&mut self, names: &Names, package: &KnownPackage) -> Option<Suppression> {
        let mut latest: Option<&Claim<'_>> = None;
        for name in &names.all {
            for key in [Some(package.key()), None] {
                // The same text as in the map, whose keys live longer than the package.
                let claims = self.claims.get(&(name.clone(), key));
                for claim in claims.into_iter().flatten() {
                    if claim.is_of(package) && names.are_of(&claim.statement.vulnerability) {
                        self.used[claim.place.0].insert(claim.place.1);
                        if latest.is_none_or(|latest| latest.order() <= claim.order()) {
                            latest = Some(claim);
                        }
                    }
                }
            }
        }
        let Claim { statement, place, sure, .. } = latest.filter(|claim| claim.statement.status.suppresses())?;
        if *sure == Sure::Named {
            *self.by_name.entry(place.0).or_default() += 1;
        }
        let document = &self.documents[place.0];
        let parts = [statement.justification.as_deref(), statement.text.as_deref()];
        Some(Suppression {
            kind: SuppressionKind::Vex,
            source: document.name.clone(),
            status: Some(statement.status.as_str().to_owned()),
            reason: parts.into_iter().flatten().collect::<Vec<_>>().join(": "),
            owner: document.author.as_deref().map(str::to_owned),
            until: None,
        })
    }

    fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (number, document) in self.documents.iter().enumerate() {
            if let Some(count) = self.by_name.get(&number) {
                let findings = if *count == 1 { "1 finding is" } else { &format!("{count} findings are") };
                let message =
                    format!("{findings} suppressed because the image has the name of one that is not affected");
                diagnostics.push(Diagnostic::note(Code::VexByName, message).at(&document.name));
            }
            let early = self.early.get(&number).copied().unwrap_or_default();
            if early > 0 {
                let message = format!("statements dated later than today, which suppress nothing yet: {early}");
                diagnostics.push(Diagnostic::note(Code::VexEarly, message).at(&document.name));
            }
            let (all, used) = (document.statements.len(), self.used[number].len() + early);
            if used < all {
                let message = format!("{} of {all} statements are about nothing that was found", all - used);
                diagnostics.push(Diagnostic::note(Code::VexUnused, message).at(&document.name));
            }
        }
        diagnostics
    }
}

/// The exceptions, and what came of them.
struct Excepted<'a> {
    files: &'a [Exceptions],
    today: Date,
    /// By name of a vulnerability in lower case; those for any are under the empty name.
    by_name: HashMap<String, Vec<(usize, usize)>>,
    used: BTreeSet<(usize, usize)>,
}

impl<'a> Excepted<'a> {
    fn of(files: &'a [Exceptions], today: Date) -> Self {
        let mut by_name: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for (file, read) in files.iter().enumerate() {
            for (number, exception) in read.exceptions.iter().enumerate() {
                if is_over(exception, today) {
                    continue;
                }
                let any = exception.vulnerabilities.is_empty().then(String::new);
                let names: BTreeSet<String> =
                    exception.vulnerabilities.iter().map(|name| name.to_ascii_lowercase()).chain(any).collect();
                for name in names {
                    by_name.entry(name).or_default().push((file, number));
                }
            }
        }
        Self { files, today, by_name, used: BTreeSet::new() }
    }

    /// The first exception that holds for a finding; all that do are used.
    fn find(&mut self, candidate: &Candidate<'_>) -> Option<Suppression> {
        let names = candidate.names.iter().map(String::as_str).chain([""]);
        let places = names.filter_map(|name| self.by_name.get(name)).flatten();
        let holding: Vec<(usize, usize)> =
            places.filter(|(file, number)| self.files[*file].exceptions[*number].is_for(candidate)).copied().collect();
        self.used.extend(&holding);
        let (file, number) = holding.into_iter().min()?;
        let Exception { reason, owner, until, .. } = &self.files[file].exceptions[number];
        Some(Suppression {
            kind: SuppressionKind::Exception,
            source: self.files[file].name.clone(),
            status: None,
            reason: reason.clone(),
            owner: owner.clone(),
            until: *until,
        })
    }

    fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (file, read) in self.files.iter().enumerate() {
            let mut said: BTreeMap<Code, usize> = BTreeMap::new();
            for (number, exception) in read.exceptions.iter().enumerate() {
                let (code, message) = match exception.until.filter(|until| *until < self.today) {
                    Some(until) => (Code::ExceptionExpired, format!("{exception} was over on {until}")),
                    None if self.used.contains(&(file, number)) => continue,
                    None => (Code::ExceptionUnused, format!("{exception} is for nothing that was found")),
                };
                let count = said.entry(code).or_default();
                *count += 1;
                if *count <= NAMED {
                    diagnostics.push(Diagnostic::note(code, message).at(&read.name));
                }
            }
            for (code, count) in said.into_iter().filter(|(_, count)| *count > NAMED) {
                let what = if code == Code::ExceptionExpired { "are over" } else { "are for nothing that was found" };
                let message = format!("{} more exceptions {what}", count - NAMED);
                diagnostics.push(Diagnostic::note(code, message).at(&read.name));
            }
        }
        diagnostics
    }
}

/// Whether an exception holds no longer.
fn is_over(exception: &Exception, today: Date) -> bool {
    exception.until.is_some_and(|until| until < today)
}

#[cfg(test)]
mod tests;
