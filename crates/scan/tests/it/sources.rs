//! Every form in which an image is stored gives the same packages, and what is wrong with one is said.

use super::*;
use sekisho_model::{Digest, Platform, SourceKind};
use sekisho_scan::Cache;
use std::collections::BTreeMap;
use std::path::PathBuf;

const EXPECT: [&str; 3] = ["base-files 12 @0", "libc6 2.36 @0", "left-pad 1.3.0 @1"];

fn image(compress: Compress) -> ImageBuilder {
    let app = LayerBuilder::new().file("app/node_modules/left-pad/package.json", npm("left-pad", "1.3.0"));
    ImageBuilder::new("example.org/app:1.0").layer("ADD rootfs", &base_layer().build(), compress).layer(
        "COPY app",
        &app.build(),
        compress,
    )
}

fn check(path: &Path, kind: SourceKind) {
    let inventory = scan(path);
    assert_eq!(packages(&inventory), EXPECT);
    assert_eq!(inventory.source.kind, kind);
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    let image = inventory.image.unwrap();
    assert_eq!(image.names, ["example.org/app:1.0"]);
    assert!(image.layers.iter().all(|layer| layer.digest.is_some() && layer.diff_id.is_some()));
}

#[test]
fn every_form_of_storage_gives_the_same_packages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    for compress in [Compress::None, Compress::Gzip, Compress::Zstd] {
        let image = image(compress);
        ImageBuilder::write_tar(&image.docker_archive(), &path);
        check(&path, SourceKind::DockerArchive);
        ImageBuilder::write_tar(&image.docker_oci_archive(), &path);
        check(&path, SourceKind::DockerArchive);
        ImageBuilder::write_tar(&image.oci_layout(), &path);
        check(&path, SourceKind::OciArchive);
        for whole in [Compress::Gzip, Compress::Zstd] {
            std::fs::write(&path, whole.store(&ImageBuilder::tar(&image.docker_archive()))).unwrap();
            check(&path, SourceKind::DockerArchive);
        }
        std::fs::remove_file(&path).unwrap();
        ImageBuilder::write_directory(&image.oci_layout(), &path);
        check(&path, SourceKind::OciLayout);
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn layouts_are_not_left_through_links_nor_blocked_by_pipes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    let image = image(Compress::None);
    ImageBuilder::write_directory(&image.oci_layout(), &path);
    let blob = path.join(format!("blobs/sha256/{}", image.diff_ids()[1].hex()));
    let outside = directory.path().join("outside");
    std::fs::rename(&blob, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &blob).unwrap();
    let inventory = scan(&path);
    assert_eq!(codes(&inventory), [Code::SourceUnreadable]);
    assert_eq!(packages(&inventory), EXPECT[..2]);
    std::fs::remove_file(&blob).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&blob).status().unwrap();
    assert!(made.success());
    assert_eq!(codes(&scan(&path)), [Code::SourceUnreadable]);
}

#[test]
fn images_that_engines_would_choose_differently_are_told() {
    let mut files = image(Compress::None).docker_oci_archive();
    let other = LayerBuilder::new().file("app/package.json", npm("evil", "6.6.6")).build();
    let other = ImageBuilder::new("example.org/app:1.0").layer("COPY", &other, Compress::None).docker_oci_archive();
    files.insert("manifest.json".into(), other["manifest.json"].clone());
    files.extend(other.into_iter().filter(|(path, _)| path.starts_with("blobs/")));
    let (_directory, path) = write(&files);
    let inventory = scan(&path);
    assert_eq!(codes(&inventory), [Code::ImageInvalid]);
    assert!(!inventory.complete);

    let layer = |name: &str| LayerBuilder::new().file("app/package.json", npm(name, "1.0.0")).build();
    let build = |name: &str| ImageBuilder::new("multi:1").layer("COPY", &layer(name), Compress::None);
    let (_directory, path) = write(&ImageBuilder::oci_layout_of(&[&build("one"), &build("two")]));
    assert_eq!(refused(&path, Choice::default()).code(), Code::ImageAmbiguous, "two of one platform");
}

/// The files of a layout whose index has these `(image, platform)` under one name, behind an index of their own or
/// in `index.json` itself. A `kind` in the platform is the media type that the configuration is given.
fn layout_of(images: &[(&ImageBuilder, serde_json::Value)], nested: bool) -> BTreeMap<String, Vec<u8>> {
    use serde_json::{Value, json};
    let mut files = BTreeMap::new();
    let name = json!({ "org.opencontainers.image.ref.name": "latest" });
    let mut descriptors = Vec::new();
    for (image, platform) in images {
        let mut own = image.oci_layout();
        let index: Value = serde_json::from_slice(&own["index.json"]).unwrap();
        let mut descriptor = index["manifests"][0].clone();
        if let Some(kind) = platform.get("kind") {
            let blob = |digest: &str| format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap());
            let path = blob(descriptor["digest"].as_str().unwrap());
            let mut manifest: Value = serde_json::from_slice(&own[&path]).unwrap();
            manifest["config"]["mediaType"] = kind.clone();
            let manifest = serde_json::to_vec(&manifest).unwrap();
            let digest = Digest::of(&manifest).to_string();
            (descriptor["digest"], descriptor["size"]) = (json!(digest), json!(manifest.len()));
            own.insert(blob(&digest), manifest);
        }
        descriptor["platform"] = platform.clone();
        descriptor["annotations"] = if nested { json!({}) } else { name.clone() };
        descriptors.push(descriptor);
        files.extend(own);
    }
    let mut index = serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": descriptors })).unwrap();
    if nested {
        let digest = Digest::of(&index);
        let media_type = "application/vnd.oci.image.index.v1+json";
        let descriptor =
            json!({ "mediaType": media_type, "digest": digest.to_string(), "size": index.len(), "annotations": name });
        files.insert(format!("blobs/sha256/{}", digest.hex()), index);
        index = serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": [descriptor] })).unwrap();
    }
    files.insert("index.json".into(), index);
    files
}

fn named_image(name: &str) -> ImageBuilder {
    let layer = LayerBuilder::new().file("app/package.json", npm(name, "1.0.0")).build();
    ImageBuilder::new("multi:1").layer("COPY", &layer, Compress::None)
}

#[test]
fn builds_for_a_platform_of_another_spelling_are_no_others() {
    let (evil, clean) = (named_image("evil"), named_image("clean"));
    let amd64 = serde_json::json!({ "os": "linux", "architecture": "amd64" });
    let choice = || Choice { name: None, platform: Some("linux/amd64".parse().unwrap()) };
    for (os, architecture) in [("linux", "x86_64"), ("linux", "AMD64"), ("Linux", "amd64")] {
        let odd = serde_json::json!({ "os": os, "architecture": architecture });
        let (_directory, path) = write(&layout_of(&[(&evil, odd), (&clean, amd64.clone())], true));
        assert_eq!(refused(&path, choice()).code(), Code::ImageAmbiguous, "{os}/{architecture}");
    }
    let arm64 = serde_json::json!({ "os": "linux", "architecture": "arm64" });
    let files = layout_of(&[(&evil, arm64.clone()), (&clean, amd64.clone())], true);
    let (_directory, path) = write(&files);
    let inventory = sekisho_scan::scan_image(&path, &Options { choice: choice(), ..options() }).unwrap();
    assert_eq!((packages(&inventory), inventory.complete), (vec!["clean 1.0.0 @0".to_owned()], true));
    // One name twice in index.json itself is no list of builds.
    let (_directory, path) = write(&layout_of(&[(&evil, arm64), (&clean, amd64)], false));
    assert_eq!(refused(&path, choice()).code(), Code::ImageAmbiguous);
}

#[test]
fn manifests_of_another_kind_for_the_same_platform_are_told() {
    let (evil, clean) = (named_image("evil"), named_image("clean"));
    let amd64_of = |kind: &str| serde_json::json!({ "os": "linux", "architecture": "amd64", "kind": kind });
    let amd64 = serde_json::json!({ "os": "linux", "architecture": "amd64" });
    let odd = amd64_of("application/vnd.x.image.config.v1+json");
    let (_directory, path) = write(&layout_of(&[(&evil, odd.clone()), (&clean, amd64.clone())], false));
    assert_eq!(refused(&path, Choice::default()).code(), Code::ImageAmbiguous);
    let (_directory, path) = write(&layout_of(&[(&evil, odd), (&clean, amd64)], true));
    let choice = Choice { name: None, platform: Some("linux/amd64".parse().unwrap()) };
    let inventory = sekisho_scan::scan_image(&path, &Options { choice, ..options() }).unwrap();
    assert_eq!(packages(&inventory), ["clean 1.0.0 @0"]);
    assert_eq!(codes(&inventory), [Code::ImageInvalid]);
}

#[test]
fn every_image_of_manifest_json_is_one_of_the_index() {
    let (evil, clean) = (named_image("evil"), named_image("clean"));
    let listed = |image: &ImageBuilder| {
        serde_json::from_slice::<Vec<serde_json::Value>>(&image.docker_oci_archive()["manifest.json"]).unwrap()
    };
    let check = |files: &BTreeMap<String, Vec<u8>>| {
        let (_directory, path) = write(files);
        let inventory = scan(&path);
        assert_eq!(packages(&inventory), ["clean 1.0.0 @0"]);
        assert_eq!(codes(&inventory), [Code::ImageInvalid]);
    };
    // A second image that the index does not have.
    let mut files = evil.docker_oci_archive();
    files.extend(clean.docker_oci_archive());
    let both: Vec<_> = listed(&clean).into_iter().chain(listed(&evil)).collect();
    files.insert("manifest.json".into(), serde_json::to_vec(&both).unwrap());
    check(&files);
    // One whose file is named as the configuration of the first.
    let mut one = listed(&evil);
    let path = |entry: &serde_json::Value| entry["Config"].as_str().unwrap().to_owned();
    let named = format!("x/{}.json", path(&listed(&clean)[0]).rsplit('/').next().unwrap());
    files.insert(named.clone(), files[&path(&one[0])].clone());
    one[0]["Config"] = named.into();
    files.insert("manifest.json".into(), serde_json::to_vec(&one).unwrap());
    check(&files);
}

#[test]
fn indexes_that_refer_to_each_other_many_times_end() {
    use serde_json::json;
    let mut files = named_image("clean").oci_layout();
    let index: serde_json::Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let mut descriptor = index["manifests"][0].clone();
    let media_type = "application/vnd.oci.image.index.v1+json";
    for _ in 0..4 {
        let bytes = serde_json::to_vec(&json!({ "schemaVersion": 2, "manifests": vec![descriptor; 100] })).unwrap();
        let digest = Digest::of(&bytes);
        descriptor = json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() });
        files.insert(format!("blobs/sha256/{}", digest.hex()), bytes);
    }
    let index = json!({ "schemaVersion": 2, "manifests": vec![descriptor; 100] });
    files.insert("index.json".into(), serde_json::to_vec(&index).unwrap());
    let (_directory, path) = write(&files);
    assert_eq!(packages(&scan(&path)), ["clean 1.0.0 @0"]);
}

#[test]
fn outer_archives_that_can_be_read_in_two_ways_are_told() {
    let files = image(Compress::None).docker_archive();
    let add = |tar: LayerBuilder, (path, bytes): (&String, &Vec<u8>)| tar.file(path, bytes);
    let whole = || files.iter().fold(LayerBuilder::new(), add);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    for archive in [
        whole().file("manifest.json", [&files["manifest.json"][..], b" "].concat()).build(),
        whole().symlink("d", ".").file("d/manifest.json", "[]").build(),
        whole().raw(&[0x55; 512]).build(),
        // A second entry of a path, whatever both are.
        LayerBuilder::new().file("manifest.json", "[]").raw(&whole().unfinished()).build(),
        LayerBuilder::new().symlink("manifest.json", "x").raw(&whole().unfinished()).build(),
        LayerBuilder::new().directory("manifest.json").raw(&whole().unfinished()).build(),
        whole().file("moved.json", &files["manifest.json"]).symlink("manifest.json", "moved.json").build(),
        LayerBuilder::new().file(files.keys().next().unwrap(), "first").raw(&whole().unfinished()).build(),
    ] {
        std::fs::write(&path, archive).unwrap();
        let inventory = scan(&path);
        assert_eq!(packages(&inventory), EXPECT);
        assert!(!inventory.complete);
    }
    // Some writers repeat what several layers share.
    std::fs::write(&path, whole().directory("d").directory("d").raw(&whole().unfinished()).build()).unwrap();
    assert!(scan(&path).complete);
}

#[test]
fn floods_of_layers_are_refused() {
    let layer = LayerBuilder::new().build();
    let many = (0..600).fold(ImageBuilder::new("x:1"), |image, _| image.layer("RUN", &layer, Compress::None));
    for files in [many.oci_layout(), many.docker_oci_archive()] {
        let (_directory, path) = write(&files);
        assert_eq!(refused(&path, Choice::default()).code(), Code::LimitExceeded);
    }
}

#[test]
fn images_are_chosen_by_tag_in_every_form() {
    for files in [image(Compress::None).docker_archive(), image(Compress::None).docker_oci_archive()] {
        let (_directory, path) = write(&files);
        for name in ["example.org/app:1.0", "1.0"] {
            let choice = Choice { name: Some(name.to_owned()), platform: None };
            let inventory = sekisho_scan::scan_image(&path, &Options { choice, ..options() }).unwrap();
            assert_eq!(packages(&inventory), EXPECT);
        }
        for name in [".0", "app", "0"] {
            assert_eq!(
                refused(&path, Choice { name: Some(name.to_owned()), platform: None }).code(),
                Code::ImageAbsent
            );
        }
    }
}

#[test]
fn a_temporary_directory_that_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar.gz");
    std::fs::write(&path, Compress::Gzip.store(&ImageBuilder::tar(&image(Compress::None).docker_archive()))).unwrap();
    let options = Options { temporary: directory.path().join("missing"), ..options() };
    let error = sekisho_scan::scan_image(&path, &options).unwrap_err();
    assert_eq!(error.code(), Code::TemporaryUnusable);
}

#[test]
fn old_docker_archives_link_repeated_layers() {
    let mut files = image(Compress::None).docker_archive();
    let layer = files.keys().find(|path| path.starts_with("01")).unwrap().clone();
    let bytes = files.remove(&layer).unwrap();
    let add = |tar: LayerBuilder, (path, bytes): (&String, &Vec<u8>)| tar.file(path, bytes);
    let tar =
        files.iter().fold(LayerBuilder::new(), add).file("real/layer.tar", bytes).symlink(&layer, "../real/layer.tar");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    std::fs::write(&path, tar.build()).unwrap();
    check(&path, SourceKind::DockerArchive);
}

fn write(files: &BTreeMap<String, Vec<u8>>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    ImageBuilder::write_tar(files, &path);
    (directory, path)
}

#[test]
fn platforms_are_chosen_or_listed() {
    let build = |architecture: &str| {
        let layer = LayerBuilder::new().file("app/package.json", npm(architecture, "1.0.0")).build();
        ImageBuilder::new("multi:1").platform("linux", architecture).layer("COPY", &layer, Compress::Gzip)
    };
    let (amd64, arm64, s390x) = (build("amd64"), build("arm64"), build("s390x"));
    let (_directory, path) = write(&ImageBuilder::oci_layout_of(&[&amd64, &arm64]));
    let choose = |text: &str| Choice { name: None, platform: Some(text.parse::<Platform>().unwrap()) };
    for architecture in ["amd64", "arm64"] {
        let options = Options { choice: choose(&format!("linux/{architecture}")), ..options() };
        let inventory = sekisho_scan::scan_image(&path, &options).unwrap();
        assert_eq!(packages(&inventory), [format!("{architecture} 1.0.0 @0")]);
    }
    let error = refused(&path, choose("linux/riscv64"));
    assert_eq!(error.code(), Code::PlatformAbsent);
    assert!(error.to_string().contains("linux/amd64, linux/arm64"), "{error}");

    let (_directory, path) = write(&s390x.oci_layout());
    assert_eq!(packages(&scan(&path)), ["s390x 1.0.0 @0"], "the only platform is taken when none is asked for");
    assert_eq!(refused(&path, choose("linux/amd64")).code(), Code::PlatformAbsent);
    let (_directory, path) = write(&s390x.docker_archive());
    assert_eq!(refused(&path, choose("linux/amd64")).code(), Code::PlatformAbsent);
}

#[test]
fn several_images_are_listed_and_chosen_by_name() {
    let build = |name: &str| {
        let layer = LayerBuilder::new().file("app/package.json", npm("app", name.rsplit(':').next().unwrap())).build();
        ImageBuilder::new(name).layer("COPY", &layer, Compress::None)
    };
    let (one, two) = (build("app:1"), build("app:2"));
    let mut files = one.docker_archive();
    let mut manifest: Vec<serde_json::Value> = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let more = two.docker_archive();
    manifest.extend(serde_json::from_slice::<Vec<serde_json::Value>>(&more["manifest.json"]).unwrap());
    files.extend(more);
    files.insert("manifest.json".into(), serde_json::to_vec(&manifest).unwrap());
    let (_directory, path) = write(&files);
    let error = refused(&path, Choice::default());
    assert_eq!(error.code(), Code::ImageAmbiguous);
    assert!(error.to_string().contains("app:1, app:2"), "{error}");
    let choose = |name: &str| Choice { name: Some(name.to_owned()), platform: None };
    let inventory = sekisho_scan::scan_image(&path, &Options { choice: choose("app:2"), ..options() }).unwrap();
    assert_eq!(packages(&inventory), ["app 2 @0"]);
    assert_eq!(refused(&path, choose("app:3")).code(), Code::ImageAbsent);
}

#[test]
fn what_is_no_image_is_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    assert_eq!(refused(&path, Choice::default()).code(), Code::SourceMissing);
    assert_eq!(refused(directory.path(), Choice::default()).code(), Code::SourceUnknown);
    for bytes in [&b""[..], b"no tar", &[0; 4096], &LayerBuilder::new().file("a", "b").build()] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(refused(&path, Choice::default()).code(), Code::SourceUnknown);
    }
    let whole = ImageBuilder::tar(&image(Compress::None).oci_layout());
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = refused(&path, Choice::default());
    assert_eq!(error.code(), Code::ImageInvalid, "a cut archive is damaged, not something else: {error}");
    std::fs::write(&path, LayerBuilder::new().file("manifest.json", "[{").build()).unwrap();
    assert_eq!(refused(&path, Choice::default()).code(), Code::ImageInvalid);
    std::fs::write(&path, LayerBuilder::new().file("manifest.json", "[{\"Config\":\"x.json\"}]").build()).unwrap();
    assert_eq!(refused(&path, Choice::default()).code(), Code::BlobMissing);
}

#[test]
fn changed_bytes_do_not_pass_for_what_the_image_states() {
    for compress in [Compress::None, Compress::Gzip, Compress::Zstd] {
        let mut files = image(compress).oci_layout();
        let other = LayerBuilder::new().file("app/package.json", npm("evil", "6.6.6")).build();
        let wanted = Digest::of(&compress.store(&{
            LayerBuilder::new().file("app/node_modules/left-pad/package.json", npm("left-pad", "1.3.0")).build()
        }));
        let blob = files.get_mut(&format!("blobs/sha256/{}", wanted.hex())).unwrap();
        let mut stored = compress.store(&other);
        stored.resize(blob.len().max(stored.len()), 0);
        stored.truncate(blob.len());
        *blob = stored;
        let (_directory, path) = write(&files);
        let inventory = scan(&path);
        assert!(codes(&inventory).contains(&Code::DigestMismatch), "{compress:?}: {:?}", inventory.diagnostics);
        assert!(!inventory.complete);
        assert!(packages(&inventory).contains(&EXPECT[0].to_owned()), "the other layer is still read");
    }
    let mut files = image(Compress::None).oci_layout();
    let (path, config) = files.iter().find(|(_, bytes)| bytes.windows(8).any(|w| w == b"diff_ids")).unwrap();
    let (path, mut config) = (path.clone(), config.clone());
    config.push(b' ');
    files.insert(path, config);
    let (_directory, path) = write(&files);
    assert_eq!(refused(&path, Choice::default()).code(), Code::DigestMismatch);
}

#[test]
fn a_diff_id_that_is_only_claimed_is_found_out() {
    let layer = LayerBuilder::new().file("app/package.json", npm("a", "1.0.0")).build();
    let image = ImageBuilder::new("x:1").stored_layer(
        "COPY",
        Compress::Gzip.store(&layer),
        Digest::of(b"something else"),
        "application/vnd.oci.image.layer.v1.tar+gzip",
    );
    for files in [image.oci_layout(), image.docker_archive()] {
        let (_directory, path) = write(&files);
        assert_eq!(codes(&scan(&path)), [Code::DigestMismatch]);
    }
}

#[test]
fn missing_blobs_and_unreadable_media_types_are_incomplete() {
    let mut files = image(Compress::None).oci_layout();
    files.remove(&format!("blobs/sha256/{}", image(Compress::None).diff_ids()[1].hex()));
    let (_directory, path) = write(&files);
    let inventory = scan(&path);
    assert_eq!(codes(&inventory), [Code::BlobMissing]);
    assert_eq!(packages(&inventory), EXPECT[..2]);

    let plain = base_layer().build();
    let encrypted = ImageBuilder::new("x:1").stored_layer(
        "COPY",
        plain.clone(),
        Digest::of(&plain),
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
    );
    let (_directory, path) = write(&encrypted.oci_layout());
    let inventory = scan(&path);
    assert_eq!(codes(&inventory), [Code::LayerMediaType]);
    assert!(inventory.packages.is_empty());
}

#[test]
fn the_cache_gives_the_same_inventory_and_is_not_fooled() {
    let (directory, path) = write(&image(Compress::Gzip).oci_layout());
    let cache = Cache::new(directory.path().join("cache"), 1 << 20);
    let cached = || Options { cache: Some(cache.clone()), ..options() };
    let first = sekisho_scan::scan_image(&path, &cached()).unwrap();
    let second = sekisho_scan::scan_image(&path, &cached()).unwrap();
    assert_eq!(first, second);
    assert_eq!(first, scan(&path));
    assert!(std::fs::read_dir(directory.path().join("cache/layers")).unwrap().count() == 2);

    // Another image that claims the diffIDs of the first for its own bytes must be read, not looked up.
    let evil = LayerBuilder::new().file("app/package.json", npm("evil", "6.6.6")).build();
    let good = LayerBuilder::new().file("app/node_modules/left-pad/package.json", npm("left-pad", "1.3.0")).build();
    let media_type = "application/vnd.oci.image.layer.v1.tar";
    let liar = ImageBuilder::new("x:1").stored_layer("COPY", evil, Digest::of(&good), media_type);
    let (_other, path) = write(&liar.docker_archive());
    let inventory = sekisho_scan::scan_image(&path, &cached()).unwrap();
    assert_eq!(packages(&inventory), ["evil 6.6.6 @0"]);
    assert_eq!(codes(&inventory), [Code::DigestMismatch]);
}

#[test]
fn what_only_temporary_files_failed_at_is_not_remembered() {
    // Too large for the window and for memory.
    let large = npm("left-pad", "1.3.0") + &" ".repeat(2 << 20);
    let layer = LayerBuilder::new().file("app/node_modules/left-pad/package.json", large).build();
    let (directory, path) = write(&ImageBuilder::new("x:1").layer("COPY", &layer, Compress::Gzip).docker_archive());
    let cache = Cache::new(directory.path().join("cache"), 1 << 20);
    let with = |temporary: PathBuf| {
        let limits = Limits { memory_file_bytes: 1, ..Limits::default() };
        let options = Options { cache: Some(cache.clone()), temporary, limits, ..options() };
        sekisho_scan::scan_image(&path, &options).unwrap()
    };
    let inventory = with(directory.path().join("none"));
    assert_eq!(codes(&inventory), [Code::TemporaryUnusable]);
    assert!(packages(&inventory).is_empty() && !inventory.complete);
    let inventory = with(directory.path().to_owned());
    assert_eq!(packages(&inventory), ["left-pad 1.3.0 @0"]);
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_note() {
    let (directory, path) = write(&image(Compress::None).oci_layout());
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let options = Options { cache: Some(Cache::new(file.join("below"), 1 << 20)), ..options() };
    let inventory = sekisho_scan::scan_image(&path, &options).unwrap();
    assert_eq!(packages(&inventory), EXPECT);
    assert_eq!(codes(&inventory), [Code::CacheUnusable]);
    assert!(inventory.complete);
}

#[test]
fn descriptors_of_one_manifest_are_one_image_with_several_names() {
    let mut files = image(Compress::None).oci_layout();
    let mut index: serde_json::Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let mut again = index["manifests"][0].clone();
    again["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": "docker.io/library/latest:2"});
    index["manifests"].as_array_mut().unwrap().push(again);
    files.insert("index.json".into(), serde_json::to_vec(&index).unwrap());
    let (_directory, path) = write(&files);
    let found = scan(&path).image.unwrap();
    assert!(found.names.contains(&"docker.io/library/latest:2".to_owned()), "{:?}", found.names);
    let choose = |name: String| Choice { name: Some(name), platform: None };
    let digest = found.manifest_digest.unwrap().to_string();
    let options = Options { choice: choose(digest), ..options() };
    assert_eq!(packages(&sekisho_scan::scan_image(&path, &options).unwrap()), EXPECT);
    let error = refused(&path, choose("library/latest:2".to_owned()));
    assert_eq!(error.hint().as_deref(), Some("choose it with --image docker.io/library/latest:2"));
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot scan {}: it holds no image", path.display())), "{text}");
    assert!(text.contains("(also docker.io/library/latest:2)"), "{text}");
}

#[test]
fn archives_that_do_not_inflate_are_damaged_and_not_forbidden() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    let whole = ImageBuilder::tar(&image(Compress::None).docker_archive());
    for (compress, name) in [(Compress::Gzip, "gzip"), (Compress::Zstd, "zstd")] {
        let stored = compress.store(&whole);
        std::fs::write(&path, &stored[..stored.len() / 2]).unwrap();
        let error = refused(&path, Choice::default());
        assert_eq!(error.code(), Code::ImageInvalid);
        assert!(error.to_string().ends_with(&format!("cannot inflate it: the {name} stream ends early")), "{error}");
        let limits = Limits { inflated_bytes: 1000, ..Limits::default() };
        std::fs::write(&path, &stored).unwrap();
        let error = sekisho_scan::scan_image(&path, &Options { limits, ..options() }).unwrap_err();
        assert_eq!(error.code(), Code::LimitExceeded);
        assert!(error.to_string().contains("limits.inflated_bytes"), "{error}");
    }
    for (bytes, form) in [(&b"BZh91AY"[..], "bzip2"), (b"\x04\x22\x4d\x18", "lz4"), (b"]\0\0\x80", "lzma")] {
        std::fs::write(&path, bytes).unwrap();
        let error = refused(&path, Choice::default());
        assert_eq!((error.code(), error.hint().as_deref()), (Code::SourceUnknown, Some("use gzip, zstd, xz or none")));
        assert!(error.to_string().contains(form), "{error}");
    }
}

#[test]
fn what_is_no_path_of_an_image_is_told_how_to_become_one() {
    let directory = tempfile::tempdir().unwrap();
    let hint = |name: &str| refused(Path::new(name), Choice::default()).hint().unwrap_or_default();
    for name in ["docker://Shop", "registry:example.com/shop:a:b", "docker://shop@sha256:00"] {
        assert!(hint(name).contains("registry.example.org/team/app:1.0"), "{name}");
    }
    for name in ["-", "/dev/null"] {
        assert!(hint(name).contains("save it to a file first"), "{name}");
    }
    assert_eq!(hint("nowhere/shop.tar"), "");
    let path = directory.path().join("rootfs.tar");
    std::fs::write(&path, base_layer().build()).unwrap();
    assert!(refused(&path, Choice::default()).hint().unwrap().contains("scan fs"));
}

#[test]
fn a_base_that_is_of_no_use_says_why() {
    let (directory, path) = write(&image(Compress::None).oci_layout());
    let load = |path: &Path| KnownBases::load(path, &options());
    let other = directory.path().join("other.tar");
    let layer = LayerBuilder::new().file("other", "").build();
    ImageBuilder::write_tar(&ImageBuilder::new("other:1").layer("COPY", &layer, Compress::None).oci_layout(), &other);
    let with = |bases: KnownBases| sekisho_scan::scan_image(&path, &Options { bases, ..options() }).unwrap();
    let inventory = with(load(&other).unwrap());
    assert_eq!(codes(&inventory), [Code::BaseUnmatched]);
    assert!(inventory.complete);
    assert_eq!(codes(&with(load(&path).unwrap())), []);
    let whole = std::fs::read(&other).unwrap();
    std::fs::write(&other, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(load(&other).unwrap_err().code(), Code::ImageInvalid);
    assert_eq!(load(&directory.path().join("none.tar")).unwrap_err().code(), Code::SourceMissing);
    let list = directory.path().join("bases.toml");
    std::fs::write(&list, "[[base]]\nname = \"x\"\ndiff_ids = []\n").unwrap();
    assert_eq!(load(&list).unwrap_err().code(), Code::BaseUnusable);
}
