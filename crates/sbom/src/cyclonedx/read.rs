//! Reading CycloneDX JSON (ECMA-424), and how Trivy and Syft use it:
//! <https://trivy.dev/latest/docs/supply-chain/sbom/>, `syft/format/internal/cyclonedxutil` of Syft.

use crate::json::{Few, Text, with_field};
use crate::property::{INVENTORY, Word, Words};
use crate::read::{About, Format, Gather, Head, Input, Said, image};
use sekisho_model::{Image, Inventory, License, OsRelease, Purl, distribution_id};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

pub(crate) static FORMAT: Format = Format {
    name: "CycloneDX",
    recognises: |head: &Head| *head.bom_format == *"CycloneDX",
    version: |head| match head.spec_version.split_once('.') {
        // All have the fields that are read, and readers ignore those they do not know.
        Some(("1", "2" | "3" | "4" | "5" | "6" | "7")) => Ok(()),
        _ => Err(format!("CycloneDX {:?}", head.spec_version.chars().take(20).collect::<String>())),
    },
    read,
};

/// All but the components, which are read one by one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    metadata: Option<Metadata>,
    compositions: Few<Composition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    timestamp: Text,
    tools: Option<Tools>,
    component: Option<Subject>,
    properties: Few<Word>,
}

/// A list in 1.4, from 1.5 on an object with lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tools {
    List(Few<Tool>),
    Object {
        #[serde(default)]
        components: Few<Tool>,
    },
    Other(IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    name: Text,
    version: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Composition {
    aggregate: Text,
    assemblies: Few<Text>,
    dependencies: Few<Text>,
    vulnerabilities: Few<Text>,
}

impl Composition {
    /// Whether it says that components are missing. One about vulnerabilities alone says nothing of components.
    fn is_incomplete(&self) -> bool {
        let of_components =
            self.vulnerabilities.is_empty() || !self.assemblies.is_empty() || !self.dependencies.is_empty();
        of_components && self.aggregate.starts_with("incomplete")
    }
}

/// The component that a document is about.
#[derive(Default)]
struct Subject(Component);

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut subject = Self::default();
        // What it consists of is read with the other components.
        Nested { take: &mut |component: Component| subject.0 = component, is_inner: false }.deserialize(from)?;
        Ok(subject)
    }
}

/// What is read of a component.
#[derive(Debug, Default)]
struct Component {
    kind: Text,
    group: Option<Text>,
    name: Text,
    version: Text,
    description: Text,
    scope: Text,
    purl: Text,
    supplier: Option<Text>,
    publisher: Text,
    licenses: Few<Choice>,
    occurrences: Few<Occurrence>,
    properties: Few<Word>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Organisation {
    name: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    occurrences: Few<Occurrence>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Occurrence {
    location: Text,
}

/// One expression, or one of several licences by id or name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    expression: Text,
    license: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Text,
    name: Text,
}

impl Component {
    fn licenses(&self) -> Vec<License> {
        let text = |choice: &Choice| {
            let named = choice.license.as_ref();
            let texts = [Some(&choice.expression), named.map(|named| &named.id), named.map(|named| &named.name)];
            texts.into_iter().flatten().find(|text| !text.is_empty()).and_then(|text| License::parse(text))
        };
        self.licenses.iter().filter_map(text).collect()
    }
}

/// A component, or a list of them: each is handed over once it is read, those inside of it before.
///
/// `serde_json` gives up at a depth of 128, which is more than anybody nests.
struct Nested<'a> {
    take: &'a mut dyn FnMut(Component),
    /// Whether those inside are handed over as well.
    is_inner: bool,
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = ();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Nested { take: &mut *self.take, is_inner: self.is_inner })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut read = Component::default();
        while let Some(Text(key)) = map.next_key()? {
            match key.as_str() {
                "type" => read.kind = map.next_value()?,
                "group" => read.group = map.next_value()?,
                "name" => read.name = map.next_value()?,
                "version" => read.version = map.next_value()?,
                "description" => read.description = map.next_value()?,
                "scope" => read.scope = map.next_value()?,
                "purl" => read.purl = map.next_value()?,
                "publisher" => read.publisher = map.next_value()?,
                "supplier" => read.supplier = map.next_value::<Option<Organisation>>()?.and_then(|found| found.name),
                "licenses" => read.licenses = map.next_value()?,
                "evidence" => read.occurrences = map.next_value::<Option<Found>>()?.unwrap_or_default().occurrences,
                "properties" => read.properties = map.next_value()?,
                "components" if self.is_inner => {
                    map.next_value_seed(Nested { take: &mut *self.take, is_inner: true })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        (self.take)(read);
        Ok(())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("components")
    }
}

/// The components that make up what a document is about, and that itself, which comes last.
struct OfMetadata<'a>(&'a mut dyn FnMut(Component));

impl<'de> DeserializeSeed<'de> for OfMetadata<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OfMetadata<'_> {
    type Value = ();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key == "component" {
                map.next_value_seed(Nested { take: &mut *self.0, is_inner: true })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata")
    }
}

fn read(input: &Input<'_>) -> Result<Inventory, serde_json::Error> {
    let Document { metadata, compositions } = serde_json::from_slice(input.bytes)?;
    let metadata = metadata.unwrap_or_default();
    let own = Words(&metadata.properties).get(INVENTORY);
    let subject = metadata.component.unwrap_or_default().0;
    let image = described(&subject);
    let mut gather = Gather::new(input, own, image.as_ref())?;
    let mut subjects: Option<Component> = None;
    with_field(
        input.bytes,
        "metadata",
        OfMetadata(&mut |read| {
            if let Some(inner) = subjects.replace(read) {
                take(&mut gather, &inner);
            }
        }),
    )?;
    // What a document is about is software as well, unless it is an image.
    if let Some(subject) = subjects.filter(|subject| own.is_none() && is_package(&subject.purl)) {
        take(&mut gather, &subject);
    }
    with_field(input.bytes, "components", Nested { take: &mut |read| take(&mut gather, &read), is_inner: true })?;
    let tools = match &metadata.tools {
        Some(Tools::List(tools) | Tools::Object { components: tools }) => tools.items.as_slice(),
        Some(Tools::Other(_)) | None => &[],
    };
    let tool = tools.first().map(|tool| (tool.name.0.clone(), tool.version.0.clone())).unwrap_or_default();
    Ok(gather.finish(About {
        tool,
        observed_at: metadata.timestamp.parse().ok(),
        target: subject.name.0,
        image,
        is_incomplete: compositions.more || compositions.iter().any(Composition::is_incomplete),
    }))
}

/// Whether what a document is about is itself a package of an ecosystem.
pub(crate) fn is_package(purl: &str) -> bool {
    let none = ["oci", "docker", "generic", "github"];
    match purl.parse::<Purl>() {
        Ok(purl) => !none.contains(&&*purl.parts().kind),
        // Syft puts the whole name of an image into its package URL, which then is none.
        Err(_) => !purl.is_empty() && !none.iter().any(|kind| purl.starts_with(&format!("pkg:{kind}/"))),
    }
}

fn take(gather: &mut Gather<'_>, read: &Component) {
    let words = Words(&read.properties);
    if read.licenses.more || read.properties.more {
        gather.cut(&read.name);
    }
    // Syft has the distribution twice: in the fields and in its own words.
    let word = |name: &str, field: &Text| words.text(name).unwrap_or(field).to_owned();
    if *read.kind == *"operating-system" {
        let some = |name: &str| words.text(name).map(str::to_owned);
        let id = word("syft:distro:id", &read.name);
        gather.system(OsRelease {
            id: distribution_id(&id).to_owned(),
            version_id: word("syft:distro:versionID", &read.version),
            id_like: some("syft:distro:idLike:0").into_iter().collect(),
            codename: some("syft:distro:versionCodename"),
            pretty_name: some("syft:distro:prettyName")
                .or_else(|| Some(read.description.0.clone()).filter(|text| !text.is_empty())),
            variant_id: some("syft:distro:variantID"),
            cpe_name: some("syft:distro:cpeName"),
        });
        return;
    }
    // Trivy's files that name packages, such as a lock file.
    if words.trivy("Class").is_some() {
        return;
    }
    let location = words.trivy("FilePath").or_else(|| words.text("syft:location:0:path"));
    let first = read.occurrences.first().map_or("", |found| &*found.location);
    let is_development = words.text("cdx:npm:package:development").is_some_and(|value| value == "true");
    let supplier = read.supplier.as_deref().or_else(|| Some(&*read.publisher).filter(|text| !text.is_empty()));
    gather.component(&Said {
        purl: &read.purl,
        group: read.group.as_deref(),
        name: &read.name,
        version: &read.version,
        licenses: read.licenses(),
        supplier,
        location: if first.is_empty() { location.unwrap_or_default() } else { first },
        source: None,
        layer: words.trivy("LayerDiffID").or_else(|| words.text("syft:location:0:layerID")).unwrap_or_default(),
        dev: *read.scope == *"excluded" || is_development,
        evidence: None,
        words: &read.properties,
        is_software: matches!(
            &*read.kind,
            "" | "library" | "application" | "framework" | "platform" | "firmware" | "device-driver"
        ),
        is_further: false,
    });
}

/// The image that Trivy says a document is about. It sorts the layers by their digests, so that which is above which
/// cannot be told.
fn described(subject: &Component) -> Option<Image> {
    let words = Words(&subject.properties);
    let labels = words.all_of_trivy("Labels:").map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let mut names: Vec<String> = words.all_of_trivy("RepoTag").map(|(_, name)| name.to_owned()).collect();
    if names.is_empty() && !subject.name.is_empty() {
        names.push(subject.name.0.clone());
    }
    image(words.trivy("ImageID"), None, names, ("", ""), &[], labels)
}
