//! What is done to a host, or to whoever watches it, to be missed or to be too much.

use crate::watch::{Seen, calls, require_bpf};
use sekisho_sensor::Options;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[expect(clippy::disallowed_methods, reason = "no setting of the program: how much is tested")]
fn is_full() -> bool {
    std::env::var_os("SEKISHO_TEST_FULL").is_some()
}

/// All events of a script of perl's, from its beginning to its end.
fn of_perl(names: &[&str], script: &str) -> Option<Vec<Seen>> {
    let mut watch = require_bpf(&calls(names))?;
    let mut child = Command::new("perl").args(["-e", script]).stdout(Stdio::null()).spawn().unwrap();
    let pid = i64::from(child.id());
    child.wait().unwrap();
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == pid);
    Some(seen.into_iter().filter(|seen| seen.pid() == pid).collect())
}

#[test]
fn a_bomb_of_forks() {
    let options = Options { env: 0, priority_ring: 1 << 25, ..Options::default() };
    let Some(mut watch) = require_bpf(&options) else { return };
    // Each doubles: 2^9 processes at most at once, and none is left over.
    let mut child = Command::new("perl").args(["-e", "fork for 1..9; 1 while wait() > 0"]).spawn().unwrap();
    let first = i64::from(child.id());
    let seen = watch.until(|seen| seen.name == "procexit" && seen.tid == first);
    child.wait().unwrap();
    let mut family = BTreeSet::from([first]);
    let mut ended = 0;
    for seen in &seen {
        match seen.name {
            "clone" if family.contains(&seen.int("ptid")) => {
                family.insert(seen.tid);
            }
            "procexit" => ended += usize::from(family.contains(&seen.tid)),
            _ => {}
        }
    }
    assert_eq!((family.len(), ended, watch.lost), (512, 512, 0));
    assert!(
        family.iter().filter(|tid| **tid != first).all(|tid| watch.state.thread(*tid).is_none()),
        "all are forgotten"
    );
}

#[test]
fn very_many_processes_that_live_for_a_moment() {
    let number = if is_full() { 100_000 } else { 2000 };
    let options = Options { env: 0, priority_ring: 1 << 26, ..Options::default() };
    let Some(mut watch) = require_bpf(&options) else { return };
    let script = format!("for (1..{number}) {{ my $p = fork; exit 0 unless $p; waitpid $p, 0 }}");
    let mut child = Command::new("perl").args(["-e", &script]).spawn().unwrap();
    let pid = i64::from(child.id());
    let (mut begun, mut ended, mut most) = (0, 0, 0);
    let mut alive = BTreeSet::new();
    watch.until_within(Duration::from_mins(10), |seen| {
        match seen.name {
            "clone" if seen.int("ptid") == pid => begun += usize::from(alive.insert(seen.tid)),
            "procexit" => ended += usize::from(alive.remove(&seen.tid)),
            _ => {}
        }
        most = most.max(alive.len());
        seen.name == "procexit" && seen.tid == pid
    });
    child.wait().unwrap();
    assert_eq!((begun, ended, watch.lost, watch.sensor.broken()), (number, number, 0, 0));
    assert!(watch.state.thread_count() < 5000, "{}", watch.state.thread_count());
}

#[test]
fn cgroups_that_come_and_go() {
    let number = if is_full() { 10_000 } else { 500 };
    let mount = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
        .into_iter()
        .find(|mount| Path::new(mount).join("cgroup.procs").exists());
    let Some(mount) = mount else { return println!("SKIP: no cgroups that a process could be put into") };
    let Some(mut watch) = require_bpf(&Options { priority_ring: 1 << 25, ..Options::default() }) else { return };
    let base = Path::new(mount).join(format!("sekisho-churn-{}", std::process::id()));
    if let Err(error) = fs::create_dir(&base) {
        return println!("SKIP: no cgroup can be made: {error}");
    }
    let id = |at: usize| format!("{at:064x}");
    for at in 0..number {
        let directory = base.join(format!("libpod-{}", id(at)));
        fs::create_dir(&directory).unwrap();
        if at + 1 == number {
            // The last one is told apart by what is run in it.
            let script = format!("echo $$ >'{}/cgroup.procs' && exec /bin/true sekisho-churn", directory.display());
            assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success());
        }
        fs::remove_dir(&directory).unwrap();
    }
    fs::remove_dir(&base).unwrap();
    let seen = watch.until(|seen| seen.name == "execve" && seen.bytes("args") == b"sekisho-churn\0");
    let last = sekisho_trace::state::of_cgroups(seen.last().unwrap().bytes("cgroups")).unwrap();
    assert_eq!(last.0, id(number - 1), "known though it is gone");
    assert_eq!(watch.lost, 0);
    assert!(watch.sensor.cgroups().of_containers().count() <= 16_384);
}

#[test]
fn a_program_by_descriptor_is_told_with_its_path() {
    let script = "use Fcntl; sysopen(my $f, '/bin/true', O_RDONLY); fcntl($f, F_SETFD, 0); my @a = ('innocent', 'x'); \
        my $argv = pack('p*', @a) . pack('Q', 0); my $envp = pack('Q', 0); \
        syscall(322, fileno($f), my $e = '', $argv, $envp, 0x1000); exit 9";
    let Some(seen) = of_perl(&[], script) else { return };
    let exec = seen.iter().rfind(|seen| seen.name == "execve").unwrap();
    assert_eq!((exec.text("exe"), exec.bytes("args")), ("innocent", &b"x\0"[..]));
    let real = fs::canonicalize("/bin/true").unwrap();
    assert_eq!(exec.text("trusted_exepath"), real.to_str().unwrap(), "whatever it calls itself");
    assert_eq!(exec.int("exe_ino"), fs::metadata(&real).unwrap().ino().cast_signed());
}

#[test]
fn a_program_by_the_link_of_the_kernel_is_told_with_its_path() {
    let Some(seen) = of_perl(&[], "exec {'/proc/self/exe'} 'harmless', '-e', '1'") else { return };
    let exec = seen.iter().rfind(|seen| seen.name == "execve").unwrap();
    assert_eq!((exec.text("exe"), exec.text("filename")), ("harmless", "/proc/self/exe"));
    let perl = seen.iter().find(|seen| seen.name == "execve").unwrap();
    assert_eq!(exec.text("trusted_exepath"), perl.text("trusted_exepath"));
}

#[test]
fn numbers_of_x32_are_those_calls() {
    let Some(seen) = of_perl(&["openat"], "syscall(0x40000000 | 257, -100, my $a = '/etc/passwd', 0, 0)") else {
        return;
    };
    let foreign = seen.iter().find(|seen| seen.told.foreign && seen.name == "openat").unwrap();
    // Most kernels refuse them, which is told as well.
    assert!([-38, -14].contains(&foreign.int("fd")) || foreign.int("fd") > 2, "{foreign:?}");
}

#[test]
fn a_file_that_was_renamed_is_told_by_its_new_name() {
    let directory = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(directory.path()).unwrap();
    let Some(mut watch) = require_bpf(&calls(&["fchmod"])) else { return };
    watch.state.set_files_noted_only(true);
    let script = format!("chdir '{}'; open(F, '>', 'a'); rename 'a', 'b'; chmod 0600, *F; sleep 1000", base.display());
    let mut child = Command::new("perl").args(["-e", &script]).spawn().unwrap();
    let pid = i64::from(child.id());
    let seen = watch.until(|seen| seen.name == "fchmod" && seen.pid() == pid);
    let call = seen.last().unwrap();
    let files = watch.state.files(call.tid).unwrap();
    let name = String::from_utf8_lossy(&files[&call.int("fd")].name).into_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(Path::new(&name), base.join("b"));
}

#[test]
fn entering_a_namespace_is_told() {
    let script = "open(F, '<', '/proc/self/ns/net'); syscall(308, fileno(F), 0x40000000) == 0 or exit 1";
    let Some(seen) = of_perl(&["setns"], script) else { return };
    let call = seen.iter().find(|seen| seen.name == "setns").unwrap();
    assert_eq!((call.int("res"), call.int("nstype")), (0, 0x10));
}

/// Not seen by its operations, but by being set up: rules that look for evasion have that much.
#[test]
fn a_ring_of_calls_is_told_when_it_is_set_up() {
    let script = "my $u = \"\\0\" x 120; my $r = syscall(425, 4, $u); exit($r < 0 ? 7 : 0)";
    let Some(seen) = of_perl(&["io_uring_setup", "openat"], script) else { return };
    let call = seen.iter().find(|seen| seen.name == "io_uring_setup").unwrap();
    assert_eq!(call.int("entries"), 4);
}
