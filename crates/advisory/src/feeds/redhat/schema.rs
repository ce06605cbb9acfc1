//! The fields of a CSAF document that are read. Texts stay in the input: a document can be tens of megabytes of
//! product names, each many times.

use crate::feeds::text::{Text, nullable};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Csaf<'a> {
    #[serde(borrow)]
    pub(super) document: Document<'a>,
    #[serde(borrow, default)]
    pub(super) product_tree: Tree<'a>,
    #[serde(borrow, default)]
    pub(super) vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow, default)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) tracking: Tracking<'a>,
    #[serde(borrow)]
    pub(super) aggregate_severity: Option<Severity<'a>>,
    #[serde(borrow, default)]
    pub(super) references: Vec<Reference<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Tracking<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow, rename = "initial_release_date")]
    pub(super) initial: Option<Text<'a>>,
    #[serde(borrow, rename = "current_release_date")]
    pub(super) current: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Severity<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    pub(super) category: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) url: Text<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct Tree<'a> {
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    pub(super) full_product_names: Vec<Product<'a>>,
    #[serde(borrow, default)]
    pub(super) relationships: Vec<Relationship<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Branch<'a> {
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
    #[serde(borrow)]
    pub(super) product: Option<Product<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Product<'a> {
    #[serde(borrow)]
    pub(super) product_id: Text<'a>,
    #[serde(borrow, default, rename = "product_identification_helper", deserialize_with = "nullable")]
    pub(super) helper: Helper<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct Helper<'a> {
    #[serde(borrow)]
    pub(super) cpe: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) purl: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Relationship<'a> {
    #[serde(borrow)]
    pub(super) full_product_name: Product<'a>,
    #[serde(borrow)]
    pub(super) product_reference: Text<'a>,
    #[serde(borrow, rename = "relates_to_product_reference")]
    pub(super) relates_to: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability<'a> {
    #[serde(borrow)]
    pub(super) cve: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) cwe: Option<Cwe<'a>>,
    #[serde(borrow)]
    pub(super) release_date: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) notes: Vec<Note<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(super) product_status: Statuses<'a>,
    #[serde(borrow, default)]
    pub(super) remediations: Vec<Remedy<'a>>,
    #[serde(borrow, default)]
    pub(super) scores: Vec<Score<'a>>,
    #[serde(borrow, default)]
    pub(super) threats: Vec<Threat<'a>>,
    #[serde(borrow, default)]
    pub(super) references: Vec<Reference<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Cwe<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Note<'a> {
    #[serde(borrow)]
    pub(super) category: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
}

#[derive(Deserialize, Default)]
pub(super) struct Statuses<'a> {
    #[serde(borrow, default)]
    pub(super) fixed: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) known_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) known_not_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) under_investigation: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Remedy<'a> {
    #[serde(borrow)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow)]
    pub(super) url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) product_ids: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Score<'a> {
    #[serde(borrow, rename = "cvss_v2")]
    pub(super) v2: Option<Cvss<'a>>,
    #[serde(borrow, rename = "cvss_v3")]
    pub(super) v3: Option<Cvss<'a>>,
    #[serde(borrow, rename = "cvss_v4")]
    pub(super) v4: Option<Cvss<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Cvss<'a> {
    #[serde(borrow, rename = "vectorString")]
    pub(super) vector: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Threat<'a> {
    #[serde(borrow)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_ids: Vec<Text<'a>>,
}
