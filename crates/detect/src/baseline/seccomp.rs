//! A baseline as a profile of seccomp, in the JSON that Docker, podman and containerd take.
//!
//! The format is that of <https://github.com/moby/profiles/blob/main/seccomp/seccomp.go>.

use sekisho_model::{Baseline, BaselineKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What an engine itself calls in a container, between setting the filter and executing the program that was asked for, and what
/// a program cannot do without as soon as anything goes another way: to end, to handle a signal, to allocate.
const ALWAYS: [&str; 62] = [
    "arch_prctl",
    "brk",
    "capget",
    "capset",
    "chdir",
    "clock_gettime",
    "clock_nanosleep",
    "clone",
    "clone3",
    "close",
    "close_range",
    "dup",
    "dup3",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "eventfd2",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fchdir",
    "fchown",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "getuid",
    "lseek",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "openat2",
    "prctl",
    "read",
    "readlinkat",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "setgid",
    "setgroups",
    "setuid",
    "sigaltstack",
    "statx",
    "tgkill",
    "write",
];

/// The profile: the calls that were seen and those that are always needed are allowed, all others fail with `EPERM`. `None` where
/// calls were not learned, or not all of them.
pub fn seccomp(baseline: &Baseline) -> Option<Value> {
    let kind = BaselineKind::Calls;
    if !baseline.learned.contains(&kind) || baseline.overflow.contains(&kind) {
        return None;
    }
    let learned: BTreeSet<&str> = baseline.calls.keys().map(|deed| deed.name.as_str()).collect();
    let always: BTreeSet<&str> = ALWAYS.into_iter().filter(|name| !learned.contains(name)).collect();
    // The processor whose calls were seen, with both of its older sets of numbers, as engines write it.
    Some(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [{
            "architecture": "SCMP_ARCH_X86_64",
            "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        }],
        "syscalls": [
            {"names": learned, "action": "SCMP_ACT_ALLOW", "comment": "seen while the baseline was learned"},
            {"names": always, "action": "SCMP_ACT_ALLOW", "comment": "what engines and programs always need"},
        ],
    }))
}
