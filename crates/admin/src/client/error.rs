//! How a call can fail, in sentences that say what to do.

use super::TOTAL;

/// A call that did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not the URL of a node.
    #[error("`{url}` is not the address of a node; write http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
    },
    /// No connection, or one that broke off.
    #[error("failed to reach {url}: {error}; is the node running, and is this its admin address?")]
    Unreachable {
        /// The node.
        url: String,
        /// The system's words.
        error: String,
    },
    /// Too slow.
    #[error("{url} did not answer within {} s; is this the admin address of a node?", TOTAL.as_secs())]
    Timeout {
        /// The node.
        url: String,
    },
    /// No password, or the wrong one.
    #[error("{url} does not accept the password; give the right one with --admin-password-file")]
    Unauthorised {
        /// The node.
        url: String,
    },
    /// A refusal, with the node's reasons.
    #[error("{detail} ({status} {title})")]
    Problem {
        /// HTTP status.
        status: u16,
        /// The kind of refusal.
        title: String,
        /// What is wrong, and what to do.
        detail: String,
        /// The setting at fault, where it is one.
        key: Option<String>,
    },
    /// Something answers, but not a node.
    #[error("{url} answers, but not as a node does: {error}; is this the admin address of a node?")]
    Answer {
        /// The node.
        url: String,
        /// What is odd.
        error: String,
    },
}
