//! Julia packages, by the manifest of an environment.
//!
//! A generated TOML of one shape, read by its lines: a `[[deps.NAME]]` for each package, in the first version of the format
//! `[[NAME]]`. Packages of the standard library have no version but Julia's own, which later versions of the format name;
//! those of a folder may have none. What the project asks for stands in `Project.toml` alone.
//!
//! Source: <https://pkgdocs.julialang.org/v1/toml-files/> and `Pkg.Types.write_manifest`.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, source, unknown_version};
use sekisho_model::PackageKind;

/// Reads `Manifest.toml`, under each of its names.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "julia-manifest",
    title: "Julia manifests (Manifest.toml)",
    kinds: &[PackageKind::Julia],
    paths: &["**/Manifest.toml", "**/JuliaManifest.toml", "**/Manifest-v*.toml", "**/JuliaManifest-v*.toml"],
    run,
    ..Analyzer::NONE
};

/// The longest version of Julia that is taken for one: many packages have it.
const VERSION_BYTES: usize = 64;

/// An entry of the manifest.
#[derive(Default)]
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    uuid: &'a str,
    tree: &'a str,
    path: &'a str,
    url: &'a str,
}

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // Other programs have a file of this name as well.
    let is_manifest =
        text.lines().any(|line| matches!(assigned(line), Some(("uuid" | "manifest_format" | "julia_version", _))));
    if !is_manifest {
        return Extract::default();
    }
    let mut locked = Locked::new(file, PackageKind::Julia);
    let (mut julia, mut unusable) = ("", 0);
    let mut entry: Option<Entry<'_>> = None;
    // Whether the lines are of the entry itself, and of the file before all entries.
    let (mut in_entry, mut at_top) = (false, true);
    for line in text.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            at_top = false;
            let name = header.strip_prefix('[').and_then(|header| header.strip_suffix("]]"));
            in_entry = name.is_some();
            // What is in a single pair of brackets belongs to the entry before.
            if let Some(name) = name {
                let name = name.strip_prefix("deps.").unwrap_or(name).trim_matches('"');
                unusable += take(&mut locked, entry.replace(Entry { name, ..Entry::default() }).as_ref(), julia);
            }
            continue;
        }
        let Some((key, value)) = assigned(line) else { continue };
        match (key, &mut entry) {
            ("julia_version", _) if at_top && value.len() <= VERSION_BYTES => julia = value,
            ("manifest_format", _) if at_top && !matches!(value.split('.').next(), Some("1" | "2")) => {
                locked.note(unknown_version(file, value));
            }
            ("version", Some(entry)) if in_entry => entry.version = value,
            ("uuid", Some(entry)) if in_entry => entry.uuid = value,
            ("git-tree-sha1", Some(entry)) if in_entry => entry.tree = value,
            ("path", Some(entry)) if in_entry => entry.path = value,
            ("repo-url", Some(entry)) if in_entry => entry.url = value,
            _ => {}
        }
    }
    unusable += take(&mut locked, entry.as_ref(), julia);
    locked.unusable(unusable);
    locked.finish()
}

/// Key and value of a line, without quotes.
fn assigned(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(" = ")?;
    Some((key.trim(), value.trim().trim_matches('"')))
}

/// Takes an entry that has ended; counts it where it is no package.
fn take(locked: &mut Locked<'_>, entry: Option<&Entry<'_>>, julia: &str) -> u64 {
    let Some(&Entry { name, version, uuid, tree, path, url }) = entry else { return 0 };
    if name.is_empty() || uuid.is_empty() {
        return 1;
    }
    let standard = version.is_empty() && tree.is_empty() && path.is_empty() && url.is_empty();
    let mut facts = locked.package(name, if standard { julia } else { version });
    facts.extra.push(("uuid".to_owned(), uuid.to_owned()));
    if standard {
        facts.extra.push(source("stdlib"));
    } else if !path.is_empty() {
        facts.extra.push(source(&format!("path+{path}")));
    } else if !url.is_empty() {
        facts.extra.push(source(&format!("git+{url}#{tree}")));
    }
    locked.add(facts);
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&ANALYZER, "srv/Manifest.toml", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/julia/fixtures");
    }

    #[test]
    fn both_versions_of_the_format_are_read() {
        let first = "[[A]]\ndeps = [\"B\"]\nuuid = \"1\"\nversion = \"0.1.0+2\"\n\n    [A.deps]\n    version = \"9\"\n\n[[B]]\nuuid = \"2\"\n";
        check(first, &["A 0.1.0+2 uuid=1", "B  source=stdlib uuid=2"], 0);
        let second = "julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n\n[[deps.B]]\nuuid = \"2\"\n\n[[deps.C]]\npath = \
                      \"../C\"\nuuid = \"3\"\n\n[[deps.D]]\nrepo-rev = \"main\"\nrepo-url = \"https://x/d\"\ngit-tree-sha1 = \
                      \"t\"\nuuid = \"4\"\nversion = \"2\"\n\n[registries.General]\nuuid = \"5\"\n";
        check(
            second,
            &["B 1.9.0 source=stdlib uuid=2", "C  source=path+../C uuid=3", "D 2 source=git+https://x/d#t uuid=4"],
            0,
        );
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        check("[[deps.A]]\nversion = \"1\"\n[[deps.B]]\nuuid = \"2\"\nversion = \"1\"\n", &["B 1 uuid=2"], 1);
        check("manifest_format = \"3.0\"\n[[deps.B]]\nuuid = \"2\"\nversion = \"1\"\n", &["B 1 uuid=2"], 1);
        for text in ["", "name = \"x\"\n[[files]]\npath = \"a\"\n", "[package]\n"] {
            check(text, &[], 0);
        }
    }
}
