//! What an advisory database holds, and how old it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The `schema` of a [`DatabaseStatus`].
pub const DATABASE_STATUS_SCHEMA: &str = "sekisho.db-status/v1";

/// What an advisory database holds, and how old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatabaseStatus {
    /// `sekisho.db-status/v1`, the [`DATABASE_STATUS_SCHEMA`].
    #[schema(pattern = r"^sekisho\.db-status/v1$")]
    pub schema: String,
    /// The file.
    pub path: String,
    /// What tells it from all others.
    pub digest: String,
    /// Its size.
    pub bytes: u64,
    /// Whether it was pulled as a whole, not built from feeds here.
    pub pulled: bool,
    /// Advisories, each of a feed.
    pub advisories: usize,
    /// Those of them that were taken back.
    pub withdrawn: usize,
    /// Vulnerabilities, whatever they are called.
    pub vulnerabilities: usize,
    /// Packages, each of a release where there are releases.
    pub packages: usize,
    /// What it was built from.
    pub feeds: Vec<DatabaseFeed>,
    /// Of what packages it says anything.
    pub places: Vec<CoveredPlace>,
}

/// What an advisory database has of one feed from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatabaseFeed {
    /// Which feed: `debian`.
    pub feed: String,
    /// What it is.
    pub title: String,
    /// Terms of the data.
    pub licence: String,
    /// Where it was taken from: the name of an upstream, or of a file.
    pub source: String,
    /// When it was taken, or last seen to be unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub observed_at: Option<Timestamp>,
    /// Whole hours since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_hours: Option<i64>,
    /// Why it is older than it should be, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// When the newest of its advisories was changed, where they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
    /// Files it consists of.
    pub files: usize,
    /// Advisories taken from it.
    pub advisories: usize,
    /// Facts about vulnerabilities taken from it: ratings, likelihoods, titles.
    pub facts: usize,
    /// Records that could not be understood.
    pub skipped: usize,
    /// What was left aside on purpose, by what it is: advisories that name only commits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aside: BTreeMap<String, usize>,
}

/// How much a database says about the packages of an ecosystem, or of one release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoveredPlace {
    /// As OSV names it: `Debian`, `npm`.
    pub ecosystem: String,
    /// As feeds write it: `12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// How many things are said.
    pub entries: usize,
    /// Who says them.
    pub feeds: Vec<String>,
}
