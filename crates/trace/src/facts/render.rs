//! Parameters as text, as `evt.arg` and `evt.args` show them.
//!
//! There are two: what was recorded, and what that means: `3` and `<f>/etc/passwd` for a file. The second is what
//! `evt.arg` compares, where there is one. The texts are those of libsinsp's `sinsp_evt::get_param_as_str`.

use crate::event::{Address, Event, Format, Names, Param, ParamKind, names};
use crate::state::{State, UNTOLD, end_name, join, param_name};
use std::fmt::Write;

/// What was recorded, and what it means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) raw: Vec<u8>,
    pub(crate) meaning: Vec<u8>,
}

impl Rendered {
    fn raw(raw: impl Into<Vec<u8>>) -> Self {
        Self { raw: raw.into(), meaning: Vec::new() }
    }

    fn with(raw: impl std::fmt::Display, meaning: impl Into<Vec<u8>>) -> Self {
        Self { raw: raw.to_string().into_bytes(), meaning: meaning.into() }
    }

    /// What `evt.arg` is.
    pub(crate) fn best(self) -> Vec<u8> {
        if self.meaning.is_empty() { self.raw } else { self.meaning }
    }
}

/// What stands where there was no value.
const NONE: &[u8] = b"<NA>";

/// A parameter of an event, as text.
pub(crate) fn render(state: &State, event: &Event<'_>, param: &Param<'_>) -> Rendered {
    use ParamKind::{
        AbsoluteTime, Bool, Bytes, Dynamic, Enum8, Enum16, Enum32, Errno, Fd, FdList, Flags8, Flags16, Flags32, Gid,
        Int8, Int16, Int32, Int64, Mode, PairList, Path, Pid, RelativePath, RelativeTime, SignalNumber, SignalSet,
        SocketAddress, SocketTuple, SyscallId, Text, TextList, Uid, Uint8, Uint16, Uint32, Uint64,
    };
    let tid = event.tid;
    let kind = param.info.kind;
    match kind {
        Text => Rendered::raw(param.text().unwrap_or(NONE)),
        Path => path(state, tid, param, crate::state::CWD),
        RelativePath => {
            let directory = param.info.directory.and_then(|at| event.param(usize::from(at))?.int());
            path(state, tid, param, directory.unwrap_or(crate::state::CWD))
        }
        Bytes => Rendered::raw(printable(param.bytes)),
        TextList | PairList => Rendered::raw(joined(param.bytes)),
        SocketAddress => Rendered::raw(match param.address() {
            Some(Address::Unix(path)) => path.to_vec(),
            Some(Address::Inet(ip, port)) => end_name(ip, port),
            None => b"NULL".to_vec(),
        }),
        SocketTuple if param.bytes.is_empty() => Rendered::raw(*b"NULL"),
        SocketTuple => Rendered::raw(param.tuple().map(|_| param_name(param)).unwrap_or_default()),
        FdList => fd_list(state, tid, param.bytes),
        Dynamic => dynamic(state, event, param),
        _ => {
            let Some(value) = param.int() else { return Rendered::raw(NONE) };
            match kind {
                Errno if param.info.format == Format::Hex && value >= 0 => Rendered::raw(format!("{value:X}")),
                Errno => errno(value),
                Fd => fd(state, tid, value),
                Pid => Rendered::with(value, state.thread(value).map_or(&[][..], |thread| &thread.comm)),
                Uid => Rendered::with(signed_id(value), user(state, tid, value)),
                Gid => Rendered::with(signed_id(value), group(state, tid, value)),
                SyscallId => Rendered::with(value, event.name()),
                SignalNumber => Rendered::with(value, names::signal(value).unwrap_or_default()),
                RelativeTime => Rendered::with(value, seconds(value)),
                AbsoluteTime => Rendered::raw(value.cast_unsigned().to_string()),
                Bool => Rendered::raw(if value == 0 { "false" } else { "true" }),
                Flags8 | Flags16 | Flags32 => Rendered::with(value, flags(value, param.info.names)),
                Enum8 | Enum16 | Enum32 => Rendered::with(value, one_of(value, param.info.names)),
                Mode => Rendered::with(octal(value), flags(value, param.info.names)),
                SignalSet => Rendered::with(value, signals(value)),
                Uint64 | Uint32 | Uint16 | Uint8 | Int64 | Int32 | Int16 | Int8 => {
                    let mut rendered = Rendered::raw(number(value, kind, param.info.format));
                    rendered.meaning = flags_if_any(value, param.info.names);
                    rendered
                }
                _ => Rendered::raw(value.to_string()),
            }
        }
    }
}

/// A number in octal, as `%#o` writes it.
fn octal(value: i64) -> String {
    if value == 0 { "0".to_owned() } else { format!("0{value:o}") }
}

fn number(value: i64, kind: ParamKind, format: Format) -> String {
    let bits = match kind {
        ParamKind::Int8 => value & 0xff,
        ParamKind::Int16 => value & 0xffff,
        ParamKind::Int32 => value & 0xffff_ffff,
        _ => value,
    };
    match format {
        Format::Hex => format!("{bits:X}"),
        Format::Octal => octal(bits),
        Format::Plain | Format::Decimal if kind == ParamKind::Uint64 => value.cast_unsigned().to_string(),
        Format::Plain | Format::Decimal => value.to_string(),
    }
}

/// Ids of users and groups of which there is none are told as -1.
fn signed_id(value: i64) -> i64 {
    if value == i64::from(u32::MAX) { -1 } else { value }
}

fn user(state: &State, tid: i64, uid: i64) -> Vec<u8> {
    let container = state.thread(tid).and_then(|thread| thread.container()).unwrap_or_default();
    let user = u32::try_from(uid).ok().and_then(|uid| state.user(container, uid));
    match user {
        Some(user) => user.name.clone(),
        None if uid == 0 => b"root".to_vec(),
        None if uid == i64::from(u32::MAX) => b"<NONE>".to_vec(),
        None => b"<NA>".to_vec(),
    }
}

fn group(state: &State, tid: i64, gid: i64) -> Vec<u8> {
    let container = state.thread(tid).and_then(|thread| thread.container()).unwrap_or_default();
    let group = u32::try_from(gid).ok().and_then(|gid| state.group(container, gid));
    match group {
        Some(group) => group.name.clone(),
        None if gid == 0 => b"root".to_vec(),
        None if gid == i64::from(u32::MAX) => b"<NONE>".to_vec(),
        None => b"<NA>".to_vec(),
    }
}

fn errno(value: i64) -> Rendered {
    if value >= 0 {
        return Rendered::raw(value.to_string());
    }
    Rendered::with(value, names::error(value).unwrap_or_default())
}

pub(crate) fn fd(state: &State, tid: i64, value: i64) -> Rendered {
    if value < 0 {
        return match value {
            crate::state::CWD => Rendered::with(value, "AT_FDCWD"),
            _ => errno(value),
        };
    }
    let mut meaning = Vec::new();
    if let Some(fd) = state.files(tid).and_then(|files| files.get(&value)) {
        meaning.push(b'<');
        meaning.extend_from_slice(fd.kind.letter().as_bytes());
        if let Some(transport) = letter_of(fd) {
            meaning.push(transport);
        }
        meaning.push(b'>');
        meaning.extend_from_slice(&fd.name);
    }
    Rendered { raw: value.to_string().into_bytes(), meaning }
}

/// What is added to the letter of a socket: its transport.
fn letter_of(fd: &crate::state::Fd) -> Option<u8> {
    if !fd.kind.is_inet() {
        return None;
    }
    fd.transport().name().map(|name| name.as_bytes()[0])
}

fn path(state: &State, tid: i64, param: &Param<'_>, directory: i64) -> Rendered {
    let Some(path) = param.text() else { return Rendered::raw(NONE) };
    if path == NONE || path.is_empty() {
        return Rendered::raw(path);
    }
    let meaning = match state.directory(tid, directory, path) {
        Some(base) => join(&base, path),
        None => [UNTOLD, b"/", path].concat(),
    };
    Rendered { raw: path.to_vec(), meaning: if meaning == path { Vec::new() } else { meaning } }
}

fn fd_list(state: &State, tid: i64, bytes: &[u8]) -> Rendered {
    let Some((count, mut rest)) = bytes.split_first_chunk::<2>() else { return Rendered::raw(NONE) };
    let mut raw = String::new();
    for at in 0..u16::from_le_bytes(*count) {
        let Some((fd, after)) = rest.split_first_chunk::<8>() else { break };
        let Some((events, after)) = after.split_first_chunk::<2>() else { break };
        rest = after;
        let (fd, events) = (i64::from_le_bytes(*fd), u16::from_le_bytes(*events));
        let letter = state.files(tid).and_then(|files| files.get(&fd)).map_or("", |fd| fd.kind.letter());
        if at > 0 {
            raw.push(' ');
        }
        // Writing into a string does not fail.
        let _ = write!(raw, "{fd}:{letter}{events:x}");
    }
    Rendered::raw(raw)
}

fn dynamic(state: &State, event: &Event<'_>, param: &Param<'_>) -> Rendered {
    let Some(index) = param.bytes.first() else { return Rendered::raw(NONE) };
    let Some(value) = param.dynamic_int() else { return Rendered::raw(printable(&param.bytes[1..])) };
    match (param.info.name, *index) {
        ("res_or_fd", 0) => fd(state, event.tid, value),
        ("res_or_fd" | "val", 1) => errno(value),
        ("addr" | "data", 0) => Rendered::raw(format!("{value:X}")),
        ("addr" | "data", 1) => Rendered::with(value, names::signal(value).unwrap_or_default()),
        _ => Rendered::raw(value.cast_unsigned().to_string()),
    }
}

/// Names of all bits that are set, with bars between.
pub(crate) fn flags(value: i64, names: Names) -> Vec<u8> {
    let initial = value as u32;
    let mut left = initial;
    let mut out = String::new();
    for (name, bits) in names {
        let exact = *bits == initial;
        if exact || *bits != 0 && left & bits == *bits {
            if !out.is_empty() {
                out.push('|');
            }
            out.push_str(name);
            left &= !bits;
        }
        if exact {
            break;
        }
    }
    out.into_bytes()
}

fn flags_if_any(value: i64, names: Names) -> Vec<u8> {
    if names.is_empty() { Vec::new() } else { flags(value, names) }
}

fn one_of(value: i64, names: Names) -> Vec<u8> {
    let name = names.iter().find(|(_, number)| i64::from(*number) == value);
    name.map_or_else(Vec::new, |(name, _)| name.as_bytes().to_vec())
}

fn signals(value: i64) -> Vec<u8> {
    let set: Vec<_> = (0..32).filter(|bit| value & (1 << bit) != 0).filter_map(|bit| names::signal(bit + 1)).collect();
    set.join(" ").into_bytes()
}

/// Nanoseconds as seconds, as `%g` writes them.
fn seconds(value: i64) -> String {
    format!("{}s", value as f64 / 1e9)
}

/// Bytes with a dot for each that is not to be printed.
pub(crate) fn printable(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { *byte } else { b'.' }).collect()
}

fn joined(bytes: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = crate::state::pieces(bytes).collect();
    parts.join(&b'.')
}
