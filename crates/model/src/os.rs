//! Which operating system distribution a root file system holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The fields of `os-release` (freedesktop.org, os-release(5)) that identify a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct OsRelease {
    /// `ID`: `debian`, `alpine`, `rhel`; `linux` when the file has none, as os-release(5) says.
    pub id: String,
    /// `VERSION_ID`: `12`, `3.20.1`; empty for rolling distributions.
    pub version_id: String,
    /// `ID_LIKE`, split on blanks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_like: Vec<String>,
    /// `VERSION_CODENAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `PRETTY_NAME`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
    /// `VARIANT_ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
    /// `CPE_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpe_name: Option<String>,
}

impl OsRelease {
    /// The `distro` qualifier of package URLs: `debian-12`, or the id alone without a version.
    pub fn distro(&self) -> String {
        if self.version_id.is_empty() { self.id.clone() } else { format!("{}-{}", self.id, self.version_id) }
    }
}
