//! Every form in which results are shown: tables for people, JSON for programs.
//!
//! Values in, text out. Standard SBOM formats are `sbom`'s; where the text goes is `cli`'s.

mod table;
mod text;

pub use table::{TableOptions, inventory_table};
pub use text::{bytes_for_people, printable};

use sekisho_model::Inventory;

/// The inventory as a JSON document of schema `sekisho.inventory/v1`, indented, with a final newline.
pub fn inventory_json(inventory: &Inventory) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(inventory)?;
    text.push('\n');
    Ok(text)
}
