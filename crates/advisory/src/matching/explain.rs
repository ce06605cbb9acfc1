//! What was compared for one vulnerability, and what came of it.

use super::{Judged, Matcher, Told, Version, assess, is_about, with_owners};
use crate::db::{DatabaseError, Edge, Entry};
use crate::record::Status;
use jiff::Timestamp;
use sekisho_model::{Comparison, Explanation, Inventory, Outcome, Package};
use std::collections::BTreeSet;

/// Of more listed versions the first are shown.
const VERSIONS: usize = 10;

/// Why packages of `inventory` are, or are not, taken to have the vulnerability that goes by `name`.
pub fn explain(inventory: &Inventory, matcher: &Matcher<'_>, name: &str) -> Result<Explanation, DatabaseError> {
    let database = matcher.database();
    let numbers: BTreeSet<u32> = database.vulnerabilities_named(name)?.into_iter().collect();
    let vulnerabilities = assess::describe(database, &numbers)?;
    let mut withdrawn = BTreeSet::new();
    for number in &numbers {
        for advisory in database.vulnerability(*number)?.advisories {
            let advisory = database.advisory(advisory)?;
            withdrawn.extend(advisory.withdrawn.map(|when| (advisory.id, when)));
        }
    }
    let withdrawn = withdrawn.into_iter().filter_map(|(id, when)| Some((id, Timestamp::from_second(when).ok()?)));
    let mut explanation = Explanation { vulnerabilities, withdrawn: withdrawn.collect(), ..Explanation::default() };
    for (package, owner) in with_owners(inventory) {
        if let Some(owner) = owner
            && matcher.speaks_of(owner)?
        {
            continue;
        }
        explanation.packages += 1;
        let matched = matcher.package(&package.facts)?;
        explanation.unjudged += usize::from(matched.obstacle.is_some());
        if !numbers.is_empty() {
            of_package(matcher, package, &numbers, &mut explanation.comparisons)?;
        }
    }
    Ok(explanation)
}

fn of_package(
    matcher: &Matcher<'_>,
    package: &Package,
    numbers: &BTreeSet<u32>,
    to: &mut Vec<Comparison>,
) -> Result<(), DatabaseError> {
    let (database, facts) = (matcher.database(), &package.facts);
    let Ok((ecosystem, looks)) = matcher.places(facts) else { return Ok(()) };
    // What is said of a vulnerability in a further release counts where nothing is said before.
    let mut noted = BTreeSet::new();
    for is_further in [false, true] {
        for (look, releases) in &looks {
            for release in releases[usize::from(is_further)] {
                let Some(Told { mut row, .. }) = matcher.row(ecosystem, release.as_deref(), look)? else { continue };
                let scheme = ecosystem.scheme_in(release.as_deref());
                let texts = row.texts().to_vec();
                let mut version = Version::new(scheme, look, &texts);
                let mut entry = Entry::default();
                while row.read(&mut entry)? {
                    entry.vulnerabilities.retain(|number| numbers.contains(number));
                    if entry.vulnerabilities.is_empty() {
                        continue;
                    }
                    let is_about = is_about(ecosystem, facts, look, &entry, &texts);
                    let outcome = match version.judge(&entry) {
                        _ if !is_about => Outcome::Other,
                        _ if is_further && entry.vulnerabilities.iter().all(|number| noted.contains(number)) => {
                            Outcome::Other
                        }
                        Judged::Outside => Outcome::Outside,
                        Judged::Unknown => Outcome::Unknown,
                        Judged::Inside(_) if entry.status == Status::NotAffected => Outcome::NotAffected,
                        Judged::Inside(_) => Outcome::Affected,
                    };
                    if is_about && !is_further {
                        noted.extend(entry.vulnerabilities.iter().copied());
                    }
                    let of = release.as_ref().map_or_else(String::new, |release| format!(":{release}"));
                    to.push(Comparison {
                        package: package.id.clone(),
                        place: format!("{ecosystem}{of} {}", look.name),
                        source: look.source,
                        version: look.version.to_owned(),
                        scheme: scheme.as_str(),
                        feed: database.header().feeds.get(entry.feed as usize).map_or("", |feed| &feed.id).to_owned(),
                        advisory: database.advisory(entry.advisory)?.id,
                        status: word(entry.status),
                        ranges: ranges(&entry, &texts),
                        outcome,
                    });
                }
            }
        }
    }
    Ok(())
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Affected => "affected",
        Status::NotAffected => "not affected",
        Status::WillNotFix => "affected, will not be fixed",
        Status::FixDeferred => "affected, fix deferred",
        Status::EndOfLife => "affected, out of support",
        Status::UnderInvestigation => "under investigation",
    }
}

fn ranges(entry: &Entry, texts: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = entry.ranges.iter().map(|range| range_in_words(range, texts)).collect();
    out.extend(entry.versions.iter().take(VERSIONS).map(|version| format!("= {}", texts[*version])));
    if entry.versions.len() > VERSIONS {
        out.push(format!("{} more versions", entry.versions.len() - VERSIONS));
    }
    out
}

fn range_in_words((from, to): &(Edge, Edge), texts: &[&str]) -> String {
    let from = match *from {
        Edge::Open => None,
        Edge::At(text) => Some(format!(">= {}", texts[text])),
        Edge::After(text) => Some(format!("> {}", texts[text])),
        Edge::Unclear(text) => Some(format!(">= {:?}, which is no version", texts[text])),
    };
    let to = match *to {
        Edge::Open => None,
        Edge::At(text) => Some(format!("< {}", texts[text])),
        Edge::After(text) => Some(format!("<= {}", texts[text])),
        Edge::Unclear(text) => Some(format!("< {:?}, which is no version", texts[text])),
    };
    match (from, to) {
        (None, None) => "all versions".to_owned(),
        (from, to) => from.into_iter().chain(to).collect::<Vec<_>>().join(", "),
    }
}
