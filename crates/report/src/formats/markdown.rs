//! Markdown for a comment on a pull request (GitHub, GitLab): the verdict, counts, what to upgrade, and the findings
//! folded away.
//!
//! Every text of a stranger is a code span, in which neither Markdown, HTML, mentions, issue numbers nor addresses mean
//! anything. The whole stays below what GitHub takes; what is left out is counted.

use super::Format;
use crate::advice::{self, Upgrade};
use crate::findings::remedy;
use crate::table::line;
use crate::view::{self, Standing, View};
use sekisho_model::{FindingRow, Level, ScanReport, Severity, Verdict, Vulnerability};
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "markdown",
    media_type: "text/markdown; charset=utf-8",
    extension: "md",
    title: "Markdown, for a comment on a pull request",
    write: |report, _, to| write_markdown(report, to),
};

/// Characters that GitHub takes as the body of a comment are 65,536. These are bytes, of which there are never fewer,
/// with room for what closes the text.
const LONGEST: usize = 65_000;

/// Upgrades that are listed.
const UPGRADES: usize = 10;

/// Reasons that are listed for what is missing.
const REASONS: usize = 10;

/// Writes the report as Markdown of less than 65,536 characters.
pub fn write_markdown(report: &ScanReport, mut to: impl Write) -> io::Result<()> {
    to.write_all(document(&View::new(report)).as_bytes())
}

fn document(view: &View<'_>) -> String {
    let mut out = String::new();
    line!(out, "### {}", verdict(view));
    missing(&mut out, view);
    let counts = view.counts();
    if view.standing() != Standing::NotScanned {
        counts_table(&mut out, view, counts);
    }
    let upgrades = advice::upgrades(view);
    if !upgrades.is_empty() {
        upgrades_table(&mut out, &upgrades);
    }
    let open: Vec<&FindingRow<'_>> = view.open().collect();
    findings(&mut out, view, &open);
    suppressed(&mut out, view);
    out.push('\n');
    line!(out, "<sub>{}</sub>", made_by(view));
    out
}

fn verdict(view: &View<'_>) -> String {
    let target = code(&view::cut(&view.target(), 200));
    let count = view.open().count();
    let refused = view.report.gate.as_ref().map_or(0, |gate| gate.refused.len());
    let counts = view::counted(view.counts());
    match (view.verdict(), view.standing()) {
        (Some(Verdict::Refused), _) => {
            format!("❌ Refused: {target} has {} that the gate does not let pass", view::plural(refused, "finding"))
        }
        (Some(Verdict::Unknown), _) => format!("⚠️ The gate cannot tell about {target}"),
        (_, Standing::NotScanned) => format!("⚠️ {target} was not scanned for vulnerabilities"),
        (Some(Verdict::Passed), standing) => {
            let rest = if standing == Standing::Whole { "" } else { ", with an incomplete result" };
            format!("✅ Passed: {target}, {} ({counts}){rest}", view::plural(count, "finding"))
        }
        (None, Standing::Incomplete) => {
            format!("⚠️ {target} has at least {} ({counts})", view::plural(count, "finding"))
        }
        (None, Standing::Whole) if count == 0 => format!("✅ {target} has no findings"),
        (None, Standing::Whole) => format!("{target} has {} ({counts})", view::plural(count, "finding")),
    }
}

/// What is missing, where anything is.
fn missing(out: &mut String, view: &View<'_>) {
    let standing = view.standing();
    let told: Vec<_> = view.told().into_iter().filter(|told| told.level == Level::Incomplete).collect();
    let unknown: Vec<&String> = view.report.gate.iter().flat_map(|gate| &gate.unknown).collect();
    if standing == Standing::Whole && unknown.is_empty() {
        return;
    }
    let warning = if standing == Standing::Whole { view::GATE_UNSURE } else { standing.warning() };
    line!(out, "\n> [!WARNING]\n> **{}**\n>", capital(warning));
    let unknown = unknown.into_iter().map(|unknown| code(&view::cut(unknown, 300)));
    let told = told.iter().map(|told| format!("`{}` {}", told.code.as_str(), code(&view::cut(&told.text, 300))));
    reasons(out, &unknown.chain(told).collect::<Vec<_>>());
}

/// Some reasons of an alert, and how many more there are.
pub(super) fn reasons(out: &mut String, all: &[String]) {
    for reason in all.iter().take(REASONS) {
        line!(out, "> - {reason}");
    }
    if all.len() > REASONS {
        line!(out, "> - and {} more", all.len() - REASONS);
    }
}

fn counts_table(out: &mut String, view: &View<'_>, counts: [usize; 6]) {
    let fixable =
        view::count(view.open().filter(|row| !row.finding.fixed_in.is_empty()).map(|row| row.finding.severity));
    let hidden = view.rows.len() - view.open().count();
    line!(out, "\n| | Critical | High | Medium | Low | Negligible | Unknown | All |");
    line!(out, "|---|--:|--:|--:|--:|--:|--:|--:|");
    for (name, counts) in [("Findings", counts), ("of which a fix exists", fixable)] {
        let cells: Vec<String> = severities().map(|severity| counts[severity as usize].to_string()).collect();
        line!(out, "| {name} | {} | {} |", cells.join(" | "), counts.iter().sum::<usize>());
    }
    if hidden > 0 {
        line!(out, "\nSuppressed beside these: {hidden}.");
    }
}

/// The worst first, what nobody has judged last.
fn severities() -> impl Iterator<Item = Severity> {
    Severity::ALL.into_iter().rev()
}

fn upgrades_table(out: &mut String, upgrades: &[Upgrade<'_>]) {
    line!(out, "\n#### What to upgrade first\n");
    line!(out, "| Package | Installed | Upgrade to | Removes | From |");
    line!(out, "|---|---|---|---|---|");
    for upgrade in upgrades.iter().take(UPGRADES) {
        let exploited = match upgrade.exploited {
            0 => String::new(),
            count => format!(", **{count} known exploited**"),
        };
        line!(
            out,
            "| {} {} | {} | {} | {}{exploited} | {} |",
            cell(&view::cut(upgrade.name, 80)),
            upgrade.ecosystem,
            some(upgrade.installed.iter().copied()),
            cell(&view::cut(upgrade.to, 60)),
            view::counted(upgrade.counts),
            view::origin(upgrade.origin),
        );
    }
    if upgrades.len() > UPGRADES {
        line!(out, "\nAnd {} more.", view::plural(upgrades.len() - UPGRADES, "upgrade"));
    }
}

/// A few code spans, and how many more there are.
fn some<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    const MOST: usize = 3;
    let texts: Vec<&str> = texts.collect();
    let mut shown: Vec<String> = texts.iter().take(MOST).map(|text| cell(&view::cut(text, 60))).collect();
    if texts.len() > MOST {
        shown.push(format!("{} more", texts.len() - MOST));
    }
    shown.join(", ")
}

fn findings(out: &mut String, view: &View<'_>, open: &[&FindingRow<'_>]) {
    if open.is_empty() {
        return;
    }
    let gate = view.verdict().is_some();
    let header = if gate {
        "| Severity | Vulnerability | Package | Version | Fixed in | Gate |\n|---|---|---|---|---|---|"
    } else {
        "| Severity | Vulnerability | Package | Version | Fixed in |\n|---|---|---|---|---|"
    };
    folded(out, &view::plural(open.len(), "finding"), header, open, |row| {
        let FindingRow { finding, package, vulnerability } = row;
        let exploited = if vulnerability.exploited.is_some() { " **known exploited**" } else { "" };
        let fix = if finding.fixed_in.is_empty() {
            remedy(&[], finding.status)
        } else {
            some(finding.fixed_in.iter().map(String::as_str))
        };
        let gate = match (gate, view.is_refused(finding)) {
            (false, _) => "",
            (true, true) => " refused |",
            (true, false) => " passed |",
        };
        format!(
            "| {} | {}{exploited}<br>{} | {} | {} | {fix} |{gate}",
            finding.severity,
            named(vulnerability),
            cell(&view::cut(&view::title(vulnerability), 100)),
            cell(&view::cut(&package.facts.name, 80)),
            cell(&view::cut(&package.facts.version, 60)),
        )
    });
}

fn suppressed(out: &mut String, view: &View<'_>) {
    let hidden: Vec<&FindingRow<'_>> = view.rows.iter().filter(|row| row.finding.suppressed.is_some()).collect();
    if hidden.is_empty() {
        return;
    }
    let header = "| Severity | Vulnerability | Package | Why it does not count |\n|---|---|---|---|";
    folded(out, &format!("{} suppressed", hidden.len()), header, &hidden, |row| {
        let why = row.finding.suppressed.as_ref().map(view::suppression).unwrap_or_default();
        format!(
            "| {} | {} | {} | {} |",
            row.finding.severity,
            named(row.vulnerability),
            cell(&view::cut(&row.package.facts.name, 80)),
            cell(&view::cut(&why, 200)),
        )
    });
}

/// A table that is folded away, cut where the whole would become too long.
pub(super) fn folded<T>(out: &mut String, summary: &str, header: &str, rows: &[T], show: impl Fn(&T) -> String) {
    // What stands behind the rows: how many are left out, and the end.
    const END: usize = 500;
    line!(out, "\n<details>\n<summary>{summary}</summary>\n\n{header}");
    let mut left = rows.len();
    for row in rows {
        let text = show(row);
        if out.len() + text.len() + 1 + END > LONGEST {
            break;
        }
        line!(out, "{text}");
        left -= 1;
    }
    if left > 0 {
        line!(out, "\n**{left} more are left out**: the comment would be too long.");
    }
    line!(out, "\n</details>");
}

fn made_by(view: &View<'_>) -> String {
    let report = view.report;
    let tool = &report.inventory.tool;
    let name = format!("{} {}", tool.name, tool.version);
    let database: BTreeSet<&str> =
        report.assessment.database.iter().flat_map(|database| &database.feeds).map(|feed| feed.id.as_str()).collect();
    let by =
        if database.is_empty() { String::new() } else { format!(", by advisories of {}", some(database.into_iter())) };
    format!("{}{by}, {}", code(&view::cut(name.trim(), 100)), view::moment(report.assessment.assessed_at))
}

/// The id of a vulnerability, as a link where there is an address.
pub(super) fn named(vulnerability: &Vulnerability) -> String {
    let id = cell(&view::cut(&vulnerability.id, 60));
    match view::address(vulnerability) {
        // Round brackets are the only ones that an address of ours has, and would end the link.
        Some(address) => format!("[{id}]({})", address.replace('(', "%28").replace(')', "%29")),
        None => id,
    }
}

/// A stranger's text as a code span.
pub(super) fn code(text: &str) -> String {
    span(&view::line(text))
}

/// The same inside a table, which ends a cell at a bar even there unless it is escaped. A backslash before the bar would
/// undo that.
pub(super) fn cell(text: &str) -> String {
    span(&view::line(text).replace("\\|", "\\\\u{7c}").replace('|', "\\|"))
}

fn span(text: &str) -> String {
    if text.is_empty() {
        return "–".to_owned();
    }
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_texts_are_code_spans() {
        assert_eq!(code("libc6"), "`libc6`");
        assert_eq!(code(""), "–");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(cell("a|b\\|c"), "`a\\|b\\\\u{7c}c`");
        assert_eq!(code("a\n\n# b\u{202e}"), "`a # b\\u{202e}`");
        assert_eq!(code("<script>@user #1"), "`<script>@user #1`");
    }

    #[test]
    fn an_address_cannot_end_its_link() {
        let known = Vulnerability {
            id: "X-1".into(),
            references: vec!["https://a.example/(x)".into()],
            ..Vulnerability::default()
        };
        assert_eq!(named(&known), "[`X-1`](https://a.example/%28x%29)");
    }
}
