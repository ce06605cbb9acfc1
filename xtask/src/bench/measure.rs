//! What one run of a program costs, and the median of several.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

/// The cost of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) wall: Duration,
    /// User and system time.
    pub(super) cpu: Duration,
    /// Peak resident memory in bytes.
    pub(super) memory: u64,
}

/// A program with its arguments and environment.
pub(super) struct Job {
    pub(super) command: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Job {
    pub(super) fn new(command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { command: command.into_iter().map(Into::into).collect(), environment: Vec::new() }
    }

    pub(super) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    fn start(&self) -> Result<Command> {
        let (program, arguments) = self.command.split_first().context("a job without a program")?;
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment.iter().cloned()).stdin(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// Runs it once with its output thrown away.
    pub(super) fn cost(&self) -> Result<Cost> {
        let start = Instant::now();
        let child =
            self.start()?.stdout(Stdio::null()).spawn().with_context(|| format!("cannot start {:?}", self.command))?;
        let used = child.wait4()?;
        let wall = start.elapsed();
        if !used.status.success() {
            bail!("{:?} failed with {}", self.command, used.status);
        }
        Ok(Cost { wall, cpu: used.rusage.utime + used.rusage.stime, memory: used.rusage.maxrss })
    }

    /// Runs it once and returns what it wrote to standard output and to standard error.
    pub(super) fn output(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let output = self
            .start()?
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("cannot start {:?}", self.command))?;
        if !output.status.success() {
            bail!("{:?} failed with {}", self.command, output.status);
        }
        Ok((output.stdout, output.stderr))
    }
}

/// Runs all jobs in turn, `rounds` times, so that noise of the machine meets all alike; returns the
/// median of each.
pub(super) fn interleaved(jobs: &[Job], rounds: usize) -> Result<Vec<Cost>> {
    let mut costs: Vec<Vec<Cost>> = jobs.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (job, costs) in jobs.iter().zip(&mut costs) {
            costs.push(job.cost()?);
        }
    }
    Ok(costs.into_iter().map(|costs| median(&costs)).collect())
}

fn median(costs: &[Cost]) -> Cost {
    fn middle<T: Ord + Copy>(costs: &[Cost], get: impl Fn(&Cost) -> T) -> T {
        let mut values: Vec<T> = costs.iter().map(get).collect();
        values.sort_unstable();
        values[values.len() / 2]
    }
    Cost {
        wall: middle(costs, |cost| cost.wall),
        cpu: middle(costs, |cost| cost.cpu),
        memory: middle(costs, |cost| cost.memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_one_by_one() {
        let cost = |n: u64| Cost { wall: Duration::from_secs(n), cpu: Duration::from_secs(10 - n), memory: n };
        let median = median(&[cost(5), cost(1), cost(2)]);
        assert_eq!((median.wall.as_secs(), median.cpu.as_secs(), median.memory), (2, 8, 2));
    }

    #[test]
    fn a_job_that_fails_has_no_cost() {
        assert!(Job::new(["false"]).cost().is_err());
        assert!(Job::new(["true"]).cost().is_ok());
    }
}
