//! What a plan asks for, done: alerts are answered, and what is not allowed is kept from happening.

use crate::deny::Denier;
use hashbrown::HashMap;
use sekisho_base::Limits;
use sekisho_detect::Alert;
use sekisho_detect::response::{Action, Budget, Ledger, Outcome, Place, Plan, Record, Response, Withheld};
use sekisho_model::RunningContainer;
use sekisho_sensor::{ActError, Cgroup, ContainerGroup, Process, Told, now, sees_host};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many cgroups are remembered.
const CGROUPS: usize = 65_536;
/// The kernel's number for a process that is not there.
const ESRCH: i32 = 3;

/// An event that rules alerted for, as far as it matters to what is done about it.
pub(crate) struct Happened<'a> {
    pub(crate) told: Told,
    /// What its process is called.
    pub(crate) process: String,
    /// The container it was in, if it is known that it was in one.
    pub(crate) container: Option<&'a RunningContainer>,
}

/// Acts as a plan says.
pub(crate) struct Responder {
    plan: Arc<Plan>,
    ledger: Ledger,
    /// Why nothing can be done to processes and containers from here.
    refused: Option<String>,
    cgroups: HashMap<u64, Arc<Cgroup>>,
    /// Containers that were asked to end, and when they are ended.
    ending: Vec<(ContainerGroup, Instant, Record)>,
    began: Instant,
    denier: Option<Denier>,
    /// How often something came of an action.
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// What was done so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responses {
    /// How often, by action and what came of it, as records write both.
    pub counts: BTreeMap<(&'static str, &'static str), u64>,
    /// What of the budget of a minute is used.
    pub budget: Budget,
}

impl Responder {
    pub(crate) fn new(plan: Plan, limits: &Limits) -> Self {
        let ledger = Ledger::new(&plan);
        let plan = Arc::new(plan);
        Self {
            denier: Denier::start(&plan, limits),
            plan,
            ledger,
            refused: sees_host().err().map(|error| error.to_string()),
            cgroups: HashMap::new(),
            ending: Vec::new(),
            began: Instant::now(),
            counts: BTreeMap::new(),
        }
    }

    /// What of the plan cannot be done here, and why, each in words.
    pub(crate) fn missing(&self) -> Vec<String> {
        let refused = self.refused.iter().filter(|_| !self.plan.responses.is_empty());
        let refused = refused.map(|why| format!("every response: {why}"));
        refused.chain(self.denier.iter().flat_map(Denier::missing)).collect()
    }

    /// Takes note of a cgroup.
    pub(crate) fn note(&mut self, id: u64, cgroup: &Arc<Cgroup>) {
        if self.cgroups.len() >= CGROUPS {
            self.cgroups.clear();
        }
        self.cgroups.insert(id, Arc::clone(cgroup));
    }

    /// Takes note of what is known of a container of which `path` is a cgroup, and `pid` a process.
    pub(crate) fn container(&mut self, container: &RunningContainer, path: &str, pid: Option<u32>) {
        if let Some(denier) = &self.denier {
            denier.container(container, path, pid);
        }
    }

    /// The same for a process in a cgroup that was noted.
    pub(crate) fn container_of(&mut self, container: &RunningContainer, told: &Told) {
        if let Some(cgroup) = self.cgroups.get(&told.cgroup).map(Arc::clone) {
            self.container(container, &cgroup.path, Some(told.pid));
        }
    }

    /// Of how much that was denied nothing could be told.
    pub(crate) fn untold(&self) -> u64 {
        self.denier.as_ref().map_or(0, Denier::untold)
    }

    /// How much was let through that should have been decided whether to deny it.
    pub(crate) fn undecided(&self) -> u64 {
        self.denier.as_ref().map_or(0, Denier::undecided)
    }

    /// Answers an alert.
    pub(crate) fn answer(&mut self, alert: &Alert, happened: &Happened<'_>) -> Vec<Record> {
        let plan = Arc::clone(&self.plan);
        let answering = plan.responses.iter().filter(|response| response.answers(alert));
        let records: Vec<Record> = answering.filter_map(|response| self.one(response, alert, happened)).collect();
        self.count(&records);
        records
    }

    fn count(&mut self, records: &[Record]) {
        for record in records {
            *self.counts.entry((record.action, record.outcome.as_str())).or_default() += 1;
        }
    }

    /// What was done so far.
    pub(crate) fn responses(&self) -> Responses {
        Responses { counts: self.counts.clone(), budget: self.ledger.budget(self.elapsed()) }
    }

    /// Nanoseconds since it began, by a clock that is never set.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn one(&mut self, response: &Response, alert: &Alert, happened: &Happened<'_>) -> Option<Record> {
        let cgroup = self.cgroups.get(&happened.told.cgroup).map(Arc::clone);
        let within = cgroup.as_ref().map(|cgroup| cgroup.container.as_ref());
        let of_id;
        let place = match (within, happened.container) {
            (None, _) => Place::Unknown,
            (Some(None), _) => Place::Host,
            (Some(Some(_)), Some(container)) => Place::Container(container),
            (Some(Some((id, _))), None) => {
                of_id = RunningContainer::of_id(id);
                Place::Container(&of_id)
            }
        };
        let scope = response.scope.has(place);
        if scope == Ok(false)
            || matches!((place, response.action), (Place::Host, action) if action != Action::KillProcess)
        {
            return None;
        }
        let mut record = Record {
            response: Arc::clone(&response.name),
            action: response.action.as_str(),
            time: alert.time,
            pid: happened.told.pid,
            process: happened.process.clone(),
            container: match place {
                Place::Container(container) => Some(container.id.clone()),
                Place::Host | Place::Unknown => None,
            },
            target: None,
            outcome: Outcome::Withheld(Withheld::DryRun),
        };
        record.outcome = match (scope, &self.refused) {
            (Err(why), _) => Outcome::Withheld(Withheld::Unknown(why)),
            (Ok(_), Some(why)) => Outcome::Failed(why.clone(), 0),
            (Ok(_), None) if response.action == Action::KillProcess => self.end_process(&happened.told),
            (Ok(_), None) => match within.flatten().zip(cgroup.as_ref()) {
                Some(((id, _), cgroup)) => self.act_on_container(response.action, id, &cgroup.path, &mut record),
                None => Outcome::Withheld(Withheld::Unknown("it is not known which container it is in")),
            },
        };
        Some(record)
    }

    fn end_process(&mut self, told: &Told) -> Outcome {
        let process = match Process::open(told.pid, told.at) {
            Ok(process) => process,
            Err(error) => return outcome_of(error),
        };
        let key = process.key();
        self.done(Action::KillProcess, &key, || process.kill().map(|()| String::new()))
    }

    fn act_on_container(&mut self, action: Action, id: &str, path: &str, record: &mut Record) -> Outcome {
        let group = match ContainerGroup::find(path, id) {
            Ok(group) => group,
            Err(error) => return outcome_of(error),
        };
        let place = group.place().display().to_string();
        let outcome = self.done(action, id, || match action {
            Action::KillProcess | Action::KillContainer => group.kill().map(|how| format!("by {how}")),
            Action::StopContainer => group.terminate().map(|()| "it was asked to end".to_owned()),
            Action::PauseContainer => group.pause().map(|()| format!("it is frozen by {place}")),
        });
        if action == Action::StopContainer && matches!(outcome, Outcome::Done(_)) {
            record.outcome = outcome.clone();
            self.ending.push((group, Instant::now() + self.plan.grace, record.clone()));
        }
        outcome
    }

    /// Does something, if the plan and its budget allow it.
    fn done(&mut self, action: Action, key: &str, act: impl FnOnce() -> Result<String, ActError>) -> Outcome {
        match self.ledger.admit(action, key, self.elapsed()) {
            Err(why) => Outcome::Withheld(why),
            Ok(()) => act().map_or_else(
                |error| {
                    self.ledger.failed(action, key);
                    outcome_of(error)
                },
                Outcome::Done,
            ),
        }
    }

    /// What was done since, beside answering alerts.
    pub(crate) fn records(&mut self) -> Vec<Record> {
        let over = Instant::now();
        let mut told = self.denier.as_ref().map_or_else(Vec::new, Denier::records);
        self.ending.retain(|(group, when, record)| {
            let ended = group.is_over();
            if !ended && over < *when {
                return true;
            }
            if !ended {
                let how = |how| Outcome::Done(format!("it did not end in time, and was ended by {how}"));
                told.push(Record { time: now(), outcome: group.kill().map_or_else(outcome_of, how), ..record.clone() });
            }
            false
        });
        self.count(&told);
        told
    }

    /// When the next thing has to be done that nothing announces.
    pub(crate) fn next(&self) -> Option<Duration> {
        let first = self.ending.iter().map(|(_, when, _)| *when).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    }
}

/// What came of something that was not done.
fn outcome_of(error: ActError) -> Outcome {
    match error {
        ActError::Spared(why) => Outcome::Withheld(Withheld::Spared(why)),
        ActError::Gone(why) => Outcome::Failed(why.to_owned(), ESRCH),
        refused @ ActError::Refused { .. } => Outcome::Failed(refused.to_string(), refused.errno()),
    }
}
