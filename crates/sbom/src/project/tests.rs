use super::*;

fn package(name: &str, requirement: Option<&str>) -> PackageFacts {
    let extra = requirement.map(|text| (REQUIREMENT.to_owned(), text.to_owned())).into_iter().collect();
    PackageFacts { evidence: Evidence::Declared, extra, ..PackageFacts::new(PackageKind::Maven, name, "") }
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn managed(name: &str, version: &str) -> Managed {
    Managed { name: name.into(), version: version.into(), ..Managed::default() }
}

fn parent(name: &str, path: &str) -> Parent {
    Parent { name: name.into(), version: "1".into(), path: Some(path.into()), above: false }
}

/// What becomes of a package in the file `app`.
fn completed(files: &[(&str, Project)], package: &PackageFacts) -> PackageFacts {
    let projects = Projects::of(files.iter().map(|(path, project)| (*path, project)));
    projects.around("app").unwrap().complete(package).into_owned()
}

#[test]
fn nearer_projects_hold_before_those_that_are_farther() {
    let app = Project { properties: pairs(&[("v", "2")]), parents: vec![parent("g:p", "p")], ..Project::default() };
    let above = Project {
        name: "g:p".into(),
        version: "1".into(),
        properties: pairs(&[("v", "1"), ("w", "${v}.5")]),
        managed: vec![managed("g:x", "${w}"), managed("g:x", "9")],
        ..Project::default()
    };
    let files = [("app", app), ("p", above)];
    assert_eq!(completed(&files, &package("g:x", None)).version, "2.5", "the property of the child, the first version");
    assert_eq!(completed(&files, &package("g:y", Some("${w}"))).version, "2.5");
    let ranged = completed(&files, &package("g:y", Some("[${v},3)")));
    assert_eq!((ranged.version.as_str(), ranged.extra), ("", pairs(&[("requirement", "[2,3)")])));
    let known = PackageFacts { version: "7".into(), ..package("g:x", None) };
    assert_eq!(completed(&files, &known), known, "what is stated stays");
}

#[test]
fn what_is_imported_counts_last_and_in_its_own_words() {
    let import = Managed { import: true, ..managed("g:bom", "${bom}") };
    let app = Project {
        properties: pairs(&[("bom", "1"), ("v", "2")]),
        managed: vec![import, managed("g:x", "5")],
        ..Project::default()
    };
    let bom = Project {
        name: "g:bom".into(),
        version: "1".into(),
        properties: pairs(&[("v", "1")]),
        managed: vec![managed("g:x", "6"), Managed { dev: true, ..managed("g:y", "${v}") }],
        ..Project::default()
    };
    let files = [("app", app), ("elsewhere/bom", bom)];
    assert_eq!(completed(&files, &package("g:x", None)).version, "5");
    let imported = completed(&files, &package("g:y", None));
    assert_eq!((imported.version.as_str(), imported.dev), ("1", true));
}

#[test]
fn what_is_not_here_is_named() {
    let app = Project { parents: vec![parent("org.example:remote", "../pom.xml")], ..Project::default() };
    let found = completed(&[("app", app)], &package("g:x", None));
    assert_eq!((found.version.as_str(), found.extra), ("", pairs(&[("unresolved", "org.example:remote:1")])));
    let other = Project { name: "g:other".into(), properties: pairs(&[("v", "1")]), ..Project::default() };
    let app = Project { parents: vec![parent("g:p", "p")], ..Project::default() };
    let found = completed(&[("app", app), ("p", other)], &package("g:x", Some("${v}")));
    assert_eq!(found.extra, pairs(&[("requirement", "${v}"), ("unresolved", "g:p:1")]), "another project lies there");
}

#[test]
fn circles_and_bombs_end() {
    let circle = |name: &str, next: &str| Project {
        name: name.into(),
        version: "1".into(),
        parents: vec![parent(next, next)],
        properties: pairs(&[
            ("a", "${b}${b}"),
            ("b", "${a}${a}"),
            ("long", &"x".repeat(1000)),
            ("two", "${long}${long}"),
        ]),
        managed: vec![Managed { import: true, ..managed(next, "1") }],
        ..Project::default()
    };
    let files = [("app", circle("app", "p")), ("p", circle("p", "app"))];
    for requirement in ["${a}", "${two}", "${", "${missing}"] {
        let found = completed(&files, &package("g:x", Some(requirement)));
        assert_eq!((found.version.as_str(), found.extra[0].1.as_str()), ("", requirement));
    }
    assert_eq!(completed(&files, &package("g:x", None)).version, "");
}

#[test]
fn a_long_chain_of_imports_costs_little_for_each_package() {
    let import = |n: usize| Managed { import: true, ..managed(&format!("g:{}", n + 1), "1") };
    let project = |n: usize| Project {
        name: format!("g:{n}"),
        version: "1".into(),
        managed: (0..2_000).map(|_| import(n)).collect(),
        ..Project::default()
    };
    let all: Vec<Project> = (0..100).map(project).collect();
    let paths: Vec<String> = (0..100).map(|n| format!("p{n}")).collect();
    let projects = Projects::of(paths.iter().map(String::as_str).zip(&all));
    let around = projects.around("p0").unwrap();
    assert!(around.managing.len() <= 2 * MAX_CHAIN);
    let package = package("g:x", None);
    let missing = (0..100_000).filter(|_| around.complete(&package).version.is_empty()).count();
    assert_eq!(missing, 100_000);
}

#[test]
fn one_version_is_told_from_a_range() {
    let check = |text, expect: Result<&str, &str>| assert_eq!(exact(PackageKind::Maven, text), expect);
    check("1.0", Ok("1.0"));
    check(" [1.0] ", Ok("1.0"));
    for range in ["[1.0,2.0)", "(,1]", "LATEST", "", "${v}", "[1],[2]", "1.*"] {
        check(range, Err(range));
    }
    assert_eq!(exact(PackageKind::Nuget, "$(v)"), Err("$(v)"));
}
