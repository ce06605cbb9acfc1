//! Python distributions: installed ones by the core metadata that wheels, eggs and distutils leave beside the
//! code, vendored copies (`setuptools/_vendor`) included; declared ones by lock files and requirements.
//!
//! One file of metadata is one package. Left unread because nothing a reader expects is there: `RECORD` (file
//! list), `INSTALLER`, `direct_url.json`, and `METADATA`'s description.

use crate::analyzer::{Analyzer, Extract, File};
use metadata::Metadata;
use sekisho_model::{Evidence, License, PackageFacts, PackageKind};

mod classifiers;
mod egg;
mod metadata;
mod pipfile;
mod requirements;
mod setup;
mod toml_locks;
mod version;

/// Reads core metadata.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "python-installed",
    title: "Python distributions (dist-info, egg-info)",
    kinds: &[PackageKind::Pypi],
    // Python's own reader (importlib.metadata) goes by the lower case of the directory and looks for either file in
    // each, or takes what should be the directory for the file.
    paths: &[
        "**/*.dist-info/METADATA",
        "**/*.dist-info/PKG-INFO",
        "**/*.dist-info",
        "**/*.egg-info/METADATA",
        "**/*.egg-info/PKG-INFO",
        "**/*.egg-info",
        "**/EGG-INFO/METADATA",
        "**/EGG-INFO/PKG-INFO",
    ],
    version: 3,
    any_case: true,
    run,
    ..Analyzer::NONE
};

/// Names distributions whose metadata is gone, as slimmed images have them. The scan leaves out those with metadata beside it.
pub(crate) static NAMED: Analyzer = Analyzer {
    id: "python-named",
    title: "Python distributions without metadata, by the name of their dist-info (WHEEL)",
    kinds: &[PackageKind::Pypi],
    paths: &["**/*.dist-info/WHEEL"],
    any_case: true,
    alike: |a, b| a.rsplit('/').nth(1) == b.rsplit('/').nth(1),
    run: named,
    ..Analyzer::NONE
};

/// Reads eggs that are files.
pub(crate) static EGG: Analyzer = Analyzer {
    id: "python-egg",
    title: "Python eggs (*.egg)",
    kinds: &[PackageKind::Pypi],
    paths: &["**/*.egg"],
    any_case: true,
    random_access: true,
    run: egg::run,
    ..Analyzer::NONE
};

/// Reads requirements files.
pub(crate) static REQUIREMENTS: Analyzer = Analyzer {
    id: "python-requirements",
    title: "Python requirements with exact versions (*requirements*.txt, requirements/*.txt, requirements*.lock of Rye)",
    paths: &["**/*requirements*.txt", "**/requirements/*.txt", "**/requirements*.lock"],
    version: LOCK.version + 3,
    run: requirements::run,
    ..LOCK
};

/// Reads programs that install a distribution.
pub(crate) static SETUP: Analyzer = Analyzer {
    id: "python-setup",
    version: 1,
    title: "Python requirements with exact versions in setup.py",
    paths: &["**/setup.py"],
    not_below: &["site-packages", "dist-packages", "node_modules"],
    run: setup::run,
    ..LOCK
};

/// Reads pipenv's lock files.
pub(crate) static PIPFILE: Analyzer = Analyzer {
    id: "python-pipenv",
    title: "pipenv lock files (Pipfile.lock)",
    version: LOCK.version + 3,
    paths: &["**/Pipfile.lock"],
    run: pipfile::run,
    ..LOCK
};

/// Reads poetry's lock files.
pub(crate) static POETRY: Analyzer = Analyzer {
    id: "python-poetry",
    title: "Poetry lock files (poetry.lock)",
    paths: &["**/poetry.lock"],
    run: toml_locks::poetry,
    ..LOCK
};

/// Reads uv's lock files.
pub(crate) static UV: Analyzer =
    Analyzer { id: "python-uv", title: "uv lock files (uv.lock)", paths: &["**/uv.lock"], run: toml_locks::uv, ..LOCK };

/// Reads PDM's lock files.
pub(crate) static PDM: Analyzer = Analyzer {
    id: "python-pdm",
    title: "PDM lock files (pdm.lock)",
    paths: &["**/pdm.lock"],
    run: toml_locks::pdm,
    ..LOCK
};

/// Reads the lock files of PEP 751.
pub(crate) static PYLOCK: Analyzer = Analyzer {
    id: "python-pylock",
    title: "Python lock files (pylock.toml)",
    version: LOCK.version + 1,
    paths: &["**/pylock.toml", "**/pylock.*.toml"],
    run: toml_locks::pylock,
    ..LOCK
};

/// What all that declare packages have in common.
const LOCK: Analyzer = Analyzer { kinds: &[PackageKind::Pypi], version: 3, ..Analyzer::NONE };

/// A `License` field longer than this, in bytes, is a licence's text and not its name.
const LICENSE_NAME_BYTES: usize = 200;

/// Longer texts are not taken for a licence expression: parsing one costs many times its size in
/// memory.
const LICENSE_EXPRESSION_BYTES: usize = 4096;

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    distribution(file, &text)
}

/// The distribution that the directory is called by: `name-version.dist-info`, with `_` for each `-` in the name. (PEP 376,
/// "Recording installed projects".)
fn named(file: &File<'_>) -> Extract {
    let directory = file.directory().rsplit('/').next().unwrap_or_default();
    let stem = directory.len().checked_sub(".dist-info".len()).and_then(|end| directory.get(..end));
    match stem.and_then(|stem| stem.split_once('-')).filter(|(name, version)| !name.is_empty() && !version.is_empty()) {
        Some((name, version)) => {
            let facts = PackageFacts::new(PackageKind::Pypi, name, version);
            Extract { packages: vec![PackageFacts { evidence: Evidence::Inferred, ..facts }], ..Extract::default() }
        }
        // Whatever metadata there is says it.
        None => Extract::default(),
    }
}

/// The distribution whose core metadata `text` is.
fn distribution(file: &File<'_>, text: &str) -> Extract {
    let metadata = metadata::parse(text);
    let (Some(name), Some(version)) = (given(metadata.name.as_deref()), given(metadata.version.as_deref())) else {
        // A file of this name is the metadata of an installed package, whatever is left of it.
        return Extract::failed(file.malformed("holds no core metadata with a name and a version"));
    };
    let package = PackageFacts {
        licenses: licenses(&metadata),
        supplier: supplier(&metadata),
        ..PackageFacts::new(PackageKind::Pypi, name, version)
    };
    Extract { packages: vec![package], ..Extract::default() }
}

/// The most exact statement of the licences: an SPDX expression where there is one, then classifiers
/// that all name one SPDX licence each, then whatever names there are.
fn licenses(metadata: &Metadata<'_>) -> Vec<License> {
    let expression = metadata.license_expression.as_deref().filter(|text| text.len() <= LICENSE_EXPRESSION_BYTES);
    if let Some(license) = expression.and_then(License::parse) {
        return vec![license];
    }
    let field = stated(metadata.license.as_deref())
        .filter(|text| text.len() <= LICENSE_NAME_BYTES && !text.contains('\n'))
        .and_then(License::parse);
    let mut classified = Vec::new();
    for license in metadata.classifiers.iter().filter_map(|classifier| classifiers::license(classifier)) {
        if !classified.contains(&license) {
            classified.push(license);
        }
    }
    let exact = !classified.is_empty() && classified.iter().all(License::is_spdx_id);
    match field {
        Some(License::Expression(_)) => field.into_iter().collect(),
        Some(License::Name(_)) if !exact => field.into_iter().collect(),
        _ => classified,
    }
}

/// The author, or else the maintainer, as `Name <mail>` where both are known.
fn supplier(metadata: &Metadata<'_>) -> Option<String> {
    let person = |name: Option<&str>, mail: Option<&str>| {
        let one_line = |text: &str| text.replace('\n', " ");
        match (stated(name).map(one_line), stated(mail).map(one_line)) {
            // PEP 621 back ends put `Name <mail>` into the mail field, and several people into either.
            (Some(name), Some(mail)) if !mail.contains(['<', ',', ' ']) => Some(format!("{name} <{mail}>")),
            (Some(name), _) => Some(name),
            (None, mail) => mail,
        }
    };
    person(metadata.author.as_deref(), metadata.author_email.as_deref())
        .or_else(|| person(metadata.maintainer.as_deref(), metadata.maintainer_email.as_deref()))
}

/// A value that is not blank.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|text| !text.is_empty())
}

/// A value that says something: distutils writes `UNKNOWN` for what a package leaves out.
fn stated(value: Option<&str>) -> Option<&str> {
    given(value).filter(|text| *text != "UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::{Code, Level};

    const PATH: &str = "usr/lib/python3/dist-packages/x-1.dist-info/METADATA";

    fn one(text: &str) -> PackageFacts {
        let extract = testing::run(&ANALYZER, PATH, text.as_bytes());
        assert_eq!(extract.diagnostics, []);
        let [package] = extract.packages.try_into().unwrap();
        package
    }

    fn licenses_of(headers: &str) -> Vec<License> {
        one(&format!("Metadata-Version: 2.1\nName: x\nVersion: 1\n{headers}\n")).licenses
    }

    fn supplier_of(headers: &str) -> Option<String> {
        one(&format!("Name: x\nVersion: 1\n{headers}\n")).supplier
    }

    fn expression(text: &str) -> License {
        License::Expression(text.to_owned())
    }

    fn name(text: &str) -> License {
        License::Name(text.to_owned())
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/python/fixtures/installed");
    }

    #[test]
    fn a_distribution_without_metadata_is_known_by_its_directory() {
        testing::goldens(&NAMED, "src/analyzers/python/fixtures/named");
        let run = |path: &str| testing::run(&NAMED, path, b"Wheel-Version: 1.0\n").packages;
        let [facts] = run("site-packages/Foo_Bar-1.0.post1.dist-info/WHEEL").try_into().unwrap();
        assert_eq!((&*facts.name, &*facts.version, facts.evidence), ("Foo_Bar", "1.0.post1", Evidence::Inferred));
        for path in ["foo.dist-info/WHEEL", "foo-.dist-info/WHEEL", "-1.dist-info/WHEEL", ".dist-info/WHEEL", "WHEEL"] {
            assert_eq!(run(path), [], "{path}");
        }
    }

    #[test]
    fn every_installed_form_is_wanted_and_nothing_else() {
        let dispatch = crate::Dispatch::new(&[&ANALYZER]);
        for path in [
            "venv/lib/python3.11/site-packages/requests-2.31.0.dist-info/METADATA",
            "site-packages/setuptools/_vendor/zipp-3.19.2.dist-info/METADATA",
            "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO",
            "usr/lib/python3/dist-packages/pycups-2.0.1.egg-info",
            "site-packages/foo-1.0-py3.11.egg/EGG-INFO/PKG-INFO",
            "site-packages/foo-1.0.DIST-INFO/METADATA",
            "site-packages/foo-1.0.dist-info/PKG-INFO",
            "site-packages/foo-1.0.Egg-info/METADATA",
            "site-packages/foo-1.0.dist-info",
            "site-packages/foo-1.0.EGG-INFO",
            "site-packages/foo-1.0-py3.11.egg/egg-info/METADATA",
        ] {
            assert_eq!(dispatch.by_path(path).len(), 1, "{path}");
        }
        for path in ["PKG-INFO", "foo-1.0/PKG-INFO", "x.dist-info/RECORD", "x.dist-info/licenses/METADATA"] {
            assert_eq!(dispatch.by_path(path).len(), 0, "{path}");
        }
    }

    #[test]
    fn the_most_exact_licence_wins() {
        let mit = "Classifier: License :: OSI Approved :: MIT License\n";
        let bsd = "Classifier: License :: OSI Approved :: BSD License\n";
        assert_eq!(
            licenses_of(&format!("License-Expression: MIT OR 0BSD\nLicense: x\n{bsd}")),
            [expression("MIT OR 0BSD")]
        );
        assert_eq!(licenses_of(&format!("License-Expression: {}MIT\n{mit}", "(".repeat(5000))), [expression("MIT")]);
        assert_eq!(licenses_of(&format!("License: BSD-3-Clause\n{bsd}")), [expression("BSD-3-Clause")]);
        assert_eq!(licenses_of(&format!("License: MIT License\n{mit}")), [expression("MIT")]);
        assert_eq!(licenses_of(&format!("License: MIT License\n{mit}{bsd}")), [name("MIT License")]);
        assert_eq!(licenses_of(&format!("License: UNKNOWN\n{bsd}")), [name("BSD License")]);
        assert_eq!(licenses_of(&format!("License: The text\n  of a licence\n{mit}{mit}")), [expression("MIT")]);
        assert_eq!(licenses_of(&format!("License: {}\n{bsd}", "text ".repeat(100))), [name("BSD License")]);
        assert_eq!(licenses_of("License: The text\n  of a licence\n"), []);
        assert_eq!(licenses_of("Classifier: License :: OSI Approved\nClassifier: Topic :: Software\n"), []);
    }

    #[test]
    fn suppliers_join_name_and_mail() {
        assert_eq!(supplier_of("Author: A\nAuthor-email: a@b"), Some("A <a@b>".into()));
        assert_eq!(supplier_of("Author-Email: A <a@b>, C <c@d>"), Some("A <a@b>, C <c@d>".into()));
        assert_eq!(supplier_of("Author: A, C\nAuthor-email: a@b, c@d"), Some("A, C".into()));
        assert_eq!(supplier_of("Author: UNKNOWN\nAuthor-email: UNKNOWN\nMaintainer: M"), Some("M".into()));
        assert_eq!(supplier_of("Author: A,\n        B"), Some("A, B".into()));
        assert_eq!(supplier_of("Author:\nMaintainer:   "), None);
    }

    #[test]
    fn a_file_without_a_package_says_so() {
        for text in ["", "\nName: x\nVersion: 1\n", "\0\0\0\0", "Name: x\n\nVersion: 1\n", "Name: \nVersion: 1\n"] {
            let extract = testing::run(&ANALYZER, PATH, text.as_bytes());
            assert_eq!(extract.packages, [], "{text:?}");
            let [diagnostic] = extract.diagnostics.try_into().unwrap();
            assert_eq!((diagnostic.level, diagnostic.code), (Level::Incomplete, Code::FileMalformed), "{text:?}");
            assert_eq!(diagnostic.path.as_deref(), Some(PATH));
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_cost_only_themselves() {
        let extract = testing::run(&ANALYZER, PATH, b"Name: x\nVersion: 1\nAuthor: J\xf6rg\n");
        assert_eq!(extract.packages[0].supplier.as_deref(), Some("J\u{fffd}rg"));
    }

    #[test]
    fn more_bytes_than_the_limit_are_reported() {
        let limits = sekisho_base::Limits::default();
        let text = format!("Name: x\nVersion: 1\nSummary: {}", "x".repeat(limits.text_file_bytes as usize));
        let extract = testing::run(&ANALYZER, PATH, text.as_bytes());
        assert_eq!(extract.diagnostics[0].code, Code::LimitExceeded);
        let fitting = &text.as_bytes()[..limits.text_file_bytes as usize];
        assert_eq!(testing::run(&ANALYZER, PATH, fitting).packages.len(), 1);
    }
}
