//! The sensor's budget: what a call costs those who are watched, against an empty pair of programs, and whether anything is
//! lost in a storm of opens.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::publish;
use crate::process::Run;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    Run::cargo()
        .args(["build", "--release", "--locked", "--package", "sekisho-sensor", "--example", "sensor_bench"])
        .dir(root)
        .run()?;
    let bench = crate::process::target_folder(root)?.join("release/examples/sensor_bench");
    let report = Run::new(&bench).read()?;
    println!("{report}");
    if options.write {
        publish(root, "sensor", "cargo xtask bench sensor", &report)?;
    }
    Ok(())
}
