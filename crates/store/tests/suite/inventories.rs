//! Inventories and the index of their packages.

use crate::{World, at, suite};
use jiff::Timestamp;
use sekisho_api::Wanted;
use sekisho_model::{
    Code, Diagnostic, INVENTORY_SCHEMA, Inventory, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind,
    Purl, Source, SourceKind, Subject, Tool,
};
use sekisho_store::{NewInventory, Store};

suite!(
    what_is_put_comes_back,
    an_older_scan_changes_nothing,
    lists_go_on_where_they_ended,
    packages_lead_to_who_has_them,
    large_ones_are_kept
);

pub(crate) fn inventory(name: &str, observed: i64, packages: &[(&str, &str)]) -> Inventory {
    let package = |(name, version): &(&str, &str)| {
        let purl: Purl = format!("pkg:npm/{name}@{version}").parse().unwrap();
        Package {
            id: PackageId::new(&purl, "app/package-lock.json"),
            purl,
            facts: PackageFacts::new(PackageKind::Npm, *name, *version),
            location: "app/package-lock.json".to_owned(),
            layer: None,
            origin: Origin::Unknown,
            owned_by: None,
        }
    };
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        tool: Tool { name: "sekisho".to_owned(), version: "0".to_owned() },
        observed_at: at(observed),
        source: Source { kind: SourceKind::FileSystem, name: name.to_owned() },
        image: None,
        os: Some(OsRelease { id: "debian".to_owned(), version_id: "12".to_owned(), ..OsRelease::default() }),
        packages: packages.iter().map(package).collect(),
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: false,
        diagnostics: vec![Diagnostic::incomplete(Code::FileUnreadable, "a\0b \u{fffd} 日本").at("x")],
    }
}

/// Keeps it, its packages to be judged as they are.
pub(crate) async fn put(store: &Store, inventory: &Inventory, now: Timestamp) {
    let subject = |package: &Package| Subject { os: None, facts: package.facts.clone(), owner: None };
    let packages: Vec<(&Purl, Subject)> = inventory.packages.iter().map(|it| (&it.purl, subject(it))).collect();
    let new = NewInventory::new(inventory, &packages).unwrap();
    store.inventory_put(&[new], now).await.unwrap();
}

async fn what_is_put_comes_back(world: World) {
    let store = &world.store;
    let one = inventory("web", 1, &[("left-pad", "1.3.0"), ("日本", "1")]);
    put(store, &one, at(5)).await;
    assert_eq!(store.inventory_get("web").await.unwrap(), Some(one.clone()));
    assert_eq!(store.inventory_get("another").await.unwrap(), None);
    // The same once more is the same.
    put(store, &one, at(6)).await;
    let listed = store.inventory_list(&Wanted::first(10)).await.unwrap().items;
    let [entry] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(
        (&*entry.name, &*entry.os, entry.complete, entry.packages, entry.observed_at),
        ("web", "debian-12", false, 2, at(1))
    );
    assert!(store.inventory_delete("web").await.unwrap());
    assert!(!store.inventory_delete("web").await.unwrap());
    assert_eq!(store.inventory_with(PackageKind::Npm, "left-pad").await.unwrap(), []);
}

async fn an_older_scan_changes_nothing(world: World) {
    let store = &world.store;
    let (old, new) = (inventory("web", 1, &[("a", "1")]), inventory("web", 2, &[("b", "1")]));
    put(store, &new, at(5)).await;
    put(store, &old, at(6)).await;
    assert_eq!(store.inventory_get("web").await.unwrap(), Some(new));
    assert_eq!(store.inventory_with(PackageKind::Npm, "a").await.unwrap(), []);
}

async fn lists_go_on_where_they_ended(world: World) {
    let store = &world.store;
    let names = ["Z", "a", "b", "sha256:1", "sha256:2", "é"];
    for name in names {
        put(store, &inventory(name, 1, &[]), at(1)).await;
    }
    for limit in 1..8 {
        let (mut wanted, mut found) = (Wanted::first(limit), Vec::new());
        loop {
            let page = store.inventory_list(&wanted).await.unwrap();
            found.extend(page.items.into_iter().map(|entry| entry.identity));
            let Some(next) = page.next else { break };
            wanted.after = next.0;
        }
        assert_eq!(found, names, "{limit} at a time");
    }
}

async fn packages_lead_to_who_has_them(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1"), ("a", "2"), ("b", "1")]), at(1)).await;
    put(store, &inventory("two", 1, &[("a", "1")]), at(1)).await;
    let with = async |name: &str| -> Vec<(String, String)> {
        let found = store.inventory_with(PackageKind::Npm, name).await.unwrap();
        found.into_iter().map(|(identity, purl)| (identity, purl.as_str().to_owned())).collect()
    };
    let pair = |identity: &str, purl: &str| (identity.to_owned(), purl.to_owned());
    let (old, new) = ("pkg:npm/a@1", "pkg:npm/a@2");
    assert_eq!(with("a").await, [pair("one", old), pair("one", new), pair("two", old)]);
    assert_eq!(store.inventory_with(PackageKind::Pypi, "a").await.unwrap(), []);
    // A later scan tells what is there now.
    put(store, &inventory("one", 2, &[("a", "2")]), at(2)).await;
    assert_eq!(with("a").await, [pair("one", new), pair("two", old)]);
    assert_eq!(with("b").await, []);
}

/// More packages than one statement takes.
async fn large_ones_are_kept(world: World) {
    let names: Vec<String> = (0..20_000).map(|number| format!("p{number}")).collect();
    let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let large = inventory("large", 1, &packages);
    put(&world.store, &large, at(1)).await;
    assert_eq!(world.store.inventory_get("large").await.unwrap(), Some(large));
    assert_eq!(world.store.inventory_with(PackageKind::Npm, "p19999").await.unwrap().len(), 1);
}
