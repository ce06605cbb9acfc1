//! What is different between two scans: packages and findings that came, went, or changed.
//!
//! A package is the same in both when kind and name are: its version, and where it lies, may differ. A finding is the
//! same when the package is and one of the vulnerability's names is.

use crate::matching::scheme_of;
use sekisho_model::{
    DIFF_SCHEMA, Diff, DiffFinding, DiffSide, FindingRow, Package, PackageChange, PackageChangeKind, PackageKind,
    ScanReport, ScanState,
};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The package of a finding, and one name of its vulnerability.
type Key<'a> = (PackageKind, &'a str, &'a str);

/// Which findings another scan has, too.
#[derive(Debug, Default)]
pub struct Standing<'a>(HashSet<Key<'a>>);

/// Under which names a finding is known.
fn keys<'a>(row: &FindingRow<'a>) -> impl Iterator<Item = Key<'a>> + use<'a> {
    let facts = &row.package.facts;
    let names = std::iter::once(&row.vulnerability.id).chain(&row.vulnerability.aliases);
    names.map(|name| (facts.kind, facts.name.as_str(), name.as_str()))
}

impl<'a> Standing<'a> {
    /// Towards the findings of `report`, also those that are suppressed there.
    pub fn of(report: &'a ScanReport) -> Self {
        Self(report.rows().iter().flat_map(keys).collect())
    }

    /// Whether it has this one.
    pub fn knows(&self, row: &FindingRow<'_>) -> bool {
        keys(row).any(|key| self.0.contains(&key))
    }
}

/// What is different in `new`.
pub fn diff(old: &ScanReport, new: &ScanReport) -> Diff {
    let (before, after) = (Standing::of(old), Standing::of(new));
    let new_rows = new.rows();
    let opened: Vec<DiffFinding> = new_rows.iter().filter(|row| !before.knows(row)).map(DiffFinding::of).collect();
    let closed = old.rows().iter().filter(|row| !after.knows(row)).map(DiffFinding::of).collect();
    Diff {
        schema: DIFF_SCHEMA.to_owned(),
        old: side(old),
        new: side(new),
        unchanged: new_rows.len() - opened.len(),
        opened,
        closed,
        packages: packages(&old.inventory.packages, &new.inventory.packages),
    }
}

fn side(report: &ScanReport) -> DiffSide {
    DiffSide {
        name: report.inventory.source.name.clone(),
        identity: report.inventory.identity(),
        complete: report.inventory.complete && report.assessment.state == ScanState::Scanned,
    }
}

/// Versions of each package that is counted, old and new.
type Versions<'a> = BTreeMap<(PackageKind, &'a str), [BTreeSet<&'a str>; 2]>;

fn packages(old: &[Package], new: &[Package]) -> Vec<PackageChange> {
    let mut versions = Versions::new();
    for (side, packages) in [old, new].into_iter().enumerate() {
        for Package { facts, .. } in packages.iter().filter(|package| package.owned_by.is_none()) {
            versions.entry((facts.kind, &facts.name)).or_default()[side].insert(&facts.version);
        }
    }
    let changed = versions.into_iter().filter(|(_, [old, new])| old != new);
    changed
        .map(|((kind, name), sides)| {
            let scheme = scheme_of(kind);
            let [from, to] = sides.map(|versions| {
                let mut sorted: Vec<&str> = versions.into_iter().collect();
                sorted.sort_by(|a, b| scheme.compare(a, b));
                sorted
            });
            let change = match (from.as_slice(), to.as_slice()) {
                ([], _) => PackageChangeKind::Added,
                (_, []) => PackageChangeKind::Removed,
                ([from], [to]) => match scheme.compare(from, to) {
                    Ordering::Less => PackageChangeKind::Upgraded,
                    Ordering::Greater => PackageChangeKind::Downgraded,
                    Ordering::Equal => PackageChangeKind::Changed,
                },
                _ => PackageChangeKind::Changed,
            };
            let owned = |versions: Vec<&str>| versions.into_iter().map(str::to_owned).collect();
            PackageChange { kind, name: name.to_owned(), change, from: owned(from), to: owned(to) }
        })
        .collect()
}
