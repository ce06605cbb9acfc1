//! A host that is watched: sensor, state and rules as one.

use crate::accounts::{self, InContainers};
use crate::ask::{self, Asked};
use crate::in_use::Images;
use crate::mark::{self, Gap, Mark, MarkError, Moment};
use crate::record::{Recorded, Recorder, Recording};
use crate::respond::{Happened, Responder, Responses};
use hashbrown::{HashMap, HashSet};
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_detect::inspect::{Coverage, coverage};
use sekisho_detect::load::RuleSet;
use sekisho_detect::response::{Plan, Record};
use sekisho_detect::{Alert, Demand, Engine, Matching, Observer, Selection, Watch};
use sekisho_model::{Diagnostic, Engine as Runs, IN_USE_SCHEMA, InUseReport, RunningContainer};
use sekisho_oci::container::Engines;
use sekisho_sensor::{Account, Item, Live, Refused, Rung, SensorError, seed};
use sekisho_trace::event::EventCode;
use sekisho_trace::state::{Bounds, Counters, Machine, State};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After a loss `/proc` is read again, but not more often than this.
const SEED_AGAIN: Duration = Duration::from_secs(5);
/// Bytes of the ring for programs and processes, at least.
const LEAST_PRIORITY: u32 = 1 << 22;
/// How many containers are remembered as known.
const CONTAINERS: usize = 16_384;
/// How many programs of a container are waited for until its engine has written all about it.
const LOOKS: u8 = 8;
/// How many reasons are kept why something of a container is not known.
const REASONS: usize = 100;

/// How a host is watched.
#[derive(Debug)]
pub struct Options {
    /// By which rules.
    pub rules: Arc<RuleSet>,
    /// Which of them.
    pub selection: Selection,
    /// Which of several that match alert.
    pub matching: Matching,
    /// Whether rules about everything get calls too that are very frequent.
    pub all_events: bool,
    /// What is asked of the host beside what the rules ask, by whoever looks on.
    pub also: Option<Demand>,
    /// Whether every call is told.
    pub every_call: bool,
    /// Bytes of the ring for everything but programs and processes: a power of two, at least 4096. These have one of a quarter of
    /// that, and of 4 MiB at least.
    pub ring: u32,
    /// The name of the host, for alerts.
    pub hostname: String,
    /// What bounds files that engines have written.
    pub limits: Limits,
}

/// What was seen so far, and what was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Events that were judged.
    pub events: u64,
    /// Events that the kernel had no room for.
    pub lost: u64,
    /// How many times the state was made anew from `/proc` after a loss.
    pub seeded: u64,
    /// Events whose cgroup could not be told, so that it is not known which container they are of.
    pub unattributed: u64,
    /// Containers of which something is not known, and why; of very many only the first ones.
    pub unknown: Vec<Diagnostic>,
    /// What the kernel told, held back and lost, by kind; empty on the lowest rung, which cannot say.
    pub accounts: Vec<Account>,
    /// What the state had to forget.
    pub counters: Counters,
    /// Since the last run nothing was watched; `None` if there was none, or nobody asked ([`Host::keep`]).
    pub gap: Option<Gap>,
}

/// How rules are asked, whichever they are.
#[derive(Debug)]
struct Ways {
    selection: Selection,
    matching: Matching,
    all_events: bool,
    every_call: bool,
}

impl Ways {
    /// What rules and whoever looks on demand, and what the kernel is asked for.
    fn asked(&self, rules: &RuleSet, also: Option<Demand>) -> (Demand, Asked) {
        let mut demand = Demand::of(rules, &self.selection, &|code| !self.all_events && ask::is_frequent(code));
        if let Some(also) = also {
            demand.join(also);
        }
        let mut asked = Asked::of(&demand);
        if self.every_call || self.all_events && !demand.of_everything.is_empty() {
            asked = Asked { interest: sekisho_sensor::Interest::all(), ..Asked::default() };
        }
        (demand, asked)
    }
}

/// A host under watch. Dropping it takes everything out of the kernel.
pub struct Host {
    live: Live,
    state: State,
    watch: Watch,
    asked: Asked,
    ways: Ways,
    /// Rules that ask for no type of events in particular.
    of_everything: Vec<usize>,
    /// What engines have written about containers; nothing if the host's root cannot be read.
    engines: Option<Engines>,
    /// Containers that the state was told of.
    known: HashSet<String>,
    /// Containers of which something was not there yet, by cgroup, with how many times that was looked for.
    waiting: HashMap<u64, (String, Runs, u8)>,
    accounts: InContainers,
    unknown: Vec<Diagnostic>,
    /// What acts on alerts, if anything is to.
    responder: Option<Responder>,
    /// What records them, likewise.
    recorder: Option<Recorder>,
    /// What is in images, to tell what of it is used, likewise.
    images: Option<(Images, u64)>,
    /// What tells the next run how far this one came, likewise.
    mark: Option<Mark>,
    gap: Option<Gap>,
    lost: u64,
    seeded: u64,
    /// When `/proc` was read, and whether something was lost since.
    looked: Instant,
    uncertain: bool,
}

impl Host {
    /// Begins to watch, with what runs already.
    pub fn start(options: Options) -> Result<Self, Refused> {
        let Options { rules, selection, matching, all_events, also, every_call, ring, hostname, limits } = options;
        let ways = Ways { selection, matching, all_events, every_call };
        let (demand, asked) = ways.asked(&rules, also);
        let sensor = sekisho_sensor::Options {
            interest: asked.interest.clone(),
            filters: asked.filters.clone(),
            // A quarter of the other, so that whoever gives much gives much of both.
            priority_ring: (ring / 4).max(LEAST_PRIORITY),
            bulk_ring: ring,
            ..sekisho_sensor::Options::default()
        };
        let mut live = Live::start(&sensor)?;
        let mut state = State::new(Bounds::default());
        state.set_exit_only(true);
        state.set_files_noted_only(!asked.all_files);
        let boot = live.boot();
        state.set_machine(Machine { name: hostname.clone().into_bytes(), boot, ..Machine::default() });
        accounts::tell(&mut state);
        state.set_accounts_awaited();
        for (field, reason) in live.blind() {
            state.set_blind(field, reason);
        }
        seed(&mut state, live.cgroups(), boot);
        let (engines, unknown) = match Engines::of_host(Path::new("/"), &limits) {
            Ok((engines, unknown)) => (Some(engines), unknown),
            Err(_) => (None, Vec::new()),
        };
        let watch = Watch::new(Engine::new(rules, &ways.selection, matching), &hostname);
        Ok(Self {
            live,
            state,
            watch,
            asked,
            ways,
            of_everything: demand.of_everything,
            engines,
            known: HashSet::new(),
            waiting: HashMap::new(),
            accounts: InContainers::default(),
            unknown,
            responder: None,
            recorder: None,
            images: None,
            mark: None,
            gap: None,
            lost: 0,
            seeded: 0,
            looked: Instant::now(),
            uncertain: false,
        })
    }

    /// Judges by other rules from the next event on. The kernel goes on telling meanwhile, and what it told already is judged by
    /// the new ones.
    pub fn reload(&mut self, rules: Arc<RuleSet>, also: Option<Demand>) -> Result<(), SensorError> {
        let (demand, asked) = self.ways.asked(&rules, also);
        self.live.ask(&asked.interest, &asked.filters)?;
        self.state.set_files_noted_only(!asked.all_files);
        // What was opened while nobody followed it.
        self.uncertain |= asked.all_files && !self.asked.all_files;
        self.watch.replace(Engine::new(rules, &self.ways.selection, self.ways.matching));
        self.asked = asked;
        self.of_everything = demand.of_everything;
        Ok(())
    }

    /// How much is seen.
    pub fn rung(&self) -> Rung {
        self.live.rung()
    }

    /// What cannot be seen, and why, each in words.
    pub fn missing(&self) -> Vec<String> {
        self.live.missing()
    }

    /// What the kernel was asked for.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Rules that ask for no type of events in particular, by place in their set: unless all events were asked for, they
    /// see only what is not very frequent or what others ask for.
    pub fn of_everything(&self) -> &[usize] {
        &self.of_everything
    }

    /// What of each rule works here.
    pub fn coverage(&self) -> Vec<Coverage> {
        let blind = self.live.blind();
        let reason = |field| blind.iter().find(|(blind, _)| *blind == field).map(|(_, reason)| *reason);
        coverage(self.watch.engine().rules(), &reason, &|code: EventCode| self.live.tells(code))
    }

    /// The rules, with what they gave.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What was seen so far, and what was not.
    pub fn seen(&mut self) -> Result<Seen, SensorError> {
        let accounts = match &self.live {
            Live::Sensor(sensor) => sensor.account()?,
            Live::Fallback(..) => Vec::new(),
        };
        Ok(Seen {
            events: self.watch.events(),
            lost: self.lost,
            seeded: self.seeded,
            unattributed: self.live.cgroups().unknown(),
            unknown: self.unknown.clone(),
            accounts,
            counters: self.state.counters(),
            gap: self.gap,
        })
    }

    /// Keeps a mark in `directory` from now on, by which the next run tells what it missed. What was missed before this one, or
    /// why that is not known; the error is that no mark is kept.
    pub fn keep(&mut self, directory: &Path) -> Result<Result<Option<Gap>, MarkError>, MarkError> {
        let (at, now, boot) = (sekisho_sensor::since_boot(), sekisho_sensor::now(), mark::boot());
        let (mark, gap) = Mark::keep(directory, Moment { boot: &boot, at, now })?;
        self.mark = Some(mark);
        self.gap = gap.as_ref().ok().copied().flatten();
        Ok(gap)
    }

    /// Notes that watching ends since it was told to.
    pub fn stopped(&mut self) {
        if let Some(mark) = self.mark.take() {
            mark.stopped(sekisho_sensor::since_boot(), sekisho_sensor::now());
        }
    }

    /// Records alerts from now on. For this the kernel has to tell of all files that are opened and closed, which whoever
    /// starts the host asks for ([`Options::also`]).
    pub fn record(&mut self, how: Recording) {
        let recorder = self.recorder.insert(Recorder::new(how, Bounds::default()));
        let boot = self.live.boot();
        tell_before(recorder.before(), &self.state, &mut self.live, boot);
    }

    /// What came of recording; captures that are not over are ended.
    pub fn end_recording(&mut self) -> Option<Recorded> {
        let recorder = self.recorder.as_mut()?;
        recorder.finish();
        Some(recorder.account())
    }

    /// Tells from now on what of these images is in use. For this the kernel has to tell of all files that are opened, which whoever
    /// starts the host asks for ([`Options::also`]).
    pub fn join(&mut self, images: Images) {
        self.images = Some((images, sekisho_sensor::now()));
    }

    /// What was in use since, if anybody asked.
    pub fn in_use(&self, hostname: &str) -> Option<InUseReport> {
        let (images, from) = self.images.as_ref()?;
        let moment = |time: u64| Timestamp::from_nanosecond(time.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        let (images, without_inventory) = images.in_use();
        Some(InUseReport {
            schema: IN_USE_SCHEMA.to_owned(),
            host: hostname.to_owned(),
            from: moment(*from),
            to: moment(sekisho_sensor::now()),
            lost: self.lost,
            images,
            without_inventory,
        })
    }

    /// Acts as a plan says from now on. What of it cannot be done here, and why, each in words.
    pub fn respond(&mut self, plan: Plan, limits: &Limits) -> Vec<String> {
        let Self { live, engines, .. } = self;
        let responder = self.responder.insert(Responder::new(plan, limits));
        // What runs already may do nothing for long that would tell of it.
        for cgroup in live.cgroups().of_containers() {
            if let (Some((id, runs)), Some(engines)) = (&cgroup.container, &engines) {
                responder.container(&engines.find(id, *runs).0, &cgroup.path, None);
            }
        }
        responder.missing()
    }

    /// What was done since this was last asked, beside answering alerts.
    pub fn records(&mut self) -> Vec<Record> {
        self.responder.as_mut().map_or_else(Vec::new, Responder::records)
    }

    /// What was done so far, if anything is to be.
    pub fn responses(&self) -> Option<Responses> {
        self.responder.as_ref().map(Responder::responses)
    }

    /// Of how much that was denied, or would have been, nothing could be told, since too much came at once.
    pub fn untold(&self) -> u64 {
        self.responder.as_ref().map_or(0, Responder::untold)
    }

    /// How much was let through that should have been decided whether to deny it.
    pub fn undecided(&self) -> u64 {
        self.responder.as_ref().map_or(0, Responder::undecided)
    }

    /// Waits until something happens or `timeout` is over, judges all there is, and calls `each` with the alerts, until
    /// that wants no more. `observer` sees every event that is judged.
    pub fn poll(
        &mut self,
        timeout: Duration,
        observer: &mut dyn Observer,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SensorError> {
        // What happened until here is judged when this is over.
        let (at, now) = (sekisho_sensor::since_boot(), sekisho_sensor::now());
        let Self {
            live,
            state,
            watch,
            engines,
            known,
            waiting,
            accounts,
            unknown,
            responder,
            recorder,
            images,
            lost,
            uncertain,
            ..
        } = self;
        let timeout = responder.as_ref().and_then(Responder::next).map_or(timeout, |next| timeout.min(next));
        let mut flow = ControlFlow::Continue(());
        // When the last event was, by a clock that is never set.
        let mut last = at;
        live.poll(timeout, &mut |item| match item {
            Item::Event(event, told, files) => {
                // What is left of the batch is not judged any more, as nothing after it will be.
                if flow.is_break() {
                    return;
                }
                let is_program = event.code == EventCode::EXECVE_19_X;
                if let Some((id, runs, looks)) = waiting.get_mut(&told.cgroup)
                    && (*looks == 0 || is_program)
                {
                    *looks += 1;
                    let (container, reasons) = match engines {
                        Some(engines) => engines.find(id, *runs),
                        None => (RunningContainer::of_id(id), Vec::new()),
                    };
                    let done = is_whole(&container) || *looks >= LOOKS;
                    if let Some(responder) = responder {
                        responder.container_of(&container, &told);
                    }
                    if let Some(recorder) = recorder {
                        recorder.container(&container);
                    }
                    state.add_container(container);
                    if done {
                        let room = REASONS.saturating_sub(unknown.len());
                        unknown.extend(reasons.into_iter().take(room));
                        waiting.remove(&told.cgroup);
                    }
                }
                last = told.at;
                state.set_clock(event.time.wrapping_sub(told.at));
                state.note(event.tid, files);
                state.apply(event);
                accounts.see(state, event.tid, recorder.as_mut().map(Recorder::before));
                if let Some(recorder) = recorder {
                    recorder.see(event, files, told.at);
                }
                let state = &*state;
                if let Some((images, _)) = images {
                    images.see(&state.facts(event));
                }
                flow = watch.see_call(&state.facts(event), observer, &mut |mut alert| {
                    if let Some(responder) = responder {
                        let thread = state.thread(event.tid);
                        let process = thread.map(|thread| String::from_utf8_lossy(&thread.comm).into_owned());
                        let happened = Happened {
                            told,
                            process: process.unwrap_or_default(),
                            container: thread.and_then(|thread| state.container(thread.container()?)),
                        };
                        alert.responses = responder.answer(&alert, &happened);
                    }
                    if let Some((images, _)) = &images
                        && let Some(thread) = state.thread(event.tid)
                        && let Some(container) = thread.container().and_then(|id| state.container(id))
                    {
                        images.label(&mut alert, thread, container);
                    }
                    if let Some(recorder) = recorder {
                        alert.recording = recorder.alert(&alert, event.time, told.at);
                    }
                    each(alert)
                });
            }
            Item::Cgroup(cgroup, path) => {
                if let Some(responder) = responder {
                    responder.note(cgroup, path);
                }
                if let Some((id, engine)) = &path.container
                    && !known.contains(id)
                {
                    if known.len() >= CONTAINERS {
                        known.clear();
                        waiting.clear();
                    }
                    known.insert(id.clone());
                    waiting.insert(cgroup, (id.clone(), *engine, 0));
                }
            }
            Item::Lost(event, number) => {
                state.apply(event);
                if let Some(recorder) = recorder {
                    recorder.see(event, &[], last);
                }
                *lost += number;
                *uncertain = true;
            }
        })?;
        if let Some(recorder) = &mut self.recorder {
            recorder.look(sekisho_sensor::since_boot());
        }
        if self.uncertain && self.looked.elapsed() >= SEED_AGAIN {
            let boot = self.live.boot();
            seed(&mut self.state, self.live.cgroups(), boot);
            if let Some(recorder) = &mut self.recorder {
                tell_before(recorder.begin_anew(Bounds::default()), &self.state, &mut self.live, boot);
            }
            self.uncertain = false;
            self.looked = Instant::now();
            self.seeded += 1;
        }
        if let Some(mark) = &mut self.mark {
            mark.reached(at, now);
        }
        Ok(flow)
    }
}

/// Tells another state what is there.
fn tell_before(before: &mut State, state: &State, live: &mut Live, boot: u64) {
    before.set_exit_only(true);
    if let Some(machine) = state.machine() {
        before.set_machine(machine.clone());
    }
    accounts::tell(before);
    for (id, (users, groups)) in state.accounts() {
        for user in users {
            before.add_user(id, user.clone());
        }
        for group in groups {
            before.add_group(id, group.clone());
        }
    }
    seed(before, live.cgroups(), boot);
    for id in state.containers() {
        if let Some(container) = state.container(id) {
            before.add_container(container.clone());
        }
    }
}

/// Whether an engine has written all that rules ask for most.
pub(crate) fn is_whole(container: &RunningContainer) -> bool {
    let RunningContainer { name, image, no_image, privileged, mounts, .. } = container;
    name.is_some() && (image.is_some() || *no_image) && privileged.is_some() && mounts.is_some()
}
