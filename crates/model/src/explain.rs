//! Why a package is, or is not, taken to have a vulnerability.

use crate::finding::Vulnerability;
use crate::package::PackageId;
use jiff::Timestamp;

/// What one entry of the database and one package have to do with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The package.
    pub package: PackageId,
    /// The ecosystem, with its release where there are any, and the name that were looked up.
    pub place: String,
    /// Whether the name is that of the source package.
    pub source: bool,
    /// The version that was compared.
    pub version: String,
    /// How versions are ordered there.
    pub scheme: &'static str,
    /// The feed.
    pub feed: String,
    /// The advisory.
    pub advisory: String,
    /// What it says of the versions below, in a word.
    pub status: &'static str,
    /// The versions it holds for: `>= 1.0, < 1.4`, or a version.
    pub ranges: Vec<String>,
    /// What follows.
    pub outcome: Outcome,
}

/// What follows from a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The package has the vulnerability.
    Affected,
    /// Its version is none of those.
    Outside,
    /// The feed says that it has not, which takes away what the feed says elsewhere.
    NotAffected,
    /// The version cannot be compared.
    Unknown,
    /// It is about another package of that name: source or binary, another architecture, another module; or it is of a
    /// release beyond the system's own, of which something is said.
    Other,
}

/// All that a database says about one vulnerability in one inventory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explanation {
    /// What goes by the name that was asked for: none when the database does not know it, several where a notice about
    /// several was named.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Advisories about it that were withdrawn, each with when: none of them counts.
    pub withdrawn: Vec<(String, Timestamp)>,
    /// What was compared.
    pub comparisons: Vec<Comparison>,
    /// How many packages were looked at in all.
    pub packages: usize,
    /// How many of them could not be looked up: the database has nothing about where they are from.
    pub unjudged: usize,
}
