//! What a newer advisory database changes for inventories that are already there.

use crate::package::PackageKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `schema` of a re-evaluation.
pub const REEVALUATION_SCHEMA: &str = "sekisho.reevaluation/v1";

/// What changes for one package, and so for every inventory that holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ReevaluatedPackage {
    /// Its ecosystem.
    pub kind: PackageKind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Vulnerabilities that it is now known to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<String>,
    /// Vulnerabilities that it is no longer taken to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// Whether only the older database can judge it: what it is no longer taken to have it may have all the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unjudged: bool,
    /// What holds it, as it was named when it was scanned.
    pub inventories: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if takes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a newer advisory database changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reevaluation {
    /// `sekisho.reevaluation/v1`, the [`REEVALUATION_SCHEMA`].
    #[schema(pattern = r"^sekisho\.reevaluation/v1$")]
    pub schema: String,
    /// The digest of the older database.
    pub old: String,
    /// That of the newer one.
    pub new: String,
    /// How many inventories were looked at.
    pub inventories: usize,
    /// What changes, by package.
    pub packages: Vec<ReevaluatedPackage>,
}
