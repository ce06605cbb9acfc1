//! VEX: what those who ship software say about vulnerabilities in it. OpenVEX, CycloneDX and CSAF, as JSON, told by
//! what they hold; each may be the predicate of an in-toto attestation, whose signature is not checked here.
//!
//! A document becomes [`Statement`]s, each about one vulnerability in one product. What is not understood makes none:
//! a product that is named by nothing that can be compared is left aside and counted, a status that is none is said as
//! incomplete, since it could have taken back what is said elsewhere. Which statement counts for which finding is
//! [`crate::suppress`].

mod csaf;
mod cyclonedx;
mod envelope;
mod openvex;
#[cfg(test)]
mod tests;

use crate::product::Name;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic, Exit, json_reason};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many things of one kind a diagnostic names; the rest are counted.
const NAMED: usize = 5;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VexFormat {
    /// <https://github.com/openvex/spec>
    OpenVex,
    /// CycloneDX 1.4 to 1.7, `vulnerabilities`.
    CycloneDx,
    /// CSAF 2.0, usually of the profile VEX.
    Csaf,
}

impl VexFormat {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenVex => "OpenVEX",
            Self::CycloneDx => "CycloneDX",
            Self::Csaf => "CSAF",
        }
    }
}

/// A VEX document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexDocument {
    /// The name it was given: its path.
    pub name: String,
    /// Its format.
    pub format: VexFormat,
    /// Who says it.
    pub author: Option<Arc<str>>,
    /// What the attestation that it came in is about: the statements count for nothing else. None where it came in none.
    pub subjects: Option<Vec<Name>>,
    /// What it says, in its order.
    pub statements: Vec<Statement>,
}

/// That a product has a vulnerability, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// All names of the vulnerability.
    pub vulnerability: Arc<[String]>,
    /// The product.
    pub product: Arc<Product>,
    /// What is said.
    pub status: VexStatus,
    /// Why it is not affected, in a word of the format: `vulnerable_code_not_present`.
    pub justification: Option<Arc<str>>,
    /// The same in prose; for one that is affected, what to do.
    pub text: Option<Arc<str>>,
    /// When that was so; what has none is older than all that have one.
    pub timestamp: Option<Timestamp>,
}

/// A product: a package, or an image, or packages in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its names, each of which is enough.
    pub names: Vec<Name>,
    /// The packages of it that are spoken of, each by any of its names; none for the whole.
    pub components: Option<Vec<Name>>,
}

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VexStatus {
    /// Nothing is to be done.
    NotAffected,
    /// This version has the fix.
    Fixed,
    /// It has it.
    Affected,
    /// That is not known yet.
    UnderInvestigation,
}

impl VexStatus {
    /// OpenVEX's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether a finding of which this is said does not count.
    pub fn suppresses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// Why a file is no VEX document that could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VexError {
    /// It is more than is read.
    #[error("{name}: {exceeded}")]
    TooLarge {
        /// The file.
        name: String,
        /// The bound.
        exceeded: LimitExceeded,
    },
    /// It is none of the formats.
    #[error("{name}: is neither OpenVEX nor CycloneDX nor CSAF, nor an in-toto attestation of one of them")]
    Unknown {
        /// The file.
        name: String,
    },
    /// It does not follow its format.
    #[error("{name}: {reason}")]
    Malformed {
        /// The file.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl VexError {
    /// The code for it.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::LimitExceeded,
            Self::Unknown { .. } | Self::Malformed { .. } => Code::VexMalformed,
        }
    }

    /// How a command that ends with it exits.
    pub fn exit(&self) -> Exit {
        self.code().exit()
    }
}

/// Reads a document that is called `name`. Diagnostics are about what of it does not count, and about an attestation
/// that was not verified.
pub fn read(bytes: &[u8], name: &str, limits: &Limits) -> Result<(VexDocument, Vec<Diagnostic>), VexError> {
    if bytes.len() as u64 > limits.text_file_bytes {
        let exceeded = limits.exceeded(LimitKey::TextFileBytes, "bytes of a VEX document");
        return Err(VexError::TooLarge { name: name.to_owned(), exceeded });
    }
    let malformed = |reason| VexError::Malformed { name: name.to_owned(), reason };
    let mut sink = Sink::new(limits);
    let mut payload = None;
    let mut subjects = None;
    let mut document = bytes;
    if let Some(attestation) = envelope::open(bytes).map_err(malformed)? {
        sink.diagnostics.push(Diagnostic::note(
            Code::VexUnverified,
            "came in an attestation, whose signature was not checked: whoever wrote the file may have written it",
        ));
        subjects = Some(attestation.subjects);
        document = payload.insert(attestation.predicate).as_slice();
    }
    let kind: Kind = serde_json::from_slice(document).map_err(|error| malformed(json_reason(&error)))?;
    let Some(format) = kind.format() else { return Err(VexError::Unknown { name: name.to_owned() }) };
    let read = match format {
        VexFormat::OpenVex => openvex::read(document, subjects.as_deref(), &mut sink),
        VexFormat::CycloneDx => cyclonedx::read(document, &mut sink),
        VexFormat::Csaf => csaf::read(document, &mut sink),
    };
    let author = read.map_err(|error| malformed(json_reason(&error)))?;
    let (statements, diagnostics) = sink.finish(name);
    Ok((VexDocument { name: name.to_owned(), format, author, subjects, statements }, diagnostics))
}

/// The document in the attestation in `bytes`, of any kind; none where they are no attestation. Signatures are not checked.
pub fn attested(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    Ok(envelope::open(bytes)?.map(|attestation| attestation.predicate))
}

/// What tells the formats apart: a few keys, whatever they hold.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "@context")]
    context: Option<IgnoredAny>,
    statements: Option<IgnoredAny>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<IgnoredAny>,
    document: Option<IgnoredAny>,
}

impl Kind {
    fn format(&self) -> Option<VexFormat> {
        if self.bom_format.is_some() {
            Some(VexFormat::CycloneDx)
        } else if self.context.is_some() || self.statements.is_some() {
            Some(VexFormat::OpenVex)
        } else if self.document.is_some() {
            Some(VexFormat::Csaf)
        } else {
            None
        }
    }
}

/// Takes what a reader finds.
struct Sink<'a> {
    limits: &'a Limits,
    statements: Vec<Statement>,
    /// Statements that the limit left out.
    beyond: usize,
    unknown: BTreeSet<String>,
    unknown_statements: usize,
    diagnostics: Vec<Diagnostic>,
    broken: usize,
}

impl<'a> Sink<'a> {
    fn new(limits: &'a Limits) -> Self {
        let (statements, diagnostics) = (Vec::new(), Vec::new());
        Self { limits, statements, beyond: 0, unknown: BTreeSet::new(), unknown_statements: 0, diagnostics, broken: 0 }
    }

    fn say(&mut self, statement: Statement) {
        if self.statements.len() < self.limits.records {
            self.statements.push(statement);
        } else {
            self.beyond += 1;
        }
    }

    /// A statement about a product that cannot be compared with anything.
    fn product_unknown(&mut self, product: &str) {
        self.unknown_statements += 1;
        if self.unknown.len() < NAMED && !product.is_empty() {
            self.unknown.insert(product.chars().take(120).collect());
        }
    }

    /// A statement that says nothing that is understood.
    fn broken(&mut self, vulnerability: &str, reason: std::fmt::Arguments<'_>) {
        self.broken += 1;
        if self.broken <= NAMED {
            let vulnerability: String = vulnerability.chars().take(120).collect();
            let message = format!("a statement about {vulnerability:?} was skipped: {reason}");
            self.diagnostics.push(Diagnostic::incomplete(Code::VexMalformed, message));
        }
    }

    fn finish(mut self, name: &str) -> (Vec<Statement>, Vec<Diagnostic>) {
        if let Some(more @ 1..) = self.broken.checked_sub(NAMED) {
            let message = format!("{more} more statements were skipped");
            self.diagnostics.push(Diagnostic::incomplete(Code::VexMalformed, message));
        }
        if self.beyond > 0 {
            let exceeded = self.limits.exceeded(LimitKey::Records, "statements");
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
        }
        if self.unknown_statements > 0 {
            let noun = if self.unknown_statements == 1 { "statement names" } else { "statements name" };
            let mut message = format!("{} {noun} a product by nothing that can be compared", self.unknown_statements);
            if !self.unknown.is_empty() {
                let names: Vec<String> = self.unknown.iter().map(|name| format!("{name:?}")).collect();
                message = format!("{message}: {}", names.join(", "));
            }
            self.diagnostics.push(Diagnostic::note(Code::VexProductUnknown, message));
        }
        (self.statements, self.diagnostics.into_iter().map(|diagnostic| diagnostic.at(name)).collect())
    }
}

/// A text that may be absent or empty.
fn prose(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}
