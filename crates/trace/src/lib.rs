//! What happened on a host, event by event: the table of event types, captures, the state of threads, files and
//! containers that follows from events, and the fields that rules ask for.
//!
//! Events come from a capture ([`scap`]) or from a live sensor, which fill the same [`Event`]; one machine
//! ([`state`]) makes facts of them. This crate judges nothing: rules are `detect`'s.

pub mod audit;
pub mod event;
mod facts;
pub mod field;
pub mod scap;
pub mod state;

pub use audit::AuditEvent;
pub use event::{Event, EventCode};
pub use facts::SyscallFacts;
pub use field::{Facts, Field, FieldId, Value};
