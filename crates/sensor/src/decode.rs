//! From records to events: what the programs told, in the words of `sekisho_trace`.

use crate::calls::{ROWS, Row, Src};
use crate::flags;
use crate::layout::{Call, Exit, FileFacts, Mirror as _, Socket, Task, file_flag, flag, op, tag};
use crate::numbers::{NAMES, UMOUNT_I386};
use crate::record::{Blobs, Body, Broken, Record};
use sekisho_trace::event::{EVENTS, ParamKind, Params};
use sekisho_trace::state::{Descriptor, Fd, FdKind, Role, Transport, UNTOLD};
use sekisho_trace::{Event, EventCode as E};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
const SOCK_RAW: u16 = 3;
const IPPROTO_ICMP: u16 = 1;
const IPPROTO_ICMPV6: u16 = 58;
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFCHR: u32 = 0o020_000;
const S_IFBLK: u32 = 0o060_000;
/// `CAP_DAC_OVERRIDE`.
const OVERRIDE: u64 = 1 << 1;

/// What is known of an event beside what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The process, which events name by one of its threads only.
    pub pid: u32,
    /// When, nanoseconds since the machine was started.
    pub at: u64,
    /// Id of the cgroup that it happened in; see [`crate::Cgroups`].
    pub cgroup: u64,
    /// Of arguments, the environment, a path or a buffer only the beginning is told.
    pub cut: bool,
    /// Something that it should say could not be read, or had no room: the parameter is empty.
    pub incomplete: bool,
    /// The call was made with the numbers of i386 or of x32. The event has its name as `x86_64` has it.
    pub foreign: bool,
}

/// An event, what is known of it, and what the descriptors stand for that it names and did not make.
pub type Decoded<'a> = (Event<'a>, Told, &'a [Descriptor]);

/// Makes events of records, in one buffer: an event is gone when the next one comes.
#[derive(Debug)]
pub struct Decoder {
    /// Rows by number of `x86_64`.
    rows: Vec<Option<&'static Row>>,
    /// What recorders number the calls, by the same.
    ids: Vec<u16>,
    /// Nanoseconds between booting and 1970: what is added to the time of records.
    pub(crate) boot: u64,
    number: u64,
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// What the descriptors stand for that the event names and did not make: none, or nobody can say.
    files: Vec<Descriptor>,
}

impl Decoder {
    /// For a machine that was started at this moment, in nanoseconds since 1970.
    pub fn new(boot: u64) -> Self {
        let rows = NAMES.iter().map(|name| ROWS.iter().find(|row| row.name == *name)).collect();
        Self { rows, ids: recorder_ids(), boot, number: 0, ends: Vec::new(), bytes: Vec::new(), files: Vec::new() }
    }

    /// The event in the bytes of one place in a ring; `None` if they tell of something else. `cgroups` is what a new
    /// process is to have as such: `controller=path`, each ended by a zero byte.
    pub fn decode(&mut self, bytes: &[u8], cgroups: &[u8]) -> Result<Option<Decoded<'_>>, Broken> {
        Ok(self.event(&Record::parse(bytes)?, cgroups))
    }

    /// The event that a record tells; `None` if it tells of something else. `cgroups` is what `cgroups` of new
    /// processes is to say.
    pub(crate) fn event(&mut self, record: &Record<'_>, cgroups: &[u8]) -> Option<Decoded<'_>> {
        self.ends.clear();
        self.bytes.clear();
        self.files.clear();
        let header = &record.header;
        let (code, tid) = match &record.body {
            Body::Call(call) => (self.call(call, record)?, header.tid),
            Body::Exec(task) => (self.exec(task, &record.blobs, cgroups), task.tid),
            Body::Fork(task) => (self.fork(task, &record.blobs, cgroups), task.tid),
            Body::Exit(exit) => (self.exit(exit), header.tid),
            Body::Cgroup(_) => return None,
        };
        self.number += 1;
        let event = Event {
            number: self.number,
            time: header.time.wrapping_add(self.boot),
            cpu: header.cpu as u16,
            tid: i64::from(tid),
            code,
            params: Params::new(&self.ends, &self.bytes)?,
        };
        let told = Told {
            pid: header.pid,
            at: header.time,
            cgroup: header.cgroup,
            cut: record.blobs.any_cut(),
            incomplete: header.flags & (flag::UNREADABLE | flag::OVERFULL) != 0,
            foreign: header.flags & (flag::I386 | flag::X32) != 0,
        };
        Some((event, told, &self.files))
    }

    /// The event of a loss, `drop`, at a moment since boot.
    pub(crate) fn loss(&mut self, time: u64, cpu: u32) -> Event<'_> {
        self.ends.clear();
        self.bytes.clear();
        self.number(0, 4);
        self.number += 1;
        let params = Params::new(&self.ends, &self.bytes).unwrap_or_default();
        Event {
            number: self.number,
            time: time.wrapping_add(self.boot),
            cpu: cpu as u16,
            tid: 0,
            code: E::DROP_E,
            params,
        }
    }

    fn end(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.end();
    }

    /// A text: with a zero byte at its end, so that an empty one is not taken for none.
    fn text(&mut self, text: Option<&[u8]>) {
        if let Some(text) = text {
            self.bytes.extend_from_slice(text);
            self.bytes.push(0);
        }
        self.end();
    }

    fn number(&mut self, value: u64, width: usize) {
        self.bytes.extend_from_slice(value.to_le_bytes().get(..width).unwrap_or_default());
        self.end();
    }

    /// A number as wide as parameters of this kind are.
    fn of_kind(&mut self, value: u64, kind: ParamKind) {
        match kind {
            // These are 32 bits wide in the kernel, and their sign counts.
            ParamKind::Fd | ParamKind::Pid => self.number(i64::from(value as i32).cast_unsigned(), 8),
            _ => self.number(value, width(kind)),
        }
    }

    fn call(&mut self, call: &Call, record: &Record<'_>) -> Option<E> {
        let number = usize::from(record.header.kind);
        let i386 = record.header.flags & flag::I386 != 0;
        let Some(row) = self.rows.get(number).copied().flatten() else {
            self.number(u64::from(*self.ids.get(number)?), 2);
            self.number(call.native, 2);
            return Some(E::GENERIC_X);
        };
        if i386 && call.native == UMOUNT_I386 {
            self.number(call.ret.cast_unsigned(), 8);
            self.text(record.blobs.whole(0));
            return Some(E::UMOUNT_1_X);
        }
        let kinds = EVENTS.get(usize::from(row.code.0))?.params;
        let facts = Facts {
            call,
            blobs: &record.blobs,
            file: record.blobs.get(tag::FILE).and_then(|bytes| FileFacts::read(bytes)).map(|(file, _)| file),
            socket: record.blobs.get(tag::SOCKET).and_then(|bytes| Socket::read(bytes)).map(|(socket, _)| socket),
        };
        for (src, info) in row.params.iter().zip(kinds) {
            self.param(*src, info.kind, &facts, row.code);
        }
        let plan = row.plan();
        let number = |at: u8| call.args.get(usize::from(at)).map(|fd| i64::from(*fd as i32)).filter(|fd| *fd >= 0);
        if let Some(number) = number(plan.fd) {
            self.files.push(Descriptor { number, file: facts.descriptor(number) });
        }
        if let Some(number) = number(plan.other).filter(|_| plan.ops & op::OPEN == 0 || call.ret < 0) {
            let path = facts.blobs.whole(tag::OTHER);
            let file = path.map(|path| Fd { number, kind: FdKind::Directory, name: path.to_vec(), ..Fd::default() });
            self.files.push(Descriptor { number, file });
        }
        Some(row.code)
    }

    fn param(&mut self, src: Src, kind: ParamKind, facts: &Facts<'_>, code: E) {
        let arg = |at: u8| facts.call.args.get(usize::from(at)).copied().unwrap_or_default();
        let word = |at: u8, width: u8| {
            let bytes = facts.blobs.whole(tag::STRUCT)?.get(usize::from(at)..usize::from(at + width))?;
            Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
        };
        let backlog = facts.socket.map(|socket| (u64::from(socket.backlog), u64::from(socket.max_backlog)));
        let value = match src {
            Src::Ret => Some(facts.call.ret.cast_unsigned()),
            Src::Arg(at) => Some(arg(at)),
            Src::Via(at, convert) => Some(convert(arg(at))),
            Src::Opened(at) => Some(flags::open(arg(at)) | facts.opened()),
            Src::Stated => word(0, 8).map(|value| flags::open(value) | facts.opened()),
            Src::Mode(flags, mode) => Some(if arg(flags) & flags::MAKES == 0 { 0 } else { arg(mode) }),
            Src::Created => {
                Some(facts.file.map_or(0, |file| u64::from(file.flags & (file_flag::UPPER | file_flag::LOWER))))
            }
            Src::Dev => facts.file.map(|file| u64::from(flags::device(file.dev))),
            Src::Ino => facts.file.map(|file| file.ino),
            Src::Word(at, width) => word(at, width),
            Src::WordVia(at, width, convert) => word(at, width).map(convert),
            Src::QueueLen => backlog.map(|(there, _)| there),
            Src::QueueMax => backlog.map(|(_, most)| most),
            Src::QueuePart => backlog.map(|(there, most)| (there * 100).checked_div(most).unwrap_or_default()),
            Src::Text(at) => return self.text(facts.blobs.whole(u16::from(at))),
            Src::Path => return self.text(facts.path().as_deref()),
            Src::Data => return self.put(facts.blobs.get(tag::DATA).unwrap_or_default()),
            Src::Address => {
                let ends = facts.blobs.whole(tag::ADDRESS).and_then(End::of_sockaddr);
                if let Some(end) = ends {
                    self.address(&end);
                }
                return self.end();
            }
            Src::Tuple => return self.tuple(facts, code),
            Src::Null => None,
        };
        match value {
            Some(value) => self.of_kind(value, kind),
            None => self.end(),
        }
    }

    fn address(&mut self, end: &End<'_>) {
        match end {
            End::Inet(IpAddr::V4(ip), port) => {
                self.bytes.push(AF_INET as u8);
                self.bytes.extend_from_slice(&ip.octets());
                self.bytes.extend_from_slice(&port.to_le_bytes());
            }
            End::Inet(IpAddr::V6(ip), port) => {
                self.bytes.push(AF_INET6 as u8);
                self.bytes.extend_from_slice(&ip.octets());
                self.bytes.extend_from_slice(&port.to_le_bytes());
            }
            End::Unix(path) => {
                self.bytes.push(AF_UNIX as u8);
                self.path(path);
            }
        }
    }

    /// The path of a Unix socket; an abstract one, which begins with a zero byte, with an at sign instead.
    fn path(&mut self, path: &[u8]) {
        match path {
            [] => {}
            [0, name @ ..] => {
                self.bytes.push(b'@');
                self.bytes.extend(name.iter().take_while(|byte| **byte != 0));
            }
            name => self.bytes.extend(name.iter().take_while(|byte| **byte != 0)),
        }
        self.bytes.push(0);
    }

    /// Both ends: whoever sends first.
    fn tuple(&mut self, facts: &Facts<'_>, code: E) {
        let inbound = matches!(code, E::ACCEPT_5_X | E::ACCEPT4_6_X | E::RECVFROM_X | E::RECVMSG_X | E::RECVMMSG_X);
        if let Some(socket) = &facts.socket {
            let passed = facts.blobs.whole(tag::ADDRESS).and_then(End::of_sockaddr);
            match socket.family {
                AF_UNIX => {
                    let local = facts.blobs.get(tag::LOCAL).unwrap_or_default();
                    let remote = match (facts.blobs.get(tag::REMOTE), &passed) {
                        (Some(path), _) => path,
                        (None, Some(End::Unix(path))) => path,
                        _ => &[][..],
                    };
                    self.bytes.push(AF_UNIX as u8);
                    let (from, to) = if inbound { (socket.peer, socket.self_) } else { (socket.self_, socket.peer) };
                    self.bytes.extend_from_slice(&from.to_le_bytes());
                    self.bytes.extend_from_slice(&to.to_le_bytes());
                    self.path(if inbound || remote.is_empty() && passed.is_none() { local } else { remote });
                }
                AF_INET | AF_INET6 => {
                    let local = (ip(socket.local, socket.family), socket.local_port);
                    let mut remote = (ip(socket.remote, socket.family), socket.remote_port);
                    if let (true, Some(End::Inet(ip, port))) = (remote.0.is_unspecified() || remote.1 == 0, passed) {
                        match (local.0, ip) {
                            // Sockets of IPv6 take addresses of IPv4 as well.
                            (IpAddr::V6(_), IpAddr::V4(ip)) => remote = (ip.to_ipv6_mapped().into(), port),
                            (IpAddr::V4(_), IpAddr::V6(_)) => {}
                            _ => remote = (ip, port),
                        }
                    }
                    let (from, to) = if inbound { (remote, local) } else { (local, remote) };
                    self.bytes.push(socket.family as u8);
                    for (ip, port) in [from, to] {
                        match ip {
                            IpAddr::V4(ip) => self.bytes.extend_from_slice(&ip.octets()),
                            IpAddr::V6(ip) => self.bytes.extend_from_slice(&ip.octets()),
                        }
                        self.bytes.extend_from_slice(&port.to_le_bytes());
                    }
                }
                _ => {}
            }
        }
        self.end();
    }

    /// What execve and clone have in common: from `exe` to `cgroups`. What could not be read has no value.
    fn task(&mut self, task: &Task, blobs: &Blobs<'_>, cwd: Option<&[u8]>, cgroups: &[u8]) {
        let args = blobs.get(tag::ARGS).map(split_zero);
        self.text(args.map(|(exe, _)| exe));
        self.put(args.map_or(&[], |(_, rest)| rest));
        for id in [task.tid, task.pid, task.ppid] {
            self.number(u64::from(id), 8);
        }
        self.text(cwd);
        self.number(task.fdlimit, 8);
        self.number(task.maj_flt, 8);
        self.number(task.min_flt, 8);
        self.number(task.vm_kib, 4);
        // Resident and swapped memory.
        self.end();
        self.end();
        self.text(Some(split_zero(&task.comm).0).filter(|comm| !comm.is_empty()));
        self.put(cgroups);
    }

    fn exec(&mut self, task: &Task, blobs: &Blobs<'_>, cgroups: &[u8]) -> E {
        let file = blobs.get(tag::FILE).and_then(|bytes| FileFacts::read(bytes)).map(|(file, _)| file);
        self.number(0, 8);
        // Without a value it would be the directory that was known before.
        let cwd = path(blobs, tag::CWD).unwrap_or(Cow::Borrowed(UNTOLD));
        self.task(task, blobs, Some(&cwd), cgroups);
        self.put(blobs.get(tag::ENV).unwrap_or(UNTOLD));
        self.number(u64::from(task.tty), 4);
        self.number(u64::from(task.vpgid), 8);
        self.number(u64::from(task.loginuid), 4);
        let path = path(blobs, tag::EXE).unwrap_or(Cow::Borrowed(UNTOLD));
        let memfd = file.is_some_and(|file| file.flags & file_flag::DETACHED != 0) && path.starts_with(b"/memfd:");
        self.number(file.map_or(0, |file| exec_flags(task, &file, memfd)), 4);
        self.number(task.cap_inheritable, 8);
        self.number(task.cap_permitted, 8);
        self.number(task.cap_effective, 8);
        if let Some(file) = file {
            self.number(file.ino, 8);
            self.number(file.ctime, 8);
            self.number(file.mtime, 8);
        } else {
            self.end();
            self.end();
            self.end();
        }
        self.number(u64::from(task.uid), 4);
        self.text(path.get(usize::from(memfd)..));
        self.number(u64::from(task.pgid), 8);
        self.number(u64::from(task.gid), 4);
        self.text(blobs.whole(tag::FILENAME));
        E::EXECVE_19_X
    }

    /// What a child says of itself.
    fn fork(&mut self, task: &Task, blobs: &Blobs<'_>, cgroups: &[u8]) -> E {
        self.number(0, 8);
        // Its directory is its parent's.
        self.task(task, blobs, None, cgroups);
        self.number(flags::clone(u64::from(task.clone)), 4);
        self.number(u64::from(task.uid), 4);
        self.number(u64::from(task.gid), 4);
        self.number(u64::from(task.vtid), 8);
        self.number(u64::from(task.vpid), 8);
        self.number(task.namespace_start.wrapping_add(self.boot), 8);
        E::CLONE_20_X
    }

    fn exit(&mut self, exit: &Exit) -> E {
        let code = exit.code.cast_unsigned();
        self.number(code, 8);
        self.number(code >> 8 & 0xff, 8);
        self.number(code & 0x7f, 1);
        self.number(u64::from(code & 0x80 != 0), 1);
        self.number(u64::from(exit.reaper), 8);
        E::PROCEXIT_1_E
    }
}

/// A path that a record tells; of one that was too long to be walked whole, what stands for its beginning, and its end.
fn path<'a>(blobs: &Blobs<'a>, tag: u16) -> Option<Cow<'a, [u8]>> {
    let path = blobs.get(tag)?;
    Some(if blobs.is_cut(tag) { Cow::Owned([UNTOLD, path].concat()) } else { Cow::Borrowed(path) })
}

/// What a record says of a call.
struct Facts<'a> {
    call: &'a Call,
    blobs: &'a Blobs<'a>,
    file: Option<FileFacts>,
    socket: Option<Socket>,
}

impl<'a> Facts<'a> {
    /// Flags of an open that are only known once it is done.
    fn opened(&self) -> u64 {
        let told = self.file.map_or(0, |file| file.flags);
        let bit = |flag: u32, bit: u64| if told & flag == 0 { 0 } else { bit };
        bit(file_flag::CREATED, flags::opened::CREATED)
            | bit(file_flag::UPPER, flags::opened::UPPER)
            | bit(file_flag::LOWER, flags::opened::LOWER)
    }

    /// The absolute path, where there is one: a file that only a descriptor leads to has none, and of one that was closed at
    /// once it is not known.
    fn path(&self) -> Option<Cow<'a, [u8]>> {
        let detached = self.file.is_some_and(|file| file.flags & file_flag::DETACHED != 0);
        let untold = (self.call.ret >= 0).then_some(Cow::Borrowed(UNTOLD));
        if detached { None } else { path(self.blobs, tag::PATH).or(untold) }
    }
}

impl Facts<'_> {
    /// What is behind the descriptor that the call was given.
    fn descriptor(&self, number: i64) -> Option<Fd> {
        let file = self.file?;
        let mut fd = Fd { number, device: Some(flags::device(file.dev)), inode: Some(file.ino), ..Fd::default() };
        if let Some(socket) = &self.socket {
            self.connection(socket, &mut fd);
            return Some(fd);
        }
        let path = path(self.blobs, tag::PATH).unwrap_or(Cow::Borrowed(UNTOLD));
        let detached = file.flags & file_flag::DETACHED != 0;
        fd.kind = match file.mode & S_IFMT {
            S_IFDIR => FdKind::Directory,
            S_IFIFO => FdKind::Pipe,
            S_IFREG if detached && path.starts_with(b"/memfd:") => FdKind::Memfd,
            S_IFREG | S_IFCHR | S_IFBLK => FdKind::File,
            // What lies in no file system has no type.
            _ => FdKind::Unknown,
        };
        if !detached || fd.kind == FdKind::Memfd {
            fd.name = path.into_owned();
        }
        Some(fd)
    }

    /// What a socket is, and both its ends. Which of them began the connection the kernel does not keep: the one with
    /// the smaller port is taken for the server.
    fn connection(&self, socket: &Socket, fd: &mut Fd) {
        fd.transport = match (socket.protocol, socket.type_) {
            (IPPROTO_ICMP | IPPROTO_ICMPV6, _) => Transport::Icmp,
            (_, SOCK_STREAM) => Transport::Tcp,
            (_, SOCK_DGRAM) => Transport::Udp,
            (_, SOCK_RAW) => Transport::Raw,
            _ => Transport::Unknown,
        };
        match socket.family {
            AF_INET | AF_INET6 => {
                fd.kind = if socket.family == AF_INET { FdKind::Ipv4 } else { FdKind::Ipv6 };
                let local = (ip(socket.local, socket.family), socket.local_port);
                let remote = (ip(socket.remote, socket.family), socket.remote_port);
                if remote.1 != 0 {
                    fd.connected = true;
                    let client = remote.1 < local.1;
                    let (from, to) = if client { (local, remote) } else { (remote, local) };
                    fd.connect(from.0, from.1, to.0, to.1);
                    fd.role = if client { Role::Client } else { Role::Server };
                } else if socket.type_ == SOCK_STREAM && local.1 != 0 {
                    fd.bind(local.0, local.1);
                    fd.role = Role::Server;
                }
            }
            AF_UNIX => {
                fd.kind = FdKind::Unix;
                fd.transport = Transport::Unknown;
                fd.connected = socket.peer != 0;
                let path = self.blobs.get(tag::REMOTE).or_else(|| self.blobs.get(tag::LOCAL));
                fd.name = path.unwrap_or_default().to_vec();
            }
            AF_NETLINK => fd.kind = FdKind::Netlink,
            _ => {}
        }
    }
}

/// One end of a socket.
enum End<'a> {
    Inet(IpAddr, u16),
    /// As the kernel has it: an abstract one begins with a zero byte.
    Unix(&'a [u8]),
}

impl<'a> End<'a> {
    /// As calls are given it; `None` for other families, and for what is too short.
    fn of_sockaddr(bytes: &'a [u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first_chunk::<2>()?;
        let port = || Some(u16::from_be_bytes(*rest.first_chunk()?));
        match u16::from_ne_bytes(*family) {
            AF_UNIX => Some(Self::Unix(rest)),
            AF_INET => {
                let ip: [u8; 4] = *rest.get(2..)?.first_chunk()?;
                Some(Self::Inet(Ipv4Addr::from(ip).into(), port()?))
            }
            AF_INET6 => {
                let ip: [u8; 16] = *rest.get(6..)?.first_chunk()?;
                Some(Self::Inet(Ipv6Addr::from(ip).into(), port()?))
            }
            _ => None,
        }
    }
}

/// An address as records have it: those of IPv4 in the last four bytes.
fn ip(bytes: [u8; 16], family: u16) -> IpAddr {
    match bytes {
        [.., a, b, c, d] if family == AF_INET => Ipv4Addr::new(a, b, c, d).into(),
        bytes => Ipv6Addr::from(bytes).into(),
    }
}

/// What is before the first zero byte, and what is behind it.
fn split_zero(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

fn exec_flags(task: &Task, file: &FileFacts, memfd: bool) -> u64 {
    // By owner, first group and capability; what other groups, lists or a read-only mount say is not looked at.
    let bit = if file.uid == task.uid {
        0o200
    } else if file.gid == task.gid {
        0o020
    } else {
        0o002
    };
    let writable = file.mode & bit != 0 || task.cap_effective & OVERRIDE != 0;
    let flag = |holds: bool, bit: u64| if holds { bit } else { 0 };
    flag(writable, flags::executed::WRITABLE)
        | flag(file.flags & file_flag::UPPER != 0, flags::executed::UPPER)
        | flag(file.flags & file_flag::LOWER != 0, flags::executed::LOWER)
        | flag(memfd, flags::executed::MEMFD)
}

/// Bytes of a number of this kind.
fn width(kind: ParamKind) -> usize {
    use ParamKind::{
        Bool, Enum8, Enum16, Enum32, Flags8, Flags16, Flags32, Gid, Int8, Int16, Int32, Mode, SignalNumber, SignalSet,
        SyscallId, Uid, Uint8, Uint16, Uint32,
    };
    match kind {
        Int8 | Uint8 | Flags8 | Enum8 | SignalNumber => 1,
        Int16 | Uint16 | Flags16 | Enum16 | SyscallId => 2,
        Int32 | Uint32 | Flags32 | Enum32 | Mode | Uid | Gid | Bool | SignalSet => 4,
        _ => 8,
    }
}

/// What recorders number the calls of `x86_64`, 0 for what they have no number for. The table of their names is behind
/// the events that bear them.
fn recorder_ids() -> Vec<u16> {
    const MOST: u16 = 1024;
    let mut by_name = hashbrown::HashMap::new();
    for id in 0..MOST {
        let bytes = [id.to_le_bytes(), [0; 2]].concat();
        let params = Params::new(&[2, 4], &bytes).unwrap_or_default();
        let name = Event { number: 0, time: 0, cpu: 0, tid: 0, code: E::GENERIC_X, params }.name();
        by_name.entry(name).or_insert(id);
    }
    NAMES.iter().map(|name| by_name.get(name).copied().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests;
