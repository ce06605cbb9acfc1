//! Events in, alerts out.

use crate::alert::Alert;
use crate::engine::Engine;
use crate::load::Rule;
use hashbrown::HashMap;
use sekisho_trace::audit;
use sekisho_trace::field::{Facts, Scalar, Value};
use sekisho_trace::scap::Replay;
use sekisho_trace::{AuditEvent, Field, SyscallFacts};
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Looks at events beside the rules: what learns from them, or compares them with something else.
pub trait Observer {
    /// Looks at a system call. `rules` are those that alert for it.
    fn see(&mut self, facts: &SyscallFacts<'_>, rules: &[Arc<str>]);

    /// Looks at an audit event.
    fn see_audit(&mut self, _: &AuditEvent) {}

    /// Tells the alerts that it gives itself for what it saw last, as long as `each` wants more.
    fn tell(&mut self, _each: &mut dyn FnMut(Alert) -> ControlFlow<()>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody looks.
impl Observer for () {
    fn see(&mut self, _: &SyscallFacts<'_>, _: &[Arc<str>]) {}
}

/// Rules over a stream of events, with the alerts they give.
#[derive(Debug)]
pub struct Watch {
    engine: Engine,
    hostname: Arc<str>,
    number: Option<Field>,
    events: u64,
    /// How many alerts each rule gave, in the order of the rules.
    alerts: Vec<u64>,
    /// How many alerts were given by rules that are not there any more.
    gone: u64,
    found: Vec<usize>,
    names: Vec<Arc<str>>,
}

impl Watch {
    /// Rules over the events of a host, which alerts name.
    pub fn new(engine: Engine, hostname: &str) -> Self {
        let alerts = vec![0; engine.rules().rules.len()];
        let number = Field::of("evt.num", None).ok();
        let (found, names) = (Vec::new(), Vec::new());
        Self { engine, hostname: hostname.into(), number, events: 0, alerts, gone: 0, found, names }
    }

    /// The rules, and what could not be judged by them.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Judges by other rules from now on. Those of the same name go on counting.
    pub fn replace(&mut self, mut engine: Engine) {
        engine.follow(&self.engine);
        let before = self.given();
        let names = self.engine.rules().rules.iter().map(|rule| Arc::clone(&rule.name));
        let counts: HashMap<Arc<str>, u64> = names.zip(self.alerts.iter().copied()).collect();
        let count = |rule: &Rule| counts.get(&rule.name).copied().unwrap_or_default();
        self.alerts = engine.rules().rules.iter().map(count).collect();
        self.engine = engine;
        self.gone += before - self.given();
    }

    /// How many events were looked at.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many alerts each rule gave, in the order of the rules.
    pub fn alerts(&self) -> &[u64] {
        &self.alerts
    }

    /// How many alerts all rules gave, also those that others took the place of.
    pub fn given(&self) -> u64 {
        self.alerts.iter().sum::<u64>() + self.gone
    }

    /// Looks at an event, and calls `each` with the alerts it gives, as long as that wants more.
    pub fn see(&mut self, facts: &dyn Facts, each: &mut dyn FnMut(Alert) -> ControlFlow<()>) -> ControlFlow<()> {
        self.events += 1;
        self.engine.judge(facts, &mut self.found);
        for &index in &self.found {
            self.alerts[index] += 1;
            let rule = &self.engine.rules().rules[index];
            let number = match self.number.as_ref().map(|field| facts.value(field)) {
                Some(Value::One(Scalar::Uint(number))) => number,
                _ => 0,
            };
            each(Alert::of(rule, number, facts, &self.hostname))?;
        }
        ControlFlow::Continue(())
    }

    /// Looks at a system call, and has `observer` look at it too.
    pub fn see_call(
        &mut self,
        facts: &SyscallFacts<'_>,
        observer: &mut dyn Observer,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let flow = self.see(facts, each);
        self.names.clear();
        let rules = &self.engine.rules().rules;
        self.names.extend(self.found.iter().map(|index| Arc::clone(&rules[*index].name)));
        observer.see(facts, &self.names);
        flow?;
        self.told(observer, each)
    }

    /// Looks at an audit event, and has `observer` look at it too.
    pub fn see_audit(
        &mut self,
        event: &AuditEvent,
        observer: &mut dyn Observer,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.see(event, each)?;
        observer.see_audit(event);
        self.told(observer, each)
    }

    /// What `observer` tells itself, of the same host.
    fn told(&self, observer: &mut dyn Observer, each: &mut dyn FnMut(Alert) -> ControlFlow<()>) -> ControlFlow<()> {
        observer.tell(&mut |alert| each(Alert { hostname: Arc::clone(&self.hostname), ..alert }))
    }

    /// Looks at all audit events of a log. What of it could not be read it knows itself.
    pub fn audit<R: Read>(
        &mut self,
        log: &mut audit::Reader<R>,
        observer: &mut dyn Observer,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        log.try_for_each(|event| self.see_audit(&event, observer, each))
    }

    /// Looks at all events of a capture, which names the host if it can. What of it could not be read it knows itself.
    pub fn replay<R: Read>(
        &mut self,
        capture: &mut Replay<R>,
        observer: &mut dyn Observer,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some(flow) = capture.next(|facts| {
            // The machine is told before its events.
            if self.events == 0
                && let Some(machine) = facts.state().machine().filter(|machine| !machine.name.is_empty())
            {
                self.hostname = String::from_utf8_lossy(&machine.name).into();
            }
            self.see_call(&facts, observer, each)
        }) {
            flow?;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Matching, Selection};
    use crate::load::{File, Settings, load};
    use crate::testing::event;
    use sekisho_base::Limits;

    #[test]
    fn rules_that_take_the_place_of_others_go_on_counting() {
        let engine = |names: &[&str]| {
            let rule = |name: &&str| {
                format!(
                    "- rule: {name}\n  desc: d\n  condition: evt.type = open and fd.name = /x\n  output: o\n  priority: INFO\n"
                )
            };
            let text: String = names.iter().map(rule).collect();
            let loaded = load(&[File { name: "r", text: &text }], &Settings::default(), &Limits::default());
            Engine::new(Arc::new(loaded.rules.unwrap()), &Selection::default(), Matching::All)
        };
        let mut watch = Watch::new(engine(&["A", "B"]), "h");
        let see = |watch: &mut Watch, name: &str| {
            let flow = watch.see(&event(&[&format!("fd.name: {name}")]), &mut |_| ControlFlow::Continue(()));
            assert!(flow.is_continue());
        };
        let counts = |watch: &Watch| {
            let unjudged: Vec<u64> = watch.engine().unjudged().iter().map(|one| one.events).collect();
            (unjudged, watch.alerts().to_vec(), watch.given(), watch.events())
        };
        see(&mut watch, "?");
        see(&mut watch, "\"/x\"");
        assert_eq!(counts(&watch), (vec![1, 1], vec![1, 1], 2, 2));
        watch.replace(engine(&["C", "A"]));
        assert_eq!(counts(&watch), (vec![0, 1], vec![0, 1], 2, 2), "what B told was told all the same");
        let first = &watch.engine().unjudged()[1].first;
        assert!(first.as_ref().is_some_and(|(atom, _)| atom.contains("fd.name")), "{first:?}");
        see(&mut watch, "?");
        see(&mut watch, "\"/x\"");
        assert_eq!(counts(&watch), (vec![1, 2], vec![1, 2], 4, 4));
        watch.replace(engine(&[]));
        assert_eq!(counts(&watch), (vec![], vec![], 4, 4));
    }
}
