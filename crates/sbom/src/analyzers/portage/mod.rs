//! Packages of Gentoo and its derivatives: portage's database of what is installed.
//!
//! Each package has a directory `CATEGORY/NAME-VERSION`; its file `CONTENTS` lists what it brought (portage(5) of
//! <https://dev.gentoo.org/~zmedico/portage/doc/man/portage.5.html>, `/var/db/pkg`; `lib/portage/dbapi/vartree.py`,
//! `dblink.getcontents`), and is there even where that is nothing. What a version is, the Package Manager Specification
//! says (<https://projects.gentoo.org/pms/8/pms.html>, 3.1.2 and 3.2).

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles, PackageLicenses};
use sekisho_base::limits::LimitKey;
use sekisho_model::{License, PackageFacts, PackageKind};

/// Reads packages and their files.
pub(crate) static PACKAGES: Analyzer = Analyzer {
    id: "portage-contents",
    title: "Gentoo packages (portage database)",
    kinds: &[PackageKind::Portage],
    paths: &["var/db/pkg/*/*/CONTENTS"],
    // The package is named by the directory alone.
    alike: |_, _| false,
    run: run_contents,
    ..Analyzer::NONE
};

/// Reads licences.
pub(crate) static LICENSES: Analyzer = Analyzer {
    id: "portage-license",
    title: "Licences of Gentoo packages (portage database)",
    paths: &["var/db/pkg/*/*/LICENSE"],
    alike: |_, _| false,
    run: run_license,
    ..Analyzer::NONE
};

/// Category with name, and version, of the package whose directory a file lies in.
fn package_of(directory: &str) -> Option<(String, &str)> {
    let mut parts = directory.rsplit('/');
    let (full, category) = (parts.next()?, parts.next()?);
    let is_revision = |text: &str| text.strip_prefix('r').is_some_and(is_number);
    let mut at = full.rfind('-')?;
    if is_revision(&full[at + 1..]) {
        at = full[..at].rfind('-')?;
    }
    let (name, version) = (&full[..at], &full[at + 1..]);
    (!name.is_empty() && version.starts_with(|first: char| first.is_ascii_digit()))
        .then(|| (format!("{category}/{name}"), version))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The path of a line: `obj PATH MD5 MTIME`, `sym PATH -> TARGET MTIME`; paths may have blanks.
fn path_of(line: &str) -> Option<&str> {
    let path = match line.split_once(' ')? {
        ("obj", rest) => rest.rsplitn(3, ' ').nth(2)?,
        ("sym", rest) => rest.split_once(" -> ")?.0,
        _ => return None,
    };
    path.strip_prefix('/').filter(|path| !path.is_empty())
}

fn run_contents(file: &File<'_>) -> Extract {
    // What is being merged has a name that is no package's.
    if file.directory().rsplit('/').next().is_some_and(|name| name.starts_with("-MERGING-")) {
        return Extract::failed(file.skipped("a package that was being installed"));
    }
    let Some((name, version)) = package_of(file.directory()) else {
        return Extract::failed(file.malformed("the directory is named as no package is, by name and version"));
    };
    let package = PackageFacts::new(PackageKind::Portage, &name, version);
    let mut extract = Extract { packages: vec![package], ..Extract::default() };
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => {
            extract.diagnostics.push(diagnostic);
            return extract;
        }
    };
    let mut paths = text.lines().filter_map(path_of);
    let taken: Vec<&str> = paths.by_ref().take(file.limits.records).collect();
    if paths.next().is_some() {
        extract.diagnostics.push(file.exceeded(LimitKey::Records, "paths"));
    }
    if !taken.is_empty() {
        let paths = taken.into_iter().collect();
        extract.owned.push(OwnedFiles { kind: PackageKind::Portage, name, arch: None, paths });
    }
    extract
}

fn run_license(file: &File<'_>) -> Extract {
    let (Some((name, _)), Ok(text)) = (package_of(file.directory()), file.text()) else { return Extract::default() };
    // Gentoo's own words for licences, with operators of its own: names, unless there is one and SPDX has it.
    let text = text.trim_ascii();
    let license = match text {
        "" => return Extract::default(),
        _ if text.contains(char::is_whitespace) => License::Name(text.to_owned()),
        _ => License::parse(text).unwrap_or_else(|| License::Name(text.to_owned())),
    };
    let licenses = PackageLicenses { kind: PackageKind::Portage, name, licenses: vec![license] };
    Extract { licenses: vec![licenses], ..Extract::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    #[test]
    fn goldens() {
        testing::goldens(&PACKAGES, "src/analyzers/portage/fixtures");
    }

    #[test]
    fn directories_name_packages() {
        let check = |directory: &str, expect: Option<(&str, &str)>| {
            let directory = format!("var/db/pkg/{directory}");
            let found = package_of(&directory);
            assert_eq!(found.as_ref().map(|(name, version)| (name.as_str(), *version)), expect, "{directory}");
        };
        check("app-shells/bash-5.2_p26-r3", Some(("app-shells/bash", "5.2_p26-r3")));
        check("sys-libs/zlib-1.3", Some(("sys-libs/zlib", "1.3")));
        check("media-libs/gtk+-3.24", Some(("media-libs/gtk+", "3.24")));
        check("x11-libs/lib-2d-r1-1.0", Some(("x11-libs/lib-2d-r1", "1.0")));
        check("virtual/libc-1-r1", Some(("virtual/libc", "1-r1")));
        check("app-misc/nothing", None);
        check("app-misc/no-version-r1", None);
    }

    #[test]
    fn contents_list_files_and_links() {
        let text = "dir /usr\nobj /usr/bin/a b d41d8cd98f00b204e9800998ecf8427e 1650000000\n\
                    sym /usr/lib/libz.so -> libz.so.1.3 1650000000\nobj short\nfif /run/x\n";
        let extract = testing::run(&PACKAGES, "var/db/pkg/sys-libs/zlib-1.3/CONTENTS", text.as_bytes());
        assert_eq!(extract.owned[0].paths.to_vec(), ["usr/bin/a b", "usr/lib/libz.so"]);
        assert_eq!(extract.owned[0].name, "sys-libs/zlib");
    }

    #[test]
    fn a_directory_that_names_none_is_incomplete() {
        let level = |path: &str| testing::run(&PACKAGES, path, b"").diagnostics[0].level;
        assert_eq!(level("var/db/pkg/sys-libs/zlib/CONTENTS"), Level::Incomplete);
        assert_eq!(level("var/db/pkg/sys-libs/-MERGING-zlib-1.3/CONTENTS"), Level::Note);
    }

    #[test]
    fn licences_are_gentoo_s_words() {
        let check = |text: &str, expect: &[License]| {
            let extract = testing::run(&LICENSES, "var/db/pkg/sys-libs/zlib-1.3/LICENSE", text.as_bytes());
            let found: Vec<License> = extract.licenses.into_iter().flat_map(|stated| stated.licenses).collect();
            assert_eq!(found, expect, "{text:?}");
        };
        check("MIT\n", &[License::Expression("MIT".into())]);
        check("|| ( GPL-2 MIT )\n", &[License::Name("|| ( GPL-2 MIT )".into())]);
        check("\n", &[]);
    }
}
