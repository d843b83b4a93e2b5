//! The schema and its history: `user_version` counts the migrations that a file has had.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// Marks a file as ours, in SQLite's `application_id`: "ILSL".
const APPLICATION_ID: i64 = 0x494c_534c;

/// Each takes a file from the schema of its place to the next.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Brings a file to the newest schema, in one transaction.
///
/// # Errors
/// The file is not ours, or newer than this program; then it is as it was.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let about = |error| StoreError::of(path, error);
    let done = judge(connection, path)?;
    if done == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(about)?;
    // Another process may have been quicker.
    let done = judge(&transaction, path)?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(about)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(about)?;
    transaction.pragma_update(None, "user_version", known()).map_err(about)?;
    transaction.commit().map_err(about)
}

/// How many migrations a file has had. Reads only.
///
/// # Errors
/// The file is not ours, or newer than this program.
pub(crate) fn judge(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let about = |error| StoreError::of(path, error);
    let found = pragma(connection, "user_version").map_err(about)?;
    let application = pragma(connection, "application_id").map_err(about)?;
    let fresh = application == 0 && found == 0 && is_empty(connection).map_err(about)?;
    if application != APPLICATION_ID && !fresh {
        return Err(StoreError::NotADatabase { path: path.to_owned() });
    }
    match usize::try_from(found) {
        Ok(done) if done <= MIGRATIONS.len() => Ok(done),
        _ => Err(StoreError::NewerSchema { path: path.to_owned(), found, known: known() }),
    }
}

/// The newest schema.
pub(crate) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}
