//! VEX in CycloneDX (ECMA-424, `vulnerabilities`): a document of its own, or a list of components that says it too.
//!
//! `affects` names a component by its `bom-ref` in the document, by a package URL, or by a BOM-Link
//! (`urn:cdx:SERIAL/VERSION#REF`) whose end is a package URL. Where the document is about an image, what it says of a
//! component holds in that image only; the subject of any other document (an application) is not to be found in an
//! image, so that there the component alone decides.

use super::{Product, Sink, Statement, VexStatus, prose};
use crate::feeds::text::{Text, moment, nullable};
use crate::product::{ImageName, Name};
use crate::vers::Vers;
use sekisho_model::{Digest, MOST_VALUES, json_whole, percent_decoded};
use serde::Deserialize;
use serde::de::Deserializer;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Bom<'a> {
    #[serde(borrow, rename = "serialNumber")]
    serial: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    metadata: Metadata<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    components: Vec<Component<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    component: Option<Component<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    authors: Vec<Named<'a>>,
    #[serde(borrow)]
    supplier: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Text<'a>,
    #[serde(borrow, rename = "bom-ref")]
    bom_ref: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    version: Text<'a>,
    #[serde(borrow)]
    purl: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    hashes: Vec<Hash<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    components: Vec<Component<'a>>,
}

#[derive(Deserialize)]
struct Hash<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow, default, deserialize_with = "nullable")]
    id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    references: Vec<Reference<'a>>,
    #[serde(borrow)]
    recommendation: Option<Text<'a>>,
    #[serde(borrow)]
    analysis: Option<Analysis<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    affects: Vec<Affects<'a>>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
struct Analysis<'a> {
    #[serde(borrow)]
    state: Option<Text<'a>>,
    #[serde(borrow)]
    justification: Option<Text<'a>>,
    #[serde(borrow)]
    detail: Option<Text<'a>>,
    #[serde(borrow, rename = "firstIssued")]
    first: Option<Text<'a>>,
    #[serde(borrow, rename = "lastUpdated")]
    last: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Affects<'a> {
    #[serde(borrow, rename = "ref")]
    component: Text<'a>,
    #[serde(borrow, default)]
    versions: Listed<'a>,
}

/// Versions; the examples of the standard's own authors have one without a list around it.
#[derive(Default)]
struct Listed<'a>(Vec<Version<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<'a> {
            #[serde(borrow)]
            Many(Vec<Version<'a>>),
            One(Version<'a>),
        }

        Ok(Self(match Option::deserialize(deserializer)? {
            Some(Either::Many(versions)) => versions,
            Some(Either::One(version)) => vec![version],
            None => Vec::new(),
        }))
    }
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow, rename = "version")]
    exact: Option<Text<'a>>,
    #[serde(borrow)]
    range: Option<Text<'a>>,
    #[serde(borrow, alias = "state")]
    status: Option<Text<'a>>,
}

/// Reads a document; gives its author.
pub(super) fn read(bytes: &[u8], sink: &mut Sink<'_>) -> Result<Option<Arc<str>>, serde_json::Error> {
    let bom: Bom<'_> = json_whole(bytes, MOST_VALUES)?;
    let subject = bom.metadata.component.as_ref();
    let image = subject.map(of_image).filter(|names| !names.is_empty());
    let refs = References::of(&bom, image.clone());
    let issued = bom.metadata.timestamp.as_deref().and_then(moment);
    for said in &bom.vulnerabilities {
        if said.id.is_empty() {
            sink.broken("", format_args!("it has no id"));
            continue;
        }
        let others = said.references.iter().filter_map(|reference| reference.id.as_ref());
        let vulnerability: Arc<[String]> = [&said.id].into_iter().chain(others).map(|name| name.to_string()).collect();
        let empty = Analysis::default();
        let analysis = said.analysis.as_ref().unwrap_or(&empty);
        let state = match analysis.state.as_deref() {
            None => None,
            Some("not_affected" | "false_positive") => Some(VexStatus::NotAffected),
            Some("resolved" | "resolved_with_pedigree") => Some(VexStatus::Fixed),
            Some("exploitable") => Some(VexStatus::Affected),
            Some("in_triage") => Some(VexStatus::UnderInvestigation),
            Some(other) => {
                sink.broken(&said.id, format_args!("{other:?} is no state of an analysis"));
                continue;
            }
        };
        let justification = match analysis.state.as_deref() {
            Some("false_positive") => Some("false_positive".into()),
            _ => analysis.justification.as_deref().and_then(prose),
        };
        let times = [&analysis.last, &analysis.first];
        let timestamp = times.into_iter().find_map(|text| moment(text.as_deref()?)).or(issued);
        let text = analysis.detail.as_deref().and_then(prose);
        let text = text.or_else(|| said.recommendation.as_deref().and_then(prose));
        let statement = |product, status| Statement {
            vulnerability: Arc::clone(&vulnerability),
            product,
            status,
            justification: justification.clone(),
            text: text.clone(),
            timestamp,
        };
        // What says it of nothing says it of nothing that can be found.
        if state.is_some() && said.affects.is_empty() {
            sink.product_unknown(&said.id);
        }
        for affects in &said.affects {
            let Some(product) = refs.product(&affects.component) else {
                // A list of components that says which vulnerabilities they have says nothing new.
                if state.is_some() || !affects.versions.0.is_empty() {
                    sink.product_unknown(&affects.component);
                }
                continue;
            };
            if let (true, Some(state)) = (affects.versions.0.is_empty(), state) {
                sink.say(statement(product, state));
                continue;
            }
            for version in &affects.versions.0 {
                let status = match version.status.as_deref() {
                    Some("unaffected") => VexStatus::NotAffected,
                    None => state.unwrap_or(VexStatus::Affected),
                    // What contradicts its own analysis suppresses nothing.
                    Some("affected") => state.filter(|state| !state.suppresses()).unwrap_or(VexStatus::Affected),
                    Some("unknown") => VexStatus::UnderInvestigation,
                    Some(other) => {
                        sink.broken(&said.id, format_args!("{other:?} is no status of a version"));
                        continue;
                    }
                };
                match narrowed(&product, version) {
                    Some(product) => sink.say(statement(Arc::new(product), status)),
                    None => sink.product_unknown(&affects.component),
                }
            }
        }
    }
    let metadata = &bom.metadata;
    let authors = metadata.authors.first().or(metadata.supplier.as_ref()).and_then(|author| author.name.as_deref());
    Ok(authors.and_then(prose))
}

/// The product in the versions of an entry; none where it is none of them, or they are not understood.
fn narrowed(product: &Product, version: &Version<'_>) -> Option<Product> {
    let Product { names, components } = product.clone();
    let narrow = |names: Vec<Name>| -> Option<Vec<Name>> {
        let narrow = |name| match name {
            Name::Package(package) => match (&version.exact, &version.range) {
                (Some(version), _) => package.at(version),
                (None, Some(range)) => package.within(Vers::parse(range)?),
                (None, None) => Some(package),
            }
            .map(Name::Package),
            // An image's digest is its version.
            image => Some(image),
        };
        Some(names.into_iter().filter_map(narrow).collect::<Vec<_>>()).filter(|names| !names.is_empty())
    };
    match components {
        Some(components) => Some(Product { names, components: Some(narrow(components)?) }),
        None => Some(Product { names: narrow(names)?, components: None }),
    }
}

/// What the components of a document are.
struct References<'b> {
    by_ref: HashMap<&'b str, Arc<Product>>,
    /// The serial number without `urn:uuid:`.
    serial: Option<&'b str>,
    image: Option<Vec<Name>>,
}

impl<'b> References<'b> {
    fn of(bom: &'b Bom<'_>, image: Option<Vec<Name>>) -> Self {
        let serial = bom.serial.as_deref().map(|serial| serial.strip_prefix("urn:uuid:").unwrap_or(serial));
        let mut references = Self { by_ref: HashMap::new(), serial, image };
        let mut rest: Vec<&Component<'_>> = bom.components.iter().collect();
        if let Some(subject) = &bom.metadata.component {
            rest.extend(&subject.components);
            let whole = references.image.clone().map(|names| Product { names, components: None });
            let whole = whole.or_else(|| references.package(subject.purl.as_deref()?));
            if let (Some(id), Some(whole)) = (&subject.bom_ref, whole) {
                references.by_ref.insert(id, Arc::new(whole));
            }
        }
        while let Some(component) = rest.pop() {
            rest.extend(&component.components);
            let product = component.purl.as_deref().and_then(|purl| references.package(purl));
            if let (Some(id), Some(product)) = (&component.bom_ref, product) {
                references.by_ref.insert(id, Arc::new(product));
            }
        }
        references
    }

    /// The package, in the image if the document is about one.
    fn package(&self, purl: &str) -> Option<Product> {
        let name = Name::parse(purl)?;
        Some(match (&self.image, &name) {
            (Some(image), Name::Package(_)) => Product { names: image.clone(), components: Some(vec![name]) },
            _ => Product { names: vec![name], components: None },
        })
    }

    /// What `affects` names.
    fn product(&self, reference: &str) -> Option<Arc<Product>> {
        if let Some(product) = self.by_ref.get(reference) {
            return Some(Arc::clone(product));
        }
        let Some(link) = reference.strip_prefix("urn:cdx:") else {
            return self.package(reference).map(Arc::new);
        };
        let (document, end) = link.split_once('#')?;
        let end = end.trim();
        let is_own = document.split('/').next() == self.serial;
        if let (true, Some(product)) = (is_own, self.by_ref.get(end)) {
            return Some(Arc::clone(product));
        }
        // Another document's component, of which only its package URL is known.
        let plain = |purl: &str| Name::parse(purl).map(|name| Product { names: vec![name], components: None });
        plain(end).or_else(|| plain(&percent_decoded(end))).map(Arc::new)
    }
}

/// The names of an image that a component is; none where it is none.
fn of_image(component: &Component<'_>) -> Vec<Name> {
    let purl = component.purl.as_deref().and_then(Name::parse).filter(|name| !matches!(name, Name::Package(_)));
    if &*component.kind != "container" {
        return purl.into_iter().collect();
    }
    let sha256 = component.hashes.iter().filter(|hash| &*hash.alg == "SHA-256");
    let sha256 = sha256.filter_map(|hash| Digest::from_hex(&hash.content.to_ascii_lowercase()).ok());
    let mut names: Vec<Name> = sha256.chain(component.version.parse()).map(Name::Digest).chain(purl).collect();
    // Its name is all there is to go by where it has no digest.
    if names.is_empty() && !component.name.is_empty() {
        names.push(Name::Image(ImageName::called(&component.name, None)));
    }
    names
}
