//! The sensor: what is running in the kernel, and the stream of what it tells.

use crate::cgroup::{Cgroup, Cgroups};
use crate::decode::{Decoder, Told};
use crate::interest::{Filters, Interest};
use crate::layout::{Header, KIND_CGROUP, KIND_EXEC, KIND_EXIT, KIND_FORK, KINDS, Mirror as _, Settings, TEXT};
use crate::load::{LoadError, Loaded, Sizes};
use crate::numbers::NAMES;
use crate::record::{Body, Broken, Record};
use aya::maps::{MapData, RingBuf};
use aya::programs::tp_btf::BtfTracePointLink;
use rustix::event::{PollFd, PollFlags};
use rustix::time::{ClockId, Timespec};
use sekisho_trace::Event;
use sekisho_trace::state::Descriptor;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long records of the bulk ring may wait, so that several are taken at once.
const GATHER: Duration = Duration::from_millis(2);
/// How often it is looked whether something was lost when nothing else says so.
const LOOK: Duration = Duration::from_millis(200);

/// What a sensor is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which system calls are told.
    pub interest: Interest,
    /// What is left out of these.
    pub filters: Filters,
    /// How many bytes of `argv` are told, at most 4096.
    pub args: u32,
    /// How many bytes of the environment; 0 for none.
    pub env: u32,
    /// How many bytes of what is read and written.
    pub data: u32,
    /// Bytes of the ring for programs, processes and rare calls: a power of two, at least 4096.
    pub priority_ring: u32,
    /// Bytes of the ring for everything else.
    pub bulk_ring: u32,
    /// Whether system calls of this very process are left out, which would otherwise tell of its own reading.
    pub hide_self: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interest: Interest::none(),
            filters: Filters::default(),
            args: TEXT,
            env: TEXT,
            data: 80,
            priority_ring: 1 << 22,
            bulk_ring: 1 << 23,
            hide_self: true,
        }
    }
}

/// Something that a sensor tells.
#[derive(Debug)]
pub enum Item<'a> {
    /// An event, what is known beside it, and what the descriptors stand for that it names ([`State::note`], before the
    /// event is applied).
    ///
    /// [`State::note`]: sekisho_trace::state::State::note
    Event(&'a Event<'a>, Told, &'a [Descriptor]),
    /// A cgroup that no event was of before. Comes before the first one.
    Cgroup(u64, &'a Arc<Cgroup>),
    /// Records were lost: so many, on this processor, before this moment (nanoseconds since 1970). What follows from
    /// events is uncertain from here on. The event is a `drop`, which says the same to the state.
    Lost(&'a Event<'a>, u64),
}

/// What was counted of one kind of events. `offered` is `delivered` and `dropped` together once nothing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The system call as `x86_64` has it, or `exec`, `fork`, `exit`, `cgroup`.
    pub name: &'static str,
    /// Told by the programs.
    pub offered: u64,
    /// Taken out of the rings.
    pub delivered: u64,
    /// Lost, since a ring was full.
    pub dropped: u64,
    /// Held back by a filter, or since it was a call of this process.
    pub filtered: u64,
}

/// The oldest record of a ring, copied out of it.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    full: bool,
}

impl Head {
    /// Takes the next record, unless there is one already.
    fn fill(&mut self, ring: &mut RingBuf<MapData>) {
        if !self.full
            && let Some(item) = ring.next()
        {
            self.bytes.clear();
            self.bytes.extend_from_slice(&item);
            self.full = true;
        }
    }

    fn time(&self) -> u64 {
        Header::read(&self.bytes).map_or(0, |(header, _)| header.time)
    }
}

/// A running sensor. Dropping it takes everything out of the kernel.
pub struct Sensor {
    loaded: Loaded,
    /// They keep the programs attached.
    _links: Vec<BtfTracePointLink>,
    /// What was asked for and cannot be had.
    missing: Vec<LoadError>,
    /// Of the priority and of the bulk ring.
    heads: [Head; 2],
    cgroups: Cgroups,
    seen: hashbrown::HashSet<u64>,
    decoder: Decoder,
    delivered: Vec<u64>,
    broken: u64,
    /// By processor: losses that were told.
    lost: Vec<u32>,
    looked: Instant,
    gather: bool,
}

/// Why a sensor cannot run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// The kernel took a program or a map not.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Something else of the machine cannot be read.
    #[error("cannot read {what}: {error}")]
    Read {
        /// What.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl Sensor {
    /// Loads and attaches the programs. Events from then on wait in the rings.
    pub fn start(options: &Options) -> Result<Self, SensorError> {
        let cgroups = Cgroups::read().map_err(|error| SensorError::Read { what: "the cgroups", error })?;
        let budget = Settings {
            self_: if options.hide_self { std::process::id() } else { 0 },
            args: options.args,
            env: options.env,
            data: options.data,
            ..Settings::default()
        };
        let sizes = Sizes { priority: options.priority_ring, bulk: options.bulk_ring };
        let mut loaded = Loaded::new(sizes, cgroups.kind(), budget)?;
        let mut missing = Vec::new();
        let mut links = Vec::new();
        match loaded.attach_cgroups() {
            Ok(link) => links.push(link),
            Err(error) => missing.push(error),
        }
        links.extend(loaded.attach_lifecycle()?);
        loaded.set_filters(&options.filters)?;
        match loaded.set_interest(&options.interest) {
            Err(error @ LoadError::Program { .. }) => missing.push(error),
            other => other?,
        }
        // Once more, for those that were made before it was told.
        let cgroups = Cgroups::read().map_err(|error| SensorError::Read { what: "the cgroups", error })?;
        Ok(Self {
            loaded,
            _links: links,
            missing,
            heads: Default::default(),
            cgroups,
            seen: hashbrown::HashSet::new(),
            decoder: Decoder::new(boot()),
            delivered: vec![0; usize::from(KINDS)],
            broken: 0,
            lost: Vec::new(),
            looked: Instant::now(),
            gather: false,
        })
    }

    /// Waits until there is something or `timeout` is over, then hands over all there is, in the order of time. How much
    /// that was.
    pub fn poll(&mut self, timeout: Duration, take: &mut dyn FnMut(Item<'_>)) -> Result<usize, SensorError> {
        let mut taken = 0;
        if self.gather {
            thread::sleep(GATHER.min(timeout));
            taken = self.drain(take);
        }
        if taken == 0 {
            self.wait(timeout)?;
            taken = self.drain(take);
        }
        self.gather = taken > 0;
        if self.looked.elapsed() > LOOK {
            self.looked = Instant::now();
            self.tell_silent_loss(take)?;
        }
        Ok(taken)
    }

    /// Waits until there is something in a ring.
    fn wait(&self, timeout: Duration) -> Result<(), SensorError> {
        let mut fds = [self.loaded.priority.as_fd(), self.loaded.bulk.as_fd()]
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match rustix::event::poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(SensorError::Read { what: "the rings", error: error.into() }),
        }
    }

    /// Takes records out of both rings, the older one first. A record of one ring that is the cause of one of the other
    /// was there before it, so that looking at the other ring again after having found one keeps causes before effects.
    fn drain(&mut self, take: &mut dyn FnMut(Item<'_>)) -> usize {
        // What comes while this is being done waits for the next time.
        const MOST: usize = 1 << 16;
        self.decoder.boot = boot();
        let Self { loaded, heads, cgroups, seen, decoder, delivered, broken, lost, .. } = self;
        let mut stream = Stream { cgroups, seen, decoder, delivered, broken, lost, take };
        let [first, second] = heads;
        let mut taken = 0;
        while taken < MOST {
            second.fill(&mut loaded.bulk);
            first.fill(&mut loaded.priority);
            if first.full {
                second.fill(&mut loaded.bulk);
            }
            let earlier = match (first.full, second.full) {
                (false, false) => break,
                (true, true) => first.time() <= second.time(),
                (full, _) => full,
            };
            let head = if earlier { &mut *first } else { &mut *second };
            head.full = false;
            stream.record(&head.bytes);
            taken += 1;
        }
        taken
    }

    /// Says what was lost without a later record that would say so.
    fn tell_silent_loss(&mut self, take: &mut dyn FnMut(Item<'_>)) -> Result<(), SensorError> {
        let now = since_boot();
        for (cpu, lost) in (0..).zip(self.loaded.lost()?) {
            let header = Header { lost: lost as u32, cpu, time: now, ..Header::default() };
            tell_loss(&mut self.lost, &mut self.decoder, &header, take);
        }
        Ok(())
    }

    /// Tells of these calls from now on, and of no others.
    pub fn set_interest(&mut self, interest: &Interest) -> Result<(), SensorError> {
        Ok(self.loaded.set_interest(interest)?)
    }

    /// Leaves out these from now on, and no others.
    pub fn set_filters(&mut self, filters: &Filters) -> Result<(), SensorError> {
        Ok(self.loaded.set_filters(filters)?)
    }

    /// What was asked for at the start and cannot be had, each with the reason: without calls all rules about them are
    /// blind; without new cgroups a container is known from a look at its first process, which may be too late.
    pub fn missing(&self) -> &[LoadError] {
        &self.missing
    }

    /// Whether calls were asked for and are not told.
    pub(crate) fn refused_calls(&self) -> bool {
        !self.sees_calls()
            && self.missing.iter().any(|error| matches!(error, LoadError::Program { tracepoint: "sys_exit", .. }))
    }

    /// When the machine was started, nanoseconds since 1970.
    pub fn boot(&self) -> u64 {
        self.decoder.boot
    }

    /// Whether anything is attached to system calls.
    pub fn sees_calls(&self) -> bool {
        self.loaded.calls_attached()
    }

    /// The cgroups that are known.
    pub fn cgroups(&mut self) -> &mut Cgroups {
        &mut self.cgroups
    }

    /// What was counted, of all kinds of which anything was.
    pub fn account(&self) -> Result<Vec<Account>, SensorError> {
        let counts = self.loaded.counts()?;
        let rows = (0..).zip(counts).zip(&self.delivered).map(|((kind, count), delivered)| Account {
            name: kind_name(kind),
            offered: count.offered,
            delivered: *delivered,
            dropped: count.dropped,
            filtered: count.filtered,
        });
        Ok(rows.filter(|row| row.offered + row.filtered > 0).collect())
    }

    /// Runs of programs that the kernel skipped, so that not even a loss was counted. Not known to happen.
    pub fn skipped(&self) -> Result<u64, SensorError> {
        self.loaded.skipped().map_err(|error| SensorError::Read { what: "what the kernel counts of programs", error })
    }

    /// Records that were no records.
    pub fn broken(&self) -> u64 {
        self.broken
    }
}

/// Where records go.
struct Stream<'s> {
    cgroups: &'s mut Cgroups,
    seen: &'s mut hashbrown::HashSet<u64>,
    decoder: &'s mut Decoder,
    delivered: &'s mut [u64],
    broken: &'s mut u64,
    lost: &'s mut Vec<u32>,
    take: &'s mut dyn FnMut(Item<'_>),
}

/// How many cgroups are remembered as told.
const SEEN: usize = 65_536;

impl Stream<'_> {
    fn record(&mut self, bytes: &[u8]) {
        if let Err(_broken) = self.parsed(bytes) {
            *self.broken += 1;
        }
    }

    fn parsed(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let record = Record::parse(bytes)?;
        if let Some(delivered) = self.delivered.get_mut(usize::from(record.header.kind)) {
            *delivered += 1;
        }
        tell_loss(self.lost, self.decoder, &record.header, self.take);
        if let Body::Cgroup(made) = &record.body {
            if let Some(path) =
                record.blobs.whole(crate::layout::tag::CGROUP).and_then(|path| str::from_utf8(path).ok())
            {
                self.cgroups.made(made.hierarchy, made.id, path);
                self.seen.remove(&made.id);
            }
            return Ok(());
        }
        let id = record.header.cgroup;
        let cgroup = self.cgroups.of(id, record.header.pid);
        if let Some(cgroup) = &cgroup
            && !self.seen.contains(&id)
        {
            if self.seen.len() >= SEEN {
                self.seen.clear();
            }
            self.seen.insert(id);
            (self.take)(Item::Cgroup(id, cgroup));
        }
        let text = cgroup.as_ref().map_or(&[][..], |cgroup| &cgroup.text);
        if let Some((event, told, files)) = self.decoder.event(&record, text) {
            (self.take)(Item::Event(&event, told, files));
        }
        Ok(())
    }
}

/// Tells what was lost on a record's processor since the last record of it. `known` is what was told, by processor.
fn tell_loss(known: &mut Vec<u32>, decoder: &mut Decoder, header: &Header, take: &mut dyn FnMut(Item<'_>)) {
    let cpu = header.cpu as usize;
    // A processor's number is below a few thousand; what is not is no processor.
    if cpu > usize::from(u16::MAX) {
        return;
    }
    if cpu >= known.len() {
        known.resize(cpu + 1, 0);
    }
    let Some(known) = known.get_mut(cpu) else { return };
    let number = header.lost.wrapping_sub(*known);
    // A record that was begun before another one's loss, and put into the other ring, is behind.
    if number > 0 && number < u32::MAX / 2 {
        *known = header.lost;
        let event = decoder.loss(header.time, header.cpu);
        take(Item::Lost(&event, u64::from(number)));
    }
}

fn kind_name(kind: u16) -> &'static str {
    match kind {
        KIND_EXEC => "exec",
        KIND_FORK => "fork",
        KIND_EXIT => "exit",
        KIND_CGROUP => "cgroup",
        number => NAMES.get(usize::from(number)).copied().unwrap_or_default(),
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Nanoseconds since the machine was started, by a clock that is never set and goes on while the machine sleeps.
pub fn since_boot() -> u64 {
    nanoseconds(rustix::time::clock_gettime(ClockId::Boottime))
}

/// The present moment by the clock of events, nanoseconds since 1970.
pub fn now() -> u64 {
    of_since_boot(since_boot())
}

/// A moment that is given in nanoseconds since the machine was started, by the same clock.
pub fn of_since_boot(moment: u64) -> u64 {
    boot().wrapping_add(moment)
}

/// When the machine was started by today's clock: what a record's time is to be added to. Asked for anew each time, so
/// that events follow when the clock is set.
pub(crate) fn boot() -> u64 {
    nanoseconds(rustix::time::clock_gettime(ClockId::Realtime)).wrapping_sub(since_boot())
}
