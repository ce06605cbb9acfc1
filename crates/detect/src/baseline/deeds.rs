//! What an event says that a container does.

use super::LONGEST;
use crate::Demand;
use crate::Selection;
use crate::load::{File, Settings, load};
use sekisho_base::Limits;
use sekisho_model::{BaselineKind, CallDeed, Deed, Direction, FileDeed, PeerDeed, PortDeed, ProcessDeed};
use sekisho_trace::event::{EventInfo, Origin};
use sekisho_trace::field::{Facts, Scalar, Unknown, Value};
use sekisho_trace::state::{FdKind, Program, State, Thread, Transport};
use sekisho_trace::{EventCode as E, Field, SyscallFacts};
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

/// What is asked of a host so that all of it is told but calls: conditions of rules, from which it follows what the
/// kernel may leave out.
const DEMANDS: &str = r"
- rule: Programs
  desc: Programs that are run, and users that change.
  condition: evt.type in (execve, execveat, setuid, setresuid, setreuid)
  output: o
  priority: DEBUG
- rule: Files
  desc: Files that are written, made or put in place.
  condition: >-
    (evt.type in (open, openat, openat2, creat, open_by_handle_at) and evt.is_open_write = true and fd.num >= 0)
    or evt.type in (rename, renameat, renameat2, link, linkat, symlink, symlinkat, mknod, mknodat)
  output: o
  priority: DEBUG
- rule: Connections
  desc: Ports that are listened on, and who is talked to.
  condition: evt.type in (listen, bind, connect, accept, accept4, sendto, sendmsg)
  output: o
  priority: DEBUG
";

/// What of a host's events baselines are learned from and compared with. All calls are not among it.
pub fn demand() -> Demand {
    let loaded = load(&[File { name: "baselines", text: DEMANDS }], &Settings::default(), &Limits::default());
    let rules = loaded.rules.unwrap_or_default();
    Demand::of(&rules, &Selection::default(), &|_| false)
}

/// What came of looking at an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sight {
    /// This was done.
    Did(Deed),
    /// This program is there; who began it is not certain any more.
    Runs(ProcessDeed),
    /// Something of this kind was done, and it cannot be told what.
    Unknown(BaselineKind, Unknown),
}

/// What is asked of events.
#[derive(Debug)]
pub(super) struct Questions {
    written: Option<Field>,
    name: Option<Field>,
    made: Option<Field>,
    target: Option<Field>,
    remote: Option<Field>,
    remote_port: Option<Field>,
    local_port: Option<Field>,
    is_server: Option<Field>,
}

impl Questions {
    pub(super) fn new() -> Self {
        let field = |name: &str| Field::parse(name).ok();
        Self {
            written: field("evt.is_open_write"),
            name: field("fd.name"),
            made: field("fs.path.name"),
            target: field("fs.path.target"),
            remote: field("fd.rip"),
            remote_port: field("fd.rport"),
            local_port: field("fd.lport"),
            is_server: field("fd.is_server"),
        }
    }

    /// Tells `to` what an event says, but for the call that it is of.
    pub(super) fn ask(&self, facts: &SyscallFacts<'_>, to: &mut Vec<Sight>) {
        let event = facts.event();
        if event.is_enter() {
            return;
        }
        let result = event.param(0).and_then(|param| param.int());
        let done = result.is_some_and(|result| result >= 0);
        match event.code {
            code if code.is_exec() && done => {
                if let Some(thread) = facts.thread() {
                    to.push(program(facts.state(), thread, |program| Sight::Did(Deed::Processes(program))));
                }
            }
            E::SETUID_X | E::SETRESUID_X | E::SETREUID_X if done => {
                if let Some(thread) = facts.thread() {
                    to.push(program(facts.state(), thread, Sight::Runs));
                }
            }
            E::OPEN_X | E::CREAT_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X if done => {
                let kind = facts.fd().map(|fd| fd.kind);
                if is(facts, self.written.as_ref()) && kind.is_none_or(|kind| kind == FdKind::File) {
                    to.extend(file(facts, self.name.as_ref()));
                }
            }
            E::RENAME_X
            | E::RENAMEAT_X
            | E::RENAMEAT2_X
            | E::LINK_X
            | E::LINK_2_X
            | E::LINKAT_X
            | E::LINKAT_2_X
            | E::SYMLINK_X
            | E::SYMLINKAT_X
                if done =>
            {
                to.extend(file(facts, self.target.as_ref()));
            }
            E::MKNOD_X | E::MKNODAT_X if done => to.extend(file(facts, self.made.as_ref())),
            E::LISTEN_X if done => to.extend(port(facts, "tcp")),
            E::BIND_X if done && facts.fd().is_some_and(|fd| fd.transport == Transport::Udp) => {
                to.extend(port(facts, "udp"));
            }
            // What does not wait is begun when the call says that it is in progress.
            E::CONNECT_X if done || result == Some(-115) => to.extend(self.peer(facts, Some(Direction::Out))),
            E::ACCEPT_X | E::ACCEPT_5_X | E::ACCEPT4_X | E::ACCEPT4_5_X | E::ACCEPT4_6_X if done => {
                to.extend(self.peer(facts, Some(Direction::In)));
            }
            E::SENDTO_X | E::SENDMSG_X if facts.fd().is_some_and(|fd| fd.transport == Transport::Udp) => {
                to.extend(self.peer(facts, None));
            }
            _ => {}
        }
    }

    /// Whom a socket is connected to; for a datagram, whom it goes to.
    fn peer(&self, facts: &SyscallFacts<'_>, direction: Option<Direction>) -> Option<Sight> {
        let fd = match facts.fd() {
            // A family of sockets without addresses.
            Some(fd) if !fd.kind.is_inet() => return None,
            Some(fd) => fd,
            None => return Some(Sight::Unknown(BaselineKind::Peers, Unknown::File)),
        };
        let server = is(facts, self.is_server.as_ref());
        let direction = direction.unwrap_or(if server { Direction::In } else { Direction::Out });
        let port = match direction {
            Direction::In => &self.local_port,
            Direction::Out => &self.remote_port,
        };
        let of = |field: &Option<Field>| field.as_ref().map_or(Value::Absent, |field| facts.value(field));
        match (of(&self.remote), of(port)) {
            (Value::One(Scalar::Ip(address)), Value::One(Scalar::Uint(port))) => {
                let protocol = fd.transport.name().unwrap_or("ip").to_owned();
                let port = u16::try_from(port).ok()?;
                Some(Sight::Did(Deed::Peers(PeerDeed { direction, protocol, port, address: Some(plain(address)) })))
            }
            (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Some(Sight::Unknown(BaselineKind::Peers, why)),
            // Which end is whose is not known: the addresses were told, and the role was not.
            _ if fd.ends.is_some() => Some(Sight::Unknown(BaselineKind::Peers, Unknown::NotRecorded)),
            _ => None,
        }
    }
}

/// Addresses of IPv4 in IPv6 are those of IPv4.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn is(facts: &SyscallFacts<'_>, field: Option<&Field>) -> bool {
    field.is_some_and(|field| facts.value(field) == Value::bool(true))
}

fn file(facts: &SyscallFacts<'_>, field: Option<&Field>) -> Option<Sight> {
    match facts.value(field?) {
        Value::One(Scalar::Text(path)) if path.first() == Some(&b'/') => {
            Some(Sight::Did(Deed::Files(FileDeed { path: generic(&text(&path)), beneath: false })))
        }
        Value::Unknown(why) => Some(Sight::Unknown(BaselineKind::Files, why)),
        // Files without a place: pipes, sockets, those in memory.
        _ => None,
    }
}

fn port(facts: &SyscallFacts<'_>, protocol: &str) -> Option<Sight> {
    let Some(fd) = facts.fd() else { return Some(Sight::Unknown(BaselineKind::Ports, Unknown::File)) };
    if !fd.kind.is_inet() {
        return None;
    }
    // Whoever waits has only one end, and a socket that nobody bound has none yet.
    let Some((None, (_, port))) = fd.ends else {
        return (protocol == "tcp").then_some(Sight::Unknown(BaselineKind::Ports, Unknown::NotRecorded));
    };
    // Datagrams that are sent from any port are bound to none.
    let protocol = protocol.to_owned();
    (port != 0 || protocol == "tcp").then_some(Sight::Did(Deed::Ports(PortDeed { protocol, port })))
}

/// What is to be said of the program of a process. Of one whose path nobody recorded only what it calls itself is known, and
/// anybody can call himself anything.
pub(super) fn program(state: &State, thread: &Thread, say: impl FnOnce(ProcessDeed) -> Sight) -> Sight {
    process(state, thread).map_or(Sight::Unknown(BaselineKind::Processes, Unknown::NotRecorded), say)
}

/// The program of a process, if the paths are known.
pub(super) fn process(state: &State, thread: &Thread) -> Option<ProcessDeed> {
    let container = thread.container();
    // A process that was copied runs what began the one it was copied from.
    let ancestors = state.ancestors(thread).take_while(|ancestor| ancestor.container() == container);
    let parent = ancestors
        .take_while(|ancestor| !ancestor.came_from_outside())
        .find(|ancestor| !Arc::ptr_eq(&ancestor.program, &thread.program));
    let parent = match parent {
        Some(parent) => Some(path(&parent.program)?),
        None => None,
    };
    Some(ProcessDeed { path: path(&thread.program)?, parent, uid: thread.uid.filter(|uid| *uid != u32::MAX) })
}

fn path(program: &Program) -> Option<String> {
    program.exepath.as_deref().filter(|path| path.first() == Some(&b'/')).map(text)
}

/// Bytes as text, each text from only one: what is none is written `\xNN`, and a backslash as two.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' {
                text.push('\\');
            }
            text.push(letter);
        }
        for byte in chunk.invalid() {
            // Writing into a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The bytes that a text was made of.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let number = escape.strip_prefix('x').and_then(|digits| digits.get(..2));
        if let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &escape[3..];
        } else {
            bytes.push(b'\\');
            rest = escape.strip_prefix('\\').unwrap_or(escape);
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Paths below `/proc` have the number of a process, which is another each time.
fn generic(path: &str) -> String {
    let Some(rest) = path.strip_prefix("/proc/") else { return path.to_owned() };
    let mut parts: Vec<&str> = rest.split('/').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let of_task = parts.get(1) == Some(&"task");
    for (at, part) in parts.iter_mut().enumerate() {
        if is_number(part) && (at == 0 || at == 2 && of_task) {
            *part = "PID";
        }
    }
    format!("/proc/{}", parts.join("/"))
}

/// Whether a deed is none that Linux can do, and is not kept.
pub(super) fn is_absurd(deed: &Deed) -> bool {
    match deed {
        Deed::Processes(ProcessDeed { path, parent, .. }) => {
            path.len() > LONGEST || parent.as_ref().is_some_and(|parent| parent.len() > LONGEST)
        }
        Deed::Files(FileDeed { path, .. }) => path.len() > LONGEST,
        Deed::Ports(_) | Deed::Peers(_) | Deed::Calls(_) => false,
    }
}

/// The call that an event is of, by its name on `x86_64`: some events have an older one, or one of i386.
pub(super) fn call(info: &EventInfo, name: &'static str) -> Option<&'static str> {
    if info.origin != Origin::Syscall {
        return None;
    }
    Some(match name {
        "pread" => "pread64",
        "pwrite" => "pwrite64",
        "prlimit" => "prlimit64",
        "send" => "sendto",
        "recv" => "recvfrom",
        "umount" => "umount2",
        "stat64" => "stat",
        "fstat64" => "fstat",
        "lstat64" => "lstat",
        "llseek" => "lseek",
        "mmap2" => "mmap",
        // A call whose number nobody knows.
        "syscall" | "unknown" => return None,
        name => name,
    })
}

/// A call as a deed.
pub(super) fn call_deed(name: &str) -> Deed {
    Deed::Calls(CallDeed { name: name.to_owned() })
}
