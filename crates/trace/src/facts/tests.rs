use crate::event::{Event, EventCode as E, Params};
use crate::field::{Facts, Field, Scope, Unknown, Value};
use crate::state::{Bounds, RunningContainer, RunningMount, State, ThreadSeed};

const ID: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";

fn state() -> State {
    let mut state = State::new(Bounds::default());
    let seed = |tid, ptid, comm: &str| ThreadSeed {
        tid,
        pid: tid,
        ptid,
        comm: comm.into(),
        exe: comm.into(),
        args: b"-c\0x y\0".to_vec(),
        env: b"HOME=/root\0A=\0".to_vec(),
        cwd: b"/srv".to_vec(),
        sid: Some(1),
        vpgid: Some(1),
        vpid: Some(tid),
        vtid: Some(tid),
        cgroups: format!("cpu=/docker/{ID}\0").into_bytes(),
        ..ThreadSeed::default()
    };
    state.add_thread(seed(1, 0, "init"));
    state.add_thread(seed(2, 1, "sh"));
    state.add_thread(seed(3, 2, "cat"));
    state
}

fn event(code: E, tid: i64) -> Event<'static> {
    Event { number: 1, time: 1_000, cpu: 0, tid, code, params: Params::default() }
}

fn ask(state: &State, event: &Event<'_>, field: &str) -> String {
    match state.facts(event).value(&Field::parse(field).unwrap()) {
        Value::Absent => "<NA>".to_owned(),
        Value::Unknown(why) => format!("unknown: {why}"),
        value => value.scalars().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

#[test]
fn processes_and_their_ancestors_answer() {
    let mut state = state();
    let event = event(E::GETUID_X, 3);
    state.apply(&event);
    for (field, expect) in [
        ("proc.name", "cat"),
        ("proc.cmdline", "cat -c x y"),
        ("proc.args", "-c x y"),
        ("proc.args[1]", "x y"),
        ("proc.args[2]", "<NA>"),
        ("proc.cmdnargs", "2"),
        ("proc.cmdlenargs", "5"),
        ("proc.env[HOME]", "/root"),
        ("proc.env[A]", ""),
        ("proc.env[B]", "<NA>"),
        ("proc.cwd", "/srv/"),
        ("proc.pname", "sh"),
        ("proc.aname", "sh,init"),
        ("proc.aname[0]", "cat"),
        ("proc.aname[2]", "init"),
        ("proc.aname[3]", "<NA>"),
        ("proc.apid[2]", "1"),
        ("proc.sname", "init"),
        ("proc.is_vpgid_leader", "false"),
        ("proc.loginshellid", "2"),
        ("proc.is_exe_upper_layer", "unknown: it was not recorded"),
        ("proc.duration", "unknown: it was not recorded"),
        ("container.id", "3ad7b26ded6d"),
        ("container.full_id", ID),
        ("container.type", "docker"),
        ("container.image.repository", "unknown: it is not known of the container"),
        ("fd.name", "<NA>"),
        ("fd.sip.name", "unknown: names of addresses are not looked up; compare the address"),
        ("ka.verb", "unknown: events of this source do not have the field"),
    ] {
        assert_eq!(ask(&state, &event, field), expect, "{field}");
    }
    state.set_blind(Field::parse("proc.env").unwrap().id, "environments are not read");
    assert_eq!(ask(&state, &event, "proc.env"), "unknown: environments are not read");
}

#[test]
fn what_is_told_of_a_container_answers_and_changes_its_stamp() {
    let mut state = state();
    let event = event(E::GETUID_X, 3);
    state.apply(&event);
    let stamps = |state: &State| {
        [Scope::Process, Scope::Lineage, Scope::Container].map(|scope| state.facts(&event).stamp(scope).unwrap())
    };
    let before = stamps(&state);
    let mount =
        |source: &str, dest: &str| RunningMount { source: source.into(), dest: dest.into(), ..RunningMount::default() };
    state.add_container(RunningContainer {
        id: "3ad7b26ded6d".to_owned(),
        image_repository: Some("nginx".to_owned()),
        privileged: Some(true),
        mounts: Some(vec![mount("/etc", "/host/etc"), mount("/proc/sys", "/p")]),
        labels: Some(vec![("tier".to_owned(), "front".to_owned())]),
        pod_name: Some("web".to_owned()),
        ..RunningContainer::default()
    });
    for (field, expect) in [
        ("container.image.repository", "nginx"),
        ("container.image.tag", "unknown: it is not known of the container"),
        ("container.privileged", "true"),
        ("container.mount.dest[/etc]", "/host/etc"),
        ("container.mount.dest[/proc*]", "/p"),
        ("container.mount.dest[1]", "/p"),
        ("container.mount.dest[/none]", "none"),
        ("container.mount.source[/host/*]", "/etc"),
        ("container.label.tier", "front"),
        ("container.label.team", "<NA>"),
        ("k8s.pod.name", "web"),
        ("k8s.ns.name", "unknown: it is not known of the container"),
        ("k8s.pod.label.app", "unknown: it is not known of the container"),
    ] {
        assert_eq!(ask(&state, &event, field), expect, "{field}");
    }
    let after = stamps(&state);
    assert!(before[..2] == after[..2] && before[2] != after[2]);
    // What is in no pod has no name of one; it may have an address all the same.
    let id = "3ad7b26ded6d".to_owned();
    state.add_container(RunningContainer { id, no_pod: true, ..RunningContainer::default() });
    for field in ["k8s.pod.name", "k8s.ns.name", "k8s.pod.uid", "k8s.pod.sandbox_id", "k8s.pod.labels", "k8s.pod.ip"] {
        assert_eq!(ask(&state, &event, field), "<NA>", "{field}");
    }
    assert_eq!(ask(&state, &event, "container.ip"), "unknown: it is not known of the container");
    let after = stamps(&state);
    assert_eq!(state.facts(&event).stamp(Scope::Event), None);
    // Another process of the same container has stamps of its own, and one that changes gets others.
    state.add_thread(ThreadSeed { tid: 3, pid: 3, ptid: 2, ..ThreadSeed::default() });
    let changed = stamps(&state);
    assert!(after[0] != changed[0] && after[1] != changed[1]);
}

#[test]
fn leaving_tells_what_entering_told_where_only_leaving_is_seen() {
    let bytes = [&7_i64.to_le_bytes()[..], b"/etc/passwd\0", &[1, 0, 0, 0]].concat();
    let ends = [8, 20, 24];
    let enter = Event { params: Params::new(&ends, &bytes).unwrap(), ..event(E::OPENAT_X.enter(), 3) };
    let result = 5_i64.to_le_bytes();
    let leave = Event { params: Params::new(&[8], &result).unwrap(), ..event(E::OPENAT_X, 3) };
    for (exit_only, argument) in [(false, "<NA>"), (true, "1")] {
        let mut state = state();
        state.set_exit_only(exit_only);
        state.apply(&enter);
        state.apply(&leave);
        assert_eq!(ask(&state, &leave, "fd.name"), "/etc/passwd");
        assert_eq!(ask(&state, &leave, "evt.is_open_read"), "true");
        assert_eq!(ask(&state, &leave, "evt.args"), "fd=5(<f>/etc/passwd)");
        assert_eq!(ask(&state, &leave, "evt.rawarg.flags"), argument);
        assert_eq!(ask(&state, &leave, "fs.path.name"), "/etc/passwd");
        assert_eq!(ask(&state, &leave, "evt.rawres"), "5");
    }
}

#[test]
fn strangers_are_unknown_but_their_files_are_followed() {
    let mut state = state();
    let bytes = [&3_i64.to_le_bytes()[..], b"/etc/shadow\0", &[1, 0, 0, 0], &[0; 4]].concat();
    let open = Event { params: Params::new(&[8, 20, 24, 28], &bytes).unwrap(), ..event(E::OPEN_X, 77) };
    state.apply(&open);
    assert_eq!(ask(&state, &open, "fd.name"), "/etc/shadow");
    let unknown = format!("unknown: {}", Unknown::Process);
    for field in ["proc.name", "proc.aname", "container.id", "user.name", "proc.pname"] {
        assert_eq!(ask(&state, &open, field), unknown, "{field}");
    }
    assert_eq!(ask(&state, &open, "thread.tid"), "77");
    assert_eq!(state.counters().unknown_threads, 1);
}

/// Every field that can be filled is answered, of every kind of event.
#[test]
fn every_field_is_answered_of_every_event() {
    let mut state = state();
    let fields: Vec<Field> = crate::FieldId::all()
        .flat_map(|id| {
            let name = id.info().name;
            [name.to_owned(), format!("{name}[0]"), format!("{name}[x]")]
        })
        .filter_map(|text| Field::parse(&text).ok())
        .collect();
    assert!(fields.len() > 391);
    for code in (0..430).map(E) {
        let event = event(code, 3);
        state.apply(&event);
        for field in &fields {
            let _ = state.facts(&event).value(field);
        }
    }
}
