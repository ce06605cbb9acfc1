//! Answers about system calls: fields of an event, of the process, file and container it is about.
//!
//! What each field means is libsinsp's (`userspace/libsinsp/sinsp_filtercheck_*.cpp` in
//! <https://github.com/falcosecurity/libs>); where ours is different, the function says so.

mod container;
mod evt;
mod fd;
mod path;
mod proc;
mod render;
#[cfg(test)]
mod tests;

pub(crate) use evt::moment;

use crate::event::{Event, EventCode, Param};
use crate::field::{Facts, Field, Given, Name, Scope, Stamp, Supply, Unknown, Value};
use crate::state::{Fd, State, Thread, is_untold};
use std::sync::Arc;

/// Answers about one event, at the moment after it.
#[derive(Debug, Clone, Copy)]
pub struct SyscallFacts<'a> {
    state: &'a State,
    event: &'a Event<'a>,
    thread: Option<&'a Thread>,
}

impl<'a> SyscallFacts<'a> {
    pub(crate) fn new(state: &'a State, event: &'a Event<'a>) -> Self {
        Self { state, event, thread: state.thread(event.tid) }
    }

    /// The event.
    pub fn event(&self) -> &'a Event<'a> {
        self.event
    }

    /// The thread it happened in, if it is known.
    pub fn thread(&self) -> Option<&'a Thread> {
        self.thread
    }

    /// What was known when it happened.
    pub fn state(&self) -> &'a State {
        self.state
    }

    /// The event that told of entering the call that is left.
    fn entered(&self) -> Option<Event<'a>> {
        Some(self.state.entered()?.event(self.event.tid))
    }

    /// The parameter of this name: of the event, or, where entering is told together with leaving, of entering.
    fn param(&self, name: &str) -> Option<Param<'a>> {
        match self.event.named(name) {
            Some(param) if !param.bytes.is_empty() => Some(param),
            none if self.state.exit_only() => self.entered().and_then(|entered| entered.named(name)).or(none),
            none => none,
        }
    }

    /// The same, also where entering is told apart.
    fn param_of_either(&self, name: &str) -> Option<Param<'a>> {
        self.event
            .named(name)
            .filter(|param| !param.bytes.is_empty())
            .or_else(|| self.entered()?.named(name))
            .filter(|param| !param.bytes.is_empty())
    }

    /// The file that the event is about, if it is known.
    pub fn fd(&self) -> Option<&'a Arc<Fd>> {
        self.state.files(self.event.tid)?.get(&self.state.fd_number()?)
    }

    fn of_thread(&self, answer: impl FnOnce(&'a Thread) -> Value<'a>) -> Value<'a> {
        self.thread.filter(|thread| thread.known).map_or(Value::Unknown(Unknown::Process), answer)
    }
}

impl Facts for SyscallFacts<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        let info = field.info();
        if let Supply::Never(reason) = info.supply {
            return Value::Unknown(Unknown::Never(reason));
        }
        if let Some(reason) = self.state.blind(field.id) {
            return Value::Unknown(Unknown::Blind(reason));
        }
        if info.source == crate::field::Source::K8sAudit {
            return Value::Unknown(Unknown::Source);
        }
        let name = field.id.name();
        match info.name.as_bytes()[..2] {
            [b'e', b'v'] | [b's', b'y'] => self.evt(name, field),
            [b'p' | b'g', b'r'] | [b't', b'h'] | [b'u', b's'] => self.process(name, field),
            [b'f', b'd'] => self.file(name, field),
            [b'f', b's'] => self.fs_path(name),
            _ => self.container_field(name, field),
        }
    }

    fn code(&self) -> EventCode {
        self.event.code
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        let thread = self.thread?;
        let tid = thread.tid.cast_unsigned();
        match scope {
            Scope::Event => None,
            // Users change rarely, and all answers with them.
            Scope::Process => Some(Stamp([tid, thread.version, self.state.users_version()])),
            Scope::Lineage => Some(Stamp([tid, thread.version, self.state.lineage(thread)])),
            Scope::Container => {
                let id = thread.container().unwrap_or_default();
                Some(Stamp([tid, thread.version, self.state.container_version(id)]))
            }
        }
    }
}

/// The number that an argument is.
fn index(field: &Field) -> Option<usize> {
    match field.given {
        Given::Index(index) => Some(index as usize),
        _ => None,
    }
}

/// The name that an argument is.
fn key(field: &Field) -> Option<&str> {
    match &field.given {
        Given::Key(key) => Some(key),
        _ => None,
    }
}

/// A value that an older recording may lack.
fn recorded<'a, T>(value: Option<T>, answer: impl FnOnce(T) -> Value<'a>) -> Value<'a> {
    value.map_or(Value::Unknown(Unknown::NotRecorded), answer)
}

/// What an open file is called.
fn named(fd: &Fd) -> Value<'_> {
    if is_untold(&fd.name) { Value::Unknown(Unknown::Path) } else { Value::text(&fd.name) }
}

/// Whether a name is one of the module's own; used to keep matches whole.
fn not_here(name: Name) -> Value<'static> {
    debug_assert!(false, "{name:?} is not answered");
    Value::Unknown(Unknown::NotRecorded)
}
