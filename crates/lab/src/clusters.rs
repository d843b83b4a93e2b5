//! The table "ILS Clusters and Global Dial Plan Imported Catalogs" for people: as wide as their terminal allows.
//!
//! ```text
//! GET status -> clusters -> fits as the page has it?            as it is
//!                           fits with cells of several lines?   a table of such cells
//!                           else                                a block a cluster, a line a value
//! ```

use std::fmt::Write as _;

use ils_faces::clusters::{ACTION, COLUMNS};
use serde_json::Value;

/// What the page calls it.
pub const TITLE: &str = "ILS Clusters and Global Dial Plan Imported Catalogs";

/// Where a row of the API has the values of the page's columns; the last column has none, for it is a button.
const KEYS: [&str; 6] = ["cluster_id", "last_contact", "role", "route_string", "last_usn", "status"];

type Cells = [String; 7];

/// The table of a node's status in so many columns; without a number, as the page has it. Each line ends with LF.
pub fn fitted(status: &Value, columns: Option<usize>) -> String {
    let whole = status.get("clusters_text").and_then(Value::as_str).unwrap_or_default();
    let Some(columns) = columns.filter(|columns| widest(whole) > *columns) else {
        return whole.to_owned();
    };
    let rows = status.get("clusters").and_then(Value::as_array);
    let rows: Vec<Cells> = rows.into_iter().flatten().map(cells).collect();
    let lines: Vec<Cells> = std::iter::once(COLUMNS.map(str::to_owned)).chain(rows.iter().cloned()).collect();
    match widths(&lines, columns) {
        Some(widths) => table(&lines, widths),
        None => blocks(&rows),
    }
}

fn widest(text: &str) -> usize {
    text.lines().map(length).max().unwrap_or(0)
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn cells(row: &Value) -> Cells {
    let value = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let [cluster, contact, role, route, usn, status] = KEYS.map(value);
    [cluster, contact, role, route, usn, status, ACTION.to_owned()]
}

/// The widths of the cells, so that the table has at most so many columns; nothing where a word would have to be cut.
fn widths(lines: &[Cells], columns: usize) -> Option<[usize; 7]> {
    let most = |of: fn(&str) -> usize| {
        lines.iter().fold([0; 7], |mut most, line| {
            most.iter_mut().zip(line).for_each(|(most, cell)| *most = of(cell).max(*most));
            most
        })
    };
    let least = most(|cell| cell.split_whitespace().map(length).max().unwrap_or(0));
    let mut widths = most(length);
    // Two bars at the ends, " | " between two cells.
    let room = columns.checked_sub(4 + 3 * 6)?;
    while widths.iter().sum::<usize>() > room {
        // The widest gives way first: that costs the fewest lines.
        let wide = widths.iter_mut().zip(least).filter(|(width, least)| **width > *least);
        let (width, _) = wide.max_by_key(|(width, _)| **width)?;
        *width -= 1;
    }
    Some(widths)
}

fn table(lines: &[Cells], widths: [usize; 7]) -> String {
    let mut text = String::new();
    for line in lines {
        let mut wrapped: Vec<Vec<String>> =
            line.iter().zip(widths).map(|(cell, width)| wrap(cell, width)).collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for cell in &mut wrapped {
            cell.resize(height, String::new());
        }
        for at in 0..height {
            for (cell, width) in wrapped.iter().zip(widths) {
                // Writing to a String cannot fail, here and below.
                let _ = write!(text, "| {:<width$} ", cell.get(at).map_or("", String::as_str));
            }
            text.push_str("|\n");
        }
        for width in widths {
            let _ = write!(text, "|{:-<1$}", "", width + 2);
        }
        text.push_str("|\n");
    }
    text
}

/// Lines of whole words.
fn wrap(cell: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in cell.split_whitespace() {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn blocks(rows: &[Cells]) -> String {
    let wide = COLUMNS.iter().map(|name| length(name)).max().unwrap_or(0);
    let block = |row: &Cells| {
        let lines = COLUMNS.iter().zip(row).map(|(name, cell)| format!("{name:<wide$}  {cell}"));
        lines.map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    fn row(cluster: &str, role: &str, time: &str) -> Value {
        json!({
            "cluster_id": cluster, "last_contact": time, "role": role, "route_string": "", "last_usn": time,
            "status": "Up to date", "peer_id": "07"
        })
    }

    fn status() -> Value {
        json!({
            "clusters_text": format!("| {} |\n", "as the page has it ".repeat(8)),
            "clusters": [
                row("hub-cluster", "Hub (Local Cluster)", "-"),
                row("spoke-cluster", "Spoke", "11/26/26 11:46 AM"),
            ],
        })
    }

    #[test]
    fn a_table_is_never_wider_than_the_terminal_unless_a_value_alone_is() {
        let status = status();
        for columns in [40, 79, 80, 95, 100, 120, 140, 153] {
            let text = fitted(&status, Some(columns));
            // The longest heading and the longest value, whatever the terminal.
            assert!(widest(&text) <= columns.max(31 + 2 + 19), "{columns}: {text}");
            for word in
                ["hub-cluster", "spoke-cluster", "Cluster)", "Synchronization", "11/26/26", "Disconnect"]
            {
                assert!(text.contains(word), "{columns}: {word} is missing: {text}");
            }
        }
    }

    #[test]
    fn a_table_that_fits_or_that_no_terminal_shows_is_as_the_page_has_it() {
        let (status, whole) = (status(), status()["clusters_text"].as_str().expect("text").to_owned());
        for (columns, want) in [(None, true), (Some(156), true), (Some(155), false), (Some(0), false)] {
            assert_eq!(fitted(&status, columns) == whole, want, "{columns:?}");
        }
    }

    #[test]
    fn a_table_that_is_a_little_too_wide_has_cells_of_several_lines() {
        assert_eq!(
            fitted(&status(), Some(100)),
            "\
| Cluster       | Last       | Role       | Advertised | Last USN   | USN Data        | Action     |
| ID/Name       | Contact    |            | Route      | Data       | Synchronization |            |
|               | Time       |            | String     | Received   | Status          |            |
|---------------|------------|------------|------------|------------|-----------------|------------|
| hub-cluster   | -          | Hub (Local |            | -          | Up to date      | Disconnect |
|               |            | Cluster)   |            |            |                 |            |
|---------------|------------|------------|------------|------------|-----------------|------------|
| spoke-cluster | 11/26/26   | Spoke      |            | 11/26/26   | Up to date      | Disconnect |
|               | 11:46 AM   |            |            | 11:46 AM   |                 |            |
|---------------|------------|------------|------------|------------|-----------------|------------|
"
        );
    }

    #[test]
    fn a_table_that_is_far_too_wide_is_a_block_a_cluster() {
        assert_eq!(
            fitted(&status(), Some(80)),
            "\
Cluster ID/Name                  hub-cluster
Last Contact Time                -
Role                             Hub (Local Cluster)
Advertised Route String
Last USN Data Received           -
USN Data Synchronization Status  Up to date
Action                           Disconnect

Cluster ID/Name                  spoke-cluster
Last Contact Time                11/26/26 11:46 AM
Role                             Spoke
Advertised Route String
Last USN Data Received           11/26/26 11:46 AM
USN Data Synchronization Status  Up to date
Action                           Disconnect
"
        );
    }
}
