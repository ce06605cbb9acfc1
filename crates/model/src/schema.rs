//! The published schemas of documents, made from the types themselves.
//!
//! They are JSON Schema 2020-12, which `OpenAPI` 3.1 shares. Nothing refuses unknown properties: documents
//! grow within v1, and a reader of today must take those of tomorrow.

use crate::{
    BASELINE_SCHEMA, Baselines, CHECK_SCHEMA, CheckReport, Code, DATABASE_STATUS_SCHEMA, DIFF_SCHEMA, DRIFT_SCHEMA,
    DatabaseStatus, Diff, Digest, DriftReport, FindingId, IN_USE_SCHEMA, INVENTORY_SCHEMA, InUseReport, Inventory,
    PackageId, Platform, Purl, REEVALUATION_SCHEMA, Reevaluation, SCAN_SCHEMA, ScanReport,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Where `OpenAPI` keeps what a JSON Schema keeps in `$defs`.
const COMPONENTS: &str = "#/components/schemas/";

/// The schema of an [`Inventory`] document as indented JSON with a final newline.
pub fn inventory_schema() -> serde_json::Result<String> {
    schema::<Inventory>(INVENTORY_SCHEMA)
}

/// The schema of a [`ScanReport`].
pub fn scan_schema() -> serde_json::Result<String> {
    schema::<ScanReport>(SCAN_SCHEMA)
}

/// The schema of a [`CheckReport`].
pub fn check_schema() -> serde_json::Result<String> {
    schema::<CheckReport>(CHECK_SCHEMA)
}

/// The schema of a [`Diff`].
pub fn diff_schema() -> serde_json::Result<String> {
    schema::<Diff>(DIFF_SCHEMA)
}

/// The schema of a [`DatabaseStatus`].
pub fn database_status_schema() -> serde_json::Result<String> {
    schema::<DatabaseStatus>(DATABASE_STATUS_SCHEMA)
}

/// The schema of a [`Reevaluation`].
pub fn reevaluation_schema() -> serde_json::Result<String> {
    schema::<Reevaluation>(REEVALUATION_SCHEMA)
}

/// The schema of [`Baselines`].
pub fn baseline_schema() -> serde_json::Result<String> {
    schema::<Baselines>(BASELINE_SCHEMA)
}

/// The schema of a [`DriftReport`].
pub fn drift_schema() -> serde_json::Result<String> {
    schema::<DriftReport>(DRIFT_SCHEMA)
}

/// The schema of an [`InUseReport`].
pub fn in_use_schema() -> serde_json::Result<String> {
    schema::<InUseReport>(IN_USE_SCHEMA)
}

/// The schema of the document `title`, such as `sekisho.scan/v1`.
fn schema<T: ToSchema>(title: &str) -> serde_json::Result<String> {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let definitions: Map<String, Value> =
        parts.iter().map(|(name, part)| Ok((name.clone(), serde_json::to_value(part)?))).collect::<Result<_, _>>()?;
    let mut document = Map::new();
    document.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("$id".into(), format!("urn:{}", title.replacen('.', ":schema:", 1).replace('/', ":")).into());
    document.insert("title".into(), title.into());
    if let Value::Object(whole) = serde_json::to_value(T::schema())? {
        document.extend(whole);
    }
    document.insert("$defs".into(), definitions.into());
    let text = serde_json::to_string_pretty(&document)?;
    Ok(text.replace(COMPONENTS, "#/$defs/") + "\n")
}

/// Types that are written as one string: their description and the form of the string.
macro_rules! strings {
    ($($type:ident: $description:literal, $pattern:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let string = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
                string.description(Some($description)).pattern(Some($pattern)).build().into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }
        }
    )*};
}

strings! {
    Code: "What kind of thing, as area.reason; more of them may come.", "^[a-z_]+\\.[a-z_]+$";
    Digest: "A SHA-256 content digest as the OCI image specification writes it.", "^sha256:[0-9a-f]{64}$";
    FindingId: "The first 16 bytes of SHA-256(what was scanned, NUL, package id, NUL, vulnerability), in hexadecimal.", "^[0-9a-f]{32}$";
    PackageId: "The first 16 bytes of SHA-256(package URL, NUL, location), in hexadecimal.", "^[0-9a-f]{32}$";
    Platform: "Operating system and processor, as os/architecture[/variant].", "^[^/]+/[^/]+(/[^/]+)?$";
    Purl: "A package URL (ECMA-427) in canonical form.", "^pkg:[a-z0-9.+-]+/";
}
