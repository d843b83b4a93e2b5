//! A node's folder: who holds it, and where things lie in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("the data folder {} is in use by process {holder}; stop it, or give this node another --data-dir", path.display())]
    InUse {
        /// Which folder.
        path: PathBuf,
        /// Its process ID, as that process wrote it.
        holder: String,
    },
    /// It cannot be made or opened.
    #[error("the data folder {} cannot be used: {source}; check its permissions, or give another --data-dir", path.display())]
    Unusable {
        /// Which file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}

/// A node's folder, held by this process alone as long as this value lives.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder where it is missing, and takes it.
    ///
    /// # Errors
    /// Somebody has it, or it cannot be made.
    pub fn take(path: &Path) -> Result<Self, DataDirError> {
        for folder in [path.to_owned(), path.join("platform"), path.join("db")] {
            private_folder(&folder).map_err(|source| DataDirError::Unusable { path: folder, source })?;
        }
        let lock = lock(&path.join("lock"), path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `platform/`: keys and hashes.
    pub fn platform(&self) -> PathBuf {
        self.path.join("platform")
    }

    /// `db/ils.sqlite`.
    pub fn database(&self) -> PathBuf {
        self.path.join("db/ils.sqlite")
    }
}

fn lock(file: &Path, folder: &Path) -> Result<File, DataDirError> {
    let unusable = |source| DataDirError::Unusable { path: file.to_owned(), source };
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)
        .map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            lock.read_to_string(&mut holder).map_err(unusable)?;
            return Err(DataDirError::InUse { path: folder.to_owned(), holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
    }
    lock.set_len(0).and_then(|()| lock.rewind()).map_err(unusable)?;
    writeln!(lock, "{}", std::process::id()).map_err(unusable)?;
    Ok(lock)
}

/// A folder that only its owner may enter; one that exists keeps its mode.
///
/// # Errors
/// The system's.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file whole, readable by its owner alone: beside it first, then by rename.
///
/// # Errors
/// The system's; the old file is then still there.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What could not be written may not be there either: nothing more to do.
        let _ = fs::remove_file(&beside);
        return written;
    }
    sync_folder(path)
}

/// A name that was made or replaced lasts.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
