use super::{LOCK, MANIFEST};
use crate::analyzer::Analyzer;
use crate::testing;

fn check(analyzer: &Analyzer, text: &str, expect: &[&str], incomplete: usize) {
    let extract = testing::run(analyzer, "srv/conan.lock", text.as_bytes());
    let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
    assert_eq!(lines, expect, "{text}");
    assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
}

#[test]
fn goldens() {
    testing::goldens(&LOCK, "src/analyzers/conan/fixtures/lock");
    testing::goldens(&MANIFEST, "src/analyzers/conan/fixtures/manifest");
}

#[test]
fn what_the_graph_says_of_a_package() {
    let text = r#"{"graph_lock": {"nodes": {
        "0": {"path": "conanfile.py", "ref": "app/1", "requires": ["1"], "build_requires": ["3", "9"]},
        "1": {"ref": "a/1.0@u/c#r:p#q", "requires": ["2"], "build_requires": ["4"]},
        "2": {"ref": "b/2@_/_", "requires": ["1"]},
        "3": {"ref": "tool/3", "requires": ["2"]},
        "4": {"ref": "other/4#0", "context": "host"}}}, "version": "0.4"}"#;
    let expect =
        ["a 1.0 direct channel=c rrev=r user=u", "b 2 indirect", "tool 3 direct dev", "other 4 indirect dev rrev=0"];
    check(&LOCK, text, &expect, 0);
    let unrooted = r#"{"graph_lock": {"nodes": {"1": {"ref": "a/1"}, "2": {"ref": "b/1", "context": "build"}}}}"#;
    check(&LOCK, unrooted, &["a 1", "b 1 dev"], 0);
}

#[test]
fn graphs_of_early_conan_name_packages_otherwise() {
    let text = r#"{"graph_lock": {"nodes": {
        "x": {"pref": null, "options": "", "requires": {"a/1.0@u/c": "y"}, "path": "conanfile.py"},
        "y": {"pref": "a/1.0@u/c#r:0ab#p", "options": "", "python_requires": ["tools/2@u/c#t"], "requires": {"b/[>1]": "z"}},
        "z": {"pref": "b/3:0ab", "build_requires": null}}}, "version": "0.1"}"#;
    let expect = ["tools 2 dev channel=c rrev=t user=u", "a 1.0 direct channel=c rrev=r user=u", "b 3 indirect"];
    check(&LOCK, text, &expect, 0);
    check(&LOCK, r#"{"graph_lock": {"nodes": {"1": {"pref": "a"}, "2": {"pref": "b/1"}}}}"#, &["b 1"], 1);
}

#[test]
fn lists_of_references() {
    let text = r#"{"version": "0.5", "requires": ["a/1#r%1675126491.773"], "build_requires": ["b/2@u/c#r"],
                   "python_requires": ["c/3"], "alias": {"requires": ["x/1"]}}"#;
    check(&LOCK, text, &["a 1 rrev=r", "b 2 dev channel=c rrev=r user=u", "c 3 dev"], 0);
}

#[test]
fn what_is_not_of_the_format_may_hide_a_package() {
    check(&LOCK, r#"{"requires": ["a/1", "", "/1", 1]}"#, &["a 1"], 1);
    check(&LOCK, r#"{"requires": ["a/1", "b/"#, &["a 1"], 1);
    check(&LOCK, r#"{"graph_lock": {"nodes": {"1": {"ref": "a/1"}, "2": {"ref": " /"}, "3": 1}}}"#, &["a 1"], 2);
    check(&LOCK, r#"{"version": "0.9", "requires": ["a/1"]}"#, &["a 1"], 1);
    for text in ["", "{}", "[]", r#"{"graph_lock": {"graph_lock": {"nodes": {}}}}"#] {
        check(&LOCK, text, &[], 1);
    }
}

#[test]
fn requirements_of_a_manifest() {
    let text = "# a\n[requires]\nzlib/1.2.13 # comment\nboost/[>=1.70 <2, include_prerelease]@u/c\nfmt/9.1.0#abc\n\n[generators]\n\
                cmake/1\n[test_requires]\ngtest/1.14.0\n[tool_requires]\ncmake/3.25\n[options]\nzlib:shared=True\n";
    let expect = [
        "zlib 1.2.13 direct",
        "boost  direct channel=c requirement=>=1.70 <2, include_prerelease user=u",
        "fmt 9.1.0 direct rrev=abc",
        "gtest 1.14.0 direct dev",
        "cmake 3.25 direct dev",
    ];
    check(&MANIFEST, text, &expect, 0);
    check(&MANIFEST, "[requires]\n/1\na/[>1\nbare\na/\nb/1\n", &["b 1 direct"], 1);
    check(&MANIFEST, "", &[], 0);
}
