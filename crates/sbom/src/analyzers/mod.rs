//! The analyzers, one folder each: code, fixtures and goldens together.
//!
//! The table below is the only place that names them; dispatch, cache keys, help and documentation
//! are driven by it.

use crate::analyzer::Analyzer;

pub mod apk;
pub mod dpkg;
mod os_release;

/// Every analyzer, in the order in which they are offered a file.
pub static ANALYZERS: &[&Analyzer] =
    &[&os_release::ANALYZER, &dpkg::STATUS, &dpkg::FILES, &dpkg::COPYRIGHT, &apk::ANALYZER];
