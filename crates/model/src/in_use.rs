//! What of images is in use: the JSON document `sekisho.in-use/v1`.

use crate::package::PackageId;
use crate::purl::Purl;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The `schema` of such a document.
pub const IN_USE_SCHEMA: &str = "sekisho.in-use/v1";

/// Which packages were used in the containers of a host while it was watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InUseReport {
    /// `sekisho.in-use/v1`, the [`IN_USE_SCHEMA`].
    #[schema(pattern = r"^sekisho\.in-use/v1$")]
    pub schema: String,
    /// The host.
    pub host: String,
    /// Since when it was watched.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// Events that were lost meanwhile: what they would have told may be among what was not seen.
    pub lost: u64,
    /// Images of which inventories were given and containers ran, in the order of the inventories.
    pub images: Vec<InUseImage>,
    /// Containers of images of which no inventory was given, or of which nobody knows the image, by id. Of very many only the
    /// first ones.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without_inventory: BTreeSet<String>,
}

/// What of one image is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InUseImage {
    /// What the inventory calls it.
    pub name: String,
    /// The digest of its manifest, or else of its configuration.
    pub digest: String,
    /// Its containers that did something, by id.
    pub containers: BTreeSet<String>,
    /// Its packages, in the order of the inventory.
    pub packages: Vec<InUsePackage>,
    /// Programs that were run and did not come with the image, by path. Of very many only the first ones.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub foreign: BTreeSet<String>,
}

/// Whether one package is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InUsePackage {
    /// As in the inventory.
    pub id: PackageId,
    /// Package URL.
    pub purl: Purl,
    /// Whether it is.
    pub state: UseState,
    /// When that was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// By which of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Whether a package is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UseState {
    /// One of its files was opened or run.
    InUse,
    /// None of them was while the host was watched. What was opened before that, nobody saw.
    NotSeen,
    /// Which files are its own is not known.
    Unknown,
}
