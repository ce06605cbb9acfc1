//! The budget of the admission webhook: what judging costs at several numbers of policies, what it takes over TLS at a
//! thousand requests a second, and that memory stays what it is.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::publish;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Requests a second
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// Seconds of load, after which memory is looked at
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// The server, which ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// CPU time until now in seconds.
    fn cpu(&self) -> Result<f64> {
        /// Of the kernel's interface, whatever its own are.
        const TICKS: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).context("the server is gone")?;
        // Behind the name, which may have anything in it.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |place: usize| fields.get(place).and_then(|it| it.parse::<f64>().ok()).context("stat is no list");
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// Resident memory in KiB.
    fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).context("the server is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("there is no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")
    }
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    Run::cargo()
        .args(["build", "--release", "--locked", "--package", "sekisho-admission", "--example", "admission_bench"])
        .dir(root)
        .run()?;
    let bench = crate::process::target_folder(root)?.join("release/examples/admission_bench");
    let mut report = String::from("| job | what | value | unit |\n|---|---|---:|---|\n");
    let mut row = |job: &str, what: &str, value: &str, unit: &str| {
        let line = format!("| {job} | {what} | {value} | {unit} |");
        println!("{line}");
        // Writing to a String cannot fail.
        let _ = writeln!(report, "{line}");
    };
    let rows = |text: &str| -> Vec<(String, String, String)> {
        let fields = |line: &str| {
            let mut parts = line.split('\t').map(str::to_owned);
            Some((parts.next()?, parts.next()?, parts.next()?))
        };
        text.lines().filter_map(fields).collect()
    };
    let mut middles = Vec::new();
    for policies in [10, 100, 1000] {
        let text = Run::new(&bench).args(["compute", &policies.to_string(), "5"]).read()?;
        for (what, value, unit) in rows(&text) {
            if what == "p50" {
                middles.push(value.parse::<f64>()?);
            }
            row(&format!("judging, {policies} policies, one thread"), &what, &value, &unit);
        }
    }
    if let [few, some, many] = middles.as_slice() {
        row("growth of p50", "10 to 100 policies", &format!("{:.1}", some / few), "times");
        row("growth of p50", "100 to 1,000 policies", &format!("{:.1}", many / some), "times");
    }

    let scratch = tools::cache_folder("bench")?.join(format!("admission-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let child = Command::new(&bench).args(["serve", "100", &text(&scratch)]).stdin(Stdio::null()).spawn()?;
    let server = Server(child);
    let start = Instant::now();
    while !scratch.join("port").exists() {
        if start.elapsed() > Duration::from_secs(20) {
            bail!("the server does not start");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let job = format!("over TLS, 100 policies, {} requests a second", options.rate);
    let megabytes = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
    row(&job, "memory at the start", &megabytes(server.memory()?), "MB");
    let load = |seconds: u64| {
        Run::new(&bench).args(["load", &text(&scratch), &options.rate.to_string(), &seconds.to_string()]).read()
    };
    // What is allocated once is there after this.
    load(10)?;
    row(&job, "memory after 10 s", &megabytes(server.memory()?), "MB");
    let before = server.cpu()?;
    let said = load(options.seconds)?;
    let took = server.cpu()? - before;
    for (what, value, unit) in rows(&said) {
        if what == "requests" {
            let each = took / value.parse::<f64>()? * 1e6;
            row(&job, "CPU of the whole server for each request", &format!("{each:.0}"), "µs");
        }
        row(&job, &what, &value, &unit);
    }
    row(&job, &format!("memory after {} s more", options.seconds), &megabytes(server.memory()?), "MB");
    drop(server);
    fs::remove_dir_all(&scratch)?;
    if options.write {
        let command = format!("cargo xtask bench admission --rate {} --seconds {}", options.rate, options.seconds);
        publish(root, "admission", &command, &report)?;
    }
    Ok(())
}
