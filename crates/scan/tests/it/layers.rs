//! What layers do to each other: whiteouts, opaque directories, replacement, attribution, ownership.

use super::*;
use sekisho_model::{BaseMethod, Origin};
use sekisho_scan::KnownBase;

fn image(layers: Vec<LayerBuilder>) -> ImageBuilder {
    let add = |image: ImageBuilder, (index, layer): (usize, LayerBuilder)| {
        image.layer(&format!("RUN step {index}"), &layer.build(), Compress::None)
    };
    layers.into_iter().enumerate().fold(ImageBuilder::new("test:1"), add)
}

fn check(layers: Vec<LayerBuilder>, shown: &[&str], gone: &[&str]) {
    let inventory = scan_image_of(&image(layers), Limits::default());
    assert_eq!(packages(&inventory), shown, "{:?}", inventory.diagnostics);
    assert_eq!(removed(&inventory), gone);
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
}

fn app(name: &str) -> LayerBuilder {
    LayerBuilder::new().file(&format!("app/node_modules/{name}/package.json"), npm(name, "1.0.0"))
}

#[test]
fn whiteouts_remove_files_and_whole_directories() {
    check(
        vec![app("a"), LayerBuilder::new().whiteout("app/node_modules/a/package.json")],
        &[],
        &["a 1.0.0 @0 -1 Whiteout"],
    );
    check(vec![app("a"), LayerBuilder::new().whiteout("app")], &[], &["a 1.0.0 @0 -1 Whiteout"]);
    check(vec![app("a"), LayerBuilder::new().whiteout("ap")], &["a 1.0.0 @0"], &[]);
    check(vec![app("a"), LayerBuilder::new().whiteout("app/node_modules/a-b")], &["a 1.0.0 @0"], &[]);
}

#[test]
fn a_whiteout_does_not_touch_its_own_layer() {
    let both = LayerBuilder::new()
        .file("app/node_modules/a/package.json", npm("a", "2.0.0"))
        .whiteout("app")
        .whiteout("app/node_modules/a/package.json");
    check(vec![app("a"), both], &["a 2.0.0 @1"], &["a 1.0.0 @0 -1 Whiteout"]);
}

#[test]
fn opaque_directories_hide_only_what_was_below_them() {
    let opaque = app("b").opaque("app");
    check(vec![app("a"), opaque], &["b 1.0.0 @1"], &["a 1.0.0 @0 -1 Opaque"]);
    check(vec![app("a"), LayerBuilder::new().opaque("app/node_modules/b")], &["a 1.0.0 @0"], &[]);
}

fn incomplete(layers: Vec<LayerBuilder>, shown: &[&str]) {
    let inventory = scan_image_of(&image(layers), Limits::default());
    assert_eq!(packages(&inventory), shown);
    assert_eq!(codes(&inventory), [Code::LayerFormat], "{:?}", inventory.diagnostics);
}

#[test]
fn an_opaque_root_is_uncertain_and_hides_nothing() {
    // The kernel merges roots all the same; snapshots of other kinds are emptied.
    let opaque = || LayerBuilder::new().file(".wh..wh..opq", "");
    incomplete(vec![app("a"), opaque()], &["a 1.0.0 @0"]);
    check(vec![opaque(), app("a")], &["a 1.0.0 @1"], &[]);
}

#[test]
fn what_a_layer_takes_away_and_loses_itself_is_uncertain() {
    // Each hides the package of the base, then has a file in the place of the directory that says so, and a
    // directory in the place of that: runtimes show the base's again.
    let lost: [fn(LayerBuilder) -> LayerBuilder; 4] = [
        |layer| layer.opaque("app"),
        |layer| layer.whiteout("app/node_modules/a/package.json"),
        |layer| layer.file("app/node_modules/a/package.json", npm("a", "1.0.0")),
        |layer| layer.whiteout("app/node_modules"),
    ];
    for lose in lost {
        for file in [LayerBuilder::new().file("app", ""), LayerBuilder::new().symlink("app", "x")] {
            let taken = lose(LayerBuilder::new().directory("app"));
            let layer = taken.raw(&file.unfinished()).directory("app");
            let inventory = scan_image_of(&image(vec![app("a"), layer]), Limits::default());
            assert!(codes(&inventory).contains(&Code::LayerFormat), "{:?}", inventory.diagnostics);
        }
    }
    let linked = LayerBuilder::new().file("q", "").opaque("app").hardlink("app", "q").directory("app");
    incomplete(vec![app("a"), linked], &[]);
    // Where the base has nothing of interest there, nothing comes back.
    let elsewhere = LayerBuilder::new().file("srv", "").directory("srv");
    check(vec![app("a"), elsewhere], &["a 1.0.0 @0"], &[]);
}

#[test]
fn what_an_sbom_repeats_is_not_removed_twice() {
    let sbom = |purl: &str| {
        let component = format!(r#"{{"type": "library", "name": "c", "purl": "{purl}"}}"#);
        format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{component}]}}"#)
    };
    let layer = |version: &str| {
        LayerBuilder::new()
            .file("etc/os-release", OS_RELEASE)
            .file("var/lib/dpkg/status", dpkg(&[("a", version)]))
            .file(&format!("sbom/a-{version}.cdx.json"), sbom(&format!("pkg:deb/debian/a@{version}?distro=debian-12")))
    };
    let upgrade = layer("2").whiteout("sbom/a-1.cdx.json");
    check(vec![layer("1"), upgrade], &["a 2 @1"], &["a 1 @0 -1 Replaced"]);
    let only = LayerBuilder::new().file("app/b.cdx.json", sbom("pkg:npm/b@1"));
    check(vec![only, LayerBuilder::new().whiteout("app")], &[], &["b 1 @0 -1 Whiteout"]);
}

#[test]
fn global_headers_named_as_entries_before_them_are_told() {
    let global = |layer: LayerBuilder, name: &str| {
        let records = sekisho_testkit::pax_record("comment", "x");
        layer.block(tar::EntryType::XGlobalHeader, name.as_bytes(), b"", records.len() as u64, 0o644).content(&records)
    };
    let path = "app/node_modules/a/package.json";
    let newer = || LayerBuilder::new().file(path, npm("a", "2.0.0"));
    incomplete(vec![app("a"), global(newer(), path)], &["a 2.0.0 @1"]);
    incomplete(vec![app("a"), global(newer(), "./app")], &["a 2.0.0 @1"]);
    incomplete(vec![app("a"), global(LayerBuilder::new().whiteout("app"), "app")], &[]);
    incomplete(vec![app("a"), global(LayerBuilder::new().opaque("app"), "app")], &[]);
    // As git and pax name them, and before what would be removed.
    check(
        vec![app("a"), global(LayerBuilder::new(), "pax_global_header").file(path, npm("a", "1.0.0"))],
        &["a 1.0.0 @0"],
        &[],
    );
    check(vec![global(newer(), "/tmp/GlobalHead.1.1")], &["a 2.0.0 @0"], &[]);
    check(vec![global(LayerBuilder::new(), path).raw(&newer().unfinished())], &["a 2.0.0 @0"], &[]);
}

#[test]
fn devices_in_the_place_of_packages_are_uncertain() {
    let path = "app/node_modules/a/package.json";
    let device = |layer: LayerBuilder, path: &str| layer.entry(tar::EntryType::Char, path, "", b"", 0o644);
    incomplete(vec![app("a"), device(LayerBuilder::new(), path)], &[]);
    incomplete(vec![app("a"), device(LayerBuilder::new(), "app")], &[]);
    incomplete(vec![device(app("a"), path)], &[]);
    check(vec![app("a"), device(LayerBuilder::new(), "dev/console")], &["a 1.0.0 @0"], &[]);
}

#[test]
fn the_same_layer_many_times_is_one() {
    let inventory = |layers: Vec<LayerBuilder>| scan_image_of(&image(layers), Limits::default());
    let newer = || LayerBuilder::new().file("app/node_modules/a/package.json", npm("a", "2.0.0"));
    let found = inventory(vec![app("a"), newer(), newer(), newer(), app("b")]);
    assert_eq!(packages(&found), ["a 2.0.0 @1", "b 1.0.0 @4"]);
    assert_eq!(removed(&found), ["a 1.0.0 @0 -1 Replaced"]);
    // With others between them: what did not change takes nothing.
    let limits = Limits { facts_bytes: 1 << 11, ..Limits::default() };
    let others = (0..100).map(|turn| if turn % 2 == 0 { app("a") } else { app("b") }).collect();
    let found = scan_image_of(&image(others), limits);
    assert_eq!((packages(&found), found.complete), (vec!["a 1.0.0 @0".to_owned(), "b 1.0.0 @1".to_owned()], true));
    // Layers that take turns keep what they replace, up to a limit.
    let turns = || (0..40).map(|turn| if turn % 2 == 0 { app("a") } else { newer() }).collect::<Vec<_>>();
    let found = inventory(turns());
    assert_eq!((packages(&found), found.complete), (vec!["a 2.0.0 @39".to_owned()], true));
    let limited = scan_image_of(&image(turns()), Limits { facts_bytes: 1 << 10, ..Limits::default() });
    assert!(codes(&limited).contains(&Code::LimitExceeded), "{:?}", limited.diagnostics);
}

#[test]
fn entries_replace_files_and_directories_below() {
    let newer = LayerBuilder::new().file("app/node_modules/a/package.json", npm("a", "2.0.0"));
    check(vec![app("a"), newer], &["a 2.0.0 @1"], &["a 1.0.0 @0 -1 Replaced"]);
    let a_file = LayerBuilder::new().file("app", "not a directory");
    check(vec![app("a"), a_file], &[], &["a 1.0.0 @0 -1 Replaced"]);
    let a_link = LayerBuilder::new().symlink("app/node_modules", "/elsewhere");
    check(vec![app("a"), a_link], &[], &["a 1.0.0 @0 -1 Replaced"]);
    let a_directory = LayerBuilder::new().directory("app").directory("app/node_modules");
    check(vec![app("a"), a_directory], &["a 1.0.0 @0"], &[]);
    let directory_over_file = LayerBuilder::new().directory("app/node_modules/a/package.json");
    check(vec![app("a"), directory_over_file], &[], &["a 1.0.0 @0 -1 Replaced"]);
}

#[test]
fn what_was_removed_may_come_back() {
    let layers = vec![app("a"), LayerBuilder::new().whiteout("app"), app("a")];
    check(layers, &["a 1.0.0 @2"], &[]);
}

#[test]
fn the_last_entry_of_a_path_in_a_layer_counts() {
    let twice = app("a").file("app/node_modules/a/package.json", npm("a", "3.0.0"));
    check(vec![twice], &["a 3.0.0 @0"], &[]);
    let then_a_link = app("a").symlink("app/node_modules/a/package.json", "elsewhere/package.json");
    check(vec![then_a_link], &[], &[]);
}

#[test]
fn database_packages_belong_to_the_layer_that_brought_their_version() {
    let upgraded = LayerBuilder::new()
        .file("var/lib/dpkg/status", dpkg(&[("base-files", "12"), ("curl", "7.88"), ("libc6", "2.37")]));
    let touched = LayerBuilder::new()
        .file("var/lib/dpkg/status", dpkg(&[("base-files", "12"), ("curl", "7.88"), ("libc6", "2.37"), ("jq", "1")]));
    check(
        vec![base_layer(), upgraded, touched],
        &["base-files 12 @0", "curl 7.88 @1", "jq 1 @2", "libc6 2.37 @1"],
        &["libc6 2.36 @0 -1 Replaced"],
    );
    let purged = LayerBuilder::new().whiteout("var/lib/dpkg/status");
    let rebuilt = LayerBuilder::new().file("var/lib/dpkg/status", dpkg(&[("base-files", "12")]));
    check(vec![base_layer(), purged, rebuilt], &["base-files 12 @2"], &["libc6 2.36 @0 -1 Whiteout"]);
}

#[test]
fn hard_links_carry_what_their_target_says() {
    let linked = app("a").hardlink("srv/package.json", "app/node_modules/a/package.json");
    check(vec![linked], &["a 1.0.0 @0", "a 1.0.0 @0"], &[]);
    let unnamed = LayerBuilder::new().file("blob", npm("b", "1.0.0")).hardlink("srv/package.json", "./blob");
    check(vec![unnamed], &["b 1.0.0 @0"], &[]);
    let lost = LayerBuilder::new().hardlink("srv/package.json", "nowhere");
    let inventory = scan_image_of(&image(vec![lost]), Limits::default());
    assert_eq!(codes(&inventory), [Code::FileUnreadable]);
    assert!(!inventory.complete);
    let below = LayerBuilder::new().hardlink("bin/tool", "opt/tool-of-a-lower-layer");
    assert!(!scan_image_of(&image(vec![below]), Limits::default()).complete);
}

#[test]
fn hard_links_name_the_file_that_stood_there_then() {
    const STATUS: &str = "var/lib/dpkg/status";
    let database = |version| dpkg(&[("curl", version)]);
    // Neither the first nor the last file of a name, but the one before the link; read again or not.
    for name in ["blob", "var/lib/dpkg/status.d/blob"] {
        let layer = LayerBuilder::new().file(name, database("1")).file(name, database("2"));
        let layer = layer.hardlink(STATUS, name).file(name, database("3"));
        let inventory = scan_image_of(&image(vec![layer]), Limits::default());
        let at = |package: &&sekisho_model::Package| package.location == STATUS;
        let shown: Vec<_> = inventory.packages.iter().filter(at).map(|package| &package.facts.version).collect();
        assert_eq!(shown, ["2"], "{name}");
        assert!(inventory.complete, "{:?}", inventory.diagnostics);
    }
    // Through another link, and not where another file took the link's place.
    let layer = LayerBuilder::new().file("blob", database("1")).hardlink("again", "blob").file("blob", "");
    let layer =
        layer.hardlink(STATUS, "again").hardlink("srv/package.json", "again").file("srv/package.json", npm("a", "1"));
    check(vec![layer], &["curl 1 @0", "a 1 @0"], &[]);
}

#[test]
fn hard_links_are_followed_as_the_file_system_is_then() {
    const STATUS: &str = "var/lib/dpkg/status";
    let database = |name: &str| dpkg(&[(name, "1")]);
    let told = |layer: LayerBuilder| {
        let inventory = scan_image_of(&image(vec![layer]), Limits::default());
        assert!(!inventory.complete, "{:?}", packages(&inventory));
    };
    // The directory of the target has become a link to another.
    let moved = LayerBuilder::new().file("y/status", database("evil")).file("x/status", database("clean"));
    told(moved.symlink("x", "y").hardlink(STATUS, "x/status"));
    // A hard link to a symbolic link is one.
    let link = || LayerBuilder::new().file("opt/d/status", database("evil")).symlink("a", "/opt/d");
    told(link().hardlink("var/lib/dpkg", "a"));
    told(link().hardlink("b", "a").hardlink("var/lib/dpkg", "b"));
    told(LayerBuilder::new().symlink("a", "/var/lib/dpkg").hardlink("x", "a").file("x/status", database("evil")));
    check(vec![LayerBuilder::new().symlink("bin/a", "b").hardlink("bin/c", "bin/a")], &[], &[]);
}

#[test]
fn a_hard_link_is_read_for_what_its_own_name_makes_of_it() {
    let database = dpkg(&[("evil", "1")]);
    let sums = "var/lib/dpkg/status.d/a.md5sums";
    check(vec![LayerBuilder::new().file(sums, &database).hardlink("var/lib/dpkg/status", sums)], &["evil 1 @0"], &[]);
    // A broken file is no package at one path, and one that cannot be read at another.
    let broken =
        LayerBuilder::new().file("srv/package.json", "{").hardlink("node_modules/x/package.json", "srv/package.json");
    let inventory = scan_image_of(&image(vec![broken]), Limits::default());
    assert_eq!(inventory.incomplete().count(), 1, "{:?}", inventory.diagnostics);
    // Very many names of one large file, each of which says something else.
    let lines = "\n".repeat(100_000);
    let link = |layer: LayerBuilder, index| layer.hardlink(&format!("var/lib/dpkg/info/{index}.list"), "big");
    let many = (0..30).fold(LayerBuilder::new().file("big", lines), link);
    let inventory = scan_image_of(&image(vec![many]), Limits { random_file_bytes: 1_000_000, ..Limits::default() });
    assert_eq!(codes(&inventory), [Code::LimitExceeded]);
    // Names of which it says the same are read once.
    let blank = dpkg(&[("a", "1")]) + &"\n".repeat(100_000);
    let link = |layer: LayerBuilder, index| layer.hardlink(&format!("var/lib/dpkg/status.d/{index}"), "big");
    let many = (0..30).fold(LayerBuilder::new().file("big", blank), link);
    let inventory = scan_image_of(&image(vec![many]), Limits { random_file_bytes: 1_000_000, ..Limits::default() });
    assert_eq!((inventory.packages.len(), inventory.complete), (30, true), "{:?}", inventory.diagnostics);
}

#[test]
fn language_packages_in_files_of_system_packages_are_linked_through_a_merged_usr() {
    let list = "/.\n/lib\n/lib/node\n/lib/node/semver\n/lib/node/semver/package.json\n";
    let base = base_layer()
        .symlink("lib", "usr/lib")
        .file("usr/lib/node/semver/package.json", npm("semver", "7.0.0"))
        .file("var/lib/dpkg/info/libc6:amd64.list", list);
    let inventory = scan_image_of(&image(vec![base, app("a")]), Limits::default());
    let owner = inventory.packages.iter().find(|package| package.facts.name == "libc6").unwrap();
    let owned_by =
        |name: &str| inventory.packages.iter().find(|package| package.facts.name == name).unwrap().owned_by.clone();
    assert_eq!(owned_by("semver"), Some(owner.id.clone()));
    assert_eq!(owned_by("a"), None);
}

#[test]
fn files_of_packages_are_listed_where_they_are_reached_when_asked_for() {
    let shared = "/.\n/usr\n/usr/share\n/usr/share/doc\n/usr/share/common\n/usr/share.d\n";
    let base = base_layer()
        .symlink("lib", "usr/lib")
        .file("var/lib/dpkg/info/libc6:amd64.list", format!("{shared}/lib\n/lib/libc.so.6\n/usr/share/doc/libc6\n"))
        .file("var/lib/dpkg/info/base-files.list", format!("{shared}/usr/share/doc/base-files\n/etc/empty\n"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    ImageBuilder::write_tar(&image(vec![base, app("a")]).oci_layout(), &path);
    let of = |package_files: bool| {
        let inventory = sekisho_scan::scan_image(&path, &Options { package_files, ..options() }).unwrap();
        let name = |id| inventory.packages.iter().find(|package| package.id == id).unwrap().facts.name.clone();
        let files = inventory.files.iter().cloned();
        files.map(|files| (name(files.package), files.paths)).collect::<Vec<_>>()
    };
    assert!(of(false).is_empty());
    // No directories that others are in, nor what two packages list.
    let expect = [
        ("base-files", vec!["etc/empty", "usr/share/doc/base-files"]),
        ("libc6", vec!["usr/lib/libc.so.6", "usr/share/doc/libc6"]),
    ];
    let expect =
        expect.map(|(name, paths)| (name.to_owned(), paths.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(of(true), expect);
    assert!(of(false).is_empty(), "what was asked before is not what is asked now");
}

#[test]
fn a_database_that_an_upper_layer_takes_away_is_missed() {
    let told = |layers: Vec<LayerBuilder>| {
        let inventory = scan_image_of(&image(layers), Limits::default());
        let told = |told: &sekisho_model::Diagnostic| (told.code, told.path.clone().unwrap_or_default(), told.layer);
        inventory.diagnostics.iter().map(told).collect::<Vec<_>>()
    };
    let missed = |layer| vec![(Code::SystemUncovered, "var/lib/dpkg/status".to_owned(), Some(layer))];
    let gone = || LayerBuilder::new().whiteout("var/lib/dpkg/status");
    // Also where nothing says any more which system it was.
    assert_eq!(told(vec![base_layer(), gone()]), missed(1));
    assert_eq!(told(vec![base_layer(), gone().whiteout("etc/os-release")]), missed(1));
    assert_eq!(told(vec![base_layer(), app("a"), gone().file("etc/os-release", "")]), missed(2));
    let emptied = || LayerBuilder::new().file("var/lib/dpkg/status", "");
    assert_eq!(told(vec![base_layer(), emptied()]), missed(1));
    let linked = LayerBuilder::new().file("tmp/x", "").hardlink("var/lib/dpkg/status", "tmp/x");
    assert_eq!(told(vec![base_layer(), linked]), missed(1));
    // What lower layers never had, or another database has, is not missed.
    assert_eq!(told(vec![app("a"), LayerBuilder::new().whiteout("srv")]), []);
    let moved = gone().file("var/lib/dpkg/status.d/all", dpkg(&[("libc6", "2.36")]));
    assert_eq!(told(vec![base_layer(), moved]), []);
}

#[test]
fn a_layer_of_another_compression_is_named() {
    let inventory = scan_layer(b"BZh91AY&SY\x01\x02\x03\x04", Limits::default());
    let told: Vec<String> = inventory.diagnostics.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("it is compressed with bzip2, which is not read")), "{told:?}");
    let named = LayerBuilder::new().file("BZh9", "x").file("srv/package.json", npm("a", "1"));
    assert!(scan_layer(&named.build(), Limits::default()).complete);
}

#[test]
fn a_database_behind_a_link_is_not_passed_over_in_silence() {
    let moved =
        LayerBuilder::new().symlink("var/lib/dpkg", "/data/dpkg").file("data/dpkg/status", dpkg(&[("hidden", "1")]));
    let inventory = scan_image_of(&image(vec![moved]), Limits::default());
    assert_eq!(codes(&inventory), [Code::FileUnreadable]);
    assert!(!inventory.complete);
}

#[test]
fn entries_behind_a_link_of_their_layer_are_told() {
    let through = LayerBuilder::new().symlink("x", "var/lib/dpkg").file("x/status", dpkg(&[("hidden", "1")]));
    let inventory = scan_image_of(&image(vec![through]), Limits::default());
    assert_eq!(codes(&inventory), [Code::LayerFormat]);
    let file_link = LayerBuilder::new()
        .symlink("s/node_modules/a/package.json", "../../../store/abc")
        .file("store/abc", npm("a", "1"));
    assert_eq!(codes(&scan_image_of(&image(vec![file_link]), Limits::default())), [Code::FileUnreadable]);
    let metadata = "Metadata-Version: 2.1\nName: hidden\nVersion: 1\n";
    let directory = LayerBuilder::new()
        .file("opt/e/METADATA", metadata)
        .symlink("usr/lib/python3/site-packages/hidden-1.dist-info", "/opt/e");
    assert_eq!(codes(&scan_image_of(&image(vec![directory]), Limits::default())), [Code::FileUnreadable]);
    let egg = LayerBuilder::new().file("opt/e/PKG-INFO", metadata).symlink("usr/lib/python3/x.egg/EGG-INFO", "/opt/e");
    assert_eq!(codes(&scan_image_of(&image(vec![egg]), Limits::default())), [Code::FileUnreadable]);
    let usual =
        LayerBuilder::new().symlink("lib", "usr/lib").file("usr/lib/node_modules/a/package.json", npm("a", "1"));
    assert!(scan_image_of(&image(vec![usual]), Limits::default()).complete);
}

#[test]
fn licences_are_found_through_linked_documentation() {
    let copyright =
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: Expat\n";
    let base =
        base_layer().file("usr/share/doc/base-files/copyright", copyright).symlink("usr/share/doc/libc6", "base-files");
    let inventory = scan_image_of(&image(vec![base]), Limits::default());
    for package in &inventory.packages {
        let licenses: Vec<&str> = package.facts.licenses.iter().map(sekisho_model::License::as_str).collect();
        assert_eq!(licenses, ["MIT"], "{}", package.facts.name);
    }
}

#[test]
fn layers_say_their_instruction_and_origin() {
    let image = image(vec![base_layer(), app("a")]).step("CMD [\"node\"]");
    let base = KnownBase { name: "debian:12".into(), digest: None, diff_ids: image.diff_ids()[..1].to_vec() };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    ImageBuilder::write_tar(&image.oci_layout(), &path);
    let options = Options { bases: KnownBases { bases: vec![base] }, ..options() };
    let inventory = sekisho_scan::scan_image(&path, &options).unwrap();
    let found = inventory.image.as_ref().unwrap();
    assert_eq!(found.base.as_ref().unwrap().method, BaseMethod::DiffIds);
    assert_eq!(found.layers[1].created_by.as_deref(), Some("RUN step 1"));
    let origins: Vec<Origin> = inventory.packages.iter().map(|package| package.origin).collect();
    assert_eq!(origins, [Origin::Base, Origin::Base, Origin::Application]);
}

#[test]
fn a_directory_in_the_place_of_what_a_layer_removes_is_uncertain() {
    // Over each of these one runtime shows what the base has below var/lib/dpkg, another does not.
    for layer in [
        LayerBuilder::new().whiteout("var/lib/dpkg").directory("var/lib/dpkg"),
        LayerBuilder::new().directory("var/lib/dpkg").whiteout("var/lib/dpkg"),
        LayerBuilder::new().file("var/lib/dpkg", "").directory("var/lib/dpkg"),
    ] {
        let inventory = scan_image_of(&image(vec![base_layer(), layer]), Limits::default());
        assert_eq!(codes(&inventory), [Code::LayerFormat, Code::SystemUncovered], "{:?}", inventory.diagnostics);
    }
    for (layer, expect) in [
        // Nothing of interest is below, or nothing comes back.
        (LayerBuilder::new().whiteout("opt").directory("opt"), &[][..]),
        (LayerBuilder::new().directory("var/lib/dpkg").opaque("var/lib/dpkg"), &[Code::SystemUncovered]),
        (LayerBuilder::new().directory("var/lib/dpkg").file("var/lib/dpkg", ""), &[Code::SystemUncovered]),
    ] {
        let inventory = scan_image_of(&image(vec![base_layer(), layer]), Limits::default());
        assert_eq!(codes(&inventory), expect, "{:?}", inventory.diagnostics);
    }
}
