//! A lock on a folder, let go when dropped.

use std::fs::{File, TryLockError};

/// Held until dropped.
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock of this open file or folder; `None` while another holds it.
    ///
    /// A file system without locks is taken as it is: two runs at once are then not told apart.
    pub(crate) fn take(file: File) -> Option<Self> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            Ok(()) | Err(TryLockError::Error(_)) => Some(Self(file)),
        }
    }
}

impl Drop for Lock {
    /// Closing our descriptor is not enough: a child that another thread starts holds a copy of it until it has
    /// become its program, and the lock would stand as long.
    fn drop(&mut self) {
        // Where there was no lock to take there is none to let go.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_others_until_dropped_whoever_has_a_copy_of_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || File::open(folder.path()).expect("opens");
        let held = open();
        let copy = held.try_clone().expect("a copy, as a child that is being started has");
        let lock = Lock::take(held).expect("free");
        assert!(Lock::take(open()).is_none(), "held");
        drop(lock);
        assert!(Lock::take(open()).is_some(), "free again");
        drop(copy);
    }
}
