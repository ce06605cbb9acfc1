//! Packages of Arch Linux and its derivatives: pacman's database of what is installed.
//!
//! Each package has a directory `NAME-VERSION-RELEASE` with a file `desc`, which says what it is, and a file `files`,
//! which lists what it brought: sections of a heading `%NAME%` and lines up to a blank one (pacman's
//! `lib/libalpm/be_local.c`, `local_db_read`).

use crate::analyzer::{Analyzer, Extract, File, OwnedFiles};
use sekisho_base::limits::LimitKey;
use sekisho_model::{License, PackageFacts, PackageKind, SourcePackage};

/// Reads what a package is.
pub(crate) static PACKAGES: Analyzer = Analyzer {
    id: "pacman-desc",
    title: "Arch Linux packages (pacman database)",
    kinds: &[PackageKind::Alpm],
    paths: &["var/lib/pacman/local/*/desc"],
    run: run_desc,
    ..Analyzer::NONE
};

/// Reads file lists.
pub(crate) static FILES: Analyzer = Analyzer {
    id: "pacman-files",
    title: "Files of Arch Linux packages (pacman database)",
    paths: &["var/lib/pacman/local/*/files"],
    alike: |_, _| false,
    run: run_files,
    ..Analyzer::NONE
};

/// Longer texts are taken for names: no licence expression comes near it.
const EXPRESSION_BYTES: usize = 1024;

/// Heading and lines of each section.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut heading = "";
    text.lines().map(str::trim_ascii).filter_map(move |line| {
        if line.is_empty() {
            heading = "";
            return None;
        }
        let is_heading = heading.is_empty() && line.len() > 2 && line.starts_with('%') && line.ends_with('%');
        if is_heading {
            heading = &line[1..line.len() - 1];
            return None;
        }
        Some((heading, line))
    })
}

fn run_desc(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut package = PackageFacts::new(PackageKind::Alpm, "", "");
    let mut base = None;
    for (heading, line) in lines(&text) {
        match heading {
            "NAME" => line.clone_into(&mut package.name),
            "VERSION" => line.clone_into(&mut package.version),
            "BASE" => base = Some(line.to_owned()),
            "ARCH" => package.arch = Some(line.to_owned()),
            "PACKAGER" if line != "Unknown Packager" => package.supplier = Some(line.to_owned()),
            "LICENSE" if line.len() > EXPRESSION_BYTES => package.licenses.push(License::Name(line.to_owned())),
            "LICENSE" => package.licenses.extend(License::parse(line)),
            // 0, which is left out, is for what was asked for.
            "REASON" => package.direct = Some(line != "1"),
            _ => {}
        }
    }
    if package.name.is_empty() || package.version.is_empty() {
        return Extract::failed(file.malformed("has no name or no version of the package"));
    }
    package.direct.get_or_insert(true);
    let name = base.unwrap_or_else(|| package.name.clone());
    package.source = Some(SourcePackage { name, version: package.version.clone() });
    Extract { packages: vec![package], ..Extract::default() }
}

fn run_files(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    // Neither versions nor releases have a hyphen.
    let directory = file.directory().rsplit('/').next().unwrap_or_default();
    let Some(name) = directory.rsplitn(3, '-').nth(2) else { return Extract::default() };
    // Directories end in a slash.
    let mut paths = lines(&text).filter(|(heading, path)| *heading == "FILES" && !path.ends_with('/'));
    let taken: Vec<&str> = paths.by_ref().take(file.limits.records).map(|(_, path)| path).collect();
    let more = paths.next().is_some();
    if taken.is_empty() {
        return Extract::default();
    }
    let owned =
        OwnedFiles { kind: PackageKind::Alpm, name: name.to_owned(), arch: None, paths: taken.into_iter().collect() };
    Extract {
        owned: vec![owned],
        diagnostics: more.then(|| file.exceeded(LimitKey::Records, "paths")).into_iter().collect(),
        ..Extract::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    const PATH: &str = "var/lib/pacman/local/x-1-1/desc";

    #[test]
    fn goldens() {
        testing::goldens(&PACKAGES, "src/analyzers/pacman/fixtures");
    }

    #[test]
    fn a_list_is_of_the_package_that_its_directory_names() {
        let list = "%FILES%\nusr/\nusr/bin/\nusr/bin/x y\n\n%BACKUP%\netc/x\tabc\n";
        let extract = testing::run(&FILES, "var/lib/pacman/local/lib-x-1:2.0+3-4/files", list.as_bytes());
        let [owned] = &extract.owned[..] else { panic!("{extract:?}") };
        assert_eq!((owned.name.as_str(), owned.paths.to_vec()), ("lib-x", vec!["usr/bin/x y".to_owned()]));
        assert!(testing::run(&FILES, "var/lib/pacman/local/x/files", list.as_bytes()).is_empty());
        testing::damaged(&FILES, "var/lib/pacman/local/x-1-1/files", list.as_bytes());
    }

    #[test]
    fn what_is_left_of_a_package_is_incomplete() {
        for text in ["", "%NAME%\nx\n", "%NAME%\n\n%VERSION%\n1-1\n", "%NAME\nx\n\n%VERSION%\n1-1\n"] {
            let extract = testing::run(&PACKAGES, PATH, text.as_bytes());
            assert_eq!(extract.packages, [], "{text:?}");
            assert_eq!(extract.diagnostics[0].level, Level::Incomplete, "{text:?}");
        }
        let odd = "%NAME%\r\nx\r\n\r\n%VERSION%\r\n1-1\r\n%DESC%\r\n\r\n%DESC%\r\n%NAME%\r\ny\r\n";
        let found = &testing::run(&PACKAGES, PATH, odd.as_bytes()).packages[0];
        assert_eq!((found.name.as_str(), found.direct), ("x", Some(true)), "a heading only begins a section");
    }
}
