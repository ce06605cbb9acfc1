//! Findings, as they come and go.

use crate::inventories::{inventory, put};
use crate::{World, at, suite};
use sekisho_api::Wanted;
use sekisho_api::rows::JudgingDatabase;
use sekisho_model::{AssessedBy, FindingSource, FindingStatus, PackageFinding, Severity, Vulnerability};
use sekisho_store::{JudgedPackage, PackageNumber, Store, Transitions};

suite!(
    what_a_database_says_is_opened_and_closed,
    what_was_known_then_can_be_told,
    what_cannot_be_judged_is_not_closed,
    packages_are_judged_once_by_each_database,
    one_database_judges_at_a_time,
    packages_are_marked,
);

fn finding(vulnerability: &str, fixed: Option<&str>) -> PackageFinding {
    let fixed_in = fixed.map(str::to_owned);
    let status = if fixed.is_some() { FindingStatus::Fixed } else { FindingStatus::Affected };
    let source =
        FindingSource { feed: "osv".to_owned(), advisory: "A-1".to_owned(), status, fixed_in: fixed_in.clone() };
    PackageFinding {
        vulnerability: vulnerability.to_owned(),
        severity: Severity::High,
        status,
        fixed_in: fixed_in.into_iter().collect(),
        sources: vec![source],
    }
}

/// Has all that is due judged by `database`, which says `findings` of the package `a`.
async fn judge(
    store: &Store,
    database: &str,
    findings: &[PackageFinding],
    obstacle: Option<&str>,
    now: i64,
) -> Transitions {
    adopt(store, database, now).await;
    let judged: Vec<JudgedPackage> = (store.package_due().await.unwrap().into_iter())
        .map(|package| {
            let is_it = package.subject.facts.name == "a";
            JudgedPackage {
                findings: if is_it { findings.to_vec() } else { Vec::new() },
                obstacle: obstacle.map(str::to_owned),
                package,
            }
        })
        .collect();
    let known = findings.iter().map(|it| Vulnerability { id: it.vulnerability.clone(), ..Vulnerability::default() });
    store.package_judged(database, &judged, &known.collect::<Vec<_>>(), at(now)).await.unwrap().unwrap()
}

/// Has all packages judged by `database`, if another judged so far.
async fn adopt(store: &Store, database: &str, now: i64) {
    store.database_adopt(&by(database), at(now)).await.unwrap();
    if !store.database_current().await.unwrap().unwrap().prepared {
        store.package_mark(None).await.unwrap();
        store.database_prepared(database).await.unwrap();
    }
}

fn by(digest: &str) -> AssessedBy {
    AssessedBy { digest: digest.to_owned(), ..AssessedBy::default() }
}

/// Who had it, since when, and where it is fixed.
async fn hits(store: &Store, id: &str, when: i64) -> Vec<(String, String, i64, Vec<String>)> {
    let hits = store.vulnerability_hits(id, Some(at(when)), &Wanted::first(100)).await.unwrap().items;
    let told = hits
        .into_iter()
        .map(|hit| (hit.inventory, hit.package.as_str().to_owned(), hit.since.as_second(), hit.finding.fixed_in));
    told.collect()
}

fn hit(inventory: &str, since: i64, fixed: &[&str]) -> (String, String, i64, Vec<String>) {
    let fixed = fixed.iter().map(|version| (*version).to_owned()).collect();
    (inventory.to_owned(), "pkg:npm/a@1".to_owned(), since, fixed)
}

async fn what_a_database_says_is_opened_and_closed(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1"), ("b", "1")]), at(1)).await;
    let count = |opened, changed, closed| Transitions { opened, changed, closed };
    let (first, second) = (finding("CVE-1", None), finding("CVE-2", None));
    assert_eq!(judge(store, "x", &[first.clone(), second.clone()], None, 10).await, count(2, 0, 0));
    assert_eq!(judge(store, "y", &[finding("CVE-1", Some("2")), second.clone()], None, 20).await, count(0, 1, 0));
    assert_eq!(judge(store, "z", &[finding("CVE-1", Some("2"))], None, 30).await, count(0, 0, 1));
    assert_eq!(hits(store, "CVE-1", 99).await, [hit("one", 10, &["2"])]);
    assert_eq!(hits(store, "CVE-2", 99).await, []);
    // It comes back: since then, and not since it first was.
    assert_eq!(judge(store, "x", &[second], None, 40).await, count(1, 0, 1));
    assert_eq!(hits(store, "CVE-2", 99).await, [hit("one", 40, &[])]);
    assert_eq!(store.vulnerability_get("CVE-2").await.unwrap().unwrap().id, "CVE-2");
    assert_eq!(store.vulnerability_get("CVE-3").await.unwrap(), None);
}

async fn what_was_known_then_can_be_told(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1")]), at(1)).await;
    judge(store, "x", &[finding("CVE-1", None)], None, 10).await;
    // An image that comes later has what its packages have, from when it is known; what is said anew of it moves nothing.
    put(store, &inventory("two", 1, &[("a", "1")]), at(15)).await;
    put(store, &inventory("two", 2, &[("a", "1"), ("b", "1")]), at(17)).await;
    assert_eq!(store.package_due().await.unwrap().len(), 1);
    judge(store, "y", &[finding("CVE-1", Some("2"))], None, 20).await;
    judge(store, "z", &[], None, 30).await;
    for (when, expect) in [
        (9, vec![]),
        (10, vec![hit("one", 10, &[])]),
        (15, vec![hit("one", 10, &[]), hit("two", 10, &[])]),
        (20, vec![hit("one", 10, &["2"]), hit("two", 10, &["2"])]),
        (30, vec![]),
    ] {
        assert_eq!(hits(store, "CVE-1", when).await, expect, "at {when}");
    }
}

async fn what_cannot_be_judged_is_not_closed(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1")]), at(1)).await;
    judge(store, "x", &[finding("CVE-1", None)], None, 10).await;
    let nothing = judge(store, "y", &[], Some("the database has nothing about it"), 20).await;
    assert_eq!(nothing, Transitions::default());
    assert_eq!(hits(store, "CVE-1", 20).await, [hit("one", 10, &[])]);
    assert_eq!(judge(store, "z", &[], None, 30).await.closed, 1);
}

async fn packages_are_judged_once_by_each_database(world: World) {
    let store = &world.store;
    let names: Vec<String> = (0..5_000).map(|number| format!("p{number}")).collect();
    let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    put(store, &inventory("large", 1, &packages), at(1)).await;
    put(store, &inventory("same", 1, &packages), at(1)).await;
    for (now, database) in (10..).zip(["m", "a", "z"]) {
        adopt(store, database, now).await;
        let mut judged = 0;
        loop {
            let due = store.package_due().await.unwrap();
            if due.is_empty() {
                break;
            }
            judged += due.len();
            judge(store, database, &[], None, now).await;
        }
        assert_eq!(judged, 5_000, "{database}");
    }
}

async fn one_database_judges_at_a_time(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1")]), at(1)).await;
    assert_eq!(store.database_current().await.unwrap(), None);
    judge(store, "x", &[finding("CVE-1", None)], None, 10).await;
    adopt(store, "y", 20).await;
    // Another hub that is still at it says no more.
    let package = store.package_due().await.unwrap().remove(0);
    let late = [JudgedPackage { package, findings: Vec::new(), obstacle: None }];
    assert_eq!(store.package_judged("x", &late, &[], at(21)).await.unwrap(), None);
    assert_eq!(hits(store, "CVE-1", 30).await, [hit("one", 10, &[])]);
    assert_eq!(store.package_due().await.unwrap().len(), 1);
    store.database_adopt(&by("x"), at(22)).await.unwrap();
    let current = |digest: &str, predecessor: Option<&str>, prepared| {
        Some(JudgingDatabase {
            by: by(digest),
            predecessor: predecessor.map(str::to_owned),
            prepared,
            described: false,
        })
    };
    assert_eq!(store.database_current().await.unwrap(), current("x", Some("y"), false));
    // What was not prepared says nothing of the packages that are not due.
    store.database_adopt(&by("z"), at(23)).await.unwrap();
    assert_eq!(store.database_current().await.unwrap(), current("z", None, false));
    store.database_prepared("z").await.unwrap();
    store.database_adopt(&by("z"), at(24)).await.unwrap();
    assert_eq!(store.database_current().await.unwrap(), current("z", None, true));
}

async fn packages_are_marked(world: World) {
    let store = &world.store;
    put(store, &inventory("one", 1, &[("a", "1"), ("b", "1"), ("c", "1")]), at(1)).await;
    judge(store, "x", &[finding("CVE-1", None)], None, 10).await;
    assert_eq!(store.package_due().await.unwrap(), []);
    let mut all = store.package_list(PackageNumber::NONE, 2).await.unwrap();
    all.extend(store.package_list(all[1].number, 2).await.unwrap());
    assert_eq!(all.len(), 3);
    store.package_mark(Some(&[all[1].number])).await.unwrap();
    assert_eq!(store.package_due().await.unwrap(), [all[1].clone()]);
    // What is known of vulnerabilities changes with the database, whatever is judged.
    store.database_adopt(&by("y"), at(20)).await.unwrap();
    assert_eq!(store.vulnerability_list("").await.unwrap(), ["CVE-1"]);
    assert_eq!(store.vulnerability_list("CVE-1").await.unwrap(), Vec::<String>::new());
    let known =
        |title: &str| [Vulnerability { id: "CVE-1".to_owned(), title: title.to_owned(), ..Vulnerability::default() }];
    assert_eq!(store.vulnerability_put("x", &known("late")).await.unwrap(), None);
    assert_eq!(store.vulnerability_put("y", &known("new")).await.unwrap(), Some(1));
    assert_eq!(store.vulnerability_put("y", &known("new")).await.unwrap(), Some(0));
    assert_eq!(store.vulnerability_get("CVE-1").await.unwrap().unwrap().title, "new");
    store.database_described("y").await.unwrap();
    assert!(store.database_current().await.unwrap().unwrap().described);
    store.database_adopt(&by("z"), at(30)).await.unwrap();
    assert!(!store.database_current().await.unwrap().unwrap().described);
}
