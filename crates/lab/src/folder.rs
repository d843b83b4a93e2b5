//! Where a demo or a scenario puts its files: a temporary folder, or one that is ours to empty.
//!
//! A node that finds its peers of an earlier run behaves differently, so everything starts from an empty folder. One
//! that is given is emptied only where an earlier run left its mark.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ilslab_files::{private_folder, write_new};
use tempfile::TempDir;

use crate::error::LabError;
use crate::lock::Lock;

/// Left in the folder of a demo.
pub(crate) const DEMO_MARK: &str = ".ilslab-demo";
/// Left in the folder of a scenario that is kept.
pub(crate) const SCENARIO_MARK: &str = ".ilslab-scenario";

const WHAT_A_MARK_SAYS: &str = "This folder is emptied whenever ilslab uses it again.\n";

/// An empty folder, held until dropped. A temporary one goes with it.
pub(crate) struct Grounds {
    path: PathBuf,
    temporary: Option<TempDir>,
    _lock: Option<Lock>,
}

impl Grounds {
    /// A new folder among the system's temporary ones, closed to others.
    ///
    /// # Errors
    /// [`LabError::Folder`].
    pub(crate) fn temporary() -> Result<Self, LabError> {
        let made = tempfile::Builder::new().prefix("ilslab-").tempdir();
        let folder = made.map_err(LabError::folder("make a temporary folder in", &std::env::temp_dir()))?;
        Ok(Self { path: folder.path().to_owned(), temporary: Some(folder), _lock: None })
    }

    /// This folder: made if it is missing, emptied if it bears the mark.
    ///
    /// # Errors
    /// [`LabError::NotOurs`] where something stands in it that no earlier run left, [`LabError::InUse`] while another
    /// run holds it, [`LabError::Folder`].
    pub(crate) fn at(path: &Path, mark: &'static str) -> Result<Self, LabError> {
        private_folder(path).map_err(LabError::folder("make the folder", path))?;
        let mark_file = path.join(mark);
        let marked = fs::symlink_metadata(&mark_file).is_ok_and(|found| found.is_file());
        if !marked && !is_empty(path)? {
            return Err(LabError::NotOurs { path: path.to_owned() });
        }
        let lock = take(&mark_file, path)?;
        empty(path, mark)?;
        ignore(path).map_err(LabError::folder("write .gitignore into the folder", path))?;
        Ok(Self { path: path.to_owned(), temporary: None, _lock: Some(lock) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does it go when this value is dropped?
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

fn is_empty(path: &Path) -> Result<bool, LabError> {
    let mut entries = fs::read_dir(path).map_err(LabError::folder("read the folder", path))?;
    Ok(entries.next().is_none())
}

/// Writes the mark, and locks it: two runs in one folder would delete each other's files.
fn take(mark_file: &Path, path: &Path) -> Result<Lock, LabError> {
    let marking = || LabError::folder("mark the folder", path);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(mark_file);
    let mut mark = opened.map_err(marking())?;
    let lock = mark.try_clone().map_err(marking())?;
    let lock = Lock::take(lock).ok_or_else(|| LabError::InUse { path: path.to_owned() })?;
    mark.write_all(WHAT_A_MARK_SAYS.as_bytes()).map_err(marking())?;
    Ok(lock)
}

/// Removes all but the mark, which stays so that a run that is killed here can be followed by another.
fn empty(path: &Path, mark: &str) -> Result<(), LabError> {
    let remove = || -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_name() == mark {
                continue;
            }
            // The type of the entry itself: a link is removed, never followed.
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(LabError::folder("empty the folder", path))
}

/// Keys and passwords will lie here, and the folder may be in somebody's working tree.
fn ignore(path: &Path) -> io::Result<()> {
    write_new(&path.join(".gitignore"), b"*\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn home() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    /// What is in a folder that was taken.
    const TAKEN: [&str; 2] = [".gitignore", DEMO_MARK];

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_that_is_new_or_empty_is_taken_and_marked() {
        let home = home();
        for (case, path) in [("new", home.path().join("a/b")), ("empty", home.path().join("empty"))] {
            if case == "empty" {
                fs::create_dir(&path).expect("made");
            }
            let grounds = Grounds::at(&path, DEMO_MARK).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(
                (names(grounds.path()), grounds.is_temporary()),
                (TAKEN.map(str::to_owned).to_vec(), false),
                "{case}"
            );
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let home = home();
        for (case, file) in
            [("a file", "thesis.txt"), ("another mark", SCENARIO_MARK), ("hidden", ".profile")]
        {
            let path = home.path().join(case);
            fs::create_dir(&path).expect("made");
            fs::write(path.join(file), "precious").expect("written");
            let error = Grounds::at(&path, DEMO_MARK).map(|_| ()).expect_err(case);
            assert!(matches!(error, LabError::NotOurs { .. }), "{case}: {error}");
            assert_eq!((error.exit_code(), names(&path)), (4, vec![file.to_owned()]), "{case}");
        }
    }

    #[test]
    fn a_mark_that_is_a_link_is_no_mark() {
        let home = home();
        let target = home.path().join("target");
        fs::write(&target, "precious").expect("written");
        let path = home.path().join("demo");
        fs::create_dir(&path).expect("made");
        symlink(&target, path.join(DEMO_MARK)).expect("linked");
        assert!(matches!(Grounds::at(&path, DEMO_MARK), Err(LabError::NotOurs { .. })));
        assert_eq!(fs::read_to_string(&target).expect("there"), "precious");
    }

    #[test]
    fn what_an_earlier_demo_left_goes_and_what_its_links_point_at_stays() {
        let home = home();
        let (path, precious) = (home.path().join("demo"), home.path().join("precious"));
        fs::create_dir(&precious).expect("made");
        fs::write(precious.join("file"), "").expect("written");
        drop(Grounds::at(&path, DEMO_MARK).expect("the first"));
        write_new(&path.join("hub/db/ils.sqlite"), b"old").expect("written");
        symlink(&precious, path.join("link")).expect("linked");
        let grounds = Grounds::at(&path, DEMO_MARK).expect("the second");
        assert_eq!(names(grounds.path()), TAKEN);
        assert_eq!(names(&precious), ["file"]);
    }

    #[test]
    fn two_runs_in_one_folder_exclude_each_other() {
        let home = home();
        let first = Grounds::at(home.path(), DEMO_MARK).expect("the first");
        let error = Grounds::at(home.path(), DEMO_MARK).map(|_| ()).expect_err("the second");
        assert_eq!((matches!(error, LabError::InUse { .. }), error.exit_code()), (true, 4));
        drop(first);
        Grounds::at(home.path(), DEMO_MARK).expect("once the first has ended");
    }

    #[test]
    fn a_private_file_is_readable_by_its_owner_alone_and_never_replaced() {
        let home = home();
        let path = home.path().join("platform/tomcat.key");
        write_new(&path, b"key").expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!((mode(&path), mode(&home.path().join("platform"))), (0o600, 0o700));
        assert!(write_new(&path, b"other").is_err());
    }

    #[test]
    fn a_folder_that_is_kept_is_ignored_by_git_with_all_that_is_in_it_each_time() {
        let home = home();
        let path = home.path().join("kept");
        for _ in 0..2 {
            let grounds = Grounds::at(&path, SCENARIO_MARK).expect("ours");
            assert_eq!(fs::read_to_string(grounds.path().join(".gitignore")).expect("is there"), "*\n");
        }
    }

    #[test]
    fn a_temporary_folder_goes_with_its_value() {
        let grounds = Grounds::temporary().expect("a folder");
        let path = grounds.path().to_owned();
        assert!(grounds.is_temporary() && path.is_dir());
        drop(grounds);
        assert!(!path.exists());
    }
}
