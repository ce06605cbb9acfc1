use super::*;
use crate::testing;
use sekisho_base::Limits;
use sekisho_model::{Code, Level};
use serde_json::{Value, json};
use std::path::Path;

const PATH: &str = "lib/apk/db/installed";
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/packagedb/apk-installed");
const BOUNDS: installed::Bounds = installed::Bounds { records: 1000, path_bytes: 1_000_000 };

#[test]
fn goldens() {
    testing::goldens(&ANALYZER, "src/analyzers/apk/fixtures");
}

#[test]
fn corpus_records_are_exactly_the_expected() {
    let root = Path::new(CORPUS);
    let Ok(expected) = std::fs::read(root.join("expected.json")) else {
        eprintln!("SKIP: the corpus is not there: {CORPUS}");
        return;
    };
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let bytes = std::fs::read(root.join(expected["database"].as_str().unwrap())).unwrap();
    let read = installed::read(std::str::from_utf8(&bytes).unwrap(), BOUNDS);
    let records: Vec<Value> = read
        .records
        .iter()
        .map(|record| {
            json!({
                "name": record.name,
                "version": record.version,
                "arch": record.arch,
                "origin": record.origin,
                "license": record.license,
                "maintainer": record.maintainer,
                "installed_size": record.installed_size,
                "checksum": record.checksum,
                "depends": record.depends,
                "provides": record.provides,
                "directory_count": record.directory_count,
                "file_count": record.file_count,
            })
        })
        .collect();
    assert_eq!(json!(records), expected["packages"]);
    let extract = testing::run(&ANALYZER, PATH, &bytes);
    assert_eq!(json!(extract.packages.len()), expected["package_count"]);
    assert_eq!(
        json!(extract.owned.iter().map(|owned| owned.paths.to_vec().len()).sum::<usize>()),
        expected["file_count"]
    );
    assert_eq!(extract.diagnostics, []);
}

fn run(text: &str) -> Extract {
    testing::run(&ANALYZER, PATH, text.as_bytes())
}

/// Packages as `name version`.
fn check(text: &str, expect: &[&str]) {
    let found: Vec<String> =
        run(text).packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    assert_eq!(found, expect, "{text:?}");
}

#[test]
fn a_record_becomes_a_package_with_its_files() {
    let extract = run("C:Q1abc=\nP:libcrypto3\nV:3.1.4-r5\nA:aarch64\nL:Apache-2.0\no:openssl\nm:A <a@b>\n\
                       F:\nR:at-root\nZ:Q1\nF:etc/ssl\nM:0:0:755\nR:openssl.cnf\na:0:0:600\nF:empty\n\nP:b\nV:1\nR:c\n");
    let [libcrypto, b] = &extract.packages[..] else { panic!("{extract:?}") };
    assert_eq!(libcrypto.arch.as_deref(), Some("aarch64"));
    assert_eq!(libcrypto.source, Some(SourcePackage { name: "openssl".to_owned(), version: "3.1.4-r5".to_owned() }));
    assert_eq!(libcrypto.supplier.as_deref(), Some("A <a@b>"));
    assert_eq!(libcrypto.extra, [("checksum".to_owned(), "Q1abc=".to_owned())]);
    assert_eq!(b.source, Some(SourcePackage { name: "b".to_owned(), version: "1".to_owned() }));
    let paths: Vec<Vec<String>> = extract.owned.iter().map(|owned| owned.paths.to_vec()).collect();
    // The directory of one record does not reach into the next.
    assert_eq!(paths, [&["at-root", "etc/ssl/openssl.cnf"][..], &["c"][..]]);
    assert_eq!(extract.owned[0].name, "libcrypto3");
    assert_eq!(extract.owned[0].arch.as_deref(), Some("aarch64"));
}

#[test]
fn licences_are_expressions_where_alpine_writes_them_so() {
    for (text, expect) in [
        ("MIT", License::Expression("MIT".to_owned())),
        ("MPL-2.0 AND MIT", License::Expression("MPL-2.0 AND MIT".to_owned())),
        ("GPL2", License::Name("GPL2".to_owned())),
        ("MIT BSD", License::Name("MIT BSD".to_owned())),
    ] {
        assert_eq!(run(&format!("P:a\nV:1\nL:{text}\n")).packages[0].licenses, [expect]);
    }
    assert!(run("P:a\nV:1\nL:\n").packages[0].licenses.is_empty());
}

#[test]
fn odd_texts_lose_nothing() {
    check("P:a\nV:1\n\nP:b\nV:2", &["a 1", "b 2"]);
    check("\u{feff}P:a\r\nV:1\r\n\r\nP:b\r\nV:2\r\n\r\n", &["a 1", "b 2"]);
    check("P:a\nV:1\nP:b\nV:2\n", &["a 1", "b 2"]);
    check("P:a\nV:0\n\nP:b\nV:2\n\nP:a\nV:1\n", &["b 2", "a 1"]);
    // Packages that stand for the dependencies of a build step are listed by apk, too.
    check("P:.build-deps\nV:20231201.101112\nA:noarch\nD:gcc make\n", &[".build-deps 20231201.101112"]);
}

#[test]
fn damage_is_incomplete() {
    let levels = |text: &str| -> Vec<(Level, Code)> {
        let told = run(text).diagnostics;
        let mut levels: Vec<_> = told.iter().map(|diagnostic| (diagnostic.level, diagnostic.code)).collect();
        levels.dedup();
        levels
    };
    assert_eq!(levels("P:a\nV:1\nx:unknown fields are skipped\n\n"), []);
    assert_eq!(levels("P:a\n\nV:1\n\nP:\nV:2"), [(Level::Incomplete, Code::FileMalformed)]);
    // Cut anywhere but at the end of a line, whatever is in the last line.
    for cut in ["P:a\nV:1\nm", "P:a\nV:1\nm:me", "P:a\nV:1\n\nP:b\nV:2", "P:a\nV:1\nm:me\nF:us"] {
        assert_eq!(levels(cut), [(Level::Incomplete, Code::FileMalformed)], "{cut:?}");
    }
    assert_eq!(levels("P:a\nV:1\nm"), [(Level::Incomplete, Code::FileMalformed)]);
    assert_eq!(levels(&"\0".repeat(4096)), [(Level::Incomplete, Code::FileMalformed)]);
    assert_eq!(run("P:a\n\nV:1\n").diagnostics[0].message, "records without a name or a version: 2");
    check("junk\nP:a\nmore: junk\nV:1\n\nP:b\nV:2\n", &["a 1", "b 2"]);
}

#[test]
fn limits_end_the_reading_and_say_so() {
    let limits = Limits { records: 2, path_table_bytes: 1000, text_file_bytes: 10_000, ..Limits::default() };
    let run = |text: &str| {
        let extract = (ANALYZER.run)(&File { path: PATH, data: &text.as_bytes(), limits: &limits });
        let codes: Vec<(Level, Code)> = extract.diagnostics.iter().map(|found| (found.level, found.code)).collect();
        (extract, codes)
    };
    let exceeded = [(Level::Incomplete, Code::LimitExceeded)];
    assert_eq!(run("P:a\nV:1\n\nP:b\nV:1\n\n").1, []);
    let (extract, codes) = run("P:a\nV:1\n\nP:b\nV:1\n\nP:c\nV:1\n");
    assert_eq!((extract.packages.len(), &codes[..]), (2, &exceeded[..]));
    // One long directory must not be multiplied by the number of its files.
    let text = format!("P:a\nV:1\nF:{}\n{}", "d".repeat(97), "R:f\n".repeat(1000));
    let (extract, codes) = run(&text);
    assert_eq!((extract.packages.len(), extract.owned[0].paths.to_vec().len(), &codes[..]), (1, 8, &exceeded[..]));
    assert_eq!(run(&"x".repeat(10_001)).1, exceeded);
}

#[test]
fn dependencies_of_a_file_are_bounded() {
    let text = format!("P:a\nV:1\nD:{0}\n\nP:b\nV:1\np:{0}\n", "x ".repeat(80_000));
    let records = installed::read(&text, BOUNDS).records;
    assert_eq!((records[0].depends.len(), records[1].provides.len()), (80_000, 20_000));
    // An empty name takes memory, too.
    let read = installed::read(&format!("P:a\nV:1\n{}", "R:\n".repeat(1_000_000)), BOUNDS);
    assert!(read.more_paths && read.records[0].files.len() < 50_000);
}

/// Each of these takes minutes where the time is quadratic.
#[test]
fn large_hostile_texts_take_linear_time() {
    assert_eq!(run(&"\n".repeat(1_000_000)), Extract::default());
    assert_eq!(run(&"P:\n\n".repeat(1_000_000)).diagnostics.len(), 1);
    assert_eq!(run(&"P:a\nV:1\n\n".repeat(200_000)).packages.len(), 1);
    assert_eq!(run(&format!("P:a\nV:1\nT:{}\n", "x".repeat(20_000_000))).packages.len(), 1);
    assert_eq!(run(&format!("P:a\nV:1\nL:{}MIT\n", "MIT AND ".repeat(1_000_000))).packages[0].licenses.len(), 1);
}

#[test]
fn a_record_without_its_blank_line_was_cut() {
    let whole = "P:a\nV:1\nF:usr\nR:a\n\nP:b\nV:2\n\n";
    let run = |text: &str| testing::run(&ANALYZER, "lib/apk/db/installed", text.as_bytes());
    assert!(run(whole).diagnostics.is_empty());
    for end in ["P:b\nV:2\n", "R:a\n", "V:1\n", "P:b\n"] {
        let cut = &whole[..whole.find(end).unwrap() + end.len()];
        assert_eq!(run(cut).diagnostics.len(), 1, "{cut:?}");
    }
}
