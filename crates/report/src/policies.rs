//! Policies as a list for the terminal.

use crate::sheet::{Sheet, folded, spare, whole};
use crate::table::TableOptions;
use crate::text::printable;
use sekisho_model::PolicySeverity;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// What it is known by.
    pub id: String,
    /// How bad a violation is.
    pub severity: PolicySeverity,
    /// When it is asked, parted by commas.
    pub stages: String,
    /// Whether a violation is refused somewhere.
    pub enforced: bool,
    /// What people call it.
    pub name: String,
}

/// The policies in a table, and how many they are.
pub fn policy_table(rows: &[PolicyRow], options: TableOptions) -> String {
    let columns = [whole("ID"), whole("SEVERITY"), spare("STAGES", 1), spare("ENFORCED", 2), folded("NAME")];
    let mut sheet = Sheet::new(columns);
    for row in rows {
        let enforced = if row.enforced { "yes" } else { "" };
        let PolicyRow { id, severity, stages, name, .. } = row;
        sheet.row([&printable(id), severity.as_str(), stages, enforced, &printable(name)].map(str::to_owned));
    }
    let mut text = String::new();
    sheet.print(&mut text, options);
    let end = if rows.len() == 1 { "1 policy".to_owned() } else { format!("{} policies", rows.len()) };
    text.push_str(&end);
    text.push('\n');
    text
}
