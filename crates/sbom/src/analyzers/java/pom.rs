//! `pom.xml`: what a Maven project is and asks for. (<https://maven.apache.org/pom.html>.)
//!
//! Read are coordinates, parent, properties, dependencies, what is managed for them, and licences, of the project and
//! of its profiles. Plugins and reports are tools of the build and not read.

use super::properties::{Coordinates, is_coordinate};
use crate::analyzer::{Extract, File};
use crate::project::{Managed, Parent, Project, REQUIREMENT, exact};
use sekisho_base::limits::LimitKey;
use sekisho_base::xml::{self, Malformed, Node};
use sekisho_model::{Evidence, License, PackageFacts, PackageKind};
use std::collections::HashMap;

/// A project file.
#[derive(Debug, Default)]
pub(super) struct Pom {
    pub(super) own: Coordinates,
    parent: Option<(Coordinates, Option<String>)>,
    properties: Vec<(String, String)>,
    /// Those of profiles, which may hold or not.
    profile_properties: Vec<(String, String)>,
    managed: Vec<Dependency>,
    dependencies: Vec<Dependency>,
    pub(super) licenses: Vec<License>,
    is_project: bool,
    over_limit: bool,
}

#[derive(Debug, Default)]
struct Dependency {
    coordinates: Coordinates,
    scope: String,
    kind: String,
    classifier: String,
    optional: bool,
    in_profile: bool,
}

/// The elements that lie in the way to what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Project,
    Parent,
    Properties,
    Management,
    Dependencies,
    Dependency,
    Profiles,
    Profile,
    Licenses,
    License,
    /// A child of one of these, without children of interest.
    Field,
    Other,
}

impl At {
    fn below(self, name: &str) -> Self {
        match (self, name) {
            (Self::Project, "parent") => Self::Parent,
            (Self::Project, "profiles") => Self::Profiles,
            (Self::Project, "licenses") => Self::Licenses,
            (Self::Profiles, "profile") => Self::Profile,
            (Self::Licenses, "license") => Self::License,
            (Self::Project | Self::Profile, "properties") => Self::Properties,
            (Self::Project | Self::Profile, "dependencyManagement") => Self::Management,
            (Self::Project | Self::Profile | Self::Management, "dependencies") => Self::Dependencies,
            (Self::Dependencies, "dependency") => Self::Dependency,
            (Self::Project | Self::Parent | Self::Properties | Self::Dependency | Self::License, _) => Self::Field,
            _ => Self::Other,
        }
    }
}

/// The values kept of one file together may not be longer than this: properties are handed on to other files.
const MAX_VALUE: usize = 1024;

/// Licences of one project that are kept, and the bytes of one: archives hold many projects in few bytes.
const MAX_LICENSES: usize = 8;
const MAX_LICENSE_BYTES: usize = 256;

impl Pom {
    /// Reads a project file; what came before a fault is returned with it.
    pub(super) fn parse(text: &str, records: usize) -> (Self, Option<Malformed>) {
        let mut pom = Self::default();
        let mut stack: Vec<At> = Vec::new();
        let mut dependency = Dependency::default();
        let outcome = xml::read(text, |node| match node {
            Node::Open(name, _) => {
                let at = match stack.last() {
                    None if name == "project" => At::Project,
                    None => At::Other,
                    Some(above) => above.below(name),
                };
                pom.is_project |= at == At::Project;
                match at {
                    At::Dependency => dependency = Dependency::default(),
                    At::Parent => pom.parent = Some((Coordinates::default(), None)),
                    _ => {}
                }
                stack.push(at);
            }
            Node::Close(name, text) => {
                let closed = stack.pop();
                let text = text.trim();
                match (stack.last(), closed) {
                    (Some(above), Some(At::Field)) => pom.field(*above, name, text, &stack, &mut dependency, records),
                    (_, Some(At::Dependency)) => {
                        let managed = stack.contains(&At::Management);
                        dependency.in_profile = stack.get(1) == Some(&At::Profiles);
                        let list = if managed { &mut pom.managed } else { &mut pom.dependencies };
                        if list.len() < records {
                            list.push(std::mem::take(&mut dependency));
                        } else {
                            pom.over_limit = true;
                        }
                    }
                    _ => {}
                }
            }
        });
        (pom, outcome.err())
    }

    fn field(&mut self, at: At, name: &str, text: &str, stack: &[At], dependency: &mut Dependency, records: usize) {
        if text.len() > MAX_VALUE {
            return;
        }
        match at {
            At::Project => coordinate(&mut self.own, name, text),
            At::Parent => {
                if let Some((parent, path)) = &mut self.parent {
                    match name {
                        "relativePath" => *path = Some(text.to_owned()),
                        name => coordinate(parent, name, text),
                    }
                }
            }
            At::Properties => {
                let profile = stack.contains(&At::Profile);
                let list = if profile { &mut self.profile_properties } else { &mut self.properties };
                if list.len() < records {
                    list.push((name.to_owned(), text.to_owned()));
                } else {
                    self.over_limit = true;
                }
            }
            At::Dependency => match name {
                "scope" => text.clone_into(&mut dependency.scope),
                "type" => text.clone_into(&mut dependency.kind),
                "classifier" => text.clone_into(&mut dependency.classifier),
                "optional" => dependency.optional = text == "true",
                name => coordinate(&mut dependency.coordinates, name, text),
            },
            At::License if name == "name" && self.licenses.len() < MAX_LICENSES && text.len() <= MAX_LICENSE_BYTES => {
                self.licenses.extend(License::parse(text));
            }
            _ => {}
        }
    }

    /// The coordinates of the project, with those of its parent where it has none of its own, as they are written.
    fn inherited(&self) -> Coordinates {
        let mut own = self.own.clone();
        if let Some((parent, _)) = &self.parent {
            for (own, parent) in [(&mut own.group, &parent.group), (&mut own.version, &parent.version)] {
                if own.is_empty() {
                    own.clone_from(parent);
                }
            }
        }
        own
    }

    /// What the project is called by, as far as this file tells, for an archive that has no more than it.
    pub(super) fn coordinates(&self) -> Coordinates {
        let own = self.inherited();
        let properties = self.properties();
        let known = by_name(&properties);
        let replaced = |text: &str| replaced(text, &known);
        Coordinates { group: replaced(&own.group), artifact: replaced(&own.artifact), version: replaced(&own.version) }
    }

    /// What the project in `file` says for others.
    fn project(&self, file: &File<'_>) -> Project {
        let properties = self.properties();
        let known = by_name(&properties);
        let own = self.coordinates();
        let parent = self.parent.as_ref().map(|(parent, relative)| Parent {
            name: parent.name(),
            version: parent.version.clone(),
            path: parent_path(file.directory(), relative.as_deref()),
            above: false,
        });
        let managed = self.managed.iter().map(|dependency| Managed {
            name: dependency.name(&known),
            version: dependency.coordinates.version.clone(),
            dev: dependency.scope == "test",
            import: dependency.scope == "import",
        });
        let managed = managed.collect();
        let (name, version) = (own.name(), own.version);
        Project { any_case: false, name, version, parents: parent.into_iter().collect(), properties, managed }
    }

    /// Its properties with those that Maven derives from coordinates, in the order in which they hold.
    fn properties(&self) -> Vec<(String, String)> {
        let own = self.inherited();
        let mut out = self.properties.clone();
        let derived = |prefix: &str, it: &Coordinates| {
            let pairs = [("groupId", &it.group), ("artifactId", &it.artifact), ("version", &it.version)];
            let pairs = pairs.map(|(key, value)| (format!("{prefix}{key}"), value.clone()));
            pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>()
        };
        for prefix in ["project.", "pom.", ""] {
            out.extend(derived(prefix, &own));
        }
        if let Some((parent, _)) = &self.parent {
            out.extend(derived("project.parent.", parent));
            out.extend(derived("parent.", parent));
        }
        out.extend(self.profile_properties.iter().cloned());
        // A property that is itself is none.
        out.retain(|(key, value)| !value.contains(&format!("${{{key}}}")));
        out
    }
}

fn coordinate(coordinates: &mut Coordinates, name: &str, text: &str) {
    match name {
        "groupId" => text.clone_into(&mut coordinates.group),
        "artifactId" => text.clone_into(&mut coordinates.artifact),
        "version" => text.clone_into(&mut coordinates.version),
        _ => {}
    }
}

/// Properties by name.
type Known<'a> = HashMap<&'a str, &'a str>;

fn by_name(properties: &[(String, String)]) -> Known<'_> {
    // The first of a name holds.
    properties.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// `text` with the properties of this file alone, as far as they are known; a few steps, since what stays open is left to
/// [`crate::project`].
fn replaced(text: &str, known: &Known<'_>) -> String {
    let mut out = text.to_owned();
    for _ in 0..8 {
        let Some((before, rest)) = out.split_once("${") else { break };
        let Some((name, after)) = rest.split_once('}') else { break };
        let Some(value) = known.get(name) else { break };
        if before.len() + value.len() + after.len() > MAX_VALUE {
            break;
        }
        out = format!("{before}{value}{after}");
    }
    out
}

/// `base` and `path` joined, with `..` taken as it is written; `None` for what leads out of the root.
fn joined(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Where the parent lies, if it is local: `relativePath` may name a directory, and an empty one says that it is not.
fn parent_path(directory: &str, relative: Option<&str>) -> Option<String> {
    let relative = relative.unwrap_or("../pom.xml");
    let path = joined(directory, relative).filter(|_| !relative.is_empty())?;
    let is_file = matches!(path.rsplit_once('.'), Some((_, "xml" | "pom")));
    Some(match path.as_str() {
        "" => "pom.xml".to_owned(),
        _ if is_file => path,
        _ => format!("{path}/pom.xml"),
    })
}

/// Reads the project file of a source tree.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let (pom, fault) = Pom::parse(text.strip_prefix('\u{feff}').unwrap_or(&text), file.limits.records);
    if file.name() != "pom.xml" {
        // It may be anything. What is missing of a parent, the packages that would take it from there say.
        let project = (fault.is_none() && pom.is_project && !pom.over_limit).then(|| Box::new(pom.project(file)));
        return Extract { project, ..Extract::default() };
    }
    let mut diagnostics: Vec<_> = fault.map(|fault| file.malformed(fault)).into_iter().collect();
    if pom.over_limit {
        diagnostics.push(file.exceeded(LimitKey::Records, "dependencies or properties"));
    }
    if !pom.is_project {
        if diagnostics.is_empty() {
            diagnostics.push(file.malformed("is no project of Maven"));
        }
        return Extract { diagnostics, ..Extract::default() };
    }
    let properties = pom.properties();
    let known = by_name(&properties);
    let own = pom.coordinates();
    let mut packages = Vec::with_capacity(pom.dependencies.len() + 1);
    if own.artifact.is_empty() {
        diagnostics.push(file.malformed("is a project without an artifactId"));
    } else {
        let mut facts = declared(own.name(), &own.version);
        facts.licenses.clone_from(&pom.licenses);
        facts.extra.push(("project".to_owned(), "true".to_owned()));
        facts.extra.sort();
        packages.push(facts);
    }
    let mut unnamed = 0_u64;
    for dependency in &pom.dependencies {
        match dependency.package(&known) {
            Some(facts) => packages.push(facts),
            None => unnamed += 1,
        }
    }
    if unnamed > 0 {
        diagnostics.push(file.malformed(format_args!("{unnamed} dependencies have no groupId or no artifactId")));
    }
    Extract { packages, project: Some(Box::new(pom.project(file))), diagnostics, ..Extract::default() }
}

/// A package with a version, or with what is asked for.
fn declared(name: String, version: &str) -> PackageFacts {
    let mut facts = PackageFacts { evidence: Evidence::Declared, ..PackageFacts::new(PackageKind::Maven, name, "") };
    match exact(PackageKind::Maven, version) {
        Ok(version) => version.clone_into(&mut facts.version),
        Err("") => {}
        Err(range) => facts.extra.push((REQUIREMENT.to_owned(), range.to_owned())),
    }
    facts
}

impl Dependency {
    fn name(&self, known: &Known<'_>) -> String {
        let group = replaced(&self.coordinates.group, known);
        format!("{group}:{}", replaced(&self.coordinates.artifact, known))
    }

    fn package(&self, known: &Known<'_>) -> Option<PackageFacts> {
        if self.coordinates.group.is_empty() || self.coordinates.artifact.is_empty() {
            return None;
        }
        let mut facts = declared(self.name(known), &replaced(&self.coordinates.version, known));
        facts.direct = Some(true);
        facts.dev = self.scope == "test";
        let texts = [("classifier", &self.classifier), ("scope", &self.scope), ("type", &self.kind)];
        let texts = texts.into_iter().filter(|(_, text)| is_coordinate(text));
        facts.extra.extend(texts.map(|(key, text)| (key.to_owned(), text.clone())));
        let flags = [("optional", self.optional), ("profile", self.in_profile)];
        facts
            .extra
            .extend(flags.iter().filter(|(_, flag)| *flag).map(|(key, _)| ((*key).to_owned(), "true".to_owned())));
        facts.extra.sort();
        Some(facts)
    }
}
