//! What repositories the packages of Red Hat's images are from: the content manifests that its builds leave in them.
//!
//! Which of Red Hat's products, and so which of its advisories, a repository is of stands in a document of its own
//! (`repository-to-cpe.json`), which is not read: the names are kept for whoever has it.
//!
//! Sources: the schema `content_manifest.json` of atomic-reactor
//! (<https://github.com/containerbuildsystem/atomic-reactor/blob/master/atomic_reactor/schemas/content_manifest.json>),
//! and Konflux, which writes the same to `usr/share/buildinfo`, where images with ostree keep it.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_model::{Diagnostic, Level, json_reason};
use serde::Deserialize;

/// Reads the manifests.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "redhat-content-sets",
    title: "Repositories of Red Hat's packages (content manifests)",
    paths: &["root/buildinfo/content_manifests/*.json", "usr/share/buildinfo/content-sets.json"],
    run,
    ..Analyzer::NONE
};

/// A manifest; `null` is one that says nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    content_sets: Vec<String>,
}

fn run(file: &File<'_>) -> Extract {
    // No package can hide here.
    let note = |diagnostic| Extract::failed(Diagnostic { level: Level::Note, ..diagnostic });
    let bytes = match file.bytes() {
        Ok(bytes) => bytes,
        Err(diagnostic) => return note(diagnostic),
    };
    match serde_json::from_slice::<Option<Manifest>>(&bytes) {
        Ok(manifest) => {
            let mut content_sets = manifest.unwrap_or_default().content_sets;
            content_sets.truncate(file.limits.records);
            content_sets.sort();
            content_sets.dedup();
            Extract { content_sets, ..Extract::default() }
        }
        Err(error) => note(file.malformed(json_reason(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/redhat/fixtures");
    }

    #[test]
    fn what_says_nothing_hides_nothing() {
        let run = |text: &str| testing::run(&ANALYZER, "usr/share/buildinfo/content-sets.json", text.as_bytes());
        for text in ["null", "{}", r#"{"content_sets":[]}"#] {
            assert!(run(text).is_empty(), "{text}");
        }
        for text in ["", "[1]", r#"{"content_sets":"x"}"#] {
            assert_eq!(run(text).diagnostics[0].level, Level::Note, "{text}");
        }
        assert_eq!(run(r#"{"content_sets":["b","a","b"]}"#).content_sets, ["a", "b"]);
    }
}
