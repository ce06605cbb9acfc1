//! CSV (RFC 4180) with a header, for spreadsheets.
//!
//! One row for each violation, and one for each result that is not known or that nobody asked for. The first column says
//! what a row is; what is missing has rows of its own before all others, `incomplete` or `nothing_checked`, with the
//! reason as message, since the format has no other place for it.

use crate::check::{self, CheckView, Row, Standing, State};
use crate::formats::Format;
use crate::formats::csv::harmless;
use crate::view;
use sekisho_model::{CheckReport, SubjectKind, Violation};
use std::io::{self, Write};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "csv",
    media_type: "text/csv; charset=utf-8; header=present",
    extension: "csv",
    title: "CSV with a header, for spreadsheets",
    write: |report, _, to| write(report, to),
};

const HEADER: [&str; 21] = [
    "record",
    "severity",
    "policy",
    "policy_name",
    "enforced",
    "subject",
    "subject_kind",
    "api_version",
    "namespace",
    "file",
    "line",
    "column",
    "path",
    "container",
    "criterion",
    "message",
    "fix",
    "excepted",
    "remediation",
    "categories",
    "controls",
];

/// Where `message` stands.
const MESSAGE: usize = 15;

type Cells = [String; HEADER.len()];

fn write(report: &CheckReport, to: impl Write) -> io::Result<()> {
    let view = CheckView::new(report);
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    let mut put = |cells: Cells| out.write_record(cells.map(harmless));
    put(HEADER.map(str::to_owned))?;
    let standing = view.standing();
    if standing != Standing::Whole {
        let reasons = view.unread().map(|told| format!("{} {}", told.code.as_str(), told.text));
        for reason in std::iter::once(standing.warning().to_owned()).chain(reasons) {
            let mut cells = Cells::default();
            standing.as_str().clone_into(&mut cells[0]);
            cells[MESSAGE] = reason;
            put(cells)?;
        }
    }
    for row in &view.rows {
        if row.is_violated() {
            for violation in row.violations().iter() {
                put(cells(row, violation))?;
            }
        } else {
            put(cells(row, &Violation { message: row.result.reasons.join("; ").into(), ..Violation::default() }))?;
        }
    }
    out.flush()
}

fn cells(row: &Row<'_>, violation: &Violation) -> Cells {
    let Row { result, policy, subject, state } = row;
    let number = |own: u32, else_: u32| match (own, else_) {
        (0, 0) => String::new(),
        (0, number) | (number, _) => number.to_string(),
    };
    [
        match state {
            State::Fails | State::Warns => "violation",
            State::Unknown | State::Excepted | State::NotEvaluated => state.as_str(),
        }
        .to_owned(),
        policy.severity.as_str().to_owned(),
        short(&policy.id),
        short(&policy.name),
        policy.enforced.to_string(),
        view::line(&subject.title),
        match subject.kind {
            SubjectKind::Workload => "workload",
            SubjectKind::Object => "object",
            SubjectKind::Image => "image",
        }
        .to_owned(),
        view::line(&subject.api_version),
        view::line(&subject.namespace),
        view::line(&subject.file),
        number(violation.line, subject.line),
        number(violation.column, 0),
        view::line(&violation.path),
        view::line(violation.container.as_deref().unwrap_or_default()),
        view::line(&violation.criterion),
        check::message(violation),
        violation.fix.as_ref().map(|fix| view::line(&fix.text)).unwrap_or_default(),
        result.excluded.as_deref().map(check::exclusion).unwrap_or_default(),
        short(&policy.remediation),
        short(&policy.categories.join(", ")),
        short(&policy.controls.join(", ")),
    ]
}

/// A text of a policy, which stands in each of its rows.
fn short(text: &str) -> String {
    const LONGEST: usize = 1000;
    view::line(&view::cut(text, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_stands_below_message() {
        assert_eq!(HEADER[MESSAGE], "message");
    }
}
