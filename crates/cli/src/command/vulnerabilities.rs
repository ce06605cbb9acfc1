//! From an inventory to a report: the database, what it says of the inventory, and the gate.

use super::scan::{Context, clock};
use super::{attached, document};
use crate::args::{DatabaseChoice, GateArguments, SuppressionArguments, VexChoice};
use crate::config::{Environment, Settings};
use crate::error::CliError;
use crate::output::error_line;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sekisho_advisory::db::Database;
use sekisho_advisory::diff::Standing;
use sekisho_advisory::exception::Exceptions;
use sekisho_advisory::matching::{Matcher, assess, explain};
use sekisho_advisory::suppress::suppress;
use sekisho_advisory::upgrade::upgrades;
use sekisho_advisory::vex::{self, VexDocument};
use sekisho_advisory::{demo, exception, gate};
use sekisho_base::Limits;
use sekisho_feeds::{FeedsError, Published, Store};
use sekisho_model::{
    Assessment, Code, Diagnostic, EmbeddedDocument, Exit, Explanation, Gate, Inventory, Level, ScanReport, ScanState,
    Suppression, Upgrade, Verdict,
};
use sekisho_oci::Registries;
use sekisho_report::{gate_lines, printable};
use std::path::{Path, PathBuf};

/// What findings are made by in one run of the program, and who answers for those that do not count.
pub(crate) struct Judges {
    advisories: Advisories,
    vex: Vec<VexDocument>,
    /// Whether VEX documents in an image are believed.
    embedded: bool,
    /// Whether those beside it are.
    attached: bool,
    limits: Limits,
    /// Where temporary files go.
    temporary: PathBuf,
    registries: Registries,
    exceptions: Vec<Exceptions>,
    /// What was met in reading them.
    diagnostics: Vec<Diagnostic>,
}

impl Judges {
    /// What was asked for, or what the configuration names.
    pub(crate) fn find(
        settings: &Settings,
        environment: &Environment,
        choice: Option<&DatabaseChoice>,
        suppression: &SuppressionArguments,
    ) -> Result<Self, CliError> {
        Self::with(Advisories::find(settings, choice)?, settings, environment, suppression)
    }

    /// What was asked for where findings are there already.
    pub(crate) fn of_findings(
        settings: &Settings,
        environment: &Environment,
        suppression: &SuppressionArguments,
    ) -> Result<Self, CliError> {
        Self::with(Advisories::NotAsked, settings, environment, suppression)
    }

    fn with(
        advisories: Advisories,
        settings: &Settings,
        environment: &Environment,
        suppression: &SuppressionArguments,
    ) -> Result<Self, CliError> {
        let limits = settings.limits();
        let mut judges = Self {
            advisories,
            vex: Vec::new(),
            embedded: suppression.vex.contains(&VexChoice::Embedded),
            attached: suppression.vex.contains(&VexChoice::Attached),
            limits: limits.clone(),
            temporary: settings.scan.temporary.clone(),
            registries: settings.registries(environment),
            exceptions: Vec::new(),
            diagnostics: Vec::new(),
        };
        let named = suppression.vex.iter().filter_map(|choice| match choice {
            VexChoice::File(path) => Some(path),
            VexChoice::Embedded | VexChoice::Attached => None,
        });
        for path in settings.scan.vex.iter().chain(named) {
            let (name, bytes) = document::read(path, &limits)?;
            let (document, told) =
                vex::read(&bytes, &name, &limits).map_err(|error| CliError::from_error(error.code(), &error))?;
            judges.vex.push(document);
            judges.diagnostics.extend(told);
        }
        for path in settings.scan.exceptions.iter().chain(&suppression.exceptions) {
            let (name, bytes) = document::read(path, &limits)?;
            let (exceptions, told) =
                exception::read(&bytes, &name, &limits).map_err(|error| CliError::from_error(error.code(), &error))?;
            judges.exceptions.push(exceptions);
            judges.diagnostics.extend(told);
        }
        Ok(judges)
    }

    /// The report of an inventory, without a gate.
    pub(crate) fn report(
        &self,
        context: &Context,
        settings: &Settings,
        inventory: Inventory,
    ) -> Result<ScanReport, CliError> {
        let assessed_at = clock(&context.environment)?.now();
        let mut report = self.advisories.report(settings, inventory, assessed_at)?;
        self.suppress(&mut report, settings.now())?;
        Ok(report)
    }

    /// The VEX documents that the image itself brings, where those are believed. One that cannot be read is a note:
    /// what it would have suppressed counts.
    fn brought(&self, inventory: &Inventory) -> (Vec<VexDocument>, Vec<Diagnostic>) {
        let (mut documents, mut told) = (Vec::new(), Vec::new());
        let note = |diagnostic: Diagnostic| Diagnostic { level: Level::Note, ..diagnostic };
        if self.embedded {
            for EmbeddedDocument { location, content, .. } in &inventory.documents {
                match vex::read(content.as_bytes(), &format!("{location} in the image"), &self.limits) {
                    Ok((document, notes)) => {
                        documents.push(document);
                        told.extend(notes);
                    }
                    Err(error) => told.push(Diagnostic::note(error.code(), error.to_string())),
                }
            }
        }
        if !self.attached {
            return (documents, told);
        }
        let Some((referrers, notes)) = attached::find(inventory, &self.registries, &self.temporary, &self.limits)
        else {
            let message =
                "nothing can lie beside it (--vex attached): only layouts and registries hold documents about images";
            told.push(Diagnostic::note(Code::VexUnused, message));
            return (documents, told);
        };
        told.extend(notes.into_iter().map(note));
        for referrer in referrers {
            match referrer.read(&self.limits) {
                Ok(bytes) => match vex::read(&bytes, &format!("{} beside the image", referrer.digest), &self.limits) {
                    Ok((document, notes)) => {
                        documents.push(document);
                        told.extend(notes);
                    }
                    Err(error) if attached::is_named_vex(&referrer) => {
                        told.push(Diagnostic::note(error.code(), error.to_string()));
                    }
                    // What is no VEX is an attestation of another kind.
                    Err(_) => {}
                },
                Err(failure) => told.push(note(failure)),
            }
        }
        (documents, told)
    }

    /// Marks what does not count at this time.
    pub(crate) fn suppress(&self, report: &mut ScanReport, now: Timestamp) -> Result<(), CliError> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let ScanReport { inventory, assessment, .. } = report;
        // What another scanner or an earlier scan was told stands beside what is said now, until it is over.
        let holds = |earlier: &Suppression| earlier.until.is_none_or(|until| today <= until);
        let earlier: Vec<Option<Suppression>> =
            assessment.findings.iter_mut().map(|finding| finding.suppressed.take().filter(holds)).collect();
        let (mut brought, noted) = self.brought(inventory);
        let vex = if brought.is_empty() {
            &self.vex
        } else {
            brought.extend(self.vex.iter().cloned());
            &brought
        };
        let told = suppress(assessment, inventory, vex, &self.exceptions, today);
        for (finding, earlier) in assessment.findings.iter_mut().zip(earlier) {
            finding.suppressed = finding.suppressed.take().or(earlier);
        }
        let told: Vec<Diagnostic> = self.diagnostics.iter().cloned().chain(noted).chain(told).collect();
        // A statement that was not understood may have taken back another one.
        if assessment.state == ScanState::Scanned && told.iter().any(|told| told.level == Level::Incomplete) {
            assessment.state = ScanState::Incomplete;
        }
        assessment.diagnostics.extend(told);
        report.upgrades = self.upgrades(report)?;
        Ok(())
    }

    fn upgrades(&self, report: &ScanReport) -> Result<Vec<Upgrade>, CliError> {
        let damaged = |error| CliError::from_error(Code::DatabaseDamaged, &error);
        let judged = self.advisories.database(|database| {
            let matcher = Matcher::new(database, report.inventory.os.as_ref());
            upgrades(report, Some(&matcher)).map_err(damaged)
        });
        judged.unwrap_or_else(|| upgrades(report, None).map_err(damaged))
    }

    /// What a vulnerability has to do with the packages of an inventory.
    pub(crate) fn explain(&self, inventory: &Inventory, name: &str) -> Result<Explanation, CliError> {
        self.advisories.explain(inventory, name)
    }
}

/// Where advisories come from.
enum Advisories {
    /// From the store, with why it is not the latest database if so.
    Store(Published, Option<Diagnostic>),
    /// From a file that was named: its bytes, since whoever keeps it may write over it meanwhile.
    File(Vec<u8>),
    /// From the program itself.
    Demo(Vec<u8>),
    /// From nowhere, as was asked for.
    NotAsked,
    /// From nowhere, for this reason.
    Missing(Diagnostic),
}

impl Advisories {
    /// What was asked for, or the database of the configuration. What was asked for by name must be there.
    fn find(settings: &Settings, choice: Option<&DatabaseChoice>) -> Result<Self, CliError> {
        match choice {
            Some(DatabaseChoice::None) => return Ok(Self::NotAsked),
            Some(DatabaseChoice::Demo) => {
                let bytes = demo::database().map_err(|error| CliError::from_error(Code::InternalFault, &error))?;
                return Ok(Self::Demo(bytes));
            }
            Some(DatabaseChoice::File(path)) => return Ok(Self::File(read_database(path)?)),
            None => {}
        }
        match Store::new(settings.database.directory.clone()).open() {
            Ok(opened) => {
                let older = opened.fallback.as_ref().map(|failure| {
                    let message = format!("the latest database is not used: {failure}; the one before it is");
                    Diagnostic::incomplete(failure.code(), message)
                });
                Ok(Self::Store(opened.published, older))
            }
            Err(error) => Ok(Self::Missing(missing(&error))),
        }
    }

    /// Runs `with` the database, if there is one.
    fn database<T>(&self, with: impl FnOnce(&Database<'_>) -> Result<T, CliError>) -> Option<Result<T, CliError>> {
        let damaged = |error| CliError::from_error(Code::DatabaseDamaged, &error);
        match self {
            Self::Store(published, _) => {
                Some(published.database().map_err(CliError::from).and_then(|found| with(&found)))
            }
            Self::File(bytes) | Self::Demo(bytes) => {
                // What was read was verified, and what was just made needs it not.
                Some(Database::view(bytes).map_err(damaged).and_then(|found| with(&found)))
            }
            Self::NotAsked | Self::Missing(_) => None,
        }
    }

    fn report(&self, settings: &Settings, inventory: Inventory, now: Timestamp) -> Result<ScanReport, CliError> {
        let judged = self.database(|database| {
            let mut assessment = assess(&inventory, database, now)
                .map_err(|error| CliError::from_error(Code::DatabaseDamaged, &error))?;
            age(&mut assessment, settings);
            if let Self::Store(_, Some(older)) = self {
                assessment.diagnostics.push(older.clone());
                assessment.state = ScanState::Incomplete;
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

    fn explain(&self, inventory: &Inventory, name: &str) -> Result<Explanation, CliError> {
        if let Self::Store(_, Some(older)) = self {
            error_line(&format!("not judged: {} {}", older.code, printable(&older.message)));
        }
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

/// Says which advisories are older than the configuration allows. The demonstration set is of no age: a gate knows it by
/// its name.
pub(crate) fn age(assessment: &mut Assessment, settings: &Settings) {
    if let Some(by) = assessment.database.as_mut().filter(|by| !demo::is_all_of(by)) {
        by.age(settings.now(), settings.database.max_age_hours);
    }
}

/// The bytes of a database file, which are verified: [`Database::view`] may open them.
pub(crate) fn read_database(path: &Path) -> Result<Vec<u8>, CliError> {
    if !path.is_file() {
        let message = format!("there is no advisory database {}: no such file", path.display());
        return Err(CliError::new(Code::UsageInvalid, message).hint("give the path of a database file"));
    }
    let failed = |error: &std::io::Error| {
        CliError::new(Code::DatabaseDamaged, format!("cannot read {}: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    Database::open(&bytes)
        .map_err(|error| CliError::new(Code::DatabaseDamaged, format!("{} {error}", path.display())))?;
    Ok(bytes)
}

fn missing(error: &FeedsError) -> Diagnostic {
    let message = match error {
        FeedsError::Absent(_) => "there is no advisory database".to_owned(),
        other => {
            let first: &dyn std::error::Error = other;
            let chain = std::iter::successors(Some(first), |error| error.source());
            chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    };
    Diagnostic::incomplete(error.code(), message)
}

/// The gate that was asked for, if any.
pub(crate) fn gate_of(arguments: &GateArguments, settings: &Settings) -> Result<Option<Gate>, CliError> {
    let GateArguments { fail_on, fail_on_new, ignore_unfixed, only_kev, epss_above } = arguments;
    let asked = fail_on.is_some() || fail_on_new.is_some() || *only_kev || epss_above.is_some();
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
        let kind = if told.level == Level::Note { "note" } else { "not judged" };
        error_line(&format!("{kind}: {} {}", told.code, printable(&told.to_string())));
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
