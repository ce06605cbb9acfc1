//! Connections that are not allowed: programs of the kernel at the root of cgroups, told by maps what to deny.
//!
//! They hang on descriptors of this process. When it ends, however it does, the kernel takes them out.

use crate::cgroup::mounted;
use crate::layout::{Denied, DenySettings, Mirror as _};
use crate::load::{LoadError, chain, typed};
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, HashMap, MapData, RingBuf};
use aya::programs::cgroup_sock_addr::CgroupSockAddrLink;
use aya::programs::{CgroupAttachMode, CgroupSockAddr};
use aya::util::KernelVersion;
use aya::{EbpfLoader, VerifierLogLevel};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/deny.bpf.o");

/// The programs, each with what it is attached to.
const PROGRAMS: [(&str, &str); 4] = [
    ("deny_connect4", "cgroup/connect4"),
    ("deny_connect6", "cgroup/connect6"),
    ("deny_sendmsg4", "cgroup/sendmsg4"),
    ("deny_sendmsg6", "cgroup/sendmsg6"),
];
/// Links of cgroups, without which a program would stay when this process ends.
const LINKS: KernelVersion = KernelVersion::new(5, 7, 0);
/// How many cgroups are kept in mind until those are looked for that are gone.
const SCOPES: usize = 4096;

/// Where connections may not go: addresses, how many of their bits count, a port if only that one, and a bit of each denial
/// that says so.
pub type Target = (IpAddr, u8, Option<u16>, u64);

/// A connection that was denied, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedConnection {
    /// When, nanoseconds since the machine was started.
    pub at: u64,
    /// The denials that forbid it.
    pub denials: u64,
    /// The process.
    pub pid: u32,
    /// What it is called.
    pub process: String,
    /// Where it was to go.
    pub to: (IpAddr, u16),
    /// Whether it was denied.
    pub denied: bool,
}

/// Denies connections.
pub struct Connections {
    /// They keep the programs attached.
    _links: Vec<CgroupSockAddrLink>,
    scopes: HashMap<MapData, u64, u64>,
    settings: Array<MapData, DenySettings>,
    ring: RingBuf<MapData>,
    lost: Array<MapData, u64>,
    told_lost: u64,
    mount: PathBuf,
    known: BTreeMap<u64, PathBuf>,
}

impl Connections {
    /// Begins to deny connections to `targets`, of what is in no container those of the denials `host`. Unless it is to
    /// `enforce` this, it is only told. This process is never denied anything.
    pub fn start(targets: &[Target], host: u64, enforce: bool) -> Result<Self, LoadError> {
        let mount = mounted("cgroup2").ok_or(LoadError::Object("cgroups of version 2 are not mounted".to_owned()))?;
        if KernelVersion::current().is_ok_and(|version| version < LINKS) {
            return Err(LoadError::Object(
                "programs of cgroups would stay after this process before Linux 5.7".to_owned(),
            ));
        }
        let mut loader = EbpfLoader::new();
        let mut ebpf = loader
            .verifier_log_level(VerifierLogLevel::DEBUG)
            .load(OBJECT)
            .map_err(|error| LoadError::Object(chain(&error)))?;
        let mut take = |name: &'static str| ebpf.take_map(name).ok_or(LoadError::no_map(name));
        let mut settings: Array<MapData, DenySettings> = typed("deny_settings", take("deny_settings")?)?;
        let mut map: LpmTrie<MapData, Bits, u64> = typed("deny_targets", take("deny_targets")?)?;
        let scopes = typed("deny_scopes", take("deny_scopes")?)?;
        let (ring, lost) = (typed("denied", take("denied")?)?, typed("denied_lost", take("denied_lost")?)?);
        let own = DenySettings { host, enforce: enforce.into(), self_: std::process::id() };
        settings.set(0, own, 0).map_err(LoadError::of("deny_settings"))?;
        for (key, mask) in keys(targets) {
            map.insert(&Key::new(key.bits, key.bytes), mask, 0).map_err(LoadError::of("deny_targets"))?;
        }
        let root = File::open(&mount).map_err(|error| LoadError::Object(format!("{}: {error}", mount.display())))?;
        let mut links = Vec::new();
        for (name, place) in PROGRAMS {
            let failed = |error| LoadError::program(place, &error);
            let program: &mut CgroupSockAddr = ebpf
                .program_mut(name)
                .ok_or(LoadError::Object(format!("{name} is not in the object")))?
                .try_into()
                .map_err(failed)?;
            program.load().map_err(failed)?;
            // By a link, which never keeps others from being attached beside it.
            let id = program.attach(&root, CgroupAttachMode::Single).map_err(failed)?;
            links.push(program.take_link(id).map_err(failed)?);
        }
        Ok(Self { _links: links, scopes, settings, ring, lost, told_lost: 0, mount, known: BTreeMap::new() })
    }

    /// Says which denials are about the container of which `path` is a cgroup, with all cgroups below; engines use the same
    /// path in all hierarchies. `false` where it has no cgroup of version 2 (any more).
    pub fn set(&mut self, path: &str, denials: u64) -> Result<bool, LoadError> {
        let directory = self.mount.join(path.trim_start_matches('/'));
        let Ok(metadata) = fs::metadata(&directory) else { return Ok(false) };
        if self.known.len() >= SCOPES {
            self.forget_gone();
        }
        self.scopes.insert(metadata.ino(), denials, 0).map_err(LoadError::of("deny_scopes"))?;
        self.known.insert(metadata.ino(), directory);
        Ok(true)
    }

    fn forget_gone(&mut self) {
        let gone = |id: &u64, path: &Path| !fs::metadata(path).is_ok_and(|metadata| metadata.ino() == *id);
        let scopes = &mut self.scopes;
        self.known.retain(|id, path| {
            let gone = gone(id, path);
            if gone {
                // One that is there no more has nothing to be removed.
                let _ = scopes.remove(id);
            }
            !gone
        });
    }

    /// What was denied since this was last asked, and how much more that could not be told.
    pub fn denied(&mut self) -> (Vec<DeniedConnection>, u64) {
        let mut told = Vec::new();
        while let Some(item) = self.ring.next() {
            let Some((denied, _)) = Denied::read(&item) else { continue };
            let Denied { time, denials, pid, port, refused, address, comm, .. } = denied;
            let address = Ipv6Addr::from(address);
            let end = comm.iter().position(|byte| *byte == 0).unwrap_or(comm.len());
            told.push(DeniedConnection {
                at: time,
                denials,
                pid,
                process: String::from_utf8_lossy(comm.get(..end).unwrap_or_default()).into_owned(),
                to: (address.to_canonical(), u16::from_be(port)),
                denied: refused != 0,
            });
        }
        let lost = self.lost.get(&0, 0).unwrap_or(self.told_lost);
        let more = lost.wrapping_sub(self.told_lost);
        self.told_lost = lost;
        (told, more)
    }

    /// Lets all connections through again.
    pub fn stop(&mut self) {
        // Nothing is denied where no denial is about anything.
        let _ = self.settings.set(0, DenySettings::default(), 0);
    }
}

/// The addresses that are none, where a target has the machine itself: a connection to nowhere is one to it. To that of IPv6 it
/// is one of IPv4 where the socket is bound so.
fn nowhere(target: &Target) -> impl Iterator<Item = Target> + use<> {
    let (address, bits, port, mask) = *target;
    let is_in = |own: IpAddr| match (own, address) {
        (IpAddr::V4(own), IpAddr::V4(net)) => (own.to_bits() ^ net.to_bits()).leading_zeros() >= bits.into(),
        (IpAddr::V6(own), IpAddr::V6(net)) => (own.to_bits() ^ net.to_bits()).leading_zeros() >= bits.into(),
        (IpAddr::V4(own), net) => {
            let IpAddr::V6(net) = net else { return false };
            (own.to_ipv6_mapped().to_bits() ^ net.to_bits()).leading_zeros() >= bits.into()
        }
        _ => false,
    };
    let (four, six) = (is_in(Ipv4Addr::LOCALHOST.into()), is_in(Ipv6Addr::LOCALHOST.into()));
    let none = |address: IpAddr| (address, if address.is_ipv4() { 32 } else { 128 }, port, mask);
    let four_of = four.then(|| none(Ipv4Addr::UNSPECIFIED.into()));
    let six_of = (four || six).then(|| none(Ipv6Addr::UNSPECIFIED.into()));
    four_of.into_iter().chain(six_of)
}

/// Each network with all denials that forbid it: those of wider ones as well, since only the narrowest is looked at.
fn keys(targets: &[Target]) -> BTreeMap<DenyTarget, u64> {
    let key = |(address, bits, port, _): &Target| {
        let (octets, bits) = match address {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped().octets(), u32::from((*bits).min(32)) + 96),
            IpAddr::V6(ip) => (ip.octets(), u32::from((*bits).min(128))),
        };
        let mut bytes = Bits::default();
        bytes[..2].copy_from_slice(&port.unwrap_or_default().to_be_bytes());
        let whole = u128::from_be_bytes(octets) & u128::MAX.checked_shl(128 - bits).unwrap_or_default();
        bytes[2..18].copy_from_slice(&whole.to_be_bytes());
        DenyTarget { bits: bits + 16, bytes }
    };
    let mut keys: BTreeMap<DenyTarget, u64> = BTreeMap::new();
    for target in targets.iter().copied().chain(targets.iter().flat_map(nowhere)) {
        *keys.entry(key(&target)).or_default() |= target.3;
    }
    let narrow: Vec<DenyTarget> = keys.keys().copied().collect();
    for one in narrow {
        let wider = keys
            .iter()
            .filter(|(wide, _)| wide.bits < one.bits && wide.has(&one))
            .fold(0, |mask, (_, more)| mask | more);
        *keys.entry(one).or_default() |= wider;
    }
    keys
}

/// A port, as it is sent, an address of IPv6, and nothing.
pub(crate) type Bits = [u8; 20];

/// What is looked up: so many bits of a port and an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DenyTarget {
    bits: u32,
    bytes: Bits,
}

impl DenyTarget {
    /// Whether all that `other` is are among what this is.
    fn has(&self, other: &Self) -> bool {
        let bit = |bytes: &Bits, at: u32| bytes[at as usize / 8] >> (7 - at % 8) & 1;
        (0..self.bits).all(|at| bit(&self.bytes, at) == bit(&other.bytes, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_network_has_what_wider_ones_forbid() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let targets = [
            (ip("10.0.0.0"), 8, None, 1),
            (ip("10.1.2.3"), 16, None, 2),
            (ip("10.1.2.3"), 32, Some(22), 4),
            (ip("10.0.0.0"), 8, Some(22), 8),
            (ip("0.0.0.0"), 0, None, 16),
            (ip("::"), 0, None, 32),
            (ip("fd00::1"), 128, None, 64),
        ];
        let nowhere = |key: &DenyTarget| key.bits == 144 && key.bytes[14..18] == [0; 4];
        let found: Vec<(u32, u8, u64)> = keys(&targets)
            .iter()
            .filter(|(key, _)| !nowhere(key))
            .map(|(key, mask)| (key.bits, key.bytes[1], *mask))
            .collect();
        let expect = [
            (16, 0, 32),
            (112, 0, 16 | 32),
            (120, 0, 1 | 16 | 32),
            (120, 22, 8),
            (128, 0, 1 | 2 | 16 | 32),
            (144, 0, 32 | 64),
            (144, 22, 4 | 8),
        ];
        assert_eq!(found, expect, "a port of a network is looked up beside any port of it");
    }

    #[test]
    fn a_connection_to_nowhere_is_one_to_the_machine_itself() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let of = |net: &str, bits: u8| {
            let keys = keys(&[(ip(net), bits, Some(80), 1)]);
            let has = |address: IpAddr| {
                let address = match address {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                keys.iter().any(|(key, mask)| {
                    key.bits == 144 && key.bytes[..2] == [0, 80] && key.bytes[2..18] == address.octets() && *mask == 1
                })
            };
            (has(ip("0.0.0.0")), has(ip("::")))
        };
        assert_eq!(of("127.0.0.1", 32), (true, true));
        assert_eq!(of("127.0.0.0", 8), (true, true));
        assert_eq!(of("0.0.0.0", 0), (true, true));
        assert_eq!(of("127.0.0.2", 32), (false, false), "another one");
        assert_eq!(of("10.0.0.0", 8), (false, false));
        assert_eq!(of("::1", 128), (false, true));
        assert_eq!(of("::", 0), (true, true), "IPv4 as IPv6 has it is in there too");
        assert_eq!(of("fd00::", 8), (false, false));
    }
}
