//! The budgets of the hub: inventories a second, a new advisory database over all that is stored, and what lists take.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use super::publish;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Inventories of the larger of two sizes; the smaller is a tenth
    #[arg(long, default_value_t = 20_000)]
    inventories: u64,
    /// An empty database of `PostgreSQL` for the smaller size, as `postgres://USER@HOST/NAME`
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// Advisories that say something else in the second database.
const CHANGED: &str = "1000";

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    for (package, example) in [("sekisho-feeds", "advisory_bench"), ("sekisho-hub", "hub_bench")] {
        Run::cargo()
            .args(["build", "--release", "--locked", "--package", package, "--example", example])
            .dir(root)
            .run()?;
    }
    let examples = crate::process::target_folder(root)?.join("release/examples");
    let scratch = tools::cache_folder("bench")?.join(format!("hub-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (old, new) = (text(&scratch.join("old")), text(&scratch.join("new")));
    Run::new(examples.join("advisory_bench")).args(["build", &old, "0"]).read()?;
    Run::new(examples.join("advisory_bench")).args(["build", &new, CHANGED]).read()?;

    let mut report = String::from("| state | what | value | unit |\n|---|---|---:|---|\n");
    let mut measure = |state: &str, url: &str, inventories: u64| -> Result<()> {
        let said =
            Run::new(examples.join("hub_bench")).args(["judge", url, &old, &new, &inventories.to_string()]).read()?;
        for line in said.lines() {
            let mut parts = line.split('\t');
            let (Some(what), Some(value), unit) = (parts.next(), parts.next(), parts.next()) else { continue };
            let value: f64 = value.parse().with_context(|| format!("cannot read {line:?}"))?;
            let value = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") };
            let line = format!("| {state} | {what} | {value} | {} |", unit.unwrap_or_default());
            println!("{line}");
            let _ = writeln!(report, "{line}");
        }
        Ok(())
    };
    for inventories in [options.inventories / 10, options.inventories] {
        let file = scratch.join(format!("{inventories}.db"));
        measure("SQLite", &format!("sqlite:{}", file.display()), inventories)?;
        let bytes = fs::metadata(&file)?.len() as f64 / 1e6;
        let line = format!("| SQLite | the file with {inventories} inventories | {bytes:.0} | MB |");
        println!("{line}");
    }
    if let Some(url) = &options.postgres {
        measure("PostgreSQL", url, options.inventories / 10)?;
    }
    fs::remove_dir_all(&scratch)?;
    if options.write {
        let with = if options.postgres.is_some() { " --postgres URL" } else { "" };
        let command = format!("cargo xtask bench hub --inventories {}{with} --write", options.inventories);
        publish(root, "hub", &command, &report)?;
    }
    Ok(())
}
