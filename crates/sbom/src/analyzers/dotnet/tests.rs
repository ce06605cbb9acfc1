use super::*;
use crate::project::Projects;
use crate::testing;
use sekisho_model::Level;

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
