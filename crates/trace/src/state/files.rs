//! Open files: which calls make, rename and close them.

use super::apply::Call;
use super::fd::{Fd, FdKind, Role, Transport, UNTOLD, is_untold, join, plain_ends};
use super::held::Meter;
use super::thread::slash;
use super::{FdTable, State, Thread};
use crate::event::{Address, EventCode as E, Param, Tuple, traits};
use std::net::IpAddr;
use std::sync::Arc;

/// Bits of `flags`, as recorders have them.
mod open {
    pub(super) const DIRECTORY: u32 = 1 << 10;
}

/// `AT_FDCWD`, as recorders have it.
pub(crate) const CWD: i64 = -100;
const EINPROGRESS: i64 = -115;

/// Transport protocols, by `IPPROTO_*`.
const PROTO_ICMP: i64 = 1;

impl State {
    pub(super) fn set_fd(&mut self, tid: i64, fd: Fd) {
        let Some(thread) = self.threads.get(&tid) else { return };
        let owner = if thread.shares_files() && self.threads.contains_key(&thread.pid) { thread.pid } else { tid };
        let most = self.bounds().fds;
        let wanted = fd.size();
        let Some(owner) = self.threads.get_mut(&owner) else { return };
        if owner.files.len() >= most && !owner.files.contains_key(&fd.number) {
            owner.unnoted = true;
            self.counters.fds_refused += 1;
            return;
        }
        let had = !owner.files.is_empty();
        if !has_room(owner, wanted, &self.held, self.bounds.file_bytes) {
            self.counters.fds_refused += 1;
            self.counters.files_forgotten += u64::from(had);
            return;
        }
        Arc::make_mut(&mut owner.files).insert(fd, &self.held);
    }

    pub(super) fn remove_fd(&mut self, tid: i64, fd: i64) {
        let Some(thread) = self.threads.get(&tid) else { return };
        let owner = if thread.shares_files() && self.threads.contains_key(&thread.pid) { thread.pid } else { tid };
        if let Some(owner) = self.threads.get_mut(&owner)
            && owner.files.contains_key(&fd)
        {
            if has_room(owner, 0, &self.held, self.bounds.file_bytes) {
                Arc::make_mut(&mut owner.files).remove(fd, &self.held);
            } else {
                self.counters.files_forgotten += 1;
            }
        }
    }

    fn fd_of(&self, tid: i64, fd: i64) -> Option<&Arc<Fd>> {
        self.files(tid)?.get(&fd)
    }

    /// A file that the event made, which its facts are about.
    fn made(&mut self, call: &Call<'_>, fd: Fd) {
        self.now.fd = Some(fd.number);
        self.set_fd(call.event.tid, fd);
    }

    /// The directory that a path is below: where the path is absolute that does not matter; otherwise `fd`, or the
    /// working directory. `None` if it is not known. Ends in a slash.
    pub(crate) fn directory(&self, tid: i64, fd: i64, path: &[u8]) -> Option<Vec<u8>> {
        if path.first() == Some(&b'/') {
            return Some(b"/".to_vec());
        }
        if fd == CWD {
            let cwd = &self.threads.get(&tid)?.cwd;
            return (!cwd.is_empty()).then(|| cwd.to_vec());
        }
        let mut name = self.fd_of(tid, fd)?.name.clone();
        slash(&mut name);
        (!name.is_empty() && !is_untold(&name)).then_some(name)
    }

    /// An absolute path, or, where the directory is not known, the path with that said before it.
    pub(crate) fn absolute(&self, tid: i64, fd: i64, path: &[u8]) -> Vec<u8> {
        match self.directory(tid, fd, path) {
            Some(base) => join(&base, path),
            None => [UNTOLD, b"/", path].concat(),
        }
    }

    pub(super) fn leave_files(&mut self, call: &Call<'_>) {
        let result = call.result();
        let made = result.filter(|fd| *fd >= 0);
        match call.event.code {
            E::OPEN_X | E::CREAT_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X => {
                self.now.fd = made;
                if let Some(number) = made {
                    self.open(call, number);
                }
            }
            E::CLOSE_X => {
                if let (true, Some(fd)) = (call.succeeded(), self.now.fd) {
                    self.now.closing = Some((call.event.tid, fd));
                }
            }
            E::SOCKET_X => self.socket(call, result),
            E::BIND_X => self.bind(call),
            E::CONNECT_X => self.connect(call),
            E::ACCEPT_X | E::ACCEPT_5_X | E::ACCEPT4_X | E::ACCEPT4_5_X | E::ACCEPT4_6_X => self.accept(call, result),
            E::SOCKETPAIR_X => self.pair(call, FdKind::Unix),
            E::PIPE_X | E::PIPE2_X => self.pair(call, FdKind::Pipe),
            E::DUP_X | E::DUP_1_X | E::DUP2_X | E::DUP3_X => self.duplicate(call, result),
            E::FCNTL_X if matches!(call.int("cmd"), Some(1 | 26)) => self.duplicate(call, result),
            E::PIDFD_GETFD_X => self.duplicate_of_other(call, result),
            E::GETSOCKOPT_X => self.get_option(call),
            E::SENDTO_X | E::SENDMSG_X => self.transfer(call, Role::Client),
            E::RECVFROM_X | E::RECVMSG_X => self.transfer(call, Role::Server),
            code => {
                if let Some(kind) = simple(code) {
                    self.now.fd = made;
                    if let Some(number) = made {
                        let name = call.text("name").unwrap_or_default().to_vec();
                        self.made(call, Fd { number, kind, name, ..Fd::default() });
                    }
                } else if call.event.info().is_some_and(|info| info.is(traits::CREATES_FD)) {
                    self.now.fd = made;
                }
            }
        }
    }

    fn open(&mut self, call: &Call<'_>, number: i64) {
        let flags = call.u32("flags");
        let raw = call.text("name").or_else(|| call.text("path")).unwrap_or_default();
        let name = match call.text("fullpath").filter(|path| !path.is_empty()) {
            Some(path) if is_untold(path) => path.to_vec(),
            Some(path) => join(b"/", path),
            None if is_untold(raw) => raw.to_vec(),
            None => self.absolute(call.event.tid, call.int("dirfd").unwrap_or(CWD), raw),
        };
        self.counters.paths_untold += u64::from(is_untold(&name));
        let is_directory = flags.is_some_and(|flags| flags & open::DIRECTORY != 0);
        let fd = Fd {
            number,
            kind: if is_directory { FdKind::Directory } else { FdKind::File },
            name,
            raw_name: Some(raw.to_vec()),
            flags,
            device: call.u32("dev"),
            inode: call.param("ino").and_then(|param| param.uint()),
            ..Fd::default()
        };
        self.made(call, fd);
    }

    fn socket(&mut self, call: &Call<'_>, result: Option<i64>) {
        let Some(number) = result.filter(|fd| *fd >= 0) else { return };
        let (kind, transport) = socket_kind(call.int("domain"), call.int("type"), call.int("proto"));
        self.made(call, Fd { number, kind, transport, ..Fd::default() });
    }

    fn bind(&mut self, call: &Call<'_>) {
        if !call.succeeded() {
            return;
        }
        let Some((tid, Some(mut fd))) = self.present(call) else { return };
        match call.param("addr").and_then(|addr| addr.address()) {
            Some(Address::Unix(path)) => {
                fd.kind = FdKind::Unix;
                fd.name = path.to_vec();
            }
            Some(Address::Inet(ip, port)) if port != 0 => {
                fd.bind(ip, port);
                fd.role = Role::Server;
            }
            _ => return,
        }
        self.set_fd(tid, fd);
    }

    fn connect(&mut self, call: &Call<'_>) {
        let Some(result) = call.result() else { return };
        let Some((tid, fd)) = self.present(call) else { return };
        let Some(number) = self.now.fd else { return };
        let mut fd = fd.unwrap_or_else(|| Fd { number, ..Fd::default() });
        fd.pending = result == EINPROGRESS;
        if result < 0 && !fd.pending {
            fd.connected = false;
            self.set_fd(tid, fd);
            return;
        }
        fd.connected = result >= 0;
        let before = fd.name.clone();
        let tuple = call.param("tuple");
        if let Some(tuple) = tuple.and_then(|param| param.tuple()) {
            set_tuple(&mut fd, &tuple);
            fd.role = Role::Client;
        } else if let Some(Address::Inet(ip, port)) = call.param("addr").and_then(|param| param.address()) {
            // Only where to is known; that is what rules ask for.
            let from = if ip.is_ipv6() { IpAddr::from([0_u16; 8]) } else { IpAddr::from([0, 0, 0, 0]) };
            fd.connect(from, 0, ip, port);
            fd.role = Role::Client;
        }
        self.now.renamed = before != fd.name;
        self.set_fd(tid, fd);
    }

    fn accept(&mut self, call: &Call<'_>, result: Option<i64>) {
        let Some(number) = result.filter(|fd| *fd >= 0) else { return };
        let mut fd = Fd { number, connected: true, ..Fd::default() };
        if let Some(tuple) = call.param("tuple").and_then(|param| param.tuple()) {
            set_tuple(&mut fd, &tuple);
            fd.role = Role::Server;
            if fd.kind.is_inet() {
                fd.transport = Transport::Tcp;
            }
        }
        self.made(call, fd);
    }

    fn pair(&mut self, call: &Call<'_>, kind: FdKind) {
        if !call.succeeded() {
            return;
        }
        let inode = call.param("ino").and_then(|param| param.uint());
        for name in ["fd1", "fd2"] {
            if let Some(number) = call.int(name).filter(|fd| *fd >= 0) {
                self.made(call, Fd { number, kind, inode, connected: kind == FdKind::Unix, ..Fd::default() });
            }
        }
    }

    fn duplicate(&mut self, call: &Call<'_>, result: Option<i64>) {
        let Some(number) = result.filter(|fd| *fd >= 0) else { return };
        let old = call.int("oldfd").or_else(|| call.entered?.named("fd")?.int()).or_else(|| call.int("fd"));
        let fd = old.and_then(|old| self.fd_of(call.event.tid, old)).map(|fd| Fd { number, ..(**fd).clone() });
        if let Some(fd) = fd {
            self.made(call, fd);
        } else {
            // What it was before is gone, whatever it is now.
            self.now.fd = Some(number);
            self.remove_fd(call.event.tid, number);
        }
    }

    fn duplicate_of_other(&mut self, call: &Call<'_>, result: Option<i64>) {
        let Some(number) = result.filter(|fd| *fd >= 0) else { return };
        // The name of a file descriptor of a process is the id of that process.
        let other = call.int("pid_fd").and_then(|fd| self.fd_of(call.event.tid, fd)).map(|fd| fd.name.clone());
        let pid =
            other.and_then(|name| std::str::from_utf8(&name).ok()?.rsplit(':').next()?.trim().parse::<i64>().ok());
        let target = pid.zip(call.int("target_fd"));
        let fd = target.and_then(|(pid, target)| self.fd_of(pid, target)).map(|fd| Fd { number, ..(**fd).clone() });
        self.made(call, fd.unwrap_or(Fd { number, ..Fd::default() }));
    }

    /// `getsockopt(SO_ERROR)` tells how a connection that was pending came out.
    fn get_option(&mut self, call: &Call<'_>) {
        let Some((tid, Some(mut fd))) = self.present(call) else { return };
        if !fd.pending || call.int("optname") != Some(SO_ERROR) || !call.succeeded() {
            return;
        }
        let error = call.param("val").and_then(|val| val.dynamic_int()).unwrap_or_default();
        fd.pending = false;
        fd.connected = error == 0;
        self.set_fd(tid, fd);
    }

    /// Datagrams name the other end.
    fn transfer(&mut self, call: &Call<'_>, role: Role) {
        if call.result().is_none_or(|result| result < 0) {
            return;
        }
        let Some(tuple) = call.param("tuple").and_then(|param| param.tuple()) else { return };
        let Some((tid, Some(mut fd))) = self.present(call) else { return };
        if !fd.kind.is_inet() || fd.transport == Transport::Tcp {
            return;
        }
        let Tuple::Inet(from, from_port, to, to_port) = tuple else { return };
        let (from, to) = plain_ends(from, to);
        if fd.role != Role::None && fd.ends == Some((Some((to, to_port)), (from, from_port))) {
            // An answer, on its way back.
            return;
        }
        let before = fd.name.clone();
        fd.connect(from, from_port, to, to_port);
        if fd.role == Role::None {
            fd.role = role;
        }
        self.now.renamed = before != fd.name;
        self.set_fd(tid, fd);
    }

    /// The file that the event is about.
    fn present(&self, call: &Call<'_>) -> Option<(i64, Option<Fd>)> {
        let tid = call.event.tid;
        Some((tid, self.fd_of(tid, self.now.fd?).map(|fd| (**fd).clone())))
    }
}

/// Whether the files of a thread can be changed, and `wanted` bytes more noted. Where that would take too much they are
/// all forgotten: what another shares with it must not be changed, and what is not changed would be wrong.
fn has_room(owner: &mut Thread, wanted: usize, meter: &Meter, most: usize) -> bool {
    let shared = Arc::get_mut(&mut owner.files).is_none();
    let copied = if shared { owner.files.size() } else { 0 };
    // A table doubles when it is full.
    let grown = if owner.files.len() == owner.files.capacity() { owner.files.size().max(128) } else { 0 };
    if meter.bytes() + copied + if wanted > 0 { grown + wanted } else { 0 } <= most {
        return true;
    }
    owner.unnoted = true;
    owner.files = FdTable::default();
    false
}

/// `SO_ERROR`, as recorders number it.
const SO_ERROR: i64 = 4;

fn set_tuple(fd: &mut Fd, tuple: &Tuple<'_>) {
    match tuple {
        Tuple::Inet(from, from_port, to, to_port) => fd.connect(*from, *from_port, *to, *to_port),
        Tuple::Unix(from, to, path) => {
            fd.kind = FdKind::Unix;
            fd.name = unix_name(*from, *to, path);
        }
    }
}

/// How recorders call a connection on one machine.
pub(crate) fn unix_name(from: u64, to: u64, path: &[u8]) -> Vec<u8> {
    let mut name = format!("{from:x}->{to:x}").into_bytes();
    if !path.is_empty() {
        name.push(b' ');
        name.extend_from_slice(path);
    }
    name
}

fn socket_kind(domain: Option<i64>, kind: Option<i64>, protocol: Option<i64>) -> (FdKind, Transport) {
    let of_inet = || match (kind.map(|kind| kind & 0xff), protocol) {
        (_, Some(PROTO_ICMP | 58)) => Transport::Icmp,
        (Some(1), _) => Transport::Tcp,
        (Some(2), _) => Transport::Udp,
        (Some(3), _) => Transport::Raw,
        _ => Transport::Unknown,
    };
    match domain {
        Some(1) => (FdKind::Unix, Transport::Unknown),
        Some(2) => (FdKind::Ipv4, of_inet()),
        Some(10) => (FdKind::Ipv6, of_inet()),
        Some(16) => (FdKind::Netlink, Transport::Unknown),
        _ => (FdKind::Unknown, Transport::Unknown),
    }
}

/// What calls make that return a descriptor of one kind.
fn simple(code: E) -> Option<FdKind> {
    Some(match code {
        E::EVENTFD_X | E::EVENTFD2_X => FdKind::Event,
        E::SIGNALFD_X | E::SIGNALFD4_X => FdKind::Signal,
        E::TIMERFD_CREATE_X => FdKind::Timer,
        E::INOTIFY_INIT_X | E::INOTIFY_INIT1_X => FdKind::Inotify,
        E::EPOLL_CREATE_X | E::EPOLL_CREATE1_X => FdKind::EventPoll,
        E::USERFAULTFD_X => FdKind::UserFault,
        E::BPF_2_X => FdKind::Bpf,
        E::IO_URING_SETUP_X => FdKind::IoUring,
        E::MEMFD_CREATE_X => FdKind::Memfd,
        E::PIDFD_OPEN_X => FdKind::Pidfd,
        _ => return None,
    })
}

/// A name for what was asked of by a call that failed.
pub(crate) fn param_name(param: &Param<'_>) -> Vec<u8> {
    match param.tuple() {
        Some(Tuple::Inet(from, from_port, to, to_port)) => super::tuple_name(from, from_port, to, to_port),
        Some(Tuple::Unix(from, to, path)) => unix_name(from, to, path),
        None => param.text().unwrap_or_default().to_vec(),
    }
}
