use super::*;
use crate::project::Projects;
use crate::testing;
use sekisho_model::{Evidence, Level};

#[test]
fn goldens() {
    testing::goldens(&DEPS, "src/analyzers/dotnet/fixtures/deps");
    testing::goldens(&LOCK, "src/analyzers/dotnet/fixtures/lock");
    testing::goldens(&CONFIG, "src/analyzers/dotnet/fixtures/config");
    testing::goldens(&PROJECT, "src/analyzers/dotnet/fixtures/project");
}

#[test]
fn versions_are_those_of_the_nearest_table() {
    let project = br#"<Project><ItemGroup><PackageReference Include="A.B" /><PackageReference Include="C" Version="$(cversion)" />
        <PackageReference Include="D" /></ItemGroup></Project>"#;
    let table = |version: &str| {
        format!(
            r#"<Project><PropertyGroup><CVersion>{version}.9</CVersion></PropertyGroup>
            <ItemGroup><PackageVersion Include="a.b" Version="{version}" /></ItemGroup></Project>"#
        )
    };
    let files = [
        ("src/app/app.csproj", project.to_vec()),
        ("src/Directory.Packages.props", table("2.0").into_bytes()),
        ("Directory.Packages.props", table("1.0").into_bytes()),
    ];
    let read = files.map(|(path, bytes)| (path, testing::run(&PROJECT, path, &bytes)));
    let projects = Projects::of(read.iter().map(|(path, extract)| (*path, extract.project.as_deref().unwrap())));
    let around = projects.around("src/app/app.csproj").unwrap();
    let found: Vec<_> = read[0].1.packages.iter().map(|it| around.complete(it)).collect();
    let versions: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.version.as_str())).collect();
    assert_eq!(versions, [("A.B", "2.0"), ("C", "2.0.9"), ("D", "")]);
    assert_eq!(found[2].extra, [("unresolved".to_owned(), "nothing that was read says it".to_owned())]);
}

#[test]
fn what_is_asked_for_without_one_version_is_listed_with_what_is_asked() {
    let check = |xml: &str, version: &str, extra: &[(&str, &str)]| {
        let extract = testing::run(&PROJECT, "a.csproj", format!("<Project>{xml}</Project>").as_bytes());
        let extra: Vec<_> = extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!((extract.packages[0].version.as_str(), &extract.packages[0].extra), (version, &extra), "{xml}");
    };
    check(r#"<PackageReference Include="A" Version="[1.0]"/>"#, "1.0", &[]);
    check(r#"<PackageReference Include="A" Version="1.*"/>"#, "", &[("requirement", "1.*")]);
    check(r#"<PackageReference Include="A" Version="[1.0,2.0)"/>"#, "", &[("requirement", "[1.0,2.0)")]);
    check(r#"<PackageReference Include="A"><Version>2</Version></PackageReference>"#, "2", &[]);
    check(r#"<PackageReference Include="A"/>"#, "", &[]);
}

#[test]
fn names_are_of_either_case() {
    let xml = br#"<Project><ItemGroup><packagereference include="A" version="1" privateassets="All" />
        <PACKAGEREFERENCE Include="B"><version>2</version></PACKAGEREFERENCE><packageVersion Include="C" VERSION="3" />
        <packagereference Remove="D" /></ItemGroup></Project>"#;
    let extract = testing::run(&PROJECT, "a.csproj", xml);
    let found: Vec<_> = extract.packages.iter().map(|it| (it.name.as_str(), it.version.as_str(), it.dev)).collect();
    assert_eq!(found, [("A", "1", true), ("B", "2", false)]);
    assert_eq!(extract.diagnostics, []);
    let managed = &extract.project.unwrap().managed;
    assert_eq!((managed[0].name.as_str(), managed[0].version.as_str()), ("C", "3"));
}

#[test]
fn programs_say_what_they_bring_and_what_they_were_only_compiled_with() {
    let deps = br#"{"targets": {".NETCoreApp,Version=v8.0/linux-x64": {
            "App/1.0.0": {"dependencies": {"A": "1", "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64": "8.0.1"}},
            "C/3": {"compileOnly": true}}},
        "libraries": {"App/1.0.0": {"type": "project"}, "a/1": {"type": "package"}, "B/2": {"type": "reference"},
            "C/3": {"type": "package"}, "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"}}}"#;
    let extract = testing::run(&DEPS, "opt/app.deps.json", deps);
    let found: Vec<_> = extract.packages.iter().map(|it| (it.name.as_str(), it.direct, it.dev, it.evidence)).collect();
    let expect = [
        ("App", None, false, Evidence::Installed),
        ("B", Some(false), false, Evidence::Installed),
        ("C", Some(false), true, Evidence::Declared),
        ("a", Some(true), false, Evidence::Installed),
        ("Microsoft.NETCore.App.Runtime.linux-x64", Some(true), false, Evidence::Installed),
    ];
    assert_eq!(found, expect);
    assert_eq!(extract.packages[4].extra, [("type".to_owned(), "runtimepack".to_owned())]);
}

#[test]
fn a_name_that_stands_twice_hides_nothing() {
    let of = |name: &str| format!(r#""{name}": {{"type": "Direct", "resolved": "1.0.0"}}"#);
    let text =
        format!(r#"{{"version": 1, "dependencies": {{"net6.0": {{{}, {}}}, "net6.0": {{}}}}}}"#, of("A"), of("B"));
    let extract = testing::run(&LOCK, "packages.lock.json", text.as_bytes());
    let names: Vec<&str> = extract.packages.iter().map(|facts| facts.name.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
}

#[test]
fn files_that_are_not_of_their_format_are_incomplete() {
    let check = |analyzer, path, bytes: &[u8]| {
        let extract = testing::run(analyzer, path, bytes);
        assert!(extract.diagnostics.iter().any(|told| told.level == Level::Incomplete), "{path}: {extract:?}");
    };
    check(&DEPS, "a.deps.json", b"{}");
    check(&DEPS, "a.deps.json", br#"{"libraries": {"A": {}}}"#);
    check(&LOCK, "packages.lock.json", br#"{"version": 3}"#);
    check(&LOCK, "packages.lock.json", br#"{"version": 1, "dependencies": {"net": {"A": {"type": "Direct"}}}}"#);
    check(&LOCK, "obj/project.assets.json", br#"{"libraries": {"A": {"type": "package"}}}"#);
    check(&CONFIG, "packages.config", b"<packages><package id='A'/></packages>");
    check(&PROJECT, "a.csproj", b"<Project><ItemGroup><PackageReference Include=''/></ItemGroup></Project>");
    check(&PROJECT, "a.csproj", b"<Project>");
}
