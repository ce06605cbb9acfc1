//! The Ruby advisory database: YAML, one advisory a file, for gems and for Ruby itself:
//! <https://github.com/rubysec/ruby-advisory-db#format>.
//!
//! Not read: the platform that a few records are limited to.

mod requirement;

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, has_extension};
use super::text::{moment, nullable};
use crate::ecosystem::Ecosystem;
use crate::range::{complement, union};
use crate::record::{Advisory, Affected, Rating};
use sekisho_model::Severity;
use serde::Deserialize;

/// Gems and engines.
pub(crate) static FEED: Feed = Feed {
    id: "rubysec",
    title: "Ruby advisory database",
    licence: "LicenseRef-public-domain",
    upstream: &["https://github.com/rubysec/ruby-advisory-db"],
    contents: Contents::Part,
    recognises: |path, head| {
        let lines = || head.split(|byte| *byte == b'\n');
        let has = |key: &[u8]| lines().any(|line| line.starts_with(key));
        has_extension(path, "yml") && (is_in_tree(path) || has(b"gem:") || has(b"engine:"))
    },
    parse,
};

/// Whether the file lies where the database has its advisories: two levels below `gems` or `rubies`.
fn is_in_tree(path: &str) -> bool {
    let mut above = path.rsplit('/').skip(2);
    matches!(above.next(), Some("gems" | "rubies"))
}

#[derive(Deserialize)]
struct Document {
    gem: Option<String>,
    engine: Option<String>,
    cve: Option<String>,
    ghsa: Option<String>,
    url: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    description: String,
    cvss_v2: Option<f64>,
    cvss_v3: Option<f64>,
    cvss_v4: Option<f64>,
    #[serde(default, deserialize_with = "nullable")]
    patched_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    unaffected_versions: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    related: Related,
}

#[derive(Deserialize, Default)]
struct Related {
    #[serde(default, deserialize_with = "nullable")]
    url: Vec<String>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let document: Document = super::yaml::read(file.text()?)?;
    let id = file.name().trim_end_matches(".yml").to_owned();
    match affected(&document) {
        Ok(affected) => sink.advisory(say(id, document, affected)),
        Err(reason) => sink.skip(id, reason),
    }
    Ok(())
}

/// The record has no name of its own: the file's, which is that of the CVE or of GitHub's advisory, is its id.
fn say(id: String, document: Document, affected: Affected) -> Advisory {
    let names = [document.cve.map(|cve| format!("CVE-{cve}")), document.ghsa.map(|ghsa| format!("GHSA-{ghsa}"))];
    let newest = document.cvss_v4.or(document.cvss_v3);
    let severity = newest.map(Severity::of_score).or(document.cvss_v2.map(Severity::of_score_v2));
    let mut references: Vec<String> = document.url.into_iter().collect();
    references
        .extend(document.related.url.into_iter().filter(|url| references.first() != Some(url)).collect::<Vec<_>>());
    Advisory {
        aliases: names.into_iter().flatten().filter(|name| *name != id).collect(),
        id,
        published: moment(&document.date),
        summary: document.title,
        details: document.description,
        ratings: severity.map(Rating::word).into_iter().collect(),
        references,
        affected: vec![affected],
        ..Advisory::default()
    }
}

/// What is neither patched nor unaffected.
fn affected(document: &Document) -> Result<Affected, String> {
    let (ecosystem, name) = match (&document.gem, &document.engine) {
        (Some(gem), None) if !gem.is_empty() => (Ecosystem::RubyGems, gem),
        (None, Some(engine)) if !engine.is_empty() => (Ecosystem::RubyEngine, engine),
        _ => return Err("it is of neither a gem nor an engine".to_owned()),
    };
    let scheme = ecosystem.scheme();
    let mut sound = Vec::new();
    for text in document.patched_versions.iter().chain(&document.unaffected_versions) {
        sound.extend(requirement::intervals(scheme, text)?);
    }
    Ok(Affected { ranges: complement(union(scheme, sound)), ..Affected::new(ecosystem, None, name) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;
    use crate::range::Range;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/rubysec/fixtures");
    }

    #[test]
    fn a_record_without_versions_affects_all() {
        let advisory = testing::one(&FEED, "gems/a/CVE-2024-1.yml", "---\ngem: a\ncve: 2024-1\nghsa: aaaa-bbbb-cccc\n");
        assert_eq!((&*advisory.id, &*advisory.aliases), ("CVE-2024-1", &["GHSA-aaaa-bbbb-cccc".to_owned()][..]));
        assert_eq!(advisory.affected[0].ranges, [Range::ALL]);
    }

    #[test]
    fn a_requirement_that_is_none_skips_the_record() {
        let (records, read) = testing::read(&FEED, "CVE-1.yml", b"gem: a\npatched_versions: ['soon']\n");
        assert!(records.is_empty());
        assert_eq!(read.skipped, 1);
        let (_, read) = testing::read(&FEED, "CVE-1.yml", b"gem: a\nengine: ruby\n");
        assert_eq!(read.skipped, 1);
    }
}
