//! The cells of a row as they are read, each with a name for where it stands.

use std::fmt::Display;
use std::str::FromStr;

use ilslab_names::escape;
use rusqlite::types::ValueRef;
use rusqlite::{Error, Row};
use serde::de::DeserializeOwned;

use crate::error::{BadValue, ReadError};

/// A row of one of our tables.
pub(crate) struct Cells<'a> {
    row: &'a Row<'a>,
    table: &'static str,
    key: &'static [&'static str],
}

impl<'a> Cells<'a> {
    /// A row, and the columns that tell it from others.
    pub(crate) fn new(row: &'a Row<'a>, table: &'static str, key: &'static [&'static str]) -> Self {
        Self { row, table, key }
    }

    /// The value in this column cannot be.
    pub(crate) fn bad(&self, column: &'static str, problem: impl Into<String>) -> ReadError {
        let key: Vec<String> = self.key.iter().map(|column| self.shown(column)).collect();
        ReadError::Value(BadValue { table: self.table, row: key.join(" "), column, problem: problem.into() })
    }

    /// Text, as written.
    pub(crate) fn text(&self, column: &'static str) -> Result<String, ReadError> {
        self.row.get(column).map_err(|error| match error {
            Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) | Error::Utf8Error(..) => {
                self.bad(column, "is not UTF-8 text")
            }
            other => other.into(),
        })
    }

    /// Text that has to be of a kind.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, ReadError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(column)?.parse().map_err(|error: T::Err| self.bad(column, error.to_string()))
    }

    /// Octets.
    pub(crate) fn blob(&self, column: &'static str) -> Result<Vec<u8>, ReadError> {
        match self.row.get_ref(column)? {
            ValueRef::Blob(octets) => Ok(octets.to_vec()),
            _ => Err(self.bad(column, "is not a blob")),
        }
    }

    /// So many octets.
    pub(crate) fn octets<const N: usize>(&self, column: &'static str) -> Result<[u8; N], ReadError> {
        let octets = self.blob(column)?;
        <[u8; N]>::try_from(octets.as_slice()).map_err(|_| self.bad(column, format!("has not {N} octets")))
    }

    /// Text that has to be JSON of a shape.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, ReadError> {
        let wrong = |error| self.bad(column, format!("is not the JSON it has to be: {error}"));
        serde_json::from_str(&self.text(column)?).map_err(wrong)
    }

    /// Nothing there.
    pub(crate) fn is_null(&self, column: &'static str) -> Result<bool, ReadError> {
        Ok(self.row.get_ref(column)? == ValueRef::Null)
    }

    fn shown(&self, column: &str) -> String {
        match self.row.get_ref(column) {
            Ok(ValueRef::Text(text)) => escape(&String::from_utf8_lossy(text)),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => "?".to_owned(),
        }
    }
}
