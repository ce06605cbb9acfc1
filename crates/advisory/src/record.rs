//! What feeds say, in one shape for all of them.

use crate::ecosystem::Ecosystem;
use jiff::Timestamp;
use sekisho_model::Severity;
use serde::{Deserialize, Serialize};

/// One thing that a feed says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Which versions of which packages have a flaw.
    Advisory(Advisory),
    /// Something about a vulnerability that names no package: it never makes a finding of its own.
    Enrichment(Enrichment),
}

/// What an advisory is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvisoryKind {
    /// A flaw.
    #[default]
    Vulnerability,
    /// The package was made to do harm.
    Malware,
    /// Nobody looks after the package any more.
    Unmaintained,
    /// Sound use is not guaranteed (RustSec).
    Unsound,
    /// Only worth knowing.
    Notice,
}

/// Which versions of which packages have a flaw.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Advisory {
    /// As its publisher names it: `ALSA-2025:10073`, `GHSA-…`, `GO-2024-0001`, `CVE-2024-1` where the publisher uses
    /// the CVE itself (Debian, Alpine).
    pub id: String,
    /// What it is about.
    #[serde(default)]
    pub kind: AdvisoryKind,
    /// Other names of the very same flaw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The vulnerabilities that it addresses, where it is a distribution's notice about several. Each is a finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// First published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// Last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// Taken back: no findings, but still to be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// One line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// All of it, Markdown where the publisher writes that.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// How bad, each as its author sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
    /// `CWE-79`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwes: Vec<String>,
    /// Addresses to read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
}

/// One judgement of how bad a flaw is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// Who judges: `nvd`, `ghsa`, `debian`, `redhat`; empty for the advisory's publisher.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// The publisher's word, brought to the common scale; absent where only a vector is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// CVSS vector of any version, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
}

/// Which versions of one package have the flaw: those in one of `ranges` or `versions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Where the package is from, which also says how its versions are ordered.
    pub ecosystem: Ecosystem,
    /// The distribution's release (`8`, `12`, `v3.20`, `22.04:LTS`), as the feed writes it; none where it holds for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The package's name as the ecosystem compares it: source or binary package as
    /// [`Ecosystem::names_source_packages`] says, normalised by [`Ecosystem::normalize_name`].
    pub name: String,
    /// Module and stream, where the package is of one: `nodejs:18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Architectures it holds for; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arches: Vec<String>,
    /// What the publisher says is to be done.
    #[serde(default, skip_serializing_if = "Status::is_affected")]
    pub status: Status,
    /// Intervals, in ascending order and apart from each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Single versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// How bad it is for this package alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
}

/// What the publisher says about a package and a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The versions given have it; fixed where a range ends.
    #[default]
    Affected,
    /// It does not have it: takes the finding away where another source, or a release-wide entry, says otherwise.
    NotAffected,
    /// It has it and will keep it.
    WillNotFix,
    /// It will be fixed some day (Red Hat's "fix deferred", Debian's "postponed").
    FixDeferred,
    /// The release is out of support; nobody looks.
    EndOfLife,
    /// Not known yet.
    UnderInvestigation,
}

impl Status {
    fn is_affected(&self) -> bool {
        *self == Self::Affected
    }
}

/// An interval of versions in the order of their ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Where it begins.
    pub from: Lower,
    /// Where it ends.
    pub to: Upper,
}

/// The beginning of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lower {
    /// Before every version.
    Start,
    /// With this version.
    At(String),
    /// After this version.
    After(String),
}

/// The end of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upper {
    /// No end: every later version has it too, as far as is known.
    Unfixed,
    /// Before this version, which is the first fixed one.
    Fixed(String),
    /// With this version, after which nothing is said.
    Last(String),
    /// Before this version and before all of its pre-releases (what `~>` means in RubyGems).
    BeforePreReleases(String),
}

/// Something about a vulnerability that names no package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrichment {
    /// The vulnerability: `CVE-2021-44228`.
    pub id: String,
    /// What is said.
    pub says: Says,
}

/// What an enrichment says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// It is being exploited (CISA's catalogue).
    Exploited {
        /// `YYYY-MM-DD`.
        added: String,
        /// By when agencies must act, `YYYY-MM-DD`.
        due: Option<String>,
        /// Known to be used by ransomware.
        ransomware: bool,
    },
    /// How likely it is to be exploited within 30 days (FIRST's EPSS).
    Likelihood {
        /// 0 to 1.
        probability: f64,
        /// Share of vulnerabilities that are less likely, 0 to 1.
        percentile: f64,
    },
    /// What it is and how bad it is, from a catalogue (NVD).
    Description {
        /// Text in English.
        text: String,
        /// Judgements.
        ratings: Vec<Rating>,
        /// `CWE-79`.
        cwes: Vec<String>,
        /// Whether the catalogue has rejected the id.
        rejected: bool,
    },
    /// Its title in another language (JVN iPedia's in Japanese).
    Title {
        /// BCP 47: `ja`.
        language: String,
        /// The title.
        text: String,
        /// The catalogue's own id: `JVNDB-2021-005429`.
        reference: String,
    },
}
