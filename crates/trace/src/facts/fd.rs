//! `fd.*`.

use super::evt::is_open;
use super::{SyscallFacts, index, not_here, recorded};
use crate::event::{EventCode as E, Tuple, traits};
use crate::field::{Field, Name, Scalar, Unknown, Value};
use crate::state::{CWD, Fd, FdKind, Role, is_untold, param_name, plain_ends, tuple_name};
use std::net::IpAddr;

impl<'a> SyscallFacts<'a> {
    pub(super) fn file(&self, name: Name, field: &Field) -> Value<'a> {
        let about = traits::CREATES_FD | traits::USES_FD | traits::DESTROYS_FD;
        if name != Name::FdTypes && self.event.info().is_none_or(|info| info.flags & about == 0) {
            return Value::Absent;
        }
        if self.is_unnoted() && !matches!(name, Name::FdNum | Name::FdUid | Name::FdTypes) && !self.says(name) {
            return Value::Unknown(Unknown::File);
        }
        match name {
            Name::FdNum => self.state.fd_number().map_or(Value::Absent, Value::int),
            Name::FdUid => {
                self.state.fd_number().map_or(Value::Absent, |fd| Value::owned(format!("{}{fd}", self.event.tid)))
            }
            Name::FdTypes => self.types(field),
            Name::FdNameraw => self.raw_name(),
            Name::FdName | Name::FdContainername | Name::FdDirectory | Name::FdContainerdirectory
                if self.fd_name().is_some_and(|name| is_untold(name.bytes())) =>
            {
                Value::Unknown(Unknown::Path)
            }
            Name::FdName | Name::FdContainername | Name::FdDirectory | Name::FdContainerdirectory
                if self.fd().is_none() && self.asked_nothing() =>
            {
                Value::Unknown(Unknown::NotRecorded)
            }
            Name::FdName => self.fd_name().map_or(Value::Absent, Text::value),
            Name::FdContainername => self.fd_name().map_or(Value::Absent, |name| self.in_container(&name)),
            Name::FdDirectory => self.fd_directory().map_or(Value::Absent, Value::owned),
            Name::FdContainerdirectory => {
                self.fd_directory().map_or(Value::Absent, |name| self.in_container(&Text::Owned(name)))
            }
            Name::FdTypechar => match self.fd() {
                Some(fd) => Value::text(fd.kind.letter()),
                None => self.letter_of_failed(),
            },
            Name::FdNameChanged => match self.fd() {
                Some(_) => Value::bool(self.state.renamed()),
                None => Value::Absent,
            },
            _ => match self.fd() {
                Some(fd) => of_fd(name, fd),
                None => Value::Absent,
            },
        }
    }

    /// Whether the file that the event is about was not noted, though there is one.
    fn is_unnoted(&self) -> bool {
        let number = self.state.fd_number().filter(|number| *number >= 0);
        number.is_some() && self.fd().is_none() && self.state.has_unnoted_files(self.event.tid)
    }

    /// Whether the event says by itself what is asked of its file.
    fn says(&self, name: Name) -> bool {
        let of_name = matches!(
            name,
            Name::FdName | Name::FdNameraw | Name::FdContainername | Name::FdDirectory | Name::FdContainerdirectory
        );
        of_name && !self.event.is_enter() && is_open(self.event.code)
    }

    /// The name of the file, or, where there is none since the call failed, what was asked for.
    fn fd_name(&self) -> Option<Text<'a>> {
        let failed_connect = self.event.code == E::CONNECT_X && self.returned().is_some_and(|result| result < 0);
        match self.fd() {
            Some(fd) if !failed_connect => Some(Text::Borrowed(&fd.name)),
            _ => self.asked_for(),
        }
    }

    fn asked_for(&self) -> Option<Text<'a>> {
        if self.event.is_enter() {
            return None;
        }
        match self.event.code {
            E::OPEN_X | E::CREAT_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X => {
                let path = self.param_of_either("name").or_else(|| self.param_of_either("path"))?.text()?;
                let directory = self.param_of_either("dirfd").and_then(|fd| fd.int()).unwrap_or(CWD);
                Some(Text::Owned(self.state.absolute(self.event.tid, directory, path)))
            }
            E::CONNECT_X | E::ACCEPT_X | E::ACCEPT_5_X | E::ACCEPT4_X | E::ACCEPT4_5_X | E::ACCEPT4_6_X => {
                let tuple = self.event.param(1);
                Some(Text::Owned(match tuple.and_then(|tuple| tuple.tuple()) {
                    Some(Tuple::Inet(from, from_port, to, to_port)) => {
                        let (from, to) = plain_ends(from, to);
                        tuple_name(from, from_port, to, to_port)
                    }
                    _ => tuple.map(|tuple| param_name(&tuple)).unwrap_or_default(),
                }))
            }
            _ => Some(Text::Borrowed(b"")),
        }
    }

    /// Whether a file was opened, and nobody recorded which was asked for.
    fn asked_nothing(&self) -> bool {
        !self.event.is_enter()
            && is_open(self.event.code)
            && self.param_of_either("name").or_else(|| self.param_of_either("path")).is_none()
    }

    fn raw_name(&self) -> Value<'a> {
        let raw = match self.fd() {
            Some(fd) => fd.raw_name.as_deref().unwrap_or(&fd.name),
            None if is_open(self.event.code) => {
                let asked = self.param_of_either("name").or_else(|| self.param_of_either("path"));
                match asked.and_then(|path| path.text()) {
                    Some(path) => path,
                    None => return Value::Absent,
                }
            }
            None => return Value::Absent,
        };
        // Falco takes out slashes that follow slashes, and nothing else.
        if raw.windows(2).any(|pair| pair == b"//") {
            let mut clean = raw.to_vec();
            clean.dedup_by(|a, b| *a == b'/' && *b == b'/');
            return Value::owned(clean);
        }
        Value::text(raw)
    }

    fn fd_directory(&self) -> Option<Vec<u8>> {
        let (name, is_file) = match self.fd() {
            Some(fd) if fd.kind == FdKind::Directory => (Text::Borrowed(&fd.name), false),
            Some(fd) if fd.kind == FdKind::File => (Text::Borrowed(&fd.name), true),
            Some(_) => return None,
            None => (self.asked_for()?, true),
        };
        let name = name.bytes();
        if !is_file {
            return Some(name.to_vec());
        }
        Some(match name.iter().rposition(|byte| *byte == b'/') {
            Some(0) | None => b"/".to_vec(),
            Some(at) if at + 1 < name.len() => name[..at].to_vec(),
            Some(_) => name.to_vec(),
        })
    }

    fn in_container(&self, name: &Text<'a>) -> Value<'a> {
        let id = self.thread.and_then(|thread| thread.container()).unwrap_or_default();
        Value::owned([id.as_bytes(), b":", name.bytes()].concat())
    }

    /// The letter of what a call would have made that failed.
    fn letter_of_failed(&self) -> Value<'a> {
        Value::text(match self.event.code.exit() {
            E::OPEN_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::CREAT_X => "f",
            E::SOCKET_X | E::ACCEPT_X | E::ACCEPT_5_X | E::ACCEPT4_X | E::ACCEPT4_5_X | E::ACCEPT4_6_X => "4",
            E::PIPE_X | E::PIPE2_X => "p",
            E::EVENTFD_X | E::EVENTFD2_X => "e",
            E::SIGNALFD_X | E::SIGNALFD4_X => "s",
            E::TIMERFD_CREATE_X => "t",
            E::INOTIFY_INIT_X | E::INOTIFY_INIT1_X => "i",
            _ => "o",
        })
    }

    fn types(&self, field: &Field) -> Value<'a> {
        let Some(files) = self.state.files(self.event.tid) else { return Value::Unknown(Unknown::Process) };
        let here = index(field).is_some_and(|fd| i64::try_from(fd).is_ok_and(|fd| files.contains_key(&fd)));
        if !here && self.state.has_unnoted_files(self.event.tid) {
            return Value::Unknown(Unknown::File);
        }
        let mut names: Vec<&'static str> = match index(field) {
            Some(fd) => {
                i64::try_from(fd).ok().and_then(|fd| files.get(&fd)).and_then(|fd| fd.kind.name()).into_iter().collect()
            }
            None => files.values().filter_map(|fd| fd.kind.name()).collect(),
        };
        names.sort_unstable();
        names.dedup();
        Value::list(names.into_iter().map(|name| Scalar::Text(name.as_bytes().into())).collect())
    }
}

fn of_fd(name: Name, fd: &Fd) -> Value<'_> {
    let end = |end: Option<(IpAddr, u16)>| end.map_or(Value::Absent, |(ip, _)| Value::ip(ip));
    let port = |end: Option<(IpAddr, u16)>| end.map_or(Value::Absent, |(_, port)| Value::uint(port));
    let both = || fd.ends.map_or_else(Vec::new, |(from, to)| from.into_iter().chain([to]).collect::<Vec<_>>());
    match name {
        Name::FdType => fd.kind.name().map_or(Value::Absent, Value::text),
        Name::FdFilename if fd.kind == FdKind::File => {
            Value::text(fd.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default())
        }
        Name::FdFilename => Value::Absent,
        Name::FdCip | Name::FdCnet => end(fd.client()),
        Name::FdSip | Name::FdSnet => end(fd.server()),
        Name::FdLip | Name::FdLnet => end(local(fd)),
        Name::FdRip | Name::FdRnet => end(remote(fd)),
        Name::FdCport => port(fd.client()),
        Name::FdSport => port(fd.server()),
        Name::FdLport => port(local(fd)),
        Name::FdRport => port(remote(fd)),
        Name::FdIp | Name::FdNet => Value::list(both().into_iter().map(|(ip, _)| Scalar::Ip(ip)).collect()),
        Name::FdPort => Value::list(both().into_iter().map(|(_, port)| Scalar::Uint(port.into())).collect()),
        Name::FdL4proto => match fd.transport().name() {
            Some(name) => Value::text(name),
            None if fd.kind.is_inet() => Value::text("<NA>"),
            None => Value::Absent,
        },
        Name::FdSockfamily => match fd.kind {
            FdKind::Unix => Value::text("unix"),
            kind if kind.is_inet() => Value::text("ip"),
            _ => Value::Absent,
        },
        Name::FdIsServer => match fd.kind {
            FdKind::Ipv4Server | FdKind::Ipv6Server => Value::bool(true),
            FdKind::Ipv4 | FdKind::Ipv6 => Value::bool(fd.role == Role::Server),
            _ => Value::bool(false),
        },
        Name::FdConnected => Value::bool(fd.connected),
        Name::FdDev => of_file(fd.device),
        Name::FdDevMajor => of_file(fd.device.map(|device| device >> 20)),
        Name::FdDevMinor => of_file(fd.device.map(|device| device & 0xf_ffff)),
        Name::FdIno => recorded(fd.inode, Value::uint),
        Name::FdFlags => recorded(fd.flags, |flags| {
            let info = E::OPEN_X.info().and_then(|info| info.params.get(2));
            Value::owned(super::render::flags(flags.into(), info.map_or(&[], |info| info.names)))
        }),
        _ => not_here(name),
    }
}

/// The end of a connection that is here: the process's own role tells which. Falco goes by which address is the
/// machine's, which those of containers are not.
fn local(fd: &Fd) -> Option<(IpAddr, u16)> {
    let (from, to) = fd.ends?;
    match (from, fd.role) {
        (Some(from), Role::Client) => Some(from),
        (Some(_), Role::Server) => Some(to),
        _ => None,
    }
}

fn remote(fd: &Fd) -> Option<(IpAddr, u16)> {
    let (from, to) = fd.ends?;
    match (from, fd.role) {
        (Some(_), Role::Client) => Some(to),
        (Some(from), Role::Server) => Some(from),
        _ => None,
    }
}

/// Text that is there already, or was put together.
enum Text<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl<'a> Text<'a> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }

    fn value(self) -> Value<'a> {
        match self {
            Self::Borrowed(text) => Value::text(text),
            Self::Owned(text) => Value::owned(text),
        }
    }
}

fn of_file(value: Option<u32>) -> Value<'static> {
    recorded(value, Value::uint)
}
