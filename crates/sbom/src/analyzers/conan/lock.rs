//! `conan.lock`: of Conan 1 the graph of what needs what, of Conan 2 lists of references.
//!
//! What is needed to build only, tools and parts of recipes, is for development. Conan 2 does not say what the project
//! itself asks for.
//!
//! Source: `conans.model.graph_lock` of Conan 1 and `conan.internal.model.lockfile` of Conan 2,
//! <https://github.com/conan-io/conan>.

use super::package;
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Keys, Object, Scalar, each, list, skip};
use crate::analyzers::lock::{Locked, reached, unknown_version};
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The versions of the format that are known: those of Conan 1, and that of Conan 2.
const VERSIONS: [&str; 5] = ["0.1", "0.2", "0.3", "0.4", "0.5"];

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut found = Found {
        locked: Locked::new(file, PackageKind::Conan),
        nodes: Vec::new(),
        listed: false,
        version: None,
        unusable: 0,
    };
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Object(&mut Level { found: &mut found, inner: false }).deserialize(&mut json).and_then(|()| json.end());
    let Found { mut locked, nodes, listed, version, unusable } = found;
    if let Some(version) = version {
        locked.note(unknown_version(file, version));
    }
    graph(&mut locked, nodes);
    locked.unusable(unusable);
    match read {
        Err(error) => locked.malformed(json_reason(&error)),
        Ok(()) if !listed => locked.malformed("has neither a graph nor a list of packages"),
        Ok(()) => {}
    }
    locked.finish()
}

/// What has been read of one file.
struct Found<'f, 't> {
    locked: Locked<'f>,
    nodes: Vec<Node<'t>>,
    listed: bool,
    /// The version of the format, where it is none that is known.
    version: Option<String>,
    unusable: u64,
}

/// A node of the graph. The project itself has the path of its `conanfile`, or, if only to hold others, no reference.
struct Node<'t> {
    id: String,
    is_project: bool,
    facts: Option<PackageFacts>,
    needs: Vec<Scalar<'t>>,
    needs_to_build: Vec<Scalar<'t>>,
    to_build: bool,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default, rename = "ref")]
    reference: Scalar<'a>,
    /// What stands for it in early versions of Conan 1: the reference with the package built of it.
    #[serde(borrow, default)]
    pref: Scalar<'a>,
    #[serde(borrow, default)]
    path: Scalar<'a>,
    #[serde(borrow, default)]
    context: Scalar<'a>,
    #[serde(borrow, default)]
    requires: Needs<'a>,
    #[serde(borrow, default)]
    build_requires: Needs<'a>,
    #[serde(borrow, default)]
    python_requires: Needs<'a>,
}

/// A list of nodes; in early versions of Conan 1 by what is asked for. Of `python_requires`, a list of references.
#[derive(Default)]
struct Needs<'a>(Vec<Scalar<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Needs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Needs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or an object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Needs::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut needs = Needs::default();
                while let Some(need) = list.next_element()? {
                    needs.0.push(need);
                }
                Ok(needs)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut needs = Needs::default();
                while let Some((_, need)) = map.next_entry::<IgnoredAny, _>()? {
                    needs.0.push(need);
                }
                Ok(needs)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'t> Found<'_, 't> {
    fn node(&mut self, id: &str, entry: Entry<'t>) {
        let reference = entry.reference.text().or(entry.pref.text());
        let is_project = entry.path.text().is_some() || reference.is_none();
        let facts = reference.filter(|_| !is_project).and_then(|reference| package(&self.locked, reference));
        for recipe in &entry.python_requires.0 {
            self.reference(recipe.as_str(), true);
        }
        self.unusable += u64::from(!is_project && facts.is_none());
        self.nodes.push(Node {
            id: id.to_owned(),
            is_project,
            facts,
            needs: entry.requires.0,
            needs_to_build: entry.build_requires.0,
            to_build: entry.context.as_str() == "build",
        });
    }

    fn reference(&mut self, reference: &str, dev: bool) {
        match package(&self.locked, reference) {
            Some(facts) => self.locked.add(PackageFacts { dev, ..facts }),
            None => self.unusable += 1,
        }
    }
}

/// Takes the packages of a graph, with what follows from who needs whom.
fn graph(locked: &mut Locked<'_>, nodes: Vec<Node<'_>>) {
    let by_id: HashMap<&str, usize> = nodes.iter().enumerate().map(|(index, node)| (node.id.as_str(), index)).collect();
    let of =
        |list: &[Scalar<'_>]| -> Vec<usize> { list.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect() };
    let projects: Vec<usize> = (0..nodes.len()).filter(|index| nodes[*index].is_project).collect();
    let direct: HashSet<usize> = projects
        .iter()
        .flat_map(|index| of(&nodes[*index].needs).into_iter().chain(of(&nodes[*index].needs_to_build)))
        .collect();
    let used = reached(projects.iter().copied(), |index: usize, open| open.extend(of(&nodes[index].needs)));
    let rooted = !projects.is_empty();
    for (index, node) in nodes.into_iter().enumerate() {
        let Some(facts) = node.facts else { continue };
        let dev = node.to_build || rooted && !used.contains(&index);
        locked.add(PackageFacts { dev, direct: rooted.then(|| direct.contains(&index)), ..facts });
    }
}

/// The object of the file, or the one in it that has the graph of Conan 1.
struct Level<'c, 'f, 't> {
    found: &'c mut Found<'f, 't>,
    inner: bool,
}

impl<'de> Keys<'de> for Level<'_, '_, 'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Self { found, inner } = self;
        match (key, *inner) {
            ("version", false) => {
                let stated = map.next_value::<Scalar<'de>>()?;
                let stated = stated.text().filter(|stated| !VERSIONS.contains(stated));
                found.version = stated.map(|stated| stated.chars().take(20).collect());
                Ok(())
            }
            ("graph_lock", false) => map.next_value_seed(Object(&mut Level { found, inner: true })),
            ("nodes", true) => {
                found.listed = true;
                map.next_value_seed(each(|id, entry: Entry<'de>| found.node(&id, entry)))
            }
            ("requires" | "build_requires" | "python_requires" | "config_requires", false) => {
                found.listed = true;
                let dev = key != "requires";
                map.next_value_seed(list(|reference: Scalar<'de>| found.reference(reference.as_str(), dev)))
            }
            _ => skip(map),
        }
    }
}
