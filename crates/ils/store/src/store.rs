//! The durable copy in one SQLite file.
//!
//! ```text
//! Store::open: access -> handle -> schema -> quick_check        nothing is replaced: what is not ours is an error
//! append: look, BEGIN IMMEDIATE, every change of every set, COMMIT, look
//!           WAL and synchronous=FULL: an Ok survives a power cut
//!           look: the files under their names are those that were written, or it is no Ok
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use ils_core::ledger::{Change, ChangeSet, Durable, Ledger};
use ils_core::wire::{Description, Fqdn};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::{ReadError, StoreError};
use crate::held::Held;
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
    /// What was opened. After the handle, which is to be closed first.
    held: Held,
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
        let mut held = Held::pin(&path)?;
        let mut handle = connect(&path)?;
        schema::migrate(&mut handle, &path)?;
        quick_check(&handle, &path)?;
        held.opened();
        Ok(Self { path, handle: Some(handle), held })
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
        self.write_whole(|transaction| {
            let sql = "INSERT OR REPLACE INTO node (only, fqdn, description) VALUES (1, ?1, ?2)";
            transaction.execute(sql, params![wanted.0, wanted.1]).map(drop)
        })
    }

    /// The handle, or a new one. Never a new file, nor another: a database that has gone missing is an error.
    fn handle(&mut self) -> Result<&mut Connection, StoreError> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            None => {
                let handle = connect(&self.path)?;
                self.held.opened();
                handle
            }
        };
        Ok(self.handle.insert(handle))
    }

    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, StoreError> {
        self.look()?;
        let done = read(self.handle()?);
        done.map_err(|error| self.failed(|path| error.of(path)))
    }

    /// All of it in one transaction, or nothing.
    fn write_whole(
        &mut self, write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.write(|handle| in_transaction(handle, write))
    }

    /// What is not in the files under their names, before and after, is not stored.
    fn write(
        &mut self, write: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.look()?;
        self.held.writable()?;
        self.part_with_a_read_only_handle();
        let done = write(self.handle()?);
        self.held.wrote();
        done.map_err(|error| self.failed(|path| StoreError::of(path, error)))?;
        self.look()
    }

    /// One that was opened while the file was read-only stays so.
    fn part_with_a_read_only_handle(&mut self) {
        let read_only = |handle: &Connection| handle.is_readonly("main").unwrap_or_default();
        if self.handle.as_ref().is_some_and(read_only) {
            self.part_with_the_handle();
        }
    }

    /// Closing it has put its log into the database.
    fn part_with_the_handle(&mut self) {
        self.handle = None;
        self.held.wrote();
    }

    /// Are the files in place? A log that is not costs nothing: the handle still has it.
    fn look(&mut self) -> Result<(), StoreError> {
        match self.held.look() {
            Err(gone @ StoreError::LogGone { .. }) => match self.empty_log() {
                true => self.open_anew(),
                false => Err(gone),
            },
            Err(error) => {
                self.leave_alone(&error);
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// With all in the database, a new handle makes a new log.
    fn open_anew(&mut self) -> Result<(), StoreError> {
        self.part_with_the_handle();
        self.handle().map(drop)
    }

    /// The old log must not be taken for that of whatever lies in the database's place at the next start. Where that file
    /// is ours still, and was written over, nothing more is written to it.
    fn leave_alone(&mut self, error: &StoreError) {
        match error {
            StoreError::Replaced { .. } => drop(self.empty_log()),
            StoreError::Overwritten { .. } => {
                let keep = |handle: &Connection| {
                    handle.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                };
                // Refused by no version that knows it.
                let _ = self.handle.as_ref().map(keep);
            }
            _ => {}
        }
    }

    /// Puts into the database all that is in the log of the handle, under whatever names they lie; not while others read.
    fn empty_log(&mut self) -> bool {
        let Some(handle) = &self.handle else { return true };
        let emptied = handle.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.held.wrote();
        emptied.is_ok_and(|busy| busy == 0)
    }

    fn failed(&mut self, error: impl FnOnce(&Path) -> StoreError) -> StoreError {
        let error = error(&self.path);
        if error.outlives_its_cause() {
            self.part_with_the_handle();
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
                own: peers::own(&handle)?,
                former: peers::former(&handle)?,
                peers: peers::load(&handle)?,
                overrides: settings::load(&handle)?,
            })
        })
    }

    fn append(&mut self, sets: &[ChangeSet]) -> Result<(), StoreError> {
        if sets.iter().all(Vec::is_empty) {
            return Ok(());
        }
        self.write_whole(|transaction| {
            sets.iter().flatten().try_for_each(|change| write(transaction, change))
        })
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        self.write(write_and_take_back)
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
        Change::Said(entry) => peers::say(transaction, entry),
        Change::Learned(known) => peers::learn(transaction, known),
        Change::Forgotten(peer_id) => peers::forget(transaction, *peer_id),
        Change::SettingChanged(change) => settings::set(transaction, change),
        Change::SettingDropped(key) => settings::drop_change(transaction, key),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
