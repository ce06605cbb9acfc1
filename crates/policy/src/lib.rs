//! Policies: what images and workloads are to be like, and whether they are.
//!
//! Texts and values in, verdicts out: nothing here opens a file or a connection, or asks the time.

pub mod manifest;
pub mod policy;
pub mod stackrox;
#[cfg(test)]
mod testing;
