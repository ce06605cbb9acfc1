//! SARIF 2.1.0 (OASIS), as code scanning of GitHub and others take it.
//!
//! One rule for each policy that was asked, one result for each violation, at its line and column. What is excepted is
//! suppressed. What is not known, and what nobody asked for, are notifications: code scanning shows every result as an
//! alert, whatever its `kind`. What is missing makes `executionSuccessful` false.
//!
//! A `fix` of SARIF replaces a region of a file's text (3.55, 3.57). What a check knows is a change of the object (JSON
//! Patch), which has no region: where the value ends, and how the file is indented, are not in the report. A guess would
//! damage files, so there are no `fixes`; the change stands in the message, and as the property `patch` of the result.

use crate::check::{self, CheckView, Row, Standing, State, rank};
use crate::formats::Format;
use crate::formats::markdown;
use crate::formats::sarif::log::{
    ArtifactLocation, AutomationDetails, BaseId, BaseIds, Configuration, Descriptor, Driver, FileLocation,
    Fingerprints, Invocation, Location, Log, LogicalLocation, Message, Notification, PhysicalLocation, Region, Rule,
    RuleProperties, RuleReference, Run, SarifResult, SarifSuppression, Tool, level, plain, score_of, uri,
};
use crate::view::{self, plural};
use sekisho_model::{
    CheckPolicy, CheckReport, CheckSubject, Level, PatchOperation, PolicySeverity, Shared, Violation, write_json,
};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "sarif",
    media_type: "application/sarif+json",
    extension: "sarif",
    title: "SARIF 2.1.0, for code scanning (GitHub, Azure DevOps, editors)",
    write: |report, _, to| write(report, to),
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties {
    severity: PolicySeverity,
    fails_check: bool,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Shared<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    criterion: Option<Shared<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<Shared<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patch: Vec<PatchOperation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    target: String,
    stage: &'a str,
    state: &'static str,
    verdict: &'static str,
}

fn write(report: &CheckReport, to: impl Write) -> io::Result<()> {
    write_json(&document(&CheckView::new(report)), to)
}

fn document<'a>(view: &CheckView<'a>) -> Log<'a, RunProperties<'a>, ResultProperties> {
    let report = view.report;
    let target = view.target();
    let problems = view.problems(&[State::Fails, State::Warns, State::Excepted]);
    let any_suppressed = problems.iter().any(|(row, ..)| row.state == State::Excepted);
    let (rules, places) = rules(report);
    Log::of(Run {
        automation_details: AutomationDetails { id: format!("{}/policies/", uri(&target)) },
        invocations: [Invocation {
            execution_successful: view.standing() != Standing::Incomplete,
            end_time_utc: view::moment(report.observed_at),
            tool_execution_notifications: notifications(view, &places),
        }],
        original_uri_base_ids: BaseIds {
            root: BaseId { description: Message::text("The directory that the files were named from.".to_owned()) },
        },
        column_kind: "unicodeCodePoints",
        results: (problems.into_iter())
            .map(|(row, violation, id)| result(&row, places[row.result.policy], violation, id, any_suppressed))
            .collect(),
        properties: RunProperties {
            target,
            stage: &report.stage,
            state: view.standing().as_str(),
            verdict: report.gate.verdict.as_str(),
        },
        tool: Tool { driver: Driver { name: &report.tool.name, version: &report.tool.version, rules } },
    })
}

fn id(policy: &CheckPolicy) -> &str {
    if policy.id.is_empty() { "unnamed" } else { &policy.id }
}

/// The rules, and of each policy the place of its own. The schema wants no two that are the same.
fn rules(report: &CheckReport) -> (Vec<Rule<'_>>, Vec<usize>) {
    let mut rules = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let places = report.policies.iter().map(|policy| {
        let rule = rule(policy);
        let text = serde_json::to_string(&rule).unwrap_or_default();
        *known.entry(text).or_insert_with(|| {
            rules.push(rule);
            rules.len() - 1
        })
    });
    let places = places.collect();
    (rules, places)
}

fn rule(policy: &CheckPolicy) -> Rule<'_> {
    /// What code scanning of GitHub takes of a text.
    const LONGEST: usize = 1024;
    let title = view::line(&view::cut(non_empty(&policy.name, id(policy)), LONGEST));
    let description = view::lines(&view::cut(non_empty(&policy.description, &policy.name), LONGEST));
    let severity = policy.severity.as_str();
    let mut tags = vec!["security".to_owned(), "policy".to_owned(), severity.to_owned()];
    // Twenty tags are what code scanning of GitHub takes.
    let more = policy.controls.iter().chain(&policy.categories).filter(|tag| !tag.is_empty()).take(15);
    for tag in more.map(|tag| view::line(&view::cut(tag, 100))) {
        // The schema wants each once.
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Rule {
        id: id(policy),
        name: title.clone().into(),
        short_description: Message::text(title),
        full_description: Message::text(if description.is_empty() { id(policy).to_owned() } else { description }),
        help_uri: None,
        help: help(policy),
        default_configuration: Configuration { level: level(rank(policy.severity)) },
        properties: RuleProperties {
            security_severity: format!("{:.1}", score_of(rank(policy.severity))),
            precision: "high",
            tags,
        },
    }
}

fn non_empty<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.trim().is_empty() { otherwise } else { text }
}

/// What it looks for, why that matters, and what to do.
fn help(policy: &CheckPolicy) -> Message {
    const LONGEST: usize = 3000;
    let mut text = format!("{} ({})", view::line(&policy.name), policy.severity.as_str());
    let mut markdown =
        format!("**{}** ({})\n", markdown::code(non_empty(&policy.name, id(policy))), policy.severity.as_str());
    let controls = policy.controls.join(", ");
    for (name, value) in [
        ("What is looked for", &policy.description),
        ("Why it matters", &policy.rationale),
        ("What to do", &policy.remediation),
        ("Controls", &controls),
    ] {
        let value = view::line(&view::cut(value, LONGEST));
        if !value.is_empty() {
            let _ = write!(text, "\n{name}: {value}");
            let _ = write!(markdown, "\n{name}: {}\n", markdown::code(&value));
        }
    }
    Message { text, markdown: Some(markdown) }
}

fn result<'a>(
    row: &Row<'a>,
    rule_index: usize,
    violation: Violation,
    fingerprint: String,
    any_suppressed: bool,
) -> SarifResult<'a, ResultProperties> {
    let named = check::named(row.subject);
    let mut message = format!("{named}: {}.", check::message(&violation).trim_end_matches('.'));
    if let Some(fix) = &violation.fix {
        let _ = write!(message, " To fix it, {}.", view::line(&fix.text));
    }
    let suppressions = row.result.excluded.iter().map(|it| SarifSuppression::accepted(check::exclusion(it)));
    SarifResult {
        rule_id: id(row.policy),
        rule_index,
        level: level(rank(row.policy.severity)),
        message: Message::text(plain(&message)),
        locations: [Location {
            physical_location: physical_location(row.subject, violation.line, violation.column),
            logical_locations: [LogicalLocation {
                name: &row.subject.title,
                fully_qualified_name: full_name(row.subject).into(),
                kind: "resource",
            }],
        }],
        partial_fingerprints: Fingerprints { finding: None, violation: Some(fingerprint) },
        suppressions: any_suppressed.then(|| suppressions.collect()),
        properties: ResultProperties {
            severity: row.policy.severity,
            fails_check: row.state == State::Fails,
            subject: named,
            path: some(violation.path),
            criterion: some(violation.criterion),
            container: violation.container,
            patch: violation.fix.map(|fix| fix.patch.clone()).unwrap_or_default(),
        },
    }
}

fn some(text: Shared<str>) -> Option<Shared<str>> {
    Some(text).filter(|text| !text.is_empty())
}

/// `shop/Deployment/web`
fn full_name(subject: &CheckSubject) -> String {
    if subject.namespace.is_empty() {
        subject.title.clone()
    } else {
        format!("{}/{}", subject.namespace, subject.title)
    }
}

/// A place in the subject's file, or in what stands for the file of an image: code scanning wants one, with a line.
fn physical_location(subject: &CheckSubject, line: u32, column: u32) -> PhysicalLocation {
    let path = if subject.file.is_empty() { &subject.title } else { &subject.file };
    let start_line = if line == 0 { subject.line.max(1) } else { line };
    let start_column = (line > 0 && column > 0).then_some(column);
    file(path, Some(Region { start_line, start_column }))
}

/// The file as it was named: from the top of the file system, or from where the program ran.
fn file(path: &str, region: Option<Region>) -> PhysicalLocation {
    if path.starts_with('/') {
        let uri = format!("file:///{}", uri(path));
        return PhysicalLocation { artifact_location: ArtifactLocation { uri, uri_base_id: None }, region };
    }
    PhysicalLocation::below_root(path.strip_prefix("./").unwrap_or(path), region)
}

fn notifications(view: &CheckView<'_>, places: &[usize]) -> Vec<Notification> {
    let notice = |level, text: &str| Notification {
        descriptor: None,
        associated_rule: None,
        level,
        message: Message::text(plain(text)),
        locations: Vec::new(),
    };
    let rule = |row: &Row<'_>| Some(RuleReference { id: id(row.policy).to_owned(), index: places[row.result.policy] });
    let mut all = Vec::new();
    match view.standing() {
        Standing::Whole => {}
        Standing::Incomplete => all.push(notice("error", Standing::Incomplete.warning())),
        Standing::Empty => all.push(notice("warning", Standing::Empty.warning())),
    }
    for told in view.told() {
        let level = if told.level == Level::Incomplete { "error" } else { "note" };
        let locations = told.path.map(|path| FileLocation { physical_location: file(path, None) });
        all.push(Notification {
            descriptor: Some(Descriptor { id: told.code.as_str() }),
            locations: locations.into_iter().collect(),
            ..notice(level, &told.text)
        });
    }
    for row in view.of(&[State::Unknown, State::Excepted]).filter(|row| !row.is_violated()) {
        let (level, is) = match &row.result.excluded {
            None => ("error", "not known".to_owned()),
            Some(excluded) => ("note", format!("not known, and {}", check::exclusion(excluded))),
        };
        let text = format!("{}: {is}: {}", check::named(row.subject), row.reasons());
        let location = FileLocation { physical_location: physical_location(row.subject, 0, 0) };
        all.push(Notification { associated_rule: rule(row), locations: vec![location], ..notice(level, &text) });
    }
    for (_, rows) in view.by_policy(&[State::NotEvaluated]) {
        let text = format!("not evaluated for {}: {}", plural(rows.len(), "subject"), rows[0].reasons());
        all.push(Notification { associated_rule: rule(&rows[0]), ..notice("note", &text) });
    }
    if let Some(hint) = check::to_ask_for(view) {
        all.push(notice("note", hint));
    }
    all
}
