/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the programs and the process that loads them tell each other: records in the rings, plans and settings in maps.
 *
 * src/layout.rs mirrors every struct; a test compares the two by the types in the compiled object. All numbers are of the
 * machine's byte order, all structs without holes.
 */
#ifndef SEKISHO_RECORD_H
#define SEKISHO_RECORD_H

/* System calls have numbers below this. */
#define SK_CALLS 512
/* Kinds of records beside system calls, counted behind these. */
#define SK_KIND_EXEC (SK_CALLS + 0)
#define SK_KIND_FORK (SK_CALLS + 1)
#define SK_KIND_EXIT (SK_CALLS + 2)
#define SK_KIND_CGROUP (SK_CALLS + 3)
#define SK_KINDS (SK_CALLS + 4)

/* sk_header.flags */
#define SK_I386 1          /* called with the numbers and widths of i386 */
#define SK_X32 2           /* called with the numbers of x32 */
#define SK_UNREADABLE 4    /* something that was asked for could not be read */
#define SK_OVERFULL 8      /* something that was asked for had no room */

/* Every record: this, the struct of its kind, then blobs. */
struct sk_header {
	__u32 len;     /* bytes of the whole record */
	__u16 kind;    /* number of a system call of x86_64, or SK_KIND_* */
	__u16 flags;
	__u64 time;    /* nanoseconds since boot */
	__u64 cgroup;  /* id of the cgroup, in the hierarchy of sk_settings */
	__u32 tid;     /* in the host's namespace, as all ids are but those that begin with v */
	__u32 pid;
	__u32 lost;    /* records that this processor could not put into a ring so far */
	__u32 cpu;
};

struct sk_call {
	__s64 ret;
	__u64 args[6];
	__u64 native;  /* the number as it was called with */
};

/* A task, in records of exec and of fork. Ids and times as in sk_header. */
struct sk_task {
	__u32 tid;
	__u32 pid;
	__u32 ppid;
	__u32 vtid;
	__u32 vpid;
	__u32 pgid;
	__u32 vpgid;
	__u32 sid;
	__u32 vsid;
	__u32 tty;
	__u32 uid;
	__u32 gid;
	__u32 loginuid;
	__u32 clone;   /* SK_CLONE_*, of fork */
	__u64 cap_inheritable;
	__u64 cap_permitted;
	__u64 cap_effective;
	__u64 start;
	__u64 namespace_start;
	__u64 maj_flt;
	__u64 min_flt;
	__u64 vm_kib;
	__u64 fdlimit;
	char comm[16];
};
/* sk_task.clone: what child and parent have in common, by the numbers of clone(2). */
#define SK_CLONE_VM 0x100
#define SK_CLONE_FS 0x200
#define SK_CLONE_FILES 0x400
#define SK_CLONE_THREAD 0x10000
#define SK_CLONE_NEWPID 0x20000000

struct sk_exit {
	__s64 code;    /* task_struct.exit_code */
	__u32 reaper;  /* who gets the children, 0 if the process lives on */
	__u32 pad;
};

struct sk_cgroup {
	__u64 id;
	__u32 hierarchy;
	__u32 pad;
};

/* A blob: this, then its bytes. The next one follows without a gap. */
struct sk_blob {
	__u16 tag;
	__u16 len;     /* with SK_CUT set if there was more */
};
#define SK_CUT 0x8000
/* Tags. Below 6: the text that the argument with this number points to. */
#define SK_TAG_PATH 6      /* absolute path of a file */
#define SK_TAG_FILE 7      /* struct sk_file */
#define SK_TAG_SOCKET 8    /* struct sk_socket */
#define SK_TAG_LOCAL 9     /* path of the local end of a Unix socket */
#define SK_TAG_REMOTE 10   /* path of its other end */
#define SK_TAG_ADDRESS 11  /* a sockaddr, as it was passed */
#define SK_TAG_DATA 12     /* the beginning of what was read or written */
#define SK_TAG_STRUCT 13   /* a struct that an argument points to */
#define SK_TAG_ARGS 14     /* argv, each ended by a zero byte */
#define SK_TAG_ENV 15      /* the environment, likewise */
#define SK_TAG_CWD 16      /* absolute path of the working directory */
#define SK_TAG_EXE 17      /* absolute path of the executable */
#define SK_TAG_FILENAME 18 /* what was asked to be executed */
#define SK_TAG_CGROUP 19   /* path of a cgroup in its hierarchy */
#define SK_TAG_OTHER 20   /* absolute path of the directory that another descriptor stands for */
#define SK_TAGS 21

struct sk_file {
	__u64 ino;
	__u64 ctime;   /* nanoseconds since 1970 */
	__u64 mtime;
	__u32 dev;     /* as the kernel has it: 12 bits of major, 20 of minor number */
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 nlink;
	__u32 flags;   /* SK_FILE_* */
};
#define SK_FILE_UPPER 1        /* on an overlay, in its upper layer */
#define SK_FILE_LOWER 2        /* on an overlay, in a lower layer */
#define SK_FILE_CREATED 4      /* made by this very open */
#define SK_FILE_DETACHED 8     /* its path leads to no root: files in memory, sockets */

struct sk_socket {
	__u16 family;
	__u16 type;
	__u16 protocol;
	__u16 local_port;
	__u16 remote_port;
	__u16 pad;
	__u32 backlog;
	__u32 max_backlog;
	__u32 pad2;
	__u8 local[16];
	__u8 remote[16];
	__u64 self;    /* where the kernel has it; of Unix sockets only */
	__u64 peer;
};

/* What to do on leaving one system call; all zero for nothing. */
struct sk_plan {
	__u32 ops;     /* SK_OP_* */
	__u8 strings;  /* bit n: argument n is text */
	__u8 fd;       /* argument with the descriptor, SK_RESULT for the result */
	__u8 pointer;  /* argument with the address, buffer, vector or struct */
	__u8 length;   /* argument with its length; of structs the length itself */
	__u8 data;     /* argument with the buffer */
	__u8 data_length; /* argument with its length, SK_RESULT for the result */
	__u8 other;    /* argument with another descriptor, whose path is told too; of opens only where they failed */
	__u8 pad[5];
};
#define SK_RESULT 7
#define SK_OP_ON 0x1
#define SK_OP_PRIORITY 0x2     /* into the ring that is to lose nothing */
#define SK_OP_FILE 0x4         /* file behind a descriptor: SK_TAG_FILE, SK_TAG_PATH unless it is a socket */
#define SK_OP_SOCKET 0x8       /* socket behind a descriptor */
#define SK_OP_ADDRESS 0x10     /* sockaddr of `length` bytes */
#define SK_OP_ADDRESS_IN 0x20  /* the same, but the length is behind a pointer */
#define SK_OP_DATA 0x40        /* buffer */
#define SK_OP_MESSAGE 0x80     /* struct msghdr: address, buffer */
#define SK_OP_VECTOR 0x100     /* first buffer of an iovec */
#define SK_OP_STRUCT 0x200
#define SK_OP_OPEN 0x400       /* filtered by the path of the file behind the descriptor */
#define SK_OP_CONNECT 0x800    /* filtered by the address at the other end */
#define SK_OP_NOT_FAILED 0x1000 /* not when it failed */
#define SK_OP_NOT_CHILD 0x4000 /* not where a new task returns 0 from it */
#define SK_OP_NOT_DONE 0x2000 /* not when it succeeded */

struct sk_settings {
	__u32 self;       /* process whose calls are not told; 0 for none */
	__u32 hierarchy;  /* SK_CGROUP_*: by which one cgroups are told */
	__u32 args;       /* how many bytes of argv are told, at most SK_TEXT */
	__u32 env;
	__u32 data;       /* how many bytes of buffers, at most SK_TEXT */
	__u32 on;         /* SK_SET_* */
	__u32 paths;      /* SK_KEEP_* for paths that no prefix says anything of */
	__u32 any;        /* SK_KEEP_* that are kept for some path or other */
	__u32 networks;   /* 1 if connections are kept whose address no network says anything of */
	__u32 pad;
};
#define SK_CGROUP_UNIFIED 0 /* version 2 */
#define SK_CGROUP_PIDS 1    /* version 1, by the controller */
#define SK_CGROUP_MEMORY 2
#define SK_CGROUP_CPUSET 3
#define SK_SET_PATHS 1     /* the map of path prefixes is used */
#define SK_SET_NETWORKS 2
#define SK_SET_CGROUPS 4
#define SK_KEEP_READ 1
#define SK_KEEP_WRITE 2
#define SK_KEEP_FAILED 4

/* How many bytes of a text are told. */
#define SK_TEXT 4096
/* How many bytes of a path prefixes compare. */
#define SK_PREFIX 120

struct sk_prefix {
	__u32 bits;
	char path[SK_PREFIX];
};
struct sk_network {
	__u32 bits;
	__u8 address[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct sk_count {
	__u64 offered; /* records that were made */
	__u64 dropped; /* of these, such that found no room in a ring */
	__u64 filtered; /* calls that a filter held back */
};

#endif
