//! SBOMs of any program as inventories.
//!
//! One module for each format, in one table; which it is, the fields at the top tell. Documents that this program wrote
//! bring back the inventory that they were written from: all of it but its packages is a property of the document, and
//! their packages have properties for what the standard's fields do not hold. Documents of others say less: what they name
//! no package URL or version for is said, and one that names no package at all is never taken for something empty.
//!
//! Two passes over the bytes: what the document says of itself, then its packages one by one, so that the memory taken is
//! of the packages that are kept, not of the text.

mod gather;

pub(crate) use gather::{About, Gather, Said, image};

use crate::{cyclonedx, spdx, syft};
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Inventory, json_reason};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::Text;

/// Why a file is not taken as an SBOM.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] LimitExceeded),
    /// It is of a version that is not read.
    #[error("it is {0}, which is not read")]
    Version(String),
    /// It is something around an SBOM.
    #[error("it is {what}, which is not read; give what its `{field}` holds")]
    Wrapped {
        /// What it is.
        what: &'static str,
        /// Where the SBOM is in it.
        field: &'static str,
    },
    /// It does not follow its form.
    #[error("as an SBOM in {format} it {reason}")]
    Malformed {
        /// Of which format it is.
        format: &'static str,
        /// What is wrong, as a verb and what follows it.
        reason: String,
    },
}

impl ReadError {
    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge(_) => Code::LimitExceeded,
            Self::Version(_) | Self::Wrapped { .. } => Code::ReportUnknown,
            Self::Malformed { .. } => Code::ReportMalformed,
        }
    }
}

/// A format that is read.
pub(crate) struct Format {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether a document with these fields is of it.
    pub(crate) recognises: fn(&Head) -> bool,
    /// Whether it is of a version that is read; what it is, where it is not.
    pub(crate) version: fn(&Head) -> Result<(), String>,
    pub(crate) read: fn(&Input<'_>) -> Result<Inventory, serde_json::Error>,
}

/// Every format that is read.
static FORMATS: &[&Format] = &[&cyclonedx::read::FORMAT, &spdx::read::FORMAT, &syft::FORMAT];

/// What a reader gets.
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) read_at: Timestamp,
    pub(crate) limits: &'a Limits,
}

/// The fields at the top of a document that tell its format.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    #[serde(rename = "bomFormat")]
    pub(crate) bom_format: Text,
    #[serde(rename = "specVersion")]
    pub(crate) spec_version: Text,
    #[serde(rename = "spdxVersion")]
    pub(crate) spdx_version: Text,
    pub(crate) schema: Option<Schema>,
    pub(crate) artifacts: Option<IgnoredAny>,
    #[serde(rename = "artifactRelationships")]
    pub(crate) artifact_relationships: Option<IgnoredAny>,
    pub(crate) descriptor: Option<Descriptor>,
    #[serde(rename = "@context")]
    context: Text,
    #[serde(rename = "_type")]
    statement: Text,
    #[serde(rename = "payloadType")]
    payload_type: Text,
    detector: Option<IgnoredAny>,
    manifests: Option<IgnoredAny>,
    sbom: Option<Wrapped>,
}

/// What may be wrapped in a document.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wrapped {
    /// A document in JSON.
    Document {
        #[serde(rename = "spdxVersion", default)]
        spdx_version: Text,
        #[serde(rename = "bomFormat", default)]
        bom_format: Text,
    },
    /// Something else.
    Other(IgnoredAny),
}

impl Head {
    /// Why a document is not read that is known to have an SBOM.
    fn unread(&self) -> Option<ReadError> {
        if self.context.starts_with("https://spdx.org/rdf/3") {
            return Some(ReadError::Version("SPDX 3".to_owned()));
        }
        if self.statement.starts_with("https://in-toto.io/Statement") {
            return Some(ReadError::Wrapped { what: "an attestation (an in-toto statement)", field: "predicate" });
        }
        if &*self.payload_type == "application/vnd.in-toto+json" {
            let what = "a signed attestation (an in-toto statement in an envelope)";
            return Some(ReadError::Wrapped { what, field: "payload" });
        }
        if self.detector.is_some() && self.manifests.is_some() {
            return Some(ReadError::Version("a snapshot of dependencies for GitHub".to_owned()));
        }
        let is_sbom = |wrapped: &Wrapped| match wrapped {
            Wrapped::Document { spdx_version, bom_format } => !spdx_version.is_empty() || !bom_format.is_empty(),
            Wrapped::Other(_) => false,
        };
        let is_wrapped = self.sbom.as_ref().is_some_and(is_sbom);
        is_wrapped
            .then_some(ReadError::Wrapped { what: "an SBOM in another document, as GitHub gives it", field: "sbom" })
    }
}

/// The program that wrote a document, as Syft says it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Descriptor {
    /// By name.
    Of {
        /// Of the program.
        name: Text,
    },
    /// Something else.
    Other(IgnoredAny),
}

/// What Syft calls its form.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Schema {
    /// By address.
    Syft {
        /// Of the schema.
        url: Text,
    },
    /// Something else.
    Other(IgnoredAny),
}

/// Reads the SBOM in `bytes`, which came from the file `name`: CycloneDX 1.2 to 1.7, SPDX 2.2 and 2.3 or Syft's own form,
/// all as JSON. None where it is of no format that is known. `read_at` is the time of a document that says none.
///
/// What was left out or is not known is in the diagnostics of the result.
pub fn read(bytes: &[u8], name: &str, read_at: Timestamp, limits: &Limits) -> Option<Result<Inventory, ReadError>> {
    // Some programs on Windows write it; JSON has no place for it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: Head = serde_json::from_slice(bytes).ok()?;
    let Some(format) = FORMATS.iter().find(|format| (format.recognises)(&head)) else {
        return head.unread().map(Err);
    };
    if bytes.len() as u64 > limits.text_file_bytes {
        return Some(Err(limits.exceeded(LimitKey::TextFileBytes, "bytes").into()));
    }
    if let Err(what) = (format.version)(&head) {
        return Some(Err(ReadError::Version(what)));
    }
    let input = Input { bytes, name, read_at, limits };
    let malformed = |error| ReadError::Malformed { format: format.name, reason: json_reason(&error) };
    Some((format.read)(&input).map_err(malformed))
}
