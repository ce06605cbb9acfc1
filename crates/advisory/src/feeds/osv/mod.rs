//! The Open Source Vulnerability format, JSON or YAML, one advisory a file: <https://ossf.github.io/osv-schema/>.
//!
//! Many publishers use it; each is a feed of its own in the table below, told by how its files are named. Ranges of
//! commits are not kept, since no package has a commit for its version; advisories of which nothing else remains are
//! handed over all the same, and counted.

mod schema;
#[cfg(test)]
mod tests;

use super::feed::{Broken, Contents, Feed, FeedFile, NO_VERSIONS, ONLY_COMMITS, Sink, has_extension, holds, is_named};
use super::text::{Words, is_cve, moment};
use crate::ecosystem::Ecosystem;
use crate::range::{Event, Upper, from_events, union};
use crate::record::{Advisory, AdvisoryKind, Affected, Rating};
use crate::version::Scheme;
use schema::{Document, Entry, RangeEvent, Score};
use sekisho_model::{MOST_VALUES, Severity, json_whole};

/// `AlmaLinux`.
pub(crate) static ALMALINUX: Feed = Feed {
    id: "almalinux",
    title: "AlmaLinux errata (OSV)",
    licence: "MIT",
    upstream: &["https://github.com/AlmaLinux/osv-database"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["ALSA-", "ALBA-", "ALEA-"], "json"),
    parse: json,
};

/// Rocky Linux.
pub(crate) static ROCKY: Feed = Feed {
    id: "rocky",
    title: "Rocky Linux errata (OSV)",
    licence: "LicenseRef-Rocky-Linux-Security-Data",
    upstream: &["https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["RLSA-", "RLBA-", "RLEA-", "RXSA-"], "json"),
    parse: json,
};

/// Ubuntu.
pub(crate) static UBUNTU: Feed = Feed {
    id: "ubuntu",
    title: "Ubuntu security notices and CVEs (OSV)",
    licence: "CC-BY-SA-4.0",
    upstream: &["https://security-metadata.canonical.com/osv/osv-all.tar.xz"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["UBUNTU-CVE-", "USN-", "LSN-"], "json"),
    parse: json,
};

/// SUSE and `openSUSE`.
pub(crate) static SUSE: Feed = Feed {
    id: "suse",
    title: "SUSE and openSUSE updates (OSV)",
    licence: "CC-BY-4.0",
    upstream: &["https://ftp.suse.com/pub/projects/security/osv/"],
    contents: Contents::Whole,
    recognises: |path, _| {
        is_named(path, &["SUSE-SU-", "SUSE-RU-", "SUSE-FU-", "SUSE-OU-", "openSUSE-SU-", "openSUSE-RU-"], "json")
    },
    parse: json,
};

/// GitHub's own advisories.
pub(crate) static GHSA: Feed = Feed {
    id: "ghsa",
    title: "GitHub Advisory Database (OSV)",
    licence: "CC-BY-4.0",
    upstream: &["https://github.com/github/advisory-database"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["GHSA-"], "json"),
    parse: json,
};

/// Go modules and the standard library.
pub(crate) static GO: Feed = Feed {
    id: "go",
    title: "Go vulnerability database (OSV)",
    licence: "CC-BY-4.0",
    upstream: &["https://vuln.go.dev/vulndb.zip"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["GO-"], "json"),
    parse: json,
};

/// Python packages.
pub(crate) static PYPA: Feed = Feed {
    id: "pypa",
    title: "PyPA advisory database (OSV in YAML)",
    licence: "CC-BY-4.0",
    upstream: &["https://github.com/pypa/advisory-database"],
    contents: Contents::Whole,
    recognises: |path, _| is_named(path, &["PYSEC-"], "yaml"),
    parse: yaml,
};

/// Whatever else is in the format, first of all the archives that osv.dev offers of each ecosystem.
pub(crate) static OSV: Feed = Feed {
    id: "osv",
    title: "OSV, of any publisher",
    licence: "as each record's publisher says",
    upstream: &["https://osv-vulnerabilities.storage.googleapis.com/{}/all.zip"],
    contents: Contents::Whole,
    recognises: |path, head| {
        let has = |text| holds(head, text);
        // Only `id` and `modified` have to be there, in any order, and a long text may stand before either.
        let any = ["\"schema_version\"", "\"affected\"", "\"modified\"", "\"details\"", "\"aliases\""];
        has_extension(path, "json") && has("\"id\"") && any.into_iter().any(has)
    },
    parse: json,
};

fn json(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    take(json_whole(file.bytes, MOST_VALUES).map_err(Broken::new)?, sink);
    Ok(())
}

fn yaml(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    take(super::yaml::read(file.text()?)?, sink);
    Ok(())
}

fn take(document: Document, sink: &mut Sink<'_>) {
    let id = document.id.clone();
    match advisory(document, sink) {
        Ok(advisory) => sink.advisory(advisory),
        Err(reason) => sink.skip(id, reason),
    }
}

/// The advisory that a document says.
fn advisory(document: Document, sink: &mut Sink<'_>) -> Result<Advisory, &'static str> {
    if document.id.is_empty() {
        return Err("it has no id");
    }
    // What is no time takes nothing back.
    let withdrawn = document.withdrawn.as_deref().filter(|text| !text.trim().is_empty()).map(moment);
    if withdrawn == Some(None) {
        return Err("the time at which it was withdrawn is none");
    }
    let withdrawn = withdrawn.flatten();
    let specific = document.database_specific.unwrap_or_default();
    let (mut only_commits, mut silent) = (false, 0);
    // Only RustSec says so; of anybody else's record it would take a flaw out of sight.
    let word = |words: &Words| words.first().filter(|_| document.id.starts_with("RUSTSEC-")).and_then(kind_of_word);
    let mut informational = word(&specific.informational);
    let mut affected = Vec::with_capacity(document.affected.0.len());
    for entry in document.affected.0 {
        informational = informational.or_else(|| {
            let mut specifics = entry.ecosystem_specific.iter().chain(&entry.database_specific);
            specifics.find_map(|specific| word(&specific.informational))
        });
        only_commits |= entry.ranges.iter().any(|range| range.kind == "GIT");
        let by_commit = !entry.ranges.is_empty() && entry.ranges.iter().all(|range| range.kind == "GIT");
        let found = affected_of(&document.id, entry, sink)?;
        silent += usize::from(!by_commit && found.as_ref().is_some_and(|found| !found.is_matchable()));
        affected.extend(found);
    }
    give_module(&document.summary, &mut affected);
    let said = specific.severity.first();
    let titled = || severity_of_title(&document.id, &document.summary).filter(|_| document.severity.is_empty());
    let ratings = ratings(&document.severity, &[said.or_else(titled)]);
    let by_distribution = affected
        .first()
        .is_some_and(|first| matches!(first.ecosystem.scheme(), Scheme::Apk | Scheme::Dpkg | Scheme::Rpm));
    let addresses = addresses(&document.upstream, if by_distribution { &document.related } else { &[] });
    let kind = informational.unwrap_or_else(|| kind_of_id(&document.id, addresses.is_empty()));
    let advisory = Advisory {
        kind,
        aliases: document.aliases,
        addresses,
        published: document.published.as_deref().and_then(moment),
        modified: document.modified.as_deref().and_then(moment),
        withdrawn,
        summary: document.summary,
        details: document.details,
        ratings,
        cwes: specific.cwe_ids.0,
        references: document.references.into_iter().map(|reference| reference.url).collect(),
        affected,
        id: document.id,
    };
    if advisory.is_matchable() {
        (0..silent).for_each(|_| sink.aside("packages of which no version is named"));
    } else {
        sink.aside(if only_commits { ONLY_COMMITS } else { NO_VERSIONS });
    }
    Ok(advisory)
}

/// AlmaLinux and Rocky Linux name the stream of a module in the title of a notice alone: `nodejs:18 security update`.
/// Packages of modules carry `.module` in their release. Where the title names several, or none, any stream is meant.
fn give_module(summary: &str, affected: &mut [Affected]) {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let mut named: Vec<&str> = summary
        .split(|char: char| char.is_whitespace() || char == ',')
        .filter(|word| word.split_once(':').is_some_and(|(name, stream)| is_word(name) && is_word(stream)))
        .collect();
    named.sort_unstable();
    named.dedup();
    let [module] = named[..] else { return };
    let of_module = |affected: &&mut Affected| {
        matches!(affected.ecosystem, Ecosystem::AlmaLinux | Ecosystem::RockyLinux)
            && affected.module.is_none()
            && affected
                .ranges
                .iter()
                .any(|range| matches!(&range.to, Upper::Fixed(version) if version.contains(".module")))
    };
    affected.iter_mut().filter(of_module).for_each(|affected| affected.module = Some(module.to_owned()));
}

/// `AlmaLinux` and Rocky Linux say how bad it is in the title of a notice, as Red Hat does: `Important: openssl security
/// update`.
fn severity_of_title<'t>(id: &str, summary: &'t str) -> Option<&'t str> {
    let is_notice = ["ALSA-", "RLSA-", "RXSA-"].iter().any(|prefix| id.starts_with(prefix));
    let (word, _) = summary.split_once(':').filter(|_| is_notice)?;
    ["Critical", "Important", "Moderate", "Low"].contains(&word).then_some(word)
}

/// One entry of `affected`; none where it is about no package, or about one of a place we do not know.
fn affected_of(id: &str, entry: Entry, sink: &mut Sink<'_>) -> Result<Option<Affected>, &'static str> {
    let Some(package) = entry.package else { return Ok(None) };
    let (place, release) = match package.ecosystem.split_once(':') {
        Some((place, release)) => (place, Some(release.to_owned())),
        None => (package.ecosystem.as_str(), None),
    };
    let Ok(ecosystem) = place.parse::<Ecosystem>() else {
        sink.aside("packages of ecosystems that are not known");
        return Ok(None);
    };
    let name = package.name.trim();
    if name.is_empty() {
        return Err("a package has no name");
    }
    // Of a repository other than the ecosystem's own, which package URLs do not tell apart: `https://packages.drupal.org/8`.
    let release = release.filter(|release| !(ecosystem.is_of_language() && release.contains("://")));
    if let Some(release) = release.as_deref().filter(|_| ecosystem.is_of_language()) {
        sink.part(id, format_args!("{ecosystem} has no releases, {release:?} is not known"));
        return Ok(None);
    }
    let scheme = ecosystem.scheme_in(release.as_deref());
    let mut ranges = Vec::with_capacity(1);
    for range in entry.ranges.into_iter().filter(|range| range.kind != "GIT") {
        let mut events = Vec::with_capacity(range.events.len());
        for RangeEvent { introduced, fixed, last_affected, limit } in range.events {
            events.extend(introduced.map(Event::Introduced));
            events.extend(fixed.map(Event::Fixed));
            events.extend(last_affected.map(Event::LastAffected));
            // No limit is the same as this one.
            events.extend(limit.filter(|limit| limit != "*").map(Event::Limit));
        }
        if events.iter().any(|event| version_of(event).is_empty()) {
            return Err("an event has no version");
        }
        if !events.is_empty() && !events.iter().any(|event| matches!(event, Event::Introduced(_))) {
            return Err("a range does not say where it begins");
        }
        ranges.extend(from_events(scheme, events));
    }
    let specifics = [entry.database_specific.unwrap_or_default(), entry.ecosystem_specific.unwrap_or_default()];
    let words = [specifics[0].severity.first(), specifics[1].severity.first()];
    let ratings = ratings(&entry.severity, &words);
    Ok(Some(Affected {
        ranges: union(scheme, ranges),
        versions: entry.versions,
        ratings,
        ..Affected::new(ecosystem, release, name)
    }))
}

fn version_of(event: &Event) -> &str {
    match event {
        Event::Introduced(version) | Event::Fixed(version) | Event::LastAffected(version) | Event::Limit(version) => {
            version
        }
    }
}

/// What is said of how bad it is, each once.
fn ratings(scores: &[Score], words: &[Option<&str>]) -> Vec<Rating> {
    let scored = scores.iter().filter_map(|score| match score.kind.as_str() {
        kind if kind.starts_with("CVSS_") => Some(Rating::vector(&*score.score)),
        _ => word(&score.score),
    });
    let mut out: Vec<Rating> = Vec::new();
    for rating in scored.chain(words.iter().flatten().filter_map(|text| word(text))) {
        // There are never more than a few.
        if out.len() < 16 && !out.contains(&rating) {
            out.push(rating);
        }
    }
    out
}

fn word(text: &str) -> Option<Rating> {
    text.parse::<Severity>().ok().filter(|severity| *severity != Severity::Unknown).map(Rating::word)
}

/// The vulnerabilities behind a distribution's advisory: `upstream`, or where that is not used `related` CVEs. A
/// distribution's own name for a CVE (`UBUNTU-CVE-2024-1`) counts as that CVE.
fn addresses(upstream: &[String], related: &[String]) -> Vec<String> {
    fn bare(id: &str) -> &str {
        let tail = id.find("CVE-").map_or(id, |at| &id[at..]);
        if is_cve(tail) { tail } else { id }
    }
    let named: Vec<&str> = match upstream {
        [] => related.iter().map(|id| bare(id)).filter(|id| is_cve(id)).collect(),
        upstream => upstream.iter().map(|id| bare(id)).collect(),
    };
    let mut seen = std::collections::HashSet::new();
    named.into_iter().filter(|id| seen.insert(*id)).map(str::to_owned).collect()
}

/// RustSec's word for what is no vulnerability.
pub(super) fn kind_of_word(word: &str) -> Option<AdvisoryKind> {
    match word {
        "unmaintained" => Some(AdvisoryKind::Unmaintained),
        "unsound" => Some(AdvisoryKind::Unsound),
        "notice" => Some(AdvisoryKind::Notice),
        _ => None,
    }
}

/// Red Hat's way to name notices is that of its rebuilds too: two letters for who, `SA`, `BA` or `EA` for security,
/// bug fix or enhancement. One of the latter that addresses no vulnerability is none.
fn kind_of_id(id: &str, addresses_nothing: bool) -> AdvisoryKind {
    let prefix = id.split('-').next().unwrap_or_default();
    match prefix.as_bytes() {
        b"MAL" => AdvisoryKind::Malware,
        [_, _, b'B' | b'E', b'A'] if addresses_nothing => AdvisoryKind::Notice,
        _ => AdvisoryKind::Vulnerability,
    }
}
