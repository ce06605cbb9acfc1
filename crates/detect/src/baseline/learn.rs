//! Learning what containers do.

use super::deeds::{Questions, Sight, call, call_deed, is_absurd, program};
use super::{Bounds, contains, join, set::JoinError};
use crate::watch::Observer;
use hashbrown::{HashMap, HashSet};
use jiff::Timestamp;
use sekisho_model::{Baseline, BaselineKind, Baselines, Deed, ProcessDeed, Replica, RunningContainer, Sightings};
use sekisho_trace::event::EventCode as E;
use sekisho_trace::field::Unknown;
use sekisho_trace::{Event, SyscallFacts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Processes of one container that are remembered as seen.
const PROCESSES: usize = 65_536;
/// What an entry takes beside its texts, about.
const ENTRY: usize = 256;
/// What is not of a container.
const HOST: &str = "host";

/// What was not learned, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotLearned {
    /// Events of processes that are not known.
    pub strangers: u64,
    /// Events of containers that there was no room for.
    pub crowded: u64,
    /// What was done and cannot be told, by kind and reason.
    pub unknown: BTreeMap<(&'static str, String), u64>,
}

/// One container, and what it does.
#[derive(Debug)]
struct Profile {
    baseline: Baseline,
    /// Its id, by which entries name it.
    id: String,
    first: u64,
    last: u64,
    events: u64,
    /// What its entries take, about.
    bytes: usize,
    /// The processes that were looked at.
    seen: HashSet<i64>,
    /// Calls, with when they were first and last made, and how often.
    calls: HashMap<&'static str, (u64, u64, u64)>,
    ended: bool,
    /// Whether it is to be left out: it only holds the namespaces of a pod.
    sandbox: bool,
}

/// Learns from events, container by container; [`Learner::finish`] makes baselines of it.
#[derive(Debug)]
pub struct Learner {
    bounds: Bounds,
    window_seconds: u64,
    hostname: String,
    host: bool,
    calls: bool,
    questions: Questions,
    profiles: HashMap<String, Profile>,
    /// Of containers that are gone.
    done: Baselines,
    bytes: usize,
    lost: u64,
    /// When the last event was, of whatever.
    latest: u64,
    /// When the machine was started, by the clock as it was at first.
    boot: Option<u64>,
    not_learned: NotLearned,
    sights: Vec<Sight>,
}

impl Learner {
    /// Learns on this host; `calls` says whether every call is told, `host` whether what runs in no container is learned.
    pub fn new(bounds: Bounds, window_seconds: u64, hostname: &str, calls: bool, host: bool) -> Self {
        Self {
            bounds,
            window_seconds,
            hostname: hostname.to_owned(),
            host,
            calls,
            questions: Questions::new(),
            profiles: HashMap::new(),
            done: Baselines::default(),
            bytes: 0,
            lost: 0,
            latest: 0,
            boot: None,
            not_learned: NotLearned::default(),
            sights: Vec::new(),
        }
    }

    /// Says how many events were lost until now.
    pub fn set_lost(&mut self, lost: u64) {
        self.lost = lost;
    }

    /// What could not be learned.
    pub fn not_learned(&self) -> &NotLearned {
        &self.not_learned
    }

    /// The baselines. What still runs was watched until the last event of all.
    pub fn finish(mut self) -> Result<(Baselines, NotLearned), JoinError> {
        for (_, mut profile) in std::mem::take(&mut self.profiles) {
            if !profile.ended {
                profile.last = profile.last.max(self.latest);
            }
            self.fold(profile)?;
        }
        Ok((self.done, self.not_learned))
    }

    /// Puts what was learned of a container to the baseline of its image and name.
    fn fold(&mut self, profile: Profile) -> Result<(), JoinError> {
        let Profile { mut baseline, id, first, last, events, bytes, calls, sandbox, .. } = profile;
        self.bytes = self.bytes.saturating_sub(bytes);
        if sandbox {
            return Ok(());
        }
        for (name, (first, last, times)) in calls {
            let by = BTreeMap::from([(id.clone(), times)]);
            let seen = Sightings { first: moment(first), last: moment(last), by, alerts: BTreeSet::new() };
            self.bounds.add(&mut baseline, call_deed(name), seen);
        }
        let host = self.hostname.clone();
        let replica = Replica { host, first: moment(first), last: moment(last), events, lost: self.lost };
        baseline.replicas.insert(id, replica);
        let key = |baseline: &Baseline| (baseline.image.clone(), baseline.container.clone());
        let wanted = key(&baseline);
        match self.done.baselines.binary_search_by(|known| key(known).cmp(&wanted)) {
            Ok(at) => {
                let known = self.done.baselines.remove(at);
                let before = known.entries().count();
                let sum = join(known, baseline, &self.bounds)?;
                // What was there already takes no more.
                self.bytes += sum.entries().count().saturating_sub(before) * ENTRY;
                self.done.baselines.insert(at, sum);
            }
            Err(_) if self.done.baselines.len() >= self.bounds.baselines => self.done.incomplete = true,
            Err(at) => {
                self.bytes += bytes;
                self.done.baselines.insert(at, baseline);
            }
        }
        Ok(())
    }

    /// Makes room by putting away containers that have ended.
    fn make_room(&mut self) {
        let ended: Vec<String> =
            self.profiles.iter().filter(|(_, profile)| profile.ended).map(|(id, _)| id.clone()).collect();
        for id in ended {
            if let Some(profile) = self.profiles.remove(&id)
                && self.fold(profile).is_err()
            {
                self.done.incomplete = true;
            }
        }
    }

    /// When an event was, by the clock as it was at first: one that is set meanwhile makes no time longer or shorter.
    fn time(&mut self, facts: &SyscallFacts<'_>) -> u64 {
        let (time, boot) = (facts.event().time, facts.state().machine().map_or(0, |machine| machine.boot));
        let first = *self.boot.get_or_insert(boot);
        if first == 0 || boot == 0 { time } else { time.wrapping_sub(boot).wrapping_add(first) }
    }

    /// The container of an event, if it is learned from.
    fn profile(&mut self, facts: &SyscallFacts<'_>, time: u64) -> Option<String> {
        let Some(thread) = facts.thread().filter(|thread| thread.is_known()) else {
            self.not_learned.strangers += 1;
            return None;
        };
        let (short, full) = match &thread.cgroups.container {
            Some((short, full, _)) => (&**short, Some(&**full)),
            None if self.host => (HOST, None),
            None => return None,
        };
        if thread.came_from_outside() {
            return None;
        }
        if !self.profiles.contains_key(short) {
            if self.profiles.len() >= self.bounds.containers {
                self.make_room();
            }
            if self.profiles.len() >= self.bounds.containers {
                self.not_learned.crowded += 1;
                self.done.incomplete = true;
                return None;
            }
            let mut baseline = Baseline::new(None, short.to_owned());
            baseline.window_seconds = self.window_seconds;
            baseline.learned.extend(BaselineKind::ALL);
            if !self.calls {
                baseline.learned.remove(&BaselineKind::Calls);
            }
            let profile = Profile {
                baseline,
                id: full.unwrap_or(&self.hostname).to_owned(),
                first: time,
                last: time,
                events: 0,
                bytes: 0,
                seen: HashSet::new(),
                calls: HashMap::new(),
                ended: false,
                sandbox: false,
            };
            self.profiles.insert(short.to_owned(), profile);
        }
        Some(short.to_owned())
    }
}

impl Observer for Learner {
    fn see(&mut self, facts: &SyscallFacts<'_>, rules: &[Arc<str>]) {
        let time = self.time(facts);
        self.latest = self.latest.max(time);
        let Some(id) = self.profile(facts, time) else { return };
        let Self { profiles, bounds, questions, sights, not_learned, bytes, calls, .. } = self;
        let (Some(profile), Some(thread)) = (profiles.get_mut(&id), facts.thread()) else { return };
        let event = facts.event();
        if let Some(container) = facts.state().container(&id) {
            name(profile, container);
        }
        profile.events += 1;
        profile.last = profile.last.max(time);
        let now = moment(time);
        sights.clear();
        questions.ask(facts, sights);
        // One that was there before, or was copied; and what a rule tells of marks the program that did it.
        let is_new = profile.seen.len() < PROCESSES && profile.seen.insert(thread.pid);
        let runs = sights.iter().any(is_program);
        if (is_new || !rules.is_empty()) && !runs {
            sights.push(program(facts.state(), thread, Sight::Runs));
        }
        for sight in sights.drain(..) {
            let deed = match sight {
                Sight::Did(deed) => deed,
                Sight::Runs(program) => Deed::Processes(known(&profile.baseline, program)),
                Sight::Unknown(kind, why) => {
                    note(not_learned, kind, why);
                    continue;
                }
            };
            let kind = deed.kind();
            let is_there = contains(&profile.baseline, &deed) == Some(true);
            if is_absurd(&deed) || !is_there && (*bytes >= bounds.bytes || profile.baseline.overflow.contains(&kind)) {
                profile.baseline.overflow.insert(kind);
                continue;
            }
            if !is_there {
                let takes = ENTRY + deed.to_string().len();
                *bytes += takes;
                profile.bytes += takes;
            }
            let by = BTreeMap::from([(profile.id.clone(), times(&profile.baseline, &deed, &profile.id) + 1)]);
            let alerts = rules.iter().map(ToString::to_string).collect();
            bounds.add(&mut profile.baseline, deed, Sightings { first: now, last: now, by, alerts });
        }
        if *calls && let Some(name) = made(event) {
            let known = profile.calls.entry(name).or_insert((time, time, 0));
            *known = (known.0, time, known.2 + 1);
        }
        if matches!(event.code, E::PROCEXIT_E | E::PROCEXIT_1_E) && thread.is_main() {
            profile.seen.remove(&thread.pid);
            profile.ended |= thread.vpid == Some(1) && thread.container().is_some();
        }
    }
}

/// Whether what was seen is about a program.
pub(super) fn is_program(sight: &Sight) -> bool {
    match sight {
        Sight::Did(deed) => deed.kind() == BaselineKind::Processes,
        Sight::Runs(_) => true,
        Sight::Unknown(kind, _) => *kind == BaselineKind::Processes,
    }
}

/// The call that an event tells of leaving.
pub(super) fn made(event: &Event<'_>) -> Option<&'static str> {
    if event.is_enter() { None } else { call(event.info()?, event.name()) }
}

/// A program as it is known already, where it is only known that it runs: its parent may be another since.
fn known(baseline: &Baseline, program: ProcessDeed) -> ProcessDeed {
    let least = ProcessDeed { path: program.path.clone(), parent: None, uid: None };
    let same = baseline.processes.range(least..).map(|(deed, _)| deed).take_while(|deed| deed.path == program.path);
    let known = same.into_iter().find(|deed| deed.uid == program.uid).cloned();
    known.unwrap_or(program)
}

/// How many times something was done in a container.
fn times(baseline: &Baseline, deed: &Deed, id: &str) -> u64 {
    let seen = match deed {
        Deed::Processes(deed) => baseline.processes.get(deed),
        Deed::Ports(deed) => baseline.ports.get(deed),
        Deed::Peers(deed) => super::set::peer(&baseline.peers, deed).and_then(|deed| baseline.peers.get(&deed)),
        Deed::Files(deed) => super::set::file(&baseline.files, deed).and_then(|deed| baseline.files.get(&deed)),
        Deed::Calls(deed) => baseline.calls.get(deed),
    };
    seen.and_then(|seen| seen.by.get(id)).copied().unwrap_or_default()
}

fn note(not_learned: &mut NotLearned, kind: BaselineKind, why: Unknown) {
    *not_learned.unknown.entry((kind.as_str(), why.to_string())).or_default() += 1;
}

/// Names a baseline by what is known of its container by now.
fn name(profile: &mut Profile, container: &RunningContainer) {
    let RunningContainer { name, image, image_digest, sandbox, .. } = container;
    profile.sandbox = *sandbox;
    if profile.baseline.image != *image {
        profile.baseline.image.clone_from(image);
    }
    if let Some(name) = name
        && profile.baseline.container != *name
    {
        profile.baseline.container.clone_from(name);
    }
    if let Some(digest) = image_digest
        && !profile.baseline.image_digests.contains(digest)
    {
        profile.baseline.image_digests.insert(digest.clone());
    }
}

/// A moment of an event; one that no calendar has is none that was recorded.
pub(super) fn moment(nanoseconds: u64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}
