//! Goldens, and what documents say in ways that no golden has.

use super::*;
use crate::feeds::testing;

#[test]
fn goldens() {
    testing::goldens(&FEED, "src/feeds/redhat/fixtures");
}

/// A name that many products share must not be so long that a small file becomes a large database.
#[test]
fn long_names_are_no_names() {
    let long = "x".repeat(100_000);
    let relations: Vec<_> = (0..1000)
        .map(|n| {
            serde_json::json!({ "full_product_name": { "product_id": n.to_string() }, "product_reference": format!("a{n}"),
                "relates_to_product_reference": "p" })
        })
        .collect();
    let ids: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    let document = serde_json::json!({
        "document": { "title": long, "tracking": { "id": "CVE-2024-1" } },
        "product_tree": {
            "branches": [{ "product": { "product_id": "p", "product_identification_helper": { "cpe": long } } }],
            "relationships": relations
        },
        "vulnerabilities": [{ "cve": "CVE-2024-1", "product_status": { "fixed": [], "known_affected": ids } }]
    });
    let advisory = testing::one(&FEED, "cve.json", &document.to_string());
    assert!(advisory.affected.is_empty() && advisory.summary.is_empty());
}

#[test]
fn relationships_that_go_round_end() {
    let relation = |whole: &str, part: &str, above: &str| {
        serde_json::json!({ "full_product_name": { "product_id": whole }, "product_reference": part,
            "relates_to_product_reference": above })
    };
    let document = serde_json::json!({
        "document": { "tracking": { "id": "CVE-2024-1" } },
        "product_tree": { "relationships": [relation("a", "x", "b"), relation("b", "y", "a")] },
        "vulnerabilities": [{ "product_status": { "known_affected": ["a", "b", "c"] } }]
    });
    let (_, read) = testing::read(&FEED, "cve.json", document.to_string().as_bytes());
    assert_eq!((read.advisories, read.aside.values().sum::<usize>()), (1, 3));
}
