//! Who may read the file: its owner alone, from its first byte on and whatever the umask is.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ilslab_files::{private_folder, write_new};

use crate::StoreError;

/// What others than the owner may do.
const OTHERS: u32 = 0o077;

/// Makes the database file where it is missing, and its folders; takes away what others may do with one that exists.
pub(crate) fn claim(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(|source| StoreError::Access { path: folder.to_owned(), source })?;
    }
    private_file(path).map_err(|source| StoreError::Access { path: path.to_owned(), source })
}

/// Gives `-wal` and `-shm` the mode of the database, as SQLite does when it makes them: those that a database had while it
/// was read-only, or open to others, stay behind as they were.
pub(crate) fn align(path: &Path) -> Result<(), StoreError> {
    // A database that is not there is for SQLite to report.
    let Ok(database) = fs::metadata(path) else {
        return Ok(());
    };
    for companion in companions(path) {
        match follow(&companion, database.permissions().mode()) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::Access { path: companion, source });
            }
            _ => {}
        }
    }
    Ok(())
}

fn follow(companion: &Path, mode: u32) -> io::Result<()> {
    let has = fs::metadata(companion)?.permissions().mode();
    if has == mode { Ok(()) } else { fs::set_permissions(companion, Permissions::from_mode(mode)) }
}

/// The files that SQLite keeps beside the database: its log, and the index of that.
pub(crate) fn companions(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

fn private_file(path: &Path) -> io::Result<()> {
    match write_new(path, &[]) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => tighten(path),
        made => made,
    }
}

fn tighten(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
}
