//! The budgets of the advisory database: import, opening and matching, changes over many inventories, comparing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::publish;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Archives or directories of feeds to import, such as those of a corpus
    #[arg(long, value_name = "PATH")]
    feed: Vec<PathBuf>,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// Advisories of the synthetic database that say something else in the second one.
const CHANGED: &str = "1000";

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    for (package, example) in [("sekisho-feeds", "advisory_bench"), ("sekisho-advisory", "vercmp")] {
        Run::cargo()
            .args(["build", "--release", "--locked", "--package", package, "--example", example])
            .dir(root)
            .run()?;
    }
    let examples = crate::process::target_folder(root)?.join("release/examples");
    let bench = examples.join("advisory_bench");
    let scratch = tools::cache_folder("bench")?.join(format!("advisory-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let mut report = String::from("| job | what | median | unit |\n|---|---|---:|---|\n");

    let median = |words: &[&str]| -> Result<Vec<(String, f64, String)>> {
        let mut values: BTreeMap<usize, (String, Vec<f64>, String)> = BTreeMap::new();
        for _ in 0..options.rounds.max(1) {
            let text = Run::new(&bench).args(words).read()?;
            for (place, line) in text.lines().enumerate() {
                let mut parts = line.split('\t');
                let (Some(name), Some(value), unit) = (parts.next(), parts.next(), parts.next()) else { continue };
                let value: f64 = value.parse().with_context(|| format!("cannot read {line:?}"))?;
                let unit = unit.unwrap_or_default().to_owned();
                values.entry(place).or_insert_with(|| (name.to_owned(), Vec::new(), unit)).1.push(value);
            }
        }
        let middle = |(name, mut values, unit): (String, Vec<f64>, String)| {
            values.sort_by(f64::total_cmp);
            (name, values[values.len() / 2], unit)
        };
        Ok(values.into_values().map(middle).collect())
    };
    let mut rows = |job: &str, measured: Vec<(String, f64, String)>| {
        for (name, value, unit) in measured {
            let value =
                if value.fract() == 0.0 || value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.1}") };
            let line = format!("| {job} | {name} | {value} | {unit} |");
            println!("{line}");
            let _ = writeln!(report, "{line}");
        }
    };

    let text = |path: &Path| path.to_string_lossy().into_owned();
    if !options.feed.is_empty() {
        let mut words = vec!["import".to_owned(), text(&scratch.join("store"))];
        words.extend(options.feed.iter().map(|path| text(path)));
        rows("import of the feeds given", median(&words.iter().map(String::as_str).collect::<Vec<_>>())?);
    }
    let (old, new) = (text(&scratch.join("old")), text(&scratch.join("new")));
    Run::new(&bench).args(["build", &new, CHANGED]).read()?;
    rows("300,000 advisories, built", median(&["build", &old, "0"])?);
    rows("300,000 advisories, used", median(&["match", &old])?);
    for inventories in ["10000", "100000"] {
        rows(&format!("{CHANGED} changed, {inventories} inventories"), median(&["delta", &old, &new, inventories])?);
    }
    fs::remove_dir_all(&scratch)?;
    let compared = Run::new(examples.join("vercmp")).read()?;
    println!("\n{compared}");
    let _ = write!(report, "\nComparing versions:\n\n```text\n{compared}```\n");
    if options.write {
        publish(root, "advisory", &format!("cargo xtask bench advisory --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}
