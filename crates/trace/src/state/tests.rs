use super::*;
use crate::event::EventCode as E;

fn seed(tid: i64, ptid: i64) -> ThreadSeed {
    ThreadSeed { tid, pid: tid, ptid, comm: format!("p{tid}").into_bytes(), ..ThreadSeed::default() }
}

fn state(bounds: Bounds) -> State {
    let mut state = State::new(bounds);
    state.add_thread(seed(1, 0));
    state
}

/// Applies an event whose parameters are these bytes.
fn apply(state: &mut State, tid: i64, code: E, params: &[&[u8]]) {
    let bytes = params.concat();
    let mut end = 0;
    let ends: Vec<u32> = params
        .iter()
        .map(|param| {
            end += param.len() as u32;
            end
        })
        .collect();
    let params = Params::new(&ends, &bytes).unwrap();
    state.apply(&Event { number: 1, time: 5, cpu: 0, tid, code, params });
}

fn i(value: i64) -> [u8; 8] {
    value.to_le_bytes()
}

/// What leaving `clone` says, as far as it matters here.
fn clone(state: &mut State, tid: i64, result: i64, pid: i64, ptid: i64, flags: u32) {
    let [none, zero, uid] = [&[][..], &[0; 8], &[0; 4]];
    let [result, tid_bytes, pid, ptid] = [result, tid, pid, ptid].map(i);
    let flags = flags.to_le_bytes();
    let params: [&[u8]; 20] = [
        &result, b"exe\0", b"arg\0", &tid_bytes, &pid, &ptid, none, zero, zero, zero, uid, uid, uid, b"comm\0", none,
        &flags, uid, uid, none, none,
    ];
    apply(state, tid, E::CLONE_20_X, &params);
}

const THREAD: u32 = 1 << 13 | 1;

#[test]
fn threads_share_files_and_go_with_their_process() {
    let mut state = state(Bounds::default());
    clone(&mut state, 1, 2, 1, 0, 0);
    clone(&mut state, 2, 0, 2, 1, 0);
    clone(&mut state, 2, 3, 2, 1, THREAD);
    assert_eq!(state.thread(3).map(|thread| (thread.pid, thread.ptid)), Some((2, 1)));
    let open = |state: &mut State, tid| {
        apply(state, tid, E::OPEN_X, &[&i(4), b"/etc/passwd\0", &1_u32.to_le_bytes(), &[0; 4]]);
    };
    open(&mut state, 3);
    assert_eq!(state.files(2).unwrap()[&4].name, b"/etc/passwd");
    assert!(state.files(1).unwrap().is_empty());
    // The first thread ends before the other: the process goes on.
    apply(&mut state, 2, E::PROCEXIT_1_E, &[&i(0)]);
    apply(&mut state, 3, E::CLOSE_X, &[&i(0), &i(4)]);
    assert!(state.files(3).unwrap().contains_key(&4), "until the event is over");
    apply(&mut state, 3, E::GETUID_X, &[]);
    assert!(state.files(3).unwrap().is_empty());
    apply(&mut state, 3, E::PROCEXIT_1_E, &[&i(0)]);
    assert!(state.thread(3).is_some(), "until the event is over");
    apply(&mut state, 1, E::GETUID_X, &[]);
    assert_eq!(state.thread_count(), 1);
}

#[test]
fn what_a_descriptor_stands_for_can_be_told_with_each_event() {
    let mut state = state(Bounds::default());
    state.set_files_noted_only(true);
    let file = |number, name: &str, inode| {
        let fd = Fd { number, kind: FdKind::File, name: name.into(), inode: Some(inode), ..Fd::default() };
        [Descriptor { number, file: Some(fd) }]
    };
    let write = |state: &mut State, told: &[Descriptor]| {
        state.note(1, told);
        apply(state, 1, E::WRITE_X, &[&i(1), b"x", &i(3)]);
        state.files(1).unwrap().get(&3).map(|fd| String::from_utf8_lossy(&fd.name).into_owned())
    };
    assert_eq!(write(&mut state, &file(3, "/a", 1)).as_deref(), Some("/a"));
    // It was closed and opened meanwhile, which nobody told.
    assert_eq!(write(&mut state, &file(3, "/b", 2)).as_deref(), Some("/b"));
    assert_eq!(write(&mut state, &[Descriptor { number: 3, file: None }]), None);
    assert!(state.has_unnoted_files(1), "of all others nobody knows");

    // Who began a connection only the call tells that began it.
    let mut socket = Fd { number: 4, inode: Some(9), transport: Transport::Tcp, ..Fd::default() };
    let [here, there] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
    socket.connect(here, 50, there, 60);
    let seen = Fd { role: Role::Client, ..socket.clone() };
    socket.connect(there, 60, here, 50);
    let guessed = Fd { role: Role::Server, ..socket };
    state.note(1, &[Descriptor { number: 4, file: Some(seen) }]);
    state.note(1, &[Descriptor { number: 4, file: Some(guessed.clone()) }]);
    assert_eq!(state.files(1).unwrap()[&4].role, Role::Client);
    state.note(7, &[Descriptor { number: 4, file: Some(guessed.clone()) }]);
    assert_eq!(state.files(7).unwrap().len(), 1, "of a process that was not seen before, too");
    state.note(1, &[Descriptor { number: 4, file: Some(Fd { inode: Some(10), ..guessed }) }]);
    assert_eq!(state.files(1).unwrap()[&4].role, Role::Server, "another socket between the same ends");
}

/// A sensor whose children tell of themselves says of their parents' calls only how they ended.
#[test]
fn a_call_that_says_nothing_of_the_child_changes_nothing() {
    let mut state = state(Bounds::default());
    clone(&mut state, 2, 0, 2, 1, 0);
    let before = state.thread(2).cloned().unwrap();
    for parent in [1, 7] {
        apply(&mut state, parent, E::CLONE_20_X, &[&i(2)]);
    }
    let after = state.thread(2).unwrap();
    assert_eq!((&after.program, after.vpid, after.ptid), (&before.program, before.vpid, before.ptid));
    assert!(!state.thread(7).unwrap().known, "nothing is made up of the other parent");
}

#[test]
fn orphans_go_to_whom_the_kernel_gives_them() {
    let mut state = state(Bounds::default());
    for (parent, child) in [(1, 2), (2, 3)] {
        clone(&mut state, parent, child, parent, parent - 1, 0);
        clone(&mut state, child, 0, child, parent, 0);
    }
    apply(&mut state, 2, E::PROCEXIT_1_E, &[&i(0), &i(0), &[0], &[0], &i(1)]);
    apply(&mut state, 1, E::GETUID_X, &[]);
    let thread = state.thread(3).unwrap();
    assert_eq!((thread.ptid, state.ancestors(thread).map(|thread| thread.tid).collect()), (1, vec![1]));
}

#[test]
fn parents_that_go_in_a_circle_end_somewhere() {
    let mut state = State::new(Bounds::default());
    for (tid, ptid) in [(1, 3), (2, 1), (3, 2), (9, 3)] {
        state.add_thread(seed(tid, ptid));
    }
    let thread = state.thread(9).unwrap();
    let ancestors: Vec<i64> = state.ancestors(thread).map(|thread| thread.tid).collect();
    assert!(ancestors.starts_with(&[3, 2, 1]) && ancestors.len() < 10, "{ancestors:?}");
}

#[test]
fn memory_is_bounded_and_what_is_forgotten_is_counted() {
    let mut state = state(Bounds { threads: 100, fds: 3, containers: 2, users: 2, ..Bounds::default() });
    for child in 2..1000 {
        clone(&mut state, 1, child, 1, 0, 0);
        clone(&mut state, child, 0, child, 1, 0);
    }
    assert!(state.thread_count() <= 100 && state.thread(999).is_some());
    assert!(state.thread(1).is_some(), "it had an event just now");
    assert_eq!(state.counters().threads_evicted, 999 - state.thread_count() as u64);
    for fd in 0..5 {
        apply(&mut state, 1, E::OPEN_X, &[&i(fd), b"/x\0", &[0; 4], &[0; 4]]);
    }
    assert_eq!((state.files(1).unwrap().len(), state.counters().fds_refused), (3, 2));
    for id in ["a", "b", "c"] {
        state.add_container(RunningContainer { id: id.to_owned(), ..RunningContainer::default() });
        state.add_user("", User { uid: u32::from(id.as_bytes()[0]), ..User::default() });
    }
    assert_eq!(state.containers().into_iter().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!((state.counters().containers_evicted, state.counters().users_refused), (1, 1));
    let mut small = State::new(Bounds { program_bytes: 10_000, ..Bounds::default() });
    for tid in 1..100 {
        small.add_thread(ThreadSeed { env: vec![b'x'; 1000], ..seed(tid, 0) });
    }
    assert!(small.thread_count() < 10 && small.thread(99).is_some());
}

#[test]
fn ids_that_come_again_are_other_processes() {
    let mut state = state(Bounds::default());
    clone(&mut state, 1, 2, 1, 0, 0);
    clone(&mut state, 2, 0, 2, 1, 0);
    clone(&mut state, 2, 3, 2, 1, 0);
    clone(&mut state, 3, 0, 3, 2, 0);
    // The end of 2 was lost.
    state.add_thread(seed(50, 1));
    clone(&mut state, 50, 2, 50, 1, 0);
    assert_eq!(state.thread(2).unwrap().ptid, 50);
    let child = state.thread(3).unwrap();
    assert!(state.parent(child).is_none(), "the new process did not make it");
}

#[test]
fn who_a_process_is_changes_by_calls_that_succeed() {
    let mut state = state(Bounds::default());
    let call = |state: &mut State, exit: E, enter: &[&[u8]], leave: &[&[u8]]| {
        apply(state, 1, exit.enter(), enter);
        apply(state, 1, exit, leave);
    };
    let one = 1_u32.to_le_bytes();
    let keep = u32::MAX.to_le_bytes();
    call(&mut state, E::SETUID_X, &[&one], &[&i(-1)]);
    assert_eq!(state.thread(1).unwrap().uid, None);
    call(&mut state, E::SETRESUID_X, &[&one, &one, &keep], &[&i(0)]);
    call(&mut state, E::SETRESGID_X, &[&one, &keep, &keep], &[&i(0)]);
    call(&mut state, E::PRCTL_X, &[], &[&i(0), &15_u32.to_le_bytes(), b"renamed-and-cut-off\0", &i(0)]);
    call(&mut state, E::CAPSET_X, &[], &[&i(0), &i(0), &i(3), &i(1)]);
    let thread = state.thread(1).unwrap();
    assert_eq!((thread.uid, thread.gid, &*thread.comm), (Some(1), None, &b"renamed-and-cut"[..]));
    assert_eq!(thread.capabilities, Some([0, 3, 1]));
}

#[test]
fn groups_are_set_by_the_ids_of_the_callers_namespace() {
    let mut state = state(Bounds::default());
    let inside = |tid, ptid, vpid| ThreadSeed { vpid: Some(vpid), vtid: Some(vpid), ..seed(tid, ptid) };
    for thread in [seed(7, 1), seed(8, 7), inside(100, 1, 1), inside(101, 100, 7)] {
        state.add_thread(thread);
    }
    let set = |state: &mut State, tid, pid, group| {
        apply(state, tid, E::SETPGID_X, &[&i(0), &i(pid), &i(group)]);
    };
    set(&mut state, 100, 7, 7);
    set(&mut state, 100, 8, 5);
    let groups = |state: &State| [7, 8, 100, 101].map(|tid| state.thread(tid).unwrap().vpgid);
    assert_eq!(groups(&state), [None, None, None, Some(7)]);
    set(&mut state, 7, 8, 8);
    set(&mut state, 100, 0, 0);
    assert_eq!(groups(&state), [None, Some(8), Some(1), Some(7)]);
}

fn open(state: &mut State, tid: i64, fd: i64, path: &str) {
    let path = [path.as_bytes(), &[0]].concat();
    apply(state, tid, E::OPEN_X, &[&i(fd), &path, &1_u32.to_le_bytes(), &[0; 4]]);
}

fn ask(state: &State, tid: i64, code: E, params: &[&[u8]], field: &str) -> String {
    use crate::field::{Facts, Field, Value};
    let bytes = params.concat();
    let ends: Vec<u32> = params
        .iter()
        .scan(0, |end, param| {
            *end += param.len() as u32;
            Some(*end)
        })
        .collect();
    let event = Event { number: 1, time: 5, cpu: 0, tid, code, params: Params::new(&ends, &bytes).unwrap() };
    match state.facts(&event).value(&Field::parse(field).unwrap()) {
        Value::Absent => "<NA>".to_owned(),
        Value::Unknown(why) => format!("unknown: {why}"),
        value => value.scalars().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

/// What is asked about a file that a process closes.
fn closed(state: &mut State, tid: i64, fd: i64, field: &str) -> String {
    apply(state, tid, E::CLOSE_X.enter(), &[&i(fd)]);
    apply(state, tid, E::CLOSE_X, &[&i(0)]);
    ask(state, tid, E::CLOSE_X, &[&i(0)], field)
}

#[test]
fn files_that_were_not_noted_are_unknown_and_not_nameless() {
    const UNKNOWN: &str = "unknown: the file is not known";
    let mut state = state(Bounds { fds: 2, ..Bounds::default() });
    // All that this process has open is known.
    open(&mut state, 1, 3, "/etc/passwd");
    assert_eq!(closed(&mut state, 1, 9, "fd.name"), "");
    assert_eq!(closed(&mut state, 1, 9, "fd.type"), "<NA>");
    // This one was not seen before, and may have anything; so may those that it makes.
    apply(&mut state, 50, E::GETUID_X, &[]);
    clone(&mut state, 50, 51, 50, 1, 0);
    clone(&mut state, 51, 0, 51, 50, 0);
    for tid in [50, 51] {
        for field in ["fd.name", "fd.type", "fd.typechar", "fd.directory", "fd.sip", "fd.types"] {
            assert_eq!(closed(&mut state, tid, 9, field), UNKNOWN, "{tid} {field}");
        }
        assert_eq!(closed(&mut state, tid, 9, "fd.num"), "9");
        open(&mut state, tid, 4, "/etc/shadow");
        assert_eq!(closed(&mut state, tid, 4, "fd.name"), "/etc/shadow", "{tid}");
    }
    // This one has more than are noted.
    for fd in 4..7 {
        open(&mut state, 1, fd, "/tmp/x");
    }
    let flags = 1_u32.to_le_bytes();
    let params: [&[u8]; 4] = [&i(6), b"/tmp/x\0", &flags, &[0; 4]];
    assert_eq!(ask(&state, 1, E::OPEN_X, &params, "fd.name"), "/tmp/x", "the call says it");
    assert_eq!(ask(&state, 1, E::OPEN_X, &params, "fd.type"), UNKNOWN);
    assert_eq!(closed(&mut state, 1, 6, "fd.name"), UNKNOWN);
    assert_eq!(closed(&mut state, 1, 3, "fd.name"), "/etc/passwd");
}

#[test]
fn a_fork_bomb_whose_processes_open_files_takes_no_more_than_it_may() {
    let bounds = Bounds { threads: 3000, file_bytes: 1 << 20, ..Bounds::default() };
    let most = bounds.file_bytes;
    let mut state = state(bounds);
    for fd in 0..1000 {
        open(&mut state, 1, fd, &format!("/srv/data/{fd}"));
    }
    let (before, files) = (state.held.bytes(), state.files(1).unwrap().len());
    assert!(files == 1000 && before > 100_000, "{before}");
    for child in 2..2000 {
        clone(&mut state, 1, child, 1, 0, 0);
        clone(&mut state, child, 0, child, 1, 0);
        let shared = state.held.bytes();
        assert_eq!(closed(&mut state, child, 9, "fd.name"), "/srv/data/9", "shared with the parent");
        assert!(state.held.bytes() < shared + 1000, "nothing was copied yet");
        open(&mut state, child, 3, "/tmp/own");
        assert!(state.held.bytes() <= most, "{}", state.held.bytes());
        // Whatever had to be forgotten, nothing is taken for what it is not.
        let name = closed(&mut state, child, 3, "fd.name");
        assert!(name == "/tmp/own" || name == "unknown: the file is not known", "{name}");
    }
    let Counters { fds_refused, files_forgotten, threads_evicted, .. } = state.counters();
    assert!(fds_refused > 1000 && files_forgotten > 1000 && threads_evicted == 0, "{:?}", state.counters());
    // All of it is given back.
    for child in 2..2000 {
        apply(&mut state, child, E::PROCEXIT_1_E, &[&i(0)]);
    }
    apply(&mut state, 1, E::GETUID_X, &[]);
    assert!(state.held.bytes() <= before + 4096, "{} {before}", state.held.bytes());
    drop(state);
}

#[test]
fn calls_that_are_entered_and_containers_are_bounded_in_bytes() {
    let mut state = state(Bounds { file_bytes: 100_000, container_bytes: 100_000, ..Bounds::default() });
    let path = [vec![b'x'; 10_000], vec![0]].concat();
    for tid in 100..150 {
        apply(&mut state, tid, E::OPEN_X.enter(), &[&path, &[0; 4], &[0; 4]]);
        assert!(state.calls.bytes() <= 100_000, "{}", state.calls.bytes());
    }
    assert!((35..50).contains(&state.counters().calls_forgotten), "{:?}", state.counters());
    for id in 0..100 {
        let labels = Some(vec![("a".to_owned(), "b".repeat(5000))]);
        state.add_container(RunningContainer { id: format!("{id}"), labels, ..RunningContainer::default() });
    }
    let kept = state.containers().len();
    assert!((10..20).contains(&kept) && state.container("99").is_some(), "{kept}");
    assert_eq!(state.counters().containers_evicted, 100 - kept as u64);
    let huge =
        RunningContainer { id: "huge".to_owned(), name: Some("n".repeat(200_000)), ..RunningContainer::default() };
    state.add_container(huge);
    assert!(state.containers().is_empty());
    state.add_container(RunningContainer { id: "small".to_owned(), ..RunningContainer::default() });
    assert!(state.container("small").is_some());
    state.add_user("", User { name: vec![b'x'; 10_000], ..User::default() });
    assert_eq!(state.counters().users_refused, 1);
}

/// Something that happens to one of a few threads.
fn happen(state: &mut State, what: u8, tid: i64, other: i64) {
    match what {
        0 => clone(state, tid, other, tid, 1, 0),
        1 => clone(state, other, 0, other, tid, 0),
        2 => clone(state, other, 0, tid, 1, THREAD),
        3 => apply(state, tid, E::PROCEXIT_1_E, &[&i(0)]),
        4 => apply(state, tid, E::PROCEXIT_1_E, &[&i(0), &i(0), &[0], &[0], &i(other)]),
        5 => apply(state, tid, E::PRCTL_X, &[&i(0), &15_u32.to_le_bytes(), format!("n{other}\0").as_bytes(), &i(0)]),
        6 => apply(state, tid, E::SETUID_X, &[&i(0), &(other as u32).to_le_bytes()]),
        7 => apply(state, tid, E::SETSID_X, &[&i(tid)]),
        8 => apply(state, tid, E::SETPGID_X, &[&i(0), &i(tid), &i(other)]),
        9 => state.add_thread(ThreadSeed { cgroups: b"cpu=/docker/a\0".to_vec(), ..seed(tid, other) }),
        10 => state.add_user("", User { uid: tid as u32, name: format!("u{other}").into(), ..User::default() }),
        _ => apply(state, tid, E::GETUID_X, &[]),
    }
}

proptest::proptest! {
    /// Whatever happens in between: the same stamp means the same answer.
    #[test]
    fn answers_hold_as_long_as_their_stamps_do(
        steps in proptest::collection::vec((0_u8..12, 1_i64..7, 1_i64..7), 1..120),
        bound in 3_usize..10,
    ) {
        use crate::field::{Argument, Facts, FieldId, Given, Scope};
        use proptest::prop_assert_eq;
        let mut state = state(Bounds { threads: bound, ..Bounds::default() });
        let fields = FieldId::all().filter(|id| !matches!(id.info().argument, Argument::Index | Argument::Key));
        let fields = fields.map(|id| crate::field::Field { id, given: Given::Nothing });
        let fields: Vec<_> = fields.filter(|field| field.info().scope != Scope::Event).collect();
        let mut known = HashMap::new();
        for (time, (what, tid, other)) in steps.into_iter().enumerate() {
            happen(&mut state, what, tid, other);
            let event = Event { number: 1, time: time as u64, cpu: 0, tid: other, code: E::GETUID_X, params: Params::default() };
            state.apply(&event);
            let facts = state.facts(&event);
            for field in &fields {
                let Some(stamp) = facts.stamp(field.info().scope) else { continue };
                let answer = format!("{:?}", facts.value(field));
                let before = known.entry((field.id, stamp)).or_insert_with(|| answer.clone());
                prop_assert_eq!(&*before, &answer, "{} of {}", field.info().name, other);
            }
        }
    }
}

#[test]
fn what_began_before_the_clock_was_set_is_as_old_as_it_was() {
    const HOUR: u64 = 3_600_000_000_000;
    for (now, expect) in [(HOUR, HOUR), (3 * HOUR, 3 * HOUR), (2 * HOUR + 1000, 2 * HOUR)] {
        let mut state = state(Bounds::default());
        state.set_clock(now);
        state.set_machine(Machine { boot: 2 * HOUR, ..Machine::default() });
        state.add_thread(ThreadSeed { started: Some(2 * HOUR + 7), namespace_started: Some(3), ..seed(2, 1) });
        state.set_clock(now);
        let thread = state.thread(2).unwrap();
        assert_eq!(thread.started, Some(expect + 7), "{now}");
        assert_eq!(state.machine().unwrap().boot, expect);
        // Nothing is before the beginning of all time.
        assert_eq!(
            thread.namespace_started,
            Some(if now == 3 * HOUR {
                HOUR + 3
            } else if now == HOUR {
                0
            } else {
                3
            })
        );
        assert_eq!(state.thread(1).unwrap().started, None);
    }
}

/// What `execve` says, as far as it matters here; an empty text for no value.
fn exec(state: &mut State, tid: i64, [exe, args, env]: [&[u8]; 3], [cwd, exepath, filename]: [&str; 3]) {
    let text = |text: &str| if text.is_empty() { Vec::new() } else { [text.as_bytes(), &[0]].concat() };
    let [none, zero, uid] = [&[][..], &[0; 8], &[0; 4]];
    let (ids, [cwd, exepath, filename]) = (i(tid), [cwd, exepath, filename].map(text));
    let params: [&[u8]; 31] = [
        &i(0),
        exe,
        args,
        &ids,
        &ids,
        &i(1),
        &cwd,
        zero,
        zero,
        zero,
        uid,
        uid,
        uid,
        b"comm\0",
        none,
        env,
        uid,
        zero,
        uid,
        uid,
        zero,
        zero,
        zero,
        zero,
        zero,
        zero,
        uid,
        &exepath,
        zero,
        uid,
        &filename,
    ];
    apply(state, tid, E::EXECVE_19_X, &params);
}

fn of_process(state: &State, tid: i64, field: &str) -> String {
    ask(state, tid, E::GETUID_X, &[], field)
}

const NO_PATH: &str = "unknown: its path was not told whole, or lies below a directory that is not known";

#[test]
fn a_program_whose_path_was_not_told_has_none_of_another() {
    let mut state = state(Bounds::default());
    state.add_thread(ThreadSeed { cwd: b"/usr/bin".to_vec(), exepath: Some(b"/usr/bin/sh".to_vec()), ..seed(2, 1) });
    exec(&mut state, 2, [&b"ls\0"[..], b"", b""], ["<UNKNOWN>/deep/dir", "<UNKNOWN>/deep/dir/ls", "./ls"]);
    assert_eq!(of_process(&state, 2, "proc.exepath"), NO_PATH, "not /usr/bin/ls");
    assert_eq!(of_process(&state, 2, "proc.cwd"), NO_PATH);
    assert_eq!(state.counters().paths_untold, 2);
    // A child has no other.
    clone(&mut state, 2, 0, 3, 2, 0);
    clone(&mut state, 3, 0, 3, 2, 0);
    assert_eq!(of_process(&state, 3, "proc.exepath"), NO_PATH);
    assert_eq!(of_process(&state, 3, "proc.pexepath"), NO_PATH);
    // Falco's recorders tell no path of some programs: it follows from what was asked for, where the directory is known.
    exec(&mut state, 2, [&b"ls\0"[..], b"", b""], ["", "", "./ls"]);
    assert_eq!(of_process(&state, 2, "proc.exepath"), NO_PATH, "the directory is still not known");
    exec(&mut state, 2, [&b"ls\0"[..], b"", b""], ["/srv", "", "./ls"]);
    assert_eq!(of_process(&state, 2, "proc.exepath"), "/srv/ls");
}

#[test]
fn whoever_goes_where_nobody_knows_is_nowhere_that_is_known() {
    let mut state = state(Bounds::default());
    state.add_thread(ThreadSeed { cwd: b"/usr/bin".to_vec(), ..seed(2, 1) });
    let cwd = |state: &State| of_process(state, 2, "proc.cwd");
    let go = |state: &mut State, path: &str| {
        apply(state, 2, E::CHDIR_X, &[&i(0), &[path.as_bytes(), &[0]].concat()]);
    };
    go(&mut state, "../lib");
    assert_eq!(cwd(&state), "/usr/lib/");
    for _ in 0..17 {
        go(&mut state, &"n".repeat(250));
    }
    assert_eq!(cwd(&state), NO_PATH, "it is longer than the kernel tells");
    go(&mut state, "etc");
    assert_eq!(cwd(&state), NO_PATH, "not /etc/");
    let flags = 1_u32.to_le_bytes();
    let open: [&[u8]; 8] = [&i(5), &i(-100), b"shadow\0", &flags, &[0; 4], &[0; 4], &[0; 8], &[]];
    apply(&mut state, 2, E::OPENAT_2_X, &open);
    for field in ["fd.name", "fd.directory", "fd.containername", "fs.path.name"] {
        assert_eq!(ask(&state, 2, E::OPENAT_2_X, &open, field), NO_PATH, "{field}");
    }
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &open, "fd.filename"), "shadow");
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &open, "fd.nameraw"), "shadow");
    // What was not to be read says as little.
    let failed: [&[u8]; 8] = [&i(-2), &i(-100), &[], &flags, &[0; 4], &[0; 4], &[0; 8], &[]];
    apply(&mut state, 2, E::OPENAT_2_X, &failed);
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &failed, "fd.name"), "unknown: it was not recorded");
    let renamed: [&[u8]; 3] = [&i(0), b"a\0", b"/b\0"];
    apply(&mut state, 2, E::RENAME_X, &renamed);
    assert_eq!(ask(&state, 2, E::RENAME_X, &renamed, "fs.path.source"), NO_PATH);
    assert_eq!(ask(&state, 2, E::RENAME_X, &renamed, "fs.path.target"), "/b");
    go(&mut state, "/");
    assert_eq!(cwd(&state), "/");
    // A descriptor that nobody followed, a call that says nothing, and a directory below no root.
    apply(&mut state, 2, E::FCHDIR_X, &[&i(0), &i(77)]);
    assert_eq!(cwd(&state), NO_PATH);
    go(&mut state, "/tmp");
    apply(&mut state, 2, E::CHDIR_X, &[&i(0), &[]]);
    assert_eq!(cwd(&state), NO_PATH);
    go(&mut state, "/tmp");
    apply(&mut state, 2, E::GETCWD_X, &[&i(9), b"(unreachable)/x\0"]);
    assert_eq!(cwd(&state), NO_PATH);
}

#[test]
fn a_path_that_the_kernel_did_not_tell_whole_is_not_put_together() {
    let mut state = state(Bounds::default());
    state.add_thread(ThreadSeed { cwd: b"/".to_vec(), ..seed(2, 1) });
    let flags = 1_u32.to_le_bytes();
    let open: [&[u8]; 8] = [&i(5), &i(-100), b"etc/shadow\0", &flags, &[0; 4], &[0; 4], &[0; 8], b"<UNKNOWN>/x/link\0"];
    apply(&mut state, 2, E::OPENAT_2_X, &open);
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &open, "fd.name"), NO_PATH);
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &open, "fd.filename"), "link", "its end is known");
    assert_eq!(state.counters().paths_untold, 1);
    // Nor is what is below it.
    let below: [&[u8]; 8] = [&i(-2), &i(5), b"f\0", &flags, &[0; 4], &[0; 4], &[0; 8], &[]];
    apply(&mut state, 2, E::OPENAT_2_X, &below);
    assert_eq!(ask(&state, 2, E::OPENAT_2_X, &below, "fd.name"), NO_PATH);
}

#[test]
fn arguments_and_variables_that_were_cut_are_known_as_far_as_they_go() {
    use crate::field::{Facts, Field, Part, Value};
    let mut state = state(Bounds::default());
    let begins = |state: &State, field: &str| {
        let event = Event { number: 1, time: 5, cpu: 0, tid: 2, code: E::GETUID_X, params: Params::default() };
        match state.facts(&event).value(&Field::parse(field).unwrap()) {
            Value::Partly(parts) => match &parts[..] {
                [Part::Beginning(text)] => Some(text.to_vec()),
                _ => None,
            },
            _ => None,
        }
    };
    state.add_thread(seed(2, 1));
    let args = [&b"-a\0"[..], &b"x".repeat(4096 - 3 - 3)].concat();
    let env = [&b"A=1\0B="[..], &b"y".repeat(4096 - 6)].concat();
    exec(&mut state, 2, [&b"ls\0"[..], &args, &env], ["/", "/bin/ls", "ls"]);
    let line = [&b"-a "[..], &args[3..]].concat();
    assert_eq!(begins(&state, "proc.args"), Some(line.clone()));
    assert_eq!(begins(&state, "proc.cmdline"), Some([b"comm ", &line[..]].concat()));
    assert_eq!(begins(&state, "proc.exeline"), Some([b"ls ", &line[..]].concat()));
    assert_eq!(begins(&state, "proc.args[1]"), Some(args[3..].to_vec()));
    assert_eq!(begins(&state, "proc.env[B]"), Some(env[6..].to_vec()));
    for (field, expect) in [
        ("proc.exe", "ls"),
        ("proc.args[0]", "-a"),
        ("proc.args[2]", "unknown: only its beginning was recorded"),
        ("proc.cmdnargs", "unknown: only its beginning was recorded"),
        ("proc.cmdlenargs", "unknown: only its beginning was recorded"),
        ("proc.env[A]", "1"),
        ("proc.env[C]", "unknown: only its beginning was recorded"),
        ("proc.aenv[C]", "<NA>"),
    ] {
        assert_eq!(of_process(&state, 2, field), expect, "{field}");
    }
    // One byte less is all there is.
    exec(&mut state, 2, [&b"ls\0"[..], &args[..args.len() - 1], &env[..env.len() - 1]], ["/", "/bin/ls", "ls"]);
    assert_eq!((begins(&state, "proc.args"), begins(&state, "proc.env[B]")), (None, None));
    assert_eq!(of_process(&state, 2, "proc.cmdnargs"), "2");
    // The first argument alone may be as long.
    exec(&mut state, 2, [&b"z".repeat(4096), b"", b""], ["/", "/bin/ls", "ls"]);
    assert_eq!(begins(&state, "proc.exe"), Some(b"z".repeat(4096)));
}

#[test]
fn a_process_that_ended_before_it_was_read_has_arguments_that_nobody_knows() {
    let mut state = state(Bounds::default());
    state.add_thread(ThreadSeed { args: b"-c\0".to_vec(), exe: b"sh".to_vec(), ..seed(2, 1) });
    exec(&mut state, 2, [&b""[..], b"", b"<UNKNOWN>"], ["<UNKNOWN>", "<UNKNOWN>", ""]);
    for field in ["proc.args", "proc.args[0]", "proc.exe", "proc.exeline", "proc.cmdnargs", "proc.env", "proc.env[A]"] {
        assert_eq!(of_process(&state, 2, field), "unknown: it was not recorded", "{field}");
    }
    // So it stays where it is told anew.
    let again = state.seeds().into_iter().find(|seed| seed.tid == 2).unwrap();
    state.add_thread(again);
    assert_eq!(of_process(&state, 2, "proc.args"), "unknown: it was not recorded");
    // Whoever is made executes what its maker does, where nobody says what.
    state.add_thread(ThreadSeed { args: b"-c\0".to_vec(), exe: b"sh".to_vec(), ..seed(4, 1) });
    let [none, zero, uid] = [&[][..], &[0; 8], &[0; 4]];
    let ids = i(5);
    let params: [&[u8]; 20] = [
        &i(0),
        none,
        none,
        &ids,
        &ids,
        &i(4),
        none,
        zero,
        zero,
        zero,
        uid,
        uid,
        uid,
        none,
        none,
        uid,
        uid,
        uid,
        none,
        none,
    ];
    apply(&mut state, 5, E::CLONE_20_X, &params);
    assert_eq!(of_process(&state, 5, "proc.args"), "-c");
}

#[test]
fn a_connection_of_ipv4_over_a_socket_of_ipv6_is_one_of_ipv4() {
    let mut state = state(Bounds::default());
    state.add_thread(seed(2, 1));
    let mapped = |ip: [u8; 4]| [&[0; 10][..], &[0xff, 0xff], &ip].concat();
    let tuple = |from: &[u8], from_port: u16, to: &[u8], to_port: u16| {
        [&[10][..], from, &from_port.to_le_bytes(), to, &to_port.to_le_bytes()].concat()
    };
    let socket = |state: &mut State, kind: u32| {
        apply(state, 2, E::SOCKET_X, &[&i(3), &10_u32.to_le_bytes(), &kind.to_le_bytes(), &0_u32.to_le_bytes()]);
    };
    let own = mapped([127, 0, 0, 1]);
    for (result, ends) in
        [(0, tuple(&own, 4000, &own, 80)), (-111, tuple(&own, 4000, &own, 80)), (0, tuple(&[0; 16], 4000, &own, 80))]
    {
        socket(&mut state, 1);
        let connect: [&[u8]; 4] = [&i(result), &ends, &i(3), &[]];
        apply(&mut state, 2, E::CONNECT_X, &connect);
        let asked = |field: &str| ask(&state, 2, E::CONNECT_X, &connect, field);
        let from = if ends[1..17] == [0; 16] { "0.0.0.0" } else { "127.0.0.1" };
        assert_eq!(asked("fd.name"), format!("{from}:4000->127.0.0.1:80"), "{result}");
        if result == 0 {
            let told = ["fd.sip", "fd.cip", "fd.type", "fd.typechar", "fd.rip", "fd.sport"].map(asked);
            assert_eq!(told, ["127.0.0.1", from, "ipv4", "4", "127.0.0.1", "80"]);
        }
    }
    // A connection of IPv6 stays one.
    socket(&mut state, 1);
    let ends = tuple(&1_u128.to_be_bytes(), 4000, &1_u128.to_be_bytes(), 80);
    let connect: [&[u8]; 4] = [&i(0), &ends, &i(3), &[]];
    apply(&mut state, 2, E::CONNECT_X, &connect);
    assert_eq!(ask(&state, 2, E::CONNECT_X, &connect, "fd.name"), "::1:4000->::1:80");
    assert_eq!(ask(&state, 2, E::CONNECT_X, &connect, "fd.typechar"), "6");
    // Datagrams, and what waits for connections.
    socket(&mut state, 2);
    let send: [&[u8]; 5] = [&i(1), b"x", &i(3), &4_u32.to_le_bytes(), &tuple(&[0; 16], 5000, &own, 53)];
    apply(&mut state, 2, E::SENDTO_X, &send);
    assert_eq!(ask(&state, 2, E::SENDTO_X, &send, "fd.sip"), "127.0.0.1");
    socket(&mut state, 1);
    let bind: [&[u8]; 3] = [&i(0), &[&[10][..], &own, &80_u16.to_le_bytes()].concat(), &i(3)];
    apply(&mut state, 2, E::BIND_X, &bind);
    assert_eq!(ask(&state, 2, E::BIND_X, &bind, "fd.name"), "127.0.0.1:80");
}
