//! `bun.lock`: JSON with commas where JSON has none.
//!
//! `packages` has a list for each place where a package is installed (`a`, `a/b`), which begins with `name@version`;
//! `workspaces` says what the project and its workspaces ask for. Linked folders and workspaces are not packages. Who
//! needs whom is not followed, so that nothing is said to be for development only.
//!
//! Source: <https://bun.com/docs/pm/lockfile>, and the writer, `src/install/lockfile/bun.lock.zig`.

use super::is_name;
use super::lines::descriptor;
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Keys, Object, Scalar, each, skip};
use crate::analyzers::lock::{Locked, source, unknown_version};
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The newest version of the format that is known.
const LAST_VERSION: u64 = 1;

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Npm);
    let json = strict(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let mut json = serde_json::Deserializer::from_str(&json);
    let mut lock = Lock { limit: file.limits.records, ..Lock::default() };
    let read = Object(&mut lock).deserialize(&mut json).and_then(|()| json.end());
    match read {
        Err(error) => locked.malformed(json_reason(&error)),
        Ok(()) if !lock.known => locked.malformed("has neither packages nor the version of a lock file"),
        Ok(()) => {}
    }
    if let Some(version) = lock.unknown_version {
        locked.note(unknown_version(file, version));
    }
    lock.packages(&mut locked);
    locked.finish()
}

/// The text without comments and without commas before what closes; the rest keeps its places.
fn strict(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    // Where the last comma stands, if nothing but white space has come since.
    let mut comma = None;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                comma = None;
                out.push(byte);
                while let Some(byte) = bytes.next() {
                    out.push(byte);
                    match byte {
                        b'\\' => out.extend(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
                continue;
            }
            b'/' if bytes.peek() == Some(&b'/') => {
                while bytes.next_if(|byte| *byte != b'\n').is_some() {}
                continue;
            }
            b'/' if bytes.peek() == Some(&b'*') => {
                let mut last = 0;
                // The star of the beginning does not end it.
                for byte in bytes.by_ref().skip(1) {
                    if last == b'*' && byte == b'/' {
                        break;
                    }
                    last = byte;
                }
                continue;
            }
            b',' => comma = Some(out.len()),
            b']' | b'}' => {
                if let Some(place) = comma.take().and_then(|at: usize| out.get_mut(at)) {
                    *place = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        out.push(byte);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// What has been read of one lock file.
#[derive(Default)]
struct Lock {
    limit: usize,
    unknown_version: Option<u64>,
    /// Whether there is one of the keys that a lock file has.
    known: bool,
    /// By the place where it is installed.
    found: Vec<(String, PackageFacts)>,
    /// Of each workspace its name, empty for the project itself, and a name that it asks for.
    wanted: Vec<(String, String)>,
    unusable: u64,
    over: bool,
}

impl Lock {
    fn packages(self, locked: &mut Locked<'_>) {
        let Self { found, wanted, unusable, over, .. } = self;
        let places: HashSet<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        let direct: HashSet<String> = wanted
            .iter()
            .map(|(workspace, name)| {
                let own = format!("{workspace}/{name}");
                if places.contains(own.as_str()) { own } else { name.clone() }
            })
            .collect();
        drop(places);
        for (place, mut facts) in found {
            facts.direct = (!wanted.is_empty()).then(|| direct.contains(&place));
            locked.add(facts);
        }
        if over {
            locked.over();
        }
        locked.unusable(unusable);
    }

    fn package(&mut self, place: String, entry: &Entry<'_>) {
        let (name, version) = descriptor(entry.resolution.as_str());
        if !is_name(name) || version.is_empty() {
            self.unusable += 1;
            return;
        }
        let (version, from) = match version.split_once(':') {
            None => (version, None),
            // The project's own folders, of which their own package.json tells.
            Some(("workspace" | "link" | "root", _)) => return,
            // A repository is at a commit, an archive or a copied folder at no version.
            Some(_) => (version.split_once('#').map_or("", |(_, commit)| commit), Some(version)),
        };
        let mut facts = PackageFacts {
            evidence: sekisho_model::Evidence::Declared,
            ..PackageFacts::new(PackageKind::Npm, name, version)
        };
        facts.extra.extend(from.map(source));
        if self.found.len() > self.limit {
            self.over = true;
        } else {
            self.found.push((place, facts));
        }
    }
}

impl<'de> Keys<'de> for Lock {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        self.known |= matches!(key, "lockfileVersion" | "workspaces" | "packages");
        match key {
            "lockfileVersion" => {
                let version = map.next_value::<Scalar<'de>>()?.number();
                self.unknown_version = version.filter(|version| *version > LAST_VERSION);
                Ok(())
            }
            "workspaces" => map.next_value_seed(each(|folder, workspace: Workspace| {
                let Workspace { name, dependencies, dev, optional } = workspace;
                let name = if folder.is_empty() { String::new() } else { name };
                for wanted in dependencies.0.into_iter().chain(dev.0).chain(optional.0) {
                    if self.wanted.len() < self.limit {
                        self.wanted.push((name.clone(), wanted));
                    }
                }
            })),
            "packages" => {
                map.next_value_seed(each(|place, entry: Entry<'de>| self.package(place.into_owned(), &entry)))
            }
            _ => skip(map),
        }
    }
}

/// The project, or a workspace of it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Workspace {
    name: String,
    dependencies: Names,
    #[serde(rename = "devDependencies")]
    dev: Names,
    #[serde(rename = "optionalDependencies")]
    optional: Names,
}

/// The names of an object.
#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Vec::new();
        DeserializeSeed::deserialize(
            each(|name: std::borrow::Cow<'de, str>, _: IgnoredAny| names.push(name.into_owned())),
            deserializer,
        )?;
        Ok(Self(names))
    }
}

/// The list of a package, of which only the first is wanted.
struct Entry<'a> {
    resolution: Scalar<'a>,
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Entry<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the list of a package")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let resolution = seq.next_element()?.unwrap_or_default();
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entry { resolution })
            }
        }
        deserializer.deserialize_seq(First)
    }
}

#[cfg(test)]
mod tests {
    use super::super::BUN;
    use super::*;
    use crate::testing;

    fn run(text: &str) -> (Vec<String>, usize) {
        let extract = testing::run(&BUN, "srv/bun.lock", text.as_bytes());
        let line = |facts| testing::line(facts, "@");
        (extract.packages.iter().map(line).collect(), extract.diagnostics.len())
    }

    #[test]
    fn goldens() {
        testing::goldens(&BUN, "src/analyzers/npm/fixtures/bun");
    }

    #[test]
    fn json_is_made_strict_and_keeps_its_texts() {
        for (text, expect) in [
            ("{\"a\": [1, 2, ], }", "{\"a\": [1, 2  ]  }"),
            ("[\",]\", \"\\\",]\",]", "[\",]\", \"\\\",]\" ]"),
            ("[1, // c, ]\n]", "[1  \n]"),
            ("[1, /* ] */ 2 /**/]", "[1,  2 ]"),
            ("[1,,]", "[1, ]"),
            ("é\"é", "é\"é"),
            ("/*", ""),
        ] {
            assert_eq!(strict(text), expect, "{text}");
        }
    }

    #[test]
    fn packages_are_read_by_place() {
        let text = r#"{
            "lockfileVersion": 1,
            "workspaces": {
                "": {"name": "shop", "dependencies": {"a": "^1", "alias": "npm:@s/real@2", "lib": "workspace:*"}, "devDependencies": {"g": "u/g",},},
                "packages/lib": {"name": "lib", "dependencies": {"b": "^2", "c": "^1"}},
            },
            "packages": {
                "a": ["a@1.0.0", "", {"dependencies": {"b": "^1"}}, "sha512-x"],
                "alias": ["@s/real@2.0.0", "", {}, "sha512-x"],
                "b": ["b@1.0.0", "", {}, "sha512-x"],
                "c": ["c@1.0.0", "", {}, "sha512-x"],
                "g": ["g@github:u/g#abc", {}, "u-g-abc"],
                "lib": ["lib@workspace:packages/lib"],
                "lib/b": ["b@2.0.0", "", {}, "sha512-x"],
                "t": ["t@https://example.org/t.tgz", {}],
                "bad": ["../x@1"],
            }
        }"#;
        let expect = [
            "a@1.0.0 direct",
            "@s/real@2.0.0 direct",
            "b@1.0.0 indirect",
            "c@1.0.0 direct",
            "g@abc direct source=github:u/g#abc",
            "b@2.0.0 direct",
            "t@ indirect source=https://example.org/t.tgz",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 1));
    }

    #[test]
    fn what_was_read_survives_an_error() {
        for (text, packages) in [
            ("", 0),
            ("[]", 0),
            (r#"{"packages": {"a": ["a@1", ""], "b": 1}}"#, 1),
            (r#"{"packages": {"a": ["a@1"]}} x"#, 1),
            (r#"{"lockfileVersion": 2, "packages": {"a": ["a@1"]}}"#, 1),
            (r#"{"packages": {"a": []}}"#, 0),
        ] {
            let (lines, diagnostics) = run(text);
            assert_eq!((lines.len(), diagnostics), (packages, 1), "{text}");
        }
    }
}
