//! `cargo xtask bench`: the budgets, measured against a floor and against peers in the same run.

mod admission;
mod advisory;
mod detect;
mod hub;
mod locks;
mod measure;
mod packages;
mod peers;
mod policy;
mod pull;
mod reference;
mod scan;
mod sensor;
mod trees;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Subcommand;

/// Which budget to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The admission webhook: judging at several numbers of policies, and a thousand requests a second over TLS
    Admission(admission::Options),
    /// The advisory database: import, matching, changes over many inventories, comparing versions
    Advisory(advisory::Options),
    /// Detection: rules over captures of a million events, against sysdig with the same conditions
    Detect(detect::Options),
    /// The hub: inventories that come, a new advisory database over all that is stored, lists
    Hub(hub::Options),
    /// The sensor: what a call costs those who are watched, against an empty pair of programs (as root)
    Sensor(sensor::Options),
    /// Scanning an image: CPU, wall and memory against inflating and hashing alone, Trivy and Syft
    Scan(scan::Options),
    /// Scanning out of a registry: wall time against copying with skopeo and scanning the copy
    Pull(pull::Options),
    /// A repository of nothing but lock files: how many are read in a second
    Locks(locks::Options),
    /// Policies: manifests against those that ship, and what one workload costs
    Policy(policy::Options),
    /// Trees of many kinds: what is found in each, against Trivy and Syft
    Trees(trees::Options),
    /// Build the reference image, if it is not there yet, and print where it is
    Reference,
}

pub(crate) fn run(root: &Path, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Admission(options) => admission::run(root, options),
        Bench::Advisory(options) => advisory::run(root, options),
        Bench::Detect(options) => detect::run(root, options),
        Bench::Hub(options) => hub::run(root, options),
        Bench::Scan(options) => scan::run(root, options),
        Bench::Sensor(options) => sensor::run(root, options),
        Bench::Locks(options) => locks::run(root, options),
        Bench::Policy(options) => policy::run(root, options),
        Bench::Pull(options) => pull::run(root, options),
        Bench::Trees(options) => trees::run(root, options),
        Bench::Reference => reference::build_here(),
    }
}

/// Puts a report, with the command that made it, into its place in `docs/benchmarks.md`.
fn publish(root: &Path, name: &str, command: &str, report: &str) -> Result<()> {
    let path = root.join("docs/benchmarks.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let [start, end] = ["start", "end"].map(|which| format!("<!-- bench {name}: {which} -->\n"));
    let (before, rest) =
        text.split_once(&start).with_context(|| format!("docs/benchmarks.md has no place for `bench {name}`"))?;
    let (_, after) =
        rest.split_once(&end).with_context(|| format!("docs/benchmarks.md has no end of `bench {name}`"))?;
    let new = format!("{before}{start}`{command}`\n\n{report}{end}{after}");
    fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))
}
