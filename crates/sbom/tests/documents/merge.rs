//! Inventories put together.

use super::cyclonedx::example;
use sekisho_base::Limits;
use sekisho_model::{Inventory, PackageId, Tool};
use sekisho_sbom::merge::{MergeError, merge};

fn merged(inventories: Vec<Inventory>) -> Result<Inventory, MergeError> {
    merge(inventories, Tool { name: "t".into(), version: "1".into() }, &Limits::default())
}

fn other() -> Inventory {
    let mut other = example();
    other.image = None;
    other.os = None;
    other.complete = true;
    other.diagnostics.clear();
    other.packages.truncate(1);
    other.packages[0].location = "elsewhere".into();
    other.packages[0].id = PackageId::new(&other.packages[0].purl, "elsewhere");
    other
}

#[test]
fn one_alone_stays_as_it_is() {
    assert_eq!(merged(vec![example()]), Ok(example()));
    assert_eq!(merged(Vec::new()), Err(MergeError::Nothing));
}

#[test]
fn what_both_have_is_there_once() {
    let both = merged(vec![example(), example()]).unwrap();
    assert_eq!(both.packages.len(), example().packages.len());
    assert_eq!(both.image, example().image, "both are about the same one");
    assert_eq!(both.diagnostics, example().diagnostics);
    let more = merged(vec![example(), other()]).unwrap();
    assert_eq!(more.packages.len(), example().packages.len() + 1);
    let added = more.packages.iter().find(|package| package.location == "elsewhere").unwrap();
    assert_eq!(added.layer, None, "layers are of the image");
    assert!(more.packages.iter().any(|package| package.layer.is_some()));
    assert!(!more.complete, "what one lacks the whole does");
    assert!(merged(vec![other(), other()]).unwrap().complete);
}

#[test]
fn layers_of_two_images_are_not_mixed() {
    let mut second = example();
    second.image.as_mut().unwrap().config_digest = sekisho_model::Digest::of(b"another");
    let both = merged(vec![example(), second]).unwrap();
    assert_eq!(both.image, None);
    assert!(both.packages.iter().all(|package| package.layer.is_none()));
}

#[test]
fn distributions_are_not_mixed() {
    let mut second = example();
    second.os.as_mut().unwrap().version_id = "11".into();
    let refused = merged(vec![example(), second]);
    assert_eq!(refused, Err(MergeError::Distributions("debian-12".into(), "debian-11".into())));
}
