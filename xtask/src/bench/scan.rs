//! The scan budget: CPU against the floor, wall and memory against the peers, and who finds what.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::measure::{Cost, Job, interleaved};
use super::packages::{Key, of_cyclonedx};
use super::peers::Peers;
use super::publish;
use super::reference::Reference;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Measure Trivy and Syft in the same run, and compare what they find
    #[arg(long)]
    peers: bool,
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write the figures into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    let reference = Reference::prepare()?;
    let programs = Programs::build(root)?;
    let peers = if options.peers { Some(Peers::prepare()?) } else { None };
    let scratch = tools::cache_folder("bench")?.join(format!("scratch-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;

    let mut report =
        String::from("| image | tool | CPU s | of the floor | wall s | peak RSS MB |\n|---|---|---:|---:|---:|---:|\n");
    for (form, image, archive) in [
        ("plain", &reference.plain, "docker-archive"),
        ("gzip", &reference.gzip, "oci-dir"),
        ("zstd", &reference.zstd, "oci-dir"),
    ] {
        let mut jobs = vec![("floor", programs.floor(image)), ("sekisho", programs.scan(image))];
        if let Some(peers) = &peers {
            jobs.push(("trivy", peers.trivy(image)));
            jobs.push(("syft", peers.syft(image, archive)));
        }
        rows(&mut report, form, image, jobs, options.rounds)?;
    }
    rows(
        &mut report,
        "gzip, base only",
        &reference.small,
        vec![("floor", programs.floor(&reference.small)), ("sekisho", programs.scan(&reference.small))],
        options.rounds,
    )?;

    let cache = scratch.join("cache");
    let mut jobs = vec![("sekisho", programs.rescan(&reference.gzip, &cache))];
    if let Some(peers) = &peers {
        jobs.push(("trivy", peers.trivy_cached(&reference.gzip, &scratch.join("trivy"))));
    }
    for (_, job) in &jobs {
        job.cost()?;
    }
    rows(&mut report, "gzip, again", &reference.gzip, jobs, options.rounds)?;

    report.push('\n');
    for (form, image) in [("plain", &reference.plain), ("gzip", &reference.gzip), ("zstd", &reference.zstd)] {
        let (_, words) = programs.sekisho(&["--verbose", "sbom", "image", "--no-cache"], image).output()?;
        let _ = writeln!(report, "- {form}: {}", String::from_utf8_lossy(&words).trim());
    }
    if let Some(peers) = &peers {
        report.push('\n');
        compare(&mut report, &programs, peers, &reference)?;
    }
    fs::remove_dir_all(&scratch)?;
    println!("\n{report}");
    if options.write {
        let peers = if options.peers { " --peers" } else { "" };
        publish(root, "scan", &format!("cargo xtask bench scan{peers} --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}

fn rows(report: &mut String, form: &str, image: &Path, jobs: Vec<(&str, Job)>, rounds: usize) -> Result<()> {
    let size = size(image)? as f64 / 1e6;
    let (names, jobs): (Vec<&str>, Vec<Job>) = jobs.into_iter().unzip();
    let costs = interleaved(&jobs, rounds)?;
    let floor = names.iter().position(|name| *name == "floor").map(|at| costs[at]);
    for (name, cost) in names.iter().zip(&costs) {
        let ratio = floor
            .map_or_else(String::new, |floor: Cost| format!("{:.2}", cost.cpu.as_secs_f64() / floor.cpu.as_secs_f64()));
        let (cpu, wall) = (cost.cpu.as_secs_f64(), cost.wall.as_secs_f64());
        let memory = cost.memory as f64 / 1e6;
        let line = format!("| {form} ({size:.0} MB) | {name} | {cpu:.3} | {ratio} | {wall:.3} | {memory:.0} |");
        println!("{line}");
        let _ = writeln!(report, "{line}");
    }
    Ok(())
}

/// Bytes of a file, or of all files below a directory.
fn size(path: &Path) -> Result<u64> {
    if path.is_file() {
        return Ok(fs::metadata(path)?.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

/// Our own programs, built for release.
struct Programs {
    sekisho: PathBuf,
    floor: PathBuf,
}

impl Programs {
    fn build(root: &Path) -> Result<Self> {
        Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
        Run::cargo()
            .args(["build", "--release", "--locked", "--package", "sekisho-oci", "--example", "floor"])
            .dir(root)
            .run()?;
        let release = crate::process::target_folder(root)?.join("release");
        Ok(Self { sekisho: release.join("sekisho"), floor: release.join("examples/floor") })
    }

    fn floor(&self, image: &Path) -> Job {
        Job::new([self.floor.as_os_str(), image.as_os_str()])
    }

    fn sekisho(&self, words: &[&str], image: &Path) -> Job {
        let mut command = vec![self.sekisho.clone().into_os_string()];
        command.extend(words.iter().map(Into::into));
        command.push(image.into());
        Job::new(command)
    }

    fn scan(&self, image: &Path) -> Job {
        self.sekisho(&["sbom", "image", "--no-cache"], image)
    }

    fn rescan(&self, image: &Path, cache: &Path) -> Job {
        self.sekisho(&["sbom", "image"], image).env("SEKISHO_CACHE__DIRECTORY", cache)
    }
}

/// Lists what one tool finds and another does not.
fn compare(report: &mut String, programs: &Programs, peers: &Peers, reference: &Reference) -> Result<()> {
    let ours = of_cyclonedx(&programs.scan(&reference.gzip).output()?.0)?;
    let peers = [
        ("trivy", of_cyclonedx(&peers.trivy(&reference.gzip).output()?.0)?),
        ("syft", of_cyclonedx(&peers.syft(&reference.gzip, "oci-dir").output()?.0)?),
    ];
    let _ = writeln!(report, "Distinct packages (type, name, version): sekisho {}.\n", ours.len());
    for (name, theirs) in &peers {
        let _ = writeln!(
            report,
            "- {name}: {}, of which we lack {}; we find {} that it does not.",
            theirs.len(),
            theirs.difference(&ours).count(),
            ours.difference(theirs).count()
        );
        list(&format!("only {name}"), &theirs.difference(&ours).cloned().collect());
        list(&format!("not {name}"), &ours.difference(theirs).cloned().collect());
    }
    Ok(())
}

fn list(title: &str, keys: &BTreeSet<Key>) {
    println!("\n{title} ({}):", keys.len());
    for (kind, name, version) in keys {
        println!("  {kind} {name} {version}");
    }
}
