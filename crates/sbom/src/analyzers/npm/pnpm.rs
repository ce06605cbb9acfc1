//! `pnpm-lock.yaml` of versions 5, 6 and 9.
//!
//! `packages` has a key for each: `/name/1.0.0_peers` in version 5, `/name@1.0.0(peers)` in 6, `name@1.0.0` in 9, where
//! `snapshots` says who needs whom. `importers`, or for a single project the file itself, says what the project and its
//! workspaces ask for. Versions 5 and 6 mark what is for development only; in 9 it follows from who needs whom. Linked
//! folders are in `importers` alone.
//!
//! Sources: <https://github.com/pnpm/spec/tree/master/lockfile>, and the writer, `@pnpm/lockfile.fs` and
//! `@pnpm/dependency-path`.

use super::is_name;
use super::lines::{Line, descriptor, lines};
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, reached, source, unknown_version};
use sekisho_model::PackageKind;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Npm);
    let mut lock = Lock::default();
    for line in lines(&text) {
        lock.line(&line, file.limits.records);
    }
    match lock.version {
        Some(5 | 6 | 9) => {}
        Some(version) => locked.note(unknown_version(file, version)),
        None if text.trim().is_empty() => {}
        None => locked.malformed("does not say which lock file of pnpm it is"),
    }
    if lock.over {
        locked.over();
    }
    lock.packages(&mut locked);
    locked.finish()
}

/// An entry of `packages`.
#[derive(Default)]
struct Entry<'a> {
    key: Cow<'a, str>,
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    dev: bool,
}

/// What a project asks for.
struct Wanted {
    /// The key of the package.
    key: String,
    dev: bool,
}

/// What has been read of one lock file.
#[derive(Default)]
struct Lock<'a> {
    version: Option<u64>,
    /// The keys above the line, by level.
    path: [Cow<'a, str>; 5],
    entries: Vec<Entry<'a>>,
    wanted: Vec<Wanted>,
    /// Version 9: by the key of a package with its peers, the keys of what it needs.
    needs: HashMap<Cow<'a, str>, Vec<String>>,
    /// Version 9: whether there is any package with its peers.
    has_snapshots: bool,
    unusable: u64,
    over: bool,
}

impl<'a> Lock<'a> {
    fn line(&mut self, line: &Line<'a>, limit: usize) {
        if line.is_open {
            self.unusable += u64::from(matches!(&*self.path[0], "importers" | "packages" | "snapshots"));
            return;
        }
        let Some(level) = line.level.filter(|level| *level < self.path.len()) else {
            // What is deeper, or folded by hand, is of no package's own fields.
            self.unusable += u64::from(line.level.is_none() && self.path[0] == "packages");
            return;
        };
        self.path[level].clone_from(&line.key);
        self.path[level + 1..].fill(Cow::Borrowed(""));
        let value = line.value();
        let keys = self.path.clone();
        let path = [0, 1, 2, 3].map(|level| &*keys[level]);
        match (level, path) {
            (0, ["lockfileVersion", ..]) => {
                let major = value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len());
                self.version = value[..major].parse().ok();
            }
            (0, ["packages" | "importers" | "snapshots", ..]) if !value.is_empty() && value != "{}" => {
                self.unusable += 1;
            }
            // The key in another form of YAML.
            (0, [key, ..]) if key != "packages" && key.contains("packages") => self.unusable += 1,
            (1, ["packages", ..]) if self.entries.len() > limit => self.over = true,
            (1, ["packages", ..]) => self.entries.push(Entry { key: line.key.clone(), ..Entry::default() }),
            (1, ["snapshots", ..]) => self.has_snapshots = true,
            (2, ["packages", _, field, _]) => {
                let Some(entry) = self.entries.last_mut().filter(|_| !self.over) else { return };
                match field {
                    "name" => entry.name = value,
                    "version" => entry.version = value,
                    "dev" => entry.dev = value == "true",
                    _ => {}
                }
            }
            (3, ["snapshots", _, "dependencies" | "optionalDependencies", name]) => {
                let need = key_of(self.version, name, &value);
                self.needs.entry(self.path[1].clone()).or_default().extend(need);
            }
            // Of one project alone, a version by itself, or below its name beside the range.
            (1, [group, name, ..]) if !value.is_empty() => self.want(group, name, &value),
            (2, [group, name, "version", _]) => self.want(group, name, &value),
            (3, ["importers", _, group, name]) if !value.is_empty() => {
                self.want(group, name, &value);
            }
            (4, ["importers", _, group, name]) if self.path[4] == "version" => {
                self.want(group, name, &value);
            }
            _ => {}
        }
    }

    fn want(&mut self, group: &str, name: &str, version: &str) {
        let dev = group == "devDependencies";
        if dev || matches!(group, "dependencies" | "optionalDependencies") {
            self.wanted.extend(key_of(self.version, name, version).map(|key| Wanted { key, dev }));
        }
    }

    fn packages(self, locked: &mut Locked<'_>) {
        let Self { version, entries, wanted, needs, has_snapshots, unusable, .. } = self;
        // What is asked for is listed, or the list is not where it is looked for.
        let mut unusable = unusable + u64::from(entries.is_empty() && (has_snapshots || !wanted.is_empty()));
        let follow = |dev: bool| -> HashSet<&str> {
            let start = wanted.iter().filter(|wanted| wanted.dev == dev).map(|wanted| wanted.key.as_str());
            let all = reached(start, |key, open: &mut Vec<&str>| {
                open.extend(needs.get(key).into_iter().flatten().map(String::as_str));
            });
            all.into_iter().map(without_peers).collect()
        };
        let graph = (version == Some(9)).then(|| (follow(false), follow(true)));
        let direct: HashSet<&str> = wanted.iter().map(|wanted| exact(version, &wanted.key)).collect();
        for entry in &entries {
            let Some((name, number, from)) = identity(version, entry) else {
                unusable += 1;
                continue;
            };
            let mut facts = locked.package(&name, &number);
            facts.dev = match &graph {
                None => entry.dev,
                Some((used, dev)) => !used.contains(&*entry.key) && dev.contains(&*entry.key),
            };
            facts.direct = (!wanted.is_empty()).then(|| direct.contains(exact(version, &entry.key)));
            facts.extra.extend(from.as_deref().map(source));
            locked.add(facts);
        }
        locked.unusable(unusable);
    }
}

/// A key up to the peers in parentheses.
fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(key, _)| key)
}

/// What the keys of direct dependencies and of packages are compared by: `packages` of version 9 have no peers.
fn exact(version: Option<u64>, key: &str) -> &str {
    if version == Some(9) { without_peers(key) } else { key }
}

/// The key of a package that is needed as `name` in a version, which for an alias, a repository or an archive is the key
/// itself; none for a linked folder.
fn key_of(lock: Option<u64>, name: &str, version: &str) -> Option<String> {
    if version.starts_with("link:") {
        return None;
    }
    let plain = without_peers(version);
    Some(match lock {
        Some(9) => {
            let at = plain.get(1..).and_then(|rest| rest.find('@')).map(|at| at + 1);
            let colon = plain.find(':');
            match at {
                Some(at) if colon.is_none_or(|colon| at < colon) => version.to_owned(),
                _ => format!("{name}@{version}"),
            }
        }
        _ if version.contains(':') || plain.contains('/') => version.to_owned(),
        Some(6) => format!("/{name}@{version}"),
        // Peers are behind an underscore, with `+` for slashes.
        _ => format!("/{name}/{version}"),
    })
}

/// Name, version and, if it is from no registry, where an entry of `packages` is from.
fn identity(lock: Option<u64>, entry: &Entry<'_>) -> Option<(String, String, Option<String>)> {
    let key = without_peers(&entry.key);
    let (name, version) = match lock {
        Some(9) => descriptor(key),
        Some(6) => descriptor(key.strip_prefix('/').unwrap_or(key)),
        _ => {
            // Other registries than the one that everyone uses stand before the slash.
            let path = key.split_once('/').map_or(key, |(_, path)| path);
            let (name, version) = path.rsplit_once('/').unwrap_or((path, ""));
            (name, version.split_once('_').map_or(version, |(version, _)| version))
        }
    };
    let own = |known: &Cow<'_, str>, told: &str| if known.is_empty() { told.to_owned() } else { known.to_string() };
    // A repository, an archive or a folder has name and version, as far as it has any, in fields of its own.
    let special = key.contains(':') || lock != Some(9) && !entry.name.is_empty();
    let (name, version, from) = if special {
        let place = if lock == Some(9) { version } else { key };
        (own(&entry.name, if lock == Some(9) { name } else { "" }), entry.version.to_string(), Some(place.to_owned()))
    } else {
        (name.to_owned(), version.to_owned(), None)
    };
    (is_name(&name) && (!version.is_empty() || from.is_some())).then_some((name, version, from))
}

#[cfg(test)]
mod tests {
    use super::super::PNPM;
    use crate::testing;
    use sekisho_model::Level;
    use std::fmt::Write;

    #[test]
    fn what_is_cut_is_told() {
        let text = "lockfileVersion: '9.0'\n\npackages:\n\n  '@a/b@1.0.0':\n    resolution: {integrity: sha512-x}\n\n  c@2.0.0:\n    resolution: {integrity: sha512-y}\n";
        assert_eq!(run(text).1, 0);
        let cut = &text[..text.find("@1.0.0").unwrap()];
        assert_eq!(run(cut), (Vec::new(), 1));
    }

    /// Name, version, whether it is asked for and development's, and what else is said.
    fn run(text: &str) -> (Vec<String>, usize) {
        let extract = testing::run(&PNPM, "srv/pnpm-lock.yaml", text.as_bytes());
        assert!(extract.diagnostics.iter().all(|entry| entry.level == Level::Incomplete));
        let line = |facts| testing::line(facts, "@");
        (extract.packages.iter().map(line).collect(), extract.diagnostics.len())
    }

    #[test]
    fn goldens() {
        testing::goldens(&PNPM, "src/analyzers/npm/fixtures/pnpm");
    }

    /// The same project locked by three versions of pnpm, whose packages are the same.
    #[test]
    fn the_three_versions_agree() {
        let [v5, v6, v9] = [5, 6, 9].map(|version| {
            let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/src/analyzers/npm/fixtures/pnpm");
            let text = std::fs::read_to_string(format!("{fixtures}/v{version}/srv/pnpm-lock.yaml")).unwrap();
            let (mut lines, diagnostics) = run(&text);
            assert_eq!(diagnostics, 0);
            // Of a folder version 9 does not say which version it has.
            for line in &mut lines {
                *line = line.replace("local-dir@0.2.0", "local-dir@");
            }
            lines.sort();
            lines
        });
        assert!(v9.len() > 60, "{}", v9.len());
        assert!(v9.iter().any(|line| line == "typescript@5.9.3 direct dev"), "{v9:?}");
        assert!(v9.iter().any(|line| line.ends_with(" indirect dev")), "{v9:?}");
        assert_eq!(v6, v9);
        assert_eq!(v5, v9);
    }

    #[test]
    fn version_5_has_slashes_and_underscores() {
        let text = "lockfileVersion: 5.3\n\nspecifiers:\n  a: ^1\n\ndependencies:\n  a: 1.0.0_@babel+core@7.0.0\n  alias: /@s/real/2.0.0\n  g: github.com/u/g/abc\n\ndevDependencies:\n  '@d/e': 3.0.0\n  linked: link:../x\n\npackages:\n\n  \
            /a/1.0.0_@babel+core@7.0.0:\n    resolution: {integrity: sha512-x}\n    peerDependencies:\n      '@babel/core': '*'\n    dependencies:\n      version: 9.9.9\n    dev: false\n\n  \
            /@s/real/2.0.0:\n    dev: false\n\n  /@d/e/3.0.0:\n    dev: true\n\n  /low/4.0.0:\n    dev: true\n\n  registry.example.org/other/5.0.0:\n    dev: false\n\n  \
            github.com/u/g/abc:\n    resolution: {tarball: https://codeload.example.org/g}\n    name: g\n    version: 6.0.0\n    dev: false\n\n  file:x.tgz:\n    resolution: {tarball: file:x.tgz}\n    name: x\n    dev: false\n";
        let expect = [
            "a@1.0.0 direct",
            "@s/real@2.0.0 direct",
            "@d/e@3.0.0 direct dev",
            "low@4.0.0 indirect dev",
            "other@5.0.0 indirect",
            "g@6.0.0 direct source=github.com/u/g/abc",
            "x@ indirect source=file:x.tgz",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn version_9_tells_development_by_who_needs_whom() {
        let text = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(p@1.0.0)\n      real:\n        specifier: npm:@s/real@2\n        version: '@s/real@2.0.0'\n      g:\n        specifier: u/g\n        version: https://codeload.example.org/u/g/tar.gz/abc\n    devDependencies:\n      d:\n        specifier: ^3\n        version: 3.0.0\n      dir:\n        specifier: file:dir\n        version: file:dir\n\npackages:\n\n  \
            '@s/real@2.0.0':\n    resolution: {integrity: sha512-x}\n\n  a@1.0.0:\n    peerDependencies:\n      p: ^1\n\n  both@1.0.0:\n    engines: {node: '>=1'}\n\n  d@3.0.0:\n    hasBin: true\n\n  dir@file:dir:\n    resolution: {directory: dir, type: directory}\n\n  \
            g@https://codeload.example.org/u/g/tar.gz/abc:\n    resolution: {tarball: https://codeload.example.org/u/g/tar.gz/abc}\n    version: 4.0.0\n\n  low@1.0.0:\n    hasBin: true\n\n  nobody@1.0.0:\n    hasBin: true\n\n  p@1.0.0:\n    hasBin: true\n\nsnapshots:\n\n  \
            a@1.0.0(p@1.0.0):\n    dependencies:\n      both: 1.0.0\n      p: 1.0.0\n\n  d@3.0.0:\n    dependencies:\n      both: 1.0.0\n    optionalDependencies:\n      low: 1.0.0\n\n  low@1.0.0:\n    dependencies:\n      d: 3.0.0\n\n  both@1.0.0: {}\n";
        let expect = [
            "@s/real@2.0.0 direct",
            "a@1.0.0 direct",
            "both@1.0.0 indirect",
            "d@3.0.0 direct dev",
            "dir@ direct dev source=file:dir",
            "g@4.0.0 direct source=https://codeload.example.org/u/g/tar.gz/abc",
            "low@1.0.0 indirect dev",
            "nobody@1.0.0 indirect",
            "p@1.0.0 indirect",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn what_is_not_of_the_format_is_told() {
        let good = "lockfileVersion: '9.0'\npackages:\n  a@1:\n    hasBin: true\n";
        assert_eq!(run(""), (Vec::new(), 1));
        assert_eq!(run("lockfileVersion: '9.0'\n"), (Vec::new(), 0));
        assert_eq!(run(good), (vec!["a@1".to_owned()], 0));
        for text in [
            "lockfileVersion: '9.0'\npackages:\n   a@1:\n     hasBin: true\n",
            "lockfileVersion: '9.0'\n\npackages:\n\n    a@1:\n        resolution: {integrity: x}\n\nsnapshots:\n\n    a@1: {}\n",
            "lockfileVersion : '9.0'\npackages :\n a@1 :\n  hasBin : true\n",
            "lockfileVersion: '9.0'\n'packages':\t\n  ? a@1\n  : hasBin: true\n",
        ] {
            assert_eq!(run(text), (vec!["a@1".to_owned()], 0), "{text}");
        }
        for text in [
            "{\"lockfileVersion\": \"9.0\"}",
            "packages:\n  a@1: {}\n",
            "lockfileVersion: '9.0'\nsnapshots:\n  a@1: {}\n",
            "lockfileVersion: '9.0'\npackages: {a@1: {}}\n",
            "lockfileVersion: '10.0'\n",
            "lockfileVersion: '9.0'\npackages:\n  <<<<<<< HEAD\n",
            "lockfileVersion: '9.0'\npackages:\n    a@1:\n        hasBin: true\n  b@1:\n    hasBin: true\n",
            "lockfileVersion: '9.0'\npackages:\n\ta@1:\n\t\thasBin: true\n",
            "lockfileVersion: '9.0'\n!!str packages:\n  a@1:\n    hasBin: true\n",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1, version: 1.0.0}\n",
        ] {
            assert!(run(text).1 > 0, "{text}");
        }
    }

    #[test]
    fn time_grows_no_faster_than_the_file() {
        let entries = if cfg!(debug_assertions) { 30_000 } else { 300_000 };
        let (mut packages, mut needs) = (String::new(), String::new());
        for n in 0..entries {
            writeln!(packages, "  p{n}@1.0.0: {{}}").unwrap();
            write!(needs, "  p{n}@1.0.0:\n    dependencies:\n      p{}: 1.0.0\n      p0: 1.0.0\n", n + 1).unwrap();
        }
        let text = format!(
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      p0:\n        version: 1.0.0\npackages:\n{packages}snapshots:\n{needs}"
        );
        let (lines, diagnostics) = run(&text);
        assert_eq!((lines.len(), diagnostics), (entries, 0));
        assert!(lines.iter().all(|line| line.ends_with(" dev")));
    }
}
