//! Markdown for a comment on a pull request (GitHub, GitLab): the verdict, what to do by policy, and the violations folded
//! away.
//!
//! Every text of a stranger, and those of policies are no other, is a code span; see the scan's format. The whole stays
//! below what GitHub takes; what is left out is counted.

use crate::check::{self, CheckView, Row, Standing, State};
use crate::formats::Format;
use crate::formats::markdown::{capital, cell, code, folded, reasons};
use crate::table::line;
use crate::view::{self, plural};
use sekisho_model::{CheckReport, Severity, Verdict, Violation};
use std::collections::BTreeSet;

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "markdown",
    media_type: "text/markdown; charset=utf-8",
    extension: "md",
    title: "Markdown, for a comment on a pull request",
    write: |report, _, to| std::io::Write::write_all(to, document(&CheckView::new(report)).as_bytes()),
};

/// Policies whose remediation is shown.
const POLICIES: usize = 12;

/// A violation and what it is of.
type Wrong<'a> = (Row<'a>, Violation);

fn document(view: &CheckView<'_>) -> String {
    let mut out = String::new();
    line!(out, "### {}", verdict(view));
    missing(&mut out, view);
    if view.violated().next().is_some() {
        counts(&mut out, view);
        policies(&mut out, view);
    }
    let mut all: Vec<Wrong<'_>> = Vec::new();
    for row in view.violated() {
        all.extend(row.violations().iter().map(|violation| (*row, violation.clone())));
    }
    violations(&mut out, &all);
    others(&mut out, view);
    out.push('\n');
    let tool = &view.report.tool;
    let name = format!("{} {}", tool.name, tool.version);
    let moment = view::moment(view.report.observed_at);
    let asked = plural(view.report.policies.len(), "policy");
    line!(out, "<sub>{}, {asked}, {moment}</sub>", code(&view::cut(name.trim(), 100)));
    out
}

fn verdict(view: &CheckView<'_>) -> String {
    let target = code(&view::cut(&view.target(), 200));
    let fails = view.count(State::Fails);
    let warns = match view.count(State::Warns) {
        0 => String::new(),
        count => format!(", {} that only {}", plural(count, "violation"), if count == 1 { "warns" } else { "warn" }),
    };
    let unsure = if view.standing() == Standing::Incomplete { ", with an incomplete result" } else { "" };
    match (view.report.gate.verdict, view.standing()) {
        (Verdict::Refused, _) => {
            format!("❌ Refused: {target} has {} that may not pass{warns}", plural(fails, "violation"))
        }
        (Verdict::Unknown, _) => format!("⚠️ The gate cannot tell about {target}{warns}"),
        (Verdict::Passed, Standing::Empty) => "⚠️ Nothing was checked".to_owned(),
        (Verdict::Passed, _) => format!("✅ Passed: {target}{warns}{unsure}"),
    }
}

fn missing(out: &mut String, view: &CheckView<'_>) {
    if view.standing() == Standing::Whole {
        return;
    }
    line!(out, "\n> [!WARNING]\n> **{}**\n>", capital(view.standing().warning()));
    // What the gate does not know has what was not read among it.
    let unread: BTreeSet<String> = view.unread().map(|told| told.text).collect();
    let unknown = view.report.gate.unknown.iter().map(|why| view::line(why)).filter(|why| !unread.contains(why));
    let told = view.unread().map(|told| format!("`{}` {}", told.code.as_str(), code(&view::cut(&told.text, 300))));
    let all: Vec<String> = unknown.map(|why| code(&view::cut(&why, 300))).chain(told).collect();
    reasons(out, &all);
}

fn counts(out: &mut String, view: &CheckView<'_>) {
    line!(out, "\n| | Critical | High | Medium | Low | All |\n|---|--:|--:|--:|--:|--:|");
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    for (name, states) in
        [("May not pass", &[State::Fails] as &'static [State]), ("Only warn", &[State::Warns] as &'static [State])]
    {
        let counts = view::count(view.of(states).map(|row| check::rank(row.policy.severity)));
        let cells = severities.map(|severity| counts[severity as usize].to_string());
        line!(out, "| {name} | {} | {} |", cells.join(" | "), counts.iter().sum::<usize>());
    }
}

fn policies(out: &mut String, view: &CheckView<'_>) {
    let policies = view.by_policy(&[State::Fails, State::Warns]);
    line!(out, "\n#### What to do\n\n| Severity | Policy | Subjects | What to do |\n|---|---|--:|---|");
    for (policy, rows) in policies.iter().take(POLICIES) {
        line!(
            out,
            "| {} | {} | {} | {} |",
            policy.severity.as_str(),
            cell(&view::cut(&check::titled(policy), 200)),
            rows.len(),
            cell(&view::cut(&policy.remediation, 400)),
        );
    }
    if policies.len() > POLICIES {
        let more = policies.len() - POLICIES;
        line!(out, "\nAnd {} more.", plural(more, "policy"));
    }
}

fn violations(out: &mut String, all: &[Wrong<'_>]) {
    if all.is_empty() {
        return;
    }
    let header = "| Severity | Policy | Subject | What is wrong | Gate |\n|---|---|---|---|---|";
    folded(out, &plural(all.len(), "violation"), header, all, |(row, violation)| {
        let place = check::exact_place(row.subject, violation);
        let mut what = cell(&view::cut(&check::message(violation), 300));
        if let Some(fix) = &violation.fix {
            what = format!("{what}<br>Fix: {}", cell(&view::cut(&fix.text, 300)));
        }
        let place = if place.is_empty() { place } else { format!("<br>{}", cell(&view::cut(&place, 200))) };
        format!(
            "| {} | {} | {}{place} | {what} | {} |",
            row.policy.severity.as_str(),
            cell(&view::cut(&row.policy.id, 80)),
            cell(&view::cut(&check::named(row.subject), 120)),
            row.state.as_str(),
        )
    });
}

/// What is excepted, not known, or not evaluated.
fn others(out: &mut String, view: &CheckView<'_>) {
    let rows: Vec<&Row<'_>> = view.of(&[State::Unknown, State::Excepted]).collect();
    if !rows.is_empty() {
        let summary = format!("{} excepted, {} not known", view.count(State::Excepted), view.count(State::Unknown));
        folded(out, &summary, "| | Policy | Subject | Why |\n|---|---|---|---|", &rows, |row| {
            let why = row.result.excluded.as_deref().map_or_else(|| row.reasons(), check::exclusion);
            format!(
                "| {} | {} | {} | {} |",
                row.state.as_str(),
                cell(&view::cut(&row.policy.id, 80)),
                cell(&view::cut(&check::named(row.subject), 120)),
                cell(&view::cut(&why, 300)),
            )
        });
    }
    let policies = view.by_policy(&[State::NotEvaluated]);
    if !policies.is_empty() {
        let summary = format!("{} not evaluated", plural(policies.len(), "policy"));
        folded(out, &summary, "| Policy | Subjects | Why |\n|---|--:|---|", &policies, |(policy, rows)| {
            let why = rows.first().map(Row::reasons).unwrap_or_default();
            let id = cell(&view::cut(&policy.id, 80));
            format!("| {id} | {} | {} |", rows.len(), cell(&view::cut(&why, 200)))
        });
        if let Some(hint) = check::to_ask_for(view) {
            line!(out, "\n{}.", capital(hint).replace("--images", "`--images`"));
        }
    }
}
