//! Writing CycloneDX 1.6 JSON (ECMA-424).
//!
//! The same inventory gives the same bytes: the serial number is a version 5 UUID of the digest of what
//! was scanned, the time is the image's own. What the standard has no field for goes into properties
//! named `sekisho:…`, so that a reader of ours loses nothing.

pub(crate) mod read;
mod vulnerabilities;

use crate::property::{InFields, Property, of_inventory, of_package};
use jiff::{Timestamp, Unit};
use sekisho_model::{Digest, Inventory, License, OsRelease, Package, PackageKind, ScanReport, write_json};
use serde::{Serialize, Serializer};
use std::io::{self, Write};
use uuid::Uuid;

/// Writes the inventory as an indented CycloneDX 1.6 document with a final newline. `timestamp` stands
/// for the image's own time of creation, and that for the time of the scan.
pub fn write(inventory: &Inventory, timestamp: Option<Timestamp>, to: impl Write) -> io::Result<()> {
    write_json(&document(inventory, timestamp)?, to)
}

/// Writes the report's inventory in the same way, with its vulnerabilities. What could not be judged is in a composition
/// and in the properties of the metadata.
pub fn write_scan(report: &ScanReport, timestamp: Option<Timestamp>, to: impl Write) -> io::Result<()> {
    let mut document = document(&report.inventory, timestamp)?;
    let entries = vulnerabilities::entries(report);
    if let Some(aggregate) = vulnerabilities::aggregate(&report.assessment) {
        let vulnerabilities = entries.iter().map(|entry| entry.bom_ref.clone()).collect();
        document.compositions.push(Composition { aggregate, assemblies: None, vulnerabilities: Some(vulnerabilities) });
    }
    document.metadata.properties.extend(vulnerabilities::state(&report.assessment));
    document.vulnerabilities = Some(entries);
    write_json(&document, to)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Components<'a>,
    dependencies: Vec<Dependency<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compositions: Vec<Composition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerabilities: Option<Vec<vulnerabilities::Entry<'a>>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: String,
    tools: Tools<'a>,
    component: Component<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Component<'a>; 1],
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

/// The components of an inventory, each made when it is written: together they take several times the memory of the
/// inventory.
struct Components<'a> {
    inventory: &'a Inventory,
    /// Those of the image's layers.
    diff_ids: Vec<Option<String>>,
}

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let packages = self.inventory.packages.iter().map(|package| component(&self.diff_ids, package));
        serializer.collect_seq(self.inventory.os.as_ref().map(system).into_iter().chain(packages))
    }
}

#[derive(Serialize)]
struct Supplier<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseChoice<'a> {
    License(LicenseName<'a>),
    #[serde(untagged)]
    Expression {
        expression: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseName<'a> {
    Id(&'a str),
    Name(&'a str),
}

impl<'a> LicenseChoice<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Expression { expression: text } | Self::License(LicenseName::Id(text) | LicenseName::Name(text)) => {
                text
            }
        }
    }
}

#[derive(Serialize)]
struct EvidenceDocument<'a> {
    occurrences: [Occurrence<'a>; 1],
}

#[derive(Serialize)]
struct Occurrence<'a> {
    location: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    of: &'a str,
    depends_on: Vec<&'a str>,
}

#[derive(Serialize)]
struct Composition<'a> {
    aggregate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assemblies: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerabilities: Option<Vec<String>>,
}

/// `bom-ref` of what was scanned.
const SUBJECT: &str = "subject";
/// `bom-ref` of the distribution.
const SYSTEM: &str = "os";
/// The first moment that RFC 3339 can write.
const YEAR_ZERO: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// What passes for an SPDX identifier and is not in the enumeration of `spdx.schema.json`, v1.1-3.28.0: newer than it,
/// or the common stem of several identifiers. Sorted.
const UNLISTED: [&str; 20] = [
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "NOASSERTION",
    "atc-game",
];

/// Whether what passes for an SPDX identifier is none that readers know.
pub(crate) fn is_unlisted(id: &str) -> bool {
    UNLISTED.binary_search(&id).is_ok()
}

fn document(inventory: &Inventory, timestamp: Option<Timestamp>) -> io::Result<Document<'_>> {
    let layers = inventory.image.as_ref().map(|image| image.layers.as_slice()).unwrap_or_default();
    let diff_ids: Vec<Option<String>> = layers.iter().map(|layer| Some(layer.diff_id?.to_string())).collect();
    let packages = inventory.packages.iter().map(|package| package.id.as_str());
    let depends_on = inventory.os.iter().map(|_| SYSTEM).chain(packages).collect();
    let compositions = if inventory.complete {
        Vec::new()
    } else {
        vec![Composition { aggregate: "incomplete", assemblies: Some([SUBJECT]), vulnerabilities: None }]
    };
    let time = time(inventory, timestamp);
    Ok(Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", serial(inventory)),
        version: 1,
        metadata: Metadata {
            timestamp: date_time(time),
            tools: Tools {
                components: [Component {
                    kind: "application",
                    name: &inventory.tool.name,
                    version: &inventory.tool.version,
                    ..Component::default()
                }],
            },
            component: subject(inventory),
            properties: vec![of_inventory(inventory, time)?],
        },
        components: Components { inventory, diff_ids },
        dependencies: vec![Dependency { of: SUBJECT, depends_on }],
        compositions,
        vulnerabilities: None,
    })
}

/// A version 5 UUID of the digest of what was scanned: the image's configuration, or, for a tree, which
/// has no digest, its list of packages.
pub(crate) fn serial(inventory: &Inventory) -> Uuid {
    let of_packages = || {
        let ids: Vec<&str> = inventory.packages.iter().map(|package| package.id.as_str()).collect();
        Digest::of(ids.join("\n").as_bytes())
    };
    let digest = inventory.image.as_ref().map_or_else(of_packages, |image| image.config_digest);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, digest.to_string().as_bytes())
}

/// The time of a document: what is asked for, else the image's own, else that of the scan.
pub(crate) fn time(inventory: &Inventory, timestamp: Option<Timestamp>) -> Timestamp {
    let created = || inventory.image.as_ref()?.created.as_deref()?.parse::<Timestamp>().ok();
    timestamp.or_else(created).unwrap_or(inventory.observed_at)
}

/// A moment as RFC 3339 has it, in seconds.
pub(crate) fn date_time(time: Timestamp) -> String {
    // Rounding to seconds cannot leave the range of timestamps that were parsed or read from a clock.
    time.round(Unit::Second).unwrap_or(time).max(YEAR_ZERO).to_string()
}

fn subject(inventory: &Inventory) -> Component<'_> {
    let mut component = Component { bom_ref: Some(SUBJECT), name: &inventory.source.name, ..Component::default() };
    let Some(image) = &inventory.image else {
        component.kind = "file";
        return component;
    };
    component.kind = "container";
    if let Some(name) = image.names.first() {
        component.name = name;
    }
    let digest = image.manifest_digest.unwrap_or(image.config_digest);
    component.hashes.push(Hash { alg: "SHA-256", content: digest.hex() });
    let mut property = |name: &'static str, value: String| {
        component.properties.push(Property { name: name.into(), value: value.into() });
    };
    property("sekisho:image:id", image.config_digest.to_string());
    property("sekisho:image:platform", image.platform.to_string());
    if let Some(base) = &image.base {
        if let Some(name) = &base.name {
            property("sekisho:image:base:name", name.clone());
        }
        property("sekisho:image:base:layers", base.layers.to_string());
        property("sekisho:image:base:confidence", base.method.confidence().to_owned());
    }
    for layer in &image.layers {
        if let Some(diff_id) = layer.diff_id {
            property("sekisho:image:layer", format!("{} {diff_id}", layer.index));
        }
    }
    component
}

fn system(os: &OsRelease) -> Component<'_> {
    Component {
        kind: "operating-system",
        bom_ref: Some(SYSTEM),
        name: &os.id,
        version: &os.version_id,
        description: os.pretty_name.as_deref(),
        ..Component::default()
    }
}

fn component<'a>(diff_ids: &'a [Option<String>], package: &'a Package) -> Component<'a> {
    let facts = &package.facts;
    let (group, name) = match (facts.kind, facts.name.split_once('/')) {
        (PackageKind::Npm | PackageKind::Composer, Some((group, name))) => (Some(group), name),
        (PackageKind::Maven, None) => match facts.name.split_once(':') {
            Some((group, name)) => (Some(group), name),
            None => (None, facts.name.as_str()),
        },
        _ => (None, facts.name.as_str()),
    };
    let licenses = licenses(&facts.licenses);
    let read: Vec<License> = licenses.iter().filter_map(|choice| License::parse(choice.text())).collect();
    let fields = InFields { licenses: &read, supplier: facts.supplier.as_deref(), location: Some(&package.location) };
    Component {
        kind: "library",
        bom_ref: Some(package.id.as_str()),
        supplier: facts.supplier.as_deref().map(|name| Supplier { name }),
        group,
        name,
        version: &facts.version,
        licenses,
        purl: Some(package.purl.as_str()),
        evidence: Some(EvidenceDocument { occurrences: [Occurrence { location: &package.location }] }),
        properties: of_package(diff_ids, package, &fields),
        ..Component::default()
    }
}

/// The standard takes either one expression or any number of single licences.
fn licenses(licenses: &[License]) -> Vec<LicenseChoice<'_>> {
    if let [license @ License::Expression(expression)] = licenses
        && !is_listed(license)
    {
        return vec![LicenseChoice::Expression { expression }];
    }
    let name = |license| if is_listed(license) { LicenseName::Id } else { LicenseName::Name };
    licenses.iter().map(|license| LicenseChoice::License(name(license)(license.as_str()))).collect()
}

/// Whether the schema takes the licence as an `id`. It does not take `Apache-2.0+`, which is an expression.
fn is_listed(license: &License) -> bool {
    license.is_spdx_id() && !license.as_str().ends_with('+') && !is_unlisted(license.as_str())
}
