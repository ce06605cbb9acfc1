//! One thread, and what it shares with others.

use super::Entered;
use super::container::Cgroups;
use super::fd::{UNTOLD, is_untold};
use super::held::Files;
use std::cell::Cell;
use std::sync::Arc;

/// Open files by their number. Shared with the process it was copied from until one of both changes.
pub type FdTable = Arc<Files>;

/// Bits of [`Thread::flags`], as recorders have them.
pub(crate) mod bits {
    pub(crate) const CLONE_FILES: u32 = 1;
    pub(crate) const CLONE_NEWPID: u32 = 1 << 6;
    pub(crate) const CLONE_PARENT: u32 = 1 << 8;
    pub(crate) const CLONE_THREAD: u32 = 1 << 13;
    pub(crate) const CHILD_IN_PIDNS: u32 = 1 << 29;
}

/// How much of what a program was begun with is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept {
    /// All.
    #[default]
    Whole,
    /// The beginning.
    Beginning,
    /// Nothing.
    Nothing,
}

impl Kept {
    /// How much recorders tell of arguments, the first included, or of an environment, in bytes. Of what is as long or longer
    /// that much is told, and nothing says whether it was more.
    const MOST: usize = 4096;

    /// Of arguments.
    pub(crate) fn of_arguments(exe: &[u8], args: &[u8]) -> Self {
        if exe.len() + 1 + args.len() >= Self::MOST { Self::Beginning } else { Self::Whole }
    }

    /// Of an environment. What begins without a variable is no environment: it could not be read.
    pub(crate) fn of_environment(env: &[u8]) -> Self {
        match env.len() {
            _ if env == UNTOLD => Self::Nothing,
            Self::MOST.. => Self::Beginning,
            _ => Self::Whole,
        }
    }
}

/// What a process executes: what the last `execve` of it or of an ancestor said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// `argv[0]`.
    pub exe: Box<[u8]>,
    /// Path of the executable, if it was recorded.
    pub exepath: Option<Box<[u8]>>,
    /// Arguments after the first, each ended by a zero byte.
    pub args: Box<[u8]>,
    /// How much of both is known.
    pub args_kept: Kept,
    /// Variables, each ended by a zero byte.
    pub env: Box<[u8]>,
    /// How much of them is known.
    pub env_kept: Kept,
    /// Whether the process may write to its executable.
    pub writable: Option<bool>,
    /// Whether the executable is in the upper layer of an overlay.
    pub upper: Option<bool>,
    /// Whether it is in a lower layer.
    pub lower: Option<bool>,
    /// Whether it is only in memory.
    pub memfd: Option<bool>,
    /// Inode of the executable.
    pub inode: Option<u64>,
    /// When that was changed and when written, nanoseconds since 1970.
    pub times: Option<(u64, u64)>,
    /// The cgroups of the process when it began to execute it.
    pub within: Arc<Cgroups>,
}

impl Program {
    /// Arguments after the first.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        pieces(&self.args)
    }

    /// Arguments after the first, with spaces between.
    pub fn joined(&self) -> Vec<u8> {
        let mut joined: Vec<u8> = self.args.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
        if self.args.last() == Some(&0) {
            joined.pop();
        }
        joined
    }

    pub(crate) fn size(&self) -> usize {
        self.exe.len() + self.exepath.as_ref().map_or(0, |path| path.len()) + self.args.len() + self.env.len() + 128
    }
}

/// Texts that end in zero bytes.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    (!bytes.is_empty()).then(|| whole.split(|byte| *byte == 0)).into_iter().flatten()
}

/// A thread that was there before the first event. Texts with several parts have zero bytes between them; what was not
/// recorded is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the fields of rules, or of proc(5)")]
pub struct ThreadSeed {
    pub tid: i64,
    pub pid: i64,
    pub ptid: i64,
    pub sid: Option<i64>,
    pub vpgid: Option<i64>,
    pub pgid: Option<i64>,
    pub vtid: Option<i64>,
    pub vpid: Option<i64>,
    pub comm: Vec<u8>,
    pub exe: Vec<u8>,
    pub exepath: Option<Vec<u8>>,
    pub args: Vec<u8>,
    pub env: Vec<u8>,
    pub cwd: Vec<u8>,
    pub root: Vec<u8>,
    pub cgroups: Vec<u8>,
    pub fdlimit: i64,
    pub flags: u32,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub loginuid: Option<u32>,
    pub tty: Option<u32>,
    /// Virtual, resident and swapped memory in KiB.
    pub memory: [u32; 3],
    /// Page faults with and without I/O.
    pub faults: [u64; 2],
    /// Inheritable, permitted and effective.
    pub capabilities: Option<[u64; 3]>,
    pub exe_writable: Option<bool>,
    pub exe_upper: Option<bool>,
    pub exe_lower: Option<bool>,
    pub exe_memfd: Option<bool>,
    pub exe_inode: Option<u64>,
    pub exe_times: Option<(u64, u64)>,
    pub namespace_started: Option<u64>,
    /// When it was started, nanoseconds since 1970.
    pub started: Option<u64>,
}

/// Ids of threads that belong to another one. Those that are gone are taken out when there are twice as many as before,
/// so that each costs the same in the end.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kin {
    ids: Vec<i64>,
    prune_at: usize,
}

impl Kin {
    /// Adds one; `alive` tells which are still there.
    pub(crate) fn add(&mut self, id: i64, alive: impl Fn(i64) -> bool) {
        if self.ids.len() >= self.prune_at.max(16) {
            self.ids.retain(|id| alive(*id));
            self.prune_at = self.ids.len() * 2;
        }
        self.ids.push(id);
    }

    /// Those that came last first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = i64> {
        self.ids.iter().rev().copied()
    }

    /// All of them; there are none then.
    pub(crate) fn take(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.ids)
    }
}

/// A thread.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the fields of rules")]
pub struct Thread {
    pub tid: i64,
    pub pid: i64,
    pub ptid: i64,
    pub sid: Option<i64>,
    pub vpgid: Option<i64>,
    pub pgid: Option<i64>,
    pub vtid: Option<i64>,
    pub vpid: Option<i64>,
    pub comm: Box<[u8]>,
    pub program: Arc<Program>,
    /// Ends in a slash; empty where it is not known.
    pub cwd: Arc<[u8]>,
    pub cgroups: Arc<Cgroups>,
    pub fdlimit: i64,
    pub flags: u32,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub loginuid: Option<u32>,
    pub tty: Option<u32>,
    pub memory: [u32; 3],
    pub faults: [u64; 2],
    pub capabilities: Option<[u64; 3]>,
    pub namespace_started: Option<u64>,
    pub started: Option<u64>,
    /// Files of its own; for a thread that shares its process's, none.
    pub files: FdTable,
    /// Whether it can have files open that are not among them.
    pub(crate) unnoted: bool,
    /// How many threads of the process are known, this one included. Only of a process's first thread.
    pub(crate) members: u32,
    /// Processes it made, and, of a process's first thread, the other threads. Some may be gone.
    pub(crate) children: Kin,
    pub(crate) siblings: Kin,
    /// It ended, but other threads of its process have not.
    pub(crate) ended: bool,
    pub(crate) entered: Entered,
    pub(crate) has_entered: bool,
    /// Whether anything is known but that it is there: otherwise only its files are.
    pub(crate) known: bool,
    /// Changes whenever an answer about this thread may.
    pub(crate) version: u64,
    /// What [`State::lineage`](super::State::lineage) last came to, and when: threads of a machine come and go far more
    /// often than the ancestors of one.
    pub(crate) lineage: Cell<(u64, u64)>,
    /// Whether there was an event of it since it was last looked at for being forgotten.
    pub(crate) used: bool,
}

impl Thread {
    pub(crate) fn of_seed(seed: ThreadSeed) -> Self {
        let cgroups = Cgroups::new(&seed.cgroups);
        let untold = seed.exe == UNTOLD && seed.args.is_empty();
        let args_kept = if untold { Kept::Nothing } else { Kept::of_arguments(&seed.exe, &seed.args) };
        let program = Program {
            args_kept,
            env_kept: Kept::of_environment(&seed.env),
            exe: if untold { Box::default() } else { seed.exe.into() },
            exepath: seed.exepath.filter(|path| !is_untold(path)).map(Into::into),
            args: seed.args.into(),
            env: seed.env.into(),
            writable: seed.exe_writable,
            upper: seed.exe_upper,
            lower: seed.exe_lower,
            memfd: seed.exe_memfd,
            inode: seed.exe_inode,
            times: seed.exe_times,
            within: Arc::clone(&cgroups),
        };
        Self {
            tid: seed.tid,
            pid: seed.pid,
            ptid: seed.ptid,
            sid: seed.sid,
            vpgid: seed.vpgid,
            pgid: seed.pgid,
            vtid: seed.vtid,
            vpid: seed.vpid,
            comm: called(&seed.comm),
            program: Arc::new(program),
            cwd: directory(seed.cwd),
            cgroups,
            fdlimit: seed.fdlimit,
            flags: seed.flags,
            uid: seed.uid,
            gid: seed.gid,
            loginuid: seed.loginuid,
            tty: seed.tty,
            memory: seed.memory,
            faults: seed.faults,
            capabilities: seed.capabilities,
            namespace_started: seed.namespace_started,
            started: seed.started,
            files: FdTable::default(),
            unnoted: false,
            members: 1,
            children: Kin::default(),
            siblings: Kin::default(),
            ended: false,
            entered: Entered::default(),
            has_entered: false,
            known: true,
            version: 0,
            lineage: Cell::default(),
            used: true,
        }
    }

    /// Whether it is the first thread of its process.
    pub fn is_main(&self) -> bool {
        self.tid == self.pid
    }

    /// Whether more is known of it than that it is there.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Whether it uses the files of its process's first thread.
    pub fn shares_files(&self) -> bool {
        !self.is_main() && self.flags & bits::CLONE_FILES != 0
    }

    /// Whether its ids in its own namespace are others than the host's.
    pub fn in_namespace(&self) -> bool {
        self.vtid.is_some_and(|vtid| vtid != self.tid) || self.vpid.is_some_and(|vpid| vpid != self.pid)
    }

    /// `container.id`: of the container that it is in.
    pub fn container(&self) -> Option<&str> {
        self.cgroups.container.as_ref().map(|(id, ..)| &**id)
    }

    /// Whether it came into its container with a program that it had begun elsewhere: what an engine makes containers and
    /// enters them with, until it executes what was asked for.
    pub fn came_from_outside(&self) -> bool {
        let of = |cgroups: &Cgroups| cgroups.container.as_ref().map(|(_, full, _)| full.clone());
        self.cgroups.container.is_some() && of(&self.program.within) != of(&self.cgroups)
    }

    /// Name and arguments.
    pub fn cmdline(&self) -> Vec<u8> {
        with_arguments(&self.comm, &self.program)
    }
}

/// `first` and the arguments of a program.
pub(crate) fn with_arguments(first: &[u8], program: &Program) -> Vec<u8> {
    let mut line = first.to_vec();
    for argument in program.arguments() {
        line.push(b' ');
        line.extend_from_slice(argument);
    }
    line
}

/// A working directory, which ends in a slash. One that does not begin at the root is not known, and none is longer than the
/// kernel has any.
pub(crate) fn directory(mut path: Vec<u8>) -> Arc<[u8]> {
    slash(&mut path);
    if path.first() != Some(&b'/') || path.len() > LONGEST_PATH { Arc::default() } else { path.into() }
}

/// `PATH_MAX` of Linux, and the slash.
const LONGEST_PATH: usize = 4097;

/// The name of a thread: 15 bytes of the kernel's, more of some recorders', and never much more.
pub(crate) fn called(comm: &[u8]) -> Box<[u8]> {
    comm[..comm.len().min(256)].into()
}

/// Ends a directory in a slash.
pub(crate) fn slash(path: &mut Vec<u8>) {
    if !path.is_empty() && path.last() != Some(&b'/') {
        path.push(b'/');
    }
}
