//! The analyzers, one folder each: code, fixtures and goldens together.
//!
//! The table below is the only place that names them; dispatch, cache keys, help and documentation
//! are driven by it.

use crate::analyzer::Analyzer;

mod npm;
mod os_release;
mod python;

/// Every analyzer, in the order in which they are offered a file.
pub static ANALYZERS: &[&Analyzer] = &[&os_release::ANALYZER, &python::ANALYZER, &npm::INSTALLED, &npm::LOCK];
