//! Trees of many kinds, assembled from packages: what Trivy and Syft find there, and what we find.
//!
//! Each tree is built once and kept in the cache. What Debian's packages hold is whatever its release has on the
//! day, without a package database unless the recipe makes one, so that everything in it has to be found by itself.

mod recipe;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use self::recipe::{TREES, Tree};
use super::measure::Job;
use super::packages::{Key, located};
use super::peers::Peers;
use super::publish;
use crate::process::{Run, target_folder};
use crate::tools;

/// Raised when a recipe changes.
const RECIPE: &str = "trees-1";

/// What to compare.
#[derive(Args)]
pub(crate) struct Options {
    /// Compare with what Trivy and Syft find
    #[arg(long)]
    peers: bool,
    /// Only this tree; may be given several times
    #[arg(long)]
    tree: Vec<String>,
    /// Write the counts into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

type Found = BTreeMap<Key, BTreeSet<String>>;

pub(super) fn run(root: &Path, options: &Options) -> Result<()> {
    Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
    let program = target_folder(root)?.join("release/sekisho");
    let peers = if options.peers { Some(Peers::prepare()?) } else { None };
    let mut report = String::from(
        "| tree | sekisho | Trivy | not with us | Syft | not with us | the same file otherwise named | only with us |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for tree in TREES.iter().filter(|tree| options.tree.is_empty() || options.tree.iter().any(|name| name == tree.name))
    {
        let folder = built(tree, root)?;
        let ours = located(&ours(&program, &folder).output()?.0)?;
        let Some(peers) = &peers else {
            println!("{}: {} packages in {}", tree.name, ours.len(), folder.display());
            continue;
        };
        let mut trivy = Found::new();
        for command in ["fs", "rootfs"] {
            for (key, files) in located(&peers.trivy_directory(command, &folder).output()?.0)? {
                trivy.entry(key).or_default().extend(files);
            }
        }
        let syft = located(&peers.syft(&folder, "dir").output()?.0)?;
        println!("\n# {}: {}", tree.name, tree.what);
        let renamed = Renamed::of(&ours);
        let (no_trivy, by_trivy) = missing("trivy", &trivy, &ours, &renamed);
        let (no_syft, by_syft) = missing("syft", &syft, &ours, &renamed);
        let alone: Found = ours
            .iter()
            .filter(|(key, _)| !trivy.contains_key(*key) && !syft.contains_key(*key))
            .map(|(key, files)| (key.clone(), files.clone()))
            .collect();
        list("only sekisho", &alone);
        let _ = writeln!(
            report,
            "| {}: {} | {} | {} | {no_trivy} | {} | {no_syft} | {} | {} |",
            tree.name,
            tree.what,
            ours.len(),
            trivy.len(),
            syft.len(),
            by_trivy + by_syft,
            alone.len()
        );
    }
    println!("\n{report}");
    if options.write && options.peers {
        publish(root, "trees", "cargo xtask bench trees --peers", &report)?;
    }
    Ok(())
}

/// The tree's folder, built if the cache does not hold it.
fn built(tree: &Tree, root: &Path) -> Result<PathBuf> {
    let folder = tools::cache_folder("bench")?.join(RECIPE).join(tree.name);
    if !folder.is_dir() {
        tools::install(&["bench"])?;
        println!("building the tree {}", tree.name);
        let partial = folder.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
        }
        fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        (tree.build)(&partial, root)?;
        fs::rename(&partial, &folder)?;
    }
    Ok(folder)
}

fn ours(program: &Path, tree: &Path) -> Job {
    let words = ["sbom", "fs", "--quiet", "--allow-incomplete"].map(std::ffi::OsStr::new);
    Job::new(std::iter::once(program.as_os_str()).chain(words).chain([tree.as_os_str()]))
}

/// The versions of each kind that are found in each archive or executable, under whatever name.
struct Renamed(BTreeMap<(String, String), BTreeSet<String>>);

impl Renamed {
    fn of(found: &Found) -> Self {
        let mut versions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for ((kind, _, version), files) in found {
            for file in files.iter().filter(|file| !is_list(file)) {
                versions.entry((kind.clone(), file.clone())).or_default().insert(version.clone());
            }
        }
        Self(versions)
    }

    /// Whether something of that version is in each file in which `key` was found.
    fn holds(&self, key: &Key, files: &BTreeSet<String>) -> bool {
        let (kind, _, version) = key;
        let known = |file: &String| {
            let versions = self.0.get(&(kind.clone(), file.clone()));
            versions.is_some_and(|versions| version.is_empty() || versions.contains(version))
        };
        !files.is_empty() && files.iter().all(known)
    }
}

/// Whether a file lists packages rather than being one: then another name is no answer.
fn is_list(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| {
        ["json", "lock", "lockfile", "mod", "sum", "toml", "txt", "xml", "yaml"].iter().any(|list| extension == *list)
    })
}

/// Prints what of `theirs` is not in `ours`, and counts it: what is not there at all, and what is under another name.
fn missing(name: &str, theirs: &Found, ours: &Found, renamed: &Renamed) -> (usize, usize) {
    let lacking = theirs.iter().filter(|(key, _)| !ours.contains_key(*key));
    let (other, none): (Vec<_>, Vec<_>) = lacking.partition(|(key, files)| renamed.holds(key, files));
    let [other, none] = [other, none].map(|list| list.into_iter().map(|(key, files)| (key.clone(), files.clone())));
    let (other, none): (Found, Found) = (other.collect(), none.collect());
    list(&format!("only {name}"), &none);
    list(&format!("only {name} under this name"), &other);
    (none.len(), other.len())
}

fn list(title: &str, found: &Found) {
    println!("\n{title} ({}):", found.len());
    for ((kind, name, version), files) in found {
        println!("  {kind} {name} {version}  {}", files.first().map_or("", String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entries: &[(&str, &str, &str)]) -> Found {
        let key = |name: &str, version: &str| ("maven".to_owned(), name.to_owned(), version.to_owned());
        let entry =
            |(name, version, file): &(&str, &str, &str)| (key(name, version), BTreeSet::from([(*file).to_owned()]));
        entries.iter().map(entry).collect()
    }

    #[test]
    fn another_name_is_an_answer_only_for_what_is_of_one_version_in_an_archive() {
        let theirs = found(&[
            ("a/a", "1", "a.jar"),
            ("b/b", "", "a.jar"),
            ("c/c", "2", "a.jar"),
            ("d/d", "1", "pom.xml"),
            ("e/e", "1", "e.jar"),
        ]);
        let ours = found(&[("x/a", "1", "a.jar"), ("x/d", "1", "pom.xml")]);
        assert_eq!(missing("peer", &theirs, &ours, &Renamed::of(&ours)), (3, 2));
    }
}
