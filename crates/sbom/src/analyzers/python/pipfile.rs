//! `Pipfile.lock`: what pipenv would install, by group: `default`, `develop`, and groups of the user's own.
//!
//! Nothing tells what the project itself asks for. What is from a repository or a folder has no version, and what is from an
//! address that of the archive there, where the name of its file says one.
//!
//! Source: the writer, <https://github.com/pypa/pipenv> (`pipenv.utils.locking`), and "Pipfile.lock" in pipenv's
//! documentation.

use super::requirements::archived;
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{IfObject, Keys, Object, Part, Scalar, each, skip};
use crate::analyzers::lock::{Locked, source, unknown_version};
use crate::project::REQUIREMENT;
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};

/// The newest version of the format that is known (`pipfile-spec`).
const LAST_VERSION: u64 = 6;

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Pypi);
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let mut groups = Groups { locked: &mut locked, meta: Meta::default(), unusable: 0 };
    let read = Object(&mut groups).deserialize(&mut json).and_then(|()| json.end());
    let Groups { meta, unusable, .. } = groups;
    locked.unusable(unusable);
    if let Some(version) = meta.0.filter(|version| *version > LAST_VERSION) {
        locked.note(unknown_version(file, version));
    }
    if let Err(error) = read {
        locked.malformed(json_reason(&error));
    }
    locked.finish()
}

/// The whole file.
struct Groups<'a, 'f> {
    locked: &'a mut Locked<'f>,
    meta: Meta,
    unusable: u64,
}

/// The version of the format, out of what is said of the file itself.
#[derive(Default)]
struct Meta(Option<u64>);

impl<'de> Keys<'de> for Meta {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key != "pipfile-spec" {
            return skip(map);
        }
        self.0 = map.next_value::<Scalar<'de>>()?.number();
        Ok(())
    }
}

impl<'de> Keys<'de> for Groups<'_, '_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key == "_meta" {
            return map.next_value_seed(Object(&mut self.meta));
        }
        let Self { locked, unusable, .. } = self;
        let is_group = map.next_value_seed(IfObject(each(|name, Part(pin): Part<Pin<'de>>| match pin {
            Some(pin) => locked.add(pin.facts(locked, &name, key)),
            None => *unusable += 1,
        })))?;
        *unusable += u64::from(!is_group);
        Ok(())
    }
}

/// What is said of one package.
#[derive(Deserialize)]
struct Pin<'a> {
    #[serde(borrow, default)]
    version: Scalar<'a>,
    #[serde(borrow, default)]
    git: Scalar<'a>,
    #[serde(rename = "ref", borrow, default)]
    commit: Scalar<'a>,
    #[serde(borrow, default)]
    file: Scalar<'a>,
    #[serde(borrow, default)]
    path: Scalar<'a>,
}

impl Pin<'_> {
    fn facts(&self, locked: &Locked<'_>, name: &str, group: &str) -> PackageFacts {
        let stated = self.version.as_str().trim();
        let version = stated.trim_start_matches('=').trim();
        // `*` where the project asks for any, and a range, are no version.
        let is_exact = !version.contains([',', '*']) && !version.starts_with(['<', '>', '~', '!', '^']);
        let (version, requirement) = if is_exact { (version, None) } else { ("", Some(stated)) };
        let of_archive = || Some(archived(self.file.text()?, Some(name))?.1);
        let own = if version.is_empty() && requirement.is_none_or(str::is_empty) { of_archive() } else { None };
        let version = own.as_deref().unwrap_or(version);
        let commit = self.commit.text().map(|commit| format!("#{commit}")).unwrap_or_default();
        let from = self.git.text().map(|url| format!("git+{url}{commit}"));
        let from = from.or_else(|| self.file.text().or_else(|| self.path.text()).map(str::to_owned));
        let mut facts = PackageFacts { dev: group == "develop", ..locked.package(name, version) };
        facts.extra.extend(from.as_deref().map(source));
        facts.extra.extend(requirement.map(|stated| (REQUIREMENT.to_owned(), stated.to_owned())));
        facts
    }
}

#[cfg(test)]
mod tests {
    use crate::analyzers::python::PIPFILE;
    use crate::testing;

    fn run(text: &str) -> (Vec<String>, usize) {
        let extract = testing::run(&PIPFILE, "srv/Pipfile.lock", text.as_bytes());
        let line = |facts| testing::line(facts, " ");
        (extract.packages.iter().map(line).collect(), extract.diagnostics.len())
    }

    #[test]
    fn goldens() {
        testing::goldens(&PIPFILE, "src/analyzers/python/fixtures/pipenv");
    }

    #[test]
    fn versions_that_are_not_known_are_told() {
        let of = |version: u64| {
            format!(r#"{{"_meta": {{"pipfile-spec": {version}}}, "default": {{"a": {{"version": "==1"}}}}}}"#)
        };
        assert_eq!(run(&of(6)), (vec!["a 1".to_owned()], 0));
        assert_eq!(run(&of(7)), (vec!["a 1".to_owned()], 1));
    }

    #[test]
    fn groups_are_read_one_after_the_other() {
        let text = r#"{"_meta": {"hash": {"sha256": "x"}},
            "develop": {"both": {"version": "==1.0"}, "d": {"version": "===2.0", "markers": "x"}},
            "default": {"both": {"version": "==1.0", "hashes": ["sha256:x"]},
                "g": {"git": "https://example.org/g.git", "ref": "abc", "editable": true},
                "f": {"file": "https://example.org/f-1.0.tar.gz"}, "n": {"file": "https://example.org/main.zip"}, "p": {"path": "./p", "editable": true}},
            "docs": {"s": {"version": "==3.0"}, "any": {"version": "*"}, "r": {"version": ">=1,<2"}, "w": {"version": "==1.*"}}}"#;
        let expect = [
            "both 1.0",
            "d 2.0 dev",
            "g  source=git+https://example.org/g.git#abc",
            "f 1.0 source=https://example.org/f-1.0.tar.gz",
            "n  source=https://example.org/main.zip",
            "p  source=./p",
            "s 3.0",
            "any  requirement=*",
            "r  requirement=>=1,<2",
            "w  requirement===1.*",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn what_was_read_survives_an_error() {
        for (text, packages) in [
            ("", 0),
            ("[]", 0),
            (r#"{"default": {"b": "x", "c": [{}], "a": {"version": "==1"}}}"#, 1),
            (r#"{"note": "x", "more": [1], "default": {"a": {"version": "==1"}}}"#, 1),
            (r#"{"default": {"a": {"version": "==1"}, "b": {"#, 1),
            (r#"{"default": []}"#, 0),
        ] {
            let (lines, diagnostics) = run(text);
            assert_eq!((lines.len(), diagnostics), (packages, 1), "{text}");
        }
    }
}
