//! What to do first: the upgrades that remove the most and the worst findings.
//!
//! Packages that were built from one source are upgraded together, so they are one upgrade. Where the findings were made by
//! a database, the version to go to is judged by it: what is mended in one branch may well be in a later version of another,
//! so that an upgrade goes on until what it is to remove is gone. In reports of others the newest of all versions named
//! for a finding is taken.

use crate::db::DatabaseError;
use crate::matching::{Matcher, scheme_of};
use crate::version::Scheme;
use sekisho_model::{
    FindingRow, FindingStatus, PackageFacts, PackageKind, ScanReport, Severity, SourcePackage, Upgrade,
};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

/// How often a version to go to turns out to have what is to be removed, before the rest of it is left.
const TRIES: usize = 16;

/// Kind, name and version of what packages were built from.
type Key<'a> = (PackageKind, &'a str, &'a str);

/// The upgrades for the findings that count, the most worthwhile first: by known exploitation of what is critical, then
/// by how many of the worst.
///
/// `matcher` is of the database that the findings were made by, where there is one.
pub fn upgrades(report: &ScanReport, matcher: Option<&Matcher<'_>>) -> Result<Vec<Upgrade>, DatabaseError> {
    let mut groups: BTreeMap<Key<'_>, Group<'_>> = BTreeMap::new();
    for row in report.rows() {
        let facts = &row.package.facts;
        if row.finding.suppressed.is_some() || row.finding.status != FindingStatus::Fixed {
            continue;
        }
        let scheme = scheme_of(facts.kind);
        let Some(to) = gone_from(&row, scheme, matcher.is_some()) else { continue };
        let (name, version) = match &facts.source {
            Some(source) => (&source.name, &source.version),
            None => (&facts.name, &facts.version),
        };
        groups.entry((facts.kind, name, version)).or_default().take(&row, to, scheme);
    }
    let mut found: Vec<(Worth, Upgrade)> = Vec::new();
    for (key, group) in groups {
        found.extend(group.judged(key, matcher)?.map(|(to, rows)| finish(key, to, &rows)));
    }
    // Stable: equal ones stay in the order of their names.
    found.sort_by_key(|(worth, _)| Reverse(*worth));
    Ok(found.into_iter().map(|(_, upgrade)| upgrade).collect())
}

/// A version from which a finding may be gone: the first that any source names where that will be judged, the last
/// otherwise; none where no later version than the package's own is named.
fn gone_from<'a>(row: &FindingRow<'a>, scheme: Scheme, will_be_judged: bool) -> Option<&'a str> {
    let facts = &row.package.facts;
    let installed = facts.source.as_ref().map_or(&facts.version, |source| &source.version);
    let later = |version: &&str| scheme.compare(version, installed) == Ordering::Greater;
    let named = row.finding.fixed_in.iter().map(String::as_str).filter(later);
    if will_be_judged { named.min_by(|a, b| scheme.compare(a, b)) } else { named.max_by(|a, b| scheme.compare(a, b)) }
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

    /// The version to go to, and the findings that are gone then; none where that is none.
    fn judged(
        self,
        (kind, ..): Key<'a>,
        matcher: Option<&Matcher<'_>>,
    ) -> Result<Option<(String, Vec<FindingRow<'a>>)>, DatabaseError> {
        let Some(mut to) = self.to.map(str::to_owned) else { return Ok(None) };
        let Some(matcher) = matcher else { return Ok(Some((to, self.rows))) };
        let scheme = scheme_of(kind);
        for _ in 0..TRIES {
            let mut gone = Vec::new();
            let mut next: Option<String> = None;
            let mut left: BTreeMap<&str, BTreeMap<String, Option<String>>> = BTreeMap::new();
            for row in &self.rows {
                let id = row.package.id.as_str();
                if !left.contains_key(id) {
                    left.insert(id, has(matcher, &row.package.facts, &to)?);
                }
                match left[id].get(&row.vulnerability.id) {
                    None => gone.push(*row),
                    Some(fixed) => {
                        let is_later = |fixed: &&String| {
                            let than = next.as_ref().unwrap_or(&to);
                            scheme.compare(fixed, than) == Ordering::Greater
                        };
                        let further = fixed.as_ref().filter(is_later);
                        next = further.cloned().or(next);
                    }
                }
            }
            match next {
                Some(further) => to = further,
                None => return Ok(Some((to, gone)).filter(|(_, gone)| !gone.is_empty())),
            }
        }
        Ok(None)
    }
}

/// The vulnerabilities that a package has in another version, each with the first version without it.
fn has(
    matcher: &Matcher<'_>,
    facts: &PackageFacts,
    version: &str,
) -> Result<BTreeMap<String, Option<String>>, DatabaseError> {
    let source = facts.source.as_ref().map(|source| SourcePackage { version: version.to_owned(), ..source.clone() });
    let facts = PackageFacts { version: version.to_owned(), source, ..facts.clone() };
    let scheme = scheme_of(facts.kind);
    let mut out = BTreeMap::new();
    for (number, hits) in matcher.package(&facts)?.vulnerabilities {
        let fixed = hits.into_iter().filter_map(|hit| hit.fixed).max_by(|a, b| scheme.compare(a, b));
        out.insert(matcher.database().vulnerability(number)?.id, fixed);
    }
    Ok(out)
}

fn finish((kind, name, _): Key<'_>, to: String, rows: &[FindingRow<'_>]) -> (Worth, Upgrade) {
    // The worst severity of each vulnerability, so that several packages of one source do not count it twice.
    let mut worst: BTreeMap<&str, (Severity, bool)> = BTreeMap::new();
    for row in rows {
        let (severity, exploited) = worst.entry(&row.vulnerability.id).or_default();
        *severity = (*severity).max(row.finding.severity);
        *exploited = row.vulnerability.exploited.is_some();
    }
    let count = |severity| worst.values().filter(|(worst, _)| *worst == severity).count();
    let exploited = worst.values().filter(|(_, exploited)| *exploited).count();
    let [critical, high, medium] = [Severity::Critical, Severity::High, Severity::Medium].map(count);
    let [unknown, low, negligible] = [Severity::Unknown, Severity::Low, Severity::Negligible].map(count);
    let worth = (critical > 0, exploited, critical, high, medium, unknown, low, negligible);
    let packages: BTreeSet<_> = rows.iter().map(|row| &row.package.id).collect();
    let upgrade = Upgrade {
        kind,
        name: name.to_owned(),
        to,
        packages: packages.into_iter().cloned().collect(),
        removes: worst.into_keys().map(str::to_owned).collect(),
    };
    (worth, upgrade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Builder, Database, FeedSource};
    use crate::ecosystem::Ecosystem;
    use crate::matching::assess;
    use crate::range::{Lower, Range, Upper};
    use crate::record::{Advisory, Affected, Record};
    use crate::testing::{FOUND, Found, report};
    use jiff::Timestamp;
    use sekisho_model::SourcePackage;

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
        upgrades(report, None).unwrap().iter().map(show).collect()
    }

    #[test]
    fn an_upgrade_goes_as_far_as_all_of_its_findings_ask() {
        use Severity::{Critical, High, Low};
        check(
            &["a 1.2.0", "b 1.0.0"],
            &[(0, Low, &["1.9.0"]), (0, High, &["1.10.0"]), (1, Critical, &["1.0.1"])],
            &["b 1.0.1: CVE-2", "a 1.10.0: CVE-0 CVE-1"],
        );
        // Which of several branches is that of a version between them, nobody says.
        check(&["a 2.12.1"], &[(0, High, &["2.3.1", "2.15.0", "2.12.2"])], &["a 2.15.0: CVE-0"]);
        check(&["a 2.14.1"], &[(0, High, &["2.3.1", "2.15.0", "2.12.2"])], &["a 2.15.0: CVE-0"]);
        check(&["a 3.0.0"], &[(0, High, &["2.15.0"])], &[]);
        // Two versions of one package are two upgrades.
        check(
            &["a 0.0.8", "a 1.2.0"],
            &[(0, High, &["0.2.4"]), (1, High, &["1.2.6"])],
            &["a 0.2.4: CVE-0", "a 1.2.6: CVE-1"],
        );
    }

    /// What is mended in one branch may be in a later version of the next, and what is mended first is in it again.
    #[test]
    fn the_version_to_go_to_is_judged() {
        let range = |from: Lower, to: &str| Range { from, to: Upper::Fixed(to.into()) };
        let at = |version: &str| Lower::At(version.into());
        let says = |id: &str, ranges: Vec<Range>| {
            let affected = Affected { ranges, ..Affected::new(Ecosystem::Npm, None, "a") };
            Advisory { id: id.to_owned(), affected: vec![affected], ..Advisory::default() }
        };
        let mut build = Builder::default();
        build.feed(FeedSource { id: "osv".into(), ..FeedSource::default() });
        for advisory in [
            says("CVE-A", vec![range(Lower::Start, "1.20.10"), range(at("1.21.0"), "1.21.3")]),
            says("CVE-B", vec![range(Lower::Start, "1.21.1")]),
            says("CVE-C", vec![Range { from: Lower::Start, to: Upper::Unfixed }]),
        ] {
            build.add(Record::Advisory(advisory));
        }
        let bytes = build.finish().unwrap();
        let database = Database::open(&bytes).unwrap();
        let inventory = report(&["a 1.19.0"], &[]).inventory;
        let assessment = assess(&inventory, &database, Timestamp::UNIX_EPOCH).unwrap();
        let report = ScanReport::new(inventory, assessment);
        let found = upgrades(&report, Some(&Matcher::new(&database, None))).unwrap();
        let [Upgrade { to, removes, .. }] = &found[..] else { panic!("{found:?}") };
        assert_eq!((to.as_str(), removes.join(" ").as_str()), ("1.21.3", "CVE-A CVE-B"));
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
        assert_eq!(upgrades(&report, None).unwrap()[0].packages.len(), 2);
        report.assessment.findings.iter_mut().for_each(|finding| finding.status = FindingStatus::WillNotFix);
        assert_eq!(shown(&report), [""; 0]);
    }
}
