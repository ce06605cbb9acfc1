//! Captures, written: as version 1.2 of the format, so that Falco and sysdig read them too.
//!
//! Nothing is compressed. What is not known of a thread is written as what recorders write then: -1 for ids, 0 for the
//! rest.

use super::{MAGIC, VERSION, kind};
use crate::event::{EventCode, traits};
use crate::state::{Fd, FdKind, Group, Interface, Machine, ThreadSeed, Transport, UNTOLD, User};
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes one capture: what the machine was like first, then events in their order.
pub struct Writer<W: Write> {
    out: W,
    block: Vec<u8>,
}

/// One event to be written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The processor it happened on.
    pub cpu: u16,
    /// The thread it happened in.
    pub tid: i64,
    /// Its type.
    pub code: EventCode,
    /// Its parameters, as the table lays them out; an empty one for no value.
    pub params: &'a [&'a [u8]],
}

impl<W: Write> Writer<W> {
    /// Begins a capture.
    pub fn new(out: W) -> io::Result<Self> {
        let mut writer = Self { out, block: Vec::new() };
        writer.u32(MAGIC);
        writer.u16(VERSION.0);
        writer.u16(VERSION.1);
        writer.u64(u64::MAX);
        writer.finish(kind::SECTION)?;
        Ok(writer)
    }

    /// The machine that events are of.
    pub fn machine(&mut self, machine: &Machine) -> io::Result<()> {
        self.u32(machine.cpus);
        self.u64(machine.memory);
        self.u64(1 << 22);
        let mut name = [0; 128];
        let length = machine.name.len().min(127);
        name[..length].copy_from_slice(&machine.name[..length]);
        self.block.extend_from_slice(&name);
        self.u64(machine.boot);
        for _ in 0..3 {
            self.u64(0);
        }
        self.finish(kind::MACHINE)
    }

    /// Addresses of the machine.
    pub fn interfaces(&mut self, interfaces: &[Interface]) -> io::Result<()> {
        for interface in interfaces {
            let start = self.entry();
            self.u16(if interface.address.is_ipv4() { 1 } else { 2 });
            self.u16(interface.name.len() as u16);
            self.ip(interface.address);
            self.ip(interface.mask);
            self.ip(interface.address);
            self.u64(0);
            self.block.extend_from_slice(&interface.name);
            // This length does not count itself.
            self.end(start, 4);
        }
        self.finish(kind::INTERFACES_V2)
    }

    /// Users and groups.
    pub fn users(&mut self, users: &[User], groups: &[Group]) -> io::Result<()> {
        for user in users {
            let start = self.entry();
            self.block.push(0);
            self.u32(user.uid);
            self.u32(user.gid);
            for text in [&user.name, &user.home, &user.shell] {
                self.text(text);
            }
            self.end(start, 0);
        }
        for group in groups {
            let start = self.entry();
            self.block.push(1);
            self.u32(group.gid);
            self.text(&group.name);
            self.end(start, 0);
        }
        self.finish(kind::USERS_V2)
    }

    /// Threads that are there.
    pub fn threads(&mut self, threads: &[ThreadSeed]) -> io::Result<()> {
        for thread in threads {
            let start = self.entry();
            let id = |id: Option<i64>| id.unwrap_or(-1);
            for number in [thread.tid, thread.pid, thread.ptid, id(thread.sid), id(thread.vpgid)] {
                self.u64(number.cast_unsigned());
            }
            self.text(&thread.comm);
            self.text(&thread.exe);
            self.text(thread.exepath.as_deref().unwrap_or(UNTOLD));
            self.long(&thread.args);
            self.text(&thread.cwd);
            self.u64(thread.fdlimit.cast_unsigned());
            for number in [thread.flags, thread.uid.unwrap_or(u32::MAX), thread.gid.unwrap_or(u32::MAX)] {
                self.u32(number);
            }
            thread.memory.into_iter().for_each(|number| self.u32(number));
            thread.faults.into_iter().for_each(|number| self.u64(number));
            self.long(&thread.env);
            self.u64(id(thread.vtid).cast_unsigned());
            self.u64(id(thread.vpid).cast_unsigned());
            self.long(&thread.cgroups);
            self.text(&thread.root);
            self.u64(thread.namespace_started.unwrap_or_default());
            self.u32(thread.tty.unwrap_or_default());
            self.u32(thread.loginuid.unwrap_or(u32::MAX));
            self.flag(thread.exe_writable);
            thread.capabilities.unwrap_or_default().into_iter().for_each(|set| self.u64(set));
            self.flag(thread.exe_upper);
            self.u64(thread.exe_inode.unwrap_or_default());
            let (changed, written) = thread.exe_times.unwrap_or_default();
            self.u64(changed);
            self.u64(written);
            self.flag(thread.exe_memfd);
            self.flag(thread.exe_lower);
            self.u64(id(thread.pgid).cast_unsigned());
            self.end(start, 0);
        }
        self.finish(kind::PROCESSES_V9)
    }

    /// Files that a thread has open.
    pub fn fds(&mut self, tid: i64, fds: &[Fd]) -> io::Result<()> {
        self.u64(tid.cast_unsigned());
        for fd in fds {
            let start = self.entry();
            self.u64(fd.number.cast_unsigned());
            self.u64(fd.inode.unwrap_or_default());
            self.fd(fd);
            self.end(start, 0);
        }
        self.finish(kind::FDS_V2)
    }

    fn fd(&mut self, fd: &Fd) {
        let transport = match fd.transport {
            Transport::Unknown => 0,
            Transport::Tcp => 1,
            Transport::Udp => 2,
            Transport::Icmp => 3,
            Transport::Raw => 4,
        };
        match (fd.kind, fd.ends) {
            (FdKind::Ipv4 | FdKind::Ipv6, Some((Some((from, from_port)), (to, to_port)))) => {
                self.block.push(if fd.kind == FdKind::Ipv4 { 3 } else { 4 });
                self.ip(from);
                self.ip(to);
                self.u16(from_port);
                self.u16(to_port);
                self.block.push(transport);
            }
            (FdKind::Ipv4Server | FdKind::Ipv6Server, Some((_, (ip, port)))) => {
                self.block.push(if fd.kind == FdKind::Ipv4Server { 5 } else { 6 });
                self.ip(ip);
                self.u16(port);
                self.block.push(transport);
            }
            (FdKind::Unix, _) => {
                self.block.push(8);
                self.u64(0);
                self.u64(0);
                self.text(&fd.name);
            }
            (FdKind::File, _) => {
                self.block.push(16);
                self.u32(fd.flags.unwrap_or_default());
                self.text(&fd.name);
                self.u32(fd.device.unwrap_or_default());
            }
            (kind, _) => {
                self.block.push(kind.in_capture());
                self.text(&fd.name);
            }
        }
    }

    /// One event. Fails if it is larger than the format allows.
    pub fn event(&mut self, event: &Written<'_>) -> io::Result<()> {
        let Written { time, cpu, tid, code, params } = *event;
        let wanted = code.info().is_some_and(|info| info.is(traits::LARGE));
        let large = wanted || params.iter().any(|param| param.len() > usize::from(u16::MAX));
        let width = if large { 4 } else { 2 };
        let length = 26 + params.iter().map(|param| param.len() + width).sum::<usize>();
        let too_large = || io::Error::new(io::ErrorKind::InvalidInput, "an event is too large for a capture");
        self.u16(cpu);
        self.u64(time);
        self.u64(tid.cast_unsigned());
        self.u32(u32::try_from(length).map_err(|_| too_large())?);
        self.u16(code.0);
        self.u32(params.len() as u32);
        for param in params {
            if large {
                self.u32(param.len() as u32);
            } else {
                self.u16(param.len() as u16);
            }
        }
        for param in params {
            self.block.extend_from_slice(param);
        }
        self.finish(if large { kind::EVENT_V2_LARGE } else { kind::EVENT_V2 })
    }

    /// What it is written to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends the capture, and gives back what it was written to.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes the block that was put together.
    fn finish(&mut self, kind: u32) -> io::Result<()> {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
        let length = (self.block.len() + 12) as u32;
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.block)?;
        self.block.clear();
        self.out.write_all(&length.to_le_bytes())
    }

    /// Begins an entry that has its length before it.
    fn entry(&mut self) -> usize {
        self.u32(0);
        self.block.len() - 4
    }

    fn end(&mut self, start: usize, without: usize) {
        let length = (self.block.len() - start - without) as u32;
        self.block[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn u16(&mut self, number: u16) {
        self.block.extend_from_slice(&number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.block.extend_from_slice(&number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.block.extend_from_slice(&number.to_le_bytes());
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.block.push(flag.unwrap_or_default().into());
    }

    /// A text with its length before it, cut where readers have no room.
    fn text(&mut self, text: &[u8]) {
        self.cut(text, 1023);
    }

    /// The same for arguments, variables and cgroups.
    fn long(&mut self, text: &[u8]) {
        self.cut(text, 4095);
    }

    fn cut(&mut self, text: &[u8], most: usize) {
        let text = &text[..text.len().min(most)];
        self.u16(text.len() as u16);
        self.block.extend_from_slice(text);
    }

    fn ip(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(ip) => self.block.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => self.block.extend_from_slice(&ip.octets()),
        }
    }
}
