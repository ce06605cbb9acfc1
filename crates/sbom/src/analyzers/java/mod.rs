//! Java: archives with all archives in them, and the files by which Maven, Gradle and sbt declare what a build takes.
//!
//! What is not here: the build files of Gradle and sbt themselves, which are programs; class files; the digests of
//! archives, by which a service knows archives that say nothing of themselves.

use crate::analyzer::Analyzer;
use sekisho_model::PackageKind;

mod archive;
mod gradle;
mod identity;
mod manifest;
mod pom;
mod properties;
mod release;
mod sbt;
mod unpacked;

/// Reads archives.
pub(crate) static ARCHIVE: Analyzer = Analyzer {
    id: "java-archive",
    title: "Java archives with those in them (jar, war, ear and others)",
    kinds: &[PackageKind::Maven],
    paths: &[
        "**/*.jar",
        "**/*.war",
        "**/*.ear",
        "**/*.par",
        "**/*.sar",
        "**/*.nar",
        "**/*.kar",
        "**/*.hpi",
        "**/*.jpi",
        "**/*.lpkg",
    ],
    any_case: true,
    random_access: true,
    alike: same_name,
    version: 2,
    run: archive::run,
    ..Analyzer::NONE
};

/// Reads the Maven metadata of archives that were unpacked.
pub(crate) static UNPACKED: Analyzer = Analyzer {
    id: "java-unpacked",
    title: "Maven metadata of unpacked archives (pom.properties)",
    kinds: &[PackageKind::Maven],
    paths: &["**/META-INF/maven/*/*/pom.properties"],
    version: 2,
    run: unpacked::run,
    ..Analyzer::NONE
};

/// Reads Maven projects.
pub(crate) static POM: Analyzer = Analyzer {
    id: "maven-pom",
    version: 3,
    title: "Maven projects (pom.xml), with properties, parents and versions managed in others",
    kinds: &[PackageKind::Maven],
    // A parent may have another name. Those that such files have are read, for what they say of others alone.
    paths: &["**/pom.xml", "**/*pom*.xml", "**/*parent*.xml", "**/*.pom"],
    not_below: &["META-INF"],
    alike: |a, b| a == b,
    run: pom::run,
    ..Analyzer::NONE
};

/// Reads what Java runtimes say of themselves.
pub(crate) static RELEASE: Analyzer = Analyzer {
    id: "java-release",
    title: "Java runtimes (the file release in their home)",
    kinds: &[PackageKind::Generic],
    paths: &["**/release"],
    alike: |a, b| a.contains("zulu") == b.contains("zulu"),
    run: release::run,
    ..Analyzer::NONE
};

/// Reads lock files of Gradle.
pub(crate) static GRADLE_LOCK: Analyzer = Analyzer {
    id: "gradle-lock",
    title: "Gradle lock files (gradle.lockfile, buildscript-gradle.lockfile, dependency-locks/*.lockfile)",
    kinds: &[PackageKind::Maven],
    paths: &["**/*gradle.lockfile", "**/dependency-locks/*.lockfile"],
    alike: same_name,
    version: 4,
    run: gradle::lock,
    ..Analyzer::NONE
};

/// Reads what Gradle verifies dependencies by.
pub(crate) static GRADLE_VERIFICATION: Analyzer = Analyzer {
    id: "gradle-verification",
    version: 2,
    title: "Gradle dependency verification (gradle/verification-metadata.xml)",
    kinds: &[PackageKind::Maven],
    paths: &["**/gradle/verification-metadata.xml"],
    run: gradle::verification,
    ..Analyzer::NONE
};

/// Reads lock files of sbt.
pub(crate) static SBT_LOCK: Analyzer = Analyzer {
    id: "sbt-lock",
    title: "sbt lock files (build.sbt.lock)",
    kinds: &[PackageKind::Maven],
    paths: &["**/build.sbt.lock"],
    run: sbt::run,
    ..Analyzer::NONE
};

/// Whether the name of the file, which says something, is the same.
fn same_name(a: &str, b: &str) -> bool {
    a.rsplit('/').next() == b.rsplit('/').next()
}

#[cfg(test)]
mod tests;
