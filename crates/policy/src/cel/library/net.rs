//! Addresses and ranges of them (`k8s.io/apiserver/pkg/cel/library/ip.go` and `cidr.go`).

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use std::net::IpAddr;

pub(super) const TABLE: &[Entry] = &[
    ("ip(string) -> ipAddress", |of, _| {
        text(of, |text| address_of(text).map(Value::Address).ok_or_else(|| no_ip(text)))
    }),
    ("isIP(string) -> bool", |of, _| text(of, |text| Ok(Value::Bool(address_of(text).is_some())))),
    ("ip.isCanonical(string) -> bool", |of, _| {
        text(of, |text| {
            let address = address_of(text).ok_or_else(|| no_ip(text))?;
            Ok(Value::Bool(address.ip.to_string() == text))
        })
    }),
    ("string(ipAddress) -> string", |of, _| one(of, |it| Value::Text(it.ip.to_string().into()))),
    ("ipAddress.family() -> int", |of, _| one(of, |it| Value::Int(if it.ip.is_ipv4() { 4 } else { 6 }))),
    ("ipAddress.isUnspecified() -> bool", |of, _| one(of, |it| Value::Bool(it.ip.is_unspecified()))),
    ("ipAddress.isLoopback() -> bool", |of, _| one(of, |it| Value::Bool(it.ip.is_loopback()))),
    ("ipAddress.isLinkLocalMulticast() -> bool", |of, _| one(of, |it| Value::Bool(is_link_local_multicast(it.ip)))),
    ("ipAddress.isLinkLocalUnicast() -> bool", |of, _| one(of, |it| Value::Bool(is_link_local(it.ip)))),
    ("ipAddress.isGlobalUnicast() -> bool", |of, _| one(of, |it| Value::Bool(is_global(it.ip)))),
    ("cidr(string) -> cidr", |of, _| text(of, |text| range_of(text).map(Value::Address).ok_or_else(|| no_range(text)))),
    ("isCIDR(string) -> bool", |of, _| text(of, |text| Ok(Value::Bool(range_of(text).is_some())))),
    ("string(cidr) -> string", |of, _| one(of, |it| Value::Text(it.text().into()))),
    ("cidr.ip() -> ipAddress", |of, _| one(of, |it| Value::Address(Address { ip: it.ip, bits: None }))),
    ("cidr.masked() -> cidr", |of, _| one(of, |it| Value::Address(it.masked()))),
    ("cidr.prefixLength() -> int", |of, _| one(of, |it| Value::Int(it.bits.unwrap_or(0).into()))),
    ("cidr.containsIP(string) -> bool", contains),
    ("cidr.containsIP(ipAddress) -> bool", contains),
    ("cidr.containsCIDR(string) -> bool", contains_range),
    ("cidr.containsCIDR(cidr) -> bool", contains_range),
];

/// An address, or one with how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    ip: IpAddr,
    bits: Option<u8>,
}

impl Address {
    pub(in crate::cel) fn is_range(&self) -> bool {
        self.bits.is_some()
    }

    fn text(&self) -> String {
        match self.bits {
            Some(bits) => format!("{}/{bits}", self.ip),
            None => self.ip.to_string(),
        }
    }

    /// The bits that count, at the top of the number.
    fn masked(self) -> Self {
        let bits = u32::from(self.bits.unwrap_or(0));
        let ip = match self.ip {
            IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) & u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0)).into()),
            IpAddr::V6(ip) => {
                IpAddr::V6((u128::from(ip) & u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0)).into())
            }
        };
        Self { ip, ..self }
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && Self { ip, bits: self.bits }.masked().ip == self.masked().ip
    }
}

fn no_ip(text: &str) -> Stop {
    Stop::error(format!("{text:?} is no IP address"))
}

fn no_range(text: &str) -> Stop {
    Stop::error(format!("{text:?} is no range of IP addresses"))
}

/// IPv4 in IPv6 is refused, and so are zones.
fn address_of(text: &str) -> Option<Address> {
    let ip: IpAddr = text.parse().ok()?;
    let mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    (!mapped).then_some(Address { ip, bits: None })
}

fn range_of(text: &str) -> Option<Address> {
    let (ip, bits) = text.rsplit_once('/')?;
    let ip = address_of(ip)?.ip;
    let plain = bits == "0" || (!bits.starts_with('0') && bits.bytes().all(|byte| byte.is_ascii_digit()));
    let bits: u8 = bits.parse().ok().filter(|_| plain)?;
    (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Address { ip, bits: Some(bits) })
}

fn text(of: &[Value], run: impl FnOnce(&str) -> Result<Value, Stop>) -> Result<Value, Stop> {
    match of {
        [Value::Text(text)] => run(text),
        _ => Err(mismatch()),
    }
}

fn one(of: &[Value], run: impl FnOnce(&Address) -> Value) -> Result<Value, Stop> {
    match of {
        [Value::Address(address)] => Ok(run(address)),
        _ => Err(mismatch()),
    }
}

fn contains(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let (range, ip) = match of {
        [Value::Address(range), Value::Address(address)] => (range, address.ip),
        [Value::Address(range), Value::Text(text)] => (range, address_of(text).ok_or_else(|| no_ip(text))?.ip),
        _ => return Err(mismatch()),
    };
    Ok(Value::Bool(range.holds(ip)))
}

fn contains_range(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let (range, inner) = match of {
        [Value::Address(range), Value::Address(inner)] => (range, *inner),
        [Value::Address(range), Value::Text(text)] => (range, range_of(text).ok_or_else(|| no_range(text))?),
        _ => return Err(mismatch()),
    };
    Ok(Value::Bool(range.bits <= inner.bits && range.holds(inner.masked().ip)))
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

/// As Go has it: also what is private.
fn is_global(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !is_link_local(ip) && !broadcast
}
