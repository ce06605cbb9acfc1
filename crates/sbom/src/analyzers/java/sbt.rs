//! `build.sbt.lock`, which sbt-dependency-lock writes. (<https://stringbean.github.io/sbt-dependency-lock/>, "Lock file
//! format", versions 1 and 2.)

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Evidence, PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Lock<'a> {
    #[serde(rename = "lockVersion")]
    version: u64,
    #[serde(borrow, default)]
    dependencies: Vec<Dependency<'a>>,
}

#[derive(Deserialize)]
struct Dependency<'a> {
    #[serde(borrow, default)]
    org: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(borrow, default)]
    configurations: Vec<Cow<'a, str>>,
}

/// Configurations that no program runs with.
const DEV: &[&str] = &["test", "test-internal", "it", "integration-test", "scala-tool", "scala-doc-tool", "pom"];

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let lock: Lock<'_> = match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(lock) => lock,
        Err(error) => return Extract::failed(file.malformed(json_reason(&error))),
    };
    let mut diagnostics = Vec::new();
    if lock.version > 2 {
        diagnostics.push(file.malformed(format_args!("lock file version {} is not known", lock.version)));
    }
    if lock.dependencies.len() > file.limits.records {
        diagnostics.push(file.exceeded(LimitKey::Records, "dependencies"));
    }
    let mut unusable = 0_u64;
    let mut packages = Vec::new();
    for it in lock.dependencies.iter().take(file.limits.records) {
        if it.org.is_empty() || it.name.is_empty() || it.version.is_empty() {
            unusable += 1;
            continue;
        }
        let dev = !it.configurations.is_empty() && it.configurations.iter().all(|name| DEV.contains(&&**name));
        let name = format!("{}:{}", it.org, it.name);
        let facts = PackageFacts::new(PackageKind::Maven, name, it.version.as_ref());
        packages.push(PackageFacts { evidence: Evidence::Declared, dev, ..facts });
    }
    if unusable > 0 {
        diagnostics.push(file.malformed(format_args!("{unusable} dependencies have no org, name or version")));
    }
    Extract { packages, diagnostics, ..Extract::default() }
}
