//! Settings changed while running: [`Override`] <-> the table `setting`.

use ils_core::settings::Override;
use rusqlite::{Connection, Row, params};

use crate::cells::Cells;
use crate::error::ReadError;

/// A change takes the place of an earlier one of the same setting.
pub(crate) fn set(connection: &Connection, change: &Override) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO setting (key, value, replaced) VALUES (?1, ?2, ?3)";
    let values = params![change.key, change.value.to_string(), change.replaced.to_string()];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// A change that is not there is dropped already.
pub(crate) fn drop_change(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM setting WHERE key = ?1")?.execute([key]).map(drop)
}

/// All changes, in the order of their keys.
pub(crate) fn load(connection: &Connection) -> Result<Vec<Override>, ReadError> {
    let mut statement = connection.prepare("SELECT key, value, replaced FROM setting ORDER BY key")?;
    statement.query_and_then([], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Override, ReadError> {
    let cells = Cells::new(row, "setting", &["key"]);
    Ok(Override { key: cells.text("key")?, value: cells.json("value")?, replaced: cells.json("replaced")? })
}
