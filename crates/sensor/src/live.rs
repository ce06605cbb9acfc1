//! The ladder: the best way to watch that this kernel allows to this process, and what is not seen from there.

use crate::cgroup::Cgroups;
use crate::fallback::Fallback;
use crate::sensor::{Item, Options, Sensor, SensorError};
use std::fmt;
use std::time::Duration;

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
