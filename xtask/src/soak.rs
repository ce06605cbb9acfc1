//! `cargo xtask soak`: proofs that take longer than a test may.
//!
//! So far fuzzing: each target of [`fuzz::TARGETS`] for some minutes under libFuzzer. What a run finds stays in
//! the cache, so that the next one goes on from there; into the work tree come one line a run in [`LOG`] and, when
//! something fails, the smallest input that makes it fail, which the tests replay from then on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sekisho_testkit::fuzz;

use crate::process::{Run, target_folder};
use crate::tools;

/// What every run is told in, from the workspace root.
const LOG: &str = "docs/soak-log.md";
const LOG_HEAD: &str = "# Long runs\n\n\
    `cargo xtask soak fuzz` adds a line for each target it ran.\n\n\
    | date | target | minutes | executions | new coverage | crashes |\n|---|---|---|---|---|---|\n";

/// Bytes of an input, more than which makes runs slow and finds nothing that a smaller one does not.
const INPUT_BYTES: usize = 20_000;
/// Seconds and MiB that one input may take.
const INPUT_SECONDS: usize = 10;
const INPUT_MEMORY: usize = 2048;
/// Seconds in which an input that fails is made smaller.
const MINIMISE_SECONDS: usize = 60;

/// Which proof to run.
#[derive(Subcommand)]
pub(crate) enum Soak {
    /// Fuzz the parsers, one after the other
    Fuzz(Options),
}

/// How to fuzz.
#[derive(Args)]
pub(crate) struct Options {
    /// Minutes for each target
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,
    /// Only this target; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(fuzz::TARGETS.iter().map(|target| target.name)))]
    target: Vec<String>,
}

pub(crate) fn run(root: &Path, soak: &Soak) -> Result<()> {
    let Soak::Fuzz(options) = soak;
    tools::install(&["soak"])?;
    let fuzzer = Fuzzer::new(root)?;
    let chosen = |target: &&fuzz::Target| options.target.is_empty() || options.target.iter().any(|t| t == target.name);
    let mut failed = Vec::new();
    for target in fuzz::TARGETS.iter().filter(chosen) {
        let outcome = fuzzer.fuzz(target.name, Duration::from_secs(60 * options.minutes))?;
        let date = Run::new("date").args(["--utc", "+%Y-%m-%d"]).read()?;
        let row = outcome.row(target.name, options.minutes, date.trim());
        println!("{row}");
        append(&root.join(LOG), &row)?;
        failed.extend(outcome.crash.map(|name| format!("{}/{name}", target.name)));
    }
    if failed.is_empty() { Ok(()) } else { bail!("inputs that fail are now in fuzz/corpus: {}", failed.join(", ")) }
}

/// Adds a line to the log, which is begun where there is none.
fn append(log: &Path, row: &str) -> Result<()> {
    let text = if log.is_file() { fs::read_to_string(log)? } else { LOG_HEAD.to_owned() };
    fs::create_dir_all(log.parent().context("the log is in no folder")?)?;
    fs::write(log, format!("{text}{row}\n")).with_context(|| format!("cannot write {}", log.display()))
}

/// What fuzzing needs, found once for all targets.
struct Fuzzer<'a> {
    root: &'a Path,
    /// Cargo of the nightly toolchain: coverage is built in by flags that are not stable.
    cargo: String,
    builds: PathBuf,
    /// Logs, and the inputs found so far.
    cache: PathBuf,
}

impl<'a> Fuzzer<'a> {
    fn new(root: &'a Path) -> Result<Self> {
        let cargo = Run::new("rustup").args(["which", "--toolchain", "nightly", "cargo"]).read().context(
            "fuzzing needs a nightly toolchain beside this one: `rustup toolchain install nightly --profile minimal`",
        )?;
        let builds = target_folder(root)?.join("fuzz");
        let cache = tools::cache_folder("fuzz")?;
        Ok(Self { root, cargo: cargo.trim().to_owned(), builds, cache })
    }

    /// Runs `target` for `time`, or until an input fails.
    fn fuzz(&self, target: &str, time: Duration) -> Result<Outcome> {
        let found = self.cache.join("corpus").join(target);
        let crashes = self.cache.join("crashes").join(target);
        let log = self.cache.join(format!("{target}.log"));
        // What failed before has been dealt with or is in the committed corpus.
        _ = fs::remove_dir_all(&crashes);
        for folder in [&found, &crashes] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        self.cargo_fuzz(["build", target])?.run()?;
        println!("fuzzing {target} for {} s; the log is {}", time.as_secs(), log.display());
        let ended_well = self
            .cargo_fuzz(["run", target])?
            .args([&found, &self.committed(target)])
            .args(["--".to_owned(), format!("-max_total_time={}", time.as_secs())])
            .args([format!("-artifact_prefix={}/", crashes.display()), format!("-max_len={INPUT_BYTES}")])
            .args([format!("-timeout={INPUT_SECONDS}"), format!("-rss_limit_mb={INPUT_MEMORY}")])
            .args(["-print_final_stats=1"])
            .logged(&log)?;
        let mut outcome = Outcome::of(&String::from_utf8_lossy(&fs::read(&log)?));
        match fs::read_dir(&crashes)?.next().transpose()? {
            Some(input) => outcome.crash = Some(self.keep(target, &input.path())?),
            // A log without its end is that of a run nobody knows the length of.
            None if !ended_well || outcome.executions == 0 => {
                bail!("{target} could not be fuzzed: see {}", log.display())
            }
            None => {}
        }
        Ok(outcome)
    }

    /// Copies the smallest input that fails as `input` does into the committed corpus, and returns its name.
    fn keep(&self, target: &str, input: &Path) -> Result<String> {
        let small = self.cache.join(format!("{target}.minimised"));
        _ = fs::remove_file(&small);
        // This ends with the failure of the last input tried, so its status says nothing.
        self.cargo_fuzz(["run", target])?
            .args([input])
            .args(["--".to_owned(), "-minimize_crash=1".to_owned(), format!("-max_total_time={MINIMISE_SECONDS}")])
            .args([format!("-exact_artifact_path={}", small.display()), format!("-timeout={INPUT_SECONDS}")])
            .logged(&self.cache.join(format!("{target}.minimise.log")))?;
        let smallest = if small.is_file() { &small } else { input };
        // libFuzzer names it by what went wrong and by its digest.
        let name: String = input.file_name().unwrap_or_default().to_string_lossy().chars().take(16).collect();
        let kept = self.committed(target).join(&name);
        fs::copy(smallest, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
        Ok(name)
    }

    fn committed(&self, target: &str) -> PathBuf {
        self.root.join("fuzz/corpus").join(target)
    }

    fn cargo_fuzz(&self, command: [&str; 2]) -> Result<Run> {
        let [task, target] = command;
        Ok(tools::run(&tools::CARGO_FUZZ)?
            .args(["fuzz", task, "--target-dir"])
            .args([&self.builds])
            .args([target])
            .env("CARGO", &self.cargo)
            .env("RUSTUP_TOOLCHAIN", "nightly")
            .dir(self.root))
    }
}

/// What one run did.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    /// Places in the code that the inputs known before did not reach.
    new_coverage: u64,
    /// The input that failed, by its name in the committed corpus.
    crash: Option<String>,
}

impl Outcome {
    /// Reads the log of libFuzzer.
    fn of(log: &str) -> Self {
        let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
        let coverage = |line: &str| line.split_once(" cov: ").and_then(|(_, rest)| number(rest));
        // The line that follows the reading of all known inputs says what those reach.
        let known = log.lines().find(|line| line.contains("INITED")).and_then(coverage).unwrap_or(0);
        let reached = log.lines().filter_map(coverage).max().unwrap_or(known);
        let executions = log.lines().find_map(|line| number(line.strip_prefix("stat::number_of_executed_units:")?));
        Self { executions: executions.unwrap_or(0), new_coverage: reached - known, crash: None }
    }

    /// A row of the log.
    fn row(&self, target: &str, minutes: u64, date: &str) -> String {
        let crash = self.crash.as_deref().unwrap_or("none");
        format!("| {date} | {target} | {minutes} | {} | {} | {crash} |", self.executions, self.new_coverage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_libfuzzer_tells_executions_and_new_coverage() {
        let log = "INFO: seed corpus: files: 6\n#7\tINITED cov: 612 ft: 1402 corp: 6/12Kb exec/s: 0 rss: 45Mb\n\
            #99\tREDUCE cov: 640 ft: 1501 corp: 9/13Kb lim: 20000 exec/s: 0 rss: 45Mb\n\
            stat::number_of_executed_units: 852220\nstat::average_exec_per_sec:     7043\n";
        let outcome = Outcome::of(log);
        assert_eq!(outcome, Outcome { executions: 852_220, new_coverage: 28, crash: None });
        assert_eq!(outcome.row("rpm", 2, "2026-01-31"), "| 2026-01-31 | rpm | 2 | 852220 | 28 | none |");
        assert_eq!(Outcome::of(""), Outcome { executions: 0, new_coverage: 0, crash: None });
    }
}
