//! What is different between two scans.

use crate::finding::{FindingStatus, Suppression};
use crate::image::LayerIndex;
use crate::package::{Origin, PackageKind};
use crate::purl::Purl;
use crate::report::FindingRow;
use crate::severity::Severity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `schema` of a difference.
pub const DIFF_SCHEMA: &str = "sekisho.diff/v1";

/// A finding that only one of the two has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffFinding {
    /// The vulnerability.
    pub vulnerability: String,
    /// How bad it is there.
    pub severity: Severity,
    /// What can be done.
    pub status: FindingStatus,
    /// Known to be exploited.
    #[serde(default)]
    pub exploited: bool,
    /// One line about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The package that has it.
    pub purl: Purl,
    /// Its ecosystem.
    pub kind: PackageKind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file that says so.
    pub location: String,
    /// The layer that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub layer: Option<LayerIndex>,
    /// Base image or application.
    #[serde(default)]
    pub origin: Origin,
    /// The first versions without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_in: Vec<String>,
    /// Why it counts for no gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
}

impl DiffFinding {
    /// The finding of a row.
    pub fn of(row: &FindingRow<'_>) -> Self {
        let FindingRow { finding, package, vulnerability } = row;
        Self {
            vulnerability: vulnerability.id.clone(),
            severity: finding.severity,
            status: finding.status,
            exploited: vulnerability.exploited.is_some(),
            title: vulnerability.title.clone(),
            purl: package.purl.clone(),
            kind: package.facts.kind,
            name: package.facts.name.clone(),
            version: package.facts.version.clone(),
            location: package.location.clone(),
            layer: package.layer,
            origin: package.origin,
            fixed_in: finding.fixed_in.clone(),
            suppressed: finding.suppressed.clone(),
        }
    }
}

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackageChangeKind {
    /// Only the new one has it.
    Added,
    /// Only the old one has it.
    Removed,
    /// A later version.
    Upgraded,
    /// An earlier version.
    Downgraded,
    /// Several versions, and not the same ones.
    Changed,
}

impl PackageChangeKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Changed => "changed",
        }
    }
}

/// A package of which the two have not the same versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageChange {
    /// Its ecosystem.
    pub kind: PackageKind,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: PackageChangeKind,
    /// Versions of the old one, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// Versions of the new one, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// One side of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffSide {
    /// As it was named.
    pub name: String,
    /// What tells it from all else: the digest of an image's configuration, or a path.
    pub identity: String,
    /// Whether all of it could be read and judged.
    pub complete: bool,
}

/// What is different between two scans, which were judged by the same database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// `sekisho.diff/v1`, the [`DIFF_SCHEMA`].
    #[schema(pattern = r"^sekisho\.diff/v1$")]
    pub schema: String,
    /// What it is compared with.
    pub old: DiffSide,
    /// What is compared.
    pub new: DiffSide,
    /// Findings that only the new one has, the worst first.
    pub opened: Vec<DiffFinding>,
    /// Findings that only the old one has, the worst first.
    pub closed: Vec<DiffFinding>,
    /// How many findings both have, as the new one counts them.
    pub unchanged: usize,
    /// Packages that are not the same, by kind and name.
    pub packages: Vec<PackageChange>,
}
