//! Pods, by the lock file of `CocoaPods`.
//!
//! A generated YAML of one shape, read by its lines. A subspec (`Firebase/Core`) is a part of its pod, and counts as it.
//! What is for development only stands in the Podfile alone.
//!
//! Source: `Pod::Lockfile`, <https://github.com/CocoaPods/Core>.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, shared_source};
use crate::analyzers::npm::lines::{Levels, quoted};
use sekisho_model::PackageKind;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Reads `Podfile.lock`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "cocoapods-lock",
    version: 2,
    title: "CocoaPods lock files (Podfile.lock)",
    kinds: &[PackageKind::Cocoapods],
    paths: &["**/Podfile.lock"],
    run,
    ..Analyzer::NONE
};

/// The repositories that everyone uses: the one that is served by a network of caches, and its original.
const REPOSITORIES: [&str; 3] =
    ["trunk", "https://github.com/CocoaPods/Specs.git", "https://github.com/CocoaPods/Specs"];

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let about = About::read(text);
    let mut locked = Locked::new(file, PackageKind::Cocoapods);
    let (mut section, mut listed, mut unusable) = (Cow::Borrowed(""), false, 0);
    let mut levels = Levels::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match levels.next(line) {
            (Some(0), content) => {
                let (key, value) = named(content);
                listed |= key == "PODS" && matches!(&*value, "" | "[]");
                section = key;
                unusable += u64::from(section.starts_with("<<<<<<<") || section.starts_with(">>>>>>>"));
            }
            (Some(1), content) if section == "PODS" => match item(content).as_deref().and_then(pod) {
                Some((name, version)) => {
                    let mut facts = locked.package(name, version);
                    facts.direct = about.asked.then(|| about.direct.contains(name));
                    facts.extra.extend(about.place(name).as_deref().map(shared_source));
                    locked.add(facts);
                }
                None => unusable += 1,
            },
            (None, _) if section == "PODS" => unusable += 1,
            _ => {}
        }
    }
    if !listed {
        locked.malformed("has no list of pods");
    }
    locked.unusable(unusable);
    locked.finish()
}

/// The text of `- A (1.0)`, of `- A (1.0):` where a list follows, and of either in quotes.
fn item(content: &str) -> Option<Cow<'_, str>> {
    let text = content.strip_prefix("- ")?.trim();
    Some(quoted(text).map_or_else(|| Cow::Borrowed(text.strip_suffix(':').unwrap_or(text)), |(text, _)| text))
}

/// Pod and version of `A/B (1.0)`.
fn pod(item: &str) -> Option<(&str, &str)> {
    let (name, version) = item.split_once(" (")?;
    let version = version.strip_suffix(')').filter(|version| !version.is_empty())?;
    Some((root(name), version)).filter(|(name, _)| !name.is_empty())
}

/// The pod of which a spec is.
fn root(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// What other sections say of the pods.
#[derive(Default)]
struct About<'a> {
    /// Whether there is a list of what the project asks for.
    asked: bool,
    direct: HashSet<String>,
    /// The repositories of specifications that are not everyone's, and which of them a pod is from.
    repositories: Vec<Cow<'a, str>>,
    repository: HashMap<Cow<'a, str>, usize>,
    /// A folder or repository of the pod itself.
    external: HashMap<Cow<'a, str>, External<'a>>,
}

#[derive(Default)]
struct External<'a> {
    path: Cow<'a, str>,
    git: Cow<'a, str>,
    commit: Cow<'a, str>,
    other: Cow<'a, str>,
}

impl<'a> About<'a> {
    fn read(text: &'a str) -> Self {
        let mut about = Self::default();
        let (mut section, mut key, mut repository) = (Cow::Borrowed(""), Cow::Borrowed(""), None);
        let mut levels = Levels::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (level, content) = levels.next(line);
            match (level.unwrap_or(usize::MAX), &*section) {
                (0, _) => {
                    section = named(content).0;
                    about.asked |= section == "DEPENDENCIES";
                }
                (1, "DEPENDENCIES") => {
                    let name = item(content).unwrap_or_default();
                    about.direct.insert(root(name.split(" (").next().unwrap_or_default()).to_owned());
                }
                (1, "SPEC REPOS") => {
                    repository = None;
                    let address = named(content).0;
                    if !REPOSITORIES.contains(&&*address) {
                        repository = Some(about.repositories.len());
                        about.repositories.push(address);
                    }
                }
                (2, "SPEC REPOS") => {
                    let pod = repository.and_then(|index| Some((item(content)?, index)));
                    about.repository.extend(pod);
                }
                (1, "EXTERNAL SOURCES" | "CHECKOUT OPTIONS") => key = named(content).0,
                (2, "EXTERNAL SOURCES" | "CHECKOUT OPTIONS") => {
                    let external = about.external.entry(key.clone()).or_default();
                    match named(content) {
                        (option, value) if option == ":path" => external.path = value,
                        (option, value) if option == ":git" => external.git = value,
                        (option, value) if option == ":commit" => external.commit = value,
                        (option, value) if option == ":podspec" || option == ":http" => external.other = value,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        about
    }

    fn place(&self, pod: &str) -> Option<Cow<'_, str>> {
        if let Some(External { path, git, commit, other }) = self.external.get(pod) {
            return Some(match (path.is_empty(), git.is_empty()) {
                (false, _) => Cow::Owned(format!("path+{path}")),
                (_, false) => Cow::Owned(format!("git+{git}#{commit}")),
                _ => Cow::Borrowed(other),
            });
        }
        let repository = self.repositories.get(*self.repository.get(pod)?)?;
        Some(Cow::Borrowed(repository))
    }
}

/// Key and value of a line, each with or without quotes. A key that is a symbol of Ruby has a colon before it.
fn named(content: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let content = content.trim();
    let (key, value) = quoted(content).unwrap_or_else(|| {
        let (key, value) = content.split_once(": ").unwrap_or((content, ""));
        (Cow::Borrowed(key.strip_suffix(':').unwrap_or(key).trim_end()), value)
    });
    let value = value.trim();
    let value = value.strip_prefix(':').unwrap_or(value).trim();
    (key, quoted(value).map_or(Cow::Borrowed(value), |(value, _)| value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&ANALYZER, "ios/Podfile.lock", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/cocoapods/fixtures");
    }

    #[test]
    fn subspecs_count_as_their_pod() {
        let text = "PODS:\n  - A/Core (1.0):\n    - B\n    - A/Other (= 9.0)\n  - \"A/Data+zlib (1.0)\"\n  - \"B (2.0)\":\n    - C\n  \
                    - C (0.1)\n  - D (3)\n\nDEPENDENCIES:\n  - A/Core (~> 1.0)\n  - \"D (from `../d`)\"\n\nSPEC REPOS:\n  trunk:\n    - \
                    A\n  https://specs.example/x.git:\n    - B\n\nEXTERNAL SOURCES:\n  C:\n    :branch: main\n    :git: \
                    https://x/c.git\n  D:\n    :path: \"../d\"\n\nCHECKOUT OPTIONS:\n  C:\n    :commit: abc\n    :git: https://x/c.git\n\n\
                    SPEC CHECKSUMS:\n  A: 00\n\nCOCOAPODS: 1.11.3\n";
        check(
            text,
            &[
                "A 1.0 direct",
                "B 2.0 indirect source=https://specs.example/x.git",
                "C 0.1 indirect source=git+https://x/c.git#abc",
                "D 3 direct source=path+../d",
            ],
            0,
        );
        check("PODS: []\n", &[], 0);
        for text in [
            "PODS:\n    - A (2):\n        - B\n    - B (1)\nDEPENDENCIES:\n    - A\n",
            "PODS:\n- A (2):\n  - B\n- B (1)\nDEPENDENCIES:\n- A\n",
            "\"PODS\" :\n - A (2):\n   - B\n - B (1)\nDEPENDENCIES :\n - A\n",
        ] {
            check(text, &["A 2 direct", "B 1 indirect"], 0);
        }
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_pod() {
        check("PODS:\n  - A\n  - B (1\n  - /x (1)\n  C (1)\n  - D (1)\n", &["D 1"], 1);
        check("", &[], 1);
        check("PODS: [A (1)]\n", &[], 1);
        check("PODS:\n    - A (1)\n  - B (1)\n", &["A 1"], 1);
        check("PODS:\n<<<<<<< HEAD\n  - A (1)\n", &[], 1);
    }
}
