//! Inventories as a scan could make them, and some that only an attacker would wish for.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use sekisho_model::{
    BaseImage, BaseMethod, Code, ContentSets, Diagnostic, Digest, Evidence, INVENTORY_SCHEMA, Image, Inventory, Layer,
    License, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Platform, Source, SourceKind,
    SourcePackage, Tool,
};
use sekisho_sbom::purl::purl_of;
use std::collections::BTreeSet;

/// Texts as strangers write them.
fn text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "/",
        "//",
        " ",
        "\0",
        "@",
        "a/",
        "/a",
        "@scope/name",
        "\u{1b}[2Jx",
        "\u{202e}x",
        "関所",
        "%2F",
        "\u{feff}",
    ];
    prop_oneof![3 => "[a-z0-9+.~:-]{1,12}", 1 => select(odd.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

/// Any moment that the clock type can hold.
pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    (first..=last).prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
}

fn license() -> impl Strategy<Value = License> {
    let known = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0+",
        "GPL-2.0",
        "GPL-2.0+",
        "LGPL-2.1-or-later",
        "GFDL-1.1-invariants",
        "BSD-Source-alt-GPL",
        "NOASSERTION",
        "MIT OR Apache-2.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-own",
        "GPLv2+",
        "public domain",
    ];
    let known = select(known.to_vec()).prop_map(|text| License::parse(text).unwrap_or(License::Name(text.into())));
    let identifier = (0..spdx::identifiers::LICENSES.len())
        .prop_map(|index| License::Expression(spdx::identifiers::LICENSES[index].name.into()));
    let long = (1000_usize..5000).prop_map(|length| License::Name("Permission is hereby granted\n".repeat(length)));
    prop_oneof![8 => known, 4 => identifier, 4 => text().prop_map(License::Name), 1 => long]
}

fn facts() -> impl Strategy<Value = PackageFacts> {
    let source = (text(), text()).prop_map(|(name, version)| SourcePackage { name, version });
    let identity = (select(PackageKind::ALL), text(), text());
    let rest = (
        of(text()),
        of(source),
        vec(license(), 0..4),
        of(text()),
        select(vec![Evidence::Installed, Evidence::Declared, Evidence::Inferred]),
        any::<bool>(),
        of(any::<bool>()),
        vec((text(), text()), 0..3),
    );
    (identity, rest).prop_map(
        |((kind, name, version), (arch, source, licenses, supplier, evidence, dev, direct, extra))| PackageFacts {
            kind,
            name,
            version,
            arch,
            source,
            licenses,
            supplier,
            evidence,
            dev,
            direct,
            extra,
        },
    )
}

fn origin() -> impl Strategy<Value = Origin> {
    select(vec![Origin::Base, Origin::Application, Origin::Unknown])
}

/// Facts with what a scan adds to them. Layers may be ones that the image does not have.
fn found() -> impl Strategy<Value = (PackageFacts, String, Option<u32>, Origin, bool)> {
    (facts(), text(), of(0_u32..6), origin(), any::<bool>())
}

/// A package, unless it has no package URL: a scan then leaves it out.
fn package(
    (facts, location, layer, origin, owned): (PackageFacts, String, Option<u32>, Origin, bool),
    os: Option<&OsRelease>,
) -> Option<Package> {
    let purl = purl_of(&facts, os).ok()?;
    let owned_by = owned.then(|| PackageId::new(&purl, "its owner"));
    Some(Package { id: PackageId::new(&purl, &location), purl, facts, location, layer, origin, owned_by })
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from)
}

fn layer() -> impl Strategy<Value = Layer> {
    (any::<u32>(), of(digest()), any::<u64>(), origin()).prop_map(|(index, digest, bytes, origin)| Layer {
        index,
        digest,
        diff_id: digest,
        stored_bytes: bytes,
        plain_bytes: bytes,
        entries: bytes,
        created_by: None,
        origin,
    })
}

fn base() -> impl Strategy<Value = BaseImage> {
    let method = select(vec![BaseMethod::DiffIds, BaseMethod::Label, BaseMethod::History]);
    (of(text()), of(digest()), any::<u32>(), method).prop_map(|(name, digest, layers, method)| BaseImage {
        name,
        digest,
        layers,
        method,
    })
}

fn image() -> impl Strategy<Value = Image> {
    let platform =
        (text(), text(), of(text())).prop_map(|(os, architecture, variant)| Platform { os, architecture, variant });
    let created = prop_oneof![
        text(),
        timestamp().prop_map(|time| time.to_string()),
        Just("-000009-01-01T00:00:00Z".to_owned()),
        Just("2024-05-06T07:08:09+09:00[Asia/Tokyo]".to_owned()),
    ];
    let digests = (of(digest()), digest());
    (vec(text(), 0..3), digests, platform, of(created), vec(layer(), 0..4), of(base())).prop_map(
        |(names, (manifest_digest, config_digest), platform, created, layers, base)| Image {
            names,
            manifest_digest,
            config_digest,
            platform,
            created,
            labels: Vec::new(),
            config: None,
            layers,
            history: Vec::new(),
            base,
        },
    )
}

fn os() -> impl Strategy<Value = OsRelease> {
    (text(), text(), of(text())).prop_map(|(id, version_id, pretty_name)| OsRelease {
        id,
        version_id,
        pretty_name,
        ..OsRelease::default()
    })
}

/// Any inventory that our own JSON can hold: the platform of an image is a text with two or three parts.
pub(crate) fn sound_inventory() -> impl Strategy<Value = Inventory> {
    inventory().prop_map(|mut inventory| {
        if let Some(image) = &mut inventory.image
            && image.platform.to_string().parse::<Platform>().as_ref() != Ok(&image.platform)
        {
            image.platform = Platform { os: "linux".into(), architecture: "arm".into(), variant: Some("v7".into()) };
        }
        inventory
    })
}

/// Any inventory whose packages are told apart by their ids.
pub(crate) fn inventory() -> impl Strategy<Value = Inventory> {
    let source = (select(vec![SourceKind::DockerArchive, SourceKind::OciLayout, SourceKind::FileSystem]), text())
        .prop_map(|(kind, name)| Source { kind, name });
    (source, timestamp(), of(image()), of(os()), vec(found(), 0..8), any::<bool>()).prop_map(
        |(source, observed_at, image, os, found, complete)| {
            let mut seen = BTreeSet::new();
            let packages = found
                .into_iter()
                .filter_map(|found| package(found, os.as_ref()))
                .filter(|package| seen.insert(package.id.clone()))
                .collect();
            let names = vec![format!("{}-for-x86_64-rpms", source.name)];
            let sets = complete.then(|| ContentSets { location: "root/buildinfo/x.json".into(), layer: None, names });
            let lost = (!complete).then(|| Diagnostic::incomplete(Code::LayerUnreadable, "the archive ends early"));
            Inventory {
                schema: INVENTORY_SCHEMA.into(),
                tool: Tool { name: "sekisho".into(), version: "1.2.3".into() },
                observed_at,
                source,
                image,
                os,
                packages,
                removed: Vec::new(),
                files: Vec::new(),
                documents: Vec::new(),
                content_sets: sets.into_iter().collect(),
                complete,
                diagnostics: lost.into_iter().collect(),
            }
        },
    )
}
