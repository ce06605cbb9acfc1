//! `NAME.deps.json`, which lies beside a .NET program: what it was built with and brings.
//! (<https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md>.)
//!
//! `libraries` has an entry `NAME/VERSION` for each package, for the program itself and for projects built with it, for
//! packs of the runtime that lie in the same directory, and for single assemblies. All are listed, with what they are as
//! the extra `type` where that is no package.

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Evidence, PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

#[derive(Deserialize)]
struct Deps {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default, rename = "compileOnly")]
    compile_only: bool,
}

#[derive(Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    sha512: String,
}

/// What stands before the names of packs of the runtime.
const RUNTIME_PACK: &str = "runtimepack.";

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let deps: Deps = match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(deps) => deps,
        Err(error) => return Extract::failed(file.malformed(json_reason(&error))),
    };
    let program = file.name().get(..file.name().len().saturating_sub(".deps.json".len())).unwrap_or_default();
    let is_program = |key: &str| key.split_once('/').is_some_and(|(name, _)| name.eq_ignore_ascii_case(program));
    let targets = || deps.targets.values().flatten();
    let asked: HashSet<String> = targets()
        .filter(|(key, _)| is_program(key))
        .flat_map(|(_, target)| target.dependencies.keys().map(|name| name.to_ascii_lowercase()))
        .collect();
    let compile_only: HashSet<&str> =
        targets().filter(|(_, target)| target.compile_only).map(|(key, _)| key.as_str()).collect();
    let (mut packages, mut diagnostics, mut unusable) = (Vec::new(), Vec::new(), 0_u64);
    for (key, library) in &deps.libraries {
        let Some((name, version)) =
            key.split_once('/').filter(|(name, version)| !name.is_empty() && !version.is_empty())
        else {
            unusable += 1;
            continue;
        };
        if packages.len() >= file.limits.records {
            diagnostics.push(file.exceeded(LimitKey::Records, "libraries"));
            break;
        }
        let direct = (!asked.is_empty() && !is_program(key)).then(|| asked.contains(&name.to_ascii_lowercase()));
        let mut facts = PackageFacts::new(PackageKind::Nuget, name.strip_prefix(RUNTIME_PACK).unwrap_or(name), version);
        facts.direct = direct;
        facts.dev = compile_only.contains(key.as_str());
        if facts.dev {
            // It was only compiled with: nothing of it is there.
            facts.evidence = Evidence::Declared;
        }
        let texts = [("sha512", &library.sha512), ("type", &library.kind)];
        let texts = texts.into_iter().filter(|(_, text)| !text.is_empty() && *text != "package");
        facts.extra = texts.map(|(key, text)| (key.to_owned(), text.clone())).collect();
        packages.push(facts);
    }
    if unusable > 0 {
        diagnostics.push(file.malformed(format_args!("{unusable} libraries are not named NAME/VERSION")));
    }
    Extract { packages, diagnostics, ..Extract::default() }
}
