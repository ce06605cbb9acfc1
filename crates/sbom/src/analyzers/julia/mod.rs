//! Julia packages, by the manifest of an environment.
//!
//! A `[[deps.NAME]]` for each package, in the first version of the format `[[NAME]]`. Packages of the standard library have no version but Julia's own, which later versions of the format name;
//! those of a folder may have none. What the project asks for stands in `Project.toml` alone.
//!
//! Source: <https://pkgdocs.julialang.org/v1/toml-files/> and `Pkg.Types.write_manifest`.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, STANZA_BYTES, parts, source, unknown_version};
use sekisho_model::{PackageFacts, PackageKind};
use toml::{Table, Value};

/// Reads `Manifest.toml`, under each of its names.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "julia-manifest",
    title: "Julia manifests (Manifest.toml)",
    kinds: &[PackageKind::Julia],
    paths: &["**/Manifest.toml", "**/JuliaManifest.toml", "**/Manifest-v*.toml", "**/JuliaManifest-v*.toml"],
    version: 3,
    run,
    ..Analyzer::NONE
};

/// The longest version of Julia that is taken for one: many packages have it.
const VERSION_BYTES: usize = 64;

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // Other programs have a file of this name as well, in TOML too.
    if !is_manifest(text) {
        let is_toml = text.len() > STANZA_BYTES || text.parse::<Table>().is_ok();
        return if is_toml { Extract::default() } else { Extract::failed(file.malformed("is no TOML")) };
    }
    // Julia before 1.6 wrote nothing where nothing was needed.
    let mut locked = Locked::new(file, PackageKind::Julia).may_be_empty();
    let (mut julia, mut unusable) = (String::new(), 0);
    for part in parts(text) {
        let whole = match part.read() {
            Ok(whole) => whole,
            Err(reason) => {
                locked.broken(reason);
                continue;
            }
        };
        if let Some(version) = field(&whole, "julia_version").filter(|version| version.len() <= VERSION_BYTES) {
            version.clone_into(&mut julia);
        }
        if let Some(version) = whole.get("manifest_format").map(|version| version.as_str().unwrap_or("of no text"))
            && !matches!(version.split('.').next(), Some("1" | "2"))
        {
            locked.note(unknown_version(file, version));
        }
        for (key, value) in &whole {
            match value {
                Value::Table(all) if key == "deps" => {
                    all.iter().for_each(|(name, list)| unusable += take(&mut locked, name, list, &julia));
                }
                Value::Array(list) if list.iter().any(Value::is_table) => {
                    unusable += take(&mut locked, key, value, &julia);
                }
                _ => {}
            }
        }
    }
    locked.unusable(unusable);
    locked.finish()
}

/// Whether a key is one that every manifest has.
fn is_manifest(text: &str) -> bool {
    text.split('=').any(|before| {
        let before = before.trim_end().trim_end_matches(['"', '\'']);
        let key = before.rsplit(|character: char| !character.is_ascii_alphanumeric() && character != '_').next();
        matches!(key, Some("uuid" | "manifest_format" | "julia_version"))
    })
}

/// A text that is not empty.
fn field<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Takes the packages of one name; counts those that are none.
fn take(locked: &mut Locked<'_>, name: &str, list: &Value, julia: &str) -> u64 {
    let Some(list) = list.as_array() else { return 1 };
    let mut unusable = 0;
    for entry in list {
        match entry.as_table().and_then(|entry| package(locked, name, entry, julia)) {
            Some(facts) => locked.add(facts),
            None => unusable += 1,
        }
    }
    unusable
}

fn package(locked: &Locked<'_>, name: &str, entry: &Table, julia: &str) -> Option<PackageFacts> {
    let uuid = field(entry, "uuid").filter(|_| !name.is_empty())?;
    let [version, tree, path, url] = ["version", "git-tree-sha1", "path", "repo-url"].map(|key| field(entry, key));
    let standard = [version, tree, path, url].iter().all(Option::is_none);
    let mut facts = locked.package(name, if standard { julia } else { version.unwrap_or_default() });
    facts.extra.push(("uuid".to_owned(), uuid.to_owned()));
    if standard {
        facts.extra.push(source("stdlib"));
    } else if let Some(path) = path {
        facts.extra.push(source(&format!("path+{path}")));
    } else if let Some(url) = url {
        facts.extra.push(source(&format!("git+{url}#{}", tree.unwrap_or_default())));
    }
    Some(facts)
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
        let first = "[[A]]\nweakdeps = [\"B\"]\nuuid = \"1\"\nversion = \"0.1.0+2\"\n\n    [A.deps]\n    version = \"9\"\n\n[[B]]\nuuid = \"2\"\n";
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

    /// TOML leaves more than one way to write a list of packages.
    #[test]
    fn no_form_of_toml_hides_a_package() {
        for text in [
            "manifest_format = \"2.0\"\ndeps = {A = [{uuid = \"1\", version = \"1\"}], B = [{uuid = \"2\", version = \"2\"}]}\n",
            "deps = {A = [{uuid = \"1\", version = \"1\"}], B = [{uuid = \"2\", version = \"2\"}]}\n",
            "[deps]\nA = [{uuid = \"1\", version = \"1\"}]\nB = [{uuid = \"2\", version = \"2\"}]\n",
            "[[deps.A]]\nuuid=\"1\"\nversion=\"1\" # x\n[[deps.\"B\"]]\n'uuid'='2'\nversion='2'\n",
            "  [[ deps . A ]]\n  uuid = \"1\"\n  version = \"1\"\n\t[[ \"deps\".B ]]\n\tuuid = \"2\"\n\tversion = \"2\"\n",
            "A = [{uuid = \"1\", version = \"1\"}]\n[[B]]\nuuid = \"2\"\nversion = \"2\"\n",
        ] {
            check(text, &["A 1 uuid=1", "B 2 uuid=2"], 0);
        }
        check("[[deps.A]]\nuuid = \"1\"\nversion = \"1\"\n[[deps.B]]\nuuid = \"2\n", &["A 1 uuid=1"], 1);
        check("manifest_format = \"2.0\"\ndeps.A = 1\n", &[], 1);
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
