//! `pom.properties` of an archive that lies unpacked: application servers and image builds lay out archives as
//! directories.

use super::properties::{self, is_coordinate};
use crate::analyzer::{Extract, File};
use sekisho_model::{PackageFacts, PackageKind};

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let found = properties::parse(&text);
    if !is_coordinate(&found.artifact) || !is_coordinate(&found.version) {
        return Extract::failed(file.malformed("has no artifactId or no version"));
    }
    let package = PackageFacts::new(PackageKind::Maven, found.name(), found.version);
    Extract { packages: vec![package], ..Extract::default() }
}
