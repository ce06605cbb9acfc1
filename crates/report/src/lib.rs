//! Every form in which results are shown: tables for people, JSON for programs, and the formats of the programs that
//! read scan reports; and the reports of other scanners, read.
//!
//! Values in, text out. Standard SBOM formats are `sbom`'s; where the text goes is `cli`'s.

mod advice;
pub mod foreign;
pub mod formats;
mod language;
mod markup;
mod table;
mod text;
mod view;

pub use formats::{
    FORMATS, Format, FormatOptions, write_csv, write_gitlab, write_html, write_junit, write_markdown, write_sarif,
    write_scan_json,
};
pub use language::Language;
pub use table::{TableOptions, inventory_table};
pub use text::{bytes_for_people, printable};

use sekisho_model::Inventory;
use std::io::{self, Write};

/// Writes the inventory as an indented JSON document of schema `sekisho.inventory/v1` with a final
/// newline.
pub fn write_inventory_json(inventory: &Inventory, mut to: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut to, inventory)?;
    to.write_all(b"\n")
}
