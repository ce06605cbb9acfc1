//! Gradle's lock files and the file it verifies dependencies by.
//!
//! A lock file has a line `group:artifact:version=configuration,configuration` for each dependency; up to Gradle 6 there
//! was a file for each configuration, with lines `group:artifact:version`. (Gradle User Manual, "Locking Versions" and
//! "Verifying dependencies".)

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_base::xml::{self, Node};
use sekisho_model::{Evidence, PackageFacts, PackageKind};
use std::collections::HashSet;

/// Words in the names of configurations that are for tests or tools of the build only: `testRuntimeClasspath`,
/// `debugUnitTestCompileClasspath`, `annotationProcessor`, `integrationTestImplementation`, `testFixturesApi`.
const DEV: &[&[&str]] = &[
    &["test"],
    &["tests"],
    &["checkstyle"],
    &["annotation", "processor"],
    &["jacoco"],
    &["pmd"],
    &["spotbugs"],
    &["detekt"],
    &["ktlint"],
    &["kapt"],
    &["ksp"],
    &["jmh"],
];

/// Whether a configuration is one of these. Its words are told by their capitals: `latestRuntimeClasspath` is for no tests.
fn is_dev(configuration: &str) -> bool {
    let words = words(configuration);
    DEV.iter().any(|dev| {
        words.windows(dev.len()).any(|part| part.iter().zip(*dev).all(|(word, dev)| word.eq_ignore_ascii_case(dev)))
    })
}

/// The words of `debugUnitTestCompileClasspath` or `jacocoAnt`; digits end none.
fn words(name: &str) -> Vec<&str> {
    let (mut words, mut start, mut was_lower) = (Vec::new(), 0, false);
    for (at, character) in name.char_indices() {
        let is_sign = !character.is_alphanumeric();
        if is_sign || character.is_uppercase() && was_lower {
            words.extend(Some(&name[start..at]).filter(|word| !word.is_empty()));
            start = if is_sign { at + character.len_utf8() } else { at };
        }
        was_lower = !character.is_uppercase();
    }
    words.extend(Some(&name[start..]).filter(|word| !word.is_empty()));
    words
}

fn declared(group: &str, artifact: &str, version: &str) -> PackageFacts {
    let facts = PackageFacts::new(PackageKind::Maven, format!("{group}:{artifact}"), version);
    PackageFacts { evidence: Evidence::Declared, ..facts }
}

pub(super) fn lock(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    // What the build itself runs on.
    let build = ["buildscript-gradle.lockfile", "settings-gradle.lockfile"].contains(&file.name())
        || file.name().starts_with("buildscript-");
    let of_file = file.name().strip_suffix(".lockfile").filter(|_| !file.name().ends_with("gradle.lockfile"));
    let (mut packages, mut diagnostics, mut unusable) = (Vec::new(), Vec::new(), 0_u64);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (package, configurations) = line.split_once('=').unwrap_or((line, of_file.unwrap_or_default()));
        // `empty=` names the configurations without a dependency.
        if package == "empty" {
            continue;
        }
        let parts: Vec<&str> = package.splitn(4, ':').collect();
        let &[group, artifact, version] = parts.as_slice() else {
            unusable += 1;
            continue;
        };
        // Whatever else is called so and has colons, as JSON, is no lock file.
        if group.is_empty() || artifact.is_empty() || version.is_empty() || package.contains(['"', '{', '<', ' ']) {
            unusable += 1;
            continue;
        }
        if packages.len() >= file.limits.records {
            diagnostics.push(file.exceeded(LimitKey::Records, "dependencies"));
            break;
        }
        let mut configurations = configurations.split(',').filter(|name| !name.is_empty()).peekable();
        let dev = build || configurations.peek().is_some() && configurations.all(is_dev);
        packages.push(PackageFacts { dev, ..declared(group, artifact, version) });
    }
    if unusable > 0 {
        diagnostics.push(file.malformed(format_args!("{unusable} lines are not group:artifact:version")));
    }
    diagnostics.extend(file.empty());
    Extract { packages, diagnostics, ..Extract::default() }
}

/// Of all that Gradle ever took: what the build runs on as well. A component of which it only took descriptions (parents,
/// tables of versions) has no code.
pub(super) fn verification(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let (mut packages, mut diagnostics, mut unusable) = (Vec::new(), Vec::new(), 0_u64);
    let mut seen = HashSet::new();
    let mut component: Option<(String, String, String)> = None;
    let (mut described, mut code, mut over_limit) = (false, false, false);
    let outcome = xml::read(text.strip_prefix('\u{feff}').unwrap_or(&text), |node| match node {
        Node::Open("component", attributes) => {
            component = Some((attributes.get("group"), attributes.get("name"), attributes.get("version")));
            (described, code) = (false, false);
        }
        Node::Open("artifact", attributes) => {
            let name = attributes.get("name");
            let description = matches!(name.rsplit_once('.'), Some((_, "pom" | "module")));
            (described, code) = (described || description, code || !description);
        }
        Node::Close("component", _) => {
            let Some((group, artifact, version)) = component.take() else { return };
            if group.is_empty() || artifact.is_empty() || version.is_empty() {
                unusable += 1;
            } else if packages.len() >= file.limits.records {
                over_limit = true;
            } else if (code || !described) && seen.insert((group.clone(), artifact.clone(), version.clone())) {
                packages.push(declared(&group, &artifact, &version));
            }
        }
        _ => {}
    });
    diagnostics.extend(file.of_kind(outcome, &text, "verification-metadata"));
    if over_limit {
        diagnostics.push(file.exceeded(LimitKey::Records, "components"));
    }
    if unusable > 0 {
        diagnostics.push(file.malformed(format_args!("{unusable} components have no group, name or version")));
    }
    Extract { packages, diagnostics, ..Extract::default() }
}

#[cfg(test)]
mod tests {
    use super::is_dev;

    #[test]
    fn configurations_are_told_by_their_words() {
        for name in [
            "testRuntimeClasspath",
            "test",
            "debugUnitTestCompileClasspath",
            "integrationTestImplementation",
            "androidTestUtil",
            "testFixturesApi",
            "annotationProcessor",
            "debugAnnotationProcessorClasspath",
            "jacocoAnt",
            "pmd",
            "kaptClasspath_kaptDebugKotlin",
            "_internal-test-runner",
        ] {
            assert!(is_dev(name), "{name}");
        }
        for name in [
            "latestRuntimeClasspath",
            "runtimeClasspath",
            "contestApi",
            "attestationCompileClasspath",
            "greatestImplementation",
            "TESTAMENT",
            "annotationsApi",
            "",
        ] {
            assert!(!is_dev(name), "{name}");
        }
    }
}
