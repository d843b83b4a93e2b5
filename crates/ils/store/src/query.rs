//! One `select`: how far it may go, and how it can fail.

use std::time::Duration;

use rusqlite::{Error, ErrorCode};

use crate::grants::TABLES;

/// How far a query may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// How long it may run.
    pub time: Duration,
    /// Most rows of a result.
    pub rows: usize,
    /// Most bytes of a result, as cells and as text.
    pub bytes: usize,
}

impl Default for QueryLimits {
    /// One second, 10,000 rows, 8 MiB: the lab's choice.
    fn default() -> Self {
        Self { time: Duration::from_secs(1), rows: 10_000, bytes: 8 * 1024 * 1024 }
    }
}

/// A query has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing to do.
    #[error("there is no statement; write one, such as `select * from remotecluster`")]
    Empty,
    /// A second statement follows the first.
    #[error("there is more than one statement; send them one at a time")]
    MoreThanOne,
    /// SQLite does not understand it, or there is no such table, column or function.
    #[error("{problem}{}", at(*position))]
    Wrong {
        /// SQLite's words, with the token.
        problem: String,
        /// The first character of that token, counted from 1, where SQLite knows it.
        position: Option<usize>,
    },
    /// Not for `run sql`.
    #[error("{what} is not permitted; run sql is for select statements on {}", TABLES.join(", "))]
    NotPermitted {
        /// What the statement asked for.
        what: String,
    },
    /// The time is over.
    #[error("it was stopped after {} ms; narrow it down", limit.as_millis())]
    TooLong {
        /// The time it had.
        limit: Duration,
    },
    /// More rows than it may have.
    #[error("it has more than {limit} rows; narrow it down, or end it with `limit {limit}`")]
    TooManyRows {
        /// Most rows.
        limit: usize,
    },
    /// A cell, the result or the statement itself is larger than it may be.
    #[error("it or its result is too large (a result may have {limit} bytes); select fewer rows or columns")]
    TooLarge {
        /// Most bytes of a result.
        limit: usize,
    },
    /// The database cannot be read.
    #[error("the database cannot be read: {problem}")]
    Database {
        /// In SQLite's words.
        problem: String,
    },
}

impl QueryError {
    /// The kind of an error that SQLite reports about this statement.
    pub(crate) fn of(error: Error, sql: &str, limits: &QueryLimits) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => return Self::TooLong { limit: limits.time },
            Some(ErrorCode::TooBig) => return Self::TooLarge { limit: limits.bytes },
            _ => {}
        }
        match error {
            Error::SqlInputError { msg, offset, .. } => {
                Self::Wrong { problem: lower_first(&msg), position: position(sql, offset) }
            }
            Error::SqliteFailure(failure, Some(problem)) if failure.code == ErrorCode::Unknown => {
                Self::Wrong { problem: lower_first(&problem), position: None }
            }
            Error::InvalidParameterCount(..) => {
                Self::Wrong { problem: "a parameter has no value".to_owned(), position: None }
            }
            other => Self::Database { problem: lower_first(&other.to_string()) },
        }
    }
}

fn at(position: Option<usize>) -> String {
    position.map(|position| format!(" at character {position}")).unwrap_or_default()
}

/// SQLite counts bytes from 0, and says -1 where it does not know.
fn position(sql: &str, offset: i32) -> Option<usize> {
    let before = sql.get(..usize::try_from(offset).ok()?)?;
    Some(before.chars().count() + 1)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
