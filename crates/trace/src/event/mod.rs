//! Events: what one is, and the table of their types.
//!
//! Numbers, names and parameters of event types are those of Falco's drivers (`driver/event_table.c` in
//! <https://github.com/falcosecurity/libs>), so that captures and rules mean here what they mean there. Types are never
//! renumbered; parameters are only added at the end.

mod flags;
pub(crate) mod names;
mod param;
mod syscalls;
mod table;

pub use param::{Address, Param, Tuple};
use std::collections::HashMap;
use std::sync::LazyLock;
pub use table::EVENTS;

/// Names of values or of bits.
pub type Names = &'static [(&'static str, u32)];

/// The number of an event type. Odd ones are for leaving a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventCode(pub u16);

impl EventCode {
    /// What the table says of it; `None` for a number from a newer table than ours.
    pub fn info(self) -> Option<&'static EventInfo> {
        EVENTS.get(usize::from(self.0))
    }

    /// Whether it tells that a call is entered; everything that is no call is told on entering.
    pub fn is_enter(self) -> bool {
        self.0 & 1 == 0
    }

    /// Whether it tells that a program was run, or could not be.
    pub fn is_exec(self) -> bool {
        matches!(
            self,
            Self::EXECVE_8_X
                | Self::EXECVE_13_X
                | Self::EXECVE_14_X
                | Self::EXECVE_15_X
                | Self::EXECVE_16_X
                | Self::EXECVE_17_X
                | Self::EXECVE_18_X
                | Self::EXECVE_19_X
                | Self::EXECVEAT_X
        )
    }

    /// The type that tells that the same call is entered.
    pub fn enter(self) -> Self {
        Self(self.0 & !1)
    }

    /// The type that tells that the same call is left.
    pub fn exit(self) -> Self {
        Self(self.0 | 1)
    }

    /// All types whose events have this name: `evt.type`. For system calls without a type of their own that is
    /// [`EventCode::GENERIC_E`] and [`EventCode::GENERIC_X`].
    pub fn named(name: &str) -> Vec<Self> {
        static BY_NAME: LazyLock<HashMap<&str, Vec<EventCode>>> = LazyLock::new(|| {
            let mut by_name: HashMap<_, Vec<EventCode>> = HashMap::new();
            for (at, info) in (0..).zip(EVENTS).filter(|(_, info)| info.category != Category::Unknown) {
                by_name.entry(info.name).or_default().push(EventCode(at));
            }
            by_name
        });
        let mut codes = BY_NAME.get(name).cloned().unwrap_or_default();
        if codes.is_empty() && syscalls::SYSCALLS.contains(&name) && !name.is_empty() {
            codes.extend([Self::GENERIC_E, Self::GENERIC_X]);
        }
        codes
    }
}

/// What kind of thing an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of Falco's evt.category")]
pub enum Category {
    Unknown,
    Other,
    File,
    Net,
    Ipc,
    Memory,
    Process,
    Sleep,
    System,
    Signal,
    User,
    Time,
    IoRead,
    IoWrite,
    IoOther,
    Wait,
    Scheduler,
    Internal,
}

/// Who tells of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Nobody: the number is not used.
    None,
    /// A system call.
    Syscall,
    /// A place in the kernel beside the calls.
    Tracepoint,
    /// A plugin.
    Plugin,
    /// The recorder itself.
    Meta,
}

/// Bits of [`EventInfo::flags`].
pub mod traits {
    /// Makes a file descriptor.
    pub const CREATES_FD: u16 = 1;
    /// Closes one.
    pub const DESTROYS_FD: u16 = 1 << 1;
    /// Is about one.
    pub const USES_FD: u16 = 1 << 2;
    /// Reads from one.
    pub const READS: u16 = 1 << 3;
    /// Writes to one.
    pub const WRITES: u16 = 1 << 4;
    /// Changes what is known of processes and files.
    pub const STATE: u16 = 1 << 5;
    /// Is never told.
    pub const UNUSED: u16 = 1 << 6;
    /// Makes the thread wait.
    pub const WAITS: u16 = 1 << 7;
    /// Is told by old recorders only.
    pub const OLD: u16 = 1 << 9;
    /// Has lengths of 32 bits.
    pub const LARGE: u16 = 1 << 11;
}

/// What is known of one type of events.
#[derive(Debug, Clone, Copy)]
pub struct EventInfo {
    /// `evt.type`; for system calls without a type of their own see [`Event::name`].
    pub name: &'static str,
    /// `evt.category`, as far as it does not follow from the file descriptor.
    pub category: Category,
    /// Who tells of it.
    pub origin: Origin,
    /// Bits of [`traits`].
    pub flags: u16,
    /// The parameters, in order. A recording may lack some at the end.
    pub params: &'static [ParamInfo],
}

impl EventInfo {
    /// Whether all of the bits are set.
    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    /// The place of the parameter of this name.
    pub fn param(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|param| param.name == name)
    }
}

/// How a parameter is laid out and what it means. All numbers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of integers say what they are")]
pub enum ParamKind {
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    /// Text up to a zero byte.
    Text,
    /// Any bytes.
    Bytes,
    /// 64 bits; negative for an error.
    Errno,
    /// A family and an address.
    SocketAddress,
    /// A family and two addresses.
    SocketTuple,
    /// A file descriptor, 64 bits; negative for an error.
    Fd,
    /// A process or thread id, 64 bits.
    Pid,
    /// 16 bits: how many; then 64 bits of descriptor and 16 of flags each.
    FdList,
    /// A path, as text.
    Path,
    /// A path below the directory that another parameter names, as text.
    RelativePath,
    /// Number of a system call, 16 bits.
    SyscallId,
    /// Number of a signal, 8 bits.
    SignalNumber,
    /// Nanoseconds, 64 bits.
    RelativeTime,
    /// Nanoseconds since 1970, 64 bits.
    AbsoluteTime,
    /// One byte that tells the kind, then the value.
    Dynamic,
    Flags8,
    Flags16,
    Flags32,
    /// Like flags, but one of the names only.
    Enum8,
    Enum16,
    Enum32,
    /// Permissions, 32 bits.
    Mode,
    Uid,
    Gid,
    /// Set of signals, 32 bits.
    SignalSet,
    /// Texts, each ended by a zero byte.
    TextList,
    /// The same, in pairs.
    PairList,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Plain,
    Decimal,
    Hex,
    Octal,
}

/// What is known of one parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParamInfo {
    /// The name, as `evt.arg.NAME` asks for it.
    pub name: &'static str,
    /// Layout and meaning.
    pub kind: ParamKind,
    /// How it is written.
    pub format: Format,
    /// Names of its values or bits.
    pub names: Names,
    /// For [`ParamKind::RelativePath`] the place of the parameter with the directory.
    pub directory: Option<u8>,
}

/// One event, as a recorder tells it. Borrowed: it lives as long as the block it was read from.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Position in the stream, from 1.
    pub number: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The processor it happened on.
    pub cpu: u16,
    /// The thread it happened in; 0 or below for none.
    pub tid: i64,
    /// Its type.
    pub code: EventCode,
    /// The parameters that were recorded, at most as many as the table has.
    pub params: Params<'a>,
}

/// Parameters as they were recorded: their bytes one after another, and where each ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    ends: &'a [u32],
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Parameters that end at `ends` in `bytes`; `None` if these do not ascend or lie beyond the bytes.
    pub fn new(ends: &'a [u32], bytes: &'a [u8]) -> Option<Self> {
        let fits = ends.is_sorted() && ends.last().is_none_or(|end| *end as usize <= bytes.len());
        fits.then_some(Self { ends, bytes })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of one; `None` where it was not recorded. An empty one was recorded, but there was no value.
    pub fn get(&self, at: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..end)
    }
}

impl<'a> Event<'a> {
    /// What the table says of its type.
    pub fn info(&self) -> Option<&'static EventInfo> {
        self.code.info()
    }

    /// Its name, `evt.type`: for calls without a type of their own, the name of the call.
    pub fn name(&self) -> &'static str {
        match self.code {
            EventCode::GENERIC_E | EventCode::GENERIC_X => self.syscall().unwrap_or("syscall"),
            _ => self.info().map_or("NA", |info| info.name),
        }
    }

    /// The name of the call that a generic event is about.
    fn syscall(&self) -> Option<&'static str> {
        let id: [u8; 2] = self.params.get(0)?.try_into().ok()?;
        syscalls::SYSCALLS.get(usize::from(u16::from_le_bytes(id))).copied().filter(|name| !name.is_empty())
    }

    /// The parameter at this place.
    pub fn param(&self, at: usize) -> Option<Param<'a>> {
        Some(Param { info: self.info()?.params.get(at)?, bytes: self.params.get(at)? })
    }

    /// The parameter of this name, if it was recorded.
    pub fn named(&self, name: &str) -> Option<Param<'a>> {
        self.param(self.info()?.param(name)?)
    }

    /// Whether it tells that a call is entered.
    pub fn is_enter(&self) -> bool {
        self.code.is_enter()
    }
}
