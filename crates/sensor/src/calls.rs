//! The table of system calls: what of each is told, and as which event.
//!
//! A row drives both sides: from it follows what the kernel has to copy ([`Row::plan`]) and how the record becomes the
//! parameters of an event ([`crate::decode`]). Calls without a row are told with their number only, as Falco tells those
//! without an event of their own.

use crate::flags;
use crate::layout::{Plan, RESULT, op};
use Src::{
    Address, Arg, Created, Data, Dev, Ino, Null, Opened, Path, QueueLen, QueueMax, QueuePart, Ret, Stated, Text, Tuple,
    Via, Word, WordVia,
};
use sekisho_trace::EventCode as E;

/// Where a parameter of an event is from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Src {
    /// What the call returned.
    Ret,
    /// An argument.
    Arg(u8),
    /// An argument in the numbers of recorders.
    Via(u8, fn(u64) -> u64),
    /// The text that an argument points to.
    Text(u8),
    /// Flags of an open, with what is known of the file.
    Opened(u8),
    /// The same of openat2, whose flags are in a struct.
    Stated,
    /// The second argument, if flags in the first say that something is made.
    Mode(u8, u8),
    /// Whether the file that creat made is in an overlay's upper layer.
    Created,
    /// Absolute path of the file behind the descriptor.
    Path,
    /// Its device.
    Dev,
    /// Its inode.
    Ino,
    /// The address that was passed.
    Address,
    /// Both ends of the socket.
    Tuple,
    /// The beginning of a buffer.
    Data,
    /// Of a struct: so many bytes from this offset on.
    Word(u8, u8),
    /// The same in the numbers of recorders.
    WordVia(u8, u8, fn(u64) -> u64),
    /// Connections that wait to be accepted, how many may, and the percentage.
    QueueLen,
    QueueMax,
    QueuePart,
    /// Not told: recorded without a value.
    Null,
}

/// One system call.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) code: E,
    pub(crate) params: &'static [Src],
    plan: Plan,
}

impl Row {
    const fn op(mut self, ops: u32) -> Self {
        self.plan.ops |= ops;
        self
    }

    /// What is known of the file behind a descriptor is told.
    const fn file(mut self, fd: u8) -> Self {
        self.plan.fd = fd;
        self.op(op::FILE)
    }

    /// What is known of the file or socket behind a descriptor is told: what others did with the descriptor before
    /// need not be known then.
    const fn fd(mut self, fd: u8) -> Self {
        self.plan.fd = fd;
        self.op(op::FILE | op::SOCKET)
    }

    /// The path of the directory behind another descriptor is told; of an open only where it failed, since otherwise
    /// the path of the file says more.
    const fn other(mut self, fd: u8) -> Self {
        self.plan.other = fd;
        self
    }

    const fn address(mut self, pointer: u8, length: u8) -> Self {
        self.plan.pointer = pointer;
        self.plan.length = length;
        self.op(op::ADDRESS)
    }

    const fn address_in(mut self, pointer: u8, length: u8) -> Self {
        self.plan.pointer = pointer;
        self.plan.length = length;
        self.op(op::ADDRESS_IN)
    }

    const fn data(mut self, pointer: u8, length: u8) -> Self {
        self.plan.data = pointer;
        self.plan.data_length = length;
        self.op(op::DATA)
    }

    const fn message(mut self, pointer: u8) -> Self {
        self.plan.pointer = pointer;
        self.op(op::MESSAGE)
    }

    const fn vector(mut self, pointer: u8) -> Self {
        self.plan.pointer = pointer;
        self.op(op::VECTOR)
    }

    const fn structure(mut self, pointer: u8, bytes: u8) -> Self {
        self.plan.pointer = pointer;
        self.plan.length = bytes;
        self.op(op::STRUCT)
    }

    /// What the kernel has to do for this call.
    pub(crate) fn plan(&self) -> Plan {
        let strings = self.params.iter().fold(0, |strings, src| match src {
            Text(at) => strings | 1 << at,
            _ => strings,
        });
        Plan { strings, ..self.plan }
    }

    /// The number of the call on `x86_64`.
    #[cfg(test)]
    fn number(&self) -> Option<usize> {
        crate::numbers::NAMES.iter().position(|name| *name == self.name)
    }
}

const fn row(name: &'static str, code: E, params: &'static [Src]) -> Row {
    let plan = Plan {
        ops: op::ON,
        strings: 0,
        fd: RESULT,
        pointer: RESULT,
        length: RESULT,
        data: RESULT,
        data_length: RESULT,
        other: RESULT,
        pad: [0; 5],
    };
    Row { name, code, params, plan }
}

/// Calls that make programs, namespaces and modules: rare, and never to be lost.
const FIRST: u32 = op::PRIORITY;

/// All rows.
#[rustfmt::skip]
pub(crate) static ROWS: &[Row] = &[
    // Files
    row("open", E::OPEN_X, &[Ret, Text(0), Opened(1), Src::Mode(1, 2), Dev, Ino, Path]).file(RESULT).op(op::OPEN),
    row("openat", E::OPENAT_2_X, &[Ret, Arg(0), Text(1), Opened(2), Src::Mode(2, 3), Dev, Ino, Path]).other(0).file(RESULT).op(op::OPEN),
    row("openat2", E::OPENAT2_X, &[Ret, Arg(0), Text(1), Stated, Word(8, 8), WordVia(16, 8, flags::resolve), Dev, Ino, Path]).other(0)
        .file(RESULT).structure(2, 24).op(op::OPEN),
    row("creat", E::CREAT_X, &[Ret, Text(0), Arg(1), Dev, Ino, Created, Path]).file(RESULT).op(op::OPEN),
    row("open_by_handle_at", E::OPEN_BY_HANDLE_AT_X, &[Ret, Arg(0), Opened(2), Path, Dev, Ino]).file(RESULT).op(op::OPEN | FIRST),
    row("close", E::CLOSE_X, &[Ret, Arg(0)]),
    row("read", E::READ_X, &[Ret, Data, Arg(0), Arg(2)]).fd(0).data(1, RESULT),
    row("write", E::WRITE_X, &[Ret, Data, Arg(0), Arg(2)]).fd(0).data(1, 2),
    row("pread64", E::PREAD_X, &[Ret, Data, Arg(0), Arg(2), Arg(3)]).fd(0).data(1, RESULT),
    row("pwrite64", E::PWRITE_X, &[Ret, Data, Arg(0), Arg(2), Arg(3)]).fd(0).data(1, 2),
    row("readv", E::READV_X, &[Ret, Null, Data, Arg(0)]).fd(0).vector(1),
    row("writev", E::WRITEV_X, &[Ret, Data, Arg(0), Null]).fd(0).vector(1),
    row("preadv", E::PREADV_X, &[Ret, Null, Data, Arg(0), Arg(3)]).fd(0).vector(1),
    row("pwritev", E::PWRITEV_X, &[Ret, Data, Arg(0), Null, Arg(3)]).fd(0).vector(1),
    row("sendfile", E::SENDFILE_X, &[Ret, Null, Arg(0), Arg(1), Arg(3)]).fd(0),
    row("copy_file_range", E::COPY_FILE_RANGE_X, &[Ret, Arg(2), Null, Arg(0), Null, Arg(4)]).fd(2),
    row("lseek", E::LSEEK_X, &[Ret, Arg(0), Arg(1), Arg(2)]).fd(0),
    row("unlink", E::UNLINK_2_X, &[Ret, Text(0)]),
    row("unlinkat", E::UNLINKAT_2_X, &[Ret, Arg(0), Text(1), Arg(2)]).fd(0),
    row("rename", E::RENAME_X, &[Ret, Text(0), Text(1)]),
    row("renameat", E::RENAMEAT_X, &[Ret, Arg(0), Text(1), Arg(2), Text(3)]).other(2).fd(0),
    row("renameat2", E::RENAMEAT2_X, &[Ret, Arg(0), Text(1), Arg(2), Text(3), Arg(4)]).other(2).fd(0),
    row("link", E::LINK_2_X, &[Ret, Text(0), Text(1)]),
    row("linkat", E::LINKAT_2_X, &[Ret, Arg(0), Text(1), Arg(2), Text(3), Arg(4)]).other(2).fd(0),
    row("symlink", E::SYMLINK_X, &[Ret, Text(0), Text(1)]),
    row("symlinkat", E::SYMLINKAT_X, &[Ret, Text(0), Arg(1), Text(2)]).fd(1),
    row("mkdir", E::MKDIR_2_X, &[Ret, Text(0), Arg(1)]),
    row("mkdirat", E::MKDIRAT_X, &[Ret, Arg(0), Text(1), Arg(2)]).fd(0),
    row("rmdir", E::RMDIR_2_X, &[Ret, Text(0)]),
    row("chmod", E::CHMOD_X, &[Ret, Text(0), Arg(1)]),
    row("fchmod", E::FCHMOD_X, &[Ret, Arg(0), Arg(1)]).fd(0),
    row("fchmodat", E::FCHMODAT_X, &[Ret, Arg(0), Text(1), Arg(2)]).fd(0),
    row("chown", E::CHOWN_X, &[Ret, Text(0), Arg(1), Arg(2)]),
    row("lchown", E::LCHOWN_X, &[Ret, Text(0), Arg(1), Arg(2)]),
    row("fchown", E::FCHOWN_X, &[Ret, Arg(0), Arg(1), Arg(2)]).fd(0),
    row("fchownat", E::FCHOWNAT_X, &[Ret, Arg(0), Text(1), Arg(2), Arg(3), Via(4, flags::fchownat)]).fd(0),
    row("mknod", E::MKNOD_X, &[Ret, Text(0), Arg(1), Arg(2)]),
    row("mknodat", E::MKNODAT_X, &[Ret, Arg(0), Text(1), Arg(2), Arg(3)]).fd(0),
    row("access", E::ACCESS_X, &[Ret, Text(0), Arg(1)]),
    row("stat", E::STAT_X, &[Ret, Text(0)]),
    row("lstat", E::LSTAT_X, &[Ret, Text(0)]),
    row("fstat", E::FSTAT_X, &[Ret, Arg(0)]).fd(0),
    row("newfstatat", E::NEWFSTATAT_X, &[Ret, Arg(0), Text(1), Arg(3)]).fd(0),
    row("getdents", E::GETDENTS_X, &[Ret, Arg(0)]).fd(0),
    row("getdents64", E::GETDENTS64_X, &[Ret, Arg(0)]).fd(0),
    row("flock", E::FLOCK_X, &[Ret, Arg(0), Arg(1)]).fd(0),
    row("chdir", E::CHDIR_X, &[Ret, Text(0)]),
    row("fchdir", E::FCHDIR_X, &[Ret, Arg(0)]).fd(0),
    row("getcwd", E::GETCWD_X, &[Ret, Text(0)]),
    row("chroot", E::CHROOT_X, &[Ret, Text(0)]).op(FIRST),
    row("mount", E::MOUNT_X, &[Ret, Text(0), Text(1), Text(2), Arg(3)]).op(FIRST),
    row("umount2", E::UMOUNT2_X, &[Ret, Text(0), Arg(1)]).op(FIRST),
    row("quotactl", E::QUOTACTL_X, &[
        Ret, Text(1), Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null,
        Via(0, flags::quota_command), Via(0, flags::quota_type), Arg(2), Null,
    ]),
    row("ioctl", E::IOCTL_3_X, &[Ret, Arg(0), Arg(1), Arg(2)]).fd(0),
    row("fcntl", E::FCNTL_X, &[Ret, Arg(0), Via(1, flags::fcntl)]).fd(0),
    row("dup", E::DUP_1_X, &[Ret, Arg(0)]).fd(0),
    row("dup2", E::DUP2_X, &[Ret, Arg(0), Arg(1)]).fd(0),
    row("dup3", E::DUP3_X, &[Ret, Arg(0), Arg(1), Via(2, flags::open)]).fd(0),
    row("pipe", E::PIPE_X, &[Ret, Word(0, 4), Word(4, 4), Null]).structure(0, 8),
    row("pipe2", E::PIPE2_X, &[Ret, Word(0, 4), Word(4, 4), Null, Via(1, flags::open)]).structure(0, 8),
    row("eventfd", E::EVENTFD_X, &[Ret, Arg(0), Null]),
    row("eventfd2", E::EVENTFD2_X, &[Ret, Via(1, flags::open), Arg(0)]),
    row("signalfd", E::SIGNALFD_X, &[Ret, Arg(0), Null, Null]).fd(0),
    row("signalfd4", E::SIGNALFD4_X, &[Ret, Via(3, flags::open), Arg(0), Null]).fd(0),
    row("timerfd_create", E::TIMERFD_CREATE_X, &[Ret, Arg(0), Null]),
    row("inotify_init", E::INOTIFY_INIT_X, &[Ret, Null]),
    row("inotify_init1", E::INOTIFY_INIT1_X, &[Ret, Via(0, flags::open)]),
    row("epoll_create", E::EPOLL_CREATE_X, &[Ret, Arg(0)]),
    row("epoll_create1", E::EPOLL_CREATE1_X, &[Ret, Null]),
    row("userfaultfd", E::USERFAULTFD_X, &[Ret, Via(0, flags::open)]).op(FIRST),
    row("memfd_create", E::MEMFD_CREATE_X, &[Ret, Text(0), Arg(1)]).op(FIRST),
    row("fsconfig", E::FSCONFIG_X, &[Ret, Arg(0), Arg(1), Text(2), Null, Null, Arg(4)]).fd(0).op(FIRST),
    // Sockets
    row("socket", E::SOCKET_X, &[Ret, Arg(0), Arg(1), Arg(2)]),
    row("socketpair", E::SOCKETPAIR_X, &[Ret, Word(0, 4), Word(4, 4), Null, Null, Arg(0), Arg(1), Arg(2)]).structure(3, 8),
    row("bind", E::BIND_X, &[Ret, Address, Arg(0)]).fd(0).address(1, 2),
    row("connect", E::CONNECT_X, &[Ret, Tuple, Arg(0), Address]).fd(0).address(1, 2).op(op::CONNECT),
    row("listen", E::LISTEN_X, &[Ret, Arg(0), Arg(1)]).fd(0),
    row("accept", E::ACCEPT_5_X, &[Ret, Tuple, QueuePart, QueueLen, QueueMax]).fd(RESULT),
    row("accept4", E::ACCEPT4_6_X, &[Ret, Tuple, QueuePart, QueueLen, QueueMax, Arg(3)]).fd(RESULT),
    row("shutdown", E::SHUTDOWN_X, &[Ret, Arg(0), Arg(1)]).fd(0),
    row("sendto", E::SENDTO_X, &[Ret, Data, Arg(0), Arg(2), Tuple]).fd(0).address(4, 5).data(1, 2).op(op::CONNECT),
    row("sendmsg", E::SENDMSG_X, &[Ret, Data, Arg(0), Null, Tuple]).fd(0).message(1).op(op::CONNECT),
    row("sendmmsg", E::SENDMMSG_X, &[Ret, Arg(0), Null, Data, Tuple]).fd(0).message(1).op(op::CONNECT),
    row("recvfrom", E::RECVFROM_X, &[Ret, Data, Tuple, Arg(0), Arg(2)]).fd(0).address_in(4, 5).data(1, RESULT).op(op::CONNECT),
    row("recvmsg", E::RECVMSG_X, &[Ret, Null, Data, Tuple, Null, Arg(0)]).fd(0).message(1).op(op::CONNECT),
    row("recvmmsg", E::RECVMMSG_X, &[Ret, Arg(0), Null, Data, Tuple, Null]).fd(0).message(1).op(op::CONNECT),
    // Processes
    row("execve", E::EXECVE_19_X, &[
        Ret, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null,
        Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Text(0),
    ]).op(FIRST | op::NOT_DONE),
    row("execveat", E::EXECVEAT_X, &[Ret]).op(FIRST | op::NOT_DONE),
    row("clone", E::CLONE_20_X, &[
        Ret, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Via(0, flags::clone),
    ]).op(FIRST | op::NOT_CHILD),
    row("clone3", E::CLONE3_X, &[
        Ret, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, Null, WordVia(0, 8, flags::clone),
    ]).structure(0, 88).op(FIRST | op::NOT_CHILD),
    row("fork", E::FORK_20_X, &[Ret]).op(FIRST | op::NOT_CHILD),
    row("vfork", E::VFORK_20_X, &[Ret]).op(FIRST | op::NOT_CHILD),
    row("setuid", E::SETUID_X, &[Ret, Arg(0)]).op(FIRST),
    row("setgid", E::SETGID_X, &[Ret, Arg(0)]).op(FIRST),
    row("setreuid", E::SETREUID_X, &[Ret, Arg(0), Arg(1)]).op(FIRST),
    row("setregid", E::SETREGID_X, &[Ret, Arg(0), Arg(1)]).op(FIRST),
    row("setresuid", E::SETRESUID_X, &[Ret, Arg(0), Arg(1), Arg(2)]).op(FIRST),
    row("setresgid", E::SETRESGID_X, &[Ret, Arg(0), Arg(1), Arg(2)]).op(FIRST),
    row("getuid", E::GETUID_X, &[Ret]),
    row("geteuid", E::GETEUID_X, &[Ret]),
    row("getgid", E::GETGID_X, &[Ret]),
    row("getegid", E::GETEGID_X, &[Ret]),
    row("capset", E::CAPSET_X, &[Ret, Null, Null, Null]).op(FIRST),
    row("setsid", E::SETSID_X, &[Ret]).op(FIRST),
    row("setpgid", E::SETPGID_X, &[Ret, Arg(0), Arg(1)]).op(FIRST),
    row("prctl", E::PRCTL_X, &[Ret, Arg(0), Null, Arg(1)]),
    row("ptrace", E::PTRACE_X, &[Ret, Null, Null, Via(0, flags::ptrace), Arg(1)]).op(FIRST),
    row("kill", E::KILL_X, &[Ret, Arg(0), Arg(1)]),
    row("tkill", E::TKILL_X, &[Ret, Arg(0), Arg(1)]),
    row("tgkill", E::TGKILL_X, &[Ret, Arg(0), Arg(1), Arg(2)]),
    row("unshare", E::UNSHARE_X, &[Ret, Via(0, flags::clone)]).op(FIRST),
    row("setns", E::SETNS_X, &[Ret, Arg(0), Via(1, flags::clone)]).fd(0).op(FIRST),
    row("seccomp", E::SECCOMP_X, &[Ret, Arg(0), Arg(1)]).op(FIRST),
    row("bpf", E::BPF_2_X, &[Ret, Arg(0)]).op(FIRST),
    row("init_module", E::INIT_MODULE_X, &[Ret, Null, Arg(1), Text(2)]).op(FIRST),
    row("finit_module", E::FINIT_MODULE_X, &[Ret, Arg(0), Text(1), Arg(2)]).fd(0).op(FIRST),
    row("delete_module", E::DELETE_MODULE_X, &[Ret, Text(0), Via(1, flags::delete_module)]).op(FIRST),
    row("pidfd_open", E::PIDFD_OPEN_X, &[Ret, Arg(0), Null]),
    row("pidfd_getfd", E::PIDFD_GETFD_X, &[Ret, Arg(0), Arg(1), Arg(2)]).fd(0).op(FIRST),
    row("process_vm_readv", E::PROCESS_VM_READV_X, &[Ret, Arg(0), Null]).op(FIRST),
    row("process_vm_writev", E::PROCESS_VM_WRITEV_X, &[Ret, Arg(0), Null]).op(FIRST),
    row("io_uring_setup", E::IO_URING_SETUP_X, &[
        Ret, Arg(0), Word(0, 4), Word(4, 4), WordVia(8, 4, flags::io_uring), Word(12, 4), Word(16, 4), Word(20, 4),
    ]).structure(1, 120).op(FIRST),
    row("io_uring_enter", E::IO_URING_ENTER_X, &[Ret, Arg(0), Arg(1), Arg(2), Arg(3), Null]).fd(0),
    row("io_uring_register", E::IO_URING_REGISTER_X, &[Ret, Arg(0), Arg(1), Arg(2), Arg(3)]).fd(0),
    // Memory
    row("mmap", E::MMAP_X, &[
        Ret, Null, Null, Null, Arg(0), Arg(1), Via(2, flags::protection), Via(3, flags::mmap), Arg(4), Arg(5),
    ]).fd(4),
    row("mprotect", E::MPROTECT_X, &[Ret, Arg(0), Arg(1), Via(2, flags::protection)]),
    row("munmap", E::MUNMAP_X, &[Ret, Null, Null, Null, Arg(0), Arg(1)]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_trace::event::{EVENTS, ParamKind};
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_calls_and_say_no_more_than_their_events_have() {
        let mut names = BTreeSet::new();
        for row in ROWS {
            assert!(row.number().is_some() && names.insert(row.name), "{}", row.name);
            let info = &EVENTS[usize::from(row.code.0)];
            assert!(row.params.len() <= info.params.len(), "{}", row.name);
            assert!(!row.code.is_enter() && !info.is(sekisho_trace::event::traits::OLD), "{}", row.name);
            // What is asked of a descriptor is asked of the first that an event names behind its result. What close
            // closed is gone.
            let first = info.params.iter().skip(1).position(|param| param.kind == ParamKind::Fd);
            if info.is(sekisho_trace::event::traits::USES_FD) && row.name != "close" {
                let told = row.params.get(first.unwrap_or_else(|| panic!("{}", row.name)) + 1);
                assert!(matches!(told, Some(Arg(at)) if *at == row.plan.fd), "{}: {told:?}", row.name);
            }
            for (src, param) in row.params.iter().zip(info.params) {
                let text = matches!(param.kind, ParamKind::Text | ParamKind::Path | ParamKind::RelativePath);
                let bytes = matches!(param.kind, ParamKind::Bytes);
                let fits = match src {
                    Text(_) | Path => text,
                    Data => bytes,
                    Address => param.kind == ParamKind::SocketAddress,
                    Tuple => param.kind == ParamKind::SocketTuple,
                    Null => true,
                    _ => !text && !bytes,
                };
                assert!(fits, "{}: {} from {src:?}", row.name, param.name);
            }
        }
    }

    #[test]
    fn what_is_made_of_an_argument_is_asked_for() {
        for row in ROWS {
            let plan = row.plan();
            for src in row.params {
                let needed = match src {
                    Dev | Ino | Path | Created | Opened(_) | Stated => op::FILE,
                    Tuple | QueueLen | QueueMax | QueuePart => op::SOCKET,
                    Data => op::DATA | op::VECTOR | op::MESSAGE,
                    Address => op::ADDRESS,
                    Word(..) | WordVia(..) => op::STRUCT,
                    _ => continue,
                };
                assert!(plan.ops & needed != 0, "{}: {src:?}", row.name);
            }
            let pointers = [op::ADDRESS | op::ADDRESS_IN, op::MESSAGE, op::VECTOR, op::STRUCT];
            let used = pointers.iter().filter(|bits| plan.ops & **bits != 0).count();
            assert!(used <= 1, "{}", row.name);
        }
    }
}
