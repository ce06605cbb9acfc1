//! JSON results held against the schema that is published for them.

use super::world::World;
use boon::{Compiler, SchemaIndex, Schemas, SchemeUrlLoader};
use serde_json::{Value, json};

const INVENTORY: &str = include_str!("../../../../docs/schemas/sekisho.inventory.v1.json");
const SCAN: &str = include_str!("../../../../docs/schemas/sekisho.scan.v1.json");
const DIFF: &str = include_str!("../../../../docs/schemas/sekisho.diff.v1.json");
const STATUS: &str = include_str!("../../../../docs/schemas/sekisho.db-status.v1.json");

/// Compiles a published schema, so that it refuses what it does not describe.
pub(super) fn strict(published: &str) -> (Schemas, SchemaIndex) {
    let mut schema: Value = serde_json::from_str(published).unwrap();
    close(&mut schema);
    schema["unevaluatedProperties"] = json!(false);
    let address = schema["$id"].as_str().unwrap().to_owned();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    // The schema must be whole in itself: the compiler is left without any way to fetch another.
    compiler.use_loader(Box::new(SchemeUrlLoader::new()));
    compiler.add_resource(&address, schema).unwrap();
    let mut schemas = Schemas::new();
    let index = compiler.compile(&address, &mut schemas).unwrap();
    (schemas, index)
}

/// Documents may grow, so the schema lets properties pass that it does not know; a test must not. Every use of a
/// definition is closed, save those that are put together with more to one object.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(close),
        Value::Object(keys) => {
            for (_, part) in keys.iter_mut().filter(|(key, _)| *key != "allOf") {
                close(part);
            }
            if keys.contains_key("$ref") {
                keys.insert("unevaluatedProperties".to_owned(), json!(false));
            }
            for part in keys.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(Value::Object(properties)) = part.get_mut("properties") {
                    properties.values_mut().for_each(close);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn results_are_as_their_published_schema_says() {
    let world = World::new();
    let [inventory, scan, diff, status] = [INVENTORY, SCAN, DIFF, STATUS].map(strict);
    for ((schemas, index), arguments) in [
        (&scan, "scan image app.tar --format json --all-layers --base base.tar"),
        (&scan, "scan image app --format json --epss-above 1 --allow-incomplete"),
        (&scan, "scan image truncated.tar --format json --allow-incomplete"),
        (&scan, "scan image tampered --format json --allow-incomplete --db none"),
        (&scan, "scan image hostile.tar --format json"),
        (&scan, "scan fs tree --format json"),
        (&inventory, "sbom fs tree --format json"),
        (&inventory, "sbom image app.tar --format json"),
        (&diff, "diff app.tar base --format json"),
        (&status, "db status --format json"),
    ] {
        let document: Value = serde_json::from_str(&world.stdout(arguments)).unwrap();
        let verdict = schemas.validate(&document, *index).map_err(|error| format!("{error:#}"));
        assert_eq!(verdict, Ok(()), "{arguments}: {document:#}");
    }
}

/// A schema that lets everything pass would be no test of anything.
#[test]
fn the_schema_refuses_what_is_no_result() {
    let world = World::new();
    let (schemas, index) = strict(SCAN);
    let arguments = "scan image app.tar --format json --all-layers";
    let sound: Value = serde_json::from_str(&world.stdout(arguments)).unwrap();
    for (place, wrong) in [
        ("/schema", json!("sekisho.scan/v2")),
        ("/inventory/schema", json!("sekisho.inventory/v2")),
        ("/assessment/state", json!("clean")),
        ("/assessment/findings/0/severity", json!("bad")),
        ("/assessment/findings/0/id", json!("1")),
        ("/assessment/findings/0/sources/0", json!({ "feed": "osv" })),
        ("/assessment/vulnerabilities/0/judgements/0/score", json!("high")),
        ("/inventory/observed_at", json!("yesterday")),
        ("/inventory/complete", json!("yes")),
        ("/inventory/image/config_digest", json!("sha512:00")),
        ("/inventory/image/platform", json!("linux")),
        ("/inventory/image/layers/0/index", json!(-1)),
        ("/inventory/packages/0/id", json!("1")),
        ("/inventory/packages/0/purl", json!("deb/libc6")),
        ("/inventory/packages/0/kind", json!("crate")),
        ("/inventory/packages/0/licenses/0", json!({ "licence": "MIT" })),
        ("/inventory/packages/0/source", json!({ "name": "x" })),
        ("/inventory/packages/0/source", json!({ "name": "x", "version": "1", "more": 1 })),
        ("/inventory/removed/0/removal", json!("lost")),
        ("/inventory/removed/0", json!({ "removed_in": 1 })),
    ] {
        let mut document = sound.clone();
        *document.pointer_mut(place).unwrap() = wrong.clone();
        assert!(schemas.validate(&document, index).is_err(), "{place} may be {wrong}");
    }
    for place in [
        "",
        "/inventory",
        "/inventory/image/layers/0",
        "/inventory/packages/0",
        "/inventory/removed/0",
        "/assessment/findings/0",
    ] {
        let mut document = sound.clone();
        document.pointer_mut(place).unwrap()["unheard_of"] = json!(1);
        assert!(schemas.validate(&document, index).is_err(), "{place} may hold anything");
    }
}
