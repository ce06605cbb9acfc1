//! Go modules from the build information in executables, whether ELF, PE or Mach-O, stripped or not.
//!
//! Owns which executables are tried and how modules become packages. A module that was replaced is
//! listed as its replacement, since that is the code that was linked; where the replacement is a
//! directory without a version, as what it replaces. The standard library is the package `stdlib` with
//! the version of Go, which is how the Go vulnerability database names it. Of a program that was built
//! without modules nothing more than that is known, but for well-known ones ([`stamp`]), and a main module without a version
//! takes the one that was stamped in when it was built. What is not here: `go.mod` ([`super::gomod`]), packed executables
//! (UPX), XCOFF and Plan 9 executables, symbols.
//!
//! Files are large, so they are read in ranges. Where the linker's section for build information is
//! named it is found at once; else the writable data is searched, at most
//! [`buildinfo::SEARCH_BYTES`] of a file.

mod buildinfo;
mod modinfo;
mod stamp;

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::executable;
use buildinfo::{Error, Record};
use modinfo::{Linked, ModInfo, Module};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic, Evidence, PackageFacts, PackageKind};
use stamp::Stamp;
use std::collections::HashSet;
use std::io;

/// Reads Go executables.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "go-binary",
    version: 4,
    title: "Go modules in executables (ELF, PE, Mach-O)",
    kinds: &[PackageKind::Golang],
    magic: executable::MAGIC,
    // The runtime alone is larger.
    magic_min_bytes: 64 << 10,
    random_access: true,
    run,
    ..Analyzer::NONE
};

/// The build settings that are kept, under their own names.
const SETTINGS: [&str; 5] = ["CGO_ENABLED", "GOARCH", "GOOS", "vcs.revision", "vcs.time"];

fn run(file: &File<'_>) -> Extract {
    let slices = match executable::slices(file.data) {
        Ok(slices) => slices,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Extract::default(),
        Err(error) => return Extract::failed(file.unreadable(&error)),
    };
    let mut packages = Packages { limit: file.limits.records, ..Packages::default() };
    let mut failure = None;
    let mut budget = buildinfo::SEARCH_BYTES;
    for slice in &slices {
        match buildinfo::read(slice, &mut budget) {
            Ok(Some(record)) => {
                let added = packages.add(&record, |info, module| stamp::find(slice, info, module, &mut budget));
                failure = failure.or(added.err().map(Error::Io));
            }
            Ok(None) => {}
            // The same file, so the first is enough to say that something is missing.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if packages.unknown > 0 {
        failure = failure.or(Some(Error::Lines(packages.unknown)));
    }
    let mut diagnostics: Vec<_> = failure.iter().map(|error| diagnostic(file, error)).collect();
    if packages.over_limit {
        diagnostics.push(file.exceeded(LimitKey::Records, "packages"));
    }
    Extract { packages: packages.list, diagnostics, ..Extract::default() }
}

fn diagnostic(file: &File<'_>, error: &Error) -> Diagnostic {
    match error {
        Error::Io(error) => file.unreadable(error),
        Error::Cut | Error::Malformed(_) | Error::Lines(_) => file.malformed(error),
        Error::Limit { .. } => Diagnostic::incomplete(Code::LimitExceeded, error.to_string()).at(file.path),
    }
}

/// The packages of one file, each once: the programs of a universal file share most of theirs.
#[derive(Default)]
struct Packages {
    list: Vec<PackageFacts>,
    seen: HashSet<(String, String)>,
    unknown: usize,
    over_limit: bool,
    limit: usize,
}

impl Packages {
    /// Adds what a record lists; `stamped` finds the version of a main module that has none.
    fn add(
        &mut self,
        record: &Record,
        stamped: impl FnOnce(&ModInfo<'_>, &str) -> io::Result<Option<Stamp>>,
    ) -> io::Result<()> {
        let info = ModInfo::parse(&record.modinfo);
        self.unknown += info.unknown;
        let known = || stamp::program_at(info.path).map(|program| program.module);
        let main = match &info.main {
            Some(main) => Some(facts(main)),
            // Without modules only the path of the main package tells what it is.
            None => known().map(|module| PackageFacts {
                evidence: Evidence::Inferred,
                ..PackageFacts::new(PackageKind::Golang, module, "")
            }),
        };
        let mut read = Ok(());
        if let Some(mut facts) = main {
            if facts.version.is_empty() {
                match stamped(&info, &facts.name) {
                    Ok(None) => {}
                    Ok(Some(Stamp { version, from })) => {
                        facts.version = version;
                        facts.extra.push(("version.from".into(), from));
                    }
                    Err(error) => read = Err(error),
                }
            }
            facts.extra.push(("go.version".into(), record.go_version.clone()));
            for name in SETTINGS {
                facts.extra.extend(info.setting(name).map(|value| (name.to_owned(), value.to_owned())));
            }
            self.push(facts);
        }
        for dep in &info.deps {
            self.push(facts(dep));
        }
        self.push(PackageFacts::new(PackageKind::Golang, "stdlib", release(&record.go_version)));
        read
    }

    fn push(&mut self, mut facts: PackageFacts) {
        let key = (facts.name.clone(), facts.version.clone());
        if self.list.len() >= self.limit {
            self.over_limit |= !self.seen.contains(&key);
        } else if self.seen.insert(key) {
            facts.extra.sort_unstable();
            self.list.push(facts);
        }
    }
}

/// The package for a linked module.
fn facts(linked: &Linked<'_>) -> PackageFacts {
    let (module, note) = match linked.replacement {
        None => (linked.module, None),
        // A directory: what lies in it is only known as what it stands in for.
        Some(Module { path, version: "", .. }) => (linked.module, Some(("replaced_by", path.to_owned()))),
        Some(replacement) => {
            let Module { path, version, .. } = linked.module;
            (replacement, Some(("replaces", format!("{path}@{version}"))))
        }
    };
    let mut facts = PackageFacts::new(PackageKind::Golang, module.path, module.version);
    facts.extra.extend(note.map(|(name, value)| (name.to_owned(), value)));
    if !module.sum.is_empty() {
        facts.extra.push(("sum".into(), module.sum.into()));
    }
    facts
}

/// The release in a toolchain's name for itself: `1.19.8` of `go1.19.8 X:boringcrypto`, `1.24-b1c2d3e4` of
/// `devel go1.24-b1c2d3e4 Tue Dec ...`; empty where there is none.
fn release(go_version: &str) -> &str {
    go_version
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("go"))
        .find(|release| release.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
