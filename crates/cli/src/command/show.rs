//! How a scan's result is shown, and how the command ends by it.

use super::scan::{Context, clock};
use super::vulnerabilities::{self, Judges};
use super::{document, scan};
use crate::args::{
    CommonArguments, DatabaseChoice, FsTarget, ImageTarget, ReportArguments, ScanFormat, SuppressionArguments,
    VexChoice,
};
use crate::config::Settings;
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_model::{Code, Diagnostic, Exit, Inventory, Platform, ScanReport, SourceKind};
use sekisho_report::{FormatOptions, Language, TableOptions, printable, scan_table};
use std::path::Path;

/// In which form, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'a> {
    pub(crate) format: ScanFormat,
    pub(crate) language: Language,
    pub(crate) file: Option<&'a Path>,
}

/// Shows a report, tells on standard error what is not seen there, and ends the command.
pub(crate) fn report(context: &Context, settings: &Settings, form: Form<'_>, report: &ScanReport) -> CommandResult {
    let Form { format, language, file } = form;
    match format {
        ScanFormat::Table => {
            output::write_styled(&scan_table(report, TableOptions { width: output::width(file) }), file)?;
        }
        ScanFormat::Document(format) => {
            let fixed = scan::fixed_time(&context.environment)?;
            let options = FormatOptions { language, timestamp: fixed };
            output::write_with(file, |to| (format.write)(report, &options, to))?;
        }
    }
    let is_table = matches!(format, ScanFormat::Table);
    if !is_table || file.is_some() {
        tell(&report.inventory, settings);
        vulnerabilities::tell(report);
    }
    vulnerabilities::tell_gate(report);
    Ok(match (vulnerabilities::exit(report), verdict(&report.inventory, settings)) {
        // That something was refused is certain, whatever else was not read.
        (Exit::Passed, of_reading) => of_reading,
        (of_gate, _) => of_gate,
    })
}

/// Sees that the result is not written over anything that is read for it: what the command names, and what it judges by.
pub(crate) fn check_output(
    common: &CommonArguments,
    db: Option<&DatabaseChoice>,
    suppression: &SuppressionArguments,
    named: &[(&Path, &str)],
) -> Result<(), CliError> {
    let mut inputs = named.to_vec();
    if let Some(DatabaseChoice::File(path)) = db {
        inputs.push((path, "the database that is read"));
    }
    for choice in &suppression.vex {
        if let VexChoice::File(path) = choice {
            inputs.push((path, "a VEX document that is read"));
        }
    }
    inputs.extend(suppression.exceptions.iter().map(|path| (path.as_path(), "a file of exceptions that is read")));
    output::check(common.output.as_deref(), &inputs)
}

/// `scan report`: what another scan found, shown and judged.
pub(crate) fn stored(context: &mut Context, arguments: &ReportArguments) -> CommandResult {
    let ReportArguments { path, format, language, suppression, gate, common } = arguments;
    let settings = scan::settings(context, common, None, false)?;
    let now = clock(&context.environment)?.now();
    let baseline = gate.fail_on_new.as_deref();
    let gate = vulnerabilities::gate_of(gate, &settings)?;
    let named = std::iter::once((path.as_path(), "the report that is read"));
    let named: Vec<_> = named.chain(baseline.map(|path| (path, "the baseline that is read"))).collect();
    check_output(common, None, suppression, &named)?;
    let judges = Judges::of_findings(&settings, &context.environment, suppression)?;
    let read = |path: &Path| {
        let limits = settings.limits();
        if let Some(found) = document::open(path, now, &limits)?.and_then(document::Document::report) {
            return Ok(found);
        }
        // What is not there, or may not be read, says so itself.
        document::read(path, &limits)?;
        let message = format!("{} says nothing about vulnerabilities", path.display());
        Err(CliError::new(Code::ReportUnknown, message))
    };
    let mut found = read(path)?;
    judges.suppress(&mut found, settings.now())?;
    vulnerabilities::age(&mut found.assessment, &settings);
    if let Some(gate) = gate {
        let baseline = baseline.map(read).transpose()?;
        vulnerabilities::judge(&mut found, gate, baseline.as_ref());
    }
    let form = Form { format: *format, language: *language, file: common.output.as_deref() };
    report(context, &settings, form, &found)
}

/// The report of whatever lies at `path`: an image, a directory of files, or the JSON of a scan, which is judged anew;
/// only what another scanner found stays as it is.
pub(crate) fn report_of(
    context: &mut Context,
    settings: &Settings,
    judges: &Judges,
    path: &Path,
    platform: Option<Platform>,
    common: &CommonArguments,
) -> Result<ScanReport, CliError> {
    let now = clock(&context.environment)?.now();
    let inventory = match document::open(path, now, &settings.limits())? {
        Some(document::Document::Report(found)) if found.inventory.source.kind == SourceKind::Report => {
            return Ok(*found);
        }
        Some(document) => document.inventory(),
        None if path.is_dir() && !path.join("oci-layout").is_file() => {
            let target = FsTarget { path: path.to_owned(), cross_file_systems: false };
            scan::read_fs(context, &target, common)?.0
        }
        None => scan::read_image(context, ImageTarget::of(path, platform), [false; 2], common)?.0,
    };
    judges.report(context, settings, inventory)
}

/// Tells on standard error what was not read, where no table on standard output does.
pub(crate) fn tell(inventory: &Inventory, settings: &Settings) {
    /// More are counted: the whole list is in the result.
    const MOST: usize = 20;
    // Of the notes those that are about what was asked for, not about what was found.
    const ABOUT_THE_RUN: [Code; 3] = [Code::BaseUnmatched, Code::CacheUnusable, Code::TreeIsImage];
    let line = |kind: &str, told: &Diagnostic| {
        output::error_line(&format!("{kind}: {} {}", told.code, printable(&told.to_string())));
    };
    inventory.diagnostics.iter().filter(|told| ABOUT_THE_RUN.contains(&told.code)).for_each(|note| line("note", note));
    inventory.incomplete().take(MOST).for_each(|told| line("not read", told));
    let count = inventory.incomplete().count();
    if count > MOST {
        output::error_line(&format!("not read: {} more, listed in the result", count - MOST));
    }
    if count > 0 {
        let things = if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
        let end = match verdict(inventory, settings) {
            Exit::Passed => "allowed",
            _ => "exit 3; see --allow-incomplete",
        };
        output::error_line(&format!("incomplete: {things} could not be read ({end})"));
    }
}

/// How the command ends by what was read.
pub(crate) fn verdict(inventory: &Inventory, settings: &Settings) -> Exit {
    if inventory.complete || settings.scan.allow_incomplete { Exit::Passed } else { Exit::Incomplete }
}
