//! Why certificates could not be made: what, where, and the cure.

use std::io;
use std::path::{Path, PathBuf};

use super::name::NodeError;

/// A failure of [`issue`](super::issue) or of one of its parts. Each text completes "failed to make certificates: …".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertsError {
    /// A node's name or FQDN cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Two nodes would share a folder.
    #[error(
        "the node `{name}` is given twice; give every node a name of its own (case does not tell them apart)"
    )]
    NodeTwice {
        /// The name, as given the second time.
        name: String,
    },
    /// No node was asked for.
    #[error("no node is given; give at least one as NAME=FQDN")]
    NoNode,
    /// The life asked for is out of range.
    #[error("a life of {days} days is out of range; give 1 to {most}")]
    Days {
        /// Days asked for.
        days: u32,
        /// The longest life there is, in days.
        most: u32,
    },
    /// The clock is so far off that an X.509 date cannot hold it.
    #[error("the clock is outside the years 1970 to 9999; set it")]
    Clock,
    /// Another run holds the folder.
    #[error("another `ilslab certs issue` is at work in `{}`; wait for it to end", dir.display())]
    Busy {
        /// The certificates' folder.
        dir: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    File {
        /// What was tried: `read`, `write`, …
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A certificate whose key is gone.
    #[error(
        "`{}` is there, but its key `{}` is missing; put the key back, or replace both with --force",
        cert.display(), key.display()
    )]
    KeyMissing {
        /// The certificate.
        cert: PathBuf,
        /// Where its key should be.
        key: PathBuf,
    },
    /// A certificate beside somebody else's key.
    #[error(
        "`{}` is not the key of `{}`; put the right one back, or replace both with --force",
        key.display(), cert.display()
    )]
    KeyMismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key that does not belong to it.
        key: PathBuf,
    },
    /// A file that holds no readable certificate.
    #[error("`{}` holds no usable certificate: {why}; replace it with --force", path.display())]
    NotACertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that holds no readable private key.
    #[error("`{}` holds no usable private key: {why}; replace it with --force", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The CA's certificate must not sign.
    #[error("`{}` may not sign certificates (no CA:TRUE, or no keyCertSign); replace it with --force", path.display())]
    NotAnAuthority {
        /// The file.
        path: PathBuf,
    },
    /// The CA's certificate is over.
    #[error("the lab CA `{}` expired on {when}; replace it with --force", path.display())]
    AuthorityExpired {
        /// The file.
        path: PathBuf,
        /// Its notAfter.
        when: String,
    },
    /// There is no lab CA where one was to be loaded.
    #[error("there is no lab CA `{}`; make one with `ilslab certs issue`", path.display())]
    NoAuthority {
        /// Where it should be.
        path: PathBuf,
    },
    /// A request that the lab CA does not sign.
    #[error(
        "the request cannot be signed: {why}; `ilslab certs request NODE` makes one, `openssl req -new` too"
    )]
    Request {
        /// What is wrong with it.
        why: String,
    },
    /// The operating system gave no randomness.
    #[error("the system gave no random numbers: {0}")]
    Random(getrandom::Error),
    /// A key or certificate could not be made of what we gave the library: our fault.
    #[error("cannot make {what}: {source}")]
    Making {
        /// What was being made.
        what: &'static str,
        /// The library's reason.
        source: rcgen::Error,
    },
    /// The report could not be written.
    #[error("cannot write the report: {0}")]
    Report(io::Error),
}

impl CertsError {
    /// The exit code of the command: 3 for what was asked, 4 for the surroundings, 70 for a bug.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Node(_)
            | Self::NodeTwice { .. }
            | Self::NoNode
            | Self::Days { .. }
            | Self::Request { .. } => 3,
            Self::Making { .. } => 70,
            _ => 4,
        }
    }

    /// Whether the files themselves are at fault, so that making them anew is a cure.
    pub(super) fn is_cured_by_force(&self) -> bool {
        matches!(
            self,
            Self::KeyMissing { .. }
                | Self::KeyMismatch { .. }
                | Self::NotACertificate { .. }
                | Self::NotAKey { .. }
                | Self::NotAnAuthority { .. }
                | Self::AuthorityExpired { .. }
        )
    }

    /// For `map_err` on what the file system answers.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { doing, path: path.to_path_buf(), source }
    }

    /// For `map_err` on what the certificate library answers.
    pub(super) fn making(what: &'static str) -> impl FnOnce(rcgen::Error) -> Self {
        move |source| Self::Making { what, source }
    }
}
