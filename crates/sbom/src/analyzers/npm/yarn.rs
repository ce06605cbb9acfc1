//! `yarn.lock`, of yarn classic (version 1) and of yarn since 2 ("berry").
//!
//! Both list what each descriptor (`name@range`) stands for. Berry lists the project's own workspaces as well, which are
//! not packages but say what is asked for directly; classic does not. Neither tells what is for development only.
//!
//! Sources: <https://classic.yarnpkg.com/lang/en/docs/yarn-lock/>, and the writers: `@yarnpkg/lockfile`,
//! `@yarnpkg/core` (`Project.generateLockfile`) and `@yarnpkg/parsers` (`stringifySyml`).

use super::is_name;
use super::lines::{Line, descriptor, lines};
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, source, unknown_version};
use sekisho_model::{Evidence, PackageFacts, PackageKind};
use std::borrow::Cow;
use std::collections::HashSet;

/// The newest version of berry's form that is known (`LOCKFILE_VERSION` of `@yarnpkg/core`).
const LAST_VERSION: u64 = 10;

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lock = Lock::default();
    let mut entry: Option<Entry<'_>> = None;
    let known = text.lines().take(10).any(|line| line.trim_end() == "# yarn lockfile v1");
    for line in lines(text) {
        match (line.level, &mut entry) {
            _ if line.is_open => lock.unusable += 1,
            (Some(0), _) => lock.take(entry.replace(Entry::new(&line)), file.limits.records),
            (_, Some(entry)) => entry.line(&line),
            _ => lock.unusable += 1,
        }
    }
    lock.take(entry, file.limits.records);
    // Yarn's own guide has people make an empty one to mark the root of a project.
    let mut locked = Locked::new(file, PackageKind::Npm).may_be_empty();
    if !known && !lock.berry && !text.trim().is_empty() {
        locked.malformed("does not say which lock file of yarn it is");
    }
    if let Some(version) = lock.unknown_version.take() {
        locked.note(unknown_version(file, version));
    }
    locked.unusable(lock.unusable);
    lock.packages(&mut locked);
    locked.finish()
}

/// What is under one key.
#[derive(Default)]
struct Entry<'a> {
    /// The key: descriptors with commas between.
    key: Cow<'a, str>,
    version: Cow<'a, str>,
    /// Berry: the package that the descriptors stand for, `name@npm:1.0.0`.
    resolution: Cow<'a, str>,
    /// Classic: the address of the archive.
    resolved: Cow<'a, str>,
    integrity: Cow<'a, str>,
    /// Berry: a folder of the project's, not a copy.
    soft: bool,
    /// The block that its lines of level 2 are in.
    block: Cow<'a, str>,
    /// Descriptors that it depends on; only kept of workspaces.
    needs: Vec<String>,
    /// Whether its key ends its line, as those of packages do.
    is_block: bool,
}

impl<'a> Entry<'a> {
    fn new(line: &Line<'a>) -> Self {
        Self { key: line.key.clone(), is_block: line.is_block(), ..Self::default() }
    }

    fn line(&mut self, line: &Line<'a>) {
        match (line.level, &*line.key) {
            (Some(1), "version") => self.version = line.value(),
            (Some(1), "resolution") => self.resolution = line.value(),
            (Some(1), "resolved") => self.resolved = line.value(),
            (Some(1), "integrity") => self.integrity = line.value(),
            (Some(1), "linkType") => self.soft = line.value() == "soft",
            (Some(1), _) => self.block.clone_from(&line.key),
            (Some(2), name)
                if self.is_workspace()
                    && matches!(&*self.block, "dependencies" | "devDependencies" | "optionalDependencies") =>
            {
                self.needs.push(full(name, &line.value()));
            }
            _ => {}
        }
    }

    /// `resolution` stands before dependencies.
    fn is_workspace(&self) -> bool {
        descriptor(&self.resolution).1.starts_with("workspace:")
    }

    /// The descriptors. In classic each has quotes of its own where it needs some.
    fn descriptors(&self) -> impl Iterator<Item = &str> {
        self.key.split(',').map(|part| part.trim().trim_matches('"')).filter(|part| !part.is_empty())
    }
}

/// A descriptor as berry writes it in keys: before version 4 dependencies had no `npm:` before a range.
fn full(name: &str, range: &str) -> String {
    if range.contains(':') { format!("{name}@{range}") } else { format!("{name}@npm:{range}") }
}

/// What has been read of one lock file.
#[derive(Default)]
struct Lock {
    berry: bool,
    unknown_version: Option<String>,
    /// Each with its descriptors, which only berry needs.
    found: Vec<(PackageFacts, Vec<String>)>,
    needs: HashSet<String>,
    has_workspace: bool,
    unusable: u64,
    over: bool,
}

impl Lock {
    fn take(&mut self, entry: Option<Entry<'_>>, limit: usize) {
        let Some(entry) = entry else { return };
        if entry.key == "__metadata" {
            self.berry = true;
            let is_known = entry.version.parse().is_ok_and(|version: u64| version <= LAST_VERSION);
            self.unknown_version = (!is_known).then(|| entry.version.chars().take(20).collect());
        } else if !entry.is_block {
            self.unusable += 1;
        } else if entry.is_workspace() {
            self.has_workspace = true;
            self.needs.extend(entry.needs);
        } else if entry.soft {
            // A link to a folder, whose own package.json tells of it, as with npm.
        } else if self.found.len() > limit {
            self.over = true;
        } else if let Some(facts) = if self.berry { berry(&entry) } else { classic(&entry) } {
            let descriptors = if self.berry { entry.descriptors().map(str::to_owned).collect() } else { Vec::new() };
            self.found.push((facts, descriptors));
        } else {
            self.unusable += 1;
        }
    }

    fn packages(self, locked: &mut Locked<'_>) {
        let Self { found, needs, has_workspace, over, .. } = self;
        if over {
            locked.over();
        }
        // `resolutions` of the project may put another range in the place of what a workspace asks for.
        let known: HashSet<&str> = found.iter().flat_map(|(_, descriptors)| descriptors).map(String::as_str).collect();
        let replaced: HashSet<String> = needs
            .iter()
            .filter(|need| !known.contains(need.as_str()))
            .map(|need| descriptor(need).0.to_owned())
            .collect();
        for (mut facts, descriptors) in found {
            let mut asked =
                descriptors.iter().map(|text| needs.contains(text) || replaced.contains(descriptor(text).0));
            facts.direct = has_workspace.then(|| asked.any(|asked| asked));
            locked.add(facts);
        }
    }
}

fn package(name: &str, version: &str) -> Option<PackageFacts> {
    let facts = || PackageFacts { evidence: Evidence::Declared, ..PackageFacts::new(PackageKind::Npm, name, version) };
    (is_name(name) && !version.is_empty()).then(facts)
}

fn berry(entry: &Entry<'_>) -> Option<PackageFacts> {
    let (name, reference) = descriptor(&entry.resolution);
    let mut facts = package(name, &entry.version)?;
    if !reference.starts_with("npm:") {
        facts.extra.push(source(reference));
    }
    Some(facts)
}

fn classic(entry: &Entry<'_>) -> Option<PackageFacts> {
    // All descriptors of an entry stand for the same package, under its name or, for an alias, under another.
    let (name, range) = descriptor(entry.descriptors().next()?);
    let name = range.strip_prefix("npm:").map_or(name, |real| descriptor(real).0);
    let mut facts = package(name, &entry.version)?;
    let special = ["git", "file:", "link:", "http:", "https:", "ssh:"].iter().any(|scheme| range.starts_with(scheme));
    // `user/repository` is a repository on GitHub; of a scope the name has been cut off.
    if special || range.contains('/') && !range.starts_with("npm:") {
        let from = if entry.resolved.is_empty() { range } else { &entry.resolved };
        facts.extra.push(source(from));
    }
    if !entry.integrity.is_empty() {
        facts.extra.push(("integrity".to_owned(), entry.integrity.to_string()));
    }
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::super::YARN;
    use crate::testing;
    use sekisho_model::Level;
    use std::fmt::Write;

    #[test]
    fn a_quote_that_stays_open_is_told() {
        let text = "# yarn lockfile v1\n\n\na@^1:\n  version \"1.2.3\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-1.2.3.tgz\"\n";
        assert_eq!(run(text), (vec!["a@1.2.3".to_owned()], 0));
        let cut = |part: &str| run(&text[..text.find(part).unwrap()]);
        assert_eq!(cut(".2.3\"\n"), (Vec::new(), 1));
        assert_eq!(cut("com/a"), (vec!["a@1.2.3".to_owned()], 1));
    }

    /// Name, version, whether it is asked for, and what else is said but checksums.
    fn run(text: &str) -> (Vec<String>, usize) {
        let extract = testing::run(&YARN, "srv/yarn.lock", text.as_bytes());
        assert!(extract.diagnostics.iter().all(|entry| entry.level == Level::Incomplete));
        let line = |facts| testing::line(facts, "@");
        (extract.packages.iter().map(line).collect(), extract.diagnostics.len())
    }

    #[test]
    fn versions_that_are_not_known_are_told() {
        for (version, told) in [("4", 0), ("10", 0), ("11", 1), ("x", 1)] {
            let entry = "\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  linkType: hard\n";
            let (lines, diagnostics) = run(&format!("__metadata:\n  version: {version}\n\n{entry}"));
            assert_eq!((lines.len(), diagnostics), (1, told), "{version}");
        }
    }

    #[test]
    fn goldens() {
        testing::goldens(&YARN, "src/analyzers/npm/fixtures/yarn");
    }

    #[test]
    fn classic_has_a_package_for_each_list_of_descriptors() {
        let text = "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\n\
            \"@a/b@^1.0.0\", \"@a/b@^1.1.0\":\n  version \"1.2.0\"\n  resolved \"https://registry.yarnpkg.com/x#00\"\n  \
            integrity sha512-x\n  dependencies:\n    version \"^9.0.0\"\n\n\
            alias@npm:@s/real@^2, \"alias@npm:@s/real@>= 2\":\n  version \"2.0.0\"\n\n\
            \"git@git+https://example.org/x.git\":\n  version \"3.0.0\"\n  resolved \"git+https://example.org/x.git#abc\"\n\n\
            hub@user/repository:\n  version \"4.0.0\"\n  resolved \"https://codeload.example.org/y\"\n\n\
            \"folder@file:./folder\":\n  version \"5.0.0\"\n\nlodash@^3, lodash@^4:\n  version \"4.17.21\"\n\n\
            lodash@^2:\n  version \"2.4.2\"\n";
        let expect = [
            "@a/b@1.2.0",
            "@s/real@2.0.0",
            "git@3.0.0 source=git+https://example.org/x.git#abc",
            "hub@4.0.0 source=https://codeload.example.org/y",
            "folder@5.0.0 source=file:./folder",
            "lodash@4.17.21",
            "lodash@2.4.2",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
        assert_eq!(run(&text.replace('\n', "\r\n")), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn berry_says_what_workspaces_ask_for() {
        let text = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\
            \"a@npm:^1.0.0, a@npm:^1.1.0\":\n  version: 1.2.0\n  resolution: \"a@npm:1.2.0\"\n  dependencies:\n    b: \"npm:^2\"\n  linkType: hard\n\n\
            \"b@npm:2.0.1\":\n  version: 2.0.1\n  resolution: \"b@npm:2.0.1\"\n  linkType: hard\n\n\
            \"c@npm:^1\":\n  version: 1.0.0\n  resolution: \"c@npm:1.0.0\"\n  linkType: hard\n\n\
            \"alias@npm:@s/real@^3\":\n  version: 3.0.0\n  resolution: \"@s/real@npm:3.0.0\"\n  linkType: hard\n\n\
            \"ts@npm:^5\":\n  version: 5.0.0\n  resolution: \"ts@npm:5.0.0\"\n  linkType: hard\n\n\
            \"ts@patch:ts@npm%3A^5#optional!builtin<compat/ts>\":\n  version: 5.0.0\n  resolution: \"ts@patch:ts@npm%3A5.0.0#optional!builtin<compat/ts>::version=5.0.0&hash=1\"\n  linkType: hard\n\n\
            ? \"long@npm:^1, long@npm:^2\"\n:\n  version: 1.0.0\n  resolution: \"long@npm:1.0.0\"\n\n\
            \"g@https://example.org/g.git\":\n  version: 4.0.0\n  resolution: \"g@https://example.org/g.git#commit=abc\"\n  linkType: hard\n\n\
            \"linked@portal:../x::locator=p%40workspace%3A.\":\n  version: 0.0.0-use.local\n  resolution: \"linked@portal:../x::locator=p%40workspace%3A.\"\n  linkType: soft\n\n\
            \"p@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"p@workspace:.\"\n  dependencies:\n    a: ^1.1.0\n    b: \"npm:^2\"\n    alias: \"npm:@s/real@^3\"\n    ts: ^5\n    g: \"https://example.org/g.git\"\n  peerDependencies:\n    c: \"*\"\n  languageName: unknown\n  linkType: soft\n";
        let expect = [
            "a@1.2.0 direct",
            // Another range stands in the place of what is asked for.
            "b@2.0.1 direct",
            "c@1.0.0 indirect",
            "@s/real@3.0.0 direct",
            "ts@5.0.0 direct",
            "long@1.0.0 indirect",
            "g@4.0.0 direct source=https://example.org/g.git#commit=abc",
        ];
        assert_eq!(run(text), (expect.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn what_is_not_of_the_format_is_told() {
        let head = "# yarn lockfile v1\n";
        assert_eq!(run(""), (Vec::new(), 0));
        assert_eq!(run(head), (Vec::new(), 0));
        assert_eq!(run(&format!("\u{feff}{head}a@1:\n  version \"1\"\n")), (vec!["a@1".to_owned()], 0));
        assert_eq!(run("a@1:\n  version \"1\"\n"), (vec!["a@1".to_owned()], 1));
        for bad in [
            "<<<<<<< HEAD\n",
            "b@1:\n",
            "b@1:\n  resolved \"x\"\n",
            "\"../b@1\":\n  version \"1\"\n",
            "b: 1\n",
            "{\"a\": 1}\n",
        ] {
            let text = format!("{head}{bad}a@1:\n  version \"1\"\n");
            assert_eq!(run(&text), (vec!["a@1".to_owned()], 1), "{bad}");
        }
    }

    #[test]
    fn time_grows_no_faster_than_the_file() {
        let entries = if cfg!(debug_assertions) { 50_000 } else { 500_000 };
        let mut text = String::new();
        for n in 0..entries {
            write!(text, "p{n}@^1:\n  version \"1.0.{n}\"\n").unwrap();
        }
        assert_eq!(run(&format!("# yarn lockfile v1\n{text}")).0.len(), entries);
        let line = format!("# yarn lockfile v1\n{}:\n  version \"1\"\n", "a@1, ".repeat(entries));
        assert_eq!(run(&line).0, ["a@1"]);
        run(&format!("__metadata:\n\"{}", "\\".repeat(entries)));
    }
}
