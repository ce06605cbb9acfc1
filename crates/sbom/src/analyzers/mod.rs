//! The analyzers, one folder each: code, fixtures and goldens together.
//!
//! The table below is the only place that names them; dispatch, cache keys, help and documentation
//! are driven by it.

use crate::analyzer::Analyzer;

pub mod apk;
pub mod binary;
mod bottlerocket;
mod cargo;
mod cocoapods;
mod composer;
mod conan;
mod conda;
mod cran;
mod dart;
mod dotnet;
pub mod dpkg;
pub mod embedded;
mod executable;
mod gem;
mod golang;
mod gomod;
mod hackage;
mod hex;
mod java;
mod json;
mod julia;
pub(crate) mod lock;
mod npm;
mod os_release;
mod pacman;
pub mod pkginfo;
mod portage;
mod python;
mod redhat;
pub mod rpm;
mod swift;
mod unread;
mod vex;
mod wordpress;

/// Every analyzer, in the order in which they are offered a file.
pub static ANALYZERS: &[&Analyzer] = &[
    &os_release::ANALYZER,
    &dpkg::STATUS,
    &dpkg::PACKAGE,
    &dpkg::FILES,
    &dpkg::COPYRIGHT,
    &apk::ANALYZER,
    &rpm::ANALYZER,
    &rpm::PACKAGE,
    &redhat::ANALYZER,
    &bottlerocket::ANALYZER,
    &pacman::PACKAGES,
    &pacman::FILES,
    &pkginfo::PACKAGE,
    &portage::PACKAGES,
    &portage::LICENSES,
    &python::ANALYZER,
    &python::NAMED,
    &python::EGG,
    &python::REQUIREMENTS,
    &python::SETUP,
    &python::PIPFILE,
    &python::POETRY,
    &python::UV,
    &python::PDM,
    &python::PYLOCK,
    &conda::ANALYZER,
    &npm::INSTALLED,
    &npm::LOCK,
    &npm::YARN,
    &npm::PNPM,
    &npm::BUN,
    &cargo::LOCK,
    &cargo::BINARY,
    &golang::ANALYZER,
    &gomod::ANALYZER,
    &java::ARCHIVE,
    &java::UNPACKED,
    &java::POM,
    &java::RELEASE,
    &java::GRADLE_LOCK,
    &java::GRADLE_VERIFICATION,
    &java::SBT_LOCK,
    &dotnet::DEPS,
    &dotnet::LOCK,
    &dotnet::CONFIG,
    &dotnet::PROJECT,
    &gem::INSTALLED,
    &gem::LOCK,
    &composer::INSTALLED,
    &composer::LOCK,
    &wordpress::ANALYZER,
    &dart::ANALYZER,
    &hex::ANALYZER,
    &swift::ANALYZER,
    &cocoapods::ANALYZER,
    &conan::LOCK,
    &conan::MANIFEST,
    &julia::ANALYZER,
    &cran::INSTALLED,
    &cran::LOCK,
    &hackage::CABAL,
    &hackage::PROJECT,
    &hackage::STACK,
    &binary::ANALYZER,
    &embedded::ANALYZER,
    &vex::ANALYZER,
    &unread::ANALYZER,
];

#[cfg(test)]
mod tests;
