//! `Cargo.lock`: every crate of a workspace's dependency graph, for all platforms and features.
//!
//! Versions 1 to 4 differ in how dependencies and checksums are written. Crates without a source are the workspace's own
//! and those it names by path; they are listed, since the format does not tell the two apart. What is needed for
//! development only is not told either. `[[patch.unused]]` names what is not used.
//!
//! Sources: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>, and Cargo's own writer,
//! `cargo::core::resolver::encode`.

use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, source, stanzas, tables, unknown_version};
use sekisho_model::{PackageFacts, PackageKind};
use std::collections::HashSet;
use toml::{Table, Value};

/// The newest version of the format that is known.
const LAST_VERSION: i64 = 4;

/// The registry of crates.io, by the address of its index and by the one of its sparse form.
const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Cargo);
    let (mut found, mut wanted, mut unusable) = (Vec::new(), HashSet::new(), 0);
    // `[root]` is what the first version of all had for the workspace's own crate.
    for stanza in stanzas(&text).filter(|stanza| stanza.may_have(&["package", "root"])) {
        let read = stanza.read().and_then(|mut whole| {
            if let Some(version) = whole.get("version").and_then(Value::as_integer).filter(|it| *it > LAST_VERSION) {
                locked.note(unknown_version(file, version));
            }
            let mut all = tables(&mut whole, "root")?;
            all.append(&mut tables(&mut whole, "package")?);
            Ok(all)
        });
        let all = read.unwrap_or_else(|reason| {
            locked.broken(reason);
            Vec::new()
        });
        for table in all {
            match facts(&locked, &table) {
                Some(package) if found.len() <= file.limits.records => {
                    if table.get("source").is_none() {
                        wanted.extend(strings(&table, "dependencies").map(str::to_owned));
                    }
                    found.push((package, table.get("source").and_then(Value::as_str).map(str::to_owned)));
                }
                Some(_) => locked.over(),
                None => unusable += 1,
            }
        }
    }
    let local = found.iter().any(|(_, source)| source.is_none());
    for (mut package, source) in found {
        if let (true, Some(source)) = (local, source) {
            // As short as is unique: the name, the name and the version, or all three.
            let PackageFacts { name, version, .. } = &package;
            let named = wanted.contains(name)
                || wanted.contains(&format!("{name} {version}"))
                || wanted.contains(&format!("{name} {version} ({source})"));
            package.direct = Some(named);
        }
        locked.add(package);
    }
    locked.unusable(unusable);
    locked.finish()
}

fn facts(locked: &Locked<'_>, table: &Table) -> Option<PackageFacts> {
    let text = |key| table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut facts = locked.package(text("name")?, text("version")?);
    match text("source") {
        None => facts.extra.push(source("path")),
        Some(registry) if CRATES_IO.contains(&registry) => {}
        Some(other) => facts.extra.push(source(other)),
    }
    facts.extra.extend(text("checksum").map(|sum| ("checksum".to_owned(), sum.to_owned())));
    Some(facts)
}

/// The texts of a list.
fn strings<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = &'t str> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
