//! What is written is read back as it was.

use super::{arbitrary, cyclonedx, spdx};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_model::{Inventory, Level, Origin, Package, PackageId, Removal, Removed};
use sekisho_sbom::purl::purl_of;
use sekisho_sbom::{Dispatch, File};
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn read(text: &str) -> Inventory {
    let limits = Limits::default();
    sekisho_sbom::read::read(text.as_bytes(), "sbom.json", Timestamp::UNIX_EPOCH, &limits).unwrap().unwrap()
}

fn written(inventory: &Inventory) -> [String; 2] {
    [cyclonedx::write(inventory, None), spdx::write(inventory, None)]
}

/// The same inventory gives the same document whenever it was made, so that the document's time is the image's.
fn as_dated(inventory: &Inventory) -> Inventory {
    let created = inventory.image.as_ref().and_then(|image| image.created.as_deref()?.parse().ok());
    Inventory { observed_at: created.unwrap_or(inventory.observed_at), ..inventory.clone() }
}

#[test]
fn two_scans_of_one_image_give_the_same_bytes() {
    let first = cyclonedx::example();
    let second = Inventory { observed_at: Timestamp::MAX, ..first.clone() };
    assert_eq!(written(&first), written(&second));
}

#[track_caller]
fn check(inventory: &Inventory) {
    let inventory = &as_dated(inventory);
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

/// Every file that an analyzer is tested with, as if all lay in one image.
#[test]
fn what_analyzers_find_in_their_fixtures_comes_back() {
    let dispatch = Dispatch::all();
    let limits = Limits::default();
    let mut inventory = cyclonedx::example();
    inventory.packages.clear();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyzers")];
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Some((_, name)) = path.to_str().unwrap().split_once("/fixtures/") else { continue };
            let mut bytes = std::fs::read(&path).unwrap();
            let mut name = name;
            if let Some(plain) = name.strip_suffix(".zst") {
                name = plain;
                bytes = zstd::decode_all(&bytes[..]).unwrap();
            }
            // Which part of the path is the case's is told by what an analyzer wants.
            let parts = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
            let wanted = std::iter::once(name).chain(parts).find(|part| !dispatch.by_path(part).is_empty());
            let by_path = wanted.map(|part| dispatch.by_path(part)).into_iter().flatten();
            let by_magic = dispatch.by_magic(&bytes, bytes.len() as u64);
            let analyzers: Vec<_> = by_path.chain(by_magic).collect();
            for analyzer in analyzers {
                let file = File { path: wanted.unwrap_or(name), data: &bytes.as_slice(), limits: &limits };
                for facts in (analyzer.run)(&file).packages {
                    let Ok(purl) = purl_of(&facts, inventory.os.as_ref()) else { continue };
                    let id = PackageId::new(&purl, name);
                    if seen.insert(id.clone()) {
                        let (location, origin) = (name.to_owned(), Origin::Unknown);
                        inventory.packages.push(Package {
                            id,
                            purl,
                            facts,
                            location,
                            layer: None,
                            origin,
                            owned_by: None,
                        });
                    }
                }
            }
        }
    }
    assert!(inventory.packages.len() > 500, "{} packages", inventory.packages.len());
    check(&inventory);
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
