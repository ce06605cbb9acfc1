//! Rust crates: what `Cargo.lock` names, and what `cargo auditable` left in an executable.

use crate::analyzer::Analyzer;
use crate::analyzers::executable;
use sekisho_model::PackageKind;

mod auditable;
mod lock;

/// Reads `Cargo.lock`.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "cargo-lock",
    version: 3,
    title: "Rust lock files (Cargo.lock)",
    kinds: &[PackageKind::Cargo],
    paths: &["**/Cargo.lock"],
    run: lock::run,
    ..Analyzer::NONE
};

/// Reads executables with a list of their crates.
pub(crate) static BINARY: Analyzer = Analyzer {
    id: "rust-binary",
    title: "Rust crates in executables (cargo auditable; ELF, PE, Mach-O)",
    kinds: &[PackageKind::Cargo],
    magic: executable::MAGIC,
    // The standard library alone is larger.
    magic_min_bytes: 64 << 10,
    random_access: true,
    run: auditable::run,
    ..Analyzer::NONE
};

#[cfg(test)]
mod tests;
