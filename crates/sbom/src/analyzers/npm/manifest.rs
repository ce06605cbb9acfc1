//! `package.json`: what npm wrote beside the code of an installed package, or a developer beside their own.

use super::value::Items;
use crate::analyzer::{Extract, File};
use crate::analyzers::json::Scalar;
use sekisho_model::{PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Reads one `package.json`. Without a name and a version it is no package and, but where npm installs one, nothing is said:
/// such files switch the module system of a directory (`{"type": "module"}`) or configure tools. Any name
/// will do: the rules of npm's registry do not bind what lies on disk, and Node.js loads it all the same.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let whole;
    let read = match serde_json::from_str::<Manifest<'_>>(text) {
        Err(error) => match without_lone_surrogates(text) {
            Some(text) => {
                whole = text;
                serde_json::from_str(&whole)
            }
            None => Err(error),
        },
        read => read,
    };
    let manifest = match read {
        Ok(manifest) => manifest,
        // npm installs into node_modules only what it could read; elsewhere broken files are the test
        // data and templates of other packages.
        Err(error) if is_installed(file.directory()) => return Extract::failed(file.malformed(json_reason(&error))),
        Err(error) => return Extract::failed(file.skipped(format_args!("is no package: it {}", json_reason(&error)))),
    };
    let (name, version) = match (manifest.name.text(), manifest.version.text()) {
        (Some(name), Some(version)) => (name, version),
        // What is installed under a name is a package, even if nobody can say which version.
        (Some(name), None) if is_installed(file.directory()) => {
            return Extract::failed(file.malformed(format_args!("names the package {name} and no version")));
        }
        (None, _) if is_installed(file.directory()) => {
            return Extract::failed(file.malformed("names no package, where one is installed"));
        }
        _ => return Extract::default(),
    };
    let mut licenses: Vec<_> = manifest.license.licenses().collect();
    if licenses.is_empty() {
        licenses.extend(manifest.licenses.licenses());
    }
    let package = PackageFacts {
        licenses,
        supplier: manifest.author.persons().or_else(|| manifest.maintainers.persons()),
        ..PackageFacts::new(PackageKind::Npm, name, version)
    };
    Extract { packages: vec![package], ..Extract::default() }
}

/// Whether [`run`] says the same of a file at both paths.
pub(super) fn alike(a: &str, b: &str) -> bool {
    let directory = |path: &str| path.rsplit_once('/').is_some_and(|(directory, _)| is_installed(directory));
    directory(a) == directory(b)
}

/// The text with U+FFFD for escaped halves of surrogate pairs, which JavaScript accepts in strings and Rust cannot
/// hold; `None` where there are none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    // The unit that an escape at the start of `text` stands for: a backslash, `u` and four hexadecimal digits.
    let escaped = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let low = |text: &str| matches!(escaped(text), Some(0xdc00..=0xdfff));
        let taken = match escaped(after) {
            Some(0xd800..=0xdbff) if after.get(6..).is_some_and(low) => 12,
            Some(0xd800..=0xdfff) => {
                found = true;
                out.push('\u{fffd}');
                rest = &after[6..];
                continue;
            }
            Some(_) => 6,
            // The backslash and what it escapes.
            None => 1 + after[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&after[..taken]);
        rest = &after[taken..];
    }
    out.push_str(rest);
    found.then_some(out)
}

/// Whether npm installs a package into a directory of this path: `node_modules/a` or `node_modules/@a/b`. Names that begin
/// with a dot are of what tools keep there (`node_modules/.cache`).
fn is_installed(directory: &str) -> bool {
    let mut components = directory.rsplit('/');
    let (name, parent, grandparent) = (components.next(), components.next(), components.next());
    parent == Some("node_modules") && !name.is_some_and(|name| name.starts_with('.'))
        || grandparent == Some("node_modules") && parent.is_some_and(|scope| scope.starts_with('@'))
}

/// The fields that are wanted. Of a repeated key the last counts, as in JavaScript.
#[derive(Debug, Default)]
struct Manifest<'a> {
    name: Scalar<'a>,
    version: Scalar<'a>,
    license: Items<'a>,
    /// What packages of npm's first years have instead of `license`.
    licenses: Items<'a>,
    author: Items<'a>,
    maintainers: Items<'a>,
}

impl<'de> Deserialize<'de> for Manifest<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Manifest<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut manifest = Manifest::default();
                while let Some(key) = map.next_key::<Scalar<'de>>()? {
                    match key.as_str() {
                        "name" => manifest.name = map.next_value()?,
                        "version" => manifest.version = map.next_value()?,
                        "license" => manifest.license = map.next_value()?,
                        "licenses" => manifest.licenses = map.next_value()?,
                        "author" => manifest.author = map.next_value()?,
                        "maintainers" => manifest.maintainers = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(manifest)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::super::INSTALLED;
    use super::*;
    use crate::testing;
    use sekisho_model::{Code, Level, License};

    fn run(text: &str) -> Extract {
        testing::run(&INSTALLED, "srv/node_modules/x/package.json", text.as_bytes())
    }

    #[test]
    fn goldens() {
        testing::goldens(&INSTALLED, "src/analyzers/npm/fixtures/installed");
    }

    #[test]
    fn a_package_has_a_name_and_a_version() {
        let text = "\u{feff}{\"name\": \"no\", \"private\": true, \"version\": \" 1.0.0 \", \"name\": \"@a/b\", \
                    \" name\": \"no\", \"licenses\": [{\"type\": \"MIT\"}], \"maintainers\": [{\"name\": \"M\"}]}";
        let package = PackageFacts {
            licenses: vec![License::Expression("MIT".into())],
            supplier: Some("M".into()),
            ..PackageFacts::new(PackageKind::Npm, "@a/b", "1.0.0")
        };
        assert_eq!(run(text), Extract { packages: vec![package], ..Extract::default() });
        for text in
            ["{}", r#"{"type": "module"}"#, r#"{"name": {"x": 1}, "version": "1"}"#, r#"{"name": " ", "version": "1"}"#]
        {
            // Installed, it is a package that nobody can judge; elsewhere it is anything.
            assert_eq!(run(text).diagnostics[0].level, Level::Incomplete, "{text}");
            for path in ["srv/package.json", "srv/node_modules/.cache/package.json", "node_modules/x/esm/package.json"]
            {
                assert_eq!(testing::run(&INSTALLED, path, text.as_bytes()), Extract::default(), "{path}: {text}");
            }
        }
        for text in [r#"{"name": "x"}"#, r#"{"name": "x", "version": ""}"#, r#"{"name": "x", "version": 1}"#] {
            assert_eq!(run(text).diagnostics[0].level, Level::Incomplete, "{text}");
            assert_eq!(testing::run(&INSTALLED, "srv/package.json", text.as_bytes()), Extract::default(), "{text}");
        }
    }

    #[test]
    fn no_name_is_too_strange_to_be_listed() {
        let long = "x".repeat(300);
        let names =
            ["X Y", "a/b/c", "../x", "é", "a:b", "_private", ".hidden", "{{name}}", "a\u{1b}[2J\u{202e}", &long];
        for name in names {
            let text = serde_json::json!({"name": name, "version": "1"}).to_string();
            let [package] = run(&text).packages.try_into().unwrap();
            assert_eq!(package.name, name);
            let purl = crate::purl::purl_of(&package, None).unwrap();
            assert_eq!(purl.as_str().parse(), Ok(purl), "{name:?}");
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_are_no_damage() {
        for lone in [r"\ud800", r"a\uDfffb", r"\ud800\ud83d\ude00", r"\\\ud800\n", r"\ud800\u0041"] {
            let text = format!(r#"{{"name": "x", "version": "1", "author": "{lone}"}}"#);
            let extract = testing::run(&INSTALLED, "srv/package.json", text.as_bytes());
            assert_eq!((extract.packages.len(), extract.diagnostics.len()), (1, 0), "{text}");
        }
        let fixed = |text: &str| without_lone_surrogates(text);
        assert_eq!(fixed(r"a\ud83d\ude00\\ud800é\"), None, "a pair, and a backslash before letters");
        assert_eq!(fixed(r"\ud83d\ude00\ude00").as_deref(), Some("\\ud83d\\ude00\u{fffd}"));
        assert_eq!(fixed(r"\ud80"), None);
    }

    #[test]
    fn broken_files_hide_packages_only_where_npm_installs_them() {
        for (directory, level, code) in [
            ("srv/node_modules/x", Level::Incomplete, Code::FileMalformed),
            ("node_modules/x", Level::Incomplete, Code::FileMalformed),
            ("node_modules/@s/x", Level::Incomplete, Code::FileMalformed),
            ("node_modules/resolve/test/malformed", Level::Note, Code::RecordMalformed),
            ("node_modules/a/b", Level::Note, Code::RecordMalformed),
            ("node_modules", Level::Note, Code::RecordMalformed),
            ("srv", Level::Note, Code::RecordMalformed),
        ] {
            for text in ["", "{", "[]", "null", "{\"name\": \"x\", \"version\": \"1\",}", "{} x"] {
                let extract = testing::run(&INSTALLED, &format!("{directory}/package.json"), text.as_bytes());
                assert_eq!(extract.packages, []);
                let [diagnostic] = extract.diagnostics.try_into().unwrap();
                assert_eq!((diagnostic.level, diagnostic.code), (level, code), "{directory}: {text}");
            }
        }
        assert_eq!(testing::run(&INSTALLED, "package.json", b"{").diagnostics[0].level, Level::Note);
    }

    #[test]
    fn unwanted_fields_may_nest_to_any_depth() {
        let deep = format!(r#"{{"x": {}{}, "name": "x", "version": "1"}}"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(run(&deep).packages.len(), 1);
        let deep = deep.replace("\"x\": [", "\"author\": [");
        assert_eq!(run(&deep).packages.len(), 1);
    }
}
