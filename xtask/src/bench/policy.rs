//! The policy budget: manifests against the policies that ship, and what one workload costs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use super::measure::{Job, interleaved};
use super::publish;
use crate::process::Run;
use crate::tools::{self, Pinned};

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Evaluate the same Rego with OPA as well, fetched from PyPI, and compare what both say
    #[arg(long)]
    peers: bool,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// OPA as a library, with which the same rules are evaluated.
const OPA: Pinned = Pinned {
    wheel: "opa-golib-python-bindings",
    version: "0.4.4",
    sha256: "d411c901e14b8c7c3023e23e4a944f4cf429c1d31baf80e959e57d11efbfd24a",
    executable: "",
};

/// The same rules in Rego through this program and through OPA, in turn: what each takes, and where they differ.
fn rego(bench: &Path, folder: &Path, rounds: usize) -> Result<String> {
    let library = tools::fetch_library(&OPA)?;
    let script = folder.join("opa.py");
    Run::new(bench).args(["sources".as_ref(), folder.as_os_str(), "300".as_ref()]).read()?;
    fs::write(&script, include_str!("opa.py")).with_context(|| format!("cannot write {}", script.display()))?;
    let mut seconds = [Vec::new(), Vec::new()];
    let mut said = [BTreeSet::new(), BTreeSet::new()];
    let mut about = String::new();
    for _ in 0..rounds.max(1) {
        let ours = Run::new(bench).args(["rego".as_ref(), folder.as_os_str()]).read()?;
        let theirs = Run::new("python3").args([script.as_os_str(), library.as_os_str(), folder.as_os_str()]).read()?;
        for (text, (seconds, said)) in [ours, theirs].iter().zip(seconds.iter_mut().zip(&mut said)) {
            let (lines, last) = text.trim_end().rsplit_once('\n').context("nothing is said of any document")?;
            let mut figures = last.split('\t').skip(1);
            let figure = figures.next().context("no figure is said")?;
            seconds.push(figure.parse::<f64>().with_context(|| format!("cannot read {last:?}"))?);
            figures.next().unwrap_or_default().clone_into(&mut about);
            *said = lines.lines().map(str::to_owned).collect();
        }
    }
    let [ours, theirs] = seconds.map(|mut values| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    });
    // The same of many documents is one line: whose it is, the rule, and what it says.
    let mut differences: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (who, [own, other]) in [("sekisho", [&said[0], &said[1]]), ("OPA", [&said[1], &said[0]])] {
        for line in own.difference(other) {
            *differences.entry((who, line.split_once('\t').map_or("", |(_, rest)| rest))).or_default() += 1;
        }
    }
    let mut report = format!(
        "\n| Rego: {about} | s | documents that a rule speaks of |\n|---|---:|---:|\n\
         | sekisho | {ours:.3} | {} |\n| OPA, all rules in one query | {theirs:.3} | {} |\n\n\
         sekisho is {:.2} times as fast; verdicts that differ: {}\n",
        said[0].len(),
        said[1].len(),
        theirs / ours,
        differences.values().sum::<usize>(),
    );
    for ((who, what), count) in differences {
        let _ = writeln!(report, "- only {who}, of {count} documents: {}", what.replace('\t', " "));
    }
    println!("{report}");
    Ok(report)
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
    if options.peers {
        report.push_str(&rego(&bench, &scratch.join("rego"), options.rounds)?);
    }
    fs::remove_dir_all(&scratch)?;
    if options.write {
        let peers = if options.peers { " --peers" } else { "" };
        publish(root, "policy", &format!("cargo xtask bench policy{peers} --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}
