//! Directory trees.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn trees_are_read_without_following_links_or_entering_storage() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    write(&root, "etc/os-release", OS_RELEASE);
    write(&root, "var/lib/dpkg/status", &dpkg(&[("libc6", "2.36")]));
    write(&root, "srv/package.json", &npm("app", "1.0.0"));
    write(&root, "var/lib/docker/overlay2/x/diff/package.json", &npm("stored", "1.0.0"));
    write(&root, "proc/package.json", &npm("kernel", "1.0.0"));
    write(directory.path(), "outside/package.json", &npm("outside", "1.0.0"));
    symlink(directory.path().join("outside"), root.join("link")).unwrap();
    symlink("../outside/package.json", root.join("elsewhere.json")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    let inventory = sekisho_scan::scan_fs(&root, &options()).unwrap();
    assert_eq!(packages(&inventory), ["libc6 2.36", "app 1.0.0"]);
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    let excluded: Vec<&str> =
        inventory.diagnostics.iter().filter_map(|diagnostic| diagnostic.path.as_deref()).collect();
    assert_eq!(excluded, ["elsewhere.json", "proc", "var/lib/docker"]);
    assert_eq!(codes(&inventory), [Code::TreeExcluded; 3]);
    let note = &inventory.diagnostics[0].message;
    assert!(note.ends_with("which is not in the tree, as is 1 more link that leads out of it"), "{note}");
}

#[test]
fn links_out_of_the_tree_that_are_named_as_packages_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    write(&root, "lib/kept.jar", "");
    write(directory.path(), "out/log4j-core-2.14.1.jar", "");
    let link = |target: &str, path: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    };
    // To what is there: by its place on this machine, from the root, and through a link.
    link(root.join("lib/kept.jar").to_str().unwrap(), "a.jar");
    link("/lib/kept.jar", "b.jar");
    link("/alias/kept.jar", "c.jar");
    link("/lib", "alias");
    link("../lib/kept.jar", "in/e.jar");
    link("gone.jar", "nowhere.jar");
    link("/proc/self/mounts", "etc/mtab");
    let told = || {
        let inventory = sekisho_scan::scan_fs(&root, &options()).unwrap();
        let told = inventory.diagnostics.iter().filter(|told| told.path.as_deref() != Some("lib/kept.jar"));
        let mut told: Vec<_> = told.map(|told| (told.code, told.path.clone().unwrap_or_default())).collect();
        told.sort_by_key(|(code, path)| (*code == Code::TreeExcluded, path.clone()));
        told
    };
    assert_eq!(told(), []);
    let note = |path: &str| (Code::TreeExcluded, path.to_owned());
    link("/nowhere/tool", "bin/tool");
    link("/usr/bin/python3.11", "bin/python");
    assert_eq!(told(), [note("bin/python")], "a name that is only likely");
    let lost = |path: &str| (Code::FileUnreadable, path.to_owned());
    link("../../out/log4j-core-2.14.1.jar", "in/x.jar");
    link("/elsewhere/x-1.dist-info", "in/x-1.dist-info");
    assert_eq!(told(), [lost("in/x-1.dist-info"), lost("in/x.jar"), note("bin/python")]);
}

#[test]
fn what_a_lock_file_declares_is_what_is_installed_below_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let metadata = |name: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    write(
        root,
        "a/yarn.lock",
        "__metadata:\n  version: 8\n\n\"x@npm:1\":\n  version: 1.0.0\n  resolution: \"x@npm:1.0.0\"\n\n\
        \"y@npm:1\":\n  version: 1.0.0\n  resolution: \"y@npm:1.0.0\"\n\n\
        \"p@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"p@workspace:.\"\n  dependencies:\n    x: \"npm:1\"\n    y: \"npm:1\"\n",
    );
    write(root, "a/node_modules/x/package.json", &npm("x", "1.0.0"));
    write(root, "a/src/y/package.json", &npm("y", "1.0.0"));
    write(root, "ab/node_modules/y/package.json", &npm("y", "1.0.0"));
    write(
        root,
        "b/poetry.lock",
        "[[package]]\nname = \"foo-bar\"\nversion = \"1.0\"\ngroups = [\"dev\"]\n\n[[package]]\nname = \"other\"\nversion = \"1.0\"\n",
    );
    write(root, "b/.venv/lib/site-packages/Foo_Bar-1.0.dist-info/METADATA", &metadata("Foo_Bar"));
    write(root, "usr/lib/site-packages/other-1.0.dist-info/METADATA", &metadata("other"));
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    let found: Vec<String> = inventory
        .packages
        .iter()
        .map(|package| {
            let facts = &package.facts;
            format!("{} {:?} {:?} {} {}", facts.name, facts.evidence, facts.direct, facts.dev, package.location)
        })
        .collect();
    assert_eq!(
        found,
        [
            "Foo_Bar Installed None true b/.venv/lib/site-packages/Foo_Bar-1.0.dist-info/METADATA",
            "other Declared None false b/poetry.lock",
            "other Installed None false usr/lib/site-packages/other-1.0.dist-info/METADATA",
            "x Installed Some(true) false a/node_modules/x/package.json",
            "y Installed None false a/src/y/package.json",
            "y Declared Some(true) false a/yarn.lock",
            "y Installed None false ab/node_modules/y/package.json",
        ]
    );
}

#[test]
fn what_a_lock_file_has_twice_is_for_development_only_if_both_are() {
    let entry = |path: &str, dev: &str| format!(r#""node_modules/{path}":{{"version":"1.2.5"{dev}}}"#);
    let [dev, not] = [r#","dev":true"#, ""];
    for (first, second, expect) in [(dev, not, false), (not, dev, false), (dev, dev, true), (not, not, false)] {
        let directory = tempfile::tempdir().unwrap();
        let entries = [entry("a/node_modules/minimist", first), entry("z/node_modules/minimist", second)].join(",");
        let lock = format!(r#"{{"name":"x","lockfileVersion":3,"packages":{{{entries}}}}}"#);
        write(directory.path(), "package-lock.json", &lock);
        let found = sekisho_scan::scan_fs(directory.path(), &options()).unwrap();
        let [package] = &found.packages[..] else { panic!("{:?}", found.packages) };
        assert_eq!(package.facts.dev, expect, "{first:?} {second:?}");
    }
}

#[test]
fn of_what_an_sbom_names_only_that_is_listed_which_nothing_else_tells_of() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, "etc/os-release", OS_RELEASE);
    write(root, "var/lib/dpkg/status", &dpkg(&[("libc6", "2.36")]));
    write(root, "srv/node_modules/x/package.json", &npm("x", "1.0.0"));
    let components = |purls: &[&str]| {
        let one = |purl: &&str| format!(r#"{{"type": "library", "name": "c", "purl": "{purl}"}}"#);
        let list: Vec<String> = purls.iter().map(one).collect();
        format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}}"#, list.join(","))
    };
    let known = ["pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12", "pkg:npm/x@1.0.0"];
    let more = ["pkg:npm/x@2.0.0", "pkg:bitnami/y@1", "pkg:deb/debian/z@1?distro=debian-12"];
    write(root, "usr/share/sbom/all.cdx.json", &components(&[&known[..], &more[..]].concat()));
    let named = |package: &sekisho_model::Package| format!("{} {}", package.purl, package.location);
    let of = |inventory: &Inventory| {
        let named_only = inventory.packages.iter().filter(|package| package.location.ends_with(".cdx.json"));
        named_only.map(named).collect::<Vec<_>>()
    };
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    let place = "usr/share/sbom/all.cdx.json";
    let mut expect = [2, 0, 1].map(|at| format!("{} {place}", more[at]));
    assert_eq!(of(&inventory), expect);
    assert_eq!(inventory.packages.len(), 5, "{:?}", packages(&inventory));
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    // What is of another system would be judged by advisories that are not about it.
    write(
        root,
        "opt/tool/a.cdx.json",
        &components(&["pkg:apk/wolfi/a@1?distro=wolfi", "pkg:deb/debian/b@1?distro=debian-11"]),
    );
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    assert_eq!(of(&inventory), expect);
    let told: Vec<_> = inventory.incomplete().map(|told| (told.code, told.path.as_deref())).collect();
    assert_eq!(told, [(Code::VulnerabilitiesUnknown, Some("opt/tool/a.cdx.json"))]);
    assert!(inventory.diagnostics.iter().any(|told| told.message.contains("2 are not listed")));
    // Two documents are two places.
    fs::rename(root.join("opt/tool/a.cdx.json"), root.join("opt/tool/a.txt")).unwrap();
    write(root, "opt/b.cdx.json", &components(&["pkg:npm/x@2.0.0"]));
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    expect[1] = format!("{} opt/b.cdx.json", more[0]);
    let found = of(&inventory);
    assert_eq!((found.len(), &found[1]), (4, &expect[1]));
}

#[test]
fn a_directory_names_a_distribution_whose_metadata_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for name in ["kept-1.0", "gone-2.0", "old-3.0"] {
        write(root, &format!("lib/{name}.dist-info/WHEEL"), "Wheel-Version: 1.0\n");
    }
    write(root, "lib/kept-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: kept\nVersion: 1.0\n");
    write(root, "lib/old-3.0.dist-info/PKG-INFO", "Metadata-Version: 2.1\nName: other\nVersion: 4.0\n");
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    assert_eq!(packages(&inventory), ["gone 2.0", "kept 1.0", "other 4.0"]);
}

#[test]
fn parents_of_maven_projects_may_have_any_of_their_usual_names() {
    let parent = "<project><groupId>g</groupId><artifactId>all</artifactId><version>1</version>\
        <dependencyManagement><dependencies><dependency><groupId>x</groupId><artifactId>y</artifactId><version>2.5</version>\
        </dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>not</groupId>\
        <artifactId>listed</artifactId><version>1</version></dependency></dependencies></project>";
    for name in ["parent.xml", "pom-parent.xml", "all-1.pom"] {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &format!("build/{name}"), parent);
        let child = format!(
            "<project><parent><groupId>g</groupId><artifactId>all</artifactId><version>1</version>\
            <relativePath>../build/{name}</relativePath></parent><artifactId>app</artifactId><dependencies><dependency>\
            <groupId>x</groupId><artifactId>y</artifactId></dependency></dependencies></project>"
        );
        write(directory.path(), "app/pom.xml", &child);
        // What is called so and is no project says nothing.
        write(directory.path(), "build/pomade.xml", "<recipe/");
        let inventory = sekisho_scan::scan_fs(directory.path(), &options()).unwrap();
        assert_eq!(packages(&inventory), ["g:app 1", "x:y 2.5"], "{name}");
        assert!(inventory.complete, "{:?}", inventory.diagnostics);
    }
}

#[test]
fn an_executable_is_known_by_its_first_bytes_under_any_name() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sbom/src/analyzers/golang/fixtures/elf64");
    let layer = LayerBuilder::new().fixture("", &fixture).build();
    let mut archive = tar::Archive::new(&layer[..]);
    let mut content = Vec::new();
    std::io::copy(&mut archive.entries().unwrap().find_map(file_of).unwrap(), &mut content).unwrap();
    let count = |path: &str| {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), path, "");
        fs::write(directory.path().join(path), &content).unwrap();
        sekisho_scan::scan_fs(directory.path(), &options()).unwrap().packages.len()
    };
    let expect = count("bin/tool");
    assert!(expect > 1);
    for path in ["usr/share/doc/x/copyright", "srv/package.json", "var/lib/dpkg/info/x.list", "etc/os-release"] {
        assert_eq!(count(path), expect, "{path}");
    }
}

#[test]
fn projects_take_versions_from_those_around_them() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let parent = "<project><groupId>g</groupId><artifactId>all</artifactId><version>1</version>\
        <properties><v>2.5</v></properties><dependencyManagement><dependencies><dependency><groupId>x</groupId>\
        <artifactId>y</artifactId><version>${v}</version></dependency></dependencies></dependencyManagement></project>";
    let child = "<project><parent><groupId>g</groupId><artifactId>all</artifactId><version>1</version></parent>\
        <artifactId>app</artifactId><dependencies><dependency><groupId>x</groupId><artifactId>y</artifactId></dependency>\
        <dependency><groupId>x</groupId><artifactId>z</artifactId></dependency></dependencies></project>";
    write(root, "src/pom.xml", parent);
    write(root, "src/app/pom.xml", child);
    let inventory = sekisho_scan::scan_fs(root, &options()).unwrap();
    assert_eq!(packages(&inventory), ["g:all 1", "g:app 1", "x:y 2.5", "x:z "]);
    assert_eq!(inventory.packages[3].facts.extra[0].0, "unresolved");
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
}

/// The entry, if it is a file.
fn file_of<R: std::io::Read>(entry: std::io::Result<tar::Entry<'_, R>>) -> Option<tar::Entry<'_, R>> {
    entry.ok().filter(|entry| entry.header().entry_type().is_file())
}

#[test]
fn a_tree_that_is_missing_or_no_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "file", "");
    let code = |path: &str| sekisho_scan::scan_fs(&directory.path().join(path), &options()).unwrap_err().code();
    assert_eq!(code("nowhere"), Code::SourceMissing);
    assert_eq!(code("file"), Code::SourceUnknown);
    assert_eq!(code("/dev/null"), Code::SourceNotDirectory);
}

#[test]
fn limits_on_entries_and_depth_are_told() {
    let directory = tempfile::tempdir().unwrap();
    for index in 0..20 {
        write(directory.path(), &format!("d{index}/file"), "");
    }
    let limits = Limits { entries: 10, ..Limits::default() };
    let inventory = sekisho_scan::scan_fs(directory.path(), &Options { limits, ..options() }).unwrap();
    assert_eq!(codes(&inventory), [Code::LimitExceeded]);
    write(directory.path(), "a/b/c/d/package.json", &npm("deep", "1.0.0"));
    let limits = Limits { path_depth: 2, ..Limits::default() };
    let inventory = sekisho_scan::scan_fs(directory.path(), &Options { limits, ..options() }).unwrap();
    assert_eq!(codes(&inventory), [Code::LimitExceeded]);
    assert!(!inventory.complete);
}

#[test]
fn a_system_without_a_database_that_is_read_is_not_one_without_packages() {
    let codes_of = |files: &[(&str, &str)]| {
        let directory = tempfile::tempdir().unwrap();
        for (path, content) in files {
            write(directory.path(), path, content);
        }
        let inventory = sekisho_scan::scan_fs(directory.path(), &options()).unwrap();
        assert_eq!(inventory.complete, codes(&inventory).is_empty(), "{:?}", inventory.diagnostics);
        codes(&inventory)
    };
    let nix = ("usr/lib/os-release", "ID=nixos\nPRETTY_NAME=\"NixOS 24.11\"\n");
    assert_eq!(codes_of(&[nix, ("nix/var/nix/db/db.sqlite", "")]), [Code::SystemUncovered]);
    assert_eq!(codes_of(&[("etc/os-release", OS_RELEASE)]), [Code::SystemUncovered], "its database was deleted");
    for empty in ["", "\n\n", "Package: x\nStatus: purge ok not-installed\nVersion: 1\n\n"] {
        let database = ("var/lib/dpkg/status", empty);
        assert_eq!(codes_of(&[("etc/os-release", OS_RELEASE), database]), [Code::SystemUncovered], "{empty:?}");
        assert_eq!(codes_of(&[database]), [Code::SystemUncovered], "whatever the system is: {empty:?}");
    }
    let alpine = [("etc/os-release", "ID=alpine\n"), ("lib/apk/db/installed", "")];
    assert_eq!(codes_of(&alpine), [Code::SystemUncovered]);
    let bottlerocket = ("usr/share/bottlerocket/application-inventory.json", "{\"Content\":[]}");
    assert_eq!(codes_of(&[bottlerocket]), [Code::SystemUncovered]);
    let distroless = dpkg(&[("tzdata", "2024a")]);
    let distroless = [("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status.d/tzdata", &*distroless)];
    assert_eq!(codes_of(&distroless), []);
    let beside = [distroless[0], distroless[1], ("var/lib/dpkg/status", ""), ("lib/apk/db/installed", "")];
    assert_eq!(codes_of(&beside), [], "another one names what there is");
    assert_eq!(codes_of(&[("srv/package.json", &npm("app", "1.0.0"))]), [], "no system, no database");
    let damaged = ("var/lib/rpm/rpmdb.sqlite", "no database");
    assert_eq!(codes_of(&[("etc/os-release", OS_RELEASE), damaged]), [Code::FileMalformed], "told once");
}

#[test]
fn a_layout_that_is_scanned_as_a_directory_is_noted() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("test:1").layer("COPY", &base_layer().build(), Compress::None);
    ImageBuilder::write_directory(&image.oci_layout(), directory.path());
    let inventory = sekisho_scan::scan_fs(directory.path(), &options()).unwrap();
    assert_eq!(codes(&inventory), [Code::TreeIsImage]);
    assert!(inventory.complete && inventory.packages.is_empty());
}

#[test]
fn a_database_that_is_a_link_to_itself_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "etc/os-release", OS_RELEASE);
    fs::create_dir_all(directory.path().join("var/lib")).unwrap();
    symlink("dpkg", directory.path().join("var/lib/dpkg")).unwrap();
    let inventory = sekisho_scan::scan_fs(directory.path(), &options()).unwrap();
    let told: Vec<String> = inventory.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["var/lib/dpkg: is a link to itself"]);
}
