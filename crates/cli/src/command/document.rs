//! Documents that this program wrote, read again.

use crate::error::{CliError, reason};
use sekisho_base::Limits;
use sekisho_model::{Code, INVENTORY_SCHEMA, Inventory, SCAN_SCHEMA, ScanReport, json_reason};
use serde::Deserialize;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What tells documents apart.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    schema: String,
}

/// The name and content of a document that was asked for.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<(String, Vec<u8>), CliError> {
    let fail = |error: &std::io::Error| {
        let message = format!("cannot read {}: {}", path.display(), reason(error));
        let code = if error.kind() == ErrorKind::NotFound { Code::SourceMissing } else { Code::SourceUnreadable };
        CliError::new(code, message)
    };
    let mut bytes = Vec::new();
    // One byte more tells what is too large.
    let most = limits.feed_file_bytes.saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(|error| fail(&error))?;
    Ok((path.to_string_lossy().into_owned(), bytes))
}

/// The inventory in the document at `path`; none where that is no JSON at all.
pub(crate) fn inventory(path: &Path, limits: &Limits) -> Result<Option<Inventory>, CliError> {
    let unreadable = |error: &std::io::Error| {
        let message = format!("cannot read {}: {}", path.display(), reason(error));
        CliError::new(Code::SourceUnreadable, message)
    };
    // What is not there, or no file, whoever reads images says better.
    let Ok(mut file) = File::open(path) else { return Ok(None) };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes != b"{" {
        return Ok(None);
    }
    let most = limits.feed_file_bytes;
    file.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > most {
        let message = format!("{} is larger than limits.feed_file_bytes allows", path.display());
        return Err(CliError::new(Code::LimitExceeded, message));
    }
    let malformed = |error: &serde_json::Error| {
        CliError::new(Code::DocumentMalformed, format!("{} {}", path.display(), json_reason(error)))
    };
    let kind: Kind = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
    match kind.schema.as_str() {
        INVENTORY_SCHEMA => serde_json::from_slice(&bytes).map(Some).map_err(|error| malformed(&error)),
        SCAN_SCHEMA => serde_json::from_slice(&bytes)
            .map(|report: ScanReport| Some(report.inventory))
            .map_err(|error| malformed(&error)),
        other => {
            let what = if other.is_empty() { "no schema".to_owned() } else { format!("the schema {other:?}") };
            let message = format!("{} is a JSON document of {what}, which is not read", path.display());
            Err(CliError::new(Code::DocumentMalformed, message))
        }
    }
}
