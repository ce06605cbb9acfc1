//! What is no document, and what of one does not count.

use super::*;
use sekisho_model::Level;
use serde_json::{Value, json};

fn told(document: &Value, limits: &Limits) -> (usize, Vec<String>) {
    let (read, diagnostics) = read(document.to_string().as_bytes(), "x.json", limits).unwrap();
    let told = diagnostics.into_iter().map(|said| {
        assert_eq!(said.path.as_deref(), Some("x.json"));
        let level = if said.level == Level::Note { "note" } else { "incomplete" };
        format!("{level} {} {}", said.code, said.message)
    });
    (read.statements.len(), told.collect())
}

#[test]
fn what_is_no_vex_document_is_refused() {
    let check = |text: &str, expect: &str| {
        let error = read(text.as_bytes(), "x.json", &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with(&format!("x.json: {expect}")), "{text}: {error}");
        assert_eq!(error.code(), Code::VexMalformed);
    };
    check("", "is not valid JSON");
    check("[]", "is not of the form that is expected");
    check("{}", "is neither OpenVEX nor CycloneDX nor CSAF");
    check("{\"statements\": 1}", "is not of the form that is expected");
    check("{\"document\": {}}", "is not of the form that is expected");
    check("{\"bomFormat\": \"CycloneDX\", \"vulnerabilities\": [{\"affects\": [{}]}]}", "is not of the form");
    check("{\"predicateType\": \"x\"}", "the attestation of type \"x\" says nothing");
    check("{\"predicateType\": \"x\", \"predicate\": {}}", "is neither OpenVEX");
    check("{\"payloadType\": \"x\", \"payload\": \"*\"}", "the payload of the envelope is not base64");
    check("{\"payloadType\": \"x\", \"payload\": \"e30=\"}", "the attestation of type \"\" says nothing");
    let deep = format!("{{\"@context\": 1, \"statements\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    check(&deep, "is not");
    let limits = Limits { text_file_bytes: 3, ..Limits::default() };
    let error = read(b"{   }", "x.json", &limits).unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded);
}

/// Nothing is dropped without a word. What may have taken something back is incomplete, what names an unknown product
/// can only have said more of others.
#[test]
fn what_does_not_count_is_said() {
    let document = json!({ "@context": "https://openvex.dev/ns", "statements": [
        { "vulnerability": { "name": "CVE-2024-1" }, "products": ["pkg:npm/a", "https://example.com"], "status": "fixed" },
        { "vulnerability": { "name": "CVE-2024-2" }, "products": ["pkg:npm/a"], "status": "resolved" },
        { "vulnerability": {}, "products": ["pkg:npm/a"], "status": "affected" },
        { "vulnerability": { "name": "CVE-2024-3" }, "status": "affected" },
    ]});
    let expect = [
        "incomplete vex.malformed a statement about \"CVE-2024-2\" was skipped: \"resolved\" is no status",
        "incomplete vex.malformed a statement about \"\" was skipped: it does not name a vulnerability",
        "note vex.product_unknown 2 statements name a product by nothing that can be compared: \"https://example.com\"",
    ];
    assert_eq!(told(&document, &Limits::default()), (1, expect.map(str::to_owned).to_vec()));
    let limits = Limits { records: 2, ..Limits::default() };
    let said = json!({ "vulnerability": "CVE-2024-1", "products": ["pkg:npm/a", "pkg:npm/b"], "status": "fixed" });
    let (statements, told) = told(&json!({ "statements": [said, said] }), &limits);
    assert_eq!((statements, told.len()), (2, 1));
    assert!(told[0].starts_with("incomplete limit.exceeded more than the limit of 2 statements"), "{told:?}");
}

#[test]
fn many_reasons_for_many_products_take_no_time_by_both() {
    let ids: Vec<String> = (0..5000).map(|id| format!("p{id}")).collect();
    let flags: Vec<Value> = (0..5000).map(|_| json!({ "label": "x", "group_ids": ["g"] })).collect();
    let long = "y".repeat(100_000);
    let document = json!({
        "document": { "tracking": { "id": "X" } },
        "product_tree": { "product_groups": [{ "group_id": "g", "product_ids": ids }], "full_product_names":
            ids.iter().map(|id| json!({ "product_id": id, "product_identification_helper": { "purl": "pkg:npm/a" } }))
                .collect::<Vec<_>>() },
        "vulnerabilities": [{ "cve": "CVE-2024-1", "flags": flags, "product_status": { "fixed": ids },
            "threats": [{ "category": "impact", "details": long, "product_ids": ids }] }]
    });
    let (read, _) = read(document.to_string().as_bytes(), "x", &Limits::default()).unwrap();
    assert_eq!(read.statements.len(), 5000);
    // One text, however many products it is about.
    let texts: Vec<_> = read.statements.iter().map(|said| said.text.clone().unwrap()).collect();
    assert!(texts.iter().all(|text| Arc::ptr_eq(text, &texts[0])));
    assert_eq!(read.statements[4999].justification.as_deref(), Some("x"));
}

#[test]
fn a_statement_of_cyclonedx_about_nothing_is_said() {
    let of = |state: &str| {
        let analysis = if state.is_empty() { json!(null) } else { json!({ "state": state }) };
        let said = json!({ "id": "CVE-2024-1", "analysis": analysis });
        let document = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [said] });
        told(&document, &Limits::default())
    };
    let expect = "note vex.product_unknown 1 statement names a product by nothing that can be compared: \"CVE-2024-1\"";
    assert_eq!(of("not_affected"), (0, vec![expect.to_owned()]));
    // A list of vulnerabilities says nothing of them.
    assert_eq!(of(""), (0, Vec::new()));
}
