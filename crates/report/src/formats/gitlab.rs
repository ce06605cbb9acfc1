//! Security reports of GitLab: container scanning for images, dependency scanning for file systems.
//!
//! Schema 15.0.7 (<https://gitlab.com/gitlab-org/security-products/security-report-schemas>), which every GitLab since
//! 16.2 takes; one that does not match is refused as a whole. So what a stranger could have written is cut to the
//! schema's lengths, links are those that are links, and vectors those that the schema's patterns take: CVSS 2 and 3.
//!
//! What is missing makes the status `failure` and is a message. A finding that somebody says is not there is flagged as
//! likely a false positive, which is the only mark that the schema has; any other that is suppressed says so in its
//! details.

use super::Format;
use crate::view::{self, Standing, View};
use sekisho_model::write_json;
use sekisho_model::{
    FindingRow, Judgement, Level, Package, ScanReport, Severity, SourceKind, SuppressionKind, Vulnerability,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "gitlab",
    media_type: "application/json",
    extension: "json",
    title: "security report of GitLab: container scanning, or dependency scanning for file systems",
    write: |report, _, to| write_gitlab(report, to),
};

/// Writes the report as GitLab's container scanning report, or, where no image was scanned, as its dependency scanning
/// report.
pub fn write_gitlab(report: &ScanReport, to: impl Write) -> io::Result<()> {
    write_json(&document(&View::new(report)), to)
}

const VERSION: &str = "15.0.7";

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    schema: String,
    scan: Scan<'a>,
    vulnerabilities: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency_files: Option<Vec<DependencyFile<'a>>>,
}

#[derive(Serialize)]
struct Scan<'a> {
    analyzer: Program<'a>,
    scanner: Program<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Program<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    version: &'a str,
    vendor: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: String,
    description: String,
    severity: &'static str,
    solution: String,
    identifiers: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cvss_vectors: Vec<Vector<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Flag>,
    details: BTreeMap<&'static str, Detail>,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Identifier<'a> {
    #[serde(rename = "type")]
    kind: String,
    name: &'a str,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Vector<'a> {
    vendor: Cow<'a, str>,
    vector: &'a str,
}

#[derive(Serialize)]
struct Link<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct Flag {
    #[serde(rename = "type")]
    kind: &'static str,
    origin: String,
    description: String,
}

#[derive(Serialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Location<'a> {
    dependency: Dependency<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

#[derive(Serialize)]
struct Dependency<'a> {
    package: Named<'a>,
    version: &'a str,
}

#[derive(Serialize)]
struct DependencyFile<'a> {
    path: &'a str,
    package_manager: &'a str,
    dependencies: Vec<Dependency<'a>>,
}

fn document<'a>(view: &View<'a>) -> Document<'a> {
    let report = view.report;
    let inventory = &report.inventory;
    // Another scanner's report is of an image where it says so.
    let is_image = inventory.image.is_some()
        || matches!(
            inventory.source.kind,
            SourceKind::DockerArchive | SourceKind::OciLayout | SourceKind::OciArchive | SourceKind::Registry
        );
    let kind = if is_image { "container_scanning" } else { "dependency_scanning" };
    let scan = Scan {
        analyzer: program("sekisho", env!("CARGO_PKG_VERSION")),
        scanner: program(&inventory.tool.name, &inventory.tool.version),
        kind,
        start_time: time(inventory.observed_at),
        end_time: time(report.assessment.assessed_at.max(inventory.observed_at)),
        status: if view.standing() == Standing::Whole { "success" } else { "failure" },
        messages: messages(view),
    };
    let place = Place { is_image, system: system(view), image: view::cut(&view.target(), 255).into_owned() };
    Document {
        version: VERSION,
        schema: format!(
            "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v{VERSION}/dist/{}-report-format.json",
            kind.replace('_', "-")
        ),
        scan,
        vulnerabilities: view.rows.iter().map(|row| entry(view, row, &place)).collect(),
        dependency_files: (!is_image).then(|| dependency_files(view)),
    }
}

fn program<'a>(name: &'a str, version: &'a str) -> Program<'a> {
    let name = non_empty(name, "unknown");
    Program {
        id: name.to_lowercase().into(),
        name: name.into(),
        version: non_empty(version, "unknown"),
        vendor: Named { name: name.into() },
    }
}

fn non_empty<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// A moment as the schema has it: UTC without a zone, in seconds.
fn time(time: jiff::Timestamp) -> String {
    let time = view::moment(time);
    time.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned()
}

fn messages(view: &View<'_>) -> Vec<Message> {
    let standing = view.standing();
    let level = if standing == Standing::NotScanned { "fatal" } else { "warn" };
    let mut messages = Vec::new();
    if standing != Standing::Whole {
        messages.push(Message { level, value: standing.warning().to_owned() });
    }
    for told in view.told() {
        let level = if told.level == Level::Incomplete { level } else { "info" };
        messages.push(Message { level, value: format!("{} {}", told.code.as_str(), told.text) });
    }
    for unknown in view.report.gate.iter().flat_map(|gate| &gate.unknown) {
        messages.push(Message { level: "warn", value: format!("the gate cannot tell: {}", view::line(unknown)) });
    }
    messages
}

/// Where all findings are.
struct Place {
    is_image: bool,
    system: String,
    image: String,
}

fn system(view: &View<'_>) -> String {
    let os = view.report.inventory.os.as_ref();
    let text = os.map(|os| view::line(&format!("{} {}", os.id, os.version_id))).unwrap_or_default();
    non_empty(text.trim(), "unknown").to_owned()
}

fn entry<'a>(view: &View<'a>, row: &FindingRow<'a>, place: &Place) -> Entry<'a> {
    let FindingRow { finding, package, vulnerability } = *row;
    let name = format!("{}: {}", view::line(&vulnerability.id), view::title(vulnerability));
    Entry {
        id: finding.id.as_str(),
        name: view::cut(&name, 255).into_owned(),
        description: view::cut(&view::description(vulnerability), 100_000).into_owned(),
        severity: match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Negligible => "Info",
            Severity::Unknown => "Unknown",
        },
        solution: view::cut(&view::advice(row), 7000).into_owned(),
        identifiers: identifiers(vulnerability),
        cvss_vectors: vectors(&vulnerability.judgements),
        links: vulnerability.references.iter().filter(|url| view::is_link(url)).map(|url| Link { url }).collect(),
        flags: flags(row),
        details: details(view, row),
        location: Location {
            dependency: dependency(package),
            operating_system: place.is_image.then(|| place.system.clone()),
            image: place.is_image.then(|| place.image.clone()),
            file: (!place.is_image).then(|| non_empty(&package.location, "unknown")),
        },
    }
}

fn dependency(package: &Package) -> Dependency<'_> {
    let facts = &package.facts;
    Dependency { package: Named { name: Cow::Borrowed(&facts.name) }, version: &facts.version }
}

fn identifiers(vulnerability: &Vulnerability) -> Vec<Identifier<'_>> {
    let id = non_empty(&vulnerability.id, "unknown");
    let aliases = vulnerability.aliases.iter().map(String::as_str).filter(|alias| !alias.is_empty());
    let kind = |id: &str| {
        let head = id.split('-').next().unwrap_or_default();
        non_empty(head, "other").to_lowercase()
    };
    let mut identifiers = vec![Identifier { kind: kind(id), name: id, value: id, url: view::address(vulnerability) }];
    identifiers.extend(aliases.map(|alias| Identifier { kind: kind(alias), name: alias, value: alias, url: None }));
    for cwe in &vulnerability.cwes {
        if let Some(number) = cwe.strip_prefix("CWE-").filter(|number| number.parse::<u32>().is_ok()) {
            let url = format!("https://cwe.mitre.org/data/definitions/{number}.html");
            identifiers.push(Identifier { kind: "cwe".into(), name: cwe, value: number, url: Some(url.into()) });
        }
    }
    identifiers
}

/// At most ten, as the schema has it, those of CVSS 3 first, since GitLab shows the first.
fn vectors(judgements: &[Judgement]) -> Vec<Vector<'_>> {
    let of = |version: fn(&str) -> bool| {
        judgements.iter().filter_map(move |judge| {
            let vector = judge.vector.as_deref().filter(|vector| version(vector))?;
            Some(Vector { vendor: non_empty(&judge.by, "unknown").into(), vector })
        })
    };
    of(is_cvss3).chain(of(is_cvss2)).take(10).collect()
}

/// Whether the schema's pattern for vectors of CVSS 3 takes it.
fn is_cvss3(vector: &str) -> bool {
    const METRICS: &[(&str, &[&str])] = &[
        ("AV", &["N", "A", "L", "P"]),
        ("AC", &["L", "H"]),
        ("PR", &["N", "L", "H"]),
        ("UI", &["N", "R"]),
        ("S", &["U", "C"]),
        ("C", &["N", "L", "H"]),
        ("I", &["N", "L", "H"]),
        ("A", &["N", "L", "H"]),
        ("E", &["X", "U", "P", "F", "H"]),
        ("RL", &["X", "O", "T", "W", "U"]),
        ("RC", &["X", "U", "R", "C"]),
        ("CR", &["X", "L", "M", "H"]),
        ("IR", &["X", "L", "M", "H"]),
        ("AR", &["X", "L", "M", "H"]),
    ];
    let rest = vector.strip_prefix("CVSS:3.1/").or_else(|| vector.strip_prefix("CVSS:3.0/"));
    rest.is_some_and(|rest| (32..=128).contains(&vector.len()) && is_of(rest, METRICS))
}

/// Whether the schema's pattern for vectors of CVSS 2 takes it.
fn is_cvss2(vector: &str) -> bool {
    const METRICS: &[(&str, &[&str])] = &[
        ("AV", &["N", "A", "L"]),
        ("AC", &["L", "M", "H"]),
        ("Au", &["M", "S", "N"]),
        ("C", &["N", "P", "C"]),
        ("I", &["N", "P", "C"]),
        ("A", &["N", "P", "C"]),
        ("E", &["U", "POC", "F", "H", "ND"]),
        ("RL", &["OF", "TF", "W", "U", "ND"]),
        ("RC", &["UC", "UR", "C", "ND"]),
    ];
    (16..=128).contains(&vector.len()) && is_of(vector, METRICS)
}

fn is_of(metrics: &str, known: &[(&str, &[&str])]) -> bool {
    metrics.split('/').all(|metric| {
        metric
            .split_once(':')
            .is_some_and(|(name, value)| known.iter().any(|(known, values)| *known == name && values.contains(&value)))
    })
}

fn flags(row: &FindingRow<'_>) -> Vec<Flag> {
    let not_there = row.finding.suppressed.iter().filter(|suppressed| suppressed.kind == SuppressionKind::Vex);
    let flag = |suppressed| Flag {
        kind: "flagged-as-likely-false-positive",
        origin: "sekisho".to_owned(),
        description: view::suppression(suppressed),
    };
    not_there.map(flag).collect()
}

fn details(view: &View<'_>, row: &FindingRow<'_>) -> BTreeMap<&'static str, Detail> {
    let FindingRow { finding, package, vulnerability } = row;
    let mut details = BTreeMap::new();
    let mut add = |key, name, value: String| {
        details.insert(key, Detail { kind: "text", name, value });
    };
    add("purl", "Package URL", package.purl.to_string());
    add("file", "Found in", view::line(&package.location));
    add("status", "Status", finding.status.as_str().replace('_', " "));
    if !finding.fixed_in.is_empty() {
        add("fixed_in", "Fixed in", view::fixed_in(finding, ", "));
    }
    if let Some(layer) = package.layer {
        let diff_id = view.diff_id(package).unwrap_or_default();
        add("layer", "Layer", format!("{layer} ({}) {diff_id}", view::origin(package.origin)).trim_end().to_owned());
    }
    if let Some(exploited) = &vulnerability.exploited {
        add("known_exploited", "Known to be exploited since", view::line(&exploited.added));
    }
    if let Some(likelihood) = vulnerability.likelihood {
        add("epss", "EPSS", format!("{:.2} %", f64::from(likelihood.probability) * 100.0));
    }
    if let Some(suppressed) = &finding.suppressed {
        add("suppressed", "Suppressed", view::suppression(suppressed));
    }
    if view.verdict().is_some() {
        let says = if view.is_refused(finding) { "refused" } else { "let pass" };
        add("gate", "Gate", says.to_owned());
    }
    details
}

/// The packages by the file that says they are there.
fn dependency_files<'a>(view: &View<'a>) -> Vec<DependencyFile<'a>> {
    let mut files: BTreeMap<(&str, &str), Vec<Dependency<'_>>> = BTreeMap::new();
    for package in &view.report.inventory.packages {
        let key = (non_empty(&package.location, "unknown"), view::ecosystem(package));
        files.entry(key).or_default().push(dependency(package));
    }
    let file = |((path, package_manager), dependencies)| DependencyFile { path, package_manager, dependencies };
    files.into_iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_vectors_that_the_schema_takes_are_written() {
        assert!(is_cvss3("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"));
        assert!(is_cvss3("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C"));
        assert!(is_cvss2("AV:N/AC:M/Au:N/C:P/I:P/A:P"));
        for no in [
            "",
            "AV:N",
            "CVSS:3.1/AV:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/",
            "(AV:N/AC:M/Au:N/C:P/I:P/A:P)",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        ] {
            assert!(!is_cvss3(no) && !is_cvss2(no), "{no}");
        }
    }

    #[test]
    fn times_have_no_zone_and_no_fraction() {
        assert_eq!(time("2026-11-20T01:02:03.9Z".parse().unwrap()), "2026-11-20T01:02:04");
        assert_eq!(time(jiff::Timestamp::MIN), "0000-01-01T00:00:00");
    }
}
