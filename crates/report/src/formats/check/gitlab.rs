//! The Code Quality report of GitLab (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).
//!
//! Of GitLab's reports this is the one for what is wrong in a line of a file: the merge request shows it beside the line,
//! in every edition and without a scanner that GitLab has to know, and it compares the two branches. Its security reports
//! are for vulnerabilities, each with an identifier that is known elsewhere; a policy of one's own has none.
//!
//! The format is a list and has no place for anything else. So what is missing is an entry of its own, and what is
//! excepted, for which there is no mark, is left out: a merge request would show it as getting worse. What nobody asked
//! for is left out too; it is no fault of the code. Entries without a file, such as those of images, lie in the place
//! that they are called by, since one is required.

use crate::check::{self, CheckView, Standing, State};
use crate::formats::Format;
use crate::view;
use sekisho_model::{CheckPolicy, CheckReport, CheckSubject, PolicySeverity, write_json};
use serde::Serialize;
use std::io::{self, Write};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "gitlab",
    media_type: "application/json",
    extension: "json",
    title: "Code Quality report of GitLab, for merge requests",
    write: |report, _, to| write(report, to),
};

#[derive(Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

fn write(report: &CheckReport, to: impl Write) -> io::Result<()> {
    write_json(&entries(&CheckView::new(report)), to)
}

fn entries(view: &CheckView<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let standing = view.standing();
    let missing = |text: String, path: &str| Entry {
        fingerprint: check::fingerprint(&[standing.as_str(), &text, path]),
        description: capped(&text),
        check_name: format!("sekisho.{}", standing.as_str()),
        severity: if standing == Standing::Empty { "info" } else { "major" },
        location: Location { path: file(path), lines: Lines { begin: 1 } },
    };
    if standing != Standing::Whole {
        entries.push(missing(standing.warning().to_owned(), ""));
        entries.extend(
            view.unread().map(|told| missing(format!("{} {}", told.code, told.text), told.path.unwrap_or_default())),
        );
    }
    for row in view.of(&[State::Unknown]) {
        let what = format!("{}: not known: {}: {}", check::named(row.subject), row.policy.name, row.reasons());
        entries.push(Entry {
            fingerprint: check::fingerprint(&[
                "unknown",
                &row.policy.id,
                &row.subject.file,
                &check::named(row.subject),
            ]),
            description: capped(&view::line(&what)),
            check_name: check_name(row.policy),
            severity: severity(row.policy.severity),
            location: location(row.subject, 0),
        });
    }
    for (row, violation, id) in view.problems(&[State::Fails, State::Warns]) {
        let mut what = format!("{}: {}", check::named(row.subject), check::message(&violation));
        if let Some(fix) = &violation.fix {
            what = format!("{}. To fix it, {}", what.trim_end_matches('.'), view::line(&fix.text));
        }
        entries.push(Entry {
            description: capped(&what),
            check_name: check_name(row.policy),
            fingerprint: id,
            severity: severity(row.policy.severity),
            location: location(row.subject, violation.line),
        });
    }
    entries
}

/// What the policy is known by.
fn check_name(policy: &CheckPolicy) -> String {
    let id = if policy.id.is_empty() { "unnamed" } else { &policy.id };
    view::line(&view::cut(id, 200))
}

fn capped(text: &str) -> String {
    const LONGEST: usize = 2000;
    view::cut(text, LONGEST).into_owned()
}

fn severity(severity: PolicySeverity) -> &'static str {
    match severity {
        PolicySeverity::Low => "minor",
        PolicySeverity::Medium => "major",
        PolicySeverity::High => "critical",
        PolicySeverity::Critical => "blocker",
    }
}

fn location(subject: &CheckSubject, line: u32) -> Location {
    let line = if line == 0 { subject.line } else { line };
    let path = if subject.file.is_empty() { &subject.title } else { &subject.file };
    Location { path: file(path), lines: Lines { begin: line.max(1) } }
}

/// A path as GitLab has them: from the top of the repository, without a dot before it.
fn file(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.is_empty() { ".".to_owned() } else { path.to_owned() }
}
