//! Files that are whole or not there, and folders for their owner alone.
//!
//! ```text
//! write -> .NAME.XXXXXX.part beside it, fsync -> rename -> fsync of the folder     whoever reads never sees half
//!          killed in between -> sweep, at the next start                           and no half of a key stays behind
//! ```

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use tempfile::NamedTempFile;

/// What only the owner may do with a folder.
const PRIVATE_FOLDER: u32 = 0o700;
/// What only the owner may do with a file.
const PRIVATE_FILE: u32 = 0o600;
/// Ends the name of a file that is not whole yet.
const PART: &str = ".part";
/// Characters that make such a name one that nobody else has.
const RANDOM: usize = 6;

/// Makes a folder that only its owner may enter, and those above it that are missing, whatever the umask is. One that exists
/// keeps its mode.
///
/// # Errors
/// The system's.
pub fn private_folder(path: &Path) -> io::Result<()> {
    // The folder of a file that is named without one is there.
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        private_folder(parent)?;
    }
    match DirBuilder::new().mode(PRIVATE_FOLDER).create(path) {
        // A umask can only have taken bits away: this gives them back.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(PRIVATE_FOLDER)),
        // Another thread was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes a file whole, for its owner alone, whatever the umask is. Makes the folders that are missing. A file that is there
/// is replaced.
///
/// # Errors
/// The system's; an old file is then as it was, and nothing lies beside it.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    private_folder(folder_of(path))?;
    write_whole(path, content, PRIVATE_FILE)
}

/// Writes a file whole, with this mode less what the umask takes from others than the owner. A file that is there is
/// replaced.
///
/// # Errors
/// As [`write_private`]; a missing folder is one of them.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    part(path, content, mode)?.persist(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// As [`write_private`] does, a file that is not there yet.
///
/// # Errors
/// As [`write_private`], and [`ErrorKind::AlreadyExists`].
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    private_folder(folder_of(path))?;
    part(path, content, PRIVATE_FILE)?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// Gives a file that is complete its name, in place of whatever had it.
///
/// # Errors
/// The system's; both are then as they were.
pub fn move_into_place(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Removes a file; one that is not there, or cannot be, is removed already.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        removed => removed,
    }
}

/// Removes from a folder what a process that was killed was writing into it. For whoever holds the folder: what another
/// process is writing would go too. A folder that is not there has nothing to remove.
///
/// # Errors
/// The system's.
pub fn sweep(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_part) && entry.file_type()?.is_file() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// A name that was made or replaced in the folder of this file lasts.
///
/// # Errors
/// The system's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    File::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// All of the content in a file beside its place, on the disk; gone when dropped.
fn part(path: &Path, content: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let prefix = [".", &name.to_string_lossy(), "."].concat();
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART).rand_bytes(RANDOM).permissions(Permissions::from_mode(mode));
    let folder = folder_of(path);
    let mut part =
        builder.tempfile_in(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    give_back(part.as_file(), mode)?;
    part.write_all(content)?;
    part.as_file().sync_all()?;
    Ok(part)
}

/// A umask takes nothing from the owner.
fn give_back(file: &File, mode: u32) -> io::Result<()> {
    let has = file.metadata()?.permissions().mode() & 0o7777;
    let owner = mode & 0o700;
    if has & owner == owner { Ok(()) } else { file.set_permissions(Permissions::from_mode(has | owner)) }
}

/// `.NAME.XXXXXX.part`.
fn is_part(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART));
    let random = inner.and_then(|inner| inner.rsplit_once('.')).map(|(_, random)| random);
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests;
