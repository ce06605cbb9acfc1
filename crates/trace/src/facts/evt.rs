//! `evt.*` and `syscall.type`.

use super::render::{Rendered, render};
use super::{SyscallFacts, index, key, not_here};
use crate::event::{Category, EventCode as E, Origin, Param, ParamKind, names, traits};
use crate::field::{Field, Name, Scalar, Value};
use crate::state::FdKind;
use jiff::Timestamp;

const SECOND: u64 = 1_000_000_000;

impl<'a> SyscallFacts<'a> {
    pub(super) fn evt(&self, name: Name, field: &Field) -> Value<'a> {
        let event = self.event;
        let flags = event.info().map_or(0, |info| info.flags);
        let time = |format| Value::owned(moment(event.time, format));
        match name {
            Name::EvtNum => Value::uint(event.number),
            Name::EvtTime | Name::EvtOutputtime => time("%H:%M:%S.%9f"),
            Name::EvtTimeS => time("%H:%M:%S"),
            Name::EvtTimeIso8601 => time("%Y-%m-%dT%H:%M:%S.%9f+0000"),
            Name::EvtDatetime => time("%Y-%m-%d %H:%M:%S.%9f"),
            Name::EvtDatetimeS => time("%Y-%m-%d %H:%M:%S"),
            Name::EvtRawtime => Value::uint(event.time),
            Name::EvtRawtimeS => Value::uint(event.time / SECOND),
            Name::EvtRawtimeNs => Value::uint(event.time % SECOND),
            Name::EvtReltime => Value::int(self.since_first()),
            Name::EvtReltimeS => Value::int(self.since_first() / SECOND.cast_signed()),
            Name::EvtReltimeNs => Value::int(self.since_first() % SECOND.cast_signed()),
            Name::EvtSource => Value::text("syscall"),
            Name::EvtIsAsync => Value::bool(event.code == E::ASYNCEVENT_E),
            Name::EvtAsynctype if event.code == E::ASYNCEVENT_E => {
                event.param(1).and_then(|param| param.text()).map_or(Value::Absent, Value::text)
            }
            Name::EvtHostname => match self.state.machine() {
                Some(machine) => Value::text(&machine.name),
                None => Value::Unknown(crate::field::Unknown::NotRecorded),
            },
            Name::EvtLatency => self.latency(|time| time),
            Name::EvtLatencyS => self.latency(|time| time / SECOND.cast_signed()),
            Name::EvtLatencyNs => self.latency(|time| time % SECOND.cast_signed()),
            Name::EvtLatencyHuman => match self.latency_ns() {
                Some(time) => Value::owned(human(time)),
                None => Value::Absent,
            },
            Name::EvtWaitLatency if flags & traits::WAITS != 0 => self.latency(|time| time),
            Name::EvtDeltatime => Value::int(self.delta()),
            Name::EvtDeltatimeS => Value::int(self.delta() / SECOND.cast_signed()),
            Name::EvtDeltatimeNs => Value::int(self.delta() % SECOND.cast_signed()),
            Name::EvtDir => Value::text(if event.is_enter() { ">" } else { "<" }),
            Name::EvtType => match event.code {
                E::ASYNCEVENT_E => event.param(1).and_then(|param| param.text()).map_or(Value::Absent, Value::text),
                _ => Value::text(event.name()),
            },
            Name::EvtTypeIs => Value::uint(u64::from(key(field).is_some_and(|name| name == event.name()))),
            Name::SyscallType => match event.info() {
                Some(info) if info.origin == Origin::Syscall => Value::text(event.name()),
                _ => Value::Absent,
            },
            Name::EvtCategory => Value::text(self.category()),
            Name::EvtCpu => Value::uint(event.cpu),
            Name::EvtArgs | Name::EvtInfo => Value::owned(self.args()),
            Name::EvtArg => match self.argument(field) {
                Some(param) => Value::owned(self.rendered(&param).best()),
                None => Value::Absent,
            },
            Name::EvtRawarg => match self.argument(field) {
                Some(param) => raw(&param),
                None => Value::Absent,
            },
            Name::EvtBuffer => match self.event.named("data") {
                Some(data) => Value::text(data.bytes),
                None => Value::Absent,
            },
            Name::EvtBuflen => match self.io_result() {
                Some(length) => Value::uint(length),
                None => Value::Absent,
            },
            Name::EvtRes => match self.returned() {
                Some(result) if result >= 0 => Value::text("SUCCESS"),
                Some(result) => match names::error(result) {
                    Some(error) => Value::text(error),
                    None => Value::owned(result.to_string()),
                },
                None => Value::Absent,
            },
            Name::EvtRawres => self.returned().map_or(Value::Absent, Value::int),
            Name::EvtFailed => self.returned().map_or(Value::Absent, |result| Value::bool(result < 0)),
            Name::EvtCountError => self.errors(true),
            Name::EvtCountErrorFile => self.errors(self.is_about(&[FdKind::File, FdKind::Directory], is_open)),
            Name::EvtCountErrorNet => self.errors(self.is_about(SOCKETS, is_connect)),
            Name::EvtCountErrorMemory => {
                self.errors(event.info().is_some_and(|info| info.category == Category::Memory))
            }
            Name::EvtCountErrorOther => {
                let file = self.is_about(&[FdKind::File, FdKind::Directory], is_open);
                let memory = event.info().is_some_and(|info| info.category == Category::Memory);
                self.errors(!file && !self.is_about(SOCKETS, is_connect) && (self.fd().is_some() || !memory))
            }
            Name::EvtCountExit => {
                if event.is_enter() {
                    Value::Absent
                } else {
                    Value::uint(1_u32)
                }
            }
            Name::EvtCount => Value::uint(1_u32),
            Name::EvtIsIo => Value::bool(flags & (traits::READS | traits::WRITES) != 0),
            Name::EvtIsIoRead => Value::bool(flags & traits::READS != 0),
            Name::EvtIsIoWrite => Value::bool(flags & traits::WRITES != 0),
            Name::EvtIoDir if flags & traits::WRITES != 0 => Value::text("write"),
            Name::EvtIoDir if flags & traits::READS != 0 => Value::text("read"),
            Name::EvtIoDir | Name::EvtWaitLatency | Name::EvtPluginname | Name::EvtPlugininfo | Name::EvtAsynctype => {
                Value::Absent
            }
            Name::EvtIsWait => Value::bool(flags & traits::WAITS != 0),
            Name::EvtIsSyslog => Value::bool(
                flags & traits::WRITES != 0
                    && self.fd().is_some_and(|fd| fd.name.windows(8).any(|name| name == b"/dev/log")),
            ),
            Name::EvtAbspath => self.absolute_path(key(field)),
            Name::EvtIsOpenRead => Value::bool(self.open_flags() & open::READ != 0),
            Name::EvtIsOpenWrite => Value::bool(self.open_flags() & open::WRITE != 0),
            Name::EvtIsOpenExec => Value::bool(self.opens_executable()),
            Name::EvtIsOpenCreate => {
                let flags = self.open_flags();
                let temporary = flags & open::TMPFILE != 0 && self.returned().is_some_and(|result| result >= 0);
                Value::bool(flags & open::CREATED != 0 || temporary)
            }
            _ => not_here(name),
        }
    }

    /// What the call returned: the first parameter of leaving it, where that is a number that can be an error.
    pub(super) fn returned(&self) -> Option<i64> {
        let event = self.event;
        if event.is_enter() {
            return None;
        }
        let param = event.param(0)?;
        match (param.info.name, param.info.kind) {
            (
                "res" | "fd",
                ParamKind::Errno | ParamKind::Fd | ParamKind::Pid | ParamKind::Int64 | ParamKind::Uint64,
            )
            | (_, ParamKind::Errno) => param.int(),
            ("res_or_fd", _) => param.dynamic_int(),
            _ => None,
        }
    }

    fn latency_ns(&self) -> Option<i64> {
        let entered = self.state.entered()?;
        Some(self.event.time.checked_sub(entered.time)?.cast_signed())
    }

    /// Falco 0.42 and later answer 0, since they are not told of entering.
    fn latency(&self, of: impl FnOnce(i64) -> i64) -> Value<'a> {
        self.latency_ns().map_or(Value::Absent, |time| Value::int(of(time)))
    }

    fn since_first(&self) -> i64 {
        self.event.time.wrapping_sub(self.state.first_time().unwrap_or(self.event.time)).cast_signed()
    }

    fn delta(&self) -> i64 {
        self.event.time.wrapping_sub(self.state.previous_time().unwrap_or(self.event.time)).cast_signed()
    }

    fn category(&self) -> &'static str {
        let Some(info) = self.event.info() else { return "unknown" };
        match info.category {
            Category::Unknown => "unknown",
            Category::Other => "other",
            Category::File => "file",
            Category::Net => "net",
            Category::Ipc => "IPC",
            Category::Memory => "memory",
            Category::Process => "process",
            Category::Sleep => "sleep",
            Category::System => "system",
            Category::Signal => "signal",
            Category::User => "user",
            Category::Time => "time",
            Category::Wait => "wait",
            Category::Scheduler => "scheduler",
            Category::Internal => "internal",
            Category::IoRead | Category::IoWrite | Category::IoOther => match self.fd().map(|fd| fd.kind) {
                Some(FdKind::File | FdKind::Directory) => "file",
                Some(FdKind::Ipv4 | FdKind::Ipv6 | FdKind::Ipv4Server | FdKind::Ipv6Server) => "net",
                Some(FdKind::Pipe | FdKind::Unix | FdKind::Event | FdKind::Signal) => "ipc",
                _ => "unknown",
            },
        }
    }

    /// All parameters as `name=value`, with what they mean in brackets. Falco cuts no value; sysdig does at 80 bytes.
    fn args(&self) -> Vec<u8> {
        if matches!(self.event.code, E::GENERIC_E | E::GENERIC_X) {
            return Vec::new();
        }
        let mut out = Vec::new();
        let info = self.event.info();
        for at in 0..info.map_or(0, |info| info.params.len()) {
            let own = self.event.param(at);
            let of_entering = || {
                if !self.state.exit_only() {
                    return None;
                }
                self.entered()?.named(info?.params[at].name)
            };
            let Some(param) = own.or_else(of_entering) else { continue };
            let Rendered { raw, meaning } = self.rendered(&param);
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(param.info.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(&raw);
            if !meaning.is_empty() {
                out.push(b'(');
                out.extend_from_slice(&meaning);
                out.push(b')');
            }
        }
        out
    }

    fn rendered(&self, param: &Param<'_>) -> Rendered {
        render(self.state, self.event, param)
    }

    fn argument(&self, field: &Field) -> Option<Param<'a>> {
        match (index(field), key(field)) {
            (Some(at), _) => self.event.param(at),
            (_, Some(name)) => self.param(name).or_else(|| self.param(older(name)?)),
            _ => None,
        }
    }

    fn io_result(&self) -> Option<u64> {
        let category = self.event.info()?.category;
        if !matches!(category, Category::IoRead | Category::IoWrite | Category::IoOther) || self.fd().is_none() {
            return None;
        }
        u64::try_from(self.returned()?).ok()
    }

    fn errors(&self, asked: bool) -> Value<'a> {
        match self.returned() {
            Some(result) if asked => Value::uint(u32::from(result < 0)),
            _ => Value::Absent,
        }
    }

    fn is_about(&self, kinds: &[FdKind], or: fn(E) -> bool) -> bool {
        self.fd().map_or_else(|| or(self.event.code), |fd| kinds.contains(&fd.kind))
    }

    /// The flags of a call that opens a file, in the recorder's bits; 0 for other events, and on entering.
    fn open_flags(&self) -> u32 {
        if !is_open(self.event.code) || self.event.code == E::CREAT_X {
            return 0;
        }
        self.param_of_either("flags").and_then(|flags| flags.int()).unwrap_or_default() as u32
    }

    fn opens_executable(&self) -> bool {
        let code = self.event.code;
        let asked = self.open_flags() & (open::TMPFILE | open::CREATE) != 0 && code != E::OPEN_BY_HANDLE_AT_X;
        let mode = || self.param_of_either("mode").and_then(|mode| mode.int()).unwrap_or_default();
        (asked || code == E::CREAT_X) && mode() & 0o111 != 0
    }

    fn absolute_path(&self, suffix: Option<&str>) -> Value<'a> {
        let target = suffix == Some("dst");
        let (directory, path) = match (self.event.code, target) {
            (E::RENAMEAT_X | E::RENAMEAT2_X, false) => ("olddirfd", "oldpath"),
            (E::RENAMEAT_X | E::RENAMEAT2_X, true) => ("newdirfd", "newpath"),
            (E::LINKAT_2_X, false) => ("olddir", "oldpath"),
            (E::LINKAT_2_X, true) => ("newdir", "newpath"),
            (E::SYMLINKAT_X, _) => ("linkdirfd", "linkpath"),
            (E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::UNLINKAT_X | E::UNLINKAT_2_X, _) => ("dirfd", "name"),
            (E::MKDIRAT_X, _) => ("dirfd", "path"),
            (E::FCHMODAT_X, _) => ("dirfd", "filename"),
            (E::FCHOWNAT_X, _) => ("dirfd", "pathname"),
            (E::OPEN_BY_HANDLE_AT_X, _) if self.returned().is_some_and(|fd| fd > 0) => ("", "path"),
            _ => return Value::Absent,
        };
        let fd = self.param_of_either(directory).and_then(|param| param.int()).unwrap_or(crate::state::CWD);
        match self.param_of_either(path).and_then(|param| param.text()) {
            Some(path) => Value::owned(self.state.absolute(self.event.tid, fd, path)),
            None => Value::Absent,
        }
    }
}

/// Bits of `flags`, as recorders have them.
mod open {
    pub(super) const READ: u32 = 1;
    pub(super) const WRITE: u32 = 2;
    pub(super) const CREATE: u32 = 4;
    pub(super) const TMPFILE: u32 = 1 << 13;
    pub(super) const CREATED: u32 = 1 << 14;
}

const SOCKETS: &[FdKind] = &[FdKind::Ipv4, FdKind::Ipv6, FdKind::Ipv4Server, FdKind::Ipv6Server, FdKind::Unix];

pub(super) fn is_open(code: E) -> bool {
    matches!(code, E::OPEN_X | E::CREAT_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X)
}

fn is_connect(code: E) -> bool {
    matches!(code, E::ACCEPT_X | E::ACCEPT_5_X | E::ACCEPT4_X | E::ACCEPT4_5_X | E::ACCEPT4_6_X | E::CONNECT_X)
}

/// What a parameter was called when the event was recorded, if it has another name now.
fn older(name: &str) -> Option<&'static str> {
    Some(match name {
        "oldfd" => "fd",
        "pgid" => "vpgid",
        _ => return None,
    })
}

fn raw<'a>(param: &Param<'a>) -> Value<'a> {
    if param.bytes.is_empty() {
        return Value::Absent;
    }
    match (param.int(), param.info.kind) {
        (
            Some(value),
            ParamKind::Int8
            | ParamKind::Int16
            | ParamKind::Int32
            | ParamKind::Int64
            | ParamKind::Errno
            | ParamKind::Fd
            | ParamKind::Pid,
        ) => Value::int(value),
        (Some(value), ParamKind::Bool) => Value::bool(value != 0),
        (Some(value), _) => Value::uint(value.cast_unsigned()),
        (None, ParamKind::Text | ParamKind::Path | ParamKind::RelativePath) => {
            param.text().map_or(Value::Absent, Value::text)
        }
        (None, _) => Value::One(Scalar::Text(param.bytes.into())),
    }
}

/// A moment in UTC.
pub(crate) fn moment(time: u64, format: &str) -> String {
    Timestamp::from_nanosecond(i128::from(time))
        .map_or_else(|_| time.to_string(), |time| time.strftime(format).to_string())
}

/// A length of time with two decimals and the greatest unit it has one of.
fn human(time: i64) -> String {
    let time = time as f64;
    match time {
        time if time >= 1e9 => format!("{:.2}s", time / 1e9),
        time if time >= 1e6 => format!("{:.2}ms", time / 1e6),
        time if time >= 1e3 => format!("{:.2}us", time / 1e3),
        time => format!("{time}ns"),
    }
}
