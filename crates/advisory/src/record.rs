//! What feeds say, in one shape for all of them.

use crate::ecosystem::Ecosystem;
use crate::range::Range;
use jiff::Timestamp;
use sekisho_model::Severity;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::hash::Hash;

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
///
/// A feed may say it in parts: several records with the same id (Debian's of one CVE in two packages, Alpine's of one
/// in two releases) are one advisory, which [`Advisory::join`] puts together.
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

impl Advisory {
    /// Adds what another part of the same advisory says. What both say is kept once; of single values the first
    /// part's hold, but for the later change and an earlier publication. It is withdrawn when both parts are.
    pub fn join(&mut self, part: Self) {
        extend(&mut self.aliases, part.aliases);
        extend(&mut self.addresses, part.addresses);
        extend(&mut self.ratings, part.ratings);
        extend(&mut self.cwes, part.cwes);
        extend(&mut self.references, part.references);
        extend(&mut self.affected, part.affected);
        self.published = self.published.into_iter().chain(part.published).min();
        self.modified = self.modified.max(part.modified);
        self.withdrawn = self.withdrawn.and(part.withdrawn);
        if self.summary.is_empty() {
            self.summary = part.summary;
        }
        if self.details.is_empty() {
            self.details = part.details;
        }
    }

    /// Whether any version of any package could be found by it. Those that only name commits cannot.
    pub fn is_matchable(&self) -> bool {
        self.affected.iter().any(Affected::is_matchable)
    }
}

/// Appends those of `more` that are not there yet.
fn extend<T: Clone + Eq + Hash>(list: &mut Vec<T>, more: Vec<T>) {
    if list.is_empty() {
        *list = more;
        return;
    }
    let mut seen: HashSet<T> = list.iter().cloned().collect();
    list.extend(more.into_iter().filter(|item| seen.insert(item.clone())));
}

/// One judgement of how bad a flaw is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl Rating {
    /// The publisher's word.
    pub fn word(severity: Severity) -> Self {
        Self { by: String::new(), severity: Some(severity), vector: None }
    }

    /// The publisher's CVSS vector.
    pub fn vector(vector: impl Into<String>) -> Self {
        Self { by: String::new(), severity: None, vector: Some(vector.into()) }
    }
}

/// Which versions of one package have the flaw: those in one of `ranges` or `versions`, and no others. What holds for
/// all versions says so with [`Range::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Affected {
    /// Where the package is from, which also says how its versions are ordered.
    pub ecosystem: Ecosystem,
    /// The distribution's release as OSV writes it behind the ecosystem: `8` (AlmaLinux), `12` (Debian), `v3.20`,
    /// `22.04:LTS`, `enterprise_linux:9::appstream` (Red Hat: the CPE without `cpe:/a:redhat:`). None where it holds
    /// for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The package's name as the ecosystem compares it, normalised by [`Ecosystem::normalize_name`]: of the source
    /// package where [`Affected::names_source`], else of the binary package.
    pub name: String,
    /// Module and stream, where the package is of one: `nodejs:18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Architectures it holds for, in alphabetical order; all when empty. Only [`SOURCE_ARCH`] where an ecosystem of
    /// binary packages names a source package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arches: Vec<String>,
    /// What the publisher says is to be done.
    #[serde(default, skip_serializing_if = "Status::is_affected")]
    pub status: Status,
    /// Intervals as [`crate::range::union`] makes them: in ascending order and apart from each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Single versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// The publisher's notice that brought the fix, where the advisory is not itself one: `RHSA-2024:1431`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// How bad it is for this package alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
}

/// The architecture of rpm source packages.
pub const SOURCE_ARCH: &str = "src";

impl Affected {
    /// An entry for a package, which holds for no version yet.
    pub fn new(ecosystem: Ecosystem, release: Option<String>, name: &str) -> Self {
        Self {
            ecosystem,
            release,
            name: ecosystem.normalize_name(name),
            module: None,
            arches: Vec::new(),
            status: Status::Affected,
            ranges: Vec::new(),
            versions: Vec::new(),
            notice: None,
            ratings: Vec::new(),
        }
    }

    /// Whether any version could be found by it.
    pub fn is_matchable(&self) -> bool {
        !(self.ranges.is_empty() && self.versions.is_empty())
    }

    /// Whether [`Affected::name`] is that of a source package.
    pub fn names_source(&self) -> bool {
        self.ecosystem.names_source_packages() || self.arches == [SOURCE_ARCH]
    }
}

/// What the publisher says about a package and a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The versions given have it; fixed where a range ends.
    #[default]
    Affected,
    /// It does not have it: takes away what another advisory of the feed says of the same release or repository.
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
    /// For serde, which hands over a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if takes a reference")]
    fn is_affected(&self) -> bool {
        *self == Self::Affected
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_advisory_are_put_together_once() {
        let entry = |release: &str| Affected {
            ranges: vec![Range::before("2")],
            ..Affected::new(Ecosystem::Debian, Some(release.to_owned()), "zlib")
        };
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let mut one = Advisory {
            id: "CVE-2024-1".into(),
            aliases: vec!["A".into()],
            affected: vec![entry("11"), entry("12")],
            published: at(5),
            modified: at(5),
            withdrawn: at(7),
            ..Advisory::default()
        };
        one.join(one.clone());
        assert_eq!((one.aliases.len(), one.affected.len()), (1, 2));
        one.join(Advisory {
            aliases: vec!["A".into(), "B".into(), "B".into()],
            affected: vec![entry("12"), entry("13")],
            published: at(3),
            modified: at(4),
            summary: "a flaw".into(),
            ..Advisory::default()
        });
        assert_eq!(one.aliases, ["A", "B"]);
        assert_eq!(one.affected, [entry("11"), entry("12"), entry("13")]);
        assert_eq!((one.published, one.modified, one.withdrawn), (at(3), at(5), None));
        assert_eq!(one.summary, "a flaw");
    }

    #[test]
    fn an_entry_without_versions_cannot_be_matched() {
        let mut advisory = Advisory { affected: vec![Affected::new(Ecosystem::Npm, None, "a")], ..Advisory::default() };
        assert!(!advisory.is_matchable());
        advisory.affected[0].versions.push("1.0.0".into());
        assert!(advisory.is_matchable());
    }
}
