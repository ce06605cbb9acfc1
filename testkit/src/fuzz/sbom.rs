//! SBOMs in each format that is read, and what is written of them.

use super::LIMITS;
use jiff::Timestamp;
use sekisho_model::{Inventory, Level};
use sekisho_sbom::read::read;
use sekisho_sbom::{cyclonedx, spdx};

/// CycloneDX.
pub fn sbom_cyclonedx(bytes: &[u8]) {
    sbom(bytes);
}

/// SPDX.
pub fn sbom_spdx(bytes: &[u8]) {
    sbom(bytes);
}

/// Syft's own form.
pub fn sbom_syft(bytes: &[u8]) {
    sbom(bytes);
}

fn sbom(bytes: &[u8]) {
    let of = |bytes: &[u8]| read(bytes, "sbom.json", Timestamp::UNIX_EPOCH, &LIMITS);
    let Some(Ok(inventory)) = of(bytes) else { return };
    assert_eq!(of(bytes).and_then(Result::ok).as_ref(), Some(&inventory), "the same bytes gave something else");
    assert!(inventory.packages.len() <= LIMITS.records, "more packages than the limit");
    let unsure = inventory.diagnostics.iter().any(|told| told.level == Level::Incomplete);
    assert!(!(inventory.complete && unsure), "something is missing and it is not said");
    // What it becomes of us comes back as it was, unless our own form is too large by then.
    let mut written = [Vec::new(), Vec::new()];
    cyclonedx::write(&inventory, None, &mut written[0]).expect("memory can be written to");
    spdx::write(&inventory, None, &mut written[1]).expect("memory can be written to");
    for text in written {
        if text.len() as u64 <= LIMITS.text_file_bytes {
            let back: Inventory = of(&text).expect("it is of a form that is read").expect("it is sound");
            assert_eq!(back.packages, inventory.packages, "what is written is read otherwise");
            // A document's time is the image's own, whenever it was made.
            let expected = Inventory { observed_at: back.observed_at, ..inventory.clone() };
            assert_eq!(back, expected, "what is written is read otherwise");
        }
    }
}
