//! Images in the stores of engines: real stores, and what may be wrong with one.

use super::*;
use sekisho_model::{Digest, SourceKind};
use sekisho_oci::StorageFiles;
use sekisho_scan::Cache;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// The fixture of this name, unpacked.
fn fixture(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stores/fixtures").join(format!("{name}.tar.zst"));
    let plain = zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap();
    tar::Archive::new(&plain[..]).unpack(folder.path()).unwrap();
    folder
}

/// The image as an archive.
fn archive() -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stores/fixtures/image.tar.zst");
    let file = folder.path().join("image.tar");
    fs::write(&file, zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap();
    scan(&file)
}

fn stores(root: &Path) -> Stores {
    Stores { containerd: root.to_owned(), containers: vec![root.to_owned()], files: StorageFiles::default() }
}

fn scan_with(root: &Path, name: &str, change: impl FnOnce(&mut Options<'_>)) -> Result<Inventory, ScanError> {
    let mut options = Options { stores: stores(root), ..options() };
    change(&mut options);
    sekisho_scan::scan_image(Path::new(name), &options)
}

fn scan_in(root: &Path, name: &str) -> Result<Inventory, ScanError> {
    scan_with(root, name, |_| {})
}

/// The one file below `root` whose path ends so.
fn find(root: &Path, end: &str) -> PathBuf {
    let mut pending = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                pending.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().next().unwrap()
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

const EXPECT: [&str; 5] =
    ["base-files 12.4 @0", "libc6 2.36-9 @0", "left-pad 1.3.0 @1", "left-pad 1.3.0 @1", "new 3.0.0 @2"];

fn check(name: &str, image: &str, kind: SourceKind) {
    let store = fixture(name);
    let inventory = scan_in(store.path(), image).unwrap();
    assert!(inventory.complete, "{name}: {:?}", inventory.diagnostics);
    assert_eq!((inventory.source.kind, inventory.source.name.as_str()), (kind, image));
    let unverified = (kind == SourceKind::ContainersStorage).then_some(Code::DigestUnverified);
    assert_eq!(codes(&inventory), Vec::from_iter(unverified), "{name}");
    let expected = archive();
    assert_eq!(packages(&inventory), EXPECT);
    assert_eq!(removed(&inventory), ["gone 2.0.0 @1 -2 Opaque", "old 1.0.0 @1 -2 Whiteout"]);
    assert_eq!(inventory.packages, expected.packages);
    assert_eq!(removed(&inventory), removed(&expected));
    let (image, expected) = (inventory.image.unwrap(), expected.image.unwrap());
    assert_eq!(image.config_digest, expected.config_digest);
    // The archive has no annotations.
    assert!(expected.labels.iter().all(|label| image.labels.contains(label)));
    assert_eq!(image.history, expected.history);
    let facts = |layers: &[sekisho_model::Layer]| -> Vec<_> {
        layers.iter().map(|layer| (layer.diff_id.unwrap(), layer.plain_bytes, layer.entries)).collect()
    };
    assert_eq!(facts(&image.layers), facts(&expected.layers), "layers are what they were, byte for byte");
    assert!(image.manifest_digest.is_some());
}

#[test]
fn an_image_of_a_real_store_is_what_it_is_as_an_archive() {
    check("containers-overlay", "containers-storage:example.org/team/app:1.0", SourceKind::ContainersStorage);
    check("containers-overlay", "podman:team/app", SourceKind::ContainersStorage);
    check("containers-overlay", "podman:e2926d0f66c6", SourceKind::ContainersStorage);
    check("containers-vfs", "podman:app:1.0", SourceKind::ContainersStorage);
    check("containerd", "containerd:example.org/team/app:1.0", SourceKind::Containerd);
    check("containerd", "containerd:k8s.io/app:1.0", SourceKind::Containerd);
    check("containerd", "containerd:team/service-70:2024.70", SourceKind::Containerd);
    check("containerd", "containerd:e2926d0f66c6", SourceKind::Containerd);
}

#[test]
fn names_are_those_of_the_image_and_choices_are_told() {
    let store = fixture("containers-overlay");
    let names = |image: &str| scan_in(store.path(), image).unwrap().image.unwrap().names;
    assert_eq!(names("podman:app:1.0"), ["example.org/team/app:1.0", "example.org/team/app:latest"]);
    let digest = scan_in(store.path(), "podman:app:1.0").unwrap().image.unwrap().manifest_digest.unwrap();
    assert_eq!(names(&format!("podman:team/app@{digest}")).len(), 2);
    let refused = |root: &Path, image: &str, code: Code, said: &str| {
        let error = scan_in(root, image).unwrap_err();
        let text = format!("{error}, {}", error.hint().unwrap_or_default());
        assert!(error.code() == code && text.contains(said), "{text}");
    };
    refused(store.path(), "podman:nginx", Code::ImageAbsent, "it holds example.org/base:1, example.org/team/app:1.0");
    refused(store.path(), &format!("podman:base@{digest}"), Code::ImageAbsent, "no image");
    let containerd = fixture("containerd");
    let said =
        "default/registry.example.org/team/service-01:2024.01, k8s.io/registry.example.org/team/service-01:2024.01";
    refused(containerd.path(), "containerd:service-01:2024.01", Code::ImageAmbiguous, said);
    assert_eq!(
        scan_in(containerd.path(), "containerd:k8s.io/service-01:2024.01").unwrap().image.unwrap().layers.len(),
        1
    );
    refused(containerd.path(), "containerd:nginx", Code::ImageAbsent, "and 65 more");
    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), "containerd:nginx", Code::SourceMissing, "--store");
    refused(empty.path(), "podman:nginx", Code::SourceMissing, "no store of containers/storage");
    refused(&empty.path().join("absent"), "podman:nginx", Code::SourceMissing, "absent");
    // A platform and a name of an archive are held to.
    let other = Choice { platform: Some("linux/s390x".parse().unwrap()), name: None };
    for (store, name) in [(&store, "podman:app:1.0"), (&containerd, "containerd:app:1.0")] {
        let error = scan_with(store.path(), name, |options| options.choice = other.clone()).unwrap_err();
        assert_eq!(error.code(), Code::PlatformAbsent, "{error}");
        let named = Choice { platform: None, name: Some("2.0".into()) };
        let error = scan_with(store.path(), name, |options| options.choice = named).unwrap_err();
        assert_eq!(error.code(), Code::ImageAbsent, "{error}");
    }
}

#[test]
fn stores_that_build_on_each_other_are_one() {
    let (own, shared) = (fixture("containers-overlay"), fixture("containers-overlay"));
    // The image is in one, all but its uppermost layer in the other.
    let both = vec![own.path().to_owned(), shared.path().to_owned()];
    let ids = |keep: fn(usize) -> bool| {
        move |list: &mut Value| {
            let mut index = 0..;
            list.as_array_mut().unwrap().retain(|_| index.next().is_some_and(keep));
        }
    };
    edit(&own.path().join("overlay-layers/layers.json"), ids(|index| index == 2));
    edit(&shared.path().join("overlay-layers/layers.json"), ids(|index| index < 2));
    edit(&shared.path().join("overlay-images/images.json"), |list| *list = Value::Null);
    let set = |options: &mut Options<'_>| options.stores.containers.clone_from(&both);
    let inventory = scan_with(own.path(), "podman:app:1.0", set).unwrap();
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    assert_eq!(packages(&inventory), EXPECT);
    let inventory = scan_in(own.path(), "podman:app:1.0").unwrap();
    assert_eq!(codes(&inventory), [Code::BlobMissing, Code::BlobMissing, Code::DigestUnverified]);
}

#[test]
fn a_file_of_a_layer_that_is_another_keeps_the_result_from_being_complete() {
    let told = |change: fn(&Path)| {
        let store = fixture("containers-overlay");
        change(&find(store.path(), "diff/app/node_modules/left-pad/package.json"));
        let inventory = scan_in(store.path(), "podman:app:1.0").unwrap();
        let said: Vec<String> = inventory.incomplete().map(ToString::to_string).collect();
        let mut codes: Vec<Code> = inventory.incomplete().map(|told| told.code).collect();
        codes.dedup();
        assert!(packages(&inventory).contains(&"new 3.0.0 @2".to_owned()), "the other layers count");
        (codes, said.join("; "))
    };
    let (codes, said) = told(|path| fs::write(path, npm("left-pad", "1.3.9").replace(' ', "")).unwrap());
    assert!(codes.contains(&Code::DigestMismatch) && said.contains("diffID should be"), "{said}");
    let (codes, said) = told(|path| fs::write(path, npm("left-pad", "1.3.10")).unwrap());
    assert!(codes.contains(&Code::DigestMismatch) && said.contains("bytes in the store"), "{said}");
    let (codes, said) = told(|path| fs::remove_file(path).unwrap());
    assert!(codes.contains(&Code::FileUnreadable) && codes.contains(&Code::DigestMismatch), "{said}");
    // A link to the same content elsewhere is not followed.
    let (codes, said) = told(|path| {
        let outside = path.parent().unwrap().parent().unwrap().join("outside");
        fs::rename(path, &outside).unwrap();
        symlink(&outside, path).unwrap();
    });
    assert!(codes.contains(&Code::DigestMismatch) && said.contains("symbolic link"), "{said}");
    let (codes, said) = told(|path| {
        let directory = path.parent().unwrap();
        let moved = directory.with_file_name("moved");
        fs::rename(directory, &moved).unwrap();
        symlink(&moved, directory).unwrap();
    });
    assert!(codes.contains(&Code::DigestMismatch) && said.contains("cannot be read in the store"), "{said}");
}

#[test]
fn lists_that_lie_are_refused_or_told() {
    let top = "overlay-layers/layers.json";
    let scanned = |change: &dyn Fn(&Path)| {
        let store = fixture("containers-overlay");
        change(store.path());
        scan_in(store.path(), "podman:app:1.0")
    };
    // That digests are not those of the manifest is always told.
    let told = |change: &dyn Fn(&Path)| -> Vec<Code> {
        let codes = codes(&scanned(change).unwrap()).into_iter();
        codes.filter(|code| *code != Code::DigestUnverified).collect()
    };
    let refused = |change: &dyn Fn(&Path)| {
        let error = scanned(change).unwrap_err();
        (error.code(), error.to_string())
    };
    assert!(told(&|_| {}).is_empty());
    // Layers that are their own parents, or go up for ever.
    assert_eq!(told(&|root| edit(&root.join(top), |list| list[2]["parent"] = list[2]["id"].clone())).len(), 2);
    let (code, said) = refused(&|root| {
        edit(&root.join(top), |list| {
            let layers = list.as_array_mut().unwrap();
            layers[0]["parent"] = "more0".into();
            layers.extend((0..1000).map(|n| json!({ "id": format!("more{n}"), "parent": format!("more{}", n + 1) })));
        });
    });
    assert!(code == Code::ImageInvalid && said.contains("more layers"), "{said}");
    // Ids that are paths.
    for id in ["../escape", "/etc", "a/b", "..", "."] {
        let change = |root: &Path| {
            edit(&root.join(top), |list| list[0]["id"] = id.into());
            edit(&root.join(top), |list| list[1]["parent"] = id.into());
        };
        assert_eq!(told(&change), [Code::ImageInvalid], "{id}");
        let (code, _) = refused(&|root| {
            edit(&root.join("overlay-images/images.json"), |list| {
                for image in list.as_array_mut().unwrap() {
                    image["id"] = id.into();
                }
            });
        });
        assert_eq!(code, Code::ImageInvalid);
    }
    assert_eq!(
        told(&|root| edit(&root.join(top), |list| list[1]["flags"] = json!({"incomplete": true}))),
        [Code::BlobMissing]
    );
    assert_eq!(told(&|root| fs::write(root.join(top), "null").unwrap()), [Code::BlobMissing; 3]);
    assert_eq!(told(&|root| fs::remove_file(find(root, "tar-split.gz")).unwrap()), [Code::BlobMissing]);
    let cut = |root: &Path| {
        let path = find(root, "tar-split.gz");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    assert!(told(&cut).contains(&Code::LayerUnreadable));
    for (text, said) in [("[", "not valid JSON"), ("{}", "not of the form"), ("[{\"id\":7}]", "not of the form")] {
        for list in ["overlay-layers/layers.json", "overlay-images/images.json"] {
            let (code, told) = refused(&|root| fs::write(root.join(list), text).unwrap());
            assert!(code == Code::ImageInvalid && told.contains(said), "{told}");
        }
    }
    // Documents are what they are named by.
    let (code, _) = refused(&|root| {
        let id = "e2926d0f66c67a90ea13e44158374eb03f1f94fe17b359bb1ae8901dc272f19e";
        let path = root.join("overlay-images").join(id).join("manifest");
        let mut bytes = fs::read(&path).unwrap();
        bytes.push(b'\n');
        fs::write(path, bytes).unwrap();
    });
    assert_eq!(code, Code::DigestMismatch);
}

#[test]
fn a_list_of_any_length_is_bounded() {
    let store = fixture("containers-overlay");
    let list = store.path().join("overlay-images/images.json");
    let set = |bytes| move |options: &mut Options<'_>| options.limits.text_file_bytes = bytes;
    let error = scan_with(store.path(), "podman:app:1.0", set(1000)).unwrap_err();
    assert!(error.code() == Code::LimitExceeded && error.to_string().contains("limits.text_file_bytes"), "{error}");
    edit(&list, |list| {
        let images = list.as_array_mut().unwrap();
        images
            .extend((0..100_000).map(|n| json!({ "id": format!("{n:064x}"), "names": [format!("localhost/i{n}:1")] })));
    });
    assert_eq!(packages(&scan_in(store.path(), "podman:app:1.0").unwrap()), EXPECT);
    let error = scan_in(store.path(), "podman:absent").unwrap_err().to_string();
    assert!(error.len() < 1000 && error.contains("more"), "{error}");
}

#[test]
fn containerd_without_a_blob_or_with_a_damaged_database_says_so() {
    let store = fixture("containerd");
    let inventory = scan_in(store.path(), "containerd:app:1.0").unwrap();
    let top = inventory.image.unwrap().layers[2].digest.unwrap();
    let blob = |digest: Digest| store.path().join("io.containerd.content.v1.content/blobs/sha256").join(digest.hex());
    let bytes = fs::read(blob(top)).unwrap();
    fs::write(blob(top), [&bytes[..], b"x"].concat()).unwrap();
    assert_eq!(codes(&scan_in(store.path(), "containerd:app:1.0").unwrap()), [Code::DigestMismatch]);
    fs::remove_file(blob(top)).unwrap();
    let inventory = scan_in(store.path(), "containerd:app:1.0").unwrap();
    assert_eq!(codes(&inventory), [Code::BlobMissing]);
    assert!(packages(&inventory).contains(&"left-pad 1.3.0 @1".to_owned()));
    let config = inventory.image.unwrap().config_digest;
    fs::remove_file(blob(config)).unwrap();
    let error = scan_in(store.path(), "containerd:app:1.0").unwrap_err();
    assert_eq!(error.code(), Code::BlobMissing, "{error}");
    let database = store.path().join("io.containerd.metadata.v1.bolt/meta.db");
    let whole = fs::read(&database).unwrap();
    for length in [0, 100, 4096, 20_000, 300_000] {
        fs::write(&database, &whole[..length]).unwrap();
        let error = scan_in(store.path(), "containerd:base:1").unwrap_err();
        assert_eq!(error.code(), Code::ImageInvalid, "{length}: {error}");
    }
    fs::write(&database, vec![0; 8192]).unwrap();
    let error = scan_in(store.path(), "containerd:base:1").unwrap_err().to_string();
    assert!(error.contains("the database of containerd's images is no bbolt database"), "{error}");
}

#[test]
fn the_cache_knows_an_unpacked_layer_only_by_its_bytes() {
    let store = fixture("containers-overlay");
    let folder = tempfile::tempdir().unwrap();
    let cached = |options: &mut Options<'_>| options.cache = Some(Cache::new(folder.path().join("cache"), 1 << 30));
    let first = scan_with(store.path(), "podman:app:1.0", cached).unwrap();
    assert_eq!(scan_with(store.path(), "podman:app:1.0", cached).unwrap(), first);
    let path = find(store.path(), "diff/app/node_modules/left-pad/package.json");
    let times = fs::metadata(&path).unwrap().modified().unwrap();
    let text = fs::read_to_string(&path).unwrap().replace("1.3.0", "1.3.7");
    fs::write(&path, text).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(times).unwrap();
    let changed = scan_with(store.path(), "podman:app:1.0", cached).unwrap();
    assert_eq!(codes(&changed), [Code::DigestMismatch, Code::DigestUnverified]);
    assert!(packages(&changed).contains(&"left-pad 1.3.7 @1".to_owned()), "{:?}", packages(&changed));
}

#[test]
fn reading_leaves_a_store_as_it_is() {
    for (name, image) in [("containers-overlay", "podman:app:1.0"), ("containerd", "containerd:app:1.0")] {
        let store = fixture(name);
        let mut directories = vec![store.path().to_owned()];
        let mut all = Vec::new();
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.symlink_metadata().unwrap().is_dir() {
                    directories.push(path.clone());
                }
                all.push(path);
            }
        }
        let state = |path: &PathBuf| {
            let metadata = path.symlink_metadata().unwrap();
            (metadata.modified().unwrap(), metadata.len(), metadata.permissions().mode())
        };
        let before: Vec<_> = all.iter().map(state).collect();
        scan_in(store.path(), image).unwrap();
        assert_eq!(all.iter().map(state).collect::<Vec<_>>(), before);
    }
}
