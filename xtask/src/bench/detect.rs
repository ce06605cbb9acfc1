//! The detection budget: rules over captures of a million events, against sysdig with the same conditions as one filter.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use serde_json::Value;

use super::measure::{Cost, Job, interleaved};
use super::publish;
use crate::process::Run;
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Thousands of events of each capture
    #[arg(long, default_value_t = 1000)]
    thousands: u64,
    /// Write the result into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// Captures of programs at work: files that are opened, read and written, and processes that come and go.
const CAPTURES: [&str; 3] = ["cat_write", "open-multiple-files", "workload"];

/// The rules of Falco that its project calls stable.
const RULES: &str = "crates/detect/fixtures/rules/falco_rules.yaml";

/// Blocks of a capture that are events, with and without flags (libscap, `scap_savefile.h`).
const EVENTS: [u32; 4] = [0x204, 0x208, 0x216, 0x217];

/// Writes a capture whose events are those of `from`, again and again; returns how many.
fn multiply(from: &Path, to: &Path, least: u64) -> Result<u64> {
    let limits = Limits::default();
    let (file, packed) = (File::open(from)?, fs::read(from)?);
    let len = file.metadata()?.len();
    let mut bytes = Vec::new();
    Inflate::new(BufReader::new(file), Compression::detect(&packed), len, &limits)?.read_to_end(&mut bytes)?;
    let (mut head, mut events, mut count, mut at) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(words) = bytes.get(at..at + 8) {
        let word = |at: usize| u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]);
        let block = bytes.get(at..at + word(4) as usize).filter(|block| block.len() >= 12);
        let Some(block) = block else { bail!("{} is cut at byte {at}", from.display()) };
        if EVENTS.contains(&word(0)) {
            count += 1;
            events.extend_from_slice(block);
        } else {
            head.extend_from_slice(block);
        }
        at += block.len();
    }
    if count == 0 {
        bail!("{} holds no event", from.display());
    }
    let times = least.div_ceil(count);
    let mut out = BufWriter::new(File::create(to).with_context(|| format!("cannot create {}", to.display()))?);
    out.write_all(&head)?;
    for _ in 0..times {
        out.write_all(&events)?;
    }
    out.flush()?;
    Ok(count * times)
}

/// A rule that runs by itself, with its condition written out.
struct Rule {
    name: String,
    condition: String,
}

fn rules(sekisho: &Path, file: &Path) -> Result<Vec<Rule>> {
    let json = |arguments: &[&str]| -> Result<Value> {
        let text = Run::new(sekisho).args(["detect", "rules"]).args(arguments).args([file]).read()?;
        serde_json::from_str(&text).context("the rules are not told in JSON")
    };
    let listed = json(&["list", "--format", "json"])?;
    let mut found = Vec::new();
    for rule in listed["rules"].as_array().context("no rules are listed")? {
        if rule["enabled"] == true && rule["source"] == "syscall" {
            let name = rule["name"].as_str().context("a rule without a name")?.to_owned();
            let shown = json(&["show", &name, "--format", "json"])?;
            let condition = shown["expanded"].as_str().context("a rule without a condition")?.to_owned();
            found.push(Rule { name, condition });
        }
    }
    Ok(found)
}

/// One way to ask about all captures.
struct Way {
    what: String,
    /// The command before and after the capture.
    command: [Vec<String>; 2],
}

impl Way {
    fn new(what: &str, before: &[&str], after: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self { what: what.to_owned(), command: [owned(before), owned(after)] }
    }

    fn job(&self, capture: &Path) -> Job {
        let [before, after] = &self.command;
        let capture = capture.to_string_lossy();
        Job::new(before.iter().map(String::as_str).chain([capture.as_ref()]).chain(after.iter().map(String::as_str)))
    }
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
    let sekisho = crate::process::target_folder(root)?.join("release/sekisho");
    let scratch = tools::cache_folder("bench")?.join(format!("detect-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let fixtures = root.join("crates/trace/src/scap/fixtures");
    let (mut captures, mut events) = (Vec::new(), 0);
    for name in CAPTURES {
        let (from, to) = (fixtures.join(format!("{name}.scap")), scratch.join(format!("{name}.scap")));
        events += multiply(&from, &to, options.thousands * 1000)?;
        captures.push(to);
    }
    let file = root.join(RULES);
    let all = rules(&sekisho, &file)?;
    let small = fixtures.join("cat_write.scap");
    let known =
        |rule: &&Rule| Run::new("sysdig").args(["-r".as_ref(), small.as_os_str()]).args([&rule.condition]).succeeds();
    let both: Vec<&Rule> = all.iter().filter(known).collect();
    let left: Vec<&str> =
        all.iter().filter(|rule| both.iter().all(|it| it.name != rule.name)).map(|rule| rule.name.as_str()).collect();
    let filter = both.iter().map(|rule| format!("({})", rule.condition)).collect::<Vec<_>>().join(" or ");
    let trivial = scratch.join("trivial.yaml");
    let none = "- rule: none\n  desc: d\n  condition: evt.type != switch and proc.name = nosuch\n  output: o\n  priority: DEBUG\n";
    fs::write(&trivial, none)?;

    let [program, rules, trivial] = [&sekisho, &file, &trivial].map(|path| path.to_string_lossy().into_owned());
    let replay = [program.as_str(), "detect", "replay"];
    let chosen = ["--rules", &rules, "--disable-rule", "*"];
    let enabled = both.iter().flat_map(|rule| ["--enable-rule", rule.name.as_str()]);
    let chosen: Vec<&str> = chosen.into_iter().chain(enabled).collect();
    let same = format!("{} of the stable rules, those that sysdig can read", both.len());
    let sysdig = ["sysdig", "-p", "%evt.num", "-r"];
    let ways = [
        Way::new("sysdig, a filter that nothing passes", &sysdig, &["proc.name=nosuch"]),
        Way::new("sekisho, a rule that nothing meets", &replay, &["--rules", &trivial]),
        Way::new(&format!("sysdig, {same}"), &sysdig, &[&filter]),
        Way::new(&format!("sekisho, {same}"), &replay, &chosen),
        Way::new(&format!("sekisho, all {} stable rules", all.len()), &replay, &["--rules", &rules]),
        Way::new("sekisho, the rules that ship", &replay, &[]),
    ];
    let report = measure(&ways, &captures, events, options.rounds)?;
    let mut report = format!("{} captures, {events} events\n\n{report}\n", captures.len());
    if !left.is_empty() {
        let _ = writeln!(report, "Not read by sysdig: {}.", left.join("; "));
    }
    println!("{report}");
    fs::remove_dir_all(&scratch)?;
    if options.write {
        let command = format!("cargo xtask bench detect --rounds {} --thousands {}", options.rounds, options.thousands);
        publish(root, "detect", &command, &report)?;
    }
    Ok(())
}

/// A table of what each way costs and tells over all captures.
fn measure(ways: &[Way], captures: &[PathBuf], events: u64, rounds: usize) -> Result<String> {
    let jobs: Vec<Job> = ways.iter().flat_map(|way| captures.iter().map(|capture| way.job(capture))).collect();
    let costs = interleaved(&jobs, rounds)?;
    let mut report =
        String::from("| what | CPU s | millions of events/s/core | peak RSS MB | told |\n|---|---:|---:|---:|---:|\n");
    for (way, (costs, jobs)) in ways.iter().zip(costs.chunks(captures.len()).zip(jobs.chunks(captures.len()))) {
        let cpu: f64 = costs.iter().map(|cost: &Cost| cost.cpu.as_secs_f64()).sum();
        let memory = costs.iter().map(|cost| cost.memory).max().unwrap_or_default() / 1_000_000;
        let mut told = 0;
        for job in jobs {
            let (out, _) = job.output()?;
            told += out.split(|byte| *byte == b'\n').count() - 1;
        }
        let rate = events as f64 / cpu / 1e6;
        let _ = writeln!(report, "| {} | {cpu:.3} | {rate:.2} | {memory} | {told} |", way.what);
    }
    Ok(report)
}
