//! A capture as events with what is known at each.

use super::read::{Reader, Record, ScapError};
use crate::event::{Category, Event, EventCode as E, EventInfo, Origin};
use crate::facts::SyscallFacts;
use crate::state::{Bounds, State};
use sekisho_base::Limits;
use sekisho_model::Diagnostic;
use std::io::Read;

/// How a capture is replayed.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Entering a call is told together with leaving it, as Falco does since it dropped events of entering: only leaving
    /// comes, with what entering said. Otherwise both come, as recorded.
    pub exit_only: bool,
    /// How much is kept.
    pub bounds: Bounds,
}

/// A capture that is read and taken in at the same time.
pub struct Replay<R: Read> {
    reader: Reader<R>,
    state: State,
}

impl<R: Read> Replay<R> {
    /// Opens a capture, compressed or not; `stored_bytes` is its size.
    pub fn new(reader: R, stored_bytes: u64, limits: &Limits, options: &Options) -> Result<Self, ScapError> {
        let mut state = State::new(options.bounds.clone());
        state.set_exit_only(options.exit_only);
        Ok(Self { reader: Reader::new(reader, stored_bytes, limits)?, state })
    }

    /// What is known now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// To tell what captures do not: containers, which fields cannot be filled.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// What was not read, and why.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        self.reader.diagnostics()
    }

    /// How many events were read, those that are not shown included.
    pub fn events(&self) -> u64 {
        self.reader.events()
    }

    /// How many events are damaged and were left out.
    pub fn damaged(&self) -> u64 {
        self.reader.damaged()
    }

    /// Whether the capture ends before its end: what it had to tell after that is not known.
    pub fn is_cut(&self) -> bool {
        self.reader.is_cut()
    }

    /// Goes to the next event and calls `each` with what rules can ask of it. Returns what that returned, or `None` at
    /// the end.
    pub fn next<T>(&mut self, each: impl FnOnce(SyscallFacts<'_>) -> T) -> Option<T> {
        loop {
            match self.reader.read()? {
                Record::Machine(machine) => self.state.set_machine(machine),
                Record::Thread(seed) => self.state.add_thread(*seed),
                Record::Fd(tid, fd) => self.state.add_fd(tid, *fd),
                Record::Interface(interface) => self.state.add_interface(interface),
                Record::User(user) => self.state.add_user("", user),
                Record::Group(group) => self.state.add_group("", group),
                Record::Event(event) => {
                    self.state.apply(&event);
                    if is_internal(&event) || self.state.exit_only() && is_of_entering(&event) {
                        continue;
                    }
                    return Some(each(self.state.facts(&event)));
                }
            }
        }
    }
}

/// Whether it is the recorder's own affair, which rules do not see: what it learnt of containers and users, what it lost.
fn is_internal(event: &Event<'_>) -> bool {
    let hidden = |info: &EventInfo| {
        matches!(info.category, Category::Internal | Category::Unknown) || info.origin == Origin::Meta
    };
    event.info().is_none_or(hidden)
}

/// Whether leaving the same call will tell all that the event tells.
fn is_of_entering(event: &Event<'_>) -> bool {
    event.is_enter() && event.info().is_some_and(|info| info.origin == Origin::Syscall) && event.code != E::PROCEXIT_1_E
}
