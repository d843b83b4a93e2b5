//! The folders that are volumes in a compose file, and what is in each under the same name.

use std::path::Path;

use super::error::ComposeError;

/// Where the volumes are in a container.
pub(super) const STATE: &str = "/var/lib/ilslab";
/// The folder that no node sees.
pub(super) const LAB: &str = "lab";
/// The file with the administrator's password: the lab's, and each node's own copy.
pub(super) const ADMIN_PASSWORD: &str = "admin.password";

/// The administrator's password as `ilslab setup` left it in this folder.
pub(super) fn admin_password(folder: &Path) -> Result<String, ComposeError> {
    let path = folder.join(ADMIN_PASSWORD);
    std::fs::read_to_string(&path).map_err(|source| ComposeError::NotSetUp { path, source })
}
