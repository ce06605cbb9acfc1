//! JUnit XML, as CI systems show it (GitLab, Jenkins, GitHub, Azure DevOps): one suite for what was scanned, one case for
//! each finding.
//!
//! A case is a failure where the gate refuses it (where there is no gate, always), skipped where it is suppressed, and
//! passes otherwise. The first case says whether everything was read and judged: an error where it was not, unless the
//! gate was told to allow that, and then skipped. So a report without findings has a case too, and one that was not made
//! is never green. Names of cases do not change with versions, so that a CI system can follow them.
//!
//! The dialect is the one that Jenkins' `xunit` and GitLab read; there is no standard.

use super::Format;
use crate::markup::Escaped;
use crate::view::{self, Standing, View};
use sekisho_model::{FindingRow, Level, ScanReport, Verdict};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "junit",
    media_type: "application/xml",
    extension: "xml",
    title: "JUnit XML, for the test pages of CI systems",
    write: |report, _, to| write_junit(report, to),
};

/// What became of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Error,
    Skipped,
}

/// Writes the report as JUnit XML.
pub fn write_junit(report: &ScanReport, mut to: impl Write) -> io::Result<()> {
    let view = View::new(report);
    let target = view.target();
    let outcomes: Vec<Outcome> = view.rows.iter().map(|row| outcome(&view, row)).collect();
    let whole = wholeness(&view);
    let totals = totals(outcomes.iter().copied().chain([whole]));
    // The form that readers of JUnit know: UTC without a zone.
    let time = view::moment(report.assessment.assessed_at);
    let time = time.trim_end_matches('Z');
    writeln!(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(to, "<testsuites name=\"vulnerabilities\" {totals}>")?;
    writeln!(to, "  <testsuite name=\"{}\" {totals} timestamp=\"{time}\">", Escaped(&target))?;
    properties(&view, &mut to)?;
    first_case(&view, whole, &mut to)?;
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (row, outcome) in view.rows.iter().zip(outcomes) {
        case(row, outcome, &mut seen, &mut to)?;
    }
    writeln!(to, "  </testsuite>\n</testsuites>")
}

/// The attributes that count cases.
pub(super) fn totals(outcomes: impl Iterator<Item = Outcome>) -> String {
    let mut counts = [0_usize; 4];
    for outcome in outcomes {
        counts[outcome as usize] += 1;
    }
    let [passed, failed, errors, skipped] = counts;
    let tests = passed + failed + errors + skipped;
    format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\"")
}

fn outcome(view: &View<'_>, row: &FindingRow<'_>) -> Outcome {
    if row.finding.suppressed.is_some() {
        Outcome::Skipped
    } else if view.is_refused(row.finding) {
        Outcome::Failed
    } else {
        Outcome::Passed
    }
}

/// What becomes of the case that stands for everything having been read and judged.
fn wholeness(view: &View<'_>) -> Outcome {
    let unknown = view.report.gate.as_ref().is_some_and(|gate| !gate.unknown.is_empty());
    let allowed = view.report.gate.as_ref().is_some_and(|gate| gate.gate.allow_incomplete);
    match view.standing() {
        _ if unknown => Outcome::Error,
        Standing::Whole => Outcome::Passed,
        Standing::Incomplete if allowed => Outcome::Skipped,
        Standing::Incomplete | Standing::NotScanned => Outcome::Error,
    }
}

fn properties(view: &View<'_>, to: &mut impl Write) -> io::Result<()> {
    let inventory = &view.report.inventory;
    let image = inventory.image.as_ref().map(|image| image.config_digest.to_string());
    let tool = format!("{} {}", inventory.tool.name, inventory.tool.version);
    writeln!(to, "    <properties>")?;
    for (name, value) in [
        ("state", Some(view.standing().as_str())),
        ("verdict", view.verdict().map(Verdict::as_str)),
        ("image_id", image.as_deref()),
        ("tool", Some(tool.trim())),
    ] {
        if let Some(value) = value {
            writeln!(to, "      <property name=\"{name}\" value=\"{}\"/>", Escaped(value))?;
        }
    }
    writeln!(to, "    </properties>")
}

fn first_case(view: &View<'_>, outcome: Outcome, to: &mut impl Write) -> io::Result<()> {
    let mut why = String::new();
    for told in view.told().iter().filter(|told| told.level == Level::Incomplete) {
        let _ = writeln!(why, "{} {}", told.code.as_str(), told.text);
    }
    for unknown in view.report.gate.iter().flat_map(|gate| &gate.unknown) {
        let _ = writeln!(why, "{}", view::line(unknown));
    }
    let message = match view.standing() {
        Standing::Whole if outcome == Outcome::Error => view::GATE_UNSURE,
        standing => standing.warning(),
    };
    write!(to, "    <testcase classname=\"sekisho\" name=\"everything was read and judged\" time=\"0\"")?;
    body(outcome, "incomplete", message, &why, to)
}

fn case(
    row: &FindingRow<'_>,
    outcome: Outcome,
    seen: &mut HashMap<String, usize>,
    to: &mut impl Write,
) -> io::Result<()> {
    let FindingRow { finding, package, vulnerability } = row;
    let facts = &package.facts;
    let class = format!("{}/{}", view::ecosystem(package), view::line(&facts.name));
    let mut name = format!("{} in {}", view::line(&vulnerability.id), view::line(&package.location));
    // Two versions of a package in one file.
    let times = seen.entry(format!("{class} {name}")).or_default();
    *times += 1;
    if *times > 1 {
        let _ = write!(name, " ({times})");
    }
    write!(to, "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", Escaped(&class), Escaped(&name))?;
    let message = match &finding.suppressed {
        Some(suppressed) => view::suppression(suppressed),
        None => format!(
            "{} {} has {} ({}): {}",
            view::line(&facts.name),
            view::line(&facts.version),
            view::line(&vulnerability.id),
            finding.severity,
            view::title(vulnerability)
        ),
    };
    body(outcome, finding.severity.as_str(), &message, &details(row), to)
}

/// The rest of a case behind its attributes.
pub(super) fn body(outcome: Outcome, kind: &str, message: &str, text: &str, to: &mut impl Write) -> io::Result<()> {
    let (message, text) = (Escaped(message), Escaped(text));
    match outcome {
        Outcome::Passed if text.0.is_empty() => return writeln!(to, "/>"),
        Outcome::Passed => writeln!(to, ">\n      <system-out>{text}</system-out>")?,
        Outcome::Failed => writeln!(to, ">\n      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>")?,
        Outcome::Error => writeln!(to, ">\n      <error type=\"{kind}\" message=\"{message}\">{text}</error>")?,
        Outcome::Skipped => {
            writeln!(to, ">\n      <skipped message=\"{message}\"/>")?;
            if !text.0.is_empty() {
                writeln!(to, "      <system-out>{text}</system-out>")?;
            }
        }
    }
    writeln!(to, "    </testcase>")
}

fn details(row: &FindingRow<'_>) -> String {
    const LONGEST: usize = 2000;
    let FindingRow { finding, package, vulnerability } = row;
    let mut out = String::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name}: {value}");
        }
    };
    add("package", package.purl.as_str());
    add("found in", &view::line(&package.location));
    if let Some(layer) = package.layer {
        add("layer", &format!("{layer} ({})", view::origin(package.origin)));
    }
    add("severity", finding.severity.as_str());
    add("what to do", &view::advice(row));
    if let Some(exploited) = &vulnerability.exploited {
        add("known to be exploited", &view::line(&exploited.added));
    }
    if let Some(likelihood) = vulnerability.likelihood {
        add("EPSS", &format!("{:.2} %", f64::from(likelihood.probability) * 100.0));
    }
    add("more", &view::address(vulnerability).unwrap_or_default());
    let description = view::description(vulnerability);
    let _ = write!(out, "\n{}", view::cut(&description, LONGEST));
    out
}
