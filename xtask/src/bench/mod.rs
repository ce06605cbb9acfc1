//! `cargo xtask bench`: the budgets, measured against a floor and against peers in the same run.

mod measure;
mod packages;
mod peers;
mod reference;
mod scan;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

/// Which budget to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Scanning an image: CPU, wall and memory against inflating and hashing alone, Trivy and Syft
    Scan(scan::Options),
    /// Build the reference image, if it is not there yet, and print where it is
    Reference,
}

pub(crate) fn run(root: &Path, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Scan(options) => scan::run(root, options),
        Bench::Reference => reference::build_here(),
    }
}
