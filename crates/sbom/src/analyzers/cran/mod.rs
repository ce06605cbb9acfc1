//! R packages: installed ones by their `DESCRIPTION`, declared ones by the lock file of renv.

use crate::analyzer::Analyzer;
use sekisho_model::{License, PackageKind};

mod description;
mod renv;

/// Reads `DESCRIPTION`, which many others than R have a file of as well.
pub(crate) static INSTALLED: Analyzer = Analyzer {
    id: "r-installed",
    title: "R packages (DESCRIPTION)",
    kinds: &[PackageKind::Cran],
    paths: &["**/DESCRIPTION"],
    alike: |a, b| description::is_in_library(a) == description::is_in_library(b),
    run: description::run,
    ..Analyzer::NONE
};

/// Reads `renv.lock`.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "renv-lock",
    title: "renv lock files (renv.lock)",
    kinds: &[PackageKind::Cran],
    paths: &["**/renv.lock"],
    run: renv::run,
    ..Analyzer::NONE
};

/// Longer texts are not taken for a licence: parsing one costs many times its size in memory.
const LICENSE_BYTES: usize = 1024;

/// A licence as R packages state it: the template of its text (`MIT + file LICENSE`) says nothing of which it is.
fn license(text: &str) -> Option<License> {
    let text = text.split(" + file ").next().unwrap_or(text);
    Some(text).filter(|text| text.len() <= LICENSE_BYTES && !text.starts_with("file ")).and_then(License::parse)
}

#[cfg(test)]
mod tests;
