//! The fields of a CSAF 2.0 document that are read, by the feed of a publisher and as VEX
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>, section 3.2). Texts stay in the input: a document can be tens of megabytes of
//! product names, each many times.

use crate::feeds::text::{Text, nullable};
use serde::Deserialize;

/// Values of one document: those of Red Hat about flaws that are everywhere have more than a million.
pub(crate) const CSAF_VALUES: usize = 2 * sekisho_model::MOST_VALUES;

#[derive(Deserialize)]
pub(crate) struct Csaf<'a> {
    #[serde(borrow)]
    pub(crate) document: Document<'a>,
    #[serde(borrow, default)]
    pub(crate) product_tree: Tree<'a>,
    #[serde(borrow, default)]
    pub(crate) vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Document<'a> {
    #[serde(borrow, default)]
    pub(crate) title: Text<'a>,
    #[serde(borrow)]
    pub(crate) tracking: Tracking<'a>,
    #[serde(borrow)]
    pub(crate) aggregate_severity: Option<Severity<'a>>,
    #[serde(borrow, default)]
    pub(crate) references: Vec<Reference<'a>>,
    #[serde(borrow)]
    pub(crate) publisher: Option<Publisher<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Publisher<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Tracking<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, rename = "initial_release_date")]
    pub(crate) initial: Option<Text<'a>>,
    #[serde(borrow, rename = "current_release_date")]
    pub(crate) current: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Severity<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Reference<'a> {
    #[serde(borrow)]
    pub(crate) category: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Tree<'a> {
    #[serde(borrow, default)]
    pub(crate) branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    pub(crate) full_product_names: Vec<Product<'a>>,
    #[serde(borrow, default)]
    pub(crate) relationships: Vec<Relationship<'a>>,
    #[serde(borrow, default)]
    pub(crate) product_groups: Vec<Group<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Group<'a> {
    #[serde(borrow)]
    pub(crate) group_id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) product_ids: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Branch<'a> {
    #[serde(borrow, default)]
    pub(crate) category: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) name: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) branches: Vec<Branch<'a>>,
    #[serde(borrow)]
    pub(crate) product: Option<Product<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Product<'a> {
    #[serde(borrow)]
    pub(crate) product_id: Text<'a>,
    #[serde(borrow, default, rename = "product_identification_helper", deserialize_with = "nullable")]
    pub(crate) helper: Helper<'a>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Helper<'a> {
    #[serde(borrow)]
    pub(crate) cpe: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) purl: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Relationship<'a> {
    #[serde(borrow, default)]
    pub(crate) category: Text<'a>,
    #[serde(borrow)]
    pub(crate) full_product_name: Product<'a>,
    #[serde(borrow)]
    pub(crate) product_reference: Text<'a>,
    #[serde(borrow, rename = "relates_to_product_reference")]
    pub(crate) relates_to: Text<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Vulnerability<'a> {
    #[serde(borrow)]
    pub(crate) cve: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) cwe: Option<Cwe<'a>>,
    #[serde(borrow)]
    pub(crate) release_date: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) notes: Vec<Note<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub(crate) product_status: Statuses<'a>,
    #[serde(borrow, default)]
    pub(crate) remediations: Vec<Remedy<'a>>,
    #[serde(borrow, default)]
    pub(crate) scores: Vec<Score<'a>>,
    #[serde(borrow, default)]
    pub(crate) threats: Vec<Threat<'a>>,
    #[serde(borrow, default)]
    pub(crate) flags: Vec<Flag<'a>>,
    #[serde(borrow, default)]
    pub(crate) ids: Vec<OtherId<'a>>,
    #[serde(borrow, default)]
    pub(crate) references: Vec<Reference<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Cwe<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Note<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Statuses<'a> {
    #[serde(borrow, default)]
    pub(crate) fixed: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) known_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) known_not_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) under_investigation: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) first_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) last_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) first_fixed: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Remedy<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) details: Text<'a>,
    #[serde(borrow)]
    pub(crate) url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) product_ids: Vec<Text<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Score<'a> {
    #[serde(borrow, rename = "cvss_v2")]
    pub(crate) v2: Option<Cvss<'a>>,
    #[serde(borrow, rename = "cvss_v3")]
    pub(crate) v3: Option<Cvss<'a>>,
    #[serde(borrow, rename = "cvss_v4")]
    pub(crate) v4: Option<Cvss<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Cvss<'a> {
    #[serde(borrow, rename = "vectorString")]
    pub(crate) vector: Text<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Threat<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) details: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) product_ids: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) group_ids: Vec<Text<'a>>,
}

/// Why products are not affected, in a word.
#[derive(Deserialize)]
pub(crate) struct Flag<'a> {
    #[serde(borrow)]
    pub(crate) label: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) product_ids: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) group_ids: Vec<Text<'a>>,
}

/// A name of the vulnerability that is no CVE.
#[derive(Deserialize)]
pub(crate) struct OtherId<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}
