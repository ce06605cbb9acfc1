//! Documents that a layout or a registry holds about an image beside it, for who asks for them.

use jiff::Timestamp;
use sekisho_advisory::vex;
use sekisho_base::Limits;
use sekisho_base::spool::SpillQuota;
use sekisho_model::{Code, Diagnostic, ImageRef, Inventory, Level, SourceKind};
use sekisho_oci::{Referrer, Registries};
use sekisho_sbom::merge::{Supplement, supplement};
use std::path::Path;

/// The documents about the image of `inventory`, and what could not be read; none where there is no place for such.
pub(super) fn find(
    inventory: &Inventory,
    registries: &Registries,
    temporary: &Path,
    limits: &Limits,
) -> Option<(Vec<Referrer>, Vec<Diagnostic>)> {
    let alone = matches!(inventory.source.kind, SourceKind::Containerd | SourceKind::ContainersStorage);
    let manifest = inventory.image.as_ref().and_then(|image| image.manifest_digest).filter(|_| !alone)?;
    let quota = SpillQuota::new(temporary.to_owned(), limits.spill_bytes);
    let name = &inventory.source.name;
    let found = match (inventory.source.kind, name.parse::<ImageRef>()) {
        (SourceKind::Registry, Ok(reference)) => registries.referrers(&reference, manifest, limits, &quota),
        _ => sekisho_oci::referrers(Path::new(name), manifest, limits, &quota),
    };
    Some(found.unwrap_or_else(|error| {
        let first: &dyn std::error::Error = &error;
        let because = std::iter::successors(Some(first), |error| error.source()).map(ToString::to_string);
        let because = because.collect::<Vec<_>>().join(": ");
        let message = format!("what lies beside the image could not be read: {because}");
        (Vec::new(), vec![Diagnostic::incomplete(Code::FileUnreadable, message)])
    }))
}

/// Adds to `inventory` what only SBOMs name that lie beside its image. What they are, and what could not be read of them,
/// is told: it was asked for.
pub(super) fn add_sboms(
    inventory: &mut Inventory,
    registries: &Registries,
    temporary: &Path,
    now: Timestamp,
    limits: &Limits,
) {
    let note = |message: String| Diagnostic::note(Code::SbomAttached, message);
    let mut count = 0;
    let mut told = match find(inventory, registries, temporary, limits) {
        None => {
            let message =
                "nothing can lie beside it (--sbom attached): only layouts and registries hold SBOMs of images";
            count += 1;
            vec![note(message.to_owned())]
        }
        Some((referrers, mut told)) => {
            for referrer in referrers.iter().filter(|referrer| may_be_one(referrer)) {
                match read(referrer, now, limits) {
                    Ok(None) => {}
                    Ok(Some(sbom)) => {
                        count += 1;
                        told.extend(add(inventory, sbom, referrer, limits));
                    }
                    Err(diagnostic) => {
                        count += 1;
                        told.push(diagnostic);
                    }
                }
            }
            told
        }
    };
    if count == 0 && told.is_empty() {
        told.push(note("no SBOM lies beside the image".to_owned()));
    }
    inventory.complete &= told.iter().all(|told| told.level != Level::Incomplete);
    inventory.diagnostics.extend(told);
}

/// What manifests say that they are, in lower case.
fn words(referrer: &Referrer) -> String {
    let Referrer { artifact_type, media_type, predicate_type, .. } = referrer;
    format!("{artifact_type} {media_type} {}", predicate_type.as_deref().unwrap_or_default()).to_ascii_lowercase()
}

/// Whether it says that it is VEX.
pub(super) fn is_named_vex(referrer: &Referrer) -> bool {
    let words = words(referrer);
    words.contains("vex") || words.contains("csaf")
}

/// Whether it does not say that it is something else.
fn may_be_one(referrer: &Referrer) -> bool {
    let words = words(referrer);
    !["simplesigning", "provenance", "openvex", "notary", "notation", "sarif"].iter().any(|other| words.contains(other))
}

/// The SBOM, bare or in an attestation; none where it is something else.
fn read(referrer: &Referrer, now: Timestamp, limits: &Limits) -> Result<Option<Inventory>, Diagnostic> {
    let said = words(referrer);
    let is_named = ["cyclonedx", "spdx", "syft", "sbom"].iter().any(|word| said.contains(word));
    let fail = |code, why: String| {
        let message = format!("the SBOM {} beside the image cannot be read: {why}", referrer.digest);
        if is_named { Err(Diagnostic::incomplete(code, message)) } else { Ok(None) }
    };
    // Of one that cannot be had nobody can tell whether it is one.
    let stored = referrer.read(limits)?;
    let document = match vex::attested(&stored) {
        Ok(attested) => attested.unwrap_or(stored),
        Err(why) => return fail(Code::ReportMalformed, why),
    };
    let name = format!("the SBOM {} beside the image", referrer.digest);
    match sekisho_sbom::read::read(&document, &name, now, limits) {
        Some(Ok(sbom)) => Ok(Some(sbom)),
        Some(Err(error)) => fail(error.code(), error.to_string()),
        None => fail(
            Code::ReportUnknown,
            "it is of no form that is read, which are CycloneDX, SPDX and Syft's, in JSON".to_owned(),
        ),
    }
}

/// Adds an SBOM, and says what came of it.
fn add(inventory: &mut Inventory, mut sbom: Inventory, referrer: &Referrer, limits: &Limits) -> Vec<Diagnostic> {
    let digest = referrer.digest;
    let tool = format!("{} {}", sbom.tool.name, sbom.tool.version);
    let note = |message: String| Diagnostic::note(Code::SbomAttached, message);
    if sbom.packages.is_empty() {
        return vec![note(format!("the SBOM {digest} beside the image ({}) names no package", tool.trim()))];
    }
    let mut told = std::mem::take(&mut sbom.diagnostics);
    let system = sbom.os.as_ref().map(sekisho_model::OsRelease::distro).unwrap_or_default();
    let count = sbom.packages.len();
    let Supplement { added, unnamed, foreign, .. } = supplement(inventory, sbom, &digest.to_string(), limits);
    told.push(note(format!(
        "the SBOM {digest} beside the image ({}), whose signature was not checked, names {count} packages: {added} that the \
         layers do not show were added; {unnamed} of the layers' are not in it",
        tool.trim()
    )));
    if foreign > 0 {
        let message = format!(
            "the SBOM {digest} beside the image is about {system}: {foreign} packages of that system were not added"
        );
        told.push(Diagnostic::incomplete(Code::VulnerabilitiesUnknown, message));
    }
    told
}
