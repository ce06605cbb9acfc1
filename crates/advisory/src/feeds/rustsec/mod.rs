//! The RustSec advisory database: Markdown with TOML front matter in a fenced block, one advisory a file:
//! <https://github.com/rustsec/advisory-db/blob/main/CONTRIBUTING.md>.
//!
//! Not read: which functions, operating systems and processors are affected.

mod requirement;

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, has_extension, is_named};
use super::osv::kind_of_word;
use super::text::{is_id, moment, nullable, withdrawal};
use crate::ecosystem::Ecosystem;
use crate::range::{Range, complement, union};
use crate::record::{Advisory, Affected, Rating};
use serde::Deserialize;

/// Crates, and what comes with Rust.
pub(crate) static FEED: Feed = Feed {
    id: "rustsec",
    title: "RustSec advisory database",
    licence: "CC0-1.0 AND CC-BY-4.0",
    upstream: &["https://github.com/rustsec/advisory-db"],
    contents: Contents::Part,
    recognises: |path, head| {
        is_named(path, &["RUSTSEC-"], "md") || (has_extension(path, "md") && head.starts_with(FENCE.as_bytes()))
    },
    parse,
};

const FENCE: &str = "```toml";

#[derive(Deserialize)]
struct FrontMatter {
    advisory: About,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct About {
    id: String,
    package: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    aliases: Vec<String>,
    cvss: Option<String>,
    informational: Option<String>,
    url: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<String>,
    withdrawn: Option<String>,
}

#[derive(Deserialize, Default)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let text = file.text()?;
    let (matter, body) = (text.strip_prefix(FENCE).and_then(|rest| rest.split_once("\n```")))
        .ok_or_else(|| Broken::new("it has no front matter"))?;
    let FrontMatter { advisory, versions } = toml::from_str(matter).map_err(Broken::new)?;
    if !is_id(&advisory.id) || advisory.package.is_empty() {
        sink.skip(file.name(), "it has no id or names no package");
        return Ok(());
    }
    match affected(file.path, &advisory.package, &versions) {
        Ok(affected) => sink.advisory(say(advisory, affected, body)),
        Err(reason) => sink.skip(advisory.id, reason),
    }
    Ok(())
}

fn say(about: About, affected: Affected, body: &str) -> Advisory {
    let body = body.trim();
    let (summary, details) = match body.strip_prefix("# ").map(|rest| rest.split_once('\n').unwrap_or((rest, ""))) {
        Some((title, rest)) => (title.trim(), rest.trim()),
        None => ("", body),
    };
    Advisory {
        id: about.id,
        kind: about.informational.as_deref().and_then(kind_of_word).unwrap_or_default(),
        aliases: about.aliases,
        published: moment(&about.date),
        withdrawn: about.withdrawn.as_deref().and_then(withdrawal),
        summary: summary.to_owned(),
        details: details.to_owned(),
        ratings: about.cvss.into_iter().map(Rating::vector).collect(),
        references: about.url.into_iter().chain(about.references).collect(),
        affected: vec![affected],
        ..Advisory::default()
    }
}

/// What is neither patched nor unaffected.
fn affected(path: &str, package: &str, versions: &Versions) -> Result<Affected, String> {
    // `crates/NAME/ID.md` or `rust/NAME/ID.md`.
    let of_rust = path.rsplit('/').nth(2) == Some("rust");
    let ecosystem = if of_rust { Ecosystem::RustToolchain } else { Ecosystem::CratesIo };
    let scheme = ecosystem.scheme();
    let mut sound: Vec<Range> = Vec::new();
    for text in versions.patched.iter().chain(&versions.unaffected) {
        sound.extend(requirement::intervals(scheme, text)?);
    }
    Ok(Affected { ranges: complement(union(scheme, sound)), ..Affected::new(ecosystem, None, package) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;
    use crate::record::AdvisoryKind;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/rustsec/fixtures");
    }

    #[test]
    fn what_is_neither_patched_nor_unaffected_is_affected() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"a\"\ninformational = \"unsound\"\n\
                    [versions]\npatched = [\">= 3.0.0\"]\nunaffected = [\"< 2.0.0\"]\n```\n# Title\n\nBody";
        let advisory = testing::one(&FEED, "crates/a/RUSTSEC-1.md", text);
        assert_eq!(advisory.kind, AdvisoryKind::Unsound);
        assert_eq!((&*advisory.summary, &*advisory.details), ("Title", "Body"));
        let ranges = &advisory.affected[0].ranges;
        assert_eq!(serde_json::to_string(ranges).unwrap(), r#"[{"from":{"at":"2.0.0"},"to":{"fixed":"3.0.0"}}]"#);
    }

    #[test]
    fn without_requirements_every_version_is_affected() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"std\"\n```\n";
        let advisory = testing::one(&FEED, "rust/std/RUSTSEC-1.md", text);
        assert_eq!(advisory.affected[0].ranges, [Range::ALL]);
        assert_eq!(advisory.affected[0].ecosystem, Ecosystem::RustToolchain);
    }

    #[test]
    fn a_requirement_that_is_none_skips_the_record() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"a\"\n[versions]\npatched = [\"soon\"]\n```\n";
        let (records, read) = testing::read(&FEED, "RUSTSEC-1.md", text.as_bytes());
        assert!(records.is_empty());
        assert_eq!(read.skipped, 1);
        assert!(read.diagnostics[0].message.contains("RUSTSEC-1"), "{read:?}");
    }
}
