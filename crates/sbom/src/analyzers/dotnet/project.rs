//! Projects of .NET, and the files that many of them share. (<https://learn.microsoft.com/nuget/consume-packages/>:
//! "`PackageReference` in project files", "Central Package Management".)
//!
//! `PackageReference` names a package, with its version or, where versions are managed centrally, without: then
//! `PackageVersion` in the nearest `Directory.Packages.props` has it, and [`crate::project`] brings both together. Such
//! a `PackageVersion` alone is no package: nothing says that it is used. Conditions are not evaluated; what one of them
//! asks for is listed.

use crate::analyzer::{Extract, File};
use crate::project::{Managed, Parent, Project, REQUIREMENT, exact};
use sekisho_base::limits::LimitKey;
use sekisho_base::xml::{self, Node};
use sekisho_model::{Evidence, PackageFacts, PackageKind};

/// The files that `MSBuild` takes in from the directories above a project.
const SHARED: &[&str] = &["Directory.Packages.props", "Directory.Build.props", "Directory.Build.targets"];

/// Longer values are no versions and no names.
const MAX_VALUE: usize = 1024;

/// Packages that one item may name: nobody writes more, and a file could ask for a package in two bytes.
const MAX_NAMES: usize = 16;

/// An item that names a package.
#[derive(Default)]
struct Item {
    element: &'static str,
    name: String,
    version: String,
    /// Beside central management.
    version_override: String,
    private: String,
}

/// The items that name packages.
const ITEMS: &[&str] = &[
    "PackageReference",
    "PackageVersion",
    "GlobalPackageReference",
    "PackageDownload",
    "DotNetCliToolReference",
    "FrameworkReference",
];

impl Item {
    fn set(&mut self, name: &str, value: &str) {
        let field = if name.eq_ignore_ascii_case("Version") {
            &mut self.version
        } else if name.eq_ignore_ascii_case("VersionOverride") {
            &mut self.version_override
        } else if name.eq_ignore_ascii_case("PrivateAssets") {
            &mut self.private
        } else {
            return;
        };
        if value.len() <= MAX_VALUE && !value.is_empty() {
            value.clone_into(field);
        }
    }

    fn package(&self, name: &str) -> PackageFacts {
        let mut facts = PackageFacts {
            evidence: Evidence::Declared,
            direct: Some(true),
            dev: self.private.eq_ignore_ascii_case("all")
                || ["GlobalPackageReference", "DotNetCliToolReference"].contains(&self.element),
            ..PackageFacts::new(PackageKind::Nuget, name, "")
        };
        let version = if self.version_override.is_empty() { &self.version } else { &self.version_override };
        match exact(PackageKind::Nuget, version) {
            Ok(version) => version.clone_into(&mut facts.version),
            Err("") => {}
            Err(range) => facts.extra.push((REQUIREMENT.to_owned(), range.to_owned())),
        }
        if self.element != "PackageReference" {
            facts.extra.push(("item".to_owned(), self.element.to_owned()));
        }
        facts.extra.sort();
        facts
    }
}

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut found = Found { records: file.limits.records, ..Found::default() };
    let mut path: Vec<Option<&'static str>> = Vec::new();
    let outcome = xml::read(text.strip_prefix('\u{feff}').unwrap_or(&text), |node| match node {
        Node::Open(name, attributes) => {
            // MSBuild takes names of elements, properties and metadata in either case.
            let mut elements = ["Project", "ItemGroup", "PropertyGroup"].iter().chain(ITEMS);
            let known = elements.find(|known| known.eq_ignore_ascii_case(name)).copied();
            if let Some(element) = known.filter(|name| ITEMS.contains(name)) {
                let named = |key| attributes.get_any_case(key);
                let name = [named("Include"), named("Update")].into_iter().find(|name| !name.is_empty());
                let mut item = Item { element, name: name.unwrap_or_default(), ..Item::default() };
                for key in ["Version", "VersionOverride", "PrivateAssets"] {
                    item.set(key, &attributes.get_any_case(key));
                }
                // What only removes an item names nothing.
                found.item =
                    Some(item).filter(|item| !item.name.is_empty() || attributes.get_any_case("Remove").is_empty());
            }
            path.push(known);
        }
        Node::Close(name, text) => {
            let closed = path.pop().flatten();
            match (path.last().copied().flatten(), &mut found.item) {
                (Some("PropertyGroup"), _) => found.property(name, text.trim()),
                (Some(above), Some(item)) if above == item.element => item.set(name, text.trim()),
                _ => {}
            }
            if closed.is_some_and(|closed| ITEMS.contains(&closed)) {
                found.close();
            }
        }
    });
    let mut diagnostics: Vec<_> = file.of_kind(outcome, &text, "Project").into_iter().collect();
    if found.over_limit {
        diagnostics.push(file.exceeded(LimitKey::Records, "packages or properties"));
    }
    if found.unusable > 0 {
        diagnostics
            .push(file.malformed(format_args!("{} references to packages have no name, or too many", found.unusable)));
    }
    if found.blanks > 0 {
        diagnostics.push(file.skipped(format_args!("references that are still to be filled in: {}", found.blanks)));
    }
    // MSBuild takes the last value of a property.
    found.properties.reverse();
    let beside = |name: &str| match file.directory() {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    };
    let shared = SHARED.iter().filter(|name| !name.eq_ignore_ascii_case(file.name()));
    let parents = shared.map(|name| Parent { path: Some(beside(name)), above: true, ..Parent::default() }).collect();
    let Found { packages, properties, managed, .. } = found;
    let project = Project { any_case: true, parents, properties, managed, ..Project::default() };
    let says_something = !packages.is_empty() || !project.properties.is_empty() || !project.managed.is_empty();
    Extract { packages, project: says_something.then(|| Box::new(project)), diagnostics, ..Extract::default() }
}

#[derive(Default)]
struct Found {
    records: usize,
    item: Option<Item>,
    packages: Vec<PackageFacts>,
    properties: Vec<(String, String)>,
    managed: Vec<Managed>,
    unusable: u64,
    blanks: u64,
    over_limit: bool,
}

impl Found {
    fn property(&mut self, name: &str, value: &str) {
        if self.properties.len() >= self.records {
            self.over_limit = true;
        } else if value.len() <= MAX_VALUE {
            self.properties.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    fn close(&mut self) {
        let Some(item) = self.item.take() else { return };
        // One item may name several.
        let names = item.name.split(';').map(str::trim).filter(|name| !name.is_empty());
        self.unusable += u64::from(names.clone().next().is_none());
        for (index, name) in names.enumerate() {
            if index >= MAX_NAMES {
                self.unusable += 1;
                return;
            }
            if self.packages.len() + self.managed.len() >= self.records {
                self.over_limit = true;
                return;
            }
            // The template of a project, which somebody fills in.
            if name.contains("{{") {
                self.blanks += 1;
                continue;
            }
            if item.element == "PackageVersion" {
                let version = item.version.clone();
                self.managed.push(Managed { name: name.to_owned(), version, ..Managed::default() });
            } else {
                self.packages.push(item.package(name));
            }
        }
    }
}
