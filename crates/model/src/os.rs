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

/// The `ID` of os-release(5) of a distribution that Trivy, Syft or a package URL may call otherwise.
pub fn distribution_id(name: &str) -> &str {
    match name {
        "redhat" => "rhel",
        "alma" => "almalinux",
        "oracle" | "oraclelinux" => "ol",
        "amazon" => "amzn",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        "suse linux enterprise server" | "suse.linux enterprise server" => "sles",
        "cbl-mariner" => "mariner",
        other => other,
    }
}

/// Whether two versions are of the same release, one of which may be told to the last number and the other not: `12` and
/// `12.5`.
pub fn is_same_release(a: &str, b: &str) -> bool {
    let of = |long: &str, short: &str| {
        short.is_empty() || long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    of(a, b) || of(b, a)
}
