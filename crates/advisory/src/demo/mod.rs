//! Notorious vulnerabilities, for demonstration: a database that is inside the program, so that a first scan shows what
//! a finding looks like where no advisories have been imported yet.
//!
//! Never a fallback: it knows a few hundred facts, and what it does not know is not clean. Whoever asks for it names it.
//!
//! Facts only, said in our own words. Every range was compared with what its `source` names.
//!
//! # Adding an entry
//!
//! An entry goes into the table of its ecosystem; what concerns several stands where most would look for it.
//!
//! ```toml
//! [[vulnerability]]
//! id = "CVE-2021-44228"       # the CVE, else the name that most use
//! name = "Log4Shell"          # what people call it; optional
//! title = "one line, lower case, no dot"
//! kind = "malware"            # where it is no flaw; optional
//! aliases = ["GHSA-…"]        # names of the very same thing; optional
//! published = "2021-12-10"    # as the source says; optional
//! severity = "critical"       # the word of who published it, where there is no vector
//! cvss = "CVSS:3.1/…"         # as published
//! cwes = ["CWE-502"]          # optional
//! kev = { added = "2021-12-10", due = "2021-12-24", ransomware = true }   # exactly where CISA lists it
//! affected = [
//!     { in = "Maven", packages = ["…"], ranges = [{ introduced = "2.4", fixed = "2.12.2" }], source = "GHSA-…" },
//! ]
//! ```
//!
//! `in` is the ecosystem, with the release of a distribution behind a colon, both as OSV writes them. Packages are those
//! that the ecosystem's advisories name: source packages for Debian, Ubuntu and Alpine, installed ones for AlmaLinux. A
//! range has `introduced` or `after`, and `fixed` or `last_affected`, each of which may be left out; where there are
//! single `versions`, ranges may be. `5.3.A` is how the feed of RubyGems says where the versions 5.3 begin.
//!
//! `source` is where the range was read: the name of an advisory, the path in `ruby-advisory-db`, an address, or the
//! changelog of a Debian package, in which the first version that names the CVE is taken. Where it is a record of one of
//! the feeds in the corpus, a test compares the two.

#[cfg(test)]
mod tests;

use crate::db::{Builder, FeedSource, TooLarge};
use crate::ecosystem::{Ecosystem, UnknownEcosystem};
use crate::feeds::text::{is_cve, moment};
use crate::range::{Lower, Range, Upper, union};
use crate::record::{Advisory, AdvisoryKind, Affected, Enrichment, Rating, Record, Says};
use sekisho_model::{AssessedBy, Severity};
use serde::Deserialize;

/// The name of the feed that the records are of.
pub use sekisho_model::DEMONSTRATION_FEED as FEED_ID;

/// Whether a database is this one and no other: what it does not know is unknown, however old it is.
pub fn is_all_of(database: &AssessedBy) -> bool {
    database.is_demonstration()
}

const TABLES: &[&str] = &[
    include_str!("openssl.toml"),
    include_str!("system.toml"),
    include_str!("network.toml"),
    include_str!("formats.toml"),
    include_str!("python.toml"),
    include_str!("npm.toml"),
    include_str!("go.toml"),
    include_str!("rust.toml"),
    include_str!("ruby.toml"),
    include_str!("jvm.toml"),
    include_str!("other.toml"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    vulnerability: Vec<Vulnerability>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vulnerability {
    id: String,
    name: Option<String>,
    title: String,
    #[serde(default)]
    kind: AdvisoryKind,
    #[serde(default)]
    aliases: Vec<String>,
    published: Option<String>,
    severity: Option<Severity>,
    cvss: Option<String>,
    #[serde(default)]
    cwes: Vec<String>,
    kev: Option<Kev>,
    affected: Vec<Fact>,
}

/// What CISA's catalogue says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kev {
    added: String,
    due: Option<String>,
    ransomware: bool,
}

/// Which versions of packages that are built together have it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    #[serde(rename = "in")]
    place: Place,
    packages: Vec<String>,
    #[serde(default)]
    ranges: Vec<Interval>,
    #[serde(default)]
    versions: Vec<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Place {
    ecosystem: Ecosystem,
    release: Option<String>,
}

impl TryFrom<String> for Place {
    type Error = UnknownEcosystem;

    fn try_from(text: String) -> Result<Self, UnknownEcosystem> {
        let (ecosystem, release) = match text.split_once(':') {
            Some((ecosystem, release)) => (ecosystem, Some(release.to_owned())),
            None => (text.as_str(), None),
        };
        Ok(Self { ecosystem: ecosystem.parse()?, release })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interval {
    introduced: Option<String>,
    after: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

impl From<Interval> for Range {
    fn from(interval: Interval) -> Self {
        let from = interval.introduced.map(Lower::At).or(interval.after.map(Lower::After));
        let to = interval.fixed.map(Upper::Fixed).or(interval.last_affected.map(Upper::Last));
        Self { from: from.unwrap_or(Lower::Start), to: to.unwrap_or(Upper::Unfixed) }
    }
}

impl Fact {
    /// What it says, for each package.
    fn affected(self) -> impl Iterator<Item = Affected> {
        let Place { ecosystem, release } = self.place;
        let scheme = ecosystem.scheme_in(release.as_deref());
        let ranges = union(scheme, self.ranges.into_iter().map(Range::from).collect());
        let notice =
            Some(self.source).filter(|source| ["ALSA-", "DSA-"].iter().any(|prefix| source.starts_with(prefix)));
        self.packages.into_iter().map(move |name| Affected {
            ranges: ranges.clone(),
            versions: self.versions.clone(),
            notice: notice.clone(),
            ..Affected::new(ecosystem, release.clone(), &name)
        })
    }
}

/// Where to read on.
fn address(name: &str) -> Option<String> {
    Some(match name.split_once('-')?.0 {
        _ if is_cve(name) => format!("https://nvd.nist.gov/vuln/detail/{name}"),
        "GHSA" => format!("https://github.com/advisories/{name}"),
        "GO" => format!("https://pkg.go.dev/vuln/{name}"),
        "RUSTSEC" => format!("https://rustsec.org/advisories/{name}.html"),
        "ALSA" | "DSA" | "PYSEC" => format!("https://osv.dev/vulnerability/{name}"),
        _ if name.starts_with("https://") => name.to_owned(),
        _ => return None,
    })
}

impl Vulnerability {
    fn records(self) -> impl Iterator<Item = Record> {
        let mut references: Vec<String> = Vec::new();
        let sources = self.affected.iter().map(|fact| fact.source.as_str());
        for address in std::iter::once(self.id.as_str()).chain(sources).filter_map(address) {
            if !references.contains(&address) {
                references.push(address);
            }
        }
        let exploited = self.kev.map(|Kev { added, due, ransomware }| {
            let says = Says::Exploited { added, due, ransomware };
            Record::Enrichment(Enrichment { id: self.id.clone(), says })
        });
        let judged = self.severity.is_some() || self.cvss.is_some();
        let rating = Rating { by: String::new(), severity: self.severity, vector: self.cvss };
        let advisory = Advisory {
            kind: self.kind,
            aliases: self.aliases,
            published: self.published.as_deref().and_then(moment),
            summary: match self.name {
                Some(name) => format!("{name}: {}", self.title),
                None => self.title,
            },
            ratings: judged.then_some(rating).into_iter().collect(),
            cwes: self.cwes,
            references,
            affected: self.affected.into_iter().flat_map(Fact::affected).collect(),
            id: self.id,
            ..Advisory::default()
        };
        std::iter::once(Record::Advisory(advisory)).chain(exploited)
    }
}

fn vulnerabilities() -> impl Iterator<Item = Vulnerability> {
    // The tables are part of the program, and a test reads each: none is left out here.
    TABLES.iter().filter_map(|text| toml::from_str(text).ok()).flat_map(|table: Table| table.vulnerability)
}

/// What is known, as a feed would hand it over.
pub fn records() -> Vec<Record> {
    vulnerabilities().flat_map(Vulnerability::records).collect()
}

/// The database of [`records`]; the same bytes every time. It says of no moment that it was taken then, so that it
/// counts as old wherever age is asked for.
pub fn database() -> Result<Vec<u8>, TooLarge> {
    let records = records();
    let advisories = records.iter().filter(|record| matches!(record, Record::Advisory(_))).count();
    let mut builder = Builder::default();
    builder.feed(FeedSource {
        id: FEED_ID.to_owned(),
        title: "notorious vulnerabilities, for demonstration".to_owned(),
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
        source: "built into the program".to_owned(),
        files: TABLES.len(),
        advisories,
        enrichments: records.len() - advisories,
        ..FeedSource::default()
    });
    for record in records {
        builder.add(record);
    }
    builder.finish()
}
