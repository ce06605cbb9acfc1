//! `packages.lock.json`, which NuGet writes where a project asks for it, and `project.assets.json`, which every restore
//! leaves for the build. (<https://github.com/NuGet/Home/wiki/Repeatable-build-using-lock-file-implementation>; NuGet's
//! `LockFileFormat`.)

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Diagnostic, Evidence, PackageFacts, PackageKind, json_reason};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

pub(super) fn run(file: &File<'_>) -> Extract {
    let out = if file.name() == "project.assets.json" { assets(file) } else { lock(file) };
    out.unwrap_or_else(Extract::failed)
}

fn parse<T: DeserializeOwned>(file: &File<'_>) -> Result<T, Diagnostic> {
    let text = file.text()?;
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text))
        .map_err(|error| file.malformed(json_reason(&error)))
}

/// Packages by name and version, which several frameworks have in common.
struct Packages<'f> {
    file: &'f File<'f>,
    list: Vec<PackageFacts>,
    seen: HashMap<(String, String), usize>,
    over_limit: bool,
    unusable: u64,
}

impl<'f> Packages<'f> {
    fn new(file: &'f File<'f>) -> Self {
        Self { file, list: Vec::new(), seen: HashMap::new(), over_limit: false, unusable: 0 }
    }

    fn add(&mut self, name: &str, version: &str, direct: Option<bool>, dev: bool, digest: &str) {
        if name.is_empty() || version.is_empty() {
            self.unusable += 1;
            return;
        }
        let key = (name.to_ascii_lowercase(), version.to_owned());
        if let Some(index) = self.seen.get(&key) {
            let known = &mut self.list[*index];
            known.direct = known.direct.max(direct);
            known.dev &= dev;
            return;
        }
        if self.list.len() >= self.file.limits.records {
            self.over_limit = true;
            return;
        }
        self.seen.insert(key, self.list.len());
        let extra = (!digest.is_empty()).then(|| ("sha512".to_owned(), digest.to_owned()));
        let facts = PackageFacts::new(PackageKind::Nuget, name, version);
        let extra = extra.into_iter().collect();
        self.list.push(PackageFacts { evidence: Evidence::Declared, direct, dev, extra, ..facts });
    }

    fn finish(self, mut diagnostics: Vec<Diagnostic>) -> Extract {
        if self.over_limit {
            diagnostics.push(self.file.exceeded(LimitKey::Records, "packages"));
        }
        if self.unusable > 0 {
            let message = format!("{} packages have no name or no version", self.unusable);
            diagnostics.push(self.file.malformed(message));
        }
        Extract { packages: self.list, diagnostics, ..Extract::default() }
    }
}

/// The members of an object by their names, also several of one name.
#[derive(Debug)]
struct Members<T>(Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let mut members: Vec<(String, T)> = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each(PhantomData))
    }
}

#[derive(Deserialize)]
struct Lock {
    version: u64,
    #[serde(default)]
    dependencies: Members<Members<Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    resolved: String,
    #[serde(default, rename = "contentHash")]
    digest: String,
}

fn lock(file: &File<'_>) -> Result<Extract, Diagnostic> {
    let lock: Lock = parse(file)?;
    let mut diagnostics = Vec::new();
    if lock.version > 2 {
        diagnostics.push(file.malformed(format_args!("lock file version {} is not known", lock.version)));
    }
    let mut packages = Packages::new(file);
    let mut projects = 0_u64;
    for (name, it) in lock.dependencies.0.iter().flat_map(|(_, framework)| &framework.0) {
        // Of the same source tree: it has its own lock file, and what it needs is in this one.
        if it.kind == "Project" {
            projects += 1;
            continue;
        }
        packages.add(name, &it.resolved, Some(it.kind == "Direct"), false, &it.digest);
    }
    if projects > 0 {
        diagnostics
            .push(file.skipped(format_args!("{projects} references to projects of the same source tree skipped")));
    }
    Ok(packages.finish(diagnostics))
}

#[derive(Deserialize)]
struct Assets {
    /// Of the format. One is always there.
    #[serde(rename = "version")]
    _version: u64,
    #[serde(default)]
    libraries: Members<Library>,
    #[serde(default)]
    project: Restored,
}

#[derive(Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    sha512: String,
}

#[derive(Deserialize, Default)]
struct Restored {
    #[serde(default)]
    frameworks: Members<Framework>,
}

#[derive(Deserialize)]
struct Framework {
    #[serde(default)]
    dependencies: Members<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default, rename = "suppressParent")]
    private: String,
}

fn assets(file: &File<'_>) -> Result<Extract, Diagnostic> {
    let assets: Assets = parse(file)?;
    let asked: HashMap<String, bool> = assets
        .project
        .frameworks
        .0
        .iter()
        .flat_map(|(_, framework)| &framework.dependencies.0)
        .map(|(name, asked)| (name.to_ascii_lowercase(), asked.private.eq_ignore_ascii_case("all")))
        .collect();
    let mut packages = Packages::new(file);
    let mut diagnostics = Vec::new();
    let mut projects = 0_u64;
    for (key, library) in &assets.libraries.0 {
        if library.kind == "project" {
            projects += 1;
            continue;
        }
        let (name, version) = key.split_once('/').unwrap_or((key, ""));
        let asked = asked.get(&name.to_ascii_lowercase());
        packages.add(name, version, Some(asked.is_some()), asked.copied().unwrap_or_default(), &library.sha512);
    }
    if projects > 0 {
        diagnostics
            .push(file.skipped(format_args!("{projects} references to projects of the same source tree skipped")));
    }
    Ok(packages.finish(diagnostics))
}
