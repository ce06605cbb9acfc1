//! Reading Syft's own JSON: `schema/json` of <https://github.com/anchore/syft>.

use crate::json::{Few, Text, each};
use crate::property::{evidence_of_cataloger, full};
use crate::read::{About, Descriptor as Writer, Format, Gather, Head, Input, Said, Schema, image};
use sekisho_model::{Image, Inventory, License, OsRelease, PackageId, PackageKind, Purl, SourcePackage};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

pub(crate) static FORMAT: Format = Format {
    name: "Syft's JSON",
    recognises: |head: &Head| {
        let of_syft = matches!(&head.schema, Some(Schema::Syft { url }) if url.contains("syft"));
        let by_syft = matches!(&head.descriptor, Some(Writer::Of { name }) if **name == *"syft");
        head.artifacts.is_some() && (of_syft || by_syft || head.artifact_relationships.is_some())
    },
    // Fields are added within a version of the form and rarely removed; what is gone is said, as it names nothing.
    version: |_| Ok(()),
    read,
};

/// All but the lists, which are read item by item.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    source: Option<Source>,
    distro: Option<Distro>,
    descriptor: Option<Descriptor>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    name: Text,
    /// Of older versions.
    #[serde(rename = "type")]
    kind: Text,
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(rename = "imageID")]
    image_id: Text,
    manifest_digest: Text,
    tags: Few<Text>,
    layers: Few<Layer>,
    architecture: Text,
    os: Text,
    labels: Option<BTreeMap<String, Text>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Layer {
    digest: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Distro {
    id: Text,
    #[serde(rename = "versionID")]
    version_id: Text,
    version_codename: Text,
    pretty_name: Text,
    id_like: Few<Text>,
    #[serde(rename = "variantID")]
    variant_id: Text,
    cpe_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    name: Text,
    version: Text,
    timestamp: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Artifact {
    id: Text,
    name: Text,
    version: Text,
    found_by: Text,
    purl: Text,
    licenses: Few<Stated>,
    locations: Few<Location>,
    metadata: Option<Facts>,
}

/// A text in older versions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stated {
    License {
        #[serde(default)]
        value: Text,
        #[serde(default, rename = "spdxExpression")]
        expression: Text,
    },
    Text(Text),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    path: Text,
    #[serde(rename = "layerID")]
    layer: Text,
}

/// What the catalogers of distributions add, see `syft/pkg`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Facts {
    maintainer: Text,
    vendor: Text,
    epoch: Text,
    version: Text,
    release: Text,
    source: Text,
    source_version: Text,
    source_rpm: Text,
    origin_package: Text,
    modularity_label: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relationship {
    parent: Text,
    child: Text,
    #[serde(rename = "type")]
    kind: Text,
}

fn read(input: &Input<'_>) -> Result<Inventory, serde_json::Error> {
    let Document { source, distro, descriptor } = serde_json::from_slice(input.bytes)?;
    let (source, descriptor) = (source.unwrap_or_default(), descriptor.unwrap_or_default());
    let image = source.metadata.as_ref().filter(|_| *source.kind == *"image").and_then(described);
    let mut gather = Gather::new(input, None, image.as_ref())?;
    if let Some(distro) = distro {
        let some = |text: Text| Some(text.0).filter(|text| !text.is_empty());
        gather.system(OsRelease {
            id: distro.id.0,
            version_id: distro.version_id.0,
            id_like: distro.id_like.items.into_iter().map(|id| id.0).collect(),
            codename: some(distro.version_codename),
            pretty_name: some(distro.pretty_name),
            variant_id: some(distro.variant_id),
            cpe_name: some(distro.cpe_name),
        });
    }
    let mut known: HashMap<String, PackageId> = HashMap::new();
    each(input.bytes, "artifacts", |artifact: Artifact| {
        if let Some(id) = take(&mut gather, &artifact) {
            known.insert(artifact.id.0, id);
        }
    })?;
    each(input.bytes, "artifactRelationships", |found: Relationship| {
        if *found.kind == *"ownership-by-file-overlap"
            && let (Some(owner), Some(owned)) = (known.get(&found.parent.0), known.get(&found.child.0))
        {
            gather.owns(owner, owned);
        }
    })?;
    Ok(gather.finish(About {
        tool: (descriptor.name.0, descriptor.version.0),
        observed_at: descriptor.timestamp.parse().ok(),
        target: source.name.0,
        image,
        is_incomplete: false,
    }))
}

fn take(gather: &mut Gather<'_>, artifact: &Artifact) -> Option<PackageId> {
    let none = Facts::default();
    let facts = artifact.metadata.as_ref().unwrap_or(&none);
    let kind = artifact.purl.parse::<Purl>().map_or(PackageKind::Generic, |purl| purl.kind());
    let is_rpm = kind == PackageKind::Rpm;
    let source = if is_rpm {
        SourcePackage::of_rpm(&facts.source_rpm)
    } else {
        let (name, version) = if facts.source.is_empty() {
            (&facts.origin_package, &artifact.version)
        } else if facts.source_version.is_empty() {
            (&facts.source, &artifact.version)
        } else {
            (&facts.source, &facts.source_version)
        };
        (!name.is_empty()).then(|| SourcePackage { name: name.0.clone(), version: version.0.clone() })
    };
    let is_os = matches!(kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm | PackageKind::Alpm);
    let supplier = [&facts.maintainer, &facts.vendor].into_iter().find(|text| !text.is_empty());
    let licenses = artifact.licenses.iter().filter_map(|stated| match stated {
        Stated::License { value, expression } => License::parse(expression).or_else(|| License::parse(value)),
        Stated::Text(text) => License::parse(text),
    });
    if artifact.licenses.more {
        gather.cut(&artifact.name);
    }
    let place = artifact.locations.first();
    // The module is in no purl of older versions.
    let label = crate::property::Word {
        name: Text("syft:metadata:modularityLabel".to_owned()),
        value: Text(facts.modularity_label.0.clone()),
    };
    let version = if is_rpm && artifact.version.is_empty() {
        full(Some(&facts.epoch), &facts.version, Some(&facts.release))
    } else {
        artifact.version.0.clone()
    };
    gather.component(&Said {
        purl: &artifact.purl,
        group: None,
        name: &artifact.name,
        version: &version,
        licenses: licenses.collect(),
        supplier: supplier.map(|text| &**text),
        location: place.map_or("", |place| &*place.path),
        source: source.filter(|_| is_os),
        layer: place.map_or("", |place| &*place.layer),
        dev: false,
        evidence: Some(evidence_of_cataloger(&artifact.found_by)),
        words: std::slice::from_ref(&label),
        is_software: true,
        is_further: false,
    })
}

fn described(metadata: &Metadata) -> Option<Image> {
    let layers: Vec<&str> = metadata.layers.iter().map(|layer| &*layer.digest).collect();
    let labels = metadata.labels.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone())).collect();
    image(
        Some(&metadata.image_id),
        Some(&metadata.manifest_digest),
        metadata.tags.iter().map(|tag| tag.0.clone()).collect(),
        (&metadata.os, &metadata.architecture),
        &layers,
        labels,
    )
}
