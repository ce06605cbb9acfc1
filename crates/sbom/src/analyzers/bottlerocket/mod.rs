//! Packages of Bottlerocket, which has no package database: the list that its build leaves in the image
//! (<https://github.com/bottlerocket-os/bottlerocket-sdk>, `application-inventory.json`). They are built as rpm packages,
//! and their versions are ordered as those are.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;

/// Reads the list.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "bottlerocket-inventory",
    title: "Bottlerocket packages (application inventory)",
    kinds: &[PackageKind::Rpm],
    paths: &["usr/share/bottlerocket/application-inventory.json"],
    run,
    ..Analyzer::NONE
};

#[derive(Deserialize)]
struct Inventory {
    #[serde(rename = "Content")]
    content: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Entry {
    name: String,
    version: String,
    release: String,
    epoch: String,
    architecture: Option<String>,
    publisher: Option<String>,
}

fn run(file: &File<'_>) -> Extract {
    let bytes = match file.bytes() {
        Ok(bytes) => bytes,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let inventory: Inventory = match serde_json::from_slice(&bytes) {
        Ok(inventory) => inventory,
        Err(error) => return Extract::failed(file.malformed(json_reason(&error))),
    };
    let mut extract = Extract::default();
    let mut nameless = 0;
    for entry in inventory.content {
        let Entry { name, version, release, epoch, architecture, publisher } = entry;
        if name.is_empty() || version.is_empty() {
            nameless += 1;
            continue;
        }
        let epoch = if matches!(epoch.as_str(), "" | "0") { String::new() } else { format!("{epoch}:") };
        let release = if release.is_empty() { release } else { format!("-{release}") };
        extract.packages.push(PackageFacts {
            arch: architecture,
            supplier: publisher,
            ..PackageFacts::new(PackageKind::Rpm, name, format!("{epoch}{version}{release}"))
        });
    }
    if nameless > 0 {
        extract.diagnostics.push(file.malformed(format_args!("entries without a name or a version: {nameless}")));
    }
    extract
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/bottlerocket/fixtures");
    }

    #[test]
    fn what_hides_a_package_is_incomplete() {
        let run = |text: &str| testing::run(&ANALYZER, ANALYZER.paths[0], text.as_bytes());
        for text in ["", "[]", "{}", r#"{"Content":[{"Name":"x"}]}"#, r#"{"Content":[{"Name":1,"Version":"1"}]}"#] {
            assert_eq!(run(text).diagnostics[0].level, Level::Incomplete, "{text}");
        }
        let found = run(r#"{"Content":[{"Name":"x","Version":"1","New":[]},{"Version":"2"}]}"#);
        assert_eq!((found.packages[0].version.as_str(), found.packages.len()), ("1", 1));
    }
}
