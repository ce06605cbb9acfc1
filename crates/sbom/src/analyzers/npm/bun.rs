//! `bun.lock`: JSON with commas where JSON has none.
//!
//! `packages` has a list for each place where a package is installed (`a`, `a/b`), which begins with `name@version`;
//! `workspaces` says what the project and its workspaces ask for. Linked folders and workspaces are not packages. What a
//! package needs is the nearest of that name: in its own place, or in those around it. For development only is what nothing
//! else leads to; of a file with parts that could not be read nobody can tell.
//!
//! Source: <https://bun.com/docs/pm/lockfile>, and the writer, `src/install/lockfile/bun.lock.zig`.

use super::lines::descriptor;
use super::{is_name, is_range, origin};
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Keys, Object, Part, Scalar, each, nothing, skip, skip_map, skip_seq};
use crate::analyzers::lock::{Locked, reached, unknown_version};
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The newest version of the format that is known. The second has the content of the first: bun only checks more of it
/// (<https://github.com/oven-sh/bun/pull/31539>).
const LAST_VERSION: u64 = 2;

/// Places in each other beyond which who needs whom is not followed: real trees have less than ten.
const MAX_DEPTH: usize = 64;

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
        Ok(()) => lock.is_whole = true,
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
struct Lock<'t> {
    limit: usize,
    unknown_version: Option<u64>,
    /// Whether there is one of the keys that a lock file has.
    known: bool,
    /// Whether it was read to its end.
    is_whole: bool,
    /// By the place where it is installed.
    found: Vec<(String, PackageFacts)>,
    /// Places, of packages and of what is none, with the names of what is needed there.
    needs: Vec<(String, Vec<Cow<'t, str>>)>,
    /// What workspaces ask for.
    wanted: Vec<Wanted>,
    unusable: u64,
    over: bool,
}

/// Something that a workspace asks for.
struct Wanted {
    /// The name of the workspace, empty for the project itself.
    workspace: String,
    name: String,
    dev: bool,
}

impl Lock<'_> {
    fn packages(self, locked: &mut Locked<'_>) {
        let dev = self.for_development();
        let Self { found, wanted, unusable, over, .. } = self;
        let places: HashSet<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        let direct: HashSet<String> = wanted
            .iter()
            .map(|Wanted { workspace, name, .. }| {
                let own = format!("{workspace}/{name}");
                if places.contains(own.as_str()) { own } else { name.clone() }
            })
            .collect();
        drop(places);
        for (place, mut facts) in found {
            facts.direct = (!wanted.is_empty()).then(|| direct.contains(&place));
            facts.dev = dev.contains(&place);
            locked.add(facts);
        }
        if over {
            locked.over();
        }
        locked.unusable(unusable);
    }

    /// The places that only what is asked for in development leads to.
    fn for_development(&self) -> HashSet<String> {
        let is_deep = |(place, _): &(String, _)| above(place).count() > MAX_DEPTH;
        let is_sound = self.is_whole && !self.over && self.unusable == 0 && self.unknown_version.is_none();
        if !is_sound || self.needs.iter().any(is_deep) {
            return HashSet::new();
        }
        let places: HashMap<&str, usize> = self.needs.iter().map(|(place, _)| place.as_str()).zip(0..).collect();
        let nearest = |place: &str, name: &str| {
            let inner = above(place).map(|place| format!("{place}/{name}"));
            inner.chain([name.to_owned()]).find_map(|place| places.get(place.as_str()).copied())
        };
        let from = |dev| {
            let wanted = self.wanted.iter().filter(move |wanted| wanted.dev == dev);
            let start = wanted.filter_map(|wanted| nearest(&wanted.workspace, &wanted.name));
            reached(start, |index: usize, next: &mut Vec<usize>| {
                let (place, needs) = &self.needs[index];
                next.extend(needs.iter().filter_map(|name| nearest(place, name)));
            })
        };
        let needed = from(false);
        from(true).difference(&needed).map(|index| self.needs[*index].0.clone()).collect()
    }
}

/// A place and those around it, the nearest first: `@a/b/c`, `@a/b`. There is none around the project.
fn above(place: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(place).filter(|place| !place.is_empty()), |place| {
        let (rest, _) = place.rsplit_once('/')?;
        let last = rest.rsplit_once('/').map_or(rest, |(_, last)| last);
        // What was cut off was the name behind a scope.
        if !last.starts_with('@') {
            return Some(rest);
        }
        rest.rsplit_once('/').map(|(rest, _)| rest)
    })
}

impl<'t> Lock<'t> {
    fn package(&mut self, place: String, entry: Entry<'t>) {
        if self.needs.len() <= self.limit {
            self.needs.push((place.clone(), entry.needs));
        }
        let (name, version) = descriptor(entry.resolution.as_str());
        if !is_name(name) || version.is_empty() {
            self.unusable += 1;
            return;
        }
        let (version, from) = match version.split_once(':') {
            None if is_range(version) => ("", Some(version)),
            None => (version, None),
            // The project's own folders, of which their own package.json tells.
            Some(("workspace" | "link" | "root", _)) => return,
            // A repository is at a commit, an archive or a copied folder at no version.
            Some(_) => ("", Some(version)),
        };
        let mut facts = PackageFacts {
            evidence: sekisho_model::Evidence::Declared,
            ..PackageFacts::new(PackageKind::Npm, name, version)
        };
        facts.extra.extend(from.map(origin));
        if self.found.len() > self.limit {
            self.over = true;
        } else {
            self.found.push((place, facts));
        }
    }
}

impl<'de> Keys<'de> for Lock<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        self.known |= matches!(key, "lockfileVersion" | "workspaces" | "packages");
        match key {
            "lockfileVersion" => {
                let version = map.next_value::<Scalar<'de>>()?.number();
                self.unknown_version = version.filter(|version| *version > LAST_VERSION);
                Ok(())
            }
            "workspaces" => map.next_value_seed(each(|folder, Part(workspace): Part<Workspace<'de>>| {
                let Some(workspace) = workspace else {
                    self.unusable += 1;
                    return;
                };
                let Workspace { name, dependencies, dev, optional, peers } = workspace;
                let name = if folder.is_empty() { "" } else { name.as_str() };
                let needed = dependencies.0.into_iter().chain(optional.0).chain(peers.0).map(|wanted| (wanted, false));
                for (wanted, dev) in needed.chain(dev.0.into_iter().map(|wanted| (wanted, true))) {
                    if self.wanted.len() < self.limit {
                        let (workspace, name) = (name.to_owned(), wanted.into_owned());
                        self.wanted.push(Wanted { workspace, name, dev });
                    } else {
                        self.over = true;
                    }
                }
            })),
            "packages" => map.next_value_seed(each(|place, entry: Entry<'de>| self.package(place.into_owned(), entry))),
            _ => skip(map),
        }
    }
}

/// The project, or a workspace of it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Workspace<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    dependencies: Names<'a>,
    #[serde(borrow, rename = "devDependencies")]
    dev: Names<'a>,
    #[serde(borrow, rename = "optionalDependencies")]
    optional: Names<'a>,
    #[serde(borrow, rename = "peerDependencies")]
    peers: Names<'a>,
}

/// The names of an object.
#[derive(Default)]
struct Names<'a>(Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Vec::new();
        each(|name: Cow<'de, str>, _: IgnoredAny| names.push(name)).deserialize(deserializer)?;
        Ok(Self(names))
    }
}

/// The list of a package: what it is, and further on in an object what it needs.
#[derive(Default)]
struct Entry<'a> {
    resolution: Scalar<'a>,
    needs: Vec<Cow<'a, str>>,
}

impl<'de> Deserialize<'de> for Entry<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entry<'de>;

            nothing!(visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                skip_map(map).map(|()| Entry::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let resolution = seq.next_element()?.unwrap_or_default();
                let mut needs = Vec::new();
                while let Some(Needs(more)) = seq.next_element()? {
                    needs.extend(more);
                }
                Ok(Entry { resolution, needs })
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// What a package needs; nothing where an element of its list says something else.
#[derive(Default)]
struct Needs<'a>(Vec<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Needs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Needs<'de>;

            nothing!(visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64));

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Needs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut needs = Vec::new();
                while let Some(key) = map.next_key::<Scalar<'de>>()? {
                    match key.as_str() {
                        // A peer that may be absent and is there is needed as well.
                        "dependencies" | "optionalDependencies" | "peerDependencies" => {
                            needs.extend(map.next_value::<Names<'de>>()?.0);
                        }
                        _ => skip(&mut map)?,
                    }
                }
                Ok(Needs(needs))
            }
        }
        deserializer.deserialize_any(Lenient)
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
            }
        }"#;
        let expect = [
            "a@1.0.0 direct",
            "@s/real@2.0.0 direct",
            "b@1.0.0 indirect",
            "c@1.0.0 direct",
            "g@ direct dev source=github:u/g#abc",
            "b@2.0.0 direct",
            "t@ indirect source=https://example.org/t.tgz",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn what_only_development_leads_to_is_for_development() {
        let text = r#"{
            "lockfileVersion": 1,
            "workspaces": {
                "": {"name": "shop", "dependencies": {"a": "^1"}, "devDependencies": {"d": "^1", "@s/t": "^1"}},
                "packages/lib": {"name": "lib", "peerDependencies": {"p": "^1"}, "devDependencies": {"a": "^2"}},
            },
            "packages": {
                "a": ["a@1.0.0", "", {"dependencies": {"shared": "^1", "@s/u": "^1"}}, "x"],
                "d": ["d@1.0.0", "", {"dependencies": {"shared": "^2", "only": "^1"}}, "x"],
                "d/shared": ["shared@2.0.0", "", {"optionalDependencies": {"deep": "^1"}}, "x"],
                "deep": ["deep@1.0.0", "", {"dependencies": {"d": "^1"}}, "x"],
                "lib": ["lib@workspace:packages/lib"],
                "lib/a": ["a@2.0.0", "", {"dependencies": {"only": "^1"}}, "x"],
                "only": ["only@1.0.0", "", {}, "x"],
                "p": ["p@1.0.0", "", {}, "x"],
                "shared": ["shared@1.0.0", "", {}, "x"],
                "@s/t": ["@s/t@1.0.0", "", {"peerDependencies": {"u": "^1"}}, "x"],
                "@s/t/u": ["u@2.0.0", "", {"dependencies": {"@s/u": "^1"}}, "x"],
                "@s/u": ["@s/u@1.0.0", "", {"dependencies": {"u": "^1"}}, "x"],
                "u": ["u@1.0.0", "", {}, "x"],
                "stray": ["stray@1.0.0", "", {}, "x"],
                "any": ["any@*", "", {}, "x"],
            }
        }"#;
        assert_eq!(run(text).0.last().map(String::as_str), Some("any@ indirect requirement=*"));
        let dev = |text: &str| -> Vec<String> {
            let packages = testing::run(&BUN, "srv/bun.lock", text.as_bytes()).packages;
            let dev = packages.iter().filter(|facts| facts.dev);
            dev.map(|facts| format!("{}@{}", facts.name, facts.version)).collect()
        };
        let expect = ["d@1.0.0", "shared@2.0.0", "deep@1.0.0", "a@2.0.0", "only@1.0.0", "@s/t@1.0.0", "u@2.0.0"];
        assert_eq!(dev(text), expect);
        let second = text.replace("\"lockfileVersion\": 1", "\"lockfileVersion\": 2");
        assert_eq!((dev(&second), run(&second).1), (expect.map(str::to_owned).to_vec(), 0));
        // Where something is missing it may have been what led there.
        for broken in [text.replace("\"stray@1.0.0\"", "\"../x@1\""), text.replace("}\n        }", "}")] {
            assert_ne!(broken, text);
            assert_eq!(dev(&broken), Vec::<String>::new());
        }
        let deep = format!("{}\"d{}\": [\"x@1\"],\n}}}}", &text[..text.rfind("\"stray").unwrap()], "/x".repeat(100));
        assert_eq!(dev(&deep), Vec::<String>::new());
    }

    #[test]
    fn places_end_behind_whole_names() {
        let all = |place| above(place).collect::<Vec<_>>();
        assert_eq!(all("a/b"), ["a/b", "a"]);
        assert_eq!(all("@s/a/@t/b/c"), ["@s/a/@t/b/c", "@s/a/@t/b", "@s/a"]);
        assert_eq!(all("@s/a"), ["@s/a"]);
        assert_eq!(all(""), [""; 0]);
    }

    #[test]
    fn what_was_read_survives_an_error() {
        for (text, packages) in [
            ("", 0),
            ("[]", 0),
            (r#"{"packages": {"b": 1, "c": {}, "a": ["a@1", ""]}}"#, 1),
            (r#"{"packages": {"a": ["a@1"]}} x"#, 1),
            (r#"{"lockfileVersion": 3, "packages": {"a": ["a@1"]}}"#, 1),
            (r#"{"packages": {"a": []}}"#, 0),
            (r#"{"workspaces": {"": 1}, "packages": {"a": ["a@1"]}}"#, 1),
        ] {
            let (lines, diagnostics) = run(text);
            assert_eq!((lines.len(), diagnostics), (packages, 1), "{text}");
        }
    }
}
