//! What to do first, as formats show it: the upgrades of a report with what each does.

use crate::view::{View, count, ecosystem};
use sekisho_model::{FindingRow, Origin, PackageId, Severity};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One upgrade and what it does.
#[derive(Debug)]
pub(crate) struct Upgrade<'a> {
    /// The ecosystem, as package URLs call it.
    pub(crate) ecosystem: &'a str,
    /// What to upgrade: the source package where there is one.
    pub(crate) name: &'a str,
    /// The packages that come of it, where those are not one of that name.
    pub(crate) packages: BTreeSet<&'a str>,
    /// The versions that are there.
    pub(crate) installed: BTreeSet<&'a str>,
    /// The version to upgrade to.
    pub(crate) to: &'a str,
    /// How many vulnerabilities it removes of each severity.
    pub(crate) counts: [usize; 6],
    /// How many of those are known to be exploited.
    pub(crate) exploited: usize,
    /// Whether all of it comes from the base image, all from the application, or neither is so.
    pub(crate) origin: Origin,
}

/// The upgrades of a report, in its order. One of which the report describes no finding is left out.
pub(crate) fn upgrades<'a>(view: &View<'a>) -> Vec<Upgrade<'a>> {
    let mut rows: HashMap<&PackageId, Vec<&FindingRow<'a>>> = HashMap::new();
    for row in view.open() {
        rows.entry(&row.package.id).or_default().push(row);
    }
    let of = |upgrade: &'a sekisho_model::Upgrade| {
        let removes: BTreeSet<&str> = upgrade.removes.iter().map(String::as_str).collect();
        let rows = upgrade.packages.iter().filter_map(|id| rows.get(id)).flatten().copied();
        let rows: Vec<_> = rows.filter(|row| removes.contains(row.vulnerability.id.as_str())).collect();
        // The worst severity of each vulnerability, so that several packages of one source do not count it twice.
        let mut worst: BTreeMap<&str, (Severity, bool)> = BTreeMap::new();
        for row in &rows {
            let entry = worst.entry(&row.vulnerability.id).or_default();
            *entry = (entry.0.max(row.finding.severity), row.vulnerability.exploited.is_some());
        }
        let origins: BTreeSet<Origin> = rows.iter().map(|row| row.package.origin).collect();
        Some(Upgrade {
            ecosystem: ecosystem(rows.first()?.package),
            name: &upgrade.name,
            packages: rows.iter().map(|row| row.package.facts.name.as_str()).collect(),
            installed: rows.iter().map(|row| row.package.facts.version.as_str()).collect(),
            to: &upgrade.to,
            counts: count(worst.values().map(|(severity, _)| *severity)),
            exploited: worst.values().filter(|(_, exploited)| *exploited).count(),
            origin: match origins.first() {
                Some(origin) if origins.len() == 1 => *origin,
                _ => Origin::Unknown,
            },
        })
    };
    view.report.upgrades.iter().filter_map(of).collect()
}
