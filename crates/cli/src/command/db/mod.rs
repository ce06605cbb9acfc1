//! `db`: advisories, and what they are matched by.

use super::scan::Context;
use crate::args::{ImportArguments, RemoveArguments};
use crate::config::Settings;
use crate::error::CliError;
use crate::output::error_line;
use crate::{CommandResult, output};
use sekisho_advisory::db::{FeedSource, Header};
use sekisho_feeds::{FeedsError, Store};
use sekisho_model::{Code, Exit};
use sekisho_report::printable;
use std::fmt::Write as _;

mod status;
mod transfer;
mod update;
mod vercmp;

pub(crate) use status::status;
pub(crate) use transfer::{access, place, pull, push};
pub(crate) use update::{runtime, update};
pub(crate) use vercmp::vercmp;

pub(crate) fn import(context: &Context, arguments: &ImportArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let store = Store::new(settings.database.directory.clone());
    let now = settings.now();
    let imported = sekisho_feeds::import(&store, &arguments.paths, arguments.replace, &settings.limits(), now)?;
    for told in &imported.diagnostics {
        let kind = if told.code == Code::FeedShrunk { "less than before" } else { "not read" };
        error_line(&format!("{kind}: {} {}", told.code, printable(&told.to_string())));
    }
    let strange = &imported.strange;
    if strange.count > 0 && !context.global.quiet {
        let files = if strange.count == 1 { "1 file is".to_owned() } else { format!("{} files are", strange.count) };
        error_line(&format!("note: {files} of no feed that is read: {}", printable(&strange.to_string())));
    }
    for (source, reason) in &imported.refused {
        let kept = match source.observed_at {
            Some(then) => format!("what was taken from it on {} stays", day(then)),
            None => "nothing is taken from it".to_owned(),
        };
        error_line(&format!("refused: {} of {}: {reason}; {kept}", source.id, printable(&source.source)));
    }
    let mut text = String::new();
    for source in &imported.feeds {
        let _ = writeln!(text, "{} from {}: {}", source.id, printable(&source.source), taken(source));
    }
    match &imported.header {
        Some(header) => {
            let _ = writeln!(text, "the database holds {}", held(header));
        }
        None => text.push_str("nothing was taken, the database stays as it is\n"),
    }
    output::write(&text, None)?;
    if imported.feeds.is_empty() && imported.refused.is_empty() {
        let message = "nothing that was given is of a feed that is read";
        return Err(CliError::new(Code::FeedMalformed, message));
    }
    let whole = imported.refused.is_empty() && imported.diagnostics.is_empty();
    Ok(if whole { Exit::Passed } else { Exit::Incomplete })
}

/// Forgets what was taken from sources.
pub(crate) fn remove(context: &Context, arguments: &RemoveArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let store = Store::new(settings.database.directory.clone());
    let text = match store.remove(&arguments.sources, arguments.replace, &settings.limits())? {
        Some(header) => format!("the database holds {}\n", held(&header)),
        None => "there is no database any more, since nothing is left to build it from\n".to_owned(),
    };
    output::write(&text, None)?;
    Ok(Exit::Passed)
}

/// The day of a moment, UTC.
fn day(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// `5680 advisories, 3 skipped; left aside: 12 advisories that name only commits`.
fn taken(source: &FeedSource) -> String {
    let parts = [
        (source.advisories, "advisories"),
        (source.enrichments, "facts about vulnerabilities"),
        (source.skipped, "skipped"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let aside: Vec<String> = source.aside.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let aside = if aside.is_empty() { String::new() } else { format!("; left aside: {}", aside.join(", ")) };
    parts.join(", ") + &aside
}

fn held(header: &Header) -> String {
    let counts = &header.counts;
    let superseded = match counts.superseded {
        0 => String::new(),
        count => format!(", {count} left out for later versions"),
    };
    format!(
        "{} advisories ({} taken back{superseded}) about {} vulnerabilities in {} packages",
        counts.advisories, counts.withdrawn, counts.vulnerabilities, counts.packages
    )
}

impl From<FeedsError> for CliError {
    fn from(error: FeedsError) -> Self {
        Self::from_error(error.code(), &error)
    }
}

/// The client of this site.
pub(crate) fn client(settings: &Settings) -> Result<sekisho_net::Client, CliError> {
    settings.network().client().map_err(|error| CliError::from_error(Code::NetworkUnusable, &error))
}
