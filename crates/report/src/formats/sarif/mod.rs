//! SARIF 2.1.0 (OASIS), as code scanning of GitHub and others take it.
//!
//! One rule for each vulnerability, one result for each finding. `security-severity` is GitHub's convention: a score as
//! a text, from which it makes critical, high, medium or low; where nobody gave one it stands for our severity. Every
//! result lies in line 1 of the file that says the package is there, since code scanning wants a line.
//!
//! What is missing makes `executionSuccessful` false and is a notification.

pub(super) mod log;

use super::Format;
use crate::formats::markdown;
use crate::view::{self, Standing, Told, View};
use log::{
    AutomationDetails, BaseId, BaseIds, Configuration, Descriptor, Driver, FileLocation, Fingerprints, Invocation,
    Location, Log, LogicalLocation, Message, Notification, PhysicalLocation, Region, Rule, RuleProperties, Run,
    SarifResult, SarifSuppression, Tool, level, plain, uri,
};
use sekisho_model::write_json;
use sekisho_model::{FindingRow, Level, ScanReport, Severity, Vulnerability};
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "sarif",
    media_type: "application/sarif+json",
    extension: "sarif",
    title: "SARIF 2.1.0, for code scanning (GitHub, Azure DevOps, editors)",
    write: |report, _, to| write_sarif(report, to),
};

/// Writes the report as a SARIF 2.1.0 log.
pub fn write_sarif(report: &ScanReport, to: impl Write) -> io::Result<()> {
    write_json(&document(&View::new(report)), to)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'a> {
    purl: &'a str,
    severity: Severity,
    status: &'static str,
    installed_version: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fixed_versions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_diff_id: Option<String>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    epss: Option<f32>,
    known_exploited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by_gate: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    target: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
}

fn document<'a>(view: &View<'a>) -> Log<'a, RunProperties<'a>, ResultProperties<'a>> {
    let report = view.report;
    let tool = &report.inventory.tool;
    let target = view.target();
    let (rules, indexes) = rules(view);
    let any_suppressed = view.rows.iter().any(|row| row.finding.suppressed.is_some());
    let results = view.rows.iter().map(|row| {
        let index = indexes.get(row.vulnerability.id.as_str()).copied().unwrap_or_default();
        result(view, row, index, any_suppressed)
    });
    let run = Run {
        automation_details: AutomationDetails { id: format!("{}/vulnerabilities/", uri(&target)) },
        invocations: [Invocation {
            execution_successful: view.standing() == Standing::Whole,
            end_time_utc: view::moment(report.assessment.assessed_at),
            tool_execution_notifications: notifications(view),
        }],
        original_uri_base_ids: BaseIds {
            root: BaseId { description: Message::text(format!("The root of the files in {target}.")) },
        },
        column_kind: "unicodeCodePoints",
        results: results.collect(),
        properties: RunProperties {
            state: view.standing().as_str(),
            verdict: view.verdict().map(sekisho_model::Verdict::as_str),
            image_id: report.inventory.image.as_ref().map(|image| image.config_digest.to_string()),
            database: report.assessment.database.as_ref().map(|database| database.digest.as_str()),
            target,
        },
        tool: Tool { driver: Driver { name: &tool.name, version: &tool.version, rules } },
    };
    Log::of(run)
}

/// The rules in the order in which findings first name them, and the place of each.
fn rules<'a>(view: &View<'a>) -> (Vec<Rule<'a>>, HashMap<&'a str, usize>) {
    let mut worst: Vec<(&Vulnerability, Severity)> = Vec::new();
    let mut indexes: HashMap<&str, usize> = HashMap::new();
    for row in &view.rows {
        match indexes.entry(row.vulnerability.id.as_str()) {
            Entry::Vacant(place) => {
                place.insert(worst.len());
                worst.push((row.vulnerability, row.finding.severity));
            }
            Entry::Occupied(place) => {
                let severity = &mut worst[*place.get()].1;
                *severity = row.finding.severity.max(*severity);
            }
        }
    }
    (worst.into_iter().map(|(vulnerability, severity)| rule(vulnerability, severity)).collect(), indexes)
}

fn rule(vulnerability: &Vulnerability, severity: Severity) -> Rule<'_> {
    /// What code scanning of GitHub takes of a text.
    const LONGEST: usize = 1024;
    let title = view::title(vulnerability);
    let description = view::description(vulnerability);
    let mut tags = vec!["security".to_owned(), "vulnerability".to_owned(), severity.as_str().to_owned()];
    if vulnerability.exploited.is_some() {
        tags.push("known-exploited".to_owned());
    }
    // Twenty tags are what code scanning of GitHub takes.
    let weaknesses = vulnerability.cwes.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse::<u32>().ok());
    tags.extend(weaknesses.take(10).map(|number| format!("external/cwe/cwe-{number:03}")));
    Rule {
        id: &vulnerability.id,
        name: "VulnerablePackage".into(),
        short_description: Message::text(view::cut(&title, LONGEST).into_owned()),
        full_description: Message::text(view::cut(&description, LONGEST).into_owned()),
        help_uri: view::address(vulnerability),
        help: Message {
            text: format!("{}: {description}", view::line(&vulnerability.id)),
            markdown: Some(help(vulnerability, &title, severity)),
        },
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            security_severity: security_severity(vulnerability, severity),
            precision: "very-high",
            tags,
        },
    }
}

fn help(vulnerability: &Vulnerability, title: &str, severity: Severity) -> String {
    use std::fmt::Write as _;
    let mut out = format!("**{}** ({severity})\n\n{}\n", markdown::named(vulnerability), markdown::code(title));
    let mut item = |text: String| {
        let _ = write!(out, "\n- {text}");
    };
    for judge in &vulnerability.judgements {
        let score = judge.score.map(|score| format!(" {score:.1}")).unwrap_or_default();
        let vector = judge.vector.as_deref().map(|vector| format!(" {}", markdown::code(vector))).unwrap_or_default();
        item(format!("{} by {}{score}{vector}", judge.severity, markdown::code(&judge.by)));
    }
    if let Some(exploited) = &vulnerability.exploited {
        item(format!("known to be exploited since {}", markdown::code(&exploited.added)));
    }
    if let Some(likelihood) = vulnerability.likelihood {
        item(format!("EPSS {:.2} %", f64::from(likelihood.probability) * 100.0));
    }
    for address in vulnerability.references.iter().filter(|address| view::is_link(address)).take(10) {
        item(format!("<{address}>"));
    }
    out.push('\n');
    out
}

/// A score that code scanning puts into the class of `severity`: one that somebody gave, or one that stands for it.
fn security_severity(vulnerability: &Vulnerability, severity: Severity) -> String {
    let given = view::score(vulnerability, severity).filter(|score| Severity::of_score(f64::from(*score)) == severity);
    let score = given.unwrap_or(log::score_of(severity));
    format!("{score:.1}")
}

fn result<'a>(
    view: &View<'a>,
    row: &FindingRow<'a>,
    rule_index: usize,
    any_suppressed: bool,
) -> SarifResult<'a, ResultProperties<'a>> {
    let FindingRow { finding, package, vulnerability } = *row;
    let facts = &package.facts;
    let message = format!(
        "{} {} has {} ({}): {}. {}.",
        view::line(&facts.name),
        view::line(&facts.version),
        view::line(&vulnerability.id),
        finding.severity,
        view::title(vulnerability).trim_end_matches('.'),
        view::advice(row),
    );
    let suppressions =
        finding.suppressed.iter().map(|suppressed| SarifSuppression::accepted(view::suppression(suppressed)));
    SarifResult {
        rule_id: &vulnerability.id,
        rule_index,
        level: level(finding.severity),
        message: Message::text(plain(&message)),
        locations: [Location {
            physical_location: PhysicalLocation::below_root(
                &package.location,
                Some(Region { start_line: 1, start_column: None }),
            ),
            logical_locations: [LogicalLocation {
                name: &facts.name,
                fully_qualified_name: package.purl.as_str().into(),
                kind: "package",
            }],
        }],
        partial_fingerprints: Fingerprints { finding: Some(finding.id.as_str()), violation: None },
        suppressions: any_suppressed.then(|| suppressions.collect()),
        properties: ResultProperties {
            purl: package.purl.as_str(),
            severity: finding.severity,
            status: finding.status.as_str(),
            installed_version: &facts.version,
            fixed_versions: &finding.fixed_in,
            layer: package.layer,
            layer_diff_id: view.diff_id(package),
            origin: view::origin(package.origin),
            epss: vulnerability.likelihood.map(|likelihood| likelihood.probability),
            known_exploited: vulnerability.exploited.is_some(),
            refused_by_gate: view.verdict().map(|_| view.is_refused(finding)),
        },
    }
}

fn notifications(view: &View<'_>) -> Vec<Notification> {
    let standing = view.standing();
    let mut notifications = Vec::new();
    let mut say = |descriptor: Option<Descriptor>, level, text: &str, path: Option<&str>| {
        let locations = path.map(|path| FileLocation { physical_location: PhysicalLocation::below_root(path, None) });
        let locations = locations.into_iter().collect();
        let message = Message::text(plain(text));
        notifications.push(Notification { descriptor, associated_rule: None, level, message, locations });
    };
    if standing != Standing::Whole {
        say(None, "error", standing.warning(), None);
    }
    for Told { level, code, path, text } in view.told() {
        let level = if level == Level::Incomplete { "error" } else { "note" };
        say(Some(Descriptor { id: code.as_str() }), level, &text, path);
    }
    for unknown in view.report.gate.iter().flat_map(|gate| &gate.unknown) {
        say(None, "error", &format!("the gate cannot tell: {}", view::line(unknown)), None);
    }
    notifications
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_fall_into_the_class_of_the_severity() {
        let judge = |severity, score| sekisho_model::Judgement { by: "nvd".into(), severity, score, vector: None };
        let known = |judgements| Vulnerability { judgements, ..Vulnerability::default() };
        let both = known(vec![judge(Severity::Critical, Some(9.8)), judge(Severity::Low, None)]);
        assert_eq!(security_severity(&both, Severity::Critical), "9.8");
        assert_eq!(security_severity(&both, Severity::Low), "2.0", "the only score would make it critical");
        for severity in Severity::ALL {
            let score: f64 = security_severity(&known(Vec::new()), severity).parse().unwrap();
            let class = Severity::of_score(score);
            assert_eq!(class, if severity == Severity::Negligible { Severity::Low } else { severity });
        }
    }
}
