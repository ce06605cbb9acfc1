//! Inventories put together.

use super::cyclonedx::example;
use sekisho_base::Limits;
use sekisho_model::{Code, Inventory, PackageFacts, PackageId, PackageKind, Tool};
use sekisho_sbom::merge::{MergeError, Supplement, merge, supplement};

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
fn an_sbom_adds_what_it_alone_names_and_takes_nothing_away() {
    let limits = Limits::default();
    let mut inventory = example();
    let count = inventory.packages.len();
    // The same packages, elsewhere, by other words: nothing new.
    let mut same = example();
    for package in &mut same.packages {
        package.location = "somewhere/else".into();
        package.id = PackageId::new(&package.purl, &package.location);
    }
    let done = supplement(&mut inventory, same, "sha256:a", &limits);
    assert_eq!(done, Supplement { added: 0, known: count, unnamed: 0, foreign: 0 });
    assert_eq!(inventory.packages, example().packages);

    let mut sbom = other();
    let package = &mut sbom.packages[0];
    package.purl = "pkg:npm/only-there@9.9.9".parse().unwrap();
    package.facts = PackageFacts::new(PackageKind::Npm, "only-there", "9.9.9");
    package.layer = Some(7);
    let done = supplement(&mut inventory, sbom.clone(), "sha256:b", &limits);
    assert_eq!((done.added, done.known, inventory.packages.len()), (1, 0, count + 1));
    assert!(done.unnamed > 0, "what an SBOM leaves out is counted");
    let added = inventory.packages.iter().find(|package| package.facts.name == "only-there").unwrap();
    assert_eq!(added.layer, None, "the layers are not the SBOM's to name");
    assert_eq!(added.facts.extra, [("sbom".to_owned(), "sha256:b".to_owned())]);

    // Another distribution's packages would be judged by advisories that are not about them.
    let mut foreign = example();
    foreign.os.as_mut().unwrap().version_id = "11".into();
    let systems = foreign.packages.iter().filter(|package| package.facts.kind.is_os()).count();
    assert!(systems > 0);
    let mut inventory = Inventory { packages: Vec::new(), ..example() };
    let done = supplement(&mut inventory, foreign, "sha256:c", &limits);
    assert_eq!(done.foreign, systems);
    assert!(inventory.packages.iter().all(|package| !package.facts.kind.is_os()));

    let mut full = Inventory { packages: Vec::new(), ..example() };
    supplement(&mut full, example(), "sha256:d", &Limits { records: 1, ..Limits::default() });
    assert_eq!(full.packages.len(), 1);
    assert!(full.diagnostics.iter().any(|told| told.code == Code::LimitExceeded));
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

#[test]
fn what_programs_write_otherwise_is_the_same_package() {
    let of = |purls: &[&str]| {
        let component = |purl: &&str| format!(r#"{{"type": "library", "name": "c", "purl": "{purl}"}}"#);
        let list: Vec<String> = purls.iter().map(component).collect();
        let text = format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}}"#, list.join(","));
        let read = sekisho_sbom::read::read(text.as_bytes(), "x", jiff::Timestamp::UNIX_EPOCH, &Limits::default());
        read.unwrap().unwrap()
    };
    let mut inventory =
        of(&["pkg:golang/a.example/b@v1.2.3", "pkg:deb/debian/c@1:2?arch=amd64", "pkg:pypi/d-e@1", "pkg:npm/v@v1"]);
    let sbom = of(&["pkg:golang/a.example/b@1.2.3", "pkg:deb/debian/c@2?epoch=1", "pkg:pypi/D_e@1", "pkg:npm/v@1"]);
    let done = supplement(&mut inventory, sbom, "sha256:e", &Limits::default());
    assert_eq!((done.known, done.added), (3, 1), "only Go writes a sign before its versions");
}
