//! OpenVEX (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>), 0.2.0 and what was written before it, where a
//! vulnerability and a product are plain texts.
//!
//! A statement without a time has the document's, one without products those of the attestation around it.

use super::{Product, Sink, Statement, VexStatus, prose};
use crate::feeds::text::{Text, is_id, moment, nullable};
use crate::product::Name;
use sekisho_model::{Digest, MOST_VALUES, json_whole};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct OpenVex<'a> {
    #[serde(borrow)]
    author: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    statements: Vec<Said<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    vulnerability: Option<Vulnerability<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    products: Vec<Component<'a>>,
    /// Before 0.2.0.
    #[serde(borrow, default, deserialize_with = "nullable")]
    subcomponents: Vec<Component<'a>>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    justification: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    impact_statement: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    action_statement: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    status_notes: Text<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability<'a> {
    #[serde(borrow)]
    Plain(Text<'a>),
    Named {
        #[serde(rename = "@id")]
        id: Option<String>,
        name: Option<String>,
        #[serde(default, deserialize_with = "nullable")]
        aliases: Vec<String>,
    },
}

impl Vulnerability<'_> {
    /// All its names.
    fn names(self) -> Vec<String> {
        match self {
            Self::Plain(name) => vec![name.into()],
            Self::Named { id, name, aliases } => {
                let name = name.filter(|name| !name.is_empty());
                // Only an address whose end is a name.
                let end = || Some(id.as_deref()?.rsplit('/').next().filter(|end| is_id(end))?.to_owned());
                name.or_else(end).into_iter().chain(aliases).collect()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component<'a> {
    #[serde(borrow)]
    Plain(Text<'a>),
    Named {
        #[serde(rename = "@id", default, deserialize_with = "nullable")]
        id: String,
        #[serde(default, deserialize_with = "nullable")]
        identifiers: BTreeMap<String, String>,
        #[serde(default, deserialize_with = "nullable")]
        hashes: BTreeMap<String, String>,
        #[serde(default, deserialize_with = "nullable")]
        subcomponents: Vec<Component<'a>>,
    },
}

impl<'a> Component<'a> {
    /// Its names that can be compared, each of which is enough (`Component.Matches` of go-vex), and its subcomponents.
    fn into_names(self) -> (String, Vec<Name>, Vec<Component<'a>>) {
        match self {
            Self::Plain(text) => (text.to_string(), Name::parse(&text).into_iter().collect(), Vec::new()),
            Self::Named { id, identifiers, hashes, subcomponents } => {
                let sha256 = hashes.get("sha-256").and_then(|hex| Digest::from_hex(&hex.to_ascii_lowercase()).ok());
                let texts = [Some(&id), identifiers.get("purl")];
                let mut names: Vec<Name> = texts.into_iter().flatten().filter_map(|text| Name::parse(text)).collect();
                names.dedup();
                names.extend(sha256.map(Name::Digest));
                let shown = if id.is_empty() { identifiers.into_values().next().unwrap_or_default() } else { id };
                (shown, names, subcomponents)
            }
        }
    }
}

/// Reads a document; gives its author.
pub(super) fn read(
    bytes: &[u8],
    subjects: Option<&[Name]>,
    sink: &mut Sink<'_>,
) -> Result<Option<Arc<str>>, serde_json::Error> {
    let document: OpenVex<'_> = json_whole(bytes, MOST_VALUES)?;
    let issued = document.timestamp.as_deref().and_then(moment);
    let subjects = subjects.filter(|names| !names.is_empty());
    let inherited = subjects.map(|names| Arc::new(Product { names: names.to_vec(), components: None }));
    for said in document.statements {
        let names = said.vulnerability.map(Vulnerability::names).unwrap_or_default();
        let shown = names.first().cloned().unwrap_or_default();
        if names.is_empty() {
            sink.broken("", format_args!("it does not name a vulnerability"));
            continue;
        }
        let status = match &*said.status {
            "not_affected" => VexStatus::NotAffected,
            "affected" => VexStatus::Affected,
            "fixed" => VexStatus::Fixed,
            "under_investigation" => VexStatus::UnderInvestigation,
            other => {
                sink.broken(&shown, format_args!("{other:?} is no status"));
                continue;
            }
        };
        let texts = match status {
            VexStatus::Affected => [&said.action_statement, &said.status_notes],
            _ => [&said.impact_statement, &said.status_notes],
        };
        let statement = Statement {
            vulnerability: names.into(),
            product: Arc::new(Product { names: Vec::new(), components: None }),
            status,
            justification: prose(&said.justification),
            text: texts.into_iter().find_map(|text| prose(text)),
            timestamp: said.timestamp.as_deref().and_then(moment).or(issued),
        };
        // Before 0.2.0 the components were those of all products.
        let shared = components(said.subcomponents);
        if said.products.is_empty() {
            match &inherited {
                Some(product) => sink.say(Statement { product: Arc::clone(product), ..statement }),
                None => sink.product_unknown(""),
            }
            continue;
        }
        for product in said.products {
            let (shown, names, own) = product.into_names();
            let own = if own.is_empty() { shared.clone() } else { components(own) };
            if names.is_empty() || own.as_ref().is_some_and(Vec::is_empty) {
                sink.product_unknown(&shown);
                continue;
            }
            sink.say(Statement { product: Arc::new(Product { names, components: own }), ..statement.clone() });
        }
    }
    Ok(document.author.as_deref().and_then(prose))
}

/// The names of components: none where there are no components, empty where none can be compared.
fn components(listed: Vec<Component<'_>>) -> Option<Vec<Name>> {
    (!listed.is_empty()).then(|| listed.into_iter().flat_map(|component| component.into_names().1).collect())
}
