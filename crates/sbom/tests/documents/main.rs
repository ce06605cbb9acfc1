//! Documents in standard formats: what we write held against the standards' own schemas, what we read back, and what we
//! read of other programs.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod arbitrary;
mod cyclonedx;
mod foreign;
mod hostile;
mod merge;
mod round_trip;
mod spdx;
