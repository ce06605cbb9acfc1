//! CycloneDX documents held against the standard's own schema, for inventories of every shape.

use super::arbitrary;
use boon::{Compiler, SchemaIndex, Schemas, SchemeUrlLoader};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_model::{
    BaseImage, BaseMethod, Code, Diagnostic, Digest, Evidence, Image, Inventory, Layer, License, Origin, OsRelease,
    Package, PackageFacts, PackageId, PackageKind, Source, SourceKind, SourcePackage, Tool,
};
use sekisho_sbom::purl::purl_of;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// The schema's list of licences.
static SPDX: LazyLock<Value> = LazyLock::new(|| schema(include_str!("../data/cyclonedx/spdx.SNAPSHOT.schema.json")));

/// The compiled schema of a document.
static SCHEMA: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    // A schema that is not given here is an error: the compiler is left without any way to fetch one.
    compiler.use_loader(Box::new(SchemeUrlLoader::new()));
    let mut add = |name: &str, schema: Value| {
        let address = format!("http://cyclonedx.org/schema/{name}");
        compiler.add_resource(&address, schema).unwrap();
        address
    };
    // The references between the files carry these names, see `tests/data/cyclonedx/README.md`.
    add("spdx.SNAPSHOT.schema.json", SPDX.clone());
    add("jsf-0.82.SNAPSHOT.schema.json", schema(include_str!("../data/cyclonedx/jsf-0.82.SNAPSHOT.schema.json")));
    let document = add("bom-1.6.schema.json", schema(include_str!("../data/cyclonedx/bom-1.6.SNAPSHOT.schema.json")));
    let mut schemas = Schemas::new();
    let index = compiler.compile(&document, &mut schemas).unwrap();
    (schemas, index)
});

fn schema(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn write(inventory: &Inventory, timestamp: Option<Timestamp>) -> String {
    let mut bytes = Vec::new();
    sekisho_sbom::cyclonedx::write(inventory, timestamp, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Writes the inventory and asserts all that every document of ours must keep.
fn check(inventory: &Inventory, timestamp: Option<Timestamp>) -> Value {
    let text = write(inventory, timestamp);
    assert_eq!(text, write(inventory, timestamp), "the same inventory gives the same bytes");
    let document: Value = serde_json::from_str(&text).unwrap();

    let (schemas, index) = &*SCHEMA;
    let verdict = schemas.validate(&document, *index).map_err(|error| format!("{error:#}"));
    assert_eq!(verdict, Ok(()), "{text}");

    let serial = document["serialNumber"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    assert_eq!(Uuid::try_parse(serial).unwrap().get_version_num(), 5);

    let subject = &document["metadata"]["component"];
    let components = document["components"].as_array().unwrap();
    let references: Vec<&str> =
        components.iter().chain([subject]).map(|component| component["bom-ref"].as_str().unwrap()).collect();
    let unique: BTreeSet<&str> = references.iter().copied().collect();
    assert_eq!(unique.len(), references.len(), "each bom-ref stands for one thing: {references:?}");
    assert_eq!(components.len(), inventory.packages.len() + usize::from(inventory.os.is_some()));

    for dependency in document["dependencies"].as_array().unwrap() {
        let targets = dependency["dependsOn"].as_array().unwrap();
        for reference in targets.iter().chain([&dependency["ref"]]) {
            assert!(unique.contains(reference.as_str().unwrap()), "{reference} is nothing in the document");
        }
    }

    let aggregates: Vec<&Value> =
        document["compositions"].as_array().into_iter().flatten().map(|part| &part["aggregate"]).collect();
    let expected: &[&str] = if inventory.complete { &[] } else { &["incomplete"] };
    assert_eq!(aggregates, expected);
    document
}

/// The first package's licences as the document has them.
fn licenses(stated: &[License]) -> Value {
    let mut inventory = example();
    inventory.packages.truncate(1);
    inventory.packages[0].facts.licenses = stated.to_vec();
    check(&inventory, None)["components"][1]["licenses"].take()
}

proptest! {
    #[test]
    fn every_inventory_makes_a_valid_document(
        inventory in arbitrary::inventory(),
        timestamp in proptest::option::of(arbitrary::timestamp()),
    ) {
        check(&inventory, timestamp);
    }
}

#[test]
fn the_whole_document_is_as_expected() {
    let document = check(&example(), None);
    assert_eq!(document["metadata"]["timestamp"], "2024-05-06T07:08:09Z");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../data/cyclonedx");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("example", write(&example(), None)));
}

#[test]
fn a_time_that_is_asked_for_stands_for_the_image_s_own() {
    let document = check(&example(), Some(Timestamp::constant(1_700_000_000, 999_999_999)));
    assert_eq!(document["metadata"]["timestamp"], "2023-11-14T22:13:21Z");
    let document = check(&example(), Some(Timestamp::MIN));
    assert_eq!(document["metadata"]["timestamp"], "0000-01-01T00:00:00Z", "RFC 3339 has no earlier one");
}

#[test]
fn every_identifier_of_the_licence_list_is_written_as_the_schema_knows_it() {
    let listed: BTreeSet<&str> = SPDX["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for license in spdx::identifiers::LICENSES {
        // `+` makes an expression of any identifier, and the parser takes it off before it looks one up.
        for id in [license.name.to_owned(), format!("{}+", license.name)] {
            let stated = License::Expression(id.clone());
            assert!(stated.is_spdx_id(), "{id}");
            let alone = licenses(std::slice::from_ref(&stated));
            let among = licenses(&[stated, License::Name("other".into())]);
            if listed.contains(id.as_str()) && !id.ends_with('+') {
                assert_eq!(alone, json!([{ "license": { "id": id } }]));
                assert_eq!(among[0], alone[0]);
            } else {
                assert_eq!(alone, json!([{ "expression": id }]));
                assert_eq!(among[0], json!({ "license": { "name": id } }));
            }
        }
    }
}

#[test]
fn licences_are_one_expression_or_a_list() {
    let parse = |text: &str| License::parse(text).unwrap();
    let check = |stated: &[License], expect: Value| assert_eq!(licenses(stated), expect);
    check(&[], Value::Null);
    check(&[parse("MIT OR Apache-2.0")], json!([{ "expression": "MIT OR Apache-2.0" }]));
    check(&[parse("GPLv2+")], json!([{ "license": { "name": "GPLv2+" } }]));
    check(
        &[parse("MIT"), parse("MIT OR Apache-2.0"), License::Expression("GPL-2.0".into())],
        json!([
            { "license": { "id": "MIT" } },
            { "license": { "name": "MIT OR Apache-2.0" } },
            { "license": { "id": "GPL-2.0" } },
        ]),
    );
}

/// An image of three packages, one of which a file of another owns, that was not read to its end.
pub(crate) fn example() -> Inventory {
    let os = OsRelease {
        id: "debian".into(),
        version_id: "12".into(),
        pretty_name: Some("Debian GNU/Linux 12 (bookworm)".into()),
        ..OsRelease::default()
    };
    let package = |facts: PackageFacts, location: &str, layer: u32, origin: Origin| {
        let purl = purl_of(&facts, Some(&os)).unwrap();
        let id = PackageId::new(&purl, location);
        Package { id, purl, facts, location: location.into(), layer: Some(layer), origin, owned_by: None }
    };
    let libc = PackageFacts {
        arch: Some("amd64".into()),
        source: Some(SourcePackage { name: "glibc".into(), version: "2.36-9+deb12u10".into() }),
        licenses: vec![License::Expression("GPL-2.0".into()), License::Name("GPLv2+-with-exception".into())],
        supplier: Some("GNU Libc Maintainers <debian-glibc@lists.debian.org>".into()),
        ..PackageFacts::new(PackageKind::Deb, "libc6", "2.36-9+deb12u10")
    };
    let babel = PackageFacts {
        licenses: vec![License::Expression("MIT OR Apache-2.0".into())],
        ..PackageFacts::new(PackageKind::Npm, "@babel/core", "7.26.0")
    };
    let module = PackageFacts {
        evidence: Evidence::Declared,
        dev: true,
        extra: vec![("sum".into(), "h1:\u{1b}[2J".into())],
        ..PackageFacts::new(PackageKind::Golang, "github.com/spf13/cobra", "")
    };
    let libc = package(libc, "var/lib/dpkg/status", 0, Origin::Base);
    let mut babel = package(babel, "usr/share/nodejs/@babel/core/package.json", 0, Origin::Base);
    babel.owned_by = Some(libc.id.clone());
    let module = package(module, "usr/bin/tool", 1, Origin::Application);
    let layer = |index: u32, diff_id: Option<Digest>, origin: Origin| Layer {
        index,
        digest: diff_id,
        diff_id,
        stored_bytes: 10,
        plain_bytes: 20,
        entries: 2,
        created_by: None,
        origin,
    };
    Inventory {
        schema: sekisho_model::INVENTORY_SCHEMA.into(),
        tool: Tool { name: "sekisho".into(), version: "1.2.3".into() },
        observed_at: Timestamp::UNIX_EPOCH,
        source: Source { kind: SourceKind::DockerArchive, name: "image.tar".into() },
        image: Some(Image {
            names: vec!["example.org/app:1".into()],
            manifest_digest: None,
            config_digest: Digest::of(b"config"),
            platform: "linux/arm64/v8".parse().unwrap(),
            created: Some("2024-05-06T09:08:09.4+02:00".into()),
            labels: Vec::new(),
            config: None,
            layers: vec![layer(0, Some(Digest::of(b"0")), Origin::Base), layer(1, None, Origin::Application)],
            history: Vec::new(),
            base: Some(BaseImage {
                name: Some("debian:12".into()),
                digest: None,
                layers: 1,
                method: BaseMethod::DiffIds,
            }),
        }),
        os: Some(os.clone()),
        packages: vec![libc, babel, module],
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: false,
        diagnostics: vec![Diagnostic::incomplete(Code::LayerUnreadable, "the archive ends early")],
    }
}
