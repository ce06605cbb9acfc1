//! The ladder: the best way to watch that this kernel allows to this process, and what is not seen from there.

use crate::calls::ROWS;
use crate::cgroup::Cgroups;
use crate::fallback::Fallback;
use crate::interest::{Filters, Interest};
use crate::sensor::{Item, Options, Sensor, SensorError};
use sekisho_trace::{EventCode as E, FieldId};
use std::fmt;
use std::time::Duration;

const MEMORY: &str = "how much memory of a process is resident or swapped is not told";
const KERNEL: &str = "only programs in the kernel can tell it";

/// Fields that no rung fills.
const UNTOLD: &[(&str, &str)] = &[("proc.vmrss", MEMORY), ("proc.vmswap", MEMORY), ("thread.vmrss", MEMORY)];

/// Fields that the lowest rung does not fill beside.
const FALLBACK: &[(&str, &str)] = &[
    ("proc.exe_ino", KERNEL),
    ("proc.exe_ino.ctime", KERNEL),
    ("proc.exe_ino.ctime_duration_pidns_start", KERNEL),
    ("proc.exe_ino.ctime_duration_proc_start", KERNEL),
    ("proc.exe_ino.mtime", KERNEL),
    ("proc.is_exe_lower_layer", KERNEL),
    ("proc.is_exe_upper_layer", KERNEL),
    ("proc.is_exe_writable", KERNEL),
];

/// How much is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Programs, processes, and all calls that were asked for.
    Full,
    /// Programs and processes, but no calls: nothing of files and connections.
    Lifecycle,
    /// Programs and processes as far as `/proc` still has them when they are looked at.
    Fallback,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "programs in the kernel",
            Self::Lifecycle => "programs in the kernel, without system calls",
            Self::Fallback => "the connector of processes and fanotify",
        })
    }
}

/// A host that is watched, one way or another.
pub enum Live {
    /// By programs in the kernel.
    Sensor(Box<Sensor>),
    /// Without.
    Fallback(Box<Fallback>, String),
}

/// Nothing can be watched, and why.
#[derive(Debug, thiserror::Error)]
#[error("this host cannot be watched: not by programs in the kernel ({sensor}), nor without ({fallback})")]
pub struct Refused {
    /// Why not by programs in the kernel.
    pub sensor: SensorError,
    /// Why not without.
    pub fallback: SensorError,
}

impl Live {
    /// Begins to watch as well as can be.
    pub fn start(options: &Options) -> Result<Self, Refused> {
        let refused = match Sensor::start(options) {
            Ok(sensor) => return Ok(Self::Sensor(Box::new(sensor))),
            Err(error) => error,
        };
        match Fallback::start() {
            Ok(fallback) => Ok(Self::Fallback(Box::new(fallback), refused.to_string())),
            Err(fallback) => Err(Refused { sensor: refused, fallback }),
        }
    }

    /// How much is seen.
    pub fn rung(&self) -> Rung {
        match self {
            Self::Sensor(sensor) if sensor.refused_calls() => Rung::Lifecycle,
            Self::Sensor(_) => Rung::Full,
            Self::Fallback(..) => Rung::Fallback,
        }
    }

    /// What cannot be seen, and why, each in words.
    pub fn missing(&self) -> Vec<String> {
        match self {
            Self::Sensor(sensor) => sensor.missing().iter().map(ToString::to_string).collect(),
            Self::Fallback(fallback, reason) => {
                [reason.clone()].into_iter().chain(fallback.missing().iter().cloned()).collect()
            }
        }
    }

    /// When the machine was started, nanoseconds since 1970, by today's clock.
    pub fn boot(&self) -> u64 {
        match self {
            Self::Sensor(sensor) => sensor.boot(),
            Self::Fallback(..) => crate::sensor::boot(),
        }
    }

    /// Whether events of this type are told, if they are asked for. A program that was executed by `execveat` is told as
    /// one that was by `execve`.
    pub fn tells(&self, code: E) -> bool {
        let always = matches!(code.exit(), E::EXECVE_19_X | E::EXECVEAT_X | E::CLONE_20_X) || code == E::PROCEXIT_1_E;
        let calls = || ROWS.iter().any(|row| row.code == code.exit()) || code.exit() == E::GENERIC_X;
        always || self.rung() == Rung::Full && calls()
    }

    /// Fields that cannot be filled, and why.
    pub fn blind(&self) -> Vec<(FieldId, &'static str)> {
        let fallback: &[(&str, &str)] = if self.rung() == Rung::Fallback { FALLBACK } else { &[] };
        let named = UNTOLD.iter().chain(fallback).filter_map(|(name, reason)| Some((FieldId::of(name)?, *reason)));
        named.collect()
    }

    /// Tells of these calls from now on, but for what is left out of them. Without programs in the kernel nothing is to be asked.
    pub fn ask(&mut self, interest: &Interest, filters: &Filters) -> Result<(), SensorError> {
        if let Self::Sensor(sensor) = self {
            sensor.set_filters(filters)?;
            sensor.set_interest(interest)?;
        }
        Ok(())
    }

    /// Waits until there is something or `timeout` is over, and hands it over. How much that was.
    pub fn poll(&mut self, timeout: Duration, take: &mut dyn FnMut(Item<'_>)) -> Result<usize, SensorError> {
        match self {
            Self::Sensor(sensor) => sensor.poll(timeout, take),
            Self::Fallback(fallback, _) => fallback.poll(timeout, take),
        }
    }

    /// The cgroups that are known.
    pub fn cgroups(&mut self) -> &mut Cgroups {
        match self {
            Self::Sensor(sensor) => sensor.cgroups(),
            Self::Fallback(fallback, _) => fallback.cgroups(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_cannot_be_filled_are_fields() {
        for (name, _) in UNTOLD.iter().chain(FALLBACK) {
            assert!(FieldId::of(name).is_some(), "{name}");
        }
    }
}
