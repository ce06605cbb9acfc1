//! Vulnerabilities for people: what was found, what is suppressed, and what the gate says.

use crate::advice;
use crate::sheet::{Sheet, folded, spare, whole};
use crate::table::{
    ALARM, HEADING, TableOptions, WARNING, cell, counted, heading, layer_cell, line, name_cell, origin,
};
use crate::text::printable;
use crate::view::{self, View, score};
use anstyle::{AnsiColor, Style};
use sekisho_model::{
    FindingRow, FindingStatus, Gate, GateResult, Level, ScanReport, ScanState, Severity, Suppression, SuppressionKind,
    Verdict, Vulnerability,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The tables of findings.
pub(crate) fn sections(out: &mut String, report: &ScanReport, options: TableOptions) {
    let (suppressed, counted): (Vec<FindingRow<'_>>, Vec<_>) =
        report.rows().into_iter().partition(|row| row.finding.suppressed.is_some());
    if !counted.is_empty() {
        heading(out, &format!("Vulnerabilities ({})", counted.len()));
        findings(out, &counted, report.inventory.image.is_some(), options);
    }
    if !suppressed.is_empty() {
        heading(out, &format!("Suppressed ({})", suppressed.len()));
        excused(out, &suppressed, options);
    }
    upgrades(out, report, options);
}

/// What to do about them.
fn upgrades(out: &mut String, report: &ScanReport, options: TableOptions) {
    const MOST: usize = 10;
    let view = View::new(report);
    let upgrades = advice::upgrades(&view);
    if upgrades.is_empty() {
        return;
    }
    heading(out, &format!("Upgrades ({})", upgrades.len()));
    let mut columns = vec![folded("PACKAGE"), folded("INSTALLED"), folded("UPGRADE TO"), folded("REMOVES")];
    let with_layers = report.inventory.image.is_some();
    if with_layers {
        columns.push(spare("ORIGIN", 1));
    }
    let mut sheet = Sheet::new(columns);
    for upgrade in upgrades.iter().take(MOST) {
        let installed: Vec<String> = upgrade.installed.iter().map(|version| cell(version)).collect();
        let exploited = match upgrade.exploited {
            0 => String::new(),
            count => format!(", {count} known to be exploited"),
        };
        let removes = format!("{}{exploited}", view::counted(upgrade.counts));
        // Who looks for the package that a finding names must see it under the source that is upgraded.
        let packages: Vec<String> = upgrade.packages.iter().take(2).map(|name| cell(name)).collect();
        let name = match upgrade.packages.len() {
            1 if upgrade.packages.contains(upgrade.name) => cell(upgrade.name),
            1 | 2 => format!("{} ({})", cell(upgrade.name), packages.join(", ")),
            many => format!("{} ({} and {} more)", cell(upgrade.name), packages[0], many - 1),
        };
        let mut row = vec![name, installed.join(", "), cell(upgrade.to), removes];
        if with_layers {
            row.push(origin(upgrade.origin).to_owned());
        }
        sheet.row(row);
    }
    sheet.print(out, options);
    if upgrades.len() > MOST {
        line!(out, " and {} more, of which the JSON has all", upgrades.len() - MOST);
    }
}

fn findings(out: &mut String, rows: &[FindingRow<'_>], with_layers: bool, options: TableOptions) {
    let mut columns = vec![
        whole("SEVERITY"),
        whole("VULNERABILITY"),
        spare("SINCE", 3),
        folded("PACKAGE"),
        folded("VERSION"),
        folded("FIXED IN"),
        spare("RISK", 1),
        spare("FOUND IN", 4),
        spare("TITLE", 5),
    ];
    if with_layers {
        columns.insert(7, spare("LAYER", 2));
    }
    let mut sheet = Sheet::new(columns);
    for FindingRow { finding, package, vulnerability } in rows {
        let score = score(vulnerability, finding.severity).map(|score| format!(" {score:.1}")).unwrap_or_default();
        let mut row = vec![
            format!("{}{score}", finding.severity),
            cell(&vulnerability.id),
            vulnerability.published.map(|published| published.strftime("%Y-%m-%d").to_string()).unwrap_or_default(),
            name_cell(package),
            cell(&package.facts.version),
            remedy(&finding.fixed_in, finding.status),
            risk(vulnerability),
            cell(&package.location),
            short(&vulnerability.title),
        ];
        if with_layers {
            row.insert(7, layer_cell(package));
        }
        sheet.row(row);
    }
    by_severity(sheet, out, options);
}

/// Prints a table whose first column is the severity, which it colours.
pub(crate) fn by_severity(sheet: Sheet, out: &mut String, options: TableOptions) {
    sheet.print_with(out, options, |out, text| {
        // The table counts characters, so that colour comes when it is laid out.
        let word = text.trim_start().split(' ').next().unwrap_or_default();
        let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
        let style = severity.map(style).unwrap_or_default();
        let (margin, rest) = text.split_at(text.len() - text.trim_start().len());
        let rest = rest.strip_prefix(word).unwrap_or_default();
        line!(out, "{margin}{style}{word}{style:#}{rest}");
    });
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => ALARM,
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => WARNING,
        Severity::Low | Severity::Negligible | Severity::Unknown => Style::new(),
    }
}

/// What can be done: the versions without it, or why there is none.
pub(crate) fn remedy(fixed_in: &[String], status: FindingStatus) -> String {
    if !fixed_in.is_empty() {
        return cell(&fixed_in.join(", "));
    }
    match status {
        FindingStatus::Fixed => "yes",
        FindingStatus::Affected => "none yet",
        FindingStatus::FixDeferred => "deferred",
        FindingStatus::WillNotFix => "will not fix",
        FindingStatus::EndOfLife => "end of life",
        FindingStatus::UnderInvestigation => "investigated",
    }
    .to_owned()
}

/// Whether it is exploited, and how likely it is to be.
fn risk(vulnerability: &Vulnerability) -> String {
    let exploited = vulnerability.exploited.as_ref().map(|exploited| {
        if exploited.ransomware { "exploited (ransomware)".to_owned() } else { "exploited".to_owned() }
    });
    let likely = vulnerability.likelihood.map(|likelihood| format!("EPSS {:.1} %", likelihood.probability * 100.0));
    exploited.into_iter().chain(likely).collect::<Vec<_>>().join(", ")
}

/// A title for one cell.
pub(crate) fn short(title: &str) -> String {
    const LONGEST: usize = 80;
    let one_line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => printable(&one_line[..end]) + "…",
        None => printable(&one_line),
    }
}

fn excused(out: &mut String, rows: &[FindingRow<'_>], options: TableOptions) {
    let mut sheet = Sheet::new([
        whole("SEVERITY"),
        whole("VULNERABILITY"),
        folded("PACKAGE"),
        spare("VERSION", 2),
        folded("BY"),
        whole("UNTIL"),
        spare("WHY", 1),
    ]);
    for FindingRow { finding, package, vulnerability } in rows {
        let Some(Suppression { kind, source, status, reason, owner, until }) = &finding.suppressed else { continue };
        let kind = match kind {
            SuppressionKind::Vex => "VEX",
            SuppressionKind::Exception => "exception",
        };
        let by = match owner {
            Some(owner) => format!("{kind} of {owner} ({source})"),
            None => format!("{kind} ({source})"),
        };
        let why = match status {
            Some(status) if reason.is_empty() => status.clone(),
            Some(status) => format!("{status}: {reason}"),
            None => reason.clone(),
        };
        sheet.row([
            finding.severity.to_string(),
            cell(&vulnerability.id),
            cell(&package.facts.name),
            cell(&package.facts.version),
            cell(&by),
            until.map(|until| until.to_string()).unwrap_or_default(),
            short(&why),
        ]);
    }
    sheet.print(out, options);
}

/// How many there are, in a line; and why it is not the whole.
pub(crate) fn summary(out: &mut String, report: &ScanReport) {
    let assessment = &report.assessment;
    if assessment.state == ScanState::NotEvaluated {
        return;
    }
    if assessment.state == ScanState::NotScanned {
        let why = assessment.diagnostics.iter().filter(|told| told.level == Level::Incomplete);
        let why: Vec<String> = why.map(|why| format!("{}; {}", printable(&why.message), why.code.hint())).collect();
        line!(out, "{ALARM}vulnerabilities not scanned{ALARM:#}: {}", why.join("; "));
        return;
    }
    line!(out, "{HEADING}{}{HEADING:#}", in_a_line(report));
    for told in &assessment.diagnostics {
        let text = printable(&told.to_string());
        match told.level {
            Level::Incomplete => line!(out, "{ALARM}not judged{ALARM:#}: {text}"),
            Level::Note => line!(out, "{WARNING}note{WARNING:#}: {text}"),
        }
    }
    if let Some(database) = assessment.database.as_ref().filter(|database| !database.stale.is_empty()) {
        let feeds = printable(&database.stale.join(", "));
        line!(out, "{WARNING}out of date{WARNING:#}: {feeds}; what was published since is not found");
    }
}

/// `3 vulnerabilities in 2 packages: 1 critical, 2 high; 2 can be fixed`.
pub fn in_a_line(report: &ScanReport) -> String {
    let rows = report.rows();
    let open: Vec<&FindingRow<'_>> = rows.iter().filter(|row| row.finding.suppressed.is_none()).collect();
    let packages: BTreeSet<_> = open.iter().map(|row| &row.package.id).collect();
    let whole = report.assessment.state == ScanState::Scanned && report.inventory.complete;
    let mut text = match open.len() {
        0 if whole => "no known vulnerabilities".to_owned(),
        0 => "no known vulnerabilities in what could be read and judged".to_owned(),
        1 => "1 vulnerability".to_owned(),
        several => format!("{several} vulnerabilities"),
    };
    if !open.is_empty() {
        let _ = write!(text, " in {}", counted(packages.len(), "package"));
        let of = |severity: Severity| open.iter().filter(|row| row.finding.severity == severity).count();
        let severities = Severity::ALL.into_iter().rev().map(|severity| (of(severity), severity));
        let parts: Vec<String> =
            severities.filter(|(count, _)| *count > 0).map(|(count, severity)| format!("{count} {severity}")).collect();
        let _ = write!(text, ": {}", parts.join(", "));
        let fixable = open.iter().filter(|row| row.finding.status == FindingStatus::Fixed).count();
        let _ = write!(text, "; {fixable} can be fixed");
        let exploited = open.iter().filter(|row| row.vulnerability.exploited.is_some()).count();
        if exploited > 0 {
            let _ = write!(text, "; {exploited} known to be exploited");
        }
    }
    let suppressed = rows.len() - open.len();
    if suppressed > 0 {
        let _ = write!(text, "; {suppressed} suppressed");
    }
    text
}

/// What the gate says, with what it asks and why, in plain lines.
pub fn gate_lines(result: &GateResult) -> Vec<String> {
    let asked = conditions(&result.gate, result.refused.len() > 1);
    match result.verdict {
        Verdict::Passed => vec![format!("gate passed: no finding{asked}")],
        Verdict::Refused => {
            let findings = counted(result.refused.len(), "finding");
            std::iter::once(format!("gate refused: {findings}{asked}"))
                .chain(result.unknown.iter().map(|unknown| format!("gate: moreover, {unknown}")))
                .collect()
        }
        Verdict::Unknown => result.unknown.iter().map(|why| format!("gate unknown: {why}")).collect(),
    }
}

/// ` that is high or worse, can be fixed and is not in base.tar`.
fn conditions(gate: &Gate, several: bool) -> String {
    let be = if several { "are" } else { "is" };
    let mut clauses = Vec::new();
    match gate.fail_on {
        Some(Severity::Critical) => clauses.push(format!("{be} critical")),
        Some(Severity::Unknown) | None => {}
        Some(least) => clauses.push(format!("{be} {least} or worse")),
    }
    if gate.ignore_unfixed {
        clauses.push("can be fixed".to_owned());
    }
    if gate.only_kev {
        clauses.push(format!("{be} known to be exploited"));
    }
    if let Some(above) = gate.epss_above {
        clauses.push(format!("{} an EPSS above {above}", if several { "have" } else { "has" }));
    }
    if let Some(baseline) = &gate.new_since {
        clauses.push(format!("{be} not in {}", printable(baseline)));
    }
    match clauses.pop() {
        None => String::new(),
        Some(last) if clauses.is_empty() => format!(" that {last}"),
        Some(last) => format!(" that {} and {last}", clauses.join(", ")),
    }
}
