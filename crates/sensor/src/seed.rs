//! What runs already: `/proc` as the beginning of the state, and again after a loss.
//!
//! The sensor is started first, so that what changes meanwhile is told by events that come after. A process that ends
//! while it is read is left out.

use crate::cgroup::Cgroups;
use sekisho_trace::state::{Fd, FdKind, State, ThreadSeed};
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// How many bytes of arguments and of the environment are read.
const TEXT: u64 = 4096;
/// How many files of a process are read.
const FDS: usize = 4096;

/// How many threads were told to the state.
pub fn seed(state: &mut State, cgroups: &Cgroups, boot: u64) -> usize {
    let mut number = 0;
    for pid in numbers(Path::new("/proc")) {
        let process = Path::new("/proc").join(pid.to_string());
        let Some(first) = thread(pid, pid, cgroups, boot) else { continue };
        let shared = first.clone();
        state.add_thread(first);
        number += 1;
        for fd in numbers(&process.join("fd")).take(FDS) {
            if let Ok(target) = fs::read_link(process.join("fd").join(fd.to_string())) {
                state.add_fd(pid, open_file(fd, target.into_os_string().into_vec()));
            }
        }
        for tid in numbers(&process.join("task")).filter(|tid| *tid != pid) {
            let comm = fs::read(process.join("task").join(tid.to_string()).join("comm")).unwrap_or_default();
            let comm = comm.strip_suffix(b"\n").unwrap_or(&comm).to_vec();
            // What a thread of a process nearly always shares; 1 is CLONE_FILES, 1 << 13 CLONE_THREAD.
            state.add_thread(ThreadSeed { tid, comm, flags: 1 | 1 << 13, vtid: None, ..shared.clone() });
            number += 1;
        }
    }
    number
}

/// Names in a directory that are numbers.
fn numbers(directory: &Path) -> impl Iterator<Item = i64> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn beginning(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What could not be read is empty.
    let _ = fs::File::open(path).and_then(|file| file.take(TEXT).read_to_end(&mut bytes));
    bytes
}

/// The arguments of a process, each ended by a zero byte; empty if it is gone.
pub(crate) fn arguments(pid: u32) -> Vec<u8> {
    beginning(Path::new(&format!("/proc/{pid}/cmdline")))
}

/// Its environment, likewise.
pub(crate) fn environment(pid: u32) -> Vec<u8> {
    beginning(Path::new(&format!("/proc/{pid}/environ")))
}

/// What `/proc` says of the first thread of a process, as thread `tid`; `None` if it is gone.
pub(crate) fn thread(pid: i64, tid: i64, cgroups: &Cgroups, boot: u64) -> Option<ThreadSeed> {
    let process = Path::new("/proc").join(pid.to_string());
    let status = fs::read_to_string(process.join("status")).ok()?;
    let stat = fs::read(process.join("stat")).ok()?;
    let stat = Stat::parse(&stat)?;
    let numbers = |key: &str| -> Vec<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.into_iter().flat_map(str::split_ascii_whitespace).filter_map(|word| word.parse().ok()).collect()
    };
    let capability = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let kib = |key: &str| numbers(key).first().map_or(0, |kib| *kib as u32);
    let inner = |key: &str| numbers(key).last().map(|id| id.cast_signed());
    let link = |name: &str| fs::read_link(process.join(name)).ok().map(|path| path.into_os_string().into_vec());
    let arguments = beginning(&process.join("cmdline"));
    let mut parts = arguments.splitn(2, |byte| *byte == 0);
    let (exe, args) = (parts.next().unwrap_or_default().to_vec(), parts.next().unwrap_or_default().to_vec());
    let exepath = link("exe").map(|path| path.strip_suffix(b" (deleted)").map_or(path.clone(), <[u8]>::to_vec));
    let memfd = exepath.as_ref().map(|path| path.starts_with(b"/memfd:"));
    let loginuid = fs::read_to_string(process.join("loginuid")).ok().and_then(|text| text.trim().parse().ok());
    let capabilities = match ["CapInh", "CapPrm", "CapEff"].map(capability) {
        [Some(inheritable), Some(permitted), Some(effective)] => Some([inheritable, permitted, effective]),
        _ => None,
    };
    Some(ThreadSeed {
        tid,
        pid,
        ptid: stat.parent,
        sid: Some(stat.session),
        pgid: Some(stat.group),
        vpgid: inner("NSpgid"),
        vtid: inner("NSpid"),
        vpid: inner("NStgid"),
        comm: stat.comm,
        exe,
        exepath,
        args,
        env: beginning(&process.join("environ")),
        cwd: link("cwd").unwrap_or_default(),
        root: link("root").unwrap_or_default(),
        cgroups: cgroups.text_of_process(pid as u32),
        // Of all ids the second is the effective one.
        uid: numbers("Uid").get(1).map(|id| *id as u32),
        gid: numbers("Gid").get(1).map(|id| *id as u32),
        loginuid,
        tty: Some(stat.tty),
        memory: [kib("VmSize"), kib("VmRSS"), kib("VmSwap")],
        faults: [stat.major_faults, stat.minor_faults],
        capabilities,
        exe_memfd: memfd,
        started: Some(boot.wrapping_add(stat.start)),
        ..ThreadSeed::default()
    })
}

fn open_file(number: i64, target: Vec<u8>) -> Fd {
    let starts = |prefix: &[u8]| target.starts_with(prefix);
    let kind = match () {
        () if starts(b"/memfd:") => FdKind::Memfd,
        () if starts(b"/") => FdKind::File,
        () if starts(b"pipe:") => FdKind::Pipe,
        () if starts(b"anon_inode:[eventpoll]") => FdKind::EventPoll,
        () if starts(b"anon_inode:[eventfd]") => FdKind::Event,
        () if starts(b"anon_inode:inotify") => FdKind::Inotify,
        () if starts(b"anon_inode:[timerfd]") => FdKind::Timer,
        () if starts(b"anon_inode:[signalfd]") => FdKind::Signal,
        // Which ends a socket has is not told here.
        () => FdKind::Unknown,
    };
    let name = if matches!(kind, FdKind::File | FdKind::Memfd) { target } else { Vec::new() };
    Fd { number, kind, name, ..Fd::default() }
}

/// Of `/proc/PID/stat` what nothing else says (`proc_pid_stat(5)`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    comm: Vec<u8>,
    pub(crate) parent: i64,
    group: i64,
    session: i64,
    tty: u32,
    /// `PF_*` of the kernel.
    pub(crate) flags: u64,
    minor_faults: u64,
    major_faults: u64,
    /// Nanoseconds since boot.
    pub(crate) start: u64,
}

/// Nanoseconds of a tick as programs see it, which is 1/100 s everywhere.
const TICK: u64 = 10_000_000;

impl Stat {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // The name is in parentheses and may have such.
        let from = text.iter().position(|byte| *byte == b'(')?;
        let to = text.iter().rposition(|byte| *byte == b')')?;
        let rest = str::from_utf8(text.get(to + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
        Some(Self {
            comm: text.get(from + 1..to)?.to_vec(),
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            tty: number(4)? as u32,
            flags: number(6)?.cast_unsigned(),
            minor_faults: number(7)?.cast_unsigned(),
            major_faults: number(9)?.cast_unsigned(),
            start: number(19)?.cast_unsigned().saturating_mul(TICK),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_trace::state::Bounds;

    #[test]
    fn a_name_may_look_like_what_is_behind_it() {
        let line = b"12 (a) R 1 (x) S 5 6 7 34816 -1 0 80 0 90 0 1 2 3 4 20 0 1 0 500 1000 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(stat.comm, b"a) R 1 (x");
        assert_eq!((stat.parent, stat.group, stat.session, stat.tty), (5, 6, 7, 34816));
        assert_eq!((stat.minor_faults, stat.major_faults, stat.start), (80, 90, 5_000_000_000));
        for len in 0..line.len() {
            let _ = Stat::parse(&line[..len]);
        }
        assert_eq!(Stat::parse(b")("), None);
    }

    #[test]
    fn this_process_is_there() {
        let mut state = State::new(Bounds::default());
        let Ok(cgroups) = Cgroups::read() else { return println!("SKIP: no cgroup file system is mounted") };
        let file = fs::File::open("/proc/self/status").unwrap();
        assert!(seed(&mut state, &cgroups, 0) > 1);
        let own = state.thread(std::process::id().into()).unwrap();
        assert_eq!(
            own.program.exepath.as_deref(),
            std::env::current_exe().ok().map(|path| path.into_os_string().into_vec()).as_deref()
        );
        assert_eq!(own.uid, Some(rustix::process::geteuid().as_raw()));
        let cwd = format!("{}/", std::env::current_dir().unwrap().display());
        assert_eq!(*own.cwd, *cwd.as_bytes());
        let fd = i64::from(std::os::fd::AsRawFd::as_raw_fd(&file));
        let files = state.files(std::process::id().into()).unwrap();
        assert!(files[&fd].name.ends_with(b"/status"), "{:?}", files[&fd]);
    }
}
