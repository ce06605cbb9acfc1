//! Names and descriptions of rules in another language.

use super::Rule;
use sekisho_base::Limits;
use sekisho_base::tree::{self, Node};
use std::collections::BTreeMap;

/// What rules are called in another language, and what they are about, by their names.
#[derive(Debug, Clone, Default)]
pub struct Texts(BTreeMap<String, (String, String)>);

impl Texts {
    /// Reads a map of rules' names to `name` and `description`. What is not of this form is passed over: then a rule has
    /// the texts of its file.
    pub fn read(text: &str, limits: &Limits) -> Self {
        let documents = tree::documents(text, limits).into_iter().filter_map(Result::ok);
        let fields = |node: &Node| node.fields().to_vec();
        let of = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let texts = documents.flat_map(|node| fields(&node));
        Self(
            texts
                .map(|field| (field.name.clone(), (of(&field.node, "name"), of(&field.node, "description"))))
                .collect(),
        )
    }

    /// What a rule is called.
    pub fn name<'a>(&'a self, rule: &'a Rule) -> &'a str {
        let told = self.0.get(&*rule.name).map(|(name, _)| name.as_str());
        told.filter(|name| !name.is_empty()).unwrap_or(&rule.name)
    }

    /// What a rule is about.
    pub fn description<'a>(&'a self, rule: &'a Rule) -> &'a str {
        let told = self.0.get(&*rule.name).map(|(_, description)| description.as_str());
        told.filter(|description| !description.is_empty()).unwrap_or(&rule.description)
    }
}
