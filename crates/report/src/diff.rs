//! What is different between two scans, or by two databases, for people.

use crate::findings::{by_severity, remedy, short};
use crate::sheet::{Sheet, folded, spare, whole};
use crate::table::{HEADING, TableOptions, WARNING, cell, counted, heading, line};
use crate::text::printable;
use sekisho_model::{Diff, DiffFinding, DiffSide, Origin, PackageChange, Reevaluation, Severity};
use std::fmt::Write as _;

/// The difference as text with ANSI styles.
pub fn diff_table(diff: &Diff, options: TableOptions) -> String {
    let mut out = String::new();
    let Diff { old, new, opened, closed, unchanged, packages, .. } = diff;
    line!(out, "{HEADING}{}{HEADING:#} against {}", printable(&new.name), printable(&old.name));
    if !packages.is_empty() {
        heading(&mut out, &format!("Packages ({})", packages.len()));
        changes(&mut out, packages, options);
    }
    for (title, findings) in [("Vulnerabilities no longer there", closed), ("New vulnerabilities", opened)] {
        if !findings.is_empty() {
            heading(&mut out, &format!("{title} ({})", findings.len()));
            list(&mut out, findings, options);
        }
    }
    let worst = |findings: &[DiffFinding]| {
        let counts = Severity::ALL
            .into_iter()
            .rev()
            .map(|severity| (severity, findings.iter().filter(|finding| finding.severity == severity).count()));
        let parts: Vec<String> =
            counts.filter(|(_, count)| *count > 0).map(|(severity, count)| format!("{count} {severity}")).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    line!(
        out,
        "\n{HEADING}{} gone{}, {} new{}, {unchanged} unchanged; {} changed{HEADING:#}",
        counted(closed.len(), "finding"),
        worst(closed),
        opened.len(),
        worst(opened),
        counted(packages.len(), "package")
    );
    for DiffSide { name, .. } in [old, new].into_iter().filter(|side| !side.complete) {
        line!(out, "{WARNING}incomplete{WARNING:#}: {} could not be read or judged in full", printable(name));
    }
    out
}

fn changes(out: &mut String, packages: &[PackageChange], options: TableOptions) {
    let mut sheet = Sheet::new([folded("PACKAGE"), spare("KIND", 1), whole(""), folded("FROM"), folded("TO")]);
    for PackageChange { kind, name, change, from, to } in packages {
        sheet.row([
            cell(name),
            kind.to_string(),
            change.as_str().to_owned(),
            cell(&from.join(", ")),
            cell(&to.join(", ")),
        ]);
    }
    sheet.print(out, options);
}

fn list(out: &mut String, findings: &[DiffFinding], options: TableOptions) {
    let mut sheet = Sheet::new([
        whole("SEVERITY"),
        whole("VULNERABILITY"),
        folded("PACKAGE"),
        folded("VERSION"),
        folded("FIXED IN"),
        spare("RISK", 1),
        spare("ORIGIN", 2),
        spare("TITLE", 3),
    ]);
    for finding in findings {
        let origin = match finding.origin {
            Origin::Base => "base",
            Origin::Application => "app",
            Origin::Unknown => "",
        };
        let mut risk = if finding.exploited { "exploited".to_owned() } else { String::new() };
        if finding.suppressed.is_some() {
            risk = if risk.is_empty() { "suppressed".to_owned() } else { format!("{risk}, suppressed") };
        }
        sheet.row([
            finding.severity.to_string(),
            cell(&finding.vulnerability),
            cell(&finding.name),
            cell(&finding.version),
            remedy(&finding.fixed_in, finding.status),
            risk,
            origin.to_owned(),
            short(&finding.title),
        ]);
    }
    by_severity(sheet, out, options);
}

/// What another database changes, as text with ANSI styles.
pub fn reevaluation_table(found: &Reevaluation, options: TableOptions) -> String {
    /// Of more inventories the rest is counted.
    const NAMED: usize = 3;
    let mut out = String::new();
    let mut sheet = Sheet::new([
        whole(""),
        whole("VULNERABILITY"),
        folded("PACKAGE"),
        folded("VERSION"),
        spare("KIND", 1),
        folded("INVENTORIES"),
    ]);
    let (mut opened, mut closed) = (0, 0);
    for package in &found.packages {
        let named: Vec<&str> = package.inventories.iter().take(NAMED).map(String::as_str).collect();
        let rest = package.inventories.len() - named.len();
        let mut inventories = cell(&named.join(", "));
        if rest > 0 {
            let _ = write!(inventories, " and {rest} more");
        }
        opened += package.opened.len() * package.inventories.len();
        closed += package.closed.len() * package.inventories.len();
        let all = package.opened.iter().map(|id| ("opened", id)).chain(package.closed.iter().map(|id| ("closed", id)));
        for (what, id) in all {
            sheet.row([
                what.to_owned(),
                cell(id),
                cell(&package.name),
                cell(&package.version),
                package.kind.to_string(),
                inventories.clone(),
            ]);
        }
    }
    if opened + closed > 0 {
        sheet.print(&mut out, options);
        line!(out, "");
    }
    let inventories =
        if found.inventories == 1 { "1 inventory".to_owned() } else { format!("{} inventories", found.inventories) };
    line!(out, "{HEADING}{} opened, {} closed{HEADING:#} in {inventories}", counted(opened, "finding"), closed);
    let unjudged: Vec<_> = found.packages.iter().filter(|package| package.unjudged).collect();
    if !unjudged.is_empty() {
        let some =
            unjudged.iter().take(NAMED).map(|package| format!("{} {}", cell(&package.name), cell(&package.version)));
        let more = if unjudged.len() > NAMED { ", …" } else { "" };
        let (count, some) = (counted(unjudged.len(), "package"), some.collect::<Vec<_>>().join(", "));
        line!(out, "{count} can no longer be judged, since the newer database does not cover them: {some}{more}");
    }
    out
}
