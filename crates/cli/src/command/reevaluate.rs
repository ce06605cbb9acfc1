//! `db diff`: what another database changes for inventories that are already there.

use super::document;
use super::scan::{Context, clock};
use super::vulnerabilities::read_database;
use crate::args::{JsonOrTable, ReevaluateArguments};
use crate::error::CliError;
use crate::output::error_line;
use crate::{CommandResult, output};
use jiff::Timestamp;
use sekisho_advisory::db::Database;
use sekisho_advisory::matching::with_owners;
use sekisho_advisory::reevaluate::{Change, Index};
use sekisho_base::Limits;
use sekisho_model::{Code, Exit, REEVALUATION_SCHEMA, ReevaluatedPackage, Reevaluation, write_json};
use sekisho_report::{TableOptions, printable, reevaluation_table};
use std::path::Path;

pub(crate) fn run(context: &Context, arguments: &ReevaluateArguments) -> CommandResult {
    let ReevaluateArguments { old, new, inventory, format, output: file } = arguments;
    let limits = context.config.settings()?.limits();
    let (old, new) = (read_database(old)?, read_database(new)?);
    let damaged = |error| CliError::from_error(Code::DatabaseDamaged, &error);
    let (old, new) = (Database::view(&old).map_err(damaged)?, Database::view(&new).map_err(damaged)?);
    let now = clock(&context.environment)?.now();
    let mut stored = Stored { now, ..Stored::default() };
    for path in inventory {
        stored.take(path, &limits)?;
    }
    let changes = stored.index.changes(&old, &new).map_err(damaged)?;
    let mut packages: Vec<ReevaluatedPackage> = changes.iter().map(|change| stored.name(change)).collect();
    packages.sort();
    let (old, new) = (old.header().digest(), new.header().digest());
    let inventories = stored.names.len();
    let found = Reevaluation { schema: REEVALUATION_SCHEMA.to_owned(), old, new, inventories, packages };
    let file = file.as_deref();
    match format {
        JsonOrTable::Table => {
            output::write_styled(&reevaluation_table(&found, TableOptions { width: output::width(file) }), file)?;
        }
        JsonOrTable::Json => output::write_with(file, |to| write_json(&found, to))?,
    }
    let whole = stored.unread == 0 && !found.packages.iter().any(|package| package.unjudged);
    Ok(if whole { Exit::Passed } else { Exit::Incomplete })
}

/// The inventories that were read, and their names by number.
#[derive(Default)]
struct Stored {
    index: Index,
    names: Vec<String>,
    unread: usize,
    /// The time of documents that say none.
    now: Timestamp,
}

impl Stored {
    /// Takes a document, or every `.json` below a directory.
    fn take(&mut self, path: &Path, limits: &Limits) -> Result<(), CliError> {
        let (paths, are_found) = document::below(path)?;
        for path in paths {
            match self.document(&path, limits) {
                // One that cannot be read says nothing about the others.
                Err(error) if are_found => {
                    error_line(&format!("not read: {} {}", error.code(), printable(error.message())));
                    self.unread += 1;
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn document(&mut self, path: &Path, limits: &Limits) -> Result<(), CliError> {
        let Some(document) = document::open(path, self.now, limits)? else {
            let message = format!("{} is no JSON document", path.display());
            return Err(CliError::new(Code::ReportUnknown, message));
        };
        let inventory = document.inventory();
        let packages = with_owners(&inventory).map(|(package, owner)| (&package.facts, owner));
        self.index.add(inventory.os.as_ref(), packages);
        self.names.push(inventory.source.name);
        Ok(())
    }

    fn name(&self, change: &Change<'_>) -> ReevaluatedPackage {
        let facts = change.package;
        ReevaluatedPackage {
            kind: facts.kind,
            name: facts.name.clone(),
            version: facts.version.clone(),
            opened: change.opened.clone(),
            closed: change.closed.clone(),
            unjudged: change.unjudged,
            inventories: change
                .inventories
                .iter()
                .filter_map(|number| self.names.get(*number as usize))
                .cloned()
                .collect(),
        }
    }
}
