//! Whether the files that a handle holds are still those under their names.
//!
//! ```text
//! Held::pin -> opened -> look, write, look -> wrote     a handle goes on with its files whatever becomes of their names,
//!                                                       and stores where no start finds it again: so look, on both sides
//! ```

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, OFlags, access};

use crate::StoreError;
use crate::access::companions;

/// A file, whatever it is called: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// What changes where anybody writes: seconds and nanoseconds of the last time, and octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(i64, i64, u64);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.mtime(), metadata.mtime_nsec(), metadata.len())
    }
}

/// A file beside the database, as the handle has made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beside {
    id: FileId,
    stamp: Stamp,
}

impl Beside {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { id: FileId::of(&metadata), stamp: Stamp::of(&metadata) })
    }
}

/// The files of one database, as they were opened.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    /// Open for as long as this lives, and with it its inode: no other file is given the number. By path alone, since
    /// closing a file that was opened to be read would end SQLite's locks on it.
    database: File,
    id: FileId,
    /// At the end of the last write of ours, as that of the log.
    stamp: Stamp,
    /// Absent until the handle has made it.
    log: Option<Beside>,
    /// The index of the log, which is memory that others write too: its stamp says nothing.
    index: Option<Beside>,
}

impl Held {
    /// Holds the database that lies there now.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn pin(path: &Path) -> Result<Self, StoreError> {
        let about = |source| StoreError::Access { path: path.to_owned(), source };
        // `O_PATH` does without the right to read; the flag of `read` is what the library asks for.
        let flags = i32::try_from(OFlags::PATH.bits()).unwrap_or_default();
        let database = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(about)?;
        let metadata = database.metadata().map_err(about)?;
        let (id, stamp) = (FileId::of(&metadata), Stamp::of(&metadata));
        Ok(Self { path: path.to_owned(), database, id, stamp, log: None, index: None })
    }

    /// A new handle has opened all of them.
    pub(crate) fn opened(&mut self) {
        self.wrote();
        let [log, index] = companions(&self.path).map(|path| Beside::of(&path));
        (self.log, self.index) = (log, index);
    }

    /// What the files hold now, this node has written. Which files they are stays as it was.
    pub(crate) fn wrote(&mut self) {
        if let Ok(metadata) = self.database.metadata() {
            self.stamp = Stamp::of(&metadata);
        }
        let [log, index] = companions(&self.path).map(|path| Beside::of(&path));
        if self.log.is_none_or(|held| log.is_some_and(|found| found.id == held.id)) {
            self.log = log;
        }
        self.index = self.index.or(index);
    }

    /// Are they where they were?
    ///
    /// # Errors
    /// [`StoreError::Gone`], [`StoreError::Replaced`] or [`StoreError::Overwritten`] about the database, then
    /// [`StoreError::LogGone`] or [`StoreError::Overwritten`] about the files beside it.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        let path = || self.path.clone();
        let found = match fs::metadata(&self.path) {
            Err(error) if is_missing(&error) => return Err(StoreError::Gone { path: path() }),
            found => found.map_err(|source| StoreError::Access { path: path(), source })?,
        };
        if FileId::of(&found) != self.id {
            return Err(StoreError::Replaced { path: path() });
        }
        if Stamp::of(&found) != self.stamp {
            return Err(StoreError::Overwritten { path: path() });
        }
        self.look_beside()
    }

    /// May the database be written? An open handle may go on where nobody may open it any more.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`].
    pub(crate) fn writable(&self) -> Result<(), StoreError> {
        let read_only = |_| StoreError::ReadOnly { path: self.path.clone() };
        access(&self.path, Access::WRITE_OK).map_err(read_only)
    }

    fn look_beside(&self) -> Result<(), StoreError> {
        let [log, index] = companions(&self.path);
        for (path, held) in [(&log, self.log), (&index, self.index)] {
            if held.is_some() && held.map(|held| held.id) != Beside::of(path).map(|found| found.id) {
                return Err(StoreError::LogGone { path: path.clone() });
            }
        }
        match self.log.is_some() && self.log != Beside::of(&log) {
            true => Err(StoreError::Overwritten { path: log }),
            false => Ok(()),
        }
    }
}

/// Without the file, or with a file in the place of its folder.
fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
