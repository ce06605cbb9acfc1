use super::set::contains_program;
use super::*;
use crate::load::{File, Settings, load};
use crate::{Engine, Matching, Observer, Selection, Watch};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_model::{
    Baseline, BaselineKind, BaselineState, Baselines, CallDeed, ConfidenceLevel, Deed, Direction, FileDeed, PeerDeed,
    PortDeed, ProcessDeed, Replica, Sightings,
};
use sekisho_trace::EventCode as E;
use sekisho_trace::event::{Event, Params};
use sekisho_trace::state::{Bounds as StateBounds, RunningContainer, State, ThreadSeed};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

const START: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// A container of the image `shop:1`, by its number.
fn id(number: u8) -> String {
    format!("{number:02x}{:062x}", 7)
}

fn cgroups(number: u8) -> Vec<u8> {
    format!("cpu=/docker/{}\0", id(number)).into_bytes()
}

/// A host with a container `web` in which `/bin/app` runs as user 7.
struct World {
    state: State,
    time: u64,
    alerting: Vec<Arc<str>>,
}

/// A parameter, as bytes.
enum P<'a> {
    I64(i64),
    U32(u32),
    Text(&'a str),
    Bytes(Vec<u8>),
    Empty,
}

impl World {
    fn new(number: u8) -> Self {
        let mut state = State::new(StateBounds::default());
        let full = id(number);
        state.add_container(RunningContainer {
            name: Some("web".to_owned()),
            image: Some("shop:1".to_owned()),
            ..RunningContainer::of_id(&full)
        });
        state.add_thread(ThreadSeed {
            tid: 10,
            pid: 10,
            ptid: 1,
            vpid: Some(1),
            vtid: Some(1),
            comm: b"app".to_vec(),
            exe: b"/bin/app".to_vec(),
            exepath: Some(b"/bin/app".to_vec()),
            cwd: b"/".to_vec(),
            cgroups: cgroups(number),
            uid: Some(7),
            ..ThreadSeed::default()
        });
        state.add_thread(ThreadSeed {
            tid: 1,
            pid: 1,
            comm: b"runc".to_vec(),
            exe: b"runc".to_vec(),
            exepath: Some(b"/usr/bin/runc".to_vec()),
            ..ThreadSeed::default()
        });
        Self { state, time: START, alerting: Vec::new() }
    }

    fn tell(&mut self, observers: &mut [&mut dyn Observer], tid: i64, code: E, params: &[P<'_>]) {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for param in params {
            match param {
                P::I64(value) => bytes.extend(value.to_le_bytes()),
                P::U32(value) => bytes.extend(value.to_le_bytes()),
                P::Text(text) => bytes.extend([text.as_bytes(), b"\0"].concat()),
                P::Bytes(all) => bytes.extend(all),
                P::Empty => {}
            }
            ends.push(bytes.len() as u32);
        }
        self.time += SECOND;
        let event =
            Event { number: 1, time: self.time, cpu: 0, tid, code, params: Params::new(&ends, &bytes).unwrap() };
        self.state.apply(&event);
        for observer in observers {
            observer.see(&self.state.facts(&event), &self.alerting);
        }
    }

    /// A process `tid` of `parent` executes a program.
    fn exec(
        &mut self,
        observers: &mut [&mut dyn Observer],
        (tid, parent): (i64, i64),
        path: &str,
        uid: u32,
        number: u8,
    ) {
        let (tid_param, ptid) = (P::I64(tid), P::I64(parent));
        let params = [
            P::I64(0),
            P::Text(path),
            P::Empty,
            tid_param,
            P::I64(tid),
            ptid,
            P::Text("/"),
            P::I64(1024),
            P::I64(0),
            P::I64(0),
            P::U32(0),
            P::U32(0),
            P::U32(0),
            P::Text(path.rsplit('/').next().unwrap()),
            P::Bytes(cgroups(number)),
            P::Empty,
            P::U32(0),
            P::I64(tid),
            P::U32(0),
            P::U32(0),
            P::I64(0),
            P::I64(0),
            P::I64(0),
            P::I64(0),
            P::I64(0),
            P::I64(0),
            P::U32(uid),
            P::Text(path),
        ];
        self.tell(observers, tid, E::EXECVE_19_X, &params);
    }

    /// Opens a file for writing.
    fn write(&mut self, observers: &mut [&mut dyn Observer], path: &str) {
        let params = [P::I64(3), P::I64(-100), P::Text(path), P::U32(2 | 4), P::U32(0o644), P::U32(0)];
        self.tell(observers, 10, E::OPENAT_2_X, &params);
    }

    fn socket(&mut self, observers: &mut [&mut dyn Observer], fd: i64) {
        self.tell(observers, 10, E::SOCKET_E, &[P::U32(2), P::U32(1), P::U32(6)]);
        self.tell(observers, 10, E::SOCKET_X, &[P::I64(fd)]);
    }

    fn listen(&mut self, observers: &mut [&mut dyn Observer], port: u16) {
        self.socket(observers, 4);
        let address = [&[2, 0, 0, 0, 0][..], &port.to_le_bytes()].concat();
        self.tell(observers, 10, E::BIND_E, &[P::I64(4)]);
        self.tell(observers, 10, E::BIND_X, &[P::I64(0), P::Bytes(address)]);
        self.tell(observers, 10, E::LISTEN_E, &[P::I64(4), P::U32(5)]);
        self.tell(observers, 10, E::LISTEN_X, &[P::I64(0)]);
    }

    fn connect(&mut self, observers: &mut [&mut dyn Observer], to: [u8; 4], port: u16) {
        self.socket(observers, 5);
        let tuple = [&[2, 10, 0, 0, 9][..], &40000_u16.to_le_bytes(), &to, &port.to_le_bytes()].concat();
        self.tell(observers, 10, E::CONNECT_E, &[P::I64(5)]);
        self.tell(observers, 10, E::CONNECT_X, &[P::I64(0), P::Bytes(tuple)]);
    }

    /// An ordinary day of the shop.
    fn day(&mut self, observers: &mut [&mut dyn Observer], number: u8) {
        self.exec(observers, (10, 1), "/bin/app", 7, number);
        self.exec(observers, (11, 10), "/bin/tool", 7, number);
        self.write(observers, "/var/lib/shop/state");
        self.write(observers, "/proc/4711/comm");
        self.listen(observers, 8080);
        self.connect(observers, [10, 0, 0, 3], 5432);
    }
}

fn learner() -> Learner {
    Learner::new(Bounds::default(), 10, "node", true, false)
}

fn learned(number: u8, day: impl FnOnce(&mut World, &mut Learner)) -> Baselines {
    let mut learner = learner();
    day(&mut World::new(number), &mut learner);
    let (baselines, not_learned) = learner.finish().unwrap();
    assert_eq!(not_learned, NotLearned::default());
    baselines
}

fn ordinary(number: u8) -> Baselines {
    learned(number, |world, learner| world.day(&mut [learner], number))
}

fn locked(mut baselines: Baselines) -> Baselines {
    let options = LockOptions { least: ConfidenceLevel::Low, keep_alerted: Some(true) };
    for baseline in &mut baselines.baselines {
        lock(baseline, Timestamp::UNIX_EPOCH, options).unwrap();
    }
    baselines
}

fn shown(baseline: &Baseline, kind: BaselineKind) -> Vec<String> {
    baseline.entries().filter(|(of, ..)| *of == kind).map(|(_, what, _)| what).collect()
}

#[test]
fn what_containers_do_is_learned() {
    let all = ordinary(1);
    assert_eq!(all.baselines.len(), 1);
    let web = &all.baselines[0];
    assert_eq!((web.image.as_deref(), web.container.as_str()), (Some("shop:1"), "web"));
    assert_eq!(shown(web, BaselineKind::Processes), ["/bin/app from outside as 7", "/bin/tool by /bin/app as 7"]);
    assert_eq!(shown(web, BaselineKind::Ports), ["8080/tcp"]);
    assert_eq!(shown(web, BaselineKind::Peers), ["to 10.0.0.3, port 5432/tcp"]);
    assert_eq!(shown(web, BaselineKind::Files), ["/proc/PID/comm", "/var/lib/shop/state"]);
    assert_eq!(shown(web, BaselineKind::Calls), ["bind", "connect", "execve", "listen", "openat", "socket"]);
    assert_eq!(web.replicas.keys().collect::<Vec<_>>(), [&id(1)]);
    // What was never told of, and what runs in no container, makes no baseline.
    assert!(learned(1, |world, learner| world.tell(&mut [learner], 1, E::GETUID_X, &[])).baselines.is_empty());
}

#[test]
fn a_clock_that_is_set_makes_no_time_of_learning() {
    let watched = |step: i64| {
        let all = learned(1, |world, learner| {
            let boot = START - 100 * SECOND;
            world.state.set_machine(sekisho_trace::state::Machine { boot, ..Default::default() });
            world.exec(&mut [learner], (10, 1), "/bin/app", 7, 1);
            // Somebody sets the clock, by hours.
            world.state.set_clock(boot.strict_add_signed(step));
            world.time = world.time.strict_add_signed(step);
            world.write(&mut [learner], "/var/lib/shop/state");
            world.day(&mut [learner], 1);
        });
        let replica = all.baselines[0].replicas.values().next().unwrap().clone();
        let moments = shown(&all.baselines[0], BaselineKind::Files);
        let confidence = confidence(&all.baselines[0]);
        (replica.last.duration_since(replica.first).as_secs(), moments, confidence.level, confidence.reasons)
    };
    let hours = 5 * 3600 * SECOND.cast_signed();
    assert_eq!(watched(0).0, 15);
    assert_eq!(watched(hours), watched(0), "set forward");
    assert_eq!(watched(-hours), watched(0), "set back");
}

#[test]
fn nothing_that_was_learned_is_outside_and_everything_else_is() {
    let baselines = locked(ordinary(1));
    let mut drift = Drift::new(baselines.clone(), Bounds::default());
    // Another container of the same, with other process numbers.
    World::new(2).day(&mut [&mut drift], 2);
    let report = drift.report();
    assert!(report.outside.is_empty() && report.unknown.is_empty() && report.compared > 10, "{report:?}");

    let mut world = World::new(3);
    let mut drift = Drift::new(baselines, Bounds::default());
    world.alerting = vec!["A rule".into()];
    let to: &mut [&mut dyn Observer] = &mut [&mut drift];
    // Another parent, another user, another program.
    world.exec(to, (11, 10), "/bin/tool", 0, 3);
    world.exec(to, (12, 11), "/bin/tool", 7, 3);
    world.exec(to, (13, 10), "/bin/sh", 7, 3);
    world.write(to, "/var/lib/shop/state2");
    world.write(to, "/etc/passwd");
    world.listen(to, 8081);
    world.connect(to, [10, 0, 0, 3], 5433);
    world.connect(to, [10, 0, 0, 4], 5432);
    // The same program again is one entry.
    world.exec(to, (13, 10), "/bin/sh", 7, 3);
    let report = drift.report();
    let outside: Vec<String> = report.outside.iter().map(|outside| outside.deed.to_string()).collect();
    assert_eq!(
        outside,
        [
            "/bin/sh by /bin/app as 7",
            "/bin/tool by /bin/app as 0",
            "/bin/tool by /bin/tool as 7",
            "8081/tcp",
            "to 10.0.0.4, port 5432/tcp",
            "to 10.0.0.3, port 5433/tcp",
            "/etc/passwd",
            "/var/lib/shop/state2",
        ]
    );
    let shell = &report.outside[0].evidence;
    assert_eq!((shell.times(), shell.alerts.iter().next().map(String::as_str)), (2, Some("A rule")));
    assert_eq!(shell.by.keys().collect::<Vec<_>>(), [&id(3)]);
}

#[test]
fn a_user_that_changes_and_a_process_that_was_there_are_compared_by_program_and_user() {
    let baselines = locked(ordinary(1));
    let mut drift = Drift::new(baselines, Bounds::default());
    let mut world = World::new(2);
    world.tell(&mut [&mut drift], 10, E::GETUID_X, &[P::U32(1)]);
    // The call is new, the program that was there is not.
    let of = |drift: &Drift| drift.report().outside.iter().map(|of| of.deed.to_string()).collect::<Vec<_>>();
    assert_eq!(of(&drift), ["getuid"]);
    world.tell(&mut [&mut drift], 10, E::SETUID_E, &[P::U32(0)]);
    world.tell(&mut [&mut drift], 10, E::SETUID_X, &[P::I64(0)]);
    assert_eq!(of(&drift), ["/bin/app from outside as 0", "getuid", "setuid"]);
}

#[test]
fn engines_that_enter_a_container_are_not_of_it() {
    let mut learner = learner();
    let mut world = World::new(1);
    // runc clones itself into the container, executes itself from there, and then what was asked for.
    let seed = ThreadSeed { tid: 20, pid: 20, ptid: 1, exe: b"runc".to_vec(), ..ThreadSeed::default() };
    world.state.add_thread(seed);
    assert!(!world.state.thread(20).unwrap().came_from_outside());
    let params = [
        P::I64(0),
        P::Text("runc"),
        P::Empty,
        P::I64(20),
        P::I64(20),
        P::I64(1),
        P::Text(""),
        P::I64(0),
        P::I64(0),
        P::I64(0),
        P::U32(0),
        P::U32(0),
        P::U32(0),
        P::Text("runc:[2:INIT]"),
        P::Bytes(cgroups(1)),
        P::U32(0),
        P::U32(0),
        P::U32(0),
        P::I64(2),
        P::I64(2),
    ];
    world.tell(&mut [&mut learner], 20, E::CLONE_20_X, &params);
    assert!(world.state.thread(20).unwrap().came_from_outside());
    let params = [P::I64(3), P::I64(-100), P::Text("/run/runc/exec.fifo"), P::U32(2), P::U32(0), P::U32(0)];
    world.tell(&mut [&mut learner], 20, E::OPENAT_2_X, &params);
    world.exec(&mut [&mut learner], (20, 1), "/bin/sh", 0, 1);
    assert!(!world.state.thread(20).unwrap().came_from_outside());
    let (baselines, _) = learner.finish().unwrap();
    let web = &baselines.baselines[0];
    assert_eq!(shown(web, BaselineKind::Processes), ["/bin/sh from outside as 0"]);
    assert!(web.files.is_empty(), "{web:?}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let mut unlocked = Drift::new(ordinary(1), Bounds::default());
    World::new(2).write(&mut [&mut unlocked], "/x");
    let report = unlocked.report();
    assert!(report.outside.is_empty());
    assert_eq!(report.unknown[0].reason, "its baseline is not locked");

    let mut none = Drift::new(Baselines::default(), Bounds::default());
    World::new(2).write(&mut [&mut none], "/x");
    assert_eq!(none.report().unknown[0].reason, "it has no baseline");

    // Files were too many to keep, and calls were not learned.
    let mut full = locked(ordinary(1));
    full.baselines[0].overflow.insert(BaselineKind::Files);
    full.baselines[0].learned.remove(&BaselineKind::Calls);
    let mut drift = Drift::new(full.clone(), Bounds::default());
    let mut world = World::new(2);
    world.write(&mut [&mut drift], "/x");
    world.write(&mut [&mut drift], "/var/lib/shop/state");
    world.tell(&mut [&mut drift], 10, E::GETUID_X, &[P::U32(1)]);
    let report = drift.report();
    assert!(report.outside.is_empty(), "{report:?}");
    let reasons: Vec<(&str, u64)> = report.unknown.iter().map(|of| (of.reason.as_str(), of.times)).collect();
    assert_eq!(reasons, [("its baseline cannot say which files are outside", 1)]);
    assert!(seccomp(&full.baselines[0]).is_none());
}

#[test]
fn a_name_for_all_containers_of_an_image_stands_in_for_those_without_their_own() {
    let mut any = locked(ordinary(1));
    any.baselines[0].container = "*".to_owned();
    let mut drift = Drift::new(any, Bounds::default());
    let mut world = World::new(2);
    world.write(&mut [&mut drift], "/var/lib/shop/state");
    assert!(drift.report().outside.is_empty() && drift.report().unknown.is_empty());
    world.write(&mut [&mut drift], "/x");
    assert_eq!(drift.report().outside.len(), 1);
}

#[test]
fn directories_and_ports_with_too_much_to_name_are_named_as_a_whole() {
    let many = |number: u8, files: std::ops::Range<usize>| {
        learned(number, |world, learner| {
            for file in files {
                world.write(&mut [learner], &format!("/tmp/session-{file}"));
            }
        })
    };
    let first = many(1, 0..20);
    assert_eq!(first.baselines[0].files.len(), 20);
    let joined = joined([first, many(2, 20..40)], &Bounds::default()).unwrap();
    let web = &joined.baselines[0];
    assert_eq!(shown(web, BaselineKind::Files), ["/tmp/**"]);
    assert_eq!(web.files.values().next().unwrap().by.len(), 2);
    // Not where every file counts.
    let system = learned(1, |world, learner| {
        for file in 0..40 {
            world.write(&mut [learner], &format!("/etc/cron.d/{file}"));
        }
    });
    assert_eq!(system.baselines[0].files.len(), 40);
    let peers = learned(1, |world, learner| {
        for last in 0..40 {
            world.connect(&mut [learner], [10, 1, 0, last], 443);
        }
        world.connect(&mut [learner], [10, 1, 0, 1], 80);
    });
    let peers = shown(&peers.baselines[0], BaselineKind::Peers);
    assert_eq!(peers, ["to 10.1.0.1, port 80/tcp", "to any address, port 443/tcp"]);
}

#[test]
fn memory_is_bounded_and_what_did_not_fit_is_said() {
    let flood = |bounds: Bounds| {
        let mut learner = Learner::new(bounds, 10, "node", false, false);
        let mut world = World::new(1);
        for file in 0..100 {
            world.write(&mut [&mut learner], &format!("/etc/{file:03}"));
        }
        learner.finish().unwrap().0
    };
    for bounds in [Bounds { entries: 10, ..Bounds::default() }, Bounds { bytes: 3000, ..Bounds::default() }] {
        let web = &flood(bounds).baselines[0];
        assert!(web.files.len() <= 12, "{}", web.files.len());
        assert_eq!(web.overflow, BTreeSet::from([BaselineKind::Files]));
        assert_eq!(confidence(web).level, ConfidenceLevel::Low);
    }
    let mut learner = Learner::new(Bounds { containers: 1, ..Bounds::default() }, 10, "node", false, false);
    World::new(1).write(&mut [&mut learner], "/a");
    World::new(2).write(&mut [&mut learner], "/a");
    assert_eq!(learner.not_learned().crowded, 1);
    assert!(learner.finish().unwrap().0.incomplete);
    // A container that has ended makes room.
    let mut learner = Learner::new(Bounds { containers: 1, ..Bounds::default() }, 10, "node", false, false);
    let mut world = World::new(1);
    world.write(&mut [&mut learner], "/a");
    world.tell(&mut [&mut learner], 10, E::PROCEXIT_1_E, &[P::I64(0)]);
    World::new(2).write(&mut [&mut learner], "/b");
    let (baselines, _) = learner.finish().unwrap();
    assert!(!baselines.incomplete);
    assert_eq!(shown(&baselines.baselines[0], BaselineKind::Files), ["/a", "/b"]);
    // A path that Linux does not have is not kept.
    let long = learned(1, |world, learner| world.write(&mut [learner], &format!("/{}", "a".repeat(9000))));
    assert!(long.baselines[0].files.is_empty() && long.baselines[0].overflow.contains(&BaselineKind::Files));
}

#[test]
fn poisoned_learning_is_seen_and_not_locked() {
    let mut learner = learner();
    let mut world = World::new(1);
    world.day(&mut [&mut learner], 1);
    world.alerting = vec!["A shell is run".into()];
    world.exec(&mut [&mut learner], (13, 10), "/bin/sh", 7, 1);
    world.alerting.clear();
    let (mut baselines, _) = learner.finish().unwrap();
    let web = &mut baselines.baselines[0];
    let alerted: Vec<String> =
        web.entries().filter(|(_, _, seen)| !seen.alerts.is_empty()).map(|(_, what, _)| what).collect();
    assert_eq!(alerted, ["/bin/sh by /bin/app as 7"]);
    let options = |keep_alerted| LockOptions { least: ConfidenceLevel::Low, keep_alerted };
    let refused = lock(&mut web.clone(), Timestamp::UNIX_EPOCH, options(None)).unwrap_err().to_string();
    assert!(refused.ends_with("rules alerted on /bin/sh by /bin/app as 7 (A shell is run)"), "{refused}");
    let mut kept = web.clone();
    lock(&mut kept, Timestamp::UNIX_EPOCH, options(Some(true))).unwrap();
    assert_eq!(kept.processes.len(), 3);
    lock(web, Timestamp::UNIX_EPOCH, options(Some(false))).unwrap();
    assert_eq!((web.processes.len(), web.state), (2, BaselineState::Locked));
    assert!(matches!(join(web.clone(), web.clone(), &Bounds::default()), Err(JoinError::Locked(_))));
    unlock(web);
    assert_eq!((web.state, web.locked_at), (BaselineState::Learning, None));
}

#[test]
fn confidence_needs_time_quiet_and_company() {
    let mut baseline = Baseline::new(None, "web".to_owned());
    baseline.window_seconds = 100;
    assert_eq!(confidence(&baseline).level, ConfidenceLevel::Low);
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let replica = |until| Replica { host: "n".to_owned(), first: at(0), last: at(until), events: 1, lost: 0 };
    let seen = |second| Sightings { first: at(second), last: at(second), by: BTreeMap::new(), alerts: BTreeSet::new() };
    let port = |port| PortDeed { protocol: "tcp".to_owned(), port };
    baseline.replicas.insert("a".to_owned(), replica(99));
    baseline.ports.insert(port(1), seen(10));
    assert_eq!(confidence(&baseline).reasons[0], "it was watched for 99 of 100 seconds");
    baseline.replicas.insert("a".to_owned(), replica(100));
    assert_eq!(confidence(&baseline).reasons, ["only one container was watched"]);
    baseline.replicas.insert("b".to_owned(), replica(50));
    assert_eq!(confidence(&baseline).level, ConfidenceLevel::High);
    baseline.ports.insert(port(2), seen(80));
    assert_eq!(confidence(&baseline).level, ConfidenceLevel::Medium);
    baseline.replicas.insert("b".to_owned(), Replica { lost: 3, ..replica(50) });
    let low = confidence(&baseline);
    assert_eq!((low.level, low.reasons[0].as_str()), (ConfidenceLevel::Low, "3 events of its hosts were lost"));
}

/// Judges by rules, and compares.
struct Both {
    watch: Watch,
    drift: Drift,
    alerts: Vec<String>,
}
impl Observer for Both {
    fn see(&mut self, facts: &sekisho_trace::SyscallFacts<'_>, _: &[Arc<str>]) {
        let before = self.drift.report();
        let (alerts, drift) = (&mut self.alerts, &mut self.drift);
        let count = alerts.len();
        let _ = self.watch.see_call(facts, drift, &mut |alert| {
            alerts.push(alert.rule.to_string());
            ControlFlow::Continue(())
        });
        let times = |report: &sekisho_model::DriftReport| -> u64 {
            // Calls are seccomp's.
            let of = report.outside.iter().filter(|of| of.deed.kind() != BaselineKind::Calls);
            of.map(|of| of.evidence.times()).sum()
        };
        let found = times(&self.drift.report()) - times(&before);
        assert_eq!(self.alerts.len() - count, found as usize, "{:?}", facts.event().name());
    }
}

/// The exported rules alert where drift finds something, and nowhere else.
#[test]
fn rules_of_a_baseline_say_what_drift_says() {
    let baselines = locked(ordinary(1));
    let text = rules(&baselines);
    let loaded = load(&[File { name: "baseline", text: &text }], &Settings::default(), &Limits::default());
    assert!(loaded.problems.is_empty(), "{:?}\n{text}", loaded.problems);
    let engine = Engine::new(Arc::new(loaded.rules.unwrap()), &Selection::default(), Matching::All);
    let mut both =
        Both { watch: Watch::new(engine, "node"), drift: Drift::new(baselines, Bounds::default()), alerts: Vec::new() };
    let mut world = World::new(2);
    world.day(&mut [&mut both], 2);
    assert_eq!(both.alerts, <[String; 0]>::default());
    let to: &mut [&mut dyn Observer] = &mut [&mut both];
    world.exec(to, (11, 10), "/bin/tool", 0, 2);
    world.exec(to, (12, 11), "/bin/tool", 7, 2);
    world.exec(to, (13, 10), "/bin/\"q\\u\no", 7, 2);
    world.write(to, "/etc/passwd");
    world.write(to, "/proc/1/mem");
    world.listen(to, 8081);
    world.connect(to, [10, 0, 0, 3], 5433);
    assert_eq!(both.alerts.len(), 7, "{:?}", both.alerts);
}

#[test]
fn profiles_of_seccomp_allow_what_was_seen() {
    let web = &locked(ordinary(1)).baselines[0];
    let profile = seccomp(web).unwrap();
    let allowed: Vec<&str> = profile["syscalls"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["names"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(["bind", "listen", "exit_group", "execve"].iter().all(|name| allowed.contains(name)));
    assert!(!allowed.contains(&"ptrace") && !allowed.contains(&"mount"));
    assert_eq!(allowed.iter().collect::<BTreeSet<_>>().len(), allowed.len());
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
}

#[test]
fn bytes_that_are_no_text_come_back() {
    for bytes in [&b"/a\\b"[..], b"/a\\x41", b"/\xff\xfe/\\", "/店".as_bytes(), b"/\xe5\xba"] {
        assert_eq!(deeds::bytes(&deeds::text(bytes)), bytes);
    }
    assert_ne!(deeds::text(b"/\xff"), deeds::text(b"/\\xff"));
}

/// Baselines of one container each, of few things, so that they overlap.
fn baseline() -> impl Strategy<Value = Baseline> {
    let seen = (0_i64..100, 0_i64..100, 1_u64..5, 0_u8..3, prop::option::of(0_u8..3));
    let deed = prop_oneof![
        (0_u8..4, prop::option::of(0_u8..3), 0_u32..3).prop_map(|(path, parent, uid)| Deed::Processes(ProcessDeed {
            path: format!("/bin/{path}"),
            parent: parent.map(|parent| format!("/bin/{parent}")),
            uid: Some(uid),
        })),
        (0_u16..4).prop_map(|port| Deed::Ports(PortDeed { protocol: "tcp".to_owned(), port })),
        (0_u8..60, 0_u16..2).prop_map(|(last, port)| Deed::Peers(PeerDeed {
            direction: Direction::Out,
            protocol: "tcp".to_owned(),
            port,
            address: Some([10, 0, 0, last].into()),
        })),
        (0_u8..2, 0_u8..3, 0_u8..50).prop_map(|(top, directory, file)| Deed::Files(FileDeed {
            path: format!("/{}/d{directory}/{file}", if top == 0 { "tmp" } else { "etc" }),
            beneath: false,
        })),
        (0_u8..90).prop_map(|directory| Deed::Files(FileDeed { path: format!("/srv/{directory}"), beneath: false })),
        (0_u8..3).prop_map(|call| Deed::Calls(CallDeed { name: format!("c{call}") })),
    ];
    let deeds = prop::collection::vec((deed, seen), 0..80);
    (deeds, 0_u8..4, 1_u64..4, any::<bool>()).prop_map(|(deeds, replica, window_seconds, calls)| {
        let mut baseline = Baseline::new(Some("i".to_owned()), "c".to_owned());
        baseline.window_seconds = window_seconds;
        baseline.learned.extend(BaselineKind::ALL.into_iter().filter(|kind| calls || *kind != BaselineKind::Calls));
        let at = |second| Timestamp::from_second(second).unwrap();
        let of = Replica { host: "n".to_owned(), first: at(0), last: at(100), events: window_seconds, lost: 0 };
        baseline.replicas.insert(format!("r{replica}"), of);
        for (deed, (one, other, times, by, alert)) in deeds {
            let alerts = alert.map(|alert| format!("a{alert}")).into_iter().collect();
            let by = BTreeMap::from([(format!("r{by}"), times)]);
            let seen = Sightings { first: at(one.min(other)), last: at(one.max(other)), by, alerts };
            Bounds::default().add(&mut baseline, deed, seen);
        }
        baseline
    })
}

proptest! {
    #[test]
    fn joining_is_a_join(one in baseline(), two in baseline(), three in baseline()) {
        let bounds = Bounds::default();
        let of = |a: &Baseline, b: &Baseline| join(a.clone(), b.clone(), &bounds).unwrap();
        prop_assert_eq!(of(&one, &two), of(&two, &one));
        prop_assert_eq!(of(&of(&one, &two), &three), of(&one, &of(&two, &three)));
        prop_assert_eq!(&of(&one, &one), &one);
        let both = of(&one, &two);
        prop_assert_eq!(&of(&both, &one), &both);
    }

    #[test]
    fn what_is_in_one_is_in_both(one in baseline(), two in baseline()) {
        let both = join(one.clone(), two, &Bounds::default()).unwrap();
        for deed in one.processes.keys() {
            prop_assert_eq!(contains(&both, &Deed::Processes(deed.clone())), Some(true));
            prop_assert_eq!(contains_program(&both, deed), Some(true));
        }
        for deed in one.peers.keys() {
            prop_assert_eq!(contains(&both, &Deed::Peers(deed.clone())), Some(true));
        }
        for deed in one.files.keys() {
            prop_assert_eq!(contains(&both, &Deed::Files(deed.clone())), Some(true));
        }
    }

    #[test]
    fn documents_come_back(one in baseline()) {
        let document = Baselines { baselines: vec![one], ..Baselines::default() };
        let text = serde_json::to_string(&document).unwrap();
        prop_assert_eq!(serde_json::from_str::<Baselines>(&text).unwrap(), document);
    }

    #[test]
    fn texts_come_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(deeds::bytes(&deeds::text(&bytes)), bytes);
    }
}
