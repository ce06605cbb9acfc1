//! Dart and Flutter packages, by the lock file of pub.
//!
//! A generated YAML of one shape, read by its lines. What the project asks for is marked, and what of that is for
//! development; whom the others are there for is not said.
//!
//! Source: `LockFile.serialize`, <https://github.com/dart-lang/pub>.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, source};
use crate::analyzers::npm::lines::lines;
use sekisho_model::PackageKind;
use std::borrow::Cow;

/// Reads `pubspec.lock`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "pub-lock",
    version: 3,
    title: "Dart lock files (pubspec.lock)",
    kinds: &[PackageKind::Pub],
    paths: &["**/pubspec.lock"],
    run,
    ..Analyzer::NONE
};

/// The registry that everyone uses, and its name until 2022.
const REGISTRY: [&str; 2] = ["pub.dev", "pub.dartlang.org"];

/// An entry of `packages`.
#[derive(Default)]
struct Entry<'a> {
    name: Cow<'a, str>,
    dependency: Cow<'a, str>,
    source: Cow<'a, str>,
    version: Cow<'a, str>,
    /// The description where it is a scalar, as for parts of the SDK.
    described: Cow<'a, str>,
    url: Cow<'a, str>,
    path: Cow<'a, str>,
    commit: Cow<'a, str>,
}

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Pub);
    let mut unusable = 0;
    let (mut top, mut field) = (Cow::Borrowed(""), Cow::Borrowed(""));
    let mut listed = false;
    let mut entry: Option<Entry<'_>> = None;
    for line in lines(&text) {
        let value = line.value();
        match (line.level, &*top, &mut entry) {
            _ if line.is_open => unusable += u64::from(top == "packages"),
            (Some(0), ..) => {
                unusable += take(&mut locked, entry.take());
                listed |= line.key == "packages" && (line.is_block() || value == "{}");
                top = line.key;
            }
            (Some(1), "packages", _) => {
                unusable += take(&mut locked, entry.replace(Entry { name: line.key, ..Entry::default() }));
            }
            (Some(2), "packages", Some(entry)) => {
                match &*line.key {
                    "dependency" => entry.dependency = value,
                    "source" => entry.source = value,
                    "version" => entry.version = value,
                    "description" => entry.described = value,
                    _ => {}
                }
                field = line.key;
            }
            (Some(3), "packages", Some(entry)) if field == "description" => match &*line.key {
                "url" => entry.url = value,
                "path" => entry.path = value,
                "resolved-ref" => entry.commit = value,
                _ => {}
            },
            (None, "packages", _) => unusable += 1,
            _ => {}
        }
    }
    unusable += take(&mut locked, entry);
    if !listed {
        locked.malformed("has no list of packages");
    }
    locked.unusable(unusable);
    locked.finish()
}

/// Takes an entry that has ended; counts it where it has no version.
fn take(locked: &mut Locked<'_>, entry: Option<Entry<'_>>) -> u64 {
    let Some(entry) = entry else { return 0 };
    if entry.name.is_empty() || entry.version.is_empty() {
        return 1;
    }
    let mut facts = locked.package(&entry.name, &entry.version);
    // `transitive`, `direct main`, `direct dev` or `direct overridden`.
    let mut words = entry.dependency.split(' ');
    facts.direct = words.next().filter(|word| !word.is_empty()).map(|word| word == "direct");
    facts.dev = words.next() == Some("dev");
    facts.extra.extend(entry.place().as_deref().map(source));
    locked.add(facts);
    0
}

impl Entry<'_> {
    /// Where it is from, if not the registry.
    fn place(&self) -> Option<String> {
        let host = self.url.split_once("://").map_or("", |(_, host)| host.trim_end_matches('/'));
        match &*self.source {
            "" => None,
            "hosted" if self.url.is_empty() || REGISTRY.contains(&host) => None,
            "hosted" => Some(self.url.clone().into_owned()),
            "git" => Some(format!("git+{}#{}", self.url, self.commit)),
            "path" => Some(format!("path+{}", self.path)),
            other => Some(format!("{other}+{}", self.described)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&ANALYZER, "srv/pubspec.lock", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/dart/fixtures");
    }

    #[test]
    fn a_quote_that_stays_open_is_told() {
        let text = "packages:\n  a:\n    dependency: transitive\n    source: hosted\n    version: \"1.0.0\"\n";
        check(text, &["a 1.0.0 indirect"], 0);
        // What is left has no version, and is not taken for one of that name.
        check(&text[..text.len() - 3], &[], 1);
    }

    #[test]
    fn fields_count_at_their_place_only() {
        let text = "packages:\n  a:\n    dependency: transitive\n    description:\n      version: \"no\"\n      url: \
                    \"https://pub.dev/\"\n    source: hosted\n    version: \"1.0.0+1\"\n  b:\n    dependency: \"direct dev\"\n    \
                    description: {name: b, url: x}\n    source: hosted\n    version: '2'\nsdks:\n  dart: \">=2\"\n  x:\n    version: \"3\"\n";
        check(text, &["a 1.0.0+1 indirect", "b 2 direct dev"], 0);
        check("packages: {}\n", &[], 0);
        for blanks in [1, 3, 4] {
            let text =
                "packages :\n_a:\n__dependency: transitive\n__source: hosted\n__version: \"1\"\nsdks:\n_dart: x\n";
            check(&text.replace('_', &" ".repeat(blanks)), &["a 1 indirect"], 0);
        }
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        check("packages:\n  a:\n    source: hosted\n  b:\n    version: \"1\"\n", &["b 1"], 1);
        check("packages:\n   a:\n", &[], 1);
        check("packages:\n    a:\n        version: \"1\"\n  b:\n    version: \"1\"\n", &["a 1"], 1);
        for text in ["", "sdks:\n  dart: x\n", "packages: x\n"] {
            check(text, &[], 1);
        }
    }
}
