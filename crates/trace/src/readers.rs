//! Who may read the files below `activelog`: their owner, and a group of collectors where one is named. Whatever the umask.
//!
//! ```text
//! nobody else    0700 folders              0600 files
//! a group        0750 folders              0640 files        0710 the data folder: the group passes, and sees nothing else
//! ```

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::Path;

/// The bits of a mode that say who may do what.
const BITS: u32 = 0o777;

/// Readers beside the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// The number of their group.
    pub group: Option<u32>,
}

impl Readers {
    /// Lets the group pass through the data folder, which otherwise stays as it is.
    ///
    /// # Errors
    /// The system's: only a member may give a folder to a group.
    pub fn let_pass(self, data_dir: &Path) -> io::Result<()> {
        let Some(group) = self.group else { return Ok(()) };
        let found = fs::metadata(data_dir)?;
        if found.gid() != group {
            chown(data_dir, None, Some(group))?;
        }
        let mode = found.permissions().mode() & BITS;
        set(data_dir, &found, mode | 0o010)
    }

    /// Makes the folder, and those between it and `data_dir`, which exists; they get the right mode if they have another.
    pub(crate) fn folder(self, data_dir: &Path, folder: &Path) -> io::Result<()> {
        let below = folder.strip_prefix(data_dir).unwrap_or(folder);
        let mut path = data_dir.to_owned();
        for part in below.components() {
            path.push(part);
            match DirBuilder::new().mode(self.folder_mode()).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => self.close_folder(&path)?,
            }
        }
        Ok(())
    }

    /// Opens a file to be continued, or makes it.
    pub(crate) fn file(self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(self.file_mode()).open(path)?;
        let found = file.metadata()?;
        if let Some(group) = self.group.filter(|group| found.gid() != *group) {
            fchown(&file, None, Some(group))?;
        }
        if found.permissions().mode() & BITS != self.file_mode() {
            file.set_permissions(Permissions::from_mode(self.file_mode()))?;
        }
        Ok(file)
    }

    fn close_folder(self, path: &Path) -> io::Result<()> {
        let found = fs::metadata(path)?;
        if let Some(group) = self.group.filter(|group| found.gid() != *group) {
            chown(path, None, Some(group))?;
        }
        set(path, &found, self.folder_mode())
    }

    fn folder_mode(self) -> u32 {
        if self.group.is_some() { 0o750 } else { 0o700 }
    }

    fn file_mode(self) -> u32 {
        if self.group.is_some() { 0o640 } else { 0o600 }
    }
}

/// What is right already is left alone: somebody else's folder cannot be changed, and need not be.
fn set(path: &Path, found: &Metadata, mode: u32) -> io::Result<()> {
    if found.permissions().mode() & BITS == mode {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its own group: everybody is a member of that.
    fn own_group(folder: &Path) -> u32 {
        fs::metadata(folder).expect("there").gid()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & BITS
    }

    #[test]
    fn what_is_made_and_what_was_there_get_the_mode_of_its_readers() {
        let home = tempfile::tempdir().expect("a folder");
        for (case, group, folder, file) in
            [("nobody else", None, 0o700, 0o600), ("a group", Some(own_group(home.path())), 0o750, 0o640)]
        {
            for existing in [false, true] {
                let data_dir = tempfile::tempdir_in(home.path()).expect("a folder");
                let readers = Readers { group };
                let (deep, log) = (data_dir.path().join("a/b/c"), data_dir.path().join("a/b/c/log"));
                if existing {
                    fs::create_dir_all(&deep).expect("made");
                    fs::write(&log, "as it was").expect("written");
                    for path in [data_dir.path().join("a"), deep.clone(), log.clone()] {
                        fs::set_permissions(path, Permissions::from_mode(0o777)).expect("opened");
                    }
                }
                readers.folder(data_dir.path(), &deep).expect(case);
                drop(readers.file(&log).expect(case));
                for path in ["a", "a/b", "a/b/c"] {
                    assert_eq!(mode(&data_dir.path().join(path)), folder, "{case}: {path}");
                }
                assert_eq!(mode(&log), file, "{case}");
                assert_eq!(fs::read(&log).expect("read").is_empty(), !existing, "{case}: it is continued");
            }
        }
    }

    #[test]
    fn a_group_passes_through_the_data_folder_and_nobody_else_does() {
        let data_dir = tempfile::tempdir().expect("a folder");
        for (before, group, after) in
            [(0o700, false, 0o700), (0o700, true, 0o710), (0o750, true, 0o750), (0o755, false, 0o755)]
        {
            fs::set_permissions(data_dir.path(), Permissions::from_mode(before)).expect("set");
            let readers = Readers { group: group.then(|| own_group(data_dir.path())) };
            readers.let_pass(data_dir.path()).expect("its own group");
            assert_eq!(mode(data_dir.path()), after, "{before:o} {group}");
        }
    }
}
