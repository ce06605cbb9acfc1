//! Reports in small, for tests of what is made of them.

use jiff::Timestamp;
use sekisho_model::{
    AssessedBy, AssessedFeed, Assessment, Exploited, Finding, FindingId, FindingStatus, Inventory, Likelihood, Origin,
    Package, PackageFacts, PackageId, PackageKind, Purl, ScanReport, ScanState, Severity, Source, SourceKind, Tool,
    Vulnerability,
};

/// A report about `packages` (`name version`, of npm) that has `findings`; it was judged by a database with KEV and
/// EPSS.
pub(crate) fn report(packages: &[&str], findings: &[Found]) -> ScanReport {
    let packages: Vec<Package> = packages.iter().map(|text| package(text)).collect();
    let inventory = Inventory {
        schema: sekisho_model::INVENTORY_SCHEMA.to_owned(),
        tool: Tool { name: "sekisho".into(), version: "0".into() },
        observed_at: Timestamp::UNIX_EPOCH,
        source: Source { kind: SourceKind::FileSystem, name: "tree".into() },
        image: None,
        os: None,
        packages,
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: true,
        diagnostics: Vec::new(),
    };
    let mut assessment = Assessment::none(Timestamp::UNIX_EPOCH, None);
    assessment.state = ScanState::Scanned;
    let feed = AssessedFeed {
        id: "osv".into(),
        source: "osv".into(),
        observed_at: Some(Timestamp::UNIX_EPOCH),
        newest: None,
        advisories: 1,
        concerned: true,
        skipped: 0,
    };
    assessment.database = Some(AssessedBy { feeds: vec![feed], exploited: 1, likelihoods: 1, ..AssessedBy::default() });
    for found in findings {
        let package = &inventory.packages[found.package].id;
        assessment.findings.push(Finding {
            id: FindingId::new("tree", package, found.id),
            vulnerability: found.id.to_owned(),
            package: package.clone(),
            severity: found.severity,
            status: if found.fixed { FindingStatus::Fixed } else { FindingStatus::Affected },
            fixed_in: Vec::new(),
            sources: Vec::new(),
            suppressed: None,
        });
        if assessment.vulnerabilities.iter().all(|known| known.id != found.id) {
            assessment.vulnerabilities.push(Vulnerability {
                id: found.id.to_owned(),
                aliases: found.aliases.iter().map(|&alias| alias.to_owned()).collect(),
                exploited: found.exploited.then(|| Exploited {
                    added: "2024-01-01".into(),
                    due: None,
                    ransomware: false,
                }),
                likelihood: found.epss.map(|probability| Likelihood { probability, percentile: 0.5 }),
                ..Vulnerability::default()
            });
        }
    }
    ScanReport::new(inventory, assessment)
}

/// A finding of the package with a number.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) package: usize,
    pub(crate) id: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) severity: Severity,
    pub(crate) fixed: bool,
    pub(crate) exploited: bool,
    pub(crate) epss: Option<f32>,
}

/// A finding of the first package with nothing said about it.
pub(crate) const FOUND: Found = Found {
    package: 0,
    id: "CVE-1",
    aliases: &[],
    severity: Severity::Unknown,
    fixed: false,
    exploited: false,
    epss: None,
};

fn package(text: &str) -> Package {
    let (name, version) = text.split_once(' ').unwrap();
    let purl: Purl = format!("pkg:npm/{name}@{version}").parse().unwrap();
    let location = format!("{name}/package.json");
    Package {
        id: PackageId::new(&purl, &location),
        purl,
        facts: PackageFacts::new(PackageKind::Npm, name, version),
        location,
        layer: None,
        origin: Origin::Unknown,
        owned_by: None,
    }
}
