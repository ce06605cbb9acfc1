//! Event types from 212 on. New ones come at the end.

use super::super::Category::{
    File, Internal, IoOther, Ipc, Memory, Net, Other, Process, Signal, System, Unknown, User, Wait,
};
use super::super::Format::{Decimal, Hex, Octal, Plain};
use super::super::ParamKind::{
    AbsoluteTime, Bytes, Dynamic, Enum16, Enum32, Errno, Fd, FdList, Flags16, Flags32, Gid, Int16, Int32, Int64, Mode,
    PairList, Path, Pid, RelativePath, RelativeTime, SignalNumber, SignalSet, SocketTuple, Text, TextList, Uid, Uint8,
    Uint16, Uint32, Uint64,
};
use super::super::flags::{
    ACCESS_FLAGS, BPF_COMMANDS, CHMOD_MODE, CLONE_FLAGS, DELETE_MODULE_FLAGS, EPOLL_CREATE1_FLAGS, EXECVE_FLAGS,
    EXECVEAT_FLAGS, FCHOWNAT_FLAGS, FILE_FLAGS, FINIT_MODULE_FLAGS, FLOCK_FLAGS, FSCONFIG_CMDS, IO_URING_ENTER_FLAGS,
    IO_URING_REGISTER_OPCODES, IO_URING_SETUP_FEATS, IO_URING_SETUP_FLAGS, LINKAT_FLAGS, MEMFD_CREATE_FLAGS,
    MKNOD_MODE, MLOCK2_FLAGS, MLOCKALL_FLAGS, MOUNT_FLAGS, NEWFSTATAT_FLAGS, OPENAT2_FLAGS, PF_FLAGS, PIDFD_OPEN_FLAGS,
    PRCTL_OPTIONS, PROT_FLAGS, RENAMEAT2_FLAGS, SEMCTL_COMMANDS, SEMGET_FLAGS, SEMOP_FLAGS, UMOUNT_FLAGS,
    UNLINKAT_FLAGS,
};
use super::super::traits::{CREATES_FD, LARGE, OLD, READS, STATE, UNUSED, USES_FD, WAITS, WRITES};
use super::super::{EventCode, EventInfo, Origin};
use super::{below, e, names, p};

events! { SECOND
    GETRESGID_E = 212: e("getresgid", User, Origin::Syscall, 0, &[]);
    GETRESGID_X = 213: e("getresgid", User, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("rgid", Gid, Decimal), p("egid", Gid, Decimal), p("sgid", Gid, Decimal),
    ]);
    EXECVE_15_E = 214: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_15_X = 215: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain), p("env", Bytes, Plain),
    ]);
    CLONE_17_E = 216: e("clone", Process, Origin::Syscall, STATE | OLD, &[]);
    CLONE_17_X = 217: e("clone", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    FORK_17_E = 218: e("fork", Process, Origin::Syscall, STATE | OLD, &[]);
    FORK_17_X = 219: e("fork", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    VFORK_17_E = 220: e("vfork", Process, Origin::Syscall, STATE | OLD, &[]);
    VFORK_17_X = 221: e("vfork", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    CLONE_20_E = 222: e("clone", Process, Origin::Syscall, STATE, &[]);
    CLONE_20_X = 223: e("clone", Process, Origin::Syscall, STATE, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal),
        p("gid", Uint32, Decimal), p("vtid", Pid, Decimal), p("vpid", Pid, Decimal),
        p("pidns_init_start_ts", Uint64, Decimal),
    ]);
    FORK_20_E = 224: e("fork", Process, Origin::Syscall, STATE, &[]);
    FORK_20_X = 225: e("fork", Process, Origin::Syscall, STATE, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal),
        p("gid", Uint32, Decimal), p("vtid", Pid, Decimal), p("vpid", Pid, Decimal),
        p("pidns_init_start_ts", Uint64, Decimal),
    ]);
    VFORK_20_E = 226: e("vfork", Process, Origin::Syscall, STATE, &[]);
    VFORK_20_X = 227: e("vfork", Process, Origin::Syscall, STATE, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal),
        p("gid", Uint32, Decimal), p("vtid", Pid, Decimal), p("vpid", Pid, Decimal),
        p("pidns_init_start_ts", Uint64, Decimal),
    ]);
    CONTAINER_E = 228: e("container", Internal, Origin::Meta, STATE | OLD, &[
        p("id", Text, Plain), p("type", Uint32, Decimal), p("name", Text, Plain), p("image", Text, Plain),
    ]);
    CONTAINER_X = 229: e("NA", Unknown, Origin::None, UNUSED | OLD, &[]);
    EXECVE_16_E = 230: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_16_X = 231: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), p("env", Bytes, Plain),
    ]);
    SIGNALDELIVER_E = 232: e("signaldeliver", Signal, Origin::Tracepoint, 0, &[
        p("spid", Pid, Decimal), p("dpid", Pid, Decimal), p("sig", SignalNumber, Decimal),
    ]);
    SIGNALDELIVER_X = 233: e("NA", Unknown, Origin::None, UNUSED, &[]);
    PROCINFO_E = 234: e("procinfo", Internal, Origin::Meta, 0, &[p("cpu_usr", Uint64, Decimal), p("cpu_sys", Uint64, Decimal)]);
    PROCINFO_X = 235: e("NA", Unknown, Origin::None, UNUSED, &[]);
    GETDENTS_E = 236: e("getdents", File, Origin::Syscall, USES_FD, &[p("fd", Fd, Plain)]);
    GETDENTS_X = 237: e("getdents", File, Origin::Syscall, USES_FD, &[p("res", Errno, Decimal), p("fd", Fd, Plain)]);
    GETDENTS64_E = 238: e("getdents64", File, Origin::Syscall, USES_FD, &[p("fd", Fd, Plain)]);
    GETDENTS64_X = 239: e("getdents64", File, Origin::Syscall, USES_FD, &[p("res", Errno, Decimal), p("fd", Fd, Plain)]);
    SETNS_E = 240: e("setns", Process, Origin::Syscall, USES_FD, &[
        p("fd", Fd, Plain), names("nstype", Flags32, Hex, CLONE_FLAGS),
    ]);
    SETNS_X = 241: e("setns", Process, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Plain), names("nstype", Flags32, Hex, CLONE_FLAGS),
    ]);
    FLOCK_E = 242: e("flock", File, Origin::Syscall, USES_FD, &[
        p("fd", Fd, Plain), names("operation", Flags32, Hex, FLOCK_FLAGS),
    ]);
    FLOCK_X = 243: e("flock", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Plain), names("operation", Flags32, Hex, FLOCK_FLAGS),
    ]);
    CPU_HOTPLUG_E = 244: e("cpu_hotplug", System, Origin::Meta, STATE, &[
        p("cpu", Uint32, Decimal), p("action", Uint32, Decimal),
    ]);
    CPU_HOTPLUG_X = 245: e("NA", Unknown, Origin::None, UNUSED, &[]);
    ACCEPT_5_E = 246: e("accept", Net, Origin::Syscall, CREATES_FD | STATE, &[]);
    ACCEPT_5_X = 247: e("accept", Net, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("tuple", SocketTuple, Plain), p("queuepct", Uint8, Decimal),
        p("queuelen", Uint32, Decimal), p("queuemax", Uint32, Decimal),
    ]);
    ACCEPT4_5_E = 248: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[p("flags", Int32, Hex)]);
    ACCEPT4_5_X = 249: e("accept", Net, Origin::Syscall, CREATES_FD | STATE | OLD, &[
        p("fd", Fd, Decimal), p("tuple", SocketTuple, Plain), p("queuepct", Uint8, Decimal),
        p("queuelen", Uint32, Decimal), p("queuemax", Uint32, Decimal),
    ]);
    SEMOP_E = 250: e("semop", Process, Origin::Syscall, 0, &[p("semid", Int32, Decimal)]);
    SEMOP_X = 251: e("semop", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("nsops", Uint32, Decimal), p("sem_num_0", Uint16, Decimal),
        p("sem_op_0", Int16, Decimal), names("sem_flg_0", Flags16, Hex, SEMOP_FLAGS),
        p("sem_num_1", Uint16, Decimal), p("sem_op_1", Int16, Decimal),
        names("sem_flg_1", Flags16, Hex, SEMOP_FLAGS), p("semid", Int32, Decimal),
    ]);
    SEMCTL_E = 252: e("semctl", Process, Origin::Syscall, 0, &[
        p("semid", Int32, Decimal), p("semnum", Int32, Decimal), names("cmd", Flags16, Hex, SEMCTL_COMMANDS),
        p("val", Int32, Decimal),
    ]);
    SEMCTL_X = 253: e("semctl", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("semid", Int32, Decimal), p("semnum", Int32, Decimal),
        names("cmd", Flags16, Hex, SEMCTL_COMMANDS), p("val", Int32, Decimal),
    ]);
    PPOLL_E = 254: e("ppoll", Wait, Origin::Syscall, WAITS, &[
        p("fds", FdList, Decimal), p("timeout", RelativeTime, Decimal), p("sigmask", SignalSet, Decimal),
    ]);
    PPOLL_X = 255: e("ppoll", Wait, Origin::Syscall, WAITS, &[
        p("res", Errno, Decimal), p("fds", FdList, Decimal), p("timeout", RelativeTime, Decimal),
        p("sigmask", SignalSet, Decimal),
    ]);
    MOUNT_E = 256: e("mount", File, Origin::Syscall, STATE, &[names("flags", Flags32, Hex, MOUNT_FLAGS)]);
    MOUNT_X = 257: e("mount", File, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("dev", Text, Plain), p("dir", Path, Plain), p("type", Text, Plain),
        names("flags", Flags32, Hex, MOUNT_FLAGS),
    ]);
    UMOUNT_E = 258: e("umount", File, Origin::Syscall, STATE | OLD, &[names("flags", Flags32, Hex, UMOUNT_FLAGS)]);
    UMOUNT_X = 259: e("umount", File, Origin::Syscall, STATE | OLD, &[p("res", Errno, Decimal), p("name", Path, Plain)]);
    K8S_E = 260: e("k8s", Internal, Origin::Meta, STATE, &[p("json", Text, Plain)]);
    K8S_X = 261: e("NA", Unknown, Origin::None, UNUSED, &[]);
    SEMGET_E = 262: e("semget", Process, Origin::Syscall, 0, &[
        p("key", Int32, Hex), p("nsems", Int32, Decimal), names("semflg", Flags32, Hex, SEMGET_FLAGS),
    ]);
    SEMGET_X = 263: e("semget", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("key", Int32, Hex), p("nsems", Int32, Decimal),
        names("semflg", Flags32, Hex, SEMGET_FLAGS),
    ]);
    ACCESS_E = 264: e("access", File, Origin::Syscall, 0, &[names("mode", Flags32, Hex, ACCESS_FLAGS)]);
    ACCESS_X = 265: e("access", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("name", Path, Plain), names("mode", Flags32, Hex, ACCESS_FLAGS),
    ]);
    CHROOT_E = 266: e("chroot", Process, Origin::Syscall, STATE, &[]);
    CHROOT_X = 267: e("chroot", Process, Origin::Syscall, STATE, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    TRACER_E = 268: e("tracer", Other, Origin::Meta, 0, &[
        p("id", Int64, Decimal), p("tags", TextList, Plain), p("args", PairList, Plain),
    ]);
    TRACER_X = 269: e("tracer", Other, Origin::Meta, 0, &[
        p("id", Int64, Decimal), p("tags", TextList, Plain), p("args", PairList, Plain),
    ]);
    MESOS_E = 270: e("mesos", Internal, Origin::Meta, STATE, &[p("json", Text, Plain)]);
    MESOS_X = 271: e("NA", Unknown, Origin::None, UNUSED, &[]);
    CONTAINER_JSON_E = 272: e("container", Process, Origin::Meta, STATE | OLD, &[p("json", Text, Plain)]);
    CONTAINER_JSON_X = 273: e("NA", Unknown, Origin::None, UNUSED | OLD, &[]);
    SETSID_E = 274: e("setsid", Process, Origin::Syscall, STATE, &[]);
    SETSID_X = 275: e("setsid", Process, Origin::Syscall, STATE, &[p("res", Pid, Decimal)]);
    MKDIR_2_E = 276: e("mkdir", File, Origin::Syscall, 0, &[p("mode", Uint32, Hex)]);
    MKDIR_2_X = 277: e("mkdir", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("path", Path, Plain), p("mode", Uint32, Hex),
    ]);
    RMDIR_2_E = 278: e("rmdir", File, Origin::Syscall, 0, &[]);
    RMDIR_2_X = 279: e("rmdir", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    NOTIFICATION_E = 280: e("notification", Other, Origin::Meta, 0, &[p("id", Text, Decimal), p("desc", Text, Plain)]);
    NOTIFICATION_X = 281: e("NA", Unknown, Origin::None, UNUSED, &[]);
    EXECVE_17_E = 282: e("execve", Process, Origin::Syscall, STATE | OLD, &[]);
    EXECVE_17_X = 283: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), p("env", Bytes, Plain), p("tty", Int32, Decimal),
    ]);
    UNSHARE_E = 284: e("unshare", Process, Origin::Syscall, 0, &[names("flags", Flags32, Hex, CLONE_FLAGS)]);
    UNSHARE_X = 285: e("unshare", Process, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), names("flags", Flags32, Hex, CLONE_FLAGS),
    ]);
    INFRASTRUCTURE_EVENT_E = 286: e("infra", Internal, Origin::Meta, 0, &[
        p("source", Text, Decimal), p("name", Text, Plain), p("description", Text, Plain), p("scope", Text, Plain),
    ]);
    INFRASTRUCTURE_EVENT_X = 287: e("NA", Unknown, Origin::None, UNUSED, &[]);
    EXECVE_18_E = 288: e("execve", Process, Origin::Syscall, STATE | OLD, &[p("filename", Path, Plain)]);
    EXECVE_18_X = 289: e("execve", Process, Origin::Syscall, STATE | OLD, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), p("env", Bytes, Plain), p("tty", Int32, Decimal),
    ]);
    PAGE_FAULT_E = 290: e("page_fault", Other, Origin::Tracepoint, 0, &[
        p("addr", Uint64, Hex), p("ip", Uint64, Hex), names("error", Flags32, Hex, PF_FLAGS),
    ]);
    PAGE_FAULT_X = 291: e("NA", Unknown, Origin::None, UNUSED, &[]);
    EXECVE_19_E = 292: e("execve", Process, Origin::Syscall, STATE, &[p("filename", Path, Plain)]);
    EXECVE_19_X = 293: e("execve", Process, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), p("env", Bytes, Plain), p("tty", Uint32, Decimal), p("vpgid", Pid, Decimal),
        p("loginuid", Uid, Decimal), names("flags", Flags32, Hex, EXECVE_FLAGS), p("cap_inheritable", Uint64, Hex),
        p("cap_permitted", Uint64, Hex), p("cap_effective", Uint64, Hex), p("exe_ino", Uint64, Decimal),
        p("exe_ino_ctime", AbsoluteTime, Decimal), p("exe_ino_mtime", AbsoluteTime, Decimal), p("uid", Uid, Decimal),
        p("trusted_exepath", Path, Plain), p("pgid", Pid, Plain), p("gid", Gid, Decimal), p("filename", Path, Plain),
    ]);
    SETPGID_E = 294: e("setpgid", Process, Origin::Syscall, STATE, &[p("pid", Pid, Decimal), p("pgid", Pid, Decimal)]);
    SETPGID_X = 295: e("setpgid", Process, Origin::Syscall, STATE, &[
        p("res", Pid, Decimal), p("pid", Pid, Decimal), p("pgid", Pid, Decimal),
    ]);
    BPF_E = 296: e("bpf", Other, Origin::Syscall, CREATES_FD | OLD, &[p("cmd", Int64, Decimal)]);
    BPF_X = 297: e("bpf", Other, Origin::Syscall, CREATES_FD | OLD, &[p("res_or_fd", Dynamic, Decimal)]);
    SECCOMP_E = 298: e("seccomp", Other, Origin::Syscall, 0, &[p("op", Uint64, Decimal), p("flags", Uint64, Hex)]);
    SECCOMP_X = 299: e("seccomp", Other, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("op", Uint64, Decimal), p("flags", Uint64, Hex),
    ]);
    UNLINK_2_E = 300: e("unlink", File, Origin::Syscall, 0, &[]);
    UNLINK_2_X = 301: e("unlink", File, Origin::Syscall, 0, &[p("res", Errno, Decimal), p("path", Path, Plain)]);
    UNLINKAT_2_E = 302: e("unlinkat", File, Origin::Syscall, 0, &[]);
    UNLINKAT_2_X = 303: e("unlinkat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("name", RelativePath, 1),
        names("flags", Flags32, Hex, UNLINKAT_FLAGS),
    ]);
    MKDIRAT_E = 304: e("mkdirat", File, Origin::Syscall, 0, &[]);
    MKDIRAT_X = 305: e("mkdirat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("path", RelativePath, 1), p("mode", Uint32, Hex),
    ]);
    OPENAT_2_E = 306: e("openat", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("dirfd", Fd, Decimal), below("name", RelativePath, 0), names("flags", Flags32, Hex, FILE_FLAGS),
        p("mode", Uint32, Octal),
    ]);
    OPENAT_2_X = 307: e("openat", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("dirfd", Fd, Decimal), below("name", RelativePath, 1),
        names("flags", Flags32, Hex, FILE_FLAGS), p("mode", Uint32, Octal), p("dev", Uint32, Hex),
        p("ino", Uint64, Decimal), p("fullpath", Path, Plain),
    ]);
    LINK_2_E = 308: e("link", File, Origin::Syscall, 0, &[]);
    LINK_2_X = 309: e("link", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("oldpath", Path, Plain), p("newpath", Path, Plain),
    ]);
    LINKAT_2_E = 310: e("linkat", File, Origin::Syscall, 0, &[]);
    LINKAT_2_X = 311: e("linkat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("olddir", Fd, Decimal), below("oldpath", RelativePath, 1),
        p("newdir", Fd, Decimal), below("newpath", RelativePath, 3), names("flags", Flags32, Hex, LINKAT_FLAGS),
    ]);
    FCHMODAT_E = 312: e("fchmodat", File, Origin::Syscall, 0, &[]);
    FCHMODAT_X = 313: e("fchmodat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("filename", RelativePath, 1),
        names("mode", Mode, Octal, CHMOD_MODE),
    ]);
    CHMOD_E = 314: e("chmod", File, Origin::Syscall, 0, &[]);
    CHMOD_X = 315: e("chmod", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("filename", Path, Plain), names("mode", Mode, Octal, CHMOD_MODE),
    ]);
    FCHMOD_E = 316: e("fchmod", File, Origin::Syscall, 0, &[]);
    FCHMOD_X = 317: e("fchmod", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("mode", Mode, Octal, CHMOD_MODE),
    ]);
    RENAMEAT2_E = 318: e("renameat2", File, Origin::Syscall, 0, &[]);
    RENAMEAT2_X = 319: e("renameat2", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("olddirfd", Fd, Decimal), below("oldpath", RelativePath, 1),
        p("newdirfd", Fd, Decimal), below("newpath", RelativePath, 3), names("flags", Flags32, Hex, RENAMEAT2_FLAGS),
    ]);
    USERFAULTFD_E = 320: e("userfaultfd", File, Origin::Syscall, CREATES_FD | STATE, &[]);
    USERFAULTFD_X = 321: e("userfaultfd", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), names("flags", Flags32, Hex, FILE_FLAGS),
    ]);
    PLUGINEVENT_E = 322: e("pluginevent", Other, Origin::Plugin, LARGE, &[
        p("plugin_id", Uint32, Decimal), p("event_data", Bytes, Plain),
    ]);
    PLUGINEVENT_X = 323: e("NA", Unknown, Origin::None, UNUSED, &[]);
    CONTAINER_JSON_2_E = 324: e("container", Process, Origin::Meta, STATE | LARGE, &[p("json", Text, Plain)]);
    CONTAINER_JSON_2_X = 325: e("NA", Unknown, Origin::None, UNUSED, &[]);
    OPENAT2_E = 326: e("openat2", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("dirfd", Fd, Decimal), below("name", RelativePath, 0), names("flags", Flags32, Hex, FILE_FLAGS),
        p("mode", Uint32, Octal), names("resolve", Flags32, Hex, OPENAT2_FLAGS),
    ]);
    OPENAT2_X = 327: e("openat2", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("dirfd", Fd, Decimal), below("name", RelativePath, 1),
        names("flags", Flags32, Hex, FILE_FLAGS), p("mode", Uint32, Octal),
        names("resolve", Flags32, Hex, OPENAT2_FLAGS), p("dev", Uint32, Hex), p("ino", Uint64, Decimal),
        p("fullpath", Path, Plain),
    ]);
    MPROTECT_E = 328: e("mprotect", Memory, Origin::Syscall, 0, &[
        p("addr", Uint64, Hex), p("length", Uint64, Decimal), names("prot", Flags32, Hex, PROT_FLAGS),
    ]);
    MPROTECT_X = 329: e("mprotect", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Uint64, Hex), p("length", Uint64, Decimal),
        names("prot", Flags32, Hex, PROT_FLAGS),
    ]);
    EXECVEAT_E = 330: e("execveat", Process, Origin::Syscall, STATE, &[
        p("dirfd", Fd, Decimal), below("pathname", RelativePath, 0), names("flags", Flags32, Hex, EXECVEAT_FLAGS),
    ]);
    EXECVEAT_X = 331: e("execveat", Process, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Uint64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), p("env", Bytes, Plain), p("tty", Uint32, Decimal), p("vpgid", Pid, Decimal),
        p("loginuid", Uid, Decimal), names("flags", Flags32, Hex, EXECVE_FLAGS), p("cap_inheritable", Uint64, Hex),
        p("cap_permitted", Uint64, Hex), p("cap_effective", Uint64, Hex), p("exe_ino", Uint64, Decimal),
        p("exe_ino_ctime", AbsoluteTime, Decimal), p("exe_ino_mtime", AbsoluteTime, Decimal), p("uid", Uid, Decimal),
        p("trusted_exepath", Path, Plain), p("pgid", Pid, Plain), p("gid", Gid, Decimal),
    ]);
    COPY_FILE_RANGE_E = 332: e("copy_file_range", File, Origin::Syscall, USES_FD | READS | WRITES, &[
        p("fdin", Fd, Decimal), p("offin", Uint64, Decimal), p("len", Uint64, Decimal),
    ]);
    COPY_FILE_RANGE_X = 333: e("copy_file_range", File, Origin::Syscall, USES_FD | READS | WRITES, &[
        p("res", Errno, Decimal), p("fdout", Fd, Decimal), p("offout", Uint64, Decimal), p("fdin", Fd, Decimal),
        p("offin", Uint64, Decimal), p("len", Uint64, Decimal),
    ]);
    CLONE3_E = 334: e("clone3", Process, Origin::Syscall, STATE, &[]);
    CLONE3_X = 335: e("clone3", Process, Origin::Syscall, STATE, &[
        p("res", Pid, Decimal), p("exe", Text, Plain), p("args", Bytes, Plain), p("tid", Pid, Decimal),
        p("pid", Pid, Decimal), p("ptid", Pid, Decimal), p("cwd", Text, Plain), p("fdlimit", Int64, Decimal),
        p("pgft_maj", Uint64, Decimal), p("pgft_min", Uint64, Decimal), p("vm_size", Uint32, Decimal),
        p("vm_rss", Uint32, Decimal), p("vm_swap", Uint32, Decimal), p("comm", Text, Plain),
        p("cgroups", Bytes, Plain), names("flags", Flags32, Hex, CLONE_FLAGS), p("uid", Uint32, Decimal),
        p("gid", Uint32, Decimal), p("vtid", Pid, Decimal), p("vpid", Pid, Decimal),
        p("pidns_init_start_ts", Uint64, Decimal),
    ]);
    OPEN_BY_HANDLE_AT_E = 336: e("open_by_handle_at", File, Origin::Syscall, CREATES_FD | STATE, &[]);
    OPEN_BY_HANDLE_AT_X = 337: e("open_by_handle_at", File, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("mountfd", Fd, Decimal), names("flags", Flags32, Hex, FILE_FLAGS),
        p("path", Path, Plain), p("dev", Uint32, Hex), p("ino", Uint64, Decimal),
    ]);
    IO_URING_SETUP_E = 338: e("io_uring_setup", IoOther, Origin::Syscall, CREATES_FD | STATE, &[]);
    IO_URING_SETUP_X = 339: e("io_uring_setup", IoOther, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), p("entries", Uint32, Decimal), p("sq_entries", Uint32, Decimal),
        p("cq_entries", Uint32, Decimal), names("flags", Flags32, Hex, IO_URING_SETUP_FLAGS),
        p("sq_thread_cpu", Uint32, Decimal), p("sq_thread_idle", Uint32, Decimal),
        names("features", Flags32, Hex, IO_URING_SETUP_FEATS),
    ]);
    IO_URING_ENTER_E = 340: e("io_uring_enter", IoOther, Origin::Syscall, 0, &[]);
    IO_URING_ENTER_X = 341: e("io_uring_enter", IoOther, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("to_submit", Uint32, Decimal),
        p("min_complete", Uint32, Decimal), names("flags", Flags32, Hex, IO_URING_ENTER_FLAGS),
        p("sig", SignalSet, Decimal),
    ]);
    IO_URING_REGISTER_E = 342: e("io_uring_register", IoOther, Origin::Syscall, 0, &[]);
    IO_URING_REGISTER_X = 343: e("io_uring_register", IoOther, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("opcode", Enum16, Decimal, IO_URING_REGISTER_OPCODES),
        p("arg", Uint64, Hex), p("nr_args", Uint32, Decimal),
    ]);
    MLOCK_E = 344: e("mlock", Memory, Origin::Syscall, 0, &[]);
    MLOCK_X = 345: e("mlock", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Uint64, Hex), p("len", Uint64, Decimal),
    ]);
    MUNLOCK_E = 346: e("munlock", Memory, Origin::Syscall, 0, &[]);
    MUNLOCK_X = 347: e("munlock", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Uint64, Hex), p("len", Uint64, Decimal),
    ]);
    MLOCKALL_E = 348: e("mlockall", Memory, Origin::Syscall, 0, &[]);
    MLOCKALL_X = 349: e("mlockall", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), names("flags", Flags32, Hex, MLOCKALL_FLAGS),
    ]);
    MUNLOCKALL_E = 350: e("munlockall", Memory, Origin::Syscall, 0, &[]);
    MUNLOCKALL_X = 351: e("munlockall", Memory, Origin::Syscall, 0, &[p("res", Errno, Decimal)]);
    CAPSET_E = 352: e("capset", Process, Origin::Syscall, STATE, &[]);
    CAPSET_X = 353: e("capset", Process, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("cap_inheritable", Uint64, Hex), p("cap_permitted", Uint64, Hex),
        p("cap_effective", Uint64, Hex),
    ]);
    USER_ADDED_E = 354: e("useradded", Process, Origin::Meta, STATE, &[
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal), p("name", Text, Plain), p("home", Text, Plain),
        p("shell", Text, Plain), p("container_id", Text, Plain),
    ]);
    USER_ADDED_X = 355: e("NA", Unknown, Origin::None, UNUSED, &[]);
    USER_DELETED_E = 356: e("userdeleted", Process, Origin::Meta, STATE, &[
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal), p("name", Text, Plain), p("home", Text, Plain),
        p("shell", Text, Plain), p("container_id", Text, Plain),
    ]);
    USER_DELETED_X = 357: e("NA", Unknown, Origin::None, UNUSED, &[]);
    GROUP_ADDED_E = 358: e("groupadded", Process, Origin::Meta, STATE, &[
        p("gid", Uint32, Decimal), p("name", Text, Plain), p("container_id", Text, Plain),
    ]);
    GROUP_ADDED_X = 359: e("NA", Unknown, Origin::None, UNUSED, &[]);
    GROUP_DELETED_E = 360: e("groupdeleted", Process, Origin::Meta, STATE, &[
        p("gid", Uint32, Decimal), p("name", Text, Plain), p("container_id", Text, Plain),
    ]);
    GROUP_DELETED_X = 361: e("NA", Unknown, Origin::None, UNUSED, &[]);
    DUP2_E = 362: e("dup2", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[p("fd", Fd, Decimal)]);
    DUP2_X = 363: e("dup2", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[
        p("res", Fd, Decimal), p("oldfd", Fd, Decimal), p("newfd", Fd, Decimal),
    ]);
    DUP3_E = 364: e("dup3", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[p("fd", Fd, Decimal)]);
    DUP3_X = 365: e("dup3", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[
        p("res", Fd, Decimal), p("oldfd", Fd, Decimal), p("newfd", Fd, Decimal),
        names("flags", Flags32, Hex, FILE_FLAGS),
    ]);
    DUP_1_E = 366: e("dup", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[p("fd", Fd, Decimal)]);
    DUP_1_X = 367: e("dup", IoOther, Origin::Syscall, CREATES_FD | USES_FD | STATE, &[
        p("res", Fd, Decimal), p("oldfd", Fd, Decimal),
    ]);
    BPF_2_E = 368: e("bpf", Other, Origin::Syscall, CREATES_FD, &[p("cmd", Int64, Decimal)]);
    BPF_2_X = 369: e("bpf", Other, Origin::Syscall, CREATES_FD, &[
        p("fd", Fd, Decimal), names("cmd", Enum32, Decimal, BPF_COMMANDS),
    ]);
    MLOCK2_E = 370: e("mlock2", Memory, Origin::Syscall, 0, &[]);
    MLOCK2_X = 371: e("mlock2", Memory, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("addr", Uint64, Hex), p("len", Uint64, Decimal),
        names("flags", Flags32, Hex, MLOCK2_FLAGS),
    ]);
    FSCONFIG_E = 372: e("fsconfig", System, Origin::Syscall, 0, &[]);
    FSCONFIG_X = 373: e("fsconfig", System, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), names("cmd", Enum32, Decimal, FSCONFIG_CMDS),
        p("key", Text, Plain), p("value_bytebuf", Bytes, Plain), p("value_charbuf", Text, Plain),
        p("aux", Int32, Decimal),
    ]);
    EPOLL_CREATE_E = 374: e("epoll_create", Wait, Origin::Syscall, CREATES_FD | STATE, &[p("size", Int32, Decimal)]);
    EPOLL_CREATE_X = 375: e("epoll_create", Wait, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), p("size", Int32, Decimal),
    ]);
    EPOLL_CREATE1_E = 376: e("epoll_create1", Wait, Origin::Syscall, CREATES_FD | STATE, &[
        names("flags", Flags32, Hex, EPOLL_CREATE1_FLAGS),
    ]);
    EPOLL_CREATE1_X = 377: e("epoll_create1", Wait, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), names("flags", Flags32, Hex, EPOLL_CREATE1_FLAGS),
    ]);
    CHOWN_E = 378: e("chown", File, Origin::Syscall, 0, &[]);
    CHOWN_X = 379: e("chown", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("path", Path, Plain), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    LCHOWN_E = 380: e("lchown", File, Origin::Syscall, 0, &[]);
    LCHOWN_X = 381: e("lchown", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("path", Path, Plain), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    FCHOWN_E = 382: e("fchown", File, Origin::Syscall, 0, &[]);
    FCHOWN_X = 383: e("fchown", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("uid", Uint32, Decimal), p("gid", Uint32, Decimal),
    ]);
    FCHOWNAT_E = 384: e("fchownat", File, Origin::Syscall, 0, &[]);
    FCHOWNAT_X = 385: e("fchownat", File, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("pathname", RelativePath, 1),
        p("uid", Uint32, Decimal), p("gid", Uint32, Decimal), names("flags", Flags32, Hex, FCHOWNAT_FLAGS),
    ]);
    UMOUNT_1_E = 386: e("umount", File, Origin::Syscall, STATE, &[]);
    UMOUNT_1_X = 387: e("umount", File, Origin::Syscall, STATE, &[p("res", Errno, Decimal), p("name", Path, Plain)]);
    ACCEPT4_6_E = 388: e("accept4", Net, Origin::Syscall, CREATES_FD | STATE, &[p("flags", Int32, Hex)]);
    ACCEPT4_6_X = 389: e("accept4", Net, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("tuple", SocketTuple, Plain), p("queuepct", Uint8, Decimal),
        p("queuelen", Uint32, Decimal), p("queuemax", Uint32, Decimal), p("flags", Int32, Hex),
    ]);
    UMOUNT2_E = 390: e("umount2", File, Origin::Syscall, STATE, &[names("flags", Flags32, Hex, UMOUNT_FLAGS)]);
    UMOUNT2_X = 391: e("umount2", File, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("name", Path, Plain), names("flags", Flags32, Hex, UMOUNT_FLAGS),
    ]);
    PIPE2_E = 392: e("pipe2", Ipc, Origin::Syscall, CREATES_FD | STATE, &[]);
    PIPE2_X = 393: e("pipe2", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Errno, Decimal), p("fd1", Fd, Decimal), p("fd2", Fd, Decimal), p("ino", Uint64, Decimal),
        names("flags", Flags32, Hex, FILE_FLAGS),
    ]);
    INOTIFY_INIT1_E = 394: e("inotify_init1", Ipc, Origin::Syscall, CREATES_FD | STATE, &[]);
    INOTIFY_INIT1_X = 395: e("inotify_init1", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), names("flags", Flags16, Hex, FILE_FLAGS),
    ]);
    EVENTFD2_E = 396: e("eventfd2", Ipc, Origin::Syscall, CREATES_FD | STATE, &[p("initval", Uint64, Decimal)]);
    EVENTFD2_X = 397: e("eventfd2", Ipc, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), names("flags", Flags16, Hex, FILE_FLAGS), p("initval", Uint64, Decimal),
    ]);
    SIGNALFD4_E = 398: e("signalfd4", Signal, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("mask", Uint32, Hex),
    ]);
    SIGNALFD4_X = 399: e("signalfd4", Signal, Origin::Syscall, CREATES_FD | STATE, &[
        p("res", Fd, Decimal), names("flags", Flags16, Hex, FILE_FLAGS), p("fd", Fd, Decimal),
        p("mask", Uint32, Hex),
    ]);
    PRCTL_E = 400: e("prctl", Process, Origin::Syscall, STATE, &[]);
    PRCTL_X = 401: e("prctl", Process, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), names("option", Enum32, Decimal, PRCTL_OPTIONS), p("arg2_str", Text, Plain),
        p("arg2_int", Int64, Decimal),
    ]);
    ASYNCEVENT_E = 402: e("asyncevent", Other, Origin::Meta, LARGE, &[
        p("plugin_id", Uint32, Decimal), p("name", Text, Plain), p("data", Bytes, Plain),
    ]);
    ASYNCEVENT_X = 403: e("NA", Unknown, Origin::None, UNUSED, &[]);
    MEMFD_CREATE_E = 404: e("memfd_create", Memory, Origin::Syscall, CREATES_FD | STATE, &[]);
    MEMFD_CREATE_X = 405: e("memfd_create", Memory, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("name", Text, Plain), names("flags", Flags32, Hex, MEMFD_CREATE_FLAGS),
    ]);
    PIDFD_GETFD_E = 406: e("pidfd_getfd", Process, Origin::Syscall, CREATES_FD | STATE, &[]);
    PIDFD_GETFD_X = 407: e("pidfd_getfd", Process, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("pid_fd", Fd, Decimal), p("target_fd", Fd, Decimal), p("flags", Uint32, Hex),
    ]);
    PIDFD_OPEN_E = 408: e("pidfd_open", Process, Origin::Syscall, CREATES_FD | STATE, &[]);
    PIDFD_OPEN_X = 409: e("pidfd_open", Process, Origin::Syscall, CREATES_FD | STATE, &[
        p("fd", Fd, Decimal), p("pid", Pid, Decimal), names("flags", Flags32, Hex, PIDFD_OPEN_FLAGS),
    ]);
    INIT_MODULE_E = 410: e("init_module", Other, Origin::Syscall, 0, &[]);
    INIT_MODULE_X = 411: e("init_module", Other, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("img", Bytes, Plain), p("length", Uint64, Decimal), p("uargs", Text, Plain),
    ]);
    FINIT_MODULE_E = 412: e("finit_module", Other, Origin::Syscall, 0, &[]);
    FINIT_MODULE_X = 413: e("finit_module", Other, Origin::Syscall, USES_FD | READS, &[
        p("res", Errno, Decimal), p("fd", Fd, Decimal), p("uargs", Text, Plain),
        names("flags", Flags32, Hex, FINIT_MODULE_FLAGS),
    ]);
    MKNOD_E = 414: e("mknod", Other, Origin::Syscall, 0, &[]);
    MKNOD_X = 415: e("mknod", Other, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("path", Path, Plain), names("mode", Mode, Octal, MKNOD_MODE),
        p("dev", Uint32, Decimal),
    ]);
    MKNODAT_E = 416: e("mknodat", Other, Origin::Syscall, 0, &[]);
    MKNODAT_X = 417: e("mknodat", Other, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("path", RelativePath, 1),
        names("mode", Mode, Octal, MKNOD_MODE), p("dev", Uint32, Decimal),
    ]);
    NEWFSTATAT_E = 418: e("newfstatat", File, Origin::Syscall, 0, &[]);
    NEWFSTATAT_X = 419: e("newfstatat", File, Origin::Syscall, USES_FD, &[
        p("res", Errno, Decimal), p("dirfd", Fd, Decimal), below("path", RelativePath, 1),
        names("flags", Flags32, Hex, NEWFSTATAT_FLAGS),
    ]);
    PROCESS_VM_READV_E = 420: e("process_vm_readv", Ipc, Origin::Syscall, 0, &[]);
    PROCESS_VM_READV_X = 421: e("process_vm_readv", Ipc, Origin::Syscall, 0, &[
        p("res", Int64, Decimal), p("pid", Pid, Decimal), p("data", Bytes, Plain),
    ]);
    PROCESS_VM_WRITEV_E = 422: e("process_vm_writev", Ipc, Origin::Syscall, 0, &[]);
    PROCESS_VM_WRITEV_X = 423: e("process_vm_writev", Ipc, Origin::Syscall, 0, &[
        p("res", Int64, Decimal), p("pid", Pid, Decimal), p("data", Bytes, Plain),
    ]);
    DELETE_MODULE_E = 424: e("delete_module", Other, Origin::Syscall, 0, &[]);
    DELETE_MODULE_X = 425: e("delete_module", Other, Origin::Syscall, 0, &[
        p("res", Errno, Decimal), p("name", Text, Plain), names("flags", Flags32, Hex, DELETE_MODULE_FLAGS),
    ]);
    SETREUID_E = 426: e("setreuid", User, Origin::Syscall, STATE, &[]);
    SETREUID_X = 427: e("setreuid", User, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("ruid", Uid, Decimal), p("euid", Uid, Decimal),
    ]);
    SETREGID_E = 428: e("setregid", User, Origin::Syscall, 0, &[]);
    SETREGID_X = 429: e("setregid", User, Origin::Syscall, STATE, &[
        p("res", Errno, Decimal), p("rgid", Uid, Decimal), p("egid", Uid, Decimal),
    ]);
}
