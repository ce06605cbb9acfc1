//! `poetry.lock`, `uv.lock`, `pdm.lock` and `pylock.toml`: TOML with a `[[package]]` or `[[packages]]` for each package.
//!
//! The project itself and the members of its workspace, which only uv lists, are not packages of their lock file. What is
//! from a folder, a repository or an address is listed with its `source`, and without a version where the format has
//! none for it. Which packages are for development only is said by poetry (all groups but `main`) and by pdm for its group
//! `dev`; for uv it follows from who needs whom. Only uv says what the project itself asks for.
//!
//! Sources: <https://packaging.python.org/en/latest/specifications/pylock-toml/>, and the writers of the programs:
//! `poetry.packages.locker`, `uv_resolver::lock`, `pdm.project.lockfile`.

use super::requirements::archived;
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, reached, source, stanzas, tables, unknown_version};
use sekisho_model::{Diagnostic, PackageFacts, PackageKind};
use std::collections::{HashMap, HashSet};
use toml::{Table, Value};

/// The registry that everyone uses.
const PYPI: [&str; 2] = ["https://pypi.org/simple", "https://pypi.org/simple/"];

/// Reads `poetry.lock`.
pub(super) fn poetry(file: &File<'_>) -> Extract {
    read(file, "package", &["1", "2"], |locked, table| {
        let mut facts = named(locked, table)?;
        if let Some(from) = table.get("source").and_then(Value::as_table) {
            let url = text(from, "url").unwrap_or_default();
            let kind = text(from, "type").unwrap_or_default();
            let commit = text(from, "resolved_reference").map(|commit| format!("#{commit}")).unwrap_or_default();
            if !PYPI.contains(&url) {
                facts.extra.push(source(&format!("{kind}+{url}{commit}")));
            }
        }
        let groups = strings(table, "groups");
        // Up to poetry 1.4 a category, from 2.0 on groups, between them nothing.
        facts.dev = text(table, "category").is_some_and(|category| category == "dev")
            || !groups.is_empty() && !groups.contains(&"main");
        Some(facts)
    })
}

/// Reads `pdm.lock`.
pub(super) fn pdm(file: &File<'_>) -> Extract {
    read(file, "package", &["1", "2", "3", "4"], |locked, table| {
        let mut facts = named(locked, table)?;
        let commit = text(table, "revision").map(|commit| format!("#{commit}")).unwrap_or_default();
        let from = text(table, "git").map(|url| format!("git+{url}{commit}"));
        let from = from.or_else(|| text(table, "url").or_else(|| text(table, "path")).map(str::to_owned));
        facts.extra.extend(from.as_deref().map(source));
        let groups = strings(table, "groups");
        facts.dev = !groups.is_empty() && groups.iter().all(|group| *group == "dev");
        Some(facts)
    })
}

/// Reads `pylock.toml` and `pylock.NAME.toml`.
pub(super) fn pylock(file: &File<'_>) -> Extract {
    read(file, "packages", &["1"], |locked, table| {
        let mut facts = named(locked, table)?;
        for (key, prefix) in [("vcs", "git+"), ("directory", ""), ("archive", "")] {
            let Some(from) = table.get(key).and_then(Value::as_table) else { continue };
            let commit = text(from, "commit-id").map(|commit| format!("#{commit}")).unwrap_or_default();
            let place = text(from, "url").or_else(|| text(from, "path")).unwrap_or_default();
            if key == "archive" && facts.version.is_empty() {
                facts.version = archived(place, Some(&facts.name)).map(|(_, version)| version).unwrap_or_default();
            }
            facts.extra.push(source(&format!("{prefix}{place}{commit}")));
        }
        facts.extra.extend(text(table, "index").filter(|index| !PYPI.contains(index)).map(source));
        facts.dev = text(table, "marker").is_some_and(is_for_groups);
        Some(facts)
    })
}

/// Whether a marker of PEP 751 holds only where a group is asked for: `'dev' in dependency_groups`, in each of the cases that it
/// joins with `or`.
fn is_for_groups(marker: &str) -> bool {
    marker.split(" or ").all(|case| {
        let case = case.split_whitespace().collect::<Vec<_>>().join(" ");
        case.contains(" in dependency_groups") && !case.contains("not in dependency_groups")
    })
}

/// Reads a lock file whose packages say nothing of each other, of any of the major versions that are known.
fn read(
    file: &File<'_>,
    of: &str,
    versions: &[&str],
    package: fn(&Locked<'_>, &Table) -> Option<PackageFacts>,
) -> Extract {
    let mut locked = Locked::new(file, PackageKind::Pypi);
    let mut unusable = 0;
    let mut take = |locked: &mut Locked<'_>, table: &Table| match package(locked, table) {
        Some(facts) => locked.add(facts),
        None => unusable += 1,
    };
    let read = each(file, &[of], &mut locked, |locked, key, table| {
        if key == of {
            return take(locked, table);
        }
        let version = text(table, "lock-version").or_else(|| text(table, "lock_version"));
        let known = |version: &&str| version.split('.').next().is_some_and(|major| versions.contains(&major));
        if let Some(version) = version.filter(|version| !known(version)) {
            locked.note(unknown_version(file, version));
        }
    });
    locked.unusable(unusable);
    read.map_or_else(Extract::failed, |()| locked.finish())
}

/// Hands over the tables below the keys that are wanted, and under the key `""` what stands beside them. There, or at the
/// beginning of `[metadata]`, whose other parts are large, the version of the format is.
fn each<'f>(
    file: &'f File<'f>,
    wanted: &[&str],
    locked: &mut Locked<'f>,
    mut take: impl FnMut(&mut Locked<'f>, &str, &Table),
) -> Result<(), Diagnostic> {
    // What such a file has at its top, also one of no packages.
    const KNOWN: [&str; 5] = ["version", "lock-version", "metadata", "package", "packages"];
    let mut is_one = false;
    for stanza in stanzas(&file.text()?) {
        is_one |= KNOWN.contains(&stanza.of) || wanted.contains(&stanza.of);
        let head = Some(stanza.head()).filter(|head| head.of == "metadata");
        for table in head.and_then(|head| tables(&mut head.read().ok()?, "metadata").ok()).unwrap_or_default() {
            take(locked, "", &table);
        }
        if !stanza.may_have(wanted) {
            continue;
        }
        let read = stanza.read().and_then(|mut whole| {
            is_one |= KNOWN.iter().chain(wanted).any(|key| whole.contains_key(*key));
            for key in wanted {
                tables(&mut whole, key)?.iter().for_each(|table| take(locked, key, table));
            }
            take(locked, "", &whole);
            Ok(())
        });
        if let Err(reason) = read {
            locked.broken(reason);
            is_one = true;
        }
    }
    if !is_one {
        locked.malformed("has neither packages nor anything else that such a lock file has");
    }
    Ok(())
}

/// A package of `uv.lock`, and whom it needs: names, with a version where there are several.
struct Node {
    facts: PackageFacts,
    /// Whether it is in a folder, as the project itself and the members of its workspace are.
    local: bool,
    /// The project itself or a member of its workspace.
    project: bool,
    needs: Vec<(String, Option<String>)>,
    needs_for_development: Vec<(String, Option<String>)>,
}

/// Reads `uv.lock`.
pub(super) fn uv(file: &File<'_>) -> Extract {
    let mut locked = Locked::new(file, PackageKind::Pypi);
    let (mut nodes, mut members, mut unusable, mut over) = (Vec::new(), HashSet::new(), 0, false);
    // At first uv wrote `distribution`, which it still reads.
    let read = each(file, &["manifest", "package", "distribution"], &mut locked, |locked, key, table| match key {
        "" => {
            let version = table.get("version").and_then(Value::as_integer).filter(|version| *version != 1);
            if let Some(version) = version {
                locked.note(unknown_version(file, version));
            }
        }
        "manifest" => members.extend(strings(table, "members").into_iter().map(str::to_owned)),
        _ => match node(locked, table) {
            Some(node) if nodes.len() <= file.limits.records => nodes.push(node),
            Some(_) => over = true,
            None => unusable += 1,
        },
    });
    if let Err(diagnostic) = read {
        return Extract::failed(diagnostic);
    }
    for node in &mut nodes {
        node.project |= node.local && members.contains(&node.facts.name);
    }
    let (direct, used, used_for_development) = graph(&nodes);
    let rooted = nodes.iter().any(|node| node.project);
    for (index, node) in nodes.into_iter().enumerate() {
        if !node.project {
            let dev = !used.contains(&index) && used_for_development.contains(&index);
            locked.add(PackageFacts { dev, direct: rooted.then(|| direct.contains(&index)), ..node.facts });
        }
    }
    if over {
        locked.over();
    }
    locked.unusable(unusable);
    locked.finish()
}

fn node(locked: &Locked<'_>, table: &Table) -> Option<Node> {
    let mut facts = named(locked, table)?;
    let (mut local, mut project) = (false, false);
    for (key, from) in table.get("source").and_then(Value::as_table).into_iter().flatten() {
        let from = from.as_str().unwrap_or_default();
        local |= matches!(key.as_str(), "editable" | "virtual" | "directory");
        match key.as_str() {
            "registry" if PYPI.contains(&from) => {}
            // The project; others are known by the list of members.
            "editable" | "virtual" if from == "." => project = true,
            "git" => facts.extra.push(source(&format!("git+{from}"))),
            _ => facts.extra.push(source(from)),
        }
    }
    let needs = |list: &Value| {
        let tables = list.as_array().into_iter().flatten().filter_map(Value::as_table);
        tables
            .filter_map(|need| Some((text(need, "name")?.to_owned(), text(need, "version").map(str::to_owned))))
            .collect()
    };
    let groups = |key: &str| -> Vec<_> {
        table
            .get(key)
            .and_then(Value::as_table)
            .into_iter()
            .flatten()
            .flat_map(|(_, list)| -> Vec<_> { needs(list) })
            .collect()
    };
    let mut wanted: Vec<_> = table.get("dependencies").map(needs).unwrap_or_default();
    wanted.extend(groups("optional-dependencies"));
    Some(Node { facts, local, project, needs: wanted, needs_for_development: groups("dev-dependencies") })
}

/// Whom a package needs.
type Key<'n> = (&'n str, Option<&'n str>);

fn keys(needs: &[(String, Option<String>)]) -> impl Iterator<Item = Key<'_>> {
    needs.iter().map(|(name, version)| (name.as_str(), version.as_deref()))
}

/// Which nodes the project names, which it needs, and which it needs for development.
fn graph(nodes: &[Node]) -> (HashSet<usize>, HashSet<usize>, HashSet<usize>) {
    let mut named: HashMap<(&str, Option<&str>), Vec<usize>> = HashMap::new();
    for (index, Node { facts, .. }) in nodes.iter().enumerate() {
        named.entry((&facts.name, None)).or_default().push(index);
        named.entry((&facts.name, Some(&facts.version))).or_default().push(index);
    }
    let of = |keys: &HashSet<Key<'_>>| -> HashSet<usize> {
        keys.iter().filter_map(|key| named.get(key)).flatten().copied().collect()
    };
    let projects = || nodes.iter().filter(|node| node.project);
    let needed = || projects().flat_map(|node| keys(&node.needs));
    let needed_for_development = || projects().flat_map(|node| keys(&node.needs_for_development));
    // Each name is followed once, however many packages have it.
    let next = |key, open: &mut Vec<_>| {
        open.extend(named.get(&key).into_iter().flatten().flat_map(|index| keys(&nodes[*index].needs)));
    };
    let direct = of(&needed().chain(needed_for_development()).collect());
    (direct, of(&reached(needed(), next)), of(&reached(needed_for_development(), next)))
}

/// A package by its name, and its version where there is one.
fn named(locked: &Locked<'_>, table: &Table) -> Option<PackageFacts> {
    Some(locked.package(text(table, "name")?, text(table, "version").unwrap_or_default()))
}

/// A text that is not empty.
fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The texts of a list.
fn strings<'t>(table: &'t Table, key: &str) -> Vec<&'t str> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use crate::analyzer::Analyzer;
    use crate::analyzers::python::{PDM, POETRY, PYLOCK, UV};
    use crate::testing;

    /// Name, version, whether it is asked for and development's, and what else is said; and how much is incomplete.
    fn check(analyzer: &Analyzer, text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(analyzer, "srv/x.lock", text.as_bytes());
        let line = |facts| testing::line(facts, " ");
        let lines: Vec<String> = extract.packages.iter().map(line).collect();
        assert_eq!(
            (lines.iter().map(String::as_str).collect::<Vec<_>>(), extract.diagnostics.len()),
            (expect.to_vec(), incomplete),
            "{text}"
        );
    }

    #[test]
    fn goldens() {
        for (analyzer, fixtures) in [(&POETRY, "poetry"), (&UV, "uv"), (&PDM, "pdm"), (&PYLOCK, "pylock")] {
            testing::goldens(analyzer, &format!("src/analyzers/python/fixtures/{fixtures}"));
        }
    }

    #[test]
    fn poetry_says_which_group_needs_what() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1\"\ncategory = \"dev\"\n\n[package.dependencies]\nversion = \"9\"\n\n\
            [[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"main\", \"dev\"]\n\n[[package]]\nname = \"c\"\nversion = \"3\"\ngroups = [\"docs\"]\n\n\
            [[package]]\nname = \"g\"\nversion = \"4\"\n[package.source]\ntype = \"git\"\nurl = \"https://example.org/g.git\"\nreference = \"x\"\nresolved_reference = \"abc\"\n\n\
            [[package]]\nversion = \"5\"\n\n[extras]\nx = [\"a\"]\n\n[metadata]\nlock-version = \"2.1\"\n[metadata.files]\na = []\n";
        check(&POETRY, text, &["a 1 dev", "b 2", "c 3 dev", "g 4 source=git+https://example.org/g.git#abc"], 1);
    }

    #[test]
    fn uv_says_who_needs_whom() {
        let text = "version = 1\nrequires-python = \">=3.11\"\n\n[manifest]\nmembers = [\n    \"app\",\n    \"lib\",\n]\n\n\
            [[package]]\nname = \"app\"\nversion = \"1\"\nsource = { virtual = \".\" }\ndependencies = [\n    { name = \"lib\" },\n    { name = \"a\", version = \"2\", source = { registry = \"x\" } },\n]\n\n[package.optional-dependencies]\nx = [{ name = \"o\" }]\n\n[package.dev-dependencies]\ndev = [\n    { name = \"d\" },\n]\n\n[package.metadata]\nrequires-dist = [{ name = \"z\" }]\n\n\
            [[package]]\nname = \"lib\"\nversion = \"0.1\"\nsource = { editable = \"packages/lib\" }\ndependencies = [{ name = \"g\" }]\n\n\
            [[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n\n\
            [[package]]\nname = \"a\"\nversion = \"2\"\nsource = { registry = \"https://pypi.org/simple\" }\ndependencies = [{ name = \"b\" }]\n\n\
            [[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://example.org/simple\" }\n\n\
            [[package]]\nname = \"d\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\ndependencies = [{ name = \"b\" }, { name = \"low\" }]\n\n\
            [[package]]\nname = \"low\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\ndependencies = [{ name = \"d\" }]\n\n\
            [[package]]\nname = \"o\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n\n\
            [[package]]\nname = \"g\"\nsource = { git = \"https://example.org/g?rev=x#abc\" }\n";
        let expect = [
            "a 1 indirect",
            "a 2 direct",
            "b 1 indirect source=https://example.org/simple",
            "d 1 direct dev",
            "low 1 indirect dev",
            "o 1 direct",
            "g  direct source=git+https://example.org/g?rev=x#abc",
        ];
        check(&UV, text, &expect, 0);
        check(&UV, "version = 2\n[[package]]\nname = \"a\"\nversion = \"1\"\n", &["a 1"], 1);
    }

    #[test]
    fn pdm_and_pylock_say_where_from() {
        let text = "[metadata]\ngroups = [\"default\", \"dev\"]\n\n[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"default\", \"dev\"]\n\n\
            [[package]]\nname = \"d\"\nversion = \"1\"\ngroups = [\"dev\"]\n\n[[package]]\nname = \"s\"\nversion = \"1\"\ngroups = [\"socks\"]\n\n\
            [[package]]\nname = \"g\"\nversion = \"1\"\ngit = \"https://example.org/g.git\"\nrevision = \"abc\"\n\n[[package]]\nname = \"p\"\nversion = \"1\"\npath = \"./p\"\n";
        check(
            &PDM,
            text,
            &["a 1", "d 1 dev", "s 1", "g 1 source=git+https://example.org/g.git#abc", "p 1 source=./p"],
            0,
        );
        let text = "lock-version = \"1.0\"\ncreated-by = \"x\"\n\n[[packages]]\nname = \"a\"\nversion = \"1\"\nindex = \"https://pypi.org/simple\"\n[[packages.wheels]]\nname = \"a.whl\"\n\n\
            [[packages]]\nname = \"g\"\nvcs = { type = \"git\", url = \"https://example.org/g.git\", commit-id = \"abc\" }\n\n\
            [[packages]]\nname = \"p\"\n[packages.directory]\npath = \"./p\"\n\n\
            [[packages]]\nname = \"s\"\n[packages.archive]\nurl = \"https://example.org/s-1.0.tar.gz\"\n\n[tool.x]\ny = 1\n";
        let expect = [
            "a 1",
            "g  source=git+https://example.org/g.git#abc",
            "p  source=./p",
            "s 1.0 source=https://example.org/s-1.0.tar.gz",
        ];
        check(&PYLOCK, text, &expect, 0);
        check(
            &PYLOCK,
            "lock-version = \"2.0\"\npackages = [{name = \"a\", version = \"1\"}, {name = \"b\", version = \"2\"}]\n",
            &["a 1", "b 2"],
            1,
        );
    }

    #[test]
    fn a_member_is_in_a_folder() {
        let text = |source: &str| {
            format!(
                "version = 1\n[manifest]\nmembers = [\"app\", \"requests\"]\n\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = {{ virtual = \".\" }}\n\n[[package]]\nname = \"requests\"\nversion = \"2\"\nsource = {{ {source} }}\n"
            )
        };
        check(&UV, &text("registry = \"https://pypi.org/simple\""), &["requests 2 indirect"], 0);
        check(&UV, &text("url = \"https://x/r.whl\""), &["requests 2 indirect source=https://x/r.whl"], 0);
        for folder in ["editable", "virtual", "directory"] {
            check(&UV, &text(&format!("{folder} = \"lib\"")), &[], 0);
        }
    }

    #[test]
    fn a_version_that_is_not_known_is_told() {
        let entry = "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[metadata]\n";
        for (analyzer, key, known, unknown) in [
            (&POETRY, "lock-version", "2.1", "3.0"),
            (&PDM, "lock_version", "4.5.0", "5.0"),
            (&PDM, "lock_version", "2", "40"),
        ] {
            check(analyzer, &format!("{entry}{key} = \"{known}\"\n[metadata.files]\n"), &["a 1"], 0);
            check(analyzer, &format!("{entry}{key} = \"{unknown}\"\n[metadata.files]\n"), &["a 1"], 1);
        }
    }

    /// TOML leaves more than one way to write a list of packages.
    #[test]
    fn no_form_of_toml_hides_a_package() {
        for (analyzer, key) in [(&POETRY, "package"), (&PDM, "package"), (&UV, "package"), (&PYLOCK, "packages")] {
            let entry = |name: &str| format!("[[{key}]]\nname = \"{name}\"\nversion = \"1\"\n");
            let indented = |name: &str| format!(" \t{}\n", entry(name).trim_end().replace('\n', "\n \t"));
            let (a, b) = (entry("a"), entry("b"));
            for text in [
                format!("{a}\n{}", indented("b")),
                format!("{}{}", indented("a"), indented("b")),
                format!("{a}[metadata]\nx = [\n  [1],\n]\n{}", indented("b")),
                format!("{key} = [{{name = \"a\", version = \"1\"}}, {{name = \"b\", version = \"1\"}}]\n"),
                format!("{a}{b}").replace(key, &format!(" {key} ")),
                format!("{a}{b}").replace(key, &format!("\"{key}\"")),
            ] {
                check(analyzer, &text, &["a 1", "b 1"], 0);
            }
            check(analyzer, &format!("{key} = 1\n"), &[], 1);
            check(analyzer, &format!("{a}[metadata]\r{b}"), &["a 1"], 1);
            check(analyzer, "[other]\nx = 1\n", &[], 1);
        }
        let of_groups = |marker: &str| {
            let text =
                format!("lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nmarker = \"{marker}\"\n");
            testing::run(&PYLOCK, "srv/pylock.toml", text.as_bytes()).packages[0].dev
        };
        assert!(
            of_groups("'dev' in dependency_groups")
                && of_groups("'a' in dependency_groups or 'b'  in dependency_groups")
        );
        assert!(
            !of_groups("'dev' in dependency_groups or os_name == 'nt'") && !of_groups("'x' not in dependency_groups")
        );
        assert!(!of_groups("python_version >= '3.9'"));
        let old = "version = 1\n[[distribution]]\nname = \"a\"\nversion = \"1\"\n";
        check(&UV, old, &["a 1"], 0);
    }
}
