//! From an inventory to a report: the database, what it says of the inventory, and the gate.

use super::scan::{Context, clock};
use crate::args::{DatabaseChoice, VulnerabilityArguments};
use crate::config::Settings;
use crate::error::CliError;
use crate::output::error_line;
use sekisho_advisory::db::{Database, Header};
use sekisho_advisory::diff::Standing;
use sekisho_advisory::gate;
use sekisho_advisory::matching::{Matcher, assess, concerns, explain};
use sekisho_feeds::{FeedsError, Published, Store};
use sekisho_model::{Assessment, Code, Diagnostic, Exit, Explanation, Gate, Inventory, ScanReport, ScanState, Verdict};
use sekisho_report::{gate_lines, printable};

/// Where advisories come from in one run of the program.
pub(crate) enum Advisories {
    /// From a file.
    File(Published),
    /// From nowhere, as was asked for.
    NotAsked,
    /// From nowhere, for this reason.
    Missing(Diagnostic),
}

impl Advisories {
    /// What was asked for, or the database of the configuration. What was asked for by name must be there.
    pub(crate) fn find(settings: &Settings, choice: Option<&DatabaseChoice>) -> Result<Self, CliError> {
        match choice {
            Some(DatabaseChoice::None) => return Ok(Self::NotAsked),
            Some(DatabaseChoice::File(path)) if !path.is_file() => {
                let message = format!("there is no advisory database {}: no such file", path.display());
                return Err(CliError::new(Code::UsageInvalid, message).hint("give the path of a database file to --db"));
            }
            Some(DatabaseChoice::File(path)) => return Ok(Self::File(Published::open(path)?)),
            None => {}
        }
        match Store::new(settings.database.directory.clone()).open() {
            Ok(opened) => {
                if let Some(failure) = &opened.fallback {
                    let why = printable(&failure.to_string());
                    error_line(&format!("not read: {} {why}; the one before it is in use", failure.code()));
                }
                Ok(Self::File(opened.published))
            }
            Err(error) => Ok(Self::Missing(missing(&error))),
        }
    }

    /// Runs `with` the database, if there is one.
    fn database<T>(&self, with: impl FnOnce(&Database<'_>) -> Result<T, CliError>) -> Option<Result<T, CliError>> {
        match self {
            Self::File(published) => Some(published.database().map_err(CliError::from).and_then(|found| with(&found))),
            Self::NotAsked | Self::Missing(_) => None,
        }
    }

    /// The report of an inventory, without a gate.
    pub(crate) fn report(
        &self,
        context: &Context,
        settings: &Settings,
        inventory: Inventory,
    ) -> Result<ScanReport, CliError> {
        let now = clock(&context.environment)?.now();
        let judged = self.database(|database| {
            let mut assessment = assess(&inventory, database, now)
                .map_err(|error| CliError::from_error(Code::DatabaseDamaged, &error))?;
            if let (Self::File(_), Some(by)) = (self, &mut assessment.database) {
                by.stale = stale(database.header(), settings, &inventory, now);
            }
            Ok(assessment)
        });
        let assessment = match (judged, self) {
            (Some(judged), _) => judged?,
            (None, Self::Missing(why)) => Assessment::none(now, Some(why.clone())),
            (None, _) => Assessment::none(now, None),
        };
        Ok(ScanReport::new(inventory, assessment))
    }

    /// What a vulnerability has to do with the packages of an inventory.
    pub(crate) fn explain(&self, inventory: &Inventory, name: &str) -> Result<Explanation, CliError> {
        let explained = self.database(|database| {
            let matcher = Matcher::new(database, inventory.os.as_ref());
            explain(inventory, &matcher, name).map_err(|error| CliError::from_error(Code::DatabaseDamaged, &error))
        });
        match (explained, self) {
            (Some(explained), _) => explained,
            (None, Self::Missing(why)) => Err(CliError::new(why.code, why.message.clone())),
            (None, _) => Err(CliError::new(Code::UsageInvalid, "there is nothing to explain a vulnerability by")
                .hint("leave out --db none")),
        }
    }
}

fn missing(error: &FeedsError) -> Diagnostic {
    let message = match error {
        FeedsError::Absent(_) => "there is no advisory database; make one with `sekisho db update`".to_owned(),
        other => {
            let first: &dyn std::error::Error = other;
            let chain = std::iter::successors(Some(first), |error| error.source());
            chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    };
    Diagnostic::incomplete(error.code(), message)
}

/// The feeds that are older than the configuration allows, of those that concern the inventory.
fn stale(header: &Header, settings: &Settings, inventory: &Inventory, now: jiff::Timestamp) -> Vec<String> {
    let old = header.stale(now, settings.database.max_age_hours, concerns(inventory));
    old.into_iter()
        .map(|feed| {
            let age = feed.observed_at.map_or_else(
                || "nobody knows when".to_owned(),
                |then| format!("{} days ago", now.duration_since(then).as_hours() / 24),
            );
            format!("{} from {} (taken {age})", feed.id, feed.source)
        })
        .collect()
}

/// The gate that was asked for, if any.
pub(crate) fn gate_of(arguments: &VulnerabilityArguments, settings: &Settings) -> Result<Option<Gate>, CliError> {
    let VulnerabilityArguments { db, fail_on, fail_on_new, ignore_unfixed, only_kev, epss_above, .. } = arguments;
    let asked = fail_on.is_some() || fail_on_new.is_some() || *only_kev || epss_above.is_some();
    if asked && matches!(db, Some(DatabaseChoice::None)) {
        let message = "a gate on vulnerabilities was asked for, and no database to find them by";
        return Err(CliError::new(Code::UsageInvalid, message).hint("leave out --db none, or the gate"));
    }
    if !asked && *ignore_unfixed {
        let message = "--ignore-unfixed says what a gate lets pass, and none was asked for";
        return Err(CliError::new(Code::UsageInvalid, message).hint("add --fail-on SEVERITY"));
    }
    Ok(asked.then(|| Gate {
        fail_on: *fail_on,
        ignore_unfixed: *ignore_unfixed,
        only_kev: *only_kev,
        epss_above: *epss_above,
        allow_incomplete: settings.scan.allow_incomplete,
        new_since: fail_on_new.as_ref().map(|path| path.to_string_lossy().into_owned()),
    }))
}

/// Asks the gate; `baseline` is what it counts as known.
pub(crate) fn judge(report: &mut ScanReport, gate: Gate, baseline: Option<&ScanReport>) {
    let standing = baseline.map(Standing::of);
    report.gate = Some(gate::judge(report, gate, standing.as_ref()));
    if let Some(ScanReport { inventory, assessment, .. }) = baseline
        && !(inventory.complete && assessment.state == ScanState::Scanned)
    {
        let name = printable(&inventory.source.name);
        error_line(&format!("note: {name} could not be read or judged in full: what it has may be taken for new"));
    }
}

/// Says on standard error, where no table does, how vulnerabilities could not be looked for.
pub(crate) fn tell(report: &ScanReport) {
    let stale = report.assessment.database.iter().flat_map(|database| &database.stale);
    for told in &report.assessment.diagnostics {
        error_line(&format!("not judged: {} {}", told.code, printable(&told.to_string())));
    }
    stale.for_each(|feed| error_line(&format!("out of date: {}", printable(feed))));
}

/// Says on standard error what the gate says.
pub(crate) fn tell_gate(report: &ScanReport) {
    for line in report.gate.iter().flat_map(gate_lines) {
        error_line(&line);
    }
}

/// How the command ends by the gate.
pub(crate) fn exit(report: &ScanReport) -> Exit {
    match report.gate.as_ref().map(|result| result.verdict) {
        None | Some(Verdict::Passed) => Exit::Passed,
        Some(Verdict::Refused) => Exit::Refused,
        Some(Verdict::Unknown) => Exit::Incomplete,
    }
}
