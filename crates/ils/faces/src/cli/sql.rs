//! `run sql SELECT`: read-only, on CUCM's tables, bounded in time and rows by the reader.

use std::path::Path;

use ils_store::{QueryError, QueryLimits, Reader, Table};
use ilslab_desk::cli::CommandError;

pub(super) const USAGE: &str = "run sql SELECT";

/// Prints the rows in CUCM's layout.
pub(super) fn run(sql: &str, database: &Path) -> Result<String, CommandError> {
    if sql.is_empty() {
        return Err(CommandError::Usage { problem: "the statement is missing".to_owned(), usage: USAGE });
    }
    Ok(query(sql, database)?.to_text())
}

/// The rows themselves. The database is opened for each query, so that nothing holds it in between.
///
/// # Errors
/// A database that cannot be opened, or a statement that it does not answer.
pub fn query(sql: &str, database: &Path) -> Result<Table, CommandError> {
    let reader = Reader::open(database).map_err(|error| CommandError::Unavailable(error.to_string()))?;
    reader.query(sql, &QueryLimits::default()).map_err(|error| match error {
        QueryError::Database { .. } => CommandError::Unavailable(error.to_string()),
        error => CommandError::Refused(error.to_string()),
    })
}
