//! SPDX documents held against the standard's own schema, for inventories of every shape.

use super::{arbitrary, cyclonedx};
use boon::{Compiler, SchemaIndex, Schemas};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_model::{Inventory, License};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static SCHEMA: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    let schema: Value = serde_json::from_str(include_str!("../data/spdx/spdx-schema-2.3.json")).unwrap();
    compiler.add_resource("http://spdx.org/rdf/terms/2.3", schema).unwrap();
    let mut schemas = Schemas::new();
    let index = compiler.compile("http://spdx.org/rdf/terms/2.3", &mut schemas).unwrap();
    (schemas, index)
});

pub(crate) fn write(inventory: &Inventory, timestamp: Option<Timestamp>) -> String {
    let mut bytes = Vec::new();
    sekisho_sbom::spdx::write(inventory, timestamp, &mut bytes).unwrap();
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

    let namespace = document["documentNamespace"].as_str().unwrap();
    let serial = namespace.strip_prefix("https://spdx.org/spdxdocs/sekisho-").unwrap();
    assert_eq!(uuid::Uuid::try_parse(serial).unwrap().get_version_num(), 5);
    assert_eq!(document["comment"].is_string(), !inventory.complete, "what is missing is said to those who read");

    let packages = document["packages"].as_array().unwrap();
    assert_eq!(packages.len(), inventory.packages.len() + 1 + usize::from(inventory.os.is_some()));
    let ids: BTreeSet<&str> = packages.iter().map(|package| package["SPDXID"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), packages.len(), "each id stands for one thing");
    let is_id = |id: &str| {
        let name = id.strip_prefix("SPDXRef-").unwrap();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    assert!(ids.iter().all(|id| is_id(id)), "{ids:?}");
    let contained: BTreeSet<&str> = (document["relationships"].as_array().unwrap().iter())
        .map(|relationship| relationship["relatedSpdxElement"].as_str().unwrap())
        .collect();
    assert_eq!(contained, ids, "everything is described or contained");

    let texts: Vec<&Value> = document["hasExtractedLicensingInfos"].as_array().into_iter().flatten().collect();
    let explained: BTreeSet<&str> = texts.iter().map(|text| text["licenseId"].as_str().unwrap()).collect();
    assert_eq!(explained.len(), texts.len(), "each name is explained once");
    for package in packages {
        let declared = package["licenseDeclared"].as_str().unwrap();
        let words = declared.split([' ', '(', ')']).filter(|word| word.starts_with("LicenseRef-"));
        assert!(words.clone().all(|name| explained.contains(name)), "{declared}: a name is not explained");
        let mode =
            ::spdx::ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..::spdx::ParseMode::STRICT };
        let is_long = declared.len() > 1000;
        assert!(
            declared == "NOASSERTION" || is_long || ::spdx::Expression::parse_mode(declared, mode).is_ok(),
            "{declared}"
        );
    }
    document
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
    let document = check(&cyclonedx::example(), None);
    assert_eq!(document["creationInfo"]["created"], "2024-05-06T07:08:09Z");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../data/spdx");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("example", write(&cyclonedx::example(), None)));
}

#[test]
fn licences_that_are_no_expression_are_explained() {
    let mut inventory = cyclonedx::example();
    inventory.packages.truncate(1);
    inventory.packages[0].facts.licenses = vec![
        License::parse("MIT OR Apache-2.0").unwrap(),
        License::parse("GPLv2+").unwrap(),
        License::Name("MIT".into()),
    ];
    let document = check(&inventory, None);
    let texts: BTreeMap<&str, &str> = (document["hasExtractedLicensingInfos"].as_array().unwrap().iter())
        .map(|text| (text["extractedText"].as_str().unwrap(), text["licenseId"].as_str().unwrap()))
        .collect();
    let declared = format!("(MIT OR Apache-2.0) AND {} AND {}", texts["GPLv2+"], texts["MIT"]);
    assert_eq!(document["packages"][2]["licenseDeclared"], json!(declared));
}
