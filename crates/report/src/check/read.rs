//! A stored check report, read back.

use crate::foreign::ForeignError;
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::{CHECK_SCHEMA, CheckReport, Code, Diagnostic, Verdict, json_reason};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    schema: Option<Cow<'a, str>>,
}

/// Reads the check report (`sekisho.check/v1`) in `bytes`, which came from the file `name`.
///
/// Its gate is kept: what it says was said by the policies as they were. Results that are of no policy or no subject, and
/// what is beyond [`Limits::records`], are left out; a diagnostic says so, and a gate that passed becomes unknown.
pub fn read_check(bytes: &[u8], name: &str, limits: &Limits) -> Result<CheckReport, ForeignError> {
    if bytes.len() as u64 > limits.text_file_bytes {
        return Err(limits.exceeded(LimitKey::TextFileBytes, "bytes").into());
    }
    // Some programs on Windows write it; JSON has no place for it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let malformed =
        |error: serde_json::Error| ForeignError::Malformed { scanner: "Sekisho", reason: json_reason(&error) };
    let head: Head<'_> = serde_json::from_slice(bytes)
        .map_err(|error| ForeignError::Unknown(format!("it is no check report: it {}", json_reason(&error))))?;
    if head.schema.as_deref() != Some(CHECK_SCHEMA) {
        return Err(ForeignError::Unknown(format!("it is no check report: its schema is not {CHECK_SCHEMA}")));
    }
    let mut report: CheckReport = serde_json::from_slice(bytes).map_err(malformed)?;
    let mut unsure = Vec::new();
    let most = limits.records;
    if report.policies.len() > most || report.subjects.len() > most || report.results.len() > most {
        report.policies.truncate(most);
        report.subjects.truncate(most);
        report.results.truncate(most);
        unsure.push((Code::LimitExceeded, limits.exceeded(LimitKey::Records, "records").to_string()));
    }
    let (policies, subjects, before) = (report.policies.len(), report.subjects.len(), report.results.len());
    report.results.retain(|result| result.policy < policies && result.subject < subjects);
    let lost = before - report.results.len();
    if lost > 0 {
        let text = format!("{lost} results are of policies or subjects that the report does not describe");
        unsure.push((Code::ReportRecordMalformed, text));
    }
    for (code, text) in unsure {
        let told = Diagnostic::incomplete(code, text).at(name);
        report.gate.unknown.push(told.to_string());
        report.diagnostics.push(told);
        if report.gate.verdict == Verdict::Passed && !report.gate.allow_incomplete {
            report.gate.verdict = Verdict::Unknown;
        }
    }
    Ok(report)
}
