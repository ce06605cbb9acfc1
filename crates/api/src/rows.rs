//! The entries of lists, each with the fields that its list can be filtered by.

use crate::filter::{Field, Kind};
use jiff::Timestamp;
use sekisho_model::{AssessedBy, Likelihood, PackageFinding, PackageKind, Purl, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

/// An inventory: what was scanned, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryEntry {
    /// What tells it from others: the digest of an image's configuration, or the path of a directory.
    pub identity: String,
    /// What was scanned, as it was named.
    pub name: String,
    /// The distribution, `debian-12`; empty where there is none.
    pub os: String,
    /// Whether all that could hide a package was read.
    pub complete: bool,
    /// How many different packages.
    pub packages: u64,
    /// When it was scanned.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
}

impl InventoryEntry {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("identity", Kind::Text, "what tells it from others"),
        field("name", Kind::Text, "what was scanned, as it was named"),
        field("os", Kind::Text, "the distribution, `debian-12`"),
        field("complete", Kind::Flag, "whether all that could hide a package was read"),
        field("packages", Kind::Count, "how many different packages"),
        field("observed_at", Kind::Time, "when it was scanned"),
    ];
}

/// A package with a vulnerability, wherever it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingEntry {
    /// The package.
    pub package: Purl,
    /// What is said.
    #[serde(flatten)]
    pub finding: PackageFinding,
    /// Whether the vulnerability is known to be exploited.
    pub exploited: bool,
    /// The probability that it is exploited within 30 days, 0 to 1, where somebody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<f64>,
    /// Since when the hub knows.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How many inventories have the package.
    pub inventories: u64,
}

impl FindingEntry {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("vulnerability", Kind::Text, "its id, a CVE where there is one"),
        field("severity", Kind::Severity, "how bad it is for this package"),
        field("fixable", Kind::Flag, "whether there is a version without it"),
        field("exploited", Kind::Flag, "whether it is known to be exploited"),
        field("likelihood", Kind::Share, "the probability that it is exploited within 30 days; 0 where nobody says"),
        field("package", Kind::Text, "the package's name"),
        field("kind", Kind::Text, "the package's kind: `deb`, `npm`"),
        field("since", Kind::Time, "since when the hub knows"),
    ];
}

/// A vulnerability that something has or had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VulnerabilityEntry {
    /// A CVE where there is one.
    pub id: String,
    /// One line.
    pub title: String,
    /// How bad it is for the package for which it is worst.
    pub severity: Severity,
    /// Whether it is known to be exploited.
    pub exploited: bool,
    /// How likely it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Likelihood>,
    /// How many packages have it now.
    pub packages: u64,
    /// How many inventories have it now.
    pub inventories: u64,
}

impl VulnerabilityEntry {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("id", Kind::Text, "a CVE where there is one"),
        field("exploited", Kind::Flag, "whether it is known to be exploited"),
        field("likelihood", Kind::Share, "the probability that it is exploited within 30 days; 0 where nobody says"),
    ];
}

/// An inventory with a package that has a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// The inventory's identity.
    pub inventory: String,
    /// Its name.
    pub name: String,
    /// The package.
    pub package: Purl,
    /// Since when the hub knows.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What is said.
    #[serde(flatten)]
    pub finding: PackageFinding,
}

impl Hit {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("inventory", Kind::Text, "the inventory's identity"),
        field("name", Kind::Text, "the inventory's name"),
        field("os", Kind::Text, "its distribution, `debian-12`"),
        field("severity", Kind::Severity, "how bad it is for this package"),
        field("fixable", Kind::Flag, "whether there is a version without it"),
        field("package", Kind::Text, "the package's name"),
        field("since", Kind::Time, "since when the hub knows"),
    ];
}

/// A package, whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageEntry {
    /// Its package URL.
    pub purl: Purl,
    /// What kind of package.
    pub kind: PackageKind,
    /// Its name, as its kind writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many inventories have it.
    pub inventories: u64,
    /// How many vulnerabilities it has now.
    pub findings: u64,
    /// Whether it is still to be judged by the present advisory database.
    pub due: bool,
    /// Why it could not be judged, or not in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

impl PackageEntry {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("kind", Kind::Text, "`deb`, `npm`"),
        field("name", Kind::Text, "its name, as its kind writes it"),
        field("version", Kind::Text, "its version"),
        field("due", Kind::Flag, "whether it is still to be judged"),
        field("judged", Kind::Flag, "whether nothing kept it from being judged in full"),
    ];
}

/// Work of the hub that is under way, waits or was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// What is to be done.
    pub kind: String,
    /// What with.
    pub subject: String,
    /// What else is to be known.
    pub payload: String,
    /// Not before then.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// Until when somebody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub leased_until: Option<Timestamp>,
    /// Who has it, or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// How often it was taken.
    pub attempt: u32,
    /// Steps that are done.
    pub done: u64,
    /// All steps; 0 where nobody said.
    pub steps: u64,
    /// Why it failed the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether it is tried no more.
    pub given_up: bool,
}

impl Job {
    /// What a list of them can be filtered by.
    pub const FIELDS: &[Field] = &[
        field("kind", Kind::Text, "what is to be done"),
        field("subject", Kind::Text, "what with"),
        field("due_at", Kind::Time, "when it is to be done"),
        field("given_up", Kind::Flag, "whether it is tried no more"),
    ];
}

/// The advisory database that judges, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JudgingDatabase {
    /// What it was built from.
    #[serde(flatten)]
    pub by: AssessedBy,
    /// The digest of the one whose findings hold for each package that is not due; none where all have to be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// Whether all packages that it may judge in another way are due by now.
    pub prepared: bool,
    /// Whether all that is known of vulnerabilities is what it says.
    pub described: bool,
    /// Since when it judges.
    #[schema(value_type = String, format = DateTime)]
    pub adopted_at: Timestamp,
}
