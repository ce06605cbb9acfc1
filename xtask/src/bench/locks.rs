//! A repository of nothing but lock files and manifests: how many of them are read in a second.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::measure::{Job, interleaved};
use super::packages::of_cyclonedx;
use super::peers::Peers;
use super::publish;
use crate::process::{Run, target_folder};
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Files in the repository
    #[arg(long, default_value_t = 5000)]
    files: usize,
    /// Measure Trivy and Syft in the same run
    #[arg(long)]
    peers: bool,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write the figures into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// Names of files that list what a project needs; of each, what the analyzers' fixtures have is taken.
const NAMES: [&str; 24] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Manifest.toml",
    "Package.resolved",
    "Pipfile.lock",
    "Podfile.lock",
    "bun.lock",
    "cabal.project.freeze",
    "composer.lock",
    "conan.lock",
    "gradle.lockfile",
    "mix.lock",
    "package-lock.json",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pubspec.lock",
    "pylock.toml",
    "renv.lock",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
    let program = target_folder(root)?.join("release/sekisho");
    let scratch = tools::cache_folder("bench")?.join(format!("locks-{}", std::process::id()));
    let tree = scratch.join("tree");
    let bytes = plant(&root.join("crates/sbom/src/analyzers"), &tree, options.files)?;
    let words = ["sbom", "fs", "--quiet"].map(std::ffi::OsStr::new);
    let mut jobs =
        vec![("sekisho", Job::new(std::iter::once(program.as_os_str()).chain(words).chain([tree.as_os_str()])))];
    if options.peers {
        let peers = Peers::prepare()?;
        jobs.push(("trivy", peers.trivy_directory("fs", &tree)));
        jobs.push(("syft", peers.syft(&tree, "dir")));
    }
    let (names, jobs): (Vec<&str>, Vec<Job>) = jobs.into_iter().unzip();
    // First, while this process is small: a child has the memory of whoever began it in its peak.
    let costs = interleaved(&jobs, options.rounds)?;
    let found: Vec<usize> = jobs.iter().map(|job| Ok(of_cyclonedx(&job.output()?.0)?.len())).collect::<Result<_>>()?;
    let mut report = format!(
        "| {} files, {:.1} MB | files/s | CPU s | wall s | peak RSS MB | distinct packages |\n\
         |---|---:|---:|---:|---:|---:|\n",
        options.files,
        bytes as f64 / 1e6
    );
    for ((name, cost), found) in names.iter().zip(costs).zip(found) {
        let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
        let rate = options.files as f64 / wall;
        let memory = cost.memory as f64 / 1e6;
        let _ = writeln!(report, "| {name} | {rate:.0} | {cpu:.3} | {wall:.3} | {memory:.0} | {found} |");
    }
    fs::remove_dir_all(&scratch)?;
    println!("\n{report}");
    if options.write {
        let peers = if options.peers { " --peers" } else { "" };
        publish(root, "locks", &format!("cargo xtask bench locks{peers} --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}

/// Writes that many files into directories of their own, one kind after the other, and says how many bytes they have.
fn plant(fixtures: &Path, tree: &Path, count: usize) -> Result<u64> {
    let mut samples = Vec::new();
    find(fixtures, &mut samples)?;
    ensure!(!samples.is_empty(), "there are no lock files below {}", fixtures.display());
    samples.sort();
    let mut bytes = 0;
    for (number, sample) in samples.iter().cycle().take(count).enumerate() {
        let directory = tree.join(format!("team{}/service{number}", number % 50));
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let name = sample.file_name().context("a sample has a name")?;
        bytes += fs::copy(sample, directory.join(name)).with_context(|| format!("cannot copy {}", sample.display()))?;
    }
    Ok(bytes)
}

fn find(directory: &Path, samples: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find(&path, samples)?;
        } else if entry.file_name().to_str().is_some_and(|name| NAMES.contains(&name)) {
            samples.push(path);
        }
    }
    Ok(())
}
