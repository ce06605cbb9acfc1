//! What `cargo auditable` leaves in a program: a section of compressed JSON that lists the crates it was built from.
//!
//! Crates that only build scripts and procedural macros needed are listed as development's: their code ran when the
//! program was built and is not in it. Which section, which compression, and the fields, are from the format's own page:
//! <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

use crate::analyzer::{Extract, File};
use crate::analyzers::executable::{self, Executable, SectionName, Segment};
use crate::analyzers::lock::{Locked, source};
use sekisho_base::ReadAt;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_model::{Diagnostic, Evidence, PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{self, Read};

/// The section, in Mach-O in the segment `__DATA`.
const SECTION: SectionName = SectionName { plain: b".dep-v0\0", macho: b".dep-v0\0" };

/// The most JSON of one program; a thousand crates take about 100 KiB.
const JSON_BYTES: u64 = 8 << 20;

/// Reads one executable.
pub(super) fn run(file: &File<'_>) -> Extract {
    let slices = match executable::slices(file.data) {
        Ok(slices) => slices,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Extract::default(),
        Err(error) => return Extract::failed(file.unreadable(&error)),
    };
    let mut locked = Locked::new(file, PackageKind::Cargo);
    for slice in &slices {
        let section = match Executable::read(slice, SECTION) {
            Ok(executable) => executable.named,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Extract::failed(file.unreadable(&error)),
        };
        if let Some(diagnostic) = section.and_then(|section| list(file, slice, section, &mut locked).err()) {
            // The same file, so the first is enough to say that something is missing.
            locked.note(diagnostic);
            break;
        }
    }
    locked.finish()
}

/// The list of crates.
#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    source: String,
    /// `build`, or `runtime`, which is left out.
    #[serde(default)]
    kind: Option<String>,
    /// Indexes into the list.
    #[serde(default)]
    dependencies: Vec<usize>,
    /// Whether the program is of this crate.
    #[serde(default)]
    root: bool,
}

fn list(file: &File<'_>, data: &dyn ReadAt, section: Segment, locked: &mut Locked<'_>) -> Result<(), Diagnostic> {
    // What is compressed is smaller than what it becomes, for any list of names.
    if section.len > JSON_BYTES {
        return Err(file.malformed("the section with the list of crates is larger than the limit of 8 MiB"));
    }
    let stored = data.range(section.offset, section.len as usize).map_err(|error| file.unreadable(&error))?;
    let mut json = Vec::new();
    Inflate::new(&*stored, Compression::Zlib, section.len, file.limits)
        .and_then(|inflate| inflate.take(JSON_BYTES + 1).read_to_end(&mut json))
        .map_err(|error| file.malformed(format_args!("the list of crates could not be read: {error}")))?;
    if json.len() as u64 > JSON_BYTES {
        return Err(file.malformed("the list of crates is longer than the limit of 8 MiB"));
    }
    let List { packages } = serde_json::from_slice(&json)
        .map_err(|error| file.malformed(format_args!("the list of crates {}", json_reason(&error))))?;
    let roots = || packages.iter().filter(|package| package.root);
    let direct: HashSet<usize> = roots().flat_map(|package| package.dependencies.iter().copied()).collect();
    let has_root = roots().next().is_some();
    for (index, package) in packages.iter().enumerate() {
        let build = package.kind.as_deref() == Some("build");
        let mut facts = PackageFacts {
            evidence: Evidence::Installed,
            dev: build,
            direct: (has_root && !package.root).then(|| direct.contains(&index)),
            ..locked.package(&package.name, &package.version)
        };
        match package.source.as_str() {
            "crates.io" => {}
            "local" => facts.extra.push(source("path")),
            other => facts.extra.push(source(other)),
        }
        if build {
            facts.extra.push(("dependency_kind".to_owned(), "build".to_owned()));
        }
        locked.add(facts);
    }
    Ok(())
}
