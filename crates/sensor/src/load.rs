//! The programs in the kernel: loaded, attached, told what to do, and gone with the process.
//!
//! Everything hangs on descriptors of this process. When they are closed, however it ends, the kernel takes the programs
//! out; nothing is pinned.

#![expect(unsafe_code, reason = "aya wants it said which types are plain bytes")]

use crate::interest::{Filters, Interest};
use crate::layout::{self, Count, DenySettings, KINDS, PREFIX, Plan, Settings, TEXT, set};
use crate::numbers::{I386, SOCKETCALL, X32};
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, RingBuf};
use aya::programs::links::Link as _;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::{BtfTracePoint, ProgramError};
use aya::{Btf, Ebpf, EbpfLoader, VerifierLogLevel};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, AsRawFd as _};

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/sensor.bpf.o");

// SAFETY: structs of integers without holes, laid out as in C, which any bytes are.
unsafe impl aya::Pod for Plan {}
// SAFETY: as above.
unsafe impl aya::Pod for Settings {}
// SAFETY: as above.
unsafe impl aya::Pod for Count {}
// SAFETY: as above.
unsafe impl aya::Pod for DenySettings {}

/// One program: what it is called in the object, and what it is attached to.
struct Place {
    name: &'static str,
    tracepoint: &'static str,
}

const EXEC: Place = Place { name: "on_exec", tracepoint: "sched_process_exec" };
const FORK: Place = Place { name: "on_fork", tracepoint: "sched_process_fork" };
const EXIT: Place = Place { name: "on_exit", tracepoint: "sched_process_exit" };
const CGROUP: Place = Place { name: "on_cgroup", tracepoint: "cgroup_mkdir" };
const CALL: Place = Place { name: "on_call", tracepoint: "sys_exit" };

/// Why something of the kernel cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The kernel does not describe its types.
    #[error("the kernel has no description of its types (/sys/kernel/btf/vmlinux): {0}")]
    Btf(String),
    /// The maps could not be made, or the programs do not fit this kernel.
    #[error("cannot load the programs: {0}")]
    Object(String),
    /// One program could not be loaded or attached.
    #[error("cannot attach to {tracepoint}: {reason}")]
    Program {
        /// To what.
        tracepoint: &'static str,
        /// Why not.
        reason: String,
        /// The error of the call, 0 if it was none of a call.
        errno: i32,
    },
    /// A map could not be read or written.
    #[error("cannot use the map {map}: {reason}")]
    Map {
        /// Which one.
        map: &'static str,
        /// Why not.
        reason: String,
    },
}

impl LoadError {
    pub(crate) fn program(tracepoint: &'static str, error: &ProgramError) -> Self {
        let errno = match error {
            ProgramError::LoadError { io_error, .. } => io_error.raw_os_error(),
            ProgramError::SyscallError(error) => error.io_error.raw_os_error(),
            _ => None,
        };
        let reason = match error {
            ProgramError::LoadError { io_error, verifier_log } => {
                let log = verifier_log.to_string();
                let last = log.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
                format!("{io_error} {last}").trim_end().to_owned()
            }
            error => chain(error),
        };
        Self::Program { tracepoint, reason, errno: errno.unwrap_or_default() }
    }

    pub(crate) fn of(map: &'static str) -> impl Fn(MapError) -> Self {
        move |error| Self::Map { map, reason: chain(&error) }
    }

    pub(crate) fn no_map(map: &'static str) -> Self {
        Self::Map { map, reason: "it is not in the object".to_owned() }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Says which numbers of other tables mean what here.
fn fill_numbers(ebpf: &mut Ebpf) -> Result<(), LoadError> {
    let none = u32::from(layout::CALLS);
    let mut known = vec![none; 2 * usize::from(layout::CALLS)];
    for (from, to) in I386.iter().chain(X32) {
        if let Some(known) = known.get_mut(usize::from(*from)) {
            *known = u32::from(*to);
        }
    }
    let mut socketcalls = vec![none; 32];
    for (known, to) in socketcalls.iter_mut().skip(1).zip(SOCKETCALL) {
        *known = u32::from(*to);
    }
    for (name, values) in [("numbers", known), ("socketcalls", socketcalls)] {
        let map = ebpf.map_mut(name).ok_or(LoadError::no_map(name))?;
        let mut map: Array<&mut MapData, u32> = map.try_into().map_err(LoadError::of(name))?;
        for (number, to) in (0..).zip(values) {
            map.set(number, to, 0).map_err(LoadError::of(name))?;
        }
    }
    Ok(())
}

/// A map as what it is.
pub(crate) fn typed<T: TryFrom<Map, Error = MapError>>(name: &'static str, map: Map) -> Result<T, LoadError> {
    T::try_from(map).map_err(LoadError::of(name))
}

/// Sizes that cannot be changed later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Bytes of the rings: powers of two, at least a page.
    pub(crate) priority: u32,
    pub(crate) bulk: u32,
}

/// What is loaded.
pub(crate) struct Loaded {
    ebpf: Ebpf,
    btf: Btf,
    pub(crate) priority: RingBuf<MapData>,
    pub(crate) bulk: RingBuf<MapData>,
    counts: PerCpuArray<MapData, Count>,
    losses: PerCpuArray<MapData, u64>,
    settings: Array<MapData, Settings>,
    plans: Array<MapData, Plan>,
    calls: Option<BtfTracePointLink>,
    current: Settings,
}

impl Loaded {
    /// Makes the maps; attaches nothing.
    pub(crate) fn new(sizes: Sizes, hierarchy: u32, budget: Settings) -> Result<Self, LoadError> {
        // They would load elsewhere, and read arguments of calls from registers that mean something else.
        if cfg!(not(target_arch = "x86_64")) {
            return Err(LoadError::Object("they are of x86_64".to_owned()));
        }
        let btf = Btf::from_sys_fs().map_err(|error| LoadError::Btf(chain(&error)))?;
        let cpus = aya::util::nr_cpus().map_err(|(file, error)| LoadError::Object(format!("{file}: {error}")))? as u32;
        let mut loader = EbpfLoader::new();
        // The log is only asked for once a program was refused.
        loader.btf(Some(&btf)).verifier_log_level(VerifierLogLevel::DEBUG);
        for scratch in ["call_scratches", "exec_scratches", "fork_scratches", "cgroup_scratches"] {
            loader.map_max_entries(scratch, cpus);
        }
        loader.map_max_entries("priority", sizes.priority).map_max_entries("bulk", sizes.bulk);
        let mut ebpf = loader.load(OBJECT).map_err(|error| LoadError::Object(chain(&error)))?;

        fill_numbers(&mut ebpf)?;
        // Programs that are loaded later need their maps open: none may be dropped before.
        let mut take = |name: &'static str| ebpf.take_map(name).ok_or(LoadError::no_map(name));
        let priority = typed("priority", take("priority")?)?;
        let bulk = typed("bulk", take("bulk")?)?;
        let counts = typed("counts", take("counts")?)?;
        let losses = typed("losses", take("losses")?)?;
        let settings = typed("settings", take("settings")?)?;
        let plans = typed("plans", take("plans")?)?;
        let current = Settings {
            hierarchy,
            args: budget.args.min(TEXT),
            env: budget.env.min(TEXT),
            data: budget.data.min(TEXT),
            ..budget
        };
        let calls = None;
        let mut this = Self { ebpf, btf, priority, bulk, counts, losses, settings, plans, calls, current };
        this.write_settings()?;
        Ok(this)
    }

    fn attach(&mut self, place: &Place) -> Result<BtfTracePointLink, LoadError> {
        let failed = |error: ProgramError| LoadError::program(place.tracepoint, &error);
        let program: &mut BtfTracePoint = self
            .ebpf
            .program_mut(place.name)
            .ok_or(LoadError::Object(format!("{} is not in the object", place.name)))?
            .try_into()
            .map_err(failed)?;
        match program.load(place.tracepoint, &self.btf) {
            Ok(()) | Err(ProgramError::AlreadyLoaded) => {}
            Err(error) => return Err(failed(error)),
        }
        let id = program.attach().map_err(failed)?;
        program.take_link(id).map_err(failed)
    }

    /// Begins to tell of programs and processes. The links live as long as the caller keeps them.
    pub(crate) fn attach_lifecycle(&mut self) -> Result<Vec<BtfTracePointLink>, LoadError> {
        // Forks before programs, so that no program is told whose process is not.
        [EXIT, FORK, EXEC].iter().map(|place| self.attach(place)).collect()
    }

    /// Begins to tell of cgroups.
    pub(crate) fn attach_cgroups(&mut self) -> Result<BtfTracePointLink, LoadError> {
        self.attach(&CGROUP)
    }

    /// Tells of these calls, and of no others. Where there is none, nothing is attached to calls.
    pub(crate) fn set_interest(&mut self, interest: &Interest) -> Result<(), LoadError> {
        for (number, plan) in interest.plans() {
            self.plans.set(u32::from(number), plan, 0).map_err(LoadError::of("plans"))?;
        }
        if interest.is_empty() {
            if let Some(link) = self.calls.take() {
                link.detach().map_err(|error| LoadError::program(CALL.tracepoint, &error))?;
            }
        } else if self.calls.is_none() {
            self.calls = Some(self.attach(&CALL)?);
        }
        Ok(())
    }

    /// Whether calls are told.
    pub(crate) fn calls_attached(&self) -> bool {
        self.calls.is_some()
    }

    /// Leaves out these, and no others.
    pub(crate) fn set_filters(&mut self, filters: &Filters) -> Result<(), LoadError> {
        // Nothing is left out while the maps are changed.
        self.current.on = 0;
        self.write_settings()?;
        if let Some(paths) = &filters.paths {
            let map = self.map_mut("prefixes")?;
            let mut prefixes: LpmTrie<&mut MapData, [u8; PREFIX], u32> =
                map.try_into().map_err(LoadError::of("prefixes"))?;
            let old: Vec<_> = prefixes.keys().flatten().collect();
            for key in old {
                prefixes.remove(&key).map_err(LoadError::of("prefixes"))?;
            }
            let mut any = paths.others.bits();
            for (prefix, keep) in &paths.prefixes {
                let mut bytes = [0; PREFIX];
                let Some(room) = bytes.get_mut(..prefix.len()) else {
                    return Err(LoadError::Map { map: "prefixes", reason: "a prefix is too long".to_owned() });
                };
                room.copy_from_slice(prefix);
                let key = Key::new(prefix.len() as u32 * 8, bytes);
                prefixes.insert(&key, keep.bits(), 0).map_err(LoadError::of("prefixes"))?;
                any |= keep.bits() & !layout::keep::FAILED;
            }
            self.current.paths = paths.others.bits();
            self.current.any = any;
            self.current.on |= set::PATHS;
        }
        if let Some(filter) = &filters.networks {
            let map = self.map_mut("networks")?;
            let mut networks: LpmTrie<&mut MapData, [u8; 16], u32> =
                map.try_into().map_err(LoadError::of("networks"))?;
            let old: Vec<_> = networks.keys().flatten().collect();
            for key in old {
                networks.remove(&key).map_err(LoadError::of("networks"))?;
            }
            for (address, bits, keep) in &filter.networks {
                let (octets, bits) = match address {
                    IpAddr::V4(ip) => (ip.to_ipv6_mapped().octets(), u32::from((*bits).min(32)) + 96),
                    IpAddr::V6(ip) => (ip.octets(), u32::from((*bits).min(128))),
                };
                let key = Key::new(bits, octets);
                networks.insert(&key, u32::from(*keep), 0).map_err(LoadError::of("networks"))?;
            }
            self.current.networks = u32::from(filter.others);
            self.current.on |= set::NETWORKS;
        }
        if !filters.cgroups.is_empty() {
            let map = self.map_mut("muted")?;
            let mut muted: HashMap<&mut MapData, u64, u32> = map.try_into().map_err(LoadError::of("muted"))?;
            let old: Vec<_> = muted.keys().flatten().collect();
            for key in old {
                muted.remove(&key).map_err(LoadError::of("muted"))?;
            }
            for id in &filters.cgroups {
                muted.insert(id, 1, 0).map_err(LoadError::of("muted"))?;
            }
            self.current.on |= set::CGROUPS;
        }
        self.write_settings()
    }

    fn map_mut(&mut self, name: &'static str) -> Result<&mut Map, LoadError> {
        self.ebpf.map_mut(name).ok_or(LoadError::no_map(name))
    }

    fn write_settings(&mut self) -> Result<(), LoadError> {
        self.settings.set(0, self.current, 0).map_err(LoadError::of("settings"))
    }

    /// What was counted of each kind of records, over all processors.
    pub(crate) fn counts(&self) -> Result<Vec<Count>, LoadError> {
        let sum = |kind: u16| {
            let values = self.counts.get(&u32::from(kind), 0).map_err(LoadError::of("counts"))?;
            Ok(values.iter().fold(Count::default(), |sum, one| Count {
                offered: sum.offered + one.offered,
                dropped: sum.dropped + one.dropped,
                filtered: sum.filtered + one.filtered,
            }))
        };
        (0..KINDS).map(sum).collect()
    }

    /// Records that found no room so far, by processor.
    pub(crate) fn lost(&self) -> Result<Vec<u64>, LoadError> {
        let values = self.losses.get(&0, 0).map_err(LoadError::of("losses"))?;
        Ok(values.iter().copied().collect())
    }

    /// Runs of programs that the kernel skipped because the same one was already running on that processor. Of these
    /// nothing is counted but that they were.
    pub(crate) fn skipped(&self) -> io::Result<u64> {
        let mut sum = 0;
        for (_, program) in self.ebpf.programs() {
            let Ok(fd) = program.fd() else { continue };
            let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()))?;
            let line = text.lines().find_map(|line| line.strip_prefix("recursion_misses:"));
            sum += line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(sum)
    }
}
