//! `diff` and `sbom diff`: what one image or SBOM has that another has not.

use super::scan::{self, Context};
use super::show;
use super::vulnerabilities::Judges;
use crate::args::{DatabaseChoice, DiffArguments, JsonOrTable, PackageDiffArguments, SuppressionArguments};
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_advisory::diff::diff;
use sekisho_model::{Exit, write_json};
use sekisho_report::{TableOptions, diff_table};

pub(crate) fn run(context: &mut Context, arguments: &DiffArguments) -> CommandResult {
    let DiffArguments { packages, db, suppression } = arguments;
    compare(context, packages, db.as_ref(), suppression)
}

/// The same without vulnerabilities.
pub(crate) fn packages(context: &mut Context, arguments: &PackageDiffArguments) -> CommandResult {
    let nobody = SuppressionArguments { vex: Vec::new(), exceptions: Vec::new() };
    compare(context, arguments, Some(&DatabaseChoice::None), &nobody)
}

fn compare(
    context: &mut Context,
    packages: &PackageDiffArguments,
    db: Option<&DatabaseChoice>,
    suppression: &SuppressionArguments,
) -> CommandResult {
    let PackageDiffArguments { old, new, platform, format, common } = packages;
    let settings = scan::settings(context, common, None, false)?;
    let named = [(old.as_path(), "what is compared with"), (new.as_path(), "what is compared")];
    show::check_output(common, db, suppression, &named)?;
    let judges = Judges::find(&settings, &context.environment, db, suppression)?;
    let mut read = |path| {
        let report = show::report_of(context, &settings, &judges, path, platform.clone(), common)?;
        show::tell(&report.inventory, &settings);
        Ok::<_, CliError>(report)
    };
    let (old, new) = (read(old)?, read(new)?);
    let difference = diff(&old, &new);
    let file = common.output.as_deref();
    match format {
        JsonOrTable::Table => {
            output::write_styled(&diff_table(&difference, TableOptions { width: output::width(file) }), file)?;
        }
        JsonOrTable::Json => output::write_with(file, |to| write_json(&difference, to))?,
    }
    super::vulnerabilities::tell(&new);
    let whole = difference.old.complete && difference.new.complete;
    Ok(if whole || settings.scan.allow_incomplete { Exit::Passed } else { Exit::Incomplete })
}
