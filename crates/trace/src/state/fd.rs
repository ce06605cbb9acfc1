//! Open files: what a file descriptor is and what it is called.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

/// What a file descriptor stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are those of Falco's fd.type")]
pub enum FdKind {
    #[default]
    Unknown,
    File,
    Directory,
    Ipv4,
    Ipv6,
    /// A socket that takes connections.
    Ipv4Server,
    /// The same.
    Ipv6Server,
    Pipe,
    Unix,
    Event,
    /// Something that the recorder has no word for.
    Unsupported,
    Signal,
    EventPoll,
    Inotify,
    Timer,
    Netlink,
    Bpf,
    UserFault,
    IoUring,
    Memfd,
    Pidfd,
}

impl FdKind {
    /// The kind by its number in captures, for those that have a name and nothing else.
    pub(crate) fn of_capture(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::File,
            2 => Self::Directory,
            7 => Self::Pipe,
            9 => Self::Event,
            10 => Self::Unsupported,
            11 => Self::Signal,
            12 => Self::EventPoll,
            13 => Self::Inotify,
            14 => Self::Timer,
            15 => Self::Netlink,
            17 => Self::Bpf,
            18 => Self::UserFault,
            19 => Self::IoUring,
            20 => Self::Memfd,
            21 => Self::Pidfd,
            _ => return None,
        })
    }

    /// The number of the kind in captures.
    pub(crate) fn in_capture(self) -> u8 {
        (0..=u8::MAX).find(|number| Self::of_capture(*number) == Some(self)).unwrap_or(10)
    }

    /// `fd.type`.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => return None,
            Self::File => "file",
            Self::Directory => "directory",
            Self::Ipv4 | Self::Ipv4Server => "ipv4",
            Self::Ipv6 | Self::Ipv6Server => "ipv6",
            Self::Pipe => "pipe",
            Self::Unix => "unix",
            Self::Event => "event",
            Self::Unsupported => "unsupported",
            Self::Signal => "signalfd",
            Self::EventPoll => "eventpoll",
            Self::Inotify => "inotify",
            Self::Timer => "timerfd",
            Self::Netlink => "netlink",
            Self::Bpf => "bpf",
            Self::UserFault => "userfaultfd",
            Self::IoUring => "io_uring",
            Self::Memfd => "memfd",
            Self::Pidfd => "pidfd",
        })
    }

    /// `fd.typechar`.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Unknown | Self::Unsupported => "o",
            Self::File => "f",
            Self::Directory => "d",
            Self::Ipv4 | Self::Ipv4Server => "4",
            Self::Ipv6 | Self::Ipv6Server => "6",
            Self::Pipe => "p",
            Self::Unix => "u",
            Self::Event => "e",
            Self::Signal => "s",
            Self::EventPoll => "l",
            Self::Inotify => "i",
            Self::Timer => "t",
            Self::Netlink => "n",
            Self::Bpf => "b",
            Self::UserFault => "x",
            Self::IoUring => "r",
            Self::Memfd => "m",
            Self::Pidfd => "P",
        }
    }

    /// Whether it is a socket with addresses and ports.
    pub fn is_inet(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6 | Self::Ipv4Server | Self::Ipv6Server)
    }
}

/// Which end of a connection a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    #[default]
    None,
    Client,
    Server,
}

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Transport {
    #[default]
    Unknown,
    Tcp,
    Udp,
    Icmp,
    Raw,
}

impl Transport {
    /// `fd.l4proto`.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => return None,
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Raw => "raw",
        })
    }
}

/// An address and a port.
pub type End = (IpAddr, u16);

/// An open file of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fd {
    /// The file descriptor.
    pub number: i64,
    /// What it stands for.
    pub kind: FdKind,
    /// `fd.name`: an absolute path, both ends of a connection, or whatever the kernel calls it.
    pub name: Vec<u8>,
    /// The path as the process gave it.
    pub raw_name: Option<Vec<u8>>,
    /// Where from and where to: from is the client, or the local end where that cannot be told. A server that waits has
    /// its own address in the latter only.
    pub ends: Option<(Option<End>, End)>,
    /// Which end the process is.
    pub role: Role,
    /// What carries the connection.
    pub transport: Transport,
    /// Whether there is a connection.
    pub connected: bool,
    /// Whether a connection is being made.
    pub pending: bool,
    /// How it was opened, in the recorder's bits.
    pub flags: Option<u32>,
    /// The device the file is on.
    pub device: Option<u32>,
    /// Its inode.
    pub inode: Option<u64>,
    /// What it takes, once it is noted; whoever tells of a file leaves it.
    pub held: super::Held,
}

/// What a descriptor stands for at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The descriptor.
    pub number: i64,
    /// The file; `None` if there is none, or nobody can say which.
    pub file: Option<Fd>,
}

impl Fd {
    /// How much memory it takes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.name.capacity() + self.raw_name.as_ref().map_or(0, Vec::capacity) + 16
    }

    /// Whether both are one file, with the same ends if it is a connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let both = |fd: &Self| {
            let (from, to) = fd.ends?;
            Some((from.min(Some(to)), from.max(Some(to))))
        };
        (self.inode, self.device) == (other.inode, other.device)
            && if other.kind.is_inet() { both(self) == both(other) } else { self.name == other.name }
    }

    /// Gives a connection its ends, and the name that follows. One of IPv4 over a socket of IPv6 is one of IPv4.
    pub fn connect(&mut self, from: IpAddr, from_port: u16, to: IpAddr, to_port: u16) {
        let (from, to) = plain_ends(from, to);
        self.kind =
            if matches!((from, to), (IpAddr::V6(_), _) | (_, IpAddr::V6(_))) { FdKind::Ipv6 } else { FdKind::Ipv4 };
        self.ends = Some((Some((from, from_port)), (to, to_port)));
        self.name = tuple_name(from, from_port, to, to_port);
    }

    /// Gives a server its address, and the name that follows.
    pub fn bind(&mut self, ip: IpAddr, port: u16) {
        let ip = ip.to_canonical();
        self.kind = if ip.is_ipv6() { FdKind::Ipv6Server } else { FdKind::Ipv4Server };
        self.ends = Some((None, (ip, port)));
        self.name = end_name(ip, port);
    }

    /// What carries the connection, once there is one: `fd.l4proto`.
    pub fn transport(&self) -> Transport {
        let begun = self.role != Role::None || matches!(self.transport, Transport::Raw | Transport::Icmp);
        if begun { self.transport } else { Transport::Unknown }
    }

    /// The client's end.
    pub fn client(&self) -> Option<(IpAddr, u16)> {
        self.ends.and_then(|(from, _)| from).filter(|_| self.role != Role::None)
    }

    /// The server's end.
    pub fn server(&self) -> Option<(IpAddr, u16)> {
        let alone = matches!(self.kind, FdKind::Ipv4Server | FdKind::Ipv6Server);
        self.ends.map(|(_, to)| to).filter(|_| alone || self.role != Role::None)
    }
}

/// Both ends of a connection, as addresses of IPv4 where it is one of IPv4 over a socket of IPv6. An end that has no address yet
/// does not keep the other from being one.
pub(crate) fn plain_ends(from: IpAddr, to: IpAddr) -> (IpAddr, IpAddr) {
    let none = |ip: IpAddr| ip.is_ipv6() && ip.is_unspecified();
    match (from.to_canonical(), to.to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => (from.into(), to.into()),
        (IpAddr::V4(from), _) if none(to) => (from.into(), Ipv4Addr::UNSPECIFIED.into()),
        (_, IpAddr::V4(to)) if none(from) => (Ipv4Addr::UNSPECIFIED.into(), to.into()),
        _ => (from, to),
    }
}

/// `address:port`.
pub(crate) fn end_name(ip: IpAddr, port: u16) -> Vec<u8> {
    format!("{}:{port}", Plain(ip)).into_bytes()
}

/// `address:port->address:port`.
pub(crate) fn tuple_name(from: IpAddr, from_port: u16, to: IpAddr, to_port: u16) -> Vec<u8> {
    let mut name = String::with_capacity(44);
    // Writing into a string does not fail.
    let _ = write!(name, "{}:{from_port}->{}:{to_port}", Plain(from), Plain(to));
    name.into_bytes()
}

/// An address as recorders write it; those of IPv4 in IPv6 with dots.
pub(crate) struct Plain(pub(crate) IpAddr);

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands for the beginning of a path of which nobody knows it, as Falco writes it. No path that is known begins so: those
/// are absolute, or names that the kernel gives.
pub const UNTOLD: &[u8] = b"<UNKNOWN>";

/// Whether of a path at most the end is known.
pub(crate) fn is_untold(path: &[u8]) -> bool {
    path.starts_with(UNTOLD)
}

/// Where `path` leads from the directory `base`: absolute, without `.`, `..`, double slashes or a slash at its end.
pub fn join(base: &[u8], path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(base.len() + path.len() + 1);
    let parts = if path.first() == Some(&b'/') { [path, b""] } else { [base, path] };
    for part in parts.into_iter().flat_map(|part| part.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                let parent = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(parent);
            }
            part => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
        }
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_as_the_kernel_walks_them() {
        let check = |base: &str, path: &str, expect: &str| {
            assert_eq!(String::from_utf8(join(base.as_bytes(), path.as_bytes())).unwrap(), expect, "{base} {path}");
        };
        check("/home/a/", "b", "/home/a/b");
        check("/home/a", "../b", "/home/b");
        check("/home", "/etc//passwd", "/etc/passwd");
        check("/", "../../etc/./x/", "/etc/x");
        check("/", "..", "/");
        check("/home/a", "../../../..", "/");
        check("/a", "", "/a");
    }
}
