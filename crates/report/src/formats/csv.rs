//! CSV (RFC 4180) with a header, for spreadsheets.
//!
//! One row for each finding. The first column says what a row is: what is missing has rows of its own before the
//! findings, `not_scanned` or `incomplete`, with the reason as title, since the format has no other place for it; a
//! file without them is whole. A cell that a spreadsheet would take for a formula has a quote before it.

use super::Format;
use crate::view::{self, Standing, View};
use sekisho_model::{FindingRow, Level, ScanReport, SuppressionKind};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "csv",
    media_type: "text/csv; charset=utf-8; header=present",
    extension: "csv",
    title: "CSV with a header, for spreadsheets",
    write: |report, _, to| write_csv(report, to),
};

const HEADER: [&str; 27] = [
    "record",
    "target",
    "severity",
    "vulnerability",
    "package",
    "version",
    "fixed_in",
    "status",
    "ecosystem",
    "purl",
    "found_in",
    "layer",
    "origin",
    "score",
    "vector",
    "epss",
    "epss_percentile",
    "known_exploited_since",
    "ransomware",
    "gate",
    "suppressed",
    "suppressed_reason",
    "aliases",
    "published",
    "title",
    "url",
    "finding_id",
];

/// Writes the report as CSV with a header.
pub fn write_csv(report: &ScanReport, to: impl Write) -> io::Result<()> {
    let view = View::new(report);
    let target = view.target();
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    out.write_record(HEADER)?;
    let standing = view.standing();
    if standing != Standing::Whole {
        let told = view.told().into_iter().filter(|told| told.level == Level::Incomplete);
        let reasons = told.map(|told| format!("{} {}", told.code.as_str(), told.text));
        for reason in [standing.warning().to_owned()].into_iter().chain(reasons) {
            let mut cells: [String; HEADER.len()] = Default::default();
            let [record, of, ..] = &mut cells;
            standing.as_str().clone_into(record);
            of.clone_from(&target);
            cells[24] = reason;
            write(&mut out, cells)?;
        }
    }
    for row in &view.rows {
        write(&mut out, cells(&view, &target, row))?;
    }
    out.flush()
}

fn write(out: &mut csv::Writer<impl Write>, cells: [String; HEADER.len()]) -> io::Result<()> {
    Ok(out.write_record(cells.map(harmless))?)
}

fn cells(view: &View<'_>, target: &str, row: &FindingRow<'_>) -> [String; HEADER.len()] {
    let FindingRow { finding, package, vulnerability } = row;
    let facts = &package.facts;
    let number = |number: f32| format!("{number}");
    // Of one judge, so that they belong together.
    let score = view::score(vulnerability, finding.severity);
    let judge = vulnerability.judgements.iter().find(|judge| judge.score.is_some() && judge.score == score);
    let suppressed = finding.suppressed.as_ref();
    let exploited = vulnerability.exploited.as_ref();
    [
        "finding".to_owned(),
        target.to_owned(),
        finding.severity.to_string(),
        view::line(&vulnerability.id),
        view::line(&facts.name),
        view::line(&facts.version),
        view::fixed_in(finding, ", "),
        finding.status.as_str().to_owned(),
        view::ecosystem(package).to_owned(),
        package.purl.to_string(),
        view::line(&package.location),
        package.layer.map(|layer| layer.to_string()).unwrap_or_default(),
        view::origin(package.origin).to_owned(),
        score.map(|score| format!("{score:.1}")).unwrap_or_default(),
        judge.and_then(|judge| judge.vector.as_deref()).map(view::line).unwrap_or_default(),
        vulnerability.likelihood.map(|likelihood| number(likelihood.probability)).unwrap_or_default(),
        vulnerability.likelihood.map(|likelihood| number(likelihood.percentile)).unwrap_or_default(),
        exploited.map(|exploited| view::line(&exploited.added)).unwrap_or_default(),
        exploited.map(|exploited| exploited.ransomware.to_string()).unwrap_or_default(),
        match view.verdict() {
            Some(_) if suppressed.is_none() && view.is_refused(finding) => "refused".to_owned(),
            Some(_) if suppressed.is_none() => "passed".to_owned(),
            _ => String::new(),
        },
        suppressed
            .map(|suppressed| match suppressed.kind {
                SuppressionKind::Vex => "vex".to_owned(),
                SuppressionKind::Exception => "exception".to_owned(),
            })
            .unwrap_or_default(),
        suppressed.map(view::suppression).unwrap_or_default(),
        view::line(&vulnerability.aliases.join(", ")),
        vulnerability.published.map(view::moment).unwrap_or_default(),
        view::title(vulnerability),
        view::address(vulnerability).map(std::borrow::Cow::into_owned).unwrap_or_default(),
        finding.id.as_str().to_owned(),
    ]
}

/// A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"); full-width signs count as well where East
/// Asian languages are written.
pub(super) fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for formula in ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
        for text in ["", "a=b", "1.0-r1", "'=x"] {
            assert_eq!(harmless(text.to_owned()), text);
        }
    }

    #[test]
    fn the_reason_stands_below_title() {
        assert_eq!(HEADER[24], "title");
    }
}
