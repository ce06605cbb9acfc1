//! The vulnerabilities of a scan as CycloneDX has them (Vulnerability Disclosure Report).
//!
//! The standard's `analysis` is of a vulnerability, not of one package that has it. So findings of a vulnerability that
//! count are one entry, and those that are suppressed for one reason are another of the same `id`.

use super::Property;
use sekisho_model::{
    Assessment, Finding, FindingRow, FindingStatus, Judgement, Level, ScanReport, ScanState, Severity, Suppression,
    SuppressionKind, Vulnerability,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    #[serde(rename = "bom-ref")]
    pub(super) bom_ref: String,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ratings: Vec<Rating<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cwes: Vec<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    recommendation: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advisories: Vec<Advisory<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
    affects: Vec<Affected<'a>>,
    properties: Vec<Property<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
    source: Source<'a>,
}

#[derive(Serialize)]
struct Rating<'a> {
    source: Source<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    severity: &'static str,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<&'a str>,
}

#[derive(Serialize)]
struct Advisory<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct Analysis {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response: Vec<&'static str>,
    detail: String,
}

#[derive(Serialize)]
struct Affected<'a> {
    #[serde(rename = "ref")]
    package: &'a str,
    versions: Vec<Version<'a>>,
}

#[derive(Serialize)]
struct Version<'a> {
    version: &'a str,
    status: &'static str,
}

/// The entries of a report, those of the worst findings first.
pub(super) fn entries<'a>(report: &'a ScanReport) -> Vec<Entry<'a>> {
    let mut groups: Vec<Vec<FindingRow<'a>>> = Vec::new();
    let mut places: HashMap<(&str, Option<Reason<'a>>), usize> = HashMap::new();
    for row in report.rows() {
        let key = (row.vulnerability.id.as_str(), row.finding.suppressed.as_ref().map(Reason::of));
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let entry = |rows: Vec<FindingRow<'a>>| {
        let first = rows.first()?;
        let times = seen.entry(first.vulnerability.id.as_str()).or_default();
        *times += 1;
        Some(entry(first.vulnerability, first.finding.suppressed.as_ref(), &rows, *times))
    };
    groups.into_iter().filter_map(entry).collect()
}

/// What makes two suppressions one.
#[derive(PartialEq, Eq, Hash)]
struct Reason<'a>(SuppressionKind, &'a str, Option<&'a str>, &'a str, Option<&'a str>, Option<jiff::civil::Date>);

impl<'a> Reason<'a> {
    fn of(suppression: &'a Suppression) -> Self {
        let Suppression { kind, source, status, reason, owner, until } = suppression;
        Self(*kind, source, status.as_deref(), reason, owner.as_deref(), *until)
    }
}

fn entry<'a>(
    vulnerability: &'a Vulnerability,
    suppressed: Option<&'a Suppression>,
    rows: &[FindingRow<'a>],
    times: usize,
) -> Entry<'a> {
    let mut cwes: Vec<u32> =
        vulnerability.cwes.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse().ok()).collect();
    cwes.retain(|number| *number > 0);
    let advisories = vulnerability.references.iter().filter(|url| is_reference(url));
    Entry {
        bom_ref: format!("vulnerability:{}:{times}", vulnerability.id),
        id: &vulnerability.id,
        source: rows.iter().find_map(|row| row.finding.sources.first()).map(|source| Source { name: &source.feed }),
        references: references(vulnerability, rows),
        ratings: vulnerability.judgements.iter().map(rating).collect(),
        cwes,
        description: if vulnerability.title.is_empty() { &vulnerability.description } else { &vulnerability.title },
        detail: if vulnerability.title.is_empty() { "" } else { &vulnerability.description },
        recommendation: recommendation(rows),
        advisories: advisories.map(|url| Advisory { url }).collect(),
        published: vulnerability.published.map(super::date_time),
        analysis: suppressed.map(analysis),
        affects: rows.iter().map(affected).collect(),
        properties: properties(vulnerability, rows),
    }
}

/// The advisories that say so, and the other names of the vulnerability.
fn references<'a>(vulnerability: &'a Vulnerability, rows: &[FindingRow<'a>]) -> Vec<Reference<'a>> {
    let said =
        rows.iter().flat_map(|row| &row.finding.sources).map(|source| (source.advisory.as_str(), source.feed.as_str()));
    let aliases = vulnerability.aliases.iter().map(|alias| (alias.as_str(), "alias"));
    let mut seen = BTreeSet::new();
    let all = said.chain(aliases).filter(|(id, _)| *id != vulnerability.id && seen.insert(*id));
    all.map(|(id, name)| Reference { id, source: Source { name } }).collect()
}

fn rating(judge: &Judgement) -> Rating<'_> {
    let method = match judge.vector.as_deref() {
        Some(vector) if vector.starts_with("CVSS:4") => "CVSSv4",
        Some(vector) if vector.starts_with("CVSS:3.1/") => "CVSSv31",
        Some(vector) if vector.starts_with("CVSS:3") => "CVSSv3",
        Some(vector) if vector.contains("Au:") => "CVSSv2",
        _ => "other",
    };
    // As the publisher wrote it: 9.8, not the nearest that 32 bits can hold.
    let score = judge.score.filter(|score| score.is_finite()).and_then(|score| score.to_string().parse().ok());
    Rating {
        source: Source { name: &judge.by },
        score,
        severity: match judge.severity {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
            Severity::Negligible => "info",
            Severity::Unknown => "unknown",
        },
        method,
        vector: judge.vector.as_deref(),
    }
}

/// Whether the schema takes the text as an address: it is strict about spaces and brackets.
fn is_reference(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= 2000
        && url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=".contains(&byte))
        && !url.ends_with("//")
}

fn recommendation(rows: &[FindingRow<'_>]) -> String {
    let mut said = BTreeSet::new();
    for row in rows {
        let name = &row.package.facts.name;
        said.insert(match (row.finding.status, row.finding.fixed_in.as_slice()) {
            (FindingStatus::Fixed, []) => format!("Upgrade {name}."),
            (FindingStatus::Fixed, versions) => format!("Upgrade {name} to {}.", versions.join(" or ")),
            (status, _) => format!("{name}: {}.", status.as_str().replace('_', " ")),
        });
    }
    said.into_iter().collect::<Vec<_>>().join(" ")
}

/// Of the justifications that VEX documents have those that the standard has words for.
fn analysis(suppressed: &Suppression) -> Analysis {
    let vex = suppressed.kind == SuppressionKind::Vex;
    let words: BTreeSet<&str> = suppressed.reason.split(|char: char| !char.is_alphanumeric() && char != '_').collect();
    let justification = [
        ("component_not_present", "code_not_present"),
        ("vulnerable_code_not_present", "code_not_present"),
        ("vulnerable_code_not_in_execute_path", "code_not_reachable"),
        ("vulnerable_code_cannot_be_controlled_by_adversary", "code_not_reachable"),
        ("inline_mitigations_already_exist", "protected_by_mitigating_control"),
    ];
    let justification = justification.into_iter().find(|(word, _)| vex && words.contains(word)).map(|(_, word)| word);
    let mut detail = format!("{}: {}", if vex { "VEX" } else { "exception" }, suppressed.source);
    for (label, text) in [("", Some(suppressed.reason.as_str())), ("owner ", suppressed.owner.as_deref())] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            detail.push_str("; ");
            detail.push_str(label);
            detail.push_str(text);
        }
    }
    if let Some(until) = suppressed.until {
        detail.push_str("; until ");
        detail.push_str(&until.to_string());
    }
    match (vex, suppressed.status.as_deref()) {
        (true, Some("fixed")) => Analysis { state: "resolved", justification: None, response: Vec::new(), detail },
        (true, _) => Analysis { state: "not_affected", justification, response: Vec::new(), detail },
        // The risk is taken: it is there, and nothing is done.
        (false, _) => Analysis { state: "exploitable", justification: None, response: vec!["will_not_fix"], detail },
    }
}

fn affected<'a>(row: &FindingRow<'a>) -> Affected<'a> {
    /// The schema's longest version.
    const LONGEST: usize = 1024;
    let mut versions = vec![Version { version: &row.package.facts.version, status: "affected" }];
    versions.extend(row.finding.fixed_in.iter().map(|version| Version { version, status: "unaffected" }));
    versions.retain(|version| version.version.len() <= LONGEST);
    Affected { package: row.package.id.as_str(), versions }
}

fn properties<'a>(vulnerability: &'a Vulnerability, rows: &[FindingRow<'a>]) -> Vec<Property<'a>> {
    let mut properties = Vec::new();
    let mut add = |name: &'static str, value: Cow<'a, str>| properties.push(Property { name: name.into(), value });
    if let Some(exploited) = &vulnerability.exploited {
        add("sekisho:kev:added", exploited.added.as_str().into());
        if let Some(due) = &exploited.due {
            add("sekisho:kev:due", due.as_str().into());
        }
        add("sekisho:kev:ransomware", exploited.ransomware.to_string().into());
    }
    if let Some(likelihood) = vulnerability.likelihood {
        add("sekisho:epss:probability", likelihood.probability.to_string().into());
        add("sekisho:epss:percentile", likelihood.percentile.to_string().into());
    }
    for row in rows {
        let Finding { id, package, severity, status, .. } = row.finding;
        let text = format!("{} {} {severity} {}", id.as_str(), package.as_str(), status.as_str());
        add("sekisho:finding", text.into());
    }
    properties
}

/// Whether vulnerabilities were looked for, and why some were not.
pub(super) fn state(assessment: &Assessment) -> Vec<Property<'_>> {
    let state = match assessment.state {
        ScanState::Scanned => "scanned",
        ScanState::Incomplete => "incomplete",
        ScanState::NotScanned => "not_scanned",
        ScanState::NotEvaluated => "not_evaluated",
    };
    let mut properties = vec![("sekisho:assessment:state", Cow::Borrowed(state))];
    properties.push(("sekisho:assessment:at", super::date_time(assessment.assessed_at).into()));
    if let Some(database) = &assessment.database {
        properties.push(("sekisho:assessment:database", database.digest.as_str().into()));
        properties.extend(database.stale.iter().map(|feed| ("sekisho:assessment:stale", feed.as_str().into())));
    }
    for diagnostic in &assessment.diagnostics {
        let name = match diagnostic.level {
            Level::Incomplete => "sekisho:assessment:incomplete",
            Level::Note => "sekisho:assessment:note",
        };
        properties.push((name, format!("{} {diagnostic}", diagnostic.code.as_str()).into()));
    }
    properties.into_iter().map(|(name, value)| Property { name: name.into(), value }).collect()
}

/// What the list of vulnerabilities is not, in the standard's word for it; nothing where it is whole.
pub(super) fn aggregate(assessment: &Assessment) -> Option<&'static str> {
    let stale = assessment.database.as_ref().is_some_and(|database| !database.stale.is_empty());
    match assessment.state {
        ScanState::NotScanned | ScanState::NotEvaluated => Some("unknown"),
        ScanState::Incomplete => Some("incomplete"),
        ScanState::Scanned => stale.then_some("incomplete"),
    }
}
