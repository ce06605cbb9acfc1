//! A scan report as every format looks at it: its rows, what the gate says of each, what is missing, and the texts of
//! strangers made safe to show.

use crate::text::printable;
use jiff::{Timestamp, Unit};
use sekisho_model::{
    Code, Diagnostic, Finding, FindingId, FindingRow, FindingStatus, Level, Origin, Package, ScanReport, ScanState,
    Severity, Suppression, SuppressionKind, Verdict, Vulnerability,
};
use std::borrow::Cow;
use std::collections::HashSet;

/// Whether a report tells all that was to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Whole,
    /// Something could not be read or judged, or the advisories are too old.
    Incomplete,
    /// Vulnerabilities were not looked for.
    NotScanned,
}

impl Standing {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "scanned",
            Self::Incomplete => "incomplete",
            Self::NotScanned => "not_scanned",
        }
    }

    /// What it means for whoever reads the findings; nothing where the report is whole.
    pub(crate) fn warning(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Incomplete => "the result is incomplete: vulnerabilities may be missing",
            Self::NotScanned => "not scanned: vulnerabilities were not looked for",
        }
    }
}

/// What is said where the report is whole and the gate still misses something.
pub(crate) const GATE_UNSURE: &str = "the gate does not know all that it asks for";

/// Something that keeps a report from being whole, or a note.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    /// Whether it is why the report is not whole.
    pub(crate) level: Level,
    /// Its code.
    pub(crate) code: Code,
    /// The file it is about.
    pub(crate) path: Option<&'a str>,
    /// One line, safe to show.
    pub(crate) text: String,
}

impl<'a> Told<'a> {
    pub(crate) fn of(diagnostic: &'a Diagnostic) -> Self {
        let Diagnostic { level, code, path, .. } = diagnostic;
        Self { level: *level, code: *code, path: path.as_deref(), text: line(&diagnostic.to_string()) }
    }

    /// Something is missing, of this kind.
    pub(crate) fn incomplete(code: Code, text: String) -> Self {
        Self { level: Level::Incomplete, code, path: None, text }
    }
}

/// A report with what formats ask of it more than once.
pub(crate) struct View<'a> {
    /// The report.
    pub(crate) report: &'a ScanReport,
    /// Its findings, the worst first.
    pub(crate) rows: Vec<FindingRow<'a>>,
    refused: HashSet<&'a FindingId>,
}

impl<'a> View<'a> {
    pub(crate) fn new(report: &'a ScanReport) -> Self {
        let refused = report.gate.iter().flat_map(|result| &result.refused).collect();
        Self { report, rows: report.rows(), refused }
    }

    /// The rows that count.
    pub(crate) fn open(&self) -> impl Iterator<Item = &FindingRow<'a>> {
        self.rows.iter().filter(|row| row.finding.suppressed.is_none())
    }

    /// Whether the gate refuses the finding; where there is no gate, whether it counts.
    pub(crate) fn is_refused(&self, finding: &Finding) -> bool {
        match self.report.gate {
            Some(_) => self.refused.contains(&finding.id),
            None => finding.suppressed.is_none(),
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let assessment = &self.report.assessment;
        let stale = assessment.database.as_ref().is_some_and(|database| !database.stale.is_empty());
        let whole = self.report.inventory.complete && self.rows.len() == assessment.findings.len() && !stale;
        match assessment.state {
            ScanState::NotScanned | ScanState::NotEvaluated => Standing::NotScanned,
            ScanState::Scanned if whole => Standing::Whole,
            ScanState::Scanned | ScanState::Incomplete => Standing::Incomplete,
        }
    }

    /// What keeps the report from being whole, then the notes.
    pub(crate) fn told(&self) -> Vec<Told<'a>> {
        let assessment = &self.report.assessment;
        let mut told: Vec<Told<'a>> = Vec::new();
        let lost = assessment.findings.len() - self.rows.len();
        if lost > 0 {
            let text = format!("{lost} findings are of packages or vulnerabilities that the report does not describe");
            told.push(Told::incomplete(Code::VulnerabilitiesUnknown, text));
        }
        let stale = assessment.database.as_ref().map(|database| database.stale.as_slice()).unwrap_or_default();
        if !stale.is_empty() {
            let text = format!("advisories are too old: {}", line(&stale.join(", ")));
            told.push(Told::incomplete(Code::VulnerabilitiesUnknown, text));
        }
        told.extend(assessment.diagnostics.iter().chain(&self.report.inventory.diagnostics).map(Told::of));
        // Stable: what is most to the point stays first.
        told.sort_by_key(|told| told.level);
        told
    }

    /// What was scanned, in words: the image's first name, or the source as it was named.
    pub(crate) fn target(&self) -> String {
        let inventory = &self.report.inventory;
        let name = inventory.image.as_ref().and_then(|image| image.names.first()).unwrap_or(&inventory.source.name);
        if name.is_empty() { "unknown".to_owned() } else { line(name) }
    }

    /// How many findings count of each severity, at the place of [`Severity::ALL`].
    pub(crate) fn counts(&self) -> [usize; 6] {
        count(self.open().map(|row| row.finding.severity))
    }

    /// The gate's verdict.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.report.gate.as_ref().map(|gate| gate.verdict)
    }

    /// The diffID of the layer that brought the package.
    pub(crate) fn diff_id(&self, package: &Package) -> Option<String> {
        let layers = &self.report.inventory.image.as_ref()?.layers;
        Some(layers.get(package.layer? as usize)?.diff_id?.to_string())
    }
}

/// How many there are of each severity, at the place of [`Severity::ALL`].
pub(crate) fn count(severities: impl Iterator<Item = Severity>) -> [usize; 6] {
    let mut counts = [0; 6];
    for severity in severities {
        counts[severity as usize] += 1;
    }
    counts
}

/// `3 critical, 1 low`, the worst first; `none` where there is nothing.
pub(crate) fn counted(counts: [usize; 6]) -> String {
    let parts: Vec<String> = (Severity::ALL.iter().rev())
        .filter_map(|severity| match counts[*severity as usize] {
            0 => None,
            count => Some(format!("{count} {severity}")),
        })
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// `1 finding`, `2 findings`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

/// A stranger's text on one line.
pub(crate) fn line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A stranger's text that may have several lines.
pub(crate) fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| printable(&line.replace('\t', " "))).collect();
    lines.join("\n")
}

/// At most `most` characters of `text`, the last of which says that there is more.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.char_indices().nth(most).is_none() {
        return text.into();
    }
    let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
    format!("{}…", &text[..end]).into()
}

/// The vulnerability in one line: its title, the beginning of its description, or its id.
pub(crate) fn title(vulnerability: &Vulnerability) -> String {
    const LONGEST: usize = 200;
    let texts = [&vulnerability.title, &vulnerability.description, &vulnerability.id];
    let text = texts.into_iter().map(|text| cut(text.trim_start(), LONGEST)).find(|text| !text.is_empty());
    text.map(|text| line(&text)).unwrap_or_default()
}

/// The vulnerability in many words: its description, or its title.
pub(crate) fn description(vulnerability: &Vulnerability) -> String {
    if vulnerability.description.trim().is_empty() { title(vulnerability) } else { lines(&vulnerability.description) }
}

/// Whether `text` is the address of a web page that can be made a link in any format: a URI (RFC 3986) of http or https.
pub(crate) fn is_link(text: &str) -> bool {
    const LONGEST: usize = 2000;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&byte);
    let escapes = |text: &str| {
        text.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
    };
    rest.is_some_and(|rest| rest.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()))
        && text.len() <= LONGEST
        && text.bytes().all(allowed)
        && text.bytes().filter(|byte| *byte == b'#').count() <= 1
        && escapes(text)
}

/// Where to read on about the vulnerability: NVD for a CVE, GitHub for what is only there, or its first reference.
pub(crate) fn address(vulnerability: &Vulnerability) -> Option<Cow<'_, str>> {
    let id = &vulnerability.id;
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && id.starts_with("CVE-") {
        return Some(format!("https://nvd.nist.gov/vuln/detail/{id}").into());
    }
    if plain && id.starts_with("GHSA-") {
        return Some(format!("https://github.com/advisories/{id}").into());
    }
    vulnerability.references.iter().map(String::as_str).find(|address| is_link(address)).map(Cow::Borrowed)
}

/// The score that goes with a severity: the highest one whose judge sees it as that severe, else of anyone.
pub(crate) fn score(vulnerability: &Vulnerability, severity: Severity) -> Option<f32> {
    let highest = |own: bool| {
        let judges = vulnerability.judgements.iter().filter(|judge| !own || judge.severity == severity);
        judges.filter_map(|judge| judge.score).max_by(f32::total_cmp)
    };
    highest(true).or_else(|| highest(false))
}

/// What can be done about a finding, as a sentence without a dot.
pub(crate) fn advice(row: &FindingRow<'_>) -> String {
    let name = line(&row.package.facts.name);
    match row.finding.status {
        FindingStatus::Fixed if row.finding.fixed_in.is_empty() => format!("Upgrade {name}"),
        FindingStatus::Fixed => format!("Upgrade {name} to {}", fixed_in(row.finding, " or ")),
        FindingStatus::Affected => format!("No version of {name} without it is known"),
        FindingStatus::FixDeferred => format!("A fix for {name} is planned and not there yet"),
        FindingStatus::WillNotFix => format!("The publisher of {name} will not fix it"),
        FindingStatus::EndOfLife => format!("{name} is of a release that is out of support: move to a newer release"),
        FindingStatus::UnderInvestigation => format!("The publisher of {name} is looking into it"),
    }
}

/// The first versions without it.
pub(crate) fn fixed_in(finding: &Finding, separator: &str) -> String {
    let versions: Vec<String> = finding.fixed_in.iter().map(|version| line(version)).collect();
    versions.join(separator)
}

/// Why a finding does not count, on one line.
pub(crate) fn suppression(suppressed: &Suppression) -> String {
    let mut text = match suppressed.kind {
        SuppressionKind::Vex => "VEX".to_owned(),
        SuppressionKind::Exception => "exception".to_owned(),
    };
    let mut add = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(label);
            text.push_str(&line(value));
        }
    };
    add(" ", &suppressed.status.as_deref().unwrap_or_default().replace('_', " "));
    add(" by ", &suppressed.source);
    add(": ", &suppressed.reason);
    add("; owner ", suppressed.owner.as_deref().unwrap_or_default());
    if let Some(until) = suppressed.until {
        add("; until ", &until.to_string());
    }
    text
}

/// The type of the package's URL: `deb`, `maven`. Unlike its kind it is known for what other scanners found as well.
pub(crate) fn ecosystem(package: &Package) -> &str {
    let text = package.purl.as_str().strip_prefix("pkg:").unwrap_or_default();
    text.split('/').next().unwrap_or_default()
}

/// The word for where a package is from.
pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "base",
        Origin::Application => "application",
        Origin::Unknown => "unknown",
    }
}

/// A moment as RFC 3339 has it, in seconds; the earliest it can write for those before.
pub(crate) fn moment(time: Timestamp) -> String {
    const YEAR_ZERO: Timestamp = Timestamp::constant(-62_167_219_200, 0);
    // Rounding to seconds cannot leave the range of timestamps that were parsed or read from a clock.
    time.round(Unit::Second).unwrap_or(time).max(YEAR_ZERO).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_links() {
        for yes in ["https://a.example/x?y=1#z", "http://127.0.0.1/%20", "https://a/(b)"] {
            assert!(is_link(yes), "{yes}");
        }
        let no =
            ["javascript:alert(1)", "https://", "https:///x", "https://a/ b", "https://a/\"onload", "https://a/<b>"];
        for no in no.into_iter().chain(["//a.example", "https://a/%2", "https://a/é", "https://a/[b]", "https://a#b#c"])
        {
            assert!(!is_link(no), "{no}");
        }
    }

    #[test]
    fn texts_are_cut_where_a_character_ends() {
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("éééé", 3), "éé…");
        assert_eq!(cut("a", 0), "…");
        assert_eq!(line(" a\n\tb\u{202e} "), "a b\\u{202e}");
        assert_eq!(lines("a\tb\r\nc\u{1b}[2J"), "a b\nc\\u{1b}[2J");
    }

    #[test]
    fn the_score_is_of_who_sees_it_as_that_severe() {
        let judge = |severity, score| sekisho_model::Judgement { by: String::new(), severity, score, vector: None };
        let judgements = vec![judge(Severity::Low, Some(3.1)), judge(Severity::Critical, Some(9.8))];
        let known = Vulnerability { judgements, ..Vulnerability::default() };
        assert_eq!(score(&known, Severity::Low), Some(3.1));
        assert_eq!(score(&known, Severity::Medium), Some(9.8));
        assert_eq!(score(&Vulnerability::default(), Severity::Low), None);
    }
}
