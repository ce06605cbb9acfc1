//! The sensor on this very kernel. Needs root; where that or a feature is lacking, a test says what it skipped and why.
//!
//! The machine is busy with other things meanwhile: every test looks for what it did itself.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

mod act;
mod containers;
mod faults;
mod host;
mod watch;
