//! What follows from events: threads, their open files, users, containers.
//!
//! [`State`] is told what was there at the beginning (`add_*`), then every event in order ([`State::apply`]); after
//! each, [`State::facts`] answers what rules ask of it. Captures and a live sensor tell it in the same words. What it
//! keeps is bounded ([`Bounds`]); what it had to forget is counted ([`Counters`]).

mod apply;
mod container;
mod export;
mod fd;
mod files;
mod held;
mod process;
#[cfg(test)]
mod tests;
mod thread;

pub(crate) use container::to_json;
pub use container::{Cgroups, of_cgroups, of_path};
pub use fd::{Descriptor, End, Fd, FdKind, Role, Transport, UNTOLD, join};
pub(crate) use fd::{end_name, is_untold, plain_ends, tuple_name};
pub(crate) use files::{CWD, param_name};
pub use held::{Files, Held};
pub(crate) use process::variable;
pub use sekisho_model::{Engine, RunningContainer, RunningMount};
pub use thread::{FdTable, Kept, Program, Thread, ThreadSeed};
pub(crate) use thread::{pieces, with_arguments};

use crate::event::{Event, EventCode, Params};
use crate::facts::SyscallFacts;
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// By how many nanoseconds a clock may be corrected without counting as set.
const CLOCK_STEP: u64 = 10_000_000;

/// The machine that events are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Its name, `evt.hostname`.
    pub name: Vec<u8>,
    /// When it was started, nanoseconds since 1970; 0 if not known.
    pub boot: u64,
}

/// An address of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The interface.
    pub name: Vec<u8>,
    /// Its address.
    pub address: IpAddr,
    /// Which of its bits are the network's.
    pub mask: IpAddr,
}

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of passwd(5)")]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub name: Vec<u8>,
    pub home: Vec<u8>,
    pub shell: Vec<u8>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of group(5)")]
pub struct Group {
    pub gid: u32,
    pub name: Vec<u8>,
}

/// How much is kept. What is beyond is forgotten, the longest unused first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Threads.
    pub threads: usize,
    /// Open files of one process.
    pub fds: usize,
    /// Bytes of arguments, environments and cgroups of all programs.
    pub program_bytes: usize,
    /// Bytes of all open files; of calls that were entered and not left there may be as many.
    pub file_bytes: usize,
    /// Containers.
    pub containers: usize,
    /// Bytes of what is known of all containers.
    pub container_bytes: usize,
    /// Users and groups, of the host and of containers.
    pub users: usize,
}

/// What a call was entered with is always kept up to here: numbers, and names that are not very long.
const SHORT_CALL: usize = 512;
/// Names that nothing has which is sound: they are not noted.
const LONG_NAME: usize = 256;
/// The same for all texts of a user or group.
const LONG_ACCOUNT: usize = 8192;

impl Default for Bounds {
    fn default() -> Self {
        Self {
            threads: 131_072,
            fds: 4096,
            program_bytes: 256 << 20,
            file_bytes: 256 << 20,
            containers: 16_384,
            container_bytes: 128 << 20,
            users: 65_536,
        }
    }
}

/// What was forgotten or not known, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Threads that were forgotten because there were more than [`Bounds`] allow.
    pub threads_evicted: u64,
    /// Open files that were not noted, for the same reason.
    pub fds_refused: u64,
    /// Processes whose open files were all forgotten, since those of all processes took too much.
    pub files_forgotten: u64,
    /// Calls of which was forgotten what they were entered with.
    pub calls_forgotten: u64,
    /// Containers that were forgotten, or not noted.
    pub containers_evicted: u64,
    /// Users and groups that were not noted.
    pub users_refused: u64,
    /// Working directories, programs and open files whose path was not told whole.
    pub paths_untold: u64,
    /// Events of threads that were not known.
    pub unknown_threads: u64,
    /// Events that the recorder says it lost (`drop` events).
    pub drops: u64,
}

/// All that is known at one moment.
#[derive(Debug, Default)]
pub struct State {
    bounds: Bounds,
    counters: Counters,
    machine: Option<Machine>,
    interfaces: Vec<Interface>,
    users: HashMap<String, HashMap<u32, User>>,
    groups: HashMap<String, HashMap<u32, Group>>,
    /// How many of both.
    accounts: usize,
    /// Containers whose users and groups were all told; `None` where whoever tells does not say so.
    accounts_told: Option<HashSet<String>>,
    containers: HashMap<String, Known>,
    container_order: VecDeque<String>,
    threads: HashMap<i64, Thread>,
    /// Threads in the order they came, for [`Bounds::threads`].
    order: VecDeque<i64>,
    program_bytes: usize,
    container_bytes: usize,
    /// What open files take.
    held: held::Meter,
    /// What long calls take that were entered.
    calls: held::Meter,
    blind: HashMap<u16, &'static str>,
    exit_only: bool,
    noted_only: bool,
    /// Changes whenever something does that answers about many threads depend on.
    generation: u64,
    lineage: u64,
    users_version: u64,
    first_time: Option<u64>,
    now: Now,
}

/// What is known of a container, and how often that changed.
#[derive(Debug)]
struct Known {
    container: RunningContainer,
    version: u64,
    bytes: usize,
}

/// What is only true of the present event.
#[derive(Debug, Default)]
struct Now {
    /// The event that told of entering the call that is left now.
    entered: Entered,
    has_entered: bool,
    /// The file that the event is about.
    fd: Option<i64>,
    /// Whether it has another name since.
    renamed: bool,
    previous_time: Option<u64>,
    time: Option<u64>,
    /// What is to be forgotten once the event is over.
    closing: Option<(i64, i64)>,
    ending: Option<i64>,
}

/// A copy of an event that told of entering a call.
#[derive(Debug, Default, Clone)]
pub(crate) struct Entered {
    pub(crate) code: u16,
    pub(crate) time: u64,
    ends: Vec<u32>,
    bytes: Vec<u8>,
    held: Held,
}

impl Entered {
    /// Copies an event; `false` where that would take more than there is room for.
    fn set(&mut self, event: &Event<'_>, meter: &held::Meter, most: usize) -> bool {
        let wanted: usize = (0..event.params.len()).filter_map(|at| event.params.get(at)).map(<[u8]>::len).sum();
        if wanted > SHORT_CALL && wanted > self.bytes.capacity() && meter.bytes() + wanted > most {
            *self = Self::default();
            return false;
        }
        self.code = event.code.0;
        self.time = event.time;
        self.ends.clear();
        self.bytes.clear();
        self.bytes.reserve_exact(wanted);
        for at in 0..event.params.len() {
            self.bytes.extend_from_slice(event.params.get(at).unwrap_or_default());
            self.ends.push(self.bytes.len() as u32);
        }
        let long = Some(self.bytes.capacity()).filter(|bytes| *bytes > SHORT_CALL);
        self.held.set(meter, long.unwrap_or_default());
        true
    }

    pub(crate) fn event(&self, tid: i64) -> Event<'_> {
        let params = Params::new(&self.ends, &self.bytes).unwrap_or_default();
        Event { number: 0, time: self.time, cpu: 0, tid, code: EventCode(self.code), params }
    }
}

impl State {
    /// A state in which nothing is known.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Says that entering a call is told together with leaving it, as Falco has it since 0.42: what was recorded on
    /// entering is then part of the event of leaving (`evt.arg`, `evt.args`).
    pub fn set_exit_only(&mut self, exit_only: bool) {
        self.exit_only = exit_only;
    }

    /// Whether entering is told together with leaving.
    pub fn exit_only(&self) -> bool {
        self.exit_only
    }

    /// Says that not every call is told that makes and closes files: what an event is about is told with it
    /// ([`State::note`]), and of all other files of a process nobody knows.
    pub fn set_files_noted_only(&mut self, only: bool) {
        self.noted_only = only;
    }

    /// Says that a field cannot be filled here, and why: it is unknown from now on.
    pub fn set_blind(&mut self, field: crate::FieldId, reason: &'static str) {
        self.blind.insert(field.0, reason);
    }

    pub(crate) fn blind(&self, field: crate::FieldId) -> Option<&'static str> {
        if self.blind.is_empty() { None } else { self.blind.get(&field.0).copied() }
    }

    /// What was forgotten or not known so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Tells which machine events are of.
    pub fn set_machine(&mut self, machine: Machine) {
        self.machine = Some(machine);
    }

    /// By the clock that events have their times of, the machine was started at `boot`: where that clock was set, what began before
    /// is as old as it was.
    pub fn set_clock(&mut self, boot: u64) {
        let Some(machine) = &mut self.machine else { return };
        let step = boot.wrapping_sub(machine.boot).cast_signed();
        if step.unsigned_abs() < CLOCK_STEP {
            return;
        }
        machine.boot = boot;
        self.generation += 1;
        self.lineage += 1;
        for thread in self.threads.values_mut() {
            for began in [&mut thread.started, &mut thread.namespace_started].into_iter().flatten() {
                *began = began.saturating_add_signed(step);
            }
            thread.version = self.generation;
        }
    }

    /// The machine.
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Tells an address of the machine.
    pub fn add_interface(&mut self, interface: Interface) {
        if self.interfaces.len() < 4096 && interface.name.len() <= LONG_NAME {
            self.interfaces.push(interface);
        }
    }

    /// The addresses of the machine.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Tells a user of the host, or of the container with this id.
    pub fn add_user(&mut self, container: &str, user: User) {
        self.users_version += 1;
        let known = self.user(container, user.uid).is_some();
        let bytes = container.len() + user.name.len() + user.home.len() + user.shell.len();
        if self.has_room(known, bytes) {
            self.users.entry_ref(container).or_default().insert(user.uid, user);
        }
    }

    /// Tells a group of the host, or of the container with this id.
    pub fn add_group(&mut self, container: &str, group: Group) {
        self.users_version += 1;
        let known = self.group(container, group.gid).is_some();
        if self.has_room(known, container.len() + group.name.len()) {
            self.groups.entry_ref(container).or_default().insert(group.gid, group);
        }
    }

    /// Says that users and groups of a container are not known until [`State::set_accounts_told`] says that all were told.
    pub fn set_accounts_awaited(&mut self) {
        self.accounts_told.get_or_insert_default();
    }

    /// Says that all users and groups of a container were told: any other has no name there.
    pub fn set_accounts_told(&mut self, container: &str) {
        self.users_version += 1;
        let most = self.bounds.containers;
        if let Some(told) = &mut self.accounts_told
            && (told.len() < most || told.contains(container))
        {
            told.insert(container.to_owned());
        }
    }

    /// Whether all users and groups of a container are known that have a name.
    pub(crate) fn knows_accounts(&self, container: &str) -> bool {
        container.is_empty() || self.accounts_told.as_ref().is_none_or(|told| told.contains(container))
    }

    /// Whether the user or the group of a thread has no name that is known.
    pub fn lacks_names(&self, thread: &Thread) -> bool {
        let container = thread.container().unwrap_or_default();
        thread.uid.is_some_and(|uid| self.user(container, uid).is_none())
            || thread.gid.is_some_and(|gid| self.group(container, gid).is_none())
    }

    /// Whether another user or group may be noted, and counts it.
    fn has_room(&mut self, known: bool, bytes: usize) -> bool {
        let has_room = (known || self.accounts < self.bounds.users) && bytes <= LONG_ACCOUNT;
        self.accounts += usize::from(has_room && !known);
        self.counters.users_refused += u64::from(!has_room);
        has_room
    }

    pub(crate) fn user(&self, container: &str, uid: u32) -> Option<&User> {
        self.users.get(container)?.get(&uid)
    }

    pub(crate) fn group(&self, container: &str, gid: u32) -> Option<&Group> {
        self.groups.get(container)?.get(&gid)
    }

    fn remove_user(&mut self, container: &str, uid: u32) {
        self.users_version += 1;
        let removed = self.users.get_mut(container).and_then(|users| users.remove(&uid));
        self.accounts -= usize::from(removed.is_some());
    }

    fn remove_group(&mut self, container: &str, gid: u32) {
        self.users_version += 1;
        let removed = self.groups.get_mut(container).and_then(|groups| groups.remove(&gid));
        self.accounts -= usize::from(removed.is_some());
    }

    /// Tells what is known of a container, in place of what was known before: what a recorder wrote, or what was found in
    /// the files of its engine when its first process was seen. `container.*` and `k8s.*` are answered by it from now on.
    pub fn add_container(&mut self, container: RunningContainer) {
        self.generation += 1;
        let version = self.generation;
        // The id is a key as well, and in the list by age.
        let (id, bytes) = (container.id.clone(), container.size() + 2 * container.id.len());
        self.container_bytes += bytes;
        match self.containers.insert(id.clone(), Known { container, version, bytes }) {
            Some(old) => self.container_bytes -= old.bytes,
            None => self.container_order.push_back(id),
        }
        // One that is too large by itself goes as well.
        while (self.containers.len() > self.bounds.containers.max(1)
            || self.container_bytes > self.bounds.container_bytes)
            && let Some(oldest) = self.container_order.pop_front()
        {
            self.container_bytes -= self.containers.remove(&oldest).map_or(0, |known| known.bytes);
            self.counters.containers_evicted += 1;
        }
    }

    /// What is known of the container with this id, as `container.id` shows it.
    pub fn container(&self, id: &str) -> Option<&RunningContainer> {
        self.containers.get(id).map(|known| &known.container)
    }

    pub(crate) fn container_version(&self, id: &str) -> u64 {
        self.containers.get(id).map_or(0, |known| known.version)
    }

    /// The ids of all containers that are known.
    pub fn containers(&self) -> BTreeSet<&str> {
        self.containers.keys().map(String::as_str).collect()
    }

    /// The thread with this id.
    pub fn thread(&self, tid: i64) -> Option<&Thread> {
        self.threads.get(&tid)
    }

    /// How many threads are known.
    pub fn thread_count(&self) -> usize {
        self.threads.len()
    }

    /// The files that a thread has open: its process's, unless it has its own.
    pub fn files(&self, tid: i64) -> Option<&FdTable> {
        self.owner_of_files(tid).map(|owner| &owner.files)
    }

    /// Whether a thread can have files open that are not noted: since it was not seen when it opened them, or since
    /// there were too many.
    pub fn has_unnoted_files(&self, tid: i64) -> bool {
        self.noted_only || self.owner_of_files(tid).is_none_or(|owner| owner.unnoted)
    }

    fn owner_of_files(&self, tid: i64) -> Option<&Thread> {
        let thread = self.threads.get(&tid)?;
        Some(if thread.shares_files() { self.threads.get(&thread.pid).unwrap_or(thread) } else { thread })
    }

    /// What rules ask of `event`, which has to be the one that was applied last.
    pub fn facts<'a>(&'a self, event: &'a Event<'a>) -> SyscallFacts<'a> {
        SyscallFacts::new(self, event)
    }

    pub(crate) fn entered(&self) -> Option<&Entered> {
        self.now.has_entered.then_some(&self.now.entered)
    }

    pub(crate) fn fd_number(&self) -> Option<i64> {
        self.now.fd
    }

    pub(crate) fn renamed(&self) -> bool {
        self.now.renamed
    }

    pub(crate) fn previous_time(&self) -> Option<u64> {
        self.now.previous_time
    }

    pub(crate) fn first_time(&self) -> Option<u64> {
        self.first_time
    }

    pub(crate) fn users_version(&self) -> u64 {
        self.users_version
    }
}
