//! What is asked of the kernel: which system calls, and which of them may be left out because no rule can match.
//!
//! Whoever compiles rules says so; nothing here knows rules. A filter that leaves out what a rule could have matched is
//! a rule that is blind without saying so: only what is proven may be left out.

use crate::calls::ROWS;
use crate::layout::{self, CALLS, Plan, op};
use crate::numbers::NAMES;
use sekisho_trace::EventCode;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Of which results a call is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// All of them.
    All,
    /// Where it succeeded.
    Done,
    /// Where it failed.
    Failed,
}

impl Results {
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::All }
    }
}

/// Which system calls are told. Programs, new and ending processes and new cgroups are told always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest(BTreeMap<u16, Results>);

/// Calls from which what is known of processes follows: working directories, users, groups of processes, names.
const PROCESSES: &[&str] = &[
    "chdir",
    "fchdir",
    "chroot",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setsid",
    "setpgid",
    "capset",
    "prctl",
];

/// Calls that make and close files.
const FILES: &[&str] = &[
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "pipe",
    "pipe2",
    "socket",
    "socketpair",
    "bind",
    "connect",
    "accept",
    "accept4",
    "open",
    "openat",
    "openat2",
    "creat",
    "open_by_handle_at",
    "eventfd",
    "eventfd2",
    "signalfd",
    "signalfd4",
    "timerfd_create",
    "inotify_init",
    "inotify_init1",
    "epoll_create",
    "epoll_create1",
    "userfaultfd",
    "memfd_create",
    "pidfd_open",
    "pidfd_getfd",
    "io_uring_setup",
    "bpf",
];

impl Interest {
    /// No call at all: nothing is attached to them, and no call costs anything.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every call.
    pub fn all() -> Self {
        let numbers = (0..).zip(NAMES).filter(|(_, name)| !name.is_empty()).map(|(number, _)| (number, Results::All));
        Self(numbers.collect())
    }

    /// Adds the call with this name, as `x86_64` has it; whether there is one.
    pub fn add(&mut self, name: &str, results: Results) -> bool {
        let Some(number) = NAMES.iter().position(|known| *known == name && !name.is_empty()) else { return false };
        self.0.entry(number as u16).and_modify(|known| *known = known.and(results)).or_insert(results);
        true
    }

    /// Adds all calls that are told as events of this type, entering or leaving; whether there are any.
    pub fn add_event(&mut self, code: EventCode, results: Results) -> bool {
        let mut any = false;
        for row in ROWS.iter().filter(|row| row.code == code.exit()) {
            any |= self.add(row.name, results);
        }
        any
    }

    /// Adds what follows from calls of processes: the state would be wrong without.
    pub fn add_processes(&mut self) {
        for name in PROCESSES {
            self.add(name, Results::Done);
        }
    }

    /// Adds all calls that make and close files, where a rule asks for more than those that an event is about.
    pub fn add_files(&mut self) {
        for name in FILES {
            self.add(name, Results::Done);
        }
    }

    /// Whether no call is told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of the calls.
    pub fn names(&self) -> BTreeSet<&'static str> {
        self.0.keys().filter_map(|number| NAMES.get(usize::from(*number)).copied()).collect()
    }

    /// What the kernel has to do, by number.
    pub(crate) fn plans(&self) -> impl Iterator<Item = (u16, Plan)> {
        (0..CALLS).map(|number| (number, self.plan(number)))
    }

    fn plan(&self, number: u16) -> Plan {
        let Some(results) = self.0.get(&number) else { return Plan::default() };
        let name = NAMES.get(usize::from(number)).copied().unwrap_or_default();
        let row = ROWS.iter().find(|row| row.name == name);
        let mut plan = row.map_or(Plan { ops: op::ON, ..Plan::default() }, crate::calls::Row::plan);
        plan.ops |= match results {
            Results::All => 0,
            Results::Done => op::NOT_FAILED,
            Results::Failed => op::NOT_DONE,
        };
        plan
    }
}

/// Of which opens of a path are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those for reading only.
    pub read: bool,
    /// Those for writing, and those that made the file.
    pub write: bool,
    /// Those that failed. Their path is not known: only what holds for all paths decides.
    pub failed: bool,
}

impl Keep {
    /// All.
    pub const ALL: Self = Self { read: true, write: true, failed: true };

    pub(crate) fn bits(self) -> u32 {
        let bit = |holds: bool, bit: u32| if holds { bit } else { 0 };
        bit(self.read, layout::keep::READ)
            | bit(self.write, layout::keep::WRITE)
            | bit(self.failed, layout::keep::FAILED)
    }
}

/// Which opens are told, by path. The longest prefix decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// What holds where no prefix says anything.
    pub others: Keep,
    /// Absolute paths, byte for byte (`/etc/` and `/etc` are different), of at most 120 bytes.
    pub prefixes: Vec<(Vec<u8>, Keep)>,
}

/// Which connections are told, by the address at the other end. The smallest network decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    /// What holds where no network says anything.
    pub others: bool,
    /// Address, how many bits of it are the network's, whether it is told.
    pub networks: Vec<(IpAddr, u8, bool)>,
}

/// What is left out in the kernel. Only what no rule can match may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Opens of these.
    pub paths: Option<Paths>,
    /// Connections with these.
    pub networks: Option<Networks>,
    /// Calls in these cgroups, by id. Programs and processes are told all the same.
    pub cgroups: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_asks_for_and_another_adds_up() {
        let mut interest = Interest::none();
        assert!(interest.add("openat", Results::Done) && interest.add("openat", Results::Failed));
        assert!(!interest.add("", Results::All) && !interest.add("no such call", Results::All));
        assert!(interest.add_event(EventCode::OPEN_E, Results::Done));
        assert_eq!(interest.names().into_iter().collect::<Vec<_>>(), ["open", "openat"]);
        let plans: Vec<_> = interest.plans().filter(|(_, plan)| plan.ops != 0).collect();
        assert_eq!(plans.len(), 2);
        let of = |number: u16| plans.iter().find(|(at, _)| *at == number).unwrap().1;
        assert_eq!(of(2).ops & (op::NOT_FAILED | op::NOT_DONE), op::NOT_FAILED, "open, where it succeeds");
        assert_eq!(of(257).ops & (op::NOT_FAILED | op::NOT_DONE), 0, "openat, always");
        assert_eq!(of(257).strings, 0b10, "its path is the second argument");
    }

    #[test]
    fn calls_of_the_state_are_calls() {
        let mut interest = Interest::none();
        for name in PROCESSES.iter().chain(FILES) {
            assert!(interest.add(name, Results::All), "{name}");
        }
    }
}
