//! Records that were put together by hand; what comes out is compared by the names of the table of events.

use super::*;
use crate::layout::{CUT, Header, KIND_CGROUP, KIND_EXEC, KIND_EXIT, KIND_FORK};
use sekisho_trace::event::{Address, Tuple};

/// A record with these parts.
fn record(header: Header, body: &[u8], blobs: &[(u16, &[u8])]) -> Vec<u8> {
    let mut rest = body.to_vec();
    for (tag, bytes) in blobs {
        rest.extend_from_slice(&tag.to_ne_bytes());
        rest.extend_from_slice(&(bytes.len() as u16).to_ne_bytes());
        rest.extend_from_slice(bytes);
    }
    let len = (size_of::<Header>() + rest.len()) as u32;
    [Header { len, ..header }.bytes(), rest].concat()
}

fn call(name: &str, ret: i64, args: [u64; 6], blobs: &[(u16, &[u8])]) -> Vec<u8> {
    let number = NAMES.iter().position(|known| *known == name).unwrap() as u16;
    let header = Header { kind: number, time: 50, tid: 7, pid: 7, cpu: 1, cgroup: 3, ..Header::default() };
    record(header, &Call { ret, args, native: number.into() }.bytes(), blobs)
}

/// What is asked of the event in these bytes.
fn told<T>(bytes: &[u8], ask: impl Fn(&Event<'_>, Told) -> T) -> T {
    let mut decoder = Decoder::new(1000);
    let (event, told, _) = decoder.decode(bytes, b"pids=/x\0").unwrap().unwrap();
    ask(&event, told)
}

fn int(event: &Event<'_>, name: &str) -> Option<i64> {
    event.named(name).unwrap_or_else(|| panic!("{name}")).int()
}

fn text(event: &Event<'_>, name: &str) -> Option<String> {
    event.named(name).unwrap_or_else(|| panic!("{name}")).text().map(|text| String::from_utf8_lossy(text).into_owned())
}

fn file(flags: u32) -> Vec<u8> {
    FileFacts { ino: 99, dev: 8 << 20 | 0x12c, flags, ..FileFacts::default() }.bytes()
}

#[test]
fn an_open() {
    let at_cwd = i64::from(-100_i32 as u32).cast_unsigned();
    let args = [at_cwd, 0, 0o2_000_101, 0o644, 0, 0];
    let blobs: &[(u16, &[u8])] =
        &[(1, b"etc/../x"), (tag::PATH, b"/x"), (tag::FILE, &file(file_flag::CREATED | file_flag::UPPER))];
    told(&call("openat", 5, args, blobs), |event, told| {
        assert_eq!((event.name(), event.time, event.tid, event.cpu, event.number), ("openat", 1050, 7, 1, 1));
        assert_eq!(int(event, "fd"), Some(5));
        assert_eq!(int(event, "dirfd"), Some(-100), "32 bits with a sign, whatever is above");
        assert_eq!(
            (text(event, "name"), text(event, "fullpath")),
            (Some("etc/../x".to_owned()), Some("/x".to_owned()))
        );
        // O_WRONLY, O_CREAT, O_CLOEXEC; made just now, in the upper layer.
        assert_eq!(int(event, "flags"), Some(0x2 | 0x4 | 0x1000 | 0x4000 | 0x8000));
        assert_eq!(int(event, "mode"), Some(0o644));
        assert_eq!(int(event, "dev"), Some(0x2c | 8 << 8 | 0x100 << 12));
        assert_eq!(int(event, "ino"), Some(99));
        assert_eq!(told, Told { pid: 7, at: 50, cgroup: 3, ..Told::default() });
    });
}

#[test]
fn an_open_that_failed_knows_no_file_and_a_mode_that_was_not_meant_is_none() {
    told(&call("open", -2, [0, 0, 0o777, 0, 0, 0], &[(0, b"/none")]), |event, _| {
        assert_eq!((int(event, "fd"), int(event, "dev"), int(event, "ino")), (Some(-2), None, None));
        assert_eq!(int(event, "mode"), Some(0), "nothing is made, so nothing was passed");
    });
}

#[test]
fn a_text_that_was_cut_is_none() {
    let mut bytes = call("open", -2, [0; 6], &[(0, b"/begins")]);
    let at = bytes.len() - 7 - 2;
    bytes[at..at + 2].copy_from_slice(&(7 | CUT).to_ne_bytes());
    told(&bytes, |event, told| {
        assert!(event.named("name").unwrap().bytes.is_empty(), "its beginning could pass for the whole");
        assert!(told.cut);
    });
}

#[test]
fn a_file_that_no_path_leads_to() {
    let blobs: &[(u16, &[u8])] = &[(1, b"x"), (tag::PATH, b"/memfd:x"), (tag::FILE, &file(file_flag::DETACHED))];
    told(&call("openat", 5, [0; 6], blobs), |event, _| {
        assert!(event.named("fullpath").unwrap().bytes.is_empty());
    });
}

fn inet(ip: [u8; 4]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[10..12].fill(0xff);
    bytes[12..].copy_from_slice(&ip);
    bytes
}

#[test]
fn connections_by_who_sends_first() {
    let socket = Socket {
        family: AF_INET,
        local: inet([10, 0, 0, 1]),
        remote: inet([10, 0, 0, 2]),
        local_port: 40_000,
        remote_port: 443,
        backlog: 1,
        max_backlog: 128,
        ..Socket::default()
    };
    let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let passed = [2, 0, 1, 0xbb, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    let blobs: &[(u16, &[u8])] = &[(tag::SOCKET, &socket.bytes()), (tag::ADDRESS, &passed)];
    told(&call("connect", -115, [3, 0, 16, 0, 0, 0], blobs), |event, _| {
        assert_eq!(event.named("tuple").unwrap().tuple(), Some(Tuple::Inet(a, 40_000, b, 443)));
        assert_eq!(event.named("addr").unwrap().address(), Some(Address::Inet(b, 443)));
        assert_eq!(int(event, "fd"), Some(3));
    });
    told(&call("accept4", 9, [3, 0, 0, 0x800, 0, 0], &blobs[..1]), |event, _| {
        assert_eq!(event.named("tuple").unwrap().tuple(), Some(Tuple::Inet(b, 443, a, 40_000)));
        assert_eq!(
            (int(event, "queuelen"), int(event, "queuemax"), int(event, "queuepct")),
            (Some(1), Some(128), Some(0))
        );
    });
    // Nobody is at the other end, but it was said whom to send to.
    let loose = Socket { remote: inet([0; 4]), remote_port: 0, ..socket };
    let blobs: &[(u16, &[u8])] = &[(tag::SOCKET, &loose.bytes()), (tag::ADDRESS, &passed), (tag::DATA, b"query")];
    told(&call("sendto", 5, [3, 0, 5, 0, 0, 16], blobs), |event, _| {
        assert_eq!(event.named("tuple").unwrap().tuple(), Some(Tuple::Inet(a, 40_000, b, 443)));
        assert_eq!(event.named("data").unwrap().bytes, b"query");
    });
    told(&call("recvfrom", 5, [3, 0, 5, 0, 0, 0], blobs), |event, _| {
        assert_eq!(event.named("tuple").unwrap().tuple(), Some(Tuple::Inet(b, 443, a, 40_000)));
    });
}

/// What the descriptors of a call stand for: number, kind, name.
fn descriptors(bytes: &[u8]) -> Vec<(i64, Option<(FdKind, String)>)> {
    let mut decoder = Decoder::new(0);
    let (_, _, files) = decoder.decode(bytes, b"").unwrap().unwrap();
    let shown = |fd: &Fd| (fd.kind, String::from_utf8_lossy(&fd.name).into_owned());
    files.iter().map(|descriptor| (descriptor.number, descriptor.file.as_ref().map(shown))).collect()
}

fn of_mode(mode: u32, flags: u32) -> Vec<u8> {
    FileFacts { ino: 99, dev: 8 << 20, mode, flags, ..FileFacts::default() }.bytes()
}

#[test]
fn descriptors_are_told_with_what_is_behind_them() {
    let path = |path: &str| path.to_owned();
    let regular = of_mode(S_IFREG | 0o644, 0);
    let blobs: &[(u16, &[u8])] = &[(tag::PATH, b"/var/log/x"), (tag::FILE, &regular)];
    let file = |number| (number, Some((FdKind::File, path("/var/log/x"))));
    assert_eq!(descriptors(&call("write", 3, [7, 0, 3, 0, 0, 0], blobs)), [file(7)]);
    assert_eq!(descriptors(&call("dup2", 0, [7, 0, 0, 0, 0, 0], blobs)), [file(7)]);
    // What is gone already nobody can tell; a call that is given none has none.
    assert_eq!(descriptors(&call("fchmod", -9, [7, 0, 0, 0, 0, 0], &[])), [(7, None)]);
    assert_eq!(descriptors(&call("kill", 0, [7, 0, 0, 0, 0, 0], blobs)), []);
    let memory = of_mode(S_IFREG, file_flag::DETACHED);
    let blobs: &[(u16, &[u8])] = &[(tag::PATH, b"/memfd:x"), (tag::FILE, &memory)];
    assert_eq!(descriptors(&call("write", 3, [7; 6], blobs)), [(7, Some((FdKind::Memfd, path("/memfd:x"))))]);
    let pipe = of_mode(S_IFIFO, file_flag::DETACHED);
    let blobs: &[(u16, &[u8])] = &[(tag::PATH, b"/"), (tag::FILE, &pipe)];
    assert_eq!(descriptors(&call("read", 3, [7; 6], blobs)), [(7, Some((FdKind::Pipe, String::new())))]);
}

#[test]
fn directories_that_paths_begin_at_are_told() {
    let directory = of_mode(S_IFDIR, 0);
    let blobs: &[(u16, &[u8])] = &[(tag::PATH, b"/a"), (tag::FILE, &directory), (tag::OTHER, b"/b")];
    let known = |number, path: &str| (number, Some((FdKind::Directory, path.to_owned())));
    assert_eq!(descriptors(&call("renameat", 0, [5, 0, 6, 0, 0, 0], blobs)), [known(5, "/a"), known(6, "/b")]);
    let here = i64::from(-100_i32 as u32).cast_unsigned();
    assert_eq!(descriptors(&call("renameat", 0, [here, 0, here, 0, 0, 0], &[])), []);
    // An open that came about says itself where.
    assert_eq!(descriptors(&call("openat", -2, [5, 0, 0, 0, 0, 0], &blobs[2..])), [known(5, "/b")]);
    assert_eq!(descriptors(&call("openat", 3, [5, 0, 0, 0, 0, 0], &blobs[..2])), []);
}

#[test]
fn sockets_behind_descriptors_have_their_ends() {
    let of = |socket: Socket| {
        let file = of_mode(S_IFREG, 0);
        let bytes = call("dup2", 0, [3, 0, 0, 0, 0, 0], &[(tag::SOCKET, &socket.bytes()), (tag::FILE, &file)]);
        let mut decoder = Decoder::new(0);
        let (_, _, files) = decoder.decode(&bytes, b"").unwrap().unwrap();
        files[0].file.clone().unwrap()
    };
    let outgoing = Socket {
        family: AF_INET,
        type_: SOCK_STREAM,
        local: inet([10, 0, 0, 1]),
        remote: inet([10, 0, 0, 2]),
        local_port: 40_000,
        remote_port: 443,
        ..Socket::default()
    };
    let fd = of(outgoing);
    assert_eq!((&*fd.name, fd.role), (&b"10.0.0.1:40000->10.0.0.2:443"[..], Role::Client));
    assert_eq!((fd.kind, fd.transport, fd.connected), (FdKind::Ipv4, Transport::Tcp, true));
    let incoming = of(Socket { local_port: 22, remote_port: 50_000, ..outgoing });
    assert_eq!((&*incoming.name, incoming.role), (&b"10.0.0.2:50000->10.0.0.1:22"[..], Role::Server));
    let waiting = of(Socket { remote_port: 0, remote: inet([0; 4]), ..outgoing });
    assert_eq!((&*waiting.name, waiting.kind), (&b"10.0.0.1:40000"[..], FdKind::Ipv4Server));
    let loose = of(Socket { type_: SOCK_DGRAM, remote_port: 0, remote: inet([0; 4]), ..outgoing });
    assert_eq!((&*loose.name, loose.kind, loose.transport), (&b""[..], FdKind::Ipv4, Transport::Udp));
    let link = of(Socket { family: AF_NETLINK, ..Socket::default() });
    assert_eq!((link.kind, of(Socket { family: AF_UNIX, ..Socket::default() }).kind), (FdKind::Netlink, FdKind::Unix));
}

#[test]
fn unix_sockets_and_their_names() {
    let socket = Socket { family: AF_UNIX, self_: 1, peer: 2, ..Socket::default() };
    let blobs: &[(u16, &[u8])] = &[(tag::SOCKET, &socket.bytes()), (tag::ADDRESS, b"\x01\x00/run/x.sock\0zzz")];
    told(&call("connect", 0, [3, 0, 14, 0, 0, 0], blobs), |event, _| {
        assert_eq!(event.named("tuple").unwrap().tuple(), Some(Tuple::Unix(1, 2, b"/run/x.sock")));
        assert_eq!(event.named("addr").unwrap().address(), Some(Address::Unix(b"/run/x.sock")));
    });
    told(&call("bind", 0, [3, 0, 14, 0, 0, 0], &[(tag::ADDRESS, b"\x01\x00\0hidden")]), |event, _| {
        assert_eq!(event.named("addr").unwrap().address(), Some(Address::Unix(b"@hidden")));
    });
    told(&call("bind", 0, [3, 0, 14, 0, 0, 0], &[(tag::ADDRESS, b"\x10\x00netlink")]), |event, _| {
        assert!(event.named("addr").unwrap().bytes.is_empty());
    });
}

#[test]
fn structs_that_arguments_point_to() {
    let how = [0o2_000_002_u64.to_ne_bytes(), 0_u64.to_ne_bytes(), 0x18_u64.to_ne_bytes()].concat();
    told(&call("openat2", 4, [0; 6], &[(tag::STRUCT, &how), (tag::FILE, &file(0))]), |event, _| {
        assert_eq!(int(event, "flags"), Some(0x3 | 0x1000));
        assert_eq!(int(event, "resolve"), Some(0x1 | 0x2), "beneath and in root");
    });
    told(&call("pipe2", 0, [0, 0o4000, 0, 0, 0, 0], &[(tag::STRUCT, &[3, 0, 0, 0, 4, 0, 0, 0])]), |event, _| {
        assert_eq!((int(event, "fd1"), int(event, "fd2"), int(event, "flags")), (Some(3), Some(4), Some(0x41)));
    });
    told(&call("pipe", -14, [0; 6], &[(tag::STRUCT, &[3, 0])]), |event, _| {
        assert_eq!((int(event, "fd1"), int(event, "fd2")), (None, None), "too short");
    });
}

#[test]
fn calls_without_an_event_of_their_own_have_their_name() {
    told(&call("mseal", 0, [0; 6], &[]), |event, _| {
        assert_eq!((event.code, event.name()), (E::GENERIC_X, "mseal"));
        assert_eq!(event.named("nativeID").unwrap().int(), Some(462));
    });
}

#[test]
fn numbers_of_other_tables_are_named_as_ours() {
    let header = Header { kind: 166, flags: flag::I386, ..Header::default() };
    let body = Call { ret: 0, args: [0; 6], native: UMOUNT_I386 }.bytes();
    told(&record(header, &body, &[(0, b"/mnt")]), |event, told| {
        assert_eq!((event.code, text(event, "name")), (E::UMOUNT_1_X, Some("/mnt".to_owned())));
        assert!(told.foreign);
    });
}

fn task() -> Task {
    let mut comm = [0; 16];
    comm[..4].copy_from_slice(b"bash");
    Task {
        tid: 20,
        pid: 20,
        ppid: 10,
        vtid: 2,
        vpid: 2,
        loginuid: u32::MAX,
        namespace_start: 7,
        cap_effective: 1,
        comm,
        ..Task::default()
    }
}

fn exec_record() -> Vec<u8> {
    let exe = FileFacts {
        ino: 5,
        ctime: 6,
        mtime: 7,
        mode: 0o100_755,
        uid: 1,
        flags: file_flag::UPPER,
        ..FileFacts::default()
    };
    let header = Header { kind: KIND_EXEC, tid: 20, pid: 20, time: 1, ..Header::default() };
    let blobs: &[(u16, &[u8])] = &[
        (tag::ARGS, b"sh\0-c\0echo\0"),
        (tag::ENV, b"A=1\0"),
        (tag::FILENAME, b"./sh"),
        (tag::CWD, b"/tmp"),
        (tag::EXE, b"/usr/bin/bash"),
        (tag::FILE, &exe.bytes()),
    ];
    record(header, &task().bytes(), blobs)
}

#[test]
fn a_program() {
    told(&exec_record(), |event, _| {
        assert_eq!((event.code, event.tid), (E::EXECVE_19_X, 20));
        assert_eq!(event.params.len(), EVENTS[usize::from(event.code.0)].params.len(), "nothing is left out");
        assert_eq!((text(event, "exe"), text(event, "comm")), (Some("sh".to_owned()), Some("bash".to_owned())));
        assert_eq!(event.named("args").unwrap().bytes, b"-c\0echo\0");
        assert_eq!(event.named("env").unwrap().bytes, b"A=1\0");
        assert_eq!(event.named("cgroups").unwrap().bytes, b"pids=/x\0");
        assert_eq!((text(event, "cwd"), text(event, "filename")), (Some("/tmp".to_owned()), Some("./sh".to_owned())));
        assert_eq!(text(event, "trusted_exepath"), Some("/usr/bin/bash".to_owned()));
        assert_eq!((int(event, "pid"), int(event, "ptid"), int(event, "res")), (Some(20), Some(10), Some(0)));
        assert_eq!(int(event, "flags"), Some(0x2), "in the upper layer, and not to be written by others");
        assert_eq!((int(event, "exe_ino"), int(event, "exe_ino_mtime")), (Some(5), Some(7)));
        assert_eq!(int(event, "loginuid"), Some(u32::MAX.into()));
    });
}

#[test]
fn a_program_that_is_only_in_memory() {
    let header = Header { kind: KIND_EXEC, ..Header::default() };
    let exe = FileFacts { flags: file_flag::DETACHED, ..FileFacts::default() };
    let blobs: &[(u16, &[u8])] = &[(tag::EXE, b"/memfd:x"), (tag::FILE, &exe.bytes())];
    told(&record(header, &task().bytes(), blobs), |event, _| {
        assert_eq!((text(event, "trusted_exepath"), int(event, "flags")), (Some("memfd:x".to_owned()), Some(0x4)));
    });
    let exe = FileFacts::default();
    let blobs: &[(u16, &[u8])] = &[(tag::EXE, b"/memfd:x"), (tag::FILE, &exe.bytes())];
    told(&record(header, &task().bytes(), blobs), |event, _| {
        assert_eq!(text(event, "trusted_exepath"), Some("/memfd:x".to_owned()), "a file of the disk with such a name");
        assert_eq!(int(event, "flags"), Some(0));
    });
}

#[test]
fn a_child_and_an_end() {
    let header = Header { kind: KIND_FORK, tid: 10, pid: 10, ..Header::default() };
    let body = Task { clone: 0x10f00, ..task() }.bytes();
    told(&record(header, &body, &[(tag::ARGS, b"sh\0")]), |event, _| {
        assert_eq!((event.code, event.tid, int(event, "res")), (E::CLONE_20_X, 20, Some(0)), "told by the child");
        assert_eq!((int(event, "vpid"), int(event, "pidns_init_start_ts")), (Some(2), Some(1007)));
        // Memory, directories, files, handlers, thread.
        assert_eq!(int(event, "flags"), Some(0x8000 | 0x2 | 0x1 | 0x800 | 0x2000));
        assert!(event.named("cwd").unwrap().bytes.is_empty(), "its parent's");
    });
    let header = Header { kind: KIND_EXIT, tid: 20, ..Header::default() };
    let body = Exit { code: 3 << 8 | 0x80 | 0xb, reaper: 1, pad: 0 }.bytes();
    told(&record(header, &body, &[]), |event, _| {
        let all = ["ret", "sig", "core", "reaper_tid"].map(|name| int(event, name).unwrap());
        assert_eq!((event.code, all), (E::PROCEXIT_1_E, [3, 11, 1, 1]));
    });
    let header = Header { kind: KIND_CGROUP, ..Header::default() };
    let bytes = record(header, &crate::layout::Cgroup::default().bytes(), &[(tag::CGROUP, b"/x")]);
    assert!(Decoder::new(0).decode(&bytes, b"").unwrap().is_none());
}

#[test]
fn no_beginning_of_a_record_is_taken_for_one() {
    let whole = exec_record();
    let mut decoder = Decoder::new(0);
    for len in 0..whole.len() {
        assert_eq!(decoder.decode(&whole[..len], b"").err(), Some(Broken::Short), "{len}");
        // The same, but saying that this was all: what is between two blobs may pass, what is within one not.
        let mut cut = whole[..len].to_vec();
        if let Some(said) = cut.first_chunk_mut::<4>() {
            *said = (len as u32).to_ne_bytes();
            let _ = decoder.decode(&cut, b"");
        }
    }
    assert!(decoder.decode(&whole, b"").is_ok());
}

#[test]
fn damaged_records_are_refused_or_become_some_event() {
    let mut decoder = Decoder::new(0);
    let mut seed = 1_u64;
    for whole in [exec_record(), call("openat", 3, [0; 6], &[(1, b"x"), (tag::FILE, &file(0)), (tag::PATH, b"/x")])] {
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 33) as usize % bytes.len();
                bytes[at] = (seed >> 24) as u8;
            }
            if let Ok(Some((event, ..))) = decoder.decode(&bytes, b"") {
                for at in 0..event.params.len() {
                    let Some(param) = event.param(at) else { continue };
                    let _ = (param.int(), param.text(), param.tuple(), param.address());
                }
            }
        }
    }
}

/// The record with its part of this tag marked as cut.
fn cut(mut bytes: Vec<u8>, tag: u16) -> Vec<u8> {
    let mut at = bytes.len();
    let (header, _) = Header::read(&bytes).unwrap();
    let mut from = size_of::<Header>() + if header.kind == KIND_EXEC { size_of::<Task>() } else { size_of::<Call>() };
    while from < bytes.len() {
        let word = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        if word(from) == tag {
            at = from + 2;
        }
        from += 4 + usize::from(word(from + 2) & !CUT);
    }
    let len = u16::from_ne_bytes([bytes[at], bytes[at + 1]]) | CUT;
    bytes[at..at + 2].copy_from_slice(&len.to_ne_bytes());
    bytes
}

#[test]
fn a_path_of_which_the_beginning_was_not_told_says_so() {
    let record = cut(cut(exec_record(), tag::CWD), tag::EXE);
    told(&record, |event, told| {
        assert_eq!(text(event, "cwd").as_deref(), Some("<UNKNOWN>/tmp"), "without a value it would be its parent's");
        assert_eq!(text(event, "trusted_exepath").as_deref(), Some("<UNKNOWN>/usr/bin/bash"));
        assert!(told.cut);
    });
    let file = of_mode(S_IFREG, 0);
    let blobs: &[(u16, &[u8])] = &[(1, b"x"), (tag::PATH, b"/d/x"), (tag::FILE, &file)];
    told(&cut(call("openat", 5, [0; 6], blobs), tag::PATH), |event, _| {
        assert_eq!(text(event, "fullpath").as_deref(), Some("<UNKNOWN>/d/x"));
    });
    // One that another thread closed at once.
    told(&call("openat", 5, [0; 6], &blobs[..1]), |event, _| {
        assert_eq!(text(event, "fullpath").as_deref(), Some("<UNKNOWN>"), "what was asked for may be a link");
    });
    let write = cut(call("write", 3, [7; 6], &blobs[1..]), tag::PATH);
    assert_eq!(descriptors(&write), [(7, Some((FdKind::File, "<UNKNOWN>/d/x".to_owned())))]);
    assert_eq!(
        descriptors(&call("write", 3, [7; 6], &blobs[2..])),
        [(7, Some((FdKind::File, "<UNKNOWN>".to_owned())))]
    );
}

#[test]
fn what_could_not_be_read_of_a_program_has_no_value() {
    let header = Header { kind: KIND_EXEC, ..Header::default() };
    told(&record(header, &Task { comm: [0; 16], ..task() }.bytes(), &[]), |event, _| {
        for name in ["exe", "args", "comm"] {
            assert!(event.named(name).unwrap().bytes.is_empty(), "{name}");
        }
        assert_eq!(event.named("env").unwrap().bytes, b"<UNKNOWN>");
        for name in ["cwd", "trusted_exepath"] {
            assert_eq!(text(event, name).as_deref(), Some("<UNKNOWN>"), "{name}");
        }
    });
    // No arguments, and no variables: that is known.
    told(&record(header, &task().bytes(), &[(tag::ARGS, b"\0"), (tag::ENV, b"")]), |event, _| {
        assert_eq!((event.named("exe").unwrap().bytes, event.named("env").unwrap().bytes), (&b"\0"[..], &b""[..]));
    });
}

#[test]
fn an_address_of_ipv4_that_is_passed_to_a_socket_of_ipv6() {
    let socket = Socket { family: AF_INET6, type_: SOCK_DGRAM, local_port: 4000, ..Socket::default() };
    let passed = [2, 0, 0, 53, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    let blobs: &[(u16, &[u8])] = &[(tag::SOCKET, &socket.bytes()), (tag::ADDRESS, &passed)];
    told(&call("sendto", 5, [3, 0, 5, 0, 0, 16], blobs), |event, _| {
        let to = Ipv4Addr::new(10, 0, 0, 2).to_ipv6_mapped();
        assert_eq!(
            event.named("tuple").unwrap().tuple(),
            Some(Tuple::Inet(Ipv6Addr::UNSPECIFIED.into(), 4000, to.into(), 53))
        );
    });
}
