//! Every form in which results are shown: tables for people, JSON for programs, and the formats of the programs that
//! read scan reports; and the reports of other scanners, read.
//!
//! Values in, text out. Standard SBOM formats are `sbom`'s; where the text goes is `cli`'s.

mod advice;
mod diff;
mod explain;
mod findings;
pub mod foreign;
pub mod formats;
mod language;
mod markup;
mod policies;
mod sheet;
mod table;
mod text;
mod view;

pub use diff::{diff_table, reevaluation_table};
pub use explain::explanation_text;
pub use findings::{gate_lines, in_a_line};
pub use formats::{
    FORMATS, Format, FormatOptions, Out, write_csv, write_gitlab, write_html, write_junit, write_markdown, write_sarif,
};
pub use language::Language;
pub use policies::{PolicyRow, policy_table};
pub use table::{TableOptions, scan_table};
pub use text::{bytes_for_people, printable};
