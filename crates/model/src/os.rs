//! Which operating system distribution a root file system holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The fields of `os-release` (freedesktop.org, os-release(5)) that identify a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
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

/// Distribution and version of the release that has a name of its own: `bookworm` is Debian's 12. Package URLs may say that
/// instead, as in the examples of their specification (`distro=jessie`).
pub fn release_named(codename: &str) -> Option<(&'static str, &'static str)> {
    Some(match codename {
        "jessie" => ("debian", "8"),
        "stretch" => ("debian", "9"),
        "buster" => ("debian", "10"),
        "bullseye" => ("debian", "11"),
        "bookworm" => ("debian", "12"),
        "trixie" => ("debian", "13"),
        "forky" => ("debian", "14"),
        "sid" => ("debian", ""),
        "trusty" => ("ubuntu", "14.04"),
        "xenial" => ("ubuntu", "16.04"),
        "bionic" => ("ubuntu", "18.04"),
        "focal" => ("ubuntu", "20.04"),
        "jammy" => ("ubuntu", "22.04"),
        "noble" => ("ubuntu", "24.04"),
        "plucky" => ("ubuntu", "25.04"),
        "questing" => ("ubuntu", "25.10"),
        _ => return None,
    })
}

/// Whether two versions are of the same release, one of which may be told to the last number and the other not: `12` and
/// `12.5`.
pub fn is_same_release(a: &str, b: &str) -> bool {
    let of = |long: &str, short: &str| {
        short.is_empty() || long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    of(a, b) || of(b, a)
}
