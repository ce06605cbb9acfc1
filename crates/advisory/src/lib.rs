//! Vulnerability intelligence, pure: version schemes, feed parsers, the shape of an advisory, and what is said about
//! findings (VEX, exceptions).
//!
//! Bytes and values come in, values go out; downloading, unpacking and keeping files is the crate `feeds`.

mod csaf;
pub mod db;
pub mod demo;
pub mod diff;
pub mod ecosystem;
pub mod exception;
pub mod feeds;
pub mod gate;
pub mod matching;
pub mod product;
pub mod range;
pub mod record;
pub mod reevaluate;
pub mod suppress;
#[cfg(test)]
mod testing;
pub mod upgrade;
mod vers;
pub mod version;
pub mod vex;
