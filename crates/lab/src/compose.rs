//! The pair in containers: what the one-shot services of the compose file do.
//!
//! ```text
//! DIR/hub/      volume of the hub      node.toml  password  admin.password  data/   \
//! DIR/spoke/    volume of the spoke    the same                                      > and a stamp in each
//! DIR/lab/      of neither node        admin.password                     ca/       /
//!
//! setup  -> stamps as asked? nothing : empty, certificates, passwords, configuration, stamps
//! switch -> method 4: wait until both have joined by password -> PATCH hub -> PATCH spoke
//! ```
//!
//! Each node sees its own volume alone, so that neither reads the other's key. The folders lie at the same place in
//! every container that sees them.

mod node_file;
mod setup;
mod stamp;
mod switch;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ilslab_desk::ClientError;

use crate::error::LabError;
use crate::process::Side;

pub use setup::{SetupArgs, run_setup, setup};
pub use switch::{SwitchArgs, is_joined, run_switch};

/// Where the volumes are in a container.
const STATE: &str = "/var/lib/ilslab";
/// The folder that no node sees.
const LAB: &str = "lab";
/// The file with the administrator's password: the lab's, and each node's own copy.
const ADMIN_PASSWORD: &str = "admin.password";

/// A failure of `ilslab setup` or `ilslab switch`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The method, the folders, the certificates.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A file that `ilslab setup` makes is not there, or not to be read.
    #[error("`{}` cannot be read: {source}; run `ilslab setup` first", path.display())]
    NotSetUp {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is not what `ilslab setup` writes.
    #[error("`{}` is not a stamp of this program; run `ilslab setup` again", path.display())]
    NoStamp {
        /// Which file.
        path: PathBuf,
    },
    /// A node's API did not do what it was asked.
    #[error("the {side} cannot be asked: {source}")]
    Node {
        /// Which node.
        side: Side,
        /// The client's words.
        source: ClientError,
    },
    /// The first half of method 4 did not come about.
    #[error(
        "hub and spoke have not joined by password within {} s, so nothing was switched; their logs say why",
        within.as_secs()
    )]
    NotJoined {
        /// How long was waited.
        within: Duration,
    },
}

impl ComposeError {
    /// The exit code of the command.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lab(error) => error.exit_code(),
            Self::NotSetUp { .. } | Self::NoStamp { .. } => 4,
            Self::NotJoined { .. } => 5,
            Self::Node { source, .. } => source.exit_code(),
        }
    }
}

/// The administrator's password as `ilslab setup` left it in this folder.
fn admin_password(folder: &Path) -> Result<String, ComposeError> {
    let path = folder.join(ADMIN_PASSWORD);
    std::fs::read_to_string(&path).map_err(|source| ComposeError::NotSetUp { path, source })
}
