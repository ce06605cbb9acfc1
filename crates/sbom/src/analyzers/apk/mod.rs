//! Packages of Alpine and its derivatives, from apk's database of what is installed.
//!
//! [`installed::ApkRecord`] is all that is read of a record; packages carry a selection of it.

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles};
use sekisho_base::limits::LimitKey;
use sekisho_model::{License, PackageFacts, PackageKind, SourcePackage};
use std::collections::HashSet;

pub mod installed;

#[cfg(test)]
mod tests;

/// Reads the database of installed packages.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "apk-installed",
    version: 4,
    title: "Alpine packages (apk database)",
    kinds: &[PackageKind::Apk],
    // The second where /lib is only a link to it: Wolfi, and Alpine with a merged /usr.
    paths: &["lib/apk/db/installed", "usr/lib/apk/db/installed"],
    run,
    ..Analyzer::NONE
};

/// Longer texts are taken for names: no licence expression comes near it.
const EXPRESSION_BYTES: usize = 1024;

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let path_bytes = usize::try_from(file.limits.path_table_bytes).unwrap_or(usize::MAX);
    let bounds = installed::Bounds { records: file.limits.records, path_bytes };
    let installed::Installed { records, skipped, stray, more, more_paths, open } = installed::read(&text, bounds);
    let mut extract = Extract::default();
    for record in last_of_each(records) {
        let (package, owned) = facts(record);
        extract.packages.push(package);
        extract.owned.extend(owned);
    }
    if stray > 0 {
        extract.diagnostics.push(file.malformed(format_args!("lines that are no field of a record: {stray}")));
    }
    if skipped > 0 {
        extract.diagnostics.push(file.malformed(format_args!("records without a name or a version: {skipped}")));
    }
    if more {
        extract.diagnostics.push(file.exceeded(LimitKey::Records, "records"));
    }
    if more_paths {
        extract.diagnostics.push(file.exceeded(LimitKey::PathTableBytes, "bytes of file names"));
    }
    extract.diagnostics.extend(file.cut_off(&text).or_else(|| {
        // apk, and apko as well, end every record, also the last, with a blank line.
        let is_cut = open && extract.diagnostics.is_empty();
        is_cut.then(|| file.malformed("it ends in the middle of a record, so what came after that is missing"))
    }));
    extract
}

/// Of several records for one package the last.
fn last_of_each(mut records: Vec<installed::ApkRecord>) -> Vec<installed::ApkRecord> {
    let mut seen = HashSet::new();
    let mut last: Vec<bool> =
        records.iter().rev().map(|record| seen.insert((record.name.as_str(), record.arch.as_deref()))).collect();
    drop(seen);
    // `last` is in the reverse order of `records`, so its end belongs to their start.
    records.retain(|_| last.pop().unwrap_or(true));
    records
}

fn facts(record: installed::ApkRecord) -> (PackageFacts, Option<OwnedFiles>) {
    let owned = (!record.files.is_empty()).then(|| OwnedFiles {
        kind: PackageKind::Apk,
        name: record.name.clone(),
        arch: record.arch.clone(),
        paths: record.files.into_iter().collect(),
    });
    let origin = record.origin.unwrap_or_else(|| record.name.clone());
    let package = PackageFacts {
        arch: record.arch,
        source: Some(SourcePackage { name: origin, version: record.version.clone() }),
        licenses: record.license.and_then(license).into_iter().collect(),
        supplier: record.maintainer,
        extra: record.checksum.map(|checksum| ("checksum".to_owned(), checksum)).into_iter().collect(),
        ..PackageFacts::new(PackageKind::Apk, record.name, record.version)
    };
    (package, owned)
}

fn license(text: String) -> Option<License> {
    if text.len() > EXPRESSION_BYTES { Some(License::Name(text)) } else { License::parse(&text) }
}
