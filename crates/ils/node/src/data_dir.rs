//! A node's folder: who holds it, and where things lie in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ilslab_files::{private_folder, sweep};

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
    /// Makes the folder where it is missing, takes it, and removes what a process that was killed was writing into it.
    ///
    /// # Errors
    /// Somebody has it, or it cannot be made.
    pub fn take(path: &Path) -> Result<Self, DataDirError> {
        for folder in [path.to_owned(), path.join("platform"), path.join("db")] {
            private_folder(&folder).map_err(|source| DataDirError::Unusable { path: folder, source })?;
        }
        let lock = lock(&path.join("lock"), path)?;
        for folder in ["platform", "platform/tomcat", "platform/tomcat-trust"].map(|name| path.join(name)) {
            sweep(&folder).map_err(|source| DataDirError::Unusable { path: folder, source })?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_was_writing_is_gone_once_the_folder_is_taken_again() {
        let root = tempfile::tempdir().expect("a folder");
        let left = ["network.key", "tomcat/tomcat.key", "tomcat-trust/a.pem"].map(|name| {
            let place = root.path().join("platform").join(name);
            let name = place.file_name().expect("a name").to_string_lossy().into_owned();
            let left = place.with_file_name(format!(".{name}.abc123.part"));
            ilslab_files::write_private(&left, b"half a key").expect("writes");
            ilslab_files::write_private(&place, b"whole").expect("writes");
            (left, place)
        });
        let taken = DataDir::take(root.path()).expect("nobody has it");
        for (left, place) in &left {
            assert!(!left.exists() && place.exists(), "{}", place.display());
        }
        let other = DataDir::take(root.path()).map(drop).expect_err("it is taken");
        assert!(matches!(other, DataDirError::InUse { .. }), "{other}");
        drop(taken);
    }
}
