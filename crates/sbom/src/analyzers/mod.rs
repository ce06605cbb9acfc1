//! The analyzers, one folder each: code, fixtures and goldens together.
//!
//! The table below is the only place that names them; dispatch, cache keys, help and documentation
//! are driven by it.

use crate::analyzer::Analyzer;

pub mod apk;
mod dotnet;
pub mod dpkg;
mod golang;
mod java;
mod npm;
mod os_release;
mod python;
mod rpm;
mod vex;

/// Every analyzer, in the order in which they are offered a file.
pub static ANALYZERS: &[&Analyzer] = &[
    &os_release::ANALYZER,
    &dpkg::STATUS,
    &dpkg::FILES,
    &dpkg::COPYRIGHT,
    &apk::ANALYZER,
    &rpm::ANALYZER,
    &python::ANALYZER,
    &npm::INSTALLED,
    &npm::LOCK,
    &golang::ANALYZER,
    &java::ARCHIVE,
    &java::UNPACKED,
    &java::POM,
    &java::GRADLE_LOCK,
    &java::GRADLE_VERIFICATION,
    &java::SBT_LOCK,
    &dotnet::DEPS,
    &dotnet::LOCK,
    &dotnet::CONFIG,
    &dotnet::PROJECT,
    &vex::ANALYZER,
];
