//! What the programs and this process tell each other, as `bpf/record.h` lays it out; its comments say what each is.
//!
//! A test compares sizes and offsets with the types in the compiled object.

/// Numbers of system calls are below this.
pub(crate) const CALLS: u16 = 512;
/// Kinds of records beside them.
pub(crate) const KIND_EXEC: u16 = CALLS;
pub(crate) const KIND_FORK: u16 = CALLS + 1;
pub(crate) const KIND_EXIT: u16 = CALLS + 2;
pub(crate) const KIND_CGROUP: u16 = CALLS + 3;
pub(crate) const KINDS: u16 = CALLS + 4;

/// Bits of [`Header::flags`].
pub(crate) mod flag {
    pub(crate) const I386: u16 = 1;
    pub(crate) const X32: u16 = 2;
    pub(crate) const UNREADABLE: u16 = 4;
    pub(crate) const OVERFULL: u16 = 8;
}

/// Tags of blobs; below 6 an argument.
pub(crate) mod tag {
    pub(crate) const PATH: u16 = 6;
    pub(crate) const FILE: u16 = 7;
    pub(crate) const SOCKET: u16 = 8;
    pub(crate) const LOCAL: u16 = 9;
    pub(crate) const REMOTE: u16 = 10;
    pub(crate) const ADDRESS: u16 = 11;
    pub(crate) const DATA: u16 = 12;
    pub(crate) const STRUCT: u16 = 13;
    pub(crate) const ARGS: u16 = 14;
    pub(crate) const ENV: u16 = 15;
    pub(crate) const CWD: u16 = 16;
    pub(crate) const EXE: u16 = 17;
    pub(crate) const FILENAME: u16 = 18;
    pub(crate) const CGROUP: u16 = 19;
    pub(crate) const OTHER: u16 = 20;
    pub(crate) const COUNT: usize = 21;
}

/// In the length of a blob: there was more.
pub(crate) const CUT: u16 = 0x8000;
/// How many bytes of a text are told at most.
pub(crate) const TEXT: u32 = 4096;
/// How many bytes of a path prefixes compare.
pub(crate) const PREFIX: usize = 120;

/// Bits of [`FileFacts::flags`].
pub(crate) mod file_flag {
    pub(crate) const UPPER: u32 = 1;
    pub(crate) const LOWER: u32 = 2;
    pub(crate) const CREATED: u32 = 4;
    pub(crate) const DETACHED: u32 = 8;
}

/// Bits of [`Plan::ops`].
pub(crate) mod op {
    pub(crate) const ON: u32 = 0x1;
    pub(crate) const PRIORITY: u32 = 0x2;
    pub(crate) const FILE: u32 = 0x4;
    pub(crate) const SOCKET: u32 = 0x8;
    pub(crate) const ADDRESS: u32 = 0x10;
    pub(crate) const ADDRESS_IN: u32 = 0x20;
    pub(crate) const DATA: u32 = 0x40;
    pub(crate) const MESSAGE: u32 = 0x80;
    pub(crate) const VECTOR: u32 = 0x100;
    pub(crate) const STRUCT: u32 = 0x200;
    pub(crate) const OPEN: u32 = 0x400;
    pub(crate) const CONNECT: u32 = 0x800;
    pub(crate) const NOT_FAILED: u32 = 0x1000;
    pub(crate) const NOT_DONE: u32 = 0x2000;
    pub(crate) const NOT_CHILD: u32 = 0x4000;
}

/// In [`Plan`]: what the call returned, in place of an argument.
pub(crate) const RESULT: u8 = 7;

/// Bits of [`Settings::on`].
pub(crate) mod set {
    pub(crate) const PATHS: u32 = 1;
    pub(crate) const NETWORKS: u32 = 2;
    pub(crate) const CGROUPS: u32 = 4;
}

/// What structs are made of. There are no holes between members, so that they can be taken one after another.
trait Number: Sized {
    fn take(rest: &mut &[u8]) -> Option<Self>;
    #[cfg(test)]
    fn put(&self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($kind:ty)*) => {
        $(impl Number for $kind {
            fn take(rest: &mut &[u8]) -> Option<Self> {
                let (bytes, behind) = rest.split_first_chunk()?;
                *rest = behind;
                Some(Self::from_ne_bytes(*bytes))
            }

            #[cfg(test)]
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_ne_bytes());
            }
        })*
    };
}

numbers! { u8 u16 u32 u64 i32 i64 }

impl<T: Number + Copy + Default, const N: usize> Number for [T; N] {
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let mut array = [T::default(); N];
        for place in &mut array {
            *place = T::take(rest)?;
        }
        Some(array)
    }

    #[cfg(test)]
    fn put(&self, bytes: &mut Vec<u8>) {
        for one in self {
            one.put(bytes);
        }
    }
}

/// Which opens a path is kept for: bits of prefixes' values.
pub(crate) mod keep {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const FAILED: u32 = 4;
}

/// Values of [`Settings::hierarchy`].
pub(crate) mod hierarchy {
    pub(crate) const UNIFIED: u32 = 0;
    pub(crate) const PIDS: u32 = 1;
    pub(crate) const MEMORY: u32 = 2;
    pub(crate) const CPUSET: u32 = 3;
}

/// A struct of `record.h`.
pub(crate) trait Mirror: Sized {
    /// The struct that begins these bytes, and what is behind it; `None` if they are too few.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])>;

    /// The same the other way.
    #[cfg(test)]
    fn bytes(&self) -> Vec<u8>;
}

/// A struct of `record.h` that is read from a record or written to a map.
macro_rules! mirrors {
    ($($(#[$meta:meta])* $name:ident = $c:literal { $($field:ident: $kind:ty,)* })*) => {
        $($(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(crate) struct $name { $(pub(crate) $field: $kind,)* }

        impl Mirror for $name {
            fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let mut rest = bytes;
                let this = Self { $($field: Number::take(&mut rest)?,)* };
                Some((this, rest))
            }

            #[cfg(test)]
            fn bytes(&self) -> Vec<u8> {
                let mut bytes = Vec::new();
                $(self.$field.put(&mut bytes);)*
                bytes
            }
        }
        )*

        /// Every struct: its name in C, its size, its members with their offsets.
        #[cfg(test)]
        pub(crate) const MIRRORS: &[(&str, usize, &[(&str, usize)])] = &[
            $(($c, size_of::<$name>(), &[$((stringify!($field), std::mem::offset_of!($name, $field)),)*]),)*
        ];
    };
}

mirrors! {
    /// The beginning of every record.
    Header = "sk_header" {
        len: u32,
        kind: u16,
        flags: u16,
        time: u64,
        cgroup: u64,
        tid: u32,
        pid: u32,
        lost: u32,
        cpu: u32,
    }
    /// A system call.
    Call = "sk_call" {
        ret: i64,
        args: [u64; 6],
        native: u64,
    }
    /// A task.
    Task = "sk_task" {
        tid: u32,
        pid: u32,
        ppid: u32,
        vtid: u32,
        vpid: u32,
        pgid: u32,
        vpgid: u32,
        sid: u32,
        vsid: u32,
        tty: u32,
        uid: u32,
        gid: u32,
        loginuid: u32,
        clone: u32,
        cap_inheritable: u64,
        cap_permitted: u64,
        cap_effective: u64,
        start: u64,
        namespace_start: u64,
        maj_flt: u64,
        min_flt: u64,
        vm_kib: u64,
        fdlimit: u64,
        comm: [u8; 16],
    }
    /// The end of a task.
    Exit = "sk_exit" {
        code: i64,
        reaper: u32,
        pad: u32,
    }
    /// A cgroup that was made.
    Cgroup = "sk_cgroup" {
        id: u64,
        hierarchy: u32,
        pad: u32,
    }
    /// A file.
    FileFacts = "sk_file" {
        ino: u64,
        ctime: u64,
        mtime: u64,
        dev: u32,
        mode: u32,
        uid: u32,
        gid: u32,
        nlink: u32,
        flags: u32,
    }
    /// A socket.
    Socket = "sk_socket" {
        family: u16,
        type_: u16,
        protocol: u16,
        local_port: u16,
        remote_port: u16,
        pad: u16,
        backlog: u32,
        max_backlog: u32,
        pad2: u32,
        local: [u8; 16],
        remote: [u8; 16],
        self_: u64,
        peer: u64,
    }
    /// What to do on leaving a system call.
    Plan = "sk_plan" {
        ops: u32,
        strings: u8,
        fd: u8,
        pointer: u8,
        length: u8,
        data: u8,
        data_length: u8,
        other: u8,
        pad: [u8; 5],
    }
    /// Settings.
    Settings = "sk_settings" {
        self_: u32,
        hierarchy: u32,
        args: u32,
        env: u32,
        data: u32,
        on: u32,
        paths: u32,
        any: u32,
        networks: u32,
        pad: u32,
    }
    /// Counts of one kind of records on one processor.
    Count = "sk_count" {
        offered: u64,
        dropped: u64,
        filtered: u64,
    }
    /// What connections are denied beside what networks say.
    DenySettings = "sk_deny_settings" {
        host: u64,
        enforce: u32,
        self_: u32,
    }
    /// A connection that was denied.
    Denied = "sk_denied" {
        time: u64,
        denials: u64,
        pid: u32,
        port: u16,
        refused: u16,
        address: [u8; 16],
        cgroup: u64,
        comm: [u8; 16],
    }
}

#[cfg(test)]
mod tests;
