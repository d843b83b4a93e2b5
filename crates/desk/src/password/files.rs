//! The password's files: a given one is read, a hash is read and written; and what can go wrong with either.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::line::{LineError, password_line};

/// Longest password file that is read, in octets; a longer one is no password.
pub(super) const FILE_MAX: usize = 1_024;

/// The password cannot be read, made or kept.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// A file cannot be read.
    #[error("failed to read {}: {error}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// A password file without a password.
    #[error("{} is empty; write the administrator's password into it", file.display())]
    Empty {
        /// Which.
        file: PathBuf,
    },
    /// A password file that is no line of UTF-8.
    #[error("{} is not a password: {error}", file.display())]
    NotOneLine {
        /// Which.
        file: PathBuf,
        /// Why not.
        error: LineError,
    },
    /// A password file that is too long.
    #[error("{} is not a password: it must be UTF-8 text of at most {FILE_MAX} octets", file.display())]
    NotAPassword {
        /// Which.
        file: PathBuf,
    },
    /// A hash that this program has not written.
    #[error("{} is not a password hash of this program; remove it, and the next start makes a new password", file.display())]
    NotAHash {
        /// Which.
        file: PathBuf,
    },
    /// The hash cannot be kept.
    #[error("failed to write {}: {error}", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The system has no random numbers.
    #[error("failed to make a password: {0}")]
    Random(getrandom::Error),
}

/// The password in a file, less one final LF or CRLF.
pub(super) fn read_password(file: &Path) -> Result<Zeroizing<String>, PasswordError> {
    let bytes = read(file)?;
    let not = || PasswordError::NotAPassword { file: file.to_owned() };
    if bytes.len() > FILE_MAX {
        return Err(not());
    }
    let line =
        password_line(&bytes).map_err(|error| PasswordError::NotOneLine { file: file.to_owned(), error })?;
    if line.is_empty() {
        return Err(PasswordError::Empty { file: file.to_owned() });
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// At most one octet more than [`FILE_MAX`], so that a wrong path cannot fill the memory.
pub(super) fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_MAX + 1));
    let limit = u64::try_from(FILE_MAX).unwrap_or(u64::MAX) + 1;
    File::open(file)
        .and_then(|open| open.take(limit).read_to_end(&mut bytes))
        .map_err(|error| PasswordError::Read { file: file.to_owned(), error })?;
    Ok(bytes)
}
