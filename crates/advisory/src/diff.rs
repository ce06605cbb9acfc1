//! What is different between two scans: packages and findings that came, went, or changed.
//!
//! A package is the same in both when kind and name are: its version, and where it lies, may differ. A finding is the
//! same when the package is and the vulnerability is: by its id or, where one side has no CVE, by any of its names. Two CVEs
//! are never one, whatever notice has both for aliases.

use crate::feeds::text::is_cve;
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
pub struct Standing<'a> {
    /// By the id of the vulnerability.
    ids: HashSet<Key<'a>>,
    /// By any of its names.
    names: HashSet<Key<'a>>,
    /// By any name of those that have no CVE.
    without_cve: HashSet<Key<'a>>,
}

/// Under which names a finding is known.
fn keys<'a>(row: &FindingRow<'a>) -> impl Iterator<Item = Key<'a>> + use<'a> {
    let facts = &row.package.facts;
    let names = std::iter::once(&row.vulnerability.id).chain(&row.vulnerability.aliases);
    names.map(|name| (facts.kind, facts.name.as_str(), name.as_str()))
}

impl<'a> Standing<'a> {
    /// Towards the findings of `report`, also those that are suppressed there.
    pub fn of(report: &'a ScanReport) -> Self {
        let mut standing = Self::default();
        for row in report.rows() {
            standing.ids.extend(keys(&row).next());
            standing.names.extend(keys(&row));
            if !is_cve(&row.vulnerability.id) {
                standing.without_cve.extend(keys(&row));
            }
        }
        standing
    }

    /// Whether it has this one.
    pub fn knows(&self, row: &FindingRow<'_>) -> bool {
        let others = if is_cve(&row.vulnerability.id) { &self.without_cve } else { &self.names };
        keys(row).next().is_some_and(|id| self.ids.contains(&id)) || keys(row).any(|key| others.contains(&key))
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
        // What nobody asked for is not missing.
        complete: report.inventory.complete
            && matches!(report.assessment.state, ScanState::Scanned | ScanState::NotEvaluated),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FOUND, Found, report};
    use proptest::prelude::*;

    fn changes(old: &[&str], new: &[&str]) -> Vec<String> {
        let diff = diff(&report(old, &[]), &report(new, &[]));
        let line = |change: &PackageChange| {
            format!("{} {} {} -> {}", change.change.as_str(), change.name, change.from.join("+"), change.to.join("+"))
        };
        diff.packages.iter().map(line).collect()
    }

    #[test]
    fn packages_are_compared_by_name_and_their_versions_by_order() {
        let check = |old: &[&str], new: &[&str], expect: &[&str]| assert_eq!(changes(old, new), expect);
        check(&["a 1"], &["a 1"], &[]);
        check(&["a 1.9.0"], &["a 1.10.0"], &["upgraded a 1.9.0 -> 1.10.0"]);
        check(&["a 1.10.0"], &["a 1.9.0"], &["downgraded a 1.10.0 -> 1.9.0"]);
        check(&["a 1", "b 1"], &["a 1", "c 1"], &["removed b 1 -> ", "added c  -> 1"]);
        // An image may hold several versions of one.
        check(&["a 1.10.0", "a 1.9.0"], &["a 1.9.0"], &["changed a 1.9.0+1.10.0 -> 1.9.0"]);
        check(&["a 1", "a 1"], &["a 1"], &[]);
    }

    #[test]
    fn findings_that_come_and_go_are_told_apart() {
        let two = Found { id: "CVE-2024-2", package: 1, ..FOUND };
        let old = report(&["a 1", "b 1"], &[FOUND, two]);
        let new = report(
            &["a 2", "b 1"],
            &[Found { id: "GHSA-2", aliases: &["CVE-2024-2"], ..two }, Found { id: "CVE-3", ..FOUND }],
        );
        let diff = diff(&old, &new);
        let ids =
            |findings: &[DiffFinding]| findings.iter().map(|finding| finding.vulnerability.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&diff.opened), ids(&diff.closed), diff.unchanged),
            (vec!["CVE-3".into()], vec!["CVE-1".into()], 1)
        );
        assert!(diff.old.complete && diff.new.complete);
    }

    #[test]
    fn two_cves_are_two_whatever_notice_has_both_for_aliases() {
        let hub = |id: &'static str| Found { id, aliases: &["GHSA-multi"], ..FOUND };
        let old = report(&["a 1"], &[hub("CVE-2024-1")]);
        let new = report(&["a 1"], &[hub("CVE-2024-1"), hub("CVE-2024-2")]);
        assert_eq!(diff(&old, &new).opened.len(), 1);
        // What has no CVE yet may get one.
        let early = report(&["a 1"], &[Found { id: "GHSA-multi", ..FOUND }]);
        assert_eq!(diff(&early, &old).opened.len(), 0);
        assert_eq!(diff(&old, &early).opened.len(), 0);
    }

    /// Some packages of a few, each with findings of a few.
    fn any_report() -> impl Strategy<Value = ScanReport> {
        let findings = prop::collection::vec((0..3_usize, 0..4_usize), 0..6);
        findings.prop_map(|pairs| {
            const IDS: [&str; 4] = ["CVE-1", "CVE-2", "CVE-3", "CVE-4"];
            let findings: Vec<Found> =
                pairs.into_iter().map(|(package, id)| Found { package, id: IDS[id], ..FOUND }).collect();
            report(&["a 1", "b 1", "c 1"], &findings)
        })
    }

    proptest! {
        #[test]
        fn what_one_way_opens_the_other_closes(old in any_report(), new in any_report()) {
            let (there, back) = (diff(&old, &new), diff(&new, &old));
            prop_assert_eq!(&there.opened, &back.closed);
            prop_assert_eq!(&there.closed, &back.opened);
            prop_assert_eq!(there.unchanged + there.opened.len(), new.rows().len());
            let same = diff(&old, &old);
            prop_assert!(same.opened.is_empty() && same.closed.is_empty() && same.packages.is_empty());
        }
    }
}
