//! Documents that are read again: what this program wrote, SBOMs, and reports of other scanners.

use crate::error::{CliError, reason};
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Code, INVENTORY_SCHEMA, Inventory, ScanReport, SourceKind, json_reason};
use sekisho_report::foreign::{self, ForeignError};
use serde::Deserialize;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A document about what is in something.
pub(crate) enum Document {
    /// What is in it.
    Inventory(Box<Inventory>),
    /// With what was found in it.
    Report(Box<ScanReport>),
}

impl Document {
    /// What is in it.
    pub(crate) fn inventory(self) -> Inventory {
        match self {
            Self::Inventory(inventory) => *inventory,
            Self::Report(report) => report.inventory,
        }
    }

    /// What was found in it, where the document says.
    pub(crate) fn report(self) -> Option<ScanReport> {
        match self {
            Self::Inventory(_) => None,
            Self::Report(report) => Some(*report),
        }
    }
}

/// What tells our documents apart.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    schema: String,
}

/// What stands for a document that is piped in.
const PIPED: &str = "-";

/// The name and content of a document that was asked for.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<(String, Vec<u8>), CliError> {
    // One byte more tells what is too large.
    let most = limits.text_file_bytes.saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new(PIPED) {
        let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
        read.map_err(|error| {
            CliError::new(Code::InputUnreadable, format!("cannot read standard input: {}", reason(&error)))
        })?;
        return Ok(("standard input".to_owned(), bytes));
    }
    let fail = |error: &std::io::Error| {
        let message = format!("cannot read {}: {}", path.display(), reason(error));
        let code = if error.kind() == ErrorKind::NotFound { Code::SourceMissing } else { Code::SourceUnreadable };
        CliError::new(code, message)
    };
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(|error| fail(&error))?;
    Ok((path.to_string_lossy().into_owned(), bytes))
}

/// The document at `path`; none where that is no JSON at all. `now` is the time of a document that says none.
pub(crate) fn open(path: &Path, now: Timestamp, limits: &Limits) -> Result<Option<Document>, CliError> {
    // What is no file, whoever reads images says better.
    let is_piped = path == Path::new(PIPED);
    if !is_piped && (!path.is_file() || !begins_as_json(path)) {
        return Ok(None);
    }
    let (name, bytes) = read(path, limits)?;
    if is_piped && !is_json(&bytes) {
        return Ok(None);
    }
    let fail = |code, why: String| CliError::new(code, format!("cannot read {name}: {why}"));
    let is_inventory = serde_json::from_slice(&bytes).is_ok_and(|kind: Kind| kind.schema == INVENTORY_SCHEMA);
    if is_inventory && bytes.len() as u64 <= limits.text_file_bytes {
        let read = serde_json::from_slice(&bytes);
        let inventory: Inventory =
            read.map_err(|error| fail(Code::ReportMalformed, format!("it {}", json_reason(&error))))?;
        return Ok(Some(Document::Inventory(Box::new(inventory))));
    }
    if let Some(read) = sekisho_sbom::read::read(&bytes, &name, now, limits) {
        let inventory = read.map_err(|error| fail(error.code(), error.to_string()))?;
        return Ok(Some(Document::Inventory(Box::new(inventory))));
    }
    match foreign::read(&bytes, &name, now, limits) {
        Ok(report) => Ok(Some(Document::Report(Box::new(report)))),
        Err(error @ ForeignError::Unknown(_)) => {
            let why = error.to_string();
            let why = why.strip_prefix("it is ").unwrap_or(&why);
            Err(fail(error.code(), format!("it is no SBOM that is read, and {why}")))
        }
        Err(error) => Err(fail(error.code(), error.to_string())),
    }
}

/// The documents that a path stands for: itself, or every `.json` below a directory, sorted; and whether it is a directory.
pub(crate) fn below(path: &Path) -> Result<(Vec<PathBuf>, bool), CliError> {
    if !path.is_dir() {
        return Ok((vec![path.to_owned()], false));
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        let unreadable = |error: &std::io::Error| {
            let message = format!("cannot read {}: {}", directory.display(), reason(error));
            CliError::new(Code::SourceUnreadable, message)
        };
        for entry in std::fs::read_dir(&directory).map_err(|error| unreadable(&error))? {
            let path = entry.map_err(|error| unreadable(&error))?.path();
            // A link may lead round in a circle.
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok((found, true))
}

/// What is in the thing that the document at `path` describes. What another scanner reported is none: it names what has
/// findings, which need not be all.
pub(crate) fn inventory(path: &Path, now: Timestamp, limits: &Limits) -> Result<Inventory, CliError> {
    if let Some(inventory) = inventory_if_any(path, now, limits)? {
        return Ok(inventory);
    }
    // A path that is not there, or may not be read, is better told by whoever opens it.
    let (name, _) = read(path, limits)?;
    Err(CliError::new(Code::ReportUnknown, format!("{name} is no SBOM in JSON")))
}

/// The same; none where that is no JSON at all.
pub(crate) fn inventory_if_any(path: &Path, now: Timestamp, limits: &Limits) -> Result<Option<Inventory>, CliError> {
    match open(path, now, limits)? {
        Some(Document::Report(found)) if found.inventory.source.kind == SourceKind::Report => {
            let message =
                format!("{} is the report of a scan by {}, and no SBOM", path.display(), found.inventory.tool.name);
            Err(CliError::new(Code::ReportUnknown, message).hint("use `sekisho scan report`"))
        }
        document => Ok(document.map(Document::inventory)),
    }
}

fn begins_as_json(path: &Path) -> bool {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut first));
    read.is_ok() && is_json(&first)
}

/// Whether an object of JSON begins here.
fn is_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().first() == Some(&b'{')
}
