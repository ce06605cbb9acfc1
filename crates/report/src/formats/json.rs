//! The report as it is: schema `sekisho.scan/v1`.

use super::{Format, write_json};
use sekisho_model::ScanReport;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format {
    name: "json",
    media_type: "application/json",
    extension: "json",
    title: "all there is, for programs; the schema is published",
    write: |report, _, to| write_scan_json(report, to),
};

/// Writes the report as an indented JSON document of schema `sekisho.scan/v1` with a final newline.
pub fn write_scan_json(report: &ScanReport, to: impl Write) -> io::Result<()> {
    write_json(report, to)
}
