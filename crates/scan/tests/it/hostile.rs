//! Layers built to mislead or exhaust the reader: the rest is still read, and what was not is said.

use super::*;
use sekisho_model::Digest;
use sekisho_testkit::pax_record;
use tar::EntryType;

fn good() -> LayerBuilder {
    LayerBuilder::new().file("app/package.json", npm("good", "1.0.0"))
}

/// The layer gives the package that stands before the damage, and these codes.
fn check(layer: &[u8], limits: Limits, expect: &[Code]) {
    let inventory = scan_layer(layer, limits);
    assert_eq!(packages(&inventory), ["good 1.0.0 @0"], "{:?}", inventory.diagnostics);
    assert_eq!(codes(&inventory), expect, "{:?}", inventory.diagnostics);
}

#[test]
fn paths_that_leave_the_root_stay_inside() {
    let layer = LayerBuilder::new().file("../../../app/package.json", npm("good", "1.0.0")).build();
    check(&layer, Limits::default(), &[Code::PathSuspicious]);
    let inventory = scan_layer(&layer, Limits::default());
    assert_eq!(inventory.packages[0].location, "app/package.json");
    let layer = LayerBuilder::new().file("/app//./package.json", npm("good", "1.0.0")).build();
    check(&layer, Limits::default(), &[]);
}

#[test]
fn links_and_devices_are_never_content() {
    let layer = good()
        .symlink("a/package.json", "/etc/passwd")
        .symlink("b/package.json", "package.json")
        .hardlink("c/package.json", "c/package.json")
        .entry(EntryType::Char, "d/package.json", "", b"", 0o644)
        .entry(EntryType::Fifo, "e/package.json", "", b"", 0o644)
        .build();
    check(&layer, Limits::default(), &[Code::FileUnreadable, Code::FileUnreadable]);
}

#[test]
fn truncation_at_any_byte_keeps_what_came_before() {
    let layer = good().file("b/package.json", npm("second", "1.0.0")).unfinished();
    for cut in (1024..layer.len()).step_by(37) {
        let inventory = scan_layer(&layer[..cut], Limits::default());
        let second = packages(&inventory).contains(&"second 1.0.0 @0".to_owned());
        assert!(packages(&inventory).contains(&"good 1.0.0 @0".to_owned()), "cut at {cut}");
        let content_end = 1024 + 512 + npm("second", "1.0.0").len();
        assert_eq!(second, cut >= content_end, "cut at {cut}: {:?}", inventory.diagnostics);
        assert_eq!(inventory.complete, cut >= content_end || cut == 1024, "cut at {cut}: {:?}", inventory.diagnostics);
    }
}

#[test]
fn truncated_compressed_layers_keep_what_came_before() {
    let plain = good().file("big", vec![7; 1 << 20]).file("b/package.json", npm("second", "1.0.0")).build();
    for compress in [Compress::Gzip, Compress::Zstd] {
        let whole = compress.store(&plain);
        for cut in [8, whole.len() / 2, whole.len() - 3] {
            let stored = whole[..cut].to_vec();
            let image = ImageBuilder::new("x:1").stored_layer("COPY", stored, Digest::of(&plain), "");
            let inventory = scan_image_of(&image, Limits::default());
            assert!(!inventory.complete, "{compress:?} cut at {cut}");
            assert!(codes(&inventory).contains(&Code::LayerUnreadable), "{:?}", inventory.diagnostics);
            let layer = &inventory.image.as_ref().unwrap().layers[0];
            assert_eq!((layer.digest, layer.diff_id), (Some(Digest::of(&whole[..cut])), None));
        }
    }
}

#[test]
fn lying_sizes_are_found_out() {
    let huge = good().block(EntryType::Regular, b"b/package.json", b"", 1 << 40, 0o644).unfinished();
    check(&huge, Limits::default(), &[Code::LayerUnreadable, Code::LimitExceeded]);
    let cut = good().block(EntryType::Regular, b"b/package.json", b"", 4096, 0o644).content(b"{}").unfinished();
    check(&cut, Limits::default(), &[Code::LayerUnreadable]);
    let mut base256 = good().block(EntryType::Regular, b"b", b"", 0, 0o644).unfinished();
    let at = base256.len() - 512;
    base256[at + 124..at + 136].copy_from_slice(&[0xff; 12]);
    base256[at + 148..at + 156].copy_from_slice(b"        ");
    let sum: u32 = base256[at..].iter().map(|byte| u32::from(*byte)).sum();
    base256[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    check(&base256, Limits::default(), &[Code::LayerFormat]);
    let link_with_size = good().block(EntryType::Link, b"x", b"app/package.json", 4096, 0o644).file("y", "z").build();
    check(&link_with_size, Limits::default(), &[]);
}

#[test]
fn damaged_headers_end_the_walk_with_a_word() {
    let mut layer = good().file("b/package.json", npm("second", "1.0.0")).build();
    layer[1024 + 5] ^= 0xff;
    check(&layer, Limits::default(), &[Code::LayerFormat]);
    let garbage = good().raw(&[0x55; 2048]).build();
    check(&garbage, Limits::default(), &[Code::LayerFormat]);
}

#[test]
fn a_lone_zero_block_hides_nothing() {
    let layer = LayerBuilder::new().raw(&[0; 512]).raw(&good().unfinished()).build();
    check(&layer, Limits::default(), &[]);
    let after_the_end = good().raw(&[0; 1024]).file("b/package.json", npm("late", "1.0.0")).build();
    check(&after_the_end, Limits::default(), &[Code::LayerFormat]);
    assert!(scan_layer(&after_the_end, Limits::default()).complete, "no engine unpacks it");
}

#[test]
fn extended_headers_are_bounded() {
    let limits = || Limits { tar_header_bytes: 1 << 16, ..Limits::default() };
    let pax = vec![b'x'; 1 << 17];
    check(&good().pax(&pax).file("b", "c").build(), limits(), &[Code::LimitExceeded]);
    check(&good().pax(b"garbage\n").file("b", "c").build(), limits(), &[Code::LayerFormat]);
    let gigabytes = good().block(EntryType::XHeader, b"x", b"", 5 << 30, 0o644).unfinished();
    check(&gigabytes, limits(), &[Code::LayerUnreadable, Code::LimitExceeded]);
}

#[test]
fn attributes_that_direct_overlays_are_told() {
    let pax = pax_record("SCHILY.xattr.trusted.overlay.opaque", "y");
    check(&good().pax(&pax).directory("var/lib").build(), Limits::default(), &[Code::LayerFormat]);
    let pax = pax_record("SCHILY.xattr.security.capability", "y");
    check(&good().pax(&pax).file("b", "c").build(), Limits::default(), &[]);
}

#[test]
fn pax_and_gnu_names_override_the_header() {
    let long = format!("{}/package.json", ["d"; 60].join("/"));
    let layer = LayerBuilder::new().file(&long, npm("gnu", "1.0.0")).build();
    assert_eq!(scan_layer(&layer, Limits::default()).packages[0].location, long);
    let layer = LayerBuilder::new()
        .pax(&[pax_record("path", &format!("{long}x/package.json")), pax_record("mtime", "1.5")].concat())
        .file("short", npm("pax", "1.0.0"))
        .build();
    assert_eq!(scan_layer(&layer, Limits::default()).packages[0].location, format!("{long}x/package.json"));
    let content = npm("sized", "1.0.0");
    let layer = LayerBuilder::new()
        .pax(&pax_record("size", &content.len().to_string()))
        .block(EntryType::Regular, b"package.json", b"", 0, 0o644)
        .content(content.as_bytes())
        .build();
    assert_eq!(packages(&scan_layer(&layer, Limits::default())), ["sized 1.0.0 @0"]);
}

#[test]
fn entries_are_read_as_runtimes_unpack_them() {
    let check = |layer: LayerBuilder, expect: &[&str]| {
        let inventory = scan_layer(&layer.build(), Limits::default());
        let found: Vec<&str> = inventory.packages.iter().map(|package| package.location.as_str()).collect();
        assert_eq!(found, expect, "{:?}", inventory.diagnostics);
    };
    // A directory has no content: what its size would cover are entries.
    let hidden = LayerBuilder::new().block(EntryType::Directory, b"d/", b"", 1024, 0o755).raw(&good().unfinished());
    check(hidden, &["app/package.json"]);
    // Only V7 told directories by a trailing slash.
    let content = npm("slash", "1.0.0");
    let slashed = LayerBuilder::new()
        .block(EntryType::Regular, b"s/package.json/", b"", content.len() as u64, 0o644)
        .content(content.as_bytes());
    check(slashed, &["s/package.json"]);
    // A GNU long name counts before a pax path, and the last pax header alone.
    let pax = |path: &str| pax_record("path", path);
    let long = [b"gnu/package.json".as_slice(), b"\0"].concat();
    let named = LayerBuilder::new()
        .block(EntryType::GNULongName, b"././@LongLink", b"", long.len() as u64, 0)
        .content(&long)
        .pax(&pax("pax/elsewhere"))
        .file("x", npm("gnu", "1.0.0"));
    check(named, &["gnu/package.json"]);
    let twice = LayerBuilder::new().pax(&pax("first")).pax(&pax("last/package.json")).file("x", npm("pax", "1.0.0"));
    check(twice, &["last/package.json"]);
    let replaced = LayerBuilder::new()
        .pax(&pax("first"))
        .pax(&pax_record("mtime", "1"))
        .file("third/package.json", npm("pax", "1.0.0"));
    check(replaced, &["third/package.json"]);
    // A global header parts an entry from what was said of it before.
    let parted = LayerBuilder::new()
        .pax(&pax("elsewhere"))
        .block(EntryType::XGlobalHeader, b"g", b"", 0, 0o644)
        .file("app/package.json", npm("global", "1.0.0"));
    check(parted, &["app/package.json"]);
    let nameless = LayerBuilder::new()
        .block(EntryType::GNULongName, b"././@LongLink", b"", 1, 0)
        .content(b"\0")
        .file("app/package.json", npm("long", "1.0.0"));
    check(nameless, &["app/package.json"]);
    let versioned = [pax_record("GNU.sparse.major", "00"), pax_record("GNU.sparse.minor", "1")].concat();
    let odd = [versioned, pax_record("GNU.sparse.map", "0,1"), pax_record("GNU.sparse.name", "elsewhere")].concat();
    check(LayerBuilder::new().pax(&odd).file("package.json", npm("a", "1.0.0")), &["package.json"]);
    // A slash at the end of a sparse file's own name comes too late to make a directory of it.
    let content = npm("a", "1.0.0");
    let records =
        [pax_record("GNU.sparse.map", &format!("0,{}", content.len())), pax_record("GNU.sparse.name", "package.json/")];
    let mut v7 = LayerBuilder::new().block(EntryType::Regular, b"x", b"", content.len() as u64, 0o644).unfinished();
    v7[156] = 0;
    v7[148..156].copy_from_slice(b"        ");
    let sum: u32 = v7.iter().map(|byte| u32::from(*byte)).sum();
    v7[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let late = LayerBuilder::new().pax(&records.concat()).raw(&v7).content(content.as_bytes());
    check(late, &["package.json"]);
    // A sparse name without a sparse file is nothing.
    let unsparse =
        LayerBuilder::new().pax(&pax_record("GNU.sparse.name", "elsewhere")).file("package.json", npm("a", "1.0.0"));
    check(unsparse, &["package.json"]);
}

#[test]
fn sparse_files_are_read_with_their_holes() {
    // Version 1.0: the map lies before the content.
    let text = npm("sparse", "1.0.0");
    let mut content = format!("1\n0\n{}\n", text.len()).into_bytes();
    content.resize(512, 0);
    content.extend_from_slice(text.as_bytes());
    let records = [
        pax_record("GNU.sparse.major", "1"),
        pax_record("GNU.sparse.minor", "0"),
        pax_record("GNU.sparse.name", "srv/package.json"),
        pax_record("GNU.sparse.realsize", &text.len().to_string()),
    ];
    let layer = LayerBuilder::new().pax(&records.concat()).file("GNUSparseFile.0/x", &content).build();
    assert_eq!(packages(&scan_layer(&layer, Limits::default())), ["sparse 1.0.0 @0"]);
    // A hole of a terabyte is not written out.
    let records = [
        pax_record("GNU.sparse.map", &format!("0,{}", text.len())),
        pax_record("GNU.sparse.size", &(1_u64 << 40).to_string()),
        pax_record("GNU.sparse.name", "srv/package.json"),
    ];
    let layer = good().pax(&records.concat()).file("x", &text).build();
    check(&layer, Limits::default(), &[Code::LimitExceeded]);
    let lying = [pax_record("GNU.sparse.map", "0,999999"), pax_record("GNU.sparse.size", "999999")];
    check(&good().pax(&lying.concat()).file("b/package.json", "{}").build(), Limits::default(), &[Code::LayerFormat]);
}

#[test]
fn bombs_stop_at_their_limits() {
    let zeros = vec![0; 8 << 20];
    let plain = good().file("zeros", &zeros).file("b/package.json", npm("late", "1.0.0")).build();
    for compress in [Compress::Gzip, Compress::Zstd] {
        let image = ImageBuilder::new("x:1").layer("COPY", &plain, compress);
        for limits in [
            Limits { inflated_bytes: 1 << 20, ..Limits::default() },
            Limits { ratio: 50, ratio_grace_bytes: 1 << 20, ..Limits::default() },
        ] {
            let inventory = scan_image_of(&image, limits);
            assert_eq!(packages(&inventory), ["good 1.0.0 @0"], "{compress:?}");
            assert_eq!(codes(&inventory), [Code::LimitExceeded], "{compress:?}: {:?}", inventory.diagnostics);
        }
    }
}

#[test]
fn facts_beyond_their_limit_are_told() {
    let many = |layer: LayerBuilder| {
        (0..100).fold(layer, |layer, index| layer.file(&format!("{index}/package.json"), npm("x", "1.0.0")))
    };
    let limits = Limits { facts_bytes: 2000, ..Limits::default() };
    check(&many(good()).build(), limits.clone(), &[Code::LimitExceeded]);
    for flood in [
        (0..100).fold(good(), |layer, index| layer.whiteout(&format!("{index}/x"))),
        (0..100).fold(good(), |layer, index| layer.opaque(&format!("{index}"))),
        (0..100).fold(good(), |layer, index| layer.symlink(&format!("{index}"), "x")),
        (0..100).fold(good(), |layer, index| layer.hardlink(&format!("{index}/package.json"), "gone")),
    ] {
        let found = scan_layer(&flood.build(), limits.clone());
        assert!(codes(&found).contains(&Code::LimitExceeded), "{:?}", found.diagnostics);
        assert!(packages(&found).contains(&"good 1.0.0 @0".to_owned()));
    }
}

#[test]
fn facts_of_all_layers_share_one_limit() {
    let layer = |name: &str| {
        let file = |layer: LayerBuilder, index| layer.file(&format!("{name}/{index}/package.json"), npm(name, "1.0.0"));
        (0..10).fold(LayerBuilder::new(), file).build()
    };
    let limits = Limits { facts_bytes: 15_000, path_table_bytes: 1000, ..Limits::default() };
    let image = |names: &[&str]| {
        let add = |image: ImageBuilder, name: &&str| image.layer(name, &layer(name), Compress::None);
        names.iter().fold(ImageBuilder::new("x:1"), add)
    };
    let all = scan_image_of(&image(&["a", "b", "c", "d"]), Limits::default());
    assert_eq!((all.packages.len(), all.complete), (40, true));
    // The same bytes are kept once, however often they are referred to.
    let once = scan_image_of(&image(&["a", "a", "a", "a"]), limits.clone());
    assert_eq!((once.packages.len(), once.complete), (10, true), "{:?}", once.diagnostics);
    // Which layers are left out does not depend on the order in which they are read.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    ImageBuilder::write_tar(&image(&["a", "b", "c", "d"]).oci_layout(), &path);
    for jobs in [1, 2, 4] {
        let limited = sekisho_scan::scan_image(&path, &Options { limits: limits.clone(), jobs, ..options() }).unwrap();
        let names: std::collections::BTreeSet<_> = limited.packages.iter().map(|package| &package.facts.name).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a"], "{jobs} jobs");
        let told: Vec<_> = limited.incomplete().map(|told| (told.code, told.layer)).collect();
        assert_eq!(told, [1, 2, 3].map(|layer| (Code::LimitExceeded, Some(layer))), "{jobs} jobs");
    }
}

#[test]
fn what_comes_and_goes_often_is_listed_up_to_a_limit() {
    let brought = good().build();
    let removed = LayerBuilder::new().whiteout("app").build();
    let turn = |image: ImageBuilder, _| image.layer("+", &brought, Compress::None).layer("-", &removed, Compress::None);
    let image = (0..100).fold(ImageBuilder::new("x:1"), turn);
    let inventory = scan_image_of(&image, Limits { facts_bytes: 10_000, ..Limits::default() });
    assert_eq!(codes(&inventory), [Code::LimitExceeded], "{:?}", inventory.diagnostics);
    assert!((1..50).contains(&inventory.removed.len()), "{}", inventory.removed.len());
    assert_eq!(scan_image_of(&image, Limits::default()).removed.len(), 100);
}

#[test]
fn names_of_whiteouts_below_the_root_are_ordinary_directories() {
    let layer = LayerBuilder::new().file("srv/.wh..wh.x/package.json", npm("good", "1.0.0")).build();
    check(&layer, Limits::default(), &[]);
}

#[test]
fn what_lies_below_aufs_metadata_in_the_root_is_unpacked() {
    let layer = LayerBuilder::new().file(".wh..wh.x/package.json", npm("good", "1.0.0"));
    check(&layer.directory(".wh..wh.plnk").build(), Limits::default(), &[]);
}

#[test]
fn texts_of_links_are_cut_and_charged() {
    let long = "../a/../".to_owned() + &"\u{1}".repeat(100_000);
    let link = |layer: LayerBuilder, index| layer.symlink("var", &long).hardlink(&format!("h{index}"), &long);
    let layer = (0..20).fold(good(), link).build();
    let told = codes(&scan_layer(&layer, Limits::default()));
    assert!(told.iter().all(|code| *code == Code::LimitExceeded), "no file system has links of that length: {told:?}");
    let wide = || Limits { path_bytes: 1 << 20, ..Limits::default() };
    let inventory = scan_layer(&layer, wide());
    let longest = inventory.diagnostics.iter().map(|told| told.message.len()).max();
    assert!(longest.is_some_and(|bytes| bytes < 500), "{longest:?}");
    let limited = scan_layer(&layer, Limits { facts_bytes: 1 << 20, ..wide() });
    assert!(codes(&limited).contains(&Code::LimitExceeded));
    assert!(packages(&limited).contains(&"good 1.0.0 @0".to_owned()));
}

#[test]
fn diagnostics_of_all_layers_share_one_limit() {
    let dangling = |layer: LayerBuilder, index| layer.hardlink(&format!("h{index}"), "gone");
    let layer = (0..900).fold(good(), dangling).build();
    let many = (0..20).fold(ImageBuilder::new("x:1"), |image, _| image.layer("RUN", &layer, Compress::None));
    let inventory = scan_image_of(&many, Limits::default());
    assert_eq!(inventory.diagnostics.len(), 10_001);
    let last = "8000 more things that layers gave reason to say are left out";
    assert!(inventory.incomplete().any(|told| told.message == last));
}

#[test]
fn text_that_is_too_large_is_not_set_aside() {
    let records = [
        pax_record("GNU.sparse.map", "0,1"),
        pax_record("GNU.sparse.size", &(1_u64 << 30).to_string()),
        pax_record("GNU.sparse.name", "srv/package.json"),
    ];
    let layer = good().pax(&records.concat()).file("x", "{").build();
    let inventory = scan_layer(&layer, Limits { spill_bytes: 1, memory_file_bytes: 1, ..Limits::default() });
    let told = inventory.diagnostics.iter().find(|told| told.path.as_deref() == Some("srv/package.json")).unwrap();
    assert!(told.message.contains("limits.text_file_bytes"), "{told}");
}

#[test]
fn floods_of_diagnostics_are_counted() {
    let broken = (0..3000).fold(good(), |layer, index| layer.file(&format!("node_modules/m{index}/package.json"), "{"));
    let escaping = (0..3000).fold(good(), |layer, index| layer.file(&format!("../f{index}"), ""));
    let inventory = scan_layer(&broken.build(), Limits::default());
    assert_eq!(inventory.incomplete().count(), 3000, "each file's own word is kept within the memory for facts");
    let inventory = scan_layer(&escaping.build(), Limits::default());
    assert_eq!(inventory.diagnostics.len(), 201);
    assert!(inventory.diagnostics.iter().any(|diagnostic| diagnostic.message == "2800 more notes are left out"));
}

#[test]
fn a_scan_that_takes_too_long_says_so() {
    let limits = Limits { time: std::time::Duration::ZERO, ..Limits::default() };
    for compress in [Compress::None, Compress::Gzip] {
        let image = ImageBuilder::new("x:1").layer("COPY", &good().build(), compress);
        let inventory = scan_image_of(&image, limits.clone());
        assert_eq!(codes(&inventory), [Code::LimitExceeded], "{:?}", inventory.diagnostics);
        assert!(!inventory.complete);
    }
}

#[test]
fn too_many_entries_or_names_stop_with_a_word() {
    let many = |layer: LayerBuilder| (0..500).fold(layer, |layer, index| layer.file(&format!("f{index}"), ""));
    let layer = many(good()).build();
    check(&layer, Limits { entries: 100, ..Limits::default() }, &[Code::LimitExceeded]);
    check(&layer, Limits { path_table_bytes: 100, ..Limits::default() }, &[Code::LimitExceeded]);
    let deep = good().file(&format!("{}x", "d/".repeat(200)), "").build();
    check(&deep, Limits::default(), &[Code::LimitExceeded]);
    let long = good().file(&"n".repeat(5000), "").build();
    check(&long, Limits::default(), &[Code::LimitExceeded]);
}

#[test]
fn names_that_are_no_utf8_are_kept_apart() {
    let layer = LayerBuilder::new()
        .block(EntryType::Regular, b"a\xff/package.json", b"", 0, 0o644)
        .block(EntryType::Regular, b"a\xfe/package.json", b"", 0, 0o644)
        .raw(&good().unfinished())
        .build();
    let inventory = scan_layer(&layer, Limits::default());
    let paths: Vec<_> = inventory.diagnostics.iter().filter_map(|diagnostic| diagnostic.path.clone()).collect();
    assert_eq!(packages(&inventory), ["good 1.0.0 @0"]);
    assert!(paths.iter().all(|path| path == "a\\xff/package.json" || path == "a\\xfe/package.json"), "{paths:?}");
}
