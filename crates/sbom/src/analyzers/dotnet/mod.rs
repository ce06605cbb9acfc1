//! .NET: what a published program brings (`*.deps.json`), what a restore locked, and what projects ask for.

use crate::analyzer::Analyzer;
use sekisho_model::PackageKind;

mod config;
mod deps;
mod lock;
mod project;

/// Reads what a published program says it brings.
pub(crate) static DEPS: Analyzer = Analyzer {
    id: "dotnet-deps",
    title: ".NET programs (*.deps.json)",
    kinds: &[PackageKind::Nuget],
    paths: &["**/*.deps.json"],
    alike: same_name,
    run: deps::run,
    ..Analyzer::NONE
};

/// Reads NuGet's lock files, and what a restore left for the build.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "nuget-lock",
    version: 2,
    title: "NuGet lock files (packages.lock.json) and restored projects (project.assets.json)",
    kinds: &[PackageKind::Nuget],
    paths: &["**/packages.lock.json", "**/packages.*.lock.json", "**/project.assets.json"],
    alike: same_name,
    run: lock::run,
    ..Analyzer::NONE
};

/// Reads the packages of old projects.
pub(crate) static CONFIG: Analyzer = Analyzer {
    id: "nuget-config",
    version: 2,
    title: "NuGet packages of old projects (packages.config)",
    kinds: &[PackageKind::Nuget],
    paths: &["**/packages.config", "**/packages.*.config"],
    run: config::run,
    ..Analyzer::NONE
};

/// Reads projects, and the versions that many share.
pub(crate) static PROJECT: Analyzer = Analyzer {
    id: "dotnet-project",
    title: ".NET projects (*.csproj, *.fsproj, *.vbproj, Directory.Packages.props, Directory.Build.props)",
    kinds: &[PackageKind::Nuget],
    paths: &[
        "**/*.csproj",
        "**/*.fsproj",
        "**/*.vbproj",
        "**/Directory.Packages.props",
        "**/Directory.Build.props",
        "**/Directory.Build.targets",
    ],
    version: 4,
    any_case: true,
    alike: |a, b| a == b,
    run: project::run,
    ..Analyzer::NONE
};

/// Whether the name of the file, which says something, is the same.
fn same_name(a: &str, b: &str) -> bool {
    a.rsplit('/').next() == b.rsplit('/').next()
}

#[cfg(test)]
mod tests;
