//! What is outside of locked baselines.

use super::Bounds;
use super::deeds::{Questions, Sight, call_deed, program};
use super::learn::{is_program, made, moment};
use super::set::{contains, contains_program};
use crate::watch::Observer;
use hashbrown::{HashMap, HashSet};
use sekisho_model::{
    Baseline, BaselineKind, BaselineState, Baselines, DRIFT_SCHEMA, Deed, DriftReport, NotCompared, Outside, Sightings,
};
use sekisho_trace::state::{State, Thread};
use sekisho_trace::{Event, EventCode as E, SyscallFacts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Compares what containers do with baselines.
#[derive(Debug)]
pub struct Drift {
    baselines: HashMap<(Option<String>, String), Baseline>,
    bounds: Bounds,
    questions: Questions,
    /// Whether any baseline knows calls.
    calls: bool,
    /// Whether what runs in no container is compared.
    host: bool,
    /// Processes that were looked at, by container.
    seen: HashSet<(String, i64)>,
    outside: BTreeMap<(Option<String>, String, Deed), Sightings>,
    more: u64,
    unknown: BTreeMap<(Option<String>, String, String), u64>,
    compared: u64,
    sights: Vec<Sight>,
    latest: Vec<(Deed, Result<bool, String>)>,
}

impl Drift {
    /// Compares with these.
    pub fn new(baselines: Baselines, bounds: Bounds) -> Self {
        let key = |baseline: Baseline| ((baseline.image.clone(), baseline.container.clone()), baseline);
        let baselines: HashMap<_, _> = baselines.baselines.into_iter().map(key).collect();
        let host = baselines.contains_key(&(None, "host".to_owned()));
        let calls = baselines.values().any(|baseline| baseline.learned.contains(&BaselineKind::Calls));
        Self {
            baselines,
            bounds,
            calls,
            questions: Questions::new(),
            host,
            seen: HashSet::new(),
            outside: BTreeMap::new(),
            more: 0,
            unknown: BTreeMap::new(),
            compared: 0,
            sights: Vec::new(),
            latest: Vec::new(),
        }
    }

    /// Whether any of the baselines knows calls, so that all have to be told.
    pub fn needs_calls(&self) -> bool {
        self.calls
    }

    /// What was done in the event that was seen last, with whether a locked baseline has it, or why that cannot be told.
    pub fn latest(&self) -> &[(Deed, Result<bool, String>)] {
        &self.latest
    }

    /// The locked baseline of a container, or why there is none.
    fn baseline(&self, image: Option<&str>, container: &str) -> Result<&Baseline, &'static str> {
        let find = |container: &str| self.baselines.get(&(image.map(str::to_owned), container.to_owned()));
        let found = find(container).or_else(|| image.and_then(|_| find("*"))).ok_or("it has no baseline")?;
        if found.state == BaselineState::Locked { Ok(found) } else { Err("its baseline is not locked") }
    }

    /// What was found so far.
    pub fn report(&self) -> DriftReport {
        let outside = self.outside.iter().map(|((image, container, deed), evidence)| Outside {
            image: image.clone(),
            container: container.clone(),
            deed: deed.clone(),
            evidence: evidence.clone(),
        });
        let unknown = self.unknown.iter().map(|((image, container, reason), times)| NotCompared {
            image: image.clone(),
            container: container.clone(),
            reason: reason.clone(),
            times: *times,
        });
        DriftReport {
            schema: DRIFT_SCHEMA.to_owned(),
            outside: outside.collect(),
            more: self.more,
            unknown: unknown.collect(),
            compared: self.compared,
        }
    }

    /// Notes something that was compared.
    fn note(&mut self, who: &Who<'_>, deed: &Deed, verdict: Option<bool>) {
        match verdict {
            Some(true) => {}
            Some(false) => {
                let key = (who.image.clone(), who.container.clone(), deed.clone());
                let now = moment(who.event.time);
                let by = BTreeMap::from([(who.id.to_owned(), 1)]);
                let alerts: BTreeSet<String> = who.rules.iter().map(ToString::to_string).collect();
                if let Some(known) = self.outside.get_mut(&key) {
                    let times = known.by.get(who.id).copied().unwrap_or_default() + 1;
                    let by = BTreeMap::from([(who.id.to_owned(), times)]);
                    self.bounds.see(known, Sightings { first: now, last: now, by, alerts });
                } else if self.outside.len() < self.bounds.entries {
                    self.outside.insert(key, Sightings { first: now, last: now, by, alerts });
                } else {
                    self.more += 1;
                }
            }
            None => {
                self.not_compared(who, cannot_say(deed));
            }
        }
    }

    fn not_compared(&mut self, who: &Who<'_>, reason: String) {
        let key = (who.image.clone(), who.container.clone(), reason);
        if self.unknown.len() < self.bounds.entries || self.unknown.contains_key(&key) {
            *self.unknown.entry(key).or_default() += 1;
        }
    }
}

fn cannot_say(deed: &Deed) -> String {
    format!("its baseline cannot say which {} are outside", deed.kind().as_str())
}

/// Whom an event is of.
struct Who<'a> {
    image: Option<String>,
    container: String,
    id: &'a str,
    event: &'a Event<'a>,
    rules: &'a [Arc<str>],
}

/// Image and name of the container that a process is in.
fn named(state: &State, thread: &Thread) -> (Option<String>, String) {
    let Some(id) = thread.container() else { return (None, "host".to_owned()) };
    let container = state.container(id);
    let name = container.and_then(|container| container.name.clone()).unwrap_or_else(|| id.to_owned());
    (container.and_then(|container| container.image.clone()), name)
}

impl Observer for Drift {
    fn see(&mut self, facts: &SyscallFacts<'_>, rules: &[Arc<str>]) {
        self.latest.clear();
        let Some(thread) = facts.thread().filter(|thread| thread.is_known()) else { return };
        let id = match &thread.cgroups.container {
            Some((_, full, _)) => full,
            None if self.host => "host",
            None => return,
        };
        let sandbox = thread.container().and_then(|id| facts.state().container(id)).is_some_and(|of| of.sandbox);
        if sandbox || thread.came_from_outside() {
            return;
        }
        let event = facts.event();
        let mut sights = std::mem::take(&mut self.sights);
        sights.clear();
        self.questions.ask(facts, &mut sights);
        if self.seen.len() >= 16 * self.bounds.containers {
            self.seen.clear();
        }
        let is_new = !self.seen.contains(&(id.to_owned(), thread.pid)) && self.seen.insert((id.to_owned(), thread.pid));
        let runs = sights.iter().any(is_program);
        if is_new && !runs {
            sights.push(program(facts.state(), thread, Sight::Runs));
        }
        let call = if self.calls { made(event) } else { None };
        if matches!(event.code, E::PROCEXIT_E | E::PROCEXIT_1_E) {
            self.seen.remove(&(id.to_owned(), thread.pid));
        }
        if sights.is_empty() && call.is_none() {
            self.sights = sights;
            return;
        }
        let (image, container) = named(facts.state(), thread);
        let who = Who { image, container, id, event, rules };
        let baseline = match self.baseline(who.image.as_deref(), &who.container) {
            Ok(baseline) => baseline,
            Err(reason) => {
                if !sights.is_empty() {
                    self.not_compared(&who, reason.to_owned());
                }
                for sight in sights.drain(..) {
                    if let Sight::Did(deed) = sight {
                        self.latest.push((deed, Err(reason.to_owned())));
                    }
                }
                self.sights = sights;
                return;
            }
        };
        let mut verdicts: Vec<(Deed, Option<bool>)> = Vec::new();
        let mut unknown: Vec<String> = Vec::new();
        for sight in sights.drain(..) {
            match sight {
                Sight::Did(deed) => {
                    let verdict = contains(baseline, &deed);
                    verdicts.push((deed, verdict));
                }
                Sight::Runs(program) => {
                    let verdict = contains_program(baseline, &program);
                    verdicts.push((Deed::Processes(program), verdict));
                }
                Sight::Unknown(kind, why) => unknown.push(format!("{}: {why}", kind.as_str())),
            }
        }
        // Where calls were not learned nothing is said of each.
        if baseline.learned.contains(&BaselineKind::Calls)
            && let Some(name) = call
        {
            let deed = call_deed(name);
            let verdict = contains(baseline, &deed);
            verdicts.push((deed, verdict));
        }
        self.compared += verdicts.len() as u64;
        for (deed, verdict) in verdicts {
            self.note(&who, &deed, verdict);
            let verdict = verdict.ok_or_else(|| cannot_say(&deed));
            self.latest.push((deed, verdict));
        }
        for reason in unknown {
            self.not_compared(&who, reason);
        }
        self.sights = sights;
    }
}
