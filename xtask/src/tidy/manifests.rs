//! What every package manifest takes from the workspace, so that it is said once.

use super::{Problem, Tree, numbered};

/// Lines that each manifest below the root has, with the section they are in.
const INHERITED: [(&str, &str); 6] = [
    ("[package]", "version.workspace = true"),
    ("[package]", "edition.workspace = true"),
    ("[package]", "rust-version.workspace = true"),
    ("[package]", "license.workspace = true"),
    ("[package]", "publish.workspace = true"),
    ("[lints]", "workspace = true"),
];

/// Manifests that do not inherit what they should.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let manifests = tree.written().filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("fuzz/"));
    manifests.flat_map(|(path, text)| missing(path, text)).collect()
}

fn missing(path: &str, text: &str) -> impl Iterator<Item = Problem> {
    let mut section = "";
    let mut found = Vec::new();
    for (_, line) in numbered(text) {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
        }
        found.push((section, line));
    }
    INHERITED
        .iter()
        .filter(move |wanted| !found.contains(wanted))
        .map(move |(section, line)| Problem::file(path, format!("needs `{line}` in {section}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::problems_in;

    const GOOD: &str = "\
[package]
name = \"sekisho-a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[dependencies]
serde.workspace = true

[lints]
workspace = true
";

    #[test]
    fn every_inherited_line_is_wanted_in_its_section() {
        assert!(problems_in(check, &[("crates/a/Cargo.toml", GOOD), ("Cargo.toml", "[workspace]\n")]).is_empty());
        for (section, line) in INHERITED {
            let bad = GOOD.replace(&format!("\n{line}\n"), "\n");
            let expected = format!("crates/a/Cargo.toml: needs `{line}` in {section}");
            assert_eq!(problems_in(check, &[("crates/a/Cargo.toml", &bad)]), [expected]);
        }
    }

    #[test]
    fn a_line_in_another_section_does_not_count() {
        let bad = GOOD.replace("[lints]", "[badges]");
        assert_eq!(
            problems_in(check, &[("xtask/Cargo.toml", &bad)]),
            ["xtask/Cargo.toml: needs `workspace = true` in [lints]"]
        );
    }
}
