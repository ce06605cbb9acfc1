//! A sensor, and what it told, kept.

use sekisho_sensor::{Cgroup, Interest, Item, Options, Results, Sensor, Told, probe};
use sekisho_trace::event::{Event, EventCode, Param};
use sekisho_trace::state::{Bounds, State};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An event that was told.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) name: &'static str,
    pub(crate) code: EventCode,
    pub(crate) time: u64,
    pub(crate) tid: i64,
    pub(crate) told: Told,
    params: Vec<Vec<u8>>,
}

impl Seen {
    pub(crate) fn pid(&self) -> i64 {
        self.told.pid.into()
    }

    pub(crate) fn param(&self, name: &str) -> Param<'_> {
        let info = self.code.info().unwrap();
        let at = info.param(name).unwrap_or_else(|| panic!("{} has no {name}", self.name));
        Param { info: &info.params[at], bytes: self.params.get(at).map_or(&[], |bytes| bytes) }
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.param(name).int().unwrap_or_else(|| panic!("{name} of {self:?}"))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        str::from_utf8(self.param(name).text().unwrap_or_default()).unwrap_or("not UTF-8")
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.param(name).bytes
    }
}

/// A sensor, the state that follows from it, and what else it told.
pub(crate) struct Watch {
    pub(crate) sensor: Sensor,
    pub(crate) state: State,
    pub(crate) lost: u64,
    pub(crate) cgroups: Vec<(u64, Arc<Cgroup>)>,
}

/// Options that ask for these calls, of this process too; with rings that hold what the whole machine does meanwhile.
pub(crate) fn calls(names: &[&str]) -> Options {
    let mut interest = Interest::none();
    for name in names {
        assert!(interest.add(name, Results::All), "{name}");
    }
    Options { interest, hide_self: false, priority_ring: 1 << 24, bulk_ring: 1 << 25, ..Options::default() }
}

/// A sensor, or none where the kernel takes no program of its kind at all, which is said.
pub(crate) fn require_bpf(options: &Options) -> Option<Watch> {
    let typed = probe().into_iter().find(|probe| probe.name == "tp_btf").unwrap();
    match (Sensor::start(options), typed.allowed) {
        (Ok(sensor), _) => Some(Watch { sensor, state: State::new(Bounds::default()), lost: 0, cgroups: Vec::new() }),
        (Err(error), Err(refused)) => {
            println!("SKIP: {refused}: {error}");
            None
        }
        (Err(error), Ok(())) => panic!("{error}"),
    }
}

impl Watch {
    /// All events up to the first that is as asked.
    pub(crate) fn until(&mut self, found: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        self.until_within(Duration::from_mins(1), found)
    }

    pub(crate) fn until_within(&mut self, most: Duration, mut found: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        let deadline = Instant::now() + most;
        let mut kept = Vec::new();
        let mut done = false;
        while !done {
            assert!(
                Instant::now() < deadline,
                "it was not told; {} other events were, {} were lost",
                kept.len(),
                self.lost
            );
            self.poll(Duration::from_millis(100), |seen| {
                if !done {
                    done = found(&seen);
                    kept.push(seen);
                }
            });
        }
        kept
    }

    /// Takes all that waits, and what comes meanwhile. How many events that was.
    pub(crate) fn rest(&mut self) -> usize {
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut sum = 0;
        while Instant::now() < deadline {
            self.poll(Duration::from_millis(100), |_| sum += 1);
        }
        sum
    }

    fn poll(&mut self, timeout: Duration, mut take: impl FnMut(Seen)) {
        let Self { sensor, state, lost, cgroups } = self;
        let polled = sensor.poll(timeout, &mut |item| match item {
            Item::Event(event, told, files) => {
                state.note(event.tid, files);
                state.apply(event);
                take(seen(event, told));
            }
            Item::Cgroup(id, cgroup) => cgroups.push((id, Arc::clone(cgroup))),
            Item::Lost(event, number) => {
                state.apply(event);
                *lost += number;
            }
        });
        polled.unwrap();
    }
}

fn seen(event: &Event<'_>, told: Told) -> Seen {
    Seen {
        name: event.name(),
        code: event.code,
        time: event.time,
        tid: event.tid,
        told,
        params: (0..event.params.len()).map(|at| event.params.get(at).unwrap_or_default().to_vec()).collect(),
    }
}
