//! The forms of a scan report: one module each, registered in one table that also drives help and documentation; and in
//! `check` those of a check report.

mod check;
mod csv;
mod cyclonedx;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;

pub use check::{CHECK_FORMATS, check_format};
pub use csv::write_csv;
pub use gitlab::write_gitlab;
pub use html::write_html;
pub use junit::write_junit;
pub use markdown::write_markdown;
pub use sarif::write_sarif;

use crate::language::Language;
use jiff::Timestamp;
use sekisho_model::ScanReport;
use std::io::{self, BufWriter, Write};

/// What a format may want to know beside the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct FormatOptions {
    /// The language of pages for people.
    pub language: Language,
    /// The time to write where a format has one of its own (`SOURCE_DATE_EPOCH`).
    pub timestamp: Option<Timestamp>,
}

/// A form in which a report is written: a scan report where no other is named.
#[derive(Debug)]
pub struct Format<R = ScanReport> {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// The end of a file's name, without a dot.
    pub extension: &'static str,
    /// What it is for, for help and documentation.
    pub title: &'static str,
    /// Writes it.
    pub write: fn(&R, &FormatOptions, &mut Out<'_>) -> io::Result<()>,
}

impl<R> Format<R> {
    /// The report in this format, as bytes.
    pub fn to_bytes(&self, report: &R, options: &FormatOptions) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut to = BufWriter::new(&mut bytes as &mut dyn Write);
        (self.write)(report, options, &mut to)?;
        to.flush()?;
        drop(to);
        Ok(bytes)
    }
}

/// What documents are written to: of a type that is known, so that their many small pieces cost little.
pub type Out<'a> = BufWriter<&'a mut dyn Write>;

/// Every format of a scan report, in the order of help and documentation.
pub static FORMATS: &[&Format] = &[
    &json::FORMAT,
    &sarif::FORMAT,
    &junit::FORMAT,
    &gitlab::FORMAT,
    &cyclonedx::FORMAT,
    &html::FORMAT,
    &markdown::FORMAT,
    &csv::FORMAT,
];

/// The format of a scan report of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}
