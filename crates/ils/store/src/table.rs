//! The result of a query, and the text that `run sql` prints.

use ilslab_names::escape;
use serde::Serialize;

/// What a null is printed as.
const NULL: &str = "NULL";

/// The result of a query. Booleans are `t` and `f`; a null is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// CUCM's layout: names, a run of `=` under each, rows; every column as wide as its widest cell, one space between
    /// two, no space at the end of a line, a line feed after each line. Controls and what is not ASCII as `\xNN`.
    pub fn to_text(&self) -> String {
        let widths = self.widths();
        let ruler: Vec<String> = widths.iter().map(|width| "=".repeat(*width)).collect();
        let names = self.columns.iter().map(|name| escape(name)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(shown).collect());
        [names, ruler].into_iter().chain(rows).map(|cells: Vec<String>| line(&cells, &widths)).collect()
    }

    /// An upper bound of the bytes of [`Table::to_text`]: a wide cell costs in every row.
    pub(crate) fn text_len(&self) -> usize {
        let line: usize = self.widths().iter().map(|width| width + 1).sum();
        line.saturating_mul(self.rows.len() + 2)
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|name| escape(name).len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown(cell).len());
            }
        }
        widths
    }
}

/// ASCII only, so that bytes are columns on a terminal.
fn shown(cell: &Option<String>) -> String {
    cell.as_deref().map_or_else(|| NULL.to_owned(), escape)
}

fn line(cells: &[String], widths: &[usize]) -> String {
    // Not `{:<width$}`, which panics beyond 65,535.
    let pad =
        |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.len())));
    let padded: Vec<String> = cells.iter().zip(widths).map(pad).collect();
    format!("{}\n", padded.join(" ").trim_end_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> Table {
        let owned = |row: &&[Option<&str>]| row.iter().map(|cell| cell.map(str::to_owned)).collect();
        Table {
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: rows.iter().map(owned).collect(),
        }
    }

    #[test]
    fn the_text_is_cucms() {
        for (case, table, want) in [
            (
                "an empty cell in the middle",
                table(
                    &["pkid", "fullyqualifiedname", "clusterid", "description", "version"],
                    &[&[
                        Some("5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da"),
                        Some("cucm11.adfs.uccs.com"),
                        Some("1"),
                        Some(""),
                        Some("11.5.1.10000(4)"),
                    ]],
                ),
                "pkid                                 fullyqualifiedname   clusterid description version\n\
                 ==================================== ==================== ========= =========== ===============\n\
                 5ed8bbe9-d72b-4cd1-8f8e-93ab32cb58da cucm11.adfs.uccs.com 1                     11.5.1.10000(4)\n",
            ),
            ("no rows", table(&["enum", "name"], &[]), "enum name\n==== ====\n"),
            (
                "a null, and an empty cell at the end",
                table(&["a", "b"], &[&[None, Some("")], &[Some("x"), None]]),
                "a    b\n==== ====\nNULL\nx    NULL\n",
            ),
            (
                "foreign text stays in its cell",
                table(&["a", "b"], &[&[Some("x\n\u{1b}[2J"), Some("ü")]]),
                "a            b\n============ ========\nx\\x0a\\x1b[2J \\xc3\\xbc\n",
            ),
        ] {
            assert_eq!(table.to_text(), want, "{case}");
            assert!(table.text_len() >= want.len(), "{case}: the bound");
        }
    }
    #[test]
    fn a_cell_may_be_wider_than_the_formatter_can_pad() {
        let wide = "w".repeat(70_000);
        let text = table(&["a", "b"], &[&[Some(&wide), Some("x")], &[Some("y"), Some("z")]]).to_text();
        assert_eq!(text.lines().last().map(str::len), Some(70_002));
    }
}
