//! The Debian security tracker: one JSON object of source packages, in each the flaws, in each the releases:
//! <https://security-tracker.debian.org/tracker/data/json>.
//!
//! Each pair of package and flaw is handed over as a part of the advisory that has the flaw's name, so that nothing
//! but one package is held at a time.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds};
use super::text::{Entries, Text, each_entry, is_id, is_short, nullable};
use crate::ecosystem::Ecosystem;
use crate::range::Range;
use crate::record::{Advisory, Affected, Rating, Status};
use sekisho_model::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The tracker.
pub(crate) static FEED: Feed = Feed {
    id: "debian",
    title: "Debian security tracker",
    licence: "MIT",
    upstream: &["https://security-tracker.debian.org/tracker/data/json"],
    contents: Contents::List,
    recognises: |_, head| {
        let has = |text| holds(head, text);
        head.trim_ascii_start().starts_with(b"{") && has("\"releases\"") && has("\"repositories\"")
    },
    parse,
};

/// Releases by the name that the tracker uses: <https://www.debian.org/releases/>. What is newer keeps its name.
const RELEASES: [(&str, &str); 11] = [
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];

#[derive(Deserialize)]
struct Flaw<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    description: Text<'a>,
    #[serde(borrow)]
    releases: Entries<'a, Release<'a>>,
}

#[derive(Deserialize)]
struct Release<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    urgency: Option<Text<'a>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Text<'a>>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let mut json = serde_json::Deserializer::from_slice(file.bytes);
    each_entry(&mut json, |package: Text<'_>, raw: &RawValue| {
        // All of a package at once, or where one of its flaws is broken, each of them for itself.
        if let Ok(flaws) = serde_json::from_str::<Entries<'_, Flaw<'_>>>(raw.get()) {
            for (id, flaw) in flaws.0 {
                take(&package, &id, flaw, sink);
            }
            return;
        }
        let flaws: Entries<'_, &RawValue> = match serde_json::from_str(raw.get()) {
            Ok(flaws) => flaws,
            Err(error) => return sink.skip(format_args!("of the package {:?}", &*package), error),
        };
        for (id, raw) in flaws.0 {
            match serde_json::from_str(raw.get()) {
                Ok(flaw) => take(&package, &id, flaw, sink),
                Err(error) => sink.skip(format_args!("{:?} of {:?}", &*id, &*package), error),
            }
        }
    })
    .and_then(|()| json.end())
    .map_err(Broken::new)
}

fn take(package: &str, id: &str, flaw: Flaw<'_>, sink: &mut Sink<'_>) {
    if package.is_empty() || !is_short(package) || !is_id(id) {
        return sink.skip(format_args!("{id:?} of {package:?}"), "it names no package or no flaw");
    }
    let mut affected = Vec::with_capacity(flaw.releases.0.len());
    for (release, entry) in flaw.releases.0 {
        match said(package, &release, &entry) {
            Some(said) => affected.push(said),
            None => sink.skip(format_args!("{id:?} of {package:?} in {:?}", &*release), "its status is not known"),
        }
    }
    sink.advisory(Advisory { id: id.to_owned(), details: flaw.description.into(), affected, ..Advisory::default() });
}

/// What is said of one release.
fn said(package: &str, release: &str, entry: &Release<'_>) -> Option<Affected> {
    let urgency = entry.urgency.as_deref().unwrap_or_default();
    let fixed = entry.fixed_version.as_deref().filter(|version| !version.is_empty());
    let (status, range) = match (&*entry.status, fixed) {
        // How the tracker says that the release never had it.
        ("resolved", Some("0")) => (Status::NotAffected, Range::ALL),
        ("resolved", Some(version)) => (Status::Affected, Range::before(version)),
        ("open", _) => {
            let reason = entry.nodsa_reason.as_deref().unwrap_or_default();
            let status = match (urgency, reason) {
                ("end-of-life", _) => Status::EndOfLife,
                (_, "ignored") => Status::WillNotFix,
                (_, "postponed") => Status::FixDeferred,
                _ => Status::Affected,
            };
            (status, Range::ALL)
        }
        ("undetermined", _) => (Status::UnderInvestigation, Range::ALL),
        _ => return None,
    };
    let number = RELEASES.iter().find(|(name, _)| *name == release).map_or(release, |(_, number)| number);
    // Stars mark urgencies that were taken over from NVD.
    let severity = urgency.trim_end_matches('*').parse().ok().filter(|severity| *severity != Severity::Unknown);
    Some(Affected {
        status,
        ranges: vec![range],
        ratings: severity.map(Rating::word).into_iter().collect(),
        ..Affected::new(Ecosystem::Debian, Some(number.to_owned()), package)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/debian/fixtures");
    }

    #[test]
    fn a_broken_flaw_costs_no_other() {
        let release = r#"{"status":"resolved","fixed_version":"1-2"}"#;
        let json = format!(
            r#"{{"zlib":{{"CVE-2024-1":{{"releases":{{"bookworm":{release}}}}},"CVE-2024-2":{{"releases":7}}}},
                "bash":[],"curl":{{"CVE-2024-3":{{"releases":{{"sid":{release},"trixie":{{"status":"new"}}}}}}}}}}"#
        );
        let (records, read) = testing::read(&FEED, "json", json.as_bytes());
        assert_eq!((records.len(), read.advisories, read.skipped), (2, 2, 3), "{read:?}");
        let (_, read) = testing::read(&FEED, "json", &json.as_bytes()[..json.len() - 1]);
        assert_eq!(read.diagnostics.last().unwrap().code, sekisho_model::Code::FeedMalformed);
    }
}
