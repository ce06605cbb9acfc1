//! `Pipfile.lock`: what pipenv would install, by group: `default`, `develop`, and groups of the user's own.
//!
//! Nothing tells what the project itself asks for. What is from a repository, a folder or an address has no version.
//!
//! Source: the writer, <https://github.com/pypa/pipenv> (`pipenv.utils.locking`), and "Pipfile.lock" in pipenv's
//! documentation.

use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Keys, Object, Scalar, each, skip};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Pypi);
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Object(&mut Groups(&mut locked)).deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = read {
        locked.malformed(json_reason(&error));
    }
    locked.finish()
}

/// The whole file.
struct Groups<'a, 'f>(&'a mut Locked<'f>);

impl<'de> Keys<'de> for Groups<'_, '_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key == "_meta" {
            return skip(map);
        }
        map.next_value_seed(each(|name, pin: Pin<'de>| {
            let facts = pin.facts(self.0, &name, key);
            self.0.add(facts);
        }))
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
        let version = self.version.as_str().trim_start_matches('=').trim();
        let commit = self.commit.text().map(|commit| format!("#{commit}")).unwrap_or_default();
        let from = self.git.text().map(|url| format!("git+{url}{commit}"));
        let from = from.or_else(|| self.file.text().or_else(|| self.path.text()).map(str::to_owned));
        let mut facts = PackageFacts { dev: group == "develop", ..locked.package(name, version) };
        facts.extra.extend(from.as_deref().map(source));
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
    fn groups_are_read_one_after_the_other() {
        let text = r#"{"_meta": {"hash": {"sha256": "x"}},
            "develop": {"both": {"version": "==1.0"}, "d": {"version": "===2.0", "markers": "x"}},
            "default": {"both": {"version": "==1.0", "hashes": ["sha256:x"]},
                "g": {"git": "https://example.org/g.git", "ref": "abc", "editable": true},
                "f": {"file": "https://example.org/f-1.0.tar.gz"}, "p": {"path": "./p", "editable": true}},
            "docs": {"s": {"version": "==3.0"}}}"#;
        let expect = [
            "both 1.0",
            "d 2.0 dev",
            "g  source=git+https://example.org/g.git#abc",
            "f  source=https://example.org/f-1.0.tar.gz",
            "p  source=./p",
            "s 3.0",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn what_was_read_survives_an_error() {
        for (text, packages) in [
            ("", 0),
            ("[]", 0),
            (r#"{"default": {"a": {"version": "==1"}, "b": "x"}}"#, 1),
            (r#"{"default": {"a": {"version": "==1"}, "b": {"#, 1),
            (r#"{"default": []}"#, 0),
        ] {
            let (lines, diagnostics) = run(text);
            assert_eq!((lines.len(), diagnostics), (packages, 1), "{text}");
        }
    }
}
