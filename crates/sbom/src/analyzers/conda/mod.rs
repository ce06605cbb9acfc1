//! Packages of conda environments: the record that conda leaves of each in `conda-meta`.
//!
//! One file is one package. `history`, which lists what was asked for and when, is not read; what a package says of it in
//! its own record is.
//!
//! Source: <https://docs.conda.io/projects/conda/en/stable/dev-guide/api/conda/models/records/index.html>
//! (`PrefixRecord`).

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::json::Scalar;
use sekisho_model::{License, PackageFacts, PackageKind, json_reason};
use serde::Deserialize;

/// Reads the records of installed packages.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "conda-installed",
    title: "conda packages (conda-meta/*.json)",
    kinds: &[PackageKind::Conda],
    paths: &["**/conda-meta/*.json"],
    run,
    version: 2,
    ..Analyzer::NONE
};

/// Longer texts are not taken for a licence: parsing one costs many times its size in memory.
const LICENSE_BYTES: usize = 4096;

/// The fields that are wanted. The rest, with every file of the package, is skipped.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    name: Scalar<'a>,
    #[serde(borrow, default)]
    version: Scalar<'a>,
    /// `py311h06a4308_0`.
    #[serde(borrow, default)]
    build: Scalar<'a>,
    /// An address, or a name alone.
    #[serde(borrow, default)]
    channel: Scalar<'a>,
    /// `linux-64`, `noarch`.
    #[serde(borrow, default)]
    subdir: Scalar<'a>,
    #[serde(borrow, default)]
    license: Scalar<'a>,
    /// What the user asked for; `None` as a text, or empty, where another package did.
    #[serde(borrow, default)]
    requested_spec: Option<Scalar<'a>>,
    /// The same where several parts of a request asked for it, as newer programs write it; an empty list for none.
    #[serde(borrow, default)]
    requested_specs: Option<Vec<Scalar<'a>>>,
    #[serde(borrow, default)]
    sha256: Scalar<'a>,
}

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let record: Record<'_> = match serde_json::from_str(&text) {
        Ok(record) => record,
        Err(error) => return Extract::failed(file.malformed(json_reason(&error))),
    };
    let (Some(name), Some(version)) = (record.name.text(), record.version.text()) else {
        // A file of this name is the record of an installed package, whatever is left of it.
        return Extract::failed(file.malformed("is a record without a name or a version"));
    };
    let subdir = record.subdir.text();
    let channel = record.channel.text().and_then(|channel| channel_name(channel, subdir.unwrap_or_default()));
    let extra =
        [("build", record.build.text()), ("channel", channel), ("sha256", record.sha256.text()), ("subdir", subdir)];
    let license = record.license.text().filter(|text| text.len() <= LICENSE_BYTES);
    let package = PackageFacts {
        licenses: license.and_then(License::parse).into_iter().collect(),
        direct: is_direct(record.requested_spec.as_ref(), record.requested_specs.as_deref()),
        extra: extra.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect(),
        ..PackageFacts::new(PackageKind::Conda, name, version)
    };
    Extract { packages: vec![package], ..Extract::default() }
}

/// Whether the user asked for a package, where either field says so.
fn is_direct(one: Option<&Scalar<'_>>, several: Option<&[Scalar<'_>]>) -> Option<bool> {
    let one = one.map(|spec| spec.text().is_some_and(|spec| spec != "None"));
    let several = several.map(|specs| specs.iter().any(|spec| spec.text().is_some()));
    one.or(several).map(|_| one == Some(true) || several == Some(true))
}

/// The last part of a channel's address that is not the platform: `main` of `https://repo.anaconda.com/pkgs/main/linux-64`,
/// as the package URL has it.
fn channel_name<'a>(channel: &'a str, subdir: &str) -> Option<&'a str> {
    channel.split('/').rev().find(|part| !part.is_empty() && *part != subdir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    const PATH: &str = "opt/conda/conda-meta/x-1-0.json";

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/conda/fixtures");
    }

    #[test]
    fn channels_are_named_without_address_and_platform() {
        for (channel, expect) in [
            ("https://repo.anaconda.com/pkgs/main/linux-64", Some("main")),
            ("https://conda.anaconda.org/conda-forge/linux-64/", Some("conda-forge")),
            ("conda-forge", Some("conda-forge")),
            ("https://conda.anaconda.org/conda-forge", Some("conda-forge")),
            ("/linux-64", None),
        ] {
            assert_eq!(channel_name(channel, "linux-64"), expect, "{channel}");
        }
    }

    #[test]
    fn what_was_asked_for_is_told_from_the_rest() {
        let direct = |field: &str| {
            let text = format!(r#"{{"name": "x", "version": "1"{field}}}"#);
            testing::run(&ANALYZER, PATH, text.as_bytes()).packages[0].direct
        };
        assert_eq!(direct(""), None);
        assert_eq!(direct(r#", "requested_spec": "x>=1""#), Some(true));
        assert_eq!(direct(r#", "requested_spec": "None""#), Some(false));
        assert_eq!(direct(r#", "requested_spec": """#), Some(false));
        assert_eq!(direct(r#", "requested_spec": null"#), None);
        assert_eq!(direct(r#", "requested_specs": ["x >=1", "x"]"#), Some(true));
        assert_eq!(direct(r#", "requested_specs": []"#), Some(false));
        assert_eq!(direct(r#", "requested_spec": "None", "requested_specs": ["x"]"#), Some(true));
    }

    #[test]
    fn a_record_without_a_package_says_so() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"name": "x"}"#,
            r#"{"name": "x", "version": 1.0}"#,
            r#"{"version": "1"}"#,
            "{\"name\": \"x\"",
        ] {
            let extract = testing::run(&ANALYZER, PATH, text.as_bytes());
            assert_eq!((extract.packages.len(), extract.diagnostics[0].level), (0, Level::Incomplete), "{text}");
        }
    }
}
