//! Lock files of all versions, real and made up.

use super::super::LOCK;
use super::*;
use crate::testing;
use sekisho_model::Level;
use std::fmt::Write;

const PATH: &str = "srv/package-lock.json";

fn run(text: &str) -> Extract {
    testing::run(&LOCK, PATH, text.as_bytes())
}

/// Name, version, location, and "dev" or "direct" where they hold.
fn summary(extract: &Extract) -> Vec<String> {
    extract
        .packages
        .iter()
        .map(|facts| {
            let extra = |name| facts.extra.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            let flags = [facts.dev.then_some("dev"), facts.direct.filter(|direct| *direct).map(|_| "direct")];
            let mut line = format!("{}@{} {}", facts.name, facts.version, extra("lock_path").unwrap());
            line.extend(flags.into_iter().flatten().flat_map(|flag| [" ", flag]));
            line.extend(extra("source").into_iter().flat_map(|from| [" source=", from]));
            line
        })
        .collect()
}

#[test]
fn goldens() {
    testing::goldens(&LOCK, "src/analyzers/npm/fixtures/lock");
}

#[test]
fn the_three_versions_of_one_lock_file_agree() {
    let [v1, v2, v3] = [1, 2, 3].map(|version| {
        let path =
            format!("{}/src/analyzers/npm/fixtures/lock/v{version}/srv/package-lock.json", env!("CARGO_MANIFEST_DIR"));
        let mut lines = summary(&run(&std::fs::read_to_string(path).unwrap()));
        lines.sort();
        lines
    });
    assert!(v3.len() > 30);
    assert_eq!(v2, v3);
    // Version 1 does not say what is direct, and gives archives no version.
    let plain: Vec<_> = v3.iter().map(|line| line.trim_end_matches(" direct")).collect();
    let missing: Vec<_> = plain.iter().filter(|line| !v1.iter().any(|other| other == *line)).collect();
    assert_eq!(missing, [&"local-tar@0.1.0 node_modules/local-tar"]);
    let only: Vec<_> = v1.iter().filter(|line| !plain.contains(&line.as_str())).collect();
    assert!(
        matches!(only[..], [line] if line.starts_with("local-tar@ node_modules/local-tar source=file:")),
        "{only:?}"
    );
}

#[test]
fn packages_are_read_by_location() {
    let extract = run(r#"{"lockfileVersion": 3, "packages": {
        "node_modules/a": {"version": "1.0.0", "integrity": "sha512-x", "license": "MIT"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "dev": true},
        "node_modules/alias": {"name": "real", "version": "3.0.0", "devOptional": true},
        "node_modules/link": {"resolved": "folder", "link": true},
        "node_modules/git": {"resolved": "git+ssh://git@example.org/x.git#0123abc"},
        "node_modules/archive": {"resolved": "file:x.tgz"},
        "node_modules/__proto__ x": {"version": "1"},
        "folder": {"version": "1.0.0", "dependencies": {"c": "4"}},
        "folder/node_modules/c": {"version": "4.0.0"},
        "": {"version": "9.9.9", "dependencies": {"a": "1", "c": "1"}, "peerDependencies": {"alias": "x"},
             "devDependencies": {"@s/b": "2"}, "optionalDependencies": {"git": "x"}}
    }, "dependencies": {"legacy": {"version": "1.0.0"}}}"#);
    assert_eq!(
        summary(&extract),
        [
            "a@1.0.0 node_modules/a direct",
            "@s/b@2.0.0 node_modules/a/node_modules/@s/b dev",
            "real@3.0.0 node_modules/alias direct",
            "git@ node_modules/git direct source=git+ssh://git@example.org/x.git#0123abc",
            "archive@ node_modules/archive source=file:x.tgz",
            "c@4.0.0 folder/node_modules/c direct",
        ]
    );
    let first = &extract.packages[0];
    assert_eq!(first.evidence, Evidence::Declared);
    assert_eq!(extract.packages[1].direct, Some(false));
    assert_eq!(run(r#"{"packages": {"node_modules/a": {"version": "1"}}}"#).packages[0].direct, None);
    assert_eq!(first.licenses.len(), 1);
    let names: Vec<_> = first.extra.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(names, ["integrity=sha512-x", "lock_path=node_modules/a"]);
    let [diagnostic] = extract.diagnostics.try_into().unwrap();
    assert_eq!((diagnostic.level, diagnostic.code), (Level::Note, Code::RecordMalformed));
    assert!(diagnostic.message.starts_with("1 entries"), "{diagnostic}");
}

#[test]
fn what_has_no_version_is_not_lost() {
    let archive = "https://registry.npmjs.org/a/-/a-1.0.0.tgz";
    let told = format!("a@ node_modules/a source={archive}");
    for text in [
        format!(r#"{{"packages": {{"node_modules/a": {{"resolved": "{archive}"}}}}}}"#),
        format!(r#"{{"packages": {{"node_modules/a": {{"version": "", "resolved": "{archive}"}}}}}}"#),
        format!(r#"{{"packages": {{"node_modules/a": {{"version": "{archive}"}}}}}}"#),
        format!(r#"{{"dependencies": {{"a": {{"version": "{archive}"}}}}}}"#),
        format!(r#"{{"dependencies": {{"a": {{"resolved": "{archive}"}}}}}}"#),
    ] {
        let extract = run(&text);
        assert_eq!((summary(&extract), extract.diagnostics), (vec![told.clone()], Vec::new()), "{text}");
    }
    for text in [r#"{"packages": {"node_modules/a": {}}}"#, r#"{"dependencies": {"a": {}}}"#] {
        let extract = run(text);
        assert_eq!((extract.packages.len(), extract.diagnostics[0].level), (0, Level::Incomplete), "{text}");
    }
}

#[test]
fn what_was_asked_for_is_no_version() {
    for (text, expect) in [
        (r#"{"packages": {"node_modules/a": {"version": "*"}}}"#, "requirement=*"),
        (r#"{"dependencies": {"a": {"version": ">=1"}}}"#, "requirement=>=1"),
        (r#"{"dependencies": {"a": {"version": "^1.0.0", "resolved": "https://x/a.tgz"}}}"#, "requirement=^1.0.0"),
    ] {
        let extract = run(text);
        let [facts] = extract.packages.try_into().unwrap();
        let line = testing::line(&facts, "@");
        assert!(line.starts_with("a@ ") && line.ends_with(expect), "{line}");
    }
}

#[test]
fn packages_stand_above_dependencies_in_any_order() {
    let extract =
        run(r#"{"dependencies": {"a": {"version": "1"}, "x": {}}, "packages": {"node_modules/b": {"version": "2"}}}"#);
    assert_eq!(summary(&extract), ["b@2 node_modules/b"]);
    assert_eq!(extract.diagnostics, []);
}

#[test]
fn dependencies_are_read_by_nesting() {
    let extract = run(r#"{"lockfileVersion": 1, "dependencies": {
        "a": {"version": "1.0.0", "dev": true, "dependencies": {"b": {"version": "2.0.0"}}},
        "alias": {"version": "npm:@s/real@3.0.0"},
        "git": {"version": "git+https://example.org/x.git#0123abc", "from": "git"},
        "archive": {"version": "https://example.org/x.tgz"},
        "folder": {"version": "file:packages/folder", "dependencies": {"c": {"version": "4.0.0"}}},
        "fragment": {"version": "file:x#1"},
        "tar": {"version": "file:x.tar.gz"},
        "fork": {"version": "u/r#abcd"},
        "hub": {"version": "github:u/r#abcd"},
        "page": {"version": "https://example.org/x.tgz#9.9.9"},
        "broken": {"version": "npm:x"},
        "untold": {"dev": true}
    }}"#);
    assert_eq!(
        summary(&extract),
        [
            "b@2.0.0 node_modules/a/node_modules/b",
            "a@1.0.0 node_modules/a dev",
            "@s/real@3.0.0 node_modules/alias",
            "git@ node_modules/git source=git+https://example.org/x.git#0123abc",
            "archive@ node_modules/archive source=https://example.org/x.tgz",
            "c@4.0.0 packages/folder/node_modules/c",
            "tar@ node_modules/tar source=file:x.tar.gz",
            "fork@ node_modules/fork source=u/r#abcd",
            "hub@ node_modules/hub source=github:u/r#abcd",
            "page@ node_modules/page source=https://example.org/x.tgz#9.9.9",
            "broken@ node_modules/broken source=npm:x",
        ]
    );
    let [untold, skipped] = extract.diagnostics.try_into().unwrap();
    assert_eq!((untold.level, &*untold.message), (Level::Incomplete, "entries without a version: 1"));
    assert!(skipped.message.starts_with("2 entries"), "{skipped}");
}

#[test]
fn what_was_read_survives_an_error() {
    for (text, packages) in [
        ("", 0),
        ("[]", 0),
        ("{", 0),
        (r#"{"packages": null}"#, 0),
        (r#"{"packages": {"node_modules/a": {"version": "1"}, "node_modules/b": {"ver"#, 1),
        (r#"{"packages": {"node_modules/b": 1, "": [], "node_modules/a": {"version": "1"}}}"#, 1),
        (r#"{"packages": {"": {"dependencies": "x"}, "node_modules/a": {"version": "1"}, "node_modules/b": [{}]}}"#, 1),
        (r#"{"dependencies": {"x": null, "b": {"version": "2", "dependencies": "x"}, "c": "1"}}"#, 1),
        (r#"{"dependencies": {"a": {"version": "1"}}} x"#, 1),
        (r#"{"lockfileVersion": 4, "packages": {"node_modules/a": {"version": "1"}}}"#, 1),
    ] {
        let extract = run(text);
        assert_eq!(extract.packages.len(), packages, "{text}");
        let [diagnostic] = extract.diagnostics.try_into().unwrap();
        assert_eq!((diagnostic.level, diagnostic.code), (Level::Incomplete, Code::FileMalformed), "{text}");
    }
    for text in ["{}", r#"{"lockfileVersion": 1, "requires": true}"#, r#"{"lockfileVersion": "x", "packages": {}}"#] {
        assert_eq!(run(text), Extract::default(), "{text}");
    }
}

#[test]
fn nesting_beyond_the_limit_is_reported_and_the_rest_read() {
    for (depth, too_deep) in [(MAX_DEPTH - 1, false), (MAX_DEPTH, true), (100_000, true)] {
        let mut text = String::from(r#"{"dependencies": {"first": {"version": "1"}"#);
        for _ in 0..depth {
            text.push_str(r#", "a": {"version": "1", "dependencies": {"x": {}"#);
        }
        text.push_str(&"}}".repeat(depth));
        text.push_str(r#", "last": {"version": "1"}}}"#);
        let extract = run(&text);
        assert_eq!(extract.packages.len(), 2 + depth.min(MAX_DEPTH), "{depth}");
        let limit = extract.diagnostics.iter().find(|entry| entry.code == Code::LimitExceeded);
        assert_eq!(limit.map(|entry| entry.level), too_deep.then_some(Level::Incomplete), "{depth}");
    }
}

#[test]
fn records_are_capped() {
    let limits = Limits { records: 2, ..Limits::default() };
    for text in [
        r#"{"packages": {"node_modules/a": {"version": "1"}, "node_modules/b": {"version": "1"}, "node_modules/c": {"version": "1"}}}"#,
        r#"{"dependencies": {"a": {"version": "1"}, "b": {"version": "1"}, "c": {"version": "1"}}}"#,
    ] {
        let extract = run_within(&limits, text);
        assert_eq!(extract.packages.len(), 2);
        assert_eq!(extract.diagnostics.len(), 1);
        assert_eq!(extract.diagnostics[0].message, "more than the limit of 2 packages of one file (limits.records)");
        assert_eq!(extract.diagnostics[0].code, Code::LimitExceeded);
    }
    let limits = Limits { records: 3, ..limits };
    assert_eq!(run_within(&limits, r#"{"dependencies": {"a": {"version": "1"}}}"#).diagnostics, []);
}

#[test]
fn joined_locations_cannot_outgrow_the_file() {
    let limits = Limits { text_file_bytes: 1 << 20, ..Limits::default() };
    let long = "x".repeat(500_000);
    let many = r#""x":{"version":"1"},"#.repeat(10_000);
    let text = format!(r#"{{"dependencies": {{"{long}": {{"dependencies": {{{many}"z":{{}}}}}}}}}}"#);
    let extract = run_within(&limits, &text);
    assert!(extract.packages.len() <= 3, "{}", extract.packages.len());
    assert!(extract.diagnostics.iter().any(|entry| entry.code == Code::LimitExceeded));
}

#[test]
fn time_grows_no_faster_than_the_file() {
    // A million entries with optimisation take about as long as a tenth of it without.
    let entries = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let mut text = String::from(r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"p7":"1"}}"#);
    for n in 0..entries {
        write!(text, r#","node_modules/p{n}":{{"version":"1.0.{n}","dev":true}}"#).unwrap();
    }
    text.push_str("}}");
    let extract = run(&text);
    assert_eq!(extract.diagnostics, []);
    assert_eq!(extract.packages.len(), entries);
    assert_eq!(summary(&extract)[7], "p7@1.0.7 node_modules/p7 dev direct");
}

fn run_within(limits: &Limits, text: &str) -> Extract {
    super::run(&File { path: PATH, data: &text.as_bytes(), limits })
}
