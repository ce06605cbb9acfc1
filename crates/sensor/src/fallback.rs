//! Where the kernel takes no programs: the connector of processes tells what begins and ends, fanotify keeps the file of
//! each program that is begun, and `/proc` has the rest, if the process is still there.
//!
//! Nothing is known of files and connections here, and a process that lives for a moment leaves its path at most: such
//! events say that they are incomplete.
//!
//! Nobody waits for what is done here: fanotify could hold each program until it is answered, but then a process of ours
//! that is slow, or that begins a program itself, would hold up the whole machine.

use crate::cgroup::Cgroups;
use crate::decode::Decoder;
use crate::layout::{Exit, Header, KIND_EXEC, KIND_EXIT, KIND_FORK, Task, flag, tag};
use crate::record::{Blobs, Body, Record};
use crate::seed;
use crate::sensor::{Item, SensorError, boot};
use crate::sys::{self, FanotifyEvent};
use hashbrown::HashMap;
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink};
use rustix::time::Timespec;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many paths of programs are remembered until their process is told of.
const PENDING: usize = 4096;
const NLMSG_HEADER: usize = 16;
const CONNECTOR_HEADER: usize = 20;
const PROC_CN_MCAST_LISTEN: u32 = 1;
/// `FAN_Q_OVERFLOW`.
const OVERFLOW: u64 = 0x4000;

/// What can be watched without programs in the kernel.
pub struct Fallback {
    connector: OwnedFd,
    fanotify: Option<OwnedFd>,
    cgroups: Cgroups,
    decoder: Decoder,
    /// Paths of programs that were begun, by process.
    pending: HashMap<u32, Vec<u8>>,
    missing: Vec<String>,
    lost: u64,
}

impl Fallback {
    /// Begins to watch.
    pub fn start() -> Result<Self, SensorError> {
        let failed = |what| move |error: io::Error| SensorError::Read { what, error };
        let connector = connector().map_err(failed("the connector of processes"))?;
        listen(&connector).map_err(failed("the connector of processes"))?;
        let mut missing = vec!["system calls, files and connections".to_owned()];
        let fanotify = match sys::fanotify() {
            Ok(fanotify) => {
                for path in file_systems() {
                    if let Err(error) = sys::fanotify_watch(&fanotify, &path) {
                        missing.push(format!("programs on {} that end at once: {error}", path.display()));
                    }
                }
                Some(fanotify)
            }
            Err(error) => {
                missing.push(format!("programs that end at once: {error}"));
                None
            }
        };
        let cgroups = Cgroups::read().map_err(failed("the cgroups"))?;
        let decoder = Decoder::new(boot());
        Ok(Self { connector, fanotify, cgroups, decoder, pending: HashMap::new(), missing, lost: 0 })
    }

    /// What is not seen this way, in words.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The cgroups that are known.
    pub fn cgroups(&mut self) -> &mut Cgroups {
        &mut self.cgroups
    }

    /// Waits until there is something or `timeout` is over, and hands over what there is. How much that was.
    pub fn poll(&mut self, timeout: Duration, take: &mut dyn FnMut(Item<'_>)) -> Result<usize, SensorError> {
        let failed =
            |error: rustix::io::Errno| SensorError::Read { what: "what the kernel tells", error: error.into() };
        {
            let mut fds = vec![PollFd::new(&self.connector, PollFlags::IN)];
            fds.extend(self.fanotify.as_ref().map(|fanotify| PollFd::new(fanotify, PollFlags::IN)));
            let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
            match rustix::event::poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        self.decoder.boot = boot();
        let mut taken = 0;
        let mut buffer = [0; 8192];
        loop {
            let read = rustix::io::read(self.connector.as_fd(), &mut buffer);
            // A program's file is there before the connector tells of the program.
            if self.note_programs() {
                self.lose(take);
            }
            match read {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(taken),
                Ok(len) => {
                    taken += usize::from(self.message(buffer.get(..len).unwrap_or_default(), take).is_some());
                }
                // The kernel had no room for more; how much it left out it does not say.
                Err(rustix::io::Errno::NOBUFS) => self.lose(take),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    fn lose(&mut self, take: &mut dyn FnMut(Item<'_>)) {
        self.lost += 1;
        let event = self.decoder.loss(crate::sensor::since_boot(), 0);
        take(Item::Lost(&event, 1));
    }

    /// Notes the paths of programs that were begun; whether the kernel left some out.
    fn note_programs(&mut self) -> bool {
        let Some(fanotify) = &self.fanotify else { return false };
        let mut overflow = false;
        let mut buffer = [0; 4096];
        while let Ok(len) = rustix::io::read(fanotify.as_fd(), &mut buffer) {
            let mut rest = buffer.get(..len).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            while let Some(event) = FanotifyEvent::parse(rest) {
                rest = rest.get(event.len..).unwrap_or_default();
                overflow |= event.mask & OVERFLOW != 0;
                let Some(fd) = sys::received(event.fd) else { continue };
                let Ok(path) = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())) else { continue };
                if self.pending.len() >= PENDING {
                    self.pending.clear();
                }
                // A script's interpreter comes behind it, and is what runs; the loader of libraries comes last, and is not.
                if !is_loader(&path) || !self.pending.contains_key(&event.pid) {
                    self.pending.insert(event.pid, path.into_os_string().into_vec());
                }
            }
        }
        overflow
    }

    fn message(&mut self, bytes: &[u8], take: &mut dyn FnMut(Item<'_>)) -> Option<()> {
        let change = Change::parse(bytes)?;
        let header =
            |kind, pid, tid| Header { kind, time: change.time, cpu: change.cpu, pid, tid, ..Header::default() };
        match change.what {
            What::Fork { child: [tid, pid], parent } => {
                let task = Task { tid, pid, ppid: parent, ..self.task(pid, tid) };
                let arguments = seed::arguments(pid);
                let mut record =
                    Record { header: header(KIND_FORK, pid, tid), body: Body::Fork(task), blobs: Blobs::default() };
                // Of a process that ended, or has none any more, they are not known.
                if arguments.is_empty() {
                    record.header.flags |= flag::UNREADABLE;
                } else {
                    record.blobs.set(tag::ARGS, &arguments);
                }
                self.tell(&record, take);
            }
            What::Exec { tid, pid } => {
                let begun = self.pending.remove(&pid);
                let (arguments, environment) = (seed::arguments(pid), seed::environment(pid));
                let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
                let cwd = link("cwd").map(|path| path.into_os_string().into_vec());
                let exe = link("exe").map(|path| path.into_os_string().into_vec()).or(begun);
                let mut record = Record {
                    header: header(KIND_EXEC, pid, tid),
                    body: Body::Exec(self.task(pid, tid)),
                    blobs: Blobs::default(),
                };
                if arguments.is_empty() || environment.is_empty() || cwd.is_none() || exe.is_none() {
                    record.header.flags |= flag::UNREADABLE;
                }
                for (tag, text) in [(tag::ARGS, &arguments), (tag::ENV, &environment)] {
                    if !text.is_empty() {
                        record.blobs.set(tag, text);
                    }
                }
                if let Some(cwd) = &cwd {
                    record.blobs.set(tag::CWD, cwd);
                }
                if let Some(exe) = &exe {
                    record.blobs.set(tag::EXE, exe);
                }
                self.tell(&record, take);
            }
            What::Exit { tid, pid, code } => {
                self.pending.remove(&pid);
                let exit = Exit { code: code.into(), ..Exit::default() };
                let record =
                    Record { header: header(KIND_EXIT, pid, tid), body: Body::Exit(exit), blobs: Blobs::default() };
                self.tell(&record, take);
            }
        }
        Some(())
    }

    /// What `/proc` says of a task; little if it is gone.
    fn task(&self, pid: u32, tid: u32) -> Task {
        let Some(seed) = seed::thread(pid.into(), tid.into(), &self.cgroups, 0) else {
            // Nobody is known here, which is not the same as the first user.
            return Task { tid, pid, uid: u32::MAX, gid: u32::MAX, loginuid: u32::MAX, ..Task::default() };
        };
        let id = |id: Option<i64>| id.unwrap_or_default() as u32;
        let mut comm = [0; 16];
        for (to, from) in comm.iter_mut().take(15).zip(&seed.comm) {
            *to = *from;
        }
        let [cap_inheritable, cap_permitted, cap_effective] = seed.capabilities.unwrap_or_default();
        Task {
            tid,
            pid,
            ppid: seed.ptid as u32,
            vtid: id(seed.vtid),
            vpid: id(seed.vpid),
            pgid: id(seed.pgid),
            vpgid: id(seed.vpgid),
            sid: id(seed.sid),
            tty: seed.tty.unwrap_or_default(),
            uid: seed.uid.unwrap_or(u32::MAX),
            gid: seed.gid.unwrap_or(u32::MAX),
            loginuid: seed.loginuid.unwrap_or(u32::MAX),
            cap_inheritable,
            cap_permitted,
            cap_effective,
            start: seed.started.unwrap_or_default(),
            comm,
            ..Task::default()
        }
    }

    fn tell(&mut self, record: &Record<'_>, take: &mut dyn FnMut(Item<'_>)) {
        let cgroups = self.cgroups.text_of_process(record.header.pid);
        if let Some((event, told, files)) = self.decoder.event(record, &cgroups) {
            take(Item::Event(&event, told, files));
        }
    }

    /// How often the kernel said that it lost something.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

/// A socket that is told of processes (`include/uapi/linux/cn_proc.h`).
fn connector() -> io::Result<OwnedFd> {
    const CN_IDX_PROC: u32 = 1;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let kind = (AddressFamily::NETLINK, SocketType::DGRAM, Some(netlink::CONNECTOR));
    let socket = rustix::net::socket_with(kind.0, kind.1, flags, kind.2)?;
    rustix::net::bind(&socket, &netlink::SocketAddrNetlink::new(0, CN_IDX_PROC))?;
    Ok(socket)
}

/// Asks to be told of processes.
fn listen(connector: &OwnedFd) -> io::Result<()> {
    let len = (NLMSG_HEADER + CONNECTOR_HEADER + 4) as u32;
    // struct nlmsghdr: length, type NLMSG_DONE, sequence, port; struct cn_msg: index, value, sequence, answer, length.
    let words = [len, 3, 0, 0, 1, 1, 0, 0, 4, PROC_CN_MCAST_LISTEN];
    let bytes: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
    rustix::io::write(connector, &bytes)?;
    Ok(())
}

/// Where the file systems are that programs may be on.
fn file_systems() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut seen = hashbrown::HashSet::new();
    let place = |line: &str| {
        let mut fields = line.split(' ');
        let device = fields.nth(2)?.to_owned();
        Some((device, fields.nth(1)?.to_owned()))
    };
    mounts
        .lines()
        .filter_map(place)
        .filter(|(device, _)| seen.insert(device.clone()))
        .map(|(_, path)| Path::new(&path).into())
        .collect()
}

/// Whether this is what loads the libraries of programs: the GNU one or musl's.
fn is_loader(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b"ld-") && name.windows(3).any(|three| three == b".so")
}

/// What the connector tells (`struct proc_event`).
#[derive(Debug, PartialEq, Eq)]
struct Change {
    cpu: u32,
    /// Nanoseconds since boot; its clock stands still while the machine sleeps.
    time: u64,
    what: What,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// Thread and process of the child; the parent's process.
    Fork {
        child: [u32; 2],
        parent: u32,
    },
    Exec {
        tid: u32,
        pid: u32,
    },
    Exit {
        tid: u32,
        pid: u32,
        code: u32,
    },
}

impl Change {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let event = bytes.get(NLMSG_HEADER + CONNECTOR_HEADER..)?;
        let word = |at: usize| Some(u32::from_ne_bytes(*event.get(at..)?.first_chunk()?));
        let time = u64::from_ne_bytes(*event.get(8..)?.first_chunk()?);
        let what = match word(0)? {
            1 => What::Fork { child: [word(24)?, word(28)?], parent: word(20)? },
            2 => What::Exec { tid: word(16)?, pid: word(20)? },
            0x8000_0000 => What::Exit { tid: word(16)?, pid: word(20)?, code: word(24)? },
            _ => return None,
        };
        Some(Self { cpu: word(4)?, time, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(words: &[u32]) -> Vec<u8> {
        [vec![0; NLMSG_HEADER + CONNECTOR_HEADER], words.iter().flat_map(|word| word.to_ne_bytes()).collect()].concat()
    }

    #[test]
    fn what_the_connector_tells() {
        let fork = message(&[1, 2, 50, 0, 10, 11, 20, 21]);
        let what = What::Fork { child: [20, 21], parent: 11 };
        assert_eq!(Change::parse(&fork), Some(Change { cpu: 2, time: 50, what }));
        let exit = message(&[0x8000_0000, 0, 0, 1, 10, 11, 256, 17, 1, 1]);
        assert_eq!(Change::parse(&exit).unwrap().what, What::Exit { tid: 10, pid: 11, code: 256 });
        assert_eq!(Change::parse(&message(&[2, 0, 0, 0, 10, 11])).unwrap().what, What::Exec { tid: 10, pid: 11 });
        assert_eq!(Change::parse(&message(&[4, 0, 0, 0, 10, 11])), None, "ids of users");
        assert!((0..fork.len()).all(|len| Change::parse(&fork[..len]).is_none()));
    }

    #[test]
    fn what_fanotify_tells() {
        let words: [u32; 6] = [24, 0, 0x1000, 0, 7, 99];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let event = FanotifyEvent::parse(&bytes).unwrap();
        assert_eq!((event.len, event.mask, event.fd, event.pid), (24, 0x1000, 7, 99));
        assert!((0..24).all(|len| FanotifyEvent::parse(&bytes[..len]).is_none()));
        let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "/usr/lib/ld-2.31.so"];
        assert!(loaders.iter().all(|path| is_loader(Path::new(path))));
        assert!(
            !["/usr/bin/ld", "/usr/bin/ld-merge", "/lib/libc.so.6", "/"].iter().any(|path| is_loader(Path::new(path)))
        );
        let endless: Vec<u8> = [0_u32; 6].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert!(FanotifyEvent::parse(&endless).is_none());
    }
}
