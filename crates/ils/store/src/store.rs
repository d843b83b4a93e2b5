//! The durable copy in one SQLite file.
//!
//! ```text
//! Store::open: access -> handle -> schema -> quick_check        nothing is replaced: what is not ours is an error
//! append: BEGIN IMMEDIATE, every change of every set, COMMIT    WAL and synchronous=FULL: an Ok survives a power cut
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use ils_core::ledger::{Change, ChangeSet, Durable, Ledger};
use ils_core::wire::{Description, Fqdn};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::{ReadError, StoreError};
use crate::{access, peers, schema, settings};

/// How long to wait for another process; a node whose store is busy longer must say so and go on.
const PATIENCE: Duration = Duration::from_secs(1);
/// A probe writes this much: more than a page, so that a file which cannot grow is noticed.
const PROBE_BYTES: i64 = 16 * 1024;

/// The database of one node. One process has it open at a time; the lock on the data folder sees to that.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Absent after a failure that outlives its cause in the handle; the next call opens a new one.
    handle: Option<Connection>,
}

impl Store {
    /// Opens the database, and makes it where it is missing: file 0600, a missing folder 0700.
    ///
    /// # Errors
    /// The file is not ours, from a later version, damaged, locked, or cannot be made. It is as it was then.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // An absolute path, as SQLite takes one that begins with `file:` for a URI.
        let path = std::path::absolute(path)
            .map_err(|source| StoreError::Access { path: path.to_owned(), source })?;
        access::claim(&path)?;
        let mut handle = connect(&path)?;
        schema::migrate(&mut handle, &path)?;
        quick_check(&handle, &path)?;
        Ok(Self { path, handle: Some(handle) })
    }

    /// Says what this node is called, for the table `processnode`. Writes only what is new.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn set_node(&mut self, fqdn: &Fqdn, description: &Description) -> Result<(), StoreError> {
        let wanted = (fqdn.to_string(), description.to_string());
        let known = self.read(|handle| {
            let sql = "SELECT fqdn, description FROM node";
            let cells = handle.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
            cells.optional().map_err(ReadError::from)
        })?;
        if known.as_ref() == Some(&wanted) {
            return Ok(());
        }
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO node (only, fqdn, description) VALUES (1, ?1, ?2)";
            transaction.execute(sql, params![wanted.0, wanted.1]).map(drop)
        })
    }

    /// The handle, or a new one. Never a new file: a database that has gone missing is an error.
    fn handle(&mut self) -> Result<&mut Connection, StoreError> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            None => connect(&self.path)?,
        };
        Ok(self.handle.insert(handle))
    }

    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, StoreError> {
        let done = read(self.handle()?);
        done.map_err(|error| self.failed(|path| error.of(path)))
    }

    fn write(
        &mut self, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let done = in_transaction(self.handle()?, write);
        done.map_err(|error| self.failed(|path| StoreError::of(path, error)))
    }

    fn failed(&mut self, error: impl FnOnce(&Path) -> StoreError) -> StoreError {
        let error = error(&self.path);
        if error.outlives_its_cause() {
            self.handle = None;
        }
        error
    }
}

impl Ledger for Store {
    type Error = StoreError;

    fn load(&mut self) -> Result<Durable, StoreError> {
        self.read(|handle| {
            // One transaction: all three of the same moment.
            let handle = handle.unchecked_transaction()?;
            Ok(Durable {
                peer_id: peers::identity(&handle)?,
                peers: peers::load(&handle)?,
                overrides: settings::load(&handle)?,
            })
        })
    }

    fn append(&mut self, sets: &[ChangeSet]) -> Result<(), StoreError> {
        if sets.iter().all(Vec::is_empty) {
            return Ok(());
        }
        self.write(|transaction| sets.iter().flatten().try_for_each(|change| write(transaction, change)))
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        let done = write_and_take_back(self.handle()?);
        done.map_err(|error| self.failed(|path| StoreError::of(path, error)))
    }
}

/// A handle on a file that is there.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let about = |error| StoreError::of(path, error);
    access::align(path)?;
    let handle = Connection::open_with_flags(path, flags).map_err(about)?;
    handle.busy_timeout(PATIENCE).map_err(about)?;
    // Before anything else is done to it: a file of somebody else must not become a WAL database.
    schema::judge(&handle, path)?;
    prepare(&handle).map_err(about)?;
    Ok(handle)
}

fn prepare(handle: &Connection) -> rusqlite::Result<()> {
    handle.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    handle.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    handle.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    handle.pragma_update(None, "synchronous", "full")?;
    handle.pragma_update(None, "foreign_keys", true)
}

/// Reads the whole file once; for a registry that is a millisecond.
fn quick_check(handle: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: Result<String, _> = handle.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(detail) => Err(StoreError::Corrupted { path: path.to_owned(), detail }),
        Err(error) => Err(StoreError::of(path, error)),
    }
}

/// Rolled back where anything in it fails, the commit included.
fn in_transaction(
    handle: &mut Connection, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = handle.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write(&transaction)?;
    transaction.commit()
}

/// The flush is what reaches the disk: without it, the row would come and go in memory.
fn write_and_take_back(handle: &mut Connection) -> rusqlite::Result<()> {
    let transaction = handle.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO probe (filler) VALUES (zeroblob(?1))", [PROBE_BYTES])?;
    transaction.cache_flush()?;
    transaction.rollback()
}

fn write(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Identity(peer_id) => peers::identify(transaction, *peer_id),
        Change::Learned(known) => peers::learn(transaction, known),
        Change::Forgotten(peer_id) => peers::forget(transaction, *peer_id),
        Change::SettingChanged(change) => settings::set(transaction, change),
        Change::SettingDropped(key) => settings::drop_change(transaction, key),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
