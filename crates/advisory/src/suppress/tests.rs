//! Hand-made cases, each with the text that says so, and what must hold of all of them.

use super::*;
use crate::exception;
use crate::vex;
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_model::{
    Digest, FindingId, FindingStatus, Image, PackageFacts, PackageKind, Purl, ScanState, Severity, Source, SourceKind,
    SourcePackage, Tool,
};
use serde_json::{Value, json};

const MANIFEST: &[u8] = b"manifest";
const CONFIG: &[u8] = b"configuration";

fn package(purl: &str, location: &str) -> Package {
    let purl: Purl = purl.parse().unwrap();
    let parts = purl.parts();
    let kind = match &*parts.kind {
        "deb" => PackageKind::Deb,
        "apk" => PackageKind::Apk,
        "rpm" => PackageKind::Rpm,
        "pypi" => PackageKind::Pypi,
        "npm" => PackageKind::Npm,
        "golang" => PackageKind::Golang,
        _ => PackageKind::Generic,
    };
    let source = parts.qualifiers.iter().find(|(key, _)| key == "upstream");
    let source = source.map(|(_, name)| SourcePackage { name: name.clone(), version: parts.version.clone() });
    let name = if parts.namespace.is_empty() || kind.is_os() {
        parts.name
    } else {
        format!("{}/{}", parts.namespace, parts.name)
    };
    Package {
        id: PackageId::new(&purl, location),
        purl,
        facts: PackageFacts { source, ..PackageFacts::new(kind, name, parts.version) },
        location: location.to_owned(),
        layer: None,
        origin: sekisho_model::Origin::Unknown,
        owned_by: None,
    }
}

fn inventory(packages: Vec<Package>, is_image: bool) -> Inventory {
    let image = is_image.then(|| Image {
        names: vec!["ghcr.io/org/app:v1".to_owned()],
        manifest_digest: Some(Digest::of(MANIFEST)),
        config_digest: Digest::of(CONFIG),
        platform: "linux/amd64".parse().unwrap(),
        created: None,
        labels: Vec::new(),
        config: None,
        layers: Vec::new(),
        history: Vec::new(),
        base: None,
    });
    Inventory {
        schema: sekisho_model::INVENTORY_SCHEMA.to_owned(),
        tool: Tool { name: "sekisho".into(), version: "0".into() },
        observed_at: Timestamp::UNIX_EPOCH,
        source: Source { kind: SourceKind::OciLayout, name: "app".into() },
        image,
        os: None,
        packages,
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: true,
        diagnostics: Vec::new(),
    }
}

/// Every package has every vulnerability, of which each is a list of names.
fn assessment(inventory: &Inventory, vulnerabilities: &[&[&str]]) -> Assessment {
    let mut findings = Vec::new();
    for package in &inventory.packages {
        for names in vulnerabilities {
            findings.push(Finding {
                id: FindingId::new("app", &package.id, names[0]),
                vulnerability: names[0].to_owned(),
                package: package.id.clone(),
                severity: Severity::High,
                status: FindingStatus::Fixed,
                fixed_in: Vec::new(),
                sources: Vec::new(),
                suppressed: None,
            });
        }
    }
    let known = vulnerabilities.iter().map(|names| Vulnerability {
        id: names[0].to_owned(),
        aliases: names[1..].iter().map(|name| (*name).to_owned()).collect(),
        ..Vulnerability::default()
    });
    Assessment {
        state: ScanState::Scanned,
        assessed_at: Timestamp::UNIX_EPOCH,
        database: None,
        findings,
        vulnerabilities: known.collect(),
        diagnostics: Vec::new(),
    }
}

fn today() -> Date {
    "2026-06-15".parse().unwrap()
}

fn read(name: &str, document: &Value) -> VexDocument {
    vex::read(document.to_string().as_bytes(), name, &Limits::default()).unwrap().0
}

fn excepted(name: &str, text: &str) -> Exceptions {
    let (exceptions, diagnostics) = exception::read(text.as_bytes(), name, &Limits::default()).unwrap();
    assert_eq!(diagnostics, [], "{text}");
    exceptions
}

/// What becomes of CVE-2024-1 in the package of an image.
fn outcome(documents: &[Value], purl: &str) -> Option<String> {
    let inventory = inventory(vec![package(purl, "usr/lib/x")], true);
    let mut assessment = assessment(&inventory, &[&["CVE-2024-1", "GHSA-aaaa-bbbb-cccc"]]);
    let documents: Vec<VexDocument> = documents.iter().map(|document| read("x.vex.json", document)).collect();
    suppress(&mut assessment, &inventory, &documents, &[], today());
    let Suppression { status, reason, .. } = assessment.findings.remove(0).suppressed?;
    Some(format!("{} {reason}", status.unwrap()).trim_end().to_owned())
}

#[track_caller]
fn check(document: &Value, purl: &str, expect: Option<&str>) {
    assert_eq!(outcome(std::slice::from_ref(document), purl).as_deref(), expect, "{purl}");
}

fn openvex(statements: &Value) -> Value {
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex", "author": "Example",
        "timestamp": "2024-01-01T00:00:00Z", "version": 1, "statements": statements })
}

/// A statement about CVE-2024-1.
fn statement(products: &Value, status: &str) -> Value {
    json!({ "vulnerability": { "name": "CVE-2024-1" }, "products": products, "status": status })
}

const BASH: &str = "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12";

/// OpenVEX, "Status Labels": which of them a scanner may turn an alert off for.
#[test]
fn openvex_statuses() {
    let said = |status: &str| openvex(&json!([statement(&json!([{ "@id": "pkg:deb/debian/bash" }]), status)]));
    check(&said("not_affected"), BASH, Some("not_affected"));
    check(&said("fixed"), BASH, Some("fixed"));
    check(&said("affected"), BASH, None);
    check(&said("under_investigation"), BASH, None);
}

/// OpenVEX, "Vulnerability Struct Fields", and the documents of before 0.2.0.
#[test]
fn openvex_vulnerabilities_by_any_name() {
    let said = |vulnerability: Value| {
        openvex(&json!([{ "vulnerability": vulnerability, "products": [{ "@id": "pkg:deb/debian/bash" }],
            "status": "not_affected", "justification": "component_not_present", "impact_statement": "It is not." }]))
    };
    let yes = Some("not_affected component_not_present: It is not.");
    check(&said(json!({ "name": "CVE-2024-1" })), BASH, yes);
    check(&said(json!({ "name": "cve-2024-1" })), BASH, yes);
    check(&said(json!({ "name": "GHSA-aaaa-bbbb-cccc" })), BASH, yes);
    check(&said(json!({ "name": "X-1", "aliases": ["GHSA-aaaa-bbbb-cccc"] })), BASH, yes);
    check(&said(json!({ "@id": "https://nvd.nist.gov/vuln/detail/CVE-2024-1" })), BASH, yes);
    check(&said(json!("CVE-2024-1")), BASH, yes);
    check(&said(json!({ "name": "CVE-2024-2" })), BASH, None);
    // A notice about several is no alias that makes them one.
    check(&said(json!({ "name": "CVE-2024-2", "aliases": ["GHSA-aaaa-bbbb-cccc"] })), BASH, None);
    let old =
        openvex(&json!([{ "vulnerability": "CVE-2024-1", "products": ["pkg:deb/debian/bash"], "status": "fixed" }]));
    check(&old, BASH, Some("fixed"));
}

/// OpenVEX, "Product Data Structure"; a product with subcomponents is the image, they are its packages
/// (`Statement.Matches` of go-vex, as Trivy and Grype call it).
#[test]
fn openvex_products() {
    let manifest = Digest::of(MANIFEST);
    let check = |product: Value, purl: &str, expect: bool| {
        let document = openvex(&json!([statement(&json!([product]), "not_affected")]));
        assert_eq!(outcome(std::slice::from_ref(&document), purl).is_some(), expect, "{document}");
    };
    let image = format!("pkg:oci/app@{manifest}?repository_url=ghcr.io/org/app");
    let other = format!("pkg:oci/app@{}", Digest::of(b"another"));
    check(json!({ "@id": image }), BASH, true);
    check(json!({ "@id": other }), BASH, false);
    check(json!({ "@id": image, "subcomponents": [{ "@id": "pkg:deb/debian/bash" }] }), BASH, true);
    check(json!({ "@id": image, "subcomponents": [{ "@id": "pkg:deb/debian/zsh" }] }), BASH, false);
    check(json!({ "@id": other, "subcomponents": [{ "@id": "pkg:deb/debian/bash" }] }), BASH, false);
    check(json!({ "@id": "pkg:oci/app", "subcomponents": [{ "@id": "pkg:deb/debian/bash" }] }), BASH, true);
    check(json!({ "@id": "pkg:oci/debian", "subcomponents": [{ "@id": "pkg:deb/debian/bash" }] }), BASH, false);
    // Whether the one is part of the other is not known.
    check(json!({ "@id": "pkg:deb/debian/bash", "subcomponents": [{ "@id": "pkg:deb/debian/bash" }] }), BASH, false);
    check(json!({ "@id": image, "subcomponents": [{ "@id": "https://example.com/part" }] }), BASH, false);
    check(json!({ "@id": "https://example.com/app" }), BASH, false);
    check(json!({ "@id": "https://example.com/app", "hashes": { "sha-256": manifest.hex() } }), BASH, true);
    check(json!({ "@id": "https://example.com/b", "identifiers": { "purl": "pkg:deb/debian/bash" } }), BASH, true);
    check(json!({ "identifiers": { "cpe23": "cpe:2.3:a:gnu:bash:5.2:*:*:*:*:*:*:*" } }), BASH, false);
    let old = openvex(&json!([{ "vulnerability": "CVE-2024-1", "products": [image], "status": "fixed",
        "subcomponents": ["pkg:deb/debian/zsh"] }]));
    assert_eq!(outcome(&[old], BASH), None);
}

/// OpenVEX, "Inheritance Flow" and "The VEX Statement": the statement's time counts before the document's, and later
/// statements override.
#[test]
fn the_latest_statement_counts() {
    let timed = |time: Option<&str>, status: &str| {
        let mut said = statement(&json!([{ "@id": "pkg:deb/debian/bash" }]), status);
        if let Some(time) = time {
            said["timestamp"] = json!(time);
        }
        said
    };
    let both_ways = |statements: [Value; 2], expect: Option<&str>| {
        let [first, second] = statements.clone();
        let (one, other) = (openvex(&json!([first])), openvex(&json!([second])));
        check(&openvex(&json!(statements)), BASH, expect);
        // The order of documents does not matter where the times differ.
        assert_eq!(outcome(&[one.clone(), other.clone()], BASH).as_deref(), expect);
        assert_eq!(outcome(&[other, one], BASH).as_deref(), expect);
    };
    both_ways([timed(Some("2023-12-31T00:00:00Z"), "affected"), timed(None, "fixed")], Some("fixed"));
    both_ways([timed(Some("2024-01-02T00:00:00Z"), "affected"), timed(None, "fixed")], None);
    both_ways(
        [timed(Some("2024-01-01T02:00:00+03:00"), "affected"), timed(None, "not_affected")],
        Some("not_affected"),
    );
    both_ways([timed(None, "not_affected"), timed(Some("2025-01-01T00:00:00Z"), "under_investigation")], None);
    // What is to be said one day suppresses nothing today, and takes nothing back that takes something back.
    check(&openvex(&json!([timed(Some("2026-06-15T23:00:00Z"), "not_affected")])), BASH, Some("not_affected"));
    check(&openvex(&json!([timed(Some("2026-06-16T01:00:00Z"), "not_affected")])), BASH, None);
    both_ways([timed(Some("2999-01-01T00:00:00Z"), "fixed"), timed(None, "not_affected")], Some("not_affected"));
    // At one time the one that is written last.
    let both = |first, second| openvex(&json!([timed(None, first), timed(None, second)]));
    check(&both("affected", "fixed"), BASH, Some("fixed"));
    check(&both("fixed", "affected"), BASH, None);
}

fn csaf(status: &str, id: &str, branch: &Value) -> Value {
    json!({
        "document": { "csaf_version": "2.0", "category": "csaf_vex", "title": "x", "publisher": { "name": "Example" },
            "tracking": { "id": "X-1", "current_release_date": "2024-01-01T00:00:00Z" } },
        "product_tree": {
            "branches": [branch],
            "full_product_names": [{ "product_id": "image", "name": "app",
                "product_identification_helper": { "purl": format!("pkg:oci/app@{}", Digest::of(MANIFEST)) } },
                { "product_id": "other", "name": "other",
                "product_identification_helper": { "purl": "pkg:oci/other" } },
                { "product_id": "platform", "name": "RHEL 9",
                "product_identification_helper": { "cpe": "cpe:/o:redhat:enterprise_linux:9" } }],
            "relationships": [
                relation("default_component_of", "bash", "image"), relation("external_component_of", "bash", "image"),
                relation("default_component_of", "bash", "other"), relation("default_component_of", "bash", "platform")],
            "product_groups": [{ "group_id": "g", "product_ids": [id] }]
        },
        "vulnerabilities": [{ "cve": "CVE-2024-1", "product_status": { status: [id] },
            "flags": [{ "label": "component_not_present", "group_ids": ["g"] }],
            "threats": [{ "category": "impact", "details": "It is not there.", "product_ids": [id] }] }]
    })
}

fn relation(category: &str, part: &str, whole: &str) -> Value {
    json!({ "category": category, "product_reference": part, "relates_to_product_reference": whole,
        "full_product_name": { "product_id": format!("{part} {category} {whole}"), "name": "x" } })
}

fn branch(category: &str, name: &str, purl: &str) -> Value {
    json!({ "category": "vendor", "name": "Example", "branches": [{ "category": category, "name": name,
        "product": { "product_id": "bash", "name": "x", "product_identification_helper": { "purl": purl } } }] })
}

/// CSAF 2.0, section 3.2.3.9 (product status), 3.2.2.4 (relationships), 3.2.3.5 and 3.2.3.14 (flags and threats).
#[test]
fn csaf_documents() {
    let bash = branch("product_version", "5.2-1", "pkg:deb/debian/bash@5.2-1");
    let why = |status: &str| Some(format!("{status} component_not_present: It is not there."));
    let check = |status: &str, id: &str, branch: &Value, expect: Option<String>| {
        let document = csaf(status, id, branch);
        assert_eq!(outcome(&[document], BASH), expect, "{status} {id} {branch}");
    };
    check("known_not_affected", "bash", &bash, why("not_affected"));
    check("fixed", "bash", &bash, why("fixed"));
    check("first_fixed", "bash", &bash, why("fixed"));
    for status in ["known_affected", "first_affected", "last_affected", "under_investigation", "recommended"] {
        check(status, "bash", &bash, None);
    }
    check("known_not_affected", "bash default_component_of image", &bash, why("not_affected"));
    check("known_not_affected", "bash external_component_of image", &bash, None);
    check("known_not_affected", "bash default_component_of other", &bash, None);
    check("known_not_affected", "bash default_component_of platform", &bash, None);
    check("known_not_affected", "image", &bash, why("not_affected"));
    check("known_not_affected", "nobody", &bash, None);
    // The version is the package URL's or the branch's; a range is one.
    check(
        "known_not_affected",
        "bash",
        &branch("product_version", "5.2-1", "pkg:deb/debian/bash"),
        why("not_affected"),
    );
    check("known_not_affected", "bash", &branch("product_version", "9", "pkg:deb/debian/bash"), None);
    check("known_not_affected", "bash", &branch("product_name", "bash", "pkg:deb/debian/bash"), why("not_affected"));
    let range = |range| branch("product_version_range", range, "pkg:deb/debian/bash");
    check("known_not_affected", "bash", &range("vers:deb/<6"), why("not_affected"));
    check("known_not_affected", "bash", &range("vers:deb/<5.2-1"), None);
    check("known_not_affected", "bash", &range("all before 6"), None);
    // What contradicts itself hides nothing.
    let mut document = csaf("known_not_affected", "bash", &bash);
    document["vulnerabilities"][0]["product_status"]["known_affected"] = json!(["bash"]);
    assert_eq!(outcome(&[document], BASH), None);
}

fn cyclonedx(subject: &Value, analysis: &Value, affects: &Value) -> Value {
    json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "version": 1, "metadata": { "timestamp": "2024-01-01T00:00:00Z", "component": subject },
        "components": [{ "type": "library", "bom-ref": "b", "name": "bash", "purl": "pkg:deb/debian/bash@5.2-1",
            "components": [{ "type": "library", "bom-ref": "z", "name": "zsh", "purl": "pkg:deb/debian/zsh@1" }] }],
        "vulnerabilities": [{ "id": "CVE-2024-1", "analysis": analysis, "affects": affects }] })
}

/// CycloneDX 1.6, `vulnerabilities[].analysis.state`.
#[test]
fn cyclonedx_states() {
    let check = |state: &str, expect: Option<&str>| {
        let analysis = json!({ "state": state, "justification": "code_not_reachable", "detail": "Not called." });
        check(&cyclonedx(&json!(null), &analysis, &json!([{ "ref": "b" }])), BASH, expect);
    };
    check("not_affected", Some("not_affected code_not_reachable: Not called."));
    check("false_positive", Some("not_affected false_positive: Not called."));
    check("resolved", Some("fixed code_not_reachable: Not called."));
    check("resolved_with_pedigree", Some("fixed code_not_reachable: Not called."));
    check("exploitable", None);
    check("in_triage", None);
}

/// CycloneDX 1.6, `affects[].ref` ("by bom-ref or BOM-Link") and `affects[].versions`; the forms of the authors' own
/// examples (bom-examples, VEX use case 8) and of Trivy's documentation.
#[test]
fn cyclonedx_references_and_versions() {
    let subject = json!({ "type": "application", "bom-ref": "app", "name": "Acme" });
    let check = |affects: Value, expect: bool| {
        let document = cyclonedx(&subject, &json!({ "state": "not_affected" }), &json!([affects]));
        assert_eq!(outcome(std::slice::from_ref(&document), BASH).is_some(), expect, "{affects}");
    };
    let own = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1";
    let other = "urn:cdx:00000000-395b-41f5-a30f-a58921a69b79/1";
    check(json!({ "ref": "b" }), true);
    check(json!({ "ref": "z" }), false);
    check(json!({ "ref": "app" }), false);
    check(json!({ "ref": "pkg:deb/debian/bash" }), true);
    check(json!({ "ref": format!("{own}#b") }), true);
    check(json!({ "ref": format!("{other}#b") }), false);
    check(json!({ "ref": format!("{other}#pkg:deb/debian/bash@5.2-1?arch=amd64") }), true);
    check(json!({ "ref": format!("{other}#pkg%3Adeb%2Fdebian%2Fbash%405.2-1") }), true);
    check(json!({ "ref": other }), false);
    let versions = |versions: Value| json!({ "ref": "pkg:deb/debian/bash", "versions": versions });
    check(versions(json!([{ "version": "5.2-1" }])), true);
    check(versions(json!([{ "version": "5.2-1", "status": "affected" }])), false);
    check(versions(json!([{ "version": "5.2-2" }])), false);
    check(versions(json!([{ "version": "5.2-1", "status": "unknown" }])), false);
    check(versions(json!([{ "range": "vers:deb/>=5|<6", "status": "unaffected" }])), true);
    check(versions(json!([{ "range": "vers:deb/>=6" }])), false);
    check(versions(json!([{ "range": "all" }])), false);
    check(versions(json!({ "range": "vers:deb/>=5|<6", "state": "unaffected" })), true);
    check(json!({ "ref": "b", "versions": [{ "range": "vers:deb/>=6" }] }), false);
    // Without an analysis the versions alone say it, and a bare list of what there is says nothing.
    let bare = |affects: Value| outcome(&[cyclonedx(&subject, &json!(null), &json!([affects]))], BASH);
    assert_eq!(
        bare(json!({ "ref": "b", "versions": [{ "version": "5.2-1", "status": "unaffected" }] })).as_deref(),
        Some("not_affected")
    );
    assert_eq!(bare(json!({ "ref": "b" })), None);
}

#[test]
fn cyclonedx_of_an_image_holds_in_that_image() {
    let check = |subject: Value, expect: bool| {
        let document = cyclonedx(&subject, &json!({ "state": "not_affected" }), &json!([{ "ref": "b" }]));
        assert_eq!(outcome(std::slice::from_ref(&document), BASH).is_some(), expect, "{subject}");
    };
    let container = |more: Value| {
        let mut subject = json!({ "type": "container", "bom-ref": "image", "name": "x" });
        subject.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        subject
    };
    let hash = |bytes| json!({ "hashes": [{ "alg": "SHA-256", "content": Digest::of(bytes).hex() }] });
    check(container(hash(MANIFEST)), true);
    check(container(hash(b"another")), false);
    check(container(json!({ "version": Digest::of(CONFIG).to_string() })), true);
    check(container(json!({ "purl": format!("pkg:oci/app@{}", Digest::of(b"another")) })), false);
    check(container(json!({ "name": "ghcr.io/org/app:v1" })), true);
    check(container(json!({ "name": "ghcr.io/org/other:v1" })), false);
    let whole = |bytes| {
        let subject = container(hash(bytes));
        outcome(&[cyclonedx(&subject, &json!({ "state": "not_affected" }), &json!([{ "ref": "image" }]))], BASH)
    };
    assert!(whole(MANIFEST).is_some() && whole(b"another").is_none());
}

/// OpenVEX, ATTESTING.md: products come down from the subjects, and a statement is about no other.
#[test]
fn attestations() {
    use base64::Engine as _;
    let subject = |bytes| json!([{ "name": "ghcr.io/org/app", "digest": { "sha256": Digest::of(bytes).hex() } }]);
    let attested = |subject: Value, statements: Value| {
        json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://openvex.dev/ns/v0.2.0",
            "subject": subject, "predicate": openvex(&statements) })
    };
    let bare = json!([{ "vulnerability": { "name": "CVE-2024-1" }, "status": "fixed" }]);
    let of_bash = json!([statement(&json!([{ "@id": "pkg:deb/debian/bash" }]), "not_affected")]);
    check(&attested(subject(MANIFEST), bare.clone()), BASH, Some("fixed"));
    check(&attested(subject(b"another"), bare.clone()), BASH, None);
    check(&attested(json!([]), bare.clone()), BASH, None);
    check(&attested(subject(MANIFEST), of_bash.clone()), BASH, Some("not_affected"));
    check(&attested(subject(b"another"), of_bash.clone()), BASH, None);
    check(&attested(json!([{ "name": "pkg:deb/debian/bash@5.2-1" }]), bare.clone()), BASH, Some("fixed"));
    let about = |purl: &str| attested(json!([{ "name": purl }]), of_bash.clone());
    check(&about("pkg:deb/debian/zlib1g@1.2"), BASH, None);
    check(&about("pkg:deb/debian/bash@1"), BASH, None);
    check(&about("pkg:deb/debian/bash@5.2-1"), BASH, Some("not_affected"));
    // The name of a subject does not count beside its digest.
    let named = json!([{ "name": "pkg:oci/app?repository_url=ghcr.io/org/app",
        "digest": { "sha256": Digest::of(b"another").hex() } }]);
    check(&attested(named, bare.clone()), BASH, None);
    let inside = attested(subject(MANIFEST), bare).to_string();
    for engine in [base64::engine::general_purpose::STANDARD, base64::engine::general_purpose::URL_SAFE_NO_PAD] {
        let dsse = json!({ "payloadType": "application/vnd.in-toto+json", "payload": engine.encode(&inside),
            "signatures": [{ "sig": "x" }] });
        check(&dsse, BASH, Some("fixed"));
        check(
            &json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": dsse }),
            BASH,
            Some("fixed"),
        );
        let (_, diagnostics) = vex::read(dsse.to_string().as_bytes(), "x", &Limits::default()).unwrap();
        assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [Code::VexUnverified]);
    }
}

#[test]
fn what_is_said_stands_in_the_report() {
    let inventory = inventory(vec![package(BASH, "var/lib/dpkg/status")], true);
    let mut assessment = assessment(&inventory, &[&["CVE-2024-1"], &["CVE-2024-2"], &["CVE-2024-3"]]);
    let vex = read(
        "vendor.json",
        &openvex(&json!([
            statement(&json!(["pkg:oci/app"]), "fixed"),
            statement(&json!(["pkg:deb/debian/zsh"]), "fixed")
        ])),
    );
    let exceptions = excepted(
        "sekisho.toml",
        "[[exception]]\nvulnerability = [\"CVE-2024-1\", \"CVE-2024-2\"]\npackage = \"bash\"\nreason = \"later\"\nowner = \"jane\"\nuntil = 2026-06-15\n\
         [[exception]]\nvulnerability = \"CVE-2024-3\"\nreason = \"r\"\nowner = \"joe\"\nuntil = 2026-06-14\n\
         [[exception]]\nvulnerability = \"CVE-2024-4\"\npackage = \"bash\"\nreason = \"r\"\nowner = \"joe\"\nuntil = 2027-01-01\n",
    );
    let diagnostics = suppress(&mut assessment, &inventory, &[vex], &[exceptions], today());
    let said: Vec<_> = assessment.findings.iter().map(|finding| finding.suppressed.clone()).collect();
    let vex = Suppression {
        kind: SuppressionKind::Vex,
        source: "vendor.json".into(),
        status: Some("fixed".into()),
        reason: String::new(),
        owner: Some("Example".into()),
        until: None,
    };
    let exception = Suppression {
        kind: SuppressionKind::Exception,
        source: "sekisho.toml".into(),
        status: None,
        reason: "later".into(),
        owner: Some("jane".into()),
        until: Some(today()),
    };
    assert_eq!(said, [Some(vex), Some(exception), None]);
    let told: Vec<String> = diagnostics.iter().map(|said| format!("{} {said}", said.code)).collect();
    assert_eq!(
        told,
        [
            "vex.by_name vendor.json: 1 finding is suppressed because the image has the name of one that is not affected",
            "vex.unused vendor.json: 1 of 2 statements are about nothing that was found",
            "exception.expired sekisho.toml: the exception for CVE-2024-3 (owner: joe) was over on 2026-06-14",
            "exception.unused sekisho.toml: the exception for CVE-2024-4 in bash (owner: joe) is for nothing that was found",
        ]
    );
}

/// What exceptions of all formats are for: each line is the text of a file, and whether it holds.
#[test]
fn exceptions_are_for_what_they_say() {
    let check = |file: &str, text: &str, expect: bool| {
        let packages = vec![package("pkg:deb/debian/libstdc%2B%2B6@12-1?upstream=gcc-12", "var/lib/dpkg/status")];
        let inventory = inventory(packages, true);
        let mut assessment = assessment(&inventory, &[&["CVE-2024-1", "GHSA-aaaa-bbbb-cccc"]]);
        let (exceptions, _) = exception::read(text.as_bytes(), file, &Limits::default())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        suppress(&mut assessment, &inventory, &[], &[exceptions], today());
        assert_eq!(assessment.findings[0].suppressed.is_some(), expect, "{text}");
    };
    let ours = |rest: &str| format!("[[exception]]\nreason = \"r\"\nowner = \"o\"\nuntil = 2026-12-31\n{rest}\n");
    for (rest, expect) in [
        ("vulnerability = \"CVE-2024-1\"", true),
        ("vulnerability = [\"X\", \"ghsa-aaaa-bbbb-cccc\"]", true),
        ("vulnerability = \"CVE-2024-11\"", false),
        ("package = \"libstdc++6\"", true),
        ("package = \"libstdc\"", false),
        ("package = [\"a\", \"pkg:deb/debian/libstdc%2B%2B6\"]", true),
        ("package = \"pkg:deb/debian/libstdc%2B%2B6@13\"", false),
        ("vulnerability = \"CVE-2024-1\"\npath = \"var/lib/**\"", true),
        ("vulnerability = \"CVE-2024-1\"\npath = \"/var/lib/dpkg/*\"", true),
        ("vulnerability = \"CVE-2024-1\"\npath = \"var/*\"", false),
        ("vulnerability = \"CVE-2024-1\"\npath = [\"usr\", \"**/{status,available}\"]", true),
    ] {
        check("x.toml", &ours(rest), expect);
    }
    // Trivy, "By Finding IDs": a date is the first day on which it no longer holds (`ExpiredAt.Before(now)`).
    for (text, expect) in [
        ("# a comment\n\nCVE-2024-1\n", true),
        ("CVE-2024-1 # because\n", true),
        ("CVE-2024-1 exp:2026-06-16", true),
        ("CVE-2024-1 exp:2026-06-15", false),
        ("CVE-2024-1 exp:soon", false),
        ("CVE-2024-1 openssl", false),
        ("#CVE-2024-1", false),
    ] {
        check(".trivyignore", text, expect);
    }
    let trivy = |rest: &str| format!("vulnerabilities:\n  - id: CVE-2024-1\n{rest}");
    for (rest, expect) in [
        ("", true),
        ("    statement: because\n    expired_at: 2026-06-16\n", true),
        ("    expired_at: 2026-06-15\n", false),
        ("    expired_at: soon\n", false),
        ("    paths:\n      - \"var/**\"\n", true),
        ("    paths:\n      - \"usr/**\"\n", false),
        ("    paths: []\n    purls: []\n", true),
        ("    purls:\n      - pkg:deb/debian/libstdc%2B%2B6\n", true),
        ("    purls:\n      - pkg:deb/debian/bash\n", false),
        ("    purls:\n      - bash\n", false),
        ("    namespaces: [a]\n", false),
    ] {
        check(".trivyignore.yaml", &trivy(rest), expect);
    }
    check(".trivyignore.yaml", "misconfigurations:\n  - id: CVE-2024-1\n", false);
    check(".trivyignore.yaml", "", false);
    // Grype, "Specifying matches to ignore", and `getIgnoreConditionsForRule`.
    let grype = |rule: &str| format!("fail-on-severity: high\nignore:\n  - {rule}\n");
    for (rule, expect) in [
        ("vulnerability: CVE-2024-1", true),
        ("vulnerability: GHSA-aaaa-bbbb-cccc", true),
        ("{ vulnerability: CVE-2024-1, include-aliases: true, reason: because }", true),
        ("{ vulnerability: CVE-2024-1, fix-state: fixed }", true),
        ("{ vulnerability: CVE-2024-1, fix-state: wont-fix }", false),
        ("{ fix-state: not-fixed }", false),
        ("{ fix-state: nonsense }", false),
        ("{ package: { name: libstdc++6 } }", true),
        ("{ package: { name: 'lib.*6' } }", true),
        ("{ package: { name: 'lib' } }", false),
        ("{ package: { name: 'a|lib' } }", false),
        ("{ package: { name: '(' } }", false),
        ("{ package: { name: libstdc++6, version: 12-1, type: deb, upstream-name: gcc-12 } }", true),
        ("{ package: { version: '12' } }", false),
        ("{ package: { type: rpm } }", false),
        ("{ package: { type: java-archive } }", false),
        ("{ package: { language: python } }", false),
        ("{ package: { upstream-name: gcc } }", false),
        ("{ package: { location: /var/lib/dpkg/** } }", true),
        ("{ package: { location: /usr/** } }", false),
        ("{ package: { nonsense: 1 } }", false),
        ("{ vulnerability: CVE-2024-1, namespace: 'debian:distro:debian:12' }", false),
        ("{ vulnerability: CVE-2024-1, match-type: exact-direct-match }", false),
        ("{ vex-status: not_affected }", false),
        ("{ vulnerability: CVE-2024-1, vex-status: fixed, vex-justification: x }", false),
        ("{ vulnerability: CVE-2024-1, severity: low }", false),
        ("{ reason: because }", false),
    ] {
        check(".grype.yaml", &grype(rule), expect);
    }
    check(".grype.yaml", "ignore: []\n", false);
    check(".grype.yaml", "fail-on-severity: high\n", false);
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    let product = prop_oneof![
        Just(json!("pkg:npm/a")),
        Just(json!("pkg:npm/a@1")),
        Just(json!("pkg:npm/b@2")),
        Just(json!("pkg:oci/app")),
        Just(json!({ "@id": "pkg:oci/app", "subcomponents": [{ "@id": "pkg:npm/a" }] })),
        Just(json!("https://example.com")),
    ];
    let status = prop_oneof![Just("not_affected"), Just("fixed"), Just("affected"), Just("under_investigation")];
    let one = (0..3_u8, product, status).prop_map(|(vulnerability, product, status)| {
        json!({ "vulnerability": { "name": format!("CVE-2024-{vulnerability}") }, "products": [product], "status": status })
    });
    // Each a minute after the one before.
    prop::collection::vec(one, 0..8).prop_map(|mut all| {
        for (minute, statement) in all.iter_mut().enumerate() {
            statement["timestamp"] = json!(format!("2024-01-01T00:{minute:02}:00Z"));
        }
        all
    })
}

proptest! {
    /// No finding is lost or changed but in what is said of it, once is as good as twice, and neither documents nor
    /// statements need an order where times differ.
    #[test]
    fn suppressing_only_marks(statements in statements(), turned in any::<bool>(), swap in any::<prop::sample::Index>()) {
        let packages = vec![package("pkg:npm/a@1", "x"), package("pkg:npm/a@2", "y"), package("pkg:npm/b@2", "z")];
        let inventory = inventory(packages, turned);
        let fresh = assessment(&inventory, &[&["CVE-2024-0"], &["CVE-2024-1", "GHSA-1"], &["CVE-2024-2"]]);
        let documents = |statements: &[Value]| -> Vec<VexDocument> {
            statements.iter().map(|said| read("x", &openvex(&json!([said])))).collect()
        };
        let run = |documents: &[VexDocument], mut assessment: Assessment| {
            let diagnostics = suppress(&mut assessment, &inventory, documents, &[], today());
            (assessment, diagnostics)
        };
        let (once, told) = run(&documents(&statements), fresh.clone());
        let (twice, again) = run(&documents(&statements), once.clone());
        prop_assert_eq!((&once, &told), (&twice, &again));
        let mut bare = once.clone();
        bare.findings.iter_mut().for_each(|finding| finding.suppressed = None);
        prop_assert_eq!(&bare, &fresh);
        let mut mixed = statements.clone();
        if !mixed.is_empty() {
            let at = swap.index(mixed.len());
            mixed.rotate_left(at);
        }
        prop_assert_eq!(&run(&documents(&mixed), fresh.clone()).0, &once);
        prop_assert_eq!(&run(&[read("x", &openvex(&json!(mixed)))], fresh.clone()).0, &once);
        // A statement touches findings of its vulnerability and its package only.
        for finding in once.findings.iter().filter(|finding| finding.suppressed.is_some()) {
            let about = |said: &Value| {
                let product = said["products"][0].to_string();
                let name = if finding.package == inventory.packages[2].id { "npm/b" } else { "npm/a" };
                said["vulnerability"]["name"] == finding.vulnerability.as_str()
                    && (product.contains(name) || product == "\"pkg:oci/app\"" && turned)
            };
            prop_assert!(statements.iter().any(about));
        }
    }
}
