//! `cargo xtask test`: every check of the project, in one table.
//!
//! Owns the order of the stages, their timing and what to do when one fails; what a stage needs installed is in
//! [`tools`]. The tests come last so that their own summary closes the output.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::process::Run;
use crate::{tidy, tools};

/// How to run the checks.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only this stage; may be given more than once
    #[arg(long, value_name = "STAGE", value_parser = PossibleValuesParser::new(STAGES.iter().map(|stage| stage.name)))]
    only: Vec<String>,
    /// Run the stages after a failed one too
    #[arg(long)]
    keep_going: bool,
    /// Try also what takes long: every detection rule live, rather than one for each technique
    #[arg(long)]
    full: bool,
    /// List the stages and run none
    #[arg(long)]
    list: bool,
}

/// One check of the project.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    what: &'static str,
    run: fn(&Path, &Options) -> Result<()>,
    /// What to do when it fails.
    hint: &'static str,
}

/// Cheap before dear.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "format", what: "rustfmt", run: format, hint: "run `cargo fmt --all`" },
    Stage {
        name: "tidy",
        what: "crate arrows, manifests, links, file hygiene, generated files",
        run: |root, _| tidy::run(root),
        hint: "each line above names a file and what is wrong with it; `cargo xtask gen` writes generated files",
    },
    Stage {
        name: "deny",
        what: "licences, banned and doubled crates, sources",
        run: deny,
        hint: "choose another dependency, or add an exception with its reason to deny.toml",
    },
    Stage {
        name: "clippy",
        what: "the workspace lints over all targets",
        run: clippy,
        hint: "fix the warning, or `#[expect(lint, reason = \"...\")]` it where the code is right",
    },
    Stage {
        name: "docs",
        what: "rustdoc without a warning, private items too",
        run: docs,
        hint: "fix the link or the markup that rustdoc names",
    },
    Stage {
        name: "doctests",
        what: "examples in the documentation",
        run: doctests,
        hint: "fix the example, or the code that no longer does what it shows",
    },
    Stage {
        name: "nextest",
        what: "unit, integration and command-line tests",
        run: nextest,
        hint: "run one alone with `cargo nextest run NAME` or `cargo test NAME`",
    },
];

/// Run the chosen stages and print what each took.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    if options.list {
        for stage in STAGES {
            println!("{:<10} {}", stage.name, stage.what);
        }
        return Ok(());
    }
    let chosen = |stage: &&Stage| options.only.is_empty() || options.only.iter().any(|name| name == stage.name);
    let stages: Vec<_> = STAGES.iter().filter(chosen).collect();
    let names: Vec<_> = stages.iter().map(|stage| stage.name).collect();

    let mut rows = vec![timed("install", || tools::install(&names))];
    for stage in &stages {
        let stop = !options.keep_going && rows.iter().any(|row| row.outcome == Outcome::Failed);
        rows.push(if stop { Row::not_run(stage.name) } else { timed(stage.name, || (stage.run)(root, options)) });
    }
    println!("\n{}", summary(&rows));

    let failed: Vec<_> = rows.iter().filter(|row| row.outcome == Outcome::Failed).map(|row| row.name).collect();
    for stage in stages.iter().filter(|stage| failed.contains(&stage.name)) {
        println!("\n{} failed: {}\n  again: cargo xtask test --only {}", stage.name, stage.hint, stage.name);
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// The stages as Markdown.
pub(crate) fn stages_table() -> String {
    STAGES.iter().fold(String::from("| stage | checks |\n|---|---|\n"), |mut text, stage| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {} |", stage.name, stage.what);
        text
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    NotRun,
}

/// One line of the closing table.
struct Row {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

impl Row {
    fn not_run(name: &'static str) -> Self {
        Self { name, outcome: Outcome::NotRun, took: Duration::ZERO }
    }
}

fn timed(name: &'static str, work: impl FnOnce() -> Result<()>) -> Row {
    println!("\n== {name}");
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    let outcome = match result {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            println!("{error:#}");
            Outcome::Failed
        }
    };
    println!("== {name}: {:.1} s", took.as_secs_f64());
    Row { name, outcome, took }
}

fn summary(rows: &[Row]) -> String {
    let total: Duration = rows.iter().map(|row| row.took).sum();
    let mut text = format!("{:<10} {:>8}  result\n", "stage", "seconds");
    for row in rows {
        let seconds = row.took.as_secs_f64();
        // Writing to a String cannot fail.
        let _ = match row.outcome {
            Outcome::Passed => writeln!(text, "{:<10} {seconds:>8.1}  passed", row.name),
            Outcome::Failed => writeln!(text, "{:<10} {seconds:>8.1}  FAILED", row.name),
            Outcome::NotRun => writeln!(text, "{:<10} {:>8}  not run", row.name, "-"),
        };
    }
    let _ = write!(text, "{:<10} {:>8.1}", "total", total.as_secs_f64());
    text
}

fn format(root: &Path, _: &Options) -> Result<()> {
    Run::cargo().args(["fmt", "--all", "--check"]).dir(root).run()
}

/// The advisories check is left out: its database is not on a registry, and Sekisho scans itself anyway.
fn deny(root: &Path, _: &Options) -> Result<()> {
    // cargo-deny reads the manifest of every locked crate, also of those for other platforms.
    Run::cargo().args(["fetch", "--locked"]).dir(root).run()?;
    tools::run(&tools::CARGO_DENY)?
        .args(["--offline", "--locked", "--workspace", "--all-features"])
        .args(["check", "bans", "licenses", "sources"])
        .dir(root)
        .run()
}

fn clippy(root: &Path, _: &Options) -> Result<()> {
    Run::cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]).dir(root).run()
}

fn docs(root: &Path, _: &Options) -> Result<()> {
    Run::cargo()
        .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .dir(root)
        .run()
}

fn doctests(root: &Path, _: &Options) -> Result<()> {
    Run::cargo().args(["test", "--doc", "--workspace", "--locked"]).dir(root).run()
}

fn nextest(root: &Path, options: &Options) -> Result<()> {
    let mut run = tools::run(&tools::CARGO_NEXTEST)?
        .args(["nextest", "run", "--workspace", "--locked", "--profile", "ci"])
        .dir(root);
    if options.full {
        run = run.env("SEKISHO_TEST_FULL", "1");
    }
    let result = run.run();
    // Tests that pass say nothing on the terminal, so that what they could not try is told here.
    // Beside the sources, wherever cargo puts what it makes.
    let report = root.join("target/nextest/ci/junit.xml");
    for skipped in std::fs::read_to_string(report).iter().flat_map(|text| skips(text)) {
        println!("{skipped}");
    }
    result
}

/// Lines of tests that say what was not tried, each once.
fn skips(junit: &str) -> BTreeSet<String> {
    let plain = |line: &str| {
        ["&lt;<", "&gt;>", "&quot;\"", "&apos;'", "&amp;&"].iter().fold(line.to_owned(), |line, pair| {
            let (escaped, char) = pair.split_at(pair.len() - 1);
            line.replace(escaped, char)
        })
    };
    junit.lines().filter_map(|line| line.find("SKIP: ").map(|at| plain(&line[at..]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_failed_from_not_run() {
        let rows = [
            Row { name: "format", outcome: Outcome::Passed, took: Duration::from_millis(1_250) },
            Row { name: "clippy", outcome: Outcome::Failed, took: Duration::from_secs(100) },
            Row::not_run("nextest"),
        ];
        let expected = "\
stage       seconds  result
format          1.2  passed
clippy        100.0  FAILED
nextest           -  not run
total         101.2";
        assert_eq!(summary(&rows), expected);
    }

    #[test]
    fn what_was_skipped_is_told_once() {
        let junit =
            "<system-out>SKIP: no &quot;podman&quot;\nok\nSKIP: no &quot;podman&quot;\n&amp;lt; SKIP: a &lt; b\n";
        assert_eq!(skips(junit).into_iter().collect::<Vec<_>>(), ["SKIP: a < b", "SKIP: no \"podman\""]);
    }

    #[test]
    fn a_failed_stage_is_kept_with_its_time() {
        let row = timed("format", || bail!("no rustfmt"));
        assert!(row.outcome == Outcome::Failed && row.name == "format");
    }
}
