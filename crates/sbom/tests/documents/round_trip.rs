//! What is written is read back as it was.

use super::{arbitrary, cyclonedx, spdx};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_model::{Inventory, Level, Origin, PackageId, Removal, Removed};

pub(crate) fn read(text: &str) -> Inventory {
    let limits = Limits::default();
    sekisho_sbom::read::read(text.as_bytes(), "sbom.json", Timestamp::UNIX_EPOCH, &limits).unwrap().unwrap()
}

fn written(inventory: &Inventory) -> [String; 2] {
    [cyclonedx::write(inventory, None), spdx::write(inventory, None)]
}

#[track_caller]
fn check(inventory: &Inventory) {
    for text in written(inventory) {
        let back = read(&text);
        for (back, package) in back.packages.iter().zip(&inventory.packages) {
            assert_eq!(back, package);
        }
        assert_eq!(back.diagnostics, inventory.diagnostics);
        assert_eq!(&back, inventory);
    }
}

proptest! {
    #[test]
    fn every_inventory_comes_back(inventory in arbitrary::sound_inventory()) {
        check(&inventory);
    }
}

#[test]
fn what_is_not_there_any_more_comes_back_as_such() {
    let mut inventory = cyclonedx::example();
    let mut package = inventory.packages[0].clone();
    package.location = "gone".into();
    package.id = PackageId::new(&package.purl, "gone");
    package.origin = Origin::Base;
    inventory.removed.push(Removed { package, removed_in: 1, removal: Removal::Whiteout });
    check(&inventory);
}

#[test]
fn what_was_incomplete_is() {
    let mut inventory = cyclonedx::example();
    assert!(!inventory.complete);
    check(&inventory);
    inventory.complete = true;
    inventory.diagnostics.retain(|told| told.level != Level::Incomplete);
    check(&inventory);
    // Whoever says so in the standard's own words only is believed as well.
    let text = cyclonedx::write(&inventory, None);
    let text =
        text.replacen("\"components\": [", "\"compositions\": [{\"aggregate\": \"incomplete\"}], \"components\": [", 2);
    assert!(!read(&text.replacen("\"compositions\": [{\"aggregate\": \"incomplete\"}], ", "", 1)).complete);
}

/// Somebody may add to a document of ours what we did not find.
#[test]
fn components_that_are_added_by_hand_are_packages() {
    let inventory = cyclonedx::example();
    let text = cyclonedx::write(&inventory, None);
    let added = r#""components": [{"type": "library", "name": "libssl3", "version": "3.0.1-1",
        "purl": "pkg:deb/debian/libssl3@3.0.1-1?distro=debian-12&upstream=openssl"},"#;
    let at = text.rfind("\"components\": [").unwrap();
    let text = format!("{}{added}{}", &text[..at], &text[at + "\"components\": [".len()..]);
    let read = read(&text);
    assert_eq!(read.packages.len(), inventory.packages.len() + 1);
    let package = &read.packages[0];
    assert_eq!(package.facts.name, "libssl3");
    assert_eq!(package.facts.source.as_ref().unwrap().name, "openssl");
}
