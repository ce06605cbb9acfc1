//! What to do first: the upgrades that remove the most and the worst findings.
//!
//! Packages that were built from one source are upgraded together, so they are one upgrade. Which of several fixed
//! versions is the newest is not decided here (`advisory` has the version schemes): all of them are listed.

use crate::view::{View, count, ecosystem};
use sekisho_model::{FindingRow, FindingStatus, Origin, Severity};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Versions without one or more of the vulnerabilities, in the order of the worst.
    pub(crate) fixed_in: Vec<&'a str>,
    /// How many vulnerabilities it removes of each severity.
    pub(crate) counts: [usize; 6],
    /// How many of those are known to be exploited.
    pub(crate) exploited: usize,
    /// Whether all of it comes from the base image, all from the application, or neither is so.
    pub(crate) origin: Origin,
}

/// The upgrades, the most worthwhile first: by known exploitation of what is severe, then by how many of the worst.
pub(crate) fn upgrades<'a>(view: &View<'a>) -> Vec<Upgrade<'a>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&FindingRow<'a>>> = BTreeMap::new();
    for row in view.open().filter(|row| row.finding.status == FindingStatus::Fixed && !row.finding.fixed_in.is_empty())
    {
        let facts = &row.package.facts;
        let name = facts.source.as_ref().map_or(facts.name.as_str(), |source| source.name.as_str());
        groups.entry((ecosystem(row.package), name)).or_default().push(row);
    }
    let mut upgrades: Vec<Upgrade<'a>> =
        groups.into_iter().map(|((ecosystem, name), rows)| of(ecosystem, name, &rows)).collect();
    // Stable: equal ones stay in the order of their names.
    upgrades.sort_by_key(|upgrade| {
        let [unknown, negligible, low, medium, high, critical] = upgrade.counts;
        std::cmp::Reverse((critical > 0, upgrade.exploited, critical, high, medium, unknown, low, negligible))
    });
    upgrades
}

fn of<'a>(ecosystem: &'a str, name: &'a str, rows: &[&FindingRow<'a>]) -> Upgrade<'a> {
    // The worst severity of each vulnerability, so that several packages of one source do not count it twice.
    let mut worst: BTreeMap<&str, (Severity, bool)> = BTreeMap::new();
    let mut fixed_in = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        let entry = worst.entry(&row.vulnerability.id).or_default();
        *entry = (entry.0.max(row.finding.severity), row.vulnerability.exploited.is_some());
        fixed_in.extend(row.finding.fixed_in.iter().map(String::as_str).filter(|version| seen.insert(*version)));
    }
    let origins: BTreeSet<Origin> = rows.iter().map(|row| row.package.origin).collect();
    Upgrade {
        ecosystem,
        name,
        packages: rows.iter().map(|row| row.package.facts.name.as_str()).collect(),
        installed: rows.iter().map(|row| row.package.facts.version.as_str()).collect(),
        fixed_in,
        counts: count(worst.values().map(|(severity, _)| *severity)),
        exploited: worst.values().filter(|(_, exploited)| *exploited).count(),
        origin: match origins.first() {
            Some(origin) if origins.len() == 1 => *origin,
            _ => Origin::Unknown,
        },
    }
}
