//! `hub`: the server that keeps what scans find, and what it is asked.

mod access;
mod client;
mod serve;

use super::document;
use super::scan::Context;
use crate::args::{
    HubCommand, HubList, HubListArguments, HubPart, HubPushArguments, HubShown, HubWhoArguments, JsonOrTable,
};
use crate::error::CliError;
use crate::output::{error_line, width};
use crate::{CommandResult, output};
use client::Client;
use sekisho_api::endpoint::{self, Endpoint};
use sekisho_api::rows::{FindingEntry, Hit, InventoryEntry, Job, PackageEntry, VulnerabilityEntry};
use sekisho_model::{Code, Exit, write_json};
use sekisho_report::{Listed, TableOptions, list_table, printable};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How hard inventories are compressed: they are sent once, and not far.
const LEVEL: i32 = 3;

pub(crate) fn run(context: &mut Context, command: &HubCommand) -> CommandResult {
    match command {
        HubCommand::Serve(arguments) => serve::serve(context, arguments),
        HubCommand::Push(arguments) => push(context, arguments),
        HubCommand::List(arguments) => list(context, arguments),
        HubCommand::Who(arguments) => who(context, arguments),
        HubCommand::Login(arguments) => access::login(context, arguments),
        HubCommand::Logout => access::logout(context),
        HubCommand::User(command) => access::user(context, command),
        HubCommand::Token(command) => access::token(context, command),
        HubCommand::Audit(command) => access::audit(context, command),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| CliError::new(Code::HubUnusable, format!("cannot start: {error}")))
}

fn push(context: &Context, arguments: &HubPushArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let client = Client::new(&settings)?;
    let runtime = runtime()?;
    let mut paths = Vec::new();
    for path in &arguments.paths {
        paths.extend(document::below(path)?.0);
    }
    let mut sent = 0;
    for path in &paths {
        let inventory = document::inventory(path, settings.now(), &settings.limits())?;
        let json = serde_json::to_vec(&inventory).map_err(|error| CliError::from_error(Code::InternalFault, &error))?;
        let body = zstd::encode_all(json.as_slice(), LEVEL)
            .map_err(|error| CliError::from_error(Code::InternalFault, &error))?;
        runtime.block_on(client.send(&endpoint::INVENTORY_PUT, &[], &[], Some(&body)))?;
        sent += 1;
        if !context.global.quiet {
            let (name, count) = (printable(&inventory.source.name), inventory.packages.len());
            error_line(&format!("sent {name}: {count} packages"));
        }
    }
    output::write(&format!("{sent} kept by the hub\n"), None)?;
    Ok(Exit::Passed)
}

fn list(context: &Context, arguments: &HubListArguments) -> CommandResult {
    let part = &arguments.part;
    let of_inventory = matches!(arguments.list, HubList::Findings);
    if arguments.inventory.is_some() && !of_inventory {
        return Err(CliError::new(Code::UsageInvalid, "--inventory is for the list of findings"));
    }
    match (arguments.list, &arguments.inventory) {
        (HubList::Inventories, _) => show::<InventoryEntry>(context, &endpoint::INVENTORY_LIST, &[], part),
        (HubList::Findings, None) => show::<FindingEntry>(context, &endpoint::FINDING_LIST, &[], part),
        (HubList::Findings, Some(identity)) => {
            show::<FindingEntry>(context, &endpoint::INVENTORY_FINDINGS, &[identity], part)
        }
        (HubList::Vulnerabilities, _) => show::<VulnerabilityEntry>(context, &endpoint::VULNERABILITY_LIST, &[], part),
        (HubList::Packages, _) => show::<PackageEntry>(context, &endpoint::PACKAGE_LIST, &[], part),
        (HubList::Jobs, _) => show::<Job>(context, &endpoint::JOB_LIST, &[], part),
    }
}

fn who(context: &Context, arguments: &HubWhoArguments) -> CommandResult {
    show::<Hit>(context, &endpoint::VULNERABILITY_HITS, &[&arguments.vulnerability], &arguments.part)
}

/// Shows a part of a list, and says where there is more.
fn show<T: Listed + Serialize + DeserializeOwned>(
    context: &Context,
    endpoint: &Endpoint,
    names: &[&str],
    part: &HubPart,
) -> CommandResult {
    let mut query = Vec::new();
    if !part.filter.trim().is_empty() {
        query.push(("filter", part.filter.clone()));
    }
    query.extend(part.at.map(|at| ("at", at.to_string())));
    show_list::<T>(context, endpoint, names, &query, &part.shown)
}

fn show_list<T: Listed + Serialize + DeserializeOwned>(
    context: &Context,
    endpoint: &Endpoint,
    names: &[&str],
    query: &[(&str, String)],
    shown: &HubShown,
) -> CommandResult {
    let client = Client::new(&context.config.settings()?)?;
    let page = runtime()?.block_on(client.list::<T>(endpoint, names, query, shown.limit))?;
    match shown.format {
        JsonOrTable::Table => {
            output::write_styled(&list_table(&page.items, TableOptions { width: width(None) }), None)?;
        }
        JsonOrTable::Json => {
            output::write_with(None, |to| write_json(&page, to))?;
        }
    }
    if page.next.is_some() {
        error_line(&format!("note: there are more than {}; --limit shows more", page.items.len()));
    }
    Ok(Exit::Passed)
}
