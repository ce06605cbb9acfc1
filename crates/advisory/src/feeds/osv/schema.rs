//! The fields of an OSV document that are read, as it writes them.

use crate::feeds::text::{Most, Words, nullable};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) aliases: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) upstream: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) related: Vec<String>,
    pub(super) published: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) withdrawn: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) summary: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) details: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) severity: Vec<Score>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) references: Vec<Reference>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) affected: Most<Entry, 100_000>,
    pub(super) database_specific: Option<Specific>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Score {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) score: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) package: Option<Package>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) ranges: Vec<Events>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) severity: Vec<Score>,
    pub(super) ecosystem_specific: Option<Specific>,
    pub(super) database_specific: Option<Specific>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) ecosystem: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Events {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) events: Vec<RangeEvent>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RangeEvent {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

/// What some databases put into the blocks that the schema leaves to them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Specific {
    #[serde(default)]
    pub(super) severity: Words,
    #[serde(default)]
    pub(super) cwe_ids: Words,
    #[serde(default)]
    pub(super) informational: Words,
}
