//! One parameter of an event, as values.

use super::{ParamInfo, ParamKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A parameter of one event.
#[derive(Debug, Clone, Copy)]
pub struct Param<'a> {
    /// What the table says of it.
    pub info: &'static ParamInfo,
    /// Its bytes; empty where there was no value.
    pub bytes: &'a [u8],
}

/// One end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// A path; abstract ones begin with a zero byte or an at sign, as the recorder wrote it.
    Unix(&'a [u8]),
    /// An address and a port.
    Inet(IpAddr, u16),
}

/// Both ends of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuple<'a> {
    /// Two numbers of the kernel's and a path.
    Unix(u64, u64, &'a [u8]),
    /// Where from and where to.
    Inet(IpAddr, u16, IpAddr, u16),
}

const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

impl<'a> Param<'a> {
    /// Its value if it is a number: sign-extended if it is a signed one. `None` where it is no number, was cut or had no
    /// value.
    pub fn int(&self) -> Option<i64> {
        use ParamKind::{
            AbsoluteTime, Bool, Enum8, Enum16, Enum32, Errno, Fd, Flags8, Flags16, Flags32, Gid, Int8, Int16, Int32,
            Int64, Mode, Pid, RelativeTime, SignalNumber, SignalSet, SyscallId, Uid, Uint8, Uint16, Uint32, Uint64,
        };
        let bytes = self.bytes;
        match self.info.kind {
            Int8 => Some(i8::from_le_bytes(bytes.try_into().ok()?).into()),
            Int16 => Some(i16::from_le_bytes(bytes.try_into().ok()?).into()),
            Int32 => Some(i32::from_le_bytes(bytes.try_into().ok()?).into()),
            // Descriptors and ids were recorded with 32 bits by some.
            Int64 | Errno | Fd | Pid => match bytes.len() {
                4 => Some(i32::from_le_bytes(bytes.try_into().ok()?).into()),
                _ => Some(i64::from_le_bytes(bytes.try_into().ok()?)),
            },
            Uint8 | Flags8 | Enum8 | SignalNumber => Some(u8::from_le_bytes(bytes.try_into().ok()?).into()),
            Uint16 | Flags16 | Enum16 | SyscallId => Some(u16::from_le_bytes(bytes.try_into().ok()?).into()),
            Uint32 | Flags32 | Enum32 | Mode | Uid | Gid | Bool | SignalSet => match bytes.len() {
                8 => Some(i64::from_le_bytes(bytes.try_into().ok()?)),
                _ => Some(u32::from_le_bytes(bytes.try_into().ok()?).into()),
            },
            Uint64 | RelativeTime | AbsoluteTime => Some(u64::from_le_bytes(bytes.try_into().ok()?).cast_signed()),
            _ => None,
        }
    }

    /// The value of a [`ParamKind::Dynamic`] parameter, whose first byte tells its kind.
    pub fn dynamic_int(&self) -> Option<i64> {
        let (_, value) = self.bytes.split_first()?;
        match value.len() {
            1 => Some(value[0].into()),
            4 => Some(u32::from_le_bytes(value.try_into().ok()?).into()),
            8 => Some(i64::from_le_bytes(value.try_into().ok()?)),
            _ => None,
        }
    }

    /// The same as [`Param::int`] without a sign.
    pub fn uint(&self) -> Option<u64> {
        self.int().map(i64::cast_unsigned)
    }

    /// Its bytes up to a zero byte; `None` where there was no value.
    pub fn text(&self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.bytes).unwrap_or(self.bytes.len());
        (!self.bytes.is_empty()).then(|| &self.bytes[..end])
    }

    /// One end of a socket.
    pub fn address(&self) -> Option<Address<'a>> {
        match (*self.bytes.first()?, &self.bytes[1..]) {
            (AF_UNIX, path) => Some(Address::Unix(path.split(|byte| *byte == 0).next().unwrap_or_default())),
            (AF_INET, rest) => {
                let (ip, port) = v4(rest)?;
                Some(Address::Inet(ip, port))
            }
            (AF_INET6, rest) => {
                let (ip, port) = v6(rest)?;
                Some(Address::Inet(ip, port))
            }
            _ => None,
        }
    }

    /// Both ends of a socket.
    pub fn tuple(&self) -> Option<Tuple<'a>> {
        let rest = self.bytes.get(1..)?;
        match self.bytes[0] {
            AF_UNIX => {
                let (numbers, path) = rest.split_at_checked(16)?;
                let number = |at: usize| Some(u64::from_le_bytes(numbers.get(at..at + 8)?.try_into().ok()?));
                let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
                Some(Tuple::Unix(number(0)?, number(8)?, path))
            }
            AF_INET => {
                let ((from, from_port), (to, to_port)) = (v4(rest)?, v4(rest.get(6..)?)?);
                Some(Tuple::Inet(from, from_port, to, to_port))
            }
            AF_INET6 => {
                let ((from, from_port), (to, to_port)) = (v6(rest)?, v6(rest.get(18..)?)?);
                Some(Tuple::Inet(from, from_port, to, to_port))
            }
            _ => None,
        }
    }
}

fn v4(bytes: &[u8]) -> Option<(IpAddr, u16)> {
    let (ip, rest) = bytes.split_first_chunk::<4>()?;
    Some((IpAddr::V4(Ipv4Addr::from(*ip)), u16::from_le_bytes(*rest.first_chunk()?)))
}

fn v6(bytes: &[u8]) -> Option<(IpAddr, u16)> {
    let (ip, rest) = bytes.split_first_chunk::<16>()?;
    Some((IpAddr::V6(Ipv6Addr::from(*ip)), u16::from_le_bytes(*rest.first_chunk()?)))
}
