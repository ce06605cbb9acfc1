//! A capture of our own: a shell, what it runs, and a container, by every call that changes what is known. Written with
//! the event types and parameters that sysdig 0.29.3 knows, so that it can be asked about them.

use crate::event::EventCode as E;
use crate::scap::write::{Writer, Written};
use crate::state::{Fd, FdKind, Group, Interface, Machine, ThreadSeed, User};

pub(super) const CONTAINER: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
const START: u64 = 1_700_000_000_000_000_000;
const CWD: i64 = -100;

/// A parameter, as bytes.
enum P<'a> {
    I64(i64),
    U64(u64),
    U32(u32),
    I32(i32),
    U16(u16),
    U8(u8),
    Text(&'a str),
    Bytes(&'a [u8]),
    V4(&'a str, u16, &'a str, u16),
    Address(&'a str, u16),
    Unix(u64, u64, &'a str),
    Empty,
}

impl P<'_> {
    fn bytes(&self) -> Vec<u8> {
        let ip = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap().octets();
        match self {
            Self::I64(value) => value.to_le_bytes().to_vec(),
            Self::U64(value) => value.to_le_bytes().to_vec(),
            Self::U32(value) => value.to_le_bytes().to_vec(),
            Self::I32(value) => value.to_le_bytes().to_vec(),
            Self::U16(value) => value.to_le_bytes().to_vec(),
            Self::U8(value) => vec![*value],
            Self::Text(text) => [text.as_bytes(), b"\0"].concat(),
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::V4(from, from_port, to, to_port) => {
                [&[2], &ip(from)[..], &from_port.to_le_bytes(), &ip(to), &to_port.to_le_bytes()].concat()
            }
            Self::Address(address, port) => [&[2], &ip(address)[..], &port.to_le_bytes()].concat(),
            Self::Unix(from, to, path) => {
                [&[1], &from.to_le_bytes()[..], &to.to_le_bytes(), path.as_bytes(), b"\0"].concat()
            }
            Self::Empty => Vec::new(),
        }
    }
}

struct Capture {
    writer: Writer<Vec<u8>>,
    time: u64,
}

impl Capture {
    fn event(&mut self, tid: i64, code: E, params: &[P<'_>]) {
        self.time += 1_000_000;
        let params: Vec<Vec<u8>> = params.iter().map(P::bytes).collect();
        let params: Vec<&[u8]> = params.iter().map(Vec::as_slice).collect();
        self.writer.event(&Written { time: self.time, cpu: 1, tid, code, params: &params }).unwrap();
    }

    /// Entering and leaving a call.
    fn call(&mut self, tid: i64, leave: E, enter: &[P<'_>], exit: &[P<'_>]) {
        self.event(tid, leave.enter(), enter);
        self.event(tid, leave, exit);
    }

    /// Leaving `clone`, on either side, with the twenty parameters of libscap 0.1.
    fn cloned(&mut self, tid: i64, result: i64, who: &Who<'_>) {
        let Who { pid, ptid, vtid, vpid, comm, cgroups } = *who;
        self.event(
            tid,
            E::CLONE_20_X,
            &[
                P::I64(result),
                P::Text("bash"),
                P::Bytes(b"-i\0"),
                P::I64(tid),
                P::I64(pid),
                P::I64(ptid),
                P::Text(""),
                P::I64(1024),
                P::U64(0),
                P::U64(5),
                P::U32(100),
                P::U32(50),
                P::U32(0),
                P::Text(comm),
                P::Bytes(cgroups),
                P::U32(0),
                P::U32(1000),
                P::U32(1000),
                P::I64(vtid),
                P::I64(vpid),
            ],
        );
    }

    /// `execve`, with the twenty parameters of libscap 0.1.
    fn executed(&mut self, tid: i64, ptid: i64, file: &str, argv: (&str, &[u8]), comm: &str, cgroups: &[u8]) {
        self.event(tid, E::EXECVE_19_E, &[P::Text(file)]);
        self.event(
            tid,
            E::EXECVE_19_X,
            &[
                P::I64(0),
                P::Text(argv.0),
                P::Bytes(argv.1),
                P::I64(tid),
                P::I64(tid),
                P::I64(ptid),
                P::Text(""),
                P::U64(1024),
                P::U64(0),
                P::U64(7),
                P::U32(360),
                P::U32(4),
                P::U32(0),
                P::Text(comm),
                P::Bytes(cgroups),
                P::Bytes(b"PATH=/bin\0HOME=/home/alice\0"),
                P::I32(34816),
                P::I64(101),
                P::I32(1000),
                P::U32(1),
            ],
        );
    }
}

struct Who<'a> {
    pid: i64,
    ptid: i64,
    vtid: i64,
    vpid: i64,
    comm: &'a str,
    cgroups: &'a [u8],
}

const HOST: &[u8] = b"cpu=/user.slice\0memory=/user.slice\0";

/// The capture.
pub(super) fn capture() -> Vec<u8> {
    let mut capture = Capture { writer: Writer::new(Vec::new()).unwrap(), time: START };
    let cgroups = format!("cpu=/docker/{CONTAINER}\0memory=/docker/{CONTAINER}\0");
    before(&mut capture.writer, cgroups.as_bytes());
    shell(&mut capture);
    files(&mut capture);
    sockets(&mut capture);
    identity(&mut capture);
    container(&mut capture, cgroups.as_bytes());
    capture.writer.into_inner().unwrap()
}

fn before(writer: &mut Writer<Vec<u8>>, cgroups: &[u8]) {
    writer
        .machine(&Machine { cpus: 2, memory: 1 << 33, name: b"node-1".to_vec(), boot: START - 1_000_000_000 })
        .unwrap();
    let [address, mask] = ["10.0.0.5", "255.255.255.0"].map(|ip| ip.parse().unwrap());
    writer.interfaces(&[Interface { name: b"eth0".to_vec(), address, mask }]).unwrap();
    let user = |uid, name: &str, home: &str| User {
        uid,
        gid: uid,
        name: name.into(),
        home: home.into(),
        shell: b"/bin/bash".to_vec(),
    };
    let group = |gid, name: &str| Group { gid, name: name.into() };
    let users = [user(0, "root", "/root"), user(1000, "alice", "/home/alice")];
    writer.users(&users, &[group(0, "root"), group(1000, "staff")]).unwrap();
    let thread = |tid: i64, ptid: i64, comm: &str, exe: &str, args: &[u8], cwd: &str| ThreadSeed {
        tid,
        pid: tid,
        ptid,
        sid: Some(tid),
        vpgid: Some(tid),
        vtid: Some(tid),
        vpid: Some(tid),
        comm: comm.into(),
        exe: exe.into(),
        exepath: Some(exe.into()),
        args: args.to_vec(),
        cwd: cwd.into(),
        cgroups: HOST.to_vec(),
        fdlimit: 1024,
        uid: Some(0),
        gid: Some(0),
        loginuid: Some(u32::MAX),
        ..ThreadSeed::default()
    };
    let nginx = ThreadSeed {
        vtid: Some(1),
        vpid: Some(1),
        vpgid: Some(1),
        sid: Some(1),
        cgroups: cgroups.to_vec(),
        ..thread(200, 1, "nginx", "/usr/sbin/nginx", b"-g\0daemon off;\0", "/")
    };
    let bash = ThreadSeed {
        uid: Some(1000),
        gid: Some(1000),
        loginuid: Some(1000),
        tty: Some(34816),
        env: b"HOME=/home/alice\0".to_vec(),
        ..thread(100, 1, "bash", "/bin/bash", b"-i\0", "/home/alice/")
    };
    writer.threads(&[thread(1, 0, "systemd", "/sbin/init", b"--switched-root\0", "/"), bash, nginx]).unwrap();
    let terminal = |number| Fd { number, kind: FdKind::File, name: b"/dev/pts/0".to_vec(), ..Fd::default() };
    writer.fds(100, &[terminal(0), terminal(1), terminal(2)]).unwrap();
}

/// A shell runs a program.
fn shell(capture: &mut Capture) {
    let child = Who { pid: 101, ptid: 100, vtid: 101, vpid: 101, comm: "bash", cgroups: HOST };
    capture.event(100, E::CLONE_20_E, &[]);
    capture.cloned(100, 101, &Who { pid: 100, ptid: 1, vtid: 100, vpid: 100, ..child });
    capture.cloned(101, 0, &child);
    capture.executed(101, 100, "./tool", ("./tool", b"-v\0two words\0"), "tool", HOST);
}

fn files(capture: &mut Capture) {
    let open = |fd: i64, directory: i64, name: &'static str, flags: u32| {
        (
            [P::I64(directory), P::Text(name), P::U32(flags), P::U32(0o644)],
            [P::I64(fd), P::I64(directory), P::Text(name), P::U32(flags), P::U32(0o644), P::U32(0x801)],
        )
    };
    for (fd, directory, name, flags) in [
        (3, CWD, "notes.txt", 1),
        (4, CWD, "/etc", 1 | 1 << 10),
        (5, 4, "passwd", 1 | 1 << 12),
        (-2, CWD, "../missing", 1),
        (7, CWD, "/tmp/out", 2 | 4),
    ] {
        let (enter, exit) = open(fd, directory, name, flags);
        capture.call(101, E::OPENAT_2_X, &enter, &exit);
    }
    capture.call(101, E::READ_X, &[P::I64(5), P::U32(100)], &[P::I64(5), P::Bytes(b"root:")]);
    capture.call(101, E::WRITE_X, &[P::I64(1), P::U32(3)], &[P::I64(3), P::Bytes(b"hi\n")]);
    capture.call(101, E::DUP_X, &[P::I64(5)], &[P::I64(6)]);
    capture.call(101, E::CLOSE_X, &[P::I64(5)], &[P::I64(0)]);
    capture.call(101, E::FSTAT_X, &[P::I64(6)], &[P::I64(0)]);
    capture.call(101, E::FSTAT_X, &[P::I64(5)], &[P::I64(-9)]);
    capture.call(101, E::CHDIR_X, &[], &[P::I64(0), P::Text("/var/log/../tmp")]);
    let flags = 2 | 4;
    capture.call(
        101,
        E::OPEN_X,
        &[P::Text("x"), P::U32(flags), P::U32(0o755)],
        &[P::I64(8), P::Text("x"), P::U32(flags), P::U32(0o755), P::U32(0x801)],
    );
    capture.call(101, E::MKDIR_2_X, &[P::U32(0o755)], &[P::I64(0), P::Text("sub")]);
    capture.call(101, E::UNLINK_2_X, &[], &[P::I64(0), P::Text("/tmp/out")]);
    capture.call(101, E::RENAMEAT2_X, &[], &[P::I64(0), P::I64(CWD), P::Text("x"), P::I64(4), P::Text("y"), P::U32(0)]);
    capture.call(101, E::CHMOD_X, &[], &[P::I64(-1), P::Text("/etc/shadow"), P::U32(0o4755)]);
    capture.call(101, E::PIPE_X, &[], &[P::I64(0), P::I64(9), P::I64(10), P::U64(4242)]);
    capture.call(101, E::EVENTFD_X, &[P::U64(0), P::U32(0)], &[P::I64(11)]);
    capture.call(101, E::INOTIFY_INIT_X, &[P::U8(0)], &[P::I64(12)]);
    capture.call(101, E::TIMERFD_CREATE_X, &[P::U8(0), P::U8(0)], &[P::I64(13)]);
    capture.call(101, E::FCHDIR_X, &[P::I64(4)], &[P::I64(0)]);
    capture.call(101, E::GENERIC_X, &[P::U16(39), P::U16(39)], &[P::U16(39)]);
}

fn sockets(capture: &mut Capture) {
    let socket = |domain: u32, kind: u32| [P::U32(domain), P::U32(kind), P::U32(0)];
    let tuple = P::V4("10.0.0.5", 40000, "93.184.216.34", 443);
    capture.call(101, E::SOCKET_X, &socket(2, 1), &[P::I64(20)]);
    capture.call(101, E::CONNECT_X, &[P::I64(20), P::Address("93.184.216.34", 443)], &[P::I64(0), tuple]);
    capture.call(101, E::SENDTO_X, &[P::I64(20), P::U32(5), P::Empty], &[P::I64(5), P::Bytes(b"hello")]);
    capture.call(101, E::SOCKET_X, &socket(2, 1), &[P::I64(21)]);
    let refused = P::V4("10.0.0.5", 40001, "10.0.0.9", 81);
    capture.call(101, E::CONNECT_X, &[P::I64(21), P::Address("10.0.0.9", 81)], &[P::I64(-111), refused]);
    capture.call(101, E::SOCKET_X, &socket(2, 2), &[P::I64(22)]);
    let ask = P::V4("10.0.0.5", 5353, "10.0.0.53", 53);
    capture.call(101, E::SENDTO_X, &[P::I64(22), P::U32(4), ask], &[P::I64(4), P::Bytes(b"ask?")]);
    let told = P::V4("10.0.0.53", 53, "10.0.0.5", 5353);
    capture.call(101, E::RECVFROM_X, &[P::I64(22), P::U32(512)], &[P::I64(4), P::Bytes(b"told"), told]);
    capture.call(101, E::SOCKET_X, &socket(1, 1), &[P::I64(23)]);
    let docker = P::Unix(0xffff_8800_0000_1000, 0xffff_8800_0000_2000, "/var/run/docker.sock");
    capture.call(101, E::CONNECT_X, &[P::I64(23), P::Empty], &[P::I64(0), docker]);
    capture.call(
        101,
        E::SOCKETPAIR_X,
        &socket(1, 1),
        &[P::I64(0), P::I64(24), P::I64(25), P::U64(0x1000), P::U64(0x2000)],
    );
    capture.call(200, E::SOCKET_X, &socket(2, 1), &[P::I64(6)]);
    capture.call(200, E::BIND_X, &[P::I64(6)], &[P::I64(0), P::Address("0.0.0.0", 80)]);
    capture.call(200, E::LISTEN_X, &[P::I64(6), P::U32(511)], &[P::I64(0)]);
    let client = P::V4("10.0.0.7", 51000, "10.0.0.5", 80);
    let accepted = [P::I64(7), client, P::U8(0), P::U32(0), P::U32(511)];
    capture.call(200, E::ACCEPT_5_X, &[], &accepted);
    capture.call(200, E::READ_X, &[P::I64(7), P::U32(100)], &[P::I64(4), P::Bytes(b"GET ")]);
    capture.call(200, E::CLOSE_X, &[P::I64(7)], &[P::I64(0)]);
}

fn identity(capture: &mut Capture) {
    capture.call(101, E::SETUID_X, &[P::U32(0)], &[P::I64(0)]);
    capture.call(101, E::SETGID_X, &[P::U32(0)], &[P::I64(0)]);
    capture.call(101, E::SETSID_X, &[], &[P::I64(101)]);
    capture.call(101, E::SETPGID_X, &[P::I64(0), P::I64(0)], &[P::I64(0)]);
    capture.call(101, E::KILL_X, &[P::I64(100), P::U8(9)], &[P::I64(0)]);
}

/// Something is run in the container, and a program that nobody saw starting opens a file.
fn container(capture: &mut Capture, cgroups: &[u8]) {
    let child = Who { pid: 201, ptid: 200, vtid: 7, vpid: 7, comm: "nginx", cgroups };
    capture.cloned(201, 0, &child);
    capture.executed(201, 200, "/bin/sh", ("sh", b"-c\0id\0"), "sh", cgroups);
    let open = [P::I64(3), P::I64(CWD), P::Text("etc/hosts"), P::U32(1), P::U32(0), P::U32(0x802)];
    capture.call(201, E::OPENAT_2_X, &[P::I64(CWD), P::Text("etc/hosts"), P::U32(1), P::U32(0)], &open);
    capture.event(201, E::PROCEXIT_1_E, &[P::I64(0), P::I64(0), P::U8(0), P::U8(0)]);
    capture.call(
        999,
        E::OPEN_X,
        &[P::Text("/etc/hostname"), P::U32(1), P::U32(0)],
        &[P::I64(3), P::Text("/etc/hostname"), P::U32(1), P::U32(0), P::U32(0x801)],
    );
    capture.event(101, E::PROCEXIT_1_E, &[P::I64(256), P::I64(1), P::U8(0), P::U8(0)]);
}
