//! Event types 0 to 211.

use super::super::Category::{
    File, Internal, IoOther, IoRead, IoWrite, Ipc, Memory, Net, Other, Process, Scheduler, Signal, Sleep, Time,
    Unknown, User, Wait,
};
use super::super::Format::{Decimal, Hex, Octal, Plain};
use super::super::ParamKind::{
    Bytes, Dynamic, Enum8, Enum16, Enum32, Errno, Fd, FdList, Flags8, Flags16, Flags32, Gid, Int32, Int64, Path, Pid,
    RelativePath, RelativeTime, SignalNumber, SocketAddress, SocketTuple, SyscallId, Text, Uid, Uint8, Uint16, Uint32,
    Uint64,
};
use super::super::flags::{
    CLONE_FLAGS, CREAT_FLAGS, FCNTL_COMMANDS, FILE_FLAGS, FUTEX_OPERATIONS, LSEEK_WHENCE, MMAP_FLAGS, PROT_FLAGS,
    PTRACE_REQUESTS, QUOTACTL_CMDS, QUOTACTL_DQI_FLAGS, QUOTACTL_QUOTA_FMTS, QUOTACTL_TYPES, RLIMIT_RESOURCES,
    SHUTDOWN_HOW, SOCKET_FAMILIES, SOCKOPT_LEVELS, SOCKOPT_OPTIONS, SPLICE_FLAGS,
};
use super::super::traits::{CREATES_FD, DESTROYS_FD, OLD, READS, STATE, UNUSED, USES_FD, WAITS, WRITES};
use super::super::{EventCode, EventInfo, Origin};
use super::{below, e, names, p};

events! { FIRST
    GENERIC_E = 0: e("syscall", Other, Origin::Syscall, 0, &[p("ID", SyscallId, Decimal), p("nativeID", Uint16, Decimal)]);
    GENERIC_X = 1: e("syscall", Other, Origin::Syscall, 0, &[p("ID", SyscallId, Decimal), p("nativeID", Uint16, Decimal)]);
    OPEN_E = 2: e("open", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("name", Path, Plain), names("flags", Flags32, Hex, FILE_FLAGS), p("mode", Uint32, Octal),
    ]);
    OPEN_X = 3: e("open", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("name", Path, Plain), names("flags", Flags32, Hex, FILE_FLAGS),
        p("mode", Uint32, Octal), p("dev", Uint32, Hex), p("ino", Uint64, Decimal),
        // Ours, as openat has it: recorders leave it out.
        p("fullpath", Path, Plain),
    ]);
    CLOSE_E = 4: e("close", IoOther, Origin::Syscall, DESTROYS_FD | USES_FD | STATE, &[p("fd", Fd, Decimal)]);
    CLOSE_X = 5: e("close", IoOther, Origin::Syscall, DESTROYS_FD | USES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal),
    ]);
    READ_E = 6: e("read", IoRead, Origin::Syscall, USES_FD | READS, &[p("fd", Fd, Decimal), p("size", Uint32, Decimal)]);
    READ_X = 7: e("read", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
    ]);
    WRITE_E = 8: e("write", IoWrite, Origin::Syscall, USES_FD | WRITES, &[p("fd", Fd, Decimal), p("size", Uint32, Decimal)]);
    WRITE_X = 9: e("write", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
    ]);
    BRK_1_E = 10: e("brk", Memory, Origin::Syscall, OLD, &[p("size", Uint32, Decimal)]);
    BRK_1_X = 11: e("brk", Memory, Origin::Syscall, OLD, &[p("res", Uint64, Hex)]);
    EXECVE_8_E = 12: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_8_X = 13: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
    ]);
    CLONE_11_E = 14: e("clone", Process, Origin::Syscall, STATE | OLD, &[]);
    CLONE_11_X = 15: e("clone", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    PROCEXIT_E = 16: e("procexit", Process, Origin::Tracepoint, STATE | OLD, &[]);
    PROCEXIT_X = 17: e("NA", Unknown, Origin::None, UNUSED | OLD, &[]);
    SOCKET_E = 18: e("socket", Net, Origin::Syscall, CREATES_FD | STATE, &[
        names("domain", Enum32, Decimal, SOCKET_FAMILIES), p("type", Uint32, Decimal), p("proto", Uint32, Decimal),
    ]);
    SOCKET_X = 19: e("socket", Net, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), names("domain", Enum32, Decimal, SOCKET_FAMILIES), p("type", Uint32, Decimal),
        p("proto", Uint32, Decimal),
    ]);
    BIND_E = 20: e("bind", Net, Origin::Syscall, USES_FD | STATE, &[p("fd", Fd, Decimal)]);
    BIND_X = 21: e("bind", Net, Origin::Syscall, USES_FD | STATE, &[
        p("res", Errno, Decimal), p("addr", SocketAddress, Plain), p("fd", Fd, Decimal),
    ]);
    CONNECT_E = 22: e("connect", Net, Origin::Syscall, USES_FD | STATE, &[
        p("fd", Fd, Decimal), p("addr", SocketAddress, Plain),
    ]);
    CONNECT_X = 23: e("connect", Net, Origin::Syscall, USES_FD | STATE, &[
        p("res", Errno, Decimal), p("tuple", SocketTuple, Plain), p("fd", Fd, Decimal),
        p("addr", SocketAddress, Plain),
    ]);
    LISTEN_E = 24: e("listen", Net, Origin::Syscall, USES_FD, &[p("fd", Fd, Decimal), p("backlog", Int32, Decimal)]);
    LISTEN_X = 25: e("listen", Net, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("backlog", Int32, Decimal),
    ]);
    ACCEPT_E = 26: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[]);
    ACCEPT_X = 27: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[
        p("fd", Fd, Decimal), p("tuple", SocketTuple, Plain), p("queuepct", Uint8, Decimal),
    ]);
    SEND_E = 28: e("send", IoWrite, Origin::Syscall, USES_FD | WRITES, &[p("fd", Fd, Decimal), p("size", Uint32, Decimal)]);
    SEND_X = 29: e("send", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("tuple", SocketTuple, Plain),
    ]);
    SENDTO_E = 30: e("sendto", IoWrite, Origin::Syscall, USES_FD | WRITES | STATE, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("tuple", SocketTuple, Plain),
    ]);
    SENDTO_X = 31: e("sendto", IoWrite, Origin::Syscall, USES_FD | WRITES | STATE, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("tuple", SocketTuple, Plain),
    ]);
    RECV_E = 32: e("recv", IoRead, Origin::Syscall, USES_FD | READS, &[p("fd", Fd, Decimal), p("size", Uint32, Decimal)]);
    RECV_X = 33: e("recv", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("tuple", SocketTuple, Plain),
    ]);
    RECVFROM_E = 34: e("recvfrom", IoRead, Origin::Syscall, USES_FD | READS | STATE, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal),
    ]);
    RECVFROM_X = 35: e("recvfrom", IoRead, Origin::Syscall, USES_FD | READS | STATE, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("tuple", SocketTuple, Plain), p("fd", Fd, Decimal),
        p("size", Uint32, Decimal),
    ]);
    SHUTDOWN_E = 36: e("shutdown", Net, Origin::Syscall, USES_FD | STATE, &[
        p("fd", Fd, Decimal), names("how", Enum8, Hex, SHUTDOWN_HOW),
    ]);
    SHUTDOWN_X = 37: e("shutdown", Net, Origin::Syscall, USES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("how", Enum8, Hex, SHUTDOWN_HOW),
    ]);
    GETSOCKNAME_E = 38: e("getsockname", Net, Origin::Syscall, 0, &[]);
    GETSOCKNAME_X = 39: e("getsockname", Net, Origin::Syscall, 0, &[]);
    GETPEERNAME_E = 40: e("getpeername", Net, Origin::Syscall, 0, &[]);
    GETPEERNAME_X = 41: e("getpeername", Net, Origin::Syscall, 0, &[]);
    SOCKETPAIR_E = 42: e("socketpair", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        names("domain", Enum32, Decimal, SOCKET_FAMILIES), p("type", Uint32, Decimal), p("proto", Uint32, Decimal),
    ]);
    SOCKETPAIR_X = 43: e("socketpair", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd1", Fd, Decimal), p("fd2", Fd, Decimal), p("source", Uint64, Hex),
        p("peer", Uint64, Hex), names("domain", Enum32, Decimal, SOCKET_FAMILIES), p("type", Uint32, Decimal),
        p("proto", Uint32, Decimal),
    ]);
    SETSOCKOPT_E = 44: e("setsockopt", Net, Origin::Syscall, 0, &[]);
    SETSOCKOPT_X = 45: e("setsockopt", Net, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("level", Enum8, Decimal, SOCKOPT_LEVELS),
        names("optname", Enum8, Decimal, SOCKOPT_OPTIONS), p("val", Dynamic, Decimal), p("optlen", Uint32, Decimal),
    ]);
    GETSOCKOPT_E = 46: e("getsockopt", Net, Origin::Syscall, STATE, &[]);
    GETSOCKOPT_X = 47: e("getsockopt", Net, Origin::Syscall, USES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("level", Enum8, Decimal, SOCKOPT_LEVELS),
        names("optname", Enum8, Decimal, SOCKOPT_OPTIONS), p("val", Dynamic, Decimal), p("optlen", Uint32, Decimal),
    ]);
    SENDMSG_E = 48: e("sendmsg", IoWrite, Origin::Syscall, USES_FD | WRITES | STATE, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("tuple", SocketTuple, Plain),
    ]);
    SENDMSG_X = 49: e("sendmsg", IoWrite, Origin::Syscall, USES_FD | WRITES | STATE, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("tuple", SocketTuple, Plain),
    ]);
    SENDMMSG_E = 50: e("sendmmsg", IoWrite, Origin::Syscall, 0, &[]);
    SENDMMSG_X = 51: e("sendmmsg", IoWrite, Origin::Syscall, USES_FD | WRITES | STATE, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("data", Bytes, Plain),
        p("tuple", SocketTuple, Plain),
    ]);
    RECVMSG_E = 52: e("recvmsg", IoRead, Origin::Syscall, USES_FD | READS | STATE, &[p("fd", Fd, Decimal)]);
    RECVMSG_X = 53: e("recvmsg", IoRead, Origin::Syscall, USES_FD | READS | STATE, &[
        p("res", Errno, Decimal), p("size", Uint32, Decimal), p("data", Bytes, Plain),
        p("tuple", SocketTuple, Plain), p("msgcontrol", Bytes, Plain), p("fd", Fd, Decimal),
    ]);
    RECVMMSG_E = 54: e("recvmmsg", IoRead, Origin::Syscall, 0, &[]);
    RECVMMSG_X = 55: e("recvmmsg", IoRead, Origin::Syscall, USES_FD | READS | STATE, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("data", Bytes, Plain),
        p("tuple", SocketTuple, Plain), p("msgcontrol", Bytes, Plain),
    ]);
    ACCEPT4_E = 56: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[p("flags", Int32, Hex)]);
    ACCEPT4_X = 57: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[
        p("fd", Fd, Decimal), p("tuple", SocketTuple, Plain), p("queuepct", Uint8, Decimal),
    ]);
    CREAT_E = 58: e("creat", File, Origin::Syscall, CREATES_FD | STATE, &[p("name", Path, Plain), p("mode", Uint32, Octal)]);
    CREAT_X = 59: e("creat", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("name", Path, Plain), p("mode", Uint32, Octal), p("dev", Uint32, Hex),
        p("ino", Uint64, Decimal), names("creat_flags", Flags16, Hex, CREAT_FLAGS),
        // Ours, likewise.
        p("fullpath", Path, Plain),
    ]);
    PIPE_E = 60: e("pipe", Ipc, Origin::Syscall, CREATES_FD | STATE, &[]);
    PIPE_X = 61: e("pipe", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd1", Fd, Decimal), p("fd2", Fd, Decimal), p("ino", Uint64, Decimal),
    ]);
    EVENTFD_E = 62: e("eventfd", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("initval", Uint64, Decimal), p("flags", Uint32, Hex),
    ]);
    EVENTFD_X = 63: e("eventfd", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), p("initval", Uint64, Decimal), p("flags", Uint32, Hex),
    ]);
    FUTEX_E = 64: e("futex", Ipc, Origin::Syscall, 0, &[
        p("addr", Uint64, Hex), names("op", Flags16, Hex, FUTEX_OPERATIONS), p("val", Uint64, Decimal),
    ]);
    FUTEX_X = 65: e("futex", Ipc, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Uint64, Hex), names("op", Flags16, Hex, FUTEX_OPERATIONS),
        p("val", Uint64, Decimal),
    ]);
    STAT_E = 66: e("stat", File, Origin::Syscall, 0, &[]);
    STAT_X = 67: e("stat", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    LSTAT_E = 68: e("lstat", File, Origin::Syscall, 0, &[]);
    LSTAT_X = 69: e("lstat", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    FSTAT_E = 70: e("fstat", File, Origin::Syscall, USES_FD, &[p("fd", Fd, Plain)]);
    FSTAT_X = 71: e("fstat", File, Origin::Syscall, USES_FD, &[p("res", Errno, Decimal), p("fd", Fd, Plain)]);
    STAT64_E = 72: e("stat64", File, Origin::Syscall, 0, &[]);
    STAT64_X = 73: e("stat64", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    LSTAT64_E = 74: e("lstat64", File, Origin::Syscall, 0, &[]);
    LSTAT64_X = 75: e("lstat64", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    FSTAT64_E = 76: e("fstat64", File, Origin::Syscall, USES_FD, &[p("fd", Fd, Plain)]);
    FSTAT64_X = 77: e("fstat64", File, Origin::Syscall, USES_FD, &[p("res", Errno, Decimal)]);
    EPOLLWAIT_E = 78: e("epoll_wait", Wait, Origin::Syscall, WAITS, &[p("maxevents", Errno, Decimal)]);
    EPOLLWAIT_X = 79: e("epoll_wait", Wait, Origin::Syscall, WAITS, &[
        p("res", Errno, Decimal), p("maxevents", Errno, Decimal),
    ]);
    POLL_E = 80: e("poll", Wait, Origin::Syscall, WAITS, &[p("fds", FdList, Decimal), p("timeout", Int64, Decimal)]);
    POLL_X = 81: e("poll", Wait, Origin::Syscall, WAITS, &[
        p("res", Errno, Decimal), p("fds", FdList, Decimal), p("timeout", Int64, Decimal),
    ]);
    SELECT_E = 82: e("select", Wait, Origin::Syscall, WAITS, &[]);
    SELECT_X = 83: e("select", Wait, Origin::Syscall, WAITS, &[p("res", Errno, Decimal)]);
    NEWSELECT_E = 84: e("select", Wait, Origin::Syscall, WAITS | OLD, &[]);
    NEWSELECT_X = 85: e("select", Wait, Origin::Syscall, WAITS | OLD, &[p("res", Errno, Decimal)]);
    LSEEK_E = 86: e("lseek", File, Origin::Syscall, USES_FD, &[
        p("fd", Fd, Decimal), p("offset", Uint64, Decimal), names("whence", Enum8, Decimal, LSEEK_WHENCE),
    ]);
    LSEEK_X = 87: e("lseek", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("offset", Uint64, Decimal),
        names("whence", Enum8, Decimal, LSEEK_WHENCE),
    ]);
    LLSEEK_E = 88: e("llseek", File, Origin::Syscall, USES_FD, &[
        p("fd", Fd, Decimal), p("offset", Uint64, Decimal), names("whence", Enum8, Decimal, LSEEK_WHENCE),
    ]);
    LLSEEK_X = 89: e("llseek", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("offset", Uint64, Decimal),
        names("whence", Enum8, Decimal, LSEEK_WHENCE),
    ]);
    IOCTL_2_E = 90: e("ioctl", IoOther, Origin::Syscall, USES_FD | OLD, &[p("fd", Fd, Decimal), p("request", Uint64, Hex)]);
    IOCTL_2_X = 91: e("ioctl", IoOther, Origin::Syscall, USES_FD | OLD, &[p("res", Errno, Decimal)]);
    GETCWD_E = 92: e("getcwd", File, Origin::Syscall, 0, &[]);
    GETCWD_X = 93: e("getcwd", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Text, Plain)]);
    CHDIR_E = 94: e("chdir", File, Origin::Syscall, STATE, &[]);
    CHDIR_X = 95: e("chdir", File, Origin::Syscall, STATE, &[p("res", Errno, Decimal), p("path", Text, Plain)]);
    FCHDIR_E = 96: e("fchdir", File, Origin::Syscall, USES_FD | STATE, &[p("fd", Fd, Plain)]);
    FCHDIR_X = 97: e("fchdir", File, Origin::Syscall, USES_FD | STATE, &[p("res", Errno, Decimal), p("fd", Fd, Plain)]);
    MKDIR_E = 98: e("mkdir", File, Origin::Syscall, OLD, &[p("path", Path, Plain), p("mode", Uint32, Hex)]);
    MKDIR_X = 99: e("mkdir", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    RMDIR_E = 100: e("rmdir", File, Origin::Syscall, OLD, &[p("path", Path, Plain)]);
    RMDIR_X = 101: e("rmdir", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    OPENAT_E = 102: e("openat", File, Origin::Syscall, CREATES_FD | STATE | OLD, &[
        p("dirfd", Fd, Decimal), p("name", Text, Plain), names("flags", Flags32, Hex, FILE_FLAGS),
        p("mode", Uint32, Octal),
    ]);
    OPENAT_X = 103: e("openat", File, Origin::Syscall, CREATES_FD | STATE | OLD, &[p("fd", Fd, Decimal)]);
    LINK_E = 104: e("link", File, Origin::Syscall, OLD, &[p("oldpath", Path, Plain), p("newpath", Path, Plain)]);
    LINK_X = 105: e("link", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    LINKAT_E = 106: e("linkat", File, Origin::Syscall, OLD, &[
        p("olddir", Fd, Decimal), p("oldpath", Text, Plain), p("newdir", Fd, Decimal), p("newpath", Text, Plain),
    ]);
    LINKAT_X = 107: e("linkat", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    UNLINK_E = 108: e("unlink", File, Origin::Syscall, OLD, &[p("path", Path, Plain)]);
    UNLINK_X = 109: e("unlink", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    UNLINKAT_E = 110: e("unlinkat", File, Origin::Syscall, OLD, &[p("dirfd", Fd, Decimal), p("name", Text, Plain)]);
    UNLINKAT_X = 111: e("unlinkat", File, Origin::Syscall, OLD, &[p("res", Errno, Decimal)]);
    PREAD_E = 112: e("pread", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("pos", Uint64, Decimal),
    ]);
    PREAD_X = 113: e("pread", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("pos", Uint64, Decimal),
    ]);
    PWRITE_E = 114: e("pwrite", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("pos", Uint64, Decimal),
    ]);
    PWRITE_X = 115: e("pwrite", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("pos", Uint64, Decimal),
    ]);
    READV_E = 116: e("readv", IoRead, Origin::Syscall, USES_FD | READS, &[p("fd", Fd, Decimal)]);
    READV_X = 117: e("readv", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("size", Uint32, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal),
    ]);
    WRITEV_E = 118: e("writev", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal),
    ]);
    WRITEV_X = 119: e("writev", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
    ]);
    PREADV_E = 120: e("preadv", IoRead, Origin::Syscall, USES_FD | READS, &[p("fd", Fd, Decimal), p("pos", Uint64, Decimal)]);
    PREADV_X = 121: e("preadv", IoRead, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("size", Uint32, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal),
        p("pos", Uint64, Decimal),
    ]);
    PWRITEV_E = 122: e("pwritev", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("fd", Fd, Decimal), p("size", Uint32, Decimal), p("pos", Uint64, Decimal),
    ]);
    PWRITEV_X = 123: e("pwritev", IoWrite, Origin::Syscall, USES_FD | WRITES, &[
        p("res", Errno, Decimal), p("data", Bytes, Plain), p("fd", Fd, Decimal), p("size", Uint32, Decimal),
        p("pos", Uint64, Decimal),
    ]);
    DUP_E = 124: e("dup", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE | OLD, &[p("fd", Fd, Decimal)]);
    DUP_X = 125: e("dup", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE | OLD, &[p("res", Fd, Decimal)]);
    SIGNALFD_E = 126: e("signalfd", Signal, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("mask", Uint32, Hex), p("flags", Uint8, Hex),
    ]);
    SIGNALFD_X = 127: e("signalfd", Signal, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), p("fd", Fd, Decimal), p("mask", Uint32, Hex), p("flags", Uint8, Hex),
    ]);
    KILL_E = 128: e("kill", Signal, Origin::Syscall, 0, &[p("pid", Pid, Decimal), p("sig", SignalNumber, Decimal)]);
    KILL_X = 129: e("kill", Signal, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("pid", Pid, Decimal), p("sig", SignalNumber, Decimal),
    ]);
    TKILL_E = 130: e("tkill", Signal, Origin::Syscall, 0, &[p("tid", Pid, Decimal), p("sig", SignalNumber, Decimal)]);
    TKILL_X = 131: e("tkill", Signal, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("tid", Pid, Decimal), p("sig", SignalNumber, Decimal),
    ]);
    TGKILL_E = 132: e("tgkill", Signal, Origin::Syscall, 0, &[
        p("pid", Pid, Decimal), p("tid", Pid, Decimal), p("sig", SignalNumber, Decimal),
    ]);
    TGKILL_X = 133: e("tgkill", Signal, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("pid", Pid, Decimal), p("tid", Pid, Decimal), p("sig", SignalNumber, Decimal),
    ]);
    NANOSLEEP_E = 134: e("nanosleep", Sleep, Origin::Syscall, WAITS, &[p("interval", RelativeTime, Decimal)]);
    NANOSLEEP_X = 135: e("nanosleep", Sleep, Origin::Syscall, WAITS, &[
        p("res", Errno, Decimal), p("interval", RelativeTime, Decimal),
    ]);
    TIMERFD_CREATE_E = 136: e("timerfd_create", Time, Origin::Syscall, CREATES_FD | STATE, &[
        p("clockid", Uint8, Decimal), p("flags", Uint8, Hex),
    ]);
    TIMERFD_CREATE_X = 137: e("timerfd_create", Time, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), p("clockid", Uint8, Decimal), p("flags", Uint8, Hex),
    ]);
    INOTIFY_INIT_E = 138: e("inotify_init", Ipc, Origin::Syscall, CREATES_FD | STATE, &[p("flags", Uint8, Hex)]);
    INOTIFY_INIT_X = 139: e("inotify_init", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), p("flags", Uint8, Hex),
    ]);
    GETRLIMIT_E = 140: e("getrlimit", Process, Origin::Syscall, 0, &[names("resource", Enum8, Decimal, RLIMIT_RESOURCES)]);
    GETRLIMIT_X = 141: e("getrlimit", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("cur", Int64, Decimal), p("max", Int64, Decimal),
        names("resource", Enum8, Decimal, RLIMIT_RESOURCES),
    ]);
    SETRLIMIT_E = 142: e("setrlimit", Process, Origin::Syscall, 0, &[names("resource", Enum8, Decimal, RLIMIT_RESOURCES)]);
    SETRLIMIT_X = 143: e("setrlimit", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("cur", Int64, Decimal), p("max", Int64, Decimal),
        names("resource", Enum8, Decimal, RLIMIT_RESOURCES),
    ]);
    PRLIMIT_E = 144: e("prlimit", Process, Origin::Syscall, 0, &[
        p("pid", Pid, Decimal), names("resource", Enum8, Decimal, RLIMIT_RESOURCES),
    ]);
    PRLIMIT_X = 145: e("prlimit", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("newcur", Int64, Decimal), p("newmax", Int64, Decimal),
        p("oldcur", Int64, Decimal), p("oldmax", Int64, Decimal), p("pid", Int64, Decimal),
        names("resource", Enum8, Decimal, RLIMIT_RESOURCES),
    ]);
    SCHEDSWITCH_1_E = 146: e("switch", Scheduler, Origin::Tracepoint, OLD, &[p("next", Pid, Decimal)]);
    SCHEDSWITCH_1_X = 147: e("NA", Unknown, Origin::None, UNUSED | OLD, &[]);
    DROP_E = 148: e("drop", Internal, Origin::Meta, 0, &[p("ratio", Uint32, Decimal)]);
    DROP_X = 149: e("drop", Internal, Origin::Meta, 0, &[p("ratio", Uint32, Decimal)]);
    FCNTL_E = 150: e("fcntl", IoOther, Origin::Syscall, USES_FD | STATE, &[
        p("fd", Fd, Decimal), names("cmd", Enum8, Decimal, FCNTL_COMMANDS),
    ]);
    FCNTL_X = 151: e("fcntl", IoOther, Origin::Syscall, USES_FD | STATE, &[
        p("res", Fd, Decimal), p("fd", Fd, Decimal), names("cmd", Enum8, Decimal, FCNTL_COMMANDS),
    ]);
    SCHEDSWITCH_6_E = 152: e("switch", Scheduler, Origin::Tracepoint, 0, &[
        p("next", Pid, Decimal), p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal),
        p("vm_size", Uint32, Decimal), p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal),
    ]);
    SCHEDSWITCH_6_X = 153: e("NA", Unknown, Origin::None, UNUSED, &[]);
    EXECVE_13_E = 154: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_13_X = 155: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal),
    ]);
    CLONE_16_E = 156: e("clone", Process, Origin::Syscall, STATE | OLD, &[]);
    CLONE_16_X = 157: e("clone", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), names("flags", Flags32, Hex, CLONE_FLAGS),
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    BRK_4_E = 158: e("brk", Memory, Origin::Syscall, 0, &[p("addr", Uint64, Hex)]);
    BRK_4_X = 159: e("brk", Memory, Origin::Syscall, 0, &[
        p("res", Uint64, Hex), p("vm_size", Uint32, Decimal), p("vm_rss", Uint32, Decimal),
        p("vm_swap", Uint32, Decimal), p("addr", Uint64, Hex),
    ]);
    MMAP_E = 160: e("mmap", Memory, Origin::Syscall, USES_FD, &[
        p("addr", Uint64, Hex), p("length", Uint64, Decimal), names("prot", Flags32, Hex, PROT_FLAGS),
        names("flags", Flags32, Hex, MMAP_FLAGS), p("fd", Fd, Decimal), p("offset", Uint64, Decimal),
    ]);
    MMAP_X = 161: e("mmap", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Hex), p("vm_size", Uint32, Decimal), p("vm_rss", Uint32, Decimal),
        p("vm_swap", Uint32, Decimal), p("addr", Uint64, Hex), p("length", Uint64, Decimal),
        names("prot", Flags32, Hex, PROT_FLAGS), names("flags", Flags32, Hex, MMAP_FLAGS), p("fd", Fd, Decimal),
        p("offset", Uint64, Decimal),
    ]);
    MMAP2_E = 162: e("mmap2", Memory, Origin::Syscall, USES_FD, &[
        p("addr", Uint64, Hex), p("length", Uint64, Decimal), names("prot", Flags32, Hex, PROT_FLAGS),
        names("flags", Flags32, Hex, MMAP_FLAGS), p("fd", Fd, Decimal), p("pgoffset", Uint64, Decimal),
    ]);
    MMAP2_X = 163: e("mmap2", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Hex), p("vm_size", Uint32, Decimal), p("vm_rss", Uint32, Decimal),
        p("vm_swap", Uint32, Decimal), p("addr", Uint64, Hex), p("length", Uint64, Decimal),
        names("prot", Flags32, Hex, PROT_FLAGS), names("flags", Flags32, Hex, MMAP_FLAGS), p("fd", Fd, Decimal),
        p("pgoffset", Uint64, Decimal),
    ]);
    MUNMAP_E = 164: e("munmap", Memory, Origin::Syscall, 0, &[p("addr", Uint64, Hex), p("length", Uint64, Decimal)]);
    MUNMAP_X = 165: e("munmap", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("vm_size", Uint32, Decimal), p("vm_rss", Uint32, Decimal),
        p("vm_swap", Uint32, Decimal), p("addr", Uint64, Hex), p("length", Uint64, Decimal),
    ]);
    SPLICE_E = 166: e("splice", IoOther, Origin::Syscall, USES_FD, &[
        p("fd_in", Fd, Decimal), p("fd_out", Fd, Decimal), p("size", Uint64, Decimal),
        names("flags", Flags32, Hex, SPLICE_FLAGS),
    ]);
    SPLICE_X = 167: e("splice", IoOther, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd_in", Fd, Decimal), p("fd_out", Fd, Decimal), p("size", Uint64, Decimal),
        names("flags", Flags32, Hex, SPLICE_FLAGS),
    ]);
    PTRACE_E = 168: e("ptrace", Process, Origin::Syscall, 0, &[
        names("request", Enum16, Decimal, PTRACE_REQUESTS), p("pid", Pid, Decimal),
    ]);
    PTRACE_X = 169: e("ptrace", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Dynamic, Hex), p("data", Dynamic, Hex),
        names("request", Enum16, Decimal, PTRACE_REQUESTS), p("pid", Pid, Decimal),
    ]);
    IOCTL_3_E = 170: e("ioctl", IoOther, Origin::Syscall, USES_FD, &[
        p("fd", Fd, Decimal), p("request", Uint64, Hex), p("argument", Uint64, Hex),
    ]);
    IOCTL_3_X = 171: e("ioctl", IoOther, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("request", Uint64, Hex), p("argument", Uint64, Hex),
    ]);
    EXECVE_14_E = 172: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_14_X = 173: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("env", Bytes, Plain),
    ]);
    RENAME_E = 174: e("rename", File, Origin::Syscall, 0, &[]);
    RENAME_X = 175: e("rename", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("oldpath", Path, Plain), p("newpath", Path, Plain),
    ]);
    RENAMEAT_E = 176: e("renameat", File, Origin::Syscall, 0, &[]);
    RENAMEAT_X = 177: e("renameat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("olddirfd", Fd, Decimal), below("oldpath", RelativePath, 1),
        p("newdirfd", Fd, Decimal), below("newpath", RelativePath, 3),
    ]);
    SYMLINK_E = 178: e("symlink", File, Origin::Syscall, 0, &[]);
    SYMLINK_X = 179: e("symlink", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("target", Text, Plain), p("linkpath", Path, Plain),
    ]);
    SYMLINKAT_E = 180: e("symlinkat", File, Origin::Syscall, 0, &[]);
    SYMLINKAT_X = 181: e("symlinkat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("target", Text, Plain), p("linkdirfd", Fd, Decimal),
        below("linkpath", RelativePath, 2),
    ]);
    FORK_E = 182: e("fork", Process, Origin::Syscall, STATE | OLD, &[]);
    FORK_X = 183: e("fork", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), names("flags", Flags32, Hex, CLONE_FLAGS),
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    VFORK_E = 184: e("vfork", Process, Origin::Syscall, STATE | OLD, &[]);
    VFORK_X = 185: e("vfork", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), names("flags", Flags32, Hex, CLONE_FLAGS),
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    PROCEXIT_1_E = 186: e("procexit", Process, Origin::Tracepoint, STATE, &[
        p("status", Errno, Decimal), p("ret", Errno, Decimal), p("sig", SignalNumber, Decimal),
        p("core", Uint8, Decimal), p("reaper_tid", Pid, Decimal),
    ]);
    PROCEXIT_1_X = 187: e("NA", Unknown, Origin::None, UNUSED, &[]);
    SENDFILE_E = 188: e("sendfile", IoWrite, Origin::Syscall, USES_FD, &[
        p("out_fd", Fd, Decimal), p("in_fd", Fd, Decimal), p("offset", Uint64, Decimal), p("size", Uint64, Decimal),
    ]);
    SENDFILE_X = 189: e("sendfile", IoWrite, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("offset", Uint64, Decimal), p("out_fd", Fd, Decimal), p("in_fd", Fd, Decimal),
        p("size", Uint64, Decimal),
    ]);
    QUOTACTL_E = 190: e("quotactl", User, Origin::Syscall, 0, &[
        names("cmd", Flags16, Decimal, QUOTACTL_CMDS), names("type", Flags8, Decimal, QUOTACTL_TYPES),
        p("id", Uint32, Decimal), names("quota_fmt", Flags8, Decimal, QUOTACTL_QUOTA_FMTS),
    ]);
    QUOTACTL_X = 191: e("quotactl", User, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("special", Text, Plain), p("quotafilepath", Text, Plain),
        p("dqb_bhardlimit", Uint64, Decimal), p("dqb_bsoftlimit", Uint64, Decimal),
        p("dqb_curspace", Uint64, Decimal), p("dqb_ihardlimit", Uint64, Decimal),
        p("dqb_isoftlimit", Uint64, Decimal), p("dqb_btime", RelativeTime, Decimal),
        p("dqb_itime", RelativeTime, Decimal), p("dqi_bgrace", RelativeTime, Decimal),
        p("dqi_igrace", RelativeTime, Decimal), names("dqi_flags", Flags8, Decimal, QUOTACTL_DQI_FLAGS),
        names("quota_fmt_out", Flags8, Decimal, QUOTACTL_QUOTA_FMTS), names("cmd", Flags16, Decimal, QUOTACTL_CMDS),
        names("type", Flags8, Decimal, QUOTACTL_TYPES), p("id", Uint32, Decimal),
        names("quota_fmt", Flags8, Decimal, QUOTACTL_QUOTA_FMTS),
    ]);
    SETRESUID_E = 192: e("setresuid", User, Origin::Syscall, STATE, &[
        p("ruid", Uid, Decimal), p("euid", Uid, Decimal), p("suid", Uid, Decimal),
    ]);
    SETRESUID_X = 193: e("setresuid", User, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("ruid", Uid, Decimal), p("euid", Uid, Decimal), p("suid", Uid, Decimal),
    ]);
    SETRESGID_E = 194: e("setresgid", User, Origin::Syscall, STATE, &[
        p("rgid", Gid, Decimal), p("egid", Gid, Decimal), p("sgid", Gid, Decimal),
    ]);
    SETRESGID_X = 195: e("setresgid", User, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("rgid", Gid, Decimal), p("egid", Gid, Decimal), p("sgid", Gid, Decimal),
    ]);
    SCAPEVENT_E = 196: e("scapevent", Internal, Origin::Meta, 0, &[
        p("event_type", Uint32, Decimal), p("event_data", Uint64, Decimal),
    ]);
    SCAPEVENT_X = 197: e("scapevent", Internal, Origin::Meta, UNUSED, &[]);
    SETUID_E = 198: e("setuid", User, Origin::Syscall, STATE, &[p("uid", Uid, Decimal)]);
    SETUID_X = 199: e("setuid", User, Origin::Syscall, STATE, &[p("res", Errno, Decimal), p("uid", Uid, Decimal)]);
    SETGID_E = 200: e("setgid", User, Origin::Syscall, STATE, &[p("gid", Gid, Decimal)]);
    SETGID_X = 201: e("setgid", User, Origin::Syscall, STATE, &[p("res", Errno, Decimal), p("gid", Gid, Decimal)]);
    GETUID_E = 202: e("getuid", User, Origin::Syscall, 0, &[]);
    GETUID_X = 203: e("getuid", User, Origin::Syscall, 0, &[p("uid", Uid, Decimal)]);
    GETEUID_E = 204: e("geteuid", User, Origin::Syscall, 0, &[]);
    GETEUID_X = 205: e("geteuid", User, Origin::Syscall, 0, &[p("euid", Uid, Decimal)]);
    GETGID_E = 206: e("getgid", User, Origin::Syscall, 0, &[]);
    GETGID_X = 207: e("getgid", User, Origin::Syscall, 0, &[p("gid", Gid, Decimal)]);
    GETEGID_E = 208: e("getegid", User, Origin::Syscall, 0, &[]);
    GETEGID_X = 209: e("getegid", User, Origin::Syscall, 0, &[p("egid", Gid, Decimal)]);
    GETRESUID_E = 210: e("getresuid", User, Origin::Syscall, 0, &[]);
    GETRESUID_X = 211: e("getresuid", User, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("ruid", Uid, Decimal), p("euid", Uid, Decimal), p("suid", Uid, Decimal),
    ]);
}
