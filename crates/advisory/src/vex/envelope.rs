//! Attestations around VEX: in-toto statements (<https://github.com/in-toto/attestation>, v0.1 and v1), bare or in an
//! envelope of DSSE (<https://github.com/secure-systems-lab/dsse>), alone or in a bundle of Sigstore. Signatures are
//! not checked.

use crate::product::{ImageName, Name};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sekisho_model::{Digest, json_reason};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What an attestation says.
pub(super) struct Attestation {
    /// Of what.
    pub(super) subjects: Vec<Name>,
    /// The document.
    pub(super) predicate: Vec<u8>,
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "dsseEnvelope", borrow)]
    bundled: Option<Dsse<'a>>,
    #[serde(rename = "payloadType", borrow)]
    payload_type: Option<&'a RawValue>,
    payload: Option<String>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
}

#[derive(Deserialize)]
struct Dsse<'a> {
    #[serde(rename = "payloadType", borrow)]
    _payload_type: &'a RawValue,
    payload: String,
}

#[derive(Deserialize)]
struct InToto<'a> {
    #[serde(rename = "predicateType", default)]
    predicate_type: String,
    #[serde(default)]
    subject: Vec<Subject>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    name: String,
    #[serde(default)]
    digest: Digests,
}

#[derive(Deserialize, Default)]
struct Digests {
    sha256: Option<String>,
}

/// Both alphabets are allowed, with and without padding (DSSE, protocol.md).
const BASE64: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The attestation in `bytes`; none where they are something else.
pub(super) fn open(bytes: &[u8]) -> Result<Option<Attestation>, String> {
    let outer: Outer<'_> = serde_json::from_slice(bytes).map_err(|error| json_reason(&error))?;
    let payload = match outer {
        Outer { bundled: Some(Dsse { payload, .. }), .. }
        | Outer { payload_type: Some(_), payload: Some(payload), .. } => payload,
        Outer { predicate_type: Some(_), .. } => return statement(bytes).map(Some),
        _ => return Ok(None),
    };
    let alphabet = if payload.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
    let decoded = GeneralPurpose::new(&alphabet, BASE64).decode(payload.trim());
    let decoded = decoded.map_err(|error| format!("the payload of the envelope is not base64: {error}"))?;
    statement(&decoded).map(Some)
}

fn statement(bytes: &[u8]) -> Result<Attestation, String> {
    let said: InToto<'_> =
        serde_json::from_slice(bytes).map_err(|error| format!("the attestation {}", json_reason(&error)))?;
    let Some(predicate) = said.predicate else {
        return Err(format!("the attestation of type {:?} says nothing", said.predicate_type));
    };
    let subjects = said.subject.iter().filter_map(name).collect();
    Ok(Attestation { subjects, predicate: predicate.get().as_bytes().to_vec() })
}

/// A package URL, or an image by its digest.
fn name(subject: &Subject) -> Option<Name> {
    let digest = subject.digest.sha256.as_deref().and_then(|hex| Digest::from_hex(hex).ok());
    match Name::parse(&subject.name) {
        // The digest of a package's archive is not known here; that of an image decides.
        Some(name @ Name::Package(_)) => Some(name),
        Some(name) => Some(digest.map_or(name, Name::Digest)),
        None => digest.map(Name::Digest).or_else(|| {
            let is_reference = !subject.name.is_empty() && !subject.name.contains("://");
            is_reference.then(|| Name::Image(ImageName::called(&subject.name, None)))
        }),
    }
}
