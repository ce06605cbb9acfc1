//! Every form in which results are shown: tables for people, JSON for programs, and the formats of the programs that
//! read reports of scans and of checks; and the reports of other scanners, read.
//!
//! Values in, text out. Standard SBOM formats are `sbom`'s; where the text goes is `cli`'s.

mod advice;
mod baseline;
mod check;
mod diff;
mod explain;
mod findings;
pub mod foreign;
pub mod formats;
mod hub;
mod language;
mod markup;
mod policies;
mod rules;
mod sheet;
mod table;
mod text;
mod view;

pub use baseline::{baseline_text, drift_text};
pub use check::{check_gate_lines, check_in_a_line, check_table, read_check};
pub use diff::{diff_table, reevaluation_table};
pub use explain::explanation_text;
pub use findings::{gate_lines, in_a_line};
pub use formats::{
    CHECK_FORMATS, FORMATS, Format, FormatOptions, Out, check_format, write_csv, write_gitlab, write_html, write_junit,
    write_markdown, write_sarif,
};
pub use hub::{Listed, list_table};
pub use language::Language;
pub use policies::{PolicyRow, policy_table};
pub use rules::{RuleRow, rule_table};
pub use table::{TableOptions, scan_table};
pub use text::{bytes_for_people, printable};
