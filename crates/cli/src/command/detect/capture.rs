//! `detect run --capture`: what was just before an alert, and what came after, as a capture.

use super::told::things;
use crate::args::CaptureMode;
use crate::config::DetectSettings;
use crate::error::{CliError, reason};
use crate::output;
use sekisho_agent::{Host, Recorded, Recording};
use sekisho_detect::Demand;
use sekisho_model::Code;
use sekisho_report::printable;
use std::time::Duration;

/// How alerts are recorded, if they are.
pub(super) fn recording(asked: &DetectSettings) -> Result<Option<Recording>, CliError> {
    let directory = &asked.capture;
    if directory.as_os_str().is_empty() {
        return Ok(None);
    }
    std::fs::create_dir_all(directory).map_err(|error| {
        let place = directory.display();
        CliError::new(Code::OutputFailed, format!("cannot make {place} for captures: {}", reason(&error)))
    })?;
    Ok(Some(Recording {
        directory: directory.clone(),
        all_rules: asked.capture_mode == CaptureMode::AllRules.as_str(),
        before: Duration::from_secs(asked.capture_before.into()),
        duration: Duration::from_millis(asked.capture_duration.into()),
        memory: (asked.capture_memory as usize) << 20,
        file_bytes: u64::from(asked.capture_filesize) << 20,
        files: asked.capture_files,
    }))
}

/// What recordings need beside what rules ask: which file a descriptor stands for is told by the calls that make it.
pub(super) fn demand() -> Demand {
    Demand { all_files: true, ..Demand::none() }
}

/// Says what came of it.
pub(super) fn account(host: &mut Host) {
    let Some(Recorded { captures, withheld, crowded, cut, unexplained, failed }) = host.end_recording() else { return };
    output::error_line(&format!("{} made", things(captures, "capture")));
    let counts = [
        (withheld, "alerts without a capture, since there were as many as there may be (--capture-files)"),
        (crowded, "events dropped before their time, since there was no room (--capture-memory)"),
        (cut, "captures ended before their time, since they were as large as they may be (--capture-filesize)"),
        (unexplained, "descriptors of which a capture may say something else than was true"),
    ];
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        output::error_line(&format!("not captured: {what}: {count}"));
    }
    if let Some(why) = failed {
        output::error_line(&printable(&format!("not captured: a capture could not be written: {why}")));
    }
}
