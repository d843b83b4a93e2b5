//! `run sql`: one statement, read-only, on CUCM's tables alone.
//!
//! ```text
//! select … -> handle of its own (read-only, query_only, limits) -> prepare, judged by Grants -> rows -> Table
//! ```
//! A handle for each query: queries run beside each other and beside the writer, and none inherits anything.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ilslab_time::clock;
use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::Authorization;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, OpenFlags, Statement};

use crate::grants::Grants;
use crate::{QueryError, QueryLimits, StoreError, Table, schema};

/// Virtual machine steps between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 1_000;
/// Limits of SQLite's own. The first bounds what one uninterruptible function call can cost.
const LIMITS: [(Limit, i32); 6] = [
    (Limit::SQLITE_LIMIT_LENGTH, 256 * 1024),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
    (Limit::SQLITE_LIMIT_COLUMN, 200),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 128),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
];

/// Read-only access to the database of a node, which may be running.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
}

impl Reader {
    /// Read-only access to a database that is there.
    ///
    /// # Errors
    /// The file is missing, not ours, from a later version, or damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path)
            .map_err(|source| StoreError::Access { path: path.to_owned(), source })?;
        let handle = connect(&path).map_err(|error| StoreError::of(&path, error))?;
        match schema::judge(&handle, &path)? {
            0 => Err(StoreError::NotADatabase { path }),
            _ => Ok(Self { path }),
        }
    }

    /// The result of one `select`.
    ///
    /// # Errors
    /// It is wrong, not permitted, or goes beyond a limit.
    pub fn query(&self, sql: &str, limits: &QueryLimits) -> Result<Table, QueryError> {
        if sql.contains('\0') {
            let problem = "a statement cannot hold the character with the number 0".to_owned();
            return Err(QueryError::Wrong { problem, position: None });
        }
        let wrong = |error| QueryError::of(error, sql, limits);
        let mut handle = connect(&self.path).map_err(wrong)?;
        let refused = restrict(&mut handle, limits.time).map_err(wrong)?;
        select(&handle, sql, limits).map_err(|error| match (error, refusal(&refused)) {
            (QueryError::Wrong { .. } | QueryError::Database { .. }, Some(what)) => {
                QueryError::NotPermitted { what }
            }
            (error, _) => error,
        })
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let handle = Connection::open_with_flags(path, flags)?;
    handle.busy_timeout(Duration::from_millis(500))?;
    handle.pragma_update(None, "query_only", true)?;
    handle.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    handle.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(handle)
}

/// What the statement asked for and was refused: SQLite's own error does not always say it.
type Refusal = Arc<Mutex<Option<String>>>;

fn refusal(refused: &Refusal) -> Option<String> {
    refused.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// From here on the handle can do nothing but what [`Grants`] permit, in the time given.
fn restrict(handle: &mut Connection, time: Duration) -> rusqlite::Result<Refusal> {
    for (limit, value) in LIMITS {
        handle.set_limit(limit, value)?;
    }
    let begun = clock::monotonic();
    handle.progress_handler(STEPS, Some(move || begun.elapsed() >= time))?;
    let refused = Refusal::default();
    let note = Arc::clone(&refused);
    let mut grants = Grants::default();
    handle.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
        match grants.judge(&context) {
            Ok(()) => Authorization::Allow,
            Err(what) => {
                note.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
                Authorization::Deny
            }
        }
    }))?;
    Ok(refused)
}

fn select(handle: &Connection, sql: &str, limits: &QueryLimits) -> Result<Table, QueryError> {
    let wrong = |error| QueryError::of(error, sql, limits);
    let mut statements = Batch::new(handle, sql);
    let mut statement = statements.next().map_err(wrong)?.ok_or(QueryError::Empty)?;
    if !matches!(statements.next(), Ok(None)) {
        return Err(QueryError::MoreThanOne);
    }
    // What no authorizer is asked about: explain, vacuum.
    if statement.is_explain() != 0 || !statement.readonly() || statement.column_count() == 0 {
        return Err(QueryError::NotPermitted { what: "a statement other than select".to_owned() });
    }
    let columns = statement.column_names().map(str::to_owned).collect();
    let rows = rows(&mut statement, limits, &wrong)?;
    let table = Table { columns, rows };
    match table.text_len() > limits.bytes {
        true => Err(QueryError::TooLarge { limit: limits.bytes }),
        false => Ok(table),
    }
}

type Rows = Vec<Vec<Option<String>>>;

fn rows(
    statement: &mut Statement<'_>, limits: &QueryLimits, wrong: &dyn Fn(rusqlite::Error) -> QueryError,
) -> Result<Rows, QueryError> {
    let is_boolean = |declared: &str| declared.eq_ignore_ascii_case("boolean");
    let booleans: Vec<bool> =
        statement.columns().map(|column| column.decl_type().is_some_and(is_boolean)).collect();
    let mut found = statement.query([]).map_err(wrong)?;
    let mut rows = Rows::new();
    let mut bytes = 0;
    while let Some(row) = found.next().map_err(wrong)? {
        if rows.len() == limits.rows {
            return Err(QueryError::TooManyRows { limit: limits.rows });
        }
        let cells =
            booleans.iter().enumerate().map(|(column, boolean)| Ok(cell(row.get_ref(column)?, *boolean)));
        let cells = cells.collect::<rusqlite::Result<Vec<_>>>().map_err(wrong)?;
        // The cell itself counts too: ten thousand rows of nulls are not free.
        bytes += cells
            .iter()
            .map(|cell| size_of::<Option<String>>() + cell.as_ref().map_or(0, String::len))
            .sum::<usize>();
        if bytes > limits.bytes {
            return Err(QueryError::TooLarge { limit: limits.bytes });
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// A value as Informix prints it; real numbers and bytes as SQLite does.
fn cell(value: ValueRef<'_>, boolean: bool) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(0) if boolean => Some("f".to_owned()),
        ValueRef::Integer(_) if boolean => Some("t".to_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(format!("{number:?}")),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}
