//! What can go wrong in the one-shot services.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ilslab_desk::ClientError;

use crate::error::LabError;
use crate::process::Side;

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
