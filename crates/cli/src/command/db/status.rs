//! `db status`: what the database holds, of which feeds, how old, and of what it says anything.

use super::super::scan::Context;
use super::{day, held, taken};
use crate::args::{JsonOrTable, StatusArguments};
use crate::output::error_line;
use crate::{CommandResult, output};
use jiff::Timestamp;
use sekisho_advisory::db::Header;
use sekisho_feeds::Store;
use sekisho_model::{CoveredPlace, DATABASE_STATUS_SCHEMA, DatabaseFeed, DatabaseStatus, Exit, write_json};
use sekisho_report::printable;
use std::fmt::Write as _;

pub(crate) fn status(context: &Context, arguments: &StatusArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let store = Store::new(settings.database.directory.clone());
    let opened = store.open()?;
    let mut exit = Exit::Passed;
    if let Some(failure) = &opened.fallback {
        error_line(&format!(
            "not read: {} {}; the one before it is in use",
            failure.code(),
            printable(&failure.to_string())
        ));
        exit = Exit::Incomplete;
    }
    let now = settings.now();
    let path = opened.published.path().display().to_string();
    let pulled = opened.fallback.is_none() && store.is_pulled();
    let hours = settings.database.max_age_hours;
    let status = describe(opened.published.database()?.header(), path, pulled, hours, now);
    match arguments.format {
        JsonOrTable::Table => output::write(&table(&status, opened.published.database()?.header()), None)?,
        JsonOrTable::Json => output::write_with(None, |to| write_json(&status, to))?,
    }
    let stale = || status.feeds.iter().filter_map(|feed| Some((feed, feed.stale.as_ref()?)));
    for (feed, why) in stale() {
        error_line(&format!("out of date: {} from {} ({why})", printable(&feed.feed), printable(&feed.source)));
    }
    if stale().next().is_some() && !context.global.quiet {
        let way = if pulled { "sekisho db pull" } else { "sekisho db update" };
        error_line(&format!("note: database.max_age_hours is {hours}; `{way}` brings newer ones"));
    }
    Ok(exit)
}

fn describe(header: &Header, path: String, pulled: bool, hours: u64, now: Timestamp) -> DatabaseStatus {
    let feeds = header.feeds.iter().map(|feed| DatabaseFeed {
        feed: feed.id.clone(),
        title: feed.title.clone(),
        licence: feed.licence.clone(),
        source: feed.source.clone(),
        observed_at: feed.observed_at,
        age_hours: feed.observed_at.map(|then| now.duration_since(then).as_hours()),
        stale: feed.assessed(true).is_old(now, hours),
        newest: feed.newest,
        files: feed.files,
        advisories: feed.advisories,
        facts: feed.enrichments,
        skipped: feed.skipped,
        aside: feed.aside.clone(),
    });
    let named = |number: &u32| {
        let feed = header.feeds.get(*number as usize)?;
        Some(format!("{} from {}", feed.id, feed.source))
    };
    let places = header.counts.places.iter().map(|place| CoveredPlace {
        ecosystem: place.ecosystem.as_str().to_owned(),
        release: place.release.clone(),
        entries: place.entries,
        feeds: place.feeds.iter().filter_map(named).collect(),
    });
    DatabaseStatus {
        schema: DATABASE_STATUS_SCHEMA.to_owned(),
        path,
        digest: header.digest(),
        bytes: header.size(),
        pulled,
        advisories: header.counts.advisories,
        withdrawn: header.counts.withdrawn,
        vulnerabilities: header.counts.vulnerabilities,
        packages: header.counts.packages,
        feeds: feeds.collect(),
        places: places.collect(),
    }
}

fn table(status: &DatabaseStatus, header: &Header) -> String {
    let origin = if status.pulled { " (pulled)" } else { "" };
    let mut text = format!("database  {}{origin}\nholds     {}\n\n", printable(&status.path), held(header));
    for (feed, source) in status.feeds.iter().zip(&header.feeds) {
        let age = feed
            .observed_at
            .zip(feed.age_hours)
            .map_or_else(String::new, |(then, hours)| format!(", taken on {} ({} ago)", day(then), ago(hours)));
        let newest = feed.newest.map_or_else(String::new, |then| format!(", the newest of {}", day(then)));
        let licence = printable(&feed.licence);
        let (id, from) = (printable(&feed.feed), printable(&feed.source));
        let _ = writeln!(text, "{id} from {from}: {}{newest}{age}; {licence}", taken(source));
    }
    text.push('\n');
    for (place, count) in status.places.iter().zip(&header.counts.places) {
        let feeds: Vec<&str> = place.feeds.iter().map(String::as_str).collect();
        let _ =
            writeln!(text, "{}: {} ({})", printable(&count.to_string()), place.entries, printable(&feeds.join(", ")));
    }
    text
}

/// `3 days`
fn ago(hours: i64) -> String {
    match hours / 24 {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
