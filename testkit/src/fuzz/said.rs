//! What is said about findings: VEX documents and files of exceptions.

use super::LIMITS;
use sekisho_advisory::product::KnownPackage;
use sekisho_advisory::{exception, vex};
use sekisho_model::Purl;
use std::sync::LazyLock;

static PACKAGE: LazyLock<KnownPackage> = LazyLock::new(|| {
    let purl: Purl = "pkg:deb/debian/bash@5.2-1?arch=amd64".parse().expect("it is a package URL");
    KnownPackage::new(&purl)
});

/// OpenVEX, CycloneDX and CSAF, and attestations around them.
pub fn vex(bytes: &[u8]) {
    super::analyze(&["srv/a.vex.json"], bytes);
    let read = vex::read(bytes, "x.json", &LIMITS);
    assert_eq!(read, vex::read(bytes, "x.json", &LIMITS), "the same bytes gave something else");
    let Ok((document, diagnostics)) = read else { return };
    assert!(document.statements.len() <= LIMITS.records, "more statements than the limit");
    assert!(diagnostics.iter().all(|diagnostic| diagnostic.path.is_some()), "a diagnostic of no file");
    for statement in &document.statements {
        let product = &statement.product;
        assert!(!statement.vulnerability.is_empty(), "a statement about no vulnerability");
        assert!(!product.names.is_empty(), "a statement about no product");
        assert!(product.components.as_ref().is_none_or(|all| !all.is_empty()), "components that are none");
        for name in product.names.iter().chain(product.components.iter().flatten()) {
            if let sekisho_advisory::product::Name::Package(pattern) = name {
                pattern.matches(&PACKAGE);
            }
        }
    }
}

/// Files of exceptions in each format.
pub fn exceptions(bytes: &[u8]) {
    for name in ["exceptions.toml", ".trivyignore", ".trivyignore.yaml"] {
        let Ok((read, _)) = exception::read(bytes, name, &LIMITS) else { continue };
        assert!(read.exceptions.len() <= LIMITS.records, "more exceptions than the limit");
        for exception in &read.exceptions {
            let is_ours = read.format == exception::ExceptionFormat::Sekisho;
            assert!(!is_ours || exception.owner.is_some() && exception.until.is_some(), "an exception without an end");
        }
    }
}
