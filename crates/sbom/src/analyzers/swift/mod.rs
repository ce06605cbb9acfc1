//! Swift packages, by the file in which the package manager keeps what it resolved.
//!
//! A package is known by the address of its repository. Version 1 of the format has its pins in an object, 2 and 3 at the
//! top. What the project asks for stands in `Package.swift` or the Xcode project alone.
//!
//! Old versions of Xcode wrote the file with a dot before its name.
//!
//! Source: `PinsStore`, <https://github.com/swiftlang/swift-package-manager>.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::json::{Keys, Object, Part, Scalar, list, skip};
use crate::analyzers::lock::{Locked, source, unknown_version};
use sekisho_model::{PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};

/// Reads `Package.resolved`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "swift-resolved",
    version: 2,
    title: "Swift packages (Package.resolved, .package.resolved)",
    kinds: &[PackageKind::Swift],
    paths: &["**/Package.resolved", "**/.package.resolved"],
    run,
    ..Analyzer::NONE
};

/// The newest version of the format that is known.
const LAST_VERSION: u64 = 3;

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut found = Found { locked: Locked::new(file, PackageKind::Swift), version: None, listed: false, unusable: 0 };
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Object(&mut Level { found: &mut found, inner: false }).deserialize(&mut json).and_then(|()| json.end());
    let Found { mut locked, version, listed, unusable } = found;
    if let Some(version) = version.filter(|version| *version > LAST_VERSION) {
        locked.note(unknown_version(file, version));
    }
    locked.unusable(unusable);
    match read {
        Err(error) => locked.malformed(json_reason(&error)),
        Ok(()) if !listed => locked.malformed("has no list of packages"),
        Ok(()) => {}
    }
    locked.finish()
}

/// What has been read of one file.
struct Found<'f> {
    locked: Locked<'f>,
    version: Option<u64>,
    listed: bool,
    unusable: u64,
}

/// One package, with the names that its fields have in each version.
#[derive(Deserialize)]
struct Pin<'a> {
    #[serde(borrow, default)]
    identity: Scalar<'a>,
    #[serde(borrow, default)]
    kind: Scalar<'a>,
    #[serde(borrow, default, alias = "repositoryURL")]
    location: Scalar<'a>,
    #[serde(borrow, default)]
    state: Part<State<'a>>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    version: Scalar<'a>,
    #[serde(borrow, default)]
    revision: Scalar<'a>,
}

impl Found<'_> {
    fn take(&mut self, pin: &Pin<'_>) {
        let Part(Some(state)) = &pin.state else {
            self.unusable += 1;
            return;
        };
        let location = pin.location.text().unwrap_or_default();
        let version = state.version.text().unwrap_or_default();
        let local = matches!(pin.kind.as_str(), "localSourceControl" | "fileSystem") || location.starts_with('/');
        // A package of a registry has no address, and is known by its scope and name.
        let name = if local || location.is_empty() { None } else { address(location) };
        let Some(name) = name.or_else(|| pin.identity.text().map(str::to_owned)) else {
            self.unusable += 1;
            return;
        };
        let mut facts = self.locked.package(&name, version);
        if local {
            facts.extra.push(source(&format!("path+{location}")));
        } else if version.is_empty() {
            facts.extra.push(source(&format!("git+{location}#{}", state.revision.as_str())));
        }
        self.locked.add(facts);
    }
}

/// `github.com/apple/swift-nio` of `https://github.com/apple/swift-nio.git` and `git@github.com:apple/swift-nio.git`.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").map_or((false, url), |(_, rest)| (true, rest));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let host = if scheme { host.to_owned() } else { host.replacen(':', "/", 1) };
    (!host.is_empty()).then(|| format!("{host}{path}"))
}

/// The object of the file, or the one in it that has the pins of version 1.
struct Level<'c, 'f> {
    found: &'c mut Found<'f>,
    inner: bool,
}

impl<'de> Keys<'de> for Level<'_, '_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Self { found, inner } = self;
        match key {
            "pins" => {
                found.listed = true;
                map.next_value_seed(list(|Part(pin): Part<Pin<'de>>| match pin {
                    Some(pin) => found.take(&pin),
                    None => found.unusable += 1,
                }))
            }
            "object" if !*inner => map.next_value_seed(Object(&mut Level { found, inner: true })),
            "version" => {
                found.version = map.next_value::<Scalar<'de>>()?.number();
                Ok(())
            }
            _ => skip(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&ANALYZER, "srv/Package.resolved", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/swift/fixtures");
    }

    #[test]
    fn a_package_is_known_by_its_address() {
        let expect = "github.com/apple/swift-nio";
        for url in [
            "https://github.com/apple/swift-nio.git",
            "http://user:word@github.com/apple/swift-nio/",
            "git@github.com:apple/swift-nio.git",
            "ssh://git@github.com/apple/swift-nio",
        ] {
            assert_eq!(address(url).as_deref(), Some(expect), "{url}");
        }
        assert_eq!(address("https://example.org:8443/x.git").as_deref(), Some("example.org:8443/x"));
        assert_eq!(address("https://"), None);
    }

    #[test]
    fn what_has_no_version_is_listed_all_the_same() {
        let text = r#"{"pins": [
            {"identity": "a", "kind": "remoteSourceControl", "location": "https://x/a.git", "state": {"branch": "main", "revision": "abc"}},
            {"identity": "mona.list", "kind": "registry", "location": "", "state": {"version": "1"}},
            {"identity": "l", "kind": "localSourceControl", "location": "/src/l", "state": {"revision": "d", "version": "2"}}], "version": 3}"#;
        check(text, &["x/a  source=git+https://x/a.git#abc", "mona.list 1", "l 2 source=path+/src/l"], 0);
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        let a = r#"{"package": "A", "repositoryURL": "https://x/a", "state": {"version": "1"}}"#;
        check(&format!(r#"{{"object": {{"pins": [{a}, {{"state": {{}}}}]}}, "version": 1}}"#), &["x/a 1"], 1);
        check(&format!(r#"{{"pins": [{a}], "version": 4}}"#), &["x/a 1"], 1);
        check(&format!(r#"{{"pins": [{{}}, 1, [{{}}], {{"identity": "b", "state": "1"}}, {a}]}}"#), &["x/a 1"], 1);
        for text in ["", "{}", "[]", r#"{"object": {"object": {"pins": []}}}"#] {
            check(text, &[], 1);
        }
    }
}
