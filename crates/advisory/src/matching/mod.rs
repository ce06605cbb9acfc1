//! Matching: which vulnerabilities of a database a package has.
//!
//! A package of a distribution is judged by the advisories of that distribution alone, by its source package where
//! those name source packages; a language package by those of its ecosystem. Names are compared as the ecosystem
//! compares them, and nothing is guessed from product names.

mod assess;
mod explain;
mod place;
mod severity;
#[cfg(test)]
mod tests;

pub use assess::{Judge, assess, assessed_by};
pub use explain::explain;
pub(crate) use place::{language_of, scheme_of};

use crate::db::{Database, DatabaseError, Edge, Entry, Row};
use crate::ecosystem::Ecosystem;
use crate::record::{SOURCE_ARCH, Status};
use crate::version::Scheme;
use place::{Distribution, Epochs, Look, is_of_pro};
use sekisho_model::{Inventory, OsRelease, Package, PackageFacts, PackageId, PackageKind, Subject};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The ecosystems and names under which a package of the system `os` is looked up, in any database.
pub(crate) fn names_of(os: Option<&OsRelease>, facts: &PackageFacts) -> Vec<(Ecosystem, String)> {
    let ecosystem = language_of(facts.kind).or_else(|| place::ecosystem_of(&os?.id));
    let looks = ecosystem.map(|ecosystem| (ecosystem, place::looks(ecosystem, facts)));
    looks.into_iter().flat_map(|(ecosystem, looks)| looks.into_iter().map(move |look| (ecosystem, look.name))).collect()
}

/// Bytes of a version; advisories have none that is longer.
const VERSION_BYTES: usize = 1024;

/// Architectures that advisories tell apart.
const RPM_ARCHES: [&str; 12] =
    ["x86_64", "aarch64", "i386", "i486", "i586", "i686", "armv7hl", "ppc64", "ppc64le", "riscv64", "s390", "s390x"];

/// An ecosystem, and the names to look up there, each with the releases to look in: first those that decide, then those
/// that tell of what the first say nothing of.
type Places<'a, 'f> = (Ecosystem, Vec<(Look<'f>, [&'a [Option<String>]; 2])>);

/// The packages of an inventory, each with the system package that owns its file, if one does.
pub fn with_owners(inventory: &Inventory) -> impl Iterator<Item = (&Package, Option<&PackageFacts>)> {
    let system: HashMap<&PackageId, &PackageFacts> = inventory
        .packages
        .iter()
        .filter(|package| package.facts.kind.is_os())
        .map(|package| (&package.id, &package.facts))
        .collect();
    inventory.packages.iter().map(move |package| {
        let owner = package.owned_by.as_ref().and_then(|owner| system.get(owner).copied());
        (package, owner)
    })
}

/// All that decides which vulnerabilities a package of the system `os` has, whose file `owner` brought.
pub fn subject(os: Option<&OsRelease>, facts: &PackageFacts, owner: Option<&PackageFacts>) -> Subject {
    let matched_by = |facts: &PackageFacts| PackageFacts {
        arch: facts.arch.clone(),
        source: facts.source.clone(),
        extra: facts.extra.iter().filter(|(key, _)| key == "modularity").cloned().collect(),
        ..PackageFacts::new(facts.kind, facts.name.clone(), facts.version.clone())
    };
    // Language packages that nobody owns are the same on every system.
    let os = os.filter(|_| facts.kind.is_os() || owner.is_some()).map(place::matched_by);
    Subject { os, facts: matched_by(facts), owner: owner.map(matched_by) }
}

/// What a database says about one package.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matched {
    /// The vulnerabilities it has, by number, each with who says so.
    pub vulnerabilities: BTreeMap<u32, Vec<Hit>>,
    /// Why it could not be judged, or not in full.
    pub obstacle: Option<Obstacle>,
}

/// Why a package could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// No feed that is read has advisories for its distribution.
    Distribution,
    /// No feed that is read has advisories for packages of its kind.
    Kind,
    /// The system says that it is a distribution whose packages are of another kind than this one.
    Foreign(PackageKind),
    /// It has no group, by which alone the advisories of Maven know a package.
    Group,
    /// The database has nothing about this release of the distribution.
    Release(Ecosystem),
    /// The database has nothing about this ecosystem.
    Ecosystem(Ecosystem),
    /// Its distribution's advisories may name the source package that it was built from, which is not known.
    Source(Ecosystem),
    /// Its version is none of the scheme by which the advisories about it go.
    Version(Scheme),
    /// What is said of it names a version that is none of the scheme.
    Bound(Scheme),
}

/// An advisory that says a package has a vulnerability.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The advisory's number.
    pub advisory: u32,
    /// The number of its feed.
    pub feed: u32,
    /// What it says is to be done.
    pub status: Status,
    /// The first version without it.
    pub fixed: Option<String>,
    /// How bad it is for this package.
    pub ratings: Vec<crate::db::StoredRating>,
}

/// Judges packages of one inventory by one database.
#[derive(Debug)]
pub struct Matcher<'a> {
    database: &'a Database<'a>,
    distribution: Option<Distribution>,
}

impl<'a> Matcher<'a> {
    /// Judges packages of a system that says it is `os`.
    pub fn new(database: &'a Database<'a>, os: Option<&OsRelease>) -> Self {
        Self { database, distribution: os.and_then(|os| Distribution::of(os, database.header())) }
    }

    /// The database.
    pub fn database(&self) -> &'a Database<'a> {
        self.database
    }

    /// Whether the same releases are the system's by both databases, so that nothing but what is said of a package itself
    /// can make a difference for it.
    pub(crate) fn looks_like(&self, other: &Matcher<'_>) -> bool {
        self.distribution == other.distribution
    }

    /// What is said about a package whose files `owner` may have brought. Who ships software knows best what was mended
    /// there: where anything is said about the owner, it is judged in its place. Where nothing is, the owner may be no
    /// package of the distribution's own, and the package is judged itself, as far as its ecosystem is known: a program
    /// that was told by its bytes has none, and is the owner under another name.
    pub fn owned(&self, facts: &PackageFacts, owner: Option<&PackageFacts>) -> Result<Matched, DatabaseError> {
        let Some(owner) = owner else { return self.package(facts) };
        if self.speaks_of(owner)? {
            return Ok(Matched::default());
        }
        let Matched { vulnerabilities, obstacle } = self.package(facts)?;
        let told = |why: &Obstacle| !matches!(why, Obstacle::Ecosystem(_) | Obstacle::Kind | Obstacle::Group);
        Ok(Matched { vulnerabilities, obstacle: obstacle.filter(told) })
    }

    /// Whether anything is said about any version of a package.
    fn speaks_of(&self, facts: &PackageFacts) -> Result<bool, DatabaseError> {
        let Ok((ecosystem, looks)) = self.places(facts) else { return Ok(false) };
        for (look, releases) in looks {
            for releases in releases {
                if self.knows(ecosystem, releases, &look)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Where a package is looked up: its ecosystem, and for each name the releases of it that the database knows and are
    /// the system's.
    fn places<'f>(&self, facts: &'f PackageFacts) -> Result<Places<'_, 'f>, Obstacle> {
        let (ecosystem, distribution) = match (language_of(facts.kind), &self.distribution) {
            (Some(Ecosystem::Maven), _) if !facts.name.contains(':') => return Err(Obstacle::Group),
            (Some(ecosystem), _) => (ecosystem, None),
            (None, _) if !facts.kind.is_os() => return Err(Obstacle::Kind),
            (None, None) => return Err(Obstacle::Distribution),
            (None, Some(found)) if place::kind_of(found.ecosystem) != facts.kind => {
                return Err(Obstacle::Foreign(facts.kind));
            }
            (None, Some(found)) => (found.ecosystem, Some(found)),
        };
        let mut looks = Vec::new();
        for look in place::looks(ecosystem, facts) {
            let releases = match distribution {
                None => [&[None][..], &[]],
                Some(Distribution { releases, further, .. }) => {
                    let is_pro = ecosystem == Ecosystem::Ubuntu && is_of_pro(look.version);
                    if is_pro { [&further[..], &releases[..]] } else { [&releases[..], &further[..]] }
                }
            };
            looks.push((look, releases));
        }
        Ok((ecosystem, looks))
    }

    /// Whether anything is said about a name in any of these releases.
    fn knows(&self, ecosystem: Ecosystem, releases: &[Option<String>], look: &Look<'_>) -> Result<bool, DatabaseError> {
        for release in releases {
            if self.database.package(&place::key(ecosystem, release.as_deref(), look))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is said under a name in a release.
    fn row<'l>(
        &self,
        ecosystem: Ecosystem,
        release: Option<&'l str>,
        look: &'l Look<'l>,
    ) -> Result<Option<Told<'a, 'l>>, DatabaseError> {
        let row = self.database.package(&place::key(ecosystem, release, look))?;
        Ok(row.map(|row| Told { ecosystem, release, look, row }))
    }

    /// What is said about the package.
    pub fn package(&self, facts: &PackageFacts) -> Result<Matched, DatabaseError> {
        let mut matched = Matched::default();
        // What is no version by its length alone is compared with nothing: each comparison takes as long as it is.
        let versions = facts.source.iter().map(|source| &source.version).chain([&facts.version]);
        if versions.into_iter().any(|version| version.len() > VERSION_BYTES) {
            matched.obstacle = Some(Obstacle::Version(scheme_of(facts.kind)));
            return Ok(matched);
        }
        let (ecosystem, looks) = match self.places(facts) {
            Ok(places) => places,
            Err(obstacle) => {
                matched.obstacle = Some(obstacle);
                return Ok(matched);
            }
        };
        if looks.iter().all(|(_, releases)| releases.iter().all(|releases| releases.is_empty())) {
            matched.obstacle = Some(Obstacle::Release(ecosystem));
        } else if !ecosystem_is_covered(self.database, facts, ecosystem)? {
            matched.obstacle = Some(Obstacle::Ecosystem(ecosystem));
        } else if facts.kind.is_os() && place::lacks_source(ecosystem, facts) {
            matched.obstacle = Some(Obstacle::Source(ecosystem));
        }
        let mut further = Vec::new();
        for (look, [_, then]) in &looks {
            for release in *then {
                further.extend(self.row(ecosystem, release.as_deref(), look)?);
            }
        }
        let mut said = Said { noted: (!further.is_empty()).then(HashSet::new), ..Said::default() };
        for (look, [first, _]) in &looks {
            for release in *first {
                if let Some(row) = self.row(ecosystem, release.as_deref(), look)? {
                    said.take(facts, row, false)?;
                }
            }
        }
        for row in further {
            said.take(facts, row, true)?;
        }
        matched.obstacle = said.obstacle.or(matched.obstacle);
        matched.vulnerabilities = said.hits();
        Ok(matched)
    }
}

/// Whether the database says anything about the language of a package; releases of distributions are those it knows.
fn ecosystem_is_covered(
    database: &Database<'_>,
    facts: &PackageFacts,
    ecosystem: Ecosystem,
) -> Result<bool, DatabaseError> {
    Ok(facts.kind.is_os() || database.covers(ecosystem, None)?)
}

/// A row, and where it was found.
struct Told<'a, 'l> {
    ecosystem: Ecosystem,
    release: Option<&'l str>,
    look: &'l Look<'l>,
    row: Row<'a>,
}

/// Whom something is said of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Of<'l> {
    release: Option<&'l str>,
    /// Whether of the source package.
    source: bool,
}

/// What is said of one package so far.
#[derive(Default)]
struct Said<'l> {
    /// By vulnerability.
    hits: BTreeMap<u32, Vec<(Of<'l>, Hit)>>,
    /// Where there is more to come, which vulnerabilities something is said of, whatever it is.
    noted: Option<HashSet<u32>>,
    obstacle: Option<Obstacle>,
}

impl<'l> Said<'l> {
    /// Takes what the entries of a row say; of a further one only where nothing was said before.
    fn take(&mut self, facts: &PackageFacts, told: Told<'_, 'l>, is_further: bool) -> Result<(), DatabaseError> {
        let Told { ecosystem, release, look, mut row } = told;
        let of = Of { release, source: look.source };
        let scheme = ecosystem.scheme_in(release);
        let texts = row.texts().to_vec();
        let mut version = Version::new(scheme, look, &texts);
        let mut entry = Entry::default();
        while row.read(&mut entry)? {
            if !is_about(ecosystem, facts, look, &entry, &texts) {
                continue;
            }
            match &mut self.noted {
                Some(noted) if is_further => {
                    entry.vulnerabilities.retain(|vulnerability| !noted.contains(vulnerability));
                }
                Some(noted) => noted.extend(&entry.vulnerabilities),
                None => {}
            }
            if entry.vulnerabilities.is_empty() {
                continue;
            }
            let fixed = match version.judge(&entry) {
                Judged::Outside => continue,
                Judged::Inside(fixed) => fixed.map(str::to_owned),
                Judged::Unknown if version.valid => {
                    self.obstacle.get_or_insert(Obstacle::Bound(scheme));
                    continue;
                }
                Judged::Unknown => {
                    self.obstacle = Some(Obstacle::Version(scheme));
                    continue;
                }
            };
            let ratings = std::mem::take(&mut entry.ratings);
            let hit = Hit { advisory: entry.advisory, feed: entry.feed, status: entry.status, fixed, ratings };
            if let Some((last, others)) = entry.vulnerabilities.split_last() {
                for vulnerability in others {
                    self.hits.entry(*vulnerability).or_default().push((of, hit.clone()));
                }
                self.hits.entry(*last).or_default().push((of, hit));
            }
        }
        Ok(())
    }

    /// The hits, once all is said.
    fn hits(self) -> BTreeMap<u32, Vec<Hit>> {
        let standing = |(vulnerability, said): (u32, Vec<(Of<'_>, Hit)>)| {
            let (clear, said): (Vec<_>, Vec<_>) =
                said.into_iter().partition(|(_, hit)| hit.status == Status::NotAffected);
            let stands = |said: &(Of<'_>, Hit)| !clear.iter().any(|clear| clears(clear, said));
            let hits: Vec<Hit> = said.into_iter().filter(stands).map(|(_, hit)| hit).collect();
            (!hits.is_empty()).then_some((vulnerability, hits))
        };
        self.hits.into_iter().filter_map(standing).collect()
    }
}

/// Whether a statement that a package is not affected takes another away: one of the same feed about the same release or
/// repository, since from which the package came is not known; of the source package none that is about the package
/// itself. What one advisory says both of contradicts itself, and does not count.
fn clears((of, clear): &(Of<'_>, Hit), (said_of, said): &(Of<'_>, Hit)) -> bool {
    let contradicts_itself = of == said_of && clear.advisory == said.advisory;
    clear.feed == said.feed && of.release == said_of.release && (!of.source || said_of.source) && !contradicts_itself
}

/// Whether an entry found under the name of `look` is about the package at all.
fn is_about(ecosystem: Ecosystem, facts: &PackageFacts, look: &Look<'_>, entry: &Entry, texts: &[&str]) -> bool {
    let arches: Vec<&str> = entry.arches.iter().map(|arch| texts[*arch]).collect();
    let of_source = ecosystem.names_source_packages() || arches == [SOURCE_ARCH];
    if of_source != look.source {
        return false;
    }
    // What is none of rpm's takes a package out of sight of nothing.
    let arch = facts.arch.as_deref().filter(|arch| RPM_ARCHES.contains(arch));
    if let (false, false, Some(arch)) = (of_source, arches.is_empty(), arch)
        && !arches.contains(&arch)
    {
        return false;
    }
    is_of_module(facts, entry, texts)
}

/// Whether the entry is for the module that the package is of, or neither is of one.
///
/// A module's packages carry it in their release (`.module_el8.3.0+2023+d2377ea3`), and rpm's `modularity` label has
/// module, stream, version and context. A label alone hides no package from what is said of those without: what builds
/// modules gives both.
fn is_of_module(facts: &PackageFacts, entry: &Entry, texts: &[&str]) -> bool {
    const MARK: &str = ".module";
    if facts.kind != PackageKind::Rpm {
        return true;
    }
    let mut labels = facts.extra.iter().filter(|(key, value)| key == "modularity" && !value.is_empty());
    let label = labels.next().map(|(_, value)| value.as_str());
    let package = facts.version.contains(MARK);
    let module = entry.module.map(|module| texts[module]);
    let marked = |edge: &Edge| matches!(edge, Edge::At(text) | Edge::After(text) | Edge::Unclear(text) if texts[*text].contains(MARK));
    let entry_has = module.is_some() || entry.ranges.iter().any(|(from, to)| marked(from) || marked(to));
    let is_torn = label.is_some() && !package;
    if package != entry_has && !is_torn {
        // What holds for all versions need not name one that carries the mark.
        return !package && module.is_none()
            || entry.ranges.iter().all(|(_, to)| *to == Edge::Open) && module.is_none();
    }
    match (module, label) {
        (Some(module), Some(label)) => {
            label.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        _ => true,
    }
}

/// What an entry means for a version.
#[derive(Clone, Copy)]
enum Judged<'a> {
    /// It does not hold for it.
    Outside,
    /// It does; the first version without it.
    Inside(Option<&'a str>),
    /// The version cannot be compared, or not with what the entry names.
    Unknown,
}

/// A version that is compared with the texts of a row, with each at most once.
struct Version<'a> {
    scheme: Scheme,
    text: &'a str,
    epochs: Epochs,
    valid: bool,
    texts: &'a [&'a str],
    known: Vec<Option<Ordering>>,
}

impl<'a> Version<'a> {
    fn new(scheme: Scheme, look: &Look<'a>, texts: &'a [&'a str]) -> Self {
        let (text, epochs) = (look.version, look.epochs);
        Self { scheme, text, epochs, valid: scheme.is_valid(text), texts, known: vec![None; texts.len()] }
    }

    /// How the version stands to a text.
    fn to(&mut self, text: usize) -> Ordering {
        let (own, theirs) = self.epochs.of(self.text, self.texts[text]);
        let own = match self.scheme {
            // What a build calls itself says nothing where the other has no such part (PEP 440, "Version matching").
            Scheme::Pep440 if !theirs.contains('+') => own.split('+').next().unwrap_or(own),
            _ => own,
        };
        *self.known[text].get_or_insert_with(|| self.scheme.compare(own, theirs))
    }

    fn judge(&mut self, entry: &Entry) -> Judged<'a> {
        if entry
            .versions
            .iter()
            .any(|version| self.texts[*version] == self.text || self.valid && self.to(*version).is_eq())
        {
            let next = entry.ranges.iter().find_map(|range| self.fixed_behind(range));
            return Judged::Inside(next);
        }
        if !self.valid && !entry.versions.is_empty() {
            return Judged::Unknown;
        }
        let everything = |(from, to): &(Edge, Edge)| (*from, *to) == (Edge::Open, Edge::Open);
        if entry.ranges.iter().any(everything) {
            return Judged::Inside(None);
        }
        if entry.ranges.is_empty() {
            return Judged::Outside;
        }
        if !self.valid {
            return Judged::Unknown;
        }
        let mut unclear = false;
        for (from, to) in &entry.ranges {
            let above = match *from {
                Edge::Open => Some(true),
                Edge::At(from) => Some(self.to(from).is_ge()),
                Edge::After(from) => Some(self.to(from).is_gt()),
                Edge::Unclear(_) => None,
            };
            // Most ranges are settled by one comparison.
            if above == Some(false) {
                continue;
            }
            let below = match *to {
                Edge::Open => Some(true),
                Edge::At(to) => Some(self.to(to).is_lt()),
                Edge::After(to) => Some(self.to(to).is_le()),
                Edge::Unclear(_) => None,
            };
            match (above, below) {
                (Some(true), Some(true)) => {
                    return Judged::Inside(match *to {
                        Edge::At(to) => Some(self.texts[to]),
                        _ => None,
                    });
                }
                (_, Some(false)) => {}
                _ => unclear = true,
            }
        }
        if unclear { Judged::Unknown } else { Judged::Outside }
    }

    /// The fixed version that ends a range, if the version lies before it.
    fn fixed_behind(&mut self, (_, to): &(Edge, Edge)) -> Option<&'a str> {
        match *to {
            // One that cannot be compared was listed, and a version without the flaw there is.
            Edge::At(to) if !self.valid || self.to(to).is_lt() => Some(self.texts[to]),
            _ => None,
        }
    }
}
