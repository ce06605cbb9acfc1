//! Findings: which vulnerability a package has, who says so, and what is to be done.

use crate::diagnostic::Diagnostic;
use crate::package::PackageId;
use crate::severity::Severity;
use jiff::Timestamp;
use jiff::civil::Date;
use sekisho_base::hash;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Identifies a finding wherever and whenever it is made again: the first 16 bytes of SHA-256(what was scanned, NUL,
/// [`PackageId`], NUL, vulnerability), in hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(String);

impl FindingId {
    /// The id of `vulnerability` in `package` of the inventory with the identity `inventory`.
    pub fn new(inventory: &str, package: &PackageId, vulnerability: &str) -> Self {
        let mut hasher = hash::Sha256::new();
        for part in [inventory, "\0", package.as_str(), "\0", vulnerability] {
            hasher.update(part.as_bytes());
        }
        Self(hash::hex(&hasher.finish()[..16]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What can be done about a finding, as its sources say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// A version without it exists.
    Fixed,
    /// No version without it is known.
    Affected,
    /// It will be fixed some day.
    FixDeferred,
    /// It will stay.
    WillNotFix,
    /// The release is out of support.
    EndOfLife,
    /// Whether it is there at all is being looked into.
    UnderInvestigation,
}

impl FindingStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::FixDeferred => "fix_deferred",
            Self::WillNotFix => "will_not_fix",
            Self::EndOfLife => "end_of_life",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// Who says that a package has a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingSource {
    /// The feed.
    pub feed: String,
    /// The advisory's id there.
    pub advisory: String,
    /// What it says is to be done.
    pub status: FindingStatus,
    /// The first version without it, according to this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
}

/// What all findings of one vulnerability in one package have in common, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageFinding {
    /// The vulnerability's id.
    pub vulnerability: String,
    /// How bad it is for this package.
    pub severity: Severity,
    /// What can be done.
    pub status: FindingStatus,
    /// The first versions without it, in ascending order: more than one where several branches were fixed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<String>,
    /// Who says so.
    pub sources: Vec<FindingSource>,
}

/// A package that has a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The same in every scan of the same thing.
    pub id: FindingId,
    /// The vulnerability's id; more about it is in the list of vulnerabilities.
    pub vulnerability: String,
    /// The package of the inventory.
    pub package: PackageId,
    /// How bad it is for this package.
    pub severity: Severity,
    /// What can be done.
    pub status: FindingStatus,
    /// The first versions without it, in ascending order: more than one where several branches were fixed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<String>,
    /// Who says so.
    pub sources: Vec<FindingSource>,
    /// Why it counts for no gate, where somebody answers for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
}

/// In what form it was said that a finding does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionKind {
    /// A VEX statement: who ships the software says that it is not affected.
    Vex,
    /// An exception: whoever runs it takes the risk.
    Exception,
}

/// That a finding does not count. It stays in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suppression {
    /// In what form.
    pub kind: SuppressionKind,
    /// The document, as it was named.
    pub source: String,
    /// What a VEX statement says: `not_affected` or `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

/// A judgement of how bad a vulnerability is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Judgement {
    /// Who judges: a feed's id, or who it quotes.
    pub by: String,
    /// In a word.
    pub severity: Severity,
    /// The CVSS base score, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The CVSS vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
}

/// That a vulnerability is known to be exploited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exploited {
    /// When that was added to the catalogue, `YYYY-MM-DD`.
    pub added: String,
    /// By when to act, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Known to be used by ransomware.
    pub ransomware: bool,
}

/// How likely it is that a vulnerability will be exploited within 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Likelihood {
    /// 0 to 1.
    pub probability: f32,
    /// The share of vulnerabilities that are less likely, 0 to 1.
    pub percentile: f32,
}

/// What is known about a vulnerability that something was found to have.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Vulnerability {
    /// A CVE where there is one.
    pub id: String,
    /// Other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The same in Japanese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_ja: Option<String>,
    /// More of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How bad, as each judge sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<Judgement>,
    /// `CWE-79`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<String>,
    /// First published by any source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published: Option<Timestamp>,
    /// Known to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploited: Option<Exploited>,
    /// How likely it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Likelihood>,
    /// Addresses to read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// Whether vulnerabilities were looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    /// All packages were.
    Scanned,
    /// Some could not be: what those are, the diagnostics say.
    Incomplete,
    /// There was nothing to look in.
    NotScanned,
    /// Nobody asked for them.
    NotEvaluated,
}

/// A feed that findings were made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessedFeed {
    /// The feed.
    pub id: String,
    /// The file or address it came from.
    pub source: String,
    /// When it was taken, or last seen to be unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub observed_at: Option<Timestamp>,
    /// When the newest of its advisories was changed, where they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
    /// How many advisories it has.
    #[serde(default)]
    pub advisories: usize,
    /// Whether what it says can be about what was judged.
    #[serde(default)]
    pub concerned: bool,
    /// How many of its records could not be read: what they say is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A feed of more advisories than this has a new one every few days.
const LIVELY: usize = 1000;
/// Days without a new one, after which a lively feed is a copy from then, whenever it was taken.
const SILENT_DAYS: i64 = 90;

impl AssessedFeed {
    /// Why it is older than it should be at `now`, when advisories may be `hours` old; none where it is not.
    pub fn is_old(&self, now: Timestamp, hours: u64) -> Option<String> {
        let hours = i64::try_from(hours).unwrap_or(i64::MAX);
        let Some(taken) = self.observed_at else { return Some("nobody knows when it was taken".to_owned()) };
        let age = now.duration_since(taken).as_hours();
        if age < -24 {
            return Some(format!("taken {} days from now", -age / 24));
        }
        if age >= hours {
            return Some(format!("taken {} days ago", age / 24));
        }
        // One without advisories is a catalogue, made anew every day or week.
        let newest = self.newest.filter(|_| self.advisories > LIVELY || self.advisories == 0)?;
        let silent = now.duration_since(newest).as_hours() / 24;
        let what = if self.advisories == 0 { "it was made" } else { "its newest advisory is of" };
        (silent > SILENT_DAYS).then(|| format!("{what} {silent} days ago"))
    }
}

/// The database that findings were made by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct AssessedBy {
    /// What tells it from all others: a digest over its content.
    pub digest: String,
    /// What it was built from.
    pub feeds: Vec<AssessedFeed>,
    /// How many vulnerabilities it knows to be exploited.
    #[serde(default)]
    pub exploited: usize,
    /// For how many it knows how likely exploitation is.
    #[serde(default)]
    pub likelihoods: usize,
    /// Those of its feeds that are older than they should be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
}

/// The feed of vulnerabilities that are inside the program, for demonstration.
pub const DEMONSTRATION_FEED: &str = "demo";

impl AssessedBy {
    /// Whether it is the demonstration set and no other: what it does not know is unknown, however old it is.
    pub fn is_demonstration(&self) -> bool {
        !self.feeds.is_empty() && self.feeds.iter().all(|feed| feed.id == DEMONSTRATION_FEED)
    }

    /// Says which of the feeds that are concerned are too old at `now`, when advisories may be `hours` old.
    pub fn age(&mut self, now: Timestamp, hours: u64) {
        let old =
            |feed: &AssessedFeed| Some(format!("{} from {} ({})", feed.id, feed.source, feed.is_old(now, hours)?));
        self.stale = self.feeds.iter().filter(|feed| feed.concerned).filter_map(old).collect();
    }
}

/// The vulnerabilities of an inventory, as an advisory database has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// Whether they were looked for.
    pub state: ScanState,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub assessed_at: Timestamp,
    /// By what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<AssessedBy>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// What is known about their vulnerabilities, by id.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Why some were not looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Assessment {
    /// Vulnerabilities could not be looked for, as `why` says; where it says nothing, nobody asked for them.
    pub fn none(assessed_at: Timestamp, why: Option<Diagnostic>) -> Self {
        Self {
            state: if why.is_some() { ScanState::NotScanned } else { ScanState::NotEvaluated },
            assessed_at,
            database: None,
            findings: Vec::new(),
            vulnerabilities: Vec::new(),
            diagnostics: why.into_iter().collect(),
        }
    }
}
