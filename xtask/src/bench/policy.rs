//! The policy budget: manifests against the policies that ship, and what one workload costs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use super::measure::{Job, interleaved};
use super::publish;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    let build = ["build", "--release", "--locked"];
    Run::cargo().args(build).args(["--package", "sekisho"]).dir(root).run()?;
    Run::cargo().args(build).args(["--package", "sekisho-policy", "--example", "policy_bench"]).dir(root).run()?;
    let release = crate::process::target_folder(root)?.join("release");
    let bench = release.join("examples/policy_bench");
    let scratch = tools::cache_folder("bench")?.join(format!("policy-{}", std::process::id()));
    let mut report = String::from("| job | CPU s | wall s | peak RSS MB |\n|---|---:|---:|---:|\n");
    let print = |text: &mut String, line: String| {
        println!("{line}");
        let _ = writeln!(text, "{line}");
    };
    for count in ["1000", "10000"] {
        let folder = scratch.join(count);
        fs::create_dir_all(&folder)?;
        let text = folder.to_string_lossy().into_owned();
        Run::new(&bench).args(["manifests", &text, count]).read()?;
        let program = release.join("sekisho").to_string_lossy().into_owned();
        let result = scratch.join("result.json").to_string_lossy().into_owned();
        let words = ["check", "manifest", &text, "--profile", "all", "--warn-only", "--format", "json", "-o", &result];
        let job = Job::new(std::iter::once(program.as_str()).chain(words));
        for cost in interleaved(&[job], options.rounds)? {
            let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
            let memory = cost.memory / 1_000_000;
            print(
                &mut report,
                format!("| {count} manifests, all policies that ship | {cpu:.3} | {wall:.3} | {memory} |"),
            );
        }
    }
    let mut growth = String::from("\n| policies | µs for one workload |\n|---:|---:|\n");
    for count in ["10", "100", "1000"] {
        let mut values = Vec::new();
        for _ in 0..options.rounds.max(1) {
            let text = Run::new(&bench).args(["judge", count]).read()?;
            let value = text.split('\t').nth(1).context("policy_bench says no figure")?;
            values.push(value.parse::<f64>().with_context(|| format!("cannot read {text:?}"))?);
        }
        values.sort_by(f64::total_cmp);
        print(&mut growth, format!("| {count} | {:.1} |", values[values.len() / 2]));
    }
    report.push_str(&growth);
    fs::remove_dir_all(&scratch)?;
    if options.write {
        publish(root, "policy", &format!("cargo xtask bench policy --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}
