//! `cargo xtask`: the project's only script language.
//!
//! Owns everything that is done *to* the code rather than *by* it: installing developer tools, running the
//! checks, tidying, writing generated files. Ships nothing, and no crate depends on it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program for developers")]

mod bench;
mod bpf;
mod demo;
mod generate;
mod process;
mod soak;
mod test;
mod tidy;
mod tools;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

/// Tasks of the Sekisho workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the program into target/release, make sample images in target/demo, scan them and explain the result
    Demo,
    /// Install what the tests need, then run every check
    Test(test::Options),
    /// Check what the compiler does not: crate arrows, manifests, links, file hygiene
    Tidy,
    /// Measure a budget
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Run a proof that takes long
    #[command(subcommand)]
    Soak(soak::Soak),
    /// Compare the sensor's compiled programs with their sources, or compile them
    Bpf(bpf::Options),
    /// Write the generated files
    Gen,
}

/// The tasks and what each does, as a Markdown table.
fn tasks_table() -> String {
    let mut out = String::from("| task | does |\n|---|---|\n");
    for task in Cli::command().get_subcommands() {
        let about = task.get_about().map(ToString::to_string).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {} | {about} |", task.get_name());
    }
    out
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let root = process::workspace_root()?;
    match task {
        Task::Demo => demo::run(&root),
        Task::Test(options) => test::run(&root, &options),
        Task::Tidy => tidy::run(&root),
        Task::Bench(bench) => bench::run(&root, &bench),
        Task::Soak(soak) => soak::run(&root, &soak),
        Task::Bpf(options) => bpf::run(&root, &options),
        Task::Gen => generate::write_all(&root),
    }
}
