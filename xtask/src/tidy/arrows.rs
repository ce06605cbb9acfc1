//! The crate table of ARCHITECTURE.md against the dependencies that the manifests declare.
//!
//! The table is the decision and the manifests follow it: a crate may use `base`, `model` and what its row
//! lists. Crates are known by their folder, `crates/NAME`. Dependencies from the registry are no arrows.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Problem, Tree};
use crate::process::Run;

const TABLE: &str = "ARCHITECTURE.md";
const HEADER: [&str; 4] = ["layer", "crate", "owns", "may use"];
/// Crates that every crate above them may use without saying so.
const IMPLIED: [&str; 2] = ["base", "model"];
/// The layer whose crates may use every crate below.
const SERVERS: u32 = 4;

/// One package of the workspace.
pub(super) struct Member {
    /// Its folder from the workspace root.
    dir: String,
    package: String,
    uses: Vec<Use>,
}

/// A dependency on another package of the workspace.
struct Use {
    dir: String,
    for_tests: bool,
}

/// The workspace as cargo sees it.
pub(super) fn members(root: &Path) -> Result<Vec<Member>> {
    let args = ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"];
    parse_metadata(&Run::cargo().args(args).dir(root).read()?)
}

fn parse_metadata(json: &str) -> Result<Vec<Member>> {
    let metadata: Value = serde_json::from_str(json).context("cargo metadata is not JSON")?;
    let root = metadata["workspace_root"].as_str().context("cargo metadata has no workspace root")?;
    let relative = |path: &str| Path::new(path).strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned);
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let member = |package: &Value| {
        let dir = relative(package["manifest_path"].as_str()?)?.strip_suffix("/Cargo.toml")?.to_owned();
        let uses = package["dependencies"].as_array()?.iter().filter_map(|dependency| {
            let dir = relative(dependency["path"].as_str()?)?;
            Some(Use { dir, for_tests: dependency["kind"].as_str() == Some("dev") })
        });
        Some(Member { dir, package: package["name"].as_str()?.to_owned(), uses: uses.collect() })
    };
    packages.iter().map(|package| member(package).context("cargo metadata has a package of unknown shape")).collect()
}

/// One row of the table.
struct Row<'a> {
    line: usize,
    layer: u32,
    name: &'a str,
    uses: Vec<&'a str>,
}

impl Row<'_> {
    fn may_use(&self, other: &Row) -> bool {
        self.uses.contains(&other.name)
            || self.uses.contains(&"all")
            || (IMPLIED.contains(&other.name) && other.layer < self.layer)
            || (self.layer == SERVERS && other.layer < SERVERS)
    }
}

/// Arrows that the table does not have, and crates that only one of table and workspace has.
pub(super) fn check(tree: &Tree, members: &[Member]) -> Vec<Problem> {
    let Some(text) = tree.text(TABLE) else { return vec![Problem::file(TABLE, "is missing")] };
    let (rows, mut problems) = parse_table(text);
    problems.extend(rows.values().flat_map(|row| check_row(row, &rows, members)));
    problems.extend(members.iter().flat_map(|member| check_member(member, &rows)));
    problems
}

fn check_row(row: &Row, rows: &BTreeMap<&str, Row>, members: &[Member]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |message| problems.push(Problem::line(TABLE, row.line, message));
    if !members.iter().any(|member| crate_name(&member.dir) == Some(row.name)) {
        say(format!("there is no crate crates/{}", row.name));
    }
    for name in row.uses.iter().filter(|name| **name != "all") {
        match rows.get(name) {
            None => say(format!("`{}` may use `{name}`, which has no row", row.name)),
            Some(other) if other.layer > row.layer => {
                say(format!("the arrow from `{}` to `{name}` points up", row.name));
            }
            Some(_) => {}
        }
    }
    problems
}

fn check_member(member: &Member, rows: &BTreeMap<&str, Row>) -> Vec<Problem> {
    let Some(name) = crate_name(&member.dir) else { return Vec::new() };
    let manifest = format!("{}/Cargo.toml", member.dir);
    let Some(row) = rows.get(name) else {
        return vec![Problem::file(&manifest, format!("`{name}` has no row in the crate table of {TABLE}"))];
    };
    let mut problems = Vec::new();
    let package = if name == "cli" { "sekisho".to_owned() } else { format!("sekisho-{name}") };
    if member.package != package {
        problems
            .push(Problem::file(&manifest, format!("the package is called {} instead of {package}", member.package)));
    }
    for used in &member.uses {
        let allowed = match crate_name(&used.dir).and_then(|other| rows.get(other)) {
            Some(other) => row.may_use(other) || (used.for_tests && other.layer < row.layer),
            None => used.for_tests && used.dir == "testkit",
        };
        if !allowed {
            let who = if used.for_tests { format!("the tests of `{name}`") } else { format!("`{name}`") };
            let message = format!("{who} may not use {}: see the crate table of {TABLE}", used.dir);
            problems.push(Problem::file(&manifest, message));
        }
    }
    problems
}

/// The rows by crate; a row that cannot be read is a problem.
fn parse_table(text: &str) -> (BTreeMap<&str, Row<'_>>, Vec<Problem>) {
    let mut lines = super::numbered(text).skip_while(|(_, line)| cells(line) != HEADER).peekable();
    let mut rows = BTreeMap::new();
    let mut problems = Vec::new();
    if lines.peek().is_none() {
        problems.push(Problem::file(TABLE, format!("has no table with the columns {}", HEADER.join(", "))));
    }
    for (number, line) in lines.skip(2).take_while(|(_, line)| line.starts_with('|')) {
        let cells = cells(line);
        let Some(row) = parse_row(number, &cells) else {
            problems.push(Problem::line(TABLE, number, "is not `layer | crate | owns | may use`"));
            continue;
        };
        if rows.contains_key(row.name) {
            problems.push(Problem::line(TABLE, number, format!("`{}` has two rows", row.name)));
        }
        rows.insert(row.name, row);
    }
    (rows, problems)
}

fn parse_row<'a>(line: usize, cells: &[&'a str]) -> Option<Row<'a>> {
    let [layer, name, _, uses] = cells else { return None };
    let layer = layer.split(' ').next()?.parse().ok()?;
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    let uses = uses.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| *name != "-").collect();
    Some(Row { line, layer, name, uses })
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map(|inner| inner.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// `NAME` of `crates/NAME`.
fn crate_name(dir: &str) -> Option<&str> {
    dir.strip_prefix("crates/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "\
| layer | crate | owns | may use |
|---|---|---|---|
| 0 | `base` | clock | - |
| 1 | `model` | the nouns | base |
| 2 pure | `sbom` | packages | - |
| 2 pure | `report` | output | sbom |
| 3 I/O | `scan` | sources | sbom |
| 4 | `hub` | the server | - |
| 4 | `agent` | the agent | - |
| 5 | `cli` | the binary | all |
";
    const NAMES: [&str; 8] = ["base", "model", "sbom", "report", "scan", "hub", "agent", "cli"];

    fn member(name: &str, uses: &[&str], for_tests: bool) -> Member {
        let uses = uses.iter().map(|dir| Use { dir: (*dir).to_owned(), for_tests }).collect();
        let package = if name == "cli" { "sekisho".to_owned() } else { format!("sekisho-{name}") };
        Member { dir: format!("crates/{name}"), package, uses }
    }

    fn check_table(table: &str, changed: Member) -> Vec<String> {
        let mut members: Vec<_> = NAMES.iter().map(|name| member(name, &[], false)).collect();
        members.retain(|member| member.dir != changed.dir);
        members.push(changed);
        let tree = Tree::from_texts([(TABLE, table)]);
        check(&tree, &members).iter().map(ToString::to_string).collect()
    }

    fn arrow(from: &str, to: &str) -> Vec<String> {
        check_table(ROWS, member(from, &[to], false))
    }

    #[test]
    fn listed_and_implied_arrows_pass() {
        for (from, to) in [
            ("model", "crates/base"),
            ("sbom", "crates/base"),
            ("sbom", "crates/model"),
            ("report", "crates/sbom"),
            ("hub", "crates/report"),
            ("cli", "crates/hub"),
        ] {
            assert_eq!(arrow(from, to), Vec::<String>::new(), "{from} -> {to}");
        }
    }

    #[test]
    fn an_arrow_outside_the_table_is_a_problem() {
        for (from, to) in [
            ("base", "crates/model"),
            ("sbom", "crates/report"),
            ("sbom", "crates/scan"),
            ("scan", "crates/report"),
            ("hub", "crates/agent"),
            ("scan", "testkit"),
            ("scan", "xtask"),
        ] {
            let expected =
                format!("crates/{from}/Cargo.toml: `{from}` may not use {to}: see the crate table of {TABLE}");
            assert_eq!(arrow(from, to), [expected]);
        }
    }

    #[test]
    fn tests_may_use_testkit_and_lower_layers() {
        let tests_of = |from, to| check_table(ROWS, member(from, &[to], true));
        assert!(tests_of("scan", "testkit").is_empty());
        assert!(tests_of("scan", "crates/report").is_empty());
        assert_eq!(tests_of("sbom", "crates/report").len(), 1);
        assert_eq!(tests_of("base", "crates/scan").len(), 1);
        assert_eq!(tests_of("scan", "xtask").len(), 1);
    }

    #[test]
    fn table_and_workspace_have_the_same_crates() {
        let stranger = member("extra", &[], false);
        assert_eq!(
            check_table(ROWS, stranger),
            ["crates/extra/Cargo.toml: `extra` has no row in the crate table of ARCHITECTURE.md"]
        );
        let table = format!("{ROWS}| 2 | `ghost` | nothing | - |\n");
        assert_eq!(
            check_table(&table, member("sbom", &[], false)),
            ["ARCHITECTURE.md:11: there is no crate crates/ghost"]
        );
    }

    #[test]
    fn a_table_that_contradicts_itself_is_a_problem() {
        let say = |from, to| check_table(&ROWS.replace(from, to), member("sbom", &[], false));
        assert_eq!(
            say("packages | -", "packages | scan"),
            ["ARCHITECTURE.md:5: the arrow from `sbom` to `scan` points up"]
        );
        assert_eq!(
            say("packages | -", "packages | yara"),
            ["ARCHITECTURE.md:5: `sbom` may use `yara`, which has no row"]
        );
        assert_eq!(
            say("| 2 pure | `sbom`", "| pure | `sbom`")[0],
            "ARCHITECTURE.md:5: is not `layer | crate | owns | may use`"
        );
        assert_eq!(say("`agent`", "`hub`")[0], "ARCHITECTURE.md:9: `hub` has two rows");
        assert_eq!(
            say("| owns |", "| has |")[0],
            "ARCHITECTURE.md: has no table with the columns layer, crate, owns, may use"
        );
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let misnamed = Member { package: "sbom".to_owned(), ..member("sbom", &[], false) };
        assert_eq!(
            check_table(ROWS, misnamed),
            ["crates/sbom/Cargo.toml: the package is called sbom instead of sekisho-sbom"]
        );
    }

    #[test]
    fn metadata_keeps_path_dependencies_and_their_kind() {
        let json = r#"{"workspace_root": "/w", "packages": [{"name": "sekisho-scan",
            "manifest_path": "/w/crates/scan/Cargo.toml", "dependencies": [
            {"name": "sekisho-oci", "path": "/w/crates/oci", "kind": null},
            {"name": "sekisho-testkit", "path": "/w/testkit", "kind": "dev"},
            {"name": "serde", "kind": null}]}]}"#;
        let members = parse_metadata(json).unwrap();
        let uses: Vec<_> = members[0].uses.iter().map(|used| (used.dir.as_str(), used.for_tests)).collect();
        assert_eq!(members[0].dir, "crates/scan");
        assert_eq!(uses, [("crates/oci", false), ("testkit", true)]);
    }
}
