//! `run sql SELECT`: read-only, on CUCM's tables, bounded in time and rows by the reader.

use ils_store::{QueryLimits, Reader, Table};

use super::{CliError, Terminal};

pub(super) const USAGE: &str = "run sql SELECT";

/// Prints the rows in CUCM's layout.
pub(super) fn run(sql: &str, terminal: &Terminal<'_>) -> Result<String, CliError> {
    if sql.is_empty() {
        return Err(CliError::Usage { problem: "the statement is missing".to_owned(), usage: USAGE });
    }
    Ok(query(sql, terminal)?.to_text())
}

/// The rows themselves. The database is opened for each query, so that nothing holds it in between.
///
/// # Errors
/// A database that cannot be opened, or a statement that it does not answer.
pub fn query(sql: &str, terminal: &Terminal<'_>) -> Result<Table, CliError> {
    Ok(Reader::open(terminal.database)?.query(sql, &QueryLimits::default())?)
}
