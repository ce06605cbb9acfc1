//! What can be done to processes and containers: ended, asked to end, kept from running.
//!
//! A number of a process may have been given to another one before anything is done. So a process is held by a descriptor
//! first, then looked at, and then acted on through the descriptor. Containers are acted on through their cgroup, which
//! no engine has to be asked for, and which holds whatever came to be in them meanwhile.

use crate::cgroup::{mounted, v1_mount};
use crate::seed::Stat;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::time::Timespec;
use sekisho_trace::state::of_path;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// `PF_KTHREAD` of the kernel, as `/proc/PID/stat` shows it.
const KERNEL: u64 = 0x0020_0000;
/// How many times the processes of a cgroup are looked for that cannot be ended all at once.
const ROUNDS: usize = 100;
/// How long to wait until a cgroup is frozen.
const FREEZING: Duration = Duration::from_millis(500);
/// How long to wait before looking again where nobody tells of a change.
const TURN: Duration = Duration::from_millis(1);
/// How deep cgroups of a container are followed.
const DEEPEST: usize = 16;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// It is one of those that nothing is ever done to.
    #[error("{0}")]
    Spared(&'static str),
    /// It is not there any more.
    #[error("{0}")]
    Gone(&'static str),
    /// The kernel refused.
    #[error("cannot {what}: {error}")]
    Refused {
        /// What was attempted.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl ActError {
    fn refused(what: &'static str) -> impl Fn(rustix::io::Errno) -> Self {
        move |error| Self::Refused { what, error: error.into() }
    }

    fn unread(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::Refused { what, error }
    }

    /// The number of the kernel's error, 0 where there is none.
    pub fn errno(&self) -> i32 {
        match self {
            Self::Refused { error, .. } => error.raw_os_error().unwrap_or_default(),
            Self::Spared(_) | Self::Gone(_) => 0,
        }
    }
}

/// Whether numbers of processes and paths of cgroups mean here what the kernel's programs mean by them. Otherwise nothing
/// may be acted on: a number would be somebody else's.
pub fn sees_host() -> Result<(), ActError> {
    // `PROC_PID_INIT_INO` and `PROC_CGROUP_INIT_INO` of the kernel.
    for (name, first, error) in [
        ("pid", "pid:[4026531836]", "this program is not among the host's processes (hostPID)"),
        ("cgroup", "cgroup:[4026531835]", "this program does not see the host's cgroups (--cgroupns=host)"),
    ] {
        let own = fs::read_link(format!("/proc/self/ns/{name}")).map_err(ActError::unread("read /proc/self/ns"))?;
        if own != Path::new(first) {
            return Err(ActError::Spared(error));
        }
    }
    Ok(())
}

/// Why nothing is done to a process, if it is one of those: the first of the host, this one and those it was begun by, the
/// kernel's own.
fn spared(pid: u32) -> Option<&'static str> {
    if pid <= 1 {
        return Some("it is the host's first process");
    }
    let mut above = i64::from(std::process::id());
    for rank in 0..64 {
        if above <= 1 {
            break;
        }
        if above == i64::from(pid) {
            return Some(if rank == 0 { "it is this very program" } else { "this program was begun by it" });
        }
        above = stat(above as u32).map_or(0, |stat| stat.parent);
    }
    stat(pid).filter(|stat| stat.flags & KERNEL != 0).map(|_| "it is the kernel's own")
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// A process that is held, so that its number is nobody else's.
#[derive(Debug)]
pub struct Process {
    pidfd: OwnedFd,
    pid: u32,
    started: u64,
}

impl Process {
    /// Takes hold of the process that had this number at a moment, in nanoseconds since boot: one that began later is
    /// another one. The kernel shows beginnings in hundredths of a second.
    pub fn open(pid: u32, at: u64) -> Result<Self, ActError> {
        const GONE: ActError = ActError::Gone("the process has ended");
        let number =
            i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(ActError::Gone("its number is not known"))?;
        let pidfd = match rustix::process::pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Err(GONE),
            Err(error) => return Err(ActError::refused("take hold of the process")(error)),
        };
        // Held first and looked at then: what is read is of the one that is held, or of nobody.
        let stat = stat(pid).ok_or(GONE)?;
        if stat.start > at {
            return Err(ActError::Gone("the process has ended, and its number is another's"));
        }
        if let Some(why) = spared(pid) {
            return Err(ActError::Spared(why));
        }
        Ok(Self { pidfd, pid, started: stat.start })
    }

    /// Number and beginning, by which it is told from all others of this boot.
    pub fn key(&self) -> String {
        format!("{}/{}", self.pid, self.started)
    }

    /// Ends it.
    pub fn kill(&self) -> Result<(), ActError> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> Result<(), ActError> {
        match rustix::process::pidfd_send_signal(&self.pidfd, signal) {
            Err(rustix::io::Errno::SRCH) => Err(ActError::Gone("the process has ended")),
            other => other.map_err(ActError::refused("send the process a signal")),
        }
    }
}

/// A container, by its cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerGroup {
    /// Its directory in a hierarchy that has its processes.
    directory: PathBuf,
    means: Means,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Version 2.
    Unified,
    /// The freezer of version 1.
    Freezer,
    /// Another hierarchy of version 1, which only lists processes.
    List,
}

impl ContainerGroup {
    /// The container with this whole id, of which a process is in the cgroup `path`: engines use the same path in all
    /// hierarchies.
    pub fn find(path: &str, id: &str) -> Result<Self, ActError> {
        let top = top_of(path, id).ok_or(ActError::Gone("its cgroup is not one of a container"))?;
        let candidates = [
            (mounted("cgroup2"), Means::Unified),
            (v1_mount("freezer"), Means::Freezer),
            (v1_mount("pids"), Means::List),
            (v1_mount("memory"), Means::List),
        ];
        let found = candidates.into_iter().find_map(|(mount, means)| {
            let directory = mount?.join(top.trim_start_matches('/'));
            let group = Self { directory, means };
            (!group.processes().is_empty()).then_some(group)
        });
        let found = found.ok_or(ActError::Gone("the container has ended"))?;
        // One that this program runs in itself is not to be touched, nor that of whoever began it.
        for pid in found.processes() {
            if let Some(why) = spared(pid) {
                return Err(ActError::Spared(why));
            }
        }
        Ok(found)
    }

    /// Of a cgroup of the container with this whole id the highest that is of the container.
    pub fn path<'p>(path: &'p str, id: &str) -> Option<&'p str> {
        top_of(path, id)
    }

    /// One of its processes.
    pub fn any_process(&self) -> Option<u32> {
        self.processes().first().copied()
    }

    /// Where it is, for people who want to let it go on.
    pub fn place(&self) -> &Path {
        &self.directory
    }

    /// Numbers of all processes in it.
    fn processes(&self) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut left = vec![(self.directory.clone(), 0)];
        while let Some((directory, depth)) = left.pop() {
            let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
            if depth < DEEPEST {
                let below = fs::read_dir(&directory).into_iter().flatten().flatten();
                let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
                left.extend(below.map(|entry| (entry.path(), depth + 1)));
            }
        }
        found
    }

    fn write(&self, file: &str, text: &str, what: &'static str) -> Result<(), ActError> {
        fs::write(self.directory.join(file), text).map_err(ActError::unread(what))
    }

    /// Whether nothing runs in it any more.
    pub fn is_over(&self) -> bool {
        self.processes().is_empty()
    }

    /// Keeps all its processes from running.
    pub fn pause(&self) -> Result<(), ActError> {
        const WHAT: &str = "freeze the container's cgroup";
        match self.means {
            Means::Unified => {
                let mut events =
                    fs::File::open(self.directory.join("cgroup.events")).map_err(ActError::unread(WHAT))?;
                // What changes after it was read wakes whoever waits.
                is_frozen(&mut events);
                self.write("cgroup.freeze", "1", WHAT)?;
                let end = Instant::now() + FREEZING;
                loop {
                    let left = end.saturating_duration_since(Instant::now());
                    if is_frozen(&mut events) {
                        return Ok(());
                    }
                    if left.is_zero() {
                        let slow = io::Error::new(io::ErrorKind::TimedOut, "some process still runs");
                        return Err(ActError::unread(WHAT)(slow));
                    }
                    let mut fds = [PollFd::new(&events, PollFlags::PRI)];
                    let _ = rustix::event::poll(&mut fds, Timespec::try_from(left).ok().as_ref());
                }
            }
            Means::Freezer => {
                self.write("freezer.state", "FROZEN", WHAT)?;
                let end = Instant::now() + FREEZING;
                // Nobody is told of a change here, and whoever reads brings it about where processes were late.
                while fs::read_to_string(self.directory.join("freezer.state")).map_err(ActError::unread(WHAT))?.trim()
                    != "FROZEN"
                {
                    if Instant::now() >= end {
                        let slow = io::Error::new(io::ErrorKind::TimedOut, "some process still runs");
                        return Err(ActError::unread(WHAT)(slow));
                    }
                    std::thread::sleep(TURN);
                }
                Ok(())
            }
            Means::List => Err(ActError::unread(WHAT)(io::Error::new(
                io::ErrorKind::Unsupported,
                "no hierarchy that can freeze has it",
            ))),
        }
    }

    /// Ends all its processes at once, and those that they begin meanwhile. How.
    pub fn kill(&self) -> Result<&'static str, ActError> {
        if self.means == Means::Unified && self.directory.join("cgroup.kill").exists() {
            self.write("cgroup.kill", "1", "end the container's cgroup")?;
            return Ok("cgroup.kill");
        }
        // Whoever is frozen begins nothing; where that cannot be, they are looked for until there is none.
        let frozen = self.pause().is_ok();
        let mut refused = None;
        for _ in 0..ROUNDS {
            let left: Vec<u32> = self.processes().into_iter().filter(|pid| self.end(*pid, &mut refused)).collect();
            if left.is_empty() || frozen {
                break;
            }
        }
        // Also what did not freeze in time would freeze later, and never end.
        if self.means != Means::List {
            let thawed = match self.means {
                Means::Unified => self.write("cgroup.freeze", "0", "let the container's cgroup go on"),
                _ => self.write("freezer.state", "THAWED", "let the container's cgroup go on"),
            };
            thawed?;
        }
        match refused {
            Some(error) => Err(error),
            None => Ok("each of its processes"),
        }
    }

    /// Ends one of its processes; whether there was one.
    fn end(&self, pid: u32, refused: &mut Option<ActError>) -> bool {
        let held = match Process::open(pid, u64::MAX) {
            Ok(held) => held,
            Err(ActError::Gone(_)) => return false,
            Err(error) => {
                *refused = Some(error);
                return false;
            }
        };
        // Held, and still in it: the number was not another's meanwhile.
        if self.processes().contains(&pid)
            && let Err(error @ ActError::Refused { .. }) = held.kill()
        {
            *refused = Some(error);
        }
        true
    }

    /// Asks it to end: its first process, as engines do.
    pub fn terminate(&self) -> Result<(), ActError> {
        let first = self.processes().into_iter().find(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let inner = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            inner.is_some_and(|ids| {
                ids.split_ascii_whitespace().count() > 1 && ids.split_ascii_whitespace().last() == Some("1")
            })
        });
        // Among the host's processes none is the first: the oldest was begun before the others.
        let first = first.or_else(|| self.processes().into_iter().min_by_key(|pid| stat(*pid).map(|stat| stat.start)));
        let first = first.ok_or(ActError::Gone("the container has ended"))?;
        let held = Process::open(first, u64::MAX)?;
        if !self.processes().contains(&first) {
            return Err(ActError::Gone("the container has ended"));
        }
        held.signal(Signal::TERM)
    }
}

/// Whether `cgroup.events` says that all are frozen.
fn is_frozen(events: &mut fs::File) -> bool {
    let mut text = String::new();
    let read = events.seek(SeekFrom::Start(0)).and_then(|_| events.read_to_string(&mut text));
    read.is_ok() && text.lines().any(|line| line == "frozen 1")
}

/// The highest cgroup above `path` that is of the container with this id.
fn top_of<'p>(path: &'p str, id: &str) -> Option<&'p str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| &path[..end]).find(|top| of_path(top).is_some_and(|(of, _)| of == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_all_of_its_cgroups() {
        let id = "0123456789abcdef".repeat(4);
        let top = format!("/machine.slice/libpod-{id}.scope");
        assert_eq!(top_of(&format!("{top}/container/x"), &id), Some(&*top));
        assert_eq!(top_of(&top, &id), Some(&*top));
        assert_eq!(top_of("/k8s.io/web", "web"), Some("/k8s.io/web"));
        assert_eq!(top_of("/user.slice", &id), None);
        assert_eq!(top_of("", &id), None);
    }

    #[test]
    fn nobody_ends_what_keeps_this_running() {
        let own = std::process::id();
        assert!(matches!(Process::open(own, u64::MAX), Err(ActError::Spared("it is this very program"))));
        assert!(matches!(Process::open(1, u64::MAX), Err(ActError::Spared(_))));
        let parent = stat(own).unwrap().parent as u32;
        assert!(
            parent <= 1
                || matches!(Process::open(parent, u64::MAX), Err(ActError::Spared("this program was begun by it")))
        );
        let kernels = |pid: &u32| stat(*pid).is_some_and(|stat| stat.flags & KERNEL != 0);
        match (2..1000).find(kernels) {
            Some(pid) => {
                assert!(matches!(Process::open(pid, u64::MAX), Err(ActError::Spared("it is the kernel's own"))));
            }
            None => println!("SKIP: no thread of the kernel is seen"),
        }
    }

    #[test]
    fn a_number_that_was_given_again_is_another_process() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let started = stat(child.id()).unwrap().start;
        assert!(started > 0);
        let earlier = Process::open(child.id(), started - 1).unwrap_err();
        assert!(earlier.to_string().contains("another's"), "{earlier}");
        let held = Process::open(child.id(), started).unwrap();
        held.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(held.kill(), Err(ActError::Gone(_))), "the descriptor is of that process, and of no other");
        assert!(matches!(Process::open(child.id(), u64::MAX), Err(ActError::Gone(_))));
    }
}
