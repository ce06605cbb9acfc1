//! Reading SPDX 2.2 and 2.3 JSON, and how Trivy and Syft use it: Trivy has `Key: value` in annotations, in older versions
//! in attribution texts, and says in `sourceInfo` what a package was built from or found in; Syft says there which file
//! tells of it.

use super::license::{self, Extracted};
use crate::json::{Few, Text, each};
use crate::property::{INVENTORY, Word, Words};
use crate::read::{About, Format, Gather, Head, Input, Said, image};
use sekisho_model::{Image, Inventory, OsRelease, SourcePackage, distribution_id};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

pub(crate) static FORMAT: Format = Format {
    name: "SPDX",
    recognises: |head: &Head| !head.spdx_version.is_empty(),
    version: |head| match &*head.spdx_version {
        "SPDX-2.2" | "SPDX-2.3" => Ok(()),
        other => Err(other.chars().take(20).collect()),
    },
    read,
};

/// All but the lists, which are read item by item.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Document {
    name: Text,
    creation_info: Option<CreationInfo>,
    #[serde(rename = "documentDescribes")]
    describes: Few<Text>,
    annotations: Few<Annotation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CreationInfo {
    created: Text,
    creators: Few<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotation {
    comment: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(rename = "SPDXID")]
    id: Text,
    name: Text,
    version_info: Text,
    supplier: Option<Text>,
    source_info: Text,
    license_concluded: Text,
    license_declared: Text,
    description: Text,
    external_refs: Few<Reference>,
    primary_package_purpose: Text,
    annotations: Few<Annotation>,
    attribution_texts: Few<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    reference_type: Text,
    reference_locator: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExtractedText {
    license_id: Text,
    extracted_text: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    #[serde(rename = "SPDXID")]
    id: Text,
    file_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: Text,
    #[serde(rename = "relationshipType")]
    kind: Text,
    related_spdx_element: Text,
}

impl Item {
    /// What annotations say: a list of properties of ours, or what Trivy says in words.
    fn words(&self) -> Vec<Word> {
        let comments = self.annotations.iter().map(|note| &note.comment);
        comments.chain(self.attribution_texts.iter()).flat_map(|text| words(text)).collect()
    }

    /// Its package URLs: one thing may have several, such as a distribution's and that of its upstream.
    fn purls(&self) -> impl Iterator<Item = &str> {
        let is = |found: &&Reference| found.reference_type.rsplit('/').next() == Some("purl");
        self.external_refs
            .iter()
            .filter(is)
            .map(|found| stated(&found.reference_locator))
            .filter(|purl| !purl.is_empty())
    }

    /// What it was built from, as Trivy says it.
    fn source(&self) -> Option<SourcePackage> {
        let (name, version) = self.source_info.strip_prefix("built package from: ")?.rsplit_once(' ')?;
        Some(SourcePackage { name: name.to_owned(), version: version.to_owned() })
    }

    /// The file that tells of it, as Trivy or Syft says it.
    fn found_in(&self) -> Option<&str> {
        let text = &*self.source_info;
        text.strip_prefix("package found in: ").or_else(|| {
            let paths = text.strip_prefix("acquired package info from")?.split_once(": /")?.1;
            paths.split(", ").next()
        })
    }
}

/// What a field says: the standard has two words for nothing, which some write into every field.
fn stated(text: &str) -> &str {
    if matches!(text, "NOASSERTION" | "NONE") { "" } else { text }
}

fn words(text: &str) -> Vec<Word> {
    if text.starts_with('[') {
        return serde_json::from_str::<Few<Word>>(text).map(|few| few.items).unwrap_or_default();
    }
    Word::of_trivy(text).into_iter().collect()
}

fn read(input: &Input<'_>) -> Result<Inventory, serde_json::Error> {
    let document: Document = serde_json::from_slice(input.bytes)?;
    let most = input.limits.records;
    let mut extracted = Extracted::new();
    each(input.bytes, "hasExtractedLicensingInfos", |text: ExtractedText| {
        if extracted.len() < most {
            extracted.insert(text.license_id.0, text.extracted_text.0);
        }
    })?;
    let mut files: HashMap<String, String> = HashMap::new();
    each(input.bytes, "files", |file: File| {
        if files.len() < most {
            files.insert(file.id.0, file.file_name.0);
        }
    })?;
    let mut subjects: HashSet<String> = document.describes.iter().map(|id| id.0.clone()).collect();
    let mut places: HashMap<String, String> = HashMap::new();
    each(input.bytes, "relationships", |found: Relationship| {
        let Relationship { spdx_element_id: Text(from), kind, related_spdx_element: Text(to) } = found;
        let of_file = matches!(&*kind, "CONTAINS" | "OTHER" | "EVIDENT_BY");
        if *kind == *"DESCRIBES" && from == super::DOCUMENT && subjects.len() < most {
            subjects.insert(to);
        } else if let Some(path) = files.get(&to).filter(|_| of_file && places.len() < most) {
            places.entry(from).or_insert_with(|| path.clone());
        }
    })?;
    // Where a document is about many things, these are its packages.
    let subject = Some(subjects).filter(|subjects| subjects.len() == 1).into_iter().flatten().next();
    let notes: Vec<Word> = document.annotations.iter().flat_map(|note| words(&note.comment)).collect();
    let own = Words(&notes).get(INVENTORY);
    let mut image = None;
    let mut target = String::new();
    let mut gather = Gather::new(input, own, None)?;
    each(input.bytes, "packages", |item: Item| {
        let is_subject = subject.as_ref() == Some(&item.id.0);
        if is_subject {
            image = described(&item, &item.words());
            target.clone_from(&item.name.0);
        }
        take(&mut gather, &item, is_subject, own.is_some(), &extracted, &places);
    })?;
    let created = document.creation_info.unwrap_or_default();
    let tool = created.creators.iter().find_map(|text| text.strip_prefix("Tool: ")).unwrap_or_default();
    let (tool, version) = tool.rsplit_once('-').unwrap_or((tool, ""));
    Ok(gather.finish(About {
        tool: (tool.to_owned(), version.to_owned()),
        observed_at: created.created.parse().ok(),
        target: if target.is_empty() { document.name.0 } else { target },
        image,
        is_incomplete: false,
    }))
}

fn take(
    gather: &mut Gather<'_>,
    item: &Item,
    is_subject: bool,
    is_ours: bool,
    extracted: &Extracted,
    places: &HashMap<String, String>,
) {
    let properties = item.words();
    let words = Words(&properties);
    if item.annotations.more || item.external_refs.more || item.attribution_texts.more {
        gather.cut(&item.name);
    }
    let purpose = item.primary_package_purpose.replace('_', "-");
    let purl = item.purls().next().unwrap_or_default();
    if purpose == "OPERATING-SYSTEM" {
        gather.system(OsRelease {
            id: distribution_id(&item.name).to_owned(),
            version_id: stated(&item.version_info).to_owned(),
            pretty_name: Some(item.description.0.clone()).filter(|text| !text.is_empty()),
            ..OsRelease::default()
        });
        return;
    }
    // Trivy's files that name packages, and what a document is about, unless that is a package itself.
    let is_package = || purpose != "CONTAINER" && crate::cyclonedx::read::is_package(purl);
    if words.trivy("Class").is_some() || is_subject && (is_ours || !is_package()) {
        return;
    }
    let supplier = item.supplier.as_deref().map(stated).filter(|text| !text.is_empty());
    let supplier = supplier.map(|text| {
        let name = text.strip_prefix("Organization: ").or_else(|| text.strip_prefix("Person: "));
        name.unwrap_or(text)
    });
    let licenses = license::parse(&item.license_declared, extracted);
    let licenses = if licenses.is_empty() { license::parse(&item.license_concluded, extracted) } else { licenses };
    let place = places.get(&item.id.0).map(String::as_str);
    // A document of ours says nothing where there is no version.
    let version = if is_ours { &*item.version_info } else { stated(&item.version_info) };
    let said = Said {
        purl,
        group: None,
        name: if is_ours { &item.name } else { stated(&item.name) },
        version,
        licenses,
        supplier,
        location: item.found_in().or(place).unwrap_or_default(),
        source: item.source(),
        layer: words.trivy("LayerDiffID").unwrap_or_default(),
        dev: false,
        evidence: None,
        words: &properties,
        is_software: !matches!(&*purpose, "FILE" | "CONTAINER" | "DEVICE"),
        is_further: false,
    };
    gather.component(&said);
    for purl in item.purls().skip(1) {
        gather.component(&Said { purl, is_further: true, ..said.clone() });
    }
}

/// The image that Trivy says a document is about.
fn described(item: &Item, properties: &[Word]) -> Option<Image> {
    let words = Words(properties);
    let labels = words.all_of_trivy("Labels:").map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut names: Vec<String> = words.all_of_trivy("RepoTag").map(|(_, name)| name.to_owned()).collect();
    if names.is_empty() && !item.name.is_empty() {
        names.push(item.name.0.clone());
    }
    image(words.trivy("ImageID"), None, names, ("", ""), &[], labels)
}
