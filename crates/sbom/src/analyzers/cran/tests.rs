use super::{INSTALLED, LOCK};
use crate::testing;
use sekisho_model::Level;

fn installed(path: &str, text: &str) -> Result<Vec<String>, Level> {
    let extract = testing::run(&INSTALLED, path, text.as_bytes());
    match extract.diagnostics.first() {
        Some(diagnostic) => Err(diagnostic.level),
        None => Ok(extract.packages.iter().map(|facts| testing::line(facts, " ")).collect()),
    }
}

fn check(text: &str, expect: &[&str], incomplete: usize) {
    let extract = testing::run(&LOCK, "srv/renv.lock", text.as_bytes());
    let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
    assert_eq!(lines, expect, "{text}");
    assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
}

#[test]
fn goldens() {
    testing::goldens(&INSTALLED, "src/analyzers/cran/fixtures/installed");
    testing::goldens(&LOCK, "src/analyzers/cran/fixtures/lock");
}

#[test]
fn only_installed_packages_of_r_are_listed() {
    let (library, elsewhere) = ("usr/lib/R/site-library/x/DESCRIPTION", "src/x/DESCRIPTION");
    let one = || Ok(vec!["x 1.2-3".to_owned()]);
    assert_eq!(installed(elsewhere, "Package: x\nVersion: 1.2-3\nBuilt: R 4.2.2; ; 2023; unix\n"), one());
    assert_eq!(installed(library, "Package: x\r\nVersion:\r\n 1.2-3\r\n"), one());
    assert_eq!(installed(elsewhere, "Package: x\nVersion: 1\n"), Ok(vec![]));
    assert_eq!(installed(library, "A library of many things.\n"), Ok(vec![]));
    assert_eq!(installed(library, "Package: x\n"), Err(Level::Incomplete));
    assert_eq!(installed(elsewhere, "Version: 1\nBuilt: R 4\n"), Err(Level::Incomplete));
    assert!(!(INSTALLED.alike)(library, elsewhere));
}

#[test]
fn where_a_package_is_from() {
    let of = |fields: &str| {
        installed("a/DESCRIPTION", &format!("Package: x\nVersion: 1\nBuilt: R\n{fields}")).unwrap().remove(0)
    };
    assert_eq!(of("Repository: RSPM\nRemoteType: standard\n"), "x 1");
    assert_eq!(of("Repository: https://x.r-universe.dev\n"), "x 1 source=https://x.r-universe.dev");
    let remote = "RemoteType: github\nRemoteHost: api.github.com\nRemoteUsername: u\nRemoteRepo: r\nRemoteSha: s\n";
    assert_eq!(of(remote), "x 1 source=github+api.github.com/u/r#s");
}

#[test]
fn licences_without_the_file_of_their_text() {
    let of = |text| super::license(text).map(|license| license.to_string());
    assert_eq!(of("MIT + file LICENSE").as_deref(), Some("MIT"));
    assert_eq!(of("GPL-2 | GPL-3").as_deref(), Some("GPL-2 | GPL-3"));
    assert_eq!(of("file LICENSE"), None);
}

#[test]
fn long_values_are_cut() {
    let text = format!("Package: x\nVersion: 1\nBuilt: R\nMaintainer: a\n{}", " éé\n".repeat(100_000));
    let extract = testing::run(&INSTALLED, "DESCRIPTION", text.as_bytes());
    assert!(extract.packages[0].supplier.as_ref().unwrap().len() <= 4200);
}

#[test]
fn lock_files_of_renv() {
    let text = r#"{"R": {"Version": "4.2.2"}, "Packages": {
        "a": {"Package": "a", "Version": "1.0-2", "Source": "Repository", "Repository": "CRAN", "Hash": "h"},
        "b": {"Version": "2", "Source": "GitHub", "RemoteUsername": "u", "RemoteRepo": "b", "RemoteSha": "s"},
        "c": {"Package": "c", "Version": "3", "Source": "Bioconductor"},
        "d": {"Package": "d", "Source": "unknown"}}}"#;
    check(text, &["a 1.0-2", "b 2 source=GitHub+u/b#s", "c 3 source=Bioconductor"], 1);
    check(r#"{"Packages": {"a": {"Version": "1"}"#, &["a 1"], 1);
    for text in ["", "{}", r#"{"Packages": []}"#] {
        check(text, &[], 1);
    }
}
