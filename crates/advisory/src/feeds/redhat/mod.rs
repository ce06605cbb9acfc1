//! Red Hat's CSAF 2.0 documents, advisories and VEX: <https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>,
//! <https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/>.
//!
//! Each vulnerability of a document is one advisory under the name of its CVE, since a notice about several judges each
//! on its own; the notice is what [`Affected::notice`](crate::record::Affected::notice) names. Only rpm packages are
//! read, not containers and other products.

mod product;
#[cfg(test)]
mod tests;

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds, is_named};
use super::text::{Text, is_id, is_short, moment};
use crate::csaf::{CSAF_VALUES, Csaf, Document, Vulnerability};
use crate::ecosystem::Ecosystem;
use crate::range::Range;
use crate::record::{Advisory, Affected, Rating, SOURCE_ARCH, Status};
use product::{Component, Products};
use sekisho_model::{Severity, json_whole};
use std::collections::HashMap;

/// The documents.
pub(crate) static FEED: Feed = Feed {
    id: "redhat",
    title: "Red Hat CSAF advisories and VEX",
    licence: "CC-BY-4.0",
    upstream: &[
        "https://security.access.redhat.com/data/csaf/v2/vex/",
        "https://security.access.redhat.com/data/csaf/v2/advisories/",
    ],
    contents: Contents::Part,
    recognises: |path, head| {
        let has = |text| holds(head, text);
        is_named(path, &["rhsa-", "rhba-", "rhea-"], "json") || (has("\"csaf_version\"") && has("redhat.com"))
    },
    parse,
};

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let csaf: Csaf<'_> = json_whole(file.bytes, CSAF_VALUES).map_err(Broken::new)?;
    let products = Products::of(&csaf.product_tree);
    for vulnerability in csaf.vulnerabilities {
        let id = vulnerability.cve.as_deref().unwrap_or(&csaf.document.tracking.id);
        if !is_id(id) || !is_short(&csaf.document.tracking.id) {
            sink.skip(format_args!("{id:?}"), "its id is none");
            continue;
        }
        let advisory = say(&csaf.document, vulnerability, &products, sink);
        sink.advisory(advisory);
    }
    Ok(())
}

fn say(document: &Document<'_>, said: Vulnerability<'_>, products: &Products<'_>, sink: &mut Sink<'_>) -> Advisory {
    let (impacts, impact) = impacts(document, &said);
    let affected = Judgements::of(&said, impacts).affected(&said, products, sink);
    let mut ratings: Vec<Rating> = Vec::new();
    for score in &said.scores {
        for cvss in [&score.v4, &score.v3, &score.v2].into_iter().flatten() {
            let rating = Rating::vector(&*cvss.vector);
            // Many products, few different vectors; a document with more than these has no use for them.
            if ratings.len() < 16 && !ratings.contains(&rating) {
                ratings.push(rating);
            }
        }
    }
    ratings.extend(impact.map(Rating::word));
    let note = said.notes.into_iter().find(|note| &*note.category == "description");
    // What the document says once is repeated in each of its vulnerabilities.
    let title = if is_short(&document.title) { document.title.clone() } else { Text::default() };
    let mut own = document.references.iter().filter(|reference| reference.category.as_deref() == Some("self"));
    let own = own.find(|reference| is_short(&reference.url)).map(|reference| reference.url.to_string());
    let id = said.cve.unwrap_or_else(|| document.tracking.id.clone());
    let notice = (*id != *document.tracking.id).then(|| document.tracking.id.to_string());
    Advisory {
        id: id.into(),
        published: said.release_date.as_deref().or(document.tracking.initial.as_deref()).and_then(moment),
        modified: document.tracking.current.as_deref().and_then(moment),
        summary: said.title.unwrap_or(title).into(),
        details: note.map(|note| note.text.into()).unwrap_or_default(),
        ratings,
        cwes: said.cwe.into_iter().map(|cwe| cwe.id.into()).collect(),
        references: own.into_iter().chain(said.references.into_iter().map(|reference| reference.url.into())).collect(),
        affected: affected.into_iter().map(|entry| with_notice(entry, notice.as_deref())).collect(),
        ..Advisory::default()
    }
}

/// A document that is a notice has brought the fixes that it lists.
fn with_notice(mut affected: Affected, notice: Option<&str>) -> Affected {
    let is_fix = affected.status == Status::Affected && affected.ranges != [Range::ALL];
    if is_fix && affected.notice.is_none() {
        affected.notice = notice.map(str::to_owned);
    }
    affected
}

/// How bad it is by product, where that differs between them, and as a whole.
fn impacts<'v>(document: &Document<'_>, said: &'v Vulnerability<'_>) -> (HashMap<&'v str, Severity>, Option<Severity>) {
    let word = |text: &str| text.parse::<Severity>().ok().filter(|severity| *severity != Severity::Unknown);
    let threats = said.threats.iter().filter(|threat| &*threat.category == "impact");
    let judged: Vec<_> = threats.filter_map(|threat| Some((threat, word(&threat.details)?))).collect();
    let highest = judged.iter().map(|(_, severity)| *severity).max();
    let whole = highest.or_else(|| word(&document.aggregate_severity.as_ref()?.text));
    let mut by_product = HashMap::new();
    if judged.iter().any(|(_, severity)| Some(*severity) != highest) {
        for (threat, severity) in judged {
            by_product.extend(threat.product_ids.iter().map(|product| (&**product, severity)));
        }
    }
    (by_product, whole)
}

/// What is said of products beside their status.
struct Judgements<'v> {
    /// Of those that are affected: what will become of them.
    outlook: HashMap<&'v str, Status>,
    /// Of those that are fixed: the notice.
    notices: HashMap<&'v str, &'v str>,
    impacts: HashMap<&'v str, Severity>,
}

/// What entries that only differ in their architecture have in common.
#[derive(PartialEq, Eq, Hash)]
struct Key<'v> {
    release: &'v str,
    module: &'v str,
    name: &'v str,
    version: &'v str,
    is_source: bool,
    status: Status,
    is_fixed: bool,
    notice: Option<&'v str>,
    impact: Option<Severity>,
}

impl<'v> Judgements<'v> {
    fn of(said: &'v Vulnerability<'_>, impacts: HashMap<&'v str, Severity>) -> Self {
        let mut outlook = HashMap::new();
        let mut notices = HashMap::new();
        for remedy in &said.remediations {
            let products = remedy.product_ids.iter().map(|product| &**product);
            let status = match (&*remedy.category, &*remedy.details) {
                ("no_fix_planned", details) if details.starts_with("Out of support") => Status::EndOfLife,
                ("no_fix_planned", _) => Status::WillNotFix,
                ("none_available", details) if details.starts_with("Fix deferred") => Status::FixDeferred,
                ("vendor_fix", _) => {
                    let notice = remedy
                        .url
                        .as_deref()
                        .and_then(|url| url.rsplit('/').next())
                        .filter(|id| is_id(id) && is_short(id));
                    notices.extend(products.filter_map(|product| Some((product, notice?))));
                    continue;
                }
                _ => continue,
            };
            outlook.extend(products.map(|product| (product, status)));
        }
        Self { outlook, notices, impacts }
    }

    /// The entries for all products of a vulnerability, those of one package in several architectures put together.
    fn affected(&self, said: &'v Vulnerability<'_>, products: &'v Products<'_>, sink: &mut Sink<'_>) -> Vec<Affected> {
        let status = &said.product_status;
        let lists = [
            (&status.fixed, Status::Affected, true),
            (&status.known_affected, Status::Affected, false),
            (&status.known_not_affected, Status::NotAffected, false),
            (&status.under_investigation, Status::UnderInvestigation, false),
        ];
        let mut places: HashMap<Key<'_>, usize> = HashMap::new();
        let mut out: Vec<Affected> = Vec::new();
        for (list, status, is_fixed) in lists {
            for product in list {
                let Some(component) = products.component(product) else {
                    sink.aside("products that are no rpm package of a release");
                    continue;
                };
                let key = self.key(product, component, status, is_fixed);
                if is_fixed && key.version.is_empty() {
                    sink.aside("fixed products without a version");
                    continue;
                }
                let arch = component.arch.as_ref();
                if let Some(place) = places.get(&key) {
                    out[*place].arches.push(arch.to_owned());
                } else {
                    out.push(entry(&key, arch));
                    places.insert(key, out.len() - 1);
                }
            }
        }
        for affected in &mut out {
            affected.arches.sort();
            affected.arches.dedup();
            affected.arches.retain(|arch| !arch.is_empty());
        }
        out
    }

    fn key(&self, product: &str, component: &'v Component<'_>, status: Status, is_fixed: bool) -> Key<'v> {
        // A build that does not have it says nothing of other builds; one that does says that no fix is out.
        let version = if is_fixed || status == Status::NotAffected { &*component.version } else { "" };
        Key {
            release: component.release,
            module: &component.module,
            name: &component.name,
            version,
            is_source: component.arch == SOURCE_ARCH,
            status: match status {
                Status::Affected if !is_fixed => self.outlook.get(product).copied().unwrap_or(status),
                status => status,
            },
            is_fixed,
            notice: self.notices.get(product).copied().filter(|_| is_fixed),
            impact: self.impacts.get(product).copied(),
        }
    }
}

fn entry(key: &Key<'_>, arch: &str) -> Affected {
    let (ranges, versions) = match key.version {
        "" => (vec![Range::ALL], Vec::new()),
        version if key.is_fixed => (vec![Range::before(version)], Vec::new()),
        version => (Vec::new(), vec![version.to_owned()]),
    };
    Affected {
        module: (!key.module.is_empty()).then(|| key.module.to_owned()),
        arches: vec![arch.to_owned()],
        status: key.status,
        ranges,
        versions,
        notice: key.notice.map(str::to_owned),
        ratings: key.impact.map(Rating::word).into_iter().collect(),
        ..Affected::new(Ecosystem::RedHat, Some(key.release.to_owned()), key.name)
    }
}
