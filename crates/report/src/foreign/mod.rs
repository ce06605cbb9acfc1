//! Reports of other scanners as scan reports of ours, for the same gates and formats.
//!
//! One module for each scanner whose JSON is read, in one table. What comes out is only as much as the other scanner
//! wrote: no layer sizes, no base image, often no packages but those with findings, which a note says. A finding is never
//! left out silently: a record without an id or a package makes the result incomplete.
//!
//! Our own reports are read here as well. Their gate is dropped: whoever reads a report judges it anew.

mod gather;
mod grype;
#[cfg(test)]
mod tests;
mod trivy;

use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic, Level, SCAN_SCHEMA, ScanReport, ScanState, json_reason};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Why a file is not taken as a report.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] LimitExceeded),
    /// It is of none of the kinds that are read.
    #[error("{0}")]
    Unknown(String),
    /// It is of one of them and does not follow its form.
    #[error("as a report of {scanner} it {reason}")]
    Malformed {
        /// Whose report it is.
        scanner: &'static str,
        /// What is wrong, as a verb and what follows it.
        reason: String,
    },
}

impl ForeignError {
    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge(_) => Code::LimitExceeded,
            Self::Unknown(_) => Code::ReportUnknown,
            Self::Malformed { .. } => Code::ReportMalformed,
        }
    }
}

/// A scanner whose reports are read.
struct Scanner {
    /// Its name.
    name: &'static str,
    /// Whether a document with these fields is one of its reports.
    recognises: fn(&Head<'_>) -> bool,
    read: fn(&Input<'_>) -> Result<ScanReport, serde_json::Error>,
}

/// Every scanner whose reports are read.
static SCANNERS: &[&Scanner] = &[&OURS, &trivy::SCANNER, &grype::SCANNER];

static OURS: Scanner =
    Scanner { name: "Sekisho", recognises: |head| head.schema.as_deref() == Some(SCAN_SCHEMA), read: ours };

/// What a reader gets.
struct Input<'a> {
    bytes: &'a [u8],
    name: &'a str,
    read_at: Timestamp,
    limits: &'a Limits,
}

/// The fields at the top of a document that tell whose it is.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    schema: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "SchemaVersion", default)]
    schema_version: Option<serde_json::Number>,
    #[serde(rename = "ArtifactName", default)]
    artifact_name: Option<IgnoredAny>,
    #[serde(rename = "ArtifactType", default)]
    artifact_type: Option<IgnoredAny>,
    #[serde(default)]
    matches: Option<IgnoredAny>,
    #[serde(default)]
    descriptor: Option<IgnoredAny>,
}

/// Reads the report in `bytes`, which came from the file `name`: JSON of this program (`sekisho.scan/v1`), of Trivy
/// (schema version 2) or of Grype. `read_at` is the time of a report that says none.
///
/// What was left out or is not known is in the diagnostics of the result, and in its state.
pub fn read(bytes: &[u8], name: &str, read_at: Timestamp, limits: &Limits) -> Result<ScanReport, ForeignError> {
    if bytes.len() as u64 > limits.text_file_bytes {
        return Err(limits.exceeded(LimitKey::TextFileBytes, "bytes").into());
    }
    // Some programs on Windows write it; JSON has no place for it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: Head<'_> = serde_json::from_slice(bytes)
        .map_err(|error| ForeignError::Unknown(format!("it is no report: it {}", json_reason(&error))))?;
    let Some(scanner) = SCANNERS.iter().find(|scanner| (scanner.recognises)(&head)) else {
        let names: Vec<&str> = SCANNERS.iter().map(|scanner| scanner.name).collect();
        return Err(ForeignError::Unknown(format!("it is no scan report in JSON of {}", names.join(", "))));
    };
    let input = Input { bytes, name, read_at, limits };
    (scanner.read)(&input)
        .map_err(|error| ForeignError::Malformed { scanner: scanner.name, reason: json_reason(&error) })
}

fn ours(input: &Input<'_>) -> Result<ScanReport, serde_json::Error> {
    let mut report: ScanReport = serde_json::from_slice(input.bytes)?;
    report.gate = None;
    let mut unsure = Vec::new();
    let lost = report.assessment.findings.len() - report.rows().len();
    if lost > 0 {
        let message = format!("{lost} findings are of packages or vulnerabilities that the report does not describe");
        unsure.push(Diagnostic::incomplete(Code::ReportRecordMalformed, message).at(input.name));
    }
    let most = input.limits.records;
    if report.inventory.packages.len() > most || report.assessment.findings.len() > most {
        report.inventory.packages.truncate(most);
        report.assessment.findings.truncate(most);
        let exceeded = input.limits.exceeded(LimitKey::Records, "records");
        unsure.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()).at(input.name));
    }
    report.assessment.diagnostics.extend(unsure);
    // What was not read or judged is known by what is said of it, whatever the sums at the end are.
    let has_gaps = |told: &[Diagnostic]| told.iter().any(|told| told.level == Level::Incomplete);
    report.inventory.complete &= !has_gaps(&report.inventory.diagnostics);
    if report.assessment.state == ScanState::Scanned && has_gaps(&report.assessment.diagnostics) {
        report.assessment.state = ScanState::Incomplete;
    }
    Ok(report)
}
