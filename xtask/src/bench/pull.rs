//! The pull budget: scanning out of a registry against copying with skopeo and scanning the copy.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::measure::{Job, interleaved};
use super::publish;
use super::reference::Reference;
use crate::process::{Run, target_folder};
use crate::tools;

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write the figures into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    tools::install(&["bench"])?;
    let reference = Reference::prepare()?;
    Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
    let sekisho = target_folder(root)?.join("release/sekisho").display().to_string();
    let scratch = tools::cache_folder("bench")?.join(format!("pull-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let measured = measure(&sekisho, &reference, &scratch, options.rounds);
    fs::remove_dir_all(&scratch)?;
    let report = measured?;
    println!("\n{report}");
    if options.write {
        publish(root, "pull", &format!("cargo xtask bench pull --rounds {}", options.rounds), &report)?;
    }
    Ok(())
}

fn measure(sekisho: &str, reference: &Reference, scratch: &Path, rounds: usize) -> Result<String> {
    let registry = Registry::start(scratch)?;
    let temporary = scratch.display();
    let mut report = String::from("| image | way | wall s | CPU s | peak RSS MB |\n|---|---|---:|---:|---:|\n");
    for (form, image) in [("gzip", &reference.gzip), ("zstd", &reference.zstd), ("gzip, base only", &reference.small)] {
        let name = form.replace([',', ' '], "");
        let remote = format!("docker://{}/reference/{name}:1", registry.1);
        // skopeo gives zstd layers no other manifest than OCI's.
        Run::new("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--format", "oci", "--dest-tls-verify=false"])
            .args([format!("oci:{}", image.display()), remote.clone()])
            .run()?;
        let scan = |what: &str| format!("{sekisho} sbom image --no-cache {what}");
        let copy = format!(
            "skopeo --insecure-policy copy --quiet --src-tls-verify=false {remote} oci:{temporary}/copy && {} && rm -r {temporary}/copy",
            scan(&format!("{temporary}/copy"))
        );
        let shell = |line: &str| Job::new(["sh", "-c", line]).env("SEKISHO_SCAN__TEMPORARY", scratch);
        let ways = [
            ("sekisho, from the registry", scan(&remote)),
            ("skopeo copy, then sekisho", copy),
            ("sekisho, from the disk", scan(&image.display().to_string())),
        ];
        let jobs: Vec<Job> = ways.iter().map(|(_, line)| shell(line)).collect();
        for ((way, _), cost) in ways.iter().zip(interleaved(&jobs, rounds)?) {
            let (wall, cpu, memory) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64(), cost.memory as f64 / 1e6);
            let line = format!("| {form} | {way} | {wall:.3} | {cpu:.3} | {memory:.0} |");
            println!("{line}");
            writeln!(report, "{line}")?;
        }
    }
    Ok(report)
}

/// `docker-registry` on the loopback interface, until it is dropped.
struct Registry(Child, SocketAddr);

impl Registry {
    fn start(scratch: &Path) -> Result<Self> {
        // A port that is free now.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = scratch.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            scratch.join("registry").display()
        );
        fs::write(&config, text)?;
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start docker-registry")?;
        let started = Self(child, address);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                bail!("docker-registry does not start");
            }
            std::thread::yield_now();
        }
        Ok(started)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
