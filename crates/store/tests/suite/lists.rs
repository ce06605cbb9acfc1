//! Lists, filtered and a part at a time: what the database gives is what looking at every entry gives.

use crate::inventories::{inventory, put};
use crate::{World, at, suite};
use sekisho_api::Wanted;
use sekisho_api::filter::{Filter, Value};
use sekisho_api::rows::{FindingEntry, InventoryEntry};
use sekisho_model::{AssessedBy, FindingStatus, Likelihood, PackageFinding, Severity, Vulnerability};
use sekisho_store::{JudgedPackage, Store};

suite!(inventories_are_filtered, findings_are_filtered, what_was_then_is_listed, vulnerabilities_are_counted);

async fn inventories_are_filtered(world: World) {
    let store = &world.store;
    for (name, observed, packages) in [
        ("web", 10, &[("a", "1"), ("b", "1")][..]),
        ("Web-Shop", 20, &[("a", "1")]),
        ("100%_\\x", 30, &[]),
        ("日本", 40, &[("c", "1"), ("d", "1"), ("e", "1")]),
    ] {
        put(store, &inventory(name, observed, packages), at(observed)).await;
    }
    let all = store.inventory_list(&Wanted::first(100)).await.unwrap().items;
    assert_eq!(all.len(), 4);
    for text in [
        "name = web",
        "name : WEB",
        "name : \"%\"",
        "name : \"_\\\\\"",
        "name : \"'\"",
        "not name : web",
        "name in (web, \"日本\")",
        "packages >= 2 and os = debian-12",
        "packages > 2 or packages < 1",
        "complete = false",
        "complete = true",
        "observed_at >= 1970-01-01T00:00:30Z",
        "not (observed_at >= 1970-01-01T00:00:30Z or packages = 1)",
        "not not packages != 1",
        "identity != web and (os : ubuntu or name != x)",
    ] {
        let filter = Filter::parse(text, InventoryEntry::FIELDS).unwrap();
        let values = |entry: &InventoryEntry| {
            vec![
                Value::Text(entry.identity.clone()),
                Value::Text(entry.name.clone()),
                Value::Text(entry.os.clone()),
                Value::Number(i64::from(entry.complete)),
                Value::Number(entry.packages as i64),
                Value::Number(entry.observed_at.as_microsecond()),
            ]
        };
        let expect: Vec<InventoryEntry> = all.iter().filter(|entry| filter.holds(&values(entry))).cloned().collect();
        for limit in [1, 2, 100] {
            let mut wanted = Wanted { filter: Some(filter.clone()), ..Wanted::first(limit) };
            let mut found = Vec::new();
            loop {
                let page = store.inventory_list(&wanted).await.unwrap();
                found.extend(page.items);
                let Some(next) = page.next else { break };
                wanted.after = next.0;
            }
            assert_eq!(found, expect, "{text}, {limit} at a time");
        }
    }
}

fn finding(vulnerability: &str, severity: Severity, fixed_in: &[&str]) -> PackageFinding {
    PackageFinding {
        vulnerability: vulnerability.to_owned(),
        severity,
        status: FindingStatus::Affected,
        fixed_in: fixed_in.iter().map(|version| (*version).to_owned()).collect(),
        sources: Vec::new(),
    }
}

/// Says of every package that is due what `says` has for its name.
async fn judge(store: &Store, digest: &str, now: i64, says: impl Fn(&str) -> Vec<PackageFinding>) {
    store.database_adopt(&AssessedBy { digest: digest.to_owned(), ..AssessedBy::default() }, at(now)).await.unwrap();
    store.package_mark(None).await.unwrap();
    let due = store.package_due().await.unwrap();
    let judged: Vec<JudgedPackage> = due
        .into_iter()
        .map(|package| JudgedPackage { findings: says(&package.subject.facts.name), package, obstacle: None })
        .collect();
    let known = |id: &str, probability: Option<f32>| Vulnerability {
        id: id.to_owned(),
        title: format!("about {id}"),
        likelihood: probability.map(|probability| Likelihood { probability, percentile: 0.5 }),
        ..Vulnerability::default()
    };
    let met = [known("CVE-1", Some(0.5)), known("CVE-2", None), known("CVE-3", Some(0.01))];
    store.package_judged(digest, &judged, &met, at(now)).await.unwrap().unwrap();
    store.database_prepared(digest).await.unwrap();
}

async fn world_with_findings(store: &Store) {
    put(store, &inventory("one", 1, &[("a", "1"), ("b", "1")]), at(1)).await;
    put(store, &inventory("two", 1, &[("a", "1"), ("c", "1")]), at(2)).await;
    judge(store, "first", 10, |name| match name {
        "a" => vec![finding("CVE-1", Severity::High, &["2"]), finding("CVE-2", Severity::Low, &[])],
        "b" => vec![finding("CVE-1", Severity::Critical, &[])],
        _ => Vec::new(),
    })
    .await;
    // What was said of a is said no more, and of c something is new.
    judge(store, "second", 20, |name| match name {
        "a" => vec![finding("CVE-2", Severity::Low, &[])],
        "b" => vec![finding("CVE-1", Severity::Critical, &[])],
        _ => vec![finding("CVE-3", Severity::Medium, &["3"])],
    })
    .await;
}

fn told(entries: &[FindingEntry]) -> Vec<(String, &str, u64)> {
    let told =
        entries.iter().map(|entry| (entry.finding.vulnerability.clone(), entry.package.as_str(), entry.inventories));
    told.collect()
}

async fn findings_are_filtered(world: World) {
    let store = &world.store;
    world_with_findings(store).await;
    let all = store.finding_list(&Wanted::first(100), None, None).await.unwrap().items;
    let mut sorted = told(&all);
    sorted.sort();
    let row = |id: &str, package: &'static str, inventories| (id.to_owned(), package, inventories);
    assert_eq!(
        sorted,
        [row("CVE-1", "pkg:npm/b@1", 1), row("CVE-2", "pkg:npm/a@1", 2), row("CVE-3", "pkg:npm/c@1", 1)]
    );
    for text in [
        "severity >= medium",
        "severity < medium or fixable = true",
        "likelihood >= 0.5",
        "likelihood < 0.02",
        "not likelihood > 0.1",
        "exploited = false and kind = npm",
        "package in (a, c)",
        "vulnerability : cve-1",
        "since >= 1970-01-01T00:00:20Z",
    ] {
        let filter = Filter::parse(text, FindingEntry::FIELDS).unwrap();
        let values = |entry: &FindingEntry| {
            let name = entry.package.as_str().split(['/', '@']).nth(1).unwrap();
            vec![
                Value::Text(entry.finding.vulnerability.clone()),
                Value::Number(entry.finding.severity as i64),
                Value::Number(i64::from(!entry.finding.fixed_in.is_empty())),
                Value::Number(i64::from(entry.exploited)),
                Value::Number((entry.likelihood.unwrap_or(0.0) * 1e6).round() as i64),
                Value::Text(name.to_owned()),
                Value::Text("npm".to_owned()),
                Value::Number(entry.since.as_microsecond()),
            ]
        };
        let expect: Vec<FindingEntry> = all.iter().filter(|entry| filter.holds(&values(entry))).cloned().collect();
        assert!(!expect.is_empty() && expect.len() < all.len() || text.contains("exploited"), "{text}");
        let wanted = Wanted { filter: Some(filter), ..Wanted::first(100) };
        assert_eq!(store.finding_list(&wanted, None, None).await.unwrap().items, expect, "{text}");
    }
    let mut wanted = Wanted::first(1);
    let mut found = Vec::new();
    loop {
        let page = store.finding_list(&wanted, None, None).await.unwrap();
        found.extend(page.items);
        let Some(next) = page.next else { break };
        wanted.after = next.0;
    }
    assert_eq!(found, all);
}

async fn what_was_then_is_listed(world: World) {
    let store = &world.store;
    world_with_findings(store).await;
    let list = async |inventory: Option<&str>, when: Option<i64>| {
        let page = store.finding_list(&Wanted::first(100), inventory, when.map(at)).await.unwrap();
        let mut ids: Vec<String> = page.items.into_iter().map(|entry| entry.finding.vulnerability).collect();
        ids.sort();
        ids.join(" ")
    };
    assert_eq!(list(None, None).await, "CVE-1 CVE-2 CVE-3");
    assert_eq!(list(Some("one"), None).await, "CVE-1 CVE-2");
    assert_eq!(list(Some("two"), None).await, "CVE-2 CVE-3");
    assert_eq!(list(Some("three"), None).await, "");
    assert_eq!(list(None, Some(15)).await, "CVE-1 CVE-1 CVE-2");
    assert_eq!(list(Some("two"), Some(15)).await, "CVE-1 CVE-2");
    assert_eq!(list(Some("two"), Some(5)).await, "");
    // What no inventory has any more is nobody's.
    assert!(store.inventory_delete("two").await.unwrap());
    assert_eq!(list(None, None).await, "CVE-1 CVE-2");
}

async fn vulnerabilities_are_counted(world: World) {
    let store = &world.store;
    world_with_findings(store).await;
    let entries = store.vulnerability_entries(&Wanted::first(100)).await.unwrap().items;
    let told: Vec<(&str, Severity, u64, u64)> =
        entries.iter().map(|entry| (entry.id.as_str(), entry.severity, entry.packages, entry.inventories)).collect();
    assert_eq!(
        told,
        [("CVE-1", Severity::Critical, 1, 1), ("CVE-2", Severity::Low, 1, 2), ("CVE-3", Severity::Medium, 1, 1)]
    );
    assert_eq!(entries[0].title, "about CVE-1");
    let mut packages = store.package_entries(&Wanted::first(100)).await.unwrap().items;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let told: Vec<(&str, u64, u64, bool)> =
        packages.iter().map(|entry| (entry.purl.as_str(), entry.inventories, entry.findings, entry.due)).collect();
    assert_eq!(told, [("pkg:npm/a@1", 2, 1, false), ("pkg:npm/b@1", 1, 1, false), ("pkg:npm/c@1", 1, 1, false)]);
    let hits = |at| async move { store.vulnerability_hits("CVE-2", at, &Wanted::first(1)).await.unwrap() };
    let first = hits(None).await;
    assert_eq!(first.items[0].inventory, "one");
    let rest = Wanted { after: first.next.unwrap().0, ..Wanted::first(1) };
    let second = store.vulnerability_hits("CVE-2", None, &rest).await.unwrap();
    assert_eq!((second.items[0].inventory.as_str(), second.next), ("two", None));
}
