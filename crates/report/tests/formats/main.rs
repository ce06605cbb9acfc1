//! Every format of a scan report, and below `check` of a check report: its goldens, its standard's own schema where there is one, and that no text of a
//! stranger becomes more than text.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod check;
mod example;
mod strict;

use sekisho_model::ScanReport;
use sekisho_report::{FORMATS, Format, FormatOptions, Language};
use std::time::{Duration, Instant};

/// The reports of the goldens.
fn reports() -> [(&'static str, ScanReport); 5] {
    [
        ("refused", example::refused()),
        ("scanned", example::scanned()),
        ("incomplete", example::incomplete()),
        ("not_scanned", example::not_scanned()),
        ("clean", example::clean()),
    ]
}

fn write(format: &Format, report: &ScanReport, language: Language) -> String {
    let bytes = format.to_bytes(report, &FormatOptions { language, timestamp: None }).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What the format of this name writes in English.
fn written(name: &str, report: &ScanReport) -> String {
    write(sekisho_report::formats::format(name).unwrap(), report, Language::En)
}

/// `INSTA_UPDATE=always cargo nextest run -p sekisho-report` writes them.
#[test]
fn goldens() {
    for format in FORMATS {
        for (name, report) in reports() {
            // The page is the same but for words: one golden in Japanese.
            let languages =
                if format.name == "html" && name == "refused" { &Language::ALL[..] } else { &[Language::En] };
            for language in languages {
                let text = write(format, &report, *language);
                assert_eq!(text, write(format, &report, *language), "the same report gives the same bytes");
                let mut settings = insta::Settings::clone_current();
                settings.set_snapshot_path(format!("../data/formats/{}", format.name));
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                let golden = if *language == Language::En { name.to_owned() } else { format!("{name}-ja") };
                settings.bind(|| insta::assert_snapshot!(golden, text));
            }
        }
    }
}

#[test]
fn names_are_unique_and_told_apart() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
    assert!(sekisho_report::formats::format("json").is_some() && sekisho_report::formats::format("pdf").is_none());
}

/// Whatever the format: who reads a report of what was not scanned must see another than of what is clean.
#[test]
fn what_is_missing_is_never_clean() {
    for format in FORMATS {
        let clean = write(format, &example::clean(), Language::En);
        for report in [example::not_scanned(), example::incomplete()] {
            let mut report = report;
            let word = report.assessment.state;
            report.assessment.findings.clear();
            report.assessment.vulnerabilities.clear();
            let text = write(format, &report, Language::En).to_lowercase().replace(['-', '_'], " ");
            let said = ["not scanned", "was not scanned", "incomplete"].iter().any(|said| text.contains(said));
            assert!(said, "{} says nothing of {word:?}", format.name);
            // The one place where the word is no state.
            let clean = clean.to_lowercase().replace("allow_incomplete", "");
            assert!(!clean.contains("incomplete"), "{} of a clean report", format.name);
        }
    }
}

/// Findings of packages that the document does not describe are said to be there.
#[test]
fn a_damaged_report_is_incomplete() {
    let mut report = example::clean();
    report.assessment = example::scanned().assessment;
    report.inventory.packages.clear();
    for format in FORMATS.iter().filter(|format| !matches!(format.name, "json" | "cyclonedx")) {
        let text = write(format, &report, Language::En);
        assert!(
            text.contains("8 findings are of packages or vulnerabilities that the report does not describe"),
            "{}",
            format.name
        );
    }
}

/// Ten times as much takes about ten times as long; forty is what no machine's mood explains.
#[test]
fn time_grows_with_the_report() {
    let (small, large) = (example::large(500), example::large(5_000));
    for format in FORMATS {
        let time = |report: &ScanReport| {
            let start = Instant::now();
            format.to_bytes(report, &FormatOptions::default()).unwrap();
            start.elapsed()
        };
        let first = (0..3).map(|_| time(&small)).min().unwrap().max(Duration::from_millis(5));
        let second = time(&large);
        assert!(second < first * 40, "{}: {first:?} for 500 findings, {second:?} for 5,000", format.name);
    }
}
