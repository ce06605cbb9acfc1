//! Packages of Debian and its derivatives: dpkg's status database, file lists and copyright files.
//!
//! [`status::DpkgRecord`] is all that is read of a stanza; packages carry a selection of it. Links
//! between documentation directories are resolved where the image is known, not here.

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles, PackageLicenses};
use sekisho_base::limits::LimitKey;
use sekisho_model::{PackageFacts, PackageKind, SourcePackage};
use std::collections::HashSet;

mod copyright;
mod deb822;
mod files;
mod license;
pub mod status;

#[cfg(test)]
mod tests;

/// Reads the status database, and the one file a package that distroless images have instead.
pub(crate) static STATUS: Analyzer = Analyzer {
    id: "dpkg-status",
    title: "Debian packages (dpkg status, status.d)",
    kinds: &[PackageKind::Deb],
    paths: &["var/lib/dpkg/status", "var/lib/dpkg/status.d/*"],
    version: 5,
    // Checksum files carry the package in their name.
    alike: |a, b| !a.ends_with(".md5sums") && !b.ends_with(".md5sums"),
    run: run_status,
    ..Analyzer::NONE
};

/// Reads the control file of a package file, of the form of deb-control(5).
pub static PACKAGE: Analyzer = Analyzer {
    id: "deb-package",
    title: "Debian package file (.deb), where that is what is scanned",
    kinds: &[PackageKind::Deb],
    run: run_control,
    ..Analyzer::NONE
};

/// Reads file lists.
pub(crate) static FILES: Analyzer = Analyzer {
    id: "dpkg-files",
    title: "Files of Debian packages (dpkg info/*.list)",
    paths: &["var/lib/dpkg/info/*.list"],
    alike: |_, _| false,
    run: run_list,
    ..Analyzer::NONE
};

/// Reads copyright files.
pub(crate) static COPYRIGHT: Analyzer = Analyzer {
    id: "dpkg-copyright",
    title: "Licences of Debian packages (copyright files)",
    paths: &["usr/share/doc/*/copyright"],
    alike: |_, _| false,
    run: run_copyright,
    ..Analyzer::NONE
};

fn run_status(file: &File<'_>) -> Extract {
    if let Some(name) = file.name().strip_suffix(".md5sums") {
        return owned(file, name, None, files::summed);
    }
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let status::StatusFile { records, skipped, torn, stray, more } = status::read(&text, file.limits.records);
    // Control files of packages have no `Status`.
    let is_of_dpkg = records.last().is_some_and(|record| record.status.is_some());
    let mut extract = Extract { packages: packages(records), ..Extract::default() };
    if stray > 0 {
        extract.diagnostics.push(file.malformed(format_args!("lines that are no deb822 field: {stray}")));
    }
    if torn > 0 {
        let all = torn.max(skipped);
        let message = "stanzas without a name or a version, of which dpkg may take some for parts of those before";
        extract.diagnostics.push(file.malformed(format_args!("{message}: {all}")));
    } else if skipped > 0 {
        // Each is a package on disk that nobody can judge.
        let message = format_args!("stanzas of packages that are on disk, without a version: {skipped}");
        extract.diagnostics.push(file.malformed(message));
    }
    if more {
        extract.diagnostics.push(file.exceeded(LimitKey::Records, "records"));
    }
    // Files of status.d are copied from packages, by hand as it were; this one only dpkg writes.
    if file.name() == "status" {
        let ends_within = || {
            let message = "it ends without the empty line that dpkg writes behind each package, so what came after that may be missing";
            (is_of_dpkg && !ends_in_blank_line(&text)).then(|| file.malformed(message))
        };
        extract.diagnostics.extend(file.cut_off(&text).or_else(ends_within));
    }
    extract
}

fn ends_in_blank_line(text: &str) -> bool {
    let last = text.strip_suffix('\n').and_then(|text| text.rsplit('\n').next());
    last.is_some_and(|line| line.trim_ascii().is_empty())
}

fn run_control(file: &File<'_>) -> Extract {
    let mut extract = run_status(file);
    if extract.packages.is_empty() && extract.diagnostics.is_empty() {
        extract.diagnostics.push(file.malformed("its control file names no package"));
    }
    extract
}

/// The packages that are on disk. Of several stanzas for one package the last counts, as for dpkg.
fn packages(mut records: Vec<status::DpkgRecord>) -> Vec<PackageFacts> {
    records.retain(status::DpkgRecord::is_on_disk);
    let mut seen = HashSet::new();
    let mut last: Vec<bool> = records
        .iter()
        .rev()
        .map(|record| seen.insert((record.name.as_str(), record.architecture.as_deref())))
        .collect();
    drop(seen);
    // `last` is in the reverse order of `records`, so its end belongs to their start.
    records.retain(|_| last.pop().unwrap_or(true));
    records.into_iter().map(facts).collect()
}

fn facts(record: status::DpkgRecord) -> PackageFacts {
    let extra = match record.state() {
        "installed" => Vec::new(),
        state => vec![("status".to_owned(), state.to_owned())],
    };
    let source =
        record.source.unwrap_or_else(|| SourcePackage { name: record.name.clone(), version: record.version.clone() });
    PackageFacts {
        arch: record.architecture,
        source: Some(source),
        supplier: record.maintainer,
        extra,
        ..PackageFacts::new(PackageKind::Deb, record.name, record.version)
    }
}

fn run_list(file: &File<'_>) -> Extract {
    let name = file.name().strip_suffix(".list").unwrap_or(file.name());
    // Packages that may be installed for several architectures at once have it in the name.
    let (name, arch) = match name.split_once(':') {
        Some((name, arch)) => (name, Some(arch)),
        None => (name, None),
    };
    owned(file, name, arch, files::listed)
}

/// The file list of the package `name`, with `read` taking the paths out of the text.
fn owned(file: &File<'_>, name: &str, arch: Option<&str>, read: fn(&str) -> files::Paths<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut paths = read(&text);
    let taken: Vec<String> = paths.by_ref().take(file.limits.records).map(str::to_owned).collect();
    let more = paths.next().is_some();
    if taken.is_empty() {
        return Extract::default();
    }
    let owned = OwnedFiles {
        kind: PackageKind::Deb,
        name: name.to_owned(),
        arch: arch.map(str::to_owned),
        paths: taken.into_iter().collect(),
    };
    Extract {
        owned: vec![owned],
        diagnostics: more.then(|| file.exceeded(LimitKey::Records, "paths")).into_iter().collect(),
        ..Extract::default()
    }
}

fn run_copyright(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let name = file.directory().rsplit('/').next().unwrap_or_default();
    let licenses = copyright::licenses(&text, file.limits.records);
    if licenses.is_empty() {
        return Extract::default();
    }
    let licenses = PackageLicenses { kind: PackageKind::Deb, name: name.to_owned(), licenses };
    Extract { licenses: vec![licenses], ..Extract::default() }
}
