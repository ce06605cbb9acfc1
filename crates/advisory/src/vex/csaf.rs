//! CSAF as VEX (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>, profile 4.5).
//!
//! Products are known by the package URL of their identification helper. A relationship *component of product* is about
//! the component where the product is the image. What Red Hat says about its distribution, where the product is a
//! platform with a CPE, is an advisory and read by its feed.

use super::{Product, Sink, Statement, VexStatus, prose};
use crate::csaf::{Branch, CSAF_VALUES, Csaf, Tree, Vulnerability};
use crate::feeds::text::{Text, moment};
use crate::product::Name;
use crate::vers::Vers;
use sekisho_model::json_whole;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Reads a document; gives its author.
pub(super) fn read(bytes: &[u8], sink: &mut Sink<'_>) -> Result<Option<Arc<str>>, serde_json::Error> {
    let csaf: Csaf<'_> = json_whole(bytes, CSAF_VALUES)?;
    let products = products(&csaf.product_tree);
    let groups: HashMap<&str, &[Text<'_>]> =
        csaf.product_tree.product_groups.iter().map(|group| (&*group.group_id, &*group.product_ids)).collect();
    let timestamp = csaf.document.tracking.current.as_deref().and_then(moment);
    for vulnerability in &csaf.vulnerabilities {
        let others = vulnerability.ids.iter().map(|id| &id.text);
        let names: Arc<[String]> = vulnerability.cve.iter().chain(others).map(|name| name.to_string()).collect();
        if names.is_empty() {
            sink.broken("", format_args!("it does not name a vulnerability"));
            continue;
        }
        let (flags, impacts) = reasons(vulnerability, &groups);
        let status = &vulnerability.product_status;
        // Of products that are in several lists, which none may be, the last counts: the one that hides nothing.
        for (list, status) in [
            (&status.known_not_affected, VexStatus::NotAffected),
            (&status.first_fixed, VexStatus::Fixed),
            (&status.fixed, VexStatus::Fixed),
            (&status.under_investigation, VexStatus::UnderInvestigation),
            (&status.first_affected, VexStatus::Affected),
            (&status.last_affected, VexStatus::Affected),
            (&status.known_affected, VexStatus::Affected),
        ] {
            for id in list {
                let Some(product) = products.get(&**id) else {
                    sink.product_unknown(id);
                    continue;
                };
                sink.say(Statement {
                    vulnerability: Arc::clone(&names),
                    product: Arc::clone(product),
                    status,
                    justification: flags.get(&**id).cloned(),
                    text: impacts.get(&**id).or_else(|| impacts.get("")).cloned(),
                    timestamp,
                });
            }
        }
    }
    Ok(csaf.document.publisher.and_then(|publisher| publisher.name).as_deref().and_then(prose))
}

type Texts<'v> = HashMap<&'v str, Arc<str>>;

/// Why products are not affected, in a word and in prose; what is said of no product in particular is of `""`.
fn reasons<'v>(said: &'v Vulnerability<'_>, groups: &HashMap<&'v str, &'v [Text<'_>]>) -> (Texts<'v>, Texts<'v>) {
    // Each group once, or many reasons for many products would take time by the product of both.
    let mut seen: HashSet<(bool, &str)> = HashSet::new();
    let mut take = |texts: &mut Texts<'v>, is_flag, text: &str, ids: &'v [Text<'_>], group_ids: &'v [Text<'_>]| {
        let Some(text) = prose(text) else { return };
        let new = group_ids.iter().filter(|id| seen.insert((is_flag, &***id)));
        let of_groups = new.filter_map(|id| groups.get(&**id)).flat_map(|ids| ids.iter());
        texts.extend(ids.iter().chain(of_groups).map(|id| (&**id, Arc::clone(&text))));
        if ids.is_empty() && group_ids.is_empty() {
            texts.entry("").or_insert(text);
        }
    };
    let (mut flags, mut impacts) = (Texts::new(), Texts::new());
    for flag in &said.flags {
        take(&mut flags, true, &flag.label, &flag.product_ids, &flag.group_ids);
    }
    for threat in said.threats.iter().filter(|threat| &*threat.category == "impact") {
        take(&mut impacts, false, &threat.details, &threat.product_ids, &threat.group_ids);
    }
    (flags, impacts)
}

/// The products that can be compared with anything, by id.
fn products<'t>(tree: &'t Tree<'_>) -> HashMap<&'t str, Arc<Product>> {
    let mut known: HashMap<&str, Name> = HashMap::new();
    let plain = tree
        .full_product_names
        .iter()
        .filter_map(|product| Some((&*product.product_id, Name::parse(product.helper.purl.as_deref()?)?)));
    known.extend(plain);
    let mut branches: Vec<&Branch<'_>> = tree.branches.iter().collect();
    while let Some(branch) = branches.pop() {
        let named = branch.product.as_ref().and_then(|product| Some((&*product.product_id, of_branch(branch)?)));
        known.extend(named);
        branches.extend(&branch.branches);
    }
    let mut products: HashMap<&str, Arc<Product>> = HashMap::new();
    for relation in &tree.relationships {
        // What is an external component of a product is not in it.
        let inside = matches!(
            &*relation.category,
            "default_component_of" | "optional_component_of" | "installed_on" | "installed_with"
        );
        let parts = (known.get(&*relation.relates_to), known.get(&*relation.product_reference));
        if let (true, (Some(whole), Some(part))) = (inside, parts) {
            let product = Product { names: vec![whole.clone()], components: Some(vec![part.clone()]) };
            products.insert(&*relation.full_product_name.product_id, Arc::new(product));
        }
    }
    for (id, name) in known {
        products.entry(id).or_insert_with(|| Arc::new(Product { names: vec![name], components: None }));
    }
    products
}

/// The product of a branch. One without a version in its package URL is for the version that the branch names; a range
/// that is not understood names nothing.
fn of_branch(branch: &Branch<'_>) -> Option<Name> {
    let name = Name::parse(branch.product.as_ref()?.helper.purl.as_deref()?)?;
    let Name::Package(package) = name else { return Some(name) };
    let (_, full) = package.key();
    let is_name = *branch.name == *full || full.rsplit('/').next() == Some(&*branch.name);
    let narrowed = match &*branch.category {
        "product_version_range" => package.within(Vers::parse(&branch.name)?),
        // Some write the name there.
        "product_version" if !package.has_version() && !is_name => package.at(&branch.name),
        _ => Some(package),
    };
    narrowed.map(Name::Package)
}
