//! Events in, alerts out.

use crate::alert::Alert;
use crate::engine::Engine;
use sekisho_trace::audit;
use sekisho_trace::field::{Facts, Scalar, Value};
use sekisho_trace::scap::Replay;
use sekisho_trace::{Field, SyscallFacts};
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Looks at system calls beside the rules: what learns from them, or compares them with something else.
pub trait Observer {
    /// Looks at an event. `rules` are those that alert for it.
    fn see(&mut self, facts: &SyscallFacts<'_>, rules: &[Arc<str>]);
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
    found: Vec<usize>,
    names: Vec<Arc<str>>,
}

impl Watch {
    /// Rules over the events of a host, which alerts name.
    pub fn new(engine: Engine, hostname: &str) -> Self {
        let alerts = vec![0; engine.rules().rules.len()];
        let number = Field::of("evt.num", None).ok();
        Self { engine, hostname: hostname.into(), number, events: 0, alerts, found: Vec::new(), names: Vec::new() }
    }

    /// The rules, and what could not be judged by them.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many events were looked at.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many alerts each rule gave, in the order of the rules.
    pub fn alerts(&self) -> &[u64] {
        &self.alerts
    }

    /// Looks at an event, and calls `each` with the alerts it gives, as long as that wants more.
    pub fn see(&mut self, facts: &dyn Facts, each: &mut dyn FnMut(Alert) -> ControlFlow<()>) -> ControlFlow<()> {
        self.events += 1;
        self.engine.judge(facts, &mut self.found);
        for &index in &self.found {
            self.alerts[index] += 1;
            let rule = &self.engine.rules().rules[index];
            let mut fields = serde_json::Map::new();
            rule.output.values(facts, &mut fields);
            let number = match self.number.as_ref().map(|field| facts.value(field)) {
                Some(Value::One(Scalar::Uint(number))) => number,
                _ => 0,
            };
            each(Alert {
                rule: Arc::clone(&rule.name),
                index,
                priority: rule.priority,
                source: Arc::clone(&rule.source),
                tags: Arc::clone(&rule.tags),
                time: rule.output.moment(facts).unwrap_or_default(),
                number,
                message: rule.output.render(facts),
                fields,
                hostname: Arc::clone(&self.hostname),
                capture: rule.capture,
                responses: Vec::new(),
                recording: None,
            })?;
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
        flow
    }

    /// Looks at all audit events of a log. What of it could not be read it knows itself.
    pub fn audit<R: Read>(
        &mut self,
        log: &mut audit::Reader<R>,
        each: &mut dyn FnMut(Alert) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        log.try_for_each(|event| self.see(&event, each))
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
