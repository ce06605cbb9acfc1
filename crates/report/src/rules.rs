//! Detection rules as a list for the terminal.

use crate::sheet::{Sheet, folded, spare, whole};
use crate::table::TableOptions;
use crate::text::printable;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// What the rule is called.
    pub name: String,
    /// How urgent its alerts are.
    pub priority: &'static str,
    /// Where its events are from.
    pub source: String,
    /// What else is worth knowing of it.
    pub note: String,
    /// Its tags, parted by commas.
    pub tags: String,
}

/// The rules in a table, and how many they are; `note` is the heading of [`RuleRow::note`].
pub fn rule_table(rows: &[RuleRow], note: &'static str, options: TableOptions) -> String {
    let columns = [whole("PRIORITY"), spare("SOURCE", 2), spare(note, 1), folded("RULE"), spare("TAGS", 3)];
    let mut sheet = Sheet::new(columns);
    for row in rows {
        let RuleRow { name, priority, source, note, tags } = row;
        sheet.row([(*priority).to_owned(), printable(source), note.clone(), printable(name), printable(tags)]);
    }
    let mut text = String::new();
    sheet.print(&mut text, options);
    let end = if rows.len() == 1 { "1 rule".to_owned() } else { format!("{} rules", rows.len()) };
    text.push_str(&end);
    text.push('\n');
    text
}
