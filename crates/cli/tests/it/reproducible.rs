//! The same image gives the same document, however it is stored and however it is read.

use super::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn documents_do_not_depend_on_how_they_are_made() {
    let world = World::new();
    for command in ["sbom image app.tar", "scan image app.tar --format json", "scan image app.tar --all-layers"] {
        let first = world.stdout(&format!("{command} --no-cache"));
        let again = |more: &str| assert_eq!(world.stdout(&format!("{command}{more}")), first, "{command}{more}");
        again(" --no-cache");
        again(" --no-cache --jobs 1");
        again(" --no-cache --jobs 4");
        again("");
        again("");
        again(" --rehash");
        world.stdout(&format!("{command} --output document"));
        assert_eq!(std::fs::read_to_string(world.path().join("document")).unwrap(), first);
    }
}

/// At the time that `scan.as_of` says.
#[test]
fn databases_of_the_same_feeds_are_the_same() {
    let world = World::new();
    let [one, other] = ["one", "other"].map(|name| {
        let output =
            world.command("db import findings feed").env("SEKISHO_DATABASE__DIRECTORY", name).output().unwrap();
        assert!(output.status.success());
        std::fs::read(world.path().join(name).join("advisories.skadv")).unwrap()
    });
    assert!(one == other);
}

#[test]
fn packages_do_not_depend_on_how_layers_are_packed() {
    let world = World::new();
    let components = |path: &str| {
        let mut document: Value = serde_json::from_str(&world.stdout(&format!("sbom image {path}"))).unwrap();
        assert!(document["components"].as_array().is_some_and(|components| components.len() > 3));
        document["components"].take()
    };
    let plain = components("plain.tar");
    for packed in ["gzip.tar", "zstd.tar", "app.tar", "app"] {
        assert_eq!(components(packed), plain, "{packed}");
    }
}

/// Layers are remembered by their digest: the second image adds only what it does not share with the first.
#[test]
fn layers_that_were_read_are_not_read_again() {
    let world = World::new();
    let cache = world.path().join("cache");
    let files = || {
        let mut files = BTreeSet::new();
        collect(&cache, &mut files);
        files
    };
    world.stdout("scan image base --no-cache");
    assert!(files().is_empty(), "--no-cache writes nothing: {:?}", files());

    world.stdout("scan image base");
    let of_base = files();
    assert!(!of_base.is_empty());
    world.stdout("scan image base");
    assert_eq!(files(), of_base, "the second run finds everything");

    let app = world.stdout("scan image app --format json");
    let of_both = files();
    assert!(of_both.is_superset(&of_base));
    assert_eq!(of_both.len(), of_base.len() + 2, "two layers are the application's own");

    assert_eq!(world.stdout("scan image app --format json"), app);
    assert_eq!(files(), of_both);

    // What the cache holds is believed: with every layer remembered as the base, the image is not what it says.
    let [remembered] = of_base.iter().collect::<Vec<_>>()[..] else { panic!("the base has one layer: {of_base:?}") };
    for file in of_both.difference(&of_base) {
        std::fs::copy(remembered, file).unwrap();
    }
    assert_eq!(world.command("scan image app").output().unwrap().status.code(), Some(3));

    for file in &of_both {
        std::fs::write(file, "damaged").unwrap();
    }
    assert_eq!(world.stdout("scan image app --format json"), app, "a damaged cache is made anew");
}

fn collect(directory: &Path, files: &mut BTreeSet<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path);
        }
    }
}
