//! PHP packages of Composer: declared ones by `composer.lock`, installed ones by the list in the vendor folder.
//!
//! Composer 2 writes `installed.json` as an object with a list and the names of what is for development, Composer 1 as the
//! list itself. What the project itself asks for stands in `composer.json` alone.
//!
//! Source: `Composer\Package\Locker`, `Composer\Repository\FilesystemRepository` and `Composer\Package\Dumper\ArrayDumper`,
//! <https://github.com/composer/composer>.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::json::{Keys, List, Object, OrNull, Part, Scalar, list, skip};
use crate::analyzers::lock::{Locked, source};
use crate::analyzers::npm::value::Items;
use sekisho_model::{Evidence, PackageFacts, PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;

/// Reads `composer.lock`.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "composer-lock",
    version: 5,
    title: "Composer lock files (composer.lock)",
    kinds: &[PackageKind::Composer],
    paths: &["**/composer.lock"],
    run: |file| run(file, Evidence::Declared),
    ..Analyzer::NONE
};

/// Reads `installed.json`. The vendor folder may have any name, the one in it has not. It is no part of the pattern, or a
/// link of that name, as to the program, would be taken for one that leads packages out of sight.
pub(crate) static INSTALLED: Analyzer = Analyzer {
    id: "composer-installed",
    version: 3,
    title: "Composer packages (composer/installed.json)",
    kinds: &[PackageKind::Composer],
    paths: &["**/installed.json"],
    alike: |a, b| is_in_vendor(a) == is_in_vendor(b),
    run: |file| if is_in_vendor(file.path) { run(file, Evidence::Installed) } else { Extract::default() },
    ..Analyzer::NONE
};

fn is_in_vendor(path: &str) -> bool {
    path.rsplit('/').nth(1) == Some("composer")
}

fn run(file: &File<'_>, evidence: Evidence) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut found = Found { evidence, ..Found::new(file) };
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Object(&mut found).deserialize(&mut json).and_then(|()| json.end());
    let Found { mut locked, listed, packages, dev_names, unusable, over, .. } = found;
    for mut facts in packages {
        facts.dev |= dev_names.contains(&facts.name);
        locked.add(facts);
    }
    if over {
        locked.over();
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
    limit: usize,
    evidence: Evidence,
    /// Whether there is a list at all.
    listed: bool,
    packages: Vec<PackageFacts>,
    dev_names: HashSet<String>,
    unusable: u64,
    over: bool,
}

impl<'f> Found<'f> {
    fn new(file: &'f File<'f>) -> Self {
        Self {
            locked: Locked::new(file, PackageKind::Composer),
            limit: file.limits.records,
            evidence: Evidence::Declared,
            listed: false,
            packages: Vec::new(),
            dev_names: HashSet::new(),
            unusable: 0,
            over: false,
        }
    }

    /// A reader of a list of packages.
    fn packages<'de>(&mut self, dev: bool) -> List<Part<Entry<'de>>, impl FnMut(Part<Entry<'de>>)> {
        self.listed |= !dev;
        list(move |Part(entry): Part<Entry<'_>>| {
            let Some(entry) = entry else {
                self.unusable += 1;
                return;
            };
            let (Some(name), Some(version)) = (entry.name.text(), entry.version.text()) else {
                self.unusable += 1;
                return;
            };
            if self.packages.len() > self.limit {
                self.over = true;
                return;
            }
            let mut facts = self.locked.package(name, version);
            facts.dev = dev;
            facts.evidence = self.evidence;
            facts.licenses = entry.license.choice();
            facts.supplier = entry.authors.persons();
            facts.extra.extend(entry.place().as_deref().map(source));
            self.packages.push(facts);
        })
    }
}

/// The fields of a package that are wanted.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    #[serde(borrow, default)]
    name: Scalar<'a>,
    #[serde(borrow, default)]
    version: Scalar<'a>,
    #[serde(borrow, default)]
    license: Items<'a>,
    #[serde(borrow, default)]
    authors: Items<'a>,
    /// Whom Packagist asks to be told of installations: only packages from there have it.
    #[serde(borrow, default)]
    notification_url: Scalar<'a>,
    #[serde(borrow, default)]
    source: Part<Place<'a>>,
    #[serde(borrow, default)]
    dist: Part<Place<'a>>,
}

/// A repository, an archive or a folder.
#[derive(Default, Deserialize)]
struct Place<'a> {
    #[serde(borrow, default)]
    r#type: Scalar<'a>,
    #[serde(borrow, default)]
    url: Scalar<'a>,
    #[serde(borrow, default)]
    reference: Scalar<'a>,
}

impl Entry<'_> {
    /// Where it is from, if not a release from the registry that everyone uses.
    fn place(&self) -> Option<String> {
        let version = self.version.as_str();
        let is_branch = version.starts_with("dev-") || version.ends_with("-dev");
        let from_registry = self.notification_url.as_str().starts_with("https://packagist.org/");
        let (source, dist) = (self.source.0.as_ref(), self.dist.0.as_ref());
        let folder = dist.filter(|dist| dist.r#type.as_str() == "path");
        let place = folder.or(source).or(dist)?;
        let url = place.url.text().filter(|_| is_branch || !from_registry)?;
        let commit = place.reference.text().map(|commit| format!("#{commit}")).unwrap_or_default();
        Some(format!("{}+{url}{commit}", place.r#type.as_str()))
    }
}

/// The whole file, which was a list of packages until Composer 2.
impl<'de> Keys<'de> for Found<'_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "packages" => map.next_value_seed(self.packages(false)),
            // None where it was locked without those for development.
            "packages-dev" => map.next_value_seed(OrNull(self.packages(true))),
            "dev-package-names" => map.next_value_seed(list(|name: Scalar<'_>| {
                self.dev_names.insert(name.as_str().to_owned());
            })),
            _ => skip(map),
        }
    }

    fn list<A: SeqAccess<'de>>(&mut self, seq: A) -> Result<(), A::Error> {
        // No lock file ever was one.
        self.unusable += u64::from(self.evidence == Evidence::Declared);
        self.packages(false).visit_seq(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(analyzer: &Analyzer, text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(analyzer, "srv/vendor/composer/installed.json", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
        let evidence = if analyzer.id == "composer-lock" { Evidence::Declared } else { Evidence::Installed };
        assert!(extract.packages.iter().all(|facts| facts.evidence == evidence));
    }

    #[test]
    fn goldens() {
        testing::goldens(&LOCK, "src/analyzers/composer/fixtures/lock");
        testing::goldens(&INSTALLED, "src/analyzers/composer/fixtures/installed");
    }

    #[test]
    fn each_form_lists_its_packages() {
        let a = r#"{"name": "a/b", "version": "v1.0", "license": "MIT", "notification-url": "https://packagist.org/downloads/",
                    "source": {"type": "git", "url": "u", "reference": "c"}}"#;
        let b = r#"{"name": "c/d", "version": "dev-main", "notification-url": "https://packagist.org/downloads/",
                    "source": {"type": "git", "url": "u", "reference": "c"}, "dist": {"type": "zip", "url": "z"}}"#;
        let c = r#"{"name": "e/f", "version": "1", "source": {"type": "git", "url": "u"}, "dist": {"type": "path", "url": "../f"}}"#;
        let lock = format!(r#"{{"packages-dev": [{c}], "x": {{"packages": 1}}, "packages": [{a}, {b}]}}"#);
        check(&LOCK, &lock, &["e/f 1 dev source=path+../f", "a/b v1.0", "c/d dev-main source=git+u#c"], 0);
        let second = format!(r#"{{"packages": [{a}, {c}], "dev": true, "dev-package-names": ["e/f"]}}"#);
        check(&INSTALLED, &second, &["a/b v1.0", "e/f 1 dev source=path+../f"], 0);
        check(&INSTALLED, &format!("[{a}]"), &["a/b v1.0"], 0);
        check(&INSTALLED, "[]", &[], 0);
        assert_eq!(testing::run(&INSTALLED, "srv/installed.json", b"{"), Extract::default());
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        let a = r#"{"name": "a/b", "version": "1"}"#;
        check(&LOCK, &format!(r#"{{"packages": [{a}, {{"name": "x"}}, {{"version": "1"}}]}}"#), &["a/b 1"], 1);
        check(&LOCK, &format!(r#"{{"packages": [1, {a}]}}"#), &["a/b 1"], 1);
        check(&LOCK, &format!(r#"{{"packages": [[{{}}], null, "x", {a}], "packages-dev": [true]}}"#), &["a/b 1"], 1);
        let odd = r#"{"name": "c/d", "version": "2", "source": "x", "dist": [], "authors": 1, "license": {}}"#;
        check(&LOCK, &format!(r#"{{"packages": [{odd}, {a}]}}"#), &["c/d 2", "a/b 1"], 0);
        check(&LOCK, &format!(r#"{{"packages": [{a}"#), &["a/b 1"], 1);
        check(&LOCK, &format!(r#"{{"packages-dev": null, "packages": [{a}]}}"#), &["a/b 1"], 0);
        check(&LOCK, &format!(r#"{{"packages": null, "packages-dev": [{a}]}}"#), &[], 1);
        check(&LOCK, r#"{"packages-dev": null}"#, &[], 1);
        for text in ["", "{}", "null", r#"{"packages": null}"#, r#"{"packages": [[]]}"#] {
            check(&LOCK, text, &[], 1);
        }
        let deep = format!(r#"{{"packages": [{{"x": {}"#, "[".repeat(200_000));
        check(&LOCK, &deep, &[], 1);
    }
}
