//! Every form in which results are shown: tables for people, JSON for programs.
//!
//! Values in, text out. Standard SBOM formats are `sbom`'s; where the text goes is `cli`'s.

mod diff;
mod explain;
mod findings;
mod table;
mod text;

pub use diff::{diff_table, reevaluation_table};
pub use explain::explanation_text;
pub use findings::{gate_lines, in_a_line};
pub use table::{TableOptions, scan_table};
pub use text::{bytes_for_people, printable};

use serde::Serialize;
use std::io::{self, Write};

/// Writes a document (an inventory, a scan report, a difference) as indented JSON with a final newline.
pub fn write_json(document: &impl Serialize, mut to: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut to, document)?;
    to.write_all(b"\n")
}
