//! `detect run --respond`: what is done about alerts, and what is kept from happening.

use super::super::document;
use super::told::{lines, things};
use crate::args::{AlertFormat, AlertsOption};
use crate::error::CliError;
use crate::output;
use sekisho_agent::Host;
use sekisho_base::Limits;
use sekisho_detect::Style;
use sekisho_detect::response::{self, Plan, Record};
use sekisho_model::Code;
use std::io::{self, Write};
use std::path::Path;

/// Reads a plan.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<Plan, CliError> {
    let (name, bytes) = document::read(path, limits)?;
    let malformed = |reason: String| CliError::new(Code::ResponseMalformed, format!("cannot use {name}: {reason}"));
    let text = str::from_utf8(&bytes).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    response::read(text, limits).map_err(|error| malformed(error.to_string()))
}

/// Has the host act as a plan says, and says what that is.
pub(super) fn begin(host: &mut Host, plan: Plan, limits: &Limits) {
    let counts = (things(plan.responses.len() as u64, "response"), things(plan.denials.len() as u64, "denial"));
    let how = if plan.enforce {
        format!("at most {} a minute are killed, stopped or paused", plan.kills_per_minute)
    } else {
        "dry run: nothing is done".to_owned()
    };
    let missing = host.respond(plan, limits);
    output::error_line(&format!("{}, {}; {how}", counts.0, counts.1));
    lines("not done", &missing);
}

/// Says what was not decided in time.
pub(super) fn account(host: &Host) {
    let (undecided, untold) = (host.undecided(), host.untold());
    if untold > 0 {
        lines("not told", &[format!("{} of denials, since too much came at once", things(untold, "record"))]);
    }
    if undecided > 0 {
        lines(
            "not denied",
            &[format!("{} let through, which could not be decided in time", things(undecided, "attempt"))],
        );
    }
}

/// Writes what no alert tells.
pub(super) fn write(records: &[Record], hostname: &str, told: &AlertsOption, to: &mut dyn Write) -> io::Result<()> {
    let style = Style { iso_time: told.iso_time, ..Style::default() };
    records.iter().try_for_each(|record| match told.format {
        AlertFormat::Text => writeln!(to, "{}", record.text(style)),
        AlertFormat::Json => {
            serde_json::to_writer(&mut *to, &record.document(hostname))?;
            to.write_all(b"\n")
        }
    })
}
