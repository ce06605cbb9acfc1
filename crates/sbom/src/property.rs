//! What the standards have no field for, by name: our own words, and those of Trivy and Syft.
//!
//! CycloneDX has properties for it; in SPDX they are the text of an annotation. A reader of ours loses nothing: what a
//! field would not bring back as it was is in a property as well.

use crate::json::Text;
use jiff::Timestamp;
use sekisho_model::{Evidence, Inventory, License, Origin, Package, PackageId, PackageKind, SourcePackage};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// All of an inventory but its packages, as JSON: what no reader but ours would understand, or would take for something
/// that is there, such as removed packages.
pub(crate) const INVENTORY: &str = "sekisho:inventory";
const EXTRA: &str = "sekisho:extra:";
const TRIVY: &str = "aquasecurity:trivy:";

/// A name and what stands under it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Property<'a> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Cow<'a, str>,
}

/// The property that holds all of an inventory but its packages. It was observed at the document's own time: two documents
/// of one image are the same, whenever they were written.
pub(crate) fn of_inventory(inventory: &Inventory, time: Timestamp) -> serde_json::Result<Property<'static>> {
    let value = serde_json::to_string(&Inventory { observed_at: time, ..inventory.without_packages() })?;
    Ok(Property { name: INVENTORY.into(), value: value.into() })
}

/// What fields bring back of a package, which need not be said again.
pub(crate) struct InFields<'a> {
    pub(crate) licenses: &'a [License],
    pub(crate) supplier: Option<&'a str>,
    pub(crate) location: Option<&'a str>,
}

/// What is known of a package beyond the fields. `diff_ids` are those of the image's layers.
pub(crate) fn of_package<'a>(
    diff_ids: &'a [Option<String>],
    package: &'a Package,
    fields: &InFields<'_>,
) -> Vec<Property<'a>> {
    let facts = &package.facts;
    let mut properties = Vec::new();
    let mut add = |name: &'static str, value: Cow<'a, str>| properties.push(Property { name: name.into(), value });
    if facts.kind != package.purl.kind() {
        add("sekisho:kind", facts.kind.as_str().into());
    }
    if let Some(own) = facts.arch.as_deref().filter(|own| package.purl.qualifier("arch").as_deref() != Some(own)) {
        add("sekisho:arch", own.into());
    }
    if fields.location != Some(package.location.as_str()) {
        add("sekisho:location", package.location.as_str().into());
    }
    match facts.evidence {
        Evidence::Installed => {}
        Evidence::Declared => add("sekisho:evidence", "declared".into()),
        Evidence::Inferred => add("sekisho:evidence", "inferred".into()),
    }
    if facts.dev {
        add("sekisho:dev", "true".into());
    }
    if let Some(direct) = facts.direct {
        add("sekisho:direct", if direct { "true" } else { "false" }.into());
    }
    if let Some(layer) = package.layer {
        add("sekisho:layer:index", layer.to_string().into());
        if let Some(diff_id) = diff_ids.get(layer as usize).and_then(Option::as_deref) {
            add("sekisho:layer:diff_id", diff_id.into());
        }
    }
    match package.origin {
        Origin::Base => add("sekisho:origin", "base".into()),
        Origin::Application => add("sekisho:origin", "application".into()),
        Origin::Unknown => {}
    }
    if let Some(owner) = &package.owned_by {
        add("sekisho:owned_by", owner.as_str().into());
    }
    if let Some(source) = &facts.source {
        add("sekisho:source:name", source.name.as_str().into());
        add("sekisho:source:version", source.version.as_str().into());
    }
    if facts.licenses != fields.licenses {
        // A list of texts is always JSON.
        add("sekisho:licenses", serde_json::to_string(&facts.licenses).unwrap_or_default().into());
    }
    if let Some(supplier) = facts.supplier.as_deref().filter(|own| fields.supplier != Some(*own)) {
        add("sekisho:supplier", supplier.into());
    }
    for (key, value) in &facts.extra {
        let name = Cow::Owned(format!("{EXTRA}{key}"));
        properties.push(Property { name, value: value.as_str().into() });
    }
    properties
}

/// A property as it is read.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Word {
    #[serde(default)]
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) value: Text,
}

impl Word {
    /// What Trivy writes as `Key: value` where a standard has no properties.
    pub(crate) fn of_trivy(text: &str) -> Option<Self> {
        let (key, value) = text.split_once(": ")?;
        let is_key =
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":._-/".contains(&byte));
        is_key.then(|| Self { name: Text(format!("{TRIVY}{key}")), value: Text(value.to_owned()) })
    }
}

/// The properties of one thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a>(pub(crate) &'a [Word]);

impl<'a> Words<'a> {
    /// The first value under a name.
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|word| *word.name == *name).map(|word| &*word.value)
    }

    /// The same, where it says something.
    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// What Trivy says under `name`.
    pub(crate) fn trivy(self, name: &str) -> Option<&'a str> {
        let is = |word: &&Word| word.name.strip_prefix(TRIVY) == Some(name);
        self.0.iter().find(is).map(|word| &*word.value).filter(|value| !value.is_empty())
    }

    /// All that Trivy says under names with this beginning, with the rest of the name.
    pub(crate) fn all_of_trivy(self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let rest = move |word: &'a Word| word.name.strip_prefix(TRIVY)?.strip_prefix(prefix);
        self.0.iter().filter_map(move |word| Some((rest(word)?, &*word.value)))
    }

    /// The source package, where our own words name one.
    pub(crate) fn source(self) -> Option<SourcePackage> {
        let [name, version] = ["sekisho:source:name", "sekisho:source:version"].map(|name| self.get(name));
        Some(SourcePackage { name: name?.to_owned(), version: version?.to_owned() })
    }

    /// Whether they are of a program that names the source of each package that has another name.
    pub(crate) fn names_sources(self) -> bool {
        self.0.iter().any(|word| word.name.starts_with(TRIVY) || word.name.starts_with("syft:"))
    }

    /// The source package, where Trivy's or Syft's words name one.
    pub(crate) fn foreign_source(self, version: &str) -> Option<SourcePackage> {
        if let Some(name) = self.trivy("SrcName") {
            let [epoch, own, release] = ["SrcEpoch", "SrcVersion", "SrcRelease"].map(|name| self.trivy(name));
            let own = full(epoch, own.unwrap_or_default(), release);
            return Some(SourcePackage { name: name.to_owned(), version: or(own, version) });
        }
        if let Some(file) = self.text("syft:metadata:sourceRpm") {
            return SourcePackage::of_rpm(file);
        }
        let origin = self.text("syft:metadata:originPackage").map(|name| (name, None));
        let source = self.text("syft:metadata:source").map(|name| (name, self.text("syft:metadata:sourceVersion")));
        let (name, own) = source.or(origin)?;
        Some(SourcePackage { name: name.to_owned(), version: own.unwrap_or(version).to_owned() })
    }

    /// What is under our words for what the ecosystem adds.
    pub(crate) fn extra(self) -> Vec<(String, String)> {
        let key = |word: &'a Word| word.name.strip_prefix(EXTRA);
        self.0.iter().filter_map(|word| Some((key(word)?.to_owned(), word.value.0.clone()))).collect()
    }

    /// The module of rpm.
    pub(crate) fn modularity(self) -> Option<&'a str> {
        self.trivy("Modularitylabel").or_else(|| self.text("syft:metadata:modularityLabel"))
    }

    /// How Trivy and Syft know of it, by the kind of file that they read.
    pub(crate) fn foreign_evidence(self) -> Evidence {
        // What Trivy calls files that only name what is to be installed.
        const DECLARED: [&str; 26] = [
            "bun",
            "bundler",
            "cargo",
            "cocoapods",
            "composer",
            "conan",
            "conda-environment",
            "gomod",
            "gradle",
            "hex",
            "julia",
            "npm",
            "nuget",
            "nuget-config",
            "packages-props",
            "pip",
            "pipenv",
            "pnpm",
            "poetry",
            "pom",
            "pub",
            "pylock",
            "sbt",
            "swift",
            "uv",
            "yarn",
        ];
        if let Some(kind) = self.trivy("PkgType") {
            return if DECLARED.contains(&kind) { Evidence::Declared } else { Evidence::Installed };
        }
        evidence_of_cataloger(self.text("syft:package:foundBy").unwrap_or_default())
    }

    /// The direct or transitive, development or not, that our words say.
    pub(crate) fn is(self, name: &str) -> Option<bool> {
        match self.get(name)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The licences that no field brings back.
    pub(crate) fn licenses(self) -> Option<Vec<License>> {
        serde_json::from_str(self.get("sekisho:licenses")?).ok()
    }

    /// How we know of it.
    pub(crate) fn evidence(self) -> Evidence {
        match self.get("sekisho:evidence") {
            Some("declared") => Evidence::Declared,
            Some("inferred") => Evidence::Inferred,
            _ => Evidence::Installed,
        }
    }

    /// Who put it into the image.
    pub(crate) fn origin(self) -> Origin {
        match self.get("sekisho:origin") {
            Some("base") => Origin::Base,
            Some("application") => Origin::Application,
            _ => Origin::Unknown,
        }
    }

    /// The package of the system that owns its file.
    pub(crate) fn owner(self) -> Option<PackageId> {
        PackageId::parse(self.get("sekisho:owned_by")?)
    }

    /// The ecosystem, where its package URL is of another type.
    pub(crate) fn kind(self) -> Option<PackageKind> {
        let text = self.get("sekisho:kind")?;
        PackageKind::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// How Syft knows of what a cataloger of it finds (`syft cataloger list`).
pub(crate) fn evidence_of_cataloger(name: &str) -> Evidence {
    match name {
        "binary-classifier-cataloger" => Evidence::Inferred,
        "python-package-cataloger" | "go-module-file-cataloger" | "dart-pubspec-lock-cataloger" => Evidence::Declared,
        _ if name.contains("-lock-") || name.contains("-lockfile-") => Evidence::Declared,
        _ => Evidence::Installed,
    }
}

/// A version with its epoch and release.
pub(crate) fn full(epoch: Option<&str>, version: &str, release: Option<&str>) -> String {
    let epoch = epoch.filter(|epoch| !matches!(*epoch, "" | "0"));
    let epoch = epoch.filter(|_| !version.contains(':')).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = release.filter(|release| !release.is_empty()).map(|release| format!("-{release}"));
    format!("{epoch}{version}{}", release.unwrap_or_default())
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}
