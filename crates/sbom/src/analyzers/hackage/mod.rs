//! Haskell packages: what `cabal freeze` fixed, and what stack's lock file names.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::{PackageFacts, PackageKind};

/// Reads `cabal.project.freeze`.
pub(crate) static CABAL: Analyzer = Analyzer {
    id: "cabal-freeze",
    version: 4,
    title: "Cabal freeze files (cabal.project.freeze)",
    kinds: &[PackageKind::Hackage],
    paths: &["**/cabal.project.freeze"],
    run: cabal,
    ..Analyzer::NONE
};

/// Reads `stack.yaml`.
pub(crate) static PROJECT: Analyzer = Analyzer {
    id: "stack-project",
    title: "Stack projects (extra-deps of stack.yaml)",
    kinds: &[PackageKind::Hackage],
    paths: &["**/stack.yaml"],
    run: project,
    ..Analyzer::NONE
};

/// Reads `stack.yaml.lock`.
pub(crate) static STACK: Analyzer = Analyzer {
    id: "stack-lock",
    title: "Stack lock files (stack.yaml.lock)",
    kinds: &[PackageKind::Hackage],
    paths: &["**/stack.yaml.lock"],
    version: 3,
    run: stack,
    ..Analyzer::NONE
};

/// Reads the constraints of a freeze file: `any.aeson ==2.1.0.0`, and flags, which fix no version. One that is not an exact
/// version is listed without one. Those below a condition (`if os(linux)`) are listed with the others: it holds somewhere.
///
/// Source: <https://cabal.readthedocs.io/en/stable/cabal-project-description-file.html> and
/// `Distribution.Client.CmdFreeze`.
fn cabal(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Hackage);
    let (mut listed, mut unusable) = (false, 0);
    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
        if line.trim_start().starts_with("--") {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        // Below a condition fields are indented as what follows them is.
        let inner = line.split_once(':').filter(|(field, value)| {
            is_indented && is_field(field.trim(), true) && (value.is_empty() || value.starts_with([' ', '\t']))
        });
        let constraints = if let Some((field, value)) = inner {
            listed = field.trim().eq_ignore_ascii_case("constraints");
            value
        } else if is_indented {
            line
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            unusable += u64::from(!line.trim().is_empty() && !is_field(field.trim(), line.contains(':')));
            listed = field.trim().eq_ignore_ascii_case("constraints");
            value
        };
        if !listed {
            continue;
        }
        for constraint in constraints.split(',').map(str::trim).filter(|constraint| !constraint.is_empty()) {
            let end = constraint.find([' ', '=', '<', '>', '^', '+']).unwrap_or(constraint.len());
            let (name, wanted) = constraint.split_at(end);
            // `any.x`, `setup.x` and `y:setup.x` say for whom it holds.
            let name = name.rsplit('.').next().unwrap_or(name);
            // Behind the version flags may stand.
            let is_flag = |word: &&str| word.starts_with(['+', '-']) && word.len() > 1;
            let words: Vec<&str> = wanted.split_ascii_whitespace().collect();
            let flags = words.iter().rev().take_while(|word| is_flag(word)).count();
            let (words, only_flags) = (&words[..words.len() - flags], flags == words.len());
            let wanted = words.join(" ");
            let wanted = wanted.as_str();
            let version = wanted.strip_prefix("==").map(str::trim).filter(|version| is_version(version));
            match version {
                _ if !is_name(name) => unusable += 1,
                Some(version) => locked.add(locked.package(name, version)),
                // Flags, and which of its parts are built.
                _ if only_flags => {}
                None if matches!(wanted, "source" | "test" | "bench") => {}
                None => {
                    let mut facts = locked.package(name, "");
                    facts.extra.push(("requirement".to_owned(), wanted.to_owned()));
                    locked.add(facts);
                }
            }
        }
    }
    locked.unusable(unusable);
    locked.finish()
}

/// What a line can begin with that is no field.
const SECTIONS: [&str; 8] =
    ["package", "source-repository-package", "program-options", "repository", "if", "elif", "else", "import"];

/// Whether a line can begin so: with the name of a field and a colon, or as a section does.
fn is_field(name: &str, colon: bool) -> bool {
    let mut words = name.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let is_word = first.starts_with(|first: char| first.is_ascii_alphabetic())
        && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if colon && words.next().is_none() { is_word } else { SECTIONS.contains(&first) }
}

/// Reads the packages that a project has beside those of its snapshot, and notes the snapshots, whose packages are listed
/// elsewhere. A generated YAML of one shape, read by its lines: in `completed` is what was found for `original`.
///
/// Source: <https://docs.haskellstack.org/en/stable/topics/lock_files/> and `Stack.Lock`.
fn stack(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Hackage);
    let (mut section, mut completed, mut listed, mut unusable, mut snapshots) = ("", false, false, 0, 0);
    let mut entry: Option<Completed<'_>> = None;
    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
        let content = line.trim_start_matches(' ');
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        let (first, content) = content.strip_prefix("- ").map_or((false, content), |content| (true, content));
        if line.starts_with(|character: char| character.is_ascii_alphabetic()) {
            unusable += take(&mut locked, entry.take().as_ref());
            section = content.split(':').next().unwrap_or(content).trim_end();
            listed |= matches!(section, "packages" | "snapshots");
            let value = content.split_once(':').map_or("", |(_, value)| value).trim();
            unusable += u64::from(section == "packages" && !matches!(value, "" | "[]"));
            continue;
        }
        let (key, value) = content.split_once(':').unwrap_or((content, ""));
        let value = value.trim().trim_matches(['\'', '"']);
        if first && section == "packages" {
            unusable += take(&mut locked, entry.replace(Completed::default()).as_ref());
        }
        snapshots += u64::from(first && section == "snapshots");
        match (key, &mut entry) {
            ("completed" | "original", _) => completed = key == "completed",
            (_, Some(entry)) if completed => match key {
                "hackage" => entry.hackage = value,
                "name" => entry.name = value,
                "version" => entry.version = value,
                "git" => entry.git = value,
                "commit" => entry.commit = value,
                "url" => entry.url = value,
                _ => {}
            },
            _ => {}
        }
    }
    unusable += take(&mut locked, entry.as_ref());
    if !listed {
        locked.malformed("is no lock file of stack");
    }
    locked.unusable(unusable);
    if snapshots > 0 {
        locked.note(file.skipped("the packages of its snapshots are not in the file, and not listed"));
    }
    locked.finish()
}

/// Reads what a project asks for beside its snapshot: identifiers of packages (`acme-missiles-0.3@sha256:2ba6…,613`).
/// Repositories, archives and folders say nothing of what is in them.
///
/// Source: <https://docs.haskellstack.org/en/stable/configure/yaml/project/> ("extra-deps").
fn project(file: &File<'_>) -> Extract {
    const KEYS: [&str; 8] = [
        "resolver",
        "snapshot",
        "packages",
        "extra-deps",
        "flags",
        "ghc-options",
        "extra-package-dbs",
        "drop-packages",
    ];
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Hackage);
    let (mut section, mut items, mut known, mut unusable, mut unnamed) = ("", None, false, 0, 0_u64);
    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
        let content = line.split(" #").next().unwrap_or(line).trim_end();
        let content = content.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') || content == "---" {
            continue;
        }
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let (key, value) = content.split_once(':').unwrap_or((content, ""));
            (section, items) = (key.trim_end(), None);
            known |= KEYS.contains(&section) && content.contains(':');
            unusable += u64::from(section == "extra-deps" && !matches!(value.trim(), "" | "[]"));
            continue;
        }
        let indentation = line.len() - line.trim_start_matches(' ').len();
        let Some(item) = content.strip_prefix("- ").filter(|_| section == "extra-deps") else { continue };
        // Deeper ones are the folders of a repository.
        if indentation != *items.get_or_insert(indentation) {
            continue;
        }
        let item = item.trim().trim_matches(['\'', '"']);
        let identifier = item.split('@').next().unwrap_or(item);
        if item.ends_with(':') || item.contains(": ") || identifier.contains('/') || identifier.starts_with('.') {
            unnamed += 1;
            continue;
        }
        match identifier.rsplit_once('-').filter(|(name, version)| is_name(name) && is_version(version)) {
            Some((name, version)) => {
                let facts = locked.package(name, version);
                locked.add(PackageFacts { direct: Some(true), ..facts });
            }
            None => unusable += 1,
        }
    }
    if !known {
        locked.malformed("is no project of stack");
    }
    locked.unusable(unusable);
    if unnamed > 0 {
        let message = "from repositories, archives and folders, whose names stand in stack.yaml.lock alone";
        locked.note(file.skipped(format_args!("packages that are not listed: {unnamed}, {message}")));
    }
    locked.finish()
}

/// What was found for an entry of stack's lock file.
#[derive(Default)]
struct Completed<'a> {
    /// `acme-missiles-0.3@sha256:2ba6…,613`
    hackage: &'a str,
    name: &'a str,
    version: &'a str,
    git: &'a str,
    commit: &'a str,
    url: &'a str,
}

/// Takes an entry that has ended; counts it where it names no package.
fn take(locked: &mut Locked<'_>, entry: Option<&Completed<'_>>) -> u64 {
    let Some(&Completed { hackage, name, version, git, commit, url }) = entry else { return 0 };
    let identifier = hackage.split('@').next().unwrap_or(hackage);
    let (name, version) = identifier.rsplit_once('-').unwrap_or((name, version));
    if !is_name(name) || !is_version(version) {
        return 1;
    }
    let mut facts = locked.package(name, version);
    if !git.is_empty() {
        facts.extra.push(source(&format!("git+{git}#{commit}")));
    } else if !url.is_empty() {
        facts.extra.push(source(url));
    }
    locked.add(facts);
    0
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    fn check(analyzer: &Analyzer, text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(analyzer, "srv/x", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        let told = extract.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Incomplete);
        assert_eq!(told.count(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&CABAL, "src/analyzers/hackage/fixtures/cabal");
        testing::goldens(&STACK, "src/analyzers/hackage/fixtures/stack");
        testing::goldens(&PROJECT, "src/analyzers/hackage/fixtures/project");
    }

    #[test]
    fn constraints_that_fix_a_version() {
        let text = "active-repositories: hackage.haskell.org:merge\nconstraints: any.Cabal ==3.6.3.0,\n             Cabal -bundled \
                    +x,\n             any.aeson ==2.1.0.0,\n-- any.no ==1\n  y:setup.happy == 1.20,\n  any.base installed,\n  \
                    text >=1 && <2, lens source\nindex-state: hackage.haskell.org 2022-11-09T09:02:57Z\n  any.no ==1\n";
        let expect = [
            "Cabal 3.6.3.0",
            "aeson 2.1.0.0",
            "happy 1.20",
            "base  requirement=installed",
            "text  requirement=>=1 && <2",
        ];
        check(&CABAL, text, &expect, 0);
        check(&CABAL, "constraints: a_b ==1, ==2\n  , c ==1\n", &["c 1"], 1);
        check(&CABAL, "", &[], 1);
        // As people write into it.
        let text = "constraints: any.a ==1 +x -y, b +z\nif os(linux)\n  constraints: any.c ==2,\n               any.d ==3\n  \
            index-state: hackage.haskell.org HEAD\n    any.no ==1\nelse\n  constraints:\n    y:setup.e ==4\npackage f\n  flags: +x\n";
        check(&CABAL, text, &["a 1", "c 2", "d 3", "e 4"], 0);
    }

    #[test]
    fn packages_beside_a_snapshot() {
        let text = "# generated\npackages:\n- completed:\n    hackage: acme-missiles-0.3@sha256:2b,613\n    pantry-tree:\n      sha256: \
                    61\n      size: 226\n  original:\n    hackage: no-0.3\n- original:\n    subdir: x\n    url: u\n  completed:\n    subdir: \
                    x\n    name: wai\n    version: 3.2.1\n    git: https://x/wai.git\n    commit: abc\nsnapshots:\n- completed:\n    size: \
                    1\n    url: https://x/lts-1.yaml\n  original: lts-1\n";
        check(&STACK, text, &["acme-missiles 0.3", "wai 3.2.1 source=git+https://x/wai.git#abc"], 0);
        let extract = testing::run(&STACK, "stack.yaml.lock", text.as_bytes());
        assert_eq!(extract.diagnostics[0].level, Level::Note);
        check(&STACK, "packages: []\nsnapshots: []\n", &[], 0);
    }

    #[test]
    fn what_a_project_asks_for_beside_its_snapshot() {
        let text = "resolver: lts-21.0\npackages:\n- no-1\nextra-deps:\n- acme-missiles-0.3@sha256:2b,613 # why\n- 'text-2.0'\n\
            - git: https://x/wai.git\n  commit: abc\n  subdirs:\n  - auto-update\n- ./vendor/x\n- https://x/y-1.tar.gz\nflags: {}\n";
        check(&PROJECT, text, &["acme-missiles 0.3 direct", "text 2.0 direct"], 0);
        let notes = testing::run(&PROJECT, "stack.yaml", text.as_bytes()).diagnostics;
        assert!(notes[0].message.contains("not listed: 3"), "{}", notes[0].message);
        check(&PROJECT, "extra-deps: [a-1, b-2]\n", &[], 1);
        check(&PROJECT, "snapshot: lts-1\nextra-deps: []\n", &[], 0);
        check(&PROJECT, "extra-deps:\n- nothing\n- a-1\n", &["a 1 direct"], 1);
        let text = "extra-deps:\n  - a-1\n  - b-2\nresolver: x\n";
        check(&PROJECT, text, &["a 1 direct", "b 2 direct"], 0);
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        check(&STACK, "packages:\n- completed:\n    hackage: x\n- completed:\n    hackage: y-1\n", &["y 1"], 1);
        check(&STACK, "packages: [{completed: {hackage: y-1}}]\nsnapshots: []\n", &[], 1);
        check(&STACK, "", &[], 1);
    }
}
