//! Several inventories as one: an image and what was built into it, or the parts of a product.
//!
//! A package that two of them have at the same place is one. The distribution decides whose advisories hold for its
//! packages, so that inventories of different ones are not merged.

use crate::analyzers::embedded::NAMED_BY;
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::{
    Code, ContentSets, Diagnostic, INVENTORY_SCHEMA, Inventory, Origin, OsRelease, Package, PackageKind, PurlParts,
    Source, SourceKind, Tool, distribution_id, is_same_release,
};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// Why inventories are not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is nothing to merge")]
    Nothing,
    /// Advisories of one distribution say nothing about packages of another.
    #[error("{0} and {1} are different distributions: whose advisories hold for a package could not be told any more")]
    Distributions(String, String),
}

/// Puts `inventories` into one, written by `tool`; one alone stays as it is.
///
/// Of an image, and of its layers, the result tells only where it is the only one.
pub fn merge(inventories: Vec<Inventory>, tool: Tool, limits: &Limits) -> Result<Inventory, MergeError> {
    if inventories.len() < 2 {
        return inventories.into_iter().next().ok_or(MergeError::Nothing);
    }
    let os = system(&inventories)?;
    let mut images: Vec<_> = inventories.iter().filter_map(|inventory| inventory.image.as_ref()).collect();
    images.dedup_by(|a, b| a.config_digest == b.config_digest);
    let image = if let [image] = images[..] { Some(image.clone()) } else { None };
    let names: Vec<&str> = inventories.iter().map(|inventory| inventory.source.name.as_str()).collect();
    let mut merged = Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        tool,
        observed_at: inventories.iter().map(|inventory| inventory.observed_at).max().unwrap_or_default(),
        source: Source { kind: SourceKind::Sbom, name: names.join(" + ") },
        image,
        os,
        packages: Vec::new(),
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: inventories.iter().all(|inventory| inventory.complete),
        diagnostics: Vec::new(),
    };
    let mut places = HashMap::new();
    let mut is_full = false;
    for inventory in inventories {
        // Layers have numbers in their own image only.
        let has_layers = merged.image.is_some() && inventory.image.is_some();
        for mut package in inventory.packages {
            if !has_layers {
                (package.layer, package.origin) = (None, Origin::Unknown);
            }
            let Some(at) = places.get(&package.id) else {
                if merged.packages.len() < limits.records {
                    places.insert(package.id.clone(), merged.packages.len());
                    merged.packages.push(package);
                } else {
                    is_full = true;
                }
                continue;
            };
            // Of two that say something of the same package the one that says more is kept.
            let known: &mut Package = &mut merged.packages[*at];
            known.facts.source = known.facts.source.take().or(package.facts.source);
            known.facts.dev &= package.facts.dev;
            known.owned_by = known.owned_by.take().or(package.owned_by);
            for extra in package.facts.extra {
                if known.facts.extra.iter().all(|(key, _)| *key != extra.0) {
                    known.facts.extra.push(extra);
                }
            }
        }
        if has_layers {
            merged.removed.extend(inventory.removed);
        }
        merged.documents.extend(inventory.documents);
        let sets = inventory.content_sets.into_iter();
        merged.content_sets.extend(sets.map(|sets| ContentSets { layer: sets.layer.filter(|_| has_layers), ..sets }));
        let told = inventory.diagnostics.into_iter();
        merged.diagnostics.extend(told.map(|told| Diagnostic { layer: told.layer.filter(|_| has_layers), ..told }));
    }
    if is_full {
        let exceeded = limits.exceeded(LimitKey::Records, "records");
        merged.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
        merged.complete = false;
    }
    merged.packages.sort_by(order);
    merged.content_sets.sort();
    merged.content_sets.dedup();
    merged.diagnostics.sort();
    merged.diagnostics.dedup();
    Ok(merged)
}

/// What came of [`supplement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supplement {
    /// Packages that were added.
    pub added: usize,
    /// Those that the inventory had.
    pub known: usize,
    /// Packages of the inventory that the SBOM does not name.
    pub unnamed: usize,
    /// Packages of another system than that of the inventory, which were left out.
    pub foreign: usize,
}

/// Adds to `inventory` what only an SBOM about the same thing names, marked with where that is `from`: whoever wrote the
/// SBOM can add a package, and take none away.
///
/// Packages are the same where kind, name and version are, wherever either says that they lie.
pub fn supplement(inventory: &mut Inventory, sbom: Inventory, from: &str, limits: &Limits) -> Supplement {
    let is_same =
        |own: &OsRelease, other: &OsRelease| is_of(own, (distribution_id(&other.id), other.version_id.as_str()));
    let is_foreign = matches!((&inventory.os, &sbom.os), (Some(own), Some(other)) if !is_same(own, other));
    if inventory.os.is_none() {
        inventory.os = sbom.os;
    }
    let mut own: HashMap<_, bool> = inventory.packages.iter().map(|package| (identity(package), false)).collect();
    let distinct = own.len();
    let mut done = Supplement { added: 0, known: 0, unnamed: 0, foreign: 0 };
    for mut package in sbom.packages {
        if let Some(named) = own.get_mut(&identity(&package)) {
            done.known += 1;
            *named = true;
        } else if is_foreign && package.facts.kind.is_os() {
            done.foreign += 1;
        } else if inventory.packages.len() >= limits.records {
            inventory.diagnostics.push(Diagnostic::incomplete(
                Code::LimitExceeded,
                limits.exceeded(LimitKey::Records, "packages with those of SBOMs").to_string(),
            ));
            break;
        } else {
            (package.layer, package.origin, package.owned_by) = (None, Origin::Unknown, None);
            package.facts.extra.push((NAMED_BY.to_owned(), from.to_owned()));
            package.facts.extra.sort();
            done.added += 1;
            inventory.packages.push(package);
        }
    }
    done.unnamed = distinct - own.values().filter(|named| **named).count();
    inventory.packages.sort_by(order);
    done
}

/// The packages that something else than an SBOM in the image itself tells of: what such an SBOM names of them as well is
/// not listed a second time, wherever it lies. Packages of Wolfi each carry one.
pub struct Told(HashSet<Identity>);

impl Told {
    /// Of `packages`, what is no [`Told::is_named`].
    pub fn of<'a>(packages: impl IntoIterator<Item = &'a Package>) -> Self {
        Self(packages.into_iter().filter(|package| !Self::is_named(package)).map(identity).collect())
    }

    /// Whether only an SBOM names the package.
    pub fn is_named(package: &Package) -> bool {
        package.facts.extra.iter().any(|(key, _)| key == NAMED_BY)
    }

    /// Whether `package`, which an SBOM names, is there already.
    pub fn repeats(&self, package: &Package) -> bool {
        Self::is_named(package) && self.0.contains(&identity(package))
    }
}

/// Whether an SBOM names a package of another distribution than `system`, by whose advisories it would be judged.
pub fn is_foreign(package: &Package, system: &OsRelease) -> bool {
    let parts = package.purl.parts();
    Told::is_named(package) && parts.distribution().is_some_and(|distribution| !is_of(system, distribution))
}

/// Whether a distribution as package URLs name it is `system`.
fn is_of(system: &OsRelease, (id, version): (&str, &str)) -> bool {
    distribution_id(&system.id) == id && is_same_release(&system.version_id, version)
}

/// See [`identity`].
type Identity = (PackageKind, String, String);

/// What is the same of one package in documents of different programs: an epoch of 0 is none, nor is the sign that Go puts
/// before versions.
fn identity(package: &Package) -> Identity {
    let PurlParts { namespace, name, .. } = package.purl.parts();
    let sign = if package.facts.kind == PackageKind::Golang { "v" } else { "0:" };
    let version = package.facts.version.strip_prefix(sign).unwrap_or(&package.facts.version);
    let namespace = if package.facts.kind.is_os() { String::new() } else { namespace };
    (package.purl.kind(), format!("{namespace}/{name}"), version.to_owned())
}

fn order(a: &Package, b: &Package) -> Ordering {
    let key = |package: &'_ Package| (package.facts.kind, package.purl.kind());
    key(a)
        .cmp(&key(b))
        .then_with(|| (&a.facts.name, &a.facts.version).cmp(&(&b.facts.name, &b.facts.version)))
        .then_with(|| (&a.location, &a.id).cmp(&(&b.location, &b.id)))
}

/// The one distribution that all inventories with packages of one are of.
fn system(inventories: &[Inventory]) -> Result<Option<OsRelease>, MergeError> {
    let mut known: Option<&OsRelease> = None;
    for os in inventories.iter().filter_map(|inventory| inventory.os.as_ref()) {
        let same = |known: &OsRelease| (&known.id, &known.version_id) == (&os.id, &os.version_id);
        match known {
            Some(known) if !same(known) => {
                return Err(MergeError::Distributions(known.distro(), os.distro()));
            }
            // The one that says more.
            Some(known) if known.pretty_name.is_some() => {}
            _ => known = Some(os),
        }
    }
    Ok(known.cloned())
}
