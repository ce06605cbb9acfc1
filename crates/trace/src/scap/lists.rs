//! The lists before the events: threads, their open files, addresses, users.
//!
//! Layouts by `scap_savefile.c`. From version 1.2 of the format each entry begins with its length and has grown at its
//! end only: what an older recording lacks is not known, what a newer one has more is skipped.

use super::{Record, kind};
use crate::state::{Fd, FdKind, Group, Interface, Machine, Role, ThreadSeed, Transport, User};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes that are taken from the front.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A text with its length before it.
    fn text(&mut self) -> Option<Vec<u8>> {
        let length = self.u16()?;
        self.take(length.into()).map(<[u8]>::to_vec)
    }

    fn v4(&mut self) -> Option<IpAddr> {
        self.array::<4>().map(|octets| IpAddr::V4(Ipv4Addr::from(octets)))
    }

    fn v6(&mut self) -> Option<IpAddr> {
        self.array::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(octets)))
    }
}

/// How many parameters an event has whose block does not say: as many of the type's as make up its length.
pub(super) fn old_params(body: &[u8], most: u32) -> Option<u32> {
    let mut end = 0_usize;
    let mut ends = vec![0];
    for length in body.as_chunks::<2>().0.iter().take(most as usize) {
        end += usize::from(u16::from_le_bytes(*length));
        ends.push(end);
    }
    (0..ends.len()).rev().find(|count| count * 2 + ends[*count] == body.len()).map(|count| count as u32)
}

/// What comes next in a list.
pub(super) enum Next {
    Record(Record<'static>),
    /// Nothing that is known, or is to be told.
    Nothing,
}

/// The next record of a list; `None` where it is damaged.
pub(super) fn record(kind: u32, first: bool, owner: &mut i64, bytes: &mut Bytes<'_>) -> Option<Next> {
    Some(Next::Record(match kind {
        kind::MACHINE => {
            let machine = machine(bytes)?;
            bytes.0 = &[];
            Record::Machine(machine)
        }
        kind::INTERFACES | kind::INTERFACES_V2 => Record::Interface(interface(kind, bytes)?),
        kind::USERS | kind::USERS_V2 => {
            let mut entry = entry(kind == kind::USERS_V2, bytes)?;
            let bytes = entry.as_mut().unwrap_or(bytes);
            if bytes.u8()? == 0 {
                Record::User(User {
                    uid: bytes.u32()?,
                    gid: bytes.u32()?,
                    name: bytes.text()?,
                    home: bytes.text()?,
                    shell: bytes.text()?,
                })
            } else {
                Record::Group(Group { gid: bytes.u32()?, name: bytes.text()? })
            }
        }
        kind::FDS | kind::FDS_V2 => {
            if first {
                *owner = bytes.i64()?;
            }
            if bytes.0.len() < 4 {
                return Some(Next::Nothing);
            }
            let mut entry = entry(kind == kind::FDS_V2, bytes)?;
            let long = entry.is_some();
            match fd(entry.as_mut().unwrap_or(bytes), long)? {
                Some(fd) => Record::Fd(*owner, Box::new(fd)),
                None => return Some(Next::Nothing),
            }
        }
        other => {
            let Some(version) = kind::processes(other) else {
                bytes.0 = &[];
                return Some(Next::Nothing);
            };
            let mut entry = entry(version == 9, bytes)?;
            Record::Thread(Box::new(thread(version, entry.as_mut().unwrap_or(bytes))?))
        }
    }))
}

/// The bytes of an entry that begins with its length, which counts itself.
#[expect(clippy::option_option, reason = "no length, or one that cannot be")]
fn entry<'a>(has_length: bool, bytes: &mut Bytes<'a>) -> Option<Option<Bytes<'a>>> {
    if !has_length {
        return Some(None);
    }
    let length = bytes.u32()?.checked_sub(4)?;
    bytes.take(length as usize).map(|entry| Some(Bytes(entry)))
}

fn machine(bytes: &mut Bytes<'_>) -> Option<Machine> {
    let (cpus, memory, _) = (bytes.u32()?, bytes.u64()?, bytes.u64()?);
    let name = bytes.take(128)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let boot = bytes.u64().unwrap_or_default();
    Some(Machine { cpus, memory, name: name.to_vec(), boot })
}

fn interface(kind: u32, bytes: &mut Bytes<'_>) -> Option<Interface> {
    // The length does not count itself here.
    let mut entry = match kind {
        kind::INTERFACES_V2 => {
            let length = bytes.u32()?;
            Some(Bytes(bytes.take(length as usize)?))
        }
        _ => None,
    };
    let bytes = entry.as_mut().unwrap_or(bytes);
    let (family, name) = (bytes.u16()?, bytes.u16()?);
    let (address, mask) = match family {
        1 | 3 => {
            let (address, mask) = (bytes.v4()?, bytes.v4()?);
            bytes.skip(4)?;
            (address, mask)
        }
        2 | 4 => {
            let (address, mask) = (bytes.v6()?, bytes.v6()?);
            bytes.skip(16)?;
            (address, mask)
        }
        _ => return None,
    };
    // The other kinds lack the speed of the link.
    if matches!(family, 1 | 2) {
        bytes.skip(8)?;
    }
    let name = bytes.take(name.into())?.to_vec();
    Some(Interface { name, address, mask })
}

fn thread(version: u8, bytes: &mut Bytes<'_>) -> Option<ThreadSeed> {
    let mut thread = ThreadSeed { tid: bytes.i64()?, pid: bytes.i64()?, ptid: bytes.i64()?, ..ThreadSeed::default() };
    if version >= 6 {
        thread.sid = Some(bytes.i64()?);
    }
    if version >= 8 {
        thread.vpgid = Some(bytes.i64()?);
    }
    thread.comm = bytes.text()?;
    thread.exe = bytes.text()?;
    if version >= 7 {
        thread.exepath = Some(bytes.text()?);
    }
    thread.args = bytes.text()?;
    thread.cwd = bytes.text()?;
    thread.fdlimit = bytes.i64()?;
    thread.flags = bytes.u32()?;
    thread.uid = Some(bytes.u32()?);
    thread.gid = Some(bytes.u32()?);
    if version >= 2 {
        thread.memory = [bytes.u32()?, bytes.u32()?, bytes.u32()?];
        thread.faults = [bytes.u64()?, bytes.u64()?];
    }
    if version >= 3 {
        thread.env = bytes.text()?;
    }
    if version >= 4 {
        thread.vtid = Some(bytes.i64()?);
        thread.vpid = Some(bytes.i64()?);
        thread.cgroups = bytes.text()?;
    }
    if version >= 5 {
        thread.root = bytes.text()?;
    }
    if version < 9 {
        return Some(thread);
    }
    // Two fields were once put into the middle; before that, there were at most 29 bytes.
    if bytes.0.len() > 29 {
        thread.namespace_started = bytes.u64();
        thread.tty = bytes.u32();
    }
    thread.loginuid = bytes.u32();
    let flag = |bytes: &mut Bytes<'_>| bytes.u8().map(|byte| byte != 0);
    thread.exe_writable = flag(bytes);
    thread.capabilities =
        bytes.u64().zip(bytes.u64()).zip(bytes.u64()).map(|((inherit, permit), effect)| [inherit, permit, effect]);
    thread.exe_upper = flag(bytes);
    thread.exe_inode = bytes.u64();
    thread.exe_times = bytes.u64().zip(bytes.u64());
    thread.exe_memfd = flag(bytes);
    thread.exe_lower = flag(bytes);
    thread.pgid = bytes.i64();
    Some(thread)
}

/// A file; `Some(None)` for a kind that is not known, where its end is.
#[expect(clippy::option_option, reason = "damage is not the same as a kind that is not known")]
fn fd(bytes: &mut Bytes<'_>, long: bool) -> Option<Option<Fd>> {
    let number = bytes.i64()?;
    let inode = bytes.u64()?;
    let kind = bytes.u8()?;
    let mut fd = Fd { number, inode: Some(inode), ..Fd::default() };
    let transport = |byte: u8| match byte {
        1 => Transport::Tcp,
        2 => Transport::Udp,
        3 => Transport::Icmp,
        4 => Transport::Raw,
        _ => Transport::Unknown,
    };
    match kind {
        3 | 4 => {
            let v4 = kind == 3;
            let (from, to) = if v4 { (bytes.v4()?, bytes.v4()?) } else { (bytes.v6()?, bytes.v6()?) };
            let (from_port, to_port) = (bytes.u16()?, bytes.u16()?);
            fd.kind = if v4 { FdKind::Ipv4 } else { FdKind::Ipv6 };
            fd.transport = transport(bytes.u8()?);
            fd.connected = true;
            fd.connect(from, from_port, to, to_port);
        }
        5 | 6 => {
            let ip = if kind == 5 { bytes.v4()? } else { bytes.v6()? };
            let port = bytes.u16()?;
            fd.kind = if kind == 5 { FdKind::Ipv4Server } else { FdKind::Ipv6Server };
            fd.transport = transport(bytes.u8()?);
            fd.role = Role::Server;
            fd.bind(ip, port);
        }
        8 => {
            fd.kind = FdKind::Unix;
            bytes.skip(16)?;
            fd.name = bytes.text()?;
        }
        16 => {
            fd.kind = FdKind::File;
            fd.flags = Some(bytes.u32()?);
            fd.name = bytes.text()?;
            if long {
                fd.device = bytes.u32();
            }
        }
        _ => {
            let Some(known) = FdKind::of_capture(kind) else {
                return if long { Some(None) } else { None };
            };
            fd.kind = known;
            fd.name = bytes.text()?;
        }
    }
    Some(Some(fd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_old_events_are_counted_by_their_length() {
        let body = |lengths: &[u16]| {
            let mut body: Vec<u8> = lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
            body.resize(body.len() + lengths.iter().map(|length| usize::from(*length)).sum::<usize>(), 7);
            body
        };
        assert_eq!(old_params(&body(&[8, 3]), 6), Some(2));
        assert_eq!(old_params(&body(&[]), 6), Some(0));
        assert_eq!(old_params(&body(&[8, 3, 0]), 3), Some(3));
        assert_eq!(old_params(&[8, 0, 1], 6), None);
    }
}
