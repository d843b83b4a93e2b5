//! Files that are complete and do not count yet: each lies beside its place until what they belong to is stored.
//!
//! ```text
//! put -> tomcat.key.next, tomcat.pem.next --install--> tomcat.key, tomcat.pem
//!                                         --drop-----> gone, with the folders that were made for them
//! ```

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ilslab_files::{move_into_place, private_folder, remove, write_private};

/// Files on their way, which leave nothing behind unless they are installed.
#[derive(Default)]
pub(crate) struct Staged {
    places: Vec<PathBuf>,
    /// Outermost first.
    folders: Vec<PathBuf>,
}

impl Staged {
    /// Writes the content of a file beside its place. Makes the folders that are missing.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn put(&mut self, place: &Path, content: &[u8]) -> io::Result<()> {
        if let Some(folder) = place.parent() {
            self.folder(folder)?;
        }
        // Named before it is there: what was written halfway is removed as well.
        self.places.push(place.to_owned());
        write_private(&beside(place), content)
    }

    /// Makes a folder, and those above it that are missing.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn folder(&mut self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        self.folders.extend(missing.into_iter().rev().map(Path::to_owned));
        private_folder(path)
    }

    /// From now on the files are in their places, in the order in which they were put.
    ///
    /// # Errors
    /// The first that the system does not let in; those before it are in their places, those after it are gone.
    pub(crate) fn install(mut self) -> io::Result<()> {
        self.folders.clear();
        while !self.places.is_empty() {
            let place = self.places.remove(0);
            if let Err(error) = move_into_place(&beside(&place), &place) {
                self.places.push(place);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes what a process that was killed may have left beside this place.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn sweep(place: &Path) -> io::Result<()> {
        remove(&beside(place))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for place in &self.places {
            if let Err(error) = Self::sweep(place) {
                tracing::warn!("{} cannot be removed: {error}", beside(place).display());
            }
        }
        for folder in self.folders.iter().rev() {
            // One in which somebody has put something meanwhile stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

fn beside(place: &Path) -> PathBuf {
    let mut name = place.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".next");
    place.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_not_installed_leaves_nothing_behind_but_what_others_put_there() {
        let root = tempfile::tempdir().expect("a folder");
        let place = root.path().join("platform/tomcat/tomcat.key");
        let mut staged = Staged::default();
        staged.put(&place, b"a key").expect("writes");
        staged.folder(&root.path().join("platform/tomcat-trust")).expect("makes");
        assert!(!place.exists(), "it does not count yet");
        assert_eq!(fs::metadata(beside(&place)).expect("is there").permissions().mode() & 0o777, 0o600);
        drop(staged);
        assert_eq!(fs::read_dir(root.path()).expect("reads").count(), 0);

        let mut staged = Staged::default();
        staged.put(&place, b"a key").expect("writes");
        let request = root.path().join("platform/tomcat/request.csr");
        fs::write(&request, "somebody's").expect("writes");
        drop(staged);
        assert!(request.exists() && !beside(&place).exists());
    }

    #[test]
    fn what_is_installed_stays_in_its_place_and_replaces_what_was_there() {
        let root = tempfile::tempdir().expect("a folder");
        let (key, certificate) = (root.path().join("new/a.key"), root.path().join("new/a.pem"));
        for content in ["first", "second"] {
            let mut staged = Staged::default();
            staged.put(&key, content.as_bytes()).expect("writes");
            staged.put(&certificate, content.as_bytes()).expect("writes");
            staged.install().expect("renames");
            for place in [&key, &certificate] {
                assert_eq!(fs::read_to_string(place).expect("is there"), content);
                assert!(!beside(place).exists());
            }
        }
    }

    #[test]
    fn one_that_is_not_let_in_is_an_error_and_those_after_it_are_gone() {
        let root = tempfile::tempdir().expect("a folder");
        let (key, certificate) = (root.path().join("a.key"), root.path().join("a.pem"));
        let mut staged = Staged::default();
        staged.put(&key, b"a key").expect("writes");
        staged.put(&certificate, b"a certificate").expect("writes");
        fs::create_dir(&key).expect("a folder in its place");
        assert!(staged.install().is_err());
        assert!(!certificate.exists() && !beside(&key).exists() && !beside(&certificate).exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let root = tempfile::tempdir().expect("a folder");
        let place = root.path().join("tomcat.key");
        fs::write(beside(&place), "left").expect("writes");
        for _ in 0..2 {
            Staged::sweep(&place).expect("removes, or finds nothing");
        }
        assert!(!beside(&place).exists());
    }
}
