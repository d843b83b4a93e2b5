//! Where a running demo's nodes are and how to log in, left for the commands of the same user.
//!
//! ```text
//! ilslab demo -> leave -> $XDG_RUNTIME_DIR/ilslab-UID/{hub,spoke,hub@N,spoke@N}.json -> read -> ilslab alarms hub
//! ```
//!
//! The folder may lie in a place that others can write to: it is used only where it is ours and closed to them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ilslab_files::{private_folder, write_private};
use rustix::process::getuid;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::instance::NodeName;

/// The bits of a mode that let anybody but the owner in.
const OTHERS: u32 = 0o077;

/// What a client needs to reach a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// The node's API.
    pub url: String,
    /// The file with the administrator's password.
    pub password_file: PathBuf,
}

/// What a demo has left: taken away again when dropped.
#[derive(Debug)]
pub(crate) struct Left {
    files: Vec<(PathBuf, String)>,
}

/// What a running demo left for this node; nothing where none runs.
pub fn read(node: NodeName) -> Option<Handoff> {
    read_from(&runtime_folder(), node)
}

/// Leaves this for the two nodes, in place of what an earlier demo may have forgotten.
///
/// # Errors
/// [`LabError::Folder`] where the folder is not ours or cannot be written.
pub(crate) fn leave(nodes: &[(NodeName, Handoff)]) -> Result<Left, LabError> {
    leave_in(&runtime_folder(), nodes)
}

fn runtime_folder() -> PathBuf {
    place(std::env::var_os("XDG_RUNTIME_DIR"), std::env::temp_dir(), getuid().as_raw())
}

fn place(runtime_dir: Option<OsString>, temporary: PathBuf, uid: u32) -> PathBuf {
    let given = runtime_dir.map(PathBuf::from).filter(|dir| dir.is_absolute() && dir.is_dir());
    given.unwrap_or(temporary).join(format!("ilslab-{uid}"))
}

fn read_from(folder: &Path, node: NodeName) -> Option<Handoff> {
    check(folder).ok()?;
    let text = fs::read(file_of(folder, node)).ok()?;
    let handoff: Handoff = serde_json::from_slice(&text).ok()?;
    // A demo that was killed takes nothing away; the file with the password may be gone with its folder.
    handoff.password_file.is_file().then_some(handoff)
}

fn leave_in(folder: &Path, nodes: &[(NodeName, Handoff)]) -> Result<Left, LabError> {
    let doing = "leave the address of the nodes in";
    private_folder(folder).and_then(|()| check(folder)).map_err(LabError::folder(doing, folder))?;
    let mut left = Left { files: Vec::new() };
    for (node, handoff) in nodes {
        let path = file_of(folder, *node);
        let text = serde_json::json!(handoff).to_string();
        write_private(&path, text.as_bytes()).map_err(LabError::folder(doing, &path))?;
        left.files.push((path, text));
    }
    Ok(left)
}

fn file_of(folder: &Path, node: NodeName) -> PathBuf {
    folder.join(format!("{node}.json"))
}

/// A folder, not a link to one, that belongs to us and lets nobody else in.
fn check(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & OTHERS == 0 {
        return Ok(());
    }
    let why = "it is not a folder of yours that is closed to others; remove it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

impl Drop for Left {
    fn drop(&mut self) {
        for (path, text) in &self.files {
            // Another demo may have left its own since.
            if fs::read_to_string(path).is_ok_and(|found| found == *text) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn node(name: &str) -> NodeName {
        name.parse().expect("a node")
    }

    fn handoff(home: &Path, port: u16) -> Handoff {
        let password_file = home.join("admin.password");
        fs::write(&password_file, "secret").expect("written");
        Handoff { url: format!("http://127.0.0.1:{port}"), password_file }
    }

    #[test]
    fn what_is_left_is_read_until_it_is_taken_away() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("ilslab-1");
        let nodes = [("hub", 8080), ("spoke", 8081), ("hub@3", 3)];
        let nodes = nodes.map(|(name, port)| (node(name), handoff(home.path(), port)));
        let left = leave_in(&folder, &nodes).expect("left");
        for (name, want) in
            [("hub", Some(8080)), ("spoke", Some(8081)), ("hub@3", Some(3)), ("spoke@3", None)]
        {
            let url = read_from(&folder, node(name)).map(|found| found.url);
            assert_eq!(url, want.map(|port| format!("http://127.0.0.1:{port}")), "{name}");
        }
        drop(left);
        assert_eq!(read_from(&folder, node("hub")), None);
    }

    #[test]
    fn a_later_demo_wins_and_keeps_what_it_left() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("ilslab-1");
        let hub = |port| [(node("hub"), handoff(home.path(), port))];
        let first = leave_in(&folder, &hub(1)).expect("left");
        let _second = leave_in(&folder, &hub(2)).expect("left");
        drop(first);
        assert_eq!(
            read_from(&folder, node("hub")).map(|found| found.url).as_deref(),
            Some("http://127.0.0.1:2")
        );
    }

    #[test]
    fn what_a_killed_demo_forgot_is_nothing_once_its_password_is_gone() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("ilslab-1");
        let _left = leave_in(&folder, &[(node("hub"), handoff(home.path(), 1))]).expect("left");
        fs::remove_file(home.path().join("admin.password")).expect("removed");
        assert_eq!(read_from(&folder, node("hub")), None);
    }

    #[test]
    fn a_folder_that_others_can_enter_or_that_is_a_link_is_not_used() {
        let home = tempfile::tempdir().expect("a folder");
        let (open, link) = (home.path().join("open"), home.path().join("link"));
        let hub = [(node("hub"), handoff(home.path(), 1))];
        drop(leave_in(&open, &hub).expect("left"));
        symlink(&open, &link).expect("linked");
        fs::write(open.join("hub.json"), serde_json::json!(hub[0].1).to_string()).expect("written");
        assert!(read_from(&open, node("hub")).is_some() && read_from(&link, node("hub")).is_none());
        fs::set_permissions(&open, Permissions::from_mode(0o750)).expect("opened");
        assert_eq!(read_from(&open, node("hub")), None);
        for folder in [open, link] {
            let error = leave_in(&folder, &hub).expect_err("not ours");
            assert_eq!(error.exit_code(), 4, "{error}");
        }
    }

    #[test]
    fn the_runtime_folder_is_the_one_of_the_login_where_there_is_one() {
        let home = tempfile::tempdir().expect("a folder");
        let (login, temporary) = (home.path().to_owned(), PathBuf::from("/var/spare"));
        for (case, given, want) in [
            ("a login", Some(login.clone().into_os_string()), login.join("ilslab-7")),
            ("none", None, temporary.join("ilslab-7")),
            ("one that is gone", Some("/nonexistent".into()), temporary.join("ilslab-7")),
            ("not absolute", Some(".".into()), temporary.join("ilslab-7")),
        ] {
            assert_eq!(place(given, temporary.clone(), 7), want, "{case}");
        }
    }
}
