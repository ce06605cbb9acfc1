//! Images and their layers.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// The position of a layer in its image, 0 at the bottom.
pub type LayerIndex = u32;

/// Operating system and processor that an image is built for (OCI image index, `platform`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: String,
    /// `amd64`, `arm64`: the names of Go's `GOARCH`.
    pub architecture: String,
    /// `v7`, `v8`, where the processor has variants.
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on the processor this program was built for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    /// Whether an image for `other` is what was asked for with `self`. Without a variant asked for any
    /// will do, and the `v8` that some builders write for arm64 means the same as none.
    pub fn accepts(&self, other: &Self) -> bool {
        let implied = |platform: &Self| match (&platform.variant, platform.architecture.as_str()) {
            (Some(variant), "arm64") if variant == "v8" => None,
            (variant, _) => variant.clone(),
        };
        self.os == other.os
            && self.architecture == other.architecture
            && (implied(self).is_none() || implied(self) == implied(other))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some((*variant).to_owned())),
            _ => return Err(format!("{text:?} is not a platform of the form os/architecture[/variant]")),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(format!("{text:?} is not a platform of the form os/architecture[/variant]"));
        }
        Ok(Self { os: (*os).to_owned(), architecture: (*architecture).to_owned(), variant })
    }
}

impl TryFrom<String> for Platform {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

/// One step of an image's build history (OCI image configuration, `history`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// When, RFC 3339, as the builder wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Whether the step made no layer.
    #[serde(default)]
    pub empty_layer: bool,
}

/// One layer of a scanned image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Layer {
    /// Position from the bottom.
    #[schema(value_type = u32)]
    pub index: LayerIndex,
    /// Digest of the stored bytes, as we computed it; `None` when they could not be read to the end.
    pub digest: Option<Digest>,
    /// Digest of the plain bytes, as we computed it; `None` as above.
    pub diff_id: Option<Digest>,
    /// Stored size in bytes.
    pub stored_bytes: u64,
    /// Plain size in bytes.
    pub plain_bytes: u64,
    /// Tar entries.
    pub entries: u64,
    /// The build instruction that made it, where the history tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Base image or application.
    pub origin: crate::package::Origin,
}

/// How the base image was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseMethod {
    /// The leading diffIDs equal those of a known image: certain.
    DiffIds,
    /// A label names the image; how many layers are its own is told by the history: likely.
    Label,
    /// Only the history suggests where the base ends: a guess.
    History,
}

impl BaseMethod {
    /// How sure it is, in a word.
    pub fn confidence(self) -> &'static str {
        match self {
            Self::DiffIds => "certain",
            Self::Label => "likely",
            Self::History => "guess",
        }
    }
}

/// The image that the scanned one was built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaseImage {
    /// Its reference, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its digest, where a label or the list of known bases tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How many of the lowest layers are its own.
    pub layers: u32,
    /// How it was told.
    pub method: BaseMethod,
}

/// How containers of an image are run where nothing else is said (OCI image configuration, `config`:
/// <https://github.com/opencontainers/image-spec/blob/main/config.md#properties>).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ImageConfig {
    /// `app`, `1000:1000`; empty for root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Ports that are meant to be reached, sorted: `8080/tcp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<String>,
    /// Environment variables in their order: `PATH=/usr/bin`. Whoever can read the image can read them, as they stand in
    /// its history, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// What is always run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// What is run where no other command is given, or the arguments of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Paths that are volumes, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Whether it says how to find out that it works (Docker's `Healthcheck`).
    #[serde(default)]
    pub health_check: bool,
}

/// What was scanned, when it was an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Names under which the archive or layout holds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Digest of the manifest; docker archives have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<Digest>,
    /// Digest of the configuration, which is the image id.
    pub config_digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// When it was built, RFC 3339, as the builder wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Labels, sorted by key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// How it is run; none where what was read does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ImageConfig>,
    /// Layers from the bottom.
    pub layers: Vec<Layer>,
    /// Build history from the first step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// The image it was built on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseImage>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_match_as_runtimes_match_them() {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        assert!(platform("linux/arm64").accepts(&platform("linux/arm64/v8")));
        assert!(platform("linux/arm64/v8").accepts(&platform("linux/arm64")));
        assert!(platform("linux/arm").accepts(&platform("linux/arm/v7")));
        assert!(!platform("linux/arm/v6").accepts(&platform("linux/arm/v7")));
        assert!(!platform("linux/amd64").accepts(&platform("windows/amd64")));
        assert!("linux".parse::<Platform>().is_err());
        assert!("linux//v7".parse::<Platform>().is_err());
    }
}
