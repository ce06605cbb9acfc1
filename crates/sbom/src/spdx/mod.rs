//! Writing SPDX 2.3 JSON: <https://spdx.github.io/spdx-spec/v2.3/>.
//!
//! The same inventory gives the same bytes: the namespace has a version 5 UUID of the digest of what was scanned, the time
//! is the image's own. What the standard has no field for is the text of an annotation, in JSON, with the names that
//! properties have in CycloneDX, so that a reader of ours loses nothing.

mod license;
pub(crate) mod read;

use crate::cyclonedx::{date_time, serial, time};
use crate::property::{InFields, Property, of_inventory, of_package};
use jiff::Timestamp;
use license::Extracted;
use sekisho_model::{Inventory, OsRelease, Package, write_json};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes the inventory as an indented SPDX 2.3 document with a final newline. `timestamp` stands for the image's own time
/// of creation, and that for the time of the scan.
pub fn write(inventory: &Inventory, timestamp: Option<Timestamp>, to: impl Write) -> io::Result<()> {
    write_json(&document(inventory, timestamp)?, to)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: &'a str,
    #[serde(rename = "documentNamespace")]
    namespace: String,
    creation_info: CreationInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    packages: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<ExtractedText>,
    relationships: Vec<Relationship>,
    annotations: [Annotation; 1],
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    name: &'a str,
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    version_info: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<String>,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: Cow<'a, str>,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalReference<'a>>,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
struct ExternalReference<'a> {
    #[serde(rename = "referenceCategory")]
    category: &'static str,
    #[serde(rename = "referenceType")]
    kind: &'static str,
    #[serde(rename = "referenceLocator")]
    locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedText {
    license_id: String,
    extracted_text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    related_spdx_element: String,
}

#[derive(Serialize)]
struct Annotation {
    #[serde(rename = "annotationDate")]
    date: String,
    #[serde(rename = "annotationType")]
    kind: &'static str,
    annotator: String,
    comment: String,
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const SUBJECT: &str = "SPDXRef-Subject";
const SYSTEM: &str = "SPDXRef-OperatingSystem";
const NOT_SAID: &str = "NOASSERTION";

/// What annotations of one document have in common.
struct Annotator {
    date: String,
    name: String,
}

impl Annotator {
    /// The properties as JSON.
    fn note(&self, properties: &[Property<'_>]) -> io::Result<Annotation> {
        Ok(Annotation {
            date: self.date.clone(),
            kind: "OTHER",
            annotator: self.name.clone(),
            comment: serde_json::to_string(properties)?,
        })
    }
}

fn document(inventory: &Inventory, timestamp: Option<Timestamp>) -> io::Result<Document<'_>> {
    let time = time(inventory, timestamp);
    let date = date_time(time);
    let tool = format!("Tool: {}-{}", inventory.tool.name, inventory.tool.version);
    let annotator = Annotator { date: date.clone(), name: tool.clone() };
    let layers = inventory.image.as_ref().map(|image| image.layers.as_slice()).unwrap_or_default();
    let diff_ids: Vec<Option<String>> = layers.iter().map(|layer| Some(layer.diff_id?.to_string())).collect();
    let subject = subject(inventory);
    let mut extracted = Extracted::new();
    let mut relationships = vec![related(DOCUMENT, "DESCRIBES", SUBJECT)];
    let name = subject.name;
    let mut packages = vec![subject];
    if let Some(os) = &inventory.os {
        relationships.push(related(SUBJECT, "CONTAINS", SYSTEM));
        packages.push(system(os));
    }
    for package in &inventory.packages {
        let item = item(package, &diff_ids, &annotator, &mut extracted)?;
        relationships.push(related(SUBJECT, "CONTAINS", &item.id));
        packages.push(item);
    }
    let texts = extracted.into_iter();
    Ok(Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name,
        // What the specification proposes to those who keep no documents of their own on the web.
        namespace: format!("https://spdx.org/spdxdocs/sekisho-{}", serial(inventory)),
        creation_info: CreationInfo { created: date, creators: [tool] },
        comment: (!inventory.complete)
            .then_some("This document is incomplete: something that could hold packages was not read."),
        packages,
        has_extracted_licensing_infos: texts
            .map(|(license_id, extracted_text)| ExtractedText { license_id, extracted_text })
            .collect(),
        relationships,
        annotations: [annotator.note(&[of_inventory(inventory, time)?])?],
    })
}

fn related(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship { spdx_element_id: from.to_owned(), kind, related_spdx_element: to.to_owned() }
}

/// An item of which nothing is said but what it is.
fn bare<'a>(name: &'a str, id: &str, purpose: &'static str) -> Item<'a> {
    Item {
        name,
        id: id.to_owned(),
        version_info: "",
        supplier: None,
        download_location: NOT_SAID,
        files_analyzed: false,
        checksums: Vec::new(),
        source_info: None,
        license_concluded: NOT_SAID,
        license_declared: NOT_SAID.into(),
        copyright_text: NOT_SAID,
        description: None,
        external_refs: Vec::new(),
        primary_package_purpose: purpose,
        annotations: Vec::new(),
    }
}

fn subject(inventory: &Inventory) -> Item<'_> {
    let Some(image) = &inventory.image else { return bare(&inventory.source.name, SUBJECT, "SOURCE") };
    let digest = image.manifest_digest.unwrap_or(image.config_digest);
    Item {
        checksums: vec![Checksum { algorithm: "SHA256", checksum_value: digest.hex() }],
        ..bare(image.names.first().unwrap_or(&inventory.source.name), SUBJECT, "CONTAINER")
    }
}

fn system(os: &OsRelease) -> Item<'_> {
    Item {
        version_info: &os.version_id,
        description: os.pretty_name.as_deref(),
        ..bare(&os.id, SYSTEM, "OPERATING_SYSTEM")
    }
}

fn item<'a>(
    package: &'a Package,
    diff_ids: &[Option<String>],
    annotator: &Annotator,
    extracted: &mut Extracted,
) -> io::Result<Item<'a>> {
    let facts = &package.facts;
    let declared = license::expression(&facts.licenses, extracted);
    let supplier =
        facts.supplier.as_deref().filter(|text| !text.is_empty()).map(|text| format!("Organization: {text}"));
    let fields = InFields {
        licenses: &license::parse(&declared, extracted),
        supplier: facts.supplier.as_deref().filter(|_| supplier.is_some()),
        location: None,
    };
    let properties = of_package(diff_ids, package, &fields);
    // As Trivy says it, whose reader goes by it.
    let source_info = match &facts.source {
        Some(source) => format!("built package from: {} {}", source.name, source.version),
        None => format!("package found in: {}", package.location),
    };
    let url = ExternalReference { category: "PACKAGE-MANAGER", kind: "purl", locator: package.purl.as_str() };
    Ok(Item {
        version_info: &facts.version,
        supplier,
        source_info: Some(source_info),
        license_declared: declared.into(),
        external_refs: vec![url],
        annotations: vec![annotator.note(&properties)?],
        ..bare(&facts.name, &format!("SPDXRef-Package-{}", package.id.as_str()), "LIBRARY")
    })
}
