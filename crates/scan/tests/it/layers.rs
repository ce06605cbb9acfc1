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
    check(vec![app("a"), LayerBuilder::new().file(".wh..wh..opq", "")], &[], &["a 1.0.0 @0 -1 Opaque"]);
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
