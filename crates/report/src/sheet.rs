//! Rows under headings, which on a narrow terminal give up their least important columns before they break a cell.

use crate::table::{HEADING, TableOptions, WARNING, line};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// Columns that comfy-table puts around the text of each cell.
const MARGINS: u16 = 2;

/// What becomes of a column for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Always there, and never broken over lines.
    Whole,
    /// Always there, broken over lines if it must be.
    Folded,
    /// Left out; the highest number goes first.
    Spare(u8),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    right: bool,
    keep: Keep,
}

pub(crate) const fn whole(heading: &'static str) -> Column {
    Column { heading, right: false, keep: Keep::Whole }
}

pub(crate) const fn folded(heading: &'static str) -> Column {
    Column { heading, right: false, keep: Keep::Folded }
}

/// A column that may be left out, the highest number first.
pub(crate) const fn spare(heading: &'static str, order: u8) -> Column {
    Column { heading, right: false, keep: Keep::Spare(order) }
}

impl Column {
    /// For numbers.
    pub(crate) const fn right(mut self) -> Column {
        self.right = true;
        self
    }
}

pub(crate) struct Sheet {
    columns: Vec<Column>,
    table: Table,
}

impl Sheet {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Sheet {
        let columns: Vec<Column> = columns.into_iter().collect();
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|column| column.heading));
        for (column, own) in columns.iter().zip(table.column_iter_mut()) {
            if column.right {
                own.set_cell_alignment(CellAlignment::Right);
            }
        }
        Sheet { columns, table }
    }

    /// Adds a row, with a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells);
    }

    pub(crate) fn print(self, out: &mut String, options: TableOptions) {
        self.print_with(out, options, |out, text| line!(out, "{text}"));
    }

    /// Prints each line with `print_line`, for colour.
    pub(crate) fn print_with(
        mut self,
        out: &mut String,
        options: TableOptions,
        mut print_line: impl FnMut(&mut String, &str),
    ) {
        let left_out = options.width.map(|width| self.fit(width)).unwrap_or_default();
        for text in self.table.lines() {
            print_line(out, text.trim_end());
        }
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            line!(out, " {WARNING}left out, as the terminal is narrow{WARNING:#}: {HEADING}{names}{HEADING:#}");
        }
    }

    /// Hides columns until the rest fits, and says which.
    fn fit(&mut self, width: u16) -> Vec<&'static str> {
        let wide = self.table.column_max_content_widths();
        let total = |hidden: &[usize]| -> usize {
            wide.iter()
                .enumerate()
                .filter(|(index, _)| !hidden.contains(index))
                .map(|(_, column)| usize::from(*column) + usize::from(MARGINS))
                .sum()
        };
        let mut spare: Vec<(u8, usize)> = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| match column.keep {
                Keep::Spare(order) => Some((order, index)),
                Keep::Whole | Keep::Folded => None,
            })
            .collect();
        spare.sort_unstable();
        let mut hidden = Vec::new();
        while total(&hidden) > usize::from(width) {
            let Some((_, index)) = spare.pop() else { break };
            hidden.push(index);
        }
        hidden.sort_unstable();
        for (index, own) in self.table.column_iter_mut().enumerate() {
            if hidden.contains(&index) {
                own.set_constraint(ColumnConstraint::Hidden);
            } else if self.columns[index].keep == Keep::Whole {
                own.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        self.table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        hidden.into_iter().map(|index| self.columns[index].heading).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(width: Option<u16>) -> String {
        let mut sheet = Sheet::new([whole("ID"), folded("VERSION"), spare("PATH", 1), spare("TITLE", 2)]);
        sheet.row(["CVE-2021-44228", "2.14.1", "usr/lib/log4j.jar", "Remote code execution"].map(str::to_owned));
        let mut out = String::new();
        sheet.print(&mut out, TableOptions { width });
        plain_text(&out)
    }

    /// Without ANSI styles.
    fn plain_text(text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, styled)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = styled.split_once('m').map_or("", |(_, rest)| rest);
        }
        plain + rest
    }

    #[test]
    fn columns_are_left_out_before_a_cell_is_broken() {
        let whole = " ID              VERSION  PATH               TITLE\n \
                     CVE-2021-44228  2.14.1   usr/lib/log4j.jar  Remote code execution\n";
        assert_eq!(printed(None), whole);
        assert_eq!(printed(Some(200)), whole);
        assert_eq!(
            printed(Some(60)),
            " ID              VERSION  PATH\n CVE-2021-44228  2.14.1   usr/lib/log4j.jar\n \
             left out, as the terminal is narrow: TITLE\n"
        );
        assert_eq!(
            printed(Some(30)),
            " ID              VERSION\n CVE-2021-44228  2.14.1\n left out, as the terminal is narrow: PATH, TITLE\n"
        );
        assert_eq!(
            printed(Some(22)),
            " ID              VERS\n                 ION\n CVE-2021-44228  2.14\n                 .1\n \
             left out, as the terminal is narrow: PATH, TITLE\n"
        );
    }
}
