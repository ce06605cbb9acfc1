//! Reports of other scanners and stored ones of our own, and what is written of them.

use super::LIMITS;
use sekisho_model::Level;
use sekisho_model::ScanState;
use sekisho_report::{CHECK_FORMATS, FORMATS, FormatOptions, Language, TableOptions, check_table, foreign, read_check};

/// A scan report of any scanner, read and written in every format.
pub fn foreign_report(bytes: &[u8]) {
    check_report(bytes);
    let read = || foreign::read(bytes, "report.json", jiff::Timestamp::UNIX_EPOCH, &LIMITS);
    let Ok(report) = read() else { return };
    assert_eq!(read().as_ref().ok(), Some(&report), "the same bytes gave something else");
    let records = report.inventory.packages.len().max(report.assessment.findings.len());
    assert!(records <= LIMITS.records, "more records than the limit");
    let unsure = report.assessment.diagnostics.iter().any(|told| told.level == Level::Incomplete);
    let whole = report.is_whole() && !unsure;
    assert!(whole || report.assessment.state != ScanState::Scanned, "something is missing and it is not said");
    for format in FORMATS {
        for language in Language::ALL {
            let options = FormatOptions { language, timestamp: None };
            let text = format.to_bytes(&report, &options).expect("a report can be written");
            assert!(std::str::from_utf8(&text).is_ok(), "{} is no text", format.name);
            if format.name == "json" {
                let again = foreign::read(&text, "report.json", jiff::Timestamp::UNIX_EPOCH, &LIMITS);
                assert!(again.is_ok() || text.len() as u64 > LIMITS.text_file_bytes, "our own form cannot be read");
            }
        }
    }
}

/// A check report, read and written in every form.
fn check_report(bytes: &[u8]) {
    let read = || read_check(bytes, "check.json", &LIMITS);
    let Ok(report) = read() else { return };
    assert_eq!(read().as_ref().ok(), Some(&report), "the same bytes gave something else");
    assert!(report.results.len().max(report.subjects.len()).max(report.policies.len()) <= LIMITS.records);
    for result in &report.results {
        assert!(result.policy < report.policies.len() && result.subject < report.subjects.len(), "of nothing");
    }
    for format in CHECK_FORMATS {
        for language in Language::ALL {
            let options = FormatOptions { language, timestamp: None };
            let text = format.to_bytes(&report, &options).expect("a report can be written");
            assert!(std::str::from_utf8(&text).is_ok(), "{} is no text", format.name);
            if format.name == "json" {
                let again = read_check(&text, "check.json", &LIMITS);
                assert!(again.is_ok() || text.len() as u64 > LIMITS.text_file_bytes, "our own form cannot be read");
            }
        }
    }
    for width in [None, Some(1), Some(40)] {
        check_table(&report, TableOptions { width });
    }
}
