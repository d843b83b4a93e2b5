//! What can go wrong with the database file, told apart by what an administrator can do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The database cannot be opened, read or written. Every text names the file and the cure.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder cannot be made or made private.
    #[error("cannot prepare {}: {source}; check the owner and the permissions of the folder", path.display())]
    Access {
        /// Which file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file is missing, is a folder, or may not be opened.
    #[error("cannot open {}: {detail}; check that it is a file and that this user may read and write it", path.display())]
    Unopenable {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// The file is no longer there, and a running node has it open.
    #[error(
        "{} has gone while this program runs; put it back: without it the next start begins anew, under another peer ID",
        path.display()
    )]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// Another file lies there than the one that a running node has open.
    #[error(
        "{} is another file than the one that this program has opened; put that one back, or stop this program and \
         start it again, which takes up the other", path.display()
    )]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// A running node has it open, and somebody else has written it: the database, or its log.
    #[error(
        "{} was written by another program while this one runs; stop this one and start it again; where a backup was \
         copied over the database, remove its -wal file in between", path.display()
    )]
    Overwritten {
        /// Which file.
        path: PathBuf,
    },
    /// Its log has gone or is another, and what was in the old one could not yet be put into the database.
    #[error(
        "{} has gone or was replaced while this program runs, and a reader keeps the database from being put in order; \
         end that reader, nothing else is needed", path.display()
    )]
    LogGone {
        /// Which file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a database of ilslab; it was left as it is: move it away, or choose another data folder", path.display())]
    NotADatabase {
        /// Which file.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error(
        "{} has schema {found}, and this version knows schemas up to {known}; use the version that wrote it, \
         or choose another data folder", path.display()
    )]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// The last one known here.
        known: i64,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged: {detail}; it was left as it is: restore it and its -wal file from a backup, or move them \
         away and join again", path.display()
    )]
    Corrupted {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// A value in it is not one that this program writes.
    #[error("{}, table {table}, row {row}, column {column}: {problem}; correct the value or delete the row", path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which table.
        table: &'static str,
        /// The row's key, escaped.
        row: String,
        /// Which column.
        column: &'static str,
        /// What is wrong with the value.
        problem: String,
    },
    /// Another process holds the database, and did not let go in time.
    #[error("{} is locked by another process; end the program that has it open", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// No space is left.
    #[error("no space left to write {}; free some, nothing else is needed", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The file or its file system may only be read.
    #[error("{} is read-only; make the file, its folder and its file system writable", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// Anything else that SQLite has to say, the system's input and output errors among them.
    #[error("{} cannot be used: {source}; check the disk", path.display())]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// The kind of an error that SQLite reports about this file.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupted { path, detail: source.to_string() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Unopenable { path, detail: source.to_string() }
            }
            _ => Self::Sqlite { path, source },
        }
    }

    /// An open handle keeps this trouble even when the file no longer has it.
    pub(crate) fn outlives_its_cause(&self) -> bool {
        matches!(self, Self::ReadOnly { .. } | Self::Unopenable { .. })
    }
}

/// A read went wrong, in SQLite or in what it found; the caller adds the file's name.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// SQLite's.
    Sqlite(rusqlite::Error),
    /// A value that cannot be.
    Value(BadValue),
}

/// Where an impossible value stands.
#[derive(Debug)]
pub(crate) struct BadValue {
    pub(crate) table: &'static str,
    pub(crate) row: String,
    pub(crate) column: &'static str,
    pub(crate) problem: String,
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl ReadError {
    /// The same, about this file.
    pub(crate) fn of(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => StoreError::of(path, error),
            Self::Value(BadValue { table, row, column, problem }) => {
                StoreError::Row { path: path.to_owned(), table, row, column, problem }
            }
        }
    }
}
