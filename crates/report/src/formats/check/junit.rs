//! JUnit XML, as CI systems show it: one suite for each subject, in it one case for each policy that says anything of it.
//!
//! A case is a failure where it fails the check, an error where that is not known and would, and skipped where it only
//! warns, is excepted, or nobody asked for what it needs. A subject of which nothing is said has one case, which passes.
//! The suite before all others says whether everything was read and judged, so that a check of nothing, or of half of
//! what was there, is never green. Names of cases do not change with lines or messages, so that a CI system can follow
//! them.
//!
//! The dialect is that of the scan's format.

use crate::check::{self, CheckView, Row, Standing, State};
use crate::formats::Format;
use crate::formats::junit::{Outcome, body, totals};
use crate::markup::Escaped;
use crate::view;
use sekisho_model::{CheckReport, CheckSubject};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "junit",
    media_type: "application/xml",
    extension: "xml",
    title: "JUnit XML, for the test pages of CI systems",
    write: |report, _, to| write(report, to),
};

/// Violations that are listed in one case.
const VIOLATIONS: usize = 50;

fn write(report: &CheckReport, mut to: impl Write) -> io::Result<()> {
    let view = CheckView::new(report);
    let mut of: Vec<Vec<&Row<'_>>> = report.subjects.iter().map(|_| Vec::new()).collect();
    for row in &view.rows {
        of[row.result.subject].push(row);
    }
    let whole = wholeness(&view);
    let outcomes: Vec<Vec<Outcome>> = (of.iter())
        .map(|rows| {
            let outcomes: Vec<Outcome> = rows.iter().map(|row| outcome(report, row)).collect();
            if outcomes.is_empty() { vec![Outcome::Passed] } else { outcomes }
        })
        .collect();
    let time = view::moment(report.observed_at);
    let time = time.trim_end_matches('Z');
    writeln!(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(to, "<testsuites name=\"policies\" {}>", totals(outcomes.iter().flatten().copied().chain([whole])))?;
    let mut names = HashMap::from([("sekisho".to_owned(), 1)]);
    writeln!(to, "  <testsuite name=\"sekisho\" {} timestamp=\"{time}\">", totals(std::iter::once(whole)))?;
    properties(&view, &mut to)?;
    first_case(&view, whole, &mut to)?;
    writeln!(to, "  </testsuite>")?;
    for ((subject, rows), outcomes) in report.subjects.iter().zip(&of).zip(&outcomes) {
        let name = suite(subject, &mut names);
        let totals = totals(outcomes.iter().copied());
        writeln!(to, "  <testsuite name=\"{}\" {totals} timestamp=\"{time}\">", Escaped(&name))?;
        if rows.is_empty() {
            let name = Escaped(&name);
            writeln!(to, "    <testcase classname=\"{name}\" name=\"no policy is violated\" time=\"0\"/>")?;
        }
        let mut seen = HashMap::new();
        for (row, outcome) in rows.iter().zip(outcomes) {
            case(&name, row, *outcome, &mut seen, &mut to)?;
        }
        writeln!(to, "  </testsuite>")?;
    }
    writeln!(to, "</testsuites>")
}

fn outcome(report: &CheckReport, row: &Row<'_>) -> Outcome {
    match row.state {
        State::Fails => Outcome::Failed,
        State::Unknown if !report.gate.allow_incomplete && report.would_fail(row.result) => Outcome::Error,
        State::Unknown | State::Warns | State::Excepted | State::NotEvaluated => Outcome::Skipped,
    }
}

/// What becomes of the case that stands for everything having been read and judged.
fn wholeness(view: &CheckView<'_>) -> Outcome {
    let unread = view.unread().next().is_some();
    match view.standing() {
        Standing::Incomplete if view.report.gate.allow_incomplete => Outcome::Skipped,
        Standing::Incomplete if unread || !view.report.gate.unknown.is_empty() => Outcome::Error,
        // What is not known, and would not fail, has cases of its own.
        Standing::Incomplete | Standing::Empty => Outcome::Skipped,
        Standing::Whole => Outcome::Passed,
    }
}

fn properties(view: &CheckView<'_>, to: &mut impl Write) -> io::Result<()> {
    let tool = &view.report.tool;
    let tool = format!("{} {}", tool.name, tool.version);
    writeln!(to, "    <properties>")?;
    for (name, value) in [
        ("state", view.standing().as_str()),
        ("verdict", view.report.gate.verdict.as_str()),
        ("stage", &view.report.stage),
        ("policies", &view.report.policies.len().to_string()),
        ("tool", tool.trim()),
    ] {
        writeln!(to, "      <property name=\"{name}\" value=\"{}\"/>", Escaped(&view::line(value)))?;
    }
    writeln!(to, "    </properties>")
}

fn first_case(view: &CheckView<'_>, outcome: Outcome, to: &mut impl Write) -> io::Result<()> {
    let mut why = String::new();
    for told in view.unread() {
        let _ = writeln!(why, "{} {}", told.code.as_str(), told.text);
    }
    for unknown in &view.report.gate.unknown {
        let _ = writeln!(why, "{}", view::line(unknown));
    }
    write!(to, "    <testcase classname=\"sekisho\" name=\"everything was read and judged\" time=\"0\"")?;
    body(outcome, "incomplete", view.standing().warning(), &why, to)
}

/// The name of the subject's suite, with a number where others are called the same.
fn suite(subject: &CheckSubject, names: &mut HashMap<String, usize>) -> String {
    let mut name = check::named(subject);
    if !subject.file.is_empty() {
        let _ = write!(name, " ({})", view::line(&subject.file));
    }
    numbered(name, names)
}

/// The name, with a number from its second time on.
fn numbered(mut name: String, names: &mut HashMap<String, usize>) -> String {
    let times = names.entry(name.clone()).or_default();
    *times += 1;
    if *times > 1 {
        let _ = write!(name, " ({times})");
    }
    name
}

fn case(
    suite: &str,
    row: &Row<'_>,
    outcome: Outcome,
    seen: &mut HashMap<String, usize>,
    to: &mut impl Write,
) -> io::Result<()> {
    // Two policies may be called the same.
    let name = numbered(check::titled(row.policy), seen);
    write!(to, "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", Escaped(suite), Escaped(&name))?;
    if !row.subject.file.is_empty() {
        write!(to, " file=\"{}\"", Escaped(&view::line(&row.subject.file)))?;
    }
    let message = match (row.state, &row.result.excluded) {
        (_, Some(excluded)) => check::exclusion(excluded),
        (State::Unknown, _) => format!("not known: {}", row.reasons()),
        (State::NotEvaluated, _) => format!("not evaluated: {}", row.reasons()),
        (State::Warns, _) => format!("violated, and only warns: {}", summary(row)),
        _ => summary(row),
    };
    body(outcome, row.policy.severity.as_str(), &message, &details(row), to)
}

fn summary(row: &Row<'_>) -> String {
    let violations = row.violations();
    let first = violations.first().map(check::message).unwrap_or_default();
    match violations.len() {
        0 | 1 => first,
        several => format!("{first} (and {} more)", several - 1),
    }
}

fn details(row: &Row<'_>) -> String {
    let mut out = String::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name}: {value}");
        }
    };
    add("severity", row.policy.severity.as_str());
    add("where", &check::place(row.subject));
    if row.state == State::Excepted && !row.is_violated() {
        add("not known", &row.reasons());
    }
    if row.is_violated() {
        let violations = row.violations();
        for violation in violations.iter().take(VIOLATIONS) {
            add("violation", &check::message(violation));
            add("  at", &check::at(violation));
            add("  fix", &violation.fix.as_ref().map(|fix| view::line(&fix.text)).unwrap_or_default());
        }
        if violations.len() > VIOLATIONS {
            add("and", &format!("{} more violations", violations.len() - VIOLATIONS));
        }
    }
    add("why", &view::line(&view::cut(&row.policy.rationale, 1000)));
    add("what to do", &view::line(&view::cut(&row.policy.remediation, 1000)));
    out
}
