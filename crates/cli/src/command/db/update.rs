//! `db update`: advisories from where they are published.

use super::super::scan::Context;
use super::{held, taken};
use crate::args::UpdateArguments;
use crate::config::Settings;
use crate::error::CliError;
use crate::output::error_line;
use crate::progress::Bytes;
use crate::{CommandResult, output};
use sekisho_feeds::upstream::{UPSTREAMS, Upstream};
use sekisho_feeds::{Asked, Origin, Outcome, Store, Updated};
use sekisho_model::{Code, Exit};
use sekisho_net::{Patience, without_credentials};
use sekisho_report::printable;
use std::error::Error;
use std::fmt::Write as _;
use std::io;

pub(crate) fn update(context: &Context, arguments: &UpdateArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let asked = asked(&settings, &arguments.names)?;
    let store = Store::new(settings.database.directory.clone());
    let now = settings.now();
    if arguments.list {
        return list(&settings, &asked, arguments.names.is_empty());
    }
    let limits = settings.limits();
    if arguments.urls {
        let urls = match &arguments.from {
            Some(directory) => {
                let origin = Origin::Directory(directory.clone());
                runtime()?.block_on(sekisho_feeds::missing(&store, &asked, &origin, &limits, now))?
            }
            None => asked.iter().flat_map(|asked| asked.addresses(now)).map(|(url, _)| url).collect(),
        };
        output::write(&urls.into_iter().map(|url| url + "\n").collect::<String>(), None)?;
        return Ok(Exit::Passed);
    }
    if asked.is_empty() {
        let message = "no upstream is on: every list in [feeds] is empty";
        return Err(CliError::new(Code::ConfigInvalid, message).hint("name upstreams; --list lists them"));
    }
    let client;
    let origin = match &arguments.from {
        Some(directory) if !directory.is_dir() => {
            let message = format!("cannot take files from {}: it is no directory", directory.display());
            return Err(CliError::new(Code::UsageInvalid, message));
        }
        Some(directory) => Origin::Directory(directory.clone()),
        None => {
            client = super::client(&settings)?;
            Origin::Network(&client, Patience::default())
        }
    };
    let bar = Bytes::new("fetching", &context.global);
    let work = sekisho_feeds::update(&store, &asked, &origin, arguments.replace, &limits, now, &bar);
    let updated = runtime()?.block_on(work)?;
    drop(bar);
    tell(context, &updated)
}

/// What commands that reach the network run on; nothing else pays for it.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built
        .map_err(|error: io::Error| CliError::new(Code::InternalFault, format!("cannot wait for the network: {error}")))
}

/// The upstreams of these names, or all that are on.
fn asked(settings: &Settings, names: &[String]) -> Result<Vec<Asked>, CliError> {
    let configured = |upstream: &Upstream| settings.feeds.get(upstream.name).cloned().unwrap_or_default();
    if names.is_empty() {
        let all = UPSTREAMS.iter().map(|upstream| Asked { upstream, urls: configured(upstream) });
        return Ok(all.filter(|asked| !asked.urls.is_empty()).collect());
    }
    let mut chosen: Vec<Asked> = Vec::new();
    for name in names {
        let upstream = Upstream::named(name).ok_or_else(|| {
            let names: Vec<&str> = UPSTREAMS.iter().map(|upstream| upstream.name).collect();
            let message = format!("there is no upstream {name:?}; there are {}", names.join(", "));
            CliError::new(Code::UsageInvalid, message).hint("`sekisho db import` takes files of anything that is read")
        })?;
        let urls = match configured(upstream) {
            // Off, and asked for all the same.
            urls if urls.is_empty() => upstream.urls.iter().map(|url| (*url).to_owned()).collect(),
            urls => urls,
        };
        if chosen.iter().all(|asked| asked.upstream.name != upstream.name) {
            chosen.push(Asked { upstream, urls });
        }
    }
    Ok(chosen)
}

/// Of those that were asked for, or of all.
fn list(settings: &Settings, asked: &[Asked], all: bool) -> CommandResult {
    let mut text = String::new();
    for upstream in UPSTREAMS {
        let asked = asked.iter().find(|asked| asked.upstream.name == upstream.name);
        if asked.is_none() && !all {
            continue;
        }
        let configured = settings.feeds.get(upstream.name).cloned().unwrap_or_default();
        let state = if configured.is_empty() { "off" } else { "on" };
        let _ = writeln!(text, "{} ({state}): {}; {}", upstream.name, upstream.title, upstream.licence());
        let built_in = || upstream.urls.iter().map(|url| (*url).to_owned()).collect();
        for url in asked.map_or_else(built_in, |asked| asked.urls.clone()) {
            let _ = writeln!(text, "  {}", printable(&without_credentials(&url)));
        }
    }
    output::write(&text, None)?;
    Ok(Exit::Passed)
}

fn tell(context: &Context, updated: &Updated) -> CommandResult {
    if !context.global.quiet {
        for (upstream, note) in &updated.notes {
            error_line(&format!("note: {}: {}", upstream.name, printable(note)));
        }
    }
    for told in &updated.diagnostics {
        error_line(&format!("not read: {} {}", told.code, printable(&told.to_string())));
    }
    let (mut text, mut failed) = (String::new(), 0);
    for (upstream, outcome) in &updated.upstreams {
        let name = upstream.name;
        match outcome {
            Outcome::Unchanged => {
                let _ = writeln!(text, "{name}: unchanged");
            }
            Outcome::Taken(feeds) => {
                for feed in feeds {
                    let id = if feed.id == name { String::new() } else { format!("{}: ", feed.id) };
                    let _ = writeln!(text, "{name}: {id}{}", taken(feed));
                }
            }
            Outcome::Failed(failure) => {
                failed += 1;
                let mut said = failure.to_string();
                let mut source = failure.source();
                while let Some(error) = source {
                    let _ = write!(said, ": {error}");
                    source = error.source();
                }
                error_line(&format!("not taken: {name}: {}", printable(&said)));
            }
        }
    }
    match &updated.header {
        Some(header) => {
            let _ = writeln!(text, "the database holds {}", held(header));
        }
        None => text.push_str("nothing was taken, the database stays as it is\n"),
    }
    output::write(&text, None)?;
    if failed > 0 {
        let message = format!("{failed} of {} upstreams could not be taken", updated.upstreams.len());
        return Err(CliError::new(Code::FeedUnreachable, message));
    }
    Ok(if updated.diagnostics.is_empty() { Exit::Passed } else { Exit::Incomplete })
}
