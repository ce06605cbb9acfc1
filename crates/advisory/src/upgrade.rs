//! What to do first: the upgrades that remove the most and the worst findings.
//!
//! Packages that were built from one source are upgraded together, so they are one upgrade. A finding is gone from the
//! version on that all who name one for it agree upon; an upgrade goes to the least version from which all of its findings
//! are gone. Whether that version has vulnerabilities of its own is not asked here.

use crate::matching::scheme_of;
use crate::version::Scheme;
use sekisho_model::{FindingRow, FindingStatus, PackageKind, ScanReport, Severity, Upgrade};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

/// Kind, name and version of what packages were built from.
type Key<'a> = (PackageKind, &'a str, &'a str);

/// The upgrades for the findings that count, the most worthwhile first: by known exploitation of what is critical, then
/// by how many of the worst.
pub fn upgrades(report: &ScanReport) -> Vec<Upgrade> {
    let mut groups: BTreeMap<Key<'_>, Group<'_>> = BTreeMap::new();
    for row in report.rows() {
        let facts = &row.package.facts;
        if row.finding.suppressed.is_some() || row.finding.status != FindingStatus::Fixed {
            continue;
        }
        let scheme = scheme_of(facts.kind);
        let Some(to) = gone_from(&row, scheme) else { continue };
        let (name, version) = match &facts.source {
            Some(source) => (&source.name, &source.version),
            None => (&facts.name, &facts.version),
        };
        groups.entry((facts.kind, name, version)).or_default().take(&row, to, scheme);
    }
    let mut found: Vec<(Worth, Upgrade)> = groups.into_iter().map(|(key, group)| group.finish(key)).collect();
    // Stable: equal ones stay in the order of their names.
    found.sort_by_key(|(worth, _)| Reverse(*worth));
    found.into_iter().map(|(_, upgrade)| upgrade).collect()
}

/// The version from which a finding is gone; none where no later version than the package's own is named.
fn gone_from<'a>(row: &FindingRow<'a>, scheme: Scheme) -> Option<&'a str> {
    let facts = &row.package.facts;
    let later = |version: &&str| scheme.compare(version, &facts.version) == Ordering::Greater;
    let sources = row.finding.sources.iter().filter_map(|source| source.fixed_in.as_deref());
    let agreed = sources.filter(later).max_by(|a, b| scheme.compare(a, b));
    // Without sources these are the versions of several branches.
    let branches = row.finding.fixed_in.iter().map(String::as_str);
    agreed.or_else(|| branches.filter(later).min_by(|a, b| scheme.compare(a, b)))
}

/// Exploited and critical, exploited, critical, high, medium, unknown, low, negligible.
type Worth = (bool, usize, usize, usize, usize, usize, usize, usize);

#[derive(Default)]
struct Group<'a> {
    to: Option<&'a str>,
    rows: Vec<FindingRow<'a>>,
}

impl<'a> Group<'a> {
    fn take(&mut self, row: &FindingRow<'a>, to: &'a str, scheme: Scheme) {
        if self.to.is_none_or(|known| scheme.compare(known, to) == Ordering::Less) {
            self.to = Some(to);
        }
        self.rows.push(*row);
    }

    fn finish(self, (kind, name, _): Key<'a>) -> (Worth, Upgrade) {
        // The worst severity of each vulnerability, so that several packages of one source do not count it twice.
        let mut worst: BTreeMap<&str, (Severity, bool)> = BTreeMap::new();
        for row in &self.rows {
            let (severity, exploited) = worst.entry(&row.vulnerability.id).or_default();
            *severity = (*severity).max(row.finding.severity);
            *exploited = row.vulnerability.exploited.is_some();
        }
        let count = |severity| worst.values().filter(|(worst, _)| *worst == severity).count();
        let exploited = worst.values().filter(|(_, exploited)| *exploited).count();
        let [critical, high, medium] = [Severity::Critical, Severity::High, Severity::Medium].map(count);
        let [unknown, low, negligible] = [Severity::Unknown, Severity::Low, Severity::Negligible].map(count);
        let worth = (critical > 0, exploited, critical, high, medium, unknown, low, negligible);
        let packages: BTreeSet<_> = self.rows.iter().map(|row| &row.package.id).collect();
        let upgrade = Upgrade {
            kind,
            name: name.to_owned(),
            to: self.to.unwrap_or_default().to_owned(),
            packages: packages.into_iter().cloned().collect(),
            removes: worst.into_keys().map(str::to_owned).collect(),
        };
        (worth, upgrade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FOUND, Found, report};
    use sekisho_model::{FindingSource, SourcePackage};

    /// Of findings of packages (`name version`): package, severity, and who names which version.
    fn check(packages: &[&str], findings: &[(usize, Severity, &[&str])], expect: &[&str]) {
        let found = findings.iter().zip(["CVE-0", "CVE-1", "CVE-2"]);
        let found =
            found.map(|((package, severity, _), id)| Found { package: *package, id, severity: *severity, ..FOUND });
        let found: Vec<Found> = found.collect();
        let mut report = report(packages, &found);
        for (finding, (_, _, versions)) in report.assessment.findings.iter_mut().zip(findings) {
            finding.status = FindingStatus::Fixed;
            finding.fixed_in = versions.iter().map(|version| (*version).to_owned()).collect();
        }
        assert_eq!(shown(&report), expect);
    }

    fn shown(report: &ScanReport) -> Vec<String> {
        let show = |upgrade: &Upgrade| format!("{} {}: {}", upgrade.name, upgrade.to, upgrade.removes.join(" "));
        upgrades(report).iter().map(show).collect()
    }

    #[test]
    fn an_upgrade_goes_as_far_as_all_of_its_findings_ask() {
        use Severity::{Critical, High, Low};
        check(
            &["a 1.2.0", "b 1.0.0"],
            &[(0, Low, &["1.9.0"]), (0, High, &["1.10.0"]), (1, Critical, &["1.0.1"])],
            &["b 1.0.1: CVE-2", "a 1.10.0: CVE-0 CVE-1"],
        );
        // Of several branches the nearest, and none that is behind.
        check(&["a 2.12.1"], &[(0, High, &["2.3.1", "2.15.0", "2.12.2"])], &["a 2.12.2: CVE-0"]);
        check(&["a 2.14.1"], &[(0, High, &["2.3.1", "2.15.0", "2.12.2"])], &["a 2.15.0: CVE-0"]);
        check(&["a 3.0.0"], &[(0, High, &["2.15.0"])], &[]);
        // Two versions of one package are two upgrades.
        check(
            &["a 0.0.8", "a 1.2.0"],
            &[(0, High, &["0.2.4"]), (1, High, &["1.2.6"])],
            &["a 0.2.4: CVE-0", "a 1.2.6: CVE-1"],
        );
    }

    #[test]
    fn where_sources_differ_the_later_version_counts() {
        let mut report = report(&["a 1.0.0"], &[FOUND]);
        let finding = &mut report.assessment.findings[0];
        let source = |version: Option<&str>| FindingSource {
            feed: "x".into(),
            advisory: "X-1".into(),
            status: FindingStatus::Fixed,
            fixed_in: version.map(str::to_owned),
        };
        finding.status = FindingStatus::Fixed;
        finding.fixed_in = vec!["1.2.3".into(), "1.2.10".into()];
        finding.sources = vec![source(Some("1.2.10")), source(None), source(Some("1.2.3"))];
        assert_eq!(shown(&report), ["a 1.2.10: CVE-1"]);
    }

    #[test]
    fn what_is_built_from_one_source_is_one_upgrade() {
        let mut report = report(&["libssl 3.0.1", "openssl 3.0.1"], &[FOUND, Found { package: 1, ..FOUND }]);
        for package in &mut report.inventory.packages {
            package.facts.source = Some(SourcePackage { name: "ssl".into(), version: "3.0.1".into() });
        }
        for finding in &mut report.assessment.findings {
            (finding.status, finding.fixed_in) = (FindingStatus::Fixed, vec!["3.0.2".into()]);
        }
        assert_eq!(shown(&report), ["ssl 3.0.2: CVE-1"]);
        assert_eq!(upgrades(&report)[0].packages.len(), 2);
        report.assessment.findings.iter_mut().for_each(|finding| finding.status = FindingStatus::WillNotFix);
        assert_eq!(shown(&report), [""; 0]);
    }
}
