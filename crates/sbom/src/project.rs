//! What one file says and only others complete: versions that a parent, a table for many projects or a property
//! elsewhere gives.
//!
//! An analyzer sees one file. It returns every dependency with what that file tells, and, where this may not be all,
//! the [`Project`] beside them. Once all files are known, [`Projects::around`] fills in what the files around say.
//! What lies on no file that was read (a parent in a remote repository) stays unknown, and the package says so.

use sekisho_model::{Evidence, PackageFacts, PackageKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;

/// The extra of a package with the version, or the range, as the file has it, where that is no version.
pub const REQUIREMENT: &str = "requirement";

/// The extra of a package with what would tell its version, where that could not be had.
pub const UNRESOLVED: &str = "unresolved";

/// What a file says for itself and for others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Whether names of packages are the same in any case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_case: bool,
    /// The name others refer to it by, `group:artifact`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version, with properties as they are written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// What it takes from: the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Properties, as they are written; of several with one name the first holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<(String, String)>,
    /// Versions for dependencies that state none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed: Vec<Managed>,
}

/// A file that a project takes properties and versions from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its name, which the file must have; empty where any file at the path is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is looked for, from the root. `None`: only by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it is looked for in all directories above as well, the nearest first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub above: bool,
}

/// A version for a dependency that states none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// Of the dependency.
    pub name: String,
    /// As it is written.
    pub version: String,
    /// For tests only, unless the dependency says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
    /// Stands for all that the project of this name manages (Maven's `import`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub import: bool,
}

impl Project {
    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let text = |text: &String| size_of::<String>() + text.len();
        let parents: usize = self.parents.iter().map(|parent| text(&parent.name) + text(&parent.version) + 280).sum();
        let properties: usize = self.properties.iter().map(|(name, value)| text(name) + text(value)).sum();
        let managed: usize = self.managed.iter().map(|it| text(&it.name) + text(&it.version) + 8).sum();
        size_of::<Self>() + text(&self.name) + parents + properties + managed
    }
}

/// Projects that lie in the way from a file to where its versions are: more have no build, and bound a cycle.
const MAX_CHAIN: usize = 32;

/// Replacements in one text, and its bytes: a property may name another twice, and so on.
const MAX_REPLACEMENTS: usize = 64;
const MAX_BYTES: usize = 1024;

/// A project with its properties and versions by name.
struct Indexed<'a> {
    project: &'a Project,
    properties: HashMap<&'a str, &'a str>,
    managed: HashMap<Cow<'a, str>, &'a Managed>,
    imports: Vec<&'a Managed>,
}

/// All projects of an image or a tree.
#[derive(Default)]
pub struct Projects<'a> {
    all: Vec<Indexed<'a>>,
    by_path: HashMap<&'a str, usize>,
    by_name: HashMap<&'a str, Vec<usize>>,
}

/// The name to look a package up by.
fn key(any_case: bool, name: &str) -> Cow<'_, str> {
    if any_case && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

impl<'a> Projects<'a> {
    /// Indexes projects by the paths of their files.
    pub fn of(projects: impl IntoIterator<Item = (&'a str, &'a Project)>) -> Self {
        let mut out = Self::default();
        for (path, project) in projects {
            let index = out.all.len();
            // The first of a name holds, which is the last of a reversed list.
            let properties = project.properties.iter().rev().map(|(name, value)| (name.as_str(), value.as_str()));
            let managed = project.managed.iter().rev().filter(|it| !it.import);
            let managed = managed.map(|it| (key(project.any_case, &it.name), it));
            let imports = project.managed.iter().filter(|it| it.import).take(MAX_CHAIN);
            let (properties, managed) = (properties.collect(), managed.collect());
            out.all.push(Indexed { project, properties, managed, imports: imports.collect() });
            out.by_path.insert(path, index);
            if !project.name.is_empty() {
                out.by_name.entry(&project.name).or_default().push(index);
            }
        }
        out
    }

    /// The project of this name and version.
    fn named(&self, name: &str, version: &str) -> Option<usize> {
        let candidates = self.by_name.get(name)?;
        let fits = |index: &&usize| {
            let own = &self.all[**index].project.version;
            own == version || own.is_empty() || own.contains("${")
        };
        candidates.iter().take(MAX_CHAIN).find(fits).copied()
    }

    /// The nearest project of a file with the name of `path` in the directories above it.
    fn above(&self, path: &str) -> Option<usize> {
        let (mut directory, name) = path.rsplit_once('/')?;
        loop {
            directory = directory.rsplit_once('/').map_or("", |(above, _)| above);
            let found = if directory.is_empty() {
                self.by_path.get(name)
            } else {
                self.by_path.get(format!("{directory}/{name}").as_str())
            };
            if found.is_some() || directory.is_empty() {
                return found.copied();
            }
        }
    }

    /// The projects that the one at `index` takes from, itself first; and the first that is not here.
    fn chain(&self, index: usize) -> (Vec<usize>, Option<&'a Parent>) {
        let mut chain = vec![index];
        let mut missing = None;
        let mut at = 0;
        while let Some(project) = chain.get(at).and_then(|index| self.all.get(*index)).map(|it| it.project) {
            for parent in project.parents.iter().take(MAX_CHAIN) {
                let by_path = || {
                    let path = parent.path.as_deref()?;
                    let found = self.by_path.get(path).copied();
                    found.or_else(|| if parent.above { self.above(path) } else { None })
                };
                let is_it = |index: &usize| parent.name.is_empty() || self.all[*index].project.name == parent.name;
                match by_path().filter(is_it).or_else(|| self.named(&parent.name, &parent.version)) {
                    Some(found) if chain.contains(&found) => {}
                    Some(found) if chain.len() < MAX_CHAIN => chain.push(found),
                    _ if parent.name.is_empty() => {}
                    _ => missing = missing.or(Some(parent)),
                }
            }
            at += 1;
        }
        (chain, missing)
    }

    /// `text` with its properties replaced by what the projects of `chain` say, the nearest first; `None` where one is
    /// not known.
    fn replaced(&self, text: &str, chain: &[usize], form: Form) -> Option<String> {
        let (open, close) = form.delimiters();
        let mut out = text.to_owned();
        for _ in 0..MAX_REPLACEMENTS {
            let Some(start) = out.find(open) else { return Some(out) };
            let end = start + out[start..].find(close)?;
            let name = &out[start + open.len()..end];
            let name = key(matches!(form, Form::MsBuild), name);
            let value = chain.iter().find_map(|index| self.all[*index].properties.get(&*name))?;
            if out.len() + value.len() > MAX_BYTES {
                return None;
            }
            out = format!("{}{value}{}", &out[..start], &out[end + close.len_utf8()..]);
        }
        None
    }

    /// What completes the packages of the file at `path`; `None` where it says nothing that could be completed.
    pub fn around(&self, path: &str) -> Option<Around<'_>> {
        let (chain, parent) = self.chain(*self.by_path.get(path)?);
        let mut missing = parent.map(|parent| format!("{}:{}", parent.name, parent.version));
        let mut managing: Vec<(usize, usize)> = chain.iter().map(|index| (*index, 0)).collect();
        let mut words = vec![chain];
        // What is imported counts after all that is stated, in the order of the imports.
        let mut at = 0;
        while let Some((index, of)) = managing.get(at).copied() {
            for import in &self.all[index].imports {
                let version = self.replaced(&import.version, &words[of], Form::Maven);
                match version.as_deref().and_then(|version| self.named(&import.name, version)) {
                    Some(found) if words.len() < MAX_CHAIN && managing.iter().all(|(index, _)| *index != found) => {
                        let (chain, parent) = self.chain(found);
                        managing.extend(chain.iter().map(|index| (*index, words.len())));
                        words.push(chain);
                        missing = missing.or_else(|| Some(format!("{}:{}", parent?.name, parent?.version)));
                    }
                    Some(_) => {}
                    None => {
                        let version = version.as_deref().unwrap_or(&import.version);
                        missing = missing.or_else(|| Some(format!("{}:{version}", import.name)));
                    }
                }
            }
            at += 1;
        }
        Some(Around { projects: self, managing, words, missing })
    }
}

/// How properties are written.
#[derive(Clone, Copy)]
enum Form {
    /// `${name}`
    Maven,
    /// `$(Name)`
    MsBuild,
}

impl Form {
    fn of(kind: PackageKind) -> Self {
        if kind == PackageKind::Nuget { Self::MsBuild } else { Self::Maven }
    }

    fn delimiters(self) -> (&'static str, char) {
        match self {
            Self::Maven => ("${", '}'),
            Self::MsBuild => ("$(", ')'),
        }
    }
}

/// What completes the packages of one file.
pub struct Around<'p> {
    projects: &'p Projects<'p>,
    /// Projects whose versions hold, the nearest first, each with the place in `words` of those whose properties its
    /// texts name.
    managing: Vec<(usize, usize)>,
    /// The first is that of the file itself.
    words: Vec<Vec<usize>>,
    /// The first project that is referred to and is not here.
    missing: Option<String>,
}

impl Around<'_> {
    /// A package of the file, completed by what the projects around say.
    pub fn complete<'f>(&self, package: &'f PackageFacts) -> Cow<'f, PackageFacts> {
        let form = Form::of(package.kind);
        let wants = package.version.is_empty() || package.name.contains(form.delimiters().0);
        if !wants || package.evidence != Evidence::Declared {
            return Cow::Borrowed(package);
        }
        let mut out = package.clone();
        if let Some(name) = self.projects.replaced(&package.name, &self.words[0], form) {
            out.name = name;
        }
        let stated = extra(package, REQUIREMENT);
        let version = if let Some(stated) = stated {
            self.projects.replaced(stated, &self.words[0], form)
        } else {
            let managed = |(index, words): &(usize, usize)| {
                let project = &self.projects.all[*index];
                Some((*project.managed.get(&key(project.project.any_case, &out.name))?, *words))
            };
            self.managing.iter().find_map(managed).and_then(|(managed, words)| {
                out.dev |= managed.dev && extra(package, "scope").is_none();
                self.projects.replaced(&managed.version, &self.words[words], form)
            })
        };
        out.extra.retain(|(key, _)| key != REQUIREMENT && key != UNRESOLVED);
        match version.as_deref().map(|version| exact(package.kind, version)) {
            Some(Ok(version)) => version.clone_into(&mut out.version),
            Some(Err(range)) => out.extra.push((REQUIREMENT.to_owned(), range.to_owned())),
            None => {
                out.extra.extend(stated.map(|stated| (REQUIREMENT.to_owned(), stated.to_owned())));
                let from = self.missing.as_deref().unwrap_or("nothing that was read says it");
                out.extra.push((UNRESOLVED.to_owned(), from.to_owned()));
            }
        }
        out.extra.sort();
        Cow::Owned(out)
    }
}

fn extra<'a>(package: &'a PackageFacts, key: &str) -> Option<&'a str> {
    package.extra.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// The one version that a requirement names, or the requirement itself: `[1.0]` is one version, `[1.0,2.0)`, `LATEST`
/// and NuGet's `1.*` are not. (Maven's "POM Reference", "Dependency Version Requirement Specification"; NuGet's "Package
/// versioning", where a bare version is the lowest that is accepted, and the one that is taken.)
pub(crate) fn exact(kind: PackageKind, text: &str) -> Result<&str, &str> {
    let text = text.trim();
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let one = inner.filter(|inner| !inner.contains(',')).map_or(text, str::trim);
    let ranged = one.contains(['[', ']', '(', ')', ',', '*', ' ']) || one.contains("${") || one.contains("$(");
    let moving = kind == PackageKind::Maven && matches!(one, "LATEST" | "RELEASE");
    if one.is_empty() || ranged || moving { Err(text) } else { Ok(one) }
}

#[cfg(test)]
mod tests;
