//! The analyzers, one folder each: code, fixtures and goldens together.
//!
//! The table below is the only place that names them; dispatch, cache keys, help and documentation
//! are driven by it.

use crate::analyzer::Analyzer;

pub mod apk;
mod bottlerocket;
pub mod dpkg;
mod golang;
mod npm;
mod os_release;
mod pacman;
mod portage;
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
    &bottlerocket::ANALYZER,
    &pacman::PACKAGES,
    &pacman::FILES,
    &portage::PACKAGES,
    &portage::LICENSES,
    &python::ANALYZER,
    &npm::INSTALLED,
    &npm::LOCK,
    &golang::ANALYZER,
    &vex::ANALYZER,
];
