//! Programs, files, connections and calls of the host.

use crate::watch::{Seen, calls, require_bpf};
use sekisho_sensor::{Fallback, Filters, Interest, Item, Keep, Networks, Options, Paths, Results};
use std::fs::{self, File};
use std::net::{IpAddr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{self, Command};
use std::time::Duration;

fn me() -> i64 {
    process::id().into()
}

fn number(file: &impl AsRawFd) -> i64 {
    file.as_raw_fd().into()
}

#[test]
fn a_program_from_its_beginning_to_its_end() {
    let Some(mut watch) = require_bpf(&Options::default()) else { return };
    assert!(!watch.sensor.sees_calls(), "nobody asked for a call");
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exit 3", "two words"])
        .current_dir("/usr")
        // Of a long environment only the beginning is told.
        .env_clear()
        .env("SEKISHO_TEST", "x")
        .spawn()
        .unwrap();
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    let own: Vec<_> = seen.iter().filter(|seen| seen.tid == pid).collect();
    let names: Vec<_> = own.iter().map(|seen| seen.name).collect();
    assert_eq!(names, ["clone", "execve", "procexit"], "in this order, and nothing else");
    let exec = own[1];
    assert_eq!(exec.text("exe"), "/bin/sh");
    assert_eq!(exec.bytes("args"), b"-c\0exit 3\0two words\0");
    assert!(exec.bytes("env").split(|byte| *byte == 0).any(|one| one == b"SEKISHO_TEST=x"));
    assert_eq!((exec.text("cwd"), exec.text("comm"), exec.text("filename")), ("/usr", "sh", "/bin/sh"));
    let real = fs::canonicalize("/bin/sh").unwrap();
    assert_eq!(exec.text("trusted_exepath"), real.to_str().unwrap());
    assert_eq!(exec.int("exe_ino"), fs::metadata(&real).unwrap().ino().cast_signed());
    let written = fs::metadata(&real).unwrap();
    assert_eq!(exec.int("exe_ino_mtime"), written.mtime() * 1_000_000_000 + written.mtime_nsec());
    assert_eq!(exec.int("exe_ino_ctime"), written.ctime() * 1_000_000_000 + written.ctime_nsec());
    assert_eq!((exec.int("ptid"), exec.int("pid"), exec.int("uid")), (me(), pid, 0));
    assert_eq!((own[0].int("res"), own[0].int("ptid")), (0, me()));
    assert_eq!((own[2].int("ret"), own[2].int("sig")), (3, 0));
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    assert_eq!(exec.int("cap_effective"), i64::from_str_radix(capabilities.trim(), 16).unwrap());
    // The clock is the wall's.
    let now = fs::metadata("/proc/self").unwrap().mtime() * 1_000_000_000;
    assert!((exec.time.cast_signed() - now).abs() < 60_000_000_000, "{} {now}", exec.time);
    // So is the cgroup the one that the process says it is in.
    let cgroups = String::from_utf8(exec.bytes("cgroups").to_vec()).unwrap();
    let (controller, path) = cgroups.trim_end_matches('\0').split_once('=').unwrap();
    let said = fs::read_to_string("/proc/self/cgroup").unwrap();
    assert!(
        said.lines().any(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            parts.next().unwrap().split(',').any(|one| one == controller) && parts.next() == Some(path)
        }),
        "{cgroups}"
    );
}

#[test]
fn a_process_that_is_killed() {
    let Some(mut watch) = require_bpf(&Options::default()) else { return };
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = i64::from(child.id());
    watch.until(|seen| seen.name == "execve" && seen.tid == pid);
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    assert_eq!(seen.last().unwrap().int("sig"), 9);
}

#[test]
fn opens_by_the_path_that_they_led_to() {
    let Some(mut watch) = require_bpf(&calls(&["openat", "openat2"])) else { return };
    let directory = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(directory.path()).unwrap();
    fs::create_dir(base.join("real")).unwrap();
    std::os::unix::fs::symlink("real", base.join("link")).unwrap();
    let given = base.join("link/../link/file");
    let file = File::create(&given).unwrap();
    let metadata = file.metadata().unwrap();
    let none = base.join("none");
    File::open(&none).unwrap_err();
    // Longer than what is told of a name.
    let deep = format!("{}/{}", base.display(), "x/".repeat(1000));
    fs::create_dir_all(&deep).unwrap();
    File::open(&deep).unwrap();

    let ours = |seen: &Seen, path: &str| seen.pid() == me() && seen.name == "openat" && seen.text("name") == path;
    let seen = watch.until(|seen| ours(seen, &deep));
    let find = |path: &str| seen.iter().find(|seen| ours(seen, path)).unwrap();
    let open = find(given.to_str().unwrap());
    assert_eq!(open.text("fullpath"), base.join("real/file").to_str().unwrap());
    assert_eq!(open.int("fd"), number(&file));
    assert_eq!(open.int("ino"), metadata.ino().cast_signed());
    // Major and minor number as st_dev has them, in the kernel's form for programs.
    let (major, minor) = (rustix_major(metadata.dev()), rustix_minor(metadata.dev()));
    assert_eq!(open.int("dev"), ((minor & 0xff) | major << 8 | (minor & !0xff) << 12).cast_signed());
    assert_eq!(open.int("flags") & 0xffff & !0x8000, 0x2 | 0x4 | 0x100 | 0x1000 | 0x4000, "and made by this open");
    assert_eq!(open.int("mode"), 0o666);
    let failed = find(none.to_str().unwrap());
    assert_eq!((failed.int("fd"), failed.bytes("fullpath")), (-2, &b""[..]));
    let long = find(&deep);
    assert!(long.told.cut && long.text("fullpath").starts_with("<UNKNOWN>/"), "too deep to be told, and said so");
    assert_eq!(long.text("name"), deep);
}

fn rustix_major(device: u64) -> u64 {
    device >> 8 & 0xfff
}

fn rustix_minor(device: u64) -> u64 {
    device & 0xff | device >> 12 & 0xfff00
}

#[test]
fn connections_as_both_sides_see_them() {
    let Some(mut watch) = require_bpf(&calls(&["connect", "accept4", "bind", "listen", "sendto", "recvfrom"])) else {
        return;
    };
    for ip in [IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()] {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let to = listener.local_addr().unwrap();
        let client = TcpStream::connect(to).unwrap();
        let (_server, from) = listener.accept().unwrap();
        let seen = watch.until(|seen| seen.pid() == me() && seen.name == "accept4");
        let ends = sekisho_trace::event::Tuple::Inet(ip, from.port(), ip, to.port());
        let find = |name: &str| seen.iter().rfind(|seen| seen.pid() == me() && seen.name == name).unwrap();
        assert_eq!(find("connect").param("tuple").tuple(), Some(ends));
        assert_eq!(find("connect").int("fd"), number(&client));
        assert_eq!(find("accept4").param("tuple").tuple(), Some(ends));
        assert_eq!(find("bind").param("addr").address(), Some(sekisho_trace::event::Address::Inet(ip, 0)));
        assert_eq!((find("listen").int("fd"), find("listen").int("res")), (number(&listener), 0));
    }
    let [a, b] = [0; 2].map(|port| UdpSocket::bind(("127.0.0.1", port)).unwrap());
    let [from, to] = [&a, &b].map(|socket| socket.local_addr().unwrap());
    a.send_to(b"question", to).unwrap();
    b.recv_from(&mut [0; 64]).unwrap();
    let seen = watch.until(|seen| seen.pid() == me() && seen.name == "recvfrom");
    for name in ["sendto", "recvfrom"] {
        let one = seen.iter().rfind(|seen| seen.pid() == me() && seen.name == name).unwrap();
        let Some(sekisho_trace::event::Tuple::Inet(_, source, ip, port)) = one.param("tuple").tuple() else { panic!() };
        assert_eq!((source, port), (from.port(), to.port()), "{name}");
        assert!(name == "recvfrom" || ip == to.ip(), "{name}");
        assert_eq!(one.bytes("data"), b"question");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let _client = UnixStream::connect(&path).unwrap();
    listener.accept().unwrap();
    let seen = watch.until(|seen| seen.pid() == me() && seen.name == "accept4");
    let connect = seen.iter().rfind(|seen| seen.pid() == me() && seen.name == "connect").unwrap();
    let Some(sekisho_trace::event::Tuple::Unix(_, _, told)) = connect.param("tuple").tuple() else { panic!() };
    assert_eq!(told, path.as_os_str().as_encoded_bytes());
}

#[test]
fn a_program_that_is_only_in_memory() {
    let Some(mut watch) = require_bpf(&calls(&["memfd_create"])) else { return };
    let script = "use strict; my $fd = syscall(319, my $name = 'hidden', 0); open(my $in, '<', '/bin/true'); \
        open(my $out, '>&=', $fd); binmode $in; binmode $out; local $/; print {$out} <$in>; $out->flush; \
        exec { \"/proc/self/fd/$fd\" } 'innocent';";
    let mut child = Command::new("perl").args(["-MIO::Handle", "-e", script]).spawn().unwrap();
    let pid = i64::from(child.id());
    assert!(child.wait().unwrap().success());
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    let own: Vec<_> = seen.iter().filter(|seen| seen.tid == pid).collect();
    assert!(own.iter().any(|seen| seen.name == "memfd_create" && seen.text("name") == "hidden" && seen.int("fd") > 2));
    let exec = own.iter().rfind(|seen| seen.name == "execve").unwrap();
    assert_eq!((exec.text("exe"), exec.text("trusted_exepath")), ("innocent", "memfd:hidden"));
    assert_eq!(exec.int("flags") & 0x4, 0x4);
    let perl = own.iter().find(|seen| seen.name == "execve").unwrap();
    assert_eq!(perl.int("flags") & 0x4, 0);
}

/// A program of i386 that opens a file and ends: an ELF header, one segment, code, a path.
fn program_of_i386(path: &str) -> Vec<u8> {
    let base = 0x0804_8000_u32;
    let text = base + 84 + 25;
    let mut code = vec![0xb8, 5, 0, 0, 0, 0xbb];
    code.extend_from_slice(&text.to_le_bytes());
    // xor ecx, ecx; int 0x80; mov eax, 1; xor ebx, ebx; int 0x80; nop
    code.extend_from_slice(&[0x31, 0xc9, 0xcd, 0x80, 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, 0x90, 0x90]);
    let mut elf = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0];
    for word in [base + 84, 52, 0, 0] {
        elf.extend_from_slice(&word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        elf.extend_from_slice(&half.to_le_bytes());
    }
    let size = 84 + 25 + path.len() as u32 + 1;
    for word in [1, 0, base, base, size, size, 5, 0x1000] {
        elf.extend_from_slice(&word.to_le_bytes());
    }
    elf.extend_from_slice(&code);
    elf.extend_from_slice(path.as_bytes());
    elf.push(0);
    elf
}

#[test]
fn calls_with_the_numbers_of_i386() {
    let Some(mut watch) = require_bpf(&calls(&["open", "fstat"])) else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("i386");
    fs::write(&path, program_of_i386("/etc/passwd")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = match Command::new(&path).spawn() {
        Ok(child) => child,
        Err(error) => return println!("SKIP: programs of i386 do not run here: {error}"),
    };
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    let calls: Vec<_> = seen.iter().filter(|seen| seen.tid == pid && seen.told.foreign).collect();
    let names: Vec<_> = calls.iter().map(|seen| seen.name).collect();
    assert_eq!(names, ["open"], "5 is open there and fstat here");
    assert_eq!((calls[0].text("name"), calls[0].int("fd") > 2), ("/etc/passwd", true));
}

/// A call as perl makes it, with the numbers and texts that must be told of it.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, i64)], &'a [(&'a str, &'a str)]);

#[test]
fn calls_that_hardly_anyone_makes() {
    let cases: &[Case<'_>] = &[
        (
            "io_uring_setup",
            "425, 4, my $u = \"\\0\" x 120",
            &[("entries", 4), ("sq_entries", 4), ("cq_entries", 8)],
            &[],
        ),
        (
            "mount",
            "165, my $a = 'dev', my $b = '/no such', my $c = 'tmpfs', 0x1001, 0",
            &[("res", -2), ("flags", 0x1001)],
            &[("dev", "dev"), ("dir", "/no such"), ("type", "tmpfs")],
        ),
        ("umount2", "166, my $a = '/no such', 2", &[("res", -2), ("flags", 2)], &[("name", "/no such")]),
        ("unshare", "272, 0x20000", &[("res", 0), ("flags", 0x20)], &[]),
        ("setns", "308, 999, 0x40000000", &[("res", -9), ("fd", 999), ("nstype", 0x10)], &[]),
        ("ptrace", "101, 16, 999999999, 0, 0", &[("res", -3), ("request", 11), ("pid", 999_999_999)], &[]),
        ("init_module", "175, 0, 77, my $a = 'args'", &[("length", 77)], &[("uargs", "args")]),
        ("finit_module", "313, 999, my $a = 'opts', 2", &[("fd", 999), ("flags", 2)], &[("uargs", "opts")]),
        ("bpf", "321, 5, 0, 0", &[("cmd", 5)], &[]),
        ("chroot", "161, my $a = '/no such'", &[("res", -2)], &[("path", "/no such")]),
        ("userfaultfd", "323, 0x80000", &[("flags", 0x1001)], &[]),
        ("setuid", "105, 0", &[("res", 0), ("uid", 0)], &[]),
        ("setresgid", "119, 0, 0, 0", &[("res", 0), ("egid", 0)], &[]),
        (
            "rename",
            "82, my $a = '/no such', my $b = '/other'",
            &[("res", -2)],
            &[("oldpath", "/no such"), ("newpath", "/other")],
        ),
        (
            "renameat2",
            "316, -100, my $a = '/no such', -100, my $b = '/other', 1",
            &[("olddirfd", -100), ("flags", 1)],
            &[("newpath", "/other")],
        ),
        ("unlinkat", "263, -100, my $a = '/no such', 0x200", &[("res", -2), ("flags", 0x200)], &[("name", "/no such")]),
        (
            "symlink",
            "88, my $a = 'to', my $b = '/no such/x'",
            &[("res", -2)],
            &[("target", "to"), ("linkpath", "/no such/x")],
        ),
        ("chmod", "90, my $a = '/no such', 04755", &[("res", -2), ("mode", 0o4755)], &[("filename", "/no such")]),
        ("fchownat", "260, -100, my $a = '/no such', 5, 6, 0x100", &[("uid", 5), ("gid", 6), ("flags", 0x400)], &[]),
        ("mkdir", "83, my $a = '/no such/x', 0700", &[("res", -2), ("mode", 0o700)], &[("path", "/no such/x")]),
        ("kill", "62, 999999999, 9", &[("res", -3), ("pid", 999_999_999), ("sig", 9)], &[]),
        ("prctl", "157, 4, 1, 0, 0, 0", &[("res", 0), ("option", 4), ("arg2_int", 1)], &[]),
        ("dup2", "33, 1, 77", &[("res", 77), ("oldfd", 1), ("newfd", 77)], &[]),
        ("pipe2", "293, my $p = \"\\0\" x 8, 0x800", &[("res", 0), ("flags", 0x41)], &[]),
        ("socket", "41, 2, 1, 0", &[("domain", 2), ("type", 1)], &[]),
        (
            "quotactl",
            "179, 0x80000201, my $a = '/dev/none', 5, 0",
            &[("cmd", 0x1), ("type", 2), ("id", 5)],
            &[("special", "/dev/none")],
        ),
        ("execve", "59, my $a = '/no such', 0, 0", &[("res", -2)], &[("filename", "/no such")]),
        ("pivot_root", "155, my $a = '/no', my $b = '/such'", &[("nativeID", 155)], &[]),
    ];
    let names: Vec<_> = cases.iter().map(|(name, ..)| *name).collect();
    let Some(mut watch) = require_bpf(&calls(&names)) else { return };
    let script: Vec<_> = cases.iter().map(|(_, arguments, ..)| format!("syscall({arguments});")).collect();
    let mut child = Command::new("perl").args(["-e", &script.concat()]).spawn().unwrap();
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    for (name, _, ints, texts) in cases {
        let holds = |seen: &&Seen| {
            seen.tid == pid
                && seen.name == *name
                && ints.iter().all(|(param, value)| seen.param(param).int() == Some(*value))
                && texts.iter().all(|(param, value)| seen.param(param).text() == Some(value.as_bytes()))
        };
        if !seen.iter().any(|seen| holds(&seen)) {
            let others: Vec<_> = seen.iter().filter(|seen| seen.tid == pid && seen.name == *name).collect();
            panic!("{name}: {others:#?}");
        }
    }
}

#[test]
fn arguments_beyond_the_limit() {
    let Some(mut watch) = require_bpf(&Options::default()) else { return };
    let long = "x".repeat(100_000);
    let mut child = Command::new("/bin/true").args(["first", &long, "last"]).spawn().unwrap();
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "execve" && seen.tid == pid);
    let exec = seen.last().unwrap();
    assert!(exec.told.cut);
    assert!(exec.bytes("args").starts_with(b"first\0xxx") && exec.bytes("args").len() < 4096);
}

#[test]
fn a_program_too_deep_for_its_path_has_none_of_another() {
    let Some(mut watch) = require_bpf(&calls(&["chdir", "openat"])) else { return };
    let top = tempfile::tempdir().unwrap();
    let deep = top.path().join("d/".repeat(100));
    fs::create_dir_all(&deep).unwrap();
    fs::copy(fs::canonicalize("/bin/true").unwrap(), deep.join("ls")).unwrap();
    // It is begun where another program is that is called so.
    let script = format!("cd {} && ./ls 3<ls; exit 0", deep.display());
    let child = Command::new("/bin/sh").args(["-c", &script]).current_dir("/usr/bin").spawn().unwrap().wait();
    assert!(child.unwrap().success());
    let untold = |text: &str, end: &str| text.starts_with("<UNKNOWN>/") && text.ends_with(end);
    let mut opened = false;
    let mut exec = |seen: &Seen| {
        opened |= seen.name == "openat" && untold(seen.text("fullpath"), "/d/d/ls");
        seen.name == "execve" && untold(seen.text("trusted_exepath"), "/d/d/ls")
    };
    let seen = watch.until(&mut exec);
    let exec = seen.last().unwrap();
    assert!(untold(exec.text("cwd"), "/d/d") && exec.told.cut, "{}", exec.text("cwd"));
    assert!(opened, "the file that the shell opened for it");
}

#[test]
fn what_is_filtered_is_counted_and_nothing_else_is_filtered() {
    let directory = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(directory.path()).unwrap();
    for name in ["kept", "other"] {
        fs::create_dir(base.join(name)).unwrap();
        fs::write(base.join(name).join("f"), "").unwrap();
    }
    let kept = base.join("kept/").into_os_string().into_encoded_bytes();
    let paths = Paths {
        others: Keep { write: true, ..Keep::default() },
        prefixes: vec![(kept, Keep { read: true, ..Keep::default() })],
    };
    let listener = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.2:0").unwrap()];
    let networks = Networks { others: true, networks: vec![(IpAddr::from([127, 0, 0, 2]), 32, false)] };
    let filters = Filters { paths: Some(paths), networks: Some(networks), cgroups: Vec::new() };
    let options = Options { filters, ..calls(&["openat", "connect"]) };
    let Some(mut watch) = require_bpf(&options) else { return };
    let open = |path: &str, write: bool| {
        File::options().read(!write).write(write).open(base.join(path)).map(|_| ()).unwrap_or_default();
    };
    open("kept/f", false);
    open("kept/f", true);
    open("other/f", false);
    open("other/f", true);
    open("none", false);
    let _kept = listener.iter().map(|one| TcpStream::connect(one.local_addr().unwrap()).unwrap()).collect::<Vec<_>>();
    // What comes last, and passes.
    open("other/f", true);
    let last = base.join("other/f");
    let mut count = 0;
    let seen = watch.until(|seen| {
        count +=
            i32::from(seen.pid() == me() && seen.name == "openat" && seen.text("fullpath") == last.to_str().unwrap());
        count == 2
    });
    let ours: Vec<_> = seen.iter().filter(|seen| seen.pid() == me()).collect();
    let opens: Vec<_> = ours
        .iter()
        .filter(|seen| seen.name == "openat" && seen.text("name").starts_with(base.to_str().unwrap()))
        .map(|seen| (seen.text("name").rsplit('/').nth(1).unwrap(), seen.int("flags") & 3))
        .collect();
    assert_eq!(opens, [("kept", 1), ("other", 2), ("other", 2)]);
    let connects = listener.map(|one| {
        let to = one.local_addr().unwrap();
        let address = Some(sekisho_trace::event::Address::Inet(to.ip(), to.port()));
        ours.iter().filter(|seen| seen.name == "connect" && seen.param("addr").address() == address).count()
    });
    assert_eq!(connects, [1, 0]);
    let rows = watch.sensor.account().unwrap();
    let row = |name: &str| rows.iter().find(|row| row.name == name).copied().unwrap();
    assert!(row("openat").filtered >= 3 && row("connect").filtered >= 1, "{rows:?}");
}

#[test]
fn a_cgroup_whose_calls_nobody_asks_for() {
    let Some(mut watch) = require_bpf(&calls(&["openat"])) else { return };
    File::open("/etc/passwd").unwrap();
    let seen = watch.until(|seen| seen.pid() == me() && seen.name == "openat");
    let cgroup = seen.last().unwrap().told.cgroup;
    watch.sensor.set_filters(&Filters { cgroups: vec![cgroup], ..Filters::default() }).unwrap();
    watch.rest();
    File::open("/etc/passwd").unwrap();
    let mut child = Command::new("/bin/true").spawn().unwrap();
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    assert!(seen.iter().all(|seen| seen.name != "openat" || seen.told.cgroup != cgroup));
    assert!(seen.iter().any(|seen| seen.name == "execve" && seen.tid == pid), "programs are told all the same");
}

#[test]
fn interest_comes_and_goes() {
    let Some(mut watch) = require_bpf(&Options { hide_self: false, ..Options::default() }) else { return };
    let mut interest = Interest::none();
    assert!(interest.add("chdir", Results::Failed));
    watch.sensor.set_interest(&interest).unwrap();
    assert!(watch.sensor.sees_calls());
    std::env::set_current_dir(".").unwrap();
    std::env::set_current_dir("/no such").unwrap_err();
    let seen = watch.until(|seen| seen.pid() == me() && seen.name == "chdir");
    assert_eq!(seen.last().unwrap().int("res"), -2, "only the one that failed");
    watch.sensor.set_interest(&Interest::none()).unwrap();
    assert!(!watch.sensor.sees_calls());
}

#[test]
fn what_is_lost_is_counted_exactly() {
    let options = Options { bulk_ring: 1 << 16, ..calls(&["openat"]) };
    let Some(mut watch) = require_bpf(&options) else { return };
    // Nobody reads meanwhile.
    for _ in 0..20_000 {
        File::open("/etc/passwd").unwrap();
    }
    let seen = watch.rest();
    watch.sensor.set_interest(&Interest::none()).unwrap();
    let seen = seen + watch.rest();
    let rows = watch.sensor.account().unwrap();
    // Programs and processes of others go on; opens do not, so that none waits any more.
    let opens = rows.iter().find(|row| row.name == "openat").unwrap();
    assert_eq!(opens.offered, opens.delivered + opens.dropped, "{opens:?}");
    assert!(opens.offered >= 20_000 && opens.dropped > 10_000, "{opens:?}");
    let dropped: u64 = rows.iter().map(|row| row.dropped).sum();
    assert_eq!(watch.lost, dropped, "every loss was told once");
    assert!(seen as u64 >= opens.delivered);
    assert_eq!((watch.sensor.skipped().unwrap(), watch.sensor.broken()), (0, 0));
}

/// A connection that was there before, passed on after: no call that made the descriptor was ever told.
#[test]
fn what_a_descriptor_stands_for_is_known_without_its_past() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let Some(mut watch) = require_bpf(&calls(&["fcntl"])) else { return };
    watch.state.set_files_noted_only(true);
    let copy = connection.try_clone().unwrap();
    let number = i64::from(copy.as_raw_fd());
    let own = i64::from(process::id());
    let seen = watch.until(|seen| seen.name == "fcntl" && seen.pid() == own && seen.int("res") == number);
    let tid = seen.last().unwrap().tid;
    let fd = &watch.state.files(tid).unwrap()[&number];
    let local = connection.local_addr().unwrap();
    // Which end began it is a guess by their numbers.
    let [local, remote] = [local.to_string(), format!("127.0.0.1:{port}")];
    let both = [format!("{local}->{remote}"), format!("{remote}->{local}")];
    assert!(both.iter().any(|name| *name.as_bytes() == *fd.name), "{fd:?}");
}

#[test]
fn thousands_of_processes() {
    const NUMBER: usize = 3000;
    // Rings that hold all of it, whenever this process is next let run.
    let options = Options { env: 0, priority_ring: 1 << 25, ..Options::default() };
    let Some(mut watch) = require_bpf(&options) else { return };
    let script = format!("i=0; while [ $i -lt {NUMBER} ]; do /bin/true; i=$((i+1)); done");
    let mut shell = Command::new("sh").args(["-c", &script]).spawn().unwrap();
    let pid = i64::from(shell.id());
    let seen = watch.until_within(Duration::from_mins(5), |seen| seen.name == "procexit" && seen.tid == pid);
    shell.wait().unwrap();
    // By the order of events: a number may have been another process's before.
    let mut alive = std::collections::BTreeSet::new();
    let mut counts = [0; 3];
    for seen in &seen {
        match seen.name {
            "clone" if seen.int("ptid") == pid => counts[0] += usize::from(alive.insert(seen.tid)),
            "execve" => counts[1] += usize::from(alive.contains(&seen.tid)),
            "procexit" => counts[2] += usize::from(alive.remove(&seen.tid)),
            _ => {}
        }
    }
    assert_eq!(counts, [NUMBER; 3], "clones, programs, ends");
    assert_eq!(watch.lost, 0);
    assert!(watch.state.thread_count() < 2000, "what ended is forgotten: {}", watch.state.thread_count());
}

#[test]
fn without_programs_in_the_kernel() {
    let mut fallback = match Fallback::start() {
        Ok(fallback) => fallback,
        Err(error) => return println!("SKIP: {error}"),
    };
    assert!(fallback.missing()[0].contains("connections"));
    let mut child =
        Command::new("/bin/sh").args(["-c", "read line", "marker"]).stdin(process::Stdio::piped()).spawn().unwrap();
    let pid = i64::from(child.id());
    let mut seen = Vec::new();
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while seen.len() < 3 && std::time::Instant::now() < deadline {
        fallback
            .poll(Duration::from_millis(100), &mut |item| {
                if let Item::Event(event, ..) = item
                    && event.tid == pid
                {
                    let text = |name: &str| event.named(name).map(|param| param.bytes.to_vec()).unwrap_or_default();
                    seen.push((event.name(), text("args"), text("trusted_exepath")));
                }
            })
            .unwrap();
        if seen.iter().any(|(name, ..)| *name == "execve") {
            drop(child.stdin.take());
            let _ = child.try_wait();
        }
    }
    child.wait().unwrap();
    assert_eq!(seen.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["clone", "execve", "procexit"]);
    assert_eq!(seen[1].1, b"-c\0read line\0marker\0");
    let real = [fs::canonicalize("/bin/sh").unwrap().as_os_str().as_encoded_bytes(), b"\0"].concat();
    assert_eq!(seen[1].2, real);
}

#[test]
fn who_may_not_is_told_why() {
    // As nobody, in a process of its own: this one goes on as root.
    let example = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples/watch");
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("watch");
    if fs::copy(example, &copy).is_err() {
        return println!("SKIP: the example is not built");
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&copy);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    std::os::unix::process::CommandExt::gid(&mut command, 65534);
    // Newer kernels let everyone listen to the connector of processes, so that this is what remains.
    match command.arg("0").output() {
        Ok(output) => {
            let [out, error] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
            let said = if output.status.success() {
                assert!(out.contains("the connector of processes and fanotify\nmissing: cannot load"), "{out}");
                assert!(out.contains("\nmissing: programs that end at once: "), "{out}");
                out
            } else {
                assert!(error.contains("cannot be watched"), "{error}");
                error
            };
            assert!(said.contains("not permitted"), "{said}");
        }
        Err(error) => println!("SKIP: not root: {error}"),
    }
}

#[test]
fn nothing_stays_in_the_kernel() {
    let Some(watch) = require_bpf(&calls(&["openat"])) else { return };
    drop(watch);
    let example = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples/watch");
    if !example.exists() {
        return println!("SKIP: the example is not built");
    }
    let mut child = Command::new(example).args(["1000", "openat"]).stdout(process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next().unwrap().unwrap().starts_with("attached"));
    let programs = || {
        let loaded = aya::programs::loaded_programs().flatten();
        loaded.filter(|info| info.name() == b"on_call").map(|info| info.id()).collect::<Vec<_>>()
    };
    let held = fs::read_dir(format!("/proc/{}/fdinfo", child.id())).unwrap().flatten().find_map(|entry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        // Of the five programs the one that calls are told by.
        let id: u32 = text.lines().find_map(|line| line.strip_prefix("prog_id:"))?.trim().parse().ok()?;
        programs().contains(&id).then_some(id)
    });
    let held = held.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while programs().contains(&held) {
        assert!(std::time::Instant::now() < deadline, "the program is still there");
        std::thread::yield_now();
    }
}
