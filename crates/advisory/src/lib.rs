//! Vulnerability intelligence, pure: version schemes, feed parsers, the shape of an advisory.
//!
//! Bytes and values come in, values go out; downloading, unpacking and keeping files is the crate `feeds`.

pub mod db;
pub mod demo;
pub mod diff;
pub mod ecosystem;
pub mod feeds;
pub mod gate;
pub mod matching;
pub mod range;
pub mod record;
pub mod reevaluate;
#[cfg(test)]
mod testing;
pub mod version;
